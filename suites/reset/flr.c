// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reset.flr: Function Level Reset of a VF and of the PF, and Conventional Reset, under load on all functions.
 * PCIe 9.2.2, NVMe over PCIe Transport 1.2 3.3.1.
 */
#include "reset.h"

#define STORM 12u

/* VF @actor is reset, the PF and the other VF watch. */
static void one_under_load(struct nvsr_ctx *t, unsigned actor)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	struct rst_load *pf = &s.load[0], *vf = &s.load[actor], *other = &s.load[3 - actor];
	const char *after = rst_after(actor, "FLR");
	struct nvme_secondary_ctrl e;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_entry(t, actor, &e))
		return;
	PREPARE(t, "Function Level Reset", rst_start_flr(vf->dev));
	/* at once, long before the 100 ms that VF 1 has; the namespace is one that VF 1 uses too */
	rst_still_works(t, other, "during FLR of the VF");
	rst_still_works(t, pf, "during FLR of the VF");
	rst_check_unnoticed(t, other, "during FLR of the VF");
	rst_check_unnoticed(t, pf, "during FLR of the VF");
	nvsr_dev_sleep_ms(t->pf, PCI_MS_FLR);
	if (!rst_fly(t, other) || !rst_fly(t, pf))
		return;
	MUST_OK(t, "the VF comes back", nvsr_reset(vf->dev, NVSR_RESET_FLR));
	rst_check_unnoticed(t, other, after);
	rst_check_unnoticed(t, pf, after);
	rst_check_settled(t, vf, pf, after);
	rst_unload(vf);
	rst_check_settled(t, vf, vf, after);
	rst_check_entry(t, &e, after);
}

static void vf_under_load(struct nvsr_ctx *t)
{
	one_under_load(t, 1);
	one_under_load(t, 2);
}

static void vf_queued_commands(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_held_ struct rst_held h = { 0 };

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_hold(t, &h, &s.load[1]))
		return;
	MUST_OK(t, "VF 1 comes back", nvsr_reset(s.load[1].dev, NVSR_RESET_FLR));
	rst_check_never(t, &h, &s.load[0], "after FLR of VF 1");
	rst_check_unnoticed(t, &s.load[2], "after FLR of VF 1");
}

static void storm(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };

	if (!rst_prepare(t, &s) || !rst_load(t, &s, 0))
		return;
	for (unsigned i = 0; i < STORM; i++) {
		unsigned vfn = 1 + i % 2;
		struct rst_load *vf = &s.load[vfn];

		if (!rst_load(t, &s, vfn))
			return;
		MUST_OK(t, rst_text("FLR %u of VF %u", i / 2 + 1, vfn), nvsr_reset(vf->dev, NVSR_RESET_FLR));
		rst_check_settled(t, vf, &s.load[0], rst_text("after FLR %u of VF %u", i / 2 + 1, vfn));
		rst_unload(vf);
		if (!rst_fly(t, &s.load[0]))
			return;
	}
	rst_check_unnoticed(t, &s.load[0], "after many FLRs of VFs");
}

static void two_at_once(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	uint64_t cc;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	for (unsigned i = 1; i < DAT_CTRLS; i++)
		PREPARE(t, "Function Level Reset", rst_start_flr(s.load[i].dev));
	rst_still_works(t, &s.load[0], "during FLR of two VFs");
	nvsr_dev_sleep_ms(t->pf, PCI_MS_FLR);
	for (unsigned i = 1; i < DAT_CTRLS; i++) {
		PREPARE(t, "reading CC", nvsr_reg_read(s.load[i].dev, NVME_REG_CC, 4, &cc));
		CHECK(t, !(cc & NVME_CC_EN), "CC.EN = 0 after FLR", "CC of VF %u = %08Xh", i, (unsigned)cc);
	}
	rst_check_unnoticed(t, &s.load[0], "after FLR of two VFs at once");
	for (unsigned i = 1; i < DAT_CTRLS; i++) {
		MUST_OK(t, rst_text("VF %u comes back", i), nvsr_reset(s.load[i].dev, NVSR_RESET_FLR));
		rst_unload(&s.load[i]);
		rst_check_settled(t, &s.load[i], &s.load[i], "after FLR of two VFs at once");
	}
}

static int function_mask(struct nvsr_dev *d, bool on)
{
	unsigned pos;
	uint32_t v = 0;
	int rc = nvsr_cfg_find_cap(d, PCI_CAP_MSIX, &pos);

	if (!rc && !pos)
		rc = -ENOTSUP;
	if (!rc)
		rc = nvsr_cfg_read(d, pos + PCI_MSIX_CTRL, 2, &v);
	v = on ? v | PCI_MSIX_CTRL_MASK : v & ~(uint32_t)PCI_MSIX_CTRL_MASK;
	return rc ? rc : nvsr_cfg_write(d, pos + PCI_MSIX_CTRL, 2, v);
}

/* The other VF and - where it is ours - the PF have interrupts that wait behind a mask while VF 1 is reset. */
static void pending_interrupts(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	struct rst_load *watch[] = { &s.load[2], &s.load[0] };
	unsigned n = nvsr_dev_can(t->pf) & NVSR_CAN_QUEUES ? 2 : 1;
	uint64_t before[2];

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	for (unsigned i = 0; i < n; i++) {
		PREPARE(t, "setting Function Mask", function_mask(watch[i]->dev, true));
		PREPARE(t, "counting messages", nvsr_irq_settled(watch[i]->dev, 0, &before[i]));
		if (!rst_fly(t, watch[i]) || !rst_still_works(t, watch[i], "interrupts masked"))
			return;
	}
	MUST_OK(t, "VF 1 comes back", nvsr_reset(s.load[1].dev, NVSR_RESET_FLR));
	for (unsigned i = 0; i < n; i++) {
		PREPARE(t, "clearing Function Mask", function_mask(watch[i]->dev, false));
		CHECK(t, nvsr_irq_wait(watch[i]->dev, 0, before[i], NVSR_ARRIVE_MS),
		      "an interrupt that waited behind the mask is sent when the mask goes",
		      "no message of %s after FLR of VF 1", nvsr_dev_name(watch[i]->dev));
		rst_check_unnoticed(t, watch[i], "after FLR of VF 1");
	}
}

/* Resets that take the VFs away: their load is judged through the PF. */
static void all_under_load(struct nvsr_ctx *t, enum nvsr_reset how, const char *what)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_held_ struct rst_held h = { 0 };
	_cleanup_dev_ struct nvsr_dev *vf = NULL;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_hold(t, &h, &s.load[1]))
		return;
	MUST_OK(t, "the PF comes back", nvsr_reset(t->pf, how));
	for (unsigned i = 1; i < DAT_CTRLS; i++)
		CHECK(t, !pf_rid_answers(t, nvsr_dev_rid(s.load[i].dev)), "all VFs are gone", "%s: VF %u answers", what, i);
	rst_unload(&s.load[0]);
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		rst_check_settled(t, &s.load[i], &s.load[0], what);
	rst_check_never(t, &h, &s.load[0], what);
	PREPARE(t, "enabling VFs again", nvsr_set_numvfs(t->pf, 0));
	PREPARE(t, "enabling VFs again", nvsr_set_numvfs(t->pf, 2));
	if (rst_vf_again(t, 1, &vf))
		rst_check_never(t, &h, &s.load[0], rst_text("%s, VF 1 Online again", what));
}

static void pf_under_load(struct nvsr_ctx *t) { all_under_load(t, NVSR_RESET_FLR, "after FLR of the PF"); }
static void hot_reset(struct nvsr_ctx *t) { all_under_load(t, NVSR_RESET_HOT, "after a Conventional Reset"); }

static void vf_keeps_data(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct rst_data d;

	if (!vf || !rst_data_write(t, &d))
		return;
	MUST_OK(t, "FLR of VF 1", nvsr_reset(vf, NVSR_RESET_FLR));
	rst_data_check(t, &d, false, "after FLR of VF 1");
}

static void pf_keeps_data(struct nvsr_ctx *t)
{
	struct rst_data d;

	if (!rst_data_write(t, &d))
		return;
	MUST_OK(t, "FLR of the PF", nvsr_reset(t->pf, NVSR_RESET_FLR));
	rst_data_check(t, &d, true, "after FLR of the PF");
}

static const struct nvsr_test tests[] = {
	{ .id = "vf-keeps-data", .title = "acknowledged Writes of a VF survive its FLR",
	  .requirements = REQS("ISO-03"), .needs = DAT_NEED_VF | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("vf-reset-drops-writes"), .run = vf_keeps_data },
	{ .id = "pf-keeps-data", .title = "acknowledged Writes of a VF survive FLR of the PF",
	  .requirements = REQS("ISO-05"), .needs = DAT_NEED_VF | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("primary-reset-drops-writes"), .run = pf_keeps_data },
	{ .id = "vf-under-load", .title = "siblings of a VF work on their shared namespace during and after its FLR",
	  .requirements = REQS("ISO-03", "PCIE-36", "VIRT-52"), .needs = RST_NEED_VF_CFG | NVSR_NEED(FLR), .limit_s = 60,
	  .caught_by = DEFECTS("vf-flr-stalls-pf", "flr-masks-siblings", "reset-deletes-sibling-queues",
			       "reset-rewinds-sibling-queues", "reset-hits-lower-vf", "vf-flr-strips-resources"),
	  .run = vf_under_load },
	{ .id = "vf-queued-commands", .title = "commands queued in a VF before its FLR never run",
	  .requirements = REQS("PCIE-47", "ISO-03"), .needs = RST_NEED_VF_CFG | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("queued-commands-survive-flr"), .run = vf_queued_commands },
	{ .id = "pending-interrupts", .title = "interrupts that wait in other functions survive FLR of a VF",
	  .requirements = REQS("ISO-03", "PCIE-41"), .needs = RST_NEED_VF_CFG | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("reset-clears-sibling-pending", "pending-lost-on-unmask"), .run = pending_interrupts },
	{ .id = "vf-storm", .title = "VFs under load get FLRs again and again while the PF works",
	  .requirements = REQS("ISO-03"), .needs = RST_NEED_VF_CFG | NVSR_NEED(FLR), .limit_s = 60,
	  .caught_by = DEFECTS("reset-leaks-queues", "vf-flr-stalls-pf"), .run = storm },
	{ .id = "two-at-once", .title = "two VFs get an FLR at the same moment, both are reset",
	  .requirements = REQS("PCIE-36", "PCIE-47"), .needs = RST_NEED_VF_CFG | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("one-flr-at-a-time"), .run = two_at_once },
	{ .id = "pf-under-load", .title = "FLR of the PF takes loaded VFs away and loses no acknowledged Write",
	  .requirements = REQS("ISO-05", "PCIE-37"), .needs = RST_NEED_CFG | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("primary-reset-drops-writes", "vfs-outlive-pf-flr", "queued-commands-survive-vf-disable"),
	  .run = pf_under_load },
	{ .id = "hot-reset-under-load",
	  .title = "Conventional Reset takes loaded VFs away and loses no acknowledged Write",
	  .requirements = REQS("ISO-05", "PCIE-38"), .needs = RST_NEED_CFG | NVSR_NEED(HOT_RESET),
	  .caught_by = DEFECTS("primary-reset-drops-writes", "hot-reset-keeps-vfe", "queued-commands-survive-vf-disable"),
	  .run = hot_reset },
};

const struct nvsr_group nvsr_reset_flr = NVSR_GROUP("reset.flr", tests);
