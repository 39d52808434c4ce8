// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of a performance run's directory that are made from its journal and raw data. */
#include "base/text.h"
#include "reports/perf_html.h"
#include "reports/perf_which.h"

static void write_tsv(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures)
{
	nvsr_perf_tsv_write(f, run);
}

static void write_which(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures)
{
	nvsr_which_tsv_write(f, run);
}

static int write_one(const char *dir, const char *name, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures,
		     void (*write)(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures), char *complaint)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", dir, name), *data = NULL;
	size_t len = 0;
	FILE *f = path ? open_memstream(&data, &len) : NULL;
	bool bad;
	int rc = -ENOMEM;

	if (f) {
		write(f, run, figures);
		bad = ferror(f);
		rc = fclose(f) || bad ? -ENOMEM : nvsr_write_file(path, data, len);
	}
	if (rc && !*complaint)
		snprintf(complaint, 512, "%s/%s: %s", dir, name, strerror(-rc));
	return rc;
}

static int make_folder(const char *dir, const char *name, char **ret)
{
	*ret = nvsr_asprintf("%s/%s", dir, name);
	return *ret ? nvsr_mkdirs(*ret) : -ENOMEM;
}

int nvsr_perf_report_files(const char *dir, const struct nvsr_perf_run *run, char *complaint)
{
	_cleanup_free_ char *folder = NULL, *report = NULL;
	struct nvsr_perf_figures figures = { 0 };
	int rc, one;

	complaint[0] = '\0';
	rc = write_one(dir, "perf.tsv", run, NULL, write_tsv, complaint);
	one = write_one(dir, "which.tsv", run, NULL, write_which, complaint);
	rc = rc ? rc : one;
	one = make_folder(dir, "figures", &folder);
	one = one ? one : nvsr_perf_figures_plan(run, &figures);
	one = one ? one : nvsr_perf_figures_make(folder, run, &figures, complaint);
	rc = rc ? rc : one;
	one = make_folder(dir, "report", &report);
	one = one ? one : write_one(dir, "report/index.html", run, &figures, nvsr_perf_html_write, complaint);
	nvsr_perf_figures_free(&figures);
	if ((rc || one) && !*complaint)
		snprintf(complaint, 512, "%s: %s", dir, strerror(rc ? -rc : -one));
	return rc ? rc : one;
}
