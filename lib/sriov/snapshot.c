// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state of a device that a run may change, as one JSON object:
 *
 *   { version, device, model, serial, numvfs, host, primary: { crt, vqrfap, virfap },
 *     secondary: [ { scid, vfn, online, nvq, nvi } ],
 *     namespaces: [ { nsid, nsze, ncap, flbas, nmic, dps, wp, controllers: [] } ], features: [ { fid, value, data } ] }
 *
 * What the device or the access method cannot tell is left out, and then neither compared nor restored.  A file is not
 * believed before it has the shape of what was written: what is missing in it would be taken for what is to be deleted.
 */
#include "base/text.h"
#include "sriov/state.h"

#define SNAPSHOT_VERSION 2
#define MAX_NAMESPACES 4096	/* a device that lists more is not believed */

/* Features of the PF's controller that a test may set: Get Features gives back what Set Features takes. */
static const struct { uint8_t fid; uint16_t data_len; } features[] = {
	{ NVME_FEAT_ARBITRATION, 0 }, { NVME_FEAT_POWER, 0 }, { NVME_FEAT_TEMP_THRESH, 0 }, { NVME_FEAT_VWC, 0 },
	{ NVME_FEAT_IRQ_COALESCE, 0 }, { NVME_FEAT_ATOMIC, 0 }, { NVME_FEAT_ASYNC_EVENT, 0 },
	{ NVME_FEAT_HOST_BEHAVIOR, 512 },
};

static int hex_add(json_t *o, const char *key, const uint8_t *data, size_t len)
{
	struct nvsr_text t = { 0 };
	int rc;

	for (size_t i = 0; i < len; i++)
		nvsr_text_add(&t, "%02x", data[i]);
	rc = t.failed || json_object_set_new(o, key, json_string(t.s ? t.s : ""));
	nvsr_text_free(&t);
	return rc ? -ENOMEM : 0;
}

static int take_features(struct nvsr_dev *pf, json_t *state)
{
	json_t *list = json_array();

	if (json_object_set_new(state, "features", list))
		return -ENOMEM;
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(features); i++) {
		uint8_t data[512] = { 0 };
		uint32_t dw0;
		json_t *f;

		if (nvsr_get_feature(pf, features[i].fid, 0, 0, features[i].data_len ? data : NULL, features[i].data_len, &dw0))
			continue;
		f = json_pack("{s:i, s:I}", "fid", features[i].fid, "value", (json_int_t)dw0);
		if (!f || json_array_append_new(list, f) || hex_add(f, "data", data, features[i].data_len))
			return -ENOMEM;
	}
	return 0;
}

/* Controllers attached to @nsid, CNS 12h; ascending ids end the iteration. */
static int take_controllers(struct nvsr_dev *pf, uint32_t nsid, json_t *ns)
{
	struct nvme_ctrl_list page;
	json_t *list = json_array();
	uint32_t from = 0;
	unsigned n;

	if (json_object_set_new(ns, "controllers", list))
		return -ENOMEM;
	do {
		int rc = nvsr_identify(pf, NVME_CNS_NS_CTRLS, nsid, (uint16_t)from, &page);

		if (rc)
			return rc;
		n = le16_get(page.num);
		if (n > NVSR_ARRAY_SIZE(page.id))
			return -EPROTO;
		for (unsigned i = 0; i < n; i++) {
			if (le16_get(page.id[i]) < from)
				return -EPROTO;
			from = le16_get(page.id[i]) + 1u;
			if (json_array_append_new(list, json_integer(from - 1)))
				return -ENOMEM;
		}
	} while (n == NVSR_ARRAY_SIZE(page.id) && from <= UINT16_MAX);
	return 0;
}

static int take_namespace(struct nvsr_dev *pf, uint32_t nsid, bool allocated, json_t *list)
{
	struct nvme_id_ns id;
	uint32_t wp;
	json_t *ns;
	int rc = nvsr_identify(pf, allocated ? NVME_CNS_ALLOCATED_NS_ID : NVME_CNS_NS, nsid, 0, &id);

	if (rc)
		return rc;
	ns = json_pack("{s:I, s:I, s:I, s:i, s:i, s:i}", "nsid", (json_int_t)nsid, "nsze", (json_int_t)le64_get(id.nsze), "ncap",
		       (json_int_t)le64_get(id.ncap), "flbas", id.flbas, "nmic", id.nmic, "dps", id.dps);
	if (!ns || json_array_append_new(list, ns))
		return -ENOMEM;
	if (!nvsr_get_feature(pf, NVME_FEAT_WRITE_PROTECT, nsid, 0, NULL, 0, &wp) &&
	    json_object_set_new(ns, "wp", json_integer(wp & 7)))
		return -ENOMEM;
	return allocated ? take_controllers(pf, nsid, ns) : 0;
}

/* Without the list of allocated namespaces (CNS 10h) the active ones are all that can be seen. */
static int take_namespaces(struct nvsr_dev *pf, json_t *state)
{
	_cleanup_free_ uint32_t *nsid = calloc(MAX_NAMESPACES, sizeof(*nsid));
	json_t *list = json_array();
	bool allocated = true;
	unsigned n = 0;
	int rc;

	if (json_object_set_new(state, "namespaces", list) || !nsid)
		return -ENOMEM;
	rc = nvsr_ns_list(pf, NVME_CNS_ALLOCATED_NS, nsid, MAX_NAMESPACES, &n);
	if (rc > 0) {
		allocated = false;
		rc = nvsr_ns_list(pf, NVME_CNS_ACTIVE_NS, nsid, MAX_NAMESPACES, &n);
	}
	for (unsigned i = 0; !rc && i < n; i++)
		rc = take_namespace(pf, nsid[i], allocated, list);
	return rc;
}

static int take_resources(struct nvsr_dev *pf, json_t *state)
{
	_cleanup_free_ struct nvme_secondary_ctrl *sec = NULL;
	struct nvme_primary_caps caps;
	struct nvme_id_ctrl id;
	unsigned n = 0;
	json_t *list;
	int rc = nvsr_id_ctrl(pf, &id);

	if (rc)
		return rc;
	rc = nvsr_identify(pf, NVME_CNS_PRIMARY_CAPS, 0, le16_get(id.cntlid), &caps);
	if (rc)
		return rc > 0 ? 0 : rc;		/* no virtualization enhancements: nothing to keep */
	if (json_object_set_new(state, "primary", json_pack("{s:i, s:i, s:i}", "crt", caps.crt, "vqrfap", le16_get(caps.vqrfap),
							    "virfap", le16_get(caps.virfap))))
		return -ENOMEM;
	rc = nvsr_secondary_list(pf, &sec, &n);
	if (rc)
		return rc > 0 ? 0 : rc;
	list = json_array();
	if (json_object_set_new(state, "secondary", list))
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		if (le16_get(sec[i].scid) == le16_get(id.cntlid))
			continue;	/* drives that list their primary among its secondaries */
		if (json_array_append_new(list, json_pack("{s:i, s:i, s:b, s:i, s:i}", "scid", le16_get(sec[i].scid), "vfn",
							  le16_get(sec[i].vfn), "online", sec[i].scs & NVME_SCS_ONLINE, "nvq",
							  le16_get(sec[i].nvq), "nvi", le16_get(sec[i].nvi))))
			return -ENOMEM;
	}
	return 0;
}

/* An Identify string without its padding. */
static int text_add(json_t *o, const char *key, const char *s, size_t len)
{
	char text[64];
	size_t n = 0;

	while (len && (s[len - 1] == ' ' || !s[len - 1]))
		len--;
	/* ASCII by the standard; JSON takes nothing that is not text. */
	for (; n < len && n < sizeof(text) - 1; n++)
		text[n] = (char)(s[n] >= ' ' && s[n] <= '~' ? s[n] : '?');
	text[n] = '\0';
	return json_object_set_new(o, key, json_string(text)) ? -ENOMEM : 0;
}

static int take_identity(struct nvsr_dev *pf, json_t *state)
{
	struct nvme_id_ctrl id;
	int rc = nvsr_id_ctrl(pf, &id);

	if (!rc)
		rc = text_add(state, "model", id.mn, sizeof(id.mn));
	return rc ? rc : text_add(state, "serial", id.sn, sizeof(id.sn));
}

static int take_host(struct nvsr_dev *pf, json_t *state)
{
	_cleanup_free_ char *host = NULL;
	unsigned numvfs;

	if (!nvsr_get_numvfs(pf, &numvfs) && json_object_set_new(state, "numvfs", json_integer(numvfs)))
		return -ENOMEM;
	if (!nvsr_host_save(pf, &host) && json_object_set_new(state, "host", json_loads(host, 0, NULL)))
		return -EINVAL;
	return 0;
}

int nvsr_snapshot_take(struct nvsr_dev *pf, struct nvsr_snapshot **ret)
{
	struct nvsr_snapshot *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	if (!s || !(s->state = json_pack("{s:i, s:s}", "version", SNAPSHOT_VERSION, "device", nvsr_dev_name(pf))))
		goto out;
	if ((rc = take_identity(pf, s->state)) || (rc = take_host(pf, s->state)) ||
	    (rc = take_resources(pf, s->state)) || (rc = take_namespaces(pf, s->state)))
		goto out;
	rc = take_features(pf, s->state);
out:
	if (rc)
		nvsr_snapshot_free(s);
	else
		*ret = s;
	return rc;
}

unsigned nvsr_snapshot_numvfs(const struct nvsr_snapshot *s)
{
	return (unsigned)nvsr_num(s->state, "numvfs");
}

struct nvsr_snapshot *nvsr_snapshot_with_vfs(const struct nvsr_snapshot *s, unsigned numvfs)
{
	struct nvsr_snapshot *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->from_file = s->from_file;
	copy->state = json_copy(s->state);
	if (!copy->state || json_object_set_new(copy->state, "numvfs", json_integer(numvfs)))
		return nvsr_snapshot_free(copy);
	return copy;
}

struct nvsr_snapshot *nvsr_snapshot_free(struct nvsr_snapshot *s)
{
	if (s)
		json_decref(s->state);
	free(s);
	return NULL;
}

int nvsr_snapshot_save(const struct nvsr_snapshot *s, const char *path)
{
	_cleanup_free_ char *text = json_dumps(s->state, JSON_INDENT(1));

	return text ? nvsr_write_file(path, text, strlen(text)) : -ENOMEM;
}

int nvsr_snapshot_load(const char *path, struct nvsr_snapshot **ret, struct nvsr_complaint *complaint)
{
	struct nvsr_snapshot *s = calloc(1, sizeof(*s));
	json_error_t e;

	if (!s)
		return -ENOMEM;
	s->state = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	if (!s->state)
		snprintf(complaint->text, sizeof(complaint->text), "%s:%d:%d: %s", path, e.line, e.column, e.text);
	if (!s->state || !nvsr_state_check(s->state, SNAPSHOT_VERSION, path, complaint)) {
		nvsr_snapshot_free(s);
		return access(path, F_OK) ? -ENOENT : -EINVAL;
	}
	s->from_file = true;
	*ret = s;
	return 0;
}

/* --- of which device ----------------------------------------------------------------------------------------------------- */

static const char *text_of(const struct nvsr_snapshot *s, const char *key)
{
	const char *text = json_string_value(json_object_get(s->state, key));

	return text ? text : "";
}

const char *nvsr_snapshot_serial(const struct nvsr_snapshot *s)
{
	return text_of(s, "serial");
}

bool nvsr_snapshot_same_device(const struct nvsr_snapshot *a, const struct nvsr_snapshot *b)
{
	return !strcmp(text_of(a, "serial"), text_of(b, "serial")) && !strcmp(text_of(a, "model"), text_of(b, "model"));
}
