// SPDX-License-Identifier: GPL-2.0-or-later
/* Host memory as the functions see it: one set of mappings per DMA domain, faults like those of an IOMMU. */
#include "model/bus.h"

#define DOMAINS_MAX 65536u
#define HINT_BYTES 65536u	/* addresses so near to each other are usually of one mapping */

static struct m_map *map_at(struct m_domain *d, uint64_t iova)
{
	unsigned lo = 0, hi = d->count, *slot = &d->hint[iova / HINT_BYTES % M_HINTS], hint = *slot;

	if (hint < d->count && iova >= d->map[hint].iova && iova - d->map[hint].iova < d->map[hint].len)
		return &d->map[hint];
	/* Sorted by iova: the last mapping that starts at or before it. */
	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (d->map[mid].iova <= iova)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || iova - d->map[lo - 1].iova >= d->map[lo - 1].len)
		return NULL;
	*slot = lo - 1;
	return &d->map[lo - 1];
}

static struct m_domain *domain_get(struct nvsr_model *m, unsigned domain)
{
	if (domain >= DOMAINS_MAX)
		return NULL;
	if (domain >= m->domain_count) {
		struct m_domain *p = realloc(m->domain, (domain + 1) * sizeof(*p));

		if (!p)
			return NULL;
		memset(p + m->domain_count, 0, (domain + 1 - m->domain_count) * sizeof(*p));
		m->domain = p;
		m->domain_count = domain + 1;
	}
	return &m->domain[domain];
}

int nvsr_model_map(struct nvsr_model *m, unsigned domain, uint64_t iova, void *ptr, size_t len)
{
	struct m_domain *d;
	unsigned i = 0;

	if (!ptr || !len || len % M_PAGE || iova % M_PAGE || iova + len - 1 < iova || domain >= DOMAINS_MAX)
		return -EINVAL;
	d = domain_get(m, domain);
	if (!d)
		return -ENOMEM;
	while (i < d->count && d->map[i].iova < iova)
		i++;
	if (i && iova - d->map[i - 1].iova < d->map[i - 1].len)
		return -EEXIST;
	if (i < d->count && d->map[i].iova - iova < len)
		return -EEXIST;
	if (d->count == d->cap) {
		unsigned cap = d->cap ? d->cap * 2 : 8;
		struct m_map *p = realloc(d->map, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		d->map = p;
		d->cap = cap;
	}
	memmove(&d->map[i + 1], &d->map[i], (d->count - i) * sizeof(*d->map));
	d->map[i] = (struct m_map){ .iova = iova, .len = len, .ptr = ptr };
	d->count++;
	return 0;
}

void nvsr_model_unmap(struct nvsr_model *m, unsigned domain, uint64_t iova)
{
	struct m_domain *d = domain < m->domain_count ? &m->domain[domain] : NULL;
	struct m_map *map = d ? map_at(d, iova) : NULL;
	unsigned i;

	if (!map || map->iova != iova)
		return;
	i = (unsigned)(map - d->map);
	memmove(&d->map[i], &d->map[i + 1], (d->count - i - 1) * sizeof(*d->map));
	d->count--;
}

uint64_t nvsr_model_faults(const struct nvsr_model *m, struct nvsr_model_fault *ret)
{
	if (ret && m->faults)
		*ret = m->last_fault;
	return m->faults;
}

/* The whole range must be mapped before a byte moves. */
static bool reachable(struct m_domain *d, uint64_t iova, size_t len)
{
	if (iova + len < iova)
		return false;
	while (len) {
		const struct m_map *map = d ? map_at(d, iova) : NULL;
		size_t n;

		if (!map)
			return false;
		n = NVSR_MIN(len, (size_t)(map->len - (iova - map->iova)));
		iova += n;
		len -= n;
	}
	return true;
}

/* An access that the IOMMU refuses.  Device threads of different functions may come here at once. */
static void fault(const struct m_ctrl *as, uint64_t iova, bool write)
{
	static bool busy;
	struct nvsr_model *m = as->m;

	while (__atomic_test_and_set(&busy, __ATOMIC_ACQUIRE))
		;
	m->faults++;
	m->last_fault = (struct nvsr_model_fault){ .rid = m_rid(as), .domain = as->domain, .iova = iova, .write = write };
	__atomic_clear(&busy, __ATOMIC_RELEASE);
}

static bool refused(struct m_ctrl *c, const struct m_ctrl *as, uint64_t iova, bool write)
{
	fault(as, iova, write);
	if (DEFECT(c->m, DMA_FAULT_KILLS_PF) && !m_is_pf(c)) {
		m_pf(c->m)->fatal = true;
		m_regs_update(m_pf(c->m));
	}
	return false;
}

/* The controller whose routing id a request of @c carries, and the address that it carries. */
static const struct m_ctrl *requester(struct m_ctrl *c, uint64_t *iova)
{
	if (DEFECT(c->m, DMA_ADDRESS_32_BITS) && !m_is_pf(c))
		*iova &= UINT32_MAX;
	return DEFECT(c->m, VF_DMA_AS_PF) ? m_pf(c->m) : c;
}

#define LONG_COPY 512u

static void copy(struct m_ctrl *c, uint8_t *host, uint8_t *buf, size_t len, bool to_host)
{
	uint8_t *to = to_host ? host : buf, *from = to_host ? buf : host;

	if (c->poll.next && len >= LONG_COPY)
		m_poll_copy(c, to, from, len, to_host);
	else
		memcpy(to, from, len);
}

static bool dma(struct m_ctrl *c, uint64_t iova, uint8_t *buf, size_t len, bool write)
{
	struct nvsr_model *m = c->m;
	const struct m_ctrl *as = requester(c, &iova);
	struct m_domain *d = as->domain < m->domain_count ? &m->domain[as->domain] : NULL;

	const struct m_map *map = d ? map_at(d, iova) : NULL;

	if (!m_mastering(c))
		return false;
	/* Nearly always in one piece. */
	if ((!map || len > map->len - (iova - map->iova)) && !reachable(d, iova, len))
		return refused(c, as, iova, write);
	while (len) {
		uint64_t off = iova - map->iova;
		size_t n = NVSR_MIN(len, (size_t)(map->len - off));

		copy(c, map->ptr + off, buf, n, write);
		iova += n;
		buf += n;
		len -= n;
		if (len)
			map = map_at(d, iova);
	}
	return true;
}

uint8_t *m_dma_at(struct m_ctrl *c, uint64_t iova, size_t len)
{
	const struct m_ctrl *as = requester(c, &iova);
	struct m_domain *d = as->domain < c->m->domain_count ? &c->m->domain[as->domain] : NULL;
	const struct m_map *map = d ? map_at(d, iova) : NULL;

	return map && len <= map->len - (iova - map->iova) ? map->ptr + (iova - map->iova) : NULL;
}

bool m_dma_read(struct m_ctrl *c, uint64_t iova, void *buf, size_t len)
{
	return dma(c, iova, buf, len, false);
}

bool m_dma_write(struct m_ctrl *c, uint64_t iova, const void *buf, size_t len)
{
	/* dma() only reads @buf when it writes to memory. */
	return dma(c, iova, (uint8_t *)(uintptr_t)buf, len, true);
}
