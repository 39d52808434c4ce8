// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Claim checks.  Each looks at the conditions that it is about - random I/O of 4 KiB, the study's headline - and at all of
 * their repeats: a condition speaks against a claim only when every repeat does.  Words like "about" and "alike" are numbers
 * here, and stand in the claim's text.
 */
#include <math.h>

#include "reports/perf_evidence.h"

#define LOW_DEPTH	 10 /* Fig 6: a queue is shallow below this */
#define LOW_IN_FLIGHT	 8  /* Fig 5: low concurrency */
#define DEEP		 64 /* Fig 5: very deep queues */

const char *nvsr_claim_verdict_name(enum nvsr_claim_verdict v)
{
	static const char *const names[] = {
		[NVSR_CLAIM_HOLDS] = "holds",
		[NVSR_CLAIM_DIFFERS] = "does not hold here",
		[NVSR_CLAIM_NOT_MEASURED] = "not measured",
	};

	return names[v];
}

/* Every condition that both have numbers of is from @low to @high. */
static void judge_alike(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path, const char *to,
			enum nvsr_perf_metric m, nvsr_ev_filter filter, const char *condition, double low, double high)
{
	struct nvsr_ev_conditions c;

	if (nvsr_ev_both(run, r, path, to, m, filter, condition, low, high, &c))
		nvsr_ev_judge(r, nvsr_ev_holds(!c.below && !c.above), "%s to %s of %s%s in %u condition%s%s", DIGITS(c.least.median),
			      DIGITS(c.most.median), to, m == NVSR_PERF_PATH_CORES ? "'s cores" : "", c.n, c.n == 1 ? "" : "s", condition);
}

static void dp_bandwidth(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	struct nvsr_ev_conditions c;

	if (nvsr_ev_both(run, r, "passthrough", "bare-metal", NVSR_PERF_IOPS, NULL, "", 1 - NVSR_EV_CLOSE, INFINITY, &c))
		nvsr_ev_judge(r, nvsr_ev_holds(c.median >= 1 - NVSR_EV_CLOSE && !c.below),
			      "median %s of bare metal over %u conditions, least %s (%s..%s, %s)", DIGITS(c.median), c.n,
			      DIGITS(c.least.median), DIGITS(c.least.min), DIGITS(c.least.max), WHERE(c.least_at));
}

static void dp_cpu(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	struct nvsr_ev_conditions c;

	if (nvsr_ev_both(run, r, "passthrough", "bare-metal", NVSR_PERF_PATH_CORES, NULL, "", 0, 1 + NVSR_EV_CLOSE, &c))
		nvsr_ev_judge(r, nvsr_ev_holds(c.median <= 1 + NVSR_EV_CLOSE && !c.above),
			      "median %s of bare metal's cores over %u conditions, most %s (%s..%s, %s)", DIGITS(c.median),
			      c.n, DIGITS(c.most.median), DIGITS(c.most.min), DIGITS(c.most.max), WHERE(c.most_at));
}

struct worst {
	double value, from, to;
	const struct nvsr_perf_cell *first, *last;
	unsigned most;		/* jobs at once, of all VMs */
};

/* The worst of @path's lines along @axis by @fn, cited; false after judging "not measured", which @without says. */
static bool worst_line(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path, enum nvsr_perf_axis axis,
		       enum nvsr_perf_metric m, unsigned least,
		       void (*fn)(const struct nvsr_perf_run *run, const struct nvsr_ev_line *l, void *arg), const char *without,
		       struct worst *ret)
{
	*ret = (struct worst){ .value = 0 };
	if (!nvsr_ev_needs(run, r, path))
		return false;
	if (!nvsr_ev_each_line(run, path, axis, m, least, fn, ret)) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "%s", without);
		return false;
	}
	nvsr_ev_cite(r, ret->first);
	nvsr_ev_cite(r, ret->last);
	return true;
}

static void least_straight(const struct nvsr_perf_run *run, const struct nvsr_ev_line *l, void *arg)
{
	struct worst *w = arg;
	double s = nvsr_ev_straightness(l);

	w->most = NVSR_MAX(w->most, (unsigned)l->x[l->n - 1] * l->first->vms);
	if (w->first && s >= w->value)
		return;
	*w = (struct worst){ s, l->y[0], l->y[l->n - 1], l->first, l->last, w->most };
}

static void dp_cpu_jobs(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	struct worst w;

	if (worst_line(run, r, "passthrough", NVSR_AXIS_JOBS, NVSR_PERF_PATH_CORES, 3, least_straight,
		       "needs three numbers of jobs at one depth: two always lie on a line", &w) &&
	    nvsr_ev_jobs_have_cpus(run, r, w.most))
		nvsr_ev_judge(r, nvsr_ev_holds(w.value >= 0.95), "R² %s at %s: %s cores with %u job%s, %s with %u",
			      DIGITS(w.value), WHERE(w.first), DIGITS(w.from), w.first->jobs, w.first->jobs == 1 ? "" : "s",
			      DIGITS(w.to), w.last->jobs);
}

static void most_varying(const struct nvsr_perf_run *run, const struct nvsr_ev_line *l, void *arg)
{
	struct worst *w = arg;
	struct nvsr_spread s = nvsr_spread_of(l->y, l->n);
	double ratio = s.min > 0 ? s.max / s.min : INFINITY;

	if (!w->first || ratio > w->value)
		*w = (struct worst){ ratio, s.min, s.max, l->first, l->last, 0 };
}

static void dp_cpu_depth(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	struct worst w;

	if (worst_line(run, r, "passthrough", NVSR_AXIS_DEPTH, NVSR_PERF_PATH_CORES, 2, most_varying,
		       "needs two depths with the same jobs", &w))
		nvsr_ev_judge(r, nvsr_ev_holds(w.value <= 1.25), "%s to %s cores over depths %u to %u with %u job%s: %s times",
			      DIGITS(w.from), DIGITS(w.to), w.first->depth, w.last->depth, w.first->jobs,
			      w.first->jobs == 1 ? "" : "s", DIGITS(w.value));
}

/* --- the polled driver in the guest ------------------------------------------------------------------------------------ */

/* The most that any path got of the workload of @like: the limit of the device. */
static double limit_of(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *like)
{
	double most = 0;

	for (size_t i = 0; i < run->cells; i++)
		if (run->cell[i].ok && nvsr_perf_same_workload(&run->cell[i], like))
			most = NVSR_MAX(most, run->cell[i].stat[NVSR_PERF_IOPS].median);
	return most;
}

/* The least share of what proportion to jobs asks for, below the device's limit. */
static void least_share(const struct nvsr_perf_run *run, const struct nvsr_ev_line *l, void *arg)
{
	struct worst *w = arg;
	double limit = limit_of(run, l->first);

	w->most = NVSR_MAX(w->most, (unsigned)l->x[l->n - 1] * l->first->vms);
	for (unsigned i = 1; i < l->n; i++) {
		double ideal = NVSR_MIN(l->y[0] * l->x[i] / l->x[0], limit * 0.9), share = l->y[i] / ideal;

		if (!w->first || share < w->value)
			*w = (struct worst){ share, l->y[0], l->y[i], l->first, l->last, w->most };
	}
}

static void polled_scales(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	struct worst w;

	if (worst_line(run, r, "passthrough-polled", NVSR_AXIS_JOBS, NVSR_PERF_IOPS, 2, least_share,
		       "needs two numbers of jobs at one depth", &w) &&
	    nvsr_ev_jobs_have_cpus(run, r, w.most))
		nvsr_ev_judge(r, nvsr_ev_holds(w.value >= 0.8),
			      "at least %s of proportional to jobs, or of 0.9 of the device's limit (%s)", DIGITS(w.value),
			      WHERE(w.first));
}

/* Cores of @path beyond those of @to, over all conditions that both have. */
static struct nvsr_spread extra_cores(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path,
				      const char *to)
{
	double extra[NVSR_PERF_VALUES_MOST];
	unsigned n = 0;

	for (size_t i = 0; i < run->cells && n < NVSR_PERF_VALUES_MOST; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i], *base;

		if (strcmp(c->path, path) || !nvsr_ev_in_scope(c) || !(base = nvsr_perf_find(run, to, c)))
			continue;
		extra[n++] = c->stat[NVSR_PERF_PATH_CORES].median - base->stat[NVSR_PERF_PATH_CORES].median;
		nvsr_ev_cite(r, c);
		nvsr_ev_cite(r, base);
	}
	return nvsr_spread_of(extra, n);
}

static void judge_extra(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path, double least,
			double most)
{
	struct nvsr_spread s;

	if (!nvsr_ev_needs(run, r, path) || !nvsr_ev_needs(run, r, "passthrough"))
		return;
	s = extra_cores(run, r, path, "passthrough");
	if (!s.n)
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "no condition that both %s and passthrough have CPU numbers of",
			      path);
	else
		nvsr_ev_judge(r, nvsr_ev_holds(s.median >= least && s.median <= most),
			      "%s has %s cores more than passthrough, median of %u conditions (%s to %s)", path,
			      s.median < 0 ? "no" : DIGITS(s.median), s.n, s.min < 0 ? "fewer" : DIGITS(s.min),
			      s.max < 0 ? "fewer" : DIGITS(s.max));
}

static void polled_cpus(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_extra(run, r, "passthrough-polled", 1.5, 2.5);
}

/* --- virtio-blk -------------------------------------------------------------------------------------------------------- */

static bool is_low(const struct nvsr_perf_cell *c)
{
	return nvsr_ev_in_flight(c) <= LOW_IN_FLIGHT;
}
static bool is_deep(const struct nvsr_perf_cell *c)
{
	return c->depth >= DEEP;
}
static bool is_not_shallow(const struct nvsr_perf_cell *c)
{
	return c->depth >= LOW_DEPTH;
}

static void qcow2_alike(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_alike(run, r, "virtio-qcow2", "virtio-ns", NVSR_PERF_IOPS, is_low, " with up to 8 in flight", 1 - NVSR_EV_CLOSE,
		    1 + NVSR_EV_CLOSE);
}

static void qcow2_ahead(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	struct nvsr_ev_conditions c;

	if (nvsr_ev_both(run, r, "virtio-qcow2", "virtio-ns", NVSR_PERF_IOPS, is_deep, " at depth 64 or more", 0, INFINITY,
			 &c))
		nvsr_ev_judge(r, nvsr_ev_holds(c.most.median > 1 && c.most.min <= 1.4),
			      "at most %s of virtio-ns (%s..%s, %s)", DIGITS(c.most.median), DIGITS(c.most.min),
			      DIGITS(c.most.max), WHERE(c.most_at));
}

static void virtio_wins(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	struct nvsr_ev_conditions c;

	if (!nvsr_ev_both(run, r, "virtio-ns", "passthrough", NVSR_PERF_IOPS, is_not_shallow, " at depth 10 or more", 0, 1,
			  &c))
		return;
	nvsr_ev_cite(r, c.above_at);
	nvsr_ev_judge(r, nvsr_ev_holds(!c.above),
		      "ahead in %u of %u conditions at depth %d or more; most %s of passthrough (%s..%s, %s)", c.above, c.n,
		      LOW_DEPTH, DIGITS(c.most.median), DIGITS(c.most.min), DIGITS(c.most.max), WHERE(c.most_at));
}

static void virtio_cpus(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	if (nvsr_ev_needs(run, r, "virtio-ns") && nvsr_ev_back_end_alone(run, r))
		judge_extra(run, r, "virtio-ns", 0.75, 2.25);
}

static bool is_behind(const struct nvsr_spread *s)
{
	return s->max < 1;
}
static bool is_ahead(const struct nvsr_spread *s)
{
	return s->min > 1;
}

static void virtio_limited(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	nvsr_ev_at_high_concurrency(run, r, "virtio-ns", "passthrough", is_behind);
}

/* --- vhost ------------------------------------------------------------------------------------------------------------- */

static bool is_psync_like(const struct nvsr_perf_cell *c)
{
	return c->depth == 1 && c->jobs * c->vms >= 32;
}
static bool is_short(const struct nvsr_perf_cell *c)
{
	return c->depth <= 4;
}

static void vhost_kinds(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_alike(run, r, "vhost-scsi", "vhost-user-blk", NVSR_PERF_BANDWIDTH, is_psync_like, " of 32 jobs at depth 1",
		    1 - NVSR_EV_CLOSE, 1 + NVSR_EV_CLOSE);
}

static void vhost_alike(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_alike(run, r, "vhost-user-blk", "passthrough", NVSR_PERF_IOPS, is_short, " up to depth 4", 0.8, 1.25);
}

static void vhost_ahead(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	nvsr_ev_at_high_concurrency(run, r, "vhost-user-blk", "passthrough", is_ahead);
}

static void vhost_cpus(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	if (nvsr_ev_needs(run, r, "vhost-user-blk") && nvsr_ev_back_end_alone(run, r))
		judge_alike(run, r, "vhost-user-blk", "virtio-ns", NVSR_PERF_PATH_CORES, NULL, "", 0.75, 1.25);
}

static void vhost_busy(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	double least = INFINITY;
	const struct nvsr_perf_cell *at = NULL;

	if (!nvsr_ev_needs(run, r, "vhost-user-blk") || !nvsr_ev_back_end_alone(run, r))
		return;
	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		if (strcmp(c->path, "vhost-user-blk") || !c->ok || !(c->stat[NVSR_PERF_BACKEND_CORES].median < least))
			continue;
		least = c->stat[NVSR_PERF_BACKEND_CORES].median;
		at = c;
	}
	if (!at) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "CPU time of the back end is unknown");
		return;
	}
	nvsr_ev_cite(r, at);
	nvsr_ev_judge(r, nvsr_ev_holds(least >= 0.95), "the back end keeps at least %s cores busy (%s)", DIGITS(least),
		      WHERE(at));
}

/* --- latency, several VMs, databases, erase ---------------------------------------------------------------------------- */

struct falls {
	unsigned lines, falls;
	const struct nvsr_perf_cell *first, *last;	/* of the first line that falls, or else of any */
};

static void count_falls(const struct nvsr_perf_run *run, const struct nvsr_ev_line *l, void *arg)
{
	struct falls *f = arg;
	bool falls = false;

	for (unsigned i = 1; i < l->n; i++)
		falls |= l->y[i] < l->y[i - 1] * (1 - NVSR_EV_CLOSE);
	if (!f->lines++ || (falls && !f->falls)) {
		f->first = l->first;
		f->last = l->last;
	}
	f->falls += falls;
}

static void latency_grows(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	const char *paths[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(run, true, paths);
	struct falls w = { 0 };

	for (unsigned i = 0; i < n; i++)
		nvsr_ev_each_line(run, paths[i], NVSR_AXIS_DEPTH, NVSR_PERF_LAT_P95, 2, count_falls, &w);
	if (!w.lines) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "needs two depths of random 4 KiB I/O");
		return;
	}
	nvsr_ev_cite(r, w.first);
	nvsr_ev_cite(r, w.last);
	if (!w.falls)
		nvsr_ev_judge(r, NVSR_CLAIM_HOLDS, "rises or stays in all %u lines", w.lines);
	else
		nvsr_ev_judge(r, NVSR_CLAIM_DIFFERS, "falls by more than a tenth in %u of %u lines, first of %s", w.falls, w.lines,
			      w.first->path);
}

/* The least of each step's growth of @m with VMs. */
static void least_growth(const struct nvsr_perf_run *run, const struct nvsr_ev_line *l, void *arg)
{
	struct worst *w = arg;

	for (unsigned i = 1; i < l->n; i++) {
		double growth = l->y[i] / l->y[i - 1];

		if (!w->first || growth < w->value)
			*w = (struct worst){ growth, l->y[0], l->y[l->n - 1], l->first, l->last, 0 };
	}
}

static void grows_with_vms(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, enum nvsr_perf_metric m,
			   const char *what)
{
	const char *paths[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(run, true, paths), lines = 0;
	struct worst w = { 0 };

	for (unsigned i = 0; i < n; i++)
		lines += nvsr_ev_each_line(run, paths[i], NVSR_AXIS_VMS, m, 2, least_growth, &w);
	if (!lines) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "needs two numbers of VMs");
		return;
	}
	nvsr_ev_cite(r, w.first);
	nvsr_ev_cite(r, w.last);
	nvsr_ev_judge(r, nvsr_ev_holds(w.value >= 1 - NVSR_EV_CLOSE),
		      "%s: a step of VMs brings at least %s times as much on one device (%s, %s)", what, DIGITS(w.value),
		      w.first->path, WHERE(w.first));
}

static void vms_bandwidth(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	grows_with_vms(run, r, NVSR_PERF_BANDWIDTH, "bandwidth");
}

static void vms_cpu(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	grows_with_vms(run, r, NVSR_PERF_PATH_CORES, "cores");
}

/* The least growth of all VMs' operations from one number of VMs to the next, of databases. */
static void database_grows(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	const struct nvsr_perf_cell *from = NULL, *to = NULL;
	struct nvsr_spread least = { .n = 0 };
	unsigned steps = 0;

	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i], *before = NULL;
		struct nvsr_spread growth;

		for (size_t k = 0; k < run->cells && nvsr_perf_is_database(c->pattern); k++) {
			const struct nvsr_perf_cell *b = &run->cell[k];

			if (b->ok && b->vms < c->vms && !strcmp(b->path, c->path) && nvsr_perf_same_but(b, c, NVSR_AXIS_VMS) &&
			    (!before || b->vms > before->vms))
				before = b;
		}
		growth = before ? nvsr_perf_ratio(c, before, NVSR_PERF_IOPS, run->repeats) : nvsr_spread_of(NULL, 0);
		if (!growth.n)
			continue;
		if (!steps++ || growth.median < least.median) {
			least = growth;
			from = before;
			to = c;
		}
	}
	if (!steps) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "needs RocksDB's bulkload or readwhilemerging in two numbers of VMs");
		return;
	}
	nvsr_ev_cite(r, from);
	nvsr_ev_cite(r, to);
	if (nvsr_ev_is_noise(&least, 1 - NVSR_EV_CLOSE, INFINITY))
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "too noisy: %s to %s times as much", DIGITS(least.min), DIGITS(least.max));
	else
		nvsr_ev_judge(r, nvsr_ev_holds(least.median >= 1 - NVSR_EV_CLOSE),
			      "a step of VMs brings at least %s times as many operations in %u steps (%s, %s: %s thousand/s in %u VM%s, %s in %u)",
			      DIGITS(least.median), steps, to->path, to->pattern, DIGITS(from->stat[NVSR_PERF_IOPS].median / 1000),
			      from->vms, from->vms == 1 ? "" : "s", DIGITS(to->stat[NVSR_PERF_IOPS].median / 1000), to->vms);
}

/* The least of worst-to-best of @path, its widest spread: of databases, or of fio. */
static const struct nvsr_perf_cell *least_even(const struct nvsr_perf_run *run, const char *path, bool database)
{
	const struct nvsr_perf_cell *at = NULL;

	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		if (!strcmp(c->path, path) && c->ok && (database ? nvsr_perf_is_database(c->pattern) : nvsr_ev_in_scope(c)) &&
		    c->stat[NVSR_PERF_WORST_BEST].n &&
		    (!at || c->stat[NVSR_PERF_WORST_BEST].median < at->stat[NVSR_PERF_WORST_BEST].median))
			at = c;
	}
	return at;
}

static bool judge_spread(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, bool database)
{
	const char *paths[NVSR_PERF_PATHS_MOST];
	unsigned n = nvsr_perf_paths(run, true, paths);
	const struct nvsr_perf_cell *vhost = least_even(run, "vhost-user-blk", database), *other = NULL;

	for (unsigned i = 0; i < n; i++) {
		const struct nvsr_perf_cell *c = strcmp(paths[i], "vhost-user-blk") ? least_even(run, paths[i], database) : NULL;

		if (c && (!other || c->stat[NVSR_PERF_WORST_BEST].median < other->stat[NVSR_PERF_WORST_BEST].median))
			other = c;
	}
	if (!vhost || !other)
		return false;
	nvsr_ev_cite(r, vhost);
	nvsr_ev_cite(r, other);
	nvsr_ev_judge(r, nvsr_ev_holds(vhost->stat[NVSR_PERF_WORST_BEST].median < other->stat[NVSR_PERF_WORST_BEST].median),
		      "with %s, the slowest VM has %s of the fastest on vhost-user-blk, at worst %s elsewhere (%s)",
		      database ? "RocksDB" : "fio", DIGITS(vhost->stat[NVSR_PERF_WORST_BEST].median),
		      DIGITS(other->stat[NVSR_PERF_WORST_BEST].median), other->path);
	return true;
}

static void vhost_spread(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	if (!judge_spread(run, r, true) && !judge_spread(run, r, false))
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "needs several VMs on vhost-user-blk and on another path");
}

/* --- conclusions ------------------------------------------------------------------------------------------------------- */

/* The cell of @path with most IOPS of random 4 KiB reads and at most @most in flight. */
static const struct nvsr_perf_cell *peak(const struct nvsr_perf_run *run, const char *path, unsigned most)
{
	const struct nvsr_perf_cell *at = NULL;

	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		if (!strcmp(c->path, path) && nvsr_ev_in_scope(c) && c->read_percent == 100 &&
		    nvsr_ev_in_flight(c) <= most &&
		    (!at || c->stat[NVSR_PERF_IOPS].median > at->stat[NVSR_PERF_IOPS].median))
			at = c;
	}
	return at;
}

static void judge_peak(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path, unsigned most,
		       double least)
{
	const struct nvsr_perf_cell *a, *b;
	const struct nvsr_spread *x, *y;
	struct nvsr_spread ratio;

	if (!nvsr_ev_needs(run, r, path) || !nvsr_ev_needs(run, r, "bare-metal"))
		return;
	a = peak(run, path, most);
	b = peak(run, "bare-metal", UINT32_MAX);
	if (!a || !b) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "needs random 4 KiB reads of both");
		return;
	}
	nvsr_ev_cite(r, a);
	nvsr_ev_cite(r, b);
	x = &a->stat[NVSR_PERF_IOPS];
	y = &b->stat[NVSR_PERF_IOPS];
	/* Peaks need not be of the same condition: nothing is paired, the range is of the extremes. */
	ratio = (struct nvsr_spread){ .median = x->median / y->median, .min = x->min / y->max, .max = x->max / y->min, .n = 1 };
	if (nvsr_ev_is_noise(&ratio, least, INFINITY))
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "too noisy: %s to %s of bare metal's peak", DIGITS(ratio.min), DIGITS(ratio.max));
	else
		nvsr_ev_judge(r, nvsr_ev_holds(ratio.max >= least),
			      "%s of bare metal's peak: %s at %s against %s thousand IOPS at %s", DIGITS(ratio.median),
			      DIGITS(x->median / 1000), WHERE(a), DIGITS(y->median / 1000), WHERE(b));
}

static void dp_peak(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_peak(run, r, "passthrough", UINT32_MAX, 1 - NVSR_EV_CLOSE);
}

static void ns_peak(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_peak(run, r, "virtio-ns", NVSR_EV_MEDIUM_IN_FLIGHT, 0.6);
}

static void vhost_peak(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_peak(run, r, "vhost-user-blk", UINT32_MAX, 1 - NVSR_EV_CLOSE);
}

const struct nvsr_claim nvsr_claims[] = {
	{ "table-1-vms", "Table 1", "VMs per disk.  Taken here: a disk that is passed through serves one VM, a namespace or vhost serves several.", nvsr_claim_vms },
	{ "table-1-vms-vf", "Table 1", "The same with SR-IOV, one function for each VM: several by every way.", nvsr_claim_vms_sriov },
	{ "table-1-elastic", "Table 1", "Elastic scaling.  Taken here: what is passed through does not grow while the guest works, the others do.", nvsr_claim_elastic },
	{ "table-1-migration", "Table 1", "Live migration.  Taken here: not with a device that is passed through, with the others.", nvsr_claim_migration },
	{ "table-1-cpu", "Table 1", "CPU use.  Taken here: passthrough takes the fewest.", nvsr_claim_cpu },
	{ "table-1-security", "Table 1", "Security.  Taken here: after an erase the next tenant finds nothing, by every way.", nvsr_claim_security },
	{ "table-1-qos", "Table 1", "QoS.  Taken here: the host cannot limit what is passed through, it can the others.", nvsr_claim_qos },
	{ "table-1-maturity", "Table 1", "Maturity.", nvsr_claim_no_measure },
	{ "fig-2a", "Fig 2a", "Device passthrough stays within about 10 % of bare metal's bandwidth.", dp_bandwidth },
	{ "fig-2b", "Fig 2b", "Device passthrough takes within about 10 % of bare metal's CPU.", dp_cpu },
	{ "fig-3-jobs", "Fig 3", "CPU load of passthrough grows linearly with jobs (R² of at least 0.95).", dp_cpu_jobs },
	{ "fig-3-depth", "Fig 3", "Queue depth matters little for the CPU load of passthrough (within 25 %).", dp_cpu_depth },
	{ "fig-4-scale", "Fig 4", "A polled driver in the guest scales almost linearly with jobs up to the device's limit (at least "
	  "0.8 of it).", polled_scales },
	{ "fig-4-cpu", "Fig 4", "The polled driver costs about 2 more CPUs (1.5 to 2.5).", polled_cpus },
	{ "fig-5-low", "Fig 5", "virtio-blk over a namespace and over qcow2 are alike at low concurrency (within 10 %, up to 8 in "
	  "flight).", qcow2_alike },
	{ "fig-5-deep", "Fig 5", "qcow2 is up to 40 % ahead at very deep queues (64 and more), thanks to the host's cache.", qcow2_ahead },
	{ "fig-6-wins", "Fig 6", "virtio-blk beats passthrough at low depth (below 10) only.", virtio_wins },
	{ "fig-6-cpu", "Fig 6", "virtio-blk takes 1 to 2 more CPUs than passthrough (0.75 to 2.25).", virtio_cpus },
	{ "fig-6-limit", "Fig 6", "virtio-blk is behind passthrough at high concurrency (more than 32 in flight).", virtio_limited },
	{ "table-2", "Table 2", "With 32 jobs at depth 1 vhost-scsi and vhost-blk are alike (within 10 %), and ahead of vhost-nvme, which "
	  "is no path here: looked at is the first.",
	  vhost_kinds },
	{ "fig-7-short", "Fig 7", "vhost and passthrough are alike at short queues (0.8 to 1.25, up to depth 4).", vhost_alike },
	{ "fig-7-high", "Fig 7", "vhost is ahead of passthrough at high concurrency (more than 32 in flight).", vhost_ahead },
	{ "fig-7-cpu", "Fig 7", "vhost takes as much CPU as virtio-blk (0.75 to 1.25).", vhost_cpus },
	{ "fig-7-busy", "Fig 7", "vhost always keeps at least one core busy (0.95 and more).", vhost_busy },
	{ "fig-8", "Fig 8", "The 95th percentile of latency over depth, all paths.  The figure has curves and no number; looked at "
	  "here: it does not fall by more than 10 % as queues grow.", latency_grows },
	{ "fig-9a", "Fig 9a", "Bandwidth of all VMs together grows with VMs, or stays (at least 0.9 of it).", vms_bandwidth },
	{ "fig-9b", "Fig 9b", "CPU load grows with VMs, or stays (at least 0.9 of it).", vms_cpu },
	{ "fig-10-rocksdb", "Fig 10", "RocksDB: throughput of bulkload and readwhilemerging in 1 to 16 VMs.  The figure has curves "
	  "and no number; looked at here: that of all VMs together grows with VMs, or stays (at least 0.9 of it).", database_grows },
	{ "fig-10-spread", "Fig 10", "vhost has the widest spread between the best and the worst VM (RocksDB; without it, fio).", vhost_spread },
	{ "sec-2.4-crypto", "Section 2.4", "Crypto erase takes seconds (up to 60) where a 3-pass overwrite takes about 40 minutes per TB.",
	  nvsr_claim_crypto_erase },
	{ "sec-4-answers", "Section 4", "Many drives stop answering while a secure erase runs.", nvsr_claim_see_erase },
	{ "end-dp", "Conclusions", "Passthrough reaches bare metal's peak (at least 0.9 of it).", dp_peak },
	{ "end-ns", "Conclusions", "virtio-blk over a namespace reaches at least 60 % of bare metal's peak at low to medium "
	  "concurrency (up to 32 in flight).", ns_peak },
	{ "end-vhost", "Conclusions", "vhost reaches about 100 % of bare metal's peak (at least 0.9), for dedicated polling cores.",
	  vhost_peak },
	{ "fabric-added", "Fabrics", "With NVMe over Fabrics a drive of a partner host costs about 10 µs more than one of this host (said of RDMA; up to 20, "
	  "mean, one command at a time).", nvsr_claim_added },
	{ "fabric-queues", "Fabrics", "NVMe over Fabrics has many queues, iSCSI one for each connection: its IOPS grow more with jobs, which have a queue each.",
	  nvsr_claim_queues },
	{ "fabric-deep", "Fabrics", "NVMe over Fabrics is ahead of iSCSI at high concurrency (more than 32 in flight).", nvsr_claim_over_iscsi },
};
const unsigned nvsr_claim_count = NVSR_ARRAY_SIZE(nvsr_claims);

void nvsr_claim_check(const struct nvsr_claim *c, const struct nvsr_perf_run *run, struct nvsr_claim_result *ret)
{
	*ret = (struct nvsr_claim_result){ .verdict = NVSR_CLAIM_NOT_MEASURED };
	c->check(run, ret);
}
