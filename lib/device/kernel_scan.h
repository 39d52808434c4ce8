/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's scan of a controller's namespaces, which runs behind our back.  Inside lib/device only. */
#ifndef NVSR_DEVICE_KERNEL_SCAN_H
#define NVSR_DEVICE_KERNEL_SCAN_H

#include "base/base.h"

/**
 * nvsr_kernel_settle() - wait until the kernel shows exactly the namespaces that are attached to a controller.
 * @fd: the open controller
 * @ctrl: its name ("nvme0")
 * @ms: how long at most
 *
 * A reset while the scan adds a namespace waits for ever in Linux 6.1 (the new queue was not frozen, the reset waits until
 * it is), and a controller that goes away while the scan reads a partition table costs the driver's I/O timeout.
 *
 * Return: true when it does; false after @ms, or when the controller does not answer.
 */
bool nvsr_kernel_settle(int fd, const char *ctrl, unsigned ms);

#endif
