// SPDX-License-Identifier: GPL-2.0-or-later
/* A performance run as text for people: paths × depths, each number with its spread; what failed or was skipped, and why. */
#include <math.h>

#include "reports/perf_which.h"

#define COLUMNS 6	/* depths in one table: 100 characters in all */
#define WORKLOADS 3
#define REASONS 12

static bool has_path(const struct nvsr_perf_grid *t, const char *path)
{
	for (unsigned i = 0; i < t->depths; i++)
		if (nvsr_perf_grid_cell(t, path, i))
			return true;
	return false;
}

/* Of the first column: 100 characters in all where the longest name has 25. */
static int name_width(const struct nvsr_perf_run *run)
{
	const char *paths[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(run, true, paths);
	size_t most = 18;

	for (unsigned p = 0; p < n; p++)
		most = NVSR_MAX(most, strlen(paths[p]));
	return (int)NVSR_MIN(most, 25) + 1;
}

/* A column: a number in six places, its spread in six, which the last column has no blanks after. */
static void put_spread(FILE *f, const struct nvsr_spread *s, double unit, bool last)
{
	char number[24], spread[16] = "";
	double half = nvsr_perf_half_range(s);

	nvsr_perf_digits(s->median / unit, number);
	if (s->n > 1 && isfinite(half))
		snprintf(spread, sizeof(spread), half > 999 ? " ±>999%%" : " ±%.0f%%", half);
	fprintf(f, "%6s%-*s", number, last ? 0 : *spread ? 7 : 6, spread);	/* ± is two bytes */
}

static void put_heading(FILE *f, const struct nvsr_perf_grid *t, const char *title, const char *unit)
{
	fprintf(f, "\n  %s%-*s", title, name_width(t->run) - (int)strlen(title) + (strstr(unit, "µ") ? 1 : 0), unit);
	for (unsigned i = 0; i < t->depths; i++) {
		char depth[24];

		snprintf(depth, sizeof(depth), "QD%llu", (unsigned long long)t->depth[i]);
		fprintf(f, "%6s%s", depth, i + 1 < t->depths ? "      " : "\n");
	}
}

static void put_metric(FILE *f, const struct nvsr_perf_grid *t, const char *title, const char *unit_text, enum nvsr_perf_metric m,
		       double unit)
{
	const char *paths[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(t->run, true, paths);
	int width = name_width(t->run);

	put_heading(f, t, title, unit_text);
	for (unsigned p = 0; p < n; p++) {
		if (!has_path(t, paths[p]))
			continue;
		fprintf(f, "  %-*.*s", width, width, paths[p]);
		for (unsigned i = 0; i < t->depths; i++) {
			const struct nvsr_perf_cell *c = nvsr_perf_grid_cell(t, paths[p], i);

			put_spread(f, c ? &c->stat[m] : &(struct nvsr_spread){ .median = NAN }, unit, i + 1 == t->depths);
		}
		fputc('\n', f);
	}
}

/* Against bare metal that waits in the same way. */
static void put_ratios(FILE *f, const struct nvsr_perf_grid *t)
{
	const char *paths[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(t->run, true, paths), rows = 0;
	int width = name_width(t->run);
	bool star = false;

	for (unsigned p = 0; p < n; p++) {
		const char *base = nvsr_perf_path_of(paths[p])->like;
		bool polled = base && !strcmp(base, "bare-metal-polled");

		if (!base || !has_path(t, base))
			continue;
		star |= polled;
		if (!rows++)
			put_heading(f, t, "IOPS / bare metal", "");
		fprintf(f, "  %-*.*s%c", width - 1, width - 1, paths[p], polled ? '*' : ' ');
		for (unsigned i = 0; i < t->depths; i++) {
			struct nvsr_spread s = nvsr_perf_ratio(nvsr_perf_grid_cell(t, paths[p], i), nvsr_perf_grid_cell(t, base, i), NVSR_PERF_IOPS,
							       t->run->repeats);

			put_spread(f, &s, 1, i + 1 == t->depths);
		}
		fputc('\n', f);
	}
	if (star)
		fputs("  * against bare-metal-polled\n", f);
}

static void put_workload(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload)
{
	struct nvsr_perf_grid t;
	char text[96];

	nvsr_perf_workload_text(workload, text);
	if (!nvsr_perf_grid_find(run, workload, COLUMNS, &t)) {
		fprintf(f, "\n%s: no numbers\n", text);
		return;
	}
	fprintf(f, "\n%s, %u job%s, %u VM%s%s%s\n", text, t.like->jobs, t.like->jobs == 1 ? "" : "s", t.like->vms,
		t.like->vms == 1 ? "" : "s", nvsr_perf_label(run) ? " - " : "", nvsr_perf_label(run) ? nvsr_perf_label(run) : "");
	if (t.thinned)
		fprintf(f, "%u of %u depths, the others are in the report\n", t.depths, t.depths + t.thinned);
	put_metric(f, &t, "thousand IOPS", "", NVSR_PERF_IOPS, 1000);
	put_metric(f, &t, "latency p99", ", µs", NVSR_PERF_LAT_P99, 1000);
	put_ratios(f, &t);
}

static void put_bad(FILE *f, const struct nvsr_text_style *s, const char *word)
{
	fprintf(f, s->colour ? "\033[31;1m%s\033[0m" : "%s", word);
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* One line for all cells of a path that are left out for one reason. */
static void put_left_out(FILE *f, const struct nvsr_perf_run *run, enum nvsr_perf_state state, const struct nvsr_text_style *s)
{
	unsigned lines = 0;

	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];
		size_t alike = 1;
		bool told = false;

		if (c->state != state)
			continue;
		for (size_t k = 0; k < i && !told; k++)
			told = run->cell[k].state == state && same_text(run->cell[k].reason, c->reason) &&
			       !strcmp(run->cell[k].path, c->path);
		if (told)
			continue;
		if (lines++ == REASONS) {
			fputs("  and more, see the report\n", f);
			return;
		}
		for (size_t k = i + 1; k < run->cells; k++)
			alike += run->cell[k].state == state && same_text(run->cell[k].reason, c->reason) &&
				 !strcmp(run->cell[k].path, c->path);
		fputs("  ", f);
		if (state == NVSR_PERF_FAIL)
			put_bad(f, s, "FAIL");
		else
			fputs(nvsr_perf_state_name(state), f);
		fprintf(f, " %s", alike > 1 ? c->path : c->name);
		if (alike > 1)
			fprintf(f, " (%zu cells)", alike);
		fprintf(f, "%s%s\n", c->reason ? ": " : state == NVSR_PERF_MISSING ? ": not measured in every repeat" : "",
			c->reason ? c->reason : "");
	}
}

static void put_verify(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_text_style *s)
{
	unsigned ok = 0;

	for (unsigned i = 0; i < run->verifies; i++) {
		const struct nvsr_perf_verify *v = &run->verify[i];

		ok += v->state == NVSR_PERF_OK;
		if (nvsr_perf_elsewhere(run, v->path))
			fprintf(f, "  note %s: %s\n", v->path, v->reason);
		if (v->state != NVSR_PERF_FAIL)
			continue;
		fputs("  ", f);
		put_bad(f, s, v->corrupt ? "WRONG DATA" : "not verified");
		fprintf(f, " %s%s%s\n", v->path, v->reason ? ": " : "", v->reason ? v->reason : "");
	}
	if (run->verifies)
		fprintf(f, "data verified on %u of %u paths\n", ok, run->verifies);
}

void nvsr_perf_text_totals(FILE *f, const struct nvsr_perf_run *run)
{
	fprintf(f, "%zu cells: %zu ok, %zu fail, %zu skip", run->cells, run->total[NVSR_PERF_OK], run->total[NVSR_PERF_FAIL],
		run->total[NVSR_PERF_SKIP]);
	if (run->total[NVSR_PERF_MISSING])
		fprintf(f, ", %zu not measured", run->total[NVSR_PERF_MISSING]);
	fprintf(f, "; %u repeats each%s\n", run->repeats, run->interrupted ? "; interrupted" : "");
}

void nvsr_perf_text_write(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_text_style *s)
{
	const struct nvsr_perf_cell *workload[NVSR_PERF_WORKLOADS_MOST];
	unsigned n = nvsr_perf_workloads(run, workload);
	char noise[160];

	fprintf(f, "nvsr-conform perf %s   device %s%s%s   matrix %s\n", run->tool ? run->tool : "", run->device ? run->device : "",
		run->model ? ", " : "", run->model ? run->model : "", run->matrix ? run->matrix : "-");
	if (run->cpu)
		fprintf(f, "%s, %u CPUs, %s\n", run->cpu, run->cpus, run->kernel ? run->kernel : "");
	if (nvsr_perf_label(run))
		fprintf(f, "%s\n", nvsr_perf_label(run));
	fputs("median of the repeats, ± half of least to most\n", f);
	nvsr_perf_noise_text(run, noise);
	if (*noise)
		fprintf(f, "%s\n", noise);
	for (unsigned i = 0; i < n && i < WORKLOADS; i++)
		put_workload(f, run, workload[i]);
	if (n > WORKLOADS)
		fprintf(f, "\n%u more workload%s: see the report\n", n - WORKLOADS, n == WORKLOADS + 1 ? "" : "s");
	nvsr_which_text_write(f, run);
	fputc('\n', f);
	put_left_out(f, run, NVSR_PERF_FAIL, s);
	put_left_out(f, run, NVSR_PERF_MISSING, s);
	put_left_out(f, run, NVSR_PERF_SKIP, s);
	put_verify(f, run, s);
	nvsr_perf_text_totals(f, run);
	if (s->where)
		fprintf(f, "report: %s/report/index.html\n", s->where);
}
