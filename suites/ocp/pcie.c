// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ocp.pcie: configuration space as OCP Datacenter NVMe SSD 2.7 wants it (PCI-6 to PCI-30).
 *
 * Of PCI-30 nothing is judged: a captured bus number is captured again by the first configuration write after a reset,
 * and no access method reaches the MCTP endpoint.
 */
#include "suites/pf/pf.h"

#define NEED (NVSR_NEED(OCP) | NVSR_NEED(CFG_READ))
#define BARS_MAX (1ull << 20)
#define CAP_PMRS (1ull << 56)
#define CAP_CMBS (1ull << 57)
#define SERIAL_LOW 4	/* offsets in the Device Serial Number capability */
#define SERIAL_HIGH 8

/* Rules about BARs are for controllers without a Controller Memory Buffer or Persistent Memory Region. */
static bool has_memory(struct nvsr_ctx *t)
{
	if (t->inv->cap & (CAP_CMBS | CAP_PMRS))
		nvsr_test_skip(t, "the controller has a CMB or a PMR (CAP = %llXh)", (unsigned long long)t->inv->cap);
	return t->inv->cap & (CAP_CMBS | CAP_PMRS);
}

static int read_bars(struct nvsr_ctx *t, uint32_t bar[PCI_BAR_COUNT])
{
	int rc = 0;

	for (unsigned i = 0; i < PCI_BAR_COUNT && !rc; i++)
		rc = nvsr_cfg_read(t->pf, PCI_BAR0 + i * 4, 4, &bar[i]);
	return rc;
}

/* --- BARs ------------------------------------------------------------------------------------------------------- */

static bool is_wide(uint32_t bar)
{
	return !(bar & PCI_BAR_IO) && (bar & PCI_BAR_TYPE_MASK) == PCI_BAR_TYPE_64;
}

/* Bytes of the memory BARs of the PF: ones are written while it does not decode, and taken back. */
static int memory_bytes(struct nvsr_ctx *t, uint64_t *ret)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	uint32_t bar[PCI_BAR_COUNT] = { 0 }, command;
	int rc = nvsr_cfg_read(t->pf, PCI_COMMAND, 2, &command);

	*ret = 0;
	if (!rc)
		rc = pf_save(&saved, t->pf, PCI_COMMAND, 2);
	for (unsigned i = 0; i < PCI_BAR_COUNT && !rc; i++)
		rc = pf_save(&saved, t->pf, PCI_BAR0 + i * 4, 4);
	if (!rc)
		rc = nvsr_cfg_write(t->pf, PCI_COMMAND, 2, command & ~(uint32_t)(PCI_COMMAND_MEMORY | PCI_COMMAND_IO));
	for (unsigned i = 0; i < PCI_BAR_COUNT && !rc; i++)
		rc = nvsr_cfg_write(t->pf, PCI_BAR0 + i * 4, 4, UINT32_MAX);
	if (!rc)
		rc = read_bars(t, bar);
	for (unsigned i = 0; i < PCI_BAR_COUNT && !rc; i++) {
		bool wide = is_wide(bar[i]) && i + 1 < PCI_BAR_COUNT;
		uint64_t mask = bar[i] & ~0xfu;

		if (!mask || bar[i] & PCI_BAR_IO)
			continue;
		mask |= wide ? (uint64_t)bar[i + 1] << 32 : 0xffffffff00000000ull;
		*ret += ~mask + 1;
		i += wide;
	}
	return rc;
}

static void bars_are_small(struct nvsr_ctx *t)
{
	uint64_t bytes;

	if (has_memory(t))
		return;
	PREPARE(t, "sizing the BARs of the PF", memory_bytes(t, &bytes));
	CHECK(t, bytes && bytes <= BARS_MAX, "at most 1 MiB in all memory BARs of the PF (PCI-22)", "%llu KiB",
	      (unsigned long long)bytes >> 10);
	nvsr_note(t, "memory BARs of the PF: %llu KiB", (unsigned long long)bytes >> 10);
}

static void bars_are_wide_memory(struct nvsr_ctx *t)
{
	uint32_t bar[PCI_BAR_COUNT];

	PREPARE(t, "BARs of the PF", read_bars(t, bar));
	for (unsigned i = 0; i < PCI_BAR_COUNT; i++) {
		if (!bar[i])
			continue;
		CHECK(t, !(bar[i] & PCI_BAR_IO), "no I/O BAR (PCI-20)", "BAR%u = %08Xh", i, bar[i]);
		if (bar[i] & PCI_BAR_IO)
			continue;
		CHECK(t, is_wide(bar[i]), "every memory BAR has 64 bits (PCI-21)", "BAR%u = %08Xh", i, bar[i]);
		i += is_wide(bar[i]);
	}
}

static void last_bars_are_free(struct nvsr_ctx *t)
{
	uint32_t bar[PCI_BAR_COUNT];

	if (has_memory(t))
		return;
	PREPARE(t, "BARs of the PF", read_bars(t, bar));
	CHECK(t, !bar[4] && !bar[5], "no BAR4 and BAR5 without CMB and PMR (PCI-8)", "%08Xh and %08Xh", bar[4], bar[5]);
}

/* --- capabilities ----------------------------------------------------------------------------------------------- */

static void flr_is_supported(struct nvsr_ctx *t)
{
	uint32_t devcap = 0;
	unsigned pos;

	PREPARE(t, "PCI Express capability", nvsr_cfg_find_cap(t->pf, PCI_CAP_EXP, &pos));
	MUST(t, pos, "a PCI Express capability", "none");
	PREPARE(t, "Device Capabilities", nvsr_cfg_read(t->pf, pos + PCI_EXP_DEVCAP, 4, &devcap));
	CHECK(t, devcap & PCI_EXP_DEVCAP_FLR, "Function Level Reset is supported (PCI-6)",
	      "Device Capabilities = %08Xh", devcap);
}

static void msix_is_in_bar0(struct nvsr_ctx *t)
{
	uint32_t table = 0;
	unsigned pos;

	PREPARE(t, "MSI-X capability", nvsr_cfg_find_cap(t->pf, PCI_CAP_MSIX, &pos));
	MUST(t, pos, "an MSI-X capability (PCI-9)", "none");
	PREPARE(t, "MSI-X Table Offset", nvsr_cfg_read(t->pf, pos + PCI_MSIX_TABLE, 4, &table));
	CHECK_EQ(t, "BIR of the MSI-X table (PCI-10)", 0, table & PCI_MSIX_BIR);
}

static void soft_reset_is_none(struct nvsr_ctx *t)
{
	uint32_t ctrl = 0;
	unsigned pos;

	PREPARE(t, "Power Management capability", nvsr_cfg_find_cap(t->pf, PCI_CAP_PM, &pos));
	MUST(t, pos, "a Power Management capability", "none");
	PREPARE(t, "Power Management Control/Status", nvsr_cfg_read(t->pf, pos + PCI_PM_CTRL, 2, &ctrl));
	CHECK(t, ctrl & PCI_PM_CTRL_NO_SOFT_RESET, "No_Soft_Reset = 1 (PCI-19)", "PMCSR = %04Xh", ctrl);
}

static void one_bus_is_enough(struct nvsr_ctx *t)
{
	unsigned bus = nvsr_dev_rid(t->pf) >> 8, last;
	struct nvsr_sriov s;

	if (!pf_vfs(t, t->inv->sriov.total_vfs, &s))
		return;
	last = nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, s.total_vfs);
	CHECK_EQ(t, "bus number of the last of TotalVFs (PCI-23)", bus, last >> 8);
}

static void ats_is_supported(struct nvsr_ctx *t)
{
	unsigned pos;

	PREPARE(t, "extended capabilities", nvsr_cfg_find_ext_cap(t->pf, PCI_EXT_CAP_ATS, &pos));
	CHECK(t, pos, "an Address Translation Services capability (PCI-28)", "none");
}

/* --- serial number ---------------------------------------------------------------------------------------------- */

static bool serial(struct nvsr_ctx *t, uint64_t *ret)
{
	unsigned pos = pf_rid_ext_cap(t, nvsr_dev_rid(t->pf), PCI_EXT_CAP_DSN);

	if (!CHECK(t, pos, "a Device Serial Number capability on the PF (PCI-25)", "none"))
		return false;
	*ret = (uint64_t)pf_rid_read(t, nvsr_dev_rid(t->pf), pos + SERIAL_HIGH, 4) << 32 |
	       pf_rid_read(t, nvsr_dev_rid(t->pf), pos + SERIAL_LOW, 4);
	return true;
}

static void serial_number_is_the_pfs(struct nvsr_ctx *t)
{
	uint64_t before, after;
	struct nvsr_sriov s;

	if (!serial(t, &before) || !pf_vfs(t, 1, &s))
		return;
	CHECK(t, before, "a serial number", "0");
	CHECK(t, !pf_rid_ext_cap(t, nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, 1), PCI_EXT_CAP_DSN),
	      "no Device Serial Number capability on a VF (PCI-25)", "VF 1 has one");
	PREPARE(t, "Function Level Reset of the PF", nvsr_reset(t->pf, NVSR_RESET_FLR));
	if (serial(t, &after))
		CHECK_EQ(t, "Device Serial Number after a reset", before, after);
}

static const struct nvsr_test tests[] = {
	{ .id = "bars-are-small", .title = "the memory BARs of the PF take at most 1 MiB",
	  .requirements = REQS("OCP-01"), .needs = NEED | NVSR_NEED(CFG_WRITE) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("pf-bars-too-large"), .run = bars_are_small },
	{ .id = "bars-are-wide-memory", .title = "the PF has no I/O BAR and memory BARs of 64 bits only",
	  .requirements = REQS("OCP-04"), .needs = NEED,
	  .caught_by = DEFECTS("pf-io-bar", "pf-bar-of-32-bits"), .run = bars_are_wide_memory },
	{ .id = "last-bars-are-free", .title = "the PF has neither BAR4 nor BAR5",
	  .requirements = REQS("OCP-03"), .needs = NEED,
	  .caught_by = DEFECTS("pf-bar4"), .run = last_bars_are_free },
	{ .id = "flr", .title = "the PF supports Function Level Reset",
	  .requirements = REQS("OCP-03"), .needs = NEED,
	  .caught_by = DEFECTS("pf-no-flr-cap"), .run = flr_is_supported },
	{ .id = "msix-is-in-bar0", .title = "the MSI-X table of the PF is in BAR0",
	  .requirements = REQS("OCP-03"), .needs = NEED,
	  .caught_by = DEFECTS("msix-table-in-bar2"), .run = msix_is_in_bar0 },
	{ .id = "no-soft-reset", .title = "leaving D3hot resets nothing: No_Soft_Reset is 1",
	  .requirements = REQS("OCP-04"), .needs = NEED,
	  .caught_by = DEFECTS("no-soft-reset-clear"), .run = soft_reset_is_none },
	{ .id = "one-bus", .title = "the PF and all of its VFs share one bus number",
	  .requirements = REQS("OCP-05"), .needs = NEED | NVSR_NEED(SRIOV),
	  .caught_by = DEFECTS("vf-rid-lower-bus"), .run = one_bus_is_enough },
	{ .id = "ats", .title = "the PF supports Address Translation Services",
	  .requirements = REQS("OCP-05"), .needs = NEED,
	  .caught_by = DEFECTS("ats-missing"), .run = ats_is_supported },
	{ .id = "serial-number", .title = "the PF, and no VF, has a Device Serial Number that stays",
	  .requirements = REQS("OCP-02"), .needs = NEED | NVSR_NEED(SRIOV) | NVSR_NEED(FLR) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("dsn-missing", "vf-shows-dsn", "dsn-changes"), .run = serial_number_is_the_pfs },
};

const struct nvsr_group nvsr_ocp_pcie = NVSR_GROUP("ocp.pcie", tests);
