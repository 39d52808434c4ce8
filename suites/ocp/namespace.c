// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ocp.namespace: Namespace Management, identifiers and utilization.  OCP Datacenter NVMe SSD 2.7 NVMe-CFG-7 and -8,
 * NVMe-AD-3 and -4, NSM-1 to NSM-8, NUSE-1.
 */
#include "suites/erase/erase.h"

#define NEED (NVSR_NEED(OCP) | NVSR_NEED(DESTROY))
#define NEED_IO (NVSR_NEED(OCP) | DAT_NEED)
#define TIB (1ull << 40)
#define NS_PER_TIB 16u
#define NS_MOST 128u
#define TAG 700
#define MC_EXTENDED 0x01
#define FLBAS_EXTENDED 0x10
#define IDS 4

#define BLOCKS 2048

/* A namespace that was not there before: false after recording, a skip where the device is full. */
static bool create(struct nvsr_ctx *t, uint32_t *ret)
{
	int rc = nvsr_ns_create(t->pf, BLOCKS, 0, true, ret);

	if (rc == NVME_SC_NS_INSUFFICIENT_CAP)
		nvsr_test_skip(t, "no unallocated capacity for another namespace");
	return rc != NVME_SC_NS_INSUFFICIENT_CAP && CHECK_OK(t, "Namespace Management, Create (NVMe-AD-3)", rc);
}

/* --- management ---------------------------------------------------------------------------------------------- */

static void management_is_supported(struct nvsr_ctx *t)
{
	uint32_t nsid;

	CHECK(t, le16_get(t->inv->id.oacs) & NVME_OACS_NS_MGMT, "OACS reports Namespace Management (NVMe-AD-3)",
	      "OACS = %04Xh", le16_get(t->inv->id.oacs));
	if (!create(t, &nsid))
		return;
	if (CHECK_OK(t, "Namespace Attachment, Attach (NVMe-AD-4)", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t))))
		CHECK_OK(t, "Namespace Attachment, Detach (NVMe-AD-4)", nvsr_ns_detach(t->pf, nsid, nvsr_t_pcid(t)));
	CHECK_OK(t, "Namespace Management, Delete (NVMe-AD-3)", nvsr_ns_delete(t->pf, nsid));
}

/* --- identifiers --------------------------------------------------------------------------------------------- */

/* Create, look, delete: each gets an NGUID that none had before. */
static void identifiers_are_never_reused(struct nvsr_ctx *t)
{
	static const uint8_t zero[16];
	struct nvme_id_ns id[IDS];

	for (unsigned i = 0; i < IDS; i++) {
		uint32_t nsid;

		if (!create(t, &nsid))
			return;
		MUST_OK(t, "CNS 11h of a created namespace",
			nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &id[i]));
		CHECK(t, !memcmp(id[i].eui64, zero, sizeof(id[i].eui64)), "EUI64 = 0 (NVMe-CFG-8)", "another value");
		CHECK(t, memcmp(id[i].nguid, zero, sizeof(zero)), "an NGUID (NVMe-CFG-8)", "0");
		CHECK(t, id[i].nsfeat & NVME_NSFEAT_UIDREUSE, "UIDREUSE = 1 (NVMe-CFG-7)", "NSFEAT = %02Xh",
		      id[i].nsfeat);
		for (unsigned k = 0; k < i; k++)
			CHECK(t, memcmp(id[i].nguid, id[k].nguid, sizeof(zero)),
			      "an NGUID that no other namespace ever had",
			      "namespaces %u and %u that were created have the same", k + 1, i + 1);
		PREPARE(t, "delete", nvsr_ns_delete(t->pf, nsid));
	}
}

/* --- how many, how large ---------------------------------------------------------------------------------------- */

static unsigned least_namespaces(uint64_t bytes)
{
	uint64_t tib = NVSR_MAX(NVSR_DIV_ROUND_UP(bytes, TIB), 1ull);

	return tib > 7 ? NS_MOST : (unsigned)tib * NS_PER_TIB;
}

static void sixteen_namespaces_per_tib(struct nvsr_ctx *t)
{
	unsigned need = least_namespaces(le128_get(t->inv->id.tnvmcap, NULL)), have;
	uint32_t list[NS_MOST];

	PREPARE(t, "list of allocated namespaces",
		nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, list, NVSR_ARRAY_SIZE(list), &have));
	CHECK(t, le32_get(t->inv->id.nn) >= need, "NN leaves room for 16 namespaces per TiB, 128 above 7 TiB (NSM)",
	      "NN = %u, needed %u", le32_get(t->inv->id.nn), need);
	for (uint32_t nsid; have < need; have++) {
		int rc = nvsr_ns_create(t->pf, BLOCKS, 0, true, &nsid);

		if (rc == NVME_SC_NS_INSUFFICIENT_CAP)
			SKIP(t, "no unallocated capacity for namespace %u of %u", have + 1, need);
		MUST(t, !rc, "16 namespaces per TiB, 128 above 7 TiB (NSM)", "create of namespace %u of %u: %s",
		     have + 1, need, nvsr_rc_text(rc));
	}
}

static void capacity_is_told(struct nvsr_ctx *t)
{
	uint8_t granularity[NVME_IDENTIFY_SIZE];
	struct nvme_id_ctrl id;
	uint64_t before;
	uint32_t nsid;

	CHECK(t, le128_get(t->inv->id.tnvmcap, NULL), "TNVMCAP is reported (NSM)", "0");
	CHECK(t, le32_get(t->inv->id.ctratt) & NVME_CTRATT_NS_GRAN, "the Namespace Granularity List is supported (NSM)",
	      "CTRATT = %08Xh", le32_get(t->inv->id.ctratt));
	if (CHECK_OK(t, "CNS 16h", nvsr_identify(t->pf, NVME_CNS_NS_GRANULARITY, 0, 0, granularity)))
		CHECK(t, nvsr_le_read(granularity + 32, 8), "a size granularity", "0");
	MUST_OK(t, "Identify Controller", nvsr_id_ctrl(t->pf, &id));
	before = le128_get(id.unvmcap, NULL);
	if (!create(t, &nsid))
		return;
	MUST_OK(t, "Identify Controller", nvsr_id_ctrl(t->pf, &id));
	CHECK(t, le128_get(id.unvmcap, NULL) < before, "UNVMCAP is less after a create (NSM)", "%llu, before %llu",
	      (unsigned long long)le128_get(id.unvmcap, NULL), (unsigned long long)before);
	PREPARE(t, "delete", nvsr_ns_delete(t->pf, nsid));
}

static void blocks_are_not_extended(struct nvsr_ctx *t)
{
	struct nvme_id_ns id;
	uint32_t nsid = nvsr_t_ns(t, 1, true);

	if (!nsid)
		return;
	MUST_OK(t, "CNS 11h of a created namespace", nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &id));
	CHECK(t, !(id.mc & MC_EXTENDED) && !(id.flbas & FLBAS_EXTENDED), "no metadata in extended logical blocks (NSM)",
	      "MC = %02Xh, FLBAS = %02Xh", id.mc, id.flbas);
	CHECK(t, id.lbaf[0].lbads >= 9, "LBA format 0 is there (NSM)", "LBADS = %u", id.lbaf[0].lbads);
}

/* --- utilization --------------------------------------------------------------------------------------------- */

static bool nuse(struct nvsr_ctx *t, const struct dat_ns *ns, uint64_t *ret)
{
	struct nvme_id_ns id;

	*ret = 0;
	if (!CHECK_OK(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, ns->nsid, 0, &id)))
		return false;
	*ret = le64_get(id.nuse);
	return true;
}

static void nuse_follows(struct nvsr_ctx *t)
{
	uint64_t empty, full, erased;
	struct dat_ns ns;

	if (!dat_ns(t, true, &ns) || !dat_attach(t, &ns, t->pf))
		return;
	MUST_OK(t, "Format NVM with User Data Erase", era_format(t, &ns, NVME_SES_USER_DATA));
	if (!nuse(t, &ns, &empty) || !dat_sweep_write(t, t->pf, &ns, TAG) || !nuse(t, &ns, &full))
		return;
	CHECK_EQ(t, "NUSE after User Data Erase (NUSE-1)", 0, empty);
	CHECK(t, full >= NVSR_MIN(ns.blocks, (uint64_t)DAT_SWEEP_BLOCKS), "NUSE counts what was written (NUSE-1)",
	      "%llu after writing %llu blocks", (unsigned long long)full, (unsigned long long)ns.blocks);
	MUST_OK(t, "Format NVM with User Data Erase", era_format(t, &ns, NVME_SES_USER_DATA));
	if (nuse(t, &ns, &erased))
		CHECK_EQ(t, "NUSE after User Data Erase of a written namespace (NUSE-1)", 0, erased);
}

static const struct nvsr_test tests[] = {
	{ .id = "management", .title = "Namespace Management and Attachment are supported",
	  .requirements = REQS("OCP-10"), .needs = NEED,
	  .caught_by = DEFECTS("oacs-hides-ns-mgmt", "ns-mgmt-unimplemented", "ns-attach-unimplemented"),
	  .run = management_is_supported },
	{ .id = "identifiers", .title = "created namespaces have an NGUID that is never used again, and no EUI64",
	  .requirements = REQS("OCP-08"), .needs = NEED | NVSR_NEED(NS_MGMT),
	  .caught_by = DEFECTS("eui64-beside-nguid", "nguid-reused", "uidreuse-clear"),
	  .run = identifiers_are_never_reused },
	{ .id = "sixteen-per-tib", .title = "16 namespaces per TiB can be created, 128 above 7 TiB",
	  .requirements = REQS("OCP-16"), .needs = NEED | NVSR_NEED(NS_MGMT), .limit_s = 300,
	  .caught_by = DEFECTS("eight-namespaces"), .run = sixteen_namespaces_per_tib },
	{ .id = "capacity", .title = "TNVMCAP, UNVMCAP and the Namespace Granularity List tell the capacity",
	  .requirements = REQS("OCP-16"), .needs = NEED | NVSR_NEED(NS_MGMT),
	  .caught_by = DEFECTS("ctratt-granularity-inverted"), .run = capacity_is_told },
	{ .id = "no-extended-blocks", .title = "no LBA format has metadata in extended blocks",
	  .requirements = REQS("OCP-16"), .needs = NEED | NVSR_NEED(NS_MGMT),
	  .caught_by = DEFECTS("extended-blocks-offered"), .run = blocks_are_not_extended },
	{ .id = "nuse", .title = "NUSE counts what is written and is 0 after User Data Erase",
	  .requirements = REQS("OCP-17"), .needs = NEED_IO, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("nuse-is-ncap", "nuse-full-after-erase"), .run = nuse_follows },
};

const struct nvsr_group nvsr_ocp_namespace = NVSR_GROUP("ocp.namespace", tests);
