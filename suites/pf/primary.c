// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Primary controller capabilities (CNS 14h): the structure itself, its sums against the list of secondary controllers,
 * and what supporting Virtualization Enhancements implies.
 */
#include "pf.h"

static void opcode_agrees_with_oacs(struct nvsr_ctx *t)
{
	bool reported = le16_get(t->inv->id.oacs) & NVME_OACS_VIRT_MGMT;
	/* Offline of the primary itself: never possible, so it changes nothing whatever the device makes of it. */
	int rc = nvsr_virt_mgmt(t->pf, le16_get(t->inv->id.cntlid), 0, NVME_VIRT_OFFLINE, 0, NULL);

	MUST(t, rc >= 0, "a completion", "Virtualization Management: %s", nvsr_rc_text(rc));
	if (reported)
		CHECK(t, rc != NVME_SC_INVALID_OPCODE, "opcode 1Ch is supported as OACS bit 7 says", "%s", nvsr_rc_text(rc));
	else
		CHECK_STATUS(t, "opcode 1Ch with OACS bit 7 = 0", NVME_SC_INVALID_OPCODE, rc);
}

static void enhancements_are_complete(struct nvsr_ctx *t)
{
	uint8_t page[NVME_IDENTIFY_SIZE];

	CHECK_OK(t, "CNS 14h", nvsr_identify(t->pf, NVME_CNS_PRIMARY_CAPS, 0, nvsr_t_pcid(t), page));
	CHECK_OK(t, "CNS 15h", nvsr_identify(t->pf, NVME_CNS_SECONDARY_LIST, 0, 0, page));
	CHECK(t, t->inv->sec_count, "at least one secondary controller", "CNS 15h lists none");
	CHECK(t, le16_get(t->inv->id.oacs) & NVME_OACS_NS_MGMT, "Namespace Management (OACS bit 3)", "OACS = %04Xh",
	      le16_get(t->inv->id.oacs));
}

static void flexible_resources_exist(struct nvsr_ctx *t)
{
	const struct nvme_primary_caps *p = &t->inv->primary;

	CHECK(t, p->crt & (NVME_CRT_VQ | NVME_CRT_VI), "flexible resources of at least one type", "CRT = %02Xh", p->crt);
	if (p->crt & NVME_CRT_VQ) {
		CHECK(t, le32_get(p->vqfrt), "VQ resources where CRT reports them", "VQFRT = 0");
		CHECK(t, le16_get(p->vqprt) >= 2, "two private queue pairs (admin and one for I/O)", "VQPRT = %u",
		      le16_get(p->vqprt));
	}
	if (p->crt & NVME_CRT_VI)
		CHECK(t, le32_get(p->vifrt), "VI resources where CRT reports them", "VIFRT = 0");
}

static void check_zero(struct nvsr_ctx *t, const uint8_t *page, unsigned first, unsigned last)
{
	unsigned i;

	for (i = first; i <= last; i++)
		if (page[i])
			break;
	CHECK(t, i > last, "reserved bytes are 0", "byte %u of %u to %u is %02Xh", i, first, last, page[i <= last ? i : last]);
}

static void structure_is_clean(struct nvsr_ctx *t)
{
	struct nvme_primary_caps p = { 0 };
	const uint8_t *page = (const uint8_t *)&p;

	MUST_OK(t, "CNS 14h", nvsr_identify(t->pf, NVME_CNS_PRIMARY_CAPS, 0, nvsr_t_pcid(t), &p));
	CHECK_EQ(t, "CNTLID (own controller identifier)", nvsr_t_pcid(t), le16_get(p.cntlid));
	CHECK(t, !(p.crt & ~(NVME_CRT_VQ | NVME_CRT_VI)), "CRT bits 7:2 = 0", "CRT = %02Xh", p.crt);
	check_zero(t, page, 5, 31);
	check_zero(t, page, 48, 63);
	check_zero(t, page, 80, NVME_IDENTIFY_SIZE - 1);
	nvsr_note(t, "PORTID %u", le16_get(p.portid));
}

/* One resource type of CNS 14h, so that VQ and VI share their checks. */
struct pool {
	const char *name;
	enum nvme_virt_rt rt;
	bool supported;
	uint32_t total, assigned;
	uint16_t primary, priv, max, gran;
};

static struct pool pool_of(const struct nvme_primary_caps *p, enum nvme_virt_rt rt)
{
	if (rt == NVME_VIRT_RT_VQ)
		return (struct pool){ "VQ", rt, p->crt & NVME_CRT_VQ, le32_get(p->vqfrt), le32_get(p->vqrfa),
				      le16_get(p->vqrfap), le16_get(p->vqprt), le16_get(p->vqfrsm), le16_get(p->vqgran) };
	return (struct pool){ "VI", rt, p->crt & NVME_CRT_VI, le32_get(p->vifrt), le32_get(p->virfa), le16_get(p->virfap),
			      le16_get(p->viprt), le16_get(p->vifrsm), le16_get(p->vigran) };
}

static unsigned held(const struct nvme_secondary_ctrl *sec, enum nvme_virt_rt rt)
{
	return le16_get(rt == NVME_VIRT_RT_VQ ? sec->nvq : sec->nvi);
}

/* What an Assign can still get. */
static uint32_t available(const struct pool *p)
{
	uint32_t used = p->assigned + p->primary;

	return used < p->total ? NVSR_MIN(p->total - used, (uint32_t)p->max) : 0;
}

static void check_pool(struct nvsr_ctx *t, enum nvme_virt_rt rt, const char *when)
{
	const struct nvsr_inventory *inv = nvsr_t_reread(t);
	uint64_t sum = 0;
	struct pool p;
	unsigned i;

	if (!inv)
		return;
	p = pool_of(&inv->primary, rt);
	for (i = 0; i < inv->sec_count; i++)
		if (le16_get(inv->sec[i].scid) != nvsr_t_pcid(t))
			sum += held(&inv->sec[i], rt);
	CHECK(t, p.assigned == sum, "assigned to secondaries = sum over CNS 15h", "%s, %s: %u in CNS 14h, sum %llu", when,
	      p.name, p.assigned, (unsigned long long)sum);
	CHECK(t, (uint64_t)p.assigned + p.primary <= p.total, "assigned + allocated to the primary <= total",
	      "%s, %s: %u + %u of %u", when, p.name, p.assigned, p.primary, p.total);
	CHECK(t, p.max <= p.total, "maximum of a secondary <= total", "%s, %s: %u of %u", when, p.name, p.max, p.total);
	CHECK(t, p.priv >= (rt == NVME_VIRT_RT_VQ ? 2 : 1),
	      rt == NVME_VIRT_RT_VQ ? "VQPRT >= 2" : "VIPRT >= 1", "%s: %u", when, p.priv);
}

static void check_sums(struct nvsr_ctx *t, enum nvme_virt_rt rt)
{
	const char *name = rt == NVME_VIRT_RT_VQ ? "VQ" : "VI";
	struct pool p = pool_of(&t->inv->primary, rt);
	uint32_t want;
	int scid;

	check_pool(t, rt, "as found");
	want = NVSR_MIN(available(&p), 2u);
	if (!want) {
		nvsr_note(t, "no flexible %s is left to assign: only the state as found was checked", name);
		return;
	}
	scid = nvsr_t_scid(t, 1);
	if (scid < 0)
		return;
	PREPARE(t, "Offline of VF 1", nvsr_virt_mgmt(t->pf, (uint16_t)scid, 0, NVME_VIRT_OFFLINE, 0, NULL));
	PREPARE(t, "Assign to VF 1", nvsr_virt_mgmt(t->pf, (uint16_t)scid, rt, NVME_VIRT_ASSIGN, want, NULL));
	check_pool(t, rt, "after Assign to VF 1");
	PREPARE(t, "Offline of VF 1", nvsr_virt_mgmt(t->pf, (uint16_t)scid, 0, NVME_VIRT_OFFLINE, 0, NULL));
	check_pool(t, rt, "after Offline of VF 1");
}

static void vq_sums_agree(struct nvsr_ctx *t)
{
	check_sums(t, NVME_VIRT_RT_VQ);
}

static void vi_sums_agree(struct nvsr_ctx *t)
{
	check_sums(t, NVME_VIRT_RT_VI);
}

static void granularity_is_a_hint(struct nvsr_ctx *t)
{
	unsigned tried = 0, i;
	int scid = nvsr_t_scid(t, 1);

	if (scid < 0)
		return;
	PREPARE(t, "Offline of VF 1", nvsr_virt_mgmt(t->pf, (uint16_t)scid, 0, NVME_VIRT_OFFLINE, 0, NULL));
	for (i = NVME_VIRT_RT_VQ; i <= NVME_VIRT_RT_VI; i++) {
		struct pool p = pool_of(&t->inv->primary, i);
		unsigned want = p.gran + 1u, nrm = 0;
		int rc;

		if (!p.supported || p.gran < 2 || available(&p) < want)
			continue;
		tried++;
		rc = nvsr_virt_mgmt(t->pf, (uint16_t)scid, i, NVME_VIRT_ASSIGN, want, &nrm);
		CHECK(t, !rc, "a request that is no multiple of the granularity is accepted", "%s, %u with granularity %u: %s",
		      p.name, want, p.gran, nvsr_rc_text(rc));
		nvsr_note(t, "%s: asked for %u with granularity %u, got %u", p.name, want, p.gran, nrm);
	}
	if (!tried)
		SKIP(t, "no granularity above 1 with room to test it");
}

static void cntid_names_the_primary(struct nvsr_ctx *t)
{
	struct nvme_primary_caps p;
	int rc;

	MUST_OK(t, "CNS 14h with CNTID of this primary", nvsr_identify(t->pf, NVME_CNS_PRIMARY_CAPS, 0, nvsr_t_pcid(t), &p));
	CHECK_EQ(t, "CNTLID in the structure", nvsr_t_pcid(t), le16_get(p.cntlid));
	rc = nvsr_identify(t->pf, NVME_CNS_PRIMARY_CAPS, 0, 0xfffe, &p);
	nvsr_note(t, "CNS 14h with CNTID FFFEh, which is no primary: %s", rc ? nvsr_rc_text(rc) : "success");
}

/* Where CRT reports a type, secondaries draw it from the pool; where it does not, it cannot be assigned. */
static void check_source(struct nvsr_ctx *t, int scid, enum nvme_virt_rt rt)
{
	struct pool p = pool_of(&t->inv->primary, rt), now;
	const struct nvme_secondary_ctrl *sec;
	const struct nvsr_inventory *inv;
	uint32_t want = NVSR_MIN(available(&p), 2u);

	if (!p.supported) {
		CHECK_STATUS(t, "Assign of a type that CRT does not report", NVME_SC_INVALID_RESOURCE_ID,
			     nvsr_virt_mgmt(t->pf, (uint16_t)scid, rt, NVME_VIRT_ASSIGN, 2, NULL));
		return;
	}
	inv = nvsr_t_reread(t);
	sec = inv ? nvsr_inventory_vf(inv, 1) : NULL;
	if (!sec)
		return;
	CHECK(t, !held(sec, rt), "an Offline secondary has no resources of a flexible type", "%s: %u", p.name, held(sec, rt));
	if (!want)
		return;
	MUST_OK(t, "Assign to VF 1", nvsr_virt_mgmt(t->pf, (uint16_t)scid, rt, NVME_VIRT_ASSIGN, want, NULL));
	inv = nvsr_t_reread(t);
	sec = inv ? nvsr_inventory_vf(inv, 1) : NULL;
	if (!sec)
		return;
	now = pool_of(&inv->primary, rt);
	CHECK(t, now.assigned - p.assigned == held(sec, rt), "what the secondary got left the pool",
	      "%s: VF 1 has %u, assigned to secondaries rose by %u", p.name, held(sec, rt), now.assigned - p.assigned);
}

static void resources_come_from_the_pool(struct nvsr_ctx *t)
{
	int scid = nvsr_t_scid(t, 1);

	if (scid < 0)
		return;
	PREPARE(t, "Offline of VF 1", nvsr_virt_mgmt(t->pf, (uint16_t)scid, 0, NVME_VIRT_OFFLINE, 0, NULL));
	if (!nvsr_t_reread(t))
		return;
	check_source(t, scid, NVME_VIRT_RT_VQ);
	check_source(t, scid, NVME_VIRT_RT_VI);
}

static const struct nvsr_test tests[] = {
	{ .id = "opcode-agrees-with-oacs", .title = "opcode 1Ch is supported if and only if OACS bit 7 says so",
	  .requirements = REQS("VIRT-01"),
	  .caught_by = DEFECTS("oacs-hides-virt-mgmt"), .run = opcode_agrees_with_oacs },
	{ .id = "enhancements-are-complete", .title = "Virtualization Management brings CNS 14h, 15h and Namespace Management",
	  .requirements = REQS("VIRT-02"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("oacs-hides-ns-mgmt"), .run = enhancements_are_complete },
	{ .id = "flexible-resources-exist", .title = "a primary has flexible resources and two private queue pairs",
	  .requirements = REQS("VIRT-02"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("primary-one-private-queue"), .run = flexible_resources_exist },
	{ .id = "structure-is-clean", .title = "CNS 14h names its own controller and leaves reserved bytes 0",
	  .requirements = REQS("VIRT-07"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("primary-caps-reserved-garbage", "crt-reserved-bits"), .run = structure_is_clean },
	{ .id = "vq-sums-agree", .title = "the VQ fields of CNS 14h agree with each other and with CNS 15h",
	  .requirements = REQS("VIRT-08"), .needs = NVSR_NEED(VIRT_MGMT) | NVSR_NEED(VQ),
	  .caught_by = DEFECTS("vqrfa-not-counted", "vqfrsm-above-total", "primary-one-private-queue"), .run = vq_sums_agree },
	{ .id = "vi-sums-agree", .title = "the VI fields of CNS 14h agree with each other and with CNS 15h",
	  .requirements = REQS("VIRT-09"), .needs = NVSR_NEED(VIRT_MGMT) | NVSR_NEED(VI),
	  .caught_by = DEFECTS("virfa-not-counted", "primary-no-private-vi"), .run = vi_sums_agree },
	{ .id = "granularity-is-a-hint", .title = "Assign of an amount that is no multiple of VQGRAN, VIGRAN is accepted",
	  .requirements = REQS("VIRT-10"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("granularity-enforced"), .run = granularity_is_a_hint },
	{ .id = "cntid-names-the-primary", .title = "CNS 14h takes the identifier of the primary in CNTID",
	  .requirements = REQS("VIRT-11"), .needs = NVSR_NEED(VIRT_MGMT),
	  .caught_by = DEFECTS("primary-caps-wrong-cntlid"), .run = cntid_names_the_primary },
	{ .id = "resources-come-from-the-pool", .title = "secondaries take reported types from the flexible pool, others are private",
	  .requirements = REQS("VIRT-20"), .needs = NVSR_NEED(VIRT_MGMT) | NVSR_NEED(SRIOV),
	  .caught_by = DEFECTS("vqrfa-not-counted", "virfa-not-counted"), .run = resources_come_from_the_pool },
};
const struct nvsr_group nvsr_pf_primary = NVSR_GROUP("pf.primary", tests);
