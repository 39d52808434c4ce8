// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The logical blocks of a namespace: a sparse mapping, so that a namespace of terabytes costs what was written to it.
 * Deallocated blocks read one value and never anything older, NVM Command Set 3.2.3.2.1.
 */
#include <sys/mman.h>

#include "model/cmd.h"
#include "model/state.h"

struct m_media {
	uint8_t *mem;
	uint8_t *written;	/* one bit for each block that was written since it was deallocated */
	uint64_t size;
	unsigned block;
	uint8_t flip;	/* memory holds bytes XOR this: untouched pages read as the deallocated value */
};

static uint8_t *map(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static uint64_t bits_bytes(const struct m_media *md)
{
	return NVSR_DIV_ROUND_UP(md->size / md->block, 8) + 1;
}

struct m_media *m_media_new(uint64_t bytes, unsigned block, uint8_t deallocated)
{
	struct m_media *md = calloc(1, sizeof(*md));

	if (!md)
		return NULL;
	md->size = bytes;
	md->block = block;
	md->flip = deallocated;
	md->mem = map(bytes);
	md->written = map(bits_bytes(md));
	return md->mem && md->written ? md : m_media_free(md);
}

struct m_media *m_media_free(struct m_media *md)
{
	if (md && md->mem)
		munmap(md->mem, md->size);
	if (md && md->written)
		munmap(md->written, bits_bytes(md));
	free(md);
	return NULL;
}

uint64_t m_media_size(const struct m_media *md)
{
	return md->size;
}

uint8_t *m_media_direct(struct m_media *md, uint64_t off)
{
	return md->flip ? NULL : md->mem + off;
}

static void copy(uint8_t *to, const uint8_t *from, uint64_t len, uint8_t flip)
{
	if (!flip) {
		memcpy(to, from, len);
		return;
	}
	for (uint64_t i = 0; i < len; i++)
		to[i] = from[i] ^ flip;
}

void m_media_read(struct m_media *md, uint64_t off, void *buf, uint64_t len)
{
	copy(buf, md->mem + off, len, md->flip);
}

void m_media_write(struct m_media *md, uint64_t off, const void *buf, uint64_t len)
{
	copy(md->mem + off, buf, len, md->flip);
	m_media_mark(md, off, len);
}

/* Memory that reads as untouched: whole pages go back to the kernel. */
static void forget(uint8_t *mem, uint64_t off, uint64_t len)
{
	uint64_t end = off + len, first = NVSR_ROUND_UP(off, M_PAGE), last = end / M_PAGE * M_PAGE;

	if (first >= last || madvise(mem + first, last - first, MADV_DONTNEED)) {
		memset(mem + off, 0, len);
		return;
	}
	memset(mem + off, 0, first - off);
	memset(mem + last, 0, end - last);
}

void m_media_zero(struct m_media *md, uint64_t off, uint64_t len)
{
	if (md->flip)
		memset(md->mem + off, md->flip, len);
	else
		forget(md->mem, off, len);
	m_media_mark(md, off, len);
}

/* --- what was written --------------------------------------------------------------------------------------- */

static bool bit(const struct m_media *md, uint64_t i)
{
	return md->written[i / 8] >> i % 8 & 1;
}

/* Device threads may write neighbouring blocks at once. */
static void set_bits(struct m_media *md, uint64_t i, unsigned n)
{
	uint8_t bits = (uint8_t)(((1u << n) - 1) << i % 8), *at = &md->written[i / 8];

	if ((__atomic_load_n(at, __ATOMIC_RELAXED) & bits) != bits)
		__atomic_fetch_or(at, bits, __ATOMIC_RELAXED);
}

void m_media_mark(struct m_media *md, uint64_t off, uint64_t len)
{
	uint64_t i = off / md->block, end = (off + len) / md->block;

	while (i < end) {
		unsigned n = (unsigned)NVSR_MIN(8 - i % 8, end - i);

		set_bits(md, i, n);
		i += n;
	}
}

bool m_media_allocated(const struct m_media *md, uint64_t off, uint64_t len)
{
	for (uint64_t i = off / md->block, end = (off + len) / md->block; i < end; i++)
		if (!bit(md, i))
			return false;
	return true;
}

uint64_t m_media_count(const struct m_media *md)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < bits_bytes(md); i++)
		n += (unsigned)__builtin_popcount(md->written[i]);
	return n;
}

void m_media_deallocate(struct m_media *md, uint64_t off, uint64_t len)
{
	uint64_t i = off / md->block, end = (off + len) / md->block;

	forget(md->mem, off, len);
	for (; i < end && i % 8; i++)
		md->written[i / 8] &= (uint8_t)~(1u << i % 8);
	forget(md->written, i / 8, (end - i) / 8);
	for (i += (end - i) / 8 * 8; i < end; i++)
		md->written[i / 8] &= (uint8_t)~(1u << i % 8);
}

/* --- the state file: pages of the bitmap and of the data that hold anything --------------------------------- */

enum { PAGES_END, PAGE_WRITTEN, PAGE_DATA };
#define LARGEST_MEDIA (1ull << 46)
#define SMALLEST_BLOCK 512u

static bool untouched(const uint8_t *p, uint64_t n)
{
	return !p[0] && !memcmp(p, p + 1, n - 1);
}

static void save_page(struct m_state *s, uint8_t kind, uint8_t *mem, uint64_t at, uint64_t size)
{
	uint64_t n = NVSR_MIN(size - at, (uint64_t)M_PAGE);

	if (untouched(mem + at, n))
		return;
	M_STATE(s, kind);
	M_STATE(s, at);
	m_state_bytes(s, mem + at, n);
}

/* The pages of blocks @i to @end: nothing but what was written holds anything.  *@next: the first page not looked at. */
static void save_blocks(struct m_state *s, struct m_media *md, uint64_t i, uint64_t end, uint64_t *next)
{
	for (; i < end; i++) {
		uint64_t stop = NVSR_MIN((i + 1) * md->block, md->size);

		if (!bit(md, i))
			continue;
		for (uint64_t at = NVSR_MAX(i * md->block / M_PAGE * M_PAGE, *next); at < stop; at += M_PAGE) {
			save_page(s, PAGE_DATA, md->mem, at, md->size);
			*next = at + M_PAGE;
		}
	}
}

static void save_pages(struct m_state *s, struct m_media *md)
{
	uint64_t bits = bits_bytes(md), next = 0;
	uint8_t end = PAGES_END;

	for (uint64_t at = 0; at < bits; at += M_PAGE) {
		uint64_t n = NVSR_MIN(bits - at, (uint64_t)M_PAGE);

		if (untouched(md->written + at, n))
			continue;
		save_page(s, PAGE_WRITTEN, md->written, at, bits);
		save_blocks(s, md, at * 8, (at + n) * 8, &next);
	}
	M_STATE(s, end);
}

static void load_pages(struct m_state *s, struct m_media *md)
{
	for (;;) {
		uint8_t kind = PAGES_END, *mem;
		uint64_t at = 0, size;

		M_STATE(s, kind);
		if (s->bad || kind == PAGES_END)
			return;
		M_STATE(s, at);
		mem = kind == PAGE_DATA ? md->mem : md->written;
		size = kind == PAGE_DATA ? md->size : bits_bytes(md);
		m_state_check(s, kind <= PAGE_DATA && at % M_PAGE == 0 && at < size);
		if (s->bad)
			return;
		m_state_bytes(s, mem + at, NVSR_MIN(size - at, (uint64_t)M_PAGE));
	}
}

void m_state_media(struct m_state *s, struct m_media **md)
{
	struct m_media head = { 0 };

	if (!s->load)
		head = **md;
	M_STATE(s, head.size);
	M_STATE(s, head.block);
	M_STATE(s, head.flip);
	if (!s->load) {
		save_pages(s, *md);
		return;
	}
	m_state_check(s, head.block >= SMALLEST_BLOCK && head.size >= head.block && head.size <= LARGEST_MEDIA);
	if (s->bad)
		return;
	*md = m_media_new(head.size, head.block, head.flip);
	m_state_check(s, *md);
	if (*md)
		load_pages(s, *md);
}
