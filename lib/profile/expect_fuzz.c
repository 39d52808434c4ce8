// SPDX-License-Identifier: GPL-2.0-or-later
/* Any file as a list of known differences. */
#include "base/fuzz.h"
#include "profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const ids[] = { "vf.online.assign", "pf.claims" };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_expects e = { 0 };
	char path[32];
	_cleanup_close_ int fd = -1;
	int rc;

	nvsr_input_file(data, size, path, &fd);
	rc = nvsr_expects_load(NULL, path, "2026-01-01", ids, NVSR_ARRAY_SIZE(ids), &e, &complaint);
	if (!rc != !complaint.text[0])
		abort();
	if (!rc)
		nvsr_expects_find(&e, ids[0], "1.0", "kernel");
	nvsr_expects_free(&e);
	return 0;
}
