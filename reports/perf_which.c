// SPDX-License-Identifier: GPL-2.0-or-later
/* Which path for which workload: loads, goals, who is best. */
#include <math.h>

#include "reports/perf_evidence.h"
#include "reports/perf_which.h"

/* fio sorts latencies into buckets of a 32nd at most. */
#define BUCKET (1.0 / 32)

const struct nvsr_goal_info nvsr_goals[NVSR_GOAL_COUNT] = {
	[NVSR_GOAL_THROUGHPUT] = { "throughput", "Throughput", "thousand IOPS", 1e3, NVSR_PERF_IOPS, 0 },
	[NVSR_GOAL_TAIL] = { "tail", "99th percentile of latency", "µs", 1e3, NVSR_PERF_LAT_P99, BUCKET },
	[NVSR_GOAL_EFFICIENCY] = { "efficiency", "IOPS for each busy core of the host", "thousand IOPS / core", 1e3, NVSR_PERF_IOPS_PER_HOST_CORE, 0 },
	[NVSR_GOAL_FAIRNESS] = { "fairness", "Slowest VM against the fastest", "of the fastest", 1, NVSR_PERF_WORST_BEST, 0 },
};

const struct nvsr_demand nvsr_demands[] = {
	{ "migration", "the guest must migrate live" }, { "vms-per-disk", "several VMs share the drive" },
	{ "elastic", "disks come and go while the guest runs" }, { "qos", "limits must be kept" },
	{ "security", "tenants change, and data must be gone" },
};
const unsigned nvsr_demand_count = NVSR_ARRAY_SIZE(nvsr_demands);

enum nvsr_met nvsr_demand_met(const struct nvsr_perf_run *run, const struct nvsr_demand *d, const char *path,
			      const struct nvsr_capability_cell **ret_cell)
{
	static const enum nvsr_met met[] = {
		[NVSR_CAPABILITY_MISSING] = NVSR_MET_UNKNOWN, [NVSR_CAPABILITY_UNTESTED] = NVSR_MET_UNKNOWN,
		[NVSR_CAPABILITY_NO] = NVSR_MET_NO, [NVSR_CAPABILITY_YES] = NVSR_MET_YES,
	};
	const char *way = nvsr_perf_path_of(path)->way;
	const struct nvsr_capability_cell *c = way && run->capability ? nvsr_capability_find(run->capability, d->row, way) : NULL;

	if (ret_cell)
		*ret_cell = c;
	return c ? met[c->answer] : NVSR_MET_UNKNOWN;
}

static bool for_vms(const char *path)
{
	return nvsr_perf_path_of(path)->like;
}

unsigned nvsr_which_paths(const struct nvsr_perf_run *run, const char *ret[NVSR_PERF_PATHS_MOST])
{
	const char *all[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(run, true, all), used = 0;

	for (unsigned i = 0; i < n; i++)
		if (for_vms(all[i]))
			ret[used++] = all[i];
	return used;
}

/* --- loads ------------------------------------------------------------------------------------------------------------------- */

static unsigned paths_under(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *like)
{
	unsigned n = 0;

	for (size_t i = 0; i < run->cells; i++)
		n += run->cell[i].ok && for_vms(run->cell[i].path) && nvsr_perf_same_condition(&run->cell[i], like);
	return n;
}

static bool is_lighter(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b)
{
	if (nvsr_ev_in_flight(a) != nvsr_ev_in_flight(b))
		return nvsr_ev_in_flight(a) < nvsr_ev_in_flight(b);
	/* As many at once: deeper queues before more jobs, which take more CPUs. */
	return a->jobs < b->jobs;
}

enum pick { LIGHTEST, HEAVIEST, MOST_VMS };

/*
 * The load of @workload that is asked for, among those that at least half as many paths have as the one with most: what only a
 * path or two could take says nothing of which one to take.
 */
static const struct nvsr_perf_cell *find_case(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, enum pick pick)
{
	const struct nvsr_perf_cell *at = NULL;
	unsigned most = 0;

	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < run->cells; i++) {
			const struct nvsr_perf_cell *c = &run->cell[i];
			unsigned n;

			if (!c->ok || !for_vms(c->path) || !nvsr_perf_same_workload(c, workload) || (c->vms > 1) != (pick == MOST_VMS))
				continue;
			n = paths_under(run, c);
			if (!pass)
				most = NVSR_MAX(most, n);
			else if (2 * n >= most && (!at || (pick == LIGHTEST ? is_lighter(c, at) : pick == MOST_VMS && c->vms != at->vms ?
							   c->vms > at->vms : is_lighter(at, c))))
				at = c;
		}
	return at;
}

unsigned nvsr_which_cases(const struct nvsr_perf_run *run, struct nvsr_which_case ret[NVSR_WHICH_CASES_MOST])
{
	const struct nvsr_perf_cell *workload[NVSR_PERF_WORKLOADS_MOST];
	unsigned workloads = nvsr_perf_workloads(run, workload), n = 0;

	for (unsigned w = 0; w < workloads; w++) {
		const struct nvsr_perf_cell *low = find_case(run, workload[w], LIGHTEST), *high = find_case(run, workload[w], HEAVIEST);
		const struct nvsr_perf_cell *vms = find_case(run, workload[w], MOST_VMS);
		bool one = low && nvsr_perf_same_condition(low, high);

		if (low)
			ret[n++] = (struct nvsr_which_case){ low, one ? "only" : "low" };
		if (low && !one)
			ret[n++] = (struct nvsr_which_case){ high, "high" };
		if (vms)
			ret[n++] = (struct nvsr_which_case){ vms, "VMs" };
	}
	return n;
}

/* --- who is best ------------------------------------------------------------------------------------------------------------- */

static bool is_corrupt(const struct nvsr_perf_run *run, const char *path)
{
	for (unsigned i = 0; i < run->verifies; i++)
		if (run->verify[i].corrupt && !strcmp(run->verify[i].path, path))
			return true;
	return false;
}

static bool is_better(double a, double b, enum nvsr_perf_metric m)
{
	return nvsr_perf_metrics[m].better > 0 ? a > b : a < b;
}

/* Can the two not be told apart? */
static bool is_equal(const struct nvsr_spread *best, const struct nvsr_spread *other, const struct nvsr_goal_info *g)
{
	double margin = best->n < 2 || other->n < 2 ? NVSR_WHICH_BLIND : g->margin;

	return nvsr_perf_metrics[g->metric].better > 0 ? other->max >= best->min * (1 - margin) : other->min <= best->max * (1 + margin);
}

/* Whatever their medians are. */
static void put_equals_first(struct nvsr_which *w, const struct nvsr_goal_info *g)
{
	const struct nvsr_which was = *w;
	unsigned at = 0;

	for (unsigned behind = 0; behind < 2; behind++) {
		for (unsigned i = 0; i < was.n; i++)
			if (is_equal(&was.rank[0].cell->stat[g->metric], &was.rank[i].cell->stat[g->metric], g) == !behind)
				w->rank[at++] = was.rank[i];
		w->equal = behind ? w->equal : at;
	}
}

/* Was it to be measured with this workload, under whatever load? */
static bool is_planned(const struct nvsr_perf_run *run, const char *path, const struct nvsr_perf_cell *like)
{
	for (size_t i = 0; i < run->cells; i++)
		if (!strcmp(run->cell[i].path, path) && nvsr_perf_same_workload(&run->cell[i], like))
			return true;
	return false;
}

/* Paths of which @met is known for @d, by goal. */
static void rank_those(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *like, const struct nvsr_goal_info *g,
		       const struct nvsr_demand *d, enum nvsr_met met, struct nvsr_which *ret)
{
	const char *path[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_which_paths(run, path);

	*ret = (struct nvsr_which){ .n = 0 };
	for (unsigned i = 0; i < n; i++) {
		const struct nvsr_perf_cell *c = nvsr_perf_find(run, path[i], like);
		unsigned at;

		if (d && nvsr_demand_met(run, d, path[i], NULL) != met)
			continue;
		if (!c || !c->stat[g->metric].n || c->state == NVSR_PERF_FAIL || is_corrupt(run, path[i]) || nvsr_perf_elsewhere(run, path[i])) {
			if (is_planned(run, path[i], like))
				ret->without[ret->withouts++] = path[i];
			continue;
		}
		for (at = ret->n++; at && is_better(c->stat[g->metric].median, ret->rank[at - 1].cell->stat[g->metric].median, g->metric); at--)
			ret->rank[at] = ret->rank[at - 1];
		ret->rank[at] = (struct nvsr_ranked){ .cell = c };
	}
}

void nvsr_which_rank(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *like, enum nvsr_goal goal, const struct nvsr_demand *d,
		     struct nvsr_which *ret)
{
	const struct nvsr_goal_info *g = &nvsr_goals[goal];

	rank_those(run, like, g, d, NVSR_MET_YES, ret);
	if (d && !ret->n) {
		rank_those(run, like, g, d, NVSR_MET_UNKNOWN, ret);
		ret->untried = ret->n;
	}
	if (ret->n)
		put_equals_first(ret, g);
	for (unsigned i = 0; i < ret->n; i++) {
		ret->rank[i].stand = !i ? NVSR_STAND_BEST : i < ret->equal ? NVSR_STAND_EQUAL : NVSR_STAND_BEHIND;
		ret->rank[i].ratio = nvsr_perf_ratio(ret->rank[i].cell, ret->rank[0].cell, g->metric, run->repeats);
	}
}

bool nvsr_which_differs(const struct nvsr_which *all, const struct nvsr_which *left)
{
	return all->n && (!left->n || left->rank[0].cell != all->rank[0].cell);
}

/* --- words ---------------------------------------------------------------------------------------------------------------------- */

void nvsr_which_load_text(const struct nvsr_which_case *c, char ret[64])
{
	const struct nvsr_perf_cell *l = c->like;

	if (nvsr_perf_is_database(l->pattern))
		snprintf(ret, 64, "%u VM%s, %u thread%s%s", l->vms, l->vms == 1 ? "" : "s", l->jobs, l->jobs == 1 ? "" : "s",
			 l->vms == 1 ? "" : " in each");
	else
		snprintf(ret, 64, "%s", nvsr_ev_where(l).s);
}

void nvsr_which_behind_text(enum nvsr_goal g, const struct nvsr_spread *ratio, char ret[48])
{
	char text[24];

	nvsr_perf_digits(ratio->median, text);
	snprintf(ret, 48, nvsr_perf_metrics[nvsr_goals[g].metric].better > 0 ? "%s of it" : "%s times as long", text);
	if (!ratio->n)
		ret[0] = '\0';
}
