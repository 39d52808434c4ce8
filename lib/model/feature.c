// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Set and Get Features, Base 5.27 and 5.15: one row per feature, with its scope and what it has beyond a dword.  Nothing
 * is saveable: every value goes back to its default at a Controller Level Reset, except those of a namespace.
 */
#include "model/cmd.h"

#define SV (1u << 31)
#define SEL(cmd) (M_DW(cmd, 10) >> 8 & 7)
enum { SEL_CURRENT, SEL_DEFAULT, SEL_SAVED, SEL_CAPABILITIES };
enum { CAP_NS = 0x2, CAP_CHANGEABLE = 0x4 };	/* supported capabilities; bit 0 would be saveable */
#define EXHID 0x1u				/* 81h: 16 byte Host Identifier */
#define VS_2_2 0x20200u

struct feature {
	enum { CTRL, NS, NS_OR_ALL } scope;	/* NS_OR_ALL: Set takes FFFFFFFFh, every namespace attached */
	uint16_t (*set)(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns);
	/* NULL: the dword.  @current false: the default value. */
	uint16_t (*get)(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current);
	uint32_t initial;	/* of the dword */
};

/* --- features that are a dword with rules ------------------------------------------------------------------- */

static uint16_t set_dword(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	c->feat->value[M_DW(cmd, 10) & 0xff] = M_DW(cmd, 11);
	return 0;
}

/* Power states 0 and 1 are described. */
static uint16_t set_power(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	if ((M_DW(cmd, 11) & 0x1f) > 1)
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_FIELD);
	return set_dword(c, cmd, ns);
}

static uint16_t set_async_event(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	set_dword(c, cmd, ns);
	m_temperature_event(c);
	return 0;
}

/* --- 04h: composite temperature, over and under threshold --------------------------------------------------- */

/* The threshold that TMPSEL and THSEL name, or NULL. */
static uint16_t *threshold(struct m_ctrl *c, struct m_cmd *cmd, bool set)
{
	unsigned sensor = M_DW(cmd, 11) >> 16 & 0xf, type = M_DW(cmd, 11) >> 20 & 3;

	if ((sensor && !(set && sensor == 0xf)) || type > 1)
		return NULL;
	return type ? &c->feat->temp_under : &c->feat->temp_over;
}

static uint16_t set_temperature(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	uint16_t *t = threshold(c, cmd, true);

	if (!t)
		return m_bad(cmd, 46, 0, NVME_SC_INVALID_FIELD);
	*t = (uint16_t)M_DW(cmd, 11);
	m_temperature_event(c);
	return 0;
}

static uint16_t get_temperature(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	uint16_t *t = threshold(c, cmd, false);

	if (!t)
		return m_bad(cmd, 46, 0, NVME_SC_INVALID_FIELD);
	if (current)
		cmd->dw0 = *t;
	else
		cmd->dw0 = t == &c->feat->temp_over ? M_WCTEMP : 0;
	return 0;
}

/* --- 05h: error recovery of a namespace --------------------------------------------------------------------- */

static uint16_t set_recovery(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	if (M_DW(cmd, 11) & NVME_ERR_RECOVERY_DULBE && !c->m->conf.dulbe)
		return m_bad(cmd, 46, 0, NVME_SC_INVALID_FIELD);
	ns->err_recovery = M_DW(cmd, 11) & (NVME_ERR_RECOVERY_DULBE | 0xffff);
	return 0;
}

static uint16_t get_recovery(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	if (c->fn > 1 && DEFECT(c->m, ERROR_RECOVERY_PER_CTRL))
		current = false;
	cmd->dw0 = current ? ns->err_recovery : 0;
	return 0;
}

/* --- 07h: number of queues, Base 5.27.1.5 and 8.26.1 -------------------------------------------------------- */

static bool has_io_queues(const struct m_ctrl *c)
{
	for (unsigned i = 1; i <= c->max_qid; i++)
		if (c->sq[i].valid || c->cq[i].valid)
			return true;
	return false;
}

/* I/O queues of each kind that there can be: queue ids without the admin queue's. */
static unsigned io_queues(const struct m_ctrl *c)
{
	if (!m_is_pf(c) && DEFECT(c->m, NUM_QUEUES_IGNORES_NVQ))
		return c->m->conf.vq_secondary_max + 8;
	return c->max_qid;
}

static uint32_t queues_dword(const struct m_ctrl *c)
{
	unsigned most = io_queues(c), sqs = c->feat->io_sqs ? c->feat->io_sqs : most;
	unsigned cqs = c->feat->io_cqs ? c->feat->io_cqs : most;

	return (sqs ? sqs - 1 : 0) | (cqs ? cqs - 1 : 0) << 16;
}

static uint16_t set_queues(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	struct nvsr_model *m = c->m;
	unsigned sqs = M_DW(cmd, 11) & 0xffff, cqs = M_DW(cmd, 11) >> 16, most = NVSR_MAX(io_queues(c), 1u);

	if (sqs == 0xffff || cqs == 0xffff)
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_FIELD);
	if (has_io_queues(c) && !DEFECT(m, NUM_QUEUES_AFTER_CREATE))
		return m_bad(cmd, 40, 0, NVME_SC_CMD_SEQ_ERROR);
	c->feat->io_sqs = (uint16_t)NVSR_MIN(sqs + 1, most);
	c->feat->io_cqs = (uint16_t)NVSR_MIN(cqs + 1, most);
	for (unsigned i = 0; DEFECT(m, NUM_QUEUES_SHARED) && i < m->ctrl_count; i++) {
		m->ctrl[i].feat->io_sqs = c->feat->io_sqs;
		m->ctrl[i].feat->io_cqs = c->feat->io_cqs;
	}
	cmd->dw0 = queues_dword(c);
	return 0;
}

static uint16_t get_queues(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	cmd->dw0 = current ? queues_dword(c) : (io_queues(c) ? io_queues(c) - 1 : 0) * 0x10001u;
	return 0;
}

/* --- 09h: interrupt vector configuration -------------------------------------------------------------------- */

static uint16_t check_vector(struct m_ctrl *c, struct m_cmd *cmd)
{
	return (M_DW(cmd, 11) & 0xffff) < c->msix_len ? 0 : m_bad(cmd, 44, 0, NVME_SC_INVALID_FIELD);
}

static uint16_t set_vector(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	unsigned iv = M_DW(cmd, 11) & 0xffff;
	uint16_t status = check_vector(c, cmd);

	if (status)
		return status;
	c->feat->no_coalescing[iv / 8] &= (uint8_t)~(1u << iv % 8);
	c->feat->no_coalescing[iv / 8] |= (uint8_t)((M_DW(cmd, 11) >> 16 & 1) << iv % 8);
	return 0;
}

static uint16_t get_vector(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	unsigned iv = M_DW(cmd, 11) & 0xffff;
	uint16_t status = check_vector(c, cmd);

	if (!status)
		cmd->dw0 = iv | (current ? c->feat->no_coalescing[iv / 8] >> iv % 8 & 1u : 0u) << 16;
	return status;
}

/* --- features with a buffer --------------------------------------------------------------------------------- */

static uint16_t set_timestamp(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	uint8_t buf[8];
	uint16_t status = m_data_from_host(c, cmd, buf, sizeof(buf));

	if (status)
		return status;
	c->feat->timestamp = nvsr_le_read(buf, 6);
	c->feat->timestamp_at = c->m->now;
	c->feat->timestamp_set = true;
	return 0;
}

/* Milliseconds in 47:0; origin in 51:49: 0 = counts from the last reset, 1 = set by the host. */
static uint16_t get_timestamp(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	uint64_t ms = current ? c->feat->timestamp + (c->m->now - c->feat->timestamp_at) / 1000000 : 0;
	uint8_t buf[8];

	nvsr_le_write(buf, 8, (ms & 0xffffffffffff) | (uint64_t)(current && c->feat->timestamp_set) << 49);
	return m_data_to_host(c, cmd, buf, sizeof(buf));
}

static uint16_t set_behavior(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	uint8_t buf[sizeof(c->feat->host_behavior)];
	uint16_t status = m_data_from_host(c, cmd, buf, sizeof(buf));

	if (!status)
		memcpy(c->feat->host_behavior, buf, sizeof(buf));
	return status;
}

static uint16_t get_behavior(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	uint8_t none[sizeof(c->feat->host_behavior)] = { 0 };

	return m_data_to_host(c, cmd, current ? c->feat->host_behavior : none, sizeof(none));
}

/* --- 81h: Host Identifier ----------------------------------------------------------------------------------- */

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

/* One size at a time in the subsystem, Base 5.27.1.25. */
static bool other_size_in_use(const struct m_ctrl *c, bool wide)
{
	for (unsigned i = 0; i < c->m->ctrl_count; i++) {
		const struct m_features *f = c->m->ctrl[i].feat;

		if (i != c->fn && f->host_id_wide != wide && !is_zero(f->host_id, sizeof(f->host_id)))
			return true;
	}
	return false;
}

static uint16_t set_host_id(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	bool wide = M_DW(cmd, 11) & EXHID, again = !is_zero(c->feat->host_id, sizeof(c->feat->host_id));
	uint8_t buf[16] = { 0 };
	uint16_t status = m_data_from_host(c, cmd, buf, wide ? 16 : 8);

	if (status)
		return status;
	if (!is_zero(buf, sizeof(buf)) && other_size_in_use(c, wide) && !DEFECT(c->m, HOST_ID_SIZES_MIXED))
		return m_bad(cmd, 44, 0, NVME_SC_HOSTID_FORMAT);
	/* Base 2.2: a host that wants another identifier resets the controller first */
	if (again && !is_zero(buf, sizeof(buf)) && c->m->conf.vs >= VS_2_2 && memcmp(buf, c->feat->host_id, sizeof(buf)))
		return NVME_SC_CMD_SEQ_ERROR;
	if (!again || !DEFECT(c->m, HOST_ID_STICKS))
		memcpy(c->feat->host_id, buf, sizeof(buf));
	if (DEFECT(c->m, HOST_ID_TRUNCATED))
		memset(c->feat->host_id + 8, 0, 8);
	c->feat->host_id_wide = wide;
	return 0;
}

static uint16_t get_host_id(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	const uint8_t none[16] = { 0 };

	return m_data_to_host(c, cmd, current ? c->feat->host_id : none, M_DW(cmd, 11) & EXHID ? 16 : 8);
}

/* --- 82h, 83h: reservation notification mask, reservation persistence --------------------------------------- */

static uint16_t set_resv_mask(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	ns->resv_mask = M_DW(cmd, 11) & 0xe;
	ns->mask_by = c->fn;
	return 0;
}

static uint16_t get_resv_mask(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	if (ns->mask_by != c->fn && DEFECT(c->m, RESV_MASK_PER_CONTROLLER))
		current = false;
	cmd->dw0 = current ? ns->resv_mask : 0;
	return 0;
}

static uint16_t set_resv_persist(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	bool ptpl = M_DW(cmd, 11) & 1;

	if (ptpl && !c->m->conf.ptpl)
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_FIELD);
	ns->ptpl_by = c->fn;
	return DEFECT(c->m, PTPL_FEATURE_IGNORED) ? 0 : m_resv_set_ptpl(ns, ptpl);
}

static uint16_t get_resv_persist(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	if (ns->ptpl_by != c->fn && DEFECT(c->m, PTPL_PER_CONTROLLER))
		current = false;
	cmd->dw0 = current && m_resv_ptpl(ns);
	return 0;
}

/* --- 84h: write protection of a namespace, Base 8.12; NWPC offers states 0 to 2 ----------------------------- */

static uint16_t set_protection(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns)
{
	unsigned state = M_DW(cmd, 11) & 7;

	if (state > NVME_WPS_UNTIL_POWER_CYCLE)
		return m_bad(cmd, 44, 0, NVME_SC_INVALID_FIELD);
	if (ns->wp_state == state)
		return 0;
	if (ns->wp_state == NVME_WPS_UNTIL_POWER_CYCLE && !DEFECT(c->m, PROTECTION_UNTIL_POWER_CYCLE_WEAK))
		return m_bad(cmd, 44, 0, NVME_SC_FEATURE_NOT_CHANGEABLE);
	ns->wp_state = (uint8_t)state;
	m_ns_changed(c->m, ns);
	return 0;
}

static uint16_t get_protection(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, bool current)
{
	cmd->dw0 = current ? ns->wp_state : 0;
	return 0;
}

/* --- the table ---------------------------------------------------------------------------------------------- */

static const struct feature features[0x100] = {
	[NVME_FEAT_ARBITRATION]	   = { CTRL, set_dword, NULL, 0 },
	[NVME_FEAT_POWER]	   = { CTRL, set_power, NULL, 0 },
	[NVME_FEAT_TEMP_THRESH]	   = { CTRL, set_temperature, get_temperature, 0 },
	[NVME_FEAT_ERR_RECOVERY]   = { NS, set_recovery, get_recovery, 0 },
	[NVME_FEAT_VWC]		   = { CTRL, set_dword, NULL, 1 },
	[NVME_FEAT_NUM_QUEUES]	   = { CTRL, set_queues, get_queues, 0 },
	[NVME_FEAT_IRQ_COALESCE]   = { CTRL, set_dword, NULL, 0 },
	[NVME_FEAT_IRQ_CONFIG]	   = { CTRL, set_vector, get_vector, 0 },
	[NVME_FEAT_ATOMIC]	   = { CTRL, set_dword, NULL, 0 },
	[NVME_FEAT_ASYNC_EVENT]	   = { CTRL, set_async_event, NULL, 0 },
	[NVME_FEAT_TIMESTAMP]	   = { CTRL, set_timestamp, get_timestamp, 0 },
	[NVME_FEAT_HOST_BEHAVIOR]  = { CTRL, set_behavior, get_behavior, 0 },
	[NVME_FEAT_HOST_ID]	   = { CTRL, set_host_id, get_host_id, 0 },
	[NVME_FEAT_RESV_MASK]	   = { NS_OR_ALL, set_resv_mask, get_resv_mask, 0 },
	[NVME_FEAT_RESV_PERSIST]   = { NS_OR_ALL, set_resv_persist, get_resv_persist, 0 },
	[NVME_FEAT_WRITE_PROTECT]  = { NS, set_protection, get_protection, 0 },
};

static const struct feature *find(const struct m_ctrl *c, uint8_t fid)
{
	if (!features[fid].set || (fid == NVME_FEAT_WRITE_PROTECT && !c->m->conf.nswp) ||
	    (features[fid].scope == NS_OR_ALL && !c->m->conf.resv))
		return NULL;
	return &features[fid];
}

uint32_t m_feature_effects(const struct m_ctrl *c, uint8_t fid)
{
	const struct feature *f = find(c, fid);

	/* FSUPP, User Data Content Change never, and the scope: namespace in bit 20, controller in bit 21 */
	return !f ? 0 : 1u | (f->scope ? 1u << 20 : 1u << 21);
}

void m_features_reset(struct m_ctrl *c)
{
	uint8_t host_id[sizeof(c->feat->host_id)];
	bool wide = c->feat->host_id_wide;

	memcpy(host_id, c->feat->host_id, sizeof(host_id));
	memset(c->feat, 0, sizeof(*c->feat));
	if (DEFECT(c->m, HOST_ID_SURVIVES_RESET)) {
		memcpy(c->feat->host_id, host_id, sizeof(host_id));
		c->feat->host_id_wide = wide;
	}
	for (unsigned fid = 0; fid < NVSR_ARRAY_SIZE(features); fid++)
		c->feat->value[fid] = features[fid].initial;
	if (DEFECT(c->m, EVENTS_ON_BY_DEFAULT))
		c->feat->value[NVME_FEAT_ASYNC_EVENT] = NVME_AEC_NS_CHANGED;
	c->feat->temp_over = M_WCTEMP;
	c->feat->timestamp_at = c->m->now;
}

/*
 * The namespace a feature is for.  Controller scope: NSID 0 or FFFFFFFFh, and *ret_ns is NULL; any namespace is refused,
 * by Set Features with a status of its own.
 */
static uint16_t check_scope(struct m_ctrl *c, struct m_cmd *cmd, const struct feature *f, bool set, struct m_ns **ret_ns)
{
	uint32_t nsid = le32_get(cmd->e.nsid);
	enum m_nsid kind = m_nsid_kind(c, nsid);
	uint16_t status = 0;

	*ret_ns = NULL;
	if (f->scope && kind == M_NSID_UNATTACHED && DEFECT(c->m, FEATURES_IGNORE_ATTACHMENT)) {
		*ret_ns = c->m->ns[nsid];
		return 0;
	}
	if (f->scope) {
		*ret_ns = m_active_ns(c, cmd, &status);
		return status;
	}
	if (!nsid || kind == M_NSID_BROADCAST)
		return 0;
	if (kind != M_NSID_ACTIVE)
		return m_inactive_status(c->m, cmd, kind);
	return m_bad(cmd, 4, 0, set ? NVME_SC_FEATURE_NOT_PER_NS : NVME_SC_INVALID_FIELD);
}

/* What a defective drive keeps once for all controllers. */
#define PART(member) offsetof(struct m_features, member), sizeof(((struct m_features *)0)->member)
static const struct shared { uint8_t fid; enum m_defect defect; size_t at, len; } shared[] = {
	{ NVME_FEAT_ARBITRATION, D_FEATURES_SHARED, PART(value[NVME_FEAT_ARBITRATION]) },
	{ NVME_FEAT_IRQ_COALESCE, D_FEATURES_SHARED, PART(value[NVME_FEAT_IRQ_COALESCE]) },
	{ NVME_FEAT_IRQ_CONFIG, D_VECTOR_CONFIG_SHARED, PART(no_coalescing) },
	{ NVME_FEAT_TEMP_THRESH, D_TEMP_THRESHOLD_SHARED, PART(temp_over) },
	{ NVME_FEAT_ASYNC_EVENT, D_EVENT_CONFIG_SHARED, PART(value[NVME_FEAT_ASYNC_EVENT]) },
	{ NVME_FEAT_TIMESTAMP, D_TIMESTAMP_SHARED, PART(timestamp) },
	{ NVME_FEAT_HOST_BEHAVIOR, D_HOST_BEHAVIOR_SHARED, PART(host_behavior) },
	{ NVME_FEAT_HOST_ID, D_HOST_ID_SHARED, PART(host_id) },
	{ NVME_FEAT_VWC, D_WRITE_CACHE_SHARED, PART(value[NVME_FEAT_VWC]) },
	{ NVME_FEAT_POWER, D_POWER_STATE_SHARED, PART(value[NVME_FEAT_POWER]) },
};

static void share(struct m_ctrl *c, uint8_t fid)
{
	struct nvsr_model *m = c->m;

	for (unsigned k = 0; k < NVSR_ARRAY_SIZE(shared); k++)
		for (unsigned i = 0; shared[k].fid == fid && m->defect[shared[k].defect] && i < m->ctrl_count; i++)
			if (&m->ctrl[i] != c)
				memcpy((uint8_t *)m->ctrl[i].feat + shared[k].at, (uint8_t *)c->feat + shared[k].at,
				       shared[k].len);
}

static uint16_t set_all(struct m_ctrl *c, struct m_cmd *cmd, const struct feature *f)
{
	uint16_t status = 0;

	for (uint32_t i = 1; i <= c->m->conf.nn && !status; i++)
		if (c->m->ns[i] && (c->m->ns[i]->attached[c->fn] || DEFECT(c->m, SET_ALL_BEYOND_ATTACHED)))
			status = f->set(c, cmd, c->m->ns[i]);
	return status;
}

uint16_t m_set_features(struct m_ctrl *c, struct m_cmd *cmd)
{
	const struct feature *f = find(c, M_DW(cmd, 10) & 0xff);
	struct m_ns *ns;
	uint16_t status;

	if (!f)
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	if (M_DW(cmd, 10) & SV)
		return m_bad(cmd, 43, 7, NVME_SC_FEATURE_NOT_SAVEABLE);
	if (f->scope == NS_OR_ALL && le32_get(cmd->e.nsid) == NVME_NSID_ALL && !DEFECT(c->m, SET_ALL_REFUSED))
		return set_all(c, cmd, f);
	status = check_scope(c, cmd, f, true, &ns);
	if (!status)
		status = f->set(c, cmd, ns);
	if (!status)
		share(c, M_DW(cmd, 10) & 0xff);
	return status;
}

uint16_t m_get_features(struct m_ctrl *c, struct m_cmd *cmd)
{
	uint8_t fid = M_DW(cmd, 10) & 0xff;
	const struct feature *f = find(c, fid);
	bool current = SEL(cmd) == SEL_CURRENT;
	struct m_ns *ns;
	uint16_t status;

	if (!f || SEL(cmd) > SEL_CAPABILITIES)
		return m_bad(cmd, f ? 41 : 40, 0, NVME_SC_INVALID_FIELD);
	if (SEL(cmd) == SEL_CAPABILITIES) {
		cmd->dw0 = CAP_CHANGEABLE | (f->scope ? CAP_NS : 0);
		return 0;
	}
	if (f->scope == NS_OR_ALL && le32_get(cmd->e.nsid) == NVME_NSID_ALL && DEFECT(c->m, GET_ALL_ACCEPTED))
		return 0;
	status = check_scope(c, cmd, f, false, &ns);
	if (status)
		return status;
	/* what was never saved reads as the default */
	if (f->get)
		return f->get(c, cmd, ns, current);
	cmd->dw0 = current ? c->feat->value[fid] : f->initial;
	return 0;
}
