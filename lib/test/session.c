// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parent: one child per group, a deadline per test, the stray output of tests, and the verdicts that only an outside
 * observer can give (timeout, crash, abort).
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include "base/text.h"
#include "base/time.h"
#include "test/private.h"

#define DEFAULT_LIMIT_S	20
#define PREPARE_LIMIT_S	60	/* open, inventory, snapshot; and restore with comparison */
#define STOP_GRACE_S	5	/* from SIGTERM to SIGKILL */
#define REAP_S		70	/* from SIGKILL to a process that is gone, which may wait a minute for an FLR that does not end */
#define OUTPUT_KEEP	(64u << 10)	/* of a test that writes more: its last words */
#define OUTPUT_MAX	(1u << 20)

struct parent {
	const struct nvsr_session *s;
	const struct nvsr_plan *plan;
	const struct nvsr_sink *sink;
	size_t next, end;		/* tests of the group still to be told */
	bool running;			/* @next has started */
	bool ended, stopping, killed;	/* the child said all; was asked to stop; was killed for its deadline */
	bool told_any;			/* this child gave at least one result */
	char *unready, *abort;
	struct nvsr_text lines, output;	/* not yet complete lines; stray output not yet given to a test */
	bool output_cut;		/* the start of it is lost */
	uint64_t deadline, test_started;
	int rc;
};

static uint64_t limit_ns(const struct parent *p, unsigned seconds)
{
	double scale = p->s->timeout_scale > 0 ? p->s->timeout_scale : 1;

	return (uint64_t)((double)seconds * scale * 1e9);
}

static unsigned test_limit(const struct nvsr_test *t)
{
	return t->limit_s ? t->limit_s : DEFAULT_LIMIT_S;
}

/* --- results --------------------------------------------------------------------------------------------------------- */

/* The first mark that ends a test's output, or NULL. */
static char *output_mark(const struct parent *p)
{
	return p->output.s ? memmem(p->output.s, p->output.len, NVSR_OUTPUT_END, strlen(NVSR_OUTPUT_END)) : NULL;
}

static void drop_output(struct parent *p, size_t n)
{
	p->output.len -= n;
	memmove(p->output.s, p->output.s + n, p->output.len);
}

static void add_line(struct nvsr_result *r, const char *s, size_t n)
{
	_cleanup_free_ char *line = nvsr_clean_text(s, n);

	if (line)
		nvsr_lines_add(&r->output, line);
}

/* The stray output of the test that ends, as lines of @r: up to its mark, or all there is. */
static void take_output(struct parent *p, struct nvsr_result *r)
{
	const char *mark = output_mark(p), *s = p->output.s;
	size_t left = mark ? (size_t)(mark - s) : p->output.len, whole = left;

	if (p->output_cut || left > OUTPUT_KEEP) {
		size_t cut = left > OUTPUT_KEEP ? left - OUTPUT_KEEP : 0;

		nvsr_lines_add(&r->output, "(earlier output not kept)");
		s += cut;
		left -= cut;
	}
	while (left) {
		const char *nl = memchr(s, '\n', left);
		size_t n = nl ? (size_t)(nl - s) : left;

		add_line(r, s, n);
		n += nl ? 1 : 0;
		s += n;
		left -= n;
	}
	p->output_cut = false;
	if (whole || mark)
		drop_output(p, whole + (mark ? strlen(NVSR_OUTPUT_END) : 0));
}

static void skip_done(struct parent *p)
{
	while (p->next < p->end && p->plan->item[p->next].skip)
		p->next++;
}

static void give(struct parent *p, struct nvsr_result *r)
{
	int rc = p->sink->result ? p->sink->result(p->sink->arg, p->next, r) : 0;

	if (!p->rc)
		p->rc = rc;
	p->next++;
	p->running = false;
	p->told_any = true;
	skip_done(p);
}

static void give_verdict(struct parent *p, enum nvsr_verdict verdict, const char *reason)
{
	const struct nvsr_planned *item = &p->plan->item[p->next];
	struct nvsr_result r = { .id = nvsr_test_full_id(item->group, item->test), .verdict = verdict };

	nvsr_field_set(&r.reason, reason);
	if (p->running)
		r.ms = (double)(nvsr_now_ns() - p->test_started) / 1e6;
	take_output(p, &r);
	give(p, &r);
	nvsr_result_free(&r);
}

/* --- lines of the child ------------------------------------------------------------------------------------------------ */

/* What is there now; bounded, so that a test that writes without end does not outrun its deadline. */
static void read_output(struct parent *p, int fd)
{
	char buf[65536];
	ssize_t n = 0;

	for (unsigned i = 0; i < 16 && ((n = read(fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)); i++)
		if (n > 0)
			nvsr_text_addn(&p->output, buf, (size_t)n);
	if (p->output.len > OUTPUT_MAX && !output_mark(p)) {
		drop_output(p, p->output.len - OUTPUT_KEEP);
		p->output_cut = true;
	}
}

/* The mark is written before the result line: it is in the pipe, perhaps behind much output. */
static void read_until_mark(struct parent *p, int fd)
{
	for (unsigned i = 0; i < 64 && !output_mark(p); i++)
		read_output(p, fd);
}

static void on_start(struct parent *p, size_t index)
{
	if (index != p->next)
		return;
	p->running = true;
	p->test_started = nvsr_now_ns();
	p->deadline = p->test_started + limit_ns(p, test_limit(p->plan->item[index].test));
	if (p->sink->start && !p->rc)
		p->rc = p->sink->start(p->sink->arg, index);
}

static void on_result(struct parent *p, const char *json, int out_fd)
{
	struct nvsr_result r = { 0 };

	if (nvsr_result_from_json(json, &r)) {
		give_verdict(p, NVSR_BROKEN, "the harness could not read the result of its child");
	} else {
		read_until_mark(p, out_fd);
		take_output(p, &r);
		give(p, &r);
	}
	nvsr_result_free(&r);
	/* until the next start: restoring */
	p->deadline = nvsr_now_ns() + limit_ns(p, PREPARE_LIMIT_S);
}

static void on_line(struct parent *p, char *line, int out_fd)
{
	char *rest;
	size_t index = strtoul(line + 1, &rest, 10);

	switch (line[0]) {
	case 'S':
		on_start(p, index);
		break;
	case 'R':
		if (index == p->next && p->next < p->end)
			on_result(p, rest + 1, out_fd);
		break;
	case 'A':
		nvsr_field_set(&p->abort, line + 2);
		break;
	case 'U':
		nvsr_field_set(&p->unready, line + 2);
		break;
	case 'E':
		p->ended = true;
		break;
	}
}

/* False at the end of the child's lines. */
static bool read_lines(struct parent *p, int fd, int out_fd)
{
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));
	char *s, *nl;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (!n)
		return false;
	nvsr_text_addn(&p->lines, buf, (size_t)n);
	for (s = p->lines.s; s && (nl = memchr(s, '\n', p->lines.len - (size_t)(s - p->lines.s))); s = nl + 1) {
		*nl = '\0';
		on_line(p, s, out_fd);
	}
	if (s && s != p->lines.s) {
		p->lines.len -= (size_t)(s - p->lines.s);
		memmove(p->lines.s, s, p->lines.len + 1);
	}
	return true;
}

/* --- the child --------------------------------------------------------------------------------------------------------- */

struct child_fds { pid_t pid; int lines, output; };

static int spawn(struct parent *p, struct child_fds *ret)
{
	int lines[2], output[2];

	if (pipe2(lines, O_CLOEXEC))
		return -errno;
	if (pipe2(output, O_CLOEXEC)) {
		int rc = -errno;

		close(lines[0]);
		close(lines[1]);
		return rc;
	}
	fflush(NULL);
	ret->pid = fork();
	if (ret->pid == 0) {
		/* Out of the terminal's process group: Ctrl-C reaches the parent, which asks us to stop. */
		setpgid(0, 0);
		dup2(output[1], STDOUT_FILENO);
		dup2(output[1], STDERR_FILENO);
		close(lines[0]);
		close(output[0]);
		nvsr_child_main(p->s, p->plan, p->next, p->end, (struct nvsr_child_fds){ lines[1], output[1] });
	}
	close(lines[1]);
	close(output[1]);
	if (ret->pid < 0) {
		int rc = -errno;

		close(lines[0]);
		close(output[0]);
		return rc;
	}
	setpgid(ret->pid, ret->pid);
	ret->lines = lines[0];
	ret->output = output[0];
	fcntl(ret->output, F_SETFL, O_NONBLOCK);
	return 0;
}

/* A stop was asked for by a signal or by the sink: once politely, then - after the grace or on a second signal - not. */
static void check_stop(struct parent *p, pid_t pid, sig_atomic_t seen)
{
	if (!p->stopping && (nvsr_stop || p->rc)) {
		p->stopping = true;
		p->deadline = nvsr_now_ns() + STOP_GRACE_S * NVSR_S;
		kill(pid, SIGTERM);
	} else if (p->stopping && nvsr_stop > seen + 1) {
		p->deadline = 0;
	}
}

/* Follow a child until its lines end or its deadline passes. */
static void follow(struct parent *p, const struct child_fds *c)
{
	sig_atomic_t seen = nvsr_stop;
	bool open = true;

	p->deadline = nvsr_now_ns() + limit_ns(p, PREPARE_LIMIT_S);
	while (open) {
		struct pollfd fds[] = { { .fd = c->lines, .events = POLLIN }, { .fd = c->output, .events = POLLIN } };
		uint64_t now;

		check_stop(p, c->pid, seen);
		now = nvsr_now_ns();
		if (now >= p->deadline) {
			p->killed = true;
			kill(-c->pid, SIGKILL);
			kill(c->pid, SIGKILL);
			return;
		}
		/* Short slices, because a signal may arrive just before poll() and must not wait for the next event. */
		if (poll(fds, 2, (int)NVSR_MIN((p->deadline - now) / NVSR_MS + 1, 100u)) <= 0)
			continue;
		if (fds[1].revents & POLLIN)
			read_output(p, c->output);
		if (fds[0].revents)
			open = read_lines(p, c->lines, c->output);
	}
}

/*
 * Collect a child that ended or was killed.  False when it does not die: a driver that waits for its device cannot be
 * interrupted, and waiting for it would hang the run too.
 */
static bool reap(pid_t pid, int *status)
{
	uint64_t until = nvsr_now_ns() + REAP_S * NVSR_S;
	pid_t rc;

	while ((rc = waitpid(pid, status, WNOHANG)) == 0 || (rc < 0 && errno == EINTR)) {
		if (nvsr_now_ns() >= until)
			return false;
		nvsr_sleep_ns(NVSR_MS / 2, NULL);
	}
	return true;
}

static void describe_death(char *buf, size_t len, int status)
{
	if (WIFSIGNALED(status))
		snprintf(buf, len, "the test's process died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(buf, len, "the test's process exited with status %d", WEXITSTATUS(status));
}

/* What the child could not say itself. */
static void conclude(struct parent *p, int status)
{
	char why[160];

	if (p->stopping)
		return;
	if (p->unready) {
		/* The device was there when the run began. */
		if (!p->abort)
			p->abort = nvsr_asprintf("the device does not answer as before: %s", p->unready);
	} else if (p->killed && p->running) {
		unsigned limit = test_limit(p->plan->item[p->next].test);

		snprintf(why, sizeof(why), "no verdict within %g s", (double)limit_ns(p, limit) / 1e9);
		give_verdict(p, NVSR_TIMEOUT, why);
	} else if (p->killed) {
		if (!p->abort)
			p->abort = nvsr_asprintf("the device hangs while it is %s", p->told_any ? "restored" : "prepared");
	} else if (!p->ended && p->running) {
		describe_death(why, sizeof(why), status);
		give_verdict(p, NVSR_CRASH, why);
	} else if (!p->ended && !p->abort) {
		describe_death(why, sizeof(why), status);
		p->abort = nvsr_asprintf("%s while the device was %s", why, p->told_any ? "restored" : "prepared");
	} else if (WIFSIGNALED(status) || WEXITSTATUS(status)) {
		describe_death(why, sizeof(why), status);
		fprintf(stderr, "nvsr-conform: group %s: after its last test %s\n%.*s", p->plan->item[p->next - 1].group->id, why,
			(int)p->output.len, p->output.s ? p->output.s : "");
	}
}

/* After a child that did not end by itself the device may be in any state; after the last one its VFs are still enabled. */
static void put_back(struct parent *p)
{
	char *reason = NULL;

	if (p->ended || !p->s->baseline || p->abort)
		return;
	if (nvsr_session_restore(p->s, p->s->baseline, &reason))
		p->abort = reason ? reason : strdup("the device could not be restored");
	else
		free(reason);
}

/* One child: as many tests of the group as it manages. */
static int run_child(struct parent *p)
{
	struct child_fds c = { 0 };
	int status = 0, rc;
	bool dead;

	p->running = p->ended = p->killed = p->told_any = false;
	rc = spawn(p, &c);
	if (rc)
		return rc;
	follow(p, &c);
	dead = reap(c.pid, &status);
	if (!dead) {
		p->killed = true;
		p->abort = strdup("a command hangs in the kernel's driver: its process cannot be ended");
	}
	while (dead && p->killed && read_lines(p, c.lines, c.output))	/* results that raced with the deadline */
		;
	read_output(p, c.output);
	conclude(p, status);
	close(c.lines);
	close(c.output);
	nvsr_text_free(&p->lines);
	nvsr_text_free(&p->output);
	memset(&p->lines, 0, sizeof(p->lines));
	memset(&p->output, 0, sizeof(p->output));
	free(p->unready);
	p->unready = NULL;
	put_back(p);
	return 0;
}

static void abort_rest(struct parent *p)
{
	_cleanup_free_ char *reason = nvsr_asprintf("not run: %s", p->abort);

	p->running = false;
	p->end = p->plan->count;
	skip_done(p);
	while (p->next < p->end)
		give_verdict(p, NVSR_ABORT, reason);
}

static bool destroys(const struct parent *p)
{
	for (size_t i = p->next; i < p->end; i++)
		if (!p->plan->item[i].skip && p->plan->item[i].test->needs & NVSR_NEED(DESTROY))
			return true;
	return false;
}

/* Somebody may have mounted a namespace since the last look: from here on nothing is destroyed, nor put back over it. */
static void check_use(struct parent *p)
{
	_cleanup_free_ char *use = NULL, *clean = NULL;

	if (!p->s->in_use || !p->s->destroy || !destroys(p))
		return;
	use = p->s->in_use(p->s->device);
	if (use && !*use)
		return;
	if (!use) {
		p->abort = nvsr_asprintf("who uses the device cannot be found out: %s", strerror(errno));
		return;
	}
	for (size_t i = 0, len = strlen(use); i < len; i++)
		if (use[i] == '\n')
			use[i] = i + 1 < len ? ';' : '\0';
	clean = nvsr_clean_text(use, strlen(use));
	p->abort = nvsr_asprintf("the device came into use:%s", clean ? clean : "");
}

static int run_group(struct parent *p)
{
	skip_done(p);
	check_use(p);
	if (p->abort) {
		abort_rest(p);
		return -ECANCELED;
	}
	while (p->next < p->end && !p->rc) {
		size_t before = p->next;
		int rc = run_child(p);

		if (rc)
			return rc;
		if (p->stopping)
			return -EINTR;
		if (p->abort && p->s->fresh_after_abort) {
			free(p->abort);
			p->abort = NULL;
			if (p->next == before)	/* not even the first test: no child will do better */
				give_verdict(p, NVSR_ABORT, "the group could not be prepared");
		}
		if (p->abort) {
			abort_rest(p);
			return -ECANCELED;
		}
		/* A child that ended without a verdict for its tests would be started for ever. */
		if (p->next == before)
			give_verdict(p, NVSR_BROKEN, "the group's process ended without a verdict");
	}
	return 0;
}

static size_t group_end(const struct nvsr_plan *plan, size_t first)
{
	size_t end = first;

	while (end < plan->count && plan->item[end].group == plan->item[first].group)
		end++;
	return end;
}

int nvsr_session_run(const struct nvsr_session *s, const struct nvsr_plan *plan, const struct nvsr_sink *sink,
		     char **ret_abort)
{
	struct parent p = { .s = s, .plan = plan, .sink = sink };
	int rc = 0;

	*ret_abort = NULL;
	while (p.next < plan->count && !rc && !p.rc) {
		p.end = group_end(plan, p.next);
		rc = nvsr_stop ? -EINTR : run_group(&p);
		if (!rc)
			p.next = p.end;
	}
	p.ended = false;
	put_back(&p);
	if (p.abort && !rc)
		rc = -ECANCELED;
	*ret_abort = p.abort;
	return p.rc ? p.rc : rc;
}

/* --- restore ------------------------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) restore_main(const struct nvsr_session *s, const struct nvsr_snapshot *state, int fd)
{
	struct nvsr_complaint complaint;
	struct nvsr_dev *pf = NULL;
	char *reason = NULL;
	int rc;

	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	rc = nvsr_session_open(s, &pf, &complaint);
	if (rc)
		reason = nvsr_asprintf("%s", complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	else
		rc = nvsr_restore_and_compare(pf, state, &reason);
	nvsr_dev_close(pf);
	if (reason && write(fd, reason, strlen(reason)) < 0)
		rc = -EIO;
	free(reason);
	exit(rc ? 1 : 0);
}

int nvsr_session_restore(const struct nvsr_session *s, const struct nvsr_snapshot *state, char **ret_reason)
{
	struct parent p = { .s = s };
	uint64_t deadline = nvsr_now_ns() + limit_ns(&p, PREPARE_LIMIT_S);
	struct nvsr_text said = { 0 };
	int fds[2], status = 0;
	bool late = false;
	pid_t pid;

	*ret_reason = NULL;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		close(fds[0]);
		restore_main(s, state, fds[1]);
	}
	close(fds[1]);
	while (pid > 0) {
		struct pollfd pfd = { .fd = fds[0], .events = POLLIN };
		char buf[1024];
		ssize_t n;

		late = nvsr_now_ns() >= deadline;
		if (late) {
			kill(pid, SIGKILL);
			break;
		}
		if (poll(&pfd, 1, 100) <= 0)
			continue;
		n = read(fds[0], buf, sizeof(buf));
		if (!n || (n < 0 && errno != EINTR))
			break;
		if (n > 0)
			nvsr_text_addn(&said, buf, (size_t)n);
	}
	close(fds[0]);
	if (pid > 0 && !reap(pid, &status))
		late = true;
	if (pid > 0 && !late && WIFEXITED(status) && !WEXITSTATUS(status)) {
		nvsr_text_free(&said);
		return 0;
	}
	*ret_reason = said.s ? said.s : strdup(late ? "the device hangs while it is restored" : "the restoring process died");
	return -EIO;
}
