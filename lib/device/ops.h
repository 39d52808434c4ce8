/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an access method implements.  Only files of lib/device see this. */
#ifndef NVSR_DEVICE_OPS_H
#define NVSR_DEVICE_OPS_H

#include "device/device.h"

/* Doorbell registers, from 1000h on, as memory. */
struct nvsr_doorbells {
	uint8_t *base;
	size_t bytes;
	const uint32_t *asleep;	/* not 0: nobody looks, write to @kick; NULL where somebody always does */
	int kick;
};

/* Missing operations are those of nosys.c (-ENOTSUP), so no caller tests for NULL. */
struct nvsr_dev_ops {
	const char *name;
	int (*open)(struct nvsr_dev *d, const char *where, const struct nvsr_dev_options *o, struct nvsr_complaint *complaint);
	int (*open_vf)(struct nvsr_dev *pf, struct nvsr_dev *vf);	/* vf->vfn is set */
	void (*close)(struct nvsr_dev *d);
	void (*lose)(struct nvsr_dev *vf);	/* it is about to be disabled or reset from outside: let go of it, keep the handle */
	int (*admin)(struct nvsr_dev *d, struct nvsr_cmd *c);
	int (*io)(struct nvsr_dev *d, struct nvsr_cmd *c);
	int (*cfg_read)(struct nvsr_dev *pf, uint16_t rid, unsigned off, unsigned len, uint32_t *ret);
	int (*cfg_write)(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val);
	int (*bar_read)(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret);
	int (*bar_write)(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val);
	int (*reset)(struct nvsr_dev *d, enum nvsr_reset how);
	int (*set_numvfs)(struct nvsr_dev *pf, unsigned n);
	int (*get_numvfs)(struct nvsr_dev *pf, unsigned *ret);
	int (*host_save)(struct nvsr_dev *pf, char **ret_json);
	int (*host_restore)(struct nvsr_dev *pf, const char *json);
	uint64_t (*now)(struct nvsr_dev *d);
	void (*sleep_ns)(struct nvsr_dev *d, uint64_t ns);
	void *(*dma_alloc)(struct nvsr_dev *d, size_t len, uint64_t *ret_iova);
	void (*dma_free)(struct nvsr_dev *d, void *p);
	int (*dma_own_domain)(struct nvsr_dev *d);
	int (*dma_faults)(struct nvsr_dev *d, uint64_t *ret_count, struct nvsr_dma_fault *ret_last);
	int (*irq_setup)(struct nvsr_dev *d);	/* before CC.EN becomes 1: every vector enabled and counted */
	int (*irq_count)(struct nvsr_dev *d, unsigned vector, uint64_t *ret);
	/* for load.h */
	int (*dma_map)(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova);
	int (*admin_prp)(struct nvsr_dev *d, struct nvsr_cmd *c, uint64_t prp1);	/* an admin command with that PRP1 */
	int (*doorbells)(struct nvsr_dev *d, struct nvsr_doorbells *ret);	/* -ENOTSUP: by bar_write */
	int (*irq_fd)(struct nvsr_dev *d, unsigned vector, int *ret);	/* an eventfd, owned by the function */
};
extern const struct nvsr_dev_ops nvsr_dev_model, nvsr_dev_kernel, nvsr_dev_vfio, nvsr_dev_served;

/* nosys.c: -ENOTSUP for what a method cannot do, and the clock of this machine. */
void nvsr_nosys_lose(struct nvsr_dev *vf);
int nvsr_nosys_cfg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val);
int nvsr_nosys_bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val);
void *nvsr_nosys_dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova);
void nvsr_nosys_dma_free(struct nvsr_dev *d, void *p);
int nvsr_nosys_dma_own_domain(struct nvsr_dev *d);
int nvsr_nosys_dma_faults(struct nvsr_dev *d, uint64_t *ret_count, struct nvsr_dma_fault *ret_last);
int nvsr_nosys_host_save(struct nvsr_dev *pf, char **ret_json);
int nvsr_nosys_host_restore(struct nvsr_dev *pf, const char *json);
int nvsr_nosys_dma_map(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova);
int nvsr_nosys_admin_prp(struct nvsr_dev *d, struct nvsr_cmd *c, uint64_t prp1);
int nvsr_nosys_doorbells(struct nvsr_dev *d, struct nvsr_doorbells *ret);
int nvsr_nosys_irq_fd(struct nvsr_dev *d, unsigned vector, int *ret);
int nvsr_nosys_irq_setup(struct nvsr_dev *d);
int nvsr_nosys_irq_count(struct nvsr_dev *d, unsigned vector, uint64_t *ret);
uint64_t nvsr_host_now(struct nvsr_dev *d);
void nvsr_host_sleep_ns(struct nvsr_dev *d, uint64_t ns);

#endif
