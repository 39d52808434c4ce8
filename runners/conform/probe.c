// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform probe: what a device says about itself, as a draft profile that `run --profile FILE` takes. */
#include <inttypes.h>

#include "runners/conform/conform.h"

enum { OPT_STATE = 0x100, OPT_DEFECT };

static const struct argp_option options[] = {
	{ "model-state", OPT_STATE, "FILE", 0, NVSR_MODEL_STATE_HELP, 1 },
	{ "defect", OPT_DEFECT, "NAME", 0, NVSR_DEFECT_HELP, 1 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct nvsr_target_options *o = state->input;

	if (key == OPT_STATE)
		o->state = arg;
	else if (key == OPT_DEFECT)
		nvsr_line_parse(arg, &o->defects, state);
	else if (key == ARGP_KEY_ARG && !o->device)
		o->device = arg;
	else if (key == ARGP_KEY_ARG)
		argp_error(state, "one device at a time");
	else if (key == ARGP_KEY_NO_ARGS)
		argp_error(state, "name the DEVICE");
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "DEVICE",
	.doc = "Print an inventory of a device as a draft profile (YAML).\vOnly reads.  Claims are what the device reports today: "
	       "keep those that its maker promises.",
};

static void put_number(const char *key, uint64_t v)
{
	printf("  %s: %" PRIu64 "\n", key, v);
}

static void put_hex(const char *key, uint64_t v)
{
	printf("  %s: 0x%" PRIx64 "\n", key, v);
}

/* A double-quoted YAML string; glob characters of an identity stand for themselves. */
static void put_string(const char *key, const char *from, size_t len)
{
	_cleanup_free_ char *clean = NULL;

	while (len && (from[len - 1] == ' ' || !from[len - 1]))
		len--;
	clean = nvsr_clean_text(from, len);
	if (!clean || !*clean)
		return;
	printf("  %s: \"", key);
	for (const char *s = clean; *s; s++)
		printf("%s%c", *s == '"' || *s == '\\' ? "\\" : "", *s);
	printf("\"\n");
}

static void put_identity(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	const struct nvme_id_ctrl *id = &inv->id;
	uint32_t v;

	printf("identity:\n");
	if (!nvsr_cfg_read(pf, PCI_VENDOR_ID, 2, &v))
		put_hex("vendor", v);
	else
		put_hex("vendor", le16_get(id->vid));
	if (!nvsr_cfg_read(pf, PCI_DEVICE_ID, 2, &v))
		put_hex("device", v);
	if (inv->sriov.pos)
		put_hex("vf-device", inv->sriov.vf_device_id);
	if (!nvsr_cfg_read(pf, PCI_SUBSYS_VENDOR_ID, 2, &v))
		put_hex("subsystem-vendor", v);
	if (!nvsr_cfg_read(pf, PCI_SUBSYS_ID, 2, &v))
		put_hex("subsystem-device", v);
	put_string("model", id->mn, sizeof(id->mn));
	put_string("firmware", id->fr, sizeof(id->fr));
}

static void put_claims(const struct nvsr_inventory *inv)
{
	printf("claims:\n");
	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++)
		if (nvsr_needs[i].kind == NVSR_NEED_CLAIM)
			printf("  %s: %s\n", nvsr_needs[i].key, inv->has >> i & 1 ? "yes" : "no");
}

static void put_sriov(const struct nvsr_sriov *s)
{
	if (!s->pos)
		return;
	printf("sriov:\n");
	put_number("total-vfs", s->total_vfs);
	/* both are only meaningful where there are VFs, and may change with their number */
	if (s->vf_offset)
		put_number("first-vf-offset", s->vf_offset);
	if (s->vf_stride)
		put_number("vf-stride", s->vf_stride);
	put_hex("cap-offset", s->pos);
	printf("  ari: %s\n", s->ctrl & PCI_SRIOV_CTRL_ARI ? "yes" : "no");
	put_hex("supported-page-sizes", s->sup_pgsize);
}

static void put_controller(const struct nvsr_inventory *inv)
{
	const struct nvme_id_ctrl *id = &inv->id;
	const struct nvme_secondary_ctrl *vf1 = nvsr_inventory_vf(inv, 1);
	uint32_t version = inv->vs ? inv->vs : le32_get(id->ver);

	printf("controller:\n");
	put_number("pf-cntlid", le16_get(id->cntlid));
	if (vf1)
		put_number("vf-first-cntlid", le16_get(vf1->scid));
	if (version >= 0x10000 && version <= 0x2ffff)
		put_hex("version", version);
	if (le32_get(id->nn))
		put_number("nn", le32_get(id->nn));
	put_number("mnan", le32_get(id->mnan));
	/* MDTS counts in units of the smallest page; MPSMIN 0 is 4 KiB */
	if (!inv->cap || !NVME_CAP_MPSMIN(inv->cap))
		put_number("mdts-pages", id->mdts && id->mdts <= 20 ? 1ull << id->mdts : 0);
	if (inv->cap && NVME_CAP_MQES(inv->cap))
		put_number("queue-entries", NVME_CAP_MQES(inv->cap) + 1);
	if (id->aerl < 16)
		put_number("async-events", id->aerl + 1u);
	put_number("error-log-entries", id->elpe + 1u);
}

static void put_resources(const struct nvsr_inventory *inv)
{
	const struct nvme_primary_caps *p = &inv->primary;

	if (!inv->has_primary)
		return;
	printf("resources:\n");
	if (p->crt & NVME_CRT_VQ) {
		put_number("vq-flexible", le32_get(p->vqfrt));
		put_number("vq-private", le16_get(p->vqprt));
		put_number("vq-secondary-max", le16_get(p->vqfrsm));
		put_number("vq-granularity", le16_get(p->vqgran));
	}
	if (p->crt & NVME_CRT_VI) {
		put_number("vi-flexible", le32_get(p->vifrt));
		put_number("vi-private", le16_get(p->viprt));
		put_number("vi-secondary-max", le16_get(p->vifrsm));
		put_number("vi-granularity", le16_get(p->vigran));
	}
}

static void put_formats(const struct nvme_id_ns *ns)
{
	bool open = false;

	for (unsigned i = 0; i <= ns->nlbaf && i < NVSR_ARRAY_SIZE(ns->lbaf); i++) {
		if (!nvme_lbaf_bytes(&ns->lbaf[i]))
			continue;
		if (!open)
			printf("  formats:\n");
		open = true;
		printf("    - { data: %u, metadata: %u, rp: %u }\n", nvme_lbaf_bytes(&ns->lbaf[i]), le16_get(ns->lbaf[i].ms),
		       ns->lbaf[i].rp & 3u);
	}
}

static void put_namespaces(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	_cleanup_free_ struct nvme_id_ns *ns = calloc(1, sizeof(*ns));
	uint64_t high, capacity = le128_get(inv->id.tnvmcap, &high);
	uint32_t nsid;
	unsigned n = 0;

	printf("namespaces:\n");
	if (!high && capacity <= INT64_MAX)
		put_number("capacity-bytes", capacity);
	if (!ns || nvsr_ns_list(pf, NVME_CNS_ACTIVE_NS, &nsid, 1, &n) || !n || nvsr_identify(pf, NVME_CNS_NS, nsid, 0, ns))
		return;
	put_number("dlfeat", ns->dlfeat & 0x1f);
	put_formats(ns);
}

static void put_quirks(const struct nvsr_inventory *inv)
{
	for (unsigned i = 0; i < inv->sec_count; i++)
		if (le16_get(inv->sec[i].scid) == le16_get(inv->id.cntlid)) {
			printf("quirks:\n  primary-in-secondary-list: yes\n");
			return;
		}
}

static void put_limits(const struct nvsr_inventory *inv)
{
	if (inv->cap && NVME_CAP_TO(inv->cap))
		printf("limits:\n  cap-to-ms: %u\n", NVME_CAP_TO(inv->cap) * 500);
}

static void put_profile(struct nvsr_dev *pf, const struct nvsr_inventory *inv, const char *device)
{
	char utc[32];

	printf("# Draft, read from %s (%s) at %s.\n# %u secondary controllers, %u VFs enabled, firmware as below.\n", device,
	       nvsr_dev_method(pf), nvsr_utc(utc, sizeof(utc)), inv->sec_count, inv->sriov.num_vfs);
	printf("version: 1\ntitle: draft, read from a device\nsources:\n  - \"nvsr-conform %s probe\"\n", nvsr_version);
	put_identity(pf, inv);
	put_claims(inv);
	put_sriov(&inv->sriov);
	put_controller(inv);
	put_resources(inv);
	put_namespaces(pf, inv);
	put_limits(inv);
	put_quirks(inv);
}

static int look(const struct nvsr_target *t)
{
	struct nvsr_inventory inv = { 0 };
	struct nvsr_dev *pf = NULL;
	int rc = nvsr_target_connect(t, &pf);

	if (rc)
		return rc;
	rc = nvsr_inventory_read(pf, &inv);
	if (rc)
		nvsr_say("%s: %s", t->session.device, nvsr_rc_text(rc));
	else
		put_profile(pf, &inv, t->session.device);
	nvsr_inventory_free(&inv);
	nvsr_dev_close(pf);
	return rc ? EXIT_INCOMPLETE : EXIT_CONFORMS;
}

static int probe(int argc, char **argv)
{
	struct nvsr_target_options o = { 0 };
	struct nvsr_target t;
	int rc, back;

	nvsr_signals_install();	/* a PF without a driver is with VFIO meanwhile */
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	rc = nvsr_target_name(&o, &t);
	if (rc)
		return rc;
	rc = nvsr_target_begin(&t);
	if (!rc)
		rc = look(&t);
	back = nvsr_target_give_back(&t);
	nvsr_target_close(&t);
	nvsr_lines_free(o.defects);
	return rc ? rc : back;
}

const struct nvsr_command nvsr_cmd_probe = {
	.name = "probe", .summary = "inventory of a device, and a draft profile for it", .argp = &argp, .run = probe,
};
