// SPDX-License-Identifier: GPL-2.0-or-later
/* Verdicts of the capability table, without guests. */
#include "runners/vm/capability.h"
#include "base/expect.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";

#define BYTES ((size_t)NVSR_CAP_BLOCKS * NVSR_CAP_BLOCK)

/* As the guest does: yes "MARK I" | head -c 4096, into block (I - 1) mod 64. */
static void write_as_guest(uint8_t *data, const char *mark, unsigned long i)
{
	char line[64];
	int len = snprintf(line, sizeof(line), "%s %lu\n", mark, i);

	for (size_t k = 0; k < NVSR_CAP_BLOCK; k++)
		data[(i - 1) % NVSR_CAP_BLOCKS * NVSR_CAP_BLOCK + k] = (uint8_t)line[k % (size_t)len];
}

static void lost_writes_are_found(void)
{
	static const unsigned long counts[] = { 1, 2, 63, 64, 65, 127, 128, 129, 1000 };
	uint8_t *data = malloc(BYTES);

	for (unsigned c = 0; data && c < NVSR_ARRAY_SIZE(counts); c++) {
		unsigned long n = counts[c];
		unsigned lost;

		memset(data, 0xa5, BYTES);
		for (unsigned long i = 1; i <= n; i++)
			write_as_guest(data, "moved 1", i);
		lost = nvsr_cap_lost_blocks(data, "moved 1", n);
		EXPECT(!lost, "%lu writes: %u lost", n, lost);
		/* One more was counted than is there; of another run; a byte, the last of a block. */
		EXPECT(nvsr_cap_lost_blocks(data, "moved 1", n + 1) == 1, "%lu writes and one that is not there", n);
		EXPECT(nvsr_cap_lost_blocks(data, "moved 2", n) == NVSR_MIN(n, (unsigned long)NVSR_CAP_BLOCKS), "%lu writes of another run", n);
		data[(n - 1) % NVSR_CAP_BLOCKS * NVSR_CAP_BLOCK + NVSR_CAP_BLOCK - 1] ^= 1;
		EXPECT(nvsr_cap_lost_blocks(data, "moved 1", n) == 1, "%lu writes and a byte", n);
	}
	free(data);
}

/* Both sides of the 10 %, of the limit and of the speed without one. */
static void limits_are_judged(void)
{
	static const struct { struct nvsr_cap_speed s[3]; unsigned n; enum nvsr_cap_answer answer; const char *says; } cases[] = {
		{ { { 1000, 500, 500, 1000 } }, 1, NVSR_CAP_YES, "measured 500 (+0.0 %)" },
		{ { { 1000, 500, 549, 1000 } }, 1, NVSR_CAP_YES, "(+9.8 %)" }, { { { 1000, 500, 451, 1000 } }, 1, NVSR_CAP_YES, "(-9.8 %)" },
		{ { { 1000, 500, 551, 1000 } }, 1, NVSR_CAP_NO, "(+10.2 %)" }, { { { 1000, 500, 449, 1000 } }, 1, NVSR_CAP_NO, "(-10.2 %)" },
		{ { { 1000, 500, 1000, 1000 } }, 1, NVSR_CAP_NO, "(+100.0 %)" },
		{ { { 1000, 500, 500, 1099 } }, 1, NVSR_CAP_YES, "" }, { { { 1000, 500, 500, 901 } }, 1, NVSR_CAP_YES, "" },
		{ { { 1000, 500, 500, 1101 } }, 1, NVSR_CAP_UNTESTED, "not steady enough" },
		{ { { 1000, 500, 500, 899 } }, 1, NVSR_CAP_UNTESTED, "not steady enough" },
		{ { { 1000, 500, 900, 2000 } }, 1, NVSR_CAP_UNTESTED, "not steady enough" },
		/* One of three that is far off does not count, whichever it is; two do. */
		{ { { 1000, 500, 900, 1000 }, { 1000, 500, 505, 1000 }, { 1000, 500, 495, 1000 } }, 3, NVSR_CAP_YES, "in 3 rounds" },
		{ { { 1000, 500, 505, 3000 }, { 3000, 1500, 1500, 3000 }, { 3000, 1500, 1495, 2900 } }, 3, NVSR_CAP_YES, "in 3 rounds" },
		{ { { 1000, 500, 900, 1000 }, { 1000, 500, 505, 1000 }, { 1000, 500, 900, 1000 } }, 3, NVSR_CAP_NO, "(+80.0 %)" },
		{ { { 1000, 500, 500, 2000 }, { 2000, 1000, 1000, 2000 }, { 2000, 1000, 1000, 1900 } }, 3, NVSR_CAP_YES, "" },
		{ { { 1000, 500, 500, 2000 }, { 2000, 1000, 1000, 2500 }, { 2500, 1250, 1250, 2500 } }, 3, NVSR_CAP_UNTESTED, "not steady enough" },
		/* Medians before and after are the same, and yet it was not steady in any round. */
		{ { { 1000, 500, 500, 1200 }, { 1200, 600, 600, 1000 }, { 1000, 500, 500, 1200 } }, 3, NVSR_CAP_UNTESTED,
		  "within a round they differ by 20 %, more than 10 %" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_cap_result r = { .answer = NVSR_CAP_UNTESTED };

		nvsr_cap_judge_limit(&r, "whose", cases[i].s, cases[i].n);
		EXPECT(r.answer == cases[i].answer && !r.broken && r.text.s && strstr(r.text.s, cases[i].says) && !strncmp(r.text.s, "whose: ", 7), "%u: %d %s", i,
		       (int)r.answer, r.text.s ? r.text.s : "-");
		EXPECT(json_object_size(r.numbers) >= 4 && json_object_size(r.numbers) <= 8, "%u: numbers", i);
		json_decref(r.numbers);
		nvsr_text_free(&r.text);
	}
}

/* What restore and resume ask: did the run put the device back itself, and what has it? */
static void what_a_run_has_is_known(void)
{
#define START "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"device\":\"/dev/nvme7\",\"options\":[\"--vms=3\",\"--row=qos\"],\"cells\":[" \
	"{\"row\":\"qos\",\"way\":\"a\"},{\"row\":\"qos\",\"way\":\"b\"},{\"row\":\"qos\",\"way\":\"c\"}]}\n"
#define CELL(way, more) "{\"event\":\"cell\",\"row\":\"qos\",\"way\":\"" way "\",\"answer\":\"untested\"" more "}\n"
#define CUT "{\"event\":\"end\",\"exit\":3,\"interrupted\":true}\n"
#define END "{\"event\":\"end\",\"exit\":3}\n"
#define RESUME "{\"event\":\"resume\"}\n"
	static const struct { const char *text; bool over; unsigned lacks; } cases[] = {
		{ START, false, 3 }, { START CELL("a", "") CELL("b", ",\"broken\":true") CUT, false, 2 }, { START CELL("a", "") END, true, 2 },
		{ START CELL("a", "") CELL("b", "") CELL("c", "") END, true, 0 }, { START CELL("a", "") END RESUME, false, 2 },
		{ START CELL("a", "") CELL("b", ",\"broken\":true") CUT RESUME CELL("b", "") "{\"event\":\"ce", false, 1 },
		{ START CELL("a", "") CUT RESUME CELL("b", "") CELL("c", "") END, true, 0 },
	};
	char dir[] = "/tmp/nvsr-cap-test-XXXXXX";
	_cleanup_free_ char *path = mkdtemp(dir) ? nvsr_asprintf("%s/capability.jsonl", dir) : NULL, *perf = nvsr_asprintf("%s/perf.jsonl", dir);
	struct nvsr_complaint complaint = { "" };
	struct nvsr_cap_before b = { 0 };

	EXPECT(path && perf && !nvsr_capability_is_over(dir) && !nvsr_capability_is_resumable(dir), "without a journal");
	for (unsigned i = 0; path && i < NVSR_ARRAY_SIZE(cases); i++) {
		unsigned lacks = 0;
		char **args;

		nvsr_write_file(path, cases[i].text, strlen(cases[i].text));
		EXPECT(nvsr_capability_is_over(dir) == cases[i].over && nvsr_capability_is_resumable(dir), "case %u", i);
		EXPECT(!nvsr_cap_before_read(dir, &b, &complaint), "case %u: %s", i, complaint.text);
		for (unsigned k = 0; k < b.table.cells; k++)
			lacks += nvsr_cap_before_lacks(&b.table.cell[k]);
		EXPECT(lacks == cases[i].lacks, "case %u: %u", i, lacks);
		args = nvsr_log_args(b.start);
		EXPECT(args && nvsr_lines_count(args) == 5 && !strcmp(args[1], "--vms=3") && !strcmp(args[4], "/dev/nvme7"), "case %u: arguments", i);
		nvsr_lines_free(args);
		nvsr_cap_before_free(&b);
	}
	nvsr_write_file(path, "nonsense\n", 9);
	EXPECT(nvsr_cap_before_read(dir, &b, &complaint) == -EINVAL && strstr(complaint.text, "capability.jsonl:1: expected"), "%s", complaint.text);
	EXPECT(!nvsr_capability_is_over(dir), "nonsense");
	/* A performance run that was given the table is none of ours. */
	nvsr_write_file(perf, "{}\n", 3);
	EXPECT(!nvsr_capability_is_resumable(dir), "a performance run");
	unlink(perf);
	unlink(path);
	rmdir(dir);
}

static void only_a_run_of_the_device_counts(void)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_perf_run run;
	char *serial;

	EXPECT(nvsr_cap_perf_read("/none", "X", &run, &complaint) < 0 && strstr(complaint.text, "/none/perf.jsonl"), "%s", complaint.text);
	complaint.text[0] = '\0';
	EXPECT(nvsr_cap_perf_read("reports/testdata/perf", "X", &run, &complaint) == -EINVAL && strstr(complaint.text, "another device: serial number ") &&
	       strstr(complaint.text, "expected X"), "%s", complaint.text);
	if (nvsr_perf_read("reports/testdata/perf", &run, complaint.text))
		return;
	serial = strdup(run.serial);
	nvsr_perf_free(&run);
	EXPECT(!nvsr_cap_perf_read("reports/testdata/perf", serial, &run, &complaint), "%s", complaint.text);
	nvsr_perf_free(&run);
	free(serial);
}

int main(void)
{
	what_a_run_has_is_known();
	only_a_run_of_the_device_counts();
	lost_writes_are_found();
	limits_are_judged();
	if (!failed)
		puts("ok - verdicts of the capability table");
	return failed != 0;
}
