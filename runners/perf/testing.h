/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: the model set up for load, served by a process of its own. */
#ifndef NVSR_RUNNERS_PERF_TESTING_H
#define NVSR_RUNNERS_PERF_TESTING_H

#include "base/testing.h"
#include "runners/perf/device.h"

struct served {
	const char *socket;
	unsigned vfs, queues, vectors;	/* as in struct nvsr_load_options */
	uint64_t namespace_bytes;
	const char *defect;	/* NULL: none */
};

/* For child_begin(). */
static inline int served_run(int ready_fd, void *arg)
{
	const struct served *s = (const struct served *)arg;
	const char *const defects[] = { s->defect, NULL };
	struct nvsr_load_options o = { .device = "model:", .vfs = s->vfs, .queues = s->queues, .vectors = s->vectors,
				       .namespace_bytes = s->namespace_bytes, .defects = defects };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_load_device d = { NULL, NULL, 0 };
	struct nvsr_profile *profile = NULL;
	int rc = nvsr_profile_load("reference", &profile, &complaint);

	o.profile = profile;
	rc = rc ? rc : nvsr_load_open(&o, &d, &complaint);
	if (rc) {
		fprintf(stderr, "device: %s\n", complaint.text);
	} else {
		struct nvsr_serve_options serve = { .pf = d.pf, .vf = d.vf, .vfs = d.vfs, .socket = s->socket, .spin = 64, .ready_fd = ready_fd };

		rc = nvsr_serve(&serve);
	}
	nvsr_load_close(&d);
	nvsr_profile_free(profile);
	return rc;
}

#endif
