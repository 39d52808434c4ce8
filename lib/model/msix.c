// SPDX-License-Identifier: GPL-2.0-or-later
/* MSI-X: table and pending bits in BAR0, masks, messages.  PCIe Base 6.1.4, 7.7.2. */
#include "model/bus.h"

#define ENTRIES_MAX 2048u	/* MXC.TS has 11 bits */

enum { ENTRY_DATA = 8, ENTRY_CTRL = 12 };

static unsigned table_bytes(unsigned entries)
{
	return entries * PCI_MSIX_ENTRY_SIZE;
}

static unsigned pba_bytes(unsigned entries)
{
	return NVSR_DIV_ROUND_UP(entries, 64) * 8;
}

unsigned m_msix_table_at(const struct m_ctrl *c)
{
	return m_is_pf(c) ? c->m->conf.pf_msix_table : c->m->conf.vf_msix_table;
}

unsigned m_msix_pba_at(const struct m_ctrl *c)
{
	return m_is_pf(c) ? c->m->conf.pf_msix_pba : c->m->conf.vf_msix_pba;
}

/* The controller whose table answers for @c. */
static struct m_ctrl *owner(struct m_ctrl *c)
{
	if (DEFECT(c->m, VF_MSIX_SHARED_TABLE) && c->fn > 1 && c->m->ctrl[1].msix)
		return &c->m->ctrl[1];
	return c;
}

static uint8_t *pba(const struct m_ctrl *c)
{
	return c->msix + table_bytes(c->msix_len);
}

static void pending_set(struct m_ctrl *c, unsigned vector, bool on)
{
	uint8_t bit = (uint8_t)(1u << vector % 8);

	if (on)
		pba(c)[vector / 8] |= bit;
	else
		pba(c)[vector / 8] &= (uint8_t)~bit;
}

static void entry_reset(uint8_t *entry)
{
	memset(entry, 0, PCI_MSIX_ENTRY_SIZE);
	entry[ENTRY_CTRL] = 1;	/* masked */
}

/* MXC.TS, 0's based; reserved when there is no vector. */
static void set_table_size(struct m_ctrl *c, unsigned entries)
{
	uint32_t ctrl = m_cfg_get(c, M_POS_MSIX + PCI_MSIX_CTRL, 2) & ~(uint32_t)PCI_MSIX_CTRL_TS;

	if (entries)
		ctrl |= DEFECT(c->m, MSIX_TS_WRONG) ? entries : entries - 1;
	m_cfg_set(c, M_POS_MSIX + PCI_MSIX_CTRL, 2, ctrl);
}

void m_msix_resize(struct m_ctrl *c, unsigned entries)
{
	unsigned keep;
	uint8_t *p;

	if (!c->cfg)
		return;	/* no function yet: the size is taken when there is one */
	entries = NVSR_MIN(entries, ENTRIES_MAX);
	keep = NVSR_MIN(c->msix_len, entries);
	set_table_size(c, entries);
	if (entries == c->msix_len)
		return;
	p = calloc(1, table_bytes(entries) + pba_bytes(entries) + 1);
	if (!p)
		return;
	for (unsigned i = keep; i < entries; i++) {
		entry_reset(p + table_bytes(i));
		if (DEFECT(c->m, MSIX_ENTRIES_NOT_RESET))
			memset(p + table_bytes(i), 0xa5, ENTRY_CTRL);
	}
	if (keep)
		memcpy(p, c->msix, table_bytes(keep));
	free(c->msix);
	c->msix = p;
	c->msix_len = entries;
}

void m_msix_reset(struct m_ctrl *c)
{
	if (!c->msix)
		return;
	for (unsigned i = 0; i < c->msix_len; i++)
		entry_reset(c->msix + table_bytes(i));
	memset(pba(c), 0, pba_bytes(c->msix_len));
}

void m_msix_forget(struct m_ctrl *c)
{
	if (c->msix)
		memset(pba(c), 0, pba_bytes(c->msix_len));
}

/* --- messages ----------------------------------------------------------------------------------------------------- */

static uint32_t msix_ctrl(struct m_ctrl *c)
{
	struct nvsr_model *m = c->m;
	uint32_t ctrl = m_cfg_get(c, M_POS_MSIX + PCI_MSIX_CTRL, 2);

	/* Function mask and enable of VF 1 act on every VF. */
	if (DEFECT(m, VF_MSIX_SHARED_MASK) && c->fn > 1 && m->ctrl[1].cfg)
		ctrl |= m_cfg_get(&m->ctrl[1], M_POS_MSIX + PCI_MSIX_CTRL, 2) & PCI_MSIX_CTRL_MASK;
	return ctrl;
}

static bool masked(struct m_ctrl *c, unsigned vector)
{
	const uint8_t *entry = owner(c)->msix + table_bytes(vector);

	if (msix_ctrl(c) & PCI_MSIX_CTRL_MASK && !DEFECT(c->m, FUNCTION_MASK_IGNORED))
		return true;
	return (entry[ENTRY_CTRL] & 1) && !DEFECT(c->m, MASKED_VECTOR_FIRES);
}

static bool may_send(struct m_ctrl *c)
{
	return m_mastering(c) || (DEFECT(c->m, MSI_WITHOUT_BME) && m_awake(c));
}

static void send(struct m_ctrl *c, unsigned vector)
{
	struct nvsr_model *m = c->m;
	const uint8_t *entry = owner(c)->msix + table_bytes(vector);
	uint64_t addr = nvsr_le_read(entry, 8);
	uint32_t data = (uint32_t)nvsr_le_read(entry + ENTRY_DATA, 4);

	if (DEFECT(m, PF_IRQ_LOST_WHEN_VFS_ENABLED) && m_is_pf(c) && m_sriov_active(m))
		return;
	if (m->msi)
		m->msi(m->msi_arg, m_rid(DEFECT(m, VF_MSI_AS_PF) ? m_pf(m) : c), addr, data);
}

void m_irq(struct m_ctrl *c, unsigned vector)
{
	if (!c->msix || vector >= NVSR_MIN(c->msix_len, owner(c)->msix_len) || !(msix_ctrl(c) & PCI_MSIX_CTRL_ENABLE))
		return;
	if (!masked(c, vector) && may_send(c))
		send(c, vector);
	else if (!DEFECT(c->m, PBA_NEVER_SET))
		pending_set(c, vector, true);
}

void m_msix_flush(struct m_ctrl *c)
{
	if (!c->msix || !(msix_ctrl(c) & PCI_MSIX_CTRL_ENABLE) || !may_send(c))
		return;
	for (unsigned v = 0; v < NVSR_MIN(c->msix_len, owner(c)->msix_len); v++)
		if (pba(c)[v / 8] >> v % 8 & 1 && !masked(c, v)) {
			pending_set(c, v, false);
			if (!DEFECT(c->m, PENDING_LOST_ON_UNMASK))
				send(c, v);
		}
}

/* --- the structures in BAR0 --------------------------------------------------------------------------------------- */

static bool inside(uint64_t off, unsigned len, unsigned at, unsigned bytes)
{
	return off >= at && off + len <= (uint64_t)at + bytes;
}

bool m_msix_read(struct m_ctrl *c, uint64_t off, unsigned len, uint64_t *ret)
{
	struct m_ctrl *o = owner(c);

	if (inside(off, len, m_msix_table_at(c), table_bytes(o->msix_len)))
		*ret = nvsr_le_read(o->msix + (off - m_msix_table_at(c)), len);
	else if (inside(off, len, m_msix_pba_at(c), pba_bytes(c->msix_len)))
		*ret = nvsr_le_read(pba(c) + (off - m_msix_pba_at(c)), len);
	else
		return false;
	return true;
}

/* Aligned dwords and quadwords only, as 6.1.4.2 asks of software; the PBA is read only. */
bool m_msix_write(struct m_ctrl *c, uint64_t off, unsigned len, uint64_t val)
{
	struct m_ctrl *o = owner(c);

	if (inside(off, len, m_msix_pba_at(c), pba_bytes(c->msix_len)))
		return true;
	if (!inside(off, len, m_msix_table_at(c), table_bytes(o->msix_len)))
		return false;
	if (len < 4 || off % len)
		return true;
	for (unsigned i = 0; i < len; i += 4, val >>= 32) {
		unsigned at = (unsigned)(off - m_msix_table_at(c)) + i, field = at % PCI_MSIX_ENTRY_SIZE;
		uint32_t mask = field == 0 ? ~3u : field == ENTRY_CTRL ? 1u : ~0u;

		nvsr_le_write(o->msix + at, 4, (uint32_t)val & mask);
	}
	m_msix_flush(c);
	return true;
}
