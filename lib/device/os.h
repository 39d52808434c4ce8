/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operating system keeps around a PF: the number of its VFs, whether their drivers load by themselves, and which
 * driver has which function.  By sysfs.  Inside lib/device only.
 */
#ifndef NVSR_DEVICE_OS_H
#define NVSR_DEVICE_OS_H

#include "device/kernel_sysfs.h"

/* The driver of a function ("nvme"); "" when it has none. */
void nvsr_os_driver(struct nvsr_bdf b, char *ret, size_t len);
/*
 * Give a function to @driver, whatever driver has it now ("" = to none).  @keep: only to this driver until it is given to
 * another one (driver_override stays).  0, -ENODEV when the driver did not take it, or another negative errno.
 */
int nvsr_os_bind(struct nvsr_bdf b, const char *driver, bool keep);
/* The function of VF @vfn; -ENODEV when it is not there. */
int nvsr_os_vf(struct nvsr_bdf pf, unsigned vfn, struct nvsr_bdf *ret);

/* -ENOTSUP when the PF has no SR-IOV that the kernel knows of. */
int nvsr_os_get_numvfs(struct nvsr_bdf pf, unsigned *ret);
/* From @now to @n VFs, by way of 0; drivers of VFs do not load by themselves from now on. */
int nvsr_os_change_numvfs(struct nvsr_bdf pf, unsigned now, unsigned n);

/* Autoprobe and the drivers of all VFs as a JSON object, malloc'd. */
int nvsr_os_save(struct nvsr_bdf pf, char **ret_json);
/* And back.  Goes on after an error; the first one. */
int nvsr_os_restore(struct nvsr_bdf pf, const char *json);

#endif
