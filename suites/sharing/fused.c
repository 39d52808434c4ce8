// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sharing.fused: Compare and Write as one fused operation, and two VFs that count in one block by it.  Base 2.0 3.4.2.
 *
 * The clause asks both entries to be shown to the controller by one doorbell write, so these tests need their own queues.
 */
#include "suites/data.h"

#define QID 2		/* queue 1 is the access method's */
#define WAIT_MS 5000
#define MAX_NLB 16u	/* blocks of a command, where MDTS allows it */

/* --- a pair ------------------------------------------------------------------------------------------------------- */

struct half { uint8_t opcode, fuse; uint64_t slba; unsigned nlb; void *data; };
struct pair { int rc[2]; struct nvsr_cmd c[2]; };

static struct nvsr_cmd command(const struct dat_ns *ns, const struct half *h)
{
	return (struct nvsr_cmd){
		.opcode = h->opcode, .flags = h->fuse, .nsid = ns->nsid, .cdw10 = (uint32_t)h->slba,
		.cdw11 = (uint32_t)(h->slba >> 32), .cdw12 = h->nlb - 1, .data = h->data, .data_len = h->nlb * ns->bs,
	};
}

/* Two commands behind one doorbell write, waited for. */
static int submit_two(struct nvsr_queue *q, const struct dat_ns *ns, const struct half h[2], struct pair *ret)
{
	struct nvsr_cmd c[2] = { command(ns, &h[0]), command(ns, &h[1]) };
	struct nvsr_req *req[2];
	int rc = nvsr_queue_submit_many(q, c, 2, req);

	for (unsigned i = 0; !rc && i < 2; i++)
		ret->rc[i] = nvsr_req_wait(req[i], WAIT_MS, &ret->c[i]);
	return rc;
}

static int compare_and_write(struct nvsr_queue *q, const struct dat_ns *ns, uint64_t slba, unsigned nlb, void *expected,
			     void *data, struct pair *ret)
{
	const struct half h[2] = {
		{ NVME_CMD_COMPARE, NVME_FUSE_FIRST, slba, nlb, expected },
		{ NVME_CMD_WRITE, NVME_FUSE_SECOND, slba, nlb, data },
	};

	return submit_two(q, ns, h, ret);
}

/* --- preparation -------------------------------------------------------------------------------------------------- */

struct bench {
	struct nvsr_dev *vf[2];
	struct nvsr_queue *q[2];
	struct dat_ns ns;
	uint8_t *a, *b, *seen;	/* MAX_NLB blocks each */
};

static void bench_free(struct bench *b)
{
	for (unsigned i = 0; i < 2; i++)
		if (b->q[i])
			nvsr_queue_destroy(b->q[i]);
	free(b->a);
	free(b->b);
	free(b->seen);
}
#define _cleanup_bench_ NVSR_CLEANUP(bench_free)

/* Two VFs with a raw queue each, and a namespace on both and on the PF. */
static bool prepare(struct nvsr_ctx *t, struct bench *b)
{
	const struct nvsr_queue_opts opts = { .qid = QID, .sq_entries = 64, .cq_entries = 64 };

	if (!nvsr_t_enable_vfs(t, 2))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		b->vf[i] = nvsr_t_vf_with(t, i + 1, 3, 0);
		if (!b->vf[i])
			return false;
	}
	if (!dat_ns(t, true, &b->ns) || !dat_attach(t, &b->ns, t->pf))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		int rc;

		if (!dat_attach(t, &b->ns, b->vf[i]))
			return false;
		rc = nvsr_queue_create(b->vf[i], &opts, &b->q[i]);
		if (rc) {
			nvsr_test_broken(t, __FILE__, __LINE__, "queue pair on VF %u: %s", i + 1, nvsr_rc_text(rc));
			return false;
		}
	}
	b->a = malloc((size_t)MAX_NLB * b->ns.bs);
	b->b = malloc((size_t)MAX_NLB * b->ns.bs);
	b->seen = malloc((size_t)MAX_NLB * b->ns.bs);
	if (!b->a || !b->b || !b->seen)
		nvsr_test_broken(t, __FILE__, __LINE__, "no memory");
	return b->a && b->b && b->seen;
}

/* Block 0 is as @tag says on every controller. */
static void check_block(struct nvsr_ctx *t, struct bench *b, unsigned tag, const char *expected, const char *when)
{
	struct nvsr_dev *const on[] = { t->pf, b->vf[0], b->vf[1] };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(on); i++) {
		MUST_OK(t, "Read", dat_read(on[i], &b->ns, 0, 1, b->seen));
		CHECK(t, dat_holds(b->seen, &b->ns, 0, 1, tag), expected, "other data on %s %s", nvsr_dev_name(on[i]),
		      when);
	}
}

/* --- the operation ------------------------------------------------------------------------------------------------ */

static void match_writes(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct pair p = { 0 };

	if (!prepare(t, &b))
		return;
	MUST_OK(t, "Write on VF 2", dat_write(b.vf[1], &b.ns, 0, 1, 1));
	dat_fill(b.a, &b.ns, 0, 1, 1);
	dat_fill(b.b, &b.ns, 0, 1, 2);
	PREPARE(t, "submission", compare_and_write(b.q[0], &b.ns, 0, 1, b.a, b.b, &p));
	CHECK_OK(t, "fused Compare with equal data", p.rc[0]);
	CHECK_OK(t, "fused Write after it", p.rc[1]);
	CHECK(t, p.c[0].order < p.c[1].order, "the first command completes first", "completions %u and %u of the queue",
	      p.c[0].order, p.c[1].order);
	check_block(t, &b, 2, "the block has the data of the fused Write", "after both commands succeeded");
}

static void mismatch_writes_nothing(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct pair p = { 0 };

	if (!prepare(t, &b))
		return;
	MUST_OK(t, "Write on VF 2", dat_write(b.vf[1], &b.ns, 0, 1, 3));
	dat_fill(b.a, &b.ns, 0, 1, 3);
	b.a[b.ns.bs - 1] ^= 1;
	dat_fill(b.b, &b.ns, 0, 1, 4);
	PREPARE(t, "submission", compare_and_write(b.q[0], &b.ns, 0, 1, b.a, b.b, &p));
	CHECK_STATUS(t, "fused Compare with other data", NVME_SC_COMPARE_FAILED, p.rc[0]);
	CHECK_STATUS(t, "fused Write after it", NVME_SC_FUSED_FAIL, p.rc[1]);
	CHECK(t, p.c[0].order < p.c[1].order, "the first command completes first", "completions %u and %u of the queue",
	      p.c[0].order, p.c[1].order);
	check_block(t, &b, 3, "nothing is written when the Compare fails", "after the Compare failed");
}

/* A first without its second, and a second without its first, beside a command that has nothing to do with it. */
static void halves_are_refused(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct pair p = { 0 };

	if (!prepare(t, &b))
		return;
	MUST_OK(t, "Write", dat_write(b.vf[0], &b.ns, 0, 1, 5));
	dat_fill(b.a, &b.ns, 0, 1, 5);
	dat_fill(b.b, &b.ns, 0, 1, 6);

	PREPARE(t, "submission", submit_two(b.q[0], &b.ns, (const struct half[]){
		{ NVME_CMD_COMPARE, NVME_FUSE_FIRST, 0, 1, b.a }, { NVME_CMD_READ, 0, 8, 1, b.seen } }, &p));
	CHECK_STATUS(t, "first command, followed by an ordinary one", NVME_SC_FUSED_MISSING, p.rc[0]);
	CHECK_OK(t, "the ordinary command", p.rc[1]);

	PREPARE(t, "submission", submit_two(b.q[0], &b.ns, (const struct half[]){
		{ NVME_CMD_READ, 0, 8, 1, b.seen }, { NVME_CMD_WRITE, NVME_FUSE_SECOND, 0, 1, b.b } }, &p));
	CHECK_OK(t, "an ordinary command", p.rc[0]);
	CHECK_STATUS(t, "second command without a first", NVME_SC_FUSED_MISSING, p.rc[1]);
	check_block(t, &b, 5, "nothing is written by half of a fused operation",
		    "after a second command without a first");
}

/* --- ranges ------------------------------------------------------------------------------------------------------- */

static void ranges_must_be_one(struct nvsr_ctx *t)
{
	static const struct { uint64_t slba; unsigned nlb; const char *what; } other[] = {
		{ 1, 1, "the block after it" }, { 0, 2, "one block more" }, { 8, 1, "a block elsewhere" },
	};
	_cleanup_bench_ struct bench b = { 0 };
	unsigned i, j;

	if (!prepare(t, &b))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(other); i++) {
		struct pair p = { 0 };
		struct half h[2] = {
			{ NVME_CMD_COMPARE, NVME_FUSE_FIRST, 0, 1, b.a },
			{ NVME_CMD_WRITE, NVME_FUSE_SECOND, other[i].slba, other[i].nlb, b.b },
		};

		for (j = 0; j < 16; j += dat_chunk(&b.ns))
			MUST_OK(t, "Write", dat_write(b.vf[1], &b.ns, j, dat_chunk(&b.ns), 7));
		dat_fill(b.a, &b.ns, 0, 1, 7);
		dat_fill(b.b, &b.ns, other[i].slba, other[i].nlb, 8);
		PREPARE(t, "submission", submit_two(b.q[0], &b.ns, h, &p));
		/* "commands" are to be aborted 0/02h; 0/09h of the second tells that it fell with the first. */
		CHECK_STATUS(t, "Compare of block 0", NVME_SC_INVALID_FIELD, p.rc[0]);
		CHECK_STATUS_IN(t, other[i].what, p.rc[1], NVME_SC_INVALID_FIELD, NVME_SC_FUSED_FAIL);
		MUST_OK(t, "Read", dat_read(b.vf[1], &b.ns, other[i].slba, 1, b.seen));
		CHECK(t, dat_holds(b.seen, &b.ns, other[i].slba, 1, 7), "nothing is written when the ranges differ",
		      "data written to %s", other[i].what);
	}
}

/* Blocks of the longest command that MDTS and the buffers allow; MDTS counts pages of at least 4 KiB. */
static unsigned longest(const struct nvme_id_ctrl *id, unsigned bs)
{
	uint64_t bytes = id->mdts ? 4096ull << NVSR_MIN(id->mdts, 16) : UINT64_MAX;

	return (unsigned)NVSR_MAX(1u, NVSR_MIN((uint64_t)MAX_NLB, bytes / bs));
}

/* One block, ACWU + 1 blocks, and one more than that: as much as fits into a command. */
static void atomic_compare_and_write_unit(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct nvme_id_ctrl id;
	struct nvme_id_ns ns;
	unsigned acwu, nlb;

	if (!prepare(t, &b))
		return;
	PREPARE(t, "Identify Controller", nvsr_id_ctrl(b.vf[0], &id));
	PREPARE(t, "Identify Namespace", nvsr_identify(b.vf[0], NVME_CNS_NS, b.ns.nsid, 0, &ns));
	acwu = le16_get(id.acwu) + 1u;
	if (ns.nsfeat & NVME_NSFEAT_ATOMIC && le16_get(ns.nacwu))
		acwu = le16_get(ns.nacwu) + 1u;
	for (nlb = 1; nlb <= NVSR_MIN(acwu + 1, longest(&id, b.ns.bs)); nlb++) {
		struct pair p = { 0 };
		bool done;

		MUST_OK(t, "Write", dat_write(b.vf[1], &b.ns, 0, nlb, 9));
		dat_fill(b.a, &b.ns, 0, nlb, 9);
		dat_fill(b.b, &b.ns, 0, nlb, 10);
		PREPARE(t, "submission", compare_and_write(b.q[0], &b.ns, 0, nlb, b.a, b.b, &p));
		if (nlb <= acwu)
			CHECK_OK(t, "fused Write within ACWU", p.rc[1]);
		else
			CHECK_STATUS_IN(t, "fused Write above ACWU", p.rc[1], 0, NVME_SC_ATOMIC_EXCEEDED,
					NVME_SC_FUSED_FAIL);
		done = !p.rc[0] && !p.rc[1];
		MUST_OK(t, "Read", dat_read(b.vf[1], &b.ns, 0, nlb, b.seen));
		CHECK(t, dat_holds(b.seen, &b.ns, 0, nlb, done ? 10 : 9),
		      "all blocks are written, or none", "%u blocks after %s and %s", nlb, nvsr_rc_text(p.rc[0]),
		      nvsr_rc_text(p.rc[1]));
	}
	nvsr_note(t, "ACWU: %u blocks; tried up to %u", acwu, nlb - 1);
}

/* --- counting ----------------------------------------------------------------------------------------------------- */

/*
 * Both VFs read the counter, then both ask at once to replace what they read by one more: exactly one may succeed.  The
 * clause is proven by none of a million being lost; a run of `check` has time for COUNT, the defects show in a few.
 */
#define COUNT 40000u

static void store(uint8_t *block, unsigned bs, uint64_t value, unsigned writer)
{
	memset(block, 0, bs);
	nvsr_le_write(block, 8, value);
	nvsr_le_write(block + bs - 8, 8, value << 8 | writer);	/* both ends: a torn block is seen as well */
}

static unsigned writer_of(const uint8_t *block, unsigned bs)
{
	return block[bs - 8];
}

static bool torn(const uint8_t *block, unsigned bs)
{
	return nvsr_le_read(block, 8) != nvsr_le_read(block + bs - 8, 8) >> 8;
}

/* Submit the increment of one VF. */
static int increment(struct bench *b, unsigned vf, uint64_t value, uint8_t *expected, uint8_t *data,
		     struct nvsr_req *ret[2])
{
	struct nvsr_cmd c[2] = {
		command(&b->ns, &(struct half){ NVME_CMD_COMPARE, NVME_FUSE_FIRST, 0, 1, expected }),
		command(&b->ns, &(struct half){ NVME_CMD_WRITE, NVME_FUSE_SECOND, 0, 1, data }),
	};

	memcpy(expected, b->seen, b->ns.bs);
	store(data, b->ns.bs, value + 1, vf);
	return nvsr_queue_submit_many(b->q[vf], c, 2, ret);
}

static void no_increment_is_lost(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	uint64_t value = 0, won[2] = { 0 }, both = 0, neither = 0, odd = 0, usurped = 0;
	unsigned winner = 0;

	if (!prepare(t, &b))
		return;
	store(b.seen, b.ns.bs, 0, 0);
	MUST_OK(t, "Write of the counter", nvsr_rw(t->pf, true, b.ns.nsid, 0, 1, b.seen, b.ns.bs));
	for (unsigned i = 0; i < COUNT / 2; i++) {
		struct nvsr_req *req[2][2];
		int rc[2][2];
		unsigned successes = 0;

		MUST_OK(t, "Read of the counter", dat_read(b.vf[i % 2], &b.ns, 0, 1, b.seen));
		value = nvsr_le_read(b.seen, 8);
		MUST(t, !torn(b.seen, b.ns.bs), "the counter is whole", "its two copies differ after %llu increments",
		     (unsigned long long)value);
		usurped += i && writer_of(b.seen, b.ns.bs) != winner;
		/* in turns the first to ring its doorbell */
		for (unsigned k = 0; k < 2; k++) {
			unsigned v = (i + k) % 2;

			PREPARE(t, "submission", increment(&b, v, value, v ? b.b : b.a, (v ? b.b : b.a) + b.ns.bs,
							   req[v]));
		}
		for (unsigned v = 0; v < 2; v++) {
			bool success;

			for (unsigned k = 0; k < 2; k++)
				rc[v][k] = nvsr_req_wait(req[v][k], WAIT_MS, NULL);
			success = !rc[v][0] && !rc[v][1];
			odd += !success && !(rc[v][0] == NVME_SC_COMPARE_FAILED && rc[v][1] == NVME_SC_FUSED_FAIL);
			won[v] += success;
			winner = success ? v : winner;
			successes += success;
		}
		both += successes == 2;
		neither += !successes;
	}
	MUST_OK(t, "Read of the counter", dat_read(t->pf, &b.ns, 0, 1, b.seen));
	value = nvsr_le_read(b.seen, 8);
	CHECK(t, !both, "of two increments of the same value one succeeds", "both succeeded in %llu of %u rounds",
	      (unsigned long long)both, COUNT / 2);
	CHECK(t, !neither, "of two increments of the same value one succeeds", "neither succeeded in %llu of %u rounds",
	      (unsigned long long)neither, COUNT / 2);
	CHECK(t, !usurped, "the block is as the VF left it whose increment succeeded",
	      "it was the other one's after %llu of %u rounds", (unsigned long long)usurped, COUNT / 2);
	CHECK(t, !odd, "an increment that loses gets 2/85h and 0/09h", "%llu had another status",
	      (unsigned long long)odd);
	CHECK_EQ(t, "counter after all increments", won[0] + won[1], value);
	nvsr_note(t, "%u fused operations, %llu and %llu increments by VF 1 and VF 2", COUNT, (unsigned long long)won[0],
		  (unsigned long long)won[1]);
}

/* --- without the capability --------------------------------------------------------------------------------------- */

/* Where FUSES is 0 any value of FUSE but 00b is refused; where it is not, the reserved 11b. */
static void unsupported_fuse_is_refused(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct nvme_id_ctrl id;
	struct pair p = { 0 };

	if (!prepare(t, &b))
		return;
	PREPARE(t, "Identify Controller", nvsr_id_ctrl(b.vf[0], &id));
	MUST_OK(t, "Write", dat_write(b.vf[1], &b.ns, 0, 1, 11));
	dat_fill(b.a, &b.ns, 0, 1, 11);
	dat_fill(b.b, &b.ns, 0, 1, 12);
	if (le16_get(id.fuses) & NVME_FUSES_COMPARE_WRITE) {
		PREPARE(t, "submission", submit_two(b.q[0], &b.ns, (const struct half[]){
			{ NVME_CMD_READ, 3, 8, 1, b.seen }, { NVME_CMD_WRITE, 3, 0, 1, b.b } }, &p));
		CHECK_STATUS(t, "Read with FUSE 11b", NVME_SC_INVALID_FIELD, p.rc[0]);
		CHECK_STATUS(t, "Write with FUSE 11b", NVME_SC_INVALID_FIELD, p.rc[1]);
	} else {
		PREPARE(t, "submission", compare_and_write(b.q[0], &b.ns, 0, 1, b.a, b.b, &p));
		CHECK_STATUS(t, "Compare with FUSE 01b and FUSES = 0", NVME_SC_INVALID_FIELD, p.rc[0]);
		CHECK_STATUS(t, "Write with FUSE 10b and FUSES = 0", NVME_SC_INVALID_FIELD, p.rc[1]);
	}
	check_block(t, &b, 11, "nothing is written", "after a Write with an unsupported FUSE");
}

#define RAW (DAT_NEED_VFS | NVSR_NEED(VF_QUEUES))
#define FUSED (RAW | NVSR_NEED(FUSED))
static const struct nvsr_test tests[] = {
	{ .id = "match-writes", .title = "fused Compare and Write with equal data writes, and completes in order",
	  .requirements = REQS("SHR-06"), .needs = FUSED, .caught_by = DEFECTS("fused-out-of-order"),
	  .run = match_writes },
	{ .id = "mismatch-writes-nothing", .title = "fused Compare with other data fails 2/85h and the Write 0/09h",
	  .requirements = REQS("SHR-07"), .needs = FUSED,
	  .caught_by = DEFECTS("fused-compare-fail-writes", "fused-fail-wrong-status"), .run = mismatch_writes_nothing },
	{ .id = "halves-are-refused", .title = "half of a fused operation aborts 0/0Ah and writes nothing",
	  .requirements = REQS("SHR-06"), .needs = FUSED, .caught_by = DEFECTS("fused-gap-accepted"),
	  .run = halves_are_refused },
	{ .id = "ranges-must-be-one", .title = "a fused operation over two ranges aborts 0/02h and writes nothing",
	  .requirements = REQS("SHR-08"), .needs = FUSED, .caught_by = DEFECTS("fused-range-mismatch-accepted"),
	  .run = ranges_must_be_one },
	{ .id = "atomic-compare-and-write-unit", .title = "fused operations up to and above ACWU write all blocks or none",
	  .requirements = REQS("SHR-08"), .needs = FUSED,
	  .caught_by = DEFECTS("fused-first-block-only", "fused-too-long-writes"),
	  .run = atomic_compare_and_write_unit },
	{ .id = "no-increment-is-lost", .title = "two VFs that count by Compare and Write lose no increment",
	  .requirements = REQS("SHR-09"), .needs = FUSED, .limit_s = 60,
	  .caught_by = DEFECTS("fused-not-atomic", "fused-compare-fail-writes"), .run = no_increment_is_lost },
	{ .id = "unsupported-fuse-is-refused", .title = "a value of FUSE that is not supported aborts 0/02h",
	  .requirements = REQS("SHR-10"), .needs = RAW | NVSR_NEED(COMPARE), .caught_by = DEFECTS("fuse-bits-ignored"),
	  .run = unsupported_fuse_is_refused },
};

const struct nvsr_group nvsr_sharing_fused = NVSR_GROUP("sharing.fused", tests);
