/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Table 1 of the study: what each way to give VMs a disk can do, as a run found out.  Read from capability.jsonl, which may be
 * anything; written as text and as a section of a page.
 */
#ifndef NVSR_REPORTS_CAPABILITY_H
#define NVSR_REPORTS_CAPABILITY_H

#include "base/base.h"

enum nvsr_capability_answer { NVSR_CAPABILITY_MISSING, NVSR_CAPABILITY_UNTESTED, NVSR_CAPABILITY_NO, NVSR_CAPABILITY_YES };
/* "not reached", "not tested", "no", "yes" */
const char *nvsr_capability_answer_name(enum nvsr_capability_answer a);

struct nvsr_capability_number { char name[40]; double value; };
struct nvsr_capability_cell {
	char row[40], way[40], *text;	/* text: NULL while missing */
	enum nvsr_capability_answer answer;
	bool leak, broken;
	struct nvsr_capability_number number[8];
	unsigned numbers;
};
struct nvsr_capability {
	char *tool, *time, *device, *model, *serial, *firmware, *cmdline;	/* printable; NULL: not said */
	bool emulated, interrupted, ended;
	int exit_code;		/* as the run ended */
	struct nvsr_capability_cell *cell;	/* in the order of the plan */
	unsigned cells;
};

/**
 * nvsr_capability_read() - capability.jsonl of the run directory @dir.
 * @complaint: at least 512 bytes; on -EINVAL file, line and what was expected
 *
 * A torn last line (power cut) is ignored.  Return: 0 or negative errno.
 */
int nvsr_capability_read(const char *dir, struct nvsr_capability *ret, char *complaint);
int nvsr_capability_parse(const char *text, size_t len, const char *where, struct nvsr_capability *ret, char *complaint);
void nvsr_capability_free(struct nvsr_capability *t);

/* rows × ways, then the evidence of each cell */
void nvsr_capability_text_write(FILE *f, const struct nvsr_capability *t);
/* A section (h2) for any page that has the style of ours. */
void nvsr_capability_html_write(FILE *f, const struct nvsr_capability *t);
/* capability.tsv: a row for each number of each cell, and at least one for each cell. */
void nvsr_capability_tsv_write(FILE *f, const struct nvsr_capability *t);
/* capability.tsv and report/index.html of @dir.  0 or negative errno with *complaint. */
int nvsr_capability_report_files(const char *dir, const struct nvsr_capability *t, char *complaint);
/* What is said of the claim "Table 1": "15 of 18 cells tried: …". */
void nvsr_capability_evidence(const struct nvsr_capability *t, char ret[160]);

#endif
