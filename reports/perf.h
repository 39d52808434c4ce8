/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writers for performance runs: pure functions of a run as nvsr_perf_read() returns it.  Errors stay in the stream: callers
 * look at ferror().  Numbers of the software model are labelled as such in everything that is written.
 */
#ifndef NVSR_REPORTS_PERF_H
#define NVSR_REPORTS_PERF_H

#include "reports/reports.h"
#include "result/perf.h"

/* perf.tsv: a row per cell, base units, median, least and most of each metric; NA where not measured. */
void nvsr_perf_tsv_write(FILE *f, const struct nvsr_perf_run *run);
/* Up to 100 columns wide: paths × depths for each workload, what failed, where the report is. */
void nvsr_perf_text_write(FILE *f, const struct nvsr_perf_run *run, const struct nvsr_text_style *s);
/* Runs side by side, each cell against that of the first run.  Ratios only where the runs can be compared. */
void nvsr_perf_compare_write(FILE *f, const struct nvsr_perf_run *const *runs, const char *const *names, size_t n);

/**
 * nvsr_perf_report_files() - perf.tsv, figures/ and report/index.html of the run directory @dir, from @run read from it.
 * @complaint: at least 512 bytes; what went wrong, "" when nothing did.
 *
 * Without gnuplot, or when it fails, figures are data and scripts only and the page has none: said in @complaint, no error.
 * Return: 0, or the first negative errno; later files are still tried.
 */
int nvsr_perf_report_files(const char *dir, const struct nvsr_perf_run *run, char *complaint);

#endif
