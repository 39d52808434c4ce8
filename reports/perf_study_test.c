// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paths that can be told apart, figures of related ones where there are too many, Table 2, where the study's figures are, and the
 * capability table on the page.  All numbers here are made up.
 */
#include <math.h>

#include "base/text.h"
#include "reports/perf_html.h"
#include "reports/perf_study.h"
#include "base/expect.h"

static void paths_can_be_told_apart(void)
{
	for (unsigned i = 0; i < nvsr_perf_path_count; i++) {
		const struct nvsr_perf_path *a = &nvsr_perf_path_table[i];

		EXPECT(strlen(a->name) <= 25 && *a->text, "%s is too long for the text", a->name);
		EXPECT(!a->like || *nvsr_perf_path_of(a->like)->name, "%s: %s is no path", a->name, a->like);
		EXPECT(!a->local || *nvsr_perf_path_of(a->local)->name, "%s: %s is no path", a->name, a->local);
		EXPECT(a->point >= 4 && a->point <= 15, "%s has a marker that tables do not draw", a->name);
		for (unsigned k = 0; k < i; k++) {
			const struct nvsr_perf_path *b = &nvsr_perf_path_table[k];
			bool colour = !strcmp(a->light, b->light);

			EXPECT(strcmp(a->name, b->name) != 0, "%s twice", a->name);
			/* A picture's colours become the page's by name: one light has one dark. */
			EXPECT(colour == !strcmp(a->dark, b->dark), "%s and %s", a->name, b->name);
			EXPECT(!colour || a->dash != b->dash, "%s and %s look alike", a->name, b->name);
			EXPECT(!colour || a->point != b->point, "%s and %s have one marker", a->name, b->name);
		}
	}
}

/* --- a run of many paths -------------------------------------------------------------------------------------------------------- */

#define PATHS_MOST 24
#define CELLS_MOST (PATHS_MOST * 8)
struct made {
	struct nvsr_perf_run run;
	struct nvsr_perf_cell cell[CELLS_MOST];
	struct nvsr_perf_repeat repeat[CELLS_MOST][2];
	char name[CELLS_MOST][96];
};

static void add_cell(struct made *m, const char *path, const char *pattern, unsigned percent, unsigned depth, unsigned jobs, unsigned vms)
{
	size_t i = m->run.cells++;
	struct nvsr_perf_cell *c = &m->cell[i];

	snprintf(m->name[i], sizeof(m->name[i]), "%s.%s.%zu", path, pattern, i);
	*c = (struct nvsr_perf_cell){ .name = m->name[i], .path = (char *)path, .pattern = (char *)pattern, .read_percent = percent, .block = 4096,
				      .depth = depth, .jobs = jobs, .vms = vms, .repeat = m->repeat[i] };
	for (unsigned r = 0; r < 2; r++) {
		c->repeat[r].state = NVSR_PERF_OK;
		for (unsigned k = 0; k < NVSR_PERF_METRIC_COUNT; k++)
			c->repeat[r].value[k] = 100 + 10.0 * depth * jobs + r + (!strncmp(path, "nvmeof", 6) ? 7000 : !strncmp(path, "iscsi", 5) ? -50 : 0);
		c->repeat[r].value[NVSR_PERF_BANDWIDTH] = (100.0 + r) * (1 << 20);
	}
}

/* Every path of the table, the first @n of them, and others. */
static struct made *make(unsigned n, const char *other)
{
	struct made *m = calloc(1, sizeof(*m));

	if (!m)
		exit(1);
	m->run = (struct nvsr_perf_run){ .repeats = 2, .cell = m->cell, .serial = (char *)"S" };
	for (unsigned p = 0; p < n && p < nvsr_perf_path_count; p++)
		for (unsigned depth = 1; depth <= 32; depth *= 32)
			add_cell(m, nvsr_perf_path_table[p].name, "randread", 100, depth, 1, 1);
	for (unsigned depth = 1; other && depth <= 32; depth *= 32)
		add_cell(m, other, "randread", 100, depth, 1, 1);
	nvsr_perf_count(&m->run);
	return m;
}

static bool is_shown(const struct nvsr_perf_figures *f, const char *kind, const char *path)
{
	for (unsigned i = 0; i < f->n; i++)
		for (unsigned k = 0; k < f->figure[i].paths; k++)
			if (!strcmp(f->figure[i].kind, kind) && !strcmp(f->figure[i].path[k], path))
				return true;
	return false;
}

/* Up to seven paths stand in one figure; more in figures of groups, each of which shows something that no other does. */
static void many_paths_become_several_figures(void)
{
	struct nvsr_perf_figures f;
	struct made *m = make(7, NULL);

	EXPECT(!nvsr_perf_figures_plan(&m->run, &f) && f.n, "no memory");
	for (unsigned i = 0; i < f.n; i++)
		EXPECT(!f.figure[i].group && f.figure[i].paths <= 7, "%s", f.figure[i].name);
	nvsr_perf_figures_free(&f);
	free(m);

	m = make(PATHS_MOST, "somebody-elses");
	EXPECT(!nvsr_perf_figures_plan(&m->run, &f) && f.n, "no memory");
	for (unsigned i = 0; i < f.n; i++) {
		EXPECT(f.figure[i].group && f.figure[i].group_text && f.figure[i].paths && f.figure[i].paths <= 7, "%s", f.figure[i].name);
		for (unsigned k = 0; k < i; k++)
			EXPECT(strcmp(f.figure[i].name, f.figure[k].name) != 0, "%s twice", f.figure[i].name);
	}
	for (unsigned p = 0; p < nvsr_perf_path_count; p++) {
		EXPECT(is_shown(&f, "bandwidth", nvsr_perf_path_table[p].name), "%s is in no figure", nvsr_perf_path_table[p].name);
		EXPECT(is_shown(&f, "latency", nvsr_perf_path_table[p].name), "%s is in no figure", nvsr_perf_path_table[p].name);
		EXPECT(is_shown(&f, "added", nvsr_perf_path_table[p].name) == !!nvsr_perf_path_table[p].local, "%s", nvsr_perf_path_table[p].name);
	}
	EXPECT(is_shown(&f, "bandwidth", "somebody-elses"), "a path of another version is in no figure");
	nvsr_perf_figures_free(&f);
	free(m);

	/* Eight paths none of which is a fabric: no figure for fabrics. */
	m = make(8, NULL);
	EXPECT(!nvsr_perf_figures_plan(&m->run, &f) && f.n, "no memory");
	for (unsigned i = 0; i < f.n; i++)
		EXPECT(f.figure[i].group && strcmp(f.figure[i].group, "fabrics") != 0 && strcmp(f.figure[i].group, "vhost") != 0, "%s", f.figure[i].name);
	nvsr_perf_figures_free(&f);
	free(m);
}

/* What a fabric adds is a difference, which may be less than nothing. */
static void what_a_fabric_adds(void)
{
	_cleanup_text_ struct nvsr_text data = { 0 }, script = { 0 };
	struct nvsr_perf_figures f;
	struct made *m = make(PATHS_MOST, NULL);
	bool found = false;

	EXPECT(!nvsr_perf_figures_plan(&m->run, &f), "no memory");
	for (unsigned i = 0; i < f.n; i++)
		if (!strcmp(f.figure[i].name, "added-over-depth.randread.4k.fabrics")) {
			nvsr_perf_figure_write(&m->run, &f.figure[i], &data, &script);
			found = true;
		}
	EXPECT(found && data.s && strstr(data.s, "nvmeof-tcp\n1 7 7 7\n32 7 7 7\n") && strstr(data.s, "iscsi\n1 -0.05 -0.05 -0.05\n"), "%s",
	       data.s ? data.s : "-");
	EXPECT(script.s && strstr(script.s, "set yrange [-0.0") && !strstr(script.s, "set logscale y"), "%s", script.s ? script.s : "-");
	nvsr_perf_figures_free(&f);
	free(m);
}

/* --- the study ------------------------------------------------------------------------------------------------------------------- */

static char *page(const struct nvsr_perf_run *run)
{
	struct nvsr_perf_figures f;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out || nvsr_perf_figures_plan(run, &f))
		exit(1);
	nvsr_perf_html_write(out, run, &f);
	fclose(out);
	nvsr_perf_figures_free(&f);
	return text;
}

static void figures_of_the_study(void)
{
	static const struct { const char *figure, *study; } cases[] = {
		{ "bandwidth-over-depth.randread.4k.direct", "Fig 2a, Fig 4" }, { "bandwidth-over-depth.randread.4k.virtio", "Fig 5, Fig 6" },
		{ "bandwidth-over-depth.randread.4k.vhost", "Fig 7" }, { "cpu-over-depth.randread.4k.direct", "Fig 2b, Fig 3, Fig 4" },
		{ "latency-over-depth.randread.4k.kinds", "Fig 8" }, { "bandwidth-over-depth.randread.4k.fabrics", "" },
		{ "bandwidth-over-vms.randread.4k", "Fig 9a" }, { "cpu-over-vms.randread.4k", "Fig 9b" },
		{ "iops-over-vms.bulkload.4k", "Fig 10" }, { "fairness-over-vms.bulkload.4k", "Fig 10" }, { "fairness-over-vms.randread.4k", "" },
	};
	struct nvsr_perf_figures f;
	struct made *m = make(PATHS_MOST, NULL);

	for (unsigned vms = 2; vms <= 4; vms *= 2) {
		add_cell(m, "passthrough", "randread", 100, 32, 1, vms);
		add_cell(m, "passthrough", "bulkload", 0, 1, 1, vms);
	}
	nvsr_perf_count(&m->run);
	EXPECT(!nvsr_perf_figures_plan(&m->run, &f), "no memory");
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		char study[96] = "no such figure";

		for (unsigned k = 0; k < f.n; k++)
			if (!strcmp(f.figure[k].name, cases[i].figure))
				nvsr_study_of_figure(&f.figure[k], study);
		EXPECT(!strcmp(study, cases[i].study), "%s: %s", cases[i].figure, study);
		for (unsigned k = 0; k < f.n; k++)
			EXPECT(strncmp(f.figure[k].name, "iops-over-vms.bulkload", 22) || (!strcmp(f.figure[k].title, "Operations per second over VMs: "
			       "RocksDB bulkload, 4 KiB, 1 thread") && strstr(f.figure[k].y_title, "operations")), "%s", f.figure[k].title);
	}
	nvsr_perf_figures_free(&f);
	free(m);
}

/* Every link within the page leads somewhere. */
static void check_anchors(const char *text)
{
	static const char start[] = "href=\"#";

	for (const char *at = text; (at = strstr(at, start)); at += sizeof(start)) {
		const char *name = at + strlen(start);
		int len = (int)strcspn(name, "\"");
		_cleanup_free_ char *quoted = nvsr_asprintf("id=\"%.*s\"", len, name), *bare = nvsr_asprintf("id=%.*s>", len, name);

		EXPECT(strstr(text, quoted) || strstr(text, bare), "%.*s is nowhere", len, name);
	}
}

static void table_2(void)
{
	struct made *m = make(PATHS_MOST, NULL);
	_cleanup_free_ char *without = NULL, *few = NULL, *all = NULL;

	m->run.cells = 0;
	add_cell(m, "vhost-scsi", "randread", 100, 4, 32, 1);
	nvsr_perf_count(&m->run);
	without = page(&m->run);
	EXPECT(strstr(without, "Table 2 of the study was not measured"), "%s", without);
	add_cell(m, "vhost-scsi", "randread", 100, 1, 4, 1);
	nvsr_perf_count(&m->run);
	few = page(&m->run);
	EXPECT(strstr(few, "MiB/s, 4 jobs at depth 1") && strstr(few, "where the study has 32"), "%s", few);
	add_cell(m, "vhost-scsi", "randread", 100, 1, 32, 1);
	add_cell(m, "vhost-scsi", "randrw", 70, 1, 32, 1);
	add_cell(m, "vhost-user-blk", "randrw", 50, 1, 32, 1);
	add_cell(m, "iscsi", "randread", 100, 1, 32, 1);
	nvsr_perf_count(&m->run);
	all = page(&m->run);
	EXPECT(strstr(all, "MiB/s, 32 jobs at depth 1") && strstr(all, "data-v=963>963") && strstr(all, "data-v=280>280"), "%s", all);
	check_anchors(all);
	free(m);
}

static void capability_on_the_page(void)
{
	static const char journal[] = "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"serial\":\"S\",\"cells\":["
		"{\"row\":\"migration\",\"way\":\"passthrough\"},{\"row\":\"migration\",\"way\":\"virtio-ns\"},{\"row\":\"security\",\"way\":\"virtio-ns\"}]}\n"
		"{\"event\":\"cell\",\"row\":\"migration\",\"way\":\"passthrough\",\"answer\":\"no\",\"text\":\"<refused>\"}\n"
		"{\"event\":\"cell\",\"row\":\"migration\",\"way\":\"virtio-ns\",\"answer\":\"yes\",\"text\":\"moved\"}\n";
	struct made *m = make(PATHS_MOST, NULL);
	_cleanup_free_ char *with = NULL, *without = NULL, *broken = NULL;
	struct nvsr_capability table;
	char complaint[512];

	without = page(&m->run);
	EXPECT(strstr(without, "id=capability") && strstr(without, "was not tried for this page") && strstr(without, "report RUN --capability DIR"), "no way is told");
	check_anchors(without);
	m->run.no_capability = (char *)"capability.jsonl:1: <bad>";
	broken = page(&m->run);
	EXPECT(strstr(broken, "capability.jsonl:1: &lt;bad&gt;") && !strstr(broken, "<bad>"), "the reason is not told");
	m->run.no_capability = NULL;
	EXPECT(!nvsr_capability_parse(journal, strlen(journal), "j", &table, complaint), "%s", complaint);
	m->run.capability = &table;
	with = page(&m->run);
	EXPECT(strstr(with, "id=\"cap-migration-passthrough\"") && strstr(with, "&lt;refused&gt;") && strstr(with, "../capability.jsonl"), "no table");
	EXPECT(strstr(with, "It cannot be with: <a href=\"#cap-migration-passthrough\">passthrough</a>"), "nobody is left out");
	EXPECT(strstr(with, "href=\"#cap-migration\">capability table"), "the claim has no evidence");
	check_anchors(with);
	nvsr_capability_free(&table);
	free(m);
}

int main(void)
{
	paths_can_be_told_apart();
	many_paths_become_several_figures();
	what_a_fabric_adds();
	figures_of_the_study();
	table_2();
	capability_on_the_page();
	if (!failed)
		puts("ok - many paths, the study's figures and tables, capabilities");
	return failed != 0;
}
