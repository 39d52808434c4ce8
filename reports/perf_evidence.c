// SPDX-License-Identifier: GPL-2.0-or-later
/* What claim checks judge by. */
#include <math.h>
#include <stdarg.h>

#include "reports/perf_evidence.h"

void nvsr_ev_judge(struct nvsr_claim_result *r, enum nvsr_claim_verdict v, const char *fmt, ...)
{
	va_list ap;

	r->verdict = v;
	va_start(ap, fmt);
	vsnprintf(r->measured, sizeof(r->measured), fmt, ap);
	va_end(ap);
}

enum nvsr_claim_verdict nvsr_ev_holds(bool holds)
{
	return holds ? NVSR_CLAIM_HOLDS : NVSR_CLAIM_DIFFERS;
}

void nvsr_ev_cite(struct nvsr_claim_result *r, const struct nvsr_perf_cell *c)
{
	for (unsigned i = 0; i < r->cells; i++)
		if (r->cell[i] == c)
			return;
	if (c && r->cells < NVSR_CLAIM_CELLS_MOST)
		r->cell[r->cells++] = c;
}

unsigned nvsr_ev_in_flight(const struct nvsr_perf_cell *c)
{
	uint64_t n = (uint64_t)c->depth * c->jobs * c->vms;

	return n > UINT32_MAX ? UINT32_MAX : (unsigned)n;
}

bool nvsr_ev_in_scope(const struct nvsr_perf_cell *c)
{
	return c->ok && c->block == 4096 && !strncmp(c->pattern, "rand", 4);
}

struct nvsr_digits nvsr_ev_digits(double v)
{
	struct nvsr_digits n = { "" };

	nvsr_perf_digits(v, n.s);
	return n;
}

struct nvsr_digits nvsr_ev_where(const struct nvsr_perf_cell *c)
{
	struct nvsr_digits n = { "" };

	if (!c)
		return (struct nvsr_digits){ "-" };
	if (c->vms > 1)
		snprintf(n.s, sizeof(n.s), "depth %u, %u job%s in each of %u VMs", c->depth, c->jobs, c->jobs == 1 ? "" : "s", c->vms);
	else if (c->jobs > 1)
		snprintf(n.s, sizeof(n.s), "depth %u, %u jobs", c->depth, c->jobs);
	else
		snprintf(n.s, sizeof(n.s), "depth %u", c->depth);
	return n;
}

/* Numbers of @path within scope?  If not: why. */
bool nvsr_ev_needs(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path)
{
	const char *reason = NULL;

	for (size_t i = 0; i < run->cells; i++)
		if (!strcmp(run->cell[i].path, path)) {
			if (nvsr_ev_in_scope(&run->cell[i]))
				return true;
			reason = reason ? reason : run->cell[i].reason;
		}
	nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "no random 4 KiB I/O of %s%s%s", path, reason ? ": " : "",
		      reason ? reason : "");
	return false;
}

static const struct nvsr_perf_place *place_of(const struct nvsr_perf_run *run, const char *who)
{
	for (unsigned i = 0; i < run->places; i++)
		if (!strcmp(run->place[i].who, who))
			return &run->place[i];
	return NULL;
}

/* A back end that shares its CPU cannot keep one busy, nor show what it would take. */
bool nvsr_ev_back_end_alone(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	static const char *const others[] = { "device", "guest" };
	const struct nvsr_perf_place *back = place_of(run, "backend");

	for (unsigned o = 0; back && o < NVSR_ARRAY_SIZE(others); o++) {
		const struct nvsr_perf_place *p = place_of(run, others[o]);

		for (unsigned i = 0; p && i < p->n * back->n; i++)
			if (p->cpu[i / back->n] == back->cpu[i % back->n]) {
				nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED,
					      "the back end shares CPU %d with the %s here: needs more CPUs",
					      p->cpu[i / back->n], others[o]);
				return false;
			}
	}
	return true;
}

/* Jobs that share CPUs cannot show how load grows with jobs. */
bool nvsr_ev_jobs_have_cpus(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, unsigned jobs)
{
	const struct nvsr_perf_place *guest = place_of(run, "guest");

	if (!guest || !guest->n || guest->n >= jobs)
		return true;
	nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "%u jobs share %u CPU%s here", jobs, guest->n, guest->n == 1 ? "" : "s");
	return false;
}

/* --- ratios of two paths over all conditions that both have ---------------------------------------------------------------
 */

/* Repeats that differ widely and are on both sides of a limit say nothing. */
bool nvsr_ev_is_noise(const struct nvsr_spread *s, double low, double high)
{
	bool decided = s->max < low || s->min > high || (s->min >= low && s->max <= high);

	return !decided && nvsr_perf_half_range(s) > NVSR_PERF_NOISY;
}

static void compare(const struct nvsr_perf_run *run, const char *path, const char *to, enum nvsr_perf_metric m,
		    nvsr_ev_filter filter, double low, double high, struct nvsr_ev_conditions *ret)
{
	double median[NVSR_PERF_VALUES_MOST];

	*ret = (struct nvsr_ev_conditions){ .median = NAN };
	for (size_t i = 0; i < run->cells && ret->n < NVSR_PERF_VALUES_MOST; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i], *base;
		struct nvsr_spread s;

		if (strcmp(c->path, path) || !nvsr_ev_in_scope(c) || (filter && !filter(c)))
			continue;
		base = nvsr_perf_find(run, to, c);
		s = nvsr_perf_ratio(c, base, m, run->repeats);
		if (!s.n)
			continue;
		if (nvsr_ev_is_noise(&s, low, high)) {
			ret->noisy++;
			continue;
		}
		median[ret->n++] = s.median;
		ret->below += s.max < low;
		if (s.min > high) {
			ret->above++;
			ret->above_at = ret->above_at ? ret->above_at : c;
		}
		if (!ret->least_at || s.median < ret->least.median) {
			ret->least = s;
			ret->least_at = c;
		}
		if (!ret->most_at || s.median > ret->most.median) {
			ret->most = s;
			ret->most_at = c;
		}
	}
	ret->median = nvsr_spread_of(median, ret->n).median;
}

/* Both paths, and a condition that both have and that passes the filter. */
bool nvsr_ev_both(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path, const char *to,
		  enum nvsr_perf_metric m, nvsr_ev_filter filter, const char *condition, double low, double high,
		  struct nvsr_ev_conditions *ret)
{
	if (!nvsr_ev_needs(run, r, path) || !nvsr_ev_needs(run, r, to))
		return false;
	compare(run, path, to, m, filter, low, high, ret);
	if (!ret->n && ret->noisy) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "too noisy: repeats of all %u conditions differ by more than ±%d %%",
			      ret->noisy, NVSR_PERF_NOISY);
		return false;
	}
	r->noisy = ret->noisy;
	if (!ret->n) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "no condition%s that both %s and %s have numbers of", condition,
			      path, to);
		return false;
	}
	nvsr_ev_cite(r, ret->least_at);
	nvsr_ev_cite(r, nvsr_perf_find(run, to, ret->least_at));
	nvsr_ev_cite(r, ret->most_at);
	nvsr_ev_cite(r, nvsr_perf_find(run, to, ret->most_at));
	return true;
}

/* The cell of @path with most in flight that @to has too. */
static const struct nvsr_perf_cell *busiest(const struct nvsr_perf_run *run, const char *path, const char *to)
{
	const struct nvsr_perf_cell *best = NULL;

	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		if (!strcmp(c->path, path) && nvsr_ev_in_scope(c) && nvsr_perf_find(run, to, c) &&
		    (!best || nvsr_ev_in_flight(c) > nvsr_ev_in_flight(best)))
			best = c;
	}
	return best;
}

void nvsr_ev_at_high_concurrency(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *path, const char *to,
				 bool (*holds)(const struct nvsr_spread *s))
{
	const struct nvsr_perf_cell *c;
	struct nvsr_spread s;

	if (!nvsr_ev_needs(run, r, path) || !nvsr_ev_needs(run, r, to))
		return;
	c = busiest(run, path, to);
	s = c ? nvsr_perf_ratio(c, nvsr_perf_find(run, to, c), NVSR_PERF_IOPS, run->repeats)
	      : nvsr_spread_of(NULL, 0);
	if (!s.n || nvsr_ev_in_flight(c) <= NVSR_EV_MEDIUM_IN_FLIGHT) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED,
			      "no condition with more than %d in flight that both have numbers of", NVSR_EV_MEDIUM_IN_FLIGHT);
		return;
	}
	nvsr_ev_cite(r, c);
	nvsr_ev_cite(r, nvsr_perf_find(run, to, c));
	if (nvsr_ev_is_noise(&s, 1, 1)) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "too noisy: %s to %s of %s", DIGITS(s.min), DIGITS(s.max), to);
		return;
	}
	nvsr_ev_judge(r, nvsr_ev_holds(holds(&s)), "%s of %s (%s..%s) with %u in flight", DIGITS(s.median), to, DIGITS(s.min), DIGITS(s.max), nvsr_ev_in_flight(c));
}

/* --- growth along an axis ---------------------------------------------------------------------------------------------- */

static void line_of(const struct nvsr_perf_run *run, const struct nvsr_perf_cell *like, enum nvsr_perf_axis axis,
		    enum nvsr_perf_metric m, struct nvsr_ev_line *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < run->cells && ret->n < NVSR_PERF_VALUES_MOST; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];
		double x = (double)nvsr_perf_axis(c, axis), y = c->stat[m].median;
		unsigned at = ret->n;

		if (strcmp(c->path, like->path) || !nvsr_ev_in_scope(c) || !nvsr_perf_same_but(c, like, axis) ||
		    !isfinite(y))
			continue;
		if (!at || x > ret->x[at - 1])
			ret->last = c;
		for (ret->n++; at && ret->x[at - 1] > x; at--) {
			ret->x[at] = ret->x[at - 1];
			ret->y[at] = ret->y[at - 1];
		}
		ret->x[at] = x;
		ret->y[at] = y;
		if (!at)
			ret->first = c;
	}
}

/* How much of the variance a straight line explains; negative when it falls. */
double nvsr_ev_straightness(const struct nvsr_ev_line *l)
{
	double mx = 0, my = 0, sxx = 0, syy = 0, sxy = 0;

	for (unsigned i = 0; i < l->n; i++) {
		mx += l->x[i] / l->n;
		my += l->y[i] / l->n;
	}
	for (unsigned i = 0; i < l->n; i++) {
		sxx += (l->x[i] - mx) * (l->x[i] - mx);
		syy += (l->y[i] - my) * (l->y[i] - my);
		sxy += (l->x[i] - mx) * (l->y[i] - my);
	}
	return sxx > 0 && syy > 0 ? copysign(sxy * sxy / (sxx * syy), sxy) : 0;
}

/* The first cell of each line of @path along @axis with @least points; calls @fn with it. */
unsigned nvsr_ev_each_line(const struct nvsr_perf_run *run, const char *path, enum nvsr_perf_axis axis,
			   enum nvsr_perf_metric m, unsigned least,
			   void (*fn)(const struct nvsr_perf_run *run, const struct nvsr_ev_line *l, void *arg), void *arg)
{
	unsigned lines = 0;

	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];
		struct nvsr_ev_line l;

		if (strcmp(c->path, path) || !nvsr_ev_in_scope(c))
			continue;
		line_of(run, c, axis, m, &l);
		if (l.n < least || l.first != c)
			continue;
		lines++;
		fn(run, &l, arg);
	}
	return lines;
}
