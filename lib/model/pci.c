// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Configuration space of the PF and of VFs: header, PM, PCI Express, MSI-X, AER, DSN, ARI.  What reads back is kept as
 * bytes beside a mask of the bits that the host may change; effects of a write come afterwards.  PCIe 7.5, 9.3.4.
 */
#include "base/time.h"
#include "model/bus.h"
#include "model/lies.h"

#define PM_D3HOT	3u
#define EXP_SIZE	0x3c
#define AER_UNCOR_MASK	0x08
#define AER_UNCOR_SEV	0x0c
#define AER_COR_MASK	0x14

uint32_t m_cfg_get(const struct m_ctrl *c, unsigned off, unsigned len)
{
	return (uint32_t)nvsr_le_read(c->cfg + off, len);
}

void m_cfg_set(struct m_ctrl *c, unsigned off, unsigned len, uint32_t val)
{
	nvsr_le_write(c->cfg + off, len, val);
}

void m_cfg_put(struct m_ctrl *c, unsigned off, unsigned len, uint32_t val, uint32_t mask)
{
	nvsr_le_write(c->cfg + off, len, val);
	nvsr_le_write(c->cfg_wmask + off, len, mask);
}

/* --- routing ids -------------------------------------------------------------------------------------------------- */

uint16_t nvsr_model_pf_rid(const struct nvsr_model *m)
{
	return M_PF_RID;
}

uint16_t m_rid(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;

	if (m_is_pf(c))
		return M_PF_RID;
	return (uint16_t)(M_PF_RID + m_sriov_offset(m) + (c->fn - 1) * m->conf.vf_stride + DEFECT(m, VF_RID_SHIFTED));
}

struct m_ctrl *m_ctrl_by_rid(struct nvsr_model *m, uint16_t rid)
{
	unsigned first = (unsigned)M_PF_RID + m_sriov_offset(m) + DEFECT(m, VF_RID_SHIFTED), n;

	if (rid == M_PF_RID)
		return m_pf(m);
	if (!m->conf.total_vfs || rid < first || (rid - first) % m->conf.vf_stride)
		return NULL;
	n = (rid - first) / m->conf.vf_stride + 1;
	return n < m->ctrl_count ? &m->ctrl[n] : NULL;
}

void nvsr_model_set_domain(struct nvsr_model *m, uint16_t rid, unsigned domain)
{
	struct m_ctrl *c = m_ctrl_by_rid(m, rid);

	if (c)
		c->domain = domain;
}

/* --- what a function shows ---------------------------------------------------------------------------------------- */

/* BARs that a defective drive has beside BAR0; nothing is behind them. */
static void more_bars(struct m_ctrl *c)
{
	static const struct { enum m_defect defect; unsigned bar; uint32_t type, bytes; } table[] = {
		{ D_PF_BARS_TOO_LARGE, 2, PCI_BAR_TYPE_64, 2u << 20 }, { D_PF_IO_BAR, 2, PCI_BAR_IO, 256 },
		{ D_PF_BAR_OF_32_BITS, 2, 0, M_PAGE }, { D_PF_BAR4, 4, PCI_BAR_TYPE_64, 4 * M_PAGE },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(table); i++) {
		unsigned at = PCI_BAR0 + 4 * table[i].bar;

		if (!c->m->defect[table[i].defect])
			continue;
		m_cfg_put(c, at, 4, table[i].type, ~(table[i].bytes - 1));
		if (table[i].type == PCI_BAR_TYPE_64)
			m_cfg_put(c, at + 4, 4, 0, ~0u);
	}
}

static void build_header(struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;
	const struct m_conf *f = &m->conf;
	bool vf = !m_is_pf(c);
	uint32_t command = PCI_COMMAND_MASTER;

	m_cfg_put(c, PCI_STATUS, 2, PCI_STATUS_CAP_LIST, 0);
	m_cfg_put(c, PCI_CLASS, 3, vf && DEFECT(m, VF_CLASS_WRONG) ? 0x010800 : PCI_CLASS_NVME, 0);
	m_cfg_put(c, PCI_SUBSYS_VENDOR_ID, 2, vf && DEFECT(m, VF_SUBSYSTEM_VENDOR_DIFFERS) ? f->ssvid ^ 0xffu : f->ssvid, 0);
	m_cfg_put(c, PCI_SUBSYS_ID, 2, f->ssid, 0);
	m_cfg_put(c, PCI_CAP_POINTER, 1, M_POS_PM, 0);
	if (!vf) {
		m_cfg_put(c, PCI_VENDOR_ID, 2, f->vid, 0);
		m_cfg_put(c, PCI_DEVICE_ID, 2, f->did, 0);
		m_cfg_put(c, PCI_COMMAND, 2, 0, command | PCI_COMMAND_MEMORY | PCI_COMMAND_PARITY | PCI_COMMAND_SERR |
						 PCI_COMMAND_INTX_OFF);
		m_cfg_put(c, PCI_BAR0, 4, PCI_BAR_TYPE_64, ~(f->pf_bar0_bytes - 1));
		m_cfg_put(c, PCI_BAR0 + 4, 4, 0, ~0u);
		more_bars(c);
		m_cfg_put(c, PCI_INTERRUPT_LINE, 1, 0, 0xff);
		m_cfg_put(c, PCI_INTERRUPT_PIN, 1, 1, 0);
		return;
	}
	/* A VF has Bus Master Enable and nothing else of its own: ids FFFFh, no BARs, no INTx. */
	m_cfg_put(c, PCI_VENDOR_ID, 2, DEFECT(m, VF_VENDOR_ID_NOT_FFFF) ? f->vid : 0xffff, 0);
	m_cfg_put(c, PCI_DEVICE_ID, 2, DEFECT(m, VF_DEVICE_ID_NOT_FFFF) ? f->vf_did : 0xffff, 0);
	if (DEFECT(m, VF_MEMORY_SPACE_BIT))
		command |= PCI_COMMAND_MEMORY;
	if (DEFECT(m, VF_COMMAND_BITS))
		command |= PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_OFF;
	m_cfg_put(c, PCI_COMMAND, 2, DEFECT(m, VF_BME_DEFAULT_ON) ? PCI_COMMAND_MASTER : 0, command);
	m_cfg_put(c, PCI_HEADER_TYPE, 1, DEFECT(m, VF_HEADER_MULTIFUNCTION) ? 0x80 : 0, 0);
	m_cfg_put(c, PCI_BAR0, 4, 0, DEFECT(m, VF_BARS_WRITABLE) ? ~(f->vf_bar0_bytes - 1) : 0);
	m_cfg_put(c, PCI_ROM_ADDRESS, 4, 0, DEFECT(m, VF_ROM_BAR) ? 0xffff0001 : 0);
	m_cfg_put(c, PCI_INTERRUPT_LINE, 1, 0, DEFECT(m, VF_INTX_LINE_WRITABLE) ? 0xff : 0);
	m_cfg_put(c, PCI_INTERRUPT_PIN, 1, DEFECT(m, VF_INTX_PIN), 0);
}

static void build_capabilities(struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;
	bool vf = !m_is_pf(c), no_msix = vf && DEFECT(m, VF_NO_MSIX), no_exp = vf && DEFECT(m, VF_NO_EXPRESS_CAP);
	uint32_t devcap = 0x8001;	/* role-based error reporting, 256 byte payload */

	/* Power Management: D0 and D3hot, No_Soft_Reset. */
	m_cfg_put(c, M_POS_PM, 1, PCI_CAP_PM, 0);
	m_cfg_put(c, M_POS_PM + 1, 1, no_exp ? M_POS_MSIX : M_POS_EXP, 0);
	m_cfg_put(c, M_POS_PM + PCI_PM_CAP, 2, 3, 0);
	m_cfg_put(c, M_POS_PM + PCI_PM_CTRL, 2, DEFECT(m, NO_SOFT_RESET_CLEAR) ? 0 : PCI_PM_CTRL_NO_SOFT_RESET,
		  PCI_PM_CTRL_STATE);

	if (!(vf ? DEFECT(m, VF_NO_FLR_CAP) : DEFECT(m, PF_NO_FLR_CAP)))
		devcap |= PCI_EXP_DEVCAP_FLR;
	m_cfg_put(c, M_POS_EXP, 2, PCI_CAP_EXP | (no_msix ? 0 : M_POS_MSIX << 8), 0);
	m_cfg_put(c, M_POS_EXP + PCI_EXP_CAP, 2, 0x0002, 0);	/* version 2, endpoint */
	m_cfg_put(c, M_POS_EXP + PCI_EXP_DEVCAP, 4, devcap, 0);
	/* Settings of the link belong to the PF; a VF's are reserved (9.3.5.4).  The FLR bit is write-only. */
	m_cfg_put(c, M_POS_EXP + PCI_EXP_DEVCTL, 2, vf ? 0 : 0x2810, vf ? 0 : 0x78ff);
	m_cfg_put(c, M_POS_EXP + 0x0c, 4, 0x00000044, 0);	/* 16 GT/s, x4 */
	m_cfg_put(c, M_POS_EXP + 0x10, 2, 0, vf ? 0 : 0x01c3);
	m_cfg_put(c, M_POS_EXP + 0x12, 2, vf ? 0 : 0x0044, 0);
	m_cfg_put(c, M_POS_EXP + 0x24, 4, 0x00000010, 0);	/* completion timeout can be disabled */

	if (no_msix)
		return;
	m_cfg_put(c, M_POS_MSIX, 2, PCI_CAP_MSIX, 0);
	m_cfg_put(c, M_POS_MSIX + PCI_MSIX_CTRL, 2, 0, PCI_MSIX_CTRL_MASK | PCI_MSIX_CTRL_ENABLE);
	m_cfg_put(c, M_POS_MSIX + PCI_MSIX_TABLE, 4,
		  m_msix_table_at(c) | (!vf && DEFECT(m, MSIX_TABLE_IN_BAR2) ? 2 : 0), 0);
	m_cfg_put(c, M_POS_MSIX + PCI_MSIX_PBA, 4,
		  vf && DEFECT(m, VF_MSIX_OUTSIDE_BAR) ? m->conf.vf_bar0_bytes : m_msix_pba_at(c), 0);
}

/* --- extended capabilities: first fit from 100h, around the SR-IOV capability whose place the profile gives ------- */

struct ext { uint16_t id; uint8_t version; unsigned size, pos; };
#define EXT_MAX 5

static void ext_place(struct ext *list, unsigned n, unsigned from, unsigned hole, unsigned hole_size)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned pos = from;

		for (bool moved = true; moved;) {
			moved = false;
			if (pos < hole + hole_size && pos + list[i].size > hole) {
				pos = hole + hole_size;
				moved = true;
			}
			for (unsigned k = 0; k < i; k++)
				if (pos < list[k].pos + list[k].size && pos + list[i].size > list[k].pos) {
					pos = list[k].pos + list[k].size;
					moved = true;
				}
		}
		list[i].pos = pos;
	}
}

static int ext_order(const void *a, const void *b)
{
	return (int)((const struct ext *)a)->pos - (int)((const struct ext *)b)->pos;
}

/* The extended capabilities of @c in the order of their offsets; *ret has room for EXT_MAX. */
static unsigned ext_list(const struct m_ctrl *c, struct ext *ret)
{
	const struct nvsr_model *m = c->m;
	bool vf = !m_is_pf(c), sriov = m->conf.sriov && (vf ? DEFECT(m, VF_SHOWS_SRIOV_CAP) : !DEFECT(m, SRIOV_MISSING));
	unsigned n = 0;

	ret[n++] = (struct ext){ PCI_EXT_CAP_AER, 2, 0x48, 0 };
	ret[n++] = (struct ext){ PCI_EXT_CAP_ARI, 1, 0x08, 0 };
	if (m->conf.ocp && !DEFECT(m, ATS_MISSING))
		ret[n++] = (struct ext){ PCI_EXT_CAP_ATS, 1, 0x08, 0 };
	/* one serial number per device, on the PF */
	if (vf ? DEFECT(m, VF_SHOWS_DSN) : !DEFECT(m, DSN_MISSING))
		ret[n++] = (struct ext){ PCI_EXT_CAP_DSN, 1, 0x0c, 0 };
	ext_place(ret, n, PCI_EXT_CAP_START, sriov ? m->conf.sriov_pos : 0, sriov ? PCI_SRIOV_SIZEOF : 0);
	if (sriov)
		ret[n++] = (struct ext){ PCI_EXT_CAP_SRIOV, DEFECT(m, SRIOV_CAP_VERSION) ? 2 : 1, PCI_SRIOV_SIZEOF,
					 m->conf.sriov_pos };
	qsort(ret, n, sizeof(*ret), ext_order);
	return n;
}

static void build_aer(struct m_ctrl *c, unsigned pos)
{
	bool pf = m_is_pf(c);

	m_cfg_put(c, pos + AER_UNCOR_MASK, 4, 0, pf ? 0x07fff030 : 0);
	m_cfg_put(c, pos + AER_UNCOR_SEV, 4, pf ? 0x00462030 : 0, pf ? 0x07fff030 : 0);
	m_cfg_put(c, pos + AER_COR_MASK, 4, pf ? 0x00002000 : 0, pf ? 0x0000f1c1 : 0);
}

/* PCIe 10.5.1: Page Aligned Request; Enable, and on the PF STU, are the host's.  Nothing is ever translated ahead. */
static void build_ats(struct m_ctrl *c, unsigned pos)
{
	m_cfg_put(c, pos + 4, 2, 0x20, 0);
	m_cfg_put(c, pos + 6, 2, 0, m_is_pf(c) ? 0x801f : 0x8000);
}

static void build_ext(struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;
	struct ext list[EXT_MAX];
	unsigned n = ext_list(c, list);
	uint64_t serial = 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned next = i + 1 < n ? list[i + 1].pos : 0, pos = list[i].pos;

		m_cfg_put(c, pos, 4, list[i].id | (uint32_t)list[i].version << 16 | next << 20, 0);
		if (list[i].id == PCI_EXT_CAP_AER)
			build_aer(c, pos);
		if (list[i].id == PCI_EXT_CAP_ATS)
			build_ats(c, pos);
		if (list[i].id == PCI_EXT_CAP_SRIOV && m_is_pf(c))
			m_sriov_build(c);
		if (list[i].id == PCI_EXT_CAP_SRIOV && !m_is_pf(c))
			m_cfg_put(c, pos + PCI_SRIOV_INITIAL_VFS, 4, m->conf.total_vfs * 0x10001u, 0);
		if (list[i].id != PCI_EXT_CAP_DSN)
			continue;
		for (const char *s = m->conf.sn; *s; s++)
			serial = serial * 31 + (uint8_t)*s;
		if (DEFECT(m, DSN_CHANGES))
			serial += m->now;
		m_cfg_put(c, pos + 4, 4, (uint32_t)serial, 0);
		m_cfg_put(c, pos + 8, 4, (uint32_t)(serial >> 32), 0);
	}
}

static int wmask_get(struct m_ctrl *c)
{
	uint8_t **p = m_is_pf(c) ? &c->cfg_wmask : &c->m->vf_wmask;

	if (!*p)
		*p = calloc(1, PCI_CFG_SIZE);
	c->cfg_wmask = *p;
	return *p ? 0 : -ENOMEM;
}

int m_pci_build(struct m_ctrl *c)
{
	if (!c->cfg)
		c->cfg = calloc(1, PCI_CFG_SIZE);
	if (!c->cfg || wmask_get(c) < 0)
		return -ENOMEM;
	memset(c->cfg, 0, PCI_CFG_SIZE);
	memset(c->cfg_wmask, 0, PCI_CFG_SIZE);
	build_header(c);
	build_capabilities(c);
	build_ext(c);
	m_msix_resize(c, m_virt_vectors(c));
	return 0;
}

/* --- resets ------------------------------------------------------------------------------------------------------- */

/* Sticky bits keep their values until power is lost: the masks and the severity of AER. */
static void sticky_keep(struct m_ctrl *c, const uint8_t *old)
{
	static const unsigned regs[] = { AER_UNCOR_MASK, AER_UNCOR_SEV, AER_COR_MASK };
	struct ext list[EXT_MAX];
	unsigned n = ext_list(c, list);

	for (unsigned i = 0; i < n; i++)
		for (unsigned k = 0; list[i].id == PCI_EXT_CAP_AER && k < NVSR_ARRAY_SIZE(regs); k++)
			memcpy(c->cfg + list[i].pos + regs[k], old + list[i].pos + regs[k], 4);
}

static void keep(struct m_ctrl *c, const uint8_t *old, unsigned off, unsigned len, bool yes)
{
	if (yes)
		memcpy(c->cfg + off, old + off, len);
}

static uint64_t reset_time(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;

	return m->now + (DEFECT(m, FLR_SLOW) ? 5 * PCI_MS_FLR : m->conf.flr_ms) * NVSR_MS;
}

/* Registers that a defective drive forgets to reset. */
static void forgotten(struct m_ctrl *c, const uint8_t *old, enum m_clr kind)
{
	const struct nvsr_model *m = c->m;
	unsigned sriov = m->conf.sriov_pos;
	bool pf = m_is_pf(c), flr = kind == M_CLR_FLR;

	keep(c, old, PCI_COMMAND, 2, pf ? DEFECT(m, PF_FLR_KEEPS_COMMAND) && flr : DEFECT(m, VF_FLR_KEEPS_COMMAND));
	keep(c, old, M_POS_MSIX + PCI_MSIX_CTRL, 2, !pf && DEFECT(m, VF_FLR_KEEPS_MSIX));
	if (!pf || !m->conf.sriov)
		return;
	keep(c, old, sriov + PCI_SRIOV_CTRL, 2, (flr && DEFECT(m, VFE_SURVIVES_FLR)) ||
						(kind >= M_CLR_CONVENTIONAL && DEFECT(m, HOT_RESET_KEEPS_VFE)) ||
						(kind == M_CLR_NSSR && DEFECT(m, NSSR_KEEPS_VFS)));
	keep(c, old, sriov + PCI_SRIOV_NUM_VFS, 2, (flr && DEFECT(m, VFE_SURVIVES_FLR)) ||
						   (kind >= M_CLR_CONVENTIONAL && DEFECT(m, HOT_RESET_KEEPS_VFE)) ||
						   (kind == M_CLR_NSSR && DEFECT(m, NSSR_KEEPS_VFS)));
	keep(c, old, sriov + PCI_SRIOV_SYS_PGSIZE, 4, DEFECT(m, SYS_PGSIZE_SURVIVES_RESET));
}

void m_pci_reset(struct m_ctrl *c, enum m_clr kind)
{
	struct nvsr_model *m = c->m;
	uint8_t old[PCI_CFG_SIZE];
	bool bit_sticks = kind == M_CLR_FLR && DEFECT(m, FLR_BIT_STICKS);

	if (!c->cfg)
		return;
	memcpy(old, c->cfg, sizeof(old));
	m_pci_build(c);	/* cannot fail: the memory is there */
	if (m_is_pf(c) || !DEFECT(m, VF_FLR_KEEPS_MSIX))
		m_msix_reset(c);
	if (kind < M_CLR_POWER)
		sticky_keep(c, old);
	/* PCIe 9.3.3.3.5: ARI Capable Hierarchy is not affected by FLR. */
	if (m_is_pf(c) && m->conf.sriov && (kind == M_CLR_FLR) != DEFECT(m, ARI_RESET_WRONG))
		m_sriov_set_ari(m, nvsr_le_read(old + m->conf.sriov_pos + PCI_SRIOV_CTRL, 2) & PCI_SRIOV_CTRL_ARI);
	forgotten(c, old, kind);
	if (bit_sticks)
		m_cfg_set(c, M_POS_EXP + PCI_EXP_DEVCTL, 2, m_cfg_get(c, M_POS_EXP + PCI_EXP_DEVCTL, 2) | PCI_EXP_DEVCTL_FLR);
	c->ready_at = reset_time(c);
}

/* --- configuration requests --------------------------------------------------------------------------------------- */

bool m_awake(const struct m_ctrl *c)
{
	return c->present && c->cfg && c->m->now >= c->ready_at &&
	       (m_cfg_get(c, M_POS_PM + PCI_PM_CTRL, 2) & PCI_PM_CTRL_STATE) != PM_D3HOT;
}

bool m_mastering(const struct m_ctrl *c)
{
	const struct nvsr_model *m = c->m;

	if (!m_awake(c) || (DEFECT(m, VF_D3_STOPS_SIBLINGS) && m->ctrl_count > 1 && m->ctrl[1].present && !m_awake(&m->ctrl[1])))
		return false;
	if (m_cfg_get(c, PCI_COMMAND, 2) & PCI_COMMAND_MASTER || (DEFECT(m, BME_IGNORED) && !m_is_pf(c)))
		return true;
	for (unsigned n = 1; DEFECT(m, VF_BME_SHARED) && !m_is_pf(c) && n < m->ctrl_count; n++)
		if (m->ctrl[n].present && m->ctrl[n].cfg && m_cfg_get(&m->ctrl[n], PCI_COMMAND, 2) & PCI_COMMAND_MASTER)
			return true;
	return false;
}

/* The function that answers configuration requests to @rid, or NULL: Unsupported Request. */
static struct m_ctrl *answering(struct nvsr_model *m, uint16_t rid)
{
	struct m_ctrl *c = m_ctrl_by_rid(m, rid);

	if (!c || !c->present || !c->cfg || m->now < c->ready_at)
		return NULL;
	if (DEFECT(m, VF_ANSWERS_AS_PF))
		return m_pf(m);
	return c;
}

static bool request_valid(unsigned off, unsigned len)
{
	return (len == 1 || len == 2 || len == 4) && off % len == 0 && off + len <= PCI_CFG_SIZE;
}

uint32_t nvsr_model_cfg_read(struct nvsr_model *m, uint16_t rid, unsigned off, unsigned len)
{
	const struct m_ctrl *c = answering(m, rid);

	if (!c || !request_valid(off, len))
		return len < 4 ? (1u << len * 8) - 1 : ~0u;
	if (DEFECT(m, VFE_READS_ZERO) && m_is_pf(c) && off == m->conf.sriov_pos + PCI_SRIOV_CTRL)
		return m_cfg_get(c, off, len) & ~(uint32_t)PCI_SRIOV_CTRL_VFE;
	return m_lie_cfg(c, off, len, m_cfg_get(c, off, len));
}

static void pci_effect(struct m_ctrl *c, unsigned off, uint32_t old, uint32_t now, uint32_t raw)
{
	struct nvsr_model *m = c->m;

	switch (off) {
	case M_POS_PM + PCI_PM_CTRL:
		/* D1 and D2 are not supported: the state stays. */
		if ((now & PCI_PM_CTRL_STATE) == 1 || (now & PCI_PM_CTRL_STATE) == 2)
			m_cfg_set(c, off, 4, old);
		break;
	case M_POS_EXP + PCI_EXP_DEVCTL:
		if (raw & PCI_EXP_DEVCTL_FLR)
			m_clr(c, M_CLR_FLR);
		return;
	default:
		if (m_is_pf(c) && m->conf.sriov && off - m->conf.sriov_pos < PCI_SRIOV_SIZEOF)
			m_sriov_effect(m, off - m->conf.sriov_pos, old, now);
		if (off != PCI_COMMAND && off != M_POS_MSIX)
			return;
	}
	/* Bus mastering, a mask or a power state changed: what waited for it goes out. */
	m_msix_flush(c);
	if (m_mastering(c))
		m_queue_flush(c);
}

void nvsr_model_cfg_write(struct nvsr_model *m, uint16_t rid, unsigned off, unsigned len, uint32_t val)
{
	struct m_ctrl *c = answering(m, rid);
	unsigned at = off & ~3u, shift = (off & 3) * 8;
	uint32_t lanes, mask, old, now;

	if (!c || !request_valid(off, len))
		return;
	lanes = (len == 4 ? ~0u : (1u << len * 8) - 1) << shift;
	mask = (uint32_t)nvsr_le_read(c->cfg_wmask + at, 4) & lanes;
	old = m_cfg_get(c, at, 4);
	now = (old & ~mask) | (val << shift & mask);
	m_cfg_set(c, at, 4, now);
	pci_effect(c, at, old, now, val << shift & lanes);
}
