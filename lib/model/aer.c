/* SPDX-License-Identifier: GPL-2.0-or-later */
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

uint16_t m_aer(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned limit = NVSR_MIN(c->m->conf.aerl + 1, (unsigned)M_MAX_AERS);

	if (c->aer_count >= limit)
		return NVME_SC_AER_LIMIT;
	c->aer[c->aer_count].cid = le16_get(cmd->e.cid);
	c->aer[c->aer_count].used = true;
	c->aer_count++;
	cmd->parked = true;
	deliver(c);
	return 0;
}

void m_aer_event(struct m_ctrl *c, unsigned type, unsigned info, unsigned lid)
{
	struct m_logs *log = c->log;

	for (unsigned i = 0; i < log->event_count; i++)
		if (log->event[i].type == type && log->event[i].info == info && log->event[i].lid == lid)
			return;
	if (log->event_count == M_EVENTS)
		return;
	log->event[log->event_count].type = (uint8_t)type;
	log->event[log->event_count].info = (uint8_t)info;
	log->event[log->event_count].lid = (uint8_t)lid;
	log->event_count++;
	deliver(c);
}

void m_aer_clear(struct m_ctrl *c, unsigned lid)
{
	struct m_logs *log = c->log;

	for (unsigned i = log->event_count; i--;)
		if (log->event[i].lid == lid)
			drop_event(log, i);
	for (unsigned type = 0; type < 8; type++)
		if (log->masked & 1u << type && log->masked_lid[type] == lid)
			log->masked &= (uint8_t)~(1u << type);
	deliver(c);
}

void m_aer_reset(struct m_ctrl *c)
{
	memset(c->aer, 0, sizeof(c->aer));
	c->aer_count = 0;
	c->log->event_count = 0;
	c->log->masked = 0;
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
