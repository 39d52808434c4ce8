// SPDX-License-Identifier: GPL-2.0-or-later
/* Serving the model: one thread answers requests, device threads (serve_thread.c) look at doorbells. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/time.h"
#include "device/serve.h"
#include "device/serve_private.h"

#define TICK_MS 1			/* between looks at what is due by itself */

/* --- requests; the model is ours alone ------------------------------------------------------------------------------------ */

static void drop_map(struct nvsr_server *s, struct nvsr_server_function *f, struct nvsr_server_map **p)
{
	struct nvsr_server_map *m = *p;

	*p = m->next;
	nvsr_model_unmap(s->model, f->d->domain, m->iova);
	munmap(m->ptr, m->len);
	free(m);
}

static void delete_queues(struct nvsr_server_function *f)
{
	for (unsigned qid = 1; qid < QUEUES; qid++) {
		struct nvsr_cmd sq = { .opcode = NVME_ADMIN_DELETE_SQ, .cdw10 = qid }, cq = { .opcode = NVME_ADMIN_DELETE_CQ, .cdw10 = qid };

		if (!f->queue[qid])
			continue;
		f->d->ops->admin(f->d, &sq);
		f->d->ops->admin(f->d, &cq);
		f->queue[qid] = false;
	}
}

/* Nobody is connected any more: the function is as it was. */
static void leave(struct nvsr_server *s, struct nvsr_server_function *f)
{
	if (f->d->vfn)
		f->d->ops->bar_write(f->d, 0, NVME_REG_CC, 4, 0);
	else
		delete_queues(f);
	nvsr_model_share_doorbells(s->model, f->d->rid, NULL, 0);
	while (f->maps)
		drop_map(s, f, &f->maps);
	for (unsigned v = 0; v < VECTORS; v++) {
		if (f->irq[v] >= 0)
			close(f->irq[v]);
		f->irq[v] = -1;
	}
	if (f->bells)
		munmap(f->bells, BELLS_BYTES);
	if (f->bells_fd >= 0)
		close(f->bells_fd);
	f->bells = NULL;
	f->bells_fd = -1;
	close(f->sock);
	f->sock = -1;
}

static int make_bells(struct nvsr_server *s, struct nvsr_server_function *f)
{
	uint32_t *bells = MAP_FAILED;
	int fd = memfd_create("doorbells", MFD_CLOEXEC | MFD_ALLOW_SEALING), rc = 0;

	if (fd < 0 || ftruncate(fd, BELLS_BYTES) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		rc = -errno;
	if (!rc)
		bells = mmap(NULL, BELLS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!rc && bells == MAP_FAILED)
		rc = -errno;
	if (!rc)
		rc = nvsr_model_share_doorbells(s->model, f->d->rid, bells, BELL_WORDS);
	if (rc) {
		if (bells != MAP_FAILED)
			munmap(bells, BELLS_BYTES);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	f->bells = bells;
	f->bells_fd = fd;
	return 0;
}

static int hello(struct nvsr_server *s, int sock, struct nvsr_wire *w, struct nvsr_server_function **ret)
{
	struct nvsr_server_function *f;
	int rc;

	if (w->a != NVSR_WIRE_VERSION)
		return -EPROTO;
	if (w->b >= s->count)
		return -ENODEV;
	f = &s->fn[w->b];
	if (f->sock >= 0)
		return -EBUSY;
	rc = make_bells(s, f);
	if (rc)
		return rc;
	f->sock = sock;
	w->a = f->d->rid;
	w->b = BELLS_BYTES;
	*ret = f;
	return 0;
}

/* Where a file was cut off, an access raises SIGBUS: ours has to be long enough, and to stay so. */
static int lasts(int fd, uint64_t offset, uint64_t len)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return -EPERM;
	if (fstat(fd, &st))
		return -errno;
	return offset <= (uint64_t)st.st_size && len <= (uint64_t)st.st_size - offset ? 0 : -EINVAL;
}

static int map(struct nvsr_server *s, struct nvsr_server_function *f, const struct nvsr_wire *w, int fd)
{
	struct nvsr_server_map *m;
	void *ptr;
	int rc;

	if (fd < 0)
		return -EBADF;
	rc = lasts(fd, w->c, w->b);
	if (rc)
		return rc;
	ptr = mmap(NULL, w->b, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)w->c);
	if (ptr == MAP_FAILED)
		return -errno;
	rc = nvsr_model_map(s->model, f->d->domain, w->a, ptr, w->b);
	m = rc ? NULL : calloc(1, sizeof(*m));
	if (!m) {
		if (!rc)
			nvsr_model_unmap(s->model, f->d->domain, w->a);
		munmap(ptr, w->b);
		return rc ? rc : -ENOMEM;
	}
	*m = (struct nvsr_server_map){ .next = f->maps, .iova = w->a, .ptr = ptr, .len = w->b };
	f->maps = m;
	return 0;
}

static int unmap(struct nvsr_server *s, struct nvsr_server_function *f, uint64_t iova)
{
	for (struct nvsr_server_map **p = &f->maps; *p; p = &(*p)->next)
		if ((*p)->iova == iova) {
			drop_map(s, f, p);
			return 0;
		}
	return -ENOENT;
}

static int irq(struct nvsr_server_function *f, uint64_t vector, int fd)
{
	if (vector >= VECTORS)
		return -EINVAL;
	if (f->irq[vector] >= 0)
		close(f->irq[vector]);
	f->irq[vector] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return 0;
}

/* The PF's admin queue is ours: commands of whoever has its I/O queues go through it, and nothing but those. */
static int admin(struct nvsr_server_function *f, struct nvsr_wire *w)
{
	const struct nvme_sqe *e = &w->sqe;
	struct nvsr_cmd c = {
		.opcode = e->opcode, .nsid = le32_get(e->nsid), .cdw10 = le32_get(e->cdw10), .cdw11 = le32_get(e->cdw11),
		.cdw12 = le32_get(e->cdw12), .cdw13 = le32_get(e->cdw13), .cdw14 = le32_get(e->cdw14), .cdw15 = le32_get(e->cdw15),
		.data = w->a && !w->b ? w->data : NULL, .data_len = w->b ? 0 : (uint32_t)w->a,
	};
	unsigned qid = c.cdw10 & 0xffff;
	int rc;

	if (f->d->vfn || w->a > NVSR_WIRE_DATA)
		return -EINVAL;
	switch (c.opcode) {
	case NVME_ADMIN_IDENTIFY: case NVME_ADMIN_GET_LOG: case NVME_ADMIN_GET_FEATURES:
		break;
	case NVME_ADMIN_CREATE_CQ: case NVME_ADMIN_CREATE_SQ: case NVME_ADMIN_DELETE_CQ: case NVME_ADMIN_DELETE_SQ:
		if (qid >= QUEUES)
			return -EINVAL;
		break;
	default:
		return -EPERM;
	}
	rc = w->b ? nvsr_ctrl_admin_prp(f->d, &c, le64_get(e->prp1)) : f->d->ops->admin(f->d, &c);
	if (!rc && c.opcode == NVME_ADMIN_CREATE_SQ)
		f->queue[qid] = true;
	if (!rc && c.opcode == NVME_ADMIN_DELETE_SQ)
		f->queue[qid] = false;
	w->a = c.dw0;
	w->b = c.dw1;
	return rc;
}

static int access_width(uint64_t off, uint64_t len, uint64_t end)
{
	return (len == 1 || len == 2 || len == 4 || len == 8) && off % len == 0 && off < end && len <= end - off ? 0 : -EINVAL;
}

static int answer(struct nvsr_server *s, struct nvsr_server_function *f, struct nvsr_wire *w, int fd)
{
	const struct nvsr_dev_ops *ops = f->d->ops;
	uint32_t val = 0;
	int rc = 0;

	switch (w->op) {
	case NVSR_WIRE_CFG_READ:
		rc = access_width(w->a, w->b, PCI_CFG_SIZE);
		rc = rc ? rc : ops->cfg_read(f->d->pf, f->d->rid, (unsigned)w->a, (unsigned)w->b, &val);
		w->a = val;
		return rc;
	case NVSR_WIRE_CFG_WRITE:
		/* The PF is everybody's. */
		rc = f->d->vfn ? access_width(w->a, w->b, PCI_CFG_SIZE) : -EPERM;
		return rc ? rc : ops->cfg_write(f->d, (unsigned)w->a, (unsigned)w->b, (uint32_t)w->c);
	case NVSR_WIRE_BAR_READ:
		rc = access_width(w->a, w->b, UINT64_MAX);
		return rc ? rc : ops->bar_read(f->d, 0, w->a, (unsigned)w->b, &w->a);
	case NVSR_WIRE_BAR_WRITE:
		rc = f->d->vfn ? access_width(w->a, w->b, UINT64_MAX) : -EPERM;
		return rc ? rc : ops->bar_write(f->d, 0, w->a, (unsigned)w->b, w->c);
	case NVSR_WIRE_MAP: return map(s, f, w, fd);
	case NVSR_WIRE_UNMAP: return unmap(s, f, w->a);
	case NVSR_WIRE_IRQ: return irq(f, w->a, fd);
	case NVSR_WIRE_ADMIN: return admin(f, w);
	case NVSR_WIRE_FLR: return f->d->vfn ? ops->reset(f->d, NVSR_RESET_FLR) : -EPERM;
	default: return -ENOTSUP;
	}
}

static struct nvsr_server_function *by_sock(struct nvsr_server *s, int sock)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->fn[i].sock == sock)
			return &s->fn[i];
	return NULL;
}

/* False when the connection is over. */
static bool serve_one(struct nvsr_server *s, int sock)
{
	struct nvsr_server_function *f = by_sock(s, sock);
	int fd[NVSR_WIRE_FDS], out[2], rc;
	struct nvsr_wire w;
	unsigned n = 0, give_fds = 0;
	bool over = false;

	if (nvsr_wire_receive(sock, &w, fd, &n))
		return false;
	if (w.op == NVSR_WIRE_STATS) {
		nvsr_server_stats(s, &w.stats);
		rc = 0;
	} else {
		nvsr_server_take(s);
		if (f && w.op != NVSR_WIRE_HELLO)
			rc = answer(s, f, &w, n ? fd[0] : -1);
		else
			rc = f || w.op != NVSR_WIRE_HELLO ? -EPROTO : hello(s, sock, &w, &f);
		over = !f && rc;
		nvsr_server_give(s);
	}
	while (n)
		close(fd[--n]);
	if (w.op == NVSR_WIRE_HELLO && !rc) {
		/* A thread that sleeps does not know of these doorbells, and whoever rings them not of its sleep. */
		nvsr_server_poke(f->thread->kick);
		out[0] = f->bells_fd;
		out[1] = f->thread->kick;
		give_fds = 2;
	}
	w.rc = rc;
	return !nvsr_wire_send(sock, &w, w.op == NVSR_WIRE_ADMIN ? sizeof(w) : NVSR_WIRE_SHORT, out, give_fds) && !over;
}

/* --- the socket ------------------------------------------------------------------------------------------------------------- */

static int listen_at(const char *path)
{
	struct sockaddr_un a;
	int sock = nvsr_wire_socket(path, &a);

	if (sock < 0)
		return sock;
	if (bind(sock, (struct sockaddr *)(void *)&a, sizeof(a)) || listen(sock, 64)) {
		int rc = -errno;

		close(sock);
		return rc;
	}
	return sock;
}

struct watch { struct pollfd *fd; unsigned count, cap; };

static bool watch(struct watch *w, int fd)
{
	if (w->count == w->cap) {
		unsigned cap = w->cap ? w->cap * 2 : 16;
		struct pollfd *p = realloc(w->fd, cap * sizeof(*p));

		if (!p)
			return false;
		w->fd = p;
		w->cap = cap;
	}
	w->fd[w->count++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	return true;
}

static void forget(struct nvsr_server *s, struct watch *w, unsigned i)
{
	struct nvsr_server_function *f = by_sock(s, w->fd[i].fd);

	if (f) {
		nvsr_server_take(s);
		leave(s, f);
		nvsr_server_give(s);
	} else {
		close(w->fd[i].fd);
	}
	w->fd[i] = w->fd[--w->count];
}

static void greet(struct watch *w)
{
	int sock = accept4(w->fd[0].fd, NULL, NULL, SOCK_CLOEXEC);

	if (sock >= 0 && !watch(w, sock))
		close(sock);
}

/* [0] listens, [1] tells of signals, [2] that the clock has to be looked at, then connections. */
#define FIXED 3u
static void requests(struct nvsr_server *s, struct watch *w)
{
	for (;;) {
		bool due = __atomic_load_n(&s->due, __ATOMIC_RELAXED);
		uint64_t ticks;

		if (poll(w->fd, w->count, due ? TICK_MS : -1) < 0 && errno != EINTR)
			return;
		if (w->fd[1].revents)
			return;
		if (w->fd[2].revents && read(s->tick, &ticks, sizeof(ticks)) > 0)
			due = true;
		if (due) {
			nvsr_server_take(s);
			nvsr_server_give(s);
		}
		for (unsigned i = w->count; i-- > FIXED;)
			if (w->fd[i].revents && !serve_one(s, w->fd[i].fd))
				forget(s, w, i);
		if (w->fd[0].revents & POLLIN)
			greet(w);
	}
}

/* --- begin and end ------------------------------------------------------------------------------------------------------------ */

static int prepare(struct nvsr_server *s)
{
	const struct nvsr_serve_options *o = s->o;

	s->fn = calloc(s->count, sizeof(*s->fn));
	s->thread = calloc(s->threads, sizeof(*s->thread));
	if (!s->fn || !s->thread)
		return -ENOMEM;
	for (unsigned i = 0; i < s->threads; i++) {
		s->thread[i] = (struct nvsr_server_thread){ .s = s, .cpu = o->cpu ? o->cpu[i] : -1,
							    .kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
		if (s->thread[i].kick < 0)
			return -errno;
	}
	for (unsigned i = 0; i < s->count; i++) {
		struct nvsr_server_function *f = &s->fn[i];

		*f = (struct nvsr_server_function){ .d = i ? o->vf[i - 1] : o->pf, .sock = -1, .bells_fd = -1,
						    .thread = &s->thread[i % s->threads] };
		memset(f->irq, 0xff, sizeof(f->irq));
		/* Each VF reaches the memory of whoever has it, and no other. */
		if (i && nvsr_dma_own_domain(f->d))
			return -ENOMEM;
	}
	/* Of the PF we keep the admin queue alone. */
	if (o->pf->ctrl.io && nvsr_queue_destroy(o->pf->ctrl.io))
		return -EIO;
	nvsr_model_on_msi(s->model, nvsr_server_msi, s);
	s->epoch = nvsr_now_ns() - nvsr_model_now(s->model);
	s->due = nvsr_model_due(s->model) != UINT64_MAX;
	return 0;
}

static void stop(struct nvsr_server *s)
{
	if (s->thread)
		nvsr_server_stop(s);
	free(s->thread);
	free(s->fn);
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &set, NULL))
		return -EINVAL;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

int nvsr_serve(const struct nvsr_serve_options *o)
{
	struct nvsr_server s = {
		.o = o, .model = nvsr_dev_model_of(o->pf), .count = 1 + o->vfs, .threads = NVSR_MAX(o->threads, 1u),
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .tick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	struct watch w = { 0 };
	int sock = listen_at(o->socket), rc = sock < 0 ? sock : 0, sig = signals();

	if (!rc)
		rc = prepare(&s);
	if (!rc && (sig < 0 || s.tick < 0 || !watch(&w, sock) || !watch(&w, sig) || !watch(&w, s.tick)))
		rc = -ENOMEM;
	if (!rc)
		rc = nvsr_server_start(&s);
	if (!rc && o->ready_fd >= 0) {
		if (write(o->ready_fd, "", 1) != 1)
			rc = -errno;
		close(o->ready_fd);
	}
	if (!rc)
		requests(&s, &w);
	while (w.count > FIXED)
		forget(&s, &w, w.count - 1);
	stop(&s);
	free(w.fd);
	if (s.tick >= 0)
		close(s.tick);
	if (sig >= 0)
		close(sig);
	if (sock >= 0) {
		close(sock);
		unlink(o->socket);
	}
	return rc;
}
