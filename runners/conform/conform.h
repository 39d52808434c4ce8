/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the subcommands of nvsr-conform share. */
#ifndef NVSR_RUNNERS_CONFORM_H
#define NVSR_RUNNERS_CONFORM_H

#include <argp.h>

#include "nvsr.h"
#include "reports/reports.h"

enum { EXIT_CONFORMS = 0, EXIT_DIFFERS = 1, EXIT_USAGE = 2, EXIT_INCOMPLETE = 3, EXIT_NOTHING = 77 };

/* A subcommand: help, man page and completion are made from @argp. */
struct nvsr_command {
	const char *name, *summary;
	const struct argp *argp;
	int (*run)(int argc, char **argv);	/* argv[0] is "nvsr-conform NAME"; returns the exit code */
};
/* In the order of the help text; NULL-terminated. */
extern const struct nvsr_command *const nvsr_commands[];
extern const struct nvsr_command nvsr_cmd_run, nvsr_cmd_probe, nvsr_cmd_list, nvsr_cmd_report, nvsr_cmd_resume,
	nvsr_cmd_restore, nvsr_cmd_prove;
extern const char nvsr_version[];

/* docs.c: from the option tables. */
void nvsr_print_man(FILE *f);
void nvsr_print_completion(FILE *f);

/* "nvsr-conform: …" on stderr. */
void nvsr_say(const char *fmt, ...) NVSR_PRINTF(1, 2);

enum nvsr_format { NVSR_FORMAT_AUTO, NVSR_FORMAT_TEXT, NVSR_FORMAT_TAP, NVSR_FORMAT_JSON, NVSR_FORMAT_MD };
/* By name; fails the command line (exit 2) when @name is none of @allowed ("text|tap|json"). */
enum nvsr_format nvsr_format_parse(const char *name, const char *allowed, struct argp_state *state);

/* --- target.c: the device of a command ------------------------------------------------------------------------------ */
struct nvsr_target_options {
	const char *device, *profile;	/* profile NULL: reference for the model, matched by identity for a device */
	char **defects;			/* NULL-terminated or NULL */
	const char *state;		/* of the model, or NULL */
	bool destructive;
	const char *erase_serial;
	double timeout_scale;
	uint64_t seed;
	unsigned steps;
};
struct nvsr_target {
	struct nvsr_session session;
	struct nvsr_profile *profile, *behaviour;
	struct nvsr_inventory inv;
	struct nvsr_snapshot *state;	/* before anything was changed */
	char *method, model[41], serial[21], firmware[9];
	unsigned can;
	bool real;			/* not the model */
};
/**
 * nvsr_target_open() - look at the device once and decide what may be done to it.
 *
 * The device is closed again: every group opens its own.  Prints what is wrong.
 *
 * Return: 0 or the exit code.
 */
int nvsr_target_open(const struct nvsr_target_options *o, struct nvsr_target *ret);
void nvsr_target_close(struct nvsr_target *t);
/* Only open it: device and state file count.  The caller closes.  0 or the exit code, after saying why. */
int nvsr_target_probe(const struct nvsr_target_options *o, struct nvsr_dev **ret);
#define NVSR_DEFECT_HELP "seed a defect in the model, or a lie; repeatable (nvsr-conform prove shows them)"
#define NVSR_MODEL_STATE_HELP "what the model remembers without power, read and kept in a file (default: it is new)"

/* --- safety.c -------------------------------------------------------------------------------------------------------- */
/**
 * nvsr_in_use() - who uses a namespace of the subsystem: a mount, swap, a device on top of it, an exclusive opener.
 * @root: "" or, for tests, a folder with sys/ and proc/ in it
 * @device: "/dev/nvme0" or "0000:01:00.0"
 *
 * Return: malloc'd text, one line per use, "" when nobody does; NULL with errno when that cannot be found out.
 */
char *nvsr_in_use(const char *root, const char *device);

/* --- rundir.c ---------------------------------------------------------------------------------------------------------- */
/* Make the run directory: @out, or run/<UTC>-<profile> when NULL.  malloc'd path, or NULL after saying why. */
char *nvsr_rundir_make(const char *out, const char *profile);
/* env.json, device.json, cmdline, state.json, and the profile and expectations as used.  0, or negative errno after
 * saying what. */
int nvsr_rundir_fill(const char *dir, const struct nvsr_target *t, const struct nvsr_expects *expects, const char *cmdline);
/* Arguments as one line that a shell reads back. */
char *nvsr_quote_args(int argc, char *const *argv);
/* The journal of a run directory, or of a journal file.  0, or exit code 2 after saying why. */
int nvsr_rundir_read(const char *dir, struct nvsr_run *ret);

/* --- execute.c ----------------------------------------------------------------------------------------------------------- */
struct nvsr_execution {
	struct nvsr_target *target;
	struct nvsr_plan *plan;
	struct nvsr_run *run;		/* plan filled in; gets the results */
	struct nvsr_expects *expects;
	const char *dir;
	enum nvsr_format format;
	bool strict, full;		/* full: nothing was deselected, so stale expectations are errors */
	bool resumed;
};
/* Run what the plan says, journal it, write every report, print the results.  Returns the exit code. */
int nvsr_execute(struct nvsr_execution *e);

/* --- run.c: its option table also reads what `resume` finds in a journal ----------------------------------------------------- */
struct nvsr_run_options {
	struct nvsr_target_options target;
	char **patterns;
	const char *expect, *out;
	enum nvsr_format format;
	bool strict;
};
void nvsr_run_options_parse(int argc, char **argv, struct nvsr_run_options *ret);
void nvsr_run_options_free(struct nvsr_run_options *o);
/* Known differences for this profile.  0 or the exit code. */
int nvsr_expects_open(const struct nvsr_run_options *o, const struct nvsr_target *t, struct nvsr_expects *ret);

#endif
