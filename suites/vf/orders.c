// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The orders of operations that scripts and makers use in the field, and which of them this device takes.  Only the order
 * of Base 8.26.3 is judged, in vf.online; here a device may refuse any step with a status.  What it must not do is take
 * every step and leave a VF that never gets ready: that is what users wait 30 s for.
 */
#include "vf.h"

enum step { END, SHARE_ZERO, PRIMARY_RESET, OFFLINE, ASSIGN, ASSIGN_ALL, ENABLE, FLR, ONLINE };

static const char *const step_name[] = {
	[SHARE_ZERO] = "ACT 1h with 0", [PRIMARY_RESET] = "Controller Reset of the PF", [OFFLINE] = "Offline",
	[ASSIGN] = "Assign", [ASSIGN_ALL] = "Assign for every secondary", [ENABLE] = "VF Enable", [FLR] = "FLR of the VF", [ONLINE] = "Online",
};

static int assign_all(struct nvsr_ctx *t)
{
	unsigned i;
	int rc = 0;

	/* As many as the pool has room for: the scripts take numbers that fit. */
	for (i = 0; i < t->inv->sec_count && !rc; i++)
		if (le16_get(t->inv->sec[i].scid) != le16_get(t->inv->sec[i].pcid))
			rc = vf_assign_min(t, le16_get(t->inv->sec[i].scid), 0, 0);
	return rc == NVME_SC_INVALID_RESOURCE_ID && i > 2 ? 0 : rc;
}

static int share_zero(struct nvsr_ctx *t)
{
	int rc = 0;

	if (t->inv->primary.crt & NVME_CRT_VQ)
		rc = nvsr_virt_mgmt(t->pf, nvsr_t_pcid(t), NVME_VIRT_RT_VQ, NVME_VIRT_PRIMARY_FLEXIBLE, 0, NULL);
	if (!rc && t->inv->primary.crt & NVME_CRT_VI)
		rc = nvsr_virt_mgmt(t->pf, nvsr_t_pcid(t), NVME_VIRT_RT_VI, NVME_VIRT_PRIMARY_FLEXIBLE, 0, NULL);
	return rc;
}

static int take(struct nvsr_ctx *t, enum step step, uint16_t scid)
{
	struct nvsr_dev *vf;

	switch (step) {
	case SHARE_ZERO:
		return share_zero(t);
	case PRIMARY_RESET:
		return nvsr_dev_can(t->pf) & NVSR_CAN_CTRL_RESET ? nvsr_reset(t->pf, NVSR_RESET_CTRL) : 0;
	case OFFLINE:
		return vf_offline(t, scid);
	case ASSIGN:
		return vf_assign_min(t, scid, 2, 2);	/* admin and I/O queue, a vector each */
	case ASSIGN_ALL:
		return assign_all(t);
	case ENABLE:
		return nvsr_set_numvfs(t->pf, 1);
	case FLR:
		vf = nvsr_t_vf_bare(t, 1);
		return vf && nvsr_dev_can(vf) & NVSR_CAN_FLR ? nvsr_reset(vf, NVSR_RESET_FLR) : 0;
	default:
		return vf_online(t, scid);
	}
}

/* Whether the VF gets ready, by a driver or by hand. */
static int get_ready(struct nvsr_ctx *t, struct nvsr_dev **ret)
{
	struct nvsr_dev *vf = nvsr_t_vf_bare(t, 1);
	struct nvme_id_ctrl id;
	int rc = vf ? 0 : -ENODEV;

	*ret = vf;
	if (!rc && nvsr_dev_can(vf) & NVSR_CAN_REG_WRITE)
		rc = nvsr_ctrl_enable(vf);
	return rc ? rc : nvsr_id_ctrl(vf, &id);
}

/* @refused: the standard has no way for this order to work where resources are flexible (VIRT-37, VIRT-41). */
static void run_order(struct nvsr_ctx *t, const enum step *step, bool refused)
{
	struct nvsr_dev *vf;
	uint64_t start;
	unsigned ms;
	int scid, rc;

	if (!vf_start(t, 0) || !nvsr_t_enable_vfs(t, 0) || (scid = nvsr_t_scid(t, 1)) < 0)
		return;
	for (; *step; step++) {
		rc = take(t, *step, (uint16_t)scid);
		if (rc < 0)
			BROKEN(t, "%s: %s", step_name[*step], nvsr_rc_text(rc));
		if (!rc)
			continue;
		nvsr_note(t, "the device refuses this order at %s: %s", step_name[*step], nvsr_rc_text(rc));
		return;
	}
	CHECK(t, !refused || !t->inv->primary.crt, "Online is refused in this order", "every step succeeds");
	start = nvsr_dev_now(t->pf);
	rc = get_ready(t, &vf);
	ms = (unsigned)((nvsr_dev_now(t->pf) - start) / NVSR_MS);
	CHECK(t, !rc, "a refused step, or a VF that gets ready within CAP.TO", "every step succeeds, then: %s",
	      nvsr_rc_text(rc));
	if (!rc)
		nvsr_note(t, "the device takes this order; ready after %u ms", ms);
}

#define ORDER(name, refused, ...) \
	static void name(struct nvsr_ctx *t) \
	{ \
		static const enum step steps[] = { __VA_ARGS__, END }; \
		run_order(t, steps, refused); \
	}

ORDER(standard, false, ENABLE, OFFLINE, ASSIGN, FLR, ONLINE)
ORDER(share_first, false, SHARE_ZERO, PRIMARY_RESET, ASSIGN_ALL, ENABLE, ONLINE)
ORDER(assign_flr_online, false, ENABLE, ASSIGN, FLR, ONLINE)
ORDER(online_before_enable, true, ASSIGN, ONLINE, ENABLE)
ORDER(flr_last, false, ASSIGN, ENABLE, ONLINE, FLR)
ORDER(no_reset, false, ENABLE, ASSIGN, ONLINE)
ORDER(online_only, true, ENABLE, ONLINE)

#define VF_ORDERS (VF_NEEDS | NVSR_NEED(VF_ADMIN))
#define CAUGHT DEFECTS("vf-never-ready")

static const struct nvsr_test tests[] = {
	{ .id = "standard", .title = "VF Enable, Offline, Assign, FLR, Online (Base 8.26.3, libvfn)",
	  .requirements = REQS("VIRT-59"), .needs = VF_ORDERS, .caught_by = CAUGHT, .run = standard },
	{ .id = "share-first",
	  .title = "ACT 1h with 0, reset of the PF, Assign for all, VF Enable, Online (PM173x scripts)",
	  .requirements = REQS("VIRT-59"), .needs = VF_ORDERS, .caught_by = CAUGHT, .run = share_first },
	{ .id = "assign-flr-online", .title = "VF Enable, Assign, FLR, Online without Offline before (Samsung, HPE)",
	  .requirements = REQS("VIRT-59"), .needs = VF_ORDERS, .caught_by = CAUGHT, .run = assign_flr_online },
	{ .id = "online-before-enable", .title = "Assign, Online, VF Enable (DapuStor scripts)",
	  .requirements = REQS("VIRT-59"), .needs = VF_ORDERS, .caught_by = DEFECTS("online-without-vf"),
	  .run = online_before_enable },
	{ .id = "flr-last", .title = "Assign, VF Enable, Online, FLR (unvme-cli)",
	  .requirements = REQS("VIRT-59"), .needs = VF_ORDERS, .caught_by = CAUGHT, .run = flr_last },
	{ .id = "no-reset", .title = "VF Enable, Assign, Online without a reset of the VF (nvme-cli examples)",
	  .requirements = REQS("VIRT-59"), .needs = VF_ORDERS, .caught_by = CAUGHT, .run = no_reset },
	{ .id = "online-only", .title = "VF Enable, Online, nothing assigned (Kioxia CM7 scripts)",
	  .requirements = REQS("VIRT-59"), .needs = VF_ORDERS, .caught_by = DEFECTS("online-without-resources"),
	  .run = online_only },
};
const struct nvsr_group nvsr_vf_orders = NVSR_GROUP("vf.orders", tests);
