// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.tenant: what a VF shows after it changed hands.  VF Enable 1 to 0 leaves nothing (PCIe 9.3.3.3.1); configuration
 * space and properties are pf.control, features are isolation.features.
 */
#include "isolation.h"

#define NEED (ISO_NEED | NVSR_NEED(NS_MGMT))
#define UNUSED_CNS 0xffu
#define ERRORS 3u
#define ENTRIES 16u

/* VF 1 after VF Enable 1, 0, 1, brought up for somebody else. */
static struct nvsr_dev *after_toggle(struct nvsr_ctx *t)
{
	return nvsr_t_enable_vfs(t, 0) && nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 1) : NULL;
}

static int read_log(struct nvsr_dev *d, struct nvme_error_log_entry *ret)
{
	return nvsr_get_log(d, NVME_LOG_ERROR, NVME_NSID_ALL, true, ret, ENTRIES * sizeof(*ret));
}

/* Entries are told apart by their error count, so one that is there again is the former tenant's. */
static bool has_entry(const struct nvme_error_log_entry *log, const struct nvme_error_log_entry *e)
{
	unsigned i;

	for (i = 0; i < ENTRIES; i++)
		if (!memcmp(&log[i], e, sizeof(*e)))
			return true;
	return false;
}

static void error_log_is_gone(struct nvsr_ctx *t)
{
	struct nvme_error_log_entry was[ENTRIES] = { 0 }, now[ENTRIES] = { 0 };
	uint8_t page[NVME_IDENTIFY_SIZE];
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	unsigned i;

	if (!vf)
		return;
	for (i = 0; i < ERRORS; i++)
		nvsr_identify(vf, UNUSED_CNS, 0, 0, page);
	PREPARE(t, "error log", read_log(vf, was));
	if (!le64_get(was[0].error_count))
		SKIP(t, "VF 1 logs no error for Identify CNS FFh");
	vf = after_toggle(t);
	if (!vf)
		return;
	MUST_OK(t, "error log after VF Enable 1, 0, 1", read_log(vf, now));
	for (i = 0; i < ERRORS && le64_get(was[i].error_count); i++)
		CHECK(t, !has_entry(now, &was[i]), "no error of the former tenant", "the entry with Error Count %llu",
		      (unsigned long long)le64_get(was[i].error_count));
}

static void changed_list_is_gone(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 1) : NULL;
	le32_t list[1024];
	struct dat_ns ns;
	unsigned i;

	if (!vf || !dat_ns(t, false, &ns))
		return;
	if (nvsr_get_log(vf, NVME_LOG_CHANGED_NS, NVME_NSID_ALL, false, list, sizeof(list)))
		SKIP(t, "VF 1 has no Changed Namespace List");
	if (!dat_attach(t, &ns, vf) || !dat_detach(t, &ns, vf))
		return;
	vf = after_toggle(t);
	if (!vf)
		return;
	MUST_OK(t, "log page 04h", nvsr_get_log(vf, NVME_LOG_CHANGED_NS, NVME_NSID_ALL, false, list, sizeof(list)));
	for (i = 0; i < 1024 && le32_get(list[i]); i++)
		CHECK(t, le32_get(list[i]) != ns.nsid, "no namespace that only the former tenant had", "NSID %u", ns.nsid);
	CHECK(t, i < 1024, "a list with an end", "1024 entries");
}

/* Where the former tenant's queues were is an address in somebody else's memory. */
static void queue_addresses_are_gone(struct nvsr_ctx *t)
{
	static const struct { unsigned off, len; const char *name; } regs[] = {
		{ NVME_REG_AQA, 4, "AQA" }, { NVME_REG_ASQ, 8, "ASQ" }, { NVME_REG_ACQ, 8, "ACQ" }, { NVME_REG_CC, 4, "CC" },
	};
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint64_t now;
	unsigned i;

	if (!vf)
		return;
	vf = nvsr_t_enable_vfs(t, 0) && nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf_bare(t, 1) : NULL;
	if (!vf)
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(regs); i++) {
		MUST_OK(t, regs[i].name, nvsr_reg_read(vf, regs[i].off, regs[i].len, &now));
		CHECK_EQ(t, iso_text("%s of VF 1 after VF Enable 1, 0, 1", regs[i].name), 0, now);
	}
}

static const struct nvsr_test tests[] = {
	{ .id = "queue-addresses-are-gone", .title = "after VF Enable 1, 0, 1 a VF tells no queue address of the former tenant",
	  .requirements = REQS("ISO-14"), .needs = ISO_NEED | NVSR_NEED(REG_READ),
	  .caught_by = DEFECTS("vf-regs-survive-vfe-toggle"), .run = queue_addresses_are_gone },
	{ .id = "error-log-is-gone", .title = "after VF Enable 1, 0, 1 the error log has no entry of the former tenant",
	  .requirements = REQS("ISO-14"), .needs = ISO_NEED, .caught_by = DEFECTS("error-log-survives-tenant"),
	  .run = error_log_is_gone },
	{ .id = "changed-list-is-gone",
	  .title = "after VF Enable 1, 0, 1 the Changed Namespace List has no namespace of the former tenant",
	  .requirements = REQS("ISO-14"), .needs = NEED | NVSR_NEED(IO), .caught_by = DEFECTS("changed-list-survives-tenant"),
	  .run = changed_list_is_gone },
};
const struct nvsr_group nvsr_isolation_tenant = NVSR_GROUP("isolation.tenant", tests);
