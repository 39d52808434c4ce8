// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who a VF says it is, and what it lets its tenant do: the same subsystem as the PF, and none of the actions that reach
 * beyond the tenant.  Every command here is made so that it changes nothing even where it is executed.
 */
#include "vf.h"

static void check_text(struct nvsr_ctx *t, const char *name, const char *pf, const char *vf, size_t len)
{
	CHECK(t, !memcmp(pf, vf, len), "the same text on PF and VF", "%s: PF \"%.*s\", VF \"%.*s\"", name, (int)len, pf,
	      (int)len, vf);
}

static void same_subsystem(struct nvsr_ctx *t)
{
	struct nvme_id_ctrl pf, id;
	struct nvsr_dev *vf;

	if (!vf_start(t, 1) || !(vf = nvsr_t_vf(t, 1)))
		return;
	PREPARE(t, "Identify Controller on the PF", nvsr_id_ctrl(t->pf, &pf));
	MUST_OK(t, "Identify Controller on the VF", nvsr_id_ctrl(vf, &id));
	check_text(t, "SN", pf.sn, id.sn, sizeof(pf.sn));
	check_text(t, "MN", pf.mn, id.mn, sizeof(pf.mn));
	check_text(t, "FR", pf.fr, id.fr, sizeof(pf.fr));
	CHECK(t, !strncmp(pf.subnqn, id.subnqn, sizeof(pf.subnqn)), "the same text on PF and VF",
	      "SUBNQN: PF \"%.*s\", VF \"%.*s\"", (int)sizeof(pf.subnqn), pf.subnqn, (int)sizeof(id.subnqn), id.subnqn);
}

#define NEVER_NSID 0xfffffff0u	/* above any NN: Invalid Namespace or Format where the command exists */

/*
 * Privileged commands with a field that is reserved or names nothing: executed nowhere, but only a controller that knows
 * the command looks at the field.  @oacs: the bit that goes with it, 0 = none.
 */
static const struct action {
	const char *name;
	uint16_t oacs;
	struct nvsr_cmd cmd;
} actions[] = {
	{ "Namespace Management", NVME_OACS_NS_MGMT, { .opcode = NVME_ADMIN_NS_MGMT, .cdw10 = 0xf, .nsid = NEVER_NSID } },
	{ "Namespace Attachment", NVME_OACS_NS_MGMT, { .opcode = NVME_ADMIN_NS_ATTACH, .cdw10 = 0xf, .nsid = NEVER_NSID } },
	{ "Virtualization Management", NVME_OACS_VIRT_MGMT, { .opcode = NVME_ADMIN_VIRT_MGMT, .cdw10 = 0xffff0000 } },
	{ "Format NVM", NVME_OACS_FORMAT, { .opcode = NVME_ADMIN_FORMAT, .nsid = NEVER_NSID, .cdw10 = 7u << 9 } },
	{ "Sanitize", 0, { .opcode = NVME_ADMIN_SANITIZE, .cdw10 = 0 } },
	{ "Capacity Management", 0, { .opcode = NVME_ADMIN_CAPACITY_MGMT, .cdw10 = 0xf } },
};

/* Namespace Management and Attachment carry 4096 bytes. */
static int try_action(struct nvsr_dev *d, const struct action *a, uint8_t *page)
{
	struct nvsr_cmd c = a->cmd;

	if (NVME_OPCODE_DIR(c.opcode) == NVME_DIR_TO_CTRL) {
		c.data = page;
		c.data_len = 4096;
	}
	return nvsr_admin(d, &c);
}

static void actions_are_refused(struct nvsr_ctx *t)
{
	uint8_t page[4096] = { 0 };
	struct nvsr_dev *vf;
	uint64_t cap;
	unsigned i;

	if (!vf_start(t, 1) || !(vf = nvsr_t_vf(t, 1)))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(actions); i++) {
		int rc = try_action(vf, &actions[i], page);

		CHECK_STATUS(t, vf_text("%s on a VF", actions[i].name), NVME_SC_INVALID_OPCODE, rc);
		if (rc != NVME_SC_INVALID_OPCODE)
			nvsr_note(t, "the VF executes %s", actions[i].name);
	}
	if (nvsr_dev_can(vf) & NVSR_CAN_REG_READ && !nvsr_reg_read(vf, NVME_REG_CAP, 8, &cap))
		CHECK_EQ(t, "CAP.NSSRS of a VF", 0, NVME_CAP_NSSRS(cap));
}

static void oacs_is_true(struct nvsr_ctx *t)
{
	uint8_t page[4096] = { 0 };
	struct nvme_id_ctrl id;
	struct nvsr_dev *vf;
	unsigned i;

	if (!vf_start(t, 1) || !(vf = nvsr_t_vf(t, 1)))
		return;
	PREPARE(t, "Identify Controller on the VF", nvsr_id_ctrl(vf, &id));
	for (i = 0; i < NVSR_ARRAY_SIZE(actions); i++) {
		bool claimed = le16_get(id.oacs) & actions[i].oacs, executed;

		if (!actions[i].oacs)
			continue;
		executed = try_action(vf, &actions[i], page) != NVME_SC_INVALID_OPCODE;
		CHECK(t, claimed == executed, "OACS of the VF claims what the VF executes", "%s: OACS %04Xh, the VF %s it",
		      actions[i].name, le16_get(id.oacs), executed ? "executes" : "rejects");
	}
}

/* I/O commands without data, on an NSID that is no namespace: a driver of the operating system would not send them. */
static void check_io_effects(struct nvsr_ctx *t, struct nvsr_dev *vf, const struct nvme_effects_log *log)
{
	static const struct { const char *name; uint8_t opcode; } io[] = {
		{ "Flush", NVME_CMD_FLUSH }, { "Write Zeroes", NVME_CMD_WRITE_ZEROES }, { "Verify", NVME_CMD_VERIFY },
	};
	unsigned i;

	for (i = 0; i < NVSR_ARRAY_SIZE(io) && nvsr_dev_can(vf) & NVSR_CAN_QUEUES; i++) {
		struct nvsr_cmd c = { .opcode = io[i].opcode, .nsid = NEVER_NSID };
		bool claimed = le32_get(log->iocs[io[i].opcode]) & NVME_EFFECTS_CSUPP;
		int rc = nvsr_io(vf, &c);

		if (rc < 0)
			BROKEN(t, "%s on the VF: %s", io[i].name, nvsr_rc_text(rc));
		CHECK(t, claimed == (rc != NVME_SC_INVALID_OPCODE), "the log claims what the VF executes",
		      "%s (%02Xh): CSUPP %u, the VF %s it", io[i].name, io[i].opcode, claimed,
		      rc != NVME_SC_INVALID_OPCODE ? "executes" : "rejects");
	}
}

static void effects_log_is_true(struct nvsr_ctx *t)
{
	/* Executed everywhere, and without effect. */
	static const struct action harmless[] = {
		{ "Get Features", 0, { .opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = NVME_FEAT_NUM_QUEUES } },
		{ "Abort", 0, { .opcode = NVME_ADMIN_ABORT, .cdw10 = 0xfffe0000 } },
	};
	struct nvme_effects_log log;
	uint8_t page[4096] = { 0 };
	struct nvsr_dev *vf;
	unsigned i;
	int rc;

	if (!vf_start(t, 1) || !(vf = nvsr_t_vf(t, 1)))
		return;
	rc = nvsr_get_log(vf, NVME_LOG_EFFECTS, 0, false, &log, sizeof(log));
	if (rc > 0)
		SKIP(t, "the VF has no Commands Supported and Effects log: %s", nvsr_rc_text(rc));
	PREPARE(t, "Get Log Page 05h on the VF", rc);
	for (i = 0; i < NVSR_ARRAY_SIZE(actions) + NVSR_ARRAY_SIZE(harmless); i++) {
		const struct action *a =
			i < NVSR_ARRAY_SIZE(actions) ? &actions[i] : &harmless[i - NVSR_ARRAY_SIZE(actions)];
		bool claimed = le32_get(log.acs[a->cmd.opcode]) & NVME_EFFECTS_CSUPP;
		bool executed = try_action(vf, a, page) != NVME_SC_INVALID_OPCODE;

		CHECK(t, claimed == executed, "the log claims what the VF executes", "%s (%02Xh): CSUPP %u, the VF %s it",
		      a->name, a->cmd.opcode, claimed, executed ? "executes" : "rejects");
	}
	check_io_effects(t, vf, &log);
}

#define VF_IDENTITY (VF_ANY | NVSR_NEED(VF_ADMIN))

static const struct nvsr_test tests[] = {
	{ .id = "same-subsystem", .title = "a VF has the serial number, model, firmware and subsystem name of the PF",
	  .requirements = REQS("VIRT-57"), .needs = VF_IDENTITY,
	  .caught_by = DEFECTS("vf-serial-differs", "vf-model-differs", "vf-firmware-differs", "vf-subnqn-differs"),
	  .run = same_subsystem },
	{ .id = "privileged-actions-are-refused", .title = "a VF refuses the actions that reach beyond its tenant",
	  .requirements = REQS("VIRT-55"), .needs = VF_IDENTITY,
	  .caught_by = DEFECTS("vf-accepts-ns-mgmt", "vf-accepts-virt-mgmt", "vf-nssr-offered", "vf-accepts-format",
			       "vf-accepts-sanitize"),
	  .run = actions_are_refused },
	{ .id = "oacs-is-true", .title = "OACS of a VF claims exactly the commands that the VF executes",
	  .requirements = REQS("VIRT-56"), .needs = VF_IDENTITY,
	  .caught_by = DEFECTS("vf-oacs-like-pf", "vf-accepts-virt-mgmt"), .run = oacs_is_true },
	{ .id = "effects-log-is-true",
	  .title = "the effects log of a VF claims exactly the commands that the VF executes",
	  .requirements = REQS("VIRT-56"), .needs = VF_IDENTITY,
	  .caught_by = DEFECTS("vf-effects-overclaim", "vf-effects-underclaim"), .run = effects_log_is_true },
};
const struct nvsr_group nvsr_vf_identity = NVSR_GROUP("vf.identity", tests);
