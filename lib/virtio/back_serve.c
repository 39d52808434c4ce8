// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One thread for all front ends.  Kick mode: it sleeps in epoll on sockets, kick eventfds and NVMe interrupts.  Poll mode: it
 * goes round all queues, and looks at the sockets now and then; it gives its CPU away after some empty rounds, because the
 * device that it waits for may need that CPU.
 */
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/time.h"
#include "virtio/back_conn.h"
#include "virtio/back_memory.h"
#include "virtio/back_serve.h"

#define CONNS_MAX 64u
#define EVENTS_MAX 64
#define ASK_MS 1000
#define EMPTY_MAX 64u		/* rounds before the CPU is given away */
#define LOOK_EVERY 4096u	/* rounds between looks at the sockets */

struct server {
	struct nvsr_back b;
	struct nvsr_back_stats own;	/* when nobody wants them */
	struct nvsr_back_conn *conn[CONNS_MAX];
	uint64_t more;			/* bits of connections that were not done when others had their turn */
	unsigned running;
	uint64_t asked, answered;	/* when the device was last looked after, and requests until then */
	int listen, signal;
	bool bound, end;
};

static void drop(struct server *s, unsigned i)
{
	nvsr_back_conn_free(s->conn[i]);
	s->conn[i] = NULL;
	s->more &= ~(1ull << i);
}

static void take_connection(struct server *s)
{
	int sock = accept4(s->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	unsigned i = 0;

	while (i < CONNS_MAX && s->conn[i])
		i++;
	if (sock >= 0 && i < CONNS_MAX)
		s->conn[i] = nvsr_back_conn_new(&s->b, sock, i);
	if (sock >= 0 && (i == CONNS_MAX || !s->conn[i]))
		close(sock);
}

static void serve(struct server *s, unsigned i)
{
	int rc = s->conn[i] && nvsr_back_conn_runs(s->conn[i]) ? nvsr_back_conn_serve(s->conn[i]) : 0;

	s->more &= ~(1ull << i);
	if (rc < 0)
		drop(s, i);
	else if (rc)
		s->more |= 1ull << i;
}

static void hear(struct server *s, unsigned i)
{
	if (s->conn[i] && nvsr_back_conn_hear(s->conn[i]))
		drop(s, i);
	if (!s->b.poll)
		serve(s, i);
	s->running = 0;
	for (unsigned k = 0; k < CONNS_MAX; k++)
		s->running += s->conn[k] && nvsr_back_conn_runs(s->conn[k]);
}

static void events(struct server *s, int ms)
{
	struct epoll_event e[EVENTS_MAX];
	int n = epoll_wait(s->b.epoll, e, EVENTS_MAX, ms);

	for (int k = 0; k < n; k++) {
		unsigned i = (unsigned)(e[k].data.u64 & UINT32_MAX);

		switch ((enum nvsr_back_event)(e[k].data.u64 >> 32)) {
		case NVSR_BACK_SIGNAL: s->end = true; break;
		case NVSR_BACK_LISTEN: take_connection(s); break;
		case NVSR_BACK_SOCKET: hear(s, i); break;
		case NVSR_BACK_KICK: s->b.stats->kicks++; serve(s, i); break;
		case NVSR_BACK_PAIR: serve(s, i); break;
		}
	}
}

/* Requests wait, and none was answered for a while: is the device still there?  If not, front ends must know. */
static void look_after_device(struct server *s)
{
	uint64_t now = nvsr_now_ns(), answered = s->b.stats->requests;
	unsigned busy = 0;

	if (now - s->asked < ASK_MS * NVSR_MS)
		return;
	s->asked = now;
	for (unsigned i = 0; i < CONNS_MAX; i++)
		busy += s->conn[i] ? nvsr_back_conn_busy(s->conn[i]) : 0;
	s->b.gone |= busy && answered == s->answered && !s->b.ops->alive(s->b.disk->dev);
	s->answered = answered;
}

static void kick_loop(struct server *s)
{
	while (!s->end && !s->b.gone) {
		events(s, s->more ? 0 : s->running ? ASK_MS : -1);
		look_after_device(s);
		for (unsigned i = 0; s->more && i < CONNS_MAX; i++)
			if (s->more & 1ull << i)
				serve(s, i);
	}
}

static bool round_all(struct server *s)
{
	bool any = false;

	for (unsigned i = 0, seen = 0; seen < s->running && i < CONNS_MAX; i++) {
		int rc;

		if (!s->conn[i] || !nvsr_back_conn_runs(s->conn[i]))
			continue;
		seen++;
		rc = nvsr_back_conn_round(s->conn[i]);
		any |= rc > 0;
		if (rc < 0) {
			drop(s, i);
			s->running--;
			seen--;
		}
	}
	return any;
}

static void poll_loop(struct server *s)
{
	unsigned empty = 0;

	for (unsigned turn = 0; !s->end && !s->b.gone; turn++) {
		if (!s->running || turn % LOOK_EVERY == 0) {
			events(s, s->running ? 0 : -1);
			look_after_device(s);
		}
		if (round_all(s)) {
			empty = 0;
			continue;
		}
		s->b.stats->polls_empty++;
		if (++empty % EMPTY_MAX == 0)
			sched_yield();
	}
}

/* --- beginning ---------------------------------------------------------------------------------------------------------------- */

static int say(struct nvsr_complaint *c, int rc, const char *what, const char *name)
{
	if (c && rc)
		snprintf(c->text, sizeof(c->text), "%s %s: %s", what, name, strerror(rc < 0 ? -rc : EIO));
	return rc;
}

static int listen_at(struct server *s, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path));
	s->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen < 0 || bind(s->listen, (const struct sockaddr *)&at, sizeof(at)))
		return -errno;
	s->bound = true;
	if (listen(s->listen, CONNS_MAX))
		return -errno;
	return nvsr_back_watch(s->b.epoll, s->listen, NVSR_BACK_LISTEN, 0);
}

/* The parent's death comes as SIGTERM; when it was dead before we asked for that, nobody is left to serve. */
static int take_process(struct server *s, int cpu)
{
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	s->signal = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal < 0)
		return -errno;
	if (cpu >= 0) {
		cpu_set_t one;

		CPU_ZERO(&one);
		CPU_SET((unsigned)cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one))
			return -errno;
	}
	rc = nvsr_back_memory_catch();
	return rc ? rc : nvsr_back_watch(s->b.epoll, s->signal, NVSR_BACK_SIGNAL, 0);
}

int nvsr_back_serve(const struct nvsr_back_options *o, const struct nvsr_back_ops *ops, const struct nvsr_back_disk *disk,
		    struct nvsr_complaint *complaint)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	s->b = (struct nvsr_back){ .ops = ops, .disk = disk, .qid_first = o->qid_first, .poll = o->poll,
				   .stats = o->stats ? o->stats : &s->own };
	s->listen = s->signal = -1;
	s->b.epoll = epoll_create1(EPOLL_CLOEXEC);
	rc = s->b.epoll < 0 ? -errno : take_process(s, o->cpu);
	rc = say(complaint, rc, "signals or CPU for", o->socket);
	rc = rc ? rc : say(complaint, listen_at(s, o->socket), "socket", o->socket);
	if (!rc && o->ready_fd >= 0 && write(o->ready_fd, "", 1) != 1)
		rc = say(complaint, -errno, "telling that there is", o->socket);
	if (!rc)
		(o->poll ? poll_loop : kick_loop)(s);
	if (s->b.gone)
		rc = say(complaint, -ENODEV, "the device is gone, and with it", o->socket);
	for (unsigned i = 0; i < CONNS_MAX; i++)
		drop(s, i);
	if (s->bound)
		unlink(o->socket);
	nvsr_closep(&s->listen);
	nvsr_closep(&s->signal);
	nvsr_closep(&s->b.epoll);
	free(s);
	return rc;
}
