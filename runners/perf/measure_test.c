// SPDX-License-Identifier: GPL-2.0-or-later
/* What is recorded of paths that a host turns out not to have, on a stage that is none; and that tables of paths belong together. */
#include <sys/stat.h>

#include "runners/perf/guests.h"
#include "runners/testing.h"

#define CELL "virtio-ns.randread.4k.qd1.j1.v1"

static int answer;	/* of ready() */

static const char *lacks(struct nvsr_stage *s, const struct nvsr_data_path *p)
{
	return NULL;
}

static int ready(struct nvsr_stage *s, const struct nvsr_job *j, struct nvsr_complaint *complaint)
{
	snprintf(complaint->text, sizeof(complaint->text), "its words");
	return answer;
}

static void drop(struct nvsr_stage *s, const char *evidence)
{
}

/* A load that ends before anybody looks, or fails by itself. */
static unsigned starts, looks, seen, together;	/* from which one on it runs long enough to be seen, all VMs at once; 0: none does */
static int status;
static const char *words;	/* fio's, in a file */

static char *job(struct nvsr_stage *s, struct nvsr_job *j)
{
	return strdup("job");
}
static int start(struct nvsr_stage *s, const struct nvsr_job *j, const char *file, const char *text, struct nvsr_complaint *complaint)
{
	starts += !j->verify_bytes;
	looks = 0;
	return 0;
}
static bool is_from(unsigned first) { return first && starts >= first; }
static int begun(struct nvsr_stage *s) { return is_from(seen); }
static bool ended(struct nvsr_stage *s)
{
	return !is_from(seen) || ++looks > 400;
}
static void finish(struct nvsr_stage *s, struct nvsr_said *ret)
{
	*ret = (struct nvsr_said){ .status = starts ? status : 0, .err = strdup("") };
	nvsr_read_file(words, 1u << 20, &ret->json, &ret->json_len);
}
static void sample(struct nvsr_stage *s, struct nvsr_sample *ret) { ret->at = nvsr_now_ns(); }
static unsigned roles(struct nvsr_stage *s) { return 0; }
static char *dead(struct nvsr_stage *s) { return NULL; }
static double overlap(struct nvsr_stage *s, const struct nvsr_job *j) { return is_from(together) ? 1 : 0.25; }

static void who_comes_too_late_measures_again(void)
{
	static const struct { unsigned vms, seen, together; int status; unsigned starts; const char *cell; } cases[] = {
		{ 1, 0, 0, 0, 3, "\"result\":\"fail\",\"reason\":\"fio ended before the sampling window did\"" },
		{ 1, 0, 0, 1 << 8, 1, "\"result\":\"fail\"" },
		{ 1, 2, 0, 0, 2, "\"result\":\"ok\"" },
		{ 2, 1, 0, 0, 3, "\"result\":\"fail\",\"reason\":\"not measured together: all VMs had load in 25 %" },
		{ 2, 1, 3, 0, 3, "\"result\":\"ok\"" },
	};
	static const struct nvsr_stage_ops ops = {
		.lacks = lacks, .ready = ready, .drop = drop, .job = job, .start = start, .begun = begun, .ended = ended, .finish = finish,
		.sample = sample, .roles = roles, .dead = dead, .overlap = overlap,
	};
	struct nvsr_cell cell = { .path = nvsr_data_path_find("passthrough"), .block = 4096, .depth = 1, .jobs = 1, .vms = 1 };
	const struct nvsr_matrix matrix = { .repeats = 1, .run_ms = 100, .namespace_bytes = 16u << 20, .cell = &cell, .count = 1 };
	const struct nvsr_placement placement = { .cpus = 1 };
	struct nvsr_stage stage = { .ops = &ops };

	answer = 0;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		char dir[] = "/tmp/nvsr-measure-test-XXXXXX";
		struct nvsr_measuring m = { .dir = mkdtemp(dir), .matrix = &matrix, .stage = &stage, .placement = &placement };
		_cleanup_free_ char *path = nvsr_asprintf("%s/perf.jsonl", dir), *text = NULL, *rm = nvsr_asprintf("rm -rf %s", dir);
		const char *line;

		starts = 0;
		seen = cases[i].seen;
		together = cases[i].together;
		status = cases[i].status;
		words = cases[i].vms == 1 ? "reports/testdata/perf/raw/" CELL "/1.json" : "lib/result/perf_fuzz.corpus/fio-two-vms";
		cell.vms = cases[i].vms;
		EXPECT(m.dir && path && !nvsr_log_open(path, false, &m.log), "%s", dir);
		EXPECT(!nvsr_measure(&m), "case %u", i);
		nvsr_log_close(m.log);
		EXPECT(!nvsr_read_file(path, 1u << 16, &text, NULL), "case %u", i);
		line = text ? strstr(text, "\"event\":\"cell\"") : NULL;
		EXPECT(line && strstr(line, cases[i].cell) && !strstr(line + 1, "\"event\":\"cell\""), "case %u: %s", i, text ? text : "-");
		EXPECT(starts == cases[i].starts, "case %u: %u starts", i, starts);
		if (!rm || system(rm))
			failed++;
	}
}

static void paths_that_cannot_be_had_are_skipped(void)
{
	static const struct { int rc; const char *verify, *cell; bool corrupt; } cases[] = {
		{ -ENOTSUP, "\"result\":\"skip\",\"reason\":\"its words\"", "\"result\":\"skip\",\"reason\":\"its words\"", false },
		{ -EIO, "\"result\":\"fail\",\"reason\":\"its words\"", "\"result\":\"fail\",\"reason\":\"verification: its words\"", false },
		{ -EBADMSG, "\"result\":\"fail\",\"reason\":\"its words\"", "\"result\":\"fail\"", true },
	};
	static const struct nvsr_stage_ops ops = { .lacks = lacks, .ready = ready, .drop = drop };
	struct nvsr_cell cell = { .path = nvsr_data_path_find("virtio-ns-uring"), .block = 4096, .depth = 1, .jobs = 1, .vms = 1 };
	const struct nvsr_matrix matrix = { .repeats = 3, .run_ms = 100, .namespace_bytes = 16u << 20, .cell = &cell, .count = 1 };
	struct nvsr_stage stage = { .ops = &ops };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		char dir[] = "/tmp/nvsr-measure-test-XXXXXX";
		struct nvsr_measuring m = { .dir = mkdtemp(dir), .matrix = &matrix, .stage = &stage };
		_cleanup_free_ char *path = nvsr_asprintf("%s/perf.jsonl", dir), *text = NULL, *rm = nvsr_asprintf("rm -rf %s", dir);
		bool skip = cases[i].rc == -ENOTSUP;

		answer = cases[i].rc;
		EXPECT(m.dir && path && !nvsr_log_open(path, false, &m.log), "%s", dir);
		EXPECT(!nvsr_measure(&m), "case %u", i);
		nvsr_log_close(m.log);
		EXPECT(!nvsr_read_file(path, 1u << 16, &text, NULL) && strstr(text, cases[i].verify) && strstr(strstr(text, "\"cell\""), cases[i].cell),
		       "case %u: %s", i, text ? text : "-");
		EXPECT(m.corrupt == cases[i].corrupt && m.skipped == (skip ? 3 : 0) && m.bad == (skip ? 0 : 3) && !m.ok, "case %u: %u bad, %u skipped", i,
		       m.bad, m.skipped);
		if (!rm || system(rm))
			failed++;
	}
}

static void every_path_of_a_vf_can_be_given_to_a_guest(void)
{
	for (size_t i = 0; i < nvsr_data_path_count; i++) {
		const struct nvsr_data_path *p = &nvsr_data_paths[i];
		const struct nvsr_way *way = nvsr_way_of(p);

		EXPECT(p->vf == (way != NULL), "%s", p->name);
		EXPECT(p->engine || p->needs, "%s: nothing says why the model has none", p->name);
		/* What QEMU's native AIO takes. */
		EXPECT(!way || !way->io || strcmp(way->io, "native") || !strcmp(way->cache, "none"), "%s", p->name);
		EXPECT(!way || way->give, "%s", p->name);
	}
}

int main(void)
{
	paths_that_cannot_be_had_are_skipped();
	who_comes_too_late_measures_again();
	every_path_of_a_vf_can_be_given_to_a_guest();
	printf("%s: measure_test\n", failed ? "FAIL" : "ok");
	return failed != 0;
}
