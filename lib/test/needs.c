// SPDX-License-Identifier: GPL-2.0-or-later
/* Needs: what is there, and the words for what is not. */
#include "base/text.h"
#include "test/harness.h"

/* What the access methods of PF and VFs must be able to do for each ENV need. */
static const struct { uint64_t need; unsigned pf, vf; } env[] = {
	{ NVSR_NEED(CFG_READ), NVSR_CAN_CFG_READ, 0 },
	{ NVSR_NEED(CFG_WRITE), NVSR_CAN_CFG_WRITE, NVSR_CAN_CFG_WRITE },
	{ NVSR_NEED(REG_READ), NVSR_CAN_REG_READ, 0 },
	{ NVSR_NEED(REG_WRITE), NVSR_CAN_REG_WRITE, NVSR_CAN_REG_WRITE },
	{ NVSR_NEED(QUEUES), NVSR_CAN_QUEUES, NVSR_CAN_QUEUES },
	{ NVSR_NEED(AER), NVSR_CAN_AER, NVSR_CAN_AER },
	{ NVSR_NEED(VF_CFG_WRITE), NVSR_CAN_VF, NVSR_CAN_CFG_WRITE },
	{ NVSR_NEED(VF_REG_WRITE), NVSR_CAN_VF, NVSR_CAN_REG_WRITE },
	{ NVSR_NEED(VF_QUEUES), NVSR_CAN_VF, NVSR_CAN_QUEUES },
	{ NVSR_NEED(VF_AER), NVSR_CAN_VF, NVSR_CAN_AER },
	{ NVSR_NEED(VF_ADMIN), NVSR_CAN_VF, NVSR_CAN_ADMIN },
	{ NVSR_NEED(IO), NVSR_CAN_IO, 0 },
	{ NVSR_NEED(CTRL_RESET), NVSR_CAN_CTRL_RESET, 0 },
	{ NVSR_NEED(FLR), NVSR_CAN_FLR, 0 },
	{ NVSR_NEED(HOT_RESET), NVSR_CAN_HOT_RESET, 0 },
	{ NVSR_NEED(POWER_CYCLE), NVSR_CAN_POWER_CYCLE, 0 },
	{ NVSR_NEED(DMA_DOMAINS), NVSR_CAN_VF, NVSR_CAN_DMA_DOMAINS },
};

static uint64_t claim_needs(void)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++)
		mask |= nvsr_needs[i].kind == NVSR_NEED_CLAIM ? 1ull << i : 0;
	return mask;
}

uint64_t nvsr_needs_of_method(unsigned can, unsigned vf_can)
{
	uint64_t met = 0;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(env); i++)
		if ((can & env[i].pf) == env[i].pf && (vf_can & env[i].vf) == env[i].vf)
			met |= env[i].need;
	return met;
}

static uint64_t promises(const struct nvsr_profile *profile)
{
	uint64_t mask = 0;

	for (unsigned i = 0; profile && i < NVSR_NEED_COUNT; i++)
		if (nvsr_needs[i].kind == NVSR_NEED_PROMISE && profile->claims[i] == NVSR_CLAIM_YES)
			mask |= 1ull << i;
	return mask;
}

uint64_t nvsr_needs_met(struct nvsr_dev *pf, const struct nvsr_inventory *inv, const struct nvsr_profile *profile,
			bool destroy)
{
	uint64_t met = (inv->has & claim_needs()) | promises(profile) |
		       nvsr_needs_of_method(nvsr_dev_can(pf), nvsr_dev_vf_can(pf));

	return destroy ? met | NVSR_NEED(DESTROY) : met;
}

static void add_need(struct nvsr_text *out, unsigned i, const struct nvsr_profile *profile)
{
	const char *comma = out->len ? "; " : "";

	if (nvsr_needs[i].kind != NVSR_NEED_CLAIM)
		nvsr_text_add(out, "%sneeds %s", comma, nvsr_needs[i].text);
	else if (profile && profile->claims[i] == NVSR_CLAIM_YES)
		nvsr_text_add(out, "%sthe device does not report %s although the profile claims it: see pf.claims.%s", comma,
			      nvsr_needs[i].text, nvsr_needs[i].key);
	else
		nvsr_text_add(out, "%sthe device does not report %s", comma, nvsr_needs[i].text);
}

char *nvsr_needs_reason(uint64_t unmet, const struct nvsr_profile *profile, const char **ret_cause)
{
	static const char *const causes[] = {
		[NVSR_NEED_CLAIM] = "claim", [NVSR_NEED_PROMISE] = "claim", [NVSR_NEED_ENV] = "env",
		[NVSR_NEED_GRANT] = "grant",
	};
	struct nvsr_text out = { 0 };

	*ret_cause = NULL;
	/* The table has claims first, so the cause is the one that no option and no other host would change. */
	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++) {
		if (!(unmet & 1ull << i))
			continue;
		if (!*ret_cause)
			*ret_cause = causes[nvsr_needs[i].kind];
		add_need(&out, i, profile);
	}
	if (!*ret_cause) {
		*ret_cause = causes[NVSR_NEED_ENV];
		nvsr_text_add(&out, "needs what nothing here has");
	}
	return out.s;
}
