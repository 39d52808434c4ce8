/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For fuzz targets of the model: a subsystem that is powered on, VFs enabled, all controllers running, memory mapped. */
#ifndef NVSR_MODEL_FUZZ_H
#define NVSR_MODEL_FUZZ_H

#include "base/fuzz.h"
#include "model/testing.h"

/* The profiles that between them bring every command. */
static inline const struct nvsr_profile *fuzz_profile(unsigned which)
{
	static const char *const paths[] = { "device-profiles/reference.yaml", "device-profiles/reference-ocp.yaml" };
	static struct nvsr_profile *profiles[NVSR_ARRAY_SIZE(paths)];
	struct nvsr_complaint complaint = { "" };

	which %= NVSR_ARRAY_SIZE(paths);
	if (!profiles[which] && nvsr_profile_load(paths[which], &profiles[which], &complaint)) {
		fprintf(stderr, "%s\n", complaint.text);
		abort();
	}
	return profiles[which];
}

static inline struct nvsr_model *fuzz_power_on(struct nvsr_input *in)
{
	struct nvsr_model *m = NULL;

	if (nvsr_model_create(fuzz_profile((unsigned)nvsr_input_num(in, 1)), &m) ||
	    nvsr_model_map(m, 0, 0, memory, sizeof(memory)))
		abort();
	memset(memory, 0, sizeof(memory));
	start(m_pf(m));
	return m;
}

static inline void fuzz_vfs_up(struct nvsr_model *m, unsigned n)
{
	set_vfs(m, n);
	for (unsigned i = 1; i <= n; i++) {
		assign(m, i, NVME_VIRT_RT_VQ, 2);
		assign(m, i, NVME_VIRT_RT_VI, 2);
		online(m, i);
		start(&m->ctrl[i]);
	}
}

#endif
