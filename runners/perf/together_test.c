// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes that wait for each other, with nothing that they measure. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "runners/perf/perf.h"
#include "runners/testing.h"

#define MEMBERS 3u
#define TURNS 6u

/* What all processes see. */
static struct seen {
	atomic_uint at[MEMBERS][TURNS];		/* 1: waits, 2: was let go */
	atomic_uint ended[MEMBERS];
	atomic_uint early, cpus[MEMBERS];
} *seen;

/* As letters: "f" fails in that turn before it waits, "d" dies in it, "-" does as all do; from the begin on. */
static const char *const *plan;

static bool arrived(unsigned member, unsigned turn)
{
	for (unsigned t = turn; t < TURNS; t++)
		if (seen->at[member][t])
			return true;
	return seen->ended[member];
}

static int work(unsigned i, void *arg)
{
	struct nvsr_cpus cpus;

	nvsr_cpus_allowed(&cpus);
	seen->cpus[i] = cpus.n;
	seen->early += nvsr_together_devices() != MEMBERS;
	for (unsigned t = 0; t < TURNS; t++) {
		char what = plan[i][t];

		/* Not all at once. */
		nvsr_sleep_ns((i + t) % MEMBERS * 3 * NVSR_MS, NULL);
		if (what == 'd')
			seen->ended[i] = 1;
		if (what == 'd' && !t)
			return EXIT_USAGE;
		if (what == 'd')
			raise(SIGKILL);
		if (t)
			nvsr_together_before(t + 1);
		if (what == 'f')
			continue;
		seen->at[i][t] = 1;
		if (nvsr_together_wait()) {
			seen->ended[i] = 1;
			return EXIT_INCOMPLETE;
		}
		for (unsigned k = 0; k < MEMBERS; k++)
			seen->early += !arrived(k, t);
		seen->at[i][t] = 2;
	}
	fprintf(stderr, "nvsr-conform: done");
	seen->ended[i] = 1;
	return EXIT_CONFORMS;
}

static int play(const char *const plans[MEMBERS])
{
	static const char *const names[MEMBERS] = { "one", "two", "three" };
	const struct nvsr_together_options o = { .n = MEMBERS, .name = names, .run = work };

	memset(seen, 0, sizeof(*seen));
	plan = plans;
	return nvsr_together(&o);
}

static unsigned let_go(unsigned member)
{
	unsigned n = 0;

	for (unsigned t = 0; t < TURNS; t++)
		n += seen->at[member][t] == 2;
	return n;
}

static void nobody_goes_before_all_are_there(void)
{
	static const struct { const char *plan[MEMBERS]; int code; unsigned go[MEMBERS]; } cases[] = {
		{ { "------", "------", "------" }, EXIT_CONFORMS, { 6, 6, 6 } },
		{ { "------", "-f----", "--ff--" }, EXIT_CONFORMS, { 6, 5, 4 } },
		{ { "------", "---d", "------" }, EXIT_INCOMPLETE, { 6, 3, 6 } },
		{ { "-fffff", "------", "-----d" }, EXIT_INCOMPLETE, { 1, 6, 5 } },
		/* One that does not begin: nobody does. */
		{ { "------", "------", "d" }, EXIT_USAGE, { 0, 0, 0 } },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		int code = play(cases[i].plan);

		EXPECT(code == cases[i].code, "case %u: %d", i, code);
		EXPECT(!seen->early, "case %u: %u went too early", i, seen->early);
		for (unsigned k = 0; k < MEMBERS; k++)
			EXPECT(let_go(k) == cases[i].go[k], "case %u, %u: %u", i, k, let_go(k));
	}
	/* Who measures alone waits for nobody. */
	nvsr_together_before(9);
	EXPECT(nvsr_together_devices() == 1 && !nvsr_together_wait(), "waits for nobody");
}

/* Of two processors each cannot have two, of six it can. */
static void each_has_processors_of_its_own(void)
{
	struct nvsr_cpus cpus;

	nvsr_cpus_allowed(&cpus);
	play((const char *const[]){ "------", "------", "------" });
	for (unsigned i = 0; i < MEMBERS; i++)
		EXPECT(seen->cpus[i] == (cpus.n < 2 * MEMBERS ? cpus.n : (i + 1) * cpus.n / MEMBERS - i * cpus.n / MEMBERS), "%u of %u", seen->cpus[i],
		       cpus.n);
}

/* What hangs elsewhere is ended by a signal to the one that started it. */
static int hang(unsigned i, void *arg)
{
	nvsr_signals_install();
	seen->at[i][0] = 1;
	if (i)
		return nvsr_together_wait() == -EINTR ? EXIT_INCOMPLETE : EXIT_USAGE;
	while (!nvsr_stop)
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	return EXIT_INCOMPLETE;
}

static void a_signal_ends_all(void)
{
	static const char *const names[MEMBERS] = { "one", "two", "three" };
	const struct nvsr_together_options o = { .n = MEMBERS, .name = names, .run = hang };
	pid_t pid;
	int status;

	memset(seen, 0, sizeof(*seen));
	pid = fork();
	if (!pid) {
		nvsr_signals_install();
		_exit(nvsr_together(&o));
	}
	while (!seen->at[0][0] || !seen->at[1][0] || !seen->at[2][0])
		nvsr_sleep_ns(NVSR_MS, NULL);
	kill(pid, SIGTERM);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_INCOMPLETE, "%x", status);
}

int main(void)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 1;
	alarm(60);
	nobody_goes_before_all_are_there();
	each_has_processors_of_its_own();
	a_signal_ends_all();
	printf("%s: together_test\n", failed ? "FAIL" : "ok");
	return failed != 0;
}
