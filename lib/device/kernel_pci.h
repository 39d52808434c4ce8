/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space through libpci.  Free of our PCI names: libpci's headers have the same ones. */
#ifndef NVSR_DEVICE_KERNEL_PCI_H
#define NVSR_DEVICE_KERNEL_PCI_H

#include "device/kernel_sysfs.h"

struct nvsr_kernel_pci;
int nvsr_kernel_pci_open(struct nvsr_kernel_pci **ret);
void nvsr_kernel_pci_close(struct nvsr_kernel_pci *p);
/* 1, 2 or 4 bytes; -EACCES beyond what this user may read, -ENODEV when the function is gone. */
int nvsr_kernel_pci_read(struct nvsr_kernel_pci *p, struct nvsr_bdf b, unsigned off, unsigned len, uint32_t *ret);
/* The same; -EACCES also where the kernel is locked down. */
int nvsr_kernel_pci_write(struct nvsr_kernel_pci *p, struct nvsr_bdf b, unsigned off, unsigned len, uint32_t val);

#endif
