/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VF life cycle, resource assignment, namespaces, and the state of a device before and after, on any access method.
 * Functions return 0, a negative errno, or the NVMe status (> 0) of the command that failed.
 */
#ifndef NVSR_SRIOV_SRIOV_H
#define NVSR_SRIOV_SRIOV_H

#include "device/device.h"
#include "spec/nvme.h"
#include "spec/pcie.h"

/* --- commands, built by ourselves ---------------------------------------------------------------------------- */

/* Identify: @ret is 4096 bytes.  @cntid goes to CDW10 31:16. */
int nvsr_identify(struct nvsr_dev *d, uint8_t cns, uint32_t nsid, uint16_t cntid, void *ret);
int nvsr_id_ctrl(struct nvsr_dev *d, struct nvme_id_ctrl *ret);
/* Virtualization Management, Base 5.28; *ret_nrm (may be NULL) gets completion DW0 15:0. */
int nvsr_virt_mgmt(struct nvsr_dev *pf, uint16_t cntlid, unsigned rt, unsigned act, unsigned nr, unsigned *ret_nrm);
int nvsr_get_feature(struct nvsr_dev *d, uint8_t fid, uint32_t nsid, uint32_t cdw11, void *data, uint32_t len, uint32_t *ret_dw0);
int nvsr_set_feature(struct nvsr_dev *d, uint8_t fid, uint32_t nsid, uint32_t cdw11, void *data, uint32_t len, uint32_t *ret_dw0);
/* Get Log Page; @len multiple of 4. */
int nvsr_get_log(struct nvsr_dev *d, uint8_t lid, uint32_t nsid, bool rae, void *ret, uint32_t len);
/* Namespace Management create (*ret_nsid), delete; Attachment with one controller. */
int nvsr_ns_create(struct nvsr_dev *d, uint64_t blocks, uint8_t flbas, bool shared, uint32_t *ret_nsid);
int nvsr_ns_delete(struct nvsr_dev *d, uint32_t nsid);
int nvsr_ns_attach(struct nvsr_dev *d, uint32_t nsid, uint16_t cntlid);
int nvsr_ns_detach(struct nvsr_dev *d, uint32_t nsid, uint16_t cntlid);
/* Read and Write of @nlb blocks (1's based) into or from @data of @len bytes. */
int nvsr_rw(struct nvsr_dev *d, bool write, uint32_t nsid, uint64_t slba, unsigned nlb, void *data, uint32_t len);
/* NSIDs of an Identify list CNS (02h, 10h); *ret_n entries, iterates beyond 1024.  @max entries at most. */
int nvsr_ns_list(struct nvsr_dev *d, uint8_t cns, uint32_t *ret, unsigned max, unsigned *ret_n);
/* All secondary controllers, iterating CNS 15h; bounded whatever the device answers (-EPROTO when it loops). */
int nvsr_secondary_list(struct nvsr_dev *pf, struct nvme_secondary_ctrl **ret, unsigned *ret_n);

/* --- SR-IOV capability ---------------------------------------------------------------------------------------- */
struct nvsr_sriov {
	unsigned pos;		/* offset of the capability, 0 = none */
	uint32_t cap;
	uint16_t ctrl, status, initial_vfs, total_vfs, num_vfs, fdl, vf_offset, vf_stride, vf_device_id;
	uint32_t sup_pgsize, sys_pgsize, vf_bar[6], vfm_array;
};
int nvsr_sriov_read(struct nvsr_dev *pf, struct nvsr_sriov *ret);
/* Routing id of VF n (1's based), PCIe Table 9-1. */
static inline uint16_t nvsr_vf_rid(uint16_t pf_rid, const struct nvsr_sriov *s, unsigned n)
{
	return (uint16_t)(pf_rid + s->vf_offset + (n - 1) * s->vf_stride);
}

/* --- what the device is ----------------------------------------------------------------------------------------- */
struct nvsr_inventory {
	struct nvme_id_ctrl id;
	struct nvsr_sriov sriov;	/* .pos 0 without SR-IOV or without configuration access */
	bool has_primary;		/* CNS 14h answered */
	struct nvme_primary_caps primary;
	struct nvme_secondary_ctrl *sec;	/* from CNS 15h; NULL when it does not answer */
	unsigned sec_count;
	uint64_t cap;			/* CAP register, 0 when unreadable */
	uint32_t vs;
	uint64_t has;			/* NVSR_NEED() bits of the CLAIM needs that the device answers */
};
/* Only reads.  0 or error of Identify Controller; all else is optional. */
int nvsr_inventory_read(struct nvsr_dev *pf, struct nvsr_inventory *ret);
void nvsr_inventory_free(struct nvsr_inventory *inv);
/* The secondary controller of VF @vfn, or NULL. */
const struct nvme_secondary_ctrl *nvsr_inventory_vf(const struct nvsr_inventory *inv, unsigned vfn);

/* --- VF life cycle ------------------------------------------------------------------------------------------------ */
/*
 * The order of Base 8.26.3: (VFs enabled) Offline, Assign VQ and VI, reset of the VF, Online, open.  Types that CRT does
 * not report are not assigned.  @nvq and @nvi 0 = enough for one I/O queue pair by this access method.
 */
int nvsr_vf_bring_up(struct nvsr_dev *pf, const struct nvsr_inventory *inv, unsigned vfn, unsigned nvq, unsigned nvi,
		     struct nvsr_dev **ret);

/* --- snapshot and restore ------------------------------------------------------------------------------------------- */
/* Everything the suites may change, as JSON: number of VFs, autoprobe, driver bindings, secondary controllers,
 * flexible resources of the primary, namespaces with their attachments, features. */
/* Model and serial number tell whose state it is. */
struct nvsr_snapshot;
int nvsr_snapshot_take(struct nvsr_dev *pf, struct nvsr_snapshot **ret);
struct nvsr_snapshot *nvsr_snapshot_free(struct nvsr_snapshot *s);
/* Durable: written, fsynced, renamed. */
int nvsr_snapshot_save(const struct nvsr_snapshot *s, const char *path);
int nvsr_snapshot_load(const char *path, struct nvsr_snapshot **ret, struct nvsr_complaint *complaint);
/* Taken from one device? */
bool nvsr_snapshot_same_device(const struct nvsr_snapshot *a, const struct nvsr_snapshot *b);
const char *nvsr_snapshot_serial(const struct nvsr_snapshot *s);
/* Putting a device back from @now to @s changes namespaces or resets the PF: it disturbs whoever uses one. */
bool nvsr_snapshot_disturbs(const struct nvsr_snapshot *now, const struct nvsr_snapshot *s);
/* Put the device back.  0 when every step worked; else the first error (goes on with the rest). */
int nvsr_snapshot_restore(struct nvsr_dev *pf, const struct nvsr_snapshot *s);
/* The number of VFs in @s, 0 where it is not known. */
unsigned nvsr_snapshot_numvfs(const struct nvsr_snapshot *s);
/* A copy that wants @numvfs VFs; all else as in @s.  NULL = no memory. */
struct nvsr_snapshot *nvsr_snapshot_with_vfs(const struct nvsr_snapshot *s, unsigned numvfs);
/* What differs, one line each ("namespace 3 attached to 1, was not attached"), "" when nothing.  malloc'd; NULL = no memory. */
char *nvsr_snapshot_diff(const struct nvsr_snapshot *before, const struct nvsr_snapshot *now);

#endif
