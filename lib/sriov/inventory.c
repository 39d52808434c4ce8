// SPDX-License-Identifier: GPL-2.0-or-later
/* What a device says it is, by reading alone. */
#include "sriov/sriov.h"
#include "spec/needs.h"

/* What all namespaces have in common; without Namespace Management, what the first active one has. */
static void common_caps(struct nvsr_dev *pf, struct nvme_id_ns *ret)
{
	uint8_t list[NVME_IDENTIFY_SIZE];

	if (!nvsr_identify(pf, NVME_CNS_NS, NVME_NSID_ALL, 0, ret))
		return;
	memset(ret, 0, sizeof(*ret));
	if (!nvsr_identify(pf, NVME_CNS_ACTIVE_NS, 0, 0, list) && nvsr_le_read(list, 4) &&
	    nvsr_identify(pf, NVME_CNS_NS, (uint32_t)nvsr_le_read(list, 4), 0, ret))
		memset(ret, 0, sizeof(*ret));
}

/* The CLAIM needs: which answer of the device stands for each. */
static uint64_t claims(struct nvsr_dev *pf, const struct nvsr_inventory *inv)
{
	const struct nvme_id_ctrl *id = &inv->id;
	uint16_t oacs = le16_get(id->oacs), oncs = le16_get(id->oncs);
	bool ns_mgmt = oacs & NVME_OACS_NS_MGMT, format = oacs & NVME_OACS_FORMAT;
	struct nvme_id_ns common;
	bool resv;

	common_caps(pf, &common);
	resv = oncs & NVME_ONCS_RESERVATIONS && common.rescap & NVME_RESCAP_TYPES;

	const struct { uint64_t need; bool has; } table[] = {
		{ NVSR_NEED(SRIOV), inv->sriov.pos && inv->sriov.total_vfs > 0 },
		{ NVSR_NEED(TWO_VFS), inv->sriov.pos && inv->sriov.total_vfs > 1 },
		/* Some devices execute the command and forget the bit: pf.claims says so, the other tests go on. */
		{ NVSR_NEED(VIRT_MGMT), oacs & NVME_OACS_VIRT_MGMT || inv->has_primary },
		{ NVSR_NEED(VQ), inv->has_primary && inv->primary.crt & NVME_CRT_VQ },
		{ NVSR_NEED(VI), inv->has_primary && inv->primary.crt & NVME_CRT_VI },
		{ NVSR_NEED(NS_MGMT), ns_mgmt },
		{ NVSR_NEED(NS_CHANGED), le32_get(id->oaes) & NVME_OAES_NS_CHANGED },
		{ NVSR_NEED(COMPARE), oncs & NVME_ONCS_COMPARE },
		{ NVSR_NEED(DSM), oncs & NVME_ONCS_DSM },
		{ NVSR_NEED(WRITE_ZEROES), oncs & NVME_ONCS_WRITE_ZEROES },
		{ NVSR_NEED(NSWP), id->nwpc & 1 },
		{ NVSR_NEED(THIN), ns_mgmt && common.nsfeat & NVME_NSFEAT_THIN },
		{ NVSR_NEED(NS_GRANULES), le32_get(id->ctratt) & NVME_CTRATT_NS_GRAN },
		{ NVSR_NEED(ATTACH_LIMIT), le128_get(id->maxdna, NULL) || le32_get(id->maxcna) },
		{ NVSR_NEED(NSSR), NVME_CAP_NSSRS(inv->cap) },
		{ NVSR_NEED(RESERVATIONS), resv },
		{ NVSR_NEED(PTPL), resv && common.rescap & NVME_RESCAP_PTPL },
		{ NVSR_NEED(FORMAT), format },
		{ NVSR_NEED(CRYPTO), format && id->fna & NVME_FNA_CRYPTO },
		{ NVSR_NEED(SANITIZE), le32_get(id->sanicap) & 7 },
		{ NVSR_NEED(FUSED), le16_get(id->fuses) & NVME_FUSES_COMPARE_WRITE },
		{ NVSR_NEED(COPY), oncs & NVME_ONCS_COPY },
		{ NVSR_NEED(VERIFY), oncs & NVME_ONCS_VERIFY },
		{ NVSR_NEED(DBBUF), oacs & NVME_OACS_DBBUF },
		{ NVSR_NEED(SGL), NVME_SGLS_SUPPORT(le32_get(id->sgls)) },
		{ NVSR_NEED(MIGRATION), oacs & NVME_OACS_MIGRATION },
		{ NVSR_NEED(DULBE), common.nsfeat & NVME_NSFEAT_DULBE },
	};
	uint64_t has = 0;

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(table); i++)
		has |= table[i].has ? table[i].need : 0;
	return has;
}

int nvsr_inventory_read(struct nvsr_dev *pf, struct nvsr_inventory *ret)
{
	struct nvsr_inventory inv = { 0 };
	uint64_t vs;
	int rc = nvsr_id_ctrl(pf, &inv.id);

	if (rc)
		return rc;
	nvsr_sriov_read(pf, &inv.sriov);
	inv.has_primary = !nvsr_identify(pf, NVME_CNS_PRIMARY_CAPS, 0, le16_get(inv.id.cntlid), &inv.primary);
	if (inv.has_primary && nvsr_secondary_list(pf, &inv.sec, &inv.sec_count)) {
		inv.sec = NULL;
		inv.sec_count = 0;
	}
	nvsr_reg_read(pf, NVME_REG_CAP, 8, &inv.cap);
	inv.vs = nvsr_reg_read(pf, NVME_REG_VS, 4, &vs) ? le32_get(inv.id.ver) : (uint32_t)vs;
	inv.has = claims(pf, &inv);
	*ret = inv;
	return 0;
}

void nvsr_inventory_free(struct nvsr_inventory *inv)
{
	free(inv->sec);
	*inv = (struct nvsr_inventory){ 0 };
}

const struct nvme_secondary_ctrl *nvsr_inventory_vf(const struct nvsr_inventory *inv, unsigned vfn)
{
	/* Nearly every drive lists them in order. */
	if (vfn && vfn <= inv->sec_count && le16_get(inv->sec[vfn - 1].vfn) == vfn)
		return &inv->sec[vfn - 1];
	for (unsigned i = 0; i < inv->sec_count; i++)
		if (vfn && le16_get(inv->sec[i].vfn) == vfn)
			return &inv->sec[i];
	return NULL;
}
