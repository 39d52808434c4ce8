/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of sysfs around a PCI function.  Inside lib/device only. */
#ifndef NVSR_DEVICE_KERNEL_SYSFS_H
#define NVSR_DEVICE_KERNEL_SYSFS_H

#include "base/base.h"

struct nvsr_bdf { unsigned domain; uint16_t rid; };
#define NVSR_BDF_LEN 16
/* "0000:01:00.0", with or without the domain.  False when it is none. */
bool nvsr_bdf_parse(const char *s, struct nvsr_bdf *ret);
char *nvsr_bdf_text(struct nvsr_bdf b, char text[NVSR_BDF_LEN]);

/* Root of sysfs: /sys, or $NVSR_SYSFS (a made-up tree in unit tests). */
const char *nvsr_sysfs_root(void);
/* First line of ROOT/bus/pci/devices/BDF/@attr into @ret.  0 or negative errno. */
int nvsr_sysfs_get(struct nvsr_bdf b, const char *attr, char *ret, size_t len);
int nvsr_sysfs_put(struct nvsr_bdf b, const char *attr, const char *value);
/* Last part of the symbolic link @attr ("driver", "virtfn0", "physfn"); -ENOENT when there is none. */
int nvsr_sysfs_link(struct nvsr_bdf b, const char *attr, char *ret, size_t len);
bool nvsr_sysfs_has(struct nvsr_bdf b, const char *attr);
/* Write to ROOT/bus/pci/@file ("drivers_probe"). */
int nvsr_sysfs_bus_put(const char *file, const char *value);
/* First line of ROOT/@path. */
int nvsr_sysfs_read(const char *path, char *ret, size_t len);
int nvsr_sysfs_write(const char *path, const char *value);
/* Name of the NVMe controller of a function ("nvme3"), -ENOENT while it has none. */
int nvsr_sysfs_controller(struct nvsr_bdf b, char *ret, size_t len);
/* Name of the block device with NSID @nsid of controller @ctrl ("nvme3n2"), -ENOENT when the kernel shows none. */
int nvsr_sysfs_namespace(const char *ctrl, uint32_t nsid, char *ret, size_t len);

#endif
