// SPDX-License-Identifier: GPL-2.0-or-later
/* A device that answers anything: its inventory, its state, its lists, a VF brought up, and its state restored. */
#include "device/fuzz.h"
#include "sriov/sriov.h"

#define LIST_MAX 2048

static void lists(struct nvsr_dev *pf)
{
	static const uint8_t cns[] = { NVME_CNS_ACTIVE_NS, NVME_CNS_ALLOCATED_NS };
	_cleanup_free_ uint32_t *nsid = calloc(LIST_MAX, sizeof(*nsid));
	unsigned n;

	for (size_t i = 0; nsid && i < NVSR_ARRAY_SIZE(cns); i++)
		nvsr_ns_list(pf, cns[i], nsid, LIST_MAX, &n);
}

static void vf(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	unsigned vfn = 1 + (unsigned)nvsr_input_num(&nvsr_fuzz_dev(pf)->in, 1);
	struct nvsr_dev *d = NULL;

	if (!nvsr_vf_bring_up(pf, inv, vfn, 0, 0, &d))
		nvsr_dev_close(d);
}

/* What was read before goes back to a device that has changed meanwhile, or says so. */
static void state(struct nvsr_dev *pf)
{
	struct nvsr_snapshot *before = NULL, *now = NULL;

	if (nvsr_snapshot_take(pf, &before))
		return;
	nvsr_snapshot_restore(pf, before);
	if (!nvsr_snapshot_take(pf, &now))
		free(nvsr_snapshot_diff(before, now));
	nvsr_snapshot_free(before);
	nvsr_snapshot_free(now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvsr_fuzz_dev f = { 0 };
	struct nvsr_dev *pf = nvsr_fuzz_open(&f, data, size);
	struct nvsr_inventory inv = { 0 };

	nvsr_input_patch(&f.in, f.cfg, sizeof(f.cfg));
	if (!nvsr_inventory_read(pf, &inv)) {
		vf(pf, &inv);
		nvsr_inventory_free(&inv);
	}
	lists(pf);
	state(pf);
	return 0;
}
