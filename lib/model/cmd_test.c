// SPDX-License-Identifier: GPL-2.0-or-later
/* The command side of the model: what m_execute() answers, without registers and doorbells in between. */
#include "model/testing.h"

static struct nvme_error_log_entry newest_error(struct m_ctrl *c)
{
	struct nvme_error_log_entry e;

	EQ(admin(c, NVME_ADMIN_GET_LOG, 0, NVME_LOG_ERROR | 15u << 16, 0), 0);
	memcpy(&e, data, sizeof(e));
	return e;
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
	uint16_t last;

	EQ(DETACH(m, 1, 0), 0);			/* not enabled: listed, no event */
	EQ(pf->log->event_count, 0);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_ASYNC_EVENT, NVME_AEC_NS_CHANGED), 0);
	EQ(ATTACH(m, 1, 0), 0);
	EQ(pf->log->event_count, 1);
	for (unsigned i = 0; i < 5; i++)	/* the event that waits takes the first */
		EQ(admin(pf, NVME_ADMIN_AER, 0, 0, 0), 0);
	last = cid;
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
	EQ(admin(pf, NVME_ADMIN_ABORT, 0, (uint32_t)last << 16, 0), 0);
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

	return run_tests(tests, NVSR_ARRAY_SIZE(tests));
}
