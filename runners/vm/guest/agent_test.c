// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's end of a job channel, as the program that a guest starts, over a socket and over a pseudo terminal: what a host
 * reads, byte for byte, and what is left behind.  Usage: agent_test [PROGRAM]; default: that of the build that this is of.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

enum { LIMIT_MS = 10000 };

static const char *program;
static char folder[] = "/tmp/nvsr-agent-XXXXXX";
static unsigned failed;
#define EXPECT(cond) do { if (!(cond)) { failed++; \
	fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #cond); } } while (0)

struct guest { pid_t pid; int fd; };

/* --- a host ---------------------------------------------------------------------------------------------------------------- */

/* In a folder that must be empty again afterwards. */
static void start(struct guest *g, bool terminal)
{
	int ends[2];
	char number[16];

	if (terminal) {
		struct termios raw;

		EXPECT(!openpty(&ends[0], &ends[1], NULL, NULL, NULL));
		tcgetattr(ends[1], &raw);
		cfmakeraw(&raw);
		tcsetattr(ends[1], TCSANOW, &raw);
	} else {
		EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	}
	g->pid = fork();
	if (!g->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		snprintf(number, sizeof(number), "%d", ends[1]);
		if (!chdir(folder))
			execl(program, program, "--fd", number, (char *)NULL);
		perror(program);
		_exit(127);
	}
	close(ends[1]);
	g->fd = ends[0];
}

static void put(struct guest *g, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n) {
		ssize_t done = write(g->fd, p, n);

		if (done <= 0) {
			EXPECT(!"the guest takes bytes");
			return;
		}
		p += done;
		n -= (size_t)done;
	}
}

static void put_run(struct guest *g, const char *script)
{
	char line[32];

	snprintf(line, sizeof(line), "RUN %zu\n", strlen(script));
	put(g, line, strlen(line));
	put(g, script, strlen(script));
}

static size_t get(struct guest *g, char *p, size_t n)
{
	size_t have = 0;

	while (have < n) {
		struct pollfd fd = { .fd = g->fd, .events = POLLIN };
		ssize_t done = poll(&fd, 1, LIMIT_MS) > 0 ? read(g->fd, p + have, n - have) : 0;

		if (done <= 0)
			break;
		have += (size_t)done;
	}
	return have;
}

/* Without its newline; "" at the end or after LIMIT_MS. */
static const char *get_line(struct guest *g)
{
	static char line[256];
	size_t n = 0;

	while (n < sizeof(line) - 1 && get(g, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	return line;
}

/* Return: how many beats came first. */
static unsigned expect_done(struct guest *g, int code, const char *output)
{
	unsigned beats = 0;
	const char *line;
	char expected[64], *text = calloc(1, strlen(output) + 1);

	while (!strcmp(line = get_line(g), "BEAT"))
		beats++;
	snprintf(expected, sizeof(expected), "DONE %d %zu", code, strlen(output));
	if (strcmp(line, expected)) {
		failed++;
		fprintf(stderr, "expected \"%s\", got \"%s\"\n", expected, line);
	}
	EXPECT(text && get(g, text, strlen(output)) == strlen(output) && !strcmp(text, output));
	free(text);
	return beats;
}

static void expect_line(struct guest *g, const char *expected)
{
	const char *line = get_line(g);

	if (!strncmp(line, expected, strlen(expected)))
		return;
	failed++;
	fprintf(stderr, "expected \"%s\", got \"%s\"\n", expected, line);
}

static bool folder_is_empty(void)
{
	return !rmdir(folder) && !mkdir(folder, 0700);
}

/* Ended by itself, with this exit code, and nothing lies about. */
static void expect_end(struct guest *g)
{
	int status = -1;

	for (unsigned ms = 0; ms < LIMIT_MS && waitpid(g->pid, &status, WNOHANG) == 0; ms += 10)
		poll(NULL, 0, 10);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		failed++;
		fprintf(stderr, "ended with status %x\n", (unsigned)status);
		kill(g->pid, SIGKILL);
		waitpid(g->pid, &status, 0);
	}
	EXPECT(folder_is_empty());
	close(g->fd);
}

static void off(struct guest *g)
{
	put(g, "OFF\n", 4);
	expect_end(g);
}

/* --- what it must do ------------------------------------------------------------------------------------------------------- */

static void test_scripts(bool terminal)
{
	static const struct { const char *script, *output; int code; } cases[] = {
		{ "echo hello", "hello\n", 0 },
		{ "exit 7", "", 7 },
		{ "", "", 0 },
		{ "printf 'a\\0b' | tr '\\0' 0; echo; echo err >&2; false", "a0b\n", 1 },
		{ "kill -KILL $$", "", 128 + SIGKILL },
		{ "cat; ls; touch x", "", 0 },				/* nothing on stdin, a folder of its own */
		{ "ls", "", 0 },					/* and a new one each time */
		{ "sleep 1000 & echo on", "on\n", 0 },			/* not waited for, though it has the pipe */
		{ "syntax ( error", "", 2 },
	};
	struct guest g;

	start(&g, terminal);
	expect_line(&g, "READY 1");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_run(&g, cases[i].script);
		expect_done(&g, cases[i].code, cases[i].output);
	}
	off(&g);
}

static void test_beats(void)
{
	struct guest g;

	start(&g, false);
	expect_line(&g, "READY 1");
	put_run(&g, "sleep 2.5; echo late");
	EXPECT(expect_done(&g, 0, "late\n") >= 2);
	off(&g);
}

/* One byte at a time, and several requests at once. */
static void test_pieces(void)
{
	static const char two[] = "RUN 7\necho 1\nRUN 7\necho 2\n", one[] = "RUN 12\necho pieces\n";
	struct guest g;

	start(&g, false);
	expect_line(&g, "READY 1");
	for (size_t i = 0; i < sizeof(one) - 1; i++) {
		put(&g, one + i, 1);
		poll(NULL, 0, 2);
	}
	expect_done(&g, 0, "pieces\n");
	put(&g, two, sizeof(two) - 1);
	expect_done(&g, 0, "1\n");
	expect_done(&g, 0, "2\n");
	off(&g);
}

static void test_big(bool terminal)
{
	size_t n = NVSR_AGENT_OUTPUT_MAX;
	char *text = malloc(n), line[256];
	bool same = true;
	struct guest g;

	start(&g, terminal);
	expect_line(&g, "READY 1");
	put_run(&g, "yes 1234567 | head -c 16777216");
	do
		snprintf(line, sizeof(line), "%s", get_line(&g));
	while (!strcmp(line, "BEAT"));
	EXPECT(!strcmp(line, "DONE 0 16777216"));
	EXPECT(text && get(&g, text, n) == n);
	for (size_t i = 0; text && i < n; i++)
		same &= text[i] == "1234567\n"[i % 8];
	EXPECT(same);
	/* One byte more, and without end. */
	put_run(&g, "yes 1234567 | head -c 16777217; sleep 1000");
	do
		snprintf(line, sizeof(line), "%s", get_line(&g));
	while (!strcmp(line, "BEAT"));
	EXPECT(!strcmp(line, "DONE 124 16777216"));
	EXPECT(text && get(&g, text, n) == n);
	free(text);
	put_run(&g, "echo still there");
	expect_done(&g, 0, "still there\n");
	off(&g);
}

static void test_nonsense(void)
{
	static const char *const lines[] = { "HELLO", "RUN", "RUN ", "RUN -1", "RUN 1x", "RUN 99999999999999999999", "off", "OFF now", "TELL me", "\x01\xff" };
	char *much = malloc(NVSR_AGENT_SCRIPT_MAX + 1), line[300];
	struct guest g;

	start(&g, false);
	expect_line(&g, "READY 1");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		put(&g, lines[i], strlen(lines[i]));
		put(&g, "\n\n", 2);
		expect_line(&g, "BAD expected RUN");
	}
	memset(line, 'x', sizeof(line));
	line[250] = '\n';
	put(&g, line, 251);
	expect_line(&g, "BAD expected RUN");
	expect_line(&g, "BAD expected RUN");
	/* A script that is too big is read to its end, and what follows is understood. */
	memset(much, '\n', NVSR_AGENT_SCRIPT_MAX + 1);
	snprintf(line, sizeof(line), "RUN %d\n", NVSR_AGENT_SCRIPT_MAX + 1);
	put(&g, line, strlen(line));
	put(&g, much, NVSR_AGENT_SCRIPT_MAX + 1);
	expect_line(&g, "BAD a script has at most");
	/* The biggest one is run. */
	memcpy(much, "echo big", 8);
	snprintf(line, sizeof(line), "RUN %d\n", NVSR_AGENT_SCRIPT_MAX);
	put(&g, line, strlen(line));
	put(&g, much, NVSR_AGENT_SCRIPT_MAX);
	expect_done(&g, 0, "big\n");
	free(much);
	off(&g);
}

/* The number that a script printed into a file in the folder, once it is there. */
static pid_t told_pid(void)
{
	char path[64], text[32] = "";
	FILE *f = NULL;

	snprintf(path, sizeof(path), "%s/pid", folder);
	for (unsigned ms = 0; ms < LIMIT_MS && !strchr(text, '\n'); ms += 10) {
		poll(NULL, 0, 10);
		f = fopen(path, "r");
		if (f && !fgets(text, sizeof(text), f))
			*text = '\0';
		if (f)
			fclose(f);
	}
	unlink(path);
	return atoi(text);
}

/* To a script that runs, once; to none it says nothing, and is in nobody's folder. */
static void test_tell(void)
{
	struct guest g;

	start(&g, false);
	expect_line(&g, "READY 1");
	put(&g, "TELL\n", 5);
	put_run(&g, "ls; echo $$ > ../pid.new; mv ../pid.new ../pid; n=0; until [ -e told ] || [ $n = 100 ]; do n=$((n + 1)); sleep 0.1; done; ls");
	told_pid();
	put(&g, "TELL\nTELL\n", 10);
	expect_done(&g, 0, "told\n");
	put_run(&g, "ls");
	expect_done(&g, 0, "");
	off(&g);
}

/* A hanging script and what it started are killed: when the host hangs up, with a request half sent; when it says OFF. */
static void test_hang_up(bool terminal, bool says_off)
{
	struct guest g;
	pid_t pid;

	start(&g, terminal);
	expect_line(&g, "READY 1");
	put_run(&g, "trap '' TERM HUP; sleep 1000 & echo $! > ../pid.new; mv ../pid.new ../pid; wait");
	pid = told_pid();
	EXPECT(pid > 0 && !kill(pid, 0));
	if (says_off) {
		off(&g);
	} else {
		put(&g, "RUN 100\nabc", 11);
		close(g.fd);
		g.fd = -1;
		expect_end(&g);
	}
	for (unsigned ms = 0; ms < LIMIT_MS && !kill(pid, 0); ms += 10)
		poll(NULL, 0, 10);
	EXPECT(pid > 0 && kill(pid, 0) && errno == ESRCH);
}

int main(int argc, char **argv)
{
	static const char here[] = "test/runners/vm/guest/agent_test";
	size_t len = strlen(argv[0]);
	char built[PATH_MAX] = "";

	if (len > sizeof(here))
		snprintf(built, sizeof(built), "%.*sguest/init", (int)(len - strlen(here)), argv[0]);
	program = realpath(argc > 1 ? argv[1] : built, NULL);
	if (!program || !mkdtemp(folder)) {
		perror("agent_test");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	alarm(120);
	for (int terminal = 0; terminal < 2; terminal++) {
		test_scripts(terminal);
		test_big(terminal);
		test_hang_up(terminal, false);
		test_hang_up(terminal, true);
	}
	test_beats();
	test_tell();
	test_pieces();
	test_nonsense();
	rmdir(folder);
	return failed != 0;
}
