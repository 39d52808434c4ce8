// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The harness tells the truth: suites/meta ends in every way a test can, and each verdict must arrive in every output and
 * in the exit code.  TAP is read by Perl's prove and JUnit by xmllint, not by ourselves.  Run from the top of the project.
 */
#include <fcntl.h>
#include <jansson.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "runners/conform/conform.h"
#include "base/expect.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";
const struct nvsr_command *const nvsr_commands[] = { &nvsr_cmd_run, &nvsr_cmd_report, &nvsr_cmd_resume, NULL };

static char folder[] = "/tmp/nvsr-meta-XXXXXX";

static char *in_folder(const char *name)
{
	return nvsr_asprintf("%s/%s", folder, name);
}

static char *slurp(const char *name)
{
	_cleanup_free_ char *path = in_folder(name);
	char *text = NULL;
	size_t len;

	if (nvsr_read_file(path, 16u << 20, &text, &len))
		return strdup("");
	return text;
}

/* Standard output or error to NAME.SUFFIX. */
static void redirect(int fd, const char *name, const char *suffix)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s.%s", folder, name, suffix);
	int to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	dup2(to, fd);
	close(to);
}

static const struct nvsr_command *command_of(const char *name)
{
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	abort();
}

/* Start a command line ("run model: …", no quoting); stdout and stderr go to NAME.out and NAME.err. */
static pid_t start(const char *name, const char *line, rlim_t file_limit)
{
	pid_t pid = fork();

	if (pid == 0) {
		char copy[512], *argv[32], *save = NULL;
		int argc = 0;

		snprintf(copy, sizeof(copy), "%s", line);
		redirect(STDOUT_FILENO, name, "out");
		redirect(STDERR_FILENO, name, "err");
		for (char *word = strtok_r(copy, " ", &save); word && argc < 31; word = strtok_r(NULL, " ", &save))
			argv[argc++] = word;
		argv[argc] = NULL;
		argp_err_exit_status = EXIT_USAGE;
		if (file_limit) {
			struct rlimit limit = { file_limit, file_limit };

			setrlimit(RLIMIT_FSIZE, &limit);
		}
		exit(command_of(argv[0])->run(argc, argv));
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

/* Run model: with @args into the run directory @name; the exit code. */
static int run_model(const char *name, const char *args)
{
	_cleanup_free_ char *line = nvsr_asprintf("run model: --out %s/%s %s", folder, name, args);

	return wait_for(start(name, line, 0));
}

/* Standard output of a shell command. */
static char *shell(const char *fmt, const char *arg)
{
	_cleanup_free_ char *command = nvsr_asprintf(fmt, folder, arg);
	struct nvsr_text out = { 0 };
	FILE *p = popen(command, "r");
	char buf[4096];
	size_t n;

	while (p && (n = fread(buf, 1, sizeof(buf), p)))
		nvsr_text_addn(&out, buf, n);
	if (p)
		pclose(p);
	return out.s ? out.s : strdup("");
}

/* --- every verdict in every output --------------------------------------------------------------------------------------- */

static const struct row {
	const char *id, *result, *severity, *junit, *word;	/* severity NULL: no evidence block */
	bool ok;
} rows[] = {
	{ "meta.verdict.passes", "pass", "pass", NULL, "pass", true },
	{ "meta.verdict.fails", "fail", "fail", "failure", "FAIL", false },
	{ "meta.verdict.must-leaves", "fail", "fail", "failure", "FAIL", false },
	{ "meta.verdict.fails-before-skip", "fail", "fail", "failure", "FAIL", false },
	{ "meta.verdict.skips", "skip", NULL, "skipped", "skip", true },
	{ "meta.verdict.unmet-need", "skip", NULL, "skipped", "skip", true },
	{ "meta.verdict.checks-nothing", "broken", "broken", "error", "BROKEN", false },
	{ "meta.verdict.breaks", "broken", "broken", "error", "BROKEN", false },
	{ "meta.verdict.deviates", "pass", "deviates", NULL, "pass", true },
	{ "meta.verdict.reports", "pass", "pass", NULL, "pass", true },
	{ "meta.verdict.writes-output", "pass", NULL, NULL, "pass", true },
	{ "meta.verdict.sends-too-much", "broken", "broken", "error", "BROKEN", false },
	{ "meta.process.crashes", "crash", "crash", "error", "CRASH", false },
	{ "meta.process.exits", "crash", "crash", "error", "CRASH", false },
	{ "meta.process.hangs", "timeout", "timeout", "error", "TIMEOUT", false },
	{ "meta.process.passes-after", "pass", NULL, NULL, "pass", true },
};
#define PROVE_SAYS "Failed tests:  2-4, 7-8, 12-15"

static void check_json(void)
{
	_cleanup_free_ char *text = slurp("all/results.json");
	json_t *o = json_loads(text, 0, NULL), *tests = json_object_get(o, "tests");

	EXPECT(json_integer_value(json_object_get(o, "version")) == 1, "results.json");
	EXPECT(json_array_size(tests) == NVSR_ARRAY_SIZE(rows), "%zu tests", json_array_size(tests));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(rows); i++) {
		const json_t *t = json_array_get(tests, i);
		const char *id = json_string_value(json_object_get(t, "id")), *result;

		result = json_string_value(json_object_get(t, "result"));
		EXPECT(id && !strcmp(id, rows[i].id), "%s at %u", id ? id : "nothing", i);
		EXPECT(result && !strcmp(result, rows[i].result), "%s: %s", rows[i].id, result ? result : "nothing");
	}
	json_decref(o);
}

static void check_tap(void)
{
	_cleanup_free_ char *tap = slurp("all/results.tap");
	_cleanup_free_ char *live = slurp("all.out");
	_cleanup_free_ char *said = shell("prove -e cat %s/%s 2>&1", "all/results.tap");

	EXPECT(!strcmp(tap, live), "TAP on standard output and in the run directory differ");
	EXPECT(strstr(said, PROVE_SAYS), "prove says: %s", said);
	EXPECT(!strstr(said, "Parse errors"), "prove says: %s", said);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *point = nvsr_asprintf("\n%sok %u - %s%s\n%s%s%s", rows[i].ok ? "" : "not ", i + 1, rows[i].id,
							   "", rows[i].severity ? "  ---\n  severity: '" : "",
							   rows[i].severity ? rows[i].severity : "", rows[i].severity ? "'" : "");

		if (!strcmp(rows[i].result, "skip"))
			*strrchr(point, '\n') = '\0';	/* the reason follows */
		EXPECT(strstr(tap, point), "no %s", point);
	}
	EXPECT(strstr(tap, "skips # SKIP asked to skip \\# with a hash\n"), "the reason of a skip");
	/* Stray output stands before the point of its test, as comments. */
	EXPECT(strstr(tap, "# stray line on stdout\n# 1..9 ok not ok Bail out!\n"), "stray output");
	EXPECT(strstr(tap, "# stray bytes \\xff\\x01 on stderr\n"), "stray output");
	/* a sanitizer may add words of its own */
	EXPECT(strstr(tap, "# last words\n") && strstr(strstr(tap, "# last words\n"), "\nnot ok 13 - meta.process.crashes\n"),
	       "the last words of a crash");
}

static void check_junit(void)
{
	_cleanup_free_ char *valid = shell("xmllint --noout %s/%s 2>&1 && echo valid", "all/results.xml");

	EXPECT(!strcmp(valid, "valid\n"), "xmllint says: %s", valid);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(rows); i++) {
		const char *dot = strrchr(rows[i].id, '.');
		_cleanup_free_ char *query = nvsr_asprintf("xmllint --xpath 'concat(\"is \", name(//testcase[@name=\"%s\"]/*[name() = "
							   "\"failure\" or name() = \"error\" or name() = \"skipped\"]), \" in \", "
							   "//testcase[@name=\"%s\"]/@classname)' %%s/%%s", dot + 1, dot + 1);
		_cleanup_free_ char *said = shell(query, "all/results.xml");
		_cleanup_free_ char *want = nvsr_asprintf("is %s in %.*s\n", rows[i].junit ? rows[i].junit : "",
							  (int)(dot - rows[i].id), rows[i].id);

		EXPECT(!strcmp(said, want), "%s: %s", rows[i].id, said);
	}
}

static void check_text(void)
{
	_cleanup_free_ char *line = nvsr_asprintf("report --format text %s/all", folder), *text = NULL;

	EXPECT(wait_for(start("text", line, 0)) == 1, "report of a run with failures");
	text = slurp("text.out");
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(rows); i++) {
		_cleanup_free_ char *want = nvsr_asprintf("\n%s .", rows[i].id);
		char *at = strstr(text, want), *end = at ? strchr(at + 1, '\n') : NULL;

		if (end)
			*end = '\0';
		EXPECT(at && strstr(at, rows[i].word), "%s: %s", rows[i].id, at ? at : "no line");
		if (end)
			*end = '\n';
	}
	EXPECT(strstr(text, "16 tests: 5 pass, 3 fail, 3 broken, 1 timeout, 2 crash, 2 skip (1 beyond this access method, 1 not "
			    "applicable); 1 reports a deviation\nagain: nvsr-conform run model: meta.verdict.fails "), "%s", text);
}

static void check_page(void)
{
	_cleanup_free_ char *page = slurp("all/report/index.html");

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(rows); i++)
		EXPECT(strstr(page, rows[i].id), "%s is not on the page", rows[i].id);
}

static void test_every_verdict(void)
{
	EXPECT(run_model("all", "--format tap meta.verdict.* meta.process.* !meta.process.waits") == 1, "a failure is there");
	check_json();
	check_tap();
	check_junit();
	check_text();
	check_page();
}

/* --- abort -------------------------------------------------------------------------------------------------------------------- */

static void test_abort(void)
{
	_cleanup_free_ char *said = NULL, *tap = NULL;

	EXPECT(run_model("abort", "--format tap meta.verdict.passes meta.abort.*") == 3, "an abort is incomplete");
	said = shell("prove -e cat %s/%s 2>&1", "abort/results.tap");
	tap = slurp("abort/results.tap");
	EXPECT(strstr(said, "Bailout called"), "prove says: %s", said);
	EXPECT(strstr(tap, "ok 1 - meta.verdict.passes\n"), "%s", tap);
	EXPECT(strstr(tap, "not ok 2 - meta.abort.cannot-be-restored\n  ---\n  severity: 'abort'\n"), "%s", tap);
	EXPECT(strstr(tap, "not ok 3 - meta.abort.not-run\n  ---\n  severity: 'abort'\n"), "%s", tap);
	EXPECT(strstr(tap, "reason: 'not run: the device could not be restored after meta.abort.cannot-be-restored"), "%s", tap);
	EXPECT(strstr(tap, "\nBail out! the device could not be restored after"), "%s", tap);
}

/* --- exit codes and expectations ---------------------------------------------------------------------------------------------- */

static void put_file(const char *name, const char *text)
{
	_cleanup_free_ char *path = in_folder(name);

	EXPECT(!nvsr_write_file(path, text, strlen(text)), "%s", path);
}

static void test_exit_codes(void)
{
	static const struct { const char *args; int code; const char *says; } cases[] = {
		{ "meta.verdict.passes", 0, "report:" }, { "meta.verdict.skips", 77, "" }, { "meta.verdict.breaks", 3, "" },
		{ "meta.verdict.checks-nothing", 3, "" }, { "meta.process.crashes meta.verdict.passes", 3, "" },
		{ "meta.verdict.deviates", 0, "" }, { "meta.verdict.deviates --strict", 0, "" },
		{ "meta.verdict.fails meta.process.exits", 1, "" },
		{ "no.such.test", 2, "no.such.test" }, { "meta.verdict.passes !meta.*", 2, "no test" },
		{ "--format yaml", 2, "text|tap|json" }, { "--no-such-option", 2, "no-such-option" },
		{ "--defect no-such-defect meta.verdict.passes", 2, "no-such-defect" },
		{ "--model-state /dev/null meta.verdict.passes", 2, "/dev/null: expected a state file" },
		{ "--profile no-such-profile meta.verdict.passes", 2, "no-such-profile" },
		{ "--timeout-scale 0 meta.verdict.passes", 2, "timeout-scale" },
		{ "--seed -1 meta.verdict.passes", 2, "--seed -1: expected a number" },
		{ "--steps many meta.verdict.passes", 2, "--steps many: expected a number" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		char name[16];
		_cleanup_free_ char *err = NULL, *file = NULL;
		int code;

		snprintf(name, sizeof(name), "code%u", i);
		code = run_model(name, cases[i].args);
		file = nvsr_asprintf("%s.err", name);
		err = slurp(file);
		EXPECT(code == cases[i].code, "%s: %d: %s", cases[i].args, code, err);
		EXPECT(strstr(err, cases[i].says), "%s: %s", cases[i].args, err);
	}
	EXPECT(run_model("code0", "meta.verdict.passes") == 2, "a run directory with a run in it");
}

/* A failure that is expected is known, a pass is a surprise; neither is hidden. */
static void test_expectations(void)
{
	_cleanup_free_ char *tap = NULL, *args = NULL, *strict = NULL, *expired = NULL, *said = NULL, *err = NULL;

	put_file("expect.yaml",
		 "- { id: 'meta.verdict.fails', requirement: PCIE-01, why: early, link: 'https://example.org/1', until: 2099-01 }\n"
		 "- { id: 'meta.verdict.passes', requirement: PCIE-01, why: late, link: 'https://example.org/2', until: 2099-01 }\n");
	put_file("expired.yaml",
		 "- { id: 'meta.verdict.fails', requirement: PCIE-01, why: early, link: 'https://example.org/1', until: 2020-01 }\n");
	args = nvsr_asprintf("--expect %s/expect.yaml meta.verdict.fails meta.verdict.passes", folder);
	strict = nvsr_asprintf("--strict %s", args);
	expired = nvsr_asprintf("--expect %s/expired.yaml meta.verdict.fails", folder);
	EXPECT(run_model("expect", args) == 0, "known and surprise");
	EXPECT(run_model("strict", strict) == 1, "a surprise is a failure for --strict");
	EXPECT(run_model("expired", expired) == 2, "an expired expectation");
	err = slurp("expired.err");
	EXPECT(strstr(err, "expired.yaml:1"), "%s", err);
	tap = slurp("expect/results.tap");
	EXPECT(strstr(tap, "ok 1 - meta.verdict.passes # TODO https://example.org/2 expected to differ (late), but passes\n"), "%s",
	       tap);
	EXPECT(strstr(tap, "not ok 2 - meta.verdict.fails # TODO https://example.org/1 early\n"), "%s", tap);
	said = shell("prove -e cat %s/%s 2>&1", "expect/results.tap");
	EXPECT(strstr(said, "TODO passed:   1") && strstr(said, "Result: PASS"), "prove says: %s", said);
}

/* The lines beside a profile speak of the drive: where the model that plays it does better, that is a plain pass. */
static void test_played_drive(void)
{
	_cleanup_free_ char *args = nvsr_asprintf("--profile %s/played.yaml meta.verdict.fails meta.verdict.passes", folder);
	_cleanup_free_ char *tap = NULL;

	put_file("played.yaml", "version: 1\ntitle: a drive\n");
	put_file("played.expect.yaml",
		 "- { id: 'meta.verdict.fails', requirement: PCIE-01, why: early, link: 'https://example.org/1', until: 2099-01 }\n"
		 "- { id: 'meta.verdict.passes', requirement: PCIE-01, why: late, link: 'https://example.org/2', until: 2099-01 }\n");
	EXPECT(run_model("played", args) == 0, "a failure that is known, and a pass");
	tap = slurp("played/results.tap");
	EXPECT(strstr(tap, "ok 1 - meta.verdict.passes\n") && strstr(tap, "not ok 2 - meta.verdict.fails # TODO"), "%s", tap);
}

/* A line whose tests all pass has no place in the file of a device: a full run says so. */
static void test_stale(void)
{
	_cleanup_free_ char *args = NULL, *err = NULL;

	put_file("stale.yaml", "- { id: 'pf.capability.pf-has-it', requirement: PCIE-01, why: w, link: 'https://example.org/1', "
			       "until: 2099-01 }\n");
	args = nvsr_asprintf("--expect %s/stale.yaml", folder);
	EXPECT(run_model("stale", args) == 2, "a stale expectation");
	err = slurp("stale.err");
	EXPECT(strstr(err, "stale.yaml:1: pf.capability.pf-has-it: stale"), "%s", err);
}

/* --- interruptions -------------------------------------------------------------------------------------------------------------- */

/* Wait until a file says @text; false after ten seconds. */
static bool wait_text(const char *name, const char *text)
{
	for (unsigned i = 0; i < 1000; i++) {
		_cleanup_free_ char *now = slurp(name);

		if (strstr(now, text))
			return true;
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	}
	return false;
}

static void test_interrupt(const char *name, const char *test, unsigned signals)
{
	_cleanup_free_ char *line = nvsr_asprintf("run model: --out %s/%s --timeout-scale 60 meta.verdict.passes %s "
						  "meta.process.passes-after", folder, name, test);
	_cleanup_free_ char *journal = nvsr_asprintf("%s/journal.jsonl", name), *text = NULL;
	_cleanup_free_ char *tap = NULL, *tap_name = nvsr_asprintf("%s/results.tap", name);
	uint64_t begin = nvsr_now_ns();
	pid_t pid = start(name, line, 0);

	EXPECT(wait_text(journal, "{\"event\":\"start\",\"id\":\"meta.process"), "%s does not start", test);
	for (unsigned i = 0; i < signals; i++) {
		nvsr_sleep_ns(200 * NVSR_MS, NULL);
		kill(pid, SIGINT);
	}
	EXPECT(wait_for(pid) == 3, "an interrupted run is incomplete");
	EXPECT(nvsr_now_ns() - begin < 4 * NVSR_S, "%s: the run did not end soon", test);
	text = slurp(journal);
	EXPECT(strstr(text, "\"interrupted\":true"), "%s", text);
	tap = slurp(tap_name);
	EXPECT(strstr(tap, "ok 1 - meta.verdict.passes\n") && strstr(tap, "severity: 'none'\n"), "%s", tap);
}

static void test_resume(void)
{
	_cleanup_free_ char *line = nvsr_asprintf("resume %s/polite", folder), *tap = NULL, *again = NULL;

	EXPECT(wait_for(start("resume", line, 0)) == 0, "what was interrupted passes when resumed");
	tap = slurp("polite/results.tap");
	EXPECT(strstr(tap, "ok 2 - meta.process.waits\n") && strstr(tap, "ok 3 - meta.process.passes-after\n"), "%s", tap);
	EXPECT(wait_for(start("resume", line, 0)) == 0, "a complete run");
	again = slurp("resume.err");
	EXPECT(strstr(again, "every test has its verdict"), "%s", again);
}

/* A journal that cannot grow: the run stops, and says so. */
static void test_disk_full(void)
{
	_cleanup_free_ char *head = NULL, *err = NULL;
	_cleanup_free_ char *line = nvsr_asprintf("run model: --out %s/full --format tap pf.*", folder);
	_cleanup_free_ char *trial = nvsr_asprintf("run model: --out %s/trial --format tap pf.*", folder);
	int code;

	wait_for(start("trial", trial, 0));
	head = slurp("trial/journal.jsonl");
	code = wait_for(start("full", line, (rlim_t)(strchrnul(head, '\n') - head) + 2000));
	err = slurp("full.err");
	EXPECT(code == 3, "%d: %s", code, err);
	EXPECT(strstr(err, "journal.jsonl: File too large: stopped, the device is restored"), "%s", err);
}

static void test_same_report(void)
{
	_cleanup_free_ char *before = slurp("all/results.json"), *after = NULL;
	_cleanup_free_ char *line = nvsr_asprintf("report %s/all %s/abort", folder, folder), *table = NULL;

	EXPECT(wait_for(start("report", line, 0)) == 1, "one of them has failures");
	after = slurp("all/results.json");
	EXPECT(!strcmp(before, after), "results.json of a run and of its journal differ");
	table = slurp("report.out");
	EXPECT(strstr(table, "meta.abort.not-run") && strstr(table, "tests differ"), "%s", table);
}

/* --- what a capability run found out goes into the performance run of the same device, and nowhere else ----------------------- */

static void put_in(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *where = in_folder(dir), *file = nvsr_asprintf("%s/%s", dir, name);

	EXPECT(!nvsr_mkdirs(where), "%s", where);
	put_file(file, text);
}

#define TABLE(serial) "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"serial\":\"" serial "\",\"cells\":[" \
	"{\"row\":\"migration\",\"way\":\"passthrough\"}]}\n{\"event\":\"cell\",\"row\":\"migration\",\"way\":\"passthrough\",\"answer\":\"no\",\"text\":" \
	"\"it refused\"}\n{\"event\":\"end\",\"exit\":0}\n"

static void test_capability(void)
{
	static const struct { const char *args, *says; int code; bool taken; } cases[] = {
		{ "--capability %s/cap-other %s/perf", "serial number S2, the performance run has S1", 2, false },
		{ "--capability %s/nowhere %s/perf", "nowhere/capability.jsonl: No such file", 2, false },
		{ "--capability %s/cap-bad %s/perf", "capability.jsonl:1: expected an event", 2, false },
		{ "--capability %s/cap %s/all", "takes one performance run", 2, false },
		{ "--capability %s/cap %s/perf", "it refused", 77, true },
		/* It stays. */
		{ "--strict %s/perf", "it refused", 77, true },
		{ "--strict %s/cap", "passthrough, Live migration: no: it refused", 0, true },
		{ "--strict %s/cap-bad", "capability.jsonl:1: expected an event", 2, true },
	};

	put_in("perf", "perf.jsonl", "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"software\":false,\"serial\":\"S1\",\"repeats\":1,\"cells\":[]}\n"
		 "{\"event\":\"end\",\"exit\":0}\n");
	put_in("cap", "capability.jsonl", TABLE("S1"));
	put_in("cap-other", "capability.jsonl", TABLE("S2"));
	put_in("cap-bad", "capability.jsonl", "{}\n");
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *args = NULL, *line = NULL, *text = NULL, *said = NULL, *page = NULL, *beside = NULL;
		int code;

		for (const char *s = cases[i].args; *s; s += strcspn(s, "%") + (s[strcspn(s, "%")] ? 2 : 0)) {
			_cleanup_free_ char *was = args;

			args = nvsr_asprintf("%s%.*s%s", was ? was : "", (int)strcspn(s, "%"), s, s[strcspn(s, "%")] ? folder : "");
		}
		line = nvsr_asprintf("report %s", args ? args : "");
		code = wait_for(start("cap-report", line, 0));
		text = slurp("cap-report.out");
		said = slurp("cap-report.err");
		page = slurp("perf/report/index.html");
		beside = slurp("perf/capability.jsonl");
		EXPECT(code == cases[i].code, "%s: %d: %s", line, code, said);
		EXPECT(strstr(code == 77 ? page : code ? said : text, cases[i].says), "%s: %s%s", line, text, said);
		EXPECT(!*beside == !cases[i].taken, "%s: beside the run: %s", line, beside);
	}
}

int main(void)
{
	_cleanup_free_ char *clean = NULL;

	if (!mkdtemp(folder))
		return 1;
	test_every_verdict();
	test_abort();
	test_same_report();
	test_capability();
	test_exit_codes();
	test_expectations();
	test_stale();
	test_played_drive();
	test_interrupt("polite", "meta.process.waits", 1);
	test_interrupt("hard", "meta.process.hangs", 2);
	test_resume();
	test_disk_full();
	if (!failed)
		clean = shell("rm -r %s%s", "");
	else
		fprintf(stderr, "left for a look: %s\n", folder);
	return failed ? 1 : 0;
}
