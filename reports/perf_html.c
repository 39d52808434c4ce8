// SPDX-License-Identifier: GPL-2.0-or-later
/* A performance run as one self-contained page: pictures in it, no script or style from elsewhere; light, dark, narrow, printed. */
#include <inttypes.h>
#include <math.h>

#include "reports/capability.h"
#include "reports/perf_html.h"
#include "reports/perf_study.h"
#include "reports/perf_which.h"

/* Sorting by a click on a column's title; without it the tables are read in the order of the matrix. */
static const char script[] =
	"document.querySelectorAll('table.sort').forEach(t=>{const h=[...t.tHead.rows[0].cells];h.forEach((th,c)=>{"
	"const b=document.createElement('button');b.type='button';b.append(...th.childNodes);th.append(b);"
	"b.onclick=()=>{const up=th.getAttribute('aria-sort')!=='ascending';h.forEach(x=>x.removeAttribute('aria-sort'));"
	"th.setAttribute('aria-sort',up?'ascending':'descending');"
	"const k=r=>{const d=r.cells[c];return d.dataset.v!==undefined?+d.dataset.v:d.classList.contains('v')?NaN:d.textContent};"
	"const b=t.tBodies[0];[...b.rows].sort((x,y)=>{const p=k(x),q=k(y);"
	"if(typeof p==='number'&&typeof q==='number'){if(isNaN(p)||isNaN(q))return isNaN(p)-isNaN(q);return up?p-q:q-p}"
	"return up?String(p).localeCompare(q):String(q).localeCompare(p)}).forEach(r=>b.append(r))}})});"
	/* What a link leads to may be folded. */
	"const go=()=>{const e=document.getElementById(decodeURIComponent(location.hash.slice(1)));if(!e)return;"
	"for(let d=e.closest('details');d;d=d.parentElement.closest('details'))d.open=true;e.scrollIntoView()};addEventListener('hashchange',go);go();"
	"addEventListener('beforeprint',()=>document.querySelectorAll('details').forEach(d=>d.open=true))";

static void put_fact(FILE *f, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(f, "<div%s><span>%s</span>", strlen(value) > 36 || !strcmp(name, "Command") ? " class=wide" : "", name);
	nvsr_xml_put(f, value);
	fputs("</div>\n", f);
}

static void put_facts(FILE *f, const struct nvsr_perf_run *run)
{
	_cleanup_free_ char *cpu = nvsr_asprintf("%s, %u CPUs", run->cpu ? run->cpu : "unknown", run->cpus);
	_cleanup_free_ char *place = nvsr_perf_placement_text(run), *how = nvsr_asprintf("%u of each cell, %" PRIu64 " ms after %" PRIu64
			" ms of warm-up, order from seed %" PRIu64, run->repeats, run->run_ms, run->ramp_ms, run->seed);
	_cleanup_free_ char *memory = run->memory_bytes ? nvsr_asprintf("%.1f GiB", (double)run->memory_bytes / (1 << 30)) : NULL;
	_cleanup_free_ char *matrix = nvsr_asprintf("%s%s%s", run->matrix ? run->matrix : "-", run->title ? ": " : "",
						    run->title ? run->title : "");

	fputs("<div class=facts>\n", f);
	put_fact(f, "Device", run->device);
	put_fact(f, "Model", run->model);
	put_fact(f, "Serial", run->serial);
	put_fact(f, "Firmware", run->firmware);
	put_fact(f, "Profile", run->profile);
	put_fact(f, "Host CPU", cpu);
	put_fact(f, "Governor", run->governor);
	put_fact(f, "Memory", memory);
	put_fact(f, "Kernel", run->kernel);
	put_fact(f, "Distribution", run->distribution);
	put_fact(f, "Started", run->time);
	put_fact(f, "Finished", run->finished);
	put_fact(f, "Matrix", matrix);
	put_fact(f, "Placement", place);
	put_fact(f, "Repeats", how);
	put_fact(f, "Command", run->cmdline);
	fputs("</div>\n", f);
}

static const char *status(const struct nvsr_perf_run *run)
{
	switch (nvsr_perf_exit_code(run)) {
	case 0: return NULL;
	case 1: return "A path returned wrong data: see data verification. Its numbers mean nothing.";
	case 77: return "Nothing could run: see the reasons below.";
	default: return run->interrupted ? "This run was interrupted: some cells have no numbers." :
					   "This run is incomplete: some cells have no numbers.";
	}
}

static void put_variables(FILE *f, bool dark)
{
	for (unsigned i = 0; i < nvsr_perf_path_count; i++)
		fprintf(f, "--path-%s:%s;", nvsr_perf_path_table[i].name,
			dark ? nvsr_perf_path_table[i].dark : nvsr_perf_path_table[i].light);
}

static void put_claim_totals(FILE *f, const struct nvsr_perf_run *run)
{
	unsigned n[NVSR_CLAIM_NOT_MEASURED + 1] = { 0 };

	for (unsigned i = 0; i < nvsr_claim_count; i++) {
		struct nvsr_claim_result r;

		nvsr_claim_check(&nvsr_claims[i], run, &r);
		n[r.verdict]++;
	}
	fprintf(f, "<br>%u claims of the study: %u hold, %u do not hold here, %u not measured", nvsr_claim_count, n[NVSR_CLAIM_HOLDS],
		n[NVSR_CLAIM_DIFFERS], n[NVSR_CLAIM_NOT_MEASURED]);
}

static void put_head(FILE *f, const struct nvsr_perf_run *run)
{
	const char *paths[NVSR_PERF_PATHS_MOST], *bad = status(run);
	char noise[160];

	unsigned n = nvsr_perf_paths(run, true, paths);

	fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport "
	      "content=\"width=device-width,initial-scale=1\"><title>Performance of ", f);
	nvsr_xml_put(f, run->model ? run->model : run->device);
	fprintf(f, " - nvsr-conform</title><style>%s%s:root{", nvsr_html_style, nvsr_html_perf_style);
	put_variables(f, false);
	fputs("}@media screen and (prefers-color-scheme:dark){:root{", f);
	put_variables(f, true);
	fputs("}}</style></head><body><main class=perfpage>\n<h1>", f);
	nvsr_xml_put(f, run->model ? run->model : run->device ? run->device : "Device");
	fprintf(f, " through %u data path%s</h1>\n<p class=soft>nvsr-conform perf ", n, n == 1 ? "" : "s");
	nvsr_xml_put(f, run->tool);
	fputs("</p>\n", f);
	if (run->software)
		fputs("<p class=banner><b>" NVSR_PERF_SOFTWARE ".</b> The device is a program on this host: what it does per second "
		      "says nothing of any drive, and it takes CPU that a drive would not.</p>\n", f);
	else if (nvsr_perf_label(run))
		fprintf(f, "<p class=banner><b>%s.</b> What is emulated does per second what the emulator's processors let it.</p>\n",
			nvsr_perf_label(run));
	if (bad)
		fprintf(f, "<p class=\"banner bad\">%s</p>\n", bad);
	nvsr_perf_noise_text(run, noise);
	if (*noise)
		fprintf(f, "<p class=banner><b>%.5s</b>%s: measure again on a quiet host before believing a small difference.</p>\n", noise,
			noise + 5);
	for (unsigned i = 0; i < n; i++)
		if (nvsr_perf_elsewhere(run, paths[i])) {
			fprintf(f, "<p class=banner><b>%s:</b> ", paths[i]);
			nvsr_xml_put(f, nvsr_perf_elsewhere(run, paths[i]));
			fputs(". Its numbers are not this device's, and it is no answer to which path is best.</p>\n", f);
		}
	put_facts(f, run);
	fputs("<p class=soft>", f);
	nvsr_perf_text_totals(f, run);
	put_claim_totals(f, run);
	fputs("</p>\n<nav><a href=\"#which\">Which path</a> <a href=\"#headline\">At a glance</a> <a href=\"#workloads\">Figures and tables</a> <a href=\"#table-2\">vhost</a> "
	      "<a href=\"#capability\">Capabilities</a> <a href=\"#study\">The study</a> <a href=\"#claims\">Claims</a> "
	      "<a href=\"#verify\">Verification</a> <a href=\"#gaps\">Gaps</a> <a href=\"#environment\">Environment</a> "
	      "<a href=\"../perf.tsv\">perf.tsv</a></nav>\n", f);
}

/* Figures of the workload of @c: of its block size, or over block size with the first of its pattern. */
static bool belongs(const struct nvsr_perf_figure *fig, const struct nvsr_perf_cell *c, bool first_of_pattern)
{
	const struct nvsr_perf_cell *like = fig->panel[0].like;

	if (fig->axis != NVSR_AXIS_BLOCK)
		return nvsr_perf_same_workload(like, c);
	return first_of_pattern && !strcmp(like->pattern, c->pattern) && like->read_percent == c->read_percent;
}

/* Title and legend of a figure, for a page that is too narrow for its own. */
static void put_keys(FILE *f, const struct nvsr_perf_figure *fig)
{
	if (!fig->svg)
		return;
	fputs("<div class=keys><b>", f);
	nvsr_xml_put(f, fig->title);
	fputs("</b>", f);
	for (unsigned i = 0; i < fig->paths; i++) {
		fputs("<span>", f);
		nvsr_perf_html_path(f, fig->path[i]);
		fputs("</span>", f);
	}
	fputs("</div>", f);
}

static void put_figures(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures,
			const struct nvsr_perf_cell *workload, bool first_of_pattern)
{
	static const char *const over[NVSR_AXIS_COUNT] = {
		[NVSR_AXIS_DEPTH] = "Over queue depth", [NVSR_AXIS_JOBS] = "Over jobs", [NVSR_AXIS_VMS] = "Over VMs", [NVSR_AXIS_BLOCK] = "Over block size",
	};
	enum nvsr_perf_axis axis = NVSR_AXIS_COUNT;
	const char *group = NULL;
	bool any = false;

	for (unsigned i = 0; i < figures->n; i++) {
		const struct nvsr_perf_figure *fig = &figures->figure[i];
		char study[96];

		if (!belongs(fig, workload, first_of_pattern))
			continue;
		/* A heading for each group of paths, where there are several. */
		if (!any || group != fig->group || axis != fig->axis) {
			fputs(any ? "</div>\n" : "", f);
			if (fig->group)
				fprintf(f, "<h3>%s: %s</h3>\n", over[fig->axis], fig->group_text);
			fputs("<div class=figures>\n", f);
		}
		group = fig->group;
		axis = fig->axis;
		any = true;
		fprintf(f, "<figure id=\"fig-%s\">", fig->name);
		put_keys(f, fig);
		fprintf(f, "<div class=wide style=\"--key:%.1f%%\">", nvsr_perf_figure_key(fig));
		if (fig->svg)
			nvsr_perf_svg_put(f, fig->svg, i + 1, fig->title, fig->paths);
		else
			fputs("<p class=soft>Not drawn: gnuplot was missing or failed.</p>", f);
		fputs("</div><figcaption>", f);
		if (!fig->svg)
			nvsr_xml_put(f, fig->title);
		if (nvsr_perf_label(run))
			fprintf(f, "<span class=badge>%s</span>", nvsr_perf_label(run));
		nvsr_study_of_figure(fig, study);
		if (*study)
			fprintf(f, " <a href=\"#study\">as %s of the study</a>", study);
		for (unsigned k = 0; k < 4; k++) {
			static const char *const suffix[] = { "svg", "png", "dat", "gp" };

			if (fig->svg || k > 1)
				fprintf(f, " <a href=\"../figures/%s.%s\">%s</a>", fig->name, suffix[k], suffix[k]);
		}
		fputs("</figcaption></figure>\n", f);
	}
	fputs(any ? "</div>\n" : "", f);
}

static void put_workloads(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures)
{
	const struct nvsr_perf_cell *workload[NVSR_PERF_WORKLOADS_MOST];
	unsigned n = nvsr_perf_workloads(run, workload), shown = 0;

	fputs("<h2 id=workloads>Figures and tables</h2>\n", f);
	for (unsigned w = 0; w < n; w++) {
		bool any = false;
		char text[96];

		for (size_t i = 0; i < run->cells && !any; i++)
			any = run->cell[i].ok && nvsr_perf_same_workload(&run->cell[i], workload[w]);
		if (!any)
			continue;
		nvsr_perf_workload_text(workload[w], text);
		fputs(shown++ ? "<details class=workload><summary>" : "<details class=workload open><summary>", f);
		nvsr_xml_put(f, text);
		fputs("</summary>\n", f);
		put_figures(f, run, figures, workload[w], nvsr_perf_first_of_pattern(workload, w));
		nvsr_perf_html_cells(f, run, workload[w]);
		nvsr_perf_html_ratios(f, run, workload[w]);
		nvsr_perf_html_host(f, run, workload[w]);
		fputs("</details>\n", f);
	}
	if (!shown)
		fputs("<p>No cell has numbers.</p>\n", f);
	if (n == NVSR_PERF_WORKLOADS_MOST)
		fputs("<p class=soft>Further workloads are in perf.tsv only.</p>\n", f);
}

static void put_environment(FILE *f, const struct nvsr_perf_run *run)
{
	static const char *const files[] = { "env.json", "device.json", "cmdline", "matrix.yaml", "perf.jsonl", "perf.tsv", "which.tsv" };

	fputs("<h2 id=environment>Environment</h2>\n", f);
	for (unsigned d = run->devices ? 1 : 0; d <= run->devices; d++) {
		char part[16] = "";

		if (d)
			snprintf(part, sizeof(part), "%u/", d);
		fputs("<p>", f);
		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(files); i++)
			fprintf(f, "<a href=\"../%s%s\">%s%s</a> ", part, files[i], part, files[i]);
		fprintf(f, "<a href=\"../%sraw/\">%sraw/</a> <a href=\"../%sfigures/\">%sfigures/</a></p>\n", part, part, part, part);
	}
	if (run->matrix_text) {
		fputs("<details><summary>Matrix as it was used</summary><pre>", f);
		nvsr_xml_put(f, run->matrix_text);
		fputs("</pre></details>\n", f);
	}
	fputs("<p class=soft>What the numbers mean, how they are measured and when not to compare them: reports/NUMBERS.md of "
	      "nvsr-conform.</p>\n", f);
}

static void put_capability(FILE *f, const struct nvsr_perf_run *run)
{
	if (run->capability) {
		nvsr_capability_html_write(f, run->capability);
		return;
	}
	fputs("<h2 id=capability>What the ways can do</h2>\n<p id=cap-security>", f);
	if (run->no_capability) {
		fputs("capability.jsonl stands with this run and is not shown: ", f);
		nvsr_xml_put(f, run->no_capability);
	} else if (run->software) {
		fputs("Table 1 of the study is tried on a device that guests can have, not on the software model", f);
	} else {
		fputs("Table 1 of the study was not tried for this page: <code>nvsr-conform capability DEVICE … --perf RUN</code>, then "
		      "<code>nvsr-conform report RUN --capability DIR</code>", f);
	}
	fputs(".</p>\n", f);
}

void nvsr_perf_html_write(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures)
{
	const struct nvsr_perf_cell *workload[NVSR_PERF_WORKLOADS_MOST];

	put_head(f, run);
	nvsr_which_html_write(f, run);
	if (nvsr_perf_workloads(run, workload))
		nvsr_perf_html_headline(f, run, workload[0]);
	put_workloads(f, run, figures);
	nvsr_study_table_2(f, run);
	put_capability(f, run);
	nvsr_study_html_write(f, run, figures);
	nvsr_perf_html_claims(f, run);
	nvsr_perf_html_gaps(f, run);
	put_environment(f, run);
	fprintf(f, "</main><script>%s</script></body></html>\n", script);
}
