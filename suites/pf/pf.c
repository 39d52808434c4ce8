// SPDX-License-Identifier: GPL-2.0-or-later
/* Helpers of the pf groups: configuration space by routing id, saved registers, raw SR-IOV control. */
#include "pf.h"

uint32_t pf_rid_read(struct nvsr_ctx *t, uint16_t rid, unsigned off, unsigned len)
{
	uint32_t ones = len == 4 ? PF_NOBODY : (1u << len * 8) - 1, v = ones;

	return nvsr_cfg_read_rid(t->pf, rid, off, len, &v) ? ones : v;
}

bool pf_rid_answers(struct nvsr_ctx *t, uint16_t rid)
{
	return pf_rid_read(t, rid, PCI_REVISION_ID, 4) != PF_NOBODY;
}

unsigned pf_rid_cap(struct nvsr_ctx *t, uint16_t rid, uint8_t id)
{
	unsigned pos, steps;

	if (!pf_rid_answers(t, rid) || !(pf_rid_read(t, rid, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	pos = pf_rid_read(t, rid, PCI_CAP_POINTER, 1) & 0xfc;
	for (steps = 0; pos >= 0x40 && steps < 48; steps++) {
		uint32_t head = pf_rid_read(t, rid, pos, 2);

		if ((head & 0xff) == id)
			return pos;
		pos = head >> 8 & 0xfc;
	}
	return 0;
}

unsigned pf_rid_ext_cap(struct nvsr_ctx *t, uint16_t rid, uint16_t id)
{
	unsigned pos = PCI_EXT_CAP_START, steps;

	for (steps = 0; pos >= PCI_EXT_CAP_START && steps < 480; steps++) {
		uint32_t head = pf_rid_read(t, rid, pos, 4);

		if (!head || head == PF_NOBODY)
			return 0;
		if ((head & 0xffff) == id)
			return pos;
		pos = head >> 20 & 0xffc;
	}
	return 0;
}

uint16_t pf_sriov16(struct nvsr_ctx *t, unsigned reg)
{
	return (uint16_t)pf_rid_read(t, nvsr_dev_rid(t->pf), t->inv->sriov.pos + reg, 2);
}

bool pf_vfs(struct nvsr_ctx *t, unsigned n, struct nvsr_sriov *ret)
{
	int rc;

	if (!nvsr_t_enable_vfs(t, n))
		return false;
	rc = nvsr_sriov_read(t->pf, ret);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "reading the SR-IOV capability: %s", nvsr_rc_text(rc));
	return !rc;
}

int pf_write_vfe(struct nvsr_ctx *t, bool on)
{
	unsigned off = t->inv->sriov.pos + PCI_SRIOV_CTRL;
	uint32_t ctrl;
	int rc = nvsr_cfg_read(t->pf, off, 2, &ctrl);

	if (rc)
		return rc;
	ctrl &= ~(uint32_t)(PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE);
	if (on)
		ctrl |= PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	rc = nvsr_cfg_write(t->pf, off, 2, ctrl);
	if (!rc)
		nvsr_dev_sleep_ms(t->pf, on ? PCI_MS_VF_ENABLE_MAX : PCI_MS_VF_DISABLE);
	return rc;
}

int pf_raw_flr(struct nvsr_dev *d)
{
	unsigned exp;
	uint32_t ctl;
	int rc = nvsr_cfg_find_cap(d, PCI_CAP_EXP, &exp);

	if (!rc && !exp)
		rc = -ENOTSUP;
	if (!rc)
		rc = nvsr_cfg_read(d, exp + PCI_EXP_DEVCTL, 2, &ctl);
	if (!rc)
		rc = nvsr_cfg_write(d, exp + PCI_EXP_DEVCTL, 2, ctl | PCI_EXP_DEVCTL_FLR);
	if (!rc)
		nvsr_dev_sleep_ms(d, PCI_MS_FLR);
	return rc;
}

void pf_revive(struct nvsr_ctx **t)
{
	nvsr_reset((*t)->pf, NVSR_RESET_FLR);
}

int pf_save(struct pf_saved *s, struct nvsr_dev *d, unsigned off, unsigned len)
{
	uint32_t val;
	int rc;

	if (s->count == NVSR_ARRAY_SIZE(s->reg))
		return -ENOSPC;
	rc = nvsr_cfg_read(d, off, len, &val);
	if (rc)
		return rc;
	s->dev = d;
	s->reg[s->count].off = (uint16_t)off;
	s->reg[s->count].len = (uint8_t)len;
	s->reg[s->count++].val = val;
	return 0;
}

void pf_restore(struct pf_saved *s)
{
	uint32_t now;

	while (s->count) {
		s->count--;
		if (nvsr_cfg_read(s->dev, s->reg[s->count].off, s->reg[s->count].len, &now) ||
		    now == s->reg[s->count].val)
			continue;
		nvsr_cfg_write(s->dev, s->reg[s->count].off, s->reg[s->count].len, s->reg[s->count].val);
	}
}

bool pf_vf_bar_is_upper(const struct nvsr_sriov *s, unsigned bar)
{
	unsigned i = 0;

	while (i < bar)
		i += (s->vf_bar[i] & (PCI_BAR_IO | PCI_BAR_TYPE_MASK)) == PCI_BAR_TYPE_64 ? 2 : 1;
	return i > bar;
}

int pf_vf_bar_size(struct nvsr_ctx *t, unsigned bar, uint64_t *ret)
{
	unsigned off = t->inv->sriov.pos + PCI_SRIOV_VF_BAR0 + bar * 4, words, i;
	_cleanup_cfg_ struct pf_saved saved = { 0 };
	uint32_t v[2] = { 0, 0xffffffff };
	uint64_t mask;
	int rc = nvsr_cfg_read(t->pf, off, 4, &v[0]);

	words = !rc && (v[0] & PCI_BAR_TYPE_MASK) == PCI_BAR_TYPE_64 && bar + 1 < PCI_BAR_COUNT ? 2 : 1;
	for (i = 0; !rc && i < words; i++)
		rc = pf_save(&saved, t->pf, off + i * 4, 4);
	for (i = 0; !rc && i < words; i++)
		rc = nvsr_cfg_write(t->pf, off + i * 4, 4, 0xffffffff);
	for (i = 0; !rc && i < words; i++)
		rc = nvsr_cfg_read(t->pf, off + i * 4, 4, &v[i]);
	if (rc)
		return rc;
	mask = (uint64_t)v[1] << 32 | (v[0] & ~0xfu);
	*ret = v[0] & ~0xfu || (words == 2 && v[1]) ? ~mask + 1 : 0;
	return 0;
}

static int go_online(struct nvsr_ctx *t, uint16_t scid, struct nvsr_dev *vf, bool reset)
{
	int rc = nvsr_virt_mgmt(t->pf, scid, 0, NVME_VIRT_OFFLINE, 0, NULL);

	if (!rc && t->inv->primary.crt & NVME_CRT_VQ)
		rc = nvsr_virt_mgmt(t->pf, scid, NVME_VIRT_RT_VQ, NVME_VIRT_ASSIGN, 2, NULL);
	if (!rc && t->inv->primary.crt & NVME_CRT_VI)
		rc = nvsr_virt_mgmt(t->pf, scid, NVME_VIRT_RT_VI, NVME_VIRT_ASSIGN, 1, NULL);
	if (!rc && reset && nvsr_dev_can(vf) & NVSR_CAN_FLR)
		rc = nvsr_reset(vf, NVSR_RESET_FLR);
	return rc ? rc : nvsr_virt_mgmt(t->pf, scid, 0, NVME_VIRT_ONLINE, 0, NULL);
}

struct nvsr_dev *pf_vf_online(struct nvsr_ctx *t, unsigned vfn, bool reset)
{
	struct nvsr_dev *vf = nvsr_t_vf_bare(t, vfn);
	int scid, rc;

	if (!vf || !(t->inv->has & NVSR_NEED(VIRT_MGMT)))
		return vf;
	scid = nvsr_t_scid(t, vfn);
	if (scid < 0)
		return NULL;
	rc = go_online(t, (uint16_t)scid, vf, reset);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "bringing VF %u Online: %s", vfn, nvsr_rc_text(rc));
	return rc ? NULL : vf;
}

int pf_alive(struct nvsr_dev *d)
{
	struct nvme_id_ctrl id;

	return nvsr_id_ctrl(d, &id);
}
