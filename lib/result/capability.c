// SPDX-License-Identifier: GPL-2.0-or-later
/* The capability table, read from its journal. */
#include <jansson.h>
#include <math.h>

#include "base/text.h"
#include "result/capability.h"
#include "result/result.h"

#define CELLS_MOST 256

static const struct { const char *name, *text; } rows[] = {
	{ "vms-per-disk", "VMs per disk" }, { "elastic", "Elastic scaling" }, { "migration", "Live migration" }, { "qos", "Limits are kept" },
	{ "security", "Tenant change is safe" }, { "cpu", "CPU use" },
};

const char *nvsr_capability_answer_name(enum nvsr_capability_answer a)
{
	static const char *const names[] = {
		[NVSR_CAPABILITY_MISSING] = "not reached", [NVSR_CAPABILITY_UNTESTED] = "not tested", [NVSR_CAPABILITY_NO] = "no",
		[NVSR_CAPABILITY_YES] = "yes",
	};

	return names[a];
}

/* --- reading ------------------------------------------------------------------------------------------------------------------- */

struct reader { struct nvsr_capability t; bool started; const char *where; unsigned line; char *complaint; };

static int bad(const struct reader *r, const char *what)
{
	snprintf(r->complaint, 512, "%s:%u: expected %s", r->where, r->line, what);
	return -EINVAL;
}

/* A name of a-z 0-9 and dashes. */
static bool take_name(const json_t *o, const char *key, char ret[40])
{
	const char *s = json_string_value(json_object_get(o, key));
	size_t len = s ? strlen(s) : 0;

	if (!len || len >= 40 || strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return false;
	memcpy(ret, s, len + 1);
	return true;
}

static int take_text(const json_t *o, const char *key, char **ret)
{
	const json_t *s = json_object_get(o, key);

	if (!json_is_string(s))
		return 0;
	free(*ret);
	*ret = nvsr_clean_text(json_string_value(s), json_string_length(s));
	return *ret ? 0 : -ENOMEM;
}

static int take_start(struct reader *r, const json_t *o)
{
	struct nvsr_capability *t = &r->t;
	const struct { const char *key; char **to; } texts[] = {
		{ "tool", &t->tool }, { "time", &t->time }, { "device", &t->device }, { "model", &t->model }, { "serial", &t->serial },
		{ "firmware", &t->firmware }, { "cmdline", &t->cmdline },
	};
	const char *kind = json_string_value(json_object_get(o, "kind"));
	const json_t *cells = json_object_get(o, "cells");
	size_t n = json_array_size(cells);

	if (r->started || !kind || strcmp(kind, "capability") || json_integer_value(json_object_get(o, "version")) != 1)
		return bad(r, "one start of kind capability, version 1");
	if (!json_is_array(cells) || n > CELLS_MOST)
		return bad(r, "a list of up to 256 cells");
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(texts); i++)
		if (take_text(o, texts[i].key, texts[i].to))
			return -ENOMEM;
	t->emulated = json_is_true(json_object_get(o, "emulated"));
	t->cell = calloc(n + 1, sizeof(*t->cell));
	if (!t->cell)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!take_name(json_array_get(cells, i), "row", t->cell[i].row) || !take_name(json_array_get(cells, i), "way", t->cell[i].way))
			return bad(r, "row and way of each cell: names of a-z 0-9 -");
	t->cells = (unsigned)n;
	r->started = true;
	return 0;
}

static struct nvsr_capability_cell *find(const struct nvsr_capability *t, const char *row, const char *way)
{
	for (unsigned i = 0; i < t->cells; i++)
		if (!strcmp(t->cell[i].row, row) && !strcmp(t->cell[i].way, way))
			return &t->cell[i];
	return NULL;
}

static int take_numbers(const struct reader *r, json_t *o, struct nvsr_capability_cell *c)
{
	const char *key;
	json_t *value;

	if (o && !json_is_object(o))
		return bad(r, "numbers as an object");
	c->numbers = 0;
	json_object_foreach(o, key, value) {
		struct nvsr_capability_number *n = &c->number[c->numbers];
		size_t len = strlen(key);

		if (c->numbers == NVSR_ARRAY_SIZE(c->number))
			return bad(r, "up to 8 numbers");
		if (!len || len >= sizeof(n->name) || strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") != len || !json_is_number(value) ||
		    !isfinite(json_number_value(value)))
			return bad(r, "numbers with names of a-z 0-9 _");
		memcpy(n->name, key, len + 1);
		n->value = json_number_value(value);
		c->numbers++;
	}
	return 0;
}

static int take_cell(struct reader *r, const json_t *o)
{
	const char *answer = json_string_value(json_object_get(o, "answer"));
	struct nvsr_capability_cell *c = NULL;
	char row[40], way[40];

	if (take_name(o, "row", row) && take_name(o, "way", way))
		c = find(&r->t, row, way);
	if (!c)
		return bad(r, "a cell of the plan");
	if (!answer)
		return bad(r, "an answer: yes, no or untested");
	if (!strcmp(answer, "yes"))
		c->answer = NVSR_CAPABILITY_YES;
	else if (!strcmp(answer, "no"))
		c->answer = NVSR_CAPABILITY_NO;
	else if (!strcmp(answer, "untested"))
		c->answer = NVSR_CAPABILITY_UNTESTED;
	else
		return bad(r, "an answer: yes, no or untested");
	c->leak = json_is_true(json_object_get(o, "leak"));
	c->broken = json_is_true(json_object_get(o, "broken"));
	return take_text(o, "text", &c->text) ? -ENOMEM : take_numbers(r, json_object_get(o, "numbers"), c);
}

static int take_event(struct reader *r, const json_t *o)
{
	const char *event = json_string_value(json_object_get(o, "event"));
	json_int_t code;

	if (!event)
		return bad(r, "an event");
	if (!strcmp(event, "start"))
		return take_start(r, o);
	if (!r->started)
		return bad(r, "the event start first");
	if (!strcmp(event, "cell"))
		return take_cell(r, o);
	if (!strcmp(event, "end")) {
		code = json_integer_value(json_object_get(o, "exit"));
		r->t.ended = true;
		r->t.interrupted = json_is_true(json_object_get(o, "interrupted"));
		r->t.exit_code = code >= 0 && code < 256 ? (int)code : 255;
	}
	return 0;	/* events of later versions are not for us */
}

int nvsr_capability_parse(const char *text, size_t len, const char *where, struct nvsr_capability *ret, char *complaint)
{
	struct reader r = { .where = where, .complaint = complaint };
	const char *at = text, *stop = text + len, *end;
	int rc = 0;

	for (; !rc && at < stop && (end = memchr(at, '\n', (size_t)(stop - at))); at = end + 1) {
		json_t *o = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);

		r.line++;
		rc = json_is_object(o) ? take_event(&r, o) : bad(&r, "a JSON object");
		json_decref(o);
	}
	if (!rc && !r.started)
		rc = bad(&r, "the event start: this began no capability run");
	if (rc)
		nvsr_capability_free(&r.t);
	else
		*ret = r.t;
	return rc;
}

int nvsr_capability_read(const char *dir, struct nvsr_capability *ret, char *complaint)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/capability.jsonl", dir), *text = NULL;
	size_t len = 0;
	int rc = path ? nvsr_read_file(path, NVSR_CAPABILITY_FILE_MOST, &text, &len) : -ENOMEM;

	if (rc) {
		snprintf(complaint, 512, "%s/capability.jsonl: %s", dir, strerror(-rc));
		return rc;
	}
	return nvsr_capability_parse(text, len, path, ret, complaint);
}

void nvsr_capability_free(struct nvsr_capability *t)
{
	char *texts[] = { t->tool, t->time, t->device, t->model, t->serial, t->firmware, t->cmdline };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(texts); i++)
		free(texts[i]);
	for (unsigned i = 0; t->cell && i < t->cells; i++)
		free(t->cell[i].text);
	free(t->cell);
	*t = (struct nvsr_capability){ 0 };
}

/* --- what is in it ------------------------------------------------------------------------------------------------------------------ */

const struct nvsr_capability_cell *nvsr_capability_find(const struct nvsr_capability *t, const char *row, const char *way)
{
	return find(t, row, way);
}

const char *nvsr_capability_row_text(const char *name)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].text;
	return name;
}

void nvsr_capability_evidence(const struct nvsr_capability *t, char ret[160])
{
	unsigned n[NVSR_CAPABILITY_YES + 1] = { 0 };

	for (unsigned i = 0; i < t->cells; i++)
		n[t->cell[i].answer]++;
	snprintf(ret, 160, "%u of %u cells tried: %u yes, %u no; %u not tested, %u not reached", n[NVSR_CAPABILITY_YES] + n[NVSR_CAPABILITY_NO],
		 t->cells, n[NVSR_CAPABILITY_YES], n[NVSR_CAPABILITY_NO], n[NVSR_CAPABILITY_UNTESTED], n[NVSR_CAPABILITY_MISSING]);
}

bool nvsr_capability_is_of(const struct nvsr_capability *t, const char *serial, char *complaint)
{
	if (t->serial && serial && !strcmp(t->serial, serial))
		return true;
	snprintf(complaint, 512, "the capability table is of another device: serial number %.100s, the performance run has %.100s",
		 t->serial ? t->serial : "none", serial ? serial : "none");
	return false;
}
