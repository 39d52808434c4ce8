// SPDX-License-Identifier: GPL-2.0-or-later
/* Runs of several devices made one: numbers as they would be if one had had all VMs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "result/perf.h"

static int failed;
#define EXPECT(x) ((x) ? (void)0 : (void)(fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x), failed++))

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-9 * fabs(b) + 1e-12;
}

/* A run of one cell with one repeat on @device, with VMs that have these IOPS. */
static struct nvsr_perf_run *make(const char *device, const double *iops, unsigned vms)
{
	struct nvsr_perf_run *run = calloc(1, sizeof(*run));
	struct nvsr_perf_repeat *r = calloc(1, sizeof(*r));
	double sum = 0, squares = 0;

	if (!run || !r)
		exit(1);
	*r = (struct nvsr_perf_repeat){ .state = NVSR_PERF_OK, .begin = 1000, .end = 2000, .slowest = INFINITY };
	for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
		r->value[m] = NAN;
	for (unsigned i = 0; i < vms; i++) {
		sum += iops[i];
		squares += iops[i] * iops[i];
		r->slowest = NVSR_MIN(r->slowest, iops[i]);
		r->fastest = NVSR_MAX(r->fastest, iops[i]);
	}
	r->value[NVSR_PERF_IOPS] = r->value[NVSR_PERF_READ_IOPS] = r->value[NVSR_PERF_IOS] = sum;
	r->value[NVSR_PERF_WRITE_IOPS] = 0;
	r->value[NVSR_PERF_BANDWIDTH] = sum * 4096;
	if (vms > 1) {
		r->value[NVSR_PERF_JAIN] = sum * sum / (vms * squares);
		r->value[NVSR_PERF_WORST_BEST] = r->slowest / r->fastest;
		r->value[NVSR_PERF_OVERLAP] = 0.9;
	}
	run->device = strdup(device);
	run->serial = strdup(device);
	run->model = strdup("M");
	run->repeats = 1;
	run->cells = 1;
	run->cell = calloc(1, sizeof(*run->cell));
	if (!run->cell)
		exit(1);
	run->cell[0] = (struct nvsr_perf_cell){ .name = strdup("c"), .path = strdup("p"), .pattern = strdup("randread"), .block = 4096, .depth = 1,
						.jobs = 1, .vms = vms, .repeat = r };
	nvsr_perf_count(run);
	return run;
}

static void free_all(struct nvsr_perf_run **run, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		nvsr_perf_free(run[i]);
		free(run[i]);
	}
}

/* As one device with all their VMs has it. */
static void numbers_are_those_of_all(void)
{
	static const double iops[] = { 10, 20, 30, 60 };
	struct nvsr_perf_run *run[] = { make("a", iops, 2), make("b", iops + 2, 1), make("c", iops + 3, 1) }, *all = make("all", iops, 4);
	struct nvsr_perf_repeat *r = run[0]->cell[0].repeat;
	char complaint[512] = "";

	for (unsigned i = 0; i < 3; i++) {
		double *v = run[i]->cell[0].repeat->value;

		v[NVSR_PERF_HOST_CORES] = 6;
		v[NVSR_PERF_GUEST_CORES] = 1 + i;
		v[NVSR_PERF_LAT_MEAN] = v[NVSR_PERF_READ_MEAN] = 100 * (i + 1);
		v[NVSR_PERF_LAT_P99] = i == 1 ? 900 : 500;
	}
	EXPECT(!nvsr_perf_combine(run, 3, complaint) && r == run[0]->cell[0].repeat);
	EXPECT(run[0]->cell[0].vms == 4 && run[0]->cell[0].state == NVSR_PERF_OK && !strcmp(run[0]->device, "a, b, c") &&
	       !strcmp(run[0]->serial, "a, b, c") && !strcmp(run[0]->model, "M"));
	EXPECT(near(r->value[NVSR_PERF_IOPS], 120) && near(r->value[NVSR_PERF_BANDWIDTH], 120 * 4096));
	EXPECT(near(r->value[NVSR_PERF_JAIN], all->cell[0].repeat->value[NVSR_PERF_JAIN]) && near(r->value[NVSR_PERF_WORST_BEST], 10.0 / 60));
	EXPECT(near(r->value[NVSR_PERF_LAT_MEAN], (30 * 100 + 30 * 200 + 60 * 300) / 120.0) && near(r->value[NVSR_PERF_LAT_P99], 900) && r->bound);
	EXPECT(near(r->value[NVSR_PERF_READ_MEAN], r->value[NVSR_PERF_LAT_MEAN]) && isnan(r->value[NVSR_PERF_WRITE_MEAN]) &&
	       isnan(r->value[NVSR_PERF_DEVICE_CORES]));
	EXPECT(near(r->value[NVSR_PERF_HOST_CORES], 6) && near(r->value[NVSR_PERF_GUEST_CORES], 6) && near(r->value[NVSR_PERF_OTHER_CORES], 0) &&
	       near(r->value[NVSR_PERF_IOPS_PER_CORE], 20));
	EXPECT(near(r->value[NVSR_PERF_OVERLAP], 0.9));
	free_all(run, 3);
	free_all(&all, 1);
}

static void what_was_not_together_failed(void)
{
	static const struct { uint64_t begin, end; double overlap; enum nvsr_perf_state state; } cases[] = {
		{ 1000, 2000, 1, NVSR_PERF_OK }, { 1200, 2200, 800.0 / 1200, NVSR_PERF_OK }, { 1600, 2600, 0.25, NVSR_PERF_FAIL },
		{ 2000, 3000, 0, NVSR_PERF_FAIL }, { 3000, 4000, 0, NVSR_PERF_FAIL }, { 0, 0, NAN, NVSR_PERF_FAIL },
	};
	static const double iops[] = { 10 };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_perf_run *run[] = { make("a", iops, 1), make("b", iops, 1) };
		const struct nvsr_perf_repeat *r = run[0]->cell[0].repeat;
		char complaint[512] = "";

		run[1]->cell[0].repeat->begin = cases[i].begin;
		run[1]->cell[0].repeat->end = cases[i].end;
		EXPECT(!nvsr_perf_combine(run, 2, complaint));
		EXPECT(r->state == cases[i].state && run[0]->cell[0].state == cases[i].state);
		EXPECT(isnan(cases[i].overlap) ? isnan(r->value[NVSR_PERF_OVERLAP]) : near(r->value[NVSR_PERF_OVERLAP], cases[i].overlap));
		EXPECT(cases[i].state == NVSR_PERF_OK || (r->reason && strstr(r->reason, "not measured together")));
		free_all(run, 2);
	}
}

static void the_gravest_is_that_of_all(void)
{
	static const struct { enum nvsr_perf_state a, b, all; const char *reason; } cases[] = {
		{ NVSR_PERF_OK, NVSR_PERF_FAIL, NVSR_PERF_FAIL, "b: why" }, { NVSR_PERF_SKIP, NVSR_PERF_FAIL, NVSR_PERF_FAIL, "b: why" },
		{ NVSR_PERF_FAIL, NVSR_PERF_MISSING, NVSR_PERF_FAIL, "a: why" }, { NVSR_PERF_OK, NVSR_PERF_MISSING, NVSR_PERF_MISSING, NULL },
		{ NVSR_PERF_SKIP, NVSR_PERF_SKIP, NVSR_PERF_SKIP, "why" },
	};
	static const double iops[] = { 10 };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_perf_run *run[] = { make("a", iops, 1), make("b", iops, 1) };
		const enum nvsr_perf_state state[] = { cases[i].a, cases[i].b };
		const struct nvsr_perf_repeat *r = run[0]->cell[0].repeat;
		char complaint[512] = "";

		for (unsigned k = 0; k < 2; k++) {
			run[k]->cell[0].repeat->state = state[k];
			if (state[k] == NVSR_PERF_FAIL || state[k] == NVSR_PERF_SKIP)
				run[k]->cell[0].repeat->reason = strdup("why");
		}
		EXPECT(!nvsr_perf_combine(run, 2, complaint) && r->state == cases[i].all);
		EXPECT(cases[i].reason ? r->reason && !strcmp(r->reason, cases[i].reason) : !r->reason);
		free_all(run, 2);
	}
}

static void other_plans_are_told(void)
{
	static const double iops[] = { 10 };
	struct nvsr_perf_run *run[] = { make("a", iops, 1), make("b", iops, 1) };
	char complaint[512] = "";

	run[1]->cell[0].name[0] = 'd';
	EXPECT(nvsr_perf_combine(run, 2, complaint) == -EINVAL && strstr(complaint, "a and b were not measured together: their cells differ"));
	free_all(run, 2);
}

int main(void)
{
	numbers_are_those_of_all();
	what_was_not_together_failed();
	the_gravest_is_that_of_all();
	other_plans_are_told();
	if (!failed)
		puts("ok - runs of several devices");
	return failed != 0;
}
