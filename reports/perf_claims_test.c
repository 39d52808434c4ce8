// SPDX-License-Identifier: GPL-2.0-or-later
/* Every claim can hold, can fail to hold and can go unmeasured.  All numbers here are made up. */
#include <math.h>

#include "base/text.h"
#include "reports/perf_claims.h"
#include "reports/perf_view.h"

static unsigned failed;

/*
 * A cell, as "path depth jobs VMs kIOPS cores back-end-cores p95-µs worst-to-best repeat-2": kIOPS of its second repeat are 1.02 times
 * as many, or repeat-2 times; "path:pattern" where it is no random read; what is 0 or not given is not measured.
 */
struct spec { char path[40]; unsigned depth, jobs, vms; double kiops, cores, backend, p95_us, worst_best, second; };
#define CELLS_MOST 8

struct scenario {
	const char *id;
	enum nvsr_claim_verdict verdict;
	const char *says;
	const char *cells;
	unsigned shared;	/* 1: the back end is on the device's CPU; 2: the guest has one CPU */
	const char *table;	/* cells of a capability run as its journal has them; NULL: none stands with the run */
};

/* A row of the table: passthrough, virtio-ns, vhost-user-blk; "" is a cell that was not reached. */
#define WAY(row, way, answer) "{\"event\":\"cell\",\"row\":\"" row "\",\"way\":\"" way "\",\"answer\":\"" answer "\",\"text\":\"\"}\n"
#define ROW(row, a, b, c) WAY(row, "passthrough", a) WAY(row, "virtio-ns", b) WAY(row, "vhost-user-blk", c)
#define ERASED(how, s) "{\"event\":\"cell\",\"row\":\"security\",\"way\":\"virtio-ns\",\"answer\":\"yes\",\"text\":\"" how " in it\",\"numbers\":{\"erase_s\":" s "}}\n"

#define H NVSR_CLAIM_HOLDS
#define D NVSR_CLAIM_DIFFERS
#define N NVSR_CLAIM_NOT_MEASURED

static const struct scenario scenarios[] = {
	{ "fig-2a", H, "0.95", "bare-metal 1 1 1 100, passthrough 1 1 1 95", 0, NULL },
	{ "fig-2a", D, "0.8", "bare-metal 1 1 1 100, passthrough 1 1 1 100, bare-metal 4 1 1 100, passthrough 4 1 1 80", 0, NULL },
	{ "fig-2a", N, "no condition", "bare-metal 1 1 1 100, passthrough 2 1 1 95", 0, NULL },
	/* Noise says nothing, unless it is all on one side. */
	{ "fig-2a", N, "too noisy", "bare-metal 1 1 1 100, passthrough 1 1 1 95 0 0 0 0 0.5", 0, NULL },
	{ "fig-2a", D, "0.7", "bare-metal 1 1 1 100, passthrough 1 1 1 85 0 0 0 0 0.5, bare-metal 4 1 1 100, passthrough 4 1 1 80", 0, NULL },
	{ "fig-6-limit", N, "too noisy", "passthrough 64 1 1 100, virtio-ns 64 1 1 120 0 0 0 0 0.5", 0, NULL },
	{ "end-dp", N, "too noisy", "bare-metal 1 1 1 100, passthrough 4 1 1 95 0 0 0 0 0.5", 0, NULL },
	{ "fig-2b", H, "1.05", "bare-metal 1 1 1 100 1, passthrough 1 1 1 95 1.05", 0, NULL },
	{ "fig-2b", D, "1.5", "bare-metal 1 1 1 100 1, passthrough 1 1 1 95 1.5", 0, NULL },
	{ "fig-3-jobs", H, "1.00", "passthrough 1 1 1 1 0.5, passthrough 1 2 1 1 1, passthrough 1 4 1 1 2", 0, NULL },
	{ "fig-3-jobs", D, "R²", "passthrough 1 1 1 1 0.5, passthrough 1 2 1 1 2, passthrough 1 8 1 1 2.1", 0, NULL },
	{ "fig-3-jobs", D, "R²", "passthrough 1 1 1 1 2, passthrough 1 2 1 1 2, passthrough 1 8 1 1 2", 0, NULL },
	{ "fig-3-jobs", N, "three", "passthrough 1 1 1 1 0.5, passthrough 1 2 1 1 1", 0, NULL },
	{ "fig-3-jobs", N, "share 1 CPU", "passthrough 1 1 1 1 0.5, passthrough 1 2 1 1 1, passthrough 1 4 1 1 2", 2, NULL },
	{ "fig-3-jobs", N, "16 jobs share 8 CPUs", "passthrough 1 1 2 1 0.5, passthrough 1 4 2 1 2, passthrough 1 8 2 1 4", 0, NULL },
	{ "fig-3-depth", H, "1.10", "passthrough 1 1 1 1 1, passthrough 64 1 1 1 1.1", 0, NULL },
	{ "fig-3-depth", D, "3.00", "passthrough 1 1 1 1 1, passthrough 64 1 1 1 3", 0, NULL },
	{ "fig-4-scale", H, "at least", "passthrough-polled 1 1 1 100, passthrough-polled 1 2 1 190, passthrough-polled 1 4 1 300", 0, NULL },
	{ "fig-4-scale", D, "0.6", "passthrough-polled 1 1 1 100, passthrough-polled 1 2 1 120, bare-metal 1 2 1 900", 0, NULL },
	{ "fig-4-cpu", H, "2.00 cores more", "passthrough 1 1 1 1 1, passthrough-polled 1 1 1 1 3", 0, NULL },
	{ "fig-4-cpu", D, "no cores more", "passthrough 1 1 1 1 3, passthrough-polled 1 1 1 1 1", 0, NULL },
	{ "fig-5-low", H, "up to 8", "virtio-ns 4 1 1 100, virtio-qcow2 4 1 1 105", 0, NULL },
	{ "fig-5-low", D, "up to 8", "virtio-ns 4 1 1 100, virtio-qcow2 4 1 1 130", 0, NULL },
	{ "fig-5-deep", H, "1.30", "virtio-ns 64 1 1 100, virtio-qcow2 64 1 1 130", 0, NULL },
	{ "fig-5-deep", D, "0.8", "virtio-ns 64 1 1 100, virtio-qcow2 64 1 1 80", 0, NULL },
	{ "fig-5-deep", D, "1.90", "virtio-ns 64 1 1 100, virtio-qcow2 64 1 1 190", 0, NULL },
	{ "fig-6-wins", H, "0 of 1", "passthrough 16 1 1 100, virtio-ns 16 1 1 60, passthrough 1 1 1 10, virtio-ns 1 1 1 90", 0, NULL },
	{ "fig-6-wins", D, "1 of 1", "passthrough 16 1 1 100, virtio-ns 16 1 1 160", 0, NULL },
	{ "fig-6-cpu", H, "1.50 cores more", "passthrough 1 1 1 1 1, virtio-ns 1 1 1 1 2.5", 0, NULL },
	{ "fig-6-cpu", D, "0.1", "passthrough 1 1 1 1 1, virtio-ns 1 1 1 1 1.1", 0, NULL },
	{ "fig-6-cpu", N, "shares CPU 3", "passthrough 1 1 1 1 1, virtio-ns 1 1 1 1 2.5", 1, NULL },
	{ "fig-6-limit", H, "0.5", "passthrough 64 1 1 100, virtio-ns 64 1 1 50", 0, NULL },
	{ "fig-6-limit", D, "1.50", "passthrough 64 1 1 100, virtio-ns 64 1 1 150", 0, NULL },
	{ "fig-6-limit", N, "more than 32", "passthrough 32 1 1 100, virtio-ns 32 1 1 150", 0, NULL },
	{ "table-2", H, "1.02", "vhost-user-blk 1 32 1 100, vhost-scsi 1 32 1 102", 0, NULL },
	{ "table-2", D, "1.50", "vhost-user-blk 1 32 1 100, vhost-scsi 1 32 1 150", 0, NULL },
	{ "table-2", N, "32 jobs", "vhost-user-blk 1 1 1 100, vhost-scsi 1 1 1 150", 0, NULL },
	{ "fig-7-short", H, "1.10", "passthrough 4 1 1 100, vhost-user-blk 4 1 1 110", 0, NULL },
	{ "fig-7-short", D, "2.50", "passthrough 4 1 1 100, vhost-user-blk 4 1 1 250", 0, NULL },
	{ "fig-7-high", H, "1.20", "passthrough 64 1 1 100, vhost-user-blk 64 1 1 120", 0, NULL },
	{ "fig-7-high", D, "0.7", "passthrough 64 1 1 100, vhost-user-blk 64 1 1 70", 0, NULL },
	{ "fig-7-cpu", H, "1.10", "virtio-ns 1 1 1 1 1, vhost-user-blk 1 1 1 1 1.1", 0, NULL },
	{ "fig-7-cpu", D, "2.00", "virtio-ns 1 1 1 1 1, vhost-user-blk 1 1 1 1 2", 0, NULL },
	{ "fig-7-busy", H, "0.99", "vhost-user-blk 1 1 1 1 2 0.99", 0, NULL },
	{ "fig-7-busy", D, "0.4", "vhost-user-blk 1 1 1 1 2 0.99, vhost-user-blk 4 1 1 1 2 0.4", 0, NULL },
	{ "fig-7-busy", N, "unknown", "vhost-user-blk 1 1 1 1 2", 0, NULL },
	{ "fig-7-busy", N, "shares CPU 3", "vhost-user-blk 1 1 1 1 2 0.99", 1, NULL },
	{ "fig-8", H, "in all 1 lines", "passthrough 1 1 1 1 1 0 10, passthrough 4 1 1 1 1 0 12", 0, NULL },
	{ "fig-8", D, "in 1 of 1 lines, first of passthrough", "passthrough 1 1 1 1 1 0 10, passthrough 4 1 1 1 1 0 5", 0, NULL },
	{ "fig-9a", H, "1.80", "passthrough 1 1 1 100, passthrough 1 1 2 180", 0, NULL },
	{ "fig-9a", D, "0.5", "passthrough 1 1 1 100, passthrough 1 1 2 50", 0, NULL },
	{ "fig-9b", H, "2.00", "passthrough 1 1 1 100 1, passthrough 1 1 2 180 2", 0, NULL },
	{ "fig-9b", D, "0.5", "passthrough 1 1 1 100 1, passthrough 1 1 2 50 0.5", 0, NULL },
	{ "fig-10-spread", H, "0.7", "passthrough 1 1 2 1 1 0 0 0.9, vhost-user-blk 1 1 2 1 1 0 0 0.7", 0, NULL },
	{ "fig-10-spread", D, "0.9", "passthrough 1 1 2 1 1 0 0 0.5, vhost-user-blk 1 1 2 1 1 0 0 0.9", 0, NULL },
	/* Databases, where there are any, have the word. */
	{ "fig-10-spread", H, "RocksDB, the slowest VM has 0.3", "passthrough:bulkload 1 1 2 1 1 0 0 0.8, vhost-user-blk:bulkload 1 1 2 1 1 0 0 0.3, "
	  "passthrough 1 1 2 1 1 0 0 0.1, vhost-user-blk 1 1 2 1 1 0 0 0.9", 0, NULL },
	{ "fig-10-spread", D, "RocksDB, the slowest VM has 0.9", "passthrough:bulkload 1 1 2 1 1 0 0 0.8, vhost-user-blk:bulkload 1 1 2 1 1 0 0 0.9", 0, NULL },
	{ "fig-10-rocksdb", H, "1.80 times", "passthrough:bulkload 1 1 1 100, passthrough:bulkload 1 1 2 180", 0, NULL },
	{ "fig-10-rocksdb", D, "0.5", "passthrough:bulkload 1 1 1 100, passthrough:bulkload 1 1 2 180, passthrough:bulkload 1 1 4 90", 0, NULL },
	{ "fig-10-rocksdb", N, "two numbers of VMs", "passthrough 1 1 1 100, passthrough 1 1 2 180, passthrough:bulkload 1 1 1 100", 0, NULL },
	{ "fig-10-rocksdb", N, "too noisy", "passthrough:bulkload 1 1 1 100, passthrough:bulkload 1 1 2 95 0 0 0 0 0.5", 0, NULL },
	{ "end-dp", H, "0.95", "bare-metal 1 1 1 100, passthrough 4 1 1 95", 0, NULL },
	{ "end-dp", H, "depth 4, 1 job in each of 2 VMs", "bare-metal 1 1 1 100, passthrough 4 1 2 95", 0, NULL },
	{ "end-dp", D, "0.5", "bare-metal 1 1 1 100, passthrough 4 1 1 50", 0, NULL },
	{ "end-ns", H, "0.7", "bare-metal 128 1 1 100, virtio-ns 32 1 1 70", 0, NULL },
	{ "end-ns", D, "0.3", "bare-metal 128 1 1 100, virtio-ns 32 1 1 30, virtio-ns 64 1 1 90", 0, NULL },
	{ "end-vhost", H, "0.98", "bare-metal 1 1 1 100, vhost-user-blk 4 1 1 98", 0, NULL },
	{ "end-vhost", D, "0.5", "bare-metal 1 1 1 100, vhost-user-blk 4 1 1 50", 0, NULL },
	{ "table-1-vms", H, "passthrough no, virtio-ns yes, vhost-user-blk yes", NULL, 0, ROW("vms-per-disk", "no", "yes", "yes") },
	{ "table-1-vms", D, "passthrough yes", NULL, 0, ROW("vms-per-disk", "yes", "yes", "yes") },
	{ "table-1-vms-vf", H, "passthrough yes", NULL, 0, ROW("vms-per-disk", "yes", "yes", "yes") },
	{ "table-1-vms-vf", D, "passthrough no", NULL, 0, ROW("vms-per-disk", "no", "yes", "yes") },
	{ "table-1-elastic", H, "vhost-user-blk yes", NULL, 0, ROW("elastic", "no", "yes", "yes") },
	{ "table-1-elastic", D, "vhost-user-blk no", NULL, 0, ROW("elastic", "no", "yes", "no") },
	{ "table-1-migration", H, "passthrough no", NULL, 0, ROW("migration", "no", "yes", "yes") },
	{ "table-1-migration", D, "passthrough yes", NULL, 0, ROW("migration", "yes", "untested", "untested") },
	/* As far as it was tried it agrees: that is no whole row. */
	{ "table-1-migration", N, "passthrough no; not tried: virtio-ns, vhost-user-blk", NULL, 0, ROW("migration", "no", "untested", "untested") },
	{ "table-1-migration", N, "not tried: passthrough, virtio-ns, vhost-user-blk", NULL, 0, ROW("qos", "no", "yes", "yes") },
	{ "table-1-qos", H, "passthrough no", NULL, 0, ROW("qos", "no", "yes", "yes") },
	{ "table-1-qos", D, "virtio-ns no", NULL, 0, ROW("qos", "no", "no", "untested") },
	{ "table-1-security", H, "passthrough yes", NULL, 0, ROW("security", "yes", "yes", "yes") },
	{ "table-1-security", D, "vhost-user-blk no", NULL, 0, ROW("security", "yes", "yes", "no") },
	{ "table-1-cpu", H, "virtio-ns 2.00 of passthrough's cores, vhost-user-blk 3.00", "passthrough 1 1 1 1 1, virtio-ns 1 1 1 1 2, vhost-user-blk 1 1 1 1 3", 0, NULL },
	{ "table-1-cpu", H, "vhost-user-blk 3.00", "passthrough 1 1 1 1 1, vhost-user-blk 1 1 1 1 3", 0, NULL },
	{ "table-1-cpu", D, "virtio-ns 0.5", "passthrough 1 1 1 1 1, virtio-ns 1 1 1 1 0.5, vhost-user-blk 1 1 1 1 3", 0, NULL },
	{ "table-1-cpu", N, "shares CPU 3", "passthrough 1 1 1 1 1, virtio-ns 1 1 1 1 0.5", 1, NULL },
	{ "sec-2.4-crypto", H, "0.812 s of a namespace (virtio-ns)", NULL, 0, ERASED("Format NVM, cryptographic erase", "0.812") },
	{ "sec-2.4-crypto", D, "75.0 s", NULL, 0, ERASED("Format NVM, cryptographic erase", "75") },
	{ "sec-2.4-crypto", N, "no change of tenant by cryptographic erase", NULL, 0, ERASED("namespace deleted and made anew", "1") },
	{ "fabric-added", H, "more by 8.00 µs than virtio-ns", "virtio-ns 1 1 1 10 1 0 50, nvmeof-tcp 1 1 1 10 1 0 58", 0, NULL },
	{ "fabric-added", H, "less by 2.00 µs", "virtio-ns 1 1 1 10 1 0 50, nvmeof-tcp 1 1 1 10 1 0 48", 0, NULL },
	/* The partner's has the word. */
	{ "fabric-added", D, "over TCP by nvmeof-tcp-partner", "virtio-ns 1 1 1 10 1 0 50, nvmeof-tcp 1 1 1 10 1 0 58, nvmeof-tcp-partner 1 1 1 10 1 0 90", 0, NULL },
	{ "fabric-added", N, "one random 4 KiB command", "virtio-ns 4 1 1 10 1 0 50, nvmeof-tcp 4 1 1 10 1 0 58", 0, NULL },
	{ "fabric-queues", H, "4.00 times as many with 8 jobs as with 1 by nvmeof-tcp, 1.50", "nvmeof-tcp 1 1 1 10, nvmeof-tcp 1 8 1 40, iscsi 1 1 1 10, iscsi 1 8 1 15, "
	  "nvmeof-tcp 1 2 1 10, iscsi 1 2 1 20", 0, NULL },
	{ "fabric-queues", D, "1.50 times", "nvmeof-tcp 1 1 1 10, nvmeof-tcp 1 8 1 15, iscsi 1 1 1 10, iscsi 1 8 1 40", 0, NULL },
	{ "fabric-queues", N, "cannot be told apart", "nvmeof-tcp 1 1 1 10, nvmeof-tcp 1 8 1 40, iscsi 1 1 1 10, iscsi 1 8 1 40", 0, NULL },
	{ "fabric-queues", N, "two numbers of jobs", "nvmeof-tcp 1 1 1 10, nvmeof-tcp 1 8 1 40, iscsi 1 1 1 10", 0, NULL },
	{ "fabric-deep", H, "2.00 of iscsi", "nvmeof-tcp 64 1 1 40, iscsi 64 1 1 20", 0, NULL },
	{ "fabric-deep", D, "0.5", "nvmeof-tcp 64 1 1 40, iscsi 64 1 1 80", 0, NULL },
};

/* Judged by other parts of the project: no run of this matrix can. */
static const char *const elsewhere[] = { "table-1-maturity", "sec-4-answers" };

static const struct nvsr_claim *claim(const char *id)
{
	for (unsigned i = 0; i < nvsr_claim_count; i++)
		if (!strcmp(nvsr_claims[i].id, id))
			return &nvsr_claims[i];
	fprintf(stderr, "no claim %s\n", id);
	exit(1);
}

static unsigned read_cells(const char *text, struct spec ret[CELLS_MOST])
{
	unsigned n = 0;

	for (; text && n < CELLS_MOST; n++) {
		struct spec *s = &ret[n];

		*s = (struct spec){ .depth = 0 };
		text += strspn(text, ", ");
		if (sscanf(text, "%39s %u %u %u %lf %lf %lf %lf %lf %lf", s->path, &s->depth, &s->jobs, &s->vms, &s->kiops, &s->cores,
			   &s->backend, &s->p95_us, &s->worst_best, &s->second) < 5)
			exit(1);
		text = strchr(text, ',');
	}
	return n;
}

static void fill(struct nvsr_perf_cell *c, struct spec *s, struct nvsr_perf_repeat *repeat)
{
	const struct { enum nvsr_perf_metric m; double v; } values[] = {
		{ NVSR_PERF_IOPS, s->kiops * 1000 }, { NVSR_PERF_BANDWIDTH, s->kiops * 4096000 }, { NVSR_PERF_PATH_CORES, s->cores },
		{ NVSR_PERF_BACKEND_CORES, s->backend }, { NVSR_PERF_LAT_P95, s->p95_us * 1000 },
		{ NVSR_PERF_LAT_MEAN, s->p95_us * 1000 }, { NVSR_PERF_WORST_BEST, s->worst_best },
	};

	double second = s->second > 0 ? s->second : 1.02;
	char *pattern = strchr(s->path, ':');

	if (pattern)
		*pattern++ = '\0';
	*c = (struct nvsr_perf_cell){ .name = s->path, .path = s->path, .pattern = pattern ? pattern : (char *)"randread",
		.read_percent = 100, .block = 4096, .depth = s->depth, .jobs = s->jobs, .vms = s->vms, .repeat = repeat };
	for (unsigned r = 0; r < 2; r++) {
		repeat[r] = (struct nvsr_perf_repeat){ .state = NVSR_PERF_OK };
		for (unsigned m = 0; m < NVSR_PERF_METRIC_COUNT; m++)
			repeat[r].value[m] = NAN;
		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(values); i++)
			if (values[i].v > 0)
				repeat[r].value[values[i].m] = values[i].v * (r && values[i].m < NVSR_PERF_LAT_MEAN ? second : 1);
	}
}

static const char start[] = "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"cells\":["
#define CELLS(row) "{\"row\":\"" row "\",\"way\":\"passthrough\"},{\"row\":\"" row "\",\"way\":\"virtio-ns\"},{\"row\":\"" row "\",\"way\":\"vhost-user-blk\"}"
	CELLS("vms-per-disk") "," CELLS("elastic") "," CELLS("migration") "," CELLS("qos") "," CELLS("security") "]}\n";

static void read_table(const char *cells, struct nvsr_capability *ret)
{
	_cleanup_free_ char *text = nvsr_asprintf("%s%s", start, cells);
	char complaint[512] = "";

	if (text && !nvsr_capability_parse(text, strlen(text), "table", ret, complaint))
		return;
	fprintf(stderr, "%s\n", complaint);
	exit(1);
}

static void check(const struct scenario *s)
{
	static struct nvsr_perf_repeat repeat[CELLS_MOST][2];
	int guest[] = { 0, 1, 5, 6, 7, 8, 9, 10 }, device[] = { 3 }, apart[] = { 2 };
	struct nvsr_perf_place place[] = {
		{ (char *)"guest", guest, s->shared == 2 ? 1 : NVSR_ARRAY_SIZE(guest) }, { (char *)"device", device, 1 },
		{ (char *)"backend", s->shared == 1 ? device : apart, 1 },
	};
	struct nvsr_perf_cell cell[CELLS_MOST];
	struct nvsr_perf_run run = { .repeats = 2, .cell = cell, .place = place, .places = NVSR_ARRAY_SIZE(place) };
	struct nvsr_capability table = { 0 };
	struct nvsr_claim_result r;
	struct spec spec[CELLS_MOST];

	if (s->table) {
		read_table(s->table, &table);
		run.capability = &table;
	}
	run.cells = read_cells(s->cells, spec);
	for (size_t i = 0; i < run.cells; i++)
		fill(&cell[i], &spec[i], repeat[i]);
	nvsr_perf_count(&run);
	nvsr_claim_check(claim(s->id), &run, &r);
	nvsr_capability_free(&table);
	if (r.verdict == s->verdict && strstr(r.measured, s->says) && (r.verdict == N || r.cells || (s->table && r.row)))
		return;
	failed++;
	fprintf(stderr, "%s: %s, %u cells: %s; expected %s and \"%s\"\n", s->id, nvsr_claim_verdict_name(r.verdict), r.cells, r.measured,
		nvsr_claim_verdict_name(s->verdict), s->says);
}

static bool has_scenario(const char *id, enum nvsr_claim_verdict v)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(scenarios); i++)
		if (!strcmp(scenarios[i].id, id) && scenarios[i].verdict == v)
			return true;
	return false;
}

/* Without numbers nothing is said of anything, and the reason is told; each claim is tried both ways. */
static void check_all(void)
{
	struct nvsr_perf_run empty = { .repeats = 2 };

	for (unsigned i = 0; i < nvsr_claim_count; i++) {
		const char *id = nvsr_claims[i].id;
		struct nvsr_claim_result r;
		bool never = false;

		nvsr_claim_check(&nvsr_claims[i], &empty, &r);
		if (r.verdict != N || !*r.measured || r.cells) {
			failed++;
			fprintf(stderr, "%s without numbers: %s\n", id, r.measured);
		}
		for (unsigned k = 0; k < NVSR_ARRAY_SIZE(elsewhere); k++)
			never |= !strcmp(elsewhere[k], id);
		if (!never && (!has_scenario(id, H) || !has_scenario(id, D))) {
			failed++;
			fprintf(stderr, "%s is not tried both ways\n", id);
		}
	}
}

int main(void)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(scenarios); i++)
		check(&scenarios[i]);
	check_all();
	return failed ? 1 : 0;
}
