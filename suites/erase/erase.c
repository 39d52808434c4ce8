// SPDX-License-Identifier: GPL-2.0-or-later
/* What the groups of the erase suite share. */
#include "suites/erase/erase.h"

#define FORMAT_MS (ERA_LIMIT_S * 1000u)

/* --- Format NVM --------------------------------------------------------------------------------------------------- */

int era_format_raw(struct nvsr_dev *d, uint32_t nsid, uint32_t cdw10)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_FORMAT, .nsid = nsid, .cdw10 = cdw10, .timeout_ms = FORMAT_MS };

	return nvsr_admin(d, &c);
}

unsigned era_lbaf(struct nvsr_ctx *t, uint32_t nsid)
{
	struct nvme_id_ns id;

	return nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &id) ? 0 : NVME_FLBAS_INDEX(id.flbas);
}

int era_format(struct nvsr_ctx *t, const struct dat_ns *ns, enum nvme_ses ses)
{
	return era_format_raw(t->pf, ns->nsid, NVME_FORMAT_CDW10(era_lbaf(t, ns->nsid), ses));
}

bool era_affects_all(struct nvsr_ctx *t, enum nvme_ses ses)
{
	return t->inv->id.fna & (ses == NVME_SES_NONE ? NVME_FNA_FORMAT_ALL : NVME_FNA_ERASE_ALL);
}

/* --- Sanitize ----------------------------------------------------------------------------------------------------- */

int era_sanitize(struct nvsr_dev *d, uint32_t cdw10)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_SANITIZE, .cdw10 = cdw10 };

	return nvsr_admin(d, &c);
}

int era_sanitize_log(struct nvsr_dev *d, struct nvme_sanitize_log *ret)
{
	return nvsr_get_log(d, NVME_LOG_SANITIZE, 0, true, ret, sizeof(*ret));
}

static const struct { uint32_t cap; enum nvme_sanact action; } actions[] = {
	{ NVME_SANICAP_CRYPTO, NVME_SANACT_CRYPTO }, { NVME_SANICAP_BLOCK, NVME_SANACT_BLOCK },
	{ NVME_SANICAP_OVERWRITE, NVME_SANACT_OVERWRITE },
};

enum nvme_sanact era_sanact(struct nvsr_ctx *t)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(actions); i++)
		if (le32_get(t->inv->id.sanicap) & actions[i].cap)
			return actions[i].action;
	return 0;
}

uint32_t era_sanact_cdw10(enum nvme_sanact action)
{
	return action | (action == NVME_SANACT_OVERWRITE ? NVME_SANITIZE_OWPASS(1) : 0);
}

bool era_sanitizing(struct nvsr_dev *d)
{
	struct nvme_sanitize_log log;

	return !era_sanitize_log(d, &log) && NVME_SSTAT_STATUS(le16_get(log.sstat)) == NVME_SSTAT_IN_PROGRESS;
}

static bool has_ended(struct nvsr_dev *d, void *arg)
{
	return !era_sanitizing(d);
}

bool era_sanitize_wait(struct nvsr_ctx *t, struct nvsr_dev *d, struct nvme_sanitize_log *ret)
{
	bool ended = nvsr_dev_wait(d, FORMAT_MS, has_ended, NULL);
	int rc = era_sanitize_log(d, ret);

	return nvsr_check(t, __FILE__, __LINE__, ended, "the sanitize operation ends", "in progress after %u s",
			  ERA_LIMIT_S) &&
	       CHECK_OK(t, "Get Log Page 81h", rc);
}

/* --- who is there to be erased ------------------------------------------------------------------------------------ */

bool era_field(struct nvsr_ctx *t, struct era_field *ret)
{
	if (!dat_shared(t, &ret->shared))
		return false;
	for (unsigned i = 0; i < 2; i++)
		if (!dat_ns(t, true, &ret->of_vf[i]) || !dat_attach(t, &ret->of_vf[i], ret->shared.on[i + 1]))
			return false;
	return dat_ns(t, true, &ret->of_none);
}

bool era_field_write(struct nvsr_ctx *t, const struct era_field *f, unsigned tag)
{
	for (unsigned i = 0; i < 2; i++)
		if (!dat_sweep_write(t, f->shared.on[i + 1], &f->of_vf[i], tag))
			return false;
	return dat_sweep_write(t, f->shared.on[1], &f->shared.ns, tag) && dat_attach(t, &f->of_none, t->pf) &&
	       dat_sweep_write(t, t->pf, &f->of_none, tag) && dat_detach(t, &f->of_none, t->pf);
}
