// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reset.toggle: VF Enable and VF MSE change while VFs have commands in flight.  PCIe 9.3.3.3, NVMe Base 2.0 8.26.4.
 */
#include "reset.h"

#define ROUNDS 4u

static int write_ctrl(struct nvsr_ctx *t, uint16_t clear, uint16_t set)
{
	return nvsr_cfg_write(t->pf, t->inv->sriov.pos + PCI_SRIOV_CTRL, 2,
			      (pf_sriov16(t, PCI_SRIOV_CTRL) & ~(uint32_t)clear) | set);
}

/* VF MSE hides properties and doorbells; controllers and their commands know nothing of it. */
static void mse_under_load(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	uint32_t csts;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	PREPARE(t, "clearing VF MSE", write_ctrl(t, PCI_SRIOV_CTRL_MSE, 0));
	csts = vf_csts(s.load[1].dev);
	CHECK(t, csts == PF_NOBODY, "properties of VFs read all ones without VF MSE", "CSTS of VF 1 = %08Xh", csts);
	rst_check_unnoticed(t, &s.load[0], "while VF MSE is 0");
	PREPARE(t, "setting VF MSE", write_ctrl(t, 0, PCI_SRIOV_CTRL_MSE));
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		rst_check_unnoticed(t, &s.load[i], "after VF MSE was 0 for a moment");
}

static void disabled_under_load(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_held_ struct rst_held h = { 0 };
	_cleanup_dev_ struct nvsr_dev *vf = NULL;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_hold(t, &h, &s.load[1]))
		return;
	PREPARE(t, "clearing VF Enable", nvsr_set_numvfs(t->pf, 0));
	for (unsigned i = 1; i < DAT_CTRLS; i++)
		rst_check_settled(t, &s.load[i], &s.load[0], "after VF Enable was cleared");
	rst_check_never(t, &h, &s.load[0], "after VF Enable was cleared");
	PREPARE(t, "setting VF Enable", nvsr_set_numvfs(t->pf, 2));
	if (rst_vf_again(t, 1, &vf))
		rst_check_never(t, &h, &s.load[0], "after VF 1 came up again");
}

/* The PF's controller all the time; VFs come in different numbers and go with commands in flight. */
static void pf_works_on(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };

	if (!rst_prepare(t, &s) || !rst_load(t, &s, 0))
		return;
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (unsigned n = 1; n < DAT_CTRLS; n++) {
			int scid;

			s.on.on[n] = nvsr_t_vf(t, n);
			scid = s.on.on[n] ? dat_cntlid(t, s.on.on[n]) : -1;
			if (scid < 0)
				return;
			/* What is attached stays so, and says so: whether it does is vf.attach' and namespace.persist's question. */
			nvsr_ns_attach(t->pf, s.on.ns.nsid, (uint16_t)scid);
			if (!rst_load(t, &s, n))
				return;
		}
		PREPARE(t, "clearing VF Enable", nvsr_set_numvfs(t->pf, 0));
		rst_check_unnoticed(t, &s.load[0], rst_text("VF Enable cleared %u times", i + 1));
		for (unsigned n = 1; n < DAT_CTRLS; n++) {
			rst_check_settled(t, &s.load[n], &s.load[0], rst_text("VF Enable cleared %u times", i + 1));
			rst_unload(&s.load[n]);
			s.load[n].dev = NULL;	/* the fixture closes it */
		}
		if (!rst_fly(t, &s.load[0]) || !nvsr_t_enable_vfs(t, i % 2 ? 2 : t->inv->sriov.total_vfs))
			return;
		rst_check_unnoticed(t, &s.load[0], rst_text("VF Enable set %u times", i + 2));
		if (!rst_fly(t, &s.load[0]))
			return;
	}
}

static void keeps_data(struct nvsr_ctx *t)
{
	struct rst_data d;

	if (!rst_data_write(t, &d))
		return;
	for (unsigned i = 0; i < ROUNDS; i++)
		rst_data_check(t, &d, true, rst_text("VF Enable 1 to 0 to 1, time %u", i + 1));
}

static const struct nvsr_test tests[] = {
	{ .id = "keeps-data", .title = "user data of a VF persists over VF Enable 1 to 0 to 1",
	  .requirements = REQS("PCIE-07"), .needs = DAT_NEED_VF, .limit_s = 60,
	  .caught_by = DEFECTS("vf-disable-drops-writes"), .run = keeps_data },
	{ .id = "vf-mse-under-load", .title = "clearing VF MSE hides loaded VFs and ends none of their commands",
	  .requirements = REQS("PCIE-46"), .needs = RST_NEED_CFG, .caught_by = DEFECTS("vf-mse-resets-ctrl"),
	  .run = mse_under_load },
	{ .id = "disabled-under-load", .title = "commands of a VF end with VF Enable, and never run in the next one",
	  .requirements = REQS("PCIE-07", "PCIE-04"), .needs = RST_NEED_CFG,
	  .caught_by = DEFECTS("queued-commands-survive-vf-disable", "vf-disable-drops-writes"), .run = disabled_under_load },
	{ .id = "pf-works-on", .title = "the PF under load does not notice that VFs come and go",
	  .requirements = REQS("PCIE-43"), .needs = RST_NEED, .limit_s = 60,
	  .caught_by = DEFECTS("vf-disable-deletes-pf-queues", "pf-irq-lost-when-vfs-enabled", "pf-msix-lost-on-vf-enable"),
	  .run = pf_works_on },
};

const struct nvsr_group nvsr_reset_toggle = NVSR_GROUP("reset.toggle", tests);
