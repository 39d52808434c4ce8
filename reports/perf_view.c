// SPDX-License-Identifier: GPL-2.0-or-later
/* How a run is laid out for readers. */
#include <math.h>

#include "reports/perf_view.h"

#define NOISY_CORES 0.2		/* busy with something else */

#define BARE	"#1d1f23", "#e6e7ea"
#define DIRECT	"#0072b2", "#5ab4e5"
#define VIRTIO	"#c24e00", "#f08c4a"
#define QCOW2	"#a8326e", "#e889b6"
#define VHOST	"#00795a", "#3cc29a"
#define VMM	"#5f6b7a", "#9aa4b2"
#define NVMEOF	"#8a7400", "#d9c14a"
#define ISCSI	"#7556b8", "#b09cf0"

const struct nvsr_perf_path nvsr_perf_path_table[] = {
	{ "bare-metal", "interrupt-driven queue pair of the physical function", NULL, NULL, NULL, BARE, 5, NVSR_DASH_SOLID, false },
	{ "bare-metal-polled", "polled queue pair of the physical function", NULL, NULL, NULL, BARE, 4, NVSR_DASH_LONG, false },
	{ "passthrough", "interrupt-driven queue pair of a virtual function", "bare-metal", "passthrough", NULL, DIRECT, 7, NVSR_DASH_SOLID, false },
	{ "passthrough-polled", "polled queue pair of a virtual function", "bare-metal-polled", "passthrough", NULL, DIRECT, 6, NVSR_DASH_LONG, false },
	{ "virtio-ns", "virtqueue, kick, I/O thread, namespace, interrupt", "bare-metal", "virtio-ns", NULL, VIRTIO, 9, NVSR_DASH_SOLID, false },
	{ "virtio-ns-writethrough", "the same, each write on the medium before it is done", "bare-metal", "virtio-ns", NULL, VIRTIO, 8, NVSR_DASH_DOTS, false },
	{ "virtio-ns-uring", "the same by io_uring", "bare-metal", "virtio-ns", NULL, VIRTIO, 10, NVSR_DASH_LONG, false },
	{ "virtio-qcow2", "virtio over a qcow2 image", "bare-metal", "virtio-ns", NULL, QCOW2, 13, NVSR_DASH_SOLID, false },
	{ "virtio-qcow2-writethrough", "the same, each write on the medium before it is done", "bare-metal", "virtio-ns", NULL, QCOW2, 12, NVSR_DASH_DOTS, false },
	{ "virtio-qcow2-uring", "the same by io_uring", "bare-metal", "virtio-ns", NULL, QCOW2, 14, NVSR_DASH_LONG, false },
	{ "vhost-user-blk", "virtqueue polled by a process of its own", "bare-metal", "vhost-user-blk", NULL, VHOST, 11, NVSR_DASH_SOLID, false },
	{ "vhost-user-blk-nvme", "the same, whose process drives the function itself", "bare-metal", "vhost-user-blk", NULL, VHOST, 10, NVSR_DASH_LONG, false },
	{ "vhost-user-socket", "the same by somebody else's process", "bare-metal", "vhost-user-blk", NULL, VHOST, 6, NVSR_DASH_DOTS, false },
	{ "vhost-scsi", "the kernel's SCSI target", "bare-metal", NULL, NULL, VHOST, 8, NVSR_DASH_BOTH, true },
	{ "emulated-nvme", "the VMM's own NVMe device", "bare-metal", NULL, NULL, VMM, 13, NVSR_DASH_SOLID, false },
	{ "nvmeof-tcp", "NVMe over TCP", "bare-metal", NULL, "virtio-ns", NVMEOF, 15, NVSR_DASH_SOLID, true },
	{ "nvmeof-tcp-partner", "the same from a partner host", "bare-metal", NULL, "virtio-ns", NVMEOF, 14, NVSR_DASH_LONG, true },
	{ "iscsi", "iSCSI", "bare-metal", NULL, "virtio-ns", ISCSI, 5, NVSR_DASH_SOLID, true },
	{ "iscsi-partner", "the same from a partner host", "bare-metal", NULL, "virtio-ns", ISCSI, 4, NVSR_DASH_LONG, true },
};
const unsigned nvsr_perf_path_count = NVSR_ARRAY_SIZE(nvsr_perf_path_table);
_Static_assert(NVSR_ARRAY_SIZE(nvsr_perf_path_table) <= NVSR_PERF_PATHS_MOST, "more paths than tables have room for");

const char *nvsr_perf_dash_text(enum nvsr_perf_dash d)
{
	static const char *const texts[NVSR_DASH_COUNT] = {
		[NVSR_DASH_SOLID] = "", [NVSR_DASH_LONG] = "8,4", [NVSR_DASH_DOTS] = "2,3", [NVSR_DASH_BOTH] = "9,3,2,3",
	};

	return texts[d];
}

const struct nvsr_perf_path *nvsr_perf_path_of(const char *name)
{
	static const struct nvsr_perf_path other = { "", "", "bare-metal", NULL, NULL, "#777777", "#999999", 3, NVSR_DASH_DOTS, false };

	for (unsigned i = 0; i < nvsr_perf_path_count; i++)
		if (!strcmp(nvsr_perf_path_table[i].name, name))
			return &nvsr_perf_path_table[i];
	return &other;
}

static bool has_path(const struct nvsr_perf_run *run, const char *name, bool measured)
{
	for (size_t i = 0; i < run->cells; i++)
		if ((!measured || run->cell[i].ok) && !strcmp(run->cell[i].path, name))
			return true;
	return false;
}

unsigned nvsr_perf_paths(const struct nvsr_perf_run *run, bool measured, const char *ret[NVSR_PERF_PATHS_MOST])
{
	unsigned n = 0;

	for (unsigned i = 0; i < nvsr_perf_path_count && n < NVSR_PERF_PATHS_MOST; i++)
		if (has_path(run, nvsr_perf_path_table[i].name, measured))
			ret[n++] = nvsr_perf_path_table[i].name;
	for (size_t i = 0; i < run->cells && n < NVSR_PERF_PATHS_MOST; i++) {
		const char *name = run->cell[i].path;
		unsigned k = 0;

		if (*nvsr_perf_path_of(name)->name || (measured && !run->cell[i].ok))
			continue;
		while (k < n && strcmp(ret[k], name))
			k++;
		if (k == n)
			ret[n++] = name;
	}
	return n;
}

bool nvsr_perf_same_workload(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b)
{
	return !strcmp(a->pattern, b->pattern) && a->read_percent == b->read_percent && a->block == b->block;
}

unsigned nvsr_perf_workloads(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *ret[NVSR_PERF_WORKLOADS_MOST])
{
	unsigned n = 0;

	for (size_t i = 0; i < run->cells && n < NVSR_PERF_WORKLOADS_MOST; i++) {
		unsigned k = 0;

		while (k < n && !nvsr_perf_same_workload(ret[k], &run->cell[i]))
			k++;
		if (k == n)
			ret[n++] = &run->cell[i];
	}
	return n;
}

bool nvsr_perf_first_of_pattern(const struct nvsr_perf_cell *const *workload, unsigned w)
{
	for (unsigned i = 0; i < w; i++)
		if (!strcmp(workload[i]->pattern, workload[w]->pattern) && workload[i]->read_percent == workload[w]->read_percent)
			return false;
	return true;
}

void nvsr_perf_workload_text(const struct nvsr_perf_cell *c, char ret[96])
{
	static const struct { const char *name, *text; } patterns[] = {
		{ "randread", "random read" }, { "randwrite", "random write" }, { "read", "sequential read" },
		{ "write", "sequential write" }, { "randrw", "random read and write" }, { "rw", "sequential read and write" },
		{ "readwrite", "sequential read and write" }, { "bulkload", "RocksDB bulkload" },
		{ "readwhilemerging", "RocksDB readwhilemerging" },
	};
	const char *text = c->pattern;
	size_t letters = strcspn(c->pattern, "0123456789");
	char block[24], mix[24] = "";

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(patterns); i++)
		if (strlen(patterns[i].name) == letters && !strncmp(patterns[i].name, c->pattern, letters))
			text = patterns[i].text;
	if (c->read_percent && c->read_percent < 100)
		snprintf(mix, sizeof(mix), " %u:%u", c->read_percent, 100 - c->read_percent);
	nvsr_perf_block_text(c->block, block);
	snprintf(ret, 96, "%.50s%s, %s", text, mix, block);
}

uint64_t nvsr_perf_axis(const struct nvsr_perf_cell *c, enum nvsr_perf_axis a)
{
	const uint64_t value[] = {
		[NVSR_AXIS_DEPTH] = c->depth, [NVSR_AXIS_JOBS] = c->jobs, [NVSR_AXIS_VMS] = c->vms, [NVSR_AXIS_BLOCK] = c->block,
	};

	return value[a];
}

bool nvsr_perf_same_but(const struct nvsr_perf_cell *a, const struct nvsr_perf_cell *b, enum nvsr_perf_axis but)
{
	if (strcmp(a->pattern, b->pattern) || a->read_percent != b->read_percent)
		return false;
	for (unsigned x = 0; x < NVSR_AXIS_COUNT; x++)
		if (x != but && nvsr_perf_axis(a, (enum nvsr_perf_axis)x) != nvsr_perf_axis(b, (enum nvsr_perf_axis)x))
			return false;
	return true;
}

void nvsr_perf_add_value(uint64_t *values, unsigned *n, uint64_t v)
{
	unsigned at = 0;

	while (at < *n && values[at] < v)
		at++;
	if ((at < *n && values[at] == v) || *n == NVSR_PERF_VALUES_MOST)
		return;
	memmove(values + at + 1, values + at, (*n - at) * sizeof(*values));
	values[at] = v;
	(*n)++;
}

void nvsr_perf_thin(uint64_t *values, unsigned *n, unsigned most)
{
	if (*n <= most || most < 2)
		return;
	for (unsigned i = 0; i < most; i++)
		values[i] = values[(i * (*n - 1) + (most - 1) / 2) / (most - 1)];
	*n = most;
}

bool nvsr_perf_grid_find(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload, unsigned most, struct nvsr_perf_grid *ret)
{
	struct nvsr_perf_grid g = { .run = run };

	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		if (c->ok && nvsr_perf_same_workload(c, workload) &&
		    (!g.like || c->vms < g.like->vms || (c->vms == g.like->vms && c->jobs < g.like->jobs)))
			g.like = c;
	}
	for (size_t i = 0; i < run->cells && g.like; i++)
		if (run->cell[i].ok && nvsr_perf_same_but(&run->cell[i], g.like, NVSR_AXIS_DEPTH))
			nvsr_perf_add_value(g.depth, &g.depths, run->cell[i].depth);
	g.thinned = g.depths > most ? g.depths - most : 0;
	nvsr_perf_thin(g.depth, &g.depths, most);
	*ret = g;
	return g.like;
}

const struct nvsr_perf_cell *nvsr_perf_grid_cell(const struct nvsr_perf_grid *g, const char *path, unsigned column)
{
	struct nvsr_perf_cell like = *g->like;

	like.depth = (unsigned)g->depth[column];
	return path ? nvsr_perf_find(g->run, path, &like) : NULL;
}

void nvsr_perf_block_text(uint64_t bytes, char ret[24])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB" };
	unsigned u = 0;

	while (u + 1 < NVSR_ARRAY_SIZE(units) && bytes >= 1024 && bytes % 1024 == 0) {
		bytes /= 1024;
		u++;
	}
	snprintf(ret, 24, "%llu %s", (unsigned long long)bytes, units[u]);
}

void nvsr_perf_digits(double v, char ret[24])
{
	int decimals = v >= 99.95 ? 0 : v >= 9.995 ? 1 : v >= 0.9995 ? 2 : v >= 0.00995 ? 3 : 4;

	if (!isfinite(v))
		snprintf(ret, 24, "-");
	else if (v > 0 && v < 0.0005)
		snprintf(ret, 24, "%.0e", v);
	else if (v >= 1e9)
		snprintf(ret, 24, "%.3g", v);
	else
		snprintf(ret, 24, "%.*f", v == 0 ? 0 : decimals, v);
}

double nvsr_perf_half_range(const struct nvsr_spread *s)
{
	return s->n && s->median > 0 ? (s->max - s->min) / 2 / s->median * 100 : NAN;
}

void nvsr_perf_noise_text(const struct nvsr_perf_run *run, char ret[160])
{
	unsigned measured = 0, varied = 0, busy = 0;

	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		measured += c->ok > 0;
		varied += nvsr_perf_half_range(&c->stat[NVSR_PERF_IOPS]) > NVSR_PERF_NOISY;
		busy += c->stat[NVSR_PERF_OTHER_CORES].median > NOISY_CORES && !nvsr_perf_path_of(c->path)->kernel;
	}
	ret[0] = '\0';
	if (varied || busy)
		snprintf(ret, 160, "noisy: of %u cells %u vary by more than ±%d %%, during %u the host was busy with something else",
			 measured, varied, NVSR_PERF_NOISY, busy);
}

const char *nvsr_perf_elsewhere(const struct nvsr_perf_run *run, const char *path)
{
	for (unsigned i = 0; i < run->verifies; i++)
		if (run->verify[i].state == NVSR_PERF_OK && run->verify[i].reason && !strcmp(run->verify[i].path, path))
			return run->verify[i].reason;
	return NULL;
}
