// SPDX-License-Identifier: GPL-2.0-or-later
/* The only file that knows libnvme. */
#include <libnvme.h>

#include "base/time.h"
#include "device/kernel_nvme.h"

typedef int (*passthru)(int fd, struct nvme_passthru_cmd64 *cmd, __u64 *result);

static int submit(passthru fn, int fd, struct nvsr_cmd *c, unsigned timeout_ms)
{
	struct nvme_passthru_cmd64 cmd = {
		.opcode = c->opcode, .flags = c->flags, .nsid = c->nsid, .cdw2 = c->cdw2, .cdw3 = c->cdw3,
		.cdw10 = c->cdw10, .cdw11 = c->cdw11, .cdw12 = c->cdw12, .cdw13 = c->cdw13, .cdw14 = c->cdw14, .cdw15 = c->cdw15,
		.addr = (__u64)(uintptr_t)c->data, .data_len = c->data_len, .timeout_ms = timeout_ms,
	};
	uint64_t start = nvsr_now_ns();
	__u64 result = 0;
	int rc = fn(fd, &cmd, &result);

	if (rc < 0) {
		/* The driver cancels a command that is overdue, and resets the controller: the caller learns EINTR or ENODEV. */
		bool overdue = nvsr_now_ns() - start >= timeout_ms * NVSR_MS;

		return overdue ? -ETIMEDOUT : errno ? -errno : -EIO;
	}
	c->dw0 = (uint32_t)result;
	c->dw1 = (uint32_t)(result >> 32);
	c->status = (uint16_t)rc;
	return rc & 0x7ff;
}

int nvsr_kernel_admin(int fd, struct nvsr_cmd *c, unsigned timeout_ms)
{
	return submit(nvme_submit_admin_passthru64, fd, c, timeout_ms);
}

int nvsr_kernel_io(int fd, struct nvsr_cmd *c, unsigned timeout_ms)
{
	return submit(nvme_submit_io_passthru64, fd, c, timeout_ms);
}

int nvsr_kernel_ctrl_reset(int fd)
{
	return nvme_ctrl_reset(fd) ? -errno : 0;
}

int nvsr_kernel_rescan(int fd)
{
	return nvme_ns_rescan(fd) ? -errno : 0;
}
