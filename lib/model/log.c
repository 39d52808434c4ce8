// SPDX-License-Identifier: GPL-2.0-or-later
/* Get Log Page, Base 5.16: everything a log shows belongs to the controller that is asked, except the firmware slots. */
#include "model/cmd.h"

#define LID(cmd) (M_DW(cmd, 10) & 0xff)
#define RAE (1u << 15)
#define SLOT_BYTES sizeof(struct nvme_error_log_entry)
enum { LID_FEATURES = 0x12, LID_MI = 0x13 };	/* effects of features and of management commands */
#define LARGEST 16384u				/* error log of 256 entries */

/* --- error information -------------------------------------------------------------------------------------- */

static unsigned slots(const struct m_ctrl *c)
{
	return c->m->conf.elpe + 1;
}

static void log_error(struct m_ctrl *c, const struct m_cmd *cmd, uint16_t status)
{
	struct m_logs *log = c->log;
	struct nvme_error_log_entry *e;

	if (!log->error)
		log->error = calloc(slots(c), SLOT_BYTES);
	if (!log->error)
		return;
	e = &log->error[log->errors++ % slots(c)];
	memset(e, 0, sizeof(*e));
	e->error_count = le64(log->errors);
	e->sqid = le16(cmd->sq->id);
	e->cid = cmd->e.cid;
	e->status = le16((uint16_t)(status << 1));
	e->parm_loc = le16(cmd->err_parm);
	if (cmd->sq->id)
		e->lba = le64(M_DW(cmd, 10) | (uint64_t)M_DW(cmd, 11) << 32);
	e->nsid = cmd->e.nsid;
	e->cs_info = le64(cmd->cs_info);
}

void m_log_error(struct m_ctrl *c, const struct m_cmd *cmd, uint16_t status)
{
	struct nvsr_model *m = c->m;

	log_error(c, cmd, status);
	for (unsigned i = 1; i < m->ctrl_count && DEFECT(m, ERROR_LOG_SHARED); i++)
		if (i != c->fn && m->ctrl[i].present)
			log_error(&m->ctrl[i], cmd, status);
}

/* Newest first. */
static uint32_t fill_error(struct m_ctrl *c, uint8_t *buf)
{
	const struct m_logs *log = c->log;

	for (uint64_t i = 0; i < slots(c) && i < log->errors; i++)
		memcpy(buf + i * SLOT_BYTES, &log->error[(log->errors - 1 - i) % slots(c)], SLOT_BYTES);
	return slots(c) * (uint32_t)SLOT_BYTES;
}

/* --- SMART: controller scope, LPA bit 0 is 0 ---------------------------------------------------------------- */

static uint8_t critical_warning(const struct m_ctrl *c)
{
	return M_TEMPERATURE >= c->feat->temp_over || M_TEMPERATURE <= c->feat->temp_under ? 0x2 : 0;
}

void m_temperature_event(struct m_ctrl *c)
{
	if (critical_warning(c) & c->feat->value[NVME_FEAT_ASYNC_EVENT])
		m_aer_event(c, NVME_AEN_SMART, 0x01, NVME_LOG_SMART);
}

/* What SMART counts: errors, commands and data of this controller, or of all in a defective drive. */
static struct m_logs counters(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;
	struct m_logs sum = *c->log;

	for (unsigned i = 0; i < m->ctrl_count; i++) {
		const struct m_logs *other = m->ctrl[i].log;

		if (other != c->log && DEFECT(m, ERROR_COUNT_SHARED))
			sum.errors += other->errors;
		if (other == c->log || !DEFECT(m, SMART_COUNTS_ALL))
			continue;
		sum.reads += other->reads;
		sum.writes += other->writes;
		sum.read_units += other->read_units;
		sum.written_units += other->written_units;
	}
	return sum;
}

static uint32_t fill_smart(struct m_ctrl *c, uint8_t *buf)
{
	struct nvme_smart_log *s = (void *)buf;
	struct m_logs sum = counters(c);

	s->critical_warning = critical_warning(c);
	s->temperature = le16(M_TEMPERATURE - (!m_is_pf(c) && DEFECT(c->m, VF_TEMPERATURE_DIFFERS) ? 5 : 0));
	s->avail_spare = 100;
	s->spare_thresh = 10;
	s->data_units_read = le128(NVSR_DIV_ROUND_UP(sum.read_units, 1000));
	s->data_units_written = le128(NVSR_DIV_ROUND_UP(sum.written_units, 1000));
	s->host_reads = le128(sum.reads);
	s->host_writes = le128(sum.writes);
	s->power_cycles = le128(c->m->power_cycles);
	s->power_on_hours = le128(c->m->now / (3600ull * 1000000000));
	s->num_err_log_entries = le128(sum.errors);
	return sizeof(*s);
}

/* --- changed namespaces ------------------------------------------------------------------------------------- */

static void changed_insert(struct m_logs *log, uint32_t nsid)
{
	unsigned i = 0;

	while (i < log->changed_count && log->changed[i] < nsid)
		i++;
	if (i < log->changed_count && log->changed[i] == nsid)
		return;
	if (log->changed_count == M_CHANGED_MAX) {
		log->changed_overflow = true;
		return;
	}
	memmove(&log->changed[i + 1], &log->changed[i], sizeof(log->changed[0]) * (log->changed_count - i));
	log->changed[i] = nsid;
	log->changed_count++;
}

void m_log_changed(struct m_ctrl *c, uint32_t nsid, bool notify)
{
	struct nvsr_model *m = c->m;
	bool enabled = c->feat->value[NVME_FEAT_ASYNC_EVENT] & NVME_AEC_NS_CHANGED || DEFECT(m, NS_EVENT_WITHOUT_ENABLE);

	if (!DEFECT(m, CHANGED_LIST_EMPTY))
		changed_insert(c->log, nsid);
	for (unsigned i = 0; DEFECT(m, CHANGED_LIST_SHARED) && i < m->ctrl_count; i++)
		changed_insert(m->ctrl[i].log, nsid);
	if (!m->conf.ns_changed || DEFECT(m, NS_EVENT_NEVER) || (DEFECT(m, NS_EVENT_ONLY_TO_PF) && !m_is_pf(c)))
		notify = false;
	if (notify && enabled)
		m_aer_event(c, NVME_AEN_NOTICE, 0x00, NVME_LOG_CHANGED_NS);
	for (unsigned i = 0; notify && DEFECT(m, NS_EVENT_TO_EVERYBODY) && i < m->ctrl_count; i++)
		if (m->ctrl[i].feat->value[NVME_FEAT_ASYNC_EVENT] & NVME_AEC_NS_CHANGED)
			m_aer_event(&m->ctrl[i], NVME_AEN_NOTICE, 0x00, NVME_LOG_CHANGED_NS);
}

static uint32_t fill_changed(struct m_ctrl *c, uint8_t *buf)
{
	const struct m_logs *log = c->log;

	if (log->changed_overflow)
		nvsr_le_write(buf, 4, NVME_NSID_ALL);
	else
		for (unsigned i = 0; i < log->changed_count; i++)
			nvsr_le_write(buf + 4 * i, 4, log->changed[i]);
	return M_CHANGED_MAX * 4;
}

void m_log_forget(struct m_ctrl *c)
{
	struct m_logs old = *c->log;

	memset(c->log, 0, sizeof(*c->log));
	if (DEFECT(c->m, ERROR_LOG_SURVIVES_TENANT)) {
		c->log->error = old.error;
		c->log->errors = old.errors;
	} else {
		free(old.error);
	}
	if (DEFECT(c->m, CHANGED_LIST_SURVIVES_TENANT)) {
		memcpy(c->log->changed, old.changed, sizeof(old.changed));
		c->log->changed_count = old.changed_count;
	}
}

/* --- what is supported -------------------------------------------------------------------------------------- */

static uint32_t fill_effects(struct m_ctrl *c, uint8_t *buf)
{
	for (unsigned i = 0; i < 256; i++) {
		nvsr_le_write(buf + 4 * i, 4, m_effects(c, false, (uint8_t)i));
		nvsr_le_write(buf + 1024 + 4 * i, 4, m_effects(c, true, (uint8_t)i));
	}
	return sizeof(struct nvme_effects_log);
}

static uint32_t fill_features(struct m_ctrl *c, uint8_t *buf)
{
	for (unsigned i = 0; i < 256; i++)
		nvsr_le_write(buf + 4 * i, 4, m_feature_effects(c, (uint8_t)i));
	return 1024;
}

/* No management command is supported. */
static uint32_t fill_mi(struct m_ctrl *c, uint8_t *buf)
{
	return 1024;
}

static uint32_t fill_firmware(struct m_ctrl *c, uint8_t *buf)
{
	size_t n = strlen(c->m->conf.fr);

	buf[0] = 1;	/* slot 1 is active */
	memset(buf + 8, ' ', 8);
	memcpy(buf + 8, c->m->conf.fr, NVSR_MIN(n, (size_t)8));
	if (!m_is_pf(c) && DEFECT(c->m, FIRMWARE_LOG_DIFFERS))
		buf[15] = 'V';
	return 512;
}

static uint32_t fill_reservation(struct m_ctrl *c, uint8_t *buf)
{
	return m_resv_log(c, buf);
}

static uint32_t fill_sanitize(struct m_ctrl *c, uint8_t *buf)
{
	return m_sanitize_log(c, buf);
}

static uint32_t fill_supported(struct m_ctrl *c, uint8_t *buf);

/* Each writes its page into a zeroed buffer of LARGEST bytes and says how long the page is. */
static uint32_t (*const pages[0x100])(struct m_ctrl *c, uint8_t *buf) = {
	[NVME_LOG_SUPPORTED] = fill_supported, [NVME_LOG_ERROR] = fill_error, [NVME_LOG_SMART] = fill_smart,
	[NVME_LOG_FW_SLOT] = fill_firmware, [NVME_LOG_CHANGED_NS] = fill_changed, [NVME_LOG_EFFECTS] = fill_effects,
	[LID_FEATURES] = fill_features, [LID_MI] = fill_mi, [NVME_LOG_RESERVATION] = fill_reservation,
	[NVME_LOG_SANITIZE] = fill_sanitize,
};

static bool supported(const struct m_ctrl *c, unsigned lid)
{
	if (lid == NVME_LOG_CHANGED_NS && !c->m->conf.ns_changed)
		return false;
	if ((lid == NVME_LOG_RESERVATION && !c->m->conf.resv) || (lid == NVME_LOG_SANITIZE && !c->m->conf.sanitize))
		return false;
	if (lid == NVME_LOG_RESERVATION && DEFECT(c->m, RESV_LOG_MISSING))
		return false;
	if (lid == NVME_LOG_SMART && !m_is_pf(c) && DEFECT(c->m, VF_WITHOUT_SMART_LOG))
		return false;
	return pages[lid] != NULL;
}

static uint32_t fill_supported(struct m_ctrl *c, uint8_t *buf)
{
	for (unsigned i = 0; i < 256; i++)
		nvsr_le_write(buf + 4 * i, 4, supported(c, i));
	return 1024;
}

/* --- the command -------------------------------------------------------------------------------------------- */

/* Every page has controller, domain or subsystem scope: no namespace may be named. */
static uint16_t check_scope(struct m_ctrl *c, struct m_cmd *cmd)
{
	uint32_t nsid = le32_get(cmd->e.nsid);
	enum m_nsid kind = m_nsid_kind(c, nsid);

	if (!nsid || kind == M_NSID_BROADCAST)
		return 0;
	if (kind == M_NSID_UNATTACHED && LID(cmd) == NVME_LOG_SMART && DEFECT(c->m, SMART_OF_ANY_NAMESPACE))
		return 0;
	return kind == M_NSID_ACTIVE ? m_bad(cmd, 4, 0, NVME_SC_INVALID_FIELD) : m_inactive_status(c->m, cmd, kind);
}

/* The host has seen the page: its event is cleared, and a list of changes starts again. */
static void seen(struct m_ctrl *c, unsigned lid, bool retain)
{
	bool clear = lid == NVME_LOG_CHANGED_NS && (!retain || DEFECT(c->m, CHANGED_LIST_CLEARED_BY_RAE));

	if (clear && !DEFECT(c->m, CHANGED_LIST_NOT_CLEARED)) {
		c->log->changed_count = 0;
		c->log->changed_overflow = false;
	}
	if (lid == NVME_LOG_RESERVATION)
		m_resv_log_read(c);
	if ((!retain && !DEFECT(c->m, EVENT_NOT_CLEARED)) || DEFECT(c->m, RAE_IGNORED))
		m_aer_clear(c, lid);
}

uint16_t m_get_log(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned lid = LID(cmd);
	uint64_t len = ((M_DW(cmd, 10) >> 16 | (uint64_t)(M_DW(cmd, 11) & 0xffff) << 16) + 1) * 4;
	uint64_t off = M_DW(cmd, 12) | (uint64_t)M_DW(cmd, 13) << 32;
	_cleanup_free_ uint8_t *buf = NULL;
	uint16_t status;
	uint32_t size;

	if (!supported(c, lid))
		return m_bad(cmd, 40, 0,
			     DEFECT(c->m, LOG_INVALID_FIELD) ? NVME_SC_INVALID_FIELD : NVME_SC_INVALID_LOG_PAGE);
	status = check_scope(c, cmd);
	if (status)
		return status;
	if (!m_mdts_ok(c, len) || off & 3)
		return m_bad(cmd, off & 3 ? 48 : 42, 0, NVME_SC_INVALID_FIELD);
	/* what lies beyond the page is undefined; here it is zero */
	buf = calloc(1, LARGEST + len);
	if (!buf)
		return NVME_SC_INTERNAL;
	size = pages[lid](c, buf);
	if (DEFECT(c->m, LOG_TAIL_CARRIES_DATA))
		memcpy(buf + size, c->m->wrong.written, sizeof(c->m->wrong.written));
	if (off > size)
		return m_bad(cmd, 48, 0, NVME_SC_INVALID_FIELD);
	status = m_data_to_host(c, cmd, buf + off, len);
	if (!status)
		seen(c, lid, M_DW(cmd, 10) & RAE);
	return status;
}
