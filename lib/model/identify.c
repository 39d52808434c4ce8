// SPDX-License-Identifier: GPL-2.0-or-later
/* Identify, Base 5.17: one small function per CNS, all write 4096 bytes. */
#include "model/cmd.h"

#define CNTID(cmd) (M_DW(cmd, 10) >> 16)
#define CSI(cmd) (M_DW(cmd, 11) >> 24)
#define LIST_MAX (NVME_IDENTIFY_SIZE / 4)

typedef uint16_t (*cns_fn)(struct m_ctrl *c, struct m_cmd *cmd, void *buf);

static void text(char *to, size_t len, const char *from)
{
	memset(to, ' ', len);
	memcpy(to, from, NVSR_MIN(len, strlen(from)));
}

static uint16_t bad_nsid(struct m_cmd *cmd, uint16_t status)
{
	return m_bad(cmd, 4, 0, status);
}

/* --- controller --------------------------------------------------------------------------------------------- */

static void ctrl_management(const struct m_ctrl *c, struct nvme_id_ctrl *id)
{
	struct nvsr_model *m = c->m;
	const struct m_conf *f = &m->conf;
	uint16_t oacs = 0;

	/* privileged actions are the primary's */
	if (!m_is_pf(c) && !DEFECT(m, VF_ACCEPTS_NS_MGMT) && !DEFECT(m, VF_OACS_LIKE_PF))
		return;
	if (f->ns_mgmt && !DEFECT(m, OACS_HIDES_NS_MGMT)) {
		oacs |= NVME_OACS_NS_MGMT;
		id->tnvmcap = le128(DEFECT(m, TNVMCAP_ZERO) ? 0 : f->capacity);
		id->unvmcap = le128(DEFECT(m, UNVMCAP_CONSTANT) ? f->capacity / 2 : m->unvmcap);
	}
	if (f->virt_mgmt && m_is_pf(c) && !DEFECT(m, OACS_HIDES_VIRT_MGMT))
		oacs |= NVME_OACS_VIRT_MGMT;
	if (f->format && m_is_pf(c)) {
		oacs |= DEFECT(m, OACS_HIDES_FORMAT) ? 0 : NVME_OACS_FORMAT;
		id->fna = f->crypto && !DEFECT(m, FNA_HIDES_CRYPTO) ? NVME_FNA_CRYPTO : 0;
		id->fna |= DEFECT(m, FNA_ALL_NAMESPACES) ? NVME_FNA_FORMAT_ALL | NVME_FNA_ERASE_ALL : 0;
	}
	if (f->dbbuf && m_is_pf(c) && !DEFECT(m, OACS_HIDES_DBBUF))
		oacs |= NVME_OACS_DBBUF;
	if (f->migration && m_is_pf(c) && !DEFECT(m, OACS_HIDES_MIGRATION))
		oacs |= NVME_OACS_MIGRATION;
	if (f->migration && m_is_pf(c)) {
		id->trattr = DEFECT(m, TRATTR_HIDES_CDQ) ? 0 : NVME_TRATTR_TUDCS;
		id->mcudmq = le16(M_CDQS + (DEFECT(m, MCUDMQ_ABOVE_MNSUDMQ) ? 1 : 0));
		id->mnsudmq = le16(M_CDQS);
	}
	if (f->sanitize && m_is_pf(c) && !DEFECT(m, SANICAP_ZERO))
		id->sanicap = le32(NVME_SANICAP_CRYPTO | NVME_SANICAP_BLOCK | NVME_SANICAP_OVERWRITE);
	id->oacs = le16(oacs);
	if (f->granularity != DEFECT(m, CTRATT_GRANULARITY_INVERTED))
		id->ctratt = le32(le32_get(id->ctratt) | NVME_CTRATT_NS_GRAN);
}

static void ctrl_identity_defects(const struct m_ctrl *c, struct nvme_id_ctrl *id)
{
	const struct nvsr_model *m = c->m;

	if (m_is_pf(c))
		return;
	if (DEFECT(m, VF_CNTLID_MISMATCH))
		id->cntlid = le16((uint16_t)(c->cntlid + 0x100));
	if (DEFECT(m, VF_CNTLID_IS_PF_CNTLID))
		id->cntlid = le16(m->conf.pf_cntlid);
	if (DEFECT(m, VF_SERIAL_DIFFERS))
		id->sn[19] = (char)('0' + c->fn % 10);
	if (DEFECT(m, VF_MODEL_DIFFERS))
		text(id->mn, sizeof(id->mn), "Virtual Function");
	if (DEFECT(m, VF_FIRMWARE_DIFFERS))
		text(id->fr, sizeof(id->fr), "VF");
	if (DEFECT(m, VF_SUBNQN_DIFFERS))
		id->subnqn[strlen(id->subnqn)] = 'v';
	if (DEFECT(m, VF_FORMAT_ALL_NAMESPACES)) {
		id->oacs = le16(le16_get(id->oacs) | NVME_OACS_FORMAT);
		id->fna |= NVME_FNA_FORMAT_ALL;
	}
	if (DEFECT(m, VF_IN_ANOTHER_DOMAIN))
		id->domain = le16(2);
}

static uint8_t cmic(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;
	uint8_t v = m->conf.sriov && !DEFECT(m, CMIC_SINGLE_CONTROLLER) ? NVME_CMIC_CTRLS : 0;

	if (m_is_pf(c) ? DEFECT(m, PF_CMIC_LIKE_VF) : !DEFECT(m, VF_CMIC_LIKE_PF))
		v |= NVME_CMIC_VF;
	return v;
}

static uint32_t shown_nn(const struct nvsr_model *m)
{
	uint32_t last = 1;

	for (uint32_t i = 1; i <= m->conf.nn; i++)
		if (m->ns[i])
			last = i;
	return DEFECT(m, NN_BELOW_NSID) ? last - 1 : m->conf.nn;
}

/* MAXDNA and MAXCNA; 0 = no limit. */
static void attach_limits(const struct nvsr_model *m, struct nvme_id_ctrl *id)
{
	bool limit = m->conf.maxdna || m->conf.maxcna;

	id->maxdna = le128(m->conf.maxdna);
	id->maxcna = le32(m->conf.maxcna);
	if (DEFECT(m, ATTACH_LIMIT_INVERTED)) {
		id->maxdna = le128(limit ? 0 : 64);
		id->maxcna = le32(limit ? 0 : 16);
	}
}

static uint16_t oncs(const struct nvsr_model *m)
{
	const struct m_conf *f = &m->conf;
	unsigned v = 0x50;	/* Save and Select fields, Timestamp */

	if (!DEFECT(m, ONCS_HIDES_COMMANDS))
		v |= (f->compare ? NVME_ONCS_COMPARE : 0) | (f->dsm ? NVME_ONCS_DSM : 0) |
		     (f->write_zeroes ? NVME_ONCS_WRITE_ZEROES : 0);
	v |= f->resv && !DEFECT(m, ONCS_HIDES_RESERVATIONS) ? NVME_ONCS_RESERVATIONS : 0;
	v |= f->copy && !DEFECT(m, ONCS_HIDES_COPY) ? NVME_ONCS_COPY : 0;
	v |= f->verify && !DEFECT(m, ONCS_HIDES_VERIFY) ? NVME_ONCS_VERIFY : 0;
	return (uint16_t)v;
}

static uint16_t cns_ctrl(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	struct nvsr_model *m = c->m;
	const struct m_conf *f = &m->conf;
	struct nvme_id_ctrl *id = buf;

	id->vid = le16(f->vid);
	id->ssvid = le16(f->ssvid);
	text(id->sn, sizeof(id->sn), f->sn);
	text(id->mn, sizeof(id->mn), f->mn);
	text(id->fr, sizeof(id->fr), f->fr);
	id->ieee[1] = 0x54;	/* 52-54-00, low byte first */
	id->ieee[2] = 0x52;
	id->cmic = cmic(c);
	id->mdts = (uint8_t)f->mdts;
	id->cntlid = le16(c->cntlid);
	id->ver = le32(f->vs);
	id->oaes = le32(f->ns_changed && !DEFECT(m, OAES_HIDES_NS_CHANGED) ? NVME_OAES_NS_CHANGED : 0);
	id->ctratt = le32(0x1);	/* 128-bit Host Identifier */
	id->cntrltype = 1;
	id->acl = 3;
	id->aerl = (uint8_t)(DEFECT(m, AERL_BELOW_3) ? 1 : NVSR_MIN(f->aerl, M_MAX_AERS - 1u));
	id->frmw = 0x3;		/* one slot, read only */
	id->lpa = 0x26;		/* effects log, extended Get Log Page, Supported Log Pages */
	id->elpe = (uint8_t)(DEFECT(m, ELPE_BELOW_255) ? 62 : f->elpe);
	id->wctemp = le16(M_WCTEMP);
	id->cctemp = le16(M_CCTEMP);
	id->sqes = 0x66;
	id->cqes = 0x44;
	id->nn = le32(shown_nn(m));
	id->mnan = le32(f->mnan + (DEFECT(m, MNAN_OVERSTATED) ? 1 : 0));
	attach_limits(m, id);
	id->oncs = le16(oncs(m));
	id->fuses = le16(f->fused && !DEFECT(m, FUSES_ZERO) ? NVME_FUSES_COMPARE_WRITE : 0);
	id->awun = le16(M_ATOMIC_BLOCKS - 1);
	id->awupf = le16(DEFECT(m, AWUPF_ABOVE_AWUN) ? M_ATOMIC_BLOCKS : 0);
	id->acwu = le16(f->fused ? M_ATOMIC_BLOCKS - 1 : 0);
	id->cdfs = le16(f->copy ? 0x5 : 0);	/* source ranges of this and of other namespaces */
	id->sgls = le32(m_sgls(m));
	id->vwc = 0x7;		/* present; Flush takes NSID FFFFFFFFh */
	id->nwpc = f->nswp && !DEFECT(m, NWPC_READS_ZERO) ? NVME_NWPC_WP | NVME_NWPC_UNTIL_POWER : 0;
	memcpy(id->subnqn, f->subnqn, strnlen(f->subnqn, sizeof(f->subnqn) - 1));
	id->npss = 1;
	nvsr_le_write(id->psd[0].b, 2, 2500);	/* 25 W */
	nvsr_le_write(id->psd[1].b, 2, 1500);
	ctrl_management(c, id);
	ctrl_identity_defects(c, id);
	return 0;
}

/* I/O command set specific controller data: the NVM command set states no limits. */
static uint16_t cns_csi_ctrl(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	return CSI(cmd) ? m_bad(cmd, 47, 0, NVME_SC_INVALID_FIELD) : 0;
}

/* There are no NVM sets; a drive that is wrong has one on its VFs. */
static uint16_t cns_nvm_sets(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	nvsr_le_write(buf, 8, 1);
	return 0;
}

/* Command set combinations: one, the NVM command set alone. */
static uint16_t cns_iocs(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	unsigned cntid = CNTID(cmd);

	if (cntid != 0xffff && !m_ctrl_by_cntlid(c->m, (uint16_t)cntid))
		return m_bad(cmd, 42, 0, NVME_SC_INVALID_FIELD);
	nvsr_le_write(buf, 8, 1);
	return 0;
}

/* --- one namespace ------------------------------------------------------------------------------------------ */

static uint16_t cns_ns(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	struct nvsr_model *m = c->m;
	uint32_t nsid = le32_get(cmd->e.nsid);
	bool management = m->conf.ns_mgmt && m_is_pf(c);

	switch (m_nsid_kind(c, nsid)) {
	case M_NSID_ACTIVE:
		m_ns_identify(c, m->ns[nsid], buf);
		return 0;
	case M_NSID_UNATTACHED:
		if (DEFECT(m, INACTIVE_IDENTIFY_LEAKS))
			m_ns_identify(c, m->ns[nsid], buf);
		/* fall through */
	case M_NSID_UNALLOCATED:
		return DEFECT(m, INACTIVE_IDENTIFY_FAILS) ? bad_nsid(cmd, NVME_SC_INVALID_FIELD) : 0;
	case M_NSID_BROADCAST:
		if (!management || DEFECT(m, COMMON_CAPS_UNSUPPORTED))
			return bad_nsid(cmd, NVME_SC_INVALID_NS);
		m_ns_common(m, buf);
		return 0;
	default:
		return !nsid && DEFECT(m, NSID_0_ACCEPTED) ? 0 : bad_nsid(cmd, NVME_SC_INVALID_NS);
	}
}

/* An allocated namespace, attached or not. */
static uint16_t cns_allocated_ns(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	uint32_t nsid = le32_get(cmd->e.nsid);
	enum m_nsid kind = m_nsid_kind(c, nsid);

	if (kind == M_NSID_BROADCAST && DEFECT(c->m, CNS_11H_BROADCAST))
		return 0;
	if (kind == M_NSID_BROADCAST || kind == M_NSID_INVALID)
		return bad_nsid(cmd, NVME_SC_INVALID_NS);
	if (kind == M_NSID_ACTIVE || (kind == M_NSID_UNATTACHED && !DEFECT(c->m, CNS_11H_NEEDS_ATTACHMENT)))
		m_ns_identify(c, c->m->ns[nsid], buf);
	return 0;
}

/* Command set specific namespace data of NVM: no storage tags, no protection information; zero for every namespace. */
static uint16_t cns_csi_ns(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	enum m_nsid kind = m_nsid_kind(c, le32_get(cmd->e.nsid));

	if (CSI(cmd))
		return m_bad(cmd, 47, 0, NVME_SC_INVALID_FIELD);
	return kind == M_NSID_INVALID || (kind == M_NSID_BROADCAST && !m_is_pf(c)) ? bad_nsid(cmd, NVME_SC_INVALID_NS) : 0;
}

static uint16_t cns_csi_allocated_ns(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	enum m_nsid kind = m_nsid_kind(c, le32_get(cmd->e.nsid));

	if (CSI(cmd))
		return m_bad(cmd, 47, 0, NVME_SC_INVALID_FIELD);
	return kind == M_NSID_INVALID || kind == M_NSID_BROADCAST ? bad_nsid(cmd, NVME_SC_INVALID_NS) : 0;
}

static uint16_t cns_indep_ns(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	struct nvme_id_ns id;
	uint8_t *b = buf;
	uint16_t status;

	memset(&id, 0, sizeof(id));
	status = cns_ns(c, cmd, &id);
	if (status || !le64_get(id.nsze))
		return status;
	b[0] = id.nsfeat & NVME_NSFEAT_UIDREUSE;
	b[1] = id.nmic;
	b[8] = id.nsattr;
	b[14] = 1;	/* NSTAT: ready */
	return 0;
}

static uint8_t *descriptor(uint8_t *p, unsigned type, const void *id, unsigned len)
{
	p[0] = (uint8_t)type;
	p[1] = (uint8_t)len;
	memcpy(p + 4, id, len);
	return p + 4 + len;
}

static uint16_t cns_ns_desc(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	struct nvsr_model *m = c->m;
	uint32_t nsid = le32_get(cmd->e.nsid);
	enum m_nsid kind = m_nsid_kind(c, nsid);
	struct nvme_id_ns id;
	uint8_t csi = 0, *p = buf;

	if (kind == M_NSID_BROADCAST && DEFECT(m, NS_DESC_BROADCAST))
		return 0;
	if (kind != M_NSID_ACTIVE && !(kind == M_NSID_UNATTACHED && DEFECT(m, NS_DESC_IGNORES_ATTACHMENT)))
		return m_inactive_status(m, cmd, kind);
	m_ns_identify(c, m->ns[nsid], &id);
	if (DEFECT(m, NS_DESC_EMPTY))
		return 0;
	if (nvsr_le_read(id.eui64, 8))
		p = descriptor(p, NVME_NIDT_EUI64, id.eui64, sizeof(id.eui64));
	if (DEFECT(m, NS_DESC_BAD_LENGTH))
		((uint8_t *)buf)[1] = 6;
	if (DEFECT(m, NS_DESC_NGUID_DIFFERS))
		id.nguid[0] ^= 1;
	p = descriptor(p, NVME_NIDT_NGUID, id.nguid, sizeof(id.nguid));
	descriptor(p, NVME_NIDT_CSI, &csi, 1);
	return 0;
}

/* --- lists of namespaces ------------------------------------------------------------------------------------ */

static bool in_active_list(const struct m_ctrl *c, uint32_t nsid)
{
	const struct m_ns *ns = c->m->ns[nsid];

	if (!ns || (ns->ghost && m_is_pf(c)))
		return false;
	if (DEFECT(c->m, VF_ACTIVE_LIST_OF_PF))
		return ns->attached[0];
	return ns->attached[c->fn] || DEFECT(c->m, ACTIVE_LIST_SHOWS_ALL);
}

static bool in_allocated_list(const struct m_ctrl *c, uint32_t nsid)
{
	const struct m_ns *ns = c->m->ns[nsid];

	if (!ns || ns->ghost || (!m_is_pf(c) && !ns->attached[c->fn] && DEFECT(c->m, VF_ALLOCATED_LIST_PARTIAL)))
		return false;
	return ns->attached_count || !DEFECT(c->m, ALLOCATED_LIST_ONLY_ATTACHED);
}

/* NSIDs greater than NSID, ascending, as many as fit. */
static uint16_t ns_list(struct m_ctrl *c, struct m_cmd *cmd, uint8_t *buf, bool (*in)(const struct m_ctrl *, uint32_t))
{
	uint32_t after = le32_get(cmd->e.nsid);
	unsigned n = 0;

	if (after >= NVME_NSID_ALL - 1 && !DEFECT(c->m, NS_LIST_ANY_NSID))
		return bad_nsid(cmd, NVME_SC_INVALID_NS);
	if (after >= NVME_NSID_ALL - 1)
		after = 0;
	if (after && DEFECT(c->m, ACTIVE_LIST_INCLUDES_NSID))
		after--;
	for (uint64_t i = (uint64_t)after + 1; i <= c->m->conf.nn && n < LIST_MAX; i++)
		if (in(c, (uint32_t)i))
			nvsr_le_write(buf + 4 * n++, 4, i);
	if (n > 1 && DEFECT(c->m, NS_LIST_UNSORTED)) {
		uint32_t first = (uint32_t)nvsr_le_read(buf, 4);

		memmove(buf, buf + 4, 4);
		nvsr_le_write(buf + 4, 4, first);
	}
	return 0;
}

static uint16_t cns_active(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	return ns_list(c, cmd, buf, in_active_list);
}

static uint16_t cns_allocated(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	return ns_list(c, cmd, buf, in_allocated_list);
}

static uint16_t cns_csi_active(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	return CSI(cmd) ? m_bad(cmd, 47, 0, NVME_SC_INVALID_FIELD) : ns_list(c, cmd, buf, in_active_list);
}

static uint16_t cns_csi_allocated(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	return CSI(cmd) ? m_bad(cmd, 47, 0, NVME_SC_INVALID_FIELD) : ns_list(c, cmd, buf, in_allocated_list);
}

static uint16_t cns_granularity(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	uint8_t *b = buf;

	if (!c->m->conf.granularity)
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	/* one descriptor for every format */
	nvsr_le_write(b + 32, 8, c->m->conf.granularity_bytes);
	nvsr_le_write(b + 40, 8, c->m->conf.granularity_bytes);
	return 0;
}

/* --- lists of controllers ----------------------------------------------------------------------------------- */

static uint16_t ctrl_list(struct m_ctrl *c, struct m_cmd *cmd, struct nvme_ctrl_list *list, const struct m_ns *ns)
{
	struct nvsr_model *m = c->m;
	uint32_t from = DEFECT(m, CTRL_LIST_IGNORES_CNTID) ? 0 : CNTID(cmd);
	unsigned n = 0;

	for (struct m_ctrl *i; n < NVSR_ARRAY_SIZE(list->id) && (i = m_ctrl_next(m, from)); from = i->cntlid + 1u) {
		if (!m_is_pf(i) && DEFECT(m, CTRL_LIST_WITHOUT_VFS))
			continue;
		if (!ns || ns->attached[i->fn])
			list->id[n++] = le16(i->cntlid);
	}
	list->num = le16((uint16_t)n);
	return 0;
}

static uint16_t cns_ns_ctrls(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	uint32_t nsid = le32_get(cmd->e.nsid);
	enum m_nsid kind = m_nsid_kind(c, nsid);

	if (kind == M_NSID_INVALID)
		return bad_nsid(cmd, NVME_SC_INVALID_NS);
	if (kind == M_NSID_BROADCAST)
		return DEFECT(c->m, CNS_12H_BROADCAST) ? 0 : bad_nsid(cmd, NVME_SC_INVALID_FIELD);
	/* nothing is attached to what does not exist */
	return kind == M_NSID_UNALLOCATED ? 0 : ctrl_list(c, cmd, buf, c->m->ns[nsid]);
}

static uint16_t cns_subsys_ctrls(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	if (DEFECT(c->m, CNS_13H_UNSUPPORTED))
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	return ctrl_list(c, cmd, buf, NULL);
}

/* One version, 0, of the NVMe part, and nothing vendor specific. */
static uint16_t cns_state_formats(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	*(uint8_t *)buf = 1;
	return 0;
}

static uint16_t cns_primary_caps(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	m_virt_primary_caps(c->m, buf);
	return 0;
}

static uint16_t cns_secondary_list(struct m_ctrl *c, struct m_cmd *cmd, void *buf)
{
	m_virt_secondary_list(c->m, (uint16_t)CNTID(cmd), buf);
	return 0;
}

/* --- the table ---------------------------------------------------------------------------------------------- */

static const struct cns {
	cns_fn fill;
	bool uses_nsid;
	enum { ALWAYS, NS_MGMT, VIRT, MIGRATION } when;	/* capability of this controller that brings the CNS */
} table[] = {
	[NVME_CNS_NS] = { cns_ns, true, ALWAYS },
	[NVME_CNS_CTRL] = { cns_ctrl, false, ALWAYS },
	[NVME_CNS_ACTIVE_NS] = { cns_active, true, ALWAYS },
	[NVME_CNS_NS_DESC] = { cns_ns_desc, true, ALWAYS },
	[NVME_CNS_NVM_SETS] = { cns_nvm_sets, false, ALWAYS },
	[NVME_CNS_CSI_NS] = { cns_csi_ns, true, ALWAYS },
	[NVME_CNS_CSI_CTRL] = { cns_csi_ctrl, false, ALWAYS },
	[NVME_CNS_CSI_ACTIVE_NS] = { cns_csi_active, true, ALWAYS },
	[NVME_CNS_INDEP_NS] = { cns_indep_ns, true, ALWAYS },
	[NVME_CNS_ALLOCATED_NS] = { cns_allocated, true, NS_MGMT },
	[NVME_CNS_ALLOCATED_NS_ID] = { cns_allocated_ns, true, NS_MGMT },
	[NVME_CNS_NS_CTRLS] = { cns_ns_ctrls, true, NS_MGMT },
	[NVME_CNS_SUBSYS_CTRLS] = { cns_subsys_ctrls, false, NS_MGMT },
	[NVME_CNS_PRIMARY_CAPS] = { cns_primary_caps, false, VIRT },
	[NVME_CNS_SECONDARY_LIST] = { cns_secondary_list, false, VIRT },
	[NVME_CNS_NS_GRANULARITY] = { cns_granularity, false, NS_MGMT },
	[NVME_CNS_CSI_ALLOCATED_NS_ID] = { cns_csi_allocated, true, NS_MGMT },
	[NVME_CNS_CSI_ALLOCATED_NS] = { cns_csi_allocated_ns, true, NS_MGMT },
	[NVME_CNS_IOCS] = { cns_iocs, false, ALWAYS },
	[NVME_CNS_CTRL_STATE_FORMATS] = { cns_state_formats, false, MIGRATION },
};

static bool supported(const struct m_ctrl *c, const struct cns *cns)
{
	const struct nvsr_model *m = c->m;

	if (cns == &table[NVME_CNS_ALLOCATED_NS] && DEFECT(m, VF_ALLOCATED_LIST_PARTIAL))
		return true;
	if (cns->when == NS_MGMT)
		return m->conf.ns_mgmt && (m_is_pf(c) || DEFECT(m, VF_ACCEPTS_NS_MGMT));
	if (cns == &table[NVME_CNS_NVM_SETS])
		return !m_is_pf(c) && DEFECT(m, VF_LISTS_OWN_SETS);
	if (cns->when == MIGRATION)
		return m->conf.migration && m_is_pf(c) && !DEFECT(m, STATE_FORMATS_UNSUPPORTED);
	if (cns->when == VIRT)
		return m->conf.virt_mgmt && (m_is_pf(c) || DEFECT(m, VF_ANSWERS_PRIMARY_IDENTIFY));
	return true;
}

uint16_t m_identify(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned n = M_DW(cmd, 10) & 0xff;
	const struct cns *cns = n < NVSR_ARRAY_SIZE(table) ? &table[n] : NULL;
	uint8_t buf[NVME_IDENTIFY_SIZE] = { 0 };
	uint16_t status;

	if (!cns || !cns->fill || !supported(c, cns))
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	if (!cns->uses_nsid && le32_get(cmd->e.nsid) && !DEFECT(c->m, UNUSED_NSID_ACCEPTED))
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_FIELD);
	if (DEFECT(c->m, IDENTIFY_CARRIES_DATA))
		memcpy(buf + sizeof(buf) - sizeof(c->m->wrong.written), c->m->wrong.written, sizeof(c->m->wrong.written));
	status = cns->fill(c, cmd, buf);
	return status ? status : m_data_to_host(c, cmd, buf, sizeof(buf));
}
