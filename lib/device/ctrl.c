// SPDX-License-Identifier: GPL-2.0-or-later
/* A generic user-space NVMe driver: enables and disables the controller, makes queues, runs commands.  Base 3.5, 3.6. */
#include "device/private.h"

#define ADMIN_ENTRIES 32
#define IO_ENTRIES 64
#define TO_UNIT_MS 500		/* CAP.TO, Base 3.1.3.1 */
#define SHUTDOWN_MS 10000	/* for devices that report no RTD3 Entry Latency */
#define READY_BIT NVME_CSTS_RDY

int nvsr_ctrl_reg(struct nvsr_dev *d, unsigned off, unsigned len, uint64_t *ret)
{
	return d->ops->bar_read(d, 0, off, len, ret);
}

static int put(struct nvsr_dev *d, unsigned off, unsigned len, uint64_t val)
{
	return d->ops->bar_write(d, 0, off, len, val);
}

bool nvsr_ctrl_enabled(const struct nvsr_dev *d)
{
	return d->ctrl.admin != NULL;
}

void nvsr_ctrl_lost(struct nvsr_dev *d)
{
	for (struct nvsr_queue *q = d->ctrl.queues; q; q = q->next)
		nvsr_queue_cancel(q);
	d->ctrl.admin = d->ctrl.io = NULL;
	d->ctrl.queues_granted = false;
	nvsr_queue_shadow(d, NULL, NULL);
}

/* The controller is quiet: what it could touch may go.  Queues in a caller's hands wait for nvsr_queue_destroy(). */
static void drop_queues(struct nvsr_dev *d, bool all)
{
	struct nvsr_queue *q = d->ctrl.queues;

	nvsr_ctrl_lost(d);
	while (q) {
		struct nvsr_queue *next = q->next;

		if (all || !q->handed_out)
			nvsr_queue_free(q);
		q = next;
	}
}

/* --- enable, disable, shutdown ------------------------------------------------------------------------------------------ */

struct csts_wait { uint32_t mask, want, last; bool stop_on_cfs; };

static bool csts_is(struct nvsr_dev *d, void *arg)
{
	struct csts_wait *w = arg;
	uint64_t v;

	w->last = nvsr_ctrl_reg(d, NVME_REG_CSTS, 4, &v) ? UINT32_MAX : (uint32_t)v;
	return w->last == UINT32_MAX || (w->last & w->mask) == w->want || (w->stop_on_cfs && w->last & NVME_CSTS_CFS);
}

/* 0, -ENODEV nothing answers, -EIO Controller Fatal Status, -ETIMEDOUT. */
static int wait_csts(struct nvsr_dev *d, unsigned ms, struct csts_wait w)
{
	bool held = nvsr_dev_wait(d, ms, csts_is, &w);

	if (w.last == UINT32_MAX)
		return -ENODEV;
	if (w.stop_on_cfs && w.last & NVME_CSTS_CFS)
		return -EIO;
	return held ? 0 : -ETIMEDOUT;
}

static int read_regs(struct nvsr_dev *d, uint64_t *ret_cap, uint32_t *ret_cc)
{
	uint64_t cap, cc;
	int rc = nvsr_ctrl_reg(d, NVME_REG_CAP, 8, &cap);

	if (!rc)
		rc = nvsr_ctrl_reg(d, NVME_REG_CC, 4, &cc);
	if (!rc && (cap == UINT64_MAX || cc == UINT32_MAX))
		rc = -ENODEV;
	if (!rc) {
		*ret_cap = cap;
		*ret_cc = (uint32_t)cc;
	}
	return rc;
}

static unsigned ready_ms(uint64_t cap)
{
	/* CAP.TO 0 is reserved; one unit is the least that a device can mean. */
	return NVSR_MAX(NVME_CAP_TO(cap), 1u) * TO_UNIT_MS;
}

static int disable(struct nvsr_dev *d, uint64_t cap, uint32_t cc)
{
	int rc = 0;

	if (cc & NVME_CC_EN || NVME_CC_SHN(cc)) {
		rc = put(d, NVME_REG_CC, 4, cc & ~(NVME_CC_EN | NVME_CC_SHN_NORMAL | NVME_CC_SHN_ABRUPT));
		nvsr_ctrl_lost(d);
	}
	if (!rc)
		rc = wait_csts(d, ready_ms(cap), (struct csts_wait){ .mask = READY_BIT, .want = 0 });
	if (!rc)
		drop_queues(d, false);
	return rc;
}

void nvsr_ctrl_release(struct nvsr_dev *d)
{
	uint64_t cap;
	uint32_t cc;

	if (d->ctrl.queues && !read_regs(d, &cap, &cc))
		disable(d, cap, cc);
	nvsr_ctrl_abandon(d);
}

void nvsr_ctrl_abandon(struct nvsr_dev *d)
{
	drop_queues(d, true);
	nvsr_reqs_free(d);
}

static uint32_t cc_value(uint64_t cap)
{
	/* Base 3.1.3.1: CSS bit 0 the NVM Command Set, bit 6 command sets by Set Features, bit 7 none. */
	uint32_t css = NVME_CAP_CSS(cap) & 0x01 ? 0 : NVME_CAP_CSS(cap) & 0x40 ? 6 : 7;

	return NVME_CC_EN | css << 4 | NVME_CAP_MPSMIN(cap) << 7 | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16;
}

static int program(struct nvsr_dev *d, uint64_t cap, struct nvsr_queue *q)
{
	int rc = put(d, NVME_REG_AQA, 4, (uint32_t)(q->cq_entries - 1) << 16 | (q->sq_entries - 1u));

	if (!rc)
		rc = put(d, NVME_REG_ASQ, 8, q->sq_iova);
	if (!rc)
		rc = put(d, NVME_REG_ACQ, 8, q->cq_iova);
	if (!rc)
		rc = d->ops->irq_setup(d);
	if (!rc)
		rc = put(d, NVME_REG_CC, 4, cc_value(cap));
	return rc;
}

static int enable(struct nvsr_dev *d, uint64_t cap)
{
	struct nvsr_queue *q;
	int rc, stopped;

	d->ctrl.page = 4096u << NVME_CAP_MPSMIN(cap);
	d->ctrl.db_stride = 4u << NVME_CAP_DSTRD(cap);
	rc = nvsr_queue_new(d, 0, ADMIN_ENTRIES, ADMIN_ENTRIES, &q);
	if (rc)
		return rc;
	rc = program(d, cap, q);
	if (!rc)
		rc = wait_csts(d, ready_ms(cap), (struct csts_wait){ .mask = READY_BIT, .want = READY_BIT, .stop_on_cfs = true });
	if (!rc) {
		d->ctrl.admin = q;
		return 0;
	}
	nvsr_queue_cancel(q);
	stopped = put(d, NVME_REG_CC, 4, cc_value(cap) & ~NVME_CC_EN);
	if (!stopped)
		stopped = wait_csts(d, ready_ms(cap), (struct csts_wait){ .mask = READY_BIT, .want = 0 });
	if (!stopped || stopped == -ENODEV)
		nvsr_queue_free(q);
	return rc;
}

/* Enabled by us and not touched since by anybody else. */
static bool still_ours(struct nvsr_dev *d, uint32_t cc)
{
	uint64_t csts, asq;

	return nvsr_ctrl_enabled(d) && cc & NVME_CC_EN && !NVME_CC_SHN(cc) &&
	       !nvsr_ctrl_reg(d, NVME_REG_CSTS, 4, &csts) && csts & NVME_CSTS_RDY &&
	       !nvsr_ctrl_reg(d, NVME_REG_ASQ, 8, &asq) && asq == d->ctrl.admin->sq_iova;
}

int nvsr_ctrl_enable(struct nvsr_dev *d)
{
	uint64_t cap;
	uint32_t cc;
	int rc;

	if (!(d->can & NVSR_CAN_QUEUES))
		return -ENOTSUP;
	rc = read_regs(d, &cap, &cc);
	if (!rc && still_ours(d, cc))
		return 0;
	if (!rc)
		rc = disable(d, cap, cc);
	if (!rc)
		rc = enable(d, cap);
	nvsr_dev_note(d, "controller enable -> %s", rc ? strerror(-rc) : "ready");
	return rc;
}

int nvsr_ctrl_disable(struct nvsr_dev *d)
{
	uint64_t cap;
	uint32_t cc;
	int rc;

	if (!(d->can & NVSR_CAN_QUEUES))
		return -ENOTSUP;
	rc = nvsr_guard_reset(d, NVSR_RESET_CTRL);
	if (rc)
		return rc;
	d->shared->dirty = true;
	rc = read_regs(d, &cap, &cc);
	if (!rc)
		rc = disable(d, cap, cc);
	nvsr_dev_note(d, "controller disable -> %s", rc ? strerror(-rc) : "not ready");
	return rc;
}

int nvsr_ctrl_enable_again(struct nvsr_dev *d)
{
	uint64_t csts;

	if (d->vfn && !nvsr_ctrl_reg(d, NVME_REG_CSTS, 4, &csts) && csts & NVME_CSTS_CFS)
		return 0;
	return nvsr_ctrl_enable(d);
}

int nvsr_ctrl_reset(struct nvsr_dev *d)
{
	bool was = nvsr_ctrl_enabled(d);
	int rc = nvsr_ctrl_disable(d);

	return rc || !was ? rc : nvsr_ctrl_enable_again(d);
}

int nvsr_ctrl_shutdown(struct nvsr_dev *d, bool abrupt)
{
	const uint32_t shn = NVME_CC_SHN_NORMAL | NVME_CC_SHN_ABRUPT;
	uint64_t cap;
	uint32_t cc;
	int rc;

	if (!(d->can & NVSR_CAN_QUEUES))
		return -ENOTSUP;
	rc = nvsr_guard_reset(d, NVSR_RESET_CTRL);
	if (rc)
		return rc;
	d->shared->dirty = true;
	rc = read_regs(d, &cap, &cc);
	if (!rc)
		rc = put(d, NVME_REG_CC, 4, (cc & ~shn) | (abrupt ? NVME_CC_SHN_ABRUPT : NVME_CC_SHN_NORMAL));
	if (!rc)
		rc = wait_csts(d, NVSR_MAX(ready_ms(cap), (unsigned)SHUTDOWN_MS),
			       (struct csts_wait){ .mask = 3u << 2, .want = 2u << 2 });
	nvsr_dev_note(d, "%s shutdown -> %s", abrupt ? "abrupt" : "normal", rc ? strerror(-rc) : "complete");
	/* Commands are no longer fetched; the memory stays until the controller is disabled. */
	if (!rc)
		nvsr_ctrl_lost(d);
	return rc;
}

/* --- commands --------------------------------------------------------------------------------------------------------------- */

static int run(struct nvsr_queue *q, struct nvsr_cmd *c, unsigned default_ms, uint64_t prp1)
{
	struct nvsr_req *r;
	int rc = nvsr_queue_submit_prp(q, c, prp1, &r);

	return rc ? rc : nvsr_req_wait(r, c->timeout_ms ? c->timeout_ms : default_ms, c);
}

int nvsr_ctrl_admin(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	return nvsr_ctrl_enabled(d) ? run(d->ctrl.admin, c, d->admin_timeout_ms, 0) : -ENOTCONN;
}

int nvsr_ctrl_admin_prp(struct nvsr_dev *d, struct nvsr_cmd *c, uint64_t prp1)
{
	return nvsr_ctrl_enabled(d) ? run(d->ctrl.admin, c, d->admin_timeout_ms, prp1) : -ENOTCONN;
}

struct nvsr_queue *nvsr_queue_admin(struct nvsr_dev *d)
{
	return d->ctrl.admin;
}

void nvsr_ctrl_grant_queues(struct nvsr_dev *d)
{
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_SET_FEATURES, .cdw10 = NVME_FEAT_NUM_QUEUES,
		.cdw11 = 0xfffeu << 16 | 0xfffeu,	/* as many as there are, Base 5.27.1.5 */
	};

	if (nvsr_ctrl_enabled(d) && !d->ctrl.queues_granted)
		nvsr_ctrl_admin(d, &c);
}

/* --- I/O queues --------------------------------------------------------------------------------------------------------------- */

static int delete_queue(struct nvsr_dev *d, uint8_t opcode, uint16_t qid)
{
	struct nvsr_cmd c = { .opcode = opcode, .cdw10 = qid };

	return nvsr_ctrl_admin(d, &c);
}

static int create_pair(struct nvsr_queue *q, const struct nvsr_queue_opts *o)
{
	struct nvsr_dev *d = q->d;
	struct nvsr_cmd cq = {
		.opcode = NVME_ADMIN_CREATE_CQ, .cdw10 = (uint32_t)(o->cq_entries - 1) << 16 | o->qid,
		.cdw11 = (uint32_t)o->vector << 16 | (o->irq ? 2u : 0) | 1u,	/* physically contiguous */
	};
	struct nvsr_cmd sq = {
		.opcode = NVME_ADMIN_CREATE_SQ, .cdw10 = (uint32_t)(o->sq_entries - 1) << 16 | o->qid,
		.cdw11 = (uint32_t)o->qid << 16 | 1u,
	};
	int rc = run(d->ctrl.admin, &cq, d->admin_timeout_ms, q->cq_iova);

	if (rc)
		return rc;
	rc = nvsr_ctrl_enabled(d) ? run(d->ctrl.admin, &sq, d->admin_timeout_ms, q->sq_iova) : -ECANCELED;
	if (rc)
		delete_queue(d, NVME_ADMIN_DELETE_CQ, o->qid);
	return rc;
}

int nvsr_queue_create(struct nvsr_dev *d, const struct nvsr_queue_opts *o, struct nvsr_queue **ret)
{
	struct nvsr_queue *q;
	int rc;

	if (!(d->can & NVSR_CAN_QUEUES))
		return -ENOTSUP;
	nvsr_ctrl_grant_queues(d);
	if (!nvsr_ctrl_enabled(d))
		return -ENOTCONN;
	rc = nvsr_queue_new(d, o->qid, o->sq_entries, o->cq_entries, &q);
	if (rc)
		return rc;
	rc = create_pair(q, o);
	if (rc == -ETIMEDOUT)
		nvsr_queue_cancel(q);	/* the controller may still have it: kept until it is reset */
	else if (rc)
		nvsr_queue_free(q);
	if (rc)
		return rc;
	q->handed_out = true;
	*ret = q;
	return 0;
}

int nvsr_queue_destroy(struct nvsr_queue *q)
{
	struct nvsr_dev *d;
	int rc = 0;

	if (!q)
		return 0;
	d = q->d;
	if (q == d->ctrl.io)
		d->ctrl.io = NULL;
	if (!q->dead && nvsr_ctrl_enabled(d)) {
		rc = delete_queue(d, NVME_ADMIN_DELETE_SQ, q->qid);
		if (!rc)
			rc = delete_queue(d, NVME_ADMIN_DELETE_CQ, q->qid);
	}
	q->handed_out = false;
	/* Memory that the controller may still touch is kept until it is reset. */
	if (rc)
		nvsr_queue_cancel(q);
	else
		nvsr_queue_free(q);
	return rc;
}

static uint16_t free_qid(const struct nvsr_dev *d)
{
	uint16_t qid = 1;

	for (const struct nvsr_queue *q = d->ctrl.queues; q;) {
		if (!q->dead && q->qid == qid) {
			qid++;
			q = d->ctrl.queues;
		} else {
			q = q->next;
		}
	}
	return qid;
}

/* The vector of our own I/O queue: the second one where there are two. */
static uint16_t io_vector(struct nvsr_dev *d)
{
	unsigned pos;
	uint32_t ctrl;

	if (nvsr_cfg_find_cap(d, PCI_CAP_MSIX, &pos) || !pos || nvsr_cfg_read(d, pos + PCI_MSIX_CTRL, 2, &ctrl))
		return 0;
	return ctrl & PCI_MSIX_CTRL_TS ? 1 : 0;
}

static int io_queue(struct nvsr_dev *d)
{
	struct nvsr_queue_opts o = { .qid = free_qid(d), .sq_entries = IO_ENTRIES, .cq_entries = IO_ENTRIES, .irq = true };
	struct nvsr_queue *q;
	uint64_t cap;
	uint32_t cc;
	int rc = read_regs(d, &cap, &cc);

	if (rc)
		return rc;
	o.sq_entries = o.cq_entries = (uint16_t)NVSR_MIN((unsigned)IO_ENTRIES, NVME_CAP_MQES(cap) + 1);
	o.vector = io_vector(d);
	rc = nvsr_queue_create(d, &o, &q);
	if (!rc) {
		q->handed_out = false;
		d->ctrl.io = q;
	}
	return rc;
}

int nvsr_ctrl_io(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	int rc;

	if (!nvsr_ctrl_enabled(d))
		return -ENOTCONN;
	rc = d->ctrl.io ? 0 : io_queue(d);
	return rc ? rc : run(d->ctrl.io, c, NVSR_IO_TIMEOUT_MS, 0);
}
