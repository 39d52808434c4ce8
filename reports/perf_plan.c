// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which figures a run has: for each workload those of the study over every axis that the run varies.  What else varies becomes
 * panels, four at most, so that a big matrix does not become hundreds of pictures.
 */
#include <ctype.h>

#include "reports/perf_figure.h"

#define BIT(axis) (1u << NVSR_AXIS_##axis)

enum kind { VALUES, RATIOS, PERCENTILES };

static const struct {
	const char *name, *title, *y_title;
	enum nvsr_perf_metric metric;
	double unit;
	enum kind kind;
	unsigned axes;
} kinds[] = {
	{ "bandwidth", "Bandwidth", NULL, NVSR_PERF_BANDWIDTH, 0, VALUES, BIT(DEPTH) | BIT(JOBS) | BIT(VMS) | BIT(BLOCK) },
	{ "iops", "I/Os per second", "thousand IOPS", NVSR_PERF_IOPS, 1e3, VALUES, BIT(DEPTH) | BIT(JOBS) | BIT(VMS) | BIT(BLOCK) },
	{ "latency", "Total latency by percentile", "latency, µs", NVSR_PERF_LAT_P50, 1e3, PERCENTILES, BIT(DEPTH) },
	{ "ratio", "IOPS relative to bare metal", "ratio, polled to polled", NVSR_PERF_IOPS, 1, RATIOS,
	  BIT(DEPTH) | BIT(JOBS) },
	{ "cpu", "CPUs of the host that a path keeps busy", "cores busy, without device", NVSR_PERF_PATH_CORES, 1, VALUES, BIT(DEPTH) | BIT(JOBS) | BIT(VMS) },
	{ "efficiency", "I/Os for each busy core", "thousand IOPS / busy core", NVSR_PERF_IOPS_PER_CORE, 1e3, VALUES,
	  BIT(DEPTH) | BIT(JOBS) },
	{ "fairness", "Slowest VM against the fastest", "IOPS of the slowest / the fastest", NVSR_PERF_WORST_BEST, 1, VALUES, BIT(VMS) },
};

static const struct { const char *name, *over; } axes[NVSR_AXIS_COUNT] = {
	[NVSR_AXIS_DEPTH] = { "depth", "queue depth" }, [NVSR_AXIS_JOBS] = { "jobs", "jobs" },
	[NVSR_AXIS_VMS] = { "vms", "VMs" }, [NVSR_AXIS_BLOCK] = { "block", "block size" },
};

/* Is there another cell of its path that differs from @like in nothing but @axis, both with numbers?  Then they have a line. */
static bool has_line(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *like, enum nvsr_perf_axis axis,
		     enum nvsr_perf_metric m)
{
	for (size_t i = 0; i < run->cells && like->stat[m].n; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		if (c->stat[m].n && !strcmp(c->path, like->path) && nvsr_perf_same_but(c, like, axis) &&
		    nvsr_perf_axis(c, axis) != nvsr_perf_axis(like, axis))
			return true;
	}
	return false;
}

/* Smaller first: jobs, VMs, depth. */
static bool before(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b)
{
	if (a->vms != b->vms)
		return a->vms < b->vms;
	return a->jobs != b->jobs ? a->jobs < b->jobs : a->depth < b->depth;
}

struct slices { const struct nvsr_perf_cell *like[NVSR_PERF_VALUES_MOST]; unsigned n; };

/* The lines of a workload along @axis: cells that differ in something else than @axis. */
static void find_slices(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, enum nvsr_perf_axis axis,
			enum nvsr_perf_metric m, struct slices *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < run->cells && ret->n < NVSR_PERF_VALUES_MOST; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];
		unsigned at = 0;

		if (!c->ok || strcmp(c->pattern, workload->pattern) || c->read_percent != workload->read_percent ||
		    (axis != NVSR_AXIS_BLOCK && c->block != workload->block))
			continue;
		for (at = 0; at < ret->n; at++)
			if (nvsr_perf_same_but(c, ret->like[at], axis))
				break;
		if (at < ret->n || !has_line(run, c, axis, m))
			continue;
		for (at = ret->n++; at && before(c, ret->like[at - 1]); at--)
			ret->like[at] = ret->like[at - 1];
		ret->like[at] = c;
	}
}

static void thin_slices(struct slices *s, unsigned most)
{
	if (s->n <= most)
		return;
	for (unsigned i = 0; i < most; i++)
		s->like[i] = s->like[i * (s->n - 1) / (most - 1)];
	s->n = most;
}

/* What is said of a cell beside its workload, in this order. */
static const struct { enum nvsr_perf_axis axis; const char *before, *one, *many; } words[] = {
	{ NVSR_AXIS_VMS, "", " VM", " VMs" }, { NVSR_AXIS_JOBS, "", " job", " jobs" }, { NVSR_AXIS_DEPTH, "depth ", "", "" },
};

static void add_word(const struct nvsr_perf_cell *c, unsigned w, char to[64])
{
	unsigned long long v = nvsr_perf_axis(c, words[w].axis);
	size_t len = strlen(to);

	snprintf(to + len, 64 - len, "%s%s%llu%s", len ? ", " : "", words[w].before, v, v == 1 ? words[w].one : words[w].many);
}

static bool all_alike(const struct nvsr_perf_cell *const *like, unsigned n, enum nvsr_perf_axis axis)
{
	for (unsigned i = 1; i < n; i++)
		if (nvsr_perf_axis(like[i], axis) != nvsr_perf_axis(like[0], axis))
			return false;
	return true;
}

/* "randread.4k", "randrw70.4k" */
static void file_suffix(const struct nvsr_perf_cell *c, enum nvsr_perf_axis axis, char ret[160])
{
	size_t len = strlen(c->pattern);
	bool mix = c->read_percent && c->read_percent < 100 && !isdigit((unsigned char)c->pattern[len - 1]);
	unsigned unit = c->block % 1024 ? 1 : c->block % (1u << 20) ? 1024 : 1u << 20;
	char block[32] = "", percent[16] = "";

	if (axis != NVSR_AXIS_BLOCK)
		snprintf(block, sizeof(block), ".%llu%s", (unsigned long long)c->block / unit, unit == 1 ? "" : unit == 1024 ? "k" : "m");
	if (mix)
		snprintf(percent, sizeof(percent), "%u", c->read_percent);
	snprintf(ret, 160, "%.120s%s%s", c->pattern, percent, block);
}

static void fill_panels(struct nvsr_perf_figure *fig, unsigned kind, const struct slices *s)
{
	static const struct { enum nvsr_perf_metric metric; const char *title; } percentiles[] = {
		{ NVSR_PERF_LAT_P50, "50th percentile" }, { NVSR_PERF_LAT_P95, "95th percentile" },
		{ NVSR_PERF_LAT_P99, "99th percentile" }, { NVSR_PERF_LAT_P999, "99.9th percentile" },
	};

	if (kinds[kind].kind == PERCENTILES) {
		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(percentiles); i++) {
			fig->panel[i].like = s->like[0];
			fig->panel[i].metric = percentiles[i].metric;
			snprintf(fig->panel[i].title, sizeof(fig->panel[i].title), "%s", percentiles[i].title);
		}
		fig->panels = NVSR_ARRAY_SIZE(percentiles);
		return;
	}
	for (unsigned i = 0; i < s->n; i++) {
		fig->panel[i].like = s->like[i];
		fig->panel[i].metric = kinds[kind].metric;
		for (unsigned w = 0; w < NVSR_ARRAY_SIZE(words); w++)
			if (words[w].axis != fig->axis && !all_alike(s->like, s->n, words[w].axis))
				add_word(s->like[i], w, fig->panel[i].title);
	}
	fig->panels = s->n;
}

/* What all panels have in common goes into the title. */
static void fill_title(struct nvsr_perf_figure *fig, unsigned kind, const struct slices *s)
{
	const struct nvsr_perf_cell *c = s->like[0];
	unsigned n = kinds[kind].kind == PERCENTILES ? 1 : s->n;
	char workload[96], common[64] = "";

	nvsr_perf_workload_text(c, workload);
	if (fig->axis == NVSR_AXIS_BLOCK)
		workload[strcspn(workload, ",")] = '\0';
	for (unsigned w = 0; w < NVSR_ARRAY_SIZE(words); w++)
		if (words[w].axis != fig->axis && all_alike(s->like, n, words[w].axis) && (words[w].axis != NVSR_AXIS_VMS || c->vms > 1))
			add_word(c, w, common);
	snprintf(fig->title, sizeof(fig->title), "%s over %s: %s%s%s", kinds[kind].title, axes[fig->axis].over, workload,
		 *common ? ", " : "", common);
}

static void fill_unit(const struct nvsr_perf_run *run, struct nvsr_perf_figure *fig, unsigned kind)
{
	double most = 0;

	fig->unit = kinds[kind].unit;
	snprintf(fig->y_title, sizeof(fig->y_title), "%s", kinds[kind].y_title ? kinds[kind].y_title : "");
	if (kinds[kind].y_title)
		return;
	for (size_t i = 0; i < run->cells; i++)
		for (unsigned p = 0; p < fig->panels; p++)
			if (run->cell[i].ok && nvsr_perf_same_but(&run->cell[i], fig->panel[p].like, fig->axis))
				most = NVSR_MAX(most, run->cell[i].stat[NVSR_PERF_BANDWIDTH].median);
	fig->unit = most < 1u << 30 ? 1u << 20 : 1u << 30;
	snprintf(fig->y_title, sizeof(fig->y_title), "%s", most < 1u << 30 ? "MiB/s" : "GiB/s");
}

static bool has_ratio(const struct nvsr_perf_run *run, const struct slices *s, enum nvsr_perf_axis axis)
{
	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];
		const char *like = nvsr_perf_path_of(c->path)->like;

		for (unsigned k = 0; k < s->n; k++)
			if (c->ok && like && nvsr_perf_same_but(c, s->like[k], axis) && nvsr_perf_find(run, like, c))
				return true;
	}
	return false;
}

static bool plan_one(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, unsigned kind,
		     enum nvsr_perf_axis axis, struct nvsr_perf_figure *fig)
{
	enum nvsr_perf_metric m = kinds[kind].metric;
	struct slices s;
	char suffix[160];

	*fig = (struct nvsr_perf_figure){ .axis = axis, .ratio = kinds[kind].kind == RATIOS,
					  .always_log = kinds[kind].kind == PERCENTILES };
	find_slices(run, workload, axis, m, &s);
	thin_slices(&s, NVSR_PERF_PANELS_MOST);
	if (!s.n || (fig->ratio && !has_ratio(run, &s, axis)))
		return false;
	fill_panels(fig, kind, &s);
	fill_title(fig, kind, &s);
	fill_unit(run, fig, kind);
	file_suffix(workload, axis, suffix);
	snprintf(fig->name, sizeof(fig->name), "%s-over-%s.%s", kinds[kind].name, axes[axis].name, suffix);
	return true;
}

int nvsr_perf_figures_plan(const struct nvsr_perf_run *run, struct nvsr_perf_figures *ret)
{
	const struct nvsr_perf_cell *workload[NVSR_PERF_WORKLOADS_MOST];
	unsigned workloads = nvsr_perf_workloads(run, workload);

	*ret = (struct nvsr_perf_figures){ .figure = calloc(NVSR_PERF_FIGURES_MOST, sizeof(*ret->figure)) };
	if (!ret->figure)
		return -ENOMEM;
	for (unsigned w = 0; w < workloads; w++)
		for (unsigned x = 0; x < NVSR_AXIS_COUNT; x++)
			for (unsigned k = 0; k < NVSR_ARRAY_SIZE(kinds) && ret->n < NVSR_PERF_FIGURES_MOST; k++) {
				if (!(kinds[k].axes >> x & 1) || (x == NVSR_AXIS_BLOCK && !nvsr_perf_first_of_pattern(workload, w)))
					continue;
				ret->n += plan_one(run, workload[w], k, (enum nvsr_perf_axis)x, &ret->figure[ret->n]);
			}
	return 0;
}

void nvsr_perf_figures_free(struct nvsr_perf_figures *f)
{
	for (unsigned i = 0; i < f->n; i++)
		free(f->figure[i].svg);
	free(f->figure);
	*f = (struct nvsr_perf_figures){ 0 };
}
