/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of lib/device: struct nvsr_dev and the generic user-space driver that methods with own queues share. */
#ifndef NVSR_DEVICE_PRIVATE_H
#define NVSR_DEVICE_PRIVATE_H

#include "device/kernel_sysfs.h"
#include "device/ops.h"
#include "spec/nvme.h"
#include "spec/pcie.h"

#define NVSR_ADMIN_TIMEOUT_MS 10000	/* OCP Datacenter NVMe SSD 2.7 CTO-1 */
#define NVSR_IO_TIMEOUT_MS 10000

/* Evidence and bookkeeping that the PF and its VFs share; the PF owns it and lives as long as its VFs. */
#define NVSR_RING_LINES 64
#define NVSR_RING_WIDTH 160
struct nvsr_shared {
	char line[NVSR_RING_LINES][NVSR_RING_WIDTH];
	unsigned next, count;
	bool dirty;
	bool allocated;		/* Primary Flexible Allocation was asked for */
	enum nvsr_guard guard;
	char refused[80];	/* the first thing that the guard refused, or "" */
	void *host;		/* the access method's own state of the whole subsystem */
	void *vf_host;		/* that of the VFs' method, where it is another one */
	char gone[96];		/* what the operating system took away under us, "" = nothing */
	bool os_counts;		/* an operating system counts the VFs, and */
	unsigned os_vfs;	/* this is how many we left it */
	struct nvsr_dev *vfs;	/* open VFs */
};

/* What ctrl.c and queue.c know of an enabled controller. */
struct nvsr_ctrl {
	struct nvsr_queue *queues;	/* all, also those that a reset left behind */
	struct nvsr_queue *admin, *io;	/* live ones, else NULL */
	struct nvsr_req *reqs;		/* all requests that still have an owner */
	unsigned page;			/* bytes of a memory page, CC.MPS */
	unsigned db_stride;		/* bytes between doorbells */
	uint8_t *shadow;		/* shadow doorbells of I/O queues, or NULL */
	const uint8_t *event;		/* values at which the controller wants to be told */
	bool queues_granted;		/* Set Features 07h was done since CC.EN became 1 */
};

struct nvsr_dev {
	const struct nvsr_dev_ops *ops;
	struct nvsr_dev *pf;		/* itself for the PF */
	struct nvsr_dev *next_vf;
	struct nvsr_shared *shared;
	unsigned refs;			/* the PF: one for itself, one for each open VF */
	char *name;
	unsigned can, vfn, admin_timeout_ms;
	const struct nvsr_dev_ops *vf_ops;	/* the PF: the method that opens its VFs, */
	unsigned vf_can;		/* and what it will give */
	unsigned domain;		/* address space of its DMA memory, 0 the shared one */
	uint16_t rid;
	void *priv;			/* the access method's own state of this function */
	struct nvsr_ctrl ctrl;
};

/* --- device.c ---------------------------------------------------------------------------------------------------- */
/* A line of evidence, prefixed by the function. */
void nvsr_dev_note(struct nvsr_dev *d, const char *fmt, ...) NVSR_PRINTF(2, 3);
/* The same for a command and its result; @qid 0 is the admin queue. */
void nvsr_dev_note_cmd(struct nvsr_dev *d, unsigned qid, const struct nvsr_cmd *c, int rc);
/* Remember that an admin command changes what a snapshot covers. */
void nvsr_dev_changes(struct nvsr_dev *d, const struct nvsr_cmd *c);

/* What is wrong, for people; returns @rc. */
int nvsr_complain(struct nvsr_complaint *c, int rc, const char *fmt, ...) NVSR_PRINTF(3, 4);

/* --- guard.c: 0, or -EPERM for what nvsr_dev_guard() forbids ------------------------------------------------------- */
int nvsr_guard_cmd(struct nvsr_dev *d, bool io, const struct nvsr_cmd *c);
int nvsr_guard_cfg(struct nvsr_dev *d, unsigned off);
int nvsr_guard_reg(struct nvsr_dev *d, unsigned bar, uint64_t off, uint64_t val);
int nvsr_guard_reset(struct nvsr_dev *d, enum nvsr_reset how);
int nvsr_guard_vfs(struct nvsr_dev *d);

/* --- model.c, pair.c ------------------------------------------------------------------------------------------------- */
struct nvsr_model;
struct nvsr_model *nvsr_dev_model_of(struct nvsr_dev *d);	/* of a device of the model in this process */
/* Write a doorbell @at bytes behind the first, after all that was written before, and wake whoever is to look. */
void nvsr_doorbell_ring(const struct nvsr_doorbells *b, uint64_t at, uint32_t val);

/* --- ctrl.c: the controller over bar_read, bar_write and DMA memory ------------------------------------------------- */
int nvsr_ctrl_admin(struct nvsr_dev *d, struct nvsr_cmd *c);
/* The same with a PRP1 of the caller's, without data to bounce. */
int nvsr_ctrl_admin_prp(struct nvsr_dev *d, struct nvsr_cmd *c, uint64_t prp1);
int nvsr_ctrl_io(struct nvsr_dev *d, struct nvsr_cmd *c);
/* The controller was reset by other means: its queues are dead, their requests canceled.  Memory stays until the controller
 * is known to be quiet. */
void nvsr_ctrl_lost(struct nvsr_dev *d);
/* A register of the controller; all ones in *ret when nothing answers. */
int nvsr_ctrl_reg(struct nvsr_dev *d, unsigned off, unsigned len, uint64_t *ret);
/* True when it is enabled with queues of this driver. */
bool nvsr_ctrl_enabled(const struct nvsr_dev *d);
/* After a reset: as it was before, but for a secondary controller that is Offline, which cannot be enabled. */
int nvsr_ctrl_enable_again(struct nvsr_dev *d);
/* Controller Reset: disabled, and enabled again where it was. */
int nvsr_ctrl_reset(struct nvsr_dev *d);
/* Stop the controller if it answers and free everything; at close. */
void nvsr_ctrl_release(struct nvsr_dev *d);
/* The same for a function that is no longer there. */
void nvsr_ctrl_abandon(struct nvsr_dev *d);
/* Let the controller grant I/O queues once after it was enabled (Base 5.27.1.5: before the first one is created). */
void nvsr_ctrl_grant_queues(struct nvsr_dev *d);

/* --- queue.c ------------------------------------------------------------------------------------------------------------ */
struct nvsr_queue {
	struct nvsr_queue *next;
	struct nvsr_dev *d;
	void *sq_mem, *cq_mem;
	uint64_t sq_iova, cq_iova;
	struct nvsr_req **slot;		/* by command identifier */
	uint32_t completed;		/* entries of the completion queue so far */
	unsigned slots, busy;		/* never more commands than fit: min(SQ, CQ) - 1 */
	uint16_t qid, sq_entries, cq_entries, sq_tail, cq_head, next_cid;
	bool phase, dead, handed_out;	/* handed_out: a caller will destroy it */
};
/* Memory and bookkeeping only. */
int nvsr_queue_new(struct nvsr_dev *d, uint16_t qid, uint16_t sq_entries, uint16_t cq_entries, struct nvsr_queue **ret);
/* Cancel what is outstanding and free memory; the controller no longer touches it. */
void nvsr_queue_free(struct nvsr_queue *q);
void nvsr_queue_cancel(struct nvsr_queue *q);
void nvsr_reqs_free(struct nvsr_dev *d);

#endif
