// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Access method "vfio": our own driver in user space, on functions that vfio-pci gives away.  Registers, queues, DMA and
 * interrupts through VFIO; configuration space through libpci, because VFIO shows a copy of its own making in many places and
 * a conformance test wants the device's bits; VFs by sysfs, so that the kernel knows which functions exist.
 *
 * The PF may be driven by the kernel while its VFs are ours, or both are.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/text.h"
#include "base/time.h"
#include "device/ask.h"
#include "device/config.h"
#include "device/iommu_log.h"
#include "device/kernel_pci.h"
#include "device/os.h"
#include "device/vfio.h"
#include "device/vfio_fn.h"

#define ASK_NS (5 * NVSR_MS)
#define CONFIG_READY_MS 1000	/* PCIe 6.6.1, 9.3.3.3.1: a function answers 1.0 s after a reset */
/* Bus addresses of DMA memory: above 4 GiB there is no MSI window; below 2^38 every IOMMU translates. */
#define IOVA_BASE (1ull << 32)
#define IOVA_END (1ull << 38)

/* Of the whole subsystem. */
struct host {
	struct nvsr_bdf pf;
	struct nvsr_kernel_pci *pci;
	struct nvsr_iommu_log *log;	/* NULL where the host cannot tell */
	uint64_t next_iova;
	char token[NVSR_VF_TOKEN_LEN];	/* for VFs of a PF that is ours; "" otherwise */
	uint64_t asked_ns;		/* when we last looked whether a function is wanted back */
};

struct dma {
	struct dma *next;
	void *ptr;
	uint64_t iova;
	size_t len;
	bool mapped;
	bool borrowed;			/* memory of whoever mapped it */
};

/* Of one function. */
struct vfio_fn {
	struct nvsr_bdf bdf;
	struct nvsr_vfio_fn *v;		/* NULL while the function is not there */
	struct dma *dma;
	struct nvsr_config config;	/* as the operating system left it */
	bool bound;			/* a VF that we gave to vfio-pci */
	bool gone;			/* for good: the operating system or another handle has it */
};

static struct host *host_of(const struct nvsr_dev *d)
{
	return d->shared->vf_host;
}

static struct vfio_fn *fn(const struct nvsr_dev *d)
{
	return d->priv;
}

/* --- configuration space --------------------------------------------------------------------------------------------- */

static int cfg_read(struct nvsr_dev *pf, uint16_t rid, unsigned off, unsigned len, uint32_t *ret)
{
	struct host *h = host_of(pf);

	return nvsr_kernel_pci_read(h->pci, (struct nvsr_bdf){ h->pf.domain, rid }, off, len, ret);
}

static int raw_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	struct host *h = host_of(d);

	/* It may be somebody else's by now. */
	if (fn(d)->gone)
		return -ENODEV;
	return nvsr_kernel_pci_write(h->pci, (struct nvsr_bdf){ h->pf.domain, d->rid }, off, len, val);
}

/* Vendor id and device id of a VF are FFFFh; the class code is not. */
static bool answers(struct nvsr_dev *d, void *arg)
{
	uint32_t class;

	return !cfg_read(d->pf, d->rid, PCI_REVISION_ID, 4, &class) && class != UINT32_MAX;
}

/* --- a function comes and goes ------------------------------------------------------------------------------------------ */

static int map(struct vfio_fn *f, struct dma *m)
{
	int rc = nvsr_vfio_map(f->v, m->ptr, m->iova, m->len);

	m->mapped = !rc;
	return rc;
}

static void detach(struct nvsr_dev *d)
{
	struct vfio_fn *f = fn(d);

	nvsr_ctrl_lost(d);
	nvsr_vfio_close(f->v);
	f->v = NULL;
	for (struct dma *m = f->dma; m; m = m->next)
		m->mapped = false;
}

static int attach(struct nvsr_dev *d, struct nvsr_complaint *c)
{
	struct vfio_fn *f = fn(d);
	const char *token = d->vfn && host_of(d)->token[0] ? host_of(d)->token : NULL;
	int rc = nvsr_vfio_open(f->bdf, token, &f->v, c);

	for (struct dma *m = f->dma; m && !rc; m = m->next)
		rc = map(f, m);
	if (rc) {
		detach(d);
		return rc;
	}
	rc = nvsr_vfio_bus_master(f->v);
	if (rc) {
		detach(d);
		return nvsr_complain(c, rc, "%s: Bus Master Enable: %s", d->name ? d->name : "VF", strerror(-rc));
	}
	/* What a PF had when it was taken counts: an earlier process may have died in the middle of a reset. */
	if (d->vfn || nvsr_taken_config(f->bdf, &f->config))
		nvsr_config_read(f->bdf, &f->config);
	nvsr_config_put_back(f->bdf, &f->config);
	return 0;
}

/* VFIO gives a function to one opener.  A new handle of a VF takes it from an old one, whose queues are lost with that. */
static void take_from_others(struct nvsr_dev *d)
{
	for (struct nvsr_dev *o = d->shared->vfs; o; o = o->next_vf) {
		if (o == d || o->vfn != d->vfn || o->ops != d->ops)
			continue;
		detach(o);
		fn(o)->gone = true;
		fn(d)->bound |= fn(o)->bound;
		fn(o)->bound = false;
	}
}

/* VF @d as the kernel shows it now: bound to vfio-pci and open. */
static int attach_vf(struct nvsr_dev *d, struct nvsr_complaint *c)
{
	struct vfio_fn *f = fn(d);
	char driver[32], text[NVSR_BDF_LEN];
	int rc = nvsr_os_vf(host_of(d)->pf, d->vfn, &f->bdf);

	if (rc)
		return rc;
	d->rid = f->bdf.rid;
	take_from_others(d);
	nvsr_os_driver(f->bdf, driver, sizeof(driver));
	if (driver[0] && strcmp(driver, "vfio-pci"))
		return nvsr_complain(c, -EBUSY, "%s is bound to %s", nvsr_bdf_text(f->bdf, text), driver);
	/* Opening resets the function; the kernel would wait a minute for one that does not answer. */
	if (!nvsr_dev_wait(d, CONFIG_READY_MS, answers, NULL))
		return nvsr_complain(c, -ENODEV, "%s does not answer configuration reads", nvsr_bdf_text(f->bdf, text));
	if (!driver[0]) {
		rc = nvsr_os_bind(f->bdf, "vfio-pci", true);
		if (rc)
			return nvsr_complain(c, rc, "%s: vfio-pci does not take it: %s", nvsr_bdf_text(f->bdf, text), strerror(-rc));
		f->bound = true;
	}
	return attach(d, c);
}

static void note_gone(struct nvsr_dev *d)
{
	char text[NVSR_BDF_LEN];

	fn(d)->gone = true;
	if (!d->shared->gone[0])
		snprintf(d->shared->gone, sizeof(d->shared->gone), "the operating system took %s away",
			 nvsr_bdf_text(fn(d)->bdf, text));
	nvsr_dev_note(d, "the operating system wants the function back -> closed");
	detach(d);
}

static bool is_open(const struct nvsr_dev *d)
{
	return d->ops == &nvsr_dev_vfio && fn(d) && fn(d)->v;
}

bool nvsr_vfio_has_open(struct nvsr_dev *pf)
{
	bool open = is_open(pf);

	for (struct nvsr_dev *d = pf->shared->vfs; d && !open; d = d->next_vf)
		open = is_open(d);
	return open;
}

static void let_go(struct nvsr_dev *d)
{
	struct pollfd p = { .events = POLLIN };

	if (!is_open(d))
		return;
	p.fd = nvsr_vfio_request_fd(fn(d)->v);
	if (poll(&p, 1, 0) == 1)
		note_gone(d);
}

/* Whoever removes or unbinds any of our functions waits in the kernel until we let go of it, whichever one we are busy with. */
void nvsr_vfio_let_go(struct nvsr_dev *pf)
{
	let_go(pf);
	for (struct nvsr_dev *d = pf->shared->vfs; d; d = d->next_vf)
		let_go(d);
}

static void look_now_and_then(struct nvsr_dev *pf)
{
	struct host *h = host_of(pf);
	uint64_t now = nvsr_now_ns();

	if (now - h->asked_ns < ASK_NS)
		return;
	h->asked_ns = now;
	nvsr_vfio_let_go(pf);
}

/* The function, if it is there: a VF that was disabled and enabled again is opened again. */
static struct nvsr_vfio_fn *there(struct nvsr_dev *d)
{
	struct vfio_fn *f = fn(d);
	struct nvsr_complaint c;

	look_now_and_then(d->pf);
	if (!f->v && !f->gone && d->vfn)
		attach_vf(d, &c);
	return f->v;
}

static void unbind(struct vfio_fn *f)
{
	char driver[32];

	nvsr_os_driver(f->bdf, driver, sizeof(driver));
	if (f->bound && !strcmp(driver, "vfio-pci"))
		nvsr_os_bind(f->bdf, "", false);
	f->bound = false;
}

/* --- registers ------------------------------------------------------------------------------------------------------------- */

static int bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	struct nvsr_vfio_fn *v = there(d);
	int rc = v ? nvsr_vfio_bar_read(v, bar, off, len, ret) : 0;

	/* Memory that nobody decodes reads as all ones on hardware, as 0 under QEMU. */
	if (!v || (!rc && !*ret && d->vfn && !answers(d, NULL)))
		*ret = UINT64_MAX >> (8 - len) * 8;
	return rc;
}

static int bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	struct nvsr_vfio_fn *v = there(d);

	return v ? nvsr_vfio_bar_write(v, bar, off, len, val) : 0;
}

static int irq_setup(struct nvsr_dev *d)
{
	struct nvsr_vfio_fn *v = there(d);

	return v ? nvsr_vfio_irqs_enable(v) : -ENODEV;
}

static int irq_count(struct nvsr_dev *d, unsigned vector, uint64_t *ret)
{
	struct nvsr_vfio_fn *v = there(d);

	return v ? nvsr_vfio_irq_count(v, vector, ret) : -ENODEV;
}

static int irq_fd(struct nvsr_dev *d, unsigned vector, int *ret)
{
	struct nvsr_vfio_fn *v = there(d);

	return v ? nvsr_vfio_irq_fd(v, vector, ret) : -ENODEV;
}

/* --- DMA memory ---------------------------------------------------------------------------------------------------------------- */

/* A bus address for memory of ours, whole pages. */
static int dma_add(struct nvsr_dev *d, void *ptr, size_t bytes, bool borrowed, uint64_t *ret_iova)
{
	struct host *h = host_of(d);
	/* Pages of this machine, which the IOMMU maps, aligned as the controller wants its own. */
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t iova = NVSR_ROUND_UP(h->next_iova, (uint64_t)NVSR_MAX(page, d->ctrl.page));
	struct dma *m;
	int rc;

	if (bytes > IOVA_END - IOVA_BASE || iova > IOVA_END - bytes)
		return -ENOSPC;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct dma){ .iova = iova, .len = bytes, .ptr = ptr, .borrowed = borrowed };
	rc = there(d) ? map(fn(d), m) : 0;
	if (rc) {
		free(m);
		return rc;
	}
	/* Addresses are never used twice, and one page stays unmapped behind each. */
	h->next_iova = iova + bytes + page;
	m->next = fn(d)->dma;
	fn(d)->dma = m;
	*ret_iova = m->iova;
	return 0;
}

static void *dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova)
{
	size_t bytes = NVSR_ROUND_UP(len, (size_t)sysconf(_SC_PAGESIZE));
	void *ptr = bytes < len ? MAP_FAILED : mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (ptr == MAP_FAILED)
		return NULL;
	if (!dma_add(d, ptr, bytes, false, ret_iova))
		return ptr;
	munmap(ptr, bytes);
	return NULL;
}

/* Memory in this process: no file is needed. */
static int dma_map(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova)
{
	return dma_add(d, ptr, len, true, ret_iova);
}

static void dma_release(struct vfio_fn *f, struct dma **p)
{
	struct dma *m = *p;

	*p = m->next;
	if (m->mapped)
		nvsr_vfio_unmap(f->v, m->iova, m->len);
	if (!m->borrowed)
		munmap(m->ptr, m->len);
	free(m);
}

static void dma_free(struct nvsr_dev *d, void *ptr)
{
	for (struct dma **p = &fn(d)->dma; *p; p = &(*p)->next) {
		if ((*p)->ptr == ptr) {
			dma_release(fn(d), p);
			return;
		}
	}
}

/* Every function has its own from the start. */
static int dma_own_domain(struct nvsr_dev *d)
{
	return 0;
}

static int dma_faults(struct nvsr_dev *d, uint64_t *ret_count, struct nvsr_dma_fault *ret_last)
{
	struct host *h = host_of(d);

	if (!h->log)
		return -ENOTSUP;
	nvsr_iommu_log_count(h->log, ret_count, ret_last);
	return 0;
}

/* --- VFs ---------------------------------------------------------------------------------------------------------------------------- */

static void lose_vfs(struct nvsr_dev *pf)
{
	for (struct nvsr_dev *d = pf->shared->vfs; d; d = d->next_vf)
		d->ops->lose(d);
}

static int get_numvfs(struct nvsr_dev *pf, unsigned *ret)
{
	return nvsr_ask_numvfs(pf, fn(pf)->bdf, ret);
}

static int change_numvfs(struct nvsr_dev *pf, unsigned now, unsigned n)
{
	/* The kernel would wait until we close them, and they answer no more once they are disabled. */
	lose_vfs(pf);
	return nvsr_ask_change_numvfs(pf, fn(pf)->bdf, now, n);
}

static int set_numvfs(struct nvsr_dev *pf, unsigned n)
{
	unsigned now;
	int rc = there(pf) ? get_numvfs(pf, &now) : -ENODEV;

	return rc || now == n ? rc : change_numvfs(pf, now, n);
}

/* A reset took the VFs: the kernel learns of it, whatever it restored.  Who wants them enables them again. */
static int forget_vfs(struct nvsr_dev *pf)
{
	unsigned now;

	return get_numvfs(pf, &now) || !now ? 0 : change_numvfs(pf, now, 0);
}

static int open_vf(struct nvsr_dev *pf, struct nvsr_dev *vf)
{
	struct nvsr_complaint c = { "" };
	struct vfio_fn *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return -ENOMEM;
	vf->priv = f;
	vf->name = nvsr_asprintf("%s#vf%u", pf->name, vf->vfn);
	rc = attach_vf(vf, &c);
	if (rc && c.text[0])
		nvsr_dev_note(vf, "%s", c.text);
	return rc;
}

/* --- writes to configuration space that change which functions there are ----------------------------------------------------- */

/*
 * VF Enable written to the control register: done by the kernel, which otherwise would not know its VFs and give no way to
 * their configuration space.  Everything else of the register is written as the caller wants it.
 */
static int write_vf_enable(struct nvsr_dev *pf, unsigned sriov, bool on)
{
	unsigned now;
	uint32_t numvfs;
	int rc = get_numvfs(pf, &now);

	if (!rc)
		rc = cfg_read(pf, pf->rid, sriov + PCI_SRIOV_NUM_VFS, 2, &numvfs);
	if (rc || (on && (now || !numvfs)) || (!on && !now))
		return rc;	/* nothing that the kernel could take part in */
	rc = change_numvfs(pf, now, on ? numvfs : 0);
	/* The kernel writes NumVFs as well. */
	if (!rc && !on)
		rc = raw_write(pf, sriov + PCI_SRIOV_NUM_VFS, 2, numvfs);
	return rc;
}

static int before_sriov_control(struct nvsr_dev *pf, unsigned off, unsigned len, uint32_t val)
{
	unsigned sriov;
	uint32_t now;
	int rc = nvsr_cfg_find_ext_cap(pf, PCI_EXT_CAP_SRIOV, &sriov);

	if (rc || !sriov || off != sriov + PCI_SRIOV_CTRL || len < 2)
		return rc;
	rc = cfg_read(pf, pf->rid, off, 2, &now);
	if (rc || !((now ^ val) & PCI_SRIOV_CTRL_VFE))
		return rc;
	return write_vf_enable(pf, sriov, val & PCI_SRIOV_CTRL_VFE);
}

static bool starts_flr(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	unsigned exp;

	return !nvsr_cfg_find_cap(d, PCI_CAP_EXP, &exp) && exp && off == exp + PCI_EXP_DEVCTL && len >= 2 &&
	       val & PCI_EXP_DEVCTL_FLR;
}

static int cfg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	int rc = d->vfn ? 0 : before_sriov_control(d, off, len, val);

	if (!rc && !d->vfn && starts_flr(d, off, len, val))
		lose_vfs(d);
	return rc ? rc : raw_write(d, off, len, val);
}

/* --- resets ------------------------------------------------------------------------------------------------------------------------ */

static int nssr(struct nvsr_dev *d, struct nvsr_vfio_fn *v)
{
	uint64_t cap;
	int rc = nvsr_vfio_bar_read(v, 0, NVME_REG_CAP, 8, &cap);

	if (rc)
		return rc;
	if (cap == UINT64_MAX || !NVME_CAP_NSSRS(cap))
		return -ENOTSUP;
	rc = nvsr_vfio_bar_write(v, 0, NVME_REG_NSSR, 4, NVME_NSSR_KEY);
	nvsr_dev_sleep_ms(d, PCI_MS_FLR);
	return rc;
}

static int hit(struct nvsr_dev *d, enum nvsr_reset how)
{
	struct nvsr_vfio_fn *v = there(d);
	unsigned now;
	int rc;

	if (!v || !answers(d, NULL))
		return -ENODEV;
	switch (how) {
	case NVSR_RESET_FLR:
		return nvsr_vfio_flr(v);
	case NVSR_RESET_NSSR:
		return nssr(d, v);
	case NVSR_RESET_HOT:
		/* VFs are functions on the same bus, whose resets the kernel would want to own; the reset takes them anyway. */
		if (d->vfn)
			return -ENOTSUP;
		if (!get_numvfs(d, &now) && now)
			change_numvfs(d, now, 0);
		rc = nvsr_vfio_hot_reset(v);
		/*
		 * The kernel gave up waiting for the port to say that the link is up, which the port of QEMU 7.2 never does.  A
		 * function that answers has been reset.
		 */
		return rc == -ENOTTY && nvsr_dev_wait(d, CONFIG_READY_MS, answers, NULL) ? 0 : rc;
	default:
		return -ENOTSUP;
	}
}

static int reset(struct nvsr_dev *d, enum nvsr_reset how)
{
	bool was = nvsr_ctrl_enabled(d);
	int rc;

	if (how == NVSR_RESET_CTRL)
		return nvsr_ctrl_reset(d);
	if (!d->vfn)
		lose_vfs(d);
	/* The kernel would restore the messages of vectors that are in use: the MSI-X table is to be the device's. */
	if (fn(d)->v)
		nvsr_vfio_irqs_disable(fn(d)->v);
	rc = hit(d, how);
	if (rc)
		return rc;
	nvsr_ctrl_lost(d);
	if (!nvsr_dev_wait(d, CONFIG_READY_MS, answers, NULL))
		return -ENODEV;
	nvsr_config_put_back(fn(d)->bdf, &fn(d)->config);
	if (was)
		rc = nvsr_ctrl_enable_again(d);
	return rc || d->vfn ? rc : forget_vfs(d);
}

/* --- open and close ------------------------------------------------------------------------------------------------------------- */

static void make_token(char token[NVSR_VF_TOKEN_LEN])
{
	uint8_t r[16];

	if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
		memset(r, 0x5a, sizeof(r));
	r[6] = (uint8_t)((r[6] & 0x0f) | 0x40);	/* RFC 9562: version 4 */
	r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
	snprintf(token, NVSR_VF_TOKEN_LEN, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1],
		 r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
}

#define CAN_FUNCTION (NVSR_CAN_CFG_READ | NVSR_CAN_CFG_WRITE | NVSR_CAN_REG_READ | NVSR_CAN_REG_WRITE | NVSR_CAN_QUEUES | \
		      NVSR_CAN_AER | NVSR_CAN_ADMIN | NVSR_CAN_IO | NVSR_CAN_CTRL_RESET | NVSR_CAN_FLR)

/* A kernel that is locked down (Secure Boot) lets nobody write: a register with the value that it has is tried. */
static bool can_write_config(struct host *h)
{
	uint32_t command;

	return !nvsr_kernel_pci_read(h->pci, h->pf, PCI_COMMAND, 2, &command) &&
	       !nvsr_kernel_pci_write(h->pci, h->pf, PCI_COMMAND, 2, command);
}

static int make_host(struct nvsr_dev *pf, struct nvsr_bdf bdf, struct nvsr_complaint *c)
{
	struct host *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return -ENOMEM;
	pf->shared->vf_host = h;
	h->pf = bdf;
	h->next_iova = IOVA_BASE;
	pf->vf_ops = &nvsr_dev_vfio;
	pf->vf_can = CAN_FUNCTION;
	rc = nvsr_kernel_pci_open(&h->pci);
	if (rc)
		return nvsr_complain(c, rc, "%s: configuration space: %s", pf->name, strerror(-rc));
	if (!can_write_config(h))
		pf->vf_can &= ~(unsigned)NVSR_CAN_CFG_WRITE;
	if (!nvsr_iommu_log_open(bdf, &h->log))
		pf->vf_can |= NVSR_CAN_DMA_DOMAINS;
	return 0;
}

int nvsr_vfio_adopt_vfs(struct nvsr_dev *pf, struct nvsr_bdf bdf, struct nvsr_complaint *c)
{
	return make_host(pf, bdf, c);
}

void nvsr_vfio_orphan_vfs(struct nvsr_dev *pf)
{
	struct host *h = pf->shared ? pf->shared->vf_host : NULL;

	if (!h)
		return;
	nvsr_kernel_pci_close(h->pci);
	nvsr_iommu_log_close(h->log);
	free(h);
	pf->shared->vf_host = NULL;
}

static int open_pf(struct nvsr_dev *d, const char *where, const struct nvsr_dev_options *o, struct nvsr_complaint *c)
{
	struct vfio_fn *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return -ENOMEM;
	d->priv = f;
	if (!nvsr_bdf_parse(where, &f->bdf))
		return nvsr_complain(c, -EINVAL, "%s: expected a PCI address such as 0000:01:00.0", where);
	d->rid = f->bdf.rid;
	d->shared->os_counts = !nvsr_os_get_numvfs(f->bdf, &d->shared->os_vfs);
	rc = make_host(d, f->bdf, c);
	if (!rc)
		rc = attach(d, c);
	if (rc)
		return rc;
	d->can = d->vf_can | NVSR_CAN_VF | NVSR_CAN_HOT_RESET;
	if (nvsr_sysfs_has(f->bdf, "sriov_numvfs")) {
		d->can |= NVSR_CAN_NUMVFS;
		make_token(host_of(d)->token);
		rc = nvsr_vfio_set_token(f->v, host_of(d)->token);
		if (rc)
			return nvsr_complain(c, rc, "%s: the token for its VFs: %s", where, strerror(-rc));
	}
	rc = nvsr_ctrl_enable(d);
	if (rc)
		return nvsr_complain(c, rc, "%s: the controller does not become ready: %s", where, strerror(-rc));
	/* Opening it was a reset. */
	rc = forget_vfs(d);
	return rc ? nvsr_complain(c, rc, "%s: its VFs after a reset: %s", where, strerror(-rc)) : 0;
}

static void close_dev(struct nvsr_dev *d)
{
	struct vfio_fn *f = fn(d);

	if (f->v && answers(d, NULL))
		nvsr_ctrl_release(d);
	else
		nvsr_ctrl_abandon(d);
	nvsr_vfio_close(f->v);
	f->v = NULL;
	for (struct dma *m = f->dma; m; m = m->next)
		m->mapped = false;
	while (f->dma)
		dma_release(f, &f->dma);
	unbind(f);
	free(f);
	if (!d->vfn)
		nvsr_vfio_orphan_vfs(d);
}

static int host_save(struct nvsr_dev *pf, char **ret_json)
{
	return nvsr_ask_save(pf, fn(pf)->bdf, ret_json);
}

static int host_restore(struct nvsr_dev *pf, const char *json)
{
	return nvsr_ask_restore(pf, fn(pf)->bdf, json);
}

const struct nvsr_dev_ops nvsr_dev_vfio = {
	.name = "vfio", .open = open_pf, .open_vf = open_vf, .close = close_dev, .lose = detach, .admin = nvsr_ctrl_admin,
	.io = nvsr_ctrl_io, .cfg_read = cfg_read, .cfg_write = cfg_write, .bar_read = bar_read, .bar_write = bar_write,
	.reset = reset, .set_numvfs = set_numvfs, .get_numvfs = get_numvfs, .host_save = host_save, .host_restore = host_restore,
	.now = nvsr_host_now, .sleep_ns = nvsr_host_sleep_ns, .dma_alloc = dma_alloc, .dma_free = dma_free,
	.dma_own_domain = dma_own_domain, .dma_faults = dma_faults, .irq_setup = irq_setup, .irq_count = irq_count,
	.dma_map = dma_map, .admin_prp = nvsr_ctrl_admin_prp, .doorbells = nvsr_nosys_doorbells, .irq_fd = irq_fd,
};
