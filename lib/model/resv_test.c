// SPDX-License-Identifier: GPL-2.0-or-later
/* Reservations in the model: hosts, keys, types, notifications, resets. */
#include "model/testing.h"

enum { REGISTER = NVME_CMD_RESV_REGISTER, ACQUIRE = NVME_CMD_RESV_ACQUIRE, RELEASE = NVME_CMD_RESV_RELEASE };
#define TYPE(t) ((uint32_t)(t) << 8)

static uint16_t resv(struct m_ctrl *c, uint8_t opcode, uint32_t cdw10, uint64_t a, uint64_t b)
{
	nvsr_le_write(data, 8, a);
	nvsr_le_write(data + 8, 8, b);
	return run(c, true, opcode, 1, cdw10, 0, 0);
}

static uint16_t host_id(struct m_ctrl *c, uint64_t id, bool wide)
{
	memset(data, 0, 16);
	nvsr_le_write(data, 8, id);
	return admin(c, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_HOST_ID, wide);
}

static const struct nvme_resv_report *report(struct m_ctrl *c)
{
	EQ(run(c, true, NVME_CMD_RESV_REPORT, 1, 255, 0, 0), 0);
	return (void *)data;
}

static unsigned registered(struct m_ctrl *c)
{
	return (unsigned)nvsr_le_read(report(c)->regctl, 2);
}

static uint16_t io(struct m_ctrl *c, uint8_t opcode)
{
	memset(data, 0, M_PAGE);
	return run(c, true, opcode, 1, 0, 0, 0);
}

/* PF, VF 1 and VF 2 as hosts 10, 11 and 12, all attached to namespace 1. */
static struct m_ctrl *hosts(struct nvsr_model *m)
{
	set_vfs(m, 2);
	for (unsigned i = 1; i <= 2; i++) {
		EQ(assign(m, i, 0, 3) || assign(m, i, 1, 2) || online(m, i), 0);
		start(&m->ctrl[i]);
		EQ(ATTACH(m, 1, i), 0);
	}
	for (unsigned i = 0; i <= 2; i++)
		EQ(host_id(&m->ctrl[i], 10 + i, false), 0);
	return m->ctrl;
}

static void keys_and_hosts(struct nvsr_model *m)
{
	struct m_ctrl *c = hosts(m);

	EQ(host_id(&c[1], 5, true), NVME_SC_HOSTID_FORMAT);
	EQ(resv(&c[1], ACQUIRE, TYPE(1), 1, 0), NVME_SC_RESV_CONFLICT);
	EQ(resv(&c[1], REGISTER, 0, 0, 0x11), 0);
	EQ(resv(&c[1], REGISTER, 0, 0, 0x12), NVME_SC_RESV_CONFLICT);
	EQ(resv(&c[1], REGISTER, 2, 0x99, 0x12), NVME_SC_RESV_CONFLICT);
	EQ(resv(&c[1], REGISTER, 2 | NVME_RESV_IEKEY, 0x99, 0x12), 0);
	EQ(resv(&c[2], REGISTER, 2, 0, 0x12), NVME_SC_RESV_CONFLICT);
	EQ(resv(&c[1], REGISTER, 3, 0, 0), NVME_SC_INVALID_FIELD);
	EQ(resv(&c[1], ACQUIRE, TYPE(7), 0x12, 0), NVME_SC_INVALID_FIELD);
	EQ(resv(&c[1], ACQUIRE, TYPE(1) | NVME_RESV_IEKEY, 0x12, 0), NVME_SC_INVALID_FIELD);
	EQ(resv(&c[1], ACQUIRE, TYPE(1), 0x12, 0), 0);
	EQ(resv(&c[1], ACQUIRE, TYPE(1), 0x12, 0), 0);
	EQ(resv(&c[1], ACQUIRE, TYPE(2), 0x12, 0), NVME_SC_RESV_CONFLICT);
	EQ(registered(&c[2]), 1);
	EQ(le32_get(report(&c[2])->gen), 2);
	EQ(host_id(&c[2], 11, false), 0);	/* the same host as VF 1 */
	EQ(registered(&c[0]), 2);
	EQ(io(&c[2], NVME_CMD_WRITE), 0);
	EQ(io(&c[0], NVME_CMD_WRITE), NVME_SC_RESV_CONFLICT);
	EQ(io(&c[0], NVME_CMD_READ), 0);
	EQ(resv(&c[2], RELEASE, TYPE(2), 0x12, 0), NVME_SC_INVALID_FIELD);
	EQ(resv(&c[2], RELEASE, TYPE(1), 0x12, 0), 0);
	EQ(run(&c[0], true, NVME_CMD_RESV_REPORT, 1, 255, 1, 0), NVME_SC_HOSTID_FORMAT);
}

/* Read and write of a registrant and of a stranger, for each type; 1 = allowed. */
static void conflicts(struct nvsr_model *m)
{
	static const struct { bool reg_read, reg_write, read, write; } want[] = {
		[NVME_RESV_WE] = { 1, 0, 1, 0 }, [NVME_RESV_EA] = { 0, 0, 0, 0 }, [NVME_RESV_WERO] = { 1, 1, 1, 0 },
		[NVME_RESV_EARO] = { 1, 1, 0, 0 }, [NVME_RESV_WEAR] = { 1, 1, 1, 0 }, [NVME_RESV_EAAR] = { 1, 1, 0, 0 },
	};
	struct m_ctrl *c = hosts(m);

	EQ(resv(&c[1], REGISTER, 0, 0, 1) || resv(&c[2], REGISTER, 0, 0, 2), 0);
	for (unsigned type = NVME_RESV_WE; type <= NVME_RESV_EAAR; type++) {
		EQ(resv(&c[1], ACQUIRE, TYPE(type), 1, 0), 0);
		EQ(io(&c[1], NVME_CMD_WRITE) || io(&c[1], NVME_CMD_READ), 0);
		EQ(!io(&c[2], NVME_CMD_READ), want[type].reg_read);
		EQ(!io(&c[2], NVME_CMD_WRITE_ZEROES), want[type].reg_write);
		EQ(!io(&c[2], NVME_CMD_FLUSH), want[type].reg_write);
		EQ(!io(&c[0], NVME_CMD_COMPARE), want[type].read);
		EQ(!io(&c[0], NVME_CMD_WRITE), want[type].write);
		EQ(admin(&c[0], NVME_ADMIN_NS_MGMT, 1, NVME_NS_MGMT_DELETE, 0), NVME_SC_RESV_CONFLICT);
		EQ(admin(&c[0], NVME_ADMIN_FORMAT, 1, 0, 0), NVME_SC_RESV_CONFLICT);
		EQ(admin(&c[0], NVME_ADMIN_SANITIZE, 0, NVME_SANACT_BLOCK, 0), NVME_SC_RESV_CONFLICT);
		EQ(resv(&c[1], RELEASE, TYPE(type), 1, 0), 0);
	}
}

static void preemption(struct nvsr_model *m)
{
	struct m_ctrl *c = hosts(m);

	EQ(resv(&c[0], REGISTER, 0, 0, 1) || resv(&c[1], REGISTER, 0, 0, 2) || resv(&c[2], REGISTER, 0, 0, 3), 0);
	EQ(resv(&c[1], ACQUIRE, TYPE(NVME_RESV_WERO), 2, 0), 0);
	EQ(resv(&c[2], ACQUIRE, TYPE(1) | 1, 3, 0), NVME_SC_INVALID_FIELD);
	EQ(resv(&c[2], ACQUIRE, TYPE(1) | 1, 3, 0x77), NVME_SC_RESV_CONFLICT);
	EQ(resv(&c[2], ACQUIRE, TYPE(NVME_RESV_WE) | 1, 3, 1), 0);	/* a registrant: the reservation stays */
	EQ(report(&c[0])->rtype, NVME_RESV_WERO);
	EQ(registered(&c[0]), 2);
	EQ(c[0].log->resv_count && c[0].log->resv[0].type == NVME_RNLPT_REG_PREEMPTED, 1);
	run(&c[1], true, NVME_CMD_VERIFY, 1, 0, 0, 99);
	EQ(c[1].slow_count, 1);
	EQ(resv(&c[2], ACQUIRE, TYPE(NVME_RESV_EA) | 2, 3, 2), 0);
	EQ(c[1].slow_count, 0);
	EQ(report(&c[0])->rtype, NVME_RESV_EA);
	EQ(registered(&c[0]), 1);
	EQ(resv(&c[2], ACQUIRE, TYPE(NVME_RESV_WE) | 1, 3, 3), 0);	/* itself: another type */
	EQ(report(&c[0])->rtype, NVME_RESV_WE);
	EQ(le32_get(report(&c[0])->gen), 6);
	EQ(resv(&c[2], RELEASE, TYPE(NVME_RESV_WE), 3, 0), 0);
	EQ(resv(&c[2], ACQUIRE, TYPE(NVME_RESV_EAAR), 3, 0) || resv(&c[1], REGISTER, 0, 0, 2), 0);
	EQ(resv(&c[1], ACQUIRE, TYPE(NVME_RESV_WEAR) | 1, 2, 0), 0);	/* all others */
	EQ(registered(&c[0]), 1);
	EQ(resv(&c[1], REGISTER, 1, 2, 0), 0);
	EQ(report(&c[0])->rtype, NVME_RESV_NONE);
}

static void notifications(struct nvsr_model *m)
{
	struct m_ctrl *c = hosts(m);
	const struct nvme_resv_log *log = (void *)data;

	EQ(resv(&c[1], REGISTER, 0, 0, 1) || resv(&c[2], REGISTER, 0, 0, 2), 0);
	EQ(resv(&c[1], ACQUIRE, TYPE(NVME_RESV_WERO), 1, 0) || resv(&c[1], RELEASE, TYPE(NVME_RESV_WERO), 1, 0), 0);
	EQ(resv(&c[1], ACQUIRE, TYPE(NVME_RESV_WE), 1, 0) || resv(&c[1], RELEASE, TYPE(NVME_RESV_WE), 1, 0), 0);
	EQ(c[2].log->resv_count, 1);		/* not for Write Exclusive */
	EQ(c[1].log->resv_count || c[0].log->resv_count, 0);
	EQ(c[2].log->event_count, 1);
	EQ(resv(&c[1], RELEASE, 1, 1, 0), 0);	/* clear */
	EQ(registered(&c[0]), 0);
	EQ(admin(&c[2], NVME_ADMIN_GET_LOG, 0, NVME_LOG_RESERVATION | 15u << 16, 0), 0);
	EQ(log->rnlpt == NVME_RNLPT_RELEASED && log->nalp == 1 && le32_get(log->nsid) == 1 && le64_get(log->lpc) == 1, 1);
	EQ(admin(&c[2], NVME_ADMIN_GET_LOG, 0, NVME_LOG_RESERVATION | 15u << 16, 0), 0);
	EQ(log->rnlpt == NVME_RNLPT_RESV_PREEMPTED && log->nalp == 0 && le64_get(log->lpc) == 2, 1);
	EQ(admin(&c[2], NVME_ADMIN_GET_LOG, 0, NVME_LOG_RESERVATION | 15u << 16, 0), 0);
	EQ(all(data, 0, 64), 1);
	EQ(admin(&c[0], NVME_ADMIN_SET_FEATURES, NVME_NSID_ALL, NVME_FEAT_RESV_MASK, 1 << NVME_RNLPT_RELEASED), 0);
	EQ(admin(&c[1], NVME_ADMIN_GET_FEATURES, NVME_NSID_ALL, NVME_FEAT_RESV_MASK, 0), NVME_SC_INVALID_FIELD);
	EQ(admin(&c[1], NVME_ADMIN_GET_FEATURES, 1, NVME_FEAT_RESV_MASK, 0), 0);
	EQ(dw0, 1 << NVME_RNLPT_RELEASED);
	EQ(resv(&c[1], REGISTER, 0, 0, 1) || resv(&c[2], REGISTER, 0, 0, 2), 0);
	EQ(resv(&c[1], ACQUIRE, TYPE(NVME_RESV_WERO), 1, 0) || resv(&c[1], RELEASE, TYPE(NVME_RESV_WERO), 1, 0), 0);
	EQ(c[2].log->resv_count, 0);
}

static void start_again(struct nvsr_model *m)
{
	nvsr_model_advance(m, 1000000000);
	start(m_pf(m));
}

static void resets(struct nvsr_model *m)
{
	struct m_ctrl *c = hosts(m);

	EQ(host_id(&c[2], 0, false), 0);
	EQ(resv(&c[2], REGISTER, 0, 0, 2) || resv(&c[0], REGISTER, NVME_CPTPL_SET, 0, 1), 0);
	EQ(resv(&c[0], ACQUIRE, TYPE(NVME_RESV_EA), 1, 0), 0);
	EQ(registered(&c[1]), 2);
	m_clr(&c[2], M_CLR_CC);
	EQ(registered(&c[1]), 1);		/* a host without identifier is forgotten */
	m_clr(&c[0], M_CLR_NSSR);
	start_again(m);
	EQ(registered(&c[0]), 0);		/* nobody says who it is */
	EQ(io(&c[0], NVME_CMD_READ), NVME_SC_RESV_CONFLICT);
	nvsr_model_power_cycle(m);
	start_again(m);
	EQ(report(&c[0])->rtype == NVME_RESV_EA && report(&c[0])->ptpls, 1);
	EQ(host_id(&c[0], 10, false), 0);
	EQ(io(&c[0], NVME_CMD_READ), 0);
	EQ(admin(&c[0], NVME_ADMIN_SET_FEATURES, 1, NVME_FEAT_RESV_PERSIST, 0), 0);
	nvsr_model_power_cycle(m);
	start_again(m);
	EQ(host_id(&c[0], 10, false), 0);
	EQ(registered(&c[0]) || report(&c[0])->rtype || le32_get(report(&c[0])->gen), 0);
}

int main(void)
{
	static void (*const tests[])(struct nvsr_model *m) = { keys_and_hosts, conflicts, preemption, notifications, resets };

	return run_tests(tests, NVSR_ARRAY_SIZE(tests));
}
