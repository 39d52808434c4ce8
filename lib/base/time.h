/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clocks and deadlines.  All times are monotonic nanoseconds unless a name says otherwise. */
#ifndef NVSR_BASE_TIME_H
#define NVSR_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define NVSR_MS 1000000ull
#define NVSR_S  1000000000ull

/* Monotonic time of this machine in ns. */
uint64_t nvsr_now_ns(void);
/* Sleep at least @ns; restarts after signals unless *@stop (may be NULL) became non-zero. */
void nvsr_sleep_ns(uint64_t ns, const volatile int *stop);
/* UTC of now as 2026-11-20T11:02:18Z in @buf (at least 21 bytes); returns @buf. */
char *nvsr_utc(char *buf, unsigned len);

#endif
