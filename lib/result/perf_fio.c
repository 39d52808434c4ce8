// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What fio measured, from its JSON output, and what the host's side of it cost.
 *
 * Rates are sums over job entries and directions.  Percentiles do not add up: those of the whole are exact where they come
 * from one distribution - one entry with one direction, or fio's own "mixed" (unified_rw_reporting=both).  Of several they are
 * the largest of the parts, which the percentile of the whole cannot exceed; the repeat says so (.bound).  The mean is weighted
 * by I/Os and always exact.
 */
#include <math.h>

#include "result/perf_json.h"

#define VMS_MOST 256
#define PERCENTILES 4

static const char *const percentile_keys[PERCENTILES] = { "50.000000", "95.000000", "99.000000", "99.900000" };

/* Latencies of one direction, or of several together. */
struct part { double n, mean, p[PERCENTILES]; unsigned parts; };

struct direction { double iops, bytes, ios, runtime_ms; struct part lat; };

struct vm { const char *name; json_int_t group; double iops; };

struct sum {
	struct direction read, write, mixed;
	unsigned entries, mixed_entries;
	double usr_ms, sys_ms, ctx;
	struct vm vm[VMS_MOST];
	unsigned names, groups;		/* distinct ones */
};

static void add_part(struct part *to, const struct part *p)
{
	double n = to->n + p->n;

	if (!(p->n > 0))
		return;
	to->mean = to->mean * (to->n / n) + p->mean * (p->n / n);
	to->n = n;
	to->parts += NVSR_MAX(p->parts, 1u);
	for (unsigned i = 0; i < PERCENTILES; i++)
		to->p[i] = NVSR_MAX(to->p[i], p->p[i]);
}

static int read_latency(const struct nvsr_perf_at *at, const json_t *o, struct part *ret)
{
	char parent[96];
	struct nvsr_perf_at in = *at;
	json_t *lat, *list;
	int rc = nvsr_perf_object(at, o, "lat_ns", &lat);

	snprintf(parent, sizeof(parent), "%slat_ns.", at->parent);
	in.parent = parent;
	if (rc || (rc = nvsr_perf_number(&in, lat, "N", &ret->n)) || (rc = nvsr_perf_number(&in, lat, "mean", &ret->mean)))
		return rc;
	list = json_object_get(lat, "percentile");
	if (!json_is_object(list))
		return nvsr_perf_complain(&in, "percentile", "an object (fio with lat_percentiles=1)");
	for (unsigned i = 0; i < PERCENTILES && !rc; i++)
		rc = nvsr_perf_number(&in, list, percentile_keys[i], &ret->p[i]);
	ret->parts = 1;
	return rc;
}

/* Add direction @key of job entry @job to @to. */
static int add_direction(const struct nvsr_perf_at *at, const json_t *job, const char *key, struct direction *to)
{
	char parent[64];
	struct nvsr_perf_at in = *at;
	struct direction d = { 0 };
	json_t *o;
	int rc = nvsr_perf_object(at, job, key, &o);

	snprintf(parent, sizeof(parent), "%s%s.", at->parent, key);
	in.parent = parent;
	if (rc || (rc = nvsr_perf_number(&in, o, "total_ios", &d.ios)) || (rc = nvsr_perf_number(&in, o, "iops", &d.iops)) ||
	    (rc = nvsr_perf_number(&in, o, "bw_bytes", &d.bytes)) || (rc = nvsr_perf_number(&in, o, "runtime", &d.runtime_ms)))
		return rc;
	if (d.ios > 0 && (rc = read_latency(&in, o, &d.lat)))
		return rc;
	to->iops += d.iops;
	to->bytes += d.bytes;
	to->ios += d.ios;
	to->runtime_ms = NVSR_MAX(to->runtime_ms, d.runtime_ms);
	add_part(&to->lat, &d.lat);
	return 0;
}

/* A VM is a reporting group of fio, or where there are no groups the jobs of one name. */
static void add_vm(struct sum *s, const json_t *job, double iops)
{
	const char *name = json_string_value(json_object_get(job, "jobname"));
	json_int_t group = json_integer_value(json_object_get(job, "groupid"));
	bool new_name = true, new_group = true;

	if (s->entries > VMS_MOST)
		return;
	for (unsigned i = 0; i + 1 < s->entries; i++) {
		new_name &= strcmp(s->vm[i].name, name ? name : "") != 0;
		new_group &= s->vm[i].group != group;
	}
	s->names += new_name;
	s->groups += new_group;
	s->vm[s->entries - 1] = (struct vm){ .name = name ? name : "", .group = group, .iops = iops };
}

/* fio ends with 0 and error 0 although I/Os failed, where it may continue on errors. */
static int check_errors(const struct nvsr_perf_at *at, const json_t *job)
{
	const json_t *total = json_object_get(job, "total_err"), *first = json_object_get(job, "first_error");
	uint64_t error = 0, errors = 0, first_error = 0;
	int rc = nvsr_perf_integer(at, job, "error", 0, INT32_MAX, &error);

	if (!rc && total)
		rc = nvsr_perf_integer(at, job, "total_err", 0, INT64_MAX, &errors);
	if (!rc && first)
		rc = nvsr_perf_integer(at, job, "first_error", 0, INT32_MAX, &first_error);
	if (rc || (!error && !errors))
		return rc;
	if (!error)
		error = first_error;
	snprintf(at->complaint, NVSR_PERF_COMPLAINT, "%s: field %s: fio says error %llu (%s), %llu failed I/Os", at->file,
		 errors ? "total_err" : "error", (unsigned long long)error, strerror((int)error), (unsigned long long)errors);
	return -EIO;
}

static int add_job(struct sum *s, const struct nvsr_perf_at *at, const json_t *job)
{
	double runtime, usr, sys, ctx, before = s->read.iops + s->write.iops;
	int rc = check_errors(at, job);

	if (rc || (rc = add_direction(at, job, "read", &s->read)) || (rc = add_direction(at, job, "write", &s->write)) ||
	    (rc = nvsr_perf_number(at, job, "job_runtime", &runtime)) || (rc = nvsr_perf_number(at, job, "usr_cpu", &usr)) ||
	    (rc = nvsr_perf_number(at, job, "sys_cpu", &sys)) || (rc = nvsr_perf_number(at, job, "ctx", &ctx)))
		return rc;
	if (json_object_get(job, "mixed")) {
		s->mixed_entries++;
		if ((rc = add_direction(at, job, "mixed", &s->mixed)))
			return rc;
	}
	s->entries++;
	s->usr_ms += usr / 100 * runtime;
	s->sys_ms += sys / 100 * runtime;
	s->ctx += ctx;
	add_vm(s, job, s->read.iops + s->write.iops - before);
	return 0;
}

/* Jain's index and worst to best, where the entries can be told apart as @vms VMs. */
static void put_fairness(const struct sum *s, unsigned vms, struct nvsr_perf_repeat *ret)
{
	bool by_group = s->groups == vms;
	double sum = 0, squares = 0, least = INFINITY, most = 0;

	if (vms < 2 || s->entries > VMS_MOST || (!by_group && s->names != vms))
		return;
	for (unsigned i = 0; i < s->entries; i++) {
		double one = 0;
		bool first = true;

		for (unsigned k = 0; k < s->entries; k++) {
			if (by_group ? s->vm[k].group != s->vm[i].group : strcmp(s->vm[k].name, s->vm[i].name) != 0)
				continue;
			first &= k >= i;
			one += s->vm[k].iops;
		}
		if (!first)
			continue;
		sum += one;
		squares += one * one;
		least = NVSR_MIN(least, one);
		most = NVSR_MAX(most, one);
	}
	if (squares > 0) {
		ret->value[NVSR_PERF_JAIN] = sum * sum / (vms * squares);
		ret->value[NVSR_PERF_WORST_BEST] = least / most;
		ret->slowest = least;
		ret->fastest = most;
	}
}

static void put_latency(const struct part *p, enum nvsr_perf_metric mean, double *value)
{
	if (!p->parts)
		return;
	value[mean] = p->mean;
	for (unsigned i = 0; i < PERCENTILES; i++)
		value[mean + 1 + i] = p->p[i];
}

static void put_values(const struct sum *s, unsigned vms, struct nvsr_perf_repeat *ret)
{
	double *v = ret->value, runtime_ms = NVSR_MAX(s->read.runtime_ms, s->write.runtime_ms);
	struct part whole = { 0 };

	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
		v[m] = NAN;
	if (s->mixed_entries == s->entries) {
		whole = s->mixed.lat;
	} else {
		add_part(&whole, &s->read.lat);
		add_part(&whole, &s->write.lat);
	}
	v[NVSR_PERF_IOPS] = s->read.iops + s->write.iops;
	v[NVSR_PERF_READ_IOPS] = s->read.iops;
	v[NVSR_PERF_WRITE_IOPS] = s->write.iops;
	v[NVSR_PERF_BANDWIDTH] = s->read.bytes + s->write.bytes;
	v[NVSR_PERF_IOS] = s->read.ios + s->write.ios;
	put_latency(&whole, NVSR_PERF_LAT_MEAN, v);
	put_latency(&s->read.lat, NVSR_PERF_READ_MEAN, v);
	put_latency(&s->write.lat, NVSR_PERF_WRITE_MEAN, v);
	if (runtime_ms > 0) {
		v[NVSR_PERF_FIO_USR] = s->usr_ms / runtime_ms;
		v[NVSR_PERF_FIO_SYS] = s->sys_ms / runtime_ms;
		v[NVSR_PERF_FIO_CTX] = s->ctx / runtime_ms * 1000;
	}
	put_fairness(s, vms, ret);
	ret->bound = whole.parts > 1;
}

static int read_jobs(const json_t *root, const char *where, unsigned vms, struct nvsr_perf_repeat *ret, char *complaint)
{
	struct nvsr_perf_at at = { .file = where, .parent = "", .complaint = complaint };
	const json_t *jobs = json_object_get(root, "jobs"), *job;
	struct sum *s;
	size_t i;
	int rc = 0;

	if (!json_is_array(jobs) || !json_array_size(jobs))
		return nvsr_perf_complain(&at, "jobs", "a list of jobs");
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	json_array_foreach(jobs, i, job) {
		char parent[32];

		snprintf(parent, sizeof(parent), "jobs[%zu].", i);
		at.parent = parent;
		if ((rc = add_job(s, &at, job)))
			break;
	}
	if (!rc && !(s->read.ios + s->write.ios > 0)) {
		snprintf(complaint, NVSR_PERF_COMPLAINT, "%s: field total_ios: no I/O was done, although fio reports no error", where);
		rc = -EIO;
	}
	if (!rc)
		put_values(s, vms, ret);
	free(s);
	return rc;
}

int nvsr_perf_fio_parse(const char *text, size_t len, const char *where, unsigned vms, struct nvsr_perf_repeat *ret,
			char *complaint)
{
	const char *start = memchr(text, '{', len);
	json_error_t error;
	json_t *root;
	int rc;

	if (!start) {
		snprintf(complaint, NVSR_PERF_COMPLAINT, "%s: no JSON in it: expected the output of fio --output-format=json", where);
		return -EINVAL;
	}
	root = json_loadb(start, len - (size_t)(start - text), JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
	if (!root) {
		snprintf(complaint, NVSR_PERF_COMPLAINT, "%s:%d:%d: not JSON: %s", where, error.line, error.column, error.text);
		return -EINVAL;
	}
	rc = read_jobs(root, where, vms, ret, complaint);
	json_decref(root);
	return rc;
}

/* --- R.host.json --------------------------------------------------------------------------------------------------------- */

/* What is per second of the window: where it stands, and which metric it becomes.  Absent members stay unmeasured. */
static const struct { const char *outer, *group, *key; enum nvsr_perf_metric metric; double per; } host_members[] = {
	{ NULL, "host", "busy_ns", NVSR_PERF_HOST_CORES, 1 },
	{ NULL, "host", "interrupts", NVSR_PERF_HOST_IRQ, 1e9 },
	{ NULL, "host", "context_switches", NVSR_PERF_HOST_CTX, 1e9 },
	{ "groups", "guest", "cpu_ns", NVSR_PERF_GUEST_CORES, 1 },
	{ "groups", "guest", "voluntary", NVSR_PERF_GUEST_SLEEPS, 1e9 },
	{ "groups", "guest", "involuntary", NVSR_PERF_GUEST_PREEMPTED, 1e9 },
	{ "groups", "device", "cpu_ns", NVSR_PERF_DEVICE_CORES, 1 },
	{ "groups", "backend", "cpu_ns", NVSR_PERF_BACKEND_CORES, 1 },
	{ "groups", "backend", "voluntary", NVSR_PERF_BACKEND_SLEEPS, 1e9 },
	{ "counters", "device", "interrupts", NVSR_PERF_DEVICE_IRQ, 1e9 },
	{ "counters", "device", "wakeups", NVSR_PERF_DEVICE_WAKEUPS, 1e9 },
	{ "counters", "backend", "kicks", NVSR_PERF_KICKS, 1e9 },
	{ "counters", "backend", "calls", NVSR_PERF_CALLS, 1e9 },
};

static int read_member(const struct nvsr_perf_at *at, const json_t *root, unsigned i, double window_ns, double *value)
{
	const json_t *outer = host_members[i].outer ? json_object_get(root, host_members[i].outer) : root;
	const json_t *group = json_object_get(outer, host_members[i].group);
	char parent[64];
	struct nvsr_perf_at in = *at;
	double n;
	int rc;

	if (!json_object_get(group, host_members[i].key))
		return 0;
	snprintf(parent, sizeof(parent), "%s%s%s.", host_members[i].outer ? host_members[i].outer : "",
		 host_members[i].outer ? "." : "", host_members[i].group);
	in.parent = parent;
	rc = nvsr_perf_number(&in, group, host_members[i].key, &n);
	if (!rc)
		value[host_members[i].metric] = n / window_ns * host_members[i].per;
	return rc;
}

static double or_zero(double v)
{
	return isfinite(v) ? v : 0;
}

void nvsr_perf_derive(double *v)
{
	static const struct { enum nvsr_perf_metric of, from; } per_io[] = {
		{ NVSR_PERF_IRQ_PER_IO, NVSR_PERF_DEVICE_IRQ }, { NVSR_PERF_KICKS_PER_IO, NVSR_PERF_KICKS },
		{ NVSR_PERF_CALLS_PER_IO, NVSR_PERF_CALLS }, { NVSR_PERF_SLEEPS_PER_IO, NVSR_PERF_GUEST_SLEEPS },
	};

	double ours = v[NVSR_PERF_GUEST_CORES] + or_zero(v[NVSR_PERF_BACKEND_CORES]);
	double host = v[NVSR_PERF_HOST_CORES] - or_zero(v[NVSR_PERF_DEVICE_CORES]);

	/* Clocks of processes are exact, /proc/stat counts ticks: a little less than nothing is nothing. */
	if (isfinite(ours) && isfinite(v[NVSR_PERF_HOST_CORES]))
		v[NVSR_PERF_OTHER_CORES] = fmax(host - ours, 0);
	if (isfinite(ours))
		v[NVSR_PERF_PATH_CORES] = ours;
	if (v[NVSR_PERF_PATH_CORES] > 0)
		v[NVSR_PERF_IOPS_PER_CORE] = v[NVSR_PERF_IOPS] / v[NVSR_PERF_PATH_CORES];
	/* Ticks may say less than what we know of. */
	if (isfinite(host) && isfinite(ours) && fmax(host, ours) > 0)
		v[NVSR_PERF_IOPS_PER_HOST_CORE] = v[NVSR_PERF_IOPS] / fmax(host, ours);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(per_io); i++)
		if (v[NVSR_PERF_IOPS] > 0)
			v[per_io[i].of] = v[per_io[i].from] / v[NVSR_PERF_IOPS];
}

int nvsr_perf_host_parse(const char *text, size_t len, const char *where, struct nvsr_perf_repeat *ret, char *complaint)
{
	struct nvsr_perf_at at = { .file = where, .parent = "", .complaint = complaint };
	json_error_t error;
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	uint64_t version, window_ns = 0;
	double overlap;
	int rc;

	if (!root) {
		snprintf(complaint, NVSR_PERF_COMPLAINT, "%s:%d:%d: not JSON: %s", where, error.line, error.column, error.text);
		return -EINVAL;
	}
	rc = nvsr_perf_integer(&at, root, "version", 1, 1, &version);
	if (!rc)
		rc = nvsr_perf_integer(&at, root, "window_ns", 1, INT64_MAX, &window_ns);
	if (!rc && json_object_get(root, "begin_ns"))
		rc = nvsr_perf_integer(&at, root, "begin_ns", 0, INT64_MAX - window_ns, &ret->begin);
	ret->end = ret->begin ? ret->begin + window_ns : 0;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(host_members) && !rc; i++)
		rc = read_member(&at, root, i, (double)window_ns, ret->value);
	if (!rc && json_object_get(root, "overlap") && !(rc = nvsr_perf_number(&at, root, "overlap", &overlap)))
		ret->value[NVSR_PERF_OVERLAP] = NVSR_MIN(overlap, 1);
	if (!rc)
		nvsr_perf_derive(ret->value);
	json_decref(root);
	return rc;
}
