// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of a run directory that are made from its journal. */
#include "base/text.h"
#include "reports/reports.h"

static const struct { const char *name; void (*write)(FILE *f, const struct nvsr_run *run); } files[] = {
	{ "results.tap", nvsr_tap_write },
	{ "results.json", nvsr_json_write },
	{ "results.xml", nvsr_junit_write },
	{ "report/index.html", nvsr_html_write },
};

static int write_one(const char *dir, unsigned i, const struct nvsr_run *run)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", dir, files[i].name), *data = NULL;
	size_t len = 0;
	FILE *f = path ? open_memstream(&data, &len) : NULL;
	bool bad;

	if (!f)
		return -ENOMEM;
	files[i].write(f, run);
	bad = ferror(f);
	if (fclose(f) || bad)
		return -ENOMEM;
	return nvsr_write_file(path, data, len);
}

int nvsr_report_files(const char *dir, const struct nvsr_run *run)
{
	_cleanup_free_ char *folder = nvsr_asprintf("%s/report", dir);
	int rc = folder ? nvsr_mkdirs(folder) : -ENOMEM;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(files); i++) {
		int one = write_one(dir, i, run);

		rc = rc ? rc : one;
	}
	return rc;
}
