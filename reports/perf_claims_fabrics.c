// SPDX-License-Identifier: GPL-2.0-or-later
/* What the white paper on NVMe over Fabrics and iSCSI says: latency of a drive elsewhere, and many queues against one. */
#include <math.h>

#include "reports/perf_evidence.h"

#define ADDED_NS 20e3	/* "about 10 µs" */

static const struct nvsr_perf_cell *alone(const struct nvsr_perf_run *run, const char *path)
{
	for (size_t i = 0; i < run->cells; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];

		if (!strcmp(c->path, path) && nvsr_ev_in_scope(c) && nvsr_ev_in_flight(c) == 1 &&
		    nvsr_perf_find(run, nvsr_perf_path_of(path)->local, c))
			return c;
	}
	return NULL;
}

void nvsr_claim_added(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	static const char *const path[] = { "nvmeof-tcp-partner", "nvmeof-tcp" };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(path); i++) {
		const struct nvsr_perf_cell *c = alone(run, path[i]), *local = c ? nvsr_perf_find(run, nvsr_perf_path_of(path[i])->local, c) : NULL;
		struct nvsr_spread s = nvsr_perf_difference(c, local, NVSR_PERF_LAT_MEAN, run->repeats);

		if (!s.n)
			continue;
		nvsr_ev_cite(r, c);
		nvsr_ev_cite(r, local);
		nvsr_ev_judge(r, s.min <= ADDED_NS && s.max > ADDED_NS ? NVSR_CLAIM_NOT_MEASURED : nvsr_ev_holds(s.max <= ADDED_NS),
			      "%s%s%s µs than %s (%s to %s), over TCP by %s", s.min <= ADDED_NS && s.max > ADDED_NS ? "too noisy: " : "",
			      s.median < 0 ? "less by " : "more by ", DIGITS(fabs(s.median) / 1e3), local->path, s.min < 0 ? "less" : DIGITS(s.min / 1e3),
			      s.max < 0 ? "less" : DIGITS(s.max / 1e3), path[i]);
		return;
	}
	nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "needs one random 4 KiB command at a time by nvmeof-tcp-partner, or nvmeof-tcp, and by virtio-ns");
}

/* IOPS of all conditions: the one with most jobs against the one with fewest, of a line of both paths. */
void nvsr_claim_queues(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	const struct nvsr_perf_cell *few = NULL, *many = NULL, *few_iscsi, *many_iscsi;
	struct nvsr_spread nvme, iscsi;

	if (!nvsr_ev_needs(run, r, "nvmeof-tcp") || !nvsr_ev_needs(run, r, "iscsi"))
		return;
	for (size_t i = 0; i < run->cells; i++)
		for (size_t k = 0; k < run->cells; k++) {
			const struct nvsr_perf_cell *a = &run->cell[i], *b = &run->cell[k];

			if (!strcmp(a->path, "nvmeof-tcp") && !strcmp(b->path, a->path) && nvsr_ev_in_scope(a) && nvsr_ev_in_scope(b) &&
			    a->jobs < b->jobs && nvsr_perf_same_but(a, b, NVSR_AXIS_JOBS) && nvsr_perf_find(run, "iscsi", a) &&
			    nvsr_perf_find(run, "iscsi", b) && (!few || b->jobs / a->jobs > many->jobs / few->jobs)) {
				few = a;
				many = b;
			}
		}
	if (!few) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "needs two numbers of jobs at one depth by nvmeof-tcp and by iscsi");
		return;
	}
	few_iscsi = nvsr_perf_find(run, "iscsi", few);
	many_iscsi = nvsr_perf_find(run, "iscsi", many);
	nvme = nvsr_perf_ratio(many, few, NVSR_PERF_IOPS, run->repeats);
	iscsi = nvsr_perf_ratio(many_iscsi, few_iscsi, NVSR_PERF_IOPS, run->repeats);
	nvsr_ev_cite(r, few);
	nvsr_ev_cite(r, many);
	nvsr_ev_cite(r, few_iscsi);
	nvsr_ev_cite(r, many_iscsi);
	if (!nvme.n || !iscsi.n || (nvme.min <= iscsi.max && iscsi.min <= nvme.max))
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "cannot be told apart: %s (%s..%s) and %s (%s..%s) times as many with %u jobs as with %u",
			      DIGITS(nvme.median), DIGITS(nvme.min), DIGITS(nvme.max), DIGITS(iscsi.median), DIGITS(iscsi.min), DIGITS(iscsi.max),
			      many->jobs, few->jobs);
	else
		nvsr_ev_judge(r, nvsr_ev_holds(nvme.min > iscsi.max), "%s times as many with %u jobs as with %u by nvmeof-tcp, %s times by iscsi",
			      DIGITS(nvme.median), many->jobs, few->jobs, DIGITS(iscsi.median));
}

static bool is_ahead(const struct nvsr_spread *s)
{
	return s->min > 1;
}

void nvsr_claim_over_iscsi(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	nvsr_ev_at_high_concurrency(run, r, "nvmeof-tcp", "iscsi", is_ahead);
}
