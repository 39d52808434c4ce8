/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ioctls of the kernel's NVMe driver.  Free of our specification headers: libnvme has types of the same names. */
#ifndef NVSR_DEVICE_KERNEL_NVME_H
#define NVSR_DEVICE_KERNEL_NVME_H

#include "device/device.h"

/* 0, negative errno (-ETIMEDOUT when the driver gave up on it), or the NVMe status.  Fills c->dw0, dw1, status. */
int nvsr_kernel_admin(int fd, struct nvsr_cmd *c, unsigned timeout_ms);
int nvsr_kernel_io(int fd, struct nvsr_cmd *c, unsigned timeout_ms);
int nvsr_kernel_ctrl_reset(int fd);
int nvsr_kernel_rescan(int fd);

#endif
