// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scatter gather lists, Base 4.1.2 (2.2: 4.3.2): data blocks of dwords, bit buckets, segments.  Descriptors are looked at in
 * order and only as far as data moves, which the clause leaves to the controller.
 */
#include "model/bus.h"

/* No clause limits the descriptors of a command; a list that never comes to its data has to end all the same. */
#define IDLE_MAX 4096u

struct sgl {
	struct m_walk *w;
	size_t left;		/* bytes of the command that no descriptor has described yet */
	unsigned idle;		/* descriptors so far that described nothing of it */
};

uint32_t m_sgls(const struct nvsr_model *m)
{
	if (!m->conf.sgl || DEFECT(m, SGLS_ZERO))
		return 0;
	return NVME_SGLS_DWORD | NVME_SGLS_BIT_BUCKET | NVME_SGLS_MPTR_BYTES | NVME_SGLS_LONGER | NVME_SGLS_MPTR_SGL;
}

/* Address and length beyond the end of the address space are a length error, Figure 117 to 120. */
static bool wraps(const struct nvsr_model *m, const struct nvme_sgl *d)
{
	uint32_t len = le32_get(d->len);

	return len && le64_get(d->addr) > UINT64_MAX - (len - 1) && !DEFECT(m, SGL_ADDRESSES_WRAP);
}

static uint16_t check_type(const struct nvsr_model *m, const struct nvme_sgl *d)
{
	unsigned type = NVME_SGL_TYPE(d->id);

	if (type > NVME_SGL_LAST_SEGMENT && !DEFECT(m, SGL_TYPE_UNCHECKED))
		return NVME_SC_SGL_TYPE_INVALID;
	return NVME_SGL_SUBTYPE(d->id) && !DEFECT(m, SGL_SUBTYPE_UNCHECKED) ? NVME_SC_SGL_TYPE_INVALID : 0;
}

static uint16_t bit_bucket(struct sgl *s, uint32_t len)
{
	const struct nvsr_model *m = s->w->c->m;

	/* Describes nothing of a source buffer. */
	if (!s->w->to_host && !DEFECT(m, SGL_BUCKET_EATS_WRITES))
		return 0;
	len = (uint32_t)NVSR_MIN((size_t)len, s->left);
	s->left -= len;
	if (s->w->buf && !DEFECT(m, SGL_BUCKET_SKIPS_NOTHING))
		s->w->buf += len;
	return 0;
}

static uint16_t data_block(struct sgl *s, const struct nvme_sgl *d)
{
	struct nvsr_model *m = s->w->c->m;
	uint64_t addr = le64_get(d->addr);
	uint32_t len = le32_get(d->len), rest;
	uint16_t status;

	if (wraps(m, d))
		return NVME_SC_SGL_DATA_LEN_INVALID;
	if ((addr | len) & 3 && !DEFECT(m, SGL_ANY_ALIGNMENT))
		return NVME_SC_SGL_GRANULARITY;
	if (DEFECT(m, SGL_BLOCKS_START_PAGES))
		addr &= ~(uint64_t)(M_PAGE - 1);
	rest = len - (uint32_t)NVSR_MIN((size_t)len, s->left);
	len -= rest;
	s->left -= len;
	status = m_walk_move(s->w, addr, len);
	/* what the command has no data for is filled with something */
	if (!status && rest && s->w->buf && s->w->to_host && DEFECT(m, SGL_LONGER_OVERRUNS)) {
		const uint64_t junk = 0;

		m_dma_write(s->w->c, addr + len, &junk, NVSR_MIN(rest, (uint32_t)sizeof(junk)));
	}
	return status;
}

static uint16_t describe(struct sgl *s, const struct nvme_sgl *d)
{
	return NVME_SGL_TYPE(d->id) == NVME_SGL_BIT_BUCKET ? bit_bucket(s, le32_get(d->len)) : data_block(s, d);
}

static bool is_link(const struct nvme_sgl *d)
{
	unsigned type = NVME_SGL_TYPE(d->id);

	return type == NVME_SGL_SEGMENT || type == NVME_SGL_LAST_SEGMENT;
}

static uint16_t check_link(const struct nvsr_model *m, const struct nvme_sgl *d)
{
	uint32_t len = le32_get(d->len);

	if (wraps(m, d))
		return NVME_SC_SGL_DATA_LEN_INVALID;
	if (DEFECT(m, SGL_SEGMENT_UNCHECKED))
		return 0;
	return !len || len % sizeof(*d) || le64_get(d->addr) & 7 ? NVME_SC_SGL_SEG_INVALID : 0;
}

/*
 * The segment that @link describes; at its end *link is the next one, or its length is 0 when there is none.  Without an
 * error it is the last segment unless the next follows.
 */
static uint16_t segment(struct sgl *s, struct nvme_sgl *link)
{
	const struct nvsr_model *m = s->w->c->m;
	bool last = NVME_SGL_TYPE(link->id) == NVME_SGL_LAST_SEGMENT;
	uint64_t at = le64_get(link->addr);
	uint32_t n = NVSR_DIV_ROUND_UP(le32_get(link->len), (uint32_t)sizeof(*link));

	link->len = le32(0);
	for (uint32_t i = 0; i < n && s->left; i++) {
		size_t before = s->left;
		struct nvme_sgl d;
		uint16_t status;

		if (!m_dma_read(s->w->list, at + i * sizeof(d), &d, sizeof(d)))
			return NVME_SC_DATA_XFER_ERROR;
		status = check_type(m, &d);
		if (status)
			return status;
		if (!is_link(&d)) {
			status = describe(s, &d);
			if (status)
				return status;
			if (s->left == before && ++s->idle > IDLE_MAX)
				return NVME_SC_SGL_COUNT_INVALID;
			continue;
		}
		if (++s->idle > IDLE_MAX)
			return NVME_SC_SGL_COUNT_INVALID;
		if (i + 1 < n && !DEFECT(m, SGL_LINK_ANYWHERE))
			return NVME_SC_SGL_COUNT_INVALID;
		if (last && !DEFECT(m, SGL_LAST_SEGMENT_LINKS))
			return NVME_SC_SGL_SEG_INVALID;
		*link = d;
		return check_link(m, link);
	}
	return 0;
}

uint16_t m_walk_sgl(struct m_walk *w, const struct m_cmd *cmd, size_t len)
{
	const struct nvsr_model *m = w->c->m;
	struct sgl s = { .w = w, .left = len };
	struct nvme_sgl link;
	uint16_t status;

	/* SGL1 stands where PRP1 and PRP2 do. */
	memcpy(&link, (const uint8_t *)&cmd->e + offsetof(struct nvme_sqe, prp1), sizeof(link));
	status = check_type(m, &link);
	if (status)
		return status;
	if (!is_link(&link)) {
		status = describe(&s, &link);
		link.len = le32(0);
	} else if (NVME_SGL_TYPE(link.id) == NVME_SGL_SEGMENT && DEFECT(m, SGL_SEGMENT_REFUSED)) {
		status = NVME_SC_SGL_TYPE_INVALID;
	} else {
		status = check_link(m, &link);
	}
	while (!status && s.left && le32_get(link.len))
		status = segment(&s, &link);
	if (status || !s.left)
		return status;
	return DEFECT(m, SGL_SHORT_SUCCEEDS) ? 0 : NVME_SC_SGL_DATA_LEN_INVALID;
}

uint16_t m_metadata_at(struct m_ctrl *c, const struct m_cmd *cmd, uint64_t len, uint64_t *ret)
{
	uint64_t mptr = le64_get(cmd->e.mptr);
	struct nvme_sgl d;
	uint16_t status;

	if (NVME_FLAGS_PSDT(cmd->e.flags) != NVME_PSDT_SGL_MPTR) {
		/* dwords where PRPs are used, any byte where SGLs are */
		*ret = NVME_FLAGS_PSDT(cmd->e.flags) ? mptr : mptr & ~3ull;
		return 0;
	}
	if (mptr & 7)
		return NVME_SC_INVALID_FIELD;
	if (!m_dma_read(c, mptr, &d, sizeof(d)))
		return NVME_SC_DATA_XFER_ERROR;
	status = check_type(c->m, &d);
	if (status)
		return status;
	/* Metadata in several pieces: this controller takes one. */
	if (NVME_SGL_TYPE(d.id) != NVME_SGL_DATA_BLOCK)
		return NVME_SC_SGL_TYPE_INVALID;
	if (wraps(c->m, &d) || le32_get(d.len) < len)
		return NVME_SC_SGL_META_LEN_INVALID;
	if ((le64_get(d.addr) | le32_get(d.len)) & 3)
		return NVME_SC_SGL_GRANULARITY;
	*ret = le64_get(d.addr);
	return 0;
}
