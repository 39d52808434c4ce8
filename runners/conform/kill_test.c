// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Proof by force, on a model that keeps its state in a file: runs are killed or interrupted at random moments, and the
 * device must be as before.  Usage: kill_test [COUNT [SEED]]; COUNT kills (default 40), and a quarter as many interruptions.
 *
 * Killed: the parent alone, or all processes of the run at one instant; then `restore` (which may be killed too) or `resume`.
 * Interrupted: SIGINT, SIGTERM, one or two; no restore follows.  What the device is afterwards is read command by command.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runners/conform/conform.h"
#include "runners/conform/testing.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";
const struct nvsr_command *const nvsr_commands[] = { NULL };

#define DEFAULT_KILLS 40
#define LEFTOVER_S 30	/* an orphan must have ended by then */

static char folder[] = "/dev/shm/nvsr-kill-XXXXXX";	/* memory: thousands of fsync() that wait for no disk */
static uint64_t seed, rng;
static char *before[2];	/* what the device said at the start; [1] without the names of namespaces */

/* Groups that change much in little time. */
static struct pattern {
	const char *tests;
	bool renames;		/* a controller names a namespace that is made again as it likes */
	uint64_t ns;		/* how long it takes */
} patterns[] = {
	{ "namespace.create.*", false, 0 }, { "namespace.attach.*", false, 0 },
	{ "namespace.delete.* !namespace.delete.delete-all", false, 0 }, { "namespace.delete.delete-all", true, 0 },
	{ "namespace.persist.*", false, 0 }, { "vf.assign.* vf.online.*", false, 0 }, { "vf.primary.*", false, 0 },
	{ "vf.walk.*", false, 0 }, { "namespace.walk.*", false, 0 }, { "reservation.persist.*", false, 0 },
	{ "reset.*", false, 0 }, { "sharing.protect.*", false, 0 }, { "erase.format.*", false, 0 },
};

static uint64_t random_below(uint64_t n)
{
	/* splitmix64 */
	uint64_t z = rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return n ? (z ^ z >> 31) % n : 0;
}

static char *difference(const char *state, const struct pattern *p)
{
	_cleanup_free_ char *now = read_device(state, !p->renames, false);

	return difference_of(before[p->renames], now);
}

/* --- processes ------------------------------------------------------------------------------------------------------------ */

static char *in_folder(const char *name)
{
	return nvsr_asprintf("%s/%s", folder, name);
}

static pid_t start(const struct nvsr_command *command, const char *args)
{
	_cleanup_free_ char *out = in_folder("out");
	pid_t pid = fork();

	if (pid == 0) {
		char copy[512], *argv[32], *save = NULL;
		int argc = 0;

		snprintf(copy, sizeof(copy), "%s %s", command->name, args);
		for (char *word = strtok_r(copy, " ", &save); word && argc < 31; word = strtok_r(NULL, " ", &save))
			argv[argc++] = word;
		argv[argc] = NULL;
		if (!freopen(out, "a", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
			_exit(9);
		exit(command->run(argc, argv));
	}
	return pid;
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return code_of(status);
}

/* The children of a process; their number. */
static unsigned children_of(pid_t pid, pid_t *ret, unsigned max)
{
	_cleanup_free_ char *path = nvsr_asprintf("/proc/%d/task/%d/children", (int)pid, (int)pid), *text = NULL;
	unsigned n = 0;
	size_t len;

	if (!path || nvsr_read_file(path, 65536, &text, &len))
		return 0;
	for (char *s = text; n < max && (ret[n] = (pid_t)strtol(s, &s, 10)); n++)
		;
	return n;
}

/* All of a run at one instant: nobody may notice the death of another. */
static void kill_all(pid_t pid)
{
	pid_t child[16];
	unsigned n;

	kill(pid, SIGSTOP);
	n = children_of(pid, child, NVSR_ARRAY_SIZE(child));
	for (unsigned i = 0; i < n; i++)
		kill(child[i], SIGKILL);
	kill(pid, SIGKILL);
}

/* Orphans come to us: see them end.  False when one does not. */
static bool no_orphans(void)
{
	uint64_t until = nvsr_now_ns() + LEFTOVER_S * NVSR_S;
	pid_t rc;

	while ((rc = waitpid(-1, NULL, WNOHANG)) >= 0 || errno == EINTR) {
		if (nvsr_now_ns() >= until)
			return false;
		if (!rc)
			nvsr_sleep_ns(NVSR_MS, NULL);
	}
	return true;
}

/* --- one moment ----------------------------------------------------------------------------------------------------------- */

struct moment {
	const struct pattern *pattern;
	const char *what;
	uint64_t ns;
	char *state, *run, *said;	/* files; what went wrong */
};

static void wrong(struct moment *m, const char *fmt, const char *more, int code)
{
	if (!m->said)
		m->said = nvsr_asprintf(fmt, more, code);
}

/* A copy of the state before, and a run that starts from it. */
static pid_t begin(struct moment *m)
{
	_cleanup_free_ char *first = in_folder("before"), *clean = NULL, *args = NULL, *copy = NULL;
	size_t len = 0;

	clean = nvsr_asprintf("rm -rf %s %s/out", m->run, folder);
	if (system(clean) || nvsr_read_file(first, 1u << 24, &copy, &len) || nvsr_write_file(m->state, copy, len))
		wrong(m, "cannot prepare%s%d", "", 0);
	args = nvsr_asprintf("model: --model-state %s --out %s --format tap --destructive %s", m->state, m->run, m->pattern->tests);
	return start(&nvsr_cmd_run, args);
}

static bool has_state(const struct moment *m)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/state.json", m->run);

	return !access(path, F_OK);
}

static void restore(struct moment *m)
{
	_cleanup_free_ char *args = nvsr_asprintf("model: %s --model-state %s", m->run, m->state);
	bool kill_it = !random_below(4), stop_it = !kill_it && !random_below(4);
	pid_t pid = start(&nvsr_cmd_restore, args);
	int code;

	if (kill_it || stop_it)
		nvsr_sleep_ns(random_below(20 * NVSR_MS), NULL);
	if (kill_it) {
		kill_all(pid);
		wait_for(pid);
		pid = start(&nvsr_cmd_restore, args);
	} else if (stop_it) {
		kill(pid, SIGINT);
	}
	code = wait_for(pid);
	/* in its first moments, and while it waits for orphans, a signal ends it with nothing done */
	if (stop_it && (code == -SIGINT || code == EXIT_INCOMPLETE))
		code = wait_for(start(&nvsr_cmd_restore, args));
	if (code)
		wrong(m, "restore%s: exit code %d", kill_it ? " (killed once)" : stop_it ? " (interrupted)" : "", code);
}

static void resume(struct moment *m)
{
	int code = wait_for(start(&nvsr_cmd_resume, m->run));

	if (code != EXIT_CONFORMS && code != EXIT_NOTHING)
		wrong(m, "resume%s: exit code %d", "", code);
}

static bool has_journal(const struct moment *m)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/journal.jsonl", m->run), *text = NULL;
	size_t len = 0;

	return !nvsr_read_file(path, 1u << 24, &text, &len) && strchr(text, '\n');
}

static void kill_once(struct moment *m)
{
	bool alone = random_below(2), finish = !random_below(8);
	pid_t pid = begin(m);

	m->what = alone ? "parent killed" : "all killed";
	nvsr_sleep_ns(m->ns, NULL);
	if (alone)
		kill(pid, SIGKILL);
	else
		kill_all(pid);
	wait_for(pid);
	/* An orphan still puts back what it did: half of the time restore meets it. */
	if (random_below(2) && !no_orphans())
		wrong(m, "an orphan does not end%s%d", "", 0);
	if (finish && has_journal(m))
		resume(m);
	else if (has_state(m))
		restore(m);
	if (!no_orphans())
		wrong(m, "an orphan does not end%s%d", "", 0);
}

static void interrupt_once(struct moment *m)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	bool twice = random_below(2);
	int code, signal = signals[random_below(NVSR_ARRAY_SIZE(signals))];
	pid_t pid = begin(m);

	m->what = twice ? "interrupted twice" : "interrupted";
	nvsr_sleep_ns(m->ns, NULL);
	kill(pid, signal);
	if (twice) {
		nvsr_sleep_ns(random_below(10 * NVSR_MS), NULL);
		kill(pid, signal);
	}
	code = wait_for(pid);
	if (code != EXIT_INCOMPLETE && code != EXIT_CONFORMS && code != EXIT_NOTHING && !(code == -signal && !has_state(m)))
		wrong(m, "run%s: exit code %d", "", code);
	if (!no_orphans())
		wrong(m, "an orphan does not end%s%d", "", 0);
}

/* What the commands said, without the results. */
static void show_said(void)
{
	_cleanup_free_ char *path = in_folder("out"), *text = NULL;
	size_t len;

	if (nvsr_read_file(path, 1u << 24, &text, &len))
		return;
	for (const char *s = text; (s = strstr(s, "nvsr-conform: ")); s += strcspn(s, "\n"))
		fprintf(stderr, "  %.*s\n", (int)strcspn(s, "\n"), s);
}

static bool one(void (*how)(struct moment *m), unsigned n)
{
	struct pattern *p = &patterns[random_below(NVSR_ARRAY_SIZE(patterns))];
	struct moment m = { .pattern = p, .state = in_folder("state"), .run = in_folder("run") };
	char *diff;

	m.ns = random_below(p->ns + p->ns / 8);
	how(&m);
	diff = difference(m.state, m.pattern);
	if (diff || m.said)
		fprintf(stderr, "%u: %s %s after %.1f ms: %s%s%s\n", n, p->tests, m.what, (double)m.ns / 1e6, m.said ? m.said : "",
			m.said && diff ? "; " : "", diff ? diff : "");
	if (diff || m.said)
		show_said();
	n = !diff && !m.said;
	free(diff);
	free(m.said);
	free(m.state);
	free(m.run);
	return n;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------ */

/* A device with something to lose: namespaces of both kinds, and resources of the primary's own. */
static bool prepare(void)
{
	_cleanup_free_ char *path = in_folder("before");
	const struct nvsr_dev_options o = { .state = path };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_dev *pf = NULL;
	_cleanup_free_ struct nvme_secondary_ctrl *sec = NULL;
	struct nvme_id_ctrl id = { 0 };
	uint32_t nsid = 0;
	unsigned n = 0;
	int rc = nvsr_dev_open_with("model:", &o, &pf, &complaint);

	if (!rc)
		rc = nvsr_id_ctrl(pf, &id);
	if (!rc)
		rc = nvsr_secondary_list(pf, &sec, &n);
	if (!rc)
		rc = nvsr_ns_create(pf, 16384, 0, true, &nsid);
	if (!rc && n)
		rc = nvsr_ns_attach(pf, nsid, le16_get(sec[0].scid));
	if (!rc)
		rc = nvsr_ns_create(pf, 8192, 0, false, &nsid);
	if (!rc)
		rc = nvsr_ns_attach(pf, nsid, le16_get(id.cntlid));
	if (!rc)
		rc = nvsr_virt_mgmt(pf, le16_get(id.cntlid), NVME_VIRT_RT_VQ, NVME_VIRT_PRIMARY_FLEXIBLE, 2, NULL);
	nvsr_dev_close(pf);
	before[0] = rc ? NULL : read_device(path, true, false);
	before[1] = rc ? NULL : read_device(path, false, false);
	if (rc)
		fprintf(stderr, "prepare: %d %s\n", rc, complaint.text);
	return before[0] && before[1];
}

/* How long each pattern takes, and that it changes nothing in the end. */
static bool measure(void)
{
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(patterns); i++) {
		struct moment m = { .pattern = &patterns[i], .state = in_folder("state"), .run = in_folder("run") };
		uint64_t begun = nvsr_now_ns();
		int code = wait_for(begin(&m));
		char *diff = difference(m.state, m.pattern);

		patterns[i].ns = nvsr_now_ns() - begun;
		if (diff || code)
			fprintf(stderr, "%s, undisturbed: exit code %d, %s\n", patterns[i].tests, code, diff ? diff : "");
		free(m.state);
		free(m.run);
		free(diff);
		if (diff || code)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned kills = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : DEFAULT_KILLS, stops = kills / 4, done[2] = { 0 };
	_cleanup_free_ char *clean = NULL;

	seed = rng = argc > 2 ? strtoull(argv[2], NULL, 0) : nvsr_now_ns() % 1000000;
	if (!kills || !mkdtemp(folder) || prctl(PR_SET_CHILD_SUBREAPER, 1) || !prepare() || !measure())
		return 1;
	for (unsigned i = 0; i < kills; i++)
		done[0] += one(kill_once, i);
	for (unsigned i = 0; i < stops; i++)
		done[1] += one(interrupt_once, i);
	printf("as before after %u of %u kills and %u of %u interruptions (seed %llu)\n", done[0], kills, done[1], stops,
	       (unsigned long long)seed);
	free(before[0]);
	free(before[1]);
	clean = nvsr_asprintf("rm -r %s", folder);
	if (done[0] == kills && done[1] == stops)
		return system(clean) ? 1 : 0;
	fprintf(stderr, "again: kill_test %u %llu\n", kills, (unsigned long long)seed);
	return 1;
}
