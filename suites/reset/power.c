// SPDX-License-Identifier: GPL-2.0-or-later
/* reset.power: a power cycle keeps data and namespaces, and nothing volatile.  Base 2.0 3.7, 5.22, 5.23. */
#include "reset.h"

#define NEED (RST_NEED_CFG | NVSR_NEED(POWER_CYCLE))

static void keeps_data(struct nvsr_ctx *t)
{
	struct rst_data d;

	if (!rst_data_write(t, &d))
		return;
	/* without Flush a volatile write cache may lose what it holds */
	for (unsigned i = 0; i < 2; i++) {
		struct nvsr_cmd flush = { .opcode = NVME_CMD_FLUSH, .nsid = i ? d.own.nsid : d.shared.nsid };

		MUST_OK(t, "Flush of VF 1", nvsr_io(nvsr_t_vf(t, 1), &flush));
	}
	PREPARE(t, "power cycle", nvsr_reset(t->pf, NVSR_RESET_POWER));
	rst_data_check(t, &d, true, "after a power cycle");
}

/* Identify Namespace without what writes change. */
static bool identity(struct nvsr_ctx *t, uint32_t nsid, struct nvme_id_ns *ret)
{
	int rc = nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, ret);

	ret->nuse = le64(0);
	return CHECK_OK(t, rst_text("CNS 11h of namespace %u", nsid), rc);
}

static void namespaces_stay(struct nvsr_ctx *t)
{
	struct nvme_id_ns before[2], now;
	uint32_t nsid[2], list[256], after[256];
	unsigned n, m;

	for (unsigned i = 0; i < 2; i++)
		if (!(nsid[i] = nvsr_t_ns(t, 1 + i, i)) || !identity(t, nsid[i], &before[i]))
			return;
	PREPARE(t, "list of allocated namespaces", nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, list, NVSR_ARRAY_SIZE(list), &n));
	PREPARE(t, "power cycle", nvsr_reset(t->pf, NVSR_RESET_POWER));
	MUST_OK(t, "list of allocated namespaces", nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, after, NVSR_ARRAY_SIZE(after), &m));
	CHECK_EQ(t, "number of allocated namespaces after a power cycle", n, m);
	CHECK(t, n != m || !memcmp(list, after, n * sizeof(list[0])), "the same NSIDs are allocated", "other NSIDs");
	for (unsigned i = 0; i < 2; i++) {
		if (!identity(t, nsid[i], &now))
			continue;
		CHECK_EQ(t, "NSZE after a power cycle", le64_get(before[i].nsze), le64_get(now.nsze));
		CHECK_EQ(t, "NMIC after a power cycle", before[i].nmic, now.nmic);
		CHECK_EQ(t, "FLBAS after a power cycle", before[i].flbas, now.flbas);
		CHECK(t, !memcmp(before[i].nguid, now.nguid, sizeof(now.nguid)) &&
		      !memcmp(before[i].eui64, now.eui64, sizeof(now.eui64)),
		      "NGUID and EUI64 are those of the namespace for life", "namespace %u has others after a power cycle", nsid[i]);
	}
}

static void under_load(struct nvsr_ctx *t)
{
	_cleanup_rst_ struct rst_set s = { 0 };
	_cleanup_held_ struct rst_held h = { 0 };
	_cleanup_dev_ struct nvsr_dev *vf = NULL;
	uint64_t aqa, asq, acq;

	if (!rst_prepare(t, &s) || !rst_begin(t, &s) || !rst_hold(t, &h, &s.load[1]))
		return;
	PREPARE(t, "power cycle", nvsr_reset(t->pf, NVSR_RESET_POWER));
	for (unsigned i = 1; i < DAT_CTRLS; i++)
		CHECK(t, !pf_rid_answers(t, nvsr_dev_rid(s.load[i].dev)), "VF Enable is 0 after a power cycle", "VF %u answers", i);
	rst_unload(&s.load[0]);
	/* the acknowledged data may have been in a volatile cache: only what must not come back is judged */
	rst_check_never(t, &h, &s.load[0], "after a power cycle");
	PREPARE(t, "enabling VFs again", nvsr_set_numvfs(t->pf, 0));
	PREPARE(t, "enabling VFs again", nvsr_set_numvfs(t->pf, 2));
	/* as the power left it: this VF is neither assigned nor enabled */
	if (!(t->inv->has & NVSR_NEED(VIRT_MGMT))) {
		PREPARE(t, "AQA of VF 2", nvsr_reg_read(s.load[2].dev, NVME_REG_AQA, 4, &aqa));
		PREPARE(t, "ASQ of VF 2", nvsr_reg_read(s.load[2].dev, NVME_REG_ASQ, 8, &asq));
		PREPARE(t, "ACQ of VF 2", nvsr_reg_read(s.load[2].dev, NVME_REG_ACQ, 8, &acq));
		CHECK(t, !aqa && !asq && !acq, "AQA, ASQ and ACQ are 0 after a power cycle", "VF 2: %llXh, %llXh, %llXh",
		      (unsigned long long)aqa, (unsigned long long)asq, (unsigned long long)acq);
	}
	if (rst_vf_again(t, 1, &vf))
		rst_check_never(t, &h, &s.load[0], "after a power cycle, VF 1 Online again");
}

static const struct nvsr_test tests[] = {
	{ .id = "keeps-data", .title = "flushed data of a VF is there after a power cycle",
	  .requirements = REQS("ISO-05"), .needs = DAT_NEED_VF | NVSR_NEED(POWER_CYCLE),
	  .caught_by = DEFECTS("power-cycle-drops-writes"), .run = keeps_data },
	{ .id = "namespaces-stay", .title = "namespaces and their identifiers are the same after a power cycle",
	  .requirements = REQS("NSM-46"), .needs = NVSR_NEED(NS_MGMT) | NVSR_NEED(DESTROY) | NVSR_NEED(POWER_CYCLE),
	  .caught_by = DEFECTS("power-cycle-renews-nguid"), .run = namespaces_stay },
	{ .id = "under-load", .title = "no command of before a power cycle runs after it, VFs are gone",
	  .requirements = REQS("PCIE-38", "PCIE-47"), .needs = NEED,
	  .caught_by = DEFECTS("queued-commands-survive-vf-disable", "hot-reset-keeps-vfe"), .run = under_load },
};

const struct nvsr_group nvsr_reset_power = NVSR_GROUP("reset.power", tests);
