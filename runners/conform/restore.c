// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform restore: a device back into the state before an interrupted run. */
#include <dirent.h>

#include "runners/conform/conform.h"

struct options { const char *device, *run; };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	if (key == ARGP_KEY_ARG && state->arg_num == 0)
		o->device = arg;
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
	.parser = parse, .args_doc = "DEVICE [RUN]",
	.doc = "Put a device back into the state recorded before a run: number of VFs, driver bindings, resources, namespaces, "
	       "features.\vRUN is a run directory; without it, the newest one under run/ that names the device.",
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

static int put_back(const char *device, const char *dir)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/state.json", dir);
	struct nvsr_session session = { .device = device, .vf_access = NVSR_VF_KERNEL };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_snapshot *state = NULL;
	int rc = path ? nvsr_snapshot_load(path, &state, &complaint) : -ENOMEM;

	if (rc) {
		nvsr_say("%s", complaint.text[0] ? complaint.text : strerror(-rc));
		return EXIT_USAGE;
	}
	rc = nvsr_give_back(&session, state);
	nvsr_snapshot_free(state);
	if (rc)
		return rc;
	fprintf(stderr, "%s: as recorded in %s\n", device, path);
	return EXIT_CONFORMS;
}

static bool same_device(const char *device, const char *dir)
{
	struct nvsr_session session = { .device = device };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_inventory inv = { 0 };
	struct nvsr_dev *pf = NULL;
	struct nvsr_run run;
	bool same = true;
	int rc;

	if (nvsr_rundir_read(dir, &run))
		return true;	/* killed before its head was written: only the state is there */
	rc = nvsr_session_open(&session, &pf, &complaint);
	if (!rc)
		rc = nvsr_inventory_read(pf, &inv);
	if (!rc && run.serial) {
		size_t len = strlen(run.serial);

		same = len <= sizeof(inv.id.sn) && !memcmp(inv.id.sn, run.serial, len) &&
		       (len == sizeof(inv.id.sn) || inv.id.sn[len] == ' ' || !inv.id.sn[len]);
	}
	if (!same)
		nvsr_say("%s: is not the device of %s (serial number %s)", device, dir, run.serial);
	nvsr_inventory_free(&inv);
	nvsr_dev_close(pf);
	nvsr_run_free(&run);
	return same;
}

static int restore(int argc, char **argv)
{
	struct options o = { 0 };
	_cleanup_free_ char *found = NULL;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!strncmp(o.device, "model:", 6)) {
		nvsr_say("%s: a model lives only as long as its run: there is nothing to restore", o.device);
		return EXIT_USAGE;
	}
	if (!o.run)
		o.run = found = newest_run(o.device);
	if (!o.run) {
		nvsr_say("%s: no run directory under run/ names this device; name one", o.device);
		return EXIT_USAGE;
	}
	if (!same_device(o.device, o.run))
		return EXIT_USAGE;
	nvsr_stop_install();	/* half a restore helps nobody: the signal is noted, the restore goes on */
	return put_back(o.device, o.run);
}

const struct nvsr_command nvsr_cmd_restore = {
	.name = "restore", .summary = "a device back into the state before an interrupted run", .argp = &argp, .run = restore,
};
