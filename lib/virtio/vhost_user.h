/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vhost-user protocol: messages between a front end (the VMM, the guest's side) and a back end over a Unix socket, with
 * file descriptors passed along.  From QEMU's document "Vhost-user Protocol".  Fields are in the host's byte order.
 */
#ifndef NVSR_VIRTIO_VHOST_USER_H
#define NVSR_VIRTIO_VHOST_USER_H

#include "base/base.h"

enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1, VHOST_USER_SET_FEATURES, VHOST_USER_SET_OWNER, VHOST_USER_RESET_OWNER, VHOST_USER_SET_MEM_TABLE,
	VHOST_USER_SET_VRING_NUM = 8, VHOST_USER_SET_VRING_ADDR, VHOST_USER_SET_VRING_BASE, VHOST_USER_GET_VRING_BASE,
	VHOST_USER_SET_VRING_KICK, VHOST_USER_SET_VRING_CALL, VHOST_USER_SET_VRING_ERR, VHOST_USER_GET_PROTOCOL_FEATURES,
	VHOST_USER_SET_PROTOCOL_FEATURES, VHOST_USER_GET_QUEUE_NUM, VHOST_USER_SET_VRING_ENABLE,
	VHOST_USER_GET_CONFIG = 24, VHOST_USER_SET_CONFIG,
	VHOST_USER_REQUEST_MAX
};

#define VHOST_USER_VERSION	1u
#define VHOST_USER_VERSION_MASK	3u
#define VHOST_USER_REPLY	4u
#define VHOST_USER_NEED_REPLY	8u

/* Among the virtio feature bits: SET_PROTOCOL_FEATURES and SET_VRING_ENABLE are there. */
#define VHOST_USER_F_PROTOCOL_FEATURES	(1ull << 30)
#define VHOST_USER_PROTOCOL_F_MQ	(1ull << 0)
#define VHOST_USER_PROTOCOL_F_REPLY_ACK	(1ull << 3)
#define VHOST_USER_PROTOCOL_F_CONFIG	(1ull << 9)

#define VHOST_USER_REGIONS_MAX 8u
#define VHOST_USER_CONFIG_MAX 256u
#define VHOST_USER_VRING_MASK 0xffu
#define VHOST_USER_VRING_NOFD 0x100u

struct vhost_user_header { uint32_t request, flags, size; };
NVSR_SIZE(struct vhost_user_header, 12);
struct vhost_user_region { uint64_t guest_addr, size, user_addr, mmap_offset; };
struct vhost_user_memory { uint32_t regions, padding; struct vhost_user_region region[VHOST_USER_REGIONS_MAX]; };
struct vhost_user_state { uint32_t index, num; };
struct vhost_user_addr { uint32_t index, flags; uint64_t desc, used, avail, log; };
NVSR_SIZE(struct vhost_user_addr, 40);
struct vhost_user_config { uint32_t offset, size, flags; uint8_t data[VHOST_USER_CONFIG_MAX]; };
#define VHOST_USER_CONFIG_HEAD 12u

/* A message with its descriptors: whoever receives it owns them (nvsr_vhost_close_fds()). */
struct nvsr_vhost_msg {
	struct vhost_user_header h;
	union {
		uint64_t u64;
		struct vhost_user_state state;
		struct vhost_user_addr addr;
		struct vhost_user_memory memory;
		struct vhost_user_config config;
	} p;
	unsigned fds;
	int fd[VHOST_USER_REGIONS_MAX];
	uint32_t have;		/* bytes of it received so far */
};

/*
 * Send @m: header, h.size bytes of payload, @m->fd (they stay open here).  0 or negative errno; -EAGAIN: nothing was sent,
 * the socket does not block and is full.
 */
int nvsr_vhost_send(int sock, const struct nvsr_vhost_msg *m);
/*
 * Go on receiving into @m, which begins as { 0 }.  1: it is complete; 0: more is to come and the socket has no more now (or,
 * a socket that blocks, its receive timeout passed); -ECONNRESET the peer is gone; -EPROTO what came is no message.
 */
int nvsr_vhost_recv(int sock, struct nvsr_vhost_msg *m);
void nvsr_vhost_close_fds(struct nvsr_vhost_msg *m);

#endif
