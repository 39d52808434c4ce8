// SPDX-License-Identifier: GPL-2.0-or-later
/* Which path is said to be best: ties, gaps, one path, wrong data, one repeat, what a guest asks for.  All numbers here are made up. */
#include <math.h>

#include "base/text.h"
#include "reports/perf_which.h"
#include "base/expect.h"

#define CELLS_MOST 24
#define REPEATS 3

/*
 * A run of cells "path pattern depth jobs VMs kIOPS± p99-µs kIOPS-per-core worst-to-best": the repeats have that, less and more by the
 * number after the ± (percent).  "path!" returned wrong data, "path?" has a repeat that failed, "path~" is another disk.
 */
struct made {
	struct nvsr_perf_run run;
	struct nvsr_perf_cell cell[CELLS_MOST];
	struct nvsr_perf_repeat repeat[CELLS_MOST][REPEATS];
	struct nvsr_perf_verify verify[CELLS_MOST];
	char path[CELLS_MOST][40], pattern[CELLS_MOST][24];
	struct nvsr_capability table;
};

static void add_cell(struct made *m, const char *text)
{
	size_t i = m->run.cells++;
	struct nvsr_perf_cell *c = &m->cell[i];
	double kiops, percent, p99, per_core, even;
	size_t len;

	if (sscanf(text, "%39s %23s %u %u %u %lf %lf %lf %lf %lf", m->path[i], m->pattern[i], &c->depth, &c->jobs, &c->vms, &kiops, &percent, &p99,
		   &per_core, &even) != 10)
		exit(1);
	len = strlen(m->path[i]) - 1;
	c->name = c->path = m->path[i];
	c->pattern = m->pattern[i];
	c->block = 4096;
	c->read_percent = strcmp(c->pattern, "randwrite") ? 100 : 0;
	c->repeat = m->repeat[i];
	for (unsigned r = 0; r < m->run.repeats; r++) {
		double by = m->run.repeats == 1 ? 1 : 1 + ((int)r - 1) * percent / 100;
		const struct { enum nvsr_perf_metric m; double v; } values[] = {
			{ NVSR_PERF_IOPS, kiops * 1e3 * by }, { NVSR_PERF_LAT_P99, p99 * 1e3 * by }, { NVSR_PERF_IOPS_PER_HOST_CORE, per_core * 1e3 * by },
			{ NVSR_PERF_WORST_BEST, even },
		};

		c->repeat[r].state = r == 1 && m->path[i][len] == '?' ? NVSR_PERF_FAIL : NVSR_PERF_OK;
		for (unsigned k = 0; k < NVSR_PERF_METRIC_COUNT; k++)
			c->repeat[r].value[k] = NAN;
		for (unsigned k = 0; k < NVSR_ARRAY_SIZE(values); k++)
			c->repeat[r].value[values[k].m] = values[k].v > 0 ? values[k].v : NAN;
	}
	if (m->path[i][len] == '!')
		m->verify[m->run.verifies++] = (struct nvsr_perf_verify){ .path = m->path[i], .state = NVSR_PERF_FAIL, .corrupt = true };
	if (m->path[i][len] == '~')
		m->verify[m->run.verifies++] = (struct nvsr_perf_verify){ .path = m->path[i], .state = NVSR_PERF_OK, .reason = (char *)"another disk" };
	if (strchr("!?~", m->path[i][len]))
		m->path[i][len] = '\0';
}

static struct made *make(const char *cells, unsigned repeats)
{
	struct made *m = calloc(1, sizeof(*m));

	if (!m)
		exit(1);
	m->run = (struct nvsr_perf_run){ .repeats = repeats, .cell = m->cell, .verify = m->verify };
	for (const char *s = cells; s && *s && m->run.cells < CELLS_MOST; s = strchr(s, ','), s = s ? s + 1 : NULL)
		add_cell(m, s);
	nvsr_perf_count(&m->run);
	return m;
}

static void unmake(struct made *m)
{
	nvsr_capability_free(&m->table);
	free(m);
}

/* "depth 1: passthrough = virtio-ns > vhost-user-blk; without iscsi" of each load for a goal. */
static char *ranks(const struct nvsr_perf_run *run, enum nvsr_goal g, const struct nvsr_demand *d)
{
	struct nvsr_which_case c[NVSR_WHICH_CASES_MOST];
	unsigned n = nvsr_which_cases(run, c);
	struct nvsr_text t = { 0 };

	nvsr_text_add(&t, "%s", "");
	for (unsigned i = 0; i < n; i++) {
		struct nvsr_which w;
		char load[64];

		nvsr_which_rank(run, c[i].like, g, d, &w);
		nvsr_which_load_text(&c[i], load);
		nvsr_text_add(&t, "%s%s, %s:", i ? "; " : "", c[i].load, load);
		for (unsigned k = 0; k < w.n; k++)
			nvsr_text_add(&t, "%s%s", !k ? " " : w.rank[k].stand == NVSR_STAND_EQUAL ? " = " : " > ", w.rank[k].cell->path);
		nvsr_text_add(&t, w.untried ? "?" : "");
		for (unsigned k = 0; k < w.withouts; k++)
			nvsr_text_add(&t, "%s%s", k ? ", " : " without ", w.without[k]);
	}
	if (!t.s)
		exit(1);
	return t.s;
}

static const struct { const char *cells; unsigned repeats; enum nvsr_goal goal; const char *expected; } cases[] = {
	/* Nothing, and nothing for a virtual machine. */
	{ "", 3, NVSR_GOAL_THROUGHPUT, "" },
	{ "bare-metal randread 1 1 1 100 1 10 50 0", 3, NVSR_GOAL_THROUGHPUT, "" },
	/* One path only. */
	{ "passthrough randread 1 1 1 100 1 10 50 0", 3, NVSR_GOAL_THROUGHPUT, "only, depth 1: passthrough" },
	/* The best, what overlaps with it, and what does not; bare metal is not asked. */
	{ "bare-metal randread 1 1 1 500 1 5 90 0, passthrough randread 1 1 1 100 2 10 50 0, virtio-ns randread 1 1 1 97 2 20 40 0, "
	  "vhost-user-blk randread 1 1 1 80 2 9 20 0", 3, NVSR_GOAL_THROUGHPUT, "only, depth 1: passthrough = virtio-ns > vhost-user-blk" },
	{ "passthrough randread 1 1 1 100 2 10 50 0, virtio-ns randread 1 1 1 97 2 20 40 0, vhost-user-blk randread 1 1 1 80 2 9 20 0", 3,
	  NVSR_GOAL_TAIL, "only, depth 1: vhost-user-blk > passthrough > virtio-ns" },
	{ "passthrough randread 1 1 1 100 2 10 50 0, virtio-ns randread 1 1 1 97 2 20 70 0", 3, NVSR_GOAL_EFFICIENCY,
	  "only, depth 1: virtio-ns > passthrough" },
	/* A wide spread ties with the best though its median is the last. */
	{ "passthrough randread 1 1 1 100 1 10 50 0, virtio-ns randread 1 1 1 90 1 20 40 0, vhost-user-blk randread 1 1 1 80 40 9 20 0", 3,
	  NVSR_GOAL_THROUGHPUT, "only, depth 1: passthrough = vhost-user-blk > virtio-ns" },
	/* Latencies of neighbouring buckets are alike, rates are not. */
	{ "passthrough randread 1 1 1 100 0 10 50 0, virtio-ns randread 1 1 1 102 0 10.2 40 0", 3, NVSR_GOAL_TAIL,
	  "only, depth 1: passthrough = virtio-ns" },
	{ "passthrough randread 1 1 1 100 0 10 50 0, virtio-ns randread 1 1 1 102 0 10.2 40 0", 3, NVSR_GOAL_THROUGHPUT,
	  "only, depth 1: virtio-ns > passthrough" },
	/* One repeat has no spread: a tenth. */
	{ "passthrough randread 1 1 1 100 0 10 50 0, virtio-ns randread 1 1 1 92 0 20 40 0, iscsi randread 1 1 1 85 0 30 10 0", 1,
	  NVSR_GOAL_THROUGHPUT, "only, depth 1: passthrough = virtio-ns > iscsi" },
	/* The least and the most that most paths have; what is missing there is said. */
	{ "passthrough randread 1 1 1 10 1 10 50 0, virtio-ns randread 1 1 1 9 1 20 40 0, iscsi randread 1 1 1 5 1 30 10 0, "
	  "passthrough randread 32 1 1 100 1 10 50 0, virtio-ns randread 32 1 1 90 1 20 40 0, passthrough randread 32 4 1 200 1 10 50 0", 3,
	  NVSR_GOAL_THROUGHPUT, "low, depth 1: passthrough > virtio-ns > iscsi; high, depth 32: passthrough > virtio-ns without iscsi" },
	/* Failed, wrong, and not measured. */
	{ "passthrough! randread 1 1 1 100 1 10 50 0, virtio-ns? randread 1 1 1 90 1 20 40 0, vhost-user-socket~ randread 1 1 1 900 1 1 90 0, "
	  "iscsi randread 1 1 1 5 1 30 0 0", 3, NVSR_GOAL_THROUGHPUT, "only, depth 1: iscsi without passthrough, virtio-ns, vhost-user-socket" },
	{ "passthrough randread 1 1 1 100 1 10 50 0, iscsi randread 1 1 1 5 1 30 0 0", 3, NVSR_GOAL_EFFICIENCY,
	  "only, depth 1: passthrough without iscsi" },
	/* Several VMs, and who is treated alike there. */
	{ "passthrough randread 8 1 1 50 1 10 50 0, passthrough randread 8 1 2 90 1 10 50 0.7, virtio-ns randread 8 1 1 40 1 10 50 0, "
	  "virtio-ns randread 8 1 2 60 1 10 50 0.9", 3, NVSR_GOAL_FAIRNESS,
	  "only, depth 8: without passthrough, virtio-ns; VMs, depth 8, 1 job in each of 2 VMs: virtio-ns > passthrough" },
	/* Databases have threads and no depth; workloads are apart. */
	{ "passthrough bulkload 1 1 4 50 1 10 50 0.8, virtio-ns bulkload 1 1 4 60 1 10 50 0.9, passthrough randwrite 1 1 1 9 1 9 9 0", 3,
	  NVSR_GOAL_THROUGHPUT, "VMs, 4 VMs, 1 thread in each: virtio-ns > passthrough; only, depth 1: passthrough" },
};

static void the_best_is_named(void)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct made *m = make(cases[i].cells, cases[i].repeats);
		_cleanup_free_ char *text = ranks(&m->run, cases[i].goal, NULL);

		EXPECT(!strcmp(text, cases[i].expected), "%u:\n%s\n%s", i, text, cases[i].expected);
		unmake(m);
	}
}

/* --- what is asked for -------------------------------------------------------------------------------------------------------- */

#define CELL(row, way, answer) "{\"event\":\"cell\",\"row\":\"" row "\",\"way\":\"" way "\",\"answer\":\"" answer "\",\"text\":\"t\"}\n"
static const char table[] = "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"serial\":\"S\",\"cells\":["
	"{\"row\":\"migration\",\"way\":\"passthrough\"},{\"row\":\"migration\",\"way\":\"virtio-ns\"},{\"row\":\"migration\",\"way\":\"vhost-user-blk\"},"
	"{\"row\":\"qos\",\"way\":\"passthrough\"},{\"row\":\"qos\",\"way\":\"virtio-ns\"},{\"row\":\"elastic\",\"way\":\"virtio-ns\"}]}\n"
	CELL("migration", "passthrough", "no") CELL("migration", "virtio-ns", "yes") CELL("migration", "vhost-user-blk", "untested")
	CELL("qos", "passthrough", "no") CELL("qos", "virtio-ns", "no") CELL("elastic", "virtio-ns", "untested");

static const char four[] = "passthrough-polled randread 1 1 1 100 1 10 50 0, virtio-ns randread 1 1 1 60 1 20 40 0, virtio-qcow2-uring randread 1 1 1 70 1 20 40 0, "
	"vhost-user-blk randread 1 1 1 90 1 9 20 0";

static const struct nvsr_demand *demand(const char *row)
{
	for (unsigned i = 0; i < nvsr_demand_count; i++)
		if (!strcmp(nvsr_demands[i].row, row))
			return &nvsr_demands[i];
	exit(1);
}

static void with_table(struct made *m)
{
	char complaint[512] = "";

	EXPECT(!nvsr_capability_parse(table, strlen(table), "table", &m->table, complaint), "%s", complaint);
	m->run.capability = &m->table;
}

static void demands_filter(void)
{
	static const struct { const char *row, *expected; } filters[] = {
		/* What was shown to can, before what nobody tried; variants are of their way. */
		{ "migration", "only, depth 1: virtio-qcow2-uring > virtio-ns" },
		/* Nothing was shown to: what was not shown not to. */
		{ "qos", "only, depth 1: vhost-user-blk?" },
		{ "elastic", "only, depth 1: passthrough-polled > vhost-user-blk > virtio-qcow2-uring > virtio-ns?" },
		{ "security", "only, depth 1: passthrough-polled > vhost-user-blk > virtio-qcow2-uring > virtio-ns?" },
	};
	struct made *m = make(four, 3);
	struct nvsr_which all, left;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(filters); i++) {
		_cleanup_free_ char *without = ranks(&m->run, NVSR_GOAL_THROUGHPUT, demand(filters[i].row));

		EXPECT(strstr(without, "passthrough-polled > vhost-user-blk") && strchr(without, '?'), "no table: %s", without);
	}
	with_table(m);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(filters); i++) {
		_cleanup_free_ char *text = ranks(&m->run, NVSR_GOAL_THROUGHPUT, demand(filters[i].row));

		EXPECT(!strcmp(text, filters[i].expected), "%s:\n%s\n%s", filters[i].row, text, filters[i].expected);
	}
	nvsr_which_rank(&m->run, m->cell, NVSR_GOAL_THROUGHPUT, NULL, &all);
	nvsr_which_rank(&m->run, m->cell, NVSR_GOAL_THROUGHPUT, demand("migration"), &left);
	EXPECT(nvsr_which_differs(&all, &left), "the best cannot migrate");
	EXPECT(fabs(all.rank[1].ratio.median - 0.9) < 1e-9 && all.rank[0].ratio.median == 1, "%g", all.rank[1].ratio.median);
	nvsr_which_rank(&m->run, m->cell, NVSR_GOAL_THROUGHPUT, demand("elastic"), &left);
	EXPECT(!nvsr_which_differs(&all, &left), "it stays");
	unmake(m);
	/* Everything is out. */
	m = make("passthrough randread 1 1 1 100 1 10 50 0", 3);
	with_table(m);
	nvsr_which_rank(&m->run, m->cell, NVSR_GOAL_THROUGHPUT, NULL, &all);
	nvsr_which_rank(&m->run, m->cell, NVSR_GOAL_THROUGHPUT, demand("migration"), &left);
	EXPECT(!left.n && nvsr_which_differs(&all, &left), "%u", left.n);
	unmake(m);
}

/* --- what is written ------------------------------------------------------------------------------------------------------------ */

static char *written(void (*write)(FILE *f, const struct nvsr_perf_run *run), const struct nvsr_perf_run *run)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		exit(1);
	write(f, run);
	fclose(f);
	return text;
}

static void expect_all(const char *text, const char *const *parts, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		EXPECT(strstr(text, parts[i]), "%s in\n%s", parts[i], text);
}

static void it_is_written(void)
{
	static const char *const text_has[] = {
		("which path for virtual machines, from these numbers - " NVSR_PERF_TCG "\n"), "  random read, 4 KiB, depth 1\n",
		"    throughput, thousand IOPS            100 ±1%   passthrough-polled\n", "next: vhost-user-blk, 0.900 of it\n",
		"if the guest must migrate live:\n  without passthrough-polled\n", "(not tried whether it can)",
	};
	static const char *const html_has[] = {
		"<h2 id=which>", NVSR_PERF_TCG, "passthrough-polled</b>", "next: vhost-user-blk, 0.900 of it", "<summary>If the guest must migrate live</summary>",
		"It cannot be with: <a href=\"#cap-migration-passthrough\">passthrough-polled</a>", "Not tried: <a href=\"#cap-migration-vhost-user-blk\">",
		"as above", "which.tsv",
	};
	static const char *const tsv_has[] = {
		("# " NVSR_PERF_TCG "\n"), "randread\t100\t4096\tonly\t1\t1\t1\tthroughput\tpassthrough-polled\tbest\tiops\t3\t100000\t99000\t101000\t1\t1\t1\tno\tuntested\tuntested\tno\tuntested\t0\n",
		"\ttail\tvirtio-ns\tbehind\tlat_p99_ns\t", "\ttail\tpassthrough-polled\tbehind\t",
		"\ttail\tvhost-user-blk\tbest\t",
	};
	struct made *m = make(four, 3);
	_cleanup_free_ char *text = NULL, *html = NULL, *tsv = NULL, *bare = NULL, *none = NULL;
	size_t columns = 0;

	with_table(m);
	m->run.tcg = true;
	text = written(nvsr_which_text_write, &m->run);
	html = written(nvsr_which_html_write, &m->run);
	tsv = written(nvsr_which_tsv_write, &m->run);
	expect_all(text, text_has, NVSR_ARRAY_SIZE(text_has));
	expect_all(html, html_has, NVSR_ARRAY_SIZE(html_has));
	expect_all(tsv, tsv_has, NVSR_ARRAY_SIZE(tsv_has));
	for (char *line = strtok(tsv, "\n"); line; line = strtok(NULL, "\n")) {
		size_t tabs = 0;

		for (const char *s = line; *line != '#' && *s; s++)
			tabs += *s == '\t';
		columns = columns ? columns : tabs;
		EXPECT(*line == '#' || tabs == columns, "%zu columns: %s", tabs, line);
	}
	/* Without a table it is said how to get one, and no demand is answered. */
	m->run.capability = NULL;
	bare = written(nvsr_which_text_write, &m->run);
	EXPECT(strstr(bare, "nvsr-conform report RUN --capability DIR") && !strstr(bare, "migrate"), "%s", bare);
	m->run.cells = 0;
	none = written(nvsr_which_html_write, &m->run);
	EXPECT(strstr(none, "No path for virtual machines has numbers"), "%s", none);
	unmake(m);
}

int main(void)
{
	the_best_is_named();
	demands_filter();
	it_is_written();
	if (!failed)
		puts("ok - which path is best: ties, gaps, demands, words");
	return failed != 0;
}
