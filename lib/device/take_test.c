// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taking a PF from its driver, over a made-up tree of sysfs: what is refused, what is written in which file, and that the note
 * of what it had is there before anything is changed and brings all of it back.
 */
#include <jansson.h>
#include <sys/stat.h>

#include "base/text.h"
#include "device/device.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

static char root[] = "/tmp/nvsr-take-XXXXXX";
#define DEV "bus/pci/devices/"

static char *path_of(const char *name)
{
	return nvsr_asprintf("%s/%s", root, name);
}

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_of(name), *dir = path ? strdup(path) : NULL;

	if (!dir)
		exit(1);
	*strrchr(dir, '/') = '\0';
	if (nvsr_mkdirs(dir) || nvsr_write_file(path, text, strlen(text)))
		exit(1);
}

static void link_to(const char *target, const char *name)
{
	_cleanup_free_ char *path = path_of(name);

	if (!path || (unlink(path) && errno != ENOENT) || symlink(target, path))
		exit(1);
}

/* The kernel takes what one write() brings; in a made-up file the rest of a longer text stays behind it. */
static bool holds(const char *name, const char *text)
{
	_cleanup_free_ char *path = path_of(name), *now = NULL;
	size_t len;

	return path && !nvsr_read_file(path, 1u << 16, &now, &len) && !strncmp(now, text, strlen(text));
}

static bool there(const char *name)
{
	_cleanup_free_ char *path = path_of(name);

	return path && !access(path, F_OK);
}

/* A function in IOMMU group @group (NULL: in none) with @driver (NULL: none). */
static void function(const char *bdf, const char *class, const char *group, const char *driver)
{
	char name[128], target[128];

	snprintf(name, sizeof(name), DEV "%s/class", bdf);
	put(name, class);
	snprintf(name, sizeof(name), DEV "%s/driver_override", bdf);
	put(name, "(null)\n");
	if (group) {
		snprintf(name, sizeof(name), DEV "%s/iommu_group", bdf);
		snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%s", group);
		link_to(target, name);
		snprintf(name, sizeof(name), "kernel/iommu_groups/%s/devices/%s", group, bdf);
		put(name, "");
	}
	if (driver) {
		snprintf(name, sizeof(name), DEV "%s/driver", bdf);
		snprintf(target, sizeof(target), "../../../../bus/pci/drivers/%s", driver);
		link_to(target, name);
	}
}

static void make_tree(void)
{
	_cleanup_free_ char *run = NULL;

	if (!mkdtemp(root))
		exit(1);
	function("0000:01:00.0", "0x010802\n", "6", "nvme");
	function("0000:02:00.0", "0x020000\n", "7", "e1000e");
	function("0000:03:00.0", "0x010802\n", NULL, "nvme");
	function("0000:04:00.0", "0x010802\n", "9", "nvme");
	function("0000:04:00.1", "0x020000\n", "9", "ixgbe");
	function("0000:05:00.0", "0x010802\n", "10", "nvme");
	function("0000:05:00.4", "0x010802\n", "10", "vfio-pci");
	function("0000:00:1c.0", "0x060400\n", "10", "pcieport");
	function("0000:06:00.0", "0x010802\n", "11", "nvme");
	put(DEV "0000:06:00.1/class", "0x010802\n");
	link_to("../0000:06:00.0", DEV "0000:06:00.1/physfn");
	put(DEV "0000:01:00.0/sriov_numvfs", "2\n");
	put(DEV "0000:01:00.0/sriov_drivers_autoprobe", "1\n");
	put("bus/pci/drivers/nvme/unbind", "");
	put("bus/pci/drivers_probe", "");
	run = path_of("run");
	if (!run)
		exit(1);
	setenv("NVSR_SYSFS", root, 1);
	setenv("NVSR_RUN", run, 1);
}

static void refused(void)
{
	static const struct { const char *where; int rc; const char *said; } cases[] = {
		{ "nonsense", -EINVAL, "PCI address" },
		{ "0000:09:00.0", -ENOENT, "no such PCI function" },
		{ "0000:02:00.0", -ENODEV, "not an NVMe controller" },
		{ "0000:06:00.1", -ENODEV, "virtual function" },
		{ "0000:03:00.0", -ENOTSUP, "IOMMU" },
		{ "0000:04:00.0", -EBUSY, "0000:04:00.1, bound to ixgbe" },
	};
	struct nvsr_complaint c;
	char driver[32];

	EXPECT(nvsr_dev_take("0000:01:00.0", &c) == -ENOTSUP && strstr(c.text, "vfio-pci"));
	put("bus/pci/drivers/vfio-pci/unbind", "");
	put("module/vfio_pci/parameters/enable_sriov", "N\n");
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		int rc = nvsr_dev_take(cases[i].where, &c);

		if (rc == cases[i].rc && strstr(c.text, cases[i].said))
			continue;
		failures++;
		fprintf(stderr, "%s: %d, %s\n", cases[i].where, rc, c.text);
	}
	EXPECT(!there("run") && !nvsr_dev_is_taken("0000:04:00.0", driver, sizeof(driver)));
	EXPECT(holds(DEV "0000:04:00.0/driver_override", "(null)\n"));
	EXPECT(!nvsr_dev_can_be_taken("/dev/nvme0") && !nvsr_dev_can_be_taken("model:") && nvsr_dev_can_be_taken("01:00.0"));
}

/* vfio-pci does not bind in a made-up tree: what was begun is taken back. */
static void taken_back(void)
{
	struct nvsr_complaint c;
	char driver[32];

	EXPECT(nvsr_dev_take("0000:01:00.0", &c) == -ENODEV && strstr(c.text, "from nvme to vfio-pci"));
	EXPECT(holds("bus/pci/drivers/nvme/unbind", "0000:01:00.0") && holds("bus/pci/drivers_probe", "0000:01:00.0"));
	EXPECT(holds(DEV "0000:01:00.0/driver_override", "\n") && holds("module/vfio_pci/parameters/enable_sriov", "N"));
	EXPECT(!nvsr_dev_is_taken("0000:01:00.0", driver, sizeof(driver)) && !there("run/0000:01:00.0.taken.json"));
}

/* An earlier process died with the PF in the hands of vfio-pci. */
static void after_a_crash(void)
{
	struct nvsr_complaint c;
	char driver[32];

	put("run/0000:01:00.0.taken.json", "{ \"version\": 1, \"driver\": \"nvme\", \"enable_sriov\": \"N\", \"config\": [] }\n");
	link_to("../../../../bus/pci/drivers/vfio-pci", DEV "0000:01:00.0/driver");
	put("bus/pci/drivers/vfio-pci/unbind", "");
	put("module/vfio_pci/parameters/enable_sriov", "Y\n");
	put(DEV "0000:01:00.0/sriov_numvfs", "4\n");
	EXPECT(nvsr_dev_is_taken("01:00.0", driver, sizeof(driver)) && !strcmp(driver, "nvme"));
	/* The link does not follow the write here: the driver seems not to come, and the note stays for another try. */
	EXPECT(nvsr_dev_give_back("0000:01:00.0", &c) == -ENODEV && strstr(c.text, "back to nvme"));
	EXPECT(there("run/0000:01:00.0.taken.json"));
	EXPECT(holds("bus/pci/drivers/vfio-pci/unbind", "0000:01:00.0") && holds(DEV "0000:01:00.0/sriov_numvfs", "0"));
	link_to("../../../../bus/pci/drivers/nvme", DEV "0000:01:00.0/driver");
	put(DEV "0000:01:00.0/nvme/nvme0/state", "live\n");
	EXPECT(!nvsr_dev_give_back("0000:01:00.0", &c));
	EXPECT(!there("run/0000:01:00.0.taken.json") && holds("module/vfio_pci/parameters/enable_sriov", "N"));
	EXPECT(!nvsr_dev_give_back("0000:01:00.0", &c));	/* nothing to do */
}

static void gone(void)
{
	struct nvsr_complaint c;

	put("run/0000:0f:00.0.taken.json", "{ \"version\": 1, \"driver\": \"nvme\", \"enable_sriov\": \"N\", \"config\": [] }\n");
	EXPECT(nvsr_dev_give_back("0000:0f:00.0", &c) == -ENODEV && strstr(c.text, "no longer there"));
	EXPECT(!there("run/0000:0f:00.0.taken.json"));
}

static void bad_notes(void)
{
	static const char *const notes[] = { "", "{", "[]", "{ \"driver\": 5 }", "{ \"driver\": \"nvme\" }",
		"{ \"driver\": \"a-name-that-no-driver-of-the-kernel-has\", \"enable_sriov\": \"N\" }" };
	struct nvsr_complaint c;

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(notes); i++) {
		put("run/0000:01:00.0.taken.json", notes[i]);
		EXPECT(nvsr_dev_give_back("0000:01:00.0", &c) == -EINVAL && strstr(c.text, "taken.json"));
	}
}

int main(void)
{
	_cleanup_free_ char *clean = NULL;

	make_tree();
	refused();
	taken_back();
	after_a_crash();
	gone();
	bad_notes();
	clean = nvsr_asprintf("rm -r %s", root);
	return failures || !clean || system(clean);
}
