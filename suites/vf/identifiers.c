// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vf.identifiers: command and queue identifiers of a VF, Base 3.3.3.1, 5.3 to 5.6 (2.2: 5.2.1 to 5.2.4).  They name what
 * this VF has in this queue, and nothing of another.  Which ids its VQ resources give it is vf.queues.
 */
#include "suites/ring.h"
#include "vf.h"

#define PAGE 4096u

static struct nvme_sqe get_features(void)
{
	return (struct nvme_sqe){ .opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = le32(NVME_FEAT_NUM_QUEUES) };
}

/* --- command identifiers ------------------------------------------------------------------------------------------ */

static void reuse_after_completion(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring r = { .sq_size = 4, .cq_size = 4 };
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct nvme_cqe c;

	if (!vf || !ring_take_over(t, vf, &r))
		return;
	for (unsigned i = 0; i < 6; i++) {
		r.cid = 7;
		MUST_OK(t, vf_text("command %u with the identifier of the one before", i + 1),
			ring_run(&r, get_features(), &c));
		MUST_EQ(t, "CID of the completion", 7, le16_get(c.cid));
	}
}

/* An Asynchronous Event Request that stays outstanding with identifier @cid. */
static bool occupy(struct nvsr_ctx *t, struct ring *r, uint16_t cid)
{
	struct nvme_cqe c;
	int rc;

	r->cid = cid;
	ring_put(r, (struct nvme_sqe){ .opcode = NVME_ADMIN_AER });
	rc = ring_bell(r);
	if (!rc && ring_take(r, NVSR_QUIET_MS, &c))
		rc = -EBUSY;
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "an Asynchronous Event Request that stays: %s", nvsr_rc_text(rc));
	return !rc;
}

/* How many commands are searched for a conflict is the controller's choice, Base 3.3.3.2 (03h): it may well see none. */
static void conflict_is_answered(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring r = { .sq_size = 8, .cq_size = 8 };
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct nvme_cqe c;

	if (!vf || !ring_take_over(t, vf, &r) || !occupy(t, &r, 5))
		return;
	r.cid = 5;
	ring_put(&r, get_features());
	PREPARE(t, "ringing the doorbell", ring_bell(&r));
	MUST(t, ring_take(&r, RING_WAIT_MS, &c), "a completion for a command whose identifier is in use", "none");
	CHECK_EQ(t, "CID of that completion", 5, le16_get(c.cid));
	CHECK_STATUS_IN(t, "Get Features with an identifier in use", ring_status(&c), 0, NVME_SC_CID_CONFLICT);
	if (ring_take(&r, NVSR_QUIET_MS, &c))
		nvsr_note(t, "the request that had the identifier completed too: %s", nvsr_rc_text(ring_status(&c)));
	r.cid = 6;
	CHECK_OK(t, "Get Features with another identifier", ring_run(&r, get_features(), NULL));
}

static void per_queue(struct nvsr_ctx *t)
{
	_cleanup_ring_ struct ring io = { .id = 1, .sq_size = 8, .cq_size = 8 }, one = { .sq_size = 8, .cq_size = 8 },
				   two = { .sq_size = 8, .cq_size = 8 };
	struct nvsr_dev *b = nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 2) : NULL, *a = b ? nvsr_t_vf(t, 1) : NULL;
	int rc;

	if (!a || !ring_take_over(t, a, &one) || !ring_take_over(t, b, &two))
		return;
	PREPARE(t, "an I/O queue pair on VF 1", ring_create_io(&one, &io));
	if (!occupy(t, &one, 9))
		return;
	io.cid = two.cid = 9;
	/* no namespace has this NSID; what counts is that the identifier is free */
	rc = ring_run(&io, (struct nvme_sqe){ .opcode = NVME_CMD_FLUSH, .nsid = le32(0xfffffff0) }, NULL);
	CHECK(t, rc >= 0 && rc != NVME_SC_CID_CONFLICT, "an identifier in use in the admin queue is free in an I/O queue",
	      "Flush: %s", nvsr_rc_text(rc));
	CHECK_OK(t, "Get Features on VF 2 with an identifier in use on VF 1", ring_run(&two, get_features(), NULL));
}

/* --- queue identifiers -------------------------------------------------------------------------------------------- */

struct page { uint8_t b[PAGE]; };	/* for queues that must not be created */

static int create_cq(struct nvsr_dev *d, unsigned qid, unsigned qsize, unsigned pc, struct page *mem)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_CREATE_CQ, .cdw10 = qsize << 16 | qid, .cdw11 = pc, .data = mem,
			      .data_len = sizeof(*mem) };

	return nvsr_admin(d, &c);
}

static int create_sq(struct nvsr_dev *d, unsigned qid, unsigned qsize, unsigned cqid, struct page *mem)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_CREATE_SQ, .cdw10 = qsize << 16 | qid, .cdw11 = cqid << 16 | 1,
			      .data = mem, .data_len = sizeof(*mem) };

	return nvsr_admin(d, &c);
}

static int delete_queue(struct nvsr_dev *d, uint8_t opcode, unsigned qid)
{
	struct nvsr_cmd c = { .opcode = opcode, .cdw10 = qid };

	return nvsr_admin(d, &c);
}

static int make_pair(struct nvsr_dev *d, struct nvsr_queue **ret)
{
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 4, .cq_entries = 4 };

	return nvsr_queue_create(d, &o, ret);
}

/* A command on @q completes, whatever its status. */
static void check_runs(struct nvsr_ctx *t, struct nvsr_queue *q, const char *when)
{
	struct nvsr_cmd flush = { .opcode = NVME_CMD_FLUSH, .nsid = 0xfffffff0 };
	struct nvsr_req *r;
	int rc = nvsr_queue_submit(q, &flush, &r);

	if (!rc)
		rc = nvsr_req_wait(r, RING_WAIT_MS, NULL);
	CHECK(t, rc >= 0, "the queue works", "%s: %s", when, nvsr_rc_text(rc));
}

static void refuse_deletion(struct nvsr_ctx *t, struct nvsr_dev *d, unsigned qid, const char *what)
{
	CHECK_STATUS(t, vf_text("Delete I/O Submission Queue %u, %s", qid, what), NVME_SC_QID_INVALID,
		     delete_queue(d, NVME_ADMIN_DELETE_SQ, qid));
	CHECK_STATUS(t, vf_text("Delete I/O Completion Queue %u, %s", qid, what), NVME_SC_QID_INVALID,
		     delete_queue(d, NVME_ADMIN_DELETE_CQ, qid));
}

static void queues_of_a_sibling(struct nvsr_ctx *t)
{
	struct nvsr_dev *b = nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 2) : NULL, *a = b ? nvsr_t_vf(t, 1) : NULL;
	struct page mem = { { 0 } };
	struct nvsr_queue *q;

	if (!a)
		return;
	PREPARE(t, "queue pair 1 on VF 2", make_pair(b, &q));
	CHECK_STATUS(t, "Create I/O Submission Queue on VF 1 with a completion queue that VF 2 has", NVME_SC_CQ_INVALID,
		     create_sq(a, 1, 3, 1, &mem));
	CHECK_STATUS(t, "Delete I/O Submission Queue 1 on VF 1, which VF 2 has", NVME_SC_QID_INVALID,
		     delete_queue(a, NVME_ADMIN_DELETE_SQ, 1));
	/* that VF 1 has no such queue is what counts here; the status is deletion_has_an_order()'s question */
	CHECK_STATUS_IN(t, "Delete I/O Completion Queue 1 on VF 1, which VF 2 has", delete_queue(a, NVME_ADMIN_DELETE_CQ, 1),
			NVME_SC_QID_INVALID, NVME_SC_CQ_INVALID);
	check_runs(t, q, "queue pair 1 of VF 2 after VF 1 named it");
	PREPARE(t, "deleting queue pair 1 of VF 2", nvsr_queue_destroy(q));
}

static void deletion_has_an_order(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct nvsr_queue *q;

	if (!vf)
		return;
	PREPARE(t, "queue pair 1", make_pair(vf, &q));
	CHECK_STATUS(t, "Delete I/O Completion Queue 1, which a submission queue uses", NVME_SC_INVALID_QUEUE_DELETION,
		     delete_queue(vf, NVME_ADMIN_DELETE_CQ, 1));
	check_runs(t, q, "after its completion queue could not be deleted");
	refuse_deletion(t, vf, 0, "the admin queue");
	refuse_deletion(t, vf, 0xffff, "above every queue");
	check_runs(t, q, "after other queues could not be deleted");
	MUST_OK(t, "deleting queue pair 1, submission queue first", nvsr_queue_destroy(q));
	refuse_deletion(t, vf, 1, "which was deleted");
	MUST_OK(t, "queue pair 1 again", make_pair(vf, &q));
	check_runs(t, q, "a queue that came again");
	nvsr_queue_destroy(q);
}

static void creation_is_checked(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct page mem = { { 0 } };
	struct nvsr_queue *q;
	uint64_t cap;
	unsigned most;

	if (!vf)
		return;
	PREPARE(t, "reading CAP", nvsr_reg_read(vf, NVME_REG_CAP, 8, &cap));
	most = NVME_CAP_MQES(cap);
	CHECK_STATUS(t, "Create I/O Completion Queue of one entry", NVME_SC_QUEUE_SIZE, create_cq(vf, 1, 0, 1, &mem));
	if (most < 0xffff)
		CHECK_STATUS(t, vf_text("Create I/O Completion Queue of %u entries, CAP.MQES %u", most + 2, most),
			     NVME_SC_QUEUE_SIZE, create_cq(vf, 1, most + 1, 1, &mem));
	if (NVME_CAP_CQR(cap))
		CHECK_STATUS(t, "Create I/O Completion Queue with PC 0, CAP.CQR 1", NVME_SC_INVALID_FIELD,
			     create_cq(vf, 1, 3, 0, &mem));
	PREPARE(t, "queue pair 1", make_pair(vf, &q));
	CHECK_STATUS(t, "Create I/O Completion Queue 1, which exists", NVME_SC_QID_INVALID, create_cq(vf, 1, 3, 1, &mem));
	CHECK_STATUS(t, "Create I/O Submission Queue 1, which exists", NVME_SC_QID_INVALID, create_sq(vf, 1, 3, 1, &mem));
	check_runs(t, q, "after it could not be created twice");
	PREPARE(t, "deleting I/O Submission Queue 1", delete_queue(vf, NVME_ADMIN_DELETE_SQ, 1));
	CHECK_STATUS(t, "Create I/O Submission Queue of one entry", NVME_SC_QUEUE_SIZE, create_sq(vf, 1, 0, 1, &mem));
	if (most < 0xffff)
		CHECK_STATUS(t, vf_text("Create I/O Submission Queue of %u entries, CAP.MQES %u", most + 2, most),
			     NVME_SC_QUEUE_SIZE, create_sq(vf, 1, most + 1, 1, &mem));
	/* The admin queue is no I/O queue, and it is in range: both statuses describe it. */
	CHECK_STATUS_IN(t, "Create I/O Submission Queue with completion queue 0", create_sq(vf, 1, 3, 0, &mem),
			NVME_SC_QID_INVALID, NVME_SC_CQ_INVALID);
	CHECK_STATUS_IN(t, "Create I/O Submission Queue with completion queue 65535", create_sq(vf, 1, 3, 0xffff, &mem),
			NVME_SC_QID_INVALID, NVME_SC_CQ_INVALID);
	nvsr_reset(vf, NVSR_RESET_CTRL);
	nvsr_queue_destroy(q);
}

#define QUEUES (NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(VF_QUEUES) | NVSR_NEED(DESTROY))
#define CIDS (RING_NEED | NVSR_NEED(DESTROY))

static const struct nvsr_test tests[] = {
	{ .id = "reuse-after-completion", .title = "a command identifier is free as soon as its command completed",
	  .requirements = REQS("PCIE-44"), .needs = CIDS, .caught_by = DEFECTS("cid-reuse-refused"),
	  .run = reuse_after_completion },
	{ .id = "conflict-is-answered", .title = "a command whose identifier is in use completes, once",
	  .requirements = REQS("PCIE-44"), .needs = CIDS, .caught_by = DEFECTS("cid-conflict-lost"),
	  .run = conflict_is_answered },
	{ .id = "per-queue", .title = "a command identifier in use is free in other queues and on other VFs",
	  .requirements = REQS("PCIE-44", "ISO-01"), .needs = CIDS | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("cid-conflict-across-queues", "cid-conflict-across-vfs"), .run = per_queue },
	{ .id = "queues-of-a-sibling", .title = "a VF neither uses nor deletes a queue that only another VF has",
	  .requirements = REQS("ISO-01"), .needs = QUEUES | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("cq-of-sibling-taken", "sibling-queue-deletion-succeeds"), .run = queues_of_a_sibling },
	{ .id = "deletion-has-an-order",
	  .title = "a completion queue in use, the admin queue and queues that are not there are not deleted",
	  .requirements = REQS("PCIE-44"), .needs = QUEUES,
	  .caught_by = DEFECTS("cq-deleted-before-sq", "any-queue-deleted"), .run = deletion_has_an_order },
	{ .id = "creation-is-checked", .title = "a VF creates no queue of a size, kind or id that cannot be",
	  .requirements = REQS("PCIE-44"), .needs = QUEUES | NVSR_NEED(REG_READ) | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("queue-size-unchecked", "queue-created-twice"), .run = creation_is_checked },
};
const struct nvsr_group nvsr_vf_identifiers = NVSR_GROUP("vf.identifiers", tests);
