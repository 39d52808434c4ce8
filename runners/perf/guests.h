/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by guests.c and ways.c: the guests of a load, and what each path gives them. */
#ifndef NVSR_RUNNERS_PERF_GUESTS_H
#define NVSR_RUNNERS_PERF_GUESTS_H

#include <limits.h>

#include "runners/perf/host.h"
#include "runners/vm/vm.h"

/* What a path gives a guest: XML of devices, or arguments of QEMU. */
struct nvsr_gift { struct nvsr_text xml; char **args; };
struct nvsr_guest {
	struct nvsr_vm *vm;
	struct nvsr_fio_run back_end;
	pid_t other_back_end;	/* that is not ours, where it is known */
	char *disk;		/* the host's of its namespace, where it has one */
	char *fabric;		/* and that over a network */
	bool exported;		/* by a target of the kernel */
	bool ended;
	uint64_t began_at, ended_at;	/* of its load: was sent, was heard */
	uint64_t clock;		/* the host's when the guest's was 0, ns */
	struct nvsr_vm_answer answer;
};
struct nvsr_guests {
	struct nvsr_hypervisor *hypervisor;
	char folder[NVSR_TMP], kernel[PATH_MAX], initrd[PATH_MAX], db_initrd[PATH_MAX], db_lacks[PATH_MAX + 96];
	char *broken;			/* why there is nothing of all this */
	const struct nvsr_data_path *path;	/* of the guests that run */
	unsigned jobs, vms;
	bool database;			/* they have booted what has one */
	struct nvsr_guest guest[NVSR_VMS_MAX];
	unsigned proven[NVSR_DATA_PATHS_MAX];		/* by path: guests that were shown to have their namespace */
	unsigned half;			/* those from proven on have read what the PF wrote; what they wrote is to be read by the PF */
	uint64_t run, ios, barrier;
	bool synchronized;		/* clocks are known */
	bool waits;			/* loads begin at the barrier, by the guests' clocks */
	unsigned booted;		/* so far: for names */
	uint64_t limit_iops;		/* of back ends that are started from here on; 0: none */
	char *dead;
	char *note;			/* what those who read the result should know */
};

/* A path. */
struct nvsr_way {
	const char *name;
	const char *(*lacks[3])(const struct nvsr_host *h);	/* each: NULL, or what this host has not */
	int (*give)(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint);
	const char *disk;	/* in the guest; NULL: its own nvme driver finds the namespace by its identifier */
	const char *cache, *io;	/* of a disk that QEMU serves */
	bool back_end;		/* in a process of its own, which maps the guest's memory */
	bool foreign;		/* which is somebody else's, and what it has for a disk too */
	bool polled;		/* by our engine in the guest, of a function that is taken from the driver there */
	bool partner;		/* the kernel's target is another host's, as the network sees it */
	bool image;		/* the namespace has an image in it, made anew for each guest */
};
void nvsr_gift_free(struct nvsr_gift *g);
/* Guest @i and all that is its own; @evidence: a folder for what it printed, or NULL. */
void nvsr_guest_stop(struct nvsr_guests *all, unsigned i, const char *evidence);
/* NULL: not in guests. */
const struct nvsr_way *nvsr_way_of(const struct nvsr_data_path *p);

#endif
