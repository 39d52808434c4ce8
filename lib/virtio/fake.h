/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of the back end: an NVMe queue pair over memory.  Commands are carried out when they are reaped. */
#ifndef NVSR_VIRTIO_FAKE_H
#define NVSR_VIRTIO_FAKE_H

#include <sys/eventfd.h>

#include "spec/nvme.h"
#include "virtio/back_queue.h"

#define FAKE_IOVA 0x4000000000ull	/* bus addresses are not those of the process */
#define FAKE_ENTRIES_MAX 1024u
#define FAKE_BAD_LBA 77u		/* an access to it fails */

struct nvsr_pair { struct nvsr_io io[FAKE_ENTRIES_MAX]; unsigned entries, first, shown, placed; int fd; };

static struct {
	uint8_t *media;
	uint32_t block;
	uint64_t blocks;
	uint32_t max;
	unsigned mapped, pairs;	/* that nobody gave back yet */
	bool nonsense;		/* what completion queues are filled with */
	const uint8_t *gone;	/* where a test says that the device went away; NULL: it never does */
} fake;

static inline int fake_map(struct nvsr_dev *d, void *ptr, size_t len, int fd, uint64_t offset, uint64_t *ret_iova)
{
	fake.mapped++;
	*ret_iova = (uintptr_t)ptr + FAKE_IOVA;
	return 0;
}

static inline void fake_unmap(struct nvsr_dev *d, void *ptr)
{
	/* Memory goes after the queues that reach it: those of other connections do not count here. */
	fake.mapped--;
}

static inline int fake_create(struct nvsr_dev *d, const struct nvsr_pair_options *o, struct nvsr_pair **ret)
{
	struct nvsr_pair *p = (struct nvsr_pair *)calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->entries = o->entries;
	p->fd = o->irq ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	fake.pairs++;
	*ret = p;
	return 0;
}

static inline void fake_destroy(struct nvsr_pair *p)
{
	if (!p)
		return;
	nvsr_closep(&p->fd);
	free(p);
	fake.pairs--;
}

static inline int fake_fd(const struct nvsr_pair *p)
{
	return p->fd;
}

/* A command that a controller would not take from us is a mistake of ours. */
static inline bool fake_submit(struct nvsr_pair *p, const struct nvsr_io *io)
{
	bool data = io->opcode != NVME_CMD_FLUSH;

	if (data && (io->blocks == 0 || io->bytes != io->blocks * fake.block || io->bytes > fake.max || io->iova % 4 ||
		     io->slba >= fake.blocks || io->blocks > fake.blocks - io->slba))
		abort();
	if (p->placed - p->first == p->entries - 1)
		return false;
	p->io[p->placed++ % FAKE_ENTRIES_MAX] = *io;
	return true;
}

static inline void fake_ring(struct nvsr_pair *p)
{
	const uint64_t one = 1;

	p->shown = p->placed;
	if (p->fd >= 0 && write(p->fd, &one, sizeof(one)) < 0)
		abort();
}

static inline int fake_reap(struct nvsr_pair *p, unsigned max, nvsr_pair_done_fn done, void *ctx)
{
	int n = 0;

	if (fake.nonsense)
		return -EPROTO;
	while (p->first != p->shown && max-- && !(fake.gone && *fake.gone)) {
		const struct nvsr_io *io = &p->io[p->first++ % FAKE_ENTRIES_MAX];
		bool bad = io->opcode != NVME_CMD_FLUSH && FAKE_BAD_LBA - io->slba < io->blocks;
		uint8_t *host = (uint8_t *)(uintptr_t)(io->iova - FAKE_IOVA), *disk = fake.media + io->slba * fake.block;

		if (!bad && io->opcode == NVME_CMD_READ)
			memcpy(host, disk, io->bytes);
		if (!bad && io->opcode == NVME_CMD_WRITE)
			memcpy(disk, host, io->bytes);
		done(ctx, io->arg, bad ? 0x281 : 0);
		n++;
	}
	return n;
}

static inline bool fake_alive(struct nvsr_dev *d)
{
	return !(fake.gone && *fake.gone);
}

static NVSR_UNUSED const struct nvsr_back_ops fake_ops = {
	fake_map, fake_unmap, fake_create, fake_destroy, fake_fd, fake_submit, fake_ring, fake_reap, fake_alive,
};

static inline struct nvsr_back_disk fake_disk(void *media, size_t bytes, uint32_t block, uint32_t max, uint32_t entries)
{
	fake.media = (uint8_t *)media;
	fake.block = block;
	fake.blocks = bytes / block;
	fake.max = max;
	return (struct nvsr_back_disk){ .nsid = 1, .block = block, .blocks = bytes / block, .max = max, .entries = entries,
					.id = "a serial number" };
}

#endif
