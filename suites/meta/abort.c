// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The harness under test: a device that cannot be put back.  A namespace that was there before is deleted; no restore can
 * bring its identity back, so the run ends.  Last in the registry, because nothing runs after it.
 */
#include "nvsr.h"

static void cannot_be_restored(struct nvsr_ctx *t)
{
	uint32_t nsid;
	unsigned n = 0;

	PREPARE(t, "list of namespaces", nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, &nsid, 1, &n));
	if (!n)
		BROKEN(t, "no namespace to delete");
	CHECK_OK(t, "Delete of a namespace", nvsr_ns_delete(t->pf, nsid));
}

static void not_run(struct nvsr_ctx *t)
{
	CHECK(t, false, "nothing runs on a device that could not be restored", "this body ran");
}

/* Nobody's data is worth this test. */
#define MODEL_ONLY NVSR_NEED(HOT_RESET)

static const struct nvsr_test tests[] = {
	{ .id = "cannot-be-restored", .title = "a device that cannot be put back", .requirements = REQS("PCIE-01"),
	  .needs = NVSR_NEED(NS_MGMT) | NVSR_NEED(DESTROY) | MODEL_ONLY, .run = cannot_be_restored },
	{ .id = "not-run", .title = "what comes after is not run", .requirements = REQS("PCIE-01"), .run = not_run },
};

const struct nvsr_group nvsr_meta_abort = NVSR_GROUP("meta.abort", tests);
