// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads in several guests, of which one does what it should not: libvirt's test driver has the guests, and processes play their ends
 * of the channel.
 */
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "runners/perf/guests.h"
#include "runners/testing.h"

static char folder[] = "/tmp/nvsr-guests-test-XXXXXX";

/* --- guests that are played ------------------------------------------------------------------------------------------------- */

/* Answers to one script after the other: "CODE:" and what it printed; "!": dies, "?": hangs.  After the last: hangs. */
#define ANSWERS 4
typedef const char *const answers_t[ANSWERS];

static bool read_script(FILE *in)
{
	char line[64];
	size_t n;

	if (!fgets(line, sizeof(line), in) || sscanf(line, "RUN %zu", &n) != 1)
		return false;
	while (n && fgetc(in) != EOF)
		n--;
	return !n;
}

static void __attribute__((noreturn)) play(int fd, answers_t answer)
{
	int c = accept(fd, NULL, NULL);
	FILE *in = fdopen(c, "r");

	dprintf(c, "READY 1\n");
	for (unsigned i = 0; in && i < ANSWERS && answer[i] && *answer[i] != '?' && read_script(in); i++) {
		char *text;
		long code = strtol(answer[i], &text, 10);	/* and a colon */

		if (*text != ':')
			_exit(0);
		dprintf(c, "BEAT\nDONE %ld %zu\n%s", code, strlen(text + 1), text + 1);
	}
	for (;;)
		pause();
}

/* The process that is guest @i (from 0). */
static pid_t put_guest(unsigned i, answers_t answer)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/job%u", folder, i + 1);
	unlink(a.sun_path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
		exit(1);
	pid = fork();
	if (!pid)
		play(fd, answer);
	close(fd);
	return pid;
}

/* --- a host of two guests ------------------------------------------------------------------------------------------------------ */

#define VMS 2

struct set {
	struct nvsr_host h;
	struct nvsr_target target;
	struct nvsr_placement placement;
	struct nvsr_layout_fn fn[VMS + 1];
	struct nvsr_cell cell;
	struct nvsr_job job;
	pid_t guest[VMS];
};

/* On it @pattern; its path is proven. */
static void open_set(struct set *s, enum nvsr_pattern pattern)
{
	struct nvsr_complaint c = { "" };
	struct nvsr_guests *g = calloc(1, sizeof(*g));

	*s = (struct set){ .placement = { .cpus = 1, .guest = { .n = 1 }, .back_end = { .n = 1 } } };
	s->cell = (struct nvsr_cell){ .path = nvsr_data_path_find("passthrough"), .pattern = pattern, .block = 4096, .depth = 1, .jobs = 1, .vms = VMS };
	s->job = (struct nvsr_job){ .cell = &s->cell, .io = "libaio", .file = NVSR_GUEST_DISK, .run_ms = 100, .namespace_bytes = 32u << 20 };
	for (unsigned i = 0; i <= VMS; i++) {
		s->fn[i] = (struct nvsr_layout_fn){ .vfn = i, .nsid = i + 1 };
		snprintf(s->fn[i].bdf, sizeof(s->fn[i].bdf), "0000:01:00.%u", i);
	}
	s->h.o.target = &s->target;
	s->target.session.timeout_scale = 0.1;	/* nor does a barrier take long */
	s->h.o.placement = &s->placement;
	s->h.layout = (struct nvsr_layout){ .fn = s->fn, .vfs = VMS };
	s->h.bytes = 32u << 20;
	s->h.path = s->cell.path;
	s->h.guests = g;
	if (!g || nvsr_hypervisor_open("test:///default", &g->hypervisor, &c)) {
		fprintf(stderr, "%s\n", c.text);
		exit(1);
	}
	g->proven[s->cell.path - nvsr_data_paths] = VMS;
	snprintf(g->folder, sizeof(g->folder), "%s", folder);
	snprintf(g->kernel, sizeof(g->kernel), "%s/kernel", folder);
	snprintf(g->initrd, sizeof(g->initrd), "%s/kernel", folder);
	snprintf(g->db_initrd, sizeof(g->db_initrd), "%s/kernel", folder);
	for (unsigned i = 0; i < NVSR_VMS_MAX; i++)
		g->guest[i].back_end = (struct nvsr_fio_run){ .pid = -1, .out = -1, .err = -1 };
}

static void end_guests(struct set *s)
{
	for (unsigned i = 0; i < VMS; i++)
		if (s->guest[i] > 0) {
			kill(s->guest[i], SIGKILL);
			waitpid(s->guest[i], NULL, 0);
			s->guest[i] = 0;
		}
}

static void close_set(struct set *s)
{
	nvsr_guests_drop(&s->h, NULL);
	end_guests(s);
	nvsr_hypervisor_close(s->h.guests->hypervisor);
	free(s->h.guests);
}

/* Both boot. */
static bool boot(struct set *s, answers_t one, answers_t two)
{
	struct nvsr_complaint c = { "" };
	int rc;

	end_guests(s);
	s->guest[0] = put_guest(0, one);
	s->guest[1] = put_guest(1, two);
	rc = nvsr_guests_ready(&s->h, &s->job, &c);
	EXPECT(!rc, "%d %s", rc, c.text);
	return !rc;
}

/* Until all ended, or one is dead, which is malloc'd then. */
static char *wait_for_all(struct set *s)
{
	char *dead = NULL;

	for (uint64_t until = nvsr_now_ns() + 5 * NVSR_S; !nvsr_guests_ended(&s->h) && !dead && nvsr_now_ns() < until; dead = nvsr_guests_dead(&s->h))
		nvsr_sleep_ns(NVSR_MS, NULL);
	return dead;
}

/* --- databases ------------------------------------------------------------------------------------------------------------------ */

#define STDERR "\n=== stderr\n"
#define UPTIME "0:100.00 50.00\n"

/* @one and @two are made ready; what is said about it. */
static void fails_to_prepare(answers_t one, answers_t two, const char *says)
{
	struct nvsr_complaint c = { "" };
	struct set s;
	int rc;

	open_set(&s, NVSR_PATTERN_READWHILEMERGING);
	if (boot(&s, one, two)) {
		rc = nvsr_guests_start(&s.h, &s.job, "script\n", &c);
		EXPECT(rc < 0 && strstr(c.text, says), "%d, '%s', and not '%s'", rc, c.text, says);
		/* What is dropped then boots anew, and the next turn is as if nothing had been. */
		nvsr_guests_drop(&s.h, NULL);
		if (boot(&s, (answers_t){ "0:made", UPTIME, "0:one" STDERR "x", NULL }, (answers_t){ "0:made", UPTIME, "0:two" STDERR, NULL })) {
			struct nvsr_said said;
			char *dead;

			rc = nvsr_guests_start(&s.h, &s.job, "script\n", &c);
			EXPECT(!rc, "%s", c.text);
			dead = wait_for_all(&s);
			EXPECT(!dead, "%s", dead);
			free(dead);
			nvsr_guests_finish(&s.h, &said);
			EXPECT(!said.status && !strcmp(said.json, "=== vm 1\none\n=== vm 2\ntwo\n") && !strcmp(said.err, "x"), "%d: %s; %s", said.status,
			       said.json, said.err);
			free(said.json);
			free(said.err);
		}
	}
	close_set(&s);
}

static void one_that_cannot_make_its_database_is_named(void)
{
	fails_to_prepare((answers_t){ "0:made", NULL }, (answers_t){ "!", NULL }, "VM 2: guest nvsr-");
	fails_to_prepare((answers_t){ "!", NULL }, (answers_t){ "0:made", NULL }, "VM 1: guest nvsr-");
	fails_to_prepare((answers_t){ "0:made", NULL }, (answers_t){ "1:" STDERR "mount: failed\n", NULL },
			 "guest 2 cannot make its database: RocksDB's script ended with exit code 1: mount: failed");
	fails_to_prepare((answers_t){ "137:" STDERR "Killed\n", NULL }, (answers_t){ "0:made", NULL },
			 "guest 1 cannot make its database: RocksDB's script ended with exit code 137, killed");
	fails_to_prepare((answers_t){ "3:no disk\n", NULL }, (answers_t){ "0:made", NULL }, "exit code 3: no disk");
}

static void one_that_is_slow_is_named(void)
{
	uint64_t before = nvsr_measure_grace_ns;

	nvsr_measure_grace_ns = NVSR_S / 10;
	fails_to_prepare((answers_t){ "0:made", NULL }, (answers_t){ "?", NULL }, "guest 2 was not done with its database in time");
	nvsr_measure_grace_ns = before;
}

static void a_small_namespace_boots_nothing(void)
{
	struct nvsr_complaint c = { "" };
	struct set s;
	int rc;

	open_set(&s, NVSR_PATTERN_BULKLOAD);
	s.h.bytes = NVSR_DATABASE_LEAST - (1u << 20);
	rc = nvsr_guests_ready(&s.h, &s.job, &c);
	EXPECT(rc == -ENOSPC && !strcmp(c.text, "a database takes a namespace of 16 MiB, and the smallest here has 15"), "%d %s", rc, c.text);
	EXPECT(!s.h.guests->booted, "%u booted", s.h.guests->booted);
	close_set(&s);
}

/* --- loads ------------------------------------------------------------------------------------------------------------------------ */

/* The partner is at the barrier, or at work. */
static void one_that_dies_ends_the_turn(void)
{
	static const answers_t patient = { UPTIME, "?" }, dies = { UPTIME, "!" };
	struct nvsr_complaint c = { "" };
	struct set s;
	char *dead;

	for (unsigned who = 0; who < VMS; who++) {
		open_set(&s, NVSR_PATTERN_RANDREAD);
		if (boot(&s, who ? patient : dies, who ? dies : patient)) {
			struct nvsr_said said;
			const char *name = who ? "VM 2: guest" : "VM 1: guest";

			EXPECT(!nvsr_guests_start(&s.h, &s.job, NULL, &c), "%s", c.text);
			dead = wait_for_all(&s);
			EXPECT(dead && !strncmp(dead, name, strlen(name)), "%s", dead ? dead : "all is well");
			free(dead);
			nvsr_guests_finish(&s.h, &said);
			free(said.json);
			free(said.err);
			nvsr_guests_drop(&s.h, NULL);
			EXPECT(!s.h.guests->vms && !s.h.guests->dead, "guests stay");
			boot(&s, patient, patient);
			EXPECT(s.h.guests->booted == 2 * VMS, "%u booted", s.h.guests->booted);
		}
		close_set(&s);
	}
}

/* Its words, not those of the first. */
static void one_that_fails_is_heard(void)
{
	struct nvsr_complaint c = { "" };
	struct nvsr_said said;
	struct set s;

	open_set(&s, NVSR_PATTERN_BULKLOAD);
	if (boot(&s, (answers_t){ "0:made", UPTIME, "0:one" STDERR "all is well\n", NULL },
		 (answers_t){ "0:made", UPTIME, "137:two" STDERR "Killed\n", NULL })) {
		EXPECT(!nvsr_guests_start(&s.h, &s.job, "script\n", &c), "%s", c.text);
		free(wait_for_all(&s));
		nvsr_guests_finish(&s.h, &said);
		EXPECT(said.status == 137 << 8 && !strcmp(said.err, "VM 2: Killed\n"), "%d: %s", said.status, said.err);
		free(said.json);
		free(said.err);
	}
	close_set(&s);
}

/* By their own clocks, however late we hear of it. */
static void databases_overlap_as_they_ran(void)
{
	static const struct { enum nvsr_pattern pattern; const char *one, *two; double share; } cases[] = {
		{ NVSR_PATTERN_BULKLOAD, "0:x\nran from 110.00 to 112.50\n" STDERR, "0:x\nran from 111.00 to 113.00\n" STDERR, 0.5 },
		{ NVSR_PATTERN_READWHILEMERGING, "0:x\nran from 110.00 to 112.50\n" STDERR, "0:x\nran from 111.00 to 112.70\n" STDERR, 0.8 / 1.2 },
		{ NVSR_PATTERN_READWHILEMERGING, "0:x\nran from 110.00 to 112.50\n" STDERR, "0:x\nran from 111.00 to 113.60\n" STDERR, 0 },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_complaint c = { "" };
		struct nvsr_said said;
		struct set s;

		open_set(&s, cases[i].pattern);
		if (boot(&s, (answers_t){ "0:made", UPTIME, cases[i].one, NULL }, (answers_t){ "0:made", UPTIME, cases[i].two, NULL })) {
			double share;

			EXPECT(!nvsr_guests_start(&s.h, &s.job, "script\n", &c), "%s", c.text);
			free(wait_for_all(&s));
			share = nvsr_guests_overlap(&s.h, &s.job);
			EXPECT(share > cases[i].share - 0.1 && share < cases[i].share + 0.1, "case %u: %f", i, share);
			nvsr_guests_finish(&s.h, &said);
			EXPECT(said.json && strstr(said.json, "ran from 111.00"), "%s", said.json ? said.json : "");
			free(said.json);
			free(said.err);
		}
		close_set(&s);
	}
}

static void tidy(void)
{
	static const char *const names[] = { "job1", "job2", "console1", "console2", "kernel" };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = nvsr_asprintf("%s/%s", folder, names[i]);

		if (path)
			unlink(path);
	}
	rmdir(folder);
}

int main(void)
{
	_cleanup_free_ char *kernel = mkdtemp(folder) ? nvsr_asprintf("%s/kernel", folder) : NULL;

	if (!kernel || nvsr_write_file(kernel, "k", 1))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	alarm(120);
	one_that_cannot_make_its_database_is_named();
	one_that_is_slow_is_named();
	a_small_namespace_boots_nothing();
	one_that_dies_ends_the_turn();
	one_that_fails_is_heard();
	databases_overlap_as_they_ran();
	tidy();
	printf("%s: guests_test\n", failed ? "FAIL" : "ok");
	return failed != 0;
}
