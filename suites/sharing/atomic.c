// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sharing.atomic: Writes of two controllers to the same blocks, and Reads beside Writes, are never mixed as long as they keep
 * within the atomic units that are reported.  NVM Command Set 1.0 2.1.4.
 */
#include "suites/data.h"

#define QID 2		/* queue 1 is the access method's */
#define DEPTH 8u	/* Writes outstanding on each of two VFs */
#define ROUNDS 16u
#define WAIT_MS 5000

/* --- the values --------------------------------------------------------------------------------------------------- */

/* In blocks; where a namespace states nothing (0h, or NSFEAT bit 1 = 0) the controller's value holds. */
struct units { unsigned write, power_fail, compare; };

static struct units of_ctrl(const struct nvme_id_ctrl *id)
{
	return (struct units){ le16_get(id->awun) + 1u, le16_get(id->awupf) + 1u, le16_get(id->acwu) + 1u };
}

static struct units of_ns(const struct nvme_id_ns *id, struct units ctrl)
{
	struct units u = ctrl;

	if (!(id->nsfeat & NVME_NSFEAT_ATOMIC))
		return u;
	u.write = le16_get(id->nawun) ? le16_get(id->nawun) + 1u : u.write;
	u.power_fail = le16_get(id->nawupf) ? le16_get(id->nawupf) + 1u : u.power_fail;
	u.compare = le16_get(id->nacwu) ? le16_get(id->nacwu) + 1u : u.compare;
	return u;
}

static void units_are_consistent(struct nvsr_ctx *t)
{
	struct dat_shared s;

	if (!dat_shared(t, &s))
		return;
	for (unsigned i = 0; i < DAT_CTRLS; i++) {
		const char *name = nvsr_dev_name(s.on[i]);
		struct nvme_id_ctrl id;
		struct nvme_id_ns ns;
		struct units c, n;

		MUST_OK(t, "Identify Controller", nvsr_id_ctrl(s.on[i], &id));
		MUST_OK(t, "Identify Namespace", nvsr_identify(s.on[i], NVME_CNS_NS, s.ns.nsid, 0, &ns));
		c = of_ctrl(&id);
		n = of_ns(&ns, c);
		CHECK(t, c.power_fail <= c.write, "AWUPF <= AWUN", "%u and %u blocks on %s", c.power_fail, c.write, name);
		CHECK(t, n.write >= c.write, "NAWUN >= AWUN", "%u and %u blocks on %s", n.write, c.write, name);
		CHECK(t, n.power_fail >= c.power_fail, "NAWUPF >= AWUPF", "%u and %u blocks on %s", n.power_fail,
		      c.power_fail, name);
		CHECK(t, n.compare >= c.compare, "NACWU >= ACWU", "%u and %u blocks on %s", n.compare, c.compare, name);
		CHECK(t, n.power_fail <= n.write, "NAWUPF <= NAWUN", "%u and %u blocks on %s", n.power_fail, n.write,
		      name);
	}
}

/* --- two writers, one reader -------------------------------------------------------------------------------------- */

struct bench {
	struct nvsr_dev *vf[2];
	struct nvsr_queue *q[2];
	struct dat_ns ns;
	struct nvme_id_ns id;
	unsigned unit;		/* blocks that are written as one, within a command of one page */
	uint8_t *data[2], *seen;
};

static void bench_free(struct bench *b)
{
	for (unsigned i = 0; i < 2; i++) {
		if (b->q[i])
			nvsr_queue_destroy(b->q[i]);
		free(b->data[i]);
	}
	free(b->seen);
}
#define _cleanup_bench_ NVSR_CLEANUP(bench_free)

static bool open_queue(struct nvsr_ctx *t, struct bench *b, unsigned i)
{
	const struct nvsr_queue_opts opts = { .qid = QID, .sq_entries = 64, .cq_entries = 64 };
	int rc;

	if (!dat_attach(t, &b->ns, b->vf[i]))
		return false;
	rc = nvsr_queue_create(b->vf[i], &opts, &b->q[i]);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "queue pair on VF %u: %s", i + 1, nvsr_rc_text(rc));
	return !rc;
}

/* The level that both submitting controllers report. */
static bool read_unit(struct nvsr_ctx *t, struct bench *b)
{
	b->unit = dat_chunk(&b->ns);
	for (unsigned i = 0; i < 2; i++) {
		struct nvme_id_ctrl id;
		int rc = nvsr_id_ctrl(b->vf[i], &id);

		rc = rc ? rc : nvsr_identify(b->vf[i], NVME_CNS_NS, b->ns.nsid, 0, &b->id);
		if (rc) {
			nvsr_test_broken(t, __FILE__, __LINE__, "Identify on VF %u: %s", i + 1, nvsr_rc_text(rc));
			return false;
		}
		b->unit = NVSR_MIN(b->unit, of_ns(&b->id, of_ctrl(&id)).write);
	}
	return true;
}

static bool prepare(struct nvsr_ctx *t, struct bench *b)
{
	size_t len;

	if (!nvsr_t_enable_vfs(t, 2))
		return false;
	for (unsigned i = 0; i < 2; i++) {
		b->vf[i] = nvsr_t_vf_with(t, i + 1, 3, 0);
		if (!b->vf[i])
			return false;
	}
	if (!dat_ns(t, true, &b->ns) || !dat_attach(t, &b->ns, t->pf) || !open_queue(t, b, 0) || !open_queue(t, b, 1) ||
	    !read_unit(t, b))
		return false;
	len = (size_t)DAT_MAX_NLB * b->ns.bs;
	b->data[0] = malloc(DEPTH * len);
	b->data[1] = malloc(DEPTH * len);
	b->seen = malloc(len);
	if (!b->data[0] || !b->data[1] || !b->seen)
		nvsr_test_broken(t, __FILE__, __LINE__, "no memory");
	return b->data[0] && b->data[1] && b->seen;
}

/* Tags of a round: 2 * DEPTH of them, so that the survivor is known, whoever it is. */
static unsigned tag_of(unsigned round, unsigned vf, unsigned i)
{
	return 200 + (round * DEPTH + i) * 2 + vf;
}

static bool written_by_one(const struct bench *b, unsigned round, uint64_t slba, const uint8_t *buf, uint64_t first,
			   unsigned nlb)
{
	for (unsigned vf = 0; vf < 2; vf++)
		for (unsigned i = 0; i < DEPTH; i++)
			if (dat_holds(buf + (first - slba) * b->ns.bs, &b->ns, first, nlb, tag_of(round, vf, i)))
				return true;
	return false;
}

/* Writes of both VFs to the same blocks, outstanding together; the number that did not complete with success. */
static unsigned race(struct bench *b, unsigned round, uint64_t slba, unsigned nlb)
{
	size_t len = (size_t)nlb * b->ns.bs;
	struct nvsr_req *req[2][DEPTH];
	unsigned failed = 0, submitted = 0;

	for (; submitted < 2 * DEPTH; submitted++) {
		unsigned vf = submitted % 2, i = submitted / 2;
		uint8_t *data = b->data[vf] + i * len;
		struct nvsr_cmd c = { .opcode = NVME_CMD_WRITE, .nsid = b->ns.nsid, .cdw10 = (uint32_t)slba,
				      .cdw12 = nlb - 1,
				      .data = data, .data_len = (uint32_t)len };

		dat_fill(data, &b->ns, slba, nlb, tag_of(round, vf, i));
		if (nvsr_queue_submit(b->q[vf], &c, &req[vf][i]))
			break;
	}
	for (unsigned k = 0; k < submitted; k++)
		failed += nvsr_req_wait(req[k % 2][k / 2], WAIT_MS, NULL) != 0;
	return failed + 2 * DEPTH - submitted;
}

static void writes_never_mix(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	unsigned failed = 0, mixed = 0;

	if (!prepare(t, &b))
		return;
	if (b.unit == 1)
		nvsr_note(t, "the atomic unit is one block: only a block can be torn");
	for (unsigned r = 0; r < ROUNDS; r++) {
		failed += race(&b, r, 0, b.unit);
		MUST_OK(t, "Read on the PF", dat_read(t->pf, &b.ns, 0, b.unit, b.seen));
		mixed += !written_by_one(&b, r, 0, b.seen, 0, b.unit);
	}
	CHECK(t, !failed, "every Write completes", "%u of %u failed", failed, ROUNDS * 2 * DEPTH);
	CHECK(t, !mixed, "blocks written by two VFs at once are all of one Write",
	      "%u of %u ranges of %u blocks are mixed", mixed,
	      ROUNDS, b.unit);
}

/* A Read sees a Write of another controller as a whole or not at all. */
static void reads_never_mix(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	unsigned failed = 0, mixed = 0;

	if (!prepare(t, &b))
		return;
	MUST_OK(t, "Write", dat_write(t->pf, &b.ns, 0, b.unit, 199));
	for (unsigned r = 0; r < ROUNDS * DEPTH; r++) {
		struct nvsr_cmd w = { .opcode = NVME_CMD_WRITE, .nsid = b.ns.nsid, .cdw12 = b.unit - 1, .data = b.data[0],
				      .data_len = b.unit * b.ns.bs };
		struct nvsr_cmd rd = { .opcode = NVME_CMD_READ, .nsid = b.ns.nsid, .cdw12 = b.unit - 1, .data = b.seen,
				       .data_len = b.unit * b.ns.bs };
		struct nvsr_req *req[2];

		dat_fill(b.data[0], &b.ns, 0, b.unit, 200 + r);
		PREPARE(t, "submission", nvsr_queue_submit(b.q[r % 2], r % 2 ? &rd : &w, &req[0]));
		PREPARE(t, "submission", nvsr_queue_submit(b.q[1 - r % 2], r % 2 ? &w : &rd, &req[1]));
		for (unsigned i = 0; i < 2; i++) {
			struct nvsr_cmd done;	/* with the data of the Read */

			failed += nvsr_req_wait(req[i], WAIT_MS, &done) != 0;
		}
		mixed += !dat_holds(b.seen, &b.ns, 0, b.unit, 199 + r) && !dat_holds(b.seen, &b.ns, 0, b.unit, 200 + r);
	}
	CHECK(t, !failed, "every command completes", "%u failed", failed);
	CHECK(t, !mixed, "a Read beside a Write returns the data before or after it, not both",
	      "%u of %u Reads of %u blocks are mixed", mixed, ROUNDS * DEPTH, b.unit);
}

/* --- boundaries --------------------------------------------------------------------------------------------------- */

/* Blocks from @lba to the next atomic boundary. */
static unsigned to_boundary(const struct nvme_id_ns *id, uint64_t lba)
{
	unsigned size = le16_get(id->nabsn) + 1u, offset = le16_get(id->nabo);

	return size - (unsigned)((lba + size - offset % size) % size);
}

static void pieces_between_boundaries_never_mix(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	unsigned failed = 0, mixed = 0, pieces = 0, nlb, whole = 0;
	uint64_t slba;

	if (!prepare(t, &b))
		return;
	if (!(b.id.nsfeat & NVME_NSFEAT_ATOMIC) || !le16_get(b.id.nabsn))
		SKIP(t, "the namespace has no atomic boundaries (NSFEAT bit 1, NABSN)");
	nlb = b.unit;
	slba = to_boundary(&b.id, 0);	/* the first boundary after block 0, or the second when block 0 is one */
	slba -= NVSR_MIN(NVSR_MAX(nlb / 4, 1u), slba);	/* not in the middle, where a drive may split for other reasons */
	if (nlb < 2 || slba + nlb > b.ns.blocks)
		SKIP(t, "units of %u blocks cannot cross a boundary within the namespace", nlb);
	for (unsigned r = 0; r < ROUNDS; r++) {
		unsigned n;

		failed += race(&b, r, slba, nlb);
		MUST_OK(t, "Read on the PF", dat_read(t->pf, &b.ns, slba, nlb, b.seen));
		whole += written_by_one(&b, r, slba, b.seen, slba, nlb);
		for (uint64_t lba = slba; lba < slba + nlb; lba += n, pieces++) {
			n = (unsigned)NVSR_MIN(to_boundary(&b.id, lba), slba + nlb - lba);
			mixed += !written_by_one(&b, r, slba, b.seen, lba, n);
		}
	}
	CHECK(t, !failed, "every Write completes", "%u of %u failed", failed, ROUNDS * 2 * DEPTH);
	CHECK(t, !mixed, "between two boundaries all blocks are of one Write", "%u of %u pieces are mixed", mixed,
	      pieces);
	nvsr_note(t, "boundaries every %u blocks; %u of %u crossing Writes were whole all the same",
		  le16_get(b.id.nabsn) + 1u,
		  whole, ROUNDS);
}

#define RAW (DAT_NEED_VFS | NVSR_NEED(VF_QUEUES))
static const struct nvsr_test tests[] = {
	{ .id = "units-are-consistent", .title = "atomic units of controllers and namespace fit together",
	  .requirements = REQS("SHR-03"), .needs = NVSR_NEED(NS_MGMT) | NVSR_NEED(SRIOV) | NVSR_NEED(TWO_VFS) |
	  NVSR_NEED(VF_ADMIN) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("awupf-above-awun", "nawun-below-awun"), .run = units_are_consistent },
	{ .id = "writes-never-mix", .title = "Writes of two VFs within the atomic unit are never mixed",
	  .requirements = REQS("SHR-02"), .needs = RAW, .caught_by = DEFECTS("torn-write"), .run = writes_never_mix },
	{ .id = "reads-never-mix", .title = "a Read of one VF sees a Write of another whole or not at all",
	  .requirements = REQS("SHR-02"), .needs = RAW, .caught_by = DEFECTS("torn-write"), .run = reads_never_mix },
	{ .id = "pieces-between-boundaries-never-mix",
	  .title = "pieces of a Write between atomic boundaries are never mixed",
	  .requirements = REQS("SHR-05"), .needs = RAW, .caught_by = DEFECTS("torn-write"),
	  .run = pieces_between_boundaries_never_mix },
};

const struct nvsr_group nvsr_sharing_atomic = NVSR_GROUP("sharing.atomic", tests);
