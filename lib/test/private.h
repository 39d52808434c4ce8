/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of lib/test: the state behind struct nvsr_ctx and the lines between a group's child and its parent. */
#ifndef NVSR_TEST_PRIVATE_H
#define NVSR_TEST_PRIVATE_H

#include "test/harness.h"

#define NVSR_LAST_MAX 24	/* commands kept as evidence */

struct nvsr_ctx_private {
	struct nvsr_result r;		/* of the running test */
	bool reporting;			/* its clauses are of level R, O or I */
	bool skipped, broken;
	enum nvsr_guard guard;		/* what the test may send */

	/* fixtures: undone by nvsr_fixtures_clean() */
	struct nvsr_dev **vf;		/* by VFN */
	unsigned vf_count;
	bool *bare;			/* by VFN: opened without assignment */
	struct fixture_ns { uint32_t nsid; bool borrowed; } *ns;
	unsigned ns_count;
	struct nvsr_inventory now;	/* nvsr_t_reread() */
	bool now_valid;
};

/* Why a test that works with VFs is skipped where VFs were enabled before a run without permission to destroy. */
#define NVSR_VFS_OF_OTHERS \
	"VFs were enabled before the run, somebody may use them: needs permission to destroy (--destructive --erase-serial SN)"

void nvsr_fixtures_clean(struct nvsr_ctx *t);

/* --- cunit.c: CUnit as the engine ------------------------------------------------------------------------------------ */
/* One failed or held check; the only way to CUnit's counters. */
void nvsr_cunit_check(bool held, const char *file, int line, const char *text);
struct nvsr_cunit_ops {
	void (*start)(void *arg, size_t i);
	void (*body)(void *arg, size_t i);
	void (*done)(void *arg, size_t i, unsigned failures);
};
/* Run tests 0..n-1 of @group as one CUnit suite.  0 or negative errno. */
int nvsr_cunit_run(const char *group, const char *const *ids, size_t n, const struct nvsr_cunit_ops *ops, void *arg);

/* --- child.c ------------------------------------------------------------------------------------------------------------ */
/*
 * Lines from child to parent: "S index", "R index json", "A reason" (device cannot be restored), "U reason" (group could
 * not be prepared), "E" (all done).
 */
struct nvsr_child_fds { int lines, output; };
/* In the stream of stray output: what stands before it belongs to the test whose "R" line follows. */
#define NVSR_OUTPUT_END "\x1e\x03nvsr end of test\x03\x1e"
/* Run tests first..end-1 of the plan (one group).  Does not return. */
void nvsr_child_main(const struct nvsr_session *s, const struct nvsr_plan *plan, size_t first, size_t end,
		     struct nvsr_child_fds fds) __attribute__((noreturn));

/* Restore and compare: 0, or -EIO with a malloc'd reason. */
int nvsr_restore_and_compare(struct nvsr_dev *pf, const struct nvsr_snapshot *state, char **ret_reason);


#endif
