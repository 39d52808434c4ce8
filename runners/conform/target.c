// SPDX-License-Identifier: GPL-2.0-or-later
/* The device of a command: which profile, who it is, what may be done to it. */
#include <dirent.h>

#include "runners/conform/conform.h"

#define MODEL "model:"

/* The exit code for a device that cannot be opened: a wrong name is wrong usage, silence is not. */
static int open_failed(const char *device, int rc, const struct nvsr_complaint *complaint)
{
	if (complaint->text[0])
		nvsr_say("%s", complaint->text);
	else
		nvsr_say("%s: %s", device, nvsr_rc_text(rc));
	return rc == -ENOENT || rc == -ENODEV || rc == -ENOTSUP || rc == -EACCES || rc == -EPERM || rc == -EINVAL ?
	       EXIT_USAGE : EXIT_INCOMPLETE;
}

static int load_profile(const char *name, struct nvsr_profile **ret)
{
	struct nvsr_complaint complaint = { "" };
	int rc = nvsr_profile_load(name, ret, &complaint);

	if (!rc)
		return 0;
	nvsr_say("%s", complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	return EXIT_USAGE;
}

/* An Identify string without its padding. */
static void copy_string(char *to, const char *from, size_t len)
{
	while (len && (from[len - 1] == ' ' || !from[len - 1]))
		len--;
	memcpy(to, from, len);
	to[len] = '\0';
}

static bool matches(const struct nvsr_profile *p, const struct nvsr_target *t)
{
	/* A profile without a model name describes a kind of device, not one. */
	return p->identity.model && nvsr_glob(p->identity.model, t->model) &&
	       (p->identity.vendor < 0 || p->identity.vendor == le16_get(t->inv.id.vid)) &&
	       (!p->identity.serial || nvsr_glob(p->identity.serial, t->serial)) &&
	       (!p->identity.firmware || nvsr_glob(p->identity.firmware, t->firmware));
}

static bool is_profile_name(const char *file)
{
	size_t len = strlen(file);

	return len > 5 && !strcmp(file + len - 5, ".yaml") && !strstr(file, ".expect.yaml");
}

/* The only profile whose identity is this device's. */
static int match_profile(struct nvsr_target *t)
{
	const char *folder = nvsr_profile_dir();
	DIR *d = folder ? opendir(folder) : NULL;
	struct nvsr_text found __attribute__((cleanup(nvsr_text_free))) = { 0 };
	const struct dirent *entry;
	unsigned n = 0;

	while (d && (entry = readdir(d))) {
		_cleanup_free_ char *path = NULL;
		struct nvsr_complaint complaint = { "" };
		struct nvsr_profile *p = NULL;

		if (!is_profile_name(entry->d_name))
			continue;
		path = nvsr_asprintf("%s/%s", folder, entry->d_name);
		if (!path || nvsr_profile_load(path, &p, &complaint)) {
			nvsr_say("not considered: %s", complaint.text);
			continue;
		}
		if (matches(p, t)) {
			nvsr_text_add(&found, "%s%s", n++ ? ", " : "", p->name);
			nvsr_profile_free(t->profile);
			t->profile = p;
		} else {
			nvsr_profile_free(p);
		}
	}
	if (d)
		closedir(d);
	if (n == 1)
		return 0;
	if (n)
		nvsr_say("%s: several profiles match %s (%s): choose one with --profile", t->session.device, t->model, found.s);
	else
		nvsr_say("%s: no profile in %s matches %s, firmware %s: choose one with --profile, or make one from\n"
			 "  nvsr-conform probe %s", t->session.device, folder ? folder : "device-profiles", t->model, t->firmware,
			 t->session.device);
	return EXIT_USAGE;
}

static int choose_profiles(const struct nvsr_target_options *o, struct nvsr_target *t)
{
	const char *name = o->device + strlen(MODEL);
	int rc;

	if (t->real)
		return o->profile ? load_profile(o->profile, &t->profile) : 0;
	rc = load_profile(*name ? name : "reference", &t->behaviour);
	if (rc)
		return rc;
	return load_profile(o->profile ? o->profile : *name ? name : "reference", &t->profile);
}

static int check_model_options(const struct nvsr_target_options *o, const struct nvsr_target *t)
{
	if (t->real && o->state) {
		nvsr_say("--model-state %s: only the model keeps its state in a file", o->state);
		return EXIT_USAGE;
	}
	if (o->vf_access != NVSR_VF_AUTO && !t->real) {
		nvsr_say("--vf-access: the VFs of the model are reached as its PF is");
		return EXIT_USAGE;
	}
	if (o->vf_access == NVSR_VF_KERNEL && nvsr_dev_can_be_taken(o->device)) {
		nvsr_say("--vf-access kernel: %s is driven by VFIO, and so are its VFs; name its /dev/nvmeN", o->device);
		return EXIT_USAGE;
	}
	for (char **d = o->defects; d && *d; d++) {
		if (t->real) {
			nvsr_say("--defect %s: only the model has seeded defects", *d);
			return EXIT_USAGE;
		}
		if (!nvsr_defect_find(*d) && !nvsr_lie_find(*d)) {
			nvsr_say("--defect %s: no such defect or lie (nvsr-conform prove shows them)", *d);
			return EXIT_USAGE;
		}
	}
	return 0;
}

/* Destroying data takes the flag, the serial number, and nobody using a namespace of the subsystem. */
static int check_grant(const struct nvsr_target_options *o, struct nvsr_target *t)
{
	_cleanup_free_ char *use = NULL;

	t->session.destroy = !t->real || o->destructive;
	if (!t->real)
		return 0;
	if (!o->destructive) {
		if (o->erase_serial)
			nvsr_say("--erase-serial has no effect without --destructive");
		return o->erase_serial ? EXIT_USAGE : 0;
	}
	if (!o->erase_serial || strcmp(o->erase_serial, t->serial)) {
		nvsr_say("%s: --destructive also needs --erase-serial with the serial number of this device%s%s", o->device,
			 o->erase_serial ? "; it does not have serial number " : "", o->erase_serial ? o->erase_serial : "");
		return EXIT_USAGE;
	}
	use = nvsr_in_use_for_good(o->device);
	if (use && !*use)
		return 0;
	if (use)
		nvsr_say("%s: refusing --destructive, namespaces of its subsystem are in use:\n%s", o->device, use);
	else
		nvsr_say("%s: refusing --destructive, cannot find out who uses its namespaces: %s", o->device, strerror(errno));
	return EXIT_USAGE;
}

int nvsr_target_look(struct nvsr_target *t, struct nvsr_snapshot **ret_state)
{
	struct nvsr_dev *pf = NULL;
	int rc = nvsr_target_connect(t, &pf);

	if (rc)
		return rc;
	nvsr_inventory_free(&t->inv);
	memset(&t->inv, 0, sizeof(t->inv));
	rc = nvsr_inventory_read(pf, &t->inv);
	if (!rc)
		rc = nvsr_snapshot_take(pf, ret_state);
	free(t->method);
	t->can = nvsr_dev_can(pf);
	t->vf_can = nvsr_dev_vf_can(pf);
	t->method = strdup(nvsr_dev_method(pf));
	copy_string(t->model, t->inv.id.mn, sizeof(t->inv.id.mn));
	copy_string(t->serial, t->inv.id.sn, sizeof(t->inv.id.sn));
	copy_string(t->firmware, t->inv.id.fr, sizeof(t->inv.id.fr));
	nvsr_dev_close(pf);
	if (!rc && t->method)
		return 0;
	nvsr_say("%s: reading its state: %s", t->session.device, nvsr_rc_text(rc ? rc : -ENOMEM));
	return EXIT_INCOMPLETE;
}

int nvsr_target_name(const struct nvsr_target_options *o, struct nvsr_target *ret)
{
	struct nvsr_target t = { .real = strncmp(o->device, MODEL, strlen(MODEL)) != 0, .lock = -1 };
	int rc;

	t.session.device = o->device;
	t.session.defects = (const char *const *)o->defects;
	t.session.state = o->state;
	t.session.vf_access = o->vf_access;
	t.session.timeout_scale = o->timeout_scale;
	t.session.seed = o->seed;
	t.session.steps = o->steps;
	rc = check_model_options(o, &t);
	if (!rc)
		rc = choose_profiles(o, &t);
	t.session.profile = t.profile;
	t.session.behaviour = t.behaviour;
	if (!rc)
		rc = nvsr_lock(o->device, o->state, &t.lock);
	if (rc)
		nvsr_target_close(&t);
	else
		*ret = t;
	return rc;
}

int nvsr_target_connect(const struct nvsr_target *t, struct nvsr_dev **ret)
{
	struct nvsr_complaint complaint;
	int rc = nvsr_session_open(&t->session, ret, &complaint);

	return rc ? open_failed(t->session.device, rc, &complaint) : 0;
}

int nvsr_target_open(const struct nvsr_target_options *o, struct nvsr_target *ret)
{
	struct nvsr_target t;
	int rc = nvsr_target_name(o, &t);

	if (rc)
		return rc;
	rc = nvsr_target_begin(&t);
	if (!rc)
		rc = nvsr_target_look(&t, &t.state);
	if (!rc && !t.profile)
		rc = match_profile(&t);
	t.session.profile = t.profile;
	if (!rc)
		rc = check_grant(o, &t);
	if (rc) {
		nvsr_target_give_back(&t);
		nvsr_target_close(&t);
		return rc;
	}
	/* A model that outlives its processes keeps what a group that was killed left behind, as a drive does. */
	if (t.real || o->state)
		t.session.baseline = t.state;
	if (t.real)
		t.session.in_use = nvsr_in_use_for_good;
	*ret = t;
	return 0;
}

void nvsr_target_close(struct nvsr_target *t)
{
	nvsr_snapshot_free(t->baseline);
	nvsr_snapshot_free(t->state);
	nvsr_inventory_free(&t->inv);
	nvsr_profile_free(t->profile);
	nvsr_profile_free(t->behaviour);
	free(t->method);
	if (t->lock >= 0)
		close(t->lock);
	*t = (struct nvsr_target){ .lock = -1 };
}
