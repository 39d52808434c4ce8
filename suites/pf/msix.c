// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MSI-X of the PF and of VFs: each function has its own, sized as it says, and nothing that is done to VFs stops the
 * interrupts of the PF (a drive in the field lost them as soon as a VF was enabled).
 */
#include "pf.h"

struct window { unsigned bir; uint64_t start, len; };

/* Where table and PBA of the function lie, by its configuration space. */
static void windows(struct nvsr_ctx *t, uint16_t rid, unsigned msix, struct window ret[2])
{
	uint32_t entries = (pf_rid_read(t, rid, msix + PCI_MSIX_CTRL, 2) & PCI_MSIX_CTRL_TS) + 1, v, i;

	for (i = 0; i < 2; i++) {
		v = pf_rid_read(t, rid, msix + (i ? PCI_MSIX_PBA : PCI_MSIX_TABLE), 4);
		ret[i].bir = v & PCI_MSIX_BIR;
		ret[i].start = v & ~(uint32_t)PCI_MSIX_BIR;
		ret[i].len = i ? NVSR_DIV_ROUND_UP(entries, 64u) * 8 : entries * PCI_MSIX_ENTRY_SIZE;
	}
}

static void vfs_have_their_own(struct nvsr_ctx *t)
{
	unsigned total = t->inv->sriov.total_vfs, n;
	struct nvsr_sriov s;

	if (!pf_vfs(t, total, &s))
		return;
	for (n = 1; n <= total; n++)
		MUST(t, pf_rid_cap(t, nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, n), PCI_CAP_MSIX),
		     "an MSI-X capability in every VF", "VF %u has none", n);
}

static void table_fits_aperture(struct nvsr_ctx *t)
{
	uint64_t size[PCI_BAR_COUNT] = { 0 };
	struct window w[2];
	struct nvsr_sriov s;
	struct nvsr_dev *vf;
	unsigned i, msix;

	if (!pf_vfs(t, 0, &s))
		return;
	for (i = 0; i < PCI_BAR_COUNT; i++)
		if (!pf_vf_bar_is_upper(&s, i))
			PREPARE(t, "sizing a VF BAR", pf_vf_bar_size(t, i, &size[i]));
	vf = nvsr_t_vf(t, 1);	/* Table Size is reserved in a VF without vectors */
	if (!vf)
		return;
	msix = pf_rid_cap(t, nvsr_dev_rid(vf), PCI_CAP_MSIX);
	MUST(t, msix, "an MSI-X capability in VF 1", "none");
	windows(t, nvsr_dev_rid(vf), msix, w);
	for (i = 0; i < 2; i++)
		CHECK(t, w[i].bir < PCI_BAR_COUNT && w[i].start + w[i].len <= size[w[i].bir], "inside the VF's aperture",
		      "%s: BIR %u, %llXh to %llXh of %llXh bytes", i ? "PBA" : "table", w[i].bir,
		      (unsigned long long)w[i].start, (unsigned long long)(w[i].start + w[i].len),
		      w[i].bir < PCI_BAR_COUNT ? (unsigned long long)size[w[i].bir] : 0);
	CHECK(t, w[0].bir != w[1].bir || w[0].start + w[0].len <= w[1].start || w[1].start + w[1].len <= w[0].start,
	      "table and PBA do not overlap", "table at %llXh, PBA at %llXh", (unsigned long long)w[0].start,
	      (unsigned long long)w[1].start);
}

/* TS + 1 of @d and the vectors it has by CNS 14h or 15h; false after recording. */
static bool check_table_size(struct nvsr_ctx *t, struct nvsr_dev *d, const char *what, unsigned vectors)
{
	uint16_t rid = nvsr_dev_rid(d);
	unsigned msix = pf_rid_cap(t, rid, PCI_CAP_MSIX);

	return CHECK(t, msix, "an MSI-X capability", "%s has none", what) &&
	       CHECK_EQ(t, what, vectors, (pf_rid_read(t, rid, msix + PCI_MSIX_CTRL, 2) & PCI_MSIX_CTRL_TS) + 1u);
}

static void table_size_is_vectors(struct nvsr_ctx *t)
{
	const struct nvme_secondary_ctrl *sec;
	const struct nvsr_inventory *inv;
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);

	if (!vf)
		return;
	inv = nvsr_t_reread(t);
	if (!inv)
		return;
	sec = nvsr_inventory_vf(inv, 1);
	check_table_size(t, t->pf, "table entries of the PF (VIPRT + VIRFAP vectors)",
			 le16_get(inv->primary.viprt) + le16_get(inv->primary.virfap));
	if (sec)
		check_table_size(t, vf, "table entries of VF 1 (NVI vectors)", le16_get(sec->nvi));
}

static void last_vector_is_there(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint64_t at, old, v;
	struct window w[2];
	unsigned msix;

	if (!vf)
		return;
	msix = pf_rid_cap(t, nvsr_dev_rid(vf), PCI_CAP_MSIX);
	MUST(t, msix, "an MSI-X capability in VF 1", "none");
	windows(t, nvsr_dev_rid(vf), msix, w);
	at = w[0].start + w[0].len - PCI_MSIX_ENTRY_SIZE + 8;	/* message data of entry TS */
	PREPARE(t, "reading the MSI-X table", nvsr_bar_read(vf, w[0].bir, at, 4, &old));
	PREPARE(t, "writing the MSI-X table", nvsr_bar_write(vf, w[0].bir, at, 4, old ^ 0x5a5a));
	PREPARE(t, "reading the MSI-X table", nvsr_bar_read(vf, w[0].bir, at, 4, &v));
	PREPARE(t, "writing the MSI-X table", nvsr_bar_write(vf, w[0].bir, at, 4, old));
	CHECK_EQ(t, "message data of the last entry, as written", old ^ 0x5a5a, v);
}

/* Identify Controller on @d, and whether its completion makes an MSI-X message of vector 0. */
static void check_fires(struct nvsr_ctx *t, struct nvsr_dev *d, bool want, const char *when)
{
	uint64_t before;
	bool counts = !nvsr_irq_settled(d, 0, &before), came;

	PREPARE(t, when, pf_alive(d));
	if (!counts)
		return;	/* the driver of the PF keeps its interrupts to itself, and works */
	came = nvsr_irq_wait(d, 0, before, want ? NVSR_ARRIVE_MS : NVSR_QUIET_MS);
	CHECK(t, came == want, want ? "an MSI-X message for the completion" : "no MSI-X message while masked", "%s: %s on %s",
	      when, came ? "one" : "none", nvsr_dev_name(d));
}

static void vf_mask_is_local(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	struct nvsr_dev *other = nvsr_t_vf(t, 2), *vf = other ? nvsr_t_vf(t, 1) : NULL;
	unsigned msix;
	uint32_t v;

	if (!vf)
		return;
	PREPARE(t, "looking for MSI-X", nvsr_cfg_find_cap(vf, PCI_CAP_MSIX, &msix));
	MUST(t, msix, "an MSI-X capability in VF 1", "none");
	PREPARE(t, "reading MSI-X control", pf_save(&saved, vf, msix + PCI_MSIX_CTRL, 2));
	PREPARE(t, "reading MSI-X control", nvsr_cfg_read(vf, msix + PCI_MSIX_CTRL, 2, &v));
	check_fires(t, vf, true, "before masking VF 1");
	PREPARE(t, "masking VF 1", nvsr_cfg_write(vf, msix + PCI_MSIX_CTRL, 2, v | PCI_MSIX_CTRL_MASK));
	check_fires(t, vf, false, "VF 1 masked");
	check_fires(t, other, true, "VF 1 masked");
	check_fires(t, t->pf, true, "VF 1 masked");
	PREPARE(t, "disabling MSI-X of VF 1", nvsr_cfg_write(vf, msix + PCI_MSIX_CTRL, 2, v & ~(uint32_t)PCI_MSIX_CTRL_ENABLE));
	check_fires(t, other, true, "MSI-X of VF 1 disabled");
	check_fires(t, t->pf, true, "MSI-X of VF 1 disabled");
}

/* Table and PBA of @vf, by its MSI-X capability; false after recording. */
static bool find_table(struct nvsr_ctx *t, struct nvsr_dev *vf, struct window w[2])
{
	unsigned msix = pf_rid_cap(t, nvsr_dev_rid(vf), PCI_CAP_MSIX);

	if (msix)
		windows(t, nvsr_dev_rid(vf), msix, w);
	return CHECK(t, msix, "an MSI-X capability in every VF", "%s has none", nvsr_dev_name(vf));
}

static void tables_are_separate(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf[2] = { NULL, nvsr_t_vf(t, 2) };
	struct window w[2][2];
	uint64_t old[2], v;
	unsigned i;

	vf[0] = vf[1] ? nvsr_t_vf(t, 1) : NULL;
	if (!vf[0] || !find_table(t, vf[0], w[0]) || !find_table(t, vf[1], w[1]))
		return;
	for (i = 0; i < 2; i++)
		PREPARE(t, "reading the MSI-X table", nvsr_bar_read(vf[i], w[i][0].bir, w[i][0].start + 8, 4, &old[i]));
	for (i = 0; i < 2; i++)
		PREPARE(t, "writing the MSI-X table",
			nvsr_bar_write(vf[i], w[i][0].bir, w[i][0].start + 8, 4, 0xa500 + i));
	for (i = 0; i < 2; i++) {
		PREPARE(t, "reading the MSI-X table", nvsr_bar_read(vf[i], w[i][0].bir, w[i][0].start + 8, 4, &v));
		CHECK(t, v == 0xa500 + i, "the message data written to this VF's table", "VF %u: %llXh", i + 1,
		      (unsigned long long)v);
		PREPARE(t, "writing the MSI-X table", nvsr_bar_write(vf[i], w[i][0].bir, w[i][0].start + 8, 4, old[i]));
	}
}

static void masked_interrupt_is_pending(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint64_t control, before, now, bits, at;
	struct window w[2];

	if (!vf || !find_table(t, vf, w))
		return;
	at = w[0].start + 12;	/* vector control of entry 0 */
	PREPARE(t, "reading the MSI-X table", nvsr_bar_read(vf, w[0].bir, at, 4, &control));
	PREPARE(t, "masking vector 0", nvsr_bar_write(vf, w[0].bir, at, 4, control | 1));
	PREPARE(t, "counting interrupts", nvsr_irq_settled(vf, 0, &before));
	PREPARE(t, "Identify Controller on VF 1", pf_alive(vf));
	PREPARE(t, "counting interrupts", nvsr_irq_settled(vf, 0, &now));
	CHECK_EQ(t, "MSI-X messages of vector 0 after masking it", before, now);
	PREPARE(t, "reading the PBA", nvsr_bar_read(vf, w[1].bir, w[1].start, 8, &bits));
	CHECK_EQ(t, "pending bit of vector 0 while masked", 1, bits & 1);
	PREPARE(t, "unmasking vector 0", nvsr_bar_write(vf, w[0].bir, at, 4, control & ~1ull));
	nvsr_irq_wait(vf, 0, before, NVSR_ARRIVE_MS);
	PREPARE(t, "counting interrupts", nvsr_irq_settled(vf, 0, &now));
	CHECK_EQ(t, "MSI-X messages of vector 0 after unmasking it", before + 1, now);
	PREPARE(t, "reading the PBA", nvsr_bar_read(vf, w[1].bir, w[1].start, 8, &bits));
	CHECK_EQ(t, "pending bit of vector 0 after unmasking it", 0, bits & 1);
}

/* An interrupt that became pending while masked is a memory write as well: it waits for Bus Master Enable. */
static void pending_waits_for_bme(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint64_t control, before, now, at;
	struct window w[2];

	if (!vf || !find_table(t, vf, w))
		return;
	at = w[0].start + 12;	/* vector control of entry 0 */
	PREPARE(t, "reading Command", pf_save(&saved, vf, PCI_COMMAND, 2));
	PREPARE(t, "reading the MSI-X table", nvsr_bar_read(vf, w[0].bir, at, 4, &control));
	PREPARE(t, "masking vector 0", nvsr_bar_write(vf, w[0].bir, at, 4, control | 1));
	PREPARE(t, "Identify Controller on VF 1", pf_alive(vf));
	PREPARE(t, "clearing Bus Master Enable", nvsr_cfg_write(vf, PCI_COMMAND, 2, 0));
	PREPARE(t, "counting interrupts", nvsr_irq_settled(vf, 0, &before));
	PREPARE(t, "unmasking vector 0", nvsr_bar_write(vf, w[0].bir, at, 4, control & ~1ull));
	PREPARE(t, "counting interrupts", nvsr_irq_settled(vf, 0, &now));
	CHECK_EQ(t, "MSI-X messages of VF 1, unmasked with Bus Master Enable = 0", before, now);
}

/* One Flush through @q; its status does not matter, its interrupt does. */
static int ring(struct nvsr_dev *d, struct nvsr_queue *q, unsigned vector, bool *ret)
{
	struct nvsr_cmd c = { .opcode = NVME_CMD_FLUSH, .nsid = 1 };
	struct nvsr_req *req;
	uint64_t before;
	int rc = nvsr_irq_settled(d, vector, &before);

	if (!rc)
		rc = nvsr_queue_submit(q, &c, &req);
	if (!rc)
		rc = nvsr_req_wait(req, 1000, NULL);
	if (rc < 0)
		return rc;
	*ret = nvsr_irq_wait(d, vector, before, NVSR_ARRIVE_MS);
	return 0;
}

static void check_rings(struct nvsr_ctx *t, struct nvsr_queue *q, const char *when)
{
	bool came;

	PREPARE(t, when, ring(t->pf, q, 1, &came));
	CHECK(t, came, "an MSI-X message on vector 1 of the PF", "%s: none for an I/O completion", when);
	check_fires(t, t->pf, true, when);
}

static void pf_keeps_firing(struct nvsr_ctx *t)
{
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 8, .cq_entries = 8, .vector = 1, .irq = true };
	struct nvsr_queue *q;
	struct nvsr_dev *vf;

	if (!nvsr_t_enable_vfs(t, 0))
		return;
	PREPARE(t, "creating an I/O queue pair on the PF", nvsr_queue_create(t->pf, &o, &q));
	check_rings(t, q, "without VFs");
	if (!nvsr_t_enable_vfs(t, 1))
		goto out;
	check_rings(t, q, "one VF enabled");
	vf = nvsr_t_vf(t, 1);
	if (!vf)
		goto out;
	check_rings(t, q, "VF 1 Online and running");
	if (nvsr_t_enable_vfs(t, t->inv->sriov.total_vfs))
		check_rings(t, q, "all VFs enabled");
	if (nvsr_t_enable_vfs(t, 0))
		check_rings(t, q, "VFs disabled again");
out:
	nvsr_queue_destroy(q);
}

#define LIVE_VF (PF_READ | NVSR_NEED(VF_ADMIN))

static const struct nvsr_test tests[] = {
	{ .id = "vfs-have-their-own", .title = "every VF has an MSI-X capability",
	  .requirements = REQS("PCIE-41"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-no-msix"), .run = vfs_have_their_own },
	{ .id = "table-fits-aperture", .title = "MSI-X table and PBA of a VF lie inside its own aperture",
	  .requirements = REQS("PCIE-41"), .needs = PF_WRITE | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("vf-msix-outside-bar"), .run = table_fits_aperture },
	{ .id = "vf-mask-is-local", .title = "masking the vectors of one VF leaves those of VF 2 and the PF alone",
	  .requirements = REQS("PCIE-41"),
	  .needs = LIVE_VF | NVSR_NEED(TWO_VFS) | NVSR_NEED(VF_CFG_WRITE) | NVSR_NEED(VF_QUEUES),
	  .caught_by = DEFECTS("vf-msix-shared-mask", "function-mask-ignored", "vf-msi-as-pf"), .run = vf_mask_is_local },
	{ .id = "tables-are-separate", .title = "every VF has an MSI-X table of its own",
	  .requirements = REQS("PCIE-41"),
	  .needs = LIVE_VF | NVSR_NEED(TWO_VFS) | NVSR_NEED(REG_READ) | NVSR_NEED(VF_REG_WRITE),
	  .caught_by = DEFECTS("vf-msix-shared-table"), .run = tables_are_separate },
	{ .id = "masked-interrupt-is-pending", .title = "a masked vector of a VF is pending until it is unmasked",
	  .requirements = REQS("PCIE-41"),
	  .needs = LIVE_VF | NVSR_NEED(VF_QUEUES) | NVSR_NEED(REG_READ) | NVSR_NEED(VF_REG_WRITE),
	  .caught_by = DEFECTS("masked-vector-fires", "pba-never-set", "pending-lost-on-unmask"),
	  .run = masked_interrupt_is_pending },
	{ .id = "pending-waits-for-bme", .title = "a pending interrupt of a VF waits for Bus Master Enable",
	  .requirements = REQS("PCIE-29"),
	  .needs = LIVE_VF | NVSR_NEED(VF_CFG_WRITE) | NVSR_NEED(VF_QUEUES) | NVSR_NEED(REG_READ) | NVSR_NEED(VF_REG_WRITE),
	  .caught_by = DEFECTS("msi-without-bme"), .run = pending_waits_for_bme },
	{ .id = "pf-keeps-firing", .title = "interrupts of the PF keep coming while VFs are enabled, run, and go",
	  .requirements = REQS("PCIE-41", "ISO-01"), .needs = LIVE_VF | NVSR_NEED(QUEUES),
	  .caught_by = DEFECTS("pf-irq-lost-when-vfs-enabled", "pf-msix-lost-on-vf-enable"), .run = pf_keeps_firing },
	{ .id = "table-size-is-vectors", .title = "MSI-X Table Size of PF and VF is the number of vectors minus one",
	  .requirements = REQS("PCIE-42"), .needs = LIVE_VF | NVSR_NEED(VI) | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("msix-ts-wrong"), .run = table_size_is_vectors },
	{ .id = "last-vector-is-there", .title = "the last entry of a VF's MSI-X table exists",
	  .requirements = REQS("PCIE-42"), .needs = LIVE_VF | NVSR_NEED(REG_READ) | NVSR_NEED(VF_REG_WRITE),
	  .caught_by = DEFECTS("msix-ts-wrong"), .run = last_vector_is_there },
};
const struct nvsr_group nvsr_pf_msix = NVSR_GROUP("pf.msix", tests);
