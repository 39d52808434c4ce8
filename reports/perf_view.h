/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a run is laid out for readers: paths in their order and look, workloads, axes, numbers as text.  Inside reports only. */
#ifndef NVSR_REPORTS_PERF_VIEW_H
#define NVSR_REPORTS_PERF_VIEW_H

#include "reports/perf.h"

#define NVSR_PERF_PATHS_MOST 32		/* shown in one table */
#define NVSR_PERF_WORKLOADS_MOST 24	/* with figures and tables; the rest is in perf.tsv only */
#define NVSR_PERF_VALUES_MOST 64	/* of one axis */
#define NVSR_PERF_NOISY 20		/* percent: half of least to most, of the median, from which a number says little */

/*
 * A path: the colour says of which kind it is; dashes and marker, which of its kind.  Light and dark: colours on paper and on a
 * dark page, the ones that people of all kinds of colour vision can tell apart.
 */
enum nvsr_perf_dash { NVSR_DASH_SOLID, NVSR_DASH_LONG, NVSR_DASH_DOTS, NVSR_DASH_BOTH, NVSR_DASH_COUNT };
struct nvsr_perf_path {
	const char *name, *text;
	const char *like;		/* the bare-metal path that waits in the same way; NULL: bare metal */
	const char *way;		/* as the capability table calls it; NULL: that table has nothing of it */
	const char *local;		/* of a fabric: the path with the same drive in this host */
	const char *light, *dark;	/* #rrggbb */
	int point;			/* gnuplot's point type */
	enum nvsr_perf_dash dash;
	bool kernel;			/* threads of the kernel have a part in it, which are of nobody's processes */
};
/* "8,4" for gnuplot's dash type and for stroke-dasharray; "" for a line without. */
const char *nvsr_perf_dash_text(enum nvsr_perf_dash d);
extern const struct nvsr_perf_path nvsr_perf_path_table[];
extern const unsigned nvsr_perf_path_count;
/* Never NULL: unknown paths look alike. */
const struct nvsr_perf_path *nvsr_perf_path_of(const char *name);
/* Names of the paths in @run, in the table's order; only those with numbers when @measured. */
unsigned nvsr_perf_paths(const struct nvsr_perf_run *run, bool measured, const char *ret[NVSR_PERF_PATHS_MOST]);

/* Cells that each stand for one workload (pattern, reads, block), in plan order. */
unsigned nvsr_perf_workloads(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *ret[NVSR_PERF_WORKLOADS_MOST]);
bool nvsr_perf_same_workload(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b);
/* Is @workload[w] the first of its pattern?  What is shown over block size stands with it. */
bool nvsr_perf_first_of_pattern(const struct nvsr_perf_cell *const *workload, unsigned w);
/* "random read, 4 KiB" */
void nvsr_perf_workload_text(const struct nvsr_perf_cell *c, char ret[96]);

enum nvsr_perf_axis { NVSR_AXIS_DEPTH, NVSR_AXIS_JOBS, NVSR_AXIS_VMS, NVSR_AXIS_BLOCK, NVSR_AXIS_COUNT };
uint64_t nvsr_perf_axis(const struct nvsr_perf_cell *c, enum nvsr_perf_axis a);
/* The same but for @a? */
bool nvsr_perf_same_but(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b, enum nvsr_perf_axis but);
/* Add @v to the sorted list @values of *@n distinct ones; more than NVSR_PERF_VALUES_MOST are left out. */
void nvsr_perf_add_value(uint64_t *values, unsigned *n, uint64_t v);
/* Leave @most of them, evenly, the first and the last among them. */
void nvsr_perf_thin(uint64_t *values, unsigned *n, unsigned most);

/* A table of paths × depths: of a workload, with the fewest VMs and of these the fewest jobs that it has numbers of. */
struct nvsr_perf_grid {
	const struct nvsr_perf_run *run;
	const struct nvsr_perf_cell *like;	/* its workload, jobs and VMs */
	uint64_t depth[NVSR_PERF_VALUES_MOST];
	unsigned depths, thinned;		/* shown, at most @most; left out */
};
/* False: the workload has no numbers. */
bool nvsr_perf_grid_find(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, unsigned most, struct nvsr_perf_grid *ret);
const struct nvsr_perf_cell *nvsr_perf_grid_cell(const struct nvsr_perf_grid *g, const char *path, unsigned column);

/* "4 KiB", "1 MiB" */
void nvsr_perf_block_text(uint64_t bytes, char ret[24]);
/* Three digits that matter: "1388", "79.0", "0.021"; "-" for NAN. */
void nvsr_perf_digits(double v, char ret[24]);
/* Half of min to max in percent of the median; NAN when nothing was measured. */
double nvsr_perf_half_range(const struct nvsr_spread *s);
/* "12 cells: 10 ok, 1 fail, 1 skip; 3 repeats each". */
void nvsr_perf_text_totals(FILE *f, const struct nvsr_perf_run *run);
/* "noisy: …" where the host was busy with something else or repeats differ much; "" where not. */
void nvsr_perf_noise_text(const struct nvsr_perf_run *run, char ret[160]);
/* Why numbers of @path may be of another disk than this device's - its verification is ok with a reason -, or NULL. */
const char *nvsr_perf_elsewhere(const struct nvsr_perf_run *run, const char *path);
/* "guest on CPU 0, device on CPU 1"; malloc'd. */
char *nvsr_perf_placement_text(const struct nvsr_perf_run *run);

#endif
