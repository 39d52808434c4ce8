// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The harness under test: a device that cannot be put back, so the run ends.  Last in the registry, because nothing runs
 * after it.  A function that may not master the bus completes no command; only the model is asked to get into that state.
 */
#include "nvsr.h"

#define MODEL_ONLY (NVSR_NEED(HOT_RESET) | NVSR_NEED(DESTROY))

static void cannot_be_restored(struct nvsr_ctx *t)
{
	CHECK_OK(t, "write of the Command register", nvsr_cfg_write(t->pf, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));
}

static void not_run(struct nvsr_ctx *t)
{
	CHECK(t, false, "nothing runs on a device that could not be restored", "this body ran");
}

static const struct nvsr_test tests[] = {
	{ .id = "cannot-be-restored", .title = "a device that cannot be put back", .requirements = REQS("PCIE-01"),
	  .needs = NVSR_NEED(CFG_WRITE) | MODEL_ONLY, .run = cannot_be_restored },
	{ .id = "not-run", .title = "what comes after is not run", .requirements = REQS("PCIE-01"), .run = not_run },
};

const struct nvsr_group nvsr_meta_abort = NVSR_GROUP("meta.abort", tests);
