/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the pf groups share: configuration space of any function by routing id (VFs need no driver for that), and
 * configuration registers that go back to their old value when a body returns.
 */
#ifndef NVSR_SUITES_PF_H
#define NVSR_SUITES_PF_H

#include "nvsr.h"

/* Needs that many tests have in common. */
#define PF_READ   (NVSR_NEED(SRIOV) | NVSR_NEED(CFG_READ))
#define PF_WRITE  (PF_READ | NVSR_NEED(CFG_WRITE))
#define VF_WRITE  (PF_READ | NVSR_NEED(VF_CFG_WRITE))
#define PF_VIRT   (NVSR_NEED(SRIOV) | NVSR_NEED(VIRT_MGMT))

/* Bit 15:0 of the class dword (08h) is revision; all ones in the whole dword means that no function answers.  The
 * vendor id cannot tell: it reads FFFFh in every VF. */
#define PF_NOBODY 0xffffffffu

/* A configuration register of function @rid; all ones when nothing answers. */
uint32_t pf_rid_read(struct nvsr_ctx *t, uint16_t rid, unsigned off, unsigned len);
bool pf_rid_answers(struct nvsr_ctx *t, uint16_t rid);
/* Offset of a capability (extended capability) of function @rid, 0 when absent; bounded walk. */
unsigned pf_rid_cap(struct nvsr_ctx *t, uint16_t rid, uint8_t id);
unsigned pf_rid_ext_cap(struct nvsr_ctx *t, uint16_t rid, uint16_t id);

/* A 16-bit register of the PF's SR-IOV capability, read now. */
uint16_t pf_sriov16(struct nvsr_ctx *t, unsigned reg);
/* Exactly @n VFs enabled and the capability as it reads then.  False after recording: the body returns. */
bool pf_vfs(struct nvsr_ctx *t, unsigned n, struct nvsr_sriov *ret);
/* Write VF Enable (and VF MSE with it) to the control register and wait as PCIe 9.3.3.3.1 asks.  0 or negative errno. */
int pf_write_vfe(struct nvsr_ctx *t, bool on);

/* Function Level Reset by the PCI Express capability of @d, without any of the access method's repairs, and the wait
 * of PCIe 6.6.2.  The function's controller is disabled and its BARs and Command are reset afterwards. */
int pf_raw_flr(struct nvsr_dev *d);

/* After a raw FLR of the PF: let the access method give it its BARs and its admin queue again, when the body returns. */
void pf_revive(struct nvsr_ctx **t);
#define _cleanup_pf_ NVSR_CLEANUP(pf_revive) NVSR_UNUSED

/* Configuration registers to put back, in the reverse order of saving, whatever way the body returns. */
struct pf_saved {
	struct nvsr_dev *dev;
	unsigned count;
	struct { uint16_t off; uint8_t len; uint32_t val; } reg[16];
};
/* 0 or negative errno. */
int pf_save(struct pf_saved *s, struct nvsr_dev *d, unsigned off, unsigned len);
void pf_restore(struct pf_saved *s);
#define _cleanup_cfg_ NVSR_CLEANUP(pf_restore)

/* The size of VF BAR @bar for one VF, by writing ones (VF Enable must be 0); restores the BAR.  0 = not implemented. */
int pf_vf_bar_size(struct nvsr_ctx *t, unsigned bar, uint64_t *ret);
/* True for the second half of a 64-bit VF BAR. */
bool pf_vf_bar_is_upper(const struct nvsr_sriov *s, unsigned bar);

/* VF @vfn open and not enabled, its secondary controller Online where that takes commands (2 VQ, 1 VI): its properties
 * mean something.  @reset: FLR of the VF before Online, as Base 8.26.3 asks of hosts.  NULL after recording. */
struct nvsr_dev *pf_vf_online(struct nvsr_ctx *t, unsigned vfn, bool reset);

/* An admin command that every controller executes at any time: Identify Controller. */
int pf_alive(struct nvsr_dev *d);

#endif
