/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What serve.c and served.c say to each other over a SOCK_SEQPACKET socket: one request, one answer, in turn.  A connection is one
 * function; it begins with HELLO.  Doorbells do not go this way: they are shared memory.  Both ends are built from one tree.
 */
#ifndef NVSR_DEVICE_WIRE_H
#define NVSR_DEVICE_WIRE_H

#include "base/base.h"
#include "device/load.h"
#include "spec/nvme.h"

#define NVSR_WIRE_VERSION 1u
#define NVSR_WIRE_DATA 4096u
#define NVSR_WIRE_FDS 2u

enum nvsr_wire_op {
	NVSR_WIRE_HELLO,	/* a = version, b = VF number (0 PF); a = rid, b = BAR0 bytes, c = bytes of doorbells; fds: doorbells, kick */
	NVSR_WIRE_CFG_READ,	/* a = offset, b = length; a = value */
	NVSR_WIRE_CFG_WRITE,	/* a, b, c = value */
	NVSR_WIRE_BAR_READ,	/* likewise, in BAR0 */
	NVSR_WIRE_BAR_WRITE,
	NVSR_WIRE_MAP,		/* a = bus address, b = length, c = offset in the file; fd, with F_SEAL_SHRINK */
	NVSR_WIRE_UNMAP,	/* a = bus address */
	NVSR_WIRE_IRQ,		/* a = vector; fd: an eventfd, or none to end it */
	NVSR_WIRE_ADMIN,	/* PF: sqe, a = data bytes, b != 0: PRP1 of the entry stays; a, b = DW0, DW1; rc = status */
	NVSR_WIRE_FLR,
	NVSR_WIRE_STATS,	/* stats */
	NVSR_WIRE_OPS
};

struct nvsr_wire {
	uint32_t op;
	int32_t rc;		/* of the answer: 0, a negative errno, or an NVMe status */
	uint64_t a, b, c;
	union {
		struct nvme_sqe sqe;
		struct nvsr_served_stats stats;
	};
	uint8_t data[NVSR_WIRE_DATA];	/* ADMIN only: else the message ends before it */
};
#define NVSR_WIRE_SHORT offsetof(struct nvsr_wire, data)

/* The last words of the doorbell memory: whoever rings looks whether somebody has to be woken. */
struct nvsr_wire_bell { uint32_t asleep; };

/* A socket, and in *ret the address that @path is.  The socket or negative errno. */
struct sockaddr_un;
int nvsr_wire_socket(const char *path, struct sockaddr_un *ret);
/* One message of @len bytes with @n descriptors.  0 or negative errno (-EPIPE the other end is gone). */
int nvsr_wire_send(int sock, const struct nvsr_wire *w, size_t len, const int *fd, unsigned n);
/* *ret_n descriptors, the caller's to close.  0; -EPIPE end; -EPROTO not a message of ours. */
int nvsr_wire_receive(int sock, struct nvsr_wire *w, int *fd, unsigned *ret_n);

#endif
