// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest that writes anything into its ring and its memory, while the back end works on it.  What reaches the NVMe side is a
 * command that a controller would take, on the guest's own memory (fake.h aborts on others, the sanitizer sees the rest).
 */
#include "base/fuzz.h"
#include "virtio/fake.h"

#define NUM 8u
#define REGION 8192u
#define GUEST 0x10000ull
#define STEPS_MAX 100

static uint8_t media[64 * 512], memory[2][REGION] __attribute__((aligned(4096)));

static void place_chain(struct nvsr_input *in, const struct nvsr_virtq *q)
{
	unsigned at = (unsigned)nvsr_input_num(in, 1) % NUM, n = 1 + (unsigned)nvsr_input_num(in, 1) % 6;
	struct virtio_blk_header h = { .type = le32((uint32_t)nvsr_input_num(in, 1) % 10), .sector = le64(nvsr_input_num(in, 1)) };

	memcpy(memory[0] + at * 16, &h, sizeof(h));
	/* Sound in the main: a header first, a status last; what lies between is the input's. */
	for (unsigned i = 0; i < n; i++) {
		unsigned kind = i == 0 ? 0 : i == n - 1 ? 1 : 2, d = (at + i) % NUM;
		uint64_t addr = kind == 0 ? GUEST + at * 16 : kind == 1 ? GUEST + 256 + at : GUEST + nvsr_input_num(in, 1) * 64;
		uint32_t len = kind == 0 ? 16 : kind == 1 ? 1 : (uint32_t)nvsr_input_num(in, 1) * 64;
		uint16_t flags = kind == 1 ? VIRTQ_DESC_F_WRITE : kind == 2 ? (uint16_t)nvsr_input_num(in, 1) : 0;

		q->desc[d] = (struct virtq_desc){ htole64(addr), htole32(len),
						  htole16((uint16_t)(flags | (i + 1 < n ? VIRTQ_DESC_F_NEXT : 0))),
						  htole16((uint16_t)((at + i + 1) % NUM)) };
	}
	q->avail->ring[le16toh(q->avail->idx) % NUM] = htole16((uint16_t)at);
	q->avail->idx = htole16((uint16_t)(le16toh(q->avail->idx) + 1));
}

static bool step(struct nvsr_input *in, struct nvsr_back_queue *b, const struct nvsr_virtq *q, void *ring)
{
	bool call;

	switch (nvsr_input_num(in, 1) % 6) {
	case 0: nvsr_input_patch(in, ring, nvsr_virtq_bytes(NUM)); return true;
	case 1: nvsr_input_patch(in, memory[0], sizeof(memory)); return true;
	case 2: nvsr_back_queue_arm(b); return true;
	case 3: return nvsr_back_queue_drain(b, &call) >= 0;
	case 4: place_chain(in, q); return true;
	default: return nvsr_back_queue_round(b, &call) >= 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvsr_input in = { data, size };
	struct nvsr_back_disk disk = fake_disk(media, sizeof(media), 512, 1024, 2 + (uint32_t)nvsr_input_num(&in, 1) % 8);
	const struct nvsr_pair_options o = { .entries = disk.entries };
	struct nvsr_back_memory m = { .regions = 2 };
	struct nvsr_back_queue *b;
	struct nvsr_virtq q = { .event_idx = nvsr_input_num(&in, 1) & 1 };
	struct nvsr_pair *pair;
	void *ring = aligned_alloc(64, nvsr_virtq_bytes(NUM));
	bool call;

	if (!ring || fake_create(NULL, &o, &pair))
		abort();
	memset(ring, 0, nvsr_virtq_bytes(NUM));
	memset(memory, 0, sizeof(memory));
	for (unsigned i = 0; i < 2; i++)
		m.region[i] = (struct nvsr_back_region){ .guest = GUEST + i * REGION, .len = REGION, .at = memory[i],
							 .iova = (uintptr_t)memory[i] + FAKE_IOVA };
	nvsr_virtq_place(&q, NUM, ring);
	b = nvsr_back_queue_new(&fake_ops, &disk, pair, &m, &q, (uint16_t)nvsr_input_num(&in, 2));
	if (!b)
		abort();
	q.avail->idx = htole16(nvsr_back_queue_at(b));
	for (unsigned i = 0; i < STEPS_MAX && in.left && step(&in, b, &q, ring); i++)
		;
	/* Whatever was taken is answered in the end. */
	for (unsigned i = 0; nvsr_back_queue_busy(b); i++)
		if (nvsr_back_queue_drain(b, &call) < 0 || i > 1000)
			abort();
	nvsr_back_queue_free(b);
	fake_destroy(pair);
	free(ring);
	return 0;
}
