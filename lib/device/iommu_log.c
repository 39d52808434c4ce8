// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of Linux' Intel and AMD IOMMU drivers. */
#include "base/kmsg.h"
#include "base/text.h"
#include "base/time.h"
#include "device/iommu_log.h"
#include "device/kernel_sysfs.h"

#define QUIET_NS (5 * NVSR_S)		/* DEFAULT_RATELIMIT_INTERVAL; its burst is 10 */
#define BURST 3u			/* faults: dmar_fault() asks for leave several times for each */

struct nvsr_iommu_log {
	struct nvsr_kmsg *kernel;
	struct nvsr_bdf pf;
	uint64_t count, recent, last_ns;
	struct nvsr_dma_fault last;
};

/* The text after @key, or NULL. */
static const char *after(const char *s, const char *key)
{
	const char *at = strstr(s, key);

	return at ? at + strlen(key) : NULL;
}

static bool read_rid(const char *s, uint16_t *ret)
{
	size_t len = strspn(s, "0123456789abcdefABCDEF:.");
	char text[32];
	struct nvsr_bdf b;

	len -= len && s[len - 1] == ':';	/* "0000:01:00.1: AMD-Vi" */
	snprintf(text, sizeof(text), "%.*s", (int)NVSR_MIN(len, sizeof(text) - 1), s);
	if (!nvsr_bdf_parse(text, &b))
		return false;
	*ret = b.rid;
	return true;
}

/* "DMAR: [DMA Write NO_PASID] Request device [01:00.1] fault addr 0xdead0000 [fault reason 0x05] ..."; older: no "NO_PASID". */
static bool parse_intel(const char *line, struct nvsr_dma_fault *ret)
{
	const char *kind = after(line, "[DMA "), *device = kind ? after(kind, "device [") : NULL;
	const char *addr = device ? after(device, "fault addr ") : NULL;

	if (!addr || !read_rid(device, &ret->rid))
		return false;
	ret->write = !strncmp(kind, "Write", 5);
	ret->iova = strtoull(addr, NULL, 16);
	return true;
}

#define AMD_FLAG_WRITE 0x020u

/*
 * "AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:00.1 domain=0x0014 address=0xdead0000 flags=0x0020]", or the device in
 * front: "vfio-pci 0000:01:00.1: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0014 address=0xdead0000 flags=0x0020]".
 */
static bool parse_amd(const char *line, struct nvsr_dma_fault *ret)
{
	const char *fault = after(line, "[IO_PAGE_FAULT "), *addr = fault ? after(fault, "address=") : NULL;
	const char *device = fault ? after(fault, "device=") : NULL, *flags = addr ? after(addr, "flags=") : NULL;

	if (!flags)
		return false;
	if (!device) {
		/* the driver's name and the function stand at the start */
		device = strchr(line, ' ');
		device = device ? device + 1 : line;
	}
	if (!read_rid(device, &ret->rid))
		return false;
	ret->iova = strtoull(addr, NULL, 16);
	ret->write = strtoul(flags, NULL, 16) & AMD_FLAG_WRITE;
	return true;
}

bool nvsr_iommu_log_parse(const char *line, struct nvsr_dma_fault *ret)
{
	struct nvsr_dma_fault f = { 0 };
	bool is = parse_intel(line, &f) || parse_amd(line, &f);

	if (is)
		*ret = f;
	return is;
}

static bool known_iommu(void)
{
	static const char *const names[] = { "dmar0", "dmar1", "ivhd0", "ivhd1" };

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = nvsr_asprintf("%s/class/iommu/%s", nvsr_sysfs_root(), names[i]);

		if (path && !access(path, F_OK))
			return true;
	}
	return false;
}

int nvsr_iommu_log_open(struct nvsr_bdf pf, struct nvsr_iommu_log **ret)
{
	struct nvsr_iommu_log *l;
	int rc;

	if (!known_iommu())
		return -ENOTSUP;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->pf = pf;
	rc = nvsr_kmsg_open(&l->kernel);
	if (rc)
		nvsr_iommu_log_close(l);
	else
		*ret = l;
	return rc;
}

void nvsr_iommu_log_close(struct nvsr_iommu_log *l)
{
	if (l)
		nvsr_kmsg_close(l->kernel);
	free(l);
}

/* The PF, a VF of it, or what was one before VFs were disabled: a function of the PF's bus that is no longer there. */
static bool is_ours(const struct nvsr_iommu_log *l, uint16_t rid)
{
	struct nvsr_bdf f = { l->pf.domain, rid };
	char pf[NVSR_BDF_LEN], physfn[32];

	if (rid == l->pf.rid)
		return true;
	if (!nvsr_sysfs_link(f, "physfn", physfn, sizeof(physfn)))
		return !strcmp(physfn, nvsr_bdf_text(l->pf, pf));
	return !nvsr_sysfs_has(f, "class") && rid >> 8 == l->pf.rid >> 8;
}

static void drain(struct nvsr_iommu_log *l)
{
	struct nvsr_dma_fault fault;
	const char *message;

	while ((message = nvsr_kmsg_next(l->kernel, NULL))) {
		if (!nvsr_iommu_log_parse(message, &fault))
			continue;
		/* Whosever it is, the kernel counts it for what it keeps quiet about. */
		l->recent = nvsr_now_ns() - l->last_ns < QUIET_NS ? l->recent + 1 : 1;
		l->last_ns = nvsr_now_ns();
		if (!is_ours(l, fault.rid))
			continue;
		l->last = fault;
		l->count++;
	}
}

void nvsr_iommu_log_count(struct nvsr_iommu_log *l, uint64_t *ret_count, struct nvsr_dma_fault *ret_last)
{
	drain(l);
	if (l->recent >= BURST) {
		nvsr_sleep_ns(QUIET_NS, NULL);
		drain(l);
		l->recent = 0;
	}
	*ret_count = l->count;
	if (ret_last)
		*ret_last = l->last;
}
