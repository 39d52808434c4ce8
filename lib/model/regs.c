// SPDX-License-Identifier: GPL-2.0-or-later
/* Controller properties, Base 3.1.3: enable, ready, shutdown, and what an Offline secondary controller shows (8.26.3). */
#include "base/time.h"
#include "model/bus.h"

#define REG_CRTO	0x68	/* Base 3.1.3.24: ready timeouts in units of 500 ms */
#define CAP_CQR		(1ull << 16)
#define CAP_CSS_NVM	(1ull << 37)
#define CAP_CSS_ADMIN	(1ull << 44)
#define CAP_CRWMS	(1ull << 59)
#define CC_SHN		0xc000u
/* Fields that may change while the controller is enabled: EN, SHN, IOSQES, IOCQES. */
#define CC_LIVE		(NVME_CC_EN | CC_SHN | 0xff0000u)
#define CC_DEFINED	0x01fffff1u
#define SHUTDOWN_NS	NVSR_MS

enum { SHST_NONE = 0, SHST_OCCURRING = 1, SHST_COMPLETE = 2 };

void m_regs_init(struct m_ctrl *c)
{
	const struct m_conf *f = &c->m->conf;

	c->cap = (DEFECT(c->m, MQES_BELOW_1024) ? 511 : (uint64_t)f->mqes) | CAP_CQR | (uint64_t)f->cap_to << 24 |
		 (uint64_t)f->dstrd << 32 | CAP_CSS_NVM | CAP_CSS_ADMIN | CAP_CRWMS;
	/* An NVM Subsystem Reset hits every tenant: not offered by VFs. */
	if (f->nssr != DEFECT(c->m, CAP_NSSRS_INVERTED) && (m_is_pf(c) || DEFECT(c->m, VF_NSSR_OFFERED)))
		c->cap |= 1ull << 36;
	if (DEFECT(c->m, VF_CAP_EMPTY) && !m_is_pf(c))
		c->cap = 0;
	c->vs = f->vs;
}

bool m_offline(const struct m_ctrl *c)
{
	return !m_is_pf(c) && c->m->conf.virt_mgmt && !c->online;
}

bool m_running(const struct m_ctrl *c)
{
	return c->csts & NVME_CSTS_RDY && !c->fatal && c->sq;
}

static void set_shst(struct m_ctrl *c, uint32_t shst)
{
	c->csts = (c->csts & ~0xcu) | shst << 2;
}

/* The controller stops: nothing it had in execution ever completes. */
static void stop(struct m_ctrl *c)
{
	m_queues_free_all(c);
	c->csts &= ~NVME_CSTS_RDY;
	c->enabling = false;
	c->shutting = false;
}

void m_regs_reset(struct m_ctrl *c, enum m_clr kind)
{
	stop(c);
	c->csts = kind == M_CLR_CC && !m_is_pf(c) && DEFECT(c->m, SHST_SURVIVES_RESET) ? c->csts & 0xcu : 0;
	c->intms = 0;
	c->fatal &= !m_is_pf(c) && ((kind == M_CLR_CC && DEFECT(c->m, FAULT_SURVIVES_CONTROLLER_RESET)) ||
				    (kind == M_CLR_FLR && DEFECT(c->m, FAULT_SURVIVES_FLR)));
	if (kind == M_CLR_CC && DEFECT(c->m, AQA_LOST_ON_CTRL_RESET))
		c->aqa = 0, c->asq = 0, c->acq = 0;
	if (kind != M_CLR_CC) {
		c->cc = 0;
		if (kind != M_CLR_FLR || !DEFECT(c->m, AQA_SURVIVES_FLR))
			c->aqa = 0, c->asq = 0, c->acq = 0;
	}
	m_regs_update(c);
}

void m_regs_update(struct m_ctrl *c)
{
	struct nvsr_model *m = c->m;
	bool cfs = c->fatal;

	if (m_offline(c)) {
		if (!DEFECT(m, OFFLINE_BECOMES_READY))
			stop(c);
		cfs = !DEFECT(m, OFFLINE_CFS_CLEAR);
	} else if (DEFECT(m, ONLINE_CFS_STAYS) && m->conf.virt_mgmt && c->csts & NVME_CSTS_CFS) {
		cfs = true;
	}
	c->csts = cfs ? c->csts | NVME_CSTS_CFS : c->csts & ~NVME_CSTS_CFS;
}

/* What CC asks for and the controller cannot do: it reports a fatal status instead of becoming ready. */
static bool enable_valid(const struct m_ctrl *c)
{
	return NVME_CC_MPS(c->cc) <= NVME_CAP_MPSMAX(c->cap) && (!NVME_CC_CSS(c->cc) || NVME_CC_CSS(c->cc) == 7) &&
	       !NVME_CC_AMS(c->cc) &&
	       (c->aqa & 0xfff) && (c->aqa >> 16 & 0xfff);
}

static void enable(struct m_ctrl *c)
{
	struct nvsr_model *m = c->m;

	if (m_offline(c) && !DEFECT(m, OFFLINE_BECOMES_READY))
		return;
	if (DEFECT(m, VF_NEVER_READY) && !m_is_pf(c))
		return;
	if (!enable_valid(c)) {
		c->fatal = true;
		m_regs_update(c);
		return;
	}
	for (unsigned i = 1; DEFECT(m, ENABLE_CANCELS_SIBLINGS) && i < m->ctrl_count; i++)
		m->ctrl[i].enabling = false;
	c->enabling = true;
	c->rdy_at = m->now + m->conf.ready_ms * NVSR_MS;
	if (DEFECT(m, READY_AFTER_TIMEOUT) && !m_is_pf(c))
		c->rdy_at += m->conf.cap_to * 500 * NVSR_MS;
	m_due(c, c->rdy_at);
	m_regs_due(c);
}

/* What the shutdown of a VF does to other functions of a defective drive. */
static void shutdown_spills(struct nvsr_model *m, const struct m_ctrl *vf)
{
	for (unsigned i = 0; i < m->ctrl_count; i++)
		if (i != vf->fn && m->ctrl[i].csts & NVME_CSTS_RDY &&
		    (i ? DEFECT(m, VF_SHUTDOWN_STOPS_SIBLINGS) : DEFECT(m, VF_SHUTDOWN_SHOWS_IN_PF)))
			set_shst(&m->ctrl[i], SHST_COMPLETE);
}

static void shut_down(struct m_ctrl *c)
{
	set_shst(c, SHST_OCCURRING);
	c->shutting = true;
	c->shst_at = c->m->now + SHUTDOWN_NS;
	if (!m_is_pf(c))
		shutdown_spills(c->m, c);
	if (!m_is_pf(c) && NVME_CC_SHN(c->cc) == 2 && DEFECT(c->m, VF_ABRUPT_SHUTDOWN_HANGS))
		c->shst_at = UINT64_MAX;
	if (m_is_pf(c) ? DEFECT(c->m, PRIMARY_SHUTDOWN_DROPS_WRITES) : DEFECT(c->m, VF_SHUTDOWN_DROPS_WRITES))
		m_writes_drop(c);
	m_due(c, c->shst_at);
}

void m_regs_due(struct m_ctrl *c)
{
	struct nvsr_model *m = c->m;

	if (c->enabling && c->rdy_at <= m->now) {
		c->enabling = false;
		if (m_queues_start(c) < 0)
			c->fatal = true;
		else
			c->csts |= NVME_CSTS_RDY;
		m_regs_update(c);
		m_queue_resume(c);
	}
	if (c->shutting && c->shst_at <= m->now) {
		c->shutting = false;
		set_shst(c, SHST_COMPLETE);
		if (m_is_pf(c))
			m_virt_primary_shutdown(m);
		else if (DEFECT(m, VF_SHUTDOWN_GOES_OFFLINE))
			m_virt_offline(c);
	}
}

static void write_cc(struct m_ctrl *c, uint32_t val)
{
	uint32_t old = c->cc, live = old & NVME_CC_EN ? CC_LIVE : ~0u;

	val = (old & ~live) | (val & live & CC_DEFINED);
	c->cc = val;
	if (old & ~val & NVME_CC_EN) {
		m_clr(c, M_CLR_CC);
		return;
	}
	if (val & ~old & NVME_CC_EN)
		enable(c);
	if (NVME_CC_SHN(val) && NVME_CC_SHN(val) != NVME_CC_SHN(old) && !m_offline(c))
		shut_down(c);
}

static uint32_t dword(const struct m_ctrl *c, uint64_t off)
{
	switch (off) {
	case NVME_REG_CAP: return (uint32_t)c->cap;
	case NVME_REG_CAP + 4: return (uint32_t)(c->cap >> 32);
	case NVME_REG_VS: return c->vs;
	case NVME_REG_INTMS:
	case NVME_REG_INTMC: return c->intms;
	case NVME_REG_CC: return c->cc;
	case NVME_REG_CSTS: return c->csts;
	case NVME_REG_AQA: return c->aqa;
	case NVME_REG_ASQ: return (uint32_t)c->asq;
	case NVME_REG_ASQ + 4: return (uint32_t)(c->asq >> 32);
	case NVME_REG_ACQ: return (uint32_t)c->acq;
	case NVME_REG_ACQ + 4: return (uint32_t)(c->acq >> 32);
	case REG_CRTO: return c->m->conf.cap_to;
	default: return 0;
	}
}

uint64_t m_regs_read(struct m_ctrl *c, uint64_t off, unsigned len)
{
	uint64_t at = off & ~3ull, v = dword(c, at) | (uint64_t)dword(c, at + 4) << 32;

	v >>= (off & 3) * 8;
	return len == 8 ? v : v & ((1ull << len * 8) - 1);
}

/* Base address of an admin queue: two dwords, page aligned, fixed while enabled. */
static void set_half(struct m_ctrl *c, uint64_t *reg, bool high, uint32_t val)
{
	if (c->cc & NVME_CC_EN)
		return;
	if (high)
		*reg = (*reg & 0xffffffffu) | (uint64_t)val << 32;
	else
		*reg = (*reg & ~0xffffffffull) | (val & ~(M_PAGE - 1));
}

static void write_nssr(struct m_ctrl *c, uint32_t val)
{
	struct nvsr_model *m = c->m;

	if (!NVME_CAP_NSSRS(c->cap) && (m_is_pf(c) || !DEFECT(m, VF_RESETS_SUBSYSTEM)))
		return;
	if (val != NVME_NSSR_KEY && !DEFECT(m, NSSR_TAKES_ANY_VALUE))
		return;
	if (DEFECT(m, NSSR_IGNORED))
		m_pf(m)->csts |= NVME_CSTS_NSSRO;
	else
		m_clr(m_pf(m), M_CLR_NSSR);
}

static void write_dword(struct m_ctrl *c, uint64_t off, uint32_t val)
{
	switch (off) {
	case NVME_REG_INTMS:
		c->intms |= val;
		break;
	case NVME_REG_INTMC:
		c->intms &= ~val;
		break;
	case NVME_REG_CC:
		write_cc(c, val);
		break;
	case NVME_REG_CSTS:
		c->csts &= ~(val & NVME_CSTS_NSSRO);
		break;
	case NVME_REG_NSSR:
		write_nssr(c, val);
		break;
	case NVME_REG_AQA:
		if (!(c->cc & NVME_CC_EN))
			c->aqa = val & 0x0fff0fff;
		break;
	case NVME_REG_ASQ:
	case NVME_REG_ASQ + 4:
		set_half(c, &c->asq, off & 4, val);
		break;
	case NVME_REG_ACQ:
	case NVME_REG_ACQ + 4:
		set_half(c, &c->acq, off & 4, val);
		break;
	default:
		break;
	}
}

/* Properties take aligned accesses of 4 and 8 bytes (Base 3.1.3); others change nothing. */
void m_regs_write(struct m_ctrl *c, uint64_t off, unsigned len, uint64_t val)
{
	if (len < 4 || off % 4)
		return;
	if (off >= NVME_REG_DBS) {
		if ((off - NVME_REG_DBS) % (4u << c->m->conf.dstrd) == 0)
			m_doorbell(c, (unsigned)((off - NVME_REG_DBS) >> (2 + c->m->conf.dstrd)), (uint32_t)val);
		return;
	}
	write_dword(c, off, (uint32_t)val);
	if (len == 8)
		write_dword(c, off + 4, (uint32_t)(val >> 32));
}
