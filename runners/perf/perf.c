// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform perf: a matrix on a device, and the rest of one that was interrupted. */
#include <sys/stat.h>

#include "runners/perf/perf.h"

#define VHOST_SOCKET_PATH "vhost-user-socket"
#define EMULATED "QEMU NVMe Ctrl"	/* what QEMU's device calls itself */

enum { OPT_MATRIX = 0x100, OPT_QUICK, OPT_LIST, OPT_PATH, OPT_REPEATS, OPT_SEED, OPT_OUT, OPT_PROFILE, OPT_ENGINE, OPT_FIO,
       OPT_DESTRUCTIVE, OPT_ERASE_SERIAL, OPT_SCALE, OPT_CONNECT, OPT_GUEST, OPT_THREADS, OPT_VHOST_SOCKET };

static const struct argp_option options[] = {
	{ "matrix", OPT_MATRIX, "NAME|FILE", 0, "which loads on which paths (default: default)", 1 },
	{ "quick", OPT_QUICK, NULL, 0, "the same as --matrix=quick: half a minute", 1 },
	{ "path", OPT_PATH, "PATH", 0, "only this path of the matrix; repeatable", 1 },
	{ "repeats", OPT_REPEATS, "N", 0, "measure every cell so often (default: as the matrix says)", 1 },
	{ "seed", OPT_SEED, "N", 0, "of the order of cells and of fio's addresses (default 1)", 1 },
	{ "list-cells", OPT_LIST, NULL, 0, "show the cells and how long they take, and run nothing", 1 },
	{ "out", OPT_OUT, "DIR", 0, "run directory (default: run/<UTC>-perf-<profile>); must be new or empty", 2 },
	{ "profile", OPT_PROFILE, "NAME|FILE", 0, "what the device claims (default: the model's own, or the only profile whose "
	  "identity matches)", 2 },
	{ "fio", OPT_FIO, "FILE", 0, "the fio to use (default: the one in PATH)", 3 },
	{ "engine", OPT_ENGINE, "FILE", 0, "the fio engine (default: nvsr-fio.so that was built or installed with this program)", 3 },
	{ "device-threads", OPT_THREADS, "N", 0, "threads of the model, its functions spread over them, each on a processor of its own "
	  "(default: 1)", 3 },
	{ "connect", OPT_CONNECT, "URI", 0, "libvirt that runs the guests (default: qemu:///system)", 3 },
	{ "guest", OPT_GUEST, "DIR", 0, "what guests boot from (default: build/guest beside this program; make guest)", 3 },
	{ "vhost-socket", OPT_VHOST_SOCKET, "PATH", 0, "of a vhost-user-blk back end that runs already, SPDK's for one, for path vhost-user-socket; "
	  "repeatable, one for each VM; WHATEVER IS BEHIND IT IS OVERWRITTEN", 3 },
	{ "destructive", OPT_DESTRUCTIVE, NULL, 0, "write to a real device, which also needs --erase-serial", 4 },
	{ "erase-serial", OPT_ERASE_SERIAL, "SN", 0, "the serial number of the device whose data may be destroyed; of several, one for "
	  "each, in their order", 4 },
	{ "timeout-scale", OPT_SCALE, "X", 0, "multiply every deadline (slow emulation)", 4 },
	{ 0 }
};

struct perf_options {
	struct nvsr_target_options target;
	const char *matrix, *out, *engine, *fio, *connect, *guest;
	char **paths, **sockets, **devices, **serials;
	unsigned repeats;	/* 0: as the matrix says */
	unsigned threads;	/* of the model */
	bool list;
};

/* As libvirt wants it: from the root. */
static void parse_socket(const char *arg, struct perf_options *o, struct argp_state *state)
{
	_cleanup_free_ char *real = realpath(arg, NULL);
	struct stat st;

	if (!real || stat(real, &st))
		argp_error(state, "--vhost-socket %s: %s", arg, strerror(errno));
	else if (!S_ISSOCK(st.st_mode))
		argp_error(state, "--vhost-socket %s: expected a Unix socket", arg);
	else
		nvsr_line_parse(real, &o->sockets, state);
}

static bool is_model(const char *device)
{
	return !strncmp(device, "model:", 6);
}

static void check_devices(const struct perf_options *o, struct argp_state *state)
{
	unsigned n = nvsr_lines_count(o->devices), serials = nvsr_lines_count(o->serials);

	if (n > NVSR_PERF_DEVICES_MOST)
		argp_error(state, "up to %u devices are measured together, not %u", NVSR_PERF_DEVICES_MOST, n);
	if (n > 1 && o->sockets)
		argp_error(state, "--vhost-socket: expected one device, found %u", n);
	if (serials > n || (n > 1 && serials && serials != n))
		argp_error(state, "--erase-serial: %u serial number%s for %u device%s: expected one for each, in their order", serials,
			   serials == 1 ? "" : "s", n, n == 1 ? "" : "s");
	for (unsigned i = 1; i < n; i++) {
		if (is_model(o->devices[i]) != is_model(o->devices[0]))
			argp_error(state, "%s and %s: a model and a drive cannot be measured together", o->devices[0], o->devices[i]);
		for (unsigned k = 0; k < i && !is_model(o->devices[i]); k++) {
			_cleanup_free_ char *a = nvsr_dev_canonical(o->devices[k]), *b = nvsr_dev_canonical(o->devices[i]);

			if (a && b && !strcmp(a, b))
				argp_error(state, "%s and %s are one device", o->devices[k], o->devices[i]);
		}
	}
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct perf_options *o = state->input;

	switch (key) {
	case OPT_MATRIX: o->matrix = arg; break;
	case OPT_QUICK: o->matrix = "quick"; break;
	case OPT_LIST: o->list = true; break;
	case OPT_REPEATS: o->repeats = (unsigned)nvsr_number_parse("repeats", arg, 1, NVSR_REPEATS_MAX, state); break;
	case OPT_THREADS: o->threads = (unsigned)nvsr_number_parse("device-threads", arg, 1, NVSR_CPUS_MAX, state); break;
	case OPT_SEED: o->target.seed = nvsr_number_parse("seed", arg, 0, UINT32_MAX, state); break;
	case OPT_OUT: o->out = arg; break;
	case OPT_PROFILE: o->target.profile = arg; break;
	case OPT_ENGINE: o->engine = arg; break;
	case OPT_FIO: o->fio = arg; break;
	case OPT_CONNECT: o->connect = arg; break;
	case OPT_GUEST: o->guest = arg; break;
	case OPT_DESTRUCTIVE: o->target.destructive = true; break;
	case OPT_ERASE_SERIAL: nvsr_line_parse(arg, &o->serials, state); break;
	case OPT_SCALE: o->target.timeout_scale = nvsr_scale_parse(arg, state); break;
	case OPT_PATH:
		if (!nvsr_data_path_find(arg))
			argp_error(state, "--path %s: no path is called so (runners/perf/README.md has them)", arg);
		nvsr_line_parse(arg, &o->paths, state);
		break;
	case OPT_VHOST_SOCKET: parse_socket(arg, o, state); break;
	case ARGP_KEY_ARG: nvsr_line_parse(arg, &o->devices, state); break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name the DEVICE: model:, model:PROFILE or /dev/nvme0");
		break;
	case ARGP_KEY_SUCCESS: check_devices(o, state); break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "DEVICE...",
	.doc = "Measure data paths under the loads of a matrix, with fio.\vEvery path is verified first: what is written through it is "
	       "read back and compared.  Cells are measured in a shuffled order, all paths of one load one after the other; each result "
	       "is on the disk before the next one, so that resume goes on where a run was interrupted.  A real device gets VFs and "
	       "namespaces for it, and is put back into the state it had.  Several devices are measured together: each has the VMs that the "
	       "matrix says, all loads begin together, and the numbers are those of all.  The run directory gets "
	       "perf.tsv, report/index.html, figures/, perf.jsonl, and in raw/ fio's job files and output.",
};

static void parse_options(int argc, char **argv, struct perf_options *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->threads = 1;
	ret->target.seed = NVSR_DEFAULT_SEED;
	ret->matrix = "default";
	argp_parse(&argp, argc, argv, 0, NULL, ret);
	ret->target.device = ret->devices[0];
	ret->target.erase_serial = ret->serials ? ret->serials[0] : NULL;
}

static void free_options(struct perf_options *o)
{
	nvsr_lines_free(o->paths);
	nvsr_lines_free(o->sockets);
	nvsr_lines_free(o->devices);
	nvsr_lines_free(o->serials);
}

/* --- the matrix for this device ----------------------------------------------------------------------------------------------- */

static int load_matrix(const struct perf_options *o, const char *name, struct nvsr_matrix **ret)
{
	struct nvsr_complaint complaint = { "" };
	size_t bad = 0;
	int rc = nvsr_matrix_load(name, ret, &complaint);

	if (rc) {
		nvsr_say("%s", complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
		return EXIT_USAGE;
	}
	if (o->repeats)
		(*ret)->repeats = o->repeats;
	if (nvsr_matrix_keep_paths(*ret, (const char *const *)o->paths, nvsr_lines_count(o->paths), &bad)) {
		nvsr_say("--path %s: matrix %s does not have it", o->paths[bad], (*ret)->name);
		return EXIT_USAGE;
	}
	return 0;
}

static int check_matrix(const struct nvsr_matrix *m, const struct nvsr_target *t)
{
	/* Drivers of operating systems share queues between jobs, and keep waiting what does not fit. */
	const struct nvsr_matrix_limits limits = {
		.vfs = t->inv.sriov.pos ? NVSR_MIN((unsigned)t->inv.sriov.total_vfs, NVSR_VMS_MAX) : 0,
		.queues = t->real ? NVSR_JOBS_MAX : NVSR_LOAD_QUEUES, .entries = t->real ? 65536 : NVME_CAP_MQES(t->inv.cap) + 1,
		.host = t->real,
	};
	struct nvsr_complaint complaint = { "" };

	if (!nvsr_matrix_check(m, &limits, &complaint))
		return 0;
	nvsr_say("%s", complaint.text);
	return EXIT_USAGE;
}

/* As many as VMs of the path that takes them. */
static int check_sockets(const struct perf_options *o, const struct nvsr_matrix *m, bool real)
{
	size_t given = nvsr_lines_count(o->sockets), most = 0;

	for (size_t i = 0; i < m->count; i++)
		if (!strcmp(m->cell[i].path->name, VHOST_SOCKET_PATH))
			most = NVSR_MAX(most, (size_t)m->cell[i].vms);
	if (!given || (real && given >= most && most))
		return 0;
	if (!real)
		nvsr_say("--vhost-socket: guests have it, and a model has none: name a drive");
	else if (!most)
		nvsr_say("--vhost-socket: matrix %s has no path " VHOST_SOCKET_PATH, m->name);
	else
		nvsr_say("--vhost-socket: expected one for each of %zu VMs of matrix %s, found %zu", most, m->name, given);
	return EXIT_USAGE;
}

/* Turns and paths that are really run. */
static size_t count_turns(const struct nvsr_matrix *m, struct nvsr_stage *stage, const struct nvsr_log_state *before, size_t *ret_paths)
{
	bool used[NVSR_DATA_PATHS_MAX] = { false };
	char name[NVSR_CELL_NAME];
	size_t turns = 0;

	*ret_paths = 0;
	for (size_t i = 0; i < m->count; i++) {
		const struct nvsr_data_path *p = m->cell[i].path;

		for (unsigned r = 1; !nvsr_cell_lacks(stage, &m->cell[i]) && r <= m->repeats; r++)
			if (!before || !nvsr_log_has(before, nvsr_cell_name(&m->cell[i], name), r)) {
				turns++;
				*ret_paths += !used[p - nvsr_data_paths];
				used[p - nvsr_data_paths] = true;
			}
	}
	return turns;
}

static void print_time(FILE *f, uint64_t ns)
{
	unsigned s = (unsigned)((ns + NVSR_S - 1) / NVSR_S);

	if (s >= 3600)
		fprintf(f, "%u h %02u min", s / 3600, s / 60 % 60);
	else
		fprintf(f, "%u min %02u s", s / 60, s % 60);
}

static void note_crowding(const struct nvsr_matrix *m, struct nvsr_stage *stage, const struct nvsr_placement *p)
{
	unsigned most = 0;

	for (size_t i = 0; i < m->count; i++)
		if (!nvsr_cell_lacks(stage, &m->cell[i]))
			most = NVSR_MAX(most, m->cell[i].jobs * m->cell[i].vms);
	if (most > p->guest.n)
		nvsr_say("note: up to %u jobs share %u CPU%s", most, p->guest.n, p->guest.n == 1 ? "" : "s");
}

static int list_cells(const struct perf_options *o, const struct nvsr_matrix *m, struct nvsr_stage *stage)
{
	size_t paths, turns = count_turns(m, stage, NULL, &paths);
	char name[NVSR_CELL_NAME];

	for (size_t i = 0; i < m->count; i++) {
		const char *lacks = nvsr_cell_lacks(stage, &m->cell[i]);

		printf("%s%s%s\n", nvsr_cell_name(&m->cell[i], name), lacks ? "  # skipped: " : "", lacks ? lacks : "");
	}
	printf("# %zu cells, %u repeats, %u ms after %u ms of warm-up: about ", m->count, m->repeats, m->run_ms, m->warm_up_ms);
	print_time(stdout, nvsr_order_estimate(m, turns, paths));
	printf("\n");
	if (nvsr_lines_count(o->devices) > 1)
		printf("# on each of %zu devices at once\n", (size_t)nvsr_lines_count(o->devices));
	return 0;
}

/* --- the record ------------------------------------------------------------------------------------------------------------------- */

static json_t *cpus_json(const struct nvsr_cpus *c)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < c->n; i++)
		json_array_append_new(a, json_integer(c->cpu[i]));
	return a;
}

static json_t *placement_json(const struct nvsr_placement *p, bool device)
{
	json_t *o = json_pack("{s:i,s:o,s:o}", "cpus", (int)p->cpus, "guest", cpus_json(&p->guest), "backend", cpus_json(&p->back_end));

	if (device)
		json_object_set_new(o, "device", cpus_json(&p->device));
	return o;
}

static json_t *cells_json(const struct nvsr_matrix *m)
{
	json_t *a = json_array();

	for (size_t i = 0; i < m->count; i++) {
		const struct nvsr_cell *c = &m->cell[i];
		char name[NVSR_CELL_NAME];

		json_array_append_new(a, json_pack("{s:s,s:s,s:s,s:i,s:I,s:i,s:i,s:i}", "cell", nvsr_cell_name(c, name), "path",
						   c->path->name, "pattern", nvsr_pattern_name(c->pattern), "read_percent",
						   (int)c->read_percent, "block", (json_int_t)c->block, "depth", (int)c->depth, "jobs",
						   (int)c->jobs, "vms", (int)c->vms));
	}
	return a;
}

/* What `resume` needs to do the same: with the matrix as it was kept in the run directory. */
static json_t *options_json(const struct perf_options *o)
{
	json_t *a = json_array();
	char number[32], scale[64];
	struct { const char *name, *value; } given[] = {
		{ "profile", o->target.profile }, { "engine", o->engine }, { "fio", o->fio }, { "seed", number },
		{ "erase-serial", o->target.erase_serial }, { "connect", o->connect }, { "guest", o->guest },
		{ "timeout-scale", o->target.timeout_scale > 0 ? scale : NULL },
	};

	snprintf(number, sizeof(number), "%llu", (unsigned long long)o->target.seed);
	snprintf(scale, sizeof(scale), "%g", o->target.timeout_scale);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(given); i++)
		if (given[i].value)
			json_array_append_new(a, json_sprintf("--%s=%s", given[i].name, given[i].value));
	if (o->target.destructive)
		json_array_append_new(a, json_string("--destructive"));
	if (o->repeats)
		json_array_append_new(a, json_sprintf("--repeats=%u", o->repeats));
	json_array_append_new(a, json_sprintf("--device-threads=%u", o->threads));
	for (char **p = o->paths; p && *p; p++)
		json_array_append_new(a, json_sprintf("--path=%s", *p));
	for (char **p = o->sockets; p && *p; p++)
		json_array_append_new(a, json_sprintf("--vhost-socket=%s", *p));
	return a;
}

static json_t *start_json(const struct perf_options *o, const struct nvsr_target *t, const struct nvsr_matrix *m,
			  const struct nvsr_fio *fio, const struct nvsr_placement *p, struct nvsr_stage *stage, const char *cmdline)
{
	char utc[32];
	json_t *j = json_pack("{s:s,s:i,s:s,s:s,s:s}", "event", "start", "version", 1, "kind", "perf", "tool", nvsr_version, "time",
			      nvsr_utc(utc, sizeof(utc)));
	const struct { const char *key, *value; } texts[] = {
		{ "device", t->session.device }, { "model", t->model }, { "serial", t->serial }, { "firmware", t->firmware },
		{ "profile", t->profile->name }, { "cmdline", cmdline }, { "matrix", m->name }, { "title", m->title },
		{ "fio", fio->version }, { "engine", fio->engine_id },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *clean = nvsr_clean_text(texts[i].value, strlen(texts[i].value));

		json_object_set_new(j, texts[i].key, json_string(clean ? clean : ""));
	}
	json_object_set_new(j, "software", json_boolean(!t->real));
	if (t->real && !strcmp(t->model, EMULATED))
		json_object_set_new(j, "emulated", json_true());
	if (stage->ops->tcg && stage->ops->tcg(stage))
		json_object_set_new(j, "tcg", json_true());
	json_object_set_new(j, "repeats", json_integer(m->repeats));
	json_object_set_new(j, "seed", json_integer((json_int_t)o->target.seed));
	json_object_set_new(j, "ramp_ms", json_integer(m->warm_up_ms));
	json_object_set_new(j, "run_ms", json_integer(m->run_ms));
	json_object_set_new(j, "namespace_bytes", json_integer((json_int_t)m->namespace_bytes));
	json_object_set_new(j, "placement", placement_json(p, !t->real));
	json_object_set_new(j, "options", options_json(o));
	json_object_set_new(j, "cells", cells_json(m));
	return j;
}

static int keep_matrix(const char *dir, const struct nvsr_matrix *m)
{
	_cleanup_free_ char *text = NULL, *path = nvsr_asprintf("%s/matrix.yaml", dir);
	size_t len;
	int rc = path ? nvsr_read_file(m->path, 1u << 20, &text, &len) : -ENOMEM;

	if (!rc)
		rc = nvsr_write_file(path, text, len);
	if (rc)
		nvsr_say("%s/matrix.yaml: %s", dir, strerror(-rc));
	return rc;
}

/* --- a run, new or gone on with -------------------------------------------------------------------------------------------------- */

struct run {
	const struct perf_options *o;
	struct nvsr_target target;
	struct nvsr_matrix *matrix;
	struct nvsr_fio fio;
	struct nvsr_placement placement;
	struct nvsr_stage *stage;
	const char *dir, *cmdline;
	const struct nvsr_log_state *before;	/* NULL: new */
};

static int exit_code(const struct nvsr_measuring *m, int rc)
{
	const struct nvsr_log_state *b = m->before;

	if (m->corrupt || (b && b->corrupt))
		return EXIT_DIFFERS;
	if (rc || m->bad || (b && b->bad))
		return EXIT_INCOMPLETE;
	return m->ok || (b && b->ok) ? EXIT_CONFORMS : EXIT_NOTHING;
}

static int begin_log(const struct run *r, struct nvsr_log **ret)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/perf.jsonl", r->dir);
	char utc[32];
	int rc = path ? nvsr_log_open(path, r->before != NULL, ret) : -ENOMEM;

	if (!rc)
		rc = nvsr_log_put(*ret, r->before ? json_pack("{s:s,s:s}", "event", "resume", "time", nvsr_utc(utc, sizeof(utc))) :
				  start_json(r->o, &r->target, r->matrix, &r->fio, &r->placement, r->stage, r->cmdline));
	if (rc)
		nvsr_say("%s/perf.jsonl: %s", r->dir, strerror(-rc));
	return rc;
}

static int end_log(const struct run *r, struct nvsr_log *log, int code, bool interrupted)
{
	char utc[32];
	json_t *o = json_pack("{s:s,s:s,s:i}", "event", "end", "time", nvsr_utc(utc, sizeof(utc)), "exit", code);
	int rc;

	if (interrupted)
		json_object_set_new(o, "interrupted", json_true());
	rc = nvsr_log_put(log, o);
	if (rc && !interrupted)
		nvsr_say("%s/perf.jsonl: %s", r->dir, strerror(-rc));
	return rc;
}

static int open_stage(const struct run *r)
{
	struct nvsr_complaint complaint = { "" };
	int rc = r->stage->ops->open(r->stage, &complaint);

	if (rc && !nvsr_stop)
		nvsr_say("%s: %s", r->target.session.device, complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	return rc;
}

static int close_stage(struct run *r)
{
	struct nvsr_stage *s = r->stage;

	r->stage = NULL;
	return s ? s->ops->close(s) : 0;
}

static int execute(struct run *r)
{
	size_t paths, turns = count_turns(r->matrix, r->stage, r->before, &paths);
	struct nvsr_measuring m = {
		.dir = r->dir, .matrix = r->matrix, .placement = &r->placement, .stage = r->stage, .before = r->before,
		.seed = r->o->target.seed,
	};
	int rc = begin_log(r, &m.log), code;

	fprintf(stderr, "nvsr-conform: %zu turns on %zu path%s, about ", turns, paths, paths == 1 ? "" : "s");
	print_time(stderr, nvsr_order_estimate(r->matrix, turns, paths));
	fprintf(stderr, "%s: %s\n", r->target.real ? " of load, and what guests take to boot" : "", r->dir);
	note_crowding(r->matrix, r->stage, &r->placement);
	if (!rc && turns)
		rc = open_stage(r);
	if (!rc)
		rc = nvsr_measure(&m);
	if (close_stage(r) && !rc)
		rc = -EIO;
	code = exit_code(&m, rc);
	if (m.log)
		end_log(r, m.log, code, rc != 0);
	if (nvsr_log_close(m.log) && !code)
		code = EXIT_INCOMPLETE;
	if (m.log && nvsr_perf_report(r->dir, NULL) && code != EXIT_DIFFERS)
		code = EXIT_INCOMPLETE;
	if (rc && nvsr_together_devices() == 1)
		nvsr_say("%s; go on with\n  nvsr-conform resume %s", rc == -EINTR ? "interrupted" : "incomplete", r->dir);
	return code;
}

static int new_run(struct run *r)
{
	_cleanup_free_ char *name = nvsr_asprintf("perf-%s", r->target.profile->name);
	_cleanup_free_ char *dir = name ? nvsr_rundir_make(r->o->out, name) : NULL;
	const struct nvsr_expects none = { 0 };

	if (!dir)
		return EXIT_USAGE;
	r->dir = dir;
	/* Nothing is changed before the state is on the disk. */
	if (r->target.real && nvsr_rundir_save_state(dir, &r->target))
		return EXIT_INCOMPLETE;
	if (nvsr_rundir_fill(dir, &r->target, &none, r->cmdline) || keep_matrix(dir, r->matrix))
		return EXIT_INCOMPLETE;
	return execute(r);
}

/* What the journal planned is what the kept matrix and options say, and it is measured in the same way. */
static int same_plan(const struct run *r)
{
	json_t *now = cells_json(r->matrix), *then = json_object_get(r->before->start, "cells");
	json_t *placement = placement_json(&r->placement, !r->target.real);
	const char *engine = json_string_value(json_object_get(r->before->start, "engine"));
	const char *version = json_string_value(json_object_get(r->before->start, "fio"));
	int rc = 0;

	if (!json_equal(now, then) || json_integer_value(json_object_get(r->before->start, "repeats")) != r->matrix->repeats) {
		nvsr_say("%s: matrix.yaml is not what perf.jsonl was planned with", r->dir);
		rc = EXIT_USAGE;
	} else if (!engine || strcmp(engine, r->fio.engine_id) || !version || strcmp(version, r->fio.version)) {
		nvsr_say("%s: was measured with another %s: its numbers would not compare; start a new run", r->dir,
			 engine && !strcmp(engine, r->fio.engine_id) ? "fio" : "build of the fio engine");
		rc = EXIT_USAGE;
	} else if (!json_equal(placement, json_object_get(r->before->start, "placement"))) {
		nvsr_say("%s: was measured on other processors (\"placement\" in perf.jsonl): its numbers would not compare; let it run on those, or "
			 "start a new run", r->dir);
		rc = EXIT_USAGE;
	}
	json_decref(placement);
	json_decref(now);
	return rc ? rc : nvsr_rundir_same_host(r->dir);
}

/* Paths are the host's business, and loads write. */
static int check_real(const struct perf_options *o, const struct nvsr_target *t)
{
	if (o->list || t->session.destroy)
		return 0;
	nvsr_say("%s: measuring writes to its namespaces: give --destructive --erase-serial SN", t->session.device);
	return EXIT_USAGE;
}

static int check_name(const char *device)
{
	char node[32];

	if (!strncmp(device, "unix:", 5)) {
		nvsr_say("%s: a model that is served is for fio by hand; name model:, which has one of its own", device);
		return EXIT_USAGE;
	}
	if (!nvsr_dev_can_be_taken(device))
		return 0;
	if (nvsr_dev_node(device, node, sizeof(node)))
		snprintf(node, sizeof(node), "/dev/nvmeN");
	nvsr_say("%s: is measured with the driver of the operating system: name it %s", device, node);
	return EXIT_USAGE;
}

static int with_stage(const struct perf_options *o, struct run *r, int (*then)(struct run *r))
{
	const struct nvsr_stage_options s = {
		.target = &r->target, .matrix = r->matrix, .fio = &r->fio, .placement = &r->placement, .engine = o->engine,
		.connect = o->connect, .guest = o->guest, .sockets = o->sockets,
	};
	int rc;

	r->stage = r->target.real ? nvsr_stage_host(&s) : nvsr_stage_model(&s);
	if (!r->stage)
		return EXIT_INCOMPLETE;
	rc = o->list ? list_cells(o, r->matrix, r->stage) : then(r);
	return close_stage(r) && rc != EXIT_DIFFERS ? EXIT_INCOMPLETE : rc;
}

/* Everything but the run directory. */
static int prepare_and(const struct perf_options *o, struct run *r, const char *matrix, int (*then)(struct run *r))
{
	struct nvsr_cpus cpus;
	int rc = check_name(o->target.device);

	if (rc)
		return rc;
	r->o = o;
	if (o->target.timeout_scale > 0)
		nvsr_measure_grace_ns = (uint64_t)((double)nvsr_measure_grace_ns * o->target.timeout_scale);
	rc = load_matrix(o, matrix, &r->matrix);
	/* First: a disk that a target still offers is in use. */
	if (!rc && !o->list)
		nvsr_perf_tidy();
	if (!rc)
		rc = nvsr_target_open(&o->target, &r->target);
	if (rc) {
		nvsr_matrix_free(r->matrix);
		return rc;
	}
	if (r->target.real) {
		r->target.session.vf_access = NVSR_VF_KERNEL;
		rc = check_real(o, &r->target);
	}
	if (!rc)
		rc = check_matrix(r->matrix, &r->target);
	if (!rc)
		rc = check_sockets(o, r->matrix, r->target.real);
	nvsr_cpus_allowed(&cpus);
	nvsr_place(&cpus, o->threads, &r->placement);
	if (!rc && o->threads > r->placement.device.n) {
		nvsr_say("--device-threads %u: each has a processor of its own, and there are %u for all", o->threads, cpus.n);
		rc = EXIT_USAGE;
	}
	if (!rc && !o->list)
		rc = r->target.real ? nvsr_fio_find_plain(o->fio, &r->fio) : nvsr_fio_find(o->fio, o->engine, &r->fio);
	/* Nothing is changed before all others can begin, too. */
	if (!rc && nvsr_together_wait())
		rc = EXIT_INCOMPLETE;
	if (!rc)
		rc = with_stage(o, r, then);
	nvsr_fio_free(&r->fio);
	nvsr_target_close(&r->target);
	nvsr_matrix_free(r->matrix);
	return rc;
}

struct several { const struct perf_options *o; const char *cmdline; };

static int measure_one(unsigned i, const char *dir, void *arg)
{
	const struct several *all = arg;
	struct perf_options o = *all->o;
	struct run r = { .cmdline = all->cmdline };

	o.target.device = o.devices[i];
	o.target.erase_serial = o.serials ? o.serials[i] : NULL;
	o.out = dir;
	return prepare_and(&o, &r, o.matrix, new_run);
}

static int perf(int argc, char **argv)
{
	_cleanup_free_ char *args = nvsr_quote_args(argc - 1, argv + 1), *cmdline = nvsr_asprintf("nvsr-conform perf %s", args);
	struct perf_options o;
	struct run r = { .cmdline = cmdline };
	int rc;

	nvsr_signals_install();
	parse_options(argc, argv, &o);
	if (nvsr_lines_count(o.devices) > 1 && !o.list)
		rc = nvsr_together_measure(o.out, (const char *const *)o.devices, nvsr_lines_count(o.devices), measure_one,
					   &(struct several){ .o = &o, .cmdline = cmdline });
	else
		rc = prepare_and(&o, &r, o.matrix, new_run);
	free_options(&o);
	return rc;
}

/* --- going on with a run ------------------------------------------------------------------------------------------------------------ */

static int go_on(struct run *r)
{
	size_t paths;
	int rc = same_plan(r);

	if (rc)
		return rc;
	if (!count_turns(r->matrix, r->stage, r->before, &paths) && r->before->complete) {
		nvsr_say("%s: every cell has its result", r->dir);
		return r->before->corrupt ? EXIT_DIFFERS : r->before->bad ? EXIT_INCOMPLETE :
		       r->before->ok ? EXIT_CONFORMS : EXIT_NOTHING;
	}
	rc = r->target.real ? nvsr_put_back_first(&r->target, r->dir) : 0;
	return rc ? rc : execute(r);
}

bool nvsr_perf_is_over(const char *dir)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/perf.jsonl", dir);
	struct nvsr_complaint complaint;
	struct nvsr_log_state s;
	bool over;

	if (!path || nvsr_log_read(path, &s, &complaint))
		return false;
	over = s.complete;
	nvsr_log_state_free(&s);
	return over;
}

bool nvsr_perf_is_resumable(const char *dir)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/perf.jsonl", dir);

	return (path && !access(path, F_OK)) || nvsr_perf_is_together(dir);
}

static int resume_one(const char *dir)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/perf.jsonl", dir), *matrix = nvsr_asprintf("%s/matrix.yaml", dir);
	struct nvsr_complaint complaint = { "" };
	struct nvsr_log_state before = { 0 };
	struct run r = { .dir = dir, .before = &before };
	struct perf_options o;
	char **args;
	int rc = path && matrix ? nvsr_log_read(path, &before, &complaint) : -ENOMEM;

	if (rc) {
		nvsr_say("%s", complaint.text[0] ? complaint.text : strerror(-rc));
		return EXIT_USAGE;
	}
	args = nvsr_log_args(before.start);
	if (args) {
		parse_options((int)nvsr_lines_count(args), args, &o);
		rc = prepare_and(&o, &r, matrix, go_on);
		free_options(&o);
	} else {
		rc = EXIT_INCOMPLETE;
	}
	nvsr_lines_free(args);
	nvsr_log_state_free(&before);
	return rc;
}

int nvsr_perf_resume(const char *dir)
{
	return nvsr_perf_is_together(dir) ? nvsr_together_resume(dir, resume_one) : resume_one(dir);
}

const struct nvsr_command nvsr_cmd_perf = {
	.name = "perf", .summary = "data paths under the loads of a matrix, driven by fio", .argp = &argp, .run = perf,
};
