// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SR-IOV extended capability of the PF: that it is where it belongs, nowhere else, and that its fields say what
 * PCIe 9.3.3 asks for with no VF, with one, and with all of them.  Only reads configuration space.
 */
#include "pf.h"

static void pf_has_it(struct nvsr_ctx *t)
{
	unsigned pos = t->inv->sriov.pos;
	uint32_t head = pf_rid_read(t, nvsr_dev_rid(t->pf), pos, 4);

	CHECK(t, pos >= PCI_EXT_CAP_START && pos % 4 == 0, "in extended configuration space (100h and above)",
	      "at %03Xh", pos);
	CHECK_EQ(t, "capability id", PCI_EXT_CAP_SRIOV, head & 0xffff);
	CHECK_EQ(t, "capability version", 1, head >> 16 & 0xf);
}

/* Field failure: VFs of one drive answered with the PF's configuration space, and the host's kernel followed it. */
static void vf_has_none(struct nvsr_ctx *t)
{
	uint16_t last = t->inv->sriov.total_vfs, n;
	struct nvsr_sriov s;

	if (!pf_vfs(t, last, &s))
		return;
	for (n = 1; n <= last; n++) {
		uint16_t rid = nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, n);
		unsigned pos;

		MUST(t, pf_rid_answers(t, rid), "an enabled VF answers configuration requests", "VF %u: all ones", n);
		pos = pf_rid_ext_cap(t, rid, PCI_EXT_CAP_SRIOV);
		MUST(t, !pos, "no SR-IOV capability in a VF", "VF %u has one at %03Xh", n, pos);
	}
}

static void migration_reads_zero(struct nvsr_ctx *t)
{
	const struct nvsr_sriov *s = &t->inv->sriov;

	CHECK_EQ(t, "VF Migration Capable (Capabilities bit 0)", 0, s->cap & PCI_SRIOV_CAP_VFM);
	CHECK_EQ(t, "VF Migration Status (Status bit 0)", 0, s->status & PCI_SRIOV_STATUS_VFM);
	CHECK_EQ(t, "VF Migration State Array Offset", 0, s->vfm_array);
	nvsr_note(t, "ARI Capable Hierarchy Preserved = %u", !!(s->cap & PCI_SRIOV_CAP_ARI));
}

static void initial_equals_total(struct nvsr_ctx *t)
{
	const struct nvsr_sriov *s = &t->inv->sriov;

	if (s->cap & PCI_SRIOV_CAP_VFM)
		SKIP(t, "VF Migration Capable: InitialVFs may differ from TotalVFs");
	CHECK_EQ(t, "InitialVFs", s->total_vfs, s->initial_vfs);
}

/* TotalVFs and VF Device ID do not depend on how many VFs are enabled. */
static void constant(struct nvsr_ctx *t, const char *what, unsigned reg, int64_t claimed)
{
	uint16_t at_start = pf_sriov16(t, reg), total = t->inv->sriov.total_vfs;
	const unsigned numvfs[] = { 1, total, 0 };
	struct nvsr_sriov s;
	unsigned i;

	if (claimed != NVSR_UNKNOWN)
		CHECK(t, at_start == claimed, "as the profile says", "%s = %u, profile says %lld", what, at_start,
		      (long long)claimed);
	for (i = 0; i < NVSR_ARRAY_SIZE(numvfs); i++) {
		if (!pf_vfs(t, numvfs[i], &s))
			return;
		CHECK(t, pf_sriov16(t, reg) == at_start, "constant whatever NumVFs is", "%s = %u, was %u (%u VFs enabled)",
		      what, pf_sriov16(t, reg), at_start, numvfs[i]);
	}
}

static void total_is_constant(struct nvsr_ctx *t)
{
	constant(t, "TotalVFs", PCI_SRIOV_TOTAL_VFS, t->profile->sriov.total_vfs);
}

static void device_id_is_constant(struct nvsr_ctx *t)
{
	uint16_t id = t->inv->sriov.vf_device_id;

	CHECK(t, id != 0xffff, "a device id", "VF Device ID = %04Xh", id);
	constant(t, "VF Device ID", PCI_SRIOV_VF_DEVICE_ID, t->profile->identity.vf_device);
}

/* A PF that depends on no other names itself; one that does names another PF of the device. */
static void link_names_itself(struct nvsr_ctx *t)
{
	uint16_t rid = nvsr_dev_rid(t->pf);
	uint8_t fdl = pf_sriov16(t, PCI_SRIOV_FDL) & 0xff;
	bool ari = pf_rid_ext_cap(t, rid, PCI_EXT_CAP_ARI);
	uint8_t own = ari ? rid & 0xff : rid & 7;
	uint16_t other = (uint16_t)((rid & (ari ? 0xff00 : 0xfff8)) | fdl);

	if (ari && fdl == (rid & 7))
		own = fdl;	/* below a port without ARI Forwarding the host sees device and function number */
	CHECK(t, fdl == own || pf_rid_ext_cap(t, other, PCI_EXT_CAP_SRIOV), "own function number, or that of another PF",
	      "Function Dependency Link = %02Xh, this is function %u", fdl, own);
}

static void offset_and_stride_are_set(struct nvsr_ctx *t)
{
	uint16_t total = t->inv->sriov.total_vfs;
	const unsigned numvfs[] = { 1, 2, total };
	struct nvsr_sriov s;
	unsigned i;

	for (i = 0; i < NVSR_ARRAY_SIZE(numvfs) && numvfs[i] <= total; i++) {
		if (!pf_vfs(t, numvfs[i], &s))
			return;
		CHECK(t, s.vf_offset, "First VF Offset is not 0 when NumVFs > 0", "0 with NumVFs = %u", numvfs[i]);
		if (numvfs[i] > 1)
			CHECK(t, s.vf_stride, "VF Stride is not 0 when NumVFs > 1", "0 with NumVFs = %u", numvfs[i]);
		nvsr_note(t, "NumVFs %u: First VF Offset %u, VF Stride %u", numvfs[i], s.vf_offset, s.vf_stride);
	}
}

static void routing_ids_are_distinct(struct nvsr_ctx *t)
{
	uint8_t seen[0x10000] = { 0 };
	uint16_t pf = nvsr_dev_rid(t->pf), n;
	struct nvsr_sriov s;

	if (!pf_vfs(t, t->inv->sriov.total_vfs, &s))
		return;
	seen[pf] = 1;
	for (n = 1; n <= s.total_vfs; n++) {
		uint16_t rid = nvsr_vf_rid(pf, &s, n);

		MUST(t, !seen[rid], "every function has a routing id of its own", "VF %u has %04Xh, which is taken", n, rid);
		MUST(t, rid >> 8 >= pf >> 8, "no VF on a lower bus than the PF", "VF %u on bus %02Xh, PF on %02Xh", n,
		     rid >> 8, pf >> 8);
		MUST(t, pf_rid_answers(t, rid), "VF n answers at PF + First VF Offset + (n - 1) * VF Stride",
		     "VF %u: nothing at %04Xh", n, rid);
		MUST(t, !pf_rid_ext_cap(t, rid, PCI_EXT_CAP_SRIOV), "no VF at the routing id of a PF",
		     "VF %u: %04Xh has an SR-IOV capability", n, rid);
		seen[rid] = 1;
	}
}

static void page_sizes_are_supported(struct nvsr_ctx *t)
{
	uint32_t sup = t->inv->sriov.sup_pgsize;

	CHECK(t, (sup & PCI_SRIOV_PGSIZE_MIN) == PCI_SRIOV_PGSIZE_MIN,
	      "4 KiB, 8 KiB, 64 KiB, 256 KiB, 1 MiB and 4 MiB (553h)", "Supported Page Sizes = %Xh", sup);
}

static const struct nvsr_test tests[] = {
	{ .id = "pf-has-it", .title = "the PF has an SR-IOV capability of version 1 in extended configuration space",
	  .requirements = REQS("PCIE-01"), .needs = PF_READ,
	  .caught_by = DEFECTS("sriov-cap-version"), .run = pf_has_it },
	{ .id = "vf-has-none", .title = "no VF has an SR-IOV capability",
	  .requirements = REQS("PCIE-01"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-shows-sriov-cap", "vf-answers-as-pf"), .run = vf_has_none },
	{ .id = "migration-reads-zero", .title = "the deprecated VF Migration fields read 0",
	  .requirements = REQS("PCIE-02", "PCIE-11", "PCIE-26"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-migration-capable"), .run = migration_reads_zero },
	{ .id = "initial-equals-total", .title = "InitialVFs equals TotalVFs",
	  .requirements = REQS("PCIE-12"), .needs = PF_READ,
	  .caught_by = DEFECTS("initialvfs-mismatch"), .run = initial_equals_total },
	{ .id = "total-is-constant", .title = "TotalVFs does not depend on the VFs enabled",
	  .requirements = REQS("PCIE-13"), .needs = PF_READ,
	  .caught_by = DEFECTS("totalvfs-follows-numvfs"), .run = total_is_constant },
	{ .id = "device-id-is-constant", .title = "VF Device ID is a device id that does not change",
	  .requirements = REQS("PCIE-21"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-device-id-drifts"), .run = device_id_is_constant },
	{ .id = "link-names-itself", .title = "Function Dependency Link names the PF itself or another PF",
	  .requirements = REQS("PCIE-17"), .needs = PF_READ,
	  .caught_by = DEFECTS("fdl-wrong"), .run = link_names_itself },
	{ .id = "offset-and-stride-are-set", .title = "First VF Offset and VF Stride are not 0 when VFs need them",
	  .requirements = REQS("PCIE-18", "PCIE-19"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-offset-zero", "stride-zero"), .run = offset_and_stride_are_set },
	{ .id = "routing-ids-are-distinct", .title = "every VF answers at its computed routing id, which is its own",
	  .requirements = REQS("PCIE-20"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-offset-zero", "stride-zero", "vf-rid-lower-bus", "vf-rid-shifted"), .run = routing_ids_are_distinct },
	{ .id = "page-sizes-are-supported", .title = "the mandatory page sizes are supported",
	  .requirements = REQS("PCIE-22"), .needs = PF_READ,
	  .caught_by = DEFECTS("sup-pgsize-missing"), .run = page_sizes_are_supported },
};
const struct nvsr_group nvsr_pf_capability = NVSR_GROUP("pf.capability", tests);
