/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's end of a guest's job channel; the protocol is described with the guest's end (runners/vm/guest). */
#ifndef NVSR_RUNNERS_VM_CHANNEL_H
#define NVSR_RUNNERS_VM_CHANNEL_H

#include "base/base.h"

#define NVSR_CHANNEL_OUTPUT_MAX (16u << 20)

struct nvsr_channel {
	int fd;
	char *in;		/* what came and is not used up */
	size_t len, room;
	bool done;		/* a DONE line was taken, and its bytes are to come */
	int code;
	size_t output;
};
enum nvsr_said_what { NVSR_CHANNEL_NOTHING, NVSR_CHANNEL_READY, NVSR_CHANNEL_BEAT, NVSR_CHANNEL_DONE };

/* To the socket at @path.  0 or negative errno: -ENOENT, -ECONNREFUSED nobody is there yet, -ENAMETOOLONG. */
int nvsr_channel_open(const char *path, struct nvsr_channel *ret);
void nvsr_channel_close(struct nvsr_channel *c);
/* All of it, within @limit_ms.  0 or negative errno. */
int nvsr_channel_send(struct nvsr_channel *c, const char *script, unsigned limit_ms);
/* Tell the script that runs (agent.h: TELL). */
int nvsr_channel_tell(struct nvsr_channel *c, unsigned limit_ms);
/* What was said over @from and not yet heard will be heard of @to, over which the guest speaks from here on.  @from is closed. */
int nvsr_channel_move(struct nvsr_channel *to, struct nvsr_channel *from);
/*
 * The next thing that was said, without waiting: enum nvsr_said_what.  After NVSR_CHANNEL_DONE *ret_text (malloc'd, NUL-terminated)
 * and *ret_len are what the script printed, *ret_code its exit code.  -EPIPE hung up; -EPROTO what nobody of ours says; -ENOMEM.
 */
int nvsr_channel_next(struct nvsr_channel *c, int *ret_code, char **ret_text, size_t *ret_len);

#endif
