// SPDX-License-Identifier: GPL-2.0-or-later
/* The engine of the random walks: run, compare after every step, shrink. */
#include "suites/walk.h"

#define TEXT 240
#define SHRINK_RUNS 400		/* sequences tried to shorten one disagreement */

/* A device that is slow (each reset of a real one takes a second) gets fewer steps: a walk that ends in time says more. */
#define WALK_SHARE 2		/* half of the test's limit to walk, */
#define SHRINK_SHARE 4		/* a quarter to shrink */

struct verdict { bool agrees, broken; size_t at; char expected[TEXT], observed[TEXT]; };

uint32_t walk_draw(struct walk_random *r, uint32_t below)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return (uint32_t)((r->state * 0x2545f4914f6cdd1dull) >> 32) % below;
}

static bool is_allowed(const struct walk_allowed *w, int rc)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->status[i] == rc)
			return true;
	return false;
}

static void say_allowed(const struct walk_allowed *w, const char *step, char *buf, size_t len)
{
	size_t n = (size_t)snprintf(buf, len, "%s: ", step);

	for (unsigned i = 0; i < w->n && n < len; i++)
		n += (size_t)snprintf(buf + n, len - n, "%s%s", i ? " or " : "", nvsr_rc_text(w->status[i]));
}

/* One step on device and oracle.  False: they disagree. */
static bool one_step(struct nvsr_ctx *t, const struct walk *w, void *oracle, const struct walk_step *s, struct verdict *v)
{
	struct walk_allowed allowed = { .n = 0 };
	char text[TEXT / 2];
	uint32_t dw0 = 0;
	int rc;

	w->predict(oracle, s, &allowed);
	rc = w->apply(t, oracle, s, &dw0);
	w->print(oracle, s, text, sizeof(text));
	if (!is_allowed(&allowed, rc)) {
		say_allowed(&allowed, text, v->expected, TEXT);
		snprintf(v->observed, TEXT, "%s", nvsr_rc_text(rc));
		return false;
	}
	w->follow(oracle, s, rc, dw0);
	return w->compare(t, oracle, v->expected, v->observed, TEXT);
}

/* A given sequence from the start. */
static struct verdict replay(struct nvsr_ctx *t, const struct walk *w, void *oracle, const struct walk_step *s, size_t n)
{
	struct verdict v = { .agrees = true };

	v.broken = !w->start(t, oracle);
	for (v.at = 0; !v.broken && v.at < n; v.at++)
		if (!one_step(t, w, oracle, &s[v.at], &v)) {
			v.agrees = false;
			break;
		}
	return v;
}

/*
 * Leave out ever smaller pieces as long as the rest still disagrees, about whatever: the first disagreement of the shorter
 * sequence is as good.  The length that is left.
 */
static size_t shrink(struct nvsr_ctx *t, const struct walk *w, void *oracle, struct walk_step *s, size_t n, struct verdict *v)
{
	uint64_t until = nvsr_now_ns() + t->test->limit_s * NVSR_S / SHRINK_SHARE;
	struct walk_step *trial = malloc(n * sizeof(*trial));
	unsigned runs = 0;

	for (size_t piece = n / 2; trial && piece && runs < SHRINK_RUNS; piece /= 2)
		for (size_t at = 0; at + piece <= n && runs < SHRINK_RUNS && nvsr_now_ns() < until;) {
			struct verdict now;

			memcpy(trial, s, at * sizeof(*s));
			memcpy(trial + at, s + at + piece, (n - at - piece) * sizeof(*s));
			now = replay(t, w, oracle, trial, n - piece);
			runs++;
			if (now.broken)
				break;
			if (now.agrees) {
				at += piece;
				continue;
			}
			n = now.at + 1;
			memcpy(s, trial, n * sizeof(*s));
			*v = now;
		}
	free(trial);
	return n;
}

/* The steps of a sequence in words: the oracle has to follow, because ids are the device's choice. */
static void note_sequence(struct nvsr_ctx *t, const struct walk *w, void *oracle, const struct walk_step *s, size_t n)
{
	struct verdict v;
	char text[TEXT];

	if (!w->start(t, oracle))
		return;
	for (size_t i = 0; i < n; i++) {
		w->print(oracle, &s[i], text, sizeof(text));
		nvsr_note(t, "%zu. %s", i + 1, text);
		if (!one_step(t, w, oracle, &s[i], &v))
			return;
	}
}

static void walk_on(struct nvsr_ctx *t, const struct walk *w, void *oracle, struct walk_step *s, size_t n)
{
	struct walk_random r = { .state = t->seed * 0x9e3779b97f4a7c15ull + 1 };
	uint64_t until = nvsr_now_ns() + t->test->limit_s * NVSR_S / WALK_SHARE;
	struct verdict v = { .agrees = true };
	size_t i;

	if (!w->start(t, oracle))
		return;
	for (i = 0; i < n && v.agrees && nvsr_now_ns() < until; i++) {
		w->draw(&r, oracle, &s[i]);
		v.agrees = one_step(t, w, oracle, &s[i], &v);
	}
	nvsr_note(t, "seed %llu, %zu of %zu steps", (unsigned long long)t->seed, i, n);
	if (!v.agrees) {
		size_t drawn = i, left = shrink(t, w, oracle, s, i, &v);

		nvsr_note(t, "step %zu disagrees; the shortest sequence found has %zu:", drawn, left);
		note_sequence(t, w, oracle, s, left);
	}
	CHECK(t, v.agrees, v.agrees ? "oracle and device agree" : v.expected, "%s", v.agrees ? "they agree" : v.observed);
}

void walk_run(struct nvsr_ctx *t, const struct walk *w, unsigned steps)
{
	size_t n = t->steps ? t->steps : steps;
	_cleanup_free_ struct walk_step *s = calloc(n, sizeof(*s));
	_cleanup_free_ void *oracle = calloc(1, w->oracle_size);

	if (!s || !oracle)
		BROKEN(t, "no memory");
	walk_on(t, w, oracle, s, n);
	if (w->end)
		w->end(oracle);
}
