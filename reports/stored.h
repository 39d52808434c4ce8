/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: what is written now against what is stored.  UPDATE=1 in the environment stores it instead. */
#ifndef NVSR_REPORTS_STORED_H
#define NVSR_REPORTS_STORED_H

#include "base/text.h"

/* 0; 1 after saying so where the file at @path is not there or has other bytes. */
static inline unsigned nvsr_differs_from_stored(const char *path, const char *data, size_t len)
{
	_cleanup_free_ char *stored = NULL;
	size_t stored_len = 0;

	if (getenv("UPDATE"))
		return nvsr_write_file(path, data, len) != 0;
	if (!nvsr_read_file(path, 1u << 20, &stored, &stored_len) && stored_len == len && !memcmp(stored, data, len))
		return 0;
	fprintf(stderr, "%s: differs from what is written now:\n%.*s\n", path, (int)len, data);
	return 1;
}

#endif
