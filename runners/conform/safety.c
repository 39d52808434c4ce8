// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who uses the namespaces of a device.  Asked before anything may be destroyed: every namespace of the whole subsystem
 * counts, whichever controller it is seen through, and every partition on it.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>

#include "runners/conform/conform.h"

#define SMALL (1u << 20)

/* One line of a sysfs attribute; false when it is not there. */
static bool read_attribute(char *buf, size_t len, const char *folder, const char *name)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", folder, name), *text = NULL;
	size_t n;

	if (!path || nvsr_read_file(path, SMALL, &text, &n))
		return false;
	text[strcspn(text, "\n")] = '\0';
	snprintf(buf, len, "%s", text);
	return true;
}

/* The name of the controller of @device ("nvme0"): the device node's name, or what the PCI function has. */
static bool controller_name(const char *root, const char *device, char *buf, size_t len)
{
	const char *base = strrchr(device, '/');
	_cleanup_free_ char *folder = NULL;
	const struct dirent *entry;
	bool found = false;
	DIR *d;

	if (base) {
		snprintf(buf, len, "%s", base + 1);
		return true;
	}
	folder = nvsr_asprintf("%s/sys/bus/pci/devices/%s/nvme", root, device);
	d = folder ? opendir(folder) : NULL;
	while (d && !found && (entry = readdir(d)))
		if (!strncmp(entry->d_name, "nvme", 4)) {
			snprintf(buf, len, "%.63s", entry->d_name);
			found = true;
		}
	if (d)
		closedir(d);
	return found;
}

static bool has_entries(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *entry;
	bool any = false;

	while (d && !any && (entry = readdir(d)))
		any = entry->d_name[0] != '.';
	if (d)
		closedir(d);
	return any;
}

/* Mounted: by device number, so bind mounts and other names count too. */
static void check_mounts(struct nvsr_text *out, const char *root, const char *block, const char *number)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/proc/self/mountinfo", root), *text = NULL;
	char *line, *next;
	size_t len;

	if (!path || nvsr_read_file(path, 16 * SMALL, &text, &len))
		return;
	for (line = text; line; line = next) {
		char dev[32], where[512], *source;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (sscanf(line, "%*s %*s %31s %*s %511s", dev, where) != 2)
			continue;
		/* btrfs shows an anonymous number; then the source after " - fstype" tells */
		source = strstr(line, " - ");
		source = source ? strchr(source + 3, ' ') : NULL;
		if (!strcmp(dev, number) || (source && !strncmp(source + 1, "/dev/", 5) && !strncmp(source + 6, block, strlen(block)) &&
					     source[6 + strlen(block)] == ' '))
			nvsr_text_add(out, "  /dev/%s is mounted on %s\n", block, where);
	}
}

static void check_swap(struct nvsr_text *out, const char *root, const char *block)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/proc/swaps", root), *text = NULL;
	_cleanup_free_ char *name = nvsr_asprintf("/dev/%s", block);
	size_t len;

	if (!path || !name || nvsr_read_file(path, SMALL, &text, &len))
		return;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, strlen(name)) && isspace((unsigned char)line[strlen(name)]))
			nvsr_text_add(out, "  /dev/%s is swap space\n", block);
	}
}

static void check_block(struct nvsr_text *out, const char *root, const char *block)
{
	_cleanup_free_ char *folder = nvsr_asprintf("%s/sys/class/block/%s", root, block);
	_cleanup_free_ char *holders = nvsr_asprintf("%s/sys/class/block/%s/holders", root, block);
	_cleanup_free_ char *node = nvsr_asprintf("%s/dev/%s", root, block);
	char number[32] = "";
	size_t before = out->len;
	int fd;

	if (!folder || !holders || !node)
		return;
	if (read_attribute(number, sizeof(number), folder, "dev"))
		check_mounts(out, root, block, number);
	check_swap(out, root, block);
	if (has_entries(holders))
		nvsr_text_add(out, "  /dev/%s is held by another device (LVM, RAID, …)\n", block);
	if (out->len > before)
		return;
	fd = open(node, O_RDONLY | O_EXCL | O_CLOEXEC);
	if (fd < 0 && errno == EBUSY)
		nvsr_text_add(out, "  /dev/%s is open exclusively\n", block);
	if (fd >= 0)
		close(fd);
}

/* Whether a block device, or the disk of a partition, belongs to the subsystem. */
static bool of_subsystem(const char *root, const char *block, const char *nqn)
{
	static const char *const ways[] = { "device", "../device" };
	char theirs[256];

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(ways); i++) {
		_cleanup_free_ char *link = nvsr_asprintf("%s/sys/class/block/%s", root, block);
		_cleanup_free_ char *real = link ? realpath(link, NULL) : NULL;
		_cleanup_free_ char *folder = real ? nvsr_asprintf("%s/%s", real, ways[i]) : NULL;

		if (folder && read_attribute(theirs, sizeof(theirs), folder, "subsysnqn"))
			return !strcmp(theirs, nqn);
	}
	return false;
}

char *nvsr_in_use(const char *root, const char *device)
{
	struct nvsr_text out = { 0 };
	char controller[64], nqn[256];
	_cleanup_free_ char *folder = NULL, *blocks = nvsr_asprintf("%s/sys/class/block", root);
	const struct dirent *entry;
	DIR *d;

	/* A function without a kernel driver has no block devices. */
	if (!controller_name(root, device, controller, sizeof(controller)))
		return strdup("");
	folder = nvsr_asprintf("%s/sys/class/nvme/%s", root, controller);
	errno = ENOENT;
	if (!folder || !blocks || !read_attribute(nqn, sizeof(nqn), folder, "subsysnqn"))
		return NULL;
	d = opendir(blocks);
	if (!d)
		return NULL;
	while ((entry = readdir(d)))
		if (!strncmp(entry->d_name, "nvme", 4) && of_subsystem(root, entry->d_name, nqn))
			check_block(&out, root, entry->d_name);
	closedir(d);
	return out.s ? out.s : strdup("");
}
