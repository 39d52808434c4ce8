// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's end of a job channel, see agent.h.  One thread, one poll loop, at most one script. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

enum { BEAT_MS = 1000, NO_HOST_MS = 20, LINE_MAX_BYTES = 128 };

struct script {
	pid_t pid;		/* 0: none runs */
	int output;		/* reading end of its stdout, -1 at its end */
	bool ended;
	int code;
	char folder[96];
	char *text;		/* what it printed */
	size_t len, room;
	int64_t next_beat_ms;
};

struct agent {
	const struct nvsr_agent_options *o;
	int children;		/* signalfd of SIGCHLD */
	bool greeted, off;
	unsigned count;		/* scripts so far, for the names of their folders */
	struct script script;
	/* What came from the host and is not used up; holds a script with its line. */
	char in[NVSR_AGENT_SCRIPT_MAX + LINE_MAX_BYTES];
	size_t in_len, skip;	/* skip: bytes still to come that belong to a request that was refused */
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- to the host --------------------------------------------------------------------------------------------------------- */

/* All of it, however slowly the host takes it; -EPIPE when it hangs up meanwhile. */
static int put(struct agent *a, const char *p, size_t n)
{
	while (n) {
		struct pollfd fd = { .fd = a->o->port, .events = POLLOUT };
		ssize_t done = write(a->o->port, p, n);

		if (done > 0) {
			p += done;
			n -= (size_t)done;
			continue;
		}
		if (done < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (poll(&fd, 1, -1) > 0 && fd.revents & (POLLHUP | POLLERR))
			return -EPIPE;
	}
	return 0;
}

static int __attribute__((format(printf, 2, 3))) put_line(struct agent *a, const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (n < 0)
		return -EINVAL;
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	return put(a, line, (size_t)n);
}

/* --- the script ---------------------------------------------------------------------------------------------------------- */

static int write_file(const char *path, const char *text, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	if (fd < 0)
		return -errno;
	while (n) {
		ssize_t done = write(fd, text, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			close(fd);
			return -EIO;
		}
		text += done;
		n -= (size_t)done;
	}
	return close(fd) ? -errno : 0;
}

static void remove_folder(const char *folder)
{
	pid_t pid = fork();

	if (!pid) {
		execlp("rm", "rm", "-rf", folder, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static void __attribute__((noreturn)) child(const struct script *s, const char *file, int output)
{
	sigset_t none;
	int null;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || chdir(s->folder))
		_exit(NVSR_AGENT_NOT_RUN);
	execlp("sh", "sh", file, (char *)NULL);
	_exit(NVSR_AGENT_NOT_RUN);
}

static void forget_script(struct agent *a)
{
	struct script *s = &a->script;
	char file[128];

	if (s->output >= 0)
		close(s->output);
	snprintf(file, sizeof(file), "%s.sh", s->folder);
	unlink(file);
	remove_folder(s->folder);
	free(s->text);
	*s = (struct script){ .output = -1 };
}

static int start_script(struct agent *a, const char *text, size_t n)
{
	struct script *s = &a->script;
	char file[128];
	int ends[2];

	snprintf(s->folder, sizeof(s->folder), "%s/job.%ld.%u", a->o->folder, (long)getpid(), ++a->count);
	snprintf(file, sizeof(file), "%s.sh", s->folder);
	if (mkdir(s->folder, 0700) || write_file(file, text, n) || pipe2(ends, O_CLOEXEC)) {
		fprintf(stderr, "agent: %s: %s\n", s->folder, strerror(errno));
		forget_script(a);
		return put_line(a, "DONE %d 0", NVSR_AGENT_NOT_RUN);
	}
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	s->pid = fork();
	if (!s->pid)
		child(s, file, ends[1]);
	close(ends[1]);
	s->output = ends[0];
	s->next_beat_ms = now_ms() + BEAT_MS;
	if (s->pid < 0) {
		forget_script(a);
		return put_line(a, "DONE %d 0", NVSR_AGENT_NOT_RUN);
	}
	return 0;
}

/* Also of what is no longer in its session, where nobody else lives. */
static void kill_script(struct agent *a)
{
	if (!a->script.pid)
		return;
	kill(-a->script.pid, SIGKILL);
	kill(a->script.pid, SIGKILL);
	if (a->o->alone)
		kill(-1, SIGKILL);
}

static void reap(struct agent *a)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(a->children, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != a->script.pid)
			continue;
		a->script.ended = true;
		if (!a->script.code)
			a->script.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
}

static void too_much(struct agent *a, int code)
{
	a->script.code = code;
	close(a->script.output);
	a->script.output = -1;
	kill_script(a);
}

/* What is there now. */
static void take_output(struct agent *a)
{
	struct script *s = &a->script;

	while (s->output >= 0) {
		char extra;
		ssize_t n;

		if (s->len == s->room && s->room < NVSR_AGENT_OUTPUT_MAX) {
			size_t room = s->room ? s->room * 2 : 64 << 10;
			char *text = realloc(s->text, room);

			if (!text) {
				too_much(a, NVSR_AGENT_NOT_RUN);
				return;
			}
			s->text = text;
			s->room = room;
		}
		/* Full to the last byte: one more is one too many. */
		n = s->len < s->room ? read(s->output, s->text + s->len, s->room - s->len) : read(s->output, &extra, 1);
		if (n > 0 && s->len == s->room) {
			too_much(a, NVSR_AGENT_TOO_MUCH);
		} else if (n > 0) {
			s->len += (size_t)n;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else if (n < 0 && errno == EAGAIN) {
			return;
		} else {
			close(s->output);
			s->output = -1;
		}
	}
}

/* The shell has ended: what it started goes too, or would keep the pipe open. */
static int end_script(struct agent *a)
{
	struct script *s = &a->script;
	int r;

	kill_script(a);
	take_output(a);
	r = put_line(a, "DONE %d %zu", s->code, s->len);
	if (!r)
		r = put(a, s->text, s->len);
	forget_script(a);
	return r;
}

static void abandon_script(struct agent *a)
{
	if (!a->script.pid)
		return;
	kill_script(a);
	while (!a->script.ended) {
		struct pollfd fd = { .fd = a->children, .events = POLLIN };

		poll(&fd, 1, 1000);
		reap(a);
	}
	forget_script(a);
}

/* --- from the host ------------------------------------------------------------------------------------------------------- */

static void use_up(struct agent *a, size_t n)
{
	a->in_len -= n;
	memmove(a->in, a->in + n, a->in_len);
}

/* The number behind RUN; false for anything else. */
static bool parse_run(const char *line, size_t *ret)
{
	char *end;

	if (strncmp(line, "RUN ", 4) || line[4] < '0' || line[4] > '9' || strlen(line + 4) > 9)
		return false;
	*ret = strtoul(line + 4, &end, 10);
	return !*end;
}

/* A file in the folder of the script that runs; when none does there is nobody to tell. */
static void tell_script(const struct agent *a)
{
	char file[128];
	int fd;

	if (!a->script.pid)
		return;
	snprintf(file, sizeof(file), "%s/told", a->script.folder);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		fprintf(stderr, "agent: %s: %s\n", file, strerror(errno));
	else
		close(fd);
}

/* One request, when it is all here.  Return: 1 when there was something to do, 0 when not, negative errno. */
static int request(struct agent *a)
{
	char line[LINE_MAX_BYTES], *end;
	size_t skip, line_len, n;
	int r;

	skip = a->skip < a->in_len ? a->skip : a->in_len;
	a->skip -= skip;
	use_up(a, skip);
	end = memchr(a->in, '\n', a->in_len < sizeof(line) ? a->in_len : sizeof(line));
	if (!end && a->in_len < sizeof(line))
		return 0;
	line_len = end ? (size_t)(end - a->in) + 1 : sizeof(line);
	memcpy(line, a->in, line_len);
	line[line_len - 1] = '\0';

	if (!strcmp(line, "OFF") && end) {
		a->off = true;
		return 0;
	}
	if (!strcmp(line, "TELL") && end) {
		tell_script(a);
		use_up(a, line_len);
		return 1;
	}
	if (a->script.pid)	/* waits for its turn */
		return 0;
	if (end && parse_run(line, &n) && n <= NVSR_AGENT_SCRIPT_MAX) {
		if (a->in_len < line_len + n)
			return 0;
		r = start_script(a, a->in + line_len, n);
		use_up(a, line_len + n);
		return r ? r : 1;
	}
	use_up(a, line_len);
	if (!*line && end)
		return 1;
	if (end && parse_run(line, &n)) {
		a->skip = n;
		r = put_line(a, "BAD a script has at most %d bytes", NVSR_AGENT_SCRIPT_MAX);
	} else {
		r = put_line(a, "BAD expected RUN <bytes>, TELL or OFF");
	}
	return r ? r : 1;
}

/* Return: 0, or -EPIPE when the host hung up. */
static int take_input(struct agent *a)
{
	while (a->in_len < sizeof(a->in)) {
		ssize_t n = read(a->o->port, a->in + a->in_len, sizeof(a->in) - a->in_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n < 0)
			return -errno;
		if (!n)
			return -EPIPE;
		a->in_len += (size_t)n;
	}
	return 0;
}

/* --- the loop ------------------------------------------------------------------------------------------------------------ */

/* One round.  Return: 0, or negative errno of the port, -EPIPE when nobody is at its other end. */
static int round_of(struct agent *a)
{
	struct script *s = &a->script;
	struct pollfd fd[] = {
		{ .fd = a->o->port, .events = a->in_len < sizeof(a->in) ? POLLIN : 0 },
		{ .fd = a->children, .events = POLLIN },
		{ .fd = s->output, .events = POLLIN },	/* poll leaves out negative ones */
	};
	int64_t wait_ms = s->pid ? s->next_beat_ms - now_ms() : -1;
	int r;

	if (poll(fd, 3, s->pid && wait_ms < 0 ? 0 : (int)wait_ms) < 0 && errno != EINTR)
		return -errno;
	/* What a host sent before it hung up still counts: OFF, for one. */
	r = fd[0].revents & POLLIN ? take_input(a) : fd[0].revents & (POLLHUP | POLLERR) ? -EPIPE : 0;
	take_output(a);
	reap(a);
	if (!r && s->pid && s->ended)
		r = end_script(a);
	if (!r && s->pid && now_ms() >= s->next_beat_ms) {
		s->next_beat_ms += BEAT_MS;
		r = put_line(a, "BEAT");
	}
	for (int more = 1; more > 0 && !a->off;) {
		more = request(a);
		if (more < 0 && !r)
			r = more;
	}
	return r;
}

/* A port without a host polls as hung up, at once and always. */
static bool has_host(const struct agent *a)
{
	struct pollfd fd = { .fd = a->o->port };

	return poll(&fd, 1, 0) <= 0 || !(fd.revents & (POLLHUP | POLLERR));
}

static int serve(struct agent *a)
{
	while (!a->off) {
		int r = 0;

		if (!a->greeted && a->o->comes_back && !has_host(a)) {
			poll(NULL, 0, NO_HOST_MS);
			reap(a);
			continue;
		}
		if (!a->greeted)
			r = put_line(a, "READY 1");
		a->greeted = true;
		if (!r)
			r = round_of(a);
		if (!r)
			continue;
		/* A pseudo terminal says EIO, a socket ECONNRESET. */
		if (r != -EPIPE && r != -EIO && r != -ECONNRESET)
			return r;
		abandon_script(a);
		a->in_len = a->skip = 0;
		a->greeted = false;
		if (!a->o->comes_back)
			return 0;
	}
	return 0;
}

int nvsr_agent_serve(const struct nvsr_agent_options *o)
{
	struct agent *a = calloc(1, sizeof(*a));
	sigset_t child_ended;
	int r;

	if (!a)
		return -ENOMEM;
	a->o = o;
	a->script.output = -1;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child_ended);
	sigaddset(&child_ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_ended, NULL);
	a->children = signalfd(-1, &child_ended, SFD_NONBLOCK | SFD_CLOEXEC);
	r = a->children < 0 || fcntl(o->port, F_SETFL, O_NONBLOCK) ? -errno : serve(a);
	abandon_script(a);
	if (a->children >= 0)
		close(a->children);
	free(a);
	return r;
}
