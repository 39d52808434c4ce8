/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * struct nvsr_dev: one NVMe function through one access method.  The only way from a suite to a device.
 *
 * Functions return 0, a negative errno, or - where a command was executed - its NVMe status (> 0, SCT << 8 | SC).
 * Outputs are set only on success.  Nothing here prints.
 */
#ifndef NVSR_DEVICE_DEVICE_H
#define NVSR_DEVICE_DEVICE_H

#include "base/base.h"
#include "profile/profile.h"

struct nvsr_dev;

/* What an access method can do on a function. */
enum nvsr_can {
	NVSR_CAN_CFG_READ = 1u << 0, NVSR_CAN_CFG_WRITE = 1u << 1, NVSR_CAN_REG_READ = 1u << 2, NVSR_CAN_REG_WRITE = 1u << 3,
	NVSR_CAN_QUEUES = 1u << 4,	/* own queues: raw entries, doorbells, interrupts, DMA memory */
	NVSR_CAN_AER = 1u << 5, NVSR_CAN_ADMIN = 1u << 6, NVSR_CAN_IO = 1u << 7, NVSR_CAN_VF = 1u << 8 /* open VFs */,
	NVSR_CAN_CTRL_RESET = 1u << 9, NVSR_CAN_FLR = 1u << 10, NVSR_CAN_HOT_RESET = 1u << 11,
	NVSR_CAN_POWER_CYCLE = 1u << 12, NVSR_CAN_NUMVFS = 1u << 13,
	NVSR_CAN_DMA_DOMAINS = 1u << 14,	/* an address space per function */
};

enum nvsr_reset {
	NVSR_RESET_CTRL,	/* CC.EN 1 to 0, then enabled again */
	NVSR_RESET_FLR,		/* PCIe FLR; the access method waits PCI_MS_FLR and brings the function back up */
	NVSR_RESET_HOT,
	NVSR_RESET_POWER,
	NVSR_RESET_NSSR,
};

/* A command.  Data direction follows from opcode bits 1:0. */
struct nvsr_cmd {
	uint8_t opcode, flags;		/* flags: FUSE 1:0, PSDT 7:6 (raw queues only) */
	uint32_t nsid, cdw2, cdw3, cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
	void *data;			/* any memory: bounced where the method needs DMA memory */
	uint32_t data_len;
	uint64_t mptr;			/* metadata pointer: a bus address (raw queues only) */
	uint32_t timeout_ms;		/* 0 = the device's default */
	/* results */
	uint32_t dw0, dw1;
	uint16_t status;		/* with CRD, More and DNR: bits 14:0 of the standard's status field */
	uint32_t order;			/* of the completion in its queue: 1, 2, …; raw queues only */
};

/*
 * Open the PF.  @where: "model:" or "model:PROFILE" (then @defects, a NULL-terminated list or NULL, are seeded; the
 * profile is @profile), "/dev/nvme0", or "0000:01:00.0" (by VFIO when it is bound to vfio-pci, else by the kernel's driver).
 * "unix:PATH" is the model that another process serves (serve.h), for load: a VF is enabled when it is opened and is whoever's
 * opened it, of the PF there are only I/O queues (load.h).
 * -ENOENT no such device, -EACCES no permission, -ENODEV not an NVMe controller, -ENOTSUP no such access method; *complaint
 * then says what was tried and what was expected.
 */
int nvsr_dev_open(const char *where, const struct nvsr_profile *profile, const char *const *defects, struct nvsr_dev **ret,
		  struct nvsr_complaint *complaint);
/* How VFs of a PF that the kernel drives are opened.  AUTO: VFIO where the host has an IOMMU, else KERNEL. */
enum nvsr_vf_access { NVSR_VF_AUTO, NVSR_VF_KERNEL, NVSR_VF_VFIO };
struct nvsr_dev_options {
	const struct nvsr_profile *profile;
	const char *const *defects;	/* model only, as the next */
	const char *state;		/* the file that keeps what survives a power cycle, or NULL: nvsr_model_use_state() */
	enum nvsr_vf_access vf_access;	/* of a PF with the kernel's driver; -ENOTSUP where VFIO is asked for and is not there */
};
/* The same with all there is to say.  Also -EINVAL for a state file that is refused; complaint as above. */
int nvsr_dev_open_with(const char *where, const struct nvsr_dev_options *o, struct nvsr_dev **ret,
		       struct nvsr_complaint *complaint);
/*
 * VF @vfn (1..NumVFs) of @pf by the same method: configuration space and registers at once.  Where commands need a driver
 * of the operating system, it is bound at the first command (-EAGAIN there when it does not come up), because a VF is
 * opened and reset before its controller goes Online.  -ENODEV when the VF does not answer.
 */
int nvsr_dev_open_vf(struct nvsr_dev *pf, unsigned vfn, struct nvsr_dev **ret);
/* NULL and half-built are fine; returns NULL. */
struct nvsr_dev *nvsr_dev_close(struct nvsr_dev *d);
static inline void nvsr_dev_closep(struct nvsr_dev **d) { *d = nvsr_dev_close(*d); }
#define _cleanup_dev_ NVSR_CLEANUP(nvsr_dev_closep)

/*
 * A PF named by its PCI address is driven by VFIO.  Take it from the driver it has, VFs disabled; what it had is kept in a file
 * under /run, durable before anything is changed, and nvsr_dev_give_back() puts that back, also in another process after a
 * crash.  Other names: nothing to take, nothing to give back.  0, or negative errno and *complaint: -ENOENT no such
 * function, -ENODEV no NVMe PF, -ENOTSUP no IOMMU or no vfio-pci, -EBUSY other devices in its IOMMU group.
 */
bool nvsr_dev_can_be_taken(const char *where);
/* The one way to write a PCI address ("1:0.0" is 0000:01:00.0); other names as they are.  malloc'd, NULL = no memory. */
char *nvsr_dev_canonical(const char *where);
/* The driver of a PCI address, "" = none.  0 or -ENOENT when there is no such function. */
int nvsr_dev_driver(const char *where, char *ret, size_t len);
/* Its controller of the kernel's ("/dev/nvme0").  0 or -ENOENT when it has none. */
int nvsr_dev_node(const char *where, char *ret, size_t len);
/* *ret_driver: what it goes back to, "" = none. */
bool nvsr_dev_is_taken(const char *where, char *ret_driver, size_t len);
int nvsr_dev_take(const char *where, struct nvsr_complaint *complaint);
/*
 * @vfs: also their number and their drivers, which a snapshot does better; of a PF that had not the nvme driver always.
 * Where a driver has been given the function meanwhile, or another device is there, only the note goes: -ENODEV.
 */
int nvsr_dev_give_back(const char *where, bool vfs, struct nvsr_complaint *complaint);

const char *nvsr_dev_name(const struct nvsr_dev *d);	/* "/dev/nvme0", "model:", "model:#vf2" */
const char *nvsr_dev_method(const struct nvsr_dev *d);	/* "model", "kernel", "vfio", "kernel, VFs by vfio" */
unsigned nvsr_dev_can(const struct nvsr_dev *d);	/* enum nvsr_can bits */
unsigned nvsr_dev_vf_can(const struct nvsr_dev *pf);	/* those that its VFs will have */
unsigned nvsr_dev_vfn(const struct nvsr_dev *d);	/* 0 for the PF */
uint16_t nvsr_dev_rid(const struct nvsr_dev *d);	/* bus << 8 | devfn */

/* --- commands ------------------------------------------------------------------------------------------------- */
int nvsr_admin(struct nvsr_dev *d, struct nvsr_cmd *c);
int nvsr_io(struct nvsr_dev *d, struct nvsr_cmd *c);	/* on an I/O queue the method provides */

/* --- configuration space and registers ----------------------------------------------------------------------------- */
int nvsr_cfg_read(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t *ret);	/* len 1, 2, 4 */
int nvsr_cfg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val);
/* The same by routing id, for functions that may not exist: all ones when nothing answers. */
int nvsr_cfg_read_rid(struct nvsr_dev *pf, uint16_t rid, unsigned off, unsigned len, uint32_t *ret);
int nvsr_reg_read(struct nvsr_dev *d, unsigned off, unsigned len, uint64_t *ret);	/* BAR0; len 4, 8 */
int nvsr_reg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint64_t val);
/* Any BAR of the function (MSI-X table in BAR2, …). */
int nvsr_bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret);
int nvsr_bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val);
/* Offset of a capability (extended: of an extended one), bounded walk; 0 and *ret = 0 when absent. */
int nvsr_cfg_find_cap(struct nvsr_dev *d, uint8_t id, unsigned *ret);
int nvsr_cfg_find_ext_cap(struct nvsr_dev *d, uint16_t id, unsigned *ret);

/* --- resets and VFs ----------------------------------------------------------------------------------------------------- */
int nvsr_reset(struct nvsr_dev *d, enum nvsr_reset how);
/* Number of VFs, as the operating system sets it: 0 disables; waits the standard's times; probing of VF drivers is off. */
int nvsr_set_numvfs(struct nvsr_dev *pf, unsigned n);
int nvsr_get_numvfs(struct nvsr_dev *pf, unsigned *ret);
/*
 * What the operating system keeps around the device (autoprobe, driver of each function) as a JSON object, malloc'd, and
 * back; -ENOTSUP where the access method leaves no trace there.
 */
int nvsr_host_save(struct nvsr_dev *pf, char **ret_json);
int nvsr_host_restore(struct nvsr_dev *pf, const char *json);

/* --- time, on the device's clock (virtual on the model) ------------------------------------------------------------------ */
uint64_t nvsr_dev_now(struct nvsr_dev *d);			/* ns */
void nvsr_dev_sleep_ms(struct nvsr_dev *d, unsigned ms);
/* Poll @pred until it holds or @ms passed on the device's clock (back-off doubles to 10 ms).  True when it held. */
bool nvsr_dev_wait(struct nvsr_dev *d, unsigned ms, bool (*pred)(struct nvsr_dev *d, void *arg), void *arg);

/* --- the controller, for methods with NVSR_CAN_REG_WRITE ------------------------------------------------------------------ */
/* CC.EN to 1 with an admin queue and wait for CSTS.RDY; CC.EN to 0 and wait for RDY 0; CC.SHN.  0, -ETIMEDOUT, -EIO (CFS). */
int nvsr_ctrl_enable(struct nvsr_dev *d);
int nvsr_ctrl_disable(struct nvsr_dev *d);
int nvsr_ctrl_shutdown(struct nvsr_dev *d, bool abrupt);

/* --- raw queues and DMA, NVSR_CAN_QUEUES ------------------------------------------------------------------------------------ */
/* DMA memory visible to this function at *ret_iova; freed at close at the latest.  No address is given out twice, to
 * whatever function of the subsystem: an access to memory that was freed, or that another one has, is refused. */
void *nvsr_dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova);
void nvsr_dma_free(struct nvsr_dev *d, void *p);
/*
 * NVSR_CAN_DMA_DOMAINS: functions share an address space until @d gets one of its own, as a VM's IOMMU domain: from now on
 * it reaches nothing but what nvsr_dma_alloc() gave to it, before or later, at the same addresses.  Until close.
 */
int nvsr_dma_own_domain(struct nvsr_dev *d);
/* Accesses that were refused to functions of this subsystem so far; the last one in *ret_last (may be NULL). */
struct nvsr_dma_fault { uint16_t rid; uint64_t iova; bool write; };
int nvsr_dma_faults(struct nvsr_dev *d, uint64_t *ret_count, struct nvsr_dma_fault *ret_last);
/* MSI-X messages this function sent for @vector since it was enabled; -ENOTSUP where unknown. */
int nvsr_irq_count(struct nvsr_dev *d, unsigned vector, uint64_t *ret);

struct nvsr_queue;	/* a submission and completion queue pair, made by us */
struct nvsr_req;	/* a submitted command; owned by its queue */
struct nvsr_queue_opts { uint16_t qid, sq_entries, cq_entries, vector; bool irq; };
int nvsr_queue_create(struct nvsr_dev *d, const struct nvsr_queue_opts *o, struct nvsr_queue **ret);
int nvsr_queue_destroy(struct nvsr_queue *q);	/* deletes SQ and CQ where the controller still lives */
struct nvsr_queue *nvsr_queue_admin(struct nvsr_dev *d);	/* the admin queue of an enabled controller, else NULL */
/* Submit without waiting.  c->data is bounced; results land in the request. */
int nvsr_queue_submit(struct nvsr_queue *q, const struct nvsr_cmd *c, struct nvsr_req **ret);
/* The same without a bounce buffer (c->data NULL): @prp1 is the bus address that the entry carries. */
int nvsr_queue_submit_prp(struct nvsr_queue *q, const struct nvsr_cmd *c, uint64_t prp1, struct nvsr_req **ret);
int nvsr_queue_submit_prps(struct nvsr_queue *q, const struct nvsr_cmd *c, uint64_t prp1, uint64_t prp2, struct nvsr_req **ret);
/* The same with an SGL: @sgl is SGL1 of the entry.  PSDT is 01b unless c->flags says otherwise. */
struct nvme_sgl;
int nvsr_queue_submit_sgl(struct nvsr_queue *q, const struct nvsr_cmd *c, const struct nvme_sgl *sgl, struct nvsr_req **ret);
/*
 * From now on doorbells of I/O queues go to the page @shadow, and to the registers only where the page @event asks for it
 * (Doorbell Buffer Config, Base 5.8).  Until the next reset; NULL, NULL ends it.
 */
void nvsr_queue_shadow(struct nvsr_dev *d, void *shadow, const void *event);
/* @n commands in adjacent entries, shown to the controller by one doorbell write, as fused operations need (Base 3.4.2).
 * -EBUSY, with nothing submitted, when they do not fit. */
int nvsr_queue_submit_many(struct nvsr_queue *q, const struct nvsr_cmd *c, unsigned n, struct nvsr_req **ret);
/* True once it completed (then *ret_c, may be NULL, has results and data); reaps the queue. */
bool nvsr_req_done(struct nvsr_req *r, struct nvsr_cmd *ret_c);
/* Wait; returns the status, -ETIMEDOUT, or -ECANCELED when the controller was reset under it.  Consumes the request. */
int nvsr_req_wait(struct nvsr_req *r, unsigned ms, struct nvsr_cmd *ret_c);
/* Give up on a request: the queue keeps its memory until the controller is reset. */
void nvsr_req_forget(struct nvsr_req *r);

/* --- evidence -------------------------------------------------------------------------------------------------------------- */
/* The last commands, resets and writes on any function of this subsystem, oldest first, one line each: "vf2 admin 06h
 * Identify cns=01h -> 0/00h".  Shared by PF and VFs.  Returns the number of lines written to @ret (at most @max). */
unsigned nvsr_dev_last(struct nvsr_dev *d, const char **ret, unsigned max);
void nvsr_dev_last_clear(struct nvsr_dev *d);
/* True since the last call of nvsr_dev_clean() if something that a snapshot covers may have been changed. */
bool nvsr_dev_dirty(struct nvsr_dev *d);
void nvsr_dev_clean(struct nvsr_dev *d);
/*
 * What happened to the device behind our back since the last call of nvsr_dev_clean(): a function was taken away by the
 * operating system, or the number of VFs is not what we made it.  malloc'd, NULL when nothing did.
 */
char *nvsr_dev_disturbed(struct nvsr_dev *pf);
/* True since then if Primary Flexible Allocation was sent: one that is pending cannot be read back (Base 5.28 ACT 1h). */
bool nvsr_dev_allocated(struct nvsr_dev *d);

/* --- what may be sent ---------------------------------------------------------------------------------------------------- */
/* NVSR_GUARD_VFS: nothing that outlives the test, but VFs may come and go; NVSR_GUARD_READ: VFs of others stay as they are. */
enum nvsr_guard { NVSR_GUARD_NONE, NVSR_GUARD_VFS, NVSR_GUARD_READ };
/* For every function of this subsystem from now on; what is refused fails with -EPERM and does not reach the device. */
void nvsr_dev_guard(struct nvsr_dev *d, enum nvsr_guard guard);
/* The first thing refused since then, in words; NULL = nothing. */
const char *nvsr_dev_refused(const struct nvsr_dev *d);

#endif
