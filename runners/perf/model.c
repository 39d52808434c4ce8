// SPDX-License-Identifier: GPL-2.0-or-later
/* The stage of the model: fio drives a device in another process, by itself or through a back end. */
#include "runners/perf/perf.h"

#define SPIN 64			/* empty rounds before the device's thread yields */
#define STARTED_COMMANDS 64	/* more than it takes to set queues up */

struct model {
	struct nvsr_stage stage;
	struct nvsr_stage_options o;
	struct nvsr_procs *procs;
	struct nvsr_fio_run run;
	int status;
	bool back_end;
	uint64_t commands;	/* before the load */
};

static struct model *model(struct nvsr_stage *s)
{
	return (struct model *)s;
}

static const char *lacks(struct nvsr_stage *s, const struct nvsr_data_path *p)
{
	return p->engine ? NULL : p->needs;
}

/* VFs and queues that the largest cell takes. */
static void size_device(const struct nvsr_stage_options *o, struct nvsr_load_options *load)
{
	*load = (struct nvsr_load_options){
		.device = o->target->session.device, .profile = o->target->behaviour, .queues = 1,
		.namespace_bytes = o->matrix->namespace_bytes,
	};
	for (size_t i = 0; i < o->matrix->count; i++) {
		const struct nvsr_cell *c = &o->matrix->cell[i];

		if (!c->path->engine)
			continue;
		load->queues = NVSR_MAX(load->queues, c->jobs);
		if (c->path->vf)
			load->vfs = NVSR_MAX(load->vfs, c->vms);
	}
}

static int open_model(struct nvsr_stage *s, struct nvsr_complaint *complaint)
{
	struct nvsr_procs_options p = { .placement = model(s)->o.placement, .spin = SPIN };

	size_device(&model(s)->o, &p.load);
	return nvsr_procs_start(&p, &model(s)->procs, complaint);
}

static int ready(struct nvsr_stage *s, const struct nvsr_job *j, struct nvsr_complaint *complaint)
{
	const struct nvsr_cell *c = j->cell;

	model(s)->back_end = c->path->back_end != NVSR_BACK_END_NONE;
	return nvsr_procs_ready(model(s)->procs, c->path, c->vms, complaint);
}

static char *job(struct nvsr_stage *s, struct nvsr_job *j)
{
	j->engine = model(s)->o.fio->engine;
	j->device = nvsr_procs_device_socket(model(s)->procs);
	j->back_end = nvsr_procs_back_sockets(model(s)->procs);
	j->cpus = &model(s)->o.placement->guest;
	return nvsr_job_text(j);
}

static uint64_t commands(struct model *m)
{
	struct nvsr_sample s = { 0 };

	return nvsr_procs_count(m->procs, &s) ? 0 : s.device.commands;
}

static int start(struct nvsr_stage *s, const struct nvsr_job *j, const char *file, const char *text, struct nvsr_complaint *complaint)
{
	struct model *m = model(s);
	int rc = nvsr_together_wait();

	if (rc)
		return rc;
	m->commands = commands(m);
	m->status = 0;
	rc = nvsr_fio_start(m->o.fio, file, &m->run);
	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "fio cannot be started: %s", strerror(-rc));
	return rc;
}

static int begun(struct nvsr_stage *s)
{
	return commands(model(s)) >= model(s)->commands + STARTED_COMMANDS;
}

static bool ended(struct nvsr_stage *s)
{
	return model(s)->run.pid <= 0 || nvsr_fio_ended(&model(s)->run, &model(s)->status);
}

static void finish(struct nvsr_stage *s, struct nvsr_said *ret)
{
	nvsr_fio_finish(&model(s)->run, ret);
	ret->status = model(s)->status;
}

static void sample(struct nvsr_stage *s, struct nvsr_sample *ret)
{
	struct model *m = model(s);
	unsigned backs;
	const pid_t *back = nvsr_procs_back(m->procs, &backs);
	const pid_t *pid[NVSR_ROLES] = { &m->run.pid, nvsr_procs_device(m->procs), back };
	const unsigned n[NVSR_ROLES] = { 1, 1, backs };

	nvsr_sample_take(pid, n, ret);
	nvsr_procs_count(m->procs, ret);
}

static unsigned roles(struct nvsr_stage *s)
{
	return 1u << NVSR_ROLE_GUEST | 1u << NVSR_ROLE_DEVICE | (model(s)->back_end ? 1u << NVSR_ROLE_BACK_END : 0);
}

static char *dead(struct nvsr_stage *s)
{
	return nvsr_procs_dead(model(s)->procs);
}

static void drop(struct nvsr_stage *s, const char *evidence)
{
	nvsr_procs_drop_back_ends(model(s)->procs);
}

static int close_model(struct nvsr_stage *s)
{
	nvsr_fio_close(&model(s)->run);
	nvsr_procs_stop(model(s)->procs);
	free(s);
	return 0;
}

static const struct nvsr_stage_ops ops = {
	.lacks = lacks, .open = open_model, .ready = ready, .job = job, .start = start, .begun = begun, .ended = ended,
	.finish = finish, .sample = sample, .roles = roles, .dead = dead, .drop = drop, .close = close_model,
};

struct nvsr_stage *nvsr_stage_model(const struct nvsr_stage_options *o)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->stage.ops = &ops;
	m->o = *o;
	m->run = (struct nvsr_fio_run){ .pid = -1, .out = -1, .err = -1 };
	return &m->stage;
}
