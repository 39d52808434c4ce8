// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * erase.sanitize: Sanitize runs in the background and takes everything from everybody.  Base 2.0 5.24, 8.21, log page 81h.
 *
 * Commands are judged while the log says that the operation is in progress before and after them: a drive may be faster
 * than the test.
 */
#include "suites/erase/erase.h"

#define TAG 600

static unsigned status_of(const struct nvme_sanitize_log *log)
{
	return NVME_SSTAT_STATUS(le16_get(log->sstat));
}

/* Whatever a test started ends before its namespaces are taken away. */
static void settle(struct nvsr_ctx *t)
{
	struct nvme_sanitize_log log;

	if (era_sanitizing(t->pf))
		era_sanitize_wait(t, t->pf, &log);
}

/* Start @action.  False after recording. */
static bool start(struct nvsr_ctx *t, enum nvme_sanact action)
{
	return CHECK_OK(t, "Sanitize", era_sanitize(t->pf, era_sanact_cdw10(action)));
}

/* It ended, and with success. */
static bool succeeded(struct nvsr_ctx *t, struct nvme_sanitize_log *ret)
{
	if (!era_sanitize_wait(t, t->pf, ret))
		return false;
	return nvsr_check(t, __FILE__, __LINE__,
			  status_of(ret) == NVME_SSTAT_SUCCESS || status_of(ret) == NVME_SSTAT_SUCCESS_DEALLOCATED,
			  "the sanitize operation completes successfully", "SSTAT = %04xh, SPROG = %04xh",
			  le16_get(ret->sstat),
			  le16_get(ret->sprog));
}

/* Nothing of @tag anywhere. */
static void check_gone(struct nvsr_ctx *t, const struct era_field *f, unsigned tag, const char *when)
{
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		dat_check_gone(t, f->shared.on[i], &f->shared.ns, tag, when);
	for (unsigned i = 0; i < 2; i++)
		dat_check_gone(t, f->shared.on[i + 1], &f->of_vf[i], tag, when);
	if (!dat_attach(t, &f->of_none, t->pf))
		return;
	dat_check_gone(t, t->pf, &f->of_none, tag, when);
	dat_detach(t, &f->of_none, t->pf);
}

/* --- what can be asked for ---------------------------------------------------------------------------------------- */

static bool is_offered(struct nvsr_ctx *t, unsigned action)
{
	uint32_t cap = le32_get(t->inv->id.sanicap);

	switch (action) {
	case NVME_SANACT_BLOCK:
		return cap & NVME_SANICAP_BLOCK;
	case NVME_SANACT_OVERWRITE:
		return cap & NVME_SANICAP_OVERWRITE;
	case NVME_SANACT_CRYPTO:
		return cap & NVME_SANICAP_CRYPTO;
	case NVME_SANACT_EXIT_FAILURE:
		return true;
	default:
		/* 5, Exit Media Verification State, came with 2.1; 0, 6 and 7 are reserved */
		return action == NVME_SANACT_EXIT_MEDIA_VERIFICATION && le32_get(t->inv->id.ver) >= 0x20100;
	}
}

static void sanicap_tells_the_actions(struct nvsr_ctx *t)
{
	uint32_t cap = le32_get(t->inv->id.sanicap);
	bool none = !(cap & (NVME_SANICAP_CRYPTO | NVME_SANICAP_BLOCK | NVME_SANICAP_OVERWRITE));
	char what[64];

	if (none) {
		CHECK_STATUS(t, "Sanitize with SANICAP = 0", NVME_SC_INVALID_OPCODE,
			     era_sanitize(t->pf, era_sanact_cdw10(NVME_SANACT_BLOCK)));
	} else {
		for (unsigned action = 0; action < 8; action++) {
			if (is_offered(t, action))
				continue;
			snprintf(what, sizeof(what), "Sanitize with SANACT %u and SANICAP = %08xh", action, cap);
			CHECK_STATUS(t, what, NVME_SC_INVALID_FIELD, era_sanitize(t->pf, action));
		}
	}
	settle(t);
}

static void refused_sanitize_changes_nothing(struct nvsr_ctx *t)
{
	struct nvme_sanitize_log before, after;
	struct era_field f;

	if (!era_field(t, &f) || !era_field_write(t, &f, TAG))
		return;
	MUST_OK(t, "Get Log Page 81h", era_sanitize_log(t->pf, &before));
	CHECK_STATUS(t, "Sanitize with reserved SANACT 7", NVME_SC_INVALID_FIELD, era_sanitize(t->pf, 7));
	MUST_OK(t, "Get Log Page 81h", era_sanitize_log(t->pf, &after));
	CHECK(t, !memcmp(&before, &after, sizeof(before)), "a Sanitize that is refused leaves log page 81h alone",
	      "SSTAT %04xh and SCDW10 %08xh, before %04xh and %08xh", le16_get(after.sstat), le32_get(after.scdw10),
	      le16_get(before.sstat), le32_get(before.scdw10));
	settle(t);
	dat_check_kept(t, f.shared.on[1], &f.shared.ns, TAG, "after a refused Sanitize");
	dat_check_kept(t, f.shared.on[2], &f.of_vf[1], TAG, "after a refused Sanitize");
}

static void protected_namespace_stops_sanitize(struct nvsr_ctx *t)
{
	struct nvme_sanitize_log before, after;
	struct era_field f;

	if (!era_field(t, &f) || !era_field_write(t, &f, TAG + 1))
		return;
	MUST_OK(t, "Get Log Page 81h", era_sanitize_log(t->pf, &before));
	MUST_OK(t, "write protection of one namespace",
		nvsr_set_feature(t->pf, NVME_FEAT_WRITE_PROTECT, f.shared.ns.nsid, NVME_WPS_WP, NULL, 0, NULL));
	CHECK_STATUS(t, "Sanitize with a write-protected namespace", NVME_SC_NS_WRITE_PROTECTED,
		     era_sanitize(t->pf, era_sanact_cdw10(era_sanact(t))));
	MUST_OK(t, "Get Log Page 81h", era_sanitize_log(t->pf, &after));
	CHECK(t, !memcmp(&before, &after, sizeof(before)), "a Sanitize that is refused leaves log page 81h alone",
	      "it changed");
	settle(t);
	CHECK_OK(t, "no write protection",
		 nvsr_set_feature(t->pf, NVME_FEAT_WRITE_PROTECT, f.shared.ns.nsid, NVME_WPS_NONE, NULL, 0, NULL));
	dat_check_kept(t, f.shared.on[1], &f.shared.ns, TAG + 1, "write protected");
	dat_check_kept(t, f.shared.on[2], &f.of_vf[1], TAG + 1, "beside a write-protected namespace");
}

/* --- progress ----------------------------------------------------------------------------------------------------- */

/* A Sanitize that takes longer has done its work in the foreground. */
#define BACKGROUND_NS (100 * NVSR_MS)

struct progress { unsigned polls, backwards, last; bool moved; };

/* Follow SPROG until the operation ends. */
static struct progress follow(struct nvsr_ctx *t, struct nvsr_dev *d)
{
	uint64_t end = nvsr_dev_now(d) + ERA_LIMIT_S * NVSR_S;
	struct nvme_sanitize_log log;
	struct progress p = { 0 };
	unsigned ms = 5;

	for (; nvsr_dev_now(d) < end && !era_sanitize_log(d, &log) &&
	     status_of(&log) == NVME_SSTAT_IN_PROGRESS; p.polls++) {
		unsigned now = le16_get(log.sprog);

		p.backwards += now < p.last;
		p.moved |= p.polls && now != p.last;
		p.last = now;
		nvsr_dev_sleep_ms(d, ms);
		ms = NVSR_MIN(ms + ms / 5, 5000u);	/* a fraction of what has passed, whether that is seconds or hours */
	}
	return p;
}

static void progress_is_told(struct nvsr_ctx *t)
{
	enum nvme_sanact action = era_sanact(t);
	struct nvme_sanitize_log log, of_vf;
	struct nvsr_dev *a, *b;
	struct progress p;
	uint64_t began, took;

	if (!dat_two_vfs(t, &a, &b))
		return;
	began = nvsr_dev_now(t->pf);
	if (!start(t, action))
		return;
	took = nvsr_dev_now(t->pf) - began;
	MUST_OK(t, "Get Log Page 81h", era_sanitize_log(t->pf, &log));
	CHECK(t, status_of(&log) != NVME_SSTAT_NEVER && status_of(&log) != NVME_SSTAT_FAILED,
	      "log page 81h tells of the operation as soon as Sanitize completed", "SSTAT = %04xh", le16_get(log.sstat));
	CHECK(t, took < BACKGROUND_NS || status_of(&log) == NVME_SSTAT_IN_PROGRESS,
	      "Sanitize completes when the operation has started",
	      "it completed after %llu ms, and the operation with it", (unsigned long long)(took / NVSR_MS));
	CHECK_EQ(t, "SCDW10", era_sanact_cdw10(action), le32_get(log.scdw10));
	p = follow(t, b);	/* by way of a VF that did not start it */
	CHECK(t, !p.backwards, "SPROG never goes back", "it did %u times in %u readings", p.backwards, p.polls);
	if (p.polls > 10)
		CHECK(t, p.moved, "SPROG moves while the operation is in progress", "%04xh in %u readings", p.last,
		      p.polls);
	if (!succeeded(t, &log))
		return;
	CHECK_EQ(t, "SPROG after the end", 0xffff, le16_get(log.sprog));
	MUST_OK(t, "Get Log Page 81h on a VF", era_sanitize_log(a, &of_vf));
	CHECK(t, le16_get(of_vf.sstat) == le16_get(log.sstat) && le16_get(of_vf.sprog) == le16_get(log.sprog),
	      "log page 81h is the same on every controller", "SSTAT %04xh on the VF, %04xh on the PF",
	      le16_get(of_vf.sstat),
	      le16_get(log.sstat));
	nvsr_note(t, "Sanitize (SANACT %u) completed after %llu us; the operation was in progress for %u readings",
		  action,
		  (unsigned long long)took / 1000, p.polls);
}

/* --- nothing is left ---------------------------------------------------------------------------------------------- */

static void nothing_is_left_anywhere(struct nvsr_ctx *t)
{
	static const enum nvme_sanact actions[] = { NVME_SANACT_CRYPTO, NVME_SANACT_BLOCK, NVME_SANACT_OVERWRITE };
	struct nvme_sanitize_log log;
	struct era_field f;

	if (!era_field(t, &f))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(actions); i++) {
		if (!is_offered(t, actions[i]))
			continue;
		if (!era_field_write(t, &f, TAG + 10 + i) || !start(t, actions[i]) || !succeeded(t, &log))
			return;
		check_gone(t, &f, TAG + 10 + i, actions[i] == NVME_SANACT_CRYPTO ? "after Crypto Erase" :
			   actions[i] == NVME_SANACT_BLOCK ? "after Block Erase" : "after Overwrite");
	}
}

static void global_data_erased_ends_with_a_write(struct nvsr_ctx *t)
{
	struct nvme_sanitize_log log;
	struct dat_shared s;

	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, TAG + 20) || !start(t, era_sanact(t)) ||
	    !succeeded(t, &log))
		return;
	CHECK(t, le16_get(log.sstat) & NVME_SSTAT_GDE, "Global Data Erased is 1 after a successful sanitize operation",
	      "SSTAT = %04xh", le16_get(log.sstat));
	MUST_OK(t, "Write on a VF", dat_write(s.on[2], &s.ns, 0, 1, TAG + 21));
	MUST_OK(t, "Get Log Page 81h", era_sanitize_log(t->pf, &log));
	CHECK(t, !(le16_get(log.sstat) & NVME_SSTAT_GDE), "Global Data Erased is 0 after a Write", "SSTAT = %04xh",
	      le16_get(log.sstat));
}

/* --- while it runs ------------------------------------------------------------------------------------------------ */

struct running { struct nvsr_ctx *t; unsigned judged, late; };

/* @rc of a command that was sent while the operation was in progress: judged only if it still is. */
static void judge(struct running *r, struct nvsr_dev *d, const char *what, int expected, int rc)
{
	if (!era_sanitizing(r->t->pf)) {
		r->late++;
		return;
	}
	r->judged++;
	nvsr_check(r->t, __FILE__, __LINE__, rc == expected, expected ?
		   "commands that are not allowed abort 0/1Dh while a sanitize operation is in progress" :
		   "allowed commands work while a sanitize operation is in progress", "%s on %s: %s", what,
		   nvsr_dev_name(d),
		   nvsr_rc_text(rc));
}

static void allowed_commands(struct running *r, struct nvsr_dev *d)
{
	struct nvme_sanitize_log log;
	struct nvme_smart_log smart;
	struct nvme_id_ctrl id;
	uint32_t dw0;

	judge(r, d, "Identify Controller", 0, nvsr_id_ctrl(d, &id));
	judge(r, d, "Get Log Page 81h", 0, era_sanitize_log(d, &log));
	judge(r, d, "Get Log Page 02h", 0, nvsr_get_log(d, NVME_LOG_SMART, NVME_NSID_ALL, true, &smart, sizeof(smart)));
	judge(r, d, "Get Features 0Bh", 0, nvsr_get_feature(d, NVME_FEAT_ASYNC_EVENT, 0, 0, NULL, 0, &dw0));
}

static void refused_commands(struct running *r, struct nvsr_dev *d, const struct dat_ns *ns, uint8_t *buf)
{
	judge(r, d, "Read", NVME_SC_SANITIZE_IN_PROGRESS, dat_read(d, ns, 0, 1, buf));
	nvsr_check(r->t, __FILE__, __LINE__, !dat_traces(buf, ns->bs, TAG + 30), "no Read returns old data",
		   "data from before on %s", nvsr_dev_name(d));
	judge(r, d, "Write", NVME_SC_SANITIZE_IN_PROGRESS, dat_write(d, ns, 0, 1, TAG + 31));
	if (r->t->inv->has & NVSR_NEED(WRITE_ZEROES))
		judge(r, d, "Write Zeroes", NVME_SC_SANITIZE_IN_PROGRESS, dat_write_zeroes(d, ns, 0, 1));
	if (r->t->inv->has & NVSR_NEED(DSM))
		judge(r, d, "Deallocate", NVME_SC_SANITIZE_IN_PROGRESS, dat_deallocate(d, ns, 0, 1));
}

static void commands_while_it_runs(struct nvsr_ctx *t)
{
	struct running r = { .t = t };
	_cleanup_free_ uint8_t *buf = malloc(DAT_MAX_BS);
	struct dat_shared s;

	if (!buf)
		BROKEN(t, "no memory");
	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, TAG + 30) || !start(t, era_sanact(t)))
		return;
	for (unsigned i = 0; i < DAT_CTRLS; i++) {
		allowed_commands(&r, s.on[i]);
		refused_commands(&r, s.on[i], &s.ns, buf);
	}
	judge(&r, t->pf, "Sanitize", NVME_SC_SANITIZE_IN_PROGRESS, era_sanitize(t->pf, era_sanact_cdw10(era_sanact(t))));
	judge(&r, t->pf, "Format NVM", NVME_SC_SANITIZE_IN_PROGRESS, era_format(t, &s.ns, NVME_SES_NONE));
	settle(t);
	nvsr_note(t, "%u commands judged, %u came too late", r.judged, r.late);
	if (!r.judged)
		SKIP(t, "the operation ended before the first command");
}

/* Identify on a VF, the slowest of some; what management says; for the report. */
static uint64_t slowest_identify(struct nvsr_ctx *t, struct nvsr_dev *d, int *ret_rc)
{
	struct nvme_id_ctrl id;
	uint64_t slowest = 0;

	*ret_rc = 0;
	for (unsigned i = 0; i < 16 && !*ret_rc; i++) {
		uint64_t began = nvsr_dev_now(d), took;

		*ret_rc = nvsr_id_ctrl(d, &id);
		took = nvsr_dev_now(d) - began;
		slowest = NVSR_MAX(slowest, took);
	}
	return slowest;
}

static void siblings_respond(struct nvsr_ctx *t)
{
	uint64_t quiet, busy;
	struct dat_shared s;
	uint32_t nsid = 0;
	int rc;

	if (!dat_shared(t, &s))
		return;
	quiet = slowest_identify(t, s.on[2], &rc);
	MUST_OK(t, "Identify on a VF", rc);
	if (!start(t, era_sanact(t)))
		return;
	busy = slowest_identify(t, s.on[2], &rc);
	CHECK_OK(t, "Identify on a VF while the PF's Sanitize runs", rc);
	nvsr_note(t, "slowest Identify on VF 2: %llu us alone, %llu us beside Sanitize", (unsigned long long)quiet / 1000,
		  (unsigned long long)busy / 1000);
	rc = nvsr_ns_create(t->pf, s.ns.blocks, 0, false, &nsid);
	nvsr_note(t, "Namespace Management create beside Sanitize: %s", nvsr_rc_text(rc));
	if (t->inv->has & NVSR_NEED(VIRT_MGMT) && nvsr_t_scid(t, 2) >= 0)
		nvsr_note(t, "Virtualization Management (Online) beside Sanitize: %s",
			  nvsr_rc_text(nvsr_virt_mgmt(t->pf, (uint16_t)nvsr_t_scid(t, 2), 0, NVME_VIRT_ONLINE, 0, NULL)));
	settle(t);
	if (nsid)
		nvsr_ns_delete(t->pf, nsid);
}

/* --- resets ------------------------------------------------------------------------------------------------------- */

static void check_goes_on(struct nvsr_ctx *t, const char *after)
{
	struct nvme_sanitize_log log;

	MUST_OK(t, "Get Log Page 81h", era_sanitize_log(t->pf, &log));
	CHECK(t, status_of(&log) != NVME_SSTAT_NEVER && status_of(&log) != NVME_SSTAT_FAILED,
	      "the sanitize operation goes on", "SSTAT = %04xh after %s", le16_get(log.sstat), after);
}

/* While it runs, a namespace moves to a VF: attached or not, nothing old can be read there. */
static void check_attach_exposes_nothing(struct nvsr_ctx *t, const struct era_field *f, struct nvsr_dev *vf, unsigned tag)
{
	_cleanup_free_ uint8_t *buf = malloc(DAT_MAX_BS);
	int id, rc;

	if (!buf)
		BROKEN(t, "no memory");
	id = dat_cntlid(t, vf);
	if (id < 0)
		return;
	rc = nvsr_ns_attach(t->pf, f->of_none.nsid, (uint16_t)id);
	nvsr_note(t, "attach beside Sanitize: %s", nvsr_rc_text(rc));
	if (rc)
		return;
	dat_read(vf, &f->of_none, 0, 1, buf);
	CHECK(t, !dat_traces(buf, f->of_none.bs, tag),
	      "a namespace attached while a sanitize operation runs shows no old data",
	      "old data on %s", nvsr_dev_name(vf));
	PREPARE(t, "detach", nvsr_ns_detach(t->pf, f->of_none.nsid, (uint16_t)id));
}

static void resets_do_not_stop_it(struct nvsr_ctx *t)
{
	struct nvme_sanitize_log log;
	struct era_field f;

	if (!era_field(t, &f) || !era_field_write(t, &f, TAG + 40) || !start(t, era_sanact(t)))
		return;
	PREPARE(t, "Controller Reset of VF 1", nvsr_reset(f.shared.on[1], NVSR_RESET_CTRL));
	check_goes_on(t, "Controller Reset of a VF");
	check_attach_exposes_nothing(t, &f, f.shared.on[1], TAG + 40);
	if (nvsr_dev_can(f.shared.on[2]) & NVSR_CAN_FLR) {
		PREPARE(t, "FLR of VF 2", nvsr_reset(f.shared.on[2], NVSR_RESET_FLR));
		check_goes_on(t, "FLR of a VF");
	}
	PREPARE(t, "Controller Reset of the PF", nvsr_reset(t->pf, NVSR_RESET_CTRL));
	check_goes_on(t, "Controller Reset of the PF");
	if (!succeeded(t, &log) || !dat_two_vfs(t, &f.shared.on[1], &f.shared.on[2]))
		return;
	check_gone(t, &f, TAG + 40, "sanitized over resets of every controller");
}

static void power_cycle_does_not_stop_it(struct nvsr_ctx *t)
{
	struct nvme_sanitize_log log;
	struct era_field f;

	if (!era_field(t, &f) || !era_field_write(t, &f, TAG + 50) || !start(t, era_sanact(t)))
		return;
	PREPARE(t, "power cycle", nvsr_reset(t->pf, NVSR_RESET_POWER));
	check_goes_on(t, "a power cycle");
	if (!succeeded(t, &log) || !dat_two_vfs(t, &f.shared.on[1], &f.shared.on[2]))
		return;
	check_gone(t, &f, TAG + 50, "sanitized over a power cycle");
}

static const struct nvsr_test tests[] = {
	{ .id = "sanicap-tells-the-actions", .title = "Sanitize refuses every action that SANICAP does not offer",
	  .requirements = REQS("ERA-14"), .needs = NVSR_NEED(DESTROY), .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanicap-zero", "sanitize-reserved-action"), .run = sanicap_tells_the_actions },
	{ .id = "refused-sanitize-changes-nothing", .title = "a Sanitize that is refused alters no data and no log",
	  .requirements = REQS("ERA-15"), .needs = ERA_NEED_SANITIZE, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanitize-failed-start-alters-log", "sanitize-failed-start-erases"),
	  .run = refused_sanitize_changes_nothing },
	{ .id = "protected-namespace-stops-sanitize", .title = "Sanitize with a write-protected namespace aborts 0/20h",
	  .requirements = REQS("ERA-12"), .needs = ERA_NEED_SANITIZE | NVSR_NEED(NSWP), .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanitize-ignores-write-protect"), .run = protected_namespace_stops_sanitize },
	{ .id = "progress-is-told", .title = "log page 81h follows the operation on every controller",
	  .requirements = REQS("ERA-15"), .needs = ERA_NEED_SANITIZE, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanitize-progress-stuck", "sanitize-log-per-controller", "sanitize-not-in-background"),
	  .run = progress_is_told },
	{ .id = "nothing-is-left-anywhere", .title = "after Sanitize no namespace shows old data on any controller",
	  .requirements = REQS("ERA-17"), .needs = ERA_NEED_SANITIZE, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("block-erase-keeps-data", "crypto-sanitize-keeps-data", "overwrite-keeps-data",
			       "sanitize-partial", "erase-forgets-last-block"), .run = nothing_is_left_anywhere },
	{ .id = "global-data-erased-ends-with-a-write",
	  .title = "Global Data Erased is 1 from Sanitize to the first Write",
	  .requirements = REQS("ERA-17"), .needs = ERA_NEED_SANITIZE, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("gde-never", "gde-stays"), .run = global_data_erased_ends_with_a_write },
	{ .id = "commands-while-it-runs", .title = "while Sanitize runs, I/O aborts 0/1Dh and allowed commands work",
	  .requirements = REQS("ERA-18"), .needs = ERA_NEED_SANITIZE, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanitize-allows-io", "sanitize-allows-admin", "sanitize-blocks-identify",
			       "sanitize-wrong-status", "sanitize-spares-vfs"), .run = commands_while_it_runs },
	{ .id = "siblings-respond", .title = "VFs answer while the PF's Sanitize runs; times and statuses are noted",
	  .requirements = REQS("ERA-18"), .needs = ERA_NEED_SANITIZE, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanitize-blocks-identify"), .run = siblings_respond },
	{ .id = "resets-do-not-stop-it", .title = "Sanitize continues over resets of every controller",
	  .requirements = REQS("ERA-16"), .needs = ERA_NEED_SANITIZE | NVSR_NEED(CTRL_RESET), .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanitize-stops-on-reset", "sanitize-log-lost-on-reset"), .run = resets_do_not_stop_it },
	{ .id = "power-cycle-does-not-stop-it", .title = "Sanitize continues over a power cycle",
	  .requirements = REQS("ERA-16"), .needs = ERA_NEED_SANITIZE | NVSR_NEED(POWER_CYCLE), .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanitize-stops-on-power"), .run = power_cycle_does_not_stop_it },
};

const struct nvsr_group nvsr_erase_sanitize = NVSR_GROUP("erase.sanitize", tests);
