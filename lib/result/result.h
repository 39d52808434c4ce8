/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Result records and the journal, the only record of a run: one JSON object per line, appended and fsynced.  TAP, JUnit,
 * JSON, HTML and text are pure functions of what nvsr_run_read() returns.
 */
#ifndef NVSR_RESULT_RESULT_H
#define NVSR_RESULT_RESULT_H

#include "base/base.h"

#define NVSR_RESULTS(X) \
	X(PASS, "pass") X(FAIL, "fail") X(SKIP, "skip") X(BROKEN, "broken") X(TIMEOUT, "timeout") X(CRASH, "crash") \
	X(KNOWN, "known") X(SURPRISE, "surprise") X(ABORT, "abort")
enum nvsr_verdict {
	NVSR_NONE,	/* selected, not reached */
#define X(id, text) NVSR_##id,
	NVSR_RESULTS(X)
#undef X
	NVSR_VERDICT_COUNT
};
const char *nvsr_verdict_name(enum nvsr_verdict v);	/* "none" for NVSR_NONE */
/* NVSR_NONE when unknown. */
enum nvsr_verdict nvsr_verdict_parse(const char *name);

/* Lists of lines, NULL-terminated, grown one by one.  A list without lines is NULL. */
int nvsr_lines_add(char ***lines, const char *text);	/* copies @text; 0 or -ENOMEM */
unsigned nvsr_lines_count(char *const *lines);
char **nvsr_lines_free(char **lines);			/* returns NULL */
/* Replace *field by a copy of @text (NULL: none).  0 or -ENOMEM. */
int nvsr_field_set(char **field, const char *text);
/* A copy of @text that is valid UTF-8 without control characters: others become \xNN.  NULL without memory. */
char *nvsr_clean_text(const char *text, size_t len);

/* One test of a run.  Strings are owned by the run; NULL = not given. */
struct nvsr_result {
	char *id, *group, *title;
	char **requirements;		/* ids, NULL-terminated */
	char *level;			/* strongest level of its requirements: "M", "MC", "R", "O", "I" */
	char *cite;			/* "NVMe Base 2.0, 8.26.3 (VIRT-42)" */
	enum nvsr_verdict verdict;
	bool deviates;			/* a reporting test (R, O, I) saw something else than the clause says */
	char *reason;			/* why skipped, broken, known …  */
	char *cause;			/* of a skip: "claim", "env", "grant", "test" */
	char *expected, *observed, *at;	/* the first failed check; at = file:line */
	char *link;			/* of a known difference */
	char **failures;		/* further failed checks, one line each, NULL-terminated */
	char **notes, **last, **output;	/* NULL-terminated: notes, last commands, stray output of the test */
	unsigned checks;
	double ms;
};

struct nvsr_run {
	char *tool, *device, *method, *profile, *model, *serial, *firmware, *started, *finished, *cmdline, *seed;
	char **patterns;		/* as on the command line, NULL-terminated; what resume selects by */
	char **options;			/* "name=value" of the options that decide what ran (defect, destructive, …) */
	char *model_profile;		/* what a model behaves like; NULL on a real device */
	unsigned not_reached;		/* tests without a verdict */
	bool complete;			/* the run-end line was written and every selected test has a verdict */
	bool interrupted;
	char *abort_reason;		/* the device could not be restored */
	struct nvsr_result *tests;	/* in plan order */
	size_t count;
	unsigned totals[NVSR_VERDICT_COUNT];
};

/* --- writing ---------------------------------------------------------------------------------------------------------------- */
struct nvsr_journal;
/* @append: go on with an interrupted run.  0 or negative errno. */
int nvsr_journal_open(const char *path, bool append, struct nvsr_journal **ret);
/* 0 or the first error that any call on this journal met (-ENOSPC …). */
int nvsr_journal_close(struct nvsr_journal *j);
int nvsr_journal_error(const struct nvsr_journal *j);
/* The head (tool, device, … and the plan: tests with id, group, title, requirements, level, cite). */
int nvsr_journal_head(struct nvsr_journal *j, const struct nvsr_run *run);
/* An interrupted run goes on: its end and abort no longer count. */
int nvsr_journal_resume(struct nvsr_journal *j);
int nvsr_journal_start(struct nvsr_journal *j, const char *id);
int nvsr_journal_result(struct nvsr_journal *j, const struct nvsr_result *r);
int nvsr_journal_abort(struct nvsr_journal *j, const char *reason);
int nvsr_journal_end(struct nvsr_journal *j, bool interrupted);

/* --- reading ------------------------------------------------------------------------------------------------------------------ */
/* Read a journal; a torn last line (power cut) is ignored, any other bad line is -EINVAL with line and field in *complaint
 * (at least 512 bytes). */
int nvsr_run_read(const char *path, struct nvsr_run *ret, char *complaint);
void nvsr_run_free(struct nvsr_run *run);
void nvsr_result_free(struct nvsr_result *r);
/* Fill a planned test: keep what the plan says about it, move the rest from @r, which is empty then. */
void nvsr_result_merge(struct nvsr_result *planned, struct nvsr_result *r);
/* Recount totals and .complete from the tests. */
void nvsr_run_count(struct nvsr_run *run);
/* Exit code of a run: 1 a failure; else 3 incomplete or no verdict; else 77 nothing passed or failed as known (all skipped);
 * else 0.  @strict: surprises and deviations from R rows count as failures. */
int nvsr_run_exit_code(const struct nvsr_run *run, bool strict);

/* A result as JSON text and back: how a group's process hands results to its parent. */
char *nvsr_result_to_json(const struct nvsr_result *r);
int nvsr_result_from_json(const char *text, struct nvsr_result *ret);

#endif
