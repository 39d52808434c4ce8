// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.identify: what a device that supports reservations says it supports, Base 2.0 8.19 and 5.17. */
#include "resv.h"

#define VS_1_3 0x00010300u

/* --- ONCS and the commands ------------------------------------------------------------------------------------- */

static const struct { uint8_t opcode; const char *name; uint32_t len; } commands[] = {
	{ NVME_CMD_RESV_REPORT, "Reservation Report", 64 }, { NVME_CMD_RESV_REGISTER, "Reservation Register", 16 },
	{ NVME_CMD_RESV_ACQUIRE, "Reservation Acquire", 16 }, { NVME_CMD_RESV_RELEASE, "Reservation Release", 8 },
};

static void expect_no_commands(struct nvsr_ctx *t, uint32_t nsid)
{
	uint8_t data[64] = { 0 };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(commands); i++) {
		struct nvsr_cmd c = {
			.opcode = commands[i].opcode, .nsid = nsid, .cdw10 = i ? 0 : commands[i].len / 4 - 1, .data = data,
			.data_len = commands[i].len,
		};

		CHECK_STATUS(t, rsv_text("%s without ONCS bit 5", commands[i].name), NVME_SC_INVALID_OPCODE,
			     nvsr_io(t->pf, &c));
	}
}

static void commands_match_oncs(struct nvsr_ctx *t)
{
	bool claimed = le16_get(t->inv->id.oncs) & NVME_ONCS_RESERVATIONS;
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	struct nvme_id_ns ns;
	uint8_t raw[64];

	if (!nsid)
		return;
	PREPARE(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	MUST_OK(t, "CNS 00h", nvsr_identify(t->pf, NVME_CNS_NS, nsid, 0, &ns));
	CHECK(t, claimed || !ns.rescap, "RESCAP is 0 without ONCS bit 5", "RESCAP = %02xh", ns.rescap);
	if (claimed && ns.rescap)
		CHECK_STATUS_IN(t, "Reservation Report with ONCS bit 5 and RESCAP", rsv_report(t->pf, nsid, false, raw, 64),
				NVME_SC_SUCCESS, NVME_SC_HOSTID_FORMAT);
	else
		expect_no_commands(t, nsid);
}

static void controllers_agree(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct nvme_id_ctrl id;
	struct nvme_id_ns ns;

	if (!RSV_START(t, &r, 0, 1))
		return;
	for (unsigned i = 0; i < r.n; i++) {
		MUST_OK(t, "Identify Controller", nvsr_id_ctrl(r.h[i].dev, &id));
		CHECK(t, le16_get(id.oncs) & NVME_ONCS_RESERVATIONS, "ONCS bit 5 is 1 on every controller", "0 on %s",
		      r.h[i].name);
		MUST_OK(t, "CNS 00h", nvsr_identify(r.h[i].dev, NVME_CNS_NS, r.nsid, 0, &ns));
		CHECK_EQ(t, rsv_text("RESCAP on %s", r.h[i].name), r.rescap, ns.rescap);
	}
}

static void rescap_bits(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 0))
		return;
	CHECK(t, r.rescap & 0x7e, "RESCAP names at least one reservation type", "RESCAP = %02xh", r.rescap);
	if (t->inv->vs >= VS_1_3)
		CHECK(t, r.rescap & RSV_RESCAP_IEKEY13, "RESCAP bit 7 is 1 from revision 1.3 on", "RESCAP = %02xh, VS = %xh",
		      r.rescap, t->inv->vs);
	nvsr_note(t, "RESCAP %02xh", r.rescap);
}

/* --- what comes with reservations ------------------------------------------------------------------------------ */

static void check_companions(struct nvsr_ctx *t, struct rsv *r, unsigned i)
{
	static const uint8_t fids[] = { NVME_FEAT_RESV_MASK, NVME_FEAT_RESV_PERSIST };
	const struct rsv_host *h = &r->h[i];
	uint8_t log[64];
	uint64_t id;

	CHECK_OK(t, rsv_text("Get Log Page 80h on %s", h->name),
		 nvsr_get_log(h->dev, NVME_LOG_RESERVATION, NVME_NSID_ALL, false, log, sizeof(log)));
	CHECK_OK(t, rsv_text("Get Features 81h on %s", h->name), rsv_get_host_id(h->dev, r->wide, &id));
	for (unsigned k = 0; k < NVSR_ARRAY_SIZE(fids); k++) {
		uint32_t dw0;

		if (CHECK_OK(t, rsv_text("Get Features %02xh on %s", fids[k], h->name),
			     nvsr_get_feature(h->dev, fids[k], r->nsid, 0, NULL, 0, &dw0)))
			CHECK_OK(t, rsv_text("Set Features %02xh on %s", fids[k], h->name),
				 nvsr_set_feature(h->dev, fids[k], r->nsid, dw0, NULL, 0, NULL));
	}
}

static void log_and_features(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!RSV_START(t, &r, 0, 1))
		return;
	for (unsigned i = 0; i < r.n; i++)
		check_companions(t, &r, i);
}

static const struct nvsr_test tests[] = {
	{ .id = "commands-match-oncs",
	  .title = "the reservation commands exist if and only if ONCS bit 5 and RESCAP say so",
	  .requirements = REQS("RSV-01"), .needs = NVSR_NEED(NS_MGMT) | NVSR_NEED(IO) | NVSR_NEED(DESTROY),
	  .caught_by = DEFECTS("oncs-hides-reservations"), .run = commands_match_oncs },
	{ .id = "controllers-agree", .title = "PF and VF report the same support of reservations",
	  .requirements = REQS("RSV-01"), .needs = RSV_VF, .caught_by = DEFECTS("rescap-differs"),
	  .run = controllers_agree },
	{ .id = "rescap-bits", .title = "RESCAP names reservation types and the semantics of IEKEY",
	  .requirements = REQS("RSV-02"), .needs = RSV_NEEDS, .caught_by = DEFECTS("rescap-old-iekey"),
	  .run = rescap_bits },
	{ .id = "log-and-features",
	  .title = "log page 80h and features 81h, 82h, 83h come with reservations, also on a VF",
	  .requirements = REQS("RSV-03"), .needs = RSV_VF, .caught_by = DEFECTS("resv-log-missing"),
	  .run = log_and_features },
};

const struct nvsr_group nvsr_reservation_identify = NVSR_GROUP("reservation.identify", tests);
