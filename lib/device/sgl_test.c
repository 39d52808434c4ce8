// SPDX-License-Identifier: GPL-2.0-or-later
/* SGLs from the driver through the model: what each descriptor moves, what each mistake is answered with, metadata too. */
#include "device/device.h"
#include "spec/nvme.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

#define BLOCK 512u
#define META 8u
#define BYTES (2 * BLOCK)	/* of every command here: two blocks */
#define LIST 0x2000u	/* places in the memory of the test; data is at its start */
#define LIST2 0x3000u
#define MPTR 0x4000u
#define MEMORY 0x6000u

struct bench {
	struct nvsr_dev *d;
	struct nvsr_queue *q;
	uint8_t *mem;
	uint64_t iova;
};

static struct nvme_sgl sgl(unsigned type, uint64_t addr, uint32_t len)
{
	return (struct nvme_sgl){ .addr = le64(addr), .len = le32(len), .id = NVME_SGL_ID(type, 0) };
}

static int run(struct bench *b, uint8_t opcode, unsigned psdt, struct nvme_sgl first)
{
	struct nvsr_cmd c = { .opcode = opcode, .flags = NVME_PSDT(psdt), .nsid = 1, .cdw12 = BYTES / BLOCK - 1,
			      .mptr = b->iova + MPTR };
	struct nvsr_req *r = NULL;
	int rc = nvsr_queue_submit_sgl(b->q, &c, &first, &r);

	return rc ? rc : nvsr_req_wait(r, 1000, NULL);
}

static void put(struct bench *b, unsigned at, unsigned i, struct nvme_sgl d)
{
	memcpy(b->mem + at + i * sizeof(d), &d, sizeof(d));
}

static bool all(const uint8_t *p, size_t len, uint8_t byte)
{
	while (len && p[len - 1] == byte)
		len--;
	return !len;
}

/* Blocks of 11h and 22h on the namespace, A5h everywhere in memory. */
static void fresh(struct bench *b)
{
	memset(b->mem, 0x11, BLOCK);
	memset(b->mem + BLOCK, 0x22, BLOCK);
	EXPECT(!run(b, NVME_CMD_WRITE, NVME_PSDT_SGL, sgl(NVME_SGL_DATA_BLOCK, b->iova, BYTES)));
	memset(b->mem, 0xa5, MEMORY);
}

static void pieces(struct bench *b)
{
	fresh(b);
	/* 0xA00, 4 bytes nowhere, an empty block, the rest at 0x100; two segments */
	put(b, LIST, 0, sgl(NVME_SGL_DATA_BLOCK, b->iova + 0xa00, BLOCK - 4));
	put(b, LIST, 1, sgl(NVME_SGL_SEGMENT, b->iova + LIST2, 32));
	put(b, LIST2, 0, sgl(NVME_SGL_BIT_BUCKET, 0, 8));
	put(b, LIST2, 1, sgl(NVME_SGL_LAST_SEGMENT, b->iova + LIST2 + 0x100, 32));
	put(b, LIST2 + 0x100, 0, sgl(NVME_SGL_DATA_BLOCK, 0, 0));
	put(b, LIST2 + 0x100, 1, sgl(NVME_SGL_DATA_BLOCK, b->iova + 0x100, BLOCK - 4));
	EXPECT(!run(b, NVME_CMD_READ, NVME_PSDT_SGL, sgl(NVME_SGL_SEGMENT, b->iova + LIST, 32)));
	EXPECT(all(b->mem, 0x100, 0xa5) && all(b->mem + 0x100, BLOCK - 4, 0x22) && all(b->mem + 0x100 + BLOCK - 4, 0x600, 0xa5));
	EXPECT(all(b->mem + 0xa00, BLOCK - 4, 0x11) && all(b->mem + 0xa00 + BLOCK - 4, 0x100, 0xa5));
	/* the same list as a source: the bit bucket is nothing, so it is too short */
	EXPECT(run(b, NVME_CMD_WRITE, NVME_PSDT_SGL, sgl(NVME_SGL_SEGMENT, b->iova + LIST, 32)) == NVME_SC_SGL_DATA_LEN_INVALID);
}

static void mistakes(struct bench *b)
{
	const uint64_t data = b->iova, list = b->iova + LIST;
	const struct { int status; struct nvme_sgl first, in[2]; } table[] = {
		{ .first = sgl(NVME_SGL_DATA_BLOCK, data, BYTES - 4), .status = NVME_SC_SGL_DATA_LEN_INVALID },
		{ .first = sgl(NVME_SGL_DATA_BLOCK, data, BYTES + 4), .status = 0 },
		{ .first = sgl(NVME_SGL_DATA_BLOCK, data + 1, BYTES), .status = NVME_SC_SGL_GRANULARITY },
		{ .first = sgl(NVME_SGL_DATA_BLOCK, data, BYTES + 1), .status = NVME_SC_SGL_GRANULARITY },
		{ .first = sgl(NVME_SGL_DATA_BLOCK, UINT64_MAX - 3, BYTES), .status = NVME_SC_SGL_DATA_LEN_INVALID },
		{ .first = sgl(NVME_SGL_DATA_BLOCK, b->iova + MEMORY, BYTES), .status = NVME_SC_DATA_XFER_ERROR },
		{ .first = sgl(NVME_SGL_KEYED, data, BYTES), .status = NVME_SC_SGL_TYPE_INVALID },
		{ .first = sgl(NVME_SGL_TRANSPORT, data, BYTES), .status = NVME_SC_SGL_TYPE_INVALID },
		{ .first = sgl(0xf, data, BYTES), .status = NVME_SC_SGL_TYPE_INVALID },
		{ .first = { .addr = le64(data), .len = le32(BYTES), .id = NVME_SGL_ID(0, 1) }, .status = NVME_SC_SGL_TYPE_INVALID },
		{ .first = sgl(NVME_SGL_SEGMENT, list, 0), .status = NVME_SC_SGL_SEG_INVALID },
		{ .first = sgl(NVME_SGL_LAST_SEGMENT, list, 24), .status = NVME_SC_SGL_SEG_INVALID },
		{ .first = sgl(NVME_SGL_SEGMENT, list + 4, 32), .status = NVME_SC_SGL_SEG_INVALID },
		{ .first = sgl(NVME_SGL_SEGMENT, UINT64_MAX - 7, 32), .status = NVME_SC_SGL_DATA_LEN_INVALID },
		{ .first = sgl(NVME_SGL_SEGMENT, b->iova + MEMORY, 32), .status = NVME_SC_DATA_XFER_ERROR },
		{ .first = sgl(NVME_SGL_SEGMENT, list, 32), .status = NVME_SC_SGL_COUNT_INVALID,
		  .in = { sgl(NVME_SGL_LAST_SEGMENT, list + 16, 16), sgl(NVME_SGL_DATA_BLOCK, data, BYTES) } },
		{ .first = sgl(NVME_SGL_LAST_SEGMENT, list, 16), .status = NVME_SC_SGL_SEG_INVALID,
		  .in = { sgl(NVME_SGL_LAST_SEGMENT, list + 16, 16), sgl(NVME_SGL_DATA_BLOCK, data, BYTES) } },
		{ .first = sgl(NVME_SGL_SEGMENT, list, 16), .status = 0,
		  .in = { sgl(NVME_SGL_LAST_SEGMENT, list + 16, 16), sgl(NVME_SGL_DATA_BLOCK, data, BYTES) } },
		/* a list that never ends */
		{ .first = sgl(NVME_SGL_SEGMENT, list, 16), .status = NVME_SC_SGL_COUNT_INVALID,
		  .in = { sgl(NVME_SGL_SEGMENT, list, 16) } },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(table); i++) {
		int rc;

		fresh(b);
		put(b, LIST, 0, table[i].in[0]);
		put(b, LIST, 1, table[i].in[1]);
		rc = run(b, NVME_CMD_READ, NVME_PSDT_SGL, table[i].first);
		if (rc != table[i].status || (rc ? !all(b->mem, 0x1000, 0xa5) : !all(b->mem + BYTES, 0x800, 0xa5))) {
			fprintf(stderr, "mistake %zu: %s, expected %s\n", i, nvme_status_name(rc), nvme_status_name(table[i].status));
			failures++;
		}
	}
	EXPECT(run(b, NVME_CMD_READ, NVME_PSDT_RESERVED, sgl(NVME_SGL_DATA_BLOCK, data, BYTES)) == NVME_SC_INVALID_FIELD);
}

static void metadata(struct bench *b)
{
	const struct nvme_sgl data = sgl(NVME_SGL_DATA_BLOCK, b->iova, BYTES);
	const struct { struct nvme_sgl d; int status; } table[] = {
		{ sgl(NVME_SGL_DATA_BLOCK, b->iova + LIST, 2 * META), 0 },
		{ sgl(NVME_SGL_DATA_BLOCK, b->iova + LIST, 2 * META - 4), NVME_SC_SGL_META_LEN_INVALID },
		{ sgl(NVME_SGL_DATA_BLOCK, b->iova + LIST + 2, 2 * META), NVME_SC_SGL_GRANULARITY },
		{ sgl(NVME_SGL_KEYED, b->iova + LIST, 2 * META), NVME_SC_SGL_TYPE_INVALID },
	};

	fresh(b);
	memset(b->mem + MPTR, 0x33, 2 * META);
	EXPECT(!run(b, NVME_CMD_WRITE, NVME_PSDT_SGL, data));
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(table); i++) {
		memset(b->mem + LIST, 0xa5, 0x100);
		put(b, MPTR, 0, table[i].d);
		EXPECT(run(b, NVME_CMD_READ, NVME_PSDT_SGL_MPTR, data) == table[i].status);
		EXPECT(all(b->mem + LIST, 2 * META, table[i].status ? 0xa5 : 0x33) && all(b->mem + LIST + 2 * META, 64, 0xa5));
	}
}

static void admin_takes_prps(struct bench *b)
{
	const struct nvme_sgl page = sgl(NVME_SGL_DATA_BLOCK, b->iova, 4096);
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_CNS_CTRL };
	struct nvsr_req *r = NULL;

	EXPECT(!nvsr_queue_submit_sgl(nvsr_queue_admin(b->d), &c, &page, &r) && nvsr_req_wait(r, 1000, NULL) == NVME_SC_INVALID_FIELD);
}

int main(void)
{
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 8, .cq_entries = 8 };
	struct nvsr_profile *profile = NULL;
	struct nvsr_complaint complaint;
	struct bench b = { 0 };

	if (nvsr_profile_load("reference", &profile, &complaint))
		return 1;
	profile->namespaces.formats[0].meta_bytes = META;
	if (nvsr_dev_open("model:", profile, NULL, &b.d, &complaint) || nvsr_queue_create(b.d, &o, &b.q))
		return 1;
	b.mem = nvsr_dma_alloc(b.d, MEMORY, &b.iova);
	if (!b.mem)
		return 1;
	pieces(&b);
	mistakes(&b);
	metadata(&b);
	admin_takes_prps(&b);
	nvsr_queue_destroy(b.q);
	nvsr_dev_close(b.d);
	nvsr_profile_free(profile);
	return failures != 0;
}
