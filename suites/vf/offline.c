// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What puts a secondary controller Offline and takes its resources - Secondary Offline, whatever resets the primary, a VF
 * that goes away - and what must not: resets of the secondary itself.
 */
#include "vf.h"

static void everything_is_taken(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	unsigned n, i, nrm;
	int first, second = -1;
	bool two = t->inv->sriov.total_vfs >= 2;

	if (!vf_start(t, two ? 2 : 1) || (first = vf_raise(t, 1, 0, 0)) < 0 || (two && (second = vf_raise(t, 2, 0, 0)) < 0))
		return;
	vf_check_accounts(t, "before Offline");
	MUST_OK(t, vf_text("Offline of controller %d", first), vf_offline(t, (uint16_t)first));
	vf_check_entry(t, "after Offline", (uint16_t)first, 0, 0, 0);
	vf_check_accounts(t, "after Offline");
	if (two)
		vf_check_entry(t, "after Offline of another", (uint16_t)second, 1, -1, -1);
	/* Freed resources are there at once: all that is left now goes to the same controller. */
	n = t->inv->primary.crt ? vf_pools(t, pool) : 0;
	for (i = 0; i < n; i++) {
		unsigned nr = NVSR_MIN(pool[i].max, vf_free(&pool[i]));

		CHECK_OK(t, vf_text("Assign %u %s right after Offline", nr, pool[i].name),
			 vf_assign(t, (uint16_t)first, pool[i].rt, nr, &nrm));
	}
}

static void freed_resources_move(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	uint16_t id[128];
	unsigned n, i, k, ids, nrm;

	if (!vf_start(t, 0) || !vf_secondaries(t, 2, id, NVSR_ARRAY_SIZE(id), &ids) || !(n = vf_pools(t, pool)))
		return;
	/* Twice through all controllers, each with all it may have: a resource that is not given back is missing soon. */
	for (k = 0; k < 2 * ids; k++) {
		for (i = 0; i < n; i++) {
			unsigned nr = NVSR_MIN(pool[i].max, vf_free(&pool[i]));

			MUST_OK(t, vf_text("Assign %u %s to controller %u", nr, pool[i].name, id[k % ids]),
				vf_assign(t, id[k % ids], pool[i].rt, nr, &nrm));
			vf_check_entry(t, "resources moved on", id[k % ids], 0,
				       pool[i].rt == NVME_VIRT_RT_VQ ? (int)nrm : -1,
				       pool[i].rt == NVME_VIRT_RT_VI ? (int)nrm : -1);
		}
		MUST_OK(t, vf_text("Offline of controller %u", id[k % ids]), vf_offline(t, id[k % ids]));
		vf_check_entry(t, "after Offline", id[k % ids], 0, 0, 0);
	}
	vf_check_accounts(t, "after all controllers had and lost their resources");
}

static void offline_twice(struct nvsr_ctx *t)
{
	int scid;

	if (!vf_start(t, 1) || (scid = nvsr_t_scid(t, 1)) < 0)
		return;
	CHECK_OK(t, "Offline of a controller that never was Online", vf_offline(t, (uint16_t)scid));
	PREPARE(t, "assigning resources", vf_assign_min(t, (uint16_t)scid, 0, 0));
	CHECK_OK(t, "Offline of an Offline controller with resources", vf_offline(t, (uint16_t)scid));
	vf_check_entry(t, "Offline while Offline", (uint16_t)scid, 0, 0, 0);
	CHECK_OK(t, "Offline once more", vf_offline(t, (uint16_t)scid));
	vf_check_accounts(t, "after Offline of an Offline controller");
}

/* --- the primary ------------------------------------------------------------------------------------------------------ */

#define UP 2u	/* VFs brought Online for the tests below, one where the device has no more */

struct raised { unsigned n; int scid[UP]; };

static bool raise_vfs(struct nvsr_ctx *t, struct raised *ret)
{
	unsigned i;

	ret->n = NVSR_MIN(UP, t->inv->sriov.total_vfs);
	if (!vf_start(t, ret->n))
		return false;
	for (i = 0; i < ret->n; i++)
		if ((ret->scid[i] = vf_raise(t, i + 1, 0, 0)) < 0)
			return false;
	return true;
}

static void check_all_offline(struct nvsr_ctx *t, const char *when, const struct raised *r)
{
	unsigned i;

	for (i = 0; i < r->n; i++)
		vf_check_entry(t, when, (uint16_t)r->scid[i], 0, 0, 0);
	vf_check_accounts(t, when);
}

/* CSTS.CFS of the VFs, which all resets but the Controller Reset take away: then it is what they come back with. */
static void check_vfs_failed(struct nvsr_ctx *t, const char *when, const struct raised *r, enum nvsr_reset how)
{
	unsigned i;

	if (how == NVSR_RESET_CTRL ? !nvsr_t_enable_vfs(t, r->n) : !vf_enable_again(t, r->n))
		return;
	for (i = 1; i <= r->n; i++) {
		struct nvsr_dev *vf = nvsr_t_vf_bare(t, i);
		uint32_t csts = vf && nvsr_dev_can(vf) & NVSR_CAN_REG_READ ? vf_csts(vf) : 0xffffffffu;

		if (csts != 0xffffffffu)
			CHECK(t, csts & NVME_CSTS_CFS, "CSTS.CFS = 1 of a VF whose primary was reset",
			      "%s: CSTS of VF %u = %08Xh", when, i, csts);
	}
}

static void primary_reset(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	struct raised r;

	if (!raise_vfs(t, &r))
		return;
	PREPARE(t, name, nvsr_reset(t->pf, how));
	check_all_offline(t, vf_text("after %s", name), &r);
	check_vfs_failed(t, vf_text("after %s", name), &r, how);
}

static void controller_reset(struct nvsr_ctx *t) { primary_reset(t, NVSR_RESET_CTRL, "Controller Reset of the PF"); }
static void flr(struct nvsr_ctx *t) { primary_reset(t, NVSR_RESET_FLR, "FLR of the PF"); }
static void hot_reset(struct nvsr_ctx *t) { primary_reset(t, NVSR_RESET_HOT, "a Conventional Reset"); }
static void subsystem_reset(struct nvsr_ctx *t) { primary_reset(t, NVSR_RESET_NSSR, "an NVM Subsystem Reset"); }

/*
 * Enabling the PF again is a reset of its own, so only the VFs can tell before that: CSTS.CFS.
 */
static void primary_shutdown(struct nvsr_ctx *t, bool abrupt)
{
	struct raised r;
	unsigned i;
	int rc;

	if (!raise_vfs(t, &r))
		return;
	rc = nvsr_ctrl_shutdown(t->pf, abrupt);
	for (i = 1; !rc && i <= r.n; i++) {
		struct nvsr_dev *vf = nvsr_t_vf_bare(t, i);
		uint32_t csts = vf ? vf_csts(vf) : 0;

		CHECK(t, csts & NVME_CSTS_CFS, "CSTS.CFS = 1 of a VF whose primary was shut down", "CSTS of VF %u = %08Xh",
		      i, csts);
	}
	PREPARE(t, "shutdown of the PF", rc);
	PREPARE(t, "enabling the PF", nvsr_ctrl_enable(t->pf));
	check_all_offline(t, "after shutdown of the PF", &r);
}

static void normal_shutdown(struct nvsr_ctx *t) { primary_shutdown(t, false); }
static void abrupt_shutdown(struct nvsr_ctx *t) { primary_shutdown(t, true); }

/* --- the VF --------------------------------------------------------------------------------------------------------- */

static void vfs_disabled(struct nvsr_ctx *t)
{
	struct raised r;

	if (!raise_vfs(t, &r) || !nvsr_t_enable_vfs(t, 0))
		return;
	check_all_offline(t, "after VF Enable 1 to 0", &r);
}

static void fewer_vfs(struct nvsr_ctx *t)
{
	struct raised r;

	if (!raise_vfs(t, &r) || !nvsr_t_enable_vfs(t, 1))
		return;
	check_all_offline(t, "VF Enable 1, 0, 1 with NumVFs 1", &r);
	if (vf_raise(t, 1, 0, 0) < 0)
		return;
	vf_check_entry(t, "VF 1 Online again, NumVFs 1", (uint16_t)r.scid[1], 0, 0, 0);
}

static void secondary_reset(struct nvsr_ctx *t, enum nvsr_reset how, unsigned need, const char *name)
{
	struct nvme_secondary_ctrl e;
	struct nvsr_dev *vf;
	int scid, rc;

	if (!vf_start(t, 1) || !(vf = nvsr_t_vf(t, 1)) || (scid = nvsr_t_scid(t, 1)) < 0 || !vf_entry(t, (uint16_t)scid, &e))
		return;
	if (!(nvsr_dev_can(vf) & need))
		SKIP(t, "the access method has no %s", name);
	rc = nvsr_reset(vf, how);
	vf_check_entry(t, vf_text("after %s", name), (uint16_t)scid, 1, le16_get(e.nvq), le16_get(e.nvi));
	PREPARE(t, name, rc);
	vf_check_accounts(t, name);
	if (nvsr_dev_can(vf) & NVSR_CAN_REG_READ)
		CHECK_EQ(t, vf_text("CSTS.CFS of the VF after %s", name), 0, vf_csts(vf) & NVME_CSTS_CFS);
}

static void own_controller_reset(struct nvsr_ctx *t)
{
	secondary_reset(t, NVSR_RESET_CTRL, NVSR_CAN_CTRL_RESET, "Controller Reset of the VF");
}

static void own_flr(struct nvsr_ctx *t)
{
	secondary_reset(t, NVSR_RESET_FLR, NVSR_CAN_FLR, "FLR of the VF");
}

static void nothing_is_restored(struct nvsr_ctx *t)
{
	static const struct { enum nvsr_reset how; unsigned can; const char *name; } after[] = {
		{ NVSR_RESET_CTRL, NVSR_CAN_CTRL_RESET, "Controller Reset of the PF" },
		{ NVSR_RESET_FLR, NVSR_CAN_FLR, "FLR of the PF" },
		{ NVSR_RESET_POWER, NVSR_CAN_POWER_CYCLE, "a power cycle" },
	};
	struct raised r;
	unsigned i;

	for (i = 0; i < NVSR_ARRAY_SIZE(after); i++) {
		if (!(nvsr_dev_can(t->pf) & after[i].can))
			continue;
		if (!raise_vfs(t, &r))
			return;
		PREPARE(t, after[i].name, nvsr_reset(t->pf, after[i].how));
		check_all_offline(t, vf_text("after %s", after[i].name), &r);
		if (!nvsr_t_enable_vfs(t, r.n))
			return;
		check_all_offline(t, vf_text("VFs enabled again after %s", after[i].name), &r);
	}
}

static const struct nvsr_test tests[] = {
	{ .id = "everything-is-taken", .title = "Secondary Offline takes state and resources, of this controller alone",
	  .requirements = REQS("VIRT-29"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("offline-keeps-resources", "offline-stays-online", "offline-hits-all"), .run = everything_is_taken },
	{ .id = "freed-resources-move",
	  .title = "resources freed by Offline can be assigned to another controller at once",
	  .requirements = REQS("VIRT-29"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("offline-leaks-resources"), .run = freed_resources_move },
	{ .id = "offline-twice", .title = "Offline of an Offline controller succeeds and takes its resources",
	  .requirements = REQS("VIRT-30"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("offline-again-refused", "offline-again-keeps-resources"), .run = offline_twice },
	{ .id = "primary-controller-reset", .title = "Controller Reset of the primary puts its secondaries Offline",
	  .requirements = REQS("VIRT-49"), .needs = VF_NEEDS | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("primary-reset-keeps-secondaries", "primary-reset-keeps-resources"),
	  .run = controller_reset },
	{ .id = "primary-flr", .title = "FLR of the PF puts its secondaries Offline",
	  .requirements = REQS("VIRT-49"), .needs = VF_NEEDS | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("primary-reset-keeps-resources"), .run = flr },
	{ .id = "primary-hot-reset", .title = "a Conventional Reset puts all secondaries Offline",
	  .requirements = REQS("VIRT-49"), .needs = VF_NEEDS | NVSR_NEED(HOT_RESET),
	  .caught_by = DEFECTS("primary-reset-keeps-resources"), .run = hot_reset },
	{ .id = "primary-subsystem-reset", .title = "an NVM Subsystem Reset puts all secondaries Offline",
	  .requirements = REQS("VIRT-49"), .needs = VF_NEEDS | NVSR_NEED(NSSR) | NVSR_NEED(REG_WRITE),
	  .caught_by = DEFECTS("primary-reset-keeps-resources"), .run = subsystem_reset },
	{ .id = "primary-shutdown", .title = "a normal shutdown of the primary puts its secondaries Offline",
	  .requirements = REQS("VIRT-50"), .needs = VF_NEEDS | NVSR_NEED(REG_WRITE),
	  .caught_by = DEFECTS("primary-shutdown-keeps-secondaries"), .run = normal_shutdown },
	{ .id = "primary-abrupt-shutdown", .title = "an abrupt shutdown of the primary puts its secondaries Offline",
	  .requirements = REQS("VIRT-50"), .needs = VF_NEEDS | NVSR_NEED(REG_WRITE),
	  .caught_by = DEFECTS("primary-shutdown-keeps-secondaries"), .run = abrupt_shutdown },
	{ .id = "vfs-disabled", .title = "clearing VF Enable puts the secondaries Offline and frees their resources",
	  .requirements = REQS("VIRT-51"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("vf-disable-keeps-resources"), .run = vfs_disabled },
	{ .id = "fewer-vfs", .title = "a secondary whose VF is not enabled any more is Offline and has no resources",
	  .requirements = REQS("VIRT-51"), .needs = VF_NEEDS | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("vf-disable-keeps-resources"), .run = fewer_vfs },
	{ .id = "own-controller-reset", .title = "Controller Reset of a VF leaves it Online with its resources",
	  .requirements = REQS("VIRT-52"), .needs = VF_NEEDS | NVSR_NEED(VF_ADMIN) | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("vf-reset-goes-offline"), .run = own_controller_reset },
	{ .id = "own-flr", .title = "FLR of a VF leaves it Online with its resources",
	  .requirements = REQS("VIRT-52"), .needs = VF_NEEDS | NVSR_NEED(VF_ADMIN) | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("vf-flr-strips-resources"), .run = own_flr },
	{ .id = "nothing-is-restored",
	  .title = "state and resources of secondaries do not come back after a reset of the primary",
	  .requirements = REQS("VIRT-54"), .needs = VF_NEEDS | NVSR_NEED(CTRL_RESET), .limit_s = 60,
	  .caught_by = DEFECTS("power-cycle-restores-secondaries", "primary-reset-keeps-secondaries"), .run = nothing_is_restored },
};
const struct nvsr_group nvsr_vf_offline = NVSR_GROUP("vf.offline", tests);
