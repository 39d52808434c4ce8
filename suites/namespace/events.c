// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.events: Namespace Attribute Changed and the Changed Namespace List, Base 2.0 5.2 and 5.16. */
#include "common.h"

#define NS_CHANGED_EVENT NVME_AEN(NVME_AEN_NOTICE, 0, NVME_LOG_CHANGED_NS)
#define EVENT_MS 200	/* time for an event to arrive; none is promised */

/* A controller with one Asynchronous Event Request outstanding. */
struct watch {
	struct nvsr_dev *dev;
	struct nvsr_req *req;
	struct nvsr_cmd result;
};

/*
 * The request leaves with the controller's reset, which also puts the feature back: a PF in use by later tests must not
 * keep either.
 */
static void watch_end(struct watch *w)
{
	if (w->req)
		nvsr_req_forget(w->req);
	if (w->dev)
		nvsr_reset(w->dev, NVSR_RESET_CTRL);
}
#define _cleanup_watch_ NVSR_CLEANUP(watch_end)

static bool completed(struct nvsr_dev *d, void *arg)
{
	struct watch *w = arg;

	return nvsr_req_done(w->req, &w->result);
}

/* Whether an event arrives; its DW0 is in w->result then, and no request is outstanding. */
static bool event_arrives(struct watch *w)
{
	if (!nvsr_dev_wait(w->dev, EVENT_MS, completed, w))
		return false;
	nvsr_req_forget(w->req);
	w->req = NULL;
	return true;
}

static int read_changed(struct nvsr_dev *d, bool rae, le32_t list[1024])
{
	return nvsr_get_log(d, NVME_LOG_CHANGED_NS, NVME_NSID_ALL, rae, list, 1024 * sizeof(*list));
}

/* One more request; events that were waiting are read away first.  False after recording. */
static bool watch_again(struct nvsr_ctx *t, struct watch *w)
{
	struct nvsr_cmd aer = { .opcode = NVME_ADMIN_AER };
	uint8_t log[4096];
	unsigned tries;
	int rc;

	for (tries = 0; tries < 8; tries++) {
		rc = nvsr_queue_submit(nvsr_queue_admin(w->dev), &aer, &w->req);
		if (rc) {
			nvsr_test_broken(t, __FILE__, __LINE__, "Asynchronous Event Request: %s", nvsr_rc_text(rc));
			return false;
		}
		if (!event_arrives(w))
			return true;
		nvsr_get_log(w->dev, w->result.dw0 >> 16 & 0xff, NVME_NSID_ALL, false, log, sizeof(log));
	}
	nvsr_test_broken(t, __FILE__, __LINE__, "events arrive without end, the last is %08xh", w->result.dw0);
	return false;
}

/* Namespace Attribute Notices on or off, no change unread, one request outstanding.  False after recording. */
static bool watch_begin(struct nvsr_ctx *t, struct watch *w, struct nvsr_dev *d, bool notices)
{
	struct nvme_id_ctrl id;
	le32_t list[1024];
	int rc;

	if (!d)
		return false;
	rc = nvsr_id_ctrl(d, &id);
	if (!rc && !(le32_get(id.oaes) & NVME_OAES_NS_CHANGED)) {
		nvsr_test_skip(t, "%s does not support Namespace Attribute Notices (OAES bit 8)", nvsr_dev_name(d));
		return false;
	}
	w->dev = d;
	if (!rc)
		rc = nvsr_set_feature(d, NVME_FEAT_ASYNC_EVENT, 0, notices ? NVME_AEC_NS_CHANGED : 0, NULL, 0, NULL);
	if (!rc)
		rc = read_changed(d, false, list);
	if (rc) {
		nvsr_test_broken(t, __FILE__, __LINE__, "events of %s: %s", nvsr_dev_name(d), nvsr_rc_text(rc));
		return false;
	}
	return watch_again(t, w);
}

static void expect_event(struct nvsr_ctx *t, struct watch *w, const char *after)
{
	if (CHECK(t, event_arrives(w), "an event for the changed namespaces", "none on %s after %s", nvsr_dev_name(w->dev),
		  after))
		CHECK(t, w->result.dw0 == NS_CHANGED_EVENT, "type 2h Notice, information 00h, log page 04h", "DW0 = %08xh",
		      w->result.dw0);
}

static void expect_none(struct nvsr_ctx *t, struct watch *w, const char *after)
{
	bool arrived = event_arrives(w);

	CHECK(t, !arrived, "no event", "DW0 = %08xh on %s after %s", w->result.dw0, nvsr_dev_name(w->dev), after);
}

/* A shared namespace and the id of VF 1. */
struct target { struct nvsr_dev *vf; uint32_t nsid; uint16_t id; };

static bool target_make(struct nvsr_ctx *t, struct target *g)
{
	int id;

	g->vf = nvsr_t_vf(t, 1);
	g->nsid = g->vf ? nvsr_t_ns(t, 1, true) : 0;
	id = g->nsid ? nsm_cntlid(t, g->vf) : -1;
	g->id = (uint16_t)id;
	return id >= 0;
}

/* --- who gets the event ----------------------------------------------------------------------------------------- */

static void attach_and_detach_notify(struct nvsr_ctx *t)
{
	_cleanup_watch_ struct watch w = { 0 };
	struct target g;
	le32_t list[1024];

	if (!target_make(t, &g) || !watch_begin(t, &w, g.vf, true))
		return;
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, g.nsid, g.id));
	expect_event(t, &w, "attach");
	PREPARE(t, "Changed Namespace List", read_changed(g.vf, false, list));
	if (w.req || !watch_again(t, &w))
		return;
	MUST_OK(t, "detach from the VF", nvsr_ns_detach(t->pf, g.nsid, g.id));
	expect_event(t, &w, "detach");
}

static void silent_when_disabled(struct nvsr_ctx *t)
{
	_cleanup_watch_ struct watch w = { 0 };
	struct target g;

	if (!target_make(t, &g) || !watch_begin(t, &w, g.vf, false))
		return;
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, g.nsid, g.id));
	expect_none(t, &w, "attach with bit 8 of feature 0Bh = 0");
}

static void others_are_not_notified(struct nvsr_ctx *t)
{
	struct nvsr_dev *one = nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 1) : NULL, *two = one ? nvsr_t_vf(t, 2) : NULL;
	_cleanup_watch_ struct watch w = { 0 };
	struct target g;

	if (!two || !target_make(t, &g) || !watch_begin(t, &w, two, true))
		return;
	MUST_OK(t, "attach to VF 1", nvsr_ns_attach(t->pf, g.nsid, g.id));
	expect_none(t, &w, "attach to VF 1");
}

static void delete_notifies_the_others(struct nvsr_ctx *t)
{
	_cleanup_watch_ struct watch on_pf = { 0 }, on_vf = { 0 };
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nsm_create(t, 1, true) : 0;
	int id = nsid ? nsm_cntlid(t, vf) : -1;

	if (id < 0)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, nsid, (uint16_t)id));
	if (!watch_begin(t, &on_vf, vf, true) || !watch_begin(t, &on_pf, t->pf, true))
		return;
	MUST_OK(t, "delete by the PF", nvsr_ns_delete(t->pf, nsid));
	expect_event(t, &on_vf, "delete by the PF");
	expect_none(t, &on_pf, "its own delete");
}

/* --- the list --------------------------------------------------------------------------------------------------- */

static unsigned count_list(const le32_t list[1024])
{
	unsigned n = 0;

	while (n < 1024 && le32_get(list[n]))
		n++;
	return n;
}

static void list_names_the_changes(struct nvsr_ctx *t)
{
	_cleanup_watch_ struct watch w = { 0 };
	uint32_t second, low, high;
	struct target g;
	le32_t list[1024];

	if (!target_make(t, &g) || !watch_begin(t, &w, g.vf, true))
		return;
	second = nvsr_t_ns(t, 1, true);
	if (!second)
		return;
	low = NVSR_MIN(g.nsid, second);
	high = NVSR_MAX(g.nsid, second);
	MUST_OK(t, "attach the higher NSID", nvsr_ns_attach(t->pf, high, g.id));
	MUST_OK(t, "attach the lower NSID", nvsr_ns_attach(t->pf, low, g.id));
	MUST_OK(t, "log page 04h", read_changed(g.vf, false, list));
	CHECK(t, count_list(list) == 2 && le32_get(list[0]) == low && le32_get(list[1]) == high,
	      "both NSIDs in ascending order, then 0", "%u entries: %u, %u", count_list(list), le32_get(list[0]),
	      le32_get(list[1]));
	MUST_OK(t, "log page 04h again", read_changed(g.vf, false, list));
	CHECK_EQ(t, "changes since the last read", 0, count_list(list));
	MUST_OK(t, "detach the lower NSID", nvsr_ns_detach(t->pf, low, g.id));
	MUST_OK(t, "log page 04h after detach", read_changed(g.vf, false, list));
	CHECK(t, count_list(list) == 1 && le32_get(list[0]) == low, "the detached NSID", "%u entries, the first is %u",
	      count_list(list), le32_get(list[0]));
}

static void list_is_per_controller(struct nvsr_ctx *t)
{
	struct nvsr_dev *one = nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 1) : NULL, *two = one ? nvsr_t_vf(t, 2) : NULL;
	_cleanup_watch_ struct watch w = { 0 };
	struct target g;
	le32_t list[1024];

	if (!two || !target_make(t, &g) || !watch_begin(t, &w, two, true))
		return;
	MUST_OK(t, "attach to VF 1", nvsr_ns_attach(t->pf, g.nsid, g.id));
	MUST_OK(t, "log page 04h on VF 2", read_changed(two, false, list));
	CHECK_EQ(t, "changes on VF 2", 0, count_list(list));
}

/* A reported event is masked until its log page is read with RAE = 0: one event for two changes, then the next. */
static void reading_clears_the_event(struct nvsr_ctx *t)
{
	_cleanup_watch_ struct watch w = { 0 };
	struct target g;
	le32_t list[1024];

	if (!target_make(t, &g) || !watch_begin(t, &w, g.vf, true))
		return;
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, g.nsid, g.id));
	MUST(t, event_arrives(&w), "an event after attach", "none");
	PREPARE(t, "Asynchronous Event Request", nvsr_queue_submit(nvsr_queue_admin(g.vf), &(struct nvsr_cmd){
		.opcode = NVME_ADMIN_AER }, &w.req));
	MUST_OK(t, "log page 04h with RAE = 1", read_changed(g.vf, true, list));
	MUST_OK(t, "detach from the VF", nvsr_ns_detach(t->pf, g.nsid, g.id));
	expect_none(t, &w, "detach, with the first event not cleared");
	if (!w.req)
		return;
	MUST_OK(t, "log page 04h with RAE = 0", read_changed(g.vf, false, list));
	if (event_arrives(&w)) {	/* the detach waited for this moment: allowed, and cleared the same way */
		MUST_OK(t, "log page 04h with RAE = 0", read_changed(g.vf, false, list));
		if (!watch_again(t, &w))
			return;
	}
	MUST_OK(t, "attach again", nvsr_ns_attach(t->pf, g.nsid, g.id));
	expect_event(t, &w, "attach, with the earlier event cleared");
}

/* Not stated: the list may be empty after a read that retains the event. */
static void retained_event_keeps_the_list(struct nvsr_ctx *t)
{
	_cleanup_watch_ struct watch w = { 0 };
	struct target g;
	le32_t list[1024];

	if (!target_make(t, &g) || !watch_begin(t, &w, g.vf, true))
		return;
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, g.nsid, g.id));
	MUST_OK(t, "log page 04h with RAE = 1", read_changed(g.vf, true, list));
	MUST_OK(t, "log page 04h with RAE = 0", read_changed(g.vf, false, list));
	CHECK_EQ(t, "changes in the list after a read with RAE = 1", 1, count_list(list));
}

#define NEED (NSM_NEED_VF | NVSR_NEED(VF_AER) | NVSR_NEED(NS_CHANGED) | NVSR_NEED(CTRL_RESET))
static const struct nvsr_test tests[] = {
	{ .id = "attach-and-detach-notify",
	  .title = "attach and detach send an event to the VF", .requirements = REQS("NSM-47"),
	  .needs = NEED, .caught_by = DEFECTS("ns-event-never", "ns-event-only-to-pf", "ns-event-not-on-detach",
						   "ns-event-wrong-lid"),
	  .run = attach_and_detach_notify },
	{ .id = "silent-when-disabled", .title = "no event with Namespace Attribute Notices disabled",
	  .requirements = REQS("NSM-47"), .needs = NEED, .caught_by = DEFECTS("ns-event-without-enable"),
	  .run = silent_when_disabled },
	{ .id = "others-are-not-notified", .title = "no event on a VF whose namespaces did not change",
	  .requirements = REQS("NSM-47"), .needs = NEED | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("ns-event-to-everybody"),
	  .run = others_are_not_notified },
	{ .id = "delete-notifies-the-others",
	  .title = "delete sends the event to other controllers, not to the deleting one",
	  .requirements = REQS("NSM-48"), .needs = NEED | NVSR_NEED(AER),
	  .caught_by = DEFECTS("ns-event-only-to-pf", "ns-event-to-deleter"),
	  .run = delete_notifies_the_others },
	{ .id = "list-names-the-changes", .title = "the Changed Namespace List has what changed since it was read",
	  .requirements = REQS("NSM-50"), .needs = NEED,
	  .caught_by = DEFECTS("changed-list-not-cleared", "changed-list-empty"),
	  .run = list_names_the_changes },
	{ .id = "list-is-per-controller", .title = "the Changed Namespace List has only changes of its controller",
	  .requirements = REQS("NSM-50"), .needs = NEED | NVSR_NEED(TWO_VFS), .caught_by = DEFECTS("changed-list-shared"),
	  .run = list_is_per_controller },
	{ .id = "reading-clears-the-event", .title = "an event is masked until its log page is read with RAE = 0",
	  .requirements = REQS("NSM-50"), .needs = NEED, .caught_by = DEFECTS("event-not-cleared", "rae-ignored"),
	  .run = reading_clears_the_event },
	{ .id = "retained-event-keeps-the-list",
	  .title = "a read with RAE = 1 leaves the Changed Namespace List as it is",
	  .requirements = REQS("NSM-51"), .needs = NEED, .caught_by = DEFECTS("changed-list-cleared-by-rae"),
	  .run = retained_event_keeps_the_list },
};

const struct nvsr_group nvsr_namespace_events = NVSR_GROUP("namespace.events", tests);
