// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.persist: attachments stay over resets, Offline and VF Enable, Base 2.0 5.22. */
#include "common.h"

/* Two shared namespaces: one attached to PF and VF 1, one attached to both and detached again. */
struct kept {
	uint32_t attached, detached;
	uint16_t pcid, scid;
};

static bool prepare(struct nvsr_ctx *t, int scid, struct kept *k)
{
	uint16_t both[2];

	if (scid < 0)
		return false;
	k->pcid = nvsr_t_pcid(t);
	k->scid = (uint16_t)scid;
	k->attached = nvsr_t_ns(t, 1, true);
	k->detached = k->attached ? nvsr_t_ns(t, 1, true) : 0;
	if (!k->detached)
		return false;
	both[0] = NVSR_MIN(k->pcid, k->scid);
	both[1] = NVSR_MAX(k->pcid, k->scid);
	return CHECK_OK(t, "attach the first to PF and VF", nsm_attachment(t->pf, k->attached, NVME_NS_ATTACH, 2, both, 2)) &&
	       CHECK_OK(t, "attach the second to PF and VF", nsm_attachment(t->pf, k->detached, NVME_NS_ATTACH, 2, both, 2)) &&
	       CHECK_OK(t, "detach the second from both", nsm_attachment(t->pf, k->detached, NVME_NS_DETACH, 2, both, 2));
}

static bool prepare_secondary(struct nvsr_ctx *t, struct kept *k)
{
	return prepare(t, nsm_second(t, 1), k);
}

static bool prepare_vf(struct nvsr_ctx *t, struct kept *k, struct nvsr_dev **ret_vf)
{
	*ret_vf = nvsr_t_vf(t, 1);
	return *ret_vf && prepare(t, nsm_cntlid(t, *ret_vf), k);
}

/* What the PF says of both, and which of them are active on @d. */
static void check_kept(struct nvsr_ctx *t, const struct kept *k, const char *when, struct nvsr_dev *d)
{
	CHECK_CTRLS(t, k->attached, when, k->pcid, k->scid);
	CHECK_NO_CTRLS(t, k->detached, when);
	if (d) {
		CHECK_LISTED(t, d, NVME_CNS_ACTIVE_NS, k->attached, true);
		CHECK_LISTED(t, d, NVME_CNS_ACTIVE_NS, k->detached, false);
	}
}

/* --- resets of the PF: VFs are Offline or gone afterwards, the attachments of their controllers stay ------------- */

static void over_pf_reset(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	struct kept k;

	if (!nvsr_t_enable_vfs(t, 1) || !prepare_secondary(t, &k))
		return;
	PREPARE(t, name, nvsr_reset(t->pf, how));
	if (nvsr_t_enable_vfs(t, 1))
		check_kept(t, &k, name, t->pf);
}

static void pf_controller_reset(struct nvsr_ctx *t)
{
	over_pf_reset(t, NVSR_RESET_CTRL, "after Controller Reset of the PF");
}

static void pf_flr(struct nvsr_ctx *t)
{
	over_pf_reset(t, NVSR_RESET_FLR, "after FLR of the PF");
}

static void hot_reset(struct nvsr_ctx *t)
{
	over_pf_reset(t, NVSR_RESET_HOT, "after a conventional reset");
}

static void nssr(struct nvsr_ctx *t)
{
	over_pf_reset(t, NVSR_RESET_NSSR, "after NVM Subsystem Reset");
}

static void power_cycle(struct nvsr_ctx *t)
{
	over_pf_reset(t, NVSR_RESET_POWER, "after a power cycle");
}

/* --- resets of the VF ------------------------------------------------------------------------------------------- */

static void over_vf_reset(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	struct nvsr_dev *vf;
	struct kept k;

	if (!prepare_vf(t, &k, &vf))
		return;
	check_kept(t, &k, "before the reset", vf);
	PREPARE(t, name, nvsr_reset(vf, how));
	check_kept(t, &k, name, vf);
}

static void vf_controller_reset(struct nvsr_ctx *t)
{
	over_vf_reset(t, NVSR_RESET_CTRL, "after Controller Reset of the VF");
}

static void vf_flr(struct nvsr_ctx *t)
{
	over_vf_reset(t, NVSR_RESET_FLR, "after FLR of the VF");
}

/* --- states of the secondary controller ------------------------------------------------------------------------- */

static void offline_and_online(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf;
	struct kept k;

	if (!prepare_vf(t, &k, &vf))
		return;
	MUST_OK(t, "Secondary Offline", nvsr_virt_mgmt(t->pf, k.scid, 0, NVME_VIRT_OFFLINE, 0, NULL));
	check_kept(t, &k, "while the secondary is Offline", NULL);
	vf = nvsr_t_vf_with(t, 1, 2, 0);	/* not the open one: brought up again */
	if (vf)
		check_kept(t, &k, "after Offline and Online", vf);
}

static void attach_while_offline(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	int scid = nsid ? nsm_second(t, 1) : -1;
	struct nvsr_dev *vf;

	if (scid < 0)
		return;
	MUST_OK(t, "Secondary Offline", nvsr_virt_mgmt(t->pf, (uint16_t)scid, 0, NVME_VIRT_OFFLINE, 0, NULL));
	CHECK_OK(t, "attach to an Offline secondary", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	CHECK_CTRLS(t, nsid, "while the secondary is Offline", (uint16_t)scid);
	vf = nvsr_t_vf(t, 1);
	if (vf)
		CHECK_LISTED(t, vf, NVME_CNS_ACTIVE_NS, nsid, true);
}

/* --- VF Enable 1 to 0 to 1 -------------------------------------------------------------------------------------- */

static bool toggle(struct nvsr_ctx *t)
{
	return nvsr_t_enable_vfs(t, 0) && nvsr_t_enable_vfs(t, 1);
}

/* The text says "all reset events"; a VF Enable toggle is not named. */
static void vf_enable_keeps_attachment(struct nvsr_ctx *t)
{
	struct kept k;

	if (nvsr_t_enable_vfs(t, 1) && prepare_secondary(t, &k) && toggle(t))
		CHECK_CTRLS(t, k.attached, "after VF Enable 1 to 0 to 1", k.pcid, k.scid);
}

/* Nothing but an attach makes a namespace active: a detached one that comes back shows one tenant's data to another. */
static void vf_enable_attaches_nothing(struct nvsr_ctx *t)
{
	struct kept k;

	if (nvsr_t_enable_vfs(t, 1) && prepare_secondary(t, &k) && toggle(t))
		CHECK_NO_CTRLS(t, k.detached, "after VF Enable 1 to 0 to 1");
}

#define NS_PF NSM_NEED_SECOND
static const struct nvsr_test tests[] = {
	{ .id = "pf-controller-reset", .title = "attach and detach survive Controller Reset of the PF",
	  .requirements = REQS("NSM-42"), .needs = NS_PF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("attach-lost-on-ctrl-reset"), .run = pf_controller_reset },
	{ .id = "pf-flr", .title = "attach and detach survive FLR of the PF", .requirements = REQS("NSM-42"),
	  .needs = NS_PF | NVSR_NEED(FLR), .caught_by = DEFECTS("attach-lost-on-flr"), .run = pf_flr },
	{ .id = "vf-controller-reset", .title = "attach and detach survive Controller Reset of the VF",
	  .requirements = REQS("NSM-42"), .needs = NSM_NEED_VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("attach-lost-on-ctrl-reset"), .run = vf_controller_reset },
	{ .id = "vf-flr", .title = "attach and detach survive FLR of the VF", .requirements = REQS("NSM-42"),
	  .needs = NSM_NEED_VF | NVSR_NEED(FLR), .caught_by = DEFECTS("attach-lost-on-flr"),
	  .run = vf_flr },
	{ .id = "hot-reset", .title = "attach and detach survive a conventional reset", .requirements = REQS("NSM-42"),
	  .needs = NS_PF | NVSR_NEED(HOT_RESET), .caught_by = DEFECTS("attach-lost-on-hot-reset"), .run = hot_reset },
	{ .id = "nssr", .title = "attach and detach survive NVM Subsystem Reset", .requirements = REQS("NSM-42"),
	  .needs = NS_PF | NVSR_NEED(NSSR) | NVSR_NEED(REG_WRITE), .caught_by = DEFECTS("attach-lost-on-nssr"),
	  .run = nssr },
	{ .id = "power-cycle", .title = "attach and detach survive a power cycle", .requirements = REQS("NSM-42"),
	  .needs = NS_PF | NVSR_NEED(POWER_CYCLE), .caught_by = DEFECTS("attach-lost-on-power"),
	  .run = power_cycle },
	{ .id = "offline-and-online", .title = "attach and detach survive Offline and Online of the secondary",
	  .requirements = REQS("NSM-42", "VIRT-53"), .needs = NSM_NEED_VF | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("attach-lost-on-offline"), .run = offline_and_online },
	{ .id = "attach-while-offline", .title = "attach to an Offline secondary shows when it is Online",
	  .requirements = REQS("NSM-44"), .needs = NSM_NEED_VF | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("attach-to-offline-fails"), .run = attach_while_offline },
	{ .id = "vf-enable-keeps-attachment", .title = "attachments survive a VF Enable toggle",
	  .requirements = REQS("NSM-43"), .needs = NS_PF, .caught_by = DEFECTS("vf-disable-detaches"),
	  .run = vf_enable_keeps_attachment },
	{ .id = "vf-enable-attaches-nothing", .title = "a detached namespace stays detached over a VF Enable toggle",
	  .requirements = REQS("NSM-42"), .needs = NS_PF, .caught_by = DEFECTS("detached-returns-with-vf"),
	  .run = vf_enable_attaches_nothing },
};

const struct nvsr_group nvsr_namespace_persist = NVSR_GROUP("namespace.persist", tests);
