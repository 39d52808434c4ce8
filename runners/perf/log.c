// SPDX-License-Identifier: GPL-2.0-or-later
/* perf.jsonl: written line by line, each durable; read back to go on with a run that was interrupted. */
#include <fcntl.h>

#include "runners/perf/perf.h"

struct nvsr_log { int fd, error; };

/* A last line that was cut off goes, so that the next one starts a line. */
static int seek_end(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char c = '\n';

	for (; end > 0 && pread(fd, &c, 1, end - 1) == 1 && c != '\n'; end--)
		;
	return end < 0 || ftruncate(fd, end) || lseek(fd, end, SEEK_SET) < 0 ? -errno : 0;
}

int nvsr_log_open(const char *path, bool append, struct nvsr_log **ret)
{
	struct nvsr_log *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	l->fd = open(path, O_RDWR | O_CLOEXEC | (append ? 0 : O_CREAT | O_EXCL), 0644);
	rc = l->fd < 0 ? -errno : append ? seek_end(l->fd) : 0;
	if (rc) {
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return rc;
	}
	*ret = l;
	return 0;
}

int nvsr_log_put(struct nvsr_log *l, json_t *o)
{
	_cleanup_free_ char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;

	json_decref(o);
	if (!text)
		return -ENOMEM;
	if (l->error)
		return l->error;
	text[len++] = '\n';	/* in place of the NUL: the length is known */
	for (size_t done = 0; !l->error && done < len;) {
		ssize_t n = write(l->fd, text + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (!n || errno != EINTR)
			l->error = n ? -errno : -ENOSPC;
	}
	if (!l->error && fdatasync(l->fd) && errno != EINVAL)
		l->error = -errno;
	return l->error;
}

int nvsr_log_close(struct nvsr_log *l)
{
	int rc;

	if (!l)
		return 0;
	rc = l->error;
	if (close(l->fd) && !rc)
		rc = -errno;
	free(l);
	return rc;
}

/* --- reading ------------------------------------------------------------------------------------------------------------------ */

static int bad_line(const char *path, unsigned line, const char *what, struct nvsr_complaint *complaint)
{
	snprintf(complaint->text, sizeof(complaint->text), "%s:%u: %s", path, line, what);
	return -EINVAL;
}

static int take_cell(struct nvsr_log_state *s, json_t *o)
{
	const char *cell = json_string_value(json_object_get(o, "cell")), *result = json_string_value(json_object_get(o, "result"));
	json_int_t repeat = json_integer_value(json_object_get(o, "repeat"));
	_cleanup_free_ char *name = NULL;

	if (!cell || !result || repeat < 1 || repeat > NVSR_REPEATS_MAX)
		return -EINVAL;
	s->ok += !strcmp(result, "ok");
	s->bad += !strcmp(result, "fail");
	name = nvsr_asprintf("%s %d", cell, (int)repeat);
	return name ? nvsr_lines_add(&s->results, name) : -ENOMEM;
}

static int take_event(struct nvsr_log_state *s, json_t *o)
{
	const char *event = json_string_value(json_object_get(o, "event")), *result;

	if (!event)
		return -EINVAL;
	if (!strcmp(event, "start")) {
		json_decref(s->start);
		s->start = json_incref(o);
	} else if (!strcmp(event, "cell")) {
		return take_cell(s, o);
	} else if (!strcmp(event, "verify")) {
		result = json_string_value(json_object_get(o, "result"));
		s->corrupt |= json_is_true(json_object_get(o, "corrupt")) && result && !strcmp(result, "fail");
	} else if (!strcmp(event, "end")) {
		s->complete = !json_is_true(json_object_get(o, "interrupted"));
	} else if (!strcmp(event, "resume")) {
		s->complete = false;
	}
	return 0;	/* events of later versions are not for us */
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int nvsr_log_read(const char *path, struct nvsr_log_state *ret, struct nvsr_complaint *complaint)
{
	struct nvsr_log_state s = { 0 };
	_cleanup_free_ char *text = NULL;
	unsigned line = 0;
	int rc = nvsr_read_file(path, 64u << 20, &text, NULL);

	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "%s: %s", path, strerror(-rc));
	for (char *at = text, *end; !rc && at && (end = strchr(at, '\n')); at = end + 1) {
		json_error_t error;
		json_t *o;

		line++;
		*end = '\0';
		o = json_loads(at, JSON_REJECT_DUPLICATES, &error);
		if (!json_is_object(o))
			rc = bad_line(path, line, o ? "expected an object" : error.text, complaint);
		else if ((rc = take_event(&s, o)))
			bad_line(path, line, rc == -ENOMEM ? "out of memory" : "is no event of a perf run", complaint);
		json_decref(o);
	}
	if (!rc && !s.start)
		rc = bad_line(path, 1, "expected the event \"start\": it began no run", complaint);
	if (rc) {
		nvsr_log_state_free(&s);
		return rc;
	}
	if (s.results)
		qsort(s.results, nvsr_lines_count(s.results), sizeof(*s.results), by_text);
	*ret = s;
	return 0;
}

void nvsr_log_state_free(struct nvsr_log_state *s)
{
	json_decref(s->start);
	nvsr_lines_free(s->results);
	*s = (struct nvsr_log_state){ 0 };
}

bool nvsr_log_has(const struct nvsr_log_state *s, const char *cell, unsigned repeat)
{
	char name[NVSR_CELL_NAME + 16], *key = name;

	snprintf(name, sizeof(name), "%s %u", cell, repeat);
	return s->results && bsearch(&key, s->results, nvsr_lines_count(s->results), sizeof(*s->results), by_text);
}

char **nvsr_log_args(const json_t *start)
{
	const char *device = json_string_value(json_object_get(start, "device"));
	char **args = NULL;
	const json_t *one;
	size_t i;
	int rc = nvsr_lines_add(&args, "nvsr-conform resume");

	json_array_foreach(json_object_get(start, "options"), i, one)
		if (!rc && json_is_string(one))
			rc = nvsr_lines_add(&args, json_string_value(one));
	if (!rc)
		rc = nvsr_lines_add(&args, "--");
	if (!rc)
		rc = nvsr_lines_add(&args, device ? device : "");
	return rc ? nvsr_lines_free(args) : args;
}
