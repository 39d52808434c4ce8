// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One nvsr-conform on a device at a time.  The lock is on what every name of the device leads to: the configuration space
 * of the PF in sysfs, which needs no place of its own and no clean-up; for a model that keeps its state, a file beside
 * that; and for the other ports of a drive, a file under /run, once it said who it is.  Groups inherit it, so that it ends when the last process that may change the device does.
 */
#include <ctype.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runners/conform/conform.h"

#define ORPHAN_S 120	/* groups whose run was killed: the rest of a test, and restoring */

/* What to lock, malloc'd; "" when nobody else can have this device. */
static char *lock_path(const char *device, const char *state)
{
	if (!strncmp(device, "model:", 6))
		return state ? nvsr_asprintf("%s.lock", state) : strdup("");
	if (device[0] == '/')
		return nvsr_asprintf("/sys/class/nvme/%s/device/config", strrchr(device, '/') + 1);
	return nvsr_asprintf("/sys/bus/pci/devices/%s/config", device);
}

/* True while process @pid runs: a zombie has no command line. */
static bool runs(long pid)
{
	_cleanup_free_ char *path = nvsr_asprintf("/proc/%ld/cmdline", pid), *text = NULL;
	size_t len = 0;

	return path && !nvsr_read_file(path, 1u << 20, &text, &len) && len;
}

/* The process that took the lock, 0 when it is gone: then its groups still hold it. */
static long owner(int fd)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;

	if (fstat(fd, &st) || nvsr_read_file("/proc/locks", 1u << 24, &text, &len))
		return 0;
	for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		unsigned long inode;
		long pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %ld %*x:%*x:%lu", &pid, &inode) == 2 && inode == st.st_ino && pid > 0 &&
		    runs(pid))
			return pid;
	}
	return 0;
}

static int try_lock(int fd)
{
	while (flock(fd, LOCK_EX | LOCK_NB))
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* 0 or the exit code. */
static int take(int fd, const char *device)
{
	uint64_t until = nvsr_now_ns() + ORPHAN_S * NVSR_S;
	bool said = false;
	int rc;

	while ((rc = try_lock(fd)) == -EWOULDBLOCK && nvsr_now_ns() < until && !nvsr_stop) {
		long pid = owner(fd);

		if (pid) {
			nvsr_say("%s: another nvsr-conform works with it, process %ld: one at a time", device, pid);
			return EXIT_USAGE;
		}
		if (!said)
			nvsr_say("%s: waiting for what an interrupted nvsr-conform left running", device);
		said = true;
		nvsr_sleep_ns(20 * NVSR_MS, NULL);
	}
	if (rc)
		nvsr_say("%s: cannot be locked: %s", device, nvsr_stop ? "interrupted" : strerror(-rc));
	return rc ? EXIT_INCOMPLETE : 0;
}

int nvsr_lock(const char *device, const char *state, int *ret_fd)
{
	_cleanup_free_ char *path = lock_path(device, state);
	int fd, rc;

	*ret_fd = -1;
	if (path && !*path)
		return 0;
	fd = path ? open(path, state ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0666) : -1;
	if (fd < 0 && path && !state)
		return 0;	/* no such device: opening it says so in better words */
	if (fd < 0) {
		nvsr_say("%s: %s", path ? path : device, path ? strerror(errno) : "no memory");
		return path ? EXIT_USAGE : EXIT_INCOMPLETE;
	}
	rc = take(fd, device);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}

int nvsr_lock_drive(const char *device, const struct nvsr_drive *drive, int *ret_fd)
{
	const char *run = getenv("NVSR_RUN"), *dir = run && run[0] ? run : "/run/nvsr-conform";
	_cleanup_free_ char *name = drive->nqn[0] ? strdup(drive->nqn) : nvsr_asprintf("%s-%s", drive->model, drive->serial);
	_cleanup_free_ char *path = NULL;
	int fd, rc;

	*ret_fd = -1;
	for (char *s = name; s && *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(".:-", *s))
			*s = '_';
	path = name ? nvsr_asprintf("%s/drive-%.200s.lock", dir, name) : NULL;
	fd = path && !nvsr_mkdirs(dir) ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	if (fd < 0)
		return 0;
	rc = take(fd, device);
	if (rc)
		close(fd);
	else
		*ret_fd = fd;
	return rc;
}
