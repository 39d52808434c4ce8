// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.delete: Namespace Management delete, Base 2.0 5.23, 8.11 and 8.12. */
#include "common.h"

static void delete_removes_the_namespace(struct nvsr_ctx *t)
{
	uint32_t nsid = nsm_create(t, 1, true);
	uint8_t data[NVME_IDENTIFY_SIZE];

	if (!nsid)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	MUST_OK(t, "delete while attached", nvsr_ns_delete(t->pf, nsid));
	CHECK_LISTED(t, t->pf, NVME_CNS_ALLOCATED_NS, nsid, false);
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, nsid, false);
	if (CHECK_OK(t, "CNS 11h of the deleted NSID", nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, data)))
		CHECK_ZERO(t, "CNS 11h of the deleted NSID is all zero", data);
	if (CHECK_OK(t, "CNS 00h of the deleted NSID", nvsr_identify(t->pf, NVME_CNS_NS, nsid, 0, data)))
		CHECK_ZERO(t, "CNS 00h of the deleted NSID is all zero", data);
}

static void delete_detaches_from_vfs(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nsm_create(t, 1, true) : 0;
	int scid = nsid ? nsm_cntlid(t, vf) : -1;
	uint8_t data[NVME_IDENTIFY_SIZE];

	if (scid < 0)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	CHECK_LISTED(t, vf, NVME_CNS_ACTIVE_NS, nsid, true);
	MUST_OK(t, "delete while attached to both", nvsr_ns_delete(t->pf, nsid));
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, nsid, false);
	CHECK_LISTED(t, vf, NVME_CNS_ACTIVE_NS, nsid, false);
	if (CHECK_OK(t, "CNS 00h of the deleted NSID on the VF", nvsr_identify(vf, NVME_CNS_NS, nsid, 0, data)))
		CHECK_ZERO(t, "CNS 00h of the deleted NSID on the VF is all zero", data);
}

/* A later namespace may get the NSID again: it starts with no controller attached. */
static void reused_nsid_starts_unattached(struct nvsr_ctx *t)
{
	uint32_t first = nsm_create(t, 1, true), second;

	if (!first)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, first, nvsr_t_pcid(t)));
	MUST_OK(t, "delete", nvsr_ns_delete(t->pf, first));
	second = nsm_create(t, 1, true);
	if (!second)
		return;
	nvsr_note(t, "NSID %u, after delete of %u", second, first);
	CHECK_NO_CTRLS(t, second, "after create again");
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, second, false);
}

static void check_io_inactive(struct nvsr_ctx *t, struct nvsr_dev *d, uint32_t nsid, const char *what)
{
	uint8_t buf[4096];

	nsm_pattern(buf, sizeof(buf), 7);
	CHECK_STATUS(t, what, NVME_SC_INVALID_FIELD, nvsr_rw(d, false, nsid, 0, 1, buf, sizeof(buf)));
	CHECK(t, nsm_holds_pattern(buf, sizeof(buf), 7), "no data is transferred", "the buffer changed");
}

static void io_after_delete_aborts(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nsm_create(t, 1, true) : 0;
	int scid = nsid ? nsm_cntlid(t, vf) : -1;
	uint8_t buf[4096];

	if (scid < 0)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	MUST_OK(t, "Read on the VF before delete", nvsr_rw(vf, false, nsid, 0, 1, buf, sizeof(buf)));
	MUST_OK(t, "delete", nvsr_ns_delete(t->pf, nsid));
	check_io_inactive(t, t->pf, nsid, "Read on the PF after delete");
	check_io_inactive(t, vf, nsid, "Read on the VF after delete");
}

static void delete_all(struct nvsr_ctx *t)
{
	uint32_t nsid = nsm_create(t, 1, false), list[1];
	int scid = nsid ? nsm_second(t, 1) : -1;
	unsigned n = 1;

	if (scid < 0)
		return;
	MUST_OK(t, "attach to the secondary of VF 1", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	MUST_OK(t, "delete of NSID FFFFFFFFh", nvsr_ns_delete(t->pf, NVME_NSID_ALL));
	MUST_OK(t, "CNS 10h", nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, list, 1, &n));
	CHECK_EQ(t, "allocated namespaces after delete of all", 0, n);
	CHECK_OK(t, "delete of NSID FFFFFFFFh with no namespace left", nvsr_ns_delete(t->pf, NVME_NSID_ALL));
}

static void delete_needs_a_namespace(struct nvsr_ctx *t)
{
	uint32_t invalid = nsm_invalid(t), unallocated = invalid ? nsm_unallocated(t) : 0;

	if (!unallocated || !nsm_can_create(t))
		return;
	CHECK_STATUS(t, "delete of an unallocated NSID", NVME_SC_INVALID_FIELD, nvsr_ns_delete(t->pf, unallocated));
	CHECK_STATUS(t, "delete of NSID NN + 1", NVME_SC_INVALID_NS, nvsr_ns_delete(t->pf, invalid));
	CHECK_STATUS(t, "delete of NSID 0", NVME_SC_INVALID_NS, nvsr_ns_delete(t->pf, 0));
}

static void protected_namespace_stays(struct nvsr_ctx *t)
{
	uint32_t nsid = nsm_create(t, 1, false);

	if (!nsid)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	MUST_OK(t, "Set Features 84h, write protect",
		nvsr_set_feature(t->pf, NVME_FEAT_WRITE_PROTECT, nsid, 1, NULL, 0, NULL));
	CHECK_STATUS(t, "delete of a write-protected namespace", NVME_SC_NS_WRITE_PROTECTED, nvsr_ns_delete(t->pf, nsid));
	CHECK_LISTED(t, t->pf, NVME_CNS_ALLOCATED_NS, nsid, true);
	CHECK_OK(t, "Set Features 84h, no write protect",
		 nvsr_set_feature(t->pf, NVME_FEAT_WRITE_PROTECT, nsid, 0, NULL, 0, NULL));
	CHECK_OK(t, "delete without write protection", nvsr_ns_delete(t->pf, nsid));
}

/* --- commands that are outstanding ------------------------------------------------------------------------------ */

#define DEPTH 8

/* Submit DEPTH reads of @nsid; the number that were taken. */
static unsigned submit_reads(struct nvsr_queue *q, uint32_t nsid, uint8_t (*buf)[4096], struct nvsr_req **req)
{
	unsigned i;

	for (i = 0; i < DEPTH; i++) {
		struct nvsr_cmd c = { .opcode = NVME_CMD_READ, .nsid = nsid, .data = buf[i], .data_len = sizeof(buf[i]) };

		nsm_pattern(buf[i], sizeof(buf[i]), 99);
		if (nvsr_queue_submit(q, &c, &req[i]))
			break;
	}
	return i;
}

/* All complete: with data as if nothing had happened (where @may_succeed), or 0/02h without data. */
static void reap_reads(struct nvsr_ctx *t, const char *when, struct nvsr_req **req, uint8_t (*buf)[4096], unsigned n,
		       bool may_succeed)
{
	unsigned i;

	CHECK_EQ(t, "Reads submitted", DEPTH, n);
	for (i = 0; i < n; i++) {
		struct nvsr_cmd c;
		int rc = nvsr_req_wait(req[i], 5000, &c);	/* with the data */

		CHECK(t, rc == NVME_SC_INVALID_FIELD || (may_succeed && !rc),
		      may_succeed ? "each Read completes with success or 0/02h" : "each Read completes with 0/02h",
		      "Read %u of %u %s: %s", i + 1, n, when, nvsr_rc_text(rc));
		if (rc == NVME_SC_INVALID_FIELD)
			CHECK(t, nsm_holds_pattern(buf[i], sizeof(buf[i]), 99), "no data with an aborted Read",
			      "the buffer of Read %u changed", i + 1);
	}
}

static int remove_by_delete(struct nvsr_ctx *t, uint32_t nsid, uint16_t cntlid)
{
	return nvsr_ns_delete(t->pf, nsid);
}

static int remove_by_detach(struct nvsr_ctx *t, uint32_t nsid, uint16_t cntlid)
{
	return nvsr_ns_detach(t->pf, nsid, cntlid);
}

static void outstanding(struct nvsr_ctx *t, const char *what, int (*remove)(struct nvsr_ctx *, uint32_t, uint16_t))
{
	_cleanup_free_ uint8_t (*buf)[4096] = calloc(DEPTH, sizeof(*buf));
	struct nvsr_dev *vf = nvsr_t_vf_with(t, 1, 3, 0);
	struct nvsr_queue_opts opts = { .qid = 2, .sq_entries = 32, .cq_entries = 32 };
	uint32_t nsid = vf ? nsm_create(t, 1, true) : 0;
	int scid = nsid ? nsm_cntlid(t, vf) : -1;
	struct nvsr_queue *q = NULL;
	struct nvsr_req *req[DEPTH];
	unsigned n;

	if (scid < 0 || !buf)
		return;
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	PREPARE(t, "queue pair 2 on the VF", nvsr_queue_create(vf, &opts, &q));
	n = submit_reads(q, nsid, buf, req);
	CHECK_OK(t, what, remove(t, nsid, (uint16_t)scid));
	reap_reads(t, "before it", req, buf, n, true);
	n = submit_reads(q, nsid, buf, req);
	reap_reads(t, "after it", req, buf, n, false);
	nvsr_queue_destroy(q);
}

static void outstanding_at_delete(struct nvsr_ctx *t)
{
	outstanding(t, "delete with Reads outstanding on the VF", remove_by_delete);
}

static void outstanding_at_detach(struct nvsr_ctx *t)
{
	outstanding(t, "detach with Reads outstanding on the VF", remove_by_detach);
}

/* --- what is left of the data ----------------------------------------------------------------------------------- */

/* Write pattern 77 to every 64th block of a new namespace (@write), or read there; the number of blocks that hold it. */
static unsigned sweep(struct nvsr_ctx *t, uint32_t nsid, bool write)
{
	uint64_t blocks = nsm_blocks(t, 1), lba;
	unsigned bs = nsm_block_bytes(t), found = 0, failed = 0;
	_cleanup_free_ uint8_t *buf = calloc(1, bs);

	for (lba = 0; buf && lba < blocks; lba += 64) {
		if (write)
			nsm_pattern(buf, bs, 77);
		failed += nvsr_rw(t->pf, write, nsid, lba, 1, buf, bs) != 0;
		found += nsm_holds_pattern(buf, bs, 77);
	}
	CHECK(t, buf && !failed, write ? "Writes to a new namespace succeed" : "Reads of a new namespace succeed",
	      "%u failed", failed);
	return found;
}

static void data_does_not_reappear(struct nvsr_ctx *t)
{
	uint32_t first = nsm_create(t, 1, false), second;

	if (!first)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, first, nvsr_t_pcid(t)));
	if (!sweep(t, first, true))
		return;
	MUST_OK(t, "delete", nvsr_ns_delete(t->pf, first));
	second = nsm_create(t, 1, false);
	if (!second)
		return;
	MUST_OK(t, "attach the next namespace", nvsr_ns_attach(t->pf, second, nvsr_t_pcid(t)));
	CHECK_EQ(t, "blocks of the next namespace with data of the deleted one", 0, sweep(t, second, false));
}

#define NS NSM_NEED
#define RAW (NVSR_NEED(IO) | NVSR_NEED(VF_QUEUES))
static const struct nvsr_test tests[] = {
	{ .id = "delete-removes-the-namespace", .title = "a deleted namespace is neither allocated nor active",
	  .requirements = REQS("NSM-28"), .needs = NS, .caught_by = DEFECTS("delete-refused-while-attached"),
	  .run = delete_removes_the_namespace },
	{ .id = "delete-detaches-from-vfs", .title = "delete detaches the namespace from PF and VF",
	  .requirements = REQS("NSM-28"), .needs = NSM_NEED_VF, .caught_by = DEFECTS("delete-keeps-vf-attachment"),
	  .run = delete_detaches_from_vfs },
	{ .id = "reused-nsid-starts-unattached", .title = "a namespace with the NSID of a deleted one is not attached",
	  .requirements = REQS("NSM-28", "NSM-20"), .needs = NS, .caught_by = DEFECTS("delete-keeps-attachment-record"),
	  .run = reused_nsid_starts_unattached },
	{ .id = "io-after-delete-aborts", .title = "I/O to a deleted namespace aborts 0/02h on PF and VF",
	  .requirements = REQS("NSM-28"), .needs = NSM_NEED_VF | RAW, .caught_by = DEFECTS("delete-keeps-vf-attachment"),
	  .run = io_after_delete_aborts },
	{ .id = "delete-all", .title = "delete of NSID FFFFFFFFh deletes every namespace of the subsystem",
	  .requirements = REQS("NSM-29"), .needs = NSM_NEED_SECOND,
	  .caught_by = DEFECTS("delete-all-only-attached", "delete-all-empty-fails"), .run = delete_all },
	{ .id = "delete-needs-a-namespace",
	  .title = "delete of an unallocated NSID aborts 0/02h, of an invalid one 0/0Bh",
	  .requirements = REQS("NSM-30"), .needs = NS,

	  .caught_by = DEFECTS("invalid-nsid-as-inactive", "delete-unallocated-succeeds"), .run = delete_needs_a_namespace },
	{ .id = "protected-namespace-stays", .title = "delete of a write-protected namespace aborts 0/20h",
	  .requirements = REQS("NSM-31"), .needs = NS | NVSR_NEED(NSWP),

	  .caught_by = DEFECTS("delete-ignores-write-protect", "write-protect-wrong-sct"), .run = protected_namespace_stays },
	{ .id = "outstanding-at-delete", .title = "commands around a delete complete, and without data afterwards",
	  .requirements = REQS("NSM-32"), .needs = NSM_NEED_VF | RAW,
	  .caught_by = DEFECTS("removed-ns-io-lost", "delete-keeps-vf-attachment"), .run = outstanding_at_delete },
	{ .id = "outstanding-at-detach", .title = "commands around a detach complete, and without data afterwards",
	  .requirements = REQS("NSM-32"), .needs = NSM_NEED_VF | RAW,

	  .caught_by = DEFECTS("removed-ns-io-lost", "vf-io-ignores-attachment", "io-to-detached-succeeds"),
	  .run = outstanding_at_detach },
	{ .id = "data-does-not-reappear", .title = "a new namespace shows nothing of the one deleted before",
	  .requirements = REQS("NSM-32"), .needs = NS | NVSR_NEED(IO), .caught_by = DEFECTS("stale-data-after-recreate"),
	  .run = data_does_not_reappear },
};

const struct nvsr_group nvsr_namespace_delete = NVSR_GROUP("namespace.delete", tests);
