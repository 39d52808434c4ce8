// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Putting a device back.  Each step compares first, so a device in its old state gets no command that changes anything.
 * The order matters: the primary's own flexible resources need a reset that puts every secondary Offline, so they come
 * first; VFs must exist before their controllers can be Online, and a device may attach shared namespaces to VFs as they come.
 */
#include "sriov/state.h"

static void keep(int *first, int rc)
{
	if (rc && !*first)
		*first = rc;
}

static uint16_t pf_cntlid(struct nvsr_dev *pf)
{
	struct nvme_id_ctrl id;

	return nvsr_id_ctrl(pf, &id) ? UINT16_MAX : le16_get(id.cntlid);
}

/*
 * Base 5.28 ACT 1h: in force after the next CLR other than a Controller Reset, and persistent.  An allocation that still
 * waits for that reset cannot be read back, so @again states the old one even where nothing seems to differ.
 */
static int restore_primary(struct nvsr_dev *pf, const json_t *want, const json_t *now, bool again)
{
	static const struct { const char *key; unsigned rt; } types[] = {
		{ "vqrfap", NVME_VIRT_RT_VQ }, { "virfap", NVME_VIRT_RT_VI },
	};
	bool reset = false;
	int first = 0;

	if (!want || !now)
		return 0;
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(types); i++) {
		if (!(nvsr_num(want, "crt") & 1 << i))
			continue;
		if (nvsr_num(want, types[i].key) != nvsr_num(now, types[i].key))
			reset = true;
		else if (!again)
			continue;
		keep(&first, nvsr_virt_mgmt(pf, pf_cntlid(pf), types[i].rt, NVME_VIRT_PRIMARY_FLEXIBLE,
					    (unsigned)nvsr_num(want, types[i].key), NULL));
	}
	if (reset)
		keep(&first, nvsr_reset(pf, NVSR_RESET_FLR));
	return first;
}

static bool same_resources(const json_t *a, const json_t *b)
{
	return nvsr_num(a, "nvq") == nvsr_num(b, "nvq") && nvsr_num(a, "nvi") == nvsr_num(b, "nvi");
}

/* Offline whatever must change, so that its resources are free for the others. */
static int release_secondaries(struct nvsr_dev *pf, const json_t *want, const json_t *now)
{
	int first = 0;
	json_t *s;
	size_t i;

	json_array_foreach(now, i, s) {
		const json_t *w = nvsr_element(want, "scid", nvsr_num(s, "scid"), i);

		if (!w || (json_is_true(json_object_get(w, "online")) == json_is_true(json_object_get(s, "online")) &&
			   same_resources(w, s)))
			continue;
		keep(&first, nvsr_virt_mgmt(pf, (uint16_t)nvsr_num(s, "scid"), 0, NVME_VIRT_OFFLINE, 0, NULL));
	}
	return first;
}

static int assign_secondaries(struct nvsr_dev *pf, const json_t *want, const json_t *now)
{
	int first = 0;
	json_t *w;
	size_t i;

	json_array_foreach(want, i, w) {
		const json_t *s = nvsr_element(now, "scid", nvsr_num(w, "scid"), i);
		uint16_t scid = (uint16_t)nvsr_num(w, "scid");

		if (!s)
			continue;
		if (nvsr_num(w, "nvq") != nvsr_num(s, "nvq"))
			keep(&first, nvsr_virt_mgmt(pf, scid, NVME_VIRT_RT_VQ, NVME_VIRT_ASSIGN, (unsigned)nvsr_num(w, "nvq"), NULL));
		if (nvsr_num(w, "nvi") != nvsr_num(s, "nvi"))
			keep(&first, nvsr_virt_mgmt(pf, scid, NVME_VIRT_RT_VI, NVME_VIRT_ASSIGN, (unsigned)nvsr_num(w, "nvi"), NULL));
		if (json_is_true(json_object_get(w, "online")) && !json_is_true(json_object_get(s, "online")))
			keep(&first, nvsr_virt_mgmt(pf, scid, 0, NVME_VIRT_ONLINE, 0, NULL));
	}
	return first;
}

static int create_again(struct nvsr_dev *pf, const json_t *want)
{
	uint32_t nsid;

	/* The controller chooses the NSID: where it is another one, the comparison after the restore says so. */
	return nvsr_ns_create(pf, (uint64_t)nvsr_num(want, "nsze"), (uint8_t)nvsr_num(want, "flbas"),
			      nvsr_num(want, "nmic") & NVME_NMIC_SHARED, &nsid);
}

static int restore_attachments(struct nvsr_dev *pf, const json_t *want, const json_t *now)
{
	uint32_t nsid = (uint32_t)nvsr_num(want, "nsid");
	const json_t *w = json_object_get(want, "controllers"), *n = json_object_get(now, "controllers");
	int first = 0;
	json_t *c;
	size_t i;

	if (!w)
		return 0;
	json_array_foreach(n, i, c)
		if (!nvsr_contains(w, json_integer_value(c), i))
			keep(&first, nvsr_ns_detach(pf, nsid, (uint16_t)json_integer_value(c)));
	json_array_foreach(w, i, c)
		if (!nvsr_contains(n, json_integer_value(c), i))
			keep(&first, nvsr_ns_attach(pf, nsid, (uint16_t)json_integer_value(c)));
	return first;
}

/* Register or Release with the one key that is used here. */
static int reservation(struct nvsr_dev *pf, uint8_t opcode, uint32_t nsid, uint32_t cdw10)
{
	const le64_t key = le64(0x726573746f7265);
	struct nvme_resv_keys keys = { 0 };
	struct nvsr_cmd c = { .opcode = opcode, .nsid = nsid, .cdw10 = cdw10, .data = &keys };

	if (opcode == NVME_CMD_RESV_REGISTER)
		keys.key2 = key;
	else
		keys.crkey = key;
	c.data_len = opcode == NVME_CMD_RESV_REGISTER ? sizeof(keys) : sizeof(keys.crkey);
	return nvsr_io(pf, &c);
}

/* Base 8.19: any registrant may clear a reservation, whoever holds it, and anybody who is attached may register. */
static int clear_reservation(struct nvsr_dev *pf, uint32_t nsid)
{
	uint8_t host[8] = "restore";
	bool named = false;
	int rc = reservation(pf, NVME_CMD_RESV_REGISTER, nsid, NVME_RREGA_REGISTER | NVME_CPTPL_CLEAR);

	if (rc > 0) {
		/* Where a host without an identifier may not register; the reset takes the identifier back. */
		named = !nvsr_set_feature(pf, NVME_FEAT_HOST_ID, 0, 0, host, sizeof(host), NULL);
		rc = reservation(pf, NVME_CMD_RESV_REGISTER, nsid, NVME_RREGA_REGISTER);
	}
	if (!rc)
		rc = reservation(pf, NVME_CMD_RESV_RELEASE, nsid, NVME_RRELA_CLEAR);
	if (named)
		nvsr_reset(pf, NVSR_RESET_CTRL);
	return rc;
}

/* A namespace that a test made: it may have protected it (Base 8.12) or reserved it. */
static int delete_new(struct nvsr_dev *pf, const json_t *now)
{
	uint32_t nsid = (uint32_t)nvsr_num(now, "nsid");
	int rc;

	if (nvsr_num(now, "wp"))
		nvsr_set_feature(pf, NVME_FEAT_WRITE_PROTECT, nsid, NVME_WPS_NONE, NULL, 0, NULL);
	rc = nvsr_ns_delete(pf, nsid);
	if (rc != NVME_SC_RESV_CONFLICT)
		return rc;
	rc = clear_reservation(pf, nsid);
	return rc ? rc : nvsr_ns_delete(pf, nsid);
}

static int restore_namespaces(struct nvsr_dev *pf, const json_t *want, const json_t *now)
{
	int first = 0;
	json_t *ns;
	size_t i;

	json_array_foreach(now, i, ns)
		if (!nvsr_element(want, "nsid", nvsr_num(ns, "nsid"), i))
			keep(&first, delete_new(pf, ns));
	json_array_foreach(want, i, ns) {
		const json_t *n = nvsr_element(now, "nsid", nvsr_num(ns, "nsid"), i);

		if (!n)
			keep(&first, create_again(pf, ns));
		else if (json_object_get(n, "wp") && nvsr_num(n, "wp") != nvsr_num(ns, "wp"))
			keep(&first, nvsr_set_feature(pf, NVME_FEAT_WRITE_PROTECT, (uint32_t)nvsr_num(ns, "nsid"),
						      (uint32_t)nvsr_num(ns, "wp"), NULL, 0, NULL));
		keep(&first, restore_attachments(pf, ns, n));
	}
	return first;
}

static int restore_features(struct nvsr_dev *pf, const json_t *want, const json_t *now)
{
	int first = 0;
	json_t *w;
	size_t i;

	json_array_foreach(want, i, w) {
		const json_t *n = nvsr_element(now, "fid", nvsr_num(w, "fid"), i);
		const char *hex = json_string_value(json_object_get(w, "data"));
		size_t len = hex ? strlen(hex) / 2 : 0;
		uint8_t data[512];
		size_t k = 0;

		if (!n || json_equal(w, n))
			continue;
		while (k < len && k < sizeof(data) && sscanf(hex + 2 * k, "%2hhx", &data[k]) == 1)
			k++;
		if (k < len)
			keep(&first, -EINVAL);	/* of a file that nobody here wrote */
		else
			keep(&first, nvsr_set_feature(pf, (uint8_t)nvsr_num(w, "fid"), 0, (uint32_t)nvsr_num(w, "value"),
					      len ? data : NULL, (uint32_t)len, NULL));
	}
	return first;
}

/* Tests may leave the controller disabled, or its function without BARs: an FLR makes the access method program them. */
static int revive(struct nvsr_dev *pf)
{
	int rc;

	if (!(nvsr_dev_can(pf) & NVSR_CAN_REG_WRITE))
		return 0;
	rc = nvsr_ctrl_enable(pf);
	if (rc && !nvsr_reset(pf, NVSR_RESET_FLR))
		rc = nvsr_ctrl_enable(pf);
	return rc;
}

/* --- the steps, in their order ------------------------------------------------------------------------------------------- */

struct restoring {
	struct nvsr_dev *pf;
	const struct nvsr_snapshot *want;
	struct nvsr_snapshot *now;	/* as it is before this step */
	bool allocated;			/* flexible resources may have been promised to the primary */
	int first;			/* first error */
};

static int primary_step(struct restoring *r, const json_t *want, const json_t *now)
{
	return restore_primary(r->pf, want, now, r->allocated);
}

static int release_step(struct restoring *r, const json_t *want, const json_t *now)
{
	return release_secondaries(r->pf, want, now);
}

static int namespaces_step(struct restoring *r, const json_t *want, const json_t *now)
{
	return restore_namespaces(r->pf, want, now);
}

static int numvfs_step(struct restoring *r, const json_t *want, const json_t *now)
{
	int rc = 0;

	if (!want || !now || json_equal(want, now))
		return 0;
	if (json_integer_value(now) && json_integer_value(want))
		rc = nvsr_set_numvfs(r->pf, 0);
	return rc ? rc : nvsr_set_numvfs(r->pf, (unsigned)json_integer_value(want));
}

static int assign_step(struct restoring *r, const json_t *want, const json_t *now)
{
	return assign_secondaries(r->pf, want, now);
}

static int features_step(struct restoring *r, const json_t *want, const json_t *now)
{
	return restore_features(r->pf, want, now);
}

static int host_step(struct restoring *r, const json_t *want, const json_t *now)
{
	_cleanup_free_ char *host = want ? json_dumps(want, JSON_COMPACT) : NULL;

	return !want ? 0 : host ? nvsr_host_restore(r->pf, host) : -ENOMEM;
}

int nvsr_snapshot_restore(struct nvsr_dev *pf, const struct nvsr_snapshot *s)
{
	static const struct { const char *key; int (*step)(struct restoring *r, const json_t *want, const json_t *now); } steps[] = {
		{ "primary", primary_step }, { "secondary", release_step }, { "numvfs", numvfs_step },
		{ "namespaces", namespaces_step }, { "secondary", assign_step }, { "features", features_step }, { "host", host_step },
	};
	struct restoring r = {
		.pf = pf, .want = s, .allocated = s->from_file || nvsr_dev_allocated(pf), .first = revive(pf)
	};

	if (r.first)
		return r.first;
	/* A device that stopped answering costs one timeout, not one for each command that is left. */
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(steps) && r.first != -ETIMEDOUT; i++) {
		if (!r.now || nvsr_dev_dirty(pf)) {
			r.now = nvsr_snapshot_free(r.now);
			nvsr_dev_clean(pf);
			keep(&r.first, nvsr_snapshot_take(pf, &r.now));
		}
		if (r.now)
			keep(&r.first, steps[i].step(&r, json_object_get(s->state, steps[i].key),
						     json_object_get(r.now->state, steps[i].key)));
	}
	nvsr_snapshot_free(r.now);
	return r.first;
}
