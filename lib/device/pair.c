// SPDX-License-Identifier: GPL-2.0-or-later
/* Queue pairs for load: every command has a slot with a PRP list that is there before it is needed.  Base 3.3, 4.1.1. */
#include "device/load.h"
#include "device/private.h"

#define PAGE 4096u
#define LIST_BYTES (NVSR_IO_MAX / PAGE * 8)	/* entries behind the first page of the largest transfer */

struct slot { void *arg; bool busy; };

struct nvsr_pair {
	struct nvsr_dev *d;
	uint8_t *sq, *cq, *lists;
	uint64_t sq_iova, cq_iova, lists_iova;
	struct nvsr_doorbells bells;	/* .base NULL: by bar_write */
	uint64_t sq_bell, cq_bell;	/* bytes behind the first doorbell */
	struct slot *slot;
	uint16_t *free;			/* identifiers that are not in use */
	unsigned frees, slots;
	uint32_t entries, tail, head, rung;
	uint16_t qid;
	bool phase, created;
	int irq;
};

void nvsr_doorbell_ring(const struct nvsr_doorbells *b, uint64_t at, uint32_t val)
{
	const uint64_t one = 1;

	if (at + sizeof(val) > b->bytes)
		return;
	__atomic_store_n((uint32_t *)(void *)(b->base + at), val, __ATOMIC_RELEASE);
	if (!b->asleep)
		return;
	/* Rung first, looked then: the other side sets the flag and looks at the doorbells afterwards. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(b->asleep, __ATOMIC_RELAXED) && write(b->kick, &one, sizeof(one)) < 0)
		return;	/* the counter is full: it is awake */
}

int nvsr_dma_map(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova)
{
	if (!len || len % PAGE || (uintptr_t)ptr % PAGE || offset % PAGE)
		return -EINVAL;
	return d->ops->dma_map(d, ptr, len, fd, offset, ret_iova);
}

void nvsr_dma_unmap(struct nvsr_dev *d, void *ptr)
{
	nvsr_dma_free(d, ptr);
}

/* --- create and destroy --------------------------------------------------------------------------------------------------- */

static void bell(struct nvsr_pair *p, uint64_t at, uint32_t val)
{
	if (p->bells.base)
		nvsr_doorbell_ring(&p->bells, at, val);
	else
		p->d->ops->bar_write(p->d, 0, NVME_REG_DBS + at, 4, val);
}

static int make_memory(struct nvsr_pair *p)
{
	p->slot = calloc(p->slots, sizeof(*p->slot));
	p->free = calloc(p->slots, sizeof(*p->free));
	p->sq = nvsr_dma_alloc(p->d, p->entries * sizeof(struct nvme_sqe), &p->sq_iova);
	p->cq = nvsr_dma_alloc(p->d, p->entries * sizeof(struct nvme_cqe), &p->cq_iova);
	p->lists = nvsr_dma_alloc(p->d, (size_t)p->slots * LIST_BYTES, &p->lists_iova);
	if (!p->slot || !p->free || !p->sq || !p->cq || !p->lists)
		return -ENOMEM;
	for (unsigned i = 0; i < p->slots; i++)
		p->free[i] = (uint16_t)(p->slots - 1 - i);
	p->frees = p->slots;
	return 0;
}

static int create(struct nvsr_pair *p, bool irq)
{
	struct nvsr_dev *d = p->d;
	uint16_t vector = 0;
	struct nvsr_cmd cq = { .opcode = NVME_ADMIN_CREATE_CQ, .cdw10 = (p->entries - 1) << 16 | p->qid };
	struct nvsr_cmd sq = { .opcode = NVME_ADMIN_CREATE_SQ, .cdw10 = (p->entries - 1) << 16 | p->qid,
			       .cdw11 = (uint32_t)p->qid << 16 | 1u };
	int rc;

	nvsr_ctrl_grant_queues(d);
	if (irq) {
		rc = d->ops->irq_fd(d, p->qid, &p->irq);
		vector = rc ? 0 : p->qid;
		if (rc)
			rc = d->ops->irq_fd(d, 0, &p->irq);
		if (rc)
			return rc;
	}
	cq.cdw11 = (uint32_t)vector << 16 | (irq ? 2u : 0) | 1u;	/* IEN, physically contiguous */
	rc = d->ops->admin_prp(d, &cq, p->cq_iova);
	if (rc)
		return rc;
	rc = d->ops->admin_prp(d, &sq, p->sq_iova);
	if (rc) {
		struct nvsr_cmd undo = { .opcode = NVME_ADMIN_DELETE_CQ, .cdw10 = p->qid };

		d->ops->admin(d, &undo);
		return rc;
	}
	p->created = true;
	return 0;
}

int nvsr_pair_create(struct nvsr_dev *d, const struct nvsr_pair_options *o, struct nvsr_pair **ret)
{
	struct nvsr_pair *p;
	int rc;

	if (!(d->can & NVSR_CAN_QUEUES))
		return -ENOTSUP;
	if (!o->qid || o->entries < 2 || o->entries > 65536)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	*p = (struct nvsr_pair){ .d = d, .qid = o->qid, .entries = o->entries, .slots = o->entries - 1, .phase = true, .irq = -1 };
	rc = d->ops->doorbells(d, &p->bells);
	if (rc == -ENOTSUP)
		rc = 0;
	p->sq_bell = 2ull * p->qid * d->ctrl.db_stride;
	p->cq_bell = p->sq_bell + d->ctrl.db_stride;
	if (!rc)
		rc = make_memory(p);
	if (!rc)
		rc = create(p, o->irq);
	if (rc) {
		nvsr_pair_destroy(p);
		return rc;
	}
	*ret = p;
	return 0;
}

void nvsr_pair_destroy(struct nvsr_pair *p)
{
	if (!p)
		return;
	if (p->created) {
		struct nvsr_cmd sq = { .opcode = NVME_ADMIN_DELETE_SQ, .cdw10 = p->qid };
		struct nvsr_cmd cq = { .opcode = NVME_ADMIN_DELETE_CQ, .cdw10 = p->qid };

		p->d->ops->admin(p->d, &sq);
		p->d->ops->admin(p->d, &cq);
	}
	nvsr_dma_free(p->d, p->sq);
	nvsr_dma_free(p->d, p->cq);
	nvsr_dma_free(p->d, p->lists);
	free(p->slot);
	free(p->free);
	free(p);
}

int nvsr_pair_fd(const struct nvsr_pair *p)
{
	return p->irq;
}

unsigned nvsr_pair_room(const struct nvsr_pair *p)
{
	return p->frees;
}

/* --- commands --------------------------------------------------------------------------------------------------------------- */

/* PRP2: the second page, or a list of all behind the first.  Pages are those of CC.MPS. */
static uint64_t second_prp(struct nvsr_pair *p, unsigned cid, const struct nvsr_io *io)
{
	const uint64_t size = p->d->ctrl.page;
	uint64_t page = (io->iova & ~(size - 1)) + size, end = io->iova + io->bytes;
	uint8_t *list = p->lists + (size_t)cid * LIST_BYTES;

	if (page >= end)
		return 0;
	if (page + size >= end)
		return page;
	for (unsigned i = 0; page < end; page += size, i++)
		nvsr_le_write(list + i * 8, 8, page);
	return p->lists_iova + (uint64_t)cid * LIST_BYTES;
}

bool nvsr_pair_submit(struct nvsr_pair *p, const struct nvsr_io *io)
{
	uint16_t cid;
	struct nvme_sqe e;

	if (!p->frees || io->bytes > NVSR_IO_MAX)
		return false;
	cid = p->free[--p->frees];
	p->slot[cid] = (struct slot){ .arg = io->arg, .busy = true };
	e = (struct nvme_sqe){
		.opcode = io->opcode, .cid = le16(cid), .nsid = le32(io->nsid), .prp1 = le64(io->iova),
		.prp2 = le64(io->bytes ? second_prp(p, cid, io) : 0), .cdw10 = le32((uint32_t)io->slba),
		.cdw11 = le32((uint32_t)(io->slba >> 32)), .cdw12 = le32(io->blocks ? io->blocks - 1 : 0),
	};
	memcpy(p->sq + (size_t)p->tail * sizeof(e), &e, sizeof(e));
	p->tail = p->tail + 1 == p->entries ? 0 : p->tail + 1;
	return true;
}

void nvsr_pair_ring(struct nvsr_pair *p)
{
	if (p->rung == p->tail)
		return;
	p->rung = p->tail;
	bell(p, p->sq_bell, p->tail);
}

int nvsr_pair_reap(struct nvsr_pair *p, unsigned max, nvsr_pair_done_fn done, void *ctx)
{
	unsigned n = 0;

	for (; n < max; n++) {
		const uint8_t *at = p->cq + (size_t)p->head * sizeof(struct nvme_cqe);
		uint32_t last = __atomic_load_n((const uint32_t *)(const void *)(at + 12), __ATOMIC_ACQUIRE);
		uint16_t cid = (uint16_t)nvsr_le_read((const uint8_t *)&last, 2), status = (uint16_t)nvsr_le_read((const uint8_t *)&last + 2, 2);
		void *arg;

		if ((status & 1) != p->phase)
			break;
		if (cid >= p->slots || !p->slot[cid].busy)
			return -EPROTO;
		if (++p->head == p->entries) {
			p->head = 0;
			p->phase = !p->phase;
		}
		arg = p->slot[cid].arg;
		p->slot[cid].busy = false;
		p->free[p->frees++] = cid;
		done(ctx, arg, (uint16_t)(status >> 1 & 0x7ff));
	}
	if (n)
		bell(p, p->cq_bell, p->head);
	return (int)n;
}
