// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of a performance run's directory that are made from its journal and raw data. */
#include "base/text.h"
#include "reports/perf_figure.h"

static int write_one(const char *dir, const char *name, void (*write)(FILE *f, const struct nvsr_perf_run *run),
		     const struct nvsr_perf_run *run, char *complaint)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", dir, name), *data = NULL;
	size_t len = 0;
	FILE *f = path ? open_memstream(&data, &len) : NULL;
	bool bad;
	int rc = -ENOMEM;

	if (f) {
		write(f, run);
		bad = ferror(f);
		rc = fclose(f) || bad ? -ENOMEM : nvsr_write_file(path, data, len);
	}
	if (rc && !*complaint)
		snprintf(complaint, 512, "%s/%s: %s", dir, name, strerror(-rc));
	return rc;
}

int nvsr_perf_report_files(const char *dir, const struct nvsr_perf_run *run, char *complaint)
{
	_cleanup_free_ char *folder = nvsr_asprintf("%s/figures", dir);
	struct nvsr_perf_figures figures;
	int rc, one;

	complaint[0] = '\0';
	rc = write_one(dir, "perf.tsv", nvsr_perf_tsv_write, run, complaint);
	one = folder ? nvsr_mkdirs(folder) : -ENOMEM;
	one = one ? one : nvsr_perf_figures_plan(run, &figures);
	one = one ? one : nvsr_perf_figures_make(folder, run, &figures, complaint);
	return rc ? rc : one;
}
