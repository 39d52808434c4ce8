// SPDX-License-Identifier: GPL-2.0-or-later
/* Keeping and putting back configuration registers, by libpci. */
#include "device/config.h"
#include "device/kernel_pci.h"
#include "spec/pcie.h"

#define CAPS_MAX 64

static uint32_t get(struct nvsr_kernel_pci *pci, struct nvsr_bdf b, unsigned off, unsigned len)
{
	uint32_t v;

	return nvsr_kernel_pci_read(pci, b, off, len, &v) ? UINT32_MAX : v;
}

static void keep(struct nvsr_kernel_pci *pci, struct nvsr_bdf b, struct nvsr_config *c, unsigned off, unsigned len, uint32_t set)
{
	uint32_t val;

	if (c->count == NVSR_CONFIG_MAX || nvsr_kernel_pci_read(pci, b, off, len, &val))
		return;
	c->reg[c->count].off = (uint16_t)off;
	c->reg[c->count].len = (uint8_t)len;
	c->reg[c->count++].val = val | set;
}

static unsigned find_cap(struct nvsr_kernel_pci *pci, struct nvsr_bdf b, uint8_t id)
{
	unsigned at = get(pci, b, PCI_CAP_POINTER, 1) & 0xfc;

	for (unsigned i = 0; i < CAPS_MAX && at >= 0x40; i++) {
		uint32_t head = get(pci, b, at, 2);

		if ((head & 0xff) == id)
			return at;
		at = head >> 8 & 0xfc;
	}
	return 0;
}

static unsigned find_sriov(struct nvsr_kernel_pci *pci, struct nvsr_bdf b)
{
	unsigned at = PCI_EXT_CAP_START;

	for (unsigned i = 0; i < CAPS_MAX && at >= PCI_EXT_CAP_START; i++) {
		uint32_t head = get(pci, b, at, 4);

		if (head == UINT32_MAX)
			return 0;
		if ((head & 0xffff) == PCI_EXT_CAP_SRIOV)
			return at;
		at = head >> 20 & 0xffc;
	}
	return 0;
}

void nvsr_config_read(struct nvsr_bdf b, struct nvsr_config *ret)
{
	bool vf = nvsr_sysfs_has(b, "physfn");
	struct nvsr_kernel_pci *pci;
	unsigned pos;

	ret->count = 0;
	if (nvsr_kernel_pci_open(&pci))
		return;
	for (unsigned i = 0; !vf && i < PCI_BAR_COUNT; i++)
		keep(pci, b, ret, PCI_BAR0 + i * 4, 4, 0);
	pos = vf ? 0 : find_sriov(pci, b);
	if (pos) {
		keep(pci, b, ret, pos + PCI_SRIOV_SYS_PGSIZE, 4, 0);
		for (unsigned i = 0; i < PCI_BAR_COUNT; i++)
			keep(pci, b, ret, pos + PCI_SRIOV_VF_BAR0 + i * 4, 4, 0);
	}
	pos = find_cap(pci, b, PCI_CAP_EXP);
	if (pos)
		keep(pci, b, ret, pos + PCI_EXP_DEVCTL, 2, 0);
	/* Last, so that nothing is decoded at an address that is only half written. */
	keep(pci, b, ret, PCI_COMMAND, 2, PCI_COMMAND_MASTER | (vf ? 0 : PCI_COMMAND_MEMORY));
	nvsr_kernel_pci_close(pci);
}

void nvsr_config_put_back(struct nvsr_bdf b, const struct nvsr_config *c)
{
	struct nvsr_kernel_pci *pci;

	if (nvsr_kernel_pci_open(&pci))
		return;
	for (unsigned i = 0; i < c->count; i++)
		if (get(pci, b, c->reg[i].off, c->reg[i].len) != c->reg[i].val)
			nvsr_kernel_pci_write(pci, b, c->reg[i].off, c->reg[i].len, c->reg[i].val);
	nvsr_kernel_pci_close(pci);
}
