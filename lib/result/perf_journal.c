// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * perf.jsonl: the plan in the first line, then what became of each cell's repeats.  A resumed run appends: a later event of a
 * repeat replaces the earlier one, and a later end the earlier end.
 */
#include "result/perf_json.h"

#define CELLS_MOST 16384
#define PLACES_MOST 16
#define CPUS_MOST 4096
#define VERIFIES_MOST 64	/* one per path */

struct reader {
	struct nvsr_perf_run run;
	struct nvsr_perf_cell **by_name;	/* sorted */
	struct nvsr_perf_at at;
};

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct nvsr_perf_cell *const *)a)->name, (*(struct nvsr_perf_cell *const *)b)->name);
}

static struct nvsr_perf_cell *find(const struct reader *r, const char *name)
{
	struct nvsr_perf_cell like = { .name = (char *)name }, *key = &like, **found;

	found = name && r->by_name ? bsearch(&key, r->by_name, r->run.cells, sizeof(*r->by_name), by_name) : NULL;
	return found ? *found : NULL;
}

static int read_name(const struct nvsr_perf_at *at, const json_t *o, const char *key, char **ret)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (!nvsr_perf_is_name(s))
		return nvsr_perf_complain(at, key, "a name of a-z 0-9 . -");
	return nvsr_field_set(ret, s);
}

static int read_cell(struct reader *r, const json_t *o, struct nvsr_perf_cell *c)
{
	const struct nvsr_perf_at *at = &r->at;
	uint64_t percent = 0, depth, jobs, vms;
	int rc = read_name(at, o, "cell", &c->name);

	if (rc || (rc = read_name(at, o, "path", &c->path)) || (rc = read_name(at, o, "pattern", &c->pattern)) ||
	    (rc = nvsr_perf_integer(at, o, "read_percent", 0, 100, &percent)) ||
	    (rc = nvsr_perf_integer(at, o, "block", 1, 1ull << 40, &c->block)) ||
	    (rc = nvsr_perf_integer(at, o, "depth", 1, 1u << 20, &depth)) ||
	    (rc = nvsr_perf_integer(at, o, "jobs", 1, 1u << 16, &jobs)) ||
	    (rc = nvsr_perf_integer(at, o, "vms", 1, 1u << 16, &vms)))
		return rc;
	c->read_percent = (unsigned)percent;
	c->depth = (unsigned)depth;
	c->jobs = (unsigned)jobs;
	c->vms = (unsigned)vms;
	c->repeat = calloc(r->run.repeats, sizeof(*c->repeat));
	return c->repeat ? 0 : -ENOMEM;
}

static int read_cells(struct reader *r, const json_t *o)
{
	const json_t *list = json_object_get(o, "cells"), *item;
	size_t i, n = json_array_size(list);
	int rc;

	if (!json_is_array(list) || n > CELLS_MOST)
		return nvsr_perf_complain(&r->at, "cells", "a list of up to 16384 cells");
	r->run.cell = calloc(n + 1, sizeof(*r->run.cell));
	r->by_name = calloc(n + 1, sizeof(*r->by_name));
	if (!r->run.cell || !r->by_name)
		return -ENOMEM;
	json_array_foreach(list, i, item) {
		char parent[32];

		snprintf(parent, sizeof(parent), "cells[%zu].", i);
		r->at.parent = parent;
		r->run.cells = i + 1;
		rc = read_cell(r, item, &r->run.cell[i]);
		r->at.parent = "";
		if (rc)
			return rc;
		r->by_name[i] = &r->run.cell[i];
	}
	qsort(r->by_name, n, sizeof(*r->by_name), by_name);
	for (i = 1; i < n; i++)
		if (!strcmp(r->by_name[i - 1]->name, r->by_name[i]->name))
			return nvsr_perf_complain(&r->at, "cells", "each cell once");
	return 0;
}

static int read_place(struct reader *r, const char *who, const json_t *list)
{
	struct nvsr_perf_place *p = &r->run.place[r->run.places];
	const json_t *cpu;
	size_t i;

	if (json_array_size(list) > CPUS_MOST)
		return nvsr_perf_complain(&r->at, who, "a list of CPUs");
	p->who = nvsr_clean_text(who, strlen(who));
	p->cpu = calloc(json_array_size(list) + 1, sizeof(*p->cpu));
	r->run.places++;
	if (!p->who || !p->cpu)
		return -ENOMEM;
	json_array_foreach(list, i, cpu) {
		json_int_t n = json_integer_value(cpu);

		if (!json_is_integer(cpu) || n < -1 || n > INT32_MAX)
			return nvsr_perf_complain(&r->at, who, "a list of CPUs");
		p->cpu[p->n++] = (int)n;
	}
	return 0;
}

static int read_placement(struct reader *r, const json_t *o)
{
	json_t *placement = json_object_get(o, "placement"), *v;
	const char *key;
	uint64_t cpus = 0;
	int rc;

	if (!placement)
		return 0;
	r->at.parent = "placement.";
	rc = nvsr_perf_integer(&r->at, placement, "cpus", 1, CPUS_MOST, &cpus);
	r->run.cpus = (unsigned)cpus;
	r->run.place = calloc(PLACES_MOST, sizeof(*r->run.place));
	if (!rc && !r->run.place)
		rc = -ENOMEM;
	json_object_foreach(placement, key, v)
		if (!rc && json_is_array(v) && r->run.places < PLACES_MOST)
			rc = read_place(r, key, v);
	r->at.parent = "";
	return rc;
}

static int read_start(struct reader *r, const json_t *o)
{
	struct nvsr_perf_run *run = &r->run;
	const struct { const char *key; char **field; } texts[] = {
		{ "tool", &run->tool }, { "device", &run->device }, { "model", &run->model }, { "serial", &run->serial },
		{ "firmware", &run->firmware }, { "profile", &run->profile }, { "time", &run->time }, { "cmdline", &run->cmdline },
		{ "matrix", &run->matrix }, { "title", &run->title },
	};
	const struct { const char *key; uint64_t *field; } numbers[] = {
		{ "seed", &run->seed }, { "ramp_ms", &run->ramp_ms }, { "run_ms", &run->run_ms },
	};
	const char *kind = json_string_value(json_object_get(o, "kind"));
	uint64_t version, repeats = 0;
	int rc;

	if (!kind || strcmp(kind, "perf"))
		return nvsr_perf_complain(&r->at, "kind", "\"perf\"");
	if ((rc = nvsr_perf_integer(&r->at, o, "version", 1, 1, &version)))
		return rc;
	if (!json_is_boolean(json_object_get(o, "software")))
		return nvsr_perf_complain(&r->at, "software", "true or false");
	run->software = json_is_true(json_object_get(o, "software"));
	run->emulated = json_is_true(json_object_get(o, "emulated"));
	run->tcg = json_is_true(json_object_get(o, "tcg"));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(texts); i++)
		if ((rc = nvsr_perf_text(&r->at, o, texts[i].key, false, texts[i].field)))
			return rc;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(numbers); i++)
		if (json_object_get(o, numbers[i].key) &&
		    (rc = nvsr_perf_integer(&r->at, o, numbers[i].key, 0, INT64_MAX, numbers[i].field)))
			return rc;
	if ((rc = nvsr_perf_integer(&r->at, o, "repeats", 1, NVSR_PERF_REPEATS_MOST, &repeats)))
		return rc;
	run->repeats = (unsigned)repeats;
	rc = read_placement(r, o);
	return rc ? rc : read_cells(r, o);
}

static int read_state(struct reader *r, const json_t *o, enum nvsr_perf_state *ret)
{
	const char *name = json_string_value(json_object_get(o, "result"));

	for (unsigned s = NVSR_PERF_OK; s <= NVSR_PERF_SKIP; s++)
		if (name && !strcmp(name, nvsr_perf_state_name((enum nvsr_perf_state)s))) {
			*ret = (enum nvsr_perf_state)s;
			return 0;
		}
	return nvsr_perf_complain(&r->at, "result", "ok, fail or skip");
}

/* "" is none. */
static int read_reason(struct reader *r, const json_t *o, char **ret)
{
	int rc = nvsr_perf_text(&r->at, o, "reason", false, ret);

	if (!rc && *ret && !**ret)
		nvsr_field_set(ret, NULL);
	return rc;
}

static int set_repeat(struct reader *r, const json_t *o, struct nvsr_perf_repeat *p, enum nvsr_perf_state state)
{
	p->state = state;
	nvsr_field_set(&p->reason, NULL);
	return read_reason(r, o, &p->reason);
}

/* What cannot run is skipped as a whole: one event, of no repeat or of the first. */
static int read_repeat(struct reader *r, const json_t *o)
{
	struct nvsr_perf_cell *c = find(r, json_string_value(json_object_get(o, "cell")));
	enum nvsr_perf_state state;
	uint64_t number = 0;
	int rc;

	if (!c)
		return nvsr_perf_complain(&r->at, "cell", "a cell of the plan");
	rc = read_state(r, o, &state);
	if (!rc && (state != NVSR_PERF_SKIP || json_object_get(o, "repeat")))
		rc = nvsr_perf_integer(&r->at, o, "repeat", state == NVSR_PERF_SKIP ? 0 : 1, r->run.repeats, &number);
	if (rc)
		return rc;
	if (state != NVSR_PERF_SKIP)
		return set_repeat(r, o, &c->repeat[number - 1], state);
	for (unsigned i = 0; i < r->run.repeats && !rc; i++)
		if (c->repeat[i].state == NVSR_PERF_MISSING || i + 1 == number)
			rc = set_repeat(r, o, &c->repeat[i], state);
	return rc;
}

/* One per path: a later one replaces it. */
static int read_verify(struct reader *r, const json_t *o)
{
	struct nvsr_perf_verify v = { 0 }, *list, *old = NULL;
	int rc = read_name(&r->at, o, "path", &v.path);

	if (!rc)
		rc = read_state(r, o, &v.state);
	if (!rc)
		rc = read_reason(r, o, &v.reason);
	v.corrupt = v.state == NVSR_PERF_FAIL && json_is_true(json_object_get(o, "corrupt"));
	if (!rc && json_object_get(o, "bytes"))
		rc = nvsr_perf_integer(&r->at, o, "bytes", 0, INT64_MAX, &v.bytes);
	for (unsigned i = 0; i < r->run.verifies && !rc && !old; i++)
		if (!strcmp(r->run.verify[i].path, v.path))
			old = &r->run.verify[i];
	if (!rc && !old && r->run.verifies == VERIFIES_MOST)
		rc = nvsr_perf_complain(&r->at, "path", "one of up to 64 paths");
	if (!rc && !old) {
		list = realloc(r->run.verify, (r->run.verifies + 1) * sizeof(*list));
		rc = list ? 0 : -ENOMEM;
		if (list) {
			r->run.verify = list;
			old = &list[r->run.verifies++];
			*old = (struct nvsr_perf_verify){ 0 };
		}
	}
	if (!rc) {
		struct nvsr_perf_verify was = *old;

		*old = v;
		v = was;
	}
	free(v.path);
	free(v.reason);
	return rc;
}

static int read_end(struct reader *r, const json_t *o)
{
	uint64_t code;
	int rc = nvsr_perf_integer(&r->at, o, "exit", 0, 255, &code);

	if (rc)
		return rc;
	r->run.exit_code = (int)code;
	r->run.interrupted = json_is_true(json_object_get(o, "interrupted"));
	return nvsr_perf_text(&r->at, o, "time", false, &r->run.finished);
}

static int read_resume(struct reader *r, const json_t *o)
{
	r->run.resumed = true;
	r->run.interrupted = false;
	r->run.exit_code = -1;
	return nvsr_field_set(&r->run.finished, NULL);
}

static const struct { const char *name; int (*read)(struct reader *r, const json_t *o); } events[] = {
	{ "start", read_start }, { "cell", read_repeat }, { "verify", read_verify }, { "resume", read_resume }, { "end", read_end },
};

/* Events of a kind that a later version may add are passed over. */
static int read_event(struct reader *r, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "event"));
	bool first = r->at.line == 1;

	if (!name || (first != !strcmp(name, "start")))
		return nvsr_perf_complain(&r->at, "event", first ? "\"start\" in the first line" :
					  "the name of an event, and \"start\" in the first line only");
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(events); i++)
		if (!strcmp(events[i].name, name))
			return events[i].read(r, o);
	return 0;
}

static int read_line(struct reader *r, const char *line, size_t len, bool whole)
{
	json_error_t error;
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (!o) {
		if (!whole && r->at.line > 1)
			return 0;	/* torn by a power cut */
		snprintf(r->at.complaint, NVSR_PERF_COMPLAINT, "%s:%u:%d: not a JSON object: %s", r->at.file, r->at.line,
			 error.column, error.text);
		return -EINVAL;
	}
	rc = read_event(r, o);
	json_decref(o);
	return rc;
}

int nvsr_perf_journal_parse(const char *text, size_t len, const char *where, struct nvsr_perf_run *ret, char *complaint)
{
	struct reader r = { .run.exit_code = -1, .at = { .file = where, .line = 1, .parent = "", .complaint = complaint } };
	int rc = 0;

	for (const char *p = text; p < text + len && !rc; r.at.line++) {
		const char *nl = memchr(p, '\n', (size_t)(text + len - p)), *end = nl ? nl : text + len;

		rc = read_line(&r, p, (size_t)(end - p), nl);
		p = end + 1;
	}
	free(r.by_name);
	if (!rc && !r.run.cell) {
		snprintf(complaint, NVSR_PERF_COMPLAINT, "%s: empty: expected a start event in the first line", where);
		rc = -EINVAL;
	}
	if (rc) {
		if (rc != -EINVAL)
			snprintf(complaint, NVSR_PERF_COMPLAINT, "%s: %s", where, strerror(-rc));
		nvsr_perf_free(&r.run);
		return rc;
	}
	nvsr_perf_count(&r.run);
	*ret = r.run;
	return 0;
}
