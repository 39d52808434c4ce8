// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting for the kernel's scan of namespaces, as far as sysfs tells. */
#include <dirent.h>

#include "base/text.h"
#include "base/time.h"
#include "device/kernel_nvme.h"
#include "device/kernel_scan.h"
#include "device/kernel_sysfs.h"
#include "spec/nvme.h"

#define LIST_ENTRIES (4096 / sizeof(le32_t))

static bool is_attached(const le32_t *active, unsigned long nsid)
{
	for (unsigned i = 0; i < LIST_ENTRIES && le32_get(active[i]); i++)
		if (le32_get(active[i]) == nsid)
			return true;
	return false;
}

/* The generic character device ("ng0n1" of "nvme0n1") is made after the block device has read its partition table. */
static bool is_complete(const char *ctrl, const char *block)
{
	_cleanup_free_ char *class = nvsr_asprintf("%s/class/nvme-generic", nvsr_sysfs_root());
	_cleanup_free_ char *generic = nvsr_asprintf("%s/class/nvme/%s/ng%s", nvsr_sysfs_root(), ctrl, block + strlen("nvme"));

	/* A path below a multipath device ("nvme0c0n1") has none, nor has any namespace before Linux 5.13. */
	return strchr(block, 'c') || !class || access(class, F_OK) || !generic || !access(generic, F_OK);
}

/* True when each attached namespace has its block device, and no block device is left of another. */
static bool shows(const char *ctrl, const le32_t *active)
{
	_cleanup_free_ char *folder = nvsr_asprintf("%s/class/nvme/%s", nvsr_sysfs_root(), ctrl);
	DIR *dir = folder ? opendir(folder) : NULL;
	unsigned attached = 0, shown = 0;
	bool same = true;
	const struct dirent *e;

	while (attached < LIST_ENTRIES && le32_get(active[attached]))
		attached++;
	while (dir && same && (e = readdir(dir))) {
		_cleanup_free_ char *path = NULL;
		char nsid[16];

		if (strncmp(e->d_name, "nvme", 4))
			continue;
		path = nvsr_asprintf("class/nvme/%s/%s/nsid", ctrl, e->d_name);
		same = path && !nvsr_sysfs_read(path, nsid, sizeof(nsid)) && is_attached(active, strtoul(nsid, NULL, 10)) &&
		       is_complete(ctrl, e->d_name);
		shown++;
	}
	if (dir)
		closedir(dir);
	return dir && same && shown == attached;
}

bool nvsr_kernel_settle(int fd, const char *ctrl, unsigned ms)
{
	uint64_t until = nvsr_now_ns() + ms * NVSR_MS;
	le32_t active[LIST_ENTRIES];
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_CNS_ACTIVE_NS, .data = active, .data_len = sizeof(active),
	};

	if (nvsr_kernel_admin(fd, &c, ms))
		return false;
	while (!shows(ctrl, active)) {
		if (nvsr_now_ns() >= until)
			return false;
		nvsr_sleep_ns(5 * NVSR_MS, NULL);
	}
	return true;
}
