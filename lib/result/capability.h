/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each way to give VMs a disk can do (Table 1 of the study), as a run found out: capability.jsonl, which may be anything.
 */
#ifndef NVSR_RESULT_CAPABILITY_H
#define NVSR_RESULT_CAPABILITY_H

#include "base/base.h"

#define NVSR_CAPABILITY_FILE_MOST (4u << 20)

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

/* The cell of @row and @way; NULL where the run has none. */
const struct nvsr_capability_cell *nvsr_capability_find(const struct nvsr_capability *t, const char *row, const char *way);
/* Is it of the device with @serial?  If not: why, in @complaint of at least 512 bytes. */
bool nvsr_capability_is_of(const struct nvsr_capability *t, const char *serial, char *complaint);
/* "Live migration" for "migration"; the name itself where there is no text. */
const char *nvsr_capability_row_text(const char *row);
/* What is said of the claim "Table 1": "15 of 18 cells tried: …". */
void nvsr_capability_evidence(const struct nvsr_capability *t, char ret[160]);

#endif
