// SPDX-License-Identifier: GPL-2.0-or-later
/* Several runs side by side: totals, then the tests on which they differ. */
#include "base/text.h"
#include "reports/reports.h"

static const struct nvsr_result *find(const struct nvsr_run *run, const char *id)
{
	for (size_t i = 0; i < run->count; i++)
		if (!strcmp(run->tests[i].id, id))
			return &run->tests[i];
	return NULL;
}

static const char *word(const struct nvsr_result *r)
{
	if (!r)
		return "absent";
	return r->verdict == NVSR_PASS && r->deviates ? "deviates" : nvsr_verdict_name(r->verdict);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool differs(const struct nvsr_run *const *runs, size_t n, const char *id)
{
	const struct nvsr_result *first = find(runs[0], id);

	for (size_t i = 1; i < n; i++) {
		const struct nvsr_result *r = find(runs[i], id);

		if (strcmp(word(first), word(r)) || (first && r && !same_text(first->observed, r->observed)))
			return true;
	}
	return false;
}

static void put_row(FILE *f, const struct nvsr_run *const *runs, size_t n, const char *id)
{
	fprintf(f, "%-52s", id);
	for (size_t i = 0; i < n; i++)
		fprintf(f, " %-10s", word(find(runs[i], id)));
	fputc('\n', f);
	for (size_t i = 0; i < n; i++) {
		const struct nvsr_result *r = find(runs[i], id);

		if (r && r->observed)
			fprintf(f, "    %zu: expected %s, observed %s\n", i + 1, r->expected ? r->expected : "", r->observed);
		else if (r && r->reason)
			fprintf(f, "    %zu: %s\n", i + 1, r->reason);
	}
}

/* Whether a run before @i has this id too: then its row is there already. */
static bool seen_before(const struct nvsr_run *const *runs, size_t i, const char *id)
{
	while (i--)
		if (find(runs[i], id))
			return true;
	return false;
}

void nvsr_compare_write(FILE *f, const struct nvsr_run *const *runs, const char *const *names, size_t n)
{
	unsigned differences = 0, tests = 0;

	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%zu  %s: device %s, profile %s, firmware %s, nvsr-conform %s, %s\n   ", i + 1, names[i],
			runs[i]->device ? runs[i]->device : "-", runs[i]->profile ? runs[i]->profile : "-",
			runs[i]->firmware ? runs[i]->firmware : "-", runs[i]->tool ? runs[i]->tool : "-",
			runs[i]->started ? runs[i]->started : "-");
		nvsr_text_totals(f, runs[i]);
	}
	fprintf(f, "\n%-52s", "test");
	for (size_t i = 0; i < n; i++)
		fprintf(f, " %-10zu", i + 1);
	fputc('\n', f);
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < runs[i]->count; k++) {
			const char *id = runs[i]->tests[k].id;

			if (seen_before(runs, i, id))
				continue;
			tests++;
			if (!differs(runs, n, id))
				continue;
			differences++;
			put_row(f, runs, n, id);
		}
	}
	fprintf(f, "\n%u of %u tests differ\n", differences, tests);
}
