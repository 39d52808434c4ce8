// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.report: the Reservation Status data structure, Base 2.0 7.5. */
#include "resv.h"

/* Host 0 holds, host 1 is a registrant, host 2 is not; each reads the same. */
static void everyone_reads_the_same(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned i = 0; i < r.n; i++)
		rsv_check(&r, rsv_text("without registrants, on %s", r.h[i].name), i, NVME_RESV_NONE, 0, 0);
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		if (!rsv_has(&r, type))
			continue;
		if (!rsv_scene(&r, type, 2))
			return;
		for (unsigned i = 0; i < r.n; i++)
			rsv_check(&r, rsv_text("%s, on %s", rsv_type_name(type), r.h[i].name), i, type, 3,
				  rsv_all_registrants(type) ? 3 : 1);
		if (!rsv_clear(&r, 0))
			return;
	}
}

static void check_entries(struct nvsr_ctx *t, struct rsv *r)
{
	struct rsv_status s;

	if (!rsv_read(r, r->h[2].dev, &s))
		return;
	for (unsigned i = 0; i < 2; i++) {
		const struct rsv_entry *e = rsv_entry(&s, r->h[i].cntlid);

		if (!CHECK(t, e, "an entry for every controller of a registrant", "none for %s", r->h[i].name))
			continue;
		CHECK(t, e->id == r->h[i].id && !e->id_high, "HOSTID is the Host Identifier of the controller",
		      "%llxh for %s, which has %llxh", (unsigned long long)e->id, r->h[i].name,
		      (unsigned long long)r->h[i].id);
		CHECK(t, e->key == r->h[i].key, "RKEY is the registered key", "%llxh for %s, which registered %llxh",
		      (unsigned long long)e->key, r->h[i].name, (unsigned long long)r->h[i].key);
	}
}

static void registered_controllers(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (RSV_START(t, &r, 1, 2, 0) && rsv_scene(&r, NVME_RESV_WE, 2))
		check_entries(t, &r);
}

/* --- the extended structure ------------------------------------------------------------------------------------ */

static void format_follows_the_ids(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	uint8_t raw[64];

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	CHECK_STATUS(t, rsv_text("EDS = %u with Host Identifiers of %u bits", !r.wide, r.wide ? 128 : 64),
		     NVME_SC_HOSTID_FORMAT, rsv_report(r.h[0].dev, r.nsid, !r.wide, raw, sizeof(raw)));
}

static void extended_entries(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { .wide = true };
	uint8_t raw[64];

	if (!(le32_get(t->inv->id.ctratt) & RSV_CTRATT_HOSTID128))
		SKIP(t, "128-bit Host Identifiers are not supported (CTRATT bit 0)");
	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WERO, 2))
		return;
	check_entries(t, &r);
	rsv_check(&r, "with 128-bit Host Identifiers", 2, NVME_RESV_WERO, 3, 1);
	CHECK_STATUS(t, "EDS = 0 with Host Identifiers of 128 bits", NVME_SC_HOSTID_FORMAT,
		     rsv_report(r.h[0].dev, r.nsid, false, raw, sizeof(raw)));
}

/* --- lengths and ids ------------------------------------------------------------------------------------------- */

/* NUMD ends the transfer; what comes is the beginning of the whole structure. */
static void numd_ends_the_data(struct nvsr_ctx *t)
{
	static const uint32_t lengths[] = { 4, 8, 24, 28, 64, 68 };
	_cleanup_rsv_ struct rsv r = { 0 };
	uint8_t whole[256], part[256];

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WE, 2))
		return;
	MUST_OK(t, "Report of 256 bytes", rsv_report(r.h[2].dev, r.nsid, r.wide, whole, sizeof(whole)));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(lengths); i++) {
		uint32_t len = lengths[i];

		memset(part, 0xa5, sizeof(part));
		if (!CHECK_OK(t, rsv_text("Report of %u bytes", len), rsv_report(r.h[2].dev, r.nsid, r.wide, part, len)))
			continue;
		CHECK(t, !memcmp(part, whole, len), "a short Report is the beginning of a long one", "%u bytes differ", len);
	}
}

static void vfs_have_their_ids(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_status s;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WE, 3) || !rsv_read(&r, t->pf, &s))
		return;
	CHECK(t, !rsv_entry(&s, 0xffff), "no controller has CNTLID FFFFh, which is for dynamic controllers",
	      "an entry of %u has it", s.n);
	CHECK(t, rsv_entry(&s, nvsr_t_pcid(t)), "the PF has its CNTLID", "no entry has %u", nvsr_t_pcid(t));
	for (unsigned i = 0; i < 2; i++) {
		const struct nvme_secondary_ctrl *sec = nvsr_inventory_vf(t->inv, r.h[i].vfn);

		if (sec)
			CHECK(t, rsv_entry(&s, le16_get(sec->scid)), "a VF has the SCID that CNS 15h tells",
			      "%s: no entry has %u", r.h[i].name, le16_get(sec->scid));
	}
}

/* --- GEN ------------------------------------------------------------------------------------------------------- */

#define GEN_STEP(r, gen, up, what, expected, call) do { \
	if (!CHECK_STATUS((r)->t, what, expected, call) || !gen_moved(r, gen, up, what)) \
		return; \
} while (0)

static bool gen_moved(struct rsv *r, uint32_t *gen, unsigned up, const char *what)
{
	uint32_t now = rsv_gen(r, 2), before = *gen;

	*gen = now;
	return CHECK(r->t, now == before + up, up ? "GEN counts it" : "GEN does not count it", "%s: %u, before %u", what, now,
		     before);
}

static void gen_counts_registrations(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_host *a = &r.h[0], *b = &r.h[1];
	uint32_t gen;

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	gen = rsv_gen(&r, 2);
	GEN_STEP(&r, &gen, 1, "Register", 0, rsv_register(a->dev, r.nsid, NVME_RREGA_REGISTER, 0, a->key));
	GEN_STEP(&r, &gen, 1, "Register of a second host", 0, rsv_register(b->dev, r.nsid, NVME_RREGA_REGISTER, 0, b->key));
	GEN_STEP(&r, &gen, 1, "Replace", 0, rsv_register(a->dev, r.nsid, NVME_RREGA_REPLACE, a->key, a->key + 1));
	GEN_STEP(&r, &gen, 0, "Register that fails", NVME_SC_RESV_CONFLICT,
		 rsv_register(a->dev, r.nsid, NVME_RREGA_REPLACE, a->key, a->key));
	a->key++;
	GEN_STEP(&r, &gen, 1, "Unregister", 0, rsv_register(b->dev, r.nsid, NVME_RREGA_UNREGISTER, b->key, 0));
	GEN_STEP(&r, &gen, 1, "Clear", 0, rsv_release(a->dev, r.nsid, NVME_RRELA_CLEAR, a->key));
}

static void gen_ignores_acquire_and_release(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_host *a = &r.h[0], *b = &r.h[1];
	uint32_t gen;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0) || !rsv_join(&r, 1))
		return;
	gen = rsv_gen(&r, 2);
	GEN_STEP(&r, &gen, 0, "Report", 0, 0);
	GEN_STEP(&r, &gen, 0, "Acquire", 0, rsv_acquire(a->dev, r.nsid, RSV_RTYPE(NVME_RESV_WE), a->key, 0));
	GEN_STEP(&r, &gen, 0, "Acquire that fails", NVME_SC_RESV_CONFLICT,
		 rsv_acquire(b->dev, r.nsid, RSV_RTYPE(NVME_RESV_WE), b->key, 0));
	GEN_STEP(&r, &gen, 0, "Release", 0, rsv_release(a->dev, r.nsid, RSV_RTYPE(NVME_RESV_WE), a->key));
	GEN_STEP(&r, &gen, 0, "Clear that fails", NVME_SC_RESV_CONFLICT, rsv_release(a->dev, r.nsid, NVME_RRELA_CLEAR, b->key));
}

static void gen_counts_preempt(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_host *a = &r.h[0], *b = &r.h[1];
	uint32_t gen;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WE, 2))
		return;
	gen = rsv_gen(&r, 2);
	GEN_STEP(&r, &gen, 0, "preempt that fails", NVME_SC_RESV_CONFLICT,
		 rsv_acquire(b->dev, r.nsid, NVME_RACQA_PREEMPT | RSV_RTYPE(NVME_RESV_WE), a->key, a->key));
	GEN_STEP(&r, &gen, 1, "preempt", 0,
		 rsv_acquire(b->dev, r.nsid, NVME_RACQA_PREEMPT | RSV_RTYPE(NVME_RESV_WE), b->key, a->key));
	GEN_STEP(&r, &gen, 1, "Register", 0, rsv_register(a->dev, r.nsid, NVME_RREGA_REGISTER, 0, a->key));
	GEN_STEP(&r, &gen, 1, "preempt and abort", 0,
		 rsv_acquire(a->dev, r.nsid, NVME_RACQA_PREEMPT_ABORT | RSV_RTYPE(NVME_RESV_WE), a->key, b->key));
}

static const struct nvsr_test tests[] = {
	{ .id = "everyone-reads-the-same",
	  .title = "holder, registrant and other hosts read the same Report for every type",
	  .requirements = REQS("RSV-24", "RSV-25", "RSV-29"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("report-needs-registration", "report-hides-type", "report-hides-holder",
			       "all-registrants-one-holder"), .run = everyone_reads_the_same },
	{ .id = "registered-controllers", .title = "entries carry Host Identifier and key of their controller",
	  .requirements = REQS("RSV-25"), .needs = RSV_2VF, .caught_by = DEFECTS("report-hides-hostid"),
	  .run = registered_controllers },
	{ .id = "format-follows-the-ids", .title = "EDS must match the size of the Host Identifiers",
	  .requirements = REQS("RSV-26"), .needs = RSV_VF, .caught_by = DEFECTS("report-any-size"),
	  .run = format_follows_the_ids },
	{ .id = "extended-entries", .title = "the extended structure has 128-bit Host Identifiers",
	  .requirements = REQS("RSV-26"), .needs = RSV_2VF, .caught_by = DEFECTS("report-any-size"),
	  .run = extended_entries },
	{ .id = "numd-ends-the-data", .title = "a short Report is the beginning of the whole structure",
	  .requirements = REQS("RSV-24"), .needs = RSV_2VF, .caught_by = DEFECTS("report-whole-entries-only"),
	  .run = numd_ends_the_data },
	{ .id = "vfs-have-their-ids", .title = "a VF appears with the SCID of CNS 15h",
	  .requirements = REQS("RSV-27"), .needs = RSV_2VF, .caught_by = DEFECTS("report-dynamic-cntlid"),
	  .run = vfs_have_their_ids },
	{ .id = "gen-counts-registrations", .title = "GEN counts each Register and Clear that succeeds",
	  .requirements = REQS("RSV-28"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("gen-not-on-register", "gen-not-on-clear"), .run = gen_counts_registrations },
	{ .id = "gen-ignores-acquire-and-release",
	  .title = "GEN does not count Acquire, Release, Report and failures", .requirements = REQS("RSV-28"),
	  .needs = RSV_2VF, .caught_by = DEFECTS("gen-on-acquire", "gen-on-release"),
	  .run = gen_ignores_acquire_and_release },
	{ .id = "gen-counts-preempt", .title = "GEN counts each preempt that succeeds",
	  .requirements = REQS("RSV-28"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("gen-not-on-register", "gen-not-on-preempt"), .run = gen_counts_preempt },
};

const struct nvsr_group nvsr_reservation_report = NVSR_GROUP("reservation.report", tests);
