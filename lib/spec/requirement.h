/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catalogue: every clause a test may cite, with its citation and level. */
#ifndef NVSR_SPEC_REQUIREMENT_H
#define NVSR_SPEC_REQUIREMENT_H

#include "base/base.h"

enum nvsr_level {
	NVSR_LEVEL_M,	/* mandatory: "shall", or a definition */
	NVSR_LEVEL_MC,	/* mandatory when the capability in .condition is reported */
	NVSR_LEVEL_R,	/* recommended: "should" */
	NVSR_LEVEL_O,	/* optional */
	NVSR_LEVEL_I,	/* implementation defined, or the text is unclear */
};

struct nvsr_requirement {
	const char *id;		/* "VIRT-37" */
	const char *document;	/* "NVMe Base 2.0" */
	const char *section;	/* "8.26.1, 8.26.3, ACT 9h" */
	enum nvsr_level level;
	const char *condition;	/* capability of an MC row, else "" */
	const char *text;	/* the assertion in our own words */
	const char *access;	/* what a test has to reach, letters as in suites/CATALOGUE.md */
	const char *basis;	/* which text was read; "U" marks an unverified part */
	const char *reason;	/* why no test can judge it, else NULL */
};

extern const struct nvsr_requirement nvsr_requirements[];
extern const size_t nvsr_requirement_count;

/* The row with this id, or NULL. */
const struct nvsr_requirement *nvsr_requirement_find(const char *id);
/* "M", "MC", "R", "O" or "I". */
const char *nvsr_level_name(enum nvsr_level level);
/* True for M and MC: a difference is a failure.  False: it is reported. */
bool nvsr_level_judges(enum nvsr_level level);

#endif
