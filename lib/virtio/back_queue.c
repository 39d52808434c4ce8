// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtio block requests as NVMe commands.  A guest is not believed: every descriptor is copied before it is checked, every
 * address is translated, a head is in flight once at most.  A chain that is none ends the queue (there is no status byte to
 * answer with); a request that makes no sense is answered with IOERR or UNSUPP.
 */
#include "spec/nvme.h"
#include "virtio/back_queue.h"

#define REAP_MAX 256u
#define TAKE_MAX 256u		/* requests a round, so that completions and other queues get their turn */

/* Guest memory that lies in one piece for the function. */
struct piece { uint8_t *at; uint64_t iova; uint32_t len; };

struct request {
	uint8_t *status_at;
	uint32_t written;	/* what the used ring says */
	uint32_t commands;	/* in flight */
	uint16_t head;
	uint8_t status;
	bool busy, placing;	/* placing: more commands are to come */
};

struct nvsr_back_queue {
	const struct nvsr_back_ops *ops;
	const struct nvsr_back_disk *disk;
	struct nvsr_pair *pair;
	const struct nvsr_back_memory *memory;
	struct nvsr_virtq_device q;
	struct request *request;	/* by head */
	unsigned busy;
	uint64_t answered;
	bool rang;			/* nothing was placed since the last doorbell */
	/* the request whose commands are being placed: NULL, or the NVMe queue was full */
	struct request *now;
	uint8_t opcode;
	uint64_t slba;
	unsigned pieces, piece;
	uint32_t offset;		/* in the piece */
	struct piece data[NVSR_BACK_SEGS_MAX + VHOST_USER_REGIONS_MAX];
	struct virtq_desc *desc;	/* of a chain, q.num */
};

/* --- memory ---------------------------------------------------------------------------------------------------------------- */

void *nvsr_back_user(const struct nvsr_back_memory *m, uint64_t user, uint64_t len)
{
	for (unsigned i = 0; i < m->regions; i++) {
		const struct nvsr_back_region *r = &m->region[i];

		if (user >= r->user && user - r->user < r->len && len <= r->len - (user - r->user))
			return r->at + (user - r->user);
	}
	return NULL;
}

static const struct nvsr_back_region *find(const struct nvsr_back_memory *m, uint64_t guest)
{
	for (unsigned i = 0; i < m->regions; i++)
		if (guest - m->region[i].guest < m->region[i].len)
			return &m->region[i];
	return NULL;
}

/* Add a descriptor's memory; it may go on from one region into the next. */
static bool add(struct piece *list, unsigned *n, unsigned max, const struct nvsr_back_memory *m, uint64_t guest, uint32_t len)
{
	while (len) {
		const struct nvsr_back_region *r = find(m, guest);
		struct piece *last = *n ? &list[*n - 1] : NULL;
		uint64_t off;
		uint32_t part;

		if (!r)
			return false;
		off = guest - r->guest;
		part = (uint32_t)NVSR_MIN((uint64_t)len, r->len - off);
		if (last && last->iova + last->len == r->iova + off && last->at + last->len == r->at + off) {
			last->len += part;
		} else {
			if (*n == max)
				return false;
			list[(*n)++] = (struct piece){ r->at + off, r->iova + off, part };
		}
		guest += part;
		len -= part;
	}
	return true;
}

/* --- answering ---------------------------------------------------------------------------------------------------------------- */

static void answer(struct nvsr_back_queue *b, struct request *r)
{
	__atomic_store_n(r->status_at, r->status, __ATOMIC_RELAXED);
	nvsr_device_put(&b->q, r->head, r->written);
	r->busy = false;
	b->busy--;
	b->answered++;
}

static void done(void *ctx, void *arg, uint16_t status)
{
	struct nvsr_back_queue *b = ctx;
	struct request *r = arg;

	if (status)
		r->status = VIRTIO_BLK_S_IOERR;
	if (!--r->commands && !r->placing)
		answer(b, r);
}

/* --- placing -------------------------------------------------------------------------------------------------------------------- */

static bool place(struct nvsr_back_queue *b, const struct nvsr_io *io)
{
	if (!b->ops->submit(b->pair, io))
		return false;
	b->now->commands++;
	b->rang = false;
	return true;
}

/* The rest of the current request's commands; false: the NVMe queue is full, try again later. */
static bool place_rest(struct nvsr_back_queue *b)
{
	struct request *r = b->now;

	while (b->piece < b->pieces) {
		const struct piece *p = &b->data[b->piece];
		uint32_t len = NVSR_MIN(p->len - b->offset, b->disk->max);
		struct nvsr_io io = { .opcode = b->opcode, .nsid = b->disk->nsid, .slba = b->slba, .blocks = len / b->disk->block,
				      .iova = p->iova + b->offset, .bytes = len, .arg = r };

		if (!place(b, &io))
			return false;
		b->slba += io.blocks;
		b->offset += len;
		if (b->offset == p->len) {
			b->offset = 0;
			b->piece++;
		}
	}
	r->placing = false;
	b->now = NULL;
	/* All may be complete, or there was nothing to do. */
	if (!r->commands)
		answer(b, r);
	return true;
}

/* A data transfer: whole blocks inside the namespace, each piece of memory whole blocks and dword aligned. */
static bool transfer(struct nvsr_back_queue *b, uint64_t sector)
{
	const struct nvsr_back_disk *d = b->disk;
	uint32_t sectors = d->block / VIRTIO_BLK_SECTOR;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < b->pieces; i++) {
		if (b->data[i].len % d->block || b->data[i].iova % 4)
			return false;
		bytes += b->data[i].len;
	}
	b->slba = sector / sectors;
	return bytes && !(sector % sectors) && b->slba < d->blocks && bytes / d->block <= d->blocks - b->slba;
}

static uint8_t in(struct nvsr_back_queue *b, uint64_t sector, bool writable)
{
	b->opcode = NVME_CMD_READ;
	return writable && transfer(b, sector) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

static uint8_t out(struct nvsr_back_queue *b, uint64_t sector, bool writable)
{
	b->opcode = NVME_CMD_WRITE;
	return !writable && transfer(b, sector) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

/* Of everything that was answered before; of the sector nothing is said any more (5.2.6.1 has it 0). */
static uint8_t flush(struct nvsr_back_queue *b, uint64_t sector, bool writable)
{
	b->opcode = NVME_CMD_FLUSH;
	b->pieces = 1;
	b->data[0] = (struct piece){ 0 };
	return VIRTIO_BLK_S_OK;
}

static uint8_t get_id(struct nvsr_back_queue *b, uint64_t sector, bool writable)
{
	uint32_t at = 0;

	for (unsigned i = 0; writable && i < b->pieces && at < VIRTIO_BLK_ID_BYTES; i++) {
		uint32_t part = NVSR_MIN(b->data[i].len, VIRTIO_BLK_ID_BYTES - at);

		memcpy(b->data[i].at, b->disk->id + at, part);
		at += part;
	}
	b->pieces = 0;
	b->now->written = at + 1;
	return at ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

static uint8_t (*const types[])(struct nvsr_back_queue *b, uint64_t sector, bool writable) = {
	[VIRTIO_BLK_T_IN] = in, [VIRTIO_BLK_T_OUT] = out, [VIRTIO_BLK_T_FLUSH] = flush, [VIRTIO_BLK_T_GET_ID] = get_id,
};

/*
 * A request as 5.2.6 has it, in descriptors of any arrangement: 16 bytes of header, data, and at the very end a status byte.
 * Into @header, b->data and r->status_at.  False: there is no status byte, or no memory where one is.  *ret_sound: the rest is
 * there as well; data that is to be written to and data that is to be read do not come in one request.
 */
static bool take_apart(struct nvsr_back_queue *b, unsigned descs, struct virtio_blk_header *header, bool *ret_sound, bool *ret_writable)
{
	struct virtq_desc *last = &b->desc[descs - 1];
	struct piece status;
	uint32_t got = 0;
	unsigned n = 0;
	bool writable = false;

	*ret_sound = true;
	if (!(last->flags & VIRTQ_DESC_F_WRITE) || !last->len || !add(&status, &n, 1, b->memory, last->addr + last->len - 1, 1))
		return false;
	last->len--;
	b->now->status_at = status.at;
	for (unsigned i = 0; i < descs; i++) {
		struct virtq_desc *d = &b->desc[i];
		bool write = d->flags & VIRTQ_DESC_F_WRITE;

		if (!write && got < sizeof(*header)) {
			struct piece p[VHOST_USER_REGIONS_MAX];
			uint32_t part = NVSR_MIN(d->len, (uint32_t)sizeof(*header) - got);

			n = 0;
			*ret_sound &= add(p, &n, VHOST_USER_REGIONS_MAX, b->memory, d->addr, part);
			for (unsigned k = 0; *ret_sound && k < n; got += p[k++].len)
				memcpy((uint8_t *)header + got, p[k].at, p[k].len);
			d->addr += part;
			d->len -= part;
		}
		if (!d->len || !*ret_sound)
			continue;
		*ret_sound = (!b->pieces || writable == write) &&
			     add(b->data, &b->pieces, NVSR_ARRAY_SIZE(b->data), b->memory, d->addr, d->len);
		writable = write;
	}
	*ret_sound &= got == sizeof(*header);
	*ret_writable = writable;
	return true;
}

/* Take one request.  0 or -EPROTO. */
static int take(struct nvsr_back_queue *b, uint16_t head)
{
	struct virtio_blk_header header = { 0 };
	struct request *r = &b->request[head];
	int descs = nvsr_device_chain(&b->q, head, b->desc);
	bool sound, writable;
	uint32_t type;

	if (descs < 0 || r->busy)
		return -EPROTO;
	*r = (struct request){ .head = head, .written = 1, .status = VIRTIO_BLK_S_IOERR };
	b->now = r;
	b->pieces = b->piece = b->offset = 0;
	if (!take_apart(b, (unsigned)descs, &header, &sound, &writable)) {
		b->now = NULL;
		return -EPROTO;
	}
	r->busy = r->placing = true;
	b->busy++;
	type = le32_get(header.type);
	if (sound)
		r->status = type < NVSR_ARRAY_SIZE(types) && types[type] ? types[type](b, le64_get(header.sector), writable) :
			    VIRTIO_BLK_S_UNSUPP;
	if (!sound || r->status)
		b->pieces = 0;
	for (unsigned i = 0; i < b->pieces && b->opcode == NVME_CMD_READ; i++)
		r->written += b->data[i].len;
	return 0;
}

/* --- rounds ---------------------------------------------------------------------------------------------------------------------- */

static void ring(struct nvsr_back_queue *b)
{
	if (b->rang)
		return;
	b->ops->ring(b->pair);
	b->rang = true;
}

/* Their number; -EIO whatever is wrong, for -EPROTO is what the guest did. */
static int reap(struct nvsr_back_queue *b)
{
	int n = b->ops->reap(b->pair, REAP_MAX, done, b);

	return n < 0 ? -EIO : n;
}

int nvsr_back_queue_drain(struct nvsr_back_queue *b, bool *ret_call)
{
	int n = reap(b);

	if (b->now)
		place_rest(b);
	ring(b);
	*ret_call = nvsr_device_publish(&b->q);
	return n;
}

int nvsr_back_queue_round(struct nvsr_back_queue *b, bool *ret_call)
{
	int taken = 0, n, rc = 0;
	uint16_t head;

	*ret_call = false;
	if (b->q.armed)
		nvsr_device_disarm(&b->q);
	n = reap(b);
	if (n < 0)
		return n;
	/* What waited for room in the NVMe queue goes first. */
	while ((!b->now || place_rest(b)) && taken < (int)TAKE_MAX) {
		rc = nvsr_device_get(&b->q, &head);
		rc = rc > 0 ? take(b, head) : rc < 0 ? rc : 1;
		if (rc)
			break;
		taken++;
	}
	ring(b);
	*ret_call = nvsr_device_publish(&b->q);
	return rc < 0 ? rc : n + taken;
}

bool nvsr_back_queue_arm(struct nvsr_back_queue *b)
{
	/* While the NVMe queue is full, only a completion helps. */
	return b->now || nvsr_device_arm(&b->q);
}

unsigned nvsr_back_queue_busy(const struct nvsr_back_queue *b)
{
	return b->busy;
}

uint16_t nvsr_back_queue_at(const struct nvsr_back_queue *b)
{
	return b->q.avail;
}

uint64_t nvsr_back_queue_requests(const struct nvsr_back_queue *b)
{
	return b->answered;
}

struct nvsr_back_queue *nvsr_back_queue_new(const struct nvsr_back_ops *ops, const struct nvsr_back_disk *disk, struct nvsr_pair *pair,
					    const struct nvsr_back_memory *m, const struct nvsr_virtq *q, uint16_t at)
{
	struct nvsr_back_queue *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->ops = ops;
	b->disk = disk;
	b->pair = pair;
	b->memory = m;
	b->rang = true;
	b->request = calloc(q->num, sizeof(*b->request));
	b->desc = calloc(q->num, sizeof(*b->desc));
	if (!b->request || !b->desc) {
		nvsr_back_queue_free(b);
		return NULL;
	}
	nvsr_device_start(&b->q, q, at);
	return b;
}

void nvsr_back_queue_free(struct nvsr_back_queue *b)
{
	if (!b)
		return;
	free(b->request);
	free(b->desc);
	free(b);
}
