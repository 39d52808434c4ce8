// SPDX-License-Identifier: GPL-2.0-or-later
/* What an access method does where it cannot: nothing, and it says so. */
#include "base/time.h"
#include "device/ops.h"

void nvsr_nosys_lose(struct nvsr_dev *vf)
{
}

int nvsr_nosys_cfg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	return -ENOTSUP;
}

int nvsr_nosys_bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	return -ENOTSUP;
}

void *nvsr_nosys_dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova)
{
	return NULL;
}

void nvsr_nosys_dma_free(struct nvsr_dev *d, void *p)
{
}

int nvsr_nosys_dma_own_domain(struct nvsr_dev *d)
{
	return -ENOTSUP;
}

int nvsr_nosys_dma_faults(struct nvsr_dev *d, uint64_t *ret_count, struct nvsr_dma_fault *ret_last)
{
	return -ENOTSUP;
}

int nvsr_nosys_dma_map(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova)
{
	return -ENOTSUP;
}

int nvsr_nosys_admin_prp(struct nvsr_dev *d, struct nvsr_cmd *c, uint64_t prp1)
{
	return -ENOTSUP;
}

int nvsr_nosys_doorbells(struct nvsr_dev *d, struct nvsr_doorbells *ret)
{
	return -ENOTSUP;
}

int nvsr_nosys_irq_fd(struct nvsr_dev *d, unsigned vector, int *ret)
{
	return -ENOTSUP;
}

int nvsr_nosys_irq_setup(struct nvsr_dev *d)
{
	return -ENOTSUP;
}

int nvsr_nosys_irq_count(struct nvsr_dev *d, unsigned vector, uint64_t *ret)
{
	return -ENOTSUP;
}

/* Real hardware shares the clock of this machine. */
uint64_t nvsr_host_now(struct nvsr_dev *d)
{
	return nvsr_now_ns();
}

void nvsr_host_sleep_ns(struct nvsr_dev *d, uint64_t ns)
{
	nvsr_sleep_ns(ns, NULL);
}

int nvsr_nosys_host_save(struct nvsr_dev *pf, char **ret_json)
{
	return -ENOTSUP;
}

int nvsr_nosys_host_restore(struct nvsr_dev *pf, const char *json)
{
	return -ENOTSUP;
}
