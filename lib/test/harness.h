/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runners see of the harness: planning, and running a plan in one child per group.  Suites see test.h only.
 */
#ifndef NVSR_TEST_HARNESS_H
#define NVSR_TEST_HARNESS_H

#include <signal.h>

#include "result/result.h"
#include "test/test.h"

/* --- plan --------------------------------------------------------------------------------------------------------- */
struct nvsr_planned {
	const struct nvsr_group *group;
	const struct nvsr_test *test;
	bool skip;		/* has its verdict already (resume) */
};
/* In the order of the registry; tests of a group are neighbours. */
struct nvsr_plan { struct nvsr_planned *item; size_t count; };

/**
 * nvsr_plan_make() - the tests that a list of patterns selects.
 * @patterns: @n globs on full ids, '!' negates (see nvsr_selected())
 * @ret_unmatched: the first pattern that matches no test, else NULL
 *
 * Groups "meta.*" fail on purpose: only a pattern that starts with "meta." selects them.
 *
 * Return: 0, -ENOENT with *ret_unmatched set, or -ENOMEM.
 */
int nvsr_plan_make(const char *const *patterns, size_t n, struct nvsr_plan *ret, const char **ret_unmatched);
void nvsr_plan_free(struct nvsr_plan *p);
/* "vf.online.offline-rejects-io": malloc'd. */
char *nvsr_test_full_id(const struct nvsr_group *g, const struct nvsr_test *t);
/* Id, group, title, requirements, level and cite of a test.  0 or -ENOMEM. */
int nvsr_test_describe(const struct nvsr_group *g, const struct nvsr_test *t, struct nvsr_result *ret);
/* Strongest level of the requirements; I when none is known. */
enum nvsr_level nvsr_test_level(const struct nvsr_test *t);

/* --- needs --------------------------------------------------------------------------------------------------------- */
/* The needs that the device, the access method and the user meet, as NVSR_NEED() bits. */
uint64_t nvsr_needs_met(struct nvsr_dev *pf, const struct nvsr_inventory *inv, const struct nvsr_profile *profile,
			bool destroy);
/* The ENV needs that access methods with these enum nvsr_can bits, of the PF and of VFs, meet. */
uint64_t nvsr_needs_of_method(unsigned can, unsigned vf_can);
/* Why a test cannot run: every unmet need in one line, malloc'd; *ret_cause "claim", "env" or "grant". */
char *nvsr_needs_reason(uint64_t unmet, const struct nvsr_profile *profile, const char **ret_cause);

/* --- running ---------------------------------------------------------------------------------------------------------- */
#define NVSR_DEFAULT_SEED 1
struct nvsr_session {
	const char *device;			/* as the user named it */
	const struct nvsr_profile *profile;	/* what the device claims */
	const struct nvsr_profile *behaviour;	/* what a model behaves like; NULL on a real device */
	const char *const *defects;		/* seeded, model only; NULL or NULL-terminated */
	const char *state;			/* file that keeps the model's state from one opening to the next, or NULL */
	enum nvsr_vf_access vf_access;		/* of a PF with the kernel's driver */
	bool destroy;				/* the user's permission */
	uint64_t seed;				/* of random walks */
	unsigned steps;				/* of random walks; 0: each test's own */
	double timeout_scale;			/* 0 = 1 */
	const struct nvsr_snapshot *baseline;	/* state to return to; NULL: every group takes its own (model) */
	/*
	 * Who else uses a real device, asked before each group with permission to destroy: malloc'd, one line per use, "" for
	 * nobody, NULL with errno when it cannot be found out.  NULL: nobody can.
	 */
	char *(*in_use)(const char *device);
	bool fresh_after_abort;			/* the next child gets a new device: go on (model under proof) */
};

/* Open the device of a session as its groups do; *complaint may stay empty. */
int nvsr_session_open(const struct nvsr_session *s, struct nvsr_dev **ret, struct nvsr_complaint *complaint);

/* Told by nvsr_session_run() in the order of the plan.  A non-zero return stops the run and is returned. */
struct nvsr_sink {
	int (*start)(void *arg, size_t index);
	int (*result)(void *arg, size_t index, const struct nvsr_result *r);
	void *arg;
};

/**
 * nvsr_session_run() - run every test of a plan, one child process per group.
 * @ret_abort: malloc'd reason when the device can no longer be trusted, else NULL
 *
 * A child that crashes or outlives the limit of a test costs that test; the rest of its group runs in a new child.
 *
 * Return: 0, -EINTR when nvsr_stop was set (tests without a result were not told), -ECANCELED after an abort (their
 * results are told as NVSR_ABORT), a negative errno of fork or pipe, or the non-zero value of a sink.
 */
int nvsr_session_run(const struct nvsr_session *s, const struct nvsr_plan *plan, const struct nvsr_sink *sink,
		     char **ret_abort);
/**
 * nvsr_session_restore() - put a real device back to @state in a child of its own, and compare.
 * @ret_reason: malloc'd: what went wrong or still differs
 *
 * Return: 0, or -EIO with *ret_reason.
 */
int nvsr_session_restore(const struct nvsr_session *s, const struct nvsr_snapshot *state, char **ret_reason);

/* Set by SIGINT and SIGTERM: checks and waits return at once, the run ends with everything restored. */
extern volatile sig_atomic_t nvsr_stop;
void nvsr_stop_install(void);

#endif
