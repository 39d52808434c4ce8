/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting a device back.  Each step compares first, so a device in its old state gets no command that changes anything.
 * The order matters: the primary's own flexible resources need a reset that puts every secondary Offline, so they come
 * first; VFs must exist before their controllers can be Online.
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

/* Base 5.28 ACT 1h: in force after the next CLR other than a Controller Reset. */
static int restore_primary(struct nvsr_dev *pf, const json_t *want, const json_t *now)
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
		/* An allocation that is pending cannot be seen: state it again where a reset has to be made anyway. */
		if (nvsr_num(want, types[i].key) == nvsr_num(now, types[i].key) && !reset)
			continue;
		keep(&first, nvsr_virt_mgmt(pf, pf_cntlid(pf), types[i].rt, NVME_VIRT_PRIMARY_FLEXIBLE,
					    (unsigned)nvsr_num(want, types[i].key), NULL));
		reset = true;
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
		const json_t *w = nvsr_element(want, "scid", nvsr_num(s, "scid"));

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
		const json_t *s = nvsr_element(now, "scid", nvsr_num(w, "scid"));
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
		if (!nvsr_contains(w, json_integer_value(c)))
			keep(&first, nvsr_ns_detach(pf, nsid, (uint16_t)json_integer_value(c)));
	json_array_foreach(w, i, c)
		if (!nvsr_contains(n, json_integer_value(c)))
			keep(&first, nvsr_ns_attach(pf, nsid, (uint16_t)json_integer_value(c)));
	return first;
}

static int restore_namespaces(struct nvsr_dev *pf, const json_t *want, const json_t *now)
{
	int first = 0;
	json_t *ns;
	size_t i;

	json_array_foreach(now, i, ns)
		if (!nvsr_element(want, "nsid", nvsr_num(ns, "nsid")))
			keep(&first, nvsr_ns_delete(pf, (uint32_t)nvsr_num(ns, "nsid")));
	json_array_foreach(want, i, ns) {
		const json_t *n = nvsr_element(now, "nsid", nvsr_num(ns, "nsid"));

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
		const json_t *n = nvsr_element(now, "fid", nvsr_num(w, "fid"));
		const char *hex = json_string_value(json_object_get(w, "data"));
		size_t len = hex ? strlen(hex) / 2 : 0;
		uint8_t data[512];

		if (!n || json_equal(w, n) || len > sizeof(data))
			continue;
		for (size_t k = 0; k < len; k++)
			sscanf(hex + 2 * k, "%2hhx", &data[k]);
		keep(&first, nvsr_set_feature(pf, (uint8_t)nvsr_num(w, "fid"), 0, (uint32_t)nvsr_num(w, "value"),
					      len ? data : NULL, (uint32_t)len, NULL));
	}
	return first;
}

/* The member @key of the state as it is now; *held keeps the snapshot alive. */
static const json_t *current(struct nvsr_dev *pf, struct nvsr_snapshot **held, const char *key, int *first)
{
	*held = nvsr_snapshot_free(*held);
	keep(first, nvsr_snapshot_take(pf, held));
	return *held ? json_object_get((*held)->state, key) : NULL;
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

int nvsr_snapshot_restore(struct nvsr_dev *pf, const struct nvsr_snapshot *s)
{
	const json_t *want = s->state, *numvfs = json_object_get(want, "numvfs");
	struct nvsr_snapshot *now = NULL;
	unsigned vfs;
	int first = revive(pf);

	if (first)
		return first;
	keep(&first, restore_primary(pf, json_object_get(want, "primary"), current(pf, &now, "primary", &first)));
	keep(&first, release_secondaries(pf, json_object_get(want, "secondary"), current(pf, &now, "secondary", &first)));
	keep(&first, restore_namespaces(pf, json_object_get(want, "namespaces"), current(pf, &now, "namespaces", &first)));
	if (numvfs && !nvsr_get_numvfs(pf, &vfs) && vfs != (unsigned)json_integer_value(numvfs)) {
		if (vfs && json_integer_value(numvfs))
			keep(&first, nvsr_set_numvfs(pf, 0));
		keep(&first, nvsr_set_numvfs(pf, (unsigned)json_integer_value(numvfs)));
	}
	keep(&first, assign_secondaries(pf, json_object_get(want, "secondary"), current(pf, &now, "secondary", &first)));
	keep(&first, restore_features(pf, json_object_get(want, "features"), current(pf, &now, "features", &first)));
	if (json_object_get(want, "host")) {
		_cleanup_free_ char *host = json_dumps(json_object_get(want, "host"), JSON_COMPACT);

		keep(&first, host ? nvsr_host_restore(pf, host) : -ENOMEM);
	}
	nvsr_snapshot_free(now);
	return first;
}
