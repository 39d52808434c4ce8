// SPDX-License-Identifier: GPL-2.0-or-later
/* Every way in which a namespace of a subsystem can be in use is seen, on made-up sysfs and proc trees. */
#include <sys/stat.h>

#include "runners/conform/conform.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";
const struct nvsr_command *const nvsr_commands[] = { NULL };

static unsigned failed;
static char root[] = "/tmp/nvsr-safety-XXXXXX";

#define DISK "sys/devices/pci/0000:01:00.0/nvme/nvme0/nvme0n1"
#define OTHER "sys/devices/pci/0000:02:00.0/nvme/nvme1/nvme1n1"

static void put(const char *path, const char *text)
{
	_cleanup_free_ char *full = nvsr_asprintf("%s/%s", root, path), *folder = strdup(full);

	*strrchr(folder, '/') = '\0';
	if (nvsr_mkdirs(folder) || nvsr_write_file(full, text, strlen(text)))
		failed++;
}

static void link_to(const char *path, const char *target)
{
	_cleanup_free_ char *full = nvsr_asprintf("%s/%s", root, path), *folder = strdup(full);

	*strrchr(folder, '/') = '\0';
	if (nvsr_mkdirs(folder) || symlink(target, full))
		failed++;
}

/* Two subsystems; nvme0n1 has a partition and a VF's path, nvme1n1 belongs to somebody else. */
static void make_tree(void)
{
	put("sys/devices/pci/0000:01:00.0/nvme/nvme0/subsysnqn", "nqn.a\n");
	put("sys/devices/pci/0000:02:00.0/nvme/nvme1/subsysnqn", "nqn.b\n");
	put("sys/devices/pci/0000:01:00.1/nvme/nvme2/subsysnqn", "nqn.a\n");
	put(DISK "/dev", "259:0\n");
	put(DISK "/nvme0n1p1/dev", "259:1\n");
	put(OTHER "/dev", "259:2\n");
	put("sys/devices/pci/0000:01:00.1/nvme/nvme2/nvme2n1/dev", "259:3\n");
	link_to(DISK "/device", "../../nvme0");
	link_to(OTHER "/device", "../../nvme1");
	link_to("sys/devices/pci/0000:01:00.1/nvme/nvme2/nvme2n1/device", "../../nvme2");
	link_to("sys/class/nvme/nvme0", "../../devices/pci/0000:01:00.0/nvme/nvme0");
	link_to("sys/class/block/nvme0n1", "../../devices/pci/0000:01:00.0/nvme/nvme0/nvme0n1");
	link_to("sys/class/block/nvme0n1p1", "../../devices/pci/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1");
	link_to("sys/class/block/nvme1n1", "../../devices/pci/0000:02:00.0/nvme/nvme1/nvme1n1");
	link_to("sys/class/block/nvme2n1", "../../devices/pci/0000:01:00.1/nvme/nvme2/nvme2n1");
	link_to("sys/bus/pci/devices/0000:01:00.0", "../../../devices/pci/0000:01:00.0");
}

static void expect(const char *what, const char *mountinfo, const char *swaps, const char *says)
{
	static const char *const devices[] = { "/dev/nvme0", "0000:01:00.0" };

	put("proc/self/mountinfo", mountinfo);
	put("proc/swaps", swaps);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(devices); i++) {
		_cleanup_free_ char *use = nvsr_in_use(root, devices[i]);

		if (use && (*says ? strstr(use, says) != NULL : !*use))
			continue;
		failed++;
		fprintf(stderr, "%s, %s: %s\n", what, devices[i], use ? use : "not known");
	}
}

#define NO_SWAP "Filename Type Size Used Priority\n"

int main(void)
{
	_cleanup_free_ char *clean = NULL, *unknown = NULL;

	if (!mkdtemp(root))
		return 1;
	make_tree();
	expect("free", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n", NO_SWAP, "");
	expect("another's", "22 1 259:2 / /x rw - ext4 /dev/nvme1n1 rw\n", NO_SWAP "/dev/nvme1n1 partition 1 0 -2\n", "");
	expect("mount", "22 1 259:0 / /data rw - ext4 /dev/nvme0n1 rw\n", NO_SWAP, "/dev/nvme0n1 is mounted on /data");
	expect("partition", "22 1 259:1 / /data rw - ext4 /dev/nvme0n1p1 rw\n", NO_SWAP, "/dev/nvme0n1p1 is mounted on /data");
	expect("through a VF", "22 1 259:3 / /data rw - ext4 /dev/x rw\n", NO_SWAP, "/dev/nvme2n1 is mounted on /data");
	expect("btrfs", "22 1 0:99 / /data rw - btrfs /dev/nvme0n1p1 rw\n", NO_SWAP, "/dev/nvme0n1p1 is mounted on /data");
	expect("swap", "", NO_SWAP "/dev/nvme0n1p1                partition 1 0 -2\n", "/dev/nvme0n1p1 is swap space");
	put(DISK "/holders/dm-0", "");
	expect("holder", "", NO_SWAP, "/dev/nvme0n1 is held by another device");
	/* What cannot be found out is not taken for free. */
	unknown = nvsr_in_use(root, "/dev/nvme7");
	if (unknown) {
		failed++;
		fprintf(stderr, "unknown controller: %s\n", unknown);
	}
	clean = nvsr_asprintf("rm -r %s", root);
	return system(clean) || failed ? 1 : 0;
}
