/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reset groups share: functions under load.  A load is a queue of our own with Writes that nobody reaped yet, an
 * Asynchronous Event Request that waits, acknowledged data, and the properties as they were.  After the reset of one
 * function its own load must have ended cleanly, and every other one must not have noticed.
 */
#ifndef NVSR_SUITES_RESET_H
#define NVSR_SUITES_RESET_H

#include "suites/data.h"
#include "suites/pf/pf.h"
#include "suites/vf/vf.h"

/* Loads need queues, properties and AERs; bus mastering is switched off for commands that shall wait. */
#define RST_NEED (DAT_NEED_VFS | NVSR_NEED(QUEUES) | NVSR_NEED(AER) | NVSR_NEED(REG_READ) | NVSR_NEED(REG_WRITE))
#define RST_NEED_CFG (RST_NEED | NVSR_NEED(CFG_READ) | NVSR_NEED(CFG_WRITE))
/* The same where nothing but VFs is reset: the PF may have a driver of its own, whose queues its load uses then. */
#define RST_NEED_VF (DAT_NEED_VFS | NVSR_NEED(VF_QUEUES) | NVSR_NEED(VF_AER) | NVSR_NEED(REG_READ) | NVSR_NEED(VF_REG_WRITE))
#define RST_NEED_VF_CFG (RST_NEED_VF | NVSR_NEED(CFG_READ) | NVSR_NEED(VF_CFG_WRITE))

/* Text for the `what` of a check; valid until some 30 calls later. */
const char *rst_text(const char *fmt, ...) NVSR_PRINTF(1, 2);

/* --- the load of one function -------------------------------------------------------------------------------------- */
#define RST_FLIGHT 6u		/* Writes in flight, one block each */
struct rst_regs { uint64_t cc, csts, aqa, asq, acq; };
struct rst_load {
	struct nvsr_dev *dev;
	const struct dat_ns *ns;
	uint64_t base;			/* its blocks of the shared namespace */
	struct nvsr_queue *q;
	struct nvsr_req *flight[RST_FLIGHT], *aer;
	struct rst_regs regs;
	unsigned round;			/* of Writes in flight */
	bool events;			/* an invalid doorbell write was reported when the load began */
	bool begun;
};

/* The PF (0), VF 1 and VF 2, one shared namespace on each of them. */
struct rst_set { struct dat_shared on; struct rst_load load[DAT_CTRLS]; };
/* Everything prepared, no load yet; a load on all three.  False after recording. */
bool rst_prepare(struct nvsr_ctx *t, struct rst_set *s);
bool rst_begin(struct nvsr_ctx *t, struct rst_set *s);
/* A load on one function; rst_end() of it. */
bool rst_load(struct nvsr_ctx *t, struct rst_set *s, unsigned i);
void rst_unload(struct rst_load *l);
/* Queues and requests go, each controller that still answers gets a Controller Reset, the PF last. */
void rst_end(struct rst_set *s);
#define _cleanup_rst_ NVSR_CLEANUP(rst_end)

/* The next Writes in flight: the former ones, if any, are waited for.  False after recording. */
bool rst_fly(struct nvsr_ctx *t, struct rst_load *l);
/* One Write and Read on the queue of the load; false after a failed check. */
bool rst_still_works(struct nvsr_ctx *t, struct rst_load *l, const char *when);

/*
 * @l of a function that was not reset: properties as they were, Writes in flight complete and interrupt, the queue works
 * on from where it was, data is as written, and the AER is outstanding and reports an event where it did before.
 */
void rst_check_unnoticed(struct nvsr_ctx *t, struct rst_load *l, const char *when);
/*
 * @l of a function that was reset, through @via (@l itself once it was unloaded and is enabled again): acknowledged data
 * is there, what was in flight is there or is not - each block whole - and does not change any more.
 */
void rst_check_settled(struct nvsr_ctx *t, struct rst_load *l, struct rst_load *via, const char *when);

/* "after FLR of VF 1": valid until the fourth call after. */
const char *rst_after(unsigned vfn, const char *what);
/* CNS 15h of VF @vfn, all zero where there is no Virtualization Management; the same after a reset of the VF. */
bool rst_entry(struct nvsr_ctx *t, unsigned vfn, struct nvme_secondary_ctrl *ret);
void rst_check_entry(struct nvsr_ctx *t, const struct nvme_secondary_ctrl *before, const char *when);

/* --- commands that a controller could not fetch before its reset: they must never run ------------------------------ */
struct rst_held {
	struct rst_load *load;
	uint8_t *buf;
	struct nvsr_req *read, *write;
};
/* Clears Bus Master Enable of the function, then submits a Read and a Write. */
bool rst_hold(struct nvsr_ctx *t, struct rst_held *h, struct rst_load *l);
int rst_bus_master(struct nvsr_dev *d, bool on);
/* Bus Master Enable is set again, whatever the controller does now: no data arrived, nothing was written. */
void rst_check_never(struct nvsr_ctx *t, struct rst_held *h, struct rst_load *via, const char *when);
void rst_release(struct rst_held *h);
#define _cleanup_held_ NVSR_CLEANUP(rst_release)

/* --- resets by properties and configuration space, without waiting -------------------------------------------------- */
int rst_write_en(struct nvsr_dev *d, bool on);
/* After that: Controller Reset, and the controller enabled with a new admin queue. */
int rst_renew(struct nvsr_dev *d);
int rst_start_flr(struct nvsr_dev *d);
/* The VF Online and enabled again on a handle of its own, whatever handle has it open. */
bool rst_vf_again(struct nvsr_ctx *t, unsigned vfn, struct nvsr_dev **ret);

/* --- acknowledged data without a load, for access methods without queues of our own ----------------------------- */
struct rst_data { struct dat_ns shared, own; };
/* A shared namespace on PF and VF 1 and one on VF 1 alone, both written through VF 1. */
bool rst_data_write(struct nvsr_ctx *t, struct rst_data *d);
/* The same once more. */
bool rst_data_refresh(struct nvsr_ctx *t, struct nvsr_dev *vf, const struct rst_data *d);
/*
 * Both as written, through VF 1 and - the shared one - through the PF.  @again: VFs are enabled anew, and the namespaces are
 * attached where they no longer are, which is judged elsewhere.
 */
void rst_data_check(struct nvsr_ctx *t, const struct rst_data *d, bool again, const char *when);

#endif
