// SPDX-License-Identifier: GPL-2.0-or-later
/* Who runs on which processors.  Interrupt-like paths differ tenfold with it: everything is pinned, and it is recorded. */
#include <ctype.h>

#include "runners/perf/perf.h"

void nvsr_cpus_allowed(struct nvsr_cpus *ret)
{
	cpu_set_t set;

	ret->n = 0;
	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set))
		CPU_SET(0, &set);
	for (int i = 0; i < CPU_SETSIZE && ret->n < NVSR_CPUS_MAX; i++)
		if (CPU_ISSET(i, &set))
			ret->cpu[ret->n++] = i;
}

static bool parse_number(const char **s, unsigned long *ret)
{
	char *end;

	if (!isdigit((unsigned char)**s))
		return false;
	*ret = strtoul(*s, &end, 10);
	*s = end;
	return *ret < NVSR_CPUS_MAX;
}

bool nvsr_cpus_parse(const char *text, struct nvsr_cpus *ret)
{
	bool there[NVSR_CPUS_MAX] = { false };
	const char *s = text;

	do {
		unsigned long from, to;

		if (!parse_number(&s, &from))
			return false;
		to = from;
		if (*s == '-') {
			s++;
			if (!parse_number(&s, &to) || to < from)
				return false;
		}
		for (; from <= to; from++)
			there[from] = true;
	} while (*s++ == ',');
	if (s[-1])
		return false;
	ret->n = 0;
	for (int i = 0; i < NVSR_CPUS_MAX; i++)
		if (there[i])
			ret->cpu[ret->n++] = i;
	return true;
}

char *nvsr_cpus_text(const struct nvsr_cpus *c, char *buf, size_t len)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = 0, end; i < c->n && at < len; i = end + 1) {
		for (end = i; end + 1 < c->n && c->cpu[end + 1] == c->cpu[end] + 1;)
			end++;
		at += (size_t)snprintf(buf + at, len - at, "%s%d", i ? "," : "", c->cpu[i]);
		if (end > i && at < len)
			at += (size_t)snprintf(buf + at, len - at, "-%d", c->cpu[end]);
	}
	return buf;
}

static void one(struct nvsr_cpus *to, int cpu)
{
	to->n = 1;
	to->cpu[0] = cpu;
}

void nvsr_place(const struct nvsr_cpus *cpus, struct nvsr_placement *ret)
{
	unsigned n = cpus->n, guests = n > 2 ? n - 2 : 1;

	ret->cpus = n;
	ret->guest.n = guests;
	memcpy(ret->guest.cpu, cpus->cpu, guests * sizeof(cpus->cpu[0]));
	one(&ret->device, cpus->cpu[n - 1]);
	one(&ret->back_end, n > 2 ? cpus->cpu[n - 2] : cpus->cpu[n - 1]);
}

int nvsr_pin(const struct nvsr_cpus *c)
{
	return nvsr_pin_process(0, c);
}

int nvsr_pin_process(pid_t pid, const struct nvsr_cpus *c)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = 0; i < c->n; i++)
		CPU_SET((unsigned)c->cpu[i], &set);
	return sched_setaffinity(pid, sizeof(set), &set) ? -errno : 0;
}
