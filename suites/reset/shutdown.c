// SPDX-License-Identifier: GPL-2.0-or-later
/* reset.shutdown: normal and abrupt shutdown of a VF and of the PF under load.  Base 2.0 3.6.1, 8.26.3. */
#include "reset.h"

static const char *const after_vf[] = { "after normal shutdown of VF 1", "after abrupt shutdown of VF 1" };
static const char *const after_pf[] = { "after normal shutdown of the PF", "after abrupt shutdown of the PF" };

static void vf_shutdown(struct nvsr_ctx *t, bool abrupt)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	struct rst_load *vf = &s.load[1];
	const char *when = after_vf[abrupt];
	bool managed = t->inv->has & NVSR_NEED(VIRT_MGMT);
	int scid = managed ? nvsr_t_scid(t, 1) : 0;

	if (scid < 0 || !rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	MUST_OK(t, "CSTS.SHST = 10b of VF 1", nvsr_ctrl_shutdown(vf->dev, abrupt));
	rst_check_unnoticed(t, &s.load[0], when);
	rst_check_unnoticed(t, &s.load[2], when);
	rst_check_settled(t, vf, &s.load[0], when);
	if (managed)
		vf_check_entry(t, when, (uint16_t)scid, 1, -1, -1);
	/* a shutdown ends with a reset of the controller */
	MUST_OK(t, "VF 1 is enabled again", nvsr_ctrl_enable(vf->dev));
	CHECK_EQ(t, "CSTS.SHST of VF 1 that was enabled again", 0, NVME_CSTS_SHST(vf_csts(vf->dev)));
	rst_unload(vf);
	rst_check_settled(t, vf, vf, rst_text("VF 1 enabled again %s", when));
}

static void vf_normal(struct nvsr_ctx *t) { vf_shutdown(t, false); }
static void vf_abrupt(struct nvsr_ctx *t) { vf_shutdown(t, true); }

static void pf_shutdown(struct nvsr_ctx *t, bool abrupt)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_held_ struct rst_held h = { 0 };
	_cleanup_dev_ struct nvsr_dev *vf = NULL;
	const char *when = after_pf[abrupt];
	int rc;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_hold(t, &h, &s.load[1]))
		return;
	rc = nvsr_ctrl_shutdown(t->pf, abrupt);
	rst_bus_master(s.load[1].dev, true);
	PREPARE(t, "enabling the PF again", nvsr_ctrl_enable(t->pf));
	MUST_OK(t, "CSTS.SHST = 10b of the PF", rc);
	CHECK_EQ(t, "CSTS.SHST of the PF that was enabled again", 0, NVME_CSTS_SHST(vf_csts(t->pf)));
	rst_unload(&s.load[0]);
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		rst_check_settled(t, &s.load[i], &s.load[0], when);
	rst_check_never(t, &h, &s.load[0], when);
	if (rst_vf_again(t, 1, &vf))
		rst_check_never(t, &h, &s.load[0], rst_text("VF 1 Online again %s", when));
}

static void pf_normal(struct nvsr_ctx *t) { pf_shutdown(t, false); }
static void pf_abrupt(struct nvsr_ctx *t) { pf_shutdown(t, true); }

/* What both leave: the power may go, and all that was acknowledged is there. */
static void then_power_off(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct rst_data d;

	if (!vf || !rst_data_write(t, &d))
		return;
	if (t->inv->id.vwc & NVME_VWC_PRESENT && !nvsr_set_feature(vf, NVME_FEAT_VWC, 0, 1, NULL, 0, NULL))
		nvsr_note(t, "volatile write cache of VF 1 on");
	if (!rst_data_refresh(t, vf, &d))
		return;
	MUST_OK(t, "shutdown of VF 1", nvsr_ctrl_shutdown(vf, false));
	MUST_OK(t, "shutdown of the PF", nvsr_ctrl_shutdown(t->pf, false));
	PREPARE(t, "power cycle", nvsr_reset(t->pf, NVSR_RESET_POWER));
	PREPARE(t, "enabling the PF", nvsr_ctrl_enable(t->pf));
	rst_data_check(t, &d, true, "after shutdown and power cycle");
}

static const struct nvsr_test tests[] = {
	{ .id = "vf-normal", .title = "a normal shutdown of a loaded VF completes and concerns no other controller",
	  .requirements = REQS("PCIE-44", "ISO-01"), .needs = RST_NEED_VF,
	  .caught_by = DEFECTS("vf-shutdown-stops-siblings", "vf-shutdown-shows-in-pf", "vf-shutdown-goes-offline",
			       "shst-survives-reset", "vf-shutdown-drops-writes"),
	  .run = vf_normal },
	{ .id = "vf-abrupt", .title = "an abrupt shutdown of a loaded VF completes and concerns no other controller",
	  .requirements = REQS("PCIE-44", "ISO-01"), .needs = RST_NEED_VF,
	  .caught_by = DEFECTS("vf-shutdown-stops-siblings", "vf-shutdown-shows-in-pf", "vf-shutdown-goes-offline",
			       "vf-abrupt-shutdown-hangs", "vf-shutdown-drops-writes"),
	  .run = vf_abrupt },
	{ .id = "pf-normal", .title = "a normal shutdown of the PF ends commands of VFs and loses no acknowledged Write",
	  .requirements = REQS("ISO-05"), .needs = RST_NEED_CFG | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("primary-shutdown-drops-writes", "primary-shutdown-keeps-secondaries"), .run = pf_normal },
	{ .id = "pf-abrupt", .title = "an abrupt shutdown of the PF ends commands of VFs and loses no acknowledged Write",
	  .requirements = REQS("ISO-05"), .needs = RST_NEED_CFG | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("primary-shutdown-drops-writes", "primary-shutdown-keeps-secondaries"), .run = pf_abrupt },
	{ .id = "then-power-off", .title = "Writes that completed before shutdown are there after a power cycle",
	  .requirements = REQS("ISO-05"), .needs = DAT_NEED_VF | NVSR_NEED(QUEUES) | NVSR_NEED(REG_WRITE) | NVSR_NEED(POWER_CYCLE),
	  .limit_s = 60, .caught_by = DEFECTS("power-cycle-drops-writes"), .run = then_power_off },
};

const struct nvsr_group nvsr_reset_shutdown = NVSR_GROUP("reset.shutdown", tests);
