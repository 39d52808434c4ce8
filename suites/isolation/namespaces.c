// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.namespaces: a namespace that VF 1 has for itself is refused to VF 2 by every command that names it, whatever
 * else a command may put into NSID; and nothing that VF 2 reads carries data of VF 1.  Base 2.0 3.2.1, 5.14, 5.17.
 */
#include "isolation.h"

#define NEED (ISO_NEED | NVSR_NEED(NS_MGMT))
#define NEED_DATA (ISO_NEED | DAT_NEED)
/* I/O commands with a foreign NSID take own queues: a driver of the operating system sends none. */
#define NEED_IO (NEED_DATA | NVSR_NEED(VF_QUEUES))
#define ONCS_WRITE_UNCOR 0x0002
#define LEN 4096u
#define TAG_A 0x11u
#define TAG_B 0x22u

/* VF 1 with a private namespace that it has written, and VF 2 with one of its own. */
struct tenants { struct nvsr_dev *a, *b; struct dat_ns of_a, of_b; };

static bool start(struct nvsr_ctx *t, struct tenants *s)
{
	return iso_vfs(t, 0, &s->a, &s->b) && iso_private_ns(t, s->a, &s->of_a) && iso_private_ns(t, s->b, &s->of_b) &&
	       dat_sweep_write(t, s->a, &s->of_a, TAG_A);
}

/* --- I/O commands ------------------------------------------------------------------------------------------------- */

struct io_command {
	uint8_t opcode;
	uint16_t oncs;	/* the bit of an optional command */
	uint32_t cdw10, cdw11, cdw12, len;
	const char *name;
};

static const struct io_command io_commands[] = {
	{ NVME_CMD_READ, 0, 0, 0, 0, LEN, "Read" },
	{ NVME_CMD_COMPARE, NVME_ONCS_COMPARE, 0, 0, 0, LEN, "Compare" },
	{ NVME_CMD_VERIFY, NVME_ONCS_VERIFY, 0, 0, 0, 0, "Verify" },
	{ NVME_CMD_RESV_REPORT, NVME_ONCS_RESERVATIONS, LEN / 4 - 1, 1, 0, LEN, "Reservation Report" },
	{ NVME_CMD_FLUSH, 0, 0, 0, 0, 0, "Flush" },
	{ NVME_CMD_WRITE, 0, 0, 0, 0, LEN, "Write" },
	{ NVME_CMD_WRITE_ZEROES, NVME_ONCS_WRITE_ZEROES, 0, 0, 0, 0, "Write Zeroes" },
	{ NVME_CMD_WRITE_UNCOR, ONCS_WRITE_UNCOR, 0, 0, 0, 0, "Write Uncorrectable" },
	{ NVME_CMD_DSM, NVME_ONCS_DSM, 0, NVME_DSM_DEALLOCATE, 0, sizeof(struct nvme_dsm_range), "Dataset Management" },
	{ NVME_CMD_COPY, NVME_ONCS_COPY, 8, 0, 0, sizeof(struct nvme_copy_range), "Copy" },
	{ NVME_CMD_RESV_REGISTER, NVME_ONCS_RESERVATIONS, 0, 0, 0, 16, "Reservation Register" },
	{ NVME_CMD_RESV_ACQUIRE, NVME_ONCS_RESERVATIONS, 1 << 8, 0, 0, 16, "Reservation Acquire" },
	{ NVME_CMD_RESV_RELEASE, NVME_ONCS_RESERVATIONS, 1 << 8, 0, 0, 8, "Reservation Release" },
};

/* What the command carries or finds in the buffer; a range names one block. */
static void payload(const struct io_command *o, uint8_t *buf)
{
	struct nvme_dsm_range range = { .nlb = le32(1) };

	memset(buf, 0x5a, LEN);
	if (o->opcode == NVME_CMD_DSM)
		memcpy(buf, &range, sizeof(range));
	else if (o->opcode == NVME_CMD_COPY)
		memset(buf, 0, sizeof(struct nvme_copy_range));
	else if (o->opcode == NVME_CMD_COMPARE)
		memset(buf, 0, LEN);
}

static bool untouched(const uint8_t *buf)
{
	return dat_all(buf, LEN, 0x5a);
}

/* Every I/O command of @d with @nsid: @want, or any failure where @want is 0; nothing moves into the buffer. */
static void check_io(struct nvsr_ctx *t, struct nvsr_dev *d, uint32_t nsid, const char *nsid_is, int want)
{
	_cleanup_free_ uint8_t *buf = malloc(LEN);
	struct nvme_id_ctrl id;
	unsigned i;

	if (!buf)
		BROKEN(t, "no memory");
	if (!iso_id(t, d, &id))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(io_commands); i++) {
		const struct io_command *o = &io_commands[i];
		bool there = !o->oncs || le16_get(id.oncs) & o->oncs;
		struct nvsr_cmd c = { .opcode = o->opcode, .nsid = nsid, .cdw10 = o->cdw10, .cdw11 = o->cdw11, .cdw12 = o->cdw12,
				      .data = o->len ? buf : NULL, .data_len = o->len };
		const char *what = iso_text("%s with %s on %s", o->name, nsid_is, nvsr_dev_name(d));
		int rc;

		if (nsid == NVME_NSID_ALL && o->opcode == NVME_CMD_FLUSH)
			continue;	/* VWC bits 2:1 may allow it: own namespaces only */
		payload(o, buf);
		rc = nvsr_io(d, &c);
		if (!there)
			CHECK(t, rc, "a command that ONCS does not report aborts", "%s: success", what);
		else if (want)
			CHECK_STATUS(t, what, want, rc);
		else
			CHECK(t, rc > 0, "the command aborts", "%s: %s", what, nvsr_rc_text(rc));
		if (NVME_OPCODE_DIR(o->opcode) == NVME_DIR_FROM_CTRL)
			CHECK(t, untouched(buf), "no data is transferred", "%s changed the buffer", what);
	}
}

static void io_is_refused(struct nvsr_ctx *t)
{
	struct tenants s;

	if (!start(t, &s))
		return;
	check_io(t, s.b, s.of_a.nsid, "the NSID of VF 1", NVME_SC_INVALID_FIELD);
	check_io(t, t->pf, s.of_a.nsid, "the NSID of VF 1", NVME_SC_INVALID_FIELD);
	dat_check_kept(t, s.a, &s.of_a, TAG_A, "after commands of VF 2 and PF");
}

static void no_nsid_is_a_back_door(struct nvsr_ctx *t)
{
	uint32_t nn = le32_get(t->inv->id.nn);
	struct tenants s;

	if (!start(t, &s))
		return;
	check_io(t, s.b, 0, "NSID 0", NVME_SC_INVALID_NS);
	if (nn < 0xfffffffdu) {
		check_io(t, s.b, nn + 1, "NSID NN + 1", NVME_SC_INVALID_NS);
		check_io(t, s.b, 0xfffffffeu, "NSID FFFFFFFEh", NVME_SC_INVALID_NS);
	}
	check_io(t, s.b, NVME_NSID_ALL, "NSID FFFFFFFFh", 0);
	dat_check_kept(t, s.a, &s.of_a, TAG_A, "after commands of VF 2 with NSIDs of nobody and everybody");
}

static void access_ends_with_detach(struct nvsr_ctx *t)
{
	struct tenants s;

	if (!start(t, &s) || !dat_detach(t, &s.of_a, s.a) || !dat_attach(t, &s.of_a, s.b))
		return;
	dat_check_kept(t, s.b, &s.of_a, TAG_A, "on VF 2, to which it was attached");
	if (!dat_detach(t, &s.of_a, s.b) || !dat_attach(t, &s.of_a, s.a))
		return;
	check_io(t, s.b, s.of_a.nsid, "an NSID that it lost", NVME_SC_INVALID_FIELD);
	dat_check_kept(t, s.a, &s.of_a, TAG_A, "on VF 1, to which it was attached again");
}

/* --- Copy from another namespace: formats 2h and 3h --------------------------------------------------------------- */

#define CDFS_2H 0x4
#define COPY_2H (2u << 8)

/* Base 2.1 Host Behavior Support, Copy Descriptor Formats Enable: bytes 5:4. */
static int enable_2h(struct nvsr_dev *d)
{
	uint8_t behavior[512] = { 0 };
	int rc = nvsr_get_feature(d, NVME_FEAT_HOST_BEHAVIOR, 0, 0, behavior, sizeof(behavior), NULL);

	behavior[4] |= CDFS_2H;
	return rc ? rc : nvsr_set_feature(d, NVME_FEAT_HOST_BEHAVIOR, 0, 0, behavior, sizeof(behavior), NULL);
}

static int copy_from(struct nvsr_dev *d, uint32_t to, uint32_t from)
{
	struct nvme_copy_range range = { .snsid = le32(from) };
	struct nvsr_cmd c = { .opcode = NVME_CMD_COPY, .nsid = to, .cdw12 = COPY_2H, .data = &range, .data_len = sizeof(range) };

	return nvsr_io(d, &c);
}

static void copy_source_is_refused(struct nvsr_ctx *t)
{
	uint8_t block[LEN];
	struct nvme_id_ctrl id;
	struct tenants s;
	int rc;

	if (!start(t, &s) || !iso_id(t, s.b, &id))
		return;
	if (!(le16_get(id.cdfs) & CDFS_2H) || enable_2h(s.b))
		SKIP(t, "VF 2 has no Copy descriptor format that names another namespace");
	PREPARE(t, "Write on VF 2", dat_write(s.b, &s.of_b, 0, 1, TAG_B));
	rc = copy_from(s.b, s.of_b.nsid, s.of_a.nsid);
	CHECK(t, rc > 0, "Copy from a namespace of VF 1 aborts on VF 2", "%s", nvsr_rc_text(rc));
	MUST_OK(t, "Read on VF 2", dat_read(s.b, &s.of_b, 0, 1, block));
	CHECK(t, !dat_traces(block, s.of_b.bs, TAG_A), "nothing was copied", "VF 2 reads what VF 1 wrote");
	rc = copy_from(s.b, s.of_a.nsid, s.of_b.nsid);
	CHECK(t, rc > 0, "Copy to a namespace of VF 1 aborts on VF 2", "%s", nvsr_rc_text(rc));
	dat_check_kept(t, s.a, &s.of_a, TAG_A, "after Copy commands of VF 2");
}

/* --- Identify and features ---------------------------------------------------------------------------------------- */

static void identify_shows_nothing(struct nvsr_ctx *t)
{
	static const uint8_t others[] = { NVME_CNS_CSI_NS, NVME_CNS_INDEP_NS };
	uint8_t page[LEN];
	struct tenants s;
	unsigned i;
	int rc;

	if (!iso_vfs(t, 0, &s.a, &s.b) || !iso_private_ns(t, s.a, &s.of_a))
		return;
	CHECK(t, iso_listed(s.a, NVME_CNS_ACTIVE_NS, s.of_a.nsid), "its namespace in CNS 02h of VF 1", "it is missing");
	CHECK(t, !iso_listed(s.b, NVME_CNS_ACTIVE_NS, s.of_a.nsid), "CNS 02h of VF 2 without the namespace of VF 1", "it is there");
	MUST_OK(t, "CNS 00h with the NSID of VF 1 on VF 2", nvsr_identify(s.b, NVME_CNS_NS, s.of_a.nsid, 0, page));
	CHECK(t, dat_all(page, sizeof(page), 0), "an all-zero structure", "VF 2 sees the namespace of VF 1");
	memset(page, 0, sizeof(page));
	CHECK_STATUS(t, "CNS 03h with the NSID of VF 1 on VF 2", NVME_SC_INVALID_FIELD,
		     nvsr_identify(s.b, NVME_CNS_NS_DESC, s.of_a.nsid, 0, page));
	CHECK(t, dat_all(page, sizeof(page), 0), "no descriptor is transferred", "VF 2 got some");
	for (i = 0; i < NVSR_ARRAY_SIZE(others); i++) {
		memset(page, 0, sizeof(page));
		rc = nvsr_identify(s.b, others[i], s.of_a.nsid, 0, page);
		CHECK(t, rc || dat_all(page, sizeof(page), 0), "an error or an all-zero structure",
		      "CNS %02Xh: VF 2 sees the namespace of VF 1", others[i]);
	}
}

static const struct { uint8_t fid; uint32_t value; } ns_features[] = {
	{ NVME_FEAT_ERR_RECOVERY, 37 }, { NVME_FEAT_RESV_MASK, 2 }, { NVME_FEAT_RESV_PERSIST, 1 }, { NVME_FEAT_WRITE_PROTECT, 1 },
};

static void features_are_refused(struct nvsr_ctx *t)
{
	uint32_t before, now;
	struct tenants s;
	unsigned i;

	if (!iso_vfs(t, 0, &s.a, &s.b) || !iso_private_ns(t, s.a, &s.of_a))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(ns_features); i++) {
		uint8_t fid = ns_features[i].fid;

		if (nvsr_get_feature(s.a, fid, s.of_a.nsid, 0, NULL, 0, &before))
			continue;
		CHECK_STATUS(t, iso_text("Get Features %02Xh with the NSID of VF 1 on VF 2", fid), NVME_SC_INVALID_FIELD,
			     nvsr_get_feature(s.b, fid, s.of_a.nsid, 0, NULL, 0, &now));
		CHECK_STATUS(t, iso_text("Set Features %02Xh with the NSID of VF 1 on VF 2", fid), NVME_SC_INVALID_FIELD,
			     nvsr_set_feature(s.b, fid, s.of_a.nsid, ns_features[i].value, NULL, 0, NULL));
		MUST_OK(t, "Get Features on VF 1", nvsr_get_feature(s.a, fid, s.of_a.nsid, 0, NULL, 0, &now));
		if (!CHECK_EQ(t, iso_text("feature %02Xh of the namespace, on VF 1", fid), before, now))
			nvsr_set_feature(s.a, fid, s.of_a.nsid, before, NULL, 0, NULL);
	}
}

/* What Namespace Management brings to a VF that has it: lists of everybody's namespaces. */
static void reveals_no_neighbours(struct nvsr_ctx *t)
{
	struct nvme_ctrl_list list;
	struct tenants s;
	uint8_t page[LEN];
	int rc;

	if (!iso_vfs(t, 0, &s.a, &s.b) || !iso_private_ns(t, s.a, &s.of_a))
		return;
	CHECK(t, !iso_listed(s.b, NVME_CNS_ALLOCATED_NS, s.of_a.nsid), "CNS 10h of VF 2 without the namespace of VF 1", "it is there");
	rc = nvsr_identify(s.b, NVME_CNS_ALLOCATED_NS_ID, s.of_a.nsid, 0, page);
	CHECK(t, rc || dat_all(page, sizeof(page), 0), "nothing of VF 1's namespace by CNS 11h on VF 2", "its structure");
	rc = nvsr_identify(s.b, NVME_CNS_NS_CTRLS, s.of_a.nsid, 0, &list);
	CHECK(t, rc || !le16_get(list.num), "no controller of VF 1's namespace by CNS 12h on VF 2", "%u of them",
	      le16_get(list.num));
	rc = nvsr_identify(s.b, NVME_CNS_SUBSYS_CTRLS, 0, 0, &list);
	CHECK(t, rc || le16_get(list.num) <= 1, "no other controller by CNS 13h on VF 2", "%u controllers", le16_get(list.num));
}

/* --- what pages carry --------------------------------------------------------------------------------------------- */

static void pages_carry_no_data(struct nvsr_ctx *t)
{
	uint8_t page[LEN];
	struct tenants s;
	unsigned i;

	if (!start(t, &s))
		return;
	for (i = 0; i < 0x20; i++) {
		memset(page, 0, sizeof(page));
		if (!nvsr_identify(s.b, (uint8_t)i, i == NVME_CNS_CTRL ? 0 : s.of_b.nsid, 0, page))
			CHECK(t, !dat_traces(page, sizeof(page), TAG_A), "no data of VF 1", "CNS %02Xh on VF 2 carries some", i);
	}
	CHECK(t, !nvsr_id_ctrl(s.b, (struct nvme_id_ctrl *)page) && !dat_traces(page, sizeof(page), TAG_A), "no data of VF 1",
	      "CNS 01h on VF 2 carries some");
	for (i = 0; i < 0x100; i++) {
		memset(page, 0, sizeof(page));
		if (!nvsr_get_log(s.b, (uint8_t)i, NVME_NSID_ALL, true, page, sizeof(page)))
			CHECK(t, !dat_traces(page, sizeof(page), TAG_A), "no data of VF 1", "log page %02Xh on VF 2 carries some", i);
	}
}

/* --- Format ------------------------------------------------------------------------------------------------------- */

#define FNA_EVERYBODY 0x3	/* bits 0 and 1: Format and secure erase reach all namespaces */
#define FORMAT_MS 600000u

static int format(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, uint32_t nsid)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_FORMAT, .nsid = nsid, .cdw10 = 1u << 9, .timeout_ms = FORMAT_MS };
	struct nvme_id_ns id;
	int rc = nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, ns->nsid, 0, &id);

	if (rc)
		return rc;
	c.cdw10 |= NVME_FLBAS_INDEX(id.flbas);
	rc = nvsr_admin(d, &c);
	nvsr_dev_sleep_ms(d, 1000);
	return rc;
}

static void format_spares_others(struct nvsr_ctx *t)
{
	struct dat_ns of_pf;
	struct tenants s;

	if (t->inv->id.fna & FNA_EVERYBODY)
		SKIP(t, "FNA bits 1:0 say that Format reaches all namespaces");
	if (!start(t, &s) || !dat_sweep_write(t, s.b, &s.of_b, TAG_B) || !iso_private_ns(t, t->pf, &of_pf))
		return;
	MUST_OK(t, "Format of the namespace of VF 2", format(t, t->pf, &s.of_b, s.of_b.nsid));
	dat_check_kept(t, s.a, &s.of_a, TAG_A, "after Format of the namespace of VF 2");
	dat_check_gone(t, s.b, &s.of_b, TAG_B, "after its Format");
	if (t->inv->id.fna & NVME_FNA_NO_BROADCAST)
		return;
	/* all namespaces of the PF: none of them is anything that a test must not lose, by the grant that it needs */
	MUST_OK(t, "Format with NSID FFFFFFFFh on the PF", format(t, t->pf, &of_pf, NVME_NSID_ALL));
	dat_check_kept(t, s.a, &s.of_a, TAG_A, "after Format of all namespaces of the PF");
}

static void format_is_no_weapon(struct nvsr_ctx *t)
{
	struct nvme_id_ctrl id;
	struct nvsr_dev *a = nvsr_t_vf(t, 1);

	if (!a || !iso_id(t, a, &id))
		return;
	CHECK(t, !(le16_get(id.oacs) & NVME_OACS_FORMAT) || !(id.fna & FNA_EVERYBODY),
	      "a VF without Format, or with one that spares other tenants (FNA bits 1:0 = 0)", "OACS %04Xh, FNA %02Xh",
	      le16_get(id.oacs), id.fna);
}

static const struct nvsr_test tests[] = {
	{ .id = "io-is-refused", .title = "every I/O command of VF 2 and PF refuses the private namespace of VF 1",
	  .requirements = REQS("ISO-20", "NSM-06"), .needs = NEED_IO,
	  .caught_by = DEFECTS("io-to-detached-succeeds", "vf-io-ignores-attachment", "read-moves-before-check",
			       "compare-ignores-attachment", "dsm-ignores-attachment", "write-zeroes-ignores-attachment",
			       "verify-unattached-ok", "copy-unattached-ok", "report-unattached-ok", "register-unattached-ok",
			       "flush-unattached-ok"),
	  .run = io_is_refused },
	{ .id = "no-nsid-is-a-back-door", .title = "no other value of NSID reaches the private namespace of VF 1",
	  .requirements = REQS("ISO-20", "NSM-05"), .needs = NEED_IO,
	  .caught_by = DEFECTS("io-broadcast-accepted", "invalid-nsid-as-inactive"), .run = no_nsid_is_a_back_door },
	{ .id = "access-ends-with-detach", .title = "a VF reaches a namespace that it lost by no I/O command",
	  .requirements = REQS("ISO-20", "NSM-06"), .needs = NEED_IO,
	  .caught_by = DEFECTS("io-to-detached-succeeds", "vf-io-ignores-attachment"), .run = access_ends_with_detach },
	{ .id = "copy-source-is-refused", .title = "Copy of VF 2 neither reads nor writes the private namespace of VF 1",
	  .requirements = REQS("ISO-21"), .needs = NEED_IO | NVSR_NEED(COPY), .caught_by = DEFECTS("copy-reads-unattached"),
	  .run = copy_source_is_refused },
	{ .id = "identify-shows-nothing", .title = "Identify on VF 2 shows nothing of the private namespace of VF 1",
	  .requirements = REQS("ISO-20"), .needs = NEED,
	  .caught_by = DEFECTS("inactive-identify-leaks", "active-list-shows-all", "ns-desc-ignores-attachment"),
	  .run = identify_shows_nothing },
	{ .id = "features-are-refused", .title = "features of the private namespace of VF 1 are out of reach for VF 2",
	  .requirements = REQS("ISO-20"), .needs = NEED, .caught_by = DEFECTS("features-ignore-attachment"),
	  .run = features_are_refused },
	{ .id = "reveals-no-neighbours", .title = "a VF learns nothing of namespaces and controllers of others",
	  .requirements = REQS("ISO-22"), .needs = NEED, .caught_by = DEFECTS("vf-accepts-ns-mgmt"),
	  .run = reveals_no_neighbours },
	{ .id = "pages-carry-no-data", .title = "Identify data and log pages of VF 2 hold nothing that VF 1 wrote",
	  .requirements = REQS("ISO-20"), .needs = NEED_DATA, .caught_by = DEFECTS("identify-carries-data", "log-tail-carries-data"),
	  .run = pages_carry_no_data },
	{ .id = "format-spares-others", .title = "Format of one namespace, or of all of the PF, leaves those of VF 1",
	  .requirements = REQS("ISO-23"), .needs = NEED_DATA | NVSR_NEED(FORMAT), .limit_s = 1800,
	  .caught_by = DEFECTS("format-all-namespaces", "format-broadcast-beyond-attached"), .run = format_spares_others },
	{ .id = "format-is-no-weapon", .title = "a VF has no Format that reaches namespaces of other tenants",
	  .requirements = REQS("ISO-24"), .needs = NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("vf-format-all-namespaces"), .run = format_is_no_weapon },
};
const struct nvsr_group nvsr_isolation_namespaces = NVSR_GROUP("isolation.namespaces", tests);
