// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Access method "kernel": the kernel's NVMe driver on the PF, and on a VF from its first command on.  Commands through
 * ioctls, configuration space through libpci, BAR0 read-only where the kernel lets it be mapped, VFs and resets by sysfs.
 */
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/time.h"
#include "device/kernel_nvme.h"
#include "device/kernel_pci.h"
#include "device/kernel_scan.h"
#include "device/private.h"

#define LIVE_MS 30000	/* a driver that probes or resets: the longest CAP.TO seen in the field, plus scanning */
#define SCAN_MS 5000	/* a namespace shows up after it was attached */
#define SETTLE_MS 2000	/* the scan ends */
#define NO_AUTOPROBE "sriov_drivers_autoprobe"
#define OVERRIDES "overrides"	/* in what is saved: driver_override by function */
#define NO_OVERRIDE "(null)"	/* as sysfs says it */

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

static int complain(struct nvsr_complaint *c, int rc, const char *fmt, ...) NVSR_PRINTF(3, 4);
static int complain(struct nvsr_complaint *c, int rc, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, args);
	va_end(args);
	return rc;
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
	char text[NVSR_BDF_LEN], driver[32];
	int rc;

	/* The driver would wait for it, up to a minute. */
	if (!answers(d->pf, d->rid))
		return -ENODEV;
	if (!nvsr_sysfs_link(f->bdf, "driver", driver, sizeof(driver)))
		return strcmp(driver, "nvme") ? -EBUSY : wait_live(f, LIVE_MS);
	rc = nvsr_sysfs_put(f->bdf, "driver_override", "nvme");
	if (!rc)
		rc = nvsr_sysfs_bus_put("drivers_probe", nvsr_bdf_text(f->bdf, text));
	f->bound = !rc;
	return rc ? rc : wait_live(f, LIVE_MS);
}

static void unbind_nvme(struct kernel_fn *f)
{
	char text[NVSR_BDF_LEN], driver[32];

	forget_namespace(f);
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->ctrl[0] = '\0';
	if (!f->bound)
		return;
	f->bound = false;
	nvsr_bdf_text(f->bdf, text);
	if (!nvsr_sysfs_link(f->bdf, "driver", driver, sizeof(driver)) && !strcmp(driver, "nvme"))
		nvsr_sysfs_bus_put("drivers/nvme/unbind", text);
	nvsr_sysfs_put(f->bdf, "driver_override", "\n");
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
		return complain(c, -errno, "%s: %s", where, strerror(errno));
	if (!S_ISCHR(st.st_mode) || sscanf(name, "nvme%u%n", &n, &end) != 1 || name[end])
		return complain(c, -ENODEV, "%s is not an NVMe controller: expected a character device such as /dev/nvme0%s", where,
				S_ISBLK(st.st_mode) ? " (this one is a block device, a namespace has no functions)" : "");
	attr = nvsr_asprintf("class/nvme/%s/address", name);
	if (!attr || nvsr_sysfs_read(attr, value, sizeof(value)) || !nvsr_bdf_parse(value, &f->bdf))
		return complain(c, -ENODEV, "%s is not a PCIe controller: its sysfs address is no PCI address", where);
	return 0;
}

static int open_bdf(const char *where, struct kernel_fn *f, struct nvsr_complaint *c)
{
	char class[32], driver[32];

	if (!nvsr_bdf_parse(where, &f->bdf))
		return complain(c, -EINVAL, "%s: expected model:, model:PROFILE, /dev/nvmeN, or a PCI address such as 0000:01:00.0",
				where);
	if (nvsr_sysfs_get(f->bdf, "class", class, sizeof(class)))
		return complain(c, -ENOENT, "%s: no such PCI function (nothing in %s/bus/pci/devices)", where, nvsr_sysfs_root());
	if (strtoul(class, NULL, 16) != PCI_CLASS_NVME)
		return complain(c, -ENODEV, "%s is not an NVMe controller: its class code is %s, expected 0x010802", where, class);
	if (nvsr_sysfs_link(f->bdf, "driver", driver, sizeof(driver)))
		snprintf(driver, sizeof(driver), "no driver");
	if (strcmp(driver, "nvme"))
		return complain(c, -ENOTSUP, "%s is bound to %s: expected the nvme driver", where, driver);
	return 0;
}

/* BAR0 can be mapped only where the kernel allows it beside its own driver (iomem=relaxed). */
static bool registers_readable(struct nvsr_dev *d)
{
	uint64_t vs;

	return !d->ops->bar_read(d, 0, NVME_REG_VS, 4, &vs) && vs != UINT32_MAX && vs;
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
		return complain(c, -ENODEV, "%s is a virtual function: name the physical function", where);
	rc = wait_live(f, LIVE_MS);
	if (rc)
		return complain(c, rc, rc == -ETIMEDOUT ? "%s: the driver has no live controller: %s" : "%s: %s", where,
				rc == -EACCES ? "permission denied, run as root" : strerror(-rc));
	rc = nvsr_kernel_pci_open((struct nvsr_kernel_pci **)&d->shared->host);
	if (rc)
		return complain(c, rc, "%s: configuration space: %s", where, strerror(-rc));
	d->rid = f->bdf.rid;
	d->can = NVSR_CAN_CFG_READ | NVSR_CAN_ADMIN | NVSR_CAN_IO | NVSR_CAN_VF | NVSR_CAN_CTRL_RESET | NVSR_CAN_FLR;
	if (nvsr_sysfs_has(f->bdf, "sriov_numvfs"))
		d->can |= NVSR_CAN_NUMVFS;
	if (registers_readable(d))
		d->can |= NVSR_CAN_REG_READ;
	return 0;
}

static int kernel_open_vf(struct nvsr_dev *pf, struct nvsr_dev *vf)
{
	struct kernel_fn *f;
	char attr[32], text[32];
	int rc;

	snprintf(attr, sizeof(attr), "virtfn%u", vf->vfn - 1);
	rc = nvsr_sysfs_link(fn(pf)->bdf, attr, text, sizeof(text));
	if (rc)
		return rc == -ENOENT ? -ENODEV : rc;
	f = new_fn();
	if (!f)
		return -ENOMEM;
	vf->priv = f;
	vf->name = nvsr_asprintf("%s#vf%u", pf->name, vf->vfn);
	if (!nvsr_bdf_parse(text, &f->bdf))
		return -EPROTO;
	vf->rid = f->bdf.rid;
	/* QEMU 7.2 decodes a VF's BARs only after the kernel enabled the function, as it does when a driver is bound. */
	if (!nvsr_sysfs_get(f->bdf, "enable", text, sizeof(text)) && text[0] == '0')
		f->enabled = !nvsr_sysfs_put(f->bdf, "enable", "1");
	vf->can = pf->can & ~(unsigned)(NVSR_CAN_VF | NVSR_CAN_NUMVFS);
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
	if (d->pf == d && d->shared)
		nvsr_kernel_pci_close(d->shared->host);
}

/* --- commands ------------------------------------------------------------------------------------------------------------ */
/* Namespaces came or went: let the kernel see it now, on every function that it drives, not in the middle of what follows. */
static void rescan(struct nvsr_dev *pf)
{
	for (struct nvsr_dev *d = pf; d; d = d == pf ? pf->shared->vfs : d->next_vf) {
		forget_namespace(fn(d));
		if (fn(d)->fd < 0)
			continue;
		nvsr_kernel_rescan(fn(d)->fd);
		nvsr_kernel_settle(fn(d)->fd, fn(d)->ctrl, SETTLE_MS);
	}
}

/* The open VFs lose their controllers: take them from the driver, which would wait for each lost command.  @cntlid -1: all. */
static void lose_vfs(struct nvsr_dev *pf, int cntlid)
{
	for (struct nvsr_dev *d = pf->shared->vfs; d; d = d->next_vf) {
		_cleanup_free_ char *path = nvsr_asprintf("class/nvme/%s/cntlid", fn(d)->ctrl);
		char value[16];

		if (cntlid < 0 || (path && !nvsr_sysfs_read(path, value, sizeof(value)) && strtol(value, NULL, 10) == cntlid))
			unbind_nvme(fn(d));
	}
}

static int kernel_admin(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	int rc = ready(d);

	if (rc)
		return rc;
	if (d == d->pf && c->opcode == NVME_ADMIN_VIRT_MGMT && (c->cdw10 & 0xf) == NVME_VIRT_OFFLINE)
		lose_vfs(d, (int)(c->cdw10 >> 16));
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
		*ret = len == 8 ? UINT64_MAX : UINT32_MAX;
		return 0;
	}
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)from);
	if (p == MAP_FAILED)
		return -errno;
	*ret = len == 8 ? *(const volatile uint64_t *)(p + (off - from)) : *(const volatile uint32_t *)(p + (off - from));
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
	char value[32];
	int rc = nvsr_sysfs_get(fn(pf)->bdf, "sriov_numvfs", value, sizeof(value));

	if (!rc)
		*ret = (unsigned)strtoul(value, NULL, 10);
	return rc == -ENOENT ? -ENOTSUP : rc;
}

/* Change the number of VFs, by way of 0. */
static int change_numvfs(struct nvsr_dev *pf, unsigned now, unsigned n)
{
	char value[16];
	int rc;

	lose_vfs(pf, -1);
	/* Drivers that probe a VF before it is Online wait for nothing, up to CAP.TO. */
	rc = nvsr_sysfs_put(fn(pf)->bdf, NO_AUTOPROBE, "0");
	if (!rc && now)
		rc = nvsr_sysfs_put(fn(pf)->bdf, "sriov_numvfs", "0");
	snprintf(value, sizeof(value), "%u", n);
	return rc || !n ? rc : nvsr_sysfs_put(fn(pf)->bdf, "sriov_numvfs", value);
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
	char value[32];
	unsigned now;

	if (kernel_get_numvfs(pf, &now) || !now)
		return 0;
	if (!nvsr_sysfs_link(fn(pf)->bdf, "virtfn0", value, sizeof(value)) && nvsr_bdf_parse(value, &vf1) && answers(pf, vf1.rid))
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
		lose_vfs(d, -1);
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

/* --- what the operating system keeps ---------------------------------------------------------------------------------------- */
static int kernel_host_save(struct nvsr_dev *pf, char **ret_json)
{
	struct nvsr_bdf bdf = fn(pf)->bdf;
	char value[32], attr[32], text[32];
	json_t *host = json_object(), *drivers = json_object(), *overrides = json_object();
	unsigned vfs = 0;
	int rc = -ENOMEM;

	kernel_get_numvfs(pf, &vfs);
	if (!host || json_object_set(host, "drivers", drivers) || json_object_set(host, OVERRIDES, overrides))
		goto out;
	/* While there are VFs a reset of the bus is none of the methods, and cannot be chosen. */
	if (!vfs && !nvsr_sysfs_get(bdf, "reset_method", value, sizeof(value)) &&
	    json_object_set_new(host, "reset_method", json_string(value)))
		goto out;
	if (!nvsr_sysfs_get(bdf, NO_AUTOPROBE, value, sizeof(value)) &&
	    json_object_set_new(host, "autoprobe", json_integer(strtol(value, NULL, 10))))
		goto out;
	for (unsigned n = 0; n < vfs; n++) {
		struct nvsr_bdf vf;

		snprintf(attr, sizeof(attr), "virtfn%u", n);
		if (nvsr_sysfs_link(bdf, attr, text, sizeof(text)) || !nvsr_bdf_parse(text, &vf))
			continue;
		if (!nvsr_sysfs_link(vf, "driver", value, sizeof(value)) && json_object_set_new(drivers, text, json_string(value)))
			goto out;
		if (!nvsr_sysfs_get(vf, "driver_override", value, sizeof(value)) && strcmp(value, NO_OVERRIDE) &&
		    json_object_set_new(overrides, text, json_string(value)))
			goto out;
	}
	*ret_json = json_dumps(host, JSON_COMPACT);
	rc = *ret_json ? 0 : -ENOMEM;
out:
	json_decref(overrides);
	json_decref(drivers);
	json_decref(host);
	return rc;
}

/* A VF that was made again has none, one that we gave to a driver had ours. */
static int restore_overrides(struct nvsr_dev *pf, const json_t *overrides)
{
	unsigned vfs = 0;
	int first = 0;

	kernel_get_numvfs(pf, &vfs);
	for (unsigned n = 0; n < vfs; n++) {
		char attr[32], text[32], now[32];
		const char *want;
		struct nvsr_bdf vf;
		int rc;

		snprintf(attr, sizeof(attr), "virtfn%u", n);
		if (nvsr_sysfs_link(fn(pf)->bdf, attr, text, sizeof(text)) || !nvsr_bdf_parse(text, &vf) ||
		    nvsr_sysfs_get(vf, "driver_override", now, sizeof(now)))
			continue;
		want = json_string_value(json_object_get(overrides, text));
		if (!strcmp(now, want ? want : NO_OVERRIDE))
			continue;
		rc = nvsr_sysfs_put(vf, "driver_override", want ? want : "\n");
		first = first ? first : rc;
	}
	return first;
}

/* A reset by FLR alone that was killed leaves the choice of it. */
static int restore_reset_method(struct nvsr_dev *pf, const char *want)
{
	unsigned vfs = 0;
	char now[64];

	kernel_get_numvfs(pf, &vfs);
	if (!want || vfs || nvsr_sysfs_get(fn(pf)->bdf, "reset_method", now, sizeof(now)) || !strcmp(now, want))
		return 0;
	return nvsr_sysfs_put(fn(pf)->bdf, "reset_method", want);
}

static int restore_driver(const char *text, const char *driver)
{
	struct nvsr_bdf vf;
	char now[32];
	int rc;

	if (!nvsr_bdf_parse(text, &vf))
		return -EINVAL;
	if (!nvsr_sysfs_link(vf, "driver", now, sizeof(now))) {
		_cleanup_free_ char *unbind = nvsr_asprintf("drivers/%s/unbind", now);

		if (!strcmp(now, driver))
			return 0;
		rc = unbind ? nvsr_sysfs_bus_put(unbind, text) : -ENOMEM;
		if (rc)
			return rc;
	}
	rc = nvsr_sysfs_put(vf, "driver_override", driver);
	if (!rc)
		rc = nvsr_sysfs_bus_put("drivers_probe", text);
	nvsr_sysfs_put(vf, "driver_override", "\n");
	return rc;
}

static int kernel_host_restore(struct nvsr_dev *pf, const char *json)
{
	json_t *host = json_loads(json, 0, NULL), *driver;
	const json_t *autoprobe = json_object_get(host, "autoprobe");
	const char *text;
	char value[16];
	int first = 0;

	if (!host)
		return -EINVAL;
	json_object_foreach(json_object_get(host, "drivers"), text, driver) {
		int rc = restore_driver(text, json_string_value(driver) ? json_string_value(driver) : "");

		first = first ? first : rc;
	}
	if (json_object_get(host, OVERRIDES)) {
		int rc = restore_overrides(pf, json_object_get(host, OVERRIDES));

		first = first ? first : rc;
	}
	if (restore_reset_method(pf, json_string_value(json_object_get(host, "reset_method"))) && !first)
		first = -EIO;
	if (autoprobe) {
		int rc;

		snprintf(value, sizeof(value), "%lld", (long long)json_integer_value(autoprobe));
		rc = nvsr_sysfs_put(fn(pf)->bdf, NO_AUTOPROBE, value);
		first = first ? first : rc;
	}
	json_decref(host);
	return first;
}

const struct nvsr_dev_ops nvsr_dev_kernel = {
	.name = "kernel",
	.open = kernel_open,
	.open_vf = kernel_open_vf,
	.close = kernel_close,
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
};
