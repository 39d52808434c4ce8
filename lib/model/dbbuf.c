// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Doorbell Buffer Config, Base 5.8 and B.5: shadows of the doorbells of I/O queues in host memory, and beside each the value at
 * which the controller wants its register written.
 */
#include "model/bus.h"
#include "model/cmd.h"

#define STRIDE(c) (4u << (c)->m->conf.dstrd)

uint16_t m_dbbuf_config(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint64_t shadow = le64_get(cmd->e.prp1), event = le64_get(cmd->e.prp2), page = (uint64_t)M_PAGE << NVME_CC_MPS(c->cc);
	bool checked = !DEFECT(m, DBBUF_UNALIGNED_ACCEPTED);

	if (shadow & (page - 1) && checked)
		return m_bad(cmd, 24, 0, NVME_SC_INVALID_FIELD);
	if (event & (page - 1) && checked && !DEFECT(m, DBBUF_PRP2_UNCHECKED))
		return m_bad(cmd, 32, 0, NVME_SC_INVALID_FIELD);
	if (DEFECT(m, DBBUF_CONFIG_IGNORED))
		return 0;
	for (unsigned i = 0; i < m->ctrl_count; i++) {
		if (&m->ctrl[i] != c && !DEFECT(m, DBBUF_HITS_SIBLINGS))
			continue;
		m->ctrl[i].dbbuf.shadow = shadow;
		m->ctrl[i].dbbuf.event = event;
		m->ctrl[i].dbbuf.on = true;
	}
	return 0;
}

void m_dbbuf_clr(struct m_ctrl *c, enum m_clr kind)
{
	if (kind == M_CLR_POWER || !DEFECT(c->m, DBBUF_SURVIVES_RESET))
		c->dbbuf.on = false;
}

/* A shadow doorbell; @otherwise where memory does not answer. */
static uint32_t shadow(struct m_ctrl *c, unsigned index, uint32_t otherwise)
{
	le32_t v;

	return m_dma_read(c, c->dbbuf.shadow + index * STRIDE(c), &v, sizeof(v)) ? le32_get(v) : otherwise;
}

static void ask(struct m_ctrl *c, unsigned index, uint32_t at)
{
	le32_t v = le32(at);

	if (!DEFECT(c->m, DBBUF_EVENT_STALE))
		m_dma_write(c, c->dbbuf.event + index * STRIDE(c), &v, sizeof(v));
}

void m_dbbuf_sq(struct m_ctrl *c, struct m_sq *sq)
{
	uint32_t tail;

	if (!c->dbbuf.on || !sq->id)
		return;
	tail = shadow(c, 2u * sq->id, sq->tail);
	if (tail == sq->head) {
		/* what comes between the first look and the asking is seen by the second */
		ask(c, 2u * sq->id, tail);
		tail = shadow(c, 2u * sq->id, tail);
	}
	sq->tail = tail < sq->size ? tail : sq->tail;
}

static void take_head(struct m_ctrl *c, struct m_cq *cq)
{
	uint32_t head = shadow(c, 2u * cq->id + 1, cq->head);

	if (m_head_valid(cq, head))
		cq->head = head;
}

void m_dbbuf_cq(struct m_ctrl *c, struct m_cq *cq)
{
	if (!c->dbbuf.on || !cq->id)
		return;
	take_head(c, cq);
	if ((cq->tail + 1) % cq->size != cq->head)
		return;
	ask(c, 2u * cq->id + 1, cq->head);
	take_head(c, cq);
}
