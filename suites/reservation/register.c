// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.register: becoming a registrant, another key, and leaving, Base 2.0 7.3. */
#include "resv.h"

#define OTHER_KEY 0xdeadbeef00c0ffeeull

static int reg(struct rsv *r, unsigned i, uint32_t cdw10, uint64_t crkey, uint64_t nrkey)
{
	return rsv_register(r->h[i].dev, r->nsid, cdw10, crkey, nrkey);
}

static void register_adds_a_registrant(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_check(&r, "on a new namespace", 2, NVME_RESV_NONE, 0, 0) || !rsv_join(&r, 0))
		return;
	rsv_check(&r, "after VF 1 registered", 2, NVME_RESV_NONE, 1, 0);
	if (rsv_join(&r, 1) && rsv_join(&r, 2))
		rsv_check(&r, "after all registered", 1, NVME_RESV_NONE, 7, 0);
}

static void register_again(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	CHECK_OK(t, "Register again with the same key", reg(&r, 0, NVME_RREGA_REGISTER, 0, r.h[0].key));
	CHECK_STATUS(t, "Register again with another key", NVME_SC_RESV_CONFLICT,
		     reg(&r, 0, NVME_RREGA_REGISTER, 0, OTHER_KEY));
	CHECK_STATUS(t, "Register again with another key and IEKEY = 1, which RREGA 0 ignores", NVME_SC_RESV_CONFLICT,
		     reg(&r, 0, NVME_RREGA_REGISTER | NVME_RESV_IEKEY, 0, OTHER_KEY));
	rsv_check(&r, "after the attempts", 1, NVME_RESV_NONE, 1, 0);
}

static void register_ignores_iekey(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0))
		return;
	CHECK_OK(t, "Register with IEKEY = 1 and any CRKEY",
		 reg(&r, 0, NVME_RREGA_REGISTER | NVME_RESV_IEKEY, OTHER_KEY, r.h[0].key));
	rsv_check(&r, "after Register with IEKEY = 1", 1, NVME_RESV_NONE, 1, 0);
}

static void replace(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	uint64_t key;

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	key = r.h[0].key;
	CHECK_STATUS(t, "Replace by a host that is no registrant", NVME_SC_RESV_CONFLICT,
		     reg(&r, 0, NVME_RREGA_REPLACE, key, OTHER_KEY));
	if (!rsv_check(&r, "after Replace by a non-registrant", 1, NVME_RESV_NONE, 0, 0) || !rsv_join(&r, 0) ||
	    !rsv_join(&r, 1))
		return;
	CHECK_STATUS(t, "Replace with a wrong CRKEY", NVME_SC_RESV_CONFLICT,
		     reg(&r, 0, NVME_RREGA_REPLACE, key + 1, OTHER_KEY));
	rsv_check(&r, "after Replace with a wrong CRKEY", 1, NVME_RESV_NONE, 3, 0);
	MUST_OK(t, "Replace with the right CRKEY", reg(&r, 0, NVME_RREGA_REPLACE, key, OTHER_KEY));
	r.h[0].key = OTHER_KEY;
	rsv_check(&r, "after Replace", 1, NVME_RESV_NONE, 3, 0);
	CHECK_STATUS(t, "Acquire with the former key", NVME_SC_RESV_CONFLICT,
		     rsv_acquire(r.h[0].dev, r.nsid, RSV_RTYPE(NVME_RESV_WE), key, 0));
}

static void replace_with_iekey(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	MUST_OK(t, "Replace with a wrong CRKEY and IEKEY = 1",
		reg(&r, 0, NVME_RREGA_REPLACE | NVME_RESV_IEKEY, r.h[0].key + 1, OTHER_KEY));
	r.h[0].key = OTHER_KEY;
	rsv_check(&r, "after Replace with IEKEY = 1", 1, NVME_RESV_NONE, 1, 0);
}

static void replace_keeps_the_reservation(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0))
		return;
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		uint64_t key = r.h[0].key;

		if (!rsv_has(&r, type))
			continue;
		if (!rsv_scene(&r, type, 1))
			return;
		MUST_OK(t, "Replace by the holder", reg(&r, 0, NVME_RREGA_REPLACE, key, key ^ 0xff));
		r.h[0].key ^= 0xff;
		if (!rsv_check(&r, "after Replace by the holder", 1, type, 1, 1) || !rsv_clear(&r, 0))
			return;
	}
}

static void unregister(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	uint64_t key;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 1))
		return;
	key = r.h[0].key;
	CHECK_STATUS(t, "Unregister by a host that is no registrant", NVME_SC_RESV_CONFLICT,
		     reg(&r, 0, NVME_RREGA_UNREGISTER, r.h[1].key, 0));
	if (!rsv_check(&r, "after Unregister by a non-registrant", 2, NVME_RESV_NONE, 2, 0) || !rsv_join(&r, 0))
		return;
	CHECK_STATUS(t, "Unregister with a wrong CRKEY", NVME_SC_RESV_CONFLICT,
		     reg(&r, 0, NVME_RREGA_UNREGISTER, key + 1, 0));
	rsv_check(&r, "after Unregister with a wrong CRKEY", 2, NVME_RESV_NONE, 3, 0);
	MUST_OK(t, "Unregister with the right CRKEY", reg(&r, 0, NVME_RREGA_UNREGISTER, key, 0));
	rsv_check(&r, "after Unregister", 2, NVME_RESV_NONE, 2, 0);
}

static void unregister_with_iekey(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	MUST_OK(t, "Unregister with a wrong CRKEY and IEKEY = 1",
		reg(&r, 0, NVME_RREGA_UNREGISTER | NVME_RESV_IEKEY, r.h[0].key + 1, 0));
	rsv_check(&r, "after Unregister with IEKEY = 1", 1, NVME_RESV_NONE, 0, 0);
}

/* The holder leaves: with one holder the reservation ends, with All Registrants it ends with the last of them. */
static void holder_leaves(struct rsv *r, unsigned type)
{
	bool all = rsv_all_registrants(type);

	if (!rsv_scene(r, type, 2) || !rsv_leave(r, 0))
		return;
	rsv_check(r, rsv_text("%s, after the host that acquired it unregistered", rsv_type_name(type)), 2,
		  all ? type : NVME_RESV_NONE, 2, all ? 2 : 0);
	if (rsv_leave(r, 1))
		rsv_check(r, rsv_text("%s, after the last registrant left", rsv_type_name(type)), 2, NVME_RESV_NONE, 0, 0);
}

static void for_types(struct nvsr_ctx *t, bool all_registrants, void (*body)(struct rsv *r, unsigned type))
{
	_cleanup_rsv_ struct rsv r = { 0 };
	unsigned tried = 0;

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		if (!rsv_has(&r, type) || rsv_all_registrants(type) != all_registrants)
			continue;
		body(&r, type);
		tried++;
	}
	if (!tried)
		SKIP(t, "RESCAP %02xh has no such type", r.rescap);
}

static void unregistering_holder_releases(struct nvsr_ctx *t)
{
	for_types(t, false, holder_leaves);
}

static void last_of_all_registrants_releases(struct nvsr_ctx *t)
{
	for_types(t, true, holder_leaves);
}

/* --- hosts with two controllers -------------------------------------------------------------------------------- */

/* VF 1 and VF 2 belong to one host, the PF to another. */
static bool start_pair(struct nvsr_ctx *t, struct rsv *r)
{
	int rc;

	if (!RSV_START(t, r, 1, 2, 0))
		return false;
	r->h[1].id = r->h[0].id;
	r->h[1].key = r->h[0].key;
	rc = nvsr_reset(r->h[1].dev, NVSR_RESET_CTRL);
	if (!rc)
		rc = rsv_set_host_id(r->h[1].dev, r->wide, r->h[1].id);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "the Host Identifier of VF 1 on VF 2: %s", nvsr_rc_text(rc));
	return !rc;
}

static void registration_is_per_host(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!start_pair(t, &r) || !rsv_join(&r, 0) || !rsv_check(&r, "after VF 1 registered", 2, NVME_RESV_NONE, 3, 0))
		return;
	if (!rsv_hold(&r, 1, NVME_RESV_WE) ||
	    !rsv_check(&r, "after VF 2 acquired with the key of its host", 2, NVME_RESV_WE, 3, 3))
		return;
	if (rsv_leave(&r, 1))
		rsv_check(&r, "after VF 2 unregistered its host", 2, NVME_RESV_NONE, 0, 0);
}

static void both_controllers_hold(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ void *buf = NULL;

	if (!start_pair(t, &r) || !rsv_scene(&r, NVME_RESV_EA, 1))
		return;
	buf = calloc(1, r.block);
	if (!buf)
		BROKEN(t, "no memory");
	CHECK_OK(t, "Write on VF 2, whose host holds by VF 1", rsv_rw(&r, 1, true, 0, buf));
	CHECK_OK(t, "Read on VF 2, whose host holds by VF 1", rsv_rw(&r, 1, false, 0, buf));
	CHECK_STATUS(t, "Read on the PF, another host", NVME_SC_RESV_CONFLICT, rsv_rw(&r, 2, false, 0, buf));
}

/* --- CDW10 ----------------------------------------------------------------------------------------------------- */

static void reserved_actions(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	for (unsigned rrega = 3; rrega < 8; rrega++)
		CHECK_STATUS(t, rsv_text("RREGA %u, reserved", rrega), NVME_SC_INVALID_FIELD,
			     reg(&r, 0, rrega, r.h[0].key, OTHER_KEY));
	rsv_check(&r, "after reserved actions", 1, NVME_RESV_NONE, 1, 0);
}

static void cptpl(struct nvsr_ctx *t)
{
	static const struct { uint32_t bits; unsigned want; const char *what; } steps[] = {
		{ NVME_CPTPL_SET, 1, "CPTPL 11b" }, { 0, 1, "CPTPL 00b after 11b" }, { NVME_CPTPL_CLEAR, 0, "CPTPL 10b" },
		{ 0, 0, "CPTPL 00b after 10b" },
	};
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_status s;

	if (!RSV_START(t, &r, 1, 0))
		return;
	if (!(r.rescap & RSV_RESCAP_PTPL))
		SKIP(t, "Persist Through Power Loss is not supported (RESCAP %02xh)", r.rescap);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(steps); i++) {
		MUST_OK(t, rsv_text("Register with %s", steps[i].what),
			reg(&r, 0, NVME_RREGA_REGISTER | steps[i].bits, 0, r.h[0].key));
		if (rsv_read(&r, r.h[1].dev, &s))
			CHECK_EQ(t, rsv_text("PTPLS after %s", steps[i].what), steps[i].want, s.ptpls);
	}
}

static const struct nvsr_test tests[] = {
	{ .id = "register-adds-a-registrant", .title = "Register makes the host, and no other, a registrant",
	  .requirements = REQS("RSV-08", "RSV-09"), .needs = RSV_2VF, .caught_by = DEFECTS("host-id-shared"),
	  .run = register_adds_a_registrant },
	{ .id = "register-again", .title = "a registrant may register its key again and no other key",
	  .requirements = REQS("RSV-09"), .needs = RSV_VF, .caught_by = DEFECTS("register-again-replaces"),
	  .run = register_again },
	{ .id = "register-ignores-iekey", .title = "RREGA 0 ignores IEKEY and CRKEY", .requirements = REQS("RSV-09"),
	  .needs = RSV_VF, .caught_by = DEFECTS("register-refuses-iekey"), .run = register_ignores_iekey },
	{ .id = "replace", .title = "a registrant replaces its key with the right CRKEY only",
	  .requirements = REQS("RSV-10"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("register-any-key", "replace-keeps-key", "replace-registers"), .run = replace },
	{ .id = "replace-with-iekey", .title = "IEKEY = 1 replaces the key whatever CRKEY is",
	  .requirements = REQS("RSV-10"), .needs = RSV_VF, .caught_by = DEFECTS("iekey-ignored", "replace-keeps-key"),
	  .run = replace_with_iekey },
	{ .id = "replace-keeps-the-reservation", .title = "the holder keeps its reservation under another key",
	  .requirements = REQS("RSV-10"), .needs = RSV_VF, .caught_by = DEFECTS("replace-keeps-key"),
	  .run = replace_keeps_the_reservation },
	{ .id = "unregister", .title = "a registrant unregisters with the right CRKEY only",
	  .requirements = REQS("RSV-11"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("register-any-key", "unregister-stranger-succeeds"), .run = unregister },
	{ .id = "unregister-with-iekey", .title = "IEKEY = 1 unregisters whatever CRKEY is",
	  .requirements = REQS("RSV-11"), .needs = RSV_VF, .caught_by = DEFECTS("iekey-ignored"),
	  .run = unregister_with_iekey },
	{ .id = "unregistering-holder-releases",
	  .title = "a reservation with one holder ends when the holder unregisters", .requirements = REQS("RSV-11"),
	  .needs = RSV_2VF, .caught_by = DEFECTS("unregister-keeps-reservation"),
	  .run = unregistering_holder_releases },
	{ .id = "last-of-all-registrants-releases",
	  .title = "an All Registrants reservation ends when the last registrant unregisters",
	  .requirements = REQS("RSV-11"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("unregister-keeps-reservation", "unregister-releases-all-registrants"),
	  .run = last_of_all_registrants_releases },
	{ .id = "registration-is-per-host", .title = "one Register makes every controller of the host a registrant",
	  .requirements = REQS("RSV-12"), .needs = RSV_2VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("report-misses-controller", "unregister-keeps-reservation"),
	  .run = registration_is_per_host },
	{ .id = "both-controllers-hold", .title = "every controller of the holding host has access",
	  .requirements = REQS("RSV-12", "RSV-29"), .needs = RSV_2VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("ea-allows-read", "holder-blocked"), .run = both_controllers_hold },
	{ .id = "reserved-actions", .title = "reserved values of RREGA change nothing",
	  .requirements = REQS("RSV-08"), .needs = RSV_VF, .caught_by = DEFECTS("resv-reserved-action"),
	  .run = reserved_actions },
	{ .id = "cptpl", .title = "CPTPL sets, clears and keeps Persist Through Power Loss",
	  .requirements = REQS("RSV-08"), .needs = RSV_VF, .caught_by = DEFECTS("cptpl-ignored"), .run = cptpl },
};

const struct nvsr_group nvsr_reservation_register = NVSR_GROUP("reservation.register", tests);
