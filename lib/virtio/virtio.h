/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Layouts of virtio 1.2: split virtqueues (section 2.7) and the block device (section 5.2).  Data only.  Fields of the rings
 * are little-endian integers that both sides access while the other one does: with __atomic loads and stores, hence not le16_t.
 */
#ifndef NVSR_VIRTIO_VIRTIO_H
#define NVSR_VIRTIO_VIRTIO_H

#include <endian.h>

#include "base/base.h"
#include "base/le.h"

#define VIRTQ_SIZE_MAX 32768u

/* 2.7.5 The Virtqueue Descriptor Table. */
struct virtq_desc {
	uint64_t addr;		/* guest physical */
	uint32_t len;
	uint16_t flags, next;
};
NVSR_SIZE(struct virtq_desc, 16);
#define VIRTQ_DESC_F_NEXT	1u
#define VIRTQ_DESC_F_WRITE	2u	/* device writes; else it reads */
#define VIRTQ_DESC_F_INDIRECT	4u

/* 2.7.6 The Virtqueue Available Ring; ring[num] is used_event with VIRTIO_F_EVENT_IDX. */
struct virtq_avail { uint16_t flags, idx, ring[]; };
#define VIRTQ_AVAIL_F_NO_INTERRUPT 1u

/* 2.7.8 The Virtqueue Used Ring; the 16 bits after ring[num - 1] are avail_event with VIRTIO_F_EVENT_IDX. */
struct virtq_used_elem { uint32_t id, len; };
NVSR_SIZE(struct virtq_used_elem, 8);
struct virtq_used { uint16_t flags, idx; struct virtq_used_elem ring[]; };
#define VIRTQ_USED_F_NO_NOTIFY 1u

#define VIRTQ_DESC_ALIGN	16u
#define VIRTQ_AVAIL_ALIGN	2u
#define VIRTQ_USED_ALIGN	4u

/* Feature bits, sections 6 and 5.2.3. */
#define VIRTIO_BLK_F_SIZE_MAX	(1ull << 1)
#define VIRTIO_BLK_F_SEG_MAX	(1ull << 2)
#define VIRTIO_BLK_F_BLK_SIZE	(1ull << 6)
#define VIRTIO_BLK_F_FLUSH	(1ull << 9)
#define VIRTIO_F_EVENT_IDX	(1ull << 29)
#define VIRTIO_F_VERSION_1	(1ull << 32)

/* 5.2.4 Device configuration layout: as far as the features above go. */
struct virtio_blk_config {
	le64_t capacity;		/* in sectors of 512 bytes, whatever blk_size says */
	le32_t size_max, seg_max;
	le16_t cylinders;
	uint8_t heads, sectors;
	le32_t blk_size;
	uint8_t physical_block_exp, alignment_offset;
	le16_t min_io_size;
	le32_t opt_io_size;
	uint8_t writeback, unused0;
	le16_t num_queues;
	le32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
	le32_t max_write_zeroes_sectors, max_write_zeroes_seg;
	uint8_t write_zeroes_may_unmap, unused1[3];
};
NVSR_SIZE(struct virtio_blk_config, 60);
NVSR_AT(struct virtio_blk_config, blk_size, 20);
NVSR_AT(struct virtio_blk_config, num_queues, 34);

#define VIRTIO_BLK_SECTOR 512u

/* 5.2.6 Device Operation: what the device reads first of a request. */
struct virtio_blk_header {
	le32_t type, reserved;
	le64_t sector;
};
NVSR_SIZE(struct virtio_blk_header, 16);
enum virtio_blk_type { VIRTIO_BLK_T_IN = 0, VIRTIO_BLK_T_OUT = 1, VIRTIO_BLK_T_FLUSH = 4, VIRTIO_BLK_T_GET_ID = 8 };
#define VIRTIO_BLK_ID_BYTES 20u
/* And the byte that it writes last. */
enum virtio_blk_status { VIRTIO_BLK_S_OK = 0, VIRTIO_BLK_S_IOERR = 1, VIRTIO_BLK_S_UNSUPP = 2 };

#endif
