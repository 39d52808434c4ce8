/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What claim checks judge by: ratios of two paths over all conditions, lines along an axis, who shares CPUs.  Inside reports only. */
#ifndef NVSR_REPORTS_PERF_EVIDENCE_H
#define NVSR_REPORTS_PERF_EVIDENCE_H

#include "reports/perf_claims.h"
#include "reports/perf_view.h"

#define NVSR_EV_CLOSE 0.10	/* "within about 10 %", "alike" */
#define NVSR_EV_MEDIUM_IN_FLIGHT 32	/* medium concurrency ends here */

/* The verdict, with the numbers or the reason. */
void nvsr_ev_judge(struct nvsr_claim_result *r, enum nvsr_claim_verdict v, const char *fmt, ...) NVSR_PRINTF(3, 4);
enum nvsr_claim_verdict nvsr_ev_holds(bool holds);
/* The numbers come from @c (may be NULL). */
void nvsr_ev_cite(struct nvsr_claim_result *r, const struct nvsr_perf_cell *c);

/* For numbers and conditions in a sentence. */
struct nvsr_digits { char s[64]; };
struct nvsr_digits nvsr_ev_digits(double v);
struct nvsr_digits nvsr_ev_where(const struct nvsr_perf_cell *c);
#define DIGITS(v) nvsr_ev_digits(v).s
#define WHERE(c) nvsr_ev_where(c).s

unsigned nvsr_ev_in_flight(const struct nvsr_perf_cell *c);
/* Random I/O of 4 KiB with numbers. */
bool nvsr_ev_in_scope(const struct nvsr_perf_cell *c);
/* These judge "not measured" and return false where @path has no numbers, the back end shares its CPU, jobs share CPUs. */
bool nvsr_ev_needs(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path);
bool nvsr_ev_back_end_alone(const struct nvsr_perf_run *run, struct nvsr_claim_result *r);
bool nvsr_ev_jobs_have_cpus(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, unsigned jobs);

/* Do the repeats differ widely, on both sides of a limit? */
bool nvsr_ev_is_noise(const struct nvsr_spread *s, double low, double high);

/* Ratios of two paths, one for each condition that both have. */
struct nvsr_ev_conditions {
	unsigned noisy;				/* conditions left out for that */
	unsigned n, below, above;		/* conditions; those of which every repeat is below low, above high */
	double median;				/* of their medians */
	struct nvsr_spread least, most;
	const struct nvsr_perf_cell *least_at, *most_at, *above_at;
};
typedef bool (*nvsr_ev_filter)(const struct nvsr_perf_cell *c);
/* False after judging "not measured" where there is no @condition that passes @filter and both have numbers of. */
bool nvsr_ev_both(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path, const char *to,
		  enum nvsr_perf_metric m, nvsr_ev_filter filter, const char *condition, double low, double high,
		  struct nvsr_ev_conditions *ret);

/* IOPS of @path against those of @to where most is in flight. */
void nvsr_ev_at_high_concurrency(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path, const char *to,
				 bool (*holds)(const struct nvsr_spread *s));

/* Medians of cells that differ along one axis only. */
struct nvsr_ev_line {
	unsigned n;
	double x[NVSR_PERF_VALUES_MOST], y[NVSR_PERF_VALUES_MOST];
	const struct nvsr_perf_cell *first, *last;
};
/* How much of the variance a straight line explains; negative when it falls. */
double nvsr_ev_straightness(const struct nvsr_ev_line *l);
/* Call @fn with each line of @path along @axis that has at least @least points; how many there are. */
unsigned nvsr_ev_each_line(const struct nvsr_perf_run *run, const char *path, enum nvsr_perf_axis axis, enum nvsr_perf_metric m,
			   unsigned least, void (*fn)(const struct nvsr_perf_run *run, const struct nvsr_ev_line *l, void *arg),
			   void *arg);

#endif
