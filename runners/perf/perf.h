/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of `perf` and `serve` share: where things run, fio and its job files, sampling, the journal. */
#ifndef NVSR_RUNNERS_PERF_PERF_H
#define NVSR_RUNNERS_PERF_PERF_H

#include <jansson.h>
#include <sched.h>
#include <sys/types.h>

#include "result/perf.h"
#include "runners/conform/conform.h"
#include "runners/perf/device.h"
#include "runners/perf/stage.h"
#include "virtio/back.h"

/* --- place.c: who runs on which processors ---------------------------------------------------------------------------- */

#define NVSR_CPUS_MAX 1024
struct nvsr_cpus { unsigned n; int cpu[NVSR_CPUS_MAX]; };
struct nvsr_placement {
	unsigned cpus;				/* that we may use */
	struct nvsr_cpus guest, device, back_end;	/* fio's jobs; one for each thread of the device; threads of back ends */
};
/* Those that this process may run on, ascending. */
void nvsr_cpus_allowed(struct nvsr_cpus *ret);
/* "0-3,8": ascending, each once.  False where it is no such list. */
bool nvsr_cpus_parse(const char *text, struct nvsr_cpus *ret);
char *nvsr_cpus_text(const struct nvsr_cpus *c, char *buf, size_t len);
/*
 * @threads of the device on the last - as many as leave one for others -, back ends on the one before them, jobs on the rest from
 * the first up.  Of two, jobs have the first and the others share the second; one is everybody's.
 */
void nvsr_place(const struct nvsr_cpus *cpus, unsigned threads, struct nvsr_placement *ret);
/* This process and its later threads.  0 or negative errno. */
int nvsr_pin(const struct nvsr_cpus *c);
/* Another one, and the threads that it will start. */
int nvsr_pin_process(pid_t pid, const struct nvsr_cpus *c);
/* What the kernel could give without swapping, as it says; UINT64_MAX: nobody says. */
uint64_t nvsr_memory_available_mib(void);
/* A host that runs out of it kills what it likes.  0, or -ENOMEM with *complaint. */
int nvsr_memory_suffices(unsigned vms, unsigned mib, uint64_t available_mib, struct nvsr_complaint *complaint);

/* --- tmp.c: folders for sockets ------------------------------------------------------------------------------------------ */

enum nvsr_tmp_kind { NVSR_TMP_IO, NVSR_TMP_VM };	/* of the model's processes, of guests */
#define NVSR_TMP 72
/* In TMPDIR or /tmp, with our process id in its name.  0, or negative errno and *ret is "". */
int nvsr_tmp_make(enum nvsr_tmp_kind kind, char ret[NVSR_TMP]);
/* And the files in it. */
void nvsr_tmp_remove(const char *path);

/* --- order.c: which cell is measured when -------------------------------------------------------------------------------- */

struct nvsr_turn { uint32_t cell, repeat; };	/* repeat from 1 */
/**
 * nvsr_order() - all turns of a run: each cell @m->repeats times.
 *
 * Repeat by repeat; in each, loads in an order shuffled by @seed, all paths of one load one after the other, beginning with
 * another path each time: a drift of the machine meets all paths alike.
 *
 * Return: malloc'd, m->count * m->repeats of them; NULL without memory.
 */
struct nvsr_turn *nvsr_order(const struct nvsr_matrix *m, uint64_t seed);
/* How long @turns turns take, and what comes once, in ns. */
uint64_t nvsr_order_estimate(const struct nvsr_matrix *m, size_t turns, size_t paths);

/* --- job.c: fio's job file of a cell --------------------------------------------------------------------------------------- */

struct nvsr_job {
	const struct nvsr_cell *cell;
	const char *engine;	/* the file; NULL: a block device */
	const char *device;	/* socket of the device, or with @nsid the PCI address of a function by VFIO */
	unsigned nsid;		/* 0: those of the model */
	const char *back_end;	/* sockets of back ends are this, "1" for VM 1, … */
	const char *io;		/* of a block device: fio's engine, and the device */
	const char *file;
	unsigned vm;		/* only this VM's part, 0: all */
	const struct nvsr_cpus *cpus;	/* NULL: anywhere */
	unsigned warm_up_ms, run_ms;
	uint64_t seed, namespace_bytes;
	const char *prerun;	/* what each job runs before its time begins, NULL: nothing */
	uint64_t verify_bytes;	/* not 0: write so much at random, read it back and compare, instead of a load */
};
#define NVSR_PROOF_BYTES (1u << 20)
/* malloc'd; NULL without memory. */
char *nvsr_job_text(const struct nvsr_job *j);

/* --- database.c: RocksDB in a guest ---------------------------------------------------------------------------------------- */

/* Its script for the cell of @j, which takes "prepare" or "run".  malloc'd; NULL without memory. */
char *nvsr_database_script(const struct nvsr_job *j);
/* How long either may take. */
uint64_t nvsr_database_limit_ns(uint64_t namespace_bytes);
/* How long it is read. */
unsigned nvsr_database_seconds(unsigned run_ms);
/* What a guest with one takes beyond one without. */
unsigned nvsr_database_memory_mib(uint64_t namespace_bytes);
#define NVSR_DATABASE_LEAST (16ull << 20)	/* of a namespace that has one: file system, database, and what a compaction adds */
/* NULL, or malloc'd why it did not work. */
char *nvsr_database_judge(const char *text, int status, const char *err);

/* --- fio.c: the program --------------------------------------------------------------------------------------------------- */

struct nvsr_fio {
	char *program;		/* "fio", or a file */
	char *version;		/* "fio-3.33" */
	char *engine;		/* the file, absolute; NULL without one */
	char *engine_id;	/* of its contents; without: fio's own engine that is used */
};
/*
 * Find fio (@program or NULL) and the engine (@engine or NULL) and see that they belong together.  0 or the exit code, after
 * saying what is missing and how to get it.
 */
int nvsr_fio_find(const char *program, const char *engine, struct nvsr_fio *ret);
/* fio alone, for block devices: with io_uring where the kernel lets us, else libaio. */
int nvsr_fio_find_plain(const char *program, struct nvsr_fio *ret);
void nvsr_fio_free(struct nvsr_fio *f);
/* Kernels and containers may forbid it. */
bool nvsr_has_io_uring(void);
/* @engine, or where it is: absolute, malloc'd; NULL with errno where it is not. */
char *nvsr_fio_engine_find(const char *engine);
/* The fio that it was built for, malloc'd; NULL: nobody says. */
char *nvsr_fio_engine_version(const char *engine);

/* One fio that runs, or ran. */
struct nvsr_fio_run {
	pid_t pid;
	int out, err;		/* what it says: files without a name */
	uint64_t started;
};
/* Any program that is to end with us; the functions below are for it too.  0 or negative errno. */
int nvsr_program_start(char *const *argv, struct nvsr_fio_run *ret);
/* Start it on job file @job.  0 or negative errno. */
int nvsr_fio_start(const struct nvsr_fio *f, const char *job, struct nvsr_fio_run *ret);
/* Has it ended?  Then *ret_status is wait()'s. */
bool nvsr_fio_ended(struct nvsr_fio_run *r, int *ret_status);
/* SIGTERM, a second of patience, SIGKILL; nothing where it ended. */
void nvsr_fio_kill(struct nvsr_fio_run *r);
/* What it said on @fd, malloc'd; NULL without memory. */
char *nvsr_fio_said(int fd, size_t *ret_len);
void nvsr_fio_close(struct nvsr_fio_run *r);
/* End it where it runs, and take what it said. */
void nvsr_fio_finish(struct nvsr_fio_run *r, struct nvsr_said *ret);
/*
 * Is fio's output that of a good run?  NULL, or malloc'd why not: no JSON, an error of a job, no I/O at all.  *ret_corrupt: data
 * that was read is not what was written.
 */
char *nvsr_fio_judge(const char *json, int status, const char *err, bool *ret_corrupt);

/* --- sample.c: what the machine did meanwhile ---------------------------------------------------------------------------------- */

enum nvsr_role { NVSR_ROLE_GUEST, NVSR_ROLE_DEVICE, NVSR_ROLE_BACK_END, NVSR_ROLES };
struct nvsr_back_counters { uint64_t kicks, calls, requests; };
struct nvsr_sample {
	uint64_t at;				/* ns */
	uint64_t busy_ns, interrupts, context_switches;	/* of the host */
	struct { uint64_t cpu_ns, voluntary, involuntary; } role[NVSR_ROLES];
	struct nvsr_served_stats device;
	struct nvsr_back_counters back_end;
	double overlap;			/* of several VMs' loads, in the later of two; 0: of one VM */
};
/* Host and the processes of each role: @pid[role], @pids[role] of them.  Counters are the caller's. */
void nvsr_sample_take(const pid_t *const pid[NVSR_ROLES], const unsigned pids[NVSR_ROLES], struct nvsr_sample *ret);
/* CPU time of a process so far, 0 where it is gone. */
uint64_t nvsr_cpu_ns(pid_t pid);
/* Interrupts so far, of all lines of /proc/interrupts that have @name in them. */
uint64_t nvsr_interrupts_of(const char *name);
/* The process that listens at the Unix socket @path; 0 where none is seen. */
pid_t nvsr_listener_of(const char *path);
/* Share of the time from the first begin to the last end that lies in all @n of them. */
double nvsr_overlap_of(const uint64_t *begin, const uint64_t *end, unsigned n);
/* R.host.json; of the roles (bits) that were there, and their counters.  malloc'd; NULL without memory. */
char *nvsr_sample_text(const struct nvsr_sample *a, const struct nvsr_sample *b, unsigned cpus, unsigned roles);

/* --- log.c: perf.jsonl -------------------------------------------------------------------------------------------------------- */

/* The record of a run, one JSON object a line, each on the medium before the call returns.  Takes @o.  0 or negative errno. */
struct nvsr_log;
int nvsr_log_open(const char *path, bool append, struct nvsr_log **ret);
int nvsr_log_put(struct nvsr_log *l, json_t *o);
int nvsr_log_close(struct nvsr_log *l);
/* What an interrupted run has: options it was given, and which turns have a result. */
struct nvsr_log_state {
	json_t *start;		/* its first line */
	char **results;		/* "CELL REPEAT", sorted */
	bool complete;		/* ended, and was not interrupted */
	bool corrupt;		/* a path was found to return wrong data */
	unsigned ok, bad;	/* results that are ok, that are fail */
};
/* 0, or -EINVAL and others with *complaint.  A last line that was cut off does not count. */
int nvsr_log_read(const char *path, struct nvsr_log_state *ret, struct nvsr_complaint *complaint);
void nvsr_log_state_free(struct nvsr_log_state *s);
/* The command line of the run that began so ("options", "device"), to be read again by its own option table; NULL without memory. */
char **nvsr_log_args(const json_t *start);
bool nvsr_log_has(const struct nvsr_log_state *s, const char *cell, unsigned repeat);

/* --- procs.c: the processes of the device and of back ends --------------------------------------------------------------------- */

struct nvsr_procs;
struct nvsr_procs_options {
	struct nvsr_load_options load;
	const struct nvsr_placement *placement;
	unsigned spin;		/* empty rounds of the device's thread before it yields, 0: it sleeps at once */
};
/* Start the device; returns when it accepts connections.  0, or negative errno with *complaint. */
int nvsr_procs_start(const struct nvsr_procs_options *o, struct nvsr_procs **ret, struct nvsr_complaint *complaint);
/*
 * Have what @path with @vms VMs needs and nothing else: a device that is gone is started again, back ends of the turn before stay
 * where they are the same.  0, or negative errno with *complaint.
 */
int nvsr_procs_ready(struct nvsr_procs *p, const struct nvsr_data_path *path, unsigned vms, struct nvsr_complaint *complaint);
/* After a turn that failed nobody knows in what state back ends are. */
void nvsr_procs_drop_back_ends(struct nvsr_procs *p);
/* Sockets: of the device, and what those of back ends begin with; owned. */
const char *nvsr_procs_device_socket(const struct nvsr_procs *p);
const char *nvsr_procs_back_sockets(const struct nvsr_procs *p);
const pid_t *nvsr_procs_device(const struct nvsr_procs *p);
const pid_t *nvsr_procs_back(const struct nvsr_procs *p, unsigned *ret_n);
/* Their counters into a sample.  0 or negative errno. */
int nvsr_procs_count(struct nvsr_procs *p, struct nvsr_sample *s);
/* malloc'd: which of them is gone, and how; NULL: none. */
char *nvsr_procs_dead(struct nvsr_procs *p);
void nvsr_procs_stop(struct nvsr_procs *p);

/* Why @p cannot be measured there, NULL: it can. */
static inline const char *nvsr_lacks(struct nvsr_stage *s, const struct nvsr_data_path *p)
{
	return s->ops->lacks(s, p);
}

static inline const char *nvsr_cell_lacks(struct nvsr_stage *s, const struct nvsr_cell *c)
{
	const char *lacks = nvsr_lacks(s, c->path);

	if (lacks || !nvsr_pattern_is_database(c->pattern))
		return lacks;
	return s->ops->lacks_database ? s->ops->lacks_database(s) : "needs a host with guests: RocksDB runs in virtual machines";
}

/* --- together.c: several devices at once --------------------------------------------------------------------------------------------- */

struct nvsr_together_options {
	unsigned n;				/* up to NVSR_PERF_DEVICES_MOST */
	const char *const *name;		/* of each, before what it says */
	int (*run)(unsigned i, void *arg);	/* measure it; the exit code */
	void *arg;
};
/*
 * A process for each; the gravest of their exit codes.  What they print to standard output is nobody's.  When one ends before
 * it waited for the first time, all are ended.
 */
int nvsr_together(const struct nvsr_together_options *o);
/* In such a process: how many there are; 1 in any other. */
unsigned nvsr_together_devices(void);
/* In such a process: the next wait is for this turn, by its place in the run, from 2 on.  0: for nothing, it does not wait. */
void nvsr_together_before(uint32_t turn);
/*
 * Wait until all others wait for this turn, can no longer come to it, or have ended.  0 at once where there are no others; -EINTR
 * nvsr_stop, -EPIPE nobody lets us go any more.
 */
int nvsr_together_wait(void);

/*
 * Everything that is made from a run directory; its end is the text on standard output.  *ret_code: what the run says, or NULL.  0 or
 * negative errno, after saying why.
 */
int nvsr_perf_report(const char *dir, int *ret_code);
/*
 * Measure @n devices together, each into a part of the run directory that is made at @out (NULL: below run/), and report what all
 * have done.  The exit code.
 */
int nvsr_together_measure(const char *out, const char *const *name, unsigned n, int (*measure)(unsigned i, const char *dir, void *arg),
			  void *arg);
/* Go on with all parts of such a run. */
int nvsr_together_resume(const char *dir, int (*resume)(const char *dir));

/* --- measure.c: all turns ------------------------------------------------------------------------------------------------------- */

struct nvsr_measuring {
	const char *dir;
	const struct nvsr_matrix *matrix;
	const struct nvsr_placement *placement;
	struct nvsr_stage *stage;		/* open */
	struct nvsr_log *log;
	const struct nvsr_log_state *before;	/* of a run that goes on, or NULL */
	uint64_t seed;
	/* results */
	bool corrupt;				/* a path returned wrong data */
	unsigned ok, bad, skipped;		/* turns */
};
/*
 * Verify every path, then measure.  0; -EINTR after a signal; another negative errno, after saying it, when the run directory takes
 * no more.
 */
int nvsr_measure(struct nvsr_measuring *m);
/* How much longer than its load fio may take; tests have less patience. */
extern uint64_t nvsr_measure_grace_ns;

#endif
