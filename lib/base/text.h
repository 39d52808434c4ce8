/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growing strings, globs and small text helpers. */
#ifndef NVSR_BASE_TEXT_H
#define NVSR_BASE_TEXT_H

#include "base/base.h"

/* A growing string.  Zero-initialise; .s is NULL or NUL-terminated.  After an allocation failure .failed stays set
 * and further appends do nothing, so callers check once at the end. */
struct nvsr_text {
	char *s;
	size_t len, cap;
	bool failed;
};
void nvsr_text_add(struct nvsr_text *t, const char *fmt, ...) NVSR_PRINTF(2, 3);
void nvsr_text_addn(struct nvsr_text *t, const char *s, size_t n);
void nvsr_text_free(struct nvsr_text *t);
#define _cleanup_text_ NVSR_CLEANUP(nvsr_text_free)

/* printf into a new string; NULL without memory. */
char *nvsr_asprintf(const char *fmt, ...) NVSR_PRINTF(1, 2);

/* Shell glob over a whole id ('*' also matches '.'). */
bool nvsr_glob(const char *pattern, const char *id);

/*
 * Select by a list of patterns as the command line takes them: the last matching pattern wins, '!' negates, a list
 * that starts with a negation starts from everything; an empty list selects everything.
 */
bool nvsr_selected(const char *const *patterns, size_t n, const char *id);

/* Whole file into a new NUL-terminated string; 0 or negative errno (-EFBIG above @max bytes). */
int nvsr_read_file(const char *path, size_t max, char **ret, size_t *ret_len);
/* Write a whole file durably: temporary file, fsync, rename.  0 or negative errno. */
int nvsr_write_file(const char *path, const void *data, size_t len);
/* mkdir -p.  0 or negative errno. */
int nvsr_mkdirs(const char *path);

#endif
