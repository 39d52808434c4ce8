// SPDX-License-Identifier: GPL-2.0-or-later
/* The SR-IOV extended capability.  PCIe 9.3.3. */
#include "sriov/sriov.h"

int nvsr_sriov_read(struct nvsr_dev *pf, struct nvsr_sriov *ret)
{
	struct nvsr_sriov s = { 0 };
	const struct { unsigned off; uint16_t *to; } words[] = {
		{ PCI_SRIOV_CTRL, &s.ctrl }, { PCI_SRIOV_STATUS, &s.status }, { PCI_SRIOV_INITIAL_VFS, &s.initial_vfs },
		{ PCI_SRIOV_TOTAL_VFS, &s.total_vfs }, { PCI_SRIOV_NUM_VFS, &s.num_vfs }, { PCI_SRIOV_FDL, &s.fdl },
		{ PCI_SRIOV_VF_OFFSET, &s.vf_offset }, { PCI_SRIOV_VF_STRIDE, &s.vf_stride },
		{ PCI_SRIOV_VF_DEVICE_ID, &s.vf_device_id },
	};
	const struct { unsigned off; uint32_t *to; } dwords[] = {
		{ PCI_SRIOV_CAP, &s.cap }, { PCI_SRIOV_SUP_PGSIZE, &s.sup_pgsize }, { PCI_SRIOV_SYS_PGSIZE, &s.sys_pgsize },
		{ PCI_SRIOV_VF_BAR0, &s.vf_bar[0] }, { PCI_SRIOV_VF_BAR0 + 4, &s.vf_bar[1] },
		{ PCI_SRIOV_VF_BAR0 + 8, &s.vf_bar[2] }, { PCI_SRIOV_VF_BAR0 + 12, &s.vf_bar[3] },
		{ PCI_SRIOV_VF_BAR0 + 16, &s.vf_bar[4] }, { PCI_SRIOV_VF_BAR0 + 20, &s.vf_bar[5] },
		{ PCI_SRIOV_VFM_ARRAY, &s.vfm_array },
	};
	uint32_t v;
	int rc = nvsr_cfg_find_ext_cap(pf, PCI_EXT_CAP_SRIOV, &s.pos);

	for (unsigned i = 0; !rc && s.pos && i < NVSR_ARRAY_SIZE(words); i++) {
		rc = nvsr_cfg_read(pf, s.pos + words[i].off, 2, &v);
		if (!rc)
			*words[i].to = (uint16_t)v;
	}
	for (unsigned i = 0; !rc && s.pos && i < NVSR_ARRAY_SIZE(dwords); i++)
		rc = nvsr_cfg_read(pf, s.pos + dwords[i].off, 4, dwords[i].to);
	if (!rc)
		*ret = s;
	return rc;
}
