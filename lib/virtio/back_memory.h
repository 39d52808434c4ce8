/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory in the back end. */
#ifndef NVSR_VIRTIO_BACK_MEMORY_H
#define NVSR_VIRTIO_BACK_MEMORY_H

#include "virtio/back_queue.h"

/* From now on memory that a front end cut off reads as zeros, and does not end this process. */
int nvsr_back_memory_catch(void);
/* The regions of SET_MEM_TABLE, for the processor and for @dev.  0, or negative errno and nothing is mapped. */
int nvsr_back_memory_map(const struct nvsr_back_ops *ops, struct nvsr_dev *dev, const struct nvsr_vhost_msg *msg,
			 struct nvsr_back_memory *ret);
void nvsr_back_memory_unmap(const struct nvsr_back_ops *ops, struct nvsr_dev *dev, struct nvsr_back_memory *m);

#endif
