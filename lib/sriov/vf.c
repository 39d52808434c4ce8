// SPDX-License-Identifier: GPL-2.0-or-later
/* Bringing a VF up in the order of Base 8.26.3: Offline, Assign, reset of the VF, Online, then the controller. */
#include "sriov/sriov.h"

/* Admin and one I/O queue pair, each with a vector of its own. */
#define DEFAULT_VQ 2
#define DEFAULT_VI 2

static int assign(struct nvsr_dev *pf, const struct nvsr_inventory *inv, uint16_t scid, unsigned nvq, unsigned nvi)
{
	const struct { unsigned crt, rt, nr; } types[] = {
		{ NVME_CRT_VQ, NVME_VIRT_RT_VQ, nvq ? nvq : DEFAULT_VQ },
		{ NVME_CRT_VI, NVME_VIRT_RT_VI, nvi ? nvi : DEFAULT_VI },
	};
	int rc = nvsr_virt_mgmt(pf, scid, 0, NVME_VIRT_OFFLINE, 0, NULL);

	for (size_t i = 0; !rc && i < NVSR_ARRAY_SIZE(types); i++)
		if (inv->primary.crt & types[i].crt)
			rc = nvsr_virt_mgmt(pf, scid, types[i].rt, NVME_VIRT_ASSIGN, types[i].nr, NULL);
	return rc;
}

/* A command on the VF: with our own driver its controller is enabled first, the kernel's driver is bound by the access method. */
static int start(struct nvsr_dev *vf)
{
	struct nvme_id_ctrl id;
	int rc = nvsr_dev_can(vf) & NVSR_CAN_REG_WRITE ? nvsr_ctrl_enable(vf) : 0;

	return rc ? rc : nvsr_id_ctrl(vf, &id);
}

int nvsr_vf_bring_up(struct nvsr_dev *pf, const struct nvsr_inventory *inv, unsigned vfn, unsigned nvq, unsigned nvi,
		     struct nvsr_dev **ret)
{
	const struct nvme_secondary_ctrl *sec = nvsr_inventory_vf(inv, vfn);
	bool managed = inv->has & NVSR_NEED(VIRT_MGMT) && inv->has_primary;
	struct nvsr_dev *vf = NULL;
	int rc;

	if (managed && !sec)
		return -ENXIO;		/* no secondary controller has this VF number */
	rc = managed ? assign(pf, inv, le16_get(sec->scid), nvq, nvi) : 0;
	if (!rc)
		rc = nvsr_dev_open_vf(pf, vfn, &vf);
	if (!rc && nvsr_dev_can(vf) & NVSR_CAN_FLR)
		rc = nvsr_reset(vf, NVSR_RESET_FLR);
	if (!rc && managed)
		rc = nvsr_virt_mgmt(pf, le16_get(sec->scid), 0, NVME_VIRT_ONLINE, 0, NULL);
	if (!rc)
		rc = start(vf);
	if (rc)
		nvsr_dev_close(vf);
	else
		*ret = vf;
	return rc;
}
