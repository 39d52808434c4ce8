// SPDX-License-Identifier: GPL-2.0-or-later
/* Bringing one VF up in the order of Base 8.26.3. */
#include "sriov/sriov.h"

/* Resources of a type for one I/O queue pair beside the admin queue: two queue pairs, two vectors. */
#define DEFAULT_RESOURCES 2u

/* @n resources, or the default rounded up to what the device prefers to hand out (it may not exceed its maximum). */
static unsigned amount(unsigned n, unsigned max, unsigned granularity)
{
	unsigned rounded;

	if (n)
		return n;
	rounded = granularity > 1 ? NVSR_ROUND_UP(DEFAULT_RESOURCES, granularity) : DEFAULT_RESOURCES;
	return max ? NVSR_MIN(rounded, max) : rounded;
}

static int assign(struct nvsr_dev *pf, const struct nvme_primary_caps *p, uint16_t scid, unsigned nvq, unsigned nvi)
{
	int rc = 0;

	if (p->crt & NVME_CRT_VQ)
		rc = nvsr_virt_mgmt(pf, scid, NVME_VIRT_RT_VQ, NVME_VIRT_ASSIGN,
				    amount(nvq, le16_get(p->vqfrsm), le16_get(p->vqgran)), NULL);
	if (!rc && p->crt & NVME_CRT_VI)
		rc = nvsr_virt_mgmt(pf, scid, NVME_VIRT_RT_VI, NVME_VIRT_ASSIGN,
				    amount(nvi, le16_get(p->vifrsm), le16_get(p->vigran)), NULL);
	return rc;
}

static int online(struct nvsr_dev *pf, const struct nvsr_inventory *inv, struct nvsr_dev *vf, uint16_t scid, unsigned nvq,
		  unsigned nvi)
{
	int rc = nvsr_virt_mgmt(pf, scid, 0, NVME_VIRT_OFFLINE, 0, NULL);

	if (!rc && inv->has_primary)
		rc = assign(pf, &inv->primary, scid, nvq, nvi);
	if (!rc)
		rc = nvsr_reset(vf, NVSR_RESET_FLR);
	/* Where a VF cannot be reset, going on shows more than giving up. */
	if (!rc || rc == -ENOTSUP)
		rc = nvsr_virt_mgmt(pf, scid, 0, NVME_VIRT_ONLINE, 0, NULL);
	return rc;
}

/* Where a driver owns the controller, its first command shows whether the driver could start it. */
static int start(struct nvsr_dev *vf)
{
	_cleanup_free_ struct nvme_id_ctrl *id = malloc(sizeof(*id));

	if (nvsr_dev_can(vf) & NVSR_CAN_QUEUES)
		return nvsr_ctrl_enable(vf);
	return id ? nvsr_id_ctrl(vf, id) : -ENOMEM;
}

int nvsr_vf_bring_up(struct nvsr_dev *pf, const struct nvsr_inventory *inv, unsigned vfn, unsigned nvq, unsigned nvi,
		     struct nvsr_dev **ret)
{
	const struct nvme_secondary_ctrl *sc = nvsr_inventory_vf(inv, vfn);
	struct nvsr_dev *vf;
	int rc = nvsr_dev_open_vf(pf, vfn, &vf);

	if (rc)
		return rc;
	/* Without the command, VFs have private resources and are Online as soon as they exist. */
	if (sc && le16_get(inv->id.oacs) & NVME_OACS_VIRT_MGMT)
		rc = online(pf, inv, vf, le16_get(sc->scid), nvq, nvi);
	if (!rc)
		rc = start(vf);
	if (rc) {
		nvsr_dev_close(vf);
		return rc;
	}
	*ret = vf;
	return 0;
}
