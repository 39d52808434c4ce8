/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data pointers of a VF's I/O commands, built by the test: a namespace, a queue of our own, and memory of which every byte
 * is watched.  What vf.prp and vf.sgl share.
 */
#ifndef NVSR_SUITES_VF_POINTER_H
#define NVSR_SUITES_VF_POINTER_H

#include "suites/data.h"

#define PTR_NEED (DAT_NEED_VF | NVSR_NEED(VF_QUEUES) | NVSR_NEED(REG_READ))
#define PTR_GUARD 0xa5u		/* what watched memory holds where nothing was moved */
#define PTR_WAIT_MS 10000u

struct ptr {
	struct nvsr_dev *d;
	struct dat_ns ns;
	struct nvsr_queue *q;
	uint8_t *mem, *list;	/* watched; for PRP lists and SGL segments */
	uint64_t iova, list_iova;
	size_t len;		/* of the watched memory */
	unsigned page;		/* CC.MPS */
};
/* VF 1 with @pages of watched memory, @lists pages for lists and a namespace of @mib MiB.  False after recording. */
bool ptr_begin(struct nvsr_ctx *t, struct ptr *p, unsigned pages, unsigned lists, unsigned mib);
void ptr_end(struct ptr *p);
#define _cleanup_ptr_ NVSR_CLEANUP(ptr_end)

/* Where the bytes of a command are in watched memory, in the order of the data; skip: bytes that have no place. */
struct ptr_piece { size_t at, len; bool skip; };
struct ptr_pieces { unsigned n; struct ptr_piece piece[32]; };
extern const struct ptr_pieces ptr_nowhere;
void ptr_add(struct ptr_pieces *set, size_t at, size_t len);

/* Read or Write of @nlb blocks from block 0 on; the rest is the caller's. */
struct nvsr_cmd ptr_cmd(const struct ptr *p, bool write, unsigned nlb);
/* The status of a command that was submitted with @rc; its request is in *r by then. */
int ptr_wait(int rc, struct nvsr_req **r);

/* Before a Read: the blocks have known data, watched memory the guard.  Before a Write: the pieces have other data. */
bool ptr_arm_read(struct nvsr_ctx *t, struct ptr *p, unsigned nlb);
bool ptr_arm_write(struct nvsr_ctx *t, struct ptr *p, unsigned nlb, const struct ptr_pieces *set);
/* After it: the pieces, and no other byte, have the data; the blocks have, and no byte of memory changed. */
bool ptr_check_read(struct nvsr_ctx *t, struct ptr *p, unsigned nlb, const struct ptr_pieces *set, const char *what);
bool ptr_check_write(struct nvsr_ctx *t, struct ptr *p, unsigned nlb, const struct ptr_pieces *set, const char *what);
/* Outside of the pieces nothing was written: a Read that failed may have moved a part. */
bool ptr_check_outside(struct nvsr_ctx *t, struct ptr *p, const struct ptr_pieces *set, const char *what);

#endif
