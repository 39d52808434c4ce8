/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the access method "kernel" needs of "vfio" when its VFs go by VFIO.  Inside lib/device only. */
#ifndef NVSR_DEVICE_VFIO_H
#define NVSR_DEVICE_VFIO_H

#include "device/kernel_sysfs.h"
#include "device/private.h"

/* The VFs of @pf, which another method has, will be opened by VFIO: sets d->vf_ops, d->vf_can.  0 or negative errno. */
int nvsr_vfio_adopt_vfs(struct nvsr_dev *pf, struct nvsr_bdf bdf, struct nvsr_complaint *c);
/* True while a function of the subsystem is open by VFIO. */
bool nvsr_vfio_has_open(struct nvsr_dev *pf);
/* Close every function that the operating system wants back. */
void nvsr_vfio_let_go(struct nvsr_dev *pf);
/* When the PF closes; fine when nothing was adopted. */
void nvsr_vfio_orphan_vfs(struct nvsr_dev *pf);

/* take.c: 0 when VFIO can be used on the function (an IOMMU group, the driver loaded), else -ENOTSUP and why. */
int nvsr_vfio_available(struct nvsr_bdf b, struct nvsr_complaint *c);

#endif
