// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A random walk over namespaces: create, delete, attach and detach with good and bad arguments on the PF and two VFs, and
 * resets between, against an oracle of Base 5.22 and 5.23.  After every step the lists (CNS 02h, 10h, 12h), the
 * structures (CNS 11h) and the unallocated capacity must be what the oracle says.
 */
#include "suites/walk.h"
#include "common.h"

#define SLOTS 6		/* namespaces of the walk */
#define CTRLS 3		/* the PF and two VFs */
#define BASELINE 1024	/* namespaces that were there before */

enum op { CREATE, CREATE_WRONG, DELETE, ATTACH, DETACH, ATTACH_LIST, DETACH_LIST, RESET_PF, OPS };
/* Targets that are no slot. */
enum { UNALLOCATED = SLOTS, NSID_0, NSID_ABOVE, NSID_BROADCAST, TARGETS };
enum wrong { CAPACITY_DIFFERS, NO_SUCH_FORMAT, TOO_LARGE, NO_SUCH_CSI, SET_WITHOUT_GROUP, PROTECTED, WRONGS };
#define LIST_TOO_LONG (1u << CTRLS)	/* as a mask of controllers: count 2,048 */
#define NOBODY CTRLS	/* a controller id that nobody has */

struct slot { uint32_t nsid; uint64_t blocks, bytes; bool shared, attached[CTRLS]; };
struct oracle {
	uint16_t cntlid[CTRLS];
	unsigned ctrls;
	uint32_t nn, most, baseline[BASELINE];
	unsigned baseline_count, block_bytes;
	uint64_t unallocated;		/* UNVMCAP without namespaces of the walk; 0 = not reported */
	bool thin, limits, can_reset, started;
	unsigned formats;		/* LBA formats that the device offers */
	bool protection;		/* end-to-end protection is possible with format 0 */
	struct slot ns[SLOTS];
};

static bool is_used(const struct oracle *o, uint32_t nsid)
{
	for (unsigned i = 0; i < o->baseline_count; i++)
		if (o->baseline[i] == nsid)
			return true;
	for (unsigned i = 0; i < SLOTS; i++)
		if (o->ns[i].nsid == nsid)
			return true;
	return false;
}

static uint32_t target(const struct oracle *o, uint32_t t)
{
	uint32_t free = 1;

	while (free < o->nn && is_used(o, free))
		free++;
	switch (t) {
	case NSID_0: return 0;
	case NSID_ABOVE: return o->nn + 1;
	case NSID_BROADCAST: return NVME_NSID_ALL;
	default: return t < SLOTS && o->ns[t].nsid ? o->ns[t].nsid : free;
	}
}

static const struct slot *slot(const struct oracle *o, uint32_t t)
{
	return t < SLOTS && o->ns[t].nsid ? &o->ns[t] : NULL;
}

static unsigned attachments(const struct slot *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CTRLS; i++)
		n += s->attached[i];
	return n;
}

/* --- the start -------------------------------------------------------------------------------------------------------------- */

/* What earlier sequences left behind. */
static int remove_rest(struct nvsr_ctx *t, const struct oracle *o)
{
	uint32_t list[BASELINE];
	unsigned n = 0;
	int rc = nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, list, BASELINE, &n);

	for (unsigned i = 0; !rc && i < n; i++) {
		bool ours = true;

		for (unsigned k = 0; k < o->baseline_count && ours; k++)
			ours = o->baseline[k] != list[i];
		rc = ours ? nvsr_ns_delete(t->pf, list[i]) : 0;
	}
	return rc;
}

static bool first_start(struct nvsr_ctx *t, struct oracle *o)
{
	struct nvme_id_ns common = { .nsfeat = 0 };
	int rc;

	if (!nsm_can_create(t))
		return false;
	o->cntlid[o->ctrls++] = nvsr_t_pcid(t);
	for (unsigned vfn = 1; vfn < CTRLS && vfn <= t->inv->sriov.total_vfs; vfn++) {
		int id = nsm_second(t, vfn);

		if (id < 0)
			return false;
		o->cntlid[o->ctrls++] = (uint16_t)id;
	}
	rc = nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, o->baseline, BASELINE, &o->baseline_count);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "CNS 10h: %s", nvsr_rc_text(rc));
	nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &common);
	o->thin = common.nsfeat & NVME_NSFEAT_THIN;
	o->formats = common.nlbaf + 1u;
	o->protection = common.dpc && le16_get(common.lbaf[0].ms);
	o->block_bytes = nsm_block_bytes(t);
	o->started = !rc && o->block_bytes;
	return o->started;
}

static bool start(struct nvsr_ctx *t, void *oracle)
{
	struct oracle *o = oracle;
	struct nvme_id_ctrl id;
	int rc;

	if (!o->started && !first_start(t, o))
		return false;
	memset(o->ns, 0, sizeof(o->ns));
	rc = remove_rest(t, o);
	if (!rc)
		rc = nvsr_id_ctrl(t->pf, &id);
	if (rc) {
		nvsr_test_broken(t, __FILE__, __LINE__, "removing namespaces: %s", nvsr_rc_text(rc));
		return false;
	}
	o->nn = le32_get(id.nn);
	o->most = le32_get(id.mnan) ? le32_get(id.mnan) : o->nn;
	o->unallocated = le128_get(id.tnvmcap, NULL) ? le128_get(id.unvmcap, NULL) : 0;
	o->limits = le128_get(id.maxdna, NULL) || le32_get(id.maxcna);
	o->can_reset = nvsr_dev_can(t->pf) & NVSR_CAN_CTRL_RESET;
	return true;
}

/* --- the next step ---------------------------------------------------------------------------------------------------------- */

static void draw(struct walk_random *r, const void *oracle, struct walk_step *ret)
{
	static const unsigned weights[OPS] = { [CREATE] = 12, [CREATE_WRONG] = 3, [DELETE] = 7, [ATTACH] = 24, [DETACH] = 14,
					       [ATTACH_LIST] = 8, [DETACH_LIST] = 4, [RESET_PF] = 1 };
	const struct oracle *o = oracle;
	unsigned all = 0, op = 0, hit;

	for (unsigned i = 0; i < OPS; i++)
		all += weights[i];
	for (hit = walk_draw(r, all); hit >= weights[op]; op++)
		hit -= weights[op];
	*ret = (struct walk_step){ .op = op };
	switch (op) {
	case CREATE:
		*ret = (struct walk_step){ op, walk_draw(r, SLOTS), walk_draw(r, 2), 1 + walk_draw(r, 4) };
		break;
	case CREATE_WRONG:
		ret->b = walk_draw(r, WRONGS);
		ret->c = o->formats + walk_draw(r, 15);
		ret->c = NVSR_MIN(ret->c, 15u);
		break;
	case DELETE:		/* never the broadcast: namespaces that were there before stay */
		ret->a = walk_draw(r, 5) ? walk_draw(r, SLOTS) : UNALLOCATED + walk_draw(r, NSID_BROADCAST - UNALLOCATED);
		break;
	case ATTACH:
	case DETACH:
		ret->a = walk_draw(r, 10) ? walk_draw(r, SLOTS) : UNALLOCATED + walk_draw(r, TARGETS - UNALLOCATED);
		ret->b = walk_draw(r, 12) ? walk_draw(r, o->ctrls) : NOBODY;
		break;
	case ATTACH_LIST:
	case DETACH_LIST:
		ret->a = walk_draw(r, SLOTS);
		ret->b = walk_draw(r, 20) ? walk_draw(r, 1u << o->ctrls) : LIST_TOO_LONG;
		ret->c = !walk_draw(r, 5);	/* one more id behind the list, not counted */
		break;
	}
}

/* --- what the clauses allow -------------------------------------------------------------------------------------------------- */

static void predict_create(const struct oracle *o, const struct walk_step *st, struct walk_allowed *w)
{
	unsigned n = o->baseline_count;
	uint64_t need = (uint64_t)st->c << 20;

	for (unsigned i = 0; i < SLOTS; i++) {
		n += o->ns[i].nsid != 0;
		need += o->ns[i].bytes;
	}
	if (slot(o, st->a)) {
		walk_allow(w, 0);	/* the slot is taken: nothing is done */
		return;
	}
	if (n < o->most)
		walk_allow(w, 0);
	else
		walk_allow(w, NVME_SC_NSID_UNAVAILABLE);		/* NSM-22 */
	/* Granularity may cost more than the size asked for: twice as much is taken for possible. */
	if (2 * need > o->unallocated)
		walk_allow(w, NVME_SC_NS_INSUFFICIENT_CAP);		/* NSM-21 */
}

static void predict_wrong(const struct oracle *o, enum wrong which, struct walk_allowed *w)
{
	static const int status[WRONGS] = { NVME_SC_THIN_NOT_SUPPORTED, NVME_SC_INVALID_FORMAT, NVME_SC_NS_INSUFFICIENT_CAP,
					   NVME_SC_IOCS_NOT_SUPPORTED, NVME_SC_INVALID_FIELD, NVME_SC_INVALID_FORMAT };

	walk_allow(w, status[which]);					/* NSM-23, 24, 21, 24, 25, 24 */
	if ((which == NO_SUCH_FORMAT && o->formats > 15) || (which == PROTECTED && o->protection))
		walk_allow(w, 0);					/* the device offers it */
	if (which == CAPACITY_DIFFERS && o->thin)
		walk_allow(w, 0);
	/* A controller at its limits may say that instead. */
	walk_allow(w, NVME_SC_NSID_UNAVAILABLE);
	walk_allow(w, NVME_SC_NS_INSUFFICIENT_CAP);
}

static void predict_attachment(const struct oracle *o, const struct walk_step *st, struct walk_allowed *w)
{
	const struct slot *s = slot(o, st->a);
	bool attach = st->op == ATTACH, known = st->b < o->ctrls, attached = s && known && s->attached[st->b];

	if (st->a == NSID_0 || st->a == NSID_ABOVE)
		walk_allow(w, NVME_SC_INVALID_NS);			/* NSM-05 */
	else if (!s)
		walk_allow(w, NVME_SC_INVALID_FIELD);			/* NSM-06, 39 */
	if (st->a == NSID_BROADCAST)
		walk_allow(w, NVME_SC_INVALID_NS);			/* 0/02h is only a "should" */
	if (!known)
		walk_allow(w, NVME_SC_CTRL_LIST_INVALID);		/* NSM-37 */
	if (s && attach && attached)
		walk_allow(w, NVME_SC_NS_ALREADY_ATTACHED);		/* NSM-34 */
	if (s && attach && !attached && !s->shared && attachments(s))
		walk_allow(w, NVME_SC_NS_IS_PRIVATE);			/* NSM-35 */
	if (s && known && !attach && !attached)
		walk_allow(w, NVME_SC_NS_NOT_ATTACHED);			/* NSM-36 */
	if (!w->n)
		walk_allow(w, 0);
	if (attach && o->limits)
		walk_allow(w, NVME_SC_ATTACH_LIMIT);			/* NSM-40 */
}

/* Controllers of a mask in ascending order of their ids: ids[] gets them, *order their indexes. */
static unsigned list_of(const struct oracle *o, uint32_t mask, uint16_t ids[CTRLS], unsigned order[CTRLS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->ctrls; i++)
		if (mask & 1u << i)
			ids[n++] = o->cntlid[i];
	qsort(ids, n, sizeof(ids[0]), nsm_cmp_id);
	for (unsigned k = 0; k < n; k++)
		for (unsigned i = 0; i < o->ctrls; i++)
			if (o->cntlid[i] == ids[k])
				order[k] = i;
	return n;
}

/* What a list does: entries take effect one by one up to the one that fails, NSM-38.  The status of that one. */
static int list_effect(const struct oracle *o, const struct walk_step *st, struct slot *s)
{
	bool attach = st->op == ATTACH_LIST;
	unsigned order[CTRLS] = { 0 };
	uint16_t ids[CTRLS] = { 0 };
	unsigned n = list_of(o, st->b, ids, order);

	if (st->b == LIST_TOO_LONG || !n)
		return NVME_SC_CTRL_LIST_INVALID;			/* NSM-37 */
	for (unsigned k = 0; k < n; k++) {
		bool *attached = &s->attached[order[k]];

		if (*attached == attach)
			return attach ? NVME_SC_NS_ALREADY_ATTACHED : NVME_SC_NS_NOT_ATTACHED;
		if (attach && !s->shared && attachments(s))
			return NVME_SC_NS_IS_PRIVATE;
		*attached = attach;
	}
	return 0;
}

static void predict_list(const struct oracle *o, const struct walk_step *st, struct walk_allowed *w)
{
	const struct slot *s = slot(o, st->a);
	struct slot copy = s ? *s : (struct slot){ 0 };

	if (!s) {
		walk_allow(w, NVME_SC_INVALID_FIELD);
		if (st->b == LIST_TOO_LONG || !st->b)
			walk_allow(w, NVME_SC_CTRL_LIST_INVALID);
		return;
	}
	walk_allow(w, list_effect(o, st, &copy));
}

static void predict(const void *oracle, const struct walk_step *st, struct walk_allowed *w)
{
	const struct oracle *o = oracle;

	switch (st->op) {
	case CREATE:
		predict_create(o, st, w);
		return;
	case CREATE_WRONG:
		predict_wrong(o, st->b, w);
		return;
	case DELETE:							/* NSM-28, 30 */
		walk_allow(w, slot(o, st->a) ? 0 : st->a == NSID_0 || st->a == NSID_ABOVE ? NVME_SC_INVALID_NS : NVME_SC_INVALID_FIELD);
		return;
	case RESET_PF:
		walk_allow(w, 0);
		return;
	case ATTACH_LIST:
	case DETACH_LIST:
		predict_list(o, st, w);
		return;
	default:
		predict_attachment(o, st, w);
	}
}

/* --- doing it ------------------------------------------------------------------------------------------------------------------ */

static int create_wrong(struct nvsr_ctx *t, const struct oracle *o, enum wrong which, uint8_t format)
{
	struct nvme_id_ns host;
	uint32_t nsid;

	nsm_host_fields(&host, (1u << 20) / o->block_bytes, false);
	if (which == CAPACITY_DIFFERS)
		host.ncap = le64(le64_get(host.nsze) / 2);
	else if (which == NO_SUCH_FORMAT)
		host.flbas = format;
	else if (which == SET_WITHOUT_GROUP)
		host.nvmsetid = le16(1);
	else if (which == PROTECTED)
		host.dps = 1;
	else if (which == TOO_LARGE)
		host.nsze = host.ncap = le64(1ull << 50);
	return nsm_create_raw(t->pf, &host, which == NO_SUCH_CSI ? 0xff : 0, &nsid);
}

static int apply_list(struct nvsr_ctx *t, const struct oracle *o, const struct walk_step *st, uint32_t nsid)
{
	unsigned order[CTRLS] = { 0 }, n;
	uint16_t ids[CTRLS] = { 0 };

	n = list_of(o, st->b == LIST_TOO_LONG ? 1 : st->b, ids, order);
	if (st->c && n < o->ctrls) {
		uint16_t rest[CTRLS] = { 0 };

		list_of(o, ~st->b, rest, order);
		ids[n] = rest[0];
	}
	return nsm_attachment(t->pf, nsid, st->op == ATTACH_LIST ? NVME_NS_ATTACH : NVME_NS_DETACH,
			      st->b == LIST_TOO_LONG ? 2048 : n, ids, n + (st->c && n < o->ctrls));
}

static int apply(struct nvsr_ctx *t, const void *oracle, const struct walk_step *st, uint32_t *ret_dw0)
{
	const struct oracle *o = oracle;
	uint32_t nsid = target(o, st->a);
	uint16_t cntlid = st->b < o->ctrls ? o->cntlid[st->b] : 0xfffe;

	switch (st->op) {
	case CREATE:
		if (slot(o, st->a))
			return 0;
		return nvsr_ns_create(t->pf, ((uint64_t)st->c << 20) / o->block_bytes, 0, st->b, ret_dw0);
	case CREATE_WRONG:
		return create_wrong(t, o, st->b, (uint8_t)st->c);
	case DELETE:
		return nvsr_ns_delete(t->pf, nsid);
	case ATTACH:
		return nvsr_ns_attach(t->pf, nsid, cntlid);
	case DETACH:
		return nvsr_ns_detach(t->pf, nsid, cntlid);
	case ATTACH_LIST:
	case DETACH_LIST:
		return apply_list(t, o, st, nsid);
	default:
		return o->can_reset ? nvsr_reset(t->pf, NVSR_RESET_CTRL) : 0;
	}
}

static void follow(void *oracle, const struct walk_step *st, int rc, uint32_t dw0)
{
	struct oracle *o = oracle;

	if ((st->op == ATTACH_LIST || st->op == DETACH_LIST) && slot(o, st->a))
		list_effect(o, st, &o->ns[st->a]);	/* a list that fails has effects too */
	if (rc)
		return;
	if (st->op == CREATE && !slot(o, st->a))
		o->ns[st->a] = (struct slot){ .nsid = dw0, .blocks = ((uint64_t)st->c << 20) / o->block_bytes,
					      .bytes = (uint64_t)st->c << 20, .shared = st->b };
	else if (st->op == DELETE)
		o->ns[st->a] = (struct slot){ 0 };
	else if (st->op == ATTACH || st->op == DETACH)
		o->ns[st->a].attached[st->b] = st->op == ATTACH;
}

/* --- what the device shows ------------------------------------------------------------------------------------------------------ */

struct words { char *expected, *observed; size_t len; };

static bool differ(const struct words *w, const char *what, uint32_t nsid, uint64_t want, uint64_t seen)
{
	snprintf(w->expected, w->len, "%s of namespace %u = %llu", what, nsid, (unsigned long long)want);
	snprintf(w->observed, w->len, "%llu", (unsigned long long)seen);
	return false;
}

static bool in_list(const uint32_t *list, unsigned n, uint32_t nsid)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i] == nsid)
			return true;
	return false;
}

static const char *attachment_of(unsigned ctrl)
{
	static const char *const names[CTRLS] = { "attachment to the PF", "attachment to VF 1", "attachment to VF 2" };

	return names[ctrl];
}

static bool compare_slot(struct nvsr_ctx *t, struct oracle *o, struct slot *s, const struct words *w)
{
	struct nvme_ctrl_list ctrls = { .num = le16(0) };
	struct nvme_id_ns id;
	unsigned seen = 0;
	int rc = nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, s->nsid, 0, &id);

	if (!rc)
		rc = nvsr_identify(t->pf, NVME_CNS_NS_CTRLS, s->nsid, 0, &ctrls);
	if (rc || le16_get(ctrls.num) > NVSR_ARRAY_SIZE(ctrls.id))
		return differ(w, "status of CNS 11h and 12h", s->nsid, 0, (uint64_t)(unsigned)rc);
	if (le64_get(id.nsze) != s->blocks)
		return differ(w, "NSZE", s->nsid, s->blocks, le64_get(id.nsze));
	if ((id.nmic & NVME_NMIC_SHARED) != s->shared)
		return differ(w, "NMIC bit 0", s->nsid, s->shared, id.nmic);
	s->bytes = le128_get(id.nvmcap, NULL);
	for (unsigned i = 0; i < o->ctrls; i++) {
		bool listed = false;

		for (unsigned k = 0; k < le16_get(ctrls.num); k++)
			listed |= le16_get(ctrls.id[k]) == o->cntlid[i];
		if (listed != s->attached[i])
			return differ(w, attachment_of(i), s->nsid, s->attached[i], listed);
		seen += listed;
	}
	return seen == le16_get(ctrls.num) || differ(w, "number of controllers", s->nsid, seen, le16_get(ctrls.num));
}

static bool compare(struct nvsr_ctx *t, void *oracle, char *expected, char *observed, size_t len)
{
	const struct words w = { expected, observed, len };
	uint32_t allocated[BASELINE + SLOTS], active[BASELINE + SLOTS];
	unsigned n = 0, a = 0, own = 0;
	struct oracle *o = oracle;
	struct nvme_id_ctrl id;
	uint64_t used = 0;
	int rc = nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, allocated, NVSR_ARRAY_SIZE(allocated), &n);

	if (!rc)
		rc = nvsr_ns_list(t->pf, NVME_CNS_ACTIVE_NS, active, NVSR_ARRAY_SIZE(active), &a);
	if (!rc)
		rc = nvsr_id_ctrl(t->pf, &id);
	if (rc)
		return differ(&w, "status of CNS 01h, 02h and 10h, no namespace: that", 0, 0, (uint64_t)(unsigned)rc);
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *s = &o->ns[i];

		if (!s->nsid)
			continue;
		own++;
		if (!in_list(allocated, n, s->nsid))
			return differ(&w, "presence in the list of allocated namespaces", s->nsid, 1, 0);
		if (in_list(active, a, s->nsid) != s->attached[0])
			return differ(&w, "presence in the active list of the PF", s->nsid, s->attached[0], !s->attached[0]);
		if (!compare_slot(t, o, s, &w))
			return false;
		used += s->bytes;
	}
	if (n != o->baseline_count + own)
		return differ(&w, "allocated namespaces; number, none", 0, o->baseline_count + own, n);
	if (!le128_get(id.tnvmcap, NULL))				/* NSM-04 */
		return differ(&w, "TNVMCAP is not 0, none", 0, 1, 0);
	if (o->unallocated && le128_get(id.unvmcap, NULL) + used != o->unallocated)
		return differ(&w, "UNVMCAP with NVMCAP of all, none", 0, o->unallocated, le128_get(id.unvmcap, NULL) + used);
	return true;
}

static void print_list(const struct oracle *o, const struct walk_step *st, char *buf, size_t len)
{
	unsigned order[CTRLS] = { 0 }, n;
	uint16_t ids[CTRLS] = { 0 };
	size_t at;

	n = list_of(o, st->b == LIST_TOO_LONG ? 1 : st->b, ids, order);
	at = (size_t)snprintf(buf, len, "nvme %s-ns $PF -n %u -c ", st->op == ATTACH_LIST ? "attach" : "detach", target(o, st->a));
	for (unsigned i = 0; i < n && at < len; i++)
		at += (size_t)snprintf(buf + at, len - at, "%s%u", i ? "," : "", ids[i]);
	if (at < len && st->b == LIST_TOO_LONG)
		snprintf(buf + at, len - at, "   # with a count of 2048");
	else if (at < len && !n)
		snprintf(buf + at, len - at, "   # with a count of 0");
}

static void print(const void *oracle, const struct walk_step *st, char *buf, size_t len)
{
	static const char *const wrong[WRONGS] = {
		[CAPACITY_DIFFERS] = "nvme create-ns $PF -s 2048 -c 1024 -f 0",
		[NO_SUCH_FORMAT] = "nvme create-ns $PF -s 2048 -c 2048 -f %u",
		[TOO_LARGE] = "nvme create-ns $PF -s 1125899906842624 -c 1125899906842624 -f 0",
		[NO_SUCH_CSI] = "nvme create-ns $PF -s 2048 -c 2048 -f 0 -y 255",
		[PROTECTED] = "nvme create-ns $PF -s 2048 -c 2048 -f 0 -d 1",
		[SET_WITHOUT_GROUP] = "nvme create-ns $PF -s 2048 -c 2048 -f 0 -i 1",
	};
	const struct oracle *o = oracle;
	uint16_t cntlid = st->b < o->ctrls ? o->cntlid[st->b] : 0xfffe;
	unsigned blocks = o->block_bytes ? (st->c << 20) / o->block_bytes : 0;

	switch (st->op) {
	case CREATE:
		if (slot(o, st->a))
			snprintf(buf, len, "true   # nothing");
		else
			snprintf(buf, len, "nvme create-ns $PF -s %u -c %u -f 0 -m %u", blocks, blocks, st->b);
		break;
	case CREATE_WRONG:
		snprintf(buf, len, wrong[st->b], st->c);
		break;
	case DELETE:
		snprintf(buf, len, "nvme delete-ns $PF -n %u", target(o, st->a));
		break;
	case ATTACH:
	case DETACH:
		snprintf(buf, len, "nvme %s-ns $PF -n %u -c %u", st->op == ATTACH ? "attach" : "detach", target(o, st->a), cntlid);
		break;
	case ATTACH_LIST:
	case DETACH_LIST:
		print_list(o, st, buf, len);
		break;
	default:
		snprintf(buf, len, "nvme reset $PF");
	}
}

static const struct walk namespaces = {
	.name = "namespace.walk", .oracle_size = sizeof(struct oracle), .start = start, .draw = draw, .predict = predict,
	.apply = apply, .follow = follow, .compare = compare, .print = print,
};

static void namespaces_agree(struct nvsr_ctx *t)
{
	walk_run(t, &namespaces, nvsr_dev_can(t->pf) & NVSR_CAN_QUEUES ? 3000 : 100);
}

/* What the walk finds by itself, without the tests that look for it. */
static const char *const caught[] = {
	"ns-attach-unimplemented", "nn-below-nsid", "tnvmcap-zero", "unvmcap-constant", "delete-leaks-capacity",
	"invalid-nsid-as-inactive", "inactive-nsid-as-invalid", "common-caps-unsupported", "active-list-shows-all",
	"ns-list-unsorted", "allocated-list-only-attached", "cns-11h-needs-attachment", "ctrl-list-without-vfs",
	"create-returns-no-nsid", "create-ignores-nmic", "created-size-differs", "create-attaches-to-creator",
	"create-attaches-to-vfs", "insufficient-capacity-wrong-status", "failed-create-leaks-capacity",
	"thin-accepted", "thin-wrong-status", "hidden-lba-format", "bad-format-wrong-status", "create-ignores-dps",
	"create-ignores-csi", "create-ignores-nvmset", "delete-keeps-vf-attachment",
	"delete-keeps-attachment-record", "delete-refused-while-attached", "delete-unallocated-succeeds",
	"attach-only-first-entry", "attach-ignores-count", "attach-twice-succeeds", "private-ns-shared",
	"private-stays-with-first", "detach-unattached-succeeds", "attach-empty-list-succeeds",
	"attach-list-truncated", "attach-unknown-ctrl-wrong-status", "attach-all-or-nothing",
	"attach-skips-failing-entry", "attach-broadcast-succeeds", "attach-lost-on-ctrl-reset",
	"attach-to-offline-fails", NULL
};

static const struct nvsr_test tests[] = {
	{ .id = "lists-agree", .title = "thousands of random steps leave namespaces and attachments as the clauses say",
	  .requirements = REQS("NSM-04", "NSM-05", "NSM-06", "NSM-11", "NSM-13", "NSM-14", "NSM-15", "NSM-18", "NSM-19", "NSM-20",
			       "NSM-21", "NSM-23", "NSM-24", "NSM-28", "NSM-30", "NSM-33", "NSM-34", "NSM-35", "NSM-36", "NSM-37",
			       "NSM-42"),
	  .needs = NSM_NEED_SECOND, .limit_s = 120, .caught_by = caught, .run = namespaces_agree },
};
const struct nvsr_group nvsr_namespace_walk = NVSR_GROUP("namespace.walk", tests);
