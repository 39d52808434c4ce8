// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Real time: doorbells are words in memory, and device threads look at them.  What is done with a command is what is always
 * done with it (queue.c, cmd.c); this file only says when, and which commands may run while other functions are at work.
 */
#include "model/bus.h"
#include "model/cmd.h"

/*
 * The next command's data is asked for while this one's is copied.  Measured: with 32 lines on their way into the second level
 * of the cache, what is done between two copies costs no time; with 16 or 48 it does, and so it does with any number on their
 * way into the first level, which can wait for fewer lines at once.
 */
#define AHEAD_LINES 32u
#define AHEAD_ENTRIES 4u
#define LINE 64u
#define GROUP 4u	/* lines in one go */

static unsigned word_of(const struct m_ctrl *c, unsigned index)
{
	return index << c->m->conf.dstrd;
}

static uint32_t doorbell(const struct m_ctrl *c, unsigned index)
{
	return __atomic_load_n(&c->poll.page[word_of(c, index)], __ATOMIC_ACQUIRE);
}

int nvsr_model_share_doorbells(struct nvsr_model *m, uint16_t rid, uint32_t *page, unsigned words)
{
	struct m_ctrl *c = m_ctrl_by_rid(m, rid);

	if (!c)
		return -ENODEV;
	if (page && word_of(c, 2 * m_virt_max_qid(c) + 1) >= words)
		return -EINVAL;
	memset(&c->poll, 0, sizeof(c->poll));
	c->poll.page = page;
	return 0;
}

/* Doorbell @index as the controller makes it with a new queue. */
void m_poll_new(struct m_ctrl *c, unsigned index)
{
	if (c->poll.page)
		__atomic_store_n(&c->poll.page[word_of(c, index)], 0, __ATOMIC_RELEASE);
}

void m_poll_cq(struct m_ctrl *c, struct m_cq *cq)
{
	uint32_t head;

	if (!c->poll.page || (cq->tail + 1) % cq->size != cq->head)
		return;
	head = doorbell(c, 2u * cq->id + 1) & 0xffff;
	if (head == cq->doorbell)
		return;
	cq->doorbell = head;
	if (m_head_valid(cq, head))
		cq->head = head;
	else
		m_bad_doorbell(c, M_BAD_VALUE);
}

bool m_poll_may_execute(struct m_ctrl *c, struct m_sq *sq, const struct m_cmd *cmd)
{
	bool rw = cmd->e.opcode == NVME_CMD_READ || cmd->e.opcode == NVME_CMD_WRITE;

	if (!c->poll.beside || (sq->id && rw && !NVME_FLAGS_FUSE(cmd->e.flags))) {
		c->poll.executed++;
		return true;
	}
	sq->head = (sq->head + sq->size - 1) % sq->size;
	c->poll.wants_alone = true;
	return false;
}

/* --- looking ahead ------------------------------------------------------------------------------------------------------ */

/* The data of an entry that is not fetched yet.  It may still be refused: nothing is taken from it but a guess. */
static uint8_t *expected(struct m_ctrl *c, const struct nvme_sqe *e)
{
	const struct nvsr_model *m = c->m;
	uint32_t nsid = le32_get(e->nsid);
	const struct m_ns *ns = nsid && nsid <= m->conf.nn ? m->ns[nsid] : NULL;
	uint64_t off = (le32_get(e->cdw10) | (uint64_t)le32_get(e->cdw11) << 32) * (ns ? ns->block : 0);

	if (!ns || off >= m_media_size(ns->media) || m_media_size(ns->media) - off < M_PAGE)
		return NULL;
	return m_media_direct(ns->media, off);
}

/* The data of the entry @behind head, or NULL; *@sqe: where it is. */
static uint8_t *data_of(struct m_ctrl *c, const struct m_sq *sq, uint32_t behind, const uint8_t **sqe)
{
	uint32_t at = (sq->head + behind) % sq->size;
	struct nvme_sqe copy;

	*sqe = m_dma_at(c, sq->base + (uint64_t)at * sizeof(copy), sizeof(copy));
	if (!*sqe)
		return NULL;
	memcpy(&copy, *sqe, sizeof(copy));
	return expected(c, &copy);
}

/* A command that nobody looked ahead to: its data comes while it is checked. */
static void look_at(struct m_ctrl *c, const struct m_sq *sq)
{
	const uint8_t *sqe, *data = data_of(c, sq, 0, &sqe);

	for (unsigned i = 0; data && i < AHEAD_LINES; i++)
		__builtin_prefetch(data + i * LINE, 0, 2);
}

/* The data of the next one is asked for while this one's is copied: m_poll_copy(). */
static void look_ahead(struct m_ctrl *c, const struct m_sq *sq)
{
	uint32_t waiting = (sq->tail + sq->size - sq->head) % sq->size;
	const uint8_t *sqe = NULL;

	c->poll.next = waiting < 2 ? NULL : data_of(c, sq, 1, &sqe);
	if (sqe && waiting > 2 + AHEAD_ENTRIES)
		__builtin_prefetch(sqe + AHEAD_ENTRIES * sizeof(struct nvme_sqe));
}

/* Copies @groups of GROUP lines while those AHEAD_LINES further on are asked for: of this command's blocks, then of the @next one's. */
__attribute__((target_clones("avx512f", "avx2", "default")))
static void stream(uint8_t *to, const uint8_t *from, const uint8_t *blocks, const uint8_t *next, size_t groups)
{
	size_t turn = groups - NVSR_MIN(groups, (size_t)AHEAD_LINES / GROUP);
	const uint8_t *ahead = blocks + AHEAD_LINES * LINE;

	for (size_t g = 0; g < groups; g++) {
		if (g == turn)
			ahead = next;
		for (unsigned i = 0; i < GROUP; i++)
			__builtin_prefetch(ahead + i * LINE, 0, 2);
		for (unsigned i = 0; i < GROUP; i++)
			memcpy(to + i * LINE, from + i * LINE, LINE);
		to += GROUP * LINE;
		from += GROUP * LINE;
		ahead += GROUP * LINE;
	}
}

void m_poll_copy(struct m_ctrl *c, uint8_t *to, const uint8_t *from, size_t len, bool to_host)
{
	const uint8_t *next = c->poll.next;
	size_t groups = len / (GROUP * LINE), done = groups * GROUP * LINE;

	c->poll.next = NULL;
	stream(to, from, to_host ? from : to, next, groups);
	memcpy(to + done, from + done, len - done);
}

/* --- one round ------------------------------------------------------------------------------------------------------------ */

static void take_tail(struct m_ctrl *c, struct m_sq *sq)
{
	uint32_t tail = doorbell(c, 2u * sq->id);

	if (tail == sq->doorbell)
		return;
	sq->doorbell = tail;
	tail &= 0xffff;
	if (tail < sq->size)
		sq->tail = tail;
	else
		m_bad_doorbell(c, M_BAD_VALUE);
}

static void poll_queue(struct m_ctrl *c, unsigned qid, unsigned most)
{
	struct m_sq *sq = &c->sq[qid];
	bool asked = false;

	take_tail(c, sq);
	while (most-- && c->sq && sq->valid && sq->head != sq->tail) {
		uint32_t head = sq->head;

		if (!asked)
			look_at(c, sq);
		look_ahead(c, sq);
		asked = c->poll.next;
		m_queue_some(c, qid, 1);
		/* It waits for room, for its turn, or for ever. */
		if (!c->sq || sq->head == head)
			return;
	}
}

static void send_irqs(struct m_ctrl *c)
{
	while (c->poll.irqs) {
		unsigned vector = (unsigned)__builtin_ctzll(c->poll.irqs);

		c->poll.irqs &= c->poll.irqs - 1;
		m_irq(c, vector);
	}
}

unsigned nvsr_model_poll(struct nvsr_model *m, uint16_t rid, unsigned most, bool alone, bool *ret_alone)
{
	struct m_ctrl *c = m_ctrl_by_rid(m, rid);
	uint64_t before;

	*ret_alone = false;
	if (!c || !c->poll.page)
		return 0;
	before = c->poll.executed;
	c->poll.round = true;
	c->poll.beside = !alone;
	c->poll.wants_alone = false;
	for (unsigned qid = 0; c->sq && m_running(c) && qid <= c->max_qid; qid++)
		if (c->sq[qid].valid)
			poll_queue(c, qid, most);
	if (alone && c->late_count)
		m_queue_flush(c);
	c->poll.round = c->poll.beside = false;
	send_irqs(c);
	*ret_alone = c->poll.wants_alone || (c->late_count && !alone);
	return (unsigned)(c->poll.executed - before);
}

bool nvsr_model_rung(struct nvsr_model *m, uint16_t rid)
{
	const struct m_ctrl *c = m_ctrl_by_rid(m, rid);

	if (!c || !c->poll.page || !c->sq || !m_running(c))
		return false;
	for (unsigned qid = 0; qid <= c->max_qid; qid++)
		if (c->sq[qid].valid && (doorbell(c, 2u * qid) != c->sq[qid].doorbell || c->sq[qid].head != c->sq[qid].tail))
			return true;
	return false;
}

uint64_t nvsr_model_due(const struct nvsr_model *m)
{
	return m->next_event;
}
