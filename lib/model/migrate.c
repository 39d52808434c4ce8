// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Host managed live migration, Base 2.2 5.1.16, 5.1.17 and 8.1.12: the PF suspends a VF's controller, reads its state, writes
 * one, and lets it go on.  The state is that of the I/O queues; there is nothing vendor specific in it.
 */
#include "model/bus.h"
#include "model/cmd.h"

#define SEL(cmd) (M_DW(cmd, 10) & 0xff)
#define MOS(cmd) (M_DW(cmd, 10) >> 16)
#define SEQIND(cmd) (MOS(cmd) & 3)
#define CNTLID(cmd) (M_DW(cmd, 11) & 0xffff)
#define STYPE(cmd) (M_DW(cmd, 11) >> 16 & 0xff)
#define INDEX(cmd) (M_DW(cmd, 11) >> 24)		/* Send: CSUUIDI */
#define OFFSET(cmd) (M_DW(cmd, 12) | (uint64_t)M_DW(cmd, 13) << 32)
#define VERSIONS 1u
enum { STYPE_NOTIFICATION, STYPE_SUSPEND };
enum { SEQ_MIDDLE, SEQ_FIRST, SEQ_LAST, SEQ_ALONE };

/* --- suspending --------------------------------------------------------------------------------------------- */

/* The controller a command is for: any but the one that manages. */
static struct m_ctrl *target(struct m_ctrl *c, struct m_cmd *cmd, uint16_t *ret_status)
{
	struct m_ctrl *t = m_ctrl_by_cntlid(c->m, (uint16_t)CNTLID(cmd));

	*ret_status = m_bad(cmd, 44, 0, NVME_SC_INVALID_CTRL_ID);
	if ((!t || t == c) && DEFECT(c->m, MIGRATION_ANY_CNTLID) && c->m->ctrl_count > 1)
		return &c->m->ctrl[1];
	return t == c ? NULL : t;
}

static void suspend_one(struct m_ctrl *t)
{
	t->suspended = !DEFECT(t->m, SUSPEND_IGNORED);
	/* what was fetched is finished first */
	m_slow_finish(t);
}

static uint16_t suspend(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status;
	struct m_ctrl *t = target(c, cmd, &status);

	if (STYPE(cmd) > STYPE_SUSPEND)
		return m_bad(cmd, 46, 0, NVME_SC_INVALID_FIELD);
	if (!t)
		return status;
	if (STYPE(cmd) == STYPE_NOTIFICATION)
		return 0;
	if (t->suspended && DEFECT(m, SUSPEND_AGAIN_REFUSED))
		return NVME_SC_CTRL_SUSPENDED;
	suspend_one(t);
	for (unsigned i = 1; DEFECT(m, SUSPEND_HITS_SIBLINGS) && i < m->ctrl_count; i++)
		suspend_one(&m->ctrl[i]);
	return 0;
}

static void go_on(struct m_ctrl *t)
{
	t->suspended = false;
	m_queue_flush(t);
}

static uint16_t resume(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status;
	struct m_ctrl *t = target(c, cmd, &status);

	if (!t)
		return status;
	if (!t->suspended)
		return DEFECT(m, RESUME_RUNNING_SUCCEEDS) ? 0 : NVME_SC_CTRL_NOT_SUSPENDED;
	if (m->migrate.open && m->migrate.fn == t->fn)
		return NVME_SC_CMD_SEQ_ERROR;
	if (!DEFECT(m, RESUME_IGNORED))
		go_on(t);
	return 0;
}

void m_migrate_clr(struct m_ctrl *c)
{
	struct nvsr_model *m = c->m;

	if (!m_is_pf(c))
		return;
	m->migrate.open = false;
	for (unsigned i = 1; !DEFECT(m, SUSPEND_SURVIVES_RESET) && i < m->ctrl_count; i++)
		if (m->ctrl[i].suspended)
			go_on(&m->ctrl[i]);
}

bool m_migrate_any_suspended(const struct nvsr_model *m)
{
	for (unsigned i = 1; i < m->ctrl_count; i++)
		if (m->ctrl[i].suspended)
			return !DEFECT(m, SANITIZE_WHILE_SUSPENDED);
	return false;
}

/* --- the controller state ----------------------------------------------------------------------------------- */

static void put_queues(const struct m_ctrl *t, struct nvme_ctrl_state *s)
{
	unsigned n = 0, sqs = 0;

	for (unsigned q = 1; t->sq && q <= t->max_qid; q++) {
		const struct m_sq *sq = &t->sq[q];

		if (!sq->valid)
			continue;
		s->queue[n++].sq = (struct nvme_ctrl_state_sq){
			.prp1 = le64(sq->base), .qsize = le16((uint16_t)(sq->size - 1)), .qid = le16((uint16_t)q),
			.cqid = le16(sq->cqid), .attr = le16(1), .head = le16((uint16_t)sq->head), .tail = le16((uint16_t)sq->tail),
		};
		sqs++;
	}
	for (unsigned q = 1; t->cq && q <= t->max_qid; q++) {
		const struct m_cq *cq = &t->cq[q];

		if (cq->valid)
			s->queue[n++].cq = (struct nvme_ctrl_state_cq){
				.prp1 = le64(cq->base), .qsize = le16((uint16_t)(cq->size - 1)), .qid = le16((uint16_t)q),
				.head = le16((uint16_t)cq->head), .tail = le16((uint16_t)cq->tail),
				.attr = le32(1u | (uint32_t)cq->irq << 1 | (uint32_t)cq->phase << 2 | (uint32_t)cq->vector << 16),
			};
	}
	s->niosq = le16((uint16_t)sqs);
	s->niocq = le16((uint16_t)(n - sqs));
}

static size_t state_bytes(unsigned queues)
{
	return offsetof(struct nvme_ctrl_state, queue) + queues * sizeof(((struct nvme_ctrl_state *)0)->queue[0]);
}

/* The largest state of a controller, zeroed; NULL without memory. */
static struct nvme_ctrl_state *new_state(const struct m_ctrl *t)
{
	return calloc(1, state_bytes(2 * t->max_qid + 2));
}

uint16_t m_migration_receive(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status;
	struct m_ctrl *t = target(c, cmd, &status);
	uint64_t len = ((uint64_t)M_DW(cmd, 15) + 1) * 4, size;
	_cleanup_free_ struct nvme_ctrl_state *s = NULL;
	_cleanup_free_ uint8_t *buf = NULL;

	if (SEL(cmd) && !DEFECT(m, MIGRATION_RESERVED_SEL))
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	if (((MOS(cmd) & 0xff) > VERSIONS || M_DW(cmd, 11) >> 16 & 0xff) && !DEFECT(m, MIGRATION_ANY_INDEX))
		return m_bad(cmd, 42, 0, NVME_SC_INVALID_FIELD);
	if (!t)
		return status;
	s = new_state(t);
	if (!s)
		return NVME_SC_INTERNAL;
	put_queues(t, s);
	size = state_bytes(le16_get(s->niosq) + le16_get(s->niocq));
	nvsr_le_write(s->nvmecss, 8, (size - offsetof(struct nvme_ctrl_state, nver)) / 4);
	if (DEFECT(m, MIGRATION_STATE_EMPTY))
		s->niosq = s->niocq = le16(0);
	if (OFFSET(cmd) & 3 || OFFSET(cmd) > size || !m_mdts_ok(c, len))
		return m_bad(cmd, 48, 0, NVME_SC_INVALID_FIELD);
	buf = calloc(1, len);
	if (!buf)
		return NVME_SC_INTERNAL;
	memcpy(buf, (uint8_t *)s + OFFSET(cmd), NVSR_MIN(len, size - OFFSET(cmd)));
	cmd->dw0 = t->suspended != DEFECT(m, MIGRATION_CSUP_INVERTED);
	return m_data_to_host(c, cmd, buf, len);
}

static bool has_io_queues(const struct m_ctrl *t)
{
	for (unsigned q = 1; t->sq && q <= t->max_qid; q++)
		if (t->sq[q].valid || t->cq[q].valid)
			return true;
	return false;
}

/* The queues of the state become the controller's. */
static uint16_t commit(struct m_ctrl *t, const struct nvme_ctrl_state *s, size_t len)
{
	unsigned sqs = le16_get(s->niosq), cqs = le16_get(s->niocq);

	if (len < state_bytes(0) || len < state_bytes(sqs + cqs) || ((sqs || cqs) && (has_io_queues(t) || !t->sq)))
		return NVME_SC_INVALID_FIELD;
	for (unsigned i = 0; i < sqs + cqs; i++)
		if (le16_get(s->queue[i].sq.qid) > t->max_qid || le16_get(s->queue[i].sq.qid) == 0)
			return NVME_SC_INVALID_FIELD;
	for (unsigned i = sqs; i < sqs + cqs; i++) {
		const struct nvme_ctrl_state_cq *e = &s->queue[i].cq;
		uint32_t attr = le32_get(e->attr);

		t->cq[le16_get(e->qid)] = (struct m_cq){
			.valid = true, .id = le16_get(e->qid), .irq = attr & 2, .phase = attr & 4, .vector = (uint16_t)(attr >> 16),
			.size = le16_get(e->qsize) + 1u, .head = le16_get(e->head), .tail = le16_get(e->tail),
			.base = le64_get(e->prp1),
		};
	}
	for (unsigned i = 0; i < sqs; i++) {
		const struct nvme_ctrl_state_sq *e = &s->queue[i].sq;

		if (le16_get(e->cqid) > t->max_qid || !t->cq[le16_get(e->cqid)].valid)
			return NVME_SC_INVALID_FIELD;
		t->cq[le16_get(e->cqid)].sqs++;
		t->sq[le16_get(e->qid)] = (struct m_sq){
			.valid = true, .id = le16_get(e->qid), .cqid = le16_get(e->cqid), .size = le16_get(e->qsize) + 1u,
			.head = le16_get(e->head), .tail = le16_get(e->tail), .base = le64_get(e->prp1),
		};
	}
	return 0;
}

static uint16_t set_state(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status;
	struct m_ctrl *t = target(c, cmd, &status);
	uint64_t len = (uint64_t)M_DW(cmd, 15) * 4, at = OFFSET(cmd), most;

	if (!t)
		return status;
	if (!t->suspended)
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_CTRL_ID);
	most = state_bytes(2 * t->max_qid + 2);
	if (INDEX(cmd) || (at & 3 && !DEFECT(m, SET_STATE_UNALIGNED)) || at > most || len > most - at)
		return m_bad(cmd, 48, 0, NVME_SC_INVALID_FIELD);
	if (!(SEQIND(cmd) & SEQ_FIRST) && (!m->migrate.open || m->migrate.fn != t->fn) && !DEFECT(m, SET_STATE_WITHOUT_FIRST))
		return NVME_SC_CMD_SEQ_ERROR;
	if (SEQIND(cmd) & SEQ_FIRST || !m->migrate.state) {
		free(m->migrate.state);
		m->migrate.state = calloc(1, most);
		m->migrate.len = 0;
	}
	if (!m->migrate.state)
		return NVME_SC_INTERNAL;
	status = len ? m_data_from_host(c, cmd, (uint8_t *)m->migrate.state + at, len) : 0;
	if (status)
		return status;
	m->migrate.fn = t->fn;
	m->migrate.len = NVSR_MAX(m->migrate.len, at + len);
	m->migrate.open = !(SEQIND(cmd) & SEQ_LAST);
	return m->migrate.open ? 0 : commit(t, m->migrate.state, m->migrate.len);
}

uint16_t m_migration_send(struct m_ctrl *c, struct m_cmd *cmd)
{
	static uint16_t (*const actions[])(struct m_ctrl *c, struct m_cmd *cmd) = { suspend, resume, set_state };

	if (SEL(cmd) < NVSR_ARRAY_SIZE(actions))
		return actions[SEL(cmd)](c, cmd);
	return DEFECT(c->m, MIGRATION_RESERVED_SEL) ? 0 : m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
}
