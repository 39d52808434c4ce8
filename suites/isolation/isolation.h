/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the isolation groups share: VF 1 acts (a), VF 2 and the PF watch (b, t->pf); Asynchronous Event Requests as traps
 * for what one controller must not learn of another.
 */
#ifndef NVSR_SUITES_ISOLATION_H
#define NVSR_SUITES_ISOLATION_H

#include "suites/data.h"

/* Bringing VFs up takes secondary controllers Offline: whoever uses a VF loses its data path, hence the grant. */
#define ISO_NEED (NVSR_NEED(SRIOV) | NVSR_NEED(TWO_VFS) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(DESTROY))

/* Text for the `what` of a check; valid for the next few calls. */
const char *iso_text(const char *fmt, ...) NVSR_PRINTF(1, 2);

/* VF 1 and VF 2, up, each with @nvq VQ and VI resources (0 = default).  False after recording. */
bool iso_vfs(struct nvsr_ctx *t, unsigned nvq, struct nvsr_dev **ret_a, struct nvsr_dev **ret_b);
/* VF @vfn taken away from its tenant and given to the next: Offline, Assign, reset, Online, enabled.  NULL after recording. */
struct nvsr_dev *iso_next_tenant(struct nvsr_ctx *t, unsigned vfn);
/* A new namespace on @d alone.  False after recording. */
bool iso_private_ns(struct nvsr_ctx *t, struct nvsr_dev *d, struct dat_ns *ret);
/* Identify Controller; false after recording. */
bool iso_id(struct nvsr_ctx *t, struct nvsr_dev *d, struct nvme_id_ctrl *ret);

/* True when Identify @cns (02h, 10h) on @d lists @nsid. */
bool iso_listed(struct nvsr_dev *d, uint8_t cns, uint32_t nsid);

/* --- address spaces: VF 1 and VF 2 as of two VMs, where the method has NVSR_NEED(DMA_DOMAINS) ------------------------ */
struct iso_guest { struct nvsr_dev *d; struct dat_ns ns; };
/* Each with a namespace and an address space of its own.  False after recording. */
bool iso_guests(struct nvsr_ctx *t, struct iso_guest *a, struct iso_guest *b);
/* Refused accesses so far, those that the host has yet to tell of too. */
uint64_t iso_faults(struct nvsr_dev *d, struct nvsr_dma_fault *ret);
/*
 * A command of @b with an address that @b does not have - @access sends it and returns its result, after @renew made @b ready -
 * fails or its access is refused, as one of @b (ISO-30).  A controller may complete a command whose posted writes went nowhere
 * with success, and one that never issues the access has nothing refused; not every host tells of refused accesses, and none
 * of all: where neither is seen it is sent again.
 */
bool iso_check_refused(struct nvsr_ctx *t, struct nvsr_dev *b, const char *what, int (*renew)(struct nvsr_dev *d),
		       int (*access)(void *arg), void *arg);
/* Identify Controller, Writes. */
void iso_check_works(struct nvsr_ctx *t, struct iso_guest *g, unsigned tag);

/* --- events: a controller with Asynchronous Event Requests outstanding -------------------------------------------- */
#define ISO_AERS 16	/* more than the AERL + 1 of which a test keeps all outstanding */
#define ISO_EVENT_MS 200	/* time for an event to arrive; none is promised */
struct iso_trap {
	struct nvsr_dev *dev;
	struct nvsr_req *req[ISO_AERS];
	unsigned count;
	struct nvsr_cmd result;		/* of the last request that completed */
};
/* The requests leave with a Controller Reset, which also puts features back. */
void iso_trap_end(struct iso_trap *w);
#define _cleanup_trap_ NVSR_CLEANUP(iso_trap_end)
/* @n requests on @d; events that were waiting are read away first.  False after recording. */
bool iso_trap_begin(struct nvsr_ctx *t, struct iso_trap *w, struct nvsr_dev *d, unsigned n);
/* One more request, without reading anything away.  0 or negative errno. */
int iso_trap_add(struct iso_trap *w);
/* A request that completed within @ms: its results in w->result, the request gone. */
bool iso_trap_sprung(struct iso_trap *w, unsigned ms);

/* An Error event on @d: a write to the doorbell of a queue that does not exist.  Needs REG_WRITE. */
int iso_provoke(struct nvsr_dev *d);

#endif
