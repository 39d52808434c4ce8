// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Access method "served": functions of the model in another process (serve.c).  Registers and memory mappings go over the socket,
 * doorbells and interrupts do not.  Each function is a connection of its own; a VF is driven like a drive of our own, of the PF
 * only I/O queues can be had, made through the admin queue of whoever serves.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"
#include "device/private.h"
#include "device/wire.h"

#define IOVA_BASE 0x10000000000ull	/* above what the serving process gives out itself */
#define PAGE 4096u
#define MSI_ADDRESS 0xfee00000ull

struct dma {
	struct dma *next;
	void *ptr;
	uint64_t iova;
	size_t len;
	bool own;		/* allocated here */
};

struct fn {
	struct fn *next;	/* of all functions that are open, from shared->host on */
	struct nvsr_dev *d;
	int sock, kick;
	bool attached;		/* the function is ours: said HELLO */
	pthread_mutex_t lock;	/* a request and its answer */
	uint8_t *bells;
	size_t bells_len;
	uint64_t bells_end;	/* in BAR0 */
	struct dma *dma;
	uint64_t next_iova;
	unsigned vectors;
	int *irq;		/* eventfds by vector */
};

static struct fn *fn_of(const struct nvsr_dev *d)
{
	return d->priv;
}

/* --- one request ----------------------------------------------------------------------------------------------------- */

static int exchange(struct fn *f, struct nvsr_wire *w, int fd)
{
	size_t len = w->op == NVSR_WIRE_ADMIN ? sizeof(*w) : NVSR_WIRE_SHORT;
	int got[NVSR_WIRE_FDS], rc;
	uint32_t op = w->op;
	unsigned n = 0;

	pthread_mutex_lock(&f->lock);
	rc = nvsr_wire_send(f->sock, w, len, &fd, fd >= 0);
	if (!rc)
		rc = nvsr_wire_receive(f->sock, w, got, &n);
	pthread_mutex_unlock(&f->lock);
	if (!rc && w->op != op)
		rc = -EPROTO;
	if (!rc && op == NVSR_WIRE_HELLO && !w->rc && n == 2) {
		f->bells_len = w->b;
		f->kick = got[1];
		f->bells = mmap(NULL, w->b, PROT_READ | PROT_WRITE, MAP_SHARED, got[0], 0);
		close(got[0]);
		return f->bells == MAP_FAILED ? -errno : 0;
	}
	while (n)
		close(got[--n]);
	if (rc == -EPIPE)
		rc = -ENODEV;
	return rc ? rc : w->rc;
}

static int attach(struct fn *f);

static int ask(struct fn *f, struct nvsr_wire *w, int fd)
{
	int rc = f->attached ? 0 : attach(f);

	return rc ? rc : exchange(f, w, fd);
}

static int get(struct fn *f, enum nvsr_wire_op op, uint64_t off, unsigned len, uint64_t *ret)
{
	struct nvsr_wire w = { .op = op, .a = off, .b = len };
	int rc = ask(f, &w, -1);

	if (!rc)
		*ret = w.a;
	return rc;
}

static int put(struct fn *f, enum nvsr_wire_op op, uint64_t off, unsigned len, uint64_t val)
{
	struct nvsr_wire w = { .op = op, .a = off, .b = len, .c = val };

	return ask(f, &w, -1);
}

static int cfg_read(struct nvsr_dev *d, uint16_t rid, unsigned off, unsigned len, uint32_t *ret)
{
	uint64_t val = 0;
	int rc = -ENODEV;

	/* Dispatch goes through the PF; each function answers on its own connection. */
	for (struct fn *f = d->shared->host; f; f = f->next)
		if (f->attached && f->d->rid == rid)
			rc = get(f, NVSR_WIRE_CFG_READ, off, len, &val);
	if (!rc)
		*ret = (uint32_t)val;
	return rc;
}

static int cfg_write(struct nvsr_dev *d, unsigned off, unsigned len, uint32_t val)
{
	return put(fn_of(d), NVSR_WIRE_CFG_WRITE, off, len, val);
}

static int bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	return bar ? -ERANGE : get(fn_of(d), NVSR_WIRE_BAR_READ, off, len, ret);
}

static int doorbells(struct nvsr_dev *d, struct nvsr_doorbells *ret)
{
	struct fn *f = fn_of(d);
	int rc = f->attached ? 0 : attach(f);

	if (rc)
		return rc;
	*ret = (struct nvsr_doorbells){
		.base = f->bells, .bytes = f->bells_len - sizeof(struct nvsr_wire_bell), .kick = f->kick,
		.asleep = (uint32_t *)(void *)(f->bells + f->bells_len - sizeof(struct nvsr_wire_bell)),
	};
	return 0;
}

static int bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	struct fn *f = fn_of(d);
	struct nvsr_doorbells b;
	int rc = bar ? -ERANGE : 0;

	if (rc || off < NVME_REG_DBS || off >= f->bells_end)
		return rc ? rc : put(f, NVSR_WIRE_BAR_WRITE, off, len, val);
	rc = doorbells(d, &b);
	if (!rc)
		nvsr_doorbell_ring(&b, off - NVME_REG_DBS, (uint32_t)val);
	return rc;
}

/* --- memory ------------------------------------------------------------------------------------------------------------- */

static int dma_map(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, bool own, uint64_t *ret_iova)
{
	struct fn *f = fn_of(d);
	struct nvsr_wire w = { .op = NVSR_WIRE_MAP, .a = f->next_iova, .b = len, .c = offset };
	struct dma *m;
	int rc;

	if (fd < 0)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	*m = (struct dma){ .next = f->dma, .ptr = ptr, .iova = w.a, .len = len, .own = own };
	/* The serving process maps nothing that can shrink.  Where no more seals are allowed, it says whether those will do. */
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	rc = ask(f, &w, fd);
	if (rc) {
		free(m);
		return rc;
	}
	f->dma = m;
	/* Addresses are never used twice, and one page stays unmapped behind each. */
	f->next_iova += len + PAGE;
	*ret_iova = m->iova;
	return 0;
}

static int map_ours(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova)
{
	return dma_map(d, ptr, len, fd, offset, false, ret_iova);
}

static void *dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova)
{
	size_t bytes = NVSR_ROUND_UP(len, (size_t)PAGE);
	_cleanup_close_ int fd = memfd_create("dma", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *ptr;

	if (fd < 0 || bytes < len || ftruncate(fd, (off_t)bytes))
		return NULL;
	ptr = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ptr == MAP_FAILED)
		return NULL;
	if (dma_map(d, ptr, bytes, fd, 0, true, ret_iova)) {
		munmap(ptr, bytes);
		return NULL;
	}
	return ptr;
}

static void dma_release(struct fn *f, struct dma **p)
{
	struct dma *m = *p;
	struct nvsr_wire w = { .op = NVSR_WIRE_UNMAP, .a = m->iova };

	*p = m->next;
	ask(f, &w, -1);
	if (m->own)
		munmap(m->ptr, m->len);
	free(m);
}

static void dma_free(struct nvsr_dev *d, void *ptr)
{
	struct fn *f = fn_of(d);

	for (struct dma **p = &f->dma; *p; p = &(*p)->next)
		if ((*p)->ptr == ptr) {
			dma_release(f, p);
			return;
		}
}

/* --- interrupts ---------------------------------------------------------------------------------------------------------- */

static int irq_fd(struct nvsr_dev *d, unsigned vector, int *ret)
{
	struct fn *f = fn_of(d);
	struct nvsr_wire w = { .op = NVSR_WIRE_IRQ, .a = vector };
	int rc = f->attached ? 0 : attach(f);

	if (rc)
		return rc;
	if (vector >= f->vectors)
		return -EINVAL;
	if (f->irq[vector] < 0) {
		f->irq[vector] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		rc = f->irq[vector] < 0 ? -errno : ask(f, &w, f->irq[vector]);
		if (rc) {
			if (f->irq[vector] >= 0)
				close(f->irq[vector]);
			f->irq[vector] = -1;
			return rc;
		}
	}
	*ret = f->irq[vector];
	return 0;
}

/* The MSI-X table as an operating system fills it: data is the vector.  The PF's has the serving process filled. */
static int fill_table(struct fn *f, unsigned pos)
{
	uint64_t table, ctrl, at;
	int rc = get(f, NVSR_WIRE_CFG_READ, pos + PCI_MSIX_TABLE, 4, &table);

	if (!rc)
		rc = get(f, NVSR_WIRE_CFG_READ, pos + PCI_MSIX_CTRL, 2, &ctrl);
	for (unsigned v = 0; !rc && v < f->vectors; v++) {
		at = (table & ~(uint64_t)PCI_MSIX_BIR) + v * PCI_MSIX_ENTRY_SIZE;
		rc = put(f, NVSR_WIRE_BAR_WRITE, at, 8, MSI_ADDRESS);
		if (!rc)
			rc = put(f, NVSR_WIRE_BAR_WRITE, at + 8, 8, v);
	}
	if (!rc)
		rc = put(f, NVSR_WIRE_CFG_WRITE, pos + PCI_MSIX_CTRL, 2, (ctrl | PCI_MSIX_CTRL_ENABLE) & ~(uint64_t)PCI_MSIX_CTRL_MASK);
	return rc;
}

static int irq_setup(struct nvsr_dev *d)
{
	unsigned pos;
	int rc = nvsr_cfg_find_cap(d, PCI_CAP_MSIX, &pos);

	return rc || !pos || !d->vfn ? rc : fill_table(fn_of(d), pos);
}

/* How many vectors there are, and where doorbells end: MSI-X structures are in the same BAR. */
static int look_at_msix(struct fn *f)
{
	uint32_t ctrl = 0, table = 0, pba = 0;
	unsigned pos;
	int rc = nvsr_cfg_find_cap(f->d, PCI_CAP_MSIX, &pos);

	f->bells_end = NVME_REG_DBS + f->bells_len - sizeof(struct nvsr_wire_bell);
	if (!rc && pos)
		rc = nvsr_cfg_read(f->d, pos + PCI_MSIX_CTRL, 2, &ctrl);
	if (!rc && pos)
		rc = nvsr_cfg_read(f->d, pos + PCI_MSIX_TABLE, 4, &table);
	if (!rc && pos)
		rc = nvsr_cfg_read(f->d, pos + PCI_MSIX_PBA, 4, &pba);
	if (rc || !pos)
		return rc;
	f->bells_end = NVSR_MIN(f->bells_end, (uint64_t)NVSR_MIN(table, pba) & ~(uint64_t)PCI_MSIX_BIR);
	f->vectors = (ctrl & PCI_MSIX_CTRL_TS) + 1;
	f->irq = malloc(f->vectors * sizeof(*f->irq));
	if (!f->irq)
		return -ENOMEM;
	memset(f->irq, 0xff, f->vectors * sizeof(*f->irq));
	return 0;
}

/* --- the PF's commands ------------------------------------------------------------------------------------------------------ */

static int pf_admin(struct nvsr_dev *d, struct nvsr_cmd *c, uint64_t prp1)
{
	struct nvsr_wire w = {
		.op = NVSR_WIRE_ADMIN, .a = prp1 ? 0 : c->data_len, .b = prp1 != 0,
		.sqe = { .opcode = c->opcode, .nsid = le32(c->nsid), .prp1 = le64(prp1), .cdw10 = le32(c->cdw10), .cdw11 = le32(c->cdw11),
			 .cdw12 = le32(c->cdw12), .cdw13 = le32(c->cdw13), .cdw14 = le32(c->cdw14), .cdw15 = le32(c->cdw15) },
	};
	int rc;

	if (!prp1 && c->data_len > NVSR_WIRE_DATA)
		return -EINVAL;
	if (!prp1 && c->data)
		memcpy(w.data, c->data, c->data_len);
	rc = ask(fn_of(d), &w, -1);
	if (rc >= 0) {
		c->dw0 = (uint32_t)w.a;
		c->dw1 = (uint32_t)w.b;
		if (!prp1 && c->data)
			memcpy(c->data, w.data, c->data_len);
	}
	return rc;
}

static int admin(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	return d->vfn ? nvsr_ctrl_admin(d, c) : pf_admin(d, c, 0);
}

static int admin_prp(struct nvsr_dev *d, struct nvsr_cmd *c, uint64_t prp1)
{
	return d->vfn ? nvsr_ctrl_admin_prp(d, c, prp1) : pf_admin(d, c, prp1);
}

static int reset(struct nvsr_dev *d, enum nvsr_reset how)
{
	struct nvsr_wire w = { .op = NVSR_WIRE_FLR };

	if (how == NVSR_RESET_CTRL)
		return nvsr_ctrl_reset(d);
	if (how != NVSR_RESET_FLR)
		return -ENOTSUP;
	nvsr_ctrl_lost(d);
	return ask(fn_of(d), &w, -1);
}

int nvsr_served_stats(struct nvsr_dev *pf, struct nvsr_served_stats *ret)
{
	struct nvsr_wire w = { .op = NVSR_WIRE_STATS };
	int rc = pf->ops == &nvsr_dev_served ? exchange(fn_of(pf), &w, -1) : -ENOTSUP;

	if (!rc)
		*ret = w.stats;
	return rc;
}

/* --- open and close --------------------------------------------------------------------------------------------------------- */

static int connect_to(const char *path)
{
	struct sockaddr_un a;
	int sock = nvsr_wire_socket(path, &a);

	if (sock < 0)
		return sock;
	if (connect(sock, (struct sockaddr *)(void *)&a, sizeof(a))) {
		int rc = errno == ECONNREFUSED ? -ENODEV : -errno;

		close(sock);
		return rc;
	}
	return sock;
}

static int attach(struct fn *f)
{
	struct nvsr_wire w = { .op = NVSR_WIRE_HELLO, .a = NVSR_WIRE_VERSION, .b = f->d->vfn };
	uint64_t cap = 0;
	int rc = exchange(f, &w, -1);

	if (rc)
		return rc;
	f->attached = true;
	f->d->rid = (uint16_t)w.a;
	rc = bar_read(f->d, 0, NVME_REG_CAP, 8, &cap);
	f->d->ctrl.page = 4096u << NVME_CAP_MPSMIN(cap);
	f->d->ctrl.db_stride = 4u << NVME_CAP_DSTRD(cap);
	return rc ? rc : look_at_msix(f);
}

static int connection(struct nvsr_dev *d, const char *path)
{
	struct fn *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct fn){ .d = d, .sock = -1, .kick = -1, .lock = PTHREAD_MUTEX_INITIALIZER, .bells = MAP_FAILED,
			  .next_iova = IOVA_BASE, .next = d->shared->host };
	d->priv = d->shared->host = f;
	f->sock = connect_to(path);
	return f->sock < 0 ? f->sock : 0;
}

/* The PF is asked for when it is first needed: whoever wants a VF leaves it to others. */
static int open_pf(struct nvsr_dev *d, const char *where, const struct nvsr_dev_options *o, struct nvsr_complaint *complaint)
{
	int rc;

	d->can = NVSR_CAN_CFG_READ | NVSR_CAN_REG_READ | NVSR_CAN_ADMIN | NVSR_CAN_QUEUES | NVSR_CAN_VF;
	d->vf_can = NVSR_CAN_CFG_READ | NVSR_CAN_CFG_WRITE | NVSR_CAN_REG_READ | NVSR_CAN_REG_WRITE | NVSR_CAN_QUEUES | NVSR_CAN_ADMIN |
		    NVSR_CAN_IO | NVSR_CAN_CTRL_RESET | NVSR_CAN_FLR;
	rc = connection(d, where + 5);
	if (rc)
		nvsr_complain(complaint, rc, "%s: %s", where, rc == -ENOENT || rc == -ENODEV ? "nobody serves a device there (nvsr-conform serve does)" :
			      strerror(-rc));
	return rc;
}

static int open_vf(struct nvsr_dev *pf, struct nvsr_dev *vf)
{
	int rc;

	vf->name = nvsr_asprintf("%s#vf%u", pf->name, vf->vfn);
	if (!vf->name)
		return -ENOMEM;
	rc = connection(vf, pf->name + 5);
	if (!rc)
		rc = attach(fn_of(vf));
	return rc ? rc : nvsr_ctrl_enable(vf);
}

static void close_dev(struct nvsr_dev *d)
{
	struct fn *f = fn_of(d);

	if (f->attached && d->vfn)
		nvsr_ctrl_release(d);
	while (f->dma)
		dma_release(f, &f->dma);
	for (unsigned v = 0; v < f->vectors; v++)
		if (f->irq[v] >= 0)
			close(f->irq[v]);
	free(f->irq);
	if (f->bells != MAP_FAILED)
		munmap(f->bells, f->bells_len);
	if (f->kick >= 0)
		close(f->kick);
	if (f->sock >= 0)
		close(f->sock);
	for (struct fn **p = (struct fn **)&d->shared->host; *p; p = &(*p)->next)
		if (*p == f) {
			*p = f->next;
			break;
		}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int no_numvfs(struct nvsr_dev *pf, unsigned n)
{
	return -ENOTSUP;
}

static int no_count(struct nvsr_dev *pf, unsigned *ret)
{
	return -ENOTSUP;
}

const struct nvsr_dev_ops nvsr_dev_served = {
	.name = "served model", .open = open_pf, .open_vf = open_vf, .close = close_dev, .lose = nvsr_nosys_lose, .admin = admin,
	.io = nvsr_ctrl_io, .cfg_read = cfg_read, .cfg_write = cfg_write, .bar_read = bar_read, .bar_write = bar_write,
	.reset = reset, .set_numvfs = no_numvfs, .get_numvfs = no_count, .host_save = nvsr_nosys_host_save,
	.host_restore = nvsr_nosys_host_restore, .now = nvsr_host_now, .sleep_ns = nvsr_host_sleep_ns, .dma_alloc = dma_alloc,
	.dma_free = dma_free, .dma_own_domain = nvsr_nosys_dma_own_domain, .dma_faults = nvsr_nosys_dma_faults,
	.irq_setup = irq_setup, .irq_count = nvsr_nosys_irq_count, .dma_map = map_ours, .admin_prp = admin_prp,
	.doorbells = doorbells, .irq_fd = irq_fd,
};
