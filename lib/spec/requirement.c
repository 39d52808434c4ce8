// SPDX-License-Identifier: GPL-2.0-or-later
/* The catalogue as a table. */
#include "spec/requirement.h"

const struct nvsr_requirement nvsr_requirements[] = {
#define R(id_, document_, section_, level_, condition_, text_, access_, basis_, reason_) \
	{ .id = id_, .document = document_, .section = section_, .level = NVSR_LEVEL_##level_, .condition = condition_, \
	  .text = text_, .access = access_, .basis = basis_, .reason = reason_ },
#include "spec/requirements.def"
#undef R
};
const size_t nvsr_requirement_count = NVSR_ARRAY_SIZE(nvsr_requirements);

const struct nvsr_requirement *nvsr_requirement_find(const char *id)
{
	for (size_t i = 0; i < nvsr_requirement_count; i++)
		if (!strcmp(nvsr_requirements[i].id, id))
			return &nvsr_requirements[i];
	return NULL;
}

const char *nvsr_level_name(enum nvsr_level level)
{
	static const char *const names[] = {
		[NVSR_LEVEL_M] = "M", [NVSR_LEVEL_MC] = "MC", [NVSR_LEVEL_R] = "R", [NVSR_LEVEL_O] = "O", [NVSR_LEVEL_I] = "I",
	};

	return (unsigned)level < NVSR_ARRAY_SIZE(names) ? names[level] : "?";
}

bool nvsr_level_judges(enum nvsr_level level)
{
	return level == NVSR_LEVEL_M || level == NVSR_LEVEL_MC;
}
