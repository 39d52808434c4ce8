// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Split virtqueues.  Order of memory accesses: an index is stored with release after the entries that it covers, and loaded with
 * acquire before them; between "my index is out" and "does the other side want to know", as between "I want to know" and "is
 * something there already", stands a full fence, because a store and a later load of another place may otherwise change places.
 */
#include "virtio/ring.h"

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define STORE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define ALIGN 64u	/* parts on cache lines of their own: each is written by one side */
/* An event index this far behind is renewed before 16 bits wrap and it lies ahead again. */
#define QUIET_MAX 0x4000u

static size_t desc_bytes(unsigned num)
{
	return NVSR_ROUND_UP(num * sizeof(struct virtq_desc), ALIGN);
}

static size_t avail_bytes(unsigned num)
{
	return NVSR_ROUND_UP(sizeof(struct virtq_avail) + (num + 1) * sizeof(uint16_t), ALIGN);
}

size_t nvsr_virtq_bytes(unsigned num)
{
	return desc_bytes(num) + avail_bytes(num) +
	       NVSR_ROUND_UP(sizeof(struct virtq_used) + num * sizeof(struct virtq_used_elem) + sizeof(uint16_t), ALIGN);
}

void nvsr_virtq_place(struct nvsr_virtq *q, unsigned num, void *mem)
{
	uint8_t *p = mem;

	q->num = (uint16_t)num;
	q->desc = (void *)p;
	q->avail = (void *)(p + desc_bytes(num));
	q->used = (void *)(p + desc_bytes(num) + avail_bytes(num));
}

/* Where a side says of which entry it wants to be notified. */
static uint16_t *used_event(const struct nvsr_virtq *q)
{
	return &q->avail->ring[q->num];
}

static uint16_t *avail_event(const struct nvsr_virtq *q)
{
	return (uint16_t *)(void *)&q->used->ring[q->num];
}

/* 2.7.7.2, 2.7.10: the entry @event is one of those that were published now. */
static bool wanted(const uint16_t *event, uint16_t old, uint16_t new)
{
	return (uint16_t)(new - le16toh(LOAD(*event)) - 1) < (uint16_t)(new - old);
}

/* Keep an event index where nothing that comes reaches it. */
static void stay_quiet(uint16_t *event, uint16_t at)
{
	if ((uint16_t)(at - le16toh(LOAD(*event))) > QUIET_MAX)
		STORE(*event, htole16((uint16_t)(at - 1)));
}

/* How many entries there are to take; the other side's index may run ahead by @num, no more. */
static int available(const uint16_t *idx, uint16_t taken, uint16_t *seen, uint16_t num)
{
	uint16_t now;

	if (*seen != taken)
		return 1;
	now = le16toh(__atomic_load_n(idx, __ATOMIC_ACQUIRE));
	if ((uint16_t)(now - taken) > num)
		return -EPROTO;
	*seen = now;
	return now != taken;
}

/* --- driver ------------------------------------------------------------------------------------------------------------- */

void nvsr_driver_start(struct nvsr_virtq_driver *d, const struct nvsr_virtq *q)
{
	*d = (struct nvsr_virtq_driver){ .q = *q };
	nvsr_driver_disarm(d);
}

void nvsr_driver_put(struct nvsr_virtq_driver *d, uint16_t head)
{
	STORE(d->q.avail->ring[d->avail & (d->q.num - 1)], htole16(head));
	d->avail++;
}

bool nvsr_driver_publish(struct nvsr_virtq_driver *d)
{
	uint16_t old = d->shown;

	if (old == d->avail)
		return false;
	__atomic_store_n(&d->q.avail->idx, htole16(d->avail), __ATOMIC_RELEASE);
	d->shown = d->avail;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (d->q.event_idx)
		return wanted(avail_event(&d->q), old, d->shown);
	return !(le16toh(LOAD(d->q.used->flags)) & VIRTQ_USED_F_NO_NOTIFY);
}

int nvsr_driver_get(struct nvsr_virtq_driver *d, struct virtq_used_elem *ret)
{
	const struct virtq_used_elem *e = &d->q.used->ring[d->used & (d->q.num - 1)];
	int rc = available(&d->q.used->idx, d->used, &d->seen, d->q.num);

	if (rc <= 0)
		return rc;
	*ret = (struct virtq_used_elem){ le32toh(LOAD(e->id)), le32toh(LOAD(e->len)) };
	d->used++;
	if (d->q.event_idx)
		stay_quiet(used_event(&d->q), d->used);
	return 1;
}

bool nvsr_driver_arm(struct nvsr_virtq_driver *d, unsigned n)
{
	if (d->q.event_idx)
		STORE(*used_event(&d->q), htole16((uint16_t)(d->used + n - 1)));
	else
		STORE(d->q.avail->flags, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (uint16_t)(le16toh(LOAD(d->q.used->idx)) - d->used) < n;
}

void nvsr_driver_disarm(struct nvsr_virtq_driver *d)
{
	if (d->q.event_idx)
		STORE(*used_event(&d->q), htole16((uint16_t)(d->used - 1)));
	else
		STORE(d->q.avail->flags, htole16(VIRTQ_AVAIL_F_NO_INTERRUPT));
}

/* --- device --------------------------------------------------------------------------------------------------------------- */

void nvsr_device_start(struct nvsr_virtq_device *d, const struct nvsr_virtq *q, uint16_t at)
{
	*d = (struct nvsr_virtq_device){ .q = *q, .avail = at, .seen = at, .used = at, .shown = at };
	nvsr_device_disarm(d);
}

int nvsr_device_get(struct nvsr_virtq_device *d, uint16_t *ret_head)
{
	int rc = available(&d->q.avail->idx, d->avail, &d->seen, d->q.num);
	uint16_t head;

	if (rc <= 0)
		return rc;
	head = le16toh(LOAD(d->q.avail->ring[d->avail & (d->q.num - 1)]));
	if (head >= d->q.num)
		return -EPROTO;
	d->avail++;
	/* The next chain is on its way while this one is looked at. */
	if (d->avail != d->seen)
		__builtin_prefetch(&d->q.desc[le16toh(LOAD(d->q.avail->ring[d->avail & (d->q.num - 1)])) & (d->q.num - 1)]);
	if (d->q.event_idx && !d->armed)
		stay_quiet(avail_event(&d->q), d->avail);
	*ret_head = head;
	return 1;
}

int nvsr_device_chain(const struct nvsr_virtq_device *d, uint16_t head, struct virtq_desc *ret)
{
	uint64_t total = 0;
	bool writes = false;
	unsigned n = 0, at = head;

	for (;;) {
		const struct virtq_desc *from;
		struct virtq_desc *to;

		if (at >= d->q.num || n == d->q.num)
			return -EPROTO;
		from = &d->q.desc[at];
		to = &ret[n];
		/* Each field is read once: what was checked is what is used. */
		*to = (struct virtq_desc){ le64toh(LOAD(from->addr)), le32toh(LOAD(from->len)), le16toh(LOAD(from->flags)),
					   le16toh(LOAD(from->next)) };
		total += to->len;
		if (to->flags & VIRTQ_DESC_F_INDIRECT || (writes && !(to->flags & VIRTQ_DESC_F_WRITE)) || total > UINT32_MAX)
			return -EPROTO;
		writes = to->flags & VIRTQ_DESC_F_WRITE;
		n++;
		if (!(to->flags & VIRTQ_DESC_F_NEXT))
			return (int)n;
		at = to->next;
	}
}

void nvsr_device_put(struct nvsr_virtq_device *d, uint16_t head, uint32_t len)
{
	struct virtq_used_elem *e = &d->q.used->ring[d->used & (d->q.num - 1)];

	STORE(e->id, htole32(head));
	STORE(e->len, htole32(len));
	d->used++;
}

bool nvsr_device_publish(struct nvsr_virtq_device *d)
{
	uint16_t old = d->shown;

	if (old == d->used)
		return false;
	__atomic_store_n(&d->q.used->idx, htole16(d->used), __ATOMIC_RELEASE);
	d->shown = d->used;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (d->q.event_idx)
		return wanted(used_event(&d->q), old, d->shown);
	return !(le16toh(LOAD(d->q.avail->flags)) & VIRTQ_AVAIL_F_NO_INTERRUPT);
}

bool nvsr_device_arm(struct nvsr_virtq_device *d)
{
	d->armed = true;
	if (d->q.event_idx)
		STORE(*avail_event(&d->q), htole16(d->avail));
	else
		STORE(d->q.used->flags, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return le16toh(LOAD(d->q.avail->idx)) == d->avail;
}

void nvsr_device_disarm(struct nvsr_virtq_device *d)
{
	d->armed = false;
	if (d->q.event_idx)
		STORE(*avail_event(&d->q), htole16((uint16_t)(d->avail - 1)));
	else
		STORE(d->q.used->flags, htole16(VIRTQ_USED_F_NO_NOTIFY));
}
