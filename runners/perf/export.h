/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks offered by targets of the Linux kernel, through configfs: to guests by vhost-scsi, to their QEMU by iSCSI, to this host by NVMe over
 * TCP. */
#ifndef NVSR_RUNNERS_PERF_EXPORT_H
#define NVSR_RUNNERS_PERF_EXPORT_H

#include "runners/perf/partner.h"

/* NULL, or what the kernel lacks for it. */
const char *nvsr_export_lacks_vhost_scsi(const struct nvsr_host *h);
const char *nvsr_export_lacks_nvmet_tcp(const struct nvsr_host *h);
const char *nvsr_export_lacks_iscsi(const struct nvsr_host *h);

#define NVSR_WWPN 24
/*
 * Offer @disk ("/dev/nvme1n2") as number @i of process @pid.  0 or negative errno with *complaint; nvsr_export_undo() is needed in either
 * case.  @ret_wwpn: whom a guest's vhost-scsi adapter connects to; *ret_disk: the disk that this host has of it, malloc'd.
 */
int nvsr_export_vhost_scsi(const char *disk, pid_t pid, unsigned i, char ret_wwpn[NVSR_WWPN], struct nvsr_complaint *complaint);
/* @partner: by a host at the other end of a cable, else by this one. */
int nvsr_export_nvmet_tcp(const char *disk, pid_t pid, unsigned i, bool partner, unsigned queues, char **ret_disk,
			  struct nvsr_complaint *complaint);
#define NVSR_IQN 64
/* The target, without its LUN 0, and where it listens. */
struct nvsr_iscsi { char name[NVSR_IQN], address[NVSR_ADDRESS], service[8]; };
int nvsr_export_iscsi(const char *disk, pid_t pid, unsigned i, bool partner, struct nvsr_iscsi *ret, struct nvsr_complaint *complaint);
/* Whatever of it is there; also of a process that was killed.  Nobody may use it any more. */
void nvsr_export_undo(pid_t pid, unsigned i);
/* Of all processes that are gone. */
void nvsr_export_tidy(void);

#endif
