// SPDX-License-Identifier: GPL-2.0-or-later
/* Checks: what a suite expected and observed becomes part of the running test's result, and of CUnit's counters. */
#include <inttypes.h>
#include <stdarg.h>

#include "base/text.h"
#include "test/private.h"

volatile sig_atomic_t nvsr_stop;

static void on_stop(int sig)
{
	nvsr_stop++;
}

void nvsr_stop_install(void)
{
	/* No SA_RESTART: a blocking wait of the runner returns, so it sees the flag. */
	struct sigaction sa = { .sa_handler = on_stop };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
}

const char *nvsr_rc_text(int rc)
{
	if (rc >= 0)
		return nvme_status_name(rc);
	if (rc == -ETIMEDOUT)
		return "command did not complete";
	if (rc == -ENOTSUP)
		return "the access method cannot do this";
	return strerror(-rc);
}

static void __attribute__((format(printf, 2, 0))) set_text(char **field, const char *fmt, va_list ap)
{
	free(*field);
	if (vasprintf(field, fmt, ap) < 0)
		*field = NULL;
}

/* A check that did not hold: the first one fills the fields, the others are one line each. */
static void record_difference(struct nvsr_ctx *t, const char *file, int line, const char *expected, const char *observed)
{
	struct nvsr_result *r = &t->priv->r;

	if (t->priv->reporting)
		r->deviates = true;
	if (r->at) {
		_cleanup_free_ char *more = nvsr_asprintf("expected %s; observed %s; at %s:%d", expected, observed, file, line);

		if (more)
			nvsr_lines_add(&r->failures, more);
		return;
	}
	r->at = nvsr_asprintf("%s:%d", file, line);
	nvsr_field_set(&r->expected, expected);
	nvsr_field_set(&r->observed, observed);
}

/* Shared end of every check.  A reporting test's difference is not a failure for CUnit either. */
static bool judge(struct nvsr_ctx *t, const char *file, int line, bool held, const char *expected, const char *observed)
{
	t->priv->r.checks++;
	if (!held)
		record_difference(t, file, line, expected, observed);
	nvsr_cunit_check(held || t->priv->reporting, file, line, expected);
	return held;
}

bool nvsr_check(struct nvsr_ctx *t, const char *file, int line, bool held, const char *expected, const char *fmt, ...)
{
	_cleanup_free_ char *observed = NULL;
	va_list ap;

	if (nvsr_stop)	/* leaves the body at the next MUST; the test gets no verdict */
		return false;
	if (!held) {
		va_start(ap, fmt);
		set_text(&observed, fmt, ap);
		va_end(ap);
	}
	return judge(t, file, line, held, expected, observed ? observed : "");
}

static char *number_text(const char *what, uint64_t v)
{
	return v < 10 ? nvsr_asprintf("%s = %" PRIu64, what, v) : nvsr_asprintf("%s = %" PRIu64 " (%" PRIX64 "h)", what, v, v);
}

bool nvsr_check_eq(struct nvsr_ctx *t, const char *file, int line, const char *what, uint64_t expected, uint64_t observed)
{
	_cleanup_free_ char *want = NULL, *have = NULL;

	if (nvsr_stop)
		return false;
	if (expected != observed) {
		want = number_text(what, expected);
		have = number_text(what, observed);
	}
	return judge(t, file, line, expected == observed, want ? want : what, have ? have : what);
}

bool nvsr_check_status_in(struct nvsr_ctx *t, const char *file, int line, const char *what, int observed, const int *any,
			  unsigned n)
{
	_cleanup_free_ char *have = NULL;
	struct nvsr_text want __attribute__((cleanup(nvsr_text_free))) = { 0 };
	bool held = false;

	if (nvsr_stop)
		return false;
	if (observed == -ENOTSUP) {
		nvsr_test_broken(t, file, line, "%s: the access method cannot do this: the test lacks a need", what);
		return false;
	}
	nvsr_text_add(&want, "%s: ", what);
	for (unsigned i = 0; i < n; i++) {
		held = held || any[i] == observed;
		nvsr_text_add(&want, "%s%s", i ? " or " : "", nvsr_rc_text(any[i]));
	}
	if (!held)
		have = nvsr_asprintf("%s", nvsr_rc_text(observed));
	return judge(t, file, line, held, want.s ? want.s : what, have ? have : "");
}

bool nvsr_check_status(struct nvsr_ctx *t, const char *file, int line, const char *what, int expected, int observed)
{
	return nvsr_check_status_in(t, file, line, what, observed, &expected, 1);
}

void nvsr_test_skip(struct nvsr_ctx *t, const char *fmt, ...)
{
	va_list ap;

	if (t->priv->skipped || t->priv->broken)
		return;
	t->priv->skipped = true;
	va_start(ap, fmt);
	set_text(&t->priv->r.reason, fmt, ap);
	va_end(ap);
	nvsr_field_set(&t->priv->r.cause, "test");
}

void nvsr_test_broken(struct nvsr_ctx *t, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	if (nvsr_stop || t->priv->broken)
		return;
	t->priv->broken = true;
	t->priv->skipped = false;
	va_start(ap, fmt);
	set_text(&t->priv->r.reason, fmt, ap);
	va_end(ap);
	if (!t->priv->r.at)
		t->priv->r.at = nvsr_asprintf("%s:%d", file, line);
}

void nvsr_note(struct nvsr_ctx *t, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	set_text(&text, fmt, ap);
	va_end(ap);
	if (text)
		nvsr_lines_add(&t->priv->r.notes, text);
	/* What a reporting test found out is its result: it needs no check beside it. */
	if (t->priv->reporting)
		t->priv->r.checks++;
}
