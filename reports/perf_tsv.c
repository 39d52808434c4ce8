// SPDX-License-Identifier: GPL-2.0-or-later
/* perf.tsv: read.delim(comment.char = "#") and pandas.read_csv(sep = "\t", comment = "#") take it as it is. */
#include <math.h>

#include "reports/perf.h"

/* One line, without what those readers take for a comment, a quote or a column. */
static void put_plain(FILE *f, const char *s)
{
	for (; s && *s; s++)
		fputc(strchr("#\"'\t\r\n", *s) ? ' ' : *s, f);
}

static void put_comment(FILE *f, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(f, "# %s: ", name);
	put_plain(f, value);
	fputc('\n', f);
}

static void put_head(FILE *f, const struct nvsr_perf_run *run)
{
	if (nvsr_perf_label(run))
		fprintf(f, "# %s\n", nvsr_perf_label(run));
	put_comment(f, "nvsr-conform", run->tool);
	put_comment(f, "device", run->device);
	put_comment(f, "model", run->model);
	put_comment(f, "firmware", run->firmware);
	put_comment(f, "cpu", run->cpu);
	put_comment(f, "kernel", run->kernel);
	put_comment(f, "time", run->time);
	fprintf(f, "# repeats: %u; of each metric the median, the least and the most; NA: not measured\n", run->repeats);
	fputs("# units: bytes, ns, 1/s, cores; what each column means: reports/NUMBERS.md\n", f);
	fputs("cell\tpath\tpattern\tread_percent\tblock_bytes\tdepth\tjobs\tvms\tin_flight\tsoftware\tresult\trepeats_ok", f);
	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
		for (unsigned i = 0; i < 3; i++)
			fprintf(f, "\t%s%s", nvsr_perf_metrics[m].column, (const char *const[]){ "", "_min", "_max" }[i]);
	fputs("\tlatency_is_bound\treason\n", f);
}

static void put_number(FILE *f, double v)
{
	if (isfinite(v))
		fprintf(f, "\t%.10g", v);
	else
		fputs("\tNA", f);
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
			put_number(f, c->stat[m].median);
			put_number(f, c->stat[m].min);
			put_number(f, c->stat[m].max);
		}
		fprintf(f, "\t%d\t", c->bound);
		if (c->reason)
			put_plain(f, c->reason);
		else
			fputs("NA", f);
		fputc('\n', f);
	}
}
