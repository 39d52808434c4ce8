// SPDX-License-Identifier: GPL-2.0-or-later
/* Optional admin commands: a controller executes what OACS claims and nothing else. */
#include "pf.h"

#define MISALIGNED 0x10004ull

/* Both buffers of Doorbell Buffer Config are whole pages, Base 5.8: any other address aborts before it is used. */
static void check_alignment(struct nvsr_ctx *t, struct nvsr_dev *d)
{
	const struct nvsr_cmd c = { .opcode = NVME_ADMIN_DBBUF };
	struct nvsr_req *r;

	if (!(nvsr_dev_can(d) & NVSR_CAN_QUEUES))
		SKIP(t, "the command is claimed, and this access method cannot say where the buffers are");
	PREPARE(t, "Doorbell Buffer Config", nvsr_queue_submit_prp(nvsr_queue_admin(d), &c, MISALIGNED, &r));
	CHECK_STATUS_IN(t, "Doorbell Buffer Config with an address inside a page", nvsr_req_wait(r, 1000, NULL),
			NVME_SC_INVALID_FIELD, NVME_SC_PRP_OFFSET_INVALID);
}

static void check_doorbell_buffers(struct nvsr_ctx *t, struct nvsr_dev *d, const char *name)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_DBBUF };
	struct nvme_id_ctrl id;

	PREPARE(t, "Identify Controller", nvsr_id_ctrl(d, &id));
	if (le16_get(id.oacs) & NVME_OACS_DBBUF) {
		nvsr_note(t, "%s offers doorbell buffers, as an emulated controller does", name);
		check_alignment(t, d);
		return;
	}
	CHECK(t, nvsr_admin(d, &c) == NVME_SC_INVALID_OPCODE, "Doorbell Buffer Config aborts where OACS bit 8 is 0",
	      "%s executes it", name);
}

static void doorbell_buffers_follow_oacs(struct nvsr_ctx *t)
{
	check_doorbell_buffers(t, t->pf, "the PF");
}

static void doorbell_buffers_of_a_vf_follow_oacs(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);

	if (vf)
		check_doorbell_buffers(t, vf, "the VF");
}

static const struct nvsr_test tests[] = {
	{ .id = "doorbell-buffers-follow-oacs", .title = "Doorbell Buffer Config is executed only where OACS claims it",
	  .requirements = REQS("N21-15"), .caught_by = DEFECTS("dbbuf-unaligned-accepted"), .run = doorbell_buffers_follow_oacs },
	{ .id = "doorbell-buffers-of-a-vf-follow-oacs", .title = "the same on a VF", .requirements = REQS("N21-15"),
	  .needs = NVSR_NEED(SRIOV) | NVSR_NEED(DESTROY) | NVSR_NEED(VF_ADMIN), .caught_by = DEFECTS("doorbell-buffers-unclaimed"),
	  .run = doorbell_buffers_of_a_vf_follow_oacs },
};
const struct nvsr_group nvsr_pf_commands = NVSR_GROUP("pf.commands", tests);
