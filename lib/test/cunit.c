// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CUnit runs the tests of a group: registry, suite, tests, failure records.  Its test functions take no argument, so the
 * running group is kept here and the test is found by CU_get_current_test().  Checks never use CUnit's fatal assertions:
 * those longjmp past cleanup attributes.
 */
#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <CUnit/TestRun.h>

#include "test/private.h"

static struct {
	const struct nvsr_cunit_ops *ops;
	void *arg;
	CU_pTest *test;
	size_t count;
} running;

void nvsr_cunit_check(bool held, const char *file, int line, const char *text)
{
	CU_assertImplementation(held ? CU_TRUE : CU_FALSE, (unsigned)line, text, file, "", CU_FALSE);
}

static size_t index_of(const CU_pTest test)
{
	size_t i = 0;

	while (i < running.count && running.test[i] != test)
		i++;
	return i;
}

static void body(void)
{
	running.ops->body(running.arg, index_of(CU_get_current_test()));
}

static void on_start(const CU_pTest test, const CU_pSuite suite)
{
	running.ops->start(running.arg, index_of(test));
}

static void on_done(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
	unsigned n = 0;

	/* @failure is the first record of this test; the list goes on with no other test's, as it is the newest. */
	for (const CU_FailureRecord *f = failure; f; f = f->pNext)
		n++;
	running.ops->done(running.arg, index_of(test), n);
}

int nvsr_cunit_run(const char *group, const char *const *ids, size_t n, const struct nvsr_cunit_ops *ops, void *arg)
{
	CU_pSuite suite;
	int rc = -ENOMEM;

	running.test = calloc(n + 1, sizeof(*running.test));
	if (!running.test || CU_initialize_registry() != CUE_SUCCESS)
		goto out;
	running.ops = ops;
	running.arg = arg;
	running.count = n;
	CU_set_error_action(CUEA_IGNORE);
	suite = CU_add_suite(group, NULL, NULL);
	if (!suite)
		goto out;
	for (size_t i = 0; i < n; i++) {
		running.test[i] = CU_add_test(suite, ids[i], body);
		/* CUnit accepts a duplicate name and only leaves an error code behind. */
		if (!running.test[i] || CU_get_error() != CUE_SUCCESS) {
			rc = -EEXIST;
			goto out;
		}
	}
	CU_set_test_start_handler(on_start);
	CU_set_test_complete_handler(on_done);
	rc = CU_run_suite(suite) == CUE_SUCCESS ? 0 : -EIO;
out:
	CU_cleanup_registry();
	free(running.test);
	memset(&running, 0, sizeof(running));
	return rc;
}
