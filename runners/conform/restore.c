// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform restore: a device back into the state before an interrupted run. */
#include <dirent.h>

#include "runners/conform/conform.h"

enum { OPT_STATE = 0x100 };
struct options { struct nvsr_target_options target; const char *run; };

static const struct argp_option options[] = {
	{ "model-state", OPT_STATE, "FILE", 0, "the file in which the model of the run keeps what survives power", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	if (key == OPT_STATE)
		o->target.state = arg;
	else if (key == ARGP_KEY_ARG && state->arg_num == 0)
		o->target.device = arg;
	else if (key == ARGP_KEY_ARG && state->arg_num == 1)
		o->run = arg;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "one run at a time");
	else if (key == ARGP_KEY_NO_ARGS)
		argp_error(state, "name the DEVICE");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "DEVICE [RUN]",
	.doc = "Put a device back into the state recorded before a run: number of VFs, driver bindings, resources, namespaces, "
	       "features.\vRUN is a run directory; without it, the newest one under run/ that names the device.  Refused while "
	       "another nvsr-conform works with the device, and where a namespace would have to change while one is in use.",
};

/* The newest run directory under run/ (names sort by time) whose journal names the device; malloc'd or NULL. */
static char *newest_run(const char *device)
{
	struct dirent **entries = NULL;
	int n = scandir("run", &entries, NULL, alphasort);
	char *found = NULL;

	for (int i = n; i-- > 0;) {
		_cleanup_free_ char *dir = found ? NULL : nvsr_asprintf("run/%s", entries[i]->d_name);
		_cleanup_free_ char *path = dir ? nvsr_asprintf("%s/journal.jsonl", dir) : NULL;
		struct nvsr_run run;
		char complaint[512];

		free(entries[i]);
		if (!path || nvsr_run_read(path, &run, complaint))
			continue;
		if (run.device && !strcmp(run.device, device))
			found = strdup(dir);
		nvsr_run_free(&run);
	}
	free(entries);
	return found;
}

/* Namespaces that come, go or move, and a reset of the PF, are no business of ours while somebody works there. */
static int check_use(const struct nvsr_target *t, const struct nvsr_snapshot *state, const struct nvsr_snapshot *now)
{
	_cleanup_free_ char *use = NULL;

	if (!t->real || !nvsr_snapshot_disturbs(now, state))
		return 0;
	use = nvsr_in_use_for_good(t->session.device);
	if (use && !*use)
		return 0;
	if (use)
		nvsr_say("%s: not restored: namespaces would change, and its subsystem is in use:\n%s", t->session.device, use);
	else
		nvsr_say("%s: not restored: namespaces would change, and who uses them cannot be found out: %s", t->session.device,
			 strerror(errno));
	return EXIT_USAGE;
}

/* May @state be put back, and is there anything to put back? */
static int check(const struct nvsr_target *t, const struct nvsr_snapshot *state, const char *dir, bool *ret_same)
{
	struct nvsr_snapshot *now = NULL;
	_cleanup_free_ char *diff = NULL;
	struct nvsr_dev *pf = NULL;
	int rc = nvsr_target_connect(t, &pf);

	if (rc)
		return rc;
	rc = nvsr_snapshot_take(pf, &now);
	nvsr_dev_close(pf);
	/* A device that does not even answer may need what the restore begins with. */
	if (rc)
		return 0;
	if (!nvsr_snapshot_same_device(state, now)) {
		nvsr_say("%s: is not the device of %s: serial number %s, expected %s", t->session.device, dir,
			 nvsr_snapshot_serial(now), nvsr_snapshot_serial(state));
		rc = EXIT_USAGE;
	} else {
		diff = nvsr_snapshot_diff(state, now);
		*ret_same = diff && !*diff;
		rc = check_use(t, state, now);
	}
	nvsr_snapshot_free(now);
	return rc;
}

struct put_back { struct nvsr_target target; const struct nvsr_snapshot *state; const char *dir; };

static int put_back_now(void *arg)
{
	const struct put_back *p = arg;
	const struct nvsr_target *t = &p->target;
	_cleanup_free_ char *reason = NULL;
	bool same = false;
	int rc = check(t, p->state, p->dir, &same);

	if (rc)
		return rc;
	/* Also where nothing seems to differ: an allocation that waits for a reset cannot be read back. */
	rc = nvsr_session_restore(&t->session, p->state, &reason);
	if (rc) {
		nvsr_say("%s: not restored: %s", t->session.device, reason ? reason : nvsr_rc_text(rc));
		return EXIT_INCOMPLETE;
	}
	fprintf(stderr, "%s: %s recorded in %s/state.json\n", t->session.device, same ? "was already as" : "as", p->dir);
	return 0;
}

int nvsr_put_back(const struct nvsr_target *t, const struct nvsr_snapshot *state, const char *dir)
{
	struct put_back p = { .target = *t, .state = state, .dir = dir };

	p.target.session.vf_access = NVSR_VF_KERNEL;	/* no VF is opened: nothing has to be there for it */
	return t->taken ? put_back_now(&p) : nvsr_give_back(t->session.device, put_back_now, &p);
}

int nvsr_restore_run(const struct nvsr_target_options *o, const char *dir)
{
	struct nvsr_snapshot *state = NULL;
	struct nvsr_target t;
	int rc = nvsr_rundir_state(dir, &state);

	if (!rc)
		rc = nvsr_target_name(o, &t);
	if (!rc) {
		rc = nvsr_put_back(&t, state, dir);
		nvsr_target_close(&t);
	}
	nvsr_snapshot_free(state);
	return rc;
}

static int restore(int argc, char **argv)
{
	struct options o = { 0 };
	_cleanup_free_ char *found = NULL;

	nvsr_signals_install();	/* half a restore helps nobody: a signal is noted, the restore goes on */
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!strncmp(o.target.device, "model:", 6) && !o.target.state) {
		nvsr_say("%s: a model without --model-state lives only as long as its run: there is nothing to restore",
			 o.target.device);
		return EXIT_USAGE;
	}
	if (!o.run)
		o.run = found = newest_run(o.target.device);
	if (!o.run) {
		nvsr_say("%s: no run directory under run/ names this device; name one", o.target.device);
		return EXIT_USAGE;
	}
	return nvsr_restore_run(&o.target, o.run);
}

const struct nvsr_command nvsr_cmd_restore = {
	.name = "restore", .summary = "a device back into the state before an interrupted run", .argp = &argp, .run = restore,
};
