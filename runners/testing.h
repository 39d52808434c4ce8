/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of what the program is made of: what main.c has for it, and EXPECT(). */
#ifndef NVSR_RUNNERS_TESTING_H
#define NVSR_RUNNERS_TESTING_H

#include "base/expect.h"
#include "runners/conform/conform.h"

const char nvsr_version[] = "test";
const struct nvsr_command *const nvsr_commands[] = { NULL };

#endif
