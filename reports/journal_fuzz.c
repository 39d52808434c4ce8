// SPDX-License-Identifier: GPL-2.0-or-later
/* Any file as a journal: it is refused with a complaint, or every report can be written from it. */
#include "base/fuzz.h"
#include "reports/reports.h"

static void write_all(FILE *f, const struct nvsr_run *run)
{
	const struct nvsr_run *const runs[] = { run, run };
	static const char *const names[] = { "a", "b" };

	nvsr_tap_write(f, run);
	nvsr_text_write(f, run, &(struct nvsr_text_style){ .colour = true, .where = "there" });
	nvsr_junit_write(f, run);
	nvsr_json_write(f, run);
	nvsr_html_write(f, run);
	nvsr_compare_write(f, runs, names, NVSR_ARRAY_SIZE(runs));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char complaint[512] = "", path[32];
	_cleanup_close_ int fd = -1;
	_cleanup_fclose_ FILE *f = fopen("/dev/null", "w");
	struct nvsr_run run = { 0 };
	int rc;

	nvsr_input_file(data, size, path, &fd);
	rc = nvsr_run_read(path, &run, complaint);
	if (!f || !rc != !complaint[0])
		abort();
	if (!rc) {
		nvsr_run_exit_code(&run, true);
		write_all(f, &run);
		nvsr_run_free(&run);
	}
	return 0;
}
