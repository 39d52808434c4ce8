// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.preempt: taking a reservation or a registration away from others, Base 2.0 7.2 actions 1 and 2. */
#include "resv.h"

#define NOBODYS_KEY 0x0bad0bad0bad0badull

static int preempt(struct rsv *r, unsigned i, unsigned action, unsigned type, uint64_t prkey)
{
	return rsv_acquire(r->h[i].dev, r->nsid, action | RSV_RTYPE(type), r->h[i].key, prkey);
}

static unsigned holders_of(unsigned type, unsigned members, unsigned one)
{
	return rsv_all_registrants(type) ? members : one;
}

/* Every pair of a held type among @first..@last and a new one; host 0 holds, host 1 preempts, host 2 is a bystander. */
static void for_pairs(struct nvsr_ctx *t, unsigned first, unsigned last,
		      void (*body)(struct rsv *r, unsigned held, unsigned wanted))
{
	_cleanup_rsv_ struct rsv r = { 0 };
	unsigned tried = 0;

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned held = first; held <= last; held++) {
		for (unsigned wanted = NVME_RESV_WE; wanted < RSV_TYPES; wanted++) {
			if (!rsv_has(&r, held) || !rsv_has(&r, wanted))
				continue;
			tried++;
			if (!rsv_scene(&r, held, 3))
				return;
			body(&r, held, wanted);
			if (!rsv_clear(&r, 1))
				return;
		}
	}
	if (!tried)
		SKIP(t, "RESCAP %02xh has no such type", r.rescap);
}

static const char *pair_text(const char *what, unsigned held, unsigned wanted)
{
	return rsv_text("%s: %s by %s", what, rsv_type_name(held), rsv_type_name(wanted));
}

/* --- the holder ------------------------------------------------------------------------------------------------ */

static void take_from_holder(struct rsv *r, unsigned action, unsigned held, unsigned wanted)
{
	const char *what = pair_text(action == NVME_RACQA_PREEMPT ? "preempt" : "preempt and abort", held, wanted);

	if (CHECK_OK(r->t, what, preempt(r, 1, action, wanted, r->h[0].key)))
		rsv_check(r, what, 2, wanted, 6, holders_of(wanted, 6, 2));
}

static void preempt_holder(struct rsv *r, unsigned held, unsigned wanted)
{
	take_from_holder(r, NVME_RACQA_PREEMPT, held, wanted);
}

static void the_holder(struct nvsr_ctx *t)
{
	for_pairs(t, NVME_RESV_WE, NVME_RESV_EARO, preempt_holder);
}

static void preempt_abort_holder(struct rsv *r, unsigned held, unsigned wanted)
{
	take_from_holder(r, NVME_RACQA_PREEMPT_ABORT, held, wanted);
}

static void the_holder_and_abort(struct nvsr_ctx *t)
{
	for_pairs(t, NVME_RESV_WE, NVME_RESV_EARO, preempt_abort_holder);
}

static void preempted_host_is_out(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ uint8_t *buf = NULL;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_EARO, 2))
		return;
	buf = malloc(r.block);
	if (!buf)
		BROKEN(t, "no memory");
	rsv_fill(&r, buf, 1);
	MUST_OK(t, "Write by the holder", rsv_rw(&r, 0, true, 3, buf));
	MUST_OK(t, "preempt the holder", preempt(&r, 1, NVME_RACQA_PREEMPT, NVME_RESV_EARO, r.h[0].key));
	rsv_fill(&r, buf, 2);
	CHECK_STATUS(t, "Write by the preempted host", NVME_SC_RESV_CONFLICT, rsv_rw(&r, 0, true, 3, buf));
	CHECK_STATUS(t, "Read by the preempted host", NVME_SC_RESV_CONFLICT, rsv_rw(&r, 0, false, 3, buf));
	CHECK_STATUS(t, "Release by the preempted host", NVME_SC_RESV_CONFLICT,
		     rsv_release(r.h[0].dev, r.nsid, RSV_RTYPE(NVME_RESV_EARO), r.h[0].key));
	MUST_OK(t, "Read by the new holder", rsv_rw(&r, 1, false, 3, buf));
	CHECK(t, rsv_holds(&r, buf, 1), "what the preempted host wrote before it lost the reservation", "other data");
}

/* --- registrants ----------------------------------------------------------------------------------------------- */

/* Hosts 0 and 2 are registrants beside; host 2 loses its registration by its key, and nothing else changes. */
static void preempt_registrant(struct rsv *r, unsigned held, unsigned wanted)
{
	const char *what = pair_text("preempt a registrant", held, wanted);

	if (CHECK_OK(r->t, what, preempt(r, 1, NVME_RACQA_PREEMPT, wanted, r->h[2].key)))
		rsv_check(r, what, 2, held, 3, holders_of(held, 3, 1));
}

static void a_registrant(struct nvsr_ctx *t)
{
	for_pairs(t, NVME_RESV_WE, NVME_RESV_EARO, preempt_registrant);
}

static void several_registrants_with_one_key(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	r.h[2].key = r.h[1].key;
	if (!rsv_scene(&r, NVME_RESV_WERO, 3))
		return;
	MUST_OK(t, "preempt the key of VF 2 and the PF", preempt(&r, 0, NVME_RACQA_PREEMPT, NVME_RESV_WERO, r.h[1].key));
	rsv_check(&r, "after both lost their registration", 1, NVME_RESV_WERO, 1, 1);
}

static void without_a_reservation(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0) || !rsv_join(&r, 1))
		return;
	MUST_OK(t, "preempt a registrant while no reservation is held",
		preempt(&r, 1, NVME_RACQA_PREEMPT, NVME_RESV_WE, r.h[0].key));
	rsv_check(&r, "after preempt without a reservation", 2, NVME_RESV_NONE, 2, 0);
}

/* "Should" be Reservation Conflict: what must hold is that nothing changes. */
static void a_key_of_nobody(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	int rc;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WERO, 2))
		return;
	rc = preempt(&r, 1, NVME_RACQA_PREEMPT, NVME_RESV_EARO, NOBODYS_KEY);
	nvsr_note(t, "preempt with a PRKEY that nobody registered: %s", nvsr_rc_text(rc));
	rsv_check(&r, "after preempt with a PRKEY that nobody registered", 2, NVME_RESV_WERO, 3, 1);
}

/* --- PRKEY 0 --------------------------------------------------------------------------------------------------- */

static void preempt_zero(struct rsv *r, unsigned held, unsigned wanted)
{
	const char *what = pair_text("preempt with PRKEY 0", held, wanted);

	CHECK_STATUS(r->t, what, NVME_SC_INVALID_FIELD, preempt(r, 1, NVME_RACQA_PREEMPT, wanted, 0));
	rsv_check(r, what, 2, held, 7, 1);
}

static void zero_with_one_holder(struct nvsr_ctx *t)
{
	for_pairs(t, NVME_RESV_WE, NVME_RESV_EARO, preempt_zero);
}

static void preempt_all(struct rsv *r, unsigned held, unsigned wanted)
{
	const char *what = pair_text("preempt with PRKEY 0", held, wanted);

	if (CHECK_OK(r->t, what, preempt(r, 1, NVME_RACQA_PREEMPT, wanted, 0)))
		rsv_check(r, what, 2, wanted, 2, 2);
}

static void zero_with_all_registrants(struct nvsr_ctx *t)
{
	for_pairs(t, NVME_RESV_WEAR, NVME_RESV_EAAR, preempt_all);
}

static void a_registrant_of_all(struct nvsr_ctx *t)
{
	for_pairs(t, NVME_RESV_WEAR, NVME_RESV_EAAR, preempt_registrant);
}

/* --- itself, and who may --------------------------------------------------------------------------------------- */

static void itself(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned held = NVME_RESV_WE; held <= NVME_RESV_EARO; held++) {
		for (unsigned wanted = NVME_RESV_WE; wanted <= NVME_RESV_EARO; wanted++) {
			const char *what = pair_text("the holder preempts itself", held, wanted);

			if (!rsv_has(&r, held) || !rsv_has(&r, wanted))
				continue;
			if (!rsv_scene(&r, held, 2))
				return;
			if (CHECK_OK(t, what, preempt(&r, 0, NVME_RACQA_PREEMPT, wanted, r.h[0].key)))
				rsv_check(&r, what, 2, wanted, 3, 1);
			if (!rsv_clear(&r, 1))
				return;
		}
	}
}

static void registrants_with_their_key_only(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0))
		return;
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		if (!rsv_has(&r, type))
			continue;
		if (!rsv_scene(&r, type, 2))
			return;
		for (unsigned action = NVME_RACQA_PREEMPT; action <= NVME_RACQA_PREEMPT_ABORT; action++) {
			CHECK_STATUS(t, rsv_text("%s: RACQA %u by a host that is no registrant", rsv_type_name(type), action),
				     NVME_SC_RESV_CONFLICT, preempt(&r, 2, action, type, r.h[0].key));
			CHECK_STATUS(t, rsv_text("%s: RACQA %u with a wrong CRKEY", rsv_type_name(type), action),
				     NVME_SC_RESV_CONFLICT,
				     rsv_acquire(r.h[1].dev, r.nsid, action | RSV_RTYPE(type), r.h[1].key + 1, r.h[0].key));
		}
		if (!rsv_check(&r, "after the attempts", 2, type, 3, rsv_all_registrants(type) ? 3 : 1) ||
		    !rsv_clear(&r, 0))
			return;
	}
}

static void bad_fields(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_WE, 2))
		return;
	CHECK_STATUS(t, "preempt with IEKEY = 1", NVME_SC_INVALID_FIELD,
		     preempt(&r, 1, NVME_RACQA_PREEMPT | NVME_RESV_IEKEY, NVME_RESV_WE, r.h[0].key));
	CHECK_STATUS(t, "preempt and abort with IEKEY = 1", NVME_SC_INVALID_FIELD,
		     preempt(&r, 1, NVME_RACQA_PREEMPT_ABORT | NVME_RESV_IEKEY, NVME_RESV_WE, r.h[0].key));
	CHECK_STATUS(t, "preempt with RTYPE 7, reserved", NVME_SC_INVALID_FIELD,
		     preempt(&r, 1, NVME_RACQA_PREEMPT, 7, r.h[0].key));
	rsv_check(&r, "after bad fields", 2, NVME_RESV_WE, 3, 1);
}

/* --- outstanding commands -------------------------------------------------------------------------------------- */

#define OUTSTANDING 16u
#define VERIFY_BLOCKS 128u
#define DONE_MS 10000u

/* Every other command is a Verify of many blocks, which takes its time, where the device has it. */
static struct nvsr_cmd nth_command(const struct rsv *r, unsigned n, uint8_t *buf)
{
	if (n % 2 && le16_get(r->t->inv->id.oncs) & NVME_ONCS_VERIFY)
		return (struct nvsr_cmd){ .opcode = NVME_CMD_VERIFY, .nsid = r->nsid, .cdw12 = VERIFY_BLOCKS - 1 };
	return (struct nvsr_cmd){
		.opcode = NVME_CMD_WRITE, .nsid = r->nsid, .cdw10 = n, .data = buf + (size_t)n * r->block, .data_len = r->block,
	};
}

/*
 * Commands of the victim are under way when it is preempted.  Which of them still execute is open; each completes, with
 * success, with 0/1Bh, or with 0/83h when it was not started; and when the preempting command is done, they are.
 */
static void outstanding_commands_end(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ uint8_t *buf = NULL;
	struct nvsr_req *req[OUTSTANDING];
	struct nvsr_cmd done[OUTSTANDING] = { 0 };
	struct nvsr_queue *q = NULL;
	unsigned n, late = 0, aborted = 0;
	int rc;

	/* room for a queue pair beside the one that the access method uses */
	if (!nvsr_t_vf_with(t, 1, 3, 2) || !RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_EA, 2))
		return;
	buf = calloc(OUTSTANDING, r.block);
	PREPARE(t, "a queue on VF 1", !buf ? -ENOMEM :
		nvsr_queue_create(r.h[0].dev, &(struct nvsr_queue_opts){ .qid = 2, .sq_entries = 32, .cq_entries = 32 }, &q));
	for (n = 0; n < OUTSTANDING; n++) {
		struct nvsr_cmd c = nth_command(&r, n, buf);

		if (nvsr_queue_submit(q, &c, &req[n]))
			break;
	}
	rc = preempt(&r, 1, NVME_RACQA_PREEMPT_ABORT, NVME_RESV_EA, r.h[0].key);
	for (unsigned i = 0; i < n; i++)
		late += !nvsr_req_done(req[i], &done[i]);
	CHECK_OK(t, "preempt and abort", rc);
	CHECK(t, !late, "the victim's commands are completed before preempt and abort completes",
	      "%u of %u are not", late, n);
	for (unsigned i = 0; i < n; i++) {
		rc = nvsr_req_wait(req[i], DONE_MS, &done[i]);
		aborted += rc == NVME_SC_PREEMPT_ABORT;
		CHECK_STATUS_IN(t, rsv_text("command %u of the preempted host", i), rc, NVME_SC_SUCCESS, NVME_SC_PREEMPT_ABORT,
				NVME_SC_RESV_CONFLICT);
	}
	nvsr_note(t, "%u of %u outstanding commands were aborted by preempt and abort", aborted, n);
	rsv_check(&r, "after preempt and abort", 2, NVME_RESV_EA, 2, 2);
	nvsr_queue_destroy(q);
}

static const struct nvsr_test tests[] = {
	{ .id = "the-holder", .title = "preempt by the holder's key takes registration and reservation",
	  .requirements = REQS("RSV-16"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("preempt-leaves-registration", "preempt-without-takeover", "preempt-keeps-type"),
	  .run = the_holder },
	{ .id = "the-holder-and-abort", .title = "preempt and abort takes what preempt takes",
	  .requirements = REQS("RSV-16", "RSV-20"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("preempt-leaves-registration", "preempt-without-takeover", "preempt-keeps-type"),
	  .run = the_holder_and_abort },
	{ .id = "preempted-host-is-out", .title = "a preempted host has no access and its data stays",
	  .requirements = REQS("RSV-16"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("preempt-leaves-registration", "preempt-without-takeover"),
	  .run = preempted_host_is_out },
	{ .id = "a-registrant", .title = "preempt by another registrant's key removes it and leaves the reservation",
	  .requirements = REQS("RSV-17"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("preempt-leaves-registration", "preempt-takes-anything"), .run = a_registrant },
	{ .id = "several-registrants-with-one-key", .title = "preempt removes every registrant with the key",
	  .requirements = REQS("RSV-17"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("preempt-leaves-registration", "preempt-removes-one"),
	  .run = several_registrants_with_one_key },
	{ .id = "without-a-reservation", .title = "preempt removes registrants also while no reservation is held",
	  .requirements = REQS("RSV-17"), .needs = RSV_2VF, .caught_by = DEFECTS("preempt-leaves-registration"),
	  .run = without_a_reservation },
	{ .id = "a-key-of-nobody", .title = "preempt with a key that nobody registered changes nothing",
	  .requirements = REQS("RSV-17"), .needs = RSV_2VF, .caught_by = DEFECTS("preempt-takes-anything"),
	  .run = a_key_of_nobody },
	{ .id = "zero-with-one-holder", .title = "PRKEY 0 is refused while one host holds",
	  .requirements = REQS("RSV-18"), .needs = RSV_2VF, .caught_by = DEFECTS("preempt-key-zero-accepted"),
	  .run = zero_with_one_holder },
	{ .id = "zero-with-all-registrants",
	  .title = "PRKEY 0 removes all other registrants of an All Registrants type", .requirements = REQS("RSV-18"),
	  .needs = RSV_2VF, .caught_by = DEFECTS("preempt-removes-one", "preempt-without-takeover"),
	  .run = zero_with_all_registrants },
	{ .id = "a-registrant-of-all", .title = "a key removes one registrant of an All Registrants type",
	  .requirements = REQS("RSV-17"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("preempt-leaves-registration", "preempt-takes-anything"), .run = a_registrant_of_all },
	{ .id = "itself", .title = "the holder changes the type by preempting itself", .requirements = REQS("RSV-19"),
	  .needs = RSV_2VF, .caught_by = DEFECTS("preempt-keeps-type", "self-preempt-unregisters"), .run = itself },
	{ .id = "registrants-with-their-key-only", .title = "only a registrant with its own key preempts",
	  .requirements = REQS("RSV-29"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("acquire-any-key", "acquire-without-registration"),
	  .run = registrants_with_their_key_only },
	{ .id = "bad-fields", .title = "preempt refuses IEKEY and reserved types",
	  .requirements = REQS("RSV-13", "RSV-14"), .needs = RSV_2VF,
	  .caught_by = DEFECTS("acquire-iekey-accepted", "resv-any-type"), .run = bad_fields },
	{ .id = "outstanding-commands-end",
	  .title = "preempt and abort completes after the victim's outstanding commands",
	  .requirements = REQS("RSV-20"), .needs = RSV_2VF | NVSR_NEED(VF_QUEUES),
	  .caught_by = DEFECTS("preempt-abort-leaves-commands"), .run = outstanding_commands_end },
};

const struct nvsr_group nvsr_reservation_preempt = NVSR_GROUP("reservation.preempt", tests);
