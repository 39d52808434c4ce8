// SPDX-License-Identifier: GPL-2.0-or-later
/* What the machine did within a window: the host as a whole, and the processes of each role. */
#include <dirent.h>
#include <glob.h>
#include <time.h>

#include "runners/perf/perf.h"

/* user nice system idle iowait irq softirq steal; guests are in user already. */
#define LISTENS 0x10000u	/* of a Unix socket's flags */
enum { CPU_IDLE = 3, CPU_IOWAIT = 4, CPU_FIELDS = 8 };

static void read_host(struct nvsr_sample *s)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long v[CPU_FIELDS] = { 0 }, busy = 0, n;
	const char *line;

	if (nvsr_read_file("/proc/stat", 1u << 22, &text, NULL))
		return;
	sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
	for (unsigned i = 0; i < CPU_FIELDS; i++)
		busy += i == CPU_IDLE || i == CPU_IOWAIT ? 0 : v[i];
	s->busy_ns = busy * (NVSR_S / (uint64_t)sysconf(_SC_CLK_TCK));
	line = strstr(text, "\nintr ");
	if (line && sscanf(line, "\nintr %llu", &n) == 1)
		s->interrupts = n;
	line = strstr(text, "\nctxt ");
	if (line && sscanf(line, "\nctxt %llu", &n) == 1)
		s->context_switches = n;
}

uint64_t nvsr_interrupts_of(const char *name)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;
	uint64_t sum = 0;

	if (nvsr_read_file("/proc/interrupts", 1u << 24, &text, NULL))
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *at = strstr(line, name) ? strchr(line, ':') : NULL, *end;

		/* One number for each processor, then words. */
		for (; at && *++at; at = end - 1) {
			unsigned long long n = strtoull(at, &end, 10);

			if (end == at)
				break;
			sum += n;
		}
	}
	return sum;
}

/* The inode of the socket that listens at @path: the kernel has a line for each, whose last word is the path; 0 without one. */
static unsigned long inode_of(const char *path)
{
	_cleanup_free_ char *text = NULL;
	char *save = NULL;

	if (nvsr_read_file("/proc/net/unix", 1u << 24, &text, NULL))
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long inode;
		unsigned flags;
		int at = 0;

		if (sscanf(line, "%*s %*s %*s %x %*s %*s %lu %n", &flags, &inode, &at) == 2 && at && (flags & LISTENS) && !strcmp(line + at, path))
			return inode;
	}
	return 0;
}

pid_t nvsr_listener_of(const char *path)
{
	unsigned long inode = inode_of(path);
	_cleanup_free_ char *socket = nvsr_asprintf("socket:[%lu]", inode);
	glob_t g = { 0 };
	char link[64];
	int pid = 0;

	if (!inode || !socket || glob("/proc/[0-9]*/fd/*", GLOB_NOSORT, NULL, &g))
		return 0;
	for (size_t i = 0; i < g.gl_pathc && !pid; i++) {
		ssize_t n = readlink(g.gl_pathv[i], link, sizeof(link));

		if (n == (ssize_t)strlen(socket) && !memcmp(link, socket, (size_t)n))
			sscanf(g.gl_pathv[i], "/proc/%d/", &pid);
	}
	globfree(&g);
	return pid;
}

uint64_t nvsr_cpu_ns(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	/* To the clock 0 and -1 are ourselves. */
	if (pid <= 0 || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return 0;
	return (uint64_t)ts.tv_sec * NVSR_S + (uint64_t)ts.tv_nsec;
}

static uint64_t value_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	unsigned long long n = 0;

	if (at)
		sscanf(at + strlen(key), "%llu", &n);
	return n;
}

/* Context switches of all threads of a process. */
static void add_switches(pid_t pid, uint64_t *voluntary, uint64_t *involuntary)
{
	const struct dirent *e;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		_cleanup_free_ char *text = NULL;
		char status[sizeof(path) + 256 + 8];

		if (e->d_name[0] == '.')
			continue;
		snprintf(status, sizeof(status), "%s/%s/status", path, e->d_name);
		if (nvsr_read_file(status, 1u << 16, &text, NULL))
			continue;
		*voluntary += value_of(text, "\nvoluntary_ctxt_switches:");
		*involuntary += value_of(text, "\nnonvoluntary_ctxt_switches:");
	}
	if (d)
		closedir(d);
}

void nvsr_sample_take(const pid_t *const pid[NVSR_ROLES], const unsigned pids[NVSR_ROLES], struct nvsr_sample *ret)
{
	struct nvsr_sample s = { 0 };

	for (unsigned r = 0; r < NVSR_ROLES; r++)
		for (unsigned i = 0; i < pids[r]; i++)
			add_switches(pid[r][i], &s.role[r].voluntary, &s.role[r].involuntary);
	read_host(&s);
	/* Last and close together: the moment, and what is compared with the time between two of them. */
	s.at = nvsr_now_ns();
	for (unsigned r = 0; r < NVSR_ROLES; r++)
		for (unsigned i = 0; i < pids[r]; i++)
			s.role[r].cpu_ns += nvsr_cpu_ns(pid[r][i]);
	*ret = s;
}

double nvsr_overlap_of(const uint64_t *begin, const uint64_t *end, unsigned n)
{
	uint64_t first = UINT64_MAX, from = 0, to = UINT64_MAX, last = 0;

	for (unsigned i = 0; i < n; i++) {
		first = NVSR_MIN(first, begin[i]);
		from = NVSR_MAX(from, begin[i]);
		to = NVSR_MIN(to, end[i]);
		last = NVSR_MAX(last, end[i]);
	}
	return n && to > from && last > first ? (double)(to - from) / (double)(last - first) : 0;
}

/* Differences: a counter of something that ended meanwhile does not become a huge number. */
static json_t *more(uint64_t a, uint64_t b)
{
	return json_integer(b > a ? (json_int_t)(b - a) : 0);
}

char *nvsr_sample_text(const struct nvsr_sample *a, const struct nvsr_sample *b, unsigned cpus, unsigned roles)
{
	static const char *const names[NVSR_ROLES] = { "guest", "device", "backend" };
	json_t *groups = json_object(), *counters = json_object();
	_cleanup_free_ char *text = NULL;
	json_t *o;

	for (unsigned r = 0; r < NVSR_ROLES; r++)
		if (roles >> r & 1)
			json_object_set_new(groups, names[r],
					    json_pack("{s:o,s:o,s:o}", "cpu_ns", more(a->role[r].cpu_ns, b->role[r].cpu_ns),
						      "voluntary", more(a->role[r].voluntary, b->role[r].voluntary),
						      "involuntary", more(a->role[r].involuntary, b->role[r].involuntary)));
	/* A drive does not say how often it sleeps. */
	if (roles >> NVSR_ROLE_DEVICE & 1)
		json_object_set_new(counters, "device",
				    json_pack("{s:o,s:o,s:o,s:o}", "commands", more(a->device.commands, b->device.commands),
					      "interrupts", more(a->device.interrupts, b->device.interrupts),
					      "wakeups", more(a->device.wakeups, b->device.wakeups),
					      "sleeps", more(a->device.sleeps, b->device.sleeps)));
	else if (b->device.interrupts > a->device.interrupts)
		json_object_set_new(counters, "device",
				    json_pack("{s:o}", "interrupts", more(a->device.interrupts, b->device.interrupts)));
	/* Only back ends of ours count. */
	if (roles >> NVSR_ROLE_DEVICE & 1 && roles >> NVSR_ROLE_BACK_END & 1)
		json_object_set_new(counters, "backend",
				    json_pack("{s:o,s:o,s:o}", "kicks", more(a->back_end.kicks, b->back_end.kicks),
					      "calls", more(a->back_end.calls, b->back_end.calls),
					      "requests", more(a->back_end.requests, b->back_end.requests)));
	o = json_pack("{s:i,s:I,s:o,s:i,s:{s:o,s:o,s:o},s:o,s:o}", "version", 1, "begin_ns", (json_int_t)a->at, "window_ns", more(a->at, b->at), "cpus", (int)cpus, "host",
		      "busy_ns", more(a->busy_ns, b->busy_ns), "interrupts", more(a->interrupts, b->interrupts),
		      "context_switches", more(a->context_switches, b->context_switches), "groups", groups, "counters", counters);
	if (o && b->overlap > 0)
		json_object_set_new(o, "overlap", json_real(b->overlap));
	text = o ? json_dumps(o, JSON_INDENT(1)) : NULL;
	json_decref(o);
	return text ? nvsr_asprintf("%s\n", text) : NULL;
}
