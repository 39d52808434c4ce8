/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queue pairs that a test drives by itself, entry by entry, in memory of its own: identifiers, doorbells and memory are what
 * it makes them.
 */
#ifndef NVSR_SUITES_RING_H
#define NVSR_SUITES_RING_H

#include "nvsr.h"

#define RING_WAIT_MS 2000u
/* What every test needs that uses one on a VF. */
#define RING_NEED (NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(VF_QUEUES) | NVSR_NEED(REG_READ) | \
		   NVSR_NEED(VF_REG_WRITE))

/* Id 0 is the admin queue pair.  A page each: at most 64 entries. */
struct ring {
	struct nvsr_dev *dev;
	struct nvme_sqe *sq;	/* NULL when the test gave it back: nvsr_dma_free() */
	struct nvme_cqe *cq;
	uint64_t sq_iova, cq_iova;
	unsigned id, stride, sq_size, cq_size, tail, head, phase;
	uint16_t cid;		/* of the next command */
};
/* The controller stops before the memory of its admin queue goes; so an I/O queue pair is declared before that. */
void ring_end(struct ring *r);
#define _cleanup_ring_ NVSR_CLEANUP(ring_end)

/* Enable @vf (Online) with the admin queue pair @r: sizes are set.  False after recording. */
bool ring_take_over(struct nvsr_ctx *t, struct nvsr_dev *vf, struct ring *r);
/* Memory of an I/O queue pair of @admin's controller; nothing is created.  False without memory. */
bool ring_alloc_io(const struct ring *admin, struct ring *io);
/* The same, created: 0, a status, or a negative errno. */
int ring_create_io(struct ring *admin, struct ring *io);

/* Put @e into the queue, with the next identifier, which is returned; ring_bell() shows it to the controller. */
uint16_t ring_put(struct ring *r, struct nvme_sqe e);
int ring_bell(struct ring *r);
/* Offset in BAR0 of the doorbell of queue @id. */
unsigned ring_doorbell(const struct ring *r, unsigned id, bool cq);
/* The next completion within @ms; consumed, and the controller told so.  False: none came. */
bool ring_take(struct ring *r, unsigned ms, struct nvme_cqe *ret);
/* SCT and SC of a completion. */
int ring_status(const struct nvme_cqe *c);
/* One command: its status, or -ETIMEDOUT.  @ret may be NULL. */
int ring_run(struct ring *r, struct nvme_sqe e, struct nvme_cqe *ret);

#endif
