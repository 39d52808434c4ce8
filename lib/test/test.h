/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a suite sees of the harness: test records, checks, and prepared devices.
 *
 * A body is `static void name(struct nvsr_ctx *t)`.  CHECK* records and goes on; MUST* records and returns; SKIP and
 * BROKEN return.  A body that executed no check is broken.  Where the clauses of a test are of level R, O or I, a check
 * that does not hold is reported as a deviation and the test passes.
 */
#ifndef NVSR_TEST_TEST_H
#define NVSR_TEST_TEST_H

#include "sriov/sriov.h"
#include "spec/needs.h"
#include "spec/requirement.h"

struct nvsr_ctx {
	struct nvsr_dev *pf;			/* the physical function, open, controller enabled */
	const struct nvsr_profile *profile;
	struct nvsr_inventory *inv;		/* read at the start of the group; nvsr_t_reread() for now */
	const struct nvsr_test *test;
	uint64_t seed;				/* of random walks; in every report */
	unsigned steps;				/* length of random walks, 0 = the test's own */
	struct nvsr_ctx_private *priv;
};

struct nvsr_test {
	const char *id;				/* behaviour in the present tense: "offline-rejects-io" */
	const char *title;			/* one line for people */
	const char *const *requirements;	/* REQS("VIRT-42", …): all judging (M, MC) or all reporting (R, O, I) */
	uint64_t needs;				/* NVSR_NEED(A) | NVSR_NEED(B) */
	unsigned limit_s;			/* deadline, 0 = 20 s */
	const char *const *caught_by;		/* DEFECTS("name", …): seeded defects that make it fail */
	void (*run)(struct nvsr_ctx *t);
};
#define REQS(...)    ((const char *const[]){ __VA_ARGS__, NULL })
#define DEFECTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct nvsr_group {
	const char *id;				/* "vf.online": suites/vf/online.c */
	const struct nvsr_test *tests;
	size_t count;
};
#define NVSR_GROUP(name, table) { .id = (name), .tests = (table), .count = NVSR_ARRAY_SIZE(table) }

/* suites/registry.c: every group in run order, NULL-terminated. */
extern const struct nvsr_group *const nvsr_groups[];

/* --- checks ---------------------------------------------------------------------------------------------------------- */
/* Record a check.  @held false: a failure with what was expected and observed.  Returns @held.  Used by the macros. */
bool nvsr_check(struct nvsr_ctx *t, const char *file, int line, bool held, const char *expected, const char *fmt, ...)
	NVSR_PRINTF(6, 7);
bool nvsr_check_eq(struct nvsr_ctx *t, const char *file, int line, const char *what, uint64_t expected, uint64_t observed);
bool nvsr_check_status(struct nvsr_ctx *t, const char *file, int line, const char *what, int expected, int observed);
bool nvsr_check_status_in(struct nvsr_ctx *t, const char *file, int line, const char *what, int observed, const int *any,
			  unsigned n);
void nvsr_test_skip(struct nvsr_ctx *t, const char *fmt, ...) NVSR_PRINTF(2, 3);
void nvsr_test_broken(struct nvsr_ctx *t, const char *file, int line, const char *fmt, ...) NVSR_PRINTF(4, 5);

/* CHECK(t, VS_ok, "RDY = 1 within CAP.TO", "CSTS = %08x after %u ms", csts, ms) */
#define CHECK(t, cond, expected, ...) nvsr_check(t, __FILE__, __LINE__, (cond), expected, __VA_ARGS__)
/* CHECK_EQ(t, "NVQ of controller 2", 9, nvq) */
#define CHECK_EQ(t, what, expected, observed) nvsr_check_eq(t, __FILE__, __LINE__, what, expected, observed)
/* CHECK_STATUS(t, "Online without VQ", NVME_SC_INVALID_SEC_STATE, nvsr_virt_mgmt(…)) */
#define CHECK_STATUS(t, what, expected, call) nvsr_check_status(t, __FILE__, __LINE__, what, expected, call)
#define CHECK_OK(t, what, call) CHECK_STATUS(t, what, 0, call)
/* CHECK_STATUS_IN(t, "reserved action", call, NVME_SC_INVALID_FIELD, NVME_SC_INVALID_RESOURCE_ID) */
#define CHECK_STATUS_IN(t, what, call, ...) \
	nvsr_check_status_in(t, __FILE__, __LINE__, what, call, (const int[]){ __VA_ARGS__ }, \
			     NVSR_ARRAY_SIZE(((const int[]){ __VA_ARGS__ })))
#define MUST(t, cond, expected, ...) do { if (!CHECK(t, cond, expected, __VA_ARGS__)) return; } while (0)
#define MUST_EQ(t, what, expected, observed) do { if (!CHECK_EQ(t, what, expected, observed)) return; } while (0)
#define MUST_STATUS(t, what, expected, call) do { if (!CHECK_STATUS(t, what, expected, call)) return; } while (0)
#define MUST_OK(t, what, call) MUST_STATUS(t, what, 0, call)
/* Not applicable after all: the reason goes into the report. */
#define SKIP(t, ...) do { nvsr_test_skip(t, __VA_ARGS__); return; } while (0)
/* Preparation failed: says nothing about the device. */
#define BROKEN(t, ...) do { nvsr_test_broken(t, __FILE__, __LINE__, __VA_ARGS__); return; } while (0)
#define PREPARE(t, what, call) do { int nvsr_rc_ = (call); \
	if (nvsr_rc_) BROKEN(t, "%s: %s", what, nvsr_rc_text(nvsr_rc_)); } while (0)
/* What was measured or seen, kept with a passing result too ("ready after 3 ms"). */
void nvsr_note(struct nvsr_ctx *t, const char *fmt, ...) NVSR_PRINTF(2, 3);
/* --- what arrives by itself: messages, and accesses that an IOMMU refused ----------------------------------------------- */
#define NVSR_ARRIVE_MS	2000u	/* for what must come */
#define NVSR_QUIET_MS	100u	/* what has not come by then does not */
/* True as soon as more than @more_than messages were counted; false after @ms, and where messages are not counted. */
bool nvsr_irq_wait(struct nvsr_dev *d, unsigned vector, uint64_t more_than, unsigned ms);
/* nvsr_irq_count() with all that is under way. */
int nvsr_irq_settled(struct nvsr_dev *d, unsigned vector, uint64_t *ret);
/* The same two for nvsr_dma_faults(); @ret_last may be NULL. */
bool nvsr_fault_wait(struct nvsr_dev *d, uint64_t more_than, unsigned ms, struct nvsr_dma_fault *ret_last);
int nvsr_faults_settled(struct nvsr_dev *d, uint64_t *ret, struct nvsr_dma_fault *ret_last);

/* A return value of the device layer in words: status name, or the errno's text. */
const char *nvsr_rc_text(int rc);

/* --- prepared devices; all NULL or false after recording broken or skip: then the body returns ----------------------------- */
/* What the device says now; the pointer stays valid until the next call or the end of the test. */
const struct nvsr_inventory *nvsr_t_reread(struct nvsr_ctx *t);
/* Exactly @n VFs enabled, none of them opened.  Skips when TotalVFs < n. */
bool nvsr_t_enable_vfs(struct nvsr_ctx *t, unsigned n);
/* VF @vfn enabled (at least vfn VFs), assigned, Online, open, its controller enabled.  Kept until the end of the test. */
struct nvsr_dev *nvsr_t_vf(struct nvsr_ctx *t, unsigned vfn);
/* The same with resources of your choice (0 = default). */
struct nvsr_dev *nvsr_t_vf_with(struct nvsr_ctx *t, unsigned vfn, unsigned nvq, unsigned nvi);
/* VF @vfn open for configuration space and registers only: no assignment, whatever its state.  Enables VFs as needed. */
struct nvsr_dev *nvsr_t_vf_bare(struct nvsr_ctx *t, unsigned vfn);
/* CNTLID of the secondary controller of VF @vfn; -1 after recording skip. */
int nvsr_t_scid(struct nvsr_ctx *t, unsigned vfn);
/* CNTLID of the PF's controller. */
uint16_t nvsr_t_pcid(struct nvsr_ctx *t);
/* A new namespace of @mib MiB (format 0), attached to nothing; deleted at the end of the test.  0 after recording. */
uint32_t nvsr_t_ns(struct nvsr_ctx *t, unsigned mib, bool shared);
/* Forget a namespace that the test itself deleted. */
void nvsr_t_ns_gone(struct nvsr_ctx *t, uint32_t nsid);

#endif
