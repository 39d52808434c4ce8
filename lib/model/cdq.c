// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Controller Data Queues, Base 2.2 5.1.4: the PF has queues of the changes that another controller makes to user data.  They
 * are created and deleted; Track Send, which would fill them, is not there.
 */
#include "model/cmd.h"

#define SEL(cmd) (M_DW(cmd, 10) & 0xff)
#define QT(cmd) (M_DW(cmd, 10) >> 16 & 0xff)
#define PC(cmd) (M_DW(cmd, 11) & 1)

static uint16_t create(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	unsigned cntlid = M_DW(cmd, 11) >> 16, id = 0;

	if (QT(cmd) && !DEFECT(m, CDQ_ANY_TYPE))
		return m_bad(cmd, 42, 0, NVME_SC_INVALID_FIELD);
	if (!PC(cmd) || !M_DW(cmd, 12))
		return m_bad(cmd, PC(cmd) ? 48 : 44, 0, NVME_SC_INVALID_FIELD);
	if (!m_ctrl_by_cntlid(m, (uint16_t)cntlid) || cntlid == c->cntlid)
		return m_bad(cmd, 46, 0, NVME_SC_INVALID_CTRL_ID);
	while (id < M_CDQS && m->cdq[id])
		id++;
	if (id == M_CDQS && !DEFECT(m, CDQ_UNLIMITED))
		return NVME_SC_NO_CDQ;
	id = id == M_CDQS || DEFECT(m, CDQ_ONE_ID) ? 0 : id;
	m->cdq[id] = true;
	cmd->dw0 = id + 1;
	return 0;
}

static uint16_t delete(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned id = (M_DW(cmd, 11) & 0xffff) - 1;

	if (DEFECT(c->m, CDQ_DELETE_SUCCEEDS))
		return 0;
	if (id >= M_CDQS || !c->m->cdq[id])
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_CDQ);
	c->m->cdq[id] = false;
	return 0;
}

uint16_t m_cdq(struct m_ctrl *c, struct m_cmd *cmd)
{
	if (SEL(cmd) == NVME_CDQ_CREATE)
		return create(c, cmd);
	return SEL(cmd) == NVME_CDQ_DELETE ? delete(c, cmd) : m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
}

void m_cdq_clr(struct m_ctrl *c)
{
	if (m_is_pf(c))
		memset(c->m->cdq, 0, sizeof(c->m->cdq));
}
