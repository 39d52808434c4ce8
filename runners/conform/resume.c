// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform resume: what an interrupted run still lacks, on the same device, with the same options. */
#include "runners/conform/conform.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **dir = state->input;

	if (key == ARGP_KEY_ARG && !*dir)
		*dir = arg;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "one run at a time");
	else if (key == ARGP_KEY_NO_ARGS)
		argp_error(state, "name the run directory");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp argp = {
	.parser = parse, .args_doc = "RUN",
	.doc = "Run the tests of a run directory that have no verdict yet, measure the cells that have no result, or try the cells of a "
	       "capability table that have no answer.\vDevice, profile, "
	       "patterns and permissions are those of the run.  What keeps its state between runs - a real device, a model with --model-state - is first put back into "
	       "the state recorded there.",
};

/* The command line of the run, read again by its own option table. */
static char **build_args(const struct nvsr_run *run)
{
	char **args = NULL;
	int rc = nvsr_lines_add(&args, "nvsr-conform resume");

	for (char *const *o = run->options; !rc && o && *o; o++)
		rc = nvsr_lines_add(&args, *o);
	if (!rc)
		rc = nvsr_lines_add(&args, "--");
	if (!rc)
		rc = nvsr_lines_add(&args, run->device ? run->device : "");
	for (char *const *p = run->patterns; !rc && p && *p; p++)
		rc = nvsr_lines_add(&args, *p);
	return rc ? nvsr_lines_free(args) : args;
}

static bool lacks(const struct nvsr_result *r)
{
	return r->verdict == NVSR_NONE || r->verdict == NVSR_ABORT;
}

static bool find_test(const char *id, struct nvsr_planned *ret)
{
	for (const struct nvsr_group *const *g = nvsr_groups; *g; g++)
		for (size_t i = 0; i < (*g)->count; i++) {
			_cleanup_free_ char *full = nvsr_test_full_id(*g, &(*g)->tests[i]);

			if (full && !strcmp(full, id)) {
				*ret = (struct nvsr_planned){ .group = *g, .test = &(*g)->tests[i] };
				return true;
			}
		}
	return false;
}

/* The plan of the journal, with what has its verdict marked.  The number of tests to do, or -1 after saying why not. */
static long make_plan(const struct nvsr_run *run, struct nvsr_plan *plan)
{
	long todo = 0;

	plan->item = calloc(run->count + 1, sizeof(*plan->item));
	if (!plan->item)
		return -1;
	for (size_t i = 0; i < run->count; i++) {
		if (!find_test(run->tests[i].id, &plan->item[i])) {
			nvsr_say("this nvsr-conform has no test %s: the run was made by another version (%s)", run->tests[i].id,
				 run->tool ? run->tool : "unknown");
			return -1;
		}
		plan->item[i].skip = !lacks(&run->tests[i]);
		todo += lacks(&run->tests[i]);
		plan->count++;
	}
	return todo;
}

static int go_on(const char *dir, struct nvsr_run *run, const struct nvsr_run_options *o, struct nvsr_plan *plan,
		 struct nvsr_target *t)
{
	struct nvsr_expects expects = { 0 };
	struct nvsr_execution e = {
		.target = t, .plan = plan, .run = run, .expects = &expects, .dir = dir, .strict = o->strict, .resumed = true,
	};
	int rc = 0;

	if (run->serial && strcmp(run->serial, t->serial)) {
		nvsr_say("%s is another device now: serial number %s, the run has %s", run->device, t->serial, run->serial);
		return EXIT_USAGE;
	}
	if (t->session.baseline)
		rc = nvsr_put_back_first(t, dir);
	nvsr_kernel_log_begin(t, dir);
	if (!rc)
		rc = nvsr_target_take(t);
	if (!rc)
		rc = nvsr_expects_open(o, t, &expects);
	if (rc)
		return rc;
	for (size_t i = 0; i < run->count; i++)
		if (run->tests[i].verdict == NVSR_ABORT)
			run->tests[i].verdict = NVSR_NONE;
	nvsr_field_set(&run->abort_reason, NULL);
	rc = nvsr_execute(&e);
	nvsr_expects_free(&expects);
	return rc;
}

static int resume_run(const char *dir, struct nvsr_run *run)
{
	char **args = build_args(run);
	struct nvsr_run_options o;
	struct nvsr_target t;
	struct nvsr_plan plan = { 0 };
	char driver[32];
	long todo;
	int rc, back;

	if (!args)
		return EXIT_INCOMPLETE;
	nvsr_run_options_parse((int)nvsr_lines_count(args), args, &o);
	todo = make_plan(run, &plan);
	if (todo < 0) {
		rc = EXIT_USAGE;
	} else if (!todo && run->complete) {
		nvsr_say("%s: every test has its verdict", dir);
		rc = nvsr_run_exit_code(run, o.strict);
	} else {
		/* What the interrupted run had taken from its driver goes back first, and is then taken anew. */
		rc = nvsr_dev_is_taken(o.target.device, driver, sizeof(driver)) ? nvsr_restore_run(&o.target, dir) : 0;
		if (!rc)
			rc = nvsr_target_open(&o.target, &t);
		if (!rc) {
			rc = go_on(dir, run, &o, &plan, &t);
			back = nvsr_target_give_back(&t);
			rc = back && rc != EXIT_DIFFERS ? back : rc;
			nvsr_target_close(&t);
		}
	}
	nvsr_plan_free(&plan);
	nvsr_run_options_free(&o);
	nvsr_lines_free(args);
	return rc;
}

static int resume(int argc, char **argv)
{
	const char *dir = NULL;
	struct nvsr_run run;
	int rc;

	nvsr_signals_install();
	argp_parse(&argp, argc, argv, 0, NULL, &dir);
	if (nvsr_perf_is_resumable(dir))
		return nvsr_perf_resume(dir);
	if (nvsr_capability_is_resumable(dir))
		return nvsr_capability_resume(dir);
	rc = nvsr_rundir_read(dir, &run);
	if (rc)
		return rc;
	rc = resume_run(dir, &run);
	nvsr_run_free(&run);
	return rc;
}

const struct nvsr_command nvsr_cmd_resume = {
	.name = "resume", .summary = "what an interrupted run still lacks", .argp = &argp, .run = resume,
};
