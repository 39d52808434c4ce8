// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each reset does to configuration space and to SR-IOV: Function Level Reset of a VF and of the PF, Conventional
 * Reset, and Controller Reset, which does nothing to either.
 *
 * Function Level Resets of the PF are written by the tests themselves: access methods put configuration space back
 * afterwards, and with it what is looked for.
 */
#include "pf.h"

/* The first VF of @s that still answers, 0 for none. */
static unsigned who_answers(struct nvsr_ctx *t, const struct nvsr_sriov *s)
{
	unsigned vfn;

	for (vfn = 1; vfn <= s->num_vfs; vfn++)
		if (pf_rid_answers(t, nvsr_vf_rid(nvsr_dev_rid(t->pf), s, vfn)))
			return vfn;
	return 0;
}

static void check_same_sriov(struct nvsr_ctx *t, const struct nvsr_sriov *a, const struct nvsr_sriov *b)
{
	unsigned i;

	CHECK_EQ(t, "SR-IOV control (VF Enable, VF MSE, ARI)", a->ctrl, b->ctrl);
	CHECK_EQ(t, "NumVFs", a->num_vfs, b->num_vfs);
	CHECK_EQ(t, "First VF Offset", a->vf_offset, b->vf_offset);
	CHECK_EQ(t, "VF Stride", a->vf_stride, b->vf_stride);
	CHECK_EQ(t, "System Page Size", a->sys_pgsize, b->sys_pgsize);
	for (i = 0; i < PCI_BAR_COUNT; i++)
		CHECK(t, a->vf_bar[i] == b->vf_bar[i], "VF BARs stay", "VF BAR%u = %08Xh, was %08Xh", i, b->vf_bar[i],
		      a->vf_bar[i]);
}

/* FLR of a VF that nobody uses: VF, siblings and the PF's registers stay. */
static void vf_flr_keeps_sriov(struct nvsr_ctx *t)
{
	struct nvsr_dev *other = nvsr_t_vf_bare(t, 2), *vf = other ? nvsr_t_vf_bare(t, 1) : NULL;
	struct nvsr_sriov before, after;

	if (!vf)
		return;
	PREPARE(t, "reading the SR-IOV capability", nvsr_sriov_read(t->pf, &before));
	CHECK_OK(t, "FLR of VF 1", nvsr_reset(vf, NVSR_RESET_FLR));
	CHECK(t, pf_rid_answers(t, nvsr_dev_rid(vf)), "VF 1 is still there", "configuration requests to it get all ones");
	CHECK(t, pf_rid_answers(t, nvsr_dev_rid(other)), "VF 2 is still there", "configuration requests to it get all ones");
	PREPARE(t, "reading the SR-IOV capability", nvsr_sriov_read(t->pf, &after));
	check_same_sriov(t, &before, &after);
	if (!CHECK_OK(t, "Identify Controller on the PF", pf_alive(t->pf)))
		nvsr_ctrl_enable(t->pf);
}

static void vf_flr_is_local(struct nvsr_ctx *t)
{
	struct nvsr_dev *other = nvsr_t_vf(t, 2), *vf = other ? nvsr_t_vf(t, 1) : NULL;
	uint64_t cc, now;

	if (!vf)
		return;
	PREPARE(t, "reading CC of VF 2", nvsr_reg_read(other, NVME_REG_CC, 4, &cc));
	CHECK_OK(t, "VF 1 comes back after its FLR", nvsr_reset(vf, NVSR_RESET_FLR));
	PREPARE(t, "reading CC of VF 2", nvsr_reg_read(other, NVME_REG_CC, 4, &now));
	CHECK_EQ(t, "CC of VF 2", cc, now);
	CHECK_OK(t, "Identify Controller on VF 2", pf_alive(other));
	CHECK_OK(t, "Identify Controller on the PF", pf_alive(t->pf));
}

static void vf_ctrl_reset_is_local(struct nvsr_ctx *t)
{
	struct nvsr_dev *other = nvsr_t_vf(t, 2), *vf = other ? nvsr_t_vf(t, 1) : NULL;
	uint64_t cc, now;

	if (!vf)
		return;
	PREPARE(t, "reading CC of VF 2", nvsr_reg_read(other, NVME_REG_CC, 4, &cc));
	CHECK_OK(t, "VF 1 comes back after its Controller Reset", nvsr_reset(vf, NVSR_RESET_CTRL));
	PREPARE(t, "reading CC of VF 2", nvsr_reg_read(other, NVME_REG_CC, 4, &now));
	CHECK_EQ(t, "CC of VF 2", cc, now);
	CHECK_OK(t, "Identify Controller on VF 2", pf_alive(other));
	CHECK_OK(t, "Identify Controller on the PF", pf_alive(t->pf));
}

/* NSSRO tells the host why its controllers were reset. */
static void nssr_is_told(struct nvsr_ctx *t)
{
	uint64_t csts;

	CHECK_OK(t, "the PF comes back after NVM Subsystem Reset", nvsr_reset(t->pf, NVSR_RESET_NSSR));
	PREPARE(t, "reading CSTS", nvsr_reg_read(t->pf, NVME_REG_CSTS, 4, &csts));
	CHECK(t, csts & NVME_CSTS_NSSRO, "CSTS.NSSRO = 1 after NVM Subsystem Reset", "CSTS = %08Xh", (unsigned)csts);
	PREPARE(t, "clearing NSSRO", nvsr_reg_write(t->pf, NVME_REG_CSTS, 4, NVME_CSTS_NSSRO));
	PREPARE(t, "reading CSTS", nvsr_reg_read(t->pf, NVME_REG_CSTS, 4, &csts));
	CHECK_EQ(t, "CSTS.NSSRO after writing 1 to it", 0, csts & NVME_CSTS_NSSRO);
}

static void vf_offers_no_nssr(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint64_t cap;

	if (!vf)
		return;
	PREPARE(t, "reading CAP", nvsr_reg_read(vf, NVME_REG_CAP, 8, &cap));
	CHECK_EQ(t, "CAP.NSSRS of VF 1 (NVM Subsystem Reset)", 0, NVME_CAP_NSSRS(cap));
}

static void pf_flr_clears_sriov(struct nvsr_ctx *t)
{
	_cleanup_pf_ struct nvsr_ctx *back = t;
	unsigned vfn;
	struct nvsr_sriov before;
	uint16_t ctrl;

	if (!pf_vfs(t, t->inv->sriov.total_vfs, &before))
		return;
	PREPARE(t, "Function Level Reset of the PF", pf_raw_flr(t->pf));
	ctrl = pf_sriov16(t, PCI_SRIOV_CTRL);
	CHECK_EQ(t, "VF Enable after FLR of the PF", 0, ctrl & PCI_SRIOV_CTRL_VFE);
	CHECK_EQ(t, "VF MSE after FLR of the PF", 0, ctrl & PCI_SRIOV_CTRL_MSE);
	CHECK_EQ(t, "System Page Size after FLR of the PF", 1,
		 pf_rid_read(t, nvsr_dev_rid(t->pf), before.pos + PCI_SRIOV_SYS_PGSIZE, 4));
	vfn = who_answers(t, &before);
	CHECK(t, !vfn, "all VFs are gone after FLR of the PF", "VF %u answers", vfn);
}

static void numvfs_after_pf_flr(struct nvsr_ctx *t)
{
	_cleanup_pf_ struct nvsr_ctx *back = t;
	struct nvsr_sriov before;

	if (!pf_vfs(t, 1, &before))
		return;
	PREPARE(t, "Function Level Reset of the PF", pf_raw_flr(t->pf));
	nvsr_note(t, "NumVFs after FLR of the PF: %u", pf_sriov16(t, PCI_SRIOV_NUM_VFS));
	CHECK_EQ(t, "VF Enable after FLR of the PF", 0, pf_sriov16(t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE);
}

static void hot_reset_clears_sriov(struct nvsr_ctx *t)
{
	struct nvsr_sriov before;
	uint16_t ctrl;
	unsigned vfn;

	if (!pf_vfs(t, t->inv->sriov.total_vfs, &before))
		return;
	PREPARE(t, "Conventional Reset", nvsr_reset(t->pf, NVSR_RESET_HOT));
	ctrl = pf_sriov16(t, PCI_SRIOV_CTRL);
	CHECK_EQ(t, "VF Enable after Conventional Reset", 0, ctrl & PCI_SRIOV_CTRL_VFE);
	vfn = who_answers(t, &before);
	CHECK(t, !vfn, "all VFs are gone after Conventional Reset", "VF %u answers", vfn);
	CHECK_OK(t, "Identify Controller on the PF", pf_alive(t->pf));
}

static int write_ari(struct nvsr_ctx *t, bool on)
{
	uint16_t ctrl = pf_sriov16(t, PCI_SRIOV_CTRL) & ~PCI_SRIOV_CTRL_ARI;

	return nvsr_cfg_write(t->pf, t->inv->sriov.pos + PCI_SRIOV_CTRL, 2, on ? ctrl | PCI_SRIOV_CTRL_ARI : ctrl);
}

static void ari_bit_survives_flr(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	_cleanup_pf_ struct nvsr_ctx *back = t;
	struct nvsr_sriov s;

	if (!pf_vfs(t, 0, &s))
		return;
	PREPARE(t, "reading the control register", pf_save(&saved, t->pf, s.pos + PCI_SRIOV_CTRL, 2));
	PREPARE(t, "writing the control register", write_ari(t, true));
	if (!(pf_sriov16(t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_ARI))
		SKIP(t, "ARI Capable Hierarchy does not take 1 in this PF (pf.control.ari-bit-is-writable judges that)");
	PREPARE(t, "Function Level Reset of the PF", pf_raw_flr(t->pf));
	CHECK_EQ(t, "ARI Capable Hierarchy after FLR of the PF", PCI_SRIOV_CTRL_ARI,
		 pf_sriov16(t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_ARI);
}

/* FLR of the function at @rid through @d: it answers 100 ms later, and the bit that started it reads 0. */
static void check_flr_time(struct nvsr_ctx *t, struct nvsr_dev *d, const char *what)
{
	uint16_t rid = nvsr_dev_rid(d);
	unsigned exp;

	PREPARE(t, what, pf_raw_flr(d));
	MUST(t, pf_rid_answers(t, rid), "answers configuration requests 100 ms after FLR", "%s: all ones", what);
	exp = pf_rid_cap(t, rid, PCI_CAP_EXP);
	CHECK(t, !(pf_rid_read(t, rid, exp + PCI_EXP_DEVCTL, 2) & PCI_EXP_DEVCTL_FLR), "Initiate Function Level Reset reads 0",
	      "%s: 1", what);
}

static void answers_after_flr(struct nvsr_ctx *t)
{
	_cleanup_pf_ struct nvsr_ctx *back = t;
	struct nvsr_dev *vf = nvsr_t_vf_bare(t, 1);

	if (!vf)
		return;
	check_flr_time(t, vf, "FLR of VF 1");
	check_flr_time(t, t->pf, "FLR of the PF");
}

/* Configuration space and properties that every reset but Controller Reset clears. */
static void check_reset_state(struct nvsr_ctx *t, struct nvsr_dev *d, unsigned msix)
{
	uint32_t v;

	PREPARE(t, "reading Command", nvsr_cfg_read(d, PCI_COMMAND, 2, &v));
	CHECK(t, !(v & (PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)), "Command is reset by FLR", "%s: %04Xh", nvsr_dev_name(d), v);
	if (!msix)
		return;
	PREPARE(t, "reading MSI-X control", nvsr_cfg_read(d, msix + PCI_MSIX_CTRL, 2, &v));
	CHECK(t, !(v & (PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASK)), "MSI-X Enable and Function Mask are reset by FLR",
	      "%s: %04Xh", nvsr_dev_name(d), v);
}

static void check_controller_reset(struct nvsr_ctx *t, struct nvsr_dev *d)
{
	uint64_t cc, csts, aqa, asq, acq;

	PREPARE(t, "reading AQA", nvsr_reg_read(d, NVME_REG_AQA, 4, &aqa));
	PREPARE(t, "reading ASQ", nvsr_reg_read(d, NVME_REG_ASQ, 8, &asq));
	PREPARE(t, "reading ACQ", nvsr_reg_read(d, NVME_REG_ACQ, 8, &acq));
	CHECK(t, !aqa && !asq && !acq, "AQA, ASQ and ACQ are 0 after FLR", "%s: %llXh, %llXh, %llXh", nvsr_dev_name(d),
	      (unsigned long long)aqa, (unsigned long long)asq, (unsigned long long)acq);
	PREPARE(t, "reading CC", nvsr_reg_read(d, NVME_REG_CC, 4, &cc));
	CHECK(t, !(cc & NVME_CC_EN), "CC.EN = 0 after FLR", "%s: CC = %08Xh", nvsr_dev_name(d), (unsigned)cc);
	PREPARE(t, "reading CSTS", nvsr_reg_read(d, NVME_REG_CSTS, 4, &csts));
	CHECK(t, !(csts & NVME_CSTS_RDY), "CSTS.RDY = 0 after FLR", "%s: CSTS = %08Xh", nvsr_dev_name(d), (unsigned)csts);
}

static void vf_flr_is_a_clr(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	unsigned msix;

	if (!vf)
		return;
	PREPARE(t, "looking for MSI-X", nvsr_cfg_find_cap(vf, PCI_CAP_MSIX, &msix));
	if (msix)
		PREPARE(t, "setting MSI-X Function Mask",
			nvsr_cfg_write(vf, msix + PCI_MSIX_CTRL, 2, PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASK));
	PREPARE(t, "Function Level Reset of VF 1", pf_raw_flr(vf));
	check_reset_state(t, vf, msix);
	check_controller_reset(t, vf);
}

static void pf_flr_is_a_clr(struct nvsr_ctx *t)
{
	static const unsigned regs[] = { PCI_COMMAND, PCI_BAR0, PCI_BAR0 + 4 };
	_cleanup_pf_ struct nvsr_ctx *back = t;
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	unsigned msix, i;

	if (!nvsr_t_enable_vfs(t, 0))
		return;
	PREPARE(t, "looking for MSI-X", nvsr_cfg_find_cap(t->pf, PCI_CAP_MSIX, &msix));
	for (i = 0; i < NVSR_ARRAY_SIZE(regs); i++)
		PREPARE(t, "saving Command and BAR0", pf_save(&saved, t->pf, regs[i], i ? 4 : 2));
	PREPARE(t, "Function Level Reset of the PF", pf_raw_flr(t->pf));
	check_reset_state(t, t->pf, msix);
	pf_restore(&saved);	/* the registers can be reached again */
	check_controller_reset(t, t->pf);
}

static void ctrl_reset_keeps_config(struct nvsr_ctx *t)
{
	uint16_t rid = nvsr_dev_rid(t->pf);
	uint32_t bar[PCI_BAR_COUNT], command;
	struct nvsr_sriov before, after;
	unsigned i, vfn;
	int rc;

	if (!pf_vfs(t, t->inv->sriov.total_vfs > 1 ? 2 : 1, &before))
		return;
	for (i = 0; i < PCI_BAR_COUNT; i++)
		bar[i] = pf_rid_read(t, rid, PCI_BAR0 + i * 4, 4);
	command = pf_rid_read(t, rid, PCI_COMMAND, 2);
	rc = nvsr_reset(t->pf, NVSR_RESET_CTRL);
	PREPARE(t, "reading the SR-IOV capability", nvsr_sriov_read(t->pf, &after));
	check_same_sriov(t, &before, &after);
	for (i = 0; i < PCI_BAR_COUNT; i++)
		CHECK_EQ(t, "BAR of the PF", bar[i], pf_rid_read(t, rid, PCI_BAR0 + i * 4, 4));
	CHECK_EQ(t, "Command of the PF", command, pf_rid_read(t, rid, PCI_COMMAND, 2));
	for (vfn = 1; vfn <= before.num_vfs; vfn++)
		CHECK(t, pf_rid_answers(t, nvsr_vf_rid(rid, &before, vfn)), "the VFs are still there",
		      "VF %u does not answer", vfn);
	CHECK_OK(t, "the PF is back after its Controller Reset", rc);
}

#define LIVE_VF (NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(REG_READ))

static const struct nvsr_test tests[] = {
	{ .id = "vf-flr-keeps-sriov", .title = "FLR of a VF removes no VF and leaves the SR-IOV capability as it is",
	  .requirements = REQS("PCIE-36"), .needs = PF_READ | NVSR_NEED(TWO_VFS) | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("vf-flr-stalls-pf", "vf-flr-hangs", "vf-flr-clears-vf-mse", "vf-flr-clears-vf-bar",
			       "vf-flr-clears-numvfs"),
	  .run = vf_flr_keeps_sriov },
	{ .id = "vf-flr-is-local", .title = "FLR of a VF leaves the controllers of VF 2 and the PF running",
	  .requirements = REQS("PCIE-36", "ISO-03"), .needs = LIVE_VF | NVSR_NEED(TWO_VFS) | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("flr-clears-sibling"), .run = vf_flr_is_local },
	{ .id = "vf-ctrl-reset-is-local", .title = "Controller Reset of a VF leaves VF 2 and the PF running",
	  .requirements = REQS("ISO-02"), .needs = LIVE_VF | NVSR_NEED(TWO_VFS) | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("vf-ctrl-reset-clears-sibling"), .run = vf_ctrl_reset_is_local },
	{ .id = "nssr-is-told", .title = "NVM Subsystem Reset is shown in CSTS.NSSRO",
	  .requirements = REQS("ISO-06"),
	  .needs = NVSR_NEED(NSSR) | NVSR_NEED(REG_READ) | NVSR_NEED(REG_WRITE) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("nssro-not-set"), .run = nssr_is_told },
	{ .id = "vf-offers-no-nssr", .title = "a VF does not offer NVM Subsystem Reset",
	  .requirements = REQS("VIRT-55"), .needs = LIVE_VF,
	  .caught_by = DEFECTS("vf-nssr-offered"), .run = vf_offers_no_nssr },
	{ .id = "pf-flr-clears-sriov", .title = "FLR of the PF clears VF Enable and VF MSE and takes all VFs away",
	  .requirements = REQS("PCIE-37", "PCIE-03", "PCIE-08", "PCIE-23"), .needs = PF_WRITE | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("vfe-survives-flr", "vfs-outlive-pf-flr"), .run = pf_flr_clears_sriov },
	{ .id = "numvfs-after-pf-flr", .title = "VF Enable is 0 after FLR of the PF; what NumVFs reads is noted",
	  .requirements = REQS("PCIE-16"), .needs = PF_WRITE | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("vfe-survives-flr"), .run = numvfs_after_pf_flr },
	{ .id = "hot-reset-clears-sriov", .title = "Conventional Reset clears VF Enable and takes all VFs away",
	  .requirements = REQS("PCIE-38", "PCIE-03"), .needs = PF_READ | NVSR_NEED(HOT_RESET) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("hot-reset-keeps-vfe"), .run = hot_reset_clears_sriov },
	{ .id = "ari-bit-survives-flr", .title = "FLR of the PF does not change ARI Capable Hierarchy",
	  .requirements = REQS("PCIE-10"), .needs = PF_WRITE | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("ari-reset-wrong"), .run = ari_bit_survives_flr },
	{ .id = "answers-after-flr", .title = "PF and VF answer 100 ms after FLR, the FLR bit reads 0",
	  .requirements = REQS("PCIE-39"), .needs = PF_WRITE | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("flr-slow", "flr-bit-sticks", "vf-flr-hangs"), .run = answers_after_flr },
	{ .id = "vf-flr-is-a-clr", .title = "FLR of a VF resets its controller and its configuration space",
	  .requirements = REQS("PCIE-47", "ISO-04"), .needs = LIVE_VF | NVSR_NEED(CFG_READ) | NVSR_NEED(VF_CFG_WRITE),
	  .caught_by = DEFECTS("vf-flr-ignored", "vf-flr-keeps-command", "vf-flr-keeps-msix", "vf-bme-default-on",
			       "aqa-survives-flr"),
	  .run = vf_flr_is_a_clr },
	{ .id = "pf-flr-is-a-clr", .title = "FLR of the PF resets its controller and its configuration space",
	  .requirements = REQS("PCIE-47", "ISO-04"), .needs = PF_WRITE | NVSR_NEED(REG_READ) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("pf-flr-keeps-command", "aqa-survives-flr"), .run = pf_flr_is_a_clr },
	{ .id = "ctrl-reset-keeps-config", .title = "Controller Reset of the PF leaves configuration space and VFs alone",
	  .requirements = REQS("PCIE-48"), .needs = PF_READ | NVSR_NEED(CTRL_RESET) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("ctrl-reset-clears-sriov", "ctrl-reset-clears-bme"), .run = ctrl_reset_keeps_config },
};
const struct nvsr_group nvsr_pf_reset = NVSR_GROUP("pf.reset", tests);
