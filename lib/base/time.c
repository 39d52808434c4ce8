// SPDX-License-Identifier: GPL-2.0-or-later
/* Clocks and deadlines. */
#include "base/time.h"

#include <errno.h>
#include <time.h>

uint64_t nvsr_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NVSR_S + (uint64_t)ts.tv_nsec;
}

void nvsr_sleep_ns(uint64_t ns, const volatile int *stop)
{
	struct timespec left = { .tv_sec = (time_t)(ns / NVSR_S), .tv_nsec = (long)(ns % NVSR_S) };

	while (!(stop && *stop) && clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

char *nvsr_utc(char *buf, unsigned len)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm) || !strftime(buf, len, "%Y-%m-%dT%H:%M:%SZ", &tm))
		buf[0] = '\0';
	return buf;
}
