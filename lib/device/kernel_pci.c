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

typedef int (*transfer_fn)(struct pci_dev *d, int off, uint8_t *data, int len);

static int transfer(struct nvsr_kernel_pci *p, struct nvsr_bdf b, unsigned off, uint8_t *data, unsigned len, transfer_fn fn)
{
	struct pci_dev *d;
	int ok;

	if (!nvsr_sysfs_has(b, "config"))
		return -ENODEV;
	d = pci_get_dev(p->a, (int)b.domain, b.rid >> 8, b.rid >> 3 & 0x1f, b.rid & 7);
	if (!d)
		return -ENOMEM;
	ok = fn(d, (int)off, data, (int)len);
	pci_free_dev(d);
	if (!ok)
		return nvsr_sysfs_has(b, "config") ? -EACCES : -ENODEV;
	return 0;
}

int nvsr_kernel_pci_read(struct nvsr_kernel_pci *p, struct nvsr_bdf b, unsigned off, unsigned len, uint32_t *ret)
{
	uint8_t data[4];
	int rc = transfer(p, b, off, data, len, pci_read_block);

	if (!rc)
		*ret = (uint32_t)nvsr_le_read(data, len);
	return rc;
}

int nvsr_kernel_pci_write(struct nvsr_kernel_pci *p, struct nvsr_bdf b, unsigned off, unsigned len, uint32_t val)
{
	uint8_t data[4];

	nvsr_le_write(data, len, val);
	return transfer(p, b, off, data, len, pci_write_block);
}
