// SPDX-License-Identifier: GPL-2.0-or-later
/* fio's job file of a cell.  With it and a served model anybody gets the same numbers by hand. */
#include "runners/perf/perf.h"

/* What all jobs have in common. */
static void put_global(struct nvsr_text *t, const struct nvsr_job *j)
{
	char cpus[1024];

	nvsr_text_add(t, "; written by nvsr-conform %s\n[global]\n", nvsr_version);
	if (j->engine)
		nvsr_text_add(t, "ioengine=external:%s\nthread=1\ndevice=%s%s\npath=%s\n", j->engine, j->nsid ? "" : "unix:", j->device,
			      j->cell->path->engine);
	else
		nvsr_text_add(t, "ioengine=%s\nthread=1\ndirect=1\n", j->io);
	nvsr_text_add(t, "randseed=%llu\n", (unsigned long long)j->seed);
	/* Total latency is what engines have in common; the others would only cost time. */
	nvsr_text_add(t, "lat_percentiles=1\nclat_percentiles=0\npercentile_list=50:95:99:99.9\n"
			 "disable_clat=1\ndisable_slat=1\ngroup_reporting=1\n");
	if (j->prerun)
		nvsr_text_add(t, "exec_prerun=%s\n", j->prerun);
	if (j->cpus)
		nvsr_text_add(t, "cpus_allowed=%s\ncpus_allowed_policy=split\n", nvsr_cpus_text(j->cpus, cpus, sizeof(cpus)));
}

static void put_load(struct nvsr_text *t, const struct nvsr_job *j)
{
	const struct nvsr_cell *c = j->cell;
	bool random = !nvsr_pattern_is_sequential(c->pattern);
	/* Where not even a block of each has room, fio says so. */
	unsigned long long part = NVSR_MAX(j->namespace_bytes / c->jobs / c->block, 1ull) * c->block;

	nvsr_text_add(t, "rw=%s\n", nvsr_pattern_name(c->pattern));
	if (nvsr_pattern_is_mix(c->pattern))
		nvsr_text_add(t, "rwmixread=%u\nunified_rw_reporting=both\n", c->read_percent);	/* percentiles of both together */
	nvsr_text_add(t, "bs=%u\niodepth=%u\nnumjobs=%u\n", c->block, c->depth, c->jobs);
	if (random)
		nvsr_text_add(t, "norandommap=1\n");
	if (random && (!j->engine || j->nsid))	/* of a namespace that is larger the same part on every path */
		nvsr_text_add(t, "size=%llu\n", (unsigned long long)j->namespace_bytes);
	/* Each job a part of its own, as one after the other they would read what is in the cache. */
	else if (!random && (c->jobs > 1 || !j->engine || j->nsid))
		nvsr_text_add(t, "size=%llu\noffset_increment=%llu\n", part, part);
	nvsr_text_add(t, "time_based=1\nramp_time=%ums\nruntime=%ums\n", j->warm_up_ms, j->run_ms);
}

static void put_verify(struct nvsr_text *t, const struct nvsr_job *j)
{
	uint64_t bytes = NVSR_MIN(j->verify_bytes, j->namespace_bytes);

	nvsr_text_add(t, "rw=randwrite\nbsrange=4096-65536\niodepth=32\nverify=crc32c\ndo_verify=1\nverify_fatal=1\nverify_state_save=0\n");
	/* At its begin a guest's disk has what shows that it is the right one. */
	if (j->vm)
		nvsr_text_add(t, "offset=%u\n", NVSR_PROOF_BYTES);
	nvsr_text_add(t, "size=%llu\n", (unsigned long long)bytes);
}

/* A section for each VM, and statistics of its own; the PF's is "host". */
static void put_vm(struct nvsr_text *t, const struct nvsr_job *j, unsigned vm)
{
	const struct nvsr_data_path *p = j->cell->path;

	if (!j->engine) {
		nvsr_text_add(t, p->vf ? "[vm%u]\n" : "[host]\n", vm);
		nvsr_text_add(t, "filename=%s\n", j->file);
		return;
	}
	if (!p->vf || j->nsid) {
		nvsr_text_add(t, "[host]\nfunction=pf\nnsid=%u\n", j->nsid ? j->nsid : nvsr_load_nsid(0));
		return;
	}
	nvsr_text_add(t, "[vm%u]\n%sfunction=vf%u\nnsid=%u\n", vm, vm > 1 ? "new_group=1\n" : "", vm, nvsr_load_nsid(vm));
	if (p->back_end != NVSR_BACK_END_NONE)
		nvsr_text_add(t, "backend=%s%u\n", j->back_end, vm);
}

char *nvsr_job_text(const struct nvsr_job *j)
{
	struct nvsr_text t = { 0 };

	put_global(&t, j);
	if (j->verify_bytes)
		put_verify(&t, j);
	else
		put_load(&t, j);
	for (unsigned vm = 1; vm <= (j->verify_bytes ? 1 : j->cell->vms); vm++)
		if (!j->vm || j->vm == vm)
			put_vm(&t, j, vm);
	if (t.failed)
		nvsr_text_free(&t);
	return t.s;
}
