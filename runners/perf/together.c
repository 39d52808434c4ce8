// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Several devices at once.  Each is measured by a process of its own, with a run directory, a state that is put back and a journal of
 * its own: what goes wrong with one device is not the others' matter.  Before each load they wait for each other.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "reports/perf.h"
#include "runners/perf/perf.h"

#define LOOK_MS 200
#define LINE_MOST 1024

/* --- in a process that measures one of them --------------------------------------------------------------------------------------- */

static int others = -1;		/* whom it waits with; -1: nobody */
static uint32_t next;		/* what for; 0: nothing */
static unsigned devices = 1;	/* of all */

unsigned nvsr_together_devices(void)
{
	return devices;
}

void nvsr_together_before(uint32_t turn)
{
	next = turn;
}

int nvsr_together_wait(void)
{
	struct pollfd fd = { .fd = others, .events = POLLIN };
	char go;

	if (others < 0 || !next)
		return 0;
	if (write(others, &next, sizeof(next)) != sizeof(next))
		return -EPIPE;
	next = 0;
	while (!nvsr_stop)
		if (poll(&fd, 1, LOOK_MS) > 0)
			return read(others, &go, 1) == 1 ? 0 : -EPIPE;
	return -EINTR;
}

/* --- in the process that started them ------------------------------------------------------------------------------------------------ */

struct member {
	const char *name;
	pid_t pid;		/* 0: ended */
	int channel, said;	/* said: its stderr; -1 at their ends */
	int status;
	uint32_t waits;		/* for this turn; 0: does not wait */
	char line[LINE_MOST];
	size_t len;
};
struct party {
	struct member member[NVSR_PERF_DEVICES_MOST];
	unsigned n;
	bool begun;		/* they were let go once */
};

/* A part of its own of the processors, where each gets two at least. */
static void take_place(unsigned i, unsigned n)
{
	struct nvsr_cpus all, mine = { 0 };

	nvsr_cpus_allowed(&all);
	if (all.n < 2 * n)
		return;
	for (unsigned k = i * all.n / n; k < (i + 1) * all.n / n; k++)
		mine.cpu[mine.n++] = all.cpu[k];
	nvsr_pin(&mine);
}

static void __attribute__((noreturn)) be_member(const struct nvsr_together_options *o, unsigned i, pid_t parent, int channel, int said)
{
	int rc;

	/* The state is put back, also when who started us is killed. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || dup2(said, STDERR_FILENO) < 0 || !freopen("/dev/null", "w", stdout))
		_exit(EXIT_INCOMPLETE);
	setvbuf(stderr, NULL, _IOLBF, LINE_MOST);
	others = channel;
	devices = o->n;
	take_place(i, o->n);
	nvsr_together_before(1);
	rc = o->run(i, o->arg);
	fflush(NULL);
	_exit(rc);
}

static int start(const struct nvsr_together_options *o, struct party *p, unsigned i)
{
	struct member *m = &p->member[i];
	int channel[2] = { -1, -1 }, said[2] = { -1, -1 };
	pid_t parent = getpid();

	*m = (struct member){ .name = o->name[i], .channel = -1, .said = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
		return -errno;
	if (pipe2(said, O_CLOEXEC) || fcntl(said[0], F_SETFL, O_NONBLOCK)) {
		close(channel[0]);
		close(channel[1]);
		return -errno;
	}
	fflush(NULL);
	m->pid = fork();
	if (!m->pid) {
		/* What others are heard by would else be open as long as we are. */
		for (unsigned k = 0; k < i; k++) {
			close(p->member[k].channel);
			close(p->member[k].said);
		}
		close(channel[0]);
		close(said[0]);
		be_member(o, i, parent, channel[1], said[1]);
	}
	close(channel[1]);
	close(said[1]);
	m->channel = channel[0];
	m->said = said[0];
	p->n = i + 1;
	return m->pid < 0 ? -EAGAIN : 0;
}

static void put_line(struct member *m)
{
	static const char ours[] = "nvsr-conform: ";
	const char *line = m->line;

	m->line[m->len] = '\0';
	if (!strncmp(line, ours, strlen(ours)))
		line += strlen(ours);
	fprintf(stderr, "%s: %s\n", m->name, line);
	m->len = 0;
}

/* What it says, line by line, with its name.  False when there is no more for now. */
static bool hear(struct member *m)
{
	char text[512];
	ssize_t n = m->said < 0 ? 0 : read(m->said, text, sizeof(text));

	for (ssize_t i = 0; i < n; i++) {
		if (text[i] == '\n' || m->len == sizeof(m->line) - 1)
			put_line(m);
		if (text[i] != '\n')
			m->line[m->len++] = text[i];
	}
	if (!n && m->said >= 0) {
		close(m->said);
		m->said = -1;
	}
	return n > 0;
}

static void hear_last(struct member *m)
{
	while (hear(m))
		;
	if (m->len)
		put_line(m);
	if (m->said >= 0)
		close(m->said);
	m->said = -1;
}

static void take_wait(struct member *m)
{
	uint32_t turn;
	ssize_t n = recv(m->channel, &turn, sizeof(turn), MSG_DONTWAIT);

	if (n == sizeof(turn)) {
		m->waits = turn;
	} else if (n >= 0 || (errno != EAGAIN && errno != EINTR)) {
		close(m->channel);
		m->channel = -1;
	}
}

static void signal_all(struct party *p, int sig)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->member[i].pid > 0)
			kill(p->member[i].pid, sig);
}

/* Whoever ended keeps nobody waiting.  One that does not even begin: then none does. */
static void reap(struct party *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct member *m = &p->member[i];

		if (m->pid <= 0 || waitpid(m->pid, &m->status, WNOHANG) != m->pid)
			continue;
		hear_last(m);
		m->pid = 0;
		m->waits = 0;
		if (!p->begun && !nvsr_stop) {
			p->begun = true;
			signal_all(p, SIGTERM);
		}
	}
}

/* All wait: those for the earliest turn go.  Another one may have failed before it, and waits for a later one. */
static void let_go(struct party *p)
{
	uint32_t earliest = UINT32_MAX;

	for (unsigned i = 0; i < p->n; i++)
		if (p->member[i].pid > 0)
			earliest = NVSR_MIN(earliest, p->member[i].waits);
	if (!earliest || earliest == UINT32_MAX)
		return;
	for (unsigned i = 0; i < p->n; i++) {
		struct member *m = &p->member[i];

		if (m->pid <= 0 || m->waits != earliest)
			continue;
		m->waits = 0;
		if (send(m->channel, "", 1, MSG_NOSIGNAL) != 1)
			shutdown(m->channel, SHUT_RDWR);
	}
	p->begun = true;
}

static bool runs(const struct party *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->member[i].pid > 0)
			return true;
	return false;
}

static void serve(struct party *p)
{
	bool told = false;

	while (runs(p)) {
		struct pollfd fd[2 * NVSR_PERF_DEVICES_MOST];

		for (unsigned i = 0; i < p->n; i++) {
			fd[2 * i] = (struct pollfd){ .fd = p->member[i].said, .events = POLLIN };
			fd[2 * i + 1] = (struct pollfd){ .fd = p->member[i].channel, .events = POLLIN };
		}
		if (poll(fd, 2 * p->n, LOOK_MS) > 0)
			for (unsigned i = 0; i < p->n; i++) {
				if (fd[2 * i].revents)
					hear(&p->member[i]);
				if (fd[2 * i + 1].revents)
					take_wait(&p->member[i]);
			}
		if (nvsr_stop && !told) {
			told = true;
			signal_all(p, SIGTERM);
		}
		reap(p);
		let_go(p);
	}
}

/* The gravest. */
static int exit_code(const struct party *p)
{
	static const int gravest[] = { EXIT_DIFFERS, EXIT_USAGE, EXIT_INCOMPLETE, EXIT_CONFORMS };
	bool has[256] = { false };

	for (unsigned i = 0; i < p->n; i++)
		has[WIFEXITED(p->member[i].status) ? WEXITSTATUS(p->member[i].status) : EXIT_INCOMPLETE] = true;
	for (unsigned g = 0; g < NVSR_ARRAY_SIZE(gravest); g++)
		if (has[gravest[g]])
			return gravest[g];
	return EXIT_NOTHING;
}

int nvsr_together(const struct nvsr_together_options *o)
{
	struct party *p = calloc(1, sizeof(*p));
	int rc = p ? 0 : -ENOMEM, code;

	for (unsigned i = 0; !rc && i < o->n; i++)
		rc = start(o, p, i);
	if (rc) {
		nvsr_say("a process for each device: %s", strerror(-rc));
		if (p)
			signal_all(p, SIGTERM);
	}
	if (p)
		serve(p);
	code = rc ? EXIT_INCOMPLETE : exit_code(p);
	for (unsigned i = 0; p && i < p->n; i++)
		if (p->member[i].channel >= 0)
			close(p->member[i].channel);
	free(p);
	return code;
}

/* --- run directories ------------------------------------------------------------------------------------------------------------------ */

int nvsr_perf_report(const char *dir, int *ret_code)
{
	struct nvsr_text_style style = { .colour = isatty(STDOUT_FILENO), .where = dir };
	struct nvsr_perf_run run;
	char complaint[512] = "";
	int rc = nvsr_perf_read(dir, &run, complaint);

	if (rc) {
		nvsr_say("%s", complaint[0] ? complaint : strerror(-rc));
		return rc;
	}
	rc = nvsr_perf_report_files(dir, &run, complaint);
	if (complaint[0])
		nvsr_say("%s", complaint);
	nvsr_perf_text_write(stdout, &run, &style);
	if (ret_code)
		*ret_code = nvsr_perf_exit_code(&run);
	nvsr_perf_free(&run);
	return rc;
}

/* What they have done together; how they ended is in @code. */
static int report_all(const char *dir, int code)
{
	int together = 0;

	if (!nvsr_perf_is_together(dir))
		return code;
	if (nvsr_perf_report(dir, &together) && code != EXIT_DIFFERS)
		code = EXIT_INCOMPLETE;
	if (code == EXIT_CONFORMS)
		code = together;
	if (nvsr_stop)
		nvsr_say("interrupted; go on with\n  nvsr-conform resume %s", dir);
	return code;
}

struct parts {
	char *dir[NVSR_PERF_DEVICES_MOST];
	int (*measure)(unsigned i, const char *dir, void *arg);
	int (*resume)(const char *dir);
	void *arg;
};

static int measure_part(unsigned i, void *arg)
{
	const struct parts *p = arg;

	return p->measure(i, p->dir[i], p->arg);
}

static int resume_part(unsigned i, void *arg)
{
	const struct parts *p = arg;

	return p->resume(p->dir[i]);
}

int nvsr_together_measure(const char *out, const char *const *name, unsigned n, int (*measure)(unsigned i, const char *dir, void *arg),
			  void *arg)
{
	_cleanup_free_ char *dir = nvsr_rundir_make(out, "perf-together");
	struct parts p = { .measure = measure, .arg = arg };
	const struct nvsr_together_options all = { .n = n, .name = name, .run = measure_part, .arg = &p };
	int rc = dir ? 0 : EXIT_USAGE;

	/* All there are before anything is measured: who reads the run knows how many there should be. */
	for (unsigned i = 0; !rc && i < n; i++) {
		p.dir[i] = nvsr_asprintf("%s/%u", dir, i + 1);
		if (!p.dir[i] || nvsr_mkdirs(p.dir[i])) {
			nvsr_say("%s/%u: %s", dir, i + 1, strerror(errno));
			rc = EXIT_USAGE;
		}
	}
	if (!rc)
		rc = report_all(dir, nvsr_together(&all));
	/* Of a run that never began nothing stays. */
	for (unsigned i = 0; i < n; i++) {
		if (p.dir[i])
			rmdir(p.dir[i]);
		free(p.dir[i]);
	}
	if (dir)
		rmdir(dir);
	return rc;
}

int nvsr_together_resume(const char *dir, int (*resume)(const char *dir))
{
	struct parts p = { .resume = resume };
	struct nvsr_together_options all = { .name = (const char *const *)p.dir, .run = resume_part, .arg = &p };
	int code;

	while (all.n < NVSR_PERF_DEVICES_MOST && (p.dir[all.n] = nvsr_asprintf("%s/%u", dir, all.n + 1)) && !access(p.dir[all.n], F_OK))
		all.n++;
	code = report_all(dir, nvsr_together(&all));
	for (unsigned i = 0; i < NVSR_PERF_DEVICES_MOST; i++)
		free(p.dir[i]);
	return code;
}
