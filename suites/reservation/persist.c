// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.persist: what ends a reservation and what does not: resets, Offline, detach, power.  Base 2.0 8.19. */
#include "resv.h"

/* Set the Host Identifier again, which no reset keeps.  False after recording. */
static bool identify_again(struct rsv *r, unsigned i)
{
	int rc = rsv_set_host_id(r->h[i].dev, r->wide, r->h[i].id);

	if (rc)
		nvsr_test_broken(r->t, __FILE__, __LINE__, "Host Identifier of %s after a reset: %s", r->h[i].name,
				 nvsr_rc_text(rc));
	return !rc;
}

/* --- resets ---------------------------------------------------------------------------------------------------- */

/*
 * The holder's VF is reset.  The reservation stays; the VF has Host Identifier 0h and so is a stranger; with its
 * identifier it is the holder again.
 */
static void holder_is_reset(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ void *buf = NULL;
	struct rsv_status s;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_EA, 2))
		return;
	buf = calloc(1, r.block);
	PREPARE(t, name, buf ? nvsr_reset(r.h[0].dev, how) : -ENOMEM);
	if (!rsv_read(&r, t->pf, &s))
		return;
	CHECK_EQ(t, rsv_text("RTYPE after %s", name), NVME_RESV_EA, s.rtype);
	CHECK_STATUS(t, rsv_text("Read by another registrant after %s", name), NVME_SC_RESV_CONFLICT,
		     rsv_rw(&r, 1, false, 0, buf));
	CHECK_STATUS(t, rsv_text("Read by VF 1 with Host Identifier 0h after %s", name), NVME_SC_RESV_CONFLICT,
		     rsv_rw(&r, 0, false, 0, buf));
	if (!identify_again(&r, 0))
		return;
	rsv_check(&r, rsv_text("%s, then the Host Identifier again", name), 2, NVME_RESV_EA, 3, 1);
	CHECK_OK(t, "Read by the holder, with its Host Identifier again", rsv_rw(&r, 0, false, 0, buf));
}

static void holder_controller_reset(struct nvsr_ctx *t)
{
	holder_is_reset(t, NVSR_RESET_CTRL, "Controller Reset of VF 1");
}

static void holder_flr(struct nvsr_ctx *t)
{
	holder_is_reset(t, NVSR_RESET_FLR, "FLR of VF 1");
}

static void sibling_resets(struct nvsr_ctx *t)
{
	static const struct { enum nvsr_reset how; unsigned can; const char *name; } resets[] = {
		{ NVSR_RESET_CTRL, NVSR_CAN_CTRL_RESET, "Controller Reset of VF 2" },
		{ NVSR_RESET_FLR, NVSR_CAN_FLR, "FLR of VF 2" },
	};
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_EARO, 1))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(resets); i++) {
		if (!(nvsr_dev_can(r.h[1].dev) & resets[i].can))
			continue;
		PREPARE(t, resets[i].name, nvsr_reset(r.h[1].dev, resets[i].how));
		rsv_check(&r, rsv_text("after %s, which is no registrant", resets[i].name), 2, NVME_RESV_EARO, 1, 1);
	}
}

/* The PF holds; no VF is there that would go with its reset. */
static void pf_is_reset(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_status s;

	if (!RSV_START(t, &r, 0) || !rsv_scene(&r, NVME_RESV_EA, 1))
		return;
	PREPARE(t, name, nvsr_reset(t->pf, how));
	if (!rsv_read(&r, t->pf, &s))
		return;
	CHECK_EQ(t, rsv_text("RTYPE after %s", name), NVME_RESV_EA, s.rtype);
	if (identify_again(&r, 0))
		rsv_check(&r, rsv_text("%s, then the Host Identifier again", name), 0, NVME_RESV_EA, 1, 1);
}

static void pf_controller_reset(struct nvsr_ctx *t)
{
	pf_is_reset(t, NVSR_RESET_CTRL, "Controller Reset of the PF");
}

static void pf_flr(struct nvsr_ctx *t)
{
	pf_is_reset(t, NVSR_RESET_FLR, "FLR of the PF");
}

static void hot_reset(struct nvsr_ctx *t)
{
	pf_is_reset(t, NVSR_RESET_HOT, "a conventional reset");
}

static void nssr(struct nvsr_ctx *t)
{
	pf_is_reset(t, NVSR_RESET_NSSR, "NVM Subsystem Reset");
}

/*
 * The PF is reset while a VF holds.  That ends the VF's access, as it goes Offline or away, and not the reservation of its
 * host.
 */
static void pf_reset_beside_a_vf(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ void *buf = NULL;
	struct rsv_status s;

	if (!RSV_START(t, &r, 1, 0) || !rsv_scene(&r, NVME_RESV_EA, 1))
		return;
	buf = calloc(1, r.block);
	PREPARE(t, name, buf ? nvsr_reset(t->pf, how) : -ENOMEM);
	r.h[0].dev = NULL;
	if (rsv_read(&r, t->pf, &s))
		CHECK_EQ(t, rsv_text("RTYPE after %s", name), NVME_RESV_EA, s.rtype);
	CHECK_STATUS(t, rsv_text("Read on the PF after %s", name), NVME_SC_RESV_CONFLICT, rsv_rw(&r, 1, false, 0, buf));
}

static void pf_controller_reset_beside_a_vf(struct nvsr_ctx *t)
{
	pf_reset_beside_a_vf(t, NVSR_RESET_CTRL, "Controller Reset of the PF while VF 1 holds");
}

static void pf_flr_beside_a_vf(struct nvsr_ctx *t)
{
	pf_reset_beside_a_vf(t, NVSR_RESET_FLR, "FLR of the PF while VF 1 holds");
}

/* --- power ----------------------------------------------------------------------------------------------------- */

static void power_cycle(struct nvsr_ctx *t, bool ptpl)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_status s;
	struct rsv_host *h = r.h;
	uint32_t change = ptpl ? NVME_CPTPL_SET : NVME_CPTPL_CLEAR;

	if (!RSV_START(t, &r, 0))
		return;
	if (!(r.rescap & RSV_RESCAP_PTPL))
		change = 0;
	MUST_OK(t, "Register", rsv_register(h->dev, r.nsid, NVME_RREGA_REGISTER | change, 0, h->key));
	if (!rsv_hold(&r, 0, NVME_RESV_WE))
		return;
	PREPARE(t, "power cycle", nvsr_reset(t->pf, NVSR_RESET_POWER));
	if (!identify_again(&r, 0))
		return;
	rsv_check(&r, rsv_text("after a power cycle with PTPL = %u", ptpl), 0,
		  ptpl ? NVME_RESV_WE : NVME_RESV_NONE, ptpl, ptpl);
	if (!rsv_read(&r, h->dev, &s))
		return;
	CHECK_EQ(t, "PTPLS after a power cycle", ptpl, s.ptpls);
	if (!ptpl)
		CHECK_EQ(t, "GEN after a power cycle with PTPL = 0", 0, s.gen);
}

static void ptpl_survives_power_loss(struct nvsr_ctx *t)
{
	power_cycle(t, true);
}

static void power_loss_releases(struct nvsr_ctx *t)
{
	power_cycle(t, false);
}

/* --- feature 83h ----------------------------------------------------------------------------------------------- */

/* The same on every host: the state belongs to the namespace. */
static void expect_ptpl(struct rsv *r, const char *when, uint32_t nsid, unsigned want)
{
	struct nvsr_ctx *t = r->t;
	uint32_t dw0 = 0;
	struct rsv_status s;
	uint32_t keep = r->nsid;

	r->nsid = nsid;
	for (unsigned i = 0; i < r->n; i++) {
		const struct rsv_host *h = &r->h[i];

		if (CHECK_OK(t, rsv_text("%s: Get Features 83h on %s", when, h->name),
			     nvsr_get_feature(h->dev, NVME_FEAT_RESV_PERSIST, nsid, 0, NULL, 0, &dw0)))
			CHECK_EQ(t, rsv_text("%s: feature 83h bit 0 on %s", when, h->name), want, dw0 & 1);
		if (rsv_read(r, h->dev, &s))
			CHECK_EQ(t, rsv_text("%s: PTPLS on %s", when, h->name), want, s.ptpls);
	}
	r->nsid = keep;
}

static void ptpl_feature(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct nvsr_cmd save = { .opcode = NVME_ADMIN_SET_FEATURES, .cdw10 = 1u << 31 | NVME_FEAT_RESV_PERSIST, .cdw11 = 1 };

	if (!RSV_START(t, &r, 1, 0))
		return;
	expect_ptpl(&r, "on a new namespace", r.nsid, 0);
	MUST_OK(t, "Set Features 83h, PTPL = 1",
		nvsr_set_feature(r.h[0].dev, NVME_FEAT_RESV_PERSIST, r.nsid, 1, NULL, 0, NULL));
	expect_ptpl(&r, "after Set Features with PTPL = 1", r.nsid, 1);
	MUST_OK(t, "Register with CPTPL 10b",
		rsv_register(r.h[0].dev, r.nsid, NVME_RREGA_REGISTER | NVME_CPTPL_CLEAR, 0, r.h[0].key));
	expect_ptpl(&r, "after Register with CPTPL 10b", r.nsid, 0);
	save.nsid = r.nsid;
	CHECK_STATUS_IN(t, "Set Features 83h with Save = 1", nvsr_admin(r.h[0].dev, &save), NVME_SC_FEATURE_NOT_SAVEABLE,
			NVME_SC_INVALID_FIELD);
	expect_ptpl(&r, "after the refused Set Features", r.nsid, 0);
}

/* Broadcast reaches what is attached to the controller: only where that is nothing but the namespaces of this test. */
static void ptpl_broadcast(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	uint32_t second, third, list[3], dw0 = 0;
	unsigned n = 0;

	if (!RSV_START(t, &r, 1, 0))
		return;
	second = nvsr_t_ns(t, 1, true);
	third = second ? nvsr_t_ns(t, 1, true) : 0;
	if (!third)
		return;
	PREPARE(t, "attach a second namespace", nvsr_ns_attach(t->pf, second, r.h[0].cntlid));
	PREPARE(t, "attach it to the PF", nvsr_ns_attach(t->pf, second, r.h[1].cntlid));
	PREPARE(t, "attach a third namespace to the PF alone", nvsr_ns_attach(t->pf, third, r.h[1].cntlid));
	PREPARE(t, "namespaces of VF 1", nvsr_ns_list(r.h[0].dev, NVME_CNS_ACTIVE_NS, list, NVSR_ARRAY_SIZE(list), &n));
	if (n > 2)
		SKIP(t, "VF 1 has namespaces that are not of this test");
	CHECK_STATUS(t, "Get Features 83h with NSID FFFFFFFFh", NVME_SC_INVALID_FIELD,
		     nvsr_get_feature(r.h[0].dev, NVME_FEAT_RESV_PERSIST, NVME_NSID_ALL, 0, NULL, 0, &dw0));
	MUST_OK(t, "Set Features 83h with NSID FFFFFFFFh",
		nvsr_set_feature(r.h[0].dev, NVME_FEAT_RESV_PERSIST, NVME_NSID_ALL, 1, NULL, 0, NULL));
	expect_ptpl(&r, "after Set Features for all, on the first", r.nsid, 1);
	expect_ptpl(&r, "after Set Features for all, on the second", second, 1);
	MUST_OK(t, "Get Features 83h of a namespace that is not attached to VF 1, on the PF",
		nvsr_get_feature(t->pf, NVME_FEAT_RESV_PERSIST, third, 0, NULL, 0, &dw0));
	CHECK_EQ(t, "feature 83h bit 0 of that namespace after Set Features for all on VF 1", 0, dw0 & 1);
}

/* --- the function goes, the host's reservation stays ----------------------------------------------------------- */

static void detach(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_status s;

	if (!RSV_START(t, &r, 1, 0) || !rsv_scene(&r, NVME_RESV_EARO, 2))
		return;
	MUST_OK(t, "detach from the holder by a registrant", nvsr_ns_detach(t->pf, r.nsid, r.h[0].cntlid));
	if (rsv_read(&r, t->pf, &s))
		CHECK_EQ(t, "RTYPE while the namespace is detached from the holder", NVME_RESV_EARO, s.rtype);
	MUST_OK(t, "attach again by a registrant", nvsr_ns_attach(t->pf, r.nsid, r.h[0].cntlid));
	rsv_check(&r, "attached to the holder again", 1, NVME_RESV_EARO, 3, 1);
}

static void offline(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ void *buf = NULL;
	struct rsv_status s;

	if (!RSV_START(t, &r, 1, 0) || !rsv_scene(&r, NVME_RESV_EA, 2))
		return;
	buf = calloc(1, r.block);
	PREPARE(t, "VF 1 Offline", buf ? nvsr_virt_mgmt(t->pf, r.h[0].cntlid, 0, NVME_VIRT_OFFLINE, 0, NULL) : -ENOMEM);
	r.h[0].dev = NULL;
	if (rsv_read(&r, t->pf, &s))
		CHECK_EQ(t, "RTYPE while the holder's VF is Offline", NVME_RESV_EA, s.rtype);
	CHECK_STATUS(t, "Read by another registrant while the holder's VF is Offline", NVME_SC_RESV_CONFLICT,
		     rsv_rw(&r, 1, false, 0, buf));
}

static void vfs_disabled(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_status s;

	if (!RSV_START(t, &r, 1, 0) || !rsv_scene(&r, NVME_RESV_EA, 2))
		return;
	r.h[0].dev = NULL;
	if (!nvsr_t_enable_vfs(t, 0))
		return;
	if (rsv_read(&r, t->pf, &s))
		CHECK_EQ(t, "RTYPE after the VFs were disabled", NVME_RESV_EA, s.rtype);
}

/* The VF goes Offline, is reset, and comes Online for somebody else. */
static void new_tenant(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ void *buf = NULL;
	struct rsv_host *h = r.h;
	uint64_t id = UINT64_MAX;

	if (!RSV_START(t, &r, 1, 0) || !rsv_scene(&r, NVME_RESV_EARO, 1))
		return;
	buf = calloc(1, r.block);
	h->dev = buf ? nvsr_t_vf_with(t, 1, 2, 1) : NULL;
	if (!h->dev)
		return;
	MUST_OK(t, "Get Features 81h for the new tenant", rsv_get_host_id(h->dev, r.wide, &id));
	CHECK(t, !id, "the new tenant has Host Identifier 0h", "%llxh", (unsigned long long)id);
	CHECK_STATUS(t, "Read by the new tenant", NVME_SC_RESV_CONFLICT, rsv_rw(&r, 0, false, 0, buf));
	CHECK_STATUS(t, "Release by the new tenant with the former tenant's key", NVME_SC_RESV_CONFLICT,
		     rsv_release(h->dev, r.nsid, RSV_RTYPE(NVME_RESV_EARO), h->key));
}

#define CTRL  NVSR_NEED(CTRL_RESET)
#define FLR   NVSR_NEED(FLR)
#define POWER NVSR_NEED(POWER_CYCLE)
static const struct nvsr_test tests[] = {
	{ .id = "holder-controller-reset", .title = "a Controller Reset of the holder's VF leaves the reservation",
	  .requirements = REQS("RSV-31"), .needs = RSV_2VF | CTRL,
	  .caught_by = DEFECTS("resv-lost-on-any-reset", "resv-lost-on-ctrl-reset"), .run = holder_controller_reset },
	{ .id = "holder-flr", .title = "an FLR of the holder's VF leaves the reservation",
	  .requirements = REQS("RSV-31"), .needs = RSV_2VF | FLR,
	  .caught_by = DEFECTS("resv-lost-on-any-reset", "resv-lost-on-flr"), .run = holder_flr },
	{ .id = "sibling-resets", .title = "resets of another VF leave the reservation",
	  .requirements = REQS("RSV-31"), .needs = RSV_2VF | CTRL, .caught_by = DEFECTS("resv-lost-on-any-reset"),
	  .run = sibling_resets },
	{ .id = "pf-controller-reset", .title = "a Controller Reset of the PF leaves its reservation",
	  .requirements = REQS("RSV-31"), .needs = RSV_NEEDS | CTRL,
	  .caught_by = DEFECTS("resv-lost-on-any-reset", "resv-lost-on-ctrl-reset"), .run = pf_controller_reset },
	{ .id = "pf-flr", .title = "an FLR of the PF leaves its reservation", .requirements = REQS("RSV-31"),
	  .needs = RSV_NEEDS | FLR, .caught_by = DEFECTS("resv-lost-on-any-reset", "resv-lost-on-flr"),
	  .run = pf_flr },
	{ .id = "pf-controller-reset-beside-a-vf", .title = "a Controller Reset of the PF leaves the reservation of a VF",
	  .requirements = REQS("RSV-31"), .needs = RSV_VF | CTRL, .caught_by = DEFECTS("resv-lost-on-any-reset"),
	  .run = pf_controller_reset_beside_a_vf },
	{ .id = "pf-flr-beside-a-vf", .title = "an FLR of the PF leaves the reservation of a VF",
	  .requirements = REQS("RSV-31"), .needs = RSV_VF | FLR, .caught_by = DEFECTS("resv-lost-on-any-reset"),
	  .run = pf_flr_beside_a_vf },
	{ .id = "hot-reset", .title = "a conventional reset leaves the reservation", .requirements = REQS("RSV-31"),
	  .needs = RSV_NEEDS | NVSR_NEED(HOT_RESET),
	  .caught_by = DEFECTS("resv-lost-on-any-reset", "resv-lost-on-hot-reset"), .run = hot_reset },
	{ .id = "nssr", .title = "an NVM Subsystem Reset leaves the reservation", .requirements = REQS("RSV-31"),
	  .needs = RSV_NEEDS | NVSR_NEED(NSSR) | NVSR_NEED(REG_WRITE),
	  .caught_by = DEFECTS("resv-lost-on-any-reset", "resv-lost-on-nssr"), .run = nssr },
	{ .id = "ptpl-survives-power-loss",
	  .title = "with PTPL = 1 registration and reservation survive a power cycle", .requirements = REQS("RSV-32"),
	  .needs = RSV_NEEDS | NVSR_NEED(PTPL) | POWER,
	  .caught_by = DEFECTS("ptpl-lost-on-power", "ptpl-forgotten", "cptpl-ignored"),
	  .run = ptpl_survives_power_loss },
	{ .id = "power-loss-releases",
	  .title = "with PTPL = 0 a power cycle ends registration and reservation, and GEN is 0",
	  .requirements = REQS("RSV-28", "RSV-32"), .needs = RSV_NEEDS | POWER,
	  .caught_by = DEFECTS("gen-survives-power", "resv-survives-without-ptpl"), .run = power_loss_releases },
	{ .id = "ptpl-feature", .title = "feature 83h sets and shows Persist Through Power Loss and is not saveable",
	  .requirements = REQS("RSV-32", "RSV-33"), .needs = RSV_VF | NVSR_NEED(PTPL),
	  .caught_by = DEFECTS("cptpl-ignored", "ptpl-feature-ignored", "ptpl-per-controller", "report-hides-ptpl"),
	  .run = ptpl_feature },
	{ .id = "ptpl-broadcast", .title = "feature 83h is set, not read, with NSID FFFFFFFFh",
	  .requirements = REQS("RSV-33"), .needs = RSV_VF | NVSR_NEED(PTPL),
	  .caught_by = DEFECTS("ptpl-feature-ignored", "ptpl-per-controller", "set-all-beyond-attached",
			       "set-all-refused", "get-all-accepted"), .run = ptpl_broadcast },
	{ .id = "detach", .title = "detaching the namespace from the holder leaves the reservation",
	  .requirements = REQS("RSV-37"), .needs = RSV_VF, .caught_by = DEFECTS("resv-lost-on-detach"),
	  .run = detach },
	{ .id = "offline", .title = "the holder's VF going Offline leaves the reservation",
	  .requirements = REQS("RSV-37"), .needs = RSV_VF | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("resv-lost-on-offline"), .run = offline },
	{ .id = "vfs-disabled", .title = "disabling the VFs leaves the reservation of one", .requirements = REQS("RSV-37"),
	  .needs = RSV_VF, .caught_by = DEFECTS("resv-lost-on-any-reset"), .run = vfs_disabled },
	{ .id = "new-tenant", .title = "the next tenant of a VF is not the former one's host",
	  .requirements = REQS("RSV-38"), .needs = RSV_VF | NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("host-id-survives-reset"), .run = new_tenant },
};

const struct nvsr_group nvsr_reservation_persist = NVSR_GROUP("reservation.persist", tests);
