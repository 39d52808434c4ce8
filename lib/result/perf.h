/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A performance run as its directory has it: perf.jsonl (what was planned and what became of it), raw/CELL/R.json (fio's own
 * output of repeat R) and raw/CELL/R.host.json (CPU, interrupts and context switches while fio measured).  Base units only:
 * bytes, ns, 1/s, cores.  What the numbers mean: reports/NUMBERS.md.
 */
#ifndef NVSR_RESULT_PERF_H
#define NVSR_RESULT_PERF_H

#include "result/capability.h"
#include "result/result.h"

/*
 * One line per metric: name in C, column of perf.tsv, unit, what of it is better (1 more, -1 less, 0 neither), meaning.
 * "path" in path_cores: without the device, which is no part of the host where it is a drive.
 */
#define NVSR_PERF_METRICS(X) \
	X(IOPS, "iops", "1/s", 1, "I/Os completed per second, reads and writes") \
	X(READ_IOPS, "read_iops", "1/s", 1, "reads per second") \
	X(WRITE_IOPS, "write_iops", "1/s", 1, "writes per second") \
	X(BANDWIDTH, "bytes_per_s", "B/s", 1, "bytes moved per second, both directions") \
	X(IOS, "ios", "1", 0, "I/Os in the measured time") \
	X(LAT_MEAN, "lat_mean_ns", "ns", -1, "total latency, mean") \
	X(LAT_P50, "lat_p50_ns", "ns", -1, "total latency, median") \
	X(LAT_P95, "lat_p95_ns", "ns", -1, "total latency, 95th percentile") \
	X(LAT_P99, "lat_p99_ns", "ns", -1, "total latency, 99th percentile") \
	X(LAT_P999, "lat_p999_ns", "ns", -1, "total latency, 99.9th percentile") \
	X(READ_MEAN, "read_lat_mean_ns", "ns", -1, "the same of reads alone") \
	X(READ_P50, "read_lat_p50_ns", "ns", -1, "") \
	X(READ_P95, "read_lat_p95_ns", "ns", -1, "") \
	X(READ_P99, "read_lat_p99_ns", "ns", -1, "") \
	X(READ_P999, "read_lat_p999_ns", "ns", -1, "") \
	X(WRITE_MEAN, "write_lat_mean_ns", "ns", -1, "the same of writes alone") \
	X(WRITE_P50, "write_lat_p50_ns", "ns", -1, "") \
	X(WRITE_P95, "write_lat_p95_ns", "ns", -1, "") \
	X(WRITE_P99, "write_lat_p99_ns", "ns", -1, "") \
	X(WRITE_P999, "write_lat_p999_ns", "ns", -1, "") \
	X(HOST_CORES, "host_cores", "cores", -1, "CPUs of the whole host that were busy") \
	X(GUEST_CORES, "guest_cores", "cores", -1, "CPUs busy with fio, the guest's side") \
	X(DEVICE_CORES, "device_cores", "cores", -1, "CPUs busy with the software model of the device") \
	X(BACKEND_CORES, "backend_cores", "cores", -1, "CPUs busy with the back end of the path") \
	X(OTHER_CORES, "other_cores", "cores", -1, "CPUs busy with what is no part of the measurement") \
	X(PATH_CORES, "path_cores", "cores", -1, "CPUs that the path costs: guest and back end, not the device") \
	X(IOPS_PER_CORE, "iops_per_core", "1/s", 1, "efficiency: iops / path_cores") \
	X(IOPS_PER_HOST_CORE, "iops_per_host_core", "1/s", 1, "efficiency of the whole host: iops / (host_cores - device_cores)") \
	X(HOST_IRQ, "host_interrupts_per_s", "1/s", -1, "hardware interrupts of the whole host") \
	X(HOST_CTX, "host_switches_per_s", "1/s", -1, "context switches of the whole host") \
	X(GUEST_SLEEPS, "guest_voluntary_per_s", "1/s", -1, "times the guest's side went to sleep") \
	X(GUEST_PREEMPTED, "guest_involuntary_per_s", "1/s", -1, "times the guest's side was preempted") \
	X(BACKEND_SLEEPS, "backend_voluntary_per_s", "1/s", -1, "times the back end went to sleep") \
	X(DEVICE_IRQ, "device_interrupts_per_s", "1/s", -1, "interrupts sent by the device") \
	X(DEVICE_WAKEUPS, "device_wakeups_per_s", "1/s", -1, "times the model of the device was woken") \
	X(KICKS, "kicks_per_s", "1/s", -1, "guest to back end notifications") \
	X(CALLS, "calls_per_s", "1/s", -1, "back end to guest notifications") \
	X(IRQ_PER_IO, "device_interrupts_per_io", "1", -1, "device_interrupts_per_s / iops") \
	X(KICKS_PER_IO, "kicks_per_io", "1", -1, "kicks_per_s / iops") \
	X(CALLS_PER_IO, "calls_per_io", "1", -1, "calls_per_s / iops") \
	X(SLEEPS_PER_IO, "guest_voluntary_per_io", "1", -1, "guest_voluntary_per_s / iops") \
	X(FIO_USR, "fio_usr_cores", "cores", 0, "user time of fio's jobs, as fio says") \
	X(FIO_SYS, "fio_sys_cores", "cores", 0, "system time of fio's jobs, as fio says") \
	X(FIO_CTX, "fio_switches_per_s", "1/s", 0, "context switches of fio's jobs, as fio says") \
	X(JAIN, "jain", "1", 1, "fairness between VMs: 1 all alike, 1/VMs one has all") \
	X(WORST_BEST, "worst_to_best", "1", 1, "IOPS of the slowest VM / those of the fastest") \
	X(OVERLAP, "vms_overlap", "1", 1, "share of the time with load in any VM that all had it")

enum nvsr_perf_metric {
#define X(id, column, unit, better, text) NVSR_PERF_##id,
	NVSR_PERF_METRICS(X)
#undef X
	NVSR_PERF_METRIC_COUNT
};
struct nvsr_perf_metric_info { const char *column, *unit; int better; const char *text; };
extern const struct nvsr_perf_metric_info nvsr_perf_metrics[NVSR_PERF_METRIC_COUNT];

#define NVSR_PERF_REPEATS_MOST 64
#define NVSR_PERF_LEAST_OVERLAP 0.5	/* of what is said to be measured together: a repeat with less has failed */

enum nvsr_perf_state { NVSR_PERF_MISSING, NVSR_PERF_OK, NVSR_PERF_FAIL, NVSR_PERF_SKIP };
const char *nvsr_perf_state_name(enum nvsr_perf_state s);	/* "missing", "ok", "fail", "skip" */

/* Several values of one thing.  n = 0: not measured, the others are NAN. */
struct nvsr_spread {
	double median, min, max;
	unsigned n;
	unsigned at;		/* index of the value that is the median; of an even number, of the lower middle one */
};

struct nvsr_perf_repeat {
	enum nvsr_perf_state state;
	char *reason;
	bool bound;		/* total latency percentiles are of several parts: the worst one's, an upper bound of the whole */
	double value[NVSR_PERF_METRIC_COUNT];	/* when ok; NAN = not measured */
	double slowest, fastest;	/* IOPS of a VM, of several */
	uint64_t begin, end;	/* of the window in which the host was sampled, by its clock, ns; 0: not known */
};

struct nvsr_perf_cell {
	char *name, *path, *pattern;
	unsigned read_percent;
	uint64_t block;			/* bytes */
	unsigned depth, jobs, vms;	/* depth of each job, jobs of each VM */
	struct nvsr_perf_repeat *repeat;	/* .repeats of the run, the first is repeat 1 */
	unsigned ok;			/* repeats that are */
	enum nvsr_perf_state state;	/* ok: at least one repeat is and none failed or is missing */
	const char *reason;		/* the first one that a repeat gives; owned by the repeat */
	bool bound;
	bool together;			/* of several devices: raw files are each device's, the first one's in "1/" */
	struct nvsr_spread stat[NVSR_PERF_METRIC_COUNT];	/* over the repeats that are ok */
};

/* Where a group of processes was pinned to. */
struct nvsr_perf_place { char *who; int *cpu; unsigned n; };

/*
 * @corrupt: the path returned other data than was written; a failure without that could not be looked into.  What is ok with a reason returns
 * what was written, from another disk than this device's.
 */
struct nvsr_perf_verify { char *path, *reason; enum nvsr_perf_state state; bool corrupt; uint64_t bytes; };

struct nvsr_perf_run {
	char *tool, *device, *model, *serial, *firmware, *profile, *time, *finished, *cmdline, *matrix, *title;
	bool software, emulated, tcg;	/* of the software model, of an emulated device, from emulated processors: see nvsr_perf_label() */
	unsigned repeats;
	uint64_t seed, ramp_ms, run_ms;
	unsigned cpus;			/* of the placement */
	struct nvsr_perf_place *place;
	unsigned places;
	struct nvsr_perf_verify *verify;
	unsigned verifies;
	struct nvsr_perf_cell *cell;	/* in the order of the plan */
	size_t cells;
	size_t total[NVSR_PERF_SKIP + 1];	/* cells by state */
	unsigned devices;		/* that were measured together, 0: it is of one */
	bool interrupted, resumed;
	int exit_code;			/* as the run itself ended; -1 when it did not */
	/* of env.json and matrix.yaml; NULL where these say nothing */
	char *host, *distribution, *kernel, *cpu, *governor, *matrix_text;
	uint64_t memory_bytes;
	/* of capability.jsonl, where somebody put one; NULL without it, and why where it is there and cannot be read */
	struct nvsr_capability *capability;
	char *no_capability;
};

#define NVSR_PERF_SOFTWARE "software model: compare paths, not drives"
#define NVSR_PERF_EMULATED "emulated device: compare paths, not drives"
#define NVSR_PERF_TCG "emulated processors (TCG): no numbers of virtual machines"
/* Stands with every number of such a run; NULL: a drive on a real machine. */
static inline const char *nvsr_perf_label(const struct nvsr_perf_run *run)
{
	return run->software ? NVSR_PERF_SOFTWARE : run->tcg ? NVSR_PERF_TCG : run->emulated ? NVSR_PERF_EMULATED : NULL;
}

/* Does @dir hold a performance run, or runs of several devices that were measured together (@dir/1, @dir/2, …)? */
#define NVSR_PERF_DEVICES_MOST 16
bool nvsr_perf_is_run(const char *dir);
bool nvsr_perf_is_together(const char *dir);
/**
 * nvsr_perf_read() - read a run directory.
 * @complaint: at least 512 bytes; on -EINVAL file, line, field and what was expected.
 *
 * A torn last line of the journal (power cut) is ignored.  A raw file that is missing or damaged makes its repeat fail, with
 * the complaint as its reason; the rest of the run is still read.  Of several devices: all in one, see nvsr_perf_combine().
 * Return: 0 or negative errno.
 */
int nvsr_perf_read(const char *dir, struct nvsr_perf_run *ret, char *complaint);
void nvsr_perf_free(struct nvsr_perf_run *run);
/*
 * Runs of @n devices that were measured together become one, run[0], in which a cell's VMs are those of all of them; the others stay
 * the caller's.  What was not sampled in the same half of the time at least has failed.  0 or negative errno with @complaint.
 */
int nvsr_perf_combine(struct nvsr_perf_run *const *run, unsigned n, char *complaint);
/* 1 a path returned wrong data; 3 incomplete; 77 nothing could run; 0. */
int nvsr_perf_exit_code(const struct nvsr_perf_run *run);

/* --- the parts; @where names the file in complaints ------------------------------------------------------------------------ */
/* The journal alone: repeats are ok without values.  0 or negative errno. */
int nvsr_perf_journal_parse(const char *text, size_t len, const char *where, struct nvsr_perf_run *ret, char *complaint);
/* fio's JSON output, which may have text before and after it.  0; -EINVAL not readable; -EIO it says that the load failed. */
int nvsr_perf_fio_parse(const char *text, size_t len, const char *where, unsigned vms, struct nvsr_perf_repeat *ret,
			char *complaint);
/* Is @pattern a load of RocksDB in VMs, which has R.db.txt in place of fio's output? */
bool nvsr_perf_is_database(const char *pattern);
/* What R of raw/CELL/R.… is followed by in the file that a cell of @pattern has its numbers from: "json" or "db.txt". */
const char *nvsr_perf_load_suffix(const char *pattern);
/* What db_bench printed, a section for each VM.  0; -EINVAL not readable; -EIO it did nothing. */
int nvsr_perf_db_parse(const char *text, size_t len, const char *where, const char *pattern, unsigned vms, struct nvsr_perf_repeat *ret,
		       char *complaint);
/* R.host.json, into a repeat that has fio's numbers.  0 or negative errno. */
int nvsr_perf_host_parse(const char *text, size_t len, const char *where, struct nvsr_perf_repeat *ret, char *complaint);
/* Recount states and spreads from the repeats. */
void nvsr_perf_count(struct nvsr_perf_run *run);

/* --- statistics --------------------------------------------------------------------------------------------------------------- */
/* Those of @n values that are finite.  Of an even number the median is the mean of the two in the middle. */
struct nvsr_spread nvsr_spread_of(const double *value, unsigned n);
/* The same workload: pattern, reads, block, depth, jobs, VMs. */
bool nvsr_perf_same_condition(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b);
/* The cell of @path under the condition of @like that has numbers; NULL without one. */
const struct nvsr_perf_cell *nvsr_perf_find(const struct nvsr_perf_run *run, const char *path, const struct nvsr_perf_cell *like);
/* @a / @b of each pair of repeats with the same number; only of one run, whose repeats stood next to each other in time. */
struct nvsr_spread nvsr_perf_ratio(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b, enum nvsr_perf_metric m,
				   unsigned repeats);
/* @a - @b of each such pair. */
struct nvsr_spread nvsr_perf_difference(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b, enum nvsr_perf_metric m,
					unsigned repeats);

#endif
