// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asynchronous Event Requests: at most AERL + 1 per controller, events wait for a request, an event type that was reported
 * is masked until its log page is read with Retain Asynchronous Event = 0.  Base 5.2.
 */
#include "model/cmd.h"

/* The next request in order of arrival: entries are kept packed. */
static uint16_t take_request(struct m_ctrl *c)
{
	uint16_t cid = c->aer[0].cid;

	memmove(&c->aer[0], &c->aer[1], sizeof(c->aer[0]) * (M_MAX_AERS - 1));
	c->aer[M_MAX_AERS - 1].used = false;
	c->aer_count--;
	return cid;
}

static void drop_event(struct m_logs *log, unsigned i)
{
	memmove(&log->event[i], &log->event[i + 1], sizeof(log->event[0]) * (log->event_count - i - 1));
	log->event_count--;
}

/* Report what waits and is not masked, as long as there are requests. */
static void deliver(struct m_ctrl *c)
{
	struct m_logs *log = c->log;

	for (unsigned i = 0; i < log->event_count && c->aer_count;) {
		unsigned type = log->event[i].type, info = log->event[i].info, lid = log->event[i].lid;

		if (log->masked & 1u << type) {
			i++;
			continue;
		}
		log->masked |= (uint8_t)(1u << type);
		log->masked_lid[type] = (uint8_t)lid;
		drop_event(log, i);
		if (type == NVME_AEN_NOTICE && DEFECT(c->m, NS_EVENT_WRONG_LID))
			lid = NVME_LOG_ERROR;
		m_post(c, 0, take_request(c), 0, NVME_AEN(type, info, lid), 0);
	}
}

/* Requests of all controllers: no limit knows them, but that of a defective drive. */
static unsigned outstanding(const struct nvsr_model *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->ctrl_count; i++)
		n += m->ctrl[i].aer_count;
	return n;
}

uint16_t m_aer(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned limit = NVSR_MIN(c->m->conf.aerl + 1, (unsigned)M_MAX_AERS);

	if (DEFECT(c->m, AER_LIMIT_SHARED) && outstanding(c->m) >= limit)
		return NVME_SC_AER_LIMIT;
	if (c->aer_count >= limit && DEFECT(c->m, AER_LIMIT_IGNORED)) {
		cmd->parked = true;
		return 0;
	}
	if (c->aer_count >= limit)
		return NVME_SC_AER_LIMIT;
	c->aer[c->aer_count].cid = le16_get(cmd->e.cid);
	c->aer[c->aer_count].used = true;
	c->aer_count++;
	cmd->parked = true;
	deliver(c);
	return 0;
}

static void add_event(struct m_ctrl *c, unsigned type, unsigned info, unsigned lid)
{
	struct m_logs *log = c->log;

	for (unsigned i = 0; i < log->event_count && !DEFECT(c->m, EVENTS_REPEAT); i++)
		if (log->event[i].type == type && log->event[i].info == info && log->event[i].lid == lid)
			return;
	if (log->event_count == M_EVENTS || (!c->aer_count && DEFECT(c->m, EVENT_LOST_WITHOUT_REQUEST)))
		return;
	log->event[log->event_count].type = (uint8_t)type;
	log->event[log->event_count].info = (uint8_t)info;
	log->event[log->event_count].lid = (uint8_t)lid;
	log->event_count++;
	deliver(c);
}

void m_aer_event(struct m_ctrl *c, unsigned type, unsigned info, unsigned lid)
{
	struct nvsr_model *m = c->m;

	add_event(c, type, info, lid);
	for (unsigned i = 1; i < m->ctrl_count && !m_is_pf(c) && DEFECT(m, EVENT_TO_SIBLINGS); i++)
		if (i != c->fn && m->ctrl[i].present)
			add_event(&m->ctrl[i], type, info, lid);
}

void m_aer_clear(struct m_ctrl *c, unsigned lid)
{
	struct m_logs *log = c->log;

	for (unsigned i = DEFECT(c->m, EVENTS_REPEAT) ? 0 : log->event_count; i--;)
		if (log->event[i].lid == lid)
			drop_event(log, i);
	for (unsigned type = 0; type < 8; type++)
		if (log->masked & 1u << type && log->masked_lid[type] == lid)
			log->masked &= (uint8_t)~(1u << type);
	deliver(c);
}

void m_aer_reset(struct m_ctrl *c)
{
	if (!DEFECT(c->m, AERS_SURVIVE_RESET)) {
		memset(c->aer, 0, sizeof(c->aer));
		c->aer_count = 0;
	}
	if (!DEFECT(c->m, EVENTS_SURVIVE_RESET))
		c->log->event_count = 0;
	if (!DEFECT(c->m, EVENT_MASK_SURVIVES_RESET))
		c->log->masked = 0;
}

bool m_aer_has(const struct m_ctrl *c, uint16_t cid)
{
	for (unsigned i = 0; i < c->aer_count; i++)
		if (c->aer[i].cid == cid)
			return true;
	return false;
}

bool m_aer_abort(struct m_ctrl *c, uint16_t cid)
{
	for (unsigned i = 0; i < c->aer_count; i++) {
		if (c->aer[i].cid != cid)
			continue;
		memmove(&c->aer[i], &c->aer[i + 1], sizeof(c->aer[0]) * (M_MAX_AERS - i - 1));
		c->aer[M_MAX_AERS - 1].used = false;
		c->aer_count--;
		m_post(c, 0, cid, NVME_SC_ABORT_REQ, 0, 0);
		return true;
	}
	return false;
}
