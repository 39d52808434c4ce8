// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assign (ACT 8h): the count that is reported is the count that is held, limits are kept to the last resource, and the
 * accounts of CNS 14h and 15h agree after every step.  No VF has to exist for any of this but where one is Online.
 */
#include "vf.h"

/* Each type and the secondaries of a test. */
struct bench {
	struct vf_pool pool[2];
	unsigned types;
	uint16_t id[128];
	unsigned ids;
};

static bool prepare(struct nvsr_ctx *t, unsigned min_secondaries, struct bench *ret)
{
	if (!vf_start(t, 0) || !vf_secondaries(t, min_secondaries, ret->id, NVSR_ARRAY_SIZE(ret->id), &ret->ids))
		return false;
	ret->types = vf_pools(t, ret->pool);
	return ret->types;
}

static bool refresh(struct nvsr_ctx *t, struct bench *b)
{
	return vf_pools(t, b->pool) == b->types;
}

/* Check the count of one type, the other one not. */
static bool check_count(struct nvsr_ctx *t, const char *when, uint16_t id, unsigned rt, unsigned count)
{
	return vf_check_entry(t, when, id, 0, rt == NVME_VIRT_RT_VQ ? (int)count : -1,
			      rt == NVME_VIRT_RT_VI ? (int)count : -1);
}

static void count_is_held(struct nvsr_ctx *t)
{
	struct bench b;
	unsigned i, k, nrm;

	if (!prepare(t, 1, &b))
		return;
	for (i = 0; i < b.types; i++) {
		const struct vf_pool *p = &b.pool[i];
		unsigned most = NVSR_MIN(p->max, vf_free(p));
		const unsigned nr[] = { p->minimum, p->minimum + 1, most > 1 ? most - 1 : most, most };

		for (k = 0; k < NVSR_ARRAY_SIZE(nr); k++) {
			const char *when = vf_text("after Assign of %u %s", nr[k], p->name);

			if (nr[k] < p->minimum || nr[k] > most)
				continue;
			MUST_OK(t, vf_text("Assign %u %s of %u free", nr[k], p->name, vf_free(p)),
				vf_assign(t, b.id[0], p->rt, nr[k], &nrm));
			check_count(t, when, b.id[0], p->rt, nrm);
			vf_check_accounts(t, when);
			if (nrm != nr[k])
				nvsr_note(t, "%u %s asked for, %u assigned", nr[k], p->name, nrm);
		}
	}
}

static void assign_replaces(struct nvsr_ctx *t)
{
	struct bench b;
	unsigned i, k, nrm;

	if (!prepare(t, 1, &b))
		return;
	for (i = 0; i < b.types; i++) {
		const struct vf_pool *p = &b.pool[i];
		unsigned most = NVSR_MIN(p->max, vf_free(p));
		const unsigned nr[] = { p->minimum, p->minimum, most, most, p->minimum };

		for (k = 0; k < NVSR_ARRAY_SIZE(nr); k++) {
			const char *when = vf_text("after Assign of %u %s, %u before", nr[k], p->name, k ? nr[k - 1] : 0);

			MUST_OK(t, when, vf_assign(t, b.id[0], p->rt, nr[k], &nrm));
			check_count(t, when, b.id[0], p->rt, nrm);
			vf_check_accounts(t, when);
		}
	}
}

static void online_is_refused(struct nvsr_ctx *t)
{
	_cleanup_list_ struct vf_list before = { 0 };
	struct vf_pool pool[2];
	unsigned n, i, k;
	int scid;

	if (!vf_start(t, 1) || (scid = vf_raise(t, 1, 0, 0)) < 0 || !vf_list_take(t, &before))
		return;
	n = vf_pools(t, pool);
	for (i = 0; i < n; i++) {
		unsigned most = NVSR_MIN(pool[i].max, pool[i].minimum + vf_free(&pool[i]));
		const unsigned nr[] = { pool[i].minimum, most, 0 };

		for (k = 0; k < NVSR_ARRAY_SIZE(nr); k++)
			CHECK_STATUS(t, vf_text("Assign %u %s to Online controller %d", nr[k], pool[i].name, scid),
				     NVME_SC_INVALID_SEC_STATE, vf_assign(t, (uint16_t)scid, pool[i].rt, nr[k], NULL));
	}
	vf_check_unchanged(t, "Assign to an Online controller", &before);
	if (n)
		vf_check_accounts(t, "after Assign to an Online controller");
}

/* A fielded drive takes no more resources once the first VF is Online. */
static void works_beside_online(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	int online, other;
	unsigned n, i, nrm;

	if (!vf_start(t, 2) || (online = vf_raise(t, 1, 0, 0)) < 0 || (other = nvsr_t_scid(t, 2)) < 0)
		return;
	n = vf_pools(t, pool);
	for (i = 0; i < n; i++) {
		MUST_OK(t,
			vf_text("Assign %u %s to controller %d while %d is Online", pool[i].minimum, pool[i].name, other,
				online),
			vf_assign(t, (uint16_t)other, pool[i].rt, pool[i].minimum, &nrm));
		check_count(t, "assigned beside an Online controller", (uint16_t)other, pool[i].rt, nrm);
	}
	if (!n)
		return;
	CHECK_OK(t, vf_text("Online of controller %d beside %d", other, online), vf_online(t, (uint16_t)other));
	vf_check_entry(t, "after Online of another", (uint16_t)online, 1, -1, -1);
	vf_check_accounts(t, "with two controllers Online");
}

static void limits_are_kept(struct nvsr_ctx *t)
{
	_cleanup_list_ struct vf_list before = { 0 };
	struct bench b = { .types = 0 };
	unsigned i;

	if (!vf_start(t, 0) || !vf_secondaries(t, 1, b.id, 1, &b.ids) || !vf_list_take(t, &before))
		return;
	if (t->inv->primary.crt && !(b.types = vf_pools(t, b.pool)))
		return;
	for (i = 0; i < b.types; i++) {
		const struct vf_pool *p = &b.pool[i];

		if (p->max < 0xffff) {
			CHECK_STATUS(t, vf_text("Assign %u %s, %sFRSM + 1", p->max + 1, p->name, p->name),
				     NVME_SC_INVALID_NUM_RESOURCES, vf_assign(t, b.id[0], p->rt, p->max + 1, NULL));
			CHECK_STATUS(t, vf_text("Assign 65535 %s, %sFRSM is %u", p->name, p->name, p->max),
				     NVME_SC_INVALID_NUM_RESOURCES, vf_assign(t, b.id[0], p->rt, 0xffff, NULL));
		}
		vf_check_unchanged(t, vf_text("Assign of more %s than a secondary may have", p->name), &before);
		if (p->max <= vf_free(p))
			CHECK_OK(t, vf_text("Assign %u %s, %sFRSM", p->max, p->name, p->name),
				 vf_assign(t, b.id[0], p->rt, p->max, NULL));
		PREPARE(t, "taking the controller Offline", vf_offline(t, b.id[0]));
	}
	/* A type that CRT does not report has no flexible resources, Base 8.26.1-2. */
	for (i = NVME_VIRT_RT_VQ; i <= NVME_VIRT_RT_VI; i++)
		if (!(t->inv->primary.crt & (i == NVME_VIRT_RT_VQ ? NVME_CRT_VQ : NVME_CRT_VI)))
			CHECK_STATUS(t, vf_text("Assign of RT %u, not in CRT", i), NVME_SC_INVALID_RESOURCE_ID,
				     vf_assign(t, b.id[0], i, 2, NULL));
}

/*
 * Give every secondary as much as it may have until the pool is empty.  Then *ret_hungry is the first that could have had
 * more, or b->ids when the pool covers them all.
 */
static bool drain(struct nvsr_ctx *t, struct bench *b, unsigned type, unsigned *ret_hungry)
{
	unsigned k, nrm;

	for (k = 0; k < b->ids; k++) {
		const struct vf_pool *p = &b->pool[type];
		unsigned nr = NVSR_MIN(p->max, vf_free(p)), left = vf_free(p);

		if (nr < p->max)
			break;
		if (!CHECK_OK(t, vf_text("Assign %u %s to controller %u, %u free", nr, p->name, b->id[k], left),
			      vf_assign(t, b->id[k], p->rt, nr, &nrm)))
			return false;
		if (!check_count(t, "filling the pool", b->id[k], p->rt, nrm) || !vf_check_accounts(t, "filling the pool") ||
		    !refresh(t, b))
			return false;
	}
	*ret_hungry = k;
	return true;
}

static void pool_runs_dry(struct nvsr_ctx *t)
{
	_cleanup_list_ struct vf_list full = { 0 };
	struct bench b;
	unsigned i, hungry, left, nrm;

	if (!prepare(t, 2, &b))
		return;
	for (i = 0; i < b.types; i++) {
		const struct vf_pool *p = &b.pool[i];

		if (!drain(t, &b, i, &hungry))
			return;
		left = vf_free(p);
		if (hungry == b.ids) {
			nvsr_note(t, "%u %s are left when every secondary has its maximum of %u", left, p->name, p->max);
			continue;
		}
		PREPARE(t, "Identify CNS 15h", vf_list_take(t, &full) ? 0 : -EIO);
		CHECK_STATUS(t, vf_text("Assign %u %s, %u free", left + 1, p->name, left), NVME_SC_INVALID_RESOURCE_ID,
			     vf_assign(t, b.id[hungry], p->rt, left + 1, NULL));
		CHECK_STATUS(t, vf_text("Assign %u %s, %u free", p->max, p->name, left), NVME_SC_INVALID_RESOURCE_ID,
			     vf_assign(t, b.id[hungry], p->rt, p->max, NULL));
		vf_check_unchanged(t, vf_text("Assign of more %s than are left", p->name), &full);
		if (left >= p->minimum) {
			MUST_OK(t, vf_text("Assign the last %u %s", left, p->name),
				vf_assign(t, b.id[hungry], p->rt, left, &nrm));
			check_count(t, "the pool is empty", b.id[hungry], p->rt, nrm);
		}
		vf_check_accounts(t, "the pool is empty");
	}
}

/* Nothing is left over, so every resource that is given up or replaced has to come back. */
static void full_pool_can_be_rearranged(struct nvsr_ctx *t)
{
	struct bench b;
	unsigned i, hungry, nrm;

	if (!prepare(t, 2, &b))
		return;
	for (i = 0; i < b.types; i++) {
		const struct vf_pool *p = &b.pool[i];

		if (!drain(t, &b, i, &hungry) || !hungry)
			return;
		if (hungry < b.ids && vf_free(p) >= p->minimum)
			MUST_OK(t, vf_text("Assign the last %u %s", vf_free(p), p->name),
				vf_assign(t, b.id[hungry], p->rt, vf_free(p), &nrm));
		CHECK_OK(t, vf_text("Assign %u %s again to the controller that has them", p->max, p->name),
			 vf_assign(t, b.id[0], p->rt, p->max, &nrm));
		MUST_OK(t, vf_text("Offline of controller %u", b.id[0]), vf_offline(t, b.id[0]));
		CHECK_OK(t, vf_text("Assign %u %s to the controller that gave them up", p->max, p->name),
			 vf_assign(t, b.id[0], p->rt, p->max, &nrm));
		CHECK_OK(t, vf_text("Assign %u %s instead of %u", p->minimum, p->name, p->max),
			 vf_assign(t, b.id[0], p->rt, p->minimum, &nrm));
		CHECK_OK(t, vf_text("Assign %u %s instead of %u", p->max, p->name, p->minimum),
			 vf_assign(t, b.id[0], p->rt, p->max, &nrm));
		check_count(t, "in a full pool", b.id[0], p->rt, nrm);
		vf_check_accounts(t, "in a full pool");
	}
}

#define RACERS 24u	/* commands in flight: fewer than the smallest admin queue in use */
#define ROUNDS 8u

struct racer { struct nvsr_req *req; unsigned id; uint16_t nrm; int rc; };

/* Assign commands for all secondaries at once; the answers in @r.  False after recording. */
static bool race(struct nvsr_ctx *t, struct bench *b, const struct vf_pool *p, unsigned round, struct racer *r)
{
	struct nvsr_queue *q = nvsr_queue_admin(t->pf);
	unsigned i, sent, n = NVSR_MIN(b->ids, 6u);
	int rc = q ? 0 : -ENOTSUP;

	for (sent = 0; !rc && sent < RACERS; sent++) {
		unsigned most = p->max > p->minimum ? p->minimum + (sent * 7 + round) % (p->max - p->minimum + 1) : p->max;
		struct nvsr_cmd c = { .opcode = NVME_ADMIN_VIRT_MGMT, .cdw11 = sent % 3 ? p->max : most };

		r[sent].id = (sent + round) % n;
		c.cdw10 = (uint32_t)b->id[r[sent].id] << 16 | p->rt << 8 | NVME_VIRT_ASSIGN;
		rc = nvsr_queue_submit(q, &c, &r[sent].req);
	}
	if (rc)
		sent -= sent > 0;
	for (i = 0; i < sent; i++) {
		struct nvsr_cmd c;

		r[i].rc = nvsr_req_wait(r[i].req, 10000, &c);
		r[i].nrm = r[i].rc ? 0 : (uint16_t)c.dw0;
		if (r[i].rc < 0 && !rc)
			rc = r[i].rc;
	}
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "queueing Assign commands: %s", nvsr_rc_text(rc));
	return !rc;
}

/* Whatever order the device took, a secondary holds what one of its successful commands said. */
static bool check_outcome(struct nvsr_ctx *t, struct bench *b, const struct vf_pool *p, const struct racer *r)
{
	unsigned k, i;

	for (k = 0; k < NVSR_MIN(b->ids, 6u); k++) {
		struct nvme_secondary_ctrl e;
		bool any = false, match = false;

		if (!vf_entry(t, b->id[k], &e))
			return false;
		for (i = 0; i < RACERS; i++) {
			any |= r[i].id == k && !r[i].rc;
			match |= r[i].id == k && !r[i].rc && r[i].nrm == vf_count(&e, p->rt);
		}
		if (!CHECK(t, match || !any, "the count of one of the successful Assign commands",
			   "controller %u holds %u %s", b->id[k], vf_count(&e, p->rt), p->name))
			return false;
	}
	for (i = 0; i < RACERS; i++)
		if (!CHECK_STATUS_IN(t, "a queued Assign", r[i].rc, 0, NVME_SC_INVALID_RESOURCE_ID))
			return false;
	return vf_check_accounts(t, "after queued Assign commands");
}

static void queued_assigns_add_up(struct nvsr_ctx *t)
{
	struct bench b;
	unsigned i, round;

	if (!prepare(t, 2, &b))
		return;
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < b.types; i++) {
			struct racer r[RACERS] = { { 0 } };

			if (!race(t, &b, &b.pool[i], round, r) || !check_outcome(t, &b, &b.pool[i], r))
				return;
		}
		if (round % 2)
			for (i = 0; i < NVSR_MIN(b.ids, 6u); i++)
				PREPARE(t, "taking the controllers Offline", vf_offline(t, b.id[i]));
	}
}

static void small_counts(struct nvsr_ctx *t)
{
	struct bench b;
	unsigned i, nr;
	int rc;

	if (!prepare(t, 1, &b))
		return;
	for (i = 0; i < b.types; i++) {
		const struct vf_pool *p = &b.pool[i];

		for (nr = 0; nr < p->minimum; nr++) {
			rc = vf_assign(t, b.id[0], p->rt, nr, NULL);
			CHECK_STATUS_IN(t, vf_text("Assign %u %s", nr, p->name), rc, 0, NVME_SC_INVALID_NUM_RESOURCES);
			nvsr_note(t, "Assign %u %s: %s", nr, p->name, nvsr_rc_text(rc));
			if (!rc)
				check_count(t, vf_text("after Assign of %u %s", nr, p->name), b.id[0], p->rt, nr);
		}
	}
}

static const struct nvsr_test tests[] = {
	{ .id = "count-is-held", .title = "Assign returns the number assigned, and the secondary holds exactly that",
	  .requirements = REQS("VIRT-33"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("assign-nrm-lies", "vi-assign-refused", "vqrfa-not-counted", "virfa-not-counted"), .run = count_is_held },
	{ .id = "assign-replaces", .title = "a second Assign replaces the first one",
	  .requirements = REQS("VIRT-33"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("assign-adds"), .run = assign_replaces },
	{ .id = "online-is-refused", .title = "Assign to an Online secondary is refused and changes nothing",
	  .requirements = REQS("VIRT-32"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("assign-while-online", "assign-online-aborts-but-changes"), .run = online_is_refused },
	{ .id = "works-beside-online", .title = "Assign works while another secondary is Online",
	  .requirements = REQS("VIRT-33"), .needs = VF_NEEDS | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("assign-locked-by-online"), .run = works_beside_online },
	{ .id = "limits-are-kept",
	  .title = "no secondary gets more than VQFRSM or VIFRSM, or a type that CRT does not report",
	  .requirements = REQS("VIRT-34"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("assign-over-max", "too-many-status-swapped"), .run = limits_are_kept },
	{ .id = "pool-runs-dry", .title = "the pool can be assigned to the last resource and not beyond",
	  .requirements = REQS("VIRT-34", "VIRT-36"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("assign-over-pool", "too-many-status-swapped"), .run = pool_runs_dry },
	{ .id = "full-pool-can-be-rearranged", .title = "resources of a full pool can be given up and assigned again",
	  .requirements = REQS("VIRT-33", "VIRT-36"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("offline-leaks-resources"), .run = full_pool_can_be_rearranged },
	{ .id = "queued-assigns-add-up", .title = "many queued Assign commands never give a resource away twice",
	  .requirements = REQS("VIRT-36"), .needs = VF_NEEDS | NVSR_NEED(QUEUES),
	  .caught_by = DEFECTS("assign-over-pool"), .run = queued_assigns_add_up },
	{ .id = "small-counts", .title = "Assign of fewer resources than Online takes",
	  .requirements = REQS("VIRT-35"), .needs = VF_NEEDS,
	  .caught_by = DEFECTS("assign-too-few-refused"), .run = small_counts },
};
const struct nvsr_group nvsr_vf_assign = NVSR_GROUP("vf.assign", tests);
