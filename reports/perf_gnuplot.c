// SPDX-License-Identifier: GPL-2.0-or-later
/* gnuplot as a process of its own: no shell, a time limit, and its own words when it fails. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#include "base/time.h"
#include "reports/perf_figure.h"

#define LIMIT_S 60
#define SVG_MAX (8u << 20)

static void NVSR_PRINTF(2, 3) say_first(char *complaint, const char *fmt, ...)
{
	va_list ap;

	if (*complaint)
		return;
	va_start(ap, fmt);
	vsnprintf(complaint, 512, fmt, ap);
	va_end(ap);
}

static void become_gnuplot(const char *dir, const char *script, const char *format, int err)
{
	int null = open("/dev/null", O_RDWR);

	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(err, 2) < 0 || chdir(dir))
		_exit(126);
	execlp("gnuplot", "gnuplot", "-d", "-c", script, format, (char *)NULL);
	_exit(errno == ENOENT ? 127 : 126);
}

/* What it says on standard error, until it closes that or the time is over. */
static void listen_to(int fd, char *said, size_t size, uint64_t end)
{
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		uint64_t now = nvsr_now_ns();
		char buf[512];
		ssize_t n;

		if (now >= end || (poll(&p, 1, (int)((end - now) / NVSR_MS) + 1) < 0 && errno != EINTR))
			break;
		if (!p.revents)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n && len + 1 < size; i++)
			said[len++] = buf[i] >= ' ' ? buf[i] : ' ';
	}
	said[len] = '\0';
}

static int wait_for(pid_t pid, uint64_t end, int *ret_status)
{
	for (;;) {
		pid_t got = waitpid(pid, ret_status, WNOHANG);

		if (got == pid)
			return 0;
		if (got < 0 && errno != EINTR)
			return -errno;
		if (nvsr_now_ns() >= end)
			break;
		nvsr_sleep_ns(NVSR_MS, NULL);
	}
	kill(pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	return -ETIMEDOUT;
}

int nvsr_gnuplot(const char *dir, const char *script, const char *format, char *complaint)
{
	uint64_t end = nvsr_now_ns() + LIMIT_S * NVSR_S;
	int fds[2], status = 0, rc;
	char said[400] = "";
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		become_gnuplot(dir, script, format, fds[1]);
	close(fds[1]);
	if (pid > 0)
		listen_to(fds[0], said, sizeof(said), end);
	close(fds[0]);
	if (pid < 0)
		return -EAGAIN;
	rc = wait_for(pid, end, &status);
	if (!rc && WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (!rc && WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		say_first(complaint, "gnuplot is not installed (package gnuplot-nox): figures are data and scripts only");
		return -ENOENT;
	}
	say_first(complaint, "gnuplot %s: %s%s", script, rc ? "took longer than a minute" : "failed: ", said + strspn(said, " "));
	return rc ? rc : -EIO;
}

static int write_text(const char *dir, const char *name, const char *suffix, const struct nvsr_text *t, char *complaint)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s.%s", dir, name, suffix);
	int rc = path && t->s && !t->failed ? nvsr_write_file(path, t->s, t->len) : -ENOMEM;

	if (rc)
		say_first(complaint, "%s/%s.%s: %s", dir, name, suffix, strerror(-rc));
	return rc;
}

/* -ENOENT: there is no gnuplot. */
static int draw(const char *dir, struct nvsr_perf_figure *fig, char *complaint)
{
	_cleanup_free_ char *script = nvsr_asprintf("%s.gp", fig->name), *svg = nvsr_asprintf("%s/%s.svg", dir, fig->name);
	int rc;

	if (!script || !svg)
		return -ENOMEM;
	rc = nvsr_gnuplot(dir, script, "svg", complaint);
	if (!rc && nvsr_read_file(svg, SVG_MAX, &fig->svg, NULL))
		fig->svg = NULL;
	return rc == -ENOENT ? rc : nvsr_gnuplot(dir, script, "png", complaint);
}

int nvsr_perf_figures_make(const char *dir, const struct nvsr_perf_run *run, struct nvsr_perf_figures *f, char *complaint)
{
	bool none = false;
	int rc = 0;

	for (unsigned i = 0; i < f->n; i++) {
		_cleanup_text_ struct nvsr_text data = { 0 }, script = { 0 };
		int one;

		nvsr_perf_figure_write(run, &f->figure[i], &data, &script);
		one = write_text(dir, f->figure[i].name, "dat", &data, complaint);
		one = one ? one : write_text(dir, f->figure[i].name, "gp", &script, complaint);
		rc = rc ? rc : one;
		if (!one && !none)
			none = draw(dir, &f->figure[i], complaint) == -ENOENT;
	}
	return rc;
}
