/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small things every other file needs: attributes, clean-up, array helpers.  Knows no NVMe. */
#ifndef NVSR_BASE_BASE_H
#define NVSR_BASE_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NVSR_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NVSR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define NVSR_UNUSED __attribute__((unused))
#define NVSR_MUST_USE __attribute__((warn_unused_result))

/* An argument may be evaluated twice: never pass a call that does something. */
#define NVSR_MIN(a, b) ((a) < (b) ? (a) : (b))
#define NVSR_MAX(a, b) ((a) > (b) ? (a) : (b))
#define NVSR_DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define NVSR_ROUND_UP(n, d) (NVSR_DIV_ROUND_UP(n, d) * (d))

/* Layout proofs for structures taken from a standard. */
#define NVSR_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), #type " is not " #bytes " bytes")
#define NVSR_AT(type, member, offset) \
	_Static_assert(offsetof(type, member) == (offset), #type "." #member " is not at " #offset)

/* Clean-up attributes: _cleanup_free_ char *s = NULL; … releases on every return. */
#define NVSR_CLEANUP(fn) __attribute__((cleanup(fn)))
static inline void nvsr_freep(void *p) { free(*(void **)p); }
static inline void nvsr_closep(const int *fd) { if (*fd >= 0) close(*fd); }
static inline void nvsr_fclosep(FILE **f) { if (*f) fclose(*f); }
#define _cleanup_free_ NVSR_CLEANUP(nvsr_freep)
#define _cleanup_close_ NVSR_CLEANUP(nvsr_closep)
#define _cleanup_fclose_ NVSR_CLEANUP(nvsr_fclosep)

#endif
