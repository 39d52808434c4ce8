// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nvsr-conform prove: every test passes on the healthy model, and every seeded defect is caught by every test that names
 * it.  One process per defect, so that defects cannot disturb each other.  Then every test meets a model that lies, and has
 * to come to a verdict: prove_lies.c.
 */
#include <poll.h>
#include <sys/wait.h>

#include "runners/conform/prove.h"

#define JOBS_MAX 1024
#define LIE_STEPS 20	/* of random walks on a model that lies: far enough to meet its answers */

struct options {
	char **patterns;
	enum nvsr_format format;
	unsigned jobs;
};

enum { OPT_FORMAT = 0x100, OPT_JOBS };

/* The models that tests run on: what a profile alone can promise contradicts other tests (DULBE), so it has one of its own. */
enum { MODEL_REFERENCE, MODEL_OCP, MODELS };
static const char *const models[MODELS] = { [MODEL_REFERENCE] = "reference", [MODEL_OCP] = "reference-ocp" };

static const struct argp_option options[] = {
	{ "format", OPT_FORMAT, "text|tap|json", 0, "text on a terminal, else tap (default)", 0 },
	{ "jobs", OPT_JOBS, "N", 0, "defects and lies at a time (default 2)", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPT_FORMAT: o->format = nvsr_format_parse(arg, "text|tap|json", state); break;
	case OPT_JOBS: o->jobs = (unsigned)nvsr_number_parse("jobs", arg, 1, JOBS_MAX, state); break;
	case ARGP_KEY_ARG: nvsr_line_parse(arg, &o->patterns, state); break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "[PATTERN...]",
	.doc = "Prove on the reference model that every test can fail: the kill matrix.\vExit code 0 only when the healthy model "
	       "passes every test, every test names a defect, and every defect is caught by every test that names it; and "
	       "when no answer of a model that lies makes a test or a command crash, hang or end without a verdict.  With PATTERN, "
	       "tests are selected as in run, only defects that they name are seeded, and nothing lies.",
};

bool nvsr_names(const struct nvsr_test *t, const char *defect)
{
	for (unsigned i = 0; t->caught_by && t->caught_by[i]; i++)
		if (!strcmp(t->caught_by[i], defect))
			return true;
	return false;
}

bool nvsr_is_meta(const struct nvsr_planned *p)
{
	return !strncmp(p->group->id, "meta.", 5);
}

/* --- jobs ------------------------------------------------------------------------------------------------------------ */

static int plan_add(struct nvsr_plan *plan, const struct nvsr_planned *item)
{
	struct nvsr_planned *grown = realloc(plan->item, (plan->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	plan->item = grown;
	grown[plan->count++] = *item;
	return 0;
}

static int add_job(struct nvsr_proof *p, const struct nvsr_defect *defect, const struct nvsr_lie *lie,
		   const struct nvsr_plan *tests, const struct nvsr_plan *meta)
{
	struct nvsr_job *grown = realloc(p->jobs, (p->count + 1) * sizeof(*grown)), *job;
	int rc = 0;

	if (!grown)
		return -ENOMEM;
	p->jobs = grown;
	job = &grown[p->count++];
	*job = (struct nvsr_job){ .defect = defect, .lie = lie, .ended = { -1, -1 } };
	for (size_t i = 0; i < tests->count && !rc; i++)
		if (!defect || nvsr_names(tests->item[i].test, defect->name))
			rc = plan_add(&job->plan, &tests->item[i]);
	for (size_t i = 0; i < meta->count && !rc && !lie; i++)
		rc = plan_add(&job->plan, &meta->item[i]);
	job->said = rc ? NULL : calloc(job->plan.count + 1, sizeof(*job->said));
	return job->said ? 0 : -ENOMEM;
}

static bool any_names(const struct nvsr_plan *tests, const char *defect)
{
	for (size_t i = 0; i < tests->count; i++)
		if (nvsr_names(tests->item[i].test, defect))
			return true;
	return false;
}

/* @all: defects that no test names count too, and lies. */
static int make_jobs(struct nvsr_proof *p, const struct nvsr_plan *tests, bool all)
{
	static const char *const pattern[] = { "meta.verdict.*" };
	struct nvsr_plan meta = { 0 };
	const char *unmatched;
	int rc = nvsr_plan_make(pattern, 1, &meta, &unmatched);

	p->tests = tests->count;
	if (!rc)
		rc = add_job(p, NULL, NULL, tests, &meta);
	for (size_t i = 0; i < nvsr_defect_count && !rc; i++)
		if (all || any_names(tests, nvsr_defects[i].name))
			rc = add_job(p, &nvsr_defects[i], NULL, tests, &meta);
	p->defects = p->count - 1;
	for (size_t i = 0; i < nvsr_lie_count && !rc && all; i++)
		rc = add_job(p, NULL, nvsr_lie_at(i), tests, &meta);
	nvsr_plan_free(&meta);
	return rc;
}

static void free_proof(struct nvsr_proof *p)
{
	for (size_t i = 0; i < p->count; i++) {
		nvsr_plan_free(&p->jobs[i].plan);
		free(p->jobs[i].said);
	}
	free(p->jobs);
}

/* --- the process of a job ------------------------------------------------------------------------------------------------ */

/* What a test said; or, beyond the plan, how a command ended. */
struct line { size_t i; struct nvsr_said said; int ended; };
/* A part of a job: the tests of one model, and where each stands in the job's plan. */
struct part { int fd; struct nvsr_plan plan; size_t *at; };

static int tell(int fd, const struct line *line)
{
	/* shorter than PIPE_BUF, so it arrives whole */
	return write(fd, line, sizeof(*line)) == (ssize_t)sizeof(*line) ? 0 : -EPIPE;
}

static int tell_result(void *arg, size_t i, const struct nvsr_result *r)
{
	const struct part *part = arg;
	struct line line = { .i = part->at[i], .said = { .ran = true, .verdict = r->verdict, .deviates = r->deviates } };

	return tell(part->fd, &line);
}

static int run_part(const struct nvsr_job *job, unsigned model, const struct nvsr_profile *profile, int fd)
{
	const char *defects[] = { job->defect ? job->defect->name : job->lie ? job->lie->name : NULL, NULL };
	struct nvsr_session session = {
		.seed = NVSR_DEFAULT_SEED,
		.device = "model:", .profile = profile, .behaviour = profile, .defects = defects, .destroy = true,
		.fresh_after_abort = true, .steps = job->lie ? LIE_STEPS : 0,
	};
	struct part part = { .fd = fd, .at = calloc(job->plan.count + 1, sizeof(*part.at)) };
	struct nvsr_sink sink = { .result = tell_result, .arg = &part };
	char *abort_reason = NULL;
	int rc = part.at ? 0 : -ENOMEM;

	for (size_t i = 0; i < job->plan.count && !rc; i++) {
		if (model != (job->plan.item[i].test->needs & NVSR_NEED(OCP) ? MODEL_OCP : MODEL_REFERENCE))
			continue;
		part.at[part.plan.count] = i;
		rc = plan_add(&part.plan, &job->plan.item[i]);
	}
	if (!rc && part.plan.count)
		rc = nvsr_session_run(&session, &part.plan, &sink, &abort_reason);
	free(abort_reason);
	free(part.at);
	nvsr_plan_free(&part.plan);
	return rc;
}

static void __attribute__((noreturn)) job_main(const struct nvsr_job *job, struct nvsr_profile *const *profiles, int fd)
{
	int rc = 0;

	for (unsigned i = 0; i < MODELS && !rc; i++)
		rc = run_part(job, i, profiles[i], fd);
	for (unsigned i = 0; i < NVSR_TOLD && !rc && job->lie; i++)
		rc = tell(fd, &(struct line){ .i = job->plan.count + i, .ended = nvsr_told_run((enum nvsr_told)i, job->lie) });
	_exit(rc ? 1 : 0);
}

/* --- running N at a time ------------------------------------------------------------------------------------------------- */

struct worker { pid_t pid; int fd; struct nvsr_job *job; };

static int start(struct worker *w, struct nvsr_job *job, struct nvsr_profile *const *profiles)
{
	int fds[2];

	if (pipe(fds))
		return -errno;
	fflush(NULL);
	w->pid = fork();
	if (w->pid == 0) {
		close(fds[0]);
		job_main(job, profiles, fds[1]);
	}
	close(fds[1]);
	if (w->pid < 0) {
		close(fds[0]);
		return -ENOMEM;
	}
	w->fd = fds[0];
	w->job = job;
	return 0;
}

/* Take what a worker said; true while it still works. */
static bool listen_to(struct worker *w)
{
	struct line line;
	ssize_t n = read(w->fd, &line, sizeof(line));
	int status = 0;

	if (n < 0 && errno == EINTR)
		return true;
	if (n == (ssize_t)sizeof(line)) {
		if (line.i < w->job->plan.count)
			w->job->said[line.i] = line.said;
		else if (line.i - w->job->plan.count < NVSR_TOLD)
			w->job->ended[line.i - w->job->plan.count] = line.ended;
		return true;
	}
	close(w->fd);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	w->job->died = !WIFEXITED(status) || WEXITSTATUS(status);
	return false;
}

static void show_progress(const struct nvsr_proof *p, size_t done)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, done == p->count ? "\r\033[K" : "\r\033[K%zu of %zu defects and lies", done, p->count);
}

static int run_jobs(struct nvsr_proof *p, struct nvsr_profile *const *profiles, unsigned at_once)
{
	struct worker w[JOBS_MAX];
	struct pollfd fds[JOBS_MAX];
	size_t next = 0, done = 0;
	unsigned busy = 0;
	int rc = 0;

	while (!rc && (busy || (next < p->count && !nvsr_stop))) {
		while (!rc && busy < at_once && next < p->count && !nvsr_stop) {
			rc = start(&w[busy], &p->jobs[next], profiles);
			busy += !rc;
			next++;
		}
		show_progress(p, done);
		for (unsigned i = 0; i < busy; i++)
			fds[i] = (struct pollfd){ .fd = w[i].fd, .events = POLLIN };
		if (poll(fds, busy, -1) < 0) {
			for (unsigned i = 0; i < busy && nvsr_stop; i++)
				kill(w[i].pid, SIGTERM);
			continue;
		}
		for (unsigned i = busy; i-- > 0;)
			if (fds[i].revents && !listen_to(&w[i])) {
				w[i] = w[--busy];
				done++;
			}
	}
	show_progress(p, p->count);
	return rc ? rc : nvsr_stop ? -EINTR : 0;
}

/* --- judging ---------------------------------------------------------------------------------------------------------------- */

bool nvsr_passes(const struct nvsr_said *s)
{
	return s->ran && s->verdict == NVSR_PASS && !s->deviates;
}

const struct nvsr_said *nvsr_healthy(const struct nvsr_proof *p, const struct nvsr_planned *item)
{
	const struct nvsr_job *h = &p->jobs[0];

	for (size_t i = 0; i < h->plan.count; i++)
		if (h->plan.item[i].test == item->test)
			return &h->said[i];
	return NULL;
}

bool nvsr_killed(const struct nvsr_proof *p, const struct nvsr_job *job, size_t i)
{
	const struct nvsr_said *s = &job->said[i], *h = nvsr_healthy(p, &job->plan.item[i]);

	if (!s->ran || !h || !nvsr_passes(h))
		return false;
	return s->verdict == NVSR_FAIL || (s->verdict == NVSR_PASS && s->deviates);
}

bool nvsr_meta_changed(const struct nvsr_proof *p, const struct nvsr_job *job, size_t i)
{
	const struct nvsr_said *s = &job->said[i], *h = nvsr_healthy(p, &job->plan.item[i]);

	return !h || s->ran != h->ran || s->verdict != h->verdict || s->deviates != h->deviates;
}

bool nvsr_job_holds(const struct nvsr_proof *p, const struct nvsr_job *job)
{
	unsigned named = 0;

	if (job->died)
		return false;
	for (size_t i = 0; i < job->plan.count; i++) {
		bool meta = nvsr_is_meta(&job->plan.item[i]);

		if (meta ? nvsr_meta_changed(p, job, i) : !nvsr_killed(p, job, i))
			return false;
		named += !meta;
	}
	return named;
}

static int unknown_defects(const struct nvsr_plan *tests)
{
	int n = 0;

	for (size_t i = 0; i < tests->count; i++)
		for (unsigned k = 0; tests->item[i].test->caught_by && tests->item[i].test->caught_by[k]; k++) {
			const char *name = tests->item[i].test->caught_by[k];

			if (nvsr_defect_find(name))
				continue;
			nvsr_say("%s.%s names the defect %s, which the model does not have", tests->item[i].group->id,
				 tests->item[i].test->id, name);
			n++;
		}
	return n;
}

static int prove_plan(const struct options *o, const struct nvsr_plan *tests)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_profile *profiles[MODELS] = { 0 };
	struct nvsr_proof proof = { 0 };
	enum nvsr_format format = o->format;
	int unknown = unknown_defects(tests), rc = 0;
	bool holds = false;

	for (unsigned i = 0; i < MODELS && !rc; i++)
		rc = nvsr_profile_load(models[i], &profiles[i], &complaint);
	if (rc) {
		nvsr_say("%s", complaint.text);
		return EXIT_USAGE;
	}
	nvsr_stop_install();
	rc = make_jobs(&proof, tests, !o->patterns);
	if (!rc)
		rc = run_jobs(&proof, profiles, o->jobs ? o->jobs : 2);
	if (format == NVSR_FORMAT_AUTO)
		format = isatty(STDOUT_FILENO) ? NVSR_FORMAT_TEXT : NVSR_FORMAT_TAP;
	if (rc)
		nvsr_say("%s", rc == -EINTR ? "interrupted" : nvsr_rc_text(rc));
	else if (format == NVSR_FORMAT_JSON)
		holds = nvsr_prove_json(stdout, &proof);
	else if (format == NVSR_FORMAT_TAP)
		holds = nvsr_prove_tap(stdout, &proof);
	else
		holds = nvsr_prove_text(stdout, &proof);
	free_proof(&proof);
	for (unsigned i = 0; i < MODELS; i++)
		nvsr_profile_free(profiles[i]);
	if (rc)
		return EXIT_INCOMPLETE;
	return holds && !unknown ? EXIT_CONFORMS : EXIT_DIFFERS;
}

static int prove(int argc, char **argv)
{
	struct options o = { 0 };
	struct nvsr_plan plan = { 0 };
	const char *unmatched = NULL;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	rc = nvsr_plan_make((const char *const *)o.patterns, nvsr_lines_count(o.patterns), &plan, &unmatched);
	if (rc) {
		nvsr_say("pattern %s matches no test", unmatched ? unmatched : "");
		rc = EXIT_USAGE;
	} else {
		rc = prove_plan(&o, &plan);
	}
	nvsr_plan_free(&plan);
	nvsr_lines_free(o.patterns);
	return rc;
}

const struct nvsr_command nvsr_cmd_prove = {
	.name = "prove", .summary = "every seeded defect of the model against the suites", .argp = &argp, .run = prove,
};
