// SPDX-License-Identifier: GPL-2.0-or-later
/* The bus side of the model, driven as a root port drives a device: model.h and nothing else. */
#include "base/le.h"
#include "base/time.h"
#include "model/model.h"
#include "spec/nvme.h"
#include "spec/pcie.h"

static unsigned failed;
static const char *where;
#define CHECK(cond) check(!!(cond), __LINE__, #cond)
#define EQ(a, b) equal((uint64_t)(a), (uint64_t)(b), __LINE__, #a)

static void check(bool ok, int line, const char *text)
{
	if (ok)
		return;
	failed++;
	fprintf(stderr, "%s:%d: %s: %s does not hold\n", __FILE__, line, where, text);
}

static void equal(uint64_t is, uint64_t want, int line, const char *text)
{
	if (is == want)
		return;
	failed++;
	fprintf(stderr, "%s:%d: %s: %s is %#llx, expected %#llx\n", __FILE__, line, where, text, (unsigned long long)is,
		(unsigned long long)want);
}

/* --- a host: BIOS, memory, one admin queue per function ----------------------------------------------------------- */

#define PF_BAR	0x90000000ull
#define VF_BAR	0x1000000000ull
#define MEM	0x40000000ull		/* iova of host memory, in every domain */
#define PAGES	64u
#define PM	0x44			/* offsets that test walks once and then trusts */

struct host {
	struct nvsr_model *m;
	uint8_t *mem;			/* PAGES pages */
	unsigned sriov, msix, exp;
	uint64_t msi_count, msi_addr;
	uint32_t msi_data;
	uint16_t msi_rid;
};

/* One function with its admin queue in pages @page and @page + 1 of host memory. */
struct fun {
	struct host *h;
	uint16_t rid;
	uint64_t bar;
	unsigned page, entries, sq_tail, cq_head, phase;
	uint16_t cid;
};

static void on_msi(void *arg, uint16_t rid, uint64_t addr, uint32_t data)
{
	struct host *h = arg;

	h->msi_count++;
	h->msi_rid = rid;
	h->msi_addr = addr;
	h->msi_data = data;
}

static uint32_t rd(struct host *h, uint16_t rid, unsigned off, unsigned len)
{
	return nvsr_model_cfg_read(h->m, rid, off, len);
}

static void wr(struct host *h, uint16_t rid, unsigned off, unsigned len, uint32_t val)
{
	nvsr_model_cfg_write(h->m, rid, off, len, val);
}

static uint16_t pf_rid(struct host *h)
{
	return nvsr_model_pf_rid(h->m);
}

static uint16_t vf_rid(struct host *h, unsigned n)
{
	return (uint16_t)(pf_rid(h) + rd(h, pf_rid(h), h->sriov + PCI_SRIOV_VF_OFFSET, 2) +
			  (n - 1) * rd(h, pf_rid(h), h->sriov + PCI_SRIOV_VF_STRIDE, 2));
}

static void ms(struct host *h, unsigned n)
{
	nvsr_model_advance(h->m, n * NVSR_MS);
}

static unsigned find_cap(struct host *h, uint16_t rid, uint8_t id)
{
	unsigned pos = rd(h, rid, PCI_CAP_POINTER, 1);

	for (unsigned i = 0; pos && i < 48; i++, pos = rd(h, rid, pos + 1, 1))
		if (rd(h, rid, pos, 1) == id)
			return pos;
	return 0;
}

static unsigned find_ext(struct host *h, uint16_t rid, uint16_t id)
{
	unsigned pos = PCI_EXT_CAP_START;

	for (unsigned i = 0; pos >= PCI_EXT_CAP_START && i < 64; i++, pos = rd(h, rid, pos, 4) >> 20)
		if ((rd(h, rid, pos, 4) & 0xffff) == id)
			return pos;
	return 0;
}

static void bios(struct host *h)
{
	uint16_t rid = pf_rid(h);

	wr(h, rid, PCI_BAR0, 4, (uint32_t)PF_BAR);
	wr(h, rid, PCI_BAR0 + 4, 4, 0);
	wr(h, rid, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	wr(h, rid, h->sriov + PCI_SRIOV_VF_BAR0, 4, (uint32_t)VF_BAR);
	wr(h, rid, h->sriov + PCI_SRIOV_VF_BAR0 + 4, 4, VF_BAR >> 32);
}

static void profile(struct nvsr_profile *p)
{
	memset(p, 0xff, sizeof(*p));	/* every number unknown */
	p->name = p->path = p->title = p->notes = NULL;
	p->identity.model = p->identity.serial = p->identity.firmware = NULL;
	memset(p->claims, 0, sizeof(p->claims));
	p->namespaces.formats = NULL;
	p->namespaces.formats_count = 0;
	p->sriov.total_vfs = 8;
}

static void open_with(struct host *h, const struct nvsr_profile *p, const char *defect)
{
	memset(h, 0, sizeof(*h));
	if (nvsr_model_create(p, &h->m) < 0 || (defect && nvsr_model_set_defect(h->m, defect) < 0))
		abort();
	h->mem = calloc(PAGES, 4096);
	if (!h->mem || nvsr_model_map(h->m, 0, MEM, h->mem, PAGES * 4096) < 0)
		abort();
	nvsr_model_on_msi(h->m, on_msi, h);
	h->sriov = find_ext(h, pf_rid(h), PCI_EXT_CAP_SRIOV);
	h->msix = find_cap(h, pf_rid(h), PCI_CAP_MSIX);
	h->exp = find_cap(h, pf_rid(h), PCI_CAP_EXP);
	bios(h);
}

static void open_host(struct host *h)
{
	struct nvsr_profile p;

	profile(&p);
	open_with(h, &p, NULL);
}

static void close_host(struct host *h)
{
	h->m = nvsr_model_destroy(h->m);
	free(h->mem);
}

static void enable_vfs(struct host *h, unsigned n)
{
	uint16_t rid = pf_rid(h);

	wr(h, rid, h->sriov + PCI_SRIOV_NUM_VFS, 2, n);
	wr(h, rid, h->sriov + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE | PCI_SRIOV_CTRL_ARI);
	ms(h, PCI_MS_VF_ENABLE);
}

static uint64_t reg(struct fun *f, unsigned off, unsigned len)
{
	return nvsr_model_mem_read(f->h->m, f->bar + off, len);
}

static void set(struct fun *f, unsigned off, unsigned len, uint64_t val)
{
	nvsr_model_mem_write(f->h->m, f->bar + off, len, val);
}

static struct fun the_pf(struct host *h)
{
	return (struct fun){ .h = h, .rid = pf_rid(h), .bar = PF_BAR };
}

static struct fun the_vf(struct host *h, unsigned n)
{
	uint32_t size;

	wr(h, pf_rid(h), h->sriov + PCI_SRIOV_VF_BAR0, 4, ~0u);
	size = ~(rd(h, pf_rid(h), h->sriov + PCI_SRIOV_VF_BAR0, 4) & ~0xfu) + 1;
	wr(h, pf_rid(h), h->sriov + PCI_SRIOV_VF_BAR0, 4, (uint32_t)VF_BAR);
	return (struct fun){ .h = h, .rid = vf_rid(h, n), .bar = VF_BAR + (uint64_t)(n - 1) * size, .page = 8 + n * 2 };
}

/* Controller on, admin queue of @entries in both directions, vector 0 at 0xfee00000 with data 0x40 + page. */
static bool start(struct fun *f, unsigned entries)
{
	struct host *h = f->h;
	unsigned table = rd(h, f->rid, h->msix + PCI_MSIX_TABLE, 4) & ~7u;

	f->entries = entries;
	f->sq_tail = f->cq_head = 0;
	f->phase = 1;
	memset(h->mem + f->page * 4096, 0, 8192);
	set(f, table, 8, 0xfee00000);
	set(f, table + 8, 4, 0x40 + f->page);
	set(f, table + 12, 4, 0);
	wr(h, f->rid, h->msix + PCI_MSIX_CTRL, 2, PCI_MSIX_CTRL_ENABLE);
	set(f, NVME_REG_AQA, 4, (entries - 1) << 16 | (entries - 1));
	set(f, NVME_REG_ASQ, 8, MEM + f->page * 4096);
	set(f, NVME_REG_ACQ, 8, MEM + (f->page + 1) * 4096);
	set(f, NVME_REG_CC, 4, NVME_CC_EN | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16);
	CHECK(!(reg(f, NVME_REG_CSTS, 4) & NVME_CSTS_RDY));
	ms(h, 500);
	return reg(f, NVME_REG_CSTS, 4) == NVME_CSTS_RDY;
}

static void put(struct fun *f, struct nvme_sqe e)
{
	e.cid = le16(++f->cid);
	memcpy(f->h->mem + f->page * 4096 + f->sq_tail * sizeof(e), &e, sizeof(e));
	f->sq_tail = (f->sq_tail + 1) % f->entries;
}

static void ring(struct fun *f)
{
	set(f, NVME_REG_DBS, 4, f->sq_tail);
}

/* The next completion, if its phase says that there is one; consumes it. */
static bool take(struct fun *f, struct nvme_cqe *ret)
{
	memcpy(ret, f->h->mem + (f->page + 1) * 4096 + f->cq_head * sizeof(*ret), sizeof(*ret));
	if ((le16_get(ret->status) & 1) != f->phase)
		return false;
	f->cq_head = (f->cq_head + 1) % f->entries;
	f->phase ^= !f->cq_head;
	set(f, NVME_REG_DBS + 4, 4, f->cq_head);
	return true;
}

static int run(struct fun *f, struct nvme_sqe e)
{
	struct nvme_cqe c;

	put(f, e);
	ring(f);
	if (!take(f, &c) || le16_get(c.cid) != f->cid)
		return -1;
	return le16_get(c.status) >> 1 & 0x7ff;
}

/* Identify Controller into @prp1, @prp2. */
static struct nvme_sqe identify(uint64_t prp1, uint64_t prp2)
{
	return (struct nvme_sqe){ .opcode = NVME_ADMIN_IDENTIFY, .cdw10 = le32(NVME_CNS_CTRL), .prp1 = le64(prp1),
				  .prp2 = le64(prp2) };
}

static int virt(struct fun *pf, unsigned cntlid, unsigned rt, unsigned act, unsigned nr)
{
	return run(pf, (struct nvme_sqe){ .opcode = NVME_ADMIN_VIRT_MGMT, .cdw10 = le32(cntlid << 16 | rt << 8 | act),
					  .cdw11 = le32(nr) });
}

static void flr(struct fun *f)
{
	wr(f->h, f->rid, f->h->exp + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_FLR);
}

/* Offline, assign, reset, Online: VF @n with CNTLID n. */
static struct fun vf_up(struct fun *pf, unsigned n)
{
	struct fun vf = the_vf(pf->h, n);

	EQ(virt(pf, n, NVME_VIRT_RT_VQ, NVME_VIRT_OFFLINE, 0), 0);
	EQ(virt(pf, n, NVME_VIRT_RT_VQ, NVME_VIRT_ASSIGN, 3), 0);
	EQ(virt(pf, n, NVME_VIRT_RT_VI, NVME_VIRT_ASSIGN, 2), 0);
	flr(&vf);
	ms(pf->h, PCI_MS_FLR);
	EQ(virt(pf, n, 0, NVME_VIRT_ONLINE, 0), 0);
	wr(pf->h, vf.rid, PCI_COMMAND, 2, PCI_COMMAND_MASTER);
	return vf;
}

/* --- configuration space ------------------------------------------------------------------------------------------ */

static void test_pf_config(void)
{
	struct host h;
	uint16_t rid;
	uint32_t size;

	open_host(&h);
	rid = pf_rid(&h);
	EQ(rd(&h, rid, PCI_CLASS, 1), 0x02);
	EQ(rd(&h, rid, PCI_CLASS + 1, 2), 0x0108);
	CHECK(h.sriov && h.msix && h.exp && find_ext(&h, rid, PCI_EXT_CAP_DSN) && find_ext(&h, rid, PCI_EXT_CAP_ARI));
	wr(&h, rid, PCI_BAR0, 4, ~0u);
	size = ~(rd(&h, rid, PCI_BAR0, 4) & ~0xfu) + 1;
	CHECK(size >= 0x2000 && !(size & (size - 1)));
	EQ(rd(&h, rid, PCI_BAR0, 4) & 0xf, PCI_BAR_TYPE_64);
	bios(&h);
	EQ(nvsr_model_mem_read(h.m, PF_BAR + NVME_REG_VS, 4), 0x20000);
	EQ(nvsr_model_mem_read(h.m, PF_BAR + size, 4), 0xffffffff);
	wr(&h, rid, PCI_COMMAND, 2, 0);
	EQ(nvsr_model_mem_read(h.m, PF_BAR + NVME_REG_VS, 4), 0xffffffff);
	EQ(rd(&h, rid, PCI_VENDOR_ID, 4), 0x53521234);
	EQ(rd(&h, (uint16_t)(rid + 1), PCI_VENDOR_ID, 2), 0xffff);
	wr(&h, rid, PM, 2, 3);
	bios(&h);
	EQ(nvsr_model_mem_read(h.m, PF_BAR + NVME_REG_VS, 4), 0xffffffff);
	close_host(&h);
}

static void test_vf_life(void)
{
	struct host h;
	struct fun a, b, c;
	uint16_t rid;

	open_host(&h);
	rid = pf_rid(&h);
	EQ(rd(&h, vf_rid(&h, 1), PCI_CLASS, 1), 0xff);
	wr(&h, rid, h.sriov + PCI_SRIOV_NUM_VFS, 2, 2);
	wr(&h, rid, h.sriov + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_ARI);
	EQ(rd(&h, vf_rid(&h, 1), PCI_CLASS, 1), 0xff);
	ms(&h, PCI_MS_VF_ENABLE);
	EQ(rd(&h, vf_rid(&h, 2), PCI_CLASS, 1), 0x02);
	EQ(rd(&h, vf_rid(&h, 3), PCI_CLASS, 1), 0xff);
	EQ(rd(&h, vf_rid(&h, 1), PCI_VENDOR_ID, 4), 0xffffffff);
	EQ(find_ext(&h, vf_rid(&h, 1), PCI_EXT_CAP_SRIOV), 0);
	EQ(find_ext(&h, vf_rid(&h, 1), PCI_EXT_CAP_DSN), 0);
	CHECK(rd(&h, vf_rid(&h, 1), find_cap(&h, vf_rid(&h, 1), PCI_CAP_EXP) + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	wr(&h, vf_rid(&h, 1), PCI_COMMAND, 2, 0xffff);
	EQ(rd(&h, vf_rid(&h, 1), PCI_COMMAND, 2), PCI_COMMAND_MASTER);
	EQ(rd(&h, vf_rid(&h, 2), PCI_COMMAND, 2), 0);
	wr(&h, vf_rid(&h, 1), PCI_BAR0, 4, ~0u);
	EQ(rd(&h, vf_rid(&h, 1), PCI_BAR0, 4), 0);
	/* VF MSE alone gates the apertures */
	a = the_vf(&h, 1);
	b = the_vf(&h, 2);
	c = the_vf(&h, 3);
	EQ(reg(&a, NVME_REG_VS, 4), 0xffffffff);
	wr(&h, rid, h.sriov + PCI_SRIOV_CTRL, 2, PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_ARI | PCI_SRIOV_CTRL_MSE);
	EQ(reg(&a, NVME_REG_VS, 4), 0x20000);
	EQ(reg(&c, NVME_REG_VS, 4), 0xffffffff);
	EQ(reg(&b, NVME_REG_CSTS, 4), NVME_CSTS_CFS);
	set(&a, NVME_REG_AQA, 4, 0x10001);
	EQ(reg(&b, NVME_REG_AQA, 4), 0);
	EQ(reg(&a, NVME_REG_AQA, 4), 0x10001);
	/* NumVFs is fixed while VFs exist; nothing of them is left afterwards */
	wr(&h, rid, h.sriov + PCI_SRIOV_NUM_VFS, 2, 4);
	EQ(rd(&h, rid, h.sriov + PCI_SRIOV_NUM_VFS, 2), 2);
	wr(&h, rid, h.sriov + PCI_SRIOV_CTRL, 2, 0);
	EQ(rd(&h, a.rid, PCI_CLASS, 1), 0xff);
	enable_vfs(&h, 4);
	EQ(reg(&a, NVME_REG_AQA, 4), 0);
	EQ(rd(&h, a.rid, PCI_COMMAND, 2), 0);
	EQ(reg(&c, NVME_REG_VS, 4), 0x20000);
	close_host(&h);
}

static void test_apertures(void)
{
	struct host h;
	struct fun a, b;
	uint16_t rid;

	open_host(&h);
	rid = pf_rid(&h);
	wr(&h, rid, h.sriov + PCI_SRIOV_SYS_PGSIZE, 4, 0x2);	/* 8 KiB: below the aperture */
	a = the_vf(&h, 2);
	wr(&h, rid, h.sriov + PCI_SRIOV_SYS_PGSIZE, 4, 0x50);	/* two bits: refused */
	EQ(rd(&h, rid, h.sriov + PCI_SRIOV_SYS_PGSIZE, 4), 0x2);
	wr(&h, rid, h.sriov + PCI_SRIOV_SYS_PGSIZE, 4, 0x100);	/* 1 MiB */
	b = the_vf(&h, 2);
	CHECK(a.bar - VF_BAR < b.bar - VF_BAR);
	EQ(b.bar - VF_BAR, 1 << 20);
	EQ(rd(&h, rid, h.sriov + PCI_SRIOV_VF_OFFSET, 2), 0x101);	/* next bus without ARI */
	enable_vfs(&h, 2);
	EQ(rd(&h, rid, h.sriov + PCI_SRIOV_VF_OFFSET, 2), 1);
	EQ(reg(&b, NVME_REG_VS, 4), 0x20000);
	wr(&h, rid, h.sriov + PCI_SRIOV_SYS_PGSIZE, 4, 1);
	EQ(rd(&h, rid, h.sriov + PCI_SRIOV_SYS_PGSIZE, 4), 0x100);
	close_host(&h);
}

/* --- queues, interrupts, DMA -------------------------------------------------------------------------------------- */

static void test_admin_queue(void)
{
	struct host h;
	struct fun pf;
	struct nvme_cqe c, none;
	const struct nvme_id_ctrl *id;

	open_host(&h);
	pf = the_pf(&h);
	id = (void *)(h.mem + 8 * 4096);
	CHECK(start(&pf, 4));
	for (unsigned i = 0; i < 11; i++) {	/* phase tags over almost three rounds */
		EQ(run(&pf, identify(MEM + 8 * 4096, 0)), 0);
		EQ(h.msi_count, i + 1);
	}
	EQ(le32_get(id->ver), 0x20000);
	EQ(h.msi_data, 0x40);
	EQ(h.msi_addr, 0xfee00000);
	EQ(h.msi_rid, pf.rid);
	/* full completion queue: three fit, the fourth waits for the head to move */
	for (unsigned i = 0; i < 3; i++)
		put(&pf, identify(MEM + 8 * 4096, 0));
	ring(&pf);
	EQ(h.msi_count, 14);
	put(&pf, identify(MEM + 8 * 4096, 0));
	ring(&pf);
	EQ(h.msi_count, 14);
	for (unsigned i = 0; i < 4; i++)
		CHECK(take(&pf, &c));
	CHECK(!take(&pf, &none));
	EQ(le16_get(c.sqhd), pf.sq_tail);
	EQ(h.msi_count, 15);
	close_host(&h);
}

static void test_masks(void)
{
	struct host h;
	struct fun pf;
	unsigned table, pba;

	open_host(&h);
	pf = the_pf(&h);
	CHECK(start(&pf, 8));
	table = rd(&h, pf.rid, h.msix + PCI_MSIX_TABLE, 4);
	pba = rd(&h, pf.rid, h.msix + PCI_MSIX_PBA, 4);
	set(&pf, table + 12, 4, 1);
	EQ(run(&pf, identify(MEM + 8 * 4096, 0)), 0);
	EQ(h.msi_count, 0);
	EQ(reg(&pf, pba, 8), 1);
	set(&pf, table + 12, 4, 0);
	EQ(h.msi_count, 1);
	EQ(reg(&pf, pba, 8), 0);
	wr(&h, pf.rid, h.msix + PCI_MSIX_CTRL, 2, PCI_MSIX_CTRL_ENABLE | PCI_MSIX_CTRL_MASK);
	EQ(run(&pf, identify(MEM + 8 * 4096, 0)), 0);
	EQ(h.msi_count, 1);
	wr(&h, pf.rid, h.msix + PCI_MSIX_CTRL, 2, PCI_MSIX_CTRL_ENABLE);
	EQ(h.msi_count, 2);
	/* no bus mastering: the command waits, untouched */
	wr(&h, pf.rid, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	EQ(run(&pf, identify(MEM + 8 * 4096, 0)), -1);
	EQ(h.msi_count, 2);
	EQ(nvsr_model_faults(h.m, NULL), 0);
	wr(&h, pf.rid, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	EQ(h.msi_count, 3);
	close_host(&h);
}

static void test_prp(void)
{
	struct host h;
	struct fun pf;
	struct nvme_sqe e;
	struct nvsr_model_fault fault;

	open_host(&h);
	pf = the_pf(&h);
	CHECK(start(&pf, 8));
	EQ(run(&pf, identify(MEM + 8 * 4096 + 0x800, MEM + 12 * 4096)), 0);
	EQ(le32_get(((struct nvme_id_ctrl *)(void *)(h.mem + 8 * 4096 + 0x800))->ver), 0x20000);
	EQ(run(&pf, identify(MEM + 8 * 4096 + 2, MEM + 12 * 4096)), NVME_SC_PRP_OFFSET_INVALID);
	EQ(run(&pf, identify(MEM + 8 * 4096 + 4, MEM + 12 * 4096 + 8)), NVME_SC_PRP_OFFSET_INVALID);
	e = identify(MEM + 8 * 4096, 0);
	e.flags = 0x40;
	EQ(run(&pf, e), NVME_SC_INVALID_FIELD);
	EQ(nvsr_model_faults(h.m, NULL), 0);
	EQ(run(&pf, identify(MEM + (PAGES - 1) * 4096 + 8, MEM + PAGES * 4096)), NVME_SC_DATA_XFER_ERROR);
	EQ(nvsr_model_faults(h.m, &fault), 1);
	EQ(fault.iova, MEM + PAGES * 4096);
	CHECK(fault.write && fault.rid == pf.rid && !fault.domain);
	/* a queue that is not there is fatal */
	nvsr_model_unmap(h.m, 0, MEM);
	ring(&pf);
	put(&pf, identify(0, 0));
	ring(&pf);
	EQ(reg(&pf, NVME_REG_CSTS, 4), NVME_CSTS_RDY | NVME_CSTS_CFS);
	set(&pf, NVME_REG_CC, 4, 0);
	EQ(reg(&pf, NVME_REG_CSTS, 4), 0);
	close_host(&h);
}

/* An I/O queue pair with id 1 in pages 2 and 3, and its reads of @len bytes through PRP lists. */
static int read_io(struct fun *pf, unsigned *tail, uint64_t prp1, uint64_t prp2, unsigned len)
{
	struct nvme_cqe *cq = (void *)(pf->h->mem + 3 * 4096);
	struct nvme_sqe e = { .opcode = NVME_CMD_READ, .nsid = le32(1), .prp1 = le64(prp1), .prp2 = le64(prp2),
			      .cdw12 = le32(len / 512 - 1) };

	memcpy(pf->h->mem + 2 * 4096 + *tail * sizeof(e), &e, sizeof(e));
	set(pf, NVME_REG_DBS + 8, 4, ++*tail);
	if (!(le16_get(cq[*tail - 1].status) & 1))
		return -1;
	return le16_get(cq[*tail - 1].status) >> 1 & 0x7ff;
}

static void test_prp_list(void)
{
	struct host h;
	struct fun pf;
	unsigned tail = 0;
	le64_t *list;

	open_host(&h);
	pf = the_pf(&h);
	CHECK(start(&pf, 8));
	EQ(run(&pf, (struct nvme_sqe){ .opcode = NVME_ADMIN_CREATE_CQ, .prp1 = le64(MEM + 3 * 4096), .cdw10 = le32(31 << 16 | 1),
				       .cdw11 = le32(1) }), 0);
	EQ(run(&pf, (struct nvme_sqe){ .opcode = NVME_ADMIN_CREATE_SQ, .prp1 = le64(MEM + 2 * 4096), .cdw10 = le32(31 << 16 | 1),
				       .cdw11 = le32(1 << 16 | 1) }), 0);
	/* seven more pages: two entries and a pointer at the end of page 4, the rest in page 5 */
	memset(h.mem + 16 * 4096, 0xaa, 10 * 4096);
	list = (void *)(h.mem + 4 * 4096);
	for (unsigned i = 0; i < 2; i++)
		list[509 + i] = le64(MEM + (17 + i) * 4096);
	list[511] = le64(MEM + 5 * 4096);
	list = (void *)(h.mem + 5 * 4096);
	for (unsigned i = 0; i < 5; i++)
		list[i] = le64(MEM + (19 + i) * 4096);
	EQ(read_io(&pf, &tail, MEM + 16 * 4096, MEM + 4 * 4096 + 509 * 8, 32768), 0);
	for (unsigned i = 0; i < 8 * 4096; i++)
		CHECK(!h.mem[16 * 4096 + i]);
	EQ(h.mem[24 * 4096], 0xaa);
	/* one wrong entry: nothing moves */
	memset(h.mem + 16 * 4096, 0xaa, 10 * 4096);
	list[4] = le64(MEM + 23 * 4096 + 8);
	EQ(read_io(&pf, &tail, MEM + 16 * 4096, MEM + 4 * 4096 + 509 * 8, 32768), NVME_SC_PRP_OFFSET_INVALID);
	EQ(h.mem[16 * 4096], 0xaa);
	EQ(read_io(&pf, &tail, MEM + 16 * 4096, MEM + 4 * 4096 + 509 * 8 + 4, 32768), NVME_SC_PRP_OFFSET_INVALID);
	EQ(read_io(&pf, &tail, MEM + 16 * 4096, MEM + PAGES * 4096, 32768), NVME_SC_DATA_XFER_ERROR);
	close_host(&h);
}

/* An event that finds the completion queue full arrives when there is room. */
static void test_late_event(void)
{
	struct host h;
	struct fun pf;
	struct nvme_cqe c;

	open_host(&h);
	pf = the_pf(&h);
	CHECK(start(&pf, 4));
	put(&pf, (struct nvme_sqe){ .opcode = NVME_ADMIN_AER });
	ring(&pf);
	CHECK(!take(&pf, &c));
	for (unsigned i = 0; i < 3; i++) {
		put(&pf, identify(MEM + 8 * 4096, 0));
		ring(&pf);
	}
	set(&pf, NVME_REG_DBS + 0x100, 4, 1);	/* no such queue */
	EQ(h.msi_count, 3);
	for (unsigned i = 0; i < 4; i++)
		CHECK(take(&pf, &c));
	EQ(le16_get(c.cid), 1);
	EQ(le32_get(c.dw0), NVME_AEN(NVME_AEN_ERROR, 0, NVME_LOG_ERROR));
	EQ(h.msi_count, 4);
	close_host(&h);
}

/* --- secondary controllers, resets -------------------------------------------------------------------------------- */

static void test_secondary(void)
{
	struct host h;
	struct fun pf, a, b;
	const struct nvme_id_ctrl *id;

	open_host(&h);
	pf = the_pf(&h);
	CHECK(start(&pf, 16));
	enable_vfs(&h, 2);
	a = the_vf(&h, 1);
	CHECK(!start(&a, 4));
	EQ(reg(&a, NVME_REG_CSTS, 4), NVME_CSTS_CFS);
	a = vf_up(&pf, 1);
	b = vf_up(&pf, 2);
	EQ(rd(&h, a.rid, h.msix + PCI_MSIX_CTRL, 2), 1);
	id = (void *)(h.mem + 40 * 4096);
	CHECK(start(&a, 4));
	nvsr_model_set_domain(h.m, b.rid, 5);
	EQ(nvsr_model_map(h.m, 5, MEM, h.mem, PAGES * 4096), 0);
	CHECK(start(&b, 4));
	EQ(run(&a, identify(MEM + 40 * 4096, 0)), 0);
	EQ(le16_get(id->cntlid), 1);
	EQ(h.msi_rid, a.rid);
	EQ(h.msi_data, 0x40 + a.page);
	EQ(run(&b, identify(MEM + 40 * 4096, 0)), 0);
	EQ(le16_get(id->cntlid), 2);
	/* another domain: the same address is not there */
	nvsr_model_unmap(h.m, 5, MEM);
	put(&b, identify(MEM + 40 * 4096, 0));
	ring(&b);
	EQ(nvsr_model_faults(h.m, NULL), 1);
	/* FLR of a VF: only that VF, and it stays Online */
	flr(&b);
	EQ(rd(&h, b.rid, PCI_CLASS, 1), 0xff);
	ms(&h, PCI_MS_FLR);
	EQ(rd(&h, b.rid, h.exp + PCI_EXP_DEVCTL, 2) & PCI_EXP_DEVCTL_FLR, 0);
	EQ(rd(&h, b.rid, PCI_COMMAND, 2), 0);
	EQ(reg(&b, NVME_REG_CSTS, 4), 0);
	EQ(reg(&b, NVME_REG_ASQ, 8), 0);
	EQ(reg(&a, NVME_REG_CSTS, 4), NVME_CSTS_RDY);
	EQ(run(&a, identify(MEM + 40 * 4096, 0)), 0);
	/* Controller Reset of the PF: VFs stay, Offline */
	set(&pf, NVME_REG_CC, 4, 0);
	EQ(reg(&pf, NVME_REG_CSTS, 4), 0);
	EQ(reg(&pf, NVME_REG_ASQ, 8), MEM);
	EQ(reg(&a, NVME_REG_CSTS, 4), NVME_CSTS_CFS);
	EQ(rd(&h, pf.rid, h.sriov + PCI_SRIOV_NUM_VFS, 2), 2);
	/* FLR of the PF: no VFs */
	flr(&pf);
	ms(&h, PCI_MS_FLR);
	EQ(rd(&h, pf.rid, h.sriov + PCI_SRIOV_CTRL, 2), PCI_SRIOV_CTRL_ARI);
	EQ(vf_rid(&h, 1), a.rid);	/* the offset goes with ARI */
	EQ(rd(&h, a.rid, PCI_CLASS, 1), 0xff);
	EQ(rd(&h, pf.rid, PCI_COMMAND, 2), 0);
	bios(&h);
	EQ(reg(&pf, NVME_REG_ASQ, 8), 0);
	nvsr_model_hot_reset(h.m);
	ms(&h, PCI_MS_FLR);
	EQ(rd(&h, pf.rid, h.sriov + PCI_SRIOV_CTRL, 2), 0);
	close_host(&h);
}

static void test_shutdown(void)
{
	struct host h;
	struct fun pf, a;

	open_host(&h);
	pf = the_pf(&h);
	CHECK(start(&pf, 16));
	enable_vfs(&h, 1);
	a = vf_up(&pf, 1);
	EQ(reg(&a, NVME_REG_CSTS, 4), 0);
	set(&pf, NVME_REG_CC, 4, reg(&pf, NVME_REG_CC, 4) | NVME_CC_SHN_NORMAL);
	EQ(NVME_CSTS_SHST(reg(&pf, NVME_REG_CSTS, 4)), 1);
	ms(&h, 1000);
	EQ(NVME_CSTS_SHST(reg(&pf, NVME_REG_CSTS, 4)), 2);
	EQ(reg(&a, NVME_REG_CSTS, 4), NVME_CSTS_CFS);
	set(&pf, NVME_REG_NSSR, 4, NVME_NSSR_KEY);
	ms(&h, PCI_MS_FLR);
	bios(&h);
	EQ(reg(&pf, NVME_REG_CSTS, 4), NVME_CSTS_NSSRO);
	EQ(rd(&h, pf.rid, h.sriov + PCI_SRIOV_CTRL, 2), 0);
	close_host(&h);
}

/* Whatever place a profile gives the SR-IOV capability, every capability is found, and the list ends. */
static void test_layouts(void)
{
	static const unsigned pos[] = { 0x100, 0x120, 0x148, 0x160, 0x1e8, 0x210, 0xfc0 };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(pos); i++) {
		struct nvsr_profile p;
		struct host h;

		profile(&p);
		p.sriov.cap_offset = pos[i];
		p.sriov.pf_bar0_bytes = 8192;	/* too small: the model makes room */
		open_with(&h, &p, NULL);
		EQ(h.sriov, pos[i]);
		CHECK(find_ext(&h, pf_rid(&h), PCI_EXT_CAP_AER) && find_ext(&h, pf_rid(&h), PCI_EXT_CAP_ARI));
		CHECK(find_ext(&h, pf_rid(&h), PCI_EXT_CAP_DSN));
		EQ(find_ext(&h, pf_rid(&h), 0xbeef), 0);
		close_host(&h);
	}
}

/* --- anything at all: no crash, and power brings it back ---------------------------------------------------------- */

static uint64_t random_state;

static uint32_t rnd(void)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33);
}

static void fuzz_step(struct host *h)
{
	static const unsigned lens[] = { 1, 2, 4, 8 };
	static const uint32_t values[] = { 0, 1, 2, 3, 8, 9, 0x19, 0x8000, 0xffff, ~0u, 0x460001, 0x464001, MEM, PF_BAR, NVME_NSSR_KEY };
	static const unsigned regs[] = { 0x0c, 0x14, 0x14, 0x14, 0x20, 0x24, 0x28, 0x2c, 0x30, 0x34, 0x1000, 0x1004, 0x1008, 0x100c,
					 0x1040, 0x3000, 0x4000, 0x400c, 0x7ffc };
	static const unsigned cfg[] = { 0x04, 0x10, 0x14, 0x44, 0x78, 0x79, 0xb2, 0x1f0, 0x1f8, 0x208, 0x20c, 0x210 };
	uint32_t val = rnd() % 3 ? values[rnd() % NVSR_ARRAY_SIZE(values)] : rnd();
	unsigned len = lens[rnd() % 4], n = rnd() % 10, off;
	uint16_t rid = (uint16_t)(pf_rid(h) + n);
	struct fun f = { .h = h, .bar = n ? VF_BAR + (n - 1) * 32768 : PF_BAR };

	switch (rnd() % 16) {
	case 0: case 1: case 2: case 3:
		off = rnd() % 4 ? cfg[rnd() % NVSR_ARRAY_SIZE(cfg)] : rnd() % 4100;
		wr(h, rid, off, len, val);
		(void)rd(h, rid, off, len);
		break;
	case 4:
		wr(h, rid, PCI_COMMAND, 2, 6);
		enable_vfs(h, rnd() % 12);
		break;
	case 5:
		if (!(rnd() % 4))
			bios(h);
		if (!(rnd() % 8))
			nvsr_model_hot_reset(h->m);
		break;
	case 6:
		nvsr_model_advance(h->m, rnd() * 1000ull);
		break;
	case 7:
		for (unsigned i = 0; i < 64; i++)
			h->mem[rnd() % (PAGES * 4096)] = (uint8_t)rnd();
		break;
	case 8:	/* a plausible enable, so that doorbells mean something */
		set(&f, NVME_REG_AQA, 4, 0x00070007);
		set(&f, NVME_REG_ASQ, 8, MEM);
		set(&f, NVME_REG_ACQ, 8, MEM + 4096);
		set(&f, NVME_REG_CC, 4, 0x460001);
		ms(h, 20);
		break;
	default:
		off = rnd() % 4 ? regs[rnd() % NVSR_ARRAY_SIZE(regs)] : rnd() % 40000;
		set(&f, off, len, rnd() % 2 ? val : rnd() % 9);
		(void)reg(&f, off, len);
		break;
	}
}

static void fuzz(const char *defect, uint64_t seed, unsigned steps)
{
	struct nvsr_profile p;
	struct host h;
	struct fun pf;

	profile(&p);
	open_with(&h, &p, defect);
	random_state = seed;
	for (unsigned i = 0; i < steps; i++)
		fuzz_step(&h);
	if (!defect) {
		nvsr_model_power_cycle(h.m);
		ms(&h, PCI_MS_FLR);
		bios(&h);
		pf = the_pf(&h);
		CHECK(start(&pf, 4));
		EQ(run(&pf, identify(MEM + 8 * 4096, 0)), 0);
	}
	close_host(&h);
}

static void test_fuzz(void)
{
	for (unsigned seed = 1; seed <= 20; seed++)
		fuzz(NULL, seed, 5000);
	for (size_t i = 0; i < nvsr_defect_count; i++)
		fuzz(nvsr_defects[i].name, i, 500);
}

int main(void)
{
	static const struct { const char *name; void (*run)(void); } tests[] = {
		{ "configuration space of the PF", test_pf_config }, { "life of VFs", test_vf_life },
		{ "apertures", test_apertures }, { "admin queue", test_admin_queue }, { "masks and bus mastering", test_masks },
		{ "PRP", test_prp }, { "PRP lists", test_prp_list }, { "late event", test_late_event },
		 { "secondary controllers", test_secondary }, { "shutdown and NSSR", test_shutdown },
		{ "layouts", test_layouts }, { "random accesses", test_fuzz },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(tests); i++) {
		where = tests[i].name;
		tests[i].run();
	}
	return failed ? 1 : 0;
}
