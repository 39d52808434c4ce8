// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory in the back end: mapped from the front end's descriptors, and known to the NVMe function.  The file behind it
 * belongs to the front end, which may cut it off under our feet: where the kernel lets us, it is sealed against that; else the
 * access raises SIGBUS, and a handler puts a page of zeros there.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "virtio/back_memory.h"

#define PAGE 4096u
#define MAPPED_MAX 1024u

/* For the signal handler: all that may be cut off.  Written by the one thread that also raises the signal. */
static struct { uint8_t *at; size_t len; } mapped[MAPPED_MAX];

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uint8_t *at = info->si_addr;

	for (unsigned i = 0; i < MAPPED_MAX; i++)
		if (mapped[i].at && at >= mapped[i].at && at < mapped[i].at + mapped[i].len) {
			void *page = (void *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));

			if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page)
				return;
		}
	/* Not a guest's doing: it dies of it when it tries again. */
	signal(sig, SIG_DFL);
}

int nvsr_back_memory_catch(void)
{
	struct sigaction a = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };

	sigemptyset(&a.sa_mask);
	return sigaction(SIGBUS, &a, NULL) ? -errno : 0;
}

static int remember(void *at, size_t len)
{
	for (unsigned i = 0; i < MAPPED_MAX; i++)
		if (!mapped[i].at) {
			mapped[i].len = len;
			mapped[i].at = at;
			return 0;
		}
	return -ENOSPC;
}

static void forget(const void *at)
{
	for (unsigned i = 0; i < MAPPED_MAX; i++)
		if (mapped[i].at == at)
			mapped[i].at = NULL;
}

static bool fits(const struct vhost_user_region *r, int fd)
{
	struct stat st;

	return r->size && r->guest_addr + r->size > r->guest_addr && r->user_addr + r->size > r->user_addr &&
	       r->mmap_offset + r->size > r->mmap_offset && !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       r->mmap_offset + r->size <= (uint64_t)st.st_size;
}

static int map(const struct nvsr_back_ops *ops, struct nvsr_dev *dev, const struct vhost_user_region *from, int fd,
	       struct nvsr_back_region *to)
{
	uint64_t skip = from->mmap_offset % PAGE, iova;
	int rc;

	/* Fails on what is no memfd, or is sealed already; the handler is there for those. */
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	if (!fits(from, fd))
		return -EINVAL;
	*to = (struct nvsr_back_region){ .guest = from->guest_addr, .user = from->user_addr, .len = from->size,
					 .map_len = NVSR_ROUND_UP(from->size + skip, PAGE) };
	to->map = mmap(NULL, to->map_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(from->mmap_offset - skip));
	if (to->map == MAP_FAILED)
		return -errno;
	rc = remember(to->map, to->map_len);
	rc = rc ? rc : ops->map(dev, to->map, to->map_len, fd, from->mmap_offset - skip, &iova);
	if (rc) {
		forget(to->map);
		munmap(to->map, to->map_len);
		return rc;
	}
	to->at = (uint8_t *)to->map + skip;
	to->iova = iova + skip;
	return 0;
}

void nvsr_back_memory_unmap(const struct nvsr_back_ops *ops, struct nvsr_dev *dev, struct nvsr_back_memory *m)
{
	while (m->regions) {
		struct nvsr_back_region *r = &m->region[--m->regions];

		ops->unmap(dev, r->map);
		forget(r->map);
		munmap(r->map, r->map_len);
	}
}

int nvsr_back_memory_map(const struct nvsr_back_ops *ops, struct nvsr_dev *dev, const struct nvsr_vhost_msg *msg,
			 struct nvsr_back_memory *ret)
{
	const struct vhost_user_memory *t = &msg->p.memory;
	int rc = 0;

	*ret = (struct nvsr_back_memory){ 0 };
	if (!t->regions || t->regions > VHOST_USER_REGIONS_MAX || t->regions != msg->fds ||
	    msg->h.size < offsetof(struct vhost_user_memory, region) + t->regions * sizeof(t->region[0]))
		return -EINVAL;
	while (!rc && ret->regions < t->regions) {
		rc = map(ops, dev, &t->region[ret->regions], msg->fd[ret->regions], &ret->region[ret->regions]);
		ret->regions += !rc;
	}
	if (rc)
		nvsr_back_memory_unmap(ops, dev, ret);
	return rc;
}
