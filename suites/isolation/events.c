// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.events: Asynchronous Event Requests and Abort belong to the controller they were sent to.  Base 2.0 5.1, 5.2.
 * What namespaces have to do with events is namespace.events.
 */
#include "isolation.h"

#define NEED (ISO_NEED | NVSR_NEED(VF_AER) | NVSR_NEED(CTRL_RESET))
#define NEED_PROVOKE (NEED | NVSR_NEED(VF_REG_WRITE))
#define WAIT_MS 2000u	/* for what must come */
#define TYPE(dw0) ((dw0) & 7)

static int clear_event(struct nvsr_dev *d, uint8_t lid)
{
	uint8_t log[512];

	return nvsr_get_log(d, lid, NVME_NSID_ALL, false, log, sizeof(log));
}

/* --- limit -------------------------------------------------------------------------------------------------------- */

/* AERL + 1 requests stay outstanding, the next one does not.  False after recording. */
static bool fill_up(struct nvsr_ctx *t, struct iso_trap *w, struct nvsr_dev *d)
{
	struct nvme_id_ctrl id;
	unsigned limit;

	if (!iso_id(t, d, &id))
		return false;
	limit = id.aerl + 1u;
	if (limit >= ISO_AERS) {
		nvsr_test_skip(t, "%s takes %u requests, more than the test sends", nvsr_dev_name(d), limit);
		return false;
	}
	if (!iso_trap_begin(t, w, d, 0))
		return false;
	while (w->count < limit)
		if (iso_trap_add(w)) {
			nvsr_test_broken(t, __FILE__, __LINE__, "submitting a request to %s", nvsr_dev_name(d));
			return false;
		}
	return CHECK(t, !iso_trap_sprung(w, ISO_EVENT_MS), "AERL + 1 requests stay outstanding",
		     "one of %u completed on %s: %s, DW0 %08Xh", limit, nvsr_dev_name(d), nvsr_rc_text(w->result.status & 0x7ff),
		     w->result.dw0);
}

static void check_one_more(struct nvsr_ctx *t, struct iso_trap *w)
{
	PREPARE(t, "one more request", iso_trap_add(w));
	MUST(t, iso_trap_sprung(w, WAIT_MS), "request AERL + 2 completes at once", "it stays outstanding on %s",
	     nvsr_dev_name(w->dev));
	CHECK_STATUS(t, iso_text("request AERL + 2 on %s", nvsr_dev_name(w->dev)), NVME_SC_AER_LIMIT, w->result.status & 0x7ff);
}

static void limit_is_each_ones(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap one = { 0 }, two = { 0 };
	struct nvsr_dev *a, *b;

	if (!iso_vfs(t, 0, &a, &b) || !fill_up(t, &one, a))
		return;
	check_one_more(t, &one);
	if (fill_up(t, &two, b))
		check_one_more(t, &two);
}

/* --- whose event -------------------------------------------------------------------------------------------------- */

/* The PF's reset takes the VFs Offline: it comes last, as the trap that was declared first. */
static void event_is_its_own(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap on_pf = { 0 }, on_b = { 0 }, on_a = { 0 };
	struct nvsr_dev *a, *b;

	if (!iso_vfs(t, 0, &a, &b) || !iso_trap_begin(t, &on_pf, t->pf, 1) || !iso_trap_begin(t, &on_b, b, 1) ||
	    !iso_trap_begin(t, &on_a, a, 1))
		return;
	PREPARE(t, "writing an invalid doorbell of VF 1", iso_provoke(a));
	if (CHECK(t, iso_trap_sprung(&on_a, WAIT_MS), "an event on VF 1 after its invalid doorbell write", "none"))
		CHECK_EQ(t, "type of the event (0 Error)", NVME_AEN_ERROR, TYPE(on_a.result.dw0));
	CHECK(t, !iso_trap_sprung(&on_b, ISO_EVENT_MS), "no event on VF 2", "DW0 %08Xh", on_b.result.dw0);
	CHECK(t, !iso_trap_sprung(&on_pf, ISO_EVENT_MS), "no event on the PF", "DW0 %08Xh", on_pf.result.dw0);
}

static int enable_notices(struct nvsr_dev *d, bool on)
{
	return nvsr_set_feature(d, NVME_FEAT_ASYNC_EVENT, 0, on ? NVME_AEC_NS_CHANGED : 0, NULL, 0, NULL);
}

/* Both have the namespace; one of them wants to hear of changes. */
static void event_goes_where_enabled(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap on_a = { 0 }, on_b = { 0 };
	struct nvsr_dev *a, *b;
	struct dat_ns ns;

	if (!iso_vfs(t, 0, &a, &b) || !dat_ns(t, true, &ns) || !dat_attach(t, &ns, a) || !dat_attach(t, &ns, b))
		return;
	PREPARE(t, "feature 0Bh of VF 1", enable_notices(a, true));
	clear_event(a, NVME_LOG_CHANGED_NS);
	if (!iso_trap_begin(t, &on_a, a, 1) || !iso_trap_begin(t, &on_b, b, 1))
		return;
	if (!dat_detach(t, &ns, b) || !dat_detach(t, &ns, a))
		return;
	CHECK(t, iso_trap_sprung(&on_a, WAIT_MS), "an event on VF 1, which enabled it", "none");
	CHECK(t, !iso_trap_sprung(&on_b, ISO_EVENT_MS), "no event on VF 2, which did not", "DW0 %08Xh", on_b.result.dw0);
}

/* --- resets ------------------------------------------------------------------------------------------------------- */

static void reset_drops_requests(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap w = { 0 };
	struct nvsr_dev *a = nvsr_t_vf(t, 1);

	if (!a || !fill_up(t, &w, a))
		return;
	iso_trap_end(&w);
	fill_up(t, &w, a);
}

static void reset_spares_siblings(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	_cleanup_trap_ struct iso_trap w = { 0 };
	struct nvsr_dev *a, *b;

	if (!iso_vfs(t, 0, &a, &b) || !iso_trap_begin(t, &w, b, 1))
		return;
	PREPARE(t, name, nvsr_reset(a, how));
	CHECK(t, !iso_trap_sprung(&w, ISO_EVENT_MS), "the request of VF 2 stays outstanding", "DW0 %08Xh after %s of VF 1",
	      w.result.dw0, name);
	if (!w.count)
		return;
	PREPARE(t, "writing an invalid doorbell of VF 2", iso_provoke(b));
	CHECK(t, iso_trap_sprung(&w, WAIT_MS), "the request of VF 2 completes with its next event", "none after %s of VF 1", name);
}

static void ctrl_reset_spares_siblings(struct nvsr_ctx *t) { reset_spares_siblings(t, NVSR_RESET_CTRL, "Controller Reset"); }
static void flr_spares_siblings(struct nvsr_ctx *t) { reset_spares_siblings(t, NVSR_RESET_FLR, "Function Level Reset"); }

/* --- without a request -------------------------------------------------------------------------------------------- */

static void event_waits(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap w = { 0 };
	struct nvsr_dev *a = nvsr_t_vf(t, 1);

	if (!a || !iso_trap_begin(t, &w, a, 0))
		return;
	PREPARE(t, "writing an invalid doorbell", iso_provoke(a));
	nvsr_dev_sleep_ms(a, ISO_EVENT_MS);
	PREPARE(t, "a request", iso_trap_add(&w));
	CHECK(t, iso_trap_sprung(&w, WAIT_MS), "the event waits for a request", "a request after it stays outstanding");
}

static void reset_deletes_events(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap w = { 0 };
	struct nvsr_dev *a = nvsr_t_vf(t, 1);

	if (!a || !iso_trap_begin(t, &w, a, 0))
		return;
	PREPARE(t, "writing an invalid doorbell", iso_provoke(a));
	PREPARE(t, "Controller Reset", nvsr_reset(a, NVSR_RESET_CTRL));
	PREPARE(t, "a request", iso_trap_add(&w));
	CHECK(t, !iso_trap_sprung(&w, ISO_EVENT_MS), "no event from before the reset", "DW0 %08Xh", w.result.dw0);
}

/* A reported event is masked until its log page was read.  The reset ends that too. */
static void reset_ends_masking(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap w = { 0 };
	struct nvsr_dev *a = nvsr_t_vf(t, 1);

	if (!a || !iso_trap_begin(t, &w, a, 1))
		return;
	PREPARE(t, "writing an invalid doorbell", iso_provoke(a));
	if (!iso_trap_sprung(&w, WAIT_MS))
		BROKEN(t, "no event for an invalid doorbell write");
	PREPARE(t, "Controller Reset", nvsr_reset(a, NVSR_RESET_CTRL));
	PREPARE(t, "a request", iso_trap_add(&w));
	PREPARE(t, "writing an invalid doorbell", iso_provoke(a));
	CHECK(t, iso_trap_sprung(&w, WAIT_MS), "an event after the reset", "none: the one before it was not read");
}

static const struct nvsr_test tests[] = {
	{ .id = "limit-is-each-ones", .title = "each VF takes AERL + 1 Asynchronous Event Requests, whatever the others hold",
	  .requirements = REQS("ISO-17"), .needs = NEED, .caught_by = DEFECTS("aer-limit-shared", "aer-limit-ignored"),
	  .run = limit_is_each_ones },
	{ .id = "event-is-its-own", .title = "an event of one VF completes no other controller's request",
	  .requirements = REQS("ISO-17", "ISO-01"), .needs = NEED_PROVOKE | NVSR_NEED(AER),
	  .caught_by = DEFECTS("event-to-siblings", "bad-doorbell-silent"), .run = event_is_its_own },
	{ .id = "event-goes-where-enabled", .title = "of two VFs with a namespace the one that enabled the event gets it",
	  .requirements = REQS("ISO-32", "ISO-17"), .needs = NEED | NVSR_NEED(NS_MGMT) | NVSR_NEED(IO) | NVSR_NEED(NS_CHANGED),
	  .caught_by = DEFECTS("ns-event-without-enable", "event-config-shared", "ns-event-never"),
	  .run = event_goes_where_enabled },
	{ .id = "reset-drops-requests", .title = "a reset drops all requests: as many can be sent again",
	  .requirements = REQS("ISO-17"), .needs = NEED, .caught_by = DEFECTS("aers-survive-reset"),
	  .run = reset_drops_requests },
	{ .id = "controller-reset-spares-siblings", .title = "Controller Reset of a VF leaves requests of VF 2 outstanding",
	  .requirements = REQS("ISO-02", "ISO-17"), .needs = NEED_PROVOKE, .caught_by = DEFECTS("reset-drops-sibling-aers"),
	  .run = ctrl_reset_spares_siblings },
	{ .id = "flr-spares-siblings", .title = "FLR of a VF leaves requests of VF 2 outstanding",
	  .requirements = REQS("ISO-03", "ISO-17"), .needs = NEED_PROVOKE | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("reset-drops-sibling-aers"), .run = flr_spares_siblings },
	{ .id = "event-waits", .title = "an event without an outstanding request is kept for the next one",
	  .requirements = REQS("ISO-18"), .needs = NEED_PROVOKE, .caught_by = DEFECTS("event-lost-without-request"),
	  .run = event_waits },
	{ .id = "reset-deletes-events", .title = "events that wait for a request do not survive a reset",
	  .requirements = REQS("ISO-18"), .needs = NEED_PROVOKE, .caught_by = DEFECTS("events-survive-reset"),
	  .run = reset_deletes_events },
	{ .id = "reset-ends-masking", .title = "an event reported before a reset does not suppress one after it",
	  .requirements = REQS("ISO-18"), .needs = NEED_PROVOKE, .caught_by = DEFECTS("event-mask-survives-reset"),
	  .run = reset_ends_masking },
};
const struct nvsr_group nvsr_isolation_events = NVSR_GROUP("isolation.events", tests);
