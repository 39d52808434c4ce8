/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration space as the suites and the model need it.  PCIe Base 6.x chapters 7 and 9. */
#ifndef NVSR_SPEC_PCIE_H
#define NVSR_SPEC_PCIE_H

/* Type 0 header. */
#define PCI_VENDOR_ID		0x00
#define PCI_DEVICE_ID		0x02
#define PCI_COMMAND		0x04
#define  PCI_COMMAND_IO		0x0001
#define  PCI_COMMAND_MEMORY	0x0002
#define  PCI_COMMAND_MASTER	0x0004
#define  PCI_COMMAND_PARITY	0x0040
#define  PCI_COMMAND_SERR	0x0100
#define  PCI_COMMAND_INTX_OFF	0x0400
#define PCI_STATUS		0x06
#define  PCI_STATUS_CAP_LIST	0x0010
#define PCI_REVISION_ID		0x08
#define PCI_CLASS		0x09	/* three bytes: programming interface, sub-class, class */
#define  PCI_CLASS_NVME		0x010802
#define PCI_HEADER_TYPE		0x0e
#define PCI_BAR0		0x10
#define PCI_BAR_COUNT		6
#define  PCI_BAR_IO		0x1
#define  PCI_BAR_TYPE_MASK	0x6
#define  PCI_BAR_TYPE_64	0x4
#define  PCI_BAR_PREFETCH	0x8
#define PCI_CARDBUS_CIS		0x28
#define PCI_SUBSYS_VENDOR_ID	0x2c
#define PCI_SUBSYS_ID		0x2e
#define PCI_ROM_ADDRESS		0x30
#define PCI_CAP_POINTER		0x34
#define PCI_INTERRUPT_LINE	0x3c
#define PCI_INTERRUPT_PIN	0x3d

/* Capability ids and the offsets inside each capability. */
#define PCI_CAP_PM		0x01
#define  PCI_PM_CAP		0x02
#define  PCI_PM_CTRL		0x04
#define   PCI_PM_CTRL_STATE	0x0003
#define   PCI_PM_CTRL_NO_SOFT_RESET 0x0008
#define PCI_CAP_MSIX		0x11
#define  PCI_MSIX_CTRL		0x02	/* MXC: table size - 1 in 10:0, function mask 14, enable 15 */
#define   PCI_MSIX_CTRL_TS	0x07ff
#define   PCI_MSIX_CTRL_MASK	0x4000
#define   PCI_MSIX_CTRL_ENABLE	0x8000
#define  PCI_MSIX_TABLE		0x04	/* BIR in 2:0, offset above */
#define  PCI_MSIX_PBA		0x08
#define  PCI_MSIX_BIR		0x7
#define  PCI_MSIX_SIZEOF	12
#define  PCI_MSIX_ENTRY_SIZE	16	/* address low, address high, data, vector control (bit 0 mask) */
#define PCI_CAP_EXP		0x10
#define  PCI_EXP_CAP		0x02
#define  PCI_EXP_DEVCAP		0x04
#define   PCI_EXP_DEVCAP_FLR	0x10000000
#define  PCI_EXP_DEVCTL		0x08
#define   PCI_EXP_DEVCTL_FLR	0x8000
#define  PCI_EXP_DEVSTA		0x0a
#define   PCI_EXP_DEVSTA_TRPND	0x20

/* Extended capabilities: header id 15:0, version 19:16, next 31:20. */
#define PCI_EXT_CAP_START	0x100
#define PCI_EXT_CAP_AER		0x0001
#define PCI_EXT_CAP_DSN		0x0003
#define PCI_EXT_CAP_ARI		0x000e
#define PCI_EXT_CAP_ATS		0x000f
#define PCI_EXT_CAP_SRIOV	0x0010

/* SR-IOV extended capability, offsets from its header.  PCIe 9.3.3. */
#define PCI_SRIOV_CAP		0x04
#define  PCI_SRIOV_CAP_VFM	0x1	/* VF Migration Capable (deprecated) */
#define  PCI_SRIOV_CAP_ARI	0x2	/* ARI Capable Hierarchy Preserved */
#define PCI_SRIOV_CTRL		0x08
#define  PCI_SRIOV_CTRL_VFE	0x0001
#define  PCI_SRIOV_CTRL_MSE	0x0008
#define  PCI_SRIOV_CTRL_ARI	0x0010
#define PCI_SRIOV_STATUS	0x0a
#define  PCI_SRIOV_STATUS_VFM	0x1
#define PCI_SRIOV_INITIAL_VFS	0x0c
#define PCI_SRIOV_TOTAL_VFS	0x0e
#define PCI_SRIOV_NUM_VFS	0x10
#define PCI_SRIOV_FDL		0x12
#define PCI_SRIOV_VF_OFFSET	0x14
#define PCI_SRIOV_VF_STRIDE	0x16
#define PCI_SRIOV_VF_DEVICE_ID	0x1a
#define PCI_SRIOV_SUP_PGSIZE	0x1c
#define  PCI_SRIOV_PGSIZE_MIN	0x553	/* the sizes every device supports, PCIe 9.3.3.12 */
#define PCI_SRIOV_SYS_PGSIZE	0x20
#define PCI_SRIOV_VF_BAR0	0x24
#define PCI_SRIOV_VFM_ARRAY	0x3c
#define PCI_SRIOV_SIZEOF	0x40

/* Times software waits, ms. */
#define PCI_MS_FLR		100	/* PCIe 6.6.2: FLR done */
#define PCI_MS_VF_ENABLE	100	/* PCIe 9.3.3.3.1: first configuration access to a VF */
#define PCI_MS_VF_ENABLE_MAX	1000	/* PCIe 9.3.3.3.1: every VF answers */
#define PCI_MS_VF_DISABLE	1000	/* PCIe 9.3.3.3.1: SR-IOV capability untouched after VF Enable 1 to 0 */

#define PCI_CFG_SIZE		4096

#endif
