// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What RocksDB's db_bench measured in each VM, from what it printed there: "=== vm 1", its output, "=== vm 2", …  An operation
 * is an I/O here, so that rates, latencies and fairness between VMs have the same columns as fio's.
 */
#include <ctype.h>
#include <math.h>

#include "base/text.h"
#include "result/perf_json.h"

#define LINE_MOST 512

static const struct database { const char *pattern, *benchmark; bool reads; } databases[] = {
	{ "bulkload", "fillrandom", false }, { "readwhilemerging", "readwhilemerging", true },
};

bool nvsr_perf_is_database(const char *pattern)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(databases); i++)
		if (!strcmp(databases[i].pattern, pattern))
			return true;
	return false;
}

const char *nvsr_perf_load_suffix(const char *pattern)
{
	return nvsr_perf_is_database(pattern) ? "db.txt" : "json";
}

/* What one VM said so far; n: lines that were found. */
struct vm { double ops, bytes, operations, mean, p50, p99, p999; unsigned results, percentiles; };
struct reader {
	const struct database *d;
	const char *where;
	unsigned line, vms, vm;		/* vm: the number of the one that is read, 0 before the first */
	char *complaint;
	struct vm now;
	double sum, squares, least, most, bytes, operations, weighted, p50, p99, p999;
};

static int complain(const struct reader *r, const char *field, const char *expected)
{
	struct nvsr_perf_at at = { .file = r->where, .line = r->line, .parent = "", .complaint = r->complaint };

	return nvsr_perf_complain(&at, field, expected);
}

/* A number that is finite and not negative, and what follows it; no hexadecimal, no "nan". */
static bool number(const char **p, double *ret)
{
	char *end;

	*p += strspn(*p, " ");
	if (!isdigit((unsigned char)**p) || ((*p)[0] == '0' && tolower((unsigned char)(*p)[1]) == 'x'))
		return false;
	*ret = strtod(*p, &end);
	*p = end;
	return isfinite(*ret) && *ret >= 0;
}

static bool number_of(const char **p, const char *unit, double *ret)
{
	if (!number(p, ret))
		return false;
	*p += strspn(*p, " ");
	if (strncmp(*p, unit, strlen(unit)) != 0)
		return false;
	*p += strlen(unit);
	return true;
}

/* "fillrandom   :  2.513 micros/op 397645 ops/sec 0.050 seconds 20000 operations;  157.8 MB/s"; without what it moved, no "MB/s". */
static int result_line(struct reader *r, const char *p)
{
	double seconds, mb;

	if (r->now.results++)
		return complain(r, r->d->benchmark, "one result");
	if (!number_of(&p, "micros/op", &r->now.mean) || !number_of(&p, "ops/sec", &r->now.ops) || !number_of(&p, "seconds", &seconds) ||
	    !number_of(&p, "operations;", &r->now.operations))
		return complain(r, r->d->benchmark, "micros/op, ops/sec, seconds and operations");
	if (!(r->now.ops > 0) || !(r->now.operations > 0)) {
		complain(r, r->d->benchmark, "operations: it did none");
		return -EIO;
	}
	r->now.bytes = number_of(&p, "MB/s", &mb) ? mb * (1 << 20) : NAN;
	return 0;
}

/* "Percentiles: P50: 0.53 P75: 0.79 P99: 2.85 P99.9: 22.00 P99.99: 4400.00", in µs. */
static int percentile_line(struct reader *r, const char *p)
{
	static const char *const keys[] = { "P50:", "P75:", "P99:", "P99.9:" };
	double v[NVSR_ARRAY_SIZE(keys)];

	if (r->now.percentiles++)
		return complain(r, "Percentiles", "one line of them");
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(keys); i++) {
		p += strspn(p, " ");
		if (strncmp(p, keys[i], strlen(keys[i])) != 0)
			return complain(r, "Percentiles", "P50, P75, P99 and P99.9");
		p += strlen(keys[i]);
		if (!number(&p, &v[i]))
			return complain(r, "Percentiles", "numbers");
	}
	r->now.p50 = v[0];
	r->now.p99 = v[2];
	r->now.p999 = v[3];
	return 0;
}

/* "Count: 20000 Average: 2.5137  StdDev: 130.13": of the operations themselves; micros/op is wall time. */
static int count_line(struct reader *r, const char *p)
{
	const char *average = strstr(p, "Average:");

	if (!average)
		return 0;
	average += strlen("Average:");
	return number(&average, &r->now.mean) ? 0 : complain(r, "Average", "a number");
}

static int end_vm(struct reader *r)
{
	const struct vm *v = &r->now;

	if (!r->vm)
		return 0;
	if (!v->results)
		return complain(r, r->d->benchmark, "a result in each VM, found none");
	if (!v->percentiles)
		return complain(r, "Percentiles", "a histogram in each VM, found none");
	r->sum += v->ops;
	r->squares += v->ops * v->ops;
	r->least = NVSR_MIN(r->least, v->ops);
	r->most = NVSR_MAX(r->most, v->ops);
	r->bytes += v->bytes;
	r->weighted += v->mean * v->operations;
	r->operations += v->operations;
	r->p50 = NVSR_MAX(r->p50, v->p50);
	r->p99 = NVSR_MAX(r->p99, v->p99);
	r->p999 = NVSR_MAX(r->p999, v->p999);
	return 0;
}

static int vm_line(struct reader *r, const char *line)
{
	char expected[32];
	int rc = end_vm(r);

	snprintf(expected, sizeof(expected), "=== vm %u", r->vm + 1);
	if (!rc && (r->vm == r->vms || strcmp(line, expected) != 0))
		rc = complain(r, "=== vm", "each VM once, in their order");
	r->vm++;
	r->now = (struct vm){ .bytes = NAN };
	return rc;
}

static int read_line(struct reader *r, const char *line)
{
	size_t name = strlen(r->d->benchmark);
	const char *after;

	if (!strncmp(line, "=== vm", 6))
		return vm_line(r, line);
	if (!strncmp(line, "Percentiles:", 12))
		return r->vm ? percentile_line(r, line + 12) : complain(r, "=== vm", "a VM first");
	if (!strncmp(line, "Count:", 6))
		return count_line(r, line);
	if (strncmp(line, r->d->benchmark, name) != 0)
		return 0;
	after = line + name + strspn(line + name, " ");
	if (*after != ':')
		return 0;
	return r->vm ? result_line(r, after + 1) : complain(r, "=== vm", "a VM first");
}

static void put_values(const struct reader *r, struct nvsr_perf_repeat *ret)
{
	double *v = ret->value;
	const struct { enum nvsr_perf_metric all, one; double v; } us[] = {
		{ NVSR_PERF_LAT_MEAN, r->d->reads ? NVSR_PERF_READ_MEAN : NVSR_PERF_WRITE_MEAN, r->weighted / r->operations },
		{ NVSR_PERF_LAT_P50, r->d->reads ? NVSR_PERF_READ_P50 : NVSR_PERF_WRITE_P50, r->p50 },
		{ NVSR_PERF_LAT_P99, r->d->reads ? NVSR_PERF_READ_P99 : NVSR_PERF_WRITE_P99, r->p99 },
		{ NVSR_PERF_LAT_P999, r->d->reads ? NVSR_PERF_READ_P999 : NVSR_PERF_WRITE_P999, r->p999 },
	};

	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
		v[m] = NAN;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(us); i++)
		v[us[i].all] = v[us[i].one] = us[i].v * 1000;
	v[NVSR_PERF_IOPS] = r->sum;
	v[NVSR_PERF_READ_IOPS] = r->d->reads ? r->sum : 0;
	v[NVSR_PERF_WRITE_IOPS] = r->d->reads ? 0 : r->sum;
	v[NVSR_PERF_BANDWIDTH] = r->bytes;
	v[NVSR_PERF_IOS] = r->operations;
	ret->bound = r->vms > 1;
	if (r->vms > 1) {
		v[NVSR_PERF_JAIN] = r->sum * r->sum / (r->vms * r->squares);
		v[NVSR_PERF_WORST_BEST] = r->least / r->most;
		ret->slowest = r->least;
		ret->fastest = r->most;
	}
}

int nvsr_perf_db_parse(const char *text, size_t len, const char *where, const char *pattern, unsigned vms, struct nvsr_perf_repeat *ret,
		       char *complaint)
{
	struct reader r = { .where = where, .vms = vms, .complaint = complaint, .least = INFINITY };
	char line[LINE_MOST];
	int rc = 0;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(databases); i++)
		if (!strcmp(databases[i].pattern, pattern))
			r.d = &databases[i];
	if (!r.d)
		return complain(&r, "pattern", "bulkload or readwhilemerging");
	for (const char *p = text, *end = text + len; p < end && !rc;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);

		r.line++;
		snprintf(line, sizeof(line), "%.*s", (int)NVSR_MIN(n, sizeof(line) - 1), p);
		rc = read_line(&r, line);
		p += n + 1;
	}
	if (!rc)
		rc = end_vm(&r);
	if (!rc && r.vm != vms)
		rc = complain(&r, "=== vm", "as many VMs as the cell has");
	if (!rc && (!isfinite(r.sum * r.sum * vms) || !isfinite(r.weighted) || !isfinite(r.operations)))
		rc = complain(&r, r.d->benchmark, "numbers of this world");
	if (!rc)
		put_values(&r, ret);
	return rc;
}
