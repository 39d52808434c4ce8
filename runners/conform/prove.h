/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The proof that the suites can fail: its data, gathered by prove.c and written by prove_write.c. */
#ifndef NVSR_RUNNERS_PROVE_H
#define NVSR_RUNNERS_PROVE_H

#include "runners/conform/conform.h"

/* What one test said in one job. */
struct nvsr_said {
	bool ran;
	enum nvsr_verdict verdict;
	bool deviates;
};

/* Commands that a lie is told to from end to end, beside the tests. */
enum nvsr_told { NVSR_TOLD_PROBE, NVSR_TOLD_RUN, NVSR_TOLD };

/*
 * One process: the healthy model (no defect, no lie) with every test, one defect with the tests that name it and meta tests,
 * or one lie with every test.
 */
struct nvsr_job {
	const struct nvsr_defect *defect;
	const struct nvsr_lie *lie;
	struct nvsr_plan plan;
	struct nvsr_said *said;		/* by index of the plan */
	int ended[NVSR_TOLD];		/* exit code of a command, negative when it did not end as it should */
	bool died;
};

struct nvsr_proof {
	struct nvsr_job *jobs;		/* [0] is the healthy run, then defects, then lies */
	size_t count, defects;
	size_t tests;			/* tests of the healthy plan that are not meta */
};

bool nvsr_names(const struct nvsr_test *t, const char *defect);
bool nvsr_is_meta(const struct nvsr_planned *p);
/* The healthy run's word on a test of another job. */
const struct nvsr_said *nvsr_healthy(const struct nvsr_proof *p, const struct nvsr_planned *item);
/* Test @i of a defect's job failed because of the defect, or - where it only reports - says something else than before. */
bool nvsr_killed(const struct nvsr_proof *p, const struct nvsr_job *job, size_t i);
/* A meta test said something else than on the healthy model. */
bool nvsr_meta_changed(const struct nvsr_proof *p, const struct nvsr_job *job, size_t i);
/* Named by a test, and killed by every one that names it; no meta test changed. */
bool nvsr_job_holds(const struct nvsr_proof *p, const struct nvsr_job *job);
/* The healthy model passes a test. */
bool nvsr_passes(const struct nvsr_said *s);

/* --- prove_lies.c ------------------------------------------------------------------------------------------------ */
/*
 * A command on the model that tells @lie, in a process of its own.  Its exit code; negative when it crashes, hangs, or ends
 * with a code that is not documented for it or not that of its journal.
 */
int nvsr_told_run(enum nvsr_told command, const struct nvsr_lie *lie);
extern const char *const nvsr_told_names[NVSR_TOLD];
/* A verdict that speaks of the device or of its preparation: neither crash nor timeout, nor none. */
bool nvsr_said_of_device(const struct nvsr_said *s);
/* Every test came to such a verdict, and every command ended as documented. */
bool nvsr_lie_endured(const struct nvsr_job *job);

/* Each writes the whole proof and returns whether it holds. */
bool nvsr_prove_text(FILE *f, const struct nvsr_proof *p);
bool nvsr_prove_tap(FILE *f, const struct nvsr_proof *p);
bool nvsr_prove_json(FILE *f, const struct nvsr_proof *p);

#endif
