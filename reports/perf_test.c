// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is written from a stored run whose numbers are made up: tables byte for byte, page, figures and scripts by what must and
 * must not be in them.  UPDATE=1 in the environment writes the stored outputs instead.  Run from the top of the project.
 */
#include <math.h>
#include <sys/stat.h>

#include "reports/perf_html.h"
#include "reports/stored.h"

#define FOLDER "reports/testdata"
#define FIXTURE FOLDER "/perf"

static unsigned failed;
#define EXPECT(cond) do { if (!(cond)) { failed++; \
	fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #cond); } } while (0)

static void text_plain(FILE *f, const struct nvsr_perf_run *run)
{
	nvsr_perf_text_write(f, run, &(struct nvsr_text_style){ .where = "run/x" });
}

static void check_outputs(const struct nvsr_perf_run *run)
{
	static const struct { const char *name; void (*write)(FILE *f, const struct nvsr_perf_run *run); } writers[] = {
		{ "perf-table.txt", nvsr_perf_tsv_write }, { "perf-text.txt", text_plain },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(writers); i++) {
		_cleanup_free_ char *path = nvsr_asprintf(FOLDER "/%s", writers[i].name), *data = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&data, &len);

		writers[i].write(f, run);
		fclose(f);
		failed += nvsr_differs_from_stored(path, data, len);
	}
}

/* The same run; then one with other numbers; then one of another host. */
static void check_comparison(const struct nvsr_perf_run *run)
{
	struct nvsr_perf_run other;
	const struct nvsr_perf_run *runs[] = { run, &other };
	const char *names[] = { "a", "b" };
	_cleanup_free_ char *data = NULL;
	char complaint[512];
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);

	EXPECT(!nvsr_perf_read(FIXTURE, &other, complaint));
	for (unsigned r = 0; r < other.repeats; r++) {
		other.cell[0].repeat[r].value[NVSR_PERF_IOPS] *= 2;
		other.cell[1].repeat[r].value[NVSR_PERF_LAT_P99] *= 1.5;
	}
	nvsr_field_set(&other.firmware, "2");
	nvsr_perf_count(&other);
	nvsr_perf_compare_write(f, runs, names, 2);
	nvsr_field_set(&other.cpu, "Another CPU");
	nvsr_perf_compare_write(f, runs, names, 2);
	fclose(f);
	failed += nvsr_differs_from_stored(FOLDER "/perf-compare.txt", data, len);
	nvsr_perf_free(&other);
}

/* A table without its reader's comments: as many columns in every row, and no row that a reader takes for a comment. */
static void check_table_form(const struct nvsr_perf_run *run)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0, columns = 0, rows = 0;
	FILE *f = open_memstream(&data, &len);

	nvsr_perf_tsv_write(f, run);
	fclose(f);
	EXPECT(!strncmp(data, "# " NVSR_PERF_SOFTWARE "\n", strlen(NVSR_PERF_SOFTWARE) + 3));
	for (char *line = strtok(data, "\n"); line; line = strtok(NULL, "\n")) {
		size_t tabs = 0;

		if (*line == '#')
			continue;
		for (const char *s = line; *s; s++) {
			tabs += *s == '\t';
			EXPECT(!strchr("#\"'", *s));
		}
		columns = columns ? columns : tabs;
		EXPECT(tabs == columns);
		rows++;
	}
	EXPECT(rows == run->cells + 1);
}

/* --- figures ------------------------------------------------------------------------------------------------------------------- */

static const struct nvsr_perf_figure *find_figure(const struct nvsr_perf_figures *f, const char *name)
{
	for (unsigned i = 0; i < f->n; i++)
		if (!strcmp(f->figure[i].name, name))
			return &f->figure[i];
	return NULL;
}

static const struct nvsr_perf_figure *figure(const struct nvsr_perf_figures *f, const char *name)
{
	const struct nvsr_perf_figure *found = find_figure(f, name);

	if (found)
		return found;
	fprintf(stderr, "no figure %s\n", name);
	exit(1);
}

static void expect_in(const char *text, const char *const *parts, unsigned n, bool in)
{
	for (unsigned i = 0; i < n; i++)
		if (!strstr(text, parts[i]) == in) {
			fprintf(stderr, "%s is %s in:\n%.3000s\n", parts[i], in ? "not" : "", text);
			failed++;
		}
}

static void check_figures(const struct nvsr_perf_run *run)
{
	static const char *const names[] = { "bandwidth", "iops", "latency", "ratio", "cpu", "efficiency" };
	static const char *const script_has[] = {
		("# " NVSR_PERF_SOFTWARE), ("\"" NVSR_PERF_SOFTWARE), "set logscale x 2", "set terminal svg", "set terminal pngcairo",
		"'iops-over-depth.randread.4k.dat' index 0 ", "title 'vhost-user-blk'", "thousand IOPS", "('1' 1, '32' 32)",
	};
	static const char *const data_has[] = {
		("# " NVSR_PERF_SOFTWARE), "# index 0: bare-metal\n1 20.2 20 20.4\n32 1414 1400 1428\n", "# index 3: vhost-user-blk\n",
	};
	static const char *const ratio_has[] = { "# index 0: passthrough\n1 0.95 0.95 0.95\n", "# index 2: vhost-user-blk\n1 2.6 2.6 2.6\n" };
	_cleanup_text_ struct nvsr_text data = { 0 }, script = { 0 }, ratio = { 0 }, unused = { 0 };
	struct nvsr_perf_figures f;

	EXPECT(!nvsr_perf_figures_plan(run, &f));
	/* depth is all that it varies, and of one workload only */
	EXPECT(f.n == NVSR_ARRAY_SIZE(names));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *name = nvsr_asprintf("%s-over-depth.randread.4k", names[i]);

		figure(&f, name);
	}
	nvsr_perf_figure_write(run, figure(&f, "iops-over-depth.randread.4k"), &data, &script);
	expect_in(script.s, script_has, NVSR_ARRAY_SIZE(script_has), true);
	expect_in(data.s, data_has, NVSR_ARRAY_SIZE(data_has), true);
	nvsr_perf_figure_write(run, figure(&f, "ratio-over-depth.randread.4k"), &ratio, &unused);
	expect_in(ratio.s, ratio_has, NVSR_ARRAY_SIZE(ratio_has), true);
	EXPECT(figure(&f, "latency-over-depth.randread.4k")->panels == 4);
	nvsr_perf_figures_free(&f);
}

/* Over jobs too, where a path has two numbers of them; the axis says when it is logarithmic. */
static void check_axes(struct nvsr_perf_run *run)
{
	static const struct { const char *path; unsigned jobs; const char *x; } cases[] = {
		{ "bare-metal", 16, "\"jobs of each VM (log scale)\"" }, { "bare-metal", 4, "\"jobs of each VM\"" }, { "iscsi", 4, NULL },
	};
	struct nvsr_perf_cell *c = &run->cell[1];	/* of bare metal, as the first */
	const struct nvsr_perf_cell was = *c;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		_cleanup_text_ struct nvsr_text data = { 0 }, script = { 0 };
		const struct nvsr_perf_figure *fig;
		struct nvsr_perf_figures f;

		c->depth = run->cell[0].depth;
		c->jobs = cases[i].jobs;
		c->path = (char *)cases[i].path;
		EXPECT(!nvsr_perf_figures_plan(run, &f));
		fig = find_figure(&f, "iops-over-jobs.randread.4k");
		EXPECT(!fig == !cases[i].x);
		if (fig)
			nvsr_perf_figure_write(run, fig, &data, &script);
		if (fig && cases[i].x)
			expect_in(script.s, &cases[i].x, 1, true);
		EXPECT(!fig || !strcmp(fig->title, "I/Os per second over jobs: random read, 4 KiB, depth 1"));
		nvsr_perf_figures_free(&f);
	}
	*c = was;
}

/* Titles of panels say in what they differ, that of the figure what they have in common; the depths of percentiles are of the first. */
static void check_titles(struct nvsr_perf_run *run)
{
	struct nvsr_perf_cell *of_two = &run->cell[2], *with_depth = &run->cell[3];	/* of passthrough */
	const struct nvsr_perf_cell was[] = { *of_two, *with_depth };
	const struct nvsr_perf_figure *fig;
	struct nvsr_perf_figures f;

	of_two->jobs = with_depth->jobs = 2;
	EXPECT(!nvsr_perf_figures_plan(run, &f));
	fig = figure(&f, "iops-over-depth.randread.4k");
	EXPECT(fig->panels == 2 && !strcmp(fig->panel[0].title, "1 job") && !strcmp(fig->panel[1].title, "2 jobs"));
	EXPECT(!strcmp(fig->title, "I/Os per second over queue depth: random read, 4 KiB"));
	fig = figure(&f, "latency-over-depth.randread.4k");
	EXPECT(!strcmp(fig->title, "Total latency by percentile over queue depth: random read, 4 KiB, 1 job"));
	nvsr_perf_figures_free(&f);
	of_two->vms = with_depth->vms = 2;
	EXPECT(!nvsr_perf_figures_plan(run, &f));
	EXPECT(!strcmp(figure(&f, "iops-over-depth.randread.4k")->panel[1].title, "2 VMs, 2 jobs"));
	nvsr_perf_figures_free(&f);
	*of_two = was[0];
	*with_depth = was[1];
}

/* Two workloads never have one file. */
static void check_names(struct nvsr_perf_run *run)
{
	static const struct { uint64_t block; const char *name; } cases[] = {
		{ 512, "iops-over-depth.randread.512" }, { 65536, "iops-over-depth.randread.64k" }, { 1u << 20, "iops-over-depth.randread.1m" },
		{ 1u << 30, "iops-over-depth.randread.1024m" }, { 3u << 20, "iops-over-depth.randread.3m" },
	};
	struct nvsr_perf_figures f;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		for (size_t c = 0; c < run->cells; c++)
			run->cell[c].block = cases[i].block;
		EXPECT(!nvsr_perf_figures_plan(run, &f));
		figure(&f, cases[i].name);
		nvsr_perf_figures_free(&f);
	}
	for (size_t c = 0; c < run->cells; c++)
		run->cell[c].block = 4096;
}

static void check_svg(void)
{
	static const char svg[] = "<?xml version=\"1.0\"?>\n<svg \n viewBox=\"0 0 720 420\"\n>\n<title>Gnuplot</title>\n<desc>x</desc>"
		"<rect x=\"0\" y=\"0\" width=\"720\" height=\"420\" fill=\"#ffffff\"/><defs><circle id='gpPt5'/></defs>"
		"<g color=\"black\"><use xlink:href='#gpPt5' color='rgb(  0, 114, 178)'/><path stroke='rgb(1,2,3)'/>"
		"<text fill=\"rgb(29,31,35)\">black id=\"x\"</text><g id=\"gnuplot_plot_1a\"/><text><tspan font-family=\"sans-serif\"  font-weight=\"bold\" "
		">T</tspan></text><g id=\"gnuplot_plot_2a\"/><g fill=\"none\"  stroke-linecap=\"butt\" stroke-linejoin=\"miter\">\n\t</g>"
		"<g id=\"plot\"><title>gnuplot_plot_1</title><title>path</title></g></g></svg>\n";
	static const char *const has[] = {
		"<g class=key id=\"f3-gnuplot_plot_1a\"", "<text class=key><tspan", "<g id=\"f3-gnuplot_plot_2a\"", "<svg viewBox=\"0 0 720 420\" role=img aria-label=\"a &lt;title&gt;\"", "<circle id='f3-gpPt5'/>", "href='#f3-gpPt5'",
		"color='var(--path-passthrough)'", "stroke='rgb(1,2,3)'", "color=\"var(--ink)\"", "fill=\"var(--ink)\">black id=\"x\"<",
		"id=\"f3-plot\"", "<title>path</title>",
	};
	static const char *const never[] = { "<?xml", "Gnuplot", "<desc", "<rect", "<title>gnuplot_plot_1", "linecap", "font-family", "fill=\"none\"" };
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);

	nvsr_perf_svg_put(f, svg, 3, "a <title>", 1);
	nvsr_perf_svg_put(f, "", 1, "", 0);
	nvsr_perf_svg_put(f, "<svg", 1, "", 0);
	nvsr_perf_svg_put(f, "<svg viewBox=\"0 0 1 1\">", 1, "", 0);
	fclose(f);
	expect_in(data, has, NVSR_ARRAY_SIZE(has), true);
	expect_in(data, never, NVSR_ARRAY_SIZE(never), false);
}

/* --- files, with gnuplots of our own -------------------------------------------------------------------------------------------- */

static void remove_all(const char *folder)
{
	_cleanup_free_ char *command = nvsr_asprintf("rm -rf '%s'", folder);

	failed += !command || system(command) != 0;
}

/* A gnuplot as script @text, alone in PATH. */
static void with_gnuplot(const char *folder, const char *text)
{
	_cleanup_free_ char *bin = nvsr_asprintf("%s/bin", folder), *path = nvsr_asprintf("%s/gnuplot", bin);

	EXPECT(!nvsr_mkdirs(bin));
	unlink(path);
	if (text) {
		EXPECT(!nvsr_write_file(path, text, strlen(text)));
		EXPECT(!chmod(path, 0755));
	}
	setenv("PATH", bin, 1);
}

static void check_files(const struct nvsr_perf_run *run)
{
	static const struct { const char *gnuplot, *says; bool drawn; } cases[] = {
		{ "#!/bin/sh\n[ $4 = png ] || echo '<svg viewBox=\"0 0 7 7\">drawn</svg>' > ${3%.gp}.svg\n", "", true },
		{ "#!/bin/sh\necho 'line 7: wrong' >&2\nexit 3\n", "failed: line 7: wrong", false },
		{ NULL, "gnuplot is not installed", false },
	};
	char folder[] = "/tmp/nvsr-report-XXXXXX";
	_cleanup_free_ char *old_path = strdup(getenv("PATH") ? getenv("PATH") : ""), *page = nvsr_asprintf("%s/report/index.html", "X");

	if (!mkdtemp(folder)) {
		failed++;
		return;
	}
	free(page);
	page = nvsr_asprintf("%s/report/index.html", folder);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		char complaint[512] = "left over";

		with_gnuplot(folder, cases[i].gnuplot);
		EXPECT(!nvsr_perf_report_files(folder, run, complaint));
		EXPECT(strstr(complaint, cases[i].says) && !*complaint == !*cases[i].says);
		EXPECT(!nvsr_read_file(page, 1u << 22, &text, NULL));
		EXPECT(text && !strstr(text, ">drawn</svg>") == !cases[i].drawn && !strstr(text, "Not drawn") == cases[i].drawn);
	}
	setenv("PATH", old_path, 1);
	remove_all(folder);
	/* A folder that cannot be made. */
	{
		char complaint[512];

		EXPECT(nvsr_perf_report_files("/proc/nowhere", run, complaint) < 0 && strstr(complaint, "/proc/nowhere"));
	}
}

/* --- the page ---------------------------------------------------------------------------------------------------------------------- */

static void check_page(const struct nvsr_perf_run *run)
{
	static const char *const in_order[] = {
		"Made-up Model &lt;&amp;&gt; through 4 data paths", NVSR_PERF_SOFTWARE, "interrupted", "guest on CPU 0,1",
		"id=which", "vhost-user-blk</b>", "id=headline", "Thousand I/Os per second", "1414", "id=workloads", "random read, 4 KiB", "iops-over-depth.randread.4k.gp",
		"../raw/bare-metal.randread.4k.qd1.j1.v1/1.json", "Ratios to bare metal", "Busy CPUs and efficiency", "Interrupts",
		"random read and write 70:30", "Reads and writes apart", "id=table-2", "id=capability", "id=study", "id=claims", "id=\"claim-fig-2a\"", "holds", "id=verify", "as written",
		"id=gaps", "killed by signal 9", "iSCSI&quot; target # and &lt;more&gt;", "id=environment", "Made up for tests",
	};
	static const char *const never[] = { "src=", "<link", "@import", "<&>", "<more>", "http://fonts", ">nan", " nan", "\"nan", "inf<" };
	struct nvsr_perf_figures f;
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&data, &len);
	const char *at;
	unsigned tables = 0, badges = 0;

	EXPECT(!nvsr_perf_figures_plan(run, &f));
	nvsr_perf_html_write(out, run, &f);
	fclose(out);
	at = data;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(in_order) && at; i++) {
		at = strstr(at, in_order[i]);
		if (!at)
			fprintf(stderr, "page: %s is not where it should be\n", in_order[i]);
		failed += !at;
	}
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(never); i++)
		if (strstr(data, never[i])) {
			fprintf(stderr, "page: %s is in it\n", never[i]);
			failed++;
		}
	/* every table says what its numbers are of, and so does every figure */
	for (at = data; (at = strstr(at, "<caption>")); at++, tables++) {
		const char *end = strstr(at, "</caption>"), *label = strstr(at, NVSR_PERF_SOFTWARE);

		EXPECT(end && label && label < end);
	}
	for (at = data; (at = strstr(at, "<figcaption>")); at++, badges++) {
		const char *end = strstr(at, "</figcaption>"), *label = strstr(at, NVSR_PERF_SOFTWARE);

		EXPECT(end && label && label < end);
	}
	EXPECT(tables > 10 && badges == f.n);
	nvsr_perf_figures_free(&f);
}

/* Everything there is of a run, one after the other. */
static char *write_all(struct nvsr_perf_run *run, unsigned *ret_figures)
{
	struct nvsr_perf_figures f;
	char *data = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&data, &len);

	EXPECT(!nvsr_perf_figures_plan(run, &f));
	nvsr_perf_html_write(out, run, &f);
	nvsr_perf_text_write(out, run, &(struct nvsr_text_style){ .colour = true });
	nvsr_perf_tsv_write(out, run);
	for (unsigned i = 0; i < f.n; i++) {
		_cleanup_text_ struct nvsr_text t = { 0 }, s = { 0 };

		nvsr_perf_figure_write(run, &f.figure[i], &t, &s);
		fprintf(out, "%s%s", t.s, s.s);
	}
	fclose(out);
	*ret_figures = f.n;
	nvsr_perf_figures_free(&f);
	return data;
}

/* Numbers lead to files that are there, those of databases to what db_bench printed. */
static void check_links(struct nvsr_perf_run *run)
{
	static const char start[] = "href=\"../raw/";
	struct nvsr_perf_cell *c = &run->cell[0];
	_cleanup_free_ char *fio = nvsr_asprintf("raw/%s/1.json", c->name), *db = nvsr_asprintf("raw/%s/1.db.txt", c->name);
	_cleanup_free_ char *page = NULL, *with_db = NULL;
	unsigned figures, links = 0;

	page = write_all(run, &figures);
	for (const char *at = page; (at = strstr(at, start)); at += sizeof(start), links++) {
		const char *name = at + strlen("href=\"../");
		_cleanup_free_ char *path = nvsr_asprintf(FIXTURE "/%.*s", (int)strcspn(name, "\""), name);

		if (access(path, R_OK)) {
			fprintf(stderr, "page: a link to %s, which is not there\n", path);
			failed++;
		}
	}
	EXPECT(links > 100 && strstr(page, fio) && !strstr(page, db));
	EXPECT(!nvsr_field_set(&c->pattern, "bulkload"));
	with_db = write_all(run, &figures);
	EXPECT(strstr(with_db, db) && !strstr(with_db, fio));
	EXPECT(!nvsr_field_set(&c->pattern, "randread"));
}

/* Numbers of a drive have no label, those of what is emulated have theirs at least as often as those of the model. */
static void check_drive(struct nvsr_perf_run *run)
{
	static const char *const labels[] = { NVSR_PERF_EMULATED, NVSR_PERF_TCG };
	_cleanup_free_ char *data = NULL;
	unsigned figures;

	run->software = false;
	data = write_all(run, &figures);
	EXPECT(!strstr(data, "software model") && !nvsr_perf_label(run));
	for (unsigned i = 0; i < 2; i++) {
		_cleanup_free_ char *text = NULL;
		unsigned n = 0;

		run->emulated = true;
		run->tcg = i == 1;
		text = write_all(run, &figures);
		for (const char *at = text; (at = strstr(at, labels[i])); at++)
			n++;
		EXPECT(n >= 3 * figures + 3 && !strstr(text, "software model"));
		EXPECT(!strstr(text, labels[!i]));
	}
	run->emulated = run->tcg = false;
	run->software = true;
}

/* --- words ------------------------------------------------------------------------------------------------------------------------ */

static void check_digits(void)
{
	static const struct { double v; const char *text; } cases[] = {
		{ 0, "0" }, { NAN, "-" }, { INFINITY, "-" }, { 0.0214, "0.021" }, { 0.00214, "0.0021" }, { 0.00043, "4e-04" }, { 0.9996, "1.00" }, { 1.234, "1.23" }, { 9.996, "10.0" },
		{ 78.96, "79.0" }, { 99.96, "100" }, { 1388.4, "1388" }, { 2e9, "2e+09" },
	};
	uint64_t values[NVSR_PERF_VALUES_MOST] = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		char text[24];

		nvsr_perf_digits(cases[i].v, text);
		EXPECT(!strcmp(text, cases[i].text));
	}
	for (unsigned i = 0; i < 8; i++)
		nvsr_perf_add_value(values, &n, 1u << (i * 3 % 8));
	nvsr_perf_add_value(values, &n, 4);
	EXPECT(n == 8 && values[0] == 1 && values[7] == 128);
	nvsr_perf_thin(values, &n, 4);
	EXPECT(n == 4 && values[0] == 1 && values[3] == 128 && values[1] < values[2]);
}

/* NUMBERS.md explains every column of perf.tsv and every kind of figure. */
static void check_numbers_page(const struct nvsr_perf_run *run)
{
	static const char *const figures[] = {
		"| `bandwidth-over-…` | `bytes_per_s` |", "| `iops-over-…` | `iops`; ", "| `latency-over-depth` | `lat_p50_ns`",
		"| `ratio-over-…` | `iops` ", "| `cpu-over-…` | `path_cores`", "| `efficiency-over-…` | `iops_per_host_core` |", "| `added-over-…` | `lat_mean_ns`",
		"| `fairness-over-vms` | `worst_to_best` |",
	};
	_cleanup_free_ char *page = NULL;

	EXPECT(!nvsr_read_file("reports/NUMBERS.md", 1u << 20, &page, NULL));
	for (unsigned m = 0; page && m < NVSR_PERF_METRIC_COUNT; m++) {
		_cleanup_free_ char *quoted = nvsr_asprintf("`%s`", nvsr_perf_metrics[m].column);

		if (!strstr(page, quoted)) {
			fprintf(stderr, "NUMBERS.md: nothing of %s\n", quoted);
			failed++;
		}
	}
	if (page)
		expect_in(page, figures, NVSR_ARRAY_SIZE(figures), true);
}

int main(void)
{
	struct nvsr_perf_run run;
	char complaint[512];

	if (nvsr_perf_read(FIXTURE, &run, complaint)) {
		fprintf(stderr, "%s\n", complaint);
		return 1;
	}
	check_outputs(&run);
	check_comparison(&run);
	check_table_form(&run);
	check_figures(&run);
	check_axes(&run);
	check_titles(&run);
	check_names(&run);
	check_svg();
	check_files(&run);
	check_page(&run);
	check_links(&run);
	check_drive(&run);
	check_digits();
	check_numbers_page(&run);
	nvsr_perf_free(&run);
	return failed ? 1 : 0;
}
