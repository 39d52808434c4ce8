// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Controller Level Resets and what each of them clears.  Base 3.7.2, PCIe Transport 1.2 3.3.1, PCIe 9.2.2.
 *
 *                        Controller Reset   FLR      conventional, NSSR, power
 * queues, CC, CSTS       x                  x        x
 * AQA, ASQ, ACQ                             x        x
 * configuration space                       x        x, and ARI Capable Hierarchy
 * VFs, of the PF                            gone     gone
 * secondaries, of the PF offline            offline  offline
 */
#include "base/time.h"
#include "model/bus.h"
#include "model/cmd.h"
#include "model/state.h"

/* The controller itself and, where @kind covers it, its function. */
static void reset_function(struct m_ctrl *c, enum m_clr kind)
{
	m_queues_free_all(c);
	m_cmd_clr(c, kind);
	m_regs_reset(c, kind);
	if (kind != M_CLR_CC)
		m_pci_reset(c, kind);
}

/* What a defective drive does to @c when another VF is reset. */
static void spill(struct m_ctrl *c, enum m_clr kind)
{
	struct nvsr_model *m = c->m;

	for (unsigned q = 1; DEFECT(m, RESET_DELETES_SIBLING_QUEUES) && c->sq && q <= c->max_qid; q++) {
		c->sq[q] = (struct m_sq){ 0 };
		c->cq[q] = (struct m_cq){ 0 };
	}
	/* once round: everything that is still in the ring looks new */
	for (unsigned q = 1; DEFECT(m, RESET_REWINDS_SIBLING_QUEUES) && c->sq && q <= c->max_qid; q++)
		if (c->sq[q].valid)
			c->sq[q].head = (c->sq[q].tail + 1) % c->sq[q].size;
	if (DEFECT(m, RESET_CLEARS_SIBLING_PENDING))
		m_msix_forget(c);
	if (DEFECT(m, RESET_DROPS_SIBLING_AERS))
		m_aer_reset(c);
	if (kind == M_CLR_FLR && DEFECT(m, FLR_MASKS_SIBLINGS))
		m_cfg_set(c, M_POS_MSIX + PCI_MSIX_CTRL, 2,
			  m_cfg_get(c, M_POS_MSIX + PCI_MSIX_CTRL, 2) & ~(uint32_t)PCI_MSIX_CTRL_ENABLE);
}

/*
 * Defects of a reset that is meant for one VF.  They spare the reset between Assign and Online, which every user of the
 * drive sends: a drive that fails there would be found at once, and no VF could be brought up to look for more.
 */
static void beyond_one_vf(struct m_ctrl *vf, enum m_clr kind)
{
	struct nvsr_model *m = vf->m;
	bool preparing = m_offline(vf) && vf->nvq;
	bool siblings = kind == M_CLR_FLR ? DEFECT(m, FLR_CLEARS_SIBLING) : DEFECT(m, VF_CTRL_RESET_CLEARS_SIBLING);

	for (unsigned n = 1; siblings && n < m->ctrl_count; n++)
		if (m->ctrl[n].present && n != vf->fn)
			reset_function(&m->ctrl[n], kind);
	for (unsigned n = 1; m->defective && !m_offline(vf) && n < m->ctrl_count; n++)
		if (m->ctrl[n].present && n != vf->fn)
			spill(&m->ctrl[n], kind);
	if (!preparing && !m_offline(vf) && vf->fn > 1 && DEFECT(m, RESET_HITS_LOWER_VF))
		reset_function(&m->ctrl[vf->fn - 1], kind);
	if (kind != M_CLR_FLR || preparing)
		return;
	if (DEFECT(m, VF_FLR_HANGS))
		vf->ready_at = UINT64_MAX;
	if (DEFECT(m, VF_FLR_STALLS_PF))
		m->wrong.pf_stalled_until = m->now + NVSR_S;
	if (DEFECT(m, VF_FLR_CLEARS_VF_MSE))
		m_sriov_put(m, PCI_SRIOV_CTRL, 2, m_sriov_get(m, PCI_SRIOV_CTRL, 2) & ~(uint32_t)PCI_SRIOV_CTRL_MSE);
	if (DEFECT(m, VF_FLR_CLEARS_VF_BAR))
		m_sriov_put(m, PCI_SRIOV_VF_BAR0, 4, PCI_BAR_TYPE_64);
	if (DEFECT(m, VF_FLR_CLEARS_NUMVFS))
		m_sriov_put(m, PCI_SRIOV_NUM_VFS, 2, 0);
}

/* A VF other than @vf is not done with its FLR. */
static bool sibling_in_flr(const struct m_ctrl *vf)
{
	const struct nvsr_model *m = vf->m;

	for (unsigned n = 1; n < m->ctrl_count; n++)
		if (n != vf->fn && m->ctrl[n].present && m->ctrl[n].ready_at > m->now)
			return true;
	return false;
}

void m_writes_drop(struct m_ctrl *c)
{
	struct nvsr_model *m = c->m;

	for (uint32_t i = 1; i <= m->conf.nn; i++)
		if (m->ns[i] && m->ns[i]->attached[c->fn])
			m_media_zero(m->ns[i]->media, 0, NVSR_MIN(m_media_size(m->ns[i]->media), (uint64_t)64 * M_PAGE));
}

/* What a defective drive does to a VF in use that is reset. */
static void before_vf_reset(struct m_ctrl *vf, enum m_clr kind)
{
	struct nvsr_model *m = vf->m;

	if (m_offline(vf))
		return;
	if (kind == M_CLR_FLR ? DEFECT(m, QUEUED_COMMANDS_SURVIVE_FLR) : DEFECT(m, QUEUED_COMMANDS_SURVIVE_CTRL_RESET))
		m_queue_keep(vf);
	if (DEFECT(m, VF_RESET_DROPS_WRITES))
		m_writes_drop(vf);
	if (vf->cq && vf->max_qid && vf->cq[1].valid)
		vf->lost_queues++;
}

static void reset_vf(struct m_ctrl *vf, enum m_clr kind)
{
	struct nvsr_model *m = vf->m;

	if (kind == M_CLR_FLR && (DEFECT(m, VF_FLR_IGNORED) || (DEFECT(m, ONE_FLR_AT_A_TIME) && sibling_in_flr(vf))))
		return;
	before_vf_reset(vf, kind);
	reset_function(vf, kind);
	beyond_one_vf(vf, kind);
	if (vf->online && kind == M_CLR_CC && DEFECT(m, VF_RESET_GOES_OFFLINE))
		m_virt_offline(vf);
	if (vf->online && kind == M_CLR_FLR && DEFECT(m, VF_FLR_STRIPS_RESOURCES))
		vf->nvq = vf->nvi = 0;
}

/* A reset of the primary puts its secondaries Offline; all but the Controller Reset also take its VFs away. */
static void reset_pf(struct m_ctrl *pf, enum m_clr kind)
{
	struct nvsr_model *m = pf->m;

	m->wrong.primary_reset = kind + 1;
	for (uint32_t i = 1; DEFECT(m, PRIMARY_RESET_DROPS_WRITES) && i <= m->conf.nn; i++)
		if (m->ns[i] && m->ns[i]->attached_count > m->ns[i]->attached[0])
			m_media_zero(m->ns[i]->media, 0, 4096);
	if ((kind == M_CLR_NSSR && DEFECT(m, NSSR_DROPS_WRITES)) || (kind == M_CLR_POWER && DEFECT(m, POWER_CYCLE_DROPS_WRITES)))
		m_writes_drop(pf);
	for (uint32_t i = 1; kind == M_CLR_POWER && DEFECT(m, POWER_CYCLE_RENEWS_NGUID) && i <= m->conf.nn; i++)
		if (m->ns[i])
			m->ns[i]->id.nguid[15]++;
	reset_function(pf, kind);
	if (kind != M_CLR_CC && !(kind == M_CLR_FLR && DEFECT(m, VFS_OUTLIVE_PF_FLR)))
		m_vfs_update(m, kind);
	for (unsigned n = 1; kind > M_CLR_FLR && n < m->ctrl_count; n++)
		if (!m->ctrl[n].present)
			m_cmd_clr(&m->ctrl[n], kind);
	for (unsigned n = 1; n < m->ctrl_count && DEFECT(m, QUEUED_COMMANDS_SURVIVE_PRIMARY_RESET); n++)
		m_queue_keep(&m->ctrl[n]);
	m_virt_primary_clr(m, kind);
	m->wrong.primary_reset = 0;
	if (kind != M_CLR_CC)
		m_msix_resize(pf, m_virt_vectors(pf));
	if (kind == M_CLR_NSSR)
		pf->csts |= DEFECT(m, NSSRO_NOT_SET) ? 0 : NVME_CSTS_NSSRO;
	if (kind == M_CLR_CC && DEFECT(m, CTRL_RESET_CLEARS_SRIOV)) {
		m_sriov_put(m, PCI_SRIOV_CTRL, 2, 0);
		m_vfs_update(m, kind);
	}
	if (kind == M_CLR_CC && DEFECT(m, CTRL_RESET_CLEARS_BME))
		m_cfg_set(pf, PCI_COMMAND, 2, m_cfg_get(pf, PCI_COMMAND, 2) & ~(uint32_t)PCI_COMMAND_MASTER);
}

void m_clr(struct m_ctrl *c, enum m_clr kind)
{
	if (m_is_pf(c))
		reset_pf(c, kind);
	else
		reset_vf(c, kind);
}

void nvsr_model_hot_reset(struct nvsr_model *m)
{
	m_clr(m_pf(m), M_CLR_CONVENTIONAL);
}

void nvsr_model_power_cycle(struct nvsr_model *m)
{
	m_state_save(m);
	m->power_cycles++;
	m_clr(m_pf(m), M_CLR_POWER);
}
