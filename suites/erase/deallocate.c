// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * erase.deallocate: blocks that were never written, that were deallocated, or that belonged to a namespace before this one.
 * NVM Command Set 1.0 3.2.3.2.1; Base 2.0 5.22, 5.23.
 */
#include "suites/data.h"

#define TAG 400

static const char *dlfeat_text(unsigned dlfeat)
{
	return dlfeat == 1 ? "all bytes 00h (DLFEAT 001b)" : dlfeat == 2 ? "all bytes FFh (DLFEAT 010b)" :
	       "all bytes 00h or all bytes FFh (DLFEAT 000b)";
}

/* A block as DLFEAT 2:0 says. */
static bool as_dlfeat(const uint8_t *block, unsigned bs, unsigned dlfeat)
{
	return (dlfeat != 2 && dat_all(block, bs, 0)) || (dlfeat != 1 && dat_all(block, bs, 0xff));
}

static bool read_dlfeat(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned *ret)
{
	struct nvme_id_ns id;

	if (!CHECK_OK(t, "Identify Namespace", nvsr_identify(d, NVME_CNS_NS, ns->nsid, 0, &id)))
		return false;
	*ret = NVME_DLFEAT_READS(id.dlfeat);
	return true;
}

/* Every block of @ns on @d is as an unwritten block is. */
static void check_unwritten(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned dlfeat,
			    const char *when)
{
	_cleanup_free_ uint8_t *buf = malloc((size_t)DAT_MAX_NLB * ns->bs);
	uint64_t lba, blocks = NVSR_MIN(ns->blocks, DAT_SWEEP_BLOCKS);
	unsigned n, other = 0, failed = 0;
	int first = 0;

	if (!buf)
		BROKEN(t, "no memory");
	for (lba = 0; lba < blocks; lba += n) {
		int rc;

		n = (unsigned)NVSR_MIN(dat_chunk(ns), blocks - lba);
		rc = dat_read(d, ns, lba, n, buf);
		first = first ? first : rc;
		failed += rc ? n : 0;
		for (unsigned i = 0; !rc && i < n; i++)
			other += !as_dlfeat(buf + i * ns->bs, ns->bs, dlfeat);
	}
	CHECK(t, !failed, "blocks that were never written can be read", "%s on %s: %u of %llu cannot: %s", when,
	      nvsr_dev_name(d),
	      failed, (unsigned long long)blocks, nvsr_rc_text(first));
	CHECK(t, !other, dlfeat_text(dlfeat), "%s on %s: %u of %llu unwritten blocks have other contents", when,
	      nvsr_dev_name(d),
	      other, (unsigned long long)blocks);
}

/* --- another tenant's namespace ----------------------------------------------------------------------------------- */

/* A namespace private to @d, of a device that can create and delete. */
static bool tenant(struct nvsr_ctx *t, struct nvsr_dev *d, unsigned mib, struct dat_ns *ret)
{
	if (!dat_ns_of(t, mib, false, ret) || !dat_attach(t, ret, d))
		return false;
	if (!ret->made)
		nvsr_test_skip(t, "the device cannot create namespaces: this one may have been written");
	return ret->made;
}

static bool tenant_leaves(struct nvsr_ctx *t, const struct dat_ns *ns)
{
	if (!CHECK_OK(t, "delete", nvsr_ns_delete(t->pf, ns->nsid)))
		return false;
	nvsr_t_ns_gone(t, ns->nsid);
	return true;
}

static void nothing_is_left_after_recreate(struct nvsr_ctx *t)
{
	struct nvsr_dev *a, *b;
	struct dat_ns ns;
	unsigned dlfeat;

	if (!dat_two_vfs(t, &a, &b) || !tenant(t, a, 1, &ns) || !dat_sweep_write(t, a, &ns, TAG) ||
	    !tenant_leaves(t, &ns))
		return;
	if (!tenant(t, b, 1, &ns) || !read_dlfeat(t, b, &ns, &dlfeat))
		return;
	dat_check_gone(t, b, &ns, TAG, "created after the other tenant's was deleted");
	check_unwritten(t, b, &ns, dlfeat, "created after the other tenant's was deleted");
}

/* Several namespaces, deleted in another order than they were made; then a larger and smaller ones in their place. */
static void nothing_is_left_at_other_sizes(struct nvsr_ctx *t)
{
	static const unsigned order[] = { 1, 3, 0, 2 }, mib[] = { 3, 1, 1 };
	struct dat_ns ns[NVSR_ARRAY_SIZE(order)], next;
	struct nvsr_dev *a, *b;

	if (!dat_two_vfs(t, &a, &b))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(order); i++)
		if (!tenant(t, a, 2, &ns[i]) || !dat_sweep_write(t, a, &ns[i], TAG + 1))
			return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(order); i++)
		if (!tenant_leaves(t, &ns[order[i]]))
			return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(mib); i++) {
		if (!tenant(t, b, mib[i], &next))
			return;
		dat_check_gone(t, b, &next, TAG + 1, "created over deleted ones of another size");
	}
}

static void unwritten_blocks_follow_dlfeat(struct nvsr_ctx *t)
{
	struct nvsr_dev *a, *b;
	struct dat_ns ns;
	unsigned dlfeat;

	if (!dat_two_vfs(t, &a, &b) || !dat_ns(t, true, &ns) || !dat_attach(t, &ns, a) || !dat_attach(t, &ns, b) ||
	    !read_dlfeat(t, a, &ns, &dlfeat))
		return;
	if (!ns.made)
		SKIP(t, "the device cannot create namespaces: this one may have been written");
	if (dlfeat > 2)
		SKIP(t, "DLFEAT = %u is reserved", dlfeat);
	check_unwritten(t, a, &ns, dlfeat, "new");
	check_unwritten(t, b, &ns, dlfeat, "new");
}

/* The other side of the same coin: what an administrator has to know before he hands a namespace on. */
static void data_moves_with_the_namespace(struct nvsr_ctx *t)
{
	struct nvsr_dev *a, *b;
	struct dat_ns ns;

	if (!dat_two_vfs(t, &a, &b) || !dat_ns(t, false, &ns) || !dat_attach(t, &ns, a) ||
	    !dat_sweep_write(t, a, &ns, TAG + 2))
		return;
	if (!dat_detach(t, &ns, a) || !dat_attach(t, &ns, b))
		return;
	dat_check_kept(t, b, &ns, TAG + 2, "detached from VF 1, attached to VF 2");
	if (!dat_detach(t, &ns, b) || !dat_attach(t, &ns, a))
		return;
	dat_check_kept(t, a, &ns, TAG + 2, "and back");
	nvsr_note(t, "attach and detach erase nothing: format a namespace before another tenant gets it");
}

/* --- deallocated blocks ------------------------------------------------------------------------------------------- */

#define BLOCKS 64u	/* of a test of single blocks */

struct contents { uint8_t *block; unsigned n; };

static void contents_free(struct contents *c) { free(c->block); }

/* BLOCKS blocks as @d reads them. */
static int contents_read(struct nvsr_dev *d, const struct dat_ns *ns, struct contents *c)
{
	int rc = 0;

	if (!c->block)
		c->block = malloc((size_t)BLOCKS * ns->bs);
	if (!c->block)
		return -ENOMEM;
	for (c->n = 0; c->n < BLOCKS && !rc; c->n++)
		rc = dat_read(d, ns, c->n, 1, c->block + (size_t)c->n * ns->bs);
	return rc;
}

static bool written_and_deallocated(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		if (!CHECK_OK(t, "Write", dat_write(d, ns, i, 1, tag)))
			return false;
	return CHECK_OK(t, "Deallocate", dat_deallocate(d, ns, 0, BLOCKS));
}

static void deallocated_blocks_stay_the_same(struct nvsr_ctx *t)
{
	NVSR_CLEANUP(contents_free) struct contents first = { 0 }, again = { 0 };
	unsigned dlfeat, other = 0, old = 0;
	struct dat_shared s;

	if (!dat_shared(t, &s) || !read_dlfeat(t, t->pf, &s.ns, &dlfeat) ||
	    !written_and_deallocated(t, s.on[1], &s.ns, TAG + 3))
		return;
	MUST_OK(t, "Read of deallocated blocks", contents_read(s.on[1], &s.ns, &first));
	for (unsigned i = 0; i < BLOCKS; i++) {
		const uint8_t *block = first.block + (size_t)i * s.ns.bs;
		bool kept = dat_holds(block, &s.ns, i, 1, TAG + 3);

		old += kept;
		other += !kept && !as_dlfeat(block, s.ns.bs, dlfeat);
	}
	CHECK(t, !other, "a deallocated block reads as DLFEAT says; one the device kept reads as before",
	      "%u of %u blocks have other contents", other, BLOCKS);
	for (unsigned i = 0; i < 4 * DAT_CTRLS; i++) {
		MUST_OK(t, "Read again", contents_read(s.on[i % DAT_CTRLS], &s.ns, &again));
		MUST(t, !memcmp(first.block, again.block, (size_t)BLOCKS * s.ns.bs),
		     "every Read of a deallocated block returns the same until it is written",
		     "Read %u, on %s, differs from the first",
		     i + 2, nvsr_dev_name(s.on[i % DAT_CTRLS]));
	}
	nvsr_note(t, "%u of %u deallocated blocks read as before", old, BLOCKS);
}

/* OCP devices have to deallocate; others may not.  Reported. */
static void deallocate_drops_the_data(struct nvsr_ctx *t)
{
	NVSR_CLEANUP(contents_free) struct contents c = { 0 };
	unsigned kept = 0;
	struct dat_shared s;

	if (!dat_shared(t, &s) || !written_and_deallocated(t, s.on[1], &s.ns, TAG + 4))
		return;
	MUST_OK(t, "Read of deallocated blocks", contents_read(s.on[2], &s.ns, &c));
	for (unsigned i = 0; i < BLOCKS; i++)
		kept += dat_traces(c.block + (size_t)i * s.ns.bs, s.ns.bs, TAG + 4);
	CHECK(t, !kept, "the old data of deallocated blocks is gone", "%u of %u blocks show it", kept, BLOCKS);
}

/* --- the error in place of data ----------------------------------------------------------------------------------- */

static int set_dulbe(struct nvsr_dev *d, const struct dat_ns *ns, bool on)
{
	return nvsr_set_feature(d, NVME_FEAT_ERR_RECOVERY, ns->nsid, on ? NVME_ERR_RECOVERY_DULBE : 0, NULL, 0, NULL);
}

static int run(struct nvsr_dev *d, const struct dat_ns *ns, uint8_t opcode, uint64_t slba, void *data)
{
	struct nvsr_cmd c = { .opcode = opcode, .nsid = ns->nsid, .cdw10 = (uint32_t)slba, .data = data,
			      .data_len = data ? ns->bs : 0 };

	return nvsr_io(d, &c);
}

/* Copy of block @slba to block @to, format 0 source range. */
static int copy(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, uint64_t to)
{
	uint8_t range[32] = { 0 };
	struct nvsr_cmd c = { .opcode = NVME_CMD_COPY, .nsid = ns->nsid, .cdw10 = (uint32_t)to, .data = range,
			      .data_len = sizeof(range) };

	nvsr_le_write(range + 8, 8, slba);
	return nvsr_io(d, &c);
}

static void unwritten_blocks_fail_with_dulbe(struct nvsr_ctx *t)
{
	_cleanup_free_ uint8_t *buf = NULL;
	struct nvme_id_ns id;
	struct nvsr_dev *vf;
	struct dat_ns ns;

	vf = nvsr_t_vf(t, 1);
	if (!vf || !dat_ns(t, true, &ns) || !dat_attach(t, &ns, vf))
		return;
	MUST_OK(t, "Identify Namespace", nvsr_identify(vf, NVME_CNS_NS, ns.nsid, 0, &id));
	if (!(id.nsfeat & NVME_NSFEAT_DULBE))
		SKIP(t, "NSFEAT bit 2 of the namespace is 0");
	buf = calloc(1, ns.bs);
	if (!buf)
		BROKEN(t, "no memory");
	if (!ns.made)
		SKIP(t, "the device cannot create namespaces: every block of this one may have been written");
	MUST_OK(t, "Write of block 1", dat_write(vf, &ns, 1, 1, TAG + 5));
	MUST_OK(t, "DULBE = 1", set_dulbe(vf, &ns, true));
	CHECK_STATUS(t, "Read of an unwritten block", NVME_SC_DEALLOCATED, dat_read(vf, &ns, 0, 1, buf));
	memset(buf, 0, ns.bs);
	if (t->inv->has & NVSR_NEED(COMPARE))
		CHECK_STATUS(t, "Compare with an unwritten block", NVME_SC_DEALLOCATED,
			     run(vf, &ns, NVME_CMD_COMPARE, 0, buf));
	if (t->inv->has & NVSR_NEED(VERIFY))
		CHECK_STATUS(t, "Verify of an unwritten block", NVME_SC_DEALLOCATED,
			     run(vf, &ns, NVME_CMD_VERIFY, 0, NULL));
	if (t->inv->has & NVSR_NEED(COPY))
		CHECK_STATUS(t, "Copy of an unwritten block", NVME_SC_DEALLOCATED, copy(vf, &ns, 0, 2));
	CHECK_OK(t, "Read of a written block", dat_read(vf, &ns, 1, 1, buf));
	MUST_OK(t, "Deallocate", dat_deallocate(vf, &ns, 1, 1));
	/* a request: the block may still be there */
	CHECK_STATUS_IN(t, "Read of a deallocated block", dat_read(vf, &ns, 1, 1, buf), 0, NVME_SC_DEALLOCATED);
	MUST_OK(t, "Write again", dat_write(vf, &ns, 1, 1, TAG + 6));
	CHECK_OK(t, "Read of a block written again", dat_read(vf, &ns, 1, 1, buf));
	CHECK(t, dat_holds(buf, &ns, 1, 1, TAG + 6), "a block written again reads as written", "other data");
	MUST_OK(t, "DULBE = 0", set_dulbe(vf, &ns, false));
	CHECK_OK(t, "Read of an unwritten block with DULBE = 0", dat_read(vf, &ns, 0, 1, buf));
}

static const struct nvsr_test tests[] = {
	{ .id = "nothing-is-left-after-recreate", .title = "a VF reads nothing of a namespace another VF had before",
	  .requirements = REQS("ERA-20", "ERA-01"), .needs = DAT_NEED_VFS,
	  .caught_by = DEFECTS("stale-data-after-recreate"),
	  .run = nothing_is_left_after_recreate },
	{ .id = "nothing-is-left-at-other-sizes", .title = "namespaces of other sizes show nothing of deleted ones",
	  .requirements = REQS("ERA-20"), .needs = DAT_NEED_VFS, .caught_by = DEFECTS("stale-data-after-recreate"),
	  .run = nothing_is_left_at_other_sizes },
	{ .id = "unwritten-blocks-follow-dlfeat", .title = "blocks of a new namespace read as DLFEAT says, on every VF",
	  .requirements = REQS("ERA-01"), .needs = DAT_NEED_VFS, .caught_by = DEFECTS("dlfeat-wrong-value"),
	  .run = unwritten_blocks_follow_dlfeat },
	{ .id = "data-moves-with-the-namespace", .title = "data written by one VF is there when another VF gets the namespace",
	  .requirements = REQS("ERA-21"), .needs = DAT_NEED_VFS, .caught_by = DEFECTS("detach-erases"),
	  .run = data_moves_with_the_namespace },
	{ .id = "deallocated-blocks-stay-the-same",
	  .title = "deallocated blocks read alike every time on every controller",
	  .requirements = REQS("ERA-02"), .needs = DAT_NEED_VFS | NVSR_NEED(DSM),
	  .caught_by = DEFECTS("deallocated-reads-vary"), .run = deallocated_blocks_stay_the_same },
	{ .id = "deallocate-drops-the-data", .title = "deallocated blocks do not show their old data",
	  .requirements = REQS("ERA-04"), .needs = DAT_NEED_VFS | NVSR_NEED(DSM),
	  .caught_by = DEFECTS("deallocate-does-nothing"),
	  .run = deallocate_drops_the_data },
	{ .id = "unwritten-blocks-fail-with-dulbe", .title = "with DULBE unwritten blocks abort 2/87h in place of data",
	  .requirements = REQS("ERA-03"), .needs = DAT_NEED_VF | NVSR_NEED(DULBE) | NVSR_NEED(DSM),
	  .caught_by = DEFECTS("dulbe-read-only", "dulbe-ignored"), .run = unwritten_blocks_fail_with_dulbe },
};

const struct nvsr_group nvsr_erase_deallocate = NVSR_GROUP("erase.deallocate", tests);
