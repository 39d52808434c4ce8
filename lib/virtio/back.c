// SPDX-License-Identifier: GPL-2.0-or-later
/* The back end process: an NVMe function opened, a namespace looked at, and then served. */
#include <signal.h>
#include <sys/prctl.h>

#include "base/time.h"
#include "device/device.h"
#include "spec/nvme.h"
#include "virtio/back_serve.h"

#define ENTRIES_MAX 1024u
#define LEAVE_MS 2000

/* Ready, Base 3.1.3.6: not when nothing answers, nor after a reset by somebody else. */
static bool alive(struct nvsr_dev *d)
{
	uint64_t csts = 0;

	return !nvsr_reg_read(d, NVME_REG_CSTS, 4, &csts) && csts != UINT32_MAX && csts & NVME_CSTS_RDY && !(csts & NVME_CSTS_CFS);
}

static const struct nvsr_back_ops nvme_ops = {
	.map = nvsr_dma_map, .unmap = nvsr_dma_unmap, .create = nvsr_pair_create, .destroy = nvsr_pair_destroy, .fd = nvsr_pair_fd,
	.submit = nvsr_pair_submit, .ring = nvsr_pair_ring, .reap = nvsr_pair_reap,
	.alive = alive,
};

static int identify(struct nvsr_dev *d, uint32_t nsid, uint32_t cns, void *ret)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_IDENTIFY, .nsid = nsid, .cdw10 = cns, .data = ret, .data_len = NVME_IDENTIFY_SIZE };

	return nvsr_admin(d, &c);
}

/* Bytes of one command: MDTS is a power of two of the smallest page, 0 is no limit (Base 5.17). */
static uint32_t command_max(uint8_t mdts, uint64_t cap, uint32_t block)
{
	unsigned shift = 12 + NVME_CAP_MPSMIN(cap) + mdts;
	uint32_t max = mdts && shift < 31 ? NVSR_MIN(1u << shift, NVSR_IO_MAX) : NVSR_IO_MAX;

	return max - max % block;
}

static int look(struct nvsr_back_disk *disk, struct nvsr_complaint *complaint)
{
	_cleanup_free_ struct nvme_id_ctrl *ctrl = calloc(1, NVME_IDENTIFY_SIZE);
	_cleanup_free_ struct nvme_id_ns *ns = calloc(1, NVME_IDENTIFY_SIZE);
	uint64_t cap = 0;
	int rc = ctrl && ns ? nvsr_reg_read(disk->dev, NVME_REG_CAP, 8, &cap) : -ENOMEM;

	rc = rc ? rc : identify(disk->dev, 0, NVME_CNS_CTRL, ctrl);
	rc = rc ? rc : identify(disk->dev, disk->nsid, NVME_CNS_NS, ns);
	if (!rc) {
		disk->block = nvme_lbaf_bytes(&ns->lbaf[NVME_FLBAS_INDEX(ns->flbas)]);
		disk->blocks = le64_get(ns->nsze);
	}
	if (rc || !disk->block || !disk->blocks || disk->blocks > UINT64_MAX / disk->block) {
		snprintf(complaint->text, sizeof(complaint->text), "namespace %u of %s: Identify gives %d, %llu blocks of %u bytes",
			 disk->nsid, nvsr_dev_name(disk->dev), rc, (unsigned long long)disk->blocks, disk->block);
		return rc ? rc : -ENODEV;
	}
	disk->max = command_max(ctrl->mdts, cap, disk->block);
	disk->entries = NVSR_MIN(NVME_CAP_MQES(cap) + 1, ENTRIES_MAX);
	memcpy(disk->id, ctrl->sn, sizeof(disk->id));
	return disk->max ? 0 : -ENODEV;
}

/* A VF is ours alone; the PF has somebody who made it ready. */
static int enable(struct nvsr_dev *d, struct nvsr_complaint *complaint)
{
	int rc = !nvsr_dev_vfn(d) || nvsr_queue_admin(d) ? 0 : nvsr_ctrl_enable(d);

	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "%s does not become ready: %s", nvsr_dev_name(d), strerror(-rc));
	return rc;
}

/* Who had the VF until now may be on his way out: his end is noticed a little later than his process ends. */
static int open_vf(struct nvsr_dev *pf, unsigned vfn, struct nvsr_dev **ret)
{
	uint64_t until = nvsr_now_ns() + LEAVE_MS * NVSR_MS;
	int rc;

	while ((rc = nvsr_dev_open_vf(pf, vfn, ret)) == -EBUSY && nvsr_now_ns() < until)
		nvsr_sleep_ns(LEAVE_MS / 100 * NVSR_MS, NULL);
	return rc;
}

int nvsr_back_run(const struct nvsr_back_options *o, struct nvsr_complaint *complaint)
{
	const struct nvsr_dev_options none = { 0 };
	_cleanup_dev_ struct nvsr_dev *pf = NULL;
	_cleanup_dev_ struct nvsr_dev *vf = NULL;
	struct nvsr_complaint own = { "" };
	struct nvsr_back_disk disk = { .nsid = o->nsid };
	pid_t parent = getppid();
	int rc;

	complaint = complaint ? complaint : &own;
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
		return -ESRCH;
	rc = nvsr_dev_open_with(o->device, &none, &pf, complaint);
	if (!rc && o->vfn) {
		rc = open_vf(pf, o->vfn, &vf);
		if (rc)
			snprintf(complaint->text, sizeof(complaint->text), "VF %u of %s: %s", o->vfn, o->device, strerror(-rc));
	}
	if (rc)
		return rc;
	disk.dev = vf ? vf : pf;
	rc = enable(disk.dev, complaint);
	rc = rc ? rc : look(&disk, complaint);
	return rc ? rc : nvsr_back_serve(o, &nvme_ops, &disk, complaint);
}
