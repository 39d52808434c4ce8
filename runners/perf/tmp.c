// SPDX-License-Identifier: GPL-2.0-or-later
/* Folders for sockets, whose names are short: 107 bytes, so not in the run directory.  What processes that were killed left goes. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "runners/perf/export.h"
#include "runners/perf/perf.h"

/* "nvsr-KIND-PID-" and what mkdtemp() adds. */
static const char *const kinds[] = { [NVSR_TMP_IO] = "io", [NVSR_TMP_VM] = "vm" };

static const char *tmp_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	return tmp && strlen(tmp) < 40 ? tmp : "/tmp";
}

int nvsr_tmp_make(enum nvsr_tmp_kind kind, char ret[NVSR_TMP])
{
	snprintf(ret, NVSR_TMP, "%s/nvsr-%s-%d-XXXXXX", tmp_folder(), kinds[kind], (int)getpid());
	if (mkdtemp(ret))
		return 0;
	ret[0] = '\0';
	return -errno;
}

void nvsr_tmp_remove(const char *path)
{
	struct stat st;
	DIR *d;
	const struct dirent *e;

	if (lstat(path, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return;
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

/* Is it a folder of a process that is gone? */
static bool is_left(const char *name)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i]);
		int pid, end = 0;

		if (!strncmp(name, "nvsr-", 5) && !strncmp(name + 5, kinds[i], len) && sscanf(name + 5 + len, "-%d-%n", &pid, &end) == 1 &&
		    end && pid > 0)
			return kill(pid, 0) && errno == ESRCH;
	}
	return false;
}

void nvsr_perf_tidy(void)
{
	DIR *d = opendir(tmp_folder());
	const struct dirent *e;

	nvsr_export_tidy();
	while (d && (e = readdir(d))) {
		_cleanup_free_ char *path = is_left(e->d_name) ? nvsr_asprintf("%s/%s", tmp_folder(), e->d_name) : NULL;

		if (path)
			nvsr_tmp_remove(path);
	}
	if (d)
		closedir(d);
}
