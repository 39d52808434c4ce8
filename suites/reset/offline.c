// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reset.offline: Secondary Offline takes a loaded VF from its tenant.  Its commands end, nobody else notices, its data
 * stays.  Base 2.0 8.26.3.
 */
#include "reset.h"

#define NEED (RST_NEED_CFG | NVSR_NEED(VIRT_MGMT))

static int offline(struct nvsr_ctx *t, unsigned vfn)
{
	int scid = nvsr_t_scid(t, vfn);

	return scid < 0 ? -ENODEV : vf_offline(t, (uint16_t)scid);
}

static void one_under_load(struct nvsr_ctx *t, unsigned actor)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	struct rst_load *pf = &s.load[0], *vf = &s.load[actor], *other = &s.load[3 - actor];
	const char *after = rst_after(actor, "Secondary Offline");
	_cleanup_dev_ struct nvsr_dev *again = NULL;
	struct rst_load next;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s))
		return;
	MUST_OK(t, "Secondary Offline", offline(t, actor));
	rst_check_unnoticed(t, other, after);
	rst_check_unnoticed(t, pf, after);
	rst_check_settled(t, vf, pf, after);
	if (!rst_fly(t, other) || !rst_fly(t, pf) || !rst_vf_again(t, actor, &again))
		return;
	rst_check_unnoticed(t, other, "after the VF went Online again");
	rst_check_unnoticed(t, pf, "after the VF went Online again");
	next = (struct rst_load){ .dev = again, .ns = vf->ns, .base = vf->base };
	rst_check_settled(t, vf, &next, "after the VF went Online again");
}

static void under_load(struct nvsr_ctx *t)
{
	one_under_load(t, 1);
	one_under_load(t, 2);
}

/* What one tenant queued must not run in the hands of the next. */
static void queued_commands(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_held_ struct rst_held h = { 0 };
	_cleanup_dev_ struct nvsr_dev *again = NULL;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_hold(t, &h, &s.load[1]))
		return;
	MUST_OK(t, "Secondary Offline", offline(t, 1));
	PREPARE(t, "setting Bus Master Enable of VF 1", rst_bus_master(s.load[1].dev, true));
	rst_check_never(t, &h, &s.load[0], "while VF 1 is Offline");
	if (rst_vf_again(t, 1, &again))
		rst_check_never(t, &h, &s.load[0], "after VF 1 went Online again");
}

static void keeps_data(struct nvsr_ctx *t)
{
	struct rst_data d;
	unsigned vfs;

	if (!rst_data_write(t, &d))
		return;
	/* nobody uses the VF any more when its controller goes */
	PREPARE(t, "number of VFs", nvsr_get_numvfs(t->pf, &vfs));
	if (!nvsr_t_enable_vfs(t, vfs))
		return;
	MUST_OK(t, "Secondary Offline", offline(t, 1));
	rst_data_check(t, &d, false, "after Secondary Offline");
}

static const struct nvsr_test tests[] = {
	{ .id = "keeps-data", .title = "acknowledged Writes of a VF survive Secondary Offline",
	  .requirements = REQS("VIRT-53"), .needs = DAT_NEED_VF | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("offline-drops-writes", "attach-lost-on-offline"), .run = keeps_data },
	{ .id = "under-load", .title = "Secondary Offline of a loaded VF takes that controller alone",
	  .requirements = REQS("VIRT-29", "VIRT-53"), .needs = NEED,
	  .caught_by = DEFECTS("offline-drops-writes"), .run = under_load },
	{ .id = "queued-commands", .title = "commands queued in a VF before Secondary Offline never run",
	  .requirements = REQS("VIRT-42", "VIRT-43"), .needs = NEED,
	  .caught_by = DEFECTS("queued-commands-survive-offline"), .run = queued_commands },
};

const struct nvsr_group nvsr_reset_offline = NVSR_GROUP("reset.offline", tests);
