// SPDX-License-Identifier: GPL-2.0-or-later
/* A child that asks the kernel, and a parent that lets go of functions while it waits. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/text.h"
#include "device/ask.h"
#include "device/os.h"
#include "device/vfio.h"

#define LOOK_MS 10	/* how often the parent looks whether something is wanted back */

struct question {
	int (*ask)(const struct question *q, struct nvsr_text *answer);
	struct nvsr_bdf pf;
	unsigned now, n;
	const char *json;
};

static int ask_numvfs(const struct question *q, struct nvsr_text *answer)
{
	unsigned n;
	int rc = nvsr_os_get_numvfs(q->pf, &n);

	if (!rc)
		nvsr_text_add(answer, "%u", n);
	return rc;
}

static int ask_change(const struct question *q, struct nvsr_text *answer)
{
	return nvsr_os_change_numvfs(q->pf, q->now, q->n);
}

static int ask_save(const struct question *q, struct nvsr_text *answer)
{
	_cleanup_free_ char *json = NULL;
	int rc = nvsr_os_save(q->pf, &json);

	if (!rc)
		nvsr_text_add(answer, "%s", json);
	return rc;
}

static int ask_restore(const struct question *q, struct nvsr_text *answer)
{
	return nvsr_os_restore(q->pf, q->json);
}

/* In the child.  It keeps no file of ours open: while it waits in the kernel, a function that the parent closed is closed. */
static void __attribute__((noreturn)) answer_and_exit(const struct question *q, int fd)
{
	struct nvsr_text answer = { 0 };
	int rc;

	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0u, 0);
	rc = q->ask(q, &answer);
	if (answer.failed)
		rc = -ENOMEM;
	dprintf(fd, "%d %s", rc, answer.s ? answer.s : "");
	_exit(0);
}

static int collect(struct nvsr_dev *pf, int fd, struct nvsr_text *said)
{
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char buf[4096];
		ssize_t n;

		nvsr_vfio_let_go(pf);
		if (poll(&p, 1, LOOK_MS) <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n > 0)
			nvsr_text_addn(said, buf, (size_t)n);
		else if (!n || errno != EINTR)
			return said->failed ? -ENOMEM : 0;
	}
}

/* The answer's text in *ret, malloc'd (may be NULL where there is none to expect). */
static int ask(struct nvsr_dev *pf, const struct question *q, char **ret)
{
	struct nvsr_text said = { 0 };
	int fds[2], rc, end = 0, status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid == 0)
		answer_and_exit(q, fds[1]);
	close(fds[1]);
	rc = pid < 0 ? -errno : collect(pf, fds[0], &said);
	close(fds[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!rc && (!said.s || sscanf(said.s, "%d %n", &rc, &end) != 1))
		rc = -EIO;
	if (!rc && ret && !(*ret = strdup(said.s + end)))
		rc = -ENOMEM;
	nvsr_text_free(&said);
	return rc;
}

int nvsr_ask_numvfs(struct nvsr_dev *pf, struct nvsr_bdf bdf, unsigned *ret)
{
	struct question q = { .ask = ask_numvfs, .pf = bdf };
	_cleanup_free_ char *text = NULL;
	int rc = nvsr_vfio_has_open(pf) ? ask(pf, &q, &text) : nvsr_os_get_numvfs(bdf, ret);

	if (!rc && text)
		*ret = (unsigned)strtoul(text, NULL, 10);
	return rc;
}

int nvsr_ask_change_numvfs(struct nvsr_dev *pf, struct nvsr_bdf bdf, unsigned now, unsigned n)
{
	struct question q = { .ask = ask_change, .pf = bdf, .now = now, .n = n };
	int rc = nvsr_vfio_has_open(pf) ? ask(pf, &q, NULL) : nvsr_os_change_numvfs(bdf, now, n);

	pf->shared->os_counts = !nvsr_ask_numvfs(pf, bdf, &pf->shared->os_vfs);
	return rc;
}

int nvsr_ask_save(struct nvsr_dev *pf, struct nvsr_bdf bdf, char **ret_json)
{
	struct question q = { .ask = ask_save, .pf = bdf };

	return nvsr_vfio_has_open(pf) ? ask(pf, &q, ret_json) : nvsr_os_save(bdf, ret_json);
}

int nvsr_ask_restore(struct nvsr_dev *pf, struct nvsr_bdf bdf, const char *json)
{
	struct question q = { .ask = ask_restore, .pf = bdf, .json = json };

	return nvsr_vfio_has_open(pf) ? ask(pf, &q, NULL) : nvsr_os_restore(bdf, json);
}
