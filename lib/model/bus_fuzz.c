// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any requests of a root port: configuration writes, BAR reads and writes, doorbells over any content of the queues in host
 * memory, resets, time.  Only model.h is called once the machine is up.
 */
#include "model/fuzz.h"

#define REQUESTS_MAX 256
#define PF_BAR 0x100000000ull
#define VF_BAR 0x200000000ull

static void on_msi(void *arg, uint16_t rid, uint64_t addr, uint32_t value)
{
	struct nvsr_model *m = arg;

	/* A handler rings a doorbell from inside, as drivers do. */
	if (value & 1)
		nvsr_model_mem_write(m, PF_BAR + NVME_REG_DBS + 4, 4, value >> 1);
}

static void place_bars(struct nvsr_model *m)
{
	uint16_t pf = nvsr_model_pf_rid(m);
	unsigned vf_bar = m->conf.sriov_pos + PCI_SRIOV_VF_BAR0;

	nvsr_model_cfg_write(m, pf, PCI_BAR0, 4, (uint32_t)PF_BAR);
	nvsr_model_cfg_write(m, pf, PCI_BAR0 + 4, 4, PF_BAR >> 32);
	nvsr_model_cfg_write(m, pf, vf_bar, 4, (uint32_t)VF_BAR);
	nvsr_model_cfg_write(m, pf, vf_bar + 4, 4, VF_BAR >> 32);
}

/* An address in the BAR of the PF or of one of four VFs: a register, the first doorbells, or anywhere. */
static uint64_t place(struct nvsr_model *m, struct nvsr_input *in)
{
	unsigned where = (unsigned)nvsr_input_num(in, 1), fn = where % 5;
	uint64_t base = fn ? VF_BAR + (fn - 1) * (uint64_t)m->conf.vf_bar0_bytes : PF_BAR;
	uint64_t off = nvsr_input_num(in, where & 0x40 ? 2 : 1);

	return base + (where & 0x80 ? NVME_REG_DBS + off % 16 * 4 : off);
}

static unsigned width(struct nvsr_input *in)
{
	return 1u << nvsr_input_num(in, 1) % 4;
}

static void configure(struct nvsr_model *m, struct nvsr_input *in)
{
	unsigned what = (unsigned)nvsr_input_num(in, 1), off = (unsigned)nvsr_input_num(in, 2) % PCI_CFG_SIZE, len = width(in);
	uint16_t rid = (uint16_t)(nvsr_model_pf_rid(m) + (what & 0x80 ? what & 0x7f : 0));

	/* Half of all accesses go to the SR-IOV capability, an eighth to MSI-X. */
	if (what & 0x40)
		off = m->conf.sriov_pos + off % PCI_SRIOV_SIZEOF;
	else if (!(what & 0x30))
		off = M_POS_MSIX + off % PCI_MSIX_SIZEOF;
	nvsr_model_cfg_read(m, rid, off, len);
	nvsr_model_cfg_write(m, rid, off, len, (uint32_t)nvsr_input_num(in, 4));
}

static void request(struct nvsr_model *m, struct nvsr_input *in)
{
	uint64_t at;

	switch (nvsr_input_num(in, 1) % 16) {
	case 0: nvsr_model_hot_reset(m); break;
	case 1: nvsr_model_power_cycle(m); break;
	case 2: nvsr_model_advance(m, nvsr_input_num(in, 5)); break;
	case 3: place_bars(m); break;
	case 4: fuzz_vfs_up(m, 2); break;
	case 5: nvsr_model_set_domain(m, (uint16_t)(nvsr_model_pf_rid(m) + nvsr_input_num(in, 1)), in->left & 1); break;
	case 6:
	case 7: configure(m, in); break;
	case 8:
	case 9: nvsr_input_patch(in, memory, sizeof(memory)); break;
	case 10:
		at = place(m, in);
		nvsr_model_mem_read(m, at, width(in));
		break;
	default:
		at = place(m, in);
		nvsr_model_mem_write(m, at, width(in), nvsr_input_num(in, 4));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct nvsr_input in = { input, size };
	struct nvsr_model *m = fuzz_power_on(&in);

	nvsr_model_on_msi(m, on_msi, m);
	place_bars(m);
	fuzz_vfs_up(m, 2);
	for (unsigned i = 0; i < REQUESTS_MAX && in.left; i++)
		request(m, &in);
	nvsr_model_destroy(m);
	return 0;
}
