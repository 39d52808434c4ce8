/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command side of the model: what m_execute() answers, without registers and doorbells in between. */
#include "model/bus.h"
#include "model/cmd.h"

static unsigned failed;
#define EQ(is, want) equal((uint64_t)(is), (uint64_t)(want), __LINE__, #is)

static void equal(uint64_t is, uint64_t want, int line, const char *text)
{
	if (is == want)
		return;
	failed++;
	fprintf(stderr, "%s:%d: %s is %#llx, expected %#llx\n", __FILE__, line, text, (unsigned long long)is,
		(unsigned long long)want);
}

/* --- a subsystem whose queues are there without a host having made them ------------------------------------- */

#define DATA 0x10000ull
#define META 0x18000ull
static uint8_t memory[32 * M_PAGE] __attribute__((aligned(4096)));	/* iova 0, in every domain */
static uint8_t *const data = memory + DATA;
static uint32_t dw0;

static void start(struct m_ctrl *c)
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
static void set_vfs(struct nvsr_model *m, unsigned n)
{
	if (n)
		m_sriov_put(m, PCI_SRIOV_NUM_VFS, 2, n);
	m_sriov_put(m, PCI_SRIOV_CTRL, 2, n ? PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE : 0);
	m_vfs_update(m, M_CLR_CONVENTIONAL);
	nvsr_model_advance(m, 1000000000);
}

static struct nvsr_model *power_on(void)
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

static uint16_t run(struct m_ctrl *c, bool io, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11, uint32_t cdw12)
{
	struct m_sq sq = { .valid = true, .id = io };
	struct m_cmd cmd = { .sq = &sq, .e = { .opcode = opcode, .cid = le16(7), .nsid = le32(nsid), .prp1 = le64(DATA),
					       .prp2 = le64(DATA + M_PAGE), .mptr = le64(META), .cdw10 = le32(cdw10),
					       .cdw11 = le32(cdw11), .cdw12 = le32(cdw12) } };
	uint16_t status = m_execute(c, &cmd);

	dw0 = cmd.dw0;
	return status & 0x7ff;
}

static uint16_t admin(struct m_ctrl *c, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint32_t cdw11)
{
	return run(c, false, opcode, nsid, cdw10, cdw11, 0);
}

static uint16_t virt(struct m_ctrl *c, unsigned cntlid, unsigned rt, unsigned act, unsigned nr)
{
	return admin(c, NVME_ADMIN_VIRT_MGMT, 0, cntlid << 16 | rt << 8 | act, nr);
}

static uint16_t assign(struct nvsr_model *m, unsigned vf, unsigned rt, unsigned nr)
{
	return virt(m_pf(m), m->ctrl[vf].cntlid, rt, NVME_VIRT_ASSIGN, nr);
}

static uint16_t online(struct nvsr_model *m, unsigned vf)
{
	return virt(m_pf(m), m->ctrl[vf].cntlid, 0, NVME_VIRT_ONLINE, 0);
}

static uint16_t identify(struct m_ctrl *c, uint8_t cns, uint32_t nsid)
{
	memset(data, 0xee, M_PAGE);
	return admin(c, NVME_ADMIN_IDENTIFY, nsid, cns, 0);
}

static uint16_t create(struct nvsr_model *m, uint64_t nsze, uint64_t ncap, bool shared)
{
	struct nvme_id_ns id = { .nsze = le64(nsze), .ncap = le64(ncap), .nmic = shared };

	memcpy(data, &id, sizeof(id));
	return admin(m_pf(m), NVME_ADMIN_NS_MGMT, 0, NVME_NS_MGMT_CREATE, 0);
}

/* Attach or detach @n controllers, by their index in the model; an index beyond them is an id that nobody has. */
static uint16_t attach(struct nvsr_model *m, uint32_t nsid, unsigned sel, unsigned n, const unsigned *fn)
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

static struct nvme_error_log_entry newest_error(struct m_ctrl *c)
{
	struct nvme_error_log_entry e;

	EQ(admin(c, NVME_ADMIN_GET_LOG, 0, NVME_LOG_ERROR | 15u << 16, 0), 0);
	memcpy(&e, data, sizeof(e));
	return e;
}

static bool all(const uint8_t *p, uint8_t value, size_t n)
{
	while (n--)
		if (*p++ != value)
			return false;
	return true;
}

/* --- tests -------------------------------------------------------------------------------------------------- */

static void resources_and_states(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);
	const struct nvme_primary_caps *caps = (void *)data;

	EQ(virt(pf, 65, 0, 2, 0), NVME_SC_INVALID_FIELD);
	EQ(virt(pf, 65, 0, NVME_VIRT_ASSIGN, 2), NVME_SC_INVALID_CTRL_ID);
	EQ(virt(pf, 1, 0, NVME_VIRT_PRIMARY_FLEXIBLE, 2), NVME_SC_INVALID_CTRL_ID);
	EQ(assign(m, 1, 2, 2), NVME_SC_INVALID_RESOURCE_ID);
	EQ(assign(m, 1, 0, 10), NVME_SC_INVALID_NUM_RESOURCES);
	for (unsigned vf = 1; vf <= 4; vf++)
		EQ(assign(m, vf, 0, 9), 0);
	EQ(assign(m, 5, 0, 5), NVME_SC_INVALID_RESOURCE_ID);
	EQ(assign(m, 5, 0, 4), 0);
	EQ(dw0, 4);
	EQ(assign(m, 5, 0, 3), 0);
	EQ(identify(pf, NVME_CNS_PRIMARY_CAPS, 0), 0);
	EQ(le32_get(caps->vqrfa), 39);
	EQ(virt(pf, 65, 0, NVME_VIRT_PRIMARY_FLEXIBLE, 41), NVME_SC_INVALID_NUM_RESOURCES);
	EQ(virt(pf, 65, 0, NVME_VIRT_PRIMARY_FLEXIBLE, 2), NVME_SC_INVALID_RESOURCE_ID);
	EQ(virt(pf, 65, 0, NVME_VIRT_PRIMARY_FLEXIBLE, 1), 0);

	EQ(online(m, 1), NVME_SC_INVALID_SEC_STATE);	/* no VI, no VF */
	EQ(assign(m, 1, 1, 1), 0);
	EQ(online(m, 1), NVME_SC_INVALID_SEC_STATE);	/* no VF */
	set_vfs(m, 2);
	EQ(m->ctrl[1].nvq, 9);				/* assigned before VF Enable: stays */
	EQ(m->ctrl[3].nvq, 0);				/* beyond NumVFs: released */
	EQ(online(m, 1), 0);
	EQ(online(m, 1), 0);
	EQ(assign(m, 1, 0, 2), NVME_SC_INVALID_SEC_STATE);
	EQ(m->ctrl[1].msix_len, 1);
	m_clr(&m->ctrl[1], M_CLR_FLR);
	EQ(m->ctrl[1].online && m->ctrl[1].nvq == 9, 1);
	EQ(assign(m, 2, 0, 1), 0);
	EQ(assign(m, 2, 1, 2), 0);
	EQ(online(m, 2), NVME_SC_INVALID_SEC_STATE);
	EQ(virt(&m->ctrl[1], 2, 0, NVME_VIRT_OFFLINE, 0), NVME_SC_INVALID_OPCODE);
	EQ(identify(&m->ctrl[1], NVME_CNS_PRIMARY_CAPS, 0), NVME_SC_INVALID_FIELD);

	m_clr(pf, M_CLR_CC);
	EQ(m->ctrl[1].online || m->ctrl[1].nvq || m->ctrl[2].nvi, 0);
	EQ(m->vqrfap, 0);
	m_clr(pf, M_CLR_FLR);
	EQ(m->vqrfap, 1);
	EQ(m_virt_max_qid(pf), 9);
	nvsr_model_power_cycle(m);
	EQ(m->vqrfap, 1);
}

static void namespaces(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);
	const struct nvme_id_ctrl *id = (void *)data;
	uint64_t unvmcap;

	EQ(create(m, 16, 8, false), NVME_SC_THIN_NOT_SUPPORTED);
	EQ(identify(pf, NVME_CNS_CTRL, 0), 0);
	unvmcap = le128_get(id->unvmcap, NULL);
	EQ(create(m, 1ull << 40, 1ull << 40, false), NVME_SC_NS_INSUFFICIENT_CAP);
	EQ(le64_get(newest_error(pf).cs_info), 1ull << 49);
	EQ(create(m, 16, 16, false), 0);
	EQ(dw0, 2);
	EQ(identify(pf, NVME_CNS_CTRL, 0), 0);
	EQ(unvmcap - le128_get(id->unvmcap, NULL), 1u << 20);	/* one granule */
	EQ(identify(pf, NVME_CNS_NS, 2), 0);
	EQ(all(data, 0, M_PAGE), 1);
	EQ(identify(pf, NVME_CNS_NS, 65), NVME_SC_INVALID_NS);
	EQ(identify(pf, NVME_CNS_NS_DESC, 2), NVME_SC_INVALID_FIELD);

	EQ(ATTACH(m, 2, 1), 0);
	EQ(ATTACH(m, 2, 1), NVME_SC_NS_ALREADY_ATTACHED);
	EQ(ATTACH(m, 2, 2), NVME_SC_NS_IS_PRIVATE);
	EQ(DETACH(m, 2, 0), NVME_SC_NS_NOT_ATTACHED);
	EQ(attach(m, 2, NVME_NS_ATTACH, 0, NULL), NVME_SC_CTRL_LIST_INVALID);
	EQ(ATTACH(m, NVME_NSID_ALL, 1), NVME_SC_INVALID_FIELD);
	EQ(ATTACH(m, 3, 1), NVME_SC_INVALID_FIELD);
	EQ(ATTACH(m, 1, 2, 99, 3), NVME_SC_CTRL_LIST_INVALID);
	EQ(m->ns[1]->attached[2] && !m->ns[1]->attached[3], 1);
	EQ(le64_get(newest_error(pf).cs_info), 4);
	set_vfs(m, 2);
	for (enum m_clr kind = M_CLR_CC; kind <= M_CLR_POWER; kind++)
		m_clr(pf, kind);
	EQ(m->ns[2]->attached[1], 1);
	nvsr_model_advance(m, 1000000000);
	start(pf);

	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 1, NVME_FEAT_WRITE_PROTECT, 1), 0);
	EQ(admin(pf, NVME_ADMIN_NS_MGMT, NVME_NSID_ALL, NVME_NS_MGMT_DELETE, 0), NVME_SC_NS_WRITE_PROTECTED);
	EQ(run(pf, true, NVME_CMD_WRITE, 1, 0, 0, 0), NVME_SC_NS_WRITE_PROTECTED);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 1, NVME_FEAT_WRITE_PROTECT, 0), 0);
	EQ(admin(pf, NVME_ADMIN_NS_MGMT, 3, NVME_NS_MGMT_DELETE, 0), NVME_SC_INVALID_FIELD);
	EQ(admin(pf, NVME_ADMIN_NS_MGMT, 0, NVME_NS_MGMT_DELETE, 0), NVME_SC_INVALID_NS);
	EQ(admin(pf, NVME_ADMIN_NS_MGMT, NVME_NSID_ALL, NVME_NS_MGMT_DELETE, 0), 0);
	EQ(admin(pf, NVME_ADMIN_NS_MGMT, NVME_NSID_ALL, NVME_NS_MGMT_DELETE, 0), 0);
	for (unsigned i = 0; i < 32; i++)
		EQ(create(m, 8, 8, true), 0);
	EQ(create(m, 8, 8, true), NVME_SC_NSID_UNAVAILABLE);
}

static void data_is_never_older(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);

	memset(data, 0x5a, 2 * M_PAGE);
	EQ(run(pf, true, NVME_CMD_WRITE, 1, 3, 0, 15), 0);
	memset(data, 0, 2 * M_PAGE);
	EQ(run(pf, true, NVME_CMD_READ, 1, 3, 0, 15), 0);
	EQ(all(data, 0x5a, 2 * M_PAGE), 1);
	EQ(run(pf, true, NVME_CMD_COMPARE, 1, 3, 0, 15), 0);
	EQ(run(pf, true, NVME_CMD_COMPARE, 1, 2, 0, 15), NVME_SC_COMPARE_FAILED);
	EQ(run(pf, true, NVME_CMD_READ, 1, 32768, 0, 0), NVME_SC_LBA_RANGE);
	EQ(run(pf, true, NVME_CMD_READ, 1, 32767, 0, 1), NVME_SC_LBA_RANGE);
	EQ(run(pf, true, NVME_CMD_READ, 2, 0, 0, 0), NVME_SC_INVALID_FIELD);
	EQ(run(pf, true, NVME_CMD_READ, 65, 0, 0, 0), NVME_SC_INVALID_NS);
	EQ(run(pf, true, NVME_CMD_READ, NVME_NSID_ALL, 0, 0, 0), NVME_SC_INVALID_FIELD);
	EQ(run(pf, true, NVME_CMD_WRITE_ZEROES, 1, 3, 0, 7), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 3, 0, 15), 0);
	EQ(all(data, 0, M_PAGE) && all(data + M_PAGE, 0x5a, M_PAGE), 1);
	*(struct nvme_dsm_range *)data = (struct nvme_dsm_range){ .nlb = le32(8), .slba = le64(11) };
	EQ(run(pf, true, NVME_CMD_DSM, 1, 0, NVME_DSM_DEALLOCATE, 0), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 3, 0, 15), 0);
	EQ(all(data, 0, 2 * M_PAGE), 1);

	memset(data, 0x5a, M_PAGE);
	EQ(run(pf, true, NVME_CMD_WRITE, 1, 0, 0, 7), 0);
	EQ(admin(pf, NVME_ADMIN_NS_MGMT, 1, NVME_NS_MGMT_DELETE, 0), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 0, 0, 7), NVME_SC_INVALID_FIELD);
	EQ(create(m, 32768, 32768, true), 0);
	EQ(ATTACH(m, 1, 0), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 0, 0, 7), 0);
	EQ(all(data, 0, M_PAGE), 1);
}

/* Blocks of 512 + 8 bytes, metadata apart or at the end, and deallocated blocks that read FFh. */
static void metadata(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);
	uint8_t *meta = memory + META;

	m->conf.formats[0].ms = le16(8);
	m->conf.dlfeat = 2;
	EQ(create(m, 64, 64, true), 0);
	EQ(ATTACH(m, 2, 0), 0);
	EQ(run(pf, true, NVME_CMD_READ, 2, 1, 0, 1), 0);
	EQ(all(data, 0xff, 1024) && all(meta, 0xff, 16), 1);
	memset(data, 1, 1024);
	memset(meta, 2, 16);
	EQ(run(pf, true, NVME_CMD_WRITE, 2, 1, 0, 1), 0);
	EQ(run(pf, true, NVME_CMD_COMPARE, 2, 1, 0, 1), 0);
	meta[15] = 3;
	EQ(run(pf, true, NVME_CMD_COMPARE, 2, 1, 0, 1), NVME_SC_COMPARE_FAILED);
	EQ(run(pf, true, NVME_CMD_WRITE_ZEROES, 2, 2, 0, 0), 0);
	m->ns[2]->id.flbas |= 0x10;
	EQ(run(pf, true, NVME_CMD_READ, 2, 1, 0, 1), 0);
	EQ(all(data, 1, 512) && all(data + 512, 2, 8) && all(data + 520, 0, 520), 1);
}

static void events(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);
	const uint32_t get_changed = NVME_LOG_CHANGED_NS | 1023u << 16;

	EQ(DETACH(m, 1, 0), 0);			/* not enabled: listed, no event */
	EQ(pf->log->event_count, 0);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_ASYNC_EVENT, NVME_AEC_NS_CHANGED), 0);
	EQ(ATTACH(m, 1, 0), 0);
	EQ(pf->log->event_count, 1);
	for (unsigned i = 0; i < 5; i++)	/* the event that waits takes the first */
		EQ(admin(pf, NVME_ADMIN_AER, 0, 0, 0), 0);
	EQ(pf->aer_count, 4);
	EQ(admin(pf, NVME_ADMIN_AER, 0, 0, 0), NVME_SC_AER_LIMIT);
	EQ(DETACH(m, 1, 0), 0);			/* masked until the log is read */
	EQ(pf->aer_count, 4);
	EQ(admin(pf, NVME_ADMIN_GET_LOG, NVME_NSID_ALL, get_changed | 1u << 15, 0), 0);
	EQ(nvsr_le_read(data, 8), 1);
	EQ(pf->log->masked, 1u << NVME_AEN_NOTICE);
	EQ(admin(pf, NVME_ADMIN_GET_LOG, NVME_NSID_ALL, get_changed, 0), 0);
	EQ(nvsr_le_read(data, 8), 1);
	EQ(pf->aer_count, 4);
	EQ(ATTACH(m, 1, 0), 0);
	EQ(pf->aer_count, 3);
	EQ(admin(pf, NVME_ADMIN_GET_LOG, 0, get_changed, 0), 0);
	EQ(admin(pf, NVME_ADMIN_NS_MGMT, 1, NVME_NS_MGMT_DELETE, 0), 0);
	EQ(pf->aer_count, 3);			/* it deleted the namespace itself */
	EQ(admin(pf, NVME_ADMIN_ABORT, 0, 7u << 16, 0), 0);
	EQ(dw0 || pf->aer_count != 2, 0);
	EQ(admin(pf, NVME_ADMIN_GET_LOG, 0, 0x30, 0), NVME_SC_INVALID_LOG_PAGE);
	EQ(run(pf, false, NVME_ADMIN_GET_LOG, 0, NVME_LOG_SMART, 0, 2), NVME_SC_INVALID_FIELD);
	EQ(run(pf, false, NVME_ADMIN_GET_LOG, 0, NVME_LOG_SMART, 0, 516), NVME_SC_INVALID_FIELD);
}

static void features_and_queues(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m), *vf = &m->ctrl[1];

	set_vfs(m, 2);
	EQ(assign(m, 1, 0, 3) || assign(m, 1, 1, 2) || online(m, 1), 0);
	start(vf);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_TEMP_THRESH, 320), 0);
	EQ(admin(vf, NVME_ADMIN_GET_FEATURES, 0, NVME_FEAT_TEMP_THRESH, 0), 0);
	EQ(dw0, M_WCTEMP);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_TEMP_THRESH | 1u << 31, 320), NVME_SC_FEATURE_NOT_SAVEABLE);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 1, NVME_FEAT_TEMP_THRESH, 320), NVME_SC_FEATURE_NOT_PER_NS);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 0, 0x7f, 0), NVME_SC_INVALID_FIELD);
	EQ(admin(pf, NVME_ADMIN_GET_FEATURES, 0, NVME_FEAT_TEMP_THRESH | 1u << 8, 0), 0);
	EQ(dw0, M_WCTEMP);

	EQ(admin(vf, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_NUM_QUEUES, 0x00070007), 0);
	EQ(dw0, 0x00010001);
	EQ(admin(vf, NVME_ADMIN_CREATE_CQ, 0, 15u << 16 | 3, 1), NVME_SC_QID_INVALID);
	EQ(admin(vf, NVME_ADMIN_CREATE_CQ, 0, 15u << 16 | 1, 0), NVME_SC_INVALID_FIELD);
	EQ(admin(vf, NVME_ADMIN_CREATE_CQ, 0, 1, 1), NVME_SC_QUEUE_SIZE);
	EQ(admin(vf, NVME_ADMIN_CREATE_CQ, 0, 15u << 16 | 1, 2u << 16 | 3), NVME_SC_INVALID_VECTOR);
	EQ(admin(vf, NVME_ADMIN_CREATE_SQ, 0, 15u << 16 | 1, 1u << 16 | 1), NVME_SC_CQ_INVALID);
	EQ(admin(vf, NVME_ADMIN_CREATE_CQ, 0, 15u << 16 | 1, 1u << 16 | 3), 0);
	EQ(admin(vf, NVME_ADMIN_CREATE_SQ, 0, 15u << 16 | 2, 1u << 16 | 1), 0);
	EQ(admin(vf, NVME_ADMIN_DELETE_CQ, 0, 1, 0), NVME_SC_INVALID_QUEUE_DELETION);
	EQ(admin(vf, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_NUM_QUEUES, 0), NVME_SC_CMD_SEQ_ERROR);
	EQ(admin(vf, NVME_ADMIN_DELETE_SQ, 0, 2, 0), 0);
	EQ(admin(vf, NVME_ADMIN_DELETE_CQ, 0, 1, 0), 0);
	EQ(admin(vf, NVME_ADMIN_NS_MGMT, 1, NVME_NS_MGMT_DELETE, 0), NVME_SC_INVALID_OPCODE);
	EQ(vf->log->errors, 8);
	EQ(admin(pf, NVME_ADMIN_ABORT, 1, 0, 0), NVME_SC_INVALID_FIELD);
	EQ(virt(pf, vf->cntlid, 0, NVME_VIRT_OFFLINE, 0), 0);
	EQ(vf->log->errors, 0);
}

int main(void)
{
	static void (*const tests[])(struct nvsr_model *m) = {
		resources_and_states, namespaces, data_is_never_older, metadata, events, features_and_queues,
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(tests); i++) {
		struct nvsr_model *m = power_on();

		tests[i](m);
		nvsr_model_destroy(m);
	}
	return failed != 0;
}
