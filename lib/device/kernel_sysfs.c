// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading and writing sysfs: one line per file, errors as negative errno. */
#include <dirent.h>
#include <fcntl.h>

#include "base/text.h"
#include "device/kernel_sysfs.h"

const char *nvsr_sysfs_root(void)
{
	const char *root = getenv("NVSR_SYSFS");

	return root && root[0] ? root : "/sys";
}

bool nvsr_bdf_parse(const char *s, struct nvsr_bdf *ret)
{
	unsigned domain = 0, bus, dev, fn;
	int end = 0;

	if ((sscanf(s, "%x:%x:%x.%x%n", &domain, &bus, &dev, &fn, &end) != 4 || s[end]) &&
	    (domain = 0, end = 0, sscanf(s, "%x:%x.%x%n", &bus, &dev, &fn, &end) != 3 || s[end]))
		return false;
	if (bus > 0xff || dev > 0x1f || fn > 7)
		return false;
	*ret = (struct nvsr_bdf){ domain, (uint16_t)(bus << 8 | dev << 3 | fn) };
	return true;
}

char *nvsr_bdf_text(struct nvsr_bdf b, char text[NVSR_BDF_LEN])
{
	snprintf(text, NVSR_BDF_LEN, "%04x:%02x:%02x.%u", b.domain & 0xffff, b.rid >> 8, b.rid >> 3 & 0x1f, b.rid & 7u);
	return text;
}

static char *device_path(struct nvsr_bdf b, const char *attr)
{
	char text[NVSR_BDF_LEN];

	return nvsr_asprintf("%s/bus/pci/devices/%s/%s", nvsr_sysfs_root(), nvsr_bdf_text(b, text), attr);
}

static int read_line(const char *path, char *ret, size_t len)
{
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n;

	if (!path)
		return -ENOMEM;
	if (fd < 0)
		return -errno;
	n = read(fd, ret, len - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

static int write_line(const char *path, const char *value)
{
	_cleanup_close_ int fd = path ? open(path, O_WRONLY | O_CLOEXEC) : -1;

	if (!path)
		return -ENOMEM;
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return -errno;
	return 0;
}

int nvsr_sysfs_get(struct nvsr_bdf b, const char *attr, char *ret, size_t len)
{
	_cleanup_free_ char *path = device_path(b, attr);

	return read_line(path, ret, len);
}

int nvsr_sysfs_put(struct nvsr_bdf b, const char *attr, const char *value)
{
	_cleanup_free_ char *path = device_path(b, attr);

	return write_line(path, value);
}

int nvsr_sysfs_link(struct nvsr_bdf b, const char *attr, char *ret, size_t len)
{
	_cleanup_free_ char *path = device_path(b, attr);
	char target[512];
	ssize_t n = path ? readlink(path, target, sizeof(target) - 1) : -1;
	const char *base;

	if (n < 0)
		return path ? -errno : -ENOMEM;
	target[n] = '\0';
	base = strrchr(target, '/');
	return snprintf(ret, len, "%s", base ? base + 1 : target) < (int)len ? 0 : -ENAMETOOLONG;
}

bool nvsr_sysfs_has(struct nvsr_bdf b, const char *attr)
{
	_cleanup_free_ char *path = device_path(b, attr);

	return path && !access(path, F_OK);
}

int nvsr_sysfs_bus_put(const char *file, const char *value)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/bus/pci/%s", nvsr_sysfs_root(), file);

	return write_line(path, value);
}

int nvsr_sysfs_read(const char *path, char *ret, size_t len)
{
	_cleanup_free_ char *full = nvsr_asprintf("%s/%s", nvsr_sysfs_root(), path);

	return read_line(full, ret, len);
}

int nvsr_sysfs_write(const char *path, const char *value)
{
	_cleanup_free_ char *full = nvsr_asprintf("%s/%s", nvsr_sysfs_root(), path);

	return write_line(full, value);
}

/* The first entry of a folder that @take accepts. */
static int find_entry(const char *folder, bool (*take)(const char *name, void *arg), void *arg, char *ret, size_t len)
{
	DIR *dir = folder ? opendir(folder) : NULL;
	const struct dirent *e;
	int rc = -ENOENT;

	if (!dir)
		return folder ? -errno : -ENOMEM;
	while (rc && (e = readdir(dir)))
		if (take(e->d_name, arg))
			rc = snprintf(ret, len, "%s", e->d_name) < (int)len ? 0 : -ENAMETOOLONG;
	closedir(dir);
	return rc;
}

static bool is_controller(const char *name, void *arg)
{
	unsigned n;
	int end = 0;

	return sscanf(name, "nvme%u%n", &n, &end) == 1 && !name[end];
}

int nvsr_sysfs_controller(struct nvsr_bdf b, char *ret, size_t len)
{
	_cleanup_free_ char *folder = device_path(b, "nvme");

	return find_entry(folder, is_controller, NULL, ret, len);
}

struct wanted { const char *ctrl; uint32_t nsid; };

static bool is_namespace(const char *name, void *arg)
{
	const struct wanted *w = arg;
	_cleanup_free_ char *path = NULL;
	char value[32];
	unsigned c, n;
	int end = 0;

	if (sscanf(name, "nvme%un%u%n", &c, &n, &end) != 2 || name[end])
		return false;
	path = nvsr_asprintf("%s/class/nvme/%s/%s/nsid", nvsr_sysfs_root(), w->ctrl, name);
	return path && !read_line(path, value, sizeof(value)) && strtoul(value, NULL, 10) == w->nsid;
}

int nvsr_sysfs_namespace(const char *ctrl, uint32_t nsid, char *ret, size_t len)
{
	_cleanup_free_ char *folder = nvsr_asprintf("%s/class/nvme/%s", nvsr_sysfs_root(), ctrl);
	struct wanted w = { ctrl, nsid };

	return find_entry(folder, is_namespace, &w, ret, len);
}
