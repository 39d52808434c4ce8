// SPDX-License-Identifier: GPL-2.0-or-later
/* What the IOMMU drivers of several kernels write about refused DMA. */
#include "device/iommu_log.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

static const struct { const char *line; struct nvsr_dma_fault want; } faults[] = {
	{ "DMAR: [DMA Write NO_PASID] Request device [01:00.1] fault addr 0xdead0000 [fault reason 0x05] PTE Write access is "
	  "not set", { 0x0101, 0xdead0000, true } },
	{ "DMAR: [DMA Read NO_PASID] Request device [c1:1f.7] fault addr 0x1ffffffff000 [fault reason 0x06] PTE Read access is not set",
	  { 0xc1ff, 0x1ffffffff000, false } },
	{ "DMAR: [DMA Read] Request device [02:00.2] fault addr fed3b000 [fault reason 06] PTE Read access is not set",
	  { 0x0202, 0xfed3b000, false } },
	{ "AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.1 domain=0x0014 address=0xdead0000 flags=0x0020]",
	  { 0x0101, 0xdead0000, true } },
	{ "AMD-Vi: Event logged [IO_PAGE_FAULT device=41:00.3 domain=0x0014 address=0xfffffffdf8000000 flags=0x0008]",
	  { 0x4103, 0xfffffffdf8000000, false } },
	{ "vfio-pci 0000:01:00.1: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0014 address=0x10 flags=0x0030]",
	  { 0x0101, 0x10, true } },
};

static const char *const others[] = {
	"", "DMAR: DRHD: handling fault status reg 2",
	"DMAR: [INTR-REMAP] Request device [01:00.1] fault index 0x10 [fault reason 0x25]",
	"AMD-Vi: Event logged [INVALID_DEVICE_REQUEST device=01:00.1 pasid=0x00000 address=0xfffffffdf8000000 flags=0x0a00]",
	"nvme nvme1: Device not ready; aborting initialisation, CSTS=0x0",
	"DMAR: [DMA Write NO_PASID] Request device [zz:00.1] fault addr 0x1", "[DMA ", "[IO_PAGE_FAULT address= flags=",
};

int main(void)
{
	struct nvsr_dma_fault f;

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(faults); i++) {
		memset(&f, 0, sizeof(f));
		EXPECT(nvsr_iommu_log_parse(faults[i].line, &f));
		EXPECT(f.rid == faults[i].want.rid && f.iova == faults[i].want.iova && f.write == faults[i].want.write);
	}
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(others); i++)
		EXPECT(!nvsr_iommu_log_parse(others[i], &f));
	return failures != 0;
}
