// SPDX-License-Identifier: GPL-2.0-or-later
/* perf.tsv: read.delim(comment.char = "#") and pandas.read_csv(sep = "\t", comment = "#") take it as it is. */
#include "reports/perf.h"
#include "reports/tsv.h"

static void put_head(FILE *f, const struct nvsr_perf_run *run)
{
	if (nvsr_perf_label(run))
		fprintf(f, "# %s\n", nvsr_perf_label(run));
	nvsr_tsv_comment(f, "nvsr-conform", run->tool);
	nvsr_tsv_comment(f, "device", run->device);
	nvsr_tsv_comment(f, "model", run->model);
	nvsr_tsv_comment(f, "firmware", run->firmware);
	nvsr_tsv_comment(f, "cpu", run->cpu);
	nvsr_tsv_comment(f, "kernel", run->kernel);
	nvsr_tsv_comment(f, "time", run->time);
	fprintf(f, "# repeats: %u; of each metric the median, the least and the most; NA: not measured\n", run->repeats);
	fputs("# units: bytes, ns, 1/s, cores; what each column means: reports/NUMBERS.md\n", f);
	fputs("cell\tpath\tpattern\tread_percent\tblock_bytes\tdepth\tjobs\tvms\tin_flight\tsoftware\tresult\trepeats_ok", f);
	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
		for (unsigned i = 0; i < 3; i++)
			fprintf(f, "\t%s%s", nvsr_perf_metrics[m].column, (const char *const[]){ "", "_min", "_max" }[i]);
	fputs("\tlatency_is_bound\treason\n", f);
}

void nvsr_perf_tsv_write(FILE *f, const struct nvsr_perf_run *run)
{
	put_head(f, run);
	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		fprintf(f, "%s\t%s\t%s\t%u\t%llu\t%u\t%u\t%u\t%llu\t%d\t%s\t%u", c->name, c->path, c->pattern, c->read_percent,
			(unsigned long long)c->block, c->depth, c->jobs, c->vms, (unsigned long long)c->depth * c->jobs * c->vms,
			run->software, nvsr_perf_state_name(c->state), c->ok);
		for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++) {
			nvsr_tsv_number(f, c->stat[m].median);
			nvsr_tsv_number(f, c->stat[m].min);
			nvsr_tsv_number(f, c->stat[m].max);
		}
		fprintf(f, "\t%d\t", c->bound);
		if (c->reason)
			nvsr_tsv_text(f, c->reason);
		else
			fputs("NA", f);
		fputc('\n', f);
	}
}
