// SPDX-License-Identifier: GPL-2.0-or-later
/* Helpers of the reset groups: loads, commands that wait, acknowledged data. */
#include <stdarg.h>

#include "reset.h"

/* The blocks of a load, from its base. */
enum { ACKED = 0, ACKED_NLB = 4, FLIGHT = 8, HELD = 16, OVERWRITTEN = 24, SPAN = 32 };
/* Tags; + index of the load where they may meet. */
enum { TAG_ACKED = 100, TAG_OVER = 110, TAG_OLD = 120, TAG_ALIVE = 130, TAG_NEVER = 140, TAG_FLIGHT = 1000 };
#define ENTRIES 16u
#define MAX_QID 8u
#define WAIT_MS 10000u
#define EVENT_MS 200u
#define LATE_MS 500u		/* a command that runs after the reset of its controller has run by then */
#define NO_QUEUE 15u		/* above every queue here: MAX_QID for ours, one for the driver's own */

const char *rst_text(const char *fmt, ...)
{
	static char buf[32][160];
	static unsigned next;
	char *s = buf[next++ % NVSR_ARRAY_SIZE(buf)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(buf[0]), fmt, ap);
	va_end(ap);
	return s;
}

/* --- commands on the queue of a load ---------------------------------------------------------------------------- */

static int submit(struct rst_load *l, bool write, uint64_t slba, unsigned nlb, void *buf, struct nvsr_req **ret)
{
	struct nvsr_cmd c = {
		.opcode = write ? NVME_CMD_WRITE : NVME_CMD_READ, .nsid = l->ns->nsid, .cdw10 = (uint32_t)slba,
		.cdw11 = (uint32_t)(slba >> 32), .cdw12 = nlb - 1, .data = buf, .data_len = nlb * l->ns->bs,
	};

	return nvsr_queue_submit(l->q, &c, ret);
}

/* On the queue of the load or - where it has none, or that has ended - on the driver's own. */
static int rw(struct rst_load *l, bool write, uint64_t slba, unsigned nlb, void *buf)
{
	struct nvsr_cmd done;	/* with it comes the data */
	struct nvsr_req *r;
	int rc;

	if (!l->q)
		return nvsr_rw(l->dev, write, l->ns->nsid, slba, nlb, buf, nlb * l->ns->bs);
	rc = submit(l, write, slba, nlb, buf, &r);
	return rc ? rc : nvsr_req_wait(r, WAIT_MS, &done);
}

/* Blocks written and acknowledged. */
static int put(struct rst_load *l, uint64_t slba, unsigned nlb, unsigned tag)
{
	_cleanup_free_ uint8_t *buf = malloc(l->ns->bs);
	int rc = buf ? 0 : -ENOMEM;

	for (unsigned i = 0; !rc && i < nlb; i++) {
		dat_fill(buf, l->ns, slba + i, 1, tag);
		rc = rw(l, true, slba + i, 1, buf);
	}
	return rc;
}

static int get(struct rst_load *l, uint64_t slba, unsigned nlb, uint8_t *buf)
{
	int rc = 0;

	memset(buf, 0, (size_t)nlb * l->ns->bs);
	for (unsigned i = 0; !rc && i < nlb; i++)
		rc = rw(l, false, slba + i, 1, buf + i * l->ns->bs);
	return rc;
}

/* Any queue id that is free: the driver's own I/O queue may have the first. */
static int make_queue(struct rst_load *l)
{
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = ENTRIES, .cq_entries = ENTRIES, .irq = true };
	int rc;

	do
		rc = nvsr_queue_create(l->dev, &o, &l->q);
	while (rc == NVME_SC_QID_INVALID && o.qid++ < MAX_QID);
	return rc;
}

static int read_regs(struct nvsr_dev *d, struct rst_regs *ret)
{
	int rc = nvsr_reg_read(d, NVME_REG_CC, 4, &ret->cc);

	if (!rc)
		rc = nvsr_reg_read(d, NVME_REG_CSTS, 4, &ret->csts);
	if (!rc)
		rc = nvsr_reg_read(d, NVME_REG_AQA, 4, &ret->aqa);
	if (!rc)
		rc = nvsr_reg_read(d, NVME_REG_ASQ, 8, &ret->asq);
	if (!rc)
		rc = nvsr_reg_read(d, NVME_REG_ACQ, 8, &ret->acq);
	return rc;
}

/* --- Asynchronous Event Requests -------------------------------------------------------------------------------- */

static bool req_done(struct nvsr_dev *d, void *arg)
{
	return nvsr_req_done(arg, NULL);
}

/* One request that stays: events that were waiting are read away. */
static int wait_for_event(struct rst_load *l)
{
	struct nvsr_cmd aer = { .opcode = NVME_ADMIN_AER }, c;
	uint8_t log[4096];

	for (unsigned tries = 0; tries < 16; tries++) {
		struct nvsr_queue *q = nvsr_queue_admin(l->dev);
		int rc = q ? nvsr_queue_submit(q, &aer, &l->aer) : -ENOTCONN;

		if (rc)
			return rc;
		if (!nvsr_dev_wait(l->dev, EVENT_MS, req_done, l->aer))
			return 0;
		rc = nvsr_req_wait(l->aer, 0, &c);
		l->aer = NULL;
		if (rc)
			return rc;
		nvsr_get_log(l->dev, c.dw0 >> 16 & 0xff, NVME_NSID_ALL, false, log, sizeof(log));
	}
	return -EBUSY;
}

/*
 * A write to the doorbell of a queue that does not exist is an Error event of this controller, Base 5.2.  *ret: whether the
 * request that waits reported it; then the next one waits.
 */
static int provoke(struct rst_load *l, bool *ret)
{
	uint8_t log[4096];
	uint64_t cap;
	int rc = nvsr_reg_read(l->dev, NVME_REG_CAP, 8, &cap);

	if (!rc)
		rc = nvsr_reg_write(l->dev, NVME_REG_DBS + 2 * NO_QUEUE * (4u << NVME_CAP_DSTRD(cap)), 4, 1);
	if (rc)
		return rc;
	*ret = nvsr_dev_wait(l->dev, EVENT_MS, req_done, l->aer);
	if (!*ret)
		return 0;
	nvsr_get_log(l->dev, NVME_LOG_ERROR, NVME_NSID_ALL, false, log, sizeof(log));
	nvsr_req_forget(l->aer);
	l->aer = NULL;
	return wait_for_event(l);
}

static void check_event(struct nvsr_ctx *t, struct rst_load *l, const char *when)
{
	bool told = false;

	if (!l->aer)
		return;
	if (!CHECK(t, !nvsr_req_done(l->aer, NULL), "an Asynchronous Event Request waits for an event",
		   "%s: %s completed it without one", when, nvsr_dev_name(l->dev)))
		return;
	if (!l->events)
		return;
	PREPARE(t, "an Error event", provoke(l, &told));
	CHECK(t, told, "the Asynchronous Event Request is still there and reports an event",
	      "%s: an invalid doorbell write on %s was not reported", when, nvsr_dev_name(l->dev));
}

/* --- begin and end of a load ------------------------------------------------------------------------------------ */

bool rst_prepare(struct nvsr_ctx *t, struct rst_set *s)
{
	if (!dat_shared(t, &s->on))
		return false;
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		s->load[i] = (struct rst_load){ .ns = &s->on.ns, .base = i * SPAN };
	return true;
}

static int acknowledged(struct rst_load *l)
{
	unsigned i = (unsigned)(l->base / SPAN);
	int rc = put(l, l->base + ACKED, ACKED_NLB, TAG_ACKED + i);

	if (!rc)
		rc = put(l, l->base + FLIGHT, RST_FLIGHT, TAG_OLD);
	if (!rc)
		rc = put(l, l->base + HELD, 1, TAG_OLD);
	/* Written here, then by the PF: a command that runs twice brings the old data back. */
	if (!rc)
		rc = put(l, l->base + OVERWRITTEN, 1, TAG_OLD);
	return rc;
}

bool rst_load(struct nvsr_ctx *t, struct rst_set *s, unsigned i)
{
	struct rst_load *l = &s->load[i];
	bool raw = nvsr_dev_can(s->on.on[i]) & NVSR_CAN_QUEUES;
	int rc;

	l->dev = s->on.on[i];
	l->round = 0;
	rc = raw ? make_queue(l) : 0;
	if (!rc)
		rc = acknowledged(l);
	if (!rc && raw)
		rc = wait_for_event(l);
	if (!rc && raw)
		rc = provoke(l, &l->events);
	if (!rc && i && s->load[0].begun)
		rc = put(&s->load[0], l->base + OVERWRITTEN, 1, TAG_OVER);
	if (!rc)
		rc = read_regs(l->dev, &l->regs);
	l->begun = !rc;
	return CHECK_OK(t, rst_text("I/O queue, Writes and an AER on %s", nvsr_dev_name(l->dev)), rc) && rst_fly(t, l);
}

bool rst_begin(struct nvsr_ctx *t, struct rst_set *s)
{
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		if (!rst_load(t, s, i))
			return false;
	return true;
}

void rst_unload(struct rst_load *l)
{
	for (unsigned i = 0; i < RST_FLIGHT; i++)
		if (l->flight[i])
			nvsr_req_forget(l->flight[i]);
	if (l->aer)
		nvsr_req_forget(l->aer);
	nvsr_queue_destroy(l->q);
	memset(l->flight, 0, sizeof(l->flight));
	l->aer = NULL;
	l->q = NULL;
	l->begun = false;
}

void rst_end(struct rst_set *s)
{
	for (unsigned i = DAT_CTRLS; i--;) {
		if (!s->load[i].dev)
			continue;
		rst_unload(&s->load[i]);
		rst_renew(s->load[i].dev);
	}
}

/* --- Writes in flight ------------------------------------------------------------------------------------------- */

static unsigned flight_tag(const struct rst_load *l)
{
	return TAG_FLIGHT + (unsigned)l->base + l->round;
}

/* Wait for all; the first result that is no success. */
static int land(struct rst_load *l)
{
	int rc = 0;

	for (unsigned i = 0; i < RST_FLIGHT; i++) {
		int one = l->flight[i] ? nvsr_req_wait(l->flight[i], WAIT_MS, NULL) : 0;

		l->flight[i] = NULL;
		rc = rc ? rc : one;
	}
	return rc;
}

bool rst_fly(struct nvsr_ctx *t, struct rst_load *l)
{
	_cleanup_free_ uint8_t *buf = malloc(l->ns->bs);
	int rc = buf ? land(l) : -ENOMEM;

	l->round++;
	if (!rc && !l->q)	/* a driver's queue: the Writes complete one by one */
		rc = put(l, l->base + FLIGHT, RST_FLIGHT, flight_tag(l));
	for (unsigned i = 0; l->q && !rc && i < RST_FLIGHT; i++) {
		dat_fill(buf, l->ns, l->base + FLIGHT + i, 1, flight_tag(l));
		rc = submit(l, true, l->base + FLIGHT + i, 1, buf, &l->flight[i]);
	}
	return CHECK_OK(t, rst_text("Writes in flight on %s", nvsr_dev_name(l->dev)), rc);
}

bool rst_still_works(struct nvsr_ctx *t, struct rst_load *l, const char *when)
{
	_cleanup_free_ uint8_t *buf = calloc(1, l->ns->bs);
	uint64_t lba = l->base + HELD;
	int rc = buf ? put(l, lba, 1, TAG_ALIVE) : -ENOMEM;

	if (!rc)
		rc = rw(l, false, lba, 1, buf);
	if (!CHECK_OK(t, rst_text("%s, I/O on %s", when, nvsr_dev_name(l->dev)), rc))
		return false;
	return CHECK(t, dat_holds(buf, l->ns, lba, 1, TAG_ALIVE), "a Read returns what was written before it",
		     "%s: other data on %s", when, nvsr_dev_name(l->dev));
}

static void check_blocks(struct nvsr_ctx *t, struct rst_load *l, uint64_t slba, unsigned nlb, unsigned tag, const char *when)
{
	_cleanup_free_ uint8_t *buf = calloc(nlb, l->ns->bs);
	int rc = buf ? get(l, slba, nlb, buf) : -ENOMEM;

	if (CHECK_OK(t, rst_text("%s, Read on %s", when, nvsr_dev_name(l->dev)), rc))
		CHECK(t, dat_holds(buf, l->ns, slba, nlb, tag), "blocks read as they were last written",
		      "%s: other data in blocks %llu to %llu on %s", when, (unsigned long long)slba,
		      (unsigned long long)slba + nlb - 1, nvsr_dev_name(l->dev));
}

static void check_regs(struct nvsr_ctx *t, struct rst_load *l, const char *when)
{
	struct rst_regs now;

	PREPARE(t, "reading properties", read_regs(l->dev, &now));
	CHECK_EQ(t, rst_text("%s, CC of %s", when, nvsr_dev_name(l->dev)), l->regs.cc, now.cc);
	CHECK_EQ(t, rst_text("%s, CSTS of %s", when, nvsr_dev_name(l->dev)), l->regs.csts, now.csts);
	CHECK(t, l->regs.aqa == now.aqa && l->regs.asq == now.asq && l->regs.acq == now.acq,
	      "AQA, ASQ and ACQ stay", "%s, %s: %llXh, %llXh, %llXh", when, nvsr_dev_name(l->dev),
	      (unsigned long long)now.aqa, (unsigned long long)now.asq, (unsigned long long)now.acq);
}

void rst_check_unnoticed(struct nvsr_ctx *t, struct rst_load *l, const char *when)
{
	unsigned i = (unsigned)(l->base / SPAN);
	uint64_t before;
	bool counts;

	check_regs(t, l, when);
	if (!CHECK_OK(t, rst_text("%s, Writes in flight on %s", when, nvsr_dev_name(l->dev)), land(l)))
		return;
	counts = !nvsr_irq_settled(l->dev, 0, &before);
	if (!rst_still_works(t, l, when))
		return;
	if (counts)
		CHECK(t, nvsr_irq_wait(l->dev, 0, before, NVSR_ARRIVE_MS), "completions interrupt", "%s: no message of %s for a Write and a Read", when,
		      nvsr_dev_name(l->dev));
	check_blocks(t, l, l->base + FLIGHT, RST_FLIGHT, flight_tag(l), when);
	check_blocks(t, l, l->base + ACKED, ACKED_NLB, TAG_ACKED + i, when);
	if (i)
		check_blocks(t, l, l->base + OVERWRITTEN, 1, TAG_OVER, when);
	check_event(t, l, when);
}

/* --- CNS 15h ------------------------------------------------------------------------------------------------------ */

const char *rst_after(unsigned vfn, const char *what)
{
	static char buf[4][64];
	static unsigned next;
	char *s = buf[next++ % NVSR_ARRAY_SIZE(buf)];

	snprintf(s, sizeof(buf[0]), "after %s of VF %u", what, vfn);
	return s;
}

bool rst_entry(struct nvsr_ctx *t, unsigned vfn, struct nvme_secondary_ctrl *ret)
{
	int scid;

	memset(ret, 0, sizeof(*ret));
	if (!(t->inv->has & NVSR_NEED(VIRT_MGMT)))
		return true;
	scid = nvsr_t_scid(t, vfn);
	return scid >= 0 && vf_entry(t, (uint16_t)scid, ret);
}

void rst_check_entry(struct nvsr_ctx *t, const struct nvme_secondary_ctrl *before, const char *when)
{
	if (t->inv->has & NVSR_NEED(VIRT_MGMT))
		vf_check_entry(t, when, le16_get(before->scid), before->scs & NVME_SCS_ONLINE, le16_get(before->nvq),
			       le16_get(before->nvi));
}

/* --- after the reset -------------------------------------------------------------------------------------------- */

void rst_check_settled(struct nvsr_ctx *t, struct rst_load *l, struct rst_load *via, const char *when)
{
	size_t bs = l->ns->bs, len = RST_FLIGHT * bs;
	_cleanup_free_ uint8_t *first = calloc(RST_FLIGHT, bs), *second = calloc(RST_FLIGHT, bs), *acked = calloc(ACKED_NLB, bs);
	uint64_t at = l->base + FLIGHT;
	unsigned torn = 0;

	if (!first || !second || !acked)
		BROKEN(t, "no memory");
	MUST_OK(t, rst_text("%s, Read of acknowledged data", when), get(via, l->base + ACKED, ACKED_NLB, acked));
	CHECK(t, dat_holds(acked, l->ns, l->base + ACKED, ACKED_NLB, TAG_ACKED + (unsigned)(l->base / SPAN)),
	      "data of acknowledged Writes stays", "%s: other data of %s, seen through %s", when, nvsr_dev_name(l->dev),
	      nvsr_dev_name(via->dev));
	MUST_OK(t, rst_text("%s, Read of blocks in flight", when), get(via, at, RST_FLIGHT, first));
	for (unsigned i = 0; i < RST_FLIGHT; i++)
		torn += !dat_holds(first + i * bs, l->ns, at + i, 1, TAG_OLD) &&
			!dat_holds(first + i * bs, l->ns, at + i, 1, flight_tag(l)) &&
			!(l->round > 1 && dat_holds(first + i * bs, l->ns, at + i, 1, flight_tag(l) - 1));
	CHECK(t, !torn, "a block in flight is as before or as written, whole", "%s: %u of %u blocks are neither", when, torn,
	      RST_FLIGHT);
	nvsr_dev_sleep_ms(t->pf, LATE_MS);
	MUST_OK(t, rst_text("%s, Read again", when), get(via, at, RST_FLIGHT, second));
	CHECK(t, !memcmp(first, second, len), "commands in flight complete before the reset or never",
	      "%s: blocks in flight changed later", when);
}

/* --- commands that wait ----------------------------------------------------------------------------------------- */

int rst_bus_master(struct nvsr_dev *d, bool on)
{
	uint32_t v = 0;
	int rc = nvsr_cfg_read(d, PCI_COMMAND, 2, &v);

	v = on ? v | PCI_COMMAND_MASTER : v & ~(uint32_t)PCI_COMMAND_MASTER;
	return rc ? rc : nvsr_cfg_write(d, PCI_COMMAND, 2, v);
}

bool rst_hold(struct nvsr_ctx *t, struct rst_held *h, struct rst_load *l)
{
	struct nvsr_cmd c = { .opcode = NVME_CMD_READ, .nsid = l->ns->nsid, .cdw10 = (uint32_t)(l->base + ACKED) };
	_cleanup_free_ uint8_t *data = malloc(l->ns->bs);
	uint64_t iova;
	int rc;

	*h = (struct rst_held){ .load = l };
	h->buf = nvsr_dma_alloc(l->dev, l->ns->bs, &iova);
	rc = h->buf && data ? rst_bus_master(l->dev, false) : -ENOMEM;
	if (!rc) {
		memset(h->buf, 0xa5, l->ns->bs);
		dat_fill(data, l->ns, l->base + HELD, 1, TAG_NEVER);
		rc = nvsr_queue_submit_prp(l->q, &c, iova, &h->read);
	}
	if (!rc)
		rc = submit(l, true, l->base + HELD, 1, data, &h->write);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "commands without bus mastering: %s", nvsr_rc_text(rc));
	return !rc;
}

void rst_check_never(struct nvsr_ctx *t, struct rst_held *h, struct rst_load *via, const char *when)
{
	const struct rst_load *l = h->load;
	_cleanup_free_ uint8_t *buf = calloc(1, l->ns->bs);

	if (!buf)
		BROKEN(t, "no memory");
	nvsr_dev_sleep_ms(t->pf, LATE_MS);
	CHECK(t, dat_all(h->buf, l->ns->bs, 0xa5), "a Read that was queued before the reset moves no data after it",
	      "%s: %s wrote to its buffer", when, nvsr_dev_name(l->dev));
	MUST_OK(t, rst_text("%s, Read through %s", when, nvsr_dev_name(via->dev)), get(via, l->base + HELD, 1, buf));
	CHECK(t, dat_holds(buf, l->ns, l->base + HELD, 1, TAG_OLD), "a Write that was queued before the reset is never executed",
	      "%s: the block has %s data", when, dat_holds(buf, l->ns, l->base + HELD, 1, TAG_NEVER) ? "its" : "other");
}

void rst_release(struct rst_held *h)
{
	if (h->read)
		nvsr_req_forget(h->read);
	if (h->write)
		nvsr_req_forget(h->write);
	if (h->buf) {
		/* Nothing may write there any more: the queue of the load has been reset or is now. */
		nvsr_ctrl_disable(h->load->dev);
		nvsr_dma_free(h->load->dev, h->buf);
	}
}

/* --- resets ----------------------------------------------------------------------------------------------------- */

int rst_write_en(struct nvsr_dev *d, bool on)
{
	uint64_t cc = 0, cap = 0;
	int rc = nvsr_reg_read(d, NVME_REG_CC, 4, &cc);

	if (!rc)
		rc = nvsr_reg_read(d, NVME_REG_CAP, 8, &cap);
	/* A Controller Reset may have set the other fields of CC to their defaults, 0. */
	if (on && !(cc & (NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16)))
		cc = NVME_CAP_MPSMIN(cap) << 7 | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16;
	cc = on ? cc | NVME_CC_EN : cc & ~(uint64_t)NVME_CC_EN;
	return rc ? rc : nvsr_reg_write(d, NVME_REG_CC, 4, cc);
}

int rst_renew(struct nvsr_dev *d)
{
	int rc = nvsr_ctrl_disable(d);

	return rc ? rc : nvsr_ctrl_enable(d);
}

int rst_start_flr(struct nvsr_dev *d)
{
	unsigned exp;
	uint32_t ctl;
	int rc = nvsr_cfg_find_cap(d, PCI_CAP_EXP, &exp);

	if (!rc && !exp)
		rc = -ENOTSUP;
	if (!rc)
		rc = nvsr_cfg_read(d, exp + PCI_EXP_DEVCTL, 2, &ctl);
	return rc ? rc : nvsr_cfg_write(d, exp + PCI_EXP_DEVCTL, 2, ctl | PCI_EXP_DEVCTL_FLR);
}

bool rst_vf_again(struct nvsr_ctx *t, unsigned vfn, struct nvsr_dev **ret)
{
	return CHECK_OK(t, rst_text("VF %u comes up again", vfn), nvsr_vf_bring_up(t->pf, t->inv, vfn, 0, 0, ret));
}

/* --- data without a load ---------------------------------------------------------------------------------------- */

bool rst_data_write(struct nvsr_ctx *t, struct rst_data *d)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);

	return vf && dat_ns(t, true, &d->shared) && dat_ns(t, false, &d->own) && dat_attach(t, &d->shared, t->pf) &&
	       dat_attach(t, &d->shared, vf) && dat_attach(t, &d->own, vf) &&
	       rst_data_refresh(t, vf, d);
}

bool rst_data_refresh(struct nvsr_ctx *t, struct nvsr_dev *vf, const struct rst_data *d)
{
	return dat_sweep_write(t, vf, &d->shared, TAG_ACKED) && dat_sweep_write(t, vf, &d->own, TAG_OVER);
}

void rst_data_check(struct nvsr_ctx *t, const struct rst_data *d, bool again, const char *when)
{
	const struct nvme_secondary_ctrl *sc = nvsr_inventory_vf(t->inv, 1);
	struct nvsr_dev *vf;

	if (again && !vf_enable_again(t, 1))
		return;
	/* What is attached stays so, and says so. */
	if (again)
		nvsr_ns_attach(t->pf, d->shared.nsid, nvsr_t_pcid(t));
	if (again && sc) {
		nvsr_ns_attach(t->pf, d->shared.nsid, le16_get(sc->scid));
		nvsr_ns_attach(t->pf, d->own.nsid, le16_get(sc->scid));
	}
	dat_check_kept(t, t->pf, &d->shared, TAG_ACKED, when);
	vf = nvsr_t_vf(t, 1);
	if (!vf)
		return;
	dat_check_kept(t, vf, &d->shared, TAG_ACKED, when);
	dat_check_kept(t, vf, &d->own, TAG_OVER, when);
}
