// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PF changes hands: from the driver it has to vfio-pci, and back.  What it had is noted in a file under /run before anything
 * is changed: bindings do not outlive the running kernel, and neither does /run.
 */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
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

#define NOTE ".taken.json"

static const char *note_dir(void)
{
	const char *dir = getenv("NVSR_RUN");

	return dir && dir[0] ? dir : "/run/nvsr-conform";
}

static char *note_path(struct nvsr_bdf b)
{
	char text[NVSR_BDF_LEN];

	return nvsr_asprintf("%s/%s" NOTE, note_dir(), nvsr_bdf_text(b, text));
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

/* Which device it is, by what the kernel read when it found it: all that is there after a reset. */
static json_t *identity_json(struct nvsr_bdf b)
{
	static const char *const ids[] = { "vendor", "device", "subsystem_vendor", "subsystem_device" };
	json_t *o = json_object();
	char value[32];

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(ids); i++)
		if (!nvsr_sysfs_get(b, ids[i], value, sizeof(value)))
			json_object_set_new(o, ids[i], json_string(value));
	return o;
}

/* The addresses that the kernel gave to its BARs: "START END" of each; without the flags, some of which come and go. */
static json_t *addresses_json(struct nvsr_bdf b)
{
	char bdf[NVSR_BDF_LEN];
	_cleanup_free_ char *path = nvsr_asprintf("%s/bus/pci/devices/%s/resource", nvsr_sysfs_root(), nvsr_bdf_text(b, bdf));
	_cleanup_free_ char *text = NULL;
	json_t *list = json_array();
	char *save = NULL;
	size_t len;

	if (!path || nvsr_read_file(path, 1u << 16, &text, &len))
		return list;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *flags = strrchr(line, ' ');

		if (flags)
			*flags = '\0';
		json_array_append_new(list, json_string(line));
	}
	return list;
}

/* A choice that somebody made for it before us: a rule of udev, driverctl. */
static json_t *override_json(struct nvsr_bdf b)
{
	char value[64];

	return nvsr_sysfs_get(b, "driver_override", value, sizeof(value)) || !strcmp(value, "(null)") ? json_string("") :
		json_string(value);
}

/* What goes around it: autoprobe, the way of resets, drivers of VFs. */
static json_t *host_json(struct nvsr_bdf b)
{
	_cleanup_free_ char *text = NULL;

	return nvsr_os_save(b, &text) ? NULL : json_loads(text, 0, NULL);
}

static int write_note(const char *path, struct nvsr_bdf b, const char *driver, const char *enable_sriov)
{
	_cleanup_free_ char *text = NULL;
	unsigned vfs = 0;
	json_t *o = json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o}", "version", 2, "driver", driver, "enable_sriov", enable_sriov,
			      "override", override_json(b), "identity", identity_json(b), "addresses", addresses_json(b), "config",
			      config_json(b));
	int rc = o ? 0 : -ENOMEM;

	if (!rc && !nvsr_os_get_numvfs(b, &vfs))
		rc = json_object_set_new(o, "numvfs", json_integer(vfs)) ? -ENOMEM : 0;
	if (!rc)
		rc = json_object_set_new(o, "host", host_json(b)) ? -ENOMEM : 0;
	text = rc ? NULL : json_dumps(o, JSON_INDENT(1));
	if (!rc)
		rc = text ? nvsr_write_file(path, text, strlen(text)) : -ENOMEM;
	json_decref(o);
	return rc;
}

struct note {
	char driver[32], enable_sriov[8], override[64];
	bool other;	/* another device is in its place */
	bool moved;	/* or it has other addresses now: the registers say nothing about it */
	long vfs;	/* -1: none that the kernel knows of */
	char *host;	/* nvsr_os_save(), or NULL */
	struct nvsr_config config;
};

static void free_note(struct note *n)
{
	free(n->host);
}
#define _cleanup_note_ NVSR_CLEANUP(free_note)

/* True when @o has @key and it is not @now, which is given away. */
static bool differs(const json_t *o, const char *key, json_t *now)
{
	const json_t *was = json_object_get(o, key);
	bool is_other = was && !json_equal(was, now);

	json_decref(now);
	return is_other;
}

/* 0, -ENOENT when the PF was not taken, -EINVAL for a file that is no note. */
static int read_note(const char *path, struct nvsr_bdf b, struct note *ret)
{
	const char *driver, *sriov, *override;
	const json_t *vfs, *host;
	json_t *o;
	int rc = 0;

	*ret = (struct note){ .vfs = -1 };
	if (access(path, F_OK))
		return -ENOENT;
	o = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
	driver = json_string_value(json_object_get(o, "driver"));
	sriov = json_string_value(json_object_get(o, "enable_sriov"));
	override = json_string_value(json_object_get(o, "override"));
	if (!driver || !sriov || strlen(driver) >= sizeof(ret->driver) || strlen(sriov) >= sizeof(ret->enable_sriov)) {
		rc = -EINVAL;
	} else {
		strcpy(ret->driver, driver);
		strcpy(ret->enable_sriov, sriov);
		snprintf(ret->override, sizeof(ret->override), "%s", override ? override : "");
		config_from_json(json_object_get(o, "config"), &ret->config);
		vfs = json_object_get(o, "numvfs");
		host = json_object_get(o, "host");
		ret->vfs = vfs ? (long)json_integer_value(vfs) : -1;
		ret->host = host ? json_dumps(host, JSON_COMPACT) : NULL;
		ret->other = differs(o, "identity", identity_json(b));
		ret->moved = !json_object_get(o, "addresses") || differs(o, "addresses", addresses_json(b));
	}
	json_decref(o);
	return rc;
}

int nvsr_taken_config(struct nvsr_bdf b, struct nvsr_config *ret)
{
	_cleanup_free_ char *path = note_path(b);
	_cleanup_note_ struct note note = { .vfs = -1 };
	int rc = path ? read_note(path, b, &note) : -ENOMEM;

	if (!rc && (note.other || note.moved))
		rc = -ENOENT;
	if (!rc)
		*ret = note.config;
	return rc;
}

/* --- enable_sriov of vfio-pci, which all PFs share ---------------------------------------------------------------------------- */

/* From looking at the notes to changing what they share nobody else may: to be closed, or -1. */
static int lock_notes(void)
{
	int fd = open(note_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
		;
	return fd;
}

/* What the oldest of the notes but @own has; false when there is none. */
static bool parameter_of_others(const char *own, char *ret, size_t len)
{
	DIR *dir = opendir(note_dir());
	struct timespec oldest = { 0 };
	const struct dirent *e;
	bool found = false;

	while (dir && (e = readdir(dir))) {
		_cleanup_free_ char *path = nvsr_asprintf("%s/%s", note_dir(), e->d_name);
		size_t n = strlen(e->d_name), end = strlen(NOTE);
		const char *value;
		struct stat st;
		json_t *o;

		if (n <= end || strcmp(e->d_name + n - end, NOTE) || !path || !strcmp(path, own) || stat(path, &st))
			continue;
		if (found && (st.st_mtim.tv_sec > oldest.tv_sec ||
			      (st.st_mtim.tv_sec == oldest.tv_sec && st.st_mtim.tv_nsec >= oldest.tv_nsec)))
			continue;
		o = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
		value = json_string_value(json_object_get(o, "enable_sriov"));
		if (value) {
			snprintf(ret, len, "%s", value);
			oldest = st.st_mtim;
			found = true;
		}
		json_decref(o);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int put_parameter(const char *value)
{
	return nvsr_sysfs_write(ENABLE_SRIOV, value);
}

/* The note is written, and VFs of vfio-pci are allowed, which the first one to take a PF found allowed or not. */
static int note_and_allow(const char *path, struct nvsr_bdf b, const char *driver)
{
	char sriov[8] = "N";
	_cleanup_close_ int fd = -1;
	int rc = nvsr_mkdirs(note_dir());

	if (rc)
		return rc;
	fd = lock_notes();
	if (!parameter_of_others(path, sriov, sizeof(sriov)))
		nvsr_sysfs_read(ENABLE_SRIOV, sriov, sizeof(sriov));
	/* After a crash the note says what the driver was. */
	if (access(path, F_OK))
		rc = write_note(path, b, driver, sriov);
	return rc || !nvsr_sysfs_has(b, "sriov_numvfs") ? rc : put_parameter("Y");
}

/* The note goes, and with the last one the parameter is as it was before the first. */
static int drop_note(const char *path, const char *enable_sriov)
{
	char others[8];
	int fd = lock_notes(), rc;

	if (!parameter_of_others(path, others, sizeof(others)))
		put_parameter(enable_sriov);
	rc = unlink(path) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* --- take ------------------------------------------------------------------------------------------------------------------- */

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

char *nvsr_dev_canonical(const char *where)
{
	char text[NVSR_BDF_LEN];
	struct nvsr_bdf b;

	return strdup(nvsr_bdf_parse(where, &b) ? nvsr_bdf_text(b, text) : where);
}

int nvsr_dev_driver(const char *where, char *ret, size_t len)
{
	struct nvsr_bdf b;

	if (!nvsr_bdf_parse(where, &b) || !nvsr_sysfs_has(b, "class"))
		return -ENOENT;
	nvsr_os_driver(b, ret, len);
	return 0;
}

int nvsr_dev_node(const char *where, char *ret, size_t len)
{
	char ctrl[32];
	struct nvsr_bdf b;

	if (!nvsr_bdf_parse(where, &b) || nvsr_sysfs_controller(b, ctrl, sizeof(ctrl)))
		return -ENOENT;
	return snprintf(ret, len, "/dev/%s", ctrl) < (int)len ? 0 : -ENOENT;
}

bool nvsr_dev_is_taken(const char *where, char *ret_driver, size_t len)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_note_ struct note note = { .vfs = -1 };
	struct nvsr_bdf b;

	if (!nvsr_bdf_parse(where, &b))
		return false;
	path = note_path(b);
	if (!path || read_note(path, b, &note))
		return false;
	snprintf(ret_driver, len, "%s", note.driver);
	return true;
}

int nvsr_dev_take(const char *where, struct nvsr_complaint *c)
{
	char driver[32];
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
	nvsr_os_get_numvfs(b, &vfs);
	/* The kernel changes their number through the driver of the PF alone. */
	if (!driver[0] && vfs)
		return nvsr_complain(c, -EBUSY, "%s: has %u VFs and no driver that could disable them: give it to nvme, and write 0 to "
				     "sriov_numvfs", where, vfs);
	rc = note_and_allow(path, b, driver);
	if (rc && access(path, F_OK))
		return nvsr_complain(c, rc, "%s: %s", path, strerror(-rc));
	/* VFs of the driver that goes would stay behind without anybody. */
	if (!rc && strcmp(driver, VFIO) && vfs)
		rc = nvsr_os_change_numvfs(b, vfs, 0);
	if (!rc)
		rc = nvsr_os_bind(b, VFIO, true);
	if (rc) {
		struct nvsr_complaint back;
		_cleanup_free_ char *said = nvsr_asprintf("%s: from %s to " VFIO ": %s", where, driver[0] ? driver : "no driver",
							  strerror(-rc));

		nvsr_complain(c, rc, "%s", said ? said : strerror(-rc));
		if (nvsr_dev_give_back(where, false, &back))
			nvsr_complain(c, rc, "%.200s; and not given back: %.250s", said ? said : "", back.text);
	}
	return rc;
}

/* VFs are back without what their controllers had of the PF's resources: that is in the caller's snapshot, if anywhere. */
static int put_back_vfs(struct nvsr_bdf b, const struct note *note)
{
	unsigned now = 0;
	int rc = 0, host;

	if (note->driver[0] && note->vfs >= 0 && !nvsr_os_get_numvfs(b, &now) && now != (unsigned long)note->vfs)
		rc = nvsr_os_change_numvfs(b, now, (unsigned)note->vfs);
	host = note->host ? nvsr_os_restore(b, note->host) : 0;
	return rc ? rc : host;
}

int nvsr_dev_give_back(const char *where, bool vfs, struct nvsr_complaint *c)
{
	_cleanup_free_ char *path = NULL;
	char now[32], ctrl[32];
	const char *gone = NULL;
	struct nvsr_bdf b;
	_cleanup_note_ struct note note = { .vfs = -1 };
	unsigned n = 0;
	bool free_hands;
	uint64_t until;
	int rc, error;

	c->text[0] = '\0';
	if (!nvsr_bdf_parse(where, &b))
		return 0;
	path = note_path(b);
	rc = path ? read_note(path, b, &note) : -ENOMEM;
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return nvsr_complain(c, rc, "%s: is not readable as the note of what %s had", path, where);
	nvsr_os_driver(b, now, sizeof(now));
	free_hands = !now[0] || !strcmp(now, VFIO);
	/* Whatever comes to this slot later had nothing taken from it, nor has a device that somebody gave to a driver since. */
	if (!nvsr_sysfs_has(b, "class"))
		gone = "is no longer there";
	else if (note.other)
		gone = "is another device now";
	else if (!free_hands && strcmp(now, note.driver))
		gone = "has been given to another driver meanwhile";
	if (gone) {
		drop_note(path, note.enable_sriov);
		return nvsr_complain(c, -ENODEV, "%s: %s: nothing to give back to %s", where, gone,
				     note.driver[0] ? note.driver : "no driver");
	}
	if (!strcmp(now, VFIO) && strcmp(note.driver, VFIO) && !nvsr_os_get_numvfs(b, &n) && n)
		nvsr_os_change_numvfs(b, n, 0);
	/* A driver that comes back wants its BARs where they were, whatever reset the last run died in; one that is there has them. */
	if (free_hands && !note.moved)
		nvsr_config_put_back(b, &note.config);
	rc = nvsr_os_bind(b, note.driver, false);
	if (!rc && note.override[0])
		rc = nvsr_sysfs_put(b, "driver_override", note.override);
	if (rc)
		return nvsr_complain(c, rc, "%s: back to %s: %s", where, note.driver[0] ? note.driver : "no driver", strerror(-rc));
	/* A driver of the kernel brings its controller up first. */
	until = nvsr_now_ns() + NODE_MS * NVSR_MS;
	while (!strcmp(note.driver, "nvme") && nvsr_sysfs_controller(b, ctrl, sizeof(ctrl)) && nvsr_now_ns() < until)
		nvsr_sleep_ns(5 * NVSR_MS, NULL);
	/* A snapshot of a PF with the nvme driver was made before it was taken, and knows more; of others there is only the note. */
	rc = vfs || strcmp(note.driver, "nvme") ? put_back_vfs(b, &note) : 0;
	error = drop_note(path, note.enable_sriov);
	if (rc)
		return nvsr_complain(c, rc, "%s: its VFs are not as they were: %s", where, strerror(-rc));
	return error ? nvsr_complain(c, error, "%s: %s", path, strerror(-error)) : 0;
}
