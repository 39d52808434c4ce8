/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading members of JSON objects, with complaints that name them.  Inside lib/result only. */
#ifndef NVSR_RESULT_PERF_JSON_H
#define NVSR_RESULT_PERF_JSON_H

#include <jansson.h>

#include "result/perf.h"

#define NVSR_PERF_COMPLAINT 512

/* Where a member stands, and where to complain. */
struct nvsr_perf_at {
	const char *file;
	unsigned line;		/* 0: of no line */
	const char *parent;	/* "jobs[0].read.", or "" */
	char *complaint;
};

/* "FILE:LINE: field PARENT.KEY: …", returns -EINVAL. */
int nvsr_perf_complain(const struct nvsr_perf_at *at, const char *key, const char *expected);
/* A number that is finite and not negative. */
int nvsr_perf_number(const struct nvsr_perf_at *at, const json_t *o, const char *key, double *ret);
/* An integer from @min to @max. */
int nvsr_perf_integer(const struct nvsr_perf_at *at, const json_t *o, const char *key, uint64_t min, uint64_t max, uint64_t *ret);
/* A string, made printable.  Absent is fine where it is not @needed. */
int nvsr_perf_text(const struct nvsr_perf_at *at, const json_t *o, const char *key, bool needed, char **ret);
int nvsr_perf_object(const struct nvsr_perf_at *at, const json_t *o, const char *key, json_t **ret);
/* What follows from other values of a repeat. */
void nvsr_perf_derive(double *value);
/* A name that is fit for paths and scripts: a-z 0-9 . - only, begins with a letter or digit, up to 120 characters. */
bool nvsr_perf_is_name(const char *s);

#endif
