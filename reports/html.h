/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the page.  Inside reports only. */
#ifndef NVSR_REPORTS_HTML_H
#define NVSR_REPORTS_HTML_H

#include "reports/reports.h"

extern const char nvsr_html_style[];
/* Requirements of the catalogue with what this run says about each. */
void nvsr_html_coverage(FILE *f, const struct nvsr_run *run);

#endif
