// SPDX-License-Identifier: GPL-2.0-or-later
/* Performance runs are read as they are, and what is wrong with them is said: file, line, field.  Run from the top of the project. */
#include <math.h>

#include "base/text.h"
#include "result/perf.h"

#define FIXTURE "reports/testdata/perf"

static unsigned failed;
#define EXPECT(cond) do { if (!(cond)) { failed++; \
	fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #cond); } } while (0)

static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b));
}

/* --- fio's output ------------------------------------------------------------------------------------------------------------ */

#define ZERO "{\"total_ios\":0,\"iops\":0,\"bw_bytes\":0,\"runtime\":0}"
#define LAT(n, mean, p) "\"lat_ns\":{\"N\":" #n ",\"mean\":" #mean ",\"percentile\":{\"50.000000\":" #p ",\"95.000000\":" #p \
	",\"99.000000\":" #p ",\"99.900000\":" #p "}}"
#define SIDE(n, iops, mean, p) "{\"total_ios\":" #n ",\"iops\":" #iops ",\"bw_bytes\":4096,\"runtime\":100," LAT(n, mean, p) "}"
#define JOB(group, name, read, write, more) "{\"jobname\":\"" name "\",\"groupid\":" #group ",\"error\":0,\"read\":" read \
	",\"write\":" write ",\"job_runtime\":200,\"usr_cpu\":50,\"sys_cpu\":25,\"ctx\":10" more "}"
#define OUTPUT(jobs) "fio: some words\n{\"jobs\":[" jobs "]}\ntrailing words\n"
#define GOOD JOB(0, "a", SIDE(10, 100, 5, 7), ZERO, "")

static void test_fio_complaints(void)
{
	static const struct { const char *text, *says; int rc; } cases[] = {
		{ "", "no JSON", -EINVAL },
		{ "fio: died\n", "no JSON", -EINVAL },
		{ "{\"jobs\":[", ":1:", -EINVAL },
		{ "words\n{\n\"jobs\":[nan]}", ":2:", -EINVAL },
		{ "{}", "jobs: expected", -EINVAL },
		{ "{\"jobs\":{}}", "jobs: expected", -EINVAL },
		{ "{\"jobs\":[]}", "jobs: expected", -EINVAL },
		{ "{\"jobs\":[7]}", "jobs[0].error: expected an integer", -EINVAL },
		{ OUTPUT(GOOD ",7"), "jobs[1].error", -EINVAL },
		{ OUTPUT(JOB(0, "a", "7", ZERO, "")), "jobs[0].read: expected an object", -EINVAL },
		{ OUTPUT(JOB(0, "a", SIDE(10, -1, 5, 7), ZERO, "")), "jobs[0].read.iops: expected a number", -EINVAL },
		{ OUTPUT(JOB(0, "a", SIDE(10, "x", 5, 7), ZERO, "")), "jobs[0].read.iops", -EINVAL },
		{ OUTPUT(JOB(0, "a", "{\"total_ios\":1,\"iops\":1,\"bw_bytes\":1,\"runtime\":1}", ZERO, "")), "read.lat_ns: expected",
		  -EINVAL },
		{ OUTPUT(JOB(0, "a", "{\"total_ios\":1,\"iops\":1,\"bw_bytes\":1,\"runtime\":1,\"lat_ns\":{\"N\":1,\"mean\":1}}", ZERO, "")),
		  "lat_percentiles=1", -EINVAL },
		{ OUTPUT(JOB(0, "a", ZERO, ZERO, "")), "no I/O", -EIO },
		{ OUTPUT("{\"error\":5}"), "error 5 (Input/output error)", -EIO },
		{ OUTPUT(JOB(0, "a", SIDE(10, 100, 5, 7), ZERO, ",\"total_err\":3,\"first_error\":84")), "3 failed I/Os", -EIO },
		{ OUTPUT(JOB(0, "a", SIDE(10, 100, 5, 7), ZERO, ",\"mixed\":7")), "jobs[0].mixed", -EINVAL },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_perf_repeat r = { 0 };
		char complaint[512] = "";

		EXPECT(nvsr_perf_fio_parse(cases[i].text, strlen(cases[i].text), "F", 1, &r, complaint) == cases[i].rc);
		if (!strstr(complaint, cases[i].says) || strncmp(complaint, "F:", 2)) {
			fprintf(stderr, "case %u says: %s\n", i, complaint);
			failed++;
		}
	}
}

static void parse(const char *text, unsigned vms, struct nvsr_perf_repeat *ret)
{
	char complaint[512] = "";

	memset(ret, 0, sizeof(*ret));
	EXPECT(!nvsr_perf_fio_parse(text, strlen(text), "F", vms, ret, complaint));
	if (*complaint)
		fprintf(stderr, "%s\n", complaint);
}

static void test_fio_values(void)
{
	struct nvsr_perf_repeat r;

	parse(OUTPUT(GOOD), 1, &r);
	EXPECT(near(r.value[NVSR_PERF_IOPS], 100) && near(r.value[NVSR_PERF_READ_IOPS], 100) && r.value[NVSR_PERF_WRITE_IOPS] == 0);
	EXPECT(near(r.value[NVSR_PERF_LAT_MEAN], 5) && near(r.value[NVSR_PERF_LAT_P999], 7) && near(r.value[NVSR_PERF_READ_P50], 7));
	EXPECT(!r.bound && isnan(r.value[NVSR_PERF_WRITE_P50]) && isnan(r.value[NVSR_PERF_JAIN]) && isnan(r.value[NVSR_PERF_HOST_CORES]));
	/* 50 % of 200 ms of jobs in 100 ms */
	EXPECT(near(r.value[NVSR_PERF_FIO_USR], 1) && near(r.value[NVSR_PERF_FIO_SYS], 0.5) && near(r.value[NVSR_PERF_FIO_CTX], 100));

	/* Both directions: sums, a weighted mean, percentiles that are a bound. */
	parse(OUTPUT(JOB(0, "a", SIDE(30, 300, 10, 11), SIDE(10, 100, 50, 60), "")), 1, &r);
	EXPECT(near(r.value[NVSR_PERF_IOPS], 400) && near(r.value[NVSR_PERF_BANDWIDTH], 8192) && near(r.value[NVSR_PERF_IOS], 40));
	EXPECT(near(r.value[NVSR_PERF_LAT_MEAN], 20) && near(r.value[NVSR_PERF_LAT_P95], 60) && r.bound);
	EXPECT(near(r.value[NVSR_PERF_READ_P95], 11) && near(r.value[NVSR_PERF_WRITE_P95], 60));

	/* unified_rw_reporting=both: fio has seen the whole distribution. */
	parse(OUTPUT(JOB(0, "a", SIDE(30, 300, 10, 11), SIDE(10, 100, 50, 60), ",\"mixed\":" SIDE(40, 400, 20, 33))), 1, &r);
	EXPECT(near(r.value[NVSR_PERF_IOPS], 400) && near(r.value[NVSR_PERF_LAT_P95], 33) && !r.bound);

	/* Two VMs as reporting groups, the second of two entries. */
	parse(OUTPUT(JOB(0, "a", SIDE(10, 100, 5, 7), ZERO, "") "," JOB(1, "a", SIDE(10, 200, 5, 9), ZERO, "") ","
		     JOB(1, "b", SIDE(20, 100, 8, 8), ZERO, "")), 2, &r);
	EXPECT(near(r.value[NVSR_PERF_IOPS], 400) && near(r.value[NVSR_PERF_LAT_P50], 9) && r.bound);
	EXPECT(near(r.value[NVSR_PERF_LAT_MEAN], 6.5));
	EXPECT(near(r.value[NVSR_PERF_WORST_BEST], 1.0 / 3) && near(r.value[NVSR_PERF_JAIN], 160000.0 / (2 * 100000.0)));
	/* … as names; and not to be told apart */
	parse(OUTPUT(JOB(0, "a", SIDE(10, 100, 5, 7), ZERO, "") "," JOB(0, "b", SIDE(10, 200, 5, 9), ZERO, "")), 2, &r);
	EXPECT(near(r.value[NVSR_PERF_WORST_BEST], 0.5));
	parse(OUTPUT(GOOD), 2, &r);
	EXPECT(isnan(r.value[NVSR_PERF_WORST_BEST]));
}

static void test_host(void)
{
	static const struct { const char *text, *says; } bad[] = {
		{ "", "not JSON" }, { "[]", "version" }, { "{\"version\":2}", "version" }, { "{\"version\":1}", "window_ns" },
		{ "{\"version\":1,\"window_ns\":0}", "window_ns: expected an integer from 1" },
		{ "{\"version\":1,\"window_ns\":9,\"host\":{\"busy_ns\":\"x\"}}", "host.busy_ns: expected a number" },
		{ "{\"version\":1,\"window_ns\":9,\"overlap\":-1}", "overlap: expected a number" },
		{ "{\"version\":1,\"window_ns\":9,\"groups\":{\"guest\":{\"cpu_ns\":-1}}}", "groups.guest.cpu_ns" },
	};
	static const char good[] = "{\"version\":1,\"window_ns\":500000000,\"host\":{\"busy_ns\":1000000000,\"interrupts\":50},"
		"\"groups\":{\"guest\":{\"cpu_ns\":250000000,\"voluntary\":25},\"device\":{\"cpu_ns\":500000000},"
		"\"backend\":{\"cpu_ns\":375000000}},\"counters\":{\"backend\":{\"kicks\":5}},\"overlap\":0.9}";
	static const char busier[] = "{\"version\":1,\"window_ns\":500000000,\"host\":{\"busy_ns\":1500000000},"
		"\"groups\":{\"guest\":{\"cpu_ns\":250000000},\"device\":{\"cpu_ns\":500000000}}}";
	static const char unknown[] = "{\"version\":1,\"window_ns\":500000000,\"groups\":{\"guest\":{\"cpu_ns\":250000000}}}";
	struct nvsr_perf_repeat r;
	char complaint[512];

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(bad); i++) {
		parse(OUTPUT(GOOD), 1, &r);
		EXPECT(nvsr_perf_host_parse(bad[i].text, strlen(bad[i].text), "H", &r, complaint) == -EINVAL);
		EXPECT(strstr(complaint, bad[i].says));
	}
	parse(OUTPUT(GOOD), 1, &r);
	EXPECT(!nvsr_perf_host_parse(good, strlen(good), "H", &r, complaint));
	EXPECT(near(r.value[NVSR_PERF_HOST_CORES], 2) && near(r.value[NVSR_PERF_HOST_IRQ], 100) && isnan(r.value[NVSR_PERF_HOST_CTX]));
	EXPECT(near(r.value[NVSR_PERF_GUEST_CORES], 0.5) && near(r.value[NVSR_PERF_PATH_CORES], 1.25));
	/* The host counts ticks: it has no less than those it is made of. */
	EXPECT(near(r.value[NVSR_PERF_IOPS_PER_HOST_CORE], 80));
	EXPECT(near(r.value[NVSR_PERF_IOPS_PER_CORE], 80) && near(r.value[NVSR_PERF_KICKS], 10) && near(r.value[NVSR_PERF_KICKS_PER_IO], 0.1));
	EXPECT(r.value[NVSR_PERF_OTHER_CORES] == 0 && near(r.value[NVSR_PERF_OVERLAP], 0.9));
	EXPECT(near(r.value[NVSR_PERF_SLEEPS_PER_IO], 0.5) && isnan(r.value[NVSR_PERF_CALLS_PER_IO]));
	parse(OUTPUT(GOOD), 1, &r);
	EXPECT(!nvsr_perf_host_parse(busier, strlen(busier), "H", &r, complaint) && near(r.value[NVSR_PERF_IOPS_PER_HOST_CORE], 50));
	parse(OUTPUT(GOOD), 1, &r);
	EXPECT(!nvsr_perf_host_parse(unknown, strlen(unknown), "H", &r, complaint) && isnan(r.value[NVSR_PERF_IOPS_PER_HOST_CORE]));
}

/* --- the capability table beside a run ----------------------------------------------------------------------------------------- */

#define TABLE(serial) "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"serial\":\"" serial "\",\"cells\":[" \
	"{\"row\":\"migration\",\"way\":\"passthrough\"}]}\n{\"event\":\"cell\",\"row\":\"migration\",\"way\":\"passthrough\",\"answer\":\"no\"}\n"

/* One of the same device is read with the run; any other, and what is none, is told, and the run is read. */
static void test_capability(void)
{
	static const struct { const char *table, *says; } cases[] = {
		{ NULL, NULL }, { TABLE("S1"), NULL }, { TABLE("S2"), "another device: serial number S2, the performance run has S1" },
		{ "{}\n", "capability.jsonl:1: expected an event" }, { "", "capability.jsonl:0: expected" },
	};
	static const char journal[] = "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"software\":false,\"serial\":\"S1\",\"repeats\":2,\"cells\":[]}\n";
	char dir[] = "/tmp/nvsr-perf-read-XXXXXX";
	_cleanup_free_ char *run_file = NULL, *table_file = NULL;

	if (!mkdtemp(dir)) {
		failed++;
		return;
	}
	run_file = nvsr_asprintf("%s/perf.jsonl", dir);
	table_file = nvsr_asprintf("%s/capability.jsonl", dir);
	EXPECT(!nvsr_write_file(run_file, journal, strlen(journal)));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_perf_run run;
		char complaint[512];

		EXPECT(!cases[i].table || !nvsr_write_file(table_file, cases[i].table, strlen(cases[i].table)));
		EXPECT(!nvsr_perf_read(dir, &run, complaint));
		EXPECT(!run.no_capability == !cases[i].says && !run.capability == (!cases[i].table || cases[i].says));
		EXPECT(!run.no_capability || (strstr(run.no_capability, cases[i].says) && !strstr(run.no_capability, "/tmp/")));
		EXPECT(!run.capability || nvsr_capability_find(run.capability, "migration", "passthrough")->answer == NVSR_CAPABILITY_NO);
		nvsr_perf_free(&run);
	}
	unlink(run_file);
	unlink(table_file);
	rmdir(dir);
}

/* --- the journal ------------------------------------------------------------------------------------------------------------- */

#define CELL(name) "{\"cell\":\"" name "\",\"path\":\"p\",\"pattern\":\"randread\",\"read_percent\":100,\"block\":4096,\"depth\":1," \
	"\"jobs\":1,\"vms\":1}"
#define START(cells) "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"software\":true,\"repeats\":2,\"cells\":[" cells "]}\n"
#define EVENT(cell, repeat, result) "{\"event\":\"cell\",\"cell\":\"" cell "\",\"repeat\":" #repeat ",\"result\":\"" result "\"}\n"

static void test_journal_complaints(void)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "", "empty" },
		{ "{", ":1:" },
		{ "{}\n", ":1: field event" },
		{ "{\"event\":\"end\",\"exit\":0}\n", "\"start\" in the first line" },
		{ "{\"event\":\"start\",\"version\":1}\n", "kind: expected \"perf\"" },
		{ "{\"event\":\"start\",\"version\":2,\"kind\":\"perf\"}\n", "version: expected an integer from 1 to 1" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\"}\n", "software" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"software\":true}\n", "repeats" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"software\":true,\"repeats\":65,\"cells\":[]}\n", "from 1 to 64" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"software\":true,\"repeats\":1}\n", "cells" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"software\":true,\"repeats\":1,\"tool\":7,\"cells\":[]}\n", "tool" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"software\":true,\"repeats\":1,\"placement\":{\"cpus\":2,"
		  "\"guest\":[\"x\"]},\"cells\":[]}\n", "placement.guest" },
		{ START("7"), "cells[0].cell" },
		{ START(CELL("a") "," CELL("a")), "each cell once" },
		/* names become paths of files */
		{ START(CELL("../a")), "cells[0].cell: expected a name" },
		{ START(CELL("a/b")), "cells[0].cell" },
		{ START(CELL("")), "cells[0].cell" },
		{ START(CELL("a'b")), "cells[0].cell" },
		{ START(CELL("a")) START(CELL("a")), ":2: field event" },
		{ START(CELL("a")) "nonsense\n{}\n", ":2:" },
		{ START(CELL("a")) EVENT("b", 1, "ok"), ":2: field cell" },
		{ START(CELL("a")) EVENT("a", 3, "ok"), "repeat: expected an integer from 1 to 2" },
		{ START(CELL("a")) EVENT("a", 0, "ok"), "repeat" },
		{ START(CELL("a")) EVENT("a", 1, "missing"), "ok, fail or skip" },
		{ START(CELL("a")) "{\"event\":\"verify\",\"path\":\"p\",\"result\":\"x\"}\n", "result" },
		{ START(CELL("a")) "{\"event\":\"end\"}\n", "exit" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_perf_run run;
		char complaint[512] = "";

		EXPECT(nvsr_perf_journal_parse(cases[i].text, strlen(cases[i].text), "J", &run, complaint) == -EINVAL);
		if (!strstr(complaint, cases[i].says)) {
			fprintf(stderr, "case %u says: %s\n", i, complaint);
			failed++;
		}
	}
}

/* Verifications are looked through one by one: not more of them than paths can be. */
static void test_many_paths(void)
{
	_cleanup_text_ struct nvsr_text t = { 0 };
	struct nvsr_perf_run run;
	char complaint[512] = "";

	nvsr_text_add(&t, "%s", START(CELL("a")));
	for (unsigned i = 0; i < 64; i++)
		nvsr_text_add(&t, "{\"event\":\"verify\",\"path\":\"p%u\",\"result\":\"ok\"}\n", i);
	nvsr_text_add(&t, "{\"event\":\"verify\",\"path\":\"p63\",\"result\":\"skip\"}\n");
	EXPECT(!nvsr_perf_journal_parse(t.s, t.len, "J", &run, complaint) && run.verifies == 64 && run.verify[63].state == NVSR_PERF_SKIP);
	nvsr_perf_free(&run);
	nvsr_text_add(&t, "{\"event\":\"verify\",\"path\":\"q\",\"result\":\"ok\"}\n");
	EXPECT(nvsr_perf_journal_parse(t.s, t.len, "J", &run, complaint) == -EINVAL && strstr(complaint, ":67: field path: expected one of up to 64"));
}

static void test_journal_states(void)
{
	static const char text[] = START(CELL("a") "," CELL("b") "," CELL("c") "," CELL("d"))
		EVENT("a", 1, "ok") EVENT("a", 2, "fail") "{\"event\":\"cell\",\"cell\":\"b\",\"result\":\"skip\",\"reason\":\"not\\u0007here\"}\n"
		"{\"event\":\"verify\",\"path\":\"p\",\"result\":\"fail\",\"reason\":\"x\"}\n{\"event\":\"end\",\"exit\":3,\"interrupted\":true}\n"
		"{\"event\":\"resume\",\"time\":\"now\"}\n" EVENT("a", 2, "ok") EVENT("c", 1, "ok")
		"{\"event\":\"verify\",\"path\":\"p\",\"result\":\"ok\",\"bytes\":7}\n{\"event\":\"later-kind\"}\n" "{\"event\":\"ce";
	struct nvsr_perf_run run;
	char complaint[512];

	EXPECT(!nvsr_perf_journal_parse(text, strlen(text), "J", &run, complaint));
	EXPECT(run.cells == 4 && run.resumed && !run.interrupted && run.exit_code == -1 && run.software);
	EXPECT(run.cell[0].state == NVSR_PERF_OK && run.cell[0].ok == 2);
	EXPECT(run.cell[1].state == NVSR_PERF_SKIP && !strcmp(run.cell[1].reason, "not\\x07here"));
	EXPECT(run.cell[2].state == NVSR_PERF_MISSING && run.cell[2].ok == 1 && run.cell[3].state == NVSR_PERF_MISSING);
	EXPECT(run.verifies == 1 && run.verify[0].state == NVSR_PERF_OK && run.verify[0].bytes == 7 && !run.verify[0].reason);
	EXPECT(nvsr_perf_exit_code(&run) == 3);
	nvsr_perf_free(&run);
}

static void test_exit_codes(void)
{
#define END "{\"event\":\"end\",\"exit\":0}\n"
	static const struct { const char *text; int code; } cases[] = {
		{ START(CELL("a")) EVENT("a", 1, "ok") EVENT("a", 2, "ok") END, 0 },
		{ START(CELL("a")) EVENT("a", 1, "ok") EVENT("a", 2, "ok"), 3 },
		{ START(CELL("a")) EVENT("a", 1, "ok") EVENT("a", 2, "fail") END, 3 },
		{ START(CELL("a")) EVENT("a", 1, "ok") END, 3 },
		{ START(CELL("a")) EVENT("a", 0, "skip") END, 77 },
		{ START(CELL("a")) "{\"event\":\"verify\",\"path\":\"p\",\"result\":\"fail\",\"corrupt\":true}\n" EVENT("a", 1, "fail") END, 1 },
		{ START(CELL("a")) "{\"event\":\"verify\",\"path\":\"p\",\"result\":\"fail\"}\n" EVENT("a", 1, "fail") END, 3 },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_perf_run run;
		char complaint[512];

		EXPECT(!nvsr_perf_journal_parse(cases[i].text, strlen(cases[i].text), "J", &run, complaint));
		EXPECT(nvsr_perf_exit_code(&run) == cases[i].code);
		nvsr_perf_free(&run);
	}
}

/* --- statistics ---------------------------------------------------------------------------------------------------------------- */

static void test_spread(void)
{
	static const double odd[] = { 5, 1, 9 }, even[] = { 4, NAN, 1, 2, 3 };
	struct nvsr_spread s = nvsr_spread_of(odd, 3);

	EXPECT(s.n == 3 && near(s.median, 5) && near(s.min, 1) && near(s.max, 9) && s.at == 0);
	s = nvsr_spread_of(even, 5);
	EXPECT(s.n == 4 && near(s.median, 2.5) && near(s.min, 1) && near(s.max, 4) && s.at == 3);
	s = nvsr_spread_of(even + 1, 1);
	EXPECT(!s.n && isnan(s.median));
}

/* --- a directory -------------------------------------------------------------------------------------------------------------------- */

static const struct nvsr_perf_cell *named(const struct nvsr_perf_run *run, const char *name)
{
	for (size_t i = 0; i < run->cells; i++)
		if (!strcmp(run->cell[i].name, name))
			return &run->cell[i];
	fprintf(stderr, "no cell %s\n", name);
	exit(1);
}

static void test_directory(void)
{
	const struct nvsr_perf_cell *bare, *pass, *vhost;
	struct nvsr_perf_run run;
	struct nvsr_spread ratio;
	char complaint[512];

	EXPECT(nvsr_perf_is_run(FIXTURE) && !nvsr_perf_is_run("reports/testdata"));
	EXPECT(nvsr_perf_read("reports/testdata", &run, complaint) == -ENOENT && strstr(complaint, "perf.jsonl"));
	EXPECT(!nvsr_perf_read(FIXTURE, &run, complaint) && !*complaint);
	bare = named(&run, "bare-metal.randread.4k.qd32.j1.v1");
	pass = named(&run, "passthrough.randread.4k.qd32.j1.v1");
	vhost = named(&run, "vhost-user-blk.randread.4k.qd32.j1.v1");
	EXPECT(bare->ok == 2 && near(bare->stat[NVSR_PERF_IOPS].min, 1.4e6) && near(bare->stat[NVSR_PERF_IOPS].max, 1.428e6));
	EXPECT(vhost->ok == 1 && vhost->state == NVSR_PERF_FAIL && strstr(vhost->reason, "signal 9"));
	EXPECT(near(vhost->stat[NVSR_PERF_BACKEND_CORES].median, 0.99) && near(bare->stat[NVSR_PERF_DEVICE_CORES].median, 1));
	EXPECT(nvsr_perf_find(&run, "bare-metal", pass) == bare && !nvsr_perf_find(&run, "iscsi", pass));
	ratio = nvsr_perf_ratio(pass, bare, NVSR_PERF_IOPS, run.repeats);
	EXPECT(ratio.n == 2 && near(ratio.median, 1350.0 / 1400));
	EXPECT(nvsr_perf_ratio(vhost, bare, NVSR_PERF_IOPS, run.repeats).n == 1);
	ratio = nvsr_perf_difference(pass, bare, NVSR_PERF_IOPS, run.repeats);
	EXPECT(ratio.n == 2 && near(ratio.median, (1350.0 - 1400) * 1000 * 1.01) && ratio.min < ratio.max);
	EXPECT(!nvsr_perf_difference(pass, NULL, NVSR_PERF_IOPS, run.repeats).n);
	EXPECT(!strcmp(run.cpu, "Made-up CPU") && run.cpus == 4 && run.places == 3 && run.memory_bytes == 1u << 30 && run.matrix_text);
	nvsr_perf_free(&run);
}

/* Raw files that are not there or damaged make the repeat fail, and nothing else. */
static void test_damage(void)
{
	static const char journal[] = START(CELL("a") "," CELL("b")) EVENT("a", 1, "ok") EVENT("a", 2, "ok") EVENT("b", 1, "ok") END;
	static const char host[] = "{\"version\":1,\"window_ns\":1}", half[] = "{\"jobs\":[{\"jobname\":\"a\",\n\"error\":0,\"re";
	char folder[] = "/tmp/nvsr-perf-XXXXXX", complaint[512], path[128];
	const struct { const char *name, *text; } files[] = {
		{ "perf.jsonl", journal }, { "raw/a/1.json", OUTPUT(GOOD) }, { "raw/a/1.host.json", host },
		{ "raw/a/2.json", half }, { "raw/b/1.json", OUTPUT(GOOD) },
	};
	struct nvsr_perf_run run;

	if (!mkdtemp(folder)) {
		failed++;
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/raw/%c", folder, "ab"[i]);
		EXPECT(!nvsr_mkdirs(path));
	}
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		EXPECT(!nvsr_write_file(path, files[i].text, strlen(files[i].text)));
	}
	EXPECT(!nvsr_perf_read(folder, &run, complaint));
	EXPECT(run.cell[0].ok == 1 && run.cell[0].state == NVSR_PERF_FAIL && strstr(run.cell[0].reason, "raw/a/2.json:2:"));
	EXPECT(run.cell[1].ok == 0 && strstr(run.cell[1].reason, "raw/b/1.host.json: No such file"));
	EXPECT(run.total[NVSR_PERF_FAIL] == 2 && nvsr_perf_exit_code(&run) == 3);
	nvsr_perf_free(&run);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i].name);
		unlink(path);
	}
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", folder, (const char *const[]){ "/raw/a", "/raw/b", "/raw", "" }[i]);
		rmdir(path);
	}
}

int main(void)
{
	test_fio_complaints();
	test_fio_values();
	test_host();
	test_capability();
	test_journal_complaints();
	test_journal_states();
	test_many_paths();
	test_exit_codes();
	test_spread();
	test_directory();
	test_damage();
	return failed ? 1 : 0;
}
