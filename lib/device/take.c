// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PF changes hands: from the driver it has to vfio-pci, and back.  What it had is noted in a file under /run before anything
 * is changed: bindings do not outlive the running kernel, and neither does /run.
 */
#include <dirent.h>
#include <jansson.h>
#include <spawn.h>
#include <sys/wait.h>

#include "base/text.h"
#include "base/time.h"
#include "device/config.h"
#include "device/os.h"
#include "device/private.h"
#include "device/vfio.h"

#define VFIO "vfio-pci"
#define ENABLE_SRIOV "module/vfio_pci/parameters/enable_sriov"
#define NODE_MS 5000	/* a driver of the kernel that comes back: until its controller is live again */

extern char **environ;

/* --- is VFIO there? ---------------------------------------------------------------------------------------------------- */

static bool has_driver(void)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/bus/pci/drivers/" VFIO, nvsr_sysfs_root());

	return path && !access(path, F_OK);
}

static void load_driver(void)
{
	char *const argv[] = { (char *)"modprobe", (char *)"-q", (char *)VFIO, NULL };
	pid_t pid;

	if (!posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

int nvsr_vfio_available(struct nvsr_bdf b, struct nvsr_complaint *c)
{
	char text[NVSR_BDF_LEN], group[32];

	nvsr_bdf_text(b, text);
	if (nvsr_sysfs_link(b, "iommu_group", group, sizeof(group)))
		return nvsr_complain(c, -ENOTSUP, "%s is in no IOMMU group, and VFIO needs one: switch the IOMMU on (in the "
				     "firmware, and intel_iommu=on or amd_iommu=on on the kernel command line)", text);
	if (!has_driver() && !strcmp(nvsr_sysfs_root(), "/sys"))
		load_driver();
	if (!has_driver())
		return nvsr_complain(c, -ENOTSUP, "%s: there is no driver " VFIO ": modprobe " VFIO " does not load it", text);
	return 0;
}

/* Functions of the device itself - PF, its VFs, its siblings - may share the group; what another device has there may not. */
static int check_group(struct nvsr_bdf b, struct nvsr_complaint *c)
{
	char text[NVSR_BDF_LEN], group[32], driver[32];
	_cleanup_free_ char *path = NULL;
	const struct dirent *e;
	int rc = 0;
	DIR *dir;

	if (nvsr_sysfs_link(b, "iommu_group", group, sizeof(group)))
		return -ENOTSUP;
	path = nvsr_asprintf("%s/kernel/iommu_groups/%s/devices", nvsr_sysfs_root(), group);
	dir = path ? opendir(path) : NULL;
	while (dir && !rc && (e = readdir(dir))) {
		struct nvsr_bdf other;

		if (!nvsr_bdf_parse(e->d_name, &other) || (other.domain == b.domain && other.rid == b.rid))
			continue;
		nvsr_os_driver(other, driver, sizeof(driver));
		/* A port of the fabric does not get in the way; VFIO says the same of it. */
		if (driver[0] && strcmp(driver, VFIO) && strcmp(driver, "pcieport"))
			rc = nvsr_complain(c, -EBUSY, "%s: its IOMMU group %s also holds %s, bound to %s: unbind that first, or put the "
					   "device into a slot of its own", nvsr_bdf_text(b, text), group, e->d_name, driver);
	}
	if (dir)
		closedir(dir);
	return rc;
}

/* --- the note under /run ------------------------------------------------------------------------------------------------- */

static char *note_path(struct nvsr_bdf b)
{
	const char *dir = getenv("NVSR_RUN");
	char text[NVSR_BDF_LEN];

	return nvsr_asprintf("%s/%s.taken.json", dir && dir[0] ? dir : "/run/nvsr-conform", nvsr_bdf_text(b, text));
}

static json_t *config_json(struct nvsr_bdf b)
{
	struct nvsr_config config;
	json_t *list = json_array();

	nvsr_config_read(b, &config);
	for (unsigned i = 0; i < config.count; i++)
		json_array_append_new(list, json_pack("[i,i,I]", (int)config.reg[i].off, (int)config.reg[i].len,
						      (json_int_t)config.reg[i].val));
	return list;
}

static void config_from_json(const json_t *list, struct nvsr_config *ret)
{
	json_t *e;
	size_t i;

	ret->count = 0;
	json_array_foreach(list, i, e) {
		json_int_t off, len, val;

		if (ret->count == NVSR_CONFIG_MAX || json_unpack(e, "[I,I,I]", &off, &len, &val))
			return;
		ret->reg[ret->count].off = (uint16_t)off;
		ret->reg[ret->count].len = (uint8_t)len;
		ret->reg[ret->count++].val = (uint32_t)val;
	}
}

static int write_note(const char *path, struct nvsr_bdf b, const char *driver, const char *enable_sriov)
{
	_cleanup_free_ char *dir = strdup(path), *text = NULL;
	json_t *o = json_pack("{s:i, s:s, s:s, s:o}", "version", 1, "driver", driver, "enable_sriov", enable_sriov, "config",
			      config_json(b));
	int rc = dir && o ? 0 : -ENOMEM;

	if (!rc) {
		*strrchr(dir, '/') = '\0';
		rc = nvsr_mkdirs(dir);
	}
	text = rc ? NULL : json_dumps(o, JSON_INDENT(1));
	if (!rc)
		rc = text ? nvsr_write_file(path, text, strlen(text)) : -ENOMEM;
	json_decref(o);
	return rc;
}

struct note { char driver[32], enable_sriov[8]; struct nvsr_config config; };

/* 0, -ENOENT when the PF was not taken, -EINVAL for a file that is no note. */
static int read_note(const char *path, struct note *ret)
{
	const char *driver, *sriov;
	json_t *o;
	int rc = 0;

	if (access(path, F_OK))
		return -ENOENT;
	o = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	driver = json_string_value(json_object_get(o, "driver"));
	sriov = json_string_value(json_object_get(o, "enable_sriov"));
	if (!driver || !sriov || strlen(driver) >= sizeof(ret->driver) || strlen(sriov) >= sizeof(ret->enable_sriov)) {
		rc = -EINVAL;
	} else {
		strcpy(ret->driver, driver);
		strcpy(ret->enable_sriov, sriov);
		config_from_json(json_object_get(o, "config"), &ret->config);
	}
	json_decref(o);
	return rc;
}

int nvsr_taken_config(struct nvsr_bdf b, struct nvsr_config *ret)
{
	_cleanup_free_ char *path = note_path(b);
	struct note note;
	int rc = path ? read_note(path, &note) : -ENOMEM;

	if (!rc)
		*ret = note.config;
	return rc;
}

/* --- take ------------------------------------------------------------------------------------------------------------------- */

static int put_parameter(const char *value)
{
	return nvsr_sysfs_write(ENABLE_SRIOV, value);
}

static int is_function(struct nvsr_bdf b, const char *where, struct nvsr_complaint *c)
{
	char class[32];

	if (nvsr_sysfs_get(b, "class", class, sizeof(class)))
		return nvsr_complain(c, -ENOENT, "%s: no such PCI function (nothing in %s/bus/pci/devices)", where, nvsr_sysfs_root());
	if (strtoul(class, NULL, 16) != PCI_CLASS_NVME)
		return nvsr_complain(c, -ENODEV, "%s is not an NVMe controller: its class code is %s, expected 0x010802", where, class);
	if (nvsr_sysfs_has(b, "physfn"))
		return nvsr_complain(c, -ENODEV, "%s is a virtual function: name the physical function", where);
	return 0;
}

bool nvsr_dev_can_be_taken(const char *where)
{
	struct nvsr_bdf b;

	return nvsr_bdf_parse(where, &b);
}

int nvsr_dev_driver(const char *where, char *ret, size_t len)
{
	struct nvsr_bdf b;

	if (!nvsr_bdf_parse(where, &b) || !nvsr_sysfs_has(b, "class"))
		return -ENOENT;
	nvsr_os_driver(b, ret, len);
	return 0;
}

bool nvsr_dev_is_taken(const char *where, char *ret_driver, size_t len)
{
	_cleanup_free_ char *path = NULL;
	struct note note;
	struct nvsr_bdf b;

	if (!nvsr_bdf_parse(where, &b))
		return false;
	path = note_path(b);
	if (!path || read_note(path, &note))
		return false;
	snprintf(ret_driver, len, "%s", note.driver);
	return true;
}

int nvsr_dev_take(const char *where, struct nvsr_complaint *c)
{
	char driver[32], sriov[8] = "N";
	_cleanup_free_ char *path = NULL;
	struct nvsr_bdf b;
	unsigned vfs = 0;
	int rc;

	c->text[0] = '\0';
	if (!nvsr_bdf_parse(where, &b))
		return nvsr_complain(c, -EINVAL, "%s: expected a PCI address such as 0000:01:00.0", where);
	path = note_path(b);
	rc = path ? is_function(b, where, c) : -ENOMEM;
	if (!rc)
		rc = nvsr_vfio_available(b, c);
	if (!rc)
		rc = check_group(b, c);
	if (rc)
		return rc;
	nvsr_os_driver(b, driver, sizeof(driver));
	nvsr_sysfs_read(ENABLE_SRIOV, sriov, sizeof(sriov));
	/* After a crash the note says what the driver was. */
	if (access(path, F_OK)) {
		rc = write_note(path, b, driver, sriov);
		if (rc)
			return nvsr_complain(c, rc, "%s: %s", path, strerror(-rc));
	}
	/* VFs of the driver that goes would stay behind without anybody. */
	if (strcmp(driver, VFIO) && !nvsr_os_get_numvfs(b, &vfs) && vfs)
		rc = nvsr_os_change_numvfs(b, vfs, 0);
	if (!rc && nvsr_sysfs_has(b, "sriov_numvfs"))
		rc = put_parameter("Y");
	if (!rc)
		rc = nvsr_os_bind(b, VFIO, true);
	if (rc) {
		nvsr_complain(c, rc, "%s: from %s to " VFIO ": %s", where, driver[0] ? driver : "no driver", strerror(-rc));
		nvsr_dev_give_back(where, &(struct nvsr_complaint){ "" });
	}
	return rc;
}

int nvsr_dev_give_back(const char *where, struct nvsr_complaint *c)
{
	_cleanup_free_ char *path = NULL;
	char now[32], ctrl[32];
	struct nvsr_bdf b;
	struct note note;
	unsigned vfs = 0;
	uint64_t until;
	int rc;

	c->text[0] = '\0';
	if (!nvsr_bdf_parse(where, &b))
		return 0;
	path = note_path(b);
	rc = path ? read_note(path, &note) : -ENOMEM;
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return nvsr_complain(c, rc, "%s: is not readable as the note of what %s had", path, where);
	/* Whatever comes to this slot later had nothing taken from it. */
	if (!nvsr_sysfs_has(b, "class")) {
		unlink(path);
		return nvsr_complain(c, -ENODEV, "%s: is no longer there: nothing to give back to %s", where,
				     note.driver[0] ? note.driver : "no driver");
	}
	nvsr_os_driver(b, now, sizeof(now));
	if (!strcmp(now, VFIO) && strcmp(note.driver, VFIO) && !nvsr_os_get_numvfs(b, &vfs) && vfs)
		nvsr_os_change_numvfs(b, vfs, 0);
	/* A driver that comes back wants its BARs where they were, whatever reset the last run died in. */
	nvsr_config_put_back(b, &note.config);
	rc = nvsr_os_bind(b, note.driver, false);
	if (rc)
		return nvsr_complain(c, rc, "%s: back to %s: %s", where, note.driver[0] ? note.driver : "no driver", strerror(-rc));
	put_parameter(note.enable_sriov);
	until = nvsr_now_ns() + NODE_MS * NVSR_MS;
	while (!strcmp(note.driver, "nvme") && nvsr_sysfs_controller(b, ctrl, sizeof(ctrl)) && nvsr_now_ns() < until)
		nvsr_sleep_ns(5 * NVSR_MS, NULL);
	return unlink(path) ? nvsr_complain(c, -errno, "%s: %s", path, strerror(errno)) : 0;
}
