/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which path for which workload on this host: an answer from the numbers of a run, and from what its capability table says that
 * the paths cannot do.  Only paths that give a disk to a virtual machine are asked for.  Inside reports only.
 */
#ifndef NVSR_REPORTS_PERF_WHICH_H
#define NVSR_REPORTS_PERF_WHICH_H

#include "reports/perf_view.h"

/* What a path is best at. */
enum nvsr_goal { NVSR_GOAL_THROUGHPUT, NVSR_GOAL_TAIL, NVSR_GOAL_EFFICIENCY, NVSR_GOAL_FAIRNESS, NVSR_GOAL_COUNT };
struct nvsr_goal_info {
	const char *name, *text;	/* "throughput", "Throughput" */
	const char *unit_text;		/* "thousand IOPS" */
	double unit;			/* what its values are divided by for readers */
	enum nvsr_perf_metric metric;
	double margin;			/* what the measurement itself cannot tell apart, as a part of the value */
};
extern const struct nvsr_goal_info nvsr_goals[NVSR_GOAL_COUNT];

/* A load that paths are compared under. */
struct nvsr_which_case {
	const struct nvsr_perf_cell *like;
	const char *load;		/* "low", "high", "only", "VMs": within its workload */
};
#define NVSR_WHICH_CASES_MOST (3 * NVSR_PERF_WORKLOADS_MOST)
/* Of each workload the least and the most in flight in one VM, and the most VMs, as far as most of its paths have numbers of it. */
unsigned nvsr_which_cases(const struct nvsr_perf_run *run, struct nvsr_which_case ret[NVSR_WHICH_CASES_MOST]);

/* What a guest may ask for, each a row of the capability table. */
struct nvsr_demand { const char *row, *text; };
extern const struct nvsr_demand nvsr_demands[];
extern const unsigned nvsr_demand_count;
enum nvsr_met { NVSR_MET_NO, NVSR_MET_UNKNOWN, NVSR_MET_YES };
/* Does @path meet it?  Unknown without a table, and where that has no answer.  *ret_cell: what says so, may be NULL. */
enum nvsr_met nvsr_demand_met(const struct nvsr_perf_run *run, const struct nvsr_demand *d, const char *path,
			      const struct nvsr_capability_cell **ret_cell);

/* How a path stands under one load for one goal. */
enum nvsr_stand { NVSR_STAND_BEST, NVSR_STAND_EQUAL, NVSR_STAND_BEHIND };
struct nvsr_ranked {
	const struct nvsr_perf_cell *cell;
	enum nvsr_stand stand;
	struct nvsr_spread ratio;	/* to the best, of paired repeats; of the best itself 1 */
};
struct nvsr_which {
	struct nvsr_ranked rank[NVSR_PERF_PATHS_MOST];	/* the best first */
	unsigned n;
	unsigned equal;			/* of these no worse than the best as far as can be told, the best among them */
	bool untried;			/* nobody tried whether these meet what is asked for */
	const char *without[NVSR_PERF_PATHS_MOST];	/* paths that are measured with this workload and have no number here */
	unsigned withouts;
};
/**
 * nvsr_which_rank() - paths for virtual machines under load @like.
 * @d: only those that were shown to meet it; where none was, those that were not shown not to; NULL: all
 *
 * Equal to the best: the ranges of their repeats touch, or one of them has one repeat only and they differ by less than
 * NVSR_WHICH_BLIND.  Paths that returned wrong data or that of another disk, and cells of
 * which a repeat failed, are left out.
 */
void nvsr_which_rank(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *like, enum nvsr_goal g, const struct nvsr_demand *d,
		     struct nvsr_which *ret);
#define NVSR_WHICH_BLIND 0.10

/* Paths for virtual machines that have numbers; bare metal is none. */
unsigned nvsr_which_paths(const struct nvsr_perf_run *run, const char *ret[NVSR_PERF_PATHS_MOST]);
/* Does leaving out what does not meet @d change who is best? */
bool nvsr_which_differs(const struct nvsr_which *all, const struct nvsr_which *left);

/* "depth 32, 4 jobs" */
void nvsr_which_load_text(const struct nvsr_which_case *c, char ret[64]);
/* "0.84 of it", "1.3 times as long" */
void nvsr_which_behind_text(enum nvsr_goal g, const struct nvsr_spread *ratio, char ret[48]);

void nvsr_which_text_write(FILE *f, const struct nvsr_perf_run *run);
void nvsr_which_html_write(FILE *f, const struct nvsr_perf_run *run);
/* which.tsv: a row per load, goal and path, with how it stands and what it meets. */
void nvsr_which_tsv_write(FILE *f, const struct nvsr_perf_run *run);

#endif
