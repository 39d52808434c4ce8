// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A vhost-user front end and virtio block driver.  Entry i owns descriptors 4i to 4i + 2 (header, data, status; 4i + 3 lies
 * idle): the descriptors of a request fill one cache line, and nothing has to be allocated.  Guest physical addresses are the
 * addresses of this process.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "virtio/front.h"
#include "virtio/ring.h"
#include "virtio/vhost_user.h"

#define DESC_PER_ENTRY 4u
#define ANSWER_S 10
#define FEATURES_NEEDED (VIRTIO_F_VERSION_1 | VHOST_USER_F_PROTOCOL_FEATURES)
#define FEATURES_KNOWN (FEATURES_NEEDED | VIRTIO_F_EVENT_IDX | VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_SIZE_MAX)

/* What else there is to a request: a cache line that goes to the device and back with it. */
struct slot {
	struct virtio_blk_header header;
	uint8_t status, rsvd[47];
};
NVSR_SIZE(struct slot, 64);

struct nvsr_front {
	struct nvsr_virtq_driver q;
	struct slot *slot;
	uint16_t *free;		/* a stack of entries */
	void **arg;		/* of each entry; NULL args are fine, busy[] says what is in flight */
	bool *busy;
	unsigned entries, nfree;
	int kick_fd;
	uint64_t sleeps, kicks;
	uint8_t *mem;
	size_t len;
	uint64_t capacity;	/* sectors */
	uint32_t block, max;
	bool flush, broken;
	/* setting up and waiting */
	int sock, call_fd, epoll, own_fd;
	uint64_t features, protocol;
	uint8_t *own;
	size_t own_len;
	struct nvsr_complaint *complaint;
};

static int complain(struct nvsr_front *f, int rc, const char *fmt, ...) NVSR_PRINTF(3, 4);
static int complain(struct nvsr_front *f, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (f->complaint)
		vsnprintf(f->complaint->text, sizeof(f->complaint->text), fmt, ap);
	va_end(ap);
	return rc;
}

/* --- messages ------------------------------------------------------------------------------------------------------------ */

static int answer(struct nvsr_front *f, uint32_t request, struct nvsr_vhost_msg *ret)
{
	int rc;

	*ret = (struct nvsr_vhost_msg){ 0 };
	rc = nvsr_vhost_recv(f->sock, ret);
	nvsr_vhost_close_fds(ret);
	if (!rc)
		return complain(f, -ETIMEDOUT, "the back end does not answer vhost-user request %u", request);
	if (rc < 0)
		return complain(f, rc, "the back end ended the connection at vhost-user request %u", request);
	if (ret->h.request != request || !(ret->h.flags & VHOST_USER_REPLY))
		return complain(f, -EPROTO, "vhost-user request %u was answered with %u", request, ret->h.request);
	return 0;
}

static int send_msg(struct nvsr_front *f, struct nvsr_vhost_msg *m)
{
	int rc;

	m->h.flags |= VHOST_USER_VERSION;
	rc = nvsr_vhost_send(f->sock, m);
	return rc ? complain(f, rc, "vhost-user request %u: %s", m->h.request, strerror(-rc)) : 0;
}

/* A request without an answer of its own; where the back end can say whether it liked it, it has to. */
static int tell(struct nvsr_front *f, struct nvsr_vhost_msg *m)
{
	struct nvsr_vhost_msg ack;
	int rc;

	if (f->protocol & VHOST_USER_PROTOCOL_F_REPLY_ACK)
		m->h.flags |= VHOST_USER_NEED_REPLY;
	rc = send_msg(f, m);
	if (rc || !(m->h.flags & VHOST_USER_NEED_REPLY))
		return rc;
	rc = answer(f, m->h.request, &ack);
	if (!rc && ack.p.u64)
		rc = complain(f, -EPROTO, "the back end refuses vhost-user request %u", m->h.request);
	return rc;
}

static int tell_u64(struct nvsr_front *f, uint32_t request, uint64_t v)
{
	struct nvsr_vhost_msg m = { .h = { .request = request, .size = sizeof(v) }, .p.u64 = v };

	return tell(f, &m);
}

static int tell_state(struct nvsr_front *f, uint32_t request, uint32_t num)
{
	struct nvsr_vhost_msg m = { .h = { .request = request, .size = sizeof(m.p.state) }, .p.state = { .num = num } };

	return tell(f, &m);
}

static int tell_fd(struct nvsr_front *f, uint32_t request, int fd)
{
	struct nvsr_vhost_msg m = { .h = { .request = request, .size = sizeof(m.p.u64) }, .fds = 1, .fd = { fd } };

	return tell(f, &m);
}

static int ask_u64(struct nvsr_front *f, uint32_t request, uint64_t *ret)
{
	struct nvsr_vhost_msg m = { .h.request = request }, a;
	int rc = send_msg(f, &m);

	rc = rc ? rc : answer(f, request, &a);
	if (!rc)
		*ret = a.p.u64;
	return rc;
}

/* --- setting up ----------------------------------------------------------------------------------------------------------- */

static int reach(struct nvsr_front *f, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = ANSWER_S };

	if (strlen(path) >= sizeof(at.sun_path))
		return complain(f, -ENAMETOOLONG, "%s: longer than the name of a socket may be", path);
	memcpy(at.sun_path, path, strlen(path));
	f->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (f->sock < 0 || setsockopt(f->sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    connect(f->sock, (const struct sockaddr *)&at, sizeof(at)))
		return complain(f, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int agree(struct nvsr_front *f)
{
	uint64_t offered = 0, protocol = 0;
	int rc = ask_u64(f, VHOST_USER_GET_FEATURES, &offered);

	if (rc)
		return rc;
	if ((offered & FEATURES_NEEDED) != FEATURES_NEEDED)
		return complain(f, -ENOTSUP, "the back end offers features %#llx: VERSION_1 or PROTOCOL_FEATURES is missing",
				(unsigned long long)offered);
	rc = ask_u64(f, VHOST_USER_GET_PROTOCOL_FEATURES, &protocol);
	if (rc)
		return rc;
	if (!(protocol & VHOST_USER_PROTOCOL_F_CONFIG))
		return complain(f, -ENOTSUP, "the back end has no configuration space to read (protocol features %#llx)",
				(unsigned long long)protocol);
	f->features = offered & FEATURES_KNOWN;
	f->flush = f->features & VIRTIO_BLK_F_FLUSH;
	protocol &= VHOST_USER_PROTOCOL_F_CONFIG | VHOST_USER_PROTOCOL_F_REPLY_ACK;
	rc = tell_u64(f, VHOST_USER_SET_PROTOCOL_FEATURES, protocol);
	f->protocol = protocol;
	if (!rc) {
		struct nvsr_vhost_msg owner = { .h.request = VHOST_USER_SET_OWNER };

		rc = tell(f, &owner);
	}
	return rc ? rc : tell_u64(f, VHOST_USER_SET_FEATURES, f->features);
}

static int read_config(struct nvsr_front *f)
{
	struct nvsr_vhost_msg m = { .h = { .request = VHOST_USER_GET_CONFIG,
					   .size = VHOST_USER_CONFIG_HEAD + sizeof(struct virtio_blk_config) },
				    .p.config.size = sizeof(struct virtio_blk_config) }, a;
	struct virtio_blk_config config;
	int rc = send_msg(f, &m);

	rc = rc ? rc : answer(f, VHOST_USER_GET_CONFIG, &a);
	if (rc)
		return rc;
	if (a.h.size != m.h.size)
		return complain(f, -EPROTO, "the back end answered GET_CONFIG with %u bytes", a.h.size);
	memcpy(&config, a.p.config.data, sizeof(config));
	f->capacity = le64_get(config.capacity);
	f->block = f->features & VIRTIO_BLK_F_BLK_SIZE ? le32_get(config.blk_size) : VIRTIO_BLK_SECTOR;
	f->max = NVSR_FRONT_BYTES_MAX;
	/* QEMU's storage daemon offers SIZE_MAX and leaves the field 0. */
	if (f->features & VIRTIO_BLK_F_SIZE_MAX && le32_get(config.size_max))
		f->max = NVSR_MIN(f->max, le32_get(config.size_max));
	if (!f->block || f->block % VIRTIO_BLK_SECTOR || f->block > f->max || f->capacity > UINT64_MAX / VIRTIO_BLK_SECTOR)
		return complain(f, -EPROTO, "blocks of %u bytes, at most %u in a segment, %llu sectors: no such device", f->block,
				f->max, (unsigned long long)f->capacity);
	f->max -= f->max % f->block;
	return 0;
}

/* The chains of all entries; a request changes the second descriptor, and whether the first one points to it. */
static void place_entries(struct nvsr_front *f)
{
	struct virtq_desc *d = f->q.q.desc;

	for (unsigned i = 0; i < f->entries; i++, d += DESC_PER_ENTRY) {
		struct slot *s = &f->slot[i];

		d[0] = (struct virtq_desc){ htole64((uintptr_t)&s->header), htole32(sizeof(s->header)), htole16(VIRTQ_DESC_F_NEXT), 0 };
		d[1].next = htole16((uint16_t)(i * DESC_PER_ENTRY + 2));
		d[2] = (struct virtq_desc){ htole64((uintptr_t)&s->status), htole32(1), htole16(VIRTQ_DESC_F_WRITE), 0 };
		f->free[i] = (uint16_t)(f->entries - 1 - i);
	}
	f->nfree = f->entries;
}

static int make_queue(struct nvsr_front *f, unsigned entries)
{
	size_t ring = NVSR_ROUND_UP(nvsr_virtq_bytes(entries * DESC_PER_ENTRY), sizeof(struct slot));
	struct nvsr_virtq q = { .event_idx = f->features & VIRTIO_F_EVENT_IDX };

	f->entries = entries;
	f->own_len = NVSR_ROUND_UP(ring + entries * sizeof(struct slot), 4096);
	f->own_fd = memfd_create("nvsr-virtqueue", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (f->own_fd < 0 || ftruncate(f->own_fd, (off_t)f->own_len))
		return complain(f, -errno, "memory for the queue: %s", strerror(errno));
	f->own = mmap(NULL, f->own_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f->own_fd, 0);
	f->free = calloc(entries, sizeof(*f->free));
	f->arg = calloc(entries, sizeof(*f->arg));
	f->busy = calloc(entries, sizeof(*f->busy));
	if (f->own == MAP_FAILED || !f->free || !f->arg || !f->busy)
		return complain(f, -ENOMEM, "no memory for the queue");
	nvsr_virtq_place(&q, entries * DESC_PER_ENTRY, f->own);
	f->slot = (void *)(f->own + ring);
	nvsr_driver_start(&f->q, &q);
	place_entries(f);
	return 0;
}

static int share_memory(struct nvsr_front *f, const struct nvsr_front_options *o)
{
	struct nvsr_vhost_msg m = { .h = { .request = VHOST_USER_SET_MEM_TABLE, .size = 8 + 2 * sizeof(struct vhost_user_region) },
				    .fds = 2, .fd = { f->own_fd, o->fd } };

	m.p.memory.regions = 2;
	m.p.memory.region[0] = (struct vhost_user_region){ (uintptr_t)f->own, f->own_len, (uintptr_t)f->own, 0 };
	m.p.memory.region[1] = (struct vhost_user_region){ (uintptr_t)f->mem, f->len, (uintptr_t)f->mem, o->offset };
	return tell(f, &m);
}

static int start_queue(struct nvsr_front *f)
{
	struct nvsr_virtq *q = &f->q.q;
	struct nvsr_vhost_msg addr = { .h = { .request = VHOST_USER_SET_VRING_ADDR, .size = sizeof(struct vhost_user_addr) },
				       .p.addr = { .desc = (uintptr_t)q->desc, .used = (uintptr_t)q->used, .avail = (uintptr_t)q->avail } };
	int rc = tell_state(f, VHOST_USER_SET_VRING_NUM, q->num);

	rc = rc ? rc : tell_state(f, VHOST_USER_SET_VRING_BASE, 0);
	rc = rc ? rc : tell(f, &addr);
	rc = rc ? rc : tell_fd(f, VHOST_USER_SET_VRING_CALL, f->call_fd);
	rc = rc ? rc : tell_fd(f, VHOST_USER_SET_VRING_KICK, f->kick_fd);
	return rc ? rc : tell_state(f, VHOST_USER_SET_VRING_ENABLE, 1);
}

static int add_waiting(struct nvsr_front *f)
{
	/* Edge-triggered: each call is an event, and the eventfd need not be read. */
	struct epoll_event call = { .events = EPOLLIN | EPOLLET, .data.fd = f->call_fd };
	struct epoll_event gone = { .events = EPOLLRDHUP, .data.fd = f->sock };

	f->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	call.data.fd = f->call_fd;
	if (f->call_fd < 0 || f->kick_fd < 0 || f->epoll < 0 || epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->call_fd, &call) ||
	    epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->sock, &gone))
		return complain(f, -errno, "eventfds: %s", strerror(errno));
	return 0;
}

static bool valid(const struct nvsr_front_options *o)
{
	if (!o->mem)
		return true;
	return o->entries >= 2 && o->entries <= NVSR_FRONT_ENTRIES_MAX && !(o->entries & (o->entries - 1)) && o->len &&
	       !((uintptr_t)o->mem % 4096) && !(o->len % 4096) && o->fd >= 0;
}

int nvsr_front_open(const char *socket, const struct nvsr_front_options *o, struct nvsr_front **ret, struct nvsr_complaint *complaint)
{
	struct nvsr_front *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return -ENOMEM;
	f->sock = f->call_fd = f->kick_fd = f->epoll = f->own_fd = -1;
	f->complaint = complaint;
	f->mem = o->mem;
	f->len = o->len;
	rc = valid(o) ? 0 : complain(f, -EINVAL, "a virtqueue of %u requests over %zu bytes of memory", o->entries, o->len);
	rc = rc ? rc : reach(f, socket);
	rc = rc ? rc : agree(f);
	rc = rc ? rc : read_config(f);
	rc = rc || !o->mem ? rc : make_queue(f, o->entries);
	rc = rc || !o->mem ? rc : add_waiting(f);
	rc = rc || !o->mem ? rc : share_memory(f, o);
	rc = rc || !o->mem ? rc : start_queue(f);
	f->complaint = NULL;
	if (rc)
		nvsr_front_close(f);
	else
		*ret = f;
	return rc;
}

void nvsr_front_close(struct nvsr_front *f)
{
	uint64_t base;

	if (!f)
		return;
	/* GET_VRING_BASE stops the queue: its answer comes when the device has nothing in flight. */
	if (f->sock >= 0 && f->slot)
		ask_u64(f, VHOST_USER_GET_VRING_BASE, &base);
	nvsr_closep(&f->sock);
	nvsr_closep(&f->epoll);
	nvsr_closep(&f->call_fd);
	nvsr_closep(&f->kick_fd);
	nvsr_closep(&f->own_fd);
	if (f->own && f->own != MAP_FAILED)
		munmap(f->own, f->own_len);
	free(f->free);
	free(f->arg);
	free(f->busy);
	free(f);
}

uint64_t nvsr_front_capacity(const struct nvsr_front *f)
{
	return f->capacity * VIRTIO_BLK_SECTOR;
}

uint32_t nvsr_front_block(const struct nvsr_front *f)
{
	return f->block;
}

uint32_t nvsr_front_max(const struct nvsr_front *f)
{
	return f->max;
}

unsigned nvsr_front_busy(const struct nvsr_front *f)
{
	return f->entries - f->nfree;
}

unsigned nvsr_front_room(const struct nvsr_front *f)
{
	return f->nfree;
}

void nvsr_front_counts(const struct nvsr_front *f, uint64_t *ret_sleeps, uint64_t *ret_kicks)
{
	*ret_sleeps = f->sleeps;
	*ret_kicks = f->kicks;
}

/* --- requests ----------------------------------------------------------------------------------------------------------------- */

static const struct { uint8_t type; bool data; uint16_t flags; } ops[] = {
	[NVSR_FRONT_READ] = { VIRTIO_BLK_T_IN, true, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE },
	[NVSR_FRONT_WRITE] = { VIRTIO_BLK_T_OUT, true, VIRTQ_DESC_F_NEXT },
	[NVSR_FRONT_FLUSH] = { VIRTIO_BLK_T_FLUSH, false, 0 },
	[NVSR_FRONT_GET_ID] = { VIRTIO_BLK_T_GET_ID, true, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE },
};

static bool inside(const struct nvsr_front *f, const void *data, uint32_t len)
{
	size_t at = (size_t)((uintptr_t)data - (uintptr_t)f->mem);

	return len && len <= f->max && at < f->len && len <= f->len - at;
}

int nvsr_front_submit(struct nvsr_front *f, enum nvsr_front_op op, uint64_t sector, void *data, uint32_t len, void *arg)
{
	struct virtq_desc *d;
	struct slot *s;
	unsigned i;

	if (ops[op].data && !inside(f, data, len))
		return -EINVAL;
	if (op == NVSR_FRONT_FLUSH && !f->flush)
		return -ENOTSUP;
	if (!f->nfree)
		return -EAGAIN;
	i = f->free[--f->nfree];
	s = &f->slot[i];
	d = &f->q.q.desc[i * DESC_PER_ENTRY];
	s->header = (struct virtio_blk_header){ .type = le32(ops[op].type), .sector = le64(sector) };
	s->status = 0xff;
	if (ops[op].data) {
		d[1].addr = htole64((uintptr_t)data);
		d[1].len = htole32(len);
		d[1].flags = htole16(ops[op].flags);
	}
	d[0].next = htole16((uint16_t)(i * DESC_PER_ENTRY + (ops[op].data ? 1 : 2)));
	f->arg[i] = arg;
	f->busy[i] = true;
	nvsr_driver_put(&f->q, (uint16_t)(i * DESC_PER_ENTRY));
	return 0;
}

void nvsr_front_kick(struct nvsr_front *f)
{
	const uint64_t one = 1;

	if (!nvsr_driver_publish(&f->q))
		return;
	f->kicks++;
	/* A full counter (EAGAIN) wakes as well as a new count. */
	if (write(f->kick_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		f->broken = true;
}

int nvsr_front_reap(struct nvsr_front *f, unsigned max, nvsr_front_done_fn done, void *ctx)
{
	struct virtq_used_elem e;
	unsigned n = 0;
	int rc = 0;

	if (f->broken)
		return -EPROTO;
	while (n < max && (rc = nvsr_driver_get(&f->q, &e)) > 0) {
		unsigned i = e.id / DESC_PER_ENTRY;

		if (e.id % DESC_PER_ENTRY || i >= f->entries || !f->busy[i]) {
			rc = -EPROTO;
			break;
		}
		f->busy[i] = false;
		f->free[f->nfree++] = (uint16_t)i;
		n++;
		done(ctx, f->arg[i], f->slot[i].status);
	}
	f->broken = rc < 0;
	return rc < 0 && !n ? rc : (int)n;
}

bool nvsr_front_arm(struct nvsr_front *f, unsigned n)
{
	return nvsr_driver_arm(&f->q, n);
}

int nvsr_front_wait(struct nvsr_front *f, unsigned n, int ms)
{
	struct epoll_event e[2];

	n = NVSR_MIN(n, nvsr_front_busy(f));
	while (n && nvsr_front_arm(f, n)) {
		int got = epoll_wait(f->epoll, e, 2, ms);

		f->sleeps++;
		if (!got)
			return -ETIMEDOUT;
		if (got < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < got; i++)
			if (e[i].data.fd == f->sock)
				return -ECONNRESET;
	}
	return 0;
}
