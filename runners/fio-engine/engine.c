// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * External ioengine "nvsr" of fio: namespaces of one function, by the data path that the job names.  fio generates the load and
 * keeps the books; this file is what all paths have in common.
 */
#include <stdarg.h>
#include <sys/mman.h>

#include "runners/fio-engine/engine.h"

#define HANG_NS (30 * NVSR_S)	/* without a completion for so long nothing is left to wait for */
#define ASK_NS (900 * NVSR_MS)	/* without one, between two questions whether the device is there */
#define LOOKS 4096		/* at a queue, between looks at the clock */
#define WAIT_MS 1000
#define YIELD 64		/* empty looks before somebody else has a turn: the device may share our processor */

const struct nvsr_path *const nvsr_paths[] = { &nvsr_path_null, &nvsr_path_polled, &nvsr_path_interrupt, &nvsr_path_virtio, &nvsr_path_vhost,
					     NULL };

#define OPTION(option, kind, text) \
	{ .name = #option, .lname = #option, .type = kind, .off1 = offsetof(struct nvsr_engine_options, option), \
	  .help = text, .category = FIO_OPT_C_ENGINE, .group = FIO_OPT_G_INVALID }
static struct fio_option options[] = {
	OPTION(device, FIO_OPT_STR_STORE, "unix:SOCKET, a model that nvsr-conform serve or perf serves"),
	OPTION(function, FIO_OPT_STR_STORE, "pf or vfN (default: pf)"),
	OPTION(nsid, FIO_OPT_INT, "namespace (default: 1)"),
	OPTION(path, FIO_OPT_STR_STORE, "null, polled, interrupt, virtio or vhost (default: polled)"),
	OPTION(backend, FIO_OPT_STR_STORE, "virtio and vhost: socket of the back end"),
	{ .name = NULL },
};

int nvsr_job_say(struct nvsr_job *job, int err, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_err("nvsr: job %s: %s\n", job->td->o.name ? job->td->o.name : "", text);
	return err;
}

/* --- completions ------------------------------------------------------------------------------------------------------- */

/* As the kernel translates statuses for its block layer, as far as fio can tell them apart. */
static int errno_of(uint16_t status)
{
	switch (status) {
	case NVME_SC_INVALID_NS: case NVME_SC_NS_NOT_READY: return ENXIO;
	case NVME_SC_LBA_RANGE: return ERANGE;
	case NVME_SC_RESV_CONFLICT: return EBADE;
	case NVME_SC_NS_WRITE_PROTECTED: return EROFS;
	default: return EIO;
	}
}

void nvsr_job_complete(struct nvsr_job *job, struct nvsr_engine_io *io, uint16_t status)
{
	struct io_u *io_u = io->io_u;

	if (status && !io->status)
		io->status = status;
	if (--io->left)
		return;
	if (io->status && !job->complained) {
		job->complained = true;
		nvsr_job_say(job, 0, "%s of %llu bytes at %llu: status %s", io_ddir_name(io_u->ddir), (unsigned long long)io_u->xfer_buflen,
			     (unsigned long long)io_u->offset, nvme_status_name(io->status));
	}
	io_u->error = io->status ? (unsigned)errno_of(io->status) : 0;
	io_u->resid = io->status ? io_u->xfer_buflen : 0;
	job->done[job->done_count++] = io_u;
}

static struct io_u *event(struct thread_data *td, int i)
{
	struct nvsr_job *job = td->io_ops_data;

	return job->done[i];
}

/* Nothing was complete: wait as the path waits.  0 or negative errno. */
static int be_patient(struct nvsr_job *job, unsigned *looks, uint64_t *since, uint64_t *asked)
{
	uint64_t now;

	if (job->path->wait) {
		int rc = job->path->wait(job, WAIT_MS);

		if (rc < 0)
			return rc;
	} else if (++*looks % YIELD == 0) {
		sched_yield();
	}
	if (!job->path->wait && *looks % LOOKS)
		return 0;
	now = nvsr_now_ns();
	if (!*since)
		*since = *asked = now;
	if (now - *asked > ASK_NS && job->path->alive) {
		*asked = now;
		if (!job->path->alive(job))
			return -ENODEV;
	}
	return now - *since > HANG_NS ? -ETIMEDOUT : 0;
}

static int getevents(struct thread_data *td, unsigned min, unsigned max, const struct timespec *t)
{
	struct nvsr_job *job = td->io_ops_data;
	unsigned looks = 0;
	uint64_t since = 0, asked = 0;
	int rc;

	job->done_count = 0;
	for (;;) {
		rc = job->path->reap(job, max - job->done_count);
		if (rc < 0)
			break;
		if (job->done_count >= min)
			return (int)job->done_count;
		if (rc) {
			since = 0;
			continue;
		}
		rc = be_patient(job, &looks, &since, &asked);
		if (rc < 0)
			break;
	}
	nvsr_job_say(job, 0, "%s", rc == -ETIMEDOUT ? "no completion within 30 s: the device hangs" :
		     rc == -ENODEV ? "the device is gone" : rc == -ECONNRESET ? "the back end is gone" : strerror(-rc));
	return rc;
}

/* --- submission ---------------------------------------------------------------------------------------------------------- */

static enum fio_q_status fail(struct io_u *io_u, int err)
{
	io_u->error = (unsigned)err;
	return FIO_Q_COMPLETED;
}

static enum fio_q_status queue(struct thread_data *td, struct io_u *io_u)
{
	struct nvsr_job *job = td->io_ops_data;
	struct nvsr_engine_io *io = &job->io[io_u->index];
	size_t bytes = ddir_rw(io_u->ddir) ? io_u->xfer_buflen : 0;
	int rc;

	fio_ro_check(td, io_u);
	if (!ddir_rw(io_u->ddir) && !ddir_sync(io_u->ddir))
		return fail(io_u, EOPNOTSUPP);
	if (bytes && (io_u->offset % job->block || bytes % job->block))
		return fail(io_u, EINVAL);
	*io = (struct nvsr_engine_io){ .io_u = io_u };
	rc = job->path->submit(job, io, io_u->ddir, io_u->offset, io_u->xfer_buf, bytes);
	if (rc == -EBUSY)
		return FIO_Q_BUSY;
	if (rc)
		return fail(io_u, -rc);
	job->queued[job->queued_count++] = io_u;
	return FIO_Q_QUEUED;
}

static void note_issue(struct nvsr_job *job)
{
	struct timespec now;

	if (!fio_fill_issue_time(job->td)) {
		job->queued_count = 0;
		return;
	}
	fio_gettime(&now, NULL);
	for (unsigned i = 0; i < job->queued_count; i++) {
		memcpy(&job->queued[i]->issue_time, &now, sizeof(now));
		io_u_queued(job->td, job->queued[i]);
	}
	job->queued_count = 0;
}

static int commit(struct thread_data *td)
{
	struct nvsr_job *job = td->io_ops_data;

	/* Time begins before the device can know. */
	note_issue(job);
	job->path->commit(job);
	return 0;
}

/* --- memory ----------------------------------------------------------------------------------------------------------------- */

static int iomem_alloc(struct thread_data *td, size_t len)
{
	struct nvsr_job *job = td->io_ops_data;

	job->mem_len = NVSR_ROUND_UP(len, (size_t)4096);
	job->mem_fd = memfd_create("fio-buffers", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (job->mem_fd < 0 || ftruncate(job->mem_fd, (off_t)job->mem_len))
		return nvsr_job_say(job, 1, "%zu bytes of buffers: %s", len, strerror(errno));
	job->mem = mmap(NULL, job->mem_len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, job->mem_fd, 0);
	if (job->mem == MAP_FAILED) {
		job->mem = NULL;
		return nvsr_job_say(job, 1, "%zu bytes of buffers: %s", len, strerror(errno));
	}
	td->orig_buffer = (char *)job->mem;
	return 0;
}

static void iomem_free(struct thread_data *td)
{
	struct nvsr_job *job = td->io_ops_data;

	/* What the device may still write to is let go of in cleanup(), after the queues. */
	td->orig_buffer = NULL;
	if (job)
		job->queued_count = 0;
}

/* --- begin and end ---------------------------------------------------------------------------------------------------------------- */

static const struct nvsr_path *find_path(const char *name)
{
	for (const struct nvsr_path *const *p = nvsr_paths; *p; p++)
		if (!strcmp((*p)->name, name))
			return *p;
	return NULL;
}

static int make_job(struct thread_data *td)
{
	const struct nvsr_engine_options *o = td->eo;
	struct nvsr_job *job = calloc(1, sizeof(*job));

	if (!job)
		return 1;
	*job = (struct nvsr_job){ .td = td, .o = o, .mem_fd = -1, .block = 1 };
	td->io_ops_data = job;
	job->path = find_path(o->path ? o->path : "polled");
	if (!job->path)
		return nvsr_job_say(job, 1, "path=%s: expected null, polled, interrupt, virtio or vhost", o->path);
	if (td_trim(td))
		return nvsr_job_say(job, 1, "rw=%s: trims are not supported", ddir_str(td->o.td_ddir));
	if (!td->o.use_thread)
		return nvsr_job_say(job, 1, "needs thread=1: jobs share the controller of their function");
	return 0;
}

static int setup(struct thread_data *td)
{
	struct nvsr_job *job;
	struct fio_file *f;

	if (make_job(td))
		return 1;
	job = td->io_ops_data;
	if (job->path->setup && job->path->setup(job))
		return 1;
	if (!td->files_index) {
		add_file(td, td->o.filename ? td->o.filename : "nvsr", 0, 0);
		td->o.nr_files = td->o.nr_files ? td->o.nr_files : 1;
		td->o.open_files++;
	}
	f = td->files[0];
	f->real_file_size = job->bytes ? job->bytes : td->o.size;
	f->filetype = FIO_TYPE_BLOCK;
	fio_file_set_size_known(f);
	return 0;
}

static int init(struct thread_data *td)
{
	td->io_ops->flags |= FIO_ASYNCIO_SETS_ISSUE_TIME;
	td_set_ioengine_flags(td);
	return 0;
}

static int post_init(struct thread_data *td)
{
	struct nvsr_job *job = td->io_ops_data;
	unsigned n = td->o.iodepth;
	int rc;

	job->io = calloc(n, sizeof(*job->io));
	job->done = calloc(n, sizeof(struct io_u *));
	job->queued = calloc(n, sizeof(struct io_u *));
	rc = !job->io || !job->done || !job->queued ? nvsr_job_say(job, ENOMEM, "no memory") : job->path->start(job);
	/* fio takes a job that cannot start for one that ended well, unless it is told otherwise. */
	if (rc)
		td_verror(td, rc, "nvsr");
	return rc;
}

static void cleanup(struct thread_data *td)
{
	struct nvsr_job *job = td->io_ops_data;

	if (!job)
		return;
	if (job->path)
		job->path->stop(job);
	nvsr_function_put(job->function);
	if (job->mem)
		munmap(job->mem, job->mem_len);
	if (job->mem_fd >= 0)
		close(job->mem_fd);
	free(job->io);
	free(job->done);
	free(job->queued);
	free(job);
	td->io_ops_data = NULL;
}

static int open_file(struct thread_data *td, struct fio_file *f)
{
	return 0;
}

/* fio looks this name up. */
__attribute__((visibility("default"))) struct ioengine_ops ioengine = {
	.name = "nvsr", .version = FIO_IOOPS_VERSION,
	.flags = FIO_RAWIO | FIO_NOEXTEND | FIO_NODISKUTIL | FIO_MEMALIGN | FIO_DISKLESSIO,
	.setup = setup, .init = init, .post_init = post_init, .queue = queue, .commit = commit, .getevents = getevents, .event = event,
	.cleanup = cleanup, .open_file = open_file, .close_file = open_file, .iomem_alloc = iomem_alloc, .iomem_free = iomem_free,
	.options = options, .option_struct_size = sizeof(struct nvsr_engine_options),
};
