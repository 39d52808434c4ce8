// SPDX-License-Identifier: GPL-2.0-or-later
/* Matrices: the cells that a good file gives, and what each kind of bad file is told. */
#include <glob.h>

#include "base/text.h"
#include "profile/matrix.h"

static unsigned failed;

static const char *put(const char *text)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/nvsr-matrix-%d.yaml", (int)getpid());
	if (nvsr_write_file(path, text, strlen(text))) {
		printf("not ok: cannot write %s\n", path);
		exit(1);
	}
	return path;
}

static void expect(bool held, const char *what, const char *seen)
{
	if (!held) {
		printf("not ok: %s: %s\n", what, seen);
		failed++;
	}
}

#define HEAD "version: 1\ntitle: x\nrepeats: 3\nwarm-up-ms: 100\nrun-ms: 200\n"
#define READS "patterns: [ { pattern: randread } ]\n"
#define GOOD HEAD "paths: [ passthrough ]\n" READS "block-sizes: [ 4K ]\ndepths: [ 1 ]\n"

static void bad_matrices_are_named_by_place_and_field(void)
{
	static const struct { const char *text, *complaint; } cases[] = {
		{ "", "the file is empty, expected a matrix" },
		{ "title: x\n", ":1:1: version: expected 1, found 'nothing'" },
		{ "version: 2\ntitle: x\n", ":1:1: version: expected 1, found '2'" },
		{ "version: 1\n", ": title: expected a line that says what is measured" },
		{ "version: 1\ntitle: x\n", ": repeats: expected a number, found nothing" },
		{ "version: 1\ntitle: x\nrepeats: 2\n", ":3:10: repeats: expected 3 to 1000, found 2" },
		{ "version: 1\ntitle: x\nrepeats: 3K\n", ":3:10: repeats: expected a whole number, found '3K'" },
		{ "version: 1\ntitle: x\nrepeats: 3\nwarm-up-ms: -1\n", ":4:13: warm-up-ms: expected a whole number, found '-1'" },
		{ "version: 1\ntitle: x\nrepeats: 3\nwarm-up-ms: 0\nrun-ms: 1\n", ":5:9: run-ms: expected 100 to 3600000, found 1" },
		{ HEAD "namespace-bytes: 1M\n", ":6:18: namespace-bytes: expected 16m to 1t, found 1M" },
		{ HEAD "namespace-bytes: 20000000\n", ":6:18: namespace-bytes: expected whole MiB, found 20000000" },
		{ HEAD "path: [ passthrough ]\n", ":6:1: path: no such field, see runners/perf/README.md" },
		{ HEAD, ":1:1: paths: expected a list, found nothing" },
		{ HEAD "paths: [ passthrough, virtio ]\n", ":6:23: paths: no path is called 'virtio', expected one of bare-metal, " },
		{ HEAD "paths: [ virtio ]\n", ", iscsi, iscsi-partner" },	/* all of them */
		{ HEAD "paths:\n  # iscsi2 is not there\n  - iscsi\n  - iscsi2\n", ":9:5: paths: no path is called 'iscsi2'" },
		{ HEAD "paths: passthrough\n", ":6:8: paths: " },
		{ HEAD "paths: [ passthrough ]\n", "patterns: expected a list of { pattern: … }, found nothing" },
		{ HEAD "paths: [ passthrough ]\npatterns: [ { pattern: rndread } ]\n", ":7:24: patterns: entry 1: pattern: expected read" },
		{ HEAD "paths: [ passthrough ]\npatterns: [ { pattern: read, read-percent: 70 } ]\n",
		  ":7:44: patterns: entry 1: read-percent: read is no mix, expected rw or randrw" },
		{ HEAD "paths: [ passthrough ]\npatterns: [ { pattern: rw, read-percent: 100 } ]\n",
		  ":7:42: patterns: entry 1: read-percent: expected 1 to 99, found 100" },
		{ HEAD "paths: [ passthrough ]\npatterns: [ { pattern: rw, reads: 1 } ]\n", "no such field, see runners/perf" },
		{ HEAD "paths: [ passthrough ]\n" READS, "block-sizes: expected a list, found nothing" },
		{ HEAD "paths: [ passthrough ]\n" READS "block-sizes: [ 4K, 2K ]\n", ":8:20: block-sizes: expected 4k to 16m, found 2K" },
		{ HEAD "paths: [ passthrough ]\n" READS "block-sizes: [ 4097 ]\n", ":8:16: block-sizes: expected a multiple of 4k, found 4097" },
		{ HEAD "paths: [ passthrough ]\n" READS "block-sizes: [ 4X ]\n", "expected a whole number, or one with K, M, G or T, found '4X'" },
		{ HEAD "paths: [ passthrough ]\n" READS "block-sizes: [ 4K ]\ndepths: [ 1, 0 ]\n", ":9:14: depths: expected 1 to 1024, found 0" },
		{ HEAD "paths: [ passthrough ]\n" READS "block-sizes: [ 4K ]\ndepths: [ 1025 ]\n", "depths: expected 1 to 1024, found 1025" },
		{ GOOD "jobs: [ many ]\n", ":10:9: jobs: expected a whole number, found 'many'" },
		{ GOOD "vms: [ 257 ]\n", ":10:8: vms: expected 1 to 256, found 257" },
		{ GOOD "grids:\n  - depths: [ 2 ]\n  - title: y\n  - depths: [ 3, 5000 ]\ndepths2: 1\n", ":14:1: depths2: no such field" },
		{ GOOD "grids:\n  - depths: [ 2 ]\n  - title: y\n  - depths: [ 3, 5000 ]\n", ":13:18: depths: expected 1 to 1024, found 5000" },
		{ HEAD "grids:\n  - depths: [ 2 ]\n", ":6:1: paths: expected a list in grid 1, found nothing" },
		{ HEAD "paths: [ bare-metal ]\n" READS "block-sizes: [ 4K ]\ndepths: [ 1 ]\nvms: [ 2 ]\n",
		  ":10:8: vms: leaves no cell: bare-metal has no VMs but 1" },
		{ HEAD "paths: [ bare-metal ]\npatterns: [ { pattern: bulkload } ]\n", "leaves no cell: bare-metal has no VMs for databases" },
		{ HEAD "paths: [ passthrough ]\npatterns: [ { pattern: bulkload, read-percent: 5 } ]\n", "bulkload is no mix" },
		{ HEAD "paths: [ passthrough ]\npatterns: [ { pattern: bulkload }, { pattern: read } ]\n", "block-sizes: expected a list" },
		{ HEAD "paths: [\n", ":6:" },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_complaint c = { "" };
		struct nvsr_matrix *m = NULL;
		const char *path = put(cases[i].text);
		int rc = nvsr_matrix_load(path, &m, &c);

		expect(rc == -EINVAL && !m, cases[i].text, "was accepted");
		expect(strstr(c.text, cases[i].complaint) && !strncmp(c.text, path, strlen(path)), cases[i].complaint, c.text);
		nvsr_matrix_free(m);
		unlink(path);
	}
}

static struct nvsr_matrix *load(const char *text)
{
	struct nvsr_complaint c = { "" };
	struct nvsr_matrix *m = NULL;
	const char *path = put(text);

	expect(!nvsr_matrix_load(path, &m, &c), text, c.text);
	unlink(path);
	if (!m)
		exit(1);
	return m;
}

/* The names of all cells, one a line. */
static char *names(const struct nvsr_matrix *m)
{
	struct nvsr_text t = { 0 };
	char name[NVSR_CELL_NAME];

	for (size_t i = 0; i < m->count; i++)
		nvsr_text_add(&t, "%s\n", nvsr_cell_name(&m->cell[i], name));
	return t.s ? t.s : strdup("");
}

static void expect_cells(const char *text, const char *cells)
{
	struct nvsr_matrix *m = load(text);
	_cleanup_free_ char *seen = names(m);

	expect(!strcmp(seen, cells), cells, seen);
	nvsr_matrix_free(m);
}

static void grids_become_cells_once(void)
{
	expect_cells(GOOD, "passthrough.randread.4k.qd1.j1.v1\n");
	/* Depths run before VMs, jobs and blocks; paths stand together; a PF has no second VM. */
	expect_cells(HEAD "paths: [ bare-metal, virtio-ns ]\npatterns: [ { pattern: randrw, read-percent: 70 }, { pattern: rw } ]\n"
		     "block-sizes: [ 1536K ]\ndepths: [ 1, 8 ]\nvms: [ 1, 2 ]\n",
		     "bare-metal.randrw70.1536k.qd1.j1.v1\nvirtio-ns.randrw70.1536k.qd1.j1.v1\n"
		     "bare-metal.randrw70.1536k.qd8.j1.v1\nvirtio-ns.randrw70.1536k.qd8.j1.v1\n"
		     "virtio-ns.randrw70.1536k.qd1.j1.v2\nvirtio-ns.randrw70.1536k.qd8.j1.v2\n"
		     "bare-metal.rw50.1536k.qd1.j1.v1\nvirtio-ns.rw50.1536k.qd1.j1.v1\n"
		     "bare-metal.rw50.1536k.qd8.j1.v1\nvirtio-ns.rw50.1536k.qd8.j1.v1\n"
		     "virtio-ns.rw50.1536k.qd1.j1.v2\nvirtio-ns.rw50.1536k.qd8.j1.v2\n");
	/* A grid's own list replaces that of the top level; what comes twice is one. */
	expect_cells(GOOD "grids:\n  - depths: [ 1, 8 ]\n  - jobs: [ 1, 2 ]\n    depths: [ 8 ]\n  - block-sizes: [ 16M, 4096, 4kib ]\n",
		     "passthrough.randread.4k.qd1.j1.v1\npassthrough.randread.4k.qd8.j1.v1\npassthrough.randread.4k.qd8.j2.v1\n"
		     "passthrough.randread.16m.qd1.j1.v1\n");
}

static void databases_have_threads_and_vms(void)
{
	/* What loads a database has one thread; the PF has no VM for one; block sizes and depths are fio's. */
	expect_cells(HEAD "paths: [ bare-metal, passthrough ]\npatterns: [ { pattern: bulkload }, { pattern: readwhilemerging } ]\n"
		     "jobs: [ 1, 4 ]\nvms: [ 1, 2 ]\n",
		     "passthrough.bulkload.4k.qd1.j1.v1\npassthrough.bulkload.4k.qd1.j1.v2\n"
		     "passthrough.readwhilemerging.4k.qd1.j1.v1\npassthrough.readwhilemerging.4k.qd1.j1.v2\n"
		     "passthrough.readwhilemerging.4k.qd1.j4.v1\npassthrough.readwhilemerging.4k.qd1.j4.v2\n");
	expect_cells(GOOD "grids:\n  - depths: [ 1 ]\n  - patterns: [ { pattern: bulkload } ]\n    depths: [ 8, 64 ]\n",
		     "passthrough.randread.4k.qd1.j1.v1\npassthrough.bulkload.4k.qd1.j1.v1\n");
}

static void cells_that_no_device_can_run(void)
{
#define SIXTEEN "namespace-bytes: 32M\ngrids:\n  - patterns: [ { pattern: randrw }, { pattern: rw } ]\n    block-sizes: [ 16M ]\n"
	static const struct { const char *more, *complaint, *on_a_host; } cases[] = {
		{ "", NULL, NULL },
		{ "grids:\n  - depths: [ 63 ]\n", NULL, NULL },
		{ "grids:\n  - depths: [ 64 ]\n", ":11:15: depths: passthrough.randread.4k.qd64.j1.v1 is impossible: a queue of 64 "
		  "entries holds 63 commands", NULL },
		{ "vms: [ 1, 3 ]\n", ":10:11: vms: passthrough.randread.4k.qd1.j1.v3 is impossible: the device has 2 VFs", NULL },
		{ "jobs: [ 5 ]\n", ":10:9: jobs: passthrough.randread.4k.qd1.j5.v1 is impossible: a function has at most 4 I/O queues", NULL },
		/* What is not run here is not judged either. */
		{ "grids:\n  - paths: [ iscsi ]\n    depths: [ 1024 ]\n", NULL, ":12:15: depths: iscsi.randread.4k.qd1024.j1.v1 is impossible: a queue" },
		{ "grids:\n  - paths: [ iscsi ]\n    vms: [ 3 ]\n", NULL, ":12:12: vms: iscsi.randread.4k.qd1.j1.v3 is impossible: the device "
		  "has 2 VFs" },
		/* Jobs that read one block after the other have a part each. */
		{ SIXTEEN "    jobs: [ 2 ]\n", NULL, NULL },
		{ SIXTEEN "    jobs: [ 3 ]\n", ":13:20: block-sizes: passthrough.rw50.16m.qd1.j3.v1 is impossible: 3 blocks of 16m, one for each "
		  "job, in a namespace of 32m", NULL },
	};
	struct nvsr_matrix_limits limits = { .vfs = 2, .queues = 4, .entries = 64 };

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = nvsr_asprintf("%s%s", GOOD, cases[i].more);
		struct nvsr_matrix *m = load(text);
		struct nvsr_complaint c = { "" };

		for (unsigned host = 0; host < 2; host++) {
			const char *complaint = host && cases[i].on_a_host ? cases[i].on_a_host : cases[i].complaint;
			int rc;

			limits.host = host;
			rc = nvsr_matrix_check(m, &limits, &c);
			expect(rc == (complaint ? -EINVAL : 0), cases[i].more, c.text);
			expect(!complaint || strstr(c.text, complaint), cases[i].more, c.text);
		}
		nvsr_matrix_free(m);
	}
}

static void paths_can_be_chosen(void)
{
	struct nvsr_matrix *m = load(HEAD "paths: [ bare-metal, passthrough, iscsi ]\n" READS "block-sizes: [ 4K ]\ndepths: [ 1 ]\n");
	static const char *const two[] = { "iscsi", "bare-metal" }, *const bad[] = { "iscsi", "virtio-ns" };
	_cleanup_free_ char *seen = NULL;
	size_t nr = 9;

	expect(nvsr_matrix_keep_paths(m, bad, 2, &nr) == -ENOENT && nr == 1, "virtio-ns", "was kept");
	expect(!nvsr_matrix_keep_paths(m, two, 2, &nr), "iscsi", "not there");
	seen = names(m);
	expect(!strcmp(seen, "bare-metal.randread.4k.qd1.j1.v1\niscsi.randread.4k.qd1.j1.v1\n"), "two paths", seen);
	nvsr_matrix_free(m);
}

static void sizes_are_read_and_written(void)
{
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "4k", 4096 }, { "4KiB", 4096 }, { "16M", 16u << 20 }, { "2GB", 2ull << 30 },
		{ "1T", 1ull << 40 },
	};
	static const char *const bad[] = { "", "k", "-1", "+1", " 1", "4x", "4Kx", "1.5M", "0x10", "99999999999T", "18446744073709551616" };
	uint64_t v;
	char buf[24];

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(good); i++)
		expect(nvsr_size_parse(good[i].text, &v) && v == good[i].bytes, good[i].text, "is another number");
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(bad); i++)
		expect(!nvsr_size_parse(bad[i], &v), bad[i], "is a number");
	expect(!strcmp(nvsr_size_text(1536u << 10, buf, sizeof(buf)), "1536k") && !strcmp(nvsr_size_text(1000, buf, sizeof(buf)), "1000"),
	       "size", buf);
}

/* Every matrix that we ship loads, and its documentation knows every field. */
static void shipped_matrices_load(void)
{
	_cleanup_free_ char *pattern = nvsr_asprintf("%s/*.yaml", nvsr_matrix_dir());
	glob_t g = { 0 };

	expect(!glob(pattern, 0, NULL, &g) && g.gl_pathc >= 3, pattern, "fewer than three matrices");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct nvsr_complaint c = { "" };
		struct nvsr_matrix *m = NULL;

		expect(!nvsr_matrix_load(g.gl_pathv[i], &m, &c), g.gl_pathv[i], c.text);
		nvsr_matrix_free(m);
	}
	globfree(&g);
}

static void every_field_and_path_is_documented(void)
{
	static const char *const keys[] = { "version", "title", "repeats", "warm-up-ms", "run-ms", "namespace-bytes", "grids", "paths",
					    "patterns", "read-percent", "block-sizes", "depths", "jobs", "vms" };
	_cleanup_free_ char *path = nvsr_asprintf("%s/README.md", nvsr_matrix_dir());
	_cleanup_free_ char *text = NULL;

	if (nvsr_read_file(path, 1 << 20, &text, NULL)) {
		expect(false, path, "cannot be read");
		return;
	}
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(keys) + nvsr_data_path_count; i++) {
		const char *key = i < NVSR_ARRAY_SIZE(keys) ? keys[i] : nvsr_data_paths[i - NVSR_ARRAY_SIZE(keys)].name;
		_cleanup_free_ char *quoted = nvsr_asprintf("`%s`", key);

		expect(strstr(text, quoted), key, "not in README.md");
	}
}

int main(void)
{
	struct nvsr_complaint c = { "" };
	struct nvsr_matrix *m = NULL;

	bad_matrices_are_named_by_place_and_field();
	grids_become_cells_once();
	databases_have_threads_and_vms();
	cells_that_no_device_can_run();
	paths_can_be_chosen();
	sizes_are_read_and_written();
	shipped_matrices_load();
	every_field_and_path_is_documented();
	expect(nvsr_matrix_load("no-such", &m, &c) == -ENOENT && strstr(c.text, "no matrix 'no-such'"), "a missing matrix", c.text);
	printf("%s: matrix_test\n", failed ? "FAIL" : "ok");
	return failed != 0;
}
