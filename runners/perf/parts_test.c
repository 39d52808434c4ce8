// SPDX-License-Identifier: GPL-2.0-or-later
/* The parts of a performance run that need no device: order, placement, memory, job files, fio's answers, samples, the journal. */
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "runners/perf/host.h"
#include "runners/testing.h"

/* --- order ---------------------------------------------------------------------------------------------------------------------- */

#define PATHS 3
#define DEPTHS 7u
#define REPEATS 4u

static void turns_meet_all_paths_alike(void)
{
	static const char *const names[PATHS] = { "bare-metal", "passthrough", "virtio-ns" };
	struct nvsr_cell cell[PATHS * DEPTHS];
	const struct nvsr_matrix m = { .repeats = REPEATS, .cell = cell, .count = PATHS * DEPTHS, .warm_up_ms = 100, .run_ms = 300 };
	unsigned seen[PATHS * DEPTHS] = { 0 }, first[PATHS] = { 0 };
	_cleanup_free_ struct nvsr_turn *a = NULL, *b = NULL, *again = NULL;
	bool moved = false;

	for (unsigned i = 0; i < m.count; i++)
		cell[i] = (struct nvsr_cell){ .path = nvsr_data_path_find(names[i / DEPTHS]), .depth = i % DEPTHS + 1, .jobs = 1, .vms = 1,
					      .block = 4096 };
	a = nvsr_order(&m, 1);
	again = nvsr_order(&m, 1);
	b = nvsr_order(&m, 2);
	EXPECT(!memcmp(a, again, m.count * REPEATS * sizeof(*a)), "the same seed, another order");
	EXPECT(memcmp(a, b, m.count * REPEATS * sizeof(*a)), "another seed, the same order");
	for (unsigned i = 0; i < m.count * REPEATS; i += PATHS) {
		first[a[i].cell / DEPTHS]++;
		for (unsigned p = 0; p < PATHS; p++) {
			const struct nvsr_turn *t = &a[i + p];

			seen[t->cell]++;
			EXPECT(t->repeat == i / m.count + 1, "turn %u is of repeat %u", i + p, t->repeat);
			EXPECT(nvsr_cell_same_load(&cell[t->cell], &cell[a[i].cell]), "turn %u is of another load than its neighbours", i + p);
		}
		moved |= i >= m.count && cell[a[i].cell].depth != cell[a[i - m.count].cell].depth;
	}
	EXPECT(moved, "every repeat has the same order");
	for (unsigned i = 0; i < m.count; i++)
		EXPECT(seen[i] == REPEATS, "cell %u has %u turns", i, seen[i]);
	for (unsigned p = 0; p < PATHS; p++)
		EXPECT(first[p] >= DEPTHS * REPEATS / PATHS - 1, "path %u is first in %u of %u", p, first[p], DEPTHS * REPEATS);
	EXPECT(nvsr_order_estimate(&m, 10, 1) > 10 * 400 * NVSR_MS && nvsr_order_estimate(&m, 10, 1) < 12 * NVSR_S, "%llu",
	       (unsigned long long)nvsr_order_estimate(&m, 10, 1));
	EXPECT(!nvsr_order_estimate(&m, 0, 0), "nothing takes time");
}

/* --- placement ------------------------------------------------------------------------------------------------------------------- */

static void everybody_has_a_place(void)
{
	static const struct { const char *cpus; unsigned threads; const char *guest, *device, *back_end; } cases[] = {
		{ "3", 1, "3", "3", "3" }, { "0-1", 1, "0", "1", "1" }, { "0,2,5", 1, "0", "5", "2" }, { "0-7", 1, "0-5", "7", "6" },
		{ "0-7", 3, "0-3", "5-7", "4" }, { "0-3", 3, "0", "1-3", "3" }, { "0-1", 2, "0", "1", "1" },
	};
	static const char *const bad[] = { "", "a", "1-", "-1", "2-1", "1,", ",1", "1 2", "1024", "99999999999999999999" };
	struct nvsr_cpus c;
	struct nvsr_placement p;
	char text[3][64];

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		EXPECT(nvsr_cpus_parse(cases[i].cpus, &c), "%s", cases[i].cpus);
		nvsr_place(&c, cases[i].threads, &p);
		EXPECT(!strcmp(nvsr_cpus_text(&p.guest, text[0], 64), cases[i].guest) &&
		       !strcmp(nvsr_cpus_text(&p.device, text[1], 64), cases[i].device) &&
		       !strcmp(nvsr_cpus_text(&p.back_end, text[2], 64), cases[i].back_end), "%s: %s, %s, %s", cases[i].cpus, text[0],
		       text[1], text[2]);
		EXPECT(p.cpus == c.n, "%u", p.cpus);
	}
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(bad); i++)
		EXPECT(!nvsr_cpus_parse(bad[i], &c), "'%s' is a list", bad[i]);
	nvsr_cpus_allowed(&c);
	EXPECT(c.n >= 1 && !nvsr_pin(&c), "%u", c.n);
}

static void memory_suffices_or_it_is_said(void)
{
	struct nvsr_complaint c = { "" };

	EXPECT(!nvsr_memory_suffices(4, 512, 2048, &c) && !c.text[0], "%s", c.text);
	EXPECT(nvsr_memory_suffices(4, 512, 2047, &c) == -ENOMEM &&
	       !strcmp(c.text, "4 guests with 512 MiB each are too much for this host, which has 2047 MiB available"), "%s", c.text);
	EXPECT(nvsr_memory_suffices(1, 513, 512, &c) == -ENOMEM && strstr(c.text, "1 guest with 513 MiB is too much"), "%s", c.text);
	EXPECT(!nvsr_memory_suffices(NVSR_VMS_MAX, UINT32_MAX, UINT64_MAX, &c), "nobody says");
	EXPECT(nvsr_memory_available_mib() > 1, "%llu", (unsigned long long)nvsr_memory_available_mib());
}

/* --- job files -------------------------------------------------------------------------------------------------------------------- */

static void job_files_say_what_the_cell_is(void)
{
	static const struct { const char *path; enum nvsr_pattern pattern; unsigned vms, jobs; const char *has[6], *has_not; } cases[] = {
		{ "bare-metal", NVSR_PATTERN_RANDREAD, 1, 1,
		  { "[host]\nfunction=pf\nnsid=1\n", "path=interrupt\n", "rw=randread\n", "norandommap=1\n", "runtime=300ms\n", NULL },
		  "rwmixread" },
		{ "virtio-ns", NVSR_PATTERN_RANDRW, 2, 2,
		  { "[vm1]\nfunction=vf1\nnsid=2\nbackend=/s/back1\n", "[vm2]\nnew_group=1\nfunction=vf2\nnsid=3\nbackend=/s/back2\n",
		    "rwmixread=70\n", "path=virtio\n", "numjobs=2\n", "cpus_allowed=0-2\n" }, "offset_increment" },
		{ "passthrough-polled", NVSR_PATTERN_WRITE, 1, 2,
		  { "rw=write\n", "path=polled\n", "offset_increment=8388608\n", "size=8388608\n", "thread=1\n", NULL }, "norandommap" },
	};
	const struct nvsr_cpus cpus = { .n = 3, .cpu = { 0, 1, 2 } };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		const struct nvsr_cell c = { .path = nvsr_data_path_find(cases[i].path), .pattern = cases[i].pattern, .read_percent = 70,
					     .block = 65536, .depth = 8, .jobs = cases[i].jobs, .vms = cases[i].vms };
		struct nvsr_job j = { .cell = &c, .engine = "/e.so", .device = "/s/device", .back_end = "/s/back", .cpus = &cpus,
				      .warm_up_ms = 100, .run_ms = 300, .namespace_bytes = 16u << 20 };
		_cleanup_free_ char *text = nvsr_job_text(&j), *verify = NULL;

		for (unsigned k = 0; k < 6 && cases[i].has[k]; k++)
			EXPECT(strstr(text, cases[i].has[k]), "%s: no '%s' in:\n%s", cases[i].path, cases[i].has[k], text);
		EXPECT(!strstr(text, cases[i].has_not), "%s: %s in:\n%s", cases[i].path, cases[i].has_not, text);
		j.verify_bytes = 1u << 30;
		verify = nvsr_job_text(&j);
		EXPECT(strstr(verify, "verify=crc32c\ndo_verify=1\n") && strstr(verify, "size=16777216\n") && !strstr(verify, "time_based"),
		       "%s", verify);
	}
}

/* The same load on a disk of the host, and of one guest. */
static void job_files_of_disks_have_the_same_load(void)
{
	const struct nvsr_cell c = { .path = nvsr_data_path_find("virtio-ns"), .pattern = NVSR_PATTERN_RANDREAD, .block = 4096, .depth = 8,
				     .jobs = 1, .vms = 2 };
	struct nvsr_job j = { .cell = &c, .io = "io_uring", .file = "${NVSR_DISK}", .vm = 2, .run_ms = 300, .namespace_bytes = 16u << 20 };
	_cleanup_free_ char *text = nvsr_job_text(&j), *seq = NULL;
	static const char *const has[] = { "ioengine=io_uring\n", "direct=1\n", "[vm2]\nfilename=${NVSR_DISK}\n", "size=16777216\n", "runtime=300ms\n" };
	static const char *const has_not[] = { "[vm1]", "cpus_allowed", "external", "function=", "backend=" };
	struct nvsr_cell d = c;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(has); i++)
		EXPECT(strstr(text, has[i]), "no '%s' in:\n%s", has[i], text);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(has_not); i++)
		EXPECT(!strstr(text, has_not[i]), "'%s' in:\n%s", has_not[i], text);
	d.pattern = NVSR_PATTERN_READ;
	j.cell = &d;
	seq = nvsr_job_text(&j);
	EXPECT(strstr(seq, "size=16777216\noffset_increment=16777216\n") && !strstr(seq, "norandommap"), "%s", seq);
}

/* As much as `qemu-img measure` says that a full qcow2 image takes, and a namespace that is made for it is not too small. */
static void images_fit_into_namespaces(void)
{
	static const struct { uint64_t bytes, image; } cases[] = {
		{ 17ull << 20, 18153472 }, { 256ull << 20, 268763136 }, { 1ull << 30, 1074135040 }, { 8ull << 30, 8591507456 },
		{ 64ull << 30, 68730224640 }, { 1ull << 40, 1099679662080 },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		uint64_t all = nvsr_with_image_room(cases[i].bytes), left = nvsr_without_image_room(all);

		EXPECT(all >= cases[i].image && left >= cases[i].bytes && left < cases[i].bytes + (3u << 20), "case %u: %llu, %llu", i,
		       (unsigned long long)all, (unsigned long long)left);
		EXPECT(nvsr_without_image_room(cases[i].image) <= cases[i].bytes, "case %u", i);
	}
	EXPECT(nvsr_without_image_room(16u << 20) == 16u << 20, "a small one");
}

/* --- fio's answers ------------------------------------------------------------------------------------------------------------------ */

#define JOB(error, extra, ios) "{ \"jobs\": [ { \"jobname\": \"vm1\", \"error\": " error extra ", \"read\": { \"total_ios\": " ios " } } ] }"

static void only_a_good_answer_is_one(void)
{
	static const struct { const char *json; int status; const char *err, *reason; bool corrupt; } cases[] = {
		{ JOB("0", "", "5"), 0, "", NULL, false },
		{ "fio: a note\n" JOB("0", "", "5") "\ntrailing", 0, "a warning\n", NULL, false },
		{ JOB("0", "", "0"), 0, "", "fio did no I/O", false },
		{ JOB("5", "", "9"), 0, "", "fio: job vm1: Input/output error", false },
		{ JOB("84", "", "9"), 1 << 8, "", "data differs from what was written", true },
		{ JOB("0", ", \"total_err\": 3", "9"), 0, "", "fio: job vm1: I/O errors", false },
		{ JOB("0", "", "9"), 1 << 8, "fio: engine x not loadable\nmore\n", "exit code 1: fio: engine x not loadable", false },
		{ "", 0, "", "fio's output is no JSON", false },
		{ "{ \"jobs\": [ { \"jobname\": \"vm1\", \"err", 0, "", "fio's output is no JSON", false },
		{ "{ \"jobs\": 3 }", 0, "", "fio's output is no JSON", false },
		{ "{ \"jobs\": [ 1, null, \"x\" ] }", 0, "", "fio did no I/O", false },
		{ JOB("0", "", "5"), 9, "", "fio was ended by signal 9", false },
		{ NULL, 127 << 8, "/none: No such file or directory\n", "exit code 127: /none: No such", false },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		bool corrupt;
		_cleanup_free_ char *reason = nvsr_fio_judge(cases[i].json, cases[i].status, cases[i].err, &corrupt);

		EXPECT(cases[i].reason ? reason && strstr(reason, cases[i].reason) : !reason, "case %u: %s", i, reason ? reason : "is good");
		EXPECT(corrupt == cases[i].corrupt, "case %u", i);
	}
}

/* --- samples ------------------------------------------------------------------------------------------------------------------------ */

/* A process that works is seen to, one that sleeps is not. */
static void processor_time_is_that_of_the_process(void)
{
	pid_t busy = fork(), idle = busy ? fork() : 0;
	const pid_t us = getpid();
	const pid_t *pid[NVSR_ROLES] = { &busy, &idle, &us };
	const unsigned n[NVSR_ROLES] = { 1, 1, 1 };
	_cleanup_free_ char *text = NULL, *without = NULL;
	struct nvsr_sample a, b;
	json_t *o;

	if (!busy)
		for (;;)
			__asm__ volatile("");
	if (!idle)
		for (;;)
			pause();
	nvsr_sample_take(pid, n, &a);
	nvsr_sleep_ns(200 * NVSR_MS, NULL);
	nvsr_sample_take(pid, n, &b);
	kill(busy, SIGKILL);
	kill(idle, SIGKILL);
	waitpid(busy, NULL, 0);
	waitpid(idle, NULL, 0);
	EXPECT(b.at - a.at >= 200 * NVSR_MS, "%llu", (unsigned long long)(b.at - a.at));
	EXPECT(b.role[0].cpu_ns - a.role[0].cpu_ns > 20 * NVSR_MS, "%llu", (unsigned long long)(b.role[0].cpu_ns - a.role[0].cpu_ns));
	EXPECT(b.role[1].cpu_ns - a.role[1].cpu_ns < 20 * NVSR_MS, "%llu", (unsigned long long)(b.role[1].cpu_ns - a.role[1].cpu_ns));
	EXPECT(b.role[2].voluntary > a.role[2].voluntary, "we slept");
	EXPECT(b.busy_ns > a.busy_ns && b.context_switches > a.context_switches && b.interrupts >= a.interrupts, "the host stood still");
	EXPECT(!nvsr_cpu_ns(busy) && !nvsr_cpu_ns(-1) && !nvsr_cpu_ns(0), "a process that is gone");
	b.device.commands = 500;
	b.back_end.kicks = 7;
	text = nvsr_sample_text(&a, &b, 2, 7);
	o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	EXPECT(json_integer_value(json_object_get(o, "window_ns")) == (json_int_t)(b.at - a.at), "%s", text);
	EXPECT(strstr(text, "\"kicks\": 7") && strstr(text, "\"commands\": 500"), "%s", text);
	json_decref(o);
	EXPECT(!strstr(text, "overlap"), "of one VM: %s", text);
	b.overlap = 0.75;
	without = nvsr_sample_text(&a, &b, 2, 3);
	EXPECT(strstr(without, "\"overlap\": 0.75"), "%s", without);
	EXPECT(!strstr(without, "backend"), "%s", without);
}

static void loads_overlap(void)
{
	static const struct { uint64_t begin[3], end[3]; unsigned n; double share; } cases[] = {
		{ { 10, 10, 10 }, { 20, 20, 20 }, 3, 1 }, { { 10, 12, 14 }, { 20, 20, 30 }, 3, 0.3 }, { { 10, 20 }, { 20, 30 }, 2, 0 },
		{ { 10, 25 }, { 20, 30 }, 2, 0 }, { { 0, 2 }, { 8, 10 }, 2, 0.6 }, { { 0 }, { 9 }, 1, 1 }, { { 0 }, { 0 }, 0, 0 },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		double share = nvsr_overlap_of(cases[i].begin, cases[i].end, cases[i].n);

		EXPECT(share > cases[i].share - 1e-9 && share < cases[i].share + 1e-9, "case %u: %f", i, share);
	}
}

/* --- the journal -------------------------------------------------------------------------------------------------------------------- */

/* restore asks: did the run put the device back itself? */
static void only_a_run_that_ended_is_over(void)
{
	static const struct { const char *text; bool over; } cases[] = {
		{ "{\"event\":\"start\"}\n", false },
		{ "{\"event\":\"start\"}\n{\"event\":\"end\",\"exit\":3,\"interrupted\":true}\n", false },
		{ "{\"event\":\"start\"}\n{\"event\":\"end\",\"exit\":0}\n", true },
		{ "{\"event\":\"start\"}\n{\"event\":\"end\",\"exit\":0}\n{\"event\":\"resume\"}\n", false },
		{ "nonsense\n", false },
	};
	char dir[] = "/tmp/nvsr-perf-over-XXXXXX";
	_cleanup_free_ char *path = mkdtemp(dir) ? nvsr_asprintf("%s/perf.jsonl", dir) : NULL;

	EXPECT(path && !nvsr_perf_is_over(dir), "without a journal");
	for (unsigned i = 0; path && i < NVSR_ARRAY_SIZE(cases); i++) {
		nvsr_write_file(path, cases[i].text, strlen(cases[i].text));
		EXPECT(nvsr_perf_is_over(dir) == cases[i].over, "case %u", i);
	}
	unlink(path);
	rmdir(dir);
}

/* Interrupts come in lines of a number for each processor, then words. */
static void interrupts_are_those_of_the_name(void)
{
	EXPECT(!nvsr_interrupts_of("no such device"), "some");
	EXPECT(nvsr_interrupts_of("Local timer") > 0 || access("/proc/interrupts", R_OK), "no timer interrupts");
}

static void who_listens_is_found(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/nvsr-listener-%d", (int)getpid());
	EXPECT(!bind(fd, (const struct sockaddr *)&a, sizeof(a)) && !nvsr_listener_of(a.sun_path), "nobody listens yet");
	EXPECT(!listen(fd, 1) && nvsr_listener_of(a.sun_path) == getpid(), "%s: %d", a.sun_path, (int)nvsr_listener_of(a.sun_path));
	close(fd);
	EXPECT(!nvsr_listener_of(a.sun_path), "nobody listens any more");
	unlink(a.sun_path);
}

static void the_journal_knows_what_is_there(void)
{
	static const struct { const char *text, *complaint; } bad[] = {
		{ "", ":1: expected the event \"start\"" },
		{ "{\"event\":\"cell\",\"cell\":\"x\"}\n", ":1: is no event of a perf run" },
		{ "{\"event\":\"start\"}\n[]\n", ":2: expected an object" },
		{ "{\"event\":\"start\"}\n{\"event\":\n", ":2: " },
		{ "{\"event\":\"start\"}\n{\"event\":\"cell\",\"cell\":\"x\",\"repeat\":0,\"result\":\"ok\"}\n", ":2: is no event" },
	};
	char path[] = "/tmp/nvsr-perf-log-XXXXXX";
	int fd = mkstemp(path);
	struct nvsr_log *log = NULL;
	struct nvsr_log_state s;
	struct nvsr_complaint c = { "" };

	close(fd);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(bad); i++) {
		EXPECT(!nvsr_write_file(path, bad[i].text, strlen(bad[i].text)), "%s", path);
		EXPECT(nvsr_log_read(path, &s, &c) == -EINVAL && strstr(c.text, bad[i].complaint), "case %u: %s", i, c.text);
	}
	unlink(path);
	EXPECT(!nvsr_log_open(path, false, &log), "%s", path);
	nvsr_log_put(log, json_pack("{s:s}", "event", "start"));
	nvsr_log_put(log, json_pack("{s:s,s:s,s:i,s:s}", "event", "cell", "cell", "b", "repeat", 2, "result", "fail"));
	nvsr_log_put(log, json_pack("{s:s,s:s,s:i,s:s}", "event", "cell", "cell", "a", "repeat", 1, "result", "ok"));
	nvsr_log_put(log, json_pack("{s:s,s:b}", "event", "end", "interrupted", 1));
	EXPECT(!nvsr_log_close(log), "close");
	/* A line that the end of the host cut off is as if it was not there, and the next one does not hang on to it. */
	fd = open(path, O_WRONLY | O_APPEND);
	EXPECT(write(fd, "{\"event\":\"cel", 13) == 13, "%s", path);
	close(fd);
	EXPECT(!nvsr_log_read(path, &s, &c), "%s", c.text);
	EXPECT(nvsr_log_has(&s, "b", 2) && nvsr_log_has(&s, "a", 1) && !nvsr_log_has(&s, "a", 2) && s.bad == 1 && s.ok == 1 && !s.complete,
	       "%u bad", s.bad);
	nvsr_log_state_free(&s);
	EXPECT(nvsr_log_open(path, false, &log) == -EEXIST, "written over");
	EXPECT(!nvsr_log_open(path, true, &log), "%s", path);
	nvsr_log_put(log, json_pack("{s:s}", "event", "resume"));
	nvsr_log_put(log, json_pack("{s:s,s:i}", "event", "end", "exit", 0));
	nvsr_log_close(log);
	EXPECT(!nvsr_log_read(path, &s, &c) && s.complete, "%s", c.text);
	nvsr_log_state_free(&s);
	unlink(path);
}

int main(void)
{
	turns_meet_all_paths_alike();
	everybody_has_a_place();
	memory_suffices_or_it_is_said();
	job_files_say_what_the_cell_is();
	job_files_of_disks_have_the_same_load();
	images_fit_into_namespaces();
	only_a_good_answer_is_one();
	processor_time_is_that_of_the_process();
	loads_overlap();
	the_journal_knows_what_is_there();
	only_a_run_that_ended_is_over();
	interrupts_are_those_of_the_name();
	who_listens_is_found();
	printf("%s: parts_test\n", failed ? "FAIL" : "ok");
	return failed != 0;
}
