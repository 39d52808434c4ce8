// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Serving the model: one thread answers requests, device threads look at doorbells.  Device threads share the model; whoever
 * needs it alone - every request, and the commands that nvsr_model_poll() leaves - waits until all of them have stepped aside.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/time.h"
#include "device/private.h"
#include "device/serve.h"
#include "device/wire.h"
#include "model/model.h"

#define BELLS_BYTES 65536u		/* doorbells of a function, and struct nvsr_wire_bell at the end */
#define BELL_WORDS ((BELLS_BYTES - (unsigned)sizeof(struct nvsr_wire_bell)) / 4)
#define VECTORS 256u
#define QUEUES 256u
#define BATCH 32u			/* commands of one queue before the next has its turn */
#define CALM_NS (20 * NVSR_MS)		/* without work for so long a device thread goes to sleep */
#define TICK_MS 1			/* between looks at what is due by itself */
#define NAP_MS 1000			/* the longest sleep */

struct map {
	struct map *next;
	uint64_t iova;
	void *ptr;
	size_t len;
};

struct function {
	struct nvsr_dev *d;
	int sock;			/* -1: nobody is connected */
	struct thread *thread;
	uint32_t *bells;
	int bells_fd;
	struct map *maps;
	int irq[VECTORS];		/* eventfds, -1 none */
	bool queue[QUEUES];		/* PF: I/O queues of whoever is connected */
};

struct server;
struct thread {
	struct server *s;
	pthread_t id;
	bool started;
	int cpu, kick;
	uint64_t commands, wakeups, sleeps;
};

struct server {
	const struct nvsr_serve_options *o;
	struct nvsr_model *model;
	uint64_t epoch;			/* the machine's time when the model's was 0 */
	struct function *fn;		/* [0] PF */
	unsigned count;
	struct thread *thread;
	unsigned threads;
	bool quit;
	uint64_t interrupts;
	/* Readers are device threads, which look at @waiting once a round. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned inside, waiting;
	bool taken;
	bool due;			/* something of the model waits for time to pass, as it was when it was last left */
	int tick;			/* an eventfd: that began */
};

/* --- who is in the model ------------------------------------------------------------------------------------------------ */

static void step_in(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->waiting)
		pthread_cond_wait(&s->changed, &s->lock);
	s->inside++;
	pthread_mutex_unlock(&s->lock);
}

static void step_out(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->inside--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static void take(struct server *s)
{
	uint64_t now;

	pthread_mutex_lock(&s->lock);
	__atomic_add_fetch(&s->waiting, 1, __ATOMIC_RELAXED);
	while (s->inside || s->taken)
		pthread_cond_wait(&s->changed, &s->lock);
	s->taken = true;
	pthread_mutex_unlock(&s->lock);
	now = nvsr_now_ns() - s->epoch;
	if (now > nvsr_model_now(s->model))
		nvsr_model_advance(s->model, now - nvsr_model_now(s->model));
}

/* An eventfd that cannot take one more has told already. */
static bool poke(int fd)
{
	const uint64_t one = 1;

	return write(fd, &one, sizeof(one)) == sizeof(one);
}

/* Whoever leaves something behind that time will finish tells the thread that looks at the clock. */
static void give(struct server *s)
{
	bool due = nvsr_model_due(s->model) != UINT64_MAX;

	if (!__atomic_exchange_n(&s->due, due, __ATOMIC_RELAXED) && due)
		poke(s->tick);
	pthread_mutex_lock(&s->lock);
	s->taken = false;
	__atomic_sub_fetch(&s->waiting, 1, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* --- device threads ------------------------------------------------------------------------------------------------------ */

static struct nvsr_wire_bell *bell(const struct function *f)
{
	return (struct nvsr_wire_bell *)(void *)(f->bells + BELL_WORDS);
}

static bool mine(const struct function *f, const struct thread *t)
{
	return f->bells && f->thread == t;
}

/* One look at every function of this thread; the model is shared. */
static unsigned look(struct thread *t)
{
	struct server *s = t->s;
	unsigned done = 0;

	for (unsigned i = 0; i < s->count; i++) {
		struct function *f = &s->fn[i];
		bool alone;

		if (!mine(f, t))
			continue;
		done += nvsr_model_poll(s->model, f->d->rid, BATCH, false, &alone);
		if (!alone)
			continue;
		step_out(s);
		take(s);
		if (mine(f, t))
			done += nvsr_model_poll(s->model, f->d->rid, BATCH, true, &alone);
		give(s);
		step_in(s);
	}
	return done;
}

static void set_asleep(struct thread *t, uint32_t asleep)
{
	for (unsigned i = 0; i < t->s->count; i++)
		if (mine(&t->s->fn[i], t))
			__atomic_store_n(&bell(&t->s->fn[i])->asleep, asleep, __ATOMIC_SEQ_CST);
}

static bool rung(struct thread *t)
{
	for (unsigned i = 0; i < t->s->count; i++)
		if (mine(&t->s->fn[i], t) && nvsr_model_rung(t->s->model, t->s->fn[i].d->rid))
			return true;
	return false;
}

/* What is rung before the bell is set is seen by the look after it; what comes later finds it set. */
static void nap(struct thread *t)
{
	struct pollfd p = { .fd = t->kick, .events = POLLIN };
	uint64_t kicks;

	set_asleep(t, 1);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!rung(t)) {
		step_out(t->s);
		__atomic_add_fetch(&t->sleeps, 1, __ATOMIC_RELAXED);
		if (poll(&p, 1, NAP_MS) > 0 && read(t->kick, &kicks, sizeof(kicks)) > 0)
			__atomic_add_fetch(&t->wakeups, 1, __ATOMIC_RELAXED);
		step_in(t->s);
	}
	set_asleep(t, 0);
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *device_thread(void *arg)
{
	struct thread *t = arg;
	struct server *s = t->s;
	unsigned spin = s->o->spin, empty = 0;
	uint64_t calm = 0;

	pin(t->cpu);
	step_in(s);
	while (!__atomic_load_n(&s->quit, __ATOMIC_RELAXED)) {
		unsigned done = look(t);

		if (__atomic_load_n(&s->waiting, __ATOMIC_RELAXED)) {
			step_out(s);
			step_in(s);
		}
		if (done) {
			__atomic_store_n(&t->commands, t->commands + done, __ATOMIC_RELAXED);
			empty = 0;
			calm = 0;
			continue;
		}
		if (++empty < spin)
			continue;
		empty = 0;
		if (spin)
			sched_yield();
		if (!calm)
			calm = nvsr_now_ns();
		if (!spin || nvsr_now_ns() - calm > CALM_NS)
			nap(t);
	}
	step_out(s);
	return NULL;
}

/* Messages arrive from whichever thread has the function. */
static void on_msi(void *arg, uint16_t rid, uint64_t addr, uint32_t vector)
{
	struct server *s = arg;
	for (unsigned i = 0; i < s->count; i++) {
		struct function *f = &s->fn[i];

		if (f->d->rid != rid || vector >= VECTORS || f->irq[vector] < 0)
			continue;
		if (poke(f->irq[vector]))
			__atomic_add_fetch(&s->interrupts, 1, __ATOMIC_RELAXED);
	}
}

/* --- requests; the model is ours alone ------------------------------------------------------------------------------------ */

static void drop_map(struct server *s, struct function *f, struct map **p)
{
	struct map *m = *p;

	*p = m->next;
	nvsr_model_unmap(s->model, f->d->domain, m->iova);
	munmap(m->ptr, m->len);
	free(m);
}

static void delete_queues(struct function *f)
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
static void leave(struct server *s, struct function *f)
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

static int make_bells(struct server *s, struct function *f)
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

static int hello(struct server *s, int sock, struct nvsr_wire *w, struct function **ret)
{
	struct function *f;
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

static int map(struct server *s, struct function *f, const struct nvsr_wire *w, int fd)
{
	struct map *m;
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
	*m = (struct map){ .next = f->maps, .iova = w->a, .ptr = ptr, .len = w->b };
	f->maps = m;
	return 0;
}

static int unmap(struct server *s, struct function *f, uint64_t iova)
{
	for (struct map **p = &f->maps; *p; p = &(*p)->next)
		if ((*p)->iova == iova) {
			drop_map(s, f, p);
			return 0;
		}
	return -ENOENT;
}

static int irq(struct function *f, uint64_t vector, int fd)
{
	if (vector >= VECTORS)
		return -EINVAL;
	if (f->irq[vector] >= 0)
		close(f->irq[vector]);
	f->irq[vector] = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return 0;
}

/* The PF's admin queue is ours: commands of whoever has its I/O queues go through it, and nothing but those. */
static int admin(struct function *f, struct nvsr_wire *w)
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

static void stats(const struct server *s, struct nvsr_served_stats *ret)
{
	*ret = (struct nvsr_served_stats){ .interrupts = __atomic_load_n(&s->interrupts, __ATOMIC_RELAXED) };
	for (unsigned i = 0; i < s->threads; i++) {
		ret->commands += __atomic_load_n(&s->thread[i].commands, __ATOMIC_RELAXED);
		ret->wakeups += __atomic_load_n(&s->thread[i].wakeups, __ATOMIC_RELAXED);
		ret->sleeps += __atomic_load_n(&s->thread[i].sleeps, __ATOMIC_RELAXED);
	}
}

static int access_width(uint64_t off, uint64_t len, uint64_t end)
{
	return (len == 1 || len == 2 || len == 4 || len == 8) && off % len == 0 && off < end && len <= end - off ? 0 : -EINVAL;
}

static int answer(struct server *s, struct function *f, struct nvsr_wire *w, int fd)
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

static struct function *by_sock(struct server *s, int sock)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->fn[i].sock == sock)
			return &s->fn[i];
	return NULL;
}

/* False when the connection is over. */
static bool serve_one(struct server *s, int sock)
{
	struct function *f = by_sock(s, sock);
	int fd[NVSR_WIRE_FDS], out[2], rc;
	struct nvsr_wire w;
	unsigned n = 0, give_fds = 0;
	bool over = false;

	if (nvsr_wire_receive(sock, &w, fd, &n))
		return false;
	if (w.op == NVSR_WIRE_STATS) {
		stats(s, &w.stats);
		rc = 0;
	} else {
		take(s);
		if (f && w.op != NVSR_WIRE_HELLO)
			rc = answer(s, f, &w, n ? fd[0] : -1);
		else
			rc = f || w.op != NVSR_WIRE_HELLO ? -EPROTO : hello(s, sock, &w, &f);
		over = !f && rc;
		give(s);
	}
	while (n)
		close(fd[--n]);
	if (w.op == NVSR_WIRE_HELLO && !rc) {
		/* A thread that sleeps does not know of these doorbells, and whoever rings them not of its sleep. */
		poke(f->thread->kick);
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

static void forget(struct server *s, struct watch *w, unsigned i)
{
	struct function *f = by_sock(s, w->fd[i].fd);

	if (f) {
		take(s);
		leave(s, f);
		give(s);
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
static void requests(struct server *s, struct watch *w)
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
			take(s);
			give(s);
		}
		for (unsigned i = w->count; i-- > FIXED;)
			if (w->fd[i].revents && !serve_one(s, w->fd[i].fd))
				forget(s, w, i);
		if (w->fd[0].revents & POLLIN)
			greet(w);
	}
}

/* --- begin and end ------------------------------------------------------------------------------------------------------------ */

static int prepare(struct server *s)
{
	const struct nvsr_serve_options *o = s->o;

	s->fn = calloc(s->count, sizeof(*s->fn));
	s->thread = calloc(s->threads, sizeof(*s->thread));
	if (!s->fn || !s->thread)
		return -ENOMEM;
	for (unsigned i = 0; i < s->threads; i++) {
		s->thread[i] = (struct thread){ .s = s, .cpu = o->cpu ? o->cpu[i] : -1, .kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
		if (s->thread[i].kick < 0)
			return -errno;
	}
	for (unsigned i = 0; i < s->count; i++) {
		struct function *f = &s->fn[i];

		*f = (struct function){ .d = i ? o->vf[i - 1] : o->pf, .sock = -1, .bells_fd = -1, .thread = &s->thread[i % s->threads] };
		memset(f->irq, 0xff, sizeof(f->irq));
		/* Each VF reaches the memory of whoever has it, and no other. */
		if (i && nvsr_dma_own_domain(f->d))
			return -ENOMEM;
	}
	/* Of the PF we keep the admin queue alone. */
	if (o->pf->ctrl.io && nvsr_queue_destroy(o->pf->ctrl.io))
		return -EIO;
	nvsr_model_on_msi(s->model, on_msi, s);
	s->epoch = nvsr_now_ns() - nvsr_model_now(s->model);
	s->due = nvsr_model_due(s->model) != UINT64_MAX;
	return 0;
}

static int start(struct server *s)
{
	for (unsigned i = 0; i < s->threads; i++) {
		int rc = pthread_create(&s->thread[i].id, NULL, device_thread, &s->thread[i]);

		if (rc)
			return -rc;
		s->thread[i].started = true;
	}
	return 0;
}

static void stop(struct server *s)
{
	__atomic_store_n(&s->quit, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; s->thread && i < s->threads; i++) {
		if (s->thread[i].started) {
			poke(s->thread[i].kick);
			pthread_join(s->thread[i].id, NULL);
		}
		if (s->thread[i].kick > 0)
			close(s->thread[i].kick);
	}
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
	struct server s = {
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
		rc = start(&s);
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
