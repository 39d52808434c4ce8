// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform restore: a device back into the state before an interrupted run. */
#include <dirent.h>
#include <jansson.h>

#include "result/perf.h"
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
	       "features.\vRUN is a run directory, also of several devices; without it, the newest one under run/ that names the device, if it did not end by "
	       "itself; where there is none, a PF that was taken from its driver is given back nevertheless.  Refused while another "
	       "nvsr-conform works with the device, where a namespace would have to change while one is in use, and where namespaces "
	       "were made or deleted since a run that ended.",
};

/*
 * What a run may have left behind.  One that ended had put the device back, and one without a journal began no test: whatever
 * namespace is there and not in its state, or the other way round, is somebody else's doing since.
 */
enum left { LEFT_NOTHING, LEFT_ANYTHING };

static enum left what_is_left(const char *dir)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/journal.jsonl", dir);
	enum left left = LEFT_NOTHING;
	struct nvsr_run run;
	char complaint[512];

	if (path && nvsr_perf_is_resumable(dir))
		return nvsr_perf_is_over(dir) ? LEFT_NOTHING : LEFT_ANYTHING;
	if (nvsr_capability_is_resumable(dir))
		return nvsr_capability_is_over(dir) ? LEFT_NOTHING : LEFT_ANYTHING;
	if (!path || access(path, F_OK))
		return path ? LEFT_NOTHING : LEFT_ANYTHING;
	if (nvsr_run_read(path, &run, complaint))
		return LEFT_ANYTHING;
	if (!run.finished || run.abort_reason)
		left = LEFT_ANYTHING;
	nvsr_run_free(&run);
	return left;
}

/* Before the journal there is the state: its run may have died while it took the PF from its driver. */
static bool names_device(const char *dir, const char *device)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/state.json", dir);
	json_t *o = path ? json_load_file(path, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *given = json_string_value(json_object_get(o, "device"));
	_cleanup_free_ char *name = given ? nvsr_dev_canonical(given) : NULL;
	bool same = name && !strcmp(name, device);

	json_decref(o);
	return same;
}

/* @dir, or the part of it that is of @device where several devices were measured together: malloc'd; NULL: neither names it. */
static char *part_of(const char *dir, const char *device)
{
	if (names_device(dir, device))
		return strdup(dir);
	for (unsigned i = 1; i <= NVSR_PERF_DEVICES_MOST; i++) {
		char *part = nvsr_asprintf("%s/%u", dir, i);

		if (part && names_device(part, device))
			return part;
		free(part);
	}
	return NULL;
}

/*
 * The newest run directory under run/ (names sort by time) whose state is the device's; malloc'd or NULL.  Never one behind it:
 * what a later run found is not undone.
 */
static char *newest_run(const char *device)
{
	struct dirent **entries = NULL;
	int n = scandir("run", &entries, NULL, alphasort);
	char *found = NULL;

	for (int i = n; i-- > 0;) {
		_cleanup_free_ char *dir = found ? NULL : nvsr_asprintf("run/%s", entries[i]->d_name);

		free(entries[i]);
		if (dir)
			found = part_of(dir, device);
	}
	free(entries);
	return found;
}

/* Is there a line "namespace N is …" of what comes or goes? */
static bool makes_or_deletes(const char *diff)
{
	for (const char *line = diff; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		size_t len = strcspn(line, "\n");

		if (!strncmp(line, "namespace ", 10) &&
		    ((len > 8 && !strncmp(line + len - 8, " is gone", 8)) || (len > 7 && !strncmp(line + len - 7, " is new", 7))))
			return true;
	}
	return false;
}

/*
 * Namespaces that come, go or move, and a reset of the PF, are no business of ours while somebody works there.  @now NULL: what
 * would change is not known.
 */
static int check_use(const struct nvsr_target *t, const struct nvsr_snapshot *state, const struct nvsr_snapshot *now)
{
	_cleanup_free_ char *use = NULL;

	if (!t->real || (now && !nvsr_snapshot_disturbs(now, state)))
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

/* Who it is, and that nobody is at another port of it. */
static int know_drive(struct nvsr_target *t, struct nvsr_dev *pf)
{
	struct nvme_id_ctrl id;
	struct nvsr_drive drive;

	if (!t->real || nvsr_id_ctrl(pf, &id))
		return 0;
	nvsr_drive_of(&id, &drive);
	nvsr_in_use_is(&drive);
	return t->drive_lock < 0 ? nvsr_lock_drive(t->session.device, &drive, &t->drive_lock) : 0;
}

int nvsr_may_put_back(struct nvsr_target *t, const struct nvsr_snapshot *state, const char *dir, bool *ret_same)
{
	struct nvsr_snapshot *now = NULL;
	_cleanup_free_ char *diff = NULL;
	enum left left = dir ? what_is_left(dir) : LEFT_ANYTHING;
	struct nvsr_dev *pf = NULL;
	int rc = nvsr_target_connect(t, &pf);

	if (rc)
		return rc;
	rc = know_drive(t, pf);
	if (rc) {
		nvsr_dev_close(pf);
		return rc;
	}
	rc = nvsr_snapshot_take(pf, &now);
	nvsr_dev_close(pf);
	/* A device that does not even answer may need what the restore begins with, if it was ours to bring into that. */
	if (rc && left == LEFT_NOTHING) {
		nvsr_say("%s: not restored: its state cannot be read, and %s ended with everything put back", t->session.device, dir);
		return EXIT_INCOMPLETE;
	}
	if (rc)
		return check_use(t, state, NULL);
	if (!nvsr_snapshot_same_device(state, now)) {
		nvsr_say("%s: is not the device of %s: serial number %s, expected %s", t->session.device, dir ? dir : "this run",
			 nvsr_snapshot_serial(now), nvsr_snapshot_serial(state));
		rc = EXIT_USAGE;
	} else {
		diff = nvsr_snapshot_diff(state, now);
		*ret_same = diff && !*diff;
		if (left == LEFT_NOTHING && (!diff || makes_or_deletes(diff))) {
			nvsr_say("%s: not restored: %s left nothing behind, and namespaces were made or deleted since:\n%s",
				 t->session.device, dir, diff ? diff : "");
			rc = EXIT_USAGE;
		} else {
			rc = check_use(t, state, now);
		}
	}
	nvsr_snapshot_free(now);
	return rc;
}

struct put_back { struct nvsr_target target; const struct nvsr_snapshot *state; const char *dir; };

static int put_back_now(void *arg)
{
	struct put_back *p = arg;
	struct nvsr_target *t = &p->target;
	_cleanup_free_ char *reason = NULL;
	bool same = false;
	int rc = nvsr_may_put_back(t, p->state, p->dir, &same);

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

	int rc;

	p.target.session.vf_access = NVSR_VF_KERNEL;	/* no VF is opened: nothing has to be there for it */
	rc = t->taken ? put_back_now(&p) : nvsr_give_back(t->session.device, put_back_now, &p);
	if (t->drive_lock < 0 && p.target.drive_lock >= 0)
		close(p.target.drive_lock);
	return rc;
}

int nvsr_put_back_first(struct nvsr_target *t, const char *dir)
{
	struct nvsr_snapshot *state = NULL;
	int rc = nvsr_rundir_state(dir, &state);

	if (rc)
		return rc;
	nvsr_snapshot_free(t->state);
	t->state = state;
	t->session.baseline = state;
	return nvsr_put_back(t, state, dir);
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

/* What was taken by a run of which nothing else is known. */
static int give_back_only(const struct nvsr_target_options *o)
{
	struct nvsr_target t;
	char driver[32];
	int rc = nvsr_target_name(o, &t);

	if (rc)
		return rc;
	/* Another process may have been at it until the lock was free. */
	if (!nvsr_dev_is_taken(t.session.device, driver, sizeof(driver))) {
		fprintf(stderr, "%s: is given back already\n", t.session.device);
	} else if ((rc = nvsr_hand_back(t.session.device, true)) == 0) {
		fprintf(stderr, "%s: given back to %s; no run directory under run/ has its state: what a run changed on the device "
			"itself stays\n", t.session.device, driver[0] ? driver : "no driver");
	}
	nvsr_target_close(&t);
	return rc;
}

static int restore(int argc, char **argv)
{
	struct options o = { 0 };
	_cleanup_free_ char *found = NULL, *device = NULL, *part = NULL;
	char driver[32];
	bool taken;

	nvsr_signals_install();	/* half a restore helps nobody: a signal is noted, the restore goes on */
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	o.target.device = device = nvsr_dev_canonical(o.target.device);
	if (!device)
		return EXIT_INCOMPLETE;
	if (!strncmp(o.target.device, "model:", 6) && !o.target.state) {
		nvsr_say("%s: a model without --model-state lives only as long as its run: there is nothing to restore",
			 o.target.device);
		return EXIT_USAGE;
	}
	nvsr_perf_tidy();
	if (!o.run)
		o.run = found = newest_run(o.target.device);
	else if ((part = part_of(o.run, o.target.device)))
		o.run = part;
	taken = nvsr_dev_is_taken(device, driver, sizeof(driver));
	if (!o.run && taken)
		return give_back_only(&o.target);
	if (!o.run) {
		nvsr_say("%s: no run directory under run/ names this device; name one", o.target.device);
		return EXIT_USAGE;
	}
	if (found && what_is_left(found) == LEFT_NOTHING && !taken) {
		nvsr_say("%s: its newest run, %s, left nothing behind; name the run if its state is to be put back nevertheless",
			 o.target.device, found);
		return EXIT_USAGE;
	}
	return nvsr_restore_run(&o.target, o.run);
}

const struct nvsr_command nvsr_cmd_restore = {
	.name = "restore", .summary = "a device back into the state before an interrupted run", .argp = &argp, .run = restore,
};
