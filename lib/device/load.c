// SPDX-License-Identifier: GPL-2.0-or-later
/* What a load generator has to know of a function and a namespace. */
#include "device/load.h"
#include "spec/nvme.h"

static int identify(struct nvsr_dev *d, uint32_t nsid, uint32_t cns, void *ret)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_IDENTIFY, .nsid = nsid, .cdw10 = cns, .data = ret, .data_len = NVME_IDENTIFY_SIZE };

	return nvsr_admin(d, &c);
}

/* MDTS is a power of two of the smallest page, 0 is no limit (Base 5.17.2.1). */
static uint32_t command_max(uint8_t mdts, uint64_t cap)
{
	unsigned shift = 12 + NVME_CAP_MPSMIN(cap) + mdts;

	return mdts && shift < 31 ? NVSR_MIN(1u << shift, NVSR_IO_MAX) : NVSR_IO_MAX;
}

int nvsr_io_look(struct nvsr_dev *d, uint32_t nsid, struct nvsr_io_limits *ret)
{
	_cleanup_free_ struct nvme_id_ctrl *ctrl = calloc(1, NVME_IDENTIFY_SIZE);
	_cleanup_free_ struct nvme_id_ns *ns = calloc(1, NVME_IDENTIFY_SIZE);
	const struct nvme_lbaf *f;
	uint64_t cap = 0;
	int rc = ctrl && ns ? nvsr_reg_read(d, NVME_REG_CAP, 8, &cap) : -ENOMEM;

	rc = rc ? rc : identify(d, 0, NVME_CNS_CTRL, ctrl);
	rc = rc ? rc : identify(d, nsid, NVME_CNS_NS, ns);
	if (rc)
		return rc;
	if (!le64_get(ns->nsze))
		return -ENXIO;
	f = &ns->lbaf[NVME_FLBAS_INDEX(ns->flbas)];
	*ret = (struct nvsr_io_limits){ .block = nvme_lbaf_bytes(f), .blocks = le64_get(ns->nsze), .max = command_max(ctrl->mdts, cap),
					.entries = NVME_CAP_MQES(cap) + 1 };
	memcpy(ret->serial, ctrl->sn, sizeof(ret->serial));
	if (!ret->block || le16_get(f->ms) || ret->max < ret->block || ret->blocks > UINT64_MAX / ret->block)
		return -ENOTSUP;
	ret->max -= ret->max % ret->block;
	return 0;
}

bool nvsr_io_alive(struct nvsr_dev *d)
{
	uint64_t csts = 0;

	return !nvsr_reg_read(d, NVME_REG_CSTS, 4, &csts) && csts != UINT32_MAX && csts & NVME_CSTS_RDY && !(csts & NVME_CSTS_CFS);
}
