// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The user-space driver against a controller that does as it likes: registers, completion entries, completions of commands
 * that nobody sent.  The input decides what the driver is asked for and what the controller makes of it.
 */
#include "device/fuzz.h"

#define MEMORY_MAX 64
#define STEPS_MAX 200

/* DMA memory by address: bus addresses are those of this process. */
static struct { uint8_t *p; size_t len; } memory[MEMORY_MAX];
static uint64_t acq, asq;
static uint32_t cc;
static unsigned cq_tail;
static bool phase;

static void *dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova)
{
	for (unsigned i = 0; i < MEMORY_MAX && len <= 1u << 20; i++) {
		if (memory[i].p)
			continue;
		memory[i].p = calloc(1, len);
		memory[i].len = len;
		*ret_iova = (uintptr_t)memory[i].p;
		return memory[i].p;
	}
	return NULL;
}

static void dma_free(struct nvsr_dev *d, void *p)
{
	for (unsigned i = 0; i < MEMORY_MAX; i++)
		if (memory[i].p == p)
			memory[i].p = NULL;
	free(p);
}

static int irq_setup(struct nvsr_dev *d)
{
	return 0;
}

/* A device that never gets ready is dull: four of five times the registers are those of a controller that works. */
static int bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	struct nvsr_input *in = &nvsr_fuzz_dev(d)->in;

	*ret = 0;
	if (off == NVME_REG_CAP || nvsr_input_num(in, 1) % 5 == 4)
		*ret = nvsr_input_num(in, len);
	else if (off == NVME_REG_CC)
		*ret = cc;
	else if (off == NVME_REG_CSTS)
		*ret = cc & NVME_CC_EN;
	else if (off == NVME_REG_ASQ)
		*ret = asq;
	return 0;
}

/* Any bytes into any memory the driver gave out; queues among it. */
static void scribble(struct nvsr_input *in)
{
	unsigned i = (unsigned)nvsr_input_num(in, 1) % MEMORY_MAX;

	if (memory[i].p)
		nvsr_input_patch(in, memory[i].p, memory[i].len);
}

static void complete(struct nvsr_input *in, uint16_t cid)
{
	struct nvme_cqe e = {
		.dw0 = le32((uint32_t)nvsr_input_num(in, 4)), .cid = le16(cid), .sqid = le16((uint16_t)(nvsr_input_num(in, 1) >> 7)),
		.status = le16((uint16_t)((nvsr_input_num(in, 1) % 4 == 3 ? nvsr_input_num(in, 2) << 1 : 0) | phase)),
	};

	for (unsigned i = 0; i < MEMORY_MAX; i++) {
		if (!memory[i].p || (uintptr_t)memory[i].p != acq || memory[i].len < (cq_tail + 1) * sizeof(e))
			continue;
		memcpy(memory[i].p + cq_tail * sizeof(e), &e, sizeof(e));
		if ((cq_tail + 1) * sizeof(e) >= memory[i].len) {
			cq_tail = 0;
			phase = !phase;
		} else {
			cq_tail++;
		}
		return;
	}
}

static int bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	struct nvsr_input *in = &nvsr_fuzz_dev(d)->in;
	const struct nvme_sqe *sqe = (const void *)(uintptr_t)asq;

	if (off == NVME_REG_CC) {
		if (val & ~cc & NVME_CC_EN) {
			cq_tail = 0;
			phase = true;
		}
		cc = (uint32_t)val;
	}
	if (off == NVME_REG_ASQ)
		asq = val;
	if (off == NVME_REG_ACQ)
		acq = val;
	if (off != NVME_REG_DBS)
		return 0;
	switch (nvsr_input_num(in, 1) % 8) {
	case 0: break;					/* no answer */
	case 1: scribble(in); break;
	case 2: complete(in, (uint16_t)nvsr_input_num(in, 2)); break;
	case 3: return -EIO;
	default:
		complete(in, val && sqe ? le16_get(sqe[val - 1].cid) : 0);
	}
	return 0;
}

static void ask(struct nvsr_dev *d, struct nvsr_queue **q, struct nvsr_req **r)
{
	struct nvsr_input *in = &nvsr_fuzz_dev(d)->in;
	uint8_t data[4096] = { 0 };
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_IDENTIFY, .data = data, .data_len = (uint32_t)nvsr_input_num(in, 2) % sizeof(data),
		.timeout_ms = 100,
	};
	struct nvsr_queue_opts o = {
		.qid = (uint16_t)(1 + nvsr_input_num(in, 1) % 3), .sq_entries = (uint16_t)nvsr_input_num(in, 1),
		.cq_entries = (uint16_t)nvsr_input_num(in, 1),
	};

	switch (nvsr_input_num(in, 1) % 12) {
	case 0: nvsr_ctrl_enable(d); break;
	case 1: nvsr_ctrl_disable(d); break;
	case 2: nvsr_ctrl_admin(d, &c); break;
	case 3: nvsr_ctrl_io(d, &c); break;
	case 4: nvsr_ctrl_shutdown(d, in->left & 1); break;
	case 5: scribble(in); break;
	case 6:
		if (!*q)
			nvsr_queue_create(d, &o, q);
		break;
	case 7:
		nvsr_queue_destroy(*q);
		*q = NULL;
		break;
	case 8:
		if (!*r && nvsr_queue_admin(d))
			nvsr_queue_submit_prp(nvsr_queue_admin(d), &(struct nvsr_cmd){ .opcode = NVME_ADMIN_AER }, 0, r);
		break;
	case 9:
		if (*r)
			nvsr_req_done(*r, NULL);
		break;
	case 10:
		if (*r)
			nvsr_req_forget(*r);
		*r = NULL;
		break;
	default:
		if (*r)
			nvsr_req_wait(*r, 10, NULL);
		*r = NULL;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvsr_fuzz_dev f = { 0 };
	struct nvsr_dev *pf = nvsr_fuzz_open(&f, data, size);
	struct nvsr_dev_ops ops = nvsr_dev_fuzz;
	struct nvsr_queue *q = NULL;
	struct nvsr_req *r = NULL;

	ops.bar_read = bar_read;
	ops.bar_write = bar_write;
	ops.dma_alloc = dma_alloc;
	ops.dma_free = dma_free;
	ops.irq_setup = irq_setup;
	pf->ops = &ops;
	pf->can |= NVSR_CAN_REG_WRITE | NVSR_CAN_QUEUES;
	cc = 0;
	asq = acq = 0;
	for (unsigned i = 0; i < STEPS_MAX && f.in.left; i++)
		ask(pf, &q, &r);
	if (r)
		nvsr_req_forget(r);
	nvsr_queue_destroy(q);
	nvsr_ctrl_release(pf);
	for (unsigned i = 0; i < MEMORY_MAX; i++)
		if (memory[i].p)
			abort();	/* what the driver takes it gives back */
	return 0;
}
