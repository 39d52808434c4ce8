// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Doorbell Buffer Config, Base 5.8 and B.5: doorbells of I/O queues go to a page of host memory (shadow), and to the registers
 * only where a second page (EventIdx) asks for it.  That a controller without OACS bit 8 aborts it is pf.commands.
 */
#include "pf.h"

#define ENTRIES 4u
#define WAIT_MS 1000u
#define PATTERN 0xa5

/* The two pages; no controller has them any more when they go. */
struct buffers { struct nvsr_dev *dev; uint8_t *shadow, *event; uint64_t iova; unsigned page; };

static void buffers_end(struct buffers *b)
{
	if (!b->dev)
		return;
	nvsr_reset(b->dev, NVSR_RESET_CTRL);
	nvsr_dma_free(b->dev, b->shadow);
}
#define _cleanup_buffers_ NVSR_CLEANUP(buffers_end)

static void queue_end(struct nvsr_queue **q)
{
	if (*q)
		nvsr_queue_destroy(*q);
}
#define _cleanup_queue_ NVSR_CLEANUP(queue_end)

/* Memory, and a PF without I/O queues: the buffers are configured before there are any.  False after recording. */
static bool prepare(struct nvsr_ctx *t, struct buffers *b)
{
	int rc = nvsr_reset(t->pf, NVSR_RESET_CTRL);

	b->page = 4096u << NVME_CAP_MPSMIN(t->inv->cap);
	b->shadow = rc ? NULL : nvsr_dma_alloc(t->pf, 2 * (size_t)b->page, &b->iova);
	if (!b->shadow) {
		nvsr_test_broken(t, __FILE__, __LINE__, "Controller Reset and two pages: %s", nvsr_rc_text(rc ? rc : -ENOMEM));
		return false;
	}
	b->dev = t->pf;
	b->event = b->shadow + b->page;
	memset(b->shadow, 0, 2 * (size_t)b->page);
	return true;
}

static int configure(struct nvsr_ctx *t, uint64_t shadow, uint64_t event)
{
	const struct nvsr_cmd c = { .opcode = NVME_ADMIN_DBBUF };
	struct nvsr_req *r;
	int rc = nvsr_queue_submit_prps(nvsr_queue_admin(t->pf), &c, shadow, event, &r);

	return rc ? rc : nvsr_req_wait(r, WAIT_MS, NULL);
}

static bool configured(struct nvsr_ctx *t, struct buffers *b)
{
	return prepare(t, b) && CHECK_OK(t, "Doorbell Buffer Config", configure(t, b->iova, b->iova + b->page));
}

static int make_queue(struct nvsr_dev *d, struct nvsr_queue **ret)
{
	const struct nvsr_queue_opts o = { .qid = 1, .sq_entries = ENTRIES, .cq_entries = ENTRIES };

	return nvsr_queue_create(d, &o, ret);
}

/* @rounds times @n commands at once.  That they complete is all that counts: what Flush says depends on namespaces. */
static void check_completes(struct nvsr_ctx *t, struct nvsr_queue *q, unsigned rounds, unsigned n, const char *when)
{
	const struct nvsr_cmd c = { .opcode = NVME_CMD_FLUSH, .nsid = 1 };
	struct nvsr_req *r[ENTRIES - 1];

	for (unsigned i = 0; i < rounds; i++) {
		for (unsigned k = 0; k < n; k++)
			PREPARE(t, "a command", nvsr_queue_submit(q, &c, &r[k]));
		for (unsigned k = 0; k < n; k++) {
			int rc = nvsr_req_wait(r[k], WAIT_MS, NULL);

			MUST(t, rc >= 0, "the command completes", "%s, command %u of queue 1: %s", when, i * n + k + 1,
			     nvsr_rc_text(rc));
		}
	}
}

static void buffers_are_pages(struct nvsr_ctx *t)
{
	_cleanup_buffers_ struct buffers b = { 0 };

	if (!configured(t, &b))
		return;
	for (unsigned off = 4; off < b.page; off *= 8) {
		CHECK_STATUS(t, "shadow doorbells that do not begin a page", NVME_SC_INVALID_FIELD,
			     configure(t, b.iova + off, b.iova + b.page));
		CHECK_STATUS(t, "EventIdx that does not begin a page", NVME_SC_INVALID_FIELD,
			     configure(t, b.iova, b.iova + b.page + off));
	}
}

static void shadow_doorbells_are_read(struct nvsr_ctx *t)
{
	_cleanup_buffers_ struct buffers b = { 0 };
	_cleanup_queue_ struct nvsr_queue *q = NULL;

	if (!configured(t, &b))
		return;
	nvsr_queue_shadow(t->pf, b.shadow, b.event);
	MUST_OK(t, "queue pair 1", make_queue(t->pf, &q));
	check_completes(t, q, 3 * ENTRIES, 1, "one command at a time");
	check_completes(t, q, 3 * ENTRIES, ENTRIES - 1, "as many commands as fit");
	CHECK_OK(t, "Identify Controller, whose queue has no shadow", pf_alive(t->pf));
}

/* After a reset both pages are the host's again. */
static void check_reset(struct nvsr_ctx *t, enum nvsr_reset how, const char *when)
{
	_cleanup_buffers_ struct buffers b = { 0 };
	_cleanup_queue_ struct nvsr_queue *q = NULL;

	if (!configured(t, &b))
		return;
	PREPARE(t, when, nvsr_reset(t->pf, how));
	memset(b.event, PATTERN, b.page);
	MUST_OK(t, "queue pair 1", make_queue(t->pf, &q));
	check_completes(t, q, 2 * ENTRIES, 1, when);
	for (unsigned i = 0; i < b.page; i++)
		MUST(t, b.event[i] == PATTERN && !b.shadow[i], "a controller leaves the pages alone after a reset",
		     "%s, byte %u: EventIdx %02Xh, shadow %02Xh", when, i, b.event[i], b.shadow[i]);
}

static void ctrl_reset_ends_them(struct nvsr_ctx *t)
{
	check_reset(t, NVSR_RESET_CTRL, "after a Controller Reset");
}

static void flr_ends_them(struct nvsr_ctx *t)
{
	check_reset(t, NVSR_RESET_FLR, "after an FLR");
}

static void vf_keeps_its_registers(struct nvsr_ctx *t)
{
	_cleanup_buffers_ struct buffers b = { 0 };
	_cleanup_queue_ struct nvsr_queue *q = NULL;
	struct nvsr_dev *vf;

	/* A reset of the PF would take the VF with it: it comes first. */
	if (!prepare(t, &b))
		return;
	vf = nvsr_t_vf(t, 1);
	if (!vf)
		return;
	PREPARE(t, "queue pair 1 of VF 1", make_queue(vf, &q));
	MUST_OK(t, "Doorbell Buffer Config of the PF", configure(t, b.iova, b.iova + b.page));
	check_completes(t, q, 2 * ENTRIES, 1, "on VF 1, with shadow doorbells on the PF");
}

/* The reset ends the buffers, and disturbs whoever works with the PF. */
#define NEED (NVSR_NEED(DBBUF) | NVSR_NEED(QUEUES) | NVSR_NEED(CTRL_RESET) | NVSR_NEED(DESTROY))

static const struct nvsr_test tests[] = {
	{ .id = "buffers-are-pages", .title = "Doorbell Buffer Config takes whole pages only",
	  .requirements = REQS("N21-15"), .needs = NEED,
	  .caught_by = DEFECTS("dbbuf-unaligned-accepted", "dbbuf-prp2-unchecked", "dbbuf-unimplemented"), .run = buffers_are_pages },
	{ .id = "shadow-doorbells-are-read", .title = "a queue works by shadow doorbells and the register writes that EventIdx asks for",
	  .requirements = REQS("N21-15"), .needs = NEED,
	  .caught_by = DEFECTS("dbbuf-config-ignored", "dbbuf-event-stale", "dbbuf-unimplemented"),
	  .run = shadow_doorbells_are_read },
	{ .id = "controller-reset-ends-them", .title = "shadow doorbells end with a Controller Reset",
	  .requirements = REQS("N21-15"), .needs = NEED, .caught_by = DEFECTS("dbbuf-survives-reset"), .run = ctrl_reset_ends_them },
	{ .id = "flr-ends-them", .title = "shadow doorbells end with an FLR",
	  .requirements = REQS("N21-15"), .needs = NEED | NVSR_NEED(FLR), .caught_by = DEFECTS("dbbuf-survives-reset"),
	  .run = flr_ends_them },
	{ .id = "vf-keeps-its-registers", .title = "shadow doorbells of the PF are no VF's",
	  .requirements = REQS("N21-15", "ISO-01"), .needs = NEED | NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN),
	  .caught_by = DEFECTS("dbbuf-hits-siblings"), .run = vf_keeps_its_registers },
};
const struct nvsr_group nvsr_pf_dbbuf = NVSR_GROUP("pf.dbbuf", tests);
