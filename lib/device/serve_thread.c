// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Threads that look at doorbells.  They share the model; whoever needs it alone - every request, and the commands that
 * nvsr_model_poll() leaves - waits until all of them have stepped aside.
 */
#include <poll.h>
#include <sched.h>

#include "base/time.h"
#include "device/serve.h"
#include "device/serve_private.h"

#define BATCH 32u			/* commands of one queue before the next has its turn */
#define CALM_NS (20 * NVSR_MS)		/* without work for so long a device thread goes to sleep */
#define NAP_MS 1000			/* the longest sleep */

/* --- who is in the model ------------------------------------------------------------------------------------------------ */

static void step_in(struct nvsr_server *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->waiting)
		pthread_cond_wait(&s->changed, &s->lock);
	s->inside++;
	pthread_mutex_unlock(&s->lock);
}

static void step_out(struct nvsr_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->inside--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

void nvsr_server_take(struct nvsr_server *s)
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
bool nvsr_server_poke(int fd)
{
	const uint64_t one = 1;

	return write(fd, &one, sizeof(one)) == sizeof(one);
}

/* Whoever leaves something behind that time will finish tells the thread that looks at the clock. */
void nvsr_server_give(struct nvsr_server *s)
{
	bool due = nvsr_model_due(s->model) != UINT64_MAX;

	if (!__atomic_exchange_n(&s->due, due, __ATOMIC_RELAXED) && due)
		nvsr_server_poke(s->tick);
	pthread_mutex_lock(&s->lock);
	s->taken = false;
	__atomic_sub_fetch(&s->waiting, 1, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* --- device threads ------------------------------------------------------------------------------------------------------ */

static struct nvsr_wire_bell *bell(const struct nvsr_server_function *f)
{
	return (struct nvsr_wire_bell *)(void *)(f->bells + BELL_WORDS);
}

static bool mine(const struct nvsr_server_function *f, const struct nvsr_server_thread *t)
{
	return f->bells && f->thread == t;
}

/* One look at every function of this thread; the model is shared. */
static unsigned look(struct nvsr_server_thread *t)
{
	struct nvsr_server *s = t->s;
	unsigned done = 0;

	for (unsigned i = 0; i < s->count; i++) {
		struct nvsr_server_function *f = &s->fn[i];
		bool alone;

		if (!mine(f, t))
			continue;
		done += nvsr_model_poll(s->model, f->d->rid, BATCH, false, &alone);
		if (!alone)
			continue;
		step_out(s);
		nvsr_server_take(s);
		if (mine(f, t))
			done += nvsr_model_poll(s->model, f->d->rid, BATCH, true, &alone);
		nvsr_server_give(s);
		step_in(s);
	}
	return done;
}

static void set_asleep(struct nvsr_server_thread *t, uint32_t asleep)
{
	for (unsigned i = 0; i < t->s->count; i++)
		if (mine(&t->s->fn[i], t))
			__atomic_store_n(&bell(&t->s->fn[i])->asleep, asleep, __ATOMIC_SEQ_CST);
}

static bool rung(struct nvsr_server_thread *t)
{
	for (unsigned i = 0; i < t->s->count; i++)
		if (mine(&t->s->fn[i], t) && nvsr_model_rung(t->s->model, t->s->fn[i].d->rid))
			return true;
	return false;
}

/* What is rung before the bell is set is seen by the look after it; what comes later finds it set. */
static void nap(struct nvsr_server_thread *t)
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
	struct nvsr_server_thread *t = arg;
	struct nvsr_server *s = t->s;
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
void nvsr_server_msi(void *arg, uint16_t rid, uint64_t addr, uint32_t vector)
{
	struct nvsr_server *s = arg;

	for (unsigned i = 0; i < s->count; i++) {
		struct nvsr_server_function *f = &s->fn[i];

		if (f->d->rid != rid || vector >= VECTORS || f->irq[vector] < 0)
			continue;
		if (nvsr_server_poke(f->irq[vector]))
			__atomic_add_fetch(&s->interrupts, 1, __ATOMIC_RELAXED);
	}
}

/* --- begin and end ------------------------------------------------------------------------------------------------------------ */

int nvsr_server_start(struct nvsr_server *s)
{
	for (unsigned i = 0; i < s->threads; i++) {
		int rc = pthread_create(&s->thread[i].id, NULL, device_thread, &s->thread[i]);

		if (rc)
			return -rc;
		s->thread[i].started = true;
	}
	return 0;
}

void nvsr_server_stop(struct nvsr_server *s)
{
	__atomic_store_n(&s->quit, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < s->threads; i++) {
		if (s->thread[i].started) {
			nvsr_server_poke(s->thread[i].kick);
			pthread_join(s->thread[i].id, NULL);
		}
		if (s->thread[i].kick > 0)
			close(s->thread[i].kick);
	}
}

void nvsr_server_stats(const struct nvsr_server *s, struct nvsr_served_stats *ret)
{
	*ret = (struct nvsr_served_stats){ .interrupts = __atomic_load_n(&s->interrupts, __ATOMIC_RELAXED) };
	for (unsigned i = 0; i < s->threads; i++) {
		ret->commands += __atomic_load_n(&s->thread[i].commands, __ATOMIC_RELAXED);
		ret->wakeups += __atomic_load_n(&s->thread[i].wakeups, __ATOMIC_RELAXED);
		ret->sleeps += __atomic_load_n(&s->thread[i].sleeps, __ATOMIC_RELAXED);
	}
}
