// SPDX-License-Identifier: GPL-2.0-or-later
/* capability.tsv: a row for each number of each cell of the capability table, and at least one for each cell. */
#include <math.h>

#include "reports/capability.h"
#include "reports/tsv.h"

static const char *short_answer(const struct nvsr_capability_cell *c)
{
	static const char *const names[] = {
		[NVSR_CAPABILITY_MISSING] = "NA", [NVSR_CAPABILITY_UNTESTED] = "untested", [NVSR_CAPABILITY_NO] = "no", [NVSR_CAPABILITY_YES] = "yes",
	};

	return names[c->answer];
}

static void put_row(FILE *f, const struct nvsr_capability_cell *c, const char *number, double value)
{
	fprintf(f, "%s\t%s\t%s\t%d\t%d\t%s", c->row, c->way, short_answer(c), c->broken, c->leak, number);
	nvsr_tsv_number(f, value);
	fputc('\t', f);
	nvsr_tsv_text(f, c->text && *c->text ? c->text : "NA");
	fputc('\n', f);
}

void nvsr_capability_tsv_write(FILE *f, const struct nvsr_capability *t)
{
	if (t->emulated)
		fputs("# emulated device: what works, not how fast\n", f);
	nvsr_tsv_comment(f, "nvsr-conform", t->tool);
	nvsr_tsv_comment(f, "device", t->device);
	nvsr_tsv_comment(f, "model", t->model);
	nvsr_tsv_comment(f, "firmware", t->firmware);
	nvsr_tsv_comment(f, "time", t->time);
	fputs("# answer: yes, no, untested, NA: not reached; broken: it was begun and could not be told; units stand in the names: s, mib, iops\n"
	      "row\tway\tanswer\tbroken\tleak\tnumber\tvalue\ttext\n", f);
	for (unsigned i = 0; i < t->cells; i++) {
		const struct nvsr_capability_cell *c = &t->cell[i];

		for (unsigned k = 0; k < c->numbers; k++)
			put_row(f, c, c->number[k].name, c->number[k].value);
		if (!c->numbers)
			put_row(f, c, "NA", NAN);
	}
}
