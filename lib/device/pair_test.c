// SPDX-License-Identifier: GPL-2.0-or-later
/* Queue pairs for load over a function of memory, whose queues the test fills and reads as a controller does. */
#include "device/load.h"
#include "device/private.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

#define IOVA 0x4000000000ull	/* bus addresses are not those of the process */
#define ENTRIES 4u
#define STRIDE 8u
#define QID 3u

static struct {
	struct nvsr_cmd admin[8];
	unsigned admins, memories;
	int refuse;			/* what Create I/O Submission Queue is answered with */
	uint64_t sq, cq;		/* where the last pair lies */
	uint32_t bell[2 * QID + 2], bells;
	unsigned vectors;
	struct nvme_id_ctrl ctrl;
	struct nvme_id_ns ns;
	uint64_t cap, csts;
} f;

static void *dma_alloc(struct nvsr_dev *d, size_t len, uint64_t *ret_iova)
{
	void *p = aligned_alloc(4096, NVSR_ROUND_UP(len, 4096));

	if (!p)
		abort();
	memset(p, 0, len);
	f.memories++;
	*ret_iova = (uintptr_t)p + IOVA;
	return p;
}

static void dma_free(struct nvsr_dev *d, void *p)
{
	f.memories -= p != NULL;
	free(p);
}

static int admin_prp(struct nvsr_dev *d, struct nvsr_cmd *c, uint64_t prp1)
{
	f.admin[f.admins++ % NVSR_ARRAY_SIZE(f.admin)] = *c;
	if (c->opcode == NVME_ADMIN_CREATE_CQ)
		f.cq = prp1;
	if (c->opcode == NVME_ADMIN_CREATE_SQ)
		f.sq = prp1;
	return c->opcode == NVME_ADMIN_CREATE_SQ ? f.refuse : 0;
}

static int admin(struct nvsr_dev *d, struct nvsr_cmd *c)
{
	if (c->opcode != NVME_ADMIN_IDENTIFY)
		return admin_prp(d, c, 0);
	memcpy(c->data, c->cdw10 == NVME_CNS_CTRL ? (const void *)&f.ctrl : (const void *)&f.ns, NVME_IDENTIFY_SIZE);
	return 0;
}

static int bar_read(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	*ret = off == NVME_REG_CAP ? f.cap : f.csts;
	return 0;
}

static int bar_write(struct nvsr_dev *d, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	uint64_t nr = (off - NVME_REG_DBS) / STRIDE;

	if (off % STRIDE || nr >= NVSR_ARRAY_SIZE(f.bell) || len != 4)
		abort();
	f.bell[nr] = (uint32_t)val;
	f.bells++;
	return 0;
}

static int irq_fd(struct nvsr_dev *d, unsigned vector, int *ret)
{
	*ret = 100 + (int)vector;
	return vector < f.vectors ? 0 : -EINVAL;
}

static const struct nvsr_dev_ops ops = {
	.admin = admin, .admin_prp = admin_prp, .bar_read = bar_read, .bar_write = bar_write, .dma_alloc = dma_alloc, .dma_free = dma_free,
	.doorbells = nvsr_nosys_doorbells, .irq_fd = irq_fd,
};
static struct nvsr_shared shared;
static struct nvsr_dev dev = { .ops = &ops, .pf = &dev, .shared = &shared, .can = NVSR_CAN_QUEUES | NVSR_CAN_ADMIN | NVSR_CAN_REG_READ,
			       .ctrl = { .page = 4096, .db_stride = STRIDE } };

static struct nvsr_pair *begin(bool irq)
{
	struct nvsr_pair *p = NULL;

	f.admins = f.bells = 0;
	EXPECT(!nvsr_pair_create(&dev, &(struct nvsr_pair_options){ .qid = QID, .entries = ENTRIES, .irq = irq }, &p));
	if (!p)
		exit(1);
	return p;
}

static const struct nvme_sqe *entry(unsigned i)
{
	return (const struct nvme_sqe *)(uintptr_t)(f.sq - IOVA) + i;
}

/* The controller's answer, the @nr-th since the begin. */
static void complete(unsigned nr, uint16_t cid, uint16_t status)
{
	struct nvme_cqe *e = (struct nvme_cqe *)(uintptr_t)(f.cq - IOVA) + nr % ENTRIES;

	e->cid = le16(cid);
	e->status = le16((uint16_t)(status << 1 | !(nr / ENTRIES % 2)));
}

/* --- queues ------------------------------------------------------------------------------------------------------------------- */

static void create_and_delete(void)
{
	struct nvsr_pair_options o = { .qid = QID, .entries = ENTRIES };
	struct nvsr_pair *p;

	f.vectors = QID + 1;
	p = begin(true);
	EXPECT(f.admins == 2 && f.admin[0].opcode == NVME_ADMIN_CREATE_CQ && f.admin[1].opcode == NVME_ADMIN_CREATE_SQ);
	EXPECT(f.admin[0].cdw10 == ((ENTRIES - 1) << 16 | QID) && f.admin[0].cdw11 == (QID << 16 | 3));
	EXPECT(f.admin[1].cdw10 == ((ENTRIES - 1) << 16 | QID) && f.admin[1].cdw11 == (QID << 16 | 1));
	EXPECT(nvsr_pair_fd(p) == 100 + QID && nvsr_pair_room(p) == ENTRIES - 1);
	nvsr_pair_destroy(p);
	EXPECT(f.admins == 4 && f.admin[2].opcode == NVME_ADMIN_DELETE_SQ && f.admin[3].opcode == NVME_ADMIN_DELETE_CQ &&
	       f.admin[2].cdw10 == QID && f.admin[3].cdw10 == QID && !f.memories);
	/* Fewer vectors than queues: the first one. */
	f.vectors = 1;
	p = begin(true);
	EXPECT(f.admin[0].cdw11 == 3 && nvsr_pair_fd(p) == 100);
	nvsr_pair_destroy(p);
	p = begin(false);
	EXPECT(f.admin[0].cdw11 == 1 && nvsr_pair_fd(p) == -1);
	nvsr_pair_destroy(p);
	f.vectors = f.admins = 0;
	o.irq = true;
	EXPECT(nvsr_pair_create(&dev, &o, &p) == -EINVAL && !f.admins && !f.memories);
	/* The completion queue does not stay alone. */
	f.refuse = NVME_SC_QID_INVALID;
	o.irq = false;
	EXPECT(nvsr_pair_create(&dev, &o, &p) == NVME_SC_QID_INVALID && f.admins == 3 && f.admin[2].opcode == NVME_ADMIN_DELETE_CQ);
	f.refuse = 0;
	o.qid = 0;
	EXPECT(nvsr_pair_create(&dev, &o, &p) == -EINVAL);
	o = (struct nvsr_pair_options){ .qid = QID, .entries = 1 };
	EXPECT(nvsr_pair_create(&dev, &o, &p) == -EINVAL && !f.memories);
}

/* --- commands ----------------------------------------------------------------------------------------------------------------- */

/* Each page of @io is where the PRPs of entry @nr say; a list lies within a page. */
static void expect_prps(unsigned nr, const struct nvsr_io *io, unsigned page)
{
	const struct nvme_sqe *e = entry(nr);
	uint64_t next = (io->iova / page + 1) * page, end = io->iova + io->bytes, pages = next < end ? (end - 1 - next) / page + 1 : 0;
	uint64_t two = le64_get(e->prp2);

	EXPECT(e->opcode == NVME_CMD_READ && le32_get(e->nsid) == 7 && le64_get(e->prp1) == io->iova);
	EXPECT(le32_get(e->cdw10) == 0x456789ab && le32_get(e->cdw11) == 0x123 && le32_get(e->cdw12) == io->bytes / 512 - 1);
	if (pages < 2) {
		EXPECT(two == (pages ? next : 0));
		return;
	}
	for (unsigned i = 0; i < pages; i++)
		EXPECT(nvsr_le_read((const uint8_t *)(uintptr_t)(two - IOVA) + i * 8, 8) == next + (uint64_t)i * page);
	EXPECT(two % page <= page - pages * 8);
}

static void prps(unsigned page, uint64_t offset, uint32_t bytes)
{
	struct nvsr_io io = { .opcode = NVME_CMD_READ, .nsid = 7, .slba = 0x123456789abull, .blocks = bytes / 512,
			      .iova = IOVA * 2 + offset, .bytes = bytes };
	struct nvsr_pair *p;

	dev.ctrl.page = page;
	p = begin(false);
	/* Lists do not lie on each other. */
	for (unsigned i = 0; i < ENTRIES - 1; i++)
		EXPECT(nvsr_pair_submit(p, &io));
	for (unsigned i = 0; i < ENTRIES - 1; i++)
		expect_prps(i, &io, page);
	nvsr_pair_destroy(p);
	dev.ctrl.page = 4096;
}

static void all_prps(void)
{
	static const struct { uint64_t offset; uint32_t bytes; } cases[] = {
		{ 0, 512 }, { 0, 4096 }, { 3584, 512 }, { 3584, 1024 }, { 0, 8192 }, { 4, 8192 }, { 0, 12288 }, { 512, 65536 },
		{ 0, NVSR_IO_MAX }, { 4092, NVSR_IO_MAX },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++)
		for (unsigned page = 4096; page <= 65536; page *= 4)
			prps(page, cases[i].offset, cases[i].bytes);
}

static unsigned done_count;
static void *done_arg;
static uint16_t done_status;

static void done(void *ctx, void *arg, uint16_t status)
{
	done_count++;
	done_arg = arg;
	done_status = status;
}

static void flow(void)
{
	struct nvsr_io io = { .opcode = NVME_CMD_FLUSH, .nsid = 1 };
	struct nvsr_pair *p = begin(false);
	uint16_t cid;

	for (unsigned i = 0; i < ENTRIES - 1; i++) {
		io.arg = &f.admin[i];
		EXPECT(nvsr_pair_submit(p, &io) && nvsr_pair_room(p) == ENTRIES - 2 - i);
	}
	EXPECT(!nvsr_pair_submit(p, &io) && le32_get(entry(0)->cdw12) == 0 && le64_get(entry(0)->prp2) == 0);
	/* One doorbell for all, and none for nothing. */
	EXPECT(!f.bells);
	nvsr_pair_ring(p);
	nvsr_pair_ring(p);
	EXPECT(f.bells == 1 && f.bell[2 * QID] == ENTRIES - 1);
	EXPECT(!nvsr_pair_reap(p, 9, done, NULL) && f.bells == 1);
	/* In any order; a status without More and Do Not Retry. */
	complete(0, le16_get(entry(1)->cid), 0x4281);
	EXPECT(nvsr_pair_reap(p, 9, done, NULL) == 1 && done_arg == &f.admin[1] && done_status == 0x281);
	EXPECT(nvsr_pair_room(p) == 1 && f.bells == 2 && f.bell[2 * QID + 1] == 1);
	complete(1, le16_get(entry(0)->cid), 0);
	complete(2, le16_get(entry(2)->cid), 0);
	EXPECT(nvsr_pair_reap(p, 1, done, NULL) == 1 && done_arg == &f.admin[0] && done_status == 0);
	EXPECT(nvsr_pair_reap(p, 9, done, NULL) == 1 && done_arg == &f.admin[2] && f.bell[2 * QID + 1] == 3);
	/* Round and round. */
	for (unsigned nr = 3; nr < 5 * ENTRIES; nr++) {
		EXPECT(nvsr_pair_submit(p, &io));
		nvsr_pair_ring(p);
		EXPECT(f.bell[2 * QID] == (nr + 1) % ENTRIES && !nvsr_pair_reap(p, 9, done, NULL));
		complete(nr, le16_get(entry(nr % ENTRIES)->cid), 0);
		EXPECT(nvsr_pair_reap(p, 9, done, NULL) == 1 && f.bell[2 * QID + 1] == (nr + 1) % ENTRIES);
	}
	/* Nonsense: a command that is not in flight, and none at all. */
	EXPECT(nvsr_pair_submit(p, &io));
	cid = le16_get(entry(0)->cid);
	complete(5 * ENTRIES, (uint16_t)((cid + 1) % (ENTRIES - 1)), 0);
	EXPECT(nvsr_pair_reap(p, 9, done, NULL) == -EPROTO);
	complete(5 * ENTRIES, 0xffff, 0);
	EXPECT(nvsr_pair_reap(p, 9, done, NULL) == -EPROTO);
	complete(5 * ENTRIES, cid, 0);
	EXPECT(nvsr_pair_reap(p, 9, done, NULL) == 1);
	io.bytes = NVSR_IO_MAX + 512;
	EXPECT(!nvsr_pair_submit(p, &io));
	nvsr_pair_destroy(p);
	EXPECT(!f.memories);
}

/* --- limits ------------------------------------------------------------------------------------------------------------------- */

static void limits(void)
{
	static const struct { unsigned mdts, mpsmin, lbads, ms; uint64_t blocks; int rc; uint32_t max; } cases[] = {
		{ 0, 0, 9, 0, 100, 0, NVSR_IO_MAX }, { 5, 0, 9, 0, 100, 0, 131072 }, { 5, 1, 12, 0, 100, 0, 262144 },
		{ 9, 0, 12, 0, 100, 0, NVSR_IO_MAX }, { 19, 1, 12, 0, 100, 0, NVSR_IO_MAX }, { 255, 15, 12, 0, 100, 0, NVSR_IO_MAX },
		{ 1, 0, 13, 0, 100, 0, 8192 }, { 1, 0, 14, 0, 100, -ENOTSUP, 0 }, { 5, 0, 9, 8, 100, -ENOTSUP, 0 },
		{ 5, 0, 8, 0, 100, -ENOTSUP, 0 }, { 5, 0, 12, 0, 1ull << 52, -ENOTSUP, 0 }, { 5, 0, 9, 0, 0, -ENXIO, 0 },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_io_limits l = { 0 };
		int rc;

		f.cap = (uint64_t)cases[i].mpsmin << 48 | 0x3ff;
		f.ctrl.mdts = (uint8_t)cases[i].mdts;
		memcpy(f.ctrl.sn, "serial number       ", sizeof(f.ctrl.sn));
		f.ns = (struct nvme_id_ns){ .nsze = le64(cases[i].blocks), .flbas = 2 };
		f.ns.lbaf[2].lbads = (uint8_t)cases[i].lbads;
		f.ns.lbaf[2].ms = le16((uint16_t)cases[i].ms);
		rc = nvsr_io_look(&dev, 1, &l);
		if (rc != cases[i].rc || (!rc && (l.max != cases[i].max || l.block != 1u << cases[i].lbads || l.blocks != cases[i].blocks ||
						  l.entries != 1024 || memcmp(l.serial, f.ctrl.sn, sizeof(l.serial))))) {
			failures++;
			fprintf(stderr, "limits %u: %d, %u bytes\n", i, rc, l.max);
		}
	}
}

static void alive(void)
{
	static const struct { uint64_t csts; bool alive; } cases[] = {
		{ NVME_CSTS_RDY, true }, { 0, false }, { NVME_CSTS_RDY | NVME_CSTS_CFS, false }, { UINT32_MAX, false },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		f.csts = cases[i].csts;
		EXPECT(nvsr_io_alive(&dev) == cases[i].alive);
	}
}

int main(void)
{
	create_and_delete();
	all_prps();
	flow();
	limits();
	alive();
	return failures != 0;
}
