// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a front end says (vhost-user) and what becomes of it.  The queue runs while it is enabled and has memory, addresses and a
 * kick eventfd; whatever changes one of these stops it first, with nothing in flight, and starts it again where it was.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/time.h"
#include "virtio/back_conn.h"
#include "virtio/back_memory.h"

#define FEATURES (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE | \
		  VIRTIO_BLK_F_FLUSH | VHOST_USER_F_PROTOCOL_FEATURES)
#define PROTOCOL (VHOST_USER_PROTOCOL_F_MQ | VHOST_USER_PROTOCOL_F_REPLY_ACK | VHOST_USER_PROTOCOL_F_CONFIG)
#define SIZE_MAX_BYTES (2u << 20)
#define DRAIN_MS 5000
#define DRAIN_ASK_MS 100	/* without a completion, between two questions whether the device is there */
#define ROUNDS_MAX 16
#define MESSAGES_MAX 16

struct nvsr_back_conn {
	struct nvsr_back *b;
	unsigned number;
	int sock;
	struct nvsr_vhost_msg in;
	uint64_t features, protocol;
	struct nvsr_back_memory memory;
	struct {
		uint32_t num;
		uint16_t at;
		bool enabled, placed;	/* placed: addr was given */
		struct vhost_user_addr addr;
		int kick, call, err;
	} ring;
	struct nvsr_pair *pair;
	int irq;			/* a duplicate: several pairs may share an eventfd, and each wants its own event */
	struct nvsr_back_queue *queue;	/* while it runs */
	uint64_t counted;		/* of its requests, in the statistics */
};

int nvsr_back_watch(int epoll, int fd, enum nvsr_back_event kind, unsigned number)
{
	/* Edges of eventfds: one event for what was written, and nothing to read. */
	bool edge = kind == NVSR_BACK_KICK || kind == NVSR_BACK_PAIR;
	struct epoll_event e = { .events = EPOLLIN | (edge ? EPOLLET : 0), .data.u64 = (uint64_t)kind << 32 | number };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	/* A full counter is as good as one more; a descriptor that is no eventfd is the front end's own loss. */
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

/* --- the queue -------------------------------------------------------------------------------------------------------------- */

bool nvsr_back_conn_runs(const struct nvsr_back_conn *c)
{
	return c->queue != NULL;
}

unsigned nvsr_back_conn_busy(const struct nvsr_back_conn *c)
{
	return c->queue ? nvsr_back_queue_busy(c->queue) : 0;
}

static int after_round(struct nvsr_back_conn *c, int rc, bool call)
{
	struct nvsr_back_stats *s = c->b->stats;
	uint64_t requests = nvsr_back_queue_requests(c->queue);

	s->requests += requests - c->counted;
	c->counted = requests;
	if (call) {
		s->calls++;
		signal_fd(c->ring.call);
	}
	if (rc == -EPROTO)
		signal_fd(c->ring.err);
	return rc < 0 ? rc : rc > 0;
}

int nvsr_back_conn_round(struct nvsr_back_conn *c)
{
	bool call;
	int rc = nvsr_back_queue_round(c->queue, &call);

	return rc || call ? after_round(c, rc, call) : 0;
}

int nvsr_back_conn_serve(struct nvsr_back_conn *c)
{
	for (unsigned i = 0; i < ROUNDS_MAX; i++) {
		int rc = nvsr_back_conn_round(c);

		if (rc < 0)
			return rc;
		if (!rc && nvsr_back_queue_arm(c->queue))
			return 0;
	}
	return 1;
}

static bool ready(const struct nvsr_back_conn *c)
{
	return !c->queue && c->ring.kick >= 0 && c->ring.placed && c->ring.num && c->memory.regions &&
	       (c->ring.enabled || !(c->features & VHOST_USER_F_PROTOCOL_FEATURES));
}

/* Where the parts lie here; the standard's alignment, so that no access is torn. */
static int locate(const struct nvsr_back_conn *c, struct nvsr_virtq *ret)
{
	const struct vhost_user_addr *a = &c->ring.addr;
	size_t n = c->ring.num;

	*ret = (struct nvsr_virtq){
		.num = (uint16_t)n, .event_idx = c->features & VIRTIO_F_EVENT_IDX,
		.desc = nvsr_back_user(&c->memory, a->desc, n * sizeof(struct virtq_desc)),
		.avail = nvsr_back_user(&c->memory, a->avail, sizeof(struct virtq_avail) + (n + 1) * sizeof(uint16_t)),
		.used = nvsr_back_user(&c->memory, a->used, sizeof(struct virtq_used) + n * sizeof(struct virtq_used_elem) + 2),
	};
	return ret->desc && ret->avail && ret->used && !((uintptr_t)ret->desc % VIRTQ_DESC_ALIGN) &&
	       !((uintptr_t)ret->avail % VIRTQ_AVAIL_ALIGN) && !((uintptr_t)ret->used % VIRTQ_USED_ALIGN) ? 0 : -EINVAL;
}

static int start(struct nvsr_back_conn *c)
{
	struct nvsr_back *b = c->b;
	struct nvsr_pair_options o = { .qid = (uint16_t)(b->qid_first + c->number), .entries = b->disk->entries, .irq = !b->poll };
	struct nvsr_virtq q;
	int rc;

	if (!ready(c))
		return 0;
	rc = locate(c, &q);
	if (rc)
		return rc;
	rc = b->ops->create(b->disk->dev, &o, &c->pair);
	if (rc)
		return rc < 0 ? rc : -EIO;
	c->queue = nvsr_back_queue_new(b->ops, b->disk, c->pair, &c->memory, &q, c->ring.at);
	c->counted = 0;
	rc = c->queue ? 0 : -ENOMEM;
	if (!rc && !b->poll) {
		c->irq = fcntl(b->ops->fd(c->pair), F_DUPFD_CLOEXEC, 0);
		rc = c->irq < 0 ? -errno : nvsr_back_watch(b->epoll, c->irq, NVSR_BACK_PAIR, c->number);
		rc = rc ? rc : nvsr_back_watch(b->epoll, c->ring.kick, NVSR_BACK_KICK, c->number);
	}
	return rc;
}

/* Everything taken is answered; nothing more is taken.  Others wait meanwhile: not long for a device that is gone. */
static int drain(struct nvsr_back_conn *c)
{
	uint64_t now = nvsr_now_ns(), end = now + DRAIN_MS * NVSR_MS, ask = now + DRAIN_ASK_MS * NVSR_MS;

	while (nvsr_back_queue_busy(c->queue)) {
		bool call;
		int rc = nvsr_back_queue_drain(c->queue, &call);

		rc = after_round(c, rc, call);
		if (rc < 0)
			return rc;
		if (!rc) {
			now = nvsr_now_ns();
			if (now > end)
				return -ETIMEDOUT;
			if (now > ask) {
				ask = now + DRAIN_ASK_MS * NVSR_MS;
				c->b->gone |= !c->b->ops->alive(c->b->disk->dev);
			}
			if (c->b->gone)
				return -ENODEV;
			sched_yield();
		}
	}
	return 0;
}

static int stop(struct nvsr_back_conn *c)
{
	int rc = 0;

	if (!c->pair)
		return 0;
	if (c->queue) {
		rc = drain(c);
		c->ring.at = nvsr_back_queue_at(c->queue);
	}
	if (!c->b->poll) {
		epoll_ctl(c->b->epoll, EPOLL_CTL_DEL, c->ring.kick, NULL);
		epoll_ctl(c->b->epoll, EPOLL_CTL_DEL, c->irq, NULL);
		nvsr_closep(&c->irq);
		c->irq = -1;
	}
	/* After this no command of the pair reaches memory, answered or not. */
	c->b->ops->destroy(c->pair);
	c->pair = NULL;
	nvsr_back_queue_free(c->queue);
	c->queue = NULL;
	return rc;
}

/* --- messages ------------------------------------------------------------------------------------------------------------------- */

static int reply(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m, uint32_t size)
{
	struct nvsr_vhost_msg out = { .h = { m->h.request, VHOST_USER_VERSION | VHOST_USER_REPLY, size }, .p = m->p };

	return nvsr_vhost_send(c->sock, &out);
}

static int reply_u64(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m, uint64_t v)
{
	m->p.u64 = v;
	return reply(c, m, sizeof(v));
}

static int get_features(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	return reply_u64(c, m, FEATURES);
}

static int set_features(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	if (m->p.u64 & ~FEATURES || !(m->p.u64 & VIRTIO_F_VERSION_1) || c->queue)
		return -EINVAL;
	c->features = m->p.u64;
	return 0;
}

static int get_protocol(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	return reply_u64(c, m, PROTOCOL);
}

static int set_protocol(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	c->protocol = m->p.u64;
	return m->p.u64 & ~PROTOCOL ? -EINVAL : 0;
}

static int get_queue_num(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	return reply_u64(c, m, 1);
}

/* Nothing to do: one front end owns a connection from its beginning to its end. */
static int set_owner(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	return 0;
}

static int reset_owner(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	c->ring.enabled = false;
	return stop(c);
}

static int set_mem_table(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	int rc = stop(c);

	if (rc)
		return rc;
	nvsr_back_memory_unmap(c->b->ops, c->b->disk->dev, &c->memory);
	rc = nvsr_back_memory_map(c->b->ops, c->b->disk->dev, m, &c->memory);
	return rc ? rc : start(c);
}

static int set_vring_num(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	uint32_t num = m->p.state.num;

	if (m->p.state.index || num < 2 || num > VIRTQ_SIZE_MAX || num & (num - 1) || c->queue)
		return -EINVAL;
	c->ring.num = num;
	return 0;
}

static int set_vring_addr(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	int rc = m->p.addr.index ? -EINVAL : stop(c);

	if (rc)
		return rc;
	c->ring.addr = m->p.addr;
	c->ring.placed = true;
	return start(c);
}

static int set_vring_base(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	if (m->p.state.index || m->p.state.num > UINT16_MAX || c->queue)
		return -EINVAL;
	c->ring.at = (uint16_t)m->p.state.num;
	return 0;
}

/* The end of the queue, until it gets a kick eventfd again. */
static int get_vring_base(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	int rc = m->p.state.index ? -EINVAL : stop(c);

	if (rc)
		return rc;
	nvsr_closep(&c->ring.kick);
	nvsr_closep(&c->ring.call);
	c->ring.kick = c->ring.call = -1;
	m->p.state.num = c->ring.at;
	return reply(c, m, sizeof(m->p.state));
}

/* Its descriptor, which must not block us; -1 when it comes without. */
static int take_fd(struct nvsr_vhost_msg *m, int *ret)
{
	bool none = m->p.u64 & VHOST_USER_VRING_NOFD;

	if (m->p.u64 & VHOST_USER_VRING_MASK || m->fds != !none)
		return -EINVAL;
	*ret = -1;
	if (none)
		return 0;
	*ret = m->fd[0];
	m->fds = 0;
	return fcntl(*ret, F_SETFL, O_NONBLOCK) ? -errno : 0;
}

static int set_vring_kick(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	int rc = stop(c);

	if (rc)
		return rc;
	nvsr_closep(&c->ring.kick);
	rc = take_fd(m, &c->ring.kick);
	return rc ? rc : start(c);
}

static int set_vring_call(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	int fd = -1, rc = take_fd(m, &fd);

	nvsr_closep(&c->ring.call);
	c->ring.call = fd;
	/* Calls that went to the old one, or to none. */
	if (!rc && c->queue)
		signal_fd(fd);
	return rc;
}

static int set_vring_err(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	nvsr_closep(&c->ring.err);
	return take_fd(m, &c->ring.err);
}

static int set_vring_enable(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	if (m->p.state.index || m->p.state.num > 1)
		return -EINVAL;
	c->ring.enabled = m->p.state.num;
	return c->ring.enabled ? start(c) : stop(c);
}

static int get_config(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	const struct nvsr_back_disk *d = c->b->disk;
	const struct virtio_blk_config config = {
		.capacity = le64(d->blocks * (d->block / VIRTIO_BLK_SECTOR)), .blk_size = le32(d->block), .num_queues = le16(1),
		.size_max = le32(SIZE_MAX_BYTES - SIZE_MAX_BYTES % d->block), .seg_max = le32(NVSR_BACK_SEGS_MAX),
	};
	struct vhost_user_config *p = &m->p.config;
	uint8_t all[VHOST_USER_CONFIG_MAX] = { 0 };

	if (m->h.size < VHOST_USER_CONFIG_HEAD || p->offset >= sizeof(all) || p->size > sizeof(all) - p->offset)
		return -EINVAL;
	memcpy(all, &config, sizeof(config));
	memcpy(p->data, all + p->offset, p->size);
	return reply(c, m, VHOST_USER_CONFIG_HEAD + p->size);
}

/* size: bytes of payload, at least. */
static const struct { int (*fn)(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m); uint32_t size; bool replies; } handlers[] = {
	[VHOST_USER_GET_FEATURES] = { get_features, 0, true }, [VHOST_USER_SET_FEATURES] = { set_features, 8, false },
	[VHOST_USER_SET_OWNER] = { set_owner, 0, false }, [VHOST_USER_RESET_OWNER] = { reset_owner, 0, false },
	[VHOST_USER_SET_MEM_TABLE] = { set_mem_table, 8, false }, [VHOST_USER_SET_VRING_NUM] = { set_vring_num, 8, false },
	[VHOST_USER_SET_VRING_ADDR] = { set_vring_addr, 40, false }, [VHOST_USER_SET_VRING_BASE] = { set_vring_base, 8, false },
	[VHOST_USER_GET_VRING_BASE] = { get_vring_base, 8, true }, [VHOST_USER_SET_VRING_KICK] = { set_vring_kick, 8, false },
	[VHOST_USER_SET_VRING_CALL] = { set_vring_call, 8, false }, [VHOST_USER_SET_VRING_ERR] = { set_vring_err, 8, false },
	[VHOST_USER_GET_PROTOCOL_FEATURES] = { get_protocol, 0, true },
	[VHOST_USER_SET_PROTOCOL_FEATURES] = { set_protocol, 8, false }, [VHOST_USER_GET_QUEUE_NUM] = { get_queue_num, 0, true },
	[VHOST_USER_SET_VRING_ENABLE] = { set_vring_enable, 8, false }, [VHOST_USER_GET_CONFIG] = { get_config, 0, true },
};

static int obey(struct nvsr_back_conn *c, struct nvsr_vhost_msg *m)
{
	bool ack = m->h.flags & VHOST_USER_NEED_REPLY && c->protocol & VHOST_USER_PROTOCOL_F_REPLY_ACK;
	int rc;

	if (m->h.request >= NVSR_ARRAY_SIZE(handlers) || !handlers[m->h.request].fn || m->h.size < handlers[m->h.request].size)
		return -EPROTO;
	rc = handlers[m->h.request].fn(c, m);
	if (handlers[m->h.request].replies || !ack)
		return rc;
	return reply_u64(c, m, rc != 0);
}

int nvsr_back_conn_hear(struct nvsr_back_conn *c)
{
	/* Not for ever: the socket stays readable, and others are waiting. */
	for (unsigned i = 0; i < MESSAGES_MAX; i++) {
		int rc = nvsr_vhost_recv(c->sock, &c->in);

		if (rc <= 0)
			return rc;
		rc = obey(c, &c->in);
		nvsr_vhost_close_fds(&c->in);
		c->in = (struct nvsr_vhost_msg){ 0 };
		if (rc)
			return rc;
	}
	return 0;
}

struct nvsr_back_conn *nvsr_back_conn_new(struct nvsr_back *b, int sock, unsigned number)
{
	struct nvsr_back_conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->b = b;
	c->number = number;
	c->sock = sock;
	c->irq = c->ring.kick = c->ring.call = c->ring.err = -1;
	if (nvsr_back_watch(b->epoll, sock, NVSR_BACK_SOCKET, number)) {
		free(c);
		return NULL;
	}
	return c;
}

void nvsr_back_conn_free(struct nvsr_back_conn *c)
{
	if (!c)
		return;
	/* The front end learns it at once; it may take a while to let go of all. */
	shutdown(c->sock, SHUT_RDWR);
	stop(c);
	nvsr_back_memory_unmap(c->b->ops, c->b->disk->dev, &c->memory);
	nvsr_vhost_close_fds(&c->in);
	nvsr_closep(&c->ring.kick);
	nvsr_closep(&c->ring.call);
	nvsr_closep(&c->ring.err);
	close(c->sock);
	free(c);
}
