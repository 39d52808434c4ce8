// SPDX-License-Identifier: GPL-2.0-or-later
/* The only file that knows libpci. */
#include <stdarg.h>

#include <pci/pci.h>

#include "base/le.h"
#include "base/text.h"
#include "device/kernel_pci.h"

struct nvsr_kernel_pci { struct pci_access *a; };

/* What libpci would print, the caller learns from the return value. */
static void quiet(char *fmt, ...)
{
}

int nvsr_kernel_pci_open(struct nvsr_kernel_pci **ret)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/bus/pci", nvsr_sysfs_root());
	struct nvsr_kernel_pci *p = calloc(1, sizeof(*p));

	if (!p || !path || !(p->a = pci_alloc())) {
		free(p);
		return -ENOMEM;
	}
	/* With the method fixed, pci_init() probes nothing and so never calls its fatal error handler. */
	p->a->method = PCI_ACCESS_SYS_BUS_PCI;
	p->a->warning = quiet;
	p->a->writeable = 1;
	pci_set_param(p->a, (char *)"sysfs.path", path);
	pci_init(p->a);
	*ret = p;
	return 0;
}

void nvsr_kernel_pci_close(struct nvsr_kernel_pci *p)
{
	if (p)
		pci_cleanup(p->a);
	free(p);
}

static struct pci_dev *find(struct nvsr_kernel_pci *p, struct nvsr_bdf b)
{
	return pci_get_dev(p->a, (int)b.domain, b.rid >> 8, b.rid >> 3 & 0x1f, b.rid & 7);
}

int nvsr_kernel_pci_read(struct nvsr_kernel_pci *p, struct nvsr_bdf b, unsigned off, unsigned len, uint32_t *ret)
{
	struct pci_dev *d;
	uint8_t data[4];
	int ok;

	if (!nvsr_sysfs_has(b, "config"))
		return -ENODEV;
	d = find(p, b);
	if (!d)
		return -ENOMEM;
	ok = pci_read_block(d, (int)off, data, (int)len);
	pci_free_dev(d);
	if (!ok)
		return nvsr_sysfs_has(b, "config") ? -EACCES : -ENODEV;
	*ret = (uint32_t)nvsr_le_read(data, len);
	return 0;
}

int nvsr_kernel_pci_write(struct nvsr_kernel_pci *p, struct nvsr_bdf b, unsigned off, unsigned len, uint32_t val)
{
	struct pci_dev *d;
	uint8_t data[4];
	int ok;

	if (!nvsr_sysfs_has(b, "config"))
		return -ENODEV;
	d = find(p, b);
	if (!d)
		return -ENOMEM;
	nvsr_le_write(data, len, val);
	ok = pci_write_block(d, (int)off, data, (int)len);
	pci_free_dev(d);
	if (!ok)
		return nvsr_sysfs_has(b, "config") ? -EACCES : -ENODEV;
	return 0;
}
