// SPDX-License-Identifier: GPL-2.0-or-later
/* Format, Sanitize, deallocation, Copy, Verify and fused operations in the model. */
#include "base/time.h"
#include "model/testing.h"

static uint16_t fill(struct m_ctrl *c, uint32_t nsid, uint32_t lba, uint8_t value)
{
	memset(data, value, 512);
	return run(c, true, NVME_CMD_WRITE, nsid, lba, 0, 0);
}

static bool reads(struct m_ctrl *c, uint32_t nsid, uint32_t lba, uint8_t value)
{
	memset(data, 0xee, 512);
	return !run(c, true, NVME_CMD_READ, nsid, lba, 0, 0) && all(data, value, 512);
}

static void format(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);

	EQ(create(m, 4096, 4096, true), 0);
	EQ(fill(pf, 1, 5, 0x11) || ATTACH(m, 2, 0) || fill(pf, 2, 5, 0x22), 0);
	EQ(admin(pf, NVME_ADMIN_FORMAT, 1, NVME_FORMAT_CDW10(0, 3), 0), NVME_SC_INVALID_FIELD);
	EQ(admin(pf, NVME_ADMIN_FORMAT, 1, NVME_FORMAT_CDW10(2, 0), 0), NVME_SC_INVALID_FORMAT);
	EQ(admin(pf, NVME_ADMIN_FORMAT, 3, 0, 0), NVME_SC_INVALID_FIELD);
	EQ(admin(pf, NVME_ADMIN_FORMAT, 65, 0, 0), NVME_SC_INVALID_NS);
	EQ(admin(pf, NVME_ADMIN_FORMAT, 1, NVME_FORMAT_CDW10(1, 1), 0), 0);
	EQ(pf->slow_count, 1);
	EQ(run(pf, true, NVME_CMD_READ, 1, 0, 0, 0), NVME_SC_FORMAT_IN_PROGRESS);
	EQ(admin(pf, NVME_ADMIN_NS_MGMT, 1, NVME_NS_MGMT_DELETE, 0), NVME_SC_FORMAT_IN_PROGRESS);
	EQ(reads(pf, 2, 5, 0x22), 1);
	EQ(identify(pf, NVME_CNS_NS, 1), 0);
	EQ(((struct nvme_id_ns *)data)->fpi, NVME_FPI_SUPPORTED | 100);
	nvsr_model_advance(m, NVSR_S);
	EQ(pf->slow_count, 0);
	EQ(identify(pf, NVME_CNS_NS, 1), 0);
	EQ(((struct nvme_id_ns *)data)->fpi, NVME_FPI_SUPPORTED);
	EQ(le64_get(((struct nvme_id_ns *)data)->nsze), 4096);
	EQ(reads(pf, 1, 0, 0), 1);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 2, NVME_FEAT_WRITE_PROTECT, 2), 0);
	EQ(admin(pf, NVME_ADMIN_FORMAT, NVME_NSID_ALL, 0, 0), NVME_SC_NS_WRITE_PROTECTED);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 2, NVME_FEAT_WRITE_PROTECT, 0), NVME_SC_FEATURE_NOT_CHANGEABLE);
	nvsr_model_power_cycle(m);
	start(pf);
	EQ(admin(pf, NVME_ADMIN_FORMAT, NVME_NSID_ALL, 0, 0), 0);
	nvsr_model_advance(m, NVSR_S);
	EQ(reads(pf, 2, 5, 0), 1);
}

static void sanitize(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);
	const struct nvme_sanitize_log *log = (void *)data;

	EQ(fill(pf, 1, 5, 0x11), 0);
	EQ(admin(pf, NVME_ADMIN_SANITIZE, 0, 5, 0), NVME_SC_INVALID_FIELD);
	EQ(reads(pf, 1, 5, 0x11), 1);
	EQ(admin(pf, NVME_ADMIN_SANITIZE, 0, NVME_SANACT_BLOCK, 0), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 5, 0, 0), NVME_SC_SANITIZE_IN_PROGRESS);
	EQ(admin(pf, NVME_ADMIN_FORMAT, 1, 0, 0), NVME_SC_SANITIZE_IN_PROGRESS);
	m_clr(pf, M_CLR_CC);
	start(pf);
	nvsr_model_advance(m, 100 * NVSR_MS);
	EQ(admin(pf, NVME_ADMIN_GET_LOG, 0, NVME_LOG_SANITIZE | 7u << 16, 0), 0);
	EQ(le16_get(log->sstat), NVME_SSTAT_IN_PROGRESS);
	EQ(le16_get(log->sprog), 0x7fff);
	nvsr_model_advance(m, 100 * NVSR_MS);
	EQ(pf->log->event_count && pf->log->event[0].lid == NVME_LOG_SANITIZE, 1);
	EQ(reads(pf, 1, 5, 0), 1);
	EQ(admin(pf, NVME_ADMIN_GET_LOG, 0, NVME_LOG_SANITIZE | 7u << 16, 0), 0);
	EQ(le16_get(log->sstat), NVME_SSTAT_SUCCESS | NVME_SSTAT_GDE);
	EQ(le16_get(log->sprog), 0xffff);
	EQ(fill(pf, 1, 5, 1), 0);
	EQ(admin(pf, NVME_ADMIN_GET_LOG, 0, NVME_LOG_SANITIZE | 7u << 16, 0), 0);
	EQ(le16_get(log->sstat), NVME_SSTAT_SUCCESS);
	set_vfs(m, 1);
	EQ(assign(m, 1, 0, 3) || assign(m, 1, 1, 2) || online(m, 1), 0);
	start(&m->ctrl[1]);
	EQ(admin(&m->ctrl[1], NVME_ADMIN_SANITIZE, 0, NVME_SANACT_BLOCK, 0), NVME_SC_INVALID_OPCODE);
}

static void deallocated(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);

	EQ(fill(pf, 1, 7, 3), 0);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 1, NVME_FEAT_ERR_RECOVERY, NVME_ERR_RECOVERY_DULBE), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 7, 0, 0), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 7, 0, 1), NVME_SC_DEALLOCATED);
	EQ(run(pf, true, NVME_CMD_WRITE_ZEROES, 1, 8, 0, 20), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 7, 0, 7), 0);
	*(struct nvme_dsm_range *)data = (struct nvme_dsm_range){ .nlb = le32(15), .slba = le64(9) };
	EQ(run(pf, true, NVME_CMD_DSM, 1, 0, NVME_DSM_DEALLOCATE, 0), 0);
	EQ(run(pf, true, NVME_CMD_READ, 1, 7, 0, 1), 0);
	for (unsigned lba = 9; lba < 24; lba++)
		EQ(run(pf, true, NVME_CMD_VERIFY, 1, lba, 0, 0), NVME_SC_DEALLOCATED);
	EQ(run(pf, true, NVME_CMD_READ, 1, 24, 0, 4), 0);
}

static void copy(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);
	struct nvme_copy_range range[2] = { { .slba = le64(1), .nlb = le16(0) }, { .slba = le64(3), .nlb = le16(1) } };

	EQ(fill(pf, 1, 1, 1) || fill(pf, 1, 3, 3) || fill(pf, 1, 4, 4), 0);
	memcpy(data, range, sizeof(range));
	EQ(run(pf, true, NVME_CMD_COPY, 1, 10, 0, 1), 0);
	EQ(reads(pf, 1, 10, 1) && reads(pf, 1, 11, 3) && reads(pf, 1, 12, 4) && reads(pf, 1, 13, 0), 1);
	EQ(create(m, 4096, 4096, true), 0);
	range[0].snsid = le32(2);
	memcpy(data, range, sizeof(range));
	EQ(run(pf, true, NVME_CMD_COPY, 1, 10, 0, 2 << 8), NVME_SC_INVALID_FIELD);	/* not enabled */
	memset(data, 0, 512);
	data[4] = 0x4;
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_HOST_BEHAVIOR, 0), 0);
	memcpy(data, range, sizeof(range));
	EQ(run(pf, true, NVME_CMD_COPY, 1, 10, 0, 2 << 8), NVME_SC_INVALID_FIELD);	/* not attached */
	EQ(ATTACH(m, 2, 0), 0);
	memcpy(data, range, sizeof(range));
	EQ(run(pf, true, NVME_CMD_COPY, 1, 10, 0, 2 << 8), 0);
	EQ(reads(pf, 1, 10, 0), 1);
}

static uint16_t fused(struct m_ctrl *c, uint8_t found, uint8_t put, unsigned lba2, unsigned nlb, uint16_t *ret_second)
{
	struct m_sq sq = { .valid = true, .id = 1 };
	struct m_cmd a = { .sq = &sq, .e = { .opcode = NVME_CMD_COMPARE, .flags = 1, .nsid = le32(1), .prp1 = le64(DATA),
					     .cdw12 = le32(nlb) } };
	struct m_cmd b = { .sq = &sq, .e = { .opcode = NVME_CMD_WRITE, .flags = 2, .nsid = le32(1),
					     .prp1 = le64(DATA + M_PAGE), .cdw10 = le32(lba2), .cdw12 = le32(nlb) } };
	uint16_t first;

	memset(data, found, M_PAGE);
	memset(data + M_PAGE, put, M_PAGE);
	m_execute_fused(c, &a, &b, &first, ret_second);
	*ret_second &= 0x7ff;
	return first & 0x7ff;
}

static void compare_and_write(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);
	uint16_t second;

	EQ(fused(pf, 0, 1, 0, 0, &second), 0);
	EQ(second, 0);
	EQ(fused(pf, 0, 2, 0, 0, &second), NVME_SC_COMPARE_FAILED);
	EQ(second, NVME_SC_FUSED_FAIL);
	EQ(fused(pf, 1, 2, 1, 0, &second), NVME_SC_INVALID_FIELD);
	EQ(second, NVME_SC_INVALID_FIELD);
	EQ(fused(pf, 1, 2, 0, 8, &second), NVME_SC_ATOMIC_EXCEEDED);
	EQ(reads(pf, 1, 0, 1) && reads(pf, 1, 1, 0), 1);
}

int main(void)
{
	static void (*const tests[])(struct nvsr_model *m) = { format, sanitize, deallocated, copy, compare_and_write };

	return run_tests(tests, NVSR_ARRAY_SIZE(tests));
}
