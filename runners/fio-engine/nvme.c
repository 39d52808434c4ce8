// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths "polled" and "interrupt": an NVMe queue pair of our own on the function. */
#include <poll.h>

#include "runners/fio-engine/engine.h"

struct queue {
	struct nvsr_pair *pair;
	uint16_t qid;
	uint64_t iova;		/* of the job's data buffers */
	unsigned mdts;
	struct pollfd irq;
};

static struct queue *queue_of(const struct nvsr_job *job)
{
	return job->priv;
}

/* Identify Namespace, CNS 00h: size and format. */
static int look(struct nvsr_job *job, unsigned nsid)
{
	struct nvme_id_ns id;
	struct nvsr_dev *d = nvsr_function_dev(job->function);
	int rc = nvsr_identify(d, 0, nsid, 0, &id);
	const struct nvme_lbaf *f = rc ? NULL : &id.lbaf[NVME_FLBAS_INDEX(id.flbas)];

	if (rc || !le64_get(id.nsze))
		return nvsr_job_say(job, ENXIO, "namespace %u: %s", nsid, rc > 0 ? nvme_status_name(rc) :
				    rc ? strerror(-rc) : "is not attached to this function");
	if (le16_get(f->ms) || f->lbads < 9 || f->lbads > 16)
		return nvsr_job_say(job, EINVAL, "namespace %u: expected a format without metadata and with blocks of 512 to 65536 bytes", nsid);
	job->block = 1u << f->lbads;
	job->bytes = le64_get(id.nsze) << f->lbads;
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
static unsigned entries(const struct nvsr_job *job, const struct queue *q)
{
	unsigned long long most = NVSR_DIV_ROUND_UP(td_max_bs(job->td), q->mdts) * (unsigned long long)job->td->o.iodepth + 1;

	return (unsigned)NVSR_MAX(2ull, NVSR_MIN(most, (unsigned long long)nvsr_function_entries(job->function)));
}

static int make(struct nvsr_job *job, struct queue *q, bool irq)
{
	struct nvsr_dev *d = nvsr_function_dev(job->function);
	struct nvsr_pair_options o = { .irq = irq };
	int rc;

	q->mdts = nvsr_function_mdts(job->function) / job->block * job->block;
	q->qid = o.qid = nvsr_function_qid_get(job->function);
	o.entries = entries(job, q);
	if (td_max_bs(job->td) > (uint64_t)q->mdts * (o.entries - 1))
		return nvsr_job_say(job, EINVAL, "block size %llu: the queue holds %u commands of %u bytes", (unsigned long long)td_max_bs(job->td),
				    o.entries - 1, q->mdts);
	rc = nvsr_dma_map(d, job->mem, job->mem_len, job->mem_fd, 0, &q->iova);
	if (rc)
		return nvsr_job_say(job, -rc, "mapping %zu bytes of buffers: %s", job->mem_len, strerror(-rc));
	rc = nvsr_pair_create(d, &o, &q->pair);
	if (rc)
		return nvsr_job_say(job, rc < 0 ? -rc : EIO, "I/O queue %u of %u entries: %s%s", o.qid, o.entries,
				    rc > 0 ? nvme_status_name(rc) : strerror(-rc),
				    rc == NVME_SC_QID_INVALID ? " (more jobs than this function has queues?)" : "");
	q->irq = (struct pollfd){ .fd = nvsr_pair_fd(q->pair), .events = POLLIN };
	return 0;
}

static int start(struct nvsr_job *job, bool irq)
{
	struct queue *q = calloc(1, sizeof(*q));
	int rc;

	if (!q)
		return nvsr_job_say(job, ENOMEM, "no memory");
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
	unsigned pieces = bytes ? (unsigned)NVSR_DIV_ROUND_UP(bytes, q->mdts) : 1;

	/* All pieces or none. */
	if (nvsr_pair_room(q->pair) < pieces)
		return -EBUSY;
	io->left = pieces;
	for (unsigned i = 0; i < pieces; i++) {
		one.bytes = (uint32_t)NVSR_MIN(bytes, (size_t)q->mdts);
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

/* Completions that came after the last look have made the eventfd readable: none is slept over. */
static int wait_irq(struct nvsr_job *job, unsigned ms)
{
	struct queue *q = queue_of(job);
	uint64_t count;

	if (poll(&q->irq, 1, (int)ms) > 0 && read(q->irq.fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

/* Ready, Base 3.1.3.6: not after a reset by somebody else, nor when nothing answers. */
static bool alive(struct nvsr_job *job)
{
	uint64_t csts = 0;

	return !nvsr_reg_read(nvsr_function_dev(job->function), NVME_REG_CSTS, 4, &csts) && csts != UINT32_MAX &&
	       csts & NVME_CSTS_RDY && !(csts & NVME_CSTS_CFS);
}

const struct nvsr_path nvsr_path_polled = {
	.name = "polled", .setup = setup, .start = start_polled, .stop = stop, .submit = submit, .commit = commit, .reap = reap,
	.alive = alive,
};
const struct nvsr_path nvsr_path_interrupt = {
	.name = "interrupt", .setup = setup, .start = start_interrupt, .stop = stop, .submit = submit, .commit = commit, .reap = reap,
	.wait = wait_irq, .alive = alive,
};
