// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration header and capabilities of a VF: what reads as a fixed value, what is writable, and what the two
 * switches a VF does have (Bus Master Enable and D-state) do to it and to nobody else.
 */
#include "pf.h"

/* How long a command that must not complete is given, ms. */
#define QUIET_MS 200u

/* A register of the VF header that reads one value for ever. */
struct fixed { const char *name; unsigned off, len; uint32_t val; };

/* Check @regs in the first and the last VF. */
static void check_fixed(struct nvsr_ctx *t, const struct fixed *regs, unsigned n)
{
	unsigned vfn[2] = { 1, t->inv->sriov.total_vfs }, i, j;
	struct nvsr_sriov s;

	if (!pf_vfs(t, vfn[1], &s))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(vfn); i++) {
		uint16_t rid = nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, vfn[i]);
		char expected[80];

		MUST(t, pf_rid_answers(t, rid), "an enabled VF answers configuration requests", "VF %u: all ones", vfn[i]);
		for (j = 0; j < n; j++) {
			uint32_t v = pf_rid_read(t, rid, regs[j].off, regs[j].len);

			snprintf(expected, sizeof(expected), "%s = %0*Xh", regs[j].name, (int)regs[j].len * 2, regs[j].val);
			CHECK(t, v == regs[j].val, expected, "VF %u: %0*Xh", vfn[i], (int)regs[j].len * 2, v);
		}
	}
}
#define CHECK_FIXED(t, ...) \
	check_fixed(t, (const struct fixed[]){ __VA_ARGS__ }, NVSR_ARRAY_SIZE(((const struct fixed[]){ __VA_ARGS__ })))

static void ids_read_ffff(struct nvsr_ctx *t)
{
	CHECK_FIXED(t, { "Vendor ID", PCI_VENDOR_ID, 2, 0xffff }, { "Device ID", PCI_DEVICE_ID, 2, 0xffff });
}

static void class_is_the_pfs(struct nvsr_ctx *t)
{
	uint32_t pf = pf_rid_read(t, nvsr_dev_rid(t->pf), PCI_REVISION_ID, 4) >> 8, vf;
	unsigned vfn[2] = { 1, t->inv->sriov.total_vfs }, i;
	struct nvsr_sriov s;

	CHECK_EQ(t, "class code of the PF", PCI_CLASS_NVME, pf);
	if (!pf_vfs(t, vfn[1], &s))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(vfn); i++) {
		vf = pf_rid_read(t, nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, vfn[i]), PCI_REVISION_ID, 4) >> 8;
		CHECK(t, vf == pf, "the class code of the PF", "VF %u: %06Xh, PF: %06Xh", vfn[i], vf, pf);
	}
}

static void header_type_is_zero(struct nvsr_ctx *t)
{
	CHECK_FIXED(t, { "Header Type", PCI_HEADER_TYPE, 1, 0 });
}

static void bars_read_zero(struct nvsr_ctx *t)
{
	CHECK_FIXED(t, { "BAR0", PCI_BAR0, 4, 0 }, { "BAR1", PCI_BAR0 + 4, 4, 0 }, { "BAR2", PCI_BAR0 + 8, 4, 0 },
		    { "BAR3", PCI_BAR0 + 12, 4, 0 }, { "BAR4", PCI_BAR0 + 16, 4, 0 }, { "BAR5", PCI_BAR0 + 20, 4, 0 },
		    { "Cardbus CIS Pointer", PCI_CARDBUS_CIS, 4, 0 }, { "Expansion ROM BAR", PCI_ROM_ADDRESS, 4, 0 });
}

static void subsystem_vendor_is_the_pfs(struct nvsr_ctx *t)
{
	uint32_t pf = pf_rid_read(t, nvsr_dev_rid(t->pf), PCI_SUBSYS_VENDOR_ID, 2);

	CHECK_FIXED(t, { "Subsystem Vendor ID", PCI_SUBSYS_VENDOR_ID, 2, pf });
}

static void no_intx(struct nvsr_ctx *t)
{
	CHECK_FIXED(t, { "Interrupt Line", PCI_INTERRUPT_LINE, 1, 0 }, { "Interrupt Pin", PCI_INTERRUPT_PIN, 1, 0 });
}

static void flr_is_offered(struct nvsr_ctx *t)
{
	unsigned total = t->inv->sriov.total_vfs, n, exp;
	struct nvsr_sriov s;

	if (!pf_vfs(t, total, &s))
		return;
	for (n = 0; n <= total; n++) {	/* 0: the PF itself */
		uint16_t rid = n ? nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, n) : nvsr_dev_rid(t->pf);

		exp = pf_rid_cap(t, rid, PCI_CAP_EXP);
		MUST(t, exp, "a PCI Express capability", "%s %u has none", n ? "VF" : "PF", n);
		MUST(t, pf_rid_read(t, rid, exp + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR,
		     "Function Level Reset capability (Device Capabilities bit 28) = 1", "0 in %s %u", n ? "VF" : "PF", n);
	}
}

/* Bits of Command that are hardwired to 0 in a VF; the rest is Bus Master Enable or reserved. */
#define HARDWIRED (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_OFF)

static void command_reads_bme_only(struct nvsr_ctx *t)
{
	unsigned vfn[2] = { 1, t->inv->sriov.total_vfs }, i;
	struct nvsr_sriov s;

	/* VF 1 open: whoever does that has enabled what it found. */
	if (!pf_vfs(t, vfn[1], &s) || !nvsr_t_vf_bare(t, 1))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(vfn); i++) {
		uint32_t v = pf_rid_read(t, nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, vfn[i]), PCI_COMMAND, 2);

		CHECK(t, !(v & HARDWIRED), "nothing but Bus Master Enable in the Command register of a VF", "VF %u: %04Xh",
		      vfn[i], v);
	}
}

static void command_takes_bme_only(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	struct nvsr_dev *vf = nvsr_t_vf_bare(t, 1);
	uint32_t v;

	if (!vf)
		return;
	PREPARE(t, "reading Command", pf_save(&saved, vf, PCI_COMMAND, 2));
	PREPARE(t, "writing Command", nvsr_cfg_write(vf, PCI_COMMAND, 2, HARDWIRED | PCI_COMMAND_MASTER));
	PREPARE(t, "reading Command", nvsr_cfg_read(vf, PCI_COMMAND, 2, &v));
	CHECK(t, v & PCI_COMMAND_MASTER, "Bus Master Enable takes 1", "Command = %04Xh", v);
	CHECK(t, !(v & HARDWIRED), "the hardwired bits stay 0", "Command = %04Xh", v);
	PREPARE(t, "writing Command", nvsr_cfg_write(vf, PCI_COMMAND, 2, 0));
	PREPARE(t, "reading Command", nvsr_cfg_read(vf, PCI_COMMAND, 2, &v));
	CHECK(t, !(v & PCI_COMMAND_MASTER), "Bus Master Enable takes 0", "Command = %04Xh", v);
}

static void bars_stay_zero(struct nvsr_ctx *t)
{
	static const unsigned off[] = { PCI_BAR0, PCI_BAR0 + 4, PCI_BAR0 + 8, PCI_BAR0 + 12, PCI_BAR0 + 16, PCI_BAR0 + 20,
					PCI_CARDBUS_CIS, PCI_ROM_ADDRESS };
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	struct nvsr_dev *vf = nvsr_t_vf_bare(t, 1);
	unsigned i;
	uint32_t v;

	if (!vf)
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(off); i++) {
		PREPARE(t, "reading a BAR", pf_save(&saved, vf, off[i], 4));
		PREPARE(t, "writing a BAR", nvsr_cfg_write(vf, off[i], 4, 0xffffffff));
		PREPARE(t, "reading a BAR", nvsr_cfg_read(vf, off[i], 4, &v));
		CHECK(t, !v, "BARs, Cardbus CIS and ROM BAR of a VF are read-only 0", "%08Xh at %02Xh after writing ones", v,
		      off[i]);
	}
}

/* Writable or not, a VF without INTx has no line to keep. */
static void interrupt_line_stays_zero(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	struct nvsr_dev *vf = nvsr_t_vf_bare(t, 1);
	uint32_t v;

	if (!vf)
		return;
	PREPARE(t, "reading Interrupt Line", pf_save(&saved, vf, PCI_INTERRUPT_LINE, 1));
	PREPARE(t, "writing Interrupt Line", nvsr_cfg_write(vf, PCI_INTERRUPT_LINE, 1, 0xff));
	PREPARE(t, "reading Interrupt Line", nvsr_cfg_read(vf, PCI_INTERRUPT_LINE, 1, &v));
	CHECK_EQ(t, "Interrupt Line of VF 1 after writing FFh", 0, v);
}

struct quiet { struct nvsr_req *req; };

static bool completed(struct nvsr_dev *d, void *arg)
{
	return nvsr_req_done(((struct quiet *)arg)->req, NULL);
}

static void without_bme_is_silent(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	uint8_t page[NVME_IDENTIFY_SIZE];
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_CNS_CTRL, .data = page, .data_len = sizeof(page) };
	struct nvsr_dev *vf = nvsr_t_vf(t, 2), *other = vf ? nvsr_t_vf(t, 1) : NULL;
	uint64_t irqs, now, csts;
	struct quiet q;
	bool done, counts;

	if (!other)
		return;
	counts = !nvsr_irq_settled(vf, 0, &irqs);
	PREPARE(t, "reading Command", pf_save(&saved, vf, PCI_COMMAND, 2));
	PREPARE(t, "clearing Bus Master Enable", nvsr_cfg_write(vf, PCI_COMMAND, 2, 0));
	PREPARE(t, "submitting Identify", nvsr_queue_submit(nvsr_queue_admin(vf), &c, &q.req));
	done = nvsr_dev_wait(vf, QUIET_MS, completed, &q);
	CHECK(t, !done, "no completion while Bus Master Enable is 0", "Identify completed on VF 2");
	if (!done)
		nvsr_req_forget(q.req);
	if (counts && !nvsr_irq_settled(vf, 0, &now))
		CHECK_EQ(t, "MSI-X messages of VF 2, vector 0", irqs, now);
	CHECK_OK(t, "Identify Controller on VF 1 meanwhile", pf_alive(other));
	CHECK_OK(t, "Identify Controller on the PF meanwhile", pf_alive(t->pf));
	PREPARE(t, "reading CSTS", nvsr_reg_read(vf, NVME_REG_CSTS, 4, &csts));
	nvsr_note(t, "CSTS of VF 2 without Bus Master Enable: %08Xh%s", (unsigned)csts,
		  csts & NVME_CSTS_CFS ? " (CFS set, which is allowed)" : "");
}

static void d3_harms_nobody(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	struct nvsr_dev *other = nvsr_t_vf(t, 2), *vf = other ? nvsr_t_vf(t, 1) : NULL;
	unsigned pm;
	uint32_t v;

	if (!vf)
		return;
	PREPARE(t, "looking for Power Management", nvsr_cfg_find_cap(vf, PCI_CAP_PM, &pm));
	if (!pm)
		SKIP(t, "VFs have no Power Management capability, which is optional");
	PREPARE(t, "reading PMCSR", pf_save(&saved, vf, pm + PCI_PM_CTRL, 2));
	PREPARE(t, "reading PMCSR", nvsr_cfg_read(vf, pm + PCI_PM_CTRL, 2, &v));
	PREPARE(t, "writing D3hot", nvsr_cfg_write(vf, pm + PCI_PM_CTRL, 2, v | PCI_PM_CTRL_STATE));
	nvsr_dev_sleep_ms(vf, 10);	/* PCIe 5.9: 10 ms around D3hot */
	CHECK_OK(t, "Identify Controller on the PF with VF 1 in D3hot", pf_alive(t->pf));
	CHECK_OK(t, "Identify Controller on VF 2 with VF 1 in D3hot", pf_alive(other));
	PREPARE(t, "writing D0", nvsr_cfg_write(vf, pm + PCI_PM_CTRL, 2, v & ~(uint32_t)PCI_PM_CTRL_STATE));
	nvsr_dev_sleep_ms(vf, 10);
}

#define TWO_LIVE (VF_WRITE | NVSR_NEED(TWO_VFS) | NVSR_NEED(VF_ADMIN))

static const struct nvsr_test tests[] = {
	{ .id = "ids-read-ffff", .title = "Vendor ID and Device ID of a VF read FFFFh",
	  .requirements = REQS("PCIE-27"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-vendor-id-not-ffff", "vf-device-id-not-ffff", "vf-answers-as-pf"), .run = ids_read_ffff },
	{ .id = "class-is-the-pfs", .title = "PF and VFs have the class code of an NVMe controller",
	  .requirements = REQS("PCIE-30"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-class-wrong"), .run = class_is_the_pfs },
	{ .id = "header-type-is-zero", .title = "Header Type of a VF reads 00h",
	  .requirements = REQS("PCIE-31"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-header-multifunction"), .run = header_type_is_zero },
	{ .id = "bars-read-zero", .title = "BARs, Cardbus CIS and ROM BAR of a VF read 0",
	  .requirements = REQS("PCIE-32"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-answers-as-pf"), .run = bars_read_zero },
	{ .id = "bars-stay-zero", .title = "BARs, Cardbus CIS and ROM BAR of a VF ignore writes",
	  .requirements = REQS("PCIE-32"), .needs = VF_WRITE,
	  .caught_by = DEFECTS("vf-bars-writable", "vf-rom-bar"), .run = bars_stay_zero },
	{ .id = "subsystem-vendor-is-the-pfs", .title = "Subsystem Vendor ID of a VF is the PF's",
	  .requirements = REQS("PCIE-33"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-subsystem-vendor-differs"), .run = subsystem_vendor_is_the_pfs },
	{ .id = "no-intx", .title = "a VF has no INTx",
	  .requirements = REQS("PCIE-34"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-intx-pin"), .run = no_intx },
	{ .id = "interrupt-line-stays-zero", .title = "Interrupt Line of a VF ignores writes",
	  .requirements = REQS("PCIE-34"), .needs = VF_WRITE,
	  .caught_by = DEFECTS("vf-intx-line-writable"), .run = interrupt_line_stays_zero },
	{ .id = "flr-is-offered", .title = "the PF and every VF offer Function Level Reset",
	  .requirements = REQS("PCIE-35"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-no-flr-cap", "pf-no-flr-cap", "vf-no-express-cap"), .run = flr_is_offered },
	{ .id = "command-reads-bme-only", .title = "the Command register of a VF shows nothing but Bus Master Enable",
	  .requirements = REQS("PCIE-28"), .needs = PF_READ | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("vf-answers-as-pf"), .run = command_reads_bme_only },
	{ .id = "command-takes-bme-only", .title = "Bus Master Enable is the only writable bit of a VF's Command register",
	  .requirements = REQS("PCIE-28"), .needs = VF_WRITE,
	  .caught_by = DEFECTS("vf-command-bits", "vf-memory-space-bit"), .run = command_takes_bme_only },
	{ .id = "without-bme-is-silent", .title = "a VF without Bus Master Enable moves no data and sends no interrupt",
	  .requirements = REQS("PCIE-29"), .needs = TWO_LIVE | NVSR_NEED(VF_QUEUES) | NVSR_NEED(REG_READ),
	  .caught_by = DEFECTS("bme-ignored", "vf-bme-shared"), .run = without_bme_is_silent },
	{ .id = "d3-harms-nobody", .title = "a VF in D3hot does not disturb the PF and the other VFs",
	  .requirements = REQS("PCIE-40"), .needs = TWO_LIVE,
	  .caught_by = DEFECTS("vf-d3-stops-siblings"), .run = d3_harms_nobody },
};
const struct nvsr_group nvsr_pf_vfconfig = NVSR_GROUP("pf.vfconfig", tests);
