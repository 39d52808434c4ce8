// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.reset: what a reset of one controller must leave to the others - their queues, their interrupts, a namespace
 * they share with it, and data that was acknowledged.  Base 2.0 3.7.2, 8.26.3, PCIe 9.2.2.2.  Registers of siblings and
 * admin commands after a reset are pf.reset; outstanding event requests are isolation.events.
 */
#include "isolation.h"

#define NEED (ISO_NEED | DAT_NEED)
#define TAG_BEFORE 1u
#define TAG_AFTER 2u

/* VF 2 uses a shared namespace through a queue that it made before VF 1 is reset. */
static void siblings_go_on(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 8, .cq_entries = 8, .irq = true };
	struct nvsr_cmd flush = { .opcode = NVME_CMD_FLUSH };
	struct nvsr_queue *q = NULL;
	struct nvsr_req *r = NULL;
	struct dat_shared s;
	uint64_t before;
	bool counts;
	int rc;

	if (!dat_shared(t, &s))
		return;
	PREPARE(t, "a queue on VF 2", nvsr_queue_create(s.on[2], &o, &q));
	counts = !nvsr_irq_settled(s.on[2], 0, &before);
	flush.nsid = s.ns.nsid;
	rc = nvsr_queue_submit(q, &flush, &r);
	if (!rc)
		rc = nvsr_reset(s.on[1], how);
	if (CHECK_OK(t, iso_text("%s of VF 1", name), rc)) {
		CHECK_OK(t, "a command of VF 2 that was outstanding", nvsr_req_wait(r, 2000, NULL));
		if (counts)
			CHECK(t, nvsr_irq_wait(s.on[2], 0, before, NVSR_ARRIVE_MS), "a message of VF 2 for it", "none");
		counts = !nvsr_irq_settled(s.on[2], 0, &before);
		rc = nvsr_queue_submit(q, &flush, &r);
		CHECK_OK(t, iso_text("a command in the queue of VF 2 after %s of VF 1", name),
			 rc ? rc : nvsr_req_wait(r, 2000, NULL));
		if (counts)
			CHECK(t, nvsr_irq_wait(s.on[2], 0, before, NVSR_ARRIVE_MS), "a message of VF 2 for it", "none");
	}
	nvsr_queue_destroy(q);
}

static void ctrl_reset_is_local(struct nvsr_ctx *t) { siblings_go_on(t, NVSR_RESET_CTRL, "Controller Reset"); }
static void flr_is_local(struct nvsr_ctx *t) { siblings_go_on(t, NVSR_RESET_FLR, "Function Level Reset"); }

/* The same through whatever queues the access method has: data only. */
static void shared_namespace_stays(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	struct dat_shared s;
	unsigned i;

	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, TAG_BEFORE) ||
	    !dat_check_kept(t, s.on[2], &s.ns, TAG_BEFORE, "as VF 1 wrote it"))
		return;
	CHECK_OK(t, iso_text("%s of VF 1", name), nvsr_reset(s.on[1], how));
	for (i = 0; i < DAT_CTRLS; i++)
		if (i != 1)
			dat_check_kept(t, s.on[i], &s.ns, TAG_BEFORE, iso_text("after %s of VF 1", name));
	CHECK_OK(t, iso_text("Write on VF 2 after %s of VF 1", name), dat_write(s.on[2], &s.ns, 0, 1, TAG_AFTER));
}

static void data_after_ctrl_reset(struct nvsr_ctx *t) { shared_namespace_stays(t, NVSR_RESET_CTRL, "Controller Reset"); }
static void data_after_flr(struct nvsr_ctx *t) { shared_namespace_stays(t, NVSR_RESET_FLR, "Function Level Reset"); }

/* --- the primary -------------------------------------------------------------------------------------------------- */

static void acknowledged_writes_stay(struct nvsr_ctx *t)
{
	static const struct { enum nvsr_reset how; unsigned can; const char *name; } resets[] = {
		{ NVSR_RESET_CTRL, NVSR_CAN_CTRL_RESET, "Controller Reset of the PF" },
		{ NVSR_RESET_FLR, NVSR_CAN_FLR, "FLR of the PF" },
	};
	struct nvsr_dev *a;
	struct dat_ns ns;
	unsigned i;

	for (i = 0; i < NVSR_ARRAY_SIZE(resets); i++) {
		if (!(nvsr_dev_can(t->pf) & resets[i].can))
			continue;
		a = nvsr_t_vf(t, 1);
		if (!a || !iso_private_ns(t, a, &ns) || !dat_sweep_write(t, a, &ns, 3 + i))
			return;
		/* a driver of the operating system waits long for a controller that went Offline under it */
		if (!(nvsr_dev_can(a) & NVSR_CAN_QUEUES) && !nvsr_t_enable_vfs(t, 1))
			return;
		PREPARE(t, resets[i].name, nvsr_reset(t->pf, resets[i].how));
		a = nvsr_t_enable_vfs(t, 1) ? iso_next_tenant(t, 1) : NULL;
		/* that attachments persist is another clause */
		if (a && !iso_listed(a, NVME_CNS_ACTIVE_NS, ns.nsid) && !dat_attach(t, &ns, a))
			return;
		if (!a || !dat_check_kept(t, a, &ns, 3 + i, iso_text("after %s", resets[i].name)))
			return;
	}
}

/* --- registers ---------------------------------------------------------------------------------------------------- */

/* CC.EN 1 to 0 is the one reset that leaves these; all others are pf.reset. */
static void admin_queue_registers_stay(struct nvsr_ctx *t)
{
	static const struct { unsigned off, len; const char *name; } regs[] = {
		{ NVME_REG_AQA, 4, "AQA" }, { NVME_REG_ASQ, 8, "ASQ" }, { NVME_REG_ACQ, 8, "ACQ" },
	};
	struct nvsr_dev *a = nvsr_t_vf(t, 1);
	uint64_t before[3], now;
	unsigned i;

	if (!a)
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(regs); i++)
		PREPARE(t, regs[i].name, nvsr_reg_read(a, regs[i].off, regs[i].len, &before[i]));
	PREPARE(t, "CC.EN 1 to 0", nvsr_ctrl_disable(a));
	for (i = 0; i < NVSR_ARRAY_SIZE(regs); i++) {
		PREPARE(t, regs[i].name, nvsr_reg_read(a, regs[i].off, regs[i].len, &now));
		CHECK_EQ(t, iso_text("%s of VF 1 after Controller Reset", regs[i].name), before[i], now);
	}
}

/* --- command set -------------------------------------------------------------------------------------------------- */

#define CSS_ADMIN_ONLY 7u
#define CAP_CSS_NO_IO 0x80u
#define PAGE 4096u

struct pages { struct nvsr_dev *d; void *sq, *cq; };

static void pages_end(struct pages *p)
{
	if (!p->d)
		return;
	nvsr_ctrl_disable(p->d);
	nvsr_dma_free(p->d, p->sq);
	nvsr_dma_free(p->d, p->cq);
}

static bool is_ready(struct nvsr_dev *d, void *arg)
{
	uint64_t csts;

	return !nvsr_reg_read(d, NVME_REG_CSTS, 4, &csts) && csts & NVME_CSTS_RDY;
}

/* VF 1 enabled with CC.CSS = 111b: it has no I/O commands, which is its own business. */
static void command_set_is_its_own(struct nvsr_ctx *t)
{
	NVSR_CLEANUP(pages_end) struct pages p = { 0 };
	uint64_t cap, sq, cq;
	struct dat_shared s;

	if (!dat_shared(t, &s))
		return;
	PREPARE(t, "reading CAP", nvsr_reg_read(s.on[1], NVME_REG_CAP, 8, &cap));
	if (!(NVME_CAP_CSS(cap) & CAP_CSS_NO_IO))
		SKIP(t, "VF 1 offers no other command set in CAP.CSS");
	PREPARE(t, "disabling VF 1", nvsr_ctrl_disable(s.on[1]));
	p.d = s.on[1];
	p.sq = nvsr_dma_alloc(p.d, PAGE, &sq);
	p.cq = nvsr_dma_alloc(p.d, PAGE, &cq);
	if (!p.sq || !p.cq)
		BROKEN(t, "no DMA memory");
	PREPARE(t, "AQA", nvsr_reg_write(p.d, NVME_REG_AQA, 4, 7u << 16 | 7u));
	PREPARE(t, "ASQ", nvsr_reg_write(p.d, NVME_REG_ASQ, 8, sq));
	PREPARE(t, "ACQ", nvsr_reg_write(p.d, NVME_REG_ACQ, 8, cq));
	PREPARE(t, "CC", nvsr_reg_write(p.d, NVME_REG_CC, 4, NVME_CC_EN | CSS_ADMIN_ONLY << 4 | NVME_CAP_MPSMIN(cap) << 7 |
					NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16));
	if (!nvsr_dev_wait(p.d, NVSR_MAX(NVME_CAP_TO(cap), 1u) * 500, is_ready, NULL))
		SKIP(t, "VF 1 does not become ready with CC.CSS = 111b");
	CHECK_OK(t, "Write on VF 2 while VF 1 has CC.CSS = 111b", dat_write(s.on[2], &s.ns, 0, 1, TAG_AFTER));
	CHECK_OK(t, "Write on the PF while VF 1 has CC.CSS = 111b", dat_write(s.on[0], &s.ns, 1, 1, TAG_AFTER));
}

static const struct nvsr_test tests[] = {
	{ .id = "controller-reset-is-local", .title = "Controller Reset of a VF leaves queues and interrupts of VF 2",
	  .requirements = REQS("ISO-02"), .needs = NEED | NVSR_NEED(VF_QUEUES) | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("reset-deletes-sibling-queues", "vf-ctrl-reset-clears-sibling"), .run = ctrl_reset_is_local },
	{ .id = "flr-is-local", .title = "Function Level Reset of a VF leaves queues and interrupts of VF 2",
	  .requirements = REQS("ISO-03"), .needs = NEED | NVSR_NEED(VF_QUEUES) | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("reset-deletes-sibling-queues", "flr-masks-siblings"),
	  .run = flr_is_local },
	{ .id = "data-after-controller-reset", .title = "a shared namespace serves the others after Controller Reset of a VF",
	  .requirements = REQS("ISO-02"), .needs = NEED | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("vf-ctrl-reset-clears-sibling", "reset-deletes-sibling-queues"), .run = data_after_ctrl_reset },
	{ .id = "data-after-flr", .title = "a shared namespace serves the others after Function Level Reset of a VF",
	  .requirements = REQS("ISO-03"), .needs = NEED | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("reset-deletes-sibling-queues"), .run = data_after_flr },
	{ .id = "acknowledged-writes-stay", .title = "a reset of the primary loses no acknowledged write of a VF",
	  .requirements = REQS("ISO-05"), .needs = NEED | NVSR_NEED(VIRT_MGMT) | NVSR_NEED(CTRL_RESET), .limit_s = 60,
	  .caught_by = DEFECTS("primary-reset-drops-writes"), .run = acknowledged_writes_stay },
	{ .id = "admin-queue-registers-stay", .title = "AQA, ASQ and ACQ of a VF keep their values over Controller Reset",
	  .requirements = REQS("ISO-04"),
	  .needs = NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(VF_REG_WRITE) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("aqa-lost-on-ctrl-reset"), .run = admin_queue_registers_stay },
	{ .id = "command-set-is-its-own", .title = "CC.CSS of one VF changes no other controller's I/O commands",
	  .requirements = REQS("ISO-28"), .needs = NEED | NVSR_NEED(VF_QUEUES) | NVSR_NEED(VF_REG_WRITE),
	  .caught_by = DEFECTS("css-shared"), .run = command_set_is_its_own },
};
const struct nvsr_group nvsr_isolation_reset = NVSR_GROUP("isolation.reset", tests);
