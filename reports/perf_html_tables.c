// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tables of a performance run's page.  A number is the median of its repeats, stands with half of least to most, sorts by its
 * value in base units and leads to the file of the repeat that it is from.
 */
#include <math.h>

#include "reports/perf_html.h"

void nvsr_perf_html_caption(FILE *f, const struct nvsr_perf_run *run, const char *text)
{
	const char *label = nvsr_perf_label(run);

	fprintf(f, "<caption><span>%s%s%s%s</span></caption>", text, label ? " <span class=badge>" : "", label ? label : "",
		label ? "</span>" : "");
}

/* gnuplot's markers, by point type: the even ones are open. */
static const char *const markers[] = {
	[4 / 2] = "M10 2h6v6h-6z", [6 / 2] = "M13 2a3 3 0 1 0 .01 0z", [8 / 2] = "M13 1l3.6 6h-7.2z", [10 / 2] = "M13 9l3.6-6h-7.2z",
	[12 / 2] = "M13 1l4 4-4 4-4-4z", [14 / 2] = "M13 1l3.8 2.8-1.4 4.4h-4.8l-1.4-4.4z",
};

void nvsr_perf_html_path(FILE *f, const char *path)
{
	const struct nvsr_perf_path *p = nvsr_perf_path_of(path);

	if (*p->name)
		fprintf(f, "<svg class=line viewBox=\"0 0 26 10\" style=\"--c:var(--path-%s)\"><path d=\"M0 5h26\" stroke-dasharray=\"%s\"/><path "
			"class=%s d=\"%s\"/></svg>", path, nvsr_perf_dash_text(p->dash), p->point % 2 ? "full" : "open", markers[p->point / 2]);
	nvsr_xml_put(f, path);
}

static void put_path(FILE *f, const char *path)
{
	fprintf(f, "<th scope=row class=path title=\"%s\">", nvsr_perf_path_of(path)->text);
	nvsr_perf_html_path(f, path);
}

/* Of several devices, the first one's. */
void nvsr_perf_html_link(FILE *f, const struct nvsr_perf_cell *c, unsigned at, bool host)
{
	fprintf(f, "<a href=\"../%sraw/%s/%u.%s\">", c->together ? "1/" : "", c->name, at + 1, host ? "host.json" : nvsr_perf_load_suffix(c->pattern));
}

/* Where the half is more than the whole, the range says it better. */
void nvsr_perf_html_spread(FILE *f, const struct nvsr_spread *s, double unit)
{
	double half = nvsr_perf_half_range(s);
	char least[24], most[24];

	nvsr_perf_digits(s->min / unit, least);
	nvsr_perf_digits(s->max / unit, most);
	if (s->n > 1 && half >= 100)
		fprintf(f, "<small>%s–%s</small>", least, most);
	else if (s->n > 1 && isfinite(half))
		fprintf(f, half < 0.95 ? "<small>±%.1f&#8239;%%</small>" : "<small>±%.0f&#8239;%%</small>", half);
}

static void put_number(FILE *f, const struct nvsr_perf_cell *c, enum nvsr_perf_metric m, double unit, bool host)
{
	const struct nvsr_spread *s = c ? &c->stat[m] : NULL;
	char text[24], least[24], most[24];

	if (!s || !s->n) {
		fputs("<td class=v>-", f);
		return;
	}
	nvsr_perf_digits(s->median / unit, text);
	nvsr_perf_digits(s->min / unit, least);
	nvsr_perf_digits(s->max / unit, most);
	fprintf(f, "<td class=v data-v=\"%.7g\" title=\"%s to %s in %u repeat%s\">", s->median, least, most, s->n, s->n == 1 ? "" : "s");
	nvsr_perf_html_link(f, c, s->at, host);
	fprintf(f, "%s</a>", text);
	nvsr_perf_html_spread(f, s, unit);
}

static void put_ratio(FILE *f, const struct nvsr_spread *s, bool range)
{
	char text[24], least[24], most[24];

	if (!s->n) {
		fputs("<td class=v>-", f);
		return;
	}
	nvsr_perf_digits(s->median, text);
	nvsr_perf_digits(s->min, least);
	nvsr_perf_digits(s->max, most);
	fprintf(f, "<td class=v data-v=\"%.7g\" title=\"%s to %s in %u pairs of repeats\">%s", s->median, least, most, s->n, text);
	if (range)
		fprintf(f, "<small>%s–%s</small>", least, most);
	else
		nvsr_perf_html_spread(f, s, 1);
}

/* --- paths × depths -------------------------------------------------------------------------------------------------------- */

static void put_grid(FILE *f, const struct nvsr_perf_grid *g, const char *caption, enum nvsr_perf_metric m, double unit, bool ratio)
{
	const char *path[NVSR_PERF_PATHS_MOST];
	unsigned paths = nvsr_perf_paths(g->run, true, path);

	fputs("<div class=wide><table class=\"perf sort\">", f);
	nvsr_perf_html_caption(f, g->run, caption);
	fputs("<thead><tr><th scope=col>Path", f);
	for (unsigned i = 0; i < g->depths; i++)
		fprintf(f, "<th scope=col class=v>depth %llu", (unsigned long long)g->depth[i]);
	fputs("</tr></thead><tbody>\n", f);
	for (unsigned p = 0; p < paths; p++) {
		const char *base = nvsr_perf_path_of(path[p])->like;

		if (ratio && !base)
			continue;
		fputs("<tr>", f);
		put_path(f, path[p]);
		if (ratio)
			fprintf(f, "<small>/ %s</small>", base);
		for (unsigned i = 0; i < g->depths; i++) {
			const struct nvsr_perf_cell *c = nvsr_perf_grid_cell(g, path[p], i);
			struct nvsr_spread s;

			if (!ratio) {
				put_number(f, c, m, unit, false);
				continue;
			}
			s = nvsr_perf_ratio(c, nvsr_perf_grid_cell(g, base, i), m, g->run->repeats);
			put_ratio(f, &s, false);
		}
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

void nvsr_perf_html_headline(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload)
{
	struct nvsr_perf_grid g;
	char text[96];

	if (!nvsr_perf_grid_find(run, workload, 10, &g))
		return;
	nvsr_perf_workload_text(workload, text);
	fprintf(f, "<h2 id=headline>At a glance: ");
	nvsr_xml_put(f, text);
	fprintf(f, ", %u job%s%s</h2>\n", g.like->jobs, g.like->jobs == 1 ? "" : "s", g.like->vms > 1 ? " in each of several VMs" : "");
	fputs("<div class=headline>\n", f);
	put_grid(f, &g, "Thousand I/Os per second", NVSR_PERF_IOPS, 1000, false);
	put_grid(f, &g, "Total latency, 99th percentile, µs", NVSR_PERF_LAT_P99, 1000, false);
	put_grid(f, &g, "IOPS relative to bare metal", NVSR_PERF_IOPS, 1, true);
	fputs("</div>\n<p class=soft>Medians, ± half of least to most. Ratios are of paired repeats, to bare metal that waits in the same way. Each number leads to the file of the repeat that it is from.</p>\n", f);
}

/* --- every cell of a workload ------------------------------------------------------------------------------------------------ */

struct column { const char *title; enum nvsr_perf_metric metric; double unit; bool host; };

static void put_cell_head(FILE *f, const struct nvsr_perf_cell *c)
{
	fputs("<tr>", f);
	put_path(f, c->path);
	fprintf(f, "<td class=v data-v=%u>%u<td class=v data-v=%u>%u<td class=v data-v=%u>%u", c->depth, c->depth, c->jobs, c->jobs,
		c->vms, c->vms);
}

/* Cells in the order of paths. */
static void each_cell(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload,
		      void (*put)(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *c, const void *arg),
		      const void *arg)
{
	const char *paths[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(run, true, paths);

	for (unsigned p = 0; p < n; p++)
		for (size_t i = 0; i < run->cells; i++)
			if (run->cell[i].ok && !strcmp(run->cell[i].path, paths[p]) &&
			    nvsr_perf_same_workload(&run->cell[i], workload))
				put(f, run, &run->cell[i], arg);
}

struct columns { const struct column *c; unsigned n; };

static void put_columns(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *c, const void *arg)
{
	const struct columns *columns = arg;

	put_cell_head(f, c);
	for (unsigned i = 0; i < columns->n; i++)
		put_number(f, c, columns->c[i].metric, columns->c[i].unit, columns->c[i].host);
	fputs("</tr>\n", f);
}

/* Columns that no cell has numbers for are left out. */
static unsigned used_columns(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, const struct column *all,
			     unsigned n, struct column *ret)
{
	unsigned used = 0;

	for (unsigned i = 0; i < n; i++)
		for (size_t k = 0; k < run->cells; k++)
			if (run->cell[k].stat[all[i].metric].n && nvsr_perf_same_workload(&run->cell[k], workload)) {
				ret[used++] = all[i];
				break;
			}
	return used;
}

#define COLUMNS_MOST 24

static void put_table(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, const char *caption,
		      const struct column *all, unsigned n)
{
	struct column used[COLUMNS_MOST];
	struct columns columns = { used, used_columns(run, workload, all, n, used) };

	fputs("<div class=wide><table class=\"perf sort\">", f);
	nvsr_perf_html_caption(f, run, caption);
	fputs("<thead><tr><th scope=col>Path<th scope=col class=v>Depth<th scope=col class=v>Jobs<th scope=col class=v>VMs", f);
	for (unsigned i = 0; i < columns.n; i++)
		fprintf(f, "<th scope=col class=v title=\"%s\">%s", nvsr_perf_metrics[used[i].metric].column, used[i].title);
	fputs("</tr></thead><tbody>\n", f);
	each_cell(f, run, workload, put_columns, &columns);
	fputs("</tbody></table></div>\n", f);
}

static bool any_bound(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload)
{
	for (size_t i = 0; i < run->cells; i++)
		if (run->cell[i].bound && nvsr_perf_same_workload(&run->cell[i], workload))
			return true;
	return false;
}

void nvsr_perf_html_cells(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload)
{
	static const struct column whole[] = {
		{ "kIOPS", NVSR_PERF_IOPS, 1e3, false }, { "MiB/s", NVSR_PERF_BANDWIDTH, 1 << 20, false },
		{ "mean µs", NVSR_PERF_LAT_MEAN, 1e3, false }, { "p50 µs", NVSR_PERF_LAT_P50, 1e3, false },
		{ "p95 µs", NVSR_PERF_LAT_P95, 1e3, false }, { "p99 µs", NVSR_PERF_LAT_P99, 1e3, false },
		{ "p99.9 µs", NVSR_PERF_LAT_P999, 1e3, false }, { "fairness", NVSR_PERF_JAIN, 1, false },
		{ "worst / best VM", NVSR_PERF_WORST_BEST, 1, false }, { "overlap", NVSR_PERF_OVERLAP, 1, false },
	};
	static const struct column mixed[] = {
		{ "read kIOPS", NVSR_PERF_READ_IOPS, 1e3, false }, { "read p50 µs", NVSR_PERF_READ_P50, 1e3, false },
		{ "read p99 µs", NVSR_PERF_READ_P99, 1e3, false }, { "read p99.9 µs", NVSR_PERF_READ_P999, 1e3, false },
		{ "write kIOPS", NVSR_PERF_WRITE_IOPS, 1e3, false }, { "write p50 µs", NVSR_PERF_WRITE_P50, 1e3, false },
		{ "write p99 µs", NVSR_PERF_WRITE_P99, 1e3, false }, { "write p99.9 µs", NVSR_PERF_WRITE_P999, 1e3, false },
	};

	put_table(f, run, workload, "Throughput and total latency", whole, NVSR_ARRAY_SIZE(whole));
	if (any_bound(run, workload))
		fputs("<p class=soft>Percentiles of several distributions together (directions, or jobs reported one by one) are the "
		      "worst one's: the whole has at most these.</p>\n", f);
	if (workload->read_percent && workload->read_percent < 100)
		put_table(f, run, workload, "Reads and writes apart", mixed, NVSR_ARRAY_SIZE(mixed));
}

void nvsr_perf_html_host(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload)
{
	static const struct column cost[] = {
		{ "path cores", NVSR_PERF_PATH_CORES, 1, true }, { "kIOPS / core", NVSR_PERF_IOPS_PER_CORE, 1e3, true },
		{ "guest cores", NVSR_PERF_GUEST_CORES, 1, true }, { "back end cores", NVSR_PERF_BACKEND_CORES, 1, true },
		{ "device cores", NVSR_PERF_DEVICE_CORES, 1, true }, { "other cores", NVSR_PERF_OTHER_CORES, 1, true },
		{ "whole host cores", NVSR_PERF_HOST_CORES, 1, true }, { "kIOPS / host core", NVSR_PERF_IOPS_PER_HOST_CORE, 1e3, true },
	};
	static const struct column events[] = {
		{ "device interrupts / I/O", NVSR_PERF_IRQ_PER_IO, 1, true }, { "kicks / I/O", NVSR_PERF_KICKS_PER_IO, 1, true },
		{ "calls / I/O", NVSR_PERF_CALLS_PER_IO, 1, true }, { "guest sleeps / I/O", NVSR_PERF_SLEEPS_PER_IO, 1, true },
		{ "guest preempted / s", NVSR_PERF_GUEST_PREEMPTED, 1, true },
		{ "host interrupts, thousand / s", NVSR_PERF_HOST_IRQ, 1e3, true },
		{ "host context switches, thousand / s", NVSR_PERF_HOST_CTX, 1e3, true },
	};

	put_table(f, run, workload, "Busy CPUs and efficiency", cost, NVSR_ARRAY_SIZE(cost));
	put_table(f, run, workload, "Interrupts, notifications and context switches", events, NVSR_ARRAY_SIZE(events));
}

static const enum nvsr_perf_metric ratio_metrics[] = {
	NVSR_PERF_IOPS, NVSR_PERF_LAT_MEAN, NVSR_PERF_LAT_P99, NVSR_PERF_LAT_P999, NVSR_PERF_PATH_CORES, NVSR_PERF_IOPS_PER_CORE,
};

static void put_ratio_row(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *c, const void *arg)
{
	const char *base = nvsr_perf_path_of(c->path)->like;
	const struct nvsr_perf_cell *to = base ? nvsr_perf_find(run, base, c) : NULL;

	if (!to)
		return;
	put_cell_head(f, c);
	fprintf(f, "<td class=source>%s", base);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(ratio_metrics); i++) {
		struct nvsr_spread s = nvsr_perf_ratio(c, to, ratio_metrics[i], run->repeats);

		put_ratio(f, &s, true);
	}
	fputs("</tr>\n", f);
}

void nvsr_perf_html_ratios(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload)
{
	bool any = false;

	for (size_t i = 0; i < run->cells && !any; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];
		const char *base = nvsr_perf_path_of(c->path)->like;

		any = c->ok && base && nvsr_perf_same_workload(c, workload) && nvsr_perf_find(run, base, c);
	}
	if (!any)
		return;
	fputs("<div class=wide><table class=\"perf sort\">", f);
	nvsr_perf_html_caption(f, run, "Ratios to bare metal: median and range of paired repeats");
	fputs("<thead><tr><th scope=col>Path<th scope=col class=v>Depth<th scope=col class=v>Jobs<th scope=col class=v>VMs"
	      "<th scope=col>Against<th scope=col class=v>IOPS<th scope=col class=v>mean latency<th scope=col class=v>p99"
	      "<th scope=col class=v>p99.9<th scope=col class=v>cores<th scope=col class=v>IOPS / core</tr></thead><tbody>\n", f);
	each_cell(f, run, workload, put_ratio_row, NULL);
	fputs("</tbody></table></div>\n", f);
}

/* --- claims -------------------------------------------------------------------------------------------------------------------- */

void nvsr_perf_html_claims(FILE *f, const struct nvsr_perf_run *run)
{
	static const char *const class[] = {
		[NVSR_CLAIM_HOLDS] = "pass", [NVSR_CLAIM_DIFFERS] = "fail", [NVSR_CLAIM_NOT_MEASURED] = "skip",
	};

	fputs("<h2 id=claims>Claims of the study</h2>\n<p>The ICPE 2022 study of NVMe virtualization made these claims for its drive and "
	      "host, a white paper those of fabrics. Random 4 KiB I/O of this run, what RocksDB did and the capability table are set against each; a "
	      "condition speaks against a claim only when all of its repeats do.</p>\n<div class=wide><table class=\"perf sort claims\">", f);
	nvsr_perf_html_caption(f, run, "Claim checks");
	fputs("<thead><tr><th scope=col>Source<th scope=col>Claim<th scope=col>Here<th scope=col>Verdict</tr></thead><tbody>\n", f);
	for (unsigned i = 0; i < nvsr_claim_count; i++) {
		struct nvsr_claim_result r;

		nvsr_claim_check(&nvsr_claims[i], run, &r);
		fprintf(f, "<tr id=\"claim-%s\"><td class=source>%s<td data-k=Claim>", nvsr_claims[i].id, nvsr_claims[i].source);
		nvsr_xml_put(f, nvsr_claims[i].text);
		fputs("<td data-k=Here>", f);
		nvsr_xml_put(f, r.measured);
		if (r.noisy)
			fprintf(f, "; %u more left out, whose repeats differ too much", r.noisy);
		for (unsigned k = 0; k < r.cells; k++)
			fprintf(f, "%s<a class=id href=\"../%sraw/%s/%u.%s\">%s</a>", k ? " " : "<br>", r.cell[k]->together ? "1/" : "", r.cell[k]->name,
				r.cell[k]->stat[NVSR_PERF_IOPS].at + 1, nvsr_perf_load_suffix(r.cell[k]->pattern), r.cell[k]->name);
		if (r.row)
			fprintf(f, "<br><a class=id href=\"#cap-%s\">capability table</a>", r.row);
		fprintf(f, "<td class=\"r %s\">%s</tr>\n", class[r.verdict], nvsr_claim_verdict_name(r.verdict));
	}
	fputs("</tbody></table></div>\n", f);
}

/* --- what is not there ----------------------------------------------------------------------------------------------------------- */

static void put_gap(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *c)
{
	const char *class = c->state == NVSR_PERF_FAIL ? "fail" : c->state == NVSR_PERF_SKIP ? "skip" : "known";

	fputs("<tr><td class=id>", f);
	nvsr_xml_put(f, c->name);
	fprintf(f, "<td class=\"r %s\">%s<td>%u of %u<td>", class, nvsr_perf_state_name(c->state), c->ok, run->repeats);
	for (unsigned r = 0, first = 1; r < run->repeats; r++) {
		const struct nvsr_perf_repeat *p = &c->repeat[r];

		if (p->state == NVSR_PERF_OK || (c->state == NVSR_PERF_SKIP && !first))
			continue;
		if (!first)
			fputs("<br>", f);
		if (c->state != NVSR_PERF_SKIP)
			fprintf(f, "<span class=soft>repeat %u:</span> ", r + 1);
		nvsr_xml_put(f, p->reason ? p->reason : p->state == NVSR_PERF_MISSING ? "not measured" : "no reason given");
		first = 0;
	}
	fputs("</tr>\n", f);
}

static void put_verify(FILE *f, const struct nvsr_perf_run *run)
{
	if (!run->verifies) {
		fputs("<p>This run did not verify data.</p>\n", f);
		return;
	}
	fputs("<div class=wide><table class=\"perf sort\">", f);
	nvsr_perf_html_caption(f, run, "What was written through each path and read back");
	fputs("<thead><tr><th scope=col>Path<th scope=col>Data<th scope=col class=v>MiB<th scope=col>Reason</tr></thead><tbody>\n", f);
	for (unsigned i = 0; i < run->verifies; i++) {
		const struct nvsr_perf_verify *v = &run->verify[i];
		bool ok = v->state == NVSR_PERF_OK;

		fputs("<tr>", f);
		put_path(f, v->path);
		fprintf(f, "<td class=\"r %s\">%s<td class=v data-v=%llu>", ok ? "pass" : v->corrupt ? "fail" : "skip",
			ok ? "as written" : v->corrupt ? "wrong" : "not verified", (unsigned long long)v->bytes);
		if (v->bytes)
			fprintf(f, "%.0f", (double)v->bytes / (1 << 20));
		fputs("<td>", f);
		nvsr_xml_put(f, v->reason);
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

void nvsr_perf_html_gaps(FILE *f, const struct nvsr_perf_run *run)
{
	size_t gaps = run->cells - run->total[NVSR_PERF_OK];

	fputs("<h2 id=verify>Data verification</h2>\n", f);
	put_verify(f, run);
	fputs("<h2 id=gaps>Cells without all of their numbers</h2>\n", f);
	if (!gaps) {
		fputs("<p>None: every cell of the matrix was measured.</p>\n", f);
		return;
	}
	fprintf(f, "<details%s><summary>%zu of %zu cells<span>%zu failed, %zu skipped, %zu not measured</span></summary><div class=wide>"
		"<table class=\"perf sort\">", run->total[NVSR_PERF_FAIL] || gaps < 20 ? " open" : "", gaps, run->cells,
		run->total[NVSR_PERF_FAIL], run->total[NVSR_PERF_SKIP], run->total[NVSR_PERF_MISSING]);
	nvsr_perf_html_caption(f, run, "Failed, skipped or not reached");
	fputs("<thead><tr><th scope=col>Cell<th scope=col>State<th scope=col>Repeats<th scope=col>Reason</tr></thead><tbody>\n", f);
	for (unsigned s = 0; s < 3; s++) {
		static const enum nvsr_perf_state order[] = { NVSR_PERF_FAIL, NVSR_PERF_MISSING, NVSR_PERF_SKIP };

		for (size_t i = 0; i < run->cells; i++)
			if (run->cell[i].state == order[s])
				put_gap(f, run, &run->cell[i]);
	}
	fputs("</tbody></table></div></details>\n", f);
}
