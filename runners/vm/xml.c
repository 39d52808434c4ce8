// SPDX-License-Identifier: GPL-2.0-or-later
/* XML for libvirt. */
#include <stdarg.h>

#include "runners/vm/vm.h"
#include "runners/vm/xml.h"

static void put_escaped(struct nvsr_text *t, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		switch (c) {
		case '&': nvsr_text_add(t, "&amp;"); break;
		case '<': nvsr_text_add(t, "&lt;"); break;
		case '>': nvsr_text_add(t, "&gt;"); break;
		case '"': nvsr_text_add(t, "&quot;"); break;
		case '\'': nvsr_text_add(t, "&apos;"); break;
		case '\n': nvsr_text_add(t, "&#10;"); break;
		case '\t': nvsr_text_add(t, "&#9;"); break;
		default:
			if (c < 0x20 || c == 0x7f)
				t->failed = true;
			nvsr_text_addn(t, s, 1);
		}
	}
}

/* "  <name a='b'" */
static void begin(struct nvsr_text *t, const char *name, va_list attrs)
{
	const char *key;

	nvsr_text_add(t, "<%s", name);
	while ((key = va_arg(attrs, const char *))) {
		const char *value = va_arg(attrs, const char *);

		if (!value)
			continue;
		nvsr_text_add(t, " %s='", key);
		put_escaped(t, value);
		nvsr_text_add(t, "'");
	}
}

void nvsr_xml_open(struct nvsr_text *t, const char *name, ...)
{
	va_list attrs;

	va_start(attrs, name);
	begin(t, name, attrs);
	va_end(attrs);
	nvsr_text_add(t, ">\n");
}

void nvsr_xml_empty(struct nvsr_text *t, const char *name, ...)
{
	va_list attrs;

	va_start(attrs, name);
	begin(t, name, attrs);
	va_end(attrs);
	nvsr_text_add(t, "/>\n");
}

void nvsr_xml_leaf(struct nvsr_text *t, const char *name, const char *text, ...)
{
	va_list attrs;

	va_start(attrs, text);
	begin(t, name, attrs);
	va_end(attrs);
	nvsr_text_add(t, ">");
	put_escaped(t, text);
	nvsr_text_add(t, "</%s>\n", name);
}

void nvsr_xml_close(struct nvsr_text *t, const char *name)
{
	nvsr_text_add(t, "</%s>\n", name);
}

/* --- devices --------------------------------------------------------------------------------------------------------------- */

bool nvsr_xml_hostdev(struct nvsr_text *t, const char *bdf)
{
	unsigned domain, bus, slot, function;
	char text[4][16], end;

	if (sscanf(bdf, "%4x:%2x:%2x.%1u%c", &domain, &bus, &slot, &function, &end) != 4)
		return false;
	snprintf(text[0], sizeof(text[0]), "0x%04x", domain);
	snprintf(text[1], sizeof(text[1]), "0x%02x", bus);
	snprintf(text[2], sizeof(text[2]), "0x%02x", slot);
	snprintf(text[3], sizeof(text[3]), "0x%x", function);
	nvsr_xml_open(t, "hostdev", "mode", "subsystem", "type", "pci", "managed", "yes", NULL);
	nvsr_xml_empty(t, "driver", "name", "vfio", NULL);
	nvsr_xml_open(t, "source", NULL);
	nvsr_xml_empty(t, "address", "domain", text[0], "bus", text[1], "slot", text[2], "function", text[3], NULL);
	nvsr_xml_close(t, "source");
	nvsr_xml_close(t, "hostdev");
	return true;
}

void nvsr_xml_disk(struct nvsr_text *t, const struct nvsr_xml_disk *d)
{
	static const char *const types[] = { [NVSR_XML_BLOCK] = "block", [NVSR_XML_FILE] = "file", [NVSR_XML_VHOST_USER] = "vhostuser" };
	bool vhost = d->kind == NVSR_XML_VHOST_USER;
	char queues[16];

	snprintf(queues, sizeof(queues), "%u", d->queues);
	nvsr_xml_open(t, "disk", "type", types[d->kind], "device", "disk", NULL);
	nvsr_xml_empty(t, "driver", "name", "qemu", "type", d->format ? d->format : "raw", "cache", vhost ? NULL : d->cache,
		       "io", vhost ? NULL : d->io, "iothread", !vhost && d->iothread ? "1" : NULL, "queues", d->queues ? queues : NULL, NULL);
	if (vhost)
		nvsr_xml_empty(t, "source", "type", "unix", "path", d->source, NULL);
	else
		nvsr_xml_empty(t, "source", d->kind == NVSR_XML_BLOCK ? "dev" : "file", d->source, NULL);
	nvsr_xml_empty(t, "target", "dev", "vda", "bus", "virtio", NULL);
	nvsr_xml_close(t, "disk");
}

void nvsr_xml_iscsi(struct nvsr_text *t, const char *target, const char *address, const char *service)
{
	char name[128];

	if (snprintf(name, sizeof(name), "%s/0", target) >= (int)sizeof(name))
		t->failed = true;
	nvsr_xml_open(t, "disk", "type", "network", "device", "disk", NULL);
	nvsr_xml_empty(t, "driver", "name", "qemu", "type", "raw", "cache", "none", "iothread", "1", NULL);
	nvsr_xml_open(t, "source", "protocol", "iscsi", "name", name, NULL);
	nvsr_xml_empty(t, "host", "name", address, "port", service, NULL);
	nvsr_xml_close(t, "source");
	nvsr_xml_empty(t, "target", "dev", "vda", "bus", "virtio", NULL);
	nvsr_xml_close(t, "disk");
}

void nvsr_xml_vhost_scsi(struct nvsr_text *t, const char *wwpn)
{
	nvsr_xml_open(t, "hostdev", "mode", "subsystem", "type", "scsi_host", "managed", "no", NULL);
	nvsr_xml_empty(t, "source", "protocol", "vhost", "wwpn", wwpn, NULL);
	nvsr_xml_close(t, "hostdev");
}

void nvsr_xml_ports(struct nvsr_text *t, unsigned n)
{
	nvsr_xml_empty(t, "controller", "type", "pci", "model", "pcie-root", NULL);
	while (n--)
		nvsr_xml_empty(t, "controller", "type", "pci", "model", "pcie-root-port", NULL);
}

/* --- the whole ----------------------------------------------------------------------------------------------------------------- */

static void put_pins(struct nvsr_text *t, const struct nvsr_vm_options *o)
{
	char vcpu[16], cpu[16];

	if (!o->cpus && !o->io_cpus)
		return;
	nvsr_xml_open(t, "cputune", NULL);
	for (unsigned i = 0; o->cpus && i < o->vcpus; i++) {
		snprintf(vcpu, sizeof(vcpu), "%u", i);
		snprintf(cpu, sizeof(cpu), "%d", o->cpu[i % o->cpus]);
		nvsr_xml_empty(t, "vcpupin", "vcpu", vcpu, "cpuset", cpu, NULL);
	}
	for (unsigned i = 0; o->io_cpus && i < o->iothreads; i++) {
		snprintf(vcpu, sizeof(vcpu), "%u", i + 1);
		snprintf(cpu, sizeof(cpu), "%d", o->io_cpu[i % o->io_cpus]);
		nvsr_xml_empty(t, "iothreadpin", "iothread", vcpu, "cpuset", cpu, NULL);
	}
	nvsr_xml_close(t, "cputune");
}

static void put_os(struct nvsr_text *t, const struct nvsr_vm_options *o)
{
	nvsr_xml_open(t, "os", NULL);
	nvsr_xml_leaf(t, "type", "hvm", "arch", "x86_64", "machine", "q35", NULL);
	if (o->firmware)
		nvsr_xml_leaf(t, "loader", o->firmware, "readonly", "yes", "type", "rom", NULL);
	nvsr_xml_leaf(t, "kernel", o->kernel, NULL);
	nvsr_xml_leaf(t, "initrd", o->initrd, NULL);
	nvsr_xml_leaf(t, "cmdline", o->cmdline, NULL);
	nvsr_xml_close(t, "os");
	nvsr_xml_open(t, "features", NULL);
	nvsr_xml_empty(t, "acpi", NULL);
	nvsr_xml_empty(t, "apic", NULL);
	nvsr_xml_close(t, "features");
}

/* What a guest of ours needs: no more devices than that. */
static void put_devices(struct nvsr_text *t, const struct nvsr_vm_options *o)
{
	nvsr_xml_open(t, "devices", NULL);
	nvsr_xml_empty(t, "controller", "type", "usb", "model", "none", NULL);
	nvsr_xml_empty(t, "memballoon", "model", "none", NULL);
	if (o->iommu) {			/* a function of the host behind it: QEMU must learn of what is mapped */
		nvsr_xml_open(t, "iommu", "model", "intel", NULL);
		nvsr_xml_empty(t, "driver", "caching_mode", "on", NULL);
		nvsr_xml_close(t, "iommu");
	}
	nvsr_xml_open(t, "serial", "type", "file", NULL);
	nvsr_xml_empty(t, "source", "path", o->console, NULL);
	nvsr_xml_empty(t, "target", "port", "0", NULL);
	nvsr_xml_close(t, "serial");
	nvsr_xml_open(t, "channel", "type", "unix", NULL);
	nvsr_xml_empty(t, "source", "mode", "bind", "path", o->socket, NULL);
	nvsr_xml_empty(t, "target", "type", "virtio", "name", NVSR_VM_PORT, NULL);
	nvsr_xml_close(t, "channel");
	if (o->devices)
		nvsr_text_add(t, "%s", o->devices);
	nvsr_xml_close(t, "devices");
}

char *nvsr_vm_xml(const struct nvsr_vm_options *o, const char *type)
{
	bool of_qemu = o->qemu_args || o->waits;
	struct nvsr_text t = { 0 };
	char number[3][16];

	snprintf(number[0], sizeof(number[0]), "%u", o->memory_mib);
	snprintf(number[1], sizeof(number[1]), "%u", o->vcpus);
	snprintf(number[2], sizeof(number[2]), "%u", o->iothreads);
	nvsr_xml_open(&t, "domain", "type", type, "xmlns:qemu", of_qemu ? "http://libvirt.org/schemas/domain/qemu/1.0" : NULL, NULL);
	nvsr_xml_leaf(&t, "name", o->name, NULL);
	nvsr_xml_leaf(&t, "memory", number[0], "unit", "MiB", NULL);
	nvsr_xml_leaf(&t, "vcpu", number[1], "placement", "static", NULL);
	if (o->iothreads)
		nvsr_xml_leaf(&t, "iothreads", number[2], NULL);
	put_pins(&t, o);
	if (o->shared_memory) {		/* a back end in another process maps it */
		nvsr_xml_open(&t, "memoryBacking", NULL);
		nvsr_xml_empty(&t, "source", "type", "memfd", NULL);
		nvsr_xml_empty(&t, "access", "mode", "shared", NULL);
		nvsr_xml_close(&t, "memoryBacking");
	}
	put_os(&t, o);
	/* All that the host has, or that emulation can: what is measured is not the lowest common denominator. */
	if (!strcmp(type, "kvm"))
		nvsr_xml_empty(&t, "cpu", "mode", "host-passthrough", "check", "none", NULL);
	else if (!strcmp(type, "qemu"))
		nvsr_xml_empty(&t, "cpu", "mode", "maximum", "check", "none", NULL);
	nvsr_xml_leaf(&t, "on_poweroff", "destroy", NULL);
	nvsr_xml_leaf(&t, "on_reboot", "destroy", NULL);
	nvsr_xml_leaf(&t, "on_crash", "destroy", NULL);
	put_devices(&t, o);
	if (of_qemu)
		nvsr_xml_open(&t, "qemu:commandline", NULL);
	if (o->waits) {
		nvsr_xml_empty(&t, "qemu:arg", "value", "-incoming", NULL);
		nvsr_xml_empty(&t, "qemu:arg", "value", "defer", NULL);
	}
	for (const char *const *arg = o->qemu_args; arg && *arg; arg++)
		nvsr_xml_empty(&t, "qemu:arg", "value", *arg, NULL);
	if (of_qemu)
		nvsr_xml_close(&t, "qemu:commandline");
	nvsr_xml_close(&t, "domain");
	if (t.failed)
		nvsr_text_free(&t);
	return t.s;
}
