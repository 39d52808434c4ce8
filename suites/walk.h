/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random walks: thousands of legal and illegal steps against an oracle written from the clauses, shrunk to the shortest
 * sequence that still disagrees.
 *
 * A walk knows nothing of the model: its oracle predicts, from the clauses alone, which statuses a step may have and what
 * the device must show afterwards.  Where a clause leaves a choice, the oracle allows each and follows the device.
 */
#ifndef NVSR_SUITES_WALK_H
#define NVSR_SUITES_WALK_H

#include "nvsr.h"

/* One step.  What the numbers mean is the walk's own affair; they must be enough to repeat it. */
struct walk_step { unsigned op; uint32_t a, b, c; };

/* The statuses that a step may have: any of them is right. */
#define WALK_STATUSES 8
struct walk_allowed { int status[WALK_STATUSES]; unsigned n; };
static inline void walk_allow(struct walk_allowed *w, int status)
{
	if (w->n < WALK_STATUSES)
		w->status[w->n++] = status;
}

/* xorshift64*: the same walk from the same seed on every machine. */
struct walk_random { uint64_t state; };
uint32_t walk_draw(struct walk_random *r, uint32_t below);	/* 0 .. below - 1 */

struct walk {
	const char *name;
	size_t oracle_size;
	/* Put the device and the oracle at the start; false: could not be prepared (recorded). */
	bool (*start)(struct nvsr_ctx *t, void *oracle);
	/* Undo what start() prepared for good; may be NULL. */
	void (*end)(void *oracle);
	/* Draw the next step, from what the oracle knows. */
	void (*draw)(struct walk_random *r, const void *oracle, struct walk_step *ret);
	/* What the clauses allow for it. */
	void (*predict)(const void *oracle, const struct walk_step *s, struct walk_allowed *ret);
	/* Do it; *ret_dw0 is completion DW0 or what the step counts.  Status, or a negative errno. */
	int (*apply)(struct nvsr_ctx *t, const void *oracle, const struct walk_step *s, uint32_t *ret_dw0);
	/* Follow a step that had status @rc. */
	void (*follow)(void *oracle, const struct walk_step *s, int rc, uint32_t dw0);
	/* Compare what the device shows with the oracle: false with the difference in words.  May take over what is open. */
	bool (*compare)(struct nvsr_ctx *t, void *oracle, char *expected, char *observed, size_t len);
	/* The step as a person repeats it with nvme-cli. */
	void (*print)(const void *oracle, const struct walk_step *s, char *buf, size_t len);
};

/*
 * Walk t->steps steps (0: @steps) from seed t->seed, and record one check.  A disagreement is shrunk, and its shortest
 * sequence is noted, one command a line.
 */
void walk_run(struct nvsr_ctx *t, const struct walk *w, unsigned steps);

#endif
