// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.dma: requests of a VF carry its own routing id, so an IOMMU can keep the memory of one VM from the VF of
 * another.  Each VF gets an address space of its own; what the other one allocated is unmapped there.
 */
#include "isolation.h"

#define NEED (ISO_NEED | DAT_NEED | NVSR_NEED(VF_QUEUES) | NVSR_NEED(DMA_DOMAINS))
#define WAIT_MS 2000u
#define TAG_A 0x31u
#define TAG_B 0x32u

static void own_memory_suffices(struct nvsr_ctx *t)
{
	struct nvsr_dma_fault last = { 0 };
	struct iso_guest a, b;
	uint64_t before;
	uint8_t block[4096 * 8];

	if (!iso_guests(t, &a, &b))
		return;
	before = iso_faults(t->pf, NULL);
	iso_check_works(t, &a, TAG_A);
	iso_check_works(t, &b, TAG_B);
	CHECK_OK(t, "Read on VF 1", dat_read(a.d, &a.ns, 0, 8, block));
	CHECK_OK(t, "Read on VF 2", dat_read(b.d, &b.ns, 0, 8, block));
	CHECK(t, iso_faults(t->pf, &last) == before, "no access outside of its own memory", "function %04Xh at %llXh", last.rid,
	      (unsigned long long)last.iova);
}

/* One block between VF 2's namespace and an address that is not VF 2's.  A status or a negative errno. */
static int reach(struct iso_guest *b, uint8_t opcode, uint64_t iova)
{
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 8, .cq_entries = 8 };
	struct nvsr_cmd c = { .opcode = opcode, .nsid = b->ns.nsid };
	struct nvsr_queue *q;
	struct nvsr_req *r;
	int rc = nvsr_queue_create(b->d, &o, &q);

	if (rc)
		return rc;
	rc = nvsr_queue_submit_prp(q, &c, iova, &r);
	if (!rc)
		rc = nvsr_req_wait(r, WAIT_MS, NULL);
	nvsr_queue_destroy(q);
	return rc;
}

struct try { struct iso_guest *b; uint8_t opcode; uint64_t iova; };

static int try_reach(void *arg)
{
	const struct try *y = arg;

	return reach(y->b, y->opcode, y->iova);
}

/* A controller may stop at a fault; then it starts again.  Its I/O queues are gone. */
static int renew(struct nvsr_dev *d)
{
	return nvsr_reset(d, NVSR_RESET_CTRL);
}

static void memory_is_out_of_reach(struct nvsr_ctx *t)
{
	struct iso_guest a, b;
	uint8_t block[4096], *mem;
	uint64_t iova;

	if (!iso_guests(t, &a, &b))
		return;
	mem = nvsr_dma_alloc(a.d, 4096, &iova);
	if (!mem)
		BROKEN(t, "no DMA memory");
	dat_fill(mem, &a.ns, 0, 1, TAG_A);
	iso_check_refused(t, b.d, "Write from memory of VF 1", renew, try_reach, &(struct try){ &b, NVME_CMD_WRITE, iova });
	PREPARE(t, "VF 2 after the fault", renew(b.d));
	MUST_OK(t, "Read on VF 2", dat_read(b.d, &b.ns, 0, 1, block));
	CHECK(t, !dat_traces(block, b.ns.bs, TAG_A), "memory of VF 1 is not on the namespace of VF 2", "it is");
	PREPARE(t, "Write on VF 2", dat_write(b.d, &b.ns, 0, 1, TAG_B));
	iso_check_refused(t, b.d, "Read into memory of VF 1", renew, try_reach, &(struct try){ &b, NVME_CMD_READ, iova });
	CHECK(t, dat_holds(mem, &a.ns, 0, 1, TAG_A), "memory of VF 1 as it was", "it changed");
	nvsr_dma_free(a.d, mem);
}

static void fault_is_local(struct nvsr_ctx *t)
{
	struct nvme_id_ctrl id;
	struct iso_guest a, b;
	uint64_t iova;
	void *mem;

	if (!iso_guests(t, &a, &b))
		return;
	mem = nvsr_dma_alloc(a.d, 4096, &iova);
	if (!mem)
		BROKEN(t, "no DMA memory");
	reach(&b, NVME_CMD_READ, iova);
	CHECK_OK(t, "Identify Controller on the PF after a fault of VF 2", nvsr_id_ctrl(t->pf, &id));
	iso_check_works(t, &a, TAG_A);
	nvsr_dma_free(a.d, mem);
}

/* Taken away with everything outstanding; then its memory is unmapped, as that of a VM that ended. */
static void former_memory_is_left_alone(struct nvsr_ctx *t)
{
	struct nvsr_cmd aer = { .opcode = NVME_ADMIN_AER };
	struct nvsr_dma_fault last = { 0 };
	struct nvme_id_ctrl id;
	struct nvsr_req *r;
	struct iso_guest a, b;
	uint64_t before;

	if (!iso_guests(t, &a, &b) || !iso_id(t, a.d, &id))
		return;
	PREPARE(t, "an event request", nvsr_queue_submit(nvsr_queue_admin(a.d), &aer, &r));
	nvsr_req_forget(r);
	PREPARE(t, "Write on VF 1", dat_write(a.d, &a.ns, 0, 1, TAG_A));
	if (t->inv->has & NVSR_NEED(VIRT_MGMT))
		PREPARE(t, "Offline", nvsr_virt_mgmt(t->pf, le16_get(id.cntlid), 0, NVME_VIRT_OFFLINE, 0, NULL));
	before = iso_faults(t->pf, NULL);
	a.d = iso_next_tenant(t, 1);
	if (!a.d)
		return;
	iso_check_works(t, &a, TAG_B);
	PREPARE(t, "an event", iso_provoke(a.d));
	nvsr_dev_sleep_ms(a.d, 1000);
	CHECK(t, iso_faults(t->pf, &last) == before, "no access to memory of the former tenant", "function %04Xh at %llXh", last.rid,
	      (unsigned long long)last.iova);
}

static const struct nvsr_test tests[] = {
	{ .id = "own-memory-suffices", .title = "VFs in address spaces of their own need no memory of others",
	  .requirements = REQS("ISO-30"), .needs = NEED, .caught_by = DEFECTS("vf-dma-as-pf", "vf-data-dma-as-vf1"),
	  .run = own_memory_suffices },
	{ .id = "memory-is-out-of-reach", .title = "a command of VF 2 with an address of VF 1 moves nothing",
	  .requirements = REQS("ISO-30"), .needs = NEED | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("vf-data-dma-as-vf1", "vf-dma-as-pf"), .run = memory_is_out_of_reach },
	{ .id = "fault-is-local", .title = "an access of VF 2 that is refused stops neither PF nor VF 1",
	  .requirements = REQS("ISO-30", "ISO-01"), .needs = NEED, .caught_by = DEFECTS("dma-fault-kills-pf"),
	  .run = fault_is_local },
	{ .id = "former-memory-is-left-alone", .title = "a VF that changed hands does not touch the former tenant's memory",
	  .requirements = REQS("ISO-14", "ISO-30"), .needs = NEED | NVSR_NEED(VF_REG_WRITE),
	  .caught_by = DEFECTS("late-dma-after-reset"), .run = former_memory_is_left_alone },
};
const struct nvsr_group nvsr_isolation_dma = NVSR_GROUP("isolation.dma", tests);
