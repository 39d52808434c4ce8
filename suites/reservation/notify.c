// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.notify: who is told what, log page 80h, its event and its mask.  Base 2.0 8.19, 5.16, 5.27 feature 82h. */
#include "resv.h"

#define EVENT_MS 200	/* time for an event to arrive; none is promised */
#define REGPRE (1u << NVME_RNLPT_REG_PREEMPTED)
#define RESREL (1u << NVME_RNLPT_RELEASED)
#define RESPRE (1u << NVME_RNLPT_RESV_PREEMPTED)

static const char *const kinds[] = {
	"no notification", "Registration Preempted", "Reservation Released", "Reservation Preempted",
};

static const char *kind_name(unsigned kind)
{
	return kind < NVSR_ARRAY_SIZE(kinds) ? kinds[kind] : "a reserved type";
}

/* One notification of host @i, read and removed.  False after recording. */
static bool next_log(struct rsv *r, unsigned i, struct nvme_resv_log *ret)
{
	return CHECK_OK(r->t, rsv_text("log page 80h on %s", r->h[i].name),
			nvsr_get_log(r->h[i].dev, NVME_LOG_RESERVATION, NVME_NSID_ALL, false, ret, sizeof(*ret)));
}

/* The next notification of host @i is of this kind; NVME_RNLPT_EMPTY: there is none. */
static bool expect_log(struct rsv *r, const char *after, unsigned i, unsigned kind)
{
	struct nvme_resv_log log = { 0 };

	return next_log(r, i, &log) &&
	       CHECK(r->t, log.rnlpt == kind, rsv_text("%s on %s", kind_name(kind), r->h[i].name), "%s after %s",
		     kind_name(log.rnlpt), after) &&
	       (kind == NVME_RNLPT_EMPTY ||
		CHECK(r->t, le32_get(log.nsid) == r->nsid, "the NSID of the namespace", "NSID %xh, not %xh",
		      le32_get(log.nsid), r->nsid));
}

/* What hosts 0, 1 and 2 get for one action, and then nothing more. */
static void expect_logs(struct rsv *r, const char *after, unsigned first, unsigned second, unsigned third)
{
	const unsigned kind[RSV_HOSTS_MAX] = { first, second, third };

	for (unsigned i = 0; i < r->n; i++) {
		expect_log(r, after, i, kind[i]);
		if (kind[i])
			expect_log(r, rsv_text("%s, which was read", after), i, NVME_RNLPT_EMPTY);
	}
}

/* --- who is told ----------------------------------------------------------------------------------------------- */

/* VF 1 holds, VF 2 is preempted by the PF. */
static void registration_preempted(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WERO, 3))
		return;
	MUST_OK(t, "the PF preempts VF 2",
		rsv_acquire(t->pf, r.nsid, NVME_RACQA_PREEMPT | RSV_RTYPE(NVME_RESV_WERO), r.h[2].key, r.h[1].key));
	expect_logs(&r, "preempt of a registrant", NVME_RNLPT_EMPTY, NVME_RNLPT_REG_PREEMPTED, NVME_RNLPT_EMPTY);
}

/* VF 2 takes reservation and registration from VF 1; the type stays. */
static void holder_preempted(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WE, 2))
		return;
	MUST_OK(t, "VF 2 preempts VF 1",
		rsv_acquire(r.h[1].dev, r.nsid, NVME_RACQA_PREEMPT | RSV_RTYPE(NVME_RESV_WE), r.h[1].key, r.h[0].key));
	expect_logs(&r, "preempt of the holder", NVME_RNLPT_REG_PREEMPTED, NVME_RNLPT_EMPTY, NVME_RNLPT_EMPTY);
}

/* The other registrants learn of a Release, but not for the types where they would gain nothing by being registrants. */
static void reservation_released(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		if (!rsv_has(&r, type))
			continue;
		if (!rsv_scene(&r, type, 2))
			return;
		MUST_OK(t, "Release by VF 1", rsv_release(r.h[0].dev, r.nsid, RSV_RTYPE(type), r.h[0].key));
		expect_logs(&r, rsv_text("Release of %s", rsv_type_name(type)), NVME_RNLPT_EMPTY,
			    type >= NVME_RESV_WERO ? NVME_RNLPT_RELEASED : NVME_RNLPT_EMPTY, NVME_RNLPT_EMPTY);
		if (!rsv_leave(&r, 0) || !rsv_leave(&r, 1))
			return;
		expect_logs(&r, "the end of all registrations", NVME_RNLPT_EMPTY, NVME_RNLPT_EMPTY, NVME_RNLPT_EMPTY);
	}
}

static void holder_unregisters(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WERO, 2) || !rsv_leave(&r, 0))
		return;
	expect_logs(&r, "the holder unregistered", NVME_RNLPT_EMPTY, NVME_RNLPT_RELEASED, NVME_RNLPT_EMPTY);
}

static void reservation_preempted(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WE, 2) || !rsv_clear(&r, 1))
		return;
	expect_logs(&r, "Clear by VF 2", NVME_RNLPT_RESV_PREEMPTED, NVME_RNLPT_EMPTY, NVME_RNLPT_EMPTY);
}

/* --- the log --------------------------------------------------------------------------------------------------- */

/* One notification for host 1 (VF 2): WERO is acquired and released by host 0. */
static bool notify_once(struct rsv *r)
{
	return rsv_hold(r, 0, NVME_RESV_WERO) &&
	       CHECK_OK(r->t, "Release by VF 1",
			rsv_release(r->h[0].dev, r->nsid, RSV_RTYPE(NVME_RESV_WERO), r->h[0].key));
}

static void empty_log_is_zero(struct nvsr_ctx *t)
{
	static const struct nvme_resv_log zero = { 0 };
	_cleanup_rsv_ struct rsv r = { 0 };
	struct nvme_resv_log log;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0) || !rsv_join(&r, 1))
		return;
	memset(&log, 0xff, sizeof(log));
	if (next_log(&r, 1, &log))
		CHECK(t, !memcmp(&log, &zero, sizeof(log)), "64 zero bytes without notifications",
		      "LPC %llu, type %u, NSID %xh", (unsigned long long)le64_get(log.lpc), log.rnlpt, le32_get(log.nsid));
	if (!notify_once(&r) || !expect_log(&r, "Release", 1, NVME_RNLPT_RELEASED) || !next_log(&r, 1, &log))
		return;
	CHECK(t, !memcmp(&log, &zero, sizeof(log)), "64 zero bytes after the last notification was read",
	      "LPC %llu, type %u, NSID %xh", (unsigned long long)le64_get(log.lpc), log.rnlpt, le32_get(log.nsid));
}

#define PAGES 3u

static void log_counts(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct nvme_resv_log log;
	uint64_t lpc = 0;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0) || !rsv_join(&r, 1))
		return;
	for (unsigned i = 0; i < PAGES; i++)
		if (!notify_once(&r))
			return;
	for (unsigned i = 0; i < PAGES; i++) {
		if (!next_log(&r, 1, &log))
			return;
		CHECK_EQ(t, rsv_text("type of notification %u", i + 1), NVME_RNLPT_RELEASED, log.rnlpt);
		CHECK_EQ(t, rsv_text("NALP of notification %u", i + 1), PAGES - 1 - i, log.nalp);
		CHECK(t, i == 0 || le64_get(log.lpc) == lpc + 1, "LPC is one more than before", "%llu after %llu",
		      (unsigned long long)le64_get(log.lpc), (unsigned long long)lpc);
		lpc = le64_get(log.lpc);
	}
}

static void reset_restarts_the_log(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct nvme_resv_log first, log;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0) || !rsv_join(&r, 1) || !notify_once(&r) || !notify_once(&r) ||
	    !notify_once(&r) || !next_log(&r, 1, &first))
		return;
	PREPARE(t, "Controller Reset of VF 2", nvsr_reset(r.h[1].dev, NVSR_RESET_CTRL));
	PREPARE(t, "Host Identifier of VF 2", rsv_set_host_id(r.h[1].dev, r.wide, r.h[1].id));
	expect_log(&r, "Controller Reset", 1, NVME_RNLPT_EMPTY);
	if (!notify_once(&r) || !next_log(&r, 1, &log))
		return;
	CHECK_EQ(t, "LPC of the first notification after Controller Reset", le64_get(first.lpc), le64_get(log.lpc));
}

/* --- the event ------------------------------------------------------------------------------------------------- */

/* A controller with one Asynchronous Event Request outstanding; its reset takes the request away. */
struct watch {
	struct nvsr_dev *dev;
	struct nvsr_req *req;
	struct nvsr_cmd result;
};

static void watch_end(struct watch *w)
{
	if (w->req)
		nvsr_req_forget(w->req);
	if (w->dev)
		nvsr_reset(w->dev, NVSR_RESET_CTRL);
}
#define _cleanup_watch_ NVSR_CLEANUP(watch_end)

static int watch_begin(struct watch *w, struct nvsr_dev *d)
{
	struct nvsr_cmd aer = { .opcode = NVME_ADMIN_AER };

	w->dev = d;
	return nvsr_queue_submit(nvsr_queue_admin(d), &aer, &w->req);
}

static bool completed(struct nvsr_dev *d, void *arg)
{
	struct watch *w = arg;

	return nvsr_req_done(w->req, &w->result);
}

static bool event_arrives(struct watch *w)
{
	if (!nvsr_dev_wait(w->dev, EVENT_MS, completed, w))
		return false;
	nvsr_req_forget(w->req);
	w->req = NULL;
	return true;
}

static void event_to_the_registrant(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_watch_ struct watch on_one = { 0 }, on_two = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0) || !rsv_join(&r, 1))
		return;
	PREPARE(t, "Asynchronous Event Request on VF 1", watch_begin(&on_one, r.h[0].dev));
	PREPARE(t, "Asynchronous Event Request on VF 2", watch_begin(&on_two, r.h[1].dev));
	if (!notify_once(&r))
		return;
	if (CHECK(t, event_arrives(&on_two), "an event on the other registrant", "none on VF 2 after Release"))
		CHECK(t, on_two.result.dw0 == RSV_EVENT, "type 6h, information 00h, log page 80h", "DW0 = %08xh",
		      on_two.result.dw0);
	CHECK(t, !event_arrives(&on_one), "no event on the host that released", "DW0 = %08xh on VF 1", on_one.result.dw0);
	expect_log(&r, "the event", 1, NVME_RNLPT_RELEASED);
}

/* --- feature 82h ----------------------------------------------------------------------------------------------- */

static int set_mask(struct rsv *r, uint32_t nsid, uint32_t mask)
{
	return nvsr_set_feature(r->h[1].dev, NVME_FEAT_RESV_MASK, nsid, mask, NULL, 0, NULL);
}

static void expect_mask(struct rsv *r, const char *when, unsigned i, uint32_t want)
{
	uint32_t dw0 = 0;

	if (CHECK_OK(r->t, rsv_text("%s: Get Features 82h on %s", when, r->h[i].name),
		     nvsr_get_feature(r->h[i].dev, NVME_FEAT_RESV_MASK, r->nsid, 0, NULL, 0, &dw0)))
		CHECK_EQ(r->t, rsv_text("%s: bits 3:1 on %s", when, r->h[i].name), want, dw0 & (REGPRE | RESREL | RESPRE));
}

/* The mask is a feature of the namespace: every controller reads what one set. */
static void mask_reads_back(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	uint32_t dw0;

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	expect_mask(&r, "by default", 1, 0);
	for (uint32_t mask = REGPRE; mask <= RESPRE; mask <<= 1) {
		MUST_OK(t, rsv_text("Set Features 82h with %xh", mask), set_mask(&r, r.nsid, mask));
		expect_mask(&r, rsv_text("after Set Features with %xh", mask), 1, mask);
		expect_mask(&r, rsv_text("after Set Features with %xh on VF 2", mask), 2, mask);
	}
	CHECK_STATUS(t, "Get Features 82h with NSID FFFFFFFFh", NVME_SC_INVALID_FIELD,
		     nvsr_get_feature(r.h[1].dev, NVME_FEAT_RESV_MASK, NVME_NSID_ALL, 0, NULL, 0, &dw0));
	MUST_OK(t, "Set Features 82h with NSID FFFFFFFFh", set_mask(&r, NVME_NSID_ALL, REGPRE | RESREL | RESPRE));
	expect_mask(&r, "after Set Features for all namespaces", 1, REGPRE | RESREL | RESPRE);
}

/* Each kind of notification once for host 1, which is a registrant before and after; the next one is @kind or none. */
static bool cause(struct rsv *r, unsigned kind)
{
	struct rsv_host *a = &r->h[0], *b = &r->h[1];

	if (!rsv_join(r, 0) || !rsv_join(r, 1))
		return false;
	switch (kind) {
	case NVME_RNLPT_REG_PREEMPTED:
		return CHECK_OK(r->t, "VF 1 preempts VF 2",
				rsv_acquire(a->dev, r->nsid, NVME_RACQA_PREEMPT | RSV_RTYPE(NVME_RESV_WE), a->key, b->key)) &&
		       rsv_leave(r, 0);
	case NVME_RNLPT_RELEASED:
		return notify_once(r) && rsv_leave(r, 0) && rsv_leave(r, 1);
	default:
		return rsv_clear(r, 0);
	}
}

static void mask_by_kind(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned masked = NVME_RNLPT_REG_PREEMPTED; masked <= NVME_RNLPT_RESV_PREEMPTED; masked++) {
		MUST_OK(t, "Set Features 82h", set_mask(&r, r.nsid, 1u << masked));
		for (unsigned kind = NVME_RNLPT_REG_PREEMPTED; kind <= NVME_RNLPT_RESV_PREEMPTED; kind++) {
			if (!cause(&r, kind))
				return;
			expect_log(&r, rsv_text("%s with %s masked", kind_name(kind), kind_name(masked)), 1,
				   kind == masked ? NVME_RNLPT_EMPTY : kind);
		}
	}
}

static void masked_sends_no_event(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_watch_ struct watch w = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0) || !rsv_join(&r, 1))
		return;
	MUST_OK(t, "Set Features 82h", set_mask(&r, r.nsid, RESREL));
	PREPARE(t, "Asynchronous Event Request on VF 2", watch_begin(&w, r.h[1].dev));
	if (!notify_once(&r))
		return;
	CHECK(t, !event_arrives(&w), "no event with Reservation Released masked", "DW0 = %08xh on VF 2", w.result.dw0);
}

#define EVENTS (NVSR_NEED(AER) | NVSR_NEED(CTRL_RESET))
static const struct nvsr_test tests[] = {
	{ .id = "registration-preempted", .title = "Registration Preempted goes to the preempted host, to no other",
	  .requirements = REQS("RSV-36"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("resv-notice-missing", "resv-notice-to-others"), .run = registration_preempted },
	{ .id = "holder-preempted", .title = "Registration Preempted goes to the holder that was preempted",
	  .requirements = REQS("RSV-36"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("resv-notice-missing", "resv-notice-to-others"), .run = holder_preempted },
	{ .id = "reservation-released",
	  .title = "Reservation Released goes to the other registrants, for Registrants Only and All Registrants types",
	  .requirements = REQS("RSV-36"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("resv-notice-missing", "resv-notice-of-exclusive", "resv-notice-to-issuer",
			       "resv-notice-to-others"), .run = reservation_released },
	{ .id = "holder-unregisters", .title = "Reservation Released follows when the holder unregisters",
	  .requirements = REQS("RSV-36"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("resv-notice-missing", "resv-notice-to-others"), .run = holder_unregisters },
	{ .id = "reservation-preempted", .title = "Reservation Preempted goes to the hosts that Clear removed",
	  .requirements = REQS("RSV-36"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("resv-notice-missing", "resv-notice-to-issuer", "resv-notice-to-others"),
	  .run = reservation_preempted },
	{ .id = "empty-log-is-zero", .title = "log page 80h is all zero while there is no notification",
	  .requirements = REQS("RSV-35"), .needs = RSV_2VF, .caught_by = DEFECTS("resv-log-not-consumed"),
	  .run = empty_log_is_zero },
	{ .id = "log-counts", .title = "each read removes one notification; LPC and NALP count them",
	  .requirements = REQS("RSV-35"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("resv-log-count-stuck", "resv-log-nalp-zero", "resv-log-not-consumed",
			       "resv-log-read-drops-all"), .run = log_counts },
	{ .id = "reset-restarts-the-log", .title = "after a Controller Reset the log is empty and LPC starts again",
	  .requirements = REQS("RSV-35"), .needs = RSV_2VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("resv-log-survives-reset"), .run = reset_restarts_the_log },
	{ .id = "event-to-the-registrant", .title = "a notification sends its event to the controllers of its host",
	  .requirements = REQS("RSV-36"), .needs = RSV_2VF | EVENTS,
	  .caught_by = DEFECTS("resv-notice-missing", "resv-notice-to-issuer", "resv-notice-to-others",
			       "resv-notice-without-event"), .run = event_to_the_registrant },
	{ .id = "mask-reads-back", .title = "feature 82h reads as it was set, and is not read with NSID FFFFFFFFh",
	  .requirements = REQS("RSV-34"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("resv-mask-per-controller", "set-all-refused", "get-all-accepted"),
	  .run = mask_reads_back },
	{ .id = "mask-by-kind", .title = "each bit of feature 82h masks its own kind of notification",
	  .requirements = REQS("RSV-34"), .needs = RSV_2VF, .caught_by = DEFECTS("resv-mask-ignored"),
	  .run = mask_by_kind },
	{ .id = "masked-sends-no-event", .title = "a masked notification sends no event",
	  .requirements = REQS("RSV-34"), .needs = RSV_2VF | EVENTS, .caught_by = DEFECTS("resv-mask-ignored"),
	  .run = masked_sends_no_event },
};

const struct nvsr_group nvsr_reservation_notify = NVSR_GROUP("reservation.notify", tests);
