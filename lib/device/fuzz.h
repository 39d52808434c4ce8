/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For fuzz targets: a PF whose every answer comes from the input - status and data of commands, configuration space and
 * registers.  Nothing is remembered but configuration space; time passes when somebody waits.
 */
#ifndef NVSR_DEVICE_FUZZ_H
#define NVSR_DEVICE_FUZZ_H

#include "base/fuzz.h"
#include "device/private.h"

struct nvsr_fuzz_dev {
	struct nvsr_dev d;
	struct nvsr_shared shared;
	struct nvsr_input in;
	uint64_t now;
	uint8_t cfg[PCI_CFG_SIZE];
};

static inline struct nvsr_fuzz_dev *nvsr_fuzz_dev(struct nvsr_dev *d)
{
	return (struct nvsr_fuzz_dev *)(void *)d->pf;
}

/* One byte decides: 0 to 239 success, others an error of the access method or a status. */
static inline int nvsr_fuzz_admin(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	static const int codes[16] = {
		-ETIMEDOUT, -EIO, -ENODEV, -ENOMEM, NVME_SC_INVALID_FIELD, NVME_SC_INVALID_OPCODE, NVME_SC_INVALID_NS, 0x7ff,
	};
	struct nvsr_input *in = &nvsr_fuzz_dev(d)->in;
	unsigned how = (unsigned)nvsr_input_num(in, 1);

	if (how >= 240 && codes[how - 240]) {
		c->status = codes[how - 240] > 0 ? (uint16_t)codes[how - 240] : 0;
		return codes[how - 240];
	}
	c->dw0 = (uint32_t)nvsr_input_num(in, 4);
	c->status = 0;
	if (c->data && NVME_OPCODE_DIR(c->opcode) & NVME_DIR_FROM_CTRL) {
		memset(c->data, how & 1 ? 0xff : 0, c->data_len);
		nvsr_input_patch(in, c->data, c->data_len);
	}
	return 0;
}

static inline int nvsr_fuzz_cfg_read(struct nvsr_dev *pf, uint16_t rid, unsigned off, unsigned len, uint32_t *ret)
{
	*ret = (uint32_t)nvsr_le_read(nvsr_fuzz_dev(pf)->cfg + off, len);
	return 0;
}

static inline int nvsr_fuzz_cfg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	nvsr_le_write(nvsr_fuzz_dev(d)->cfg + off, len, val);
	return 0;
}

static inline int nvsr_fuzz_bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	*ret = nvsr_input_num(&nvsr_fuzz_dev(d)->in, len);
	return 0;
}

static inline int nvsr_fuzz_bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	return 0;
}

static inline int nvsr_fuzz_open_vf(struct nvsr_dev *pf, struct nvsr_dev *vf)
{
	vf->name = strdup("vf");
	return 0;
}

static inline void nvsr_fuzz_close(struct nvsr_dev *d)
{
}

static inline int nvsr_fuzz_reset(struct nvsr_dev *d, enum nvsr_reset how)
{
	return -(int)(nvsr_input_num(&nvsr_fuzz_dev(d)->in, 1) % 2 * EIO);
}

static inline int nvsr_fuzz_set_numvfs(struct nvsr_dev *pf, unsigned n)
{
	return -(int)(nvsr_input_num(&nvsr_fuzz_dev(pf)->in, 1) % 2 * EIO);
}

static inline int nvsr_fuzz_get_numvfs(struct nvsr_dev *pf, unsigned *ret)
{
	*ret = (unsigned)nvsr_input_num(&nvsr_fuzz_dev(pf)->in, 2);
	return 0;
}

static inline uint64_t nvsr_fuzz_now(struct nvsr_dev *d)
{
	return nvsr_fuzz_dev(d)->now;
}

static inline void nvsr_fuzz_sleep_ns(struct nvsr_dev *d, uint64_t ns)
{
	nvsr_fuzz_dev(d)->now += ns;
}

static const struct nvsr_dev_ops nvsr_dev_fuzz = {
	.name = "fuzz", .open_vf = nvsr_fuzz_open_vf, .close = nvsr_fuzz_close, .admin = nvsr_fuzz_admin, .io = nvsr_fuzz_admin,
	.cfg_read = nvsr_fuzz_cfg_read, .cfg_write = nvsr_fuzz_cfg_write, .bar_read = nvsr_fuzz_bar_read,
	.bar_write = nvsr_fuzz_bar_write, .reset = nvsr_fuzz_reset, .set_numvfs = nvsr_fuzz_set_numvfs,
	.get_numvfs = nvsr_fuzz_get_numvfs, .host_save = nvsr_nosys_host_save, .host_restore = nvsr_nosys_host_restore,
	.now = nvsr_fuzz_now, .sleep_ns = nvsr_fuzz_sleep_ns, .dma_alloc = nvsr_nosys_dma_alloc,
	.dma_free = nvsr_nosys_dma_free, .dma_own_domain = nvsr_nosys_dma_own_domain, .dma_faults = nvsr_nosys_dma_faults,
	.irq_setup = nvsr_nosys_irq_setup, .irq_count = nvsr_nosys_irq_count,
};

/* A device on the caller's stack; nothing needs to be closed but VFs. */
static inline struct nvsr_dev *nvsr_fuzz_open(struct nvsr_fuzz_dev *f, const uint8_t *data, size_t size)
{
	static char name[] = "fuzz";

	f->in = (struct nvsr_input){ data, size };
	f->d.ops = &nvsr_dev_fuzz;
	f->d.pf = &f->d;
	f->d.shared = &f->shared;
	f->d.refs = 1;
	f->d.name = name;
	f->d.admin_timeout_ms = NVSR_ADMIN_TIMEOUT_MS;
	f->d.can = NVSR_CAN_CFG_READ | NVSR_CAN_REG_READ | NVSR_CAN_ADMIN | NVSR_CAN_VF | NVSR_CAN_NUMVFS;
	return &f->d;
}

#endif
