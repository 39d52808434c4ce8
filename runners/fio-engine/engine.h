/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the fio engine share: a job of fio, and the paths that its I/O can take. */
#ifndef NVSR_FIO_ENGINE_H
#define NVSR_FIO_ENGINE_H

/* fio's own headers, of exactly the installed version: runners/fio-engine/fetch. */
#include <fio.h>
#include <optgroup.h>

#include "nvsr.h"

/* Options of a job.  fio wants nothing of ours at offset 0. */
struct nvsr_engine_options {
	void *pad;
	char *device, *function, *path, *backend;
	unsigned nsid;
};

/* One I/O of fio: as many commands as its size needs. */
struct nvsr_engine_io {
	struct io_u *io_u;
	unsigned left;		/* commands that are not complete */
	uint16_t status;	/* of the first that failed */
};

struct nvsr_function;
struct nvsr_job {
	struct thread_data *td;
	const struct nvsr_path *path;
	const struct nvsr_engine_options *o;
	uint64_t bytes;			/* of the namespace */
	unsigned block;			/* bytes of a logical block, or the least that can be moved */
	/* fio's data buffers: one shared mapping */
	uint8_t *mem;
	size_t mem_len;
	int mem_fd;
	struct nvsr_engine_io *io;	/* by io_u->index */
	struct io_u **done;		/* completed, not yet given to fio */
	unsigned done_count;
	struct io_u **queued;		/* since the last commit */
	unsigned queued_count;
	struct nvsr_function *function;
	struct nvsr_io_limits limits;	/* of it and the namespace */
	void *priv;			/* the path's */
	bool complained;
};

struct nvsr_path {
	const char *name;
	/* Learn what there is: job->bytes, job->block.  In fio's main thread, before any job runs.  0 or errno after a message. */
	int (*setup)(struct nvsr_job *job);
	/* In the job's thread; data buffers are there.  0 or errno after a message. */
	int (*start)(struct nvsr_job *job);
	void (*stop)(struct nvsr_job *job);
	/* Hand over a read or write, or a flush (@bytes 0); 0, -EBUSY try again when something is complete, other negative errno. */
	int (*submit)(struct nvsr_job *job, struct nvsr_engine_io *io, enum fio_ddir ddir, uint64_t offset, void *data, size_t bytes);
	void (*commit)(struct nvsr_job *job);
	/* Take what is complete, @max commands: nvsr_job_complete() for each.  Their number, or negative errno. */
	int (*reap)(struct nvsr_job *job, unsigned max);
	/* Wait until reap() may find something, for @ms at most; NULL: by looking again and again. */
	int (*wait)(struct nvsr_job *job, unsigned ms);
	/* Is somebody there at all?  NULL: wait() or reap() says so, or there is nobody to miss. */
	bool (*alive)(struct nvsr_job *job);
};
/* By name; NULL-terminated. */
extern const struct nvsr_path *const nvsr_paths[];
extern const struct nvsr_path nvsr_path_null, nvsr_path_polled, nvsr_path_interrupt, nvsr_path_virtio, nvsr_path_vhost;

/* A command of @io is complete. */
void nvsr_job_complete(struct nvsr_job *job, struct nvsr_engine_io *io, uint16_t status);
/* A message in fio's log, with the job's name; returns @err. */
int nvsr_job_say(struct nvsr_job *job, int err, const char *fmt, ...) NVSR_PRINTF(3, 4);

/* --- function.c: an NVMe function that all jobs of this process share ------------------------------------------------------------ */
/* 0 or errno after a message.  Given back as often as taken. */
int nvsr_function_get(struct nvsr_job *job, struct nvsr_function **ret);
void nvsr_function_put(struct nvsr_function *f);
struct nvsr_dev *nvsr_function_dev(const struct nvsr_function *f);
/* Identify, queues and mappings are made by one job at a time. */
void nvsr_function_lock(struct nvsr_function *f);
void nvsr_function_unlock(struct nvsr_function *f);
/* An I/O queue identifier that nobody has, until it is given back; 0 = there is none left. */
uint16_t nvsr_function_qid_get(struct nvsr_function *f);
void nvsr_function_qid_put(struct nvsr_function *f, uint16_t qid);

#endif
