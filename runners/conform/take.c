// SPDX-License-Identifier: GPL-2.0-or-later
/* A PF named by its PCI address: to VFIO for the time of a run, and back to what it had, compared. */
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include "runners/conform/conform.h"

/* A driver shuts a controller down that does not answer, and waits for its commands: a minute, not minutes. */
#define CHANGE_S 180
#define KILLED_MS 2000	/* a process that does not end by then is stuck in the kernel */

/* --- drivers are changed by a process that may hang ------------------------------------------------------------------------ */

struct answer { int rc; struct nvsr_complaint complaint; };

static bool reaped(pid_t pid)
{
	uint64_t until = nvsr_now_ns() + KILLED_MS * NVSR_MS;
	pid_t rc;

	while ((rc = waitpid(pid, NULL, WNOHANG)) == 0 || (rc < 0 && errno == EINTR)) {
		if (nvsr_now_ns() >= until)
			return false;
		nvsr_sleep_ns(5 * NVSR_MS, NULL);
	}
	return true;
}

/* One write brings all of it; -ETIMEDOUT when there is none by @until, -EIO when there will be none. */
static int read_answer(int fd, struct answer *ret, uint64_t until)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	while (poll(&pfd, 1, 100) <= 0)
		if (nvsr_now_ns() >= until)
			return -ETIMEDOUT;
	return read(fd, ret, sizeof(*ret)) == sizeof(*ret) ? 0 : -EIO;
}

/*
 * Writing to bind or unbind waits for the driver, which may wait for a command that never ends; no signal helps then.  The
 * process that hangs keeps the lock of the device.
 */
int nvsr_change_driver(const char *device, int (*change)(const char *device, struct nvsr_complaint *c), unsigned limit_s,
		       struct nvsr_complaint *c)
{
	uint64_t until = nvsr_now_ns() + limit_s * NVSR_S;
	struct answer a = { .rc = 0 };
	int fds[2], rc;
	pid_t pid;

	c->text[0] = '\0';
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGINT, SIG_IGN);
		signal(SIGTERM, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
		a.rc = change(device, &a.complaint);
		_exit(write(fds[1], &a, sizeof(a)) != sizeof(a));
	}
	close(fds[1]);
	rc = pid < 0 ? -errno : read_answer(fds[0], &a, until);
	close(fds[0]);
	if (pid > 0 && rc)
		kill(pid, SIGKILL);
	if (pid > 0 && !reaped(pid) && !rc)
		rc = -ETIMEDOUT;
	if (rc == -ETIMEDOUT)
		snprintf(c->text, sizeof(c->text), "%s: its driver does not let go of it, or does not take it: a process that hangs in "
			 "the kernel waits for that", device);
	else if (rc)
		snprintf(c->text, sizeof(c->text), "%s: the process that changes its driver died", device);
	else
		*c = a.complaint;
	return rc ? rc : a.rc;
}

static int change_back(const char *device, struct nvsr_complaint *c)
{
	return nvsr_dev_give_back(device, false, c);
}

static int change_back_alone(const char *device, struct nvsr_complaint *c)
{
	return nvsr_dev_give_back(device, true, c);
}

int nvsr_hand_back(const char *device, bool vfs)
{
	struct nvsr_complaint complaint;
	int rc = nvsr_change_driver(device, vfs ? change_back_alone : change_back, CHANGE_S, &complaint);

	if (!rc)
		return 0;
	nvsr_say("%s", complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	if (rc == -ETIMEDOUT)
		nvsr_say("nvsr-conform restore %s gives it back, once that has ended or after the next start of this machine", device);
	return EXIT_INCOMPLETE;
}

/* --- before a run, and after it -------------------------------------------------------------------------------------------- */

static int failed(const struct nvsr_complaint *complaint, int rc)
{
	nvsr_say("%s", complaint->text[0] ? complaint->text : nvsr_rc_text(rc));
	return rc == -EIO || rc == -ETIMEDOUT ? EXIT_INCOMPLETE : EXIT_USAGE;
}

/* Its block devices go with its driver: whoever uses one would lose it, whatever the tests do. */
static int check_unused(const struct nvsr_target *t)
{
	_cleanup_free_ char *use = nvsr_in_use_for_good(t->session.device);

	if (use && !*use)
		return 0;
	if (use)
		nvsr_say("%s: refusing to take it from its driver, namespaces of its subsystem are in use:\n%s", t->session.device,
			 use);
	else
		nvsr_say("%s: refusing to take it from its driver, cannot find out who uses its namespaces: %s", t->session.device,
			 strerror(errno));
	return EXIT_USAGE;
}

/* VFs go with the driver, whoever made them: without permission they stay. */
static int check_vfs(const struct nvsr_target *t)
{
	unsigned n = t->state ? nvsr_snapshot_numvfs(t->state) : 0;
	char node[32];

	if (!n || t->session.destroy)
		return 0;
	if (nvsr_dev_node(t->session.device, node, sizeof(node)))
		snprintf(node, sizeof(node), "/dev/nvmeN");
	nvsr_say("%s: refusing to take it from its driver, which would disable the %u VFs that it has: run %s instead, disable them, or "
		 "give --destructive", t->session.device, n, node);
	return EXIT_USAGE;
}

int nvsr_target_begin(struct nvsr_target *t)
{
	char driver[32];

	if (!t->real || !nvsr_dev_can_be_taken(t->session.device))
		return 0;
	if (nvsr_dev_is_taken(t->session.device, driver, sizeof(driver))) {
		nvsr_say("%s: an interrupted run left it with vfio-pci: nvsr-conform restore %s RUN puts it back", t->session.device,
			 t->session.device);
		return EXIT_USAGE;
	}
	if (nvsr_dev_driver(t->session.device, driver, sizeof(driver)))
		driver[0] = '\0';
	/* Its state before is read through the driver that it has; without one that takes VFIO already. */
	t->session.vf_access = NVSR_VF_KERNEL;
	return strcmp(driver, "nvme") ? nvsr_target_take(t) : 0;
}

/* The state that was recorded, through the driver that the PF has now.  Who came with that driver is asked first. */
static int put_back(void *arg)
{
	const struct nvsr_target *t = arg;
	struct nvsr_target now = *t;
	_cleanup_free_ char *reason = NULL;
	bool same = false;
	int rc;

	if (!t->state)
		return 0;
	now.session = (struct nvsr_session){
		.device = t->session.device, .vf_access = NVSR_VF_KERNEL, .timeout_scale = t->session.timeout_scale,
	};
	rc = nvsr_may_put_back(&now, t->state, NULL, &same);
	if (!rc && !same && nvsr_session_restore(&now.session, t->state, &reason)) {
		nvsr_say("%s: not restored: %s", t->session.device, reason ? reason : "");
		rc = EXIT_INCOMPLETE;
	}
	return rc ? EXIT_INCOMPLETE : 0;
}

/* What was begun is undone; what cannot be is said. */
static int not_taken(struct nvsr_target *t, const struct nvsr_complaint *complaint, int rc)
{
	char driver[32];
	int code = failed(complaint, rc);

	if (nvsr_dev_is_taken(t->session.device, driver, sizeof(driver))) {
		nvsr_say("nvsr-conform restore %s tries again to give it back", t->session.device);
		return EXIT_INCOMPLETE;
	}
	return put_back(t) ? EXIT_INCOMPLETE : code;
}

int nvsr_target_take(struct nvsr_target *t)
{
	struct nvsr_complaint complaint = { "" };
	char driver[32] = "";
	int rc;

	if (!t->real || t->taken || !nvsr_dev_can_be_taken(t->session.device))
		return 0;
	/* Of a function that there is not nvsr_dev_take() says so. */
	rc = nvsr_dev_driver(t->session.device, driver, sizeof(driver)) ? 0 : check_unused(t);
	if (!rc && !strcmp(driver, "nvme"))
		rc = check_vfs(t);
	if (rc)
		return rc;
	rc = nvsr_change_driver(t->session.device, nvsr_dev_take, CHANGE_S, &complaint);
	if (rc)
		return not_taken(t, &complaint, rc);
	t->taken = true;
	if (!t->state)
		return 0;	/* about to be looked at for the first time */
	rc = nvsr_target_look(t, &t->baseline);
	t->session.baseline = t->baseline;
	if (rc)
		nvsr_target_give_back(t);
	return rc;
}

int nvsr_give_back(const char *device, int (*restore)(void *arg), void *arg)
{
	char driver[32];
	bool nvme;
	int rc = 0;

	if (!nvsr_dev_is_taken(device, driver, sizeof(driver)))
		return restore(arg);
	nvme = !strcmp(driver, "nvme");
	if (!nvme)
		rc = restore(arg);
	if (nvsr_hand_back(device, false))
		return EXIT_INCOMPLETE;
	return nvme ? restore(arg) : rc;
}

int nvsr_target_give_back(struct nvsr_target *t)
{
	if (!t->taken)
		return 0;
	t->taken = false;
	return nvsr_give_back(t->session.device, put_back, t);
}
