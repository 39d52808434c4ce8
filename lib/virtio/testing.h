/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of this layer: memory of a guest, and a walk through a block device that finds out whether it keeps data. */
#ifndef NVSR_VIRTIO_TESTING_H
#define NVSR_VIRTIO_TESTING_H

#include <sys/mman.h>

#include "base/time.h"
#include "virtio/front.h"
#include "virtio/virtio.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

#define GUEST_BYTES (8u << 20)
#define WAIT_MS 10000

struct guest {
	int fd;
	uint8_t *mem;
	struct nvsr_front *f;
};

static inline int guest_open(struct guest *g, const char *socket, unsigned entries, struct nvsr_complaint *complaint)
{
	struct nvsr_front_options o = { .entries = entries, .len = GUEST_BYTES };

	*g = (struct guest){ .fd = memfd_create("guest", MFD_CLOEXEC | MFD_ALLOW_SEALING) };
	if (g->fd < 0 || ftruncate(g->fd, GUEST_BYTES))
		abort();
	g->mem = (uint8_t *)mmap(NULL, GUEST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, g->fd, 0);
	if (g->mem == MAP_FAILED)
		abort();
	o.mem = g->mem;
	o.fd = g->fd;
	return nvsr_front_open(socket, &o, &g->f, complaint);
}

static inline void guest_close(struct guest *g)
{
	nvsr_front_close(g->f);
	munmap(g->mem, GUEST_BYTES);
	close(g->fd);
}

static inline void guest_note(void *ctx, void *arg, uint8_t status)
{
	unsigned *count = (unsigned *)ctx;

	*(uint8_t *)arg = status;
	++*count;
}

/* One request, waited for: its status, or negative errno. */
static inline int guest_do(struct guest *g, enum nvsr_front_op op, uint64_t sector, void *data, uint32_t len)
{
	uint8_t status = 0xff;
	unsigned n = 0;
	int rc = nvsr_front_submit(g->f, op, sector, data, len, &status);

	if (rc)
		return rc;
	nvsr_front_kick(g->f);
	while (!n) {
		rc = nvsr_front_wait(g->f, 1, WAIT_MS);
		if (!rc)
			rc = nvsr_front_reap(g->f, 1, guest_note, &n);
		if (rc < 0)
			return rc;
	}
	return status;
}

static inline void guest_fill(uint8_t *p, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i += 4, seed = seed * 1664525u + 1013904223u)
		memcpy(p + i, &seed, 4);
}

/* @total requests of one block, as many in flight as fit, then of each its status; false when one is missing or went wrong. */
static inline bool guest_many(struct guest *g, enum nvsr_front_op op, unsigned total, unsigned batch)
{
	uint32_t block = nvsr_front_block(g->f);
	uint64_t blocks = NVSR_MIN(nvsr_front_capacity(g->f), GUEST_BYTES) / block;
	unsigned sent = 0, done = 0;
	uint8_t status = 0, any = 0;

	while (done < total) {
		unsigned n = 0;
		uint64_t at = sent % blocks;

		while (sent < total && n < batch &&
		       !nvsr_front_submit(g->f, op, at * block / VIRTIO_BLK_SECTOR, g->mem + at * block, block, &status)) {
			at = ++sent % blocks;
			n++;
		}
		nvsr_front_kick(g->f);
		if (nvsr_front_wait(g->f, NVSR_MAX(1u, nvsr_front_busy(g->f) / 2), WAIT_MS) ||
		    nvsr_front_reap(g->f, UINT32_MAX, guest_note, &done) < 0)
			return false;
		any |= status;
	}
	return !any && sent == total;
}

/* Requests of all sizes, written, read back by another place of memory, compared. */
static inline void guest_sizes(struct guest *g)
{
	uint32_t block = nvsr_front_block(g->f);
	const uint32_t len[] = { block, 2 * block, 4096 + block, 65536, 65536 + block, 1u << 20, nvsr_front_max(g->f) };
	uint8_t *out = g->mem, *in = g->mem + GUEST_BYTES / 2;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(len); i++) {
		uint64_t sector = i * (uint64_t)block / VIRTIO_BLK_SECTOR;

		guest_fill(out, len[i], i + 1);
		memset(in, 0xa5, len[i]);
		EXPECT(guest_do(g, NVSR_FRONT_WRITE, sector, out, len[i]) == VIRTIO_BLK_S_OK);
		EXPECT(guest_do(g, NVSR_FRONT_READ, sector, in, len[i]) == VIRTIO_BLK_S_OK);
		EXPECT(!memcmp(in, out, len[i]));
	}
	EXPECT(guest_do(g, NVSR_FRONT_FLUSH, 0, NULL, 0) == VIRTIO_BLK_S_OK);
	EXPECT(guest_do(g, NVSR_FRONT_GET_ID, 0, in, VIRTIO_BLK_ID_BYTES) == VIRTIO_BLK_S_OK);
}

static inline void guest_refusals(struct guest *g)
{
	uint32_t block = nvsr_front_block(g->f);
	uint64_t end = nvsr_front_capacity(g->f) / VIRTIO_BLK_SECTOR;

	EXPECT(guest_do(g, NVSR_FRONT_READ, end, g->mem, block) == VIRTIO_BLK_S_IOERR);
	EXPECT(guest_do(g, NVSR_FRONT_WRITE, end - block / VIRTIO_BLK_SECTOR, g->mem, 2 * block) == VIRTIO_BLK_S_IOERR);
	EXPECT(guest_do(g, NVSR_FRONT_READ, UINT64_MAX / VIRTIO_BLK_SECTOR, g->mem, block) == VIRTIO_BLK_S_IOERR);
	EXPECT(guest_do(g, NVSR_FRONT_READ, 0, g->mem + GUEST_BYTES - block, 2 * block) == -EINVAL);
	EXPECT(guest_do(g, NVSR_FRONT_READ, 0, g->mem - 512, 512) == -EINVAL);
	EXPECT(guest_do(g, NVSR_FRONT_READ, 0, g->mem, block) == VIRTIO_BLK_S_OK);
}

/* Everything that a sound device does; past the wrap of ring indices. */
static inline void guest_walk(struct guest *g)
{
	uint8_t *half = g->mem + GUEST_BYTES / 2;

	guest_sizes(g);
	guest_refusals(g);
	guest_fill(g->mem, GUEST_BYTES, 7);
	EXPECT(guest_many(g, NVSR_FRONT_WRITE, GUEST_BYTES / nvsr_front_block(g->f), UINT32_MAX));
	memset(g->mem, 0, GUEST_BYTES);
	EXPECT(guest_many(g, NVSR_FRONT_READ, 70000, 5));
	guest_fill(g->mem, 8, 7);
	EXPECT(guest_do(g, NVSR_FRONT_READ, 0, half, 4096) == VIRTIO_BLK_S_OK && !memcmp(half, g->mem, 8));
	EXPECT(!nvsr_front_busy(g->f) && !nvsr_front_wait(g->f, 1, 0));
}

#endif
