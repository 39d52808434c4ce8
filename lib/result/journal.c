// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The journal's writer.  One JSON object per line; a line is on the medium before the call returns, so a crash of the
 * host right after a test never loses its result.  Start lines are the exception: they only name the test that was
 * running, and ride with the next line.
 */
#include <fcntl.h>

#include "base/time.h"
#include "result/json.h"

struct nvsr_journal {
	int fd;
	int error;
};

/* Cut a torn last line off, so that what follows starts a line of its own. */
static int seek_end(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char c;

	for (; end > 0; end--) {
		if (pread(fd, &c, 1, end - 1) != 1)
			return -EIO;
		if (c == '\n')
			break;
	}
	if (end < 0 || ftruncate(fd, end) || lseek(fd, end, SEEK_SET) < 0)
		return -errno;
	return 0;
}

int nvsr_journal_open(const char *path, bool append, struct nvsr_journal **ret)
{
	struct nvsr_journal *j = calloc(1, sizeof(*j));
	int rc;

	if (!j)
		return -ENOMEM;
	j->fd = open(path, O_RDWR | O_CLOEXEC | (append ? 0 : O_CREAT | O_EXCL), 0644);
	rc = j->fd < 0 ? -errno : append ? seek_end(j->fd) : 0;
	if (rc) {
		if (j->fd >= 0)
			close(j->fd);
		free(j);
		return rc;
	}
	*ret = j;
	return 0;
}

static int fail(struct nvsr_journal *j, int rc)
{
	if (!j->error)
		j->error = rc;
	return rc;
}

static int put_line(struct nvsr_journal *j, json_t *o, bool durable)
{
	_cleanup_free_ char *text = json_dumps(o, JSON_COMPACT);
	size_t len = text ? strlen(text) : 0, done = 0;

	json_decref(o);
	if (j->error)
		return j->error;
	if (!text)
		return fail(j, -ENOMEM);
	text[len++] = '\n';	/* in place of the NUL: the length is known */
	while (done < len) {
		ssize_t n = write(j->fd, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(j, n ? -errno : -ENOSPC);
		done += (size_t)n;
	}
	/* Pipes and /dev/null cannot be synchronised (EINVAL); that is not a lost line. */
	if (durable && fdatasync(j->fd) && errno != EINVAL)
		return fail(j, -errno);
	return 0;
}

static json_t *event(const char *name)
{
	json_t *o = json_object();

	json_object_set_new(o, "event", json_string(name));
	return o;
}

int nvsr_journal_head(struct nvsr_journal *j, const struct nvsr_run *run)
{
	json_t *o = event("head"), *plan = json_array();

	json_object_set_new(o, "version", json_integer(1));
	nvsr_json_set_text(o, "tool", run->tool);
	nvsr_json_set_text(o, "device", run->device);
	nvsr_json_set_text(o, "method", run->method);
	nvsr_json_set_text(o, "profile", run->profile);
	nvsr_json_set_text(o, "model_profile", run->model_profile);
	nvsr_json_set_text(o, "model", run->model);
	nvsr_json_set_text(o, "serial", run->serial);
	nvsr_json_set_text(o, "firmware", run->firmware);
	nvsr_json_set_text(o, "started", run->started);
	nvsr_json_set_text(o, "cmdline", run->cmdline);
	nvsr_json_set_text(o, "seed", run->seed);
	nvsr_json_set_lines(o, "patterns", run->patterns);
	nvsr_json_set_lines(o, "options", run->options);
	for (size_t i = 0; i < run->count; i++) {
		struct nvsr_result r = run->tests[i];

		r.verdict = NVSR_NONE;
		json_array_append_new(plan, nvsr_result_pack(&r));
	}
	json_object_set_new(o, "plan", plan);
	return put_line(j, o, true);
}

int nvsr_journal_resume(struct nvsr_journal *j)
{
	json_t *o = event("resume");
	char utc[32];

	nvsr_json_set_text(o, "started", nvsr_utc(utc, sizeof(utc)));
	return put_line(j, o, true);
}

int nvsr_journal_start(struct nvsr_journal *j, const char *id)
{
	json_t *o = event("start");

	nvsr_json_set_text(o, "id", id);
	return put_line(j, o, false);
}

int nvsr_journal_result(struct nvsr_journal *j, const struct nvsr_result *r)
{
	json_t *o = event("result");
	/* What the plan says already is not repeated. */
	struct nvsr_result short_form = *r;

	short_form.group = short_form.title = short_form.level = short_form.cite = NULL;
	short_form.requirements = NULL;
	json_object_update_new(o, nvsr_result_pack(&short_form));
	return put_line(j, o, true);
}

int nvsr_journal_abort(struct nvsr_journal *j, const char *reason)
{
	json_t *o = event("abort");

	nvsr_json_set_text(o, "reason", reason);
	return put_line(j, o, true);
}

int nvsr_journal_end(struct nvsr_journal *j, bool interrupted)
{
	json_t *o = event("end");
	char utc[32];

	nvsr_json_set_text(o, "finished", nvsr_utc(utc, sizeof(utc)));
	json_object_set_new(o, "interrupted", json_boolean(interrupted));
	return put_line(j, o, true);
}

int nvsr_journal_error(const struct nvsr_journal *j)
{
	return j->error;
}

int nvsr_journal_close(struct nvsr_journal *j)
{
	int rc;

	if (!j)
		return 0;
	if (close(j->fd) && !j->error)
		j->error = -errno;
	rc = j->error;
	free(j);
	return rc;
}
