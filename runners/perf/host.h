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
	bool in_guests;
	bool polled;				/* by our own engine, which drives the first VF by VFIO */
	char *engine;
	struct nvsr_fio_run run;		/* on the host */
	int status;
	uint64_t ios;				/* of the disk before the load */
	struct nvsr_guests *guests;		/* NULL until a path needs them */
	char *lacks[NVSR_DATA_PATHS_MAX];			/* by path; asked[] where it is known */
	bool asked[NVSR_DATA_PATHS_MAX];
};

/* --- guests.c ------------------------------------------------------------------------------------------------------------ */

/* Does @p run in guests at all? */
bool nvsr_guests_way(const struct nvsr_data_path *p);
/* malloc'd why it cannot here, NULL: it can. */
char *nvsr_guests_lack(struct nvsr_host *h, const struct nvsr_data_path *p);
/* The same of databases in guests, on any path. */
const char *nvsr_guests_lack_database(struct nvsr_host *h);
/* By software emulation, where there are guests at all. */
bool nvsr_guests_tcg(struct nvsr_host *h);
/* As the functions of a stage, for loads in guests. */
int nvsr_guests_ready(struct nvsr_host *h, const struct nvsr_job *j, struct nvsr_complaint *complaint);
/* @script: of a database. */
int nvsr_guests_start(struct nvsr_host *h, const struct nvsr_job *j, const char *script, struct nvsr_complaint *complaint);
int nvsr_guests_begun(struct nvsr_host *h);
bool nvsr_guests_ended(struct nvsr_host *h);
double nvsr_guests_overlap(struct nvsr_host *h, const struct nvsr_job *j);
void nvsr_guests_finish(struct nvsr_host *h, struct nvsr_said *ret);
void nvsr_guests_sample(struct nvsr_host *h, struct nvsr_sample *ret);
unsigned nvsr_guests_roles(struct nvsr_host *h);
char *nvsr_guests_dead(struct nvsr_host *h);
void nvsr_guests_drop(struct nvsr_host *h, const char *evidence);
void nvsr_guests_close(struct nvsr_host *h);
/* As fio in a guest knows the disk. */
#define NVSR_GUEST_DISK "${NVSR_DISK}"

/* The state that was saved, where it is another one now.  0, or the exit code after saying why not. */
int nvsr_host_put_back(struct nvsr_target *t);

/* Why no function can be driven by VFIO here; NULL: it can. */
const char *nvsr_lacks_vfio(const struct nvsr_host *h);

/* I/Os of a disk so far ("/dev/nvme0n1"), or more: with multipath some count twice. */
uint64_t nvsr_disk_ios(const char *disk);

/* A qcow2 image has tables beside its contents, 10 bytes for each 64 KiB of them; all paths have the same size. */
#define NVSR_IMAGE_ROOM (1ull << 20)
static inline uint64_t nvsr_with_image_room(uint64_t bytes)
{
	return bytes + NVSR_IMAGE_ROOM + NVSR_ROUND_UP(bytes >> 12, NVSR_IMAGE_ROOM);
}
/* What is left of a namespace of @bytes for contents; of a small one, which has no room for an image, all of it. */
static inline uint64_t nvsr_without_image_room(uint64_t bytes)
{
	return bytes > 16 * NVSR_IMAGE_ROOM ? (bytes - NVSR_IMAGE_ROOM) / 4097 * 4096 : bytes;
}

#endif
