// SPDX-License-Identifier: GPL-2.0-or-later
/* Split virtqueues: both sides over one memory, past the wrap of 16-bit indices, full, and against a side that lies. */
#include <pthread.h>

#include "virtio/ring.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

struct pair {
	struct nvsr_virtq_driver driver;
	struct nvsr_virtq_device device;
	void *mem;
};

static void start(struct pair *p, unsigned num, bool event_idx)
{
	struct nvsr_virtq q = { .event_idx = event_idx };
	size_t len = nvsr_virtq_bytes(num);

	p->mem = aligned_alloc(64, len);
	if (!p->mem)
		exit(1);
	memset(p->mem, 0, len);
	nvsr_virtq_place(&q, num, p->mem);
	nvsr_driver_start(&p->driver, &q);
	nvsr_device_start(&p->device, &q, 0);
}

static void parts_fit(void)
{
	struct nvsr_virtq q;

	for (unsigned num = 2; num <= VIRTQ_SIZE_MAX; num *= 2) {
		uint8_t *base = (uint8_t *)(uintptr_t)0x100000;

		nvsr_virtq_place(&q, num, base);
		EXPECT((uint8_t *)(q.desc + num) <= (uint8_t *)q.avail && !((uintptr_t)q.used % VIRTQ_USED_ALIGN));
		EXPECT((uint8_t *)(&q.avail->ring[num] + 1) <= (uint8_t *)q.used);
		EXPECT((uint8_t *)&q.used->ring[num] + 2 <= base + nvsr_virtq_bytes(num));
	}
}

/* Batches of every size up to a full ring, until indices wrapped more than twice; ids and lengths come back in order. */
static void goes_round(unsigned num, bool event_idx)
{
	unsigned sent = 0, got = 0, kicks = 0, calls = 0, batches = 0;
	struct virtq_used_elem e;
	uint16_t head;
	struct pair p;

	start(&p, num, event_idx);
	for (unsigned batch = 1; sent < 200000; batch = batch % num + 1, batches++) {
		EXPECT(nvsr_device_arm(&p.device));
		for (unsigned i = 0; i < batch; i++)
			nvsr_driver_put(&p.driver, (uint16_t)(sent++ % num));
		kicks += nvsr_driver_publish(&p.driver);
		EXPECT(!nvsr_driver_publish(&p.driver));
		EXPECT(!nvsr_device_arm(&p.device));
		EXPECT(nvsr_driver_arm(&p.driver, batch));
		for (unsigned i = 0; i < batch; i++) {
			EXPECT(nvsr_device_get(&p.device, &head) == 1);
			nvsr_device_put(&p.device, head, head * 3u);
			calls += event_idx && i % 2 ? nvsr_device_publish(&p.device) : 0;
		}
		EXPECT(!nvsr_device_get(&p.device, &head));
		calls += nvsr_device_publish(&p.device);
		EXPECT(!nvsr_driver_arm(&p.driver, batch));
		for (unsigned i = 0; i < batch; i++) {
			EXPECT(nvsr_driver_get(&p.driver, &e) == 1 && e.id == got % num && e.len == e.id * 3);
			got++;
		}
		EXPECT(!nvsr_driver_get(&p.driver, &e));
	}
	/* One notification each way for each batch, though the device published many times with EVENT_IDX. */
	EXPECT(got == sent && kicks == batches && calls == batches);
	free(p.mem);
}

/* A side that polls is left alone, across all indices. */
static void quiet(bool event_idx)
{
	struct virtq_used_elem e;
	unsigned told = 0;
	uint16_t head;
	struct pair p;

	start(&p, 8, event_idx);
	for (unsigned i = 0; i < 300000; i++) {
		nvsr_driver_put(&p.driver, (uint16_t)(i % 8));
		told += nvsr_driver_publish(&p.driver);
		EXPECT(nvsr_device_get(&p.device, &head) == 1);
		nvsr_device_put(&p.device, head, 0);
		told += nvsr_device_publish(&p.device);
		EXPECT(nvsr_driver_get(&p.driver, &e) == 1);
	}
	EXPECT(!told);
	/* And is told again when it wants to be. */
	EXPECT(nvsr_device_arm(&p.device) && nvsr_driver_arm(&p.driver, 1));
	nvsr_driver_put(&p.driver, 0);
	EXPECT(nvsr_driver_publish(&p.driver) && nvsr_device_get(&p.device, &head) == 1);
	nvsr_device_put(&p.device, head, 0);
	EXPECT(nvsr_device_publish(&p.device));
	nvsr_device_disarm(&p.device);
	nvsr_driver_put(&p.driver, 1);
	EXPECT(!nvsr_driver_publish(&p.driver));
	free(p.mem);
}

static void goes_on_where_it_was(void)
{
	struct nvsr_virtq q;
	uint16_t head;
	struct pair p;

	start(&p, 4, true);
	q = p.device.q;
	q.avail->idx = htole16(65535);
	nvsr_device_start(&p.device, &q, 65535);
	EXPECT(!nvsr_device_get(&p.device, &head));
	q.avail->ring[3] = htole16(2);
	q.avail->idx = 0;
	EXPECT(nvsr_device_get(&p.device, &head) == 1 && head == 2);
	nvsr_device_put(&p.device, head, 0);
	nvsr_device_publish(&p.device);
	EXPECT(q.used->idx == 0 && le32toh(q.used->ring[3].id) == 2);
	free(p.mem);
}

/* --- who lies ---------------------------------------------------------------------------------------------------------------- */

static void indices_that_lie(void)
{
	struct virtq_used_elem e;
	uint16_t head;
	struct pair p;

	start(&p, 8, true);
	p.device.q.avail->idx = htole16(9);
	EXPECT(nvsr_device_get(&p.device, &head) == -EPROTO);
	p.device.q.avail->idx = htole16(65535);
	EXPECT(nvsr_device_get(&p.device, &head) == -EPROTO);
	p.device.q.avail->idx = htole16(8);
	p.device.q.avail->ring[0] = htole16(8);
	EXPECT(nvsr_device_get(&p.device, &head) == -EPROTO);
	p.driver.q.used->idx = htole16(9);
	EXPECT(nvsr_driver_get(&p.driver, &e) == -EPROTO);
	free(p.mem);
}

static const struct {
	const char *what;
	struct virtq_desc desc[4];
	int rc;
} chains[] = {
	{ "one descriptor", { { 1, 2, 0, 0 } }, 1 },
	{ "three", { { 1, 16, 1, 2 }, { 0 }, { 2, 512, 3, 3 }, { 3, 1, 2, 0 } }, 3 },
	{ "all", { { 1, 1, 1, 1 }, { 1, 1, 1, 2 }, { 1, 1, 1, 3 }, { 1, 1, 0, 9 } }, 4 },
	{ "itself", { { 1, 1, 1, 0 } }, -EPROTO },
	{ "a loop", { { 1, 1, 1, 1 }, { 1, 1, 1, 2 }, { 1, 1, 1, 1 } }, -EPROTO },
	{ "out of range", { { 1, 1, 1, 4 } }, -EPROTO },
	{ "far out of range", { { 1, 1, 1, 65535 } }, -EPROTO },
	{ "read after write", { { 1, 1, 3, 1 }, { 1, 1, 0, 0 } }, -EPROTO },
	{ "an indirect table", { { 1, 16, 4, 0 } }, -EPROTO },
	{ "4 GiB", { { 1, UINT32_MAX, 1, 1 }, { 1, 1, 0, 0 } }, -EPROTO },
	{ "a byte less", { { 1, UINT32_MAX - 1, 1, 1 }, { 1, 1, 0, 0 } }, 2 },
};

static void chains_of_all_kinds(void)
{
	struct virtq_desc got[4];
	struct pair p;

	start(&p, 4, false);
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(chains); i++) {
		int rc;

		for (unsigned k = 0; k < 4; k++)
			p.device.q.desc[k] = (struct virtq_desc){ htole64(chains[i].desc[k].addr), htole32(chains[i].desc[k].len),
								  htole16(chains[i].desc[k].flags), htole16(chains[i].desc[k].next) };
		rc = nvsr_device_chain(&p.device, 0, got);
		if (rc != chains[i].rc) {
			failures++;
			fprintf(stderr, "chain \"%s\": %d\n", chains[i].what, rc);
		}
	}
	EXPECT(nvsr_device_chain(&p.device, 4, got) == -EPROTO);
	free(p.mem);
}

/* --- two threads ------------------------------------------------------------------------------------------------------------- */

#define ROUNDS 300000u

static void *device_thread(void *arg)
{
	struct nvsr_virtq_device *d = arg;

	for (unsigned n = 0, empty = 0; n < ROUNDS;) {
		struct virtq_desc desc[16];
		uint16_t head;

		if (nvsr_device_get(d, &head) != 1) {
			nvsr_device_publish(d);
			if (++empty % 64 == 0)
				sched_yield();
			continue;
		}
		if (nvsr_device_chain(d, head, desc) != 1)
			abort();
		nvsr_device_put(d, head, desc[0].len);
		n++;
	}
	nvsr_device_publish(d);
	return NULL;
}

/* What the driver wrote before it published is what the device sees, and back. */
static void across_threads(void)
{
	unsigned sent = 0, got = 0, empty = 0;
	struct virtq_used_elem e;
	pthread_t thread;
	struct pair p;

	start(&p, 16, true);
	EXPECT(!pthread_create(&thread, NULL, device_thread, &p.device));
	while (got < ROUNDS) {
		for (; sent < ROUNDS && sent - got < 16; sent++) {
			__atomic_store_n(&p.driver.q.desc[sent % 16].len, htole32(sent), __ATOMIC_RELAXED);
			nvsr_driver_put(&p.driver, (uint16_t)(sent % 16));
		}
		nvsr_driver_publish(&p.driver);
		while (nvsr_driver_get(&p.driver, &e) == 1) {
			if (e.id != got % 16 || e.len != got)
				failures++;
			got++;
			empty = 0;
		}
		if (++empty % 64 == 0)
			sched_yield();
	}
	pthread_join(thread, NULL);
	free(p.mem);
}

int main(void)
{
	parts_fit();
	for (unsigned num = 2; num <= 256; num *= 4)
		for (unsigned event_idx = 0; event_idx < 2; event_idx++)
			goes_round(num, event_idx);
	quiet(false);
	quiet(true);
	goes_on_where_it_was();
	indices_that_lie();
	chains_of_all_kinds();
	across_threads();
	return failures != 0;
}
