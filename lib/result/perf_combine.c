// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs of several devices that were measured together, as if all their VMs had been one device's. */
#include <math.h>

#include "base/text.h"
#include "result/perf_json.h"

/* What a number of several devices is made of. */
enum rule {
	RULE_DERIVED,	/* of others: further below */
	RULE_SUM,
	RULE_MEAN,	/* of the one host, seen by each */
	RULE_WORST,	/* a percentile of several distributions: no more than the largest */
	RULE_BY_IOS, RULE_BY_READS, RULE_BY_WRITES,	/* mean, weighted */
};
static const enum rule rules[NVSR_PERF_METRIC_COUNT] = {
	[NVSR_PERF_IOPS] = RULE_SUM, [NVSR_PERF_READ_IOPS] = RULE_SUM, [NVSR_PERF_WRITE_IOPS] = RULE_SUM, [NVSR_PERF_BANDWIDTH] = RULE_SUM,
	[NVSR_PERF_IOS] = RULE_SUM,
	[NVSR_PERF_LAT_MEAN] = RULE_BY_IOS, [NVSR_PERF_READ_MEAN] = RULE_BY_READS, [NVSR_PERF_WRITE_MEAN] = RULE_BY_WRITES,
	[NVSR_PERF_LAT_P50] = RULE_WORST, [NVSR_PERF_LAT_P95] = RULE_WORST, [NVSR_PERF_LAT_P99] = RULE_WORST, [NVSR_PERF_LAT_P999] = RULE_WORST,
	[NVSR_PERF_READ_P50] = RULE_WORST, [NVSR_PERF_READ_P95] = RULE_WORST, [NVSR_PERF_READ_P99] = RULE_WORST,
	[NVSR_PERF_READ_P999] = RULE_WORST,
	[NVSR_PERF_WRITE_P50] = RULE_WORST, [NVSR_PERF_WRITE_P95] = RULE_WORST, [NVSR_PERF_WRITE_P99] = RULE_WORST,
	[NVSR_PERF_WRITE_P999] = RULE_WORST,
	[NVSR_PERF_HOST_CORES] = RULE_MEAN, [NVSR_PERF_HOST_IRQ] = RULE_MEAN, [NVSR_PERF_HOST_CTX] = RULE_MEAN,
	[NVSR_PERF_GUEST_CORES] = RULE_SUM, [NVSR_PERF_DEVICE_CORES] = RULE_SUM, [NVSR_PERF_BACKEND_CORES] = RULE_SUM,
	[NVSR_PERF_GUEST_SLEEPS] = RULE_SUM, [NVSR_PERF_GUEST_PREEMPTED] = RULE_SUM, [NVSR_PERF_BACKEND_SLEEPS] = RULE_SUM,
	[NVSR_PERF_DEVICE_IRQ] = RULE_SUM, [NVSR_PERF_DEVICE_WAKEUPS] = RULE_SUM, [NVSR_PERF_KICKS] = RULE_SUM, [NVSR_PERF_CALLS] = RULE_SUM,
	[NVSR_PERF_FIO_USR] = RULE_SUM, [NVSR_PERF_FIO_SYS] = RULE_SUM, [NVSR_PERF_FIO_CTX] = RULE_SUM,
};
static const enum nvsr_perf_metric weights[] = {
	[RULE_BY_IOS] = NVSR_PERF_IOS, [RULE_BY_READS] = NVSR_PERF_READ_IOPS, [RULE_BY_WRITES] = NVSR_PERF_WRITE_IOPS,
};

/* One cell of all runs, in one repeat. */
struct part { const struct nvsr_perf_repeat *r; unsigned vms; };

static double combine_one(const struct part *part, unsigned n, enum nvsr_perf_metric m)
{
	double sum = 0, all = 0, worst = NAN;

	for (unsigned i = 0; i < n; i++) {
		double v = part[i].r->value[m], weight = rules[m] >= RULE_BY_IOS ? part[i].r->value[weights[rules[m]]] : 1;

		worst = fmax(worst, v);
		if (weight > 0) {
			sum += v * weight;
			all += weight;
		}
	}
	return rules[m] == RULE_WORST ? worst : rules[m] == RULE_SUM ? sum : all > 0 ? sum / all : NAN;
}

/* From each device's index and sum there are its squares. */
static void put_fairness(const struct part *part, unsigned n, double *v)
{
	double sum = 0, squares = 0, least = INFINITY, most = 0;
	unsigned vms = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct nvsr_perf_repeat *r = part[i].r;
		double x = r->value[NVSR_PERF_IOPS];

		sum += x;
		squares += part[i].vms > 1 ? x * x / (part[i].vms * r->value[NVSR_PERF_JAIN]) : x * x;
		least = NVSR_MIN(least, part[i].vms > 1 ? r->slowest : x);
		most = NVSR_MAX(most, part[i].vms > 1 ? r->fastest : x);
		vms += part[i].vms;
	}
	v[NVSR_PERF_JAIN] = squares > 0 ? sum * sum / (vms * squares) : NAN;
	v[NVSR_PERF_WORST_BEST] = most > 0 ? least / most : NAN;
}

/* No more than that of the VMs of any one device, and than that of the windows in which devices were sampled. */
static double overlap(const struct part *part, unsigned n)
{
	uint64_t first = UINT64_MAX, last = 0, begin = 0, end = UINT64_MAX;
	double least = 1;

	for (unsigned i = 0; i < n; i++) {
		const struct nvsr_perf_repeat *r = part[i].r;

		if (!r->end)
			return NAN;
		first = NVSR_MIN(first, r->begin);
		begin = NVSR_MAX(begin, r->begin);
		end = NVSR_MIN(end, r->end);
		last = NVSR_MAX(last, r->end);
		least = fmin(least, r->value[NVSR_PERF_OVERLAP]);	/* NAN: of one VM */
	}
	return end > begin ? fmin(least, (double)(end - begin) / (double)(last - first)) : 0;
}

static void combine_values(const struct part *part, unsigned n, struct nvsr_perf_repeat *ret)
{
	double *v = ret->value;

	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
		v[m] = rules[m] == RULE_DERIVED ? NAN : combine_one(part, n, m);
	nvsr_perf_derive(v);
	put_fairness(part, n, v);
	v[NVSR_PERF_OVERLAP] = overlap(part, n);
	ret->bound = true;
	if (v[NVSR_PERF_OVERLAP] >= NVSR_PERF_LEAST_OVERLAP)
		return;
	ret->state = NVSR_PERF_FAIL;
	ret->reason = nvsr_asprintf("devices were not measured together: %.0f %% of the time that any was, less than %.0f %%",
				    isfinite(v[NVSR_PERF_OVERLAP]) ? v[NVSR_PERF_OVERLAP] * 100 : 0, NVSR_PERF_LEAST_OVERLAP * 100);
}

/* What one device did not do, all did not do together. */
static void combine_repeat(const struct nvsr_perf_run *const *run, unsigned n, size_t cell, unsigned number, struct nvsr_perf_repeat *ret)
{
	static const enum nvsr_perf_state gravest[] = { NVSR_PERF_FAIL, NVSR_PERF_MISSING, NVSR_PERF_SKIP };
	struct part part[NVSR_PERF_DEVICES_MOST];

	*ret = (struct nvsr_perf_repeat){ .state = NVSR_PERF_OK };
	for (unsigned g = 0; g < NVSR_ARRAY_SIZE(gravest); g++)
		for (unsigned i = 0; i < n; i++) {
			const struct nvsr_perf_repeat *r = &run[i]->cell[cell].repeat[number];

			part[i] = (struct part){ .r = r, .vms = run[i]->cell[cell].vms };
			if (r->state != gravest[g])
				continue;
			ret->state = r->state;
			if (r->reason)
				ret->reason = r->state == NVSR_PERF_SKIP ? strdup(r->reason) : nvsr_asprintf("%s: %s", run[i]->device, r->reason);
			return;
		}
	combine_values(part, n, ret);
}

/* --- runs ----------------------------------------------------------------------------------------------------------------------- */

static bool same_plan(const struct nvsr_perf_run *a, const struct nvsr_perf_run *b)
{
	bool same = a->cells == b->cells && a->repeats == b->repeats;

	for (size_t i = 0; same && i < a->cells; i++)
		same = !strcmp(a->cell[i].name, b->cell[i].name);
	return same;
}

/* "A, B"; what all have, once. */
static int join(char **to, const char *text)
{
	char *both;

	if (!text || (*to && !strcmp(*to, text)))
		return 0;
	both = *to ? nvsr_asprintf("%s, %s", *to, text) : strdup(text);
	free(*to);
	*to = both;
	return both ? 0 : -ENOMEM;
}

static int join_all(char **to, const struct nvsr_perf_run *const *run, unsigned n, size_t field)
{
	int rc = 0;

	for (unsigned i = 1; !rc && i < n; i++)
		rc = join(to, *(char *const *)((const char *)run[i] + field));
	return rc;
}

/* The gravest of each path. */
static int join_verify(struct nvsr_perf_run *to, const struct nvsr_perf_run *from)
{
	int rc = 0;

	for (unsigned k = 0; !rc && k < from->verifies; k++) {
		const struct nvsr_perf_verify *v = &from->verify[k];

		for (unsigned i = 0; !rc && i < to->verifies; i++) {
			struct nvsr_perf_verify *t = &to->verify[i];

			if (strcmp(t->path, v->path) || v->state != NVSR_PERF_FAIL || (t->state == NVSR_PERF_FAIL && (t->corrupt || !v->corrupt)))
				continue;
			t->state = v->state;
			t->corrupt = v->corrupt;
			free(t->reason);
			t->reason = nvsr_asprintf("%s: %s", from->device, v->reason ? v->reason : "");
			rc = t->reason ? 0 : -ENOMEM;
		}
	}
	return rc;
}

/* CPUs of each kind of processes, and how many there are of all. */
static int join_places(struct nvsr_perf_run *to, const struct nvsr_perf_run *from)
{
	bool apart = true;

	for (unsigned i = 0; i < to->places && i < from->places; i++) {
		struct nvsr_perf_place *t = &to->place[i];
		const struct nvsr_perf_place *f = &from->place[i];
		int *cpu = realloc(t->cpu, (t->n + f->n + 1) * sizeof(*cpu));

		if (!cpu)
			return -ENOMEM;
		t->cpu = cpu;
		for (unsigned k = 0, old = t->n; k < f->n; k++) {
			bool there = false;

			for (unsigned j = 0; j < old; j++)
				there |= cpu[j] == f->cpu[k];
			if (!there)
				cpu[t->n++] = f->cpu[k];
			apart &= !there;
		}
	}
	if (apart)
		to->cpus += from->cpus;
	return 0;
}

static int exit_code_of(const struct nvsr_perf_run *const *run, unsigned n)
{
	static const int gravest[] = { -1, 1, 3, 2, 0 };

	for (unsigned g = 0; g < NVSR_ARRAY_SIZE(gravest); g++)
		for (unsigned i = 0; i < n; i++)
			if (run[i]->exit_code == gravest[g])
				return gravest[g];
	return run[0]->exit_code;
}

int nvsr_perf_combine(struct nvsr_perf_run *const *run, unsigned n, char *complaint)
{
	const struct nvsr_perf_run *const *all = (const struct nvsr_perf_run *const *)run;
	static const size_t texts[] = {
		offsetof(struct nvsr_perf_run, model), offsetof(struct nvsr_perf_run, serial), offsetof(struct nvsr_perf_run, firmware),
		offsetof(struct nvsr_perf_run, profile),
	};
	struct nvsr_perf_run *to = run[0];
	char *device;
	int rc = 0;

	for (unsigned i = 1; i < n; i++)
		if (!same_plan(to, run[i])) {
			snprintf(complaint, NVSR_PERF_COMPLAINT, "%s and %s were not measured together: their cells differ", to->device, run[i]->device);
			return -EINVAL;
		}
	to->devices = n;
	for (size_t c = 0; c < to->cells; c++)
		to->cell[c].together = true;
	for (size_t c = 0; c < to->cells; c++)
		for (unsigned r = 0; r < to->repeats; r++) {
			struct nvsr_perf_repeat combined;

			combine_repeat(all, n, c, r, &combined);
			free(to->cell[c].repeat[r].reason);
			to->cell[c].repeat[r] = combined;
		}
	for (unsigned i = 1; !rc && i < n; i++) {
		for (size_t c = 0; c < to->cells; c++)
			to->cell[c].vms += run[i]->cell[c].vms;
		to->interrupted |= run[i]->interrupted;
		to->resumed |= run[i]->resumed;
		rc = join_verify(to, run[i]);
		if (!rc)
			rc = join_places(to, run[i]);
	}
	to->exit_code = exit_code_of(all, n);
	for (unsigned t = 0; !rc && t < NVSR_ARRAY_SIZE(texts); t++)
		rc = join_all((char **)((char *)to + texts[t]), all, n, texts[t]);
	/* Two devices of one name are two. */
	device = strdup(to->device ? to->device : "");
	for (unsigned i = 1; device && i < n; i++) {
		char *both = nvsr_asprintf("%s, %s", device, run[i]->device ? run[i]->device : "");

		free(device);
		device = both;
	}
	free(to->device);
	to->device = device;
	nvsr_perf_count(to);
	return rc || !device ? -ENOMEM : 0;
}
