// SPDX-License-Identifier: GPL-2.0-or-later
/* The SR-IOV capability of the PF, and the VFs that come and go with it.  PCIe 9.3.3. */
#include "base/time.h"
#include "model/bus.h"

uint32_t m_sriov_get(const struct nvsr_model *m, unsigned rel, unsigned len)
{
	return m_cfg_get(&m->ctrl[0], m->conf.sriov_pos + rel, len);
}

void m_sriov_put(struct nvsr_model *m, unsigned rel, unsigned len, uint32_t val)
{
	m_cfg_set(m_pf(m), m->conf.sriov_pos + rel, len, val);
}

/*
 * The published offset holds for one state of ARI Capable Hierarchy.  A device that counts on ARI moves its VFs to the
 * next bus without it, because only functions 0 to 7 of device 0 are reachable on its own.
 */
uint16_t m_sriov_offset(const struct nvsr_model *m)
{
	unsigned offset = m->conf.vf_offset;

	if (!m->conf.sriov)
		return 0;
	if (m->conf.ari && !(m_sriov_get(m, PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_ARI))
		offset += 0x100;
	return (uint16_t)offset;
}

static void show_offset(struct nvsr_model *m)
{
	uint16_t offset = m_sriov_offset(m);

	if (DEFECT(m, VF_OFFSET_ZERO))
		offset = 0;
	else if (DEFECT(m, VF_RID_LOWER_BUS))
		offset = (uint16_t)(0xff00 + m->conf.vf_offset);	/* modulo 2^16: the bus before the PF's */
	m_sriov_put(m, PCI_SRIOV_VF_OFFSET, 2, offset);
	m_sriov_put(m, PCI_SRIOV_VF_STRIDE, 2, DEFECT(m, STRIDE_ZERO) ? 0 : m->conf.vf_stride);
}

void m_sriov_set_ari(struct nvsr_model *m, bool on)
{
	uint32_t ctrl = m_sriov_get(m, PCI_SRIOV_CTRL, 2) & ~(uint32_t)PCI_SRIOV_CTRL_ARI;

	m_sriov_put(m, PCI_SRIOV_CTRL, 2, on ? ctrl | PCI_SRIOV_CTRL_ARI : ctrl);
	show_offset(m);
}

static uint32_t page_size(const struct nvsr_model *m)
{
	uint32_t bit = m_sriov_get(m, PCI_SRIOV_SYS_PGSIZE, 4);

	if (!bit || DEFECT(m, SYS_PGSIZE_IGNORED))
		bit = 1;
	return bit * M_PAGE;
}

/* 9.3.3.13: apertures are aligned to the System Page Size and a multiple of it. */
uint32_t m_sriov_aperture(const struct nvsr_model *m)
{
	return NVSR_MAX(m->conf.vf_bar0_bytes, page_size(m));
}

static void show_bars(struct nvsr_model *m)
{
	unsigned pos = m->conf.sriov_pos + PCI_SRIOV_VF_BAR0;
	uint32_t size = m_sriov_aperture(m), mask = ~(size - 1), type = PCI_BAR_TYPE_64, high = ~0u;

	if (DEFECT(m, VF_BAR_NOT_POW2))
		mask &= ~(size << 1);	/* as if the size had two bits */
	if (DEFECT(m, VF_BAR_SIZE_OF_ALL))
		while (mask && ~mask + 1 < (uint64_t)size * m->conf.total_vfs)
			mask <<= 1;
	if (DEFECT(m, VF_BAR_UNALIGNED))
		mask |= ~(size / 2 - 1);
	if (DEFECT(m, VF_BAR_IO))
		type = PCI_BAR_IO;
	if (DEFECT(m, VF_BAR_32BIT))
		type = high = 0;
	m_cfg_put(m_pf(m), pos, 4, (m_cfg_get(m_pf(m), pos, 4) & mask & ~0xfu) | type, mask & ~0xfu);
	m_cfg_put(m_pf(m), pos + 4, 4, m_cfg_get(m_pf(m), pos + 4, 4) & high, high);
}

void m_sriov_build(struct m_ctrl *pf)
{
	struct nvsr_model *m = pf->m;
	const struct m_conf *f = &m->conf;
	unsigned pos = f->sriov_pos;
	uint32_t ctrl = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	uint32_t pages = DEFECT(m, SUP_PGSIZE_MISSING) ? f->sup_pgsize & ~0x10u : f->sup_pgsize;

	if (!DEFECT(m, ARI_BIT_READ_ONLY))
		ctrl |= PCI_SRIOV_CTRL_ARI;
	m_cfg_put(pf, pos + PCI_SRIOV_CAP, 4, (f->ari ? PCI_SRIOV_CAP_ARI : 0) | DEFECT(m, VF_MIGRATION_CAPABLE), 0);
	m_cfg_put(pf, pos + PCI_SRIOV_CTRL, 2, 0, ctrl);
	m_cfg_put(pf, pos + PCI_SRIOV_INITIAL_VFS, 2, f->total_vfs - DEFECT(m, INITIALVFS_MISMATCH), 0);
	m_cfg_put(pf, pos + PCI_SRIOV_TOTAL_VFS, 2, f->total_vfs, 0);
	m_cfg_put(pf, pos + PCI_SRIOV_NUM_VFS, 2, 0, 0xffff);
	m_cfg_put(pf, pos + PCI_SRIOV_FDL, 1, DEFECT(m, FDL_WRONG) ? 1 : M_PF_RID & 0xff, 0);
	m_cfg_put(pf, pos + PCI_SRIOV_VF_DEVICE_ID, 2, f->vf_did, 0);
	m_cfg_put(pf, pos + PCI_SRIOV_SUP_PGSIZE, 4, pages, 0);
	m_cfg_put(pf, pos + PCI_SRIOV_SYS_PGSIZE, 4, DEFECT(m, SYS_PGSIZE_DEFAULT_WRONG) ? 2 : 1, ~0u);
	show_bars(m);
	show_offset(m);
}

unsigned m_sriov_active(const struct nvsr_model *m)
{
	unsigned n;

	if (!m->conf.sriov || !(m_sriov_get(m, PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE))
		return 0;
	n = m_sriov_get(m, PCI_SRIOV_NUM_VFS, 2);
	return NVSR_MIN(n, m->conf.total_vfs);
}

/* --- VFs that appear and vanish ----------------------------------------------------------------------------------- */

static uint64_t appears_at(const struct m_ctrl *vf, unsigned active)
{
	const struct nvsr_model *m = vf->m;

	if (DEFECT(m, LAST_VF_MISSING) && vf->fn == active)
		return UINT64_MAX;
	return m->now + (DEFECT(m, VF_ENABLE_SLOW) ? 2 * PCI_MS_VF_ENABLE_MAX : m->conf.vf_enable_ms) * NVSR_MS;
}

/* A VF starts from nothing, whoever had it before: 9.3.3.3.1. */
static void appear(struct m_ctrl *vf, unsigned active)
{
	struct nvsr_model *m = vf->m;
	bool stale = DEFECT(m, VF_CONFIG_SURVIVES_VFE_TOGGLE) && vf->cfg;

	if (!stale && m_pci_build(vf) < 0)
		return;
	if (!stale)
		m_msix_reset(vf);
	vf->present = true;
	vf->ready_at = appears_at(vf, active);
}

static void vanish(struct m_ctrl *vf, enum m_clr kind)
{
	struct nvsr_model *m = vf->m;
	uint64_t asq = vf->asq, acq = vf->acq;

	if (DEFECT(m, QUEUED_COMMANDS_SURVIVE_VF_DISABLE))
		m_queue_keep(vf);
	if (DEFECT(m, VF_DISABLE_DROPS_WRITES))
		m_writes_drop(vf);
	m_queues_free_all(vf);
	m_cmd_clr(vf, kind);
	m_regs_reset(vf, kind);
	if (DEFECT(m, VF_REGS_SURVIVE_VFE_TOGGLE)) {
		vf->asq = asq;
		vf->acq = acq;
	}
	vf->present = false;
	if (DEFECT(m, VF_CONFIG_SURVIVES_VFE_TOGGLE))
		return;
	free(vf->cfg);
	free(vf->msix);
	vf->cfg = NULL;
	vf->msix = NULL;
	vf->msix_len = 0;
}

/* Defects: VFs that answer although they should not exist. */
static unsigned answering(const struct nvsr_model *m, unsigned active)
{
	unsigned n = active;

	if (active && DEFECT(m, NUMVFS_PLUS_ONE_ANSWERS))
		n++;
	if (!active && DEFECT(m, VF_ANSWERS_WITHOUT_VFE))
		n = 1;
	return NVSR_MIN(n, m->conf.total_vfs);
}

void m_vfs_update(struct nvsr_model *m, enum m_clr kind)
{
	unsigned active = m_sriov_active(m), exist = answering(m, active);

	for (unsigned n = 1; n < m->ctrl_count; n++) {
		struct m_ctrl *vf = &m->ctrl[n];

		if (n <= exist && !vf->present)
			appear(vf, active);
		else if (n > exist && vf->present && !DEFECT(m, VFS_LINGER))
			vanish(vf, kind);
	}
	m_virt_vf_presence(m);
	for (unsigned n = 1; n < m->ctrl_count; n++)
		if (m->ctrl[n].present)
			m_regs_update(&m->ctrl[n]);
	if (DEFECT(m, TOTALVFS_FOLLOWS_NUMVFS))
		m_sriov_put(m, PCI_SRIOV_TOTAL_VFS, 2, active ? active : m->conf.total_vfs);
	if (DEFECT(m, PF_MSIX_LOST_ON_VF_ENABLE) && active)
		m_cfg_set(m_pf(m), M_POS_MSIX + PCI_MSIX_CTRL, 2,
			  m_cfg_get(m_pf(m), M_POS_MSIX + PCI_MSIX_CTRL, 2) & ~(uint32_t)PCI_MSIX_CTRL_ENABLE);
	if (DEFECT(m, VF_DEVICE_ID_DRIFTS) && active)
		m_sriov_put(m, PCI_SRIOV_VF_DEVICE_ID, 2, m->conf.vf_did + 1u);
}

/* --- effects of writes -------------------------------------------------------------------------------------------- */

static void ctrl_effect(struct nvsr_model *m, uint32_t old, uint32_t now)
{
	/* ARI Capable Hierarchy changes only while no VF exists. */
	if (old & PCI_SRIOV_CTRL_VFE)
		now = (now & ~(uint32_t)PCI_SRIOV_CTRL_ARI) | (old & PCI_SRIOV_CTRL_ARI);
	m_sriov_set_ari(m, now & PCI_SRIOV_CTRL_ARI);
	if ((old ^ now) & PCI_SRIOV_CTRL_VFE)
		m_vfs_update(m, M_CLR_CONVENTIONAL);
	if (old & ~now & PCI_SRIOV_CTRL_VFE && DEFECT(m, NUMVFS_STUCK_AFTER_DISABLE))
		nvsr_le_write(m_pf(m)->cfg_wmask + m->conf.sriov_pos + PCI_SRIOV_NUM_VFS, 2, 0);
	for (unsigned q = 1; old & ~now & PCI_SRIOV_CTRL_VFE && q <= m_pf(m)->max_qid && DEFECT(m, VF_DISABLE_DELETES_PF_QUEUES); q++)
		m_pf(m)->sq[q] = (struct m_sq){ 0 };
	if (old & ~now & PCI_SRIOV_CTRL_MSE && DEFECT(m, VF_MSE_RESETS_CTRL))
		for (unsigned n = 1; n < m->ctrl_count; n++)
			m_regs_reset(&m->ctrl[n], M_CLR_FLR);
}

void m_sriov_effect(struct nvsr_model *m, unsigned rel, uint32_t old, uint32_t now)
{
	bool vfe = m_sriov_get(m, PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_VFE;
	uint32_t supported = m_sriov_get(m, PCI_SRIOV_SUP_PGSIZE, 4);

	switch (rel) {
	case PCI_SRIOV_CTRL:
		ctrl_effect(m, old, now);
		break;
	case PCI_SRIOV_NUM_VFS:
		if ((now & 0xffff) > m->conf.total_vfs && DEFECT(m, NUMVFS_OVERFLOW_KILLS_PF)) {
			m_pf(m)->fatal = true;
			m_regs_update(m_pf(m));
		}
		/* Undefined by the standard (9.3.3.7): this device keeps what it had. */
		if (vfe || (now & 0xffff) > m->conf.total_vfs)
			m_sriov_put(m, rel, 2, old & 0xffff);
		break;
	case PCI_SRIOV_SYS_PGSIZE:
		if (vfe || !now || now & (now - 1) || !(now & supported))
			m_sriov_put(m, rel, 4, old);
		show_bars(m);
		break;
	default:
		break;
	}
}
