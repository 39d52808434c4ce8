// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A second opinion of a drive, for the tests of the lab: what sysfs and the drive itself say, by ioctls and files alone, with
 * nothing of the library.  Two readings of a drive that was left alone are equal, but for the table of what never stands still.
 * Usage: reading BDF [--data], e.g. 0000:01:00.0; --data adds a checksum of every block of every namespace that is attached.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/nvme_ioctl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PCI "/sys/bus/pci/devices"
#define PAGE 4096

enum { GET_LOG = 0x02, IDENTIFY = 0x06, GET_FEATURES = 0x0a };

/* What changes by itself, or by being looked at: @len bytes at @from of a log page. */
static const struct { unsigned lid, from, len; const char *why; } moving_logs[] = {
	{ 0x01, 0, PAGE, "errors: tests ask for what does not exist" },
	{ 0x02, 1, 2, "temperature is measured" },
	{ 0x04, 0, PAGE, "changed namespaces: a list of events, which their driver reads away" },
	{ 0x02, 32, 16, "data units read: tests read" },
	{ 0x02, 64, 16, "read commands: tests read" },
	{ 0x02, 96, 16, "busy time" },
	{ 0x02, 128, 16, "power on hours" },
	{ 0x02, 176, 16, "number of errors" },
	{ 0x02, 192, 24, "time above a temperature, temperature sensors" },
};
static const struct { unsigned fid; const char *why; } moving_features[] = {
	{ 0x0e, "the time of day goes on" },
};

static uint64_t fnv(uint64_t h, const uint8_t *p, size_t n)
{
	while (n--)
		h = (h ^ *p++) * 0x100000001b3ull;
	return h;
}
#define FNV_START 0xcbf29ce484222325ull

/* --- sysfs --------------------------------------------------------------------------------------------------------------- */

static void put_attribute(const char *bdf, const char *name)
{
	char path[512], line[256] = "-";
	FILE *f;

	snprintf(path, sizeof(path), PCI "/%s/%s", bdf, name);
	f = fopen(path, "r");
	if (f && !fgets(line, sizeof(line), f))
		strcpy(line, "-");
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = '\0';
	printf("%s %s: %s\n", bdf, name, line);
}

/* The last part of what a link in the folder of a function names; false when there is none. */
static bool read_link(const char *bdf, const char *name, char *ret, size_t len)
{
	char path[512], target[512];
	ssize_t n;

	snprintf(path, sizeof(path), PCI "/%s/%s", bdf, name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	snprintf(ret, len, "%.*s", (int)len - 1, strrchr(target, '/') ? strrchr(target, '/') + 1 : target);
	return true;
}

static void put_function(const char *bdf)
{
	char driver[64];

	printf("%s driver: %s\n", bdf, read_link(bdf, "driver", driver, sizeof(driver)) ? driver : "-");
	put_attribute(bdf, "driver_override");
	put_attribute(bdf, "enable");
	put_attribute(bdf, "reset_method");
}

/* --- the drive ------------------------------------------------------------------------------------------------------------- */

static uint8_t data[PAGE];

static int command(int fd, struct nvme_admin_cmd c)
{
	memset(data, 0, sizeof(data));
	c.addr = (uint64_t)(uintptr_t)data;
	c.data_len = sizeof(data);
	if (ioctl(fd, NVME_IOCTL_ADMIN_CMD, &c))
		return -1;
	return (int)(c.result & INT32_MAX);
}

static void identify(int fd, const char *who, unsigned cns, unsigned nsid)
{
	struct nvme_admin_cmd c = { .opcode = IDENTIFY, .nsid = nsid, .cdw10 = cns };

	if (command(fd, c) >= 0)
		printf("%s identify %02x namespace %u: %016" PRIx64 "\n", who, cns, nsid, fnv(FNV_START, data, sizeof(data)));
}

static void features(int fd, const char *who, unsigned nsid)
{
	for (unsigned fid = 1; fid <= 0xff; fid++) {
		bool moves = false;

		for (size_t i = 0; i < sizeof(moving_features) / sizeof(moving_features[0]); i++)
			moves |= moving_features[i].fid == fid;
		for (unsigned sel = 0; sel < 4 && !moves; sel++) {
			struct nvme_admin_cmd c = { .opcode = GET_FEATURES, .nsid = nsid, .cdw10 = sel << 8 | fid };
			int value = command(fd, c);

			if (value < 0)
				break;
			printf("%s feature %02x select %u namespace %u: %x %016" PRIx64 "\n", who, fid, sel, nsid, (unsigned)value,
			       fnv(FNV_START, data, sizeof(data)));
		}
	}
}

static void logs(int fd, const char *who)
{
	for (unsigned lid = 0; lid <= 0xff; lid++) {
		/* Retain Asynchronous Event: nothing is to be cleared by looking. */
		struct nvme_admin_cmd c = {
			.opcode = GET_LOG, .nsid = 0xffffffff, .cdw10 = lid | 1u << 15 | (PAGE / 4 - 1) << 16,
		};

		if (command(fd, c) < 0)
			continue;
		for (size_t i = 0; i < sizeof(moving_logs) / sizeof(moving_logs[0]); i++)
			if (moving_logs[i].lid == lid)
				memset(data + moving_logs[i].from, 0, moving_logs[i].len);
		printf("%s log %02x: %016" PRIx64 "\n", who, lid, fnv(FNV_START, data, sizeof(data)));
	}
}

static void controller(const char *name, const char *who)
{
	static const uint8_t of_controller[] = { 0x01, 0x02, 0x05, 0x06, 0x07, 0x10, 0x13, 0x14, 0x15, 0x1c };
	static const uint8_t of_namespace[] = { 0x00, 0x03, 0x05, 0x08, 0x11, 0x12 };
	struct nvme_admin_cmd list = { .opcode = IDENTIFY, .cdw10 = 0x10 };
	unsigned nsid[PAGE / 4];
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		printf("%s cannot be opened: %s\n", who, strerror(errno));
		return;
	}
	for (size_t i = 0; i < sizeof(of_controller); i++)
		identify(fd, who, of_controller[i], 0);
	features(fd, who, 0);
	if (command(fd, list) < 0)
		memset(data, 0, sizeof(data));
	memcpy(nsid, data, sizeof(nsid));
	for (size_t n = 0; n < PAGE / 4 && nsid[n]; n++) {
		for (size_t i = 0; i < sizeof(of_namespace); i++)
			identify(fd, who, of_namespace[i], nsid[n]);
		features(fd, who, nsid[n]);
	}
	logs(fd, who);
	close(fd);
}

static void checksum(const char *name, const char *bdf)
{
	static uint8_t block[1 << 20] __attribute__((aligned(PAGE)));
	uint64_t h = FNV_START, bytes = 0;
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDONLY | O_DIRECT);
	for (; fd >= 0 && (n = pread(fd, block, sizeof(block), (off_t)bytes)) > 0; bytes += (uint64_t)n)
		h = fnv(h, block, (size_t)n);
	printf("%s %s: %" PRIu64 " bytes, checksum %016" PRIx64 "%s\n", bdf, strchr(name + 4, 'n') ? strchr(name + 4, 'n') : name,
	       bytes, h, fd < 0 ? ", cannot be opened" : "");
	if (fd >= 0)
		close(fd);
}

/* Every entry of a folder that begins with @prefix, in the order of names. */
static void each(const char *folder, const char *prefix, void (*take)(const char *name, const char *bdf), const char *bdf)
{
	struct dirent **entry = NULL;
	int n = scandir(folder, &entry, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		if (!strncmp(entry[i]->d_name, prefix, strlen(prefix)))
			take(entry[i]->d_name, bdf);
		free(entry[i]);
	}
	free(entry);
}

static bool with_data;

/* Names of controllers are not stable: lines are named after the function. */
static void take_controller(const char *name, const char *bdf)
{
	char folder[300];

	controller(name, bdf);
	snprintf(folder, sizeof(folder), "/sys/class/nvme/%s", name);
	if (with_data)
		each(folder, "nvme", checksum, bdf);
}

static void take_function(const char *bdf)
{
	char folder[300];

	put_function(bdf);
	snprintf(folder, sizeof(folder), PCI "/%s/nvme", bdf);
	each(folder, "nvme", take_controller, bdf);
}

static void take_vf(const char *name, const char *bdf)
{
	char vf[64];

	if (read_link(bdf, name, vf, sizeof(vf)))
		take_function(vf);
}

int main(int argc, char **argv)
{
	char folder[300];

	with_data = argc == 3 && !strcmp(argv[2], "--data");
	if (argc < 2 || argc > 3 || (argc == 3 && !with_data)) {
		fprintf(stderr, "usage: reading BDF [--data]\n");
		return 2;
	}
	snprintf(folder, sizeof(folder), PCI "/%s", argv[1]);
	if (access(folder, F_OK)) {
		fprintf(stderr, "%s: no such function\n", argv[1]);
		return 2;
	}
	put_attribute(argv[1], "sriov_numvfs");
	put_attribute(argv[1], "sriov_drivers_autoprobe");
	take_function(argv[1]);
	each(folder, "virtfn", take_vf, argv[1]);
	return 0;
}
