/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration registers of a function as the operating system set them: what a reset takes and somebody has to put back,
 * because neither the kernel nor VFIO knows of a reset that a test started by itself.  Inside lib/device only.
 */
#ifndef NVSR_DEVICE_CONFIG_H
#define NVSR_DEVICE_CONFIG_H

#include "device/kernel_sysfs.h"

#define NVSR_CONFIG_MAX 24
struct nvsr_config {
	struct { uint16_t off; uint8_t len; uint32_t val; } reg[NVSR_CONFIG_MAX];
	unsigned count;
};

/* BARs, Device Control, Command, and of a PF the VF BARs and System Page Size.  What cannot be read is left out. */
void nvsr_config_read(struct nvsr_bdf b, struct nvsr_config *ret);
/* Write what differs. */
void nvsr_config_put_back(struct nvsr_bdf b, const struct nvsr_config *c);
/* take.c: the registers of a PF when it was taken; -ENOENT when it was not, or is not what it was. */
int nvsr_taken_config(struct nvsr_bdf b, struct nvsr_config *ret);

#endif
