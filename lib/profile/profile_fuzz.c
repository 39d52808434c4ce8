// SPDX-License-Identifier: GPL-2.0-or-later
/* Any file as a profile: it is refused with a complaint, or a model can be asked to be like that. */
#include "base/fuzz.h"
#include "model/model.h"
#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_profile *p = NULL;
	struct nvsr_model *m = NULL;
	char path[32];
	_cleanup_close_ int fd = -1;
	int rc;

	nvsr_input_file(data, size, path, &fd);
	rc = nvsr_profile_load(path, &p, &complaint);
	if (!rc != !complaint.text[0] || !rc != !!p)
		abort();
	/* A model of thousands of VFs is no quick answer. */
	if (!rc && p->sriov.total_vfs < 256 && !nvsr_model_create(p, &m)) {
		nvsr_model_power_cycle(m);
		nvsr_model_destroy(m);
	}
	nvsr_profile_free(p);
	return 0;
}
