// SPDX-License-Identifier: GPL-2.0-or-later
/* The kill matrix, as text, TAP and JSON. */
#include <jansson.h>

#include "runners/conform/prove.h"

static bool names_none(const struct nvsr_planned *p)
{
	return !nvsr_is_meta(p) && (!p->test->caught_by || !p->test->caught_by[0]);
}

static const char *said_text(const struct nvsr_said *s)
{
	if (!s->ran)
		return "did not run";
	return s->verdict == NVSR_PASS && s->deviates ? "deviates" : nvsr_verdict_name(s->verdict);
}

/* What is wrong with one job, a line each with @prefix; the number of lines. */
static unsigned put_faults(FILE *f, const struct nvsr_proof *p, const struct nvsr_job *job, const char *prefix)
{
	unsigned named = 0, faults = 0;

	if (job->died)
		faults += fprintf(f, "%sits process died\n", prefix) > 0;
	for (size_t i = 0; i < job->plan.count; i++) {
		const struct nvsr_planned *item = &job->plan.item[i];
		bool meta = nvsr_is_meta(item);

		named += !meta;
		if (meta && nvsr_meta_changed(p, job, i))
			faults += fprintf(f, "%s%s.%s, a meta test, says %s\n", prefix, item->group->id, item->test->id,
					  said_text(&job->said[i])) > 0;
		if (!meta && !nvsr_killed(p, job, i))
			faults += fprintf(f, "%s%s.%s names it and says %s\n", prefix, item->group->id, item->test->id,
					  said_text(&job->said[i])) > 0;
	}
	if (!named)
		faults += fprintf(f, "%sno test names it\n", prefix) > 0;
	return faults;
}

static unsigned count_named(const struct nvsr_proof *p, const struct nvsr_job *job, bool only_killed)
{
	unsigned n = 0;

	for (size_t i = 0; i < job->plan.count; i++)
		n += !nvsr_is_meta(&job->plan.item[i]) && (!only_killed || nvsr_killed(p, job, i));
	return n;
}

/* --- lies ----------------------------------------------------------------------------------------------------------- */

static unsigned count_verdict(const struct nvsr_job *job, enum nvsr_verdict v)
{
	unsigned n = 0;

	for (size_t i = 0; i < job->plan.count; i++)
		n += job->said[i].ran && job->said[i].verdict == v;
	return n;
}

/* "570 pass, 7 fail; probe 0, run 1" */
static void put_verdicts(FILE *f, const struct nvsr_job *job)
{
	const char *comma = "";

	for (unsigned v = 0; v < NVSR_VERDICT_COUNT; v++) {
		unsigned n = count_verdict(job, (enum nvsr_verdict)v);

		if (n)
			fprintf(f, "%s%u %s", comma, n, nvsr_verdict_name((enum nvsr_verdict)v));
		comma = n ? ", " : comma;
	}
	for (unsigned i = 0; i < NVSR_TOLD; i++)
		fprintf(f, "%s%s %d", i ? ", " : "; ", nvsr_told_names[i], job->ended[i]);
	fputc('\n', f);
}

static void put_lie_faults(FILE *f, const struct nvsr_job *job, const char *prefix)
{
	fprintf(f, "%s%s\n", prefix, job->lie->text);
	if (job->died)
		fprintf(f, "%sits process died\n", prefix);
	for (size_t i = 0; i < job->plan.count; i++)
		if (!nvsr_said_of_device(&job->said[i]))
			fprintf(f, "%s%s.%s: %s\n", prefix, job->plan.item[i].group->id, job->plan.item[i].test->id,
				said_text(&job->said[i]));
	for (unsigned i = 0; i < NVSR_TOLD; i++)
		if (job->ended[i] < 0)
			fprintf(f, "%s%s did not end as documented (%d)\n", prefix, nvsr_told_names[i], job->ended[i]);
}

/* --- text -------------------------------------------------------------------------------------------------------------- */

/* The healthy run: tests that do not pass, and tests without a defect.  Their number. */
static unsigned text_healthy(FILE *f, const struct nvsr_proof *p)
{
	const struct nvsr_job *h = &p->jobs[0];
	unsigned bad = 0;

	for (size_t i = 0; i < h->plan.count; i++) {
		const struct nvsr_planned *item = &h->plan.item[i];

		if (nvsr_is_meta(item))
			continue;
		if (!nvsr_passes(&h->said[i]))
			bad += fprintf(f, "healthy model: %s.%s says %s\n", item->group->id, item->test->id,
				       said_text(&h->said[i])) > 0;
		if (names_none(item))
			bad += fprintf(f, "no defect: %s.%s\n", item->group->id, item->test->id) > 0;
	}
	return bad;
}

/* Lies, each with what the tests said; the number of those that were not endured. */
static unsigned text_lies(FILE *f, const struct nvsr_proof *p)
{
	unsigned bad = 0;

	for (size_t i = p->defects + 1; i < p->count; i++) {
		const struct nvsr_job *job = &p->jobs[i];
		bool endured = nvsr_lie_endured(job);

		fprintf(f, "%-36s %-8s ", job->lie->name, endured ? "endured" : "BROKE");
		put_verdicts(f, job);
		bad += !endured;
		if (!endured)
			put_lie_faults(f, job, "    ");
	}
	return bad;
}

bool nvsr_prove_text(FILE *f, const struct nvsr_proof *p)
{
	unsigned bad, alive = 0, believed;

	for (size_t i = 1; i <= p->defects; i++) {
		const struct nvsr_job *job = &p->jobs[i];

		fprintf(f, "%-36s %-8s %2u of %-2u  %s\n", job->defect->name, nvsr_job_holds(p, job) ? "killed" : "ALIVE",
			count_named(p, job, true), count_named(p, job, false), job->defect->requirements);
		alive += !nvsr_job_holds(p, job);
		if (nvsr_job_holds(p, job))
			for (size_t k = 0; k < job->plan.count; k++) {
				if (!nvsr_is_meta(&job->plan.item[k]))
					fprintf(f, "    %s.%s\n", job->plan.item[k].group->id, job->plan.item[k].test->id);
			}
		else
			put_faults(f, p, job, "    ");
	}
	believed = text_lies(f, p);
	fputc('\n', f);
	bad = text_healthy(f, p);
	fprintf(f, "%zu defects: %zu killed, %u alive; %zu tests, %u complaints about them; %zu lies, %u not endured\n", p->defects,
		p->defects - alive, alive, p->tests, bad, p->count - 1 - p->defects, believed);
	return !alive && !bad && !believed;
}

/* --- TAP: a point per test (passes healthy, names a defect), then a point per defect and per lie ------------------------- */

bool nvsr_prove_tap(FILE *f, const struct nvsr_proof *p)
{
	const struct nvsr_job *h = &p->jobs[0];
	size_t number = 0;
	bool holds = true;

	fprintf(f, "TAP version 13\n1..%zu\n", p->tests + p->count - 1);
	for (size_t i = 0; i < h->plan.count; i++) {
		const struct nvsr_planned *item = &h->plan.item[i];
		bool ok = nvsr_passes(&h->said[i]) && !names_none(item);

		if (nvsr_is_meta(item))
			continue;
		holds = holds && ok;
		fprintf(f, "%sok %zu - healthy model: %s.%s\n", ok ? "" : "not ", ++number, item->group->id, item->test->id);
		if (!nvsr_passes(&h->said[i]))
			fprintf(f, "# says %s\n", said_text(&h->said[i]));
		if (names_none(item))
			fputs("# names no defect that would make it fail\n", f);
	}
	for (size_t i = 1; i <= p->defects; i++) {
		bool ok = nvsr_job_holds(p, &p->jobs[i]);

		holds = holds && ok;
		fprintf(f, "%sok %zu - defect %s is killed by %u of %u\n", ok ? "" : "not ", ++number, p->jobs[i].defect->name,
			count_named(p, &p->jobs[i], true), count_named(p, &p->jobs[i], false));
		if (!ok)
			put_faults(f, p, &p->jobs[i], "# ");
	}
	for (size_t i = p->defects + 1; i < p->count; i++) {
		bool ok = nvsr_lie_endured(&p->jobs[i]);

		holds = holds && ok;
		fprintf(f, "%sok %zu - %s is endured: ", ok ? "" : "not ", ++number, p->jobs[i].lie->name);
		put_verdicts(f, &p->jobs[i]);
		if (!ok)
			put_lie_faults(f, &p->jobs[i], "# ");
	}
	return holds;
}

/* --- JSON --------------------------------------------------------------------------------------------------------------- */

static void append_id(json_t *a, const struct nvsr_planned *item)
{
	_cleanup_free_ char *id = nvsr_test_full_id(item->group, item->test);

	json_array_append_new(a, json_string(id ? id : ""));
}

static json_t *words(const char *s)
{
	json_t *a = json_array();

	for (; *(s += strspn(s, " ")); s += strcspn(s, " "))
		json_array_append_new(a, json_stringn(s, strcspn(s, " ")));
	return a;
}

static json_t *defect_json(const struct nvsr_proof *p, const struct nvsr_job *job)
{
	json_t *killed = json_array(), *survived = json_array(), *meta = json_array();

	for (size_t i = 0; i < job->plan.count; i++) {
		const struct nvsr_planned *item = &job->plan.item[i];

		if (nvsr_is_meta(item)) {
			if (nvsr_meta_changed(p, job, i))
				append_id(meta, item);
		} else {
			append_id(nvsr_killed(p, job, i) ? killed : survived, item);
		}
	}
	return json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:b}", "name", job->defect->name, "requirements",
			 words(job->defect->requirements), "text", job->defect->text, "killed_by", killed, "survived", survived,
			 "meta_affected", meta, "killed", nvsr_job_holds(p, job));
}

static json_t *lie_json(const struct nvsr_job *job)
{
	json_t *verdicts = json_object(), *ended = json_object();

	for (unsigned v = 0; v < NVSR_VERDICT_COUNT; v++) {
		unsigned n = count_verdict(job, (enum nvsr_verdict)v);

		if (n)
			json_object_set_new(verdicts, nvsr_verdict_name((enum nvsr_verdict)v), json_integer(n));
	}
	for (unsigned i = 0; i < NVSR_TOLD; i++)
		json_object_set_new(ended, nvsr_told_names[i], json_integer(job->ended[i]));
	return json_pack("{s:s,s:s,s:o,s:o,s:b}", "name", job->lie->name, "text", job->lie->text, "verdicts", verdicts,
			 "exit_codes", ended, "endured", nvsr_lie_endured(job));
}

bool nvsr_prove_json(FILE *f, const struct nvsr_proof *p)
{
	json_t *o = json_object(), *defects = json_array(), *without = json_array(), *unhealthy = json_array(), *lies = json_array();
	const struct nvsr_job *h = &p->jobs[0];
	bool holds = true;

	for (size_t i = 1; i <= p->defects; i++) {
		json_array_append_new(defects, defect_json(p, &p->jobs[i]));
		holds = holds && nvsr_job_holds(p, &p->jobs[i]);
	}
	for (size_t i = 0; i < h->plan.count; i++) {
		const struct nvsr_planned *item = &h->plan.item[i];

		if (nvsr_is_meta(item))
			continue;
		if (names_none(item))
			append_id(without, item);
		if (!nvsr_passes(&h->said[i]))
			append_id(unhealthy, item);
	}
	for (size_t i = p->defects + 1; i < p->count; i++) {
		json_array_append_new(lies, lie_json(&p->jobs[i]));
		holds = holds && nvsr_lie_endured(&p->jobs[i]);
	}
	holds = holds && !json_array_size(without) && !json_array_size(unhealthy);
	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "defects", defects);
	json_object_set_new(o, "lies", lies);
	json_object_set_new(o, "tests_without_defect", without);
	json_object_set_new(o, "tests_not_passing_healthy", unhealthy);
	json_object_set_new(o, "holds", json_boolean(holds));
	json_dumpf(o, f, JSON_INDENT(1));
	fputc('\n', f);
	json_decref(o);
	return holds;
}
