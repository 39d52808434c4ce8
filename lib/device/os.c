// SPDX-License-Identifier: GPL-2.0-or-later
/* VFs, autoprobe and driver bindings around a PF. */
#include <fcntl.h>
#include <jansson.h>

#include "base/text.h"
#include "base/time.h"
#include "device/kernel_nvme.h"
#include "device/os.h"
#include "spec/nvme.h"

#define ALIVE_MS 2000	/* a controller that works answers Identify in a fraction of it */
#define ALIVE_TRIES 3
#define LIVE_MS 30000	/* until a driver that was given a controller works with it */

#define AUTOPROBE "sriov_drivers_autoprobe"
#define NO_OVERRIDE "(null)"	/* as sysfs says it */

void nvsr_os_driver(struct nvsr_bdf b, char *ret, size_t len)
{
	if (nvsr_sysfs_link(b, "driver", ret, len))
		ret[0] = '\0';
}

int nvsr_os_bind(struct nvsr_bdf b, const char *driver, bool keep)
{
	char text[NVSR_BDF_LEN], now[32];
	int rc = 0;

	nvsr_bdf_text(b, text);
	nvsr_os_driver(b, now, sizeof(now));
	if (now[0] && strcmp(now, driver)) {
		_cleanup_free_ char *unbind = nvsr_asprintf("drivers/%s/unbind", now);

		rc = unbind ? nvsr_sysfs_bus_put(unbind, text) : -ENOMEM;
	}
	if (!rc)
		rc = nvsr_sysfs_put(b, "driver_override", driver[0] ? driver : "\n");
	if (!rc && driver[0] && strcmp(now, driver)) {
		rc = nvsr_sysfs_bus_put("drivers_probe", text);
		nvsr_os_driver(b, now, sizeof(now));
		if (!rc && strcmp(now, driver))
			rc = -ENODEV;
	}
	if (!keep && driver[0])
		nvsr_sysfs_put(b, "driver_override", "\n");
	return rc;
}

int nvsr_os_vf(struct nvsr_bdf pf, unsigned vfn, struct nvsr_bdf *ret)
{
	char attr[32], text[32];
	int rc;

	snprintf(attr, sizeof(attr), "virtfn%u", vfn - 1);
	rc = nvsr_sysfs_link(pf, attr, text, sizeof(text));
	if (rc)
		return rc == -ENOENT ? -ENODEV : rc;
	return nvsr_bdf_parse(text, ret) ? 0 : -EPROTO;
}

int nvsr_os_get_numvfs(struct nvsr_bdf pf, unsigned *ret)
{
	char value[32];
	int rc = nvsr_sysfs_get(pf, "sriov_numvfs", value, sizeof(value));

	if (!rc)
		*ret = (unsigned)strtoul(value, NULL, 10);
	return rc == -ENOENT ? -ENOTSUP : rc;
}

int nvsr_os_change_numvfs(struct nvsr_bdf pf, unsigned now, unsigned n)
{
	char value[16];
	int rc;

	/* Drivers that probe a VF before it is Online wait for nothing, up to CAP.TO. */
	rc = nvsr_sysfs_put(pf, AUTOPROBE, "0");
	if (!rc && now)
		rc = nvsr_sysfs_put(pf, "sriov_numvfs", "0");
	snprintf(value, sizeof(value), "%u", n);
	return rc || !n ? rc : nvsr_sysfs_put(pf, "sriov_numvfs", value);
}

/* The driver of a VF and what it is bound to have. */
static int save_vf(struct nvsr_bdf vf, json_t *drivers, json_t *overrides)
{
	char value[64], text[NVSR_BDF_LEN];
	int rc = 0;

	nvsr_bdf_text(vf, text);
	nvsr_os_driver(vf, value, sizeof(value));
	if (value[0])
		rc = json_object_set_new(drivers, text, json_string(value));
	if (!rc && !nvsr_sysfs_get(vf, "driver_override", value, sizeof(value)) && strcmp(value, NO_OVERRIDE))
		rc = json_object_set_new(overrides, text, json_string(value));
	return rc;
}

int nvsr_os_save(struct nvsr_bdf pf, char **ret_json)
{
	json_t *host = json_object(), *drivers = json_object(), *overrides = json_object();
	unsigned vfs = 0;
	char value[64];
	int rc = -ENOMEM;

	nvsr_os_get_numvfs(pf, &vfs);
	if (!host || json_object_set(host, "drivers", drivers) || json_object_set(host, "overrides", overrides))
		goto out;
	/* While there are VFs a reset of the bus is none of the methods, and cannot be chosen. */
	if (!vfs && !nvsr_sysfs_get(pf, "reset_method", value, sizeof(value)) &&
	    json_object_set_new(host, "reset_method", json_string(value)))
		goto out;
	if (!nvsr_sysfs_get(pf, AUTOPROBE, value, sizeof(value)) &&
	    json_object_set_new(host, "autoprobe", json_integer(strtol(value, NULL, 10))))
		goto out;
	for (unsigned vfn = 1; vfn <= vfs; vfn++) {
		struct nvsr_bdf vf;

		if (!nvsr_os_vf(pf, vfn, &vf) && save_vf(vf, drivers, overrides))
			goto out;
	}
	*ret_json = json_dumps(host, JSON_COMPACT);
	rc = *ret_json ? 0 : -ENOMEM;
out:
	json_decref(overrides);
	json_decref(drivers);
	json_decref(host);
	return rc;
}

/* A driver probes in the background: until that has ended, nobody may take the function from it again. */
static int wait_live(struct nvsr_bdf vf)
{
	uint64_t until = nvsr_now_ns() + LIVE_MS * NVSR_MS;
	char ctrl[32], path[64], state[32] = "", driver[32];

	for (;;) {
		nvsr_os_driver(vf, driver, sizeof(driver));
		if (strcmp(driver, "nvme"))
			return -ENODEV;		/* it did not come up: its secondary controller is not Online */
		if (!nvsr_sysfs_controller(vf, ctrl, sizeof(ctrl)) &&
		    snprintf(path, sizeof(path), "class/nvme/%s/state", ctrl) > 0 && !nvsr_sysfs_read(path, state, sizeof(state)) &&
		    !strcmp(state, "live"))
			return 0;
		if (nvsr_now_ns() >= until)
			return -ETIMEDOUT;
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	}
}

/*
 * A controller that went Offline under its driver executes nothing, though it is Online again: the driver knows of no reset.
 * When a command of ours is overdue it learns of one, and resets the controller itself.
 */
static bool is_alive(struct nvsr_bdf vf)
{
	uint8_t data[NVME_IDENTIFY_SIZE];
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_CNS_CTRL, .data = data, .data_len = sizeof(data),
	};
	char ctrl[32], path[64];
	bool alive;
	int fd;

	if (nvsr_sysfs_controller(vf, ctrl, sizeof(ctrl)))
		return false;
	snprintf(path, sizeof(path), "/dev/%s", ctrl);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	alive = fd >= 0 && !nvsr_kernel_admin(fd, &c, ALIVE_MS);
	if (fd >= 0)
		close(fd);
	return alive;
}

static int revive(struct nvsr_bdf vf)
{
	for (unsigned i = 0; i < ALIVE_TRIES; i++) {
		int rc = wait_live(vf);

		if (rc || is_alive(vf))
			return rc;
	}
	return -ETIMEDOUT;
}

/* @overrides NULL: nothing was recorded of them. */
static int restore_vf(struct nvsr_bdf vf, const json_t *drivers, const json_t *overrides)
{
	char text[NVSR_BDF_LEN], now[64];
	const char *want;
	int rc;

	nvsr_bdf_text(vf, text);
	/* Also VFs that have a driver now and had none. */
	want = json_string_value(json_object_get(drivers, text));
	nvsr_os_driver(vf, now, sizeof(now));
	rc = strcmp(want ? want : "", now) ? nvsr_os_bind(vf, want ? want : "", false) : 0;
	if (!rc && want && !strcmp(want, "nvme"))
		rc = revive(vf);
	/* A VF that was made again has no override, one that we gave to a driver had ours. */
	want = json_string_value(json_object_get(overrides, text));
	if (rc || !overrides || nvsr_sysfs_get(vf, "driver_override", now, sizeof(now)) || !strcmp(now, want ? want : NO_OVERRIDE))
		return rc;
	return nvsr_sysfs_put(vf, "driver_override", want ? want : "\n");
}

/* A reset by FLR alone that was killed leaves the choice of it. */
static int restore_reset_method(struct nvsr_bdf pf, const char *want, unsigned vfs)
{
	char now[64];

	if (!want || vfs || nvsr_sysfs_get(pf, "reset_method", now, sizeof(now)) || !strcmp(now, want))
		return 0;
	return nvsr_sysfs_put(pf, "reset_method", want);
}

static void keep(int *first, int rc)
{
	*first = *first ? *first : rc;
}

int nvsr_os_restore(struct nvsr_bdf pf, const char *json)
{
	json_t *host = json_loads(json, 0, NULL);
	const json_t *autoprobe = json_object_get(host, "autoprobe");
	unsigned vfs = 0;
	char value[32];
	int first = 0;

	if (!host)
		return -EINVAL;
	nvsr_os_get_numvfs(pf, &vfs);
	for (unsigned vfn = 1; vfn <= vfs; vfn++) {
		struct nvsr_bdf vf;

		if (!nvsr_os_vf(pf, vfn, &vf))
			keep(&first, restore_vf(vf, json_object_get(host, "drivers"), json_object_get(host, "overrides")));
	}
	keep(&first, restore_reset_method(pf, json_string_value(json_object_get(host, "reset_method")), vfs));
	if (autoprobe) {
		snprintf(value, sizeof(value), "%lld", (long long)json_integer_value(autoprobe));
		keep(&first, nvsr_sysfs_put(pf, AUTOPROBE, value));
	}
	json_decref(host);
	return first;
}
