// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stored journals make the stored outputs, byte for byte.  UPDATE=1 in the environment writes the outputs instead; then
 * read the difference before it is committed.  Run from the top of the project.
 */
#include "reports/reports.h"
#include "reports/stored.h"

#define FOLDER "reports/testdata"

static unsigned failed;

static void text_plain(FILE *f, const struct nvsr_run *run)
{
	nvsr_text_write(f, run, &(struct nvsr_text_style){ .where = "run/x" });
}

static const struct { const char *suffix; void (*write)(FILE *f, const struct nvsr_run *run); } writers[] = {
	{ "tap", nvsr_tap_write }, { "txt", text_plain }, { "json", nvsr_json_write }, { "xml", nvsr_junit_write },
};
static const char *const journals[] = { "mixed", "aborted", "interrupted" };

static void check_outputs(const char *name, const struct nvsr_run *run)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(writers); i++) {
		_cleanup_free_ char *path = nvsr_asprintf(FOLDER "/%s.%s", name, writers[i].suffix), *data = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&data, &len);

		writers[i].write(f, run);
		fclose(f);
		failed += nvsr_differs_from_stored(path, data, len);
	}
}

/* The page depends on the catalogue, so its bytes are not stored: what must be in it, in which order, and what must not. */
static void check_page(const struct nvsr_run *run)
{
	static const char *const in_order[] = {
		"The device contradicts the standard", "<h2>Failures</h2>", "CSTS.RDY = 1 after 12 ms", "<h2>No verdict</h2>",
		"signal 11", "<h2>Known differences</h2>", "https://example.org/1", "<h2>Deviations", "VQGRAN = 3", "<h2>Tests</h2>",
		"id=\"vf.online.fails\"", "<h2>Requirements</h2>", "VIRT-42", "#vf.online.fails",
	};
	static const char *const never[] = { "<script", "src=", "<link", "@import", "<MZ>", "<two>", "<tags>" };
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);
	const char *at;

	nvsr_html_write(f, run);
	fclose(f);
	at = data;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(in_order) && at; i++) {
		at = strstr(at, in_order[i]);
		if (!at)
			fprintf(stderr, "page: %s is not where it should be\n", in_order[i]);
		failed += !at;
	}
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(never); i++)
		if (strstr(data, never[i])) {
			fprintf(stderr, "page: %s is in it\n", never[i]);
			failed++;
		}
}

static void check_comparison(const struct nvsr_run *a, const struct nvsr_run *b)
{
	const struct nvsr_run *runs[] = { a, b };
	const char *names[] = { "mixed", "interrupted" };
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&data, &len);

	nvsr_compare_write(f, runs, names, 2);
	fclose(f);
	failed += nvsr_differs_from_stored(FOLDER "/compare.txt", data, len);
}

int main(void)
{
	struct nvsr_run runs[NVSR_ARRAY_SIZE(journals)];

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(journals); i++) {
		_cleanup_free_ char *path = nvsr_asprintf(FOLDER "/%s.jsonl", journals[i]);
		char complaint[512];

		if (nvsr_run_read(path, &runs[i], complaint)) {
			fprintf(stderr, "%s\n", complaint);
			return 1;
		}
		check_outputs(journals[i], &runs[i]);
	}
	check_page(&runs[0]);
	check_comparison(&runs[0], &runs[2]);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(journals); i++)
		nvsr_run_free(&runs[i]);
	return failed ? 1 : 0;
}
