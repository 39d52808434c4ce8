/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model in a process of its own: functions for other processes, over a socket and shared memory, in real time. */
#ifndef NVSR_DEVICE_SERVE_H
#define NVSR_DEVICE_SERVE_H

#include "device/device.h"

struct nvsr_serve_options {
	struct nvsr_dev *pf;	/* "model:…": VFs enabled, Online, with namespaces; the PF keeps its admin queue here */
	struct nvsr_dev **vf;	/* [0] VF 1, …: their controllers not enabled, whoever connects does that */
	unsigned vfs;
	const char *socket;	/* where to listen; must not exist */
	unsigned threads;	/* device threads; functions are spread over them.  0: one */
	const int *cpu;		/* where each runs, -1 anywhere; NULL: anywhere */
	unsigned spin;		/* empty rounds before a thread yields; it sleeps after 20 ms without work.  0: it sleeps at once */
	int ready_fd;		/* gets one byte when the socket listens, then is closed; -1 none */
};

/**
 * nvsr_serve() - serve until SIGTERM or SIGINT.
 *
 * One connection for each function, see "unix:PATH" in device.h; a connection that ends leaves its function as it found it:
 * the controller disabled (PF: its I/O queues deleted), memory unmapped.  Time is that of this machine.
 *
 * Return: 0, or a negative errno: -EADDRINUSE somebody is there, -EINVAL a function has more queues than there are doorbells.
 */
int nvsr_serve(const struct nvsr_serve_options *o);

#endif
