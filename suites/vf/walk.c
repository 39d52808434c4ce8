// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A random walk over the secondary controllers: Assign, Offline and Online with good and bad arguments, numbers of VFs,
 * and resets, against an oracle of Base 8.26 and 5.28.  After every step CNS 14h and 15h must show what the oracle says.
 */
#include "suites/walk.h"
#include "vf.h"

#define SECONDARIES 8	/* of these the walk uses at most so many */

enum op { OFFLINE, ASSIGN, ONLINE, RESERVED, SHARE_ELSEWHERE, SET_VFS, RESET_PF, RESET_VF,
	  /* with registers that can be written: */ USE_VF, SHARE, FLR_PF, SHUTDOWN_PF, POWER_CYCLE, OPS };
#define RAW_OPS USE_VF

struct secondary { uint16_t scid; unsigned vfn; bool online; unsigned count[2]; bool open[2]; };
struct oracle {
	uint16_t pcid;
	unsigned crt, vfs, total_vfs, secondaries;
	bool can_reset, raw, can_cycle;
	struct secondary s[SECONDARIES];
	/* by enum nvme_virt_rt: xxFRT, xxRFAP in force, xxRFAP after the next reset other than Controller Reset, xxFRSM */
	struct { unsigned total, primary, pending, max; } pool[2];
	unsigned elsewhere[2];					/* held by secondaries that the walk leaves alone */
	char trouble[120], wanted[120];				/* what a step saw itself; "" none */
};

static bool in_crt(const struct oracle *o, unsigned rt)
{
	return rt < 2 && o->crt & 1u << rt;
}

static struct secondary *find(struct oracle *o, uint32_t scid)
{
	for (unsigned i = 0; i < o->secondaries; i++)
		if (o->s[i].scid == scid)
			return &o->s[i];
	return NULL;
}

static bool is_enabled(const struct oracle *o, const struct secondary *s)
{
	return s->vfn && s->vfn <= o->vfs;
}

static void strip(struct secondary *s)
{
	s->online = false;
	s->count[0] = s->count[1] = 0;
}

/* --- the start ------------------------------------------------------------------------------------------------------------ */

/* Nothing assigned and two VFs.  Where Offline leaves resources behind, a reset of the primary may not: a short sequence is
 * worth more when it starts from nothing. */
static const struct nvsr_inventory *clean_start(struct nvsr_ctx *t)
{
	unsigned vfs = NVSR_MIN(t->inv->sriov.total_vfs, 2u);
	const struct nvsr_inventory *inv = vf_start(t, vfs) ? nvsr_t_reread(t) : NULL;
	bool held = false;

	for (unsigned i = 0; inv && i < inv->sec_count; i++)
		held |= le16_get(inv->sec[i].nvq) || le16_get(inv->sec[i].nvi);
	if (!held || !(nvsr_dev_can(t->pf) & NVSR_CAN_CTRL_RESET) || nvsr_reset(t->pf, NVSR_RESET_CTRL))
		return inv;
	return nvsr_t_enable_vfs(t, vfs) ? nvsr_t_reread(t) : NULL;
}

static bool start(struct nvsr_ctx *t, void *oracle)
{
	struct oracle *o = oracle;
	const struct nvsr_inventory *inv = clean_start(t);
	unsigned vfs = 0;

	if (!inv)
		return false;
	if (nvsr_get_numvfs(t->pf, &vfs)) {
		nvsr_test_broken(t, __FILE__, __LINE__, "reading the number of VFs");
		return false;
	}
	*o = (struct oracle){ .pcid = nvsr_t_pcid(t), .crt = inv->primary.crt, .vfs = vfs,
			      .total_vfs = inv->sriov.total_vfs, .can_reset = nvsr_dev_can(t->pf) & NVSR_CAN_CTRL_RESET,
			      .raw = nvsr_dev_can(t->pf) & NVSR_CAN_REG_WRITE && nvsr_dev_can(t->pf) & NVSR_CAN_FLR,
			      .can_cycle = nvsr_dev_can(t->pf) & NVSR_CAN_POWER_CYCLE };
	o->pool[NVME_VIRT_RT_VQ].total = le32_get(inv->primary.vqfrt);
	o->pool[NVME_VIRT_RT_VQ].primary = le16_get(inv->primary.vqrfap);
	o->pool[NVME_VIRT_RT_VQ].max = le16_get(inv->primary.vqfrsm);
	o->pool[NVME_VIRT_RT_VI].total = le32_get(inv->primary.vifrt);
	o->pool[NVME_VIRT_RT_VI].primary = le16_get(inv->primary.virfap);
	o->pool[NVME_VIRT_RT_VI].max = le16_get(inv->primary.vifrsm);
	for (unsigned rt = 0; rt < 2; rt++)
		o->pool[rt].pending = o->pool[rt].primary;
	for (unsigned i = 0; i < inv->sec_count; i++) {
		const struct nvme_secondary_ctrl *e = &inv->sec[i];

		if (le16_get(e->scid) == o->pcid)
			continue;
		if (o->secondaries < SECONDARIES && le16_get(e->vfn))
			o->s[o->secondaries++] = (struct secondary){ .scid = le16_get(e->scid), .vfn = le16_get(e->vfn),
				.count = { le16_get(e->nvq), le16_get(e->nvi) } };
		for (unsigned rt = 0; rt < 2 && !find(o, le16_get(e->scid)); rt++)
			o->elsewhere[rt] += vf_count(e, rt);
	}
	if (!o->secondaries)
		nvsr_test_skip(t, "no secondary controller that is a VF");
	return o->secondaries;
}

/* --- the next step ---------------------------------------------------------------------------------------------------------- */

static uint32_t draw_scid(struct walk_random *r, const struct oracle *o)
{
	switch (walk_draw(r, 16)) {
	case 0: return o->pcid;
	case 1: return 0xfffe;		/* nobody's: CNTLID ends at FFEFh */
	default: return o->s[walk_draw(r, o->secondaries)].scid;
	}
}

static bool is_ready(const struct oracle *o, const struct secondary *s)
{
	return is_enabled(o, s) && (!in_crt(o, NVME_VIRT_RT_VQ) || s->count[NVME_VIRT_RT_VQ] >= 2) &&
	       (!in_crt(o, NVME_VIRT_RT_VI) || s->count[NVME_VIRT_RT_VI] >= 1);
}

static bool is_online(const struct oracle *o, const struct secondary *s)
{
	return s->online;
}

/* Mostly a controller for which the step is interesting, where there is one: chance alone would hardly get one Online. */
static uint32_t prefer(struct walk_random *r, const struct oracle *o, bool (*wanted)(const struct oracle *, const struct secondary *))
{
	unsigned first = walk_draw(r, o->secondaries);

	for (unsigned i = 0; walk_draw(r, 5) && i < o->secondaries; i++)
		if (wanted(o, &o->s[(first + i) % o->secondaries]))
			return o->s[(first + i) % o->secondaries].scid;
	return draw_scid(r, o);
}

static uint32_t draw_number(struct walk_random *r, const struct oracle *o, unsigned rt)
{
	unsigned max = in_crt(o, rt) ? o->pool[rt].max : 4;

	switch (walk_draw(r, 12)) {
	case 0: return 0xffff;
	case 1: return max + 1;
	case 2: return max;
	case 3: return walk_draw(r, 2);
	default: return walk_draw(r, NVSR_MIN(max, 12u) + 1);
	}
}

static void draw(struct walk_random *r, const void *oracle, struct walk_step *ret)
{
	static const unsigned weights[OPS] = { [OFFLINE] = 6, [ASSIGN] = 30, [ONLINE] = 16, [RESERVED] = 1,
					       [SHARE_ELSEWHERE] = 1, [SET_VFS] = 3, [RESET_PF] = 1, [RESET_VF] = 3,
					       [USE_VF] = 8, [SHARE] = 3, [FLR_PF] = 1, [SHUTDOWN_PF] = 1,
					       [POWER_CYCLE] = 1 };
	static const uint32_t reserved[] = { 0, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14, 15 };
	const struct oracle *o = oracle;
	unsigned all = 0, op = 0, hit, ops = o->raw ? OPS : RAW_OPS;

	for (unsigned i = 0; i < ops; i++)
		all += weights[i];
	for (hit = walk_draw(r, all); hit >= weights[op]; op++)
		hit -= weights[op];
	*ret = (struct walk_step){ .op = op };
	if (op == ONLINE)
		ret->a = prefer(r, o, is_ready);
	else if (op == USE_VF || op == RESET_VF)
		ret->a = prefer(r, o, is_online);
	else
		ret->a = op == ASSIGN ? prefer(r, o, is_enabled) : draw_scid(r, o);
	if (op == ASSIGN || op == SHARE) {
		ret->b = walk_draw(r, 2);
		ret->c = op == SHARE && !walk_draw(r, 6) ? o->pool[ret->b].total + walk_draw(r, 2) : draw_number(r, o, ret->b);
	} else if (op == RESERVED) {
		ret->b = reserved[walk_draw(r, NVSR_ARRAY_SIZE(reserved))];
	} else if (op == SET_VFS) {
		ret->b = walk_draw(r, NVSR_MIN(o->total_vfs, SECONDARIES) + 1);
	}
}

/* --- what the clauses allow -------------------------------------------------------------------------------------------------- */

/* Every error that applies is right where several do: no clause gives them an order. */
static void predict_assign(const struct oracle *o, const struct secondary *s, const struct walk_step *st, struct walk_allowed *w)
{
	unsigned rt = st->b, nr = st->c, others = 0, held;
	bool fits;

	if (!in_crt(o, rt)) {
		walk_allow(w, NVME_SC_INVALID_RESOURCE_ID);	/* VIRT-20 */
		if (s->online)
			walk_allow(w, NVME_SC_INVALID_SEC_STATE);
		return;
	}
	for (unsigned i = 0; i < o->secondaries; i++)
		others += &o->s[i] == s ? 0 : o->s[i].count[rt];
	others += o->elsewhere[rt];
	/* A share of the primary that is pending may count already, or not yet. */
	held = NVSR_MAX(o->pool[rt].primary, o->pool[rt].pending);
	fits = nr + others + o->pool[rt].primary <= o->pool[rt].total;
	if (s->online)
		walk_allow(w, NVME_SC_INVALID_SEC_STATE);	/* VIRT-32 */
	if (nr > o->pool[rt].max)
		walk_allow(w, NVME_SC_INVALID_NUM_RESOURCES);	/* VIRT-34 */
	/* "Remaining" may or may not count what this controller holds already: only beyond both readings is it clear. */
	if (!fits || nr + others + held + s->count[rt] > o->pool[rt].total)
		walk_allow(w, NVME_SC_INVALID_RESOURCE_ID);
	if (!s->online && nr <= o->pool[rt].max && fits) {
		walk_allow(w, 0);
		if (nr < (rt == NVME_VIRT_RT_VQ ? 2u : 1u))
			walk_allow(w, NVME_SC_INVALID_NUM_RESOURCES);	/* VIRT-35: left open */
	}
}

static void predict_online(const struct oracle *o, const struct secondary *s, struct walk_allowed *w)
{
	walk_allow(w, is_ready(o, s) || s->online ? 0 : NVME_SC_INVALID_SEC_STATE);	/* VIRT-37, 38, 40, 41 */
}

/* Primary Flexible Allocation, VIRT-24 to 28. */
static void predict_share(const struct oracle *o, const struct walk_step *st, struct walk_allowed *w)
{
	unsigned rt = st->b, held = 0;

	if (!in_crt(o, rt)) {
		walk_allow(w, NVME_SC_INVALID_RESOURCE_ID);
		return;
	}
	for (unsigned i = 0; i < o->secondaries; i++)
		held += o->s[i].count[rt];
	held += o->elsewhere[rt];
	if (st->c > o->pool[rt].total)
		walk_allow(w, NVME_SC_INVALID_NUM_RESOURCES);
	if (st->c + held > o->pool[rt].total)
		walk_allow(w, NVME_SC_INVALID_RESOURCE_ID);
	if (!w->n)
		walk_allow(w, 0);
}

static void predict(const void *oracle, const struct walk_step *st, struct walk_allowed *w)
{
	struct oracle *o = (struct oracle *)(uintptr_t)oracle;
	const struct secondary *s = find(o, st->a);

	switch (st->op) {
	case OFFLINE:
	case ASSIGN:
	case ONLINE:
		if (!s)
			walk_allow(w, NVME_SC_INVALID_CTRL_ID);	/* VIRT-31 */
		if (!s && st->op == ASSIGN && !in_crt(o, st->b))
			walk_allow(w, NVME_SC_INVALID_RESOURCE_ID);
		if (!s && st->op == ASSIGN && in_crt(o, st->b) && st->c > o->pool[st->b].max)
			walk_allow(w, NVME_SC_INVALID_NUM_RESOURCES);
		if (!s)
			return;
		if (st->op == ASSIGN)
			predict_assign(o, s, st, w);
		else if (st->op == ONLINE)
			predict_online(o, s, w);
		else
			walk_allow(w, 0);			/* VIRT-29, 30 */
		return;
	case RESERVED:
		walk_allow(w, NVME_SC_INVALID_FIELD);		/* VIRT-23 */
		if (!s)
			walk_allow(w, NVME_SC_INVALID_CTRL_ID);
		return;
	case SHARE_ELSEWHERE:
		walk_allow(w, NVME_SC_INVALID_CTRL_ID);		/* VIRT-24 */
		return;
	case SHARE:
		predict_share(o, st, w);
		return;
	default:
		walk_allow(w, 0);
	}
}

/* --- doing it ------------------------------------------------------------------------------------------------------------------ */

/* The reset between Assign and Online that Base 8.26.3 asks the host for. */
static int reset_vf(struct nvsr_ctx *t, const struct oracle *o, const struct secondary *s)
{
	struct nvsr_dev *vf;
	int rc;

	if (!s || !is_enabled(o, s))
		return 0;
	rc = nvsr_dev_open_vf(t->pf, s->vfn, &vf);
	if (rc)
		return rc;
	rc = nvsr_dev_can(vf) & NVSR_CAN_FLR ? nvsr_reset(vf, NVSR_RESET_FLR) : 0;
	nvsr_dev_close(vf);
	return rc;
}

static int set_vfs(struct nvsr_ctx *t, unsigned n)
{
	int rc = nvsr_set_numvfs(t->pf, 0);

	return rc || !n ? rc : nvsr_set_numvfs(t->pf, n);
}

static bool see(struct oracle *o, bool held, const char *wanted, unsigned want, unsigned seen)
{
	if (held || o->trouble[0])
		return held;
	snprintf(o->wanted, sizeof(o->wanted), "%s: %u", wanted, want);
	snprintf(o->trouble, sizeof(o->trouble), "%u", seen);
	return false;
}

/* An Online controller works with exactly its resources, also when it is taken Online again; an Offline one never works. */
static int use_vf(struct nvsr_ctx *t, struct oracle *o, const struct secondary *s)
{
	struct nvsr_dev *vf;
	uint32_t granted = 0, mxc = 0;
	unsigned cap = 0;
	int rc;

	if (!s || !is_enabled(o, s))
		return 0;
	rc = nvsr_dev_open_vf(t->pf, s->vfn, &vf);
	if (rc)
		return rc;
	if (!s->online)
		see(o, vf_csts(vf) & NVME_CSTS_CFS, "CSTS.CFS of an Offline controller", 1, 0);
	rc = nvsr_ctrl_enable(vf);
	see(o, (rc == 0) == s->online, "an Online controller becomes ready (1), an Offline one does not (0)", s->online, rc == 0);
	if (!rc && s->online && !nvsr_set_feature(vf, NVME_FEAT_NUM_QUEUES, 0, 0xfffeu << 16 | 0xfffe, NULL, 0, &granted) &&
	    in_crt(o, NVME_VIRT_RT_VQ))
		see(o, (granted & 0xffff) + 2 <= s->count[0] && (granted >> 16) + 2 <= s->count[0],
		    "I/O queues granted with the admin queue, at most", s->count[0], (granted & 0xffff) + 2);
	if (s->online && in_crt(o, NVME_VIRT_RT_VI) && !nvsr_cfg_find_cap(vf, PCI_CAP_MSIX, &cap) && cap &&
	    !nvsr_cfg_read(vf, cap + PCI_MSIX_CTRL, 2, &mxc))
		see(o, (mxc & PCI_MSIX_CTRL_TS) + 1 == s->count[1], "vectors of the MSI-X table", s->count[1],
		    (mxc & PCI_MSIX_CTRL_TS) + 1);
	if (!rc && s->online) {
		see(o, !nvsr_virt_mgmt(t->pf, s->scid, 0, NVME_VIRT_ONLINE, 0, NULL), "Online again succeeds", 1, 0);
		see(o, vf_csts(vf) & NVME_CSTS_RDY, "CSTS.RDY after Online again", 1, 0);
	}
	nvsr_dev_close(vf);
	return 0;
}

/* While the primary is shut down only registers of the VFs can tell that their controllers are Offline, VIRT-42, 50. */
static void see_offline(struct nvsr_ctx *t, struct oracle *o)
{
	for (unsigned i = 0; i < o->secondaries; i++) {
		struct nvsr_dev *vf;

		if (!o->s[i].online || nvsr_dev_open_vf(t->pf, o->s[i].vfn, &vf))
			continue;
		see(o, vf_csts(vf) & NVME_CSTS_CFS, "CSTS.CFS of a VF while the primary is shut down", 1, 0);
		nvsr_dev_close(vf);
	}
}

/* The primary comes back, with as many VFs as the access method leaves: *ret_vfs. */
static int reset_primary(struct nvsr_ctx *t, struct oracle *o, enum op op, uint32_t *ret_vfs)
{
	int rc;

	if (op == SHUTDOWN_PF)
		rc = nvsr_ctrl_shutdown(t->pf, false);
	else if (op == POWER_CYCLE)
		rc = o->can_cycle ? nvsr_reset(t->pf, NVSR_RESET_POWER) : 0;
	else
		rc = nvsr_reset(t->pf, NVSR_RESET_FLR);
	if (!rc && op == SHUTDOWN_PF) {
		see_offline(t, o);
		rc = nvsr_ctrl_disable(t->pf);
		rc = rc ? rc : nvsr_ctrl_enable(t->pf);
	}
	return rc ? rc : nvsr_get_numvfs(t->pf, ret_vfs);
}

static int apply(struct nvsr_ctx *t, const void *oracle, const struct walk_step *st, uint32_t *ret_dw0)
{
	struct oracle *o = (struct oracle *)(uintptr_t)oracle;
	const struct secondary *s = find(o, st->a);
	int rc;

	switch (st->op) {
	case OFFLINE:
		return nvsr_virt_mgmt(t->pf, (uint16_t)st->a, 0, NVME_VIRT_OFFLINE, 0, NULL);
	case ASSIGN:
		return nvsr_virt_mgmt(t->pf, (uint16_t)st->a, st->b, NVME_VIRT_ASSIGN, st->c, ret_dw0);
	case ONLINE:
		rc = s && !s->online ? reset_vf(t, o, s) : 0;
		return rc ? rc : nvsr_virt_mgmt(t->pf, (uint16_t)st->a, 0, NVME_VIRT_ONLINE, 0, NULL);
	case RESERVED:
		return nvsr_virt_mgmt(t->pf, (uint16_t)st->a, 0, st->b, 0, NULL);
	case SHARE_ELSEWHERE:
		return nvsr_virt_mgmt(t->pf, st->a == o->pcid ? 0xfffe : (uint16_t)st->a, 0, NVME_VIRT_PRIMARY_FLEXIBLE, 0, NULL);
	case SET_VFS:
		return set_vfs(t, st->b);
	case RESET_PF:
		return o->can_reset ? nvsr_reset(t->pf, NVSR_RESET_CTRL) : 0;
	case USE_VF:
		return use_vf(t, o, s);
	case SHARE:
		return nvsr_virt_mgmt(t->pf, o->pcid, st->b, NVME_VIRT_PRIMARY_FLEXIBLE, st->c, ret_dw0);
	case FLR_PF:
	case SHUTDOWN_PF:
	case POWER_CYCLE:
		return reset_primary(t, o, st->op, ret_dw0);
	default:
		return reset_vf(t, o, s);
	}
}

static void follow(void *oracle, const struct walk_step *st, int rc, uint32_t dw0)
{
	struct oracle *o = oracle;
	struct secondary *s = find(o, st->a);

	if (rc)
		return;
	switch (st->op) {
	case OFFLINE:
		strip(s);
		break;
	case ASSIGN:
		s->count[st->b] = dw0;		/* NRM: granularity may round, VIRT-10, 33 */
		break;
	case ONLINE:
		s->online = true;
		break;
	case SET_VFS:
		/* VIRT-51 strips the VFs that were enabled; of the others no clause speaks: follow the device. */
		for (unsigned i = 0; i < o->secondaries; i++) {
			bool was = is_enabled(o, &o->s[i]);

			if (was)
				strip(&o->s[i]);
			o->s[i].open[0] = o->s[i].open[1] = !was;
		}
		o->vfs = st->b;
		break;
	case RESET_PF:
		for (unsigned i = 0; o->can_reset && i < o->secondaries; i++)
			strip(&o->s[i]);	/* VIRT-49 */
		break;
	case SHARE:
		o->pool[st->b].pending = dw0;	/* NRM */
		break;
	case POWER_CYCLE:
		if (!o->can_cycle)
			break;
		/* fall through */
	case FLR_PF:
		for (unsigned rt = 0; rt < 2; rt++)
			o->pool[rt].primary = o->pool[rt].pending;	/* VIRT-26 */
		/* fall through */
	case SHUTDOWN_PF:
		for (unsigned i = 0; i < o->secondaries; i++)
			strip(&o->s[i]);	/* VIRT-49, 50 */
		o->vfs = dw0;
		break;
	}
}

/* --- what the device shows ------------------------------------------------------------------------------------------------------ */

static bool differ(const char *what, unsigned id, unsigned want, unsigned seen, char *expected, char *observed, size_t len)
{
	snprintf(expected, len, "%s of %u = %u", what, id, want);
	snprintf(observed, len, "%u", seen);
	return false;
}

static bool compare_entry(const struct oracle *o, struct secondary *s, const struct nvme_secondary_ctrl *e, char *expected,
			  char *observed, size_t len)
{
	static const char *const names[2] = { "NVQ", "NVI" };

	if ((e->scs & NVME_SCS_ONLINE) != s->online)
		return differ("SCS", s->scid, s->online, e->scs & NVME_SCS_ONLINE, expected, observed, len);
	for (unsigned rt = 0; rt < 2; rt++) {
		if (s->open[rt])
			s->count[rt] = vf_count(e, rt);
		s->open[rt] = false;
		if (in_crt(o, rt) && vf_count(e, rt) != s->count[rt])
			return differ(names[rt], s->scid, s->count[rt], vf_count(e, rt), expected, observed, len);
	}
	return true;
}

static bool compare_pools(const struct oracle *o, const struct nvme_primary_caps *p, char *expected, char *observed, size_t len)
{
	const struct { const char *name; unsigned assigned, primary; } shown[2] = {
		{ "VQRFA", le32_get(p->vqrfa), le16_get(p->vqrfap) }, { "VIRFA", le32_get(p->virfa), le16_get(p->virfap) },
	};

	for (unsigned rt = 0; rt < 2; rt++) {
		unsigned sum = o->elsewhere[rt];

		for (unsigned i = 0; i < o->secondaries; i++)
			sum += o->s[i].count[rt];
		if (!in_crt(o, rt))
			continue;
		if (shown[rt].assigned != sum)		/* VIRT-08, 09 */
			return differ(shown[rt].name, o->pcid, sum, shown[rt].assigned, expected, observed, len);
		if (shown[rt].primary != o->pool[rt].primary)
			return differ("flexible resources of the primary", o->pcid, o->pool[rt].primary, shown[rt].primary,
				      expected, observed, len);
	}
	return true;
}

static bool compare(struct nvsr_ctx *t, void *oracle, char *expected, char *observed, size_t len)
{
	_cleanup_free_ struct nvme_secondary_ctrl *sec = NULL;
	struct oracle *o = oracle;
	struct nvme_primary_caps caps;
	unsigned n = 0, seen = 0;
	int rc = nvsr_secondary_list(t->pf, &sec, &n);

	if (o->trouble[0]) {
		snprintf(expected, len, "%s", o->wanted);
		snprintf(observed, len, "%s", o->trouble);
		return false;
	}
	if (!rc)
		rc = nvsr_identify(t->pf, NVME_CNS_PRIMARY_CAPS, 0, o->pcid, &caps);
	if (rc) {
		snprintf(expected, len, "CNS 14h and 15h answer");
		snprintf(observed, len, "%s", nvsr_rc_text(rc));
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		struct secondary *s = find(o, le16_get(sec[i].scid));

		seen += s != NULL;
		if (s && !compare_entry(o, s, &sec[i], expected, observed, len))
			return false;
	}
	if (seen != o->secondaries)
		return differ("entries of the secondaries", o->pcid, o->secondaries, seen, expected, observed, len);
	return compare_pools(o, &caps, expected, observed, len);
}

static void print(const void *oracle, const struct walk_step *st, char *buf, size_t len)
{
	static const unsigned act[] = { [OFFLINE] = NVME_VIRT_OFFLINE, [ASSIGN] = NVME_VIRT_ASSIGN, [ONLINE] = NVME_VIRT_ONLINE };
	const struct oracle *o = oracle;

	switch (st->op) {
	case OFFLINE:
	case ASSIGN:
	case ONLINE:
		snprintf(buf, len, "nvme virt-mgmt $PF -c %u -r %u -n %u -a %u", st->a, st->op == ASSIGN ? st->b : 0,
			 st->op == ASSIGN ? st->c : 0, act[st->op]);
		break;
	case RESERVED:
		snprintf(buf, len, "nvme admin-passthru $PF -o 0x1c --cdw10=0x%08x", st->a << 16 | st->b);
		break;
	case SHARE_ELSEWHERE:
		snprintf(buf, len, "nvme virt-mgmt $PF -c %u -r 0 -n 0 -a 1", st->a == o->pcid ? 0xfffe : st->a);
		break;
	case SET_VFS:
		snprintf(buf, len, "echo 0 > sriov_numvfs; echo %u > sriov_numvfs", st->b);
		break;
	case RESET_PF:
		snprintf(buf, len, "nvme reset $PF");
		break;
	case USE_VF:
		snprintf(buf, len, "echo $VF > drivers/nvme/bind; nvme id-ctrl $VF   # of controller %u", st->a);
		break;
	case SHARE:
		snprintf(buf, len, "nvme virt-mgmt $PF -c %u -r %u -n %u -a 1", o->pcid, st->b, st->c);
		break;
	case FLR_PF:
		snprintf(buf, len, "echo 1 > reset   # of the PF");
		break;
	case SHUTDOWN_PF:
		snprintf(buf, len, "echo $PF > drivers/nvme/unbind; echo $PF > drivers/nvme/bind");
		break;
	case POWER_CYCLE:
		snprintf(buf, len, "power off and on");
		break;
	default:
		snprintf(buf, len, "echo 1 > reset   # of the VF with controller %u", st->a);
		break;
	}
}

static const struct walk secondaries = {
	.name = "vf.walk", .oracle_size = sizeof(struct oracle), .start = start, .draw = draw, .predict = predict,
	.apply = apply, .follow = follow, .compare = compare, .print = print,
};

static void secondaries_agree(struct nvsr_ctx *t)
{
	walk_run(t, &secondaries, nvsr_dev_can(t->pf) & NVSR_CAN_QUEUES ? 3000 : 40);
}

/* What the walk finds by itself, without the tests that look for it. */
static const char *const caught[] = {
	"crt-hides-vq", "crt-hides-vi", "vqrfa-not-counted", "virfa-not-counted", "vqfrsm-above-total",
	"granularity-enforced", "secondary-list-only-enabled", "vfn-zero-based", "vfn-permuted",
	"virt-mgmt-swaps-types", "virt-mgmt-nrm-zero", "virt-mgmt-old-actions", "primary-share-any-cntlid",
	"primary-share-at-once", "primary-share-at-controller-reset", "primary-share-never", "primary-share-once",
	"primary-share-volatile", "primary-share-unchecked", "primary-share-ignores-assigned",
	"too-many-status-swapped", "offline-keeps-resources", "offline-stays-online", "offline-hits-all",
	"offline-again-refused", "offline-again-keeps-resources", "virt-mgmt-any-cntlid",
	"virt-mgmt-cntlid-wrong-status", "assign-while-online", "assign-online-aborts-but-changes",
	"assign-nrm-lies", "vi-assign-refused", "assign-adds", "assign-vi-clears-vq", "assign-locked-by-online",
	"assign-over-max", "assign-over-pool", "assign-too-few-refused", "pool-ignores-primary",
	"online-with-one-vq", "online-without-vi", "online-without-resources", "online-again-refused",
	"online-again-resets", "online-without-vf", "online-ignored", "online-refused-after-flr",
	"num-queues-ignores-nvq", "vf-msix-fixed-size", "primary-reset-keeps-resources",
	"primary-reset-keeps-secondaries", "vf-disable-keeps-resources", "vf-reset-goes-offline",
	"vf-flr-strips-resources", "power-cycle-restores-secondaries", "vf-answers-as-pf", "vfe-reads-zero",
	"vf-answers-without-vfe", "vfs-linger", "vf-enable-slow", "last-vf-missing", "numvfs-stuck-after-disable",
	"vf-offset-zero", "stride-zero", "vf-rid-lower-bus", "vf-rid-shifted", "vf-bar-not-pow2",
	"vf-bar-size-of-all", "vf-bar-unaligned", "vf-bar-io", "vf-aperture-aliases", "vf-apertures-swapped",
	"vf-no-flr-cap", "pf-no-flr-cap", "vf-no-express-cap", "vf-flr-stalls-pf", "vf-flr-hangs",
	"vf-flr-clears-vf-mse", "vf-flr-clears-vf-bar", "vfs-outlive-pf-flr", "vf-flr-clears-numvfs",
	"msix-ts-wrong", "phase-not-inverted", "vf-bar-32bit", "ctrl-reset-clears-sriov", "ctrl-reset-clears-bme",
	"offline-cfs-clear", "online-cfs-stays", "vf-never-ready", "ready-after-timeout", NULL
};

static const struct nvsr_test tests[] = {
	{ .id = "secondaries-agree", .title = "thousands of random steps leave secondary controllers as the clauses say",
	  .requirements = REQS("VIRT-08", "VIRT-09", "VIRT-15", "VIRT-20", "VIRT-29", "VIRT-30", "VIRT-31", "VIRT-32", "VIRT-33",
			       "VIRT-34", "VIRT-36", "VIRT-37", "VIRT-38", "VIRT-40", "VIRT-41", "VIRT-49", "VIRT-50",
			       "VIRT-51"),
	  .needs = VF_NEEDS, .limit_s = 120, .caught_by = caught, .run = secondaries_agree },
};
const struct nvsr_group nvsr_vf_walk = NVSR_GROUP("vf.walk", tests);
