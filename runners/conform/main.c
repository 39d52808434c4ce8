// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform: picks the subcommand. */
#include "config.h"
#include "runners/conform/conform.h"

const char nvsr_version[] = NVSR_VERSION;

const struct nvsr_command *const nvsr_commands[] = {
	&nvsr_cmd_run, &nvsr_cmd_perf, &nvsr_cmd_capability, &nvsr_cmd_probe, &nvsr_cmd_list, &nvsr_cmd_report, &nvsr_cmd_resume, &nvsr_cmd_restore,
	&nvsr_cmd_prove, &nvsr_cmd_serve, NULL
};

static void print_help(FILE *f)
{
	fputs("Usage: nvsr-conform COMMAND [ARGUMENT...]\n"
	      "Conformance and performance of SR-IOV NVMe devices.\n\n", f);
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++)
		fprintf(f, "  %-10s %-22.22s %s\n", (*c)->name, (*c)->argp->args_doc ? (*c)->argp->args_doc : "", (*c)->summary);
	fputs("\nDEVICE is model: or model:PROFILE (the bundled reference model), /dev/nvme0 (PF on the kernel driver), or\n"
	      "0000:01:00.0.  It is always named, never guessed.\n\n"
	      "  nvsr-conform COMMAND --help   what a command takes\n"
	      "  nvsr-conform --version\n\n"
	      "Exit code: 0 nothing contradicts the standard, 1 a contradiction, 2 wrong usage, 3 incomplete,\n"
	      "77 nothing could run.\n", f);
}

static const struct nvsr_command *find(const char *name)
{
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

int main(int argc, char **argv)
{
	const struct nvsr_command *command;
	const char *name = argc > 1 ? argv[1] : "";
	char title[64];
	int rc;

	argp_err_exit_status = EXIT_USAGE;
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "-?") || !strcmp(name, "help")) {
		print_help(stdout);
		return 0;
	}
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		printf("nvsr-conform %s\n", nvsr_version);
		return 0;
	}
	if (!strcmp(name, "--man")) {
		nvsr_print_man(stdout);
		return 0;
	}
	if (!strcmp(name, "--bash-completion")) {
		nvsr_print_completion(stdout);
		return 0;
	}
	command = find(name);
	if (!command) {
		if (*name)
			fprintf(stderr, "nvsr-conform: no command is called %s\n\n", name);
		print_help(stderr);
		return EXIT_USAGE;
	}
	snprintf(title, sizeof(title), "nvsr-conform %s", command->name);
	argv[1] = program_invocation_name = program_invocation_short_name = title;
	rc = command->run(argc - 1, argv + 1);
	/* Results that did not arrive are not results. */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "nvsr-conform: writing to standard output failed: %s\n", strerror(errno));
		rc = rc ? rc : EXIT_INCOMPLETE;
	}
	return rc;
}
