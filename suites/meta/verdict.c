// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The harness under test: verdicts that a body gives.  Each test ends in exactly one way, told by its id, whatever the
 * device; runners/conform/meta_test.c proves that every output says so.  No device is changed.
 */
#include "nvsr.h"

static void passes(struct nvsr_ctx *t)
{
	CHECK(t, true, "true", "false");
	nvsr_note(t, "a note of a passing test");
}

static void fails(struct nvsr_ctx *t)
{
	struct nvme_id_ctrl id;

	MUST_OK(t, "Identify Controller", nvsr_id_ctrl(t->pf, &id));
	CHECK_EQ(t, "one of <two> & \"three\" # of 'four'", 1, 2);
	CHECK_STATUS(t, "a second difference", NVME_SC_INVALID_FIELD, NVME_SC_SUCCESS);
}

static void fails_before_skip(struct nvsr_ctx *t)
{
	CHECK(t, false, "a difference", "seen before the skip");
	SKIP(t, "too late: a difference stays one");
}

static void skips(struct nvsr_ctx *t)
{
	SKIP(t, "asked to skip # with a hash");
}

static void never_runs(struct nvsr_ctx *t)
{
	CHECK(t, false, "the body does not run", "it ran although a need is missing");
}

static void checks_nothing(struct nvsr_ctx *t)
{
}

static void breaks(struct nvsr_ctx *t)
{
	PREPARE(t, "preparation that times out", -ETIMEDOUT);
	CHECK(t, false, "not reached", "reached");
}

static void deviates(struct nvsr_ctx *t)
{
	CHECK(t, false, "what a clause recommends", "something else");
}

static void reports(struct nvsr_ctx *t)
{
	nvsr_note(t, "a reporting test needs a note only");
}

static void writes_output(struct nvsr_ctx *t)
{
	printf("stray line on stdout\n1..9 ok not ok Bail out!\n");
	fprintf(stderr, "stray bytes \xff\x01 on stderr\n");
	CHECK(t, true, "true", "false");
}

static void must_leaves(struct nvsr_ctx *t)
{
	MUST(t, false, "MUST leaves the body", "a difference");
	CHECK(t, false, "not reached", "MUST went on");
}

/* Without the permission in its record: the device never sees it. */
static void sends_too_much(struct nvsr_ctx *t)
{
	CHECK_OK(t, "delete", nvsr_ns_delete(t->pf, 1));
}

/* No claim, access method or permission can be had that has this bit. */
#define NEVER_MET (1ull << 63)

static const struct nvsr_test tests[] = {
	{ .id = "passes", .title = "a check that holds", .requirements = REQS("PCIE-01"), .run = passes },
	{ .id = "fails", .title = "checks that do not hold", .requirements = REQS("PCIE-01", "PCIE-04"), .run = fails },
	{ .id = "must-leaves", .title = "MUST leaves the body", .requirements = REQS("PCIE-01"), .run = must_leaves },
	{ .id = "fails-before-skip", .title = "a difference before a skip is a failure", .requirements = REQS("PCIE-01"),
	  .run = fails_before_skip },
	{ .id = "skips", .title = "a body that skips", .requirements = REQS("PCIE-01"), .run = skips },
	{ .id = "unmet-need", .title = "a need that nothing meets", .requirements = REQS("PCIE-01"), .needs = NEVER_MET,
	  .run = never_runs },
	{ .id = "checks-nothing", .title = "a body without a check is broken", .requirements = REQS("PCIE-01"),
	  .run = checks_nothing },
	{ .id = "breaks", .title = "a preparation that fails is broken", .requirements = REQS("PCIE-01"), .run = breaks },
	{ .id = "deviates", .title = "a clause that only reports", .requirements = REQS("PCIE-02"), .run = deviates },
	{ .id = "reports", .title = "a note is the result of a reporting test", .requirements = REQS("PCIE-02"),
	  .run = reports },
	{ .id = "writes-output", .title = "stray output stays out of the results", .requirements = REQS("PCIE-01"),
	  .run = writes_output },
	{ .id = "sends-too-much", .title = "what destroys takes permission", .requirements = REQS("PCIE-01"),
	  .run = sends_too_much },
};

const struct nvsr_group nvsr_meta_verdict = NVSR_GROUP("meta.verdict", tests);
