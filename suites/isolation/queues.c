// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.queues: queues, doorbells, completions and interrupts of one VF are no other's.  Base 2.0 3.3, 3.7.  Single
 * doorbells and masks are pf.queues and pf.msix; here VFs use queues of the same ids at the same time.
 */
#include "isolation.h"

#define ENTRIES 4u
#define NEED (ISO_NEED | NVSR_NEED(VF_QUEUES) | NVSR_NEED(IO) | NVSR_NEED(NS_MGMT))
#define BLOCKS 8u

/* A VF with a namespace of its own and I/O queue pair 1. */
struct user { struct nvsr_dev *d; struct dat_ns ns; struct nvsr_queue *q; };

static void user_end(struct user *u)
{
	nvsr_queue_destroy(u->q);
	u->q = NULL;
}
#define _cleanup_user_ NVSR_CLEANUP(user_end)

static int make_queue(struct nvsr_dev *d, uint16_t qid, struct nvsr_queue **ret)
{
	struct nvsr_queue_opts o = { .qid = qid, .sq_entries = ENTRIES, .cq_entries = ENTRIES, .vector = 1, .irq = true };
	int rc = nvsr_queue_create(d, &o, ret);

	if (rc == NVME_SC_INVALID_VECTOR) {	/* a device that gave one vector */
		o.vector = 0;
		rc = nvsr_queue_create(d, &o, ret);
	}
	return rc;
}

static bool users(struct nvsr_ctx *t, struct user *a, struct user *b)
{
	return iso_vfs(t, 0, &a->d, &b->d) && iso_private_ns(t, a->d, &a->ns) && iso_private_ns(t, b->d, &b->ns) &&
	       CHECK_OK(t, "queue pair 1 on VF 1", make_queue(a->d, 1, &a->q)) &&
	       CHECK_OK(t, "queue pair 1 on VF 2", make_queue(b->d, 1, &b->q));
}

static struct nvsr_cmd rw(const struct user *u, bool write, void *buf)
{
	return (struct nvsr_cmd){ .opcode = write ? NVME_CMD_WRITE : NVME_CMD_READ, .nsid = u->ns.nsid, .data = buf,
				  .data_len = u->ns.bs };
}

/* One command on the user's queue; a status or a negative errno. */
static int run(struct user *u, struct nvsr_cmd c)
{
	struct nvsr_req *r;
	int rc = nvsr_queue_submit(u->q, &c, &r);

	return rc ? rc : nvsr_req_wait(r, 2000, &c);
}

static void check_works(struct nvsr_ctx *t, struct user *u, unsigned tag, const char *when)
{
	_cleanup_free_ uint8_t *buf = malloc(u->ns.bs);

	if (!buf)
		BROKEN(t, "no memory");
	dat_fill(buf, &u->ns, 0, 1, tag);
	MUST_OK(t, iso_text("Write on %s %s", nvsr_dev_name(u->d), when), run(u, rw(u, true, buf)));
	memset(buf, 0, u->ns.bs);
	MUST_OK(t, iso_text("Read on %s %s", nvsr_dev_name(u->d), when), run(u, rw(u, false, buf)));
	CHECK(t, dat_holds(buf, &u->ns, 0, 1, tag), "the data that was written", "%s %s: other data", nvsr_dev_name(u->d), when);
}

/* The two commands that are outstanding together have the same identifier in queues of the same id. */
static void ids_repeat(struct nvsr_ctx *t)
{
	_cleanup_user_ struct user b = { 0 }, a = { 0 };
	_cleanup_free_ uint8_t *buf = NULL;
	struct nvsr_req *ra, *rb;
	struct nvsr_cmd ca, cb;

	if (!users(t, &a, &b))
		return;
	buf = malloc(a.ns.bs + b.ns.bs);
	if (!buf)
		BROKEN(t, "no memory");
	dat_fill(buf, &a.ns, 0, 1, 1);
	dat_fill(buf + a.ns.bs, &b.ns, 0, 1, 2);
	ca = rw(&a, true, buf);
	cb = rw(&b, true, buf + a.ns.bs);
	PREPARE(t, "Write on VF 1", nvsr_queue_submit(a.q, &ca, &ra));
	PREPARE(t, "Write on VF 2", nvsr_queue_submit(b.q, &cb, &rb));
	CHECK_OK(t, "Write on VF 2", nvsr_req_wait(rb, 2000, NULL));
	CHECK_OK(t, "Write on VF 1", nvsr_req_wait(ra, 2000, NULL));
	check_works(t, &a, 3, "with queue 1 on VF 2");
	check_works(t, &b, 4, "with queue 1 on VF 1");
}

static void delete_is_local(struct nvsr_ctx *t)
{
	_cleanup_user_ struct user b = { 0 }, a = { 0 };
	int rc;

	if (!users(t, &a, &b))
		return;
	rc = nvsr_queue_destroy(a.q);
	a.q = NULL;
	MUST_OK(t, "deleting queue pair 1 of VF 1", rc);
	check_works(t, &b, 5, "after queue 1 of VF 1 was deleted");
	MUST_OK(t, "queue pair 1 of VF 1 again", make_queue(a.d, 1, &a.q));
	check_works(t, &a, 6, "with a new queue 1");
	check_works(t, &b, 7, "after queue 1 of VF 1 came back");
}

/* As many completions as fit, none of them consumed. */
static void full_queue_is_local(struct nvsr_ctx *t)
{
	_cleanup_user_ struct user b = { 0 }, a = { 0 };
	struct nvsr_req *r[ENTRIES];
	struct nvsr_cmd flush = { .opcode = NVME_CMD_FLUSH };
	unsigned i;

	if (!users(t, &a, &b))
		return;
	flush.nsid = a.ns.nsid;
	for (i = 0; i < ENTRIES - 1; i++)
		PREPARE(t, "Flush on VF 1", nvsr_queue_submit(a.q, &flush, &r[i]));
	nvsr_dev_sleep_ms(a.d, 100);
	check_works(t, &b, 8, "while the completion queue of VF 1 is full");
	for (i = 0; i < ENTRIES - 1; i++)
		CHECK_OK(t, "Flush on VF 1", nvsr_req_wait(r[i], 2000, NULL));
}

/* Doorbells of queue 1: a tail and a head beyond the queue, a head beyond what was completed, and queues there are not. */
static int ring_wrong(struct nvsr_dev *d)
{
	static const struct { unsigned index; uint32_t value; } wrong[] = {
		{ 2, ENTRIES + 3 }, { 2, 0xffff }, { 3, ENTRIES + 3 }, { 3, ENTRIES - 1 },
	};
	uint64_t cap;
	unsigned i;
	int rc = nvsr_reg_read(d, NVME_REG_CAP, 8, &cap);

	for (i = 0; i < NVSR_ARRAY_SIZE(wrong) && !rc; i++)
		rc = nvsr_reg_write(d, NVME_REG_DBS + wrong[i].index * (4u << NVME_CAP_DSTRD(cap)), 4, wrong[i].value);
	return rc ? rc : iso_provoke(d);
}

static void wrong_doorbells_are_local(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap trap = { 0 };
	_cleanup_user_ struct user b = { 0 }, a = { 0 };
	struct nvme_id_ctrl id;
	uint64_t csts;

	if (!users(t, &a, &b) || !iso_trap_begin(t, &trap, b.d, 1))
		return;
	PREPARE(t, "invalid doorbell writes on VF 1", ring_wrong(a.d));
	nvsr_dev_sleep_ms(a.d, 100);
	check_works(t, &b, 9, "after invalid doorbell writes on VF 1");
	CHECK(t, !iso_trap_sprung(&trap, ISO_EVENT_MS), "no event on VF 2", "DW0 %08Xh", trap.result.dw0);
	CHECK_OK(t, "Identify Controller on the PF", nvsr_id_ctrl(t->pf, &id));
	PREPARE(t, "reading CSTS", nvsr_reg_read(b.d, NVME_REG_CSTS, 4, &csts));
	CHECK_EQ(t, "CSTS of VF 2 after invalid doorbell writes on VF 1", NVME_CSTS_RDY, csts);
}

/* All messages of @d, those under way too: the method counts as many vectors as it has set up. */
static int interrupts(struct nvsr_dev *d, uint64_t *ret)
{
	uint64_t one;
	unsigned v;
	int rc = nvsr_irq_settled(d, 0, ret);

	for (v = 1; !rc && v < 8 && !nvsr_irq_count(d, v, &one); v++)
		*ret += one;
	return rc;
}

/*
 * A message is a DMA write: it carries the routing id of the function it comes from.  Messages of the PF are counted where
 * its driver lets us; two that follow each other closely may be taken for one.
 */
static void interrupts_are_its_own(struct nvsr_ctx *t)
{
	_cleanup_user_ struct user b = { 0 }, a = { 0 };
	uint64_t a0, b0, pf0, a1, b1, pf1;
	bool pf;

	if (!users(t, &a, &b))
		return;
	if (interrupts(a.d, &a0) || interrupts(b.d, &b0))
		SKIP(t, "the access method does not count interrupts");
	pf = !interrupts(t->pf, &pf0);
	check_works(t, &a, 10, "while interrupts are counted");
	PREPARE(t, "interrupts", interrupts(a.d, &a1) | interrupts(b.d, &b1));
	CHECK(t, a1 - a0 == 1 || a1 - a0 == 2, "messages of VF 1 for its two commands", "%llu",
	      (unsigned long long)(a1 - a0));
	CHECK_EQ(t, "messages of VF 2 meanwhile", 0, b1 - b0);
	if (pf && !interrupts(t->pf, &pf1))
		CHECK_EQ(t, "messages of the PF meanwhile", 0, pf1 - pf0);
}

#define QUOTA 4u	/* VQ of VF 2: three I/O queues, where VF 1 has two VQ: one */

static void quota_is_its_own(struct nvsr_ctx *t)
{
	struct nvsr_queue *q[QUOTA] = { NULL }, *extra = NULL;
	struct nvsr_dev *a = nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf_with(t, 1, 2, 2) : NULL;
	struct nvsr_dev *b = a ? nvsr_t_vf_with(t, 2, QUOTA, 2) : NULL;
	unsigned i;
	int rc;

	if (!b)
		return;
	for (i = 1; i < QUOTA; i++)
		CHECK_OK(t, iso_text("queue pair %u on VF 2, which has %u VQ", i, QUOTA), make_queue(b, (uint16_t)i, &q[i]));
	rc = make_queue(a, QUOTA - 1, &extra);
	CHECK_STATUS(t, iso_text("queue pair %u on VF 1, which has 2 VQ", QUOTA - 1), NVME_SC_QID_INVALID, rc);
	for (i = 1; i < QUOTA; i++)
		if (q[i])
			CHECK_OK(t, iso_text("deleting queue pair %u of VF 2", i), nvsr_queue_destroy(q[i]));
	nvsr_queue_destroy(extra);
}

/* --- Abort -------------------------------------------------------------------------------------------------------- */

#define CIDS 64u	/* more than requests are numbered by here */

/* Abort of every command identifier of the admin queue but its own; DW0 bit 0 = 1 says that nothing was aborted. */
static unsigned abort_all(struct nvsr_ctx *t, struct nvsr_dev *d)
{
	unsigned cid, hits = 0;

	for (cid = 0; cid < CIDS; cid++) {
		struct nvsr_cmd c = { .opcode = NVME_ADMIN_ABORT, .cdw10 = cid << 16 };

		if (!CHECK_OK(t, iso_text("Abort of command %u on %s", cid, nvsr_dev_name(d)), nvsr_admin(d, &c)))
			break;
		hits += !(c.dw0 & 1);
	}
	return hits;
}

static void abort_is_local(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap w = { 0 };
	struct nvsr_dev *a, *b;

	if (!iso_vfs(t, 0, &a, &b) || !iso_trap_begin(t, &w, a, 2))
		return;
	CHECK_EQ(t, "commands that VF 2 aborted, having none outstanding", 0, abort_all(t, b));
	CHECK_EQ(t, "commands that the PF aborted, having none outstanding", 0, abort_all(t, t->pf));
	CHECK(t, !iso_trap_sprung(&w, ISO_EVENT_MS), "the requests of VF 1 stay outstanding", "one completed with %s",
	      nvsr_rc_text(w.result.status & 0x7ff));
	nvsr_note(t, "Abort on VF 1 itself reached %u of 2 requests", abort_all(t, a));
}

static const struct nvsr_test tests[] = {
	{ .id = "ids-repeat", .title = "two VFs use queues and commands of the same ids at the same time",
	  .requirements = REQS("ISO-01"), .needs = NEED, .caught_by = DEFECTS("qid-in-use-by-sibling"), .run = ids_repeat },
	{ .id = "delete-is-local", .title = "deleting a queue of one VF leaves the queue of that id of another",
	  .requirements = REQS("ISO-01"), .needs = NEED, .caught_by = DEFECTS("delete-sq-hits-siblings"),
	  .run = delete_is_local },
	{ .id = "full-queue-is-local", .title = "a full completion queue of one VF stops no other",
	  .requirements = REQS("ISO-01"), .needs = NEED, .caught_by = DEFECTS("full-cq-stalls-siblings"),
	  .run = full_queue_is_local },
	{ .id = "wrong-doorbells-are-local", .title = "invalid doorbell values of one VF reach no other controller",
	  .requirements = REQS("ISO-01"), .needs = NEED | NVSR_NEED(VF_REG_WRITE) | NVSR_NEED(VF_AER),
	  .caught_by = DEFECTS("vf-bad-doorbell-kills-pf", "event-to-siblings"), .run = wrong_doorbells_are_local },
	{ .id = "interrupts-are-its-own", .title = "completions of one VF raise interrupts of that VF only",
	  .requirements = REQS("ISO-30", "ISO-01", "PCIE-41"), .needs = NEED, .caught_by = DEFECTS("vf-msi-as-pf"),
	  .run = interrupts_are_its_own },
	{ .id = "quota-is-its-own", .title = "the queues of a VF are those of its VQ resources, whatever another VF has",
	  .requirements = REQS("VIRT-44", "ISO-01"), .needs = ISO_NEED | NVSR_NEED(VF_QUEUES) | NVSR_NEED(VIRT_MGMT) | NVSR_NEED(VQ),
	  .caught_by = DEFECTS("queue-quota-shared", "qid-beyond-nvq-accepted"), .run = quota_is_its_own },
	{ .id = "abort-is-local", .title = "Abort reaches no command of another controller",
	  .requirements = REQS("ISO-19"), .needs = ISO_NEED | NVSR_NEED(VF_AER) | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("abort-hits-siblings"), .run = abort_is_local },
};
const struct nvsr_group nvsr_isolation_queues = NVSR_GROUP("isolation.queues", tests);
