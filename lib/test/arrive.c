// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages and refused accesses reach the host some time after what caused them, and not in step with completions.  So a
 * test waits for one that must come, and gives one that must not come time to arrive.
 */
#include "test/test.h"

struct arrival { unsigned vector; uint64_t more_than; struct nvsr_dma_fault last; };

static bool irq_came(struct nvsr_dev *d, void *arg)
{
	const struct arrival *a = arg;
	uint64_t now;

	return !nvsr_irq_count(d, a->vector, &now) && now > a->more_than;
}

bool nvsr_irq_wait(struct nvsr_dev *d, unsigned vector, uint64_t more_than, unsigned ms)
{
	return nvsr_dev_wait(d, ms, irq_came, &(struct arrival){ .vector = vector, .more_than = more_than });
}

int nvsr_irq_settled(struct nvsr_dev *d, unsigned vector, uint64_t *ret)
{
	nvsr_dev_sleep_ms(d, NVSR_QUIET_MS);
	return nvsr_irq_count(d, vector, ret);
}

static bool fault_came(struct nvsr_dev *d, void *arg)
{
	struct arrival *a = arg;
	uint64_t now;

	return !nvsr_dma_faults(d, &now, &a->last) && now > a->more_than;
}

bool nvsr_fault_wait(struct nvsr_dev *d, uint64_t more_than, unsigned ms, struct nvsr_dma_fault *ret_last)
{
	struct arrival a = { .more_than = more_than };

	if (!nvsr_dev_wait(d, ms, fault_came, &a))
		return false;
	if (ret_last)
		*ret_last = a.last;
	return true;
}

int nvsr_faults_settled(struct nvsr_dev *d, uint64_t *ret, struct nvsr_dma_fault *ret_last)
{
	nvsr_dev_sleep_ms(d, NVSR_QUIET_MS);
	return nvsr_dma_faults(d, ret, ret_last);
}
