/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model set up for load: a profile with room for it, VFs Online, a written namespace for the PF and for each VF. */
#ifndef NVSR_RUNNERS_PERF_DEVICE_H
#define NVSR_RUNNERS_PERF_DEVICE_H

#include "nvsr.h"

/* I/O queue pairs that a function of the model can have under load. */
#define NVSR_LOAD_QUEUES 128u

struct nvsr_load_options {
	const char *device;			/* "model:" or "model:PROFILE" */
	const struct nvsr_profile *profile;	/* what it behaves like */
	unsigned vfs;
	unsigned queues;			/* I/O queue pairs for each VF */
	unsigned vectors;			/* for each VF; 0: one for each queue */
	uint64_t namespace_bytes;		/* whole MiB */
	const char *const *defects;		/* seeded in the model, NULL-terminated; or NULL */
};
struct nvsr_load_device {
	struct nvsr_dev *pf, **vf;	/* @vfs of them, VF 1 first */
	unsigned vfs;
};
/* The namespace of VF @vfn, of the PF with 0. */
static inline uint32_t nvsr_load_nsid(unsigned vfn) { return vfn + 1; }
/**
 * nvsr_load_open() - set the model up.
 *
 * The PF is enabled; VFs are Online with their controllers disabled, ready for whoever enables them.  Every block of every
 * namespace was written: pages that were not would all be the one page of zeros, which is in the cache.
 *
 * Return: 0, a negative errno or an NVMe status; *complaint says what was being done.
 */
int nvsr_load_open(const struct nvsr_load_options *o, struct nvsr_load_device *ret, struct nvsr_complaint *complaint);
void nvsr_load_close(struct nvsr_load_device *d);

#endif
