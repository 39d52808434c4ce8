// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as fio's output, as db_bench's, as a host sampling and as a journal: refused with a complaint, or numbers that are numbers. */
#include <math.h>

#include "base/fuzz.h"
#include "result/perf.h"

static void check_values(const struct nvsr_perf_repeat *r)
{
	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
		if (r->value[m] < 0)
			abort();
}

static void read_journal(const char *text, size_t len)
{
	char complaint[512] = "";
	struct nvsr_perf_run run;
	int rc = nvsr_perf_journal_parse(text, len, "journal", &run, complaint);

	if (!rc != !complaint[0])
		abort();
	if (rc)
		return;
	nvsr_perf_exit_code(&run);
	for (size_t i = 1; i < run.cells; i++)
		nvsr_perf_ratio(&run.cell[i], nvsr_perf_find(&run, run.cell[0].path, &run.cell[i]), NVSR_PERF_IOPS, run.repeats);
	nvsr_perf_free(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = size ? (const char *)data : "";
	char complaint[512] = "";
	struct nvsr_perf_repeat r = { 0 };
	int rc;

	rc = nvsr_perf_fio_parse(text, size, "fio", 2, &r, complaint);
	if (!rc != !complaint[0])
		abort();
	if (!rc)
		check_values(&r);
	complaint[0] = '\0';
	rc = nvsr_perf_db_parse(text, size, "db", "bulkload", 2, &r, complaint);
	if (!rc != !complaint[0])
		abort();
	if (!rc)
		check_values(&r);
	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
		r.value[m] = rc ? NAN : r.value[m];
	complaint[0] = '\0';
	rc = nvsr_perf_host_parse(text, size, "host", &r, complaint);
	if (!rc != !complaint[0])
		abort();
	check_values(&r);
	read_journal(text, size);
	return 0;
}
