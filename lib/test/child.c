// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The child of one group: opens the device after the fork, runs the tests through CUnit, undoes what each changed, and
 * tells the parent line by line.
 */
#include <stdarg.h>
#include <sys/prctl.h>

#include "base/text.h"
#include "base/time.h"
#include "test/private.h"

struct child {
	const struct nvsr_session *s;
	const struct nvsr_plan *plan;
	size_t first;
	int fd;					/* of the lines */
	int output;
	struct nvsr_ctx ctx;
	struct nvsr_ctx_private priv;
	struct nvsr_inventory inv;
	struct nvsr_snapshot *own;		/* baseline taken here */
	const struct nvsr_snapshot *baseline;
	bool vfs_kept;				/* VFs stay enabled until the run ends */
	bool vfs_of_others;			/* VFs were enabled before the run: somebody may work with them */
	uint64_t met;
	uint64_t started;
	bool running;				/* between begin() and done() of a test that runs */
	bool poisoned;				/* the device could not be restored */
	bool over;				/* aborted or stopped: the remaining tests do not run */
};

static void NVSR_PRINTF(2, 3) tell(int fd, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	size_t len, done = 0;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	for (len = line ? strlen(line) : 0; done < len;) {
		ssize_t n = write(fd, line + done, len - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	/* Nobody to tell: put the device back and end. */
	if (!line || done < len)
		nvsr_stop++;
}

/* Reasons travel in one line. */
static void tell_reason(int fd, char kind, const char *reason)
{
	_cleanup_free_ char *clean = nvsr_clean_text(reason, strlen(reason));

	tell(fd, "%c %s\n", kind, clean ? clean : "no memory");
}

int nvsr_session_open(const struct nvsr_session *s, struct nvsr_dev **ret, struct nvsr_complaint *complaint)
{
	const struct nvsr_dev_options o = {
		.profile = s->behaviour ? s->behaviour : s->profile, .defects = s->defects, .state = s->state,
		.vf_access = s->vf_access,
	};

	complaint->text[0] = '\0';
	return nvsr_dev_open_with(s->device, &o, ret, complaint);
}

/* Differences come one on a line; a reason is one line. */
static void in_one_line(char *s)
{
	size_t len = s ? strlen(s) : 0;

	if (len && s[len - 1] == '\n')
		s[len - 1] = '\0';
	for (; s && (s = strchr(s, '\n')); s++)
		*s = ';';
}

int nvsr_restore_and_compare(struct nvsr_dev *pf, const struct nvsr_snapshot *state, char **ret_reason)
{
	struct nvsr_snapshot *now = NULL;
	int step = nvsr_snapshot_restore(pf, state);
	int rc = nvsr_snapshot_take(pf, &now);
	_cleanup_free_ char *diff = NULL;

	if (rc) {
		*ret_reason = nvsr_asprintf("state cannot be read back: %s%s%s", nvsr_rc_text(rc),
					    step ? "; restore failed before: " : "", step ? nvsr_rc_text(step) : "");
		return -EIO;
	}
	diff = nvsr_snapshot_diff(state, now);
	nvsr_snapshot_free(now);
	if (diff && !*diff)
		return 0;	/* a step may fail and the state still be right: only the comparison counts */
	in_one_line(diff);
	*ret_reason = nvsr_asprintf("%s%s%s", diff ? diff : "no memory", step ? " (a restore step failed: " : "",
				    step ? nvsr_rc_text(step) : "");
	if (step && *ret_reason) {
		char *closed = nvsr_asprintf("%s)", *ret_reason);

		free(*ret_reason);
		*ret_reason = closed;
	}
	return -EIO;
}

static const struct nvsr_planned *planned(const struct child *c, size_t i)
{
	return &c->plan->item[c->first + i];
}

static void begin(void *arg, size_t i)
{
	struct child *c = arg;
	const struct nvsr_planned *p = planned(c, i);

	if (c->over || nvsr_stop || p->skip)
		return;
	tell(c->fd, "S %zu\n", c->first + i);
	memset(&c->priv, 0, sizeof(c->priv));
	c->ctx.test = p->test;
	c->priv.reporting = !nvsr_level_judges(nvsr_test_level(p->test));
	c->priv.r.id = nvsr_test_full_id(p->group, p->test);
	nvsr_dev_last_clear(c->ctx.pf);
	c->priv.guard = p->test->needs & NVSR_NEED(DESTROY) ? NVSR_GUARD_NONE :
			c->vfs_of_others && !c->s->destroy ? NVSR_GUARD_READ : NVSR_GUARD_VFS;
	nvsr_dev_guard(c->ctx.pf, c->priv.guard);
	c->started = nvsr_now_ns();
	c->running = true;
}

static void body(void *arg, size_t i)
{
	struct child *c = arg;
	const struct nvsr_planned *p = planned(c, i);
	uint64_t unmet = p->test->needs & ~c->met;
	const char *cause;

	if (!c->running)
		return;
	if (!unmet) {
		p->test->run(&c->ctx);
		return;
	}
	c->priv.skipped = true;
	c->priv.r.reason = nvsr_needs_reason(unmet, c->s->profile, &cause);
	nvsr_field_set(&c->priv.r.cause, cause);
}

static enum nvsr_verdict verdict(const struct nvsr_ctx_private *p, unsigned failures)
{
	if (failures)
		return NVSR_FAIL;
	if (p->broken)
		return NVSR_BROKEN;
	if (p->skipped)
		return NVSR_SKIP;
	return p->r.checks ? NVSR_PASS : NVSR_BROKEN;
}

static void keep_last(struct child *c)
{
	const char *line[NVSR_LAST_MAX];
	unsigned n = nvsr_dev_last(c->ctx.pf, line, NVSR_LAST_MAX);

	c->priv.r.last = nvsr_lines_free(c->priv.r.last);
	for (unsigned k = 0; k < n; k++)
		nvsr_lines_add(&c->priv.r.last, line[k]);
}

static void keep_evidence(struct child *c)
{
	struct nvsr_result *r = &c->priv.r;

	if (r->verdict == NVSR_FAIL || r->verdict == NVSR_BROKEN || r->deviates)
		keep_last(c);
	if (r->verdict == NVSR_FAIL)
		nvsr_field_set(&r->reason, NULL);	/* of a skip or broken that came after the failure */
	else if (r->verdict == NVSR_BROKEN && !r->reason)
		nvsr_field_set(&r->reason, "the test executed no check");
}

/* Whatever was seen of a device that somebody took away meanwhile is no verdict on it. */
static void judge_disturbance(struct child *c)
{
	_cleanup_free_ char *what = nvsr_dev_disturbed(c->ctx.pf);
	struct nvsr_result *r = &c->priv.r;

	if (!what || r->verdict == NVSR_SKIP)
		return;
	r->verdict = NVSR_BROKEN;
	free(r->reason);
	r->reason = nvsr_asprintf("in the middle of the test %s", what);
}

/*
 * Put the device back; a test after which that is impossible is the last one of the run.  On a real device without VFs
 * before the run they stay enabled until it ends, Offline and empty: disabling them costs a second (PCIe 9.3.3.3.1), every time.
 */
static char *undo(struct child *c, bool run_ends)
{
	struct nvsr_snapshot *between = NULL;
	char *reason = NULL;
	unsigned numvfs;

	if (!nvsr_dev_dirty(c->ctx.pf) && !(run_ends && c->vfs_kept))
		return NULL;
	c->vfs_kept = !run_ends && c->s->baseline && !c->vfs_of_others && !nvsr_get_numvfs(c->ctx.pf, &numvfs) && numvfs;
	if (c->vfs_kept)
		between = nvsr_snapshot_with_vfs(c->baseline, numvfs);
	if (nvsr_restore_and_compare(c->ctx.pf, between ? between : c->baseline, &reason) && !reason)
		reason = strdup("no memory");
	nvsr_snapshot_free(between);
	nvsr_dev_clean(c->ctx.pf);
	return reason;
}

/* What the guard refused the device has not seen: the verdict says nothing about it. */
static void check_guard(struct child *c)
{
	const char *refused = nvsr_dev_refused(c->ctx.pf);

	if (refused && c->priv.guard == NVSR_GUARD_READ) {
		c->priv.r.verdict = NVSR_SKIP;
		nvsr_field_set(&c->priv.r.reason, NVSR_VFS_OF_OTHERS);
		nvsr_field_set(&c->priv.r.cause, "grant");
	} else if (refused) {
		c->priv.r.verdict = NVSR_BROKEN;
		free(c->priv.r.reason);
		c->priv.r.reason = nvsr_asprintf("the test sent %s, which needs permission to destroy: its record does not say so",
						 refused);
	}
	nvsr_dev_guard(c->ctx.pf, NVSR_GUARD_NONE);
}

static void done(void *arg, size_t i, unsigned failures)
{
	struct child *c = arg;
	struct nvsr_result *r = &c->priv.r;
	_cleanup_free_ char *json = NULL, *poison = NULL;
	sig_atomic_t stopped = nvsr_stop;

	if (!c->running)
		return;
	c->running = false;
	r->ms = (double)(nvsr_now_ns() - c->started) / 1e6;
	r->verdict = verdict(&c->priv, failures);
	judge_disturbance(c);
	check_guard(c);
	keep_evidence(c);
	nvsr_stop = 0;		/* restoring is done in any case */
	nvsr_fixtures_clean(&c->ctx);
	poison = undo(c, false);
	nvsr_stop += stopped;
	if (poison && r->verdict != NVSR_FAIL) {
		r->verdict = NVSR_ABORT;
		free(r->reason);
		r->reason = nvsr_asprintf("the device could not be restored: %s", poison);
		keep_last(c);
	}
	fflush(stdout);
	fflush(stderr);
	if (!nvsr_stop || r->verdict == NVSR_FAIL) {	/* an interrupted test has no verdict, but a difference stays one */
		json = nvsr_result_to_json(r);
		tell(c->output, "%s", NVSR_OUTPUT_END);
		tell(c->fd, "R %zu %s\n", c->first + i, json ? json : "{}");
	}
	if (poison) {
		_cleanup_free_ char *reason = nvsr_asprintf("the device could not be restored after %s: %s", r->id, poison);

		tell_reason(c->fd, 'A', reason ? reason : poison);
	}
	c->poisoned = poison;
	c->over = poison || nvsr_stop;
	nvsr_result_free(r);
}

static const char *prepare(struct child *c, struct nvsr_complaint *complaint)
{
	int rc = nvsr_session_open(c->s, &c->ctx.pf, complaint);
	unsigned numvfs;

	if (rc) {
		if (!complaint->text[0])
			snprintf(complaint->text, sizeof(complaint->text), "%s: %s", c->s->device, nvsr_rc_text(rc));
		return complaint->text;
	}
	rc = nvsr_inventory_read(c->ctx.pf, &c->inv);
	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "%s: inventory: %s", c->s->device, nvsr_rc_text(rc));
		return complaint->text;
	}
	c->baseline = c->s->baseline;
	c->vfs_of_others = c->baseline && nvsr_snapshot_numvfs(c->baseline);
	c->vfs_kept = c->baseline && !c->vfs_of_others && !nvsr_get_numvfs(c->ctx.pf, &numvfs) && numvfs;
	rc = c->baseline ? 0 : nvsr_snapshot_take(c->ctx.pf, &c->own);
	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "%s: snapshot: %s", c->s->device, nvsr_rc_text(rc));
		return complaint->text;
	}
	if (!c->baseline)
		c->baseline = c->own;
	nvsr_dev_clean(c->ctx.pf);
	c->met = nvsr_needs_met(c->ctx.pf, &c->inv, c->s->profile, c->s->destroy);
	c->ctx.profile = c->s->profile;
	c->ctx.seed = c->s->seed;
	c->ctx.steps = c->s->steps;
	c->ctx.inv = &c->inv;
	c->ctx.priv = &c->priv;
	return NULL;
}

static int run_tests(struct child *c, size_t n)
{
	static const struct nvsr_cunit_ops ops = { .start = begin, .body = body, .done = done };
	const char **ids = calloc(n + 1, sizeof(*ids));
	int rc;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		ids[i] = planned(c, i)->test->id;
	rc = nvsr_cunit_run(planned(c, 0)->group->id, ids, n, &ops, c);
	free(ids);
	return rc;
}

/* A run that was stopped may have lost the parent that would put the number of VFs back. */
static void end_group(struct child *c)
{
	sig_atomic_t stopped = nvsr_stop;
	_cleanup_free_ char *poison = NULL;

	nvsr_stop = 0;		/* restoring is done in any case */
	poison = c->poisoned ? NULL : undo(c, stopped);
	nvsr_stop += stopped;
	if (poison) {
		_cleanup_free_ char *reason = nvsr_asprintf("the device could not be restored after %s: %s",
							    planned(c, 0)->group->id, poison);

		tell_reason(c->fd, 'A', reason ? reason : poison);
	}
}

void nvsr_child_main(const struct nvsr_session *s, const struct nvsr_plan *plan, size_t first, size_t end,
		     struct nvsr_child_fds fds)
{
	struct child c = { .s = s, .plan = plan, .first = first, .fd = fds.lines, .output = fds.output };
	struct nvsr_complaint complaint;
	const char *unready;
	int rc = 0;

	nvsr_stop_install();
	/* A parent that is killed takes its group along, which puts the device back first. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);	/* the last words of a crash, and the order beside stderr */
	unready = prepare(&c, &complaint);
	if (unready)
		tell_reason(c.fd, 'U', unready);
	else
		rc = run_tests(&c, end - first);
	if (!unready)
		end_group(&c);
	if (rc == -EEXIST)
		tell_reason(c.fd, 'U', "two tests of the group have the same id");
	else if (rc)
		tell_reason(c.fd, 'U', "CUnit cannot run the group");
	nvsr_snapshot_free(c.own);
	nvsr_inventory_free(&c.inv);
	nvsr_dev_close(c.ctx.pf);
	tell(c.fd, "E\n");
	exit(0);	/* not _exit(): output is flushed, and leak checkers look */
}
