// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The list of secondary controllers (CNS 15h): its layout, its order and filter, and that it lists every secondary
 * whatever VFs are enabled.  The lists are read page by page here, as the standard lays them out.
 */
#include "pf.h"

static int read_page(struct nvsr_ctx *t, uint16_t cntid, struct nvme_secondary_list *ret)
{
	return nvsr_identify(t->pf, NVME_CNS_SECONDARY_LIST, 0, cntid, ret);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

static void header_is_clean(struct nvsr_ctx *t)
{
	struct nvme_secondary_list l;

	MUST_OK(t, "CNS 15h", read_page(t, 0, &l));
	CHECK(t, l.numid <= NVSR_ARRAY_SIZE(l.sc), "NUMID <= 127", "%u", l.numid);
	CHECK(t, all_zero(l.rsvd1, sizeof(l.rsvd1)), "bytes 31:1 are 0", "they are not");
	CHECK(t, l.numid, "at least one entry", "NUMID = 0");
}

/* The page that starts at @cntid holds exactly the entries of the whole list from there on. */
static void check_page(struct nvsr_ctx *t, uint16_t cntid)
{
	const struct nvsr_inventory *inv = t->inv;
	struct nvme_secondary_list l;
	unsigned first, want, i;

	for (first = 0; first < inv->sec_count && le16_get(inv->sec[first].scid) < cntid; first++)
		;
	want = NVSR_MIN(inv->sec_count - first, (unsigned)NVSR_ARRAY_SIZE(l.sc));
	MUST_OK(t, "CNS 15h", read_page(t, cntid, &l));
	MUST(t, l.numid == want, "all secondaries with SCID >= CNTID, at most 127", "CNTID %u: %u entries, not %u", cntid,
	     l.numid, want);
	for (i = 0; i < want; i++)
		MUST(t, le16_get(l.sc[i].scid) == le16_get(inv->sec[first + i].scid), "the same entries as in the whole list",
		     "CNTID %u, entry %u: SCID %u, not %u", cntid, i, le16_get(l.sc[i].scid),
		     le16_get(inv->sec[first + i].scid));
}

static void cntid_filters_in_order(struct nvsr_ctx *t)
{
	const struct nvme_secondary_ctrl *sec = t->inv->sec;
	unsigned n = t->inv->sec_count, i;

	MUST(t, n, "at least one secondary controller", "CNS 15h lists none");
	for (i = 1; i < n; i++)
		MUST(t, le16_get(sec[i - 1].scid) < le16_get(sec[i].scid), "entries in ascending order of SCID",
		     "SCID %u after %u", le16_get(sec[i].scid), le16_get(sec[i - 1].scid));
	check_page(t, 0);
	check_page(t, le16_get(sec[n / 2].scid));
	check_page(t, le16_get(sec[n - 1].scid));
	if (le16_get(sec[n - 1].scid) < 0xffef)
		check_page(t, (uint16_t)(le16_get(sec[n - 1].scid) + 1));
}

static void entries_are_clean(struct nvsr_ctx *t)
{
	unsigned i;

	MUST(t, t->inv->sec_count, "at least one secondary controller", "CNS 15h lists none");
	for (i = 0; i < t->inv->sec_count; i++) {
		const struct nvme_secondary_ctrl *e = &t->inv->sec[i];
		unsigned scid = le16_get(e->scid);

		CHECK(t, le16_get(e->pcid) == nvsr_t_pcid(t), "PCID is this primary", "SCID %u: PCID %u, not %u", scid,
		      le16_get(e->pcid), nvsr_t_pcid(t));
		CHECK(t, !(e->scs & ~NVME_SCS_ONLINE), "SCS bits 7:1 = 0", "SCID %u: SCS = %02Xh", scid, e->scs);
		CHECK(t, all_zero(e->rsvd5, sizeof(e->rsvd5)) && all_zero(e->rsvd14, sizeof(e->rsvd14)),
		      "reserved bytes of an entry are 0", "SCID %u: they are not", scid);
	}
}

/* A drive in the field lists its primary as entry 0. */
static void primary_is_no_entry(struct nvsr_ctx *t)
{
	unsigned i;

	MUST(t, t->inv->sec_count, "at least one secondary controller", "CNS 15h lists none");
	for (i = 0; i < t->inv->sec_count; i++)
		CHECK(t, le16_get(t->inv->sec[i].scid) != nvsr_t_pcid(t), "only secondary controllers in the list",
		      "entry %u is the primary (SCID %u)", i, le16_get(t->inv->sec[i].scid));
}

static void lists_all_whatever_numvfs(struct nvsr_ctx *t)
{
	unsigned total = t->inv->sriov.total_vfs, i, j, n;
	const unsigned numvfs[] = { 0, 1, total };

	for (i = 0; i < NVSR_ARRAY_SIZE(numvfs); i++) {
		_cleanup_free_ struct nvme_secondary_ctrl *sec = NULL;

		if (!nvsr_t_enable_vfs(t, numvfs[i]))
			return;
		MUST_OK(t, "CNS 15h", nvsr_secondary_list(t->pf, &sec, &n));
		MUST(t, n == t->inv->sec_count, "every secondary is listed, Offline or not", "%u entries with %u VFs enabled, %u before",
		     n, numvfs[i], t->inv->sec_count);
		for (j = 0; j < n; j++)
			CHECK(t, le16_get(sec[j].scid) == le16_get(t->inv->sec[j].scid), "the same secondaries",
			      "entry %u: SCID %u with %u VFs enabled, %u before", j, le16_get(sec[j].scid), numvfs[i],
			      le16_get(t->inv->sec[j].scid));
	}
}

static unsigned vf_entries(const struct nvsr_inventory *inv)
{
	unsigned i, n = 0;

	for (i = 0; i < inv->sec_count; i++)
		n += le16_get(inv->sec[i].vfn) != 0;
	return n;
}

static void one_entry_per_vf(struct nvsr_ctx *t)
{
	CHECK_EQ(t, "secondaries in VFs (TotalVFs)", t->inv->sriov.total_vfs, vf_entries(t->inv));
}

/* VFNs are distinct, and every VF with the class code of a controller has its entry. */
static void vfns_name_all_vfs(struct nvsr_ctx *t)
{
	uint8_t seen[0x10000] = { 0 };
	struct nvsr_sriov s;
	unsigned i;

	if (!pf_vfs(t, t->inv->sriov.total_vfs, &s))
		return;
	MUST(t, t->inv->sec_count, "at least one secondary controller", "CNS 15h lists none");
	for (i = 0; i < t->inv->sec_count; i++) {
		uint16_t vfn = le16_get(t->inv->sec[i].vfn), scid = le16_get(t->inv->sec[i].scid);

		MUST(t, vfn <= s.total_vfs, "VFN <= TotalVFs", "SCID %u: VFN %u of %u", scid, vfn, s.total_vfs);
		MUST(t, !vfn || !seen[vfn], "every VFN once", "SCID %u: VFN %u again", scid, vfn);
		seen[vfn] = 1;
	}
	for (i = 1; i <= s.total_vfs; i++) {
		uint32_t class = pf_rid_read(t, nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, i), PCI_REVISION_ID, 4) >> 8;

		MUST(t, class != PCI_CLASS_NVME || seen[i], "a secondary for every VF that is an NVMe controller",
		     "VF %u has the class code and no entry", i);
	}
}

/* Identify through VF n gives the identifier of the secondary listed with VFN n. */
static void check_vfn(struct nvsr_ctx *t, unsigned vfn)
{
	struct nvsr_dev *vf = pf_vf_online(t, vfn, true);
	int scid = vf ? nvsr_t_scid(t, vfn) : -1;
	struct nvme_id_ctrl id;
	uint64_t csts;

	if (scid < 0)
		return;
	PREPARE(t, "reading CSTS", nvsr_reg_read(vf, NVME_REG_CSTS, 4, &csts));
	MUST(t, !(csts & NVME_CSTS_CFS), "Online of the secondary with VFN n shows in VF n (CSTS.CFS = 0)",
	     "VF %u: CSTS = %08Xh after Online of SCID %d", vfn, (unsigned)csts, scid);
	vf = nvsr_t_vf(t, vfn);
	if (!vf)
		return;
	PREPARE(t, "Identify Controller", nvsr_id_ctrl(vf, &id));
	CHECK(t, le16_get(id.cntlid) == scid, "VFN n is the VF at routing id n", "VF %u: CNTLID %u, listed as %d", vfn,
	      le16_get(id.cntlid), scid);
}

static void vfn_is_the_vf(struct nvsr_ctx *t)
{
	unsigned total = t->inv->sriov.total_vfs;

	check_vfn(t, total);
	check_vfn(t, NVSR_MIN(total, 2u));
}

static const struct nvsr_test tests[] = {
	{ .id = "header-is-clean", .title = "NUMID is at most 127 and the rest of the header is 0",
	  .requirements = REQS("VIRT-13"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("secondary-list-header-garbage"), .run = header_is_clean },
	{ .id = "cntid-filters-in-order", .title = "entries are in order of SCID and start at CNTID",
	  .requirements = REQS("VIRT-14"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("secondary-list-ignores-cntid", "secondary-list-unordered"), .run = cntid_filters_in_order },
	{ .id = "entries-are-clean", .title = "every entry names this primary and leaves reserved bits 0",
	  .requirements = REQS("VIRT-15"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("secondary-of-another-primary", "secondary-state-garbage",
			       "secondary-reserved-nonzero"), .run = entries_are_clean },
	{ .id = "primary-is-no-entry", .title = "the primary controller is not in its list of secondaries",
	  .requirements = REQS("VIRT-16"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("primary-in-secondary-list"), .run = primary_is_no_entry },
	{ .id = "lists-all-whatever-numvfs", .title = "all secondaries are listed whatever VFs are enabled",
	  .requirements = REQS("VIRT-17"), .needs = PF_VIRT,
	  .caught_by = DEFECTS("secondary-list-only-enabled"), .run = lists_all_whatever_numvfs },
	{ .id = "one-entry-per-vf", .title = "there is one secondary in a VF for each of TotalVFs",
	  .requirements = REQS("VIRT-18"), .needs = PF_VIRT | NVSR_NEED(CFG_READ),
	  .caught_by = DEFECTS("secondary-list-only-enabled"), .run = one_entry_per_vf },
	{ .id = "vfns-name-all-vfs", .title = "VFNs are distinct, at most TotalVFs, and every VF has its entry",
	  .requirements = REQS("VIRT-19", "VIRT-04", "PCIE-13"), .needs = PF_VIRT | NVSR_NEED(CFG_READ),
	  .caught_by = DEFECTS("vfn-zero-based", "secondary-numid-wrong"), .run = vfns_name_all_vfs },
	{ .id = "vfn-is-the-vf", .title = "the VF at routing id n is the secondary with VFN n",
	  .requirements = REQS("VIRT-19"), .needs = PF_VIRT | NVSR_NEED(VF_ADMIN) | NVSR_NEED(REG_READ),
	  .caught_by = DEFECTS("vfn-permuted"), .run = vfn_is_the_vf },
};
const struct nvsr_group nvsr_pf_secondary = NVSR_GROUP("pf.secondary", tests);
