/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NVM command set: Read, Write, Compare, Write Zeroes, Dataset Management, Flush.  Every completed write is on the
 * media, so a later command of any controller sees it.  cmd.c has checked that the namespace is active.
 */
#include "model/cmd.h"

#define FLBAS_EXTENDED 0x10
#define SLBA(cmd) (M_DW(cmd, 10) | (uint64_t)M_DW(cmd, 11) << 32)
#define NLB(cmd) ((M_DW(cmd, 12) & 0xffff) + 1u)

/* A checked range of blocks of the command's namespace. */
struct range {
	struct m_ns *ns;
	uint64_t slba, off, len;	/* off, len: bytes on the media, data and metadata */
	unsigned nlb, data, meta;	/* bytes of one block */
	bool separate;			/* metadata moves through MPTR */
};

static uint64_t units(uint64_t bytes)
{
	return bytes / 512;
}

static uint16_t check_range(struct m_ctrl *c, struct m_cmd *cmd, uint64_t slba, uint64_t nlb, struct range *ret)
{
	uint16_t status = 0;
	struct m_ns *ns = m_active_ns(c, cmd, &status);
	const struct nvme_lbaf *f;

	if (!ns)
		return status;
	f = &c->m->conf.formats[NVME_FLBAS_INDEX(ns->id.flbas)];
	if (slba >= le64_get(ns->id.nsze) || nlb > le64_get(ns->id.nsze) - slba)
		return m_bad(cmd, 40, 0, NVME_SC_LBA_RANGE);
	ret->ns = ns;
	ret->slba = slba;
	ret->nlb = (unsigned)nlb;
	ret->data = 1u << f->lbads;
	ret->meta = le16_get(f->ms);
	ret->separate = ret->meta && !(ns->id.flbas & FLBAS_EXTENDED);
	ret->off = slba * (ret->data + ret->meta);
	ret->len = nlb * (ret->data + ret->meta);
	return 0;
}

static uint16_t check_write(const struct m_ctrl *c, const struct range *r)
{
	if (c->fn > 1 && DEFECT(c->m, WRITE_PROTECT_PER_CTRL))
		return 0;
	return r->ns->wp_state ? NVME_SC_NS_WRITE_PROTECTED : 0;
}

/* Bytes that the data pointer moves. */
static uint64_t transfer(const struct range *r)
{
	return (uint64_t)r->nlb * (r->data + (r->separate ? 0 : r->meta));
}

/* Between blocks with metadata on the media, and separate buffers of the host. */
static bool split(struct m_ctrl *c, const struct m_cmd *cmd, const struct range *r, uint8_t *media, uint8_t *data, bool to_host)
{
	uint64_t mptr = le64_get(cmd->e.mptr);

	for (unsigned i = 0; i < r->nlb; i++) {
		uint8_t *block = media + (size_t)i * (r->data + r->meta), *part = data + (size_t)i * r->data;
		uint64_t meta = mptr + (uint64_t)i * r->meta;

		memcpy(to_host ? part : block, to_host ? block : part, r->data);
		if (to_host ? !m_dma_write(c, meta, block + r->data, r->meta) : !m_dma_read(c, meta, block + r->data, r->meta))
			return false;
	}
	return true;
}

/* Read the range as it lies on the media into *ret_buf (malloc'd), or take it from the host into it. */
static uint16_t from_host(struct m_ctrl *c, const struct m_cmd *cmd, const struct range *r, uint8_t **ret_buf)
{
	_cleanup_free_ uint8_t *data = malloc(transfer(r));
	uint8_t *media;
	uint16_t status;

	if (!data)
		return NVME_SC_INTERNAL;
	status = m_data_from_host(c, cmd, data, transfer(r));
	if (status)
		return status;
	if (!r->separate) {
		*ret_buf = data;
		data = NULL;
		return 0;
	}
	media = malloc(r->len);
	if (!media)
		return NVME_SC_INTERNAL;
	if (!split(c, cmd, r, media, data, false)) {
		free(media);
		return NVME_SC_DATA_XFER_ERROR;
	}
	*ret_buf = media;
	return 0;
}

static uint16_t to_host(struct m_ctrl *c, const struct m_cmd *cmd, const struct range *r)
{
	_cleanup_free_ uint8_t *media = NULL, *data = NULL;
	uint8_t *direct = m_media_direct(r->ns->media, r->off);

	if (direct && !r->separate)
		return m_data_to_host(c, cmd, direct, transfer(r));
	media = malloc(r->len);
	if (!media)
		return NVME_SC_INTERNAL;
	m_media_read(r->ns->media, r->off, media, r->len);
	if (!r->separate)
		return m_data_to_host(c, cmd, media, transfer(r));
	data = malloc(transfer(r));
	if (!data)
		return NVME_SC_INTERNAL;
	if (!split(c, cmd, r, media, data, true))
		return NVME_SC_DATA_XFER_ERROR;
	return m_data_to_host(c, cmd, data, transfer(r));
}

static uint16_t prepare(struct m_ctrl *c, struct m_cmd *cmd, struct range *ret)
{
	uint16_t status = check_range(c, cmd, SLBA(cmd), NLB(cmd), ret);

	if (status)
		return status;
	return m_mdts_ok(c, transfer(ret)) ? 0 : m_bad(cmd, 48, 0, NVME_SC_INVALID_FIELD);
}

uint16_t m_read(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct range r;
	uint16_t status = prepare(c, cmd, &r);

	if (!status)
		status = to_host(c, cmd, &r);
	if (status)
		return status;
	c->log->reads++;
	c->log->read_units += units((uint64_t)r.nlb * r.data);
	return 0;
}

uint16_t m_write(struct m_ctrl *c, struct m_cmd *cmd)
{
	_cleanup_free_ uint8_t *buf = NULL;
	uint8_t *direct;
	struct range r;
	uint16_t status = prepare(c, cmd, &r);

	if (!status)
		status = check_write(c, &r);
	if (status)
		return status;
	direct = m_media_direct(r.ns->media, r.off);
	if (direct && !r.separate) {
		status = m_data_from_host(c, cmd, direct, transfer(&r));
	} else {
		status = from_host(c, cmd, &r, &buf);
		if (!status)
			m_media_write(r.ns->media, r.off, buf, r.len);
	}
	if (status)
		return status;
	if (DEFECT(c->m, IDENTIFY_CARRIES_DATA) || DEFECT(c->m, LOG_TAIL_CARRIES_DATA))
		m_media_read(r.ns->media, r.off, c->m->wrong.written, NVSR_MIN(sizeof(c->m->wrong.written), r.len));
	c->log->writes++;
	c->log->written_units += units((uint64_t)r.nlb * r.data);
	return 0;
}

uint16_t m_compare(struct m_ctrl *c, struct m_cmd *cmd)
{
	_cleanup_free_ uint8_t *wanted = NULL, *found = NULL;
	struct range r;
	uint16_t status = prepare(c, cmd, &r);

	if (!status)
		status = from_host(c, cmd, &r, &wanted);
	if (status)
		return status;
	found = malloc(r.len);
	if (!found)
		return NVME_SC_INTERNAL;
	m_media_read(r.ns->media, r.off, found, r.len);
	c->log->reads++;
	c->log->read_units += units((uint64_t)r.nlb * r.data);
	return memcmp(wanted, found, r.len) ? NVME_SC_COMPARE_FAILED : 0;
}

uint16_t m_write_zeroes(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct range r;
	uint16_t status = check_range(c, cmd, SLBA(cmd), NLB(cmd), &r);

	if (!status)
		status = check_write(c, &r);
	if (!status)
		m_media_zero(r.ns->media, r.off, r.len);
	return status;
}

uint16_t m_dsm(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned n = (M_DW(cmd, 10) & 0xff) + 1;
	struct nvme_dsm_range list[256];
	struct range r;
	uint16_t status = m_data_from_host(c, cmd, list, n * sizeof(list[0]));

	for (unsigned i = 0; i < n && !status; i++)
		status = check_range(c, cmd, le64_get(list[i].slba), le32_get(list[i].nlb), &r);
	if (status || !(M_DW(cmd, 11) & NVME_DSM_DEALLOCATE))
		return status;
	status = check_write(c, &r);
	for (unsigned i = 0; i < n && !status; i++) {
		status = check_range(c, cmd, le64_get(list[i].slba), le32_get(list[i].nlb), &r);
		if (!status)
			m_media_deallocate(r.ns->media, r.off, r.len);
	}
	return status;
}

/* Writes are on the media when they complete: there is nothing to wait for. */
uint16_t m_flush(struct m_ctrl *c, struct m_cmd *cmd)
{
	uint16_t status = 0;

	if (le32_get(cmd->e.nsid) != NVME_NSID_ALL)
		m_active_ns(c, cmd, &status);
	return status;
}
