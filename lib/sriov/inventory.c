// SPDX-License-Identifier: GPL-2.0-or-later
/* What a device is and which claims it answers.  Only reads. */
#include "spec/needs.h"
#include "sriov/sriov.h"

typedef bool (*claim_fn)(struct nvsr_dev *pf, const struct nvsr_inventory *inv);

static bool sriov(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return inv->sriov.pos && inv->sriov.total_vfs;
}

static bool two_vfs(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return inv->sriov.pos && inv->sriov.total_vfs >= 2;
}

static bool virt_mgmt(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return le16_get(inv->id.oacs) & NVME_OACS_VIRT_MGMT;
}

static bool vq(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return inv->has_primary && inv->primary.crt & NVME_CRT_VQ;
}

static bool vi(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return inv->has_primary && inv->primary.crt & NVME_CRT_VI;
}

static bool ns_mgmt(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return le16_get(inv->id.oacs) & NVME_OACS_NS_MGMT;
}

static bool ns_changed(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return le32_get(inv->id.oaes) & NVME_OAES_NS_CHANGED;
}

static bool compare(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return le16_get(inv->id.oncs) & NVME_ONCS_COMPARE;
}

static bool dsm(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return le16_get(inv->id.oncs) & NVME_ONCS_DSM;
}

static bool write_zeroes(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return le16_get(inv->id.oncs) & NVME_ONCS_WRITE_ZEROES;
}

static bool nswp(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return inv->id.nwpc != 0;
}

/* Capabilities common to all namespaces need Namespace Management.  Base 5.17.2.1. */
static bool thin(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	_cleanup_free_ struct nvme_id_ns *ns = malloc(sizeof(*ns));

	return ns && ns_mgmt(pf, inv) && !nvsr_identify(pf, NVME_CNS_NS, NVME_NSID_ALL, 0, ns) && ns->nsfeat & NVME_NSFEAT_THIN;
}

static bool ns_granules(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return le32_get(inv->id.ctratt) & NVME_CTRATT_NS_GRAN;
}

static bool attach_limit(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	uint64_t high, low = le128_get(inv->id.maxdna, &high);

	return low || high || le32_get(inv->id.maxcna);
}

static bool nssr(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	return NVME_CAP_NSSRS(inv->cap);
}

static const struct { enum nvsr_need_id need; claim_fn reported; } claims[] = {
	{ NVSR_NEED_ID_SRIOV, sriov }, { NVSR_NEED_ID_TWO_VFS, two_vfs }, { NVSR_NEED_ID_VIRT_MGMT, virt_mgmt },
	{ NVSR_NEED_ID_VQ, vq }, { NVSR_NEED_ID_VI, vi }, { NVSR_NEED_ID_NS_MGMT, ns_mgmt },
	{ NVSR_NEED_ID_NS_CHANGED, ns_changed }, { NVSR_NEED_ID_COMPARE, compare }, { NVSR_NEED_ID_DSM, dsm },
	{ NVSR_NEED_ID_WRITE_ZEROES, write_zeroes }, { NVSR_NEED_ID_NSWP, nswp }, { NVSR_NEED_ID_THIN, thin },
	{ NVSR_NEED_ID_NS_GRANULES, ns_granules }, { NVSR_NEED_ID_ATTACH_LIMIT, attach_limit }, { NVSR_NEED_ID_NSSR, nssr },
};

static void read_registers(struct nvsr_dev *pf, struct nvsr_inventory *inv)
{
	uint64_t v;

	if (!nvsr_reg_read(pf, NVME_REG_CAP, 8, &v) && v != UINT64_MAX)
		inv->cap = v;
	if (!nvsr_reg_read(pf, NVME_REG_VS, 4, &v) && v != UINT32_MAX)
		inv->vs = (uint32_t)v;
}

/* A device without the capability aborts these with Invalid Field; that is an answer too. */
static void read_virtualization(struct nvsr_dev *pf, struct nvsr_inventory *inv)
{
	if (!sriov(pf, inv) && !virt_mgmt(pf, inv))
		return;
	inv->has_primary = !nvsr_identify(pf, NVME_CNS_PRIMARY_CAPS, 0, le16_get(inv->id.cntlid), &inv->primary);
	if (nvsr_secondary_list(pf, &inv->sec, &inv->sec_count)) {
		inv->sec = NULL;
		inv->sec_count = 0;
	}
}

int nvsr_inventory_read(struct nvsr_dev *pf, struct nvsr_inventory *ret)
{
	struct nvsr_inventory *inv = calloc(1, sizeof(*inv));
	int rc = inv ? nvsr_id_ctrl(pf, &inv->id) : -ENOMEM;

	if (!rc) {
		if (nvsr_sriov_read(pf, &inv->sriov))
			inv->sriov.pos = 0;
		read_registers(pf, inv);
		read_virtualization(pf, inv);
		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(claims); i++)
			if (claims[i].reported(pf, inv))
				inv->has |= 1ull << claims[i].need;
		*ret = *inv;
	}
	free(inv);
	return rc;
}

void nvsr_inventory_free(struct nvsr_inventory *inv)
{
	free(inv->sec);
	*inv = (struct nvsr_inventory){ 0 };
}

const struct nvme_secondary_ctrl *nvsr_inventory_vf(const struct nvsr_inventory *inv, unsigned vfn)
{
	for (unsigned i = 0; i < inv->sec_count; i++) {
		const struct nvme_secondary_ctrl *sc = &inv->sec[i];

		/* A fielded drive lists the primary itself. */
		if (vfn && le16_get(sc->vfn) == vfn && le16_get(sc->scid) != le16_get(sc->pcid))
			return sc;
	}
	return NULL;
}
