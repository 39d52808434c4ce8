// SPDX-License-Identifier: GPL-2.0-or-later
/* The subsystem as a whole: power on, virtual time, seeded defects. */
#include "model/bus.h"
#include "model/lies.h"
#include "model/state.h"

struct m_ctrl *m_ctrl_by_cntlid(struct nvsr_model *m, uint16_t cntlid)
{
	unsigned n;

	if (cntlid == m->conf.pf_cntlid)
		return m_pf(m);
	n = (unsigned)cntlid - m->conf.vf_cntlid;
	return n < m->conf.total_vfs ? &m->ctrl[1 + n] : NULL;
}

static int power_on(struct nvsr_model *m)
{
	struct m_ctrl *pf;
	int r;

	for (unsigned n = 0; n < m->ctrl_count; n++) {
		struct m_ctrl *c = &m->ctrl[n];

		c->m = m;
		c->fn = n;
		c->cntlid = (uint16_t)(n ? m->conf.vf_cntlid + n - 1 : m->conf.pf_cntlid);
		m_regs_init(c);
		r = m_cmd_init(c);
		if (r < 0)
			return r;
	}
	r = m_ns_init(m);
	if (r < 0)
		return r;
	pf = m_pf(m);
	pf->present = true;
	r = m_pci_build(pf);
	if (r < 0)
		return r;
	m_virt_vf_presence(m);
	return 0;
}

int nvsr_model_create(const struct nvsr_profile *p, struct nvsr_model **ret)
{
	struct nvsr_model *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->next_event = UINT64_MAX;
	m->erase_next = UINT64_MAX;
	m->power_cycles = 1;
	r = m_conf_resolve(p, &m->conf);
	if (!r) {
		m->ctrl = calloc(1 + m->conf.total_vfs, sizeof(*m->ctrl));
		m->ctrl_count = m->ctrl ? 1 + m->conf.total_vfs : 0;
		m->due_first = m->ctrl_count;
		r = m->ctrl ? power_on(m) : -ENOMEM;
	}
	if (r < 0) {
		nvsr_model_destroy(m);
		return r;
	}
	*ret = m;
	return 0;
}

struct nvsr_model *nvsr_model_destroy(struct nvsr_model *m)
{
	if (!m)
		return NULL;
	m_state_save(m);
	free(m->state_path);
	m_lies_free(m);
	for (unsigned n = 0; n < m->ctrl_count; n++) {
		struct m_ctrl *c = &m->ctrl[n];

		if (!c->m)
			break;	/* power on failed before this one */
		m_queues_free_all(c);
		m_cmd_free(c);
		free(c->cfg);
		free(c->msix);
	}
	m_ns_free(m);
	free(m->migrate.state);
	for (unsigned i = 0; i < m->domain_count; i++)
		free(m->domain[i].map);
	if (m->ctrl)
		free(m->ctrl[0].cfg_wmask);
	free(m->vf_wmask);
	free(m->domain);
	free(m->ctrl);
	free(m);
	return NULL;
}

int nvsr_model_set_defect(struct nvsr_model *m, const char *name)
{
	const struct nvsr_defect *d = nvsr_defect_find(name);
	int r;

	if (!d)
		return m_lie_tell(m, name);
	m->defect[d - nvsr_defects] = m->defective = true;
	/* What a function shows from the start is built again, with the defect in it. */
	for (unsigned n = 0; n < m->ctrl_count; n++)
		m_regs_init(&m->ctrl[n]);
	r = m_pci_build(m_pf(m));
	if (!r)
		m_vfs_update(m, M_CLR_POWER);
	return r;
}

void nvsr_model_on_msi(struct nvsr_model *m, nvsr_model_msi_fn fn, void *arg)
{
	m->msi = fn;
	m->msi_arg = arg;
}

/* --- virtual time ------------------------------------------------------------------------------------------------- */

uint64_t nvsr_model_now(const struct nvsr_model *m)
{
	return m->now;
}

void m_due(struct m_ctrl *c, uint64_t when)
{
	struct nvsr_model *m = c->m;

	m->next_event = NVSR_MIN(m->next_event, when);
	m->due_first = NVSR_MIN(m->due_first, c->fn);
	m->due_last = NVSR_MAX(m->due_last, c->fn);
}

/* Of thousands of controllers, those few that wait for something. */
static void run_due(struct nvsr_model *m)
{
	unsigned first = m->due_first, last = m->due_last;

	m->next_event = UINT64_MAX;
	m->due_first = m->ctrl_count;
	m->due_last = 0;
	for (unsigned n = first; n <= last; n++)
		m_regs_due(&m->ctrl[n]);
	m_erase_due(m);
	for (unsigned n = first; n <= last; n++)
		m_slow_due(&m->ctrl[n]);
	for (unsigned n = first; n <= last; n++) {
		struct m_ctrl *c = &m->ctrl[n];

		if (c->enabling)
			m_due(c, c->rdy_at);
		if (c->shutting)
			m_due(c, c->shst_at);
		if (c->slow_count)
			m_due(c, m_slow_next(c));
	}
	m->next_event = NVSR_MIN(m->next_event, m->erase_next);
}

void nvsr_model_advance(struct nvsr_model *m, uint64_t ns)
{
	uint64_t end = m->now + ns;

	while (m->next_event <= end) {
		m->now = NVSR_MAX(m->now, m->next_event);
		run_due(m);
	}
	m->now = end;
}
