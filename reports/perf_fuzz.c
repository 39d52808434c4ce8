// SPDX-License-Identifier: GPL-2.0-or-later
/* Any journal of a performance run: refused, or everything can be written from it, whatever its numbers are. */
#include <math.h>

#include "base/fuzz.h"
#include "reports/perf_html.h"
#include "reports/perf_which.h"

/* Numbers from the input's bytes, odd ones among them. */
static void invent(struct nvsr_perf_run *run, const uint8_t *data, size_t size)
{
	static const double odd[] = { 0, NAN, INFINITY, 1e-300, 1e300, 1 };
	size_t at = 0;

	for (size_t i = 0; i < run->cells; i++)
		for (unsigned r = 0; r < run->repeats; r++)
			for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++, at++) {
				uint8_t b = data[at % size];

				run->cell[i].repeat[r].value[m] = b < NVSR_ARRAY_SIZE(odd) ? odd[b] : b * pow(10, at % 7);
			}
	nvsr_perf_count(run);
}

/* A capability table whose answers come from the input's bytes. */
static void invent_table(struct nvsr_capability *t, struct nvsr_capability_cell *cell, unsigned n, const uint8_t *data, size_t size)
{
	static const char *const ways[] = { "passthrough", "virtio-ns", "vhost-user-blk" };

	for (unsigned i = 0; i < n; i++) {
		snprintf(cell[i].row, sizeof(cell[i].row), "%s", nvsr_demands[i % nvsr_demand_count].row);
		snprintf(cell[i].way, sizeof(cell[i].way), "%s", ways[i / nvsr_demand_count % NVSR_ARRAY_SIZE(ways)]);
		cell[i].answer = (enum nvsr_capability_answer)(data[i % size] % (NVSR_CAPABILITY_YES + 1));
	}
	*t = (struct nvsr_capability){ .cell = cell, .cells = n };
}

static void write_all(FILE *f, const struct nvsr_perf_run *run)
{
	const struct nvsr_perf_run *const runs[] = { run, run };
	static const char *const names[] = { "a", "b" };
	struct nvsr_perf_figures figures;

	nvsr_perf_tsv_write(f, run);
	nvsr_which_tsv_write(f, run);
	nvsr_perf_text_write(f, run, &(struct nvsr_text_style){ .colour = true, .where = "there" });
	nvsr_perf_compare_write(f, runs, names, NVSR_ARRAY_SIZE(runs));
	if (nvsr_perf_figures_plan(run, &figures))
		return;
	for (unsigned i = 0; i < figures.n; i++) {
		_cleanup_text_ struct nvsr_text data = { 0 }, script = { 0 };

		nvsr_perf_figure_write(run, &figures.figure[i], &data, &script);
	}
	nvsr_perf_html_write(f, run, &figures);
	nvsr_perf_figures_free(&figures);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/dev/null", "w");
	struct nvsr_capability_cell cell[15] = { 0 };
	struct nvsr_capability table;
	struct nvsr_perf_run run;
	char complaint[512] = "";

	if (!f)
		abort();
	if (!size || nvsr_perf_journal_parse((const char *)data, size, "journal", &run, complaint))
		return 0;
	invent(&run, data, size);
	write_all(f, &run);
	invent_table(&table, cell, NVSR_ARRAY_SIZE(cell), data, size);
	run.capability = &table;
	write_all(f, &run);
	run.capability = NULL;
	nvsr_perf_free(&run);
	return 0;
}
