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

/*
 * Two subsystems.  The first: nvme0 is the PF's, nvme2 a VF's, another VF is given to user space; nvme0n1 has a partition
 * and a generic device, nvme2n1 is a VF's path.  nvme1 and nvme1n1 belong to somebody else.
 */
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
	link_to("sys/devices/pci/0000:01:00.0/nvme/nvme0/device", "../../../0000:01:00.0");
	link_to("sys/devices/pci/0000:01:00.0/driver", "../../bus/pci/drivers/nvme");
	link_to("sys/devices/pci/0000:01:00.0/virtfn0", "../0000:01:00.1");
	link_to("sys/devices/pci/0000:01:00.0/virtfn1", "../0000:01:00.2");
	link_to("sys/devices/pci/0000:01:00.2/driver", "../../bus/pci/drivers/vfio-pci");
	link_to("sys/devices/pci/0000:01:00.2/iommu_group", "../../../kernel/iommu_groups/17");
	put("sys/devices/pci/0000:01:00.0/nvme/nvme0/ng0n1/dev", "240:0\n");
	link_to("sys/devices/pci/0000:01:00.0/nvme/nvme0/ng0n1/device", "../../nvme0");
	link_to("sys/class/nvme-generic/ng0n1", "../../devices/pci/0000:01:00.0/nvme/nvme0/ng0n1");
	link_to("sys/class/nvme/nvme1", "../../devices/pci/0000:02:00.0/nvme/nvme1");
	link_to("sys/class/nvme/nvme2", "../../devices/pci/0000:01:00.1/nvme/nvme2");
}

static void expect(const char *what, const char *mountinfo, const char *swaps, const char *says)
{
	static const char *const devices[] = { "/dev/nvme0", "0000:01:00.0" };

	put("proc/self/mountinfo", mountinfo);
	put("proc/swaps", swaps);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(devices); i++) {
		_cleanup_free_ char *use = nvsr_in_use(root, devices[i], NULL);

		if (use && (*says ? strstr(use, says) != NULL : !*use))
			continue;
		failed++;
		fprintf(stderr, "%s, %s: %s\n", what, devices[i], use ? use : "not known");
	}
}

#define NO_SWAP "Filename Type Size Used Priority\n"

/* What is left of a use when it ends. */
static void gone(const char *path)
{
	_cleanup_free_ char *full = nvsr_asprintf("%s/%s", root, path);

	if (unlink(full))
		failed++;
}

/* Process 42 has @path open. */
static void expect_open(const char *path, const char *says)
{
	put("proc/42/comm", "qemu\n");
	link_to("proc/42/fd/3", "socket:[1]");
	link_to("proc/42/fd/4", path);
	expect(path, "", NO_SWAP, says);
	gone("proc/42/fd/3");
	gone("proc/42/fd/4");
}

/* Nodes that are open without any claim, and what the kernel itself has open. */
static void open_nodes(void)
{
	expect_open("/dev/nvme0n1", "/dev/nvme0n1 is open in process 42 (qemu)");
	expect_open("/dev/nvme0n1p1", "/dev/nvme0n1p1 is open in process 42");
	expect_open("/dev/ng0n1", "/dev/ng0n1 is open in process 42");
	expect_open("/dev/nvme0", "/dev/nvme0 is open in process 42");
	expect_open("/dev/nvme2", "/dev/nvme2 is open in process 42");
	expect_open("/dev/vfio/17", "/dev/vfio/17 is open in process 42");
	expect_open("/dev/nvme1n1", "");
	expect_open("/dev/vfio/18", "");
	put("sys/class/block/loop3/loop/backing_file", "/dev/nvme0n1p1\n");
	expect("loop", "", NO_SWAP, "/dev/nvme0n1p1 is open in loop3");
	put("sys/class/block/loop3/loop/backing_file", "/srv/image\n");
	put("sys/kernel/config/nvmet/subsystems/x/namespaces/1/device_path", "/dev/nvme0n1\n");
	put("sys/kernel/config/nvmet/subsystems/x/namespaces/1/enable", "0\n");
	expect("target, not enabled", "", NO_SWAP, "");
	put("sys/kernel/config/nvmet/subsystems/x/namespaces/1/enable", "1\n");
	expect("target", "", NO_SWAP, "/dev/nvme0n1 is open in the kernel's NVMe target");
	gone("sys/kernel/config/nvmet/subsystems/x/namespaces/1/enable");
}

/* A namespace with several paths: the disk belongs to the subsystem, each path to a controller, and has no number. */
static void multipath(void)
{
	put("sys/devices/virtual/nvme-subsystem/nvme-subsys0/subsysnqn", "nqn.a\n");
	put("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n2/dev", "259:9\n");
	link_to("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n2/device", "../../nvme-subsys0");
	link_to("sys/class/block/nvme0n2", "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n2");
	put("sys/devices/pci/0000:01:00.0/nvme/nvme0/nvme0c0n2/size", "1\n");
	link_to("sys/devices/pci/0000:01:00.0/nvme/nvme0/nvme0c0n2/device", "../../nvme0");
	link_to("sys/class/block/nvme0c0n2", "../../devices/pci/0000:01:00.0/nvme/nvme0/nvme0c0n2");
	expect("paths", "22 1 0:0 / /proc rw - proc proc rw\n", NO_SWAP, "");
	expect("multipath", "22 1 259:9 / /data rw - ext4 /dev/x rw\n", NO_SWAP, "/dev/nvme0n2 is mounted on /data");
	put("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n2/holders/dm-7", "");
	expect("device mapper", "", NO_SWAP, "/dev/nvme0n2 is held by dm-7");
	gone("sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n2/holders/dm-7");
}

/* A drive with two ports: this one is given to user space, a namespace is mounted through the other one. */
static void other_port(void)
{
	static const struct { struct nvsr_drive drive; bool found; } drives[] = {
		{ { .nqn = "nqn.b", .model = "M", .serial = "S" }, true },
		{ { .model = "MODEL ONE", .serial = "S1" }, true },
		{ { .nqn = "nqn.c", .model = "MODEL ONE", .serial = "S2" }, false },
		{ { .nqn = "" }, false },
	};

	put("sys/devices/pci/0000:08:00.0/vendor", "0x1b36\n");
	link_to("sys/bus/pci/devices/0000:08:00.0", "../../../devices/pci/0000:08:00.0");
	link_to("sys/devices/pci/0000:08:00.0/driver", "../../bus/pci/drivers/vfio-pci");
	put("sys/devices/pci/0000:02:00.0/nvme/nvme1/model", "MODEL ONE                               \n");
	put("sys/devices/pci/0000:02:00.0/nvme/nvme1/serial", "S1\n");
	put("proc/self/mountinfo", "22 1 259:2 / /x rw - ext4 /dev/nvme1n1 rw\n");
	put("proc/swaps", NO_SWAP);
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(drives); i++) {
		_cleanup_free_ char *use = nvsr_in_use(root, "0000:08:00.0", &drives[i].drive);

		if (use && !!strstr(use, "/dev/nvme1n1 is mounted on /x") == drives[i].found)
			continue;
		failed++;
		fprintf(stderr, "other port, drive %zu: %s\n", i, use ? use : "not known");
	}
}

int main(void)
{
	_cleanup_free_ char *clean = NULL, *unknown = NULL, *none = NULL;

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
	open_nodes();
	multipath();
	other_port();
	put(DISK "/holders/md127", "");
	expect("holder", "", NO_SWAP, "/dev/nvme0n1 is held by md127");
	gone(DISK "/holders/md127");
	put(DISK "/nvme0n1p1/holders/dm-0", "");
	expect("holder of a partition", "", NO_SWAP, "/dev/nvme0n1p1 is held by dm-0");
	gone(DISK "/nvme0n1p1/holders/dm-0");
	gone("sys/devices/pci/0000:01:00.2/driver");
	link_to("sys/devices/pci/0000:01:00.2/driver", "../../bus/pci/drivers/uio_pci_generic");
	expect("foreign driver", "", NO_SWAP, "function 0000:01:00.2 is driven by uio_pci_generic");
	/* What cannot be found out is not taken for free. */
	unknown = nvsr_in_use(root, "/dev/nvme7", NULL);
	none = nvsr_in_use(root, "0000:07:00.0", NULL);
	if (unknown || none) {
		failed++;
		fprintf(stderr, "unknown controller: %s\n", unknown ? unknown : none);
	}
	clean = nvsr_asprintf("rm -r %s", root);
	return system(clean) || failed ? 1 : 0;
}
