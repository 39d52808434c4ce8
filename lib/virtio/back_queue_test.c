// SPDX-License-Identifier: GPL-2.0-or-later
/* Block requests of all arrangements, sound and not, through the core of the back end: rings are made here by hand. */
#include "virtio/fake.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

#define NUM 16u
#define BLOCK 512u
#define GUEST 0x80000000ull		/* two regions, one after the other for the guest, apart here */
#define REGION 0x10000u
#define HEADER_AT (GUEST + 0x100)
#define DATA_AT (GUEST + 0x1000)
#define STATUS_AT (GUEST + 0x200)
#define NOWHERE 0x1000ull

static uint8_t media[64 * 1024], region[2][REGION + 4096] __attribute__((aligned(4096)));
static uint8_t ring_memory[8192] __attribute__((aligned(64)));

struct setup {
	struct nvsr_back_disk disk;
	struct nvsr_pair *pair;
	struct nvsr_back_memory memory;
	struct nvsr_virtq_driver driver;
	struct nvsr_back_queue *b;
};

static void begin(struct setup *s, unsigned entries)
{
	const struct nvsr_pair_options o = { .entries = entries };
	struct nvsr_virtq q = { .event_idx = true };

	*s = (struct setup){ .disk = fake_disk(media, sizeof(media), BLOCK, 2 * BLOCK, entries) };
	fake_create(NULL, &o, &s->pair);
	s->memory.regions = 2;
	for (unsigned i = 0; i < 2; i++)
		s->memory.region[i] = (struct nvsr_back_region){ .guest = GUEST + i * REGION, .user = 0x5000 + i * 2 * REGION, .len = REGION,
								 .at = region[i], .iova = (uintptr_t)region[i] + FAKE_IOVA };
	memset(ring_memory, 0, sizeof(ring_memory));
	nvsr_virtq_place(&q, NUM, ring_memory);
	nvsr_driver_start(&s->driver, &q);
	s->b = nvsr_back_queue_new(&fake_ops, &s->disk, s->pair, &s->memory, &q, 0);
	if (!s->b)
		exit(1);
}

static void end(struct setup *s)
{
	nvsr_back_queue_free(s->b);
	fake_destroy(s->pair);
}

static uint8_t *at(uint64_t guest)
{
	uint64_t off = guest - GUEST;

	return region[off / REGION] + off % REGION;
}

static void header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_header h = { .type = le32(type), .sector = le64(sector) };

	memcpy(at(HEADER_AT), &h, sizeof(h));
	memset(at(STATUS_AT), 0xee, 1);
}

/* @desc becomes the chain of descriptors 0, 1, … */
static void chain(struct setup *s, const struct virtq_desc *desc, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		s->driver.q.desc[i] = (struct virtq_desc){ htole64(desc[i].addr), htole32(desc[i].len),
							   htole16((uint16_t)(desc[i].flags | (i + 1 < n ? VIRTQ_DESC_F_NEXT : 0))),
							   htole16((uint16_t)(i + 1)) };
}

/* Until it is answered: the status, negative for what the core returned, -1000 when there is no answer. */
static int go(struct setup *s, uint32_t *ret_len)
{
	struct virtq_used_elem e;
	bool call;

	nvsr_driver_put(&s->driver, 0);
	nvsr_driver_publish(&s->driver);
	for (unsigned i = 0; i < 100; i++) {
		int rc = nvsr_back_queue_round(s->b, &call);

		if (rc < 0)
			return rc;
		if (nvsr_driver_get(&s->driver, &e) == 1) {
			*ret_len = e.len;
			return *at(STATUS_AT);
		}
	}
	return -1000;
}

#define R 0
#define W VIRTQ_DESC_F_WRITE
static const struct {
	const char *what;
	uint32_t type;
	uint64_t sector;
	struct virtq_desc desc[6];
	unsigned n;
	int status;
	uint32_t len;
} requests[] = {
	{ "read", 0, 3, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 0, 513 },
	{ "write", 1, 3, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, R, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 0, 1 },
	{ "header in parts", 0, 3, { { HEADER_AT, 5, R, 0 }, { HEADER_AT + 5, 11, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 4,
	  0, 513 },
	{ "empty descriptors", 0, 3, { { HEADER_AT, 0, R, 0 }, { HEADER_AT, 16, R, 0 }, { NOWHERE, 0, R, 0 }, { DATA_AT, 512, W, 0 },
	  { DATA_AT, 0, W, 0 }, { STATUS_AT, 1, W, 0 } }, 6, 0, 513 },
	{ "header and data in one", 1, 3, { { HEADER_AT, 16 + 512, R, 0 }, { STATUS_AT, 1, W, 0 } }, 2, 0, 1 },
	{ "data and status in one", 0, 3, { { HEADER_AT, 16, R, 0 }, { STATUS_AT - 512, 513, W, 0 } }, 2, 0, 513 },
	{ "several segments", 0, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { DATA_AT + 0x2000, 1024, W, 0 }, { DATA_AT + 0x1000,
	  512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 5, 0, 2049 },
	{ "halves of a block that lie together", 0, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 256, W, 0 }, { DATA_AT + 256, 256, W, 0 },
	  { STATUS_AT, 1, W, 0 } }, 4, 0, 513 },
	{ "many commands", 0, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 32768, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 0, 32769 },
	{ "two regions", 0, 0, { { HEADER_AT, 16, R, 0 }, { GUEST + REGION - 512, 1024, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 0, 1025 },
	{ "flush", 4, 0, { { HEADER_AT, 16, R, 0 }, { STATUS_AT, 1, W, 0 } }, 2, 0, 1 },
	{ "id", 8, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 20, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 0, 21 },
	{ "part of the id", 8, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 7, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 0, 8 },
	{ "the last block", 0, 127, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 0, 513 },
	/* what is answered with an error */
	{ "past the end", 0, 128, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "over the end", 0, 127, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 1024, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "far past the end", 0, UINT64_MAX, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "media error", 0, FAKE_BAD_LBA, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 513 },
	{ "media error in one of many", 1, 70, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 8192, R, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "no data", 0, 0, { { HEADER_AT, 16, R, 0 }, { STATUS_AT, 1, W, 0 } }, 2, 1, 1 },
	{ "part of a block", 0, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 511, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "no dword", 0, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT + 2, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "read into what is to be read", 0, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, R, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "write from what is to be written", 1, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "both directions", 0, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 4, 1, 1 },
	{ "header of 15 bytes", 0, 0, { { HEADER_AT, 15, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "no header", 0, 0, { { STATUS_AT, 1, W, 0 } }, 1, 1, 1 },
	{ "header nowhere", 0, 0, { { NOWHERE, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "data nowhere", 0, 0, { { HEADER_AT, 16, R, 0 }, { NOWHERE, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "data over the end of memory", 0, 0, { { HEADER_AT, 16, R, 0 }, { GUEST + 2 * REGION - 512, 1024, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3,
	  1, 1 },
	{ "data around the end of addresses", 0, 0, { { HEADER_AT, 16, R, 0 }, { UINT64_MAX - 255, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 1, 1 },
	{ "id without room", 8, 0, { { HEADER_AT, 16, R, 0 }, { STATUS_AT, 1, W, 0 } }, 2, 1, 1 },
	{ "an unknown type", 99, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } }, 3, 2, 1 },
	{ "a type with a gap", 2, 0, { { HEADER_AT, 16, R, 0 }, { STATUS_AT, 1, W, 0 } }, 2, 2, 1 },
	/* what cannot be answered */
	{ "no status", 0, 0, { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, R, 0 } }, 2, -EPROTO, 0 },
	{ "status of no bytes", 0, 0, { { HEADER_AT, 16, R, 0 }, { STATUS_AT, 0, W, 0 } }, 2, -EPROTO, 0 },
	{ "status nowhere", 0, 0, { { HEADER_AT, 16, R, 0 }, { NOWHERE, 1, W, 0 } }, 2, -EPROTO, 0 },
};

static void all_requests(void)
{
	for (unsigned entries = 2; entries <= 256; entries *= 2) {
		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(requests); i++) {
			uint32_t len = 0;
			struct setup s;
			int rc;

			begin(&s, entries);
			header(requests[i].type, requests[i].sector);
			chain(&s, requests[i].desc, requests[i].n);
			rc = go(&s, &len);
			if (rc != requests[i].status || len != requests[i].len) {
				failures++;
				fprintf(stderr, "\"%s\", %u entries: status %d, %u bytes\n", requests[i].what, entries, rc, len);
			}
			EXPECT(rc < 0 || !nvsr_back_queue_busy(s.b));
			end(&s);
		}
	}
}

static void data_arrives(void)
{
	const struct virtq_desc in[] = { { HEADER_AT, 16, R, 0 }, { GUEST + REGION - 512, 1024, W, 0 }, { DATA_AT, 512, W, 0 },
					 { STATUS_AT, 1, W, 0 } };
	uint32_t len;
	struct setup s;

	begin(&s, 4);
	for (unsigned i = 0; i < sizeof(media); i++)
		media[i] = (uint8_t)(i / BLOCK + i);
	header(VIRTIO_BLK_T_IN, 9);
	chain(&s, in, 4);
	EXPECT(!go(&s, &len));
	EXPECT(!memcmp(at(GUEST + REGION - 512), media + 9 * BLOCK, 512) && !memcmp(at(GUEST + REGION), media + 10 * BLOCK, 512) &&
	       !memcmp(at(DATA_AT), media + 11 * BLOCK, 512));
	end(&s);
}

/* The same chain once more before it was answered. */
static void twice(void)
{
	const struct virtq_desc in[] = { { HEADER_AT, 16, R, 0 }, { DATA_AT, 512, W, 0 }, { STATUS_AT, 1, W, 0 } };
	struct setup s;
	bool call;

	begin(&s, 8);
	header(VIRTIO_BLK_T_IN, 0);
	chain(&s, in, 3);
	nvsr_driver_put(&s.driver, 0);
	nvsr_driver_put(&s.driver, 0);
	nvsr_driver_publish(&s.driver);
	EXPECT(nvsr_back_queue_round(s.b, &call) == -EPROTO);
	EXPECT(nvsr_back_queue_busy(s.b) == 1 && nvsr_back_queue_drain(s.b, &call) == 1 && !nvsr_back_queue_busy(s.b));
	end(&s);
}

/* While the NVMe queue is full nothing is asked of the guest, and it does not spin. */
static void full(void)
{
	const struct virtq_desc in[] = { { HEADER_AT, 16, R, 0 }, { DATA_AT, 8192, W, 0 }, { STATUS_AT, 1, W, 0 } };
	struct setup s;
	bool call;

	begin(&s, 4);
	header(VIRTIO_BLK_T_IN, 0);
	chain(&s, in, 3);
	for (unsigned i = 0; i < 3; i++)
		s.driver.q.desc[4 + i] = s.driver.q.desc[i];
	s.driver.q.desc[4].next = htole16(5);
	s.driver.q.desc[5].next = htole16(6);
	nvsr_driver_put(&s.driver, 0);
	nvsr_driver_put(&s.driver, 4);
	nvsr_driver_publish(&s.driver);
	EXPECT(!nvsr_back_queue_arm(s.b));
	EXPECT(nvsr_back_queue_round(s.b, &call) == 1 && !call && nvsr_back_queue_at(s.b) == 1 && nvsr_back_queue_arm(s.b));
	while (nvsr_back_queue_round(s.b, &call) > 0)
		;
	EXPECT(nvsr_back_queue_requests(s.b) == 2 && nvsr_back_queue_arm(s.b) && nvsr_back_queue_at(s.b) == 2);
	end(&s);
}

/* Whose fault it is: the guest is told of its own only. */
static void device_breaks_rules(void)
{
	struct setup s;
	bool call = true;

	begin(&s, 4);
	fake.nonsense = true;
	EXPECT(nvsr_back_queue_round(s.b, &call) == -EIO && !call && nvsr_back_queue_drain(s.b, &call) == -EIO);
	fake.nonsense = false;
	end(&s);
}

static void user_addresses(void)
{
	struct setup s;

	begin(&s, 4);
	EXPECT(nvsr_back_user(&s.memory, 0x5000, REGION) == region[0] && !nvsr_back_user(&s.memory, 0x5000, REGION + 1));
	EXPECT(nvsr_back_user(&s.memory, 0x5000 + REGION - 1, 1) == region[0] + REGION - 1);
	EXPECT(!nvsr_back_user(&s.memory, 0x4fff, 1) && !nvsr_back_user(&s.memory, 0x5000 + REGION, 1));
	EXPECT(!nvsr_back_user(&s.memory, 0x5001, UINT64_MAX));
	end(&s);
}

int main(void)
{
	all_requests();
	data_arrives();
	twice();
	full();
	device_breaks_rules();
	user_addresses();
	EXPECT(!fake.pairs);
	return failures != 0;
}
