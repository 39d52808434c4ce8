// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A random walk over reservations: three hosts register, acquire, preempt, release, read and write one shared namespace, with
 * good and bad keys, against an oracle of Base 8.19 and 7.2 to 7.5.  After every step Report must say what the oracle says.
 */
#include "suites/reservation/resv.h"
#include "suites/walk.h"

#define HOSTS 3
#define KEYS 4		/* 0 is no key; three that hosts may share */
#define NONE HOSTS

enum op { REGISTER, ACQUIRE, PREEMPT, RELEASE, CLEAR, READ, WRITE, OPS };

struct host { bool registered; uint64_t key; };
struct oracle {
	struct rsv r;
	bool started;
	struct host h[HOSTS];
	unsigned type, holder;		/* of types 1 to 4; NONE */
	uint32_t gen;
	bool gen_open, open;		/* the clauses leave open what Report shows now: take it over */
};

static unsigned registrants(const struct oracle *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < HOSTS; i++)
		n += o->h[i].registered;
	return n;
}

static bool holds(const struct oracle *o, unsigned host)
{
	if (!o->type || !o->h[host].registered)
		return false;
	return rsv_all_registrants(o->type) || o->holder == host;
}

static uint64_t key_of(uint32_t n)
{
	return n ? 0x5e5f00000000ull + n : 0;
}

/* --- the start -------------------------------------------------------------------------------------------------------------- */

static bool start(struct nvsr_ctx *t, void *oracle)
{
	struct oracle *o = oracle;

	if (!o->started) {
		o->r.t = NULL;
		if (!RSV_START(t, &o->r, 0, 1, 2))
			return false;
		o->started = true;
	} else {
		/* Whoever is left can clear; a device that refuses that shows in the first comparison. */
		for (unsigned i = 0; i < HOSTS; i++)
			for (uint32_t k = 1; k < KEYS; k++)
				rsv_release(o->r.h[i].dev, o->r.nsid, NVME_RRELA_CLEAR, key_of(k));
	}
	memset(o->h, 0, sizeof(o->h));
	o->type = 0;
	o->holder = NONE;
	o->gen_open = true;
	o->open = false;
	return true;
}

static void end(void *oracle)
{
	struct oracle *o = oracle;

	if (o->started)
		rsv_end(&o->r);
}

/* --- the next step: a = host, b = action and keys, c = type ------------------------------------------------------------------ */

#define STEP_B(action, iekey, crkey, other) ((action) | (iekey) << 4 | (crkey) << 8 | (other) << 12)
static unsigned action(const struct walk_step *s) { return s->b & 0xf; }
static bool iekey(const struct walk_step *s) { return s->b >> 4 & 1; }
static uint64_t crkey(const struct walk_step *s) { return key_of(s->b >> 8 & 0xf); }
static uint64_t other_key(const struct walk_step *s) { return key_of(s->b >> 12 & 0xf); }

/* Mostly the host's own key. */
static uint32_t draw_key(struct walk_random *r, const struct host *h)
{
	return h->registered && walk_draw(r, 6) ? (uint32_t)(h->key - key_of(0) - 0x5e5f00000000ull) : walk_draw(r, KEYS);
}

static uint32_t draw_type(struct walk_random *r, const struct oracle *o)
{
	uint32_t type = 1 + walk_draw(r, RSV_TYPES - 1);

	while (!rsv_has(&o->r, type))
		type = type % (RSV_TYPES - 1) + 1;
	return type;
}

static void draw(struct walk_random *r, const void *oracle, struct walk_step *ret)
{
	static const unsigned weights[OPS] = { [REGISTER] = 16, [ACQUIRE] = 14, [PREEMPT] = 8, [RELEASE] = 8, [CLEAR] = 2,
					       [READ] = 6, [WRITE] = 6 };
	const struct oracle *o = oracle;
	unsigned all = 0, op = 0, hit;
	uint32_t host = walk_draw(r, HOSTS), type;
	const struct host *h = &o->h[host];

	for (unsigned i = 0; i < OPS; i++)
		all += weights[i];
	for (hit = walk_draw(r, all); hit >= weights[op]; op++)
		hit -= weights[op];
	type = o->type && walk_draw(r, 2) ? o->type : draw_type(r, o);
	*ret = (struct walk_step){ .op = op, .a = host, .c = type };
	if (op == REGISTER) {
		uint32_t rrega = h->registered ? walk_draw(r, 3) : walk_draw(r, 5) ? 0 : walk_draw(r, 3);

		ret->b = STEP_B(rrega, !walk_draw(r, 6), draw_key(r, h), 1 + walk_draw(r, KEYS - 1));
	} else {
		/* IEKEY and a reserved type are errors of Acquire and Release. */
		ret->b = STEP_B(op == PREEMPT ? 1u : 0u, !walk_draw(r, 12), draw_key(r, h), walk_draw(r, KEYS));
		if (!walk_draw(r, 12))
			ret->c = RSV_TYPES + walk_draw(r, 4);
	}
}

/* --- what the clauses allow -------------------------------------------------------------------------------------------------- */

static bool matches(const struct host *h, const struct walk_step *s)
{
	return h->registered && h->key == crkey(s);
}

static void predict_register(const struct host *h, const struct walk_step *s, struct walk_allowed *w)
{
	bool good;

	if (action(s) == 0)
		good = !h->registered || h->key == other_key(s);			/* RSV-09 */
	else
		good = h->registered && (h->key == crkey(s) || iekey(s));	/* RSV-10, 11 */
	walk_allow(w, good ? 0 : NVME_SC_RESV_CONFLICT);
}

static void predict_acquire(const struct oracle *o, const struct walk_step *s, struct walk_allowed *w)
{
	bool good = matches(&o->h[s->a], s) && (!o->type || (holds(o, s->a) && o->type == s->c));

	walk_allow(w, good ? 0 : NVME_SC_RESV_CONFLICT);				/* RSV-15 */
}

static bool any_with_key(const struct oracle *o, uint64_t key)
{
	for (unsigned i = 0; i < HOSTS; i++)
		if (o->h[i].registered && o->h[i].key == key)
			return true;
	return false;
}

/* What no clause settles: preempting without a reservation, or one's own key under an All Registrants type. */
static bool preempt_is_open(const struct oracle *o, const struct walk_step *s)
{
	uint64_t key = other_key(s);

	if (!o->type)
		return !key || key == o->h[s->a].key;
	if (rsv_all_registrants(o->type))
		return key && key == o->h[s->a].key;
	return key && key == o->h[s->a].key && o->holder != s->a;
}

static void predict_preempt(const struct oracle *o, const struct walk_step *s, struct walk_allowed *w)
{
	uint64_t key = other_key(s);

	if (!matches(&o->h[s->a], s)) {
		walk_allow(w, NVME_SC_RESV_CONFLICT);
		if (!key)
			walk_allow(w, NVME_SC_INVALID_FIELD);
		return;
	}
	if (preempt_is_open(o, s)) {
		walk_allow(w, 0);
		walk_allow(w, NVME_SC_RESV_CONFLICT);
		walk_allow(w, NVME_SC_INVALID_FIELD);
	} else if (!key) {
		walk_allow(w, rsv_all_registrants(o->type) ? 0 : NVME_SC_INVALID_FIELD);	/* RSV-18 */
	} else {
		walk_allow(w, any_with_key(o, key) ? 0 : NVME_SC_RESV_CONFLICT);		/* RSV-16, 17 */
		if (!any_with_key(o, key))
			walk_allow(w, 0);	/* only a "should" */
	}
}

static void predict_release(const struct oracle *o, const struct walk_step *s, struct walk_allowed *w)
{
	if (!matches(&o->h[s->a], s)) {
		walk_allow(w, NVME_SC_RESV_CONFLICT);					/* RSV-22 */
		return;
	}
	if (o->type && o->type != s->c)
		walk_allow(w, NVME_SC_INVALID_FIELD);					/* "should" */
	walk_allow(w, 0);
}

/* RSV-29: the conflict matrix, for hosts that do not hold the reservation. */
static void predict_data(const struct oracle *o, const struct walk_step *s, struct walk_allowed *w)
{
	static const struct { bool read, write; } stranger[RSV_TYPES] = {
		[0] = { true, true }, [NVME_RESV_WE] = { true, false }, [NVME_RESV_EA] = { false, false },
		[NVME_RESV_WERO] = { true, false }, [NVME_RESV_EARO] = { false, false },
		[NVME_RESV_WEAR] = { true, false }, [NVME_RESV_EAAR] = { false, false },
	};
	bool member = o->h[s->a].registered && o->type != NVME_RESV_WE && o->type != NVME_RESV_EA;
	bool good = holds(o, s->a) || member || (s->op == READ ? stranger[o->type].read : stranger[o->type].write);

	walk_allow(w, good ? 0 : NVME_SC_RESV_CONFLICT);
}

/* RSV-13, 14, 21: what no Acquire or Release may say.  A wrong key may be found first. */
static bool predict_malformed(const struct oracle *o, const struct walk_step *s, struct walk_allowed *w)
{
	bool typed = s->op == ACQUIRE || s->op == PREEMPT;

	if ((!typed && s->op != RELEASE && s->op != CLEAR) || !(iekey(s) || (typed && s->c >= RSV_TYPES)))
		return false;
	walk_allow(w, NVME_SC_INVALID_FIELD);
	if (!matches(&o->h[s->a], s) || (s->op == ACQUIRE && o->type) || (s->op == PREEMPT && !any_with_key(o, other_key(s))))
		walk_allow(w, NVME_SC_RESV_CONFLICT);
	return true;
}

static void predict(const void *oracle, const struct walk_step *s, struct walk_allowed *w)
{
	const struct oracle *o = oracle;

	if (predict_malformed(o, s, w))
		return;

	switch (s->op) {
	case REGISTER:
		predict_register(&o->h[s->a], s, w);
		return;
	case ACQUIRE:
		predict_acquire(o, s, w);
		return;
	case PREEMPT:
		predict_preempt(o, s, w);
		return;
	case RELEASE:
		predict_release(o, s, w);
		return;
	case CLEAR:
		walk_allow(w, matches(&o->h[s->a], s) ? 0 : NVME_SC_RESV_CONFLICT);	/* RSV-23 */
		return;
	default:
		predict_data(o, s, w);
	}
}

/* --- doing it ------------------------------------------------------------------------------------------------------------------ */

static int apply(struct nvsr_ctx *t, const void *oracle, const struct walk_step *s, uint32_t *ret_dw0)
{
	struct oracle *o = (struct oracle *)(uintptr_t)oracle;
	struct nvsr_dev *d = o->r.h[s->a].dev;
	uint8_t block[4096] = { 0 };

	switch (s->op) {
	case REGISTER:
		return rsv_register(d, o->r.nsid, action(s) | (uint32_t)iekey(s) << 3, crkey(s), other_key(s));
	case ACQUIRE:
	case PREEMPT:
		return rsv_acquire(d, o->r.nsid, action(s) | (uint32_t)iekey(s) << 3 | RSV_RTYPE(s->c), crkey(s), other_key(s));
	case RELEASE:
		return rsv_release(d, o->r.nsid, NVME_RRELA_RELEASE | (uint32_t)iekey(s) << 3 | RSV_RTYPE(s->c), crkey(s));
	case CLEAR:
		return rsv_release(d, o->r.nsid, NVME_RRELA_CLEAR | (uint32_t)iekey(s) << 3, crkey(s));
	default:
		return o->r.block > sizeof(block) ? 0 : nvsr_rw(d, s->op == WRITE, o->r.nsid, 0, 1, block, o->r.block);
	}
}

static void drop(struct oracle *o, unsigned host)
{
	o->h[host] = (struct host){ 0 };
	if (o->holder == host || !registrants(o)) {
		o->holder = NONE;
		if (!rsv_all_registrants(o->type) || !registrants(o))
			o->type = 0;
	}
}

static void follow_preempt(struct oracle *o, const struct walk_step *s)
{
	uint64_t key = other_key(s);
	bool all = rsv_all_registrants(o->type) && !key;
	bool takes = all || (o->type && o->holder != NONE && o->h[o->holder].key == key);

	for (unsigned i = 0; i < HOSTS; i++)
		if (i != s->a && o->h[i].registered && (all || o->h[i].key == key)) {
			if (takes)
				o->h[i] = (struct host){ 0 };
			else
				drop(o, i);
		}
	if (takes) {
		o->type = s->c;
		o->holder = rsv_all_registrants(s->c) ? NONE : s->a;
	}
	o->gen++;
}

static void follow(void *oracle, const struct walk_step *s, int rc, uint32_t dw0)
{
	struct oracle *o = oracle;

	struct walk_allowed none = { .n = 0 };

	if (predict_malformed(o, s, &none))
		return;
	if (s->op == PREEMPT && matches(&o->h[s->a], s) && (preempt_is_open(o, s) || !any_with_key(o, other_key(s)))) {
		o->open = o->gen_open = preempt_is_open(o, s) || !rc;
		if (o->open)
			return;
	}
	if (rc)
		return;
	switch (s->op) {
	case REGISTER:
		/* Registering again with the same key changes nothing: whether it counts is not said. */
		o->gen_open |= action(s) == 0 && o->h[s->a].registered;
		o->gen++;
		if (action(s) == 1)
			drop(o, s->a);
		else
			o->h[s->a] = (struct host){ true, other_key(s) };
		break;
	case ACQUIRE:
		o->type = s->c;
		o->holder = rsv_all_registrants(s->c) ? NONE : s->a;
		break;
	case PREEMPT:
		follow_preempt(o, s);
		break;
	case RELEASE:
		o->open = o->type && o->type != s->c && holds(o, s->a);
		if (o->type == s->c && holds(o, s->a)) {
			o->type = 0;
			o->holder = NONE;
		}
		break;
	case CLEAR:
		memset(o->h, 0, sizeof(o->h));
		o->type = 0;
		o->holder = NONE;
		o->gen++;
		break;
	}
}

/* --- what the device shows ------------------------------------------------------------------------------------------------------ */

static void take_over(struct oracle *o, const struct rsv_status *s)
{
	o->type = s->rtype < RSV_TYPES ? s->rtype : 0;
	o->holder = NONE;
	for (unsigned i = 0; i < HOSTS; i++) {
		const struct rsv_entry *e = rsv_entry(s, o->r.h[i].cntlid);

		o->h[i] = (struct host){ e != NULL, e ? e->key : 0 };
		if (e && e->rcsts & 1 && !rsv_all_registrants(o->type))
			o->holder = i;
	}
}

static bool differ(const char *what, unsigned id, uint64_t want, uint64_t seen, char *expected, char *observed, size_t len)
{
	snprintf(expected, len, "%s %u: %llu", what, id, (unsigned long long)want);
	snprintf(observed, len, "%llu", (unsigned long long)seen);
	return false;
}

static bool compare(struct nvsr_ctx *t, void *oracle, char *expected, char *observed, size_t len)
{
	struct oracle *o = oracle;
	struct rsv_status s;

	if (!rsv_read(&o->r, o->r.h[0].dev, &s))
		return differ("Report through host", 0, 0, 1, expected, observed, len);
	if (o->open)
		take_over(o, &s);
	if (o->gen_open)
		o->gen = s.gen;
	o->open = o->gen_open = false;
	if (s.rtype != o->type)
		return differ("RTYPE of NSID", o->r.nsid, o->type, s.rtype, expected, observed, len);
	if (s.n != registrants(o))
		return differ("REGCTL of NSID", o->r.nsid, registrants(o), s.n, expected, observed, len);
	if (s.gen != o->gen)
		return differ("GEN of NSID", o->r.nsid, o->gen, s.gen, expected, observed, len);
	for (unsigned i = 0; i < HOSTS; i++) {
		const struct rsv_entry *e = rsv_entry(&s, o->r.h[i].cntlid);

		if ((e != NULL) != o->h[i].registered)
			return differ("entry of controller", o->r.h[i].cntlid, o->h[i].registered, e != NULL, expected, observed, len);
		if (e && e->key != o->h[i].key)
			return differ("RKEY of controller", o->r.h[i].cntlid, o->h[i].key, e->key, expected, observed, len);
		if (e && (e->rcsts & 1) != holds(o, i))
			return differ("RCSTS bit 0 of controller", o->r.h[i].cntlid, holds(o, i), e->rcsts & 1, expected, observed,
				      len);
	}
	return true;
}

static void print(const void *oracle, const struct walk_step *s, char *buf, size_t len)
{
	const struct oracle *o = oracle;
	const char *host = o->r.h[s->a].name ? o->r.h[s->a].name : "?";
	unsigned long long cr = crkey(s), other = other_key(s);

	switch (s->op) {
	case REGISTER:
		snprintf(buf, len, "%s: nvme resv-register -n %u --crkey=0x%llx --nrkey=0x%llx --rrega=%u%s", host, o->r.nsid, cr, other,
			 action(s), iekey(s) ? " --iekey" : "");
		break;
	case ACQUIRE:
	case PREEMPT:
		snprintf(buf, len, "%s: nvme resv-acquire -n %u --crkey=0x%llx --prkey=0x%llx --rtype=%u --racqa=%u%s", host, o->r.nsid,
			 cr, other, s->c, action(s), iekey(s) ? " --iekey" : "");
		break;
	case RELEASE:
	case CLEAR:
		snprintf(buf, len, "%s: nvme resv-release -n %u --crkey=0x%llx --rtype=%u --rrela=%u%s", host, o->r.nsid, cr,
			 s->op == CLEAR ? 0 : s->c, s->op == CLEAR, iekey(s) ? " --iekey" : "");
		break;
	default:
		snprintf(buf, len, "%s: nvme %s -n %u -s 0 -c 0 -z %u", host, s->op == READ ? "read" : "write", o->r.nsid, o->r.block);
	}
}

static const struct walk reservations = {
	.name = "reservation.walk", .oracle_size = sizeof(struct oracle), .start = start, .end = end, .draw = draw,
	.predict = predict, .apply = apply, .follow = follow, .compare = compare, .print = print,
};

static void reservations_agree(struct nvsr_ctx *t)
{
	walk_run(t, &reservations, nvsr_dev_can(t->pf) & NVSR_CAN_QUEUES ? 3000 : 100);
}

/* What the walk finds by itself, without the tests that look for it. */
static const char *const caught[] = {
	"acquire-again-refused", "acquire-any-key", "acquire-changes-type", "acquire-iekey-accepted",
	"acquire-steals", "acquire-without-registration", "all-registrants-one-holder", "clear-keeps-registrants",
	"clear-keeps-reservation", "clear-only-by-holder", "gen-not-on-register", "gen-not-on-preempt",
	"gen-not-on-clear", "gen-on-acquire", "gen-on-release", "iekey-ignored", "register-again-replaces",
	"register-any-key", "replace-keeps-key", "replace-registers", "unregister-stranger-succeeds",
	"unregister-keeps-reservation", "unregister-releases-all-registrants", "preempt-leaves-registration",
	"preempt-removes-one", "preempt-takes-anything", "preempt-without-takeover", "preempt-keeps-type",
	"preempt-key-zero-accepted", "self-preempt-unregisters", "release-iekey-accepted", "release-any-key",
	"release-by-non-holder-releases", "release-by-non-holder-fails", "release-by-stranger-succeeds",
	"release-ignored", "release-of-nothing-fails", "report-dynamic-cntlid", "report-hides-holder",
	"report-hides-type", "report-misses-controller", "report-needs-registration", "register-refuses-iekey",
	"resv-any-type", "holder-blocked", "we-allows-write", "we-registrant-writes", "we-blocks-read",
	"ea-allows-read", "ea-allows-write", "ea-registrant-allowed", "wero-allows-write", "wero-blocks-read",
	"wero-blocks-registrant", "earo-allows-read", "earo-allows-write", "earo-blocks-registrant",
	"wear-allows-write", "wear-blocks-read", "wear-blocks-registrant", "eaar-allows-read", "eaar-allows-write",
	"eaar-blocks-registrant", "read-ignores-reservation", "write-ignores-reservation", NULL
};

static const struct nvsr_test tests[] = {
	{ .id = "hosts-agree", .title = "thousands of random steps of three hosts leave registrants and reservation as the clauses say",
	  .requirements = REQS("RSV-09", "RSV-10", "RSV-11", "RSV-14", "RSV-15", "RSV-16", "RSV-17", "RSV-18", "RSV-19", "RSV-22",
			       "RSV-23", "RSV-25", "RSV-28", "RSV-29"),
	  .needs = RSV_2VF, .limit_s = 120, .caught_by = caught, .run = reservations_agree },
};
const struct nvsr_group nvsr_reservation_walk = NVSR_GROUP("reservation.walk", tests);
