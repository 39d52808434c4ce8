/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of tables for programs: read.delim(comment.char = "#") and pandas.read_csv(sep = "\t", comment = "#") take them as they are. */
#ifndef NVSR_REPORTS_TSV_H
#define NVSR_REPORTS_TSV_H

#include <stdio.h>

/* One line, without what those readers take for a comment, a quote or a column. */
void nvsr_tsv_text(FILE *f, const char *s);
/* "# name: value"; nothing where there is no value. */
void nvsr_tsv_comment(FILE *f, const char *name, const char *value);
/* A column, with the tab before it; NA where it is not finite. */
void nvsr_tsv_number(FILE *f, double v);

#endif
