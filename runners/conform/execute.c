// SPDX-License-Identifier: GPL-2.0-or-later
/* A run: journal first, then everything that is shown or written is made from the same results. */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "runners/conform/conform.h"

struct progress {
	bool on;		/* standard error is a terminal */
	uint64_t started;
	size_t done, todo;
};

struct live {
	struct nvsr_execution *e;
	struct nvsr_journal *journal;
	struct nvsr_text_style style;
	struct progress progress;
	bool points;		/* results are shown as they come */
	size_t shown;		/* points shown so far: in plan order, so this is the next index */
};

/* --- progress ------------------------------------------------------------------------------------------------------ */

static void clear_progress(const struct progress *p)
{
	if (p->on)
		fputs("\r\033[K", stderr);
}

static void show_progress(const struct progress *p, const char *id)
{
	double elapsed = (double)(nvsr_now_ns() - p->started) / 1e9;
	struct winsize size = { 0 };
	char line[256], left[48] = "";

	if (!p->on)
		return;
	if (p->done && elapsed > 1) {
		unsigned s = (unsigned)(elapsed / (double)p->done * (double)(p->todo - p->done) + 0.5);

		snprintf(left, sizeof(left), ", about %u:%02u left", s / 60, s % 60);
	}
	snprintf(line, sizeof(line), "%zu done, %zu to do%s: %s", p->done, p->todo - p->done, left, id);
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 1 && size.ws_col < sizeof(line))
		line[size.ws_col - 1] = '\0';
	fprintf(stderr, "\r\033[K%s", line);
}

/* --- results as they come --------------------------------------------------------------------------------------------- */

static void show_point(struct live *l, size_t i)
{
	const struct nvsr_run *run = l->e->run;

	if (!l->points)
		return;
	clear_progress(&l->progress);
	if (l->e->format == NVSR_FORMAT_TAP)
		nvsr_tap_point(stdout, i + 1, &run->tests[i]);
	else
		nvsr_text_point(stdout, run, &run->tests[i], &l->style);
	fflush(stdout);
}

/* A failure that the expectations know becomes known; a pass that they deny becomes a surprise. */
static void apply_expectation(struct nvsr_execution *e, struct nvsr_result *r)
{
	struct nvsr_expect *x;

	if (r->verdict != NVSR_FAIL && r->verdict != NVSR_PASS)
		return;
	x = nvsr_expects_find(e->expects, r->id, e->target->firmware, e->target->method);
	if (!x)
		return;
	if (r->verdict == NVSR_FAIL || r->deviates) {
		x->matched++;
		if (r->verdict == NVSR_FAIL)
			r->verdict = NVSR_KNOWN;
		nvsr_field_set(&r->reason, x->why);
	} else if (e->expects->played) {
		return;
	} else {
		r->verdict = NVSR_SURPRISE;
		free(r->reason);
		r->reason = nvsr_asprintf("expected to differ (%s), but passes", x->why ? x->why : "no reason given");
	}
	nvsr_field_set(&r->link, x->link);
}

void nvsr_kernel_log_begin(struct nvsr_target *t, const char *dir)
{
	if (!t->real || t->kernel || nvsr_kmsg_open(&t->kernel))
		return;		/* a model, or a log that may not be read */
	t->kernel_log = nvsr_asprintf("%s/dmesg.txt", dir);
}

void nvsr_kernel_log_keep(struct nvsr_target *t)
{
	uint64_t us = 0;
	const char *message = t->kernel && t->kernel_log ? nvsr_kmsg_next(t->kernel, &us) : NULL;
	_cleanup_fclose_ FILE *f = message ? fopen(t->kernel_log, "ae") : NULL;

	for (; f && message; message = nvsr_kmsg_next(t->kernel, &us))
		fprintf(f, "[%5llu.%06llu] %s\n", (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000), message);
}

static int on_start(void *arg, size_t i)
{
	struct live *l = arg;

	show_progress(&l->progress, l->e->run->tests[i].id);
	return nvsr_journal_start(l->journal, l->e->run->tests[i].id);
}

static int on_result(void *arg, size_t i, const struct nvsr_result *told)
{
	struct live *l = arg;
	_cleanup_free_ char *json = nvsr_result_to_json(told);
	struct nvsr_result r = { 0 };
	int rc = json ? nvsr_result_from_json(json, &r) : -ENOMEM;

	if (rc)
		return rc;
	apply_expectation(l->e, &r);
	rc = nvsr_journal_result(l->journal, &r);
	nvsr_result_merge(&l->e->run->tests[i], &r);
	nvsr_result_free(&r);
	nvsr_kernel_log_keep(l->e->target);
	l->progress.done++;
	show_point(l, i);
	l->shown = i + 1;
	return rc;
}

/* --- after the run ------------------------------------------------------------------------------------------------------ */

/* True when a test that @x covers was looked at, and none was kept from running. */
static bool was_judged(const struct nvsr_run *run, const struct nvsr_expect *x)
{
	bool judged = false;

	for (size_t i = 0; i < run->count; i++) {
		if (!nvsr_glob(x->id, run->tests[i].id))
			continue;
		if (run->tests[i].verdict != NVSR_SURPRISE && run->tests[i].verdict != NVSR_PASS)
			return false;
		judged = true;
	}
	return judged;
}

/* Lines of the expectations that a full run proved stale.  Their number. */
static unsigned report_stale(const struct nvsr_execution *e)
{
	unsigned n = 0;

	if (!e->full || !e->run->complete || e->resumed || e->expects->played)
		return 0;
	for (unsigned i = 0; i < e->expects->count; i++) {
		const struct nvsr_expect *x = &e->expects->item[i];

		if (x->matched || !nvsr_expect_applies(x, e->target->firmware, e->target->method) || !was_judged(e->run, x))
			continue;
		nvsr_say("%s:%u: %s: stale: every test that it covers passes", e->expects->path, x->line, x->id);
		n++;
	}
	return n;
}

static void show_rest(struct live *l)
{
	const struct nvsr_run *run = l->e->run;

	clear_progress(&l->progress);
	if (l->e->format == NVSR_FORMAT_JSON) {
		nvsr_json_write(stdout, run);
	} else if (!l->points) {
		if (l->e->format == NVSR_FORMAT_TAP)
			nvsr_tap_write(stdout, run);
		else
			nvsr_text_write(stdout, run, &l->style);
	} else {
		for (size_t i = l->shown; i < run->count; i++)
			show_point(l, i);
		if (l->e->format == NVSR_FORMAT_TAP)
			nvsr_tap_end(stdout, run);
		else
			nvsr_text_end(stdout, run, &l->style);
	}
	fflush(stdout);
	if (l->e->format != NVSR_FORMAT_TEXT)
		fprintf(stderr, "report: %s/report/index.html\n", l->style.where);
}

/* Why the run stopped early, for people; the exit code follows from the run. */
static void explain(const struct live *l, int rc)
{
	int error = nvsr_journal_error(l->journal);

	clear_progress(&l->progress);
	if (error)
		nvsr_say("%s/journal.jsonl: %s: stopped, the device is restored; results up to here are in the reports",
			 l->e->dir, strerror(-error));
	else if (rc == -EINTR)
		nvsr_say("interrupted, the device is restored; nvsr-conform resume %s goes on", l->e->dir);
	else if (rc && rc != -ECANCELED)
		nvsr_say("%s", nvsr_rc_text(rc));
}

static int finish(struct live *l, int rc)
{
	struct nvsr_run *run = l->e->run;
	char utc[32];
	int error, code;

	run->interrupted = rc && rc != -ECANCELED;
	if (run->abort_reason) {
		clear_progress(&l->progress);
		nvsr_say("aborted: %s", run->abort_reason);
		if (l->e->target->real)
			nvsr_say("nvsr-conform restore %s %s tries again", l->e->target->session.device, l->e->dir);
		nvsr_journal_abort(l->journal, run->abort_reason);
	}
	nvsr_journal_end(l->journal, run->interrupted);
	nvsr_field_set(&run->finished, nvsr_utc(utc, sizeof(utc)));
	nvsr_run_count(run);
	explain(l, rc);
	error = nvsr_report_files(l->e->dir, run);
	if (error)
		nvsr_say("%s: writing the reports: %s", l->e->dir, strerror(-error));
	show_rest(l);
	code = nvsr_run_exit_code(run, l->e->strict);
	if ((error || nvsr_journal_error(l->journal)) && code != EXIT_DIFFERS)
		return EXIT_INCOMPLETE;
	return report_stale(l->e) && code == EXIT_CONFORMS ? EXIT_USAGE : code;
}

static int open_journal(struct live *l)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/journal.jsonl", l->e->dir);
	int rc = path ? nvsr_journal_open(path, l->e->resumed, &l->journal) : -ENOMEM;

	if (!rc)
		rc = l->e->resumed ? nvsr_journal_resume(l->journal) : nvsr_journal_head(l->journal, l->e->run);
	if (rc)
		nvsr_say("%s/journal.jsonl: %s", l->e->dir, strerror(-rc));
	return rc;
}

static size_t count_todo(const struct nvsr_plan *plan)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->count; i++)
		n += !plan->item[i].skip;
	return n;
}

int nvsr_execute(struct nvsr_execution *e)
{
	struct live l = {
		.e = e,
		.style = { .colour = isatty(STDOUT_FILENO), .where = e->dir },
		.progress = { .on = isatty(STDERR_FILENO), .started = nvsr_now_ns(), .todo = count_todo(e->plan) },
	};
	struct nvsr_sink sink = { .start = on_start, .result = on_result, .arg = &l };
	int rc;

	if (e->format == NVSR_FORMAT_AUTO)
		e->format = l.style.colour ? NVSR_FORMAT_TEXT : NVSR_FORMAT_TAP;
	l.points = e->format != NVSR_FORMAT_JSON && !e->resumed;
	rc = open_journal(&l);
	if (rc) {
		nvsr_journal_close(l.journal);
		return EXIT_INCOMPLETE;
	}
	if (l.points && e->format == NVSR_FORMAT_TAP)
		nvsr_tap_head(stdout, e->run);
	else if (l.points)
		nvsr_text_head(stdout, e->run, &l.style);
	rc = nvsr_session_run(&e->target->session, e->plan, &sink, &e->run->abort_reason);
	nvsr_kernel_log_keep(e->target);
	rc = finish(&l, rc);
	nvsr_journal_close(l.journal);
	return rc;
}
