// SPDX-License-Identifier: GPL-2.0-or-later
/* The ioctls of VFIO around one function. */
#include <fcntl.h>
#include <linux/vfio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/text.h"
#include "device/private.h"
#include "device/vfio_fn.h"

#define BARS 6		/* VFIO_PCI_BAR0_REGION_INDEX to VFIO_PCI_BAR5_REGION_INDEX */
#define VECTORS_MAX 2048u

struct region { uint64_t offset, size; void *map; bool readable, writable; };

struct vector { int fd; uint64_t count; };

struct nvsr_vfio_fn {
	struct nvsr_bdf bdf;
	int container, group, device, request;
	struct region bar[BARS];
	struct vector *vector;
	unsigned vectors;
};

/* --- open ---------------------------------------------------------------------------------------------------------- */

static int open_group(struct nvsr_vfio_fn *f, const char *name, struct nvsr_complaint *c)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char group[32], path[64];

	if (nvsr_sysfs_link(f->bdf, "iommu_group", group, sizeof(group)))
		return nvsr_complain(c, -ENODEV, "%s is in no IOMMU group: switch the IOMMU on (firmware, and intel_iommu=on or "
				"amd_iommu=on for the kernel)", name);
	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	f->group = open(path, O_RDWR | O_CLOEXEC);
	if (f->group < 0 && errno == EBUSY)
		return nvsr_complain(c, -EBUSY, "%s: %s is in use by another program", name, path);
	if (f->group < 0)
		return nvsr_complain(c, -errno, "%s: %s: %s", name, path, strerror(errno));
	if (ioctl(f->group, VFIO_GROUP_GET_STATUS, &status))
		return nvsr_complain(c, -errno, "%s: %s: %s", name, path, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return nvsr_complain(c, -EBUSY, "%s: IOMMU group %s holds other devices with drivers of their own: unbind those "
				"(/sys/kernel/iommu_groups/%s/devices)", name, group, group);
	return 0;
}

/* A file for each vector of each function: more than the 1024 that a process has by default. */
static void raise_file_limit(void)
{
	struct rlimit l;

	if (!getrlimit(RLIMIT_NOFILE, &l) && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static int open_container(struct nvsr_vfio_fn *f, const char *name, struct nvsr_complaint *c)
{
	raise_file_limit();
	f->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (f->container < 0)
		return nvsr_complain(c, -errno, "%s: /dev/vfio/vfio: %s (is vfio-pci loaded?)", name, strerror(errno));
	if (ioctl(f->container, VFIO_GET_API_VERSION) != VFIO_API_VERSION ||
	    ioctl(f->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1)
		return nvsr_complain(c, -ENOTSUP, "%s: this kernel has no VFIO of type1v2", name);
	if (ioctl(f->group, VFIO_GROUP_SET_CONTAINER, &f->container))
		return nvsr_complain(c, -errno, "%s: its group and the container: %s", name, strerror(errno));
	if (ioctl(f->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return nvsr_complain(c, -errno, "%s: VFIO_SET_IOMMU: %s", name, strerror(errno));
	return 0;
}

static void find_bar(struct nvsr_vfio_fn *f, unsigned i)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = i };
	struct region *r = &f->bar[i];

	if (ioctl(f->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return;
	*r = (struct region){
		.offset = info.offset, .size = info.size, .readable = info.flags & VFIO_REGION_INFO_FLAG_READ,
		.writable = info.flags & VFIO_REGION_INFO_FLAG_WRITE,
	};
	/*
	 * Mapped as a whole, with the MSI-X table in it, wherever the kernel allows it: read() and write() on the region do not
	 * reach the table.
	 */
	if (r->size && info.flags & VFIO_REGION_INFO_FLAG_MMAP)
		r->map = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->device, (off_t)r->offset);
	if (r->map == MAP_FAILED)
		r->map = NULL;
	/* A child would keep the function open. */
	if (r->map)
		madvise(r->map, r->size, MADV_DONTFORK);
}

/* An eventfd that tells when the kernel asks for the function. */
static void watch_request(struct nvsr_vfio_fn *f)
{
	char space[sizeof(struct vfio_irq_set) + sizeof(int32_t)] __attribute__((aligned(8)));
	struct vfio_irq_set *set = (struct vfio_irq_set *)(void *)space;

	f->request = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*set = (struct vfio_irq_set){
		.argsz = sizeof(space), .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_REQ_IRQ_INDEX, .count = 1,
	};
	memcpy(set->data, &f->request, sizeof(int32_t));
	ioctl(f->device, VFIO_DEVICE_SET_IRQS, set);	/* older kernels have none: then nobody asks */
}

static int open_device(struct nvsr_vfio_fn *f, const char *name, const char *vf_token, struct nvsr_complaint *c)
{
	_cleanup_free_ char *with_token = vf_token ? nvsr_asprintf("%s vf_token=%s", name, vf_token) : NULL;

	f->device = ioctl(f->group, VFIO_GROUP_GET_DEVICE_FD, with_token ? with_token : name);
	if (f->device < 0)
		return nvsr_complain(c, -errno, "%s: VFIO does not give the device: %s%s", name, strerror(errno),
				errno == EACCES && !vf_token ? " (another program drives its PF and keeps the VF token)" : "");
	fcntl(f->device, F_SETFD, FD_CLOEXEC);
	for (unsigned i = 0; i < BARS; i++)
		find_bar(f, i);
	watch_request(f);
	return 0;
}

int nvsr_vfio_open(struct nvsr_bdf b, const char *vf_token, struct nvsr_vfio_fn **ret, struct nvsr_complaint *c)
{
	struct nvsr_vfio_fn *f = calloc(1, sizeof(*f));
	char name[NVSR_BDF_LEN];
	int rc;

	if (!f)
		return -ENOMEM;
	*f = (struct nvsr_vfio_fn){ .bdf = b, .container = -1, .group = -1, .device = -1, .request = -1 };
	nvsr_bdf_text(b, name);
	rc = open_group(f, name, c);
	if (!rc)
		rc = open_container(f, name, c);
	if (!rc)
		rc = open_device(f, name, vf_token, c);
	if (rc)
		nvsr_vfio_close(f);
	else
		*ret = f;
	return rc;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void nvsr_vfio_close(struct nvsr_vfio_fn *f)
{
	if (!f)
		return;
	nvsr_vfio_irqs_disable(f);
	for (unsigned i = 0; i < BARS; i++)
		if (f->bar[i].map)
			munmap(f->bar[i].map, f->bar[i].size);
	close_fd(f->device);
	close_fd(f->request);
	close_fd(f->group);
	close_fd(f->container);	/* takes the mappings with it */
	free(f);
}

int nvsr_vfio_set_token(struct nvsr_vfio_fn *pf, const char *token)
{
	char space[sizeof(struct vfio_device_feature) + 16] __attribute__((aligned(8)));
	struct vfio_device_feature *set = (struct vfio_device_feature *)(void *)space;
	unsigned digits = 0;

	*set = (struct vfio_device_feature){
		.argsz = sizeof(space), .flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN,
	};
	for (const char *s = token; *s && digits < 32; s++) {
		unsigned v;

		if (*s == '-')
			continue;
		if (sscanf((char[]){ *s, '\0' }, "%x", &v) != 1)
			return -EINVAL;
		set->data[digits / 2] = (uint8_t)(digits & 1 ? set->data[digits / 2] | v : v << 4);
		digits++;
	}
	if (digits != 32)
		return -EINVAL;
	return ioctl(pf->device, VFIO_DEVICE_FEATURE, set) ? -errno : 0;
}

int nvsr_vfio_bus_master(struct nvsr_vfio_fn *f)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = VFIO_PCI_CONFIG_REGION_INDEX };
	uint16_t command;

	if (ioctl(f->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		return -errno;
	if (pread(f->device, &command, sizeof(command), (off_t)(info.offset + PCI_COMMAND)) != (ssize_t)sizeof(command))
		return -EIO;
	command |= PCI_COMMAND_MASTER;
	return pwrite(f->device, &command, sizeof(command), (off_t)(info.offset + PCI_COMMAND)) == (ssize_t)sizeof(command) ? 0 : -EIO;
}

/* --- BARs ------------------------------------------------------------------------------------------------------------ */

uint64_t nvsr_vfio_bar_size(const struct nvsr_vfio_fn *f, unsigned bar)
{
	return bar < BARS ? f->bar[bar].size : 0;
}

static bool in_bar(const struct nvsr_vfio_fn *f, unsigned bar, uint64_t off, unsigned len)
{
	return bar < BARS && off <= f->bar[bar].size && len <= f->bar[bar].size - off;
}

int nvsr_vfio_bar_read(struct nvsr_vfio_fn *f, unsigned bar, uint64_t off, unsigned len, uint64_t *ret)
{
	const struct region *r = &f->bar[bar];
	const volatile uint8_t *at;

	if (!in_bar(f, bar, off, len))
		return -ERANGE;
	if (!r->map) {
		uint64_t v = 0;

		if (!r->readable)
			return -ENOTSUP;
		if (pread(f->device, &v, len, (off_t)(r->offset + off)) != (ssize_t)len)
			return -EIO;
		*ret = v;
		return 0;
	}
	at = (const volatile uint8_t *)r->map + off;
	switch (len) {
	case 1: *ret = *at; break;
	case 2: *ret = *(const volatile uint16_t *)at; break;
	case 4: *ret = *(const volatile uint32_t *)at; break;
	default: *ret = *(const volatile uint64_t *)at; break;
	}
	return 0;
}

int nvsr_vfio_bar_write(struct nvsr_vfio_fn *f, unsigned bar, uint64_t off, unsigned len, uint64_t val)
{
	const struct region *r = &f->bar[bar];
	volatile uint8_t *at;

	if (!in_bar(f, bar, off, len))
		return -ERANGE;
	/* What was written to memory before a doorbell is there before the doorbell. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!r->map) {
		if (!r->writable)
			return -ENOTSUP;
		return pwrite(f->device, &val, len, (off_t)(r->offset + off)) == (ssize_t)len ? 0 : -EIO;
	}
	at = (volatile uint8_t *)r->map + off;
	switch (len) {
	case 1: *at = (uint8_t)val; break;
	case 2: *(volatile uint16_t *)at = (uint16_t)val; break;
	case 4: *(volatile uint32_t *)at = (uint32_t)val; break;
	default: *(volatile uint64_t *)at = val; break;
	}
	return 0;
}

/* --- DMA ---------------------------------------------------------------------------------------------------------------- */

int nvsr_vfio_map(struct nvsr_vfio_fn *f, void *ptr, uint64_t iova, size_t len)
{
	struct vfio_iommu_type1_dma_map m = {
		.argsz = sizeof(m), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE, .vaddr = (uintptr_t)ptr,
		.iova = iova, .size = len,
	};

	return ioctl(f->container, VFIO_IOMMU_MAP_DMA, &m) ? -errno : 0;
}

int nvsr_vfio_unmap(struct nvsr_vfio_fn *f, uint64_t iova, size_t len)
{
	struct vfio_iommu_type1_dma_unmap m = { .argsz = sizeof(m), .iova = iova, .size = len };

	return ioctl(f->container, VFIO_IOMMU_UNMAP_DMA, &m) ? -errno : 0;
}

/* --- interrupts ---------------------------------------------------------------------------------------------------------- */

void nvsr_vfio_irqs_disable(struct nvsr_vfio_fn *f)
{
	struct vfio_irq_set none = {
		.argsz = sizeof(none), .flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX,
	};

	if (!f->vector)
		return;
	ioctl(f->device, VFIO_DEVICE_SET_IRQS, &none);
	for (unsigned i = 0; i < f->vectors; i++)
		close_fd(f->vector[i].fd);
	free(f->vector);
	f->vector = NULL;
	f->vectors = 0;
}

static int make_eventfds(struct nvsr_vfio_fn *f, unsigned n)
{
	f->vector = calloc(n, sizeof(*f->vector));
	if (!f->vector)
		return -ENOMEM;
	for (f->vectors = 0; f->vectors < n; f->vectors++) {
		f->vector[f->vectors].fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (f->vector[f->vectors].fd < 0)
			return -errno;
	}
	return 0;
}

/* 0, negative errno, or how many vectors there are to get when @n are too many. */
static int enable_vectors(struct nvsr_vfio_fn *f, unsigned n)
{
	size_t size = sizeof(struct vfio_irq_set) + n * sizeof(int32_t);
	_cleanup_free_ struct vfio_irq_set *set = calloc(1, size);
	int rc = set ? make_eventfds(f, n) : -ENOMEM;

	if (rc)
		return rc;
	*set = (struct vfio_irq_set){
		.argsz = (uint32_t)size, .flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = VFIO_PCI_MSIX_IRQ_INDEX, .count = n,
	};
	for (unsigned i = 0; i < n; i++)
		memcpy(set->data + i * sizeof(int32_t), &f->vector[i].fd, sizeof(int32_t));
	rc = ioctl(f->device, VFIO_DEVICE_SET_IRQS, set);
	return rc < 0 ? -errno : rc;
}

int nvsr_vfio_irqs_enable(struct nvsr_vfio_fn *f)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX };
	unsigned n;
	int rc;

	nvsr_vfio_irqs_disable(f);
	if (ioctl(f->device, VFIO_DEVICE_GET_IRQ_INFO, &info) || !info.count)
		return 0;
	n = NVSR_MIN(info.count, VECTORS_MAX);
	/* A processor has some 200 vectors for all devices: a drive with thousands gets what is left. */
	while ((rc = enable_vectors(f, n))) {
		nvsr_vfio_irqs_disable(f);
		if (n == 1 || (rc < 0 && rc != -ENOSPC && rc != -EINVAL && rc != -EMFILE))
			return rc < 0 ? rc : -ENOSPC;
		n = rc > 0 && (unsigned)rc < n ? (unsigned)rc : n / 2;
	}
	return 0;
}

int nvsr_vfio_irq_count(struct nvsr_vfio_fn *f, unsigned vector, uint64_t *ret)
{
	uint64_t n;

	if (!f->vector) {
		*ret = 0;
		return 0;
	}
	if (vector >= f->vectors)
		return -EINVAL;
	if (read(f->vector[vector].fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		f->vector[vector].count += n;
	*ret = f->vector[vector].count;
	return 0;
}

int nvsr_vfio_irq_fd(const struct nvsr_vfio_fn *f, unsigned vector, int *ret)
{
	if (vector >= f->vectors)
		return -EINVAL;
	*ret = f->vector[vector].fd;
	return 0;
}

/* --- resets -------------------------------------------------------------------------------------------------------------- */

int nvsr_vfio_flr(struct nvsr_vfio_fn *f)
{
	return ioctl(f->device, VFIO_DEVICE_RESET) ? (errno == ENOTTY ? -ENOTSUP : -errno) : 0;
}

int nvsr_vfio_hot_reset(struct nvsr_vfio_fn *f)
{
	struct vfio_pci_hot_reset_info ask = { .argsz = sizeof(ask) };
	char space[sizeof(struct vfio_pci_hot_reset) + sizeof(int32_t)] __attribute__((aligned(8)));
	struct vfio_pci_hot_reset *reset = (struct vfio_pci_hot_reset *)(void *)space;

	/* ENOSPC: there are functions to tell about.  One is f itself; any other would have to be ours too. */
	if (ioctl(f->device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &ask) && errno != ENOSPC)
		return errno == ENODEV || errno == ENOTTY ? -ENOTSUP : -errno;
	if (ask.count > 1)
		return -EBUSY;
	*reset = (struct vfio_pci_hot_reset){ .argsz = sizeof(space), .count = 1 };
	memcpy(reset->group_fds, &f->group, sizeof(int32_t));
	return ioctl(f->device, VFIO_DEVICE_PCI_HOT_RESET, reset) ? -errno : 0;
}

int nvsr_vfio_request_fd(const struct nvsr_vfio_fn *f)
{
	return f->request;
}
