/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One PCI function through VFIO (type1v2, group and container): BARs, DMA mappings, MSI-X by eventfd, resets.  Each function
 * has a container of its own, so its DMA reaches only what was mapped for it.  The only file that knows <linux/vfio.h>.
 * Inside lib/device only.
 */
#ifndef NVSR_DEVICE_VFIO_FN_H
#define NVSR_DEVICE_VFIO_FN_H

#include "device/kernel_sysfs.h"
#include "profile/profile.h"

struct nvsr_vfio_fn;

#define NVSR_VF_TOKEN_LEN 37	/* a UUID as text */

/**
 * nvsr_vfio_open() - open a function that is bound to vfio-pci.
 * @b: the function
 * @vf_token: the UUID that its PF was given, or NULL where the PF is not driven by vfio-pci
 * @c: what was wrong, with what was expected
 *
 * VFIO resets the function when it is opened and when it is closed.
 *
 * Return: 0; -ENODEV no IOMMU or no such function, -EBUSY the group is in use or holds a foreign device, -EACCES.
 */
int nvsr_vfio_open(struct nvsr_bdf b, const char *vf_token, struct nvsr_vfio_fn **ret, struct nvsr_complaint *c);
/* NULL is fine. */
void nvsr_vfio_close(struct nvsr_vfio_fn *f);

/* The secret that VFs of this PF must name when they are opened: a UUID.  0 or negative errno. */
int nvsr_vfio_set_token(struct nvsr_vfio_fn *pf, const char *token);

/* Bytes of BAR @bar, 0 when it is not there. */
uint64_t nvsr_vfio_bar_size(const struct nvsr_vfio_fn *f, unsigned bar);
/* @len 1, 2, 4 or 8, @off aligned to it; one access of that width.  0, -ERANGE, or negative errno. */
int nvsr_vfio_bar_read(struct nvsr_vfio_fn *f, unsigned bar, uint64_t off, unsigned len, uint64_t *ret);
int nvsr_vfio_bar_write(struct nvsr_vfio_fn *f, unsigned bar, uint64_t off, unsigned len, uint64_t val);

/* Bus Master Enable = 1, the way that also a locked-down kernel allows.  0 or negative errno. */
int nvsr_vfio_bus_master(struct nvsr_vfio_fn *f);

/* Memory at @ptr, pages, to be seen by the function at @iova.  0 or negative errno. */
int nvsr_vfio_map(struct nvsr_vfio_fn *f, void *ptr, uint64_t iova, size_t len);
int nvsr_vfio_unmap(struct nvsr_vfio_fn *f, uint64_t iova, size_t len);

/* The vectors of the MSI-X table - as many as this machine has to give - enabled, unmasked, and counted from 0.  0 (also without MSI-X) or negative errno. */
int nvsr_vfio_irqs_enable(struct nvsr_vfio_fn *f);
void nvsr_vfio_irqs_disable(struct nvsr_vfio_fn *f);
/* Interrupts of @vector so far.  -EINVAL beyond the table. */
int nvsr_vfio_irq_count(struct nvsr_vfio_fn *f, unsigned vector, uint64_t *ret);
/* The eventfd of a vector, the function's own.  0 or -EINVAL: there are not so many, or none are enabled. */
int nvsr_vfio_irq_fd(const struct nvsr_vfio_fn *f, unsigned vector, int *ret);

/* Function Level Reset, or what the kernel chooses where there is none; it saves and restores configuration space. */
int nvsr_vfio_flr(struct nvsr_vfio_fn *f);
/* A reset of the bus below the function's bridge; -EBUSY when others than @f are on it, -ENOTSUP when there is none. */
int nvsr_vfio_hot_reset(struct nvsr_vfio_fn *f);

/* Readable when the operating system wants the function back (unbind, removal): it waits until we close. */
int nvsr_vfio_request_fd(const struct nvsr_vfio_fn *f);

#endif
