/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: what has to hold, and how often it did not.  EXPECT() goes on; main() returns failed != 0. */
#ifndef NVSR_BASE_EXPECT_H
#define NVSR_BASE_EXPECT_H

#include <stdio.h>

static unsigned failed __attribute__((unused));

/* Words of printf() follow the condition: what there is instead. */
#define EXPECT(cond, ...) do { if (!(cond)) { failed++; \
	fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #cond); fprintf(stderr, __VA_ARGS__); \
	fputc('\n', stderr); } } while (0)

#endif
