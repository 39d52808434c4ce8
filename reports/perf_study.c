// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The study's tables and figures, and the white paper's on fabrics: for each what of this run's page shows the same, and what became of
 * its claims.  Table 2 itself.
 */
#include <ctype.h>

#include "reports/perf_html.h"
#include "reports/perf_study.h"

#define BIT(axis) (1u << NVSR_AXIS_##axis)
#define PSYNC_JOBS 32	/* of Table 2 */

/*
 * @kinds: names of figures that show it, separated by blanks; of a figure with a path that begins with each of @paths (NULL: any), where
 * figures are of groups of paths that of @group (NULL: all).
 * @anchor: what of the page shows it beside.
 */
static const struct {
	const char *source, *shows, *kinds;
	unsigned axes;
	const char *paths[2], *group;
	bool database;
	const char *anchor, *anchor_text;
} items[] = {
	{ "Table 1", "what the ways can do", "", 0, { NULL, NULL }, NULL, false, "capability", "capability table" },
	{ "Fig 2a", "bandwidth, bare metal and passthrough", "bandwidth", BIT(DEPTH) | BIT(JOBS), { "bare-metal", "passthrough" }, "direct", false, NULL, NULL },
	{ "Fig 2b", "host CPU load of the two", "cpu", BIT(DEPTH) | BIT(JOBS), { "bare-metal", "passthrough" }, "direct", false, NULL, NULL },
	{ "Fig 3", "CPU load of passthrough over jobs and depth", "cpu", BIT(DEPTH) | BIT(JOBS), { "passthrough", NULL }, "direct", false, NULL, NULL },
	{ "Fig 4", "passthrough with a polled driver in the guest", "bandwidth cpu", BIT(DEPTH) | BIT(JOBS), { "passthrough", "passthrough-polled" }, "direct", false, NULL, NULL },
	{ "Fig 5", "virtio over a namespace and over qcow2", "bandwidth", BIT(DEPTH) | BIT(JOBS), { "virtio-ns", "virtio-qcow2" }, "virtio", false, NULL, NULL },
	{ "Fig 6", "passthrough and virtio", "bandwidth cpu", BIT(DEPTH) | BIT(JOBS), { "passthrough", "virtio-ns" }, "virtio", false, NULL, NULL },
	{ "Table 2", "kinds of vhost", "", 0, { NULL, NULL }, NULL, false, "table-2", "Table 2 here" },
	{ "Fig 7", "passthrough and vhost", "bandwidth cpu", BIT(DEPTH) | BIT(JOBS), { "passthrough", "vhost" }, "vhost", false, NULL, NULL },
	{ "Fig 8", "completion latency over depth", "latency", BIT(DEPTH), { NULL, NULL }, NULL, false, NULL, NULL },
	{ "Fig 9a", "bandwidth of several VMs together", "bandwidth", BIT(VMS), { NULL, NULL }, NULL, false, NULL, NULL },
	{ "Fig 9b", "CPU load of several VMs", "cpu", BIT(VMS), { NULL, NULL }, NULL, false, NULL, NULL },
	{ "Fig 10", "RocksDB in several VMs", "iops fairness", BIT(VMS), { NULL, NULL }, NULL, true, NULL, NULL },
	{ "Section 2.4", "change of tenant", "", 0, { NULL, NULL }, NULL, false, "cap-security", "capability table" },
	{ "Section 4", "a drive that is erased", "", 0, { NULL, NULL }, NULL, false, NULL, NULL },
	{ "Conclusions", "peaks against bare metal's", "ratio", BIT(DEPTH) | BIT(JOBS), { NULL, NULL }, NULL, false, "headline", "at a glance" },
	{ "Fabrics", "latency over that of a local drive, IOPS over queues", "added latency iops", BIT(DEPTH) | BIT(JOBS), { "nvmeof", NULL }, "fabrics", false, NULL, NULL },
};

static bool has_path(const struct nvsr_perf_figure *fig, const char *start)
{
	/* Of bare metal and passthrough the one with interrupts: the polled ones are named in full. */
	bool whole = !strcmp(start, "bare-metal") || !strncmp(start, "passthrough", 11);

	for (unsigned i = 0; i < fig->paths; i++)
		if (whole ? !strcmp(fig->path[i], start) : !strncmp(fig->path[i], start, strlen(start)))
			return true;
	return false;
}

static bool is_kind(const char *kinds, const char *kind)
{
	size_t len = strlen(kind);

	for (const char *s = kinds; (s = strstr(s, kind)); s += len)
		if ((s == kinds || s[-1] == ' ') && (s[len] == ' ' || !s[len]))
			return true;
	return false;
}

static bool shows(const struct nvsr_perf_figure *fig, unsigned item)
{
	const struct nvsr_perf_cell *like = fig->panel[0].like;
	bool random = !strncmp(like->pattern, "rand", 4) && like->block == 4096;

	if (!is_kind(items[item].kinds, fig->kind) || !(items[item].axes >> fig->axis & 1) ||
	    (fig->group && items[item].group && strcmp(fig->group, items[item].group)) ||
	    (items[item].database ? !nvsr_perf_is_database(like->pattern) : !random))
		return false;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(items[item].paths); i++)
		if (items[item].paths[i] && !has_path(fig, items[item].paths[i]))
			return false;
	return true;
}

void nvsr_study_of_figure(const struct nvsr_perf_figure *fig, char ret[96])
{
	ret[0] = '\0';
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(items); i++) {
		size_t len = strlen(ret);

		if (!strncmp(items[i].source, "Fig", 3) && shows(fig, i))
			snprintf(ret + len, 96 - len, "%s%s", len ? ", " : "", items[i].source);
	}
}

/* --- the index -------------------------------------------------------------------------------------------------------------------- */

/* "bandwidth-over-depth: randread.4k randwrite.4k" */
static void put_figure_links(FILE *f, const struct nvsr_perf_figures *figures, unsigned item)
{
	const char *before = "";
	size_t len = 0;

	for (unsigned i = 0; i < figures->n; i++)
		for (unsigned k = 0; k < figures->n && shows(&figures->figure[i], item); k++) {
			const char *name = figures->figure[k].name;

			/* Each kind once, with all of its figures, where its first one stands. */
			len = strcspn(figures->figure[i].name, ".");
			if (strncmp(name, figures->figure[i].name, len + 1) || !shows(&figures->figure[k], item))
				continue;
			if (k < i)
				break;
			if (k == i)
				fprintf(f, "%s%.*s: ", before, (int)len, name);
			fprintf(f, "<a href=\"#fig-%s\">%s</a> ", name, name + len + 1);
			before = "<br>";
		}
	if (items[item].anchor)
		fprintf(f, "%s<a href=\"#%s\">%s</a>", before, items[item].anchor, items[item].anchor_text);
	else if (!*before)
		fputs("<span class=skip>not measured</span>", f);
}

static void put_claim_links(FILE *f, const struct nvsr_perf_run *run, const char *source)
{
	static const char *const class[] = {
		[NVSR_CLAIM_HOLDS] = "pass", [NVSR_CLAIM_DIFFERS] = "fail", [NVSR_CLAIM_NOT_MEASURED] = "skip",
	};
	unsigned n = 0;

	for (unsigned i = 0; i < nvsr_claim_count; i++) {
		struct nvsr_claim_result r;

		if (strcmp(nvsr_claims[i].source, source))
			continue;
		nvsr_claim_check(&nvsr_claims[i], run, &r);
		fprintf(f, "%s<a class=%s href=\"#claim-%s\">%s</a>", n++ ? ", " : "", class[r.verdict], nvsr_claims[i].id,
			nvsr_claim_verdict_name(r.verdict));
	}
}

void nvsr_study_html_write(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures)
{
	fputs("<h2 id=study>The study, on this device</h2>\n<p>Tables and figures of the ICPE 2022 study of NVMe virtualization, and of a white paper "
	      "on NVMe over Fabrics: where the same is shown here, and what became of what they claim.</p>\n"
	      "<div class=wide><table class=\"perf study\">", f);
	nvsr_perf_html_caption(f, run, "Where it is here");
	fputs("<thead><tr><th scope=col>There<th scope=col>Shows<th scope=col>Claims<th scope=col>Here</tr></thead><tbody>\n", f);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(items); i++) {
		fprintf(f, "<tr><th scope=row>%s<td data-k=Shows>%s<td data-k=Claims>", items[i].source, items[i].shows);
		put_claim_links(f, run, items[i].source);
		fputs("<td data-k=Here class=id>", f);
		put_figure_links(f, figures, i);
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

/* --- Table 2 ---------------------------------------------------------------------------------------------------------------------- */

/* Loads of Table 2, MiB/s that the study has of each kind of vhost there, by what stands for that kind here. */
static const struct { const char *pattern, *text; unsigned read_percent; } loads[] = {
	{ "randread", "random read", 100 }, { "randwrite", "random write", 0 }, { "randrw", "random read and write 50:50", 50 },
};
static const struct { const char *path; unsigned mib[NVSR_ARRAY_SIZE(loads)]; } there[] = {
	{ "vhost-scsi", { 963, 421, 302 } }, { "vhost-user-blk", { 940, 415, 280 } },
};

static bool is_load(const struct nvsr_perf_cell *c, unsigned load)
{
	return c->ok && c->block == 4096 && c->depth == 1 && c->vms == 1 && !strncmp(c->pattern, loads[load].pattern, strlen(loads[load].pattern)) &&
	       !isalpha((unsigned char)c->pattern[strlen(loads[load].pattern)]) && c->read_percent == loads[load].read_percent;
}

/* As many jobs as the study had; without them as many as most, up to that, of all loads. */
static unsigned table_2_jobs(const struct nvsr_perf_run *run)
{
	unsigned jobs = 0;

	for (size_t i = 0; i < run->cells; i++)
		for (unsigned l = 0; l < NVSR_ARRAY_SIZE(loads); l++)
			if (is_load(&run->cell[i], l) && !strncmp(run->cell[i].path, "vhost", 5) && run->cell[i].jobs <= PSYNC_JOBS)
				jobs = NVSR_MAX(jobs, run->cell[i].jobs);
	return jobs;
}

static const struct nvsr_perf_cell *table_2_cell(const struct nvsr_perf_run *run, const char *path, unsigned load, unsigned jobs)
{
	for (size_t i = 0; i < run->cells; i++)
		if (!strcmp(run->cell[i].path, path) && run->cell[i].jobs == jobs && is_load(&run->cell[i], load))
			return &run->cell[i];
	return NULL;
}

static void put_table_2_row(FILE *f, const struct nvsr_perf_run *run, const char *path, unsigned jobs)
{
	const unsigned *mib = NULL;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(there); i++)
		mib = strcmp(there[i].path, path) ? mib : there[i].mib;
	fprintf(f, "<tr><th scope=row class=path title=\"%s\">", nvsr_perf_path_of(path)->text);
	nvsr_perf_html_path(f, path);
	for (unsigned l = 0; l < NVSR_ARRAY_SIZE(loads); l++) {
		const struct nvsr_perf_cell *c = table_2_cell(run, path, l, jobs);
		const struct nvsr_spread *s = c ? &c->stat[NVSR_PERF_BANDWIDTH] : NULL;
		char text[24];

		if (s && s->n) {
			nvsr_perf_digits(s->median / (1 << 20), text);
			fprintf(f, "<td class=v data-v=\"%.7g\">", s->median);
			nvsr_perf_html_link(f, c, s->at, false);
			fprintf(f, "%s</a>", text);
			nvsr_perf_html_spread(f, s, 1 << 20);
		} else {
			fputs("<td class=v>-", f);
		}
		if (mib)
			fprintf(f, "<td class=\"v soft\" data-v=%u>%u", mib[l], mib[l]);
		else
			fputs("<td class=\"v soft\">-", f);
	}
	fputs("</tr>\n", f);
}

void nvsr_study_table_2(FILE *f, const struct nvsr_perf_run *run)
{
	static const char *const first[] = { "passthrough", "virtio-ns", "emulated-nvme" };
	_cleanup_free_ char *caption = NULL;
	const char *path[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(run, true, path), jobs = table_2_jobs(run);

	fputs("<h2 id=table-2>Kinds of vhost</h2>\n", f);
	if (!jobs) {
		fputs("<p>Table 2 of the study was not measured: it needs random 4 KiB I/O at depth 1 by a vhost path.</p>\n", f);
		return;
	}
	fprintf(f, "<p>Table 2 of the study: random 4 KiB I/O of %u job%s with one command each%s, MiB/s. Beside it what the study has of its drive, by "
		"SPDK; its third kind, vhost-nvme (764, 405 and 294), is no path here.</p>\n<div class=wide><table class=\"perf sort\">", jobs,
		jobs == 1 ? "" : "s", jobs == PSYNC_JOBS ? "" : ", where the study has 32");
	caption = nvsr_asprintf("MiB/s, %u job%s at depth 1", jobs, jobs == 1 ? "" : "s");
	nvsr_perf_html_caption(f, run, caption ? caption : "");
	fputs("<thead><tr><th scope=col>Path", f);
	for (unsigned l = 0; l < NVSR_ARRAY_SIZE(loads); l++)
		fprintf(f, "<th scope=col class=v>%s<th scope=col class=v>the study", loads[l].text);
	fputs("</tr></thead><tbody>\n", f);
	for (unsigned i = 0; i < n; i++) {
		bool shown = !strncmp(path[i], "vhost", 5), any = false;

		for (unsigned k = 0; k < NVSR_ARRAY_SIZE(first); k++)
			shown |= !strcmp(path[i], first[k]);
		for (unsigned l = 0; l < NVSR_ARRAY_SIZE(loads) && shown; l++)
			any |= table_2_cell(run, path[i], l, jobs) != NULL;
		if (any)
			put_table_2_row(f, run, path[i], jobs);
	}
	fputs("</tbody></table></div>\n", f);
}
