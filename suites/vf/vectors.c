// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a VI resource is to the VF that has it: one entry of its MSI-X table, with reset values when it is new, usable by
 * any completion queue, and nothing above.
 */
#include "vf.h"

#define PCI_CAP_MSI 0x05

/* Offset of the MSI-X capability of a VF; 0 after recording. */
static unsigned msix_of(struct nvsr_ctx *t, struct nvsr_dev *vf)
{
	unsigned pos = 0;
	int rc = nvsr_cfg_find_cap(vf, PCI_CAP_MSIX, &pos);

	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "looking for MSI-X: %s", nvsr_rc_text(rc));
	else
		CHECK(t, pos, "an MSI-X capability in a VF with VI resources", "none");
	return pos;
}

/* Vectors by MXC; 0 after recording. */
static unsigned vectors_of(struct nvsr_ctx *t, struct nvsr_dev *vf)
{
	unsigned pos = msix_of(t, vf);
	uint32_t mxc;
	int rc;

	if (!pos)
		return 0;
	rc = nvsr_cfg_read(vf, pos + PCI_MSIX_CTRL, 2, &mxc);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "reading MXC: %s", nvsr_rc_text(rc));
	return rc ? 0 : (mxc & PCI_MSIX_CTRL_TS) + 1;
}

static unsigned nvi_of(struct nvsr_ctx *t, int scid)
{
	struct nvme_secondary_ctrl e;

	return vf_entry(t, (uint16_t)scid, &e) ? le16_get(e.nvi) : 0;
}

static const struct vf_pool *vi_pool(struct nvsr_ctx *t, struct vf_pool pool[2])
{
	unsigned n = vf_pools(t, pool);

	return n ? &pool[n - 1] : NULL;
}

/* Vectors worth trying: 1, 2, all that one VF may have. */
static unsigned counts(const struct vf_pool *vi, unsigned ret[3])
{
	unsigned most = NVSR_MIN(NVSR_MIN(vi->max, vf_free(vi)), PCI_MSIX_CTRL_TS + 1u), n = 0;

	ret[n++] = 1;
	if (most >= 2)
		ret[n++] = 2;
	if (most > 2)
		ret[n++] = most;
	return n;
}

static void table_size_is_nvi(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	const struct vf_pool *vi;
	unsigned i, n, nvi[3], have;

	if (!vf_start(t, 1) || !(vi = vi_pool(t, pool)))
		return;
	n = counts(vi, nvi);
	for (i = 0; i < n; i++) {
		int scid = vf_raise(t, 1, 0, nvi[i]);
		struct nvsr_dev *vf = scid < 0 ? NULL : nvsr_t_vf_bare(t, 1);
		unsigned msi = 0;

		if (!vf || !(have = nvi_of(t, scid)))
			return;
		MUST_EQ(t, vf_text("MSI-X vectors (TS + 1) of an Online VF with NVI %u", have), have, vectors_of(t, vf));
		PREPARE(t, "looking for MSI", nvsr_cfg_find_cap(vf, PCI_CAP_MSI, &msi));
		CHECK(t, !msi, "MSI-X only: no MSI capability", "an MSI capability at %02Xh", msi);
		/* TS changes only while the secondary is Offline. */
		CHECK_STATUS(t, "Assign of VI to an Online VF", NVME_SC_INVALID_SEC_STATE,
			     vf_assign(t, (uint16_t)scid, NVME_VIRT_RT_VI, nvi[(i + 1) % n], NULL));
		CHECK_EQ(t, "MSI-X vectors after the refused Assign", have, vectors_of(t, vf));
	}
}

/* Where the MSI-X table of a VF is.  False after recording. */
static bool table_of(struct nvsr_ctx *t, struct nvsr_dev *vf, unsigned *ret_bar, uint64_t *ret_off)
{
	unsigned pos = msix_of(t, vf);
	uint32_t v;
	int rc;

	if (!pos)
		return false;
	rc = nvsr_cfg_read(vf, pos + PCI_MSIX_TABLE, 4, &v);
	if (rc) {
		nvsr_test_broken(t, __FILE__, __LINE__, "reading the MSI-X table offset: %s", nvsr_rc_text(rc));
		return false;
	}
	*ret_bar = v & PCI_MSIX_BIR;
	*ret_off = v & ~(uint32_t)PCI_MSIX_BIR;
	return true;
}

/* Fill the first @n entries with an address, data, and vector control 0. */
static int program(struct nvsr_dev *vf, unsigned bar, uint64_t off, unsigned n)
{
	static const uint32_t word[4] = { 0xfee00000, 0, 0x4021, 0 };
	unsigned i, k;
	int rc = 0;

	for (i = 0; i < n && !rc; i++)
		for (k = 0; k < 4 && !rc; k++)
			rc = nvsr_bar_write(vf, bar, off + i * PCI_MSIX_ENTRY_SIZE + k * 4, 4, word[k]);
	return rc;
}

static void check_defaults(struct nvsr_ctx *t, struct nvsr_dev *vf, unsigned bar, uint64_t off, unsigned from, unsigned to)
{
	static const struct { const char *name; uint32_t mask, want; } word[4] = {
		{ "address", 0xffffffff, 0 }, { "upper address", 0xffffffff, 0 }, { "data", 0xffffffff, 0 },
		{ "mask bit", 1, 1 },
	};
	unsigned i, k;

	for (i = from; i < to; i++) {
		for (k = 0; k < 4; k++) {
			uint64_t v;

			PREPARE(t, "reading the MSI-X table",
				nvsr_bar_read(vf, bar, off + i * PCI_MSIX_ENTRY_SIZE + k * 4, 4, &v));
			MUST_EQ(t, vf_text("%s of new MSI-X entry %u", word[k].name, i), word[k].want, v & word[k].mask);
		}
	}
}

/* Shrink and grow without a reset of the VF between: the entries that come back have to be new ones. */
static void new_entries_are_fresh(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	const struct vf_pool *vi;
	struct nvsr_dev *vf;
	unsigned n, nvi[3], many, bar;
	uint64_t off;
	int scid;

	if (!vf_start(t, 1) || !(vi = vi_pool(t, pool)))
		return;
	n = counts(vi, nvi);
	if (n < 2)
		SKIP(t, "a VF can have %u VI at most", nvi[0]);
	if ((scid = vf_raise(t, 1, 0, nvi[n - 1])) < 0 || !(vf = nvsr_t_vf_bare(t, 1)) || !table_of(t, vf, &bar, &off) ||
	    !(many = nvi_of(t, scid)))
		return;
	PREPARE(t, "writing the MSI-X table", program(vf, bar, off, many));
	PREPARE(t, "Offline", vf_offline(t, (uint16_t)scid));
	PREPARE(t, "assigning one VI", vf_assign_min(t, (uint16_t)scid, 0, 1));
	PREPARE(t, "Online", vf_online(t, (uint16_t)scid));
	PREPARE(t, "Offline", vf_offline(t, (uint16_t)scid));
	PREPARE(t, "assigning all VI", vf_assign_min(t, (uint16_t)scid, 0, many));
	PREPARE(t, "Online", vf_online(t, (uint16_t)scid));
	CHECK_EQ(t, "MSI-X vectors after growing", many, vectors_of(t, vf));
	check_defaults(t, vf, bar, off, 1, many);
}

static int create_cq(struct nvsr_dev *vf, unsigned qid, unsigned vector, struct nvsr_queue **ret)
{
	struct nvsr_queue_opts o = {
		.qid = (uint16_t)qid, .sq_entries = 4, .cq_entries = 4, .vector = (uint16_t)vector, .irq = true,
	};

	return nvsr_queue_create(vf, &o, ret);
}

/* A command on @q completes and vector @vector fires for it.  The command itself fails: its NSID is no namespace. */
static void check_fires(struct nvsr_ctx *t, struct nvsr_dev *vf, struct nvsr_queue *q, unsigned vector)
{
	struct nvsr_cmd flush = { .opcode = NVME_CMD_FLUSH, .nsid = 0xfffffff0 };
	struct nvsr_req *r;
	uint64_t before;
	int rc;

	PREPARE(t, "interrupt count", nvsr_irq_settled(vf, vector, &before));
	PREPARE(t, "Flush", nvsr_queue_submit(q, &flush, &r));
	rc = nvsr_req_wait(r, 5000, NULL);
	MUST(t, rc >= 0, "a completion", "%s", nvsr_rc_text(rc));
	CHECK(t, nvsr_irq_wait(vf, vector, before, NVSR_ARRIVE_MS), "an interrupt on the vector of the completion queue", "vector %u stays silent", vector);
}

static void vectors_are_checked(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	const struct vf_pool *vi;
	struct nvsr_dev *vf;
	struct nvsr_queue *q;
	unsigned n, nvi[3], last;
	int scid;

	if (!vf_start(t, 1) || !(vi = vi_pool(t, pool)))
		return;
	n = counts(vi, nvi);
	vf = nvsr_t_vf_with(t, 1, 2, nvi[n - 1]);
	scid = vf ? nvsr_t_scid(t, 1) : -1;
	if (scid < 0 || !(last = nvi_of(t, scid)))
		return;
	last--;
	CHECK_STATUS(t, vf_text("Create I/O Completion Queue with IV %u, NVI %u", last + 1, last + 1),
		     NVME_SC_INVALID_VECTOR, create_cq(vf, 1, last + 1, &q));
	CHECK_STATUS(t, vf_text("Create I/O Completion Queue with IV 65535, NVI %u", last + 1), NVME_SC_INVALID_VECTOR,
		     create_cq(vf, 1, 0xffff, &q));
	/* One queue, each of the outermost vectors in turn. */
	MUST_OK(t, vf_text("Create I/O Completion Queue with IV %u, NVI %u", last, last + 1), create_cq(vf, 1, last, &q));
	check_fires(t, vf, q, last);
	PREPARE(t, "deleting the queue", nvsr_queue_destroy(q));
	MUST_OK(t, "Create I/O Completion Queue with IV 0, the admin queue's", create_cq(vf, 1, 0, &q));
	check_fires(t, vf, q, 0);
}

#define VF_VECTORS (VF_NEEDS | NVSR_NEED(VI) | NVSR_NEED(CFG_READ))

static const struct nvsr_test tests[] = {
	{ .id = "table-size-is-nvi",
	  .title = "the MSI-X table of a VF has one entry for each VI, and MSI-X is all it has",
	  .requirements = REQS("VIRT-45"), .needs = VF_VECTORS,
	  .caught_by = DEFECTS("vf-msix-fixed-size", "msix-ts-wrong"), .run = table_size_is_nvi },
	{ .id = "new-entries-are-fresh", .title = "MSI-X entries that come with more VI have reset values",
	  .requirements = REQS("VIRT-46"), .needs = VF_VECTORS | NVSR_NEED(VF_REG_WRITE),
	  .caught_by = DEFECTS("msix-entries-not-reset"), .run = new_entries_are_fresh },
	{ .id = "vectors-are-checked", .title = "completion queues take the vectors of the VF's VI and no other",
	  .requirements = REQS("VIRT-47"), .needs = VF_VECTORS | NVSR_NEED(VF_ADMIN) | NVSR_NEED(VF_QUEUES),
	  .caught_by = DEFECTS("iv-beyond-ts-accepted", "vf-vector-zero-only"), .run = vectors_are_checked },
};
const struct nvsr_group nvsr_vf_vectors = NVSR_GROUP("vf.vectors", tests);
