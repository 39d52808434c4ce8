// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secondary Online (ACT 9h): what it takes, what it must refuse, what an Offline controller shows to a driver, and how
 * long the way to a ready controller is.
 */
#include "vf.h"

/* VF 1 enabled, its secondary without resources.  Its CNTLID, or -1 after recording. */
static int fresh(struct nvsr_ctx *t)
{
	return vf_start(t, 1) ? nvsr_t_scid(t, 1) : -1;
}

static void refuse_online(struct nvsr_ctx *t, const char *why, uint16_t scid)
{
	CHECK_STATUS(t, vf_text("Online of controller %u %s", scid, why), NVME_SC_INVALID_SEC_STATE, vf_online(t, scid));
	vf_check_entry(t, vf_text("refused Online %s", why), scid, 0, -1, -1);
}

static void takes_two_queues(struct nvsr_ctx *t)
{
	int scid = fresh(t);

	if (scid < 0)
		return;
	refuse_online(t, "without any resource", (uint16_t)scid);
	if (t->inv->primary.crt & NVME_CRT_VI)
		PREPARE(t, "assigning VI", vf_assign(t, (uint16_t)scid, NVME_VIRT_RT_VI, 1, NULL));
	refuse_online(t, "without VQ", (uint16_t)scid);
	if (!vf_assign(t, (uint16_t)scid, NVME_VIRT_RT_VQ, 1, NULL))
		refuse_online(t, "with one VQ", (uint16_t)scid);
	PREPARE(t, "assigning VQ", vf_assign(t, (uint16_t)scid, NVME_VIRT_RT_VQ, 2, NULL));
	CHECK_OK(t, "Online with two VQ", vf_online(t, (uint16_t)scid));
}

static void takes_one_vector(struct nvsr_ctx *t)
{
	int scid = fresh(t);

	if (scid < 0)
		return;
	if (t->inv->primary.crt & NVME_CRT_VQ)
		PREPARE(t, "assigning VQ", vf_assign(t, (uint16_t)scid, NVME_VIRT_RT_VQ, 2, NULL));
	refuse_online(t, "without VI", (uint16_t)scid);
	PREPARE(t, "assigning VI", vf_assign(t, (uint16_t)scid, NVME_VIRT_RT_VI, 1, NULL));
	CHECK_OK(t, "Online with one VI", vf_online(t, (uint16_t)scid));
}

/* State that a reset of the controller would lose: a feature that is not saved, and CSTS. */
#define MARK 0x00000101u	/* FID 0Bh: a bit of the health events, and the namespace notices */

static void online_again(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf;
	uint32_t before = 0, after = 0;
	struct nvme_secondary_ctrl e;
	int scid, rc;

	if (!vf_start(t, 1) || !(vf = nvsr_t_vf(t, 1)) || (scid = nvsr_t_scid(t, 1)) < 0 || !vf_entry(t, (uint16_t)scid, &e))
		return;
	rc = nvsr_set_feature(vf, NVME_FEAT_ASYNC_EVENT, 0, MARK, NULL, 0, NULL);
	if (rc)
		nvsr_note(t, "Set Features 0Bh on the VF: %s", nvsr_rc_text(rc));
	PREPARE(t, "Get Features 0Bh", nvsr_get_feature(vf, NVME_FEAT_ASYNC_EVENT, 0, 0, NULL, 0, &before));
	MUST_OK(t, "Online of an Online controller", vf_online(t, (uint16_t)scid));
	vf_check_entry(t, "after Online twice", (uint16_t)scid, 1, le16_get(e.nvq), le16_get(e.nvi));
	if (nvsr_dev_can(vf) & NVSR_CAN_REG_READ)
		CHECK_EQ(t, "CSTS.RDY of the VF after Online twice", NVME_CSTS_RDY, vf_csts(vf) & NVME_CSTS_RDY);
	MUST_OK(t, "Get Features 0Bh on the VF after Online twice",
		nvsr_get_feature(vf, NVME_FEAT_ASYNC_EVENT, 0, 0, NULL, 0, &after));
	CHECK_EQ(t, "FID 0Bh of the VF after Online twice", before, after);
}

/* Commands before, between and after: the queue and the data have to be the same ones. */
static void online_again_keeps_io(struct nvsr_ctx *t)
{
	uint8_t out[4096], in[4096];
	struct nvme_id_ns id;
	struct nvsr_dev *vf;
	uint32_t nsid, bytes;
	int scid;
	unsigned i;

	if (!vf_start(t, 1) || (scid = nvsr_t_scid(t, 1)) < 0 || !(nsid = nvsr_t_ns(t, 1, false)))
		return;
	PREPARE(t, "attaching a namespace to the VF", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	vf = nvsr_t_vf(t, 1);
	if (!vf)
		return;
	PREPARE(t, "Identify Namespace", nvsr_identify(vf, NVME_CNS_NS, nsid, 0, &id));
	bytes = nvme_lbaf_bytes(&id.lbaf[NVME_FLBAS_INDEX(id.flbas)]);
	if (!bytes || bytes > sizeof(out))
		SKIP(t, "blocks of 2^%u bytes", id.lbaf[NVME_FLBAS_INDEX(id.flbas)].lbads);
	for (i = 0; i < 8; i++) {
		memset(out, (int)(0x5a + i), sizeof(out));
		memset(in, 0, sizeof(in));
		MUST_OK(t, vf_text("Write %u on the VF", i), nvsr_rw(vf, true, nsid, i, 1, out, bytes));
		MUST_OK(t, "Online of a controller that does I/O", vf_online(t, (uint16_t)scid));
		MUST_OK(t, vf_text("Read %u on the VF after Online twice", i), nvsr_rw(vf, false, nsid, i, 1, in, bytes));
		MUST(t, !memcmp(in, out, bytes), "the block that was written", "other data in block %u", i);
	}
}

static void disabled_vf_is_refused(struct nvsr_ctx *t)
{
	int first, second;

	if (!vf_start(t, 0) || !nvsr_t_enable_vfs(t, 0) || (first = nvsr_t_scid(t, 1)) < 0)
		return;
	PREPARE(t, "assigning resources", vf_assign_min(t, (uint16_t)first, 0, 0));
	refuse_online(t, "with VF Enable 0", (uint16_t)first);
	if (t->inv->sriov.total_vfs < 2)
		return;
	if (!nvsr_t_enable_vfs(t, 1) || (second = nvsr_t_scid(t, 2)) < 0)
		return;
	PREPARE(t, "assigning resources", vf_assign_min(t, (uint16_t)second, 0, 0));
	refuse_online(t, "of VF 2 with NumVFs 1", (uint16_t)second);
}

static bool check_cfs(struct nvsr_ctx *t, const char *when, struct nvsr_dev *vf)
{
	uint32_t csts = vf_csts(vf);

	return CHECK(t, csts != 0xffffffffu && csts & NVME_CSTS_CFS && !(csts & NVME_CSTS_RDY), "CSTS.CFS = 1, CSTS.RDY = 0",
		     "%s: CSTS = %08Xh", when, csts);
}

static void offline_shows_cfs(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf;
	int scid = fresh(t);

	if (scid < 0 || !(vf = nvsr_t_vf_bare(t, 1)) || !check_cfs(t, "VF enabled, nothing assigned", vf))
		return;
	PREPARE(t, "assigning resources", vf_assign_min(t, (uint16_t)scid, 0, 0));
	check_cfs(t, "resources assigned, not Online", vf);
	if (nvsr_dev_can(vf) & NVSR_CAN_FLR) {
		PREPARE(t, "FLR of the VF", nvsr_reset(vf, NVSR_RESET_FLR));
		check_cfs(t, "FLR while Offline", vf);
	}
	PREPARE(t, "Online", vf_online(t, (uint16_t)scid));
	PREPARE(t, "Offline", vf_offline(t, (uint16_t)scid));
	check_cfs(t, "Offline after Online", vf);
}

/* Drivers wait the whole CAP.TO for a controller that cannot come: it must not come by accident either. */
static void offline_never_ready(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf;
	uint64_t asq, acq;
	unsigned ms;
	int scid = fresh(t);

	if (scid < 0 || !(vf = nvsr_t_vf_bare(t, 1)))
		return;
	ms = vf_timeout_ms(t->pf);
	PREPARE(t, "assigning resources", vf_assign_min(t, (uint16_t)scid, 0, 0));
	if (!nvsr_dma_alloc(vf, 4096, &asq) || !nvsr_dma_alloc(vf, 4096, &acq))
		BROKEN(t, "no DMA memory for an admin queue");
	PREPARE(t, "writing AQA", nvsr_reg_write(vf, NVME_REG_AQA, 4, 7u << 16 | 7));
	PREPARE(t, "writing ASQ", nvsr_reg_write(vf, NVME_REG_ASQ, 8, asq));
	PREPARE(t, "writing ACQ", nvsr_reg_write(vf, NVME_REG_ACQ, 8, acq));
	PREPARE(t, "writing CC", nvsr_reg_write(vf, NVME_REG_CC, 4, NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16 | NVME_CC_EN));
	CHECK(t, !vf_wait_rdy(vf, true, ms), "an Offline controller never sets CSTS.RDY", "CSTS = %08Xh", vf_csts(vf));
	check_cfs(t, "CC.EN = 1 while Offline", vf);
	PREPARE(t, "writing CC", nvsr_reg_write(vf, NVME_REG_CC, 4, 0));
}

/* The order of 8.26.3 for one VF: the device has to accept every step of it. */
static void check_order(struct nvsr_ctx *t, unsigned vfn)
{
	_cleanup_dev_ struct nvsr_dev *vf = NULL;
	struct nvme_id_ctrl id;
	int scid = nvsr_t_scid(t, vfn);

	if (scid < 0)
		return;
	MUST_OK(t, vf_text("Offline, Assign, FLR, Online and CC.EN = 1 of VF %u (controller %d)", vfn, scid),
		nvsr_vf_bring_up(t->pf, t->inv, vfn, 0, 0, &vf));
	vf_check_entry(t, "after the order of the standard", (uint16_t)scid, 1, -1, -1);
	if (nvsr_dev_can(vf) & NVSR_CAN_REG_READ)
		CHECK_EQ(t, vf_text("CSTS.RDY and CFS of VF %u", vfn), NVME_CSTS_RDY,
			 vf_csts(vf) & (NVME_CSTS_RDY | NVME_CSTS_CFS));
	if (nvsr_dev_can(vf) & NVSR_CAN_ADMIN)
		CHECK_OK(t, vf_text("Identify Controller on VF %u", vfn), nvsr_id_ctrl(vf, &id));
}

static void standard_order_works(struct nvsr_ctx *t)
{
	unsigned total = t->inv->sriov.total_vfs;

	if (!vf_start(t, total))
		return;
	check_order(t, 1);
	if (total > 1)
		check_order(t, total);
}

#define TIMED_VFS 8u

static void ready_in_time(struct nvsr_ctx *t)
{
	unsigned n = NVSR_MIN(t->inv->sriov.total_vfs, TIMED_VFS), i, ms, limit;

	if (!vf_start(t, n))
		return;
	for (i = 1; i <= n; i++) {
		struct nvsr_dev *vf = nvsr_t_vf_bare(t, i);
		int scid = vf ? vf_raise(t, i, 0, 0) : -1, rc;
		uint64_t start;

		if (scid < 0)
			return;
		start = nvsr_dev_now(vf);
		rc = nvsr_ctrl_enable(vf);
		ms = (unsigned)((nvsr_dev_now(vf) - start) / NVSR_MS);
		limit = vf_timeout_ms(vf);
		CHECK(t, !rc && ms <= limit, "CSTS.RDY = 1 within CAP.TO of the VF",
		      "VF %u: %s after %u ms, CAP.TO is %u ms", i, rc ? nvsr_rc_text(rc) : "ready", ms, limit);
		nvsr_note(t, "VF %u: ready %u ms after CC.EN = 1, CAP.TO %u ms", i, ms, limit);
		PREPARE(t, "Offline", vf_offline(t, (uint16_t)scid));
	}
}

static const struct nvsr_test tests[] = {
	{ .id = "takes-two-queues", .title = "Online takes two VQ resources",
	  .requirements = REQS("VIRT-37"), .needs = VF_NEEDS | NVSR_NEED(VQ),
	  .caught_by = DEFECTS("online-with-one-vq", "online-without-resources"), .run = takes_two_queues },
	{ .id = "takes-one-vector", .title = "Online takes one VI resource",
	  .requirements = REQS("VIRT-38"), .needs = VF_NEEDS | NVSR_NEED(VI),
	  .caught_by = DEFECTS("online-without-vi", "online-without-resources"), .run = takes_one_vector },
	{ .id = "online-again", .title = "Online of an Online controller succeeds and changes nothing",
	  .requirements = REQS("VIRT-40"), .needs = VF_NEEDS | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("online-again-resets", "online-again-refused"), .run = online_again },
	{ .id = "online-again-keeps-io", .title = "Online of a controller that does I/O does not disturb it",
	  .requirements = REQS("VIRT-40"), .needs = VF_NEEDS | NVSR_NEED(VF_ADMIN) | NVSR_NEED(IO) | NVSR_NEED(NS_MGMT),
	  .caught_by = DEFECTS("online-again-resets", "online-again-refused"), .run = online_again_keeps_io },
	{ .id = "disabled-vf-is-refused", .title = "a VF that does not exist cannot go Online",
	  .requirements = REQS("VIRT-41"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("online-without-vf"), .run = disabled_vf_is_refused },
	{ .id = "offline-shows-cfs", .title = "an Offline controller shows CSTS.CFS = 1, so that drivers fail fast",
	  .requirements = REQS("VIRT-42"), .needs = VF_NEEDS | NVSR_NEED(REG_READ),
	  .caught_by = DEFECTS("offline-cfs-clear"), .run = offline_shows_cfs },
	{ .id = "offline-never-ready", .title = "an Offline controller never becomes ready",
	  .requirements = REQS("VIRT-42"), .needs = VF_NEEDS | NVSR_NEED(VF_REG_WRITE) | NVSR_NEED(VF_QUEUES),
	  .caught_by = DEFECTS("offline-becomes-ready"), .run = offline_never_ready },
	{ .id = "standard-order-works",
	  .title = "Offline, Assign, reset, Online and CC.EN = 1 lead to a ready controller",
	  .requirements = REQS("VIRT-43"), .needs = VF_NEEDS | NVSR_NEED(VF_ADMIN), .limit_s = 60,
	  .caught_by = DEFECTS("vf-never-ready", "online-cfs-stays", "online-ignored", "online-refused-after-flr", "ready-after-timeout"),
	  .run = standard_order_works },
	{ .id = "ready-in-time", .title = "time from CC.EN = 1 to CSTS.RDY = 1 of each VF",
	  .requirements = REQS("VIRT-59"), .needs = VF_NEEDS | NVSR_NEED(VF_REG_WRITE),
	  .caught_by = DEFECTS("ready-after-timeout"), .run = ready_in_time },
};
const struct nvsr_group nvsr_vf_online = NVSR_GROUP("vf.online", tests);
