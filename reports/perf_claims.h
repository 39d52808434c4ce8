/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the study that this suite follows (NVMe virtualization for cloud virtual machines, ICPE 2022) claims, and a white paper on
 * NVMe over Fabrics against iSCSI, and whether it holds for the numbers of a run.  Inside reports only.
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
	const char *row;	/* of the capability table, where the evidence is there; NULL: none */
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

/* Checks that stand in files of their own: of the capability table, of fabrics. */
#define NVSR_CLAIM_CHECK(name) void nvsr_claim_##name(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
NVSR_CLAIM_CHECK(vms);
NVSR_CLAIM_CHECK(vms_sriov);
NVSR_CLAIM_CHECK(elastic);
NVSR_CLAIM_CHECK(migration);
NVSR_CLAIM_CHECK(qos);
NVSR_CLAIM_CHECK(security);
NVSR_CLAIM_CHECK(cpu);
NVSR_CLAIM_CHECK(no_measure);
NVSR_CLAIM_CHECK(crypto_erase);
NVSR_CLAIM_CHECK(see_erase);
NVSR_CLAIM_CHECK(added);
NVSR_CLAIM_CHECK(queues);
NVSR_CLAIM_CHECK(over_iscsi);

#endif
