/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XML for libvirt: a writer that escapes, and the definition of a guest. */
#ifndef NVSR_RUNNERS_VM_XML_H
#define NVSR_RUNNERS_VM_XML_H

#include "base/text.h"

/*
 * Elements with attributes as pairs of name and value, ended by NULL; a pair whose value is NULL is left out.  Values are escaped;
 * one that XML cannot hold, as control characters, fails the text (.failed).
 */
void nvsr_xml_open(struct nvsr_text *t, const char *name, ...) __attribute__((sentinel));
void nvsr_xml_empty(struct nvsr_text *t, const char *name, ...) __attribute__((sentinel));
/* With text in it, and no element. */
void nvsr_xml_leaf(struct nvsr_text *t, const char *name, const char *text, ...) __attribute__((sentinel));
void nvsr_xml_close(struct nvsr_text *t, const char *name);

/* --- devices of a guest -------------------------------------------------------------------------------------------------- */

/* A PCI function of the host ("0000:01:00.1"), taken from its driver and given back by libvirt.  False: no such address. */
bool nvsr_xml_hostdev(struct nvsr_text *t, const char *bdf);
struct nvsr_xml_disk {
	const char *source;	/* block device, file, or socket of a vhost-user back end */
	enum nvsr_xml_source { NVSR_XML_BLOCK, NVSR_XML_FILE, NVSR_XML_VHOST_USER } kind;
	const char *format;	/* NULL: raw */
	const char *cache, *io;	/* not of vhost-user */
	bool iothread;		/* the guest's first one; not of vhost-user */
	unsigned queues;	/* 0: the hypervisor's choice */
};
/* As the virtio disk vda. */
void nvsr_xml_disk(struct nvsr_text *t, const struct nvsr_xml_disk *d);

/* LUN 0 of a target at a TCP port, whose initiator is QEMU: the guest's vda. */
void nvsr_xml_iscsi(struct nvsr_text *t, const char *target, const char *address, const char *service);
/* An adapter of the kernel's vhost-scsi target ("naa.5001405…"): the guest's disk sda. */
void nvsr_xml_vhost_scsi(struct nvsr_text *t, const char *wwpn);

/* @n places for virtio devices: of q35, only such a place takes a device that is plugged in later. */
void nvsr_xml_ports(struct nvsr_text *t, unsigned n);

/* --- the whole --------------------------------------------------------------------------------------------------------------- */

struct nvsr_vm_options;
/* malloc'd, or NULL: no memory, or something in it that XML cannot hold.  @type: "kvm", "qemu", "test". */
char *nvsr_vm_xml(const struct nvsr_vm_options *o, const char *type);

#endif
