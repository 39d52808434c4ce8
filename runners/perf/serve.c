// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform serve: the model, or a back end on it, in the foreground: for fio by hand. */
#include <fcntl.h>
#include <limits.h>

#include "runners/perf/perf.h"

#define SPIN 64

enum { OPT_SOCKET = 0x100, OPT_VFS, OPT_BYTES, OPT_CPU, OPT_SPIN, OPT_QUEUES, OPT_FUNCTION, OPT_NSID, OPT_BACK_END };

static const struct argp_option options[] = {
	{ "socket", OPT_SOCKET, "PATH", 0, "where to listen; nothing may be there", 1 },
	{ "cpu", OPT_CPU, "LIST", 0, "where to run: a thread of the device on each, \"0-2,5\" (default: one, anywhere)", 1 },
	{ "vfs", OPT_VFS, "N", 0, "VFs, each with a namespace (default 1)", 2 },
	{ "queues", OPT_QUEUES, "N", 0, "I/O queue pairs of each VF (default 32)", 2 },
	{ "namespace-bytes", OPT_BYTES, "SIZE", 0, "of each namespace, in whole MiB (default 256M)", 2 },
	{ "spin", OPT_SPIN, "N", 0, "empty rounds before a thread of the device yields (default 64); 0: it sleeps at once", 2 },
	{ "function", OPT_FUNCTION, "vfN", 0, "of a back end: which function of the device", 3 },
	{ "nsid", OPT_NSID, "N", 0, "of a back end: which namespace (default: the one of the function)", 3 },
	{ "back-end", OPT_BACK_END, "kick|poll", 0, "of a back end: wait for kicks and interrupts, or poll (default kick)", 3 },
	{ 0 }
};

struct serve_options {
	struct nvsr_target_options target;
	const char *socket;
	struct nvsr_cpus cpus;
	unsigned vfs, queues, spin, function, nsid;
	uint64_t bytes;
	bool poll;
	bool device, back_end;	/* options of either were given */
};

static unsigned number(const char *option, const char *arg, unsigned least, unsigned most, struct argp_state *state)
{
	uint64_t v;

	if (!nvsr_size_parse(arg, &v) || v < least || v > most)
		argp_error(state, "--%s %s: expected a number from %u to %u", option, arg, least, most);
	return (unsigned)v;
}

static void of_back_end(int key, const char *arg, struct serve_options *o, struct argp_state *state)
{
	o->back_end = true;
	if (key == OPT_NSID) {
		o->nsid = number("nsid", arg, 1, INT_MAX, state);
	} else if (key == OPT_FUNCTION) {
		if (strncmp(arg, "vf", 2) != 0)
			argp_error(state, "--function %s: expected vf1, vf2, …", arg);
		o->function = number("function", arg + 2, 1, 65535, state);
	} else {
		o->poll = !strcmp(arg, "poll");
		if (!o->poll && strcmp(arg, "kick"))
			argp_error(state, "--back-end %s: expected kick or poll", arg);
	}
}

static void of_device(int key, const char *arg, struct serve_options *o, struct argp_state *state)
{
	o->device = true;
	if (key == OPT_VFS)
		o->vfs = number("vfs", arg, 0, NVSR_VMS_MAX, state);
	else if (key == OPT_QUEUES)
		o->queues = number("queues", arg, 1, NVSR_LOAD_QUEUES, state);
	else if (key == OPT_SPIN)
		o->spin = number("spin", arg, 0, 1000000000, state);
	else if (!nvsr_size_parse(arg, &o->bytes) || !o->bytes || o->bytes % (1u << 20) || o->bytes > 1ull << 40)
		argp_error(state, "--namespace-bytes %s: expected whole MiB up to 1T", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct serve_options *o = state->input;

	switch (key) {
	case OPT_SOCKET: o->socket = arg; break;
	case OPT_VFS:
	case OPT_QUEUES:
	case OPT_SPIN:
	case OPT_BYTES: of_device(key, arg, o, state); break;
	case OPT_FUNCTION:
	case OPT_NSID:
	case OPT_BACK_END: of_back_end(key, arg, o, state); break;
	case OPT_CPU:
		if (!nvsr_cpus_parse(arg, &o->cpus))
			argp_error(state, "--cpu %s: expected a list as 0-2,5", arg);
		break;
	case ARGP_KEY_ARG: nvsr_device_parse(arg, &o->target.device, state); break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name the DEVICE: model: or model:PROFILE, or unix:PATH for a back end");
		break;
	case ARGP_KEY_END:
		if (!o->socket)
			argp_error(state, "--socket PATH: where to listen?");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "DEVICE --socket=PATH",
	.doc = "Serve the model to fio and other processes, or a virtio back end on a model that is served, until Ctrl-C.\vDEVICE is "
	       "model: or model:PROFILE: then its PF, and VFs with a written namespace each, can be used at unix:PATH.  Or it is the "
	       "unix:PATH of a model that is served: then a vhost-user-blk device on one of its VFs is.  A command line for fio is "
	       "printed.",
};

/* --- for copying ------------------------------------------------------------------------------------------------------------------- */

static void print_fio(const char *device, unsigned vfn, unsigned nsid, const char *path, const char *back_end)
{
	_cleanup_free_ char *engine = nvsr_fio_engine_find(NULL), *real = realpath(device, NULL), *back = back_end ? realpath(back_end, NULL) : NULL;

	char function[16] = "pf";

	if (vfn)
		snprintf(function, sizeof(function), "vf%u", vfn);
	printf("fio --name=%s --ioengine=external:%s --thread=1 --device=unix:%s --function=%s --nsid=%u --path=%s", function,
	       engine ? engine : "build/nvsr-fio.so", real ? real : device, function, nsid, path);
	if (back_end)
		printf(" --backend=%s", back ? back : back_end);
	printf(" --rw=randread --bs=4k --iodepth=32 --norandommap --time_based --runtime=10 --lat_percentiles=1\n");
	fflush(stdout);
}

/* Once the socket is there: in a process of its own, as this one serves. */
static int print_when_ready(const struct serve_options *o, const char *device, unsigned vfn, unsigned nsid, const char *path)
{
	const char *back_end = o->back_end ? o->socket : NULL;
	int fd[2];
	char byte;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return -1;
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(fd[1]);
		if (read(fd[0], &byte, 1) == 1)
			print_fio(device, vfn, nsid, path, back_end);
		_exit(0);
	}
	close(fd[0]);
	if (pid < 0)
		close(fd[1]);
	return pid < 0 ? -1 : fd[1];
}

/* --- serving ----------------------------------------------------------------------------------------------------------------------- */

static int serve_model(const struct serve_options *o)
{
	struct nvsr_serve_options s = { .socket = o->socket, .threads = NVSR_MAX(o->cpus.n, 1u), .spin = o->spin };
	struct nvsr_load_options load = { .vfs = o->vfs, .queues = o->queues, .namespace_bytes = o->bytes };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_load_device d;
	struct nvsr_target target;
	int rc = nvsr_target_open(&o->target, &target);

	if (rc)
		return rc;
	if (o->vfs > (target.inv.sriov.pos ? target.inv.sriov.total_vfs : 0)) {
		nvsr_say("--vfs %u: %s has %u", o->vfs, target.session.device, target.inv.sriov.pos ? target.inv.sriov.total_vfs : 0u);
		nvsr_target_close(&target);
		return EXIT_USAGE;
	}
	load.device = target.session.device;
	load.profile = target.behaviour;
	rc = nvsr_load_open(&load, &d, &complaint);
	if (!rc) {
		s.pf = d.pf;
		s.vf = d.vf;
		s.vfs = d.vfs;
		s.cpu = o->cpus.n ? o->cpus.cpu : NULL;
		s.ready_fd = print_when_ready(o, o->socket, o->vfs ? 1 : 0, nvsr_load_nsid(o->vfs ? 1 : 0), "polled");
		rc = nvsr_serve(&s);
		nvsr_load_close(&d);
	}
	if (rc)
		nvsr_say("%s: %s", rc == -EADDRINUSE ? o->socket : o->target.device, complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	nvsr_target_close(&target);
	return !rc ? 0 : rc == -EADDRINUSE || rc == -ENAMETOOLONG ? EXIT_USAGE : EXIT_INCOMPLETE;
}

static int serve_back_end(const struct serve_options *o)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_back_options b = {
		.socket = o->socket, .device = o->target.device, .vfn = o->function, .nsid = o->nsid ? o->nsid : nvsr_load_nsid(o->function),
		.qid_first = 1, .poll = o->poll, .cpu = o->cpus.n ? o->cpus.cpu[0] : -1,
	};
	int rc;

	if (!o->function) {
		nvsr_say("--function vfN: which function is the back end to use?");
		return EXIT_USAGE;
	}
	b.ready_fd = print_when_ready(o, o->target.device + strlen("unix:"), b.vfn, b.nsid, o->poll ? "vhost" : "virtio");
	rc = nvsr_back_run(&b, &complaint);
	if (rc)
		nvsr_say("%s", complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	return !rc ? 0 : rc == -EADDRINUSE || rc == -ENODEV || rc == -ENOENT ? EXIT_USAGE : EXIT_INCOMPLETE;
}

static int serve(int argc, char **argv)
{
	struct serve_options o = { .vfs = 1, .queues = 32, .spin = SPIN, .bytes = 256u << 20 };
	bool back_end;

	nvsr_signals_install();
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	back_end = !strncmp(o.target.device, "unix:", 5);
	if (!back_end && strncmp(o.target.device, "model:", 6) != 0) {
		nvsr_say("%s: expected model:, model:PROFILE or unix:PATH", o.target.device);
		return EXIT_USAGE;
	}
	if (back_end ? o.device : o.back_end) {
		nvsr_say("%s", back_end ? "--vfs, --queues, --namespace-bytes and --spin are for a model"
					: "--function, --nsid and --back-end are for a back end on unix:PATH");
		return EXIT_USAGE;
	}
	o.back_end = back_end;
	return back_end ? serve_back_end(&o) : serve_model(&o);
}

const struct nvsr_command nvsr_cmd_serve = {
	.name = "serve", .summary = "the model, or a back end on it, for fio by hand", .argp = &argp, .run = serve,
};
