// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a VQ resource is to the VF that has it: queue ids 0 to NVQ - 1, no gap, nothing above, and a Number of Queues
 * feature that grants no more and belongs to this controller alone.
 */
#include "vf.h"

#define ALL_QUEUES 0xfffefffeu	/* the largest request that is not reserved, Base 5.27.1.7 */

/* VF 1 up with @nvq VQ and as many VI as there are (0: default); *ret_nvq is what it has then.  NULL after recording. */
static struct nvsr_dev *vf_with_queues(struct nvsr_ctx *t, unsigned nvq, unsigned *ret_nvq)
{
	struct nvsr_dev *vf = nvsr_t_vf_with(t, 1, nvq, 0);
	struct nvme_secondary_ctrl e;
	int scid = vf ? nvsr_t_scid(t, 1) : -1;

	if (scid < 0 || !vf_entry(t, (uint16_t)scid, &e))
		return NULL;
	*ret_nvq = le16_get(e.nvq);
	if (*ret_nvq >= 2)
		return vf;
	nvsr_test_broken(t, __FILE__, __LINE__, "VF 1 is Online with %u VQ", *ret_nvq);
	return NULL;
}

static int create_queue(struct nvsr_dev *d, unsigned qid, struct nvsr_queue **ret)
{
	struct nvsr_queue_opts o = { .qid = (uint16_t)qid, .sq_entries = 2, .cq_entries = 2 };

	return nvsr_queue_create(d, &o, ret);
}

/* Create commands that must fail, so the memory they name is never used. */
static int create_cq(struct nvsr_dev *d, unsigned qid, void *page)
{
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_CREATE_CQ, .cdw10 = 1u << 16 | qid, .cdw11 = 1, .data = page, .data_len = 4096,
	};

	return nvsr_admin(d, &c);
}

static int create_sq(struct nvsr_dev *d, unsigned qid, unsigned cqid, void *page)
{
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_CREATE_SQ,
		.cdw10 = 1u << 16 | qid,
		.cdw11 = cqid << 16 | 1,
		.data = page,
		.data_len = 4096,
	};

	return nvsr_admin(d, &c);
}

static void refuse_ids(struct nvsr_ctx *t, struct nvsr_dev *vf, unsigned nvq)
{
	const unsigned bad[] = { nvq, nvq + 1, 0xffff, 0 };
	uint8_t page[4096] = { 0 };
	unsigned i;

	for (i = 0; i < NVSR_ARRAY_SIZE(bad); i++) {
		CHECK_STATUS(t, vf_text("Create I/O Completion Queue %u with NVQ %u", bad[i], nvq), NVME_SC_QID_INVALID,
			     create_cq(vf, bad[i], page));
		CHECK_STATUS(t, vf_text("Create I/O Submission Queue %u with NVQ %u", bad[i], nvq), NVME_SC_QID_INVALID,
			     create_sq(vf, bad[i], 1, page));
	}
}

/* All queues at once: NVQ resources are NVQ - 1 queue pairs beside the admin queue. */
static void ids_are_contiguous(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	unsigned round, want[2], nvq, i;

	if (!vf_start(t, 1) || !vf_pools(t, pool))
		return;
	want[0] = 2;
	want[1] = NVSR_MIN(pool[0].max, vf_free(&pool[0]));
	for (round = 0; round < 2; round++) {
		struct nvsr_dev *vf = vf_with_queues(t, want[round], &nvq);
		struct nvsr_queue *q = NULL;
		uint32_t dw0;

		if (!vf)
			return;
		PREPARE(t, "Set Features 07h", nvsr_set_feature(vf, NVME_FEAT_NUM_QUEUES, 0, ALL_QUEUES, NULL, 0, &dw0));
		for (i = 1; i < nvq; i++)
			MUST_OK(t, vf_text("queue pair %u with NVQ %u", i, nvq), create_queue(vf, i, &q));
		refuse_ids(t, vf, nvq);
	}
}

static void check_granted(struct nvsr_ctx *t, const char *what, unsigned nvq, uint32_t dw0)
{
	unsigned sq = (dw0 & 0xffff) + 1, cq = (dw0 >> 16) + 1;

	CHECK(t, sq <= nvq - 1 && cq <= nvq - 1, "not more than NVQ - 1 I/O queues of each kind",
	      "%s: %u submission and %u completion queues with NVQ %u", what, sq, cq, nvq);
}

static void feature_stays_within(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	struct nvsr_dev *vf;
	unsigned nvq;
	uint32_t dw0 = 0;
	int rc;

	if (!vf_start(t, 1) || !vf_pools(t, pool) || !(vf = vf_with_queues(t, 0, &nvq)))
		return;
	rc = nvsr_set_feature(vf, NVME_FEAT_NUM_QUEUES, 0, ALL_QUEUES, NULL, 0, &dw0);
	if (!rc)
		check_granted(t, "Set Features 07h with the maximum", nvq, dw0);
	else	/* a driver has its queues already, VIRT-58 */
		nvsr_note(t, "Set Features 07h: %s", nvsr_rc_text(rc));
	MUST_OK(t, "Get Features 07h on the VF", nvsr_get_feature(vf, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &dw0));
	check_granted(t, "Get Features 07h", nvq, dw0);
}

/* I/O queues exist: of the kernel's driver, or one that is made here. */
static bool have_io_queue(struct nvsr_ctx *t, struct nvsr_dev *vf)
{
	struct nvsr_queue *q;
	int rc = 0;

	if (nvsr_dev_can(vf) & NVSR_CAN_QUEUES)
		rc = create_queue(vf, 1, &q);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "creating queue pair 1: %s", nvsr_rc_text(rc));
	return !rc;
}

static void feature_is_locked(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf;
	uint32_t dw0 = 0, after = 0;

	if (!vf_start(t, 1) || !(vf = nvsr_t_vf(t, 1)))
		return;
	PREPARE(t, "Get Features 07h", nvsr_get_feature(vf, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &dw0));
	if (!have_io_queue(t, vf))
		return;
	CHECK_STATUS(t, "Set Features 07h with I/O queues on the VF", NVME_SC_CMD_SEQ_ERROR,
		     nvsr_set_feature(vf, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, NULL));
	CHECK_OK(t, "Get Features 07h", nvsr_get_feature(vf, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &after));
	CHECK_EQ(t, "FID 07h after the refused Set Features", dw0, after);
}

static void feature_is_own(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf[2];
	uint32_t pf_before = 0, vf_before = 0, pf_after = 0, vf_after = 0;
	struct vf_pool pool[2];
	unsigned more;

	if (!vf_start(t, 2) || !vf_pools(t, pool))
		return;
	more = NVSR_MIN(NVSR_MIN(pool[0].max, vf_free(&pool[0]) / 2), 4u);
	if (!(vf[0] = nvsr_t_vf_with(t, 1, more, 0)) || !(vf[1] = nvsr_t_vf_with(t, 2, more, 0)))
		return;
	PREPARE(t, "Set Features 07h", nvsr_set_feature(vf[1], NVME_FEAT_NUM_QUEUES, 0, ALL_QUEUES, NULL, 0, NULL));
	PREPARE(t, "Get Features 07h", nvsr_get_feature(vf[1], NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &vf_before));
	PREPARE(t, "Get Features 07h", nvsr_get_feature(t->pf, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &pf_before));
	PREPARE(t, "Set Features 07h", nvsr_set_feature(vf[0], NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, NULL));
	MUST_OK(t, "Get Features 07h on VF 2", nvsr_get_feature(vf[1], NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &vf_after));
	MUST_OK(t, "Get Features 07h on the PF", nvsr_get_feature(t->pf, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &pf_after));
	CHECK_EQ(t, "FID 07h of VF 2 after one queue was asked for on VF 1", vf_before, vf_after);
	CHECK_EQ(t, "FID 07h of the PF after one queue was asked for on VF 1", pf_before, pf_after);
}

#define VF_QUEUES (VF_NEEDS | NVSR_NEED(VQ) | NVSR_NEED(VF_ADMIN))

static const struct nvsr_test tests[] = {
	{ .id = "ids-are-contiguous", .title = "a VF with n VQ has queues 0 to n - 1 and no other",
	  .requirements = REQS("VIRT-44"), .needs = VF_QUEUES | NVSR_NEED(VF_QUEUES),
	  .caught_by = DEFECTS("qid-beyond-nvq-accepted", "qid-wrong-status", "vf-queue-off-by-one"), .run = ids_are_contiguous },
	{ .id = "feature-stays-within", .title = "Number of Queues of a VF never grants more than its VQ resources",
	  .requirements = REQS("VIRT-44"), .needs = VF_QUEUES,
	  .caught_by = DEFECTS("num-queues-ignores-nvq"), .run = feature_stays_within },
	{ .id = "feature-is-locked", .title = "Number of Queues of a VF cannot be set once an I/O queue exists",
	  .requirements = REQS("VIRT-58"), .needs = VF_ANY | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("num-queues-after-create"), .run = feature_is_locked },
	{ .id = "feature-is-own", .title = "Number of Queues set on one VF changes no other controller",
	  .requirements = REQS("VIRT-58"), .needs = VF_QUEUES | NVSR_NEED(VF_QUEUES) | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("num-queues-shared"), .run = feature_is_own },
};
const struct nvsr_group nvsr_vf_queues = NVSR_GROUP("vf.queues", tests);
