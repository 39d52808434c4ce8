// SPDX-License-Identifier: GPL-2.0-or-later
/* Create and Delete I/O queues, Abort.  Base 5.1, 5.4 to 5.7; queue ids and vectors of secondaries Base 8.26.1, 8.26.2. */
#include "model/cmd.h"

#define PC 0x1u		/* CDW11: physically contiguous */
#define IEN 0x2u	/* CDW11 of a completion queue: interrupts enabled */

/* Highest I/O queue id: what Number of Queues granted within the controller's own limit. */
static bool qid_exists(const struct m_ctrl *c, unsigned qid, unsigned granted)
{
	const struct nvsr_model *m = c->m;
	unsigned most = c->max_qid;

	for (unsigned i = 1; i < m->ctrl_count && !m_is_pf(c) && DEFECT(m, QUEUE_QUOTA_SHARED); i++)
		if (m->ctrl[i].max_qid)
			most = NVSR_MIN(most, m->ctrl[i].max_qid);
	if (DEFECT(m, RESET_LEAKS_QUEUES))
		most -= NVSR_MIN(most, c->lost_queues / 3);
	return qid && qid <= most && (!granted || qid <= granted);
}

/* What both kinds of queue share: size in CDW10, memory in PRP1. */
static uint16_t check_memory(const struct m_ctrl *c, struct m_cmd *cmd, unsigned entry_size_log2, unsigned wanted_log2)
{
	unsigned qsize = M_DW(cmd, 10) >> 16;
	uint64_t page = (uint64_t)M_PAGE << NVME_CC_MPS(c->cc);

	if ((!qsize || qsize > NVME_CAP_MQES(c->cap) || entry_size_log2 != wanted_log2) &&
	    !DEFECT(c->m, QUEUE_SIZE_UNCHECKED))
		return m_bad(cmd, 42, 0, NVME_SC_QUEUE_SIZE);
	if (!(M_DW(cmd, 11) & PC) && NVME_CAP_CQR(c->cap))
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_FIELD);
	if (le64_get(cmd->e.prp1) & (page - 1))
		return m_bad(cmd, 24, 0, NVME_SC_PRP_OFFSET_INVALID);
	return 0;
}

static uint16_t bad_qid(const struct m_ctrl *c, struct m_cmd *cmd)
{
	return m_bad(cmd, 40, 0, DEFECT(c->m, QID_WRONG_STATUS) ? NVME_SC_INVALID_FIELD : NVME_SC_QID_INVALID);
}

/* Another VF has a queue of this id; only a defective drive minds. */
static bool has_sibling_queue(const struct m_ctrl *c, unsigned qid)
{
	const struct nvsr_model *m = c->m;

	for (unsigned i = 1; i < m->ctrl_count && !m_is_pf(c); i++)
		if (i != c->fn && qid <= m->ctrl[i].max_qid && m->ctrl[i].cq && m->ctrl[i].cq[qid].valid)
			return true;
	return false;
}

uint16_t m_create_cq(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned qid = M_DW(cmd, 10) & 0xffff, iv = M_DW(cmd, 11) >> 16;
	bool irq = M_DW(cmd, 11) & IEN;
	uint16_t status;

	if (qid > c->max_qid && DEFECT(c->m, QID_BEYOND_NVQ_ACCEPTED))
		return 0;
	if (qid && qid <= c->max_qid && c->cq[qid].valid && DEFECT(c->m, QUEUE_CREATED_TWICE))
		return 0;
	if (!qid_exists(c, qid, c->feat->io_cqs) || c->cq[qid].valid ||
	    (has_sibling_queue(c, qid) && DEFECT(c->m, QID_IN_USE_BY_SIBLING)) ||
	    (qid == c->max_qid && !m_is_pf(c) && DEFECT(c->m, VF_QUEUE_OFF_BY_ONE)))
		return bad_qid(c, cmd);
	status = check_memory(c, cmd, NVME_CC_IOCQES(c->cc), 4);
	if (status)
		return status;
	if (irq && iv && !m_is_pf(c) && DEFECT(c->m, VF_VECTOR_ZERO_ONLY))
		return m_bad(cmd, 46, 0, NVME_SC_INVALID_VECTOR);
	if (irq && iv >= c->msix_len) {
		if (!DEFECT(c->m, IV_BEYOND_TS_ACCEPTED))
			return m_bad(cmd, 46, 0, NVME_SC_INVALID_VECTOR);
		iv = 0;
	}
	m_poll_new(c, 2 * qid + 1);
	c->cq[qid] = (struct m_cq){ .valid = true, .irq = irq, .phase = true, .id = (uint16_t)qid, .vector = (uint16_t)iv,
				    .size = (M_DW(cmd, 10) >> 16) + 1, .base = le64_get(cmd->e.prp1) };
	return 0;
}

uint16_t m_create_sq(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned qid = M_DW(cmd, 10) & 0xffff, cqid = M_DW(cmd, 11) >> 16;
	uint16_t status;

	if (qid > c->max_qid && DEFECT(c->m, QID_BEYOND_NVQ_ACCEPTED))
		return 0;
	if (!qid_exists(c, qid, c->feat->io_sqs) || c->sq[qid].valid)
		return bad_qid(c, cmd);
	if (!qid_exists(c, cqid, c->feat->io_cqs))
		return m_bad(cmd, 46, 0, NVME_SC_QID_INVALID);
	if (!c->cq[cqid].valid && has_sibling_queue(c, cqid) && DEFECT(c->m, CQ_OF_SIBLING_TAKEN))
		return 0;
	if (!c->cq[cqid].valid)
		return m_bad(cmd, 46, 0, NVME_SC_CQ_INVALID);
	status = check_memory(c, cmd, NVME_CC_IOSQES(c->cc), 6);
	if (status)
		return status;
	m_poll_new(c, 2 * qid);
	c->sq[qid] = (struct m_sq){ .valid = true, .id = (uint16_t)qid, .cqid = (uint16_t)cqid,
				    .size = (M_DW(cmd, 10) >> 16) + 1, .base = le64_get(cmd->e.prp1) };
	c->cq[cqid].sqs++;
	return 0;
}

static void drop_sq(struct m_ctrl *c, unsigned qid)
{
	m_slow_abort_queue(c, (uint16_t)qid);
	c->cq[c->sq[qid].cqid].sqs--;
	c->sq[qid] = (struct m_sq){ 0 };
}

/* A queue to delete that is not there; a defective drive has deleted it all the same. */
static uint16_t no_such_queue(const struct m_ctrl *c, struct m_cmd *cmd, unsigned qid)
{
	if (DEFECT(c->m, ANY_QUEUE_DELETED) || (has_sibling_queue(c, qid) && DEFECT(c->m, SIBLING_QUEUE_DELETION_SUCCEEDS)))
		return 0;
	return m_bad(cmd, 40, 0, NVME_SC_QID_INVALID);
}

uint16_t m_delete_sq(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	unsigned qid = M_DW(cmd, 10) & 0xffff;

	if (!qid || qid > c->max_qid || !c->sq[qid].valid)
		return no_such_queue(c, cmd, qid);
	drop_sq(c, qid);
	for (unsigned i = 1; i < m->ctrl_count && DEFECT(m, DELETE_SQ_HITS_SIBLINGS); i++)
		if (m->ctrl[i].sq && qid <= m->ctrl[i].max_qid && m->ctrl[i].sq[qid].valid)
			drop_sq(&m->ctrl[i], qid);
	return 0;
}

uint16_t m_delete_cq(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned qid = M_DW(cmd, 10) & 0xffff;

	if (!qid || qid > c->max_qid || !c->cq[qid].valid)
		return no_such_queue(c, cmd, qid);
	if (c->cq[qid].sqs && DEFECT(c->m, CQ_DELETED_BEFORE_SQ))
		return 0;
	if (c->cq[qid].sqs)
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_QUEUE_DELETION);
	c->cq[qid] = (struct m_cq){ 0 };
	return 0;
}

/* DW0 bit 0 says "not aborted": the command is complete or was never there. */
uint16_t m_abort(struct m_ctrl *c, struct m_cmd *cmd)
{
	uint16_t sqid = M_DW(cmd, 10) & 0xffff, cid = (uint16_t)(M_DW(cmd, 10) >> 16);

	cmd->dw0 = !(m_slow_abort(c, sqid, cid) || (sqid == 0 && m_aer_abort(c, cid)));
	for (unsigned i = 0; cmd->dw0 && i < c->m->ctrl_count && DEFECT(c->m, ABORT_HITS_SIBLINGS); i++)
		cmd->dw0 = !m_aer_abort(&c->m->ctrl[i], cid);
	return 0;
}
