// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands that take time: they were fetched, are not complete, and can be aborted meanwhile.  Each finishes when virtual
 * time comes to it.
 */
#include "model/cmd.h"

struct m_slow {
	struct nvme_sqe e;
	uint16_t sqid;
	uint64_t at;
	m_finish_fn finish;
};

uint16_t m_slow_start(struct m_ctrl *c, struct m_cmd *cmd, uint64_t ns, m_finish_fn finish)
{
	struct m_slow *list = realloc(c->slow, (c->slow_count + 1) * sizeof(*list));

	if (!list)
		return NVME_SC_INTERNAL;
	c->slow = list;
	list[c->slow_count++] = (struct m_slow){ .e = cmd->e, .sqid = cmd->sq->id, .at = c->m->now + ns, .finish = finish };
	m_due(c, c->m->now + ns);
	cmd->parked = true;
	return 0;
}

static struct m_slow take(struct m_ctrl *c, unsigned i)
{
	struct m_slow s = c->slow[i];

	c->slow_count--;
	memmove(&c->slow[i], &c->slow[i + 1], (c->slow_count - i) * sizeof(s));
	return s;
}

/* Completions may lead back here through an interrupt handler: what is done is taken out of the list first. */
static void complete(struct m_ctrl *c, const struct m_slow *s, bool finish, uint16_t status)
{
	struct m_sq sq = { .valid = true, .id = s->sqid };
	struct m_cmd cmd = { .e = s->e, .sq = &sq, .err_parm = 0xffff };

	if (finish && s->finish)
		status = s->finish(c, &cmd);
	m_post(c, s->sqid, le16_get(s->e.cid), m_outcome(c, &cmd, status), cmd.dw0, cmd.dw1);
}

void m_slow_due(struct m_ctrl *c)
{
	for (unsigned i = 0; i < c->slow_count;) {
		struct m_slow s;

		if (c->slow[i].at > c->m->now) {
			i++;
			continue;
		}
		s = take(c, i);
		complete(c, &s, true, 0);
		i = 0;
	}
}

void m_slow_finish(struct m_ctrl *c)
{
	while (c->slow_count) {
		struct m_slow s = take(c, 0);

		complete(c, &s, true, 0);
	}
}

uint64_t m_slow_next(const struct m_ctrl *c)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < c->slow_count; i++)
		next = NVSR_MIN(next, c->slow[i].at);
	return next;
}

/* Abort everything for which @match is true. */
static unsigned abort_some(struct m_ctrl *c, bool (*match)(const struct m_slow *s, uint32_t a, uint32_t b), uint32_t a, uint32_t b,
			   uint16_t status)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->slow_count;) {
		struct m_slow s;

		if (!match(&c->slow[i], a, b)) {
			i++;
			continue;
		}
		s = take(c, i);
		complete(c, &s, false, status);
		n++;
		i = 0;
	}
	return n;
}

static bool is_io_of(const struct m_slow *s, uint32_t nsid, uint32_t unused)
{
	return s->sqid && le32_get(s->e.nsid) == nsid;
}

static bool is_command(const struct m_slow *s, uint32_t sqid, uint32_t cid)
{
	return s->sqid == sqid && le16_get(s->e.cid) == cid;
}

static bool is_in_queue(const struct m_slow *s, uint32_t sqid, uint32_t unused)
{
	return s->sqid == sqid;
}

void m_slow_abort_ns(struct m_ctrl *c, uint32_t nsid, uint16_t status)
{
	abort_some(c, is_io_of, nsid, 0, status);
}

bool m_slow_abort(struct m_ctrl *c, uint16_t sqid, uint16_t cid)
{
	return abort_some(c, is_command, sqid, cid, NVME_SC_ABORT_REQ) != 0;
}

void m_slow_abort_queue(struct m_ctrl *c, uint16_t sqid)
{
	abort_some(c, is_in_queue, sqid, 0, NVME_SC_ABORT_SQ_DELETED);
}

bool m_slow_has(const struct m_ctrl *c, int sqid, uint16_t cid)
{
	for (unsigned i = 0; i < c->slow_count; i++)
		if ((sqid < 0 || c->slow[i].sqid == sqid) && le16_get(c->slow[i].e.cid) == cid)
			return true;
	return false;
}

void m_slow_drop(struct m_ctrl *c)
{
	free(c->slow);
	c->slow = NULL;
	c->slow_count = 0;
}
