// SPDX-License-Identifier: GPL-2.0-or-later
/* Growing strings, globs, whole files. */
#include "base/text.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <sys/stat.h>

static bool room(struct nvsr_text *t, size_t more)
{
	size_t need, cap;
	char *s;

	if (t->failed || __builtin_add_overflow(t->len, more, &need) || need == SIZE_MAX) {
		t->failed = true;
		return false;
	}
	need++;
	if (need <= t->cap)
		return true;
	cap = NVSR_MAX(need, NVSR_MAX(t->cap * 2, (size_t)64));
	s = realloc(t->s, cap);
	if (!s) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->cap = cap;
	return true;
}

void nvsr_text_addn(struct nvsr_text *t, const char *s, size_t n)
{
	if (!room(t, n))
		return;
	if (n)
		memcpy(t->s + t->len, s, n);
	t->len += n;
	t->s[t->len] = '\0';
}

void nvsr_text_add(struct nvsr_text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		t->failed = true;
	if (n < 0 || !room(t, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(t->s + t->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

void nvsr_text_free(struct nvsr_text *t)
{
	free(t->s);
	*t = (struct nvsr_text){ 0 };
}

char *nvsr_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return s;
}

bool nvsr_glob(const char *pattern, const char *id)
{
	/* An id with parameters in brackets also matches itself. */
	return !strcmp(pattern, id) || fnmatch(pattern, id, 0) == 0;
}

bool nvsr_selected(const char *const *patterns, size_t n, const char *id)
{
	bool selected = !n || patterns[0][0] == '!';

	for (size_t i = 0; i < n; i++) {
		bool negated = patterns[i][0] == '!';

		if (nvsr_glob(patterns[i] + negated, id))
			selected = !negated;
	}
	return selected;
}

int nvsr_read_file(const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_text_ struct nvsr_text t = { 0 };
	char buf[4096];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (t.len + (size_t)n > max)
			return -EFBIG;
		nvsr_text_addn(&t, buf, (size_t)n);
	}
	nvsr_text_addn(&t, "", 0);
	if (t.failed)
		return -ENOMEM;
	*ret = t.s;
	if (ret_len)
		*ret_len = t.len;
	t.s = NULL;
	return 0;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The name itself is durable only once its folder is. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	_cleanup_close_ int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!dir)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	/* Some file systems cannot sync a folder and need not. */
	if (fsync(fd) && errno != EINVAL && errno != EROFS)
		return -errno;
	return 0;
}

int nvsr_write_file(const char *path, const void *data, size_t len)
{
	_cleanup_free_ char *tmp = nvsr_asprintf("%s.%ld.tmp", path, (long)getpid());
	int fd = tmp ? open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666) : -1, rc;

	if (!tmp)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	rc = write_all(fd, data, len);
	if (!rc && fsync(fd))
		rc = -errno;
	if (close(fd) && !rc)
		rc = -errno;
	if (!rc && rename(tmp, path))
		rc = -errno;
	if (rc) {
		unlink(tmp);
		return rc;
	}
	return sync_folder(path);
}

int nvsr_mkdirs(const char *path)
{
	_cleanup_free_ char *p = strdup(path);
	struct stat st;

	if (!p)
		return -ENOMEM;
	for (char *s = p + 1; p[0] && *s; s++) {
		if (*s != '/')
			continue;
		*s = '\0';
		if (mkdir(p, 0777) && errno != EEXIST)
			return -errno;
		*s = '/';
	}
	if (!mkdir(p, 0777))
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(p, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}
