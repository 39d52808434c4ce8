/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The logical blocks of a namespace: a sparse mapping, so that a namespace of terabytes costs what was written to it.
 * Deallocated blocks read one value and never anything older, NVM Command Set 3.2.3.2.1.
 */
#include <sys/mman.h>

#include "model/cmd.h"

struct m_media {
	uint8_t *mem;
	uint64_t size;
	uint8_t flip;	/* memory holds bytes XOR this: untouched pages read as the deallocated value */
};

struct m_media *m_media_new(uint64_t bytes, uint8_t deallocated)
{
	struct m_media *md = calloc(1, sizeof(*md));

	if (!md)
		return NULL;
	md->size = bytes;
	md->flip = deallocated;
	md->mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (md->mem == MAP_FAILED) {
		free(md);
		return NULL;
	}
	return md;
}

struct m_media *m_media_free(struct m_media *md)
{
	if (md)
		munmap(md->mem, md->size);
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
}

/* Memory that reads as untouched: whole pages go back to the kernel. */
static void forget(struct m_media *md, uint64_t off, uint64_t len)
{
	uint64_t end = off + len, first = NVSR_ROUND_UP(off, M_PAGE), last = end / M_PAGE * M_PAGE;

	if (first >= last || madvise(md->mem + first, last - first, MADV_DONTNEED)) {
		memset(md->mem + off, 0, len);
		return;
	}
	memset(md->mem + off, 0, first - off);
	memset(md->mem + last, 0, end - last);
}

void m_media_zero(struct m_media *md, uint64_t off, uint64_t len)
{
	if (md->flip)
		memset(md->mem + off, md->flip, len);
	else
		forget(md, off, len);
}

void m_media_deallocate(struct m_media *md, uint64_t off, uint64_t len)
{
	forget(md, off, len);
}
