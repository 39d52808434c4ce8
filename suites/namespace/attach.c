// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.attach: Namespace Attachment, Base 2.0 5.22. */
#include "common.h"

/* PF and secondaries of VF 1 and 2 in ascending order, as a controller list wants them. */
static bool three_controllers(struct nvsr_ctx *t, uint16_t id[3])
{
	int one = nsm_second(t, 1), two = one < 0 ? -1 : nsm_second(t, 2);

	if (two < 0)
		return false;
	id[0] = nvsr_t_pcid(t);
	id[1] = (uint16_t)one;
	id[2] = (uint16_t)two;
	qsort(id, 3, sizeof(*id), nsm_cmp_id);
	return true;
}

/* An id that no controller has: above everything in CNS 13h (FFF0h and above are reserved).  0 after recording. */
static uint16_t unknown_id(struct nvsr_ctx *t)
{
	struct nvme_ctrl_list list;
	uint16_t id = 0xffef;
	unsigned i;
	int rc = nvsr_identify(t->pf, NVME_CNS_SUBSYS_CTRLS, 0, 0, &list);

	if (rc) {
		nvsr_test_broken(t, __FILE__, __LINE__, "CNS 13h: %s", nvsr_rc_text(rc));
		return 0;
	}
	for (i = NVSR_MIN(le16_get(list.num), 2047u); i-- && le16_get(list.id[i]) == id;)
		id--;
	return id;
}

static void list_of_controllers(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	uint16_t id[3];

	if (!nsid || !three_controllers(t, id))
		return;
	MUST_OK(t, "attach to three controllers", nsm_attachment(t->pf, nsid, NVME_NS_ATTACH, 3, id, 3));
	CHECK_CTRLS(t, nsid, "after one attach of three", id[0], id[1], id[2]);
	MUST_OK(t, "detach from two of them", nsm_attachment(t->pf, nsid, NVME_NS_DETACH, 2, id, 2));
	CHECK_CTRLS(t, nsid, "after one detach of two", id[2]);
	CHECK_OK(t, "detach from the last", nsm_attachment(t->pf, nsid, NVME_NS_DETACH, 1, id + 2, 1));
	CHECK_NO_CTRLS(t, nsid, "after the last detach");
}

static void entries_beyond_the_count_are_ignored(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	uint16_t id[3];

	if (!nsid || !three_controllers(t, id))
		return;
	MUST_OK(t, "attach with count 1 and three ids", nsm_attachment(t->pf, nsid, NVME_NS_ATTACH, 1, id, 3));
	CHECK_CTRLS(t, nsid, "after attach with count 1", id[0]);
}

static void attach_twice(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	uint16_t pcid = nvsr_t_pcid(t);

	if (!nsid)
		return;
	MUST_OK(t, "attach", nvsr_ns_attach(t->pf, nsid, pcid));
	CHECK_STATUS(t, "attach again", NVME_SC_NS_ALREADY_ATTACHED, nvsr_ns_attach(t->pf, nsid, pcid));
	CHECK_CTRLS(t, nsid, "after the second attach", pcid);
}

static void private_stays_private(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, false);
	int scid = nsid ? nsm_second(t, 1) : -1;
	uint16_t pcid = nvsr_t_pcid(t);

	if (scid < 0)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, pcid));
	CHECK_STATUS(t, "attach to a second controller", NVME_SC_NS_IS_PRIVATE,
		     nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	CHECK_CTRLS(t, nsid, "after the refused attach", pcid);
	MUST_OK(t, "detach from the PF", nvsr_ns_detach(t->pf, nsid, pcid));
	CHECK_OK(t, "attach to the second controller after detach", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	CHECK_CTRLS(t, nsid, "after the second attach", (uint16_t)scid);
}

static void detach_needs_attachment(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	int scid = nsid ? nsm_second(t, 1) : -1;
	uint16_t pcid = nvsr_t_pcid(t);

	if (scid < 0)
		return;
	CHECK_STATUS(t, "detach of an unattached namespace", NVME_SC_NS_NOT_ATTACHED, nvsr_ns_detach(t->pf, nsid, pcid));
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, pcid));
	CHECK_STATUS(t, "detach from another controller", NVME_SC_NS_NOT_ATTACHED,
		     nvsr_ns_detach(t->pf, nsid, (uint16_t)scid));
	CHECK_CTRLS(t, nsid, "after the refused detach", pcid);
}

static void empty_list_is_invalid(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	uint16_t pcid = nvsr_t_pcid(t);

	if (!nsid)
		return;
	CHECK_STATUS(t, "attach with count 0", NVME_SC_CTRL_LIST_INVALID,
		     nsm_attachment(t->pf, nsid, NVME_NS_ATTACH, 0, &pcid, 1));
	CHECK_NO_CTRLS(t, nsid, "after attach with count 0");
}

static void long_list_is_invalid(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	uint16_t id[2047];
	unsigned i;

	if (!nsid)
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(id); i++)
		id[i] = nvsr_t_pcid(t);
	CHECK_STATUS(t, "attach with count 2048", NVME_SC_CTRL_LIST_INVALID,
		     nsm_attachment(t->pf, nsid, NVME_NS_ATTACH, 2048, id, NVSR_ARRAY_SIZE(id)));
	CHECK_NO_CTRLS(t, nsid, "after attach with count 2048");
}

static void unknown_controller_is_invalid(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	uint16_t id = nsid ? unknown_id(t) : 0;

	if (!id)
		return;
	CHECK_STATUS(t, "attach to an id that no controller has", NVME_SC_CTRL_LIST_INVALID,
		     nvsr_ns_attach(t->pf, nsid, id));
	CHECK_NO_CTRLS(t, nsid, "after the refused attach");
}

/* The second of three controllers is attached already: an attach to all three fails there. */
static uint32_t fail_in_the_middle(struct nvsr_ctx *t, uint16_t id[3])
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);

	if (!nsid || !three_controllers(t, id) ||
	    !CHECK_OK(t, "attach to the second controller", nvsr_ns_attach(t->pf, nsid, id[1])) ||
	    !CHECK_STATUS(t, "attach to all three", NVME_SC_NS_ALREADY_ATTACHED,
			  nsm_attachment(t->pf, nsid, NVME_NS_ATTACH, 3, id, 3)))
		return 0;
	return nsid;
}

static void error_ends_the_list(struct nvsr_ctx *t)
{
	uint16_t id[3];
	uint32_t nsid = fail_in_the_middle(t, id);

	if (nsid)
		CHECK_CTRLS(t, nsid, "entries before the failing one have effect, entries after it have not", id[0], id[1]);
}

static void error_tells_the_entry(struct nvsr_ctx *t)
{
	struct nvme_error_log_entry log;
	uint16_t id[3];

	if (!fail_in_the_middle(t, id))
		return;
	MUST_OK(t, "Error Information log", nvsr_get_log(t->pf, NVME_LOG_ERROR, NVME_NSID_ALL, false, &log, sizeof(log)));
	CHECK_EQ(t, "status in the newest error log entry", NVME_SC_NS_ALREADY_ATTACHED, le16_get(log.status) >> 1 & 0x7ff);
	CHECK_EQ(t, "Command Specific Information: byte offset of the second entry", 4, le64_get(log.cs_info));
}

/* 0/02h is a "should": 0/0Bh is as good.  Success would attach every namespace. */
static void broadcast_is_refused(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);

	if (!nsid)
		return;
	CHECK_STATUS_IN(t, "attach of NSID FFFFFFFFh", nvsr_ns_attach(t->pf, NVME_NSID_ALL, nvsr_t_pcid(t)),
			NVME_SC_INVALID_FIELD, NVME_SC_INVALID_NS);
	CHECK_NO_CTRLS(t, nsid, "after the refused attach");
}

/* --- limits ----------------------------------------------------------------------------------------------------- */

#define MOST 1024u	/* attachments that the test is ready to make */

/* Attachments that exist now, of one controller (@cntlid) or of all (-1). */
static uint64_t attachments(struct nvsr_ctx *t, int cntlid)
{
	_cleanup_free_ uint32_t *ns = calloc(MOST, sizeof(*ns));
	struct nvme_ctrl_list list;
	uint64_t sum = 0;
	unsigned n = 0, i, j;

	if (!ns || nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, ns, MOST, &n))
		return 0;
	for (i = 0; i < n; i++) {
		if (nvsr_identify(t->pf, NVME_CNS_NS_CTRLS, ns[i], 0, &list))
			continue;
		for (j = 0; j < le16_get(list.num) && j < 2047; j++)
			sum += cntlid < 0 || le16_get(list.id[j]) == cntlid;
	}
	return sum;
}

/*
 * Attach new namespaces to each of @id until an attach fails or @most succeeded.  The number made, with the last status;
 * -1 after recording that there are not enough namespaces.
 */
static int64_t attach_until(struct nvsr_ctx *t, const uint16_t *id, unsigned ids, uint64_t most, int *ret_status)
{
	uint64_t made = 0;
	uint32_t nsid;
	unsigned i;

	while ((nsid = nsm_create(t, 1, true)))
		for (i = 0; i < ids; i++, made++) {
			*ret_status = made < most ? nvsr_ns_attach(t->pf, nsid, id[i]) : 0;
			if (*ret_status || made == most)
				return (int64_t)made;
		}
	return -1;
}

static void controller_limit(struct nvsr_ctx *t)
{
	uint64_t limit = le32_get(t->inv->id.maxcna), before;
	int scid = nsm_second(t, 1), status = 0;
	uint16_t id = (uint16_t)scid;
	int64_t made;

	if (scid < 0)
		return;
	if (!limit || limit > MOST)
		SKIP(t, limit ? "MAXCNA is larger than %u" : "MAXCNA is 0: no limit (below %u)", MOST);
	before = attachments(t, scid);
	made = attach_until(t, &id, 1, limit + 1, &status);
	if (made < 0)
		return;
	CHECK_STATUS(t, "attach beyond MAXCNA", NVME_SC_ATTACH_LIMIT, status);
	CHECK_EQ(t, "attachments of the controller before the limit", limit, before + (uint64_t)made);
}

static void domain_limit(struct nvsr_ctx *t)
{
	uint64_t limit = le128_get(t->inv->id.maxdna, NULL), per_ctrl = le32_get(t->inv->id.maxcna), before, most = 0;
	uint16_t id[3];
	int64_t made;
	int status = 0;
	unsigned i;

	if (!limit || limit > MOST)
		SKIP(t, limit ? "MAXDNA is larger than %u" : "MAXDNA is 0: no limit (below %u)", MOST);
	if (!three_controllers(t, id))
		return;
	before = attachments(t, -1);
	for (i = 0; i < 3 && per_ctrl; i++)
		most += per_ctrl - NVSR_MIN(per_ctrl, attachments(t, id[i]));
	if (per_ctrl && before + most <= limit)
		SKIP(t, "three controllers take %llu attachments, MAXDNA is %llu", (unsigned long long)(before + most),
		     (unsigned long long)limit);
	made = attach_until(t, id, 3, limit + 1, &status);
	if (made < 0)
		return;
	CHECK_STATUS(t, "attach beyond MAXDNA", NVME_SC_ATTACH_LIMIT, status);
	CHECK_EQ(t, "attachments of the domain before the limit", limit, before + (uint64_t)made);
}

#define NS NSM_NEED
#define THREE (NSM_NEED_SECOND | NVSR_NEED(TWO_VFS))
static const struct nvsr_test tests[] = {
	{ .id = "list-of-controllers",
	  .title = "one command attaches to, and detaches from, every controller of its list",
	  .requirements = REQS("NSM-33"), .needs = THREE, .caught_by = DEFECTS("attach-only-first-entry"),
	  .run = list_of_controllers },
	{ .id = "entries-beyond-the-count-are-ignored", .title = "only the counted entries of the list are used",
	  .requirements = REQS("NSM-33"), .needs = THREE, .caught_by = DEFECTS("attach-ignores-count"),
	  .run = entries_beyond_the_count_are_ignored },
	{ .id = "attach-twice", .title = "attach to an attached controller aborts 1/18h", .requirements = REQS("NSM-34"),
	  .needs = NS, .caught_by = DEFECTS("attach-twice-succeeds"), .run = attach_twice },
	{ .id = "private-stays-private", .title = "a private namespace is attached to one controller at most",
	  .requirements = REQS("NSM-35"), .needs = NSM_NEED_SECOND,
	  .caught_by = DEFECTS("private-ns-shared", "private-stays-with-first"),
	  .run = private_stays_private },
	{ .id = "detach-needs-attachment", .title = "detach from a controller that is not attached aborts 1/1Ah",
	  .requirements = REQS("NSM-36"), .needs = NSM_NEED_SECOND, .caught_by = DEFECTS("detach-unattached-succeeds"),
	  .run = detach_needs_attachment },
	{ .id = "empty-list-is-invalid", .title = "a controller list with count 0 aborts 1/1Ch",
	  .requirements = REQS("NSM-37"), .needs = NS, .caught_by = DEFECTS("attach-empty-list-succeeds"),
	  .run = empty_list_is_invalid },
	{ .id = "long-list-is-invalid", .title = "a controller list with count 2048 aborts 1/1Ch",
	  .requirements = REQS("NSM-37"), .needs = NS, .caught_by = DEFECTS("attach-list-truncated"),
	  .run = long_list_is_invalid },
	{ .id = "unknown-controller-is-invalid", .title = "an id that no controller has aborts 1/1Ch",
	  .requirements = REQS("NSM-37"), .needs = NS, .caught_by = DEFECTS("attach-unknown-ctrl-wrong-status"),
	  .run = unknown_controller_is_invalid },
	{ .id = "error-ends-the-list", .title = "an error takes effect from its entry on", .requirements = REQS("NSM-38"),
	  .needs = THREE, .caught_by = DEFECTS("attach-skips-failing-entry", "attach-all-or-nothing"),
	  .run = error_ends_the_list },
	{ .id = "error-tells-the-entry", .title = "the error log tells the byte offset of the failing entry",
	  .requirements = REQS("NSM-38"), .needs = THREE, .caught_by = DEFECTS("attach-error-no-offset"),
	  .run = error_tells_the_entry },
	{ .id = "broadcast-is-refused", .title = "attach of NSID FFFFFFFFh is refused", .requirements = REQS("NSM-39"),
	  .needs = NS, .caught_by = DEFECTS("attach-broadcast-succeeds"), .run = broadcast_is_refused },
	{ .id = "controller-limit",
	  .title = "a controller takes exactly MAXCNA attachments", .requirements = REQS("NSM-40"),
	  .needs = NSM_NEED_SECOND | NVSR_NEED(ATTACH_LIMIT), .limit_s = 300, .caught_by = DEFECTS("maxcna-ignored"),
	  .run = controller_limit },
	{ .id = "domain-limit", .title = "a domain takes exactly MAXDNA attachments", .requirements = REQS("NSM-40"),
	  .needs = THREE | NVSR_NEED(ATTACH_LIMIT), .limit_s = 300, .caught_by = DEFECTS("maxdna-ignored"),
	  .run = domain_limit },
};

const struct nvsr_group nvsr_namespace_attach = NVSR_GROUP("namespace.attach", tests);
