// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sharing.protect: write protection is a state of the namespace, the same on every controller.  Base 2.0 8.12.
 *
 * State 3 (permanent) is never set: no drive comes back from it.
 */
#include "suites/data.h"

static int set_state(struct nvsr_dev *d, const struct dat_ns *ns, enum nvme_wps state)
{
	return nvsr_set_feature(d, NVME_FEAT_WRITE_PROTECT, ns->nsid, state, NULL, 0, NULL);
}

/* Feature 84h and NSATTR on every controller. */
static void check_state(struct nvsr_ctx *t, const struct dat_shared *s, enum nvme_wps state, const char *when)
{
	for (unsigned i = 0; i < DAT_CTRLS; i++) {
		struct nvme_id_ns id;
		uint32_t now = 0;

		CHECK_OK(t, "Get Features 84h", nvsr_get_feature(s->on[i], NVME_FEAT_WRITE_PROTECT, s->ns.nsid, 0, NULL,
								 0, &now));
		CHECK(t, (now & 7) == state, "every controller tells the write protection state of the namespace",
		      "%s: state %u on %s, set was %u", when, now & 7, nvsr_dev_name(s->on[i]), state);
		MUST_OK(t, "Identify Namespace", nvsr_identify(s->on[i], NVME_CNS_NS, s->ns.nsid, 0, &id));
		CHECK(t, !(id.nsattr & NVME_NSATTR_WP) == !state,
		      "NSATTR bit 0 tells whether the namespace is write protected",
		      "%s: NSATTR = %02xh on %s in state %u", when, id.nsattr, nvsr_dev_name(s->on[i]), state);
	}
}

/* Write, and what else changes blocks, on every controller. */
static void check_writes(struct nvsr_ctx *t, const struct dat_shared *s, int expected, unsigned tag, const char *when)
{
	for (unsigned i = 0; i < DAT_CTRLS; i++) {
		int rc = dat_write(s->on[i], &s->ns, 0, 1, tag);

		CHECK(t, rc == expected, expected ? "a Write to a protected namespace aborts 0/20h" :
		      "a Write to a namespace that is not protected succeeds", "%s on %s: %s", when,
		      nvsr_dev_name(s->on[i]),
		      nvsr_rc_text(rc));
		if (t->inv->has & NVSR_NEED(WRITE_ZEROES)) {
			rc = dat_write_zeroes(s->on[i], &s->ns, 8, 1);
			CHECK(t, rc == expected, expected ? "Write Zeroes to a protected namespace aborts 0/20h" :
			      "Write Zeroes to a namespace that is not protected succeeds", "%s on %s: %s", when,
			      nvsr_dev_name(s->on[i]), nvsr_rc_text(rc));
		}
		if (t->inv->has & NVSR_NEED(DSM)) {
			rc = dat_deallocate(s->on[i], &s->ns, 9, 1);
			CHECK(t, rc == expected, expected ? "Deallocate in a protected namespace aborts 0/20h" :
			      "Deallocate in a namespace that is not protected succeeds", "%s on %s: %s", when,
			      nvsr_dev_name(s->on[i]), nvsr_rc_text(rc));
		}
	}
}

static void state_is_one_per_namespace(struct nvsr_ctx *t)
{
	struct dat_shared s;

	if (!dat_shared(t, &s))
		return;
	check_writes(t, &s, 0, 300, "new");
	MUST_OK(t, "write protection set through the PF", set_state(t->pf, &s.ns, NVME_WPS_WP));
	check_state(t, &s, NVME_WPS_WP, "set through the PF");
	check_writes(t, &s, NVME_SC_NS_WRITE_PROTECTED, 301, "set through the PF");
	MUST_OK(t, "write protection cleared through the PF", set_state(t->pf, &s.ns, NVME_WPS_NONE));
	check_state(t, &s, NVME_WPS_NONE, "cleared through the PF");
	check_writes(t, &s, 0, 302, "cleared through the PF");
}

/* A VF may set it for a namespace that it has attached; where it may not, only the PF's view is left to check. */
static void vf_sets_it_for_all(struct nvsr_ctx *t)
{
	struct dat_shared s;
	int rc;

	if (!dat_shared(t, &s))
		return;
	rc = set_state(s.on[1], &s.ns, NVME_WPS_WP);
	if (rc > 0)
		SKIP(t, "Set Features 84h on a VF: %s", nvsr_rc_text(rc));
	MUST_OK(t, "write protection set through VF 1", rc);
	check_state(t, &s, NVME_WPS_WP, "set through VF 1");
	check_writes(t, &s, NVME_SC_NS_WRITE_PROTECTED, 310, "set through VF 1");
	MUST_OK(t, "write protection cleared through VF 2", set_state(s.on[2], &s.ns, NVME_WPS_NONE));
	check_state(t, &s, NVME_WPS_NONE, "cleared through VF 2");
	check_writes(t, &s, 0, 311, "cleared through VF 2");
}

/* Controller Reset of each VF, then of the PF, which takes its VFs Offline: they come up anew. */
static bool survive_resets(struct nvsr_ctx *t, struct dat_shared *s)
{
	for (unsigned i = DAT_CTRLS; i--;) {
		int rc = nvsr_reset(s->on[i], NVSR_RESET_CTRL);

		if (rc) {
			nvsr_test_broken(t, __FILE__, __LINE__, "Controller Reset of %s: %s", nvsr_dev_name(s->on[i]),
					 nvsr_rc_text(rc));
			return false;
		}
	}
	return dat_two_vfs(t, &s->on[1], &s->on[2]);
}

static void state_survives_resets(struct nvsr_ctx *t)
{
	struct dat_shared s;

	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, 320))
		return;
	MUST_OK(t, "write protection", set_state(t->pf, &s.ns, NVME_WPS_WP));
	if (!survive_resets(t, &s))
		return;
	check_state(t, &s, NVME_WPS_WP, "after Controller Reset of every controller");
	check_writes(t, &s, NVME_SC_NS_WRITE_PROTECTED, 321, "after Controller Reset of every controller");
	dat_check_kept(t, s.on[2], &s.ns, 320, "write protected");
	CHECK_OK(t, "no write protection", set_state(t->pf, &s.ns, NVME_WPS_NONE));
}

static void until_power_cycle_is_kept(struct nvsr_ctx *t)
{
	struct dat_shared s;

	if (!(t->inv->id.nwpc & NVME_NWPC_UNTIL_POWER))
		SKIP(t, "write protection until power cycle is not supported (NWPC bit 1)");
	if (!dat_shared(t, &s))
		return;
	MUST_OK(t, "write protection until power cycle", set_state(t->pf, &s.ns, NVME_WPS_UNTIL_POWER_CYCLE));
	check_state(t, &s, NVME_WPS_UNTIL_POWER_CYCLE, "set through the PF");
	CHECK_STATUS(t, "no write protection before the power cycle", NVME_SC_FEATURE_NOT_CHANGEABLE,
		     set_state(t->pf, &s.ns, NVME_WPS_NONE));
	CHECK_STATUS(t, "the same through a VF", NVME_SC_FEATURE_NOT_CHANGEABLE,
		     set_state(s.on[1], &s.ns, NVME_WPS_NONE));
	if (!survive_resets(t, &s))
		return;
	check_state(t, &s, NVME_WPS_UNTIL_POWER_CYCLE, "after Controller Reset of every controller");
	check_writes(t, &s, NVME_SC_NS_WRITE_PROTECTED, 330, "after Controller Reset of every controller");
	PREPARE(t, "power cycle", nvsr_reset(t->pf, NVSR_RESET_POWER));
	if (!dat_two_vfs(t, &s.on[1], &s.on[2]))
		return;
	check_state(t, &s, NVME_WPS_NONE, "after a power cycle");
	check_writes(t, &s, 0, 331, "after a power cycle");
}

#define WP (DAT_NEED_VFS | NVSR_NEED(NSWP))
static const struct nvsr_test tests[] = {
	{ .id = "state-is-one-per-namespace", .title = "write protection set on the PF holds on every controller",
	  .requirements = REQS("SHR-14"), .needs = WP,
	  .caught_by = DEFECTS("write-protect-per-controller", "nsattr-hides-protection"),
	  .run = state_is_one_per_namespace },
	{ .id = "vf-sets-it-for-all", .title = "write protection set on a VF holds on every controller",
	  .requirements = REQS("SHR-14"), .needs = WP, .caught_by = DEFECTS("write-protect-per-controller"),
	  .run = vf_sets_it_for_all },
	{ .id = "state-survives-resets", .title = "write protection survives Controller Reset of every controller",
	  .requirements = REQS("SHR-14"), .needs = WP | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("protection-lost-on-reset"), .run = state_survives_resets },
	{ .id = "until-power-cycle-is-kept", .title = "write protection until power cycle ends with the power cycle only",
	  .requirements = REQS("SHR-14"), .needs = WP | NVSR_NEED(CTRL_RESET) | NVSR_NEED(POWER_CYCLE),
	  .caught_by = DEFECTS("protection-survives-power", "protection-until-power-cycle-weak",
			       "protection-lost-on-reset"),
	  .run = until_power_cycle_is_kept },
};

const struct nvsr_group nvsr_sharing_protect = NVSR_GROUP("sharing.protect", tests);
