/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the paths of a device are realised: in processes of the model (model.c), or on a host with a drive (host.c). */
#ifndef NVSR_RUNNERS_PERF_STAGE_H
#define NVSR_RUNNERS_PERF_STAGE_H

#include "nvsr.h"

struct nvsr_cpus;
struct nvsr_fio;
struct nvsr_job;
struct nvsr_placement;
struct nvsr_sample;
struct nvsr_stage;
struct nvsr_target;

/* What was heard of a load; text malloc'd. */
struct nvsr_said {
	char *json, *err;
	size_t json_len, err_len;
	int status;		/* wait()'s */
	bool corrupt;		/* what the stage compared itself differs; dead() says what */
	char *note;		/* what those who read the result should know, or NULL */
};

/* One load at a time.  Functions without a comment on it return 0 or a negative errno with *complaint. */
struct nvsr_stage_ops {
	/* Why @p cannot be measured here, owned by the stage; NULL: it can.  Before open() already. */
	const char *(*lacks)(struct nvsr_stage *s, const struct nvsr_data_path *p);
	/* The same of databases, on any path.  NULL: never. */
	const char *(*lacks_database)(struct nvsr_stage *s);
	/* Do guests run on emulated processors?  NULL: there are none. */
	bool (*tcg)(struct nvsr_stage *s);
	/* From here on the device is changed; close() puts it back. */
	int (*open)(struct nvsr_stage *s, struct nvsr_complaint *complaint);
	/* Have what this load needs and nothing else: back ends, guests.  -EBADMSG: a path returned wrong data; -ENOTSUP: the host has not what it takes. */
	int (*ready)(struct nvsr_stage *s, const struct nvsr_job *j, struct nvsr_complaint *complaint);
	/* fio's job file, malloc'd; NULL without memory.  Fills in what of @j is the stage's. */
	char *(*job)(struct nvsr_stage *s, struct nvsr_job *j);
	/* Start fio on it; @file has @text. */
	int (*start)(struct nvsr_stage *s, const struct nvsr_job *j, const char *file, const char *text, struct nvsr_complaint *complaint);
	/* Does the device have commands of it?  1 yes, 0 not yet, negative: cannot be told. */
	int (*begun)(struct nvsr_stage *s);
	bool (*ended)(struct nvsr_stage *s);
	/* Share of the time with load in any VM that all had it, after the end.  NULL: one process has them all. */
	double (*overlap)(struct nvsr_stage *s, const struct nvsr_job *j);
	/* End it where it runs; what it said. */
	void (*finish)(struct nvsr_stage *s, struct nvsr_said *ret);
	void (*sample)(struct nvsr_stage *s, struct nvsr_sample *ret);
	/* enum nvsr_role bits that samples have. */
	unsigned (*roles)(struct nvsr_stage *s);
	/* malloc'd: what of that which the load needs is gone, and how; NULL: nothing. */
	char *(*dead)(struct nvsr_stage *s);
	/* After a load that failed nobody knows in what state they are: back ends, guests.  @evidence: a folder for what they said. */
	void (*drop)(struct nvsr_stage *s, const char *evidence);
	/* Put everything back.  0 or the exit code, after saying what could not be. */
	int (*close)(struct nvsr_stage *s);
};
struct nvsr_stage { const struct nvsr_stage_ops *ops; };

struct nvsr_stage_options {
	struct nvsr_target *target;
	const struct nvsr_matrix *matrix;
	const struct nvsr_fio *fio;
	const struct nvsr_placement *placement;
	const char *engine, *connect, *guest;	/* our fio engine, libvirt's URI, folder of the guest; NULL: the usual */
	char *const *sockets;			/* of vhost-user back ends that are there already, one for each VM; ends with NULL, or is NULL */
};
/* NULL without memory.  close() frees it. */
struct nvsr_stage *nvsr_stage_model(const struct nvsr_stage_options *o);
struct nvsr_stage *nvsr_stage_host(const struct nvsr_stage_options *o);

#endif
