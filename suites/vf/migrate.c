// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Host managed live migration, Base 2.2 5.1.16, 5.1.17 and 8.1.12: the PF suspends the controller of a VF, reads its state,
 * sets one, resumes it.  VF 1 migrates; VF 2 must not notice.
 */
#include "vf.h"

#define NEEDS (VF_ANY | NVSR_NEED(MIGRATION) | NVSR_NEED(VF_ADMIN) | NVSR_NEED(VF_QUEUES))
#define UNKNOWN_CNTLID 0xfff0
#define QUIET_MS 50

static int send(struct nvsr_ctx *t, unsigned sel, unsigned cntlid, unsigned stype)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_MIGRATION_SEND, .cdw10 = sel, .cdw11 = cntlid | stype << 16 };

	return nvsr_admin(t->pf, &c);
}

static int suspend(struct nvsr_ctx *t, unsigned cntlid)
{
	return send(t, NVME_MIGRATION_SUSPEND, cntlid, NVME_STYPE_SUSPEND);
}

static int resume(struct nvsr_ctx *t, unsigned cntlid)
{
	return send(t, NVME_MIGRATION_RESUME, cntlid, 0);
}

static int get_state(struct nvsr_ctx *t, unsigned cntlid, unsigned version, void *ret, uint32_t len, uint32_t *ret_dw0)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_MIGRATION_RECV, .cdw10 = version << 16, .cdw11 = cntlid,
			      .cdw15 = len / 4 - 1, .data = ret, .data_len = len };
	int rc = nvsr_admin(t->pf, &c);

	if (ret_dw0)
		*ret_dw0 = c.dw0;
	return rc;
}

static int set_state(struct nvsr_ctx *t, unsigned cntlid, unsigned seqind, uint32_t off, void *data, uint32_t len)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_MIGRATION_SEND, .cdw10 = NVME_MIGRATION_SET_STATE | seqind << 16,
			      .cdw11 = cntlid, .cdw12 = off, .cdw15 = len / 4, .data = data, .data_len = len };

	return nvsr_admin(t->pf, &c);
}

/* No test leaves a controller suspended. */
struct guard { struct nvsr_ctx *t; int id; };

static void let_go(struct guard *g)
{
	if (g->id >= 0)
		resume(g->t, (unsigned)g->id);
}
#define GUARD(t, id) NVSR_CLEANUP(let_go) __attribute__((unused)) struct guard guard = { t, id }

/* VF 1 in use; its CNTLID, or -1 after recording. */
static int migratable(struct nvsr_ctx *t, struct nvsr_dev **ret)
{
	*ret = nvsr_t_vf(t, 1);
	return *ret ? nvsr_t_scid(t, 1) : -1;
}

/* True when @d executes a command now. */
static bool alive(struct nvsr_dev *d)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = NVME_FEAT_NUM_QUEUES, .timeout_ms = QUIET_MS };

	return nvsr_admin(d, &c) == 0;
}

static void suspend_stops_one(struct nvsr_ctx *t)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_GET_FEATURES, .cdw10 = NVME_FEAT_NUM_QUEUES };
	struct nvsr_dev *vf, *other = nvsr_t_vf(t, 2);
	int id = other ? migratable(t, &vf) : -1;
	struct nvsr_req *r;
	uint64_t csts = 0;
	GUARD(t, id);

	if (id < 0)
		return;
	MUST_OK(t, "suspend notification", send(t, NVME_MIGRATION_SUSPEND, (unsigned)id, NVME_STYPE_NOTIFICATION));
	CHECK(t, alive(vf), "a notification does not suspend", "no answer from VF 1");
	MUST_OK(t, "Suspend of VF 1", suspend(t, (unsigned)id));
	CHECK_OK(t, "Suspend again", suspend(t, (unsigned)id));
	PREPARE(t, "a command for VF 1", nvsr_queue_submit(nvsr_queue_admin(vf), &c, &r));
	nvsr_dev_sleep_ms(t->pf, QUIET_MS);
	CHECK(t, !nvsr_req_done(r, NULL), "a suspended controller fetches nothing", "a command completed");
	CHECK(t, alive(other) && alive(t->pf), "VF 2 and PF go on", "no answer");
	CHECK_OK(t, "CSTS of the suspended controller", nvsr_reg_read(vf, NVME_REG_CSTS, 4, &csts));
	CHECK(t, csts & NVME_CSTS_RDY, "RDY = 1", "CSTS %08llx", (unsigned long long)csts);
	MUST_OK(t, "Resume", resume(t, (unsigned)id));
	CHECK_OK(t, "the command that waited", nvsr_req_wait(r, 1000, NULL));
}

static void reset_of_the_manager_resumes(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf;
	int id = migratable(t, &vf);
	GUARD(t, id);

	if (id < 0)
		return;
	MUST_OK(t, "Suspend of VF 1", suspend(t, (unsigned)id));
	PREPARE(t, "Controller Reset of the PF", nvsr_reset(t->pf, NVSR_RESET_CTRL));
	CHECK_STATUS(t, "Resume after a reset of the PF: nothing is suspended", NVME_SC_CTRL_NOT_SUSPENDED, resume(t, (unsigned)id));
}

static void wrong_requests(struct nvsr_ctx *t)
{
	uint8_t page[4096];
	struct nvsr_dev *vf;
	int id = migratable(t, &vf);
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_MIGRATION_SEND, .cdw11 = (uint32_t)id };

	if (id < 0)
		return;
	CHECK_STATUS(t, "Resume of a running controller", NVME_SC_CTRL_NOT_SUSPENDED, resume(t, (unsigned)id));
	CHECK_STATUS(t, "reserved SEL 3h", NVME_SC_INVALID_FIELD, send(t, 3, (unsigned)id, 0));
	CHECK_STATUS(t, "state of an unknown controller", NVME_SC_INVALID_CTRL_ID,
		     get_state(t, UNKNOWN_CNTLID, 0, page, sizeof(page), NULL));
	CHECK_STATUS(t, "unknown version index", NVME_SC_INVALID_FIELD,
		     get_state(t, (unsigned)id, 0xff, page, sizeof(page), NULL));
	CHECK_STATUS(t, "Migration Send on a VF", NVME_SC_INVALID_OPCODE, nvsr_admin(vf, &c));
}

static void state_shows_the_queues(struct nvsr_ctx *t)
{
	const struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 8, .cq_entries = 16 };
	_cleanup_free_ struct nvme_ctrl_state *s = calloc(1, 4096), *again = calloc(1, 4096);
	struct nvsr_queue *q;
	struct nvsr_dev *vf;
	int id = migratable(t, &vf);
	uint32_t dw0 = 0, len;
	GUARD(t, id);

	if (id < 0 || !s || !again)
		return;
	PREPARE(t, "a queue pair on VF 1", nvsr_queue_create(vf, &o, &q));
	MUST_OK(t, "state of a running controller", get_state(t, (unsigned)id, 0, s, 4096, &dw0));
	CHECK_EQ(t, "CSUP of a running controller", 0, dw0 & NVME_MIGRATION_CSUP);
	MUST_OK(t, "Suspend", suspend(t, (unsigned)id));
	MUST_OK(t, "state of a suspended controller", get_state(t, (unsigned)id, 0, s, 4096, &dw0));
	CHECK_EQ(t, "CSUP of a suspended controller", 1, dw0 & NVME_MIGRATION_CSUP);
	MUST(t, le16_get(s->niosq) == 1 && le16_get(s->niocq) == 1, "one queue pair", "NIOSQ %u, NIOCQ %u",
	     le16_get(s->niosq), le16_get(s->niocq));
	CHECK_EQ(t, "queue id and size of the submission queue", 1 | 7 << 16,
		 le16_get(s->queue[0].sq.qid) | (uint32_t)le16_get(s->queue[0].sq.qsize) << 16);
	CHECK_EQ(t, "version of the state", 0, le16_get(s->ver));
	len = offsetof(struct nvme_ctrl_state, nver) + (uint32_t)nvsr_le_read(s->nvmecss, 8) * 4;
	MUST_EQ(t, "bytes of a state with one queue pair", offsetof(struct nvme_ctrl_state, queue) + 2 * sizeof(s->queue[0]), len);
	CHECK_STATUS(t, "a state with queues for a controller that has some", NVME_SC_INVALID_FIELD,
		     set_state(t, (unsigned)id, NVME_SEQIND_ALONE, 0, s, len));
	PREPARE(t, "Controller Reset of VF 1", nvsr_reset(vf, NVSR_RESET_CTRL));
	MUST_OK(t, "Set Controller State", set_state(t, (unsigned)id, NVME_SEQIND_ALONE, 0, s, len));
	MUST_OK(t, "state after it was set", get_state(t, (unsigned)id, 0, again, 4096, NULL));
	CHECK(t, !memcmp(s, again, 4096), "the state that was set", "another one: NIOSQ %u, NIOCQ %u",
	      le16_get(again->niosq), le16_get(again->niocq));
	CHECK_OK(t, "Resume", resume(t, (unsigned)id));
}

static void set_state_in_order(struct nvsr_ctx *t)
{
	uint8_t data[64] = { 0 };
	struct nvsr_dev *vf;
	int id = migratable(t, &vf);
	GUARD(t, id);

	if (id < 0)
		return;
	/* The text can be read as if an enabled controller did not have to be suspended. */
	nvsr_note(t, "Set Controller State of a running controller: %s",
		  nvsr_rc_text(set_state(t, (unsigned)id, NVME_SEQIND_ALONE, 0, data, sizeof(data))));
	MUST_OK(t, "Suspend", suspend(t, (unsigned)id));
	CHECK_STATUS(t, "a last part without a first", NVME_SC_CMD_SEQ_ERROR,
		     set_state(t, (unsigned)id, NVME_SEQIND_LAST, 0, data, sizeof(data)));
	CHECK_STATUS(t, "an offset that is no multiple of 4", NVME_SC_INVALID_FIELD,
		     set_state(t, (unsigned)id, NVME_SEQIND_FIRST, 2, data, sizeof(data)));
	MUST_OK(t, "a first part", set_state(t, (unsigned)id, NVME_SEQIND_FIRST, 0, data, 32));
	CHECK_STATUS(t, "Resume in between", NVME_SC_CMD_SEQ_ERROR, resume(t, (unsigned)id));
	CHECK_OK(t, "the last part", set_state(t, (unsigned)id, NVME_SEQIND_LAST, 32, data, 32));
	CHECK_OK(t, "Resume", resume(t, (unsigned)id));
}

static void formats_are_listed(struct nvsr_ctx *t)
{
	uint8_t page[4096];

	MUST_OK(t, "Identify CNS 20h", nvsr_identify(t->pf, NVME_CNS_CTRL_STATE_FORMATS, 0, 0, page));
	CHECK(t, page[0] > 0, "at least one version of the state", "NV %u", page[0]);
}

static void sanitize_waits(struct nvsr_ctx *t)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_SANITIZE };
	uint32_t can = le32_get(t->inv->id.sanicap);
	struct nvsr_dev *vf;
	int id = migratable(t, &vf);
	GUARD(t, id);

	if (id < 0)
		return;
	c.cdw10 = can & NVME_SANICAP_BLOCK ? NVME_SANACT_BLOCK : can & NVME_SANICAP_CRYPTO ? NVME_SANACT_CRYPTO :
									       NVME_SANACT_OVERWRITE;
	MUST_OK(t, "Suspend", suspend(t, (unsigned)id));
	CHECK_STATUS(t, "Sanitize while VF 1 is suspended", NVME_SC_CTRL_SUSPENDED, nvsr_admin(t->pf, &c));
	CHECK_OK(t, "Resume", resume(t, (unsigned)id));
	nvsr_dev_sleep_ms(t->pf, 1000);
}

static const struct nvsr_test tests[] = {
	{ .id = "suspend-stops-one", .title = "a suspended controller fetches nothing until Resume, and no other notices",
	  .requirements = REQS("N21-03", "N21-04"), .needs = NEEDS | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("suspend-ignored", "suspend-again-refused", "suspend-hits-siblings", "resume-ignored"),
	  .run = suspend_stops_one },
	{ .id = "reset-of-the-manager-resumes", .title = "a reset of the PF ends the suspension of a VF",
	  .requirements = REQS("N21-04"), .needs = NEEDS | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("suspend-survives-reset"), .run = reset_of_the_manager_resumes },
	{ .id = "wrong-requests", .title = "wrong migration requests abort with the status of their mistake",
	  .requirements = REQS("N21-01", "N21-02", "N21-05", "N21-07"), .needs = NEEDS,
	  .caught_by = DEFECTS("resume-running-succeeds", "migration-reserved-sel", "migration-any-cntlid",
			       "migration-any-index", "vf-accepts-migration"), .run = wrong_requests },
	{ .id = "state-shows-the-queues", .title = "the state of a controller has its I/O queues, and can be set again",
	  .requirements = REQS("N21-06", "N21-07", "N21-08"), .needs = NEEDS | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("migration-csup-inverted", "migration-state-empty"), .run = state_shows_the_queues },
	{ .id = "set-state-in-order", .title = "Set Controller State takes its parts in order and at whole dwords",
	  .requirements = REQS("N21-06"), .needs = NEEDS,
	  .caught_by = DEFECTS("set-state-without-first", "set-state-unaligned"),
	  .run = set_state_in_order },
	{ .id = "formats-are-listed", .title = "CNS 20h lists the formats of a controller state",
	  .requirements = REQS("N21-09"), .needs = NVSR_NEED(MIGRATION),
	  .caught_by = DEFECTS("state-formats-unsupported"), .run = formats_are_listed },
	{ .id = "sanitize-waits", .title = "Sanitize aborts while a controller is suspended",
	  .requirements = REQS("N21-14", "ERA-19"), .needs = NEEDS | NVSR_NEED(SANITIZE),
	  .caught_by = DEFECTS("sanitize-while-suspended"), .run = sanitize_waits },
};
const struct nvsr_group nvsr_vf_migrate = NVSR_GROUP("vf.migrate", tests);
