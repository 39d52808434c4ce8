// SPDX-License-Identifier: GPL-2.0-or-later
/* Parts of tables for programs. */
#include <math.h>
#include <string.h>

#include "reports/tsv.h"

void nvsr_tsv_text(FILE *f, const char *s)
{
	for (; s && *s; s++)
		fputc(strchr("#\"'\t\r\n", *s) ? ' ' : *s, f);
}

void nvsr_tsv_comment(FILE *f, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(f, "# %s: ", name);
	nvsr_tsv_text(f, value);
	fputc('\n', f);
}

void nvsr_tsv_number(FILE *f, double v)
{
	if (isfinite(v))
		fprintf(f, "\t%.10g", v);
	else
		fputs("\tNA", f);
}
