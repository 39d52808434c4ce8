// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.sanitize: Sanitize by the PF is every tenant's affair - all wait, all lose their data, and one controller is
 * told.  Base 2.0 5.24, 8.21.  What the command itself promises is erase.sanitize.
 */
#include "isolation.h"

#define NEED (ISO_NEED | DAT_NEED | NVSR_NEED(SANITIZE))
#define LIMIT_S 1800u
#define DONE_MS 1500000u
#define STEP_MS 100u
#define TAG 0x51u
enum { LID_SANITIZE = 0x81, SANITIZE_DONE = 1 };	/* AEN type 6h, information 01h */

static unsigned state(struct nvsr_dev *d)
{
	struct nvme_sanitize_log log;

	if (nvsr_get_log(d, LID_SANITIZE, NVME_NSID_ALL, true, &log, sizeof(log)))
		return NVME_SSTAT_NEVER;
	return NVME_SSTAT_STATUS(le16_get(log.sstat));
}

static bool has_ended(struct nvsr_dev *d, void *arg)
{
	return state(d) != NVME_SSTAT_IN_PROGRESS;
}

static bool wait_for_end(struct nvsr_dev *d)
{
	return nvsr_dev_wait(d, DONE_MS, has_ended, NULL);
}

/* The quickest action that is offered.  False after recording. */
static bool sanitize(struct nvsr_ctx *t)
{
	uint32_t cap = le32_get(t->inv->id.sanicap);
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_SANITIZE,
		.cdw10 = cap & NVME_SANICAP_CRYPTO ? NVME_SANACT_CRYPTO : cap & NVME_SANICAP_BLOCK ? NVME_SANACT_BLOCK :
			 NVME_SANACT_OVERWRITE | 1u << 4,
	};

	return CHECK_OK(t, "Sanitize by the PF", nvsr_admin(t->pf, &c));
}

/* Judged only while the log says before and after it that the operation runs. */
static void check_waits(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns)
{
	uint8_t block[4096 * 8];
	int rd, wr;

	if (state(t->pf) != NVME_SSTAT_IN_PROGRESS)
		return;
	rd = dat_read(d, ns, 0, 1, block);
	wr = dat_write(d, ns, 0, 1, TAG + 1);
	if (state(t->pf) != NVME_SSTAT_IN_PROGRESS) {
		nvsr_note(t, "the operation ended before %s was asked", nvsr_dev_name(d));
		return;
	}
	CHECK_STATUS(t, iso_text("Read on %s during Sanitize", nvsr_dev_name(d)), NVME_SC_SANITIZE_IN_PROGRESS, rd);
	CHECK_STATUS(t, iso_text("Write on %s during Sanitize", nvsr_dev_name(d)), NVME_SC_SANITIZE_IN_PROGRESS, wr);
}

static void everybody_waits(struct nvsr_ctx *t)
{
	uint8_t block[4096 * 8];
	struct dat_shared s;
	unsigned i;

	if (!dat_shared(t, &s))
		return;
	/* I/O queues, which some access methods make at the first command, are there before */
	for (i = 0; i < DAT_CTRLS; i++)
		PREPARE(t, "Read", dat_read(s.on[i], &s.ns, 0, 1, block));
	if (!sanitize(t))
		return;
	for (i = 0; i < DAT_CTRLS; i++)
		check_waits(t, s.on[i], &s.ns);
	if (!wait_for_end(t->pf))
		BROKEN(t, "the sanitize operation does not end");
	for (i = 0; i < DAT_CTRLS; i++)
		CHECK_OK(t, iso_text("Write on %s after Sanitize", nvsr_dev_name(s.on[i])), dat_write(s.on[i], &s.ns, 0, 1, TAG));
}

/* Subsystem scope: who has the page sees the same. */
static void check_log(struct nvsr_ctx *t, struct nvsr_dev *d)
{
	struct nvme_sanitize_log on_pf, log;

	MUST_OK(t, "log page 81h on the PF", nvsr_get_log(t->pf, LID_SANITIZE, NVME_NSID_ALL, true, &on_pf, sizeof(on_pf)));
	if (nvsr_get_log(d, LID_SANITIZE, NVME_NSID_ALL, true, &log, sizeof(log)))
		nvsr_note(t, "%s cannot read the Sanitize Status log", nvsr_dev_name(d));
	else
		CHECK(t, le16_get(log.sstat) == le16_get(on_pf.sstat), "the Sanitize Status of the PF",
		      "%s: SSTAT %04Xh, PF %04Xh", nvsr_dev_name(d), le16_get(log.sstat), le16_get(on_pf.sstat));
}

static void all_tenants_are_erased(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf[2];
	struct dat_ns ns[2];
	unsigned i;

	if (!iso_vfs(t, 0, &vf[0], &vf[1]))
		return;
	for (i = 0; i < 2; i++)
		if (!iso_private_ns(t, vf[i], &ns[i]) || !dat_sweep_write(t, vf[i], &ns[i], TAG))
			return;
	if (!sanitize(t))
		return;
	if (!wait_for_end(t->pf))
		BROKEN(t, "the sanitize operation does not end");
	for (i = 0; i < 2; i++) {
		dat_check_gone(t, vf[i], &ns[i], TAG, "after Sanitize by the PF");
		check_log(t, vf[i]);
	}
}

/* The trap of the PF comes first: its reset, when the body returns, takes the VFs Offline. */
static void one_is_told(struct nvsr_ctx *t)
{
	_cleanup_trap_ struct iso_trap on_pf = { 0 }, on_b = { 0 }, on_a = { 0 };
	struct nvsr_dev *a, *b;
	bool told;

	if (!iso_vfs(t, 0, &a, &b) || !iso_trap_begin(t, &on_pf, t->pf, 1) || !iso_trap_begin(t, &on_b, b, 1) ||
	    !iso_trap_begin(t, &on_a, a, 1) || !sanitize(t))
		return;
	if (!wait_for_end(t->pf))
		BROKEN(t, "the sanitize operation does not end");
	told = iso_trap_sprung(&on_pf, 20 * STEP_MS);
	if (CHECK(t, told, "an event on the PF, which asked for it", "none"))
		CHECK_EQ(t, "DW0 of the event", NVME_AEN(NVME_AEN_IO, SANITIZE_DONE, LID_SANITIZE), on_pf.result.dw0);
	CHECK(t, !iso_trap_sprung(&on_a, ISO_EVENT_MS), "no event on VF 1", "DW0 %08Xh", on_a.result.dw0);
	CHECK(t, !iso_trap_sprung(&on_b, ISO_EVENT_MS), "no event on VF 2", "DW0 %08Xh", on_b.result.dw0);
}

static const struct nvsr_test tests[] = {
	{ .id = "everybody-waits", .title = "while Sanitize runs, I/O of every controller aborts 0/1Dh",
	  .requirements = REQS("ISO-25"), .needs = NEED, .limit_s = LIMIT_S,
	  .caught_by = DEFECTS("sanitize-allows-io", "sanitize-spares-vfs", "sanitize-wrong-status"), .run = everybody_waits },
	{ .id = "all-tenants-are-erased", .title = "Sanitize by the PF takes the data of every VF, and each can see that it did",
	  .requirements = REQS("ISO-25", "ISO-15"), .needs = NEED, .limit_s = LIMIT_S,
	  .caught_by = DEFECTS("sanitize-partial", "sanitize-log-per-controller"),
	  .run = all_tenants_are_erased },
	{ .id = "one-is-told", .title = "the controller that asked for Sanitize gets the event of its end, no other does",
	  .requirements = REQS("ISO-25", "ISO-17"), .needs = NEED | NVSR_NEED(AER) | NVSR_NEED(CTRL_RESET), .limit_s = LIMIT_S,
	  .caught_by = DEFECTS("sanitize-event-missing", "sanitize-event-to-all"), .run = one_is_told },
};
const struct nvsr_group nvsr_isolation_sanitize = NVSR_GROUP("isolation.sanitize", tests);
