/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the study that this suite follows (NVMe virtualization for cloud virtual machines, ICPE 2022) claims, and whether it
 * holds for the numbers of a run.  Inside reports only.
 */
#ifndef NVSR_REPORTS_PERF_CLAIMS_H
#define NVSR_REPORTS_PERF_CLAIMS_H

#include "result/perf.h"

enum nvsr_claim_verdict { NVSR_CLAIM_HOLDS, NVSR_CLAIM_DIFFERS, NVSR_CLAIM_NOT_MEASURED };
const char *nvsr_claim_verdict_name(enum nvsr_claim_verdict v);	/* "holds", "does not hold here", "not measured" */

#define NVSR_CLAIM_CELLS_MOST 6
struct nvsr_claim_result {
	enum nvsr_claim_verdict verdict;
	char measured[400];	/* the numbers, or why there are none */
	const struct nvsr_perf_cell *cell[NVSR_CLAIM_CELLS_MOST];	/* what the numbers come from */
	unsigned cells;
	unsigned noisy;		/* conditions left out: their repeats differ too much to speak for or against */
};

struct nvsr_claim {
	const char *id;		/* "fig-2a" */
	const char *source;	/* "Fig 2a" */
	const char *text;	/* the claim, and what is taken for it here */
	void (*check)(const struct nvsr_perf_run *run, struct nvsr_claim_result *r);
};
extern const struct nvsr_claim nvsr_claims[];
extern const unsigned nvsr_claim_count;

void nvsr_claim_check(const struct nvsr_claim *c, const struct nvsr_perf_run *run, struct nvsr_claim_result *ret);

#endif
