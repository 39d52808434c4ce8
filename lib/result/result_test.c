// SPDX-License-Identifier: GPL-2.0-or-later
/* The journal survives what may happen to it: odd bytes, a torn line, a resumed run, damage. */
#include <fcntl.h>
#include <sys/resource.h>
#include <signal.h>

#include "base/text.h"
#include "result/result.h"

static unsigned failed;
#define EXPECT(cond) do { if (!(cond)) { failed++; \
	fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #cond); } } while (0)

static char folder[] = "/tmp/nvsr-result-XXXXXX";

static char *path_of(const char *name)
{
	return nvsr_asprintf("%s/%s", folder, name);
}

static void test_clean_text(void)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "plain", "plain" }, { "tab\there", "tab here" }, { "\x01\x7f", "\\x01\\x7f" }, { "\xff", "\\xff" },
		{ "\xc3\xa4", "\xc3\xa4" }, { "\xc0\x80", "\\xc0\\x80" }, { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xe2\x82", "\\xe2\\x82" }, { "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" }, { "\xc2\x85", "\\xc2\\x85" }, { "", "" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *out = nvsr_clean_text(cases[i].in, strlen(cases[i].in));

		EXPECT(out && !strcmp(out, cases[i].out));
	}
}

static struct nvsr_result make_result(const char *id, enum nvsr_verdict v)
{
	struct nvsr_result r = { .verdict = v, .checks = 2, .ms = 1.5 };

	nvsr_field_set(&r.id, id);
	return r;
}

static void plan(struct nvsr_run *run, unsigned n)
{
	memset(run, 0, sizeof(*run));
	run->tests = calloc(n, sizeof(*run->tests));
	run->count = n;
	nvsr_field_set(&run->device, "model:");
	nvsr_lines_add(&run->patterns, "vf.*");
	for (unsigned i = 0; i < n; i++) {
		char id[16];

		snprintf(id, sizeof(id), "t.%u", i);
		run->tests[i] = make_result(id, NVSR_NONE);
		nvsr_field_set(&run->tests[i].title, "title");
		nvsr_lines_add(&run->tests[i].requirements, "VIRT-01");
	}
}

static void put(struct nvsr_journal *j, const char *id, enum nvsr_verdict v)
{
	struct nvsr_result r = make_result(id, v);

	nvsr_lines_add(&r.last, "a command \xff");
	EXPECT(!nvsr_journal_start(j, id));
	EXPECT(!nvsr_journal_result(j, &r));
	nvsr_result_free(&r);
}

static void append(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	EXPECT(f && fputs(text, f) >= 0);
	if (f)
		fclose(f);
}

/* An interrupted run with a torn last line, then resumed. */
static void test_resume(void)
{
	_cleanup_free_ char *path = path_of("journal");
	struct nvsr_journal *j = NULL;
	struct nvsr_run run, back;
	char complaint[512] = "";

	plan(&run, 3);
	EXPECT(!nvsr_journal_open(path, false, &j) && !nvsr_journal_head(j, &run));
	put(j, "t.0", NVSR_PASS);
	EXPECT(!nvsr_journal_abort(j, "gone") && !nvsr_journal_close(j));
	EXPECT(nvsr_journal_open(path, false, &j) == -EEXIST);
	append(path, "{\"event\":\"result\",\"id\":\"t.1\",\"res");
	EXPECT(!nvsr_run_read(path, &back, complaint));
	EXPECT(back.count == 3 && back.totals[NVSR_PASS] == 1 && back.not_reached == 2 && !back.complete);
	EXPECT(back.abort_reason && nvsr_run_exit_code(&back, false) == 3);
	EXPECT(back.tests[0].title && nvsr_lines_count(back.tests[0].requirements) == 1);
	EXPECT(back.tests[0].last && !strcmp(back.tests[0].last[0], "a command \\xff"));
	nvsr_run_free(&back);

	EXPECT(!nvsr_journal_open(path, true, &j) && !nvsr_journal_resume(j));
	put(j, "t.1", NVSR_SKIP);
	put(j, "t.2", NVSR_PASS);
	EXPECT(!nvsr_journal_end(j, false) && !nvsr_journal_close(j));
	EXPECT(!nvsr_run_read(path, &back, complaint));
	EXPECT(back.complete && !back.abort_reason && nvsr_run_exit_code(&back, true) == 0);
	nvsr_run_free(&back);
	nvsr_run_free(&run);
}

static void test_bad_lines(void)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "", "empty" },
		{ "{}\n", "event" },
		{ "{\"event\":\"start\"}\n", "event" },
		{ "{\"event\":\"head\",\"version\":2,\"plan\":[]}\n", "version" },
		{ "{\"event\":\"head\",\"version\":1}\n", "plan" },
		{ "{\"event\":\"head\",\"version\":1,\"tool\":7,\"plan\":[]}\n", "tool" },
		{ "{\"event\":\"head\",\"version\":1,\"plan\":[{\"title\":\"x\"}]}\n", "id" },
		{ "{\"event\":\"head\",\"version\":1,\"plan\":[]}\nnonsense\n{}\n", ":2:" },
		{ "{\"event\":\"head\",\"version\":1,\"plan\":[]}\n{\"event\":\"result\",\"id\":\"x\",\"result\":\"pass\"}\n", "id" },
		{ "{\"event\":\"head\",\"version\":1,\"plan\":[{\"id\":\"x\"}]}\n{\"event\":\"result\",\"id\":\"x\",\"result\":\"ok\"}\n",
		  "result" },
		{ "{\"event\":\"head\",\"version\":1,\"plan\":[{\"id\":\"x\"}]}\n{\"event\":\"end\"}\n", "interrupted" },
	};
	_cleanup_free_ char *path = path_of("bad");

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_run run;
		char complaint[512] = "";

		unlink(path);
		append(path, cases[i].text);
		EXPECT(nvsr_run_read(path, &run, complaint) == -EINVAL);
		EXPECT(strstr(complaint, cases[i].says));
	}
}

static void test_exit_codes(void)
{
	static const struct { enum nvsr_verdict a, b; int plain, strict; } cases[] = {
		{ NVSR_PASS, NVSR_SKIP, 0, 0 }, { NVSR_SKIP, NVSR_SKIP, 77, 77 }, { NVSR_FAIL, NVSR_CRASH, 1, 1 },
		{ NVSR_PASS, NVSR_BROKEN, 3, 3 }, { NVSR_PASS, NVSR_TIMEOUT, 3, 3 }, { NVSR_PASS, NVSR_CRASH, 3, 3 },
		{ NVSR_PASS, NVSR_ABORT, 3, 3 }, { NVSR_PASS, NVSR_NONE, 3, 3 }, { NVSR_PASS, NVSR_KNOWN, 0, 0 },
		{ NVSR_PASS, NVSR_SURPRISE, 0, 1 }, { NVSR_KNOWN, NVSR_SKIP, 0, 0 },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_run run;

		plan(&run, 2);
		nvsr_field_set(&run.finished, "now");
		run.tests[0].verdict = cases[i].a;
		run.tests[1].verdict = cases[i].b;
		nvsr_run_count(&run);
		EXPECT(nvsr_run_exit_code(&run, false) == cases[i].plain);
		EXPECT(nvsr_run_exit_code(&run, true) == cases[i].strict);
		nvsr_run_free(&run);
	}
}

/* The first error stays, and nothing is written after it. */
static void test_full(void)
{
	_cleanup_free_ char *path = path_of("full");
	struct rlimit was, limit;
	struct nvsr_journal *j = NULL;
	struct nvsr_run run;

	plan(&run, 1);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	limit = was;
	limit.rlim_cur = 100;
	EXPECT(!nvsr_journal_open(path, false, &j));
	setrlimit(RLIMIT_FSIZE, &limit);
	EXPECT(nvsr_journal_head(j, &run) == -EFBIG);
	setrlimit(RLIMIT_FSIZE, &was);
	EXPECT(nvsr_journal_start(j, "t.0") == -EFBIG && nvsr_journal_error(j) == -EFBIG);
	EXPECT(nvsr_journal_close(j) == -EFBIG);
	nvsr_run_free(&run);
}

int main(void)
{
	static const char *const files[] = { "journal", "bad", "full" };

	if (!mkdtemp(folder))
		return 1;
	test_clean_text();
	test_resume();
	test_bad_lines();
	test_exit_codes();
	test_full();
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = path_of(files[i]);

		unlink(path);
	}
	rmdir(folder);
	return failed ? 1 : 0;
}
