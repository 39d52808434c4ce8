// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Format NVM (Base 5.14) and Sanitize (Base 5.24, 8.21).  Data is gone when the command starts; what remains is time, in
 * which namespaces are not available.
 */
#include "base/time.h"
#include "model/cmd.h"

#define FORMAT_NS (20 * NVSR_MS)
#define SANITIZE_NS (200 * NVSR_MS)
#define LBAFL(cmd) ((M_DW(cmd, 10) & 0xf) | (M_DW(cmd, 10) >> 12 & 3) << 4)
#define MSET(cmd) (M_DW(cmd, 10) >> 4 & 1)
#define PI(cmd) (M_DW(cmd, 10) >> 5 & 7)
#define SES(cmd) (M_DW(cmd, 10) >> 9 & 7)
#define SANACT(cmd) (M_DW(cmd, 10) & 7)
#define FLBAS_EXTENDED 0x10

static void due_at(struct nvsr_model *m, uint64_t when)
{
	m->erase_next = NVSR_MIN(m->erase_next, when);
	m->next_event = NVSR_MIN(m->next_event, when);
}

/* --- Format NVM --------------------------------------------------------------------------------------------- */

bool m_formatting(const struct nvsr_model *m, const struct m_ns *ns)
{
	return ns->format_end > m->now;
}

uint8_t m_format_progress(const struct nvsr_model *m, const struct m_ns *ns)
{
	if (!m_formatting(m, ns) || DEFECT(m, FORMAT_PROGRESS_ZERO))
		return NVME_FPI_SUPPORTED;
	return (uint8_t)(NVME_FPI_SUPPORTED | NVSR_DIV_ROUND_UP((ns->format_end - m->now) * 100, FORMAT_NS));
}

static bool keeps_data(const struct nvsr_model *m, unsigned ses)
{
	return DEFECT(m, FORMAT_KEEPS_DATA) || (ses == NVME_SES_CRYPTO && DEFECT(m, CRYPTO_KEEPS_PLAINTEXT)) ||
	       (ses == NVME_SES_USER_DATA && DEFECT(m, USER_DATA_ERASE_KEEPS_DATA));
}

/* The whole of a namespace reads as deallocated.  A defective drive forgets the end of it. */
static void wipe(struct nvsr_model *m, struct m_ns *ns)
{
	uint64_t size = m_media_size(ns->media);

	m_media_deallocate(ns->media, 0, DEFECT(m, ERASE_FORGETS_LAST_BLOCK) ? size - ns->block : size);
}

static uint16_t format_one(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	struct nvsr_model *m = c->m;
	unsigned lbaf = DEFECT(m, FORMAT_IGNORES_LBAF) ? NVME_FLBAS_INDEX(ns->id.flbas) : LBAFL(cmd);
	const struct nvme_lbaf *old = &m->conf.formats[NVME_FLBAS_INDEX(ns->id.flbas)], *new = &m->conf.formats[lbaf];
	uint64_t blocks = (le64_get(ns->id.nsze) << old->lbads) >> new->lbads;
	uint64_t usable = (le64_get(ns->id.ncap) << old->lbads) >> new->lbads;

	if (old != new || DEFECT(m, FORMAT_CHANGES_SIZE)) {
		struct m_media *md = m_ns_media(m, blocks, new);

		if (!md)
			return NVME_SC_INTERNAL;
		m_media_free(ns->media);
		ns->media = md;
		ns->block = (1u << new->lbads) + le16_get(new->ms);
		ns->id.nsze = le64(blocks - DEFECT(m, FORMAT_CHANGES_SIZE));
		ns->id.ncap = ns->id.nuse = le64(usable - DEFECT(m, FORMAT_CHANGES_SIZE));
	} else if (!keeps_data(m, SES(cmd))) {
		wipe(m, ns);
		ns->erased_full = DEFECT(m, NUSE_FULL_AFTER_ERASE);
	}
	ns->id.flbas = (uint8_t)(lbaf | (MSET(cmd) ? FLBAS_EXTENDED : 0));
	ns->format_end = m->now + FORMAT_NS;
	due_at(m, ns->format_end);
	if (!DEFECT(m, FORMAT_EVENT_MISSING))
		m_ns_changed(m, ns);
	return 0;
}

static bool affected(const struct m_ctrl *c, const struct m_cmd *cmd, uint32_t nsid)
{
	const struct nvsr_model *m = c->m;
	uint32_t asked = le32_get(cmd->e.nsid);

	if (!m->ns[nsid])
		return false;
	if (DEFECT(m, FORMAT_ALL_NAMESPACES))
		return true;
	if (asked == NVME_NSID_ALL)
		return m->ns[nsid]->attached[c->fn] || DEFECT(m, FORMAT_BROADCAST_BEYOND_ATTACHED);
	return nsid == asked || (nsid == asked + 1 && DEFECT(m, FORMAT_HITS_NEIGHBOUR));
}

static uint16_t check_format(const struct nvsr_model *m, struct m_cmd *cmd)
{
	unsigned lbaf = LBAFL(cmd);

	if (SES(cmd) > NVME_SES_CRYPTO && !DEFECT(m, FORMAT_RESERVED_SES_ACCEPTED))
		return m_bad(cmd, 41, 1, NVME_SC_INVALID_FIELD);
	if (SES(cmd) == NVME_SES_CRYPTO && !m->conf.crypto)
		return m_bad(cmd, 41, 1, NVME_SC_INVALID_FIELD);
	if (lbaf >= m->conf.formats_count || PI(cmd) || (MSET(cmd) && !le16_get(m->conf.formats[lbaf].ms)))
		return DEFECT(m, FORMAT_BAD_INDEX_WRONG_STATUS) ? NVME_SC_INVALID_FIELD : NVME_SC_INVALID_FORMAT;
	return 0;
}

/* The NSID of a Format: any allocated namespace, attached or not, or all that are attached to the controller. */
static uint16_t check_format_nsid(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	enum m_nsid kind = m_nsid_kind(c, le32_get(cmd->e.nsid));

	if (kind == M_NSID_BROADCAST)
		return DEFECT(m, FORMAT_BROADCAST_REFUSED) ? m_bad(cmd, 4, 0, NVME_SC_INVALID_FIELD) : 0;
	if (kind == M_NSID_INVALID)
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_NS);
	if (kind == M_NSID_UNALLOCATED && !DEFECT(m, FORMAT_OF_UNALLOCATED_OK))
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_FIELD);
	if (kind == M_NSID_UNATTACHED && DEFECT(m, FORMAT_NEEDS_ATTACHMENT))
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_FIELD);
	return 0;
}

uint16_t m_format(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status = check_format_nsid(c, cmd);
	bool any = false;

	if (!status)
		status = check_format(m, cmd);
	for (uint32_t i = 1; i <= m->conf.nn && !status; i++) {
		if (!affected(c, cmd, i))
			continue;
		any = true;
		if (m->ns[i]->wp_state && !DEFECT(m, FORMAT_IGNORES_WRITE_PROTECT))
			status = m_bad(cmd, 4, 0, NVME_SC_NS_WRITE_PROTECTED);
		else if (m_resv_conflict(c, m->ns[i], false, NVME_ADMIN_FORMAT))
			status = NVME_SC_RESV_CONFLICT;
		else if (m_formatting(m, m->ns[i]))
			status = NVME_SC_FORMAT_IN_PROGRESS;
	}
	if (status || !any)
		return status;
	for (uint32_t i = 1; i <= m->conf.nn && !status; i++)
		if (affected(c, cmd, i))
			status = format_one(c, cmd, m->ns[i]);
	if (!status && SES(cmd) == NVME_SES_USER_DATA && DEFECT(m, USER_DATA_ERASE_SLOW))
		return m_slow_start(c, cmd, 11 * NVSR_S, NULL);
	return status ? status : m_slow_start(c, cmd, FORMAT_NS, NULL);
}

/* --- Sanitize ----------------------------------------------------------------------------------------------- */

static bool running(const struct nvsr_model *m)
{
	return m->sanitize.state == NVME_SSTAT_IN_PROGRESS;
}

/* Base 8.21 and Figure 139: what goes on while a sanitize operation runs. */
static bool allowed_meanwhile(const struct nvsr_model *m, bool io, uint8_t opcode)
{
	if (io)
		return opcode == NVME_CMD_FLUSH || DEFECT(m, SANITIZE_ALLOWS_IO);
	switch (opcode) {
	case NVME_ADMIN_DELETE_SQ: case NVME_ADMIN_CREATE_SQ: case NVME_ADMIN_DELETE_CQ: case NVME_ADMIN_CREATE_CQ:
	case NVME_ADMIN_GET_LOG: case NVME_ADMIN_ABORT: case NVME_ADMIN_SET_FEATURES: case NVME_ADMIN_GET_FEATURES:
	case NVME_ADMIN_AER:
		return true;
	case NVME_ADMIN_IDENTIFY:
		return !DEFECT(m, SANITIZE_BLOCKS_IDENTIFY);
	default:
		return DEFECT(m, SANITIZE_ALLOWS_ADMIN);
	}
}

uint16_t m_sanitize_status(const struct m_ctrl *c, bool io, uint8_t opcode)
{
	const struct nvsr_model *m = c->m;

	if (!running(m) || allowed_meanwhile(m, io, opcode) || (!m_is_pf(c) && DEFECT(m, SANITIZE_SPARES_VFS)))
		return 0;
	return DEFECT(m, SANITIZE_WRONG_STATUS) ? NVME_SC_NS_NOT_READY : NVME_SC_SANITIZE_IN_PROGRESS;
}

void m_sanitize_written(struct nvsr_model *m)
{
	if (m->sanitize.erased && !DEFECT(m, GDE_STAYS))
		m->sanitize.erased = false;
}

static void fill(struct m_ns *ns, uint32_t pattern)
{
	uint8_t page[M_PAGE];
	uint64_t size = m_media_size(ns->media);

	for (unsigned i = 0; i < sizeof(page); i += 4)
		nvsr_le_write(page + i, 4, pattern);
	for (uint64_t at = 0; at < size; at += sizeof(page))
		m_media_write(ns->media, at, page, NVSR_MIN((uint64_t)sizeof(page), size - at));
}

static void sanitize_all(struct nvsr_model *m, uint32_t cdw10, uint32_t pattern)
{
	unsigned action = cdw10 & 7;

	for (uint32_t i = 1; i <= m->conf.nn; i++) {
		struct m_ns *ns = m->ns[i];

		if (!ns || (!ns->attached[0] && DEFECT(m, SANITIZE_PARTIAL)))
			continue;
		if ((action == NVME_SANACT_BLOCK && DEFECT(m, BLOCK_ERASE_KEEPS_DATA)) ||
		    (action == NVME_SANACT_CRYPTO && DEFECT(m, CRYPTO_SANITIZE_KEEPS_DATA)) ||
		    (action == NVME_SANACT_OVERWRITE && DEFECT(m, OVERWRITE_KEEPS_DATA)))
			continue;
		wipe(m, ns);
		if (action == NVME_SANACT_OVERWRITE && cdw10 & NVME_SANITIZE_NDAS)
			fill(ns, pattern);
	}
}

static uint16_t sanitize_refused(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	unsigned action = SANACT(cmd);

	if ((action < NVME_SANACT_EXIT_FAILURE || action > NVME_SANACT_CRYPTO) && !DEFECT(m, SANITIZE_RESERVED_ACTION))
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	if (m_migrate_any_suspended(m))
		return NVME_SC_CTRL_SUSPENDED;
	for (uint32_t i = 1; i <= m->conf.nn; i++) {
		if (!m->ns[i])
			continue;
		if (m->ns[i]->wp_state && !DEFECT(m, SANITIZE_IGNORES_WRITE_PROTECT))
			return NVME_SC_NS_WRITE_PROTECTED;
		if (m_resv_conflict(c, m->ns[i], false, NVME_ADMIN_SANITIZE))
			return NVME_SC_RESV_CONFLICT;
		if (m_formatting(m, m->ns[i]))
			return NVME_SC_FORMAT_IN_PROGRESS;
	}
	return 0;
}

uint16_t m_sanitize(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status = sanitize_refused(c, cmd);

	if (status && DEFECT(m, SANITIZE_FAILED_START_ALTERS_LOG))
		m->sanitize.cdw10 = M_DW(cmd, 10);
	if (status && DEFECT(m, SANITIZE_FAILED_START_ERASES))
		sanitize_all(m, NVME_SANACT_BLOCK, 0);
	/* there is no failure to leave */
	if (status || SANACT(cmd) == NVME_SANACT_EXIT_FAILURE)
		return status;
	m->sanitize.state = NVME_SSTAT_IN_PROGRESS;
	m->sanitize.cdw10 = M_DW(cmd, 10);
	m->sanitize.erased = false;
	m->sanitize.by = c->fn;
	m->sanitize.end = m->now + (DEFECT(m, SANITIZE_SLOW) ? 11 * NVSR_S : SANITIZE_NS);
	sanitize_all(m, M_DW(cmd, 10), M_DW(cmd, 11));
	due_at(m, m->sanitize.end);
	return DEFECT(m, SANITIZE_NOT_IN_BACKGROUND) ? m_slow_start(c, cmd, SANITIZE_NS, NULL) : 0;
}

static void sanitize_done(struct nvsr_model *m)
{
	m->sanitize.state = NVME_SSTAT_SUCCESS;
	m->sanitize.erased = !DEFECT(m, GDE_NEVER);
	for (unsigned i = 0; i < m->ctrl_count; i++)
		if ((i == m->sanitize.by && !DEFECT(m, SANITIZE_EVENT_MISSING)) || DEFECT(m, SANITIZE_EVENT_TO_ALL))
			m_aer_event(&m->ctrl[i], NVME_AEN_IO, NVME_AEN_IO_SANITIZED, NVME_LOG_SANITIZE);
}

/* The operation outlives every reset (Base 8.21), unless the drive is wrong. */
void m_sanitize_clr(struct nvsr_model *m, enum m_clr kind)
{
	if (running(m) && (kind == M_CLR_POWER ? DEFECT(m, SANITIZE_STOPS_ON_POWER) : DEFECT(m, SANITIZE_STOPS_ON_RESET)))
		m->sanitize.state = NVME_SSTAT_NEVER;
	if (DEFECT(m, SANITIZE_LOG_LOST_ON_RESET))
		memset(&m->sanitize, 0, sizeof(m->sanitize));
}

uint32_t m_sanitize_log(const struct m_ctrl *c, uint8_t *buf)
{
	const struct nvsr_model *m = c->m;
	struct nvme_sanitize_log *page = (void *)buf;
	uint64_t left = running(m) ? m->sanitize.end - m->now : 0;

	page->eto = page->etbe = page->etce = page->etond = page->etbend = page->etcend = le32(0xffffffff);
	page->sprog = le16(0xffff);
	if (!m_is_pf(c) && DEFECT(m, SANITIZE_LOG_PER_CONTROLLER))
		return sizeof(*page);
	if (running(m))
		page->sprog = le16((uint16_t)(DEFECT(m, SANITIZE_PROGRESS_STUCK) ? 0 : (SANITIZE_NS - left) * 0xffff / SANITIZE_NS));
	page->sstat = le16((uint16_t)(m->sanitize.state | (m->sanitize.erased ? NVME_SSTAT_GDE : 0)));
	page->scdw10 = le32(m->sanitize.cdw10);
	return sizeof(*page);
}

/* --- what became due ---------------------------------------------------------------------------------------- */

void m_erase_due(struct nvsr_model *m)
{
	if (m->erase_next > m->now)
		return;
	m->erase_next = UINT64_MAX;
	for (uint32_t i = 1; i <= m->conf.nn; i++) {
		struct m_ns *ns = m->ns[i];

		if (!ns || !ns->format_end)
			continue;
		if (ns->format_end > m->now) {
			m->erase_next = NVSR_MIN(m->erase_next, ns->format_end);
			continue;
		}
		ns->format_end = 0;
		if (!DEFECT(m, FORMAT_EVENT_MISSING))
			m_ns_changed(m, ns);
	}
	if (running(m) && m->sanitize.end <= m->now)
		sanitize_done(m);
	else if (running(m))
		m->erase_next = NVSR_MIN(m->erase_next, m->sanitize.end);
}
