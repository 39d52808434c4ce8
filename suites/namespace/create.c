// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.create: Namespace Management create, Base 2.0 5.23 and NVM Command Set 1.0 4.1.6. */
#include "common.h"

/* --- capacity and results --------------------------------------------------------------------------------------- */

static bool unallocated_capacity(struct nvsr_ctx *t, uint64_t *ret)
{
	const struct nvsr_inventory *inv = nvsr_t_reread(t);

	if (inv)
		*ret = le128_get(inv->id.unvmcap, NULL);
	return inv;
}

static void capacity_is_accounted(struct nvsr_ctx *t)
{
	uint64_t total = le128_get(t->inv->id.tnvmcap, NULL), before, with, after, used;
	struct nvme_id_ns ns;
	uint32_t nsid;

	if (!unallocated_capacity(t, &before))
		return;
	nsid = nsm_create(t, 1, false);
	if (!nsid || !unallocated_capacity(t, &with))
		return;
	MUST_OK(t, "CNS 11h", nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &ns));
	used = le128_get(ns.nvmcap, NULL);
	CHECK(t, total && before <= total, "TNVMCAP is not 0 and not below UNVMCAP", "TNVMCAP %llu, UNVMCAP %llu",
	      (unsigned long long)total, (unsigned long long)before);
	CHECK(t, used >= 1 << 20, "NVMCAP of the namespace is at least its size", "%llu bytes", (unsigned long long)used);
	CHECK_EQ(t, "UNVMCAP after create", before - used, with);
	MUST_OK(t, "delete", nvsr_ns_delete(t->pf, nsid));
	if (unallocated_capacity(t, &after))
		CHECK_EQ(t, "UNVMCAP after delete", before, after);
}

static void returns_an_unused_nsid(struct nvsr_ctx *t)
{
	uint32_t list[4096], nsid = 0;
	struct nvme_id_ns host;
	unsigned n = 0, i;

	if (!nsm_can_create(t))
		return;
	MUST_OK(t, "CNS 10h", nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, list, NVSR_ARRAY_SIZE(list), &n));
	nsm_host_fields(&host, nsm_blocks(t, 1), false);
	MUST_OK(t, "create", nsm_create_raw(t->pf, &host, 0, &nsid));
	CHECK(t, nsid >= 1 && nsid <= le32_get(t->inv->id.nn), "DW0 of the completion is a NSID of 1 to NN", "%xh", nsid);
	for (i = 0; i < n && list[i] != nsid; i++)
		;
	CHECK(t, i == n, "the NSID was not allocated before", "%u was", nsid);
	CHECK_LISTED(t, t->pf, NVME_CNS_ALLOCATED_NS, nsid, true);
}

/* Fields that the host does not set: what it writes there has no effect. */
static void add_garbage(struct nvme_id_ns *host)
{
	host->nuse = le64(1);
	memset(host->nguid, 0xa5, sizeof(host->nguid));
	memset(host->eui64, 0xa5, sizeof(host->eui64));
	host->nvmcap = le128(4096);
}

static void check_fields(struct nvsr_ctx *t, const struct nvme_id_ns *host, uint32_t nsid)
{
	struct nvme_id_ns ns;

	MUST_OK(t, "CNS 11h", nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &ns));
	CHECK_EQ(t, "NSZE", le64_get(host->nsze), le64_get(ns.nsze));
	CHECK_EQ(t, "NCAP", le64_get(host->ncap), le64_get(ns.ncap));
	CHECK_EQ(t, "format index in FLBAS", NVME_FLBAS_INDEX(host->flbas), NVME_FLBAS_INDEX(ns.flbas));
	CHECK_EQ(t, "DPS", host->dps, ns.dps);
	CHECK_EQ(t, "NMIC bit 0", host->nmic & NVME_NMIC_SHARED, ns.nmic & NVME_NMIC_SHARED);
	CHECK(t, memcmp(ns.nguid, host->nguid, 16), "the controller chooses NGUID", "it is what the host wrote");
	CHECK(t, memcmp(ns.eui64, host->eui64, 8), "the controller chooses EUI64", "it is what the host wrote");
	CHECK(t, le128_get(ns.nvmcap, NULL) != 4096, "the controller chooses NVMCAP", "it is what the host wrote");
}

static void host_fields_are_taken(struct nvsr_ctx *t)
{
	struct nvme_id_ns common, host;
	uint32_t nsid = 0;
	unsigned i;

	if (!nsm_can_create(t))
		return;
	MUST_OK(t, "CNS 00h of FFFFFFFFh", nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &common));
	for (i = 0; i <= common.nlbaf && i < 16; i++) {
		uint32_t bytes = nvme_lbaf_bytes(&common.lbaf[i]);

		if (!bytes || le16_get(common.lbaf[i].ms))
			continue;
		nsm_host_fields(&host, (2ull << 20) / bytes, i % 2 == 0);
		host.flbas = (uint8_t)i;
		add_garbage(&host);
		if (CHECK_OK(t, "create", nsm_create_raw(t->pf, &host, 0, &nsid)))
			check_fields(t, &host, nsid);
	}
}

static void create_does_not_attach(struct nvsr_ctx *t)
{
	uint32_t nsid = nsm_create(t, 1, true);

	if (!nsid)
		return;
	CHECK_LISTED(t, t->pf, NVME_CNS_ALLOCATED_NS, nsid, true);
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, nsid, false);
	CHECK_NO_CTRLS(t, nsid, "after create");
}

static void create_does_not_attach_to_vfs(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nsm_create(t, 1, true) : 0;

	if (!nsid)
		return;
	CHECK_LISTED(t, vf, NVME_CNS_ACTIVE_NS, nsid, false);
	CHECK_NO_CTRLS(t, nsid, "after create with a VF online");
}

/* --- limits ----------------------------------------------------------------------------------------------------- */

/* The newest entry of the error log with this status; .error_count 0 when there is none. */
static struct nvme_error_log_entry newest_error(struct nvsr_ctx *t, int status)
{
	struct nvme_error_log_entry log[4] = { 0 }, none = { 0 };
	unsigned n = t->inv->id.elpe + 1u, i;

	if (n > NVSR_ARRAY_SIZE(log))
		n = NVSR_ARRAY_SIZE(log);
	if (nvsr_get_log(t->pf, NVME_LOG_ERROR, NVME_NSID_ALL, false, log, n * (uint32_t)sizeof(log[0])))
		return none;
	for (i = 0; i < n; i++)
		if ((le16_get(log[i].status) >> 1 & 0x7ff) == status)
			return log[i];
	return none;
}

static void no_room(struct nvsr_ctx *t)
{
	unsigned bs = nsm_block_bytes(t);
	uint64_t total = le128_get(t->inv->id.tnvmcap, NULL), before, after;
	struct nvme_error_log_entry entry;
	struct nvme_id_ns host;
	uint32_t nsid = 0;

	if (!nsm_can_create(t) || !unallocated_capacity(t, &before))
		return;
	if (!total)
		SKIP(t, "TNVMCAP is 0 (namespace.create.capacity-is-accounted judges it)");
	nsm_host_fields(&host, total / bs + 1, false);
	MUST_STATUS(t, "create of more than TNVMCAP", NVME_SC_NS_INSUFFICIENT_CAP, nsm_create_raw(t->pf, &host, 0, &nsid));
	entry = newest_error(t, NVME_SC_NS_INSUFFICIENT_CAP);
	CHECK(t, le64_get(entry.error_count), "an error log entry with status 1/15h", "none");
	CHECK(t, le64_get(entry.cs_info) >= (total / bs + 1) * bs, "the bytes needed in Command Specific Information",
	      "%llu of %llu bytes", (unsigned long long)le64_get(entry.cs_info),
	      (unsigned long long)((total / bs + 1) * bs));
	if (unallocated_capacity(t, &after))
		CHECK_EQ(t, "UNVMCAP after the failed create", before, after);
}

static uint64_t capacity_of(struct nvsr_ctx *t, uint32_t nsid)
{
	struct nvme_id_ns ns;

	return nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &ns) ? 0 : le128_get(ns.nvmcap, NULL);
}

#define MOST 2048u	/* namespaces to create in one test */

static void count_is_limited(struct nvsr_ctx *t)
{
	uint32_t nn = le32_get(t->inv->id.nn), mnan = le32_get(t->inv->id.mnan), limit = mnan ? mnan : nn, nsid = 0;
	uint32_t list[MOST];
	unsigned n = 0, i;
	struct nvme_id_ns host;
	uint64_t left = 0;
	int rc = 0;

	if (limit > MOST)
		SKIP(t, "the device supports %u namespaces, the test creates at most %u", limit, MOST);
	if (!nsm_can_create(t))
		return;
	MUST_OK(t, "CNS 10h", nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, list, MOST, &n));
	nsm_host_fields(&host, nsm_blocks(t, 1), false);
	for (i = n; i <= limit && !rc; i++)
		rc = nsm_create_raw(t->pf, &host, 0, &nsid);
	if (rc == NVME_SC_NS_INSUFFICIENT_CAP && unallocated_capacity(t, &left) && left < capacity_of(t, nsid))
		SKIP(t, "the capacity is used up after %u of %u namespaces", i - 1, limit);
	CHECK_STATUS(t, "create beyond MNAN (NN where MNAN is 0)", NVME_SC_NSID_UNAVAILABLE, rc);
	CHECK_EQ(t, "namespaces before the limit", limit, i - 1);
}

/* --- what create rejects ---------------------------------------------------------------------------------------- */

static void thin_is_refused(struct nvsr_ctx *t)
{
	struct nvme_id_ns common, host;
	uint32_t nsid = 0;

	if (!nsm_can_create(t))
		return;
	MUST_OK(t, "CNS 00h of FFFFFFFFh", nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &common));
	if (common.nsfeat & NVME_NSFEAT_THIN)
		SKIP(t, "the device supports thin provisioning");
	nsm_host_fields(&host, nsm_blocks(t, 2), false);
	host.ncap = le64(nsm_blocks(t, 1));
	CHECK_STATUS(t, "create with NCAP below NSZE", NVME_SC_THIN_NOT_SUPPORTED, nsm_create_raw(t->pf, &host, 0, &nsid));
}

/* Also finds drives that take formats which they do not list. */
static void bad_format_is_refused(struct nvsr_ctx *t)
{
	struct nvme_id_ns common, host;
	unsigned i, tried = 0;
	uint32_t nsid = 0;

	if (!nsm_can_create(t))
		return;
	MUST_OK(t, "CNS 00h of FFFFFFFFh", nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &common));
	for (i = 0; i < 16; i++) {
		char what[48];

		if (i <= common.nlbaf && common.lbaf[i].lbads)
			continue;
		tried++;
		nsm_host_fields(&host, nsm_blocks(t, 1), false);
		host.flbas = (uint8_t)i;
		snprintf(what, sizeof(what), "create with format index %u of %u", i, common.nlbaf + 1u);
		CHECK_STATUS(t, what, NVME_SC_INVALID_FORMAT, nsm_create_raw(t->pf, &host, 0, &nsid));
	}
	if (!tried)
		SKIP(t, "all 16 format indices are in use");
}

static void bad_protection_is_refused(struct nvsr_ctx *t)
{
	struct nvme_id_ns common, host;
	uint32_t nsid = 0;

	if (!nsm_can_create(t))
		return;
	MUST_OK(t, "CNS 00h of FFFFFFFFh", nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &common));
	if (le16_get(common.lbaf[0].ms))
		SKIP(t, "format 0 has metadata");
	nsm_host_fields(&host, nsm_blocks(t, 1), false);
	host.dps = 1;
	CHECK_STATUS(t, "create with protection information but without metadata", NVME_SC_INVALID_FORMAT,
		     nsm_create_raw(t->pf, &host, 0, &nsid));
}

static void bad_command_set_is_refused(struct nvsr_ctx *t)
{
	struct nvme_id_ns host;
	uint32_t nsid = 0;

	if (le32_get(t->inv->id.ver) < NSM_VS_2_0)
		SKIP(t, "before NVMe 2.0 create has no CSI");
	if (!nsm_can_create(t))
		return;
	nsm_host_fields(&host, nsm_blocks(t, 1), false);
	CHECK_STATUS(t, "create with CSI 2Fh", NVME_SC_IOCS_NOT_SUPPORTED, nsm_create_raw(t->pf, &host, 0x2f, &nsid));
}

static void set_without_group_is_refused(struct nvsr_ctx *t)
{
	struct nvme_id_ns host;
	uint32_t nsid = 0;

	if (!nsm_can_create(t))
		return;
	nsm_host_fields(&host, nsm_blocks(t, 1), false);
	host.nvmsetid = le16(1);
	CHECK_STATUS(t, "create with NVMSETID 1 and ENDGID 0", NVME_SC_INVALID_FIELD,
		     nsm_create_raw(t->pf, &host, 0, &nsid));
}

static void reserved_sel_is_refused(struct nvsr_ctx *t)
{
	struct nvme_id_ns host;
	unsigned sel;

	if (!nsm_can_create(t))
		return;
	for (sel = 2; sel < 16; sel++) {
		struct nvsr_cmd c = { .opcode = NVME_ADMIN_NS_MGMT, .cdw10 = sel, .data = &host, .data_len = sizeof(host) };
		char what[48];

		nsm_host_fields(&host, nsm_blocks(t, 1), false);
		snprintf(what, sizeof(what), "Namespace Management with SEL %xh", sel);
		CHECK_STATUS(t, what, NVME_SC_INVALID_FIELD, nvsr_admin(t->pf, &c));
	}
}

#define NS NSM_NEED
static const struct nvsr_test tests[] = {
	{ .id = "capacity-is-accounted", .title = "UNVMCAP falls by NVMCAP at create and rises at delete",
	  .requirements = REQS("NSM-04"), .needs = NS,
	  .caught_by = DEFECTS("tnvmcap-zero", "unvmcap-constant", "delete-leaks-capacity"),
	  .run = capacity_is_accounted },
	{ .id = "returns-an-unused-nsid", .title = "create returns a NSID that was not allocated",
	  .requirements = REQS("NSM-18"), .needs = NS, .caught_by = DEFECTS("create-returns-no-nsid"),
	  .run = returns_an_unused_nsid },
	{ .id = "host-fields-are-taken", .title = "create takes the host's fields, and only those",
	  .requirements = REQS("NSM-19"), .needs = NS,
	  .caught_by = DEFECTS("create-takes-host-nguid", "create-ignores-nmic",
									       "created-size-differs"),
	  .run = host_fields_are_taken },
	{ .id = "create-does-not-attach",
	  .title = "a new namespace is attached to nothing", .requirements = REQS("NSM-20"),
	  .needs = NS, .caught_by = DEFECTS("create-attaches-to-creator"), .run = create_does_not_attach },
	{ .id = "create-does-not-attach-to-vfs", .title = "a new shared namespace is not active on a VF",
	  .requirements = REQS("NSM-20"), .needs = NSM_NEED_VF, .caught_by = DEFECTS("create-attaches-to-vfs"),
	  .run = create_does_not_attach_to_vfs },
	{ .id = "no-room", .title = "create without capacity aborts 1/15h and tells the bytes needed",
	  .requirements = REQS("NSM-21"), .needs = NS,
	  .caught_by = DEFECTS("insufficient-capacity-not-logged", "insufficient-capacity-wrong-status",
			       "failed-create-leaks-capacity"), .run = no_room },
	{ .id = "count-is-limited", .title = "exactly MNAN namespaces can exist, then create aborts 1/16h",
	  .requirements = REQS("NSM-22"), .needs = NS, .limit_s = 300,
	  .caught_by = DEFECTS("mnan-overstated", "mnan-wrong-status"),
	  .run = count_is_limited },
	{ .id = "thin-is-refused", .title = "NCAP below NSZE is refused without thin provisioning",
	  .requirements = REQS("NSM-23"), .needs = NS, .caught_by = DEFECTS("thin-accepted", "thin-wrong-status"),
	  .run = thin_is_refused },
	{ .id = "bad-format-is-refused", .title = "create with a format that is not listed aborts 1/0Ah",
	  .requirements = REQS("NSM-24"), .needs = NS,
	  .caught_by = DEFECTS("hidden-lba-format", "bad-format-wrong-status"),
	  .run = bad_format_is_refused },
	{ .id = "bad-protection-is-refused", .title = "protection information without metadata aborts 1/0Ah",
	  .requirements = REQS("NSM-24"), .needs = NS, .caught_by = DEFECTS("create-ignores-dps"),
	  .run = bad_protection_is_refused },
	{ .id = "bad-command-set-is-refused", .title = "create for an unsupported command set aborts 1/29h",
	  .requirements = REQS("NSM-24"), .needs = NS, .caught_by = DEFECTS("create-ignores-csi"),
	  .run = bad_command_set_is_refused },
	{ .id = "set-without-group-is-refused", .title = "an NVM Set without an Endurance Group aborts 0/02h",
	  .requirements = REQS("NSM-25"), .needs = NS, .caught_by = DEFECTS("create-ignores-nvmset"),
	  .run = set_without_group_is_refused },
	{ .id = "reserved-sel-is-refused", .title = "reserved values of SEL are refused", .requirements = REQS("NSM-26"),
	  .needs = NS, .caught_by = DEFECTS("ns-mgmt-reserved-sel"), .run = reserved_sel_is_refused },
};

const struct nvsr_group nvsr_namespace_create = NVSR_GROUP("namespace.create", tests);
