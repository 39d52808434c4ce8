// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Access method "model": firmware and operating system for the reference model.  It sizes and places BARs, switches memory
 * space, bus mastering and MSI-X on, gives DMA memory to functions, enables VFs in Linux's order, and after a reset
 * programs again what an operating system would.
 */
#include "base/text.h"
#include "device/private.h"
#include "model/model.h"

/* The address map of the machine. */
#define MMIO_BASE	0x4000000000ull
#define MSI_ADDRESS	0xfee00000ull
#define IOVA_BASE	0x10000000ull
#define PAGE		4096u
#define VECTORS		2048
#define CONFIG_READY_MS	1000	/* PCIe 6.6.1, 9.3.3.3.1: a function answers 1.0 s after a reset */

struct dma {
	struct dma *next;
	struct nvsr_dev *owner;
	void *ptr;
	uint64_t iova;
	size_t len;
};

struct host {
	struct nvsr_model *model;
	struct dma *dma;
	uint64_t next_iova, next_mmio;
	uint32_t *irqs[65536];		/* by routing id: messages per vector, NULL before the first set-up */
	struct bar { uint64_t base, size; bool wide; } pf_bar[PCI_BAR_COUNT], vf_bar[PCI_BAR_COUNT];	/* vf_bar.size: one VF */
	unsigned sriov;			/* offset of the capability, 0 = none */
	uint16_t total_vfs;
	uint16_t vf_offset, vf_stride;	/* as read back after NumVFs was written */
	bool ari;
};

static struct host *host_of(const struct nvsr_dev *d)
{
	return d->shared->host;
}

struct nvsr_model *nvsr_dev_model_of(struct nvsr_dev *d)
{
	return d->pf->ops == &nvsr_dev_model ? host_of(d)->model : NULL;
}

/* --- configuration space --------------------------------------------------------------------------------------------- */

static int cfg_read(struct nvsr_dev *pf, uint16_t rid, unsigned off, unsigned len, uint32_t *ret)
{
	*ret = nvsr_model_cfg_read(host_of(pf)->model, rid, off, len);
	return 0;
}

static int cfg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	nvsr_model_cfg_write(host_of(d)->model, d->rid, off, len, val);
	return 0;
}

static uint32_t get(const struct nvsr_dev *d, unsigned off, unsigned len)
{
	return nvsr_model_cfg_read(host_of(d)->model, d->rid, off, len);
}

static void put(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	nvsr_model_cfg_write(host_of(d)->model, d->rid, off, len, val);
}

/* Vendor id and device id of a VF are FFFFh; the class code is not. */
static bool answers(struct nvsr_dev *d, void *arg)
{
	return get(d, PCI_REVISION_ID, 4) != UINT32_MAX;
}

static bool wait_answer(struct nvsr_dev *d)
{
	return nvsr_dev_wait(d, CONFIG_READY_MS, answers, NULL);
}

/* --- BARs --------------------------------------------------------------------------------------------------------------- */

/* Size and place the BARs at @off.  @count: how many functions share one (1 PF, TotalVFs). */
static void place_bars(struct nvsr_dev *pf, unsigned off, struct bar *bar, uint64_t count)
{
	struct host *h = host_of(pf);

	for (unsigned i = 0; i < PCI_BAR_COUNT; i += bar[i].wide ? 2 : 1) {
		unsigned at = off + i * 4;
		uint32_t low;
		uint64_t mask;

		put(pf, at, 4, UINT32_MAX);
		low = get(pf, at, 4);
		if (low & PCI_BAR_IO || !(low & ~0xfu)) {
			put(pf, at, 4, 0);
			continue;	/* no memory BAR, or none at all */
		}
		bar[i].wide = (low & PCI_BAR_TYPE_MASK) == PCI_BAR_TYPE_64 && i + 1 < PCI_BAR_COUNT;
		mask = 0xffffffff00000000ull;
		if (bar[i].wide) {
			put(pf, at + 4, 4, UINT32_MAX);
			mask = (uint64_t)get(pf, at + 4, 4) << 32;
		}
		bar[i].size = ~(mask | (low & ~0xfu)) + 1;
		h->next_mmio = NVSR_ROUND_UP(h->next_mmio, NVSR_MAX(bar[i].size, (uint64_t)PAGE));
		bar[i].base = h->next_mmio;
		h->next_mmio += bar[i].size * count;
	}
}

static void write_bars(struct nvsr_dev *pf, unsigned off, const struct bar *bar)
{
	for (unsigned i = 0; i < PCI_BAR_COUNT; i++) {
		if (!bar[i].size)
			continue;
		put(pf, off + i * 4, 4, (uint32_t)bar[i].base);
		if (bar[i].wide)
			put(pf, off + i * 4 + 4, 4, (uint32_t)(bar[i].base >> 32));
	}
}

/* Address of a BAR of this function, or 0. */
static uint64_t bar_base(const struct nvsr_dev *d, unsigned bar)
{
	const struct host *h = host_of(d);

	if (!d->vfn)
		return h->pf_bar[bar].base;
	return h->vf_bar[bar].size ? h->vf_bar[bar].base + (d->vfn - 1) * h->vf_bar[bar].size : 0;
}

static uint64_t bar_bytes(const struct nvsr_dev *d, unsigned bar)
{
	return d->vfn ? host_of(d)->vf_bar[bar].size : host_of(d)->pf_bar[bar].size;
}

static int bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	if (off + len > bar_bytes(d, bar))
		return -ERANGE;
	*ret = nvsr_model_mem_read(host_of(d)->model, bar_base(d, bar) + off, len);
	return 0;
}

static int bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	if (off + len > bar_bytes(d, bar))
		return -ERANGE;
	nvsr_model_mem_write(host_of(d)->model, bar_base(d, bar) + off, len, val);
	return 0;
}

/* --- interrupts -------------------------------------------------------------------------------------------------------- */

static void on_msi(void *arg, uint16_t rid, uint64_t addr, uint32_t data)
{
	struct host *h = arg;

	if (addr == MSI_ADDRESS && data < VECTORS && h->irqs[rid])
		h->irqs[rid][data]++;
}

static int irq_setup(struct nvsr_dev *d)
{
	struct host *h = host_of(d);
	uint32_t table, ctrl;
	unsigned pos;
	int rc = nvsr_cfg_find_cap(d, PCI_CAP_MSIX, &pos);

	if (rc || !pos)
		return rc;
	if (!h->irqs[d->rid])
		h->irqs[d->rid] = calloc(VECTORS, sizeof(uint32_t));
	if (!h->irqs[d->rid])
		return -ENOMEM;
	memset(h->irqs[d->rid], 0, VECTORS * sizeof(uint32_t));
	table = get(d, pos + PCI_MSIX_TABLE, 4);
	ctrl = get(d, pos + PCI_MSIX_CTRL, 2);
	if ((table & PCI_MSIX_BIR) >= PCI_BAR_COUNT)
		return 0;
	for (unsigned v = 0; v <= (ctrl & PCI_MSIX_CTRL_TS); v++) {
		uint64_t at = (table & ~(uint64_t)PCI_MSIX_BIR) + v * PCI_MSIX_ENTRY_SIZE;

		bar_write(d, table & PCI_MSIX_BIR, at, 4, (uint32_t)MSI_ADDRESS);
		bar_write(d, table & PCI_MSIX_BIR, at + 4, 4, MSI_ADDRESS >> 32);
		bar_write(d, table & PCI_MSIX_BIR, at + 8, 4, v);
		bar_write(d, table & PCI_MSIX_BIR, at + 12, 4, 0);
	}
	put(d, pos + PCI_MSIX_CTRL, 2, (ctrl | PCI_MSIX_CTRL_ENABLE) & ~(uint32_t)PCI_MSIX_CTRL_MASK);
	return 0;
}

static int irq_count(struct nvsr_dev *d, unsigned vector, uint64_t *ret)
{
	const uint32_t *irqs = host_of(d)->irqs[d->rid];

	if (vector >= VECTORS)
		return -EINVAL;
	*ret = irqs ? irqs[vector] : 0;
	return 0;
}

/* --- DMA memory ----------------------------------------------------------------------------------------------------------- */

/* Addresses are never used twice, so an access to memory that was freed is a fault and not a surprise. */
static void *dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova)
{
	struct host *h = host_of(d);
	size_t bytes = NVSR_ROUND_UP(len, (size_t)PAGE);
	struct dma *m = calloc(1, sizeof(*m));

	if (!m || bytes < len)
		goto fail;
	*m = (struct dma){ .owner = d, .iova = h->next_iova, .len = bytes, .ptr = aligned_alloc(PAGE, bytes) };
	if (!m->ptr)
		goto fail;
	memset(m->ptr, 0, bytes);
	if (nvsr_model_map(h->model, d->domain, m->iova, m->ptr, bytes))
		goto fail;
	/* One page stays unmapped behind each: a controller that runs past the end is seen. */
	h->next_iova += bytes + PAGE;
	m->next = h->dma;
	h->dma = m;
	*ret_iova = m->iova;
	return m->ptr;
fail:
	if (m)
		free(m->ptr);
	free(m);
	return NULL;
}

static void dma_release(struct host *h, struct dma **p)
{
	struct dma *m = *p;

	*p = m->next;
	nvsr_model_unmap(h->model, m->owner->domain, m->iova);
	free(m->ptr);
	free(m);
}

static void dma_free(struct nvsr_dev *d, void *ptr)
{
	struct host *h = host_of(d);

	for (struct dma **p = &h->dma; *p; p = &(*p)->next) {
		if ((*p)->ptr == ptr) {
			dma_release(h, p);
			return;
		}
	}
}

/* Domain 0 is everybody's. */
static int dma_own_domain(struct nvsr_dev *d)
{
	struct host *h = host_of(d);
	unsigned old = d->domain, own = d->vfn + 1;
	struct dma *m;

	if (old)
		return 0;
	for (m = h->dma; m; m = m->next)
		if (m->owner == d && nvsr_model_map(h->model, own, m->iova, m->ptr, m->len))
			return -ENOMEM;
	d->domain = own;
	nvsr_model_set_domain(h->model, d->rid, own);
	for (m = h->dma; m; m = m->next)
		if (m->owner == d)
			nvsr_model_unmap(h->model, old, m->iova);
	return 0;
}

static int dma_faults(struct nvsr_dev *d, uint64_t *ret_count, struct nvsr_dma_fault *ret_last)
{
	struct nvsr_model_fault last = { 0 };

	*ret_count = nvsr_model_faults(host_of(d)->model, &last);
	if (ret_last)
		*ret_last = (struct nvsr_dma_fault){ .rid = last.rid, .iova = last.iova, .write = last.write };
	return 0;
}

/* --- functions as the operating system leaves them ------------------------------------------------------------------------- */

static void bus_master(struct nvsr_dev *d, uint16_t bits)
{
	put(d, PCI_COMMAND, 2, get(d, PCI_COMMAND, 2) | bits);
}

/* Everything a conventional reset or an FLR took from the PF, save its VFs. */
static void program_pf(struct nvsr_dev *pf)
{
	struct host *h = host_of(pf);

	write_bars(pf, PCI_BAR0, h->pf_bar);
	if (h->sriov) {
		write_bars(pf, h->sriov + PCI_SRIOV_VF_BAR0, h->vf_bar);
		put(pf, h->sriov + PCI_SRIOV_SYS_PGSIZE, 4, 1);
		/* VF Enable stays as the device left it: after a reset it is 0. */
		if (h->ari)
			put(pf, h->sriov + PCI_SRIOV_CTRL, 2, get(pf, h->sriov + PCI_SRIOV_CTRL, 2) | PCI_SRIOV_CTRL_ARI);
	}
	bus_master(pf, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static int enumerate(struct nvsr_dev *pf)
{
	struct host *h = host_of(pf);
	unsigned ari;
	int rc = nvsr_cfg_find_ext_cap(pf, PCI_EXT_CAP_SRIOV, &h->sriov);

	if (!rc)
		rc = nvsr_cfg_find_ext_cap(pf, PCI_EXT_CAP_ARI, &ari);
	if (rc)
		return rc;
	h->ari = ari != 0;
	place_bars(pf, PCI_BAR0, h->pf_bar, 1);
	if (h->sriov) {
		h->total_vfs = (uint16_t)get(pf, h->sriov + PCI_SRIOV_TOTAL_VFS, 2);
		put(pf, h->sriov + PCI_SRIOV_SYS_PGSIZE, 4, 1);
		place_bars(pf, h->sriov + PCI_SRIOV_VF_BAR0, h->vf_bar, h->total_vfs);
	}
	program_pf(pf);
	return 0;
}

/* --- VFs -------------------------------------------------------------------------------------------------------------------- */

static void for_each_vf(struct nvsr_dev *pf, void (*fn)(struct nvsr_dev *vf))
{
	for (struct nvsr_dev *vf = pf->shared->vfs; vf; vf = vf->next_vf)
		fn(vf);
}

static uint16_t vf_rid(const struct nvsr_dev *pf, unsigned vfn)
{
	const struct host *h = host_of(pf);

	return (uint16_t)(pf->rid + h->vf_offset + (vfn - 1) * h->vf_stride);
}

static int get_numvfs(struct nvsr_dev *pf, unsigned *ret)
{
	unsigned pos = host_of(pf)->sriov;

	if (!pos)
		return -ENOTSUP;
	*ret = get(pf, pos + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE ? get(pf, pos + PCI_SRIOV_NUM_VFS, 2) : 0;
	return 0;
}

static void learn_rids(struct nvsr_dev *pf)
{
	struct host *h = host_of(pf);

	h->vf_offset = (uint16_t)get(pf, h->sriov + PCI_SRIOV_VF_OFFSET, 2);
	h->vf_stride = (uint16_t)get(pf, h->sriov + PCI_SRIOV_VF_STRIDE, 2);
}

static void disable_vfs(struct nvsr_dev *pf)
{
	unsigned pos = host_of(pf)->sriov;

	put(pf, pos + PCI_SRIOV_CTRL, 2,
	    get(pf, pos + PCI_SRIOV_CTRL, 2) & ~(uint32_t)(PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE));
	nvsr_dev_sleep_ms(pf, PCI_MS_VF_DISABLE);
	put(pf, pos + PCI_SRIOV_NUM_VFS, 2, 0);
	for_each_vf(pf, nvsr_ctrl_lost);
}

static void back_up(struct nvsr_dev *vf)
{
	const struct host *h = host_of(vf);

	if (vf->vfn > get(vf->pf, h->sriov + PCI_SRIOV_NUM_VFS, 2))
		return;
	vf->rid = vf_rid(vf->pf, vf->vfn);
	if (wait_answer(vf))
		bus_master(vf, PCI_COMMAND_MASTER);
}

/* The order of Linux: NumVFs, then offset and stride again (they may depend on it), then VF Enable. */
static int set_numvfs(struct nvsr_dev *pf, unsigned n)
{
	struct host *h = host_of(pf);
	unsigned now;
	int rc = get_numvfs(pf, &now);

	if (rc)
		return rc;
	if (n > h->total_vfs)
		return -ERANGE;
	if (n == now)
		return 0;
	if (now)
		disable_vfs(pf);
	if (!n)
		return 0;
	put(pf, h->sriov + PCI_SRIOV_NUM_VFS, 2, n);
	learn_rids(pf);
	put(pf, h->sriov + PCI_SRIOV_CTRL, 2,
	    get(pf, h->sriov + PCI_SRIOV_CTRL, 2) | PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	nvsr_dev_sleep_ms(pf, PCI_MS_VF_ENABLE);
	for_each_vf(pf, back_up);
	return 0;
}

static int open_vf(struct nvsr_dev *pf, struct nvsr_dev *vf)
{
	unsigned now;
	int rc = get_numvfs(pf, &now);

	if (!rc && vf->vfn > now)
		rc = -ENODEV;
	if (rc)
		return rc;
	learn_rids(pf);
	vf->rid = vf_rid(pf, vf->vfn);
	vf->name = nvsr_asprintf("%s#vf%u", pf->name, vf->vfn);
	vf->priv = host_of(pf);
	if (!wait_answer(vf))
		return -ENODEV;
	bus_master(vf, PCI_COMMAND_MASTER);
	return 0;
}

/* --- resets --------------------------------------------------------------------------------------------------------------------- */

static int flr(struct nvsr_dev *d)
{
	unsigned pos;
	int rc = nvsr_cfg_find_cap(d, PCI_CAP_EXP, &pos);

	if (rc)
		return rc;
	if (!pos || !(get(d, pos + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR))
		return -ENOTSUP;
	put(d, pos + PCI_EXP_DEVCTL, 2, get(d, pos + PCI_EXP_DEVCTL, 2) | PCI_EXP_DEVCTL_FLR);
	nvsr_dev_sleep_ms(d, PCI_MS_FLR);
	return 0;
}

static int nssr(struct nvsr_dev *d)
{
	uint64_t cap;
	int rc = bar_read(d, 0, NVME_REG_CAP, 8, &cap);

	if (rc)
		return rc;
	if (cap == UINT64_MAX || !NVME_CAP_NSSRS(cap))
		return -ENOTSUP;
	rc = bar_write(d, 0, NVME_REG_NSSR, 4, NVME_NSSR_KEY);
	nvsr_dev_sleep_ms(d, PCI_MS_FLR);
	return rc;
}

static int hit(struct nvsr_dev *d, enum nvsr_reset how)
{
	struct host *h = host_of(d);

	switch (how) {
	case NVSR_RESET_FLR:
		return flr(d);
	case NVSR_RESET_NSSR:
		return nssr(d);
	case NVSR_RESET_HOT:
		nvsr_model_hot_reset(h->model);
		break;
	case NVSR_RESET_POWER:
		nvsr_model_power_cycle(h->model);
		break;
	case NVSR_RESET_CTRL:
		return -EINVAL;	/* no matter of the function: reset() */
	}
	nvsr_dev_sleep_ms(d, PCI_MS_FLR);
	return 0;
}

static int reset(struct nvsr_dev *d, enum nvsr_reset how)
{
	bool was = nvsr_ctrl_enabled(d), pf_was = nvsr_ctrl_enabled(d->pf);
	bool all = how != NVSR_RESET_CTRL && how != NVSR_RESET_FLR;
	int rc;

	if (how == NVSR_RESET_CTRL)
		return nvsr_ctrl_reset(d);
	rc = hit(d, how);
	if (rc)
		return rc;
	if (all || !d->vfn) {
		for_each_vf(d->pf, nvsr_ctrl_lost);
		d = d->pf;
		was = pf_was;
	}
	nvsr_ctrl_lost(d);
	if (!wait_answer(d))
		return -ENODEV;
	if (d->vfn)
		bus_master(d, PCI_COMMAND_MASTER);
	else
		program_pf(d);
	return was ? nvsr_ctrl_enable_again(d) : 0;
}

/* --- open and close ---------------------------------------------------------------------------------------------------------------- */

static uint64_t now(struct nvsr_dev *d)
{
	return nvsr_model_now(host_of(d)->model);
}

static void sleep_ns(struct nvsr_dev *d, uint64_t ns)
{
	nvsr_model_advance(host_of(d)->model, ns);
}

static int seed(struct nvsr_model *m, const char *where, const char *const *defects, struct nvsr_complaint *complaint)
{
	for (; defects && *defects; defects++) {
		int rc = nvsr_model_set_defect(m, *defects);

		if (!rc)
			continue;
		snprintf(complaint->text, sizeof(complaint->text), "%s: no seeded defect or lie is called \"%s\"", where, *defects);
		return rc;
	}
	return 0;
}

static int open_pf(struct nvsr_dev *d, const char *where, const struct nvsr_dev_options *o, struct nvsr_complaint *complaint)
{
	const struct nvsr_profile *p = o->profile;
	struct nvsr_profile *own = NULL;
	struct host *h = calloc(1, sizeof(*h));
	int rc = h ? 0 : -ENOMEM;

	d->shared->host = d->priv = h;
	if (!rc && !p) {
		rc = nvsr_profile_load(where[6] ? where + 6 : "reference", &own, complaint);
		p = own;
	}
	if (!rc)
		rc = nvsr_model_create(p, &h->model);
	nvsr_profile_free(own);
	if (!rc)
		rc = seed(h->model, where, o->defects, complaint);
	if (!rc && o->state)
		rc = nvsr_model_use_state(h->model, o->state, complaint);
	if (rc)
		return rc;
	d->can = NVSR_CAN_CFG_READ | NVSR_CAN_CFG_WRITE | NVSR_CAN_REG_READ | NVSR_CAN_REG_WRITE | NVSR_CAN_QUEUES | NVSR_CAN_AER |
		 NVSR_CAN_ADMIN | NVSR_CAN_IO | NVSR_CAN_VF | NVSR_CAN_CTRL_RESET | NVSR_CAN_FLR | NVSR_CAN_HOT_RESET |
		 NVSR_CAN_POWER_CYCLE | NVSR_CAN_NUMVFS | NVSR_CAN_DMA_DOMAINS;
	d->vf_can = d->can & ~(unsigned)(NVSR_CAN_VF | NVSR_CAN_NUMVFS);
	d->rid = nvsr_model_pf_rid(h->model);
	h->next_iova = IOVA_BASE;
	h->next_mmio = MMIO_BASE;
	nvsr_model_on_msi(h->model, on_msi, h);
	rc = wait_answer(d) ? enumerate(d) : -ENODEV;
	if (!rc)
		rc = nvsr_ctrl_enable(d);
	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "%s: the controller does not become ready: %s", where,
			 strerror(-rc));
	return rc;
}

static void close_dev(struct nvsr_dev *d)
{
	struct host *h = host_of(d);
	struct dma **p;

	if (h->model)
		nvsr_ctrl_release(d);
	for (p = &h->dma; *p;) {
		if ((*p)->owner == d)
			dma_release(h, p);
		else
			p = &(*p)->next;
	}
	if (d->domain)
		nvsr_model_set_domain(h->model, d->rid, 0);
	if (d->vfn)
		return;
	nvsr_model_destroy(h->model);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(h->irqs); i++)
		free(h->irqs[i]);
	free(h);
}

const struct nvsr_dev_ops nvsr_dev_model = {
	.name = "model", .open = open_pf, .open_vf = open_vf, .close = close_dev, .lose = nvsr_nosys_lose,
	.admin = nvsr_ctrl_admin,
	.io = nvsr_ctrl_io, .cfg_read = cfg_read, .cfg_write = cfg_write, .bar_read = bar_read, .bar_write = bar_write,
	.reset = reset, .set_numvfs = set_numvfs, .get_numvfs = get_numvfs,
	.host_save = nvsr_nosys_host_save, .host_restore = nvsr_nosys_host_restore, .now = now, .sleep_ns = sleep_ns,
	.dma_alloc = dma_alloc, .dma_free = dma_free, .dma_own_domain = dma_own_domain, .dma_faults = dma_faults,
	.irq_setup = irq_setup, .irq_count = irq_count,
	.dma_map = nvsr_nosys_dma_map, .admin_prp = nvsr_ctrl_admin_prp, .doorbells = nvsr_nosys_doorbells,
	.irq_fd = nvsr_nosys_irq_fd,
};
