// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtualization enhancements, Base 8.26 and 5.28: flexible VQ and VI resources, secondary controller states, and the lists
 * that show them (CNS 14h, 15h).  One primary, the PF; its secondaries are the VFs.
 */
#include "model/cmd.h"

#define GRANULARITY_WRONG 4u	/* of a drive that insists on its preferred granularity */

/* What the primary reserved for itself, now and after the next CLR other than Controller Reset. */
static uint16_t *primary_share(struct nvsr_model *m, unsigned rt)
{
	return rt == NVME_VIRT_RT_VQ ? &m->vqrfap : &m->virfap;
}

static uint16_t *primary_share_next(struct nvsr_model *m, unsigned rt)
{
	return rt == NVME_VIRT_RT_VQ ? &m->vqrfap_next : &m->virfap_next;
}

static uint16_t *secondary_share(struct m_ctrl *c, unsigned rt)
{
	return rt == NVME_VIRT_RT_VQ ? &c->nvq : &c->nvi;
}

static unsigned pool_total(const struct nvsr_model *m, unsigned rt)
{
	return rt == NVME_VIRT_RT_VQ ? m->conf.vq_flexible : m->conf.vi_flexible;
}

static unsigned pool_secondary_max(const struct nvsr_model *m, unsigned rt)
{
	return rt == NVME_VIRT_RT_VQ ? m->conf.vq_secondary_max : m->conf.vi_secondary_max;
}

/* CRT of the primary: the type comes from the pool. */
static bool is_flexible(const struct nvsr_model *m, unsigned rt)
{
	return !m->conf.online_only && (rt == NVME_VIRT_RT_VQ ? m->conf.vq : rt == NVME_VIRT_RT_VI && m->conf.vi);
}

/* VQRFA, VIRFA */
static unsigned pool_assigned(struct nvsr_model *m, unsigned rt)
{
	unsigned sum = 0;

	for (unsigned i = 1; i < m->ctrl_count; i++)
		sum += *secondary_share(&m->ctrl[i], rt);
	return sum;
}

/* Never more than the profile has room for, even where a defect gives more away. */
unsigned m_virt_max_qid(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;
	bool flexible = is_flexible(m, NVME_VIRT_RT_VQ);
	unsigned n, vqrfap = NVSR_MIN(m->vqrfap, m->conf.vq_flexible);

	if (!m_is_pf(c))
		n = flexible ? NVSR_MIN(c->nvq, m->conf.vq_secondary_max) : m->conf.sec_vq;
	else if (!flexible || DEFECT(m, PRIMARY_QUEUES_FIXED))
		n = m->conf.vq_private;
	else if (DEFECT(m, PRIMARY_NEEDS_SHARE))
		n = vqrfap;
	else
		n = m->conf.vq_private + vqrfap;
	return n ? n - 1 : 0;
}

unsigned m_virt_vectors(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;
	bool flexible = is_flexible(m, NVME_VIRT_RT_VI);

	if (m_is_pf(c))
		return m->conf.vi_private +
		       (flexible && !DEFECT(m, PRIMARY_VECTORS_FIXED) ? NVSR_MIN(m->virfap, m->conf.vi_flexible) : 0);
	if (flexible && DEFECT(m, VF_MSIX_FIXED_SIZE))
		return m->conf.vi_secondary_max;
	return flexible ? NVSR_MIN(c->nvi, m->conf.vi_secondary_max) : m->conf.sec_vi;
}

static void release(struct m_ctrl *sec)
{
	if ((!sec->nvq && !sec->nvi) || (sec->m->wrong.primary_reset && DEFECT(sec->m, PRIMARY_RESET_KEEPS_RESOURCES)))
		return;
	sec->nvq = 0;
	sec->nvi = 0;
	m_msix_resize(sec, m_virt_vectors(sec));
}

void m_virt_offline(struct m_ctrl *sec)
{
	bool was_online = sec->online;

	if (sec->m->wrong.primary_reset == M_CLR_POWER + 1 && DEFECT(sec->m, POWER_CYCLE_RESTORES_SECONDARIES))
		return;
	sec->online = false;
	m_resv_offline(sec);
	/* no state of this user reaches the next one; a VF that vanished was reset by that */
	m_log_forget(sec);
	if (was_online && sec->present)
		m_clr(sec, M_CLR_CC);
	release(sec);
	m_regs_update(sec);
}

void m_virt_primary_clr(struct nvsr_model *m, enum m_clr kind)
{
	if (!m->conf.virt_mgmt)
		return;
	m->wrong.vq_stuck = 0;
	for (unsigned i = 1; i < m->ctrl_count; i++) {
		if (kind == M_CLR_CC && DEFECT(m, PRIMARY_RESET_KEEPS_SECONDARIES))
			continue;
		m_virt_offline(&m->ctrl[i]);
	}
	if (kind == M_CLR_POWER && DEFECT(m, PRIMARY_SHARE_VOLATILE))
		m->vqrfap_next = m->virfap_next = 0;
	if ((kind == M_CLR_CC && !DEFECT(m, PRIMARY_SHARE_AT_CONTROLLER_RESET)) || DEFECT(m, PRIMARY_SHARE_NEVER))
		return;
	m->vqrfap = m->vqrfap_next;
	m->virfap = m->virfap_next;
	if (DEFECT(m, PRIMARY_SHARE_ONCE))
		m->vqrfap_next = m->virfap_next = 0;
	m_msix_resize(m_pf(m), m_virt_vectors(m_pf(m)));
}

void m_virt_primary_shutdown(struct nvsr_model *m)
{
	if (!m->conf.virt_mgmt || DEFECT(m, PRIMARY_SHUTDOWN_KEEPS_SECONDARIES))
		return;
	for (unsigned i = 1; i < m->ctrl_count; i++)
		m_virt_offline(&m->ctrl[i]);
}

/*
 * Clearing VF Enable, or setting it again with NumVFs below a VF's number, puts that VF's controller Offline (8.26.3).
 * Resources assigned while no VF exists wait for VF Enable.
 */
static void vf_presence(struct m_ctrl *c, bool enabled)
{
	struct nvsr_model *m = c->m;
	bool gone = !c->present && (c->was_present || enabled), came = c->present && !c->was_present;
	uint16_t nvq = c->nvq, nvi = c->nvi;

	c->was_present = c->present;
	if (gone) {
		m_virt_offline(c);
		if (DEFECT(m, VF_DISABLE_DETACHES))
			m_ns_detach_all(c);
		if (DEFECT(m, VF_DISABLE_KEEPS_RESOURCES)) {
			c->nvq = nvq;
			c->nvi = nvi;
		}
	}
	if (came)
		m_msix_resize(c, m_virt_vectors(c));
	if (came && DEFECT(m, DETACHED_RETURNS_WITH_VF))
		for (uint32_t i = 1; i <= m->conf.nn; i++)
			if (m->ns[i] && (m->ns[i]->id.nmic & NVME_NMIC_SHARED) && !m->ns[i]->attached[c->fn]) {
				m->ns[i]->attached[c->fn] = true;
				m->ns[i]->attached_count++;
			}
	/* without Virtualization Management a VF is usable as soon as it exists */
	if (!m->conf.virt_mgmt)
		c->online = c->present;
}

void m_virt_vf_presence(struct nvsr_model *m)
{
	bool enabled = false;

	for (unsigned i = 1; i < m->ctrl_count; i++)
		enabled |= m->ctrl[i].present;
	for (unsigned i = 1; i < m->ctrl_count; i++)
		vf_presence(&m->ctrl[i], enabled);
}

/* --- lists -------------------------------------------------------------------------------------------------- */

void m_virt_primary_caps(struct nvsr_model *m, struct nvme_primary_caps *ret)
{
	const struct m_conf *f = &m->conf;
	bool vq = is_flexible(m, NVME_VIRT_RT_VQ), vi = is_flexible(m, NVME_VIRT_RT_VI);

	memset(ret, 0, sizeof(*ret));
	ret->cntlid = le16((uint16_t)(m_pf(m)->cntlid + (DEFECT(m, PRIMARY_CAPS_WRONG_CNTLID) ? 1 : 0)));
	ret->portid = le16(f->portid);
	ret->crt = (uint8_t)((vq ? NVME_CRT_VQ : 0) | (vi ? NVME_CRT_VI : 0));
	if (DEFECT(m, CRT_HIDES_VQ))
		ret->crt &= (uint8_t)~NVME_CRT_VQ;
	if (DEFECT(m, CRT_HIDES_VI))
		ret->crt &= (uint8_t)~NVME_CRT_VI;
	if (DEFECT(m, PRIMARY_CAPS_RESERVED_GARBAGE))
		ret->rsvd48[0] = 0x5a;
	if (DEFECT(m, CRT_RESERVED_BITS))
		ret->crt |= 0x80;
	ret->vqprt = le16((uint16_t)(DEFECT(m, PRIMARY_ONE_PRIVATE_QUEUE) ? 1 : f->vq_private));
	ret->viprt = le16((uint16_t)(DEFECT(m, PRIMARY_NO_PRIVATE_VI) ? 0 : f->vi_private));
	if (vq) {
		ret->vqfrt = le32(f->vq_flexible);
		ret->vqrfa = le32(DEFECT(m, VQRFA_NOT_COUNTED) ? 0 : pool_assigned(m, NVME_VIRT_RT_VQ));
		ret->vqrfap = le16(m->vqrfap);
		ret->vqfrsm = le16((uint16_t)(DEFECT(m, VQFRSM_ABOVE_TOTAL) ? f->vq_flexible + 1 : f->vq_secondary_max));
		ret->vqgran = le16((uint16_t)(DEFECT(m, GRANULARITY_ENFORCED) ? GRANULARITY_WRONG : f->vq_gran));
	}
	if (vi) {
		ret->vifrt = le32(f->vi_flexible);
		ret->virfa = le32(DEFECT(m, VIRFA_NOT_COUNTED) ? 0 : pool_assigned(m, NVME_VIRT_RT_VI));
		ret->virfap = le16(m->virfap);
		ret->vifrsm = le16((uint16_t)f->vi_secondary_max);
		ret->vigran = le16((uint16_t)(DEFECT(m, GRANULARITY_ENFORCED) ? GRANULARITY_WRONG : f->vi_gran));
	}
}

static void list_entry(const struct m_ctrl *c, struct nvme_secondary_ctrl *ret)
{
	const struct nvsr_model *m = c->m;

	ret->scid = le16(c->cntlid);
	ret->pcid = le16((uint16_t)(m->conf.pf_cntlid + (DEFECT(m, SECONDARY_OF_ANOTHER_PRIMARY) ? 1 : 0)));
	ret->scs = m_is_pf(c) || c->online ? NVME_SCS_ONLINE : 0;
	if (DEFECT(m, SECONDARY_STATE_GARBAGE))
		ret->scs |= 0x80;
	ret->vfn = le16((uint16_t)(c->fn - (DEFECT(m, VFN_ZERO_BASED) ? 1 : 0)));
	if (DEFECT(m, VFN_PERMUTED) && c->fn + 1 == m->ctrl_count)
		ret->vfn = le16(1);
	else if (DEFECT(m, VFN_PERMUTED))
		ret->vfn = le16((uint16_t)(c->fn + 1));
	ret->nvq = le16(c->nvq);
	ret->nvi = le16(c->nvi);
	if (m_is_pf(c)) {
		ret->vfn = le16(0);
		ret->nvq = le16((uint16_t)(m_virt_max_qid(c) + 1));
		ret->nvi = le16((uint16_t)m_virt_vectors(c));
	}
	if (DEFECT(m, SECONDARY_RESERVED_NONZERO))
		ret->rsvd14[17] = 0xff;
}

void m_virt_secondary_list(struct nvsr_model *m, uint16_t cntid, struct nvme_secondary_list *ret)
{
	bool with_primary = m->conf.primary_in_list || DEFECT(m, PRIMARY_IN_SECONDARY_LIST);
	uint32_t from = DEFECT(m, SECONDARY_LIST_IGNORES_CNTID) ? 0 : cntid;
	struct m_ctrl *c;

	memset(ret, 0, sizeof(*ret));
	for (; ret->numid < NVSR_ARRAY_SIZE(ret->sc) && (c = m_ctrl_next(m, from)); from = c->cntlid + 1u)
		if ((with_primary || !m_is_pf(c)) && (m_is_pf(c) || c->present || !DEFECT(m, SECONDARY_LIST_ONLY_ENABLED)))
			list_entry(c, &ret->sc[ret->numid++]);
	if (ret->numid > 1 && DEFECT(m, SECONDARY_LIST_UNORDERED)) {
		struct nvme_secondary_ctrl first = ret->sc[0];

		ret->sc[0] = ret->sc[1];
		ret->sc[1] = first;
	}
	if (ret->numid && DEFECT(m, SECONDARY_NUMID_WRONG))
		ret->numid--;
	if (DEFECT(m, SECONDARY_LIST_HEADER_GARBAGE))
		ret->rsvd1[30] = 0xff;
}

/* --- Virtualization Management ------------------------------------------------------------------------------ */

static void set_nrm(struct m_cmd *cmd, const struct nvsr_model *m, unsigned nrm)
{
	cmd->dw0 = DEFECT(m, VIRT_MGMT_NRM_ZERO) ? 0 : nrm;
}

/* The two ways to ask for too many: more than there can be (Invalid Number), more than are left (Invalid Resource Id). */
static uint16_t check_number(struct nvsr_model *m, struct m_cmd *cmd, unsigned nr, unsigned most, unsigned left)
{
	bool swapped = DEFECT(m, TOO_MANY_STATUS_SWAPPED);

	if (nr > most && !DEFECT(m, ASSIGN_OVER_MAX))
		return m_bad(cmd, 44, 0, swapped ? NVME_SC_INVALID_RESOURCE_ID : NVME_SC_INVALID_NUM_RESOURCES);
	if (nr > left && !DEFECT(m, ASSIGN_OVER_POOL))
		return m_bad(cmd, 44, 0, swapped ? NVME_SC_INVALID_NUM_RESOURCES : NVME_SC_INVALID_RESOURCE_ID);
	return 0;
}

/* Resource Type and Number of Resources of ACT 1h and 8h. */
static uint16_t check_type(struct nvsr_model *m, struct m_cmd *cmd, unsigned rt)
{
	if (is_flexible(m, rt))
		return 0;
	return m_bad(cmd, 41, 0, NVME_SC_INVALID_RESOURCE_ID);
}

static uint16_t primary_flexible(struct nvsr_model *m, struct m_cmd *cmd, unsigned cntlid, unsigned rt, unsigned nr)
{
	unsigned total = pool_total(m, rt), assigned = pool_assigned(m, rt);
	uint16_t status;

	if (cntlid != m_pf(m)->cntlid && !DEFECT(m, PRIMARY_SHARE_ANY_CNTLID))
		return m_bad(cmd, 42, 0, NVME_SC_INVALID_CTRL_ID);
	status = check_type(m, cmd, rt);
	if (status)
		return DEFECT(m, VIRT_MGMT_RESERVED_RT) ? 0 : status;
	if (DEFECT(m, PRIMARY_SHARE_IGNORES_ASSIGNED))
		assigned = 0;
	status = check_number(m, cmd, nr, total, total - NVSR_MIN(total, assigned));
	if (status && !DEFECT(m, PRIMARY_SHARE_UNCHECKED))
		return status;
	*primary_share_next(m, rt) = (uint16_t)nr;
	if (DEFECT(m, PRIMARY_SHARE_AT_ONCE))
		*primary_share(m, rt) = (uint16_t)nr;
	set_nrm(cmd, m, nr);
	return 0;
}

static uint16_t offline(struct nvsr_model *m, struct m_cmd *cmd, struct m_ctrl *sec)
{
	uint16_t nvq = sec->nvq, nvi = sec->nvi;
	bool was_online = sec->online;

	if (!was_online && DEFECT(m, OFFLINE_AGAIN_REFUSED))
		return NVME_SC_INVALID_SEC_STATE;
	if (!was_online && DEFECT(m, OFFLINE_AGAIN_KEEPS_RESOURCES))
		return 0;
	if (DEFECT(m, ATTACH_LOST_ON_OFFLINE))
		m_ns_detach_all(sec);
	if (DEFECT(m, QUEUED_COMMANDS_SURVIVE_OFFLINE))
		m_queue_keep(sec);
	if (was_online && DEFECT(m, OFFLINE_DROPS_WRITES))
		m_writes_drop(sec);
	m_virt_offline(sec);
	for (unsigned i = 1; i < m->ctrl_count && DEFECT(m, OFFLINE_HITS_ALL); i++)
		m_virt_offline(&m->ctrl[i]);
	if (DEFECT(m, OFFLINE_LEAKS_RESOURCES))
		m->wrong.vq_stuck += nvq;
	if (DEFECT(m, OFFLINE_KEEPS_RESOURCES)) {
		sec->nvq = nvq;
		sec->nvi = nvi;
	}
	if (was_online && DEFECT(m, OFFLINE_STAYS_ONLINE)) {
		sec->online = true;
		m_regs_update(sec);
	}
	return 0;
}

/* Assign to @sec when another secondary is Online: allowed, but not by every drive. */
static bool sibling_online(const struct nvsr_model *m)
{
	for (unsigned i = 1; i < m->ctrl_count; i++)
		if (m->ctrl[i].online)
			return true;
	return false;
}

static uint16_t assign(struct nvsr_model *m, struct m_cmd *cmd, struct m_ctrl *sec, unsigned rt, unsigned nr)
{
	uint16_t *share = secondary_share(sec, rt < 2 ? rt : 0), before = *share, status;
	unsigned used;

	if (sec->online && DEFECT(m, ASSIGN_ONLINE_ABORTS_BUT_CHANGES))
		*share = (uint16_t)nr;
	if ((sec->online && !DEFECT(m, ASSIGN_WHILE_ONLINE)) || (DEFECT(m, ASSIGN_LOCKED_BY_ONLINE) && sibling_online(m)))
		return m_bad(cmd, 42, 0, NVME_SC_INVALID_SEC_STATE);
	status = check_type(m, cmd, rt);
	if (status)
		return DEFECT(m, VIRT_MGMT_RESERVED_RT) ? 0 : status;
	if (DEFECT(m, VI_ASSIGN_REFUSED) && rt == NVME_VIRT_RT_VI)
		return m_bad(cmd, 41, 0, NVME_SC_INVALID_RESOURCE_ID);
	if (DEFECT(m, ASSIGN_TOO_FEW_REFUSED) && nr < (rt == NVME_VIRT_RT_VQ ? 2 : 1))
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_FIELD);
	if (DEFECT(m, GRANULARITY_ENFORCED) && nr % GRANULARITY_WRONG)
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_NUM_RESOURCES);
	if (DEFECT(m, ASSIGN_ADDS))
		nr += before;
	/* the assignment replaces what the secondary has: that part of the pool is free for it */
	used = pool_assigned(m, rt) - before + (DEFECT(m, POOL_IGNORES_PRIMARY) ? 0 : *primary_share(m, rt));
	if (rt == NVME_VIRT_RT_VQ)
		used += m->wrong.vq_stuck;
	status = check_number(m, cmd, nr, pool_secondary_max(m, rt), pool_total(m, rt) - NVSR_MIN(pool_total(m, rt), used));
	if (status)
		return status;
	*share = (uint16_t)nr;
	if (DEFECT(m, ASSIGN_VI_CLEARS_VQ) && rt == NVME_VIRT_RT_VI)
		sec->nvq = 0;
	m_msix_resize(sec, m_virt_vectors(sec));
	set_nrm(cmd, m, nr + (DEFECT(m, ASSIGN_NRM_LIES) ? 1 : 0));
	return 0;
}

static uint16_t online(struct nvsr_model *m, struct m_cmd *cmd, struct m_ctrl *sec)
{
	if (sec->online && DEFECT(m, ONLINE_AGAIN_REFUSED))
		return NVME_SC_INVALID_SEC_STATE;
	if (sec->online && DEFECT(m, ONLINE_AGAIN_RESETS))
		m_clr(sec, M_CLR_CC);
	if (sec->online)
		return 0;
	if (DEFECT(m, ONLINE_IGNORED))
		return 0;
	if (sec->had_flr)
		return m_bad(cmd, 42, 0, NVME_SC_INVALID_SEC_STATE);
	if ((!sec->present && !DEFECT(m, ONLINE_WITHOUT_VF)) ||
	    (!DEFECT(m, ONLINE_WITHOUT_RESOURCES) &&
	     ((is_flexible(m, NVME_VIRT_RT_VQ) && sec->nvq < (DEFECT(m, ONLINE_WITH_ONE_VQ) ? 1 : 2)) ||
	      (is_flexible(m, NVME_VIRT_RT_VI) && !sec->nvi && !DEFECT(m, ONLINE_WITHOUT_VI)))))
		return m_bad(cmd, 42, 0, NVME_SC_INVALID_SEC_STATE);
	sec->online = true;
	m_regs_update(sec);
	return 0;
}

/* Fielded before the standard was: 2h gives flexible resources to the primary at once, 3h goes back to the default. */
static uint16_t reserved_act(struct nvsr_model *m, struct m_cmd *cmd, unsigned act, unsigned rt, unsigned nr)
{
	bool known = (act == 2 || act == 3) && DEFECT(m, VIRT_MGMT_OLD_ACTIONS);

	if (!known || rt > NVME_VIRT_RT_VI)
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	*primary_share(m, rt) = *primary_share_next(m, rt) = (uint16_t)(act == 2 ? nr : 0);
	return 0;
}

uint16_t m_virt_mgmt(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	unsigned cntlid = M_DW(cmd, 10) >> 16, rt = M_DW(cmd, 10) >> 8 & 7, act = M_DW(cmd, 10) & 0xf;
	unsigned nr = M_DW(cmd, 11) & 0xffff;
	struct m_ctrl *sec;

	if (DEFECT(m, VIRT_MGMT_SWAPS_TYPES) && rt <= NVME_VIRT_RT_VI)
		rt = !rt;
	if (act == NVME_VIRT_PRIMARY_FLEXIBLE)
		return primary_flexible(m, cmd, cntlid, rt, nr);
	if (act != NVME_VIRT_OFFLINE && act != NVME_VIRT_ASSIGN && act != NVME_VIRT_ONLINE)
		return reserved_act(m, cmd, act, rt, nr);
	sec = m_ctrl_by_cntlid(m, (uint16_t)cntlid);
	if (!sec || m_is_pf(sec)) {
		if (DEFECT(m, VIRT_MGMT_ANY_CNTLID))
			return 0;
		return m_bad(cmd, 42, 0,
			     DEFECT(m, VIRT_MGMT_CNTLID_WRONG_STATUS) ? NVME_SC_INVALID_FIELD : NVME_SC_INVALID_CTRL_ID);
	}
	if (act == NVME_VIRT_OFFLINE)
		return offline(m, cmd, sec);
	if (act == NVME_VIRT_ASSIGN)
		return assign(m, cmd, sec, rt, nr);
	return online(m, cmd, sec);
}
