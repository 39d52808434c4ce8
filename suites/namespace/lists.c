// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.lists: identification descriptors, controller lists and the granularity list, Base 2.0 5.17. */
#include "common.h"

/* --- CNS 03h ---------------------------------------------------------------------------------------------------- */

struct descriptors { unsigned seen[5]; uint8_t nguid[16], eui64[8]; };

/* Walk the descriptors of CNS 03h, checking types and lengths; stops at the terminating zero. */
static void walk_descriptors(struct nvsr_ctx *t, const uint8_t *data, struct descriptors *ret)
{
	static const uint8_t length[5] = { [NVME_NIDT_EUI64] = 8, [NVME_NIDT_NGUID] = 16, [NVME_NIDT_UUID] = 16,
					   [NVME_NIDT_CSI] = 1 };
	unsigned off = 0;

	while (off + 4 <= NVME_IDENTIFY_SIZE && data[off + 1]) {
		const uint8_t *d = data + off;

		if (!CHECK(t, d[0] >= 1 && d[0] <= 4 && d[1] == length[d[0]],
			   "NIDT 1 to 4 with lengths 8, 16, 16, 1", "NIDT %u, length %u at byte %u", d[0], d[1], off))
			return;
		ret->seen[d[0]]++;
		if (d[0] == NVME_NIDT_EUI64)
			memcpy(ret->eui64, d + 4, 8);
		else if (d[0] == NVME_NIDT_NGUID)
			memcpy(ret->nguid, d + 4, 16);
		off += 4 + d[1];
	}
}

static void check_descriptors(struct nvsr_ctx *t, struct nvsr_dev *d, uint32_t nsid)
{
	static const char *const name[5] = { "", "EUI64", "NGUID", "UUID", "CSI" };
	struct descriptors found = { 0 };
	uint8_t data[NVME_IDENTIFY_SIZE];
	struct nvme_id_ns ns;
	unsigned i;

	MUST_OK(t, "CNS 03h of an active NSID", nvsr_identify(d, NVME_CNS_NS_DESC, nsid, 0, data));
	MUST_OK(t, "CNS 00h of an active NSID", nvsr_identify(d, NVME_CNS_NS, nsid, 0, &ns));
	walk_descriptors(t, data, &found);
	CHECK(t, found.seen[1] + found.seen[2] + found.seen[3], "at least one of EUI64, NGUID, UUID", "none");
	for (i = 1; i < 5; i++)
		CHECK(t, found.seen[i] <= 1, "at most one descriptor of each type", "%u of %s", found.seen[i], name[i]);
	if (found.seen[NVME_NIDT_NGUID])
		CHECK(t, !memcmp(found.nguid, ns.nguid, 16), "the NGUID of CNS 00h", "another NGUID");
	if (found.seen[NVME_NIDT_EUI64])
		CHECK(t, !memcmp(found.eui64, ns.eui64, 8), "the EUI64 of CNS 00h", "another EUI64");
}

static void descriptors(struct nvsr_ctx *t)
{
	uint32_t list[64];
	unsigned n = 0;

	PREPARE(t, "CNS 02h", nvsr_ns_list(t->pf, NVME_CNS_ACTIVE_NS, list, NVSR_ARRAY_SIZE(list), &n));
	if (!n)
		SKIP(t, "no namespace is attached to the PF");
	while (n--)
		check_descriptors(t, t->pf, list[n]);
}

static void vf_descriptors(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nvsr_t_ns(t, 1, true) : 0, invalid = nsid ? nsm_invalid(t) : 0;
	int scid = invalid ? nsm_cntlid(t, vf) : -1;
	uint8_t data[NVME_IDENTIFY_SIZE];

	if (scid < 0)
		return;
	CHECK_STATUS(t, "CNS 03h on the VF before attach", NVME_SC_INVALID_FIELD,
		     nvsr_identify(vf, NVME_CNS_NS_DESC, nsid, 0, data));
	MUST_OK(t, "attach to the VF", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	check_descriptors(t, vf, nsid);
	CHECK_STATUS(t, "CNS 03h of NSID NN + 1", NVME_SC_INVALID_NS,
		     nvsr_identify(vf, NVME_CNS_NS_DESC, invalid, 0, data));
}

static void descriptors_need_an_active_nsid(struct nvsr_ctx *t)
{
	uint32_t invalid = nsm_invalid(t), inactive = invalid ? nsm_unallocated(t) : 0;
	uint8_t data[NVME_IDENTIFY_SIZE];

	if (!inactive)
		return;
	CHECK_STATUS(t, "CNS 03h of an unallocated NSID", NVME_SC_INVALID_FIELD,
		     nvsr_identify(t->pf, NVME_CNS_NS_DESC, inactive, 0, data));
	CHECK_STATUS(t, "CNS 03h of NSID NN + 1", NVME_SC_INVALID_NS,
		     nvsr_identify(t->pf, NVME_CNS_NS_DESC, invalid, 0, data));
}

/* --- CNS 12h and 13h -------------------------------------------------------------------------------------------- */

/* One answer, checked: at most 2,047 ascending ids, none below @cntid.  False after a failed check. */
static bool read_ctrls(struct nvsr_ctx *t, uint8_t cns, uint32_t nsid, uint16_t cntid, struct nvme_ctrl_list *ret)
{
	unsigned i, num;

	if (!CHECK_OK(t, cns == NVME_CNS_NS_CTRLS ? "CNS 12h" : "CNS 13h", nvsr_identify(t->pf, cns, nsid, cntid, ret)))
		return false;
	num = le16_get(ret->num);
	if (!CHECK(t, num <= 2047, "at most 2,047 controllers", "%u", num))
		return false;
	for (i = 0; i < num; i++) {
		uint16_t id = le16_get(ret->id[i]);

		if (!CHECK(t, id >= cntid && (!i || id > le16_get(ret->id[i - 1])), "ascending ids from CNTID on",
			   "entry %u is %04xh, CNTID %04xh", i, id, cntid))
			return false;
	}
	return true;
}

static bool ctrls_have(const struct nvme_ctrl_list *list, uint16_t id)
{
	unsigned i;

	for (i = 0; i < le16_get(list->num); i++)
		if (le16_get(list->id[i]) == id)
			return true;
	return false;
}

static void controllers_of_a_namespace(struct nvsr_ctx *t)
{
	uint32_t invalid = nsm_invalid(t), nsid = invalid ? nvsr_t_ns(t, 1, true) : 0;
	int scid = nsid ? nsm_second(t, 1) : -1;
	uint16_t pcid = nvsr_t_pcid(t), low, high;
	struct nvme_ctrl_list list;

	if (scid < 0)
		return;
	low = NVSR_MIN(pcid, (uint16_t)scid);
	high = NVSR_MAX(pcid, (uint16_t)scid);
	CHECK_NO_CTRLS(t, nsid, "before attach");
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, pcid));
	CHECK_CTRLS(t, nsid, "after one attach", pcid);
	MUST_OK(t, "attach to the secondary of VF 1", nvsr_ns_attach(t->pf, nsid, (uint16_t)scid));
	CHECK_CTRLS(t, nsid, "after two attaches", pcid, (uint16_t)scid);
	if (read_ctrls(t, NVME_CNS_NS_CTRLS, nsid, low, &list))
		CHECK_EQ(t, "controllers from the lower id on", 2, le16_get(list.num));
	if (read_ctrls(t, NVME_CNS_NS_CTRLS, nsid, low + 1, &list))
		CHECK(t, le16_get(list.num) == 1 && ctrls_have(&list, high), "only the higher id above the lower",
		      "%u controllers", le16_get(list.num));
	CHECK_STATUS(t, "CNS 12h of NSID FFFFFFFFh", NVME_SC_INVALID_FIELD,
		     nvsr_identify(t->pf, NVME_CNS_NS_CTRLS, NVME_NSID_ALL, 0, &list));
	CHECK_STATUS(t, "CNS 12h of NSID NN + 1", NVME_SC_INVALID_NS,
		     nvsr_identify(t->pf, NVME_CNS_NS_CTRLS, invalid, 0, &list));
}

static void controllers_of_the_subsystem(struct nvsr_ctx *t)
{
	uint16_t pcid = nvsr_t_pcid(t);
	struct nvme_ctrl_list list;

	if (!read_ctrls(t, NVME_CNS_SUBSYS_CTRLS, 0, 0, &list))
		return;
	CHECK(t, ctrls_have(&list, pcid), "CNS 13h lists the controller that answers", "%04xh is missing", pcid);
	if (read_ctrls(t, NVME_CNS_SUBSYS_CTRLS, 0, pcid, &list))
		CHECK(t, ctrls_have(&list, pcid), "CNTID itself is part of the list", "%04xh is missing", pcid);
	if (pcid < 0xffef && read_ctrls(t, NVME_CNS_SUBSYS_CTRLS, 0, pcid + 1, &list))
		CHECK(t, !ctrls_have(&list, pcid), "ids below CNTID are left out", "%04xh is listed", pcid);
}

/* Offline secondaries are expected too, but no text says so: their number is noted. */
static void subsystem_lists_online_vfs(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct nvme_ctrl_list list;
	struct nvme_id_ctrl id;
	unsigned i, offline = 0;

	if (!vf)
		return;
	PREPARE(t, "Identify Controller on the VF", nvsr_id_ctrl(vf, &id));
	if (!read_ctrls(t, NVME_CNS_SUBSYS_CTRLS, 0, 0, &list))
		return;
	CHECK(t, ctrls_have(&list, le16_get(id.cntlid)), "CNS 13h lists the controller of an enabled VF",
	      "%04xh is missing among %u", le16_get(id.cntlid), le16_get(list.num));
	for (i = 0; i < t->inv->sec_count; i++)
		offline += ctrls_have(&list, le16_get(t->inv->sec[i].scid));
	nvsr_note(t, "CNS 13h lists %u of %u secondary controllers", offline, t->inv->sec_count);
}

/* --- CNS 16h ---------------------------------------------------------------------------------------------------- */

struct granularity { le32_t attr; uint8_t num, rsvd5[27]; struct { le64_t nszeg, ncapg; } desc[16]; uint8_t rsvd[3808]; };
NVSR_SIZE(struct granularity, 4096);

static void granularity_is_a_hint(struct nvsr_ctx *t)
{
	struct granularity g;
	struct nvme_id_ns host;
	uint32_t nsid = 0;
	uint64_t step;
	unsigned bs = nsm_block_bytes(t);

	if (!nsm_can_create(t))
		return;
	MUST_OK(t, "CNS 16h", nvsr_identify(t->pf, NVME_CNS_NS_GRANULARITY, 0, 0, &g));
	CHECK(t, g.num <= 15, "at most 16 granularity descriptors", "number of descriptors %u (0's based)", g.num);
	step = le64_get(g.desc[0].nszeg);
	CHECK(t, step && step % bs == 0, "a size granularity in whole blocks", "%llu bytes", (unsigned long long)step);
	nsm_host_fields(&host, NVSR_MAX(step / bs, 1u) + 1, false);
	CHECK_OK(t, "create of one granule and one block", nsm_create_raw(t->pf, &host, 0, &nsid));
}

/* --- NSIDs that a command does not use -------------------------------------------------------------------------- */

static void unused_nsid_is_refused(struct nvsr_ctx *t)
{
	uint8_t data[NVME_IDENTIFY_SIZE];
	struct nvsr_cmd abort = { .opcode = NVME_ADMIN_ABORT, .nsid = 1, .cdw10 = 0xfffe0000u };

	CHECK_STATUS(t, "Identify Controller with NSID 1", NVME_SC_INVALID_FIELD,
		     nvsr_identify(t->pf, NVME_CNS_CTRL, 1, 0, data));
	CHECK_STATUS(t, "Abort with NSID 1", NVME_SC_INVALID_FIELD, nvsr_admin(t->pf, &abort));
}

static void broadcast_only_where_defined(struct nvsr_ctx *t)
{
	uint8_t data[NVME_IDENTIFY_SIZE];

	CHECK_STATUS(t, "CNS 03h of NSID FFFFFFFFh", NVME_SC_INVALID_FIELD,
		     nvsr_identify(t->pf, NVME_CNS_NS_DESC, NVME_NSID_ALL, 0, data));
}

static const struct nvsr_test tests[] = {
	{ .id = "descriptors", .title = "CNS 03h names every active namespace of the PF", .requirements = REQS("NSM-12"),
	  .caught_by = DEFECTS("ns-desc-empty", "ns-desc-bad-length", "ns-desc-nguid-differs"), .run = descriptors },
	{ .id = "vf-descriptors", .title = "CNS 03h on a VF names what is attached to the VF",
	  .requirements = REQS("NSM-12"), .needs = NSM_NEED_VF,
	  .caught_by = DEFECTS("ns-desc-empty", "ns-desc-ignores-attachment"), .run = vf_descriptors },
	{ .id = "descriptors-need-an-active-nsid", .title = "CNS 03h rejects inactive and invalid NSIDs",
	  .requirements = REQS("NSM-12"), .caught_by = DEFECTS("invalid-nsid-as-inactive"),
	  .run = descriptors_need_an_active_nsid },
	{ .id = "controllers-of-a-namespace", .title = "CNS 12h lists exactly the controllers attached to a namespace",
	  .requirements = REQS("NSM-15"), .needs = NSM_NEED_SECOND,
	  .caught_by = DEFECTS("ctrl-list-ignores-cntid", "ctrl-list-without-vfs", "cns-12h-broadcast"),
	  .run = controllers_of_a_namespace },
	{ .id = "controllers-of-the-subsystem", .title = "CNS 13h lists ascending controller ids from CNTID on",
	  .requirements = REQS("NSM-16"), .needs = NVSR_NEED(NS_MGMT), .caught_by = DEFECTS("ctrl-list-ignores-cntid"),
	  .run = controllers_of_the_subsystem },
	{ .id = "subsystem-lists-online-vfs", .title = "CNS 13h lists the controllers of enabled VFs",
	  .requirements = REQS("NSM-16"), .needs = NVSR_NEED(NS_MGMT) | NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN), .caught_by = DEFECTS("ctrl-list-without-vfs"),
	  .run = subsystem_lists_online_vfs },
	{ .id = "granularity-is-a-hint", .title = "the granularity list does not forbid other sizes",
	  .requirements = REQS("NSM-17"), .needs = NSM_NEED | NVSR_NEED(NS_GRANULES),
	  .caught_by = DEFECTS("create-insists-on-granularity"), .run = granularity_is_a_hint },
	{ .id = "unused-nsid-is-refused", .title = "a NSID in a command that uses none is refused",
	  .requirements = REQS("NSM-07"), .caught_by = DEFECTS("unused-nsid-accepted"), .run = unused_nsid_is_refused },
	{ .id = "broadcast-only-where-defined",
	  .title = "NSID FFFFFFFFh is refused by a command that does not support it",
	  .requirements = REQS("NSM-07"),
	  .caught_by = DEFECTS("ns-desc-broadcast"), .run = broadcast_only_where_defined },
};

const struct nvsr_group nvsr_namespace_lists = NVSR_GROUP("namespace.lists", tests);
