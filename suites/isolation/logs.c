// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.logs: log pages of controller scope tell of their controller alone, those of the subsystem tell everybody the
 * same, and none tells of a namespace that is not the reader's.  Base 2.0 Figure 202, 5.16.
 */
#include "isolation.h"

#define VS_1_4 0x00010400u
#define UNUSED_CNS 0xffu
#define ERRORS 5u

static uint64_t low64(le128_t v)
{
	return nvsr_le_read(&v, 8);
}

/* --- errors ------------------------------------------------------------------------------------------------------- */

struct errors { uint64_t newest, counted; };

static int read_errors(struct nvsr_dev *d, struct errors *ret)
{
	struct nvme_error_log_entry e = { 0 };
	struct nvme_smart_log s = { 0 };
	int rc = nvsr_get_log(d, NVME_LOG_ERROR, NVME_NSID_ALL, true, &e, sizeof(e));

	if (!rc)
		rc = nvsr_get_log(d, NVME_LOG_SMART, NVME_NSID_ALL, true, &s, sizeof(s));
	*ret = (struct errors){ le64_get(e.error_count), low64(s.num_err_log_entries) };
	return rc;
}

static void errors_stay(struct nvsr_ctx *t)
{
	struct errors before[2], now;
	struct nvsr_dev *a, *on[2];
	uint8_t page[NVME_IDENTIFY_SIZE];
	unsigned i;

	if (!iso_vfs(t, 0, &a, &on[0]))
		return;
	on[1] = t->pf;
	for (i = 0; i < 2; i++)
		PREPARE(t, "error log and SMART", read_errors(on[i], &before[i]));
	for (i = 0; i < ERRORS; i++)
		if (!nvsr_identify(a, UNUSED_CNS, 0, 0, page))
			SKIP(t, "VF 1 does not abort Identify CNS FFh: no error to look for");
	for (i = 0; i < 2; i++) {
		const char *name = nvsr_dev_name(on[i]);

		MUST_OK(t, iso_text("error log and SMART of %s", name), read_errors(on[i], &now));
		CHECK_EQ(t, iso_text("Error Count of the newest entry of %s after errors of VF 1", name), before[i].newest,
			 now.newest);
		CHECK_EQ(t, iso_text("Number of Error Information Log Entries of %s after errors of VF 1", name),
			 before[i].counted, now.counted);
	}
}

/* --- changed namespaces ------------------------------------------------------------------------------------------- */

static void changes_stay(struct nvsr_ctx *t)
{
	struct nvsr_dev *a, *on[2];
	le32_t list[1024];
	struct dat_ns ns;
	unsigned i;

	if (!iso_vfs(t, 0, &a, &on[0]) || !dat_ns(t, false, &ns))
		return;
	on[1] = t->pf;
	for (i = 0; i < 2; i++)
		if (nvsr_get_log(on[i], NVME_LOG_CHANGED_NS, NVME_NSID_ALL, false, list, sizeof(list)))
			SKIP(t, "%s has no Changed Namespace List", nvsr_dev_name(on[i]));
	if (!dat_attach(t, &ns, a))
		return;
	for (i = 0; i < 2; i++) {
		MUST_OK(t, "log page 04h", nvsr_get_log(on[i], NVME_LOG_CHANGED_NS, NVME_NSID_ALL, false, list, sizeof(list)));
		CHECK(t, le32_get(list[0]) != ns.nsid, "only changes of its own namespaces", "%s lists NSID %u of VF 1",
		      nvsr_dev_name(on[i]), ns.nsid);
	}
}

/* --- SMART -------------------------------------------------------------------------------------------------------- */

struct traffic { uint64_t reads, writes, units; };

static int read_traffic(struct nvsr_dev *d, uint32_t nsid, struct traffic *ret)
{
	struct nvme_smart_log s = { 0 };
	int rc = nvsr_get_log(d, NVME_LOG_SMART, nsid, true, &s, sizeof(s));

	*ret = (struct traffic){ low64(s.host_reads), low64(s.host_writes), low64(s.data_units_read) +
				 low64(s.data_units_written) };
	return rc;
}

#define COMMANDS 64u

static void traffic_stays(struct nvsr_ctx *t)
{
	struct traffic before[2], now;
	struct nvsr_dev *a, *on[2];
	uint8_t block[4096 * 8];
	struct dat_ns ns;
	unsigned i;

	if (!iso_vfs(t, 0, &a, &on[0]) || !iso_private_ns(t, a, &ns))
		return;
	on[1] = t->pf;
	for (i = 0; i < 2; i++)
		PREPARE(t, "SMART", read_traffic(on[i], NVME_NSID_ALL, &before[i]));
	for (i = 0; i < COMMANDS; i++) {
		PREPARE(t, "Write on VF 1", dat_write(a, &ns, 0, 1, i));
		PREPARE(t, "Read on VF 1", dat_read(a, &ns, 0, 1, block));
	}
	for (i = 0; i < 2; i++) {
		const char *name = nvsr_dev_name(on[i]);

		MUST_OK(t, iso_text("SMART of %s", name), read_traffic(on[i], NVME_NSID_ALL, &now));
		CHECK(t, now.reads - before[i].reads < COMMANDS && now.writes - before[i].writes < COMMANDS,
		      "counters without the commands of VF 1", "%s counted %llu reads and %llu writes", name,
		      (unsigned long long)(now.reads - before[i].reads), (unsigned long long)(now.writes - before[i].writes));
	}
}

/* LPA bit 0: per namespace, for those who have it attached.  Without the bit the page has no namespace scope at all. */
static void smart_of_a_namespace(struct nvsr_ctx *t)
{
	struct nvme_id_ctrl id;
	struct nvsr_dev *a, *b;
	struct traffic now;
	struct dat_ns ns;
	int rc;

	if (!iso_vfs(t, 0, &a, &b) || !iso_private_ns(t, a, &ns) || !iso_id(t, a, &id))
		return;
	rc = read_traffic(a, ns.nsid, &now);
	if (id.lpa & 1)
		CHECK_OK(t, "SMART of its namespace on VF 1 (LPA bit 0 = 1)", rc);
	else
		CHECK(t, !rc || rc == NVME_SC_INVALID_FIELD, "controller data or 0/02h with LPA bit 0 = 0", "%s", nvsr_rc_text(rc));
	rc = read_traffic(b, ns.nsid, &now);
	CHECK_STATUS_IN(t, "SMART of VF 1's namespace on VF 2", rc, NVME_SC_INVALID_FIELD, NVME_SC_INVALID_NS);
}

/* --- pages of the subsystem --------------------------------------------------------------------------------------- */

static const struct common_page { uint8_t lid; unsigned len; const char *name; } common[] = {
	{ NVME_LOG_FW_SLOT, 512, "Firmware Slot Information (03h)" },
	{ 0x14, 64, "Command and Feature Lockdown (14h)" },
	{ 0x81, 512, "Sanitize Status (81h)" },
};

static void subsystem_pages_agree(struct nvsr_ctx *t)
{
	uint8_t page[3][512];
	struct nvsr_dev *on[3];
	unsigned i, k, tried = 0;

	if (!iso_vfs(t, 0, &on[1], &on[2]))
		return;
	on[0] = t->pf;
	for (i = 0; i < NVSR_ARRAY_SIZE(common); i++) {
		const struct common_page *p = &common[i];
		bool have = !nvsr_get_log(on[0], p->lid, NVME_NSID_ALL, true, page[0], p->len);

		for (k = 1; k < 3 && have; k++) {
			if (nvsr_get_log(on[k], p->lid, NVME_NSID_ALL, true, page[k], p->len))
				continue;
			nvsr_note(t, "%s can read %s", nvsr_dev_name(on[k]), p->name);
			CHECK(t, !memcmp(page[0], page[k], p->len), "the same page on every controller", "%s differs on %s",
			      p->name, nvsr_dev_name(on[k]));
			tried++;
		}
	}
	if (!tried)
		SKIP(t, "PF and VFs have no log page of subsystem scope in common");
}

/* --- a page that is not there ------------------------------------------------------------------------------------- */

#define RESERVED_LID 0x6eu	/* reserved in every revision that was read; 70h and C0h up belong to others */

static void unknown_page(struct nvsr_ctx *t)
{
	struct nvsr_dev *a = nvsr_t_vf(t, 1);
	struct nvme_id_ctrl id;
	uint8_t page[64];
	int rc;

	if (!a || !iso_id(t, a, &id))
		return;
	rc = nvsr_get_log(a, RESERVED_LID, NVME_NSID_ALL, true, page, sizeof(page));
	if (le32_get(id.ver) >= VS_1_4)
		CHECK_STATUS(t, "an unsupported log page on VF 1", NVME_SC_INVALID_LOG_PAGE, rc);
	else
		CHECK_STATUS_IN(t, "an unsupported log page on VF 1", rc, NVME_SC_INVALID_LOG_PAGE, NVME_SC_INVALID_FIELD);
}

static const struct nvsr_test tests[] = {
	{ .id = "errors-stay", .title = "errors of one VF are in no other controller's error log and SMART counter",
	  .requirements = REQS("ISO-12"), .needs = ISO_NEED, .caught_by = DEFECTS("error-log-shared", "error-count-shared"),
	  .run = errors_stay },
	{ .id = "changes-stay", .title = "a namespace attached to one VF is in no other controller's Changed Namespace List",
	  .requirements = REQS("ISO-12"), .needs = ISO_NEED | NVSR_NEED(NS_MGMT), .caught_by = DEFECTS("changed-list-shared"),
	  .run = changes_stay },
	{ .id = "traffic-stays", .title = "I/O of one VF is in no other controller's SMART counters",
	  .requirements = REQS("ISO-13"), .needs = ISO_NEED | DAT_NEED, .caught_by = DEFECTS("smart-counts-all"),
	  .run = traffic_stays },
	{ .id = "smart-of-a-namespace", .title = "SMART of a namespace is refused where it is not attached",
	  .requirements = REQS("ISO-13"), .needs = ISO_NEED | NVSR_NEED(NS_MGMT), .caught_by = DEFECTS("smart-of-any-namespace"),
	  .run = smart_of_a_namespace },
	{ .id = "subsystem-pages-agree", .title = "log pages of subsystem scope are the same on PF and VFs",
	  .requirements = REQS("ISO-15"), .needs = ISO_NEED, .caught_by = DEFECTS("firmware-log-differs"),
	  .run = subsystem_pages_agree },
	{ .id = "unknown-page", .title = "an unsupported log page aborts with Invalid Log Page on a VF",
	  .requirements = REQS("ISO-16"), .needs = NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("log-invalid-field"), .run = unknown_page },
};
const struct nvsr_group nvsr_isolation_logs = NVSR_GROUP("isolation.logs", tests);
