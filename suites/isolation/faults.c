// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.faults: a VF that is told to use memory it does not have - taken away, another VF's, or none at all - for data,
 * lists and queues.  Canaries in its own memory and in that of VF 1 stay as they are, whoever else uses the device goes on,
 * and a reset makes the VF work again.  The controller may stop at a refused access (CSTS.CFS), or complete a command
 * whose writes went nowhere.
 */
#include "isolation.h"
#include "suites/ring.h"

#define NEED (ISO_NEED | DAT_NEED | NVSR_NEED(VF_QUEUES) | NVSR_NEED(DMA_DOMAINS) | NVSR_NEED(CTRL_RESET))
#define PAGE 4096u
#define WAIT_MS 2000u
#define LATE_MS 300u	/* what a doorbell starts has happened by then */
#define TAG_A 0x41u	/* data of VF 1, in its memory */
#define TAG_B 0x42u
#define CANARY 0x5au

struct mem { uint8_t *p; uint64_t iova; };
enum { OF_A, BEFORE, BEHIND, CANARIES };	/* a page each: VF 1's, and VF 2's around the hole */
struct scene {
	struct iso_guest a, b;
	struct mem canary[CANARIES];
	struct mem own[3];	/* of VF 2, to be used */
	uint64_t hole;		/* a page that VF 2 had and gave back */
};

/* --- preparation -------------------------------------------------------------------------------------------------- */

static bool page_of(struct nvsr_dev *d, struct mem *m)
{
	m->p = nvsr_dma_alloc(d, PAGE, &m->iova);
	if (m->p)
		memset(m->p, CANARY, PAGE);
	return m->p;
}

static bool begin(struct nvsr_ctx *t, struct scene *s)
{
	struct mem hole = { 0 };
	bool ok;

	if (!iso_guests(t, &s->a, &s->b))
		return false;
	ok = page_of(s->a.d, &s->canary[OF_A]) && page_of(s->b.d, &s->canary[BEFORE]) && page_of(s->b.d, &hole) &&
	     page_of(s->b.d, &s->canary[BEHIND]);
	for (unsigned i = 0; ok && i < NVSR_ARRAY_SIZE(s->own); i++)
		ok = page_of(s->b.d, &s->own[i]);
	if (hole.p)
		nvsr_dma_free(s->b.d, hole.p);
	s->hole = hole.iova;
	if (!ok)
		nvsr_test_broken(t, __FILE__, __LINE__, "no DMA memory");
	return ok;
}

/* VF 2 stops before its memory goes. */
static void end(struct scene *s)
{
	if (s->b.d)
		nvsr_ctrl_disable(s->b.d);
	for (unsigned i = 0; i < CANARIES; i++)
		if (s->canary[i].p)
			nvsr_dma_free(i == OF_A ? s->a.d : s->b.d, s->canary[i].p);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(s->own); i++)
		if (s->own[i].p)
			nvsr_dma_free(s->b.d, s->own[i].p);
	*s = (struct scene){ 0 };
}
#define _cleanup_scene_ NVSR_CLEANUP(end)

/* Controller Reset, whatever state a refused access left the controller in. */
static int renew(struct nvsr_dev *d)
{
	int rc = nvsr_ctrl_disable(d);

	return rc ? rc : nvsr_ctrl_enable(d);
}

/* --- judgement ---------------------------------------------------------------------------------------------------- */

static void check_canaries(struct nvsr_ctx *t, const struct scene *s, const uint8_t *of_a, const char *what)
{
	static const char *const where[] = {
		"VF 1", "VF 2 in front of a page it gave back", "VF 2 behind a page it gave back",
	};

	for (unsigned i = 0; i < CANARIES; i++)
		CHECK(t, i == OF_A ? !memcmp(s->canary[i].p, of_a, PAGE) : dat_all(s->canary[i].p, PAGE, CANARY),
		      "memory that nothing was told to use stays as it is", "%s: memory of %s changed", what, where[i]);
}

/* Both others, while VF 2 is in whatever state it is. */
static void check_others(struct nvsr_ctx *t, struct scene *s, const char *what)
{
	struct nvme_id_ctrl id;

	CHECK_OK(t, iso_text("Identify Controller on the PF, %s", what), nvsr_id_ctrl(t->pf, &id));
	CHECK_OK(t, iso_text("Write on VF 1, %s", what), dat_write(s->a.d, &s->a.ns, 0, 8, TAG_A));
}

static void check_recovers(struct nvsr_ctx *t, struct scene *s, const char *what)
{
	if (CHECK_OK(t, iso_text("Controller Reset of VF 2, %s", what), renew(s->b.d)))
		iso_check_works(t, &s->b, TAG_B);
}

/* --- data and lists ----------------------------------------------------------------------------------------------- */

struct access { const char *what; uint8_t opcode, psdt; uint64_t prp1, prp2; unsigned nlb; };

/* On a controller that was just enabled: a queue, the command, the queue away. */
static int attempt(struct scene *s, const struct access *a)
{
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 8, .cq_entries = 8 };
	struct nvsr_cmd c = { .opcode = a->opcode, .flags = NVME_PSDT(a->psdt), .nsid = s->b.ns.nsid, .cdw12 = a->nlb - 1 };
	struct nvsr_queue *q;
	struct nvsr_req *r;
	int rc = nvsr_queue_create(s->b.d, &o, &q);

	if (rc)
		return rc;
	rc = nvsr_queue_submit_prps(q, &c, a->prp1, a->prp2, &r);
	if (!rc)
		rc = nvsr_req_wait(r, WAIT_MS, NULL);
	nvsr_queue_destroy(q);
	return rc;
}

struct attempt { struct scene *s; const struct access *a; };

static int attempt_arg(void *arg)
{
	struct attempt *try = arg;

	return attempt(try->s, try->a);
}

/* False after a check that did not hold. */
static bool check_refused(struct nvsr_ctx *t, struct scene *s, const struct access *a)
{
	return iso_check_refused(t, s->b.d, a->what, renew, attempt_arg, &(struct attempt){ s, a });
}

/* Nothing of VF 1's memory came to VF 2's namespace. */
static void check_no_trace(struct nvsr_ctx *t, struct scene *s, const char *what)
{
	_cleanup_free_ uint8_t *block = malloc(8 * s->b.ns.bs);
	int rc = block ? renew(s->b.d) : -ENOMEM;

	if (!rc)
		rc = dat_read(s->b.d, &s->b.ns, 0, 8, block);
	if (CHECK_OK(t, iso_text("Read on VF 2 after %s", what), rc))
		CHECK(t, !dat_traces(block, 8 * s->b.ns.bs, TAG_A), "nothing of VF 1 on the namespace of VF 2", "%s: there is",
		      what);
}

static void data(struct nvsr_ctx *t)
{
	_cleanup_scene_ struct scene s = { 0 };
	uint8_t of_a[PAGE];

	if (!begin(t, &s))
		return;
	const unsigned bs = s.b.ns.bs;
	const struct access table[] = {
		{ .what = "a page that VF 2 gave back", .prp1 = s.hole, .nlb = 1 },
		{ .what = "memory of VF 1", .prp1 = s.canary[OF_A].iova, .nlb = 1 },
		{ .what = "memory of its own that ends within the data", .prp1 = s.own[0].iova + PAGE - bs / 2, .prp2 = s.hole,
		  .nlb = 1 },
		{ .what = "address 0", .prp1 = 0, .nlb = 1 },
		{ .what = "the last page of the address space", .prp1 = UINT64_MAX - (PAGE - 1), .nlb = 1 },
		{ .what = "memory of its own and 4 GiB", .prp1 = s.canary[BEFORE].iova + (1ull << 32), .nlb = 1 },
		{ .what = "memory of its own and 256 TiB", .prp1 = s.canary[BEFORE].iova + (1ull << 48), .nlb = 1 },
	};

	for (unsigned i = 0; i < PAGE / bs; i++)
		dat_fill(s.canary[OF_A].p + i * bs, &s.a.ns, i, 1, TAG_A);
	memcpy(of_a, s.canary[OF_A].p, PAGE);
	for (unsigned i = 0; i < 2 * NVSR_ARRAY_SIZE(table); i++) {
		struct access a = table[i / 2];

		a.opcode = i % 2 ? NVME_CMD_READ : NVME_CMD_WRITE;
		a.what = iso_text("%s %s", i % 2 ? "Read into" : "Write from", a.what);
		if (!check_refused(t, &s, &a))
			return;
		check_canaries(t, &s, of_a, a.what);
		if (i % 2 == 0)
			check_no_trace(t, &s, a.what);
	}
	check_others(t, &s, "after refused accesses of VF 2");
	check_recovers(t, &s, "after refused accesses");
}

/* What another VF's memory says would be a good list: every page is VF 2's own. */
static void lists(struct nvsr_ctx *t)
{
	_cleanup_scene_ struct scene s = { 0 };
	bool sgl = t->inv->has & NVSR_NEED(SGL);
	uint8_t of_a[PAGE];
	unsigned nlb;

	if (!begin(t, &s))
		return;
	nlb = 3 * PAGE / s.b.ns.bs;
	if (nlb > s.b.ns.chunk)
		SKIP(t, "a command moves %u blocks at most, which takes no list", s.b.ns.chunk);
	/* SGL1: type and length stand where the upper bits of PRP2 do */
	const struct access table[] = {
		{ .what = "a PRP list in memory of VF 1", .prp1 = s.own[0].iova, .prp2 = s.canary[OF_A].iova, .nlb = nlb },
		{ .what = "a PRP list in a page that VF 2 gave back", .prp1 = s.own[0].iova, .prp2 = s.hole, .nlb = nlb },
		{ .what = "an SGL segment in memory of VF 1", .psdt = NVME_PSDT_SGL, .prp1 = s.canary[OF_A].iova + PAGE / 2,
		  .prp2 = (uint64_t)NVME_SGL_ID(NVME_SGL_LAST_SEGMENT, 0) << 56 | sizeof(struct nvme_sgl), .nlb = 1 },
		{ .what = "an SGL segment in a page that VF 2 gave back", .psdt = NVME_PSDT_SGL, .prp1 = s.hole,
		  .prp2 = (uint64_t)NVME_SGL_ID(NVME_SGL_LAST_SEGMENT, 0) << 56 | sizeof(struct nvme_sgl), .nlb = 1 },
	};
	const struct nvme_sgl block = { .addr = le64(s.own[0].iova), .len = le32(s.b.ns.bs) };

	nvsr_le_write(s.canary[OF_A].p, 8, s.own[1].iova);
	nvsr_le_write(s.canary[OF_A].p + 8, 8, s.own[2].iova);
	memcpy(s.canary[OF_A].p + PAGE / 2, &block, sizeof(block));
	memcpy(of_a, s.canary[OF_A].p, PAGE);
	for (unsigned i = 0; i < 2 * NVSR_ARRAY_SIZE(table); i++) {
		struct access a = table[i / 2];

		if (a.psdt && !sgl)
			continue;
		a.opcode = i % 2 ? NVME_CMD_READ : NVME_CMD_WRITE;
		a.what = iso_text("%s with %s", i % 2 ? "Read" : "Write", a.what);
		if (!check_refused(t, &s, &a))
			return;
		check_canaries(t, &s, of_a, a.what);
	}
	check_others(t, &s, "after refused accesses of VF 2");
	check_recovers(t, &s, "after refused accesses");
}

/* --- queues in memory of VF 1 ------------------------------------------------------------------------------------- */

/* An I/O queue pair of VF 2 with its queues at these addresses; a command is announced.  What is refused is refused. */
static int use_queues(struct scene *s, uint64_t sq, uint64_t cq)
{
	const struct nvsr_cmd create[] = {
		{ .opcode = NVME_ADMIN_CREATE_CQ, .cdw10 = 3u << 16 | 1, .cdw11 = 1 },
		{ .opcode = NVME_ADMIN_CREATE_SQ, .cdw10 = 3u << 16 | 1, .cdw11 = 1u << 16 | 1 },
	};
	uint64_t cap;
	int rc = renew(s->b.d);

	for (unsigned i = 0; !rc && i < NVSR_ARRAY_SIZE(create); i++) {
		struct nvsr_req *r;

		rc = nvsr_queue_submit_prp(nvsr_queue_admin(s->b.d), &create[i], i ? sq : cq, &r);
		if (!rc)
			rc = nvsr_req_wait(r, WAIT_MS, NULL);
	}
	if (!rc)
		rc = nvsr_reg_read(s->b.d, NVME_REG_CAP, 8, &cap);
	if (!rc)
		rc = nvsr_reg_write(s->b.d, NVME_REG_DBS + 2 * (4u << NVME_CAP_DSTRD(cap)), 4, 1);
	nvsr_dev_sleep_ms(s->b.d, LATE_MS);
	return rc;
}

/* The same for the admin queue, by registers. */
static int use_admin_queues(struct scene *s, uint64_t sq, uint64_t cq)
{
	int rc = nvsr_ctrl_disable(s->b.d);

	if (!rc)
		rc = nvsr_reg_write(s->b.d, NVME_REG_AQA, 4, 3u << 16 | 3);
	if (!rc)
		rc = nvsr_reg_write(s->b.d, NVME_REG_ASQ, 8, sq);
	if (!rc)
		rc = nvsr_reg_write(s->b.d, NVME_REG_ACQ, 8, cq);
	if (!rc)
		rc = nvsr_reg_write(s->b.d, NVME_REG_CC, 4, NVME_CC_EN | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16);
	nvsr_dev_sleep_ms(s->b.d, LATE_MS);
	if (!rc)
		rc = nvsr_reg_write(s->b.d, NVME_REG_DBS, 4, 1);
	nvsr_dev_sleep_ms(s->b.d, LATE_MS);
	return rc;
}

static void queues(struct nvsr_ctx *t)
{
	static const struct { const char *what; bool admin, sq; } table[] = {
		{ "an I/O Submission Queue in memory of VF 1", false, true },
		{ "an I/O Completion Queue in memory of VF 1", false, false },
		{ "an Admin Submission Queue in memory of VF 1", true, true },
		{ "an Admin Completion Queue in memory of VF 1", true, false },
	};
	_cleanup_scene_ struct scene s = { 0 };
	_cleanup_free_ uint8_t *block = NULL;
	uint8_t of_a[PAGE];
	int rc;

	if (!begin(t, &s))
		return;
	block = malloc(s.b.ns.bs);
	for (unsigned i = 0; block && i < NVSR_ARRAY_SIZE(table); i++) {
		/* a Write that VF 2 could execute, or as an admin command Identify into its own memory */
		const struct nvme_sqe e = { .opcode = table[i].admin ? NVME_ADMIN_IDENTIFY : NVME_CMD_WRITE,
					    .nsid = le32(table[i].admin ? 0 : s.b.ns.nsid), .prp1 = le64(s.own[2].iova),
					    .cdw10 = le32(table[i].admin ? NVME_CNS_CTRL : 0) };
		struct mem *sq = table[i].sq ? &s.canary[OF_A] : &s.own[0], *cq = table[i].sq ? &s.own[1] : &s.canary[OF_A];

		PREPARE(t, "VF 2 enabled", renew(s.b.d));
		PREPARE(t, "Write on VF 2", dat_write(s.b.d, &s.b.ns, 0, 1, TAG_B));
		memset(s.canary[OF_A].p, 0, PAGE);	/* phase tags 0: a queue that was never used */
		memset(s.own[1].p, 0, PAGE);
		memset(s.own[2].p, CANARY, PAGE);
		memcpy(sq->p, &e, sizeof(e));
		memcpy(of_a, s.canary[OF_A].p, PAGE);
		rc = (table[i].admin ? use_admin_queues : use_queues)(&s, sq->iova, cq->iova);
		nvsr_note(t, "%s: %s", table[i].what, nvsr_rc_text(rc));
		check_canaries(t, &s, of_a, table[i].what);
		if (table[i].sq)
			CHECK(t, dat_all(s.own[2].p, PAGE, CANARY) && dat_all(s.own[1].p, PAGE, 0),
			      "no command is taken from there", "%s: VF 2 executed what it says", table[i].what);
		check_others(t, &s, iso_text("with %s", table[i].what));
		MUST_OK(t, iso_text("Controller Reset of VF 2 after %s", table[i].what), renew(s.b.d));
		MUST_OK(t, "Read on VF 2", dat_read(s.b.d, &s.b.ns, 0, 1, block));
		/* a completion queue that is not its own may well keep the command from completing, not from being executed */
		if (table[i].sq)
			CHECK(t, dat_holds(block, &s.b.ns, 0, 1, TAG_B), "no command is taken from there",
			      "%s: VF 2 executed what it says", table[i].what);
	}
	iso_check_works(t, &s.b, TAG_B);
}

/* --- memory that goes while commands use it ----------------------------------------------------------------------- */

enum part { DATA, SQ, CQ, ADMIN_CQ, PARTS };
static const char *const part_name[] = {
	[DATA] = "the data buffer", [SQ] = "the submission queue", [CQ] = "the completion queue",
	[ADMIN_CQ] = "the admin completion queue",
};
#define COMMANDS 4u

/*
 * Commands on queues of our own, one part of the memory given back before or right after the controller hears of them; then
 * a reset, which also keeps the controller from the rest of the memory.  False after recording.
 */
static bool pull(struct nvsr_ctx *t, struct scene *s, enum part part, bool early, enum nvsr_reset how)
{
	_cleanup_ring_ struct ring io = { .id = 1, .sq_size = 16, .cq_size = 16 }, admin = { .sq_size = 16, .cq_size = 16 };
	struct mem data = { 0 };
	struct nvme_sqe e = { .opcode = NVME_CMD_READ, .nsid = le32(s->b.ns.nsid) };
	void **gone[] = {
		[DATA] = (void **)&data.p, [SQ] = (void **)&io.sq, [CQ] = (void **)&io.cq, [ADMIN_CQ] = (void **)&admin.cq,
	};
	int rc;

	if (!ring_take_over(t, s->b.d, &admin))
		return false;
	rc = ring_create_io(&admin, &io);
	if (!rc && !page_of(s->b.d, &data))
		rc = -ENOMEM;
	e.prp1 = le64(data.iova);
	for (unsigned i = 0; !rc && i < COMMANDS; i++)
		ring_put(&io, e);
	if (!rc && part == ADMIN_CQ)
		ring_put(&admin, (struct nvme_sqe){ .opcode = NVME_ADMIN_AER });
	if (!rc && part == ADMIN_CQ)
		rc = ring_bell(&admin);
	if (rc) {
		nvsr_test_broken(t, __FILE__, __LINE__, "commands on VF 2: %s", nvsr_rc_text(rc));
		return false;
	}
	for (unsigned i = 0; i < 2; i++) {
		if (early == (i == 0)) {
			nvsr_dma_free(s->b.d, *gone[part]);
			*gone[part] = NULL;
		} else if (part == ADMIN_CQ) {
			/* an Error event: the doorbell of a queue that is not there (Base 5.2) */
			nvsr_reg_write(s->b.d, ring_doorbell(&admin, 2, false), 4, 1);
		} else {
			ring_bell(&io);
		}
	}
	nvsr_dev_sleep_ms(s->b.d, LATE_MS);
	rc = how == NVSR_RESET_CTRL ? nvsr_ctrl_disable(s->b.d) : nvsr_reset(s->b.d, how);
	nvsr_dma_free(s->b.d, data.p);
	return CHECK_OK(t, iso_text("%s of VF 2 without %s", how == NVSR_RESET_CTRL ? "Controller Reset" : "FLR",
				    part_name[part]), rc);
}

static void unmapped_in_flight(struct nvsr_ctx *t)
{
	_cleanup_scene_ struct scene s = { 0 };
	uint8_t of_a[PAGE];

	if (!begin(t, &s))
		return;
	memcpy(of_a, s.canary[OF_A].p, PAGE);
	for (unsigned i = 0; i < 2 * PARTS; i++) {
		const char *what = iso_text("%s given back %s the doorbell", part_name[i / 2], i % 2 ? "right after" : "before");
		struct nvsr_dma_fault last = { 0 };
		uint64_t before = iso_faults(t->pf, NULL);

		if (!pull(t, &s, (enum part)(i / 2), i % 2 == 0, NVSR_RESET_CTRL))
			return;
		if (iso_faults(t->pf, &last) > before)
			CHECK_EQ(t, iso_text("routing id of the refused access, %s", what), nvsr_dev_rid(s.b.d), last.rid);
		else
			nvsr_note(t, "%s: no refused access seen", what);
		check_canaries(t, &s, of_a, what);
		check_others(t, &s, what);
		check_recovers(t, &s, what);
	}
}

static void resets_help(struct nvsr_ctx *t)
{
	_cleanup_scene_ struct scene s = { 0 };

	if (!begin(t, &s))
		return;
	for (unsigned i = 0; i < 4; i++) {
		if (!pull(t, &s, i % 2 ? CQ : SQ, true, i < 2 ? NVSR_RESET_CTRL : NVSR_RESET_FLR))
			return;
		MUST_OK(t, iso_text("VF 2 enabled after %s was given back", part_name[i % 2 ? CQ : SQ]),
			nvsr_ctrl_enable(s.b.d));
		iso_check_works(t, &s.b, TAG_B);
	}
	check_others(t, &s, "after resets of VF 2");
}

static const struct nvsr_test tests[] = {
	{ .id = "data", .title = "addresses that VF 2 does not have are refused and lead nowhere else",
	  .requirements = REQS("ISO-30"), .needs = NEED, .limit_s = 180,
	  .caught_by = DEFECTS("vf-data-dma-as-vf1", "dma-address-32-bits"), .run = data },
	{ .id = "lists", .title = "PRP lists and SGL segments are read from memory that VF 2 has",
	  .requirements = REQS("ISO-30"), .needs = NEED, .limit_s = 180, .caught_by = DEFECTS("vf-list-dma-as-vf1"),
	  .run = lists },
	{ .id = "queues", .title = "queues in memory of VF 1 are neither read nor written by VF 2",
	  .requirements = REQS("ISO-30"), .needs = NEED | NVSR_NEED(VF_REG_WRITE), .limit_s = 120,
	  .caught_by = DEFECTS("queue-dma-repeated-as-vf1"), .run = queues },
	{ .id = "unmapped-in-flight", .title = "memory given back under commands of VF 2 harms nobody, and a reset helps",
	  .requirements = REQS("ISO-30", "ISO-01"), .needs = NEED | NVSR_NEED(VF_REG_WRITE), .limit_s = 120,
	  .caught_by = DEFECTS("dma-fault-kills-pf", "queue-fault-stops-siblings"), .run = unmapped_in_flight },
	{ .id = "resets-help", .title = "a VF whose queues were given back works again after Controller Reset, and after FLR",
	  .requirements = REQS("ISO-02", "ISO-03"), .needs = NEED | NVSR_NEED(VF_REG_WRITE) | NVSR_NEED(FLR), .limit_s = 60,
	  .caught_by = DEFECTS("fault-survives-controller-reset", "fault-survives-flr"), .run = resets_help },
};
const struct nvsr_group nvsr_isolation_faults = NVSR_GROUP("isolation.faults", tests);
