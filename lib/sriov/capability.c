// SPDX-License-Identifier: GPL-2.0-or-later
/* The SR-IOV extended capability of a PF, PCIe 9.3.3. */
#include "sriov/sriov.h"

int nvsr_sriov_read(struct nvsr_dev *pf, struct nvsr_sriov *ret)
{
	struct nvsr_sriov s = { 0 };
	const struct { unsigned off, len; void *to; } fields[] = {
		{ PCI_SRIOV_CAP, 4, &s.cap }, { PCI_SRIOV_CTRL, 2, &s.ctrl }, { PCI_SRIOV_STATUS, 2, &s.status },
		{ PCI_SRIOV_INITIAL_VFS, 2, &s.initial_vfs }, { PCI_SRIOV_TOTAL_VFS, 2, &s.total_vfs },
		{ PCI_SRIOV_NUM_VFS, 2, &s.num_vfs }, { PCI_SRIOV_FDL, 2, &s.fdl }, { PCI_SRIOV_VF_OFFSET, 2, &s.vf_offset },
		{ PCI_SRIOV_VF_STRIDE, 2, &s.vf_stride }, { PCI_SRIOV_VF_DEVICE_ID, 2, &s.vf_device_id },
		{ PCI_SRIOV_SUP_PGSIZE, 4, &s.sup_pgsize }, { PCI_SRIOV_SYS_PGSIZE, 4, &s.sys_pgsize },
		{ PCI_SRIOV_VF_BAR0, 4, &s.vf_bar[0] }, { PCI_SRIOV_VF_BAR0 + 4, 4, &s.vf_bar[1] },
		{ PCI_SRIOV_VF_BAR0 + 8, 4, &s.vf_bar[2] }, { PCI_SRIOV_VF_BAR0 + 12, 4, &s.vf_bar[3] },
		{ PCI_SRIOV_VF_BAR0 + 16, 4, &s.vf_bar[4] }, { PCI_SRIOV_VF_BAR0 + 20, 4, &s.vf_bar[5] },
		{ PCI_SRIOV_VFM_ARRAY, 4, &s.vfm_array },
	};
	int rc = nvsr_cfg_find_ext_cap(pf, PCI_EXT_CAP_SRIOV, &s.pos);

	for (size_t i = 0; !rc && s.pos && i < NVSR_ARRAY_SIZE(fields); i++) {
		uint32_t v;

		rc = nvsr_cfg_read(pf, s.pos + fields[i].off, fields[i].len, &v);
		if (rc)
			break;
		if (fields[i].len == 2)
			*(uint16_t *)fields[i].to = (uint16_t)v;
		else
			*(uint32_t *)fields[i].to = v;
	}
	if (!rc)
		*ret = s;
	return rc;
}
