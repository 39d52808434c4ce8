// SPDX-License-Identifier: GPL-2.0-or-later
/* The seeded defects by name. */
#include "model/internal.h"

const struct nvsr_defect nvsr_defects[] = {
#define D(id, name, reqs, text) { name, reqs, text },
#include "model/defects.def"
#undef D
};
const size_t nvsr_defect_count = NVSR_ARRAY_SIZE(nvsr_defects);

const struct nvsr_defect *nvsr_defect_find(const char *name)
{
	for (size_t i = 0; i < nvsr_defect_count; i++)
		if (!strcmp(nvsr_defects[i].name, name))
			return &nvsr_defects[i];
	return NULL;
}
