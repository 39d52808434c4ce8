// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths "polled" and "interrupt": an NVMe queue pair of our own on the function. */
#include <sys/epoll.h>

#include "runners/fio-engine/engine.h"

struct queue {
	struct nvsr_pair *pair;
	uint16_t qid;
	uint64_t iova;		/* of the job's data buffers */
	int epoll;		/* on interrupts; -1 */
};

static struct queue *queue_of(const struct nvsr_job *job)
{
	return job->priv;
}

static int look(struct nvsr_job *job, unsigned nsid)
{
	int rc = nvsr_io_look(nvsr_function_dev(job->function), nsid, &job->limits);

	if (rc == -ENOTSUP)
		return nvsr_job_say(job, EINVAL, "namespace %u: expected a format without metadata, its blocks within MDTS", nsid);
	if (rc)
		return nvsr_job_say(job, ENXIO, "namespace %u: %s", nsid, rc > 0 ? nvme_status_name(rc) :
				    rc != -ENXIO ? strerror(-rc) : "is not attached to this function");
	job->block = job->limits.block;
	job->bytes = job->limits.blocks * job->limits.block;
	return 0;
}

static int setup(struct nvsr_job *job)
{
	int rc = nvsr_function_get(job, &job->function);

	if (rc)
		return rc;
	nvsr_function_lock(job->function);
	rc = look(job, job->o->nsid ? job->o->nsid : 1);
	nvsr_function_unlock(job->function);
	return rc;
}

/* Commands that one I/O needs at most, for as many I/Os as fio has in flight, as far as the controller has room. */
static unsigned entries(const struct nvsr_job *job)
{
	unsigned long long most = NVSR_DIV_ROUND_UP(td_max_bs(job->td), job->limits.max) * (unsigned long long)job->td->o.iodepth + 1;

	return (unsigned)NVSR_MAX(2ull, NVSR_MIN(most, (unsigned long long)job->limits.entries));
}

/* Edges: jobs whose queues share a vector would take interrupts from each other if they read the eventfd. */
static int watch(struct queue *q)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	q->epoll = epoll_create1(EPOLL_CLOEXEC);
	return q->epoll < 0 || epoll_ctl(q->epoll, EPOLL_CTL_ADD, nvsr_pair_fd(q->pair), &e) ? -errno : 0;
}

static int make(struct nvsr_job *job, struct queue *q, bool irq)
{
	struct nvsr_dev *d = nvsr_function_dev(job->function);
	struct nvsr_pair_options o = { .irq = irq };
	int rc;

	q->qid = o.qid = nvsr_function_qid_get(job->function);
	o.entries = entries(job);
	if (td_max_bs(job->td) > (uint64_t)job->limits.max * (o.entries - 1))
		return nvsr_job_say(job, EINVAL, "block size %llu: the queue holds %u commands of %u bytes", (unsigned long long)td_max_bs(job->td),
				    o.entries - 1, job->limits.max);
	rc = nvsr_dma_map(d, job->mem, job->mem_len, job->mem_fd, 0, &q->iova);
	if (rc)
		return nvsr_job_say(job, -rc, "mapping %zu bytes of buffers: %s", job->mem_len, strerror(-rc));
	rc = nvsr_pair_create(d, &o, &q->pair);
	if (rc)
		return nvsr_job_say(job, rc < 0 ? -rc : EIO, "I/O queue %u of %u entries: %s%s", o.qid, o.entries,
				    rc > 0 ? nvme_status_name(rc) : strerror(-rc),
				    rc == NVME_SC_QID_INVALID ? " (more jobs than this function has queues?)" : "");
	rc = irq ? watch(q) : 0;
	return rc ? nvsr_job_say(job, -rc, "waiting for interrupts: %s", strerror(-rc)) : 0;
}

static int start(struct nvsr_job *job, bool irq)
{
	struct queue *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return nvsr_job_say(job, ENOMEM, "no memory");
	q->epoll = -1;
	job->priv = q;
	nvsr_function_lock(job->function);
	rc = make(job, q, irq);
	nvsr_function_unlock(job->function);
	return rc;
}

static int start_polled(struct nvsr_job *job) { return start(job, false); }
static int start_interrupt(struct nvsr_job *job) { return start(job, true); }

static void stop(struct nvsr_job *job)
{
	struct queue *q = queue_of(job);

	if (!q)
		return;
	nvsr_closep(&q->epoll);
	nvsr_function_lock(job->function);
	nvsr_pair_destroy(q->pair);
	if (q->iova)
		nvsr_dma_unmap(nvsr_function_dev(job->function), job->mem);
	if (q->qid)
		nvsr_function_qid_put(job->function, q->qid);
	nvsr_function_unlock(job->function);
	free(q);
	job->priv = NULL;
}

static int submit(struct nvsr_job *job, struct nvsr_engine_io *io, enum fio_ddir ddir, uint64_t offset, void *data, size_t bytes)
{
	struct queue *q = queue_of(job);
	struct nvsr_io one = {
		.opcode = ddir == DDIR_READ ? NVME_CMD_READ : ddir == DDIR_WRITE ? NVME_CMD_WRITE : NVME_CMD_FLUSH,
		.nsid = job->o->nsid ? job->o->nsid : 1, .slba = offset / job->block,
		.iova = q->iova + (uint64_t)((uint8_t *)data - job->mem), .arg = io,
	};
	unsigned pieces = bytes ? (unsigned)NVSR_DIV_ROUND_UP(bytes, job->limits.max) : 1;

	/* All pieces or none. */
	if (nvsr_pair_room(q->pair) < pieces)
		return -EBUSY;
	io->left = pieces;
	for (unsigned i = 0; i < pieces; i++) {
		one.bytes = (uint32_t)NVSR_MIN(bytes, (size_t)job->limits.max);
		one.blocks = one.bytes / job->block;
		nvsr_pair_submit(q->pair, &one);
		one.slba += one.blocks;
		one.iova += one.bytes;
		bytes -= one.bytes;
	}
	return 0;
}

static void commit(struct nvsr_job *job)
{
	nvsr_pair_ring(queue_of(job)->pair);
}

static void completed(void *ctx, void *arg, uint16_t status)
{
	nvsr_job_complete(ctx, arg, status);
}

static int reap(struct nvsr_job *job, unsigned max)
{
	return nvsr_pair_reap(queue_of(job)->pair, max, completed, job);
}

/* Completions that came after the last look are an edge that waits for us: none is slept over. */
static int wait_irq(struct nvsr_job *job, unsigned ms)
{
	struct epoll_event e;

	return epoll_wait(queue_of(job)->epoll, &e, 1, (int)ms) < 0 && errno != EINTR ? -errno : 0;
}

static bool alive(struct nvsr_job *job)
{
	return nvsr_io_alive(nvsr_function_dev(job->function));
}

const struct nvsr_path nvsr_path_polled = {
	.name = "polled", .setup = setup, .start = start_polled, .stop = stop, .submit = submit, .commit = commit, .reap = reap,
	.alive = alive,
};
const struct nvsr_path nvsr_path_interrupt = {
	.name = "interrupt", .setup = setup, .start = start_interrupt, .stop = stop, .submit = submit, .commit = commit, .reap = reap,
	.wait = wait_irq, .alive = alive,
};
