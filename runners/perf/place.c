// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who runs on which processors.  Interrupt-like paths differ tenfold with it: everything is pinned, and it is recorded.  And whether
 * the host has memory for all.
 */
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

void nvsr_place(const struct nvsr_cpus *cpus, unsigned threads, struct nvsr_placement *ret)
{
	unsigned n = cpus->n, devices = NVSR_MAX(1u, NVSR_MIN(threads, n > 1 ? n - 1 : 1u));
	unsigned guests = n > devices + 1 ? n - devices - 1 : 1;

	ret->cpus = n;
	ret->guest.n = guests;
	memcpy(ret->guest.cpu, cpus->cpu, guests * sizeof(cpus->cpu[0]));
	ret->device.n = devices;
	memcpy(ret->device.cpu, cpus->cpu + n - devices, devices * sizeof(cpus->cpu[0]));
	one(&ret->back_end, n > devices + 1 ? cpus->cpu[n - devices - 1] : cpus->cpu[n - 1]);
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

uint64_t nvsr_memory_available_mib(void)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long kib = 0;
	const char *at;

	if (nvsr_read_file("/proc/meminfo", 1u << 16, &text, NULL) || !(at = strstr(text, "MemAvailable:")) ||
	    sscanf(at, "MemAvailable: %llu", &kib) != 1)
		return UINT64_MAX;
	return kib >> 10;
}

int nvsr_memory_suffices(unsigned vms, unsigned mib, uint64_t available_mib, struct nvsr_complaint *complaint)
{
	if ((uint64_t)vms * mib <= available_mib)
		return 0;
	snprintf(complaint->text, sizeof(complaint->text), "%u guest%s with %u MiB %s too much for this host, which has %llu MiB available", vms,
		 vms == 1 ? "" : "s", mib, vms == 1 ? "is" : "each are", (unsigned long long)available_mib);
	return -ENOMEM;
}
