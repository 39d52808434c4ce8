// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a test without permission to destroy may send.  The list is of what is known to change nothing that outlives the
 * test; all else is refused before it reaches the device, and the harness makes a broken test of it: such a test needs
 * the permission, and its record says so.
 */
#include "device/private.h"

#define GET_LOG_RAE (1u << 15)
#define GET_LOG_LSP(cdw10) ((cdw10) >> 8 & 0x7f)
#define SET_FEATURES_SAVE (1u << 31)
#define SRIOV_CAP_BYTES 0x40u

static bool always(const struct nvsr_dev *d, const struct nvsr_cmd *c)
{
	return true;
}

/* Without Retain Asynchronous Event a read clears an event that the driver of the PF waits for; a specific field makes new logs. */
static bool get_log(const struct nvsr_dev *d, const struct nvsr_cmd *c)
{
	return d->vfn || (c->cdw10 & GET_LOG_RAE && !GET_LOG_LSP(c->cdw10));
}

/* On a VF of ours what is its controller's alone, and is not kept; on the PF what its own driver needs of the queues. */
static bool set_features(const struct nvsr_dev *d, const struct nvsr_cmd *c)
{
	static const uint8_t own[] = {
		NVME_FEAT_ARBITRATION, NVME_FEAT_TEMP_THRESH, NVME_FEAT_NUM_QUEUES, NVME_FEAT_IRQ_COALESCE, NVME_FEAT_IRQ_CONFIG,
		NVME_FEAT_ATOMIC, NVME_FEAT_ASYNC_EVENT, NVME_FEAT_HOST_ID,
	};
	uint8_t fid = c->cdw10 & 0xff;

	if (c->cdw10 & SET_FEATURES_SAVE)
		return false;
	if (!d->vfn)
		return fid == NVME_FEAT_NUM_QUEUES && d->can & NVSR_CAN_QUEUES;
	return memchr(own, fid, sizeof(own)) != NULL;
}

/* Secondary controllers, while nobody else has VFs.  What the primary has for itself takes a reset and stays. */
static bool virt_mgmt(const struct nvsr_dev *d, const struct nvsr_cmd *c)
{
	return d->shared->guard == NVSR_GUARD_VFS && (c->cdw10 & 0xf) != NVME_VIRT_PRIMARY_FLEXIBLE;
}

typedef bool (*allows_fn)(const struct nvsr_dev *d, const struct nvsr_cmd *c);
static const allows_fn admin_allows[256] = {
	[NVME_ADMIN_DELETE_SQ] = always, [NVME_ADMIN_CREATE_SQ] = always, [NVME_ADMIN_DELETE_CQ] = always,
	[NVME_ADMIN_CREATE_CQ] = always, [NVME_ADMIN_GET_LOG] = get_log, [NVME_ADMIN_IDENTIFY] = always,
	[NVME_ADMIN_ABORT] = always, [NVME_ADMIN_SET_FEATURES] = set_features, [NVME_ADMIN_GET_FEATURES] = always,
	[NVME_ADMIN_AER] = always, [NVME_ADMIN_KEEP_ALIVE] = always, [NVME_ADMIN_DIRECTIVE_RECV] = always,
	[NVME_ADMIN_VIRT_MGMT] = virt_mgmt, [NVME_ADMIN_DBBUF] = always,
};
static const allows_fn io_allows[256] = {
	[NVME_CMD_FLUSH] = always, [NVME_CMD_READ] = always, [NVME_CMD_COMPARE] = always, [NVME_CMD_VERIFY] = always,
	[NVME_CMD_RESV_REPORT] = always,
};

/* The VFs of the PF are made and sized through its SR-IOV capability; all of a VF goes with it. */
static bool cfg_allows(struct nvsr_dev *d, unsigned off)
{
	unsigned pos;

	if (d->vfn)
		return true;
	return d->shared->guard == NVSR_GUARD_VFS && !nvsr_cfg_find_ext_cap(d, PCI_EXT_CAP_SRIOV, &pos) && pos && off >= pos &&
	       off < pos + SRIOV_CAP_BYTES;
}

static int refuse(struct nvsr_dev *d, const char *what, unsigned code)
{
	struct nvsr_shared *s = d->shared;

	if (!s->refused[0])
		snprintf(s->refused, sizeof(s->refused), "%s %02Xh to %s", what, code, d->vfn ? "a VF" : "the PF");
	nvsr_dev_note(d, "%s %02Xh: not sent, the test has no permission to destroy", what, code);
	return -EPERM;
}

int nvsr_guard_cmd(struct nvsr_dev *d, bool io, const struct nvsr_cmd *c)
{
	allows_fn allows = io ? io_allows[c->opcode] : admin_allows[c->opcode];

	if (d->shared->guard == NVSR_GUARD_NONE || (allows && allows(d, c)))
		return 0;
	return refuse(d, io ? "I/O command" : "admin command", c->opcode);
}

int nvsr_guard_cfg(struct nvsr_dev *d, unsigned off)
{
	return d->shared->guard == NVSR_GUARD_NONE || cfg_allows(d, off) ? 0 : refuse(d, "a write of configuration register", off);
}

int nvsr_guard_reg(struct nvsr_dev *d, unsigned bar, uint64_t off, uint64_t val)
{
	bool resets = !bar && (off == NVME_REG_NSSR || (!d->vfn && off == NVME_REG_CC && !(val & NVME_CC_EN)));

	return d->shared->guard == NVSR_GUARD_NONE || !resets ? 0 : refuse(d, "a write of controller register", (unsigned)off);
}

int nvsr_guard_reset(struct nvsr_dev *d, enum nvsr_reset how)
{
	bool own = d->vfn && (how == NVSR_RESET_CTRL || how == NVSR_RESET_FLR);

	return d->shared->guard == NVSR_GUARD_NONE || own ? 0 : refuse(d, "reset", how);
}

int nvsr_guard_vfs(struct nvsr_dev *d)
{
	return d->shared->guard == NVSR_GUARD_READ ? refuse(d, "a number of VFs", 0) : 0;
}

void nvsr_dev_guard(struct nvsr_dev *d, enum nvsr_guard guard)
{
	d->shared->guard = guard;
	d->shared->refused[0] = '\0';
}

const char *nvsr_dev_refused(const struct nvsr_dev *d)
{
	return d->shared->refused[0] ? d->shared->refused : NULL;
}
