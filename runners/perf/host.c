// SPDX-License-Identifier: GPL-2.0-or-later
/* The stage of a drive: what each path takes on this host, and the path that needs no guest. */
#include <glob.h>

#include "runners/perf/host.h"

#define STARTED_IOS 16

static struct nvsr_host *host(struct nvsr_stage *s)
{
	return (struct nvsr_host *)s;
}

static uint64_t ios_of(const char *stat)
{
	unsigned long long reads = 0, writes = 0;
	_cleanup_free_ char *text = NULL;

	if (!nvsr_read_file(stat, 4096, &text, NULL))
		sscanf(text, "%llu %*u %*u %*u %llu", &reads, &writes);
	return reads + writes;
}

uint64_t nvsr_disk_ios(const char *disk)
{
	const char *name = disk + strlen("/dev/");
	_cleanup_free_ char *stat = nvsr_asprintf("/sys/class/block/%s/stat", name), *paths = NULL;
	uint64_t sum = stat ? ios_of(stat) : 0;
	unsigned subsystem, ns;
	glob_t g = { 0 };

	/* With multipath kernels count them where they go, not all of them for the disk as well. */
	if (sscanf(name, "nvme%un%u", &subsystem, &ns) == 2)
		paths = nvsr_asprintf("/sys/class/block/nvme%uc*n%u/stat", subsystem, ns);
	if (paths && !glob(paths, 0, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++)
			sum += ios_of(g.gl_pathv[i]);
	globfree(&g);
	return sum;
}

/* --- paths ----------------------------------------------------------------------------------------------------------------------- */

/* malloc'd why a path cannot be measured on this host; NULL: it can. */
static char *no_engine(struct nvsr_host *h)
{
	_cleanup_free_ char *version = NULL;
	const char *lacks = nvsr_lacks_vfio(h);

	if (lacks)
		return strdup(lacks);
	if (!h->o.target->inv.sriov.pos || !h->o.target->inv.sriov.total_vfs)
		return strdup("needs a VF, and the device has none");
	if (!h->engine)
		h->engine = nvsr_fio_engine_find(h->o.engine);
	version = h->engine ? nvsr_fio_engine_version(h->engine) : NULL;
	if (!version)
		return strdup("needs our fio engine, and it is not there: make builds it");
	/* Cells are listed without fio. */
	return h->o.fio->version && strcmp(version, h->o.fio->version) ? nvsr_asprintf("needs our fio engine for %s, it is for %s", h->o.fio->version, version) : NULL;
}

static bool is_polled(const struct nvsr_data_path *p)
{
	return !strcmp(p->name, "bare-metal-polled");
}

static const struct { const char *name; char *(*lacks)(struct nvsr_host *h); } ways[] = {
	{ "bare-metal", NULL }, { "bare-metal-polled", no_engine },
};

static char *why_not(struct nvsr_host *h, const struct nvsr_data_path *p)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].name, p->name))
			return ways[i].lacks ? ways[i].lacks(h) : NULL;
	return nvsr_guests_lack(h, p);
}

static const char *lacks(struct nvsr_stage *s, const struct nvsr_data_path *p)
{
	struct nvsr_host *h = host(s);
	size_t i = (size_t)(p - nvsr_data_paths);

	if (!h->asked[i])
		h->lacks[i] = why_not(h, p);
	h->asked[i] = true;
	return h->lacks[i];
}

/* --- the drive ----------------------------------------------------------------------------------------------------------------- */

static int open_host(struct nvsr_stage *s, struct nvsr_complaint *complaint)
{
	struct nvsr_host *h = host(s);
	struct nvsr_layout_options o = { .queues = 1, .namespace_bytes = nvsr_with_image_room(h->o.matrix->namespace_bytes) };
	int rc;

	for (size_t i = 0; i < h->o.matrix->count; i++) {
		const struct nvsr_cell *c = &h->o.matrix->cell[i];

		if (lacks(s, c->path) || !(c->path->vf || is_polled(c->path)))
			continue;
		o.vfs = NVSR_MAX(o.vfs, c->path->vf ? c->vms : 1);
		if (!nvsr_pattern_is_database(c->pattern))	/* threads of a database share them */
			o.queues = NVSR_MAX(o.queues, c->jobs);
	}
	h->opened = true;
	rc = nvsr_layout_open(h->o.target, &o, &h->layout, complaint);
	if (rc)
		return rc;
	h->bytes = h->o.matrix->namespace_bytes;
	for (unsigned i = 0; i <= h->layout.vfs; i++)
		h->bytes = NVSR_MIN(h->bytes, nvsr_without_image_room(h->layout.fn[i].bytes));
	h->bytes &= ~(uint64_t)0xfffff;
	if (h->bytes < h->o.matrix->namespace_bytes)
		nvsr_say("note: loads use %llu MiB of each namespace, the smallest has no more; the matrix wants %llu",
			 (unsigned long long)(h->bytes >> 20), (unsigned long long)(h->o.matrix->namespace_bytes >> 20));
	h->disk = nvsr_layout_disk(h->layout.fn[0].bdf, h->layout.fn[0].nsid, 5000);
	if (!h->disk)
		snprintf(complaint->text, sizeof(complaint->text), "namespace %u of the PF has no block device", h->layout.fn[0].nsid);
	return h->disk ? 0 : -ENODEV;
}

int nvsr_host_put_back(struct nvsr_target *t)
{
	_cleanup_free_ char *reason = NULL;
	bool same = false;
	int rc = nvsr_may_put_back(t, t->state, NULL, &same);

	if (!rc && !same && nvsr_session_restore(&t->session, t->state, &reason)) {
		nvsr_say("%s: not restored: %s", t->session.device, reason ? reason : "");
		rc = EXIT_INCOMPLETE;
	}
	return rc ? EXIT_INCOMPLETE : 0;
}

static int close_host(struct nvsr_stage *s)
{
	struct nvsr_host *h = host(s);
	int rc;

	nvsr_fio_close(&h->run);
	nvsr_guests_close(h);
	nvsr_layout_close(&h->layout);
	rc = h->opened ? nvsr_host_put_back(h->o.target) : 0;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(h->lacks); i++)
		free(h->lacks[i]);
	free(h->disk);
	free(h->engine);
	free(h);
	return rc;
}

/* --- loads ------------------------------------------------------------------------------------------------------------------------ */

static int ready(struct nvsr_stage *s, const struct nvsr_job *j, struct nvsr_complaint *complaint)
{
	struct nvsr_host *h = host(s);

	h->in_guests = nvsr_guests_way(j->cell->path);
	h->path = j->cell->path;
	if (h->in_guests)
		return nvsr_guests_ready(h, j, complaint);
	/* Guests of the path before would only cost time. */
	nvsr_guests_drop(h, NULL);
	h->polled = is_polled(h->path);
	if (h->polled) {
		int rc = nvsr_layout_bind(h->layout.fn[1].bdf, "vfio-pci");

		if (rc)
			snprintf(complaint->text, sizeof(complaint->text), "%s: vfio-pci does not take it: %s", h->layout.fn[1].bdf, strerror(-rc));
		return rc;
	}
	return 0;
}

static char *job(struct nvsr_stage *s, struct nvsr_job *j)
{
	struct nvsr_host *h = host(s);

	j->io = h->o.fio->engine_id;
	j->namespace_bytes = h->bytes;
	j->file = h->in_guests ? NVSR_GUEST_DISK : h->disk;
	j->cpus = h->in_guests ? NULL : &h->o.placement->guest;
	j->vm = h->in_guests ? 1 : 0;
	if (j->verify_bytes)
		j->verify_bytes = NVSR_MIN(j->verify_bytes, h->bytes - (h->in_guests ? NVSR_PROOF_BYTES : 0));
	if (!h->in_guests && h->polled) {
		j->engine = h->engine;
		j->device = h->layout.fn[1].bdf;
		j->nsid = h->layout.fn[1].nsid;
	}
	return nvsr_pattern_is_database(j->cell->pattern) && !j->verify_bytes ? nvsr_database_script(j) : nvsr_job_text(j);
}

static int start(struct nvsr_stage *s, const struct nvsr_job *j, const char *file, const char *text, struct nvsr_complaint *complaint)
{
	struct nvsr_host *h = host(s);
	int rc;

	if (h->in_guests)
		return nvsr_guests_start(h, j, text, complaint);
	rc = nvsr_together_wait();
	if (rc)
		return rc;
	h->status = 0;
	h->ios = nvsr_disk_ios(h->disk);
	rc = nvsr_fio_start(h->o.fio, file, &h->run);
	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "fio cannot be started: %s", strerror(-rc));
	return rc;
}

static int begun(struct nvsr_stage *s)
{
	if (host(s)->in_guests)
		return nvsr_guests_begun(host(s));
	if (host(s)->polled)
		return -ENOTSUP;	/* nobody but the engine sees them */
	return nvsr_disk_ios(host(s)->disk) >= host(s)->ios + STARTED_IOS;
}

static bool ended(struct nvsr_stage *s)
{
	if (host(s)->in_guests)
		return nvsr_guests_ended(host(s));
	return host(s)->run.pid <= 0 || nvsr_fio_ended(&host(s)->run, &host(s)->status);
}

static void finish(struct nvsr_stage *s, struct nvsr_said *ret)
{
	if (host(s)->in_guests) {
		nvsr_guests_finish(host(s), ret);
		return;
	}
	nvsr_fio_finish(&host(s)->run, ret);
	ret->status = host(s)->status;
}

static void sample(struct nvsr_stage *s, struct nvsr_sample *ret)
{
	struct nvsr_host *h = host(s);
	const pid_t *pid[NVSR_ROLES] = { &h->run.pid };
	const unsigned n[NVSR_ROLES] = { 1 };
	char queues[40];

	if (h->in_guests) {
		nvsr_guests_sample(h, ret);
		return;
	}
	nvsr_sample_take(pid, n, ret);
	snprintf(queues, sizeof(queues), "%sq", h->o.target->session.device + strlen("/dev/"));
	ret->device.interrupts = h->polled ? 0 : nvsr_interrupts_of(queues);
}

static unsigned roles(struct nvsr_stage *s)
{
	return host(s)->in_guests ? nvsr_guests_roles(host(s)) : 1u << NVSR_ROLE_GUEST;
}

static char *dead(struct nvsr_stage *s)
{
	return host(s)->in_guests ? nvsr_guests_dead(host(s)) : NULL;
}

static void drop(struct nvsr_stage *s, const char *evidence)
{
	nvsr_guests_drop(host(s), evidence);
}

static double overlap(struct nvsr_stage *s, const struct nvsr_job *j)
{
	return host(s)->in_guests ? nvsr_guests_overlap(host(s), j) : 1;
}

static const char *lacks_database(struct nvsr_stage *s)
{
	return nvsr_guests_lack_database(host(s));
}

static bool tcg(struct nvsr_stage *s)
{
	return nvsr_guests_tcg(host(s));
}

static const struct nvsr_stage_ops ops = {
	.lacks = lacks, .lacks_database = lacks_database, .tcg = tcg, .open = open_host, .ready = ready, .job = job, .start = start, .begun = begun, .ended = ended, .overlap = overlap,
	.finish = finish, .sample = sample, .roles = roles, .dead = dead, .drop = drop, .close = close_host,
};

struct nvsr_stage *nvsr_stage_host(const struct nvsr_stage_options *o)
{
	struct nvsr_host *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->stage.ops = &ops;
	h->o = *o;
	h->run = (struct nvsr_fio_run){ .pid = -1, .out = -1, .err = -1 };
	return &h->stage;
}
