// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Primary Controller Flexible Allocation (ACT 1h): how much of the pool the primary keeps for itself, when that comes
 * into force, and what it changes in the primary's queues and vectors.
 */
#include "vf.h"

/* What the primary held before the body, asked for again when the body returns, so that no pending change survives it. */
struct kept { struct nvsr_ctx *t; unsigned types; struct vf_pool pool[2]; };

static int share(struct nvsr_ctx *t, unsigned rt, unsigned nr, unsigned *ret_nrm)
{
	return nvsr_virt_mgmt(t->pf, nvsr_t_pcid(t), rt, NVME_VIRT_PRIMARY_FLEXIBLE, nr, ret_nrm);
}

static void put_back(struct kept *k)
{
	unsigned i;

	for (i = 0; i < k->types; i++)
		share(k->t, k->pool[i].rt, k->pool[i].primary, NULL);
}
#define _cleanup_kept_ NVSR_CLEANUP(put_back)

static bool prepare(struct nvsr_ctx *t, struct kept *ret)
{
	if (!vf_start(t, 0) || !nvsr_t_enable_vfs(t, 0))
		return false;
	ret->types = vf_pools(t, ret->pool);
	ret->t = t;
	return ret->types;
}

/* xxRFAP of every type as CNS 14h says now. */
static bool check_share(struct nvsr_ctx *t, const char *when, unsigned types, const unsigned want[2])
{
	struct vf_pool now[2];
	bool ok = true;
	unsigned i;

	if (vf_pools(t, now) != types)
		return false;
	for (i = 0; i < types; i++)
		ok &= CHECK_EQ(t, vf_text("%s: %sRFAP", when, now[i].name), want[i], now[i].primary);
	return ok;
}

/* Ask for @want[] and get NRM in place of it. */
static bool ask(struct nvsr_ctx *t, const struct kept *k, unsigned want[2])
{
	unsigned i;

	for (i = 0; i < k->types; i++)
		if (!CHECK_OK(t, vf_text("ACT 1h with %u of %u %s", want[i], k->pool[i].total, k->pool[i].name),
			      share(t, k->pool[i].rt, want[i], &want[i])))
			return false;
	return true;
}

/* Half of the pool, or another number where the primary has that already. */
static void other_shares(const struct kept *k, unsigned ret[2])
{
	unsigned i;

	for (i = 0; i < k->types; i++) {
		ret[i] = NVSR_MAX(k->pool[i].total / 2, 1u);
		if (ret[i] == k->pool[i].primary)
			ret[i]--;
	}
}

static void foreign_id_is_refused(struct nvsr_ctx *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	uint16_t id[3];
	unsigned i, j, want[2];

	if (!prepare(t, &k) || !vf_secondaries(t, 1, id, 1, NULL))
		return;
	id[1] = 0xffef;
	id[2] = 0xffff;
	for (i = 0; i < k.types; i++) {
		want[i] = k.pool[i].primary;
		for (j = 0; j < NVSR_ARRAY_SIZE(id); j++)
			CHECK_STATUS(t, vf_text("ACT 1h with CNTLID %u, the primary is %u", id[j], nvsr_t_pcid(t)),
				     NVME_SC_INVALID_CTRL_ID,
				     nvsr_virt_mgmt(t->pf, id[j], k.pool[i].rt, NVME_VIRT_PRIMARY_FLEXIBLE, 0, NULL));
	}
	check_share(t, "after refused ACT 1h", k.types, want);
}

static void waits_for_reset(struct nvsr_ctx *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	unsigned i, before[2], want[2];

	if (!prepare(t, &k))
		return;
	for (i = 0; i < k.types; i++)
		before[i] = k.pool[i].primary;
	other_shares(&k, want);
	if (!ask(t, &k, want) || !check_share(t, "after ACT 1h, no reset yet", k.types, before))
		return;
	if (!(nvsr_dev_can(t->pf) & NVSR_CAN_CTRL_RESET))
		return;
	PREPARE(t, "Controller Reset of the PF", nvsr_reset(t->pf, NVSR_RESET_CTRL));
	check_share(t, "after ACT 1h and a Controller Reset", k.types, before);
}

/* Grow, then shrink to nothing, each time with the reset that the test is about. */
static void comes_into_force(struct nvsr_ctx *t, enum nvsr_reset how, const char *name)
{
	_cleanup_kept_ struct kept k = { 0 };
	unsigned round, want[2];

	if (!prepare(t, &k))
		return;
	for (round = 0; round < 2; round++) {
		other_shares(&k, want);
		if (round)
			want[0] = want[1] = 0;
		if (!ask(t, &k, want))
			return;
		PREPARE(t, name, nvsr_reset(t->pf, how));
		check_share(t, vf_text("after ACT 1h and %s", name), k.types, want);
		vf_check_accounts(t, name);
	}
}

static void force_flr(struct nvsr_ctx *t) { comes_into_force(t, NVSR_RESET_FLR, "FLR of the PF"); }
static void force_hot(struct nvsr_ctx *t) { comes_into_force(t, NVSR_RESET_HOT, "a Conventional Reset"); }
static void force_nssr(struct nvsr_ctx *t) { comes_into_force(t, NVSR_RESET_NSSR, "an NVM Subsystem Reset"); }

/* The largest number of I/O queues of each kind that the primary grants; 0 after recording. */
static unsigned granted_queues(struct nvsr_ctx *t)
{
	uint32_t dw0 = 0;
	int rc = nvsr_set_feature(t->pf, NVME_FEAT_NUM_QUEUES, 0, 0xfffefffe, NULL, 0, &dw0);

	if (rc) {
		nvsr_test_broken(t, __FILE__, __LINE__, "Set Features 07h with the maximum: %s", nvsr_rc_text(rc));
		return 0;
	}
	CHECK(t, (dw0 & 0xffff) == dw0 >> 16, "as many submission as completion queues", "NSQA %u NCQA %u (0's based)",
	      dw0 & 0xffff, dw0 >> 16);
	return NVSR_MIN(dw0 & 0xffff, dw0 >> 16) + 1;
}

static bool set_share(struct nvsr_ctx *t, const struct kept *k, unsigned want[2])
{
	int rc;

	if (!ask(t, k, want))
		return false;
	rc = nvsr_reset(t->pf, NVSR_RESET_FLR);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "FLR of the PF: %s", nvsr_rc_text(rc));
	return !rc && check_share(t, "after FLR", k->types, want);
}

static void queues_follow(struct nvsr_ctx *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	unsigned round, want[2], granted;

	if (!prepare(t, &k))
		return;
	for (round = 0; round < 2; round++) {
		other_shares(&k, want);
		if (round)
			want[0] = want[1] = 0;
		if (!set_share(t, &k, want))
			return;
		granted = granted_queues(t);
		if (!granted)
			return;
		CHECK_EQ(t, vf_text("I/O queues granted by FID 07h with VQPRT %u and VQRFAP %u", k.pool[0].priv, want[0]),
			 k.pool[0].priv + want[0] - 1, granted);
	}
}

static void vectors_follow(struct nvsr_ctx *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	unsigned round, want[2], msix;

	if (!prepare(t, &k))
		return;
	for (round = 0; round < 2; round++) {
		const struct vf_pool *vi = &k.pool[k.types - 1];
		uint32_t mxc;

		other_shares(&k, want);
		if (round)
			want[0] = want[1] = 0;
		if (!set_share(t, &k, want))
			return;
		PREPARE(t, "looking for MSI-X", nvsr_cfg_find_cap(t->pf, PCI_CAP_MSIX, &msix));
		MUST(t, msix, "an MSI-X capability in a PF with VI resources", "none");
		PREPARE(t, "reading MXC", nvsr_cfg_read(t->pf, msix + PCI_MSIX_CTRL, 2, &mxc));
		CHECK_EQ(
			t,
			vf_text("MSI-X vectors of the PF (TS + 1) with VIPRT %u and VIRFAP %u", vi->priv, want[k.types - 1]),
			vi->priv + want[k.types - 1], (mxc & PCI_MSIX_CTRL_TS) + 1);
	}
}

static void survives(struct nvsr_ctx *t, const enum nvsr_reset *how, unsigned n)
{
	static const char *const name[] = {
		[NVSR_RESET_CTRL] = "Controller Reset", [NVSR_RESET_FLR] = "FLR", [NVSR_RESET_HOT] = "Conventional Reset",
		[NVSR_RESET_POWER] = "power cycle", [NVSR_RESET_NSSR] = "NVM Subsystem Reset",
	};
	_cleanup_kept_ struct kept k = { 0 };
	unsigned i, want[2];

	if (!prepare(t, &k))
		return;
	other_shares(&k, want);
	if (!set_share(t, &k, want))
		return;
	for (i = 0; i < n; i++) {
		int rc = nvsr_reset(t->pf, how[i]);

		if (rc == -ENOTSUP)
			continue;
		PREPARE(t, name[how[i]], rc);
		if (!check_share(t, vf_text("after a later %s", name[how[i]]), k.types, want))
			return;
	}
}

static void survives_resets(struct nvsr_ctx *t)
{
	static const enum nvsr_reset how[] = { NVSR_RESET_CTRL, NVSR_RESET_FLR, NVSR_RESET_HOT };

	survives(t, how, NVSR_ARRAY_SIZE(how));
}

static void survives_power_cycle(struct nvsr_ctx *t)
{
	static const enum nvsr_reset how[] = { NVSR_RESET_POWER };

	survives(t, how, NVSR_ARRAY_SIZE(how));
}

static void limits_are_kept(struct nvsr_ctx *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	uint16_t id[1];
	unsigned i, nrm, want[2] = { 0 };

	if (!prepare(t, &k) || !vf_secondaries(t, 1, id, 1, NULL))
		return;
	for (i = 0; i < k.types; i++) {
		const struct vf_pool *p = &k.pool[i];

		want[i] = p->primary;
		if (p->total < 0xffff) {
			CHECK_STATUS(t, vf_text("ACT 1h with %u %s, %sFRT + 1", p->total + 1, p->name, p->name),
				     NVME_SC_INVALID_NUM_RESOURCES, share(t, p->rt, p->total + 1, NULL));
			CHECK_STATUS(t, vf_text("ACT 1h with 65535 %s, %sFRT is %u", p->name, p->name, p->total),
				     NVME_SC_INVALID_NUM_RESOURCES, share(t, p->rt, 0xffff, NULL));
		}
		PREPARE(t, "assigning to a secondary", vf_assign(t, id[0], p->rt, p->minimum, &nrm));
		CHECK_STATUS(t, vf_text("ACT 1h with all %u %s while a secondary holds %u", p->total, p->name, nrm),
			     NVME_SC_INVALID_RESOURCE_ID, share(t, p->rt, p->total, NULL));
		CHECK_STATUS(t, vf_text("ACT 1h with %u %s, one more than are left", p->total - nrm + 1, p->name),
			     NVME_SC_INVALID_RESOURCE_ID, share(t, p->rt, p->total - nrm + 1, NULL));
		CHECK_OK(t, vf_text("ACT 1h with the %u %s that are left", p->total - nrm, p->name),
			 share(t, p->rt, p->total - nrm, NULL));
	}
	check_share(t, "before any reset", k.types, want);
}

/* The primary's share is not there for secondaries: the only way to see a pool run dry that covers every maximum. */
static void share_is_not_free(struct nvsr_ctx *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	unsigned i, want[2];
	uint16_t id[1];

	if (!prepare(t, &k) || !vf_secondaries(t, 1, id, 1, NULL))
		return;
	for (i = 0; i < k.types; i++)
		want[i] = k.pool[i].total - k.pool[i].minimum;
	if (!set_share(t, &k, want) || vf_pools(t, k.pool) != k.types)
		return;
	for (i = 0; i < k.types; i++) {
		const struct vf_pool *p = &k.pool[i];
		unsigned left = vf_free(p);

		if (left + 1 <= p->max)
			CHECK_STATUS(t, vf_text("Assign %u %s, the primary left %u", left + 1, p->name, left),
				     NVME_SC_INVALID_RESOURCE_ID, vf_assign(t, id[0], p->rt, left + 1, NULL));
		if (left && left <= p->max)
			CHECK_OK(t, vf_text("Assign the %u %s that the primary left", left, p->name),
				 vf_assign(t, id[0], p->rt, left, NULL));
	}
	vf_check_accounts(t, "with the primary holding the rest");
}

/* The first block of a namespace that the PF has attached, read; nothing where it has none. */
static void check_io(struct nvsr_ctx *t, const char *when)
{
	_cleanup_free_ struct nvme_id_ns *id = calloc(1, sizeof(*id));
	_cleanup_free_ uint8_t *block = NULL;
	uint32_t nsid, bytes;
	unsigned n;

	PREPARE(t, "Identify CNS 02h", nvsr_ns_list(t->pf, NVME_CNS_ACTIVE_NS, &nsid, 1, &n));
	if (!n || !id)
		return;
	PREPARE(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, nsid, 0, id));
	bytes = nvme_lbaf_bytes(&id->lbaf[NVME_FLBAS_INDEX(id->flbas)]);
	if (!bytes)
		BROKEN(t, "namespace %u has blocks of 2^%u bytes", nsid, id->lbaf[NVME_FLBAS_INDEX(id->flbas)].lbads);
	block = malloc(bytes);
	if (block)
		CHECK_OK(t, vf_text("Read on the PF with %s", when), nvsr_rw(t->pf, false, nsid, 0, 1, block, bytes));
}

static void works_with_any_share(struct nvsr_ctx *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	struct nvme_id_ctrl id;
	unsigned round;

	if (!prepare(t, &k))
		return;
	for (round = 0; round < 2; round++) {
		const char *when = round ? "private resources alone" : "one flexible resource of each type";
		unsigned want[2] = { !round, !round };

		if (!set_share(t, &k, want))
			return;
		MUST_OK(t, vf_text("Identify Controller on the PF with %s", when), nvsr_id_ctrl(t->pf, &id));
		check_io(t, when);
	}
}

/* Create an I/O queue pair and delete it again.  0 or the status. */
static int try_queue(struct nvsr_dev *d, unsigned qid, unsigned vector)
{
	struct nvsr_queue_opts o = {
		.qid = (uint16_t)qid, .sq_entries = 2, .cq_entries = 2, .vector = (uint16_t)vector, .irq = true,
	};
	struct nvsr_queue *q;
	int rc = nvsr_queue_create(d, &o, &q);

	return rc ? rc : nvsr_queue_destroy(q);
}

static void private_ids_come_first(struct nvsr_ctx *t)
{
	_cleanup_kept_ struct kept k = { 0 };
	unsigned round, want[2], last, vectors, granted;

	if (!prepare(t, &k))
		return;
	for (round = 0; round < 2; round++) {
		other_shares(&k, want);
		if (round)
			want[0] = want[1] = 0;
		if (!set_share(t, &k, want) || !(granted = granted_queues(t)))
			return;
		last = k.pool[0].priv + want[0] - 1;
		vectors = k.types == 2 ? k.pool[1].priv + want[1] : 1;
		CHECK_OK(t, "queue 1 with vector 0", try_queue(t->pf, 1, 0));
		CHECK_OK(t, vf_text("queue %u, the last private one, with vector 0", k.pool[0].priv - 1),
			 try_queue(t->pf, k.pool[0].priv - 1, 0));
		CHECK_OK(t, vf_text("queue %u with vector %u, the last ones", last, vectors - 1),
			 try_queue(t->pf, last, vectors - 1));
		CHECK_STATUS(t, vf_text("queue %u with VQPRT %u and VQRFAP %u", last + 1, k.pool[0].priv, want[0]),
			     NVME_SC_QID_INVALID, try_queue(t->pf, last + 1, 0));
	}
}

#define WITH_FLR (VF_NEEDS | NVSR_NEED(FLR))

static const struct nvsr_test tests[] = {
	{ .id = "foreign-id-is-refused", .title = "ACT 1h takes no id but the primary's own",
	  .requirements = REQS("VIRT-24"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("primary-share-any-cntlid"), .run = foreign_id_is_refused },
	{ .id = "waits-for-reset",
	  .title = "a new share of the primary is not in force at once, nor after a Controller Reset",
	  .requirements = REQS("VIRT-25"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("primary-share-at-once", "primary-share-at-controller-reset"), .run = waits_for_reset },
	{ .id = "in-force-after-flr", .title = "a new share of the primary is in force after an FLR",
	  .requirements = REQS("VIRT-25", "VIRT-26"), .needs = WITH_FLR,
	  .caught_by = DEFECTS("primary-share-never"), .run = force_flr },
	{ .id = "in-force-after-hot-reset", .title = "a new share of the primary is in force after a Conventional Reset",
	  .requirements = REQS("VIRT-25", "VIRT-26"), .needs = VF_NEEDS | NVSR_NEED(HOT_RESET),
	  .caught_by = DEFECTS("primary-share-never"), .run = force_hot },
	{ .id = "in-force-after-subsystem-reset",
	  .title = "a new share of the primary is in force after an NVM Subsystem Reset",
	  .requirements = REQS("VIRT-25", "VIRT-26"), .needs = VF_NEEDS | NVSR_NEED(NSSR) | NVSR_NEED(REG_WRITE),
	  .caught_by = DEFECTS("primary-share-never"), .run = force_nssr },
	{ .id = "queues-follow", .title = "the primary's number of queues is private plus flexible",
	  .requirements = REQS("VIRT-26"), .needs = WITH_FLR | NVSR_NEED(VQ) | NVSR_NEED(QUEUES),
	  .caught_by = DEFECTS("primary-queues-fixed"), .run = queues_follow },
	{ .id = "vectors-follow", .title = "the primary's MSI-X table is private plus flexible",
	  .requirements = REQS("VIRT-26"), .needs = WITH_FLR | NVSR_NEED(VI) | NVSR_NEED(CFG_READ),
	  .caught_by = DEFECTS("primary-vectors-fixed"), .run = vectors_follow },
	{ .id = "survives-resets", .title = "the primary's share survives later resets",
	  .requirements = REQS("VIRT-27"), .needs = WITH_FLR,
	  .caught_by = DEFECTS("primary-share-once"), .run = survives_resets },
	{ .id = "survives-power-cycle", .title = "the primary's share survives a power cycle",
	  .requirements = REQS("VIRT-27"), .needs = WITH_FLR | NVSR_NEED(POWER_CYCLE),
	  .caught_by = DEFECTS("primary-share-volatile"), .run = survives_power_cycle },
	{ .id = "limits-are-kept", .title = "the primary gets no more than the total, and nothing that a secondary holds",
	  .requirements = REQS("VIRT-28"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("primary-share-unchecked", "primary-share-ignores-assigned", "too-many-status-swapped"), .run = limits_are_kept },
	{ .id = "share-is-not-free", .title = "secondaries cannot be assigned what the primary holds",
	  .requirements = REQS("VIRT-34", "VIRT-36"), .needs = WITH_FLR,
	  .caught_by = DEFECTS("pool-ignores-primary"), .run = share_is_not_free },
	{ .id = "works-with-any-share",
	  .title = "the primary works on its private resources, with and without flexible ones",
	  .requirements = REQS("VIRT-48"), .needs = WITH_FLR | NVSR_NEED(IO),
	  .caught_by = DEFECTS("primary-needs-share"), .run = works_with_any_share },
	{ .id = "private-ids-come-first",
	  .title = "private queue ids are the low ones, flexible ones follow without a gap",
	  .requirements = REQS("VIRT-48"), .needs = WITH_FLR | NVSR_NEED(VQ) | NVSR_NEED(QUEUES),
	  .caught_by = DEFECTS("primary-needs-share", "primary-queues-fixed"),
	  .run = private_ids_come_first },
};
const struct nvsr_group nvsr_vf_primary = NVSR_GROUP("vf.primary", tests);
