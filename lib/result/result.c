// SPDX-License-Identifier: GPL-2.0-or-later
/* Result records: names of verdicts, ownership, counts, and the exit code of a run. */
#include "result/result.h"

static const char *const names[NVSR_VERDICT_COUNT] = {
	[NVSR_NONE] = "none",
#define X(id, text) [NVSR_##id] = text,
	NVSR_RESULTS(X)
#undef X
};

const char *nvsr_verdict_name(enum nvsr_verdict v)
{
	return (unsigned)v < NVSR_VERDICT_COUNT ? names[v] : names[NVSR_NONE];
}

enum nvsr_verdict nvsr_verdict_parse(const char *name)
{
	for (unsigned i = 0; name && i < NVSR_VERDICT_COUNT; i++)
		if (!strcmp(names[i], name))
			return (enum nvsr_verdict)i;
	return NVSR_NONE;
}

unsigned nvsr_lines_count(char *const *lines)
{
	unsigned n = 0;

	while (lines && lines[n])
		n++;
	return n;
}

int nvsr_lines_add(char ***lines, const char *text)
{
	unsigned n = nvsr_lines_count(*lines);
	char **grown = realloc(*lines, (n + 2) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	*lines = grown;
	grown[n] = strdup(text);
	grown[n + 1] = NULL;
	return grown[n] ? 0 : -ENOMEM;
}

char **nvsr_lines_free(char **lines)
{
	for (unsigned i = 0; lines && lines[i]; i++)
		free(lines[i]);
	free(lines);
	return NULL;
}

int nvsr_field_set(char **field, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

void nvsr_result_free(struct nvsr_result *r)
{
	char **fields[] = { &r->id, &r->group, &r->title, &r->level, &r->cite, &r->reason, &r->cause, &r->expected,
			    &r->observed, &r->at, &r->link };
	char ***lists[] = { &r->requirements, &r->failures, &r->notes, &r->last, &r->output };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(fields); i++)
		free(*fields[i]);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(lists); i++)
		nvsr_lines_free(*lists[i]);
	memset(r, 0, sizeof(*r));
}

void nvsr_run_free(struct nvsr_run *run)
{
	char **fields[] = { &run->tool, &run->device, &run->method, &run->profile, &run->model, &run->serial, &run->firmware,
			    &run->started, &run->finished, &run->cmdline, &run->seed, &run->model_profile,
			    &run->abort_reason };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(fields); i++)
		free(*fields[i]);
	nvsr_lines_free(run->patterns);
	nvsr_lines_free(run->options);
	for (size_t i = 0; i < run->count; i++)
		nvsr_result_free(&run->tests[i]);
	free(run->tests);
	memset(run, 0, sizeof(*run));
}

void nvsr_run_count(struct nvsr_run *run)
{
	memset(run->totals, 0, sizeof(run->totals));
	for (size_t i = 0; i < run->count; i++)
		run->totals[run->tests[i].verdict]++;
	run->not_reached = run->totals[NVSR_NONE];
	run->complete = run->finished && !run->interrupted && !run->not_reached;
}

static bool strict_failure(const struct nvsr_run *run)
{
	if (run->totals[NVSR_SURPRISE])
		return true;
	for (size_t i = 0; i < run->count; i++) {
		const struct nvsr_result *r = &run->tests[i];

		if (r->deviates && r->level && !strcmp(r->level, "R"))
			return true;
	}
	return false;
}

int nvsr_run_exit_code(const struct nvsr_run *run, bool strict)
{
	const unsigned *n = run->totals;

	if (n[NVSR_FAIL] || (strict && strict_failure(run)))
		return 1;
	if (!run->complete || run->abort_reason || n[NVSR_BROKEN] || n[NVSR_TIMEOUT] || n[NVSR_CRASH] || n[NVSR_ABORT])
		return 3;
	if (!n[NVSR_PASS] && !n[NVSR_SURPRISE] && !n[NVSR_KNOWN])
		return 77;
	return 0;
}
