/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of a job channel: a virtio-serial port in a guest, a socket in its test.
 *
 *   host to guest                     guest to host
 *   RUN <n>\n and n bytes of script   READY 1\n               once after each connection
 *   TELL\n                            BEAT\n                  every second while a script runs
 *   OFF\n                             DONE <code> <n>\n       and n bytes: what the script printed
 *                                     BAD <words>\n           a request that is none; nothing was run
 *
 * A script runs by sh in an empty folder, with nothing on stdin and its stderr on the console.  Code is its exit code, 128 and
 * the number of the signal that ended it, or one of enum nvsr_agent_code.  What a script leaves running is killed when it ends,
 * and all of it when the host hangs up or says OFF.  RUN during a script waits for its turn, and what comes after it does too; TELL
 * makes the file "told" in the script's folder, for a script that waits for it.
 */
#ifndef NVSR_VM_GUEST_AGENT_H
#define NVSR_VM_GUEST_AGENT_H

#include <stdbool.h>

#define NVSR_AGENT_PORT "org.nvsr.job"

enum { NVSR_AGENT_SCRIPT_MAX = 1 << 20, NVSR_AGENT_OUTPUT_MAX = 16 << 20 };

/* Exit codes of our own, of which no shell's script makes sensible use. */
enum nvsr_agent_code {
	NVSR_AGENT_TOO_MUCH = 124,	/* printed more than NVSR_AGENT_OUTPUT_MAX; what came before is there */
	NVSR_AGENT_NOT_RUN = 125,	/* no folder, no process, no memory */
};

struct nvsr_agent_options {
	int port;		/* read and written */
	bool comes_back;	/* a hang-up is not the end: another host may connect, as to a virtio-serial port */
	bool alone;		/* process 1 of a guest: whatever else runs may be killed, whoever's child it is */
	const char *folder;	/* where the folders of scripts are made */
};

/**
 * nvsr_agent_serve - serve requests until OFF
 *
 * Return: 0 at OFF, or at the hang-up of a port that does not come back; negative errno when the port fails.
 */
int nvsr_agent_serve(const struct nvsr_agent_options *o);

#endif
