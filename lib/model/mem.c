// SPDX-License-Identifier: GPL-2.0-or-later
/* Memory requests: which function's BAR0 a bus address hits, and what is there. */
#include "model/bus.h"
#include "model/lies.h"

static uint64_t bar_base(const uint8_t *bar)
{
	return nvsr_le_read(bar, 8) & ~0xfull;
}

static struct m_ctrl *decode_pf(struct nvsr_model *m, uint64_t addr, unsigned len, uint64_t *ret_off)
{
	struct m_ctrl *pf = m_pf(m);
	uint64_t off = addr - bar_base(pf->cfg + PCI_BAR0);

	if (!m_awake(pf) || !(m_cfg_get(pf, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY) || off > m->conf.pf_bar0_bytes - len)
		return NULL;
	*ret_off = off;
	return pf;
}

/* The VF whose aperture is the @n'th (0's based), as a correct drive or one with a defect wires it. */
static unsigned aperture_owner(const struct nvsr_model *m, unsigned n)
{
	if (DEFECT(m, VF_APERTURE_ALIASES))
		return 1;
	if (DEFECT(m, VF_APERTURES_SWAPPED) && n < 2)
		return 2 - n;
	return n + 1;
}

static struct m_ctrl *decode_vf(struct nvsr_model *m, uint64_t addr, unsigned len, uint64_t *ret_off)
{
	uint64_t base, off, size;
	struct m_ctrl *vf;

	if (!m->conf.sriov)
		return NULL;
	/* VF MSE alone gates the apertures of all VFs: 9.3.3.3.3. */
	if (!(m_sriov_get(m, PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_MSE) && !DEFECT(m, VF_MSE_IGNORED))
		return NULL;
	base = bar_base(m_pf(m)->cfg + m->conf.sriov_pos + PCI_SRIOV_VF_BAR0);
	size = m_sriov_aperture(m);
	off = addr - base;
	if (addr < base || off / size >= m->conf.total_vfs || off % size > size - len)
		return NULL;
	vf = &m->ctrl[off / size + 1];
	if (!vf->present)
		return NULL;
	vf = &m->ctrl[NVSR_MIN(aperture_owner(m, (unsigned)(off / size)), m->conf.total_vfs)];
	if (!m_awake(vf))
		return NULL;
	*ret_off = off % size;
	return vf;
}

static struct m_ctrl *decode(struct nvsr_model *m, uint64_t addr, unsigned len, uint64_t *ret_off)
{
	struct m_ctrl *c;

	if ((len != 1 && len != 2 && len != 4 && len != 8) || addr % len || addr + len < addr)
		return NULL;
	c = decode_pf(m, addr, len, ret_off);
	return c ? c : decode_vf(m, addr, len, ret_off);
}

uint64_t nvsr_model_mem_read(struct nvsr_model *m, uint64_t addr, unsigned len)
{
	uint64_t off, val;
	struct m_ctrl *c = decode(m, addr, len, &off);

	if (!c)
		return len == 8 ? ~0ull : (1ull << len % 8 * 8) - 1;
	if (m_msix_read(c, off, len, &val))
		return val;
	return off < NVME_REG_DBS ? m_lie_reg(c, off, len, m_regs_read(c, off, len)) : 0;
}

void nvsr_model_mem_write(struct nvsr_model *m, uint64_t addr, unsigned len, uint64_t val)
{
	uint64_t off;
	struct m_ctrl *c = decode(m, addr, len, &off);

	if (!c || m_msix_write(c, off, len, val))
		return;
	if (off >= NVME_REG_DBS && off >= NVSR_MIN(m_msix_table_at(c), m_msix_pba_at(c)))
		return;	/* nothing is behind the doorbells */
	if (DEFECT(m, VF_DOORBELL_HITS_SIBLING) && off >= NVME_REG_DBS && c->fn > 1)
		c = &m->ctrl[1];
	m_regs_write(c, off, len, val);
}
