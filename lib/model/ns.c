// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Namespaces: Namespace Management (Base 5.23, NVM Command Set 4.1.6), Namespace Attachment (Base 5.22), and what Identify
 * shows of a namespace.  Attachments belong to the subsystem: no reset touches them.
 */
#include "base/time.h"
#include "model/cmd.h"

#define SEL(cmd) (M_DW(cmd, 10) & 0xf)
#define FLBAS_EXTENDED 0x10
#define OUI 0x525400ull
#define LARGEST (1ull << 45)	/* bytes of a thin namespace: an address space has room for some */

static unsigned block_bytes(const struct nvme_lbaf *f)
{
	return (1u << f->lbads) + le16_get(f->ms);
}

/* Count of allocated namespaces. */
static unsigned allocated(const struct nvsr_model *m)
{
	unsigned n = 0;

	for (uint32_t i = 1; i <= m->conf.nn; i++)
		n += m->ns[i] && !m->ns[i]->ghost;
	return n;
}

/* --- identify data ------------------------------------------------------------------------------------------ */

void m_ns_common(const struct nvsr_model *m, struct nvme_id_ns *ret)
{
	const struct m_conf *f = &m->conf;
	unsigned formats = f->formats_count;

	memset(ret, 0, sizeof(*ret));
	if (formats > 1 && DEFECT(m, HIDDEN_LBA_FORMAT))
		formats--;
	ret->nsfeat = (uint8_t)((f->thin != DEFECT(m, NSFEAT_THIN_INVERTED) ? NVME_NSFEAT_THIN : 0) | NVME_NSFEAT_UIDREUSE);
	ret->nsfeat &= (uint8_t)~(DEFECT(m, UIDREUSE_CLEAR) ? NVME_NSFEAT_UIDREUSE : 0);
	ret->nsfeat |= DEFECT(m, DULBE_SHOWN) ? NVME_NSFEAT_DULBE : 0;
	ret->nsfeat |= f->dulbe && !DEFECT(m, NSFEAT_HIDES_DULBE) ? NVME_NSFEAT_DULBE : 0;
	if (f->resv)
		ret->rescap = NVME_RESCAP_TYPES | (DEFECT(m, RESCAP_OLD_IEKEY) ? 0 : NVME_RESCAP_IEKEY);
	ret->rescap |= f->ptpl && !DEFECT(m, RESCAP_HIDES_PTPL) ? NVME_RESCAP_PTPL : 0;
	if (f->copy) {
		ret->mssrl = le16(M_COPY_RANGE);
		ret->mcl = le32(M_COPY_TOTAL);
		ret->msrc = M_COPY_RANGES - 1;
	}
	ret->nlbaf = (uint8_t)(formats - 1);
	ret->dlfeat = f->dlfeat;
	if (DEFECT(m, DLFEAT_WRONG_VALUE))
		ret->dlfeat ^= 3;
	/* what AWUN says, and no more, but from one boundary to the next */
	ret->nsfeat |= NVME_NSFEAT_ATOMIC;
	ret->nawun = le16(DEFECT(m, NAWUN_BELOW_AWUN) ? 1 : M_ATOMIC_BLOCKS - 1);
	ret->nabsn = ret->nabspf = le16(M_BOUNDARY_BLOCKS - 1);
	ret->nmic = NVME_NMIC_SHARED;
	for (unsigned i = 0; i < formats; i++) {
		ret->lbaf[i] = f->formats[i];
		/* metadata at the end of each block and as a separate buffer */
		if (le16_get(f->formats[i].ms))
			ret->mc = 0x3;
	}
	ret->mc |= DEFECT(m, EXTENDED_BLOCKS_OFFERED) ? 1 : 0;
}

void m_ns_identify(const struct m_ctrl *c, const struct m_ns *ns, struct nvme_id_ns *ret)
{
	*ret = ns->id;
	/* OCP NUSE-1: what is written and not deallocated */
	if (c->m->conf.ocp && !DEFECT(c->m, NUSE_IS_NCAP))
		ret->nuse = le64(ns->erased_full ? le64_get(ns->id.ncap) : m_media_count(ns->media));
	if (ns->wp_state && !DEFECT(c->m, NSATTR_HIDES_PROTECTION))
		ret->nsattr |= NVME_NSATTR_WP;
	if (c->m->conf.format)
		ret->fpi = m_format_progress(c->m, ns);
	if (m_is_pf(c))
		return;
	if (DEFECT(c->m, VF_KEEPS_OLD_FORMAT))
		ret->flbas = 0;
	if (DEFECT(c->m, VF_ATOMIC_UNIT_DIFFERS))
		ret->nawun = le16((uint16_t)(le16_get(ret->nawun) + 1));
	if (DEFECT(c->m, VF_ENDURANCE_GROUP_DIFFERS))
		ret->endgid = le16((uint16_t)c->fn);
	if (DEFECT(c->m, NUSE_DIFFERS))
		ret->nuse = le64(le64_get(ret->nuse) - 1);
	if (DEFECT(c->m, EUI64_DIFFERS_PER_CONTROLLER))
		ret->eui64[7] ^= (uint8_t)c->fn;
	if (DEFECT(c->m, RESCAP_DIFFERS))
		ret->rescap &= (uint8_t)~(1u << NVME_RESV_EAAR);
	if (DEFECT(c->m, NGUID_DIFFERS_PER_CONTROLLER))
		ret->nguid[15] ^= (uint8_t)c->fn;
	if (DEFECT(c->m, SHARED_SIZE_DIFFERS))
		ret->nsze = le64(le64_get(ret->nsze) - 1);
}

/* NGUID and EUI64 from a number that is used once. */
static void set_identifiers(struct nvme_id_ns *id, uint64_t uid)
{
	for (unsigned i = 0; i < 8; i++)
		id->nguid[i] = id->nguid[15 - i] = (uint8_t)(uid >> 8 * i);
	for (unsigned i = 0; i < 5; i++)
		id->eui64[7 - i] = (uint8_t)(uid >> 8 * i);
	for (unsigned i = 0; i < 3; i++)
		id->nguid[8 + i] = id->eui64[i] = (uint8_t)(OUI >> 8 * (2 - i));
}

/* --- attachment state --------------------------------------------------------------------------------------- */

static unsigned attached_to(const struct nvsr_model *m, const struct m_ctrl *c)
{
	unsigned n = 0;

	for (uint32_t i = 1; i <= m->conf.nn; i++)
		n += m->ns[i] && m->ns[i]->attached[c->fn];
	return n;
}

static unsigned attachments(const struct nvsr_model *m)
{
	unsigned n = 0;

	for (uint32_t i = 1; i <= m->conf.nn; i++)
		n += m->ns[i] ? m->ns[i]->attached_count : 0;
	return n;
}

static void set_attached(struct m_ns *ns, const struct m_ctrl *c, bool attached)
{
	if (ns->attached[c->fn] == attached)
		return;
	ns->attached[c->fn] = attached;
	ns->attached_count += attached ? 1 : -1u;
}

void m_ns_detach_all(struct m_ctrl *c)
{
	for (uint32_t i = 1; i <= c->m->conf.nn; i++)
		if (c->m->ns[i])
			set_attached(c->m->ns[i], c, false);
}

void m_ns_changed(struct nvsr_model *m, const struct m_ns *ns)
{
	for (unsigned i = 0; i < m->ctrl_count; i++)
		if (ns->attached[i])
			m_log_changed(&m->ctrl[i], ns->nsid, true);
}

/* --- making and freeing ------------------------------------------------------------------------------------- */

static void ns_free(struct nvsr_model *m, struct m_ns *ns)
{
	if (!ns)
		return;
	if (DEFECT(m, STALE_DATA_AFTER_RECREATE)) {
		m_media_free(m->wrong.stale);
		m->wrong.stale = ns->media;
		ns->media = NULL;
	}
	m_media_free(ns->media);
	m_resv_free(ns);
	free(ns->attached);
	free(ns);
}

/* The value a deallocated byte reads, NVM Command Set 3.2.3.2.1. */
static uint8_t deallocated_value(uint8_t dlfeat)
{
	return (dlfeat & 7) == 2 ? 0xff : 0;
}

struct m_media *m_ns_media(struct nvsr_model *m, uint64_t blocks, const struct nvme_lbaf *f)
{
	uint64_t bytes = blocks * block_bytes(f);
	struct m_media *md;

	if (m->wrong.stale && m_media_size(m->wrong.stale) >= bytes) {
		md = m->wrong.stale;
		m->wrong.stale = NULL;
		return md;
	}
	return m_media_new(bytes, block_bytes(f), deallocated_value(m->conf.dlfeat));
}

/* A namespace as @id asks; NULL without memory.  Takes its bytes from the unallocated capacity. */
static struct m_ns *ns_new(struct nvsr_model *m, uint32_t nsid, const struct nvme_id_ns *id, uint64_t nvmcap)
{
	struct m_ns *ns = calloc(1, sizeof(*ns));
	uint64_t uid;

	if (!ns)
		return NULL;
	ns->nsid = nsid;
	ns->attached = calloc(m->ctrl_count, sizeof(*ns->attached));
	ns->media = m_ns_media(m, le64_get(id->nsze), &m->conf.formats[NVME_FLBAS_INDEX(id->flbas)]);
	ns->block = block_bytes(&m->conf.formats[NVME_FLBAS_INDEX(id->flbas)]);
	if (!ns->attached || !ns->media) {
		ns_free(m, ns);
		return NULL;
	}
	m_ns_common(m, &ns->id);
	ns->id.nsze = id->nsze;
	ns->id.ncap = id->ncap;
	ns->id.nuse = id->ncap;
	ns->id.flbas = id->flbas & (FLBAS_EXTENDED | 0xf);
	ns->id.nmic = id->nmic & NVME_NMIC_SHARED;
	ns->id.nvmcap = le128(nvmcap);
	uid = m->next_uid++;
	set_identifiers(&ns->id, DEFECT(m, NGUID_REUSED) ? nsid : uid);
	if (m->conf.ocp && !DEFECT(m, EUI64_BESIDE_NGUID))	/* NVMe-CFG-8 */
		memset(ns->id.eui64, 0, sizeof(ns->id.eui64));
	m->unvmcap -= nvmcap;
	m->ns[nsid] = ns;
	return ns;
}

/* Bytes of a namespace of @blocks: whole granules.  UINT64_MAX when there is no such number. */
static uint64_t ns_bytes(const struct nvsr_model *m, uint64_t blocks, const struct nvme_lbaf *f)
{
	uint64_t granule = m->conf.granularity_bytes ? m->conf.granularity_bytes : 1, bytes;

	if (blocks > UINT64_MAX >> (f->lbads + 2))
		return UINT64_MAX;
	bytes = blocks << f->lbads;
	return bytes > UINT64_MAX - granule ? UINT64_MAX : NVSR_ROUND_UP(bytes, granule);
}

int m_ns_init(struct nvsr_model *m)
{
	const struct m_conf *f = &m->conf;

	m->ns = calloc((size_t)f->nn + 1, sizeof(struct m_ns *));
	if (!m->ns)
		return -ENOMEM;
	m->unvmcap = f->capacity;
	m->next_uid = 1;
	for (unsigned i = 1; i <= f->ns_count; i++) {
		struct nvme_id_ns id = { .nsze = le64(f->ns_blocks), .ncap = le64(f->ns_blocks),
					 .nmic = f->ns_shared ? NVME_NMIC_SHARED : 0 };
		uint64_t bytes = ns_bytes(m, f->ns_blocks, &f->formats[0]);
		struct m_ns *ns;

		if (i > f->nn || bytes > m->unvmcap)
			return -EINVAL;
		ns = ns_new(m, i, &id, bytes);
		if (!ns)
			return -ENOMEM;
		set_attached(ns, m_pf(m), true);
		/* without Namespace Attachment a shared namespace is everybody's from the start */
		for (unsigned n = 1; !f->ns_mgmt && f->ns_shared && n < m->ctrl_count; n++)
			set_attached(ns, &m->ctrl[n], true);
	}
	return 0;
}

void m_ns_free(struct nvsr_model *m)
{
	for (uint32_t i = 1; m->ns && i <= m->conf.nn; i++)
		ns_free(m, m->ns[i]);
	free(m->ns);
	m->ns = NULL;
	m->wrong.stale = m_media_free(m->wrong.stale);
	free(m->wrong.attached);
	m_nvm_free(m);
}

/* --- Namespace Management: create --------------------------------------------------------------------------- */

/* The fields a host may set, in the order of NVM Command Set 4.1.6.  0 or a status. */
static uint16_t check_create(struct nvsr_model *m, struct m_cmd *cmd, const struct nvme_id_ns *id)
{
	const struct m_conf *f = &m->conf;
	unsigned index = NVME_FLBAS_INDEX(id->flbas) | (id->flbas >> 5 & 3) << 4;
	uint64_t nsze = le64_get(id->nsze), ncap = le64_get(id->ncap);

	if (index >= f->formats_count || (id->dps && !DEFECT(m, CREATE_IGNORES_DPS)))
		return DEFECT(m, BAD_FORMAT_WRONG_STATUS) ? NVME_SC_INVALID_FIELD : NVME_SC_INVALID_FORMAT;
	if (!nsze)
		return NVME_SC_INVALID_FIELD;
	if (nsze != ncap && !f->thin && !DEFECT(m, THIN_ACCEPTED))
		return DEFECT(m, THIN_WRONG_STATUS) ? NVME_SC_INVALID_FIELD : NVME_SC_THIN_NOT_SUPPORTED;
	if (ncap > nsze)
		return NVME_SC_INVALID_FIELD;
	if (nsze != ncap && ns_bytes(m, nsze, &f->formats[index]) > LARGEST)
		return NVME_SC_NS_INSUFFICIENT_CAP;
	/* ANA, NVM Sets and Endurance Groups are not supported: no group or set id exists */
	if (le32_get(id->anagrpid))
		return NVME_SC_ANA_GROUP_INVALID;
	if ((le16_get(id->nvmsetid) || le16_get(id->endgid)) && !DEFECT(m, CREATE_IGNORES_NVMSET))
		return NVME_SC_INVALID_FIELD;
	if (f->granularity_bytes && DEFECT(m, CREATE_INSISTS_ON_GRANULARITY) &&
	    (ncap << f->formats[index].lbads) % f->granularity_bytes)
		return NVME_SC_INVALID_FIELD;
	return 0;
}

static uint32_t free_nsid(const struct nvsr_model *m)
{
	for (uint32_t i = 1; i <= m->conf.nn; i++)
		if (!m->ns[i])
			return i;
	return 0;
}

/* What a drive makes of a correct request when it is wrong about it. */
static void create_defects(struct nvsr_model *m, struct m_ns *ns, const struct nvme_id_ns *asked)
{
	for (unsigned i = 0; i < m->ctrl_count; i++)
		if (i ? DEFECT(m, CREATE_ATTACHES_TO_VFS) : DEFECT(m, CREATE_ATTACHES_TO_CREATOR))
			set_attached(ns, &m->ctrl[i], true);
	for (unsigned i = 0; m->wrong.attached && m->wrong.attached_nsid == ns->nsid && i < m->ctrl_count; i++)
		set_attached(ns, &m->ctrl[i], m->wrong.attached[i]);
	if (DEFECT(m, CREATE_IGNORES_NMIC))
		ns->id.nmic = 0;
	if (DEFECT(m, CREATED_SIZE_DIFFERS))
		ns->id.nsze = ns->id.ncap = le64(NVSR_MAX(le64_get(asked->nsze), 2ull) - 1);
	if (DEFECT(m, CREATE_TAKES_HOST_NGUID))
		memcpy(ns->id.nguid, asked->nguid, sizeof(ns->id.nguid));
}

static uint16_t create(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	unsigned most = m->conf.mnan ? NVSR_MIN(m->conf.mnan, m->conf.nn) : m->conf.nn;
	struct nvme_id_ns id;
	struct m_ns *ns;
	uint64_t bytes;
	uint16_t status;

	if (le32_get(cmd->e.nsid) && !DEFECT(m, UNUSED_NSID_ACCEPTED))
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_FIELD);
	if (M_DW(cmd, 11) >> 24 && !DEFECT(m, CREATE_IGNORES_CSI))
		return m_bad(cmd, 47, 0, NVME_SC_IOCS_NOT_SUPPORTED);
	status = m_data_from_host(c, cmd, &id, sizeof(id));
	if (!status)
		status = check_create(m, cmd, &id);
	if (status)
		return status;
	bytes = ns_bytes(m, le64_get(id.ncap), &m->conf.formats[NVME_FLBAS_INDEX(id.flbas)]);
	if (DEFECT(m, EIGHT_NAMESPACES))
		most = 8;
	if (allocated(m) >= most)
		return DEFECT(m, MNAN_WRONG_STATUS) ? NVME_SC_NS_INSUFFICIENT_CAP : NVME_SC_NSID_UNAVAILABLE;
	if (bytes > m->unvmcap) {
		cmd->cs_info = DEFECT(m, INSUFFICIENT_CAPACITY_NOT_LOGGED) ? 0 : bytes;
		if (DEFECT(m, FAILED_CREATE_LEAKS_CAPACITY))
			m->unvmcap /= 2;
		return DEFECT(m, INSUFFICIENT_CAPACITY_WRONG_STATUS) ? NVME_SC_CAPACITY_EXCEEDED : NVME_SC_NS_INSUFFICIENT_CAP;
	}
	ns = ns_new(m, free_nsid(m), &id, bytes);
	if (!ns)
		return NVME_SC_INTERNAL;
	create_defects(m, ns, &id);
	cmd->dw0 = DEFECT(m, CREATE_RETURNS_NO_NSID) ? 0 : ns->nsid;
	return 0;
}

/* --- Namespace Management: delete --------------------------------------------------------------------------- */

/* Base 5.2: the controller that processes the delete gets no event; the others that lose the namespace do. */
static void delete_one(struct m_ctrl *c, struct m_ns *ns)
{
	struct nvsr_model *m = c->m;
	uint64_t nvmcap = le128_get(ns->id.nvmcap, NULL);

	for (unsigned i = 0; i < m->ctrl_count; i++)
		if (ns->attached[i])
			m_log_changed(&m->ctrl[i], ns->nsid, &m->ctrl[i] != c || DEFECT(m, NS_EVENT_TO_DELETER));
	if (!DEFECT(m, DELETE_LEAKS_CAPACITY))
		m->unvmcap += nvmcap;
	if (DEFECT(m, DELETE_WIPES_NEIGHBOUR) && m->ns[ns->nsid - 1])
		m_media_zero(m->ns[ns->nsid - 1]->media, 0, m_media_size(m->ns[ns->nsid - 1]->media));
	if (DEFECT(m, DELETE_KEEPS_VF_ATTACHMENT) && ns->attached_count > ns->attached[0]) {
		set_attached(ns, m_pf(m), false);
		ns->ghost = true;
		return;
	}
	if (DEFECT(m, DELETE_KEEPS_ATTACHMENT_RECORD)) {
		free(m->wrong.attached);
		m->wrong.attached = ns->attached;
		m->wrong.attached_nsid = ns->nsid;
		ns->attached = NULL;
	}
	m->ns[ns->nsid] = NULL;
	ns_free(m, ns);
}

static uint16_t write_protected(const struct nvsr_model *m)
{
	return DEFECT(m, WRITE_PROTECT_WRONG_SCT) ? NVME_SC_INVALID_SEC_STATE : NVME_SC_NS_WRITE_PROTECTED;
}

/* What stands in the way of changing a namespace: a reservation of another host, a format. */
static uint16_t busy(const struct m_ctrl *c, const struct m_ns *ns, uint8_t opcode)
{
	if (m_resv_conflict(c, ns, false, opcode))
		return NVME_SC_RESV_CONFLICT;
	return m_formatting(c->m, ns) ? NVME_SC_FORMAT_IN_PROGRESS : 0;
}

static uint16_t delete_all(struct m_ctrl *c)
{
	struct nvsr_model *m = c->m;

	if (!allocated(m) && DEFECT(m, DELETE_ALL_EMPTY_FAILS))
		return NVME_SC_INVALID_FIELD;
	for (uint32_t i = 1; i <= m->conf.nn; i++)
		if (m->ns[i] && !m->ns[i]->ghost && m->ns[i]->wp_state && !DEFECT(m, DELETE_IGNORES_WRITE_PROTECT))
			return write_protected(m);
		else if (m->ns[i] && !m->ns[i]->ghost && busy(c, m->ns[i], NVME_ADMIN_NS_MGMT))
			return busy(c, m->ns[i], NVME_ADMIN_NS_MGMT);
	for (uint32_t i = 1; i <= m->conf.nn; i++)
		if (m->ns[i] && !m->ns[i]->ghost && !(!m->ns[i]->attached[0] && DEFECT(m, DELETE_ALL_ONLY_ATTACHED)))
			delete_one(c, m->ns[i]);
	return 0;
}

static uint16_t delete(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint32_t nsid = le32_get(cmd->e.nsid);
	struct m_ns *ns;

	switch (m_nsid_kind(c, nsid)) {
	case M_NSID_BROADCAST:
		return delete_all(c);
	case M_NSID_INVALID:
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_NS);
	case M_NSID_UNALLOCATED:
		if (DEFECT(m, DELETE_UNALLOCATED_SUCCEEDS))
			return 0;
		return m_inactive_status(m, cmd, M_NSID_UNALLOCATED);
	default:
		break;
	}
	ns = m->ns[nsid];
	if (ns->wp_state && !DEFECT(m, DELETE_IGNORES_WRITE_PROTECT))
		return m_bad(cmd, 4, 0, write_protected(m));
	if (busy(c, ns, NVME_ADMIN_NS_MGMT))
		return busy(c, ns, NVME_ADMIN_NS_MGMT);
	if (ns->attached_count && DEFECT(m, DELETE_REFUSED_WHILE_ATTACHED))
		return NVME_SC_NS_ALREADY_ATTACHED;
	delete_one(c, ns);
	return 0;
}

uint16_t m_ns_mgmt(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned sel = SEL(cmd);

	if (DEFECT(c->m, OTHER_NAMESPACES_BLOCKED))
		c->m->wrong.blocked_until = c->m->now + 1000000;
	if (sel == NVME_NS_MGMT_CREATE)
		return create(c, cmd);
	if (sel == NVME_NS_MGMT_DELETE || DEFECT(c->m, NS_MGMT_RESERVED_SEL))
		return delete(c, cmd);
	return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
}

/* --- Namespace Attachment ----------------------------------------------------------------------------------- */

static uint16_t attach_one(struct nvsr_model *m, struct m_ns *ns, struct m_ctrl *c)
{
	bool private = !(ns->id.nmic & NVME_NMIC_SHARED);

	if (ns->attached[c->fn])
		return DEFECT(m, ATTACH_TWICE_SUCCEEDS) ? 0 : NVME_SC_NS_ALREADY_ATTACHED;
	if (private && ns->attached_count && !DEFECT(m, PRIVATE_NS_SHARED))
		return NVME_SC_NS_IS_PRIVATE;
	if (private && ns->was_attached && DEFECT(m, PRIVATE_STAYS_WITH_FIRST))
		return NVME_SC_NS_IS_PRIVATE;
	if (!m_is_pf(c) && !c->online && DEFECT(m, ATTACH_TO_OFFLINE_FAILS))
		return NVME_SC_CTRL_LIST_INVALID;
	if ((m->conf.maxdna && attachments(m) >= m->conf.maxdna && !DEFECT(m, MAXDNA_IGNORED)) ||
	    (m->conf.maxcna && attached_to(m, c) >= m->conf.maxcna && !DEFECT(m, MAXCNA_IGNORED)))
		return NVME_SC_ATTACH_LIMIT;
	set_attached(ns, c, true);
	if (DEFECT(m, NGUID_CHANGES_AT_ATTACH))
		ns->id.nguid[0]++;
	ns->was_attached = true;
	m_log_changed(c, ns->nsid, true);
	return 0;
}

static uint16_t detach_one(struct nvsr_model *m, struct m_ns *ns, struct m_ctrl *c)
{
	if (!ns->attached[c->fn])
		return DEFECT(m, DETACH_UNATTACHED_SUCCEEDS) ? 0 : NVME_SC_NS_NOT_ATTACHED;
	m_resv_detached(c, ns);
	set_attached(ns, c, false);
	if (DEFECT(m, DETACH_ERASES))
		m_media_deallocate(ns->media, 0, m_media_size(ns->media));
	m_log_changed(c, ns->nsid, !DEFECT(m, NS_EVENT_NOT_ON_DETACH));
	return 0;
}

static void roll_back(struct nvsr_model *m, struct m_ns *ns, const struct nvme_ctrl_list *list, const bool *before, unsigned n)
{
	while (n--) {
		struct m_ctrl *c = m_ctrl_by_cntlid(m, le16_get(list->id[n]));

		if (c)
			set_attached(ns, c, before[n]);
	}
}

/* Entries up to the first bad one have taken effect; Command Specific Information is where that one stands. */
static uint16_t attach_list(struct nvsr_model *m, struct m_cmd *cmd, struct m_ns *ns, const struct nvme_ctrl_list *list)
{
	unsigned num = le16_get(list->num), sel = SEL(cmd);
	uint16_t status, first = 0;
	bool before[2047];

	for (unsigned i = 0; i < num; i++) {
		struct m_ctrl *c = m_ctrl_by_cntlid(m, le16_get(list->id[i]));

		before[i] = c && ns->attached[c->fn];
		if (c)
			status = sel == NVME_NS_ATTACH ? attach_one(m, ns, c) : detach_one(m, ns, c);
		else
			status = DEFECT(m, ATTACH_UNKNOWN_CTRL_WRONG_STATUS) ? NVME_SC_INVALID_FIELD : NVME_SC_CTRL_LIST_INVALID;
		if (!status || first)
			continue;
		first = status;
		cmd->cs_info = DEFECT(m, ATTACH_ERROR_NO_OFFSET) ? 0 : offsetof(struct nvme_ctrl_list, id) + 2 * i;
		if (DEFECT(m, ATTACH_ALL_OR_NOTHING))
			roll_back(m, ns, list, before, i);
		if (!DEFECT(m, ATTACH_SKIPS_FAILING_ENTRY))
			break;
	}
	return first;
}

/* How a drive misreads the number of controllers in a list. */
static void list_defects(const struct nvsr_model *m, struct nvme_ctrl_list *list)
{
	unsigned num = le16_get(list->num), most = NVSR_ARRAY_SIZE(list->id);

	if (DEFECT(m, ATTACH_ONLY_FIRST_ENTRY) && num && num <= most)
		num = 1;
	while (DEFECT(m, ATTACH_IGNORES_COUNT) && num && num < most && le16_get(list->id[num]))
		num++;
	if (DEFECT(m, ATTACH_LIST_TRUNCATED))
		num = NVSR_MIN(num, most);
	list->num = le16((uint16_t)num);
}

uint16_t m_ns_attachment(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint32_t nsid = le32_get(cmd->e.nsid);
	enum m_nsid kind = m_nsid_kind(c, nsid);
	struct nvme_ctrl_list list;
	uint16_t status;
	unsigned num;

	if (DEFECT(m, OTHER_NAMESPACES_BLOCKED))
		m->wrong.blocked_until = m->now + 1000000;
	if (SEL(cmd) != NVME_NS_ATTACH && SEL(cmd) != NVME_NS_DETACH)
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	if (kind == M_NSID_BROADCAST && DEFECT(m, ATTACH_BROADCAST_SUCCEEDS))
		return 0;
	if (kind == M_NSID_INVALID)
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_NS);
	if (kind == M_NSID_BROADCAST || kind == M_NSID_UNALLOCATED)
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_FIELD);
	if (m_resv_conflict(c, m->ns[nsid], false, NVME_ADMIN_NS_ATTACH))
		return NVME_SC_RESV_CONFLICT;
	status = m_data_from_host(c, cmd, &list, sizeof(list));
	if (status)
		return status;
	num = le16_get(list.num);
	if (!num && DEFECT(m, ATTACH_EMPTY_LIST_SUCCEEDS))
		return 0;
	list_defects(m, &list);
	num = le16_get(list.num);
	if (!num || num > NVSR_ARRAY_SIZE(list.id))
		return NVME_SC_CTRL_LIST_INVALID;
	status = attach_list(m, cmd, m->ns[nsid], &list);
	return !status && DEFECT(m, ATTACH_SLOW) ? m_slow_start(c, cmd, 11 * NVSR_S, NULL) : status;
}
