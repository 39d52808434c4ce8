/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A drive set up for load: a namespace of the PF, and VFs Online with one each, all driven by the operating system. */
#ifndef NVSR_RUNNERS_PERF_LAYOUT_H
#define NVSR_RUNNERS_PERF_LAYOUT_H

#include "runners/conform/conform.h"

struct nvsr_layout_fn {
	unsigned vfn;		/* 0: the PF */
	uint16_t cntlid;
	char bdf[16];		/* "0000:01:00.1" */
	uint32_t nsid;
	unsigned block;		/* bytes of a logical block */
	uint64_t bytes;
};
struct nvsr_layout {
	const struct nvsr_target *target;
	struct nvsr_dev *pf;
	struct nvsr_inventory inv;
	struct nvsr_layout_fn *fn;	/* [0] the PF, [n] VF n */
	unsigned vfs;			/* that are set up */
};
struct nvsr_layout_options {
	unsigned vfs, least;		/* least: so many VFs are enough, and more are fine; 0: all of them */
	unsigned queues;		/* I/O queues of each VF: as many as the device has for it, up to this */
	uint64_t namespace_bytes;	/* of namespaces that are made */
};
/**
 * nvsr_layout_open() - set the drive up.
 *
 * The PF has the first namespace that is attached to it.  For VFs one each is made, or where the device makes none, one is
 * taken that is attached to no controller.
 *
 * Return: 0, a negative errno or an NVMe status, with *complaint.  With fewer VFs than were asked for, ret->vfs are there and
 * *complaint says what stopped there being more.
 */
int nvsr_layout_open(const struct nvsr_target *t, const struct nvsr_layout_options *o, struct nvsr_layout *ret,
		     struct nvsr_complaint *complaint);
/* Only memory: the state is put back by who saved it. */
void nvsr_layout_close(struct nvsr_layout *l);

#define NVSR_PATTERN_BYTES 65536u
/* Bytes that no other namespace, part of it (@part) and run has. */
void nvsr_layout_pattern(uint64_t run, uint32_t nsid, unsigned part, uint8_t *ret);
/*
 * Write or read the first @parts times NVSR_PATTERN_BYTES of the namespace of VF @vfn through the PF, which has it meanwhile.  Nobody
 * may use it.
 */
int nvsr_layout_through_pf(struct nvsr_layout *l, unsigned vfn, bool write, uint8_t *data, unsigned parts, struct nvsr_complaint *complaint);

/* "/dev/nvme1n1" of a namespace at the function @bdf, waiting for it; malloc'd or NULL. */
char *nvsr_layout_disk(const char *bdf, uint32_t nsid, unsigned wait_ms);
/* The same of a controller that has no PCI function ("nvme7"). */
char *nvsr_layout_disk_of(const char *controller, uint32_t nsid, unsigned wait_ms);
/*
 * Until the kernel no longer knows the namespace at the function, which lost it: a private one it refuses to know twice.
 */
void nvsr_layout_wait_gone(const char *bdf, uint32_t nsid);
/* Have this driver of the kernel's drive it: "nvme", "vfio-pci".  0 or negative errno. */
int nvsr_layout_bind(const char *bdf, const char *to);

#endif
