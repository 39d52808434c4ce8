/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the unit tests of the command side share: a model whose queues are there without a host having made them. */
#ifndef NVSR_MODEL_TESTING_H
#define NVSR_MODEL_TESTING_H

#include "model/bus.h"
#include "model/cmd.h"

static unsigned failed;
#define EQ(is, want) equal((uint64_t)(is), (uint64_t)(want), __FILE__, __LINE__, #is)

static inline void equal(uint64_t is, uint64_t want, const char *file, int line, const char *text)
{
	if (is == want)
		return;
	failed++;
	fprintf(stderr, "%s:%d: %s is %#llx, expected %#llx\n", file, line, text, (unsigned long long)is,
		(unsigned long long)want);
}

#define DATA 0x10000ull
#define META 0x18000ull
static uint8_t memory[32 * M_PAGE] __attribute__((aligned(4096)));	/* iova 0, in every domain */
static uint8_t *const data = memory + DATA;
static uint32_t dw0;
static uint16_t cid;		/* of the last command: none conflicts with one that is outstanding */

static inline void start(struct m_ctrl *c)
{
	m_cfg_set(c, PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	c->aqa = 0x001f001f;
	c->asq = (1 + 2 * c->fn) * M_PAGE;
	c->acq = c->asq + M_PAGE;
	c->cc = NVME_CC_EN | NVME_CC_IOSQES_64 | NVME_CC_IOCQES_16;
	EQ(m_queues_start(c), 0);
	c->csts = NVME_CSTS_RDY;
}

/* All VFs, as a host that writes NumVFs and VF Enable. */
static inline void set_vfs(struct nvsr_model *m, unsigned n)
{
	if (n)
		m_sriov_put(m, PCI_SRIOV_NUM_VFS, 2, n);
	m_sriov_put(m, PCI_SRIOV_CTRL, 2, n ? PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE : 0);
	m_vfs_update(m, M_CLR_CONVENTIONAL);
	nvsr_model_advance(m, 1000000000);
}

static inline struct nvsr_model *power_on(void)
{
	struct nvsr_profile *p = NULL;
	struct nvsr_complaint complaint = { { 0 } };
	struct nvsr_model *m = NULL;

	if (nvsr_profile_load("device-profiles/reference.yaml", &p, &complaint) || nvsr_model_create(p, &m) ||
	    nvsr_model_map(m, 0, 0, memory, sizeof(memory))) {
		fprintf(stderr, "no model: %s\n", complaint.text);
		exit(1);
	}
	nvsr_profile_free(p);
	start(m_pf(m));
	return m;
}

static inline uint16_t run(struct m_ctrl *c, bool io, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11, uint32_t cdw12)
{
	struct m_sq sq = { .valid = true, .id = io };
	struct m_cmd cmd = { .e = { .opcode = opcode, .cid = le16(++cid), .nsid = le32(nsid), .mptr = le64(META), .prp1 = le64(DATA),
				    .prp2 = le64(DATA + M_PAGE), .cdw10 = le32(cdw10), .cdw11 = le32(cdw11),
				    .cdw12 = le32(cdw12) }, .sq = &sq };
	uint16_t status = m_execute(c, &cmd);

	dw0 = cmd.dw0;
	return status & 0x7ff;
}

static inline uint16_t admin(struct m_ctrl *c, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
	return run(c, false, opcode, nsid, cdw10, cdw11, 0);
}

static inline uint16_t virt(struct m_ctrl *c, unsigned cntlid, unsigned rt, unsigned act, unsigned nr)
{
	return admin(c, NVME_ADMIN_VIRT_MGMT, 0, cntlid << 16 | rt << 8 | act, nr);
}

static inline uint16_t assign(struct nvsr_model *m, unsigned vf, unsigned rt, unsigned nr)
{
	return virt(m_pf(m), m->ctrl[vf].cntlid, rt, NVME_VIRT_ASSIGN, nr);
}

static inline uint16_t online(struct nvsr_model *m, unsigned vf)
{
	return virt(m_pf(m), m->ctrl[vf].cntlid, 0, NVME_VIRT_ONLINE, 0);
}

static inline uint16_t identify(struct m_ctrl *c, uint8_t cns, uint32_t nsid)
{
	memset(data, 0xee, M_PAGE);
	return admin(c, NVME_ADMIN_IDENTIFY, nsid, cns, 0);
}

static inline uint16_t create(struct nvsr_model *m, uint64_t nsze, uint64_t ncap, bool shared)
{
	struct nvme_id_ns id = { .nsze = le64(nsze), .ncap = le64(ncap), .nmic = shared };

	memcpy(data, &id, sizeof(id));
	return admin(m_pf(m), NVME_ADMIN_NS_MGMT, 0, NVME_NS_MGMT_CREATE, 0);
}

/* Attach or detach @n controllers, by their index in the model; an index beyond them is an id that nobody has. */
static inline uint16_t attach(struct nvsr_model *m, uint32_t nsid, unsigned sel, unsigned n, const unsigned *fn)
{
	struct nvme_ctrl_list list = { .num = le16((uint16_t)n) };

	for (unsigned i = 0; i < n && i < 2047; i++)
		list.id[i] = le16(fn[i] < m->ctrl_count ? m->ctrl[fn[i]].cntlid : 0x7777);
	memcpy(data, &list, sizeof(list));
	return admin(m_pf(m), NVME_ADMIN_NS_ATTACH, nsid, sel, 0);
}
#define ATTACH(m, nsid, ...) \
	attach(m, nsid, NVME_NS_ATTACH, sizeof((unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned), (unsigned[]){ __VA_ARGS__ })
#define DETACH(m, nsid, ...) \
	attach(m, nsid, NVME_NS_DETACH, sizeof((unsigned[]){ __VA_ARGS__ }) / sizeof(unsigned), (unsigned[]){ __VA_ARGS__ })

static inline bool all(const uint8_t *p, uint8_t value, size_t n)
{
	while (n--)
		if (*p++ != value)
			return false;
	return true;
}

/* Run @tests, each on a model of its own; the exit status of the program. */
static inline int run_tests(void (*const tests[])(struct nvsr_model *m), size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct nvsr_model *m = power_on();

		tests[i](m);
		nvsr_model_destroy(m);
	}
	return failed != 0;
}

#endif
