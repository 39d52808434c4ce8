// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queue pairs in host memory: submission entries, bounce buffers with PRPs, completions by phase tag.  A request belongs to
 * its queue until its completion arrived or the controller was reset, whatever its submitter does.
 */
#include <endian.h>

#include "device/private.h"

enum req_state { REQ_SENT, REQ_DONE, REQ_CANCELED };

struct nvsr_req {
	struct nvsr_req *next;
	struct nvsr_dev *d;
	struct nvsr_queue *q;		/* NULL when it no longer waits for a completion */
	struct nvsr_cmd cmd;
	uint8_t *bounce;
	uint16_t cid, qid;
	enum req_state state;
	bool forgotten, told;		/* told: nvsr_req_done() said so, evidence is written */
};

/* --- memory of a queue --------------------------------------------------------------------------------------------- */

int nvsr_queue_new(struct nvsr_dev *d, uint16_t qid, uint16_t sq_entries, uint16_t cq_entries, struct nvsr_queue **ret)
{
	struct nvsr_queue *q;

	if (sq_entries < 2 || cq_entries < 2)
		return -EINVAL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	*q = (struct nvsr_queue){
		.d = d, .qid = qid, .sq_entries = sq_entries, .cq_entries = cq_entries, .phase = true,
		.slots = NVSR_MIN(sq_entries, cq_entries) - 1u,
	};
	q->slot = calloc(q->slots, sizeof(struct nvsr_req *));
	q->sq_mem = nvsr_dma_alloc(d, sq_entries * sizeof(struct nvme_sqe), &q->sq_iova);
	q->cq_mem = nvsr_dma_alloc(d, cq_entries * sizeof(struct nvme_cqe), &q->cq_iova);
	q->next = d->ctrl.queues;
	d->ctrl.queues = q;
	if (!q->slot || !q->sq_mem || !q->cq_mem) {
		nvsr_queue_free(q);
		return -ENOMEM;
	}
	*ret = q;
	return 0;
}

static void req_free(struct nvsr_req *r)
{
	struct nvsr_req **p = &r->d->ctrl.reqs;

	while (*p && *p != r)
		p = &(*p)->next;
	if (*p)
		*p = r->next;
	nvsr_dma_free(r->d, r->bounce);
	free(r);
}

/* The request leaves its queue; a forgotten one has no other owner. */
static void req_leave(struct nvsr_req *r, enum req_state state)
{
	r->q->slot[r->cid] = NULL;
	r->q->busy--;
	r->q = NULL;
	r->state = state;
	if (r->forgotten)
		req_free(r);
}

void nvsr_queue_cancel(struct nvsr_queue *q)
{
	q->dead = true;
	for (unsigned i = 0; q->slot && i < q->slots; i++) {
		struct nvsr_req *r = q->slot[i];

		/* Only marked: the memory goes with the queue's, when the controller no longer touches it. */
		if (r)
			r->state = REQ_CANCELED;
	}
}

void nvsr_queue_free(struct nvsr_queue *q)
{
	struct nvsr_queue **p = &q->d->ctrl.queues;

	nvsr_queue_cancel(q);
	for (unsigned i = 0; q->slot && i < q->slots; i++)
		if (q->slot[i])
			req_leave(q->slot[i], REQ_CANCELED);
	while (*p && *p != q)
		p = &(*p)->next;
	if (*p)
		*p = q->next;
	nvsr_dma_free(q->d, q->sq_mem);
	nvsr_dma_free(q->d, q->cq_mem);
	free(q->slot);
	free(q);
}

void nvsr_reqs_free(struct nvsr_dev *d)
{
	while (d->ctrl.reqs)
		req_free(d->ctrl.reqs);
}

/* --- submission ----------------------------------------------------------------------------------------------------------- */

/* Does a doorbell that goes from @old to @val pass the value at which the controller asked to be told? */
static bool event_passed(uint16_t event, uint16_t val, uint16_t old)
{
	return (uint16_t)(val - event - 1) < (uint16_t)(val - old);
}

/* Shadow doorbells, Base 5.8 and B.5: the value goes to memory; true when the register has to be written too. */
static bool shadow_doorbell(struct nvsr_dev *d, uint64_t at, uint32_t val)
{
	uint16_t old = (uint16_t)nvsr_le_read(d->ctrl.shadow + at, 4);

	/* In one piece, and before the event index is read. */
	__atomic_store_n((uint32_t *)(void *)(d->ctrl.shadow + at), htole32(val), __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return event_passed((uint16_t)nvsr_le_read(d->ctrl.event + at, 4), (uint16_t)val, old);
}

static int doorbell(struct nvsr_queue *q, bool completion, uint32_t val)
{
	struct nvsr_dev *d = q->d;
	uint64_t at = (2u * q->qid + completion) * (uint64_t)d->ctrl.db_stride;

	if (q->qid && d->ctrl.shadow && !shadow_doorbell(d, at, val))
		return 0;
	return d->ops->bar_write(d, 0, NVME_REG_DBS + at, 4, val);
}

void nvsr_queue_shadow(struct nvsr_dev *d, void *shadow, const void *event)
{
	d->ctrl.shadow = shadow;
	d->ctrl.event = event;
}

/*
 * One piece of DMA memory: the data, then the PRP list when it needs one.  The last entry of a full list page points to the
 * next page of the list; pages follow each other.  Base 4.1.1.
 */
static int bounce(struct nvsr_req *r, uint64_t *ret_prp1, uint64_t *ret_prp2)
{
	unsigned page = r->d->ctrl.page, per_page = page / 8;
	size_t pages = NVSR_DIV_ROUND_UP((size_t)r->cmd.data_len, page);
	size_t entries = pages > 2 ? pages - 1 : 0, lists = 0, at = 0;
	uint64_t iova;
	uint8_t *list;

	if (entries)
		lists = entries <= per_page ? 1 : NVSR_DIV_ROUND_UP(entries - 1, (size_t)per_page - 1);
	r->bounce = nvsr_dma_alloc(r->d, (pages + lists) * page, &iova);
	if (!r->bounce)
		return -ENOMEM;
	list = r->bounce + pages * page;
	for (size_t i = 0; i < entries; i++, at++) {
		/* The last slot of a list page is a pointer unless the list ends there. */
		if (at % per_page == per_page - 1u && i + 1 < entries) {
			nvsr_le_write(list + at * 8, 8, iova + pages * page + (at + 1) * 8);
			at++;
		}
		nvsr_le_write(list + at * 8, 8, iova + (i + 1) * page);
	}
	*ret_prp1 = iova;
	*ret_prp2 = lists ? iova + pages * page : pages == 2 ? iova + page : 0;
	/* Also where the controller is to write: what it leaves alone stays as the caller had it. */
	memcpy(r->bounce, r->cmd.data, r->cmd.data_len);
	return 0;
}

static bool take_slot(struct nvsr_queue *q, struct nvsr_req *r)
{
	if (q->busy == q->slots)
		return false;
	/* Identifiers go round, so that a late completion is not taken for that of the next command. */
	while (q->slot[q->next_cid])
		q->next_cid = (uint16_t)((q->next_cid + 1) % q->slots);
	r->cid = q->next_cid;
	q->next_cid = (uint16_t)((q->next_cid + 1) % q->slots);
	q->slot[r->cid] = r;
	q->busy++;
	r->q = q;
	return true;
}

/* Build the entry at the tail; the controller does not know of it before a doorbell. */
static int place(struct nvsr_queue *q, const struct nvsr_cmd *c, uint64_t prp1, uint64_t prp2, struct nvsr_req **ret)
{
	struct nvsr_dev *d = q->d;
	struct nvsr_req *r;
	struct nvme_sqe e;
	int rc = 0;

	if (q->dead)
		return -ECANCELED;
	if (q->qid == 0 && c->opcode == NVME_ADMIN_SET_FEATURES && (c->cdw10 & 0xff) == NVME_FEAT_NUM_QUEUES)
		d->ctrl.queues_granted = true;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct nvsr_req){ .d = d, .cmd = *c, .qid = q->qid, .next = d->ctrl.reqs };
	d->ctrl.reqs = r;
	if (c->data && c->data_len)
		rc = bounce(r, &prp1, &prp2);
	if (!rc && !take_slot(q, r))
		rc = -EBUSY;
	if (rc) {
		req_free(r);
		return rc;
	}
	e = (struct nvme_sqe){
		.opcode = c->opcode, .flags = c->flags, .cid = le16(r->cid), .nsid = le32(c->nsid), .cdw2 = le32(c->cdw2),
		.cdw3 = le32(c->cdw3), .mptr = le64(c->mptr), .prp1 = le64(prp1), .prp2 = le64(prp2), .cdw10 = le32(c->cdw10),
		.cdw11 = le32(c->cdw11), .cdw12 = le32(c->cdw12), .cdw13 = le32(c->cdw13), .cdw14 = le32(c->cdw14),
		.cdw15 = le32(c->cdw15),
	};
	memcpy((uint8_t *)q->sq_mem + q->sq_tail * sizeof(e), &e, sizeof(e));
	q->sq_tail = (uint16_t)((q->sq_tail + 1u) % q->sq_entries);
	*ret = r;
	return 0;
}

/* Show the controller what was placed. */
static int ring(struct nvsr_queue *q, struct nvsr_req **req, unsigned n)
{
	int rc;

	__atomic_thread_fence(__ATOMIC_RELEASE);
	rc = doorbell(q, false, q->sq_tail);
	for (unsigned i = 0; rc && i < n; i++) {
		req[i]->forgotten = true;	/* in the queue all the same: a later doorbell shows it to the controller */
		req[i] = NULL;
	}
	return rc;
}

/* The last placed entry, which no doorbell has shown yet. */
static void take_back(struct nvsr_req *r)
{
	struct nvsr_queue *q = r->q;

	q->sq_tail = (uint16_t)((q->sq_tail + q->sq_entries - 1u) % q->sq_entries);
	req_leave(r, REQ_CANCELED);
	req_free(r);
}

int nvsr_queue_submit_prp(struct nvsr_queue *q, const struct nvsr_cmd *c, uint64_t prp1, struct nvsr_req **ret)
{
	return nvsr_queue_submit_prps(q, c, prp1, 0, ret);
}

int nvsr_queue_submit_prps(struct nvsr_queue *q, const struct nvsr_cmd *c, uint64_t prp1, uint64_t prp2, struct nvsr_req **ret)
{
	int rc = nvsr_guard_cmd(q->d, q->qid != 0, c);

	if (!rc)
		rc = place(q, c, prp1, prp2, ret);
	return rc ? rc : ring(q, ret, 1);
}

int nvsr_queue_submit_sgl(struct nvsr_queue *q, const struct nvsr_cmd *c, const struct nvme_sgl *sgl,
			  struct nvsr_req **ret)
{
	struct nvsr_cmd with = *c;
	const uint8_t *b = (const uint8_t *)sgl;

	if (!NVME_FLAGS_PSDT(c->flags))
		with.flags |= NVME_PSDT(NVME_PSDT_SGL);
	return nvsr_queue_submit_prps(q, &with, nvsr_le_read(b, 8), nvsr_le_read(b + 8, 8), ret);
}

int nvsr_queue_submit(struct nvsr_queue *q, const struct nvsr_cmd *c, struct nvsr_req **ret)
{
	return nvsr_queue_submit_many(q, c, 1, ret);
}

int nvsr_queue_submit_many(struct nvsr_queue *q, const struct nvsr_cmd *c, unsigned n, struct nvsr_req **ret)
{
	if (q->dead)
		return -ECANCELED;
	if (q->busy + n > q->slots)
		return -EBUSY;
	for (unsigned i = 0; i < n; i++) {
		int rc = nvsr_guard_cmd(q->d, q->qid != 0, &c[i]);

		if (!rc && q->qid == 0)
			nvsr_dev_changes(q->d, &c[i]);
		if (!rc)
			rc = place(q, &c[i], 0, 0, &ret[i]);
		if (rc) {
			while (i--)
				take_back(ret[i]);
			return rc;
		}
	}
	return ring(q, ret, n);
}

/* --- completion ------------------------------------------------------------------------------------------------------------- */

static void complete(struct nvsr_queue *q, const struct nvme_cqe *e)
{
	uint16_t cid = le16_get(e->cid);
	struct nvsr_req *r = cid < q->slots ? q->slot[cid] : NULL;

	if (!r || le16_get(e->sqid) != q->qid) {
		nvsr_dev_note(q->d, "completion in queue %u for no command: SQ %u CID %u", q->qid, le16_get(e->sqid), cid);
		return;
	}
	r->cmd.dw0 = le32_get(e->dw0);
	r->cmd.dw1 = le32_get(e->dw1);
	r->cmd.status = le16_get(e->status) >> 1;
	r->cmd.order = ++q->completed;
	req_leave(r, REQ_DONE);
}

static void reap(struct nvsr_queue *q)
{
	unsigned n = 0;

	/* Entries of one round at most: a controller that never inverts the phase tag would feed us for ever. */
	for (; n < q->cq_entries && !q->dead; n++) {
		struct nvme_cqe e;
		const uint8_t *at = (const uint8_t *)q->cq_mem + q->cq_head * sizeof(e);

		memcpy(&e, at, sizeof(e));
		if ((le16_get(e.status) & 1) != q->phase)
			break;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		memcpy(&e, at, sizeof(e));
		if (++q->cq_head == q->cq_entries) {
			q->cq_head = 0;
			q->phase = !q->phase;
		}
		complete(q, &e);
	}
	if (n)
		doorbell(q, true, q->cq_head);
}

static int result(const struct nvsr_req *r)
{
	return r->state == REQ_DONE ? r->cmd.status & 0x7ff : -ECANCELED;
}

/* Results to the caller, once; the bounce buffer is no longer needed. */
static void deliver(struct nvsr_req *r, struct nvsr_cmd *ret_c)
{
	if (r->state == REQ_DONE && r->bounce && ret_c && NVME_OPCODE_DIR(r->cmd.opcode) & NVME_DIR_FROM_CTRL)
		memcpy(r->cmd.data, r->bounce, r->cmd.data_len);
	if (r->state == REQ_DONE) {
		nvsr_dma_free(r->d, r->bounce);
		r->bounce = NULL;
	}
	if (ret_c)
		*ret_c = r->cmd;
	if (!r->told)
		nvsr_dev_note_cmd(r->d, r->qid, &r->cmd, result(r));
	r->told = true;
}

bool nvsr_req_done(struct nvsr_req *r, struct nvsr_cmd *ret_c)
{
	if (r->state == REQ_SENT)
		reap(r->q);
	if (r->state == REQ_SENT)
		return false;
	deliver(r, ret_c);
	return true;
}

/* The controller no longer works on what we sent: reset by other means, gone, or a secondary taken Offline. */
static bool was_reset(struct nvsr_dev *d)
{
	uint64_t cc, csts;

	if (nvsr_ctrl_reg(d, NVME_REG_CC, 4, &cc) || nvsr_ctrl_reg(d, NVME_REG_CSTS, 4, &csts))
		return true;
	return cc == UINT32_MAX || !(cc & NVME_CC_EN) || !(csts & NVME_CSTS_RDY);
}

static bool settled(struct nvsr_dev *d, void *arg)
{
	struct nvsr_req *r = arg;

	if (r->state == REQ_SENT)
		reap(r->q);
	if (r->state == REQ_SENT && was_reset(d))
		nvsr_ctrl_lost(d);
	return r->state != REQ_SENT;
}

int nvsr_req_wait(struct nvsr_req *r, unsigned ms, struct nvsr_cmd *ret_c)
{
	int rc;

	if (!nvsr_dev_wait(r->d, ms, settled, r)) {
		nvsr_dev_note_cmd(r->d, r->qid, &r->cmd, -ETIMEDOUT);
		r->forgotten = true;
		return -ETIMEDOUT;
	}
	deliver(r, ret_c);
	rc = result(r);
	nvsr_req_forget(r);
	return rc;
}

void nvsr_req_forget(struct nvsr_req *r)
{
	r->forgotten = true;
	if (!r->q)
		req_free(r);
}
