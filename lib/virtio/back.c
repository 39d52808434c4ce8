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

static const struct nvsr_back_ops nvme_ops = {
	.map = nvsr_dma_map, .unmap = nvsr_dma_unmap, .create = nvsr_pair_create, .destroy = nvsr_pair_destroy, .fd = nvsr_pair_fd,
	.submit = nvsr_pair_submit, .ring = nvsr_pair_ring, .reap = nvsr_pair_reap,
	.alive = nvsr_io_alive,
};

static int look(struct nvsr_back_disk *disk, struct nvsr_complaint *complaint)
{
	struct nvsr_io_limits l;
	int rc = nvsr_io_look(disk->dev, disk->nsid, &l);

	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "namespace %u of %s: %s", disk->nsid, nvsr_dev_name(disk->dev),
			 rc == -ENXIO ? "is not attached" : rc == -ENOTSUP ? "its format has metadata, or its blocks are too large" :
			 rc > 0 ? nvme_status_name(rc) : strerror(-rc));
		return rc;
	}
	disk->block = l.block;
	disk->blocks = l.blocks;
	disk->max = l.max;
	disk->entries = NVSR_MIN(l.entries, ENTRIES_MAX);
	memcpy(disk->id, l.serial, sizeof(disk->id));
	return 0;
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
