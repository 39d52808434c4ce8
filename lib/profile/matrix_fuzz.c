// SPDX-License-Identifier: GPL-2.0-or-later
/* Any file as a matrix: it is refused with a complaint, or has cells that are named, each once, and within bounds. */
#include "base/fuzz.h"
#include "profile/matrix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct nvsr_matrix_limits limits = { .vfs = 8, .queues = 64, .entries = 1024 };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_matrix *m = NULL;
	char path[32], name[NVSR_CELL_NAME];
	_cleanup_close_ int fd = -1;
	int rc;

	nvsr_input_file(data, size, path, &fd);
	rc = nvsr_matrix_load(path, &m, &complaint);
	if (!rc != !complaint.text[0] || !rc != !!m)
		abort();
	for (size_t i = 0; m && i < m->count; i++) {
		const struct nvsr_cell *c = &m->cell[i];

		if (!c->path || c->block < NVSR_BLOCK_MIN || c->block > NVSR_BLOCK_MAX || !c->depth || c->depth > NVSR_DEPTH_MAX ||
		    !c->jobs || !c->vms || c->read_percent > 100 || !nvsr_cell_name(c, name)[0] || strlen(name) >= NVSR_CELL_NAME - 1)
			abort();
	}
	if (m && (!m->count || m->repeats < 3))
		abort();
	complaint.text[0] = '\0';
	if (m && !nvsr_matrix_check(m, &limits, &complaint) != !complaint.text[0])
		abort();
	nvsr_matrix_free(m);
	return 0;
}
