// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processes of a run: the device, which holds the model, and a back end for each VM of the paths that have one.  All are
 * children that end with us, however we end, and none of them gets the terminal's Ctrl-C.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runners/perf/perf.h"

#define START_NS (120 * NVSR_S)		/* for a device, which writes its namespaces first */
#define BACK_NS (20 * NVSR_S)
#define PATIENCE_NS NVSR_S		/* between SIGTERM and SIGKILL */

struct nvsr_procs {
	struct nvsr_procs_options o;
	char folder[NVSR_TMP], device_socket[NVSR_TMP + 8], back_sockets[NVSR_TMP + 8];
	pid_t device, back[NVSR_VMS_MAX];
	unsigned backs;
	enum nvsr_back_end kind;
	struct nvsr_dev *watch;			/* a connection that only reads counters */
	struct nvsr_back_stats *stats;		/* of back ends, shared with them */
};

/* --- children ------------------------------------------------------------------------------------------------------------------ */

/* What a child does; its return is an error with *complaint, or 0 when it was told to end. */
typedef int (*child_fn)(struct nvsr_procs *p, unsigned nr, int ready_fd, struct nvsr_complaint *complaint);

static void be_child(struct nvsr_procs *p, unsigned nr, child_fn fn, pid_t parent, int ready, int said)
{
	struct nvsr_complaint complaint = { "" };
	int rc;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	rc = fn(p, nr, ready, &complaint);
	if (rc && !complaint.text[0])
		snprintf(complaint.text, sizeof(complaint.text), "%s", nvsr_rc_text(rc));
	if (rc && write(said, complaint.text, strlen(complaint.text)) < 0)
		rc = -EIO;
	_exit(rc ? 1 : 0);
}

/* Wait for the byte that says ready, or for the child's last words. */
static int await(int ready, int said, uint64_t until, struct nvsr_complaint *complaint)
{
	struct pollfd fd[2] = { { .fd = ready, .events = POLLIN }, { .fd = said, .events = POLLIN } };
	char byte;
	ssize_t n;

	while (!nvsr_stop && nvsr_now_ns() < until) {
		if (poll(fd, 2, 50) <= 0)
			continue;
		if (fd[0].revents & POLLIN && read(ready, &byte, 1) == 1)
			return 0;
		if (fd[1].revents) {
			n = read(said, complaint->text, sizeof(complaint->text) - 1);
			complaint->text[NVSR_MAX(n, 0)] = '\0';
			return -EIO;
		}
	}
	snprintf(complaint->text, sizeof(complaint->text), "%s", nvsr_stop ? "interrupted" : "is not ready in time");
	return nvsr_stop ? -EINTR : -ETIMEDOUT;
}

/* SIGTERM, a second of patience, SIGKILL. */
static void end(pid_t *pid)
{
	uint64_t until = nvsr_now_ns() + PATIENCE_NS;

	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	while (nvsr_now_ns() < until) {
		pid_t done = waitpid(*pid, NULL, WNOHANG);

		if (done == *pid || (done < 0 && errno == ECHILD)) {
			*pid = 0;
			return;
		}
		nvsr_sleep_ns(NVSR_MS, NULL);
	}
	kill(*pid, SIGKILL);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	*pid = 0;
}

static int start(struct nvsr_procs *p, unsigned nr, child_fn fn, uint64_t limit, pid_t *ret, struct nvsr_complaint *complaint)
{
	int ready[2] = { -1, -1 }, said[2] = { -1, -1 }, rc = 0;
	pid_t parent = getpid(), pid = -1;

	if (pipe2(ready, O_CLOEXEC) || pipe2(said, O_CLOEXEC))
		rc = -errno;
	fflush(NULL);
	if (!rc)
		pid = fork();
	if (!pid) {
		close(ready[0]);
		close(said[0]);
		be_child(p, nr, fn, parent, ready[1], said[1]);
	}
	if (!rc && pid < 0)
		rc = -errno;
	for (unsigned i = 0; i < 2; i++) {	/* the child's ends */
		int *fd = i ? &said[1] : &ready[1];

		if (*fd >= 0)
			close(*fd);
	}
	if (!rc) {
		setpgid(pid, pid);
		*ret = pid;
		rc = await(ready[0], said[0], nvsr_now_ns() + limit, complaint);
		if (rc)
			end(ret);
	}
	if (ready[0] >= 0)
		close(ready[0]);
	if (said[0] >= 0)
		close(said[0]);
	return rc;
}

/* --- the device -------------------------------------------------------------------------------------------------------------- */

static int be_device(struct nvsr_procs *p, unsigned nr, int ready_fd, struct nvsr_complaint *complaint)
{
	struct nvsr_load_device d;
	struct nvsr_serve_options o = {
		.socket = p->device_socket, .threads = p->o.placement->device.n, .cpu = p->o.placement->device.cpu, .spin = p->o.spin, .ready_fd = ready_fd,
	};
	int rc;

	nvsr_pin(&p->o.placement->device);
	rc = nvsr_load_open(&p->o.load, &d, complaint);
	if (rc)
		return rc;
	o.pf = d.pf;
	o.vf = d.vf;
	o.vfs = d.vfs;
	rc = nvsr_serve(&o);
	/* No tidying: all that is left is memory. */
	return rc;
}

static int start_device(struct nvsr_procs *p, struct nvsr_complaint *complaint)
{
	char where[96];
	int rc;

	unlink(p->device_socket);
	rc = start(p, 0, be_device, START_NS, &p->device, complaint);
	if (rc)
		return rc;
	snprintf(where, sizeof(where), "unix:%s", p->device_socket);
	rc = nvsr_dev_open(where, NULL, NULL, &p->watch, complaint);
	if (rc)
		end(&p->device);
	return rc;
}

static void stop_device(struct nvsr_procs *p)
{
	p->watch = nvsr_dev_close(p->watch);
	end(&p->device);
	unlink(p->device_socket);
}

/* --- back ends ---------------------------------------------------------------------------------------------------------------- */

static int be_back_end(struct nvsr_procs *p, unsigned nr, int ready_fd, struct nvsr_complaint *complaint)
{
	char socket[108], device[96];
	struct nvsr_back_options o = {
		.socket = socket, .device = device, .vfn = nr + 1, .nsid = nvsr_load_nsid(nr + 1), .qid_first = 1,
		.poll = p->kind == NVSR_BACK_END_POLL, .cpu = p->o.placement->back_end.cpu[0], .ready_fd = ready_fd,
		.stats = &p->stats[nr],
	};

	snprintf(socket, sizeof(socket), "%s%u", p->back_sockets, nr + 1);
	snprintf(device, sizeof(device), "unix:%s", p->device_socket);
	nvsr_pin(&p->o.placement->back_end);
	return nvsr_back_run(&o, complaint);
}

void nvsr_procs_drop_back_ends(struct nvsr_procs *p)
{
	char socket[108];

	for (unsigned i = 0; i < p->backs; i++) {
		end(&p->back[i]);
		snprintf(socket, sizeof(socket), "%s%u", p->back_sockets, i + 1);
		unlink(socket);
	}
	p->backs = 0;
	p->kind = NVSR_BACK_END_NONE;
}

static int want_back_ends(struct nvsr_procs *p, enum nvsr_back_end kind, unsigned vms, struct nvsr_complaint *complaint)
{
	struct nvsr_complaint why = { "" };
	int rc = 0;

	if (kind == NVSR_BACK_END_NONE)
		vms = 0;
	if (p->kind == kind && p->backs == vms)
		return 0;
	nvsr_procs_drop_back_ends(p);
	p->kind = kind;
	for (; !rc && p->backs < vms; p->backs += !rc)
		rc = start(p, p->backs, be_back_end, BACK_NS, &p->back[p->backs], &why);
	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "the back end of VM %u: %.400s", p->backs + 1,
			 why.text[0] ? why.text : "ended at once");
		nvsr_procs_drop_back_ends(p);
	}
	return rc;
}

/* --- all of them ------------------------------------------------------------------------------------------------------------------ */

/* NULL or malloc'd: how a process ended, if it did. */
static char *end_of(pid_t *pid, const char *what, unsigned nr)
{
	char number[24] = "";
	int status;

	if (*pid <= 0 || waitpid(*pid, &status, WNOHANG) != *pid)
		return NULL;
	*pid = 0;
	if (nr)
		snprintf(number, sizeof(number), " of VM %u", nr);
	if (WIFSIGNALED(status))
		return nvsr_asprintf("%s%s was ended by signal %d (%s)", what, number, WTERMSIG(status), strsignal(WTERMSIG(status)));
	return nvsr_asprintf("%s%s ended with exit code %d", what, number, WEXITSTATUS(status));
}

char *nvsr_procs_dead(struct nvsr_procs *p)
{
	char *dead = end_of(&p->device, "the process of the device", 0);

	for (unsigned i = 0; !dead && i < p->backs; i++)
		dead = end_of(&p->back[i], "the back end", i + 1);
	return dead;
}

int nvsr_procs_start(const struct nvsr_procs_options *o, struct nvsr_procs **ret, struct nvsr_complaint *complaint)
{
	struct nvsr_procs *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->o = *o;
	p->stats = mmap(NULL, NVSR_VMS_MAX * sizeof(*p->stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rc = p->stats == MAP_FAILED ? -errno : nvsr_tmp_make(NVSR_TMP_IO, p->folder);
	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "a folder for sockets in TMPDIR or /tmp: %s", strerror(-rc));
	} else {
		snprintf(p->device_socket, sizeof(p->device_socket), "%s/device", p->folder);
		snprintf(p->back_sockets, sizeof(p->back_sockets), "%s/back", p->folder);
		rc = start_device(p, complaint);
	}
	if (rc)
		nvsr_procs_stop(p);
	else
		*ret = p;
	return rc;
}

int nvsr_procs_ready(struct nvsr_procs *p, const struct nvsr_data_path *path, unsigned vms, struct nvsr_complaint *complaint)
{
	int rc = 0;

	free(nvsr_procs_dead(p));
	for (unsigned i = 0; i < p->backs; i++)
		if (p->back[i] <= 0 || p->device <= 0) {
			nvsr_procs_drop_back_ends(p);
			break;
		}
	if (p->device <= 0) {
		stop_device(p);
		rc = start_device(p, complaint);
	}
	return rc ? rc : want_back_ends(p, path->back_end, vms, complaint);
}

const char *nvsr_procs_device_socket(const struct nvsr_procs *p)
{
	return p->device_socket;
}

const char *nvsr_procs_back_sockets(const struct nvsr_procs *p)
{
	return p->back_sockets;
}

const pid_t *nvsr_procs_device(const struct nvsr_procs *p)
{
	return &p->device;
}

const pid_t *nvsr_procs_back(const struct nvsr_procs *p, unsigned *ret_n)
{
	*ret_n = p->backs;
	return p->back;
}

int nvsr_procs_count(struct nvsr_procs *p, struct nvsr_sample *s)
{
	s->back_end = (struct nvsr_back_counters){ 0 };
	for (unsigned i = 0; i < p->backs; i++) {
		s->back_end.kicks += __atomic_load_n(&p->stats[i].kicks, __ATOMIC_RELAXED);
		s->back_end.calls += __atomic_load_n(&p->stats[i].calls, __ATOMIC_RELAXED);
		s->back_end.requests += __atomic_load_n(&p->stats[i].requests, __ATOMIC_RELAXED);
	}
	return nvsr_served_stats(p->watch, &s->device);
}

void nvsr_procs_stop(struct nvsr_procs *p)
{
	if (!p)
		return;
	nvsr_procs_drop_back_ends(p);
	stop_device(p);
	if (p->folder[0])
		rmdir(p->folder);
	if (p->stats != MAP_FAILED)
		munmap(p->stats, NVSR_VMS_MAX * sizeof(*p->stats));
	free(p);
}
