// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform run: the tests that the patterns select, on one device. */
#include <time.h>

#include "runners/conform/conform.h"

enum { OPT_PROFILE = 0x100, OPT_EXPECT, OPT_OUT, OPT_FORMAT, OPT_DESTRUCTIVE, OPT_ERASE_SERIAL, OPT_DEFECT, OPT_SCALE,
       OPT_STRICT, OPT_SEED, OPT_STEPS, OPT_STATE, OPT_VF_ACCESS };

static const struct argp_option options[] = {
	{ "profile", OPT_PROFILE, "NAME|FILE", 0, "what the device claims (default: the model's own, or the only profile "
	  "whose identity matches)", 1 },
	{ "expect", OPT_EXPECT, "FILE", 0, "known differences (default: NAME.expect.yaml beside the profile)", 1 },
	{ "out", OPT_OUT, "DIR", 0, "run directory (default: run/<UTC>-<profile>); must be new or empty", 2 },
	{ "format", OPT_FORMAT, "text|tap|json", 0, "standard output (default: text on a terminal, else tap)", 2 },
	{ "strict", OPT_STRICT, NULL, 0, "known differences that pass, and deviations from recommendations, are failures", 2 },
	{ "destructive", OPT_DESTRUCTIVE, NULL, 0, "run tests that destroy data; a real device also needs --erase-serial", 3 },
	{ "erase-serial", OPT_ERASE_SERIAL, "SN", 0, "the serial number of the device whose data may be destroyed", 3 },
	{ "vf-access", OPT_VF_ACCESS, "vfio|kernel", 0, "how VFs of a PF with the kernel's driver are opened (default: vfio where "
	  "there is an IOMMU); those of a PCI address are by VFIO, as their PF", 3 },
	{ "timeout-scale", OPT_SCALE, "X", 0, "multiply every deadline (slow emulation)", 4 },
	{ "seed", OPT_SEED, "N", 0, "seed of the random walks (default 1); it stands in every report", 4 },
	{ "steps", OPT_STEPS, "N", 0, "length of each random walk (default: the test's own)", 4 },
	{ "model-state", OPT_STATE, "FILE", 0, NVSR_MODEL_STATE_HELP, 4 },
	{ "defect", OPT_DEFECT, "NAME", 0, NVSR_DEFECT_HELP, 4 },
	{ 0 }
};

static const char *const vf_access_names[] = { [NVSR_VF_KERNEL] = "kernel", [NVSR_VF_VFIO] = "vfio" };

static enum nvsr_vf_access vf_access(const char *arg, struct argp_state *state)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(vf_access_names); i++)
		if (vf_access_names[i] && !strcmp(vf_access_names[i], arg))
			return (enum nvsr_vf_access)i;
	argp_error(state, "--vf-access %s: expected vfio or kernel", arg);
	return NVSR_VF_AUTO;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct nvsr_run_options *o = state->input;

	switch (key) {
	case OPT_PROFILE: o->target.profile = arg; break;
	case OPT_EXPECT: o->expect = arg; break;
	case OPT_OUT: o->out = arg; break;
	case OPT_FORMAT: o->format = nvsr_format_parse(arg, "text|tap|json", state); break;
	case OPT_STRICT: o->strict = true; break;
	case OPT_DESTRUCTIVE: o->target.destructive = true; break;
	case OPT_ERASE_SERIAL: o->target.erase_serial = arg; break;
	case OPT_DEFECT: nvsr_line_parse(arg, &o->target.defects, state); break;
	case OPT_SCALE: o->target.timeout_scale = nvsr_scale_parse(arg, state); break;
	case OPT_VF_ACCESS: o->target.vf_access = vf_access(arg, state); break;
	case OPT_STATE: o->target.state = arg; break;
	case OPT_SEED: o->target.seed = nvsr_number_parse("seed", arg, 0, UINT64_MAX, state); break;
	case OPT_STEPS: o->target.steps = (unsigned)nvsr_number_parse("steps", arg, 0, 10000000, state); break;
	case ARGP_KEY_ARG:
		if (!state->arg_num)
			o->target.device = arg;
		else
			nvsr_line_parse(arg, &o->patterns, state);
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name the DEVICE: model:, /dev/nvme0 or 0000:01:00.0");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "DEVICE [PATTERN...]",
	.doc = "Run conformance tests on a device.\vPATTERN is a shell glob on test ids; '!' in front deselects; the last match "
	       "wins.  Results go to standard output and, with evidence, to the run directory: results.tap, results.json, "
	       "results.xml, report/index.html, journal.jsonl.",
};

void nvsr_run_options_parse(int argc, char **argv, struct nvsr_run_options *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->target.seed = NVSR_DEFAULT_SEED;
	argp_parse(&argp, argc, argv, 0, NULL, ret);
}

void nvsr_run_options_free(struct nvsr_run_options *o)
{
	nvsr_lines_free(o->patterns);
	nvsr_lines_free(o->target.defects);
}

/* Every id in the registry, for the check that known differences match something. */
static char **all_ids(size_t *ret_n)
{
	char **ids = NULL;
	size_t n = 0;

	for (const struct nvsr_group *const *g = nvsr_groups; *g; g++)
		n += (*g)->count;
	ids = calloc(n + 1, sizeof(*ids));
	*ret_n = 0;
	for (const struct nvsr_group *const *g = nvsr_groups; ids && *g; g++)
		for (size_t i = 0; i < (*g)->count; i++)
			ids[(*ret_n)++] = nvsr_test_full_id(*g, &(*g)->tests[i]);
	return ids;
}

int nvsr_expects_open(const struct nvsr_run_options *o, const struct nvsr_target *t, struct nvsr_expects *ret)
{
	struct nvsr_complaint complaint = { "" };
	char utc[32], today[11];
	size_t n;
	char **ids = all_ids(&n);
	int rc;

	snprintf(today, sizeof(today), "%.10s", nvsr_utc(utc, sizeof(utc)));
	rc = ids ? nvsr_expects_load(t->profile, o->expect, today, (const char *const *)ids, n, ret, &complaint) : -ENOMEM;
	nvsr_lines_free(ids);
	ret->played = !t->real && !o->expect;
	if (!rc)
		return 0;
	nvsr_say("%s", complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	return EXIT_USAGE;
}

/* What `resume` and "again:" need to do the same. */
static int keep_options(const struct nvsr_run_options *o, struct nvsr_run *run)
{
	char scale[64], seed[32], steps[16];
	int rc = 0;
	struct { const char *name, *value; } given[] = {
		{ "profile", o->target.profile }, { "expect", o->expect }, { "erase-serial", o->target.erase_serial },
		{ "timeout-scale", o->target.timeout_scale > 0 ? scale : NULL },
		{ "seed", o->target.seed != NVSR_DEFAULT_SEED ? seed : NULL },
		{ "vf-access", vf_access_names[o->target.vf_access] },
		{ "steps", o->target.steps ? steps : NULL }, { "model-state", o->target.state },
	};

	snprintf(scale, sizeof(scale), "%g", o->target.timeout_scale);
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)o->target.seed);
	snprintf(steps, sizeof(steps), "%u", o->target.steps);
	for (unsigned i = 0; !rc && i < NVSR_ARRAY_SIZE(given); i++) {
		_cleanup_free_ char *text = given[i].value ? nvsr_asprintf("--%s=%s", given[i].name, given[i].value) : NULL;

		rc = text ? nvsr_lines_add(&run->options, text) : 0;
	}
	for (char **d = o->target.defects; !rc && d && *d; d++) {
		_cleanup_free_ char *text = nvsr_asprintf("--defect=%s", *d);

		rc = text ? nvsr_lines_add(&run->options, text) : -ENOMEM;
	}
	if (!rc && o->target.destructive)
		rc = nvsr_lines_add(&run->options, "--destructive");
	if (!rc && o->strict)
		rc = nvsr_lines_add(&run->options, "--strict");
	for (char **p = o->patterns; !rc && p && *p; p++)
		rc = nvsr_lines_add(&run->patterns, *p);
	return rc;
}

static int describe(struct nvsr_run *run, const struct nvsr_run_options *o, const struct nvsr_target *t,
		    const struct nvsr_plan *plan, const char *cmdline)
{
	char utc[32];
	char seed[32];
	int rc = keep_options(o, run);
	struct { char **field; const char *value; } texts[] = {
		{ &run->tool, nvsr_version }, { &run->device, t->session.device }, { &run->method, t->method },
		{ &run->profile, t->profile->name }, { &run->model_profile, t->behaviour ? t->behaviour->name : NULL },
		{ &run->model, t->model }, { &run->serial, t->serial }, { &run->firmware, t->firmware },
		{ &run->started, nvsr_utc(utc, sizeof(utc)) }, { &run->cmdline, cmdline },
		{ &run->seed, seed },
	};

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)o->target.seed);

	for (unsigned i = 0; !rc && i < NVSR_ARRAY_SIZE(texts); i++)
		rc = nvsr_field_set(texts[i].field, texts[i].value);
	run->tests = rc ? NULL : calloc(plan->count + 1, sizeof(*run->tests));
	if (!run->tests)
		return -ENOMEM;
	for (size_t i = 0; !rc && i < plan->count; i++, run->count += !rc)
		rc = nvsr_test_describe(plan->item[i].group, plan->item[i].test, &run->tests[i]);
	return rc;
}

static int plan_tests(const struct nvsr_run_options *o, struct nvsr_plan *ret)
{
	const char *unmatched;
	int rc = nvsr_plan_make((const char *const *)o->patterns, nvsr_lines_count(o->patterns), ret, &unmatched);

	if (rc == -ENOENT)
		nvsr_say("pattern %s matches no test (nvsr-conform list shows them)", unmatched);
	else if (rc)
		nvsr_say("%s", nvsr_rc_text(rc));
	else if (!ret->count)
		nvsr_say("the patterns leave no test");
	if (!rc && ret->count)
		return 0;
	if (!rc)
		nvsr_plan_free(ret);
	return rc == -ENOMEM ? EXIT_INCOMPLETE : EXIT_USAGE;
}

/* What the kernel says of it is the first evidence of the run. */
static int take(struct nvsr_target *t, const char *dir)
{
	nvsr_kernel_log_begin(t, dir);
	return nvsr_target_take(t);
}

static int run_on(const struct nvsr_run_options *o, struct nvsr_target *t, struct nvsr_plan *plan, const char *cmdline)
{
	struct nvsr_expects expects = { 0 };
	struct nvsr_run run = { 0 };
	_cleanup_free_ char *dir = NULL;
	struct nvsr_execution e = {
		.target = t, .plan = plan, .run = &run, .expects = &expects, .format = o->format, .strict = o->strict,
		.full = !o->patterns,
	};
	int rc = nvsr_expects_open(o, t, &expects);

	if (rc)
		return rc;
	dir = nvsr_rundir_make(o->out, t->profile->name);
	if (!dir) {
		rc = EXIT_USAGE;
	} else if (nvsr_rundir_save_state(dir, t)) {
		rc = EXIT_INCOMPLETE;	/* nothing is changed before the state is on the disk */
	} else if ((rc = take(t, dir))) {
		;
	} else if (nvsr_rundir_fill(dir, t, &expects, cmdline)) {
		rc = EXIT_INCOMPLETE;
	} else if (describe(&run, o, t, plan, cmdline)) {
		nvsr_say("no memory");
		rc = EXIT_INCOMPLETE;
	} else {
		e.dir = dir;
		rc = nvsr_execute(&e);
	}
	nvsr_run_free(&run);
	nvsr_expects_free(&expects);
	return rc;
}

static int run(int argc, char **argv)
{
	_cleanup_free_ char *args = nvsr_quote_args(argc - 1, argv + 1), *cmdline = nvsr_asprintf("nvsr-conform run %s", args);
	struct nvsr_run_options o;
	struct nvsr_plan plan = { 0 };
	struct nvsr_target target;
	int rc, back;

	nvsr_signals_install();
	nvsr_run_options_parse(argc, argv, &o);
	rc = plan_tests(&o, &plan);
	if (!rc) {
		rc = nvsr_target_open(&o.target, &target);
		if (!rc) {
			rc = run_on(&o, &target, &plan, cmdline);
			back = nvsr_target_give_back(&target);
			rc = back && rc != EXIT_DIFFERS ? back : rc;
			nvsr_target_close(&target);
		}
		nvsr_plan_free(&plan);
	}
	nvsr_run_options_free(&o);
	return rc;
}

const struct nvsr_command nvsr_cmd_run = {
	.name = "run", .summary = "conformance; text on a terminal, TAP otherwise", .argp = &argp, .run = run,
};
