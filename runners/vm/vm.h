/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests through libvirt: started for a while, given scripts to run, gone afterwards.
 *
 * Domains are transient and end with the connection that made them: nothing stays defined or running, also when this process is
 * killed.  Scripts and what they print go over a virtio-serial port, whose host side is a Unix socket: that needs no network in the
 * guest, which a host may not have or not allow, no address to agree on, and nothing that listens where others could come.
 */
#ifndef NVSR_RUNNERS_VM_VM_H
#define NVSR_RUNNERS_VM_VM_H

#include <sys/types.h>

#include "nvsr.h"

#define NVSR_VM_PORT "org.nvsr.job"

/*
 * A connection to libvirt.  A daemon that does not answer a call within the patience is left alone (-ETIMEDOUT, for every call from then
 * on); guests are ended without it then.
 */
struct nvsr_hypervisor;
extern uint64_t nvsr_vm_patience_ns;	/* tests have less */
/*
 * @uri: NULL: qemu:///system.  0, or negative errno and *complaint: what libvirt said, and what may help.
 */
int nvsr_hypervisor_open(const char *uri, struct nvsr_hypervisor **ret, struct nvsr_complaint *complaint);
void nvsr_hypervisor_close(struct nvsr_hypervisor *h);
/* "kvm"; "qemu": by software emulation, whose numbers say nothing about VMs; "test": nothing really runs. */
const char *nvsr_hypervisor_type(const struct nvsr_hypervisor *h);

struct nvsr_vm_options {
	const char *name;
	unsigned memory_mib, vcpus, iothreads;
	const int *cpu;			/* vCPUs are pinned to these, one after the other; of iothreads likewise */
	unsigned cpus;
	const int *io_cpu;
	unsigned io_cpus;
	const char *firmware, *kernel, *initrd, *cmdline;	/* firmware: NULL: the hypervisor's own */
	const char *devices;		/* XML of what the path takes, or NULL */
	const char *const *qemu_args;	/* of QEMU's own command line, for what libvirt does not know; NULL-terminated, or NULL */
	bool shared_memory;
	bool iommu;			/* the guest has one, so that a program in it may drive a device */
	const char *socket, *console;	/* files that are made: host side of the channel, what the guest prints at its console */
	unsigned boot_s;		/* until it must be ready */
	bool waits;			/* for the state of another guest, which is alike but for name and files (nvsr_vm_move) */
};
struct nvsr_vm;
/**
 * nvsr_vm_start() - start a guest and wait until it is ready for scripts.
 *
 * Return: 0, or negative errno and *complaint; then nothing is left of it but the console file.  -EINTR nvsr_stop;
 * -ENOTSUP this libvirt, or its QEMU, has not what the guest takes.
 */
int nvsr_vm_start(struct nvsr_hypervisor *h, const struct nvsr_vm_options *o, struct nvsr_vm **ret, struct nvsr_complaint *complaint);
/* The process that is the guest, 0 where it is not known. */
pid_t nvsr_vm_pid(const struct nvsr_vm *vm);
/* Send a script, one at a time.  0 or negative errno. */
int nvsr_vm_send(struct nvsr_vm *vm, const char *script);
/* Tell the script that runs: the file "told" is in its folder then.  0 or negative errno. */
int nvsr_vm_tell(struct nvsr_vm *vm);
/*
 * What became of it, without waiting: 0 runs, 1 ended.  Negative errno with *complaint: the guest is gone, or has not said anything
 * for NVSR_VM_QUIET_S.
 */
#define NVSR_VM_QUIET_S 20u
struct nvsr_vm_answer { int code; char *text; size_t len; };	/* text malloc'd, NUL-terminated */
int nvsr_vm_poll(struct nvsr_vm *vm, struct nvsr_vm_answer *ret, struct nvsr_complaint *complaint);
/* Send it and wait, @limit_s at most (-ETIMEDOUT).  0 or negative errno with *complaint. */
int nvsr_vm_run(struct nvsr_vm *vm, const char *script, unsigned limit_s, struct nvsr_vm_answer *ret, struct nvsr_complaint *complaint);
/* Gone at once, with its socket; the console file stays.  NULL is fine. */
void nvsr_vm_stop(struct nvsr_vm *vm);

/* To a guest that runs; negative errno with libvirt's words in *complaint. */
int nvsr_vm_plug(struct nvsr_vm *vm, const char *xml, bool in, struct nvsr_complaint *complaint);
/* 0: no limit. */
int nvsr_vm_limit_iops(struct nvsr_vm *vm, const char *disk, uint64_t iops, struct nvsr_complaint *complaint);
/* Live, to the host of @to, by libvirt, which does not move a guest within a host. */
int nvsr_vm_migrate(struct nvsr_vm *vm, struct nvsr_hypervisor *to, struct nvsr_complaint *complaint);

/* --- within a host, by QEMU's own monitor ------------------------------------------------------------------------------------------ */

/*
 * A command of QEMU's monitor (QMP, JSON) to a guest; @fd: a descriptor that goes with it, -1: none.  0 with what QEMU said, malloc'd;
 * negative errno with libvirt's words in *complaint.
 */
int nvsr_vm_monitor(struct nvsr_vm *vm, const char *command, int fd, char **ret_reply, struct nvsr_complaint *complaint);
/* A guest that is paused runs on. */
int nvsr_vm_resume(struct nvsr_vm *vm, struct nvsr_complaint *complaint);
/* The guest @from goes on as @to: what it says, and the script that it runs.  @from is only good to be stopped from here on. */
int nvsr_vm_follow(struct nvsr_vm *to, struct nvsr_vm *from);

struct nvsr_vm_moved {
	double total_s;		/* as QEMU has it: from the order to the end */
	double down_s;		/* that it ran nowhere, at most: QEMU's downtime and what passed until it was let run */
	double mib;		/* that were sent of its memory */
	unsigned rounds;	/* over its memory */
};
/**
 * nvsr_vm_move() - live migration of the guest @from into @to, which was started to wait for it.
 * @limit_s: that it may take in all
 *
 * Return: 0: @to runs on with all that @from was doing, and @from does no more.  -EPERM: QEMU says no, or gave up, and *complaint why;
 * -ETIMEDOUT, or another negative errno, with *complaint: something on the way.  Both are only good to be stopped then.
 */
int nvsr_vm_move(struct nvsr_vm *from, struct nvsr_vm *to, unsigned limit_s, struct nvsr_vm_moved *ret, struct nvsr_complaint *complaint);

/* What QEMU says of a migration: 0 goes on, 1 is done; -EPERM failed, -EPROTO no answer of QEMU's, with *complaint. */
int nvsr_vm_move_parse(const char *reply, struct nvsr_vm_moved *ret, struct nvsr_complaint *complaint);

#endif
