// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sharing.identity: what Identify tells of a namespace, of NVM sets and of endurance groups belongs to the namespace and
 * the subsystem, so every controller tells the same.  Base 2.0 5.17.2, 3.2; NVM Command Set 1.0 2.1.4.
 */
#include "suites/data.h"

/* --- Identify Namespace ------------------------------------------------------------------------------------------- */

struct field { const char *name; uint16_t offset, len; };
#define FIELD(name, member) { name, offsetof(struct nvme_id_ns, member), sizeof(((struct nvme_id_ns *)0)->member) }

static void check_fields(struct nvsr_ctx *t, const struct dat_shared *s, const struct field *field, size_t n)
{
	struct nvme_id_ns first, id;

	MUST_OK(t, "Identify Namespace on the PF", nvsr_identify(t->pf, NVME_CNS_NS, s->ns.nsid, 0, &first));
	for (unsigned i = 1; i < DAT_CTRLS; i++) {
		MUST_OK(t, "Identify Namespace on a VF", nvsr_identify(s->on[i], NVME_CNS_NS, s->ns.nsid, 0, &id));
		for (size_t f = 0; f < n; f++)
			CHECK(t, !memcmp((uint8_t *)&first + field[f].offset, (uint8_t *)&id + field[f].offset,
					 field[f].len),
			      "fields of a namespace are the same on every controller",
			      "%s of namespace %u on %s and on the PF differ",
			      field[f].name, s->ns.nsid, nvsr_dev_name(s->on[i]));
	}
}

static void namespace_fields_are_alike(struct nvsr_ctx *t)
{
	static const struct field fields[] = {
		FIELD("NSZE", nsze), FIELD("NCAP", ncap), FIELD("NSFEAT", nsfeat), FIELD("NLBAF", nlbaf),
		FIELD("FLBAS", flbas), FIELD("MC", mc), FIELD("DPC", dpc),
		FIELD("DPS", dps), FIELD("NMIC", nmic), FIELD("RESCAP", rescap), FIELD("DLFEAT", dlfeat),
		FIELD("NVMCAP", nvmcap), FIELD("NSATTR", nsattr), FIELD("LBA formats", lbaf),
	};
	struct dat_shared s;

	if (dat_shared(t, &s))
		check_fields(t, &s, fields, NVSR_ARRAY_SIZE(fields));
}

static void atomic_fields_are_alike(struct nvsr_ctx *t)
{
	static const struct field fields[] = {
		FIELD("NAWUN", nawun), FIELD("NAWUPF", nawupf), FIELD("NACWU", nacwu), FIELD("NABSN", nabsn),
		FIELD("NABO", nabo),
		FIELD("NABSPF", nabspf), FIELD("NOIOB", noiob),
	};
	struct dat_shared s;

	if (dat_shared(t, &s))
		check_fields(t, &s, fields, NVSR_ARRAY_SIZE(fields));
}

/* The command set specific page (CNS 05h) and the independent one (CNS 08h), where they answer. */
static void other_pages_are_alike(struct nvsr_ctx *t)
{
	static const struct { uint8_t cns; const char *name; } page[] = {
		{ NVME_CNS_CSI_NS, "CNS 05h, NVM command set" },
		{ NVME_CNS_INDEP_NS, "CNS 08h, independent of command sets" },
		{ NVME_CNS_NS_DESC, "CNS 03h, descriptors" },
	};
	uint8_t first[NVME_IDENTIFY_SIZE], other[NVME_IDENTIFY_SIZE];
	struct dat_shared s;

	if (!dat_shared(t, &s))
		return;
	for (unsigned p = 0; p < NVSR_ARRAY_SIZE(page); p++) {
		int rc = nvsr_identify(t->pf, page[p].cns, s.ns.nsid, 0, first);

		if (rc)
			nvsr_note(t, "%s on the PF: %s", page[p].name, nvsr_rc_text(rc));
		for (unsigned i = 1; !rc && i < DAT_CTRLS; i++) {
			if (!CHECK_OK(t, page[p].name, nvsr_identify(s.on[i], page[p].cns, s.ns.nsid, 0, other)))
				continue;
			CHECK(t, !memcmp(first, other, sizeof(first)),
			      "the page of a namespace is the same on every controller",
			      "%s on %s and on the PF differ", page[p].name, nvsr_dev_name(s.on[i]));
		}
	}
}

/* --- NVM sets and endurance groups -------------------------------------------------------------------------------- */

static void set_and_group_are_alike(struct nvsr_ctx *t)
{
	static const struct field fields[] = { FIELD("NVMSETID", nvmsetid), FIELD("ENDGID", endgid) };
	struct dat_shared s;

	if (dat_shared(t, &s))
		check_fields(t, &s, fields, NVSR_ARRAY_SIZE(fields));
}

/* Lists of the subsystem: both controllers answer alike, also when they answer that there is no such list. */
static void lists_are_alike(struct nvsr_ctx *t)
{
	static const struct { uint8_t cns; const char *name; } list[] = {
		{ NVME_CNS_NVM_SETS, "NVM Set List (CNS 04h)" },
		{ NVME_CNS_ENDURANCE_GROUPS, "Endurance Group List (CNS 19h)" },
	};
	uint8_t first[NVME_IDENTIFY_SIZE], other[NVME_IDENTIFY_SIZE];
	struct nvsr_dev *vf[2];

	if (!dat_two_vfs(t, &vf[0], &vf[1]))
		return;
	for (unsigned p = 0; p < NVSR_ARRAY_SIZE(list); p++) {
		int rc = nvsr_identify(t->pf, list[p].cns, 0, 0, first);

		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(vf); i++) {
			int vf_rc = nvsr_identify(vf[i], list[p].cns, 0, 0, other);

			if (CHECK(t, !vf_rc == !rc, "a list of the subsystem is there on every controller or on none",
				  "%s: %s on the PF, %s on %s", list[p].name, nvsr_rc_text(rc), nvsr_rc_text(vf_rc),
				  nvsr_dev_name(vf[i])) && !rc)
				CHECK(t, !memcmp(first, other, sizeof(first)),
				      "lists of the subsystem are the same on every controller",
				      "%s on %s and on the PF differ", list[p].name, nvsr_dev_name(vf[i]));
		}
	}
}

#define VFS (NVSR_NEED(SRIOV) | NVSR_NEED(TWO_VFS) | NVSR_NEED(VF_ADMIN))
static const struct nvsr_test tests[] = {
	{ .id = "namespace-fields-are-alike", .title = "features, formats and capacity of a namespace are alike everywhere",
	  .requirements = REQS("SHR-04"), .needs = NVSR_NEED(NS_MGMT) | VFS | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("shared-size-differs"),
	  .run = namespace_fields_are_alike },
	{ .id = "atomic-fields-are-alike", .title = "atomic write units of a namespace are alike everywhere",
	  .requirements = REQS("SHR-04"), .needs = NVSR_NEED(NS_MGMT) | VFS | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("vf-atomic-unit-differs"),
	  .run = atomic_fields_are_alike },
	{ .id = "other-pages-are-alike", .title = "the other pages about a namespace are alike everywhere",
	  .requirements = REQS("SHR-04"), .needs = NVSR_NEED(NS_MGMT) | VFS | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("eui64-differs-per-controller"),
	  .run = other_pages_are_alike },
	{ .id = "set-and-group-are-alike", .title = "NVM set and endurance group of a namespace are alike everywhere",
	  .requirements = REQS("SHR-13"), .needs = NVSR_NEED(NS_MGMT) | VFS | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("vf-endurance-group-differs"),
	  .run = set_and_group_are_alike },
	{ .id = "lists-are-alike", .title = "lists of NVM sets and endurance groups are alike on PF and VFs",
	  .requirements = REQS("SHR-13"), .needs = VFS,
	  .caught_by = DEFECTS("vf-lists-own-sets"), .run = lists_are_alike },
};

const struct nvsr_group nvsr_sharing_identity = NVSR_GROUP("sharing.identity", tests);
