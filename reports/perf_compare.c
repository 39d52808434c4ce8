// SPDX-License-Identifier: GPL-2.0-or-later
/* Performance runs side by side: where they differ in what they measured, then cell by cell against the first run. */
#include <inttypes.h>
#include <math.h>

#include "base/text.h"
#include "reports/perf_view.h"

/* What two runs may differ in; where @decides, numbers of the two say nothing about each other. */
struct trait { const char *name; bool decides; char *(*text)(const struct nvsr_perf_run *run); };

static char *copy(const char *s)
{
	return strdup(s ? s : "unknown");
}

static char *kind_text(const struct nvsr_perf_run *run) { return copy(run->software ? "software model" : run->tcg ? "emulated machine" : run->emulated ? "emulated device" : "drive"); }
static char *cpu_text(const struct nvsr_perf_run *run) { return copy(run->cpu); }
static char *cpus_text(const struct nvsr_perf_run *run) { return nvsr_asprintf("%u", run->cpus); }
static char *governor_text(const struct nvsr_perf_run *run) { return copy(run->governor); }
static char *device_text(const struct nvsr_perf_run *run) { return copy(run->model); }
static char *firmware_text(const struct nvsr_perf_run *run) { return copy(run->firmware); }
static char *profile_text(const struct nvsr_perf_run *run) { return copy(run->profile); }
static char *kernel_text(const struct nvsr_perf_run *run) { return copy(run->kernel); }
static char *tool_text(const struct nvsr_perf_run *run) { return copy(run->tool); }

static char *window_text(const struct nvsr_perf_run *run)
{
	return nvsr_asprintf("%" PRIu64 " ms after %" PRIu64 " ms", run->run_ms, run->ramp_ms);
}

char *nvsr_perf_placement_text(const struct nvsr_perf_run *run)
{
	struct nvsr_text t = { 0 };

	for (unsigned i = 0; i < run->places; i++) {
		nvsr_text_add(&t, "%s%s on CPU", i ? ", " : "", run->place[i].who);
		for (unsigned k = 0; k < run->place[i].n; k++)
			nvsr_text_add(&t, "%c%d", k ? ',' : ' ', run->place[i].cpu[k]);
		if (!run->place[i].n)
			nvsr_text_add(&t, " any");
	}
	if (!t.s)
		nvsr_text_add(&t, "unknown");
	return t.s;
}

static const struct trait traits[] = {
	{ "what", true, kind_text }, { "CPU", true, cpu_text }, { "CPUs", true, cpus_text },
	{ "placement", true, nvsr_perf_placement_text }, { "governor", true, governor_text }, { "model", false, device_text },
	{ "firmware", false, firmware_text }, { "profile", false, profile_text }, { "kernel", false, kernel_text },
	{ "nvsr-conform", false, tool_text }, { "measured", false, window_text },
};

/* Returns whether a trait that decides differs from the first run's. */
static bool put_differences(FILE *f, const struct nvsr_perf_run *a, const struct nvsr_perf_run *b)
{
	bool decided = false;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(traits); i++) {
		_cleanup_free_ char *was = traits[i].text(a), *is = traits[i].text(b);

		if (!was || !is || !strcmp(was, is))
			continue;
		fprintf(f, "    %s: %s, was %s\n", traits[i].name, is, was);
		decided |= traits[i].decides;
	}
	return decided;
}

/* Runs are not paired: the range of the ratio is from least / most to most / least. */
static struct nvsr_spread ratio_of(const struct nvsr_spread *a, const struct nvsr_spread *b)
{
	struct nvsr_spread r = { .median = NAN, .min = NAN, .max = NAN };

	if (!a->n || !b->n || !(a->min > 0))
		return r;
	r.n = NVSR_MIN(a->n, b->n);
	r.median = b->median / a->median;
	r.min = b->min / a->max;
	r.max = b->max / a->min;
	return r;
}

static const struct nvsr_perf_cell *find(const struct nvsr_perf_run *run, const char *name)
{
	for (size_t i = 0; i < run->cells; i++)
		if (!strcmp(run->cell[i].name, name))
			return &run->cell[i];
	return NULL;
}

static const struct { enum nvsr_perf_metric metric; const char *title; double unit; } shown[] = {
	{ NVSR_PERF_IOPS, "kIOPS", 1000 }, { NVSR_PERF_LAT_P99, "p99 µs", 1000 }, { NVSR_PERF_PATH_CORES, "cores", 1 },
};

/* "1.03  0.98..1.07 +" */
static void put_ratio(struct nvsr_text *row, const struct nvsr_spread *r, int better, bool *ret_apart)
{
	char median[24], min[24], max[24], mark = ' ';

	if (!r->n) {
		nvsr_text_add(row, "  %-20s", "    -");
		return;
	}
	nvsr_perf_digits(r->median, median);
	nvsr_perf_digits(r->min, min);
	nvsr_perf_digits(r->max, max);
	/* Apart only where the ranges of the two runs do not touch. */
	if (r->min > 1)
		mark = better > 0 ? '+' : '!';
	else if (r->max < 1)
		mark = better > 0 ? '!' : '+';
	*ret_apart |= mark != ' ';
	nvsr_text_add(row, "  %5s %5s..%-5s %c", median, min, max, mark);
}

static void put_medians(struct nvsr_text *row, const struct nvsr_spread *a, const struct nvsr_spread *b, double unit)
{
	char was[24], is[24];

	nvsr_perf_digits(a->median / unit, was);
	nvsr_perf_digits(b->median / unit, is);
	nvsr_text_add(row, "  %9s %9s ", was, is);
}

static void put_row(FILE *f, struct nvsr_text *row)
{
	while (row->len && row->s[row->len - 1] == ' ')
		row->s[--row->len] = '\0';
	fprintf(f, "%s\n", row->s ? row->s : "");
	nvsr_text_free(row);
}

static bool put_cell(FILE *f, const struct nvsr_perf_cell *was, const struct nvsr_perf_cell *is, int width, bool comparable)
{
	struct nvsr_text row = { 0 };
	bool apart = false;

	nvsr_text_add(&row, "%-*s", width, is->name);
	for (unsigned m = 0; m < NVSR_ARRAY_SIZE(shown); m++) {
		const struct nvsr_spread *x = &was->stat[shown[m].metric], *y = &is->stat[shown[m].metric];
		struct nvsr_spread r = ratio_of(x, y);

		if (comparable)
			put_ratio(&row, &r, nvsr_perf_metrics[shown[m].metric].better, &apart);
		else
			put_medians(&row, x, y, shown[m].unit);
	}
	put_row(f, &row);
	return apart;
}

static void put_heading(FILE *f, int width, bool comparable)
{
	struct nvsr_text row = { 0 };

	nvsr_text_add(&row, "\n%-*s", width, comparable ? "ratio to run 1, its range" : "run 1, this run");
	for (unsigned m = 0; m < NVSR_ARRAY_SIZE(shown); m++)
		nvsr_text_add(&row, "  %*s%*s", (comparable ? 13 : 19) + (strstr(shown[m].title, "µ") ? 1 : 0), shown[m].title,
			      comparable ? 7 : 1, "");
	put_row(f, &row);
}

static void put_cells(FILE *f, const struct nvsr_perf_run *a, const struct nvsr_perf_run *b, bool comparable)
{
	unsigned apart = 0, both = 0, alone = 0;
	size_t width = 25;

	for (size_t i = 0; i < b->cells; i++)
		width = NVSR_MAX(width, strlen(b->cell[i].name));
	put_heading(f, (int)width, comparable);
	for (size_t i = 0; i < b->cells; i++) {
		const struct nvsr_perf_cell *is = &b->cell[i], *was = find(a, is->name);

		if (was && was->ok && is->ok) {
			both++;
			apart += put_cell(f, was, is, (int)width, comparable);
		} else {
			alone += is->ok || (was && was->ok);
		}
	}
	for (size_t i = 0; i < a->cells; i++)
		alone += a->cell[i].ok && !find(b, a->cell[i].name);
	if (comparable)
		fprintf(f, "\n%u of %u cells differ by more than their spread (+ better, ! worse)", apart, both);
	else
		fprintf(f, "\n%u cells", both);
	fprintf(f, "; %u measured in one of the two only\n", alone);
}

void nvsr_perf_compare_write(FILE *f, const struct nvsr_perf_run *const *runs, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%zu  %s: %s, %s, nvsr-conform %s, %s\n   ", i + 1, names[i], runs[i]->device ? runs[i]->device : "-",
			runs[i]->model ? runs[i]->model : "-", runs[i]->tool ? runs[i]->tool : "-",
			runs[i]->time ? runs[i]->time : "-");
		nvsr_perf_text_totals(f, runs[i]);
		if (nvsr_perf_label(runs[i]))
			fprintf(f, "   %s\n", nvsr_perf_label(runs[i]));
	}
	for (size_t i = 1; i < n; i++) {
		bool decided;

		fprintf(f, "\nrun %zu against run 1\n", i + 1);
		decided = put_differences(f, runs[0], runs[i]);
		if (decided)
			fputs("    not comparable for that: medians without ratios\n", f);
		put_cells(f, runs[0], runs[i], !decided);
	}
}
