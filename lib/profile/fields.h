/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every field of a profile, in one table: F(section, member, "key", kind, least, most).  From it come the YAML schema, the
 * range checks and the listing in device-profiles/README.md.  Inside lib/profile only.
 *
 * INT: decimal or 0x hexadecimal; BOOL: yes or no; TEXT: a string (identity: a shell glob).
 */
#ifndef NVSR_PROFILE_FIELDS_H
#define NVSR_PROFILE_FIELDS_H

#define FIELDS_IDENTITY(F) \
	F(identity, vendor, "vendor", INT, 0, 0xffff) \
	F(identity, device, "device", INT, 0, 0xffff) \
	F(identity, vf_device, "vf-device", INT, 0, 0xffff) \
	F(identity, subsystem_vendor, "subsystem-vendor", INT, 0, 0xffff) \
	F(identity, subsystem_device, "subsystem-device", INT, 0, 0xffff) \
	F(identity, model, "model", TEXT, 1, 40) \
	F(identity, serial, "serial", TEXT, 1, 20) \
	F(identity, firmware, "firmware", TEXT, 1, 8)
#define FIELDS_SRIOV(F) \
	F(sriov, total_vfs, "total-vfs", INT, 0, 65535) \
	F(sriov, first_vf_offset, "first-vf-offset", INT, 1, 65535) \
	F(sriov, vf_stride, "vf-stride", INT, 1, 65535) \
	F(sriov, cap_offset, "cap-offset", INT, 0x100, 0xfc0) \
	F(sriov, ari, "ari", BOOL, 0, 1) \
	F(sriov, vf_bar0_bytes, "vf-bar0-bytes", INT, 4096, 1 << 30) \
	F(sriov, pf_bar0_bytes, "pf-bar0-bytes", INT, 8192, 1 << 30) \
	F(sriov, pf_msix_vectors, "pf-msix-vectors", INT, 1, 2048) \
	F(sriov, msix_table_offset, "msix-table-offset", INT, 0, 1 << 30) \
	F(sriov, msix_pba_offset, "msix-pba-offset", INT, 0, 1 << 30) \
	F(sriov, supported_page_sizes, "supported-page-sizes", INT, 1, 0xffffffff)
#define FIELDS_CONTROLLER(F) \
	F(controller, pf_cntlid, "pf-cntlid", INT, 0, 0xffef) \
	F(controller, vf_first_cntlid, "vf-first-cntlid", INT, 0, 0xffef) \
	F(controller, ports, "ports", INT, 1, 2) \
	F(controller, version, "version", INT, 0x10000, 0x2ffff) \
	F(controller, nn, "nn", INT, 1, 0xfffffffe) \
	F(controller, mnan, "mnan", INT, 0, 0xfffffffe) \
	F(controller, max_attachments_domain, "max-attachments-domain", INT, 0, 0xffffffff) \
	F(controller, max_attachments_ctrl, "max-attachments-controller", INT, 0, 0xffffffff) \
	F(controller, mdts_pages, "mdts-pages", INT, 0, 1 << 20) \
	F(controller, mqes, "queue-entries", INT, 2, 65536) \
	F(controller, doorbell_stride, "doorbell-stride", INT, 4, 1 << 17) \
	F(controller, aerl, "async-events", INT, 1, 16) \
	F(controller, elpe, "error-log-entries", INT, 1, 256)
#define FIELDS_RESOURCES(F) \
	F(resources, vq_flexible, "vq-flexible", INT, 0, 65535) \
	F(resources, vq_private, "vq-private", INT, 0, 65535) \
	F(resources, vq_secondary_max, "vq-secondary-max", INT, 0, 65535) \
	F(resources, vq_granularity, "vq-granularity", INT, 0, 65535) \
	F(resources, vi_flexible, "vi-flexible", INT, 0, 65535) \
	F(resources, vi_private, "vi-private", INT, 0, 2048) \
	F(resources, vi_secondary_max, "vi-secondary-max", INT, 0, 2048) \
	F(resources, vi_granularity, "vi-granularity", INT, 0, 2048) \
	F(resources, secondary_private_vq, "secondary-private-vq", INT, 0, 65535) \
	F(resources, secondary_private_vi, "secondary-private-vi", INT, 0, 2048)
#define FIELDS_NAMESPACES(F) \
	F(namespaces, capacity_bytes, "capacity-bytes", INT, 0, INT64_MAX) \
	F(namespaces, count, "count", INT, 0, 1024) \
	F(namespaces, blocks, "blocks", INT, 1, INT64_MAX) \
	F(namespaces, shared, "shared", BOOL, 0, 1) \
	F(namespaces, dlfeat, "dlfeat", INT, 0, 0x1f) \
	F(namespaces, granularity_bytes, "granularity-bytes", INT, 0, INT64_MAX)
#define FIELDS_LIMITS(F) \
	F(limits, ready_ms, "ready-ms", INT, 0, 127500) \
	F(limits, cap_to_ms, "cap-to-ms", INT, 500, 127500) \
	F(limits, flr_ms, "flr-ms", INT, 0, 60000) \
	F(limits, vf_enable_ms, "vf-enable-ms", INT, 0, 60000) \
	F(limits, admin_timeout_ms, "admin-timeout-ms", INT, 1, 3600000)
#define FIELDS_QUIRKS(F) \
	F(quirks, primary_in_secondary_list, "primary-in-secondary-list", BOOL, 0, 1) \
	F(quirks, online_only, "online-only", BOOL, 0, 1)

/* S(section, LIST) for each section that holds plain fields. */
#define SECTIONS(S) \
	S(identity, FIELDS_IDENTITY) S(sriov, FIELDS_SRIOV) S(controller, FIELDS_CONTROLLER) S(resources, FIELDS_RESOURCES) \
	S(namespaces, FIELDS_NAMESPACES) S(limits, FIELDS_LIMITS) S(quirks, FIELDS_QUIRKS)

#endif
