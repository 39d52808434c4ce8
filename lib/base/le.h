/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Little-endian integers as they lie in NVMe and PCI structures.  Byte arrays, so alignment is 1 and no value is
 * ever converted silently: le16_get()/le16() in both directions.
 */
#ifndef NVSR_BASE_LE_H
#define NVSR_BASE_LE_H

#include <stdint.h>

typedef struct { uint8_t b[2]; } le16_t;
typedef struct { uint8_t b[4]; } le32_t;
typedef struct { uint8_t b[8]; } le64_t;
typedef struct { uint8_t b[16]; } le128_t;

/* Read @n (1 to 8) bytes at @p, least significant first. */
static inline uint64_t nvsr_le_read(const void *p, unsigned n)
{
	const uint8_t *b = (const uint8_t *)p;
	uint64_t v = 0;

	while (n--)
		v = v << 8 | b[n];
	return v;
}

/* Write the low @n (1 to 8) bytes of @v at @p, least significant first. */
static inline void nvsr_le_write(void *p, unsigned n, uint64_t v)
{
	uint8_t *b = (uint8_t *)p;

	for (; n--; v >>= 8)
		*b++ = (uint8_t)v;
}

static inline uint16_t le16_get(le16_t v) { return (uint16_t)nvsr_le_read(v.b, 2); }
static inline uint32_t le32_get(le32_t v) { return (uint32_t)nvsr_le_read(v.b, 4); }
static inline uint64_t le64_get(le64_t v) { return nvsr_le_read(v.b, 8); }
/* The low 64 bits of a 128-bit value; *ret_high (may be NULL) gets the rest. */
static inline uint64_t le128_get(le128_t v, uint64_t *ret_high)
{
	if (ret_high)
		*ret_high = nvsr_le_read(v.b + 8, 8);
	return nvsr_le_read(v.b, 8);
}
static inline le16_t le16(uint16_t v) { le16_t r = { { 0 } }; nvsr_le_write(r.b, 2, v); return r; }
static inline le32_t le32(uint32_t v) { le32_t r = { { 0 } }; nvsr_le_write(r.b, 4, v); return r; }
static inline le64_t le64(uint64_t v) { le64_t r = { { 0 } }; nvsr_le_write(r.b, 8, v); return r; }
static inline le128_t le128(uint64_t lo)
{
	le128_t r = { { 0 } };

	nvsr_le_write(r.b, 8, lo);
	return r;
}

#endif
