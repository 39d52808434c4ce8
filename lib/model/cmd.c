// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Execute a command: which opcodes a controller has, what each asks of NSID (Base 3.2.1), and what is left behind by a
 * failure (error log, More, Do Not Retry).
 */
#include "model/cmd.h"
#include "model/state.h"

enum nsid_rule {
	NSID_OWN,	/* the handler decides */
	NSID_UNUSED,	/* must be 0: Base 3.2.1.2, Figure 87 */
	NSID_ACTIVE,	/* one active namespace */
};

struct op {
	uint16_t (*run)(struct m_ctrl *c, struct m_cmd *cmd);
	enum nsid_rule nsid;
	bool primary;		/* privileged: primary controllers only, Base 3.10 */
	size_t needs;		/* offset of the flag in struct m_conf, 0 = always there */
	uint32_t effects;	/* log page 05h, without CSUPP */
};
#define NEEDS(flag) offsetof(struct m_conf, flag)
#define LBCC 0x02u	/* changes logical blocks */
#define NIC 0x08u	/* changes the namespace inventory */
#define CCC 0x10u	/* changes controller capabilities */
#define NCC 0x04u	/* changes namespace capabilities */

static const struct op admin_ops[0x100] = {
	[NVME_ADMIN_DELETE_SQ]	  = { m_delete_sq, NSID_UNUSED, false, 0, 0 },
	[NVME_ADMIN_CREATE_SQ]	  = { m_create_sq, NSID_UNUSED, false, 0, 0 },
	[NVME_ADMIN_GET_LOG]	  = { m_get_log, NSID_OWN, false, 0, 0 },
	[NVME_ADMIN_DELETE_CQ]	  = { m_delete_cq, NSID_UNUSED, false, 0, 0 },
	[NVME_ADMIN_CREATE_CQ]	  = { m_create_cq, NSID_UNUSED, false, 0, 0 },
	[NVME_ADMIN_IDENTIFY]	  = { m_identify, NSID_OWN, false, 0, 0 },
	[NVME_ADMIN_ABORT]	  = { m_abort, NSID_UNUSED, false, 0, 0 },
	[NVME_ADMIN_SET_FEATURES] = { m_set_features, NSID_OWN, false, 0, 0 },
	[NVME_ADMIN_GET_FEATURES] = { m_get_features, NSID_OWN, false, 0, 0 },
	[NVME_ADMIN_AER]	  = { m_aer, NSID_UNUSED, false, 0, 0 },
	[NVME_ADMIN_NS_MGMT]	  = { m_ns_mgmt, NSID_OWN, true, NEEDS(ns_mgmt), LBCC | NIC },
	[NVME_ADMIN_NS_ATTACH]	  = { m_ns_attachment, NSID_OWN, true, NEEDS(ns_mgmt), NIC },
	[NVME_ADMIN_VIRT_MGMT]	  = { m_virt_mgmt, NSID_UNUSED, true, NEEDS(virt_mgmt), CCC },
	[NVME_ADMIN_FORMAT]	  = { m_format, NSID_OWN, true, NEEDS(format), LBCC | NCC },
	[NVME_ADMIN_MIGRATION_SEND] = { m_migration_send, NSID_UNUSED, true, NEEDS(migration), CCC },
	[NVME_ADMIN_MIGRATION_RECV] = { m_migration_receive, NSID_UNUSED, true, NEEDS(migration), 0 },
	[NVME_ADMIN_DBBUF]	  = { m_dbbuf_config, NSID_UNUSED, true, NEEDS(dbbuf), 0 },
	[NVME_ADMIN_CDQ]	  = { m_cdq, NSID_UNUSED, true, NEEDS(migration), 0 },
	[NVME_ADMIN_SANITIZE]	  = { m_sanitize, NSID_UNUSED, true, NEEDS(sanitize), LBCC },
};

static const struct op io_ops[0x100] = {
	[NVME_CMD_FLUSH]	= { m_flush, NSID_OWN, false, 0, 0 },
	[NVME_CMD_WRITE]	= { m_write, NSID_ACTIVE, false, 0, LBCC },
	[NVME_CMD_READ]		= { m_read, NSID_ACTIVE, false, 0, 0 },
	[NVME_CMD_COMPARE]	= { m_compare, NSID_ACTIVE, false, NEEDS(compare), 0 },
	[NVME_CMD_WRITE_ZEROES]	= { m_write_zeroes, NSID_ACTIVE, false, NEEDS(write_zeroes), LBCC },
	[NVME_CMD_DSM]		= { m_dsm, NSID_ACTIVE, false, NEEDS(dsm), LBCC },
	[NVME_CMD_VERIFY]	= { m_verify, NSID_ACTIVE, false, NEEDS(verify), 0 },
	[NVME_CMD_RESV_REGISTER] = { m_resv_register, NSID_ACTIVE, false, NEEDS(resv), 0 },
	[NVME_CMD_RESV_REPORT]	= { m_resv_report, NSID_ACTIVE, false, NEEDS(resv), 0 },
	[NVME_CMD_RESV_ACQUIRE]	= { m_resv_acquire, NSID_ACTIVE, false, NEEDS(resv), 0 },
	[NVME_CMD_RESV_RELEASE]	= { m_resv_release, NSID_ACTIVE, false, NEEDS(resv), 0 },
	[NVME_CMD_COPY]		= { m_copy, NSID_ACTIVE, false, NEEDS(copy), LBCC },
};

struct m_ctrl *m_ctrl_next(struct nvsr_model *m, uint32_t from)
{
	struct m_ctrl *best = NULL;

	for (unsigned i = 0; i < m->ctrl_count; i++) {
		struct m_ctrl *c = &m->ctrl[i];

		if (c->cntlid >= from && (!best || c->cntlid < best->cntlid))
			best = c;
	}
	return best;
}

enum m_nsid m_nsid_kind(const struct m_ctrl *c, uint32_t nsid)
{
	const struct nvsr_model *m = c->m;

	if (nsid == NVME_NSID_ALL)
		return M_NSID_BROADCAST;
	if (!nsid || nsid > m->conf.nn)
		return DEFECT(m, INVALID_NSID_AS_INACTIVE) ? M_NSID_UNALLOCATED : M_NSID_INVALID;
	if (!m->ns[nsid] || (m->ns[nsid]->ghost && m_is_pf(c)))
		return M_NSID_UNALLOCATED;
	return m->ns[nsid]->attached[c->fn] ? M_NSID_ACTIVE : M_NSID_UNATTACHED;
}

/* A command that a drive executes although the namespace is not attached. */
static bool ignores_attachment(const struct nvsr_model *m, uint8_t opcode)
{
	static const struct { uint8_t opcode; enum m_defect defect; } table[] = {
		{ NVME_CMD_COMPARE, D_COMPARE_IGNORES_ATTACHMENT }, { NVME_CMD_DSM, D_DSM_IGNORES_ATTACHMENT },
		{ NVME_CMD_WRITE_ZEROES, D_WRITE_ZEROES_IGNORES_ATTACHMENT }, { NVME_CMD_VERIFY, D_VERIFY_UNATTACHED_OK },
		{ NVME_CMD_COPY, D_COPY_UNATTACHED_OK }, { NVME_CMD_RESV_REPORT, D_REPORT_UNATTACHED_OK },
		{ NVME_CMD_RESV_REGISTER, D_REGISTER_UNATTACHED_OK }, { NVME_CMD_FLUSH, D_FLUSH_UNATTACHED_OK },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(table); i++)
		if (table[i].opcode == opcode)
			return m->defect[table[i].defect];
	return false;
}

/* What a drive makes of an I/O command for a namespace that is not active; NULL: aborts it, as it should. */
static struct m_ns *inactive_io_defects(struct m_ctrl *c, struct m_cmd *cmd, enum m_nsid kind, uint32_t nsid)
{
	struct nvsr_model *m = c->m;

	if (kind == M_NSID_UNATTACHED && DEFECT(m, IO_TO_DETACHED_SUCCEEDS))
		return m->ns[nsid];
	if (kind == M_NSID_UNATTACHED && !m_is_pf(c) && DEFECT(m, VF_IO_IGNORES_ATTACHMENT))
		return m->ns[nsid];
	if (kind == M_NSID_UNATTACHED && !m_is_pf(c) && ignores_attachment(m, cmd->e.opcode))
		return m->ns[nsid];
	if (kind == M_NSID_UNATTACHED && cmd->e.opcode == NVME_CMD_READ && DEFECT(m, READ_MOVES_BEFORE_CHECK)) {
		uint8_t block[512];

		m_media_read(m->ns[nsid]->media, 0, block, sizeof(block));
		m_data_to_host(c, cmd, block, sizeof(block));
	}
	if (kind == M_NSID_BROADCAST && DEFECT(m, IO_BROADCAST_ACCEPTED) && m->conf.nn)
		return m->ns[1];
	if ((kind == M_NSID_UNALLOCATED || kind == M_NSID_UNATTACHED) && DEFECT(m, REMOVED_NS_IO_LOST))
		cmd->parked = true;
	return NULL;
}

struct m_ns *m_active_ns(struct m_ctrl *c, struct m_cmd *cmd, uint16_t *ret_status)
{
	struct nvsr_model *m = c->m;
	uint32_t nsid = le32_get(cmd->e.nsid);
	enum m_nsid kind = m_nsid_kind(c, nsid);
	struct m_ns *ns = NULL;

	if (kind == M_NSID_ACTIVE && cmd->sq->id && !m_is_pf(c) && m->ns[nsid - 1] && DEFECT(m, VF_IO_HITS_OTHER_NAMESPACE))
		ns = m->ns[nsid - 1];
	else if (kind == M_NSID_ACTIVE)
		ns = m->ns[nsid];
	else if (cmd->sq->id)
		ns = inactive_io_defects(c, cmd, kind, nsid);
	*ret_status = ns ? 0 : m_inactive_status(m, cmd, kind);
	return ns;
}

uint16_t m_inactive_status(const struct nvsr_model *m, struct m_cmd *cmd, enum m_nsid kind)
{
	bool invalid = kind == M_NSID_INVALID || (kind != M_NSID_BROADCAST && DEFECT(m, INACTIVE_NSID_AS_INVALID));

	return m_bad(cmd, 4, 0, invalid ? NVME_SC_INVALID_NS : NVME_SC_INVALID_FIELD);
}

bool m_mdts_ok(const struct m_ctrl *c, uint64_t bytes)
{
	unsigned mdts = c->m->conf.mdts;

	return !mdts || DEFECT(c->m, MDTS_IGNORED) || bytes <= (uint64_t)M_PAGE << mdts;
}

/* The operation that @c executes for @opcode, or NULL. */
static const struct op *find_op(const struct m_ctrl *c, bool io, uint8_t opcode)
{
	const struct nvsr_model *m = c->m;
	const struct op *op = io ? &io_ops[opcode] : &admin_ops[opcode];
	bool primary = m_is_pf(c);

	if (!op->run || (op->needs && !*((const bool *)((const uint8_t *)&m->conf + op->needs))))
		return NULL;
	if (!io && opcode == NVME_ADMIN_NS_ATTACH && DEFECT(m, NS_ATTACH_UNIMPLEMENTED))
		return NULL;
	if (!io && opcode == NVME_ADMIN_NS_MGMT && DEFECT(m, NS_MGMT_UNIMPLEMENTED))
		return NULL;
	if (!io && opcode == NVME_ADMIN_VIRT_MGMT && DEFECT(m, VF_ACCEPTS_VIRT_MGMT))
		primary = true;
	if (!io && (opcode == NVME_ADMIN_NS_MGMT || opcode == NVME_ADMIN_NS_ATTACH) && DEFECT(m, VF_ACCEPTS_NS_MGMT))
		primary = true;
	if (!io && ((opcode == NVME_ADMIN_FORMAT && DEFECT(m, VF_ACCEPTS_FORMAT)) ||
		    (opcode == NVME_ADMIN_SANITIZE && DEFECT(m, VF_ACCEPTS_SANITIZE))))
		primary = true;
	if (!io && (opcode == NVME_ADMIN_MIGRATION_SEND || opcode == NVME_ADMIN_MIGRATION_RECV) && DEFECT(m, VF_ACCEPTS_MIGRATION))
		primary = true;
	if (!io && opcode == NVME_ADMIN_DBBUF && DEFECT(m, DBBUF_UNIMPLEMENTED))
		return NULL;
	if (!io && opcode == NVME_ADMIN_CDQ && DEFECT(m, CDQ_UNIMPLEMENTED))
		return NULL;
	return op->primary && !primary ? NULL : op;
}

uint32_t m_effects(const struct m_ctrl *c, bool io, uint8_t opcode)
{
	const struct op *op = find_op(c, io, opcode);

	if (!op && !io && DEFECT(c->m, VF_EFFECTS_OVERCLAIM) && admin_ops[opcode].run)
		op = &admin_ops[opcode];
	if (op && io && opcode == NVME_CMD_FLUSH && !m_is_pf(c) && DEFECT(c->m, VF_EFFECTS_UNDERCLAIM))
		return 0;
	return op ? NVME_EFFECTS_CSUPP | op->effects : 0;
}

/* CC.CSS 111b: enabled for admin commands only. */
static bool admin_only(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;
	bool only = NVME_CC_CSS(c->cc) == 7;

	for (unsigned i = 1; i < m->ctrl_count && DEFECT(m, CSS_SHARED) && !m_is_pf(c); i++)
		only |= NVME_CC_CSS(m->ctrl[i].cc) == 7;
	return only;
}

/* A command of a fused operation that came alone: Base 3.4.2. */
static uint16_t check_fuse(const struct m_ctrl *c, struct m_cmd *cmd, bool io)
{
	unsigned fuse = NVME_FLAGS_FUSE(cmd->e.flags);

	if (!fuse || (io && c->m->conf.fused && DEFECT(c->m, FUSED_GAP_ACCEPTED)) || DEFECT(c->m, FUSE_BITS_IGNORED))
		return 0;
	if (!io || !c->m->conf.fused || fuse > NVME_FUSE_SECOND)
		return m_bad(cmd, 1, 0, NVME_SC_INVALID_FIELD);
	return NVME_SC_FUSED_MISSING;
}

/* The identifier is that of a command of this queue which is not complete: Base 3.3.3.1. */
static bool cid_in_use(const struct m_ctrl *c, const struct m_cmd *cmd)
{
	const struct nvsr_model *m = c->m;
	uint16_t sqid = cmd->sq->id, cid = le16_get(cmd->e.cid);

	for (unsigned i = 1; DEFECT(m, CID_CONFLICT_ACROSS_VFS) && i < m->ctrl_count; i++)
		if (m_aer_has(&m->ctrl[i], cid))
			return true;
	if (DEFECT(m, CID_CONFLICT_ACROSS_QUEUES) && (m_aer_has(c, cid) || m_slow_has(c, -1, cid)))
		return true;
	if (DEFECT(m, CID_REUSE_REFUSED) && cmd->sq->last_cid == cid + 1u)
		return true;
	cmd->sq->last_cid = cid + 1u;
	return m_slow_has(c, sqid, cid) || (!sqid && m_aer_has(c, cid));
}

/* PRPs are for every command, SGLs for I/O commands where SGLS says so: Base 3.3.3.1. */
static uint16_t check_psdt(const struct m_ctrl *c, struct m_cmd *cmd, bool io)
{
	unsigned psdt = NVME_FLAGS_PSDT(cmd->e.flags);

	if (psdt == NVME_PSDT_PRP || (psdt != NVME_PSDT_RESERVED && io && c->m->conf.sgl))
		return 0;
	return DEFECT(c->m, PSDT_RESERVED_ACCEPTED) ? 0 : m_bad(cmd, 1, 6, NVME_SC_INVALID_FIELD);
}

/* What keeps an I/O command from an active namespace. */
static uint16_t check_namespace(struct m_ctrl *c, struct m_cmd *cmd, const struct m_ns *ns)
{
	bool formatting = m_formatting(c->m, ns);

	for (uint32_t i = 1; DEFECT(c->m, FORMAT_BLOCKS_OTHERS) && i <= c->m->conf.nn; i++)
		formatting |= c->m->ns[i] && m_formatting(c->m, c->m->ns[i]);
	if (formatting)
		return DEFECT(c->m, FORMAT_WRONG_STATUS) ? NVME_SC_INTERNAL : NVME_SC_FORMAT_IN_PROGRESS;
	return m_resv_conflict(c, ns, true, cmd->e.opcode) ? NVME_SC_RESV_CONFLICT : 0;
}

static uint16_t dispatch(struct m_ctrl *c, struct m_cmd *cmd)
{
	bool io = cmd->sq->id != 0;
	const struct op *op = io && admin_only(c) ? NULL : find_op(c, io, cmd->e.opcode);
	uint32_t nsid = le32_get(cmd->e.nsid);
	uint16_t status = 0;

	if (cid_in_use(c, cmd)) {
		cmd->parked = DEFECT(c->m, CID_CONFLICT_LOST);
		return NVME_SC_CID_CONFLICT;
	}
	if (!op && !io && cmd->e.opcode == NVME_ADMIN_DBBUF && DEFECT(c->m, DOORBELL_BUFFERS_UNCLAIMED))
		return 0;
	if (!op)
		return m_bad(cmd, 0, 0, NVME_SC_INVALID_OPCODE);
	status = m_sanitize_status(c, io, cmd->e.opcode);
	if (!status)
		status = check_fuse(c, cmd, io);
	if (!status)
		status = check_psdt(c, cmd, io);
	if (status)
		return status;
	if (op->nsid == NSID_UNUSED && nsid && !DEFECT(c->m, UNUSED_NSID_ACCEPTED))
		return m_bad(cmd, 4, 0, NVME_SC_INVALID_FIELD);
	cmd->ns = op->nsid == NSID_ACTIVE ? m_active_ns(c, cmd, &status) : NULL;
	if (op->nsid == NSID_ACTIVE && !cmd->ns) {
		/* nothing moves, and the host believes what its buffer held */
		if (cmd->e.opcode == NVME_CMD_READ && m_nsid_kind(c, nsid) != M_NSID_INVALID &&
		    DEFECT(c->m, INACTIVE_READ_SUCCEEDS))
			return 0;
		return status;
	}
	if (io && c->m->wrong.blocked_until > c->m->now)
		return NVME_SC_NS_NOT_READY;
	/* Only a defective drive has found a namespace that is not active. */
	if (io && ((cmd->ns && !c->m->defective) || m_nsid_kind(c, nsid) == M_NSID_ACTIVE))
		status = check_namespace(c, cmd, c->m->ns[nsid]);
	if (status == NVME_SC_RESV_CONFLICT && DEFECT(c->m, CONFLICT_EXECUTES))
		op->run(c, cmd);
	return status ? status : op->run(c, cmd);
}

/* The same command would fail again; the others depend on what happens in between. */
static bool do_not_retry(uint16_t status)
{
	switch (status) {
	case NVME_SC_CMD_SEQ_ERROR: case NVME_SC_ABORT_REQ: case NVME_SC_INTERNAL: case NVME_SC_DATA_XFER_ERROR:
	case NVME_SC_NS_NOT_READY: case NVME_SC_AER_LIMIT: case NVME_SC_INVALID_SEC_STATE:
		return false;
	default:
		return true;
	}
}

uint16_t m_outcome(struct m_ctrl *c, struct m_cmd *cmd, uint16_t status)
{
	if (!status)
		return 0;
	status |= M_SF_MORE | (do_not_retry(status) ? M_SF_DNR : 0);
	m_log_error(c, cmd, status);
	return status;
}

/* What a drive has in its flash before it completes the command: power may go at once.  Data may wait for a Flush. */
static bool outlives_power(const struct m_cmd *cmd)
{
	static const uint8_t admin[] = {
		NVME_ADMIN_NS_MGMT, NVME_ADMIN_NS_ATTACH, NVME_ADMIN_VIRT_MGMT, NVME_ADMIN_FORMAT, NVME_ADMIN_SANITIZE,
	};
	static const uint8_t io[] = { NVME_CMD_RESV_REGISTER, NVME_CMD_RESV_ACQUIRE, NVME_CMD_RESV_RELEASE, NVME_CMD_FLUSH };
	static const uint8_t features[] = { NVME_FEAT_WRITE_PROTECT, NVME_FEAT_RESV_PERSIST };

	if (cmd->sq->id)
		return memchr(io, cmd->e.opcode, sizeof(io));
	if (cmd->e.opcode == NVME_ADMIN_SET_FEATURES)
		return memchr(features, M_DW(cmd, 10) & 0xff, sizeof(features));
	return memchr(admin, cmd->e.opcode, sizeof(admin));
}

uint16_t m_execute(struct m_ctrl *c, struct m_cmd *cmd)
{
	uint16_t status;

	cmd->err_parm = 0xffff;
	cmd->cs_info = 0;
	status = m_outcome(c, cmd, dispatch(c, cmd));
	if (!status && c->m->state_path && outlives_power(cmd))
		m_state_save(c->m);
	return status;
}

/* --- Compare and Write, the fused operation (Base 3.4.2, NVM Command Set 2.1.4) ------------------------------- */

static uint64_t first_block(const struct m_cmd *cmd)
{
	return M_DW(cmd, 10) | (uint64_t)M_DW(cmd, 11) << 32;
}

static uint16_t check_pair(const struct m_ctrl *c, struct m_cmd *first, struct m_cmd *second)
{
	unsigned blocks = (M_DW(first, 12) & 0xffff) + 1;

	if (first->e.opcode != NVME_CMD_COMPARE || second->e.opcode != NVME_CMD_WRITE)
		return m_bad(first, 0, 0, NVME_SC_INVALID_FIELD);
	if ((le32_get(first->e.nsid) != le32_get(second->e.nsid) || first_block(first) != first_block(second) ||
	     blocks != (M_DW(second, 12) & 0xffff) + 1) && !DEFECT(c->m, FUSED_RANGE_MISMATCH_ACCEPTED))
		return m_bad(first, 40, 0, NVME_SC_INVALID_FIELD);
	if (blocks > M_ATOMIC_BLOCKS)
		return NVME_SC_ATOMIC_EXCEEDED;
	return 0;
}

void m_execute_fused(struct m_ctrl *c, struct m_cmd *first, struct m_cmd *second, uint16_t *ret_first, uint16_t *ret_second)
{
	uint16_t a = check_pair(c, first, second), b = a;
	const struct nvme_sqe e = second->e;

	first->e.flags &= (uint8_t)~3u;
	second->e.flags &= (uint8_t)~3u;
	if (a == NVME_SC_ATOMIC_EXCEEDED && DEFECT(c->m, FUSED_TOO_LONG_WRITES))
		dispatch(c, second);
	if (!a) {
		a = dispatch(c, first);
		b = a ? NVME_SC_FUSED_FAIL : 0;
		if (a == NVME_SC_COMPARE_FAILED && DEFECT(c->m, FUSED_COMPARE_FAIL_WRITES))
			dispatch(c, second);
		if (a && DEFECT(c->m, FUSED_FAIL_WRONG_STATUS))
			b = NVME_SC_ABORT_REQ;
		if (DEFECT(c->m, FUSED_FIRST_BLOCK_ONLY))
			second->e.cdw12 = le32(M_DW(second, 12) & ~0xffffu);
		/* others come in between */
		if (!a && DEFECT(c->m, FUSED_NOT_ATOMIC))
			b = m_slow_start(c, second, 10000, dispatch);
		else if (!a)
			b = dispatch(c, second);
	}
	*ret_first = m_outcome(c, first, a);
	*ret_second = m_outcome(c, second, b);
	second->e.cid = e.cid;
}

int m_cmd_init(struct m_ctrl *c)
{
	c->feat = calloc(1, sizeof(*c->feat));
	c->log = calloc(1, sizeof(*c->log));
	if (!c->feat || !c->log) {
		m_cmd_free(c);
		return -ENOMEM;
	}
	m_features_reset(c);
	return 0;
}

/* Attachments survive every reset (Base 5.22). */
static void clr_defects(struct m_ctrl *c, enum m_clr kind)
{
	struct nvsr_model *m = c->m;

	if ((kind == M_CLR_CC && DEFECT(m, ATTACH_LOST_ON_CTRL_RESET)) ||
	    (kind == M_CLR_FLR && DEFECT(m, ATTACH_LOST_ON_FLR)) ||
	    (kind == M_CLR_CONVENTIONAL && DEFECT(m, ATTACH_LOST_ON_HOT_RESET)) ||
	    (kind == M_CLR_NSSR && DEFECT(m, ATTACH_LOST_ON_NSSR)) ||
	    (kind == M_CLR_POWER && DEFECT(m, ATTACH_LOST_ON_POWER)))
		m_ns_detach_all(c);
	if (!m_is_pf(c) && kind == M_CLR_FLR && DEFECT(m, ONLINE_REFUSED_AFTER_FLR))
		c->had_flr = true;
	for (uint32_t i = 1; i <= m->conf.nn && m_is_pf(c) && DEFECT(m, PROTECTION_LOST_ON_RESET); i++)
		if (m->ns[i])
			m->ns[i]->wp_state = NVME_WPS_NONE;
}

/* Features of a namespace go back when the whole subsystem does. */
static void clr_namespaces(struct nvsr_model *m, enum m_clr kind)
{
	for (uint32_t i = 1; i <= m->conf.nn; i++) {
		struct m_ns *ns = m->ns[i];

		if (!ns)
			continue;
		ns->err_recovery = 0;
		ns->resv_mask = 0;
		if (kind == M_CLR_POWER && ns->wp_state == NVME_WPS_UNTIL_POWER_CYCLE && !DEFECT(m, PROTECTION_SURVIVES_POWER))
			ns->wp_state = NVME_WPS_NONE;
	}
	if (kind == M_CLR_POWER)
		m_resv_power(m);
}

void m_cmd_clr(struct m_ctrl *c, enum m_clr kind)
{
	m_resv_clr(c, kind);
	if (m_is_pf(c) || !(DEFECT(c->m, VF_FEATURES_SURVIVE_VFE_TOGGLE) ||
			    (kind == M_CLR_CC && DEFECT(c->m, VF_FEATURES_SURVIVE_CTRL_RESET))))
		m_features_reset(c);
	m_aer_reset(c);
	if (!DEFECT(c->m, RESV_LOG_SURVIVES_RESET))
		c->log->resv_count = 0, c->log->resv_lpc = 0;
	m_nvm_clr(c);
	if (m_is_pf(c) && kind >= M_CLR_NSSR)
		clr_namespaces(c->m, kind);
	m_sanitize_clr(c->m, kind);
	m_migrate_clr(c);
	m_dbbuf_clr(c, kind);
	m_cdq_clr(c);
	clr_defects(c, kind);
}

void m_cmd_free(struct m_ctrl *c)
{
	free(c->feat);
	if (c->log)
		free(c->log->error);
	free(c->log);
	c->feat = NULL;
	c->log = NULL;
}
