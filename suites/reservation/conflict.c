// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reservation.conflict: which I/O command each role may execute under each reservation type, the table of Base 2.0 8.19.
 * A command in conflict aborts with 0/83h and does nothing.
 */
#include "resv.h"

#define ONCS_WRITE_UNCOR 0x0002

enum group { READS, WRITES, COPIES };
enum role { HOLDER, REGISTRANT, STRANGER, ROLES };
static const char *const role_names[ROLES] = { "holder", "registrant", "host that is no registrant" };

/* LBAs of the commands: what reads read, what writes may hit, what Write Uncorrectable may spoil, where Copy writes. */
enum { LBA_DATA = 8, LBA_WRITE = 16, LBA_SPOIL = 24, LBA_COPY = 32 };
#define TAG_DATA  1
#define TAG_KEPT  2
#define TAG_WRITE 3

struct cmd {
	const char *name;
	enum group group;
	uint16_t oncs;		/* the bit of ONCS that must be 1; 0: mandatory */
	uint8_t opcode;
	uint64_t lba;
	uint32_t cdw11, cdw12;	/* cdw11 where the command has no upper half of an LBA there */
};
static const struct cmd cmds[] = {
	{ "Read", READS, 0, NVME_CMD_READ, LBA_DATA, 0, 0 },
	{ "Compare", READS, NVME_ONCS_COMPARE, NVME_CMD_COMPARE, LBA_DATA, 0, 0 },
	{ "Verify", READS, NVME_ONCS_VERIFY, NVME_CMD_VERIFY, LBA_DATA, 0, 0 },
	{ "Write", WRITES, 0, NVME_CMD_WRITE, LBA_WRITE, 0, 0 },
	{ "Flush", WRITES, 0, NVME_CMD_FLUSH, 0, 0, 0 },
	{ "Write Zeroes", WRITES, NVME_ONCS_WRITE_ZEROES, NVME_CMD_WRITE_ZEROES, LBA_WRITE, 0, 0 },
	{ "Dataset Management", WRITES, NVME_ONCS_DSM, NVME_CMD_DSM, 0, NVME_DSM_DEALLOCATE, 0 },
	{ "Write Uncorrectable", WRITES, ONCS_WRITE_UNCOR, NVME_CMD_WRITE_UNCOR, LBA_SPOIL, 0, 0 },
	{ "Copy", COPIES, NVME_ONCS_COPY, NVME_CMD_COPY, LBA_COPY, 0, 0 },
};

/* The table.  For the All Registrants types a registrant is a holder. */
static bool allowed(enum group g, unsigned type, enum role who)
{
	bool exclusive_access = type == NVME_RESV_EA || type == NVME_RESV_EARO || type == NVME_RESV_EAAR;
	bool registrants = type >= NVME_RESV_WERO;

	if (who == HOLDER || (who == REGISTRANT && registrants))
		return true;
	return g == READS && !exclusive_access;
}

struct try {
	struct rsv r;
	const struct cmd *cmd;
	uint8_t *buf;
};

static void try_end(struct try *y)
{
	rsv_end(&y->r);
	free(y->buf);
}
#define _cleanup_try_ NVSR_CLEANUP(try_end)

/* What the command carries: a pattern for Write, what is on the medium for Compare, one range for the others. */
static uint32_t payload(struct try *y)
{
	struct nvme_dsm_range range = { .nlb = le32(1), .slba = le64(LBA_WRITE) };

	memset(y->buf, 0, y->r.block);
	switch (y->cmd->opcode) {
	case NVME_CMD_READ: return y->r.block;
	case NVME_CMD_COMPARE: rsv_fill(&y->r, y->buf, TAG_DATA); return y->r.block;
	case NVME_CMD_WRITE: rsv_fill(&y->r, y->buf, TAG_WRITE); return y->r.block;
	case NVME_CMD_DSM: memcpy(y->buf, &range, sizeof(range)); return sizeof(range);
	case NVME_CMD_COPY: y->buf[8] = LBA_DATA; return 32;	/* one source range of format 0: SLBA 15:8, NLB 17:16 */
	default: return 0;
	}
}

static int execute(struct try *y, unsigned host)
{
	uint32_t len = payload(y);
	struct nvsr_cmd c = {
		.opcode = y->cmd->opcode, .nsid = y->r.nsid, .cdw10 = (uint32_t)y->cmd->lba, .cdw11 = y->cmd->cdw11,
		.cdw12 = y->cmd->cdw12, .data = len ? y->buf : NULL, .data_len = len,
	};

	return nvsr_io(y->r.h[host].dev, &c);
}

static bool put(struct try *y, uint64_t lba, unsigned tag)
{
	rsv_fill(&y->r, y->buf, tag);
	return CHECK_OK(y->r.t, "Write by the holder", rsv_rw(&y->r, 0, true, lba, y->buf));
}

/* Nothing of a refused command happened, as the holder reads. */
static void check_untouched(struct try *y, const char *what)
{
	static const uint64_t lbas[] = { LBA_WRITE, LBA_SPOIL, LBA_COPY };
	struct nvsr_ctx *t = y->r.t;

	if (y->cmd->opcode == NVME_CMD_READ)
		CHECK(t, !rsv_holds(&y->r, y->buf, TAG_DATA), "a Read in conflict transfers no data", "%s: the data", what);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(lbas) && y->cmd->group != READS; i++) {
		if (CHECK_OK(t, rsv_text("%s: Read by the holder", what), rsv_rw(&y->r, 0, false, lbas[i], y->buf)))
			CHECK(t, rsv_holds(&y->r, y->buf, TAG_KEPT), "a command in conflict changes no data",
			      "%s: LBA %u has other data", what, (unsigned)lbas[i]);
	}
}

static void try_role(struct try *y, unsigned type, enum role who)
{
	const char *what = rsv_text("%s by the %s (%s) under %s", y->cmd->name, role_names[who], y->r.h[who].name,
				    rsv_type_name(type));
	bool may = allowed(y->cmd->group, type, who);

	if (!put(y, LBA_DATA, TAG_DATA) || !put(y, LBA_WRITE, TAG_KEPT) || !put(y, LBA_SPOIL, TAG_KEPT) ||
	    !put(y, LBA_COPY, TAG_KEPT))
		return;
	if (CHECK_STATUS(y->r.t, what, may ? NVME_SC_SUCCESS : NVME_SC_RESV_CONFLICT, execute(y, who)) && !may)
		check_untouched(y, what);
}

static bool supported(const struct nvsr_ctx *t, const struct cmd *c)
{
	return !c->oncs || le16_get(t->inv->id.oncs) & c->oncs;
}

static void try_type(struct try *y, enum group g, unsigned type)
{
	if (!rsv_scene(&y->r, type, 2))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cmds); i++) {
		y->cmd = &cmds[i];
		if (y->cmd->group != g || !supported(y->r.t, y->cmd))
			continue;
		for (enum role who = HOLDER; who < ROLES; who++)
			try_role(y, type, who);
	}
	rsv_check(&y->r, "after the commands", 0, type, 3, rsv_all_registrants(type) ? 3 : 1);
	rsv_clear(&y->r, 0);
}

/* The hosts @vfn[0..2] are holder, registrant, and neither. */
static void matrix(struct nvsr_ctx *t, enum group g, const unsigned vfn[ROLES])
{
	_cleanup_try_ struct try y = { 0 };
	unsigned commands = 0;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cmds); i++)
		commands += cmds[i].group == g && supported(t, &cmds[i]);
	if (!commands)
		SKIP(t, "the controller supports no command of this group (ONCS %04xh)", le16_get(t->inv->id.oncs));
	if (!rsv_start(t, &y.r, vfn, ROLES))
		return;
	y.buf = calloc(1, y.r.block);
	if (!y.buf)
		BROKEN(t, "no memory");
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++)
		if (rsv_has(&y.r, type))
			try_type(&y, g, type);
}

static const unsigned vf_holds[ROLES] = { 1, 2, 0 }, pf_holds[ROLES] = { 0, 1, 2 };

static void reads_beside_a_vf(struct nvsr_ctx *t)
{
	matrix(t, READS, vf_holds);
}

static void reads_beside_the_pf(struct nvsr_ctx *t)
{
	matrix(t, READS, pf_holds);
}

static void writes_beside_a_vf(struct nvsr_ctx *t)
{
	matrix(t, WRITES, vf_holds);
}

static void writes_beside_the_pf(struct nvsr_ctx *t)
{
	matrix(t, WRITES, pf_holds);
}

static void copy_beside_a_vf(struct nvsr_ctx *t)
{
	matrix(t, COPIES, vf_holds);
}

/* --- what never conflicts -------------------------------------------------------------------------------------- */

static void other_commands(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	uint8_t id[NVME_IDENTIFY_SIZE];
	uint32_t dw0;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_scene(&r, NVME_RESV_EA, 1))
		return;
	for (unsigned i = 1; i < r.n; i++) {
		struct rsv_host *h = &r.h[i];

		CHECK_OK(t, rsv_text("Identify Namespace on %s", h->name), nvsr_identify(h->dev, NVME_CNS_NS, r.nsid, 0, id));
		CHECK_OK(t, rsv_text("Get Features 83h on %s", h->name),
			 nvsr_get_feature(h->dev, NVME_FEAT_RESV_PERSIST, r.nsid, 0, NULL, 0, &dw0));
		rsv_check(&r, rsv_text("Report on %s", h->name), i, NVME_RESV_EA, 1, 1);
		CHECK_OK(t, rsv_text("Register on %s", h->name),
			 rsv_register(h->dev, r.nsid, NVME_RREGA_REGISTER, 0, h->key));
		CHECK_OK(t, rsv_text("Unregister on %s", h->name),
			 rsv_register(h->dev, r.nsid, NVME_RREGA_UNREGISTER, h->key, 0));
	}
}

static void other_namespaces(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ void *buf = NULL;
	uint32_t other = 0;

	if (RSV_START(t, &r, 1, 2, 0))
		other = nvsr_t_ns(t, 1, true);
	buf = other ? calloc(1, r.block) : NULL;
	if (!buf)
		return;
	for (unsigned i = 1; i < r.n; i++)
		PREPARE(t, "attach a second namespace", nvsr_ns_attach(t->pf, other, r.h[i].cntlid));
	if (!rsv_scene(&r, NVME_RESV_EA, 1))
		return;
	for (unsigned i = 1; i < r.n; i++) {
		CHECK_OK(t, rsv_text("Write on %s to a namespace without a reservation", r.h[i].name),
			 nvsr_rw(r.h[i].dev, true, other, 0, 1, buf, r.block));
		CHECK_OK(t, rsv_text("Read on %s of a namespace without a reservation", r.h[i].name),
			 nvsr_rw(r.h[i].dev, false, other, 0, 1, buf, r.block));
	}
}

/* Being a registrant restricts nobody: without a reservation everybody has access. */
static void registrations_alone(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	_cleanup_free_ void *buf = NULL;

	if (!RSV_START(t, &r, 1, 2, 0) || !rsv_join(&r, 0))
		return;
	buf = calloc(1, r.block);
	if (!buf)
		BROKEN(t, "no memory");
	for (unsigned i = 0; i < r.n; i++)
		CHECK_OK(t, rsv_text("Write on %s while no reservation is held", r.h[i].name), rsv_rw(&r, i, true, 0, buf));
	if (!rsv_hold(&r, 0, NVME_RESV_WE))
		return;
	MUST_OK(t, "Release", rsv_release(r.h[0].dev, r.nsid, RSV_RTYPE(NVME_RESV_WE), r.h[0].key));
	for (unsigned i = 0; i < r.n; i++)
		CHECK_OK(t, rsv_text("Write on %s after Release", r.h[i].name), rsv_rw(&r, i, true, 0, buf));
}

#define NEED (RSV_2VF)
/* One defect for each cell of the table that a drive can have wrong. */
#define READS_ALLOWED "ea-allows-read", "ea-registrant-allowed", "earo-allows-read", "eaar-allows-read"
#define READS_BLOCKED "we-blocks-read", "wero-blocks-read", "wear-blocks-read", "earo-blocks-registrant", \
	"eaar-blocks-registrant"
#define WRITES_ALLOWED "we-allows-write", "we-registrant-writes", "ea-allows-write", "ea-registrant-allowed", \
	"wero-allows-write", "earo-allows-write", "wear-allows-write", "eaar-allows-write"
#define WRITES_BLOCKED "wero-blocks-registrant", "earo-blocks-registrant", "wear-blocks-registrant", \
	"eaar-blocks-registrant"
#define READ_CELLS READS_ALLOWED, READS_BLOCKED, "holder-blocked", "conflict-executes", "read-ignores-reservation", \
	"compare-ignores-reservation", "verify-ignores-reservation"
#define WRITE_CELLS WRITES_ALLOWED, WRITES_BLOCKED, "holder-blocked", "conflict-executes", "write-ignores-reservation", \
	"flush-ignores-reservation", "write-zeroes-ignores-reservation", "dsm-ignores-reservation"
static const struct nvsr_test tests[] = {
	{ .id = "reads-beside-a-vf", .title = "Read, Compare and Verify by each role while a VF holds each type",
	  .requirements = REQS("RSV-29"), .needs = NEED, .caught_by = DEFECTS(READ_CELLS), .run = reads_beside_a_vf },
	{ .id = "reads-beside-the-pf", .title = "Read, Compare and Verify by each role while the PF holds each type",
	  .requirements = REQS("RSV-29"), .needs = NEED, .caught_by = DEFECTS(READ_CELLS),
	  .run = reads_beside_the_pf },
	{ .id = "writes-beside-a-vf", .title = "commands that write by each role while a VF holds each type",
	  .requirements = REQS("RSV-29"), .needs = NEED, .caught_by = DEFECTS(WRITE_CELLS),
	  .run = writes_beside_a_vf },
	{ .id = "writes-beside-the-pf", .title = "commands that write by each role while the PF holds each type",
	  .requirements = REQS("RSV-29"), .needs = NEED, .caught_by = DEFECTS(WRITE_CELLS),
	  .run = writes_beside_the_pf },
	{ .id = "copy-beside-a-vf", .title = "Copy by each role while a VF holds each type",
	  .requirements = REQS("RSV-29"), .needs = NEED | NVSR_NEED(COPY),
	  .caught_by = DEFECTS(WRITES_ALLOWED, WRITES_BLOCKED, "conflict-executes", "copy-ignores-reservation"),
	  .run = copy_beside_a_vf },
	{ .id = "other-commands", .title = "Identify, features, Report and Register never conflict",
	  .requirements = REQS("RSV-29"), .needs = RSV_2VF, .caught_by = DEFECTS("report-needs-registration"),
	  .run = other_commands },
	{ .id = "other-namespaces", .title = "a reservation restricts its own namespace only",
	  .requirements = REQS("RSV-29"), .needs = NEED, .caught_by = DEFECTS("resv-hits-neighbours"),
	  .run = other_namespaces },
	{ .id = "registrations-alone", .title = "without a reservation every host has access",
	  .requirements = REQS("RSV-29"), .needs = NEED, .caught_by = DEFECTS("release-ignored"),
	  .run = registrations_alone },
};

const struct nvsr_group nvsr_reservation_conflict = NVSR_GROUP("reservation.conflict", tests);
