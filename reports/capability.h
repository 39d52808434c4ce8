/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table 1 of the study: what each way to give VMs a disk can do, as text and as a section of a page. */
#ifndef NVSR_REPORTS_CAPABILITY_H
#define NVSR_REPORTS_CAPABILITY_H

#include "result/capability.h"

/* rows × ways, then the evidence of each cell */
void nvsr_capability_text_write(FILE *f, const struct nvsr_capability *t);
/* A section (h2) for any page that has the style of ours. */
void nvsr_capability_html_write(FILE *f, const struct nvsr_capability *t);
/* capability.tsv: a row for each number of each cell, and at least one for each cell. */
void nvsr_capability_tsv_write(FILE *f, const struct nvsr_capability *t);
/* capability.tsv and report/index.html of @dir.  0 or negative errno with *complaint. */
int nvsr_capability_report_files(const char *dir, const struct nvsr_capability *t, char *complaint);
#endif
