// SPDX-License-Identifier: GPL-2.0-or-later
/* The last commands, resets and writes of a subsystem, one line each: what a failed check shows without a rerun. */
#include <inttypes.h>
#include <stdarg.h>

#include "device/private.h"

void nvsr_dev_note(struct nvsr_dev *d, const char *fmt, ...)
{
	struct nvsr_shared *s = d->shared;
	char *line = s->line[s->next];
	va_list ap;
	int n;

	n = d->vfn ? snprintf(line, NVSR_RING_WIDTH, "vf%u ", d->vfn) : snprintf(line, NVSR_RING_WIDTH, "pf ");
	va_start(ap, fmt);
	vsnprintf(line + n, (size_t)(NVSR_RING_WIDTH - n), fmt, ap);
	va_end(ap);
	s->next = (s->next + 1) % NVSR_RING_LINES;
	s->count = NVSR_MIN(s->count + 1, (unsigned)NVSR_RING_LINES);
}

int nvsr_complain(struct nvsr_complaint *c, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->text, sizeof(c->text), fmt, ap);
	va_end(ap);
	return rc;
}

unsigned nvsr_dev_last(struct nvsr_dev *d, const char **ret, unsigned max)
{
	const struct nvsr_shared *s = d->shared;
	unsigned n = NVSR_MIN(s->count, max);

	for (unsigned i = 0; i < n; i++)
		ret[i] = s->line[(s->next + NVSR_RING_LINES - n + i) % NVSR_RING_LINES];
	return n;
}

void nvsr_dev_last_clear(struct nvsr_dev *d)
{
	d->shared->count = 0;
}

bool nvsr_dev_dirty(struct nvsr_dev *d)
{
	return d->shared->dirty;
}

void nvsr_dev_clean(struct nvsr_dev *d)
{
	d->shared->dirty = d->shared->allocated = false;
	d->shared->gone[0] = '\0';
	/* What somebody else made of the VFs is where the next test begins. */
	if (d->shared->os_counts)
		nvsr_get_numvfs(d, &d->shared->os_vfs);
}

bool nvsr_dev_allocated(struct nvsr_dev *d)
{
	return d->shared->allocated;
}

/* --- a command in words ------------------------------------------------------------------------------------------- */

typedef void (*describe_fn)(const struct nvsr_cmd *c, char *buf, size_t len);

static void identify(const struct nvsr_cmd *c, char *buf, size_t len)
{
	snprintf(buf, len, " cns=%02Xh cntid=%u nsid=%X", c->cdw10 & 0xff, c->cdw10 >> 16, c->nsid);
}

static void virt_mgmt(const struct nvsr_cmd *c, char *buf, size_t len)
{
	snprintf(buf, len, " act=%Xh rt=%u cntlid=%u nr=%u nrm=%u", c->cdw10 & 0xf, c->cdw10 >> 8 & 7, c->cdw10 >> 16,
		 c->cdw11 & 0xffff, c->dw0 & 0xffff);
}

static void ns(const struct nvsr_cmd *c, char *buf, size_t len)
{
	snprintf(buf, len, " sel=%u nsid=%X dw0=%X", c->cdw10 & 0xf, c->nsid, c->dw0);
}

static void attach(const struct nvsr_cmd *c, char *buf, size_t len)
{
	const uint8_t *list = c->data;

	if (list && c->data_len >= 4)
		snprintf(buf, len, " sel=%u nsid=%X cntlid=%u count=%u", c->cdw10 & 0xf, c->nsid,
			 (unsigned)nvsr_le_read(list + 2, 2), (unsigned)nvsr_le_read(list, 2));
	else
		snprintf(buf, len, " sel=%u nsid=%X", c->cdw10 & 0xf, c->nsid);
}

static void feature(const struct nvsr_cmd *c, char *buf, size_t len)
{
	snprintf(buf, len, " fid=%02Xh sel=%u dw11=%Xh nsid=%X dw0=%Xh", c->cdw10 & 0xff, c->cdw10 >> 8 & 7, c->cdw11, c->nsid,
		 c->dw0);
}

static void get_log(const struct nvsr_cmd *c, char *buf, size_t len)
{
	snprintf(buf, len, " lid=%02Xh rae=%u nsid=%X", c->cdw10 & 0xff, c->cdw10 >> 15 & 1, c->nsid);
}

static void queue(const struct nvsr_cmd *c, char *buf, size_t len)
{
	snprintf(buf, len, " qid=%u size=%u dw11=%Xh", c->cdw10 & 0xffff, c->cdw10 >> 16, c->cdw11);
}

static void event(const struct nvsr_cmd *c, char *buf, size_t len)
{
	snprintf(buf, len, " dw0=%Xh", c->dw0);
}

static void blocks(const struct nvsr_cmd *c, char *buf, size_t len)
{
	snprintf(buf, len, " nsid=%X slba=%" PRIX64 "h nlb=%u", c->nsid, (uint64_t)c->cdw11 << 32 | c->cdw10,
		 (c->cdw12 & 0xffff) + 1);
}

static const describe_fn describe_admin[256] = {
	[NVME_ADMIN_IDENTIFY] = identify, [NVME_ADMIN_VIRT_MGMT] = virt_mgmt, [NVME_ADMIN_NS_MGMT] = ns,
	[NVME_ADMIN_NS_ATTACH] = attach, [NVME_ADMIN_SET_FEATURES] = feature, [NVME_ADMIN_GET_FEATURES] = feature,
	[NVME_ADMIN_GET_LOG] = get_log, [NVME_ADMIN_CREATE_CQ] = queue, [NVME_ADMIN_CREATE_SQ] = queue,
	[NVME_ADMIN_DELETE_CQ] = queue, [NVME_ADMIN_DELETE_SQ] = queue, [NVME_ADMIN_AER] = event,
};
static const describe_fn describe_io[256] = {
	[NVME_CMD_READ] = blocks, [NVME_CMD_WRITE] = blocks, [NVME_CMD_COMPARE] = blocks, [NVME_CMD_WRITE_ZEROES] = blocks,
};

void nvsr_dev_note_cmd(struct nvsr_dev *d, unsigned qid, const struct nvsr_cmd *c, int rc)
{
	describe_fn describe = qid ? describe_io[c->opcode] : describe_admin[c->opcode];
	const char *name = qid ? nvme_io_name(c->opcode) : nvme_admin_name(c->opcode);
	char more[96];

	if (describe)
		describe(c, more, sizeof(more));
	else
		snprintf(more, sizeof(more), " nsid=%X dw10=%Xh dw11=%Xh", c->nsid, c->cdw10, c->cdw11);
	nvsr_dev_note(d, "%s %02Xh %s%s -> %s", qid ? "io" : "admin", c->opcode, name, more,
		      rc < 0 ? strerror(-rc) : nvme_status_name(rc));
}
