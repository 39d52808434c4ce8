// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every test of every suite on a model, without permission to destroy: all that the device tells, and every block, is as
 * before, and enough is tested to be worth a run.
 */
#include "runners/conform/conform.h"
#include "runners/conform/testing.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";
const struct nvsr_command *const nvsr_commands[] = { NULL };

#define ENOUGH 120	/* tests that pass */

struct count { unsigned passed, other; const struct nvsr_plan *plan; };

static int on_result(void *arg, size_t i, const struct nvsr_result *r)
{
	struct count *c = arg;

	c->passed += r->verdict == NVSR_PASS;
	if (r->verdict != NVSR_PASS && r->verdict != NVSR_SKIP) {
		c->other++;
		fprintf(stderr, "%s: %s\n", r->id, r->reason ? r->reason : r->observed ? r->observed : "");
	}
	return 0;
}

/* Data to lose, and a namespace that is nobody's. */
static int fill(const char *state)
{
	const struct nvsr_dev_options o = { .state = state };
	struct nvsr_complaint complaint;
	struct nvsr_dev *pf = NULL;
	uint8_t block[4096];
	uint32_t nsid;
	int rc = nvsr_dev_open_with("model:", &o, &pf, &complaint);

	memset(block, 0x5a, sizeof(block));
	if (!rc)
		rc = nvsr_rw(pf, true, 1, 8, sizeof(block) / 512, block, sizeof(block));
	if (!rc)
		rc = nvsr_ns_create(pf, 8192, 0, false, &nsid);
	nvsr_dev_close(pf);
	return rc;
}

int main(void)
{
	char folder[] = "/dev/shm/nvsr-harmless-XXXXXX";
	_cleanup_free_ char *state = NULL, *before = NULL, *now = NULL, *diff = NULL, *abort = NULL;
	struct nvsr_session session = { .device = "model:" };
	struct nvsr_profile *profile = NULL;
	struct nvsr_complaint complaint;
	struct nvsr_plan plan = { 0 };
	struct count count = { 0 };
	struct nvsr_sink sink = { .result = on_result, .arg = &count };
	const char *unmatched;
	int rc;

	if (!mkdtemp(folder) || !(state = nvsr_asprintf("%s/state", folder)) || fill(state) ||
	    nvsr_profile_load("reference", &profile, &complaint) || nvsr_plan_make(NULL, 0, &plan, &unmatched))
		return 1;
	session.profile = session.behaviour = profile;
	session.state = state;
	before = read_device(state, true, true);
	rc = nvsr_session_run(&session, &plan, &sink, &abort);
	now = read_device(state, true, true);
	diff = difference_of(before, now);
	printf("%u tests pass without permission to destroy\n", count.passed);
	if (diff)
		fprintf(stderr, "changed: %s\n", diff);
	nvsr_plan_free(&plan);
	nvsr_profile_free(profile);
	unlink(state);
	rmdir(folder);
	return rc || diff || count.other || count.passed < ENOUGH;
}
