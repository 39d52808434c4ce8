// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform capability: the table, cell by cell, each on the disk before the next. */
#include "runners/vm/capability.h"

#define EMULATED "QEMU NVMe Ctrl"	/* what QEMU's device calls itself */
#define VMS 16

enum { OPT_WAY = 0x100, OPT_ROW, OPT_VMS, OPT_PERF, OPT_OUT, OPT_PROFILE, OPT_CONNECT, OPT_GUEST, OPT_DESTRUCTIVE, OPT_ERASE_SERIAL, OPT_SCALE };

static const struct argp_option options[] = {
	{ "way", OPT_WAY, "passthrough|virtio-ns|vhost-user-blk", 0, "only this way to give a VM a disk; repeatable", 1 },
	{ "row", OPT_ROW, "vms-per-disk|elastic|migration|qos|security|cpu", 0, "only this row of the table; repeatable", 1 },
	{ "vms", OPT_VMS, "N", 0, "count VMs per disk up to this (default 16)", 1 },
	{ "perf", OPT_PERF, "DIR", 0, "run directory of nvsr-conform perf, for what the ways cost in CPUs", 1 },
	{ "out", OPT_OUT, "DIR", 0, "run directory (default: run/<UTC>-capability-<profile>); must be new or empty", 2 },
	{ "profile", OPT_PROFILE, "NAME|FILE", 0, "what the device claims (default: the only profile whose identity matches)", 2 },
	{ "connect", OPT_CONNECT, "URI", 0, "libvirt that runs the guests (default: qemu:///system)", 3 },
	{ "guest", OPT_GUEST, "DIR", 0, "what guests boot from (default: build/guest beside this program; make guest)", 3 },
	{ "destructive", OPT_DESTRUCTIVE, NULL, 0, "write to the device, which also needs --erase-serial", 4 },
	{ "erase-serial", OPT_ERASE_SERIAL, "SN", 0, "the serial number of the device whose data may be destroyed", 4 },
	{ "timeout-scale", OPT_SCALE, "X", 0, "multiply every deadline (slow emulation)", 4 },
	{ 0 }
};

struct capability_options {
	struct nvsr_target_options target;
	const char *out, *perf, *connect, *guest;
	char **ways, **rows;
	unsigned vms;
};

static bool among(char **list, const char *name)
{
	for (char **s = list; s && *s; s++)
		if (!strcmp(*s, name))
			return true;
	return !list;
}

static void add_name(char ***list, bool row, const char *name, struct argp_state *state)
{
	bool known = false;

	for (unsigned i = 0; i < nvsr_cap_check_count; i++)
		known |= !strcmp(name, row ? nvsr_cap_checks[i].row : nvsr_cap_checks[i].way);
	if (!known)
		argp_error(state, "--%s %s: the table has none of that name", row ? "row" : "way", name);
	nvsr_line_parse(name, list, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct capability_options *o = state->input;

	switch (key) {
	case OPT_WAY: add_name(&o->ways, false, arg, state); break;
	case OPT_ROW: add_name(&o->rows, true, arg, state); break;
	case OPT_VMS: o->vms = (unsigned)nvsr_number_parse("vms", arg, 1, NVSR_VMS_MAX, state); break;
	case OPT_PERF: o->perf = arg; break;
	case OPT_OUT: o->out = arg; break;
	case OPT_PROFILE: o->target.profile = arg; break;
	case OPT_CONNECT: o->connect = arg; break;
	case OPT_GUEST: o->guest = arg; break;
	case OPT_DESTRUCTIVE: o->target.destructive = true; break;
	case OPT_ERASE_SERIAL: o->target.erase_serial = arg; break;
	case OPT_SCALE: o->target.timeout_scale = nvsr_scale_parse(arg, state); break;
	case ARGP_KEY_ARG: nvsr_device_parse(arg, &o->target.device, state); break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name the DEVICE: /dev/nvme0");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "DEVICE",
	.doc = "Find out what the ways to give virtual machines a disk can do on this device and host.\vEvery cell of the table is tried: yes, no, "
	       "or not tested with the reason, and what was measured.  Guests run through libvirt.  The device gets VFs and namespaces for it, "
	       "and is put back into the state it had; namespaces that no controller has lose their data.  The run directory gets "
	       "capability.jsonl, capability.tsv and report/index.html.  Exit code 1: a tenant got another one's data.",
};

/* --- the record ------------------------------------------------------------------------------------------------------------------ */

struct run {
	const struct capability_options *o;
	const char *cmdline, *dir;
	struct nvsr_target target;
	struct nvsr_placement placement;
	struct nvsr_matrix matrix;
	struct nvsr_cap cap;
	struct nvsr_log *log;
	const struct nvsr_cap_before *before;	/* NULL: a new run */
	unsigned told, broken, leaks;
};

/* What `resume` needs to do the same. */
static json_t *options_json(const struct capability_options *o)
{
	json_t *a = json_array();
	char scale[32];
	struct { const char *name, *value; } given[] = {
		{ "profile", o->target.profile }, { "erase-serial", o->target.erase_serial }, { "connect", o->connect }, { "guest", o->guest },
		{ "perf", o->perf }, { "timeout-scale", o->target.timeout_scale > 0 ? scale : NULL },
	};
	const struct { const char *name; char *const *values; } lists[] = { { "way", o->ways }, { "row", o->rows } };

	snprintf(scale, sizeof(scale), "%g", o->target.timeout_scale);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(given); i++)
		if (given[i].value)
			json_array_append_new(a, json_sprintf("--%s=%s", given[i].name, given[i].value));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(lists); i++)
		for (char *const *v = lists[i].values; v && *v; v++)
			json_array_append_new(a, json_sprintf("--%s=%s", lists[i].name, *v));
	json_array_append_new(a, json_sprintf("--vms=%u", o->vms));
	if (o->target.destructive)
		json_array_append_new(a, json_string("--destructive"));
	return a;
}

static json_t *resume_json(void)
{
	char utc[32];

	return json_pack("{s:s,s:s,s:s}", "event", "resume", "tool", nvsr_version, "time", nvsr_utc(utc, sizeof(utc)));
}

static json_t *start_json(const struct run *r)
{
	const struct nvsr_target *t = &r->target;
	char utc[32];
	json_t *cells = json_array(), *o = json_pack("{s:s,s:i,s:s,s:s,s:s}", "event", "start", "version", 1, "kind", "capability", "tool",
						     nvsr_version, "time", nvsr_utc(utc, sizeof(utc)));
	const struct { const char *key, *value; } texts[] = {
		{ "device", t->session.device }, { "model", t->model }, { "serial", t->serial }, { "firmware", t->firmware },
		{ "profile", t->profile->name }, { "cmdline", r->cmdline },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *clean = nvsr_clean_text(texts[i].value, strlen(texts[i].value));

		json_object_set_new(o, texts[i].key, json_string(clean ? clean : ""));
	}
	json_object_set_new(o, "options", options_json(r->o));
	json_object_set_new(o, "emulated", json_boolean(!strcmp(t->model, EMULATED)));
	for (unsigned i = 0; i < nvsr_cap_check_count; i++)
		if (among(r->o->rows, nvsr_cap_checks[i].row) && among(r->o->ways, nvsr_cap_checks[i].way))
			json_array_append_new(cells, json_pack("{s:s,s:s}", "row", nvsr_cap_checks[i].row, "way", nvsr_cap_checks[i].way));
	json_object_set_new(o, "cells", cells);
	return o;
}

static int put(struct run *r, json_t *o)
{
	int rc = nvsr_log_put(r->log, o);

	if (rc)
		nvsr_say("%s/capability.jsonl: %s", r->dir, strerror(-rc));
	return rc;
}

static int put_cell(struct run *r, const struct nvsr_cap_check *k, struct nvsr_cap_result *res, uint64_t ns)
{
	static const char *const names[] = { [NVSR_CAP_UNTESTED] = "untested", [NVSR_CAP_NO] = "no", [NVSR_CAP_YES] = "yes" };
	_cleanup_free_ char *text = nvsr_clean_text(res->text.s ? res->text.s : "", res->text.len);
	json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I}", "event", "cell", "row", k->row, "way", k->way, "answer", names[res->answer], "text",
			      text ? text : "", "ms", (json_int_t)(ns / NVSR_MS));

	if (res->broken)
		json_object_set_new(o, "broken", json_true());
	if (res->leak)
		json_object_set_new(o, "leak", json_true());
	if (res->numbers)
		json_object_set_new(o, "numbers", res->numbers);
	res->numbers = NULL;
	r->told += res->answer != NVSR_CAP_UNTESTED;
	r->broken += res->broken;
	r->leaks += res->leak;
	fprintf(stderr, "nvsr-conform: %s, %s: %s: %s\n", k->way, k->row, names[res->answer], text ? text : "");
	return put(r, o);
}

/* --- cells ----------------------------------------------------------------------------------------------------------------------- */

/* Guests of the way before end. */
static void next_way(struct nvsr_cap *c, const char *name)
{
	const struct nvsr_data_path *p = nvsr_data_path_find(name);

	if (c->host.guests)
		nvsr_cap_stop(c, 0);
	free(c->lacks);
	free(c->dead);
	c->dead = NULL;
	c->name = name;
	c->way = nvsr_way_of(p);
	c->lacks = nvsr_guests_lack(&c->host, p);
}

static void check(struct nvsr_cap *c, const struct nvsr_cap_check *k, struct nvsr_cap_result *r)
{
	struct nvsr_complaint complaint = { "" };
	int rc = 0;

	if (c->lacks && !k->alone) {
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "%s", c->lacks);
		return;
	}
	if (!k->alone && !c->dead) {
		rc = nvsr_cap_first(c, &complaint);
		if (rc && !nvsr_stop)
			c->dead = strdup(complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	}
	if (c->dead && !k->alone) {
		r->broken = true;
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "%s", c->dead);
	} else if (!rc) {
		k->check(c, r);
	}
}

/* Of a run that goes on: what it planned and lacks. */
static bool wanted(const struct run *r, const struct nvsr_cap_check *k)
{
	const struct nvsr_capability_cell *c = r->before ? nvsr_capability_find(&r->before->table, k->row, k->way) : NULL;

	return r->before ? c && nvsr_cap_before_lacks(c) : among(r->o->rows, k->row) && among(r->o->ways, k->way);
}

static int run_cells(struct run *r)
{
	int rc = 0;

	for (unsigned i = 0; !rc && i < nvsr_cap_check_count && !nvsr_stop; i++) {
		const struct nvsr_cap_check *k = &nvsr_cap_checks[i];
		struct nvsr_cap_result res = { .answer = NVSR_CAP_UNTESTED };
		uint64_t start = nvsr_now_ns();

		if (!wanted(r, k))
			continue;
		if (!r->cap.name || strcmp(r->cap.name, k->way))
			next_way(&r->cap, k->way);
		check(&r->cap, k, &res);
		if (!nvsr_stop)
			rc = put_cell(r, k, &res, nvsr_now_ns() - start);
		json_decref(res.numbers);
		nvsr_text_free(&res.text);
	}
	return rc ? rc : nvsr_stop ? -EINTR : 0;
}

/* --- a run ------------------------------------------------------------------------------------------------------------------------- */

static int report(const char *dir)
{
	struct nvsr_capability table;
	char complaint[512] = "";
	int rc = nvsr_capability_read(dir, &table, complaint);

	if (!rc) {
		rc = nvsr_capability_report_files(dir, &table, complaint);
		nvsr_capability_text_write(stdout, &table);
		nvsr_capability_free(&table);
	}
	if (rc)
		nvsr_say("%s", complaint[0] ? complaint : strerror(-rc));
	return rc;
}

static int exit_code(const struct run *r, int rc)
{
	if (r->leaks)
		return EXIT_DIFFERS;
	if (rc || r->broken)
		return EXIT_INCOMPLETE;
	return r->told ? EXIT_CONFORMS : EXIT_NOTHING;
}

static int execute(struct run *r)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/capability.jsonl", r->dir);
	struct nvsr_complaint complaint = { "" };
	char utc[32];
	json_t *end;
	int rc = path ? nvsr_log_open(path, r->before != NULL, &r->log) : -ENOMEM, code;

	if (rc) {
		nvsr_say("%s/capability.jsonl: %s", r->dir, strerror(-rc));
		return EXIT_INCOMPLETE;
	}
	rc = put(r, r->before ? resume_json() : start_json(r));
	if (!rc && (rc = nvsr_cap_open(&r->cap, &complaint)) && !nvsr_stop)
		nvsr_say("%s: %s", r->target.session.device, complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	if (!rc)
		rc = run_cells(r);
	nvsr_cap_close(&r->cap);
	if (r->cap.host.opened && nvsr_host_put_back(&r->target) && !rc)
		rc = -EIO;
	code = exit_code(r, rc);
	end = json_pack("{s:s,s:s,s:i}", "event", "end", "time", nvsr_utc(utc, sizeof(utc)), "exit", code);
	if (rc)
		json_object_set_new(end, "interrupted", json_true());
	put(r, end);
	if (nvsr_log_close(r->log) && !code)
		code = EXIT_INCOMPLETE;
	if (report(r->dir) && !code)
		code = EXIT_INCOMPLETE;
	if (rc)
		nvsr_say("%s; go on with\n  nvsr-conform resume %s", nvsr_stop ? "interrupted" : "incomplete", r->dir);
	return code;
}

static int with_folder(struct run *r)
{
	_cleanup_free_ char *name = nvsr_asprintf("capability-%s", r->target.profile->name);
	_cleanup_free_ char *dir = name ? nvsr_rundir_make(r->o->out, name) : NULL;
	const struct nvsr_expects none = { 0 };

	if (!dir)
		return EXIT_USAGE;
	r->dir = dir;
	/* Nothing is changed before the state is on the disk. */
	if (nvsr_rundir_save_state(dir, &r->target) || nvsr_rundir_fill(dir, &r->target, &none, r->cmdline))
		return EXIT_INCOMPLETE;
	return execute(r);
}

/* What the run had before counts for its exit code. */
static int go_on(struct run *r)
{
	const char *serial = json_string_value(json_object_get(r->before->start, "serial"));
	unsigned lacks = 0;
	int rc;

	if (serial && strcmp(serial, r->target.serial) != 0) {
		nvsr_say("%s is another device now: serial number %s, the run has %s", r->target.session.device, r->target.serial, serial);
		return EXIT_USAGE;
	}
	for (unsigned i = 0; i < r->before->table.cells; i++) {
		const struct nvsr_capability_cell *c = &r->before->table.cell[i];

		r->leaks += c->leak;
		r->told += c->answer > NVSR_CAPABILITY_UNTESTED;
		lacks += nvsr_cap_before_lacks(c);
	}
	if (!lacks && r->before->over) {
		nvsr_say("%s: every cell has its answer", r->dir);
		return exit_code(r, 0);
	}
	rc = nvsr_put_back_first(&r->target, r->dir);
	return rc ? rc : execute(r);
}

static int check_perf(const struct run *r)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_perf_run run;

	if (!r->o->perf)
		return 0;
	if (nvsr_cap_perf_read(r->o->perf, r->target.serial, &run, &complaint)) {
		nvsr_say("--perf %s: %s", r->o->perf, complaint.text);
		return EXIT_USAGE;
	}
	nvsr_perf_free(&run);
	return 0;
}

static int check_device(const char *device)
{
	if (!strncmp(device, "/dev/", 5))
		return 0;
	nvsr_say("%s: the table is of a real device with the driver of the operating system: name its /dev/nvmeN", device);
	return EXIT_USAGE;
}

static int run_on(struct run *r)
{
	const struct capability_options *o = r->o;
	struct nvsr_cpus cpus;
	int rc = check_device(o->target.device);

	if (rc || (rc = nvsr_target_open(&o->target, &r->target)))
		return rc;
	r->target.session.vf_access = NVSR_VF_KERNEL;
	nvsr_cpus_allowed(&cpus);
	nvsr_place(&cpus, 1, &r->placement);
	r->cap.host.o = (struct nvsr_stage_options){ .target = &r->target, .matrix = &r->matrix, .placement = &r->placement, .connect = o->connect,
						     .guest = o->guest };
	r->cap.most = o->vms;
	r->cap.perf = o->perf;
	if (!r->target.session.destroy) {
		nvsr_say("%s: guests write to its namespaces: give --destructive --erase-serial SN", r->target.session.device);
		rc = EXIT_USAGE;
	} else {
		rc = check_perf(r);
		if (!rc)
			rc = r->before ? go_on(r) : with_folder(r);
	}
	nvsr_target_close(&r->target);
	return rc;
}

static int capability(int argc, char **argv)
{
	_cleanup_free_ char *args = nvsr_quote_args(argc - 1, argv + 1), *cmdline = nvsr_asprintf("nvsr-conform capability %s", args);
	struct capability_options o = { .vms = VMS, .target.seed = NVSR_DEFAULT_SEED };
	struct run r = { .o = &o, .cmdline = cmdline };
	int rc;

	nvsr_signals_install();
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	rc = run_on(&r);
	nvsr_lines_free(o.ways);
	nvsr_lines_free(o.rows);
	return rc;
}

int nvsr_capability_resume(const char *dir)
{
	struct capability_options o = { .vms = VMS, .target.seed = NVSR_DEFAULT_SEED };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_cap_before before = { 0 };
	struct run r = { .o = &o, .dir = dir, .before = &before };
	char **args = NULL;
	int rc = nvsr_cap_before_read(dir, &before, &complaint);

	if (!rc && !json_is_array(json_object_get(before.start, "options"))) {
		snprintf(complaint.text, sizeof(complaint.text), "%s: its options are not in capability.jsonl: the run was made by another version (%.64s); "
			 "put the device back with\n  nvsr-conform restore DEVICE %s\nand begin anew", dir, before.table.tool ? before.table.tool : "unknown", dir);
		rc = -EINVAL;
	}
	if (rc) {
		nvsr_say("%s", complaint.text[0] ? complaint.text : strerror(-rc));
		nvsr_cap_before_free(&before);
		return EXIT_USAGE;
	}
	args = nvsr_log_args(before.start);
	if (args) {
		argp_parse(&argp, (int)nvsr_lines_count(args), args, 0, NULL, &o);
		rc = run_on(&r);
		nvsr_lines_free(o.ways);
		nvsr_lines_free(o.rows);
	} else {
		rc = EXIT_INCOMPLETE;
	}
	nvsr_lines_free(args);
	nvsr_cap_before_free(&before);
	return rc;
}

const struct nvsr_command nvsr_cmd_capability = {
	.name = "capability", .summary = "what the ways to give VMs a disk can do, tried", .argp = &argp, .run = capability,
};
