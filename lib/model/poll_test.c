// SPDX-License-Identifier: GPL-2.0-or-later
/* Doorbells in memory: what a round executes and what it leaves, beside other functions and alone; nonsense in them. */
#include "model/testing.h"

enum { SQ = 0x14000, CQ = 0x15000, ENTRIES = 8, WORDS = 1024 };

static uint32_t bells[WORDS];
static unsigned messages;

static void on_msi(void *arg, uint16_t rid, uint64_t addr, uint32_t msi_data)
{
	messages++;
}

static uint16_t make_queue(struct m_ctrl *c, uint8_t opcode, uint64_t base, uint32_t cdw11)
{
	struct m_sq sq = { .valid = true };
	struct m_cmd cmd = { .e = { .opcode = opcode, .cid = le16(++cid), .prp1 = le64(base), .cdw10 = le32((ENTRIES - 1) << 16 | 1),
				    .cdw11 = le32(cdw11) }, .sq = &sq };

	return m_execute(c, &cmd) & 0x7ff;
}

/* I/O queue pair 1 of the PF with interrupts on vector 1, doorbells in memory. */
static struct m_ctrl *queues(struct nvsr_model *m)
{
	struct m_ctrl *c = m_pf(m);
	unsigned table = m_msix_table_at(c) + PCI_MSIX_ENTRY_SIZE;

	memset(bells, 0xee, sizeof(bells));
	memset(memory + SQ, 0, 2 * M_PAGE);
	m_cfg_set(c, M_POS_MSIX + PCI_MSIX_CTRL, 2, m_cfg_get(c, M_POS_MSIX + PCI_MSIX_CTRL, 2) | PCI_MSIX_CTRL_ENABLE);
	EQ(m_msix_write(c, table + 12, 4, 0), true);
	nvsr_model_on_msi(m, on_msi, NULL);
	messages = 0;
	EQ(nvsr_model_share_doorbells(m, m_rid(c), bells, 3), -EINVAL);
	EQ(nvsr_model_share_doorbells(m, 0x7777, bells, WORDS), -ENODEV);
	EQ(nvsr_model_share_doorbells(m, m_rid(c), bells, WORDS), 0);
	bells[0] = bells[1] = 0;
	EQ(make_queue(c, NVME_ADMIN_CREATE_CQ, CQ, 1 << 16 | 3), 0);
	EQ(make_queue(c, NVME_ADMIN_CREATE_SQ, SQ, 1 << 16 | 1), 0);
	/* as they are after a reset, whatever was there */
	EQ(bells[2], 0);
	EQ(bells[3], 0);
	return c;
}

static void place(unsigned at, uint8_t opcode, uint64_t slba, uint64_t prp1)
{
	struct nvme_sqe e = { .opcode = opcode, .cid = le16((uint16_t)at), .nsid = le32(1), .prp1 = le64(prp1),
			      .cdw10 = le32((uint32_t)slba), .cdw12 = le32(7) };

	memcpy(memory + SQ + at % ENTRIES * sizeof(e), &e, sizeof(e));
}

static unsigned poll(struct m_ctrl *c, unsigned most, bool alone, bool *ret_alone)
{
	return nvsr_model_poll(c->m, m_rid(c), most, alone, ret_alone);
}

static struct nvme_cqe completion(unsigned i)
{
	struct nvme_cqe e;

	memcpy(&e, memory + CQ + i * sizeof(e), sizeof(e));
	return e;
}

static void test_reads_and_writes(struct nvsr_model *m)
{
	struct m_ctrl *c = queues(m);
	bool alone = true;

	memset(data, 'w', M_PAGE);
	place(0, NVME_CMD_WRITE, 8, DATA);
	place(1, NVME_CMD_READ, 8, DATA + M_PAGE);
	place(2, NVME_CMD_READ, 1ull << 31, DATA);
	EQ(poll(c, 32, false, &alone), 0);	/* not rung */
	EQ(nvsr_model_rung(m, m_rid(c)), false);
	bells[2] = 3;
	EQ(nvsr_model_rung(m, m_rid(c)), true);
	EQ(poll(c, 2, false, &alone), 2);	/* no more than its turn */
	EQ(alone, false);
	EQ(messages, 1);			/* one for both */
	EQ(all(data + M_PAGE, 'w', M_PAGE), true);
	EQ(nvsr_model_rung(m, m_rid(c)), true);
	EQ(poll(c, 32, false, &alone), 1);
	EQ(messages, 2);
	EQ(nvsr_model_rung(m, m_rid(c)), false);
	for (unsigned i = 0; i < 3; i++)
		EQ(le16_get(completion(i).cid), i);
	EQ(le16_get(completion(1).status), 1);
	EQ(le16_get(completion(2).status) >> 1 & 0x7ff, NVME_SC_LBA_RANGE);
}

/* All but reads and writes wait until nobody else is at work, and what is behind them waits with them. */
static void test_others_wait(struct nvsr_model *m)
{
	static const uint8_t opcodes[] = { NVME_CMD_FLUSH, NVME_CMD_WRITE_ZEROES, NVME_CMD_RESV_REGISTER, 0x7f };
	struct m_ctrl *c = queues(m);
	bool alone = false;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(opcodes); i++) {
		place(2 * i, opcodes[i], 0, DATA);
		place(2 * i + 1, NVME_CMD_READ, 0, DATA);
		bells[2] = (2 * i + 2) % ENTRIES;
		EQ(poll(c, 32, false, &alone), 0);
		EQ(alone, true);
		EQ(poll(c, 32, true, &alone), 2);
		EQ(alone, false);
		bells[3] = bells[2];
	}
	/* a fused pair is two commands of these opcodes, which must not be told apart */
	place(8, NVME_CMD_WRITE, 0, DATA);
	memory[SQ + 1] = NVME_FUSE_FIRST;
	bells[2] = 1;
	EQ(poll(c, 32, false, &alone), 0);
	EQ(alone, true);
}

static void test_full_completion_queue(struct nvsr_model *m)
{
	struct m_ctrl *c = queues(m);
	bool alone;

	for (unsigned i = 0; i < ENTRIES - 1; i++)
		place(i, NVME_CMD_READ, 0, DATA);
	bells[2] = ENTRIES - 1;
	EQ(poll(c, 32, false, &alone), ENTRIES - 1);
	place(7, NVME_CMD_READ, 0, DATA);
	place(8, NVME_CMD_READ, 0, DATA);
	bells[2] = 1;
	EQ(poll(c, 32, false, &alone), 0);
	bells[3] = 1;				/* room for one */
	EQ(poll(c, 32, false, &alone), 1);
	bells[3] = 5;
	EQ(poll(c, 32, false, &alone), 1);
	EQ(le16_get(completion(0).cid), 8);
	EQ(le16_get(completion(0).status), 0);	/* second round: the other phase */
}

static void test_nonsense(struct nvsr_model *m)
{
	static const uint32_t tails[] = { ENTRIES, 0xffff, 0xffffffff };
	struct m_ctrl *c = queues(m);
	bool alone;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(tails); i++) {
		bells[2] = tails[i];
		EQ(poll(c, 32, false, &alone), 0);
		EQ(c->log->event_count, 1);		/* the same event is not reported twice before somebody reads it */
	}
	EQ(c->log->event[0].type, NVME_AEN_ERROR);
	EQ(c->log->event[0].info, M_BAD_VALUE);
	place(0, NVME_CMD_READ, 0, DATA);
	bells[2] = 1;
	EQ(poll(c, 32, false, &alone), 1);
	/* nothing looks at memory any more that was taken back */
	EQ(nvsr_model_share_doorbells(m, m_rid(c), NULL, 0), 0);
	bells[2] = 2;
	EQ(poll(c, 32, true, &alone), 0);
}

int main(void)
{
	static void (*const tests[])(struct nvsr_model *m) = {
		test_reads_and_writes, test_others_wait, test_full_completion_queue, test_nonsense,
	};

	return run_tests(tests, NVSR_ARRAY_SIZE(tests));
}
