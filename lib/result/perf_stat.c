// SPDX-License-Identifier: GPL-2.0-or-later
/* Medians with their spread, and ratios of paired repeats. */
#include <math.h>

#include "result/perf.h"

const struct nvsr_perf_metric_info nvsr_perf_metrics[NVSR_PERF_METRIC_COUNT] = {
#define X(id, column, unit, better, text) [NVSR_PERF_##id] = { column, unit, better, text },
	NVSR_PERF_METRICS(X)
#undef X
};

const char *nvsr_perf_state_name(enum nvsr_perf_state s)
{
	static const char *const names[] = {
		[NVSR_PERF_MISSING] = "missing", [NVSR_PERF_OK] = "ok", [NVSR_PERF_FAIL] = "fail", [NVSR_PERF_SKIP] = "skip",
	};

	return names[s];
}

struct nvsr_spread nvsr_spread_of(const double *value, unsigned n)
{
	struct nvsr_spread s = { .median = NAN, .min = NAN, .max = NAN };
	unsigned order[NVSR_PERF_REPEATS_MOST];

	/* Insertion: a handful of repeats. */
	for (unsigned i = 0; i < n && s.n < NVSR_PERF_REPEATS_MOST; i++) {
		unsigned k = s.n;

		if (!isfinite(value[i]))
			continue;
		for (; k && value[order[k - 1]] > value[i]; k--)
			order[k] = order[k - 1];
		order[k] = i;
		s.n++;
	}
	if (!s.n)
		return s;
	s.min = value[order[0]];
	s.max = value[order[s.n - 1]];
	s.at = order[(s.n - 1) / 2];
	s.median = s.n % 2 ? value[s.at] : value[s.at] / 2 + value[order[s.n / 2]] / 2;
	return s;
}

static void count_cell(struct nvsr_perf_cell *c, unsigned repeats)
{
	double value[NVSR_PERF_REPEATS_MOST] = { 0 };
	unsigned n[NVSR_PERF_SKIP + 1] = { 0 };

	c->reason = NULL;
	c->bound = false;
	for (unsigned r = 0; r < repeats; r++) {
		n[c->repeat[r].state]++;
		c->bound |= c->repeat[r].state == NVSR_PERF_OK && c->repeat[r].bound;
		if (!c->reason && c->repeat[r].state != NVSR_PERF_OK)
			c->reason = c->repeat[r].reason;
	}
	c->ok = n[NVSR_PERF_OK];
	c->state = n[NVSR_PERF_FAIL] ? NVSR_PERF_FAIL : n[NVSR_PERF_SKIP] && !c->ok ? NVSR_PERF_SKIP :
		   n[NVSR_PERF_MISSING] ? NVSR_PERF_MISSING : NVSR_PERF_OK;
	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++) {
		for (unsigned r = 0; r < repeats && r < NVSR_PERF_REPEATS_MOST; r++)
			value[r] = c->repeat[r].state == NVSR_PERF_OK ? c->repeat[r].value[m] : NAN;
		c->stat[m] = nvsr_spread_of(value, NVSR_MIN(repeats, NVSR_PERF_REPEATS_MOST));
	}
}

void nvsr_perf_count(struct nvsr_perf_run *run)
{
	memset(run->total, 0, sizeof(run->total));
	for (size_t i = 0; i < run->cells; i++) {
		count_cell(&run->cell[i], run->repeats);
		run->total[run->cell[i].state]++;
	}
}

bool nvsr_perf_same_condition(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b)
{
	return !strcmp(a->pattern, b->pattern) && a->read_percent == b->read_percent && a->block == b->block &&
	       a->depth == b->depth && a->jobs == b->jobs && a->vms == b->vms;
}

const struct nvsr_perf_cell *nvsr_perf_find(const struct nvsr_perf_run *run, const char *path, const struct nvsr_perf_cell *like)
{
	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		if (c->ok && !strcmp(c->path, path) && nvsr_perf_same_condition(c, like))
			return c;
	}
	return NULL;
}

static double quotient(double a, double b)
{
	return b > 0 ? a / b : NAN;
}

static double difference(double a, double b)
{
	return a - b;
}

static struct nvsr_spread paired(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b, enum nvsr_perf_metric m, unsigned repeats,
				 double (*of)(double a, double b))
{
	double value[NVSR_PERF_REPEATS_MOST] = { 0 };

	repeats = NVSR_MIN(repeats, NVSR_PERF_REPEATS_MOST);
	for (unsigned r = 0; r < repeats; r++) {
		bool both = a && b && a->repeat[r].state == NVSR_PERF_OK && b->repeat[r].state == NVSR_PERF_OK;

		value[r] = both ? of(a->repeat[r].value[m], b->repeat[r].value[m]) : NAN;
	}
	return nvsr_spread_of(value, repeats);
}

struct nvsr_spread nvsr_perf_ratio(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b, enum nvsr_perf_metric m,
				   unsigned repeats)
{
	return paired(a, b, m, repeats, quotient);
}

struct nvsr_spread nvsr_perf_difference(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b, enum nvsr_perf_metric m,
					unsigned repeats)
{
	return paired(a, b, m, repeats, difference);
}

int nvsr_perf_exit_code(const struct nvsr_perf_run *run)
{
	for (unsigned i = 0; i < run->verifies; i++)
		if (run->verify[i].corrupt)
			return 1;
	if (run->interrupted || run->exit_code < 0 || run->total[NVSR_PERF_FAIL] || run->total[NVSR_PERF_MISSING])
		return 3;
	return run->total[NVSR_PERF_OK] ? 0 : 77;
}
