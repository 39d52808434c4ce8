// SPDX-License-Identifier: GPL-2.0-or-later
/* Any configuration space: capabilities are found inside of it or not at all. */
#include "device/fuzz.h"
#include "sriov/sriov.h"

static void find_all(struct nvsr_dev *pf)
{
	unsigned pos;

	for (unsigned id = 0; id < 0x30; id++) {
		if (!nvsr_cfg_find_cap(pf, (uint8_t)id, &pos) && pos && (pos < 0x40 || pos > 0xfc))
			abort();
		if (!nvsr_cfg_find_ext_cap(pf, (uint16_t)id, &pos) && pos && (pos < PCI_EXT_CAP_START || pos >= PCI_CFG_SIZE))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nvsr_fuzz_dev f = { 0 };
	struct nvsr_dev *pf = nvsr_fuzz_open(&f, data, size);
	struct nvsr_sriov s = { 0 };

	/* The header as it is, the rest changed here and there: a walk needs the bit that says there is a list. */
	nvsr_input_bytes(&f.in, f.cfg, 0x40);
	nvsr_le_write(f.cfg + PCI_STATUS, 2, PCI_STATUS_CAP_LIST);
	for (unsigned i = 0; i < 8; i++)
		nvsr_input_patch(&f.in, f.cfg, sizeof(f.cfg));
	find_all(pf);
	if (!nvsr_sriov_read(pf, &s) && s.pos)
		nvsr_vf_rid(0x0100, &s, s.total_vfs);
	return 0;
}
