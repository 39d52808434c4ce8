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
		{ "0000:0a:00.0", -ENOENT, "no such PCI function" },
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

static void one_name(void)
{
	static const struct { const char *given, *name; } names[] = {
		{ "0000:01:00.0", "0000:01:00.0" }, { "01:00.0", "0000:01:00.0" }, { "1:0.0", "0000:01:00.0" },
		{ "0000:AF:1F.7", "0000:af:1f.7" }, { "/dev/nvme0", "/dev/nvme0" }, { "model:", "model:" },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *name = nvsr_dev_canonical(names[i].given);

		EXPECT(name && !strcmp(name, names[i].name));
	}
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
	EXPECT(nvsr_dev_give_back("0000:01:00.0", false, &c) == -ENODEV && strstr(c.text, "back to nvme"));
	EXPECT(there("run/0000:01:00.0.taken.json"));
	EXPECT(holds("bus/pci/drivers/vfio-pci/unbind", "0000:01:00.0") && holds(DEV "0000:01:00.0/sriov_numvfs", "0"));
	link_to("../../../../bus/pci/drivers/nvme", DEV "0000:01:00.0/driver");
	put(DEV "0000:01:00.0/nvme/nvme0/state", "live\n");
	EXPECT(!nvsr_dev_give_back("0000:01:00.0", false, &c));
	EXPECT(!there("run/0000:01:00.0.taken.json") && holds("module/vfio_pci/parameters/enable_sriov", "N"));
	EXPECT(!nvsr_dev_give_back("0000:01:00.0", false, &c));	/* nothing to do */
}

/* The driver that somebody pinned it to before us. */
static void pinned(void)
{
	struct nvsr_complaint c;

	put(DEV "0000:01:00.0/driver_override", "nvme\n");
	EXPECT(nvsr_dev_take("0000:01:00.0", &c) == -ENODEV);
	EXPECT(holds(DEV "0000:01:00.0/driver_override", "nvme"));
	put(DEV "0000:01:00.0/driver_override", "(null)\n");
}

/* It had no driver, or VFIO already: nobody else noted what goes around it. */
static void had_vfio(void)
{
	struct nvsr_complaint c;

	function("0000:08:00.0", "0x010802\n", "13", "vfio-pci");
	put(DEV "0000:08:00.0/sriov_numvfs", "3\n");
	put(DEV "0000:08:00.0/sriov_drivers_autoprobe", "1\n");
	put(DEV "0000:08:00.0/reset_method", "flr bus\n");
	EXPECT(!nvsr_dev_take("0000:08:00.0", &c) && holds(DEV "0000:08:00.0/sriov_numvfs", "3"));
	put(DEV "0000:08:00.0/sriov_numvfs", "5\n");	/* and there the run was killed */
	put(DEV "0000:08:00.0/sriov_drivers_autoprobe", "0\n");
	EXPECT(!nvsr_dev_give_back("0000:08:00.0", false, &c));
	EXPECT(holds(DEV "0000:08:00.0/sriov_numvfs", "3") && holds(DEV "0000:08:00.0/sriov_drivers_autoprobe", "1"));
	function("0000:09:00.0", "0x010802\n", "14", NULL);
	put(DEV "0000:09:00.0/sriov_numvfs", "2\n");
	EXPECT(nvsr_dev_take("0000:09:00.0", &c) == -EBUSY && strstr(c.text, "has 2 VFs and no driver"));
	EXPECT(!there("run/0000:09:00.0.taken.json") && holds(DEV "0000:09:00.0/sriov_numvfs", "2"));
}

/* Two PFs at a time: the parameter is as before when both are back, in whatever order. */
static void together(void)
{
	struct nvsr_complaint c;

	put("module/vfio_pci/parameters/enable_sriov", "N\n");
	function("0000:0b:00.0", "0x010802\n", "15", "vfio-pci");
	function("0000:0c:00.0", "0x010802\n", "16", "vfio-pci");
	put(DEV "0000:0b:00.0/sriov_numvfs", "0\n");
	put(DEV "0000:0c:00.0/sriov_numvfs", "0\n");
	EXPECT(!nvsr_dev_take("0000:0b:00.0", &c) && holds("module/vfio_pci/parameters/enable_sriov", "Y"));
	EXPECT(!nvsr_dev_take("0000:0c:00.0", &c));
	EXPECT(!nvsr_dev_give_back("0000:0b:00.0", false, &c) && holds("module/vfio_pci/parameters/enable_sriov", "Y"));
	EXPECT(!nvsr_dev_give_back("0000:0c:00.0", false, &c) && holds("module/vfio_pci/parameters/enable_sriov", "N"));
}

/* Nothing but the note knows what a PF of the nvme driver had. */
static void without_a_snapshot(void)
{
	struct nvsr_complaint c;
	char node[32];

	put("run/0000:01:00.0.taken.json", "{ \"version\": 2, \"driver\": \"nvme\", \"enable_sriov\": \"N\", \"config\": [], "
	    "\"numvfs\": 2, \"host\": { \"drivers\": {}, \"overrides\": {}, \"autoprobe\": 1 } }\n");
	link_to("../../../../bus/pci/drivers/nvme", DEV "0000:01:00.0/driver");
	put(DEV "0000:01:00.0/sriov_numvfs", "0\n");
	put(DEV "0000:01:00.0/sriov_drivers_autoprobe", "0\n");
	EXPECT(!nvsr_dev_node("01:00.0", node, sizeof(node)) && !strcmp(node, "/dev/nvme0"));
	EXPECT(nvsr_dev_node("0000:02:00.0", node, sizeof(node)) == -ENOENT);
	EXPECT(!nvsr_dev_give_back("0000:01:00.0", true, &c));
	EXPECT(holds(DEV "0000:01:00.0/sriov_numvfs", "2") && holds(DEV "0000:01:00.0/sriov_drivers_autoprobe", "1"));
}

static void gone(void)
{
	struct nvsr_complaint c;

	put("run/0000:0f:00.0.taken.json", "{ \"version\": 1, \"driver\": \"nvme\", \"enable_sriov\": \"N\", \"config\": [] }\n");
	EXPECT(nvsr_dev_give_back("0000:0f:00.0", false, &c) == -ENODEV && strstr(c.text, "no longer there"));
	EXPECT(!there("run/0000:0f:00.0.taken.json"));
}

/* BARs of the note are of one device at one place: never of another one, nor of one that has a driver. */
static void registers(void)
{
#define SEVEN DEV "0000:07:00.0/"
#define SAME "\"identity\": { \"vendor\": \"0x1b36\", \"device\": \"0x0010\" }"
#define ADDRESSES "\"addresses\": [ \"0x00000000fe000000 0x00000000fe003fff\" ]"
	static const struct { const char *identity, *driver; int rc; bool written; } cases[] = {
		{ SAME "," ADDRESSES, "vfio-pci", -ENODEV, true },	/* the driver does not follow in a made-up tree */
		{ SAME "," ADDRESSES, "nvme", 0, false },
		{ SAME "," ADDRESSES, "uio_pci_generic", -ENODEV, false },
		{ SAME ", \"addresses\": [ \"0x00000000fd000000 0x00000000fd003fff\" ]", "vfio-pci", -ENODEV, false },
		{ "\"identity\": { \"vendor\": \"0x1b36\", \"device\": \"0x0011\" }," ADDRESSES, "vfio-pci", -ENODEV, false },
		{ "\"old\": 1", "vfio-pci", -ENODEV, false },
	};
	char zeros[256];

	memset(zeros, '0', sizeof(zeros));
	function("0000:07:00.0", "0x010802\n", "12", NULL);
	put(SEVEN "vendor", "0x1b36\n");
	put(SEVEN "device", "0x0010\n");
	put(SEVEN "resource", "0x00000000fe000000 0x00000000fe003fff 0x0000000000140204\n");
	put(SEVEN "nvme/nvme7/state", "live\n");
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *config = path_of(SEVEN "config");
		_cleanup_free_ char *driver = nvsr_asprintf("../../../../bus/pci/drivers/%s", cases[i].driver);
		_cleanup_free_ char *note = nvsr_asprintf("{ \"version\": 2, \"driver\": \"nvme\", \"enable_sriov\": \"N\", %s, "
							  "\"config\": [ [ 16, 4, 1145258561 ] ] }\n", cases[i].identity);
		struct nvsr_complaint c;
		int rc;

		EXPECT(config && note && driver && !nvsr_write_file(config, zeros, sizeof(zeros)));
		put("run/0000:07:00.0.taken.json", note ? note : "");
		link_to(driver ? driver : "", SEVEN "driver");
		rc = nvsr_dev_give_back("0000:07:00.0", false, &c);
		if (rc == cases[i].rc && holds(SEVEN "config", "0000000000000000ABCD") == cases[i].written)
			continue;
		failures++;
		fprintf(stderr, "registers %zu: %d, %s\n", i, rc, c.text);
	}
}

static void bad_notes(void)
{
	static const char *const notes[] = { "", "{", "[]", "{ \"driver\": 5 }", "{ \"driver\": \"nvme\" }",
		"{ \"driver\": \"a-name-that-no-driver-of-the-kernel-has\", \"enable_sriov\": \"N\" }" };
	struct nvsr_complaint c;

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(notes); i++) {
		put("run/0000:01:00.0.taken.json", notes[i]);
		EXPECT(nvsr_dev_give_back("0000:01:00.0", false, &c) == -EINVAL && strstr(c.text, "taken.json"));
	}
}

int main(void)
{
	_cleanup_free_ char *clean = NULL;

	make_tree();
	refused();
	one_name();
	taken_back();
	after_a_crash();
	pinned();
	had_vfio();
	together();
	without_a_snapshot();
	gone();
	registers();
	bad_notes();
	clean = nvsr_asprintf("rm -r %s", root);
	return failures || !clean || system(clean);
}
