/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a performance run's page.  Inside reports only. */
#ifndef NVSR_REPORTS_PERF_HTML_H
#define NVSR_REPORTS_PERF_HTML_H

#include "reports/html.h"
#include "reports/perf_claims.h"
#include "reports/perf_figure.h"
#include "reports/xml.h"

extern const char nvsr_html_perf_style[];

void nvsr_perf_html_write(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures);

/* --- perf_html_tables.c ---------------------------------------------------------------------------------------------------- */
/* paths × depths: IOPS, latency, ratios */
void nvsr_perf_html_headline(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload);
/* Every cell of a workload: throughput and latency; ratios; what it cost the host. */
void nvsr_perf_html_cells(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload);
void nvsr_perf_html_ratios(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload);
void nvsr_perf_html_host(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_cell *workload);
void nvsr_perf_html_claims(FILE *f, const struct nvsr_perf_run *run);
/* Cells without numbers, each with the reason; data verification. */
void nvsr_perf_html_gaps(FILE *f, const struct nvsr_perf_run *run);

/* A path's name with its line; a link to the file that a median is from, without its end; "± 3 %" of a spread. */
void nvsr_perf_html_path(FILE *f, const char *path);
void nvsr_perf_html_link(FILE *f, const struct nvsr_perf_cell *c, unsigned at, bool host);
void nvsr_perf_html_spread(FILE *f, const struct nvsr_spread *s, double unit);
/* "<caption>…" with the label of the software model where it applies. */
void nvsr_perf_html_caption(FILE *f, const struct nvsr_perf_run *run, const char *text);

#endif
