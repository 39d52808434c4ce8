// SPDX-License-Identifier: GPL-2.0-or-later
/* Any commands on any controller, with any content of host memory: entry after entry, time passing in between. */
#include "model/fuzz.h"

#define COMMANDS_MAX 64

/* A fifth of all numbers is any; the others are small, as those that a drive has a use for. */
static uint64_t number(struct nvsr_input *in, unsigned bytes)
{
	unsigned v = (unsigned)nvsr_input_num(in, 1);

	return v < 200 ? v : v < 205 ? UINT64_MAX : nvsr_input_num(in, bytes);
}

/* An address: a page of our memory, or anything. */
static uint64_t address(struct nvsr_input *in)
{
	unsigned v = (unsigned)nvsr_input_num(in, 1);

	return v < 128 ? (uint64_t)(v % 32) * M_PAGE : v < 192 ? (uint64_t)v * 8 : nvsr_input_num(in, 8);
}

static void command(struct nvsr_model *m, struct nvsr_input *in)
{
	static const uint8_t admin_opcodes[] = {
		NVME_ADMIN_DELETE_SQ, NVME_ADMIN_CREATE_SQ, NVME_ADMIN_GET_LOG, NVME_ADMIN_DELETE_CQ, NVME_ADMIN_CREATE_CQ,
		NVME_ADMIN_IDENTIFY, NVME_ADMIN_ABORT, NVME_ADMIN_SET_FEATURES, NVME_ADMIN_GET_FEATURES, NVME_ADMIN_AER,
		NVME_ADMIN_NS_MGMT, NVME_ADMIN_NS_ATTACH, NVME_ADMIN_VIRT_MGMT, NVME_ADMIN_FORMAT, NVME_ADMIN_MIGRATION_SEND,
		NVME_ADMIN_MIGRATION_RECV, NVME_ADMIN_DBBUF, NVME_ADMIN_CDQ, NVME_ADMIN_SANITIZE,
	};
	static const uint8_t io_opcodes[] = {
		NVME_CMD_FLUSH, NVME_CMD_WRITE, NVME_CMD_READ, NVME_CMD_COMPARE, NVME_CMD_WRITE_ZEROES, NVME_CMD_DSM, NVME_CMD_VERIFY,
		NVME_CMD_RESV_REGISTER, NVME_CMD_RESV_REPORT, NVME_CMD_RESV_ACQUIRE, NVME_CMD_RESV_RELEASE, NVME_CMD_COPY,
	};
	unsigned how = (unsigned)nvsr_input_num(in, 1), op = (unsigned)nvsr_input_num(in, 1);
	struct m_ctrl *c = &m->ctrl[(how >> 1) % 3];
	struct m_sq sq = { .valid = true, .id = how & 1 };
	struct m_cmd a = { .sq = &sq, .err_parm = 0xffff }, b;
	uint16_t first, second;

	a.e.opcode = how & 0x80 ? (uint8_t)op : sq.id ? io_opcodes[op % sizeof(io_opcodes)] : admin_opcodes[op % sizeof(admin_opcodes)];
	a.e.flags = how & 0x40 ? (uint8_t)nvsr_input_num(in, 1) : 0;
	a.e.cid = le16((uint16_t)nvsr_input_num(in, 1));
	a.e.nsid = le32((uint32_t)number(in, 4));
	a.e.cdw2 = le32((uint32_t)number(in, 4));
	a.e.cdw3 = le32((uint32_t)number(in, 4));
	a.e.mptr = le64(address(in));
	a.e.prp1 = le64(address(in));
	a.e.prp2 = le64(address(in));
	a.e.cdw10 = le32((uint32_t)(number(in, 4) | number(in, 2) << 16));
	a.e.cdw11 = le32((uint32_t)(number(in, 4) | number(in, 2) << 16));
	a.e.cdw12 = le32((uint32_t)number(in, 4));
	a.e.cdw13 = le32((uint32_t)number(in, 4));
	a.e.cdw14 = le32((uint32_t)number(in, 4));
	a.e.cdw15 = le32((uint32_t)number(in, 4));
	/* The queues that commands make are there; the entry itself comes from none of them. */
	if (!c->sq)
		return;
	if (sq.id && NVME_FLAGS_FUSE(a.e.flags)) {
		b = a;
		b.e.opcode = NVME_CMD_WRITE;
		m_execute_fused(c, &a, &b, &first, &second);
		return;
	}
	m_execute(c, &a);
}

static void step(struct nvsr_model *m, struct nvsr_input *in)
{
	unsigned what = (unsigned)nvsr_input_num(in, 1);

	if (what < 64)
		nvsr_input_patch(in, memory, sizeof(memory));
	if (what >= 250)
		m_clr(&m->ctrl[what % 3], (enum m_clr)(nvsr_input_num(in, 1) % (M_CLR_POWER + 1)));
	else if (what >= 240)
		nvsr_model_advance(m, nvsr_input_num(in, 5));
	else
		command(m, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct nvsr_input in = { input, size };
	struct nvsr_model *m = fuzz_power_on(&in);

	fuzz_vfs_up(m, 2);
	for (unsigned i = 0; i < COMMANDS_MAX && in.left; i++)
		step(m, &in);
	nvsr_model_destroy(m);
	return 0;
}
