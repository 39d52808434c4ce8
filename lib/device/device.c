// SPDX-License-Identifier: GPL-2.0-or-later
/* What every access method shares: opening, dispatch, bounded capability walks, waiting. */
#include "device/os.h"
#include "device/private.h"

#include <inttypes.h>

#include "base/text.h"

/* --- open and close ---------------------------------------------------------------------------------------------- */

static const struct nvsr_dev_ops *method_of(const char *where)
{
	struct nvsr_bdf b;
	char driver[32];

	if (!strncmp(where, "model:", 6))
		return &nvsr_dev_model;
	if (!strncmp(where, "unix:", 5))
		return &nvsr_dev_served;
	if (where[0] == '/')
		return &nvsr_dev_kernel;
	if (!nvsr_bdf_parse(where, &b))
		return NULL;
	nvsr_os_driver(b, driver, sizeof(driver));
	return strcmp(driver, "vfio-pci") ? &nvsr_dev_kernel : &nvsr_dev_vfio;
}

static void dev_free(struct nvsr_dev *d)
{
	if (d->ops && d->priv)
		d->ops->close(d);
	free(d->name);
	if (d->pf == d)
		free(d->shared);
	free(d);
}

int nvsr_dev_open(const char *where, const struct nvsr_profile *profile, const char *const *defects, struct nvsr_dev **ret,
		  struct nvsr_complaint *complaint)
{
	return nvsr_dev_open_with(where, &(struct nvsr_dev_options){ .profile = profile, .defects = defects }, ret, complaint);
}

int nvsr_dev_open_with(const char *where, const struct nvsr_dev_options *o, struct nvsr_dev **ret,
		       struct nvsr_complaint *complaint)
{
	const struct nvsr_dev_ops *ops = method_of(where);
	struct nvsr_dev *d;
	int rc;

	complaint->text[0] = '\0';
	if (!ops) {
		snprintf(complaint->text, sizeof(complaint->text),
			 "%s: no such device; expected model:[PROFILE], a controller like /dev/nvme0, or a PCI address like 0000:01:00.0",
			 where);
		return -ENOENT;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->pf = d;
	d->refs = 1;
	d->ops = ops;
	d->name = strdup(where);
	d->shared = calloc(1, sizeof(*d->shared));
	d->admin_timeout_ms = o->profile && o->profile->limits.admin_timeout_ms > 0 ?
		(unsigned)o->profile->limits.admin_timeout_ms : NVSR_ADMIN_TIMEOUT_MS;
	rc = d->name && d->shared ? ops->open(d, where, o, complaint) : -ENOMEM;
	if (rc) {
		dev_free(d);
		if (!complaint->text[0])
			snprintf(complaint->text, sizeof(complaint->text), "%s: %s", where, strerror(-rc));
		return rc;
	}
	d->shared->dirty = false;
	*ret = d;
	return 0;
}

int nvsr_dev_open_vf(struct nvsr_dev *pf, unsigned vfn, struct nvsr_dev **ret)
{
	struct nvsr_dev *d;
	int rc;

	pf = pf->pf;
	if (!vfn)
		return -EINVAL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct nvsr_dev){
		.ops = pf->vf_ops ? pf->vf_ops : pf->ops, .pf = pf, .shared = pf->shared, .vfn = vfn, .can = pf->vf_can,
		.admin_timeout_ms = pf->admin_timeout_ms,
	};
	rc = d->ops->open_vf(pf, d);
	if (!rc && !d->name)
		rc = -ENOMEM;
	nvsr_dev_note(d, "open -> %s", rc ? strerror(-rc) : "ok");
	if (rc) {
		dev_free(d);
		return rc;
	}
	pf->refs++;
	d->next_vf = pf->shared->vfs;
	pf->shared->vfs = d;
	*ret = d;
	return 0;
}

static void unlink_vf(struct nvsr_dev *d)
{
	struct nvsr_dev **p = &d->shared->vfs;

	while (*p && *p != d)
		p = &(*p)->next_vf;
	if (*p)
		*p = d->next_vf;
}

struct nvsr_dev *nvsr_dev_close(struct nvsr_dev *d)
{
	struct nvsr_dev *pf = d ? d->pf : NULL;

	if (!d)
		return NULL;
	if (d != pf) {
		unlink_vf(d);
		dev_free(d);
	}
	if (!--pf->refs)
		dev_free(pf);
	return NULL;
}

const char *nvsr_dev_name(const struct nvsr_dev *d) { return d->name; }
const char *nvsr_dev_method(const struct nvsr_dev *d)
{
	return d->vf_ops && d->vf_ops != d->ops ? "kernel, VFs by vfio" : d->ops->name;
}


unsigned nvsr_dev_can(const struct nvsr_dev *d) { return d->can; }
unsigned nvsr_dev_vf_can(const struct nvsr_dev *pf) { return pf->pf->vf_can; }
unsigned nvsr_dev_vfn(const struct nvsr_dev *d) { return d->vfn; }
uint16_t nvsr_dev_rid(const struct nvsr_dev *d) { return d->rid; }

/* --- commands ------------------------------------------------------------------------------------------------------ */

static bool changes_state(const struct nvsr_cmd *c)
{
	static const uint8_t changing[] = {
		NVME_ADMIN_SET_FEATURES, NVME_ADMIN_NS_MGMT, NVME_ADMIN_NS_ATTACH, NVME_ADMIN_VIRT_MGMT,
		NVME_ADMIN_CAPACITY_MGMT, NVME_ADMIN_FORMAT, NVME_ADMIN_SANITIZE,
	};

	return memchr(changing, c->opcode, sizeof(changing)) != NULL;
}

void nvsr_dev_changes(struct nvsr_dev *d, const struct nvsr_cmd *c)
{
	if (changes_state(c))
		d->shared->dirty = true;
	if (c->opcode == NVME_ADMIN_VIRT_MGMT && (c->cdw10 & 0xf) == NVME_VIRT_PRIMARY_FLEXIBLE)
		d->shared->allocated = true;
}

int nvsr_admin(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	int rc = nvsr_guard_cmd(d, false, c);

	if (rc)
		return rc;
	nvsr_dev_changes(d, c);
	return d->ops->admin(d, c);
}

int nvsr_io(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	int rc = nvsr_guard_cmd(d, true, c);

	return rc ? rc : d->ops->io(d, c);
}

/* --- configuration space and registers --------------------------------------------------------------------------------- */

static bool cfg_range(unsigned off, unsigned len)
{
	return (len == 1 || len == 2 || len == 4) && off % len == 0 && off + len <= PCI_CFG_SIZE;
}

int nvsr_cfg_read(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t *ret)
{
	return nvsr_cfg_read_rid(d, d->rid, off, len, ret);
}

int nvsr_cfg_read_rid(struct nvsr_dev *pf, uint16_t rid, unsigned off, unsigned len, uint32_t *ret)
{
	return cfg_range(off, len) ? pf->ops->cfg_read(pf->pf, rid, off, len, ret) : -EINVAL;
}

int nvsr_cfg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	int rc = cfg_range(off, len) ? nvsr_guard_cfg(d, off) : -EINVAL;

	if (!rc)
		rc = d->ops->cfg_write(d, off, len, val);
	d->shared->dirty = true;
	nvsr_dev_note(d, "config %03Xh = %0*Xh%s%s", off, (int)len * 2, val, rc ? " -> " : "", rc ? strerror(-rc) : "");
	return rc;
}

static bool bar_range(uint64_t off, unsigned len)
{
	return (len == 1 || len == 2 || len == 4 || len == 8) && off % len == 0;
}

int nvsr_bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	return bar_range(off, len) && bar < PCI_BAR_COUNT ? d->ops->bar_read(d, bar, off, len, ret) : -EINVAL;
}

int nvsr_bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	int rc = bar_range(off, len) && bar < PCI_BAR_COUNT ? nvsr_guard_reg(d, bar, off, val) : -EINVAL;

	if (!rc)
		rc = d->ops->bar_write(d, bar, off, len, val);
	nvsr_dev_note(d, "BAR%u %" PRIX64 "h = %0*" PRIX64 "h%s%s", bar, off, (int)len * 2, val, rc ? " -> " : "",
		      rc ? strerror(-rc) : "");
	if (rc || bar)
		return rc;
	if (off == NVME_REG_CC || off == NVME_REG_NSSR)
		d->shared->dirty = true;
	if ((off == NVME_REG_CC && !(val & NVME_CC_EN)) || (off == NVME_REG_NSSR && val == NVME_NSSR_KEY))
		nvsr_ctrl_lost(d);
	return 0;
}

int nvsr_reg_read(struct nvsr_dev *d, unsigned off, unsigned len, uint64_t *ret)
{
	return nvsr_bar_read(d, 0, off, len, ret);
}

int nvsr_reg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint64_t val)
{
	return nvsr_bar_write(d, 0, off, len, val);
}

/* Walks end after as many steps as there is room for capabilities, whatever the pointers say. */
#define CAP_STEPS	((0x100 - 0x40) / 4)
#define EXT_CAP_STEPS	((PCI_CFG_SIZE - PCI_EXT_CAP_START) / 8)

int nvsr_cfg_find_cap(struct nvsr_dev *d, uint8_t id, unsigned *ret)
{
	uint32_t v;
	int rc = nvsr_cfg_read(d, PCI_STATUS, 2, &v);

	if (!rc && v != 0xffff && v & PCI_STATUS_CAP_LIST) {
		rc = nvsr_cfg_read(d, PCI_CAP_POINTER, 1, &v);
		for (unsigned i = 0; !rc && i < CAP_STEPS && (v & 0xfc) >= 0x40; i++) {
			unsigned pos = v & 0xfc;

			rc = nvsr_cfg_read(d, pos, 2, &v);
			if (!rc && (v & 0xff) == id) {
				*ret = pos;
				return 0;
			}
			v >>= 8;
		}
	}
	if (!rc)
		*ret = 0;
	return rc;
}

int nvsr_cfg_find_ext_cap(struct nvsr_dev *d, uint16_t id, unsigned *ret)
{
	unsigned pos = PCI_EXT_CAP_START;
	uint32_t v;
	int rc = 0;

	for (unsigned i = 0; i < EXT_CAP_STEPS && pos >= PCI_EXT_CAP_START; i++) {
		rc = nvsr_cfg_read(d, pos, 4, &v);
		if (rc)
			return rc;
		if (!v || v == UINT32_MAX)
			break;
		if ((v & 0xffff) == id) {
			*ret = pos;
			return 0;
		}
		pos = v >> 20 & 0xffc;
	}
	*ret = 0;
	return 0;
}

/* --- resets and VFs --------------------------------------------------------------------------------------------------------- */

int nvsr_reset(struct nvsr_dev *d, enum nvsr_reset how)
{
	static const char *const names[] = {
		[NVSR_RESET_CTRL] = "Controller Reset", [NVSR_RESET_FLR] = "Function Level Reset",
		[NVSR_RESET_HOT] = "hot reset", [NVSR_RESET_POWER] = "power cycle", [NVSR_RESET_NSSR] = "NVM Subsystem Reset",
	};
	int rc;

	if ((unsigned)how >= NVSR_ARRAY_SIZE(names))
		return -EINVAL;
	rc = nvsr_guard_reset(d, how);
	if (rc)
		return rc;
	d->shared->dirty = true;
	rc = d->ops->reset(d, how);
	nvsr_dev_note(d, "%s -> %s", names[how], rc < 0 ? strerror(-rc) : nvme_status_name(rc));
	return rc;
}

int nvsr_set_numvfs(struct nvsr_dev *pf, unsigned n)
{
	int rc = nvsr_guard_vfs(pf);

	if (rc)
		return rc;
	pf->shared->dirty = true;
	rc = pf->ops->set_numvfs(pf->pf, n);
	nvsr_dev_note(pf, "%u VFs -> %s", n, rc ? strerror(-rc) : "ok");
	return rc;
}

int nvsr_get_numvfs(struct nvsr_dev *pf, unsigned *ret)
{
	return pf->ops->get_numvfs(pf->pf, ret);
}

char *nvsr_dev_disturbed(struct nvsr_dev *pf)
{
	struct nvsr_shared *s = pf->shared;
	unsigned vfs;
	uint32_t id;

	if (nvsr_cfg_read(pf->pf, PCI_VENDOR_ID, 2, &id) == -ENODEV)
		return nvsr_asprintf("%s is no longer there", pf->pf->name);
	if (s->gone[0])
		return strdup(s->gone);
	if (s->os_counts && !nvsr_get_numvfs(pf, &vfs) && vfs != s->os_vfs)
		return nvsr_asprintf("the number of VFs became %u, it was %u", vfs, s->os_vfs);
	return NULL;
}

int nvsr_host_save(struct nvsr_dev *pf, char **ret_json)
{
	return pf->ops->host_save(pf->pf, ret_json);
}

int nvsr_host_restore(struct nvsr_dev *pf, const char *json)
{
	return pf->ops->host_restore(pf->pf, json);
}

/* --- time -------------------------------------------------------------------------------------------------------------------- */

uint64_t nvsr_dev_now(struct nvsr_dev *d)
{
	return d->ops->now(d);
}

void nvsr_dev_sleep_ms(struct nvsr_dev *d, unsigned ms)
{
	d->ops->sleep_ns(d, ms * 1000000ull);
}

bool nvsr_dev_wait(struct nvsr_dev *d, unsigned ms, bool (*pred)(struct nvsr_dev *d, void *arg), void *arg)
{
	uint64_t end = d->ops->now(d) + ms * 1000000ull, step = 10000, now;

	while (!pred(d, arg)) {
		now = d->ops->now(d);
		if (now >= end)
			return false;
		d->ops->sleep_ns(d, NVSR_MIN(step, end - now));
		step = NVSR_MIN(step * 2, 10000000ull);
	}
	return true;
}

/* --- DMA and interrupts ------------------------------------------------------------------------------------------------------ */

void *nvsr_dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova)
{
	return len ? d->ops->dma_alloc(d, len, ret_iova) : NULL;
}

void nvsr_dma_free(struct nvsr_dev *d, void *p)
{
	if (p)
		d->ops->dma_free(d, p);
}

int nvsr_dma_own_domain(struct nvsr_dev *d)
{
	int rc = d->ops->dma_own_domain(d);

	nvsr_dev_note(d, "address space of its own -> %s", rc ? strerror(-rc) : "ok");
	return rc;
}

int nvsr_dma_faults(struct nvsr_dev *d, uint64_t *ret_count, struct nvsr_dma_fault *ret_last)
{
	const struct nvsr_dev_ops *ops = d->pf->vf_ops ? d->pf->vf_ops : d->ops;	/* of whoever has an address space here */

	return ops->dma_faults(d, ret_count, ret_last);
}

int nvsr_irq_count(struct nvsr_dev *d, unsigned vector, uint64_t *ret)
{
	return d->ops->irq_count(d, vector, ret);
}
