// SPDX-License-Identifier: GPL-2.0-or-later
/* A PF named by its PCI address: to VFIO for the time of a run, and back to what it had, compared. */
#include "runners/conform/conform.h"

static int failed(const struct nvsr_complaint *complaint, int rc)
{
	nvsr_say("%s", complaint->text[0] ? complaint->text : nvsr_rc_text(rc));
	return rc == -EIO || rc == -ETIMEDOUT ? EXIT_INCOMPLETE : EXIT_USAGE;
}

/* Its block devices go with its driver: whoever uses one would lose it, whatever the tests do. */
static int check_unused(const struct nvsr_target *t)
{
	_cleanup_free_ char *use = nvsr_in_use_for_good(t->session.device);

	if (use && !*use)
		return 0;
	if (use)
		nvsr_say("%s: refusing to take it from its driver, namespaces of its subsystem are in use:\n%s", t->session.device,
			 use);
	else
		nvsr_say("%s: refusing to take it from its driver, cannot find out who uses its namespaces: %s", t->session.device,
			 strerror(errno));
	return EXIT_USAGE;
}

int nvsr_target_begin(struct nvsr_target *t)
{
	char driver[32];

	if (!t->real || !nvsr_dev_can_be_taken(t->session.device))
		return 0;
	if (nvsr_dev_is_taken(t->session.device, driver, sizeof(driver))) {
		nvsr_say("%s: an interrupted run left it with vfio-pci: nvsr-conform restore %s RUN puts it back", t->session.device,
			 t->session.device);
		return EXIT_USAGE;
	}
	if (nvsr_dev_driver(t->session.device, driver, sizeof(driver)))
		driver[0] = '\0';
	/* Its state before is read through the driver that it has; without one that takes VFIO already. */
	t->session.vf_access = NVSR_VF_KERNEL;
	return strcmp(driver, "nvme") ? nvsr_target_take(t) : 0;
}

int nvsr_target_take(struct nvsr_target *t)
{
	struct nvsr_complaint complaint = { "" };
	char driver[32];
	int rc;

	if (!t->real || t->taken || !nvsr_dev_can_be_taken(t->session.device))
		return 0;
	/* Of a function that there is not nvsr_dev_take() says so. */
	rc = nvsr_dev_driver(t->session.device, driver, sizeof(driver)) ? 0 : check_unused(t);
	if (rc)
		return rc;
	rc = nvsr_dev_take(t->session.device, &complaint);
	if (rc)
		return failed(&complaint, rc);
	t->taken = true;
	if (!t->state)
		return 0;	/* about to be looked at for the first time */
	rc = nvsr_target_look(t, &t->baseline);
	t->session.baseline = t->baseline;
	if (rc)
		nvsr_target_give_back(t);
	return rc;
}

int nvsr_give_back(const char *device, int (*restore)(void *arg), void *arg)
{
	struct nvsr_complaint complaint;
	char driver[32];
	bool nvme;
	int rc = 0;

	if (!nvsr_dev_is_taken(device, driver, sizeof(driver)))
		return restore(arg);
	nvme = !strcmp(driver, "nvme");
	if (!nvme)
		rc = restore(arg);
	if (nvsr_dev_give_back(device, &complaint)) {
		nvsr_say("%s", complaint.text);
		return EXIT_INCOMPLETE;
	}
	return nvme ? restore(arg) : rc;
}

/* The state that was recorded, through the driver that the PF has now. */
static int put_back(void *arg)
{
	const struct nvsr_target *t = arg;
	struct nvsr_session s = { .device = t->session.device, .vf_access = NVSR_VF_KERNEL, .timeout_scale = t->session.timeout_scale };
	_cleanup_free_ char *reason = NULL;

	if (!t->state || !nvsr_session_restore(&s, t->state, &reason))
		return 0;
	nvsr_say("%s: not restored: %s", s.device, reason ? reason : "");
	return EXIT_INCOMPLETE;
}

int nvsr_target_give_back(struct nvsr_target *t)
{
	if (!t->taken)
		return 0;
	t->taken = false;
	return nvsr_give_back(t->session.device, put_back, t);
}
