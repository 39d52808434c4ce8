/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The core of the back end: block requests from a virtqueue to NVMe commands, completions back.  Knows no sockets and no
 * sleeping; the NVMe side is a table of functions, so that tests put memory in its place.
 */
#ifndef NVSR_VIRTIO_BACK_QUEUE_H
#define NVSR_VIRTIO_BACK_QUEUE_H

#include "device/load.h"
#include "virtio/back.h"
#include "virtio/ring.h"
#include "virtio/vhost_user.h"

/* nvsr_dma_*() and nvsr_pair_*(), or what stands in for them. */
struct nvsr_back_ops {
	int (*map)(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova);
	void (*unmap)(struct nvsr_dev *d, void *ptr);
	int (*create)(struct nvsr_dev *d, const struct nvsr_pair_options *o, struct nvsr_pair **ret);
	void (*destroy)(struct nvsr_pair *p);
	int (*fd)(const struct nvsr_pair *p);
	bool (*submit)(struct nvsr_pair *p, const struct nvsr_io *io);
	void (*ring)(struct nvsr_pair *p);
	int (*reap)(struct nvsr_pair *p, unsigned max, nvsr_pair_done_fn done, void *ctx);
	bool (*alive)(struct nvsr_dev *d);	/* the controller is there and ready */
};

/* The namespace as guests see it. */
struct nvsr_back_disk {
	struct nvsr_dev *dev;
	uint32_t nsid, block;	/* bytes of a logical block */
	uint64_t blocks;
	uint32_t max;		/* bytes of one command, a multiple of @block */
	uint32_t entries;	/* of a queue pair */
	char id[VIRTIO_BLK_ID_BYTES];
};

/* Guest memory. */
struct nvsr_back_region {
	uint64_t guest, user, len;	/* guest physical; the front end's own address */
	uint8_t *at;			/* here */
	uint64_t iova;			/* for the NVMe function */
	void *map;
	size_t map_len;
};
struct nvsr_back_memory { unsigned regions; struct nvsr_back_region region[VHOST_USER_REGIONS_MAX]; };
/* Memory here of @len bytes at a front end's own address; NULL when there is none of that. */
void *nvsr_back_user(const struct nvsr_back_memory *m, uint64_t user, uint64_t len);

/*
 * seg_max: data descriptors of a request.  With header and status they have to fit into the queue, or a driver waits for ever
 * for room: 128 is the usual Queue Size of a block device.
 */
#define NVSR_BACK_SEGS_MAX 126u

struct nvsr_back_queue;
/* @q: where the virtqueue lies; it goes on at index @at.  @m stays valid and unchanged until the queue is freed.  NULL: no memory. */
struct nvsr_back_queue *nvsr_back_queue_new(const struct nvsr_back_ops *ops, const struct nvsr_back_disk *disk, struct nvsr_pair *pair,
					    const struct nvsr_back_memory *m, const struct nvsr_virtq *q, uint16_t at);
void nvsr_back_queue_free(struct nvsr_back_queue *b);
/*
 * One round: take what completed, take what was requested, show each side what there is for it.  The number of requests taken
 * and commands completed; *ret_call: the guest wants to be notified.  -EPROTO: the guest broke the rules of the ring; -EIO: the
 * NVMe queue did.  Then the queue is done for, and neither side can be told anything but by other means.
 */
int nvsr_back_queue_round(struct nvsr_back_queue *b, bool *ret_call);
/* Likewise, but nothing new is taken. */
int nvsr_back_queue_drain(struct nvsr_back_queue *b, bool *ret_call);
/* Ask for notifications of new requests, until the next round; false: there are some already. */
bool nvsr_back_queue_arm(struct nvsr_back_queue *b);
unsigned nvsr_back_queue_busy(const struct nvsr_back_queue *b);		/* requests taken and not answered */
uint16_t nvsr_back_queue_at(const struct nvsr_back_queue *b);		/* of the next available entry */
uint64_t nvsr_back_queue_requests(const struct nvsr_back_queue *b);	/* answered */

#endif
