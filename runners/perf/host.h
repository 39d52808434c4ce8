/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by host.c and guests.c: a host with a drive. */
#ifndef NVSR_RUNNERS_PERF_HOST_H
#define NVSR_RUNNERS_PERF_HOST_H

#include "runners/perf/layout.h"
#include "runners/perf/perf.h"

struct nvsr_host {
	struct nvsr_stage stage;
	struct nvsr_stage_options o;
	bool opened;
	struct nvsr_layout layout;
	uint64_t bytes;				/* of each namespace that loads use */
	char *disk;				/* of the PF */
	const struct nvsr_data_path *path;	/* of the load */
	struct nvsr_fio_run run;		/* on the host */
	int status;
	uint64_t ios;				/* of the disk before the load */
	char *lacks[16];			/* by path; asked[] where it is known */
	bool asked[16];
};

/* I/Os of a disk so far ("/dev/nvme0n1"). */
uint64_t nvsr_disk_ios(const char *disk);

#endif
