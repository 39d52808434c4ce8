// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Performance runs from end to end: what is refused, what is recorded when something goes wrong, and that an interrupted run is
 * completed with every cell exactly once.  Run from the top of the project.
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "runners/perf/perf.h"
#include "base/expect.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";
const struct nvsr_command *const nvsr_commands[] = { &nvsr_cmd_perf, &nvsr_cmd_resume, &nvsr_cmd_serve, NULL };

static char folder[] = "/tmp/nvsr-perf-test-XXXXXX";

/* --- files and processes ------------------------------------------------------------------------------------------------------ */

static char *in_folder(const char *name)
{
	return nvsr_asprintf("%s/%s", folder, name);
}

static void put(const char *name, const char *text, mode_t mode)
{
	_cleanup_free_ char *path = in_folder(name);

	if (nvsr_write_file(path, text, strlen(text)) || chmod(path, mode))
		failed++;
}

static char *slurp(const char *name)
{
	_cleanup_free_ char *path = in_folder(name);
	char *text = NULL;

	return nvsr_read_file(path, 16u << 20, &text, NULL) ? strdup("") : text;
}

static bool exists(const char *name)
{
	_cleanup_free_ char *path = in_folder(name);

	return !access(path, F_OK);
}

static void redirect(int fd, const char *name, const char *suffix)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s.%s", folder, name, suffix);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	dup2(to, fd);
	close(to);
}

static int command(const char *line)
{
	char copy[1024], *argv[32], *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok_r(copy, " ", &save); word && argc < 31; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	argv[argc] = NULL;
	argp_err_exit_status = EXIT_USAGE;
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++)
		if (!strcmp((*c)->name, argv[0]))
			return (*c)->run(argc, argv);
	abort();
}

/* Start a command line; standard output and error go to NAME.out and NAME.err. */
static pid_t start(const char *name, const char *line)
{
	pid_t pid = fork();

	if (pid == 0) {
		redirect(STDOUT_FILENO, name, "out");
		redirect(STDERR_FILENO, name, "err");
		exit(command(line));
	}
	return pid;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int run(const char *name, const char *line)
{
	return wait_for(start(name, line));
}

/* Our matrix into the run directory NAME.run. */
static int perf(const char *name, const char *more)
{
	_cleanup_free_ char *line = nvsr_asprintf("perf model: --matrix %s/small.yaml --out %s/%s.run %s", folder, folder, name, more);

	return run(name, line);
}

/* Lines of the journal of NAME.run that hold all of @a and @b. */
static unsigned count(const char *name, const char *a, const char *b)
{
	_cleanup_free_ char *file = nvsr_asprintf("%s.run/perf.jsonl", name), *text = slurp(file);
	unsigned n = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		n += strstr(line, a) && strstr(line, b);
	return n;
}

/* --- what is refused --------------------------------------------------------------------------------------------------------------- */

static void what_is_refused_says_why(void)
{
	static const struct { const char *line, *says; int code; } cases[] = {
		{ "perf model: --matrix F/small.yaml --fio F/none", "apt-get install fio", EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --fio F/old --engine F/engine.so", "this fio is fio-3.1, the engine was built for fio-9.99",
		  EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --fio F/new --engine F/none.so", "F/none.so: No such file", EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --fio F/new --engine F/bare.so", "the file that says which fio it was built for", EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --fio F/lies --engine F/engine.so", "is no fio", EXIT_USAGE },
		{ "perf model: --matrix none", "no matrix 'none'", EXIT_USAGE },
		{ "perf model: --matrix F/bad.yaml", "F/bad.yaml:6:10: paths: no path is called 'teleport'", EXIT_USAGE },
		{ "perf model: --matrix F/deep.yaml", "F/deep.yaml:9:11: depths: passthrough.randread.4k.qd1024.j1.v1 is impossible", EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --path iscsi", "--path iscsi: matrix small does not have it", EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --path teleport", "no path is called so", EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --vhost-socket F/none", "--vhost-socket F/none: No such file", EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --vhost-socket F/new", "--vhost-socket F/new: expected a Unix socket", EXIT_USAGE },
		{ "perf model: --matrix F/small.yaml --vhost-socket F/socket", "--vhost-socket: guests have it, and a model has none", EXIT_USAGE },
		{ "perf model: --repeats 0", "--repeats 0: expected a number from 1", EXIT_USAGE },
		{ "perf model:no-such-drive", "no profile 'no-such-drive'", EXIT_USAGE },
		{ "perf /dev/nvme9", "No such file or directory", EXIT_USAGE },
		{ "perf unix:F/none", "is for fio by hand", EXIT_USAGE },
		{ "perf", "name the DEVICE", EXIT_USAGE },
		{ "perf model: /dev/nvme0", "model: and /dev/nvme0: a model and a drive cannot be measured together", EXIT_USAGE },
		{ "perf /dev/nvme0 /dev/nvme1 /dev/nvme0", "/dev/nvme0 and /dev/nvme0 are one device", EXIT_USAGE },
		{ "perf /dev/nvme0 /dev/nvme1 --destructive --erase-serial A", "1 serial number for 2 devices: expected one for each", EXIT_USAGE },
		{ "perf /dev/nvme0 --erase-serial A --erase-serial B", "2 serial numbers for 1 device: expected one", EXIT_USAGE },
		{ "perf model: model:no-such-drive --matrix F/small.yaml --out F/two", "model:no-such-drive: no profile 'no-such-drive'", EXIT_USAGE },
		{ "resume F", "F/journal.jsonl", EXIT_USAGE },
		{ "serve model:", "--socket PATH", EXIT_USAGE },
		{ "serve model: --socket F/s --vfs 9", "--vfs 9: model: has 8", EXIT_USAGE },
		{ "serve model: --socket F/s --function vf1", "are for a back end", EXIT_USAGE },
		{ "serve unix:F/none --socket F/s --vfs 1", "are for a model", EXIT_USAGE },
		{ "serve unix:F/none --socket F/s", "--function vfN", EXIT_USAGE },
		{ "serve model: --socket F/s --cpu 1-", "--cpu 1-: expected a list", EXIT_USAGE },
		{ "serve /dev/nvme0 --socket F/s", "expected model:", EXIT_USAGE },
	};
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	put("old", "#!/bin/sh\necho fio-3.1\n", 0755);
	put("new", "#!/bin/sh\necho fio-9.99\n", 0755);
	put("lies", "#!/bin/sh\necho 9.99\n", 0755);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/socket", folder);
	EXPECT(fd >= 0 && !bind(fd, (const struct sockaddr *)&a, sizeof(a)), "%s", a.sun_path);
	close(fd);
	put("engine.so", "", 0644);
	put("bare.so", "", 0644);
	put("engine.version", "fio-9.99\n", 0644);
	put("bad.yaml", "version: 1\ntitle: x\nrepeats: 3\nwarm-up-ms: 0\nrun-ms: 100\npaths: [ teleport ]\n", 0644);
	put("deep.yaml", "version: 1\ntitle: x\nrepeats: 3\nwarm-up-ms: 0\nrun-ms: 100\npaths: [ passthrough ]\n"
	    "patterns: [ { pattern: randread } ]\nblock-sizes: [ 4K ]\ndepths: [ 1024 ]\n", 0644);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		char line[512], says[512];
		_cleanup_free_ char *err = NULL;
		size_t n = 0, k = 0;
		int code;

		for (const char *s = cases[i].line; *s; s++)
			n += (size_t)snprintf(line + n, sizeof(line) - n, *s == 'F' ? "%s" : "%.1s", *s == 'F' ? folder : s);
		for (const char *s = cases[i].says; *s; s++)
			k += (size_t)snprintf(says + k, sizeof(says) - k, *s == 'F' ? "%s" : "%.1s", *s == 'F' ? folder : s);
		code = run("refused", line);
		err = slurp("refused.err");
		EXPECT(code == cases[i].code && strstr(err, says), "%s: exit code %d, says: %s", line, code, err);
	}
	EXPECT(!exists("two"), "a run that never began stays");
}

static void cells_are_listed_without_running(void)
{
	_cleanup_free_ char *line = nvsr_asprintf("perf model: --matrix %s/small.yaml --list-cells --repeats 7 --fio /none", folder);
	int code = run("list", line);
	_cleanup_free_ char *out = slurp("list.out");

	EXPECT(!code && strstr(out, "passthrough.randread.4k.qd1.j1.v1\n") && strstr(out, "nvmeof-tcp.randread.4k.qd1.j1.v1  # skipped: needs a host") &&
	       strstr(out, "# 6 cells, 7 repeats, 100 ms after 0 ms of warm-up: about 0 min "), "%d %s", code, out);
}

/* --- whole runs --------------------------------------------------------------------------------------------------------------------- */

static void a_run_measures_every_cell(void)
{
	int code = perf("good", "");
	_cleanup_free_ char *err = slurp("good.err");

	EXPECT(code == EXIT_CONFORMS, "%d: %s", code, err);
	EXPECT(count("good", "\"event\":\"cell\"", "\"result\":\"ok\"") == 12, "%u", count("good", "\"event\":\"cell\"", "\"ok\""));
	EXPECT(count("good", "\"event\":\"cell\"", "\"result\":\"skip\"") == 6, "%u", count("good", "\"event\":\"cell\"", "\"skip\""));
	EXPECT(count("good", "\"event\":\"verify\"", "\"result\":\"ok\"") == 2, "%s", err);
	EXPECT(count("good", "\"event\":\"start\"", "\"software\":true") == 1 && count("good", "\"event\":\"end\"", "\"exit\":0") == 1, "%s", err);
	EXPECT(exists("good.run/raw/passthrough.randread.4k.qd1.j1.v1/3.json") && exists("good.run/matrix.yaml") &&
	       exists("good.run/raw/passthrough.randread.4k.qd1.j1.v1/3.host.json") && exists("good.run/env.json") &&
	       exists("good.run/raw/passthrough.randread.4k.qd1.j1.v1/3.fio") && exists("good.run/device.json"), "files");
	/* There is nothing left to do, and nothing is done. */
	{
		_cleanup_free_ char *line = nvsr_asprintf("resume %s/good.run", folder), *again = NULL;

		code = run("again", line);
		again = slurp("again.err");
		EXPECT(!code && strstr(again, "every cell has its result") && count("good", "\"event\":\"resume\"", "") == 0, "%d %s", code, again);
	}
	EXPECT(perf("good", "") == EXIT_USAGE, "a run was written over");
}

/* A fio that fails on one load, and does nothing on another. */
static void a_cell_that_fails_harms_no_other(void)
{
	_cleanup_free_ char *more = nvsr_asprintf("--fio %s/moody --path passthrough-polled", folder), *err = NULL;
	int code;

	put("moody", "#!/bin/sh\nfor job; do :; done\n"
	    "case $job in\n*qd1.j1*) echo 'fio: out of sorts' >&2; exit 1 ;;\n*qd4.j1*/2.fio) echo '{ \"jobs\": [ { \"error\": 0 } ] }'; exit 0 ;;\nesac\n"
	    "exec fio \"$@\"\n", 0755);
	code = perf("moody", more);
	err = slurp("moody.err");
	EXPECT(code == EXIT_INCOMPLETE, "%d: %s", code, err);
	EXPECT(count("moody", "qd1.j1.v1\",\"repeat\"", "fio ended with exit code 1: fio: out of sorts") == 3, "%s", err);
	EXPECT(count("moody", "qd4.j1.v1\",\"repeat\":2", "fio did no I/O") == 1, "%s", err);
	EXPECT(count("moody", "qd4.j1.v1\",\"repeat\"", "\"ok\"") == 2, "%s", err);
	EXPECT(exists("moody.run/raw/passthrough-polled.randread.4k.qd1.j1.v1/1.err"), "what fio said is not kept");
}

/* A fio that hangs, and does not even hear SIGTERM. */
static void a_fio_that_hangs_is_ended(void)
{
	_cleanup_free_ char *more = nvsr_asprintf("--fio %s/deaf --path passthrough --repeats 1", folder), *err = NULL;
	uint64_t begin = nvsr_now_ns();
	int code;

	put("deaf", "#!/bin/sh\nfor job; do :; done\ncase $job in\n*qd4.j1*) trap '' TERM; echo 'busy' >&2; while :; do sleep 1; done ;;\nesac\n"
	    "exec fio \"$@\"\n", 0755);
	nvsr_measure_grace_ns = 5 * NVSR_S;
	code = perf("deaf", more);
	nvsr_measure_grace_ns = 20 * NVSR_S;
	err = slurp("deaf.err");
	EXPECT(code == EXIT_INCOMPLETE && count("deaf", "qd4.j1.v1\",\"repeat\"", "fio did not end within 5 s") == 1 &&
	       count("deaf", "qd1.j1.v1\",\"repeat\"", "\"ok\"") == 1, "%d: %s", code, err);
	EXPECT(nvsr_now_ns() - begin < 60 * NVSR_S, "took long");
}

/* The data that fio reads back is not what it wrote: the first verification of a path says so, and nothing is measured on it. */
static void wrong_data_is_the_verdict(void)
{
	_cleanup_free_ char *more = nvsr_asprintf("--fio %s/liar --path passthrough", folder), *err = NULL;
	int code;

	put("liar", "#!/bin/sh\nfor job; do :; done\ncase $job in\n"
	    "*verify*) echo '{ \"jobs\": [ { \"jobname\": \"vm1\", \"error\": 84 } ] }'; exit 1 ;;\nesac\nexec fio \"$@\"\n", 0755);
	code = perf("liar", more);
	err = slurp("liar.err");
	EXPECT(code == EXIT_DIFFERS && strstr(err, "passthrough: returns wrong data"), "%d: %s", code, err);
	EXPECT(count("liar", "\"event\":\"verify\"", "\"fail\"") == 1 && count("liar", "\"event\":\"cell\"", "\"fail\"") == 6, "%s", err);
}

/* --- interrupted and gone on with ------------------------------------------------------------------------------------------------------ */

/* The children of a process, and theirs. */
static unsigned children_of(pid_t pid, pid_t *ret, unsigned max)
{
	_cleanup_free_ char *path = nvsr_asprintf("/proc/%d/task/%d/children", (int)pid, (int)pid), *text = NULL;
	unsigned n = 0;

	if (nvsr_read_file(path, 4096, &text, NULL))
		return 0;
	for (char *s = text, *end; n < max; s = end) {
		long child = strtol(s, &end, 10);

		if (end == s)
			break;
		ret[n++] = (pid_t)child;
	}
	return n;
}

static bool any_lives(const pid_t *pid, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		_cleanup_free_ char *path = nvsr_asprintf("/proc/%d/stat", (int)pid[i]), *text = NULL;

		if (!nvsr_read_file(path, 4096, &text, NULL) && !strstr(text, ") Z "))
			return true;	/* whoever reaps what we left may be slow */
	}
	return false;
}

static void expect_each_once(const char *name, unsigned cells, unsigned repeats)
{
	_cleanup_free_ char *file = nvsr_asprintf("%s/%s.run/perf.jsonl", folder, name);
	struct nvsr_complaint c = { "" };
	struct nvsr_log_state s;
	int rc = nvsr_log_read(file, &s, &c);

	EXPECT(!rc, "%s", c.text);
	if (rc)
		return;
	EXPECT(nvsr_lines_count(s.results) == cells * repeats && s.complete, "%s: %u results", name, nvsr_lines_count(s.results));
	for (unsigned i = 1; i < nvsr_lines_count(s.results); i++)
		EXPECT(strcmp(s.results[i - 1], s.results[i]), "%s: %s twice", name, s.results[i]);
	nvsr_log_state_free(&s);
}

static void an_interrupted_run_is_completed(const char *name, int signal, int expected)
{
	_cleanup_free_ char *line = nvsr_asprintf("perf model: --matrix %s/small.yaml --out %s/%s.run --seed 5 --path passthrough", folder, folder, name);
	_cleanup_free_ char *resume = nvsr_asprintf("resume %s/%s.run", folder, name), *again = nvsr_asprintf("%s.again", name);
	_cleanup_free_ char *sockets = nvsr_asprintf("%s/nvsr-io-*", folder), *err_file = nvsr_asprintf("%s.err", name), *again_err = nvsr_asprintf("%s.err", again), *err = NULL, *err2 = NULL;
	pid_t pid = start(name, line), child[16];
	uint64_t until = nvsr_now_ns() + 60 * NVSR_S;
	unsigned children, done;
	glob_t left = { 0 };
	int code;

	while (count(name, "\"event\":\"cell\"", "\"ok\"") < 2 && nvsr_now_ns() < until)
		nvsr_sleep_ns(20 * NVSR_MS, NULL);
	children = children_of(pid, child, 16);
	kill(pid, signal);
	code = wait_for(pid);
	err = slurp(err_file);
	EXPECT(code == expected, "%s: %d: %s", name, code, err);
	EXPECT(children >= 1, "%s: no processes", name);
	for (unsigned i = 0; any_lives(child, children) && i < 100; i++)
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	EXPECT(!any_lives(child, children), "%s: its processes live on", name);
	if (signal != SIGKILL) {
		EXPECT(strstr(err, "interrupted; go on with\n  nvsr-conform resume"), "%s", err);
		EXPECT(count(name, "\"event\":\"end\"", "\"interrupted\":true") == 1, "%s", err);
	}
	done = count(name, "\"event\":\"cell\"", "\"ok\"");
	EXPECT(done >= 2 && done < 6, "%s: %u were done", name, done);
	code = run(again, resume);
	err2 = slurp(again_err);
	EXPECT(!code, "%s: %d: %s", name, code, err2);
	expect_each_once(name, 2, 3);
	/* Not even of the process that was killed. */
	EXPECT(glob(sockets, 0, NULL, &left) == GLOB_NOMATCH, "%s: %s", name, left.gl_pathc ? left.gl_pathv[0] : "");
	globfree(&left);
}

/* Turns of NAME.run/1 and NAME.run/2 that are ok. */
static unsigned count_of_two(const char *name)
{
	_cleanup_free_ char *run = nvsr_asprintf("%s.run", name);
	unsigned n = 0;

	for (unsigned i = 1; i <= 2; i++) {
		_cleanup_free_ char *file = nvsr_asprintf("%s/%u/perf.jsonl", run, i), *text = slurp(file);

		for (const char *s = text; (s = strstr(s, "\"event\":\"cell\"")); s++) {
			const char *ok = strstr(s, "\"result\":\"ok\""), *end = strchr(s, '\n');

			n += ok && end && ok < end;
		}
	}
	return n;
}

/* Two models at once; Ctrl-C to the one that started them; then both go on.  A report of both is a run's. */
static void several_devices_are_one_run(void)
{
	static const char where[] = "two.run";
	_cleanup_free_ char *line = nvsr_asprintf("perf model: model:samsung-pm173x --matrix %s/two.yaml --out %s/%s --path passthrough", folder, folder, where);
	_cleanup_free_ char *resume = nvsr_asprintf("resume %s/%s", folder, where), *err = NULL, *err2 = NULL, *out = NULL, *tsv = NULL;
	uint64_t until = nvsr_now_ns() + 60 * NVSR_S;
	pid_t pid;
	int code;

	put("two.yaml", "version: 1\ntitle: for tests\nrepeats: 3\nwarm-up-ms: 0\nrun-ms: 500\nnamespace-bytes: 16M\n"
	    "paths: [ passthrough ]\npatterns: [ { pattern: randread } ]\nblock-sizes: [ 4K ]\ndepths: [ 4 ]\nvms: [ 1, 2 ]\n", 0644);
	pid = start("two", line);
	while (count_of_two("two") < 2 && nvsr_now_ns() < until)
		nvsr_sleep_ns(20 * NVSR_MS, NULL);
	kill(pid, SIGINT);
	code = wait_for(pid);
	err = slurp("two.err");
	EXPECT(code == EXIT_INCOMPLETE && strstr(err, "two.run\n") && strstr(err, "model:samsung-pm173x: "), "%d: %s", code, err);
	EXPECT(count_of_two("two") < 12, "%u were done", count_of_two("two"));
	code = run("two-again", resume);
	err2 = slurp("two-again.err");
	out = slurp("two-again.out");
	tsv = slurp("two.run/perf.tsv");
	/* How far they overlapped is the machine's business here. */
	EXPECT(count_of_two("two") == 12 && (!code || strstr(out, "not measured together")), "%d, %u: %s %s", code, count_of_two("two"), err2, out);
	EXPECT(strstr(tsv, "# device: model:, model:samsung-pm173x\n") && strstr(tsv, "\npassthrough.randread.4k.qd4.j1.v2\tpassthrough\trandread\t100\t4096\t4\t1\t4\t16\t"),
	       "%s", tsv);
	EXPECT(exists("two.run/report/index.html") && exists("two.run/2/state.json") == exists("two.run/1/state.json"), "files");
}

/* Those that measure end, too, and write into their journals that they were interrupted. */
static void who_is_killed_ends_all(void)
{
	_cleanup_free_ char *line = nvsr_asprintf("perf model: model: --matrix %s/two.yaml --out %s/orphans.run", folder, folder);
	uint64_t until = nvsr_now_ns() + 60 * NVSR_S;
	pid_t pid = start("orphans", line), child[16];
	unsigned n;

	while (count_of_two("orphans") < 2 && nvsr_now_ns() < until)
		nvsr_sleep_ns(20 * NVSR_MS, NULL);
	n = children_of(pid, child, 16);
	kill(pid, SIGKILL);
	wait_for(pid);
	for (unsigned i = 0; any_lives(child, n) && i < 1000; i++)
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	EXPECT(n == 2 && !any_lives(child, n), "%u processes", n);
	for (unsigned i = 1; i <= 2; i++) {
		_cleanup_free_ char *file = nvsr_asprintf("orphans.run/%u/perf.jsonl", i), *text = slurp(file);

		EXPECT(strstr(text, "\"interrupted\":true"), "%s", text);
	}
}

/* The device's process is the first that a run starts. */
static void a_device_that_dies_costs_one_cell(void)
{
	_cleanup_free_ char *line = nvsr_asprintf("perf model: --matrix %s/small.yaml --out %s/dies.run --path passthrough-polled", folder, folder);
	_cleanup_free_ char *err = NULL;
	uint64_t until = nvsr_now_ns() + 60 * NVSR_S;
	pid_t pid = start("dies", line), child[16];
	unsigned n = 0;
	int code;

	while (count("dies", "\"event\":\"cell\"", "\"ok\"") < 2 && nvsr_now_ns() < until)
		nvsr_sleep_ns(20 * NVSR_MS, NULL);
	/* In the middle of a load: fio runs beside it. */
	while ((n = children_of(pid, child, 16)) < 2 && nvsr_now_ns() < until)
		nvsr_sleep_ns(NVSR_MS, NULL);
	nvsr_sleep_ns(250 * NVSR_MS, NULL);
	EXPECT(n == 2 && !kill(child[0], SIGKILL), "%u processes", n);
	code = wait_for(pid);
	err = slurp("dies.err");
	EXPECT(code == EXIT_INCOMPLETE && count("dies", "\"event\":\"cell\"", "the process of the device was ended by signal 9") == 1 &&
	       count("dies", "\"event\":\"cell\"", "\"ok\"") == 5, "%d: %s", code, err);
	EXPECT(nvsr_now_ns() < until, "took a minute");
}

/* A medium that is full ends the run, which goes on once there is room. */
static void a_full_medium_ends_the_run(void)
{
	_cleanup_free_ char *at = in_folder("tiny"), *line = nvsr_asprintf("perf model: --matrix %s/small.yaml --path passthrough-polled --out %s/run", folder, at);
	_cleanup_free_ char *resume = nvsr_asprintf("resume %s/run", at), *err = NULL, *err2 = NULL;
	pid_t pid;
	int code;

	if (mkdir(at, 0777))
		failed++;
	pid = fork();
	if (!pid) {
		if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("none", at, "tmpfs", 0, "size=128k"))
			exit(77);
		code = run("full", line);
		if (code != EXIT_INCOMPLETE)
			exit(10);
		if (mount("none", at, "tmpfs", MS_REMOUNT, "size=64m"))
			exit(11);
		code = run("room", resume);
		exit(code ? 12 : access("/none", F_OK) ? 0 : 13);
	}
	code = wait_for(pid);
	err = slurp("full.err");
	err2 = slurp("room.err");
	if (code == 77) {
		fprintf(stderr, "not tried: a medium that is full (may not mount)\n");
		return;
	}
	EXPECT(!code, "step %d: %s\n%s", code, err, err2);
	EXPECT(strstr(err, "No space left on device") && strstr(err, "incomplete; go on with"), "%s", err);
}

static void what_would_not_compare_is_told(void)
{
	_cleanup_free_ char *resume = nvsr_asprintf("resume %s/good.run", folder), *err = NULL, *err2 = NULL, *err3 = NULL;
	_cleanup_free_ char *env = slurp("good.run/env.json"), *log = slurp("good.run/perf.jsonl");
	char *at = strstr(env, "\"kernel\": \""), *engine = strstr(log, "\"engine\":\""), *placement = strstr(log, "\"guest\":["), was;
	int code;

	EXPECT(at && engine && placement, "%s", env);
	if (!at || !engine || !placement)
		return;
	/* The processors depend on it. */
	EXPECT(strstr(log, "\"--device-threads=1\""), "%s", log);
	placement += strlen("\"guest\":[");
	was = *placement;
	*placement = was == '9' ? '8' : (char)(was + 1);
	put("good.run/perf.jsonl", log, 0644);
	code = run("placement", resume);
	err3 = slurp("placement.err");
	EXPECT(code == EXIT_USAGE && strstr(err3, "on other processors"), "%d %s", code, err3);
	*placement = was;
	engine[strlen("\"engine\":\"")] ^= 1;
	put("good.run/perf.jsonl", log, 0644);
	code = run("engine", resume);
	err = slurp("engine.err");
	EXPECT(code == EXIT_USAGE && strstr(err, "another build of the fio engine"), "%d %s", code, err);
	engine[strlen("\"engine\":\"")] ^= 1;
	put("good.run/perf.jsonl", log, 0644);
	at[strlen("\"kernel\": \"")] = 'X';
	put("good.run/env.json", env, 0644);
	code = run("host", resume);
	err2 = slurp("host.err");
	EXPECT(code == EXIT_USAGE && strstr(err2, "another machine: kernel is not"), "%d %s", code, err2);
}

int main(void)
{
	struct nvsr_fio fio = { 0 };
	bool works;

	if (!mkdtemp(folder))
		return 1;
	setenv("TMPDIR", folder, 1);
	put("small.yaml", "version: 1\ntitle: for tests\nrepeats: 3\nwarm-up-ms: 0\nrun-ms: 100\nnamespace-bytes: 16M\n"
	    "paths: [ passthrough, passthrough-polled, nvmeof-tcp ]\npatterns: [ { pattern: randread } ]\nblock-sizes: [ 4K ]\n"
	    "depths: [ 1, 4 ]\n", 0644);
	works = !nvsr_fio_find(NULL, NULL, &fio);
	nvsr_fio_free(&fio);
	what_is_refused_says_why();
	cells_are_listed_without_running();
	if (works) {
		a_run_measures_every_cell();
		what_would_not_compare_is_told();
		a_cell_that_fails_harms_no_other();
		a_fio_that_hangs_is_ended();
		wrong_data_is_the_verdict();
		an_interrupted_run_is_completed("ctrl-c", SIGINT, EXIT_INCOMPLETE);
		an_interrupted_run_is_completed("killed", SIGKILL, -SIGKILL);
		a_full_medium_ends_the_run();
		a_device_that_dies_costs_one_cell();
		several_devices_are_one_run();
		who_is_killed_ends_all();
	} else {
		fprintf(stderr, "not tried: whole runs (no fio, or no engine for it)\n");
	}
	if (!failed) {
		_cleanup_free_ char *rm = nvsr_asprintf("rm -rf %s", folder);

		failed += system(rm) != 0;
	} else {
		fprintf(stderr, "see %s\n", folder);
	}
	printf("%s: perf_test\n", failed ? "FAIL" : "ok");
	return failed != 0;
}
