// SPDX-License-Identifier: GPL-2.0-or-later
/* Queue pairs that a test drives by itself. */
#include "suites/ring.h"

#define PAGE 4096u

static bool alloc(struct ring *r)
{
	r->sq = nvsr_dma_alloc(r->dev, PAGE, &r->sq_iova);
	r->cq = nvsr_dma_alloc(r->dev, PAGE, &r->cq_iova);
	if (!r->sq || !r->cq)
		return false;
	memset(r->sq, 0, PAGE);
	memset(r->cq, 0, PAGE);
	r->phase = 1;
	return true;
}

void ring_end(struct ring *r)
{
	if (!r->dev)
		return;
	if (!r->id)
		nvsr_ctrl_disable(r->dev);
	nvsr_dma_free(r->dev, r->sq);
	nvsr_dma_free(r->dev, r->cq);
	r->dev = NULL;
}

static bool is_ready(struct nvsr_dev *d, void *arg)
{
	uint64_t csts;

	return !nvsr_reg_read(d, NVME_REG_CSTS, 4, &csts) && csts & NVME_CSTS_RDY;
}

bool ring_take_over(struct nvsr_ctx *t, struct nvsr_dev *vf, struct ring *r)
{
	uint64_t cap = 0;
	int rc = nvsr_ctrl_disable(vf);

	if (!rc)
		rc = nvsr_reg_read(vf, NVME_REG_CAP, 8, &cap);
	r->dev = vf;
	r->stride = 4u << NVME_CAP_DSTRD(cap);
	if (!rc && !alloc(r))
		rc = -ENOMEM;
	if (!rc)
		rc = nvsr_reg_write(vf, NVME_REG_AQA, 4, (r->cq_size - 1) << 16 | (r->sq_size - 1));
	if (!rc)
		rc = nvsr_reg_write(vf, NVME_REG_ASQ, 8, r->sq_iova);
	if (!rc)
		rc = nvsr_reg_write(vf, NVME_REG_ACQ, 8, r->cq_iova);
	if (!rc)
		rc = nvsr_reg_write(vf, NVME_REG_CC, 4, NVME_CC_EN | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16);
	if (!rc && !nvsr_dev_wait(vf, NVME_CAP_TO(cap) * 500, is_ready, NULL))
		rc = -ETIMEDOUT;
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "starting %s with queues of our own: %s", nvsr_dev_name(vf),
				 nvsr_rc_text(rc));
	return !rc;
}

bool ring_alloc_io(const struct ring *admin, struct ring *io)
{
	io->dev = admin->dev;
	io->stride = admin->stride;
	return alloc(io);
}

int ring_create_io(struct ring *admin, struct ring *io)
{
	struct nvme_sqe cq = { .opcode = NVME_ADMIN_CREATE_CQ, .cdw10 = le32((io->cq_size - 1) << 16 | io->id),
			       .cdw11 = le32(1) };
	struct nvme_sqe sq = { .opcode = NVME_ADMIN_CREATE_SQ, .cdw10 = le32((io->sq_size - 1) << 16 | io->id),
			       .cdw11 = le32(io->id << 16 | 1) };
	struct nvme_sqe all = { .opcode = NVME_ADMIN_SET_FEATURES, .cdw10 = le32(NVME_FEAT_NUM_QUEUES),
				.cdw11 = le32(0xfffefffe) };
	int rc;

	if (!ring_alloc_io(admin, io))
		return -ENOMEM;
	/* Before the first I/O queue of a controller, Base 5.27.1.5; refused when there is one already. */
	rc = ring_run(admin, all, NULL);
	if (rc < 0)
		return rc;
	cq.prp1 = le64(io->cq_iova);
	sq.prp1 = le64(io->sq_iova);
	rc = ring_run(admin, cq, NULL);
	return rc ? rc : ring_run(admin, sq, NULL);
}

uint16_t ring_put(struct ring *r, struct nvme_sqe e)
{
	e.cid = le16(r->cid);
	r->sq[r->tail] = e;
	r->tail = (r->tail + 1) % r->sq_size;
	return r->cid++;
}

unsigned ring_doorbell(const struct ring *r, unsigned id, bool cq)
{
	return NVME_REG_DBS + (2 * id + cq) * r->stride;
}

int ring_bell(struct ring *r)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	return nvsr_reg_write(r->dev, ring_doorbell(r, r->id, false), 4, r->tail);
}

static bool has_entry(struct nvsr_dev *d, void *arg)
{
	struct ring *r = arg;

	return (le16_get(((volatile struct nvme_cqe *)r->cq)[r->head].status) & 1) == r->phase;
}

bool ring_take(struct ring *r, unsigned ms, struct nvme_cqe *ret)
{
	if (!nvsr_dev_wait(r->dev, ms, has_entry, r))
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*ret = r->cq[r->head];
	r->head = (r->head + 1) % r->cq_size;
	if (!r->head)
		r->phase ^= 1;
	nvsr_reg_write(r->dev, ring_doorbell(r, r->id, true), 4, r->head);
	return true;
}

int ring_status(const struct nvme_cqe *c)
{
	return le16_get(c->status) >> 1 & 0x7ff;
}

int ring_run(struct ring *r, struct nvme_sqe e, struct nvme_cqe *ret)
{
	struct nvme_cqe c;
	int rc;

	ring_put(r, e);
	rc = ring_bell(r);
	if (!rc && !ring_take(r, RING_WAIT_MS, &c))
		rc = -ETIMEDOUT;
	if (rc)
		return rc;
	if (ret)
		*ret = c;
	return ring_status(&c);
}
