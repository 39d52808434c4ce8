/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's side of a virtio block device behind a vhost-user socket: one virtqueue, driven from a process without a VM.
 * Its "guest memory" is what the caller gives for data, and a region of its own for the ring.  A front end belongs to one thread.
 */
#ifndef NVSR_VIRTIO_FRONT_H
#define NVSR_VIRTIO_FRONT_H

#include "profile/profile.h"

#define NVSR_FRONT_BYTES_MAX (2u << 20)	/* of one request: its data is one descriptor */
#define NVSR_FRONT_ENTRIES_MAX 4096u

struct nvsr_front;
struct nvsr_front_options {
	unsigned entries;	/* requests in flight at most: a power of two, 2 to NVSR_FRONT_ENTRIES_MAX */
	void *mem;		/* memory for data: whole pages, a shared mapping of; NULL: only look at the device, no queue */
	size_t len;
	int fd;			/* this file: a memfd, made with MFD_ALLOW_SEALING; not kept */
	uint64_t offset;	/* from this byte on */
};
/*
 * Connect to the back end that listens at @socket, agree on features, start the queue.  0, or negative errno and *complaint:
 * -ENOENT and -ECONNREFUSED nobody listens, -ENOTSUP a feature that we need is missing, -ETIMEDOUT no answer, -EPROTO a wrong
 * one, -EINVAL options.
 */
int nvsr_front_open(const char *socket, const struct nvsr_front_options *o, struct nvsr_front **ret, struct nvsr_complaint *complaint);
/* Stops the queue, so that the device is done with the memory, and leaves.  Requests in flight are lost.  NULL is fine. */
void nvsr_front_close(struct nvsr_front *f);

uint64_t nvsr_front_capacity(const struct nvsr_front *f);	/* bytes */
uint32_t nvsr_front_block(const struct nvsr_front *f);		/* bytes: requests are multiples of it */
uint32_t nvsr_front_max(const struct nvsr_front *f);		/* bytes of one request at most */

enum nvsr_front_op { NVSR_FRONT_READ, NVSR_FRONT_WRITE, NVSR_FRONT_FLUSH, NVSR_FRONT_GET_ID /* 20 bytes */ };
/*
 * Place a request; the device sees it after nvsr_front_kick().  @sector: of 512 bytes; @data lies in the memory given.  FLUSH
 * takes neither.  0; -EAGAIN all entries are in flight; -ENOTSUP a flush, of a device without a write cache (nothing to do);
 * -EINVAL.
 */
int nvsr_front_submit(struct nvsr_front *f, enum nvsr_front_op op, uint64_t sector, void *data, uint32_t len, void *arg);
/* Show the device what was placed, and wake it when it wants that. */
void nvsr_front_kick(struct nvsr_front *f);
/* @status: enum virtio_blk_status. */
typedef void (*nvsr_front_done_fn)(void *ctx, void *arg, uint8_t status);
/* Take up to @max completions, without waiting.  Their number; -EPROTO when the device answers nonsense, now and from then on. */
int nvsr_front_reap(struct nvsr_front *f, unsigned max, nvsr_front_done_fn done, void *ctx);
/* Sleep until @n more (at most those in flight) can be reaped.  0, -ETIMEDOUT (@ms, -1 = never), -ECONNRESET the back end left. */
int nvsr_front_wait(struct nvsr_front *f, unsigned n, int ms);
unsigned nvsr_front_busy(const struct nvsr_front *f);		/* requests in flight */
unsigned nvsr_front_room(const struct nvsr_front *f);		/* that can be placed */
/* Sleeps of nvsr_front_wait(), and notifications sent. */
void nvsr_front_counts(const struct nvsr_front *f, uint64_t *ret_sleeps, uint64_t *ret_kicks);

/* From now on a call for the next @n completions, as wait() asks for.  False: they are there already. */
bool nvsr_front_arm(struct nvsr_front *f, unsigned n);

#endif
