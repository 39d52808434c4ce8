// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Table 1 of the study, row by row, and what it says of erasing: against the capability table that stands with the run.  The study's table
 * compares; what is taken for it here stands in each claim's text.
 */
#include <math.h>

#include "base/text.h"
#include "reports/perf_evidence.h"

#define ERASE_S 60.0	/* "seconds" */

enum expected { EXPECT_YES, EXPECT_NO };
static const struct { const char *way; } ways[] = { { "passthrough" }, { "virtio-ns" }, { "vhost-user-blk" } };

/* "passthrough no, virtio-ns yes; not tried: vhost-user-blk" and the verdict; holds only where all ways were tried. */
static void judge_row(const struct nvsr_perf_run *run, struct nvsr_claim_result *r, const char *row, const enum expected *expected)
{
	_cleanup_text_ struct nvsr_text tried = { 0 }, rest = { 0 };
	unsigned n = 0, against = 0;

	if (!run->capability) {
		nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "%s", run->no_capability ? run->no_capability :
			      "no capability table stands with this run: nvsr-conform report RUN --capability DIR");
		return;
	}
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(ways); i++) {
		const struct nvsr_capability_cell *c = nvsr_capability_find(run->capability, row, ways[i].way);
		bool yes = c && c->answer == NVSR_CAPABILITY_YES;

		r->row = c ? row : r->row;
		if (!yes && (!c || c->answer != NVSR_CAPABILITY_NO)) {
			nvsr_text_add(&rest, "%s%s", rest.s ? ", " : "", ways[i].way);
			continue;
		}
		against += yes != (expected[i] == EXPECT_YES);
		nvsr_text_add(&tried, "%s%s %s", n++ ? ", " : "", ways[i].way, nvsr_capability_answer_name(c->answer));
	}
	nvsr_ev_judge(r, against ? NVSR_CLAIM_DIFFERS : rest.s || !n ? NVSR_CLAIM_NOT_MEASURED : NVSR_CLAIM_HOLDS, "%s%s%s%s", tried.s ? tried.s : "",
		      tried.s && rest.s ? "; " : "", rest.s ? "not tried: " : "", rest.s ? rest.s : "");
}

void nvsr_claim_vms(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_row(run, r, "vms-per-disk", (const enum expected[]){ EXPECT_NO, EXPECT_YES, EXPECT_YES });
}

void nvsr_claim_vms_sriov(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_row(run, r, "vms-per-disk", (const enum expected[]){ EXPECT_YES, EXPECT_YES, EXPECT_YES });
}

void nvsr_claim_elastic(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_row(run, r, "elastic", (const enum expected[]){ EXPECT_NO, EXPECT_YES, EXPECT_YES });
}

void nvsr_claim_migration(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_row(run, r, "migration", (const enum expected[]){ EXPECT_NO, EXPECT_YES, EXPECT_YES });
}

void nvsr_claim_qos(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_row(run, r, "qos", (const enum expected[]){ EXPECT_NO, EXPECT_YES, EXPECT_YES });
}

void nvsr_claim_security(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	judge_row(run, r, "security", (const enum expected[]){ EXPECT_YES, EXPECT_YES, EXPECT_YES });
}

/* Passthrough takes the fewest CPUs: of the numbers of this run. */
void nvsr_claim_cpu(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	_cleanup_text_ struct nvsr_text t = { 0 };
	unsigned fewer = 0, n = 0;

	if (!nvsr_ev_back_end_alone(run, r))
		return;
	for (unsigned i = 1; i < NVSR_ARRAY_SIZE(ways); i++) {
		struct nvsr_ev_conditions c;

		if (!nvsr_ev_both(run, r, ways[i].way, "passthrough", NVSR_PERF_PATH_CORES, NULL, "", 1, INFINITY, &c))
			continue;
		nvsr_text_add(&t, "%s%s %s of passthrough's cores", n++ ? ", " : "", ways[i].way, DIGITS(c.median));
		fewer += c.median < 1;
	}
	if (n)
		nvsr_ev_judge(r, nvsr_ev_holds(!fewer), "%s, median of all conditions", t.s ? t.s : "");
}

void nvsr_claim_no_measure(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "an opinion of its time: nothing measures it");
}

/* --- erasing ------------------------------------------------------------------------------------------------------------------- */

/* A change of tenant erased by cryptographic erase, and how long that took: of any way. */
void nvsr_claim_crypto_erase(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	const struct nvsr_capability *t = run->capability;

	nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "no change of tenant by cryptographic erase stands with this run; nvsr-conform run DEVICE 'erase.*' looks at it");
	for (unsigned i = 0; t && i < t->cells; i++) {
		const struct nvsr_capability_cell *c = &t->cell[i];

		for (unsigned k = 0; k < c->numbers && !strcmp(c->row, "security"); k++) {
			if (strcmp(c->number[k].name, "erase_s") || !c->text || !strstr(c->text, "cryptographic erase in"))
				continue;
			r->row = "security";
			nvsr_ev_judge(r, t->emulated ? NVSR_CLAIM_NOT_MEASURED : nvsr_ev_holds(c->number[k].value <= ERASE_S),
				      "%s s of a namespace (%s)%s; nothing was overwritten to compare", DIGITS(c->number[k].value), c->way,
				      t->emulated ? ", of an emulated device" : "");
			return;
		}
	}
}

void nvsr_claim_see_erase(const struct nvsr_perf_run *run, struct nvsr_claim_result *r)
{
	nvsr_ev_judge(r, NVSR_CLAIM_NOT_MEASURED, "no matter of this matrix: nvsr-conform run DEVICE 'erase.*' looks at it");
}
