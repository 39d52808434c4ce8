// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Virtualization Management command itself: who executes it, where its fields are, and what it refuses before it
 * looks at any resource.  The dwords are built here and not by the library.
 */
#include "vf.h"

#define ACT(cntlid, rt, act) ((uint32_t)(cntlid) << 16 | (uint32_t)(rt) << 8 | (uint32_t)(act))

static int virt_mgmt(struct nvsr_dev *d, uint32_t cdw10, uint32_t cdw11, unsigned *ret_nrm)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_VIRT_MGMT, .cdw10 = cdw10, .cdw11 = cdw11 };
	int rc = nvsr_admin(d, &c);

	if (!rc && ret_nrm)
		*ret_nrm = c.dw0 & 0xffff;
	return rc;
}

static void vf_refuses(struct nvsr_ctx *t)
{
	_cleanup_list_ struct vf_list before = { 0 };
	uint16_t id[2];
	struct nvsr_dev *vf;
	unsigned i, k, n;
	int scid;

	if (!vf_start(t, 1) || !vf_secondaries(t, 1, id, 2, &n))
		return;
	vf = nvsr_t_vf(t, 1);
	scid = nvsr_t_scid(t, 1);
	if (!vf || scid < 0 || !vf_list_take(t, &before))
		return;
	for (i = 0; i < n; i++) {
		static const unsigned act[] = { NVME_VIRT_ONLINE, NVME_VIRT_ASSIGN, NVME_VIRT_PRIMARY_FLEXIBLE,
						NVME_VIRT_OFFLINE };

		for (k = 0; k < NVSR_ARRAY_SIZE(act); k++)
			CHECK_STATUS(t,
				     vf_text("ACT %Xh for controller %u, sent to VF 1 (controller %d)", act[k], id[i], scid),
				     NVME_SC_INVALID_OPCODE, virt_mgmt(vf, ACT(id[i], NVME_VIRT_RT_VQ, act[k]), 2, NULL));
	}
	vf_check_unchanged(t, "Virtualization Management sent to a VF", &before);
}

/* Two secondaries, every type: what is said to one must show there, in the right column, and nowhere else. */
static void fields_are_in_place(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	uint16_t id[2];
	unsigned n, i, k, nrm[2][2] = { { 0 } };

	if (!vf_start(t, 0) || !vf_secondaries(t, 2, id, 2, NULL))
		return;
	n = vf_pools(t, pool);
	for (k = 0; k < 2; k++) {
		for (i = 0; i < n; i++) {
			unsigned rt = pool[i].rt;

			MUST_OK(t, vf_text("Assign %u %s to controller %u", pool[i].minimum, pool[i].name, id[k]),
				virt_mgmt(t->pf, ACT(id[k], rt, NVME_VIRT_ASSIGN), pool[i].minimum, &nrm[k][rt]));
			CHECK(t, nrm[k][rt], "completion DW0 15:0 has the number assigned", "0 after Assign of %u %s",
			      pool[i].minimum, pool[i].name);
			vf_check_entry(t, vf_text("after Assign of %s", pool[i].name), id[k], 0,
				       (int)nrm[k][NVME_VIRT_RT_VQ], (int)nrm[k][NVME_VIRT_RT_VI]);
		}
	}
	if (!n)
		return;
	MUST_OK(t, vf_text("Offline of controller %u", id[1]), virt_mgmt(t->pf, ACT(id[1], 0, NVME_VIRT_OFFLINE), 0, NULL));
	vf_check_entry(t, "after Offline", id[1], 0, 0, 0);
	vf_check_entry(t, "after Offline of another controller", id[0], 0, (int)nrm[0][NVME_VIRT_RT_VQ],
		       (int)nrm[0][NVME_VIRT_RT_VI]);
}

static void reserved_actions_are_refused(struct nvsr_ctx *t)
{
	_cleanup_list_ struct vf_list before = { 0 };
	unsigned act, k;
	uint16_t id[2];

	if (!vf_start(t, 0) || !vf_secondaries(t, 1, id, 1, NULL) || !vf_list_take(t, &before))
		return;
	id[1] = nvsr_t_pcid(t);
	for (act = 0; act < 16; act++) {
		if (act == NVME_VIRT_PRIMARY_FLEXIBLE || act == NVME_VIRT_OFFLINE || act == NVME_VIRT_ASSIGN ||
		    act == NVME_VIRT_ONLINE)
			continue;
		for (k = 0; k < 2; k++)
			CHECK_STATUS(t, vf_text("reserved ACT %Xh for controller %u", act, id[k]), NVME_SC_INVALID_FIELD,
				     virt_mgmt(t->pf, ACT(id[k], NVME_VIRT_RT_VQ, act), 2, NULL));
	}
	vf_check_unchanged(t, "reserved actions", &before);
}

static void reserved_types_are_refused(struct nvsr_ctx *t)
{
	_cleanup_list_ struct vf_list before = { 0 };
	unsigned rt, k;
	uint16_t id[2];

	if (!vf_start(t, 0) || !vf_secondaries(t, 1, id, 1, NULL) || !vf_list_take(t, &before))
		return;
	id[1] = nvsr_t_pcid(t);
	for (rt = 2; rt < 8; rt++)
		for (k = 0; k < 2; k++)
			CHECK_STATUS_IN(
				t, vf_text("reserved RT %u with ACT %s", rt, k ? "1h" : "8h"),
				virt_mgmt(t->pf, ACT(id[k], rt, k ? NVME_VIRT_PRIMARY_FLEXIBLE : NVME_VIRT_ASSIGN), 2, NULL),
				NVME_SC_INVALID_FIELD, NVME_SC_INVALID_RESOURCE_ID);
	vf_check_unchanged(t, "reserved resource types", &before);
}

/* Controllers of the subsystem that are not ours (another primary, its secondaries), then ids that nobody has. */
static unsigned foreign_ids(struct nvsr_ctx *t, uint16_t *ret, unsigned max)
{
	_cleanup_free_ struct nvme_ctrl_list *all = calloc(1, sizeof(*all));
	const struct nvsr_inventory *inv = t->inv;
	unsigned n = 0, i, k, highest = nvsr_t_pcid(t);

	for (i = 0; i < inv->sec_count; i++)
		highest = NVSR_MAX(highest, (unsigned)le16_get(inv->sec[i].scid));
	if (all && !nvsr_identify(t->pf, NVME_CNS_SUBSYS_CTRLS, 0, 0, all)) {
		for (i = 0; i < le16_get(all->num) && i < NVSR_ARRAY_SIZE(all->id) && n < max - 3; i++) {
			uint16_t id = le16_get(all->id[i]);

			highest = NVSR_MAX(highest, (unsigned)id);
			for (k = 0; k < inv->sec_count && le16_get(inv->sec[k].scid) != id; k++)
				;
			if (id != nvsr_t_pcid(t) && k == inv->sec_count)
				ret[n++] = id;
		}
	}
	if (highest < 0xffef)
		ret[n++] = (uint16_t)(highest + 1);
	ret[n++] = 0xffef;	/* the largest that is not reserved, Base 5.17 */
	ret[n++] = 0xffff;
	return n;
}

static void foreign_controllers_are_refused(struct nvsr_ctx *t)
{
	_cleanup_list_ struct vf_list before = { 0 };
	static const unsigned act[] = { NVME_VIRT_OFFLINE, NVME_VIRT_ASSIGN, NVME_VIRT_ONLINE };
	uint16_t id[12];
	unsigned n, i, k, rt = t->inv->primary.crt & NVME_CRT_VQ ? NVME_VIRT_RT_VQ : NVME_VIRT_RT_VI;

	if (!vf_start(t, 0) || !vf_list_take(t, &before))
		return;
	id[0] = nvsr_t_pcid(t);
	n = 1 + foreign_ids(t, id + 1, NVSR_ARRAY_SIZE(id) - 1);
	for (i = 0; i < n; i++)
		for (k = 0; k < NVSR_ARRAY_SIZE(act); k++)
			CHECK_STATUS(t,
				     vf_text("ACT %Xh for controller %u, %s", act[k], id[i],
					     i ? "no secondary of this primary" : "the primary itself"),
				     NVME_SC_INVALID_CTRL_ID, virt_mgmt(t->pf, ACT(id[i], rt, act[k]), 2, NULL));
	vf_check_unchanged(t, "actions on other controllers", &before);
}

static const struct nvsr_test tests[] = {
	{ .id = "vf-refuses", .title = "a VF aborts Virtualization Management with Invalid Command Opcode",
	  .requirements = REQS("VIRT-21"), .needs = VF_NEEDS | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("vf-accepts-virt-mgmt"), .run = vf_refuses },
	{ .id = "fields-are-in-place", .title = "CNTLID, RT, ACT, NR and NRM are where the standard puts them",
	  .requirements = REQS("VIRT-22"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("virt-mgmt-swaps-types", "virt-mgmt-nrm-zero", "assign-vi-clears-vq"), .run = fields_are_in_place },
	{ .id = "reserved-actions-are-refused", .title = "reserved actions abort with Invalid Field and change nothing",
	  .requirements = REQS("VIRT-23"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("virt-mgmt-old-actions"),
	  .run = reserved_actions_are_refused },
	{ .id = "reserved-types-are-refused", .title = "reserved resource types are refused and change nothing",
	  .requirements = REQS("VIRT-23"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("virt-mgmt-reserved-rt"), .run = reserved_types_are_refused },
	{ .id = "foreign-controllers-are-refused",
	  .title = "an id that is no secondary of this primary aborts with Invalid Controller Identifier",
	  .requirements = REQS("VIRT-31"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("virt-mgmt-any-cntlid", "virt-mgmt-cntlid-wrong-status"), .run = foreign_controllers_are_refused },
};
const struct nvsr_group nvsr_vf_command = NVSR_GROUP("vf.command", tests);
