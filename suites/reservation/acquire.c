// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.acquire: becoming the holder, Base 2.0 7.2 action 0. */
#include "resv.h"

static int acquire(struct rsv *r, unsigned i, uint32_t cdw10, uint64_t crkey)
{
	return rsv_acquire(r->h[i].dev, r->nsid, NVME_RACQA_ACQUIRE | cdw10, crkey, 0);
}

static void every_type(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		if (!rsv_has(&r, type)) {
			if (!rsv_join(&r, 0))
				return;
			CHECK_STATUS(t, rsv_text("Acquire of %s without its RESCAP bit", rsv_type_name(type)),
				     NVME_SC_INVALID_FIELD, acquire(&r, 0, RSV_RTYPE(type), r.h[0].key));
		} else if (rsv_scene(&r, type, 2)) {
			rsv_check(&r, "after Acquire by VF 1", 2, type, 3, rsv_all_registrants(type) ? 3 : 1);
		}
		if (!rsv_clear(&r, 0))
			return;
	}
}

static void pf_and_vf_hold(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 0, 1) || !rsv_scene(&r, NVME_RESV_WE, 2) ||
	    !rsv_check(&r, "after Acquire by the PF", 1, NVME_RESV_WE, 3, 1) || !rsv_clear(&r, 1))
		return;
	if (rsv_join(&r, 1) && rsv_hold(&r, 1, NVME_RESV_WE))
		rsv_check(&r, "after Acquire by the VF", 0, NVME_RESV_WE, 2, 2);
}

static void reserved_types(struct nvsr_ctx *t)
{
	static const unsigned types[] = { 0, 7, 8, 0x80, 0xff };
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(types); i++)
		CHECK_STATUS(t, rsv_text("Acquire with RTYPE %02xh, reserved", types[i]), NVME_SC_INVALID_FIELD,
			     acquire(&r, 0, RSV_RTYPE(types[i]), r.h[0].key));
	rsv_check(&r, "after reserved types", 1, NVME_RESV_NONE, 1, 0);
}

static void iekey_is_refused(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	CHECK_STATUS(t, "Acquire with IEKEY = 1", NVME_SC_INVALID_FIELD,
		     acquire(&r, 0, NVME_RESV_IEKEY | RSV_RTYPE(NVME_RESV_WE), r.h[0].key));
	rsv_check(&r, "after Acquire with IEKEY = 1", 1, NVME_RESV_NONE, 1, 0);
}

static void reserved_actions(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	for (unsigned racqa = 3; racqa < 8; racqa++)
		CHECK_STATUS(t, rsv_text("RACQA %u, reserved", racqa), NVME_SC_INVALID_FIELD,
			     rsv_acquire(r.h[0].dev, r.nsid, racqa | RSV_RTYPE(NVME_RESV_WE), r.h[0].key, r.h[0].key));
	rsv_check(&r, "after reserved actions", 1, NVME_RESV_NONE, 1, 0);
}

static void registrants_with_their_key_only(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0))
		return;
	CHECK_STATUS(t, "Acquire with a wrong CRKEY", NVME_SC_RESV_CONFLICT,
		     acquire(&r, 0, RSV_RTYPE(NVME_RESV_WE), r.h[0].key + 1));
	CHECK_STATUS(t, "Acquire by a host that is no registrant, with the key of one", NVME_SC_RESV_CONFLICT,
		     acquire(&r, 1, RSV_RTYPE(NVME_RESV_WE), r.h[0].key));
	rsv_check(&r, "after the attempts", 2, NVME_RESV_NONE, 1, 0);
}

/* Held with one holder: nobody else gets it, and the holder gets no other type. */
static void one_holder(struct rsv *r, unsigned type)
{
	struct nvsr_ctx *t = r->t;

	if (!rsv_scene(r, type, 2))
		return;
	for (unsigned other = NVME_RESV_WE; other < RSV_TYPES; other++) {
		if (!rsv_has(r, other))
			continue;
		CHECK_STATUS(t, rsv_text("%s is held: another registrant acquires %s", rsv_type_name(type),
					 rsv_type_name(other)),
			     NVME_SC_RESV_CONFLICT, acquire(r, 1, RSV_RTYPE(other), r->h[1].key));
		CHECK_STATUS(t, rsv_text("%s is held: its holder acquires %s", rsv_type_name(type), rsv_type_name(other)),
			     other == type ? NVME_SC_SUCCESS : NVME_SC_RESV_CONFLICT,
			     acquire(r, 0, RSV_RTYPE(other), r->h[0].key));
	}
	rsv_check(r, "after the attempts", 2, type, 3, 1);
}

static void while_it_is_held(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned type = NVME_RESV_WE; type <= NVME_RESV_EARO; type++) {
		if (!rsv_has(&r, type))
			continue;
		one_holder(&r, type);
		if (!rsv_clear(&r, 0))
			return;
	}
}

/* With All Registrants, whoever registers later holds too. */
static void all_registrants_hold(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	unsigned tried = 0;

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned type = NVME_RESV_WEAR; type <= NVME_RESV_EAAR; type++) {
		if (!rsv_has(&r, type))
			continue;
		tried++;
		if (!rsv_scene(&r, type, 1) || !rsv_join(&r, 1) ||
		    !rsv_check(&r, "after VF 2 registered", 2, type, 3, 3))
			return;
		CHECK_OK(t, "the other registrant acquires the same type", acquire(&r, 1, RSV_RTYPE(type), r.h[1].key));
		CHECK_STATUS(t, "the other registrant acquires another type", NVME_SC_RESV_CONFLICT,
			     acquire(&r, 1, RSV_RTYPE(NVME_RESV_WE), r.h[1].key));
		if (!rsv_check(&r, "after Acquire by VF 2", 2, type, 3, 3) || !rsv_clear(&r, 1))
			return;
	}
	if (!tried)
		SKIP(t, "RESCAP %02xh has no All Registrants type", r.rescap);
}

static const struct nvsr_test tests[] = {
	{ .id = "every-type", .title = "each type of RESCAP can be acquired, and no other",
	  .requirements = REQS("RSV-13", "RSV-14"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("rescap-differs", "report-hides-type"), .run = every_type },
	{ .id = "pf-and-vf-hold", .title = "the PF sees what a VF acquired, and a VF what the PF acquired",
	  .requirements = REQS("RSV-13"), .needs = RSV_VF,
	  .caught_by = DEFECTS("report-hides-type", "report-hides-holder"), .run = pf_and_vf_hold },
	{ .id = "reserved-types", .title = "reserved values of RTYPE are refused", .requirements = REQS("RSV-14"),
	  .needs = RSV_VF, .caught_by = DEFECTS("resv-any-type"), .run = reserved_types },
	{ .id = "iekey-is-refused", .title = "IEKEY = 1 is refused", .requirements = REQS("RSV-13"), .needs = RSV_VF,
	  .caught_by = DEFECTS("acquire-iekey-accepted"), .run = iekey_is_refused },
	{ .id = "reserved-actions", .title = "reserved values of RACQA are refused", .requirements = REQS("RSV-13"),
	  .needs = RSV_VF, .caught_by = DEFECTS("resv-reserved-action"), .run = reserved_actions },
	{ .id = "registrants-with-their-key-only", .title = "only a registrant with its own key acquires",
	  .requirements = REQS("RSV-15"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("acquire-any-key", "acquire-without-registration"),
	  .run = registrants_with_their_key_only },
	{ .id = "while-it-is-held",
	  .title = "a held reservation is not acquired by others; the holder may repeat, not change, its type",
	  .requirements = REQS("RSV-15", "RSV-29"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("acquire-again-refused", "acquire-changes-type", "acquire-steals"),
	  .run = while_it_is_held },
	{ .id = "all-registrants-hold", .title = "every registrant holds an All Registrants reservation",
	  .requirements = REQS("RSV-15"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("acquire-again-refused", "acquire-changes-type", "acquire-steals",
			       "all-registrants-one-holder"), .run = all_registrants_hold },
};

const struct nvsr_group nvsr_reservation_acquire = NVSR_GROUP("reservation.acquire", tests);
