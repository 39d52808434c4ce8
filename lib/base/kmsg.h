/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log, followed record by record. */
#ifndef NVSR_BASE_KMSG_H
#define NVSR_BASE_KMSG_H

#include "base/base.h"

struct nvsr_kmsg;

/* From now on.  0; -EACCES, -EPERM or another negative errno where it may not be read. */
int nvsr_kmsg_open(struct nvsr_kmsg **ret);
/* NULL is fine. */
void nvsr_kmsg_close(struct nvsr_kmsg *k);
/*
 * The next record that is there already: its message without the kernel's own fields, one line; valid until the next call.
 * NULL when there is none.  *ret_us (may be NULL): µs since the kernel started.
 */
const char *nvsr_kmsg_next(struct nvsr_kmsg *k, uint64_t *ret_us);

#endif
