// SPDX-License-Identifier: GPL-2.0-or-later
/* The harness under test: bodies that take their process down or never end.  The tests after them still run. */
#include <signal.h>

#include "nvsr.h"

static void crashes(struct nvsr_ctx *t)
{
	CHECK(t, true, "true", "false");
	printf("last words\n");
	fflush(stdout);
	signal(SIGSEGV, SIG_DFL);	/* a sanitizer has no report to make of this one */
	raise(SIGSEGV);
}

static void exits(struct nvsr_ctx *t)
{
	CHECK(t, true, "true", "false");
	_exit(0);
}

static void hangs(struct nvsr_ctx *t)
{
	for (;;)
		pause();
}

/* Long enough to be interrupted; a stop makes the check return false at once. */
static void waits(struct nvsr_ctx *t)
{
	for (unsigned i = 0; i < 200; i++) {
		MUST(t, true, "true", "false");
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	}
}

static void passes_after(struct nvsr_ctx *t)
{
	CHECK(t, true, "true", "false");
}

static const struct nvsr_test tests[] = {
	{ .id = "crashes", .title = "a body that dies of SIGSEGV", .requirements = REQS("PCIE-01"), .run = crashes },
	{ .id = "exits", .title = "a body that ends its process", .requirements = REQS("PCIE-01"), .run = exits },
	{ .id = "hangs", .title = "a body that never ends", .requirements = REQS("PCIE-01"), .limit_s = 1, .run = hangs },
	{ .id = "waits", .title = "a body that takes two seconds", .requirements = REQS("PCIE-01"), .run = waits },
	{ .id = "passes-after", .title = "the rest of the group still runs", .requirements = REQS("PCIE-01"),
	  .run = passes_after },
};

const struct nvsr_group nvsr_meta_process = NVSR_GROUP("meta.process", tests);
