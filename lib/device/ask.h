/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the kernel whose answer may wait for us.  Reading and writing sriov_numvfs, and others, takes a lock of the PF; a
 * removal or a change of VFs by somebody else holds it while it waits until we let go of a function.  So another process asks,
 * one that holds nothing of VFIO, and we let go meanwhile of what is wanted back.  Inside lib/device only.
 */
#ifndef NVSR_DEVICE_ASK_H
#define NVSR_DEVICE_ASK_H

#include "device/kernel_sysfs.h"
#include "device/private.h"

/* As those of os.h, for the PF @pf at @bdf. */
int nvsr_ask_numvfs(struct nvsr_dev *pf, struct nvsr_bdf bdf, unsigned *ret);
int nvsr_ask_change_numvfs(struct nvsr_dev *pf, struct nvsr_bdf bdf, unsigned now, unsigned n);
int nvsr_ask_save(struct nvsr_dev *pf, struct nvsr_bdf bdf, char **ret_json);
int nvsr_ask_restore(struct nvsr_dev *pf, struct nvsr_bdf bdf, const char *json);

#endif
