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
	nvsr_cmd_restore, nvsr_cmd_prove, nvsr_cmd_perf, nvsr_cmd_serve, nvsr_cmd_capability;
extern const char nvsr_version[];

/* docs.c: from the option tables. */
void nvsr_print_man(FILE *f);
void nvsr_print_completion(FILE *f);

/* "nvsr-conform: …" on stderr. */
void nvsr_say(const char *fmt, ...) NVSR_PRINTF(1, 2);

/* First thing in a command that changes a device: from now on no signal but SIGKILL ends it half-way; nvsr_stop tells. */
void nvsr_signals_install(void);

enum nvsr_format { NVSR_FORMAT_AUTO, NVSR_FORMAT_TEXT, NVSR_FORMAT_TAP, NVSR_FORMAT_JSON, NVSR_FORMAT_MD };
/* By name; fails the command line (exit 2) when @name is none of @allowed ("text|tap|json"). */
enum nvsr_format nvsr_format_parse(const char *name, const char *allowed, struct argp_state *state);

/* Values of options and arguments; where one will not do, the command line fails (exit 2) and says what would. */
uint64_t nvsr_number_parse(const char *option, const char *arg, uint64_t least, uint64_t most, struct argp_state *state);
double nvsr_scale_parse(const char *arg, struct argp_state *state);
void nvsr_device_parse(char *arg, const char **device, struct argp_state *state);	/* of a command that takes one */
void nvsr_line_parse(const char *arg, char ***lines, struct argp_state *state);

/* --- target.c: the device of a command ------------------------------------------------------------------------------ */
struct nvsr_target_options {
	const char *device, *profile;	/* profile NULL: reference for the model, matched by identity for a device */
	char **defects;			/* NULL-terminated or NULL */
	const char *state;		/* of the model, or NULL */
	bool destructive;
	const char *erase_serial;
	enum nvsr_vf_access vf_access;
	double timeout_scale;
	uint64_t seed;
	unsigned steps;
};
struct nvsr_target {
	char *name;			/* of the device, nvsr_dev_canonical() */
	struct nvsr_session session;
	struct nvsr_profile *profile, *behaviour;
	struct nvsr_inventory inv;
	struct nvsr_snapshot *state;	/* before anything was changed */
	struct nvsr_snapshot *baseline;	/* by VFIO, once it was taken; NULL: state */
	char *method, model[41], serial[21], firmware[9];
	unsigned can, vf_can;		/* of the access methods of PF and VFs, enum nvsr_can */
	bool real;			/* not the model */
	bool taken;			/* its driver had to give it to VFIO */
	int lock;			/* nvsr_lock(), or -1 */
	int drive_lock;			/* nvsr_lock_drive(), or -1 */
	struct nvsr_kmsg *kernel;	/* nvsr_kernel_log_begin(), or NULL */
	char *kernel_log;
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
/*
 * Only what it takes to open it: options, profiles, the lock.  For commands that do not run tests; the profile is NULL
 * where the device's identity would have to tell.  0 or the exit code, after saying why.
 */
int nvsr_target_name(const struct nvsr_target_options *o, struct nvsr_target *ret);
/* Open its PF; the caller closes.  0 or the exit code, after saying why. */
int nvsr_target_connect(const struct nvsr_target *t, struct nvsr_dev **ret);
/* Identity, capabilities and state by the access method that the device has now.  0 or the exit code, after saying why. */
int nvsr_target_look(struct nvsr_target *t, struct nvsr_snapshot **ret_state);

/* --- take.c: a PF that is named by its PCI address is driven by VFIO; for others these do nothing ---------------------- */
/* Before the first look.  0 or the exit code, after saying why. */
int nvsr_target_begin(struct nvsr_target *t);
/**
 * nvsr_target_take() - from its driver to VFIO, once t->state is durable.
 *
 * Identity, capabilities and the baseline of the session are then those by VFIO; t->state stays what it was before.
 *
 * Return: 0 or the exit code, after saying why; then everything is as it was.
 */
int nvsr_target_take(struct nvsr_target *t);
/*
 * And back to the driver it had, with VFs, bindings and resources as in t->state: compared.  0 or the exit code, after saying
 * what differs.
 */
int nvsr_target_give_back(struct nvsr_target *t);
/*
 * What an earlier process took as well: the PF goes back to the driver it had.  @restore puts the rest back, through the driver
 * that can: that of the kernel afterwards, VFIO before where there was none.  0 or the exit code, after saying why.
 */
int nvsr_hand_back(const char *device, bool vfs);	/* the first half alone; @vfs: also their number, as the note has it */
/* @change in a process of its own, which may hang: then -ETIMEDOUT after @limit_s seconds.  Else what it returns and says. */
int nvsr_change_driver(const char *device, int (*change)(const char *device, struct nvsr_complaint *c), unsigned limit_s,
		       struct nvsr_complaint *c);
int nvsr_give_back(const char *device, int (*restore)(void *arg), void *arg);

#define NVSR_DEFECT_HELP "seed a defect in the model, or a lie; repeatable (nvsr-conform prove shows them)"
#define NVSR_MODEL_STATE_HELP "what the model remembers without power, read and kept in a file (default: it is new)"

/* --- safety.c -------------------------------------------------------------------------------------------------------- */
/* Who a drive says it is, through whichever of its ports; "" where it does not say. */
struct nvsr_drive { char nqn[257], model[41], serial[21]; };
void nvsr_drive_of(const struct nvme_id_ctrl *id, struct nvsr_drive *ret);
/**
 * nvsr_in_use() - who uses the subsystem of a device.
 * @root: "" or, for tests, a folder with sys/ and proc/ in it
 * @device: "/dev/nvme0" or "0000:01:00.0"
 * @drive: NULL as long as it has not been asked: then another port of it is only found where this one has the nvme driver
 *
 * A mount, swap, a device on top, a loop device or NVMe target backed by it, whoever has a namespace (by its block or its
 * generic device), a controller or a VF given to user space open, a function of another driver.
 *
 * Return: malloc'd text, one line per use, "" when nobody does; NULL with errno when that cannot be found out.
 */
char *nvsr_in_use(const char *root, const char *device, const struct nvsr_drive *drive);
/* The same here and now, without those who look at it only in passing; of the drive that nvsr_in_use_is() told last. */
char *nvsr_in_use_for_good(const char *device);
void nvsr_in_use_is(const struct nvsr_drive *drive);

/* --- lock.c ---------------------------------------------------------------------------------------------------------- */
/**
 * nvsr_lock() - be the only nvsr-conform on a device, until *ret_fd is closed here and in all children.
 * @state: state file of a model, or NULL
 * @ret_fd: -1 where there is nothing to lock: no such device, or a model that lives in its run
 *
 * Waits for groups of a run that was killed, which still put the device back.
 *
 * Return: 0, or the exit code after saying who has it.
 */
int nvsr_lock(const char *device, const char *state, int *ret_fd);
/* And on the drive behind it, which has other names at its other ports.  Where there is no place for that, nothing is locked. */
int nvsr_lock_drive(const char *device, const struct nvsr_drive *drive, int *ret_fd);

/* --- rundir.c ---------------------------------------------------------------------------------------------------------- */
/* Make the run directory: @out, or run/<UTC>-<profile> when NULL.  malloc'd path, or NULL after saying why. */
char *nvsr_rundir_make(const char *out, const char *profile);
/* state.json, what restore needs: durable before anything is changed.  0, or negative errno after saying what. */
int nvsr_rundir_save_state(const char *dir, const struct nvsr_target *t);
/* env.json, device.json, cmdline, and the profile and expectations as used.  0, or negative errno after saying what. */
int nvsr_rundir_fill(const char *dir, const struct nvsr_target *t, const struct nvsr_expects *expects, const char *cmdline);
/* The state recorded in a run directory.  0 or the exit code, after saying why. */
int nvsr_rundir_state(const char *dir, struct nvsr_snapshot **ret);
/* Arguments as one line that a shell reads back. */
char *nvsr_quote_args(int argc, char *const *argv);
/* Is this the host that env.json of a run directory is of?  0 or exit code 2, after saying what differs. */
int nvsr_rundir_same_host(const char *dir);
/* The journal of a run directory, or of a journal file.  0, or exit code 2 after saying why. */
int nvsr_rundir_read(const char *dir, struct nvsr_run *ret);

/* --- runners/perf ------------------------------------------------------------------------------------------------------ */
/* What processes that were killed left: folders for sockets, targets of the kernel that offer a disk. */
void nvsr_perf_tidy(void);
bool nvsr_perf_is_resumable(const char *dir);
/* Did it end by itself, with everything put back? */
bool nvsr_perf_is_over(const char *dir);
/* What a performance run still lacks; the exit code. */
int nvsr_perf_resume(const char *dir);

/* --- runners/vm -------------------------------------------------------------------------------------------------------- */
/* The same three of capability runs. */
bool nvsr_capability_is_resumable(const char *dir);
bool nvsr_capability_is_over(const char *dir);
int nvsr_capability_resume(const char *dir);

/* --- restore.c --------------------------------------------------------------------------------------------------------- */
/*
 * Put the device of @t back into @state, recorded in run directory @dir, and compare.  Refused where that is another
 * device's, or namespaces that somebody uses would have to change.  0 or the exit code, after saying why.
 */
int nvsr_put_back(const struct nvsr_target *t, const struct nvsr_snapshot *state, const char *dir);
/* The same before a run goes on, whatever was interrupted left: the recorded state is that of @t from now on. */
int nvsr_put_back_first(struct nvsr_target *t, const char *dir);
/*
 * May @state be put back, and does the device differ from it at all?  @dir NULL: it is of the run that goes on.  0 or the exit
 * code, after saying why not.
 */
int nvsr_may_put_back(struct nvsr_target *t, const struct nvsr_snapshot *state, const char *dir, bool *ret_same);
/* Put back for the device that @o names the state that @dir has. */
int nvsr_restore_run(const struct nvsr_target_options *o, const char *dir);

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
/*
 * What the kernel says from now on - refused DMA, resets, drivers that come, go or give up - belongs to the evidence: to be kept
 * in dmesg.txt of @dir, which _keep() appends to.  Until the target is closed.
 */
void nvsr_kernel_log_begin(struct nvsr_target *t, const char *dir);
void nvsr_kernel_log_keep(struct nvsr_target *t);
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
