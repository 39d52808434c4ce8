// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /init of the guest appliance: mounts, loads modules, finds the job channel and serves it until the host says OFF; then powers
 * off.  Whatever goes wrong is said on the console, and ends in power-off: a guest never waits for somebody who does not come.
 * With --fd N, for the test of the agent: serves descriptor N and does nothing else.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "agent.h"

#define PORTS "/sys/class/virtio-ports"
#define MODULES "/lib/modules/boot"

enum { PORT_LIMIT_MS = 30000, PORT_STEP_MS = 10 };

static const struct { const char *type, *where; } mounts[] = {
	{ "proc", "/proc" }, { "sysfs", "/sys" }, { "devtmpfs", "/dev" }, { "tmpfs", "/tmp" }, { "tmpfs", "/run" }, { "tmpfs", "/dev/shm" },
};

static char cmdline[4096];

static void read_cmdline(void)
{
	FILE *f = fopen("/proc/cmdline", "r");

	if (f && !fgets(cmdline, sizeof(cmdline), f))
		*cmdline = '\0';
	if (f)
		fclose(f);
	cmdline[strcspn(cmdline, "\n")] = '\0';
}

/* Parameters of a module stand as MODULE.NAME=VALUE on the kernel's command line; only its loader picks them out. */
static void parameters(const char *path, char *ret, size_t room)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char name[64], *words = strdup(cmdline), *next = words, *word;
	size_t len, used = 0;

	snprintf(name, sizeof(name), "%.*s.", (int)strcspn(base, "."), base);
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	len = strlen(name);
	*ret = '\0';
	while (words && (word = strsep(&next, " ")))
		if (!strncmp(word, name, len) && used + strlen(word) < room)
			used += (size_t)snprintf(ret + used, room - used, "%s ", word + len);
	free(words);
}

/* In the order of the list, which has what a module needs before it. */
static void load_modules(void)
{
	char path[256], options[512];
	FILE *list = fopen(MODULES, "r");

	while (list && fgets(path, sizeof(path), list)) {
		int fd;

		path[strcspn(path, "\n")] = '\0';
		parameters(path, options, sizeof(options));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, options, 0) && errno != EEXIST))
			fprintf(stderr, "init: %s: %s\n", path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	if (list)
		fclose(list);
}

/* Return: a descriptor of the port with our name, -1 when there is none yet. */
static int open_port(void)
{
	DIR *dir = opendir(PORTS);
	struct dirent *e;
	int fd = -1;

	while (fd < 0 && dir && (e = readdir(dir))) {
		char path[320], name[64] = "";
		FILE *f;

		snprintf(path, sizeof(path), PORTS "/%s/name", e->d_name);
		f = *e->d_name == '.' ? NULL : fopen(path, "r");
		if (f && !fgets(name, sizeof(name), f))
			*name = '\0';
		if (f)
			fclose(f);
		name[strcspn(name, "\n")] = '\0';
		if (strcmp(name, NVSR_AGENT_PORT))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

static int find_port(void)
{
	static const struct timespec step = { .tv_nsec = PORT_STEP_MS * 1000000l };
	int fd = -1;

	for (int ms = 0; fd < 0 && ms < PORT_LIMIT_MS; ms += PORT_STEP_MS) {
		fd = open_port();
		if (fd < 0)
			nanosleep(&step, NULL);
	}
	return fd;
}

static int guest(void)
{
	struct nvsr_agent_options o = { .comes_back = true, .alone = true, .folder = "/tmp" };
	int r;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL))
			fprintf(stderr, "init: %s: %s\n", mounts[i].where, strerror(errno));
	}
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/tmp", 1);
	read_cmdline();
	load_modules();
	o.port = find_port();
	if (o.port < 0) {
		fprintf(stderr, "init: no virtio-serial port is named %s\n", NVSR_AGENT_PORT);
	} else {
		fprintf(stderr, "init: ready\n");
		r = nvsr_agent_serve(&o);
		if (r)
			fprintf(stderr, "init: the job channel failed: %s\n", strerror(-r));
	}
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}

int main(int argc, char **argv)
{
	struct nvsr_agent_options o = { 0 };
	char folder[64];	/* scripts run in folders below it: no relative name */

	if (getpid() == 1)
		return guest();
	if (argc != 3 || strcmp(argv[1], "--fd")) {
		fprintf(stderr, "usage: agent --fd N; as process 1 of a guest: no arguments\n");
		return 2;
	}
	o.folder = getcwd(folder, sizeof(folder));
	if (!o.folder) {
		perror("agent: the current folder");
		return 1;
	}
	o.port = atoi(argv[2]);
	return nvsr_agent_serve(&o) ? 1 : 0;
}
