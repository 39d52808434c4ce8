// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lies: whatever a device answers, every test comes to a verdict about it and every command ends as documented.  The tests
 * run as they do for defects; here are the commands that read a device on their own, from the command line to the last report.
 */
#include <fcntl.h>
#include <ftw.h>
#include <sys/wait.h>

#include "runners/conform/prove.h"

#define COMMAND_LIMIT_S 60
#define ARGS_MAX 8

const char *const nvsr_told_names[NVSR_TOLD] = { [NVSR_TOLD_PROBE] = "probe", [NVSR_TOLD_RUN] = "run" };

bool nvsr_said_of_device(const struct nvsr_said *s)
{
	return s->ran && s->verdict != NVSR_NONE && s->verdict != NVSR_CRASH && s->verdict != NVSR_TIMEOUT;
}

bool nvsr_lie_endured(const struct nvsr_job *job)
{
	bool endured = !job->died;

	for (size_t i = 0; i < job->plan.count; i++)
		endured = endured && nvsr_said_of_device(&job->said[i]);
	for (unsigned i = 0; i < NVSR_TOLD; i++)
		endured = endured && job->ended[i] >= 0;
	return endured;
}

/* A subcommand as the shell would start it, silent.  Does not return. */
static void __attribute__((noreturn)) command_main(const struct nvsr_command *c, int argc, char **argv)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(null, fd);
	alarm(COMMAND_LIMIT_S);
	exit(c->run(argc, argv));
}

/* Its exit code, or -1 when a signal ended it. */
static int run_command(const struct nvsr_command *c, const char *const *args)
{
	char *argv[ARGS_MAX] = { 0 };
	int argc = 0, status = 0;
	pid_t pid;

	while (argc < ARGS_MAX - 1 && args[argc]) {
		argv[argc] = (char *)(uintptr_t)args[argc];	/* argp does not write to them */
		argc++;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		command_main(c, argc, argv);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

/* What the exit code of a run has to be: that of its journal, or 3 when the device did not let it begin. */
static int wanted_code(const char *dir)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/journal.jsonl", dir);
	char complaint[512];
	struct nvsr_run run;
	int code;

	if (!path || access(path, F_OK))
		return EXIT_INCOMPLETE;
	if (nvsr_run_read(path, &run, complaint))
		return -1;
	code = nvsr_run_exit_code(&run, false);
	nvsr_run_free(&run);
	return code;
}

static int told_run(const struct nvsr_lie *lie)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *dir = nvsr_asprintf("%s/nvsr-lie-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	const char *const args[] = { "nvsr-conform run", "model:", "pf.claims.*", "--defect", lie->name, "--out", dir, NULL };
	int code;

	if (!dir || !mkdtemp(dir))
		return -1;
	code = run_command(&nvsr_cmd_run, args);
	if (code != wanted_code(dir))
		code = -1;
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return code;
}

static int told_probe(const struct nvsr_lie *lie)
{
	const char *const args[] = { "nvsr-conform probe", "model:", "--defect", lie->name, NULL };
	int code = run_command(&nvsr_cmd_probe, args);

	return code == EXIT_CONFORMS || code == EXIT_INCOMPLETE ? code : -1;
}

int nvsr_told_run(enum nvsr_told command, const struct nvsr_lie *lie)
{
	return command == NVSR_TOLD_PROBE ? told_probe(lie) : told_run(lie);
}
