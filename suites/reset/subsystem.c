// SPDX-License-Identifier: GPL-2.0-or-later
/* reset.subsystem: NVM Subsystem Reset.  Base 2.0 3.7.1, 3.1.3.7, NVMe over PCIe Transport 1.2 3.3.1. */
#include "reset.h"

#define NEED (RST_NEED_CFG | NVSR_NEED(NSSR))

static void all_is_reset(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_dev_ struct nvsr_dev *vf = NULL;
	uint64_t asq;
	uint32_t csts;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	MUST_OK(t, "the PF comes back", nvsr_reset(t->pf, NVSR_RESET_NSSR));
	csts = vf_csts(t->pf);
	CHECK(t, csts & NVME_CSTS_NSSRO, "CSTS.NSSRO = 1 after NVM Subsystem Reset", "CSTS of the PF = %08Xh", csts);
	PREPARE(t, "reading ASQ", nvsr_reg_read(t->pf, NVME_REG_ASQ, 8, &asq));
	CHECK(t, asq != s.load[0].regs.asq, "the controller of the PF was reset and enabled with a new admin queue",
	      "ASQ = %llXh as before", (unsigned long long)asq);
	for (unsigned i = 1; i < DAT_CTRLS; i++)
		CHECK(t, !pf_rid_answers(t, nvsr_dev_rid(s.load[i].dev)), "VF Enable is reset with the links of the subsystem",
		      "VF %u answers", i);
	PREPARE(t, "enabling VFs again", nvsr_set_numvfs(t->pf, 0));
	PREPARE(t, "enabling VFs again", nvsr_set_numvfs(t->pf, 2));
	if (rst_vf_again(t, 1, &vf)) {
		PREPARE(t, "reading ASQ", nvsr_reg_read(vf, NVME_REG_ASQ, 8, &asq));
		CHECK(t, asq != s.load[1].regs.asq, "the controller of VF 1 was reset", "ASQ = %llXh as before",
		      (unsigned long long)asq);
	}
	PREPARE(t, "clearing NSSRO", nvsr_reg_write(t->pf, NVME_REG_CSTS, 4, NVME_CSTS_NSSRO));
}

static void under_load(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_held_ struct rst_held h = { 0 };
	_cleanup_dev_ struct nvsr_dev *vf = NULL;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_hold(t, &h, &s.load[1]))
		return;
	MUST_OK(t, "the PF comes back", nvsr_reset(t->pf, NVSR_RESET_NSSR));
	PREPARE(t, "clearing NSSRO", nvsr_reg_write(t->pf, NVME_REG_CSTS, 4, NVME_CSTS_NSSRO));
	rst_unload(&s.load[0]);
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		rst_check_settled(t, &s.load[i], &s.load[0], "after NVM Subsystem Reset");
	rst_check_never(t, &h, &s.load[0], "after NVM Subsystem Reset");
	PREPARE(t, "enabling VFs again", nvsr_set_numvfs(t->pf, 0));
	PREPARE(t, "enabling VFs again", nvsr_set_numvfs(t->pf, 2));
	if (rst_vf_again(t, 1, &vf))
		rst_check_never(t, &h, &s.load[0], "after NVM Subsystem Reset, VF 1 Online again");
}

/* The property works with one value, and reads 0. */
static void other_values(struct nvsr_ctx *t)
{
	static const uint32_t value[] = { 0, 1, 0x4e564d00, 0x654d564e, 0x4e564d64, 0xffffffff };
	_cleanup_rst_ struct rst_set s = { 0 };
	uint64_t v;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(value); i++)
		PREPARE(t, "writing NSSR", nvsr_reg_write(t->pf, NVME_REG_NSSR, 4, value[i]));
	PREPARE(t, "reading NSSR", nvsr_reg_read(t->pf, NVME_REG_NSSR, 4, &v));
	CHECK_EQ(t, "NSSR as it reads", 0, v);
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		rst_check_unnoticed(t, &s.load[i], "after Writes of other values to NSSR");
}

static void keeps_data(struct nvsr_ctx *t)
{
	struct rst_data d;

	if (!rst_data_write(t, &d))
		return;
	MUST_OK(t, "the PF comes back", nvsr_reset(t->pf, NVSR_RESET_NSSR));
	PREPARE(t, "clearing NSSRO", nvsr_reg_write(t->pf, NVME_REG_CSTS, 4, NVME_CSTS_NSSRO));
	rst_data_check(t, &d, true, "after NVM Subsystem Reset");
}

/* A VF that does not offer the reset and performs it is a way for one tenant to stop all. */
static void not_from_a_vf(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	uint64_t cap;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	PREPARE(t, "reading CAP", nvsr_reg_read(s.load[1].dev, NVME_REG_CAP, 8, &cap));
	nvsr_note(t, "CAP.NSSRS of VF 1: %u", NVME_CAP_NSSRS(cap));
	PREPARE(t, "writing NSSR of VF 1", nvsr_reg_write(s.load[1].dev, NVME_REG_NSSR, 4, NVME_NSSR_KEY));
	nvsr_dev_sleep_ms(t->pf, PCI_MS_FLR);
	if (!CHECK(t, vf_csts(t->pf) == (uint32_t)s.load[0].regs.csts, "a VF resets no other controller",
		   "CSTS of the PF = %08Xh", vf_csts(t->pf))) {
		nvsr_reset(t->pf, NVSR_RESET_HOT);
		return;
	}
	rst_check_unnoticed(t, &s.load[0], "after a Write to NSSR of VF 1");
	rst_check_unnoticed(t, &s.load[2], "after a Write to NSSR of VF 1");
}

static const struct nvsr_test tests[] = {
	{ .id = "all-is-reset", .title = "NVM Subsystem Reset resets the controllers of PF and VFs and says so in CSTS.NSSRO",
	  .requirements = REQS("ISO-06", "PCIE-47"), .needs = NEED,
	  .caught_by = DEFECTS("nssro-not-set", "nssr-keeps-vfs", "nssr-ignored"), .run = all_is_reset },
	{ .id = "keeps-data", .title = "acknowledged Writes survive NVM Subsystem Reset",
	  .requirements = REQS("ISO-06"), .needs = DAT_NEED_VF | NVSR_NEED(NSSR) | NVSR_NEED(REG_WRITE),
	  .caught_by = DEFECTS("nssr-drops-writes"), .run = keeps_data },
	{ .id = "under-load", .title = "NVM Subsystem Reset of loaded functions ends all commands and loses no acknowledged Write",
	  .requirements = REQS("ISO-06", "ISO-05"), .needs = NEED,
	  .caught_by = DEFECTS("nssr-drops-writes", "queued-commands-survive-vf-disable"), .run = under_load },
	{ .id = "other-values-do-nothing", .title = "a write to NSSR of any other value has no effect",
	  .requirements = REQS("ISO-06"), .needs = NEED, .caught_by = DEFECTS("nssr-takes-any-value"), .run = other_values },
	{ .id = "not-from-a-vf", .title = "a write to NSSR of a VF does not reset the subsystem",
	  .requirements = REQS("VIRT-55"), .needs = NEED | NVSR_NEED(HOT_RESET),
	  .caught_by = DEFECTS("vf-resets-subsystem", "vf-nssr-offered"),
	  .run = not_from_a_vf },
};

const struct nvsr_group nvsr_reset_subsystem = NVSR_GROUP("reset.subsystem", tests);
