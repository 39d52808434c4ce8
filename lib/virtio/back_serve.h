/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back end's loop, over any NVMe side: what nvsr_back_run() runs, and tests too. */
#ifndef NVSR_VIRTIO_BACK_SERVE_H
#define NVSR_VIRTIO_BACK_SERVE_H

#include "virtio/back_queue.h"

int nvsr_back_serve(const struct nvsr_back_options *o, const struct nvsr_back_ops *ops, const struct nvsr_back_disk *disk,
		    struct nvsr_complaint *complaint);

#endif
