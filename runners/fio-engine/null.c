// SPDX-License-Identifier: GPL-2.0-or-later
/* Path "null": every I/O is complete once it is committed.  What the engine itself costs, beside fio's own engine "null". */
#include "runners/fio-engine/engine.h"

struct ring { struct nvsr_engine_io **io; unsigned count, committed; };

static int start(struct nvsr_job *job)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return ENOMEM;
	job->priv = r;
	r->io = calloc(job->td->o.iodepth, sizeof(struct nvsr_engine_io *));
	return r->io ? 0 : ENOMEM;
}

static void stop(struct nvsr_job *job)
{
	struct ring *r = job->priv;

	if (r)
		free(r->io);
	free(r);
	job->priv = NULL;
}

static int submit(struct nvsr_job *job, struct nvsr_engine_io *io, enum fio_ddir ddir, uint64_t offset, void *data, size_t bytes)
{
	struct ring *r = job->priv;

	io->left = 1;
	r->io[r->count++] = io;
	return 0;
}

static void commit(struct nvsr_job *job)
{
	struct ring *r = job->priv;

	r->committed = r->count;
}

static int reap(struct nvsr_job *job, unsigned max)
{
	struct ring *r = job->priv;
	unsigned n = NVSR_MIN(r->committed, max);

	for (unsigned i = 0; i < n; i++)
		nvsr_job_complete(job, r->io[i], 0);
	memmove(r->io, r->io + n, (r->count - n) * sizeof(struct nvsr_engine_io *));
	r->count -= n;
	r->committed -= n;
	return (int)n;
}

const struct nvsr_path nvsr_path_null = {
	.name = "null", .start = start, .stop = stop, .submit = submit, .commit = commit, .reap = reap,
};
