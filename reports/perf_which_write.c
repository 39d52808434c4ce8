// SPDX-License-Identifier: GPL-2.0-or-later
/* Which path for which workload: as text, as a section of the page, as a table for programs. */
#include <math.h>

#include "reports/perf_html.h"
#include "reports/perf_which.h"

#define TEXT_CASES 6	/* the rest is on the page */
#define AS_GOOD "                                           as good: "
#define NEXT	"                                           next: "
#define TEXT_EQUALS 2
#define PAGE_EQUALS 4
#define OPEN_CASES 9	/* of a table at the top of the page; the rest is folded */

static const char *const met_names[] = { [NVSR_MET_NO] = "no", [NVSR_MET_UNKNOWN] = "untested", [NVSR_MET_YES] = "yes" };

/* Paths that @d leaves out (@met: no), or of which nothing is known: a, b.  How many. */
static unsigned list_paths(const struct nvsr_perf_run *run, const struct nvsr_demand *d, enum nvsr_met met, struct nvsr_text *ret)
{
	const char *path[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_which_paths(run, path), listed = 0;

	for (unsigned i = 0; i < n; i++)
		if (nvsr_demand_met(run, d, path[i], NULL) == met)
			nvsr_text_add(ret, "%s%s", listed++ ? ", " : "", path[i]);
	return listed;
}

static bool any_fairness(const struct nvsr_which_case *c, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (c[i].like->vms > 1)
			return true;
	return false;
}

/* NULL where there is nothing to say: a table stands with the run, or none can, the model being no device for guests. */
static const char *no_table(const struct nvsr_perf_run *run)
{
	return run->no_capability ? run->no_capability : run->capability || run->software ? NULL :
	       "nvsr-conform report RUN --capability DIR adds what was tried";
}

/* --- text ------------------------------------------------------------------------------------------------------------------------ */

/* @brief: the best only. */
static void put_answer(FILE *f, const struct nvsr_which *w, enum nvsr_goal g, bool brief)
{
	const struct nvsr_spread *s = &w->rank[0].cell->stat[nvsr_goals[g].metric];
	_cleanup_free_ char *name = nvsr_asprintf("%s, %s", nvsr_goals[g].name, nvsr_goals[g].unit_text);
	char number[24], behind[48], spread[16] = "";

	nvsr_perf_digits(s->median / nvsr_goals[g].unit, number);
	if (s->n > 1 && isfinite(nvsr_perf_half_range(s)))
		snprintf(spread, sizeof(spread), "±%.0f%%", fmin(nvsr_perf_half_range(s), 999));
	/* µ and ± are two bytes each */
	fprintf(f, "    %-*s %6s %-*s %s", 33 + (name && strstr(name, "µ") ? 1 : 0), name ? name : "", number, *spread ? 6 : 5, spread,
		w->rank[0].cell->path);
	fputs(w->untried ? " (not tried whether it can)" : "", f);
	if (brief) {
		if (w->equal > 1)
			fprintf(f, " and %u as good", w->equal - 1);
		fputc('\n', f);
		return;
	}
	for (unsigned i = 1; i < w->equal && i <= TEXT_EQUALS; i++)
		fprintf(f, "%s%s", i == 1 ? "\n" AS_GOOD : ", ", w->rank[i].cell->path);
	if (w->equal > TEXT_EQUALS + 1)
		fprintf(f, " and %u more", w->equal - TEXT_EQUALS - 1);
	if (w->equal < w->n) {
		nvsr_which_behind_text(g, &w->rank[w->equal].ratio, behind);
		fprintf(f, "\n" NEXT "%s%s%s", w->rank[w->equal].cell->path, *behind ? ", " : "", behind);
	}
	fputc('\n', f);
}

/* With @d only where it changes who is best. */
static unsigned put_case(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_which_case *c, const struct nvsr_demand *d)
{
	char workload[96], load[64];
	unsigned put = 0;

	nvsr_perf_workload_text(c->like, workload);
	nvsr_which_load_text(c, load);
	for (unsigned g = 0; g < NVSR_GOAL_COUNT; g++) {
		struct nvsr_which all, left;

		nvsr_which_rank(run, c->like, (enum nvsr_goal)g, NULL, &all);
		nvsr_which_rank(run, c->like, (enum nvsr_goal)g, d, &left);
		if (!left.n || (d && !nvsr_which_differs(&all, &left)))
			continue;
		if (!put++)
			fprintf(f, "  %s, %s\n", workload, load);
		put_answer(f, &left, (enum nvsr_goal)g, d);
	}
	return put;
}

static void put_demand(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_demand *d, const struct nvsr_which_case *c, unsigned n)
{
	_cleanup_text_ struct nvsr_text out = { 0 };
	unsigned put = 0;

	if (!list_paths(run, d, NVSR_MET_YES, &out) && !list_paths(run, d, NVSR_MET_NO, &out))
		return;
	nvsr_text_free(&out);
	list_paths(run, d, NVSR_MET_NO, &out);
	fprintf(f, "if %s%s\n", d->text, out.s ? ":" : "");
	if (out.s)
		fprintf(f, "  without %s\n", out.s);
	for (unsigned i = 0; i < n; i++)
		put += put_case(f, run, &c[i], d);
	if (!put)
		fputs("  the best stay\n", f);
}

void nvsr_which_text_write(FILE *f, const struct nvsr_perf_run *run)
{
	struct nvsr_which_case c[NVSR_WHICH_CASES_MOST];
	unsigned n = nvsr_which_cases(run, c), shown = NVSR_MIN(n, TEXT_CASES);

	if (!n)
		return;
	fprintf(f, "\nwhich path for virtual machines, from these numbers%s%s\n", nvsr_perf_label(run) ? " - " : "",
		nvsr_perf_label(run) ? nvsr_perf_label(run) : "");
	for (unsigned i = 0; i < shown; i++)
		put_case(f, run, &c[i], NULL);
	if (shown < n)
		fprintf(f, "  %u more load%s: see the report\n", n - shown, n - shown == 1 ? "" : "s");
	for (unsigned d = 0; d < nvsr_demand_count && run->capability; d++)
		put_demand(f, run, &nvsr_demands[d], c, shown);
	if (no_table(run))
		fprintf(f, "live migration, limits, change of tenant: %s\n", no_table(run));
}

/* --- the page -------------------------------------------------------------------------------------------------------------------- */

static void put_pick(FILE *f, const struct nvsr_which *w, enum nvsr_goal g)
{
	const struct nvsr_goal_info *goal = &nvsr_goals[g];
	const struct nvsr_spread *s = w->n ? &w->rank[0].cell->stat[goal->metric] : NULL;
	bool host = g == NVSR_GOAL_EFFICIENCY;
	char number[24], behind[48];

	if (!s) {
		fputs("<span class=soft>-</span>", f);
		return;
	}
	nvsr_perf_digits(s->median / goal->unit, number);
	fputs("<b>", f);
	nvsr_perf_html_path(f, w->rank[0].cell->path);
	fputs("</b>", f);
	nvsr_perf_html_link(f, w->rank[0].cell, s->at, host);
	fprintf(f, "%s</a><span>", number);
	nvsr_perf_html_spread(f, s, goal->unit);
	fputs("</span>", f);
	if (w->untried)
		fputs("<small>not tried whether it can</small>", f);
	if (w->n == 1)
		fputs("<small>the only one with numbers</small>", f);
	for (unsigned i = 1; i < w->equal && i <= PAGE_EQUALS; i++)
		fprintf(f, "%s%s", i == 1 ? "<small>as good: " : ", ", w->rank[i].cell->path);
	if (w->equal > PAGE_EQUALS + 1)
		fprintf(f, " and %u more", w->equal - PAGE_EQUALS - 1);
	fputs(w->equal > 1 ? "</small>" : "", f);
	if (w->equal < w->n) {
		nvsr_which_behind_text(g, &w->rank[w->equal].ratio, behind);
		fprintf(f, "<small>next: %s%s%s</small>", w->rank[w->equal].cell->path, *behind ? ", " : "", behind);
	}
}

/* A row; with @d only the goals that it changes the best of.  False: none. */
static bool put_row(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_which_case *c, const struct nvsr_demand *d, bool fairness,
		    bool gaps)
{
	struct nvsr_which all[NVSR_GOAL_COUNT], left[NVSR_GOAL_COUNT];
	unsigned goals = fairness ? NVSR_GOAL_COUNT : NVSR_GOAL_FAIRNESS;
	bool any = false;
	char workload[96], load[64];

	for (unsigned g = 0; g < goals; g++) {
		nvsr_which_rank(run, c->like, (enum nvsr_goal)g, NULL, &all[g]);
		nvsr_which_rank(run, c->like, (enum nvsr_goal)g, d, &left[g]);
		any |= d ? nvsr_which_differs(&all[g], &left[g]) : all[g].n > 0;
	}
	if (!any || !f)
		return any;
	nvsr_perf_workload_text(c->like, workload);
	nvsr_which_load_text(c, load);
	fputs("<tr><th scope=row>", f);
	nvsr_xml_put(f, workload);
	fprintf(f, "<small>%s</small>", load);
	for (unsigned g = 0; g < goals; g++) {
		fprintf(f, "<td%s data-k=\"%s, %s\">", all[g].n ? "" : " class=nothing", nvsr_goals[g].text, nvsr_goals[g].unit_text);
		if (d && !nvsr_which_differs(&all[g], &left[g]))
			fputs(all[g].n ? "<span class=soft>as above</span>" : "<span class=soft>-</span>", f);
		else if (d && !left[g].n)
			fputs("<b class=fail>no path is left</b>", f);
		else
			put_pick(f, &left[g], (enum nvsr_goal)g);
	}
	if (gaps)
		fprintf(f, "<td%s data-k=\"Without numbers\">", left[0].withouts ? "" : " class=nothing");
	for (unsigned i = 0; i < left[0].withouts && gaps; i++)
		fprintf(f, "%s%s", i ? ", " : "<small>", left[0].without[i]);
	fprintf(f, "%s</tr>\n", gaps && left[0].withouts ? "</small>" : "");
	return true;
}

static void put_table(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_which_case *c, unsigned n, const struct nvsr_demand *d,
		      const char *caption, bool fairness)
{
	bool gaps = false;

	for (unsigned i = 0; i < n && !gaps; i++) {
		struct nvsr_which w;

		nvsr_which_rank(run, c[i].like, NVSR_GOAL_THROUGHPUT, d, &w);
		gaps = w.withouts;
	}
	fputs("<div class=wide><table class=\"perf which\">", f);
	nvsr_perf_html_caption(f, run, caption);
	fputs("<thead><tr><th scope=col>Workload", f);
	for (unsigned g = 0; g < (fairness ? NVSR_GOAL_COUNT : NVSR_GOAL_FAIRNESS); g++)
		fprintf(f, "<th scope=col>%s<small>%s</small>", nvsr_goals[g].text, nvsr_goals[g].unit_text);
	fprintf(f, "%s</tr></thead><tbody>\n", gaps ? "<th scope=col>Without numbers" : "");
	for (unsigned i = 0; i < n; i++)
		put_row(f, run, &c[i], d, fairness, gaps);
	fputs("</tbody></table></div>\n", f);
}

/* The first ones open, the rest folded. */
static void put_tables(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_which_case *all, unsigned n, const struct nvsr_demand *d,
		       const char *caption)
{
	struct nvsr_which_case c[NVSR_WHICH_CASES_MOST];
	bool fairness = any_fairness(all, n);
	unsigned used = 0, open;

	for (unsigned i = 0; i < n; i++)
		if (put_row(NULL, run, &all[i], d, fairness, false))
			c[used++] = all[i];
	if (!used) {
		fputs(d ? "<p class=soft>The best above stay.</p>\n" : "", f);
		return;
	}
	open = used > OPEN_CASES + 2 ? OPEN_CASES : used;
	put_table(f, run, c, open, d, caption, fairness);
	if (open == used)
		return;
	fprintf(f, "<details><summary>%u more loads</summary>\n", used - open);
	put_table(f, run, c + open, used - open, d, caption, fairness);
	fputs("</details>\n", f);
}

/* "cannot: a, b (why)" with a link to each cell that says so, once for all paths of a way. */
static void put_met(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_demand *d, enum nvsr_met met, const char *text)
{
	const char *path[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_which_paths(run, path), put = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct nvsr_capability_cell *cell = NULL;

		if (nvsr_demand_met(run, d, path[i], &cell) != met)
			continue;
		fputs(put++ ? ", " : text, f);
		if (cell)
			fprintf(f, "<a href=\"#cap-%s-%s\">%s</a>", cell->row, cell->way, path[i]);
		else
			nvsr_xml_put(f, path[i]);
	}
	fputs(put ? ". " : "", f);
}

static void put_html_demand(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_demand *d, const struct nvsr_which_case *c, unsigned n)
{
	_cleanup_free_ char *caption = nvsr_asprintf("If %s", d->text);
	_cleanup_text_ struct nvsr_text tried = { 0 };
	bool any = list_paths(run, d, NVSR_MET_NO, &tried) + list_paths(run, d, NVSR_MET_YES, &tried);

	fprintf(f, "<details%s><summary>If %s</summary>\n<p>", any ? "" : " class=soft", d->text);
	put_met(f, run, d, NVSR_MET_YES, "It was shown of: ");
	put_met(f, run, d, NVSR_MET_NO, "It cannot be with: ");
	put_met(f, run, d, NVSR_MET_UNKNOWN, "Not tried: ");
	fputs("</p>\n", f);
	if (any)
		put_tables(f, run, c, n, d, caption ? caption : "");
	fputs("</details>\n", f);
}

void nvsr_which_html_write(FILE *f, const struct nvsr_perf_run *run)
{
	struct nvsr_which_case c[NVSR_WHICH_CASES_MOST];
	unsigned n = nvsr_which_cases(run, c);

	fputs("<h2 id=which>Which path for which workload</h2>\n", f);
	if (!n) {
		fputs("<p>No path for virtual machines has numbers.</p>\n", f);
		return;
	}
	fprintf(f, "<p>The best path for a virtual machine on this host, by the numbers of this run alone: of each workload under the least and the "
		"most load, and in several VMs. Paths whose repeats overlap with those of the best are as good%s. The busy cores are those of the "
		"whole host%s, whoever keeps them busy.</p>\n",
		run->repeats == 1 ? "; with one repeat each, those within 10 %" : "", run->software ? ", without the model's" : "");
	put_tables(f, run, c, n, NULL, "Best path, by what it is wanted for");
	if (no_table(run)) {
		fputs("<p class=soft>What a guest may ask for beside - live migration, limits, a change of tenant: ", f);
		nvsr_xml_put(f, no_table(run));
		fputs(".</p>\n", f);
	}
	for (unsigned d = 0; d < nvsr_demand_count && run->capability; d++)
		put_html_demand(f, run, &nvsr_demands[d], c, n);
	fputs("<p class=soft>Every path under every load: <a href=\"../which.tsv\">which.tsv</a></p>\n", f);
}

/* --- for programs ------------------------------------------------------------------------------------------------------------------ */

static void put_tsv_number(FILE *f, double v)
{
	if (isfinite(v))
		fprintf(f, "\t%.10g", v);
	else
		fputs("\tNA", f);
}

static void put_tsv_row(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_which_case *c, enum nvsr_goal g, const struct nvsr_ranked *r)
{
	static const char *const stands[] = { [NVSR_STAND_BEST] = "best", [NVSR_STAND_EQUAL] = "equal", [NVSR_STAND_BEHIND] = "behind" };
	const struct nvsr_spread *s = &r->cell->stat[nvsr_goals[g].metric];
	const double numbers[] = { s->median, s->min, s->max, r->ratio.median, r->ratio.min, r->ratio.max };

	fprintf(f, "%s\t%u\t%llu\t%s\t%u\t%u\t%u\t%s\t%s\t%s\t%s\t%u", c->like->pattern, c->like->read_percent, (unsigned long long)c->like->block,
		c->load, c->like->depth, c->like->jobs, c->like->vms, nvsr_goals[g].name, r->cell->path, stands[r->stand],
		nvsr_perf_metrics[nvsr_goals[g].metric].column, s->n);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(numbers); i++)
		put_tsv_number(f, numbers[i]);
	for (unsigned d = 0; d < nvsr_demand_count; d++)
		fprintf(f, "\t%s", run->capability ? met_names[nvsr_demand_met(run, &nvsr_demands[d], r->cell->path, NULL)] : "NA");
	fprintf(f, "\t%d\n", run->software);
}

void nvsr_which_tsv_write(FILE *f, const struct nvsr_perf_run *run)
{
	struct nvsr_which_case c[NVSR_WHICH_CASES_MOST];
	unsigned n = nvsr_which_cases(run, c);

	if (nvsr_perf_label(run))
		fprintf(f, "# %s\n", nvsr_perf_label(run));
	fputs("# each path for virtual machines under each load that paths are compared under; ratio: to the best, of paired repeats; NA: not measured\n"
	      "pattern\tread_percent\tblock_bytes\tload\tdepth\tjobs\tvms\tgoal\tpath\tstands\tmetric\trepeats\tvalue\tvalue_min\tvalue_max\tratio\tratio_min\tratio_max", f);
	for (unsigned d = 0; d < nvsr_demand_count; d++)
		fprintf(f, "\t%s", nvsr_demands[d].row);
	fputs("\tsoftware\n", f);
	for (unsigned i = 0; i < n; i++)
		for (unsigned g = 0; g < NVSR_GOAL_COUNT; g++) {
			struct nvsr_which w;

			nvsr_which_rank(run, c[i].like, (enum nvsr_goal)g, NULL, &w);
			for (unsigned k = 0; k < w.n; k++)
				put_tsv_row(f, run, &c[i], (enum nvsr_goal)g, &w.rank[k]);
		}
}
