// SPDX-License-Identifier: GPL-2.0-or-later
/* sysfs of the kernel method over a made-up tree (NVSR_SYSFS), and what bad device names are told. */
#include <sys/stat.h>

#include "base/text.h"
#include "device/device.h"
#include "device/kernel_sysfs.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

static char root[] = "/tmp/nvsr-sysfs-XXXXXX";
#define PF "bus/pci/devices/0000:01:00.0/"

static void put(const char *name, const char *text)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", root, name), *dir = strdup(path);

	*strrchr(dir, '/') = '\0';
	if (nvsr_mkdirs(dir) || nvsr_write_file(path, text, strlen(text)))
		exit(1);
}

static void link_to(const char *target, const char *name)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", root, name);

	if (symlink(target, path))
		exit(1);
}

static void make_tree(void)
{
	if (!mkdtemp(root))
		exit(1);
	put(PF "class", "0x010802\n");
	put(PF "sriov_numvfs", "2\n");
	put(PF "nvme/nvme3/state", "live\n");
	put("bus/pci/devices/0000:02:00.0/class", "0x020000\n");
	put("bus/pci/devices/0000:03:00.0/class", "0x010802\n");
	put("bus/pci/drivers_probe", "");
	put("class/nvme/nvme3/state", "live\n");
	put("class/nvme/nvme3/nvme3n1/nsid", "7\n");
	put("class/nvme/nvme3/nvme3n12/nsid", "1\n");
	put("class/nvme/nvme3/nvme3c3n9/nsid", "5\n");	/* a hidden path of a multipath device */
	link_to("../../../bus/pci/drivers/nvme", PF "driver");
	link_to("../0000:01:00.2", PF "virtfn1");
	setenv("NVSR_SYSFS", root, 1);
}

static void addresses(void)
{
	static const char *const bad[] = { "", "nvme0", "0000:01:00", "01:20.0", "01:00.8", "100:00.0", "0000:01:00.0/" };
	struct nvsr_bdf b = { 0 };
	char text[NVSR_BDF_LEN];

	EXPECT(nvsr_bdf_parse("0000:81:1f.7", &b) && b.domain == 0 && b.rid == 0x81ff);
	EXPECT(!strcmp(nvsr_bdf_text(b, text), "0000:81:1f.7"));
	EXPECT(nvsr_bdf_parse("01:00.2", &b) && b.rid == 0x0102);
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(bad); i++)
		EXPECT(!nvsr_bdf_parse(bad[i], &b) && b.rid == 0x0102);
}

static void attributes(void)
{
	struct nvsr_bdf pf = { 0, 0x0100 }, none = { 0, 0x0500 };
	char v[64];

	EXPECT(!nvsr_sysfs_get(pf, "sriov_numvfs", v, sizeof(v)) && !strcmp(v, "2"));
	EXPECT(!nvsr_sysfs_put(pf, "sriov_numvfs", "0") && !nvsr_sysfs_get(pf, "sriov_numvfs", v, sizeof(v)) && v[0] == '0');
	EXPECT(nvsr_sysfs_get(pf, "absent", v, sizeof(v)) == -ENOENT && nvsr_sysfs_get(none, "class", v, sizeof(v)) == -ENOENT);
	EXPECT(!nvsr_sysfs_link(pf, "driver", v, sizeof(v)) && !strcmp(v, "nvme"));
	EXPECT(!nvsr_sysfs_link(pf, "virtfn1", v, sizeof(v)) && !strcmp(v, "0000:01:00.2"));
	EXPECT(nvsr_sysfs_link(pf, "virtfn0", v, sizeof(v)) == -ENOENT && nvsr_sysfs_link(pf, "virtfn1", v, 4) == -ENAMETOOLONG);
	EXPECT(nvsr_sysfs_has(pf, "class") && !nvsr_sysfs_has(pf, "physfn"));
	EXPECT(!nvsr_sysfs_bus_put("drivers_probe", "0000:01:00.2") && nvsr_sysfs_bus_put("absent", "x") == -ENOENT);
}

static void controllers_and_namespaces(void)
{
	struct nvsr_bdf pf = { 0, 0x0100 }, bare = { 0, 0x0300 };
	char v[64];

	EXPECT(!nvsr_sysfs_controller(pf, v, sizeof(v)) && !strcmp(v, "nvme3"));
	EXPECT(nvsr_sysfs_controller(bare, v, sizeof(v)) == -ENOENT);
	EXPECT(!nvsr_sysfs_namespace("nvme3", 7, v, sizeof(v)) && !strcmp(v, "nvme3n1"));	/* by NSID, not by name */
	EXPECT(!nvsr_sysfs_namespace("nvme3", 1, v, sizeof(v)) && !strcmp(v, "nvme3n12"));
	EXPECT(nvsr_sysfs_namespace("nvme3", 5, v, sizeof(v)) == -ENOENT);
}

static void bad_devices(void)
{
	static const struct { const char *where; int rc; const char *said; } cases[] = {
		{ "0000:09:00.0", -ENOENT, "no such PCI function" },
		{ "0000:02:00.0", -ENODEV, "not an NVMe controller" },
		{ "0000:03:00.0", -ENOTSUP, "expected the nvme driver" },
		{ "/dev/absent", -ENOENT, "/dev/absent" },
		{ "/dev/null", -ENODEV, "not an NVMe controller" },
	};
	struct nvsr_complaint complaint;
	struct nvsr_dev *d = NULL;

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		int rc = nvsr_dev_open(cases[i].where, NULL, NULL, &d, &complaint);

		if (rc == cases[i].rc && strstr(complaint.text, cases[i].said) && !d)
			continue;
		failures++;
		fprintf(stderr, "%s: %d, %s\n", cases[i].where, rc, complaint.text);
	}
}

int main(void)
{
	_cleanup_free_ char *clean = NULL;

	make_tree();
	addresses();
	attributes();
	controllers_and_namespaces();
	bad_devices();
	clean = nvsr_asprintf("rm -r %s", root);
	return failures || !clean || system(clean);
}
