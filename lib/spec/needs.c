// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of needs. */
#include "spec/needs.h"

const struct nvsr_need nvsr_needs[NVSR_NEED_COUNT] = {
#define X(id, k, key_, text_) [NVSR_NEED_ID_##id] = { .key = key_, .text = text_, .kind = NVSR_NEED_##k },
	NVSR_NEEDS(X)
#undef X
};
