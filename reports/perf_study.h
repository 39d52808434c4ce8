/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the study's tables and figures a run shows, and where.  Inside reports only. */
#ifndef NVSR_REPORTS_PERF_STUDY_H
#define NVSR_REPORTS_PERF_STUDY_H

#include "reports/perf_figure.h"

/* "Fig 2a, Fig 6": what of the study the figure is for this device; "" where it is none. */
void nvsr_study_of_figure(const struct nvsr_perf_figure *fig, char ret[96]);
/* A section of the page: each table and figure of the study, its claims, where it is here. */
void nvsr_study_html_write(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_perf_figures *figures);
/* A section of the page: kinds of vhost. */
void nvsr_study_table_2(FILE *f, const struct nvsr_perf_run *run);

#endif
