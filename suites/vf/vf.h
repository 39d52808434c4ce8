/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the vf groups share: the pools of flexible resources as CNS 14h and 15h account for them, a known starting point,
 * and a secondary controller brought Online step by step.
 *
 * VQ and VI behave alike in most clauses, so tests loop over the types that the primary controller reports (CRT).
 */
#ifndef NVSR_SUITES_VF_H
#define NVSR_SUITES_VF_H

#include "nvsr.h"

/* Every vf test takes secondary controllers Offline: whoever uses a VF loses its data path, hence the grant. */
#define VF_ANY   (NVSR_NEED(SRIOV) | NVSR_NEED(DESTROY))
#define VF_NEEDS (VF_ANY | NVSR_NEED(VIRT_MGMT))

/* One type of flexible resource, as the primary shows it. */
struct vf_pool {
	unsigned rt;			/* enum nvme_virt_rt */
	const char *name;		/* "VQ", "VI" */
	unsigned minimum;		/* what a secondary needs to go Online: 2 VQ, 1 VI */
	unsigned total, assigned, primary, priv, max;	/* xxFRT, xxRFA, xxRFAP, xxPRT, xxFRSM */
	unsigned sum;			/* NVQ or NVI over all secondaries */
};

/* Text for the `what` of a check; valid for the next few calls. */
const char *vf_text(const char *fmt, ...) NVSR_PRINTF(1, 2);

/* The types that CRT reports, read now: 1 or 2; 0 after recording (a skip when there are none). */
unsigned vf_pools(struct nvsr_ctx *t, struct vf_pool ret[2]);
/* What can still be assigned. */
static inline unsigned vf_free(const struct vf_pool *p)
{
	return p->total > p->assigned + p->primary ? p->total - p->assigned - p->primary : 0;
}
/* The count of resource type @rt in a secondary controller entry. */
unsigned vf_count(const struct nvme_secondary_ctrl *e, unsigned rt);

/*
 * The starting point of most tests: every secondary Offline and without resources, room for at least two of them in
 * each pool (the primary's share is given back where it leaves none), and at least @vfs VFs enabled.  Only the last of it on a
 * device without Virtualization Management.  False after recording.
 */
bool vf_start(struct nvsr_ctx *t, unsigned vfs);
/* @n VFs anew after a reset that took them away, also where the host believes that they are still there. */
bool vf_enable_again(struct nvsr_ctx *t, unsigned n);
/* The secondaries, primary not counted: CNTLIDs to test with.  At least @min, else false after recording a skip. */
bool vf_secondaries(struct nvsr_ctx *t, unsigned min, uint16_t *ret, unsigned max, unsigned *ret_n);

/* Virtualization Management on the PF for secondary @scid. */
int vf_offline(struct nvsr_ctx *t, uint16_t scid);
int vf_online(struct nvsr_ctx *t, uint16_t scid);
int vf_assign(struct nvsr_ctx *t, uint16_t scid, unsigned rt, unsigned nr, unsigned *ret_nrm);
/* Assign what a secondary needs at least to go Online (or @nvq, @nvi when larger), of every type in CRT. */
int vf_assign_min(struct nvsr_ctx *t, uint16_t scid, unsigned nvq, unsigned nvi);
/*
 * VF @vfn Online by the order of Base 8.26.3 (Offline, Assign, FLR where possible, Online), its controller not enabled.
 * Its CNTLID, or -1 after recording.
 */
int vf_raise(struct nvsr_ctx *t, unsigned vfn, unsigned nvq, unsigned nvi);

/* What CNS 15h says of one secondary now.  False after recording. */
bool vf_entry(struct nvsr_ctx *t, uint16_t scid, struct nvme_secondary_ctrl *ret);
/* Check state and, where CRT has the type, resources of a secondary.  -1: not of interest. */
bool vf_check_entry(struct nvsr_ctx *t, const char *when, uint16_t scid, int online, int nvq, int nvi);
/* Check CNS 14h against CNS 15h: xxRFA is the sum over the secondaries, and with xxRFAP not more than xxFRT. */
bool vf_check_accounts(struct nvsr_ctx *t, const char *when);

/* The secondary controller list at one moment, to prove that something changed nothing. */
struct vf_list { struct nvme_secondary_ctrl *sec; unsigned n; };
bool vf_list_take(struct nvsr_ctx *t, struct vf_list *ret);
bool vf_check_unchanged(struct nvsr_ctx *t, const char *what, const struct vf_list *before);
static inline void vf_list_free(struct vf_list *l) { free(l->sec); l->sec = NULL; }
#define _cleanup_list_ NVSR_CLEANUP(vf_list_free)

/* CSTS of a function; all ones when it does not answer. */
uint32_t vf_csts(struct nvsr_dev *d);
/* Wait for CSTS.RDY = @rdy for at most @ms.  True when it came. */
bool vf_wait_rdy(struct nvsr_dev *d, bool rdy, unsigned ms);
/* CAP.TO of @d in ms, never below one unit. */
unsigned vf_timeout_ms(struct nvsr_dev *d);

#endif
