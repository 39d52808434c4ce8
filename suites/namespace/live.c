// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.live: Namespace Management and Attachment while a VF runs I/O to another namespace, Base 2.0 5.23 and 8.11. */
#include "common.h"

#define DEPTH 16

/* --- with commands outstanding ---------------------------------------------------------------------------------- */

struct load {
	struct nvsr_queue *queue;
	struct nvsr_req *req[DEPTH];
	uint8_t (*buf)[4096];
	uint32_t nsid;
	unsigned bs;
};

/* Block i holds pattern i: known data for every Read of the load. */
static bool load_fill(struct nvsr_ctx *t, struct nvsr_dev *vf, struct load *l)
{
	unsigned i;

	for (i = 0; i < DEPTH; i++) {
		nsm_pattern(l->buf[0], l->bs, i);
		if (!CHECK_OK(t, "Write on the VF", nvsr_rw(vf, true, l->nsid, i, 1, l->buf[0], l->bs)))
			return false;
	}
	return true;
}

static unsigned load_submit(struct load *l)
{
	unsigned i;

	for (i = 0; i < DEPTH; i++) {
		struct nvsr_cmd c = { .opcode = NVME_CMD_READ, .nsid = l->nsid, .cdw10 = i, .data = l->buf[i],
				      .data_len = l->bs };

		memset(l->buf[i], 0, l->bs);
		if (nvsr_queue_submit(l->queue, &c, &l->req[i]))
			break;
	}
	return i;
}

static void load_reap(struct nvsr_ctx *t, struct load *l, unsigned n, const char *during)
{
	unsigned i, failed = 0, wrong = 0;
	struct nvsr_cmd c;
	int rc, first = 0;

	for (i = 0; i < n; i++) {
		rc = nvsr_req_wait(l->req[i], 5000, &c);	/* with the data */
		failed += rc != 0;
		first = first ? first : rc;
		wrong += !rc && !nsm_holds_pattern(l->buf[i], l->bs, i);
	}
	CHECK(t, n == DEPTH && !failed, "every Read on the VF completes", "%u submitted, %u failed during %s: %s", n, failed,
	      during, nvsr_rc_text(first));
	CHECK(t, !wrong, "every Read returns its data", "%u Reads with other data during %s", wrong, during);
}

static void io_goes_on(struct nvsr_ctx *t)
{
	static const char *const step[] = { "create", "attach to the VF", "detach from the VF", "attach to the PF",
					    "delete" };
	_cleanup_free_ uint8_t (*buf)[4096] = calloc(DEPTH, sizeof(*buf));
	struct nvsr_dev *vf = nvsr_t_vf_with(t, 1, 3, 0);
	struct nvsr_queue_opts opts = { .qid = 2, .sq_entries = 32, .cq_entries = 32 };
	struct load l = { .buf = buf, .bs = nsm_block_bytes(t) };
	uint32_t other = 0;
	struct nvme_id_ns host;
	unsigned i;
	int id;

	l.nsid = vf && buf ? nsm_create(t, 1, true) : 0;
	id = l.nsid ? nsm_cntlid(t, vf) : -1;
	if (id < 0)
		return;
	if (l.bs > sizeof(*buf))
		SKIP(t, "blocks of %u bytes", l.bs);
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, l.nsid, (uint16_t)id));
	if (!load_fill(t, vf, &l))
		return;
	PREPARE(t, "queue pair 2 on the VF", nvsr_queue_create(vf, &opts, &l.queue));
	nsm_host_fields(&host, nsm_blocks(t, 1), true);
	for (i = 0; i < NVSR_ARRAY_SIZE(step); i++) {
		unsigned n = load_submit(&l);
		int rc = i == 0 ? nsm_create_raw(t->pf, &host, 0, &other) :
			 i == 1 ? nvsr_ns_attach(t->pf, other, (uint16_t)id) :
			 i == 2 ? nvsr_ns_detach(t->pf, other, (uint16_t)id) :
			 i == 3 ? nvsr_ns_attach(t->pf, other, nvsr_t_pcid(t)) : nvsr_ns_delete(t->pf, other);

		CHECK_OK(t, step[i], rc);
		load_reap(t, &l, n, step[i]);
		load_reap(t, &l, load_submit(&l), step[i]);
	}
	nvsr_queue_destroy(l.queue);
}

/* --- between commands, on every access method ------------------------------------------------------------------- */

/* Writes and reads back DEPTH blocks on the VF; the slowest command in ns. */
static uint64_t write_and_read(struct nvsr_ctx *t, struct nvsr_dev *vf, uint32_t nsid, unsigned bs, unsigned tag,
			       const char *when)
{
	_cleanup_free_ uint8_t *buf = malloc(bs);
	unsigned i, failed = 0, wrong = 0;
	uint64_t slowest = 0;

	for (i = 0; buf && i < DEPTH; i++) {
		uint64_t start = nvsr_dev_now(vf), took;

		nsm_pattern(buf, bs, tag + i);
		failed += nvsr_rw(vf, true, nsid, i, 1, buf, bs) != 0;
		memset(buf, 0, bs);
		failed += nvsr_rw(vf, false, nsid, i, 1, buf, bs) != 0;
		wrong += !nsm_holds_pattern(buf, bs, tag + i);
		took = nvsr_dev_now(vf) - start;
		slowest = NVSR_MAX(slowest, took);
	}
	CHECK(t, buf && !failed && !wrong, "I/O on the VF is undisturbed", "%u commands failed, %u blocks differ %s", failed,
	      wrong, when);
	return slowest;
}

static void vf_io_is_undisturbed(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nvsr_t_ns(t, 1, true) : 0, other = nsid ? nvsr_t_ns(t, 1, true) : 0;
	int id = other ? nsm_cntlid(t, vf) : -1;
	uint64_t quiet, busy = 0, ns;
	unsigned bs = nsm_block_bytes(t), i;

	if (id < 0)
		return;
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, nsid, (uint16_t)id));
	quiet = write_and_read(t, vf, nsid, bs, 1, "before any management");
	for (i = 0; i < 4; i++) {
		CHECK_OK(t, "attach of another namespace to the VF", nvsr_ns_attach(t->pf, other, (uint16_t)id));
		ns = write_and_read(t, vf, nsid, bs, 20 + i, "after attach");
		busy = NVSR_MAX(busy, ns);
		CHECK_OK(t, "detach of the other namespace", nvsr_ns_detach(t->pf, other, (uint16_t)id));
		ns = write_and_read(t, vf, nsid, bs, 40 + i, "after detach");
		busy = NVSR_MAX(busy, ns);
	}
	nvsr_note(t, "slowest write and read: %llu us alone, %llu us around attach and detach",
		  (unsigned long long)quiet / 1000, (unsigned long long)busy / 1000);
}

static const struct nvsr_test tests[] = {
	{ .id = "io-goes-on", .title = "I/O of a VF continues while the PF manages another namespace",
	  .requirements = REQS("NSM-27"), .needs = NSM_NEED_VF | NVSR_NEED(IO) | NVSR_NEED(VF_QUEUES),
	  .caught_by = DEFECTS("other-namespaces-blocked", "delete-wipes-neighbour"), .run = io_goes_on },
	{ .id = "vf-io-is-undisturbed", .title = "attach and detach leave the VF's I/O to another namespace alone",
	  .requirements = REQS("NSM-53"), .needs = NSM_NEED_VF | NVSR_NEED(IO),
	  .caught_by = DEFECTS("other-namespaces-blocked"), .run = vf_io_is_undisturbed },
};

const struct nvsr_group nvsr_namespace_live = NVSR_GROUP("namespace.live", tests);
