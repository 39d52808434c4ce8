// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations, Base 8.19 and 7.2 to 7.5: registrants, the holder, and what the others may do.  A host is all controllers
 * with one non-zero Host Identifier; a controller whose Host Identifier is 0 is a host of its own until its next reset.
 */
#include "model/cmd.h"
#include "model/state.h"

#define ACTION(cmd) (M_DW(cmd, 10) & 7)
#define IEKEY(cmd) (M_DW(cmd, 10) & NVME_RESV_IEKEY)
#define RTYPE(cmd) (M_DW(cmd, 10) >> 8 & 0xff)
#define CPTPL(cmd) (M_DW(cmd, 10) >> 30)
#define EDS(cmd) (M_DW(cmd, 11) & 1)
#define ANY UINT32_MAX

struct host {
	uint8_t id[16];
	unsigned fn;		/* the controller whose identifier is 0, else ANY */
};
struct registrant { struct host host; uint64_t key; };

struct m_resv {
	uint32_t gen;
	uint8_t type;
	bool ptpl;
	struct host holder;	/* who acquired it; of an All Registrants type every registrant is a holder */
	struct registrant *reg;
	unsigned count;
};

static struct host host_of(const struct m_ctrl *c)
{
	struct host h = { .fn = ANY };

	memcpy(h.id, c->feat->host_id, sizeof(h.id));
	if (!memcmp(h.id, (const uint8_t[16]){ 0 }, sizeof(h.id)))
		h.fn = c->fn;
	return h;
}

static bool same_host(const struct host *a, const struct host *b)
{
	return a->fn == b->fn && !memcmp(a->id, b->id, sizeof(a->id));
}

static struct registrant *find(struct m_resv *r, const struct host *h)
{
	for (unsigned i = 0; r && i < r->count; i++)
		if (same_host(&r->reg[i].host, h))
			return &r->reg[i];
	return NULL;
}

static bool all_registrants(const struct nvsr_model *m, unsigned type)
{
	return type >= NVME_RESV_WEAR && !DEFECT(m, ALL_REGISTRANTS_ONE_HOLDER);
}

static bool registrants_only(unsigned type)
{
	return type >= NVME_RESV_WERO;
}

static bool is_holder(const struct nvsr_model *m, struct m_resv *r, const struct host *h)
{
	if (!r || !r->type)
		return false;
	return all_registrants(m, r->type) ? find(r, h) != NULL : same_host(&r->holder, h);
}

/* The reservation state of a namespace, made when it is first needed; NULL without memory. */
static struct m_resv *resv_of(struct m_ns *ns)
{
	if (!ns->resv)
		ns->resv = calloc(1, sizeof(*ns->resv));
	return ns->resv;
}

void m_resv_free(struct m_ns *ns)
{
	if (ns->resv)
		free(ns->resv->reg);
	free(ns->resv);
	ns->resv = NULL;
}

/* --- notifications, Base 5.16.1.16 -------------------------------------------------------------------------- */

static void tell(struct m_ctrl *c, const struct m_ns *ns, unsigned type)
{
	struct m_logs *log = c->log;

	log->resv_lpc++;
	if (log->resv_count < NVSR_ARRAY_SIZE(log->resv)) {
		log->resv[log->resv_count].lpc = log->resv_lpc;
		log->resv[log->resv_count].type = (uint8_t)type;
		log->resv[log->resv_count].nsid = ns->nsid;
		log->resv_count++;
	}
	if (!DEFECT(c->m, RESV_NOTICE_WITHOUT_EVENT))
		m_aer_event(c, NVME_AEN_IO, NVME_AEN_IO_RESERVATION, NVME_LOG_RESERVATION);
}

/* Every controller of host @to that has the namespace. */
static void notify(struct m_ctrl *c, const struct m_ns *ns, const struct host *to, unsigned type)
{
	struct nvsr_model *m = c->m;
	const struct host me = host_of(c);

	if ((ns->resv_mask & 1u << type && !DEFECT(m, RESV_MASK_IGNORED)) || DEFECT(m, RESV_NOTICE_MISSING))
		return;
	if (same_host(&me, to) && !DEFECT(m, RESV_NOTICE_TO_ISSUER))
		return;
	for (unsigned i = 0; i < m->ctrl_count; i++) {
		const struct host h = host_of(&m->ctrl[i]);

		if (ns->attached[i] && (same_host(&h, to) != DEFECT(m, RESV_NOTICE_TO_OTHERS)))
			tell(&m->ctrl[i], ns, type);
	}
}

static void notify_registrants(struct m_ctrl *c, const struct m_ns *ns, unsigned type)
{
	for (unsigned i = 0; i < ns->resv->count; i++)
		notify(c, ns, &ns->resv->reg[i].host, type);
}

uint32_t m_resv_log(const struct m_ctrl *c, uint8_t *buf)
{
	const struct m_logs *log = c->log;
	struct nvme_resv_log *page = (void *)buf;

	if (log->resv_count) {
		page->lpc = le64(DEFECT(c->m, RESV_LOG_COUNT_STUCK) ? 1 : log->resv[0].lpc);
		page->rnlpt = log->resv[0].type;
		page->nalp = (uint8_t)(DEFECT(c->m, RESV_LOG_NALP_ZERO) ? 0 : log->resv_count - 1);
		page->nsid = le32(log->resv[0].nsid);
	}
	return sizeof(*page);
}

void m_resv_log_read(struct m_ctrl *c)
{
	struct m_logs *log = c->log;

	if (!log->resv_count || DEFECT(c->m, RESV_LOG_NOT_CONSUMED))
		return;
	log->resv_count = DEFECT(c->m, RESV_LOG_READ_DROPS_ALL) ? 0 : log->resv_count - 1;
	memmove(&log->resv[0], &log->resv[1], log->resv_count * sizeof(log->resv[0]));
}

/* --- registrants and the reservation ------------------------------------------------------------------------ */

static bool add(struct m_resv *r, const struct host *h, uint64_t key)
{
	struct registrant *reg = realloc(r->reg, (r->count + 1) * sizeof(*reg));

	if (!reg)
		return false;
	r->reg = reg;
	reg[r->count++] = (struct registrant){ .host = *h, .key = key };
	return true;
}

/* The reservation ends; who is left and could not know is told, Base 8.19.6. */
static void release(struct m_ctrl *c, struct m_ns *ns)
{
	struct m_resv *r = ns->resv;
	unsigned type = r->type;

	r->type = NVME_RESV_NONE;
	if (registrants_only(type) || (type && DEFECT(c->m, RESV_NOTICE_OF_EXCLUSIVE)))
		notify_registrants(c, ns, NVME_RNLPT_RELEASED);
}

static void drop(struct m_resv *r, struct registrant *reg)
{
	unsigned i = (unsigned)(reg - r->reg);

	r->count--;
	memmove(reg, reg + 1, (r->count - i) * sizeof(*reg));
}

/* A registrant leaves, and with the last holder the reservation. */
static void leave(struct m_ctrl *c, struct m_ns *ns, struct registrant *reg)
{
	struct nvsr_model *m = c->m;
	struct m_resv *r = ns->resv;
	bool holds = is_holder(m, r, &reg->host), all = all_registrants(m, r->type);

	drop(r, reg);
	if (!holds || DEFECT(m, UNREGISTER_KEEPS_RESERVATION))
		return;
	if (!all || !r->count || DEFECT(m, UNREGISTER_RELEASES_ALL_REGISTRANTS))
		release(c, ns);
}

static void forget(struct m_resv *r)
{
	r->count = 0;
	r->type = NVME_RESV_NONE;
}

/* --- what others may do: the table of command behavior in Base 8.19 ----------------------------------------- */

/* A command that a drive forgot to check. */
static bool unchecked(const struct nvsr_model *m, bool io, uint8_t opcode)
{
	static const struct { bool io; uint8_t opcode; enum m_defect defect; } table[] = {
		{ true, NVME_CMD_WRITE, D_WRITE_IGNORES_RESERVATION }, { true, NVME_CMD_READ, D_READ_IGNORES_RESERVATION },
		{ true, NVME_CMD_COMPARE, D_COMPARE_IGNORES_RESERVATION },
		{ true, NVME_CMD_VERIFY, D_VERIFY_IGNORES_RESERVATION },
		{ true, NVME_CMD_COPY, D_COPY_IGNORES_RESERVATION }, { true, NVME_CMD_FLUSH, D_FLUSH_IGNORES_RESERVATION },
		{ true, NVME_CMD_WRITE_ZEROES, D_WRITE_ZEROES_IGNORES_RESERVATION },
		{ true, NVME_CMD_DSM, D_DSM_IGNORES_RESERVATION },
		{ false, NVME_ADMIN_FORMAT, D_FORMAT_IGNORES_RESERVATION },
		{ false, NVME_ADMIN_NS_MGMT, D_DELETE_IGNORES_RESERVATION },
		{ false, NVME_ADMIN_NS_ATTACH, D_ATTACH_IGNORES_RESERVATION },
		{ false, NVME_ADMIN_SANITIZE, D_SANITIZE_IGNORES_RESERVATION },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(table); i++)
		if (table[i].io == io && table[i].opcode == opcode)
			return m->defect[table[i].defect];
	return false;
}

/* What a drive makes of one cell of the table when it has it wrong; -1 = nothing. */
static int cell_defects(const struct nvsr_model *m, unsigned type, bool registrant, bool writes)
{
	static const struct { uint8_t type; int8_t registrant, writes; bool allowed; enum m_defect defect; } table[] = {
		{ NVME_RESV_WE, 0, 1, true, D_WE_ALLOWS_WRITE }, { NVME_RESV_WE, 1, 1, true, D_WE_REGISTRANT_WRITES },
		{ NVME_RESV_WE, -1, 0, false, D_WE_BLOCKS_READ }, { NVME_RESV_EA, 0, 0, true, D_EA_ALLOWS_READ },
		{ NVME_RESV_EA, 0, 1, true, D_EA_ALLOWS_WRITE }, { NVME_RESV_EA, 1, -1, true, D_EA_REGISTRANT_ALLOWED },
		{ NVME_RESV_WERO, 0, 1, true, D_WERO_ALLOWS_WRITE }, { NVME_RESV_WERO, 0, 0, false, D_WERO_BLOCKS_READ },
		{ NVME_RESV_WERO, 1, 1, false, D_WERO_BLOCKS_REGISTRANT }, { NVME_RESV_EARO, 0, 0, true, D_EARO_ALLOWS_READ },
		{ NVME_RESV_EARO, 0, 1, true, D_EARO_ALLOWS_WRITE }, { NVME_RESV_EARO, 1, -1, false, D_EARO_BLOCKS_REGISTRANT },
		{ NVME_RESV_WEAR, 0, 1, true, D_WEAR_ALLOWS_WRITE }, { NVME_RESV_WEAR, 1, 1, false, D_WEAR_BLOCKS_REGISTRANT },
		{ NVME_RESV_WEAR, 0, 0, false, D_WEAR_BLOCKS_READ }, { NVME_RESV_EAAR, 0, 0, true, D_EAAR_ALLOWS_READ },
		{ NVME_RESV_EAAR, 0, 1, true, D_EAAR_ALLOWS_WRITE }, { NVME_RESV_EAAR, 1, -1, false, D_EAAR_BLOCKS_REGISTRANT },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(table); i++)
		if (m->defect[table[i].defect] && table[i].type == type &&
		    (table[i].registrant < 0 || table[i].registrant == registrant) &&
		    (table[i].writes < 0 || table[i].writes == writes))
			return table[i].allowed;
	return -1;
}

static bool allowed(const struct nvsr_model *m, struct m_resv *r, const struct host *h, bool writes)
{
	bool registrant = find(r, h), holder = same_host(&r->holder, h);
	int wrong = holder ? -1 : cell_defects(m, r->type, registrant, writes);

	if (wrong >= 0)
		return wrong;
	if (is_holder(m, r, h))
		return !DEFECT(m, HOLDER_BLOCKED);
	switch (r->type) {
	case NVME_RESV_WE: return !writes;
	case NVME_RESV_EA: return false;
	case NVME_RESV_WERO:
	case NVME_RESV_WEAR: return registrant || !writes;
	default: return registrant;
	}
}

static bool is_reservation(uint8_t opcode)
{
	return opcode == NVME_CMD_RESV_REGISTER || opcode == NVME_CMD_RESV_REPORT || opcode == NVME_CMD_RESV_ACQUIRE ||
	       opcode == NVME_CMD_RESV_RELEASE;
}

bool m_resv_conflict(const struct m_ctrl *c, const struct m_ns *ns, bool io, uint8_t opcode)
{
	const struct host h = host_of(c);
	bool reads = io && (opcode == NVME_CMD_READ || opcode == NVME_CMD_COMPARE || opcode == NVME_CMD_VERIFY);

	for (uint32_t i = 1; DEFECT(c->m, RESV_HITS_NEIGHBOURS) && i <= c->m->conf.nn; i++)
		if (c->m->ns[i] && c->m->ns[i]->resv && c->m->ns[i]->resv->type)
			ns = c->m->ns[i];
	/* Register and Report never conflict; Acquire and Release have rules of their own. */
	if (!ns->resv || !ns->resv->type || (io && is_reservation(opcode)) || unchecked(c->m, io, opcode))
		return false;
	return !allowed(c->m, ns->resv, &h, !reads);
}

/* --- Register, Base 7.3 ------------------------------------------------------------------------------------- */

static void set_ptpl(struct nvsr_model *m, struct m_resv *r, unsigned cptpl)
{
	if (cptpl >= 2 && !DEFECT(m, CPTPL_IGNORED))
		r->ptpl = cptpl == 3;
}

static uint16_t register_key(struct m_ctrl *c, struct m_resv *r, const struct host *me, uint64_t key)
{
	struct registrant *reg = find(r, me);

	if (!reg)
		return add(r, me, key) ? 0 : NVME_SC_INTERNAL;
	if (DEFECT(c->m, REGISTER_AGAIN_REPLACES))
		reg->key = key;
	return reg->key == key ? 0 : NVME_SC_RESV_CONFLICT;
}

static bool key_fits(const struct m_ctrl *c, struct m_cmd *cmd, const struct registrant *reg, uint64_t crkey)
{
	return reg->key == crkey || (IEKEY(cmd) && !DEFECT(c->m, IEKEY_IGNORED)) || DEFECT(c->m, REGISTER_ANY_KEY);
}

uint16_t m_resv_register(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status = 0;
	struct m_ns *ns = m_active_ns(c, cmd, &status);
	const struct host me = host_of(c);
	struct nvme_resv_keys keys;
	struct registrant *reg;
	struct m_resv *r;

	if (ACTION(cmd) > NVME_RREGA_REPLACE && !DEFECT(m, RESV_RESERVED_ACTION))
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	if (CPTPL(cmd) == 1 || (CPTPL(cmd) == 3 && !m->conf.ptpl))
		return m_bad(cmd, 43, 6, NVME_SC_INVALID_FIELD);
	if (IEKEY(cmd) && ACTION(cmd) == NVME_RREGA_REGISTER && DEFECT(m, REGISTER_REFUSES_IEKEY))
		return m_bad(cmd, 40, 3, NVME_SC_INVALID_FIELD);
	status = m_data_from_host(c, cmd, &keys, sizeof(keys));
	if (status)
		return status;
	r = resv_of(ns);
	if (!r)
		return NVME_SC_INTERNAL;
	reg = find(r, &me);
	if (ACTION(cmd) == NVME_RREGA_REGISTER || (ACTION(cmd) == NVME_RREGA_REPLACE && !reg && DEFECT(m, REPLACE_REGISTERS))) {
		status = register_key(c, r, &me, le64_get(keys.key2));
		if (status)
			return status;
	} else if (!reg && ACTION(cmd) == NVME_RREGA_UNREGISTER && DEFECT(m, UNREGISTER_STRANGER_SUCCEEDS)) {
		return 0;
	} else if (!reg || !key_fits(c, cmd, reg, le64_get(keys.crkey))) {
		return NVME_SC_RESV_CONFLICT;
	} else if (ACTION(cmd) == NVME_RREGA_REPLACE) {
		reg->key = DEFECT(m, REPLACE_KEEPS_KEY) ? reg->key : le64_get(keys.key2);
	} else {
		leave(c, ns, reg);
	}
	set_ptpl(m, r, CPTPL(cmd));
	r->gen += !DEFECT(m, GEN_NOT_ON_REGISTER);
	return 0;
}

/* --- Acquire, Base 7.2 -------------------------------------------------------------------------------------- */

/* Remove registrants with @key, or with @all everyone, but never @me.  Returns how many. */
static unsigned preempt_registrants(struct m_ctrl *c, struct m_ns *ns, const struct host *me, bool all, uint64_t key, bool abort)
{
	struct nvsr_model *m = c->m;
	struct m_resv *r = ns->resv;
	unsigned n = 0;

	for (unsigned i = 0; i < r->count;) {
		const struct host h = r->reg[i].host;

		if ((same_host(&h, me) && !DEFECT(m, SELF_PREEMPT_UNREGISTERS)) || (!all && r->reg[i].key != key) ||
		    DEFECT(m, PREEMPT_LEAVES_REGISTRATION)) {
			n += DEFECT(m, PREEMPT_LEAVES_REGISTRATION) && (all || r->reg[i].key == key);
			i++;
			continue;
		}
		drop(r, &r->reg[i]);
		n++;
		for (unsigned k = 0; abort && k < m->ctrl_count; k++) {
			const struct host other = host_of(&m->ctrl[k]);

			if (same_host(&other, &h) && !DEFECT(m, PREEMPT_ABORT_LEAVES_COMMANDS))
				m_slow_abort_ns(&m->ctrl[k], ns->nsid, NVME_SC_PREEMPT_ABORT);
		}
		notify(c, ns, &h, NVME_RNLPT_REG_PREEMPTED);
		if (DEFECT(m, PREEMPT_REMOVES_ONE))
			break;
	}
	return n;
}

static uint16_t preempt(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, const struct registrant *mine, uint64_t prkey)
{
	struct nvsr_model *m = c->m;
	struct m_resv *r = ns->resv;
	const struct host me = mine->host;
	const struct registrant *holder = find(r, &r->holder);
	bool all = r->type && all_registrants(m, r->type), everyone = all && !prkey, own = mine->key == prkey;
	bool takes_over = r->type && (all ? !prkey : holder && holder->key == prkey);
	bool abort = ACTION(cmd) == NVME_RACQA_PREEMPT_ABORT;
	unsigned before = r->type;

	if (!prkey && !everyone && !DEFECT(m, PREEMPT_KEY_ZERO_ACCEPTED))
		return NVME_SC_INVALID_FIELD;
	if (DEFECT(m, PREEMPT_TAKES_ANYTHING) && r->type)
		takes_over = true;
	if (takes_over && DEFECT(m, PREEMPT_WITHOUT_TAKEOVER))
		takes_over = false;
	if (!preempt_registrants(c, ns, &me, everyone, prkey, abort) && !own && !takes_over)
		return NVME_SC_RESV_CONFLICT;
	if (takes_over) {
		r->type = (uint8_t)(DEFECT(m, PREEMPT_KEEPS_TYPE) ? before : RTYPE(cmd));
		r->holder = me;
		if (r->type != before)
			notify_registrants(c, ns, NVME_RNLPT_RELEASED);
	}
	r->gen += !DEFECT(m, GEN_NOT_ON_PREEMPT);
	return 0;
}

static uint16_t acquire(struct m_ctrl *c, struct m_cmd *cmd, struct m_resv *r, const struct host *me)
{
	struct nvsr_model *m = c->m;

	if (r->type && !is_holder(m, r, me) && !DEFECT(m, ACQUIRE_STEALS))
		return NVME_SC_RESV_CONFLICT;
	if (r->type && r->type != RTYPE(cmd) && !DEFECT(m, ACQUIRE_CHANGES_TYPE) && !DEFECT(m, ACQUIRE_STEALS))
		return NVME_SC_RESV_CONFLICT;
	if (r->type == RTYPE(cmd) && DEFECT(m, ACQUIRE_AGAIN_REFUSED))
		return NVME_SC_RESV_CONFLICT;
	if (!r->type || r->type != RTYPE(cmd) || !is_holder(m, r, me))
		r->holder = *me;
	r->type = (uint8_t)RTYPE(cmd);
	r->gen += DEFECT(m, GEN_ON_ACQUIRE);
	return 0;
}

static bool type_supported(const struct nvsr_model *m, unsigned type)
{
	return (type >= NVME_RESV_WE && type <= NVME_RESV_EAAR) || DEFECT(m, RESV_ANY_TYPE);
}

uint16_t m_resv_acquire(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status = 0;
	struct m_ns *ns = m_active_ns(c, cmd, &status);
	const struct host me = host_of(c);
	struct nvme_resv_keys keys;
	struct registrant *mine;

	if ((IEKEY(cmd) && !DEFECT(m, ACQUIRE_IEKEY_ACCEPTED)) || (ACTION(cmd) > NVME_RACQA_PREEMPT_ABORT && !DEFECT(m, RESV_RESERVED_ACTION)))
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	if (!type_supported(m, RTYPE(cmd)))
		return m_bad(cmd, 41, 0, NVME_SC_INVALID_FIELD);
	status = m_data_from_host(c, cmd, &keys, sizeof(keys));
	if (status)
		return status;
	mine = find(ns->resv, &me);
	if (!mine && DEFECT(m, ACQUIRE_WITHOUT_REGISTRATION) && resv_of(ns)) {
		if (!add(ns->resv, &me, le64_get(keys.crkey)))
			return NVME_SC_INTERNAL;
		mine = find(ns->resv, &me);
	}
	if (!mine || (mine->key != le64_get(keys.crkey) && !DEFECT(m, ACQUIRE_ANY_KEY)))
		return NVME_SC_RESV_CONFLICT;
	if (ACTION(cmd) == NVME_RACQA_ACQUIRE)
		return acquire(c, cmd, ns->resv, &me);
	return preempt(c, cmd, ns, mine, le64_get(keys.key2));
}

/* --- Release, Base 7.4 -------------------------------------------------------------------------------------- */

static uint16_t release_held(struct m_ctrl *c, struct m_cmd *cmd, struct m_ns *ns, const struct host *me)
{
	struct nvsr_model *m = c->m;
	struct m_resv *r = ns->resv;

	if (!r->type)
		return DEFECT(m, RELEASE_OF_NOTHING_FAILS) ? NVME_SC_RESV_CONFLICT : 0;
	if (!is_holder(m, r, me) && !DEFECT(m, RELEASE_BY_NON_HOLDER_RELEASES))
		return DEFECT(m, RELEASE_BY_NON_HOLDER_FAILS) ? NVME_SC_RESV_CONFLICT : 0;
	if (RTYPE(cmd) != r->type && !DEFECT(m, RELEASE_ANY_TYPE))
		return m_bad(cmd, 41, 0, NVME_SC_INVALID_FIELD);
	if (!DEFECT(m, RELEASE_IGNORED))
		release(c, ns);
	r->gen += DEFECT(m, GEN_ON_RELEASE);
	return 0;
}

static void clear(struct m_ctrl *c, struct m_ns *ns)
{
	struct nvsr_model *m = c->m;
	struct m_resv *r = ns->resv;

	notify_registrants(c, ns, NVME_RNLPT_RESV_PREEMPTED);
	r->type = DEFECT(m, CLEAR_KEEPS_RESERVATION) ? r->type : NVME_RESV_NONE;
	r->count = DEFECT(m, CLEAR_KEEPS_REGISTRANTS) ? r->count : 0;
	r->gen += !DEFECT(m, GEN_NOT_ON_CLEAR);
}

uint16_t m_resv_release(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status = 0;
	struct m_ns *ns = m_active_ns(c, cmd, &status);
	const struct host me = host_of(c);
	const struct registrant *mine;
	le64_t crkey;

	if ((IEKEY(cmd) && !DEFECT(m, RELEASE_IEKEY_ACCEPTED)) || (ACTION(cmd) > NVME_RRELA_CLEAR && !DEFECT(m, RESV_RESERVED_ACTION)))
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	status = m_data_from_host(c, cmd, &crkey, sizeof(crkey));
	if (status)
		return status;
	mine = find(ns->resv, &me);
	if (!mine && DEFECT(m, RELEASE_BY_STRANGER_SUCCEEDS))
		return 0;
	if (!mine || (mine->key != le64_get(crkey) && !DEFECT(m, RELEASE_ANY_KEY)))
		return NVME_SC_RESV_CONFLICT;
	if (ACTION(cmd) == NVME_RRELA_CLEAR && is_holder(m, ns->resv, &me) == false && DEFECT(m, CLEAR_ONLY_BY_HOLDER))
		return NVME_SC_RESV_CONFLICT;
	if (ACTION(cmd) != NVME_RRELA_CLEAR)
		return release_held(c, cmd, ns, &me);
	clear(c, ns);
	return 0;
}

/* --- Report, Base 7.5 --------------------------------------------------------------------------------------- */

/* Host Identifiers of the other size are in use. */
static bool other_size(const struct nvsr_model *m, bool eds)
{
	for (unsigned i = 0; i < m->ctrl_count; i++) {
		const struct host h = host_of(&m->ctrl[i]);

		if (h.fn == ANY && m->ctrl[i].feat->host_id_wide != eds)
			return true;
	}
	return false;
}

static void report_entry(struct nvsr_model *m, struct m_resv *r, const struct registrant *reg, uint16_t cntlid, bool eds, uint8_t *at)
{
	static const uint8_t none[sizeof(reg->host.id)];
	const uint8_t *id = reg->host.id;
	uint8_t rcsts = is_holder(m, r, &reg->host) && !DEFECT(m, REPORT_HIDES_HOLDER) ? NVME_RCSTS_HOLDER : 0;

	if (DEFECT(m, REPORT_DYNAMIC_CNTLID))
		cntlid = 0xffff;
	if (DEFECT(m, REPORT_HIDES_HOSTID))
		id = none;
	if (eds) {
		struct nvme_resv_ctrl_ext e = { .cntlid = le16(cntlid), .rcsts = rcsts, .rkey = le64(reg->key) };

		memcpy(e.hostid, id, sizeof(e.hostid));
		memcpy(at, &e, sizeof(e));
	} else {
		struct nvme_resv_ctrl e = { .cntlid = le16(cntlid), .rcsts = rcsts, .rkey = le64(reg->key) };

		memcpy(e.hostid, id, sizeof(e.hostid));
		memcpy(at, &e, sizeof(e));
	}
}

/*
 * Every controller of a registrant that has the namespace, by CNTLID; writes the entries that begin within @len bytes, so
 * @buf has room for one more.  Returns how many there are.
 */
static unsigned report_entries(struct nvsr_model *m, const struct m_ns *ns, bool eds, uint8_t *buf, size_t len)
{
	size_t size = eds ? sizeof(struct nvme_resv_ctrl_ext) : sizeof(struct nvme_resv_ctrl);
	size_t at = eds ? NVME_RESV_EXT_AT : sizeof(struct nvme_resv_report);
	unsigned n = 0;

	for (struct m_ctrl *c = m_ctrl_next(m, 0); c; c = m_ctrl_next(m, c->cntlid + 1u)) {
		const struct host h = host_of(c);
		const struct registrant *reg = find(ns->resv, &h);

		if (!reg || !ns->attached[c->fn] || (n && same_host(&h, &ns->resv->reg[0].host) && DEFECT(m, REPORT_MISSES_CONTROLLER)))
			continue;
		if (DEFECT(m, REPORT_WHOLE_ENTRIES_ONLY) ? at + size <= len : at < len)
			report_entry(m, ns->resv, reg, c->cntlid, eds, buf + at);
		at += size;
		n++;
	}
	return n;
}

uint16_t m_resv_report(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct nvsr_model *m = c->m;
	uint16_t status = 0;
	struct m_ns *ns = m_active_ns(c, cmd, &status);
	uint64_t len = ((uint64_t)M_DW(cmd, 10) + 1) * 4;
	_cleanup_free_ uint8_t *buf = NULL;
	struct nvme_resv_report *head;
	unsigned n;

	if (other_size(m, EDS(cmd)) && !DEFECT(m, REPORT_ANY_SIZE))
		return m_bad(cmd, 44, 0, NVME_SC_HOSTID_FORMAT);
	if (!m_mdts_ok(c, len))
		return m_bad(cmd, 40, 0, NVME_SC_INVALID_FIELD);
	if (DEFECT(m, REPORT_NEEDS_REGISTRATION)) {
		const struct host me = host_of(c);

		if (!find(ns->resv, &me))
			return NVME_SC_RESV_CONFLICT;
	}
	buf = calloc(1, len + NVME_RESV_EXT_AT + sizeof(struct nvme_resv_ctrl_ext));
	if (!buf)
		return NVME_SC_INTERNAL;
	head = (void *)buf;
	n = report_entries(m, ns, EDS(cmd), buf, len);
	nvsr_le_write(head->regctl, 2, n);
	if (ns->resv) {
		head->gen = le32(ns->resv->gen);
		head->rtype = DEFECT(m, REPORT_HIDES_TYPE) ? 0 : ns->resv->type;
		head->ptpls = ns->resv->ptpl && !DEFECT(m, REPORT_HIDES_PTPL);
	}
	return m_data_to_host(c, cmd, buf, len);
}

/* --- features 82h and 83h ----------------------------------------------------------------------------------- */

bool m_resv_ptpl(const struct m_ns *ns)
{
	return ns->resv && ns->resv->ptpl;
}

uint16_t m_resv_set_ptpl(struct m_ns *ns, bool ptpl)
{
	struct m_resv *r = resv_of(ns);

	if (!r)
		return NVME_SC_INTERNAL;
	r->ptpl = ptpl;
	return 0;
}

/* --- resets ------------------------------------------------------------------------------------------------- */

static bool lost_on(const struct nvsr_model *m, enum m_clr kind)
{
	static const enum m_defect defects[] = {
		[M_CLR_CC] = D_RESV_LOST_ON_CTRL_RESET, [M_CLR_FLR] = D_RESV_LOST_ON_FLR,
		[M_CLR_CONVENTIONAL] = D_RESV_LOST_ON_HOT_RESET, [M_CLR_NSSR] = D_RESV_LOST_ON_NSSR,
	};

	return (size_t)kind < NVSR_ARRAY_SIZE(defects) && m->defect[defects[kind]];
}

/* Registrations of a controller without Host Identifier do not outlive its reset. */
void m_resv_clr(struct m_ctrl *c, enum m_clr kind)
{
	struct nvsr_model *m = c->m;
	const struct host h = host_of(c);
	bool lost = lost_on(m, kind) || (h.fn != ANY && !DEFECT(m, ANONYMOUS_REGISTRATION_SURVIVES));

	for (uint32_t i = 1; i <= m->conf.nn; i++) {
		struct m_ns *ns = m->ns[i];
		struct registrant *reg = ns ? find(ns->resv, &h) : NULL;

		if (reg && lost)
			leave(c, ns, reg);
		if (ns && ns->resv && DEFECT(m, RESV_LOST_ON_ANY_RESET))
			forget(ns->resv);
	}
}

void m_resv_power(struct nvsr_model *m)
{
	for (uint32_t i = 1; i <= m->conf.nn; i++) {
		struct m_resv *r = m->ns[i] ? m->ns[i]->resv : NULL;

		if (!r)
			continue;
		if (DEFECT(m, PTPL_FORGOTTEN))
			r->ptpl = false;
		if (r->ptpl ? DEFECT(m, PTPL_LOST_ON_POWER) : !DEFECT(m, RESV_SURVIVES_WITHOUT_PTPL))
			forget(r);
		if (!r->ptpl && !DEFECT(m, GEN_SURVIVES_POWER))
			r->gen = 0;
	}
}

void m_resv_detached(struct m_ctrl *c, struct m_ns *ns)
{
	const struct host h = host_of(c);
	struct registrant *reg = find(ns->resv, &h);

	if (reg && DEFECT(c->m, RESV_LOST_ON_DETACH))
		leave(c, ns, reg);
}

void m_resv_offline(struct m_ctrl *c)
{
	for (uint32_t i = 1; DEFECT(c->m, RESV_LOST_ON_OFFLINE) && i <= c->m->conf.nn; i++) {
		const struct host h = host_of(c);
		struct registrant *reg = c->m->ns[i] ? find(c->m->ns[i]->resv, &h) : NULL;

		if (reg)
			leave(c, c->m->ns[i], reg);
	}
}

/* --- the state file ----------------------------------------------------------------------------------------- */

static void state_host(struct m_state *s, struct host *h, unsigned ctrl_count)
{
	m_state_bytes(s, h->id, sizeof(h->id));
	M_STATE(s, h->fn);
	m_state_check(s, h->fn == ANY || h->fn < ctrl_count);
}

/* What there is without PTPL ends at the next power on, m_resv_power(). */
void m_state_resv(struct m_state *s, struct m_ns *ns, unsigned ctrl_count)
{
	bool there = ns->resv;
	struct m_resv *r;
	unsigned count;

	m_state_flag(s, &there);
	if (!there)
		return;
	r = resv_of(ns);
	m_state_check(s, r);
	if (!r)
		return;
	M_STATE(s, r->gen);
	M_STATE(s, r->type);
	m_state_flag(s, &r->ptpl);
	state_host(s, &r->holder, ctrl_count);
	count = r->count;
	M_STATE(s, count);
	for (unsigned i = 0; i < count && !s->bad; i++) {
		struct registrant reg = { 0 };

		if (!s->load)
			reg = r->reg[i];
		state_host(s, &reg.host, ctrl_count);
		M_STATE(s, reg.key);
		if (s->load && !s->bad)
			m_state_check(s, add(r, &reg.host, reg.key));
	}
}
