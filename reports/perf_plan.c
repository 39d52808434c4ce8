// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which figures a run has: for each workload those of the study over every axis that the run varies.  What else varies becomes
 * panels, four at most, so that a big matrix does not become hundreds of pictures.
 */
#include <ctype.h>

#include "reports/perf_figure.h"

#define BIT(axis) (1u << NVSR_AXIS_##axis)
#define LINES 7		/* more paths than that in one figure become several figures */

/* Paths that are looked at together, as the study does.  NULL: those of no other group. */
enum { ONE_OF_EACH, DIRECT, VIRTIO, VHOST, FABRICS, OTHERS, GROUPS };
static const struct { const char *name, *text; const char *path[10]; } groups[GROUPS] = {
	[ONE_OF_EACH] = { "kinds", "one path of each kind",
			  { "bare-metal", "passthrough", "passthrough-polled", "virtio-ns", "vhost-user-blk", "nvmeof-tcp", "iscsi" } },
	[DIRECT] = { "direct", "bare metal and passthrough", { "bare-metal", "bare-metal-polled", "passthrough", "passthrough-polled" } },
	[VIRTIO] = { "virtio", "passthrough and virtio", { "passthrough", "virtio-ns", "virtio-ns-writethrough", "virtio-ns-uring", "virtio-qcow2",
		     "virtio-qcow2-writethrough", "virtio-qcow2-uring" } },
	[VHOST] = { "vhost", "passthrough, virtio and vhost", { "passthrough", "virtio-ns", "vhost-user-blk", "vhost-user-blk-nvme",
		    "vhost-user-socket", "vhost-scsi", "emulated-nvme" } },
	[FABRICS] = { "fabrics", "a drive of this host and over fabrics", { "bare-metal", "virtio-ns", "nvmeof-tcp", "nvmeof-tcp-partner", "iscsi",
		      "iscsi-partner" } },
	[OTHERS] = { "others", "other paths", { NULL } },
};
#define OF(group) (1u << (group))
#define OF_FAMILIES (OF(DIRECT) | OF(VIRTIO) | OF(VHOST) | OF(FABRICS) | OF(OTHERS))
#define OF_ALL (OF(ONE_OF_EACH) | OF_FAMILIES)

enum kind { VALUES, RATIOS, PERCENTILES, ADDED };

/* @groups: for which there is one of its own where a run has too many paths for one figure. */
static const struct {
	const char *name, *title, *y_title;
	enum nvsr_perf_metric metric;
	double unit;
	enum kind kind;
	unsigned axes, groups;
} kinds[] = {
	{ "bandwidth", "Bandwidth", NULL, NVSR_PERF_BANDWIDTH, 0, VALUES, BIT(DEPTH) | BIT(JOBS) | BIT(VMS) | BIT(BLOCK), OF_FAMILIES },
	{ "iops", "I/Os per second", "thousand IOPS", NVSR_PERF_IOPS, 1e3, VALUES, BIT(DEPTH) | BIT(JOBS) | BIT(VMS) | BIT(BLOCK),
	  OF(ONE_OF_EACH) | OF(FABRICS) },
	{ "latency", "Total latency by percentile", "latency, µs", NVSR_PERF_LAT_P50, 1e3, PERCENTILES, BIT(DEPTH), OF_ALL },
	{ "added", "Mean latency added by a fabric", "µs more than virtio-ns", NVSR_PERF_LAT_MEAN, 1e3, ADDED, BIT(DEPTH) | BIT(JOBS), OF(FABRICS) },
	{ "ratio", "IOPS relative to bare metal", "ratio, polled to polled", NVSR_PERF_IOPS, 1, RATIOS, BIT(DEPTH) | BIT(JOBS),
	  OF(ONE_OF_EACH) | OF(VIRTIO) | OF(VHOST) },
	{ "cpu", "CPUs of the host that a path keeps busy", "cores busy, without device", NVSR_PERF_PATH_CORES, 1, VALUES, BIT(DEPTH) | BIT(JOBS) | BIT(VMS),
	  OF_FAMILIES },
	{ "efficiency", "I/Os for each busy core of the host", "thousand IOPS / busy core", NVSR_PERF_IOPS_PER_HOST_CORE, 1e3, VALUES,
	  BIT(DEPTH) | BIT(JOBS), OF(ONE_OF_EACH) | OF(VHOST) },
	{ "fairness", "Slowest VM against the fastest", "IOPS of the slowest / the fastest", NVSR_PERF_WORST_BEST, 1, VALUES, BIT(VMS), OF_ALL },
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

static bool in_group(unsigned group, const char *path)
{
	bool in = false;

	if (group == GROUPS)
		return true;
	for (unsigned g = group == OTHERS ? DIRECT : group; g < OTHERS && !in; g++) {
		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(groups[g].path) && groups[g].path[i]; i++)
			in |= !strcmp(groups[g].path[i], path);
		if (group != OTHERS)
			break;
	}
	return in != (group == OTHERS);
}

/* The lines of a workload along @axis: cells that differ in something else than @axis. */
static void find_slices(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, enum nvsr_perf_axis axis,
			enum nvsr_perf_metric m, unsigned group, struct slices *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < run->cells && ret->n < NVSR_PERF_VALUES_MOST; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];
		unsigned at = 0;

		if (!c->ok || !in_group(group, c->path) || strcmp(c->pattern, workload->pattern) || c->read_percent != workload->read_percent ||
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
	bool threads = nvsr_perf_is_database(c->pattern) && words[w].axis == NVSR_AXIS_JOBS;
	unsigned long long v = nvsr_perf_axis(c, words[w].axis);
	size_t len = strlen(to);

	/* A database has threads, and no depth. */
	if (nvsr_perf_is_database(c->pattern) && words[w].axis == NVSR_AXIS_DEPTH)
		return;
	snprintf(to + len, 64 - len, "%s%s%llu%s", len ? ", " : "", words[w].before, v,
		 threads ? v == 1 ? " thread" : " threads" : v == 1 ? words[w].one : words[w].many);
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

	bool operations = kinds[kind].metric == NVSR_PERF_IOPS && nvsr_perf_is_database(c->pattern);

	nvsr_perf_workload_text(c, workload);
	if (fig->axis == NVSR_AXIS_BLOCK)
		workload[strcspn(workload, ",")] = '\0';
	for (unsigned w = 0; w < NVSR_ARRAY_SIZE(words); w++)
		if (words[w].axis != fig->axis && all_alike(s->like, n, words[w].axis) && (words[w].axis != NVSR_AXIS_VMS || c->vms > 1))
			add_word(c, w, common);
	snprintf(fig->title, sizeof(fig->title), "%s over %s: %s%s%s", operations ? "Operations per second" : kinds[kind].title,
		 axes[fig->axis].over, workload, *common ? ", " : "", common);
	if (operations && kinds[kind].kind == VALUES)
		snprintf(fig->y_title, sizeof(fig->y_title), "thousand operations / s");
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

/* Slices in which no path has a line go: what it is measured against may be elsewhere. */
static void leave_empty_out(const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig, enum nvsr_perf_metric m,
			    const char *const *path, unsigned paths, struct slices *s)
{
	struct nvsr_perf_point p[NVSR_PERF_VALUES_MOST];
	unsigned used = 0;

	for (unsigned i = 0; i < s->n; i++) {
		const struct nvsr_perf_panel panel = { .like = s->like[i], .metric = m };
		bool any = false;

		for (unsigned k = 0; k < paths && !any; k++)
			any = nvsr_perf_figure_points(run, fig, &panel, path[k], p) > 1;
		if (any)
			s->like[used++] = s->like[i];
	}
	s->n = used;
}

/* Those with a line: a point alone says nothing over an axis, and is in the tables. */
static void find_paths(const struct nvsr_perf_run *run, struct nvsr_perf_figure *fig, const char *const *path, unsigned paths)
{
	struct nvsr_perf_point p[NVSR_PERF_VALUES_MOST];

	for (unsigned i = 0; i < paths; i++) {
		bool any = false;

		for (unsigned k = 0; k < fig->panels && !any; k++)
			any = nvsr_perf_figure_points(run, fig, &fig->panel[k], path[i], p) > 1;
		if (any)
			fig->path[fig->paths++] = path[i];
	}
}

/* Has it a path that no earlier family has, or only those that others are shown against? */
static bool says_something(const struct nvsr_perf_figure *fig, unsigned group)
{
	for (unsigned i = 0; i < fig->paths; i++) {
		bool before = false;

		for (unsigned g = DIRECT; g < group && group < GROUPS; g++)
			before |= in_group(g, fig->path[i]);
		if (!before)
			return true;
	}
	return false;
}

/* A figure of the paths of @group, or of all: GROUPS. */
static bool plan_one(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, unsigned kind, enum nvsr_perf_axis axis,
		     unsigned group, struct nvsr_perf_figure *fig)
{
	static const enum nvsr_perf_values values[] = { [VALUES] = NVSR_VALUES_PLAIN, [RATIOS] = NVSR_VALUES_RATIO,
							[PERCENTILES] = NVSR_VALUES_PLAIN, [ADDED] = NVSR_VALUES_ADDED };
	const char *all[NVSR_PERF_PATHS_MOST], *path[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(run, true, all), paths = 0;
	struct slices s;
	char suffix[160];

	*fig = (struct nvsr_perf_figure){ .kind = kinds[kind].name, .axis = axis,
					  .group = group == GROUPS ? NULL : groups[group].name, .group_text = group == GROUPS ? NULL : groups[group].text,
					  .values = values[kinds[kind].kind], .always_log = kinds[kind].kind == PERCENTILES };
	for (unsigned i = 0; i < n; i++)
		if (in_group(group, all[i]))
			path[paths++] = all[i];
	find_slices(run, workload, axis, kinds[kind].metric, group, &s);
	leave_empty_out(run, fig, kinds[kind].metric, path, paths, &s);
	if (!s.n)
		return false;
	thin_slices(&s, NVSR_PERF_PANELS_MOST);
	fill_panels(fig, kind, &s);
	find_paths(run, fig, path, paths);
	fill_unit(run, fig, kind);
	fill_title(fig, kind, &s);
	file_suffix(workload, axis, suffix);
	snprintf(fig->name, sizeof(fig->name), "%s-over-%s.%s%s%s", kinds[kind].name, axes[axis].name, suffix, fig->group ? "." : "",
		 fig->group ? fig->group : "");
	return says_something(fig, group);
}

/* Figures of a workload over an axis: one of each kind, or where that would be too full, one for each group of paths. */
static void plan_axis(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, enum nvsr_perf_axis axis,
		      struct nvsr_perf_figures *ret)
{
	unsigned before = ret->n, most = 0;

	for (unsigned k = 0; k < NVSR_ARRAY_SIZE(kinds) && ret->n < NVSR_PERF_FIGURES_MOST; k++)
		if (kinds[k].axes >> axis & 1 && plan_one(run, workload, k, axis, GROUPS, &ret->figure[ret->n])) {
			most = NVSR_MAX(most, ret->figure[ret->n].paths);
			ret->n++;
		}
	if (most <= LINES)
		return;
	ret->n = before;
	for (unsigned g = 0; g < GROUPS; g++)
		for (unsigned k = 0; k < NVSR_ARRAY_SIZE(kinds) && ret->n < NVSR_PERF_FIGURES_MOST; k++)
			if (kinds[k].axes >> axis & 1 && kinds[k].groups >> g & 1)
				ret->n += plan_one(run, workload, k, axis, g, &ret->figure[ret->n]);
}

int nvsr_perf_figures_plan(const struct nvsr_perf_run *run, struct nvsr_perf_figures *ret)
{
	const struct nvsr_perf_cell *workload[NVSR_PERF_WORKLOADS_MOST];
	unsigned workloads = nvsr_perf_workloads(run, workload);

	*ret = (struct nvsr_perf_figures){ .figure = calloc(NVSR_PERF_FIGURES_MOST + 1, sizeof(*ret->figure)) };
	if (!ret->figure)
		return -ENOMEM;
	for (unsigned w = 0; w < workloads; w++)
		for (unsigned x = 0; x < NVSR_AXIS_COUNT; x++)
			if (x != NVSR_AXIS_BLOCK || nvsr_perf_first_of_pattern(workload, w))
				plan_axis(run, workload[w], (enum nvsr_perf_axis)x, ret);
	return 0;
}

void nvsr_perf_figures_free(struct nvsr_perf_figures *f)
{
	for (unsigned i = 0; i < f->n; i++)
		free(f->figure[i].svg);
	free(f->figure);
	*f = (struct nvsr_perf_figures){ 0 };
}
