// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting for messages and refused accesses: what comes ends the wait, what does not takes all of it, on the device's clock. */
#include "base/time.h"
#include "test/test.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

static void messages(struct nvsr_dev *pf)
{
	struct nvme_id_ctrl id;
	uint64_t before, now, start;

	EXPECT(!nvsr_irq_settled(pf, 0, &before) && !nvsr_id_ctrl(pf, &id));
	start = nvsr_dev_now(pf);
	EXPECT(nvsr_irq_wait(pf, 0, before, 500) && nvsr_dev_now(pf) == start);
	EXPECT(!nvsr_irq_wait(pf, 0, before + 1, 500) && nvsr_dev_now(pf) - start >= 500 * NVSR_MS);
	start = nvsr_dev_now(pf);
	EXPECT(!nvsr_irq_settled(pf, 0, &now) && now == before + 1 && nvsr_dev_now(pf) - start >= NVSR_QUIET_MS * NVSR_MS);
	EXPECT(!nvsr_irq_wait(pf, 100000, 0, 10));	/* a vector that is not counted */
}

static void faults(struct nvsr_dev *pf)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_CNS_CTRL };
	struct nvsr_dma_fault last = { 0 };
	struct nvsr_req *r = NULL;
	uint64_t n = 1;

	EXPECT(!nvsr_faults_settled(pf, &n, NULL) && n == 0 && !nvsr_fault_wait(pf, 0, 50, &last));
	EXPECT(!nvsr_queue_submit_prp(nvsr_queue_admin(pf), &c, 0x123450000, &r) && nvsr_req_wait(r, 100, NULL));
	EXPECT(nvsr_fault_wait(pf, 0, 50, &last) && last.iova == 0x123450000 && last.rid == nvsr_dev_rid(pf) && last.write);
	EXPECT(!nvsr_faults_settled(pf, &n, NULL) && n == 1 && nvsr_fault_wait(pf, 0, 50, NULL));
}

int main(void)
{
	struct nvsr_profile *profile = NULL;
	struct nvsr_complaint complaint;
	struct nvsr_dev *pf = NULL;

	if (nvsr_profile_load("reference", &profile, &complaint) || nvsr_dev_open("model:", profile, NULL, &pf, &complaint))
		return 1;
	messages(pf);
	faults(pf);
	nvsr_dev_close(pf);
	nvsr_profile_free(profile);
	return failures != 0;
}
