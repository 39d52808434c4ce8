// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VF Enable, NumVFs and ARI Capable Hierarchy: which VFs exist when, how long they may take to appear and to go, and
 * what must be gone when they come back.
 */
#include "pf.h"

#define POLL_MS 10u

/* NumVFs and VF Enable go back to 0 VFs when a body that wrote them itself returns. */
static void disable_vfs(struct nvsr_ctx **t)
{
	if (pf_sriov16(*t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE)
		pf_write_vfe(*t, false);
}
#define _cleanup_vfs_ NVSR_CLEANUP(disable_vfs) NVSR_UNUSED

static int write_numvfs(struct nvsr_ctx *t, unsigned n)
{
	return nvsr_cfg_write(t->pf, t->inv->sriov.pos + PCI_SRIOV_NUM_VFS, 2, n);
}

static void enable_is_writable(struct nvsr_ctx *t)
{
	_cleanup_vfs_ struct nvsr_ctx *restore = t;
	struct nvsr_sriov s;

	if (!pf_vfs(t, 0, &s))
		return;
	CHECK_EQ(t, "VF Enable without VFs", 0, s.ctrl & PCI_SRIOV_CTRL_VFE);
	PREPARE(t, "writing NumVFs", write_numvfs(t, 1));
	PREPARE(t, "writing VF Enable", pf_write_vfe(t, true));
	CHECK_EQ(t, "VF Enable after writing 1", PCI_SRIOV_CTRL_VFE, pf_sriov16(t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE);
	PREPARE(t, "writing VF Enable", pf_write_vfe(t, false));
	CHECK_EQ(t, "VF Enable after writing 0", 0, pf_sriov16(t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE);
}

static void disabled_vfs_do_not_answer(struct nvsr_ctx *t)
{
	struct nvsr_sriov all, none;
	uint16_t n;

	/* The routing ids depend on NumVFs: learn them while the VFs are there. */
	if (!pf_vfs(t, t->inv->sriov.total_vfs, &all) || !pf_vfs(t, 0, &none))
		return;
	MUST_EQ(t, "VF Enable", 0, none.ctrl & PCI_SRIOV_CTRL_VFE);
	for (n = 1; n <= all.total_vfs; n++) {
		uint16_t rid = nvsr_vf_rid(nvsr_dev_rid(t->pf), &all, n);

		MUST(t, !pf_rid_answers(t, rid), "Unsupported Request (all ones) without VF Enable",
		     "VF %u at %04Xh answers %08Xh", n, rid, pf_rid_read(t, rid, PCI_REVISION_ID, 4));
	}
}

/* True when VFs 1..@n answer; *ret_missing is the first that does not. */
static bool all_answer(struct nvsr_ctx *t, const struct nvsr_sriov *s, unsigned n, unsigned *ret_missing)
{
	unsigned i;

	for (i = 1; i <= n; i++) {
		*ret_missing = i;
		if (!pf_rid_answers(t, nvsr_vf_rid(nvsr_dev_rid(t->pf), s, i)))
			return false;
	}
	return true;
}

static void vfs_answer_in_time(struct nvsr_ctx *t)
{
	_cleanup_vfs_ struct nvsr_ctx *restore = t;
	unsigned total = t->inv->sriov.total_vfs, waited = PCI_MS_VF_ENABLE, missing = 0;
	unsigned ctrl_off = t->inv->sriov.pos + PCI_SRIOV_CTRL;
	struct nvsr_sriov s;
	bool all;

	if (!pf_vfs(t, 0, &s))
		return;
	PREPARE(t, "writing NumVFs", write_numvfs(t, total));
	PREPARE(t, "reading the SR-IOV capability", nvsr_sriov_read(t->pf, &s));
	PREPARE(t, "writing VF Enable",
		nvsr_cfg_write(t->pf, ctrl_off, 2, s.ctrl | PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE));
	nvsr_dev_sleep_ms(t->pf, PCI_MS_VF_ENABLE);
	while (!(all = all_answer(t, &s, total, &missing)) && waited < PCI_MS_VF_ENABLE_MAX) {
		nvsr_dev_sleep_ms(t->pf, POLL_MS);
		waited += POLL_MS;
	}
	CHECK(t, all, "every VF answers 1.0 s after VF Enable", "VF %u of %u does not after %u ms", missing, total, waited);
	nvsr_note(t, "%u VFs answer %s%u ms after VF Enable", total, waited == PCI_MS_VF_ENABLE ? "at most " : "", waited);
}

static void disable_frees_numvfs(struct nvsr_ctx *t)
{
	_cleanup_vfs_ struct nvsr_ctx *restore = t;
	unsigned total = t->inv->sriov.total_vfs, was = total, want = total > 1 ? total - 1 : 0, n;
	struct nvsr_sriov s;

	if (!pf_vfs(t, was, &s))
		return;
	PREPARE(t, "clearing VF Enable", pf_write_vfe(t, false));
	CHECK_EQ(t, "VF Enable 1.0 s after clearing it", 0, pf_sriov16(t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE);
	for (n = 1; n <= was; n++) {
		uint16_t rid = nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, n);

		MUST(t, !pf_rid_answers(t, rid), "the VF is gone 1.0 s after clearing VF Enable", "VF %u answers", n);
	}
	PREPARE(t, "writing NumVFs", write_numvfs(t, want));
	CHECK_EQ(t, "NumVFs, written 1.0 s after clearing VF Enable", want, pf_sriov16(t, PCI_SRIOV_NUM_VFS));
}

static void numvfs_takes_one_to_total(struct nvsr_ctx *t)
{
	unsigned total = t->inv->sriov.total_vfs, i;
	const unsigned want[] = { 1, total, (total + 1) / 2 };

	/* After VFs were there: NumVFs must not stay locked. */
	if (!nvsr_t_enable_vfs(t, 1) || !nvsr_t_enable_vfs(t, 0))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(want); i++) {
		PREPARE(t, "writing NumVFs", write_numvfs(t, want[i]));
		CHECK_EQ(t, "NumVFs, written without VF Enable", want[i], pf_sriov16(t, PCI_SRIOV_NUM_VFS));
	}
}

/* Both writes are undefined by the standard: any outcome is fine that leaves the PF alive.  What happened is noted. */
static void undefined_numvfs_is_survived(struct nvsr_ctx *t)
{
	_cleanup_vfs_ struct nvsr_ctx *restore = t;
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	unsigned total = t->inv->sriov.total_vfs;
	struct nvsr_sriov s;

	if (!pf_vfs(t, 0, &s))
		return;
	PREPARE(t, "reading NumVFs", pf_save(&saved, t->pf, s.pos + PCI_SRIOV_NUM_VFS, 2));
	if (total < 0xffff) {
		PREPARE(t, "writing NumVFs", write_numvfs(t, total + 1));
		nvsr_note(t, "NumVFs %u (TotalVFs + 1) reads back as %u", total + 1, pf_sriov16(t, PCI_SRIOV_NUM_VFS));
		MUST_OK(t, "Identify Controller on the PF after NumVFs > TotalVFs", pf_alive(t->pf));
	}
	if (!pf_vfs(t, 1, &s))
		return;
	PREPARE(t, "writing NumVFs", write_numvfs(t, total));
	nvsr_note(t, "NumVFs %u written with VF Enable = 1 and one VF reads back as %u", total,
		  pf_sriov16(t, PCI_SRIOV_NUM_VFS));
	CHECK_OK(t, "Identify Controller on the PF after NumVFs with VF Enable = 1", pf_alive(t->pf));
}

static void exactly_numvfs_answer(struct nvsr_ctx *t)
{
	unsigned total = t->inv->sriov.total_vfs, i, n;
	const unsigned numvfs[] = { 1, (total + 1) / 2, total };
	struct nvsr_sriov s;

	for (i = 0; i < NVSR_ARRAY_SIZE(numvfs); i++) {
		if (!pf_vfs(t, numvfs[i], &s))
			return;
		MUST_EQ(t, "NumVFs", numvfs[i], s.num_vfs);
		for (n = 1; n <= numvfs[i] + 1 && n <= total; n++) {
			bool want = n <= numvfs[i], answers = pf_rid_answers(t, nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, n));

			MUST(t, answers == want, "VFs 1 to NumVFs answer, the next does not", "NumVFs %u: VF %u %s", numvfs[i],
			     n, answers ? "answers" : "does not answer");
		}
	}
}

/* VF 1 after VF Enable 1, 0, 1: not reset by anybody else, which would hide what is looked for. */
static struct nvsr_dev *vf_after_toggle(struct nvsr_ctx *t)
{
	return nvsr_t_enable_vfs(t, 0) ? pf_vf_online(t, 1, false) : NULL;
}


static void config_does_not_survive_disable(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf_bare(t, 1);
	struct nvsr_sriov s;
	unsigned msix;
	uint16_t rid;
	uint32_t v;

	if (!vf)
		return;
	PREPARE(t, "reading Command", nvsr_cfg_read(vf, PCI_COMMAND, 2, &v));
	PREPARE(t, "setting Bus Master Enable", nvsr_cfg_write(vf, PCI_COMMAND, 2, v | PCI_COMMAND_MASTER));
	PREPARE(t, "looking for MSI-X", nvsr_cfg_find_cap(vf, PCI_CAP_MSIX, &msix));
	if (msix)
		PREPARE(t, "enabling MSI-X", nvsr_cfg_write(vf, msix + PCI_MSIX_CTRL, 2, PCI_MSIX_CTRL_ENABLE));
	/* Not opened again: access methods set Bus Master Enable when they open a VF. */
	if (!nvsr_t_enable_vfs(t, 0) || !pf_vfs(t, 1, &s))
		return;
	rid = nvsr_vf_rid(nvsr_dev_rid(t->pf), &s, 1);
	CHECK_EQ(t, "Bus Master Enable of the VF after VF Enable 1, 0, 1", 0,
		 pf_rid_read(t, rid, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
	if (msix)
		CHECK_EQ(t, "MSI-X Enable of the VF after VF Enable 1, 0, 1", 0,
			 pf_rid_read(t, rid, msix + PCI_MSIX_CTRL, 2) & PCI_MSIX_CTRL_ENABLE);
}

static void properties_do_not_survive_disable(struct nvsr_ctx *t)
{
	static const struct { const char *name; unsigned off, len; } regs[] = {
		{ "CC", NVME_REG_CC, 4 }, { "AQA", NVME_REG_AQA, 4 }, { "ASQ", NVME_REG_ASQ, 8 }, { "ACQ", NVME_REG_ACQ, 8 },
	};
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint64_t v;
	unsigned i;

	if (vf)
		vf = vf_after_toggle(t);
	if (!vf)
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(regs); i++) {
		PREPARE(t, regs[i].name, nvsr_reg_read(vf, regs[i].off, regs[i].len, &v));
		CHECK_EQ(t, regs[i].name, 0, v);
	}
}

/* Temperature Threshold of the composite temperature: kept by nobody over a reset unless saved, and we do not save it. */
static void features_do_not_survive_disable(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t before, now;
	int rc;

	if (!vf)
		return;
	PREPARE(t, "Get Features", nvsr_get_feature(vf, NVME_FEAT_TEMP_THRESH, 0, 0, NULL, 0, &before));
	rc = nvsr_set_feature(vf, NVME_FEAT_TEMP_THRESH, 0, (before & 0xffff) - 1, NULL, 0, NULL);
	if (rc)
		SKIP(t, "the VF does not take a temperature threshold: %s", nvsr_rc_text(rc));
	vf = vf_after_toggle(t);
	if (!vf)
		return;
	rc = nvsr_ctrl_enable(vf);
	if (rc)
		SKIP(t, "VF 1 does not start without a reset after Assign: %s", nvsr_rc_text(rc));
	PREPARE(t, "Get Features", nvsr_get_feature(vf, NVME_FEAT_TEMP_THRESH, 0, 0, NULL, 0, &now));
	CHECK_EQ(t, "Temperature Threshold of VF 1 after VF Enable 1, 0, 1", before & 0xffff, now & 0xffff);
}

/* The lowest-numbered PF of the device: no function below it has an SR-IOV capability. */
static bool is_lowest_pf(struct nvsr_ctx *t)
{
	uint16_t rid = nvsr_dev_rid(t->pf), other;

	for (other = rid & 0xfff8; other < rid; other++)
		if (pf_rid_answers(t, other) && pf_rid_ext_cap(t, other, PCI_EXT_CAP_SRIOV))
			return false;
	return true;
}

static bool is_root_complex_endpoint(struct nvsr_ctx *t)
{
	uint16_t rid = nvsr_dev_rid(t->pf);
	unsigned exp = pf_rid_cap(t, rid, PCI_CAP_EXP);

	return exp && (pf_rid_read(t, rid, exp + PCI_EXP_CAP, 2) >> 4 & 0xf) == 9;
}

static void ari_bit_is_writable(struct nvsr_ctx *t)
{
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	unsigned off = t->inv->sriov.pos + PCI_SRIOV_CTRL, i;
	bool writable = is_lowest_pf(t) && !is_root_complex_endpoint(t);
	struct nvsr_sriov s;

	if (!pf_vfs(t, 0, &s))
		return;
	PREPARE(t, "reading the control register", pf_save(&saved, t->pf, off, 2));
	for (i = 0; i < 2; i++) {
		uint16_t want = (i ^ !(s.ctrl & PCI_SRIOV_CTRL_ARI)) & 1 ? PCI_SRIOV_CTRL_ARI : 0;

		PREPARE(t, "writing the control register",
			nvsr_cfg_write(t->pf, off, 2, (s.ctrl & ~(uint32_t)PCI_SRIOV_CTRL_ARI) | want));
		CHECK_EQ(t, writable ? "ARI Capable Hierarchy, writable in the lowest-numbered PF" :
			 "ARI Capable Hierarchy, read-only 0 in this PF", writable ? want : 0,
			 pf_sriov16(t, PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_ARI);
		nvsr_note(t, "ARI Capable Hierarchy %u: First VF Offset %u, VF Stride %u", !!want,
			  pf_sriov16(t, PCI_SRIOV_VF_OFFSET), pf_sriov16(t, PCI_SRIOV_VF_STRIDE));
	}
}

static const struct nvsr_test tests[] = {
	{ .id = "enable-is-writable", .title = "VF Enable can be set and cleared",
	  .requirements = REQS("PCIE-03"), .needs = PF_WRITE,
	  .caught_by = DEFECTS("vfe-reads-zero"), .run = enable_is_writable },
	{ .id = "disabled-vfs-do-not-answer", .title = "no VF answers while VF Enable is 0",
	  .requirements = REQS("PCIE-04"), .needs = PF_READ,
	  .caught_by = DEFECTS("vf-answers-without-vfe", "vfs-linger"), .run = disabled_vfs_do_not_answer },
	{ .id = "vfs-answer-in-time", .title = "every VF answers within 1.0 s of VF Enable",
	  .requirements = REQS("PCIE-05"), .needs = PF_WRITE,
	  .caught_by = DEFECTS("vf-enable-slow", "last-vf-missing"), .run = vfs_answer_in_time },
	{ .id = "disable-frees-numvfs", .title = "1.0 s after VF Enable 1 to 0 the VFs are gone and NumVFs is writable",
	  .requirements = REQS("PCIE-06"), .needs = PF_WRITE,
	  .caught_by = DEFECTS("vf-answers-without-vfe", "vfs-linger", "numvfs-stuck-after-disable"),
	  .run = disable_frees_numvfs },
	{ .id = "numvfs-takes-one-to-total", .title = "NumVFs takes every value from 1 to TotalVFs while VF Enable is 0",
	  .requirements = REQS("PCIE-14"), .needs = PF_WRITE,
	  .caught_by = DEFECTS("numvfs-stuck-after-disable"), .run = numvfs_takes_one_to_total },
	{ .id = "undefined-numvfs-is-survived", .title = "the PF survives writes to NumVFs that the standard leaves undefined",
	  .requirements = REQS("PCIE-14"), .needs = PF_WRITE | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("numvfs-overflow-kills-pf"), .run = undefined_numvfs_is_survived },
	{ .id = "exactly-numvfs-answer", .title = "VFs 1 to NumVFs answer and the next one does not",
	  .requirements = REQS("PCIE-15"), .needs = PF_READ,
	  .caught_by = DEFECTS("numvfs-plus-one-answers", "last-vf-missing"), .run = exactly_numvfs_answer },
	{ .id = "config-does-not-survive-disable", .title = "configuration space of a VF is reset by VF Enable 1, 0, 1",
	  .requirements = REQS("PCIE-07"), .needs = VF_WRITE,
	  .caught_by = DEFECTS("vf-config-survives-vfe-toggle"), .run = config_does_not_survive_disable },
	{ .id = "properties-do-not-survive-disable", .title = "controller properties of a VF are reset by VF Enable 1, 0, 1",
	  .requirements = REQS("PCIE-07"), .needs = PF_READ | NVSR_NEED(REG_READ) | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("vf-regs-survive-vfe-toggle"), .run = properties_do_not_survive_disable },
	{ .id = "features-do-not-survive-disable", .title = "features of a VF are reset by VF Enable 1, 0, 1",
	  .requirements = REQS("PCIE-07", "ISO-14"), .needs = PF_READ | NVSR_NEED(VF_REG_WRITE) | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("vf-features-survive-vfe-toggle"), .run = features_do_not_survive_disable },
	{ .id = "ari-bit-is-writable", .title = "ARI Capable Hierarchy is writable in the lowest-numbered PF only",
	  .requirements = REQS("PCIE-10"), .needs = PF_WRITE,
	  .caught_by = DEFECTS("ari-bit-read-only"), .run = ari_bit_is_writable },
};
const struct nvsr_group nvsr_pf_control = NVSR_GROUP("pf.control", tests);
