// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Access method "kernel": the kernel's NVMe driver on the PF, and on a VF from its first command on.  Commands through
 * ioctls, configuration space through libpci, BAR0 read-only where the kernel lets it be mapped, VFs and resets by sysfs.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/time.h"
#include "device/ask.h"
#include "device/kernel_nvme.h"
#include "device/kernel_pci.h"
#include "device/kernel_scan.h"
#include "device/os.h"
#include "device/private.h"
#include "device/vfio.h"

#define LIVE_MS 30000	/* a driver that probes or resets: the longest CAP.TO seen in the field, plus scanning */
#define SCAN_MS 5000	/* a namespace shows up after it was attached */
#define SETTLE_MS 2000	/* the scan ends */

/* Of one function. */
struct kernel_fn {
	struct nvsr_bdf bdf;
	char ctrl[32];		/* "nvme0"; "" while no driver is bound */
	int fd;			/* of /dev/nvme0; -1 while not open */
	int ns_fd;		/* of the namespace used last; -1 while none is open */
	uint32_t nsid;
	bool bound;		/* by us */
	bool enabled;		/* by us, without a driver */
};

static struct kernel_fn *fn(const struct nvsr_dev *d)
{
	return d->priv;
}

static struct kernel_fn *new_fn(void)
{
	struct kernel_fn *f = calloc(1, sizeof(*f));

	if (f)
		f->fd = f->ns_fd = -1;
	return f;
}

static void forget_namespace(struct kernel_fn *f)
{
	if (f->ns_fd >= 0)
		close(f->ns_fd);
	f->ns_fd = -1;
}

/* --- the driver of a function -------------------------------------------------------------------------------------------- */
static bool is_live(const char *ctrl)
{
	_cleanup_free_ char *path = nvsr_asprintf("class/nvme/%s/state", ctrl);
	char state[32];

	return path && !nvsr_sysfs_read(path, state, sizeof(state)) && !strcmp(state, "live");
}

/* Wait until the function has a controller in state live, and open it. */
static int wait_live(struct kernel_fn *f, unsigned ms)
{
	uint64_t until = nvsr_now_ns() + ms * NVSR_MS;
	char path[64];

	for (;;) {
		char driver[32];

		if (!nvsr_sysfs_controller(f->bdf, f->ctrl, sizeof(f->ctrl)) && is_live(f->ctrl))
			break;
		f->ctrl[0] = '\0';
		/* A probe that failed leaves the function without a driver. */
		if (f->bound && nvsr_sysfs_link(f->bdf, "driver", driver, sizeof(driver)))
			return -EAGAIN;
		if (nvsr_now_ns() >= until)
			return -ETIMEDOUT;
		nvsr_sleep_ns(5 * NVSR_MS, NULL);
	}
	snprintf(path, sizeof(path), "/dev/%s", f->ctrl);
	/* The device node follows the sysfs entry. */
	while (f->fd < 0 && (f->fd = open(path, O_RDWR | O_CLOEXEC)) < 0) {
		if (errno != ENOENT || nvsr_now_ns() >= until)
			return -errno;
		nvsr_sleep_ns(5 * NVSR_MS, NULL);
	}
	nvsr_kernel_settle(f->fd, f->ctrl, SETTLE_MS);
	return 0;
}

/* Does the function answer configuration reads?  All ones is what nobody answers: a VF's identity alone says nothing. */
static bool answers(struct nvsr_dev *pf, uint16_t rid)
{
	uint32_t class;

	return !pf->ops->cfg_read(pf, rid, PCI_REVISION_ID, 4, &class) && class != UINT32_MAX;
}

/* Give a VF to the nvme driver, at its first command. */
static int bind_nvme(struct nvsr_dev *d)
{
	struct kernel_fn *f = fn(d);
	char driver[32];
	int rc;

	/* The driver would wait for it, up to a minute. */
	if (!answers(d->pf, d->rid))
		return -ENODEV;
	nvsr_os_driver(f->bdf, driver, sizeof(driver));
	if (driver[0])
		return strcmp(driver, "nvme") ? -EBUSY : wait_live(f, LIVE_MS);
	rc = nvsr_os_bind(f->bdf, "nvme", true);
	f->bound = !rc;
	return rc ? rc == -ENODEV ? -EAGAIN : rc : wait_live(f, LIVE_MS);
}

static void unbind_nvme(struct kernel_fn *f)
{
	char driver[32];

	forget_namespace(f);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->ctrl[0] = '\0';
	if (!f->bound)
		return;
	f->bound = false;
	nvsr_os_driver(f->bdf, driver, sizeof(driver));
	if (!driver[0] || !strcmp(driver, "nvme"))
		nvsr_os_bind(f->bdf, "", false);
}

static int ready(struct nvsr_dev *d)
{
	struct kernel_fn *f = fn(d);

	return f->fd >= 0 ? 0 : d->vfn ? bind_nvme(d) : wait_live(f, LIVE_MS);
}

/* --- open and close ------------------------------------------------------------------------------------------------------ */
static int open_controller(const char *where, struct kernel_fn *f, struct nvsr_complaint *c)
{
	_cleanup_free_ char *attr = NULL;
	const char *name = where + strlen("/dev/");
	char value[64];
	struct stat st;
	unsigned n;
	int end = 0;

	if (stat(where, &st))
		return nvsr_complain(c, -errno, "%s: %s", where, strerror(errno));
	if (!S_ISCHR(st.st_mode) || sscanf(name, "nvme%u%n", &n, &end) != 1 || name[end])
		return nvsr_complain(c, -ENODEV, "%s is not an NVMe controller: expected a character device such as /dev/nvme0%s", where,
				S_ISBLK(st.st_mode) ? " (this one is a block device, a namespace has no functions)" : "");
	attr = nvsr_asprintf("class/nvme/%s/address", name);
	if (!attr || nvsr_sysfs_read(attr, value, sizeof(value)) || !nvsr_bdf_parse(value, &f->bdf))
		return nvsr_complain(c, -ENODEV, "%s is not a PCIe controller: its sysfs address is no PCI address", where);
	return 0;
}

static int open_bdf(const char *where, struct kernel_fn *f, struct nvsr_complaint *c)
{
	char class[32], driver[32];

	if (!nvsr_bdf_parse(where, &f->bdf))
		return nvsr_complain(c, -EINVAL, "%s: expected model:, model:PROFILE, /dev/nvmeN, or a PCI address such as 0000:01:00.0",
				where);
	if (nvsr_sysfs_get(f->bdf, "class", class, sizeof(class)))
		return nvsr_complain(c, -ENOENT, "%s: no such PCI function (nothing in %s/bus/pci/devices)", where, nvsr_sysfs_root());
	if (strtoul(class, NULL, 16) != PCI_CLASS_NVME)
		return nvsr_complain(c, -ENODEV, "%s is not an NVMe controller: its class code is %s, expected 0x010802", where, class);
	if (nvsr_sysfs_link(f->bdf, "driver", driver, sizeof(driver)))
		snprintf(driver, sizeof(driver), "no driver");
	if (strcmp(driver, "nvme"))
		return nvsr_complain(c, -ENOTSUP, "%s is bound to %s: expected the nvme driver", where, driver);
	return 0;
}

/* BAR0 can be mapped only where the kernel allows it beside its own driver (iomem=relaxed). */
static bool registers_readable(struct nvsr_dev *d)
{
	uint64_t vs;

	return !d->ops->bar_read(d, 0, NVME_REG_VS, 4, &vs) && vs != UINT32_MAX && vs;
}

static int choose_vf_method(struct nvsr_dev *d, enum nvsr_vf_access access, struct nvsr_complaint *c)
{
	int rc;

	if (access == NVSR_VF_KERNEL || (access == NVSR_VF_AUTO && !nvsr_sysfs_has(fn(d)->bdf, "sriov_numvfs")))
		return 0;
	rc = nvsr_vfio_available(fn(d)->bdf, c);
	if (rc == -ENOTSUP && access == NVSR_VF_AUTO) {
		c->text[0] = '\0';
		return 0;
	}
	return rc ? rc : nvsr_vfio_adopt_vfs(d, fn(d)->bdf, c);
}

static int kernel_open(struct nvsr_dev *d, const char *where, const struct nvsr_dev_options *o, struct nvsr_complaint *c)
{
	struct kernel_fn *f = new_fn();
	int rc;

	if (!f)
		return -ENOMEM;
	d->priv = f;
	rc = strncmp(where, "/dev/", 5) ? open_bdf(where, f, c) : open_controller(where, f, c);
	if (rc)
		return rc;
	if (nvsr_sysfs_has(f->bdf, "physfn"))
		return nvsr_complain(c, -ENODEV, "%s is a virtual function: name the physical function", where);
	rc = wait_live(f, LIVE_MS);
	if (rc)
		return nvsr_complain(c, rc, rc == -ETIMEDOUT ? "%s: the driver has no live controller: %s" : "%s: %s", where,
				rc == -EACCES ? "permission denied, run as root" : strerror(-rc));
	rc = nvsr_kernel_pci_open((struct nvsr_kernel_pci **)&d->shared->host);
	if (rc)
		return nvsr_complain(c, rc, "%s: configuration space: %s", where, strerror(-rc));
	d->rid = f->bdf.rid;
	d->shared->os_counts = !nvsr_os_get_numvfs(f->bdf, &d->shared->os_vfs);
	d->can = NVSR_CAN_CFG_READ | NVSR_CAN_ADMIN | NVSR_CAN_IO | NVSR_CAN_VF | NVSR_CAN_CTRL_RESET | NVSR_CAN_FLR;
	if (nvsr_sysfs_has(f->bdf, "sriov_numvfs"))
		d->can |= NVSR_CAN_NUMVFS;
	if (registers_readable(d))
		d->can |= NVSR_CAN_REG_READ;
	d->vf_can = d->can & ~(unsigned)(NVSR_CAN_VF | NVSR_CAN_NUMVFS);
	return choose_vf_method(d, o->vf_access, c);
}

static int kernel_open_vf(struct nvsr_dev *pf, struct nvsr_dev *vf)
{
	struct kernel_fn *f;
	struct nvsr_bdf bdf;
	char text[32];
	int rc = nvsr_os_vf(fn(pf)->bdf, vf->vfn, &bdf);

	if (rc)
		return rc;
	f = new_fn();
	if (!f)
		return -ENOMEM;
	f->bdf = bdf;
	vf->priv = f;
	vf->name = nvsr_asprintf("%s#vf%u", pf->name, vf->vfn);
	vf->rid = f->bdf.rid;
	/* QEMU 7.2 decodes a VF's BARs only after the kernel enabled the function, as it does when a driver is bound. */
	if (!nvsr_sysfs_get(f->bdf, "enable", text, sizeof(text)) && text[0] == '0')
		f->enabled = !nvsr_sysfs_put(f->bdf, "enable", "1");
	return 0;
}

static void kernel_close(struct nvsr_dev *d)
{
	if (!d->priv)
		return;
	unbind_nvme(fn(d));
	if (fn(d)->enabled)
		nvsr_sysfs_put(fn(d)->bdf, "enable", "0");
	free(d->priv);
	if (d->pf != d || !d->shared)
		return;
	nvsr_kernel_pci_close(d->shared->host);
	nvsr_vfio_orphan_vfs(d);
}

/* --- commands ------------------------------------------------------------------------------------------------------------ */
/* Namespaces came or went: let the kernel see it now, on every function that it drives, not in the middle of what follows. */
static void rescan(struct nvsr_dev *pf)
{
	for (struct nvsr_dev *d = pf; d; d = d == pf ? pf->shared->vfs : d->next_vf) {
		if (d->ops != pf->ops)
			continue;
		forget_namespace(fn(d));
		if (fn(d)->fd < 0)
			continue;
		nvsr_kernel_rescan(fn(d)->fd);
		nvsr_kernel_settle(fn(d)->fd, fn(d)->ctrl, SETTLE_MS);
	}
}

/* The open VFs are about to be disabled or reset: take them from their drivers, which would wait for each lost command. */
static void lose_vfs(struct nvsr_dev *pf)
{
	for (struct nvsr_dev *d = pf->shared->vfs; d; d = d->next_vf)
		d->ops->lose(d);
}

static void kernel_lose(struct nvsr_dev *vf)
{
	unbind_nvme(fn(vf));
}

/* The same for a VF that goes Offline and has the kernel's driver. */
static void lose_controller(struct nvsr_dev *pf, unsigned cntlid)
{
	for (struct nvsr_dev *d = pf->shared->vfs; d; d = d->next_vf) {
		_cleanup_free_ char *path = d->ops == pf->ops ? nvsr_asprintf("class/nvme/%s/cntlid", fn(d)->ctrl) : NULL;
		char value[16];

		if (path && !nvsr_sysfs_read(path, value, sizeof(value)) && strtoul(value, NULL, 10) == cntlid)
			unbind_nvme(fn(d));
	}
}

static int kernel_admin(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	int rc = ready(d);

	if (rc)
		return rc;
	if (d == d->pf && c->opcode == NVME_ADMIN_VIRT_MGMT && (c->cdw10 & 0xf) == NVME_VIRT_OFFLINE)
		lose_controller(d, c->cdw10 >> 16);
	rc = nvsr_kernel_admin(fn(d)->fd, c, c->timeout_ms ? c->timeout_ms : d->admin_timeout_ms);
	nvsr_dev_note_cmd(d, 0, c, rc);
	if (!rc && (c->opcode == NVME_ADMIN_NS_MGMT || c->opcode == NVME_ADMIN_NS_ATTACH))
		rescan(d->pf);
	return rc;
}

/*
 * I/O goes through the device of a namespace, which the kernel makes some time after it was attached.  Opening a block device
 * costs more than a command, so it stays open until namespaces come or go.
 */
static int open_namespace(struct kernel_fn *f, uint32_t nsid)
{
	uint64_t until = nvsr_now_ns() + SCAN_MS * NVSR_MS;
	char name[64], path[80];

	if (f->ns_fd >= 0 && f->nsid == nsid)
		return 0;
	forget_namespace(f);
	if (nvsr_sysfs_namespace(f->ctrl, nsid, name, sizeof(name)))
		nvsr_kernel_rescan(f->fd);
	while (nvsr_sysfs_namespace(f->ctrl, nsid, name, sizeof(name))) {
		if (nvsr_now_ns() >= until)
			return -ENOTSUP;
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	}
	snprintf(path, sizeof(path), "/dev/%s", name);
	while ((f->ns_fd = open(path, O_RDWR | O_CLOEXEC)) < 0) {
		if (errno != ENOENT || nvsr_now_ns() >= until)
			return -errno;
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	}
	f->nsid = nsid;
	return 0;
}

static int kernel_io(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	int rc = ready(d);

	if (!rc)
		rc = open_namespace(fn(d), c->nsid);
	if (rc)
		return rc;
	rc = nvsr_kernel_io(fn(d)->ns_fd, c, c->timeout_ms ? c->timeout_ms : NVSR_IO_TIMEOUT_MS);
	nvsr_dev_note_cmd(d, 1, c, rc);
	/* A device of the kernel that is no more tells nothing about the namespace. */
	if (rc < 0)
		forget_namespace(fn(d));
	return rc;
}

/* --- configuration space and registers ----------------------------------------------------------------------------------- */
static int kernel_cfg_read(struct nvsr_dev *pf, uint16_t rid, unsigned off, unsigned len, uint32_t *ret)
{
	return nvsr_kernel_pci_read(pf->shared->host, (struct nvsr_bdf){ fn(pf)->bdf.domain, rid }, off, len, ret);
}

static int kernel_bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	char text[NVSR_BDF_LEN];
	_cleanup_free_ char *path = nvsr_asprintf("%s/bus/pci/devices/%s/resource%u", nvsr_sysfs_root(),
						  nvsr_bdf_text(fn(d)->bdf, text), bar);
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t from = off & ~(uint64_t)(page - 1);
	const volatile uint8_t *p;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return path ? -errno : -ENOMEM;
	if (off + len > (uint64_t)st.st_size || (off & (len - 1)))
		return -EINVAL;
	/* Memory that nobody decodes reads as all ones on hardware, as 0 under QEMU. */
	if (d->vfn && !answers(d->pf, d->rid)) {
		*ret = UINT64_MAX >> (8 - len) * 8;
		return 0;
	}
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)from);
	if (p == MAP_FAILED)
		return -errno;
	/* Registers are read as they are wide: 1 or 2 bytes are a part of 4. */
	if (len == 8)
		*ret = *(const volatile uint64_t *)(p + (off - from));
	else
		*ret = *(const volatile uint32_t *)(p + ((off - from) & ~3ull)) >> (off & 3) * 8 & (~0u >> (4 - len) * 8);
	munmap((void *)(uintptr_t)p, page);
	return 0;
}

/* --- resets and VFs ------------------------------------------------------------------------------------------------------ */
/* The kernel takes the first method of its list that works. */
static bool begins_with_flr(const char *methods)
{
	return !strncmp(methods, "flr", 3) && (!methods[3] || methods[3] == ' ');
}

/* Function Level Reset by the kernel, which saves and restores configuration space around it. */
static int flr(struct kernel_fn *f)
{
	char method[64] = "";
	bool chosen = !nvsr_sysfs_get(f->bdf, "reset_method", method, sizeof(method)) && !begins_with_flr(method);
	int rc;

	if (chosen) {
		rc = nvsr_sysfs_put(f->bdf, "reset_method", "flr");
		if (rc)
			return -ENOTSUP;	/* the kernel found no FLR on this function */
	}
	rc = nvsr_sysfs_put(f->bdf, "reset", "1");
	if (chosen)
		nvsr_sysfs_put(f->bdf, "reset_method", method);
	return rc;
}

static int kernel_get_numvfs(struct nvsr_dev *pf, unsigned *ret)
{
	return nvsr_ask_numvfs(pf, fn(pf)->bdf, ret);
}

static int change_numvfs(struct nvsr_dev *pf, unsigned now, unsigned n)
{
	lose_vfs(pf);
	return nvsr_ask_change_numvfs(pf, fn(pf)->bdf, now, n);
}

static int kernel_set_numvfs(struct nvsr_dev *pf, unsigned n)
{
	unsigned now;
	int rc = kernel_get_numvfs(pf, &now);

	return rc || now == n ? rc : change_numvfs(pf, now, n);
}

/* The kernel enables the VFs again after an FLR of the PF, unless VF Enable reads 1: then QEMU 7.2 has taken them away. */
static int bring_vfs_back(struct nvsr_dev *pf)
{
	struct nvsr_bdf vf1;
	unsigned now;

	if (kernel_get_numvfs(pf, &now) || !now)
		return 0;
	if (!nvsr_os_vf(fn(pf)->bdf, 1, &vf1) && answers(pf, vf1.rid))
		return 0;
	return change_numvfs(pf, now, now);
}

static int kernel_reset(struct nvsr_dev *d, enum nvsr_reset how)
{
	struct kernel_fn *f = fn(d);
	int rc;

	if (!answers(d->pf, d->rid))
		return -ENODEV;
	if (d == d->pf)
		lose_vfs(d);
	forget_namespace(f);
	if (f->fd >= 0)
		nvsr_kernel_settle(f->fd, f->ctrl, SETTLE_MS);
	switch (how) {
	case NVSR_RESET_CTRL:
		rc = ready(d);
		if (!rc)
			rc = nvsr_kernel_ctrl_reset(f->fd);
		break;
	case NVSR_RESET_FLR:
		rc = flr(f);
		break;
	default:
		return -ENOTSUP;
	}
	/* A VF without a driver comes up at its next command. */
	if (!rc && f->ctrl[0])
		rc = wait_live(f, LIVE_MS);
	return rc || d != d->pf ? rc : bring_vfs_back(d);
}

static int kernel_host_save(struct nvsr_dev *pf, char **ret_json)
{
	return nvsr_ask_save(pf, fn(pf)->bdf, ret_json);
}

static int kernel_host_restore(struct nvsr_dev *pf, const char *json)
{
	return nvsr_ask_restore(pf, fn(pf)->bdf, json);
}

const struct nvsr_dev_ops nvsr_dev_kernel = {
	.name = "kernel",
	.open = kernel_open,
	.open_vf = kernel_open_vf,
	.close = kernel_close,
	.lose = kernel_lose,
	.admin = kernel_admin,
	.io = kernel_io,
	.cfg_read = kernel_cfg_read,
	.cfg_write = nvsr_nosys_cfg_write,
	.bar_read = kernel_bar_read,
	.bar_write = nvsr_nosys_bar_write,
	.reset = kernel_reset,
	.set_numvfs = kernel_set_numvfs,
	.get_numvfs = kernel_get_numvfs,
	.host_save = kernel_host_save,
	.host_restore = kernel_host_restore,
	.now = nvsr_host_now,
	.sleep_ns = nvsr_host_sleep_ns,
	.dma_alloc = nvsr_nosys_dma_alloc,
	.dma_free = nvsr_nosys_dma_free,
	.dma_own_domain = nvsr_nosys_dma_own_domain,
	.dma_faults = nvsr_nosys_dma_faults,
	.irq_setup = nvsr_nosys_irq_setup,
	.irq_count = nvsr_nosys_irq_count,
	.dma_map = nvsr_nosys_dma_map, .admin_prp = nvsr_nosys_admin_prp, .doorbells = nvsr_nosys_doorbells,
	.irq_fd = nvsr_nosys_irq_fd,
};
