/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One front end of the back end: its vhost-user connection, its memory, its virtqueue and the NVMe queue pair behind it. */
#ifndef NVSR_VIRTIO_BACK_CONN_H
#define NVSR_VIRTIO_BACK_CONN_H

#include "virtio/back_queue.h"

/* What all connections have in common. */
struct nvsr_back {
	const struct nvsr_back_ops *ops;
	const struct nvsr_back_disk *disk;
	unsigned qid_first;
	bool poll;
	int epoll;
	bool gone;		/* the device is: nothing in flight comes back */
	struct nvsr_back_stats *stats;
};

/* What an epoll event is about: kind << 32 | number of the connection. */
enum nvsr_back_event { NVSR_BACK_LISTEN, NVSR_BACK_SIGNAL, NVSR_BACK_SOCKET, NVSR_BACK_KICK, NVSR_BACK_PAIR };
int nvsr_back_watch(int epoll, int fd, enum nvsr_back_event kind, unsigned number);

struct nvsr_back_conn;
/* @sock does not block, and is closed with the connection.  @number tells it from others; its queue pair is qid_first + @number. */
struct nvsr_back_conn *nvsr_back_conn_new(struct nvsr_back *b, int sock, unsigned number);
/* Stops the queue, deletes the pair, and only then lets go of the front end's memory.  NULL is fine. */
void nvsr_back_conn_free(struct nvsr_back_conn *c);
/*
 * Read and obey what came through the socket.  0, or negative errno: the connection is to be ended.  A queue that runs after it
 * wants to be served: what was requested before it started rang no bell for us.
 */
int nvsr_back_conn_hear(struct nvsr_back_conn *c);
bool nvsr_back_conn_runs(const struct nvsr_back_conn *c);
unsigned nvsr_back_conn_busy(const struct nvsr_back_conn *c);	/* requests that were not answered yet */
/* One round of its queue: 1 something was done, 0 nothing, negative errno: end the connection. */
int nvsr_back_conn_round(struct nvsr_back_conn *c);
/* Rounds until there is nothing to do and the guest will kick: 0.  1: there is more, others first.  Negative errno as above. */
int nvsr_back_conn_serve(struct nvsr_back_conn *c);

#endif
