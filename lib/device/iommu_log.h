/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refused DMA, as the IOMMU's driver tells it in the kernel log: the only place where a host shows it.  Inside lib/device
 * only.
 */
#ifndef NVSR_DEVICE_IOMMU_LOG_H
#define NVSR_DEVICE_IOMMU_LOG_H

#include "device/device.h"
#include "device/kernel_sysfs.h"

struct nvsr_iommu_log;

/**
 * nvsr_iommu_log_open() - follow the kernel log from now on.
 * @pf: what is told of it and its VFs counts; other devices have their own troubles
 *
 * Return: 0; -ENOTSUP when this host has no IOMMU whose messages are known (Intel, AMD); -EACCES, -EPERM when the log may
 * not be read.
 */
int nvsr_iommu_log_open(struct nvsr_bdf pf, struct nvsr_iommu_log **ret);
/* NULL is fine. */
void nvsr_iommu_log_close(struct nvsr_iommu_log *l);
/*
 * Faults since it was opened, and the last one.  The kernel keeps quiet about the eleventh fault within 5 s: after a burst this
 * waits until the next one would be told.
 */
void nvsr_iommu_log_count(struct nvsr_iommu_log *l, uint64_t *ret_count, struct nvsr_dma_fault *ret_last);

/* True when a message of the kernel log tells of a refused DMA. */
bool nvsr_iommu_log_parse(const char *line, struct nvsr_dma_fault *ret);

#endif
