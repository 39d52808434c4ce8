// SPDX-License-Identifier: GPL-2.0-or-later
/* Submission and completion queues: doorbells, fetching, completions with phase tags.  Base 3.3. */
#include "model/bus.h"
#include "model/lies.h"

static bool cq_full(const struct m_cq *q)
{
	return (q->tail + 1) % q->size == q->head;
}

bool m_head_valid(const struct m_cq *cq, uint32_t head)
{
	return head < cq->size && (head + cq->size - cq->head) % cq->size <= (cq->tail + cq->size - cq->head) % cq->size;
}

static struct m_sq *sq_get(struct m_ctrl *c, unsigned qid)
{
	return c->sq && qid <= c->max_qid && c->sq[qid].valid ? &c->sq[qid] : NULL;
}

static struct m_cq *cq_get(struct m_ctrl *c, unsigned qid)
{
	return c->cq && qid <= c->max_qid && c->cq[qid].valid ? &c->cq[qid] : NULL;
}

/* A queue in memory that the controller cannot reach is fatal: nothing could tell the host otherwise. */
static void lost(struct m_ctrl *c)
{
	for (unsigned i = 1; DEFECT(c->m, QUEUE_FAULT_STOPS_SIBLINGS) && !m_is_pf(c) && i < c->m->ctrl_count; i++)
		if (c->m->ctrl[i].present) {
			c->m->ctrl[i].fatal = true;
			m_regs_update(&c->m->ctrl[i]);
		}
	c->fatal = true;
	m_regs_update(c);
}

/* A defective drive does not take the IOMMU's no for an answer. */
static struct m_ctrl *second_try(const struct m_ctrl *c)
{
	return DEFECT(c->m, QUEUE_DMA_REPEATED_AS_VF1) && c->fn > 1 ? &c->m->ctrl[1] : NULL;
}

static bool entry_read(struct m_ctrl *c, uint64_t at, void *buf, size_t len)
{
	return m_dma_read(c, at, buf, len) || (second_try(c) && m_dma_read(second_try(c), at, buf, len));
}

/* The half with the phase tag comes last: the host may be looking at it. */
static bool cqe_write(struct m_ctrl *c, uint64_t at, const struct nvme_cqe *e)
{
	uint8_t *mem = m_mastering(c) ? m_dma_at(c, at, sizeof(*e)) : NULL;
	uint64_t half[2];

	if (!mem)
		return m_dma_write(c, at, e, sizeof(*e)) || (second_try(c) && m_dma_write(second_try(c), at, e, sizeof(*e)));
	memcpy(half, e, sizeof(half));
	memcpy(mem, &half[0], sizeof(half[0]));
	__atomic_store_n((uint64_t *)(void *)(mem + sizeof(half[0])), half[1], __ATOMIC_RELEASE);
	return true;
}

int m_queues_size(struct m_ctrl *c, unsigned max_qid)
{
	unsigned old = c->sq ? c->max_qid + 1 : 0;
	struct m_sq *sq;
	struct m_cq *cq;

	if (old == max_qid + 1)
		return 0;
	sq = realloc(c->sq, (max_qid + 1) * sizeof(*sq));
	if (!sq)
		return -ENOMEM;
	c->sq = sq;
	cq = realloc(c->cq, (max_qid + 1) * sizeof(*cq));
	if (!cq)
		return -ENOMEM;
	c->cq = cq;
	if (max_qid + 1 > old) {
		memset(sq + old, 0, (max_qid + 1 - old) * sizeof(*sq));
		memset(cq + old, 0, (max_qid + 1 - old) * sizeof(*cq));
	}
	c->max_qid = max_qid;
	return 0;
}

void m_queues_free_all(struct m_ctrl *c)
{
	if (c->cq && c->cq[0].valid)
		c->former_acq = c->cq[0].base;
	free(c->sq);
	free(c->cq);
	free(c->late);
	c->sq = NULL;
	c->cq = NULL;
	c->late = NULL;
	c->late_count = 0;
	c->max_qid = 0;
	m_slow_drop(c);
}

int m_queues_start(struct m_ctrl *c)
{
	m_queues_free_all(c);
	m_poll_new(c, 0);
	m_poll_new(c, 1);
	if (m_queues_size(c, m_virt_max_qid(c)) < 0)
		return -ENOMEM;
	c->cq[0] = (struct m_cq){ .valid = true, .irq = true, .phase = true, .size = (c->aqa >> 16 & 0xfff) + 1,
				  .base = c->acq, .sqs = 1 };
	c->sq[0] = (struct m_sq){ .valid = true, .size = (c->aqa & 0xfff) + 1, .base = c->asq };
	if (DEFECT(c->m, LATE_DMA_AFTER_RESET) && !m_is_pf(c) && c->former_acq) {
		struct nvme_cqe late = { .status = le16(1) };

		m_dma_write(c, c->former_acq, &late, sizeof(late));
	}
	return 0;
}

/* --- completions -------------------------------------------------------------------------------------------------- */

static bool write_cqe(struct m_ctrl *c, struct m_cq *cq, const struct nvme_cqe *e)
{
	if (!cqe_write(c, cq->base + (uint64_t)cq->tail * sizeof(*e), e)) {
		lost(c);
		return false;
	}
	if (++cq->tail == cq->size) {
		cq->tail = 0;
		if (!DEFECT(c->m, PHASE_NOT_INVERTED))
			cq->phase = !cq->phase;
	}
	return true;
}

static void put_cqe(struct m_ctrl *c, struct m_sq *sq, struct m_cq *cq, const struct m_late *l)
{
	struct nvme_cqe e = {
		.dw0 = le32(l->dw0), .dw1 = le32(l->dw1), .sqid = le16(l->sqid), .cid = le16(l->cid),
		.sqhd = le16((uint16_t)(DEFECT(c->m, SQHD_STALE) ? 0 : sq->head)),
		.status = le16((uint16_t)(l->status << 1 | cq->phase)),
	};
	bool irq = cq->irq;
	unsigned vector = cq->vector, times = m_lie_cqe(c, &e);

	for (unsigned i = 0; i < times && (!i || !cq_full(cq)); i++)
		if (!write_cqe(c, cq, &e))
			return;
	if (irq && c->poll.round && vector < 64)
		c->poll.irqs |= 1ull << vector;	/* one message for all that a round completes */
	else if (irq)
		m_irq(c, vector);
}

static bool post_now(struct m_ctrl *c, const struct m_late *l)
{
	struct m_sq *sq = sq_get(c, l->sqid);
	struct m_cq *cq = sq ? cq_get(c, sq->cqid) : NULL;

	if (!cq)
		return true;	/* the queue is gone, and its completions with it */
	m_dbbuf_cq(c, cq);
	m_poll_cq(c, cq);
	if (!m_mastering(c) || c->suspended || (cq_full(cq) && !DEFECT(c->m, CQ_OVERRUN)))
		return false;
	put_cqe(c, sq, cq, l);
	return true;
}

void m_post(struct m_ctrl *c, uint16_t sqid, uint16_t cid, uint16_t status, uint32_t dw0, uint32_t dw1)
{
	struct m_late l = { .sqid = sqid, .cid = cid, .status = status, .dw0 = dw0, .dw1 = dw1 };

	if (!m_running(c))
		return;
	if (!c->late_count && post_now(c, &l))
		return;
	if (!c->late)
		c->late = calloc(M_LATE_MAX, sizeof(*c->late));
	if (!c->late || c->late_count == M_LATE_MAX) {
		lost(c);
		return;
	}
	c->late[c->late_count++] = l;
}

/* In order, until one finds no room.  Sending an interrupt may come back here, so nothing is held over post_now(). */
static void post_late(struct m_ctrl *c)
{
	while (c->late_count) {
		struct m_late l = c->late[0];

		c->late_count--;
		memmove(c->late, c->late + 1, c->late_count * sizeof(*c->late));
		if (post_now(c, &l))
			continue;
		memmove(c->late + 1, c->late, c->late_count * sizeof(*c->late));
		c->late[0] = l;
		c->late_count++;
		return;
	}
}

/* --- commands ----------------------------------------------------------------------------------------------------- */

/* A VF other than @c has a full I/O completion queue, and the drive waits for it. */
static bool stalled_by_sibling(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;

	for (unsigned i = 1; i < m->ctrl_count && DEFECT(m, FULL_CQ_STALLS_SIBLINGS); i++)
		for (unsigned q = 1; i != c->fn && m->ctrl[i].cq && q <= m->ctrl[i].max_qid; q++)
			if (m->ctrl[i].cq[q].valid && cq_full(&m->ctrl[i].cq[q]))
				return true;
	return false;
}

static bool fetch(struct m_ctrl *c, struct m_sq *sq, struct m_cmd *ret)
{
	if (!entry_read(c, sq->base + (uint64_t)sq->head * sizeof(ret->e), &ret->e, sizeof(ret->e))) {
		lost(c);
		return false;
	}
	if (++sq->head == sq->size)
		sq->head = 0;
	ret->sq = sq;
	ret->dw0 = ret->dw1 = 0;
	ret->parked = false;
	ret->ns = NULL;
	ret->err_parm = 0xffff;
	ret->cs_info = 0;
	return true;
}

/* The second command of a fused operation stands right behind the first, shown by the same doorbell: Base 3.4.2. */
static bool fetch_second(struct m_ctrl *c, struct m_sq *sq, const struct m_cmd *first, struct m_cmd *ret)
{
	uint32_t head = sq->head;

	if (!c->m->conf.fused || !sq->id || NVME_FLAGS_FUSE(first->e.flags) != NVME_FUSE_FIRST || sq->head == sq->tail ||
	    !fetch(c, sq, ret))
		return false;
	if (NVME_FLAGS_FUSE(ret->e.flags) == NVME_FUSE_SECOND)
		return true;
	sq->head = head;
	return false;
}

static void complete(struct m_ctrl *c, const struct m_cmd *cmd, uint16_t sqid, uint16_t status)
{
	if (!cmd->parked)
		m_post(c, sqid, le16_get(cmd->e.cid), status, cmd->dw0, cmd->dw1);
}

static void execute_fused(struct m_ctrl *c, uint16_t sqid, struct m_cmd *first, struct m_cmd *second)
{
	uint16_t a, b;

	m_execute_fused(c, first, second, &a, &b);
	if (DEFECT(c->m, FUSED_OUT_OF_ORDER))
		complete(c, second, sqid, b);
	complete(c, first, sqid, a);
	if (!DEFECT(c->m, FUSED_OUT_OF_ORDER))
		complete(c, second, sqid, b);
}

/* One command of queue @qid; false when there is none or it has to wait. */
static bool fetch_one(struct m_ctrl *c, unsigned qid)
{
	struct m_sq *sq = sq_get(c, qid);
	struct m_cq *cq = sq ? cq_get(c, sq->cqid) : NULL;
	struct m_cmd cmd, second;

	if (!cq)
		return false;
	m_dbbuf_sq(c, sq);
	m_dbbuf_cq(c, cq);
	m_poll_cq(c, cq);
	if (sq->head == sq->tail || (cq_full(cq) && !DEFECT(c->m, CQ_OVERRUN)))
		return false;
	if ((m_is_pf(c) && c->m->now < c->m->wrong.pf_stalled_until) || stalled_by_sibling(c))
		return false;
	if (c->suspended || !m_running(c) || c->shutting || NVME_CSTS_SHST(c->csts) || !m_mastering(c))
		return false;
	if (!fetch(c, sq, &cmd))
		return false;
	if (c->poll.page && !m_poll_may_execute(c, sq, &cmd))
		return false;
	if (fetch_second(c, sq, &cmd, &second))
		execute_fused(c, (uint16_t)qid, &cmd, &second);
	else
		complete(c, &cmd, (uint16_t)qid, m_execute(c, &cmd));
	return true;
}

/* Round robin, one command of each queue, until nothing moves. */
static void process_all(struct m_ctrl *c)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (unsigned qid = 0; c->sq && qid <= c->max_qid; qid++)
			moved |= fetch_one(c, qid);
	}
}

/* An interrupt handler may ring doorbells from inside: the outer loop looks at all queues again. */
static bool enter(struct m_ctrl *c)
{
	c->again = c->busy;
	if (c->busy)
		return false;
	c->busy = true;
	return true;
}

static void leave(struct m_ctrl *c)
{
	while (c->again) {
		c->again = false;
		process_all(c);
	}
	c->busy = false;
}

void m_queue_process(struct m_ctrl *c)
{
	if (!enter(c))
		return;
	process_all(c);
	leave(c);
}

static void process_one(struct m_ctrl *c, unsigned qid)
{
	m_queue_some(c, qid, UINT32_MAX);
}

void m_queue_some(struct m_ctrl *c, unsigned qid, unsigned most)
{
	if (!enter(c))
		return;
	while (most-- && fetch_one(c, qid))
		;
	leave(c);
}

void m_queue_keep(struct m_ctrl *c)
{
	const struct m_sq *sq = sq_get(c, 1);

	if (sq && sq->head != sq->tail && cq_get(c, 1)) {
		c->old_queue.sq = *sq;
		c->old_queue.cq = c->cq[1];
	}
}

void m_queue_resume(struct m_ctrl *c)
{
	if (!c->old_queue.sq.valid || !c->max_qid)
		return;
	c->sq[1] = c->old_queue.sq;
	c->cq[1] = c->old_queue.cq;
	c->old_queue.sq.valid = false;
	m_queue_process(c);
}

void m_queue_flush(struct m_ctrl *c)
{
	post_late(c);
	m_queue_process(c);
}

/* --- doorbells ---------------------------------------------------------------------------------------------------- */

void m_bad_doorbell(struct m_ctrl *c, unsigned info)
{
	if (DEFECT(c->m, VF_BAD_DOORBELL_KILLS_PF) && !m_is_pf(c))
		lost(m_pf(c->m));
	if (!DEFECT(c->m, BAD_DOORBELL_SILENT))
		m_aer_event(c, NVME_AEN_ERROR, info, NVME_LOG_ERROR);
}

static void ring_sq(struct m_ctrl *c, unsigned qid, uint32_t tail)
{
	struct m_sq *sq = sq_get(c, qid);

	if (!sq) {
		m_bad_doorbell(c, M_BAD_DOORBELL);
		return;
	}
	if (tail >= sq->size) {
		m_bad_doorbell(c, M_BAD_VALUE);
		return;
	}
	if (DEFECT(c->m, PF_IO_NEEDS_VFS) && m_is_pf(c) && qid && !m_sriov_active(c->m))
		return;
	sq->tail = tail;
	process_one(c, qid);
}

static void ring_cq(struct m_ctrl *c, unsigned qid, uint32_t head)
{
	struct m_cq *cq = cq_get(c, qid);
	bool full;

	if (!cq) {
		m_bad_doorbell(c, M_BAD_DOORBELL);
		return;
	}
	if (!m_head_valid(cq, head)) {
		m_bad_doorbell(c, M_BAD_VALUE);
		return;
	}
	full = cq_full(cq) || c->dbbuf.on;
	cq->head = head;
	/* Only a full queue held something back; a shadow doorbell may have told before. */
	if (full)
		m_queue_flush(c);
}

/* Doorbell @index: the tail of submission queue index / 2, or the head of its completion queue. */
void m_doorbell(struct m_ctrl *c, unsigned index, uint32_t val)
{
	if (!m_running(c))
		return;
	val &= 0xffff;
	if (index & 1)
		ring_cq(c, index / 2, val);
	else
		ring_sq(c, index / 2, val);
}
