// SPDX-License-Identifier: GPL-2.0-or-later
/* The commands that suites and the VF life cycle send, encoded here and nowhere else. */
#include "sriov/sriov.h"

int nvsr_identify(struct nvsr_dev *d, uint8_t cns, uint32_t nsid, uint16_t cntid, void *ret)
{
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_IDENTIFY, .nsid = nsid, .cdw10 = cns | (uint32_t)cntid << 16,
		.data = ret, .data_len = NVME_IDENTIFY_SIZE,
	};

	return nvsr_admin(d, &c);
}

int nvsr_id_ctrl(struct nvsr_dev *d, struct nvme_id_ctrl *ret)
{
	return nvsr_identify(d, NVME_CNS_CTRL, 0, 0, ret);
}

int nvsr_virt_mgmt(struct nvsr_dev *pf, uint16_t cntlid, unsigned rt, unsigned act, unsigned nr, unsigned *ret_nrm)
{
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_VIRT_MGMT,
		.cdw10 = (uint32_t)cntlid << 16 | (rt & 7) << 8 | (act & 0xf),
		.cdw11 = nr & 0xffff,
	};
	int rc = nvsr_admin(pf, &c);

	if (!rc && ret_nrm)
		*ret_nrm = c.dw0 & 0xffff;
	return rc;
}

static int feature(struct nvsr_dev *d, uint8_t opcode, uint8_t fid, uint32_t nsid, uint32_t cdw11, void *data, uint32_t len,
		   uint32_t *ret_dw0)
{
	struct nvsr_cmd c = { .opcode = opcode, .nsid = nsid, .cdw10 = fid, .cdw11 = cdw11, .data = data, .data_len = len };
	int rc = nvsr_admin(d, &c);

	if (!rc && ret_dw0)
		*ret_dw0 = c.dw0;
	return rc;
}

int nvsr_get_feature(struct nvsr_dev *d, uint8_t fid, uint32_t nsid, uint32_t cdw11, void *data, uint32_t len, uint32_t *ret_dw0)
{
	return feature(d, NVME_ADMIN_GET_FEATURES, fid, nsid, cdw11, data, len, ret_dw0);
}

int nvsr_set_feature(struct nvsr_dev *d, uint8_t fid, uint32_t nsid, uint32_t cdw11, void *data, uint32_t len, uint32_t *ret_dw0)
{
	return feature(d, NVME_ADMIN_SET_FEATURES, fid, nsid, cdw11, data, len, ret_dw0);
}

int nvsr_get_log(struct nvsr_dev *d, uint8_t lid, uint32_t nsid, bool rae, void *ret, uint32_t len)
{
	uint32_t numd = len / 4 - 1;	/* 0's based, in dwords */
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_GET_LOG, .nsid = nsid,
		.cdw10 = lid | (rae ? 1u << 15 : 0) | (numd & 0xffff) << 16, .cdw11 = numd >> 16,
		.data = ret, .data_len = len,
	};

	if (!len || len % 4)
		return -EINVAL;
	return nvsr_admin(d, &c);
}

int nvsr_ns_create(struct nvsr_dev *d, uint64_t blocks, uint8_t flbas, bool shared, uint32_t *ret_nsid)
{
	struct nvme_id_ns ns = {
		.nsze = le64(blocks), .ncap = le64(blocks), .flbas = flbas, .nmic = shared ? NVME_NMIC_SHARED : 0,
	};
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_NS_MGMT, .cdw10 = NVME_NS_MGMT_CREATE, .data = &ns, .data_len = sizeof(ns),
	};
	int rc = nvsr_admin(d, &c);

	if (!rc)
		*ret_nsid = c.dw0;
	return rc;
}

int nvsr_ns_delete(struct nvsr_dev *d, uint32_t nsid)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_NS_MGMT, .nsid = nsid, .cdw10 = NVME_NS_MGMT_DELETE };

	return nvsr_admin(d, &c);
}

static int attachment(struct nvsr_dev *d, unsigned sel, uint32_t nsid, uint16_t cntlid)
{
	struct nvme_ctrl_list list = { .num = le16(1), .id = { le16(cntlid) } };
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_NS_ATTACH, .nsid = nsid, .cdw10 = sel, .data = &list, .data_len = sizeof(list),
	};

	return nvsr_admin(d, &c);
}

int nvsr_ns_attach(struct nvsr_dev *d, uint32_t nsid, uint16_t cntlid)
{
	return attachment(d, NVME_NS_ATTACH, nsid, cntlid);
}

int nvsr_ns_detach(struct nvsr_dev *d, uint32_t nsid, uint16_t cntlid)
{
	return attachment(d, NVME_NS_DETACH, nsid, cntlid);
}

int nvsr_rw(struct nvsr_dev *d, bool write, uint32_t nsid, uint64_t slba, unsigned nlb, void *data, uint32_t len)
{
	struct nvsr_cmd c = {
		.opcode = write ? NVME_CMD_WRITE : NVME_CMD_READ, .nsid = nsid,
		.cdw10 = (uint32_t)slba, .cdw11 = (uint32_t)(slba >> 32), .cdw12 = (nlb - 1) & 0xffff,
		.data = data, .data_len = len,
	};

	if (!nlb)
		return -EINVAL;
	return nvsr_io(d, &c);
}
