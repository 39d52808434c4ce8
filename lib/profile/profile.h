/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A profile: what a device claims, as a YAML file (device-profiles/README.md documents every field), and the known
 * differences of a device (*.expect.yaml).  The same file makes the reference model behave like that device.
 */
#ifndef NVSR_PROFILE_PROFILE_H
#define NVSR_PROFILE_PROFILE_H

#include "base/base.h"
#include "spec/needs.h"

/* A number nobody published.  The model uses its own default; suites must not judge it. */
#define NVSR_UNKNOWN (-1)

enum nvsr_claim { NVSR_CLAIM_SILENT, NVSR_CLAIM_YES, NVSR_CLAIM_NO };

struct nvsr_lbaf { int64_t data_bytes, meta_bytes, rp; };

struct nvsr_profile {
	char *name;	/* "samsung-pm173x": the file's name without .yaml */
	char *path;	/* where it was read from */
	char *title;	/* one line for people */
	char *notes;	/* sources, or NULL */

	struct {	/* what the device answers; strings are globs when compared with a device */
		int64_t vendor, device, vf_device, subsystem_vendor, subsystem_device;
		char *model, *serial, *firmware;	/* NULL = any */
	} identity;

	enum nvsr_claim claims[NVSR_NEED_COUNT];	/* by enum nvsr_need_id, CLAIM and PROMISE needs only */

	struct {	/* PCIe; -1 = unknown */
		int64_t total_vfs, first_vf_offset, vf_stride, cap_offset, ari, vf_bar0_bytes, pf_bar0_bytes,
			pf_msix_vectors, msix_table_offset, msix_pba_offset, supported_page_sizes;
	} sriov;

	struct {	/* controllers of the subsystem */
		int64_t pf_cntlid, vf_first_cntlid, ports, version /* as VS reads */, nn, mnan, max_attachments_domain,
			max_attachments_ctrl, mdts_pages /* 0 = no limit */, mqes, doorbell_stride /* bytes */, aerl, elpe;
	} controller;

	struct {	/* CNS 14h */
		int64_t vq_flexible, vq_private, vq_secondary_max, vq_granularity, vi_flexible, vi_private,
			vi_secondary_max, vi_granularity, secondary_private_vq, secondary_private_vi;
	} resources;

	struct {	/* capacity and the namespaces a model starts with */
		int64_t capacity_bytes, count, blocks /* of each initial namespace */, shared /* 0 or 1 */, dlfeat,
			granularity_bytes;
		struct nvsr_lbaf *formats;
		unsigned formats_count;
	} namespaces;

	struct {	/* times in ms */
		int64_t ready_ms, cap_to_ms, flr_ms, vf_enable_ms, admin_timeout_ms;
	} limits;

	struct {	/* deviations that users of fielded drives live with; 0 or 1 */
		int64_t primary_in_secondary_list, online_only;
	} quirks;
};

/* A reader's complaint, ready to print: "file:line:column: field: expected …, found …". */
struct nvsr_complaint { char text[512]; };

/*
 * Read and check a profile.  @name_or_path: a path (contains '/' or ends in .yaml) or a name looked up in
 * NVSR_PROFILES, ./device-profiles, and the installed folder.  0, or -ENOENT/-EINVAL with *complaint filled; outputs
 * untouched on failure.
 */
int nvsr_profile_load(const char *name_or_path, struct nvsr_profile **ret, struct nvsr_complaint *complaint);
struct nvsr_profile *nvsr_profile_free(struct nvsr_profile *p);
/* The name of the profile folder in use (static or leaked once). */
const char *nvsr_profile_dir(void);

/* One known difference: the result of tests that match @id becomes `known`, never hidden. */
struct nvsr_expect {
	char *id;	/* glob on test ids */
	char *requirement, *why, *link, *firmware, *access;	/* firmware, access: globs, NULL = any */
	char *until;	/* YYYY-MM-DD or YYYY-MM */
	unsigned line;
	unsigned matched;	/* counted by the runner: 0 at the end of a full run is an error */
};
struct nvsr_expects {
	struct nvsr_expect *item;
	unsigned count;
	char *path;
	bool played;	/* the model plays the drive that the lines speak of: where it does better, nothing is stale */
};
/*
 * Read NAME.expect.yaml beside the profile (none is fine: count 0), or @path when given.  Expired lines (against
 * @today, YYYY-MM-DD) and globs that match no id in @ids are errors: -EINVAL with *complaint.
 */
int nvsr_expects_load(const struct nvsr_profile *p, const char *path, const char *today, const char *const *ids,
		      size_t id_count, struct nvsr_expects *ret, struct nvsr_complaint *complaint);
void nvsr_expects_free(struct nvsr_expects *e);
/* True when a line speaks of firmware @fr seen through @access (nvsr_dev_method()). */
bool nvsr_expect_applies(const struct nvsr_expect *x, const char *fr, const char *access);
/* The line that covers @id there, or NULL. */
struct nvsr_expect *nvsr_expects_find(struct nvsr_expects *e, const char *id, const char *fr, const char *access);

#endif
