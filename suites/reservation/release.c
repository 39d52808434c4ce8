// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.release: giving a reservation back, and clearing everything, Base 2.0 7.4. */
#include "resv.h"

static int release(struct rsv *r, unsigned i, uint32_t cdw10, uint64_t crkey)
{
	return rsv_release(r->h[i].dev, r->nsid, cdw10, crkey);
}

/* Host 0 holds each type in turn, host 1 is a registrant, host 2 is not. */
static void for_types(struct nvsr_ctx *t, void (*body)(struct rsv *r, unsigned type))
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		if (!rsv_has(&r, type))
			continue;
		if (!rsv_scene(&r, type, 2))
			return;
		body(&r, type);
		if (!rsv_clear(&r, 1))
			return;
	}
}

static unsigned holders_of(unsigned type)
{
	return rsv_all_registrants(type) ? 3 : 1;
}

static void release_type(struct rsv *r, unsigned type)
{
	if (CHECK_OK(r->t, rsv_text("the holder releases %s", rsv_type_name(type)),
		     release(r, 0, NVME_RRELA_RELEASE | RSV_RTYPE(type), r->h[0].key)))
		rsv_check(r, "after Release", 2, NVME_RESV_NONE, 3, 0);
}

static void by_the_holder(struct nvsr_ctx *t)
{
	for_types(t, release_type);
}

/* The status "should" be Invalid Field in Command; that the reservation stays is what must hold. */
static void release_other_types(struct rsv *r, unsigned type)
{
	for (unsigned other = NVME_RESV_WE; other < RSV_TYPES; other++) {
		int rc;

		if (other == type || !rsv_has(r, other))
			continue;
		rc = release(r, 0, NVME_RRELA_RELEASE | RSV_RTYPE(other), r->h[0].key);
		if (rc != NVME_SC_INVALID_FIELD)
			nvsr_note(r->t, "Release of %s while %s is held: %s", rsv_type_name(other), rsv_type_name(type),
				  nvsr_rc_text(rc));
	}
	rsv_check(r, "after Release of other types", 2, type, 3, holders_of(type));
}

static void of_another_type(struct nvsr_ctx *t)
{
	for_types(t, release_other_types);
}

static void release_as_registrant(struct rsv *r, unsigned type)
{
	bool all = rsv_all_registrants(type);

	CHECK_OK(r->t, rsv_text("%s: Release by the other registrant", rsv_type_name(type)),
		 release(r, 1, NVME_RRELA_RELEASE | RSV_RTYPE(type), r->h[1].key));
	rsv_check(r, "after Release by the other registrant", 2, all ? NVME_RESV_NONE : type, 3, all ? 0 : 1);
}

static void by_a_registrant(struct nvsr_ctx *t)
{
	for_types(t, release_as_registrant);
}

static void release_as_stranger(struct rsv *r, unsigned type)
{
	CHECK_STATUS(r->t, rsv_text("%s: Release by a host that is no registrant", rsv_type_name(type)),
		     NVME_SC_RESV_CONFLICT, release(r, 2, NVME_RRELA_RELEASE | RSV_RTYPE(type), r->h[0].key));
	CHECK_STATUS(r->t, rsv_text("%s: Release by the holder with a wrong CRKEY", rsv_type_name(type)),
		     NVME_SC_RESV_CONFLICT, release(r, 0, NVME_RRELA_RELEASE | RSV_RTYPE(type), r->h[0].key + 1));
	rsv_check(r, "after the attempts", 2, type, 3, holders_of(type));
}

static void registrants_with_their_key_only(struct nvsr_ctx *t)
{
	for_types(t, release_as_stranger);
}

static void when_none_is_held(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	CHECK_OK(t, "Release while no reservation is held",
		 release(&r, 0, NVME_RRELA_RELEASE | RSV_RTYPE(NVME_RESV_WE), r.h[0].key));
	rsv_check(&r, "after Release without a reservation", 1, NVME_RESV_NONE, 1, 0);
}

static void bad_fields(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_scene(&r, NVME_RESV_WE, 1))
		return;
	CHECK_STATUS(t, "Release with IEKEY = 1", NVME_SC_INVALID_FIELD,
		     release(&r, 0, NVME_RRELA_RELEASE | NVME_RESV_IEKEY | RSV_RTYPE(NVME_RESV_WE), r.h[0].key));
	CHECK_STATUS(t, "Clear with IEKEY = 1", NVME_SC_INVALID_FIELD,
		     release(&r, 0, NVME_RRELA_CLEAR | NVME_RESV_IEKEY, r.h[0].key));
	rsv_check(&r, "after IEKEY = 1", 1, NVME_RESV_WE, 1, 1);
}

static void reserved_actions(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 0) || !rsv_scene(&r, NVME_RESV_WE, 1))
		return;
	for (unsigned rrela = 2; rrela < 8; rrela++)
		CHECK_STATUS(t, rsv_text("RRELA %u, reserved", rrela), NVME_SC_INVALID_FIELD,
			     release(&r, 0, rrela | RSV_RTYPE(NVME_RESV_WE), r.h[0].key));
	rsv_check(&r, "after reserved actions", 1, NVME_RESV_WE, 1, 1);
}

/* --- Clear ----------------------------------------------------------------------------------------------------- */

static void clear_type(struct rsv *r, unsigned type)
{
	unsigned i;

	CHECK_STATUS(r->t, rsv_text("%s: Clear by a host that is no registrant", rsv_type_name(type)),
		     NVME_SC_RESV_CONFLICT, release(r, 2, NVME_RRELA_CLEAR, r->h[0].key));
	CHECK_STATUS(r->t, rsv_text("%s: Clear with a wrong CRKEY", rsv_type_name(type)), NVME_SC_RESV_CONFLICT,
		     release(r, 1, NVME_RRELA_CLEAR, r->h[0].key));
	rsv_check(r, "after the attempts", 2, type, 3, holders_of(type));
	/* by the registrant, and once more by the holder */
	for (i = 0; i < 2; i++)
		if (!rsv_clear(r, 1 - i) || !rsv_scene(r, type, 2))
			return;
}

static void clear(struct nvsr_ctx *t)
{
	for_types(t, clear_type);
}

static void clear_without_a_reservation(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (RSV_START(t, &r, 1, 2, 0) && rsv_join(&r, 0) && rsv_join(&r, 1))
		rsv_clear(&r, 1);
}

static const struct nvsr_test tests[] = {
	{ .id = "by-the-holder", .title = "Release ends the reservation and keeps the registrations",
	  .requirements = REQS("RSV-21"), .needs = RSV_2VF, .caught_by = DEFECTS("release-ignored"),
	  .run = by_the_holder },
	{ .id = "of-another-type", .title = "Release of another type than the held one releases nothing",
	  .requirements = REQS("RSV-22"), .needs = RSV_2VF, .caught_by = DEFECTS("release-any-type"),
	  .run = of_another_type },
	{ .id = "by-a-registrant", .title = "Release by a registrant that does not hold succeeds without effect",
	  .requirements = REQS("RSV-22", "RSV-29"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("release-by-non-holder-releases", "release-by-non-holder-fails"),
	  .run = by_a_registrant },
	{ .id = "registrants-with-their-key-only", .title = "only a registrant with its own key releases",
	  .requirements = REQS("RSV-22", "RSV-29"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("release-any-key", "release-by-stranger-succeeds"),
	  .run = registrants_with_their_key_only },
	{ .id = "when-none-is-held", .title = "Release succeeds while no reservation is held",
	  .requirements = REQS("RSV-22"), .needs = RSV_VF, .caught_by = DEFECTS("release-of-nothing-fails"),
	  .run = when_none_is_held },
	{ .id = "bad-fields", .title = "IEKEY = 1 is refused", .requirements = REQS("RSV-21"), .needs = RSV_VF,
	  .caught_by = DEFECTS("release-iekey-accepted"), .run = bad_fields },
	{ .id = "reserved-actions", .title = "reserved values of RRELA are refused", .requirements = REQS("RSV-21"),
	  .needs = RSV_VF, .caught_by = DEFECTS("resv-reserved-action"), .run = reserved_actions },
	{ .id = "clear", .title = "any registrant, and nobody else, clears reservation and registrations",
	  .requirements = REQS("RSV-23"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("clear-keeps-registrants", "clear-keeps-reservation", "clear-only-by-holder"),
	  .run = clear },
	{ .id = "clear-without-a-reservation",
	  .title = "Clear removes all registrations while no reservation is held", .requirements = REQS("RSV-23"),
	  .needs = RSV_2VF, .caught_by = DEFECTS("clear-keeps-registrants", "clear-only-by-holder"),
	  .run = clear_without_a_reservation },
};

const struct nvsr_group nvsr_reservation_release = NVSR_GROUP("reservation.release", tests);
