// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VF BARs: what they are, how large one VF's aperture is, where each VF's aperture lies, and the two switches in front
 * of them (VF MSE in the PF, and the Memory Space bit in the VF, which is none).
 */
#include "pf.h"

#define ONES_4 0xffffffffull

static void are_memory_bars(struct nvsr_ctx *t)
{
	const struct nvsr_sriov *s = &t->inv->sriov;
	unsigned i;

	for (i = 0; i < PCI_BAR_COUNT; i++) {
		if (pf_vf_bar_is_upper(s, i))
			continue;
		CHECK(t, !(s->vf_bar[i] & PCI_BAR_IO), "a VF BAR maps memory (bit 0 = 0)", "VF BAR%u = %08Xh", i, s->vf_bar[i]);
		CHECK(t, i < PCI_BAR_COUNT - 1 || (s->vf_bar[i] & PCI_BAR_TYPE_MASK) != PCI_BAR_TYPE_64,
		      "VF BAR5 is not 64 bits wide", "VF BAR%u = %08Xh", i, s->vf_bar[i]);
	}
}

/* Size of one VF's aperture in every VF BAR (0 = not implemented).  False after recording. */
static bool bar_sizes(struct nvsr_ctx *t, uint64_t ret[PCI_BAR_COUNT])
{
	struct nvsr_sriov s;
	unsigned i;
	int rc;

	if (!pf_vfs(t, 0, &s))
		return false;
	for (i = 0; i < PCI_BAR_COUNT; i++) {
		ret[i] = 0;
		rc = pf_vf_bar_is_upper(&s, i) ? 0 : pf_vf_bar_size(t, i, &ret[i]);
		if (rc) {
			nvsr_test_broken(t, __FILE__, __LINE__, "sizing VF BAR%u: %s", i, nvsr_rc_text(rc));
			return false;
		}
	}
	return true;
}

static void check_sizes(struct nvsr_ctx *t, const uint64_t size[PCI_BAR_COUNT], uint64_t page)
{
	unsigned i;

	for (i = 0; i < PCI_BAR_COUNT; i++) {
		CHECK(t, !(size[i] & (size[i] - 1)), "a power of two", "VF BAR%u: %llXh bytes", i, (unsigned long long)size[i]);
		CHECK(t, size[i] % page == 0, "a multiple of System Page Size", "VF BAR%u: %llXh bytes, page %llXh", i,
		      (unsigned long long)size[i], (unsigned long long)page);
	}
}

static void size_as_they_should(struct nvsr_ctx *t)
{
	uint32_t page_bits = t->inv->sriov.sys_pgsize;
	uint64_t size[PCI_BAR_COUNT];
	unsigned i;

	MUST(t, page_bits && !(page_bits & (page_bits - 1)), "one bit of System Page Size is set", "%08Xh", page_bits);
	if (!bar_sizes(t, size))
		return;
	CHECK(t, size[0], "VF BAR0 is implemented (controller registers)", "its size reads 0");
	check_sizes(t, size, (uint64_t)page_bits << 12);
	for (i = 0; i < PCI_BAR_COUNT; i++)
		if (size[i])
			nvsr_note(t, "VF BAR%u: %llu KiB for a VF, the host must find %llu KiB for %u VFs", i,
				  (unsigned long long)size[i] >> 10,
				  (unsigned long long)(size[i] * t->inv->sriov.total_vfs) >> 10, t->inv->sriov.total_vfs);
}

static void page_size_is_settable(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	unsigned off = t->inv->sriov.pos + PCI_SRIOV_SYS_PGSIZE, bit;
	uint64_t size[PCI_BAR_COUNT];
	struct nvsr_sriov s;
	uint32_t v;

	if (!pf_vfs(t, 0, &s))
		return;
	/* A larger page takes address bits from the BARs, which go back after it. */
	for (unsigned i = 0; i < PCI_BAR_COUNT; i++)
		PREPARE(t, "reading VF BARs", pf_save(&saved, t->pf, t->inv->sriov.pos + PCI_SRIOV_VF_BAR0 + i * 4, 4));
	PREPARE(t, "reading System Page Size", pf_save(&saved, t->pf, off, 4));
	for (bit = 0; bit < 32; bit++) {
		if (!(s.sup_pgsize >> bit & 1))
			continue;
		PREPARE(t, "writing System Page Size", nvsr_cfg_write(t->pf, off, 4, 1u << bit));
		PREPARE(t, "reading System Page Size", nvsr_cfg_read(t->pf, off, 4, &v));
		MUST(t, v == 1u << bit, "a supported page size can be chosen", "System Page Size = %08Xh, wrote %08Xh", v, 1u << bit);
		if (!bar_sizes(t, size))
			return;
		check_sizes(t, size, 1ull << (bit + 12));
	}
}

static void page_size_resets_to_4k(struct nvsr_ctx *t)
{
	_cleanup_pf_ struct nvsr_ctx *back = t;
	unsigned off = t->inv->sriov.pos + PCI_SRIOV_SYS_PGSIZE;
	struct nvsr_sriov s;
	uint32_t v;

	if (!pf_vfs(t, 0, &s))
		return;
	PREPARE(t, "writing System Page Size", nvsr_cfg_write(t->pf, off, 4, 2));
	PREPARE(t, "Function Level Reset of the PF", pf_raw_flr(t->pf));
	PREPARE(t, "reading System Page Size", nvsr_cfg_read(t->pf, off, 4, &v));
	CHECK_EQ(t, "System Page Size after FLR of the PF", 1, v);
}

static void mse_gates_decode(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	unsigned off = t->inv->sriov.pos + PCI_SRIOV_CTRL;
	uint64_t vs, hidden, again;
	uint16_t ctrl;

	if (!vf)
		return;
	PREPARE(t, "reading the control register", pf_save(&saved, t->pf, off, 2));
	ctrl = pf_sriov16(t, PCI_SRIOV_CTRL);
	MUST_EQ(t, "VF MSE as the host set it", PCI_SRIOV_CTRL_MSE, ctrl & PCI_SRIOV_CTRL_MSE);
	PREPARE(t, "reading VS", nvsr_reg_read(vf, NVME_REG_VS, 4, &vs));
	CHECK(t, vs != ONES_4, "VF BAR0 decodes with VF MSE = 1", "VS of VF 1 = all ones");
	PREPARE(t, "clearing VF MSE", nvsr_cfg_write(t->pf, off, 2, ctrl & ~(uint32_t)PCI_SRIOV_CTRL_MSE));
	CHECK_EQ(t, "VF MSE after writing 0", 0, pf_sriov16(t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_MSE);
	PREPARE(t, "reading VS", nvsr_reg_read(vf, NVME_REG_VS, 4, &hidden));
	CHECK(t, hidden == ONES_4, "Unsupported Request (all ones) with VF MSE = 0", "VS of VF 1 = %08llXh",
	      (unsigned long long)hidden);
	PREPARE(t, "setting VF MSE", nvsr_cfg_write(t->pf, off, 2, ctrl));
	PREPARE(t, "reading VS", nvsr_reg_read(vf, NVME_REG_VS, 4, &again));
	CHECK_EQ(t, "VS of VF 1 with VF MSE set again", vs, again);
}

static void mse_resets_nothing(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	static const struct { const char *name; unsigned off, len; } regs[] = {
		{ "CC", NVME_REG_CC, 4 }, { "CSTS", NVME_REG_CSTS, 4 }, { "AQA", NVME_REG_AQA, 4 },
		{ "ASQ", NVME_REG_ASQ, 8 }, { "ACQ", NVME_REG_ACQ, 8 },
	};
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	unsigned off = t->inv->sriov.pos + PCI_SRIOV_CTRL, i;
	uint64_t before[NVSR_ARRAY_SIZE(regs)], after;
	uint16_t ctrl;

	if (!vf)
		return;
	PREPARE(t, "reading the control register", pf_save(&saved, t->pf, off, 2));
	ctrl = pf_sriov16(t, PCI_SRIOV_CTRL);
	for (i = 0; i < NVSR_ARRAY_SIZE(regs); i++)
		PREPARE(t, regs[i].name, nvsr_reg_read(vf, regs[i].off, regs[i].len, &before[i]));
	PREPARE(t, "clearing VF MSE", nvsr_cfg_write(t->pf, off, 2, ctrl & ~(uint32_t)PCI_SRIOV_CTRL_MSE));
	nvsr_dev_sleep_ms(t->pf, 10);
	PREPARE(t, "setting VF MSE", nvsr_cfg_write(t->pf, off, 2, ctrl));
	for (i = 0; i < NVSR_ARRAY_SIZE(regs); i++) {
		PREPARE(t, regs[i].name, nvsr_reg_read(vf, regs[i].off, regs[i].len, &after));
		CHECK_EQ(t, regs[i].name, before[i], after);
	}
	CHECK_OK(t, "Identify Controller on the admin queue made before", pf_alive(vf));
}

static void vf_command_has_no_mse(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint64_t vs, again;
	uint32_t cmd, v;

	if (!vf)
		return;
	PREPARE(t, "reading Command", pf_save(&saved, vf, PCI_COMMAND, 2));
	PREPARE(t, "reading Command", nvsr_cfg_read(vf, PCI_COMMAND, 2, &cmd));
	CHECK_EQ(t, "Memory Space Enable of VF 1", 0, cmd & PCI_COMMAND_MEMORY);
	PREPARE(t, "reading VS", nvsr_reg_read(vf, NVME_REG_VS, 4, &vs));
	CHECK(t, vs != ONES_4, "VF BAR0 decodes although the VF's own bit reads 0", "VS of VF 1 = all ones");
	PREPARE(t, "writing Command", nvsr_cfg_write(vf, PCI_COMMAND, 2, cmd | PCI_COMMAND_MEMORY));
	PREPARE(t, "reading Command", nvsr_cfg_read(vf, PCI_COMMAND, 2, &v));
	CHECK_EQ(t, "Memory Space Enable of VF 1 after writing 1", 0, v & PCI_COMMAND_MEMORY);
	PREPARE(t, "writing Command", nvsr_cfg_write(vf, PCI_COMMAND, 2, cmd & ~(uint32_t)PCI_COMMAND_MEMORY));
	PREPARE(t, "reading VS", nvsr_reg_read(vf, NVME_REG_VS, 4, &again));
	CHECK_EQ(t, "VS of VF 1 after writing 0", vs, again);
}

/* A value of its own into ASQ of every VF under test, its controller disabled; then all are read back. */
static void apertures_are_separate(struct nvsr_ctx *t)
{
	unsigned total = t->inv->sriov.total_vfs, count = total > 2 ? 3 : 2, i;
	unsigned vfn[3] = { 1, 2, total };
	struct nvsr_dev *vf[3];
	uint64_t pf_asq, v;

	/* The last one first: then the number of VFs need not grow under those that are already open. */
	for (i = count; i-- > 0;) {
		vf[i] = pf_vf_online(t, vfn[i], true);
		if (!vf[i])
			return;
	}
	PREPARE(t, "reading ASQ of the PF", nvsr_reg_read(t->pf, NVME_REG_ASQ, 8, &pf_asq));
	for (i = 0; i < count; i++)
		PREPARE(t, "writing ASQ", nvsr_reg_write(vf[i], NVME_REG_ASQ, 8, 0xa5000000ull + vfn[i] * 0x1000ull));
	for (i = 0; i < count; i++) {
		PREPARE(t, "reading ASQ", nvsr_reg_read(vf[i], NVME_REG_ASQ, 8, &v));
		CHECK(t, v == 0xa5000000ull + vfn[i] * 0x1000ull, "the value written through this VF's aperture",
		      "ASQ of VF %u = %llXh", vfn[i], (unsigned long long)v);
	}
	PREPARE(t, "reading ASQ of the PF", nvsr_reg_read(t->pf, NVME_REG_ASQ, 8, &v));
	CHECK_EQ(t, "ASQ of the PF", pf_asq, v);
}

/* Online and Offline show in CSTS.CFS of the right aperture only.  Nothing is written: apertures may be exchanged. */
static void aperture_follows_vfn(struct nvsr_ctx *t)
{
	struct nvsr_dev *offline = nvsr_t_vf_bare(t, 2), *online = offline ? pf_vf_online(t, 1, true) : NULL;
	int scid = online ? nvsr_t_scid(t, 2) : -1;
	uint64_t csts;

	if (scid < 0)
		return;
	PREPARE(t, "Offline of VF 2", nvsr_virt_mgmt(t->pf, (uint16_t)scid, 0, NVME_VIRT_OFFLINE, 0, NULL));
	PREPARE(t, "reading CSTS", nvsr_reg_read(online, NVME_REG_CSTS, 4, &csts));
	CHECK(t, !(csts & NVME_CSTS_CFS), "CSTS.CFS = 0 in the aperture of VF 1, which is Online", "CSTS = %08Xh",
	      (unsigned)csts);
	PREPARE(t, "reading CSTS", nvsr_reg_read(offline, NVME_REG_CSTS, 4, &csts));
	CHECK(t, csts & NVME_CSTS_CFS, "CSTS.CFS = 1 in the aperture of VF 2, which is Offline", "CSTS = %08Xh", (unsigned)csts);
}

static void layout_is_nvme(struct nvsr_ctx *t)
{
	uint16_t rid;
	struct nvsr_sriov s;
	unsigned msix, i;

	if (!pf_vfs(t, 1, &s))
		return;
	CHECK(t, (s.vf_bar[0] & (PCI_BAR_IO | PCI_BAR_TYPE_MASK)) == PCI_BAR_TYPE_64,
	      "VF BAR0/1 is a 64-bit memory BAR (controller registers)", "VF BAR0 = %08Xh", s.vf_bar[0]);
	CHECK(t, !(s.vf_bar[2] & PCI_BAR_IO), "VF BAR2 offers no Index/Data pair (I/O space)", "VF BAR2 = %08Xh",
	      s.vf_bar[2]);
	rid = nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, 1);
	msix = pf_rid_cap(t, rid, PCI_CAP_MSIX);
	for (i = 0; msix && i < 2; i++) {
		unsigned bir = pf_rid_read(t, rid, msix + (i ? PCI_MSIX_PBA : PCI_MSIX_TABLE), 4) & PCI_MSIX_BIR;

		CHECK(t, bir < PCI_BAR_COUNT && !pf_vf_bar_is_upper(&s, bir) && (bir == 0 || s.vf_bar[bir]),
		      "MSI-X table and PBA are in an implemented VF BAR", "%s BIR = %u", i ? "PBA" : "table", bir);
	}
}

#define VF_REGS (PF_WRITE | NVSR_NEED(REG_READ) | NVSR_NEED(VF_ADMIN))

static const struct nvsr_test tests[] = {
	{ .id = "are-memory-bars", .title = "every VF BAR is a memory BAR",
	  .requirements = REQS("PCIE-24"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-bar-io"), .run = are_memory_bars },
	{ .id = "size-as-they-should", .title = "VF BARs size to a power of two, a multiple of System Page Size",
	  .requirements = REQS("PCIE-24"), .needs = PF_WRITE,
	  .caught_by = DEFECTS("vf-bar-not-pow2"), .run = size_as_they_should },
	{ .id = "page-size-is-settable", .title = "every supported System Page Size can be chosen, VF BARs follow",
	  .requirements = REQS("PCIE-23"), .needs = PF_WRITE,
	  .caught_by = DEFECTS("sys-pgsize-ignored"), .run = page_size_is_settable },
	{ .id = "page-size-resets-to-4k", .title = "System Page Size is 4 KiB after FLR of the PF",
	  .requirements = REQS("PCIE-23", "PCIE-37"), .needs = PF_WRITE | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("sys-pgsize-default-wrong", "sys-pgsize-survives-reset"), .run = page_size_resets_to_4k },
	{ .id = "mse-gates-decode", .title = "VF MSE alone gates memory decode of VF BARs",
	  .requirements = REQS("PCIE-08"), .needs = VF_REGS,
	  .caught_by = DEFECTS("vf-mse-ignored"), .run = mse_gates_decode },
	{ .id = "mse-resets-nothing", .title = "clearing and setting VF MSE leaves the VF's controller as it was",
	  .requirements = REQS("PCIE-46", "PCIE-08"), .needs = VF_REGS,
	  .caught_by = DEFECTS("vf-mse-resets-ctrl"), .run = mse_resets_nothing },
	{ .id = "vf-command-has-no-mse", .title = "the VF's own Memory Space Enable reads 0 and does nothing",
	  .requirements = REQS("PCIE-09"),
	  .needs = PF_READ | NVSR_NEED(VF_CFG_WRITE) | NVSR_NEED(REG_READ) | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("vf-memory-space-bit"), .run = vf_command_has_no_mse },
	{ .id = "apertures-are-separate", .title = "each VF has an aperture of its own in VF BAR0",
	  .requirements = REQS("PCIE-25"),
	  .needs = NVSR_NEED(TWO_VFS) | NVSR_NEED(REG_READ) | NVSR_NEED(VF_REG_WRITE) | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("vf-aperture-aliases", "vf-bar-size-of-all", "vf-bar-unaligned"), .run = apertures_are_separate },
	{ .id = "aperture-follows-vfn", .title = "the aperture of VF n reaches the secondary controller with VFN n",
	  .requirements = REQS("PCIE-25", "VIRT-19"),
	  .needs = NVSR_NEED(TWO_VFS) | NVSR_NEED(VIRT_MGMT) | NVSR_NEED(REG_READ),
	  .caught_by = DEFECTS("vf-apertures-swapped"), .run = aperture_follows_vfn },
	{ .id = "layout-is-nvme", .title = "VF BAR0/1 is 64 bits wide, VF BAR2 is no Index/Data pair, MSI-X is in a VF BAR",
	  .requirements = REQS("PCIE-45"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-bar-32bit", "vf-bar-io"), .run = layout_is_nvme },
};
const struct nvsr_group nvsr_pf_bars = NVSR_GROUP("pf.bars", tests);
