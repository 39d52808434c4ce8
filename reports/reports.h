/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writers: pure functions of a run as nvsr_run_read() returns it.  TAP and text can also be written while the run goes on,
 * head, points in plan order, end; the whole is the same bytes.  Errors stay in the stream: callers look at ferror().
 */
#ifndef NVSR_REPORTS_REPORTS_H
#define NVSR_REPORTS_REPORTS_H

#include "result/result.h"

/* --- TAP 13 ------------------------------------------------------------------------------------------------------- */
void nvsr_tap_head(FILE *f, const struct nvsr_run *run);
/* Point @number (from 1) of the plan.  Nothing after nvsr_tap_end(). */
void nvsr_tap_point(FILE *f, size_t number, const struct nvsr_result *r);
/* Bail out where the run was aborted, and totals as comments. */
void nvsr_tap_end(FILE *f, const struct nvsr_run *run);
void nvsr_tap_write(FILE *f, const struct nvsr_run *run);

/* --- text for people ------------------------------------------------------------------------------------------------- */
struct nvsr_text_style {
	bool colour;
	const char *where;	/* run directory named in the last lines, or NULL */
};
void nvsr_text_head(FILE *f, const struct nvsr_run *run, const struct nvsr_text_style *s);
void nvsr_text_point(FILE *f, const struct nvsr_run *run, const struct nvsr_result *r, const struct nvsr_text_style *s);
/* Failures again with evidence, totals with skips by cause, the command that runs the failures again. */
void nvsr_text_end(FILE *f, const struct nvsr_run *run, const struct nvsr_text_style *s);
void nvsr_text_write(FILE *f, const struct nvsr_run *run, const struct nvsr_text_style *s);
/* "118 tests: 109 pass, 1 fail, 6 skip (4 not reported by the device, 2 need --destructive)". */
void nvsr_text_totals(FILE *f, const struct nvsr_run *run);

/* --- for machines -------------------------------------------------------------------------------------------------- */
void nvsr_junit_write(FILE *f, const struct nvsr_run *run);
void nvsr_json_write(FILE *f, const struct nvsr_run *run);

/* --- one page ---------------------------------------------------------------------------------------------------------- */
void nvsr_html_write(FILE *f, const struct nvsr_run *run);

/* --- several runs ---------------------------------------------------------------------------------------------------- */
/* Runs side by side: totals, then every test whose verdict or observation differs.  @names: one per run. */
void nvsr_compare_write(FILE *f, const struct nvsr_run *const *runs, const char *const *names, size_t n);

/**
 * nvsr_report_files() - results.tap, results.json, results.xml and report/index.html in @dir.
 *
 * Return: 0, or the first negative errno; later files are still tried.
 */
int nvsr_report_files(const char *dir, const struct nvsr_run *run);

#endif
