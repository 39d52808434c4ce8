// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.identify: what Identify says about namespaces, Base 2.0 5.17. */
#include "common.h"

/* --- what is claimed -------------------------------------------------------------------------------------------- */

/* Both commands with an invalid NSID: no device does anything, and only an unsupported opcode answers 0/01h. */
static void oacs_bit_matches_commands(struct nvsr_ctx *t)
{
	bool claimed = le16_get(t->inv->id.oacs) & NVME_OACS_NS_MGMT;
	struct nvsr_cmd del = { .opcode = NVME_ADMIN_NS_MGMT, .cdw10 = NVME_NS_MGMT_DELETE };
	uint16_t pcid = nvsr_t_pcid(t);
	int mgmt, attach;

	del.nsid = nsm_invalid(t);
	if (!del.nsid)
		return;
	mgmt = nvsr_admin(t->pf, &del);
	attach = nsm_attachment(t->pf, del.nsid, NVME_NS_DETACH, 1, &pcid, 1);
	CHECK(t, (mgmt == NVME_SC_INVALID_OPCODE) == !claimed,
	      claimed ? "OACS bit 3 = 1: opcode 0Dh is supported" : "OACS bit 3 = 0: opcode 0Dh aborts 0/01h",
	      "%s", nvsr_rc_text(mgmt));
	CHECK(t, (attach == NVME_SC_INVALID_OPCODE) == !claimed,
	      claimed ? "OACS bit 3 = 1: opcode 15h is supported" : "OACS bit 3 = 0: opcode 15h aborts 0/01h",
	      "%s", nvsr_rc_text(attach));
}

static void lists_are_supported(struct nvsr_ctx *t)
{
	static const struct { uint8_t cns; bool css; const char *what; } lists[] = {
		{ NVME_CNS_ALLOCATED_NS, false, "CNS 10h, allocated namespaces" },
		{ NVME_CNS_ALLOCATED_NS_ID, false, "CNS 11h, an allocated namespace" },
		{ NVME_CNS_NS_CTRLS, false, "CNS 12h, controllers of a namespace" },
		{ NVME_CNS_SUBSYS_CTRLS, false, "CNS 13h, controllers of the subsystem" },
		{ NVME_CNS_CSI_ALLOCATED_NS_ID, true, "CNS 1Ah, allocated namespaces of a command set" },
		{ NVME_CNS_CSI_ALLOCATED_NS, true, "CNS 1Bh, an allocated namespace of a command set" },
	};
	bool css = t->inv->cap && NVME_CAP_CSS(t->inv->cap) & 0x40;
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	uint8_t data[NVME_IDENTIFY_SIZE];
	unsigned i;

	if (!nsid)
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(lists); i++) {
		bool list = lists[i].cns == NVME_CNS_ALLOCATED_NS || lists[i].cns == NVME_CNS_SUBSYS_CTRLS ||
			    lists[i].cns == NVME_CNS_CSI_ALLOCATED_NS_ID;

		if (!lists[i].css || css)
			CHECK_OK(t, lists[i].what, nvsr_identify(t->pf, lists[i].cns, list ? 0 : nsid, 0, data));
	}
}

static void nn_bounds_nsids(struct nvsr_ctx *t)
{
	bool ns_mgmt = le16_get(t->inv->id.oacs) & NVME_OACS_NS_MGMT;
	uint32_t nn = le32_get(t->inv->id.nn), mnan = le32_get(t->inv->id.mnan), last = 0;
	_cleanup_free_ uint32_t *list = calloc(8192, sizeof(*list));
	unsigned n = 0, i;

	if (!list)
		BROKEN(t, "no memory");
	PREPARE(t, "namespace list",
		nvsr_ns_list(t->pf, ns_mgmt ? NVME_CNS_ALLOCATED_NS : NVME_CNS_ACTIVE_NS, list, 8192, &n));
	for (i = 0; i < n; i++)
		last = NVSR_MAX(last, list[i]);
	CHECK(t, nn >= 1, "NN is at least 1", "NN = %u", nn);
	CHECK(t, last <= nn, "no NSID is larger than NN", "NSID %u, NN = %u", last, nn);
	CHECK(t, n <= (mnan ? mnan : nn), "not more namespaces than MNAN (NN where MNAN is 0)",
	      "%u namespaces, MNAN = %u, NN = %u", n, mnan, nn);
	if (t->inv->id.cmic & NVME_CMIC_ANA)
		CHECK(t, mnan && mnan <= nn, "MNAN is 1 to NN where ANA is supported", "MNAN = %u, NN = %u", mnan, nn);
}

/* --- CNS 00h ---------------------------------------------------------------------------------------------------- */

static void check_identify_status(struct nvsr_ctx *t, struct nvsr_dev *d, uint32_t invalid, uint32_t inactive)
{
	uint8_t data[NVME_IDENTIFY_SIZE];

	memset(data, 0xa5, sizeof(data));
	if (CHECK_OK(t, "CNS 00h of an inactive NSID", nvsr_identify(d, NVME_CNS_NS, inactive, 0, data)))
		CHECK_ZERO(t, "CNS 00h of an inactive NSID is all zero", data);
	CHECK_STATUS(t, "CNS 00h of NSID NN + 1", NVME_SC_INVALID_NS, nvsr_identify(d, NVME_CNS_NS, invalid, 0, data));
}

static void unallocated_is_zero(struct nvsr_ctx *t)
{
	uint32_t invalid = nsm_invalid(t), inactive = invalid ? nsm_unallocated(t) : 0;

	if (inactive)
		check_identify_status(t, t->pf, invalid, inactive);
}

static void unattached_is_zero(struct nvsr_ctx *t)
{
	uint32_t invalid = nsm_invalid(t), inactive = invalid ? nvsr_t_ns(t, 1, true) : 0;

	if (inactive)
		check_identify_status(t, t->pf, invalid, inactive);
}

static void vf_sees_only_attached(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t invalid = vf ? nsm_invalid(t) : 0, nsid = invalid ? nvsr_t_ns(t, 1, true) : 0;

	if (!nsid)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	check_identify_status(t, vf, invalid, nsid);
}

static void broadcast_gives_common_capabilities(struct nvsr_ctx *t)
{
	unsigned i, formats = 0;
	struct nvme_id_ns ns;

	MUST_OK(t, "CNS 00h of NSID FFFFFFFFh", nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &ns));
	for (i = 0; i <= ns.nlbaf && i < NVSR_ARRAY_SIZE(ns.lbaf); i++)
		formats += ns.lbaf[i].lbads >= 9;
	CHECK(t, formats, "at least one LBA format with LBADS >= 9 among the NLBAF + 1", "none in %u", ns.nlbaf + 1u);
	CHECK(t, nsm_is_zero(ns.nguid, sizeof(ns.nguid)) && nsm_is_zero(ns.eui64, sizeof(ns.eui64)),
	      "no NGUID and no EUI64: they are not common", "an identifier is not 0");
}

/* --- lists of NSIDs --------------------------------------------------------------------------------------------- */

/* NSIDs in one answer; checks what holds for every list: ascending, each above @after, zeros behind the last. */
static unsigned check_list(struct nvsr_ctx *t, struct nvsr_dev *d, uint8_t cns, uint32_t after, uint32_t ret[1024])
{
	le32_t list[1024];
	unsigned i, n = 0;
	uint32_t prev = after;
	int rc = nvsr_identify(d, cns, after, 0, list);

	if (!CHECK_OK(t, cns == NVME_CNS_ACTIVE_NS ? "CNS 02h" : "CNS 10h", rc))
		return 0;
	while (n < 1024 && le32_get(list[n])) {
		ret[n] = le32_get(list[n]);
		if (!CHECK(t, ret[n] > prev, "ascending NSIDs, each larger than the one asked for", "entry %u is %u after %u",
			   n, ret[n], prev))
			return n;
		prev = ret[n++];
	}
	for (i = n; i < 1024 && !le32_get(list[i]); i++)
		;
	CHECK(t, i == 1024, "zeros behind the last entry", "entry %u is %u", i, i < 1024 ? le32_get(list[i]) : 0);
	return n;
}

/* Nothing is larger than FFFFFFFEh: 0/0Bh (recommended in 2.0, mandatory in 2.2), or a list without entries before 2.2. */
static void check_list_end(struct nvsr_ctx *t, uint8_t cns)
{
	static const uint32_t nsids[] = { 0xfffffffeu, NVME_NSID_ALL };
	le32_t list[1024];
	unsigned i;

	for (i = 0; i < NVSR_ARRAY_SIZE(nsids); i++) {
		int rc = nvsr_identify(t->pf, cns, nsids[i], 0, list);
		bool none = !rc && !le32_get(list[0]) && le32_get(t->inv->id.ver) < NSM_VS_2_2;

		CHECK(t, rc == NVME_SC_INVALID_NS || none, "0/0Bh Invalid Namespace or Format (before 2.2 also: an empty list)",
		      "NSID %xh, CNS %02xh: %s%s", nsids[i], cns, nvsr_rc_text(rc), rc ? "" : ", with entries");
	}
}

static void active_list(struct nvsr_ctx *t)
{
	uint32_t list[1024], rest[1024];
	struct nvme_id_ns ns;
	unsigned n = check_list(t, t->pf, NVME_CNS_ACTIVE_NS, 0, list), i;

	for (i = 0; i < n && i < 64; i++) {
		CHECK_OK(t, "CNS 00h of a listed NSID", nvsr_identify(t->pf, NVME_CNS_NS, list[i], 0, &ns));
		CHECK(t, le64_get(ns.nsze), "a listed namespace is active: its structure is not zero", "NSZE of NSID %u is 0",
		      list[i]);
	}
	if (n)
		CHECK_EQ(t, "entries after the first NSID", n < 1024 ? n - 1 : 1024,
			 check_list(t, t->pf, NVME_CNS_ACTIVE_NS, list[0], rest));
	check_list_end(t, NVME_CNS_ACTIVE_NS);
}

static void active_list_follows_attachment(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true), list[1024];

	if (!nsid)
		return;
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, nsid, false);
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, nsid, true);
	check_list(t, t->pf, NVME_CNS_ACTIVE_NS, 0, list);
	check_list(t, t->pf, NVME_CNS_ACTIVE_NS, nsid, list);
	MUST_OK(t, "detach from the PF", nvsr_ns_detach(t->pf, nsid, nvsr_t_pcid(t)));
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, nsid, false);
}

static void vf_active_list_is_its_own(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t only_pf = vf ? nvsr_t_ns(t, 1, true) : 0, only_vf = only_pf ? nvsr_t_ns(t, 1, true) : 0;
	int scid = only_vf ? nsm_cntlid(t, vf) : -1;

	if (scid < 0)
		return;
	MUST_OK(t, "attach the first to the PF", nvsr_ns_attach(t->pf, only_pf, nvsr_t_pcid(t)));
	MUST_OK(t, "attach the second to the VF", nvsr_ns_attach(t->pf, only_vf, (uint16_t)scid));
	CHECK_LISTED(t, vf, NVME_CNS_ACTIVE_NS, only_vf, true);
	CHECK_LISTED(t, vf, NVME_CNS_ACTIVE_NS, only_pf, false);
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, only_vf, false);
}

static void allocated_list(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true), list[1024], active[1024];
	unsigned n, i;

	if (!nsid)
		return;
	check_list(t, t->pf, NVME_CNS_ALLOCATED_NS, 0, list);
	CHECK_LISTED(t, t->pf, NVME_CNS_ALLOCATED_NS, nsid, true);
	n = check_list(t, t->pf, NVME_CNS_ACTIVE_NS, 0, active);
	for (i = 0; i < n && i < 64; i++)
		CHECK_LISTED(t, t->pf, NVME_CNS_ALLOCATED_NS, active[i], true);
	check_list_end(t, NVME_CNS_ALLOCATED_NS);
}

static void allocated_list_is_the_same_on_a_vf(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nvsr_t_ns(t, 1, true) : 0, on_pf[1024], on_vf[1024];
	struct nvme_id_ctrl id;
	unsigned n;
	int rc;

	if (!nsid)
		return;
	PREPARE(t, "Identify Controller on the VF", nvsr_id_ctrl(vf, &id));
	rc = nvsr_identify(vf, NVME_CNS_ALLOCATED_NS, 0, 0, on_vf);
	if (rc == NVME_SC_INVALID_FIELD && !(le16_get(id.oacs) & NVME_OACS_NS_MGMT)) {
		CHECK(t, true, "no CNS 10h without OACS bit 3", "0/02h");
		return;
	}
	MUST_OK(t, "CNS 10h on the VF", rc);
	n = check_list(t, t->pf, NVME_CNS_ALLOCATED_NS, 0, on_pf);
	CHECK_EQ(t, "entries of CNS 10h on the VF", n, check_list(t, vf, NVME_CNS_ALLOCATED_NS, 0, on_vf));
	CHECK(t, !memcmp(on_pf, on_vf, n * sizeof(*on_pf)), "the same allocated NSIDs on PF and VF", "they differ");
	CHECK_LISTED(t, vf, NVME_CNS_ALLOCATED_NS, nsid, true);
}

static void allocated_structure(struct nvsr_ctx *t)
{
	uint32_t invalid = nsm_invalid(t), nsid = invalid ? nvsr_t_ns(t, 1, true) : 0;
	uint32_t unallocated = nsid ? nsm_unallocated(t) : 0;
	struct nvme_id_ns ns;

	if (!unallocated)
		return;
	MUST_OK(t, "CNS 11h of an unattached namespace", nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &ns));
	CHECK(t, le64_get(ns.nsze) && le64_get(ns.ncap), "NSZE and NCAP of an allocated namespace are not 0",
	      "NSZE = %llu, NCAP = %llu", (unsigned long long)le64_get(ns.nsze), (unsigned long long)le64_get(ns.ncap));
	if (CHECK_OK(t, "CNS 11h of an unallocated NSID",
		     nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, unallocated, 0, &ns)))
		CHECK_ZERO(t, "CNS 11h of an unallocated NSID is all zero", &ns);
	CHECK_STATUS(t, "CNS 11h of NSID NN + 1", NVME_SC_INVALID_NS,
		     nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, invalid, 0, &ns));
	CHECK_STATUS(t, "CNS 11h of NSID FFFFFFFFh", NVME_SC_INVALID_NS,
		     nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, NVME_NSID_ALL, 0, &ns));
}

#define ANY 0	/* Identify works everywhere */
static const struct nvsr_test tests[] = {
	{ .id = "oacs-bit-matches-commands", .title = "OACS bit 3 tells whether opcodes 0Dh and 15h are supported",
	  .requirements = REQS("NSM-01"), .needs = NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("ns-mgmt-unimplemented", "ns-attach-unimplemented", "oacs-hides-ns-mgmt"),
	  .run = oacs_bit_matches_commands },
	{ .id = "lists-are-supported", .title = "Identify supports the CNS values of Namespace Management",
	  .requirements = REQS("NSM-02"), .needs = NSM_NEED, .caught_by = DEFECTS("cns-13h-unsupported"),
	  .run = lists_are_supported },
	{ .id = "nn-bounds-nsids", .title = "NN and MNAN bound the NSIDs and the number of namespaces",
	  .requirements = REQS("NSM-03"), .needs = ANY, .caught_by = DEFECTS("nn-below-nsid"), .run = nn_bounds_nsids },
	{ .id = "unallocated-is-zero", .title = "Identify Namespace of an unallocated NSID returns zeros",
	  .requirements = REQS("NSM-09"), .needs = ANY,
	  .caught_by = DEFECTS("inactive-identify-fails", "invalid-nsid-as-inactive"), .run = unallocated_is_zero },
	{ .id = "unattached-is-zero", .title = "Identify Namespace of an unattached namespace returns zeros",
	  .requirements = REQS("NSM-09"), .needs = NSM_NEED, .caught_by = DEFECTS("inactive-identify-leaks"),
	  .run = unattached_is_zero },
	{ .id = "vf-sees-only-attached",
	  .title = "Identify Namespace on a VF returns zeros for what is attached elsewhere",
	  .requirements = REQS("NSM-09"), .needs = NSM_NEED_VF, .caught_by = DEFECTS("inactive-identify-leaks"),
	  .run = vf_sees_only_attached },
	{ .id = "broadcast-gives-common-capabilities",
	  .title = "Identify Namespace of NSID FFFFFFFFh returns the common capabilities", .requirements = REQS("NSM-10"),
	  .needs = NVSR_NEED(NS_MGMT), .caught_by = DEFECTS("common-caps-unsupported"),
	  .run = broadcast_gives_common_capabilities },
	{ .id = "active-list", .title = "the active namespace list is ascending and starts above the NSID asked for",
	  .requirements = REQS("NSM-11"), .needs = ANY,
	  .caught_by = DEFECTS("active-list-includes-nsid", "ns-list-any-nsid"),
	  .run = active_list },
	{ .id = "active-list-follows-attachment", .title = "the active namespace list follows attach and detach",
	  .requirements = REQS("NSM-11"), .needs = NSM_NEED,
	  .caught_by = DEFECTS("active-list-shows-all", "ns-list-unsorted"),
	  .run = active_list_follows_attachment },
	{ .id = "vf-active-list-is-its-own", .title = "the active namespace lists of PF and VF are independent",
	  .requirements = REQS("NSM-11"), .needs = NSM_NEED_VF,
	  .caught_by = DEFECTS("active-list-shows-all", "vf-active-list-of-pf"), .run = vf_active_list_is_its_own },
	{ .id = "allocated-list", .title = "the allocated namespace list has attached and unattached namespaces",
	  .requirements = REQS("NSM-13"), .needs = NSM_NEED,
	  .caught_by = DEFECTS("allocated-list-only-attached", "ns-list-unsorted", "ns-list-any-nsid"),
	  .run = allocated_list },
	{ .id = "allocated-list-is-the-same-on-a-vf",
	  .title = "a VF that supports CNS 10h lists what the PF lists, whatever is attached",
	  .requirements = REQS("NSM-13"), .needs = NSM_NEED_VF, .caught_by = DEFECTS("vf-allocated-list-partial"),
	  .run = allocated_list_is_the_same_on_a_vf },
	{ .id = "allocated-structure", .title = "CNS 11h describes unattached namespaces and rejects invalid NSIDs",
	  .requirements = REQS("NSM-14"), .needs = NSM_NEED,
	  .caught_by = DEFECTS("cns-11h-needs-attachment", "cns-11h-broadcast"),
	  .run = allocated_structure },
};

const struct nvsr_group nvsr_namespace_identify = NVSR_GROUP("namespace.identify", tests);
