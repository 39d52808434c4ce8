/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues (virtio 1.2, section 2.7), both sides of them.  Either side believes nothing that the other one wrote: an
 * index that is out of range is -EPROTO, and the queue is then not to be used any more.  A side belongs to one thread.
 *
 * Entries are put one by one and shown to the other side together by publish(), which says whether that side wants to be told.
 * A side that is about to sleep calls arm(), and does not sleep when that finds something: no wake-up is lost in between.
 */
#ifndef NVSR_VIRTIO_RING_H
#define NVSR_VIRTIO_RING_H

#include "virtio/virtio.h"

/* Where the parts of a queue lie in this process. */
struct nvsr_virtq {
	uint16_t num;		/* Queue Size: a power of two, 2 to VIRTQ_SIZE_MAX */
	bool event_idx;		/* VIRTIO_F_EVENT_IDX was negotiated */
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
};
/* Bytes of memory for a queue of @num descriptors, and its parts in it; @mem is aligned to 64 bytes, and zero. */
size_t nvsr_virtq_bytes(unsigned num);
void nvsr_virtq_place(struct nvsr_virtq *q, unsigned num, void *mem);

/* --- driver ---------------------------------------------------------------------------------------------------------------- */
struct nvsr_virtq_driver {
	struct nvsr_virtq q;
	uint16_t avail, shown;	/* available entries put, and published */
	uint16_t used, seen;	/* used entries taken, and known to be there */
};
void nvsr_driver_start(struct nvsr_virtq_driver *d, const struct nvsr_virtq *q);
/* Make the chain that begins at descriptor @head available.  The caller never has more than num chains in flight. */
void nvsr_driver_put(struct nvsr_virtq_driver *d, uint16_t head);
/* True: notify the device. */
bool nvsr_driver_publish(struct nvsr_virtq_driver *d);
/* 1 and the next used entry, 0 when there is none, or -EPROTO. */
int nvsr_driver_get(struct nvsr_virtq_driver *d, struct virtq_used_elem *ret);
/* Ask to be notified once @n (1..num) more entries are used.  False: they are already.  One more notification may come late. */
bool nvsr_driver_arm(struct nvsr_virtq_driver *d, unsigned n);
/* From now on no notifications; this side polls. */
void nvsr_driver_disarm(struct nvsr_virtq_driver *d);

/* --- device ---------------------------------------------------------------------------------------------------------------- */
struct nvsr_virtq_device {
	struct nvsr_virtq q;
	uint16_t avail, seen;	/* available entries taken, and known to be there */
	uint16_t used, shown;	/* used entries put, and published */
	bool armed;
};
/* @at: the index both rings go on from (0 for a new queue). */
void nvsr_device_start(struct nvsr_virtq_device *d, const struct nvsr_virtq *q, uint16_t at);
/* 1 and the head of the next available chain, 0 when there is none, or -EPROTO. */
int nvsr_device_get(struct nvsr_virtq_device *d, uint16_t *ret_head);
/*
 * The descriptors of a chain into @ret (room for q.num).  Their number, or -EPROTO: next out of range, longer than the queue
 * (a loop), a descriptor the device reads after one that it writes, an indirect table (not negotiated), or 4 GiB and more.
 */
int nvsr_device_chain(const struct nvsr_virtq_device *d, uint16_t head, struct virtq_desc *ret);
/* The device is done with a chain; @len bytes of it were written. */
void nvsr_device_put(struct nvsr_virtq_device *d, uint16_t head, uint32_t len);
/* True: notify the driver. */
bool nvsr_device_publish(struct nvsr_virtq_device *d);
/* Ask to be notified of the next available entry.  False: there is one. */
bool nvsr_device_arm(struct nvsr_virtq_device *d);
void nvsr_device_disarm(struct nvsr_virtq_device *d);

#endif
