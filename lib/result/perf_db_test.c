// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading db_bench's output: what it printed is taken as it is, what it never prints is complained about. */
#include <math.h>

#include "base/text.h"
#include "result/perf.h"

static int failed;
#define EXPECT(x) ((x) ? (void)0 : (void)(fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x), failed++))

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fabs(b);
}

#define RESULT(ops) "fillrandom : 2.5 micros/op " ops " ops/sec 0.050 seconds 20000 operations; 1.0 MB/s\n"
#define PERCENTILES "Count: 20000 Average: 2.0 StdDev: 1\nPercentiles: P50: 1 P75: 2 P99: 3 P99.9: 4 P99.99: 5\n"
#define VM(n, ops) "=== vm " n "\n" RESULT(ops) PERCENTILES

static void test_real_output(void)
{
	_cleanup_free_ char *load = NULL, *read = NULL;
	struct nvsr_perf_repeat r = { 0 };
	char complaint[512] = "";
	size_t len;

	EXPECT(!nvsr_read_file("lib/result/testdata/bulkload.txt", 1 << 20, &load, &len));
	EXPECT(load && !nvsr_perf_db_parse(load, len, "F", "bulkload", 1, &r, complaint) && !*complaint);
	EXPECT(near(r.value[NVSR_PERF_IOPS], 397645) && near(r.value[NVSR_PERF_WRITE_IOPS], 397645) && r.value[NVSR_PERF_READ_IOPS] == 0);
	EXPECT(near(r.value[NVSR_PERF_BANDWIDTH], 157.8 * 1048576) && near(r.value[NVSR_PERF_IOS], 20000) && !r.bound);
	EXPECT(near(r.value[NVSR_PERF_LAT_MEAN], 2513.7) && near(r.value[NVSR_PERF_LAT_P50], 530) && near(r.value[NVSR_PERF_LAT_P99], 2850));
	EXPECT(near(r.value[NVSR_PERF_WRITE_P999], 22000) && isnan(r.value[NVSR_PERF_LAT_P95]) && isnan(r.value[NVSR_PERF_READ_P50]));
	EXPECT(isnan(r.value[NVSR_PERF_JAIN]) && isnan(r.value[NVSR_PERF_WORST_BEST]));

	EXPECT(!nvsr_read_file("lib/result/testdata/readwhilemerging.txt", 1 << 20, &read, &len));
	EXPECT(read && !nvsr_perf_db_parse(read, len, "F", "readwhilemerging", 1, &r, complaint));
	EXPECT(near(r.value[NVSR_PERF_READ_IOPS], 33052) && near(r.value[NVSR_PERF_BANDWIDTH], 8.2 * 1048576));
	EXPECT(near(r.value[NVSR_PERF_LAT_MEAN], 112212.2) && near(r.value[NVSR_PERF_READ_P999], 1882390));
	/* One is not taken for the other. */
	EXPECT(nvsr_perf_db_parse(read, len, "F", "bulkload", 1, &r, complaint) == -EINVAL && strstr(complaint, "fillrandom"));
}

static void test_fairness(void)
{
	static const char two[] = VM("1", "300") VM("2", "100"), three[] = VM("1", "100") VM("2", "100") VM("3", "100");
	struct nvsr_perf_repeat r = { 0 };
	char complaint[512] = "";

	EXPECT(!nvsr_perf_db_parse(two, strlen(two), "F", "bulkload", 2, &r, complaint) && r.bound);
	EXPECT(near(r.value[NVSR_PERF_IOPS], 400) && near(r.value[NVSR_PERF_IOS], 40000) && near(r.value[NVSR_PERF_LAT_MEAN], 2000));
	EXPECT(near(r.value[NVSR_PERF_WORST_BEST], 1.0 / 3) && near(r.value[NVSR_PERF_JAIN], 160000.0 / (2 * 100000.0)));
	EXPECT(!nvsr_perf_db_parse(three, strlen(three), "F", "bulkload", 3, &r, complaint));
	EXPECT(near(r.value[NVSR_PERF_WORST_BEST], 1) && near(r.value[NVSR_PERF_JAIN], 1) && near(r.value[NVSR_PERF_BANDWIDTH], 3 * 1048576));
}

/* Each is refused with these words, and none of it is read beyond its end. */
static const struct { const char *text; unsigned vms; const char *says; int rc; } hostile[] = {
	{ "", 1, "as many VMs", -EINVAL },
	{ RESULT("300") PERCENTILES, 1, "a VM first", -EINVAL },
	{ PERCENTILES, 1, "a VM first", -EINVAL },
	{ VM("1", "300"), 2, "as many VMs", -EINVAL },
	{ VM("1", "300") VM("2", "300"), 1, "each VM once", -EINVAL },
	{ VM("1", "300") VM("1", "300"), 2, "each VM once", -EINVAL },
	{ VM("2", "300") VM("1", "300"), 2, "each VM once", -EINVAL },
	{ "=== vm 1\n" PERCENTILES, 1, "a result in each VM", -EINVAL },
	{ "=== vm 1\n" RESULT("300"), 1, "a histogram in each VM", -EINVAL },
	{ "=== vm 1\n" RESULT("300") RESULT("300") PERCENTILES, 1, "one result", -EINVAL },
	{ VM("1", "300") PERCENTILES, 1, "one line of them", -EINVAL },
	{ VM("1", "0"), 1, "it did none", -EIO },
	{ VM("1", "-300"), 1, "ops/sec", -EINVAL },
	{ VM("1", "nan"), 1, "ops/sec", -EINVAL },
	{ VM("1", "inf"), 1, "ops/sec", -EINVAL },
	{ VM("1", "0x300"), 1, "ops/sec", -EINVAL },
	{ VM("1", "1e999"), 1, "ops/sec", -EINVAL },
	{ VM("1", "1e300"), 1, "of this world", -EINVAL },
	{ "=== vm 1\nfillrandom : 2.5 micros/op", 1, "operations", -EINVAL },
	{ "=== vm 1\nfillrandom :", 1, "operations", -EINVAL },
	{ "=== vm 1\n" RESULT("300") "Percentiles: P50: 1 P99: 3\n", 1, "P50, P75", -EINVAL },
	{ "=== vm 1\n" RESULT("300") "Percentiles: P50: nan P75: 2 P99: 3 P99.9: 4\n", 1, "numbers", -EINVAL },
	{ "=== vm 1\n" RESULT("300") "Count: 1 Average: -nan\n", 1, "Average", -EINVAL },
};

static void test_hostile_output(void)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(hostile); i++) {
		size_t len = strlen(hostile[i].text);
		_cleanup_free_ char *exact = malloc(len + 1);
		struct nvsr_perf_repeat r = { 0 };
		char complaint[512] = "";
		int rc;

		if (!exact)
			exit(1);
		memcpy(exact, hostile[i].text, len);	/* without a NUL */
		rc = nvsr_perf_db_parse(exact, len, "F", "bulkload", hostile[i].vms, &r, complaint);
		if (rc != hostile[i].rc || !strstr(complaint, hostile[i].says) || strncmp(complaint, "F:", 2) != 0) {
			fprintf(stderr, "case %u: %d, says: %s\n", i, rc, complaint);
			failed++;
		}
	}
}

int main(void)
{
	test_real_output();
	test_fairness();
	test_hostile_output();
	EXPECT(nvsr_perf_is_database("bulkload") && !nvsr_perf_is_database("randread"));
	return failed != 0;
}
