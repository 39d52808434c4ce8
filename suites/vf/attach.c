// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Namespace attachments belong to the controller and not to its state: whatever takes a secondary Offline or resets it,
 * the namespaces that were attached are attached when it is back.
 */
#include "vf.h"

struct active { uint32_t nsid[256]; unsigned n; };

/* One VF with a namespace of its own. */
struct tenant {
	uint16_t scid;
	uint32_t nsid;
	struct nvsr_dev *vf;
	struct active before;
};

static bool active_list(struct nvsr_ctx *t, struct nvsr_dev *vf, struct active *ret)
{
	int rc = nvsr_ns_list(vf, NVME_CNS_ACTIVE_NS, ret->nsid, NVSR_ARRAY_SIZE(ret->nsid), &ret->n);

	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "Identify CNS 02h on the VF: %s", nvsr_rc_text(rc));
	return !rc;
}

static bool is_active(const struct active *a, uint32_t nsid)
{
	unsigned i;

	for (i = 0; i < a->n; i++)
		if (a->nsid[i] == nsid)
			return true;
	return false;
}

static bool move_in(struct nvsr_ctx *t, struct tenant *ret)
{
	int scid, rc;

	if (!vf_start(t, 1) || !nvsr_t_enable_vfs(t, 1) || (scid = nvsr_t_scid(t, 1)) < 0)
		return false;
	ret->scid = (uint16_t)scid;
	ret->nsid = nvsr_t_ns(t, 1, false);
	ret->vf = ret->nsid ? nvsr_t_vf(t, 1) : NULL;
	if (!ret->vf)
		return false;
	rc = nvsr_ns_attach(t->pf, ret->nsid, ret->scid);
	if (rc) {
		nvsr_test_broken(t, __FILE__, __LINE__, "attaching namespace %u to controller %u: %s", ret->nsid, ret->scid,
				 nvsr_rc_text(rc));
		return false;
	}
	if (!active_list(t, ret->vf, &ret->before))
		return false;
	if (is_active(&ret->before, ret->nsid))
		return true;
	nvsr_test_broken(t, __FILE__, __LINE__, "namespace %u is attached to controller %u and not in its list", ret->nsid,
			 ret->scid);
	return false;
}

/* As the PF sees it, which needs no working VF. */
static void check_attached(struct nvsr_ctx *t, const char *when, const struct tenant *a)
{
	struct nvme_ctrl_list list;
	unsigned i, n;

	MUST_OK(t, vf_text("%s: Identify CNS 12h of namespace %u", when, a->nsid),
		nvsr_identify(t->pf, NVME_CNS_NS_CTRLS, a->nsid, 0, &list));
	n = le16_get(list.num);
	for (i = 0; i < n && i < NVSR_ARRAY_SIZE(list.id) && le16_get(list.id[i]) != a->scid; i++)
		;
	CHECK(t, i < n, "the namespace is still attached to the secondary",
	      "%s: CNS 12h of namespace %u lacks controller %u", when, a->nsid, a->scid);
}

static void check_list(struct nvsr_ctx *t, const char *when, const struct tenant *a)
{
	struct active now;
	unsigned i;

	if (!active_list(t, a->vf, &now))
		return;
	CHECK_EQ(t, vf_text("%s: active namespaces of the VF", when), a->before.n, now.n);
	for (i = 0; i < a->before.n; i++)
		CHECK(t, is_active(&now, a->before.nsid[i]), "the active namespaces are what they were",
		      "%s: namespace %u is missing", when, a->before.nsid[i]);
}

/* A driver of the operating system leaves before the controller goes: it would wait for commands that never complete. */
static bool leave(struct nvsr_ctx *t, struct tenant *a)
{
	a->vf = NULL;
	return nvsr_t_enable_vfs(t, 1);	/* closes the VFs that are open, the number stays */
}

/* The VF up again by the order of the standard. */
static bool back(struct nvsr_ctx *t, struct tenant *a, bool vf_went)
{
	bool enabled = vf_went ? vf_enable_again(t, 1) : nvsr_t_enable_vfs(t, 1);

	a->vf = enabled ? nvsr_t_vf(t, 1) : NULL;
	return a->vf;
}

static void survives_offline(struct nvsr_ctx *t)
{
	struct tenant a;

	if (!move_in(t, &a) || !leave(t, &a))
		return;
	PREPARE(t, "Offline", vf_offline(t, a.scid));
	check_attached(t, "after Offline", &a);
	if (back(t, &a, false))
		check_list(t, "after Offline, Assign, Online", &a);
}

static void survives(struct nvsr_ctx *t, bool of_vf, enum nvsr_reset how, unsigned need, const char *name)
{
	struct tenant a;
	struct nvsr_dev *d;

	if (!move_in(t, &a))
		return;
	d = of_vf ? a.vf : t->pf;
	if (need && !(nvsr_dev_can(d) & need))
		SKIP(t, "the access method has no %s", name);
	if (!of_vf && !leave(t, &a))
		return;
	PREPARE(t, name, nvsr_reset(d, how));
	check_attached(t, vf_text("after %s", name), &a);
	if (of_vf || back(t, &a, how != NVSR_RESET_CTRL))
		check_list(t, vf_text("after %s", name), &a);
}

static void vf_controller_reset(struct nvsr_ctx *t)
{
	survives(t, true, NVSR_RESET_CTRL, NVSR_CAN_CTRL_RESET, "Controller Reset of the VF");
}

static void vf_flr(struct nvsr_ctx *t)
{
	survives(t, true, NVSR_RESET_FLR, NVSR_CAN_FLR, "FLR of the VF");
}

static void pf_controller_reset(struct nvsr_ctx *t)
{
	survives(t, false, NVSR_RESET_CTRL, 0, "Controller Reset of the PF");
}

static void pf_flr(struct nvsr_ctx *t) { survives(t, false, NVSR_RESET_FLR, 0, "FLR of the PF"); }
static void hot_reset(struct nvsr_ctx *t) { survives(t, false, NVSR_RESET_HOT, 0, "a Conventional Reset"); }
static void subsystem_reset(struct nvsr_ctx *t) { survives(t, false, NVSR_RESET_NSSR, 0, "an NVM Subsystem Reset"); }
static void power_cycle(struct nvsr_ctx *t) { survives(t, false, NVSR_RESET_POWER, 0, "a power cycle"); }

#define VF_ATTACH (VF_NEEDS | NVSR_NEED(VF_ADMIN) | NVSR_NEED(NS_MGMT))

static const struct nvsr_test tests[] = {
	{ .id = "survives-offline", .title = "attachments survive Offline, Assign and Online",
	  .requirements = REQS("VIRT-53"), .needs = VF_ATTACH,
	  .caught_by = DEFECTS("attach-lost-on-offline"), .run = survives_offline },
	{ .id = "survives-vf-controller-reset", .title = "attachments survive a Controller Reset of the VF",
	  .requirements = REQS("VIRT-53"), .needs = VF_ATTACH | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("attach-lost-on-ctrl-reset"), .run = vf_controller_reset },
	{ .id = "survives-vf-flr", .title = "attachments survive an FLR of the VF",
	  .requirements = REQS("VIRT-53"), .needs = VF_ATTACH | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("attach-lost-on-flr"), .run = vf_flr },
	{ .id = "survives-controller-reset", .title = "attachments survive a Controller Reset of the PF",
	  .requirements = REQS("VIRT-53"), .needs = VF_ATTACH | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("attach-lost-on-ctrl-reset"), .run = pf_controller_reset },
	{ .id = "survives-flr", .title = "attachments survive an FLR of the PF",
	  .requirements = REQS("VIRT-53"), .needs = VF_ATTACH | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("attach-lost-on-flr"), .run = pf_flr },
	{ .id = "survives-hot-reset", .title = "attachments survive a Conventional Reset",
	  .requirements = REQS("VIRT-53"), .needs = VF_ATTACH | NVSR_NEED(HOT_RESET),
	  .caught_by = DEFECTS("attach-lost-on-hot-reset"), .run = hot_reset },
	{ .id = "survives-subsystem-reset", .title = "attachments survive an NVM Subsystem Reset",
	  .requirements = REQS("VIRT-53"), .needs = VF_ATTACH | NVSR_NEED(NSSR) | NVSR_NEED(REG_WRITE),
	  .caught_by = DEFECTS("attach-lost-on-nssr"), .run = subsystem_reset },
	{ .id = "survives-power-cycle", .title = "attachments survive a power cycle",
	  .requirements = REQS("VIRT-53"), .needs = VF_ATTACH | NVSR_NEED(POWER_CYCLE),
	  .caught_by = DEFECTS("attach-lost-on-power"), .run = power_cycle },
};
const struct nvsr_group nvsr_vf_attach = NVSR_GROUP("vf.attach", tests);
