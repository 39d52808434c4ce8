// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ocp.controller: resets, queues, events and logs of the controller.  OCP Datacenter NVMe SSD 2.7 NVMeR, NVMe-CFG,
 * NVMe-AD, TRPT.  CSTS.CFS (NVMe-CFG-3) would take a fatal fault, which no test provokes.
 */
#include "suites/isolation/isolation.h"
#include "suites/pf/pf.h"

#define NEED NVSR_NEED(OCP)
#define NEED_EVENTS (NEED | NVSR_NEED(AER) | NVSR_NEED(CTRL_RESET) | NVSR_NEED(REG_WRITE) | NVSR_NEED(DESTROY))
#define SQ_ENTRIES 1024
#define QUEUE_PAIRS 1023	/* for I/O; the device has one more for administration */
#define ERRORS 256
#define WAIT_MS 2000

static void resets_are_supported(struct nvsr_ctx *t)
{
	CHECK_EQ(t, "CAP.NSSRS (NVMeR-1)", 1, NVME_CAP_NSSRS(t->inv->cap));
	CHECK_OK(t, "Controller Reset (NVMeR-2)", nvsr_reset(t->pf, NVSR_RESET_CTRL));
	CHECK_OK(t, "Identify Controller after Controller Reset", pf_alive(t->pf));
}

static void queues_are_deep(struct nvsr_ctx *t)
{
	CHECK(t, NVME_CAP_MQES(t->inv->cap) + 1 >= SQ_ENTRIES,
	      "at least 1,024 entries per submission queue (NVMe-CFG-6)", "CAP.MQES + 1 = %u",
	      NVME_CAP_MQES(t->inv->cap) + 1);
}

/* The number is the device's: what is flexible counts, wherever it is assigned. */
static void queues_are_many(struct nvsr_ctx *t)
{
	const struct nvme_primary_caps *p = &t->inv->primary;
	uint32_t granted = 0;

	if (t->inv->has_primary) {
		unsigned all = le16_get(p->vqprt) + (p->crt & NVME_CRT_VQ ? le32_get(p->vqfrt) : 0);

		CHECK(t, all > QUEUE_PAIRS, "1,023 I/O queue pairs and an admin queue in the device (NVMe-CFG-5)",
		      "VQPRT and VQFRT are %u together", all);
		return;
	}
	MUST_OK(t, "Get Features, Number of Queues",
		nvsr_get_feature(t->pf, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &granted));
	CHECK(t, NVSR_MIN(granted & 0xffff, granted >> 16) + 1 >= QUEUE_PAIRS, "1,023 I/O queue pairs (NVMe-CFG-5)",
	      "Number of Queues = %08Xh", granted);
}

static void error_log_is_long(struct nvsr_ctx *t)
{
	_cleanup_free_ uint8_t *log = malloc(ERRORS * sizeof(struct nvme_error_log_entry));

	if (!log)
		BROKEN(t, "no memory");
	CHECK_EQ(t, "ELPE (NVMe-CFG-18)", ERRORS - 1, t->inv->id.elpe);
	CHECK_OK(t, "256 entries of log page 01h", nvsr_get_log(t->pf, NVME_LOG_ERROR, NVME_NSID_ALL, true, log,
								ERRORS * sizeof(struct nvme_error_log_entry)));
}

/* Commands that Base 2.0 Figure 87 says do not use NSID; whatever else is in them is valid. */
static void unused_nsid_is_refused(struct nvsr_ctx *t)
{
	uint8_t page[NVME_IDENTIFY_SIZE];
	struct nvsr_cmd abort = { .opcode = NVME_ADMIN_ABORT, .nsid = 1, .cdw10 = 0xfffe0000 };

	CHECK_STATUS(t, "Identify CNS 01h with NSID 1 (NVMe-AD-11)", NVME_SC_INVALID_FIELD,
		     nvsr_identify(t->pf, NVME_CNS_CTRL, 1, 0, page));
	CHECK_STATUS(t, "Identify CNS 13h with NSID 1 (NVMe-AD-11)", NVME_SC_INVALID_FIELD,
		     nvsr_identify(t->pf, NVME_CNS_SUBSYS_CTRLS, 1, 0, page));
	CHECK_STATUS(t, "Abort with NSID 1 (NVMe-AD-11)", NVME_SC_INVALID_FIELD, nvsr_admin(t->pf, &abort));
}

static void dulbe_is_not_supported(struct nvsr_ctx *t)
{
	uint32_t nsid[256];
	struct nvme_id_ns id;
	unsigned n;

	MUST_OK(t, "Identify Namespace for common capabilities",
		nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &id));
	CHECK(t, !(id.nsfeat & NVME_NSFEAT_DULBE), "DULBE is supported by no namespace (NVMe-AD-28)",
	      "common NSFEAT = %02Xh", id.nsfeat);
	MUST_OK(t, "Active Namespace ID list",
		nvsr_ns_list(t->pf, NVME_CNS_ACTIVE_NS, nsid, NVSR_ARRAY_SIZE(nsid), &n));
	for (unsigned i = 0; i < n; i++)
		if (CHECK_OK(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, nsid[i], 0, &id)))
			CHECK(t, !(id.nsfeat & NVME_NSFEAT_DULBE), "DULBE is supported by no namespace (NVMe-AD-28)",
			      "NSFEAT of namespace %u = %02Xh", nsid[i], id.nsfeat);
}

/* --- events ----------------------------------------------------------------------------------------------------- */

static void four_requests_at_least(struct nvsr_ctx *t)
{
	CHECK(t, t->inv->id.aerl >= 3, "AERL is at least 3 (NVMe-AD-24)", "%u", t->inv->id.aerl);
}

/* An event that waits, because no request is outstanding: provoked @times. */
static bool let_wait(struct nvsr_ctx *t, struct iso_trap *w, unsigned times)
{
	/* reads away what was there, then the requests leave with the controller */
	if (!iso_trap_begin(t, w, t->pf, 1))
		return false;
	iso_trap_end(w);
	w->dev = t->pf;
	for (unsigned i = 0; i < times; i++) {
		int rc = iso_provoke(t->pf);

		if (!rc)
			continue;
		nvsr_test_broken(t, __FILE__, __LINE__, "writing an invalid doorbell: %s", nvsr_rc_text(rc));
		return false;
	}
	return true;
}

static void events_wait_once(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap w = { 0 };
	uint8_t log[sizeof(struct nvme_error_log_entry)];

	if (!let_wait(t, &w, 2))
		return;
	PREPARE(t, "a request", iso_trap_add(&w));
	MUST(t, iso_trap_sprung(&w, WAIT_MS), "the event that waited is reported (NVMe-AD-25)", "none");
	PREPARE(t, "a second request", iso_trap_add(&w));
	MUST_OK(t, "Get Log Page clears the event",
		nvsr_get_log(t->pf, w.result.dw0 >> 16 & 0xff, NVME_NSID_ALL, false, log, sizeof(log)));
	CHECK(t, !iso_trap_sprung(&w, ISO_EVENT_MS), "an event that happened twice waits once (NVMe-AD-25)",
	      "DW0 %08Xh again", w.result.dw0);
}

static void reset_drops_events(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap w = { 0 };

	if (!let_wait(t, &w, 1))
		return;
	PREPARE(t, "Controller Reset", nvsr_reset(t->pf, NVSR_RESET_CTRL));
	PREPARE(t, "a request", iso_trap_add(&w));
	CHECK(t, !iso_trap_sprung(&w, ISO_EVENT_MS), "events of before a reset are dropped (NVMe-AD-30)", "DW0 %08Xh",
	      w.result.dw0);
}

/* --- temperature ------------------------------------------------------------------------------------------------ */

static int temperature(struct nvsr_dev *d, unsigned *ret)
{
	struct nvme_smart_log log;
	int rc = nvsr_get_log(d, NVME_LOG_SMART, NVME_NSID_ALL, true, &log, sizeof(log));

	*ret = rc ? 0 : le16_get(log.temperature);
	return rc;
}

/* It may change meanwhile: a VF's is between what the PF says before and after. */
static void temperature_is_the_devices(struct nvsr_ctx *t)
{
	unsigned before, of_vf, after;
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);

	if (!vf)
		return;
	MUST_OK(t, "SMART log of the PF", temperature(t->pf, &before));
	MUST_OK(t, "SMART log of VF 1", temperature(vf, &of_vf));
	MUST_OK(t, "SMART log of the PF", temperature(t->pf, &after));
	CHECK(t, of_vf >= NVSR_MIN(before, after) && of_vf <= NVSR_MAX(before, after),
	      "the same composite temperature on every controller (TRPT-6)",
	      "VF 1: %u K, PF: %u K before and %u K after", of_vf, before, after);
}

static const struct nvsr_test tests[] = {
	{ .id = "resets", .title = "NVM Subsystem Reset and Controller Reset are supported",
	  .requirements = REQS("OCP-06"),
	  .needs = NEED | NVSR_NEED(REG_READ) | NVSR_NEED(CTRL_RESET) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("cap-nssrs-inverted"), .run = resets_are_supported },
	{ .id = "queues-are-deep", .title = "submission queues take 1,024 entries",
	  .requirements = REQS("OCP-07"), .needs = NEED | NVSR_NEED(REG_READ),
	  .caught_by = DEFECTS("mqes-below-1024"), .run = queues_are_deep },
	{ .id = "queues-are-many", .title = "the device has 1,023 I/O queue pairs, flexible ones included",
	  .requirements = REQS("OCP-07"), .needs = NEED,
	  .caught_by = DEFECTS("primary-one-private-queue"), .run = queues_are_many },
	{ .id = "error-log-is-long", .title = "the Error log has 256 entries",
	  .requirements = REQS("OCP-09"), .needs = NEED,
	  .caught_by = DEFECTS("elpe-below-255"), .run = error_log_is_long },
	{ .id = "unused-nsid", .title = "admin commands that do not use NSID refuse one",
	  .requirements = REQS("OCP-13"), .needs = NEED,
	  .caught_by = DEFECTS("unused-nsid-accepted"), .run = unused_nsid_is_refused },
	{ .id = "four-requests", .title = "four Asynchronous Event Requests may be outstanding",
	  .requirements = REQS("OCP-14"), .needs = NEED,
	  .caught_by = DEFECTS("aerl-below-3"), .run = four_requests_at_least },
	{ .id = "events-wait-once", .title = "an event without a request waits for one, once",
	  .requirements = REQS("OCP-14"), .needs = NEED_EVENTS,
	  .caught_by = DEFECTS("events-repeat", "event-lost-without-request"), .run = events_wait_once },
	{ .id = "reset-drops-events", .title = "events that wait do not survive Controller Reset",
	  .requirements = REQS("OCP-14"), .needs = NEED_EVENTS,
	  .caught_by = DEFECTS("events-survive-reset"), .run = reset_drops_events },
	{ .id = "no-dulbe", .title = "no namespace supports the Deallocated or Unwritten Logical Block error",
	  .requirements = REQS("OCP-15"), .needs = NEED,
	  .caught_by = DEFECTS("dulbe-shown"), .run = dulbe_is_not_supported },
	{ .id = "one-temperature", .title = "PF and VF report the same composite temperature",
	  .requirements = REQS("OCP-21"), .needs = NEED | NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("vf-temperature-differs"), .run = temperature_is_the_devices },
};

const struct nvsr_group nvsr_ocp_controller = NVSR_GROUP("ocp.controller", tests);
