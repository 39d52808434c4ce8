// SPDX-License-Identifier: GPL-2.0-or-later
/* results.json, version 1: what CI and other tools build on.  Members are only ever added. */
#include <jansson.h>

#include "reports/reports.h"

/* Texts of a run read from a journal are valid UTF-8; those of a run in memory may not be. */
static json_t *text(const char *s)
{
	char *clean = s ? nvsr_clean_text(s, strlen(s)) : NULL;
	json_t *v = clean ? json_string(clean) : json_null();

	free(clean);
	return v;
}

static json_t *lines(char *const *line)
{
	json_t *a = json_array();

	for (; line && *line; line++)
		json_array_append_new(a, text(*line));
	return a;
}

static json_t *test_object(const struct nvsr_result *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "id", text(r->id));
	json_object_set_new(o, "group", text(r->group));
	json_object_set_new(o, "title", text(r->title));
	json_object_set_new(o, "requirements", lines(r->requirements));
	json_object_set_new(o, "level", text(r->level));
	json_object_set_new(o, "cite", text(r->cite));
	json_object_set_new(o, "result", text(nvsr_verdict_name(r->verdict)));
	json_object_set_new(o, "deviates", json_boolean(r->deviates));
	json_object_set_new(o, "reason", text(r->reason));
	json_object_set_new(o, "cause", text(r->cause));
	json_object_set_new(o, "link", text(r->link));
	json_object_set_new(o, "expected", text(r->expected));
	json_object_set_new(o, "observed", text(r->observed));
	json_object_set_new(o, "at", text(r->at));
	json_object_set_new(o, "checks", json_integer(r->checks));
	json_object_set_new(o, "ms", json_real((double)(int64_t)(r->ms * 1000) / 1000));
	json_object_set_new(o, "failures", lines(r->failures));
	json_object_set_new(o, "notes", lines(r->notes));
	json_object_set_new(o, "last", lines(r->last));
	json_object_set_new(o, "output", lines(r->output));
	return o;
}

static json_t *totals(const struct nvsr_run *run)
{
	json_t *o = json_object();
	json_int_t deviates = 0;

	json_object_set_new(o, "tests", json_integer((json_int_t)run->count));
	for (unsigned v = 0; v < NVSR_VERDICT_COUNT; v++)
		json_object_set_new(o, nvsr_verdict_name((enum nvsr_verdict)v), json_integer(run->totals[v]));
	for (size_t i = 0; i < run->count; i++)
		deviates += run->tests[i].deviates;
	json_object_set_new(o, "deviates", json_integer(deviates));
	return o;
}

void nvsr_json_write(FILE *f, const struct nvsr_run *run)
{
	json_t *o = json_object(), *tests = json_array();

	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "tool", text(run->tool));
	json_object_set_new(o, "device", text(run->device));
	json_object_set_new(o, "method", text(run->method));
	json_object_set_new(o, "profile", text(run->profile));
	json_object_set_new(o, "model", text(run->model));
	json_object_set_new(o, "serial", text(run->serial));
	json_object_set_new(o, "firmware", text(run->firmware));
	json_object_set_new(o, "started", text(run->started));
	json_object_set_new(o, "finished", text(run->finished));
	json_object_set_new(o, "cmdline", text(run->cmdline));
	json_object_set_new(o, "complete", json_boolean(run->complete));
	json_object_set_new(o, "interrupted", json_boolean(run->interrupted));
	json_object_set_new(o, "abort", text(run->abort_reason));
	for (size_t i = 0; i < run->count; i++)
		json_array_append_new(tests, test_object(&run->tests[i]));
	json_object_set_new(o, "tests", tests);
	json_object_set_new(o, "totals", totals(run));
	json_dumpf(o, f, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
	fputc('\n', f);
	json_decref(o);
}
