// SPDX-License-Identifier: GPL-2.0-or-later
/* Any file as the state of a device: compared with the model's, and the model is put into it as far as that goes. */
#include "base/fuzz.h"
#include "sriov/sriov.h"

static struct nvsr_dev *open_model(void)
{
	static struct nvsr_profile *profile;
	struct nvsr_complaint complaint = { "" };
	struct nvsr_dev *pf = NULL;

	if ((!profile && nvsr_profile_load("device-profiles/reference.yaml", &profile, &complaint)) ||
	    nvsr_dev_open("model:", profile, NULL, &pf, &complaint)) {
		fprintf(stderr, "%s\n", complaint.text);
		abort();
	}
	return pf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_snapshot *s = NULL, *now = NULL;
	char path[32];
	_cleanup_close_ int fd = -1;
	int rc;

	nvsr_input_file(data, size, path, &fd);
	rc = nvsr_snapshot_load(path, &s, &complaint);
	if (!rc != !complaint.text[0] || !rc != !!s)
		abort();
	if (!rc) {
		_cleanup_dev_ struct nvsr_dev *pf = open_model();

		nvsr_snapshot_restore(pf, s);
		if (!nvsr_snapshot_take(pf, &now)) {
			free(nvsr_snapshot_diff(s, now));
			free(nvsr_snapshot_diff(now, s));
		}
		nvsr_snapshot_free(now);
	}
	nvsr_snapshot_free(s);
	return 0;
}
