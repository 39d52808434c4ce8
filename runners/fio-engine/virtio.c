// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paths "virtio" and "vhost": a virtqueue of a vhost-user back end.  The guest's side is the same; whether the back end sleeps
 * until it is kicked or polls is its own affair.
 */
#include "runners/fio-engine/engine.h"
#include "virtio/front.h"
#include "virtio/virtio.h"

static struct nvsr_front *front_of(const struct nvsr_job *job)
{
	return job->priv;
}

/* Requests that one I/O needs at most, for as many I/Os as fio has in flight. */
static unsigned entries(const struct nvsr_job *job)
{
	unsigned long long most = NVSR_DIV_ROUND_UP(td_max_bs(job->td), NVSR_FRONT_BYTES_MAX) * (unsigned long long)job->td->o.iodepth;
	unsigned n = 2;

	while (n < most && n < NVSR_FRONT_ENTRIES_MAX)
		n *= 2;
	return n;
}

static int open_front(struct nvsr_job *job, const struct nvsr_front_options *o, struct nvsr_front **ret)
{
	struct nvsr_complaint complaint = { "" };
	int rc;

	if (!job->o->backend)
		return nvsr_job_say(job, EINVAL, "path=%s needs backend=SOCKET", job->path->name);
	rc = nvsr_front_open(job->o->backend, o, ret, &complaint);
	return rc ? nvsr_job_say(job, -rc, "backend=%s: %s", job->o->backend, complaint.text) : 0;
}

static int setup(struct nvsr_job *job)
{
	const struct nvsr_front_options look = { .fd = -1 };
	struct nvsr_front *f = NULL;
	int rc = open_front(job, &look, &f);

	if (rc)
		return rc;
	job->bytes = nvsr_front_capacity(f);
	job->block = nvsr_front_block(f);
	nvsr_front_close(f);
	return 0;
}

static int start(struct nvsr_job *job)
{
	struct nvsr_front_options o = { .entries = entries(job), .mem = job->mem, .len = job->mem_len, .fd = job->mem_fd };
	struct nvsr_front *f = NULL;
	int rc = open_front(job, &o, &f);

	if (rc)
		return rc;
	job->priv = f;
	if (td_max_bs(job->td) > (uint64_t)nvsr_front_max(f) * o.entries)
		return nvsr_job_say(job, EINVAL, "block size %llu: the queue holds %u requests of %u bytes",
				    (unsigned long long)td_max_bs(job->td), o.entries, nvsr_front_max(f));
	return 0;
}

static void stop(struct nvsr_job *job)
{
	nvsr_front_close(front_of(job));
	job->priv = NULL;
}

static int submit(struct nvsr_job *job, struct nvsr_engine_io *io, enum fio_ddir ddir, uint64_t offset, void *data, size_t bytes)
{
	enum nvsr_front_op op = ddir == DDIR_READ ? NVSR_FRONT_READ : ddir == DDIR_WRITE ? NVSR_FRONT_WRITE : NVSR_FRONT_FLUSH;
	struct nvsr_front *f = front_of(job);
	uint32_t max = nvsr_front_max(f);
	unsigned pieces = bytes ? (unsigned)NVSR_DIV_ROUND_UP(bytes, max) : 1;

	/* All pieces or none. */
	if (nvsr_front_room(f) < pieces)
		return -EBUSY;
	io->left = pieces;
	for (size_t at = 0; pieces--; at += max) {
		int rc = nvsr_front_submit(f, op, (offset + at) / VIRTIO_BLK_SECTOR, (uint8_t *)data + at,
					   (uint32_t)NVSR_MIN(bytes - at, (size_t)max), io);

		if (rc)
			return rc;	/* of the first piece: what is wrong with it is wrong with all */
	}
	return 0;
}

static void commit(struct nvsr_job *job)
{
	nvsr_front_kick(front_of(job));
}

static void completed(void *ctx, void *arg, uint8_t status)
{
	/* A virtio device does not say what went wrong. */
	nvsr_job_complete(ctx, arg, status == VIRTIO_BLK_S_OK ? 0 : NVME_SC_INTERNAL);
}

static int reap(struct nvsr_job *job, unsigned max)
{
	return nvsr_front_reap(front_of(job), max, completed, job);
}

static int wait_call(struct nvsr_job *job, unsigned ms)
{
	int rc = nvsr_front_wait(front_of(job), 1, (int)ms);

	return rc == -ETIMEDOUT ? 0 : rc;
}

const struct nvsr_path nvsr_path_virtio = {
	.name = "virtio", .setup = setup, .start = start, .stop = stop, .submit = submit, .commit = commit, .reap = reap, .wait = wait_call,
};
const struct nvsr_path nvsr_path_vhost = {
	.name = "vhost", .setup = setup, .start = start, .stop = stop, .submit = submit, .commit = commit, .reap = reap, .wait = wait_call,
};
