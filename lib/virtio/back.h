/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vhost-user back end process: virtio block devices for guests, on top of one namespace through one NVMe function.  Every
 * connection is a device of one virtqueue and has an NVMe queue pair of its own; one thread serves them all.  The NVMe
 * function reads and writes guest memory itself: no data is copied here.
 */
#ifndef NVSR_VIRTIO_BACK_H
#define NVSR_VIRTIO_BACK_H

#include "profile/profile.h"

/* Counted since the start; in memory that the caller shares with this process (or NULL). */
struct nvsr_back_stats {
	uint64_t kicks;		/* times that kick eventfds woke the thread */
	uint64_t calls;		/* call eventfds written */
	uint64_t requests;	/* that a guest was answered */
	uint64_t polls_empty;	/* rounds over all queues that found nothing; poll mode */
};
struct nvsr_back_options {
	const char *socket;	/* where front ends connect; must not exist, removed at the end */
	const char *device;	/* "unix:PATH", or what else nvsr_dev_open() takes and has queues */
	unsigned vfn, nsid;	/* function (0 = PF) and namespace */
	unsigned qid_first;	/* queue pairs of connections get this identifier and the next ones */
	bool poll;		/* look for requests and completions without end; else sleep until there are some */
	int cpu;		/* -1 = anywhere */
	int ready_fd;		/* gets one byte once front ends can connect; -1 = nobody waits */
	struct nvsr_back_stats *stats;
};
/*
 * Serve until SIGTERM or SIGINT, or the death of the parent process.  Takes this process over: signal mask and handlers, CPU.
 * 0; or a negative errno or NVMe status of what went wrong at the start, with *complaint (may be NULL): -EADDRINUSE something
 * is at @socket.  Or -ENODEV: the device went away while requests were waiting.
 */
int nvsr_back_run(const struct nvsr_back_options *o, struct nvsr_complaint *complaint);

#endif
