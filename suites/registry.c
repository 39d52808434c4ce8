// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every group, in run order.  Nothing else decides order.
 *
 * To add a group: `const struct nvsr_group nvsr_<area>_<group> = NVSR_GROUP("<area>.<group>", tests);` at the end of
 * suites/<area>/<group>.c, one extern and one entry here.  Reading comes before changing, the PF before VFs.
 */
#include "nvsr.h"

/* pf */
extern const struct nvsr_group nvsr_pf_claims, nvsr_pf_commands, nvsr_pf_capability, nvsr_pf_control, nvsr_pf_bars,
	nvsr_pf_vfconfig, nvsr_pf_msix, nvsr_pf_queues, nvsr_pf_dbbuf, nvsr_pf_identity, nvsr_pf_primary, nvsr_pf_secondary, nvsr_pf_reset;

/* vf */
extern const struct nvsr_group nvsr_vf_command, nvsr_vf_assign, nvsr_vf_primary, nvsr_vf_online, nvsr_vf_queues,
	nvsr_vf_vectors, nvsr_vf_offline, nvsr_vf_attach, nvsr_vf_identity, nvsr_vf_orders,
	nvsr_vf_migrate, nvsr_vf_dataqueue, nvsr_vf_walk, nvsr_vf_identifiers, nvsr_vf_prp, nvsr_vf_sgl;

/* namespace */
extern const struct nvsr_group nvsr_namespace_identify, nvsr_namespace_lists, nvsr_namespace_nsid, nvsr_namespace_create,
	nvsr_namespace_delete, nvsr_namespace_attach, nvsr_namespace_persist, nvsr_namespace_shared, nvsr_namespace_events,
	nvsr_namespace_live, nvsr_namespace_walk;

/* isolation */
extern const struct nvsr_group nvsr_isolation_features, nvsr_isolation_logs, nvsr_isolation_events, nvsr_isolation_queues,
	nvsr_isolation_reset, nvsr_isolation_namespaces, nvsr_isolation_tenant, nvsr_isolation_dma, nvsr_isolation_faults, nvsr_isolation_sanitize;

/* sharing */
extern const struct nvsr_group nvsr_sharing_identity, nvsr_sharing_coherency, nvsr_sharing_atomic, nvsr_sharing_fused,
	nvsr_sharing_protect;

/* erase */
extern const struct nvsr_group nvsr_erase_deallocate, nvsr_erase_format, nvsr_erase_sanitize;

/* reset */
extern const struct nvsr_group nvsr_reset_controller, nvsr_reset_flr, nvsr_reset_toggle, nvsr_reset_offline,
	nvsr_reset_subsystem, nvsr_reset_shutdown, nvsr_reset_power;

/* reservation */
extern const struct nvsr_group nvsr_reservation_identify, nvsr_reservation_hostid, nvsr_reservation_register,
	nvsr_reservation_acquire, nvsr_reservation_preempt, nvsr_reservation_release, nvsr_reservation_report,
	nvsr_reservation_conflict, nvsr_reservation_admin, nvsr_reservation_persist, nvsr_reservation_notify,
	nvsr_reservation_walk;

/* ocp: OCP Datacenter NVMe SSD, where the profile claims it */
extern const struct nvsr_group nvsr_ocp_pcie, nvsr_ocp_controller, nvsr_ocp_namespace, nvsr_ocp_erase;

/* meta: fail on purpose, hidden unless a pattern starts with "meta." */
extern const struct nvsr_group nvsr_meta_verdict, nvsr_meta_process, nvsr_meta_abort;

const struct nvsr_group *const nvsr_groups[] = {
	/* pf */
	&nvsr_pf_claims,
	&nvsr_pf_commands,
	&nvsr_pf_capability,
	&nvsr_pf_control,
	&nvsr_pf_bars,
	&nvsr_pf_vfconfig,
	&nvsr_pf_msix,
	&nvsr_pf_queues,
	&nvsr_pf_dbbuf,
	&nvsr_pf_identity,
	&nvsr_pf_primary,
	&nvsr_pf_secondary,
	&nvsr_pf_reset,

	/* vf */
	&nvsr_vf_command,
	&nvsr_vf_assign,
	&nvsr_vf_primary,
	&nvsr_vf_online,
	&nvsr_vf_queues,
	&nvsr_vf_vectors,
	&nvsr_vf_identifiers,
	&nvsr_vf_prp,
	&nvsr_vf_sgl,
	&nvsr_vf_offline,
	&nvsr_vf_attach,
	&nvsr_vf_identity,
	&nvsr_vf_orders,
	&nvsr_vf_migrate,
	&nvsr_vf_dataqueue,
	&nvsr_vf_walk,

	/* namespace */
	&nvsr_namespace_identify,
	&nvsr_namespace_lists,
	&nvsr_namespace_nsid,
	&nvsr_namespace_create,
	&nvsr_namespace_delete,
	&nvsr_namespace_attach,
	&nvsr_namespace_persist,
	&nvsr_namespace_shared,
	&nvsr_namespace_events,
	&nvsr_namespace_live,
	&nvsr_namespace_walk,

	/* isolation */
	&nvsr_isolation_features,
	&nvsr_isolation_logs,
	&nvsr_isolation_events,
	&nvsr_isolation_queues,
	&nvsr_isolation_reset,
	&nvsr_isolation_namespaces,
	&nvsr_isolation_tenant,
	&nvsr_isolation_dma,
	&nvsr_isolation_faults,
	&nvsr_isolation_sanitize,

	/* sharing */
	&nvsr_sharing_identity,
	&nvsr_sharing_coherency,
	&nvsr_sharing_atomic,
	&nvsr_sharing_fused,
	&nvsr_sharing_protect,

	/* erase */
	&nvsr_erase_deallocate,
	&nvsr_erase_format,
	&nvsr_erase_sanitize,

	/* reset */
	&nvsr_reset_controller,
	&nvsr_reset_flr,
	&nvsr_reset_toggle,
	&nvsr_reset_offline,
	&nvsr_reset_subsystem,
	&nvsr_reset_shutdown,
	&nvsr_reset_power,

	/* reservation */
	&nvsr_reservation_identify,
	&nvsr_reservation_hostid,
	&nvsr_reservation_register,
	&nvsr_reservation_acquire,
	&nvsr_reservation_preempt,
	&nvsr_reservation_release,
	&nvsr_reservation_report,
	&nvsr_reservation_conflict,
	&nvsr_reservation_admin,
	&nvsr_reservation_persist,
	&nvsr_reservation_notify,
	&nvsr_reservation_walk,

	/* ocp */
	&nvsr_ocp_pcie,
	&nvsr_ocp_controller,
	&nvsr_ocp_namespace,
	&nvsr_ocp_erase,

	/* meta */
	&nvsr_meta_verdict,
	&nvsr_meta_process,
	&nvsr_meta_abort,
	NULL
};
