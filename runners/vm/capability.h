/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table 1 of the ICPE 2022 study: what each way to give a VM a disk can do, every cell found out by doing it. */
#ifndef NVSR_RUNNERS_VM_CAPABILITY_H
#define NVSR_RUNNERS_VM_CAPABILITY_H

#include <jansson.h>

#include "reports/capability.h"
#include "result/perf.h"
#include "runners/perf/guests.h"

enum nvsr_cap_answer { NVSR_CAP_UNTESTED, NVSR_CAP_NO, NVSR_CAP_YES };
struct nvsr_cap_result {
	enum nvsr_cap_answer answer;
	bool broken;		/* it was begun, and could not be told: untested */
	bool leak;		/* a tenant got data of another */
	struct nvsr_text text;	/* what was done and seen, or why nothing was */
	json_t *numbers;	/* measured, as an object; NULL: none */
};
void nvsr_cap_say(struct nvsr_cap_result *r, enum nvsr_cap_answer a, const char *fmt, ...) NVSR_PRINTF(3, 4);
/* Untested for an error on the way. */
void nvsr_cap_broke(struct nvsr_cap_result *r, const char *what, int rc, const struct nvsr_complaint *complaint);
void nvsr_cap_number(struct nvsr_cap_result *r, const char *name, double value);

/* What the checks work with. */
struct nvsr_cap {
	struct nvsr_host host;		/* its layout: VFs Online with a namespace each; its guests */
	unsigned most;			/* guests asked for at most */
	char *stopped;			/* why the layout has no more VFs */
	bool asked_for;			/* that is all: it has as many as were asked for */
	const char *perf;		/* a performance run of this device, or NULL */
	/* of the way at hand */
	const char *name;
	const struct nvsr_way *way;
	char *lacks;			/* why it cannot be tried here, or NULL */
	char *dead;			/* why no guest could be started, or NULL */
};

/* A cell of the table. */
struct nvsr_cap_check {
	const char *row, *way;
	void (*check)(struct nvsr_cap *c, struct nvsr_cap_result *r);
	bool alone;	/* needs no guest */
};
/* All cells of a way stand together: guests that run serve the next. */
extern const struct nvsr_cap_check nvsr_cap_checks[];
extern const unsigned nvsr_cap_check_count;

/* --- capability_resume.c: what an interrupted run has ------------------------------------------------------------------------ */
struct nvsr_cap_before {
	json_t *start;			/* its first line */
	struct nvsr_capability table;
	bool over;			/* it ended by itself, with everything put back */
};
/* *@ret: zeroed.  0 or negative errno with *complaint. */
int nvsr_cap_before_read(const char *dir, struct nvsr_cap_before *ret, struct nvsr_complaint *complaint);
void nvsr_cap_before_free(struct nvsr_cap_before *b);
/* Was it not reached, or did something on the way break? */
bool nvsr_cap_before_lacks(const struct nvsr_capability_cell *c);

/* --- capability_guest.c: guests for the checks ----------------------------------------------------------------------------- */
/* VFs as many as are asked for and as can be.  0 or negative errno with *complaint. */
int nvsr_cap_open(struct nvsr_cap *c, struct nvsr_complaint *complaint);
void nvsr_cap_close(struct nvsr_cap *c);
/* Guest @i by the way at hand.  0 or negative errno with *complaint. */
int nvsr_cap_boot(struct nvsr_cap *c, unsigned i, struct nvsr_complaint *complaint);
/* Guest 1, with the disk of guest 0, for whose state it waits. */
int nvsr_cap_boot_waiting(struct nvsr_cap *c, struct nvsr_complaint *complaint);
/* All guests but the first @i. */
void nvsr_cap_stop(struct nvsr_cap *c, unsigned i);
/* Guest 0, started where it does not run. */
int nvsr_cap_first(struct nvsr_cap *c, struct nvsr_complaint *complaint);
unsigned nvsr_cap_limit(const struct nvsr_cap *c, unsigned seconds);
/* Commands of a shell that set DISK; namespace of VF @i + 1. */
void nvsr_cap_put_disk(struct nvsr_text *t, const struct nvsr_cap *c, unsigned i);
/* Run in guest @i, whose DISK is set; *ret_text malloc'd.  A script that fails is -EIO. */
int nvsr_cap_script(struct nvsr_cap *c, unsigned i, const char *script, unsigned limit_s, char **ret_text, struct nvsr_complaint *complaint);
/* How often has guest @i printed @word at its console? */
unsigned nvsr_cap_printed(const struct nvsr_cap *c, unsigned i, const char *word);
/* Until guest @i has, @times.  0, or negative errno with *complaint; 1: its script ended before, and *a is what it said. */
int nvsr_cap_await(struct nvsr_cap *c, unsigned i, const char *word, unsigned times, unsigned limit_s, struct nvsr_vm_answer *a,
		   struct nvsr_complaint *complaint);
/* Until the script of guest @i ends.  0, or negative errno with *complaint. */
int nvsr_cap_await_end(struct nvsr_cap *c, unsigned i, unsigned limit_s, struct nvsr_vm_answer *a, struct nvsr_complaint *complaint);

/* --- capability_checks.c: parts that tests try ------------------------------------------------------------------------------ */
/* The performance run @dir of the device with @serial.  0, or negative errno with *complaint. */
int nvsr_cap_perf_read(const char *dir, const char *serial, struct nvsr_perf_run *ret, struct nvsr_complaint *complaint);
/* The namespace of the last VF to the first VF's controller (@in), or back where it was, wherever it is. */
int nvsr_cap_give_namespace(struct nvsr_layout *l, bool in);

/* --- capability_erase.c ------------------------------------------------------------------------------------------------------ */
void nvsr_cap_security(struct nvsr_cap *c, struct nvsr_cap_result *r);
/* Have the namespace of VF 1 erased by the first way that the device has and that works: its name.  NULL, and why: in *why. */
const char *nvsr_cap_erase(struct nvsr_layout *l, uint64_t *ret_ns, struct nvsr_text *why);

/* --- capability_move.c ------------------------------------------------------------------------------------------------------- */
void nvsr_cap_migration(struct nvsr_cap *c, struct nvsr_cap_result *r);
/*
 * The guest wrote 1, 2, … @last, each into a block of its own behind the one before, and again from the first of NVSR_CAP_BLOCKS: how many
 * blocks of @data have not the last that was written there.  A block is "@mark <number>\n" again and again.
 */
#define NVSR_CAP_BLOCKS 64u
#define NVSR_CAP_BLOCK 4096u
unsigned nvsr_cap_lost_blocks(const uint8_t *data, const char *mark, unsigned long last);

/* --- capability_limit.c ------------------------------------------------------------------------------------------------------ */
void nvsr_cap_qos(struct nvsr_cap *c, struct nvsr_cap_result *r);
/* IOPS: without a limit, the limit, with it, and without one again. */
struct nvsr_cap_speed { double before, limit, with, after; };
#define NVSR_CAP_ROUNDS 3u
/* Of @n rounds, 1 or NVSR_CAP_ROUNDS: the medians of what each says. */
void nvsr_cap_judge_limit(struct nvsr_cap_result *r, const char *whose, const struct nvsr_cap_speed *s, unsigned n);

#endif
