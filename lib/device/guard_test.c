// SPDX-License-Identifier: GPL-2.0-or-later
/* The guard lets through what changes nothing, stops what does before the device sees it, and says what it was. */
#include "sriov/sriov.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

static int admin(struct nvsr_dev *d, uint8_t opcode, uint32_t cdw10)
{
	struct nvsr_cmd c = { .opcode = opcode, .nsid = 1, .cdw10 = cdw10 };

	return nvsr_admin(d, &c);
}

/* What destroys, each in every way there is to send it. */
static void stops_what_destroys(struct nvsr_dev *pf)
{
	static const uint8_t opcodes[] = {
		NVME_ADMIN_NS_MGMT, NVME_ADMIN_NS_ATTACH, NVME_ADMIN_FORMAT, NVME_ADMIN_SANITIZE, NVME_ADMIN_FW_COMMIT,
		NVME_ADMIN_FW_DOWNLOAD, NVME_ADMIN_SECURITY_SEND, NVME_ADMIN_CAPACITY_MGMT, NVME_ADMIN_SELF_TEST, 0xc0,
	};
	uint8_t block[512] = { 0 };
	struct nvsr_req *r = NULL;
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_NS_MGMT, .nsid = 1, .cdw10 = NVME_NS_MGMT_DELETE };
	struct nvme_id_ns id;

	nvsr_dev_guard(pf, NVSR_GUARD_VFS);
	EXPECT(!nvsr_dev_refused(pf));
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(opcodes); i++)
		EXPECT(admin(pf, opcodes[i], 1) == -EPERM);
	EXPECT(nvsr_dev_refused(pf) && !strcmp(nvsr_dev_refused(pf), "admin command 0Dh to the PF"));
	EXPECT(nvsr_queue_submit(nvsr_queue_admin(pf), &c, &r) == -EPERM && !r);
	EXPECT(nvsr_queue_submit_prp(nvsr_queue_admin(pf), &c, 0, &r) == -EPERM && !r);
	EXPECT(nvsr_rw(pf, true, 1, 0, 1, block, sizeof(block)) == -EPERM);
	EXPECT(nvsr_set_feature(pf, NVME_FEAT_VWC, 0, 0, NULL, 0, NULL) == -EPERM);
	EXPECT(nvsr_virt_mgmt(pf, 0, NVME_VIRT_RT_VQ, NVME_VIRT_PRIMARY_FLEXIBLE, 1, NULL) == -EPERM);
	EXPECT(nvsr_get_log(pf, NVME_LOG_ERROR, 0, false, block, sizeof(block)) == -EPERM);
	EXPECT(nvsr_reset(pf, NVSR_RESET_CTRL) == -EPERM && nvsr_reset(pf, NVSR_RESET_FLR) == -EPERM);
	EXPECT(nvsr_ctrl_disable(pf) == -EPERM && nvsr_ctrl_shutdown(pf, true) == -EPERM);
	EXPECT(nvsr_reg_write(pf, NVME_REG_CC, 4, 0) == -EPERM && nvsr_reg_write(pf, NVME_REG_NSSR, 4, NVME_NSSR_KEY) == -EPERM);
	EXPECT(nvsr_cfg_write(pf, PCI_COMMAND, 2, 0) == -EPERM);
	nvsr_dev_guard(pf, NVSR_GUARD_NONE);
	EXPECT(!nvsr_dev_refused(pf) && !nvsr_identify(pf, NVME_CNS_NS, 1, 0, &id) && le64_get(id.nsze));
}

static void lets_vfs_come_and_go(struct nvsr_dev *pf)
{
	struct nvsr_inventory inv = { 0 };
	struct nvsr_dev *vf = NULL;
	uint8_t block[512];
	uint32_t dw0;

	nvsr_dev_guard(pf, NVSR_GUARD_VFS);
	EXPECT(!nvsr_inventory_read(pf, &inv) && !nvsr_set_numvfs(pf, 1) && !nvsr_vf_bring_up(pf, &inv, 1, 0, 0, &vf));
	EXPECT(!nvsr_rw(pf, false, 1, 0, 1, block, sizeof(block)) && !nvsr_get_feature(pf, NVME_FEAT_VWC, 0, 0, NULL, 0, &dw0));
	EXPECT(vf && !nvsr_set_feature(vf, NVME_FEAT_ASYNC_EVENT, 0, 1, NULL, 0, NULL) && !nvsr_reset(vf, NVSR_RESET_FLR));
	EXPECT(!nvsr_dev_refused(pf));
	EXPECT(vf && admin(vf, NVME_ADMIN_FORMAT, 0) == -EPERM && nvsr_reset(vf, NVSR_RESET_NSSR) == -EPERM);
	EXPECT(vf && admin(vf, NVME_ADMIN_SET_FEATURES, 1u << 31 | NVME_FEAT_ASYNC_EVENT) == -EPERM);
	nvsr_dev_close(vf);
	nvsr_dev_guard(pf, NVSR_GUARD_READ);
	EXPECT(nvsr_set_numvfs(pf, 0) == -EPERM && nvsr_virt_mgmt(pf, 1, 0, NVME_VIRT_OFFLINE, 0, NULL) == -EPERM);
	EXPECT(nvsr_cfg_write(pf, inv.sriov.pos + PCI_SRIOV_NUM_VFS, 2, 0) == -EPERM);
	nvsr_inventory_free(&inv);
}

int main(void)
{
	struct nvsr_complaint complaint;
	struct nvsr_dev *pf = NULL;

	if (nvsr_dev_open("model:", NULL, NULL, &pf, &complaint)) {
		fprintf(stderr, "model: %s\n", complaint.text);
		return 1;
	}
	stops_what_destroys(pf);
	lets_vfs_come_and_go(pf);
	nvsr_dev_close(pf);
	return failures != 0;
}
