// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is who: the PF is a primary controller and works alone, each VF is a complete controller, a secondary of this PF,
 * with an identifier of its own.
 */
#include "pf.h"

static void pf_works_without_vfs(struct nvsr_ctx *t)
{
	uint32_t nsid, bytes;
	struct nvme_id_ctrl id;
	struct nvme_id_ns ns;
	unsigned n;

	if (!nvsr_t_enable_vfs(t, 0))
		return;
	MUST_OK(t, "Identify Controller with VF Enable = 0", nvsr_id_ctrl(t->pf, &id));
	MUST_OK(t, "Active Namespace ID list", nvsr_ns_list(t->pf, NVME_CNS_ACTIVE_NS, &nsid, 1, &n));
	if (!n) {
		nvsr_note(t, "no namespace is attached to the PF: only admin commands were tried");
		return;
	}
	MUST_OK(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, nsid, 0, &ns));
	bytes = nvme_lbaf_bytes(&ns.lbaf[NVME_FLBAS_INDEX(ns.flbas)]);
	MUST(t, bytes >= 512 && bytes <= 65536, "a block of 512 to 65536 bytes", "%u", bytes);
	{
		_cleanup_free_ uint8_t *buf = malloc(bytes);

		if (!buf)
			BROKEN(t, "out of memory");
		CHECK_OK(t, "Read with VF Enable = 0", nvsr_rw(t->pf, false, nsid, 0, 1, buf, bytes));
	}
}

static void vf_is_complete(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = pf_vf_online(t, 1, true);
	uint64_t cap, vs, cc, csts;
	struct nvme_smart_log smart;
	struct nvme_id_ctrl id;
	uint32_t nsid, queues;
	unsigned n;

	if (!vf)
		return;
	PREPARE(t, "reading CAP", nvsr_reg_read(vf, NVME_REG_CAP, 8, &cap));
	PREPARE(t, "reading VS", nvsr_reg_read(vf, NVME_REG_VS, 4, &vs));
	/* Before a driver gives up on them. */
	MUST(t, NVME_CAP_MQES(cap) >= 1 && NVME_CAP_TO(cap), "CAP of a controller (MQES >= 1, TO > 0)", "CAP = %016llXh",
	     (unsigned long long)cap);
	MUST(t, vs && vs != 0xffffffff, "a version in VS", "%08Xh", (unsigned)vs);
	vf = nvsr_t_vf(t, 1);
	if (!vf)
		return;
	PREPARE(t, "reading CC", nvsr_reg_read(vf, NVME_REG_CC, 4, &cc));
	PREPARE(t, "reading CSTS", nvsr_reg_read(vf, NVME_REG_CSTS, 4, &csts));
	CHECK(t, cc & NVME_CC_EN && csts & NVME_CSTS_RDY, "enabled and ready", "CC = %08Xh, CSTS = %08Xh", (unsigned)cc,
	      (unsigned)csts);
	CHECK_OK(t, "Identify Controller", nvsr_id_ctrl(vf, &id));
	CHECK_OK(t, "Active Namespace ID list", nvsr_ns_list(vf, NVME_CNS_ACTIVE_NS, &nsid, 1, &n));
	CHECK_OK(t, "SMART / Health log", nvsr_get_log(vf, NVME_LOG_SMART, NVME_NSID_ALL, false, &smart, sizeof(smart)));
	CHECK_OK(t, "Get Features, Number of Queues",
		 nvsr_get_feature(vf, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &queues));
}

static void vf_shares_the_domain(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct nvme_id_ctrl id;

	if (!vf)
		return;
	PREPARE(t, "Identify Controller", nvsr_id_ctrl(vf, &id));
	CHECK_EQ(t, "Domain Identifier of VF 1 (that of the PF)", le16_get(t->inv->id.domain), le16_get(id.domain));
}

static void vf_is_our_secondary(struct nvsr_ctx *t)
{
	struct nvme_id_ctrl id;
	struct nvsr_dev *vf;
	unsigned i;

	CHECK(t, t->inv->has_primary, "the PF is a primary controller: CNS 14h answers", "it does not");
	CHECK_EQ(t, "CNTLID in CNS 14h of the PF", le16_get(t->inv->id.cntlid), le16_get(t->inv->primary.cntlid));
	for (i = 0; i < t->inv->sec_count; i++)
		CHECK(t, le16_get(t->inv->sec[i].pcid) == nvsr_t_pcid(t), "PCID = CNTLID of this PF",
		      "%u for secondary controller %u", le16_get(t->inv->sec[i].pcid), le16_get(t->inv->sec[i].scid));
	vf = nvsr_t_vf(t, 1);
	if (!vf)
		return;
	PREPARE(t, "Identify Controller", nvsr_id_ctrl(vf, &id));
	for (i = 0; i < t->inv->sec_count; i++)
		if (le16_get(t->inv->sec[i].scid) == le16_get(id.cntlid))
			break;
	CHECK(t, i < t->inv->sec_count, "the controller of VF 1 is a secondary of this PF", "CNTLID %u is not in CNS 15h",
	      le16_get(id.cntlid));
}

static void cmic_tells_vfs(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct nvme_id_ctrl id;

	if (!vf)
		return;
	CHECK_EQ(t, "CMIC bit 1 of the PF (several controllers)", NVME_CMIC_CTRLS, t->inv->id.cmic & NVME_CMIC_CTRLS);
	CHECK_EQ(t, "CMIC bit 2 of the PF (controller of a VF)", 0, t->inv->id.cmic & NVME_CMIC_VF);
	PREPARE(t, "Identify Controller", nvsr_id_ctrl(vf, &id));
	CHECK_EQ(t, "CMIC bit 1 of VF 1", NVME_CMIC_CTRLS, id.cmic & NVME_CMIC_CTRLS);
	CHECK_EQ(t, "CMIC bit 2 of VF 1", NVME_CMIC_VF, id.cmic & NVME_CMIC_VF);
}

static void identifiers_are_unique(struct nvsr_ctx *t)
{
	uint8_t seen[0x10000] = { 0 };
	uint16_t pf = le16_get(t->inv->id.cntlid), scid;
	unsigned i;

	for (i = 0; i < t->inv->sec_count; i++) {
		scid = le16_get(t->inv->sec[i].scid);
		if (scid == pf)
			continue;	/* the primary in its own list is what pf.secondary judges */
		CHECK(t, !seen[scid], "every controller identifier is used once", "SCID %u twice in CNS 15h", scid);
		seen[scid] = 1;
	}
	seen[pf] = 1;
	for (i = 1; i <= 2; i++) {
		struct nvsr_dev *vf = nvsr_t_vf(t, i);
		const struct nvme_secondary_ctrl *sec = nvsr_inventory_vf(t->inv, i);
		struct nvme_id_ctrl id;

		if (!vf)
			return;
		MUST_OK(t, "Identify Controller of a VF", nvsr_id_ctrl(vf, &id));
		if (sec)
			CHECK(t, le16_get(id.cntlid) == le16_get(sec->scid), "CNTLID of a VF is its SCID in CNS 15h",
			      "VF %u: CNTLID %u, SCID %u", i, le16_get(id.cntlid), le16_get(sec->scid));
		else
			CHECK(t, !seen[le16_get(id.cntlid)], "every controller identifier is used once",
			      "VF %u: CNTLID %u is another controller's", i, le16_get(id.cntlid));
		seen[le16_get(id.cntlid)] = 1;
	}
}

static void vf_is_no_primary(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint8_t page[NVME_IDENTIFY_SIZE];
	struct nvme_id_ctrl id;

	if (!vf)
		return;
	PREPARE(t, "Identify Controller", nvsr_id_ctrl(vf, &id));
	if (le16_get(id.oacs) & NVME_OACS_VIRT_MGMT)
		SKIP(t, "VF 1 is itself a primary controller (OACS bit 7)");
	CHECK_STATUS(t, "CNS 14h on a VF", NVME_SC_INVALID_FIELD,
		     nvsr_identify(vf, NVME_CNS_PRIMARY_CAPS, 0, le16_get(id.cntlid), page));
	CHECK_STATUS(t, "CNS 15h on a VF", NVME_SC_INVALID_FIELD, nvsr_identify(vf, NVME_CNS_SECONDARY_LIST, 0, 0, page));
}

#define LIVE_VF (NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN))

static const struct nvsr_test tests[] = {
	{ .id = "pf-works-without-vfs", .title = "the PF is a complete controller while no VF is enabled",
	  .requirements = REQS("PCIE-43"), .needs = NVSR_NEED(SRIOV) | NVSR_NEED(IO),
	  .caught_by = DEFECTS("pf-io-needs-vfs"), .run = pf_works_without_vfs },
	{ .id = "vf-is-complete", .title = "a VF is a complete controller with its own properties and admin queue",
	  .requirements = REQS("PCIE-44"), .needs = LIVE_VF | NVSR_NEED(REG_READ),
	  .caught_by = DEFECTS("vf-cap-empty", "vf-without-smart-log"), .run = vf_is_complete },
	{ .id = "vf-shares-the-domain", .title = "a secondary controller is in the domain of its primary",
	  .requirements = REQS("VIRT-03"), .needs = LIVE_VF,
	  .caught_by = DEFECTS("vf-in-another-domain"), .run = vf_shares_the_domain },
	{ .id = "vf-is-our-secondary", .title = "the PF is a primary, the controllers of its VFs are its secondaries",
	  .requirements = REQS("VIRT-04"), .needs = PF_VIRT | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("secondary-of-another-primary"), .run = vf_is_our_secondary },
	{ .id = "cmic-tells-vfs", .title = "CMIC says several controllers, and which of them are in VFs",
	  .requirements = REQS("VIRT-05"), .needs = LIVE_VF,
	  .caught_by = DEFECTS("vf-cmic-like-pf", "pf-cmic-like-vf", "cmic-single-controller"), .run = cmic_tells_vfs },
	{ .id = "identifiers-are-unique", .title = "controller identifiers are unique and a VF's is its SCID",
	  .requirements = REQS("VIRT-06"), .needs = LIVE_VF | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("vf-cntlid-is-pf-cntlid", "vf-cntlid-mismatch"), .run = identifiers_are_unique },
	{ .id = "vf-is-no-primary", .title = "a VF aborts CNS 14h and CNS 15h with Invalid Field",
	  .requirements = REQS("VIRT-12"), .needs = LIVE_VF,
	  .caught_by = DEFECTS("vf-answers-primary-identify"), .run = vf_is_no_primary },
};
const struct nvsr_group nvsr_pf_identity = NVSR_GROUP("pf.identity", tests);
