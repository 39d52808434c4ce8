/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a load generator drives a function with: I/O queue pairs whose entries are built in place, without bounce buffers,
 * evidence or memory of their own per command.  Works on every access method with NVSR_CAN_QUEUES.  A pair belongs to one
 * thread; creating and destroying pairs of one function is up to the caller to serialize.
 */
#ifndef NVSR_DEVICE_LOAD_H
#define NVSR_DEVICE_LOAD_H

#include "device/device.h"

/**
 * nvsr_dma_map() - let the function reach memory of ours.
 * @d: the function
 * @ptr, @len: the memory, whole pages
 * @fd, @offset: the file that it is a shared mapping of, for devices in another process; -1 where there is none.  From then on it
 *	cannot shrink: they map none but memfds, made with MFD_ALLOW_SEALING
 * @ret_iova: the bus address of its first byte, physically contiguous from there
 *
 * Until nvsr_dma_unmap() or the function is closed.
 *
 * Return: 0; -EINVAL not whole pages, or no file where the access method needs one, or one that is too short; -EPERM a file that
 * may shrink; -ENOTSUP; another negative errno.
 */
int nvsr_dma_map(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova);
void nvsr_dma_unmap(struct nvsr_dev *d, void *ptr);

/* A namespace, and what one command and one queue of the function take. */
struct nvsr_io_limits {
	uint64_t blocks;
	uint32_t block;		/* bytes of a logical block */
	uint32_t max;		/* bytes of one command: MDTS, whole blocks, at most NVSR_IO_MAX */
	uint32_t entries;	/* CAP.MQES + 1 */
	char serial[20];	/* as Identify gives it */
};
/*
 * 0; -ENXIO the namespace is not attached to this function; -ENOTSUP a format with metadata, or with blocks that are larger than
 * @max; another negative errno, or the NVMe status of Identify.
 */
int nvsr_io_look(struct nvsr_dev *d, uint32_t nsid, struct nvsr_io_limits *ret);
/* Ready, Base 3.1.3.6: not when nothing answers, nor after a reset by somebody else. */
bool nvsr_io_alive(struct nvsr_dev *d);

/* A submission and a completion queue of @entries each (2..65536, within CAP.MQES), identifier @qid (1..). */
struct nvsr_pair;
struct nvsr_pair_options {
	uint16_t qid;
	uint32_t entries;
	bool irq;		/* interrupts: vector @qid where the function has so many, else 0 */
};
/* 0, a negative errno, or the NVMe status of Create I/O Completion or Submission Queue. */
int nvsr_pair_create(struct nvsr_dev *d, const struct nvsr_pair_options *o, struct nvsr_pair **ret);
/* Deletes both queues; commands that are not complete are lost.  NULL is fine. */
void nvsr_pair_destroy(struct nvsr_pair *p);
/*
 * Written (an eventfd) when an interrupt of this pair came; -1 without interrupts.  The function's: where pairs share a vector
 * they have it in common, and whoever reads it takes interrupts from the others - wait for its edges.
 */
int nvsr_pair_fd(const struct nvsr_pair *p);

/* A Read, Write, Flush, … of the NVM command set.  @bytes at @iova: dword aligned, contiguous, at most NVSR_IO_MAX. */
#define NVSR_IO_MAX (2u << 20)
struct nvsr_io {
	uint8_t opcode;		/* NVME_CMD_READ, … */
	uint32_t nsid;
	uint64_t slba;
	uint32_t blocks;	/* 1's based; 0 for commands without a range */
	uint64_t iova;
	uint32_t bytes;
	void *arg;		/* comes back with the completion */
};
/* Place an entry; the controller does not know of it before nvsr_pair_ring().  False: all slots are in flight. */
bool nvsr_pair_submit(struct nvsr_pair *p, const struct nvsr_io *io);
void nvsr_pair_ring(struct nvsr_pair *p);
/* @status: SCT << 8 | SC, 0 success. */
typedef void (*nvsr_pair_done_fn)(void *ctx, void *arg, uint16_t status);
/* Take up to @max completions, without waiting.  The number taken; negative errno when the queue answers nonsense. */
int nvsr_pair_reap(struct nvsr_pair *p, unsigned max, nvsr_pair_done_fn done, void *ctx);
/* How many more commands there is room for. */
unsigned nvsr_pair_room(const struct nvsr_pair *p);

/*
 * What a device that is served by another process of ours did since it began: "unix:PATH" only, else -ENOTSUP.
 * @interrupts: eventfds signalled; @wakeups: times a device thread slept and a doorbell woke it.
 */
struct nvsr_served_stats { uint64_t commands, interrupts, wakeups, sleeps; };
int nvsr_served_stats(struct nvsr_dev *pf, struct nvsr_served_stats *ret);

#endif
