// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The queues of a VF at the level of entries and doorbells: a VF is a complete controller only if its queues behave.
 * The tests take the admin queue over from the access method and drive it by themselves.
 */
#include "pf.h"

#define PAGE 4096u
#define WAIT_MS 2000u
#define QUIET_MS 100u	/* for what must not come */

/* A queue pair in memory of our own; id 0 is the admin queue pair. */
struct ring {
	struct nvsr_dev *dev;
	struct nvme_sqe *sq;
	struct nvme_cqe *cq;
	uint64_t sq_iova, cq_iova;
	unsigned id, stride, sq_size, cq_size, tail, head, phase;
	uint16_t cid;
};

static uint64_t doorbell(const struct ring *r, unsigned id, bool cq)
{
	return NVME_REG_DBS + (2 * id + cq) * (uint64_t)r->stride;
}

static bool ring_alloc(struct ring *r)
{
	r->sq = nvsr_dma_alloc(r->dev, PAGE, &r->sq_iova);
	r->cq = nvsr_dma_alloc(r->dev, PAGE, &r->cq_iova);
	if (!r->sq || !r->cq)
		return false;
	memset(r->sq, 0, PAGE);
	memset(r->cq, 0, PAGE);
	r->phase = 1;
	return true;
}

/* The controller stops before its memory goes. */
static void ring_end(struct ring *r)
{
	if (!r->dev)
		return;
	if (!r->id)
		nvsr_ctrl_disable(r->dev);
	if (r->sq)
		nvsr_dma_free(r->dev, r->sq);
	if (r->cq)
		nvsr_dma_free(r->dev, r->cq);
	r->dev = NULL;
}
#define _cleanup_ring_ NVSR_CLEANUP(ring_end)

static bool is_ready(struct nvsr_dev *d, void *arg)
{
	uint64_t csts;

	return !nvsr_reg_read(d, NVME_REG_CSTS, 4, &csts) && csts & NVME_CSTS_RDY;
}

/* Start the controller of VF @vfn with an admin queue pair of ours.  False after recording. */
static bool take_over(struct nvsr_ctx *t, unsigned vfn, struct ring *r)
{
	struct nvsr_dev *vf = pf_vf_online(t, vfn, true);
	uint64_t cap = 0;
	int rc;

	if (!vf)
		return false;
	rc = nvsr_ctrl_disable(vf);
	if (!rc)
		rc = nvsr_reg_read(vf, NVME_REG_CAP, 8, &cap);
	r->dev = vf;
	r->stride = 4u << NVME_CAP_DSTRD(cap);
	if (!rc && !ring_alloc(r))
		rc = -ENOMEM;
	if (!rc)
		rc = nvsr_reg_write(vf, NVME_REG_AQA, 4, (r->cq_size - 1) << 16 | (r->sq_size - 1));
	if (!rc)
		rc = nvsr_reg_write(vf, NVME_REG_ASQ, 8, r->sq_iova);
	if (!rc)
		rc = nvsr_reg_write(vf, NVME_REG_ACQ, 8, r->cq_iova);
	if (!rc)
		rc = nvsr_reg_write(vf, NVME_REG_CC, 4, NVME_CC_EN | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16);
	if (!rc && !nvsr_dev_wait(vf, NVME_CAP_TO(cap) * 500, is_ready, NULL))
		rc = -ETIMEDOUT;
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "starting VF %u with queues of our own: %s", vfn, nvsr_rc_text(rc));
	return !rc;
}

/* Put @e into the queue; the doorbell is rung by ring_bell(). */
static uint16_t put(struct ring *r, struct nvme_sqe e)
{
	e.cid = le16(r->cid);
	r->sq[r->tail] = e;
	r->tail = (r->tail + 1) % r->sq_size;
	return r->cid++;
}

static int ring_bell(struct ring *r)
{
	return nvsr_reg_write(r->dev, (unsigned)doorbell(r, r->id, false), 4, r->tail);
}

static bool has_entry(struct nvsr_dev *d, void *arg)
{
	struct ring *r = arg;

	return (le16_get(((volatile struct nvme_cqe *)r->cq)[r->head].status) & 1) == r->phase;
}

/* The next completion within @ms; consumed, and the controller told so.  False: none came. */
static bool take(struct ring *r, unsigned ms, struct nvme_cqe *ret)
{
	if (!nvsr_dev_wait(r->dev, ms, has_entry, r))
		return false;
	*ret = r->cq[r->head];
	r->head = (r->head + 1) % r->cq_size;
	if (!r->head)
		r->phase ^= 1;
	nvsr_reg_write(r->dev, (unsigned)doorbell(r, r->id, true), 4, r->head);
	return true;
}

/* One command and its status without phase; -1 when no completion came. */
static int command(struct ring *r, struct nvme_sqe e, struct nvme_cqe *ret)
{
	put(r, e);
	if (ring_bell(r) || !take(r, WAIT_MS, ret))
		return -1;
	return le16_get(ret->status) >> 1 & 0x7ff;
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
		uint16_t cid = put(&r, get_features());

		PREPARE(t, "ringing the doorbell", ring_bell(&r));
		MUST(t, take(&r, WAIT_MS, &c), "a completion with the phase tag of this pass", "none for command %u", i);
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
		put(&r, get_features());
	PREPARE(t, "ringing the doorbell", ring_bell(&r));
	nvsr_dev_sleep_ms(r.dev, QUIET_MS);
	for (i = 0; i < r.cq_size; i++)
		seen += le16_get(r.cq[i].status) & 1;
	CHECK(t, seen <= room, "a completion queue of n entries holds n - 1", "%u of %u entries written", seen, r.cq_size);
	for (i = 0, seen = 0; i < 8 && take(&r, WAIT_MS, &c); i++)
		seen |= 1u << (le16_get(c.cid) & 0xf);
	CHECK(t, seen == 0xff, "every command completes once as room is made", "commands seen: %02Xh", seen);
}

static int create_io_queues(struct ring *admin, struct ring *io)
{
	struct nvme_sqe cq = { .opcode = NVME_ADMIN_CREATE_CQ, .prp1 = le64(io->cq_iova),
			       .cdw10 = le32((io->cq_size - 1) << 16 | io->id), .cdw11 = le32(1) };
	struct nvme_sqe sq = { .opcode = NVME_ADMIN_CREATE_SQ, .prp1 = le64(io->sq_iova),
			       .cdw10 = le32((io->sq_size - 1) << 16 | io->id), .cdw11 = le32(io->id << 16 | 1) };
	struct nvme_cqe c;
	int rc = command(admin, cq, &c);

	return rc ? rc : command(admin, sq, &c);
}

#define LIST_PAGES 4u

static void prp_list_is_checked(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring io = { .id = 1, .sq_size = 8, .cq_size = 8 }, admin = { .sq_size = 8, .cq_size = 8 };
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	int scid = nsid ? nvsr_t_scid(t, 1) : -1;
	uint64_t data_iova, list_iova;
	uint8_t *data, *list;
	struct nvme_id_ns id;
	struct nvme_cqe c;
	struct nvme_sqe e = { .opcode = NVME_CMD_READ, .nsid = le32(nsid) };
	unsigned i, bytes;

	if (scid < 0)
		return;
	PREPARE(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &id));
	bytes = nvme_lbaf_bytes(&id.lbaf[NVME_FLBAS_INDEX(id.flbas)]);
	if (!bytes || bytes > LIST_PAGES * PAGE)
		BROKEN(t, "namespace %u has blocks of 2^%u bytes", nsid, id.lbaf[NVME_FLBAS_INDEX(id.flbas)].lbads);
	PREPARE(t, "attaching a namespace to VF 1", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	if (!take_over(t, 1, &admin))
		return;
	io.dev = admin.dev;
	io.stride = admin.stride;
	data = nvsr_dma_alloc(io.dev, LIST_PAGES * PAGE, &data_iova);
	list = nvsr_dma_alloc(io.dev, PAGE, &list_iova);
	if (!ring_alloc(&io) || !data || !list)
		BROKEN(t, "no DMA memory");
	PREPARE(t, "creating I/O queues", create_io_queues(&admin, &io));
	for (i = 1; i < LIST_PAGES; i++)
		nvsr_le_write(list + (i - 1) * 8, 8, data_iova + i * PAGE);
	e.prp1 = le64(data_iova);
	e.prp2 = le64(list_iova);
	e.cdw12 = le32(LIST_PAGES * PAGE / bytes - 1);
	MUST_EQ(t, "status of Read with a correct PRP list", 0, (uint64_t)command(&io, e, &c));
	nvsr_le_write(list + 8, 8, data_iova + 2 * PAGE + 512);
	CHECK_STATUS_IN(t, "Read with an offset in a PRP list entry", command(&io, e, &c), NVME_SC_PRP_OFFSET_INVALID,
			NVME_SC_INVALID_FIELD);
}

static void doorbells_are_its_own(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring one = { .sq_size = 8, .cq_size = 8 }, two = { .sq_size = 8, .cq_size = 8 };
	struct nvme_cqe c;

	if (!take_over(t, 1, &one) || !take_over(t, 2, &two))
		return;
	put(&one, get_features());	/* lies in VF 1's queue; only VF 2 is told that there is something */
	put(&two, get_features());
	PREPARE(t, "ringing the doorbell of VF 2", ring_bell(&two));
	CHECK(t, take(&two, WAIT_MS, &c), "VF 2 executes what its own doorbell announces", "no completion");
	CHECK(t, !take(&one, QUIET_MS, &c), "VF 1 does nothing", "it completed a command");
}

/* Doorbells of queues that do not exist, and a tail beyond the queue that does. */
static int ring_wrong_doorbells(struct ring *r)
{
	int rc = nvsr_reg_write(r->dev, (unsigned)doorbell(r, 1, false), 4, 1);

	if (!rc)
		rc = nvsr_reg_write(r->dev, (unsigned)doorbell(r, 1, true), 4, 1);
	return rc ? rc : nvsr_reg_write(r->dev, (unsigned)doorbell(r, 0, false), 4, r->sq_size + 7);
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
	put(&r, (struct nvme_sqe){ .opcode = NVME_ADMIN_AER });
	PREPARE(t, "submitting an Asynchronous Event Request", ring_bell(&r));
	PREPARE(t, "writing the doorbell of a queue that does not exist",
		nvsr_reg_write(r.dev, (unsigned)doorbell(&r, 1, false), 4, 1));
	MUST(t, take(&r, WAIT_MS, &c), "an event for a write to an invalid doorbell", "none");
	dw0 = le32_get(c.dw0);
	CHECK(t, (dw0 & 7) == NVME_AEN_ERROR && (dw0 >> 8 & 0xff) <= 1, "an Error event, information 00h or 01h",
	      "event %06Xh", dw0);
}

#define RAW (NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(QUEUES) | NVSR_NEED(REG_READ) | NVSR_NEED(REG_WRITE))

static const struct nvsr_test tests[] = {
	{ .id = "entries-are-exact", .title = "completions of a VF carry phase, identifiers and head pointer as they should",
	  .requirements = REQS("PCIE-44"), .needs = RAW,
	  .caught_by = DEFECTS("phase-not-inverted", "sqhd-stale"), .run = entries_are_exact },
	{ .id = "full-queue-waits", .title = "a VF does not overrun its completion queue",
	  .requirements = REQS("PCIE-44"), .needs = RAW,
	  .caught_by = DEFECTS("cq-overrun"), .run = full_queue_waits },
	{ .id = "prp-list-is-checked", .title = "a VF rejects a PRP list entry with a page offset",
	  .requirements = REQS("PCIE-44"), .needs = RAW | NVSR_NEED(NS_MGMT) | NVSR_NEED(VIRT_MGMT) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("prp-list-offset-ignored"), .run = prp_list_is_checked },
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
