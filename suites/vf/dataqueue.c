// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Controller Data Queues, Base 2.2 5.1.4: the PF creates and deletes queues of the changes that VF 1 makes to user data, as
 * many as Identify Controller says.  What is in them is Track Send's.
 */
#include "vf.h"

#define NEEDS (VF_ANY | NVSR_NEED(MIGRATION) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(QUEUES))
#define PAGE 4096u
#define MOST 64u	/* queues that a test makes at most */

struct queues { struct nvsr_ctx *t; uint8_t *mem; uint64_t iova; unsigned cntlid, n; uint16_t id[MOST]; };

static int run(struct nvsr_ctx *t, struct nvsr_cmd *c, uint64_t prp1)
{
	struct nvsr_req *r;
	int rc = nvsr_queue_submit_prp(nvsr_queue_admin(t->pf), c, prp1, &r);

	return rc ? rc : nvsr_req_wait(r, 2000, c);
}

static int delete(struct nvsr_ctx *t, unsigned id)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_CDQ, .cdw10 = NVME_CDQ_DELETE, .cdw11 = id };

	return run(t, &c, 0);
}

static void queues_end(struct queues *q)
{
	while (q->n)
		delete(q->t, q->id[--q->n]);
	if (q->mem)
		nvsr_dma_free(q->t->pf, q->mem);
}
#define _cleanup_queues_ NVSR_CLEANUP(queues_end)

/* A physically contiguous queue of one page for VF 1; all of them use the same page, for nothing is ever written. */
static int create(struct queues *q, unsigned type)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_CDQ, .cdw10 = NVME_CDQ_CREATE | type << 16, .cdw11 = NVME_CDQ_PC | q->cntlid << 16,
			      .cdw12 = PAGE / 4 };
	int rc = run(q->t, &c, q->iova + (type ? 0 : q->n * PAGE));

	if (!rc)
		q->id[q->n++] = (uint16_t)c.dw0;
	return rc;
}

static bool tracks(const struct nvme_id_ctrl *id)
{
	return id->trattr & NVME_TRATTR_TUDCS;
}

/* False after recording. */
static bool prepare(struct nvsr_ctx *t, struct queues *q)
{
	int id;

	q->t = t;
	if (!tracks(&t->inv->id)) {
		nvsr_test_skip(t, "the PF does not track user data changes (TRATTR bit 1)");
		return false;
	}
	id = nvsr_t_vf(t, 1) ? nvsr_t_scid(t, 1) : -1;
	if (id < 0)
		return false;
	q->cntlid = (unsigned)id;
	q->mem = nvsr_dma_alloc(t->pf, MOST * (size_t)PAGE, &q->iova);
	if (!q->mem)
		nvsr_test_broken(t, __FILE__, __LINE__, "no memory");
	return q->mem;
}

static void create_and_delete(struct nvsr_ctx *t)
{
	_cleanup_queues_ struct queues q = { 0 };
	unsigned id;

	if (!prepare(t, &q))
		return;
	MUST_OK(t, "creating a queue", create(&q, 0));
	if (le16_get(t->inv->id.mcudmq) > 1) {
		MUST_OK(t, "creating another", create(&q, 0));
		CHECK(t, q.id[0] != q.id[1], "an identifier for each queue", "both are %u", q.id[0]);
	}
	while (q.n) {
		id = q.id[--q.n];
		CHECK_OK(t, "deleting a queue", delete(t, id));
		CHECK_STATUS(t, "deleting it again", NVME_SC_INVALID_CDQ, delete(t, id));
	}
	CHECK_STATUS(t, "a queue of type FFh", NVME_SC_INVALID_FIELD, create(&q, 0xff));
}

/* The text has two statuses for one queue too many. */
static void limits_hold(struct nvsr_ctx *t)
{
	_cleanup_queues_ struct queues q = { 0 };
	unsigned most, all;
	int rc = 0;

	if (!prepare(t, &q))
		return;
	most = le16_get(t->inv->id.mcudmq);
	all = le16_get(t->inv->id.mnsudmq);
	MUST(t, most && (most <= all || !all), "room for a queue, and no more in a controller than in the subsystem",
	     "MCUDMQ %u, MNSUDMQ %u", most, all);
	if (most >= MOST)
		SKIP(t, "MCUDMQ is %u; the test makes %u queues at most", most, MOST);
	while (!rc && q.n <= most)
		rc = create(&q, 0);
	CHECK_STATUS_IN(t, "a queue beyond MCUDMQ", rc, NVME_SC_INVALID_FIELD, NVME_SC_NO_CDQ);
	nvsr_note(t, "%u queues, MCUDMQ %u, MNSUDMQ %u", q.n, most, all);
}

static void check_follows(struct nvsr_ctx *t, struct nvsr_dev *d)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_CDQ, .cdw10 = NVME_CDQ_DELETE, .cdw11 = 0xffff };
	struct nvme_id_ctrl id;
	int rc;

	PREPARE(t, "Identify Controller", nvsr_id_ctrl(d, &id));
	rc = nvsr_admin(d, &c);
	CHECK(t, (rc == NVME_SC_INVALID_OPCODE) == !tracks(&id), "Controller Data Queue exists where TRATTR bit 1 says so",
	      "%s: TRATTR %02Xh, delete of queue FFFFh: %s", nvsr_dev_name(d), id.trattr, nvsr_rc_text(rc));
}

static void command_follows_trattr(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);

	if (!vf)
		return;
	check_follows(t, t->pf);
	check_follows(t, vf);
}

static const struct nvsr_test tests[] = {
	{ .id = "command-follows-trattr", .title = "Controller Data Queue is there where user data changes are tracked, and only there",
	  .requirements = REQS("N21-01", "N21-12"), .needs = NEEDS, .caught_by = DEFECTS("trattr-hides-cdq", "cdq-unimplemented"),
	  .run = command_follows_trattr },
	{ .id = "create-and-delete", .title = "Controller Data Queues are created with identifiers of their own, and deleted once",
	  .requirements = REQS("N21-10"), .needs = NEEDS,
	  .caught_by = DEFECTS("cdq-one-id", "cdq-delete-succeeds", "cdq-any-type", "cdq-unimplemented"), .run = create_and_delete },
	{ .id = "limits-hold", .title = "no more Controller Data Queues than MCUDMQ says",
	  .requirements = REQS("N21-10", "N21-12"), .needs = NEEDS, .caught_by = DEFECTS("cdq-unlimited", "mcudmq-above-mnsudmq"),
	  .run = limits_hold },
};
const struct nvsr_group nvsr_vf_dataqueue = NVSR_GROUP("vf.dataqueue", tests);
