// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The journal's reader.  A resumed run appends to the same file: a later result of a test replaces the earlier one, and a
 * later end replaces the earlier end.
 */
#include <stdarg.h>

#include "base/text.h"
#include "result/json.h"

#define JOURNAL_MAX (256u << 20)
#define COMPLAINT_LEN 512

static int NVSR_PRINTF(2, 3) complain(char *complaint, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(complaint, COMPLAINT_LEN, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static struct nvsr_result *find(struct nvsr_run *run, const char *id)
{
	for (size_t i = 0; id && i < run->count; i++)
		if (!strcmp(run->tests[i].id, id))
			return &run->tests[i];
	return NULL;
}

static int read_head(struct nvsr_run *run, const json_t *o, const char **bad)
{
	const struct { const char *key; char **field; } texts[] = {
		{ "tool", &run->tool }, { "device", &run->device }, { "method", &run->method }, { "profile", &run->profile },
		{ "model_profile", &run->model_profile }, { "model", &run->model }, { "serial", &run->serial },
		{ "firmware", &run->firmware }, { "started", &run->started }, { "cmdline", &run->cmdline },
		{ "seed", &run->seed },
	};
	const json_t *plan, *item;
	size_t i;
	int rc;

	*bad = "version";
	if (json_integer_value(json_object_get(o, "version")) != 1)
		return -EINVAL;
	for (i = 0; i < NVSR_ARRAY_SIZE(texts); i++)
		if ((rc = nvsr_json_get_text(o, *bad = texts[i].key, texts[i].field)))
			return rc;
	if ((rc = nvsr_json_get_lines(o, *bad = "patterns", &run->patterns)) ||
	    (rc = nvsr_json_get_lines(o, *bad = "options", &run->options)))
		return rc;
	*bad = "plan";
	plan = json_object_get(o, "plan");
	if (!json_is_array(plan))
		return -EINVAL;
	run->tests = calloc(json_array_size(plan) + 1, sizeof(*run->tests));
	if (!run->tests)
		return -ENOMEM;
	json_array_foreach(plan, i, item) {
		if ((rc = nvsr_result_unpack(item, &run->tests[i], bad)))
			return rc;
		run->count = i + 1;
	}
	return 0;
}

static void move_field(char **to, char **from)
{
	free(*to);
	*to = *from;
	*from = NULL;
}

void nvsr_result_merge(struct nvsr_result *t, struct nvsr_result *r)
{
	struct nvsr_result old = *t;

	*t = *r;
	memset(r, 0, sizeof(*r));
	move_field(&t->id, &old.id);
	move_field(&t->group, &old.group);
	move_field(&t->title, &old.title);
	move_field(&t->level, &old.level);
	move_field(&t->cite, &old.cite);
	nvsr_lines_free(t->requirements);
	t->requirements = old.requirements;
	old.requirements = NULL;
	nvsr_result_free(&old);
}

static int read_result(struct nvsr_run *run, const json_t *o, const char **bad)
{
	struct nvsr_result r = { 0 }, *t;
	int rc = nvsr_result_unpack(o, &r, bad);

	if (rc)
		return rc;
	t = find(run, r.id);
	if (!t || r.verdict == NVSR_NONE) {
		*bad = t ? "result" : "id";
		nvsr_result_free(&r);
		return -EINVAL;
	}
	nvsr_result_merge(t, &r);
	return 0;
}

static int read_end(struct nvsr_run *run, const json_t *o, const char **bad)
{
	const json_t *v = json_object_get(o, *bad = "interrupted");

	if (!json_is_boolean(v))
		return -EINVAL;
	run->interrupted = json_is_true(v);
	return nvsr_json_get_text(o, *bad = "finished", &run->finished);
}

static int read_event(struct nvsr_run *run, const json_t *o, bool first, const char **bad)
{
	const char *name = json_string_value(json_object_get(o, *bad = "event"));

	if (!name)
		return -EINVAL;
	if (first != !strcmp(name, "head"))
		return -EINVAL;
	if (first)
		return read_head(run, o, bad);
	if (!strcmp(name, "result"))
		return read_result(run, o, bad);
	if (!strcmp(name, "abort"))
		return nvsr_json_get_text(o, *bad = "reason", &run->abort_reason);
	if (!strcmp(name, "end"))
		return read_end(run, o, bad);
	if (!strcmp(name, "resume")) {	/* what ended the run before no longer holds */
		nvsr_field_set(&run->abort_reason, NULL);
		nvsr_field_set(&run->finished, NULL);
		run->interrupted = false;
		return 0;
	}
	return strcmp(name, "start") ? -EINVAL : 0;
}

static int read_line(struct nvsr_run *run, const char *path, unsigned number, char *line, size_t len, bool whole,
		     char *complaint)
{
	const char *bad = NULL;
	json_error_t error;
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (!o) {
		if (!whole)
			return 0;	/* torn by a power cut */
		return complain(complaint, "%s:%u:%d: not a JSON object: %s", path, number, error.column, error.text);
	}
	rc = json_is_object(o) ? read_event(run, o, number == 1, &bad) : -EINVAL;
	json_decref(o);
	if (rc == -EINVAL)
		return complain(complaint, "%s:%u: field %s: missing or not as a version 1 journal has it", path, number,
				bad ? bad : "event");
	if (rc)
		complain(complaint, "%s:%u: %s", path, number, strerror(-rc));
	return rc;
}

int nvsr_run_read(const char *path, struct nvsr_run *ret, char *complaint)
{
	struct nvsr_run run = { 0 };
	_cleanup_free_ char *text = NULL;
	unsigned number = 1;
	size_t len = 0;
	char *p;
	int rc = nvsr_read_file(path, JOURNAL_MAX, &text, &len);

	if (rc) {
		complain(complaint, "%s: %s", path, strerror(-rc));
		return rc;
	}
	for (p = text; p < text + len && !rc; number++) {
		char *nl = memchr(p, '\n', (size_t)(text + len - p));
		char *end = nl ? nl : text + len;

		rc = read_line(&run, path, number, p, (size_t)(end - p), nl, complaint);
		p = end + 1;
	}
	if (!rc && !run.tests)
		rc = complain(complaint, "%s: empty: a journal starts with its head line", path);
	if (rc) {
		nvsr_run_free(&run);
		return rc;
	}
	nvsr_run_count(&run);
	*ret = run;
	return 0;
}
