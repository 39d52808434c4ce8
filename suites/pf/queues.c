// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queues of a VF at the level of entries and doorbells: a VF is a complete controller only if its queues behave.
 * The tests take the admin queue over from the access method and drive it by themselves.
 */
#include "pf.h"
#include "suites/ring.h"

#define WAIT_MS RING_WAIT_MS
#define QUIET_MS NVSR_QUIET_MS	/* for what must not come */

static bool take_over(struct nvsr_ctx *t, unsigned vfn, struct ring *r)
{
	struct nvsr_dev *vf = pf_vf_online(t, vfn, true);

	return vf && ring_take_over(t, vf, r);
}

static struct nvme_sqe get_features(void)
{
	return (struct nvme_sqe){ .opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = le32(NVME_FEAT_NUM_QUEUES) };
}

static void entries_are_exact(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring r = { .sq_size = 4, .cq_size = 4 };
	struct nvme_cqe c;
	unsigned i;

	if (!take_over(t, 1, &r))
		return;
	/* Three times around: the phase tag inverts at each. */
	for (i = 0; i < 12; i++) {
		uint16_t cid = ring_put(&r, get_features());

		PREPARE(t, "ringing the doorbell", ring_bell(&r));
		MUST(t, ring_take(&r, WAIT_MS, &c), "a completion with the phase tag of this pass", "none for command %u", i);
		MUST_EQ(t, "CID of the completion", cid, le16_get(c.cid));
		MUST_EQ(t, "status of Get Features", 0, le16_get(c.status) >> 1);
		MUST_EQ(t, "SQ Identifier", 0, le16_get(c.sqid));
		MUST_EQ(t, "SQ Head Pointer", (i + 1) % r.sq_size, le16_get(c.sqhd));
	}
}

static void full_queue_waits(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring r = { .sq_size = 16, .cq_size = 4 };
	unsigned room = r.cq_size - 1, seen = 0, i;
	struct nvme_cqe c;

	if (!take_over(t, 1, &r))
		return;
	for (i = 0; i < 8; i++)
		ring_put(&r, get_features());
	PREPARE(t, "ringing the doorbell", ring_bell(&r));
	nvsr_dev_sleep_ms(r.dev, QUIET_MS);
	for (i = 0; i < r.cq_size; i++)
		seen += le16_get(r.cq[i].status) & 1;
	CHECK(t, seen <= room, "a completion queue of n entries holds n - 1", "%u of %u entries written", seen, r.cq_size);
	for (i = 0, seen = 0; i < 8 && ring_take(&r, WAIT_MS, &c); i++)
		seen |= 1u << (le16_get(c.cid) & 0xf);
	CHECK(t, seen == 0xff, "every command completes once as room is made", "commands seen: %02Xh", seen);
}

static void doorbells_are_its_own(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring one = { .sq_size = 8, .cq_size = 8 }, two = { .sq_size = 8, .cq_size = 8 };
	struct nvme_cqe c;

	if (!take_over(t, 1, &one) || !take_over(t, 2, &two))
		return;
	ring_put(&one, get_features());	/* lies in VF 1's queue; only VF 2 is told that there is something */
	ring_put(&two, get_features());
	PREPARE(t, "ringing the doorbell of VF 2", ring_bell(&two));
	CHECK(t, ring_take(&two, WAIT_MS, &c), "VF 2 executes what its own doorbell announces", "no completion");
	CHECK(t, !ring_take(&one, QUIET_MS, &c), "VF 1 does nothing", "it completed a command");
}

/* Doorbells of queues that do not exist, and a tail beyond the queue that does. */
static int ring_wrong_doorbells(struct ring *r)
{
	int rc = nvsr_reg_write(r->dev, ring_doorbell(r, 1, false), 4, 1);

	if (!rc)
		rc = nvsr_reg_write(r->dev, ring_doorbell(r, 1, true), 4, 1);
	return rc ? rc : nvsr_reg_write(r->dev, ring_doorbell(r, 0, false), 4, r->sq_size + 7);
}

static void bad_doorbell_is_local(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring r = { .sq_size = 8, .cq_size = 8 };
	struct nvsr_dev *other = nvsr_t_vf(t, 2);

	if (!other || !take_over(t, 1, &r))
		return;
	PREPARE(t, "writing invalid doorbells of VF 1", ring_wrong_doorbells(&r));
	nvsr_dev_sleep_ms(r.dev, QUIET_MS);
	CHECK_OK(t, "Identify Controller on the PF", pf_alive(t->pf));
	CHECK_OK(t, "Identify Controller on VF 2", pf_alive(other));
}

static void bad_doorbell_is_told(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring r = { .sq_size = 8, .cq_size = 8 };
	struct nvme_cqe c;
	uint32_t dw0;

	if (!take_over(t, 1, &r))
		return;
	ring_put(&r, (struct nvme_sqe){ .opcode = NVME_ADMIN_AER });
	PREPARE(t, "submitting an Asynchronous Event Request", ring_bell(&r));
	nvsr_dev_sleep_ms(r.dev, QUIET_MS);	/* until it was fetched */
	PREPARE(t, "writing the doorbell of a queue that does not exist",
		nvsr_reg_write(r.dev, ring_doorbell(&r, 1, false), 4, 1));
	MUST(t, ring_take(&r, WAIT_MS, &c), "an event for a write to an invalid doorbell", "none");
	dw0 = le32_get(c.dw0);
	CHECK(t, (dw0 & 7) == NVME_AEN_ERROR && (dw0 >> 8 & 0xff) <= 1, "an Error event, information 00h or 01h",
	      "event %06Xh", dw0);
}

#define RAW RING_NEED

static const struct nvsr_test tests[] = {
	{ .id = "entries-are-exact", .title = "completions of a VF carry phase, identifiers and head pointer as they should",
	  .requirements = REQS("PCIE-44"), .needs = RAW,
	  .caught_by = DEFECTS("phase-not-inverted", "sqhd-stale"), .run = entries_are_exact },
	{ .id = "full-queue-waits", .title = "a VF does not overrun its completion queue",
	  .requirements = REQS("PCIE-44"), .needs = RAW,
	  .caught_by = DEFECTS("cq-overrun"), .run = full_queue_waits },
	{ .id = "doorbells-are-its-own", .title = "a doorbell of one VF rings the queue of that VF only",
	  .requirements = REQS("PCIE-44", "ISO-01"), .needs = RAW | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("vf-doorbell-hits-sibling"), .run = doorbells_are_its_own },
	{ .id = "bad-doorbell-is-local", .title = "invalid doorbell writes of a VF do not disturb PF and VF 2",
	  .requirements = REQS("ISO-01", "PCIE-44"), .needs = RAW | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("vf-bad-doorbell-kills-pf"), .run = bad_doorbell_is_local },
	{ .id = "bad-doorbell-is-told", .title = "a write to an invalid doorbell of a VF is reported to that VF",
	  .requirements = REQS("PCIE-44"), .needs = RAW,
	  .caught_by = DEFECTS("bad-doorbell-silent"), .run = bad_doorbell_is_told },
};
const struct nvsr_group nvsr_pf_queues = NVSR_GROUP("pf.queues", tests);
