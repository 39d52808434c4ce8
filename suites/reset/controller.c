// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reset.controller: CC.EN 1 to 0 of a VF and of the PF with commands in flight, requests for events outstanding, and load
 * on all other functions.  Base 2.0 3.7.2, 8.26.3.
 */
#include "reset.h"

#define STORM 12u	/* Controller Resets in a row, of VF 1 and VF 2 in turn */

/* VF @actor is reset, the PF and the other VF watch. */
static void one_under_load(struct nvsr_ctx *t, unsigned actor)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	struct rst_load *pf = &s.load[0], *vf = &s.load[actor], *other = &s.load[3 - actor];
	const char *after = rst_after(actor, "Controller Reset");
	struct nvme_secondary_ctrl e;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_entry(t, actor, &e))
		return;
	PREPARE(t, "clearing CC.EN", rst_write_en(vf->dev, false));
	/* between the reset and CSTS.RDY = 0 */
	rst_still_works(t, other, "while the VF is reset");
	rst_still_works(t, pf, "while the VF is reset");
	MUST(t, vf_wait_rdy(vf->dev, false, vf_timeout_ms(vf->dev)), "CSTS.RDY = 0 within CAP.TO", "CSTS of VF %u = %08Xh",
	     actor, vf_csts(vf->dev));
	rst_check_unnoticed(t, other, "while the VF is disabled");
	rst_check_unnoticed(t, pf, "while the VF is disabled");
	if (!rst_fly(t, other) || !rst_fly(t, pf))
		return;
	MUST_OK(t, "the VF is enabled again", rst_renew(vf->dev));
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
	PREPARE(t, "clearing CC.EN of VF 1", rst_write_en(s.load[1].dev, false));
	MUST(t, vf_wait_rdy(s.load[1].dev, false, vf_timeout_ms(s.load[1].dev)), "CSTS.RDY = 0 within CAP.TO",
	     "CSTS of VF 1 = %08Xh", vf_csts(s.load[1].dev));
	PREPARE(t, "setting Bus Master Enable", rst_bus_master(s.load[1].dev, true));
	rst_check_never(t, &h, &s.load[0], "while VF 1 is disabled");
	MUST_OK(t, "VF 1 is enabled again", rst_renew(s.load[1].dev));
	rst_check_never(t, &h, &s.load[0], "after VF 1 was enabled again");
}

/* VF 1 and VF 2 in turn, each with new commands in flight; the PF all the time. */
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
		MUST_OK(t, rst_text("Controller Reset %u of VF %u", i / 2 + 1, vfn), nvsr_reset(vf->dev, NVSR_RESET_CTRL));
		rst_check_settled(t, vf, &s.load[0], rst_text("after Controller Reset %u of VF %u", i / 2 + 1, vfn));
		rst_unload(vf);
		if (!rst_fly(t, &s.load[0]))
			return;
	}
	rst_check_unnoticed(t, &s.load[0], "after many Controller Resets of VFs");
}

/* Both VFs leave and come at the same moment. */
static void two_at_once(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	struct nvsr_dev *vf[2];

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	for (unsigned en = 0; en < 2; en++) {
		for (unsigned i = 0; i < 2; i++)
			PREPARE(t, "writing CC.EN", rst_write_en(vf[i] = s.load[1 + i].dev, en));
		for (unsigned i = 0; i < 2; i++)
			CHECK(t, vf_wait_rdy(vf[i], en, vf_timeout_ms(vf[i])), "CSTS.RDY follows CC.EN within CAP.TO",
			      "CSTS of VF %u = %08Xh, CC.EN of two VFs was %s at once", i + 1, vf_csts(vf[i]),
			      en ? "set" : "cleared");
	}
	/* one goes while the other comes */
	PREPARE(t, "clearing CC.EN of VF 1", rst_write_en(vf[0], false));
	MUST(t, vf_wait_rdy(vf[0], false, vf_timeout_ms(vf[0])), "CSTS.RDY = 0 within CAP.TO", "CSTS of VF 1 = %08Xh",
	     vf_csts(vf[0]));
	PREPARE(t, "setting CC.EN of VF 1", rst_write_en(vf[0], true));
	PREPARE(t, "clearing CC.EN of VF 2", rst_write_en(vf[1], false));
	CHECK(t, vf_wait_rdy(vf[1], false, vf_timeout_ms(vf[1])), "CSTS.RDY = 0 within CAP.TO", "CSTS of VF 2 = %08Xh",
	      vf_csts(vf[1]));
	CHECK(t, vf_wait_rdy(vf[0], true, vf_timeout_ms(vf[0])), "CSTS.RDY = 1 within CAP.TO", "CSTS of VF 1 = %08Xh",
	      vf_csts(vf[0]));
	for (unsigned i = 0; i < 2; i++)
		MUST_OK(t, "Controller Reset", rst_renew(vf[i]));
	rst_check_unnoticed(t, &s.load[0], "after Controller Resets of two VFs at once");
	for (unsigned i = 1; i < DAT_CTRLS; i++)
		rst_check_settled(t, &s.load[i], &s.load[0], "after Controller Resets of two VFs at once");
}

/* Admin queue properties: a host may set CC.EN again without writing them. */
static void admin_queue_stays(struct nvsr_ctx *t, struct nvsr_dev *d)
{
	uint64_t was[3], now[3];
	static const struct { unsigned off, len; const char *name; } reg[] = {
		{ NVME_REG_AQA, 4, "AQA" }, { NVME_REG_ASQ, 8, "ASQ" }, { NVME_REG_ACQ, 8, "ACQ" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(reg); i++)
		PREPARE(t, reg[i].name, nvsr_reg_read(d, reg[i].off, reg[i].len, &was[i]));
	PREPARE(t, "clearing CC.EN", rst_write_en(d, false));
	MUST(t, vf_wait_rdy(d, false, vf_timeout_ms(d)), "CSTS.RDY = 0 within CAP.TO", "CSTS of %s = %08Xh", nvsr_dev_name(d),
	     vf_csts(d));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(reg); i++) {
		PREPARE(t, reg[i].name, nvsr_reg_read(d, reg[i].off, reg[i].len, &now[i]));
		CHECK_EQ(t, rst_text("%s of %s after Controller Reset", reg[i].name, nvsr_dev_name(d)), was[i], now[i]);
	}
	PREPARE(t, "setting CC.EN", rst_write_en(d, true));
	CHECK(t, vf_wait_rdy(d, true, vf_timeout_ms(d)), "CSTS.RDY = 1 with the admin queue as it was", "CSTS of %s = %08Xh",
	      nvsr_dev_name(d), vf_csts(d));
	PREPARE(t, "a new admin queue", rst_renew(d));
}

static void admin_queue_properties(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	admin_queue_stays(t, s.load[1].dev);
	rst_check_unnoticed(t, &s.load[2], "after Controller Reset of VF 1");
	if (nvsr_dev_can(t->pf) & NVSR_CAN_QUEUES)
		admin_queue_stays(t, t->pf);
}

static void pf_under_load(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_held_ struct rst_held h = { 0 };
	_cleanup_dev_ struct nvsr_dev *vf = NULL;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_hold(t, &h, &s.load[1]))
		return;
	MUST_OK(t, "Controller Reset of the PF", nvsr_reset(t->pf, NVSR_RESET_CTRL));
	rst_unload(&s.load[0]);
	for (unsigned i = 1; i < DAT_CTRLS; i++)
		MUST(t, pf_rid_answers(t, nvsr_dev_rid(s.load[i].dev)), "Controller Reset takes no VF away",
		     "VF %u does not answer", i);
	PREPARE(t, "setting Bus Master Enable of VF 1", rst_bus_master(s.load[1].dev, true));
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		rst_check_settled(t, &s.load[i], &s.load[0], "after Controller Reset of the PF");
	rst_check_never(t, &h, &s.load[0], "while VF 1 is Offline");
	if (rst_vf_again(t, 1, &vf))
		rst_check_never(t, &h, &s.load[0], "after VF 1 went Online again");
}

static void vf_keeps_data(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct rst_data d;

	if (!vf || !rst_data_write(t, &d))
		return;
	MUST_OK(t, "Controller Reset of VF 1", nvsr_reset(vf, NVSR_RESET_CTRL));
	rst_data_check(t, &d, false, "after Controller Reset of VF 1");
}

static void pf_keeps_data(struct nvsr_ctx *t)
{
	struct rst_data d;

	if (!rst_data_write(t, &d))
		return;
	MUST_OK(t, "Controller Reset of the PF", nvsr_reset(t->pf, NVSR_RESET_CTRL));
	rst_data_check(t, &d, true, "after Controller Reset of the PF");
}

static const struct nvsr_test tests[] = {
	{ .id = "vf-keeps-data", .title = "acknowledged Writes of a VF survive its Controller Reset",
	  .requirements = REQS("ISO-02"), .needs = DAT_NEED_VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("vf-reset-drops-writes"), .run = vf_keeps_data },
	{ .id = "pf-keeps-data", .title = "acknowledged Writes of a VF survive Controller Reset of the PF",
	  .requirements = REQS("ISO-05"), .needs = DAT_NEED_VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("primary-reset-drops-writes"), .run = pf_keeps_data },
	{ .id = "vf-under-load", .title = "Controller Reset of a loaded VF ends its commands alone",
	  .requirements = REQS("ISO-02", "VIRT-52"), .needs = RST_NEED_VF | NVSR_NEED(CTRL_RESET), .limit_s = 60,
	  .caught_by = DEFECTS("vf-ctrl-reset-clears-sibling", "reset-deletes-sibling-queues", "reset-drops-sibling-aers",
			       "reset-rewinds-sibling-queues", "vf-reset-drops-writes", "reset-hits-lower-vf",
			       "vf-reset-goes-offline"),
	  .run = vf_under_load },
	{ .id = "vf-queued-commands", .title = "commands queued in a VF before its Controller Reset never run",
	  .requirements = REQS("ISO-02"), .needs = RST_NEED_VF_CFG | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("queued-commands-survive-ctrl-reset"), .run = vf_queued_commands },
	{ .id = "vf-storm", .title = "VFs under load are reset again and again while the PF works",
	  .requirements = REQS("ISO-02"), .needs = RST_NEED_VF | NVSR_NEED(CTRL_RESET), .limit_s = 60,
	  .caught_by = DEFECTS("reset-leaks-queues", "vf-reset-drops-writes"), .run = storm },
	{ .id = "two-at-once", .title = "CC.EN of two VFs changes at the same moment",
	  .requirements = REQS("ISO-02"), .needs = RST_NEED_VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("enable-cancels-siblings"), .run = two_at_once },
	{ .id = "admin-queue-properties", .title = "AQA, ASQ and ACQ stay over Controller Reset and serve the next enable",
	  .requirements = REQS("ISO-04"), .needs = RST_NEED_VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("aqa-lost-on-ctrl-reset"), .run = admin_queue_properties },
	{ .id = "pf-under-load", .title = "Controller Reset of the PF ends all commands, loses no acknowledged Write",
	  .requirements = REQS("ISO-05", "PCIE-48"), .needs = RST_NEED_CFG | NVSR_NEED(CTRL_RESET) | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("primary-reset-drops-writes", "ctrl-reset-clears-sriov",
			       "queued-commands-survive-primary-reset"), .run = pf_under_load },
};

const struct nvsr_group nvsr_reset_controller = NVSR_GROUP("reset.controller", tests);
