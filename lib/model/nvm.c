// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The NVM command set: Read, Write, Compare, Write Zeroes, Dataset Management, Flush, Verify, Copy.  Every completed write is on the
 * media, so a later command of any controller sees it.  cmd.c has checked that the namespace is active.
 */
#include "base/time.h"
#include "model/cmd.h"

#define FLBAS_EXTENDED 0x10
#define SLBA(cmd) (M_DW(cmd, 10) | (uint64_t)M_DW(cmd, 11) << 32)
#define NLB(cmd) ((M_DW(cmd, 12) & 0xffff) + 1u)
#define WZ_DEAC (1u << 25)
#define VERIFY_NS 1000		/* for a block */

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
	struct m_ns *ns = cmd->ns ? cmd->ns : m_active_ns(c, cmd, &status);
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

/* Feature 05h DULBE: blocks that nobody wrote are an error. */
static uint16_t check_read(struct m_ctrl *c, const struct range *r)
{
	if (!(r->ns->err_recovery & NVME_ERR_RECOVERY_DULBE) || DEFECT(c->m, DULBE_IGNORED))
		return 0;
	return m_media_allocated(r->ns->media, r->off, r->len) ? 0 : NVME_SC_DEALLOCATED;
}

/* --- writes that go wrong between controllers ----------------------------------------------------------------- */

static void forget_late(struct nvsr_model *m)
{
	free(m->wrong.late.buf);
	memset(&m->wrong.late, 0, sizeof(m->wrong.late));
}

/* What the range held before a change that other controllers see too late. */
static void keep_old(struct m_ctrl *c, const struct range *r)
{
	struct nvsr_model *m = c->m;
	uint8_t *buf = malloc(r->len);

	forget_late(m);
	if (!buf)
		return;
	m_media_read(r->ns->media, r->off, buf, r->len);
	m->wrong.late.nsid = r->ns->nsid;
	m->wrong.late.off = r->off;
	m->wrong.late.len = r->len;
	m->wrong.late.buf = buf;
	m->wrong.late.fn = c->fn;
}

/* The first read of another controller gets the old data. */
static void exchange_late(struct m_ctrl *c, const struct range *r)
{
	struct nvsr_model *m = c->m;
	uint8_t *now;

	if (!m->wrong.late.buf || m->wrong.late.nsid != r->ns->nsid || m->wrong.late.fn == c->fn)
		return;
	now = malloc(m->wrong.late.len);
	if (!now)
		return;
	m_media_read(r->ns->media, m->wrong.late.off, now, m->wrong.late.len);
	m_media_write(r->ns->media, m->wrong.late.off, m->wrong.late.buf, m->wrong.late.len);
	free(m->wrong.late.buf);
	m->wrong.late.buf = now;
}

static void finish_torn(struct nvsr_model *m)
{
	if (!m->wrong.torn.buf)
		return;
	if (m->ns[m->wrong.torn.nsid])
		m_media_write(m->ns[m->wrong.torn.nsid]->media, m->wrong.torn.off, m->wrong.torn.buf, m->wrong.torn.len);
	free(m->wrong.torn.buf);
	memset(&m->wrong.torn, 0, sizeof(m->wrong.torn));
}

/* Only a defective drive has something to take back. */
void m_nvm_clr(struct m_ctrl *c)
{
	struct nvsr_model *m = c->m;

	if (!m->wrong.late.buf || m->wrong.late.fn != c->fn)
		return;
	if (m_is_pf(c) ? !DEFECT(m, DEALLOCATE_UNDONE_BY_RESET) : !DEFECT(m, VF_RESET_LOSES_WRITES))
		return;
	if (m->ns[m->wrong.late.nsid])
		m_media_write(m->ns[m->wrong.late.nsid]->media, m->wrong.late.off, m->wrong.late.buf, m->wrong.late.len);
	forget_late(m);
}

void m_nvm_free(struct nvsr_model *m)
{
	free(m->wrong.late.buf);
	free(m->wrong.torn.buf);
}

/* Bytes that the data pointer moves. */
static uint64_t transfer(const struct range *r)
{
	return (uint64_t)r->nlb * (r->data + (r->separate ? 0 : r->meta));
}

/* Between blocks with metadata on the media, and separate buffers of the host. */
static uint16_t split(struct m_ctrl *c, const struct m_cmd *cmd, const struct range *r, uint8_t *media, uint8_t *data,
		      bool to_host)
{
	uint64_t mptr;
	uint16_t status = m_metadata_at(c, cmd, (uint64_t)r->nlb * r->meta, &mptr);

	if (status)
		return status;
	for (unsigned i = 0; i < r->nlb; i++) {
		uint8_t *block = media + (size_t)i * (r->data + r->meta), *part = data + (size_t)i * r->data;
		uint64_t meta = mptr + (uint64_t)i * r->meta;

		memcpy(to_host ? part : block, to_host ? block : part, r->data);
		if (to_host ? !m_dma_write(c, meta, block + r->data, r->meta) : !m_dma_read(c, meta, block + r->data, r->meta))
			return NVME_SC_DATA_XFER_ERROR;
	}
	return 0;
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
	status = split(c, cmd, r, media, data, false);
	if (status) {
		free(media);
		return status;
	}
	*ret_buf = media;
	return 0;
}

static uint16_t to_host(struct m_ctrl *c, const struct m_cmd *cmd, const struct range *r)
{
	_cleanup_free_ uint8_t *media = NULL, *data = NULL;
	uint8_t *direct = m_media_direct(r->ns->media, r->off);
	uint16_t status;

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
	status = split(c, cmd, r, media, data, true);
	return status ? status : m_data_to_host(c, cmd, data, transfer(r));
}

static uint16_t prepare(struct m_ctrl *c, struct m_cmd *cmd, struct range *ret)
{
	uint16_t status = check_range(c, cmd, SLBA(cmd), NLB(cmd), ret);

	if (status)
		return status;
	return m_mdts_ok(c, transfer(ret)) ? 0 : m_bad(cmd, 48, 0, NVME_SC_INVALID_FIELD);
}

/* A defective drive has something else in an unwritten block every time. */
static void vary(struct m_ctrl *c, const struct range *r)
{
	uint8_t *direct = m_media_direct(r->ns->media, r->off);

	if (direct && !m_media_allocated(r->ns->media, r->off, r->len))
		*direct = (uint8_t)c->log->reads;
}

uint16_t m_read(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct range r;
	bool late;
	uint16_t status = prepare(c, cmd, &r);

	if (!status)
		status = check_read(c, &r);
	if (status)
		return status;
	finish_torn(c->m);
	late = c->m->wrong.late.buf && !DEFECT(c->m, COMPARE_VISIBLE_LATE) && !DEFECT(c->m, VF_RESET_LOSES_WRITES);
	if (late)
		exchange_late(c, &r);
	if (DEFECT(c->m, DEALLOCATED_READS_VARY))
		vary(c, &r);
	status = to_host(c, cmd, &r);
	if (late && c->m->wrong.late.fn != c->fn) {
		exchange_late(c, &r);
		forget_late(c->m);
	}
	if (status)
		return status;
	c->log->reads++;
	c->log->read_units += units((uint64_t)r.nlb * r.data);
	return 0;
}

/* The second half of a write comes after the next write of another controller. */
static void tear(struct m_ctrl *c, const struct range *r, bool pending)
{
	struct nvsr_model *m = c->m;
	uint64_t half = r->nlb / 2 * (uint64_t)(r->data + r->meta);
	uint8_t *buf;

	if (pending || r->nlb < 2) {
		finish_torn(m);
		return;
	}
	buf = malloc(r->len - half);
	if (!buf)
		return;
	m_media_read(r->ns->media, r->off + half, buf, r->len - half);
	m->wrong.torn.nsid = r->ns->nsid;
	m->wrong.torn.off = r->off + half;
	m->wrong.torn.len = r->len - half;
	m->wrong.torn.buf = buf;
	m->wrong.torn.fn = c->fn;
}

uint16_t m_write(struct m_ctrl *c, struct m_cmd *cmd)
{
	_cleanup_free_ uint8_t *buf = NULL;
	uint8_t *direct;
	struct range r;
	bool pending = c->m->wrong.torn.buf && c->m->wrong.torn.fn != c->fn;
	uint16_t status = prepare(c, cmd, &r);

	if (!status)
		status = check_write(c, &r);
	if (status)
		return status;
	if (!pending)
		finish_torn(c->m);
	if (DEFECT(c->m, WRITE_VISIBLE_LATE) || DEFECT(c->m, COMPARE_VISIBLE_LATE) || DEFECT(c->m, VF_RESET_LOSES_WRITES))
		keep_old(c, &r);
	direct = m_media_direct(r.ns->media, r.off);
	if (direct && !r.separate) {
		status = m_data_from_host(c, cmd, direct, transfer(&r));
		m_media_mark(r.ns->media, r.off, r.len);
	} else {
		status = from_host(c, cmd, &r, &buf);
		if (!status)
			m_media_write(r.ns->media, r.off, buf, r.len);
	}
	if (status)
		return status;
	if (DEFECT(c->m, TORN_WRITE))
		tear(c, &r, pending);
	if (DEFECT(c->m, IDENTIFY_CARRIES_DATA) || DEFECT(c->m, LOG_TAIL_CARRIES_DATA))
		m_media_read(r.ns->media, r.off, c->m->wrong.written, NVSR_MIN(sizeof(c->m->wrong.written), r.len));
	m_sanitize_written(c->m);
	c->log->writes++;
	c->log->written_units += units((uint64_t)r.nlb * r.data);
	return 0;
}

uint16_t m_compare(struct m_ctrl *c, struct m_cmd *cmd)
{
	_cleanup_free_ uint8_t *wanted = NULL, *found = NULL;
	struct range r;
	uint16_t status = prepare(c, cmd, &r);

	if (!status && !DEFECT(c->m, DULBE_READ_ONLY))
		status = check_read(c, &r);
	if (!status)
		status = from_host(c, cmd, &r, &wanted);
	if (status)
		return status;
	finish_torn(c->m);
	found = malloc(r.len);
	if (!found)
		return NVME_SC_INTERNAL;
	if (DEFECT(c->m, COMPARE_VISIBLE_LATE))
		exchange_late(c, &r);
	m_media_read(r.ns->media, r.off, found, r.len);
	if (DEFECT(c->m, COMPARE_VISIBLE_LATE)) {
		exchange_late(c, &r);
		forget_late(c->m);
	}
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
	if (status)
		return status;
	finish_torn(c->m);
	if (DEFECT(c->m, ZEROES_VISIBLE_LATE))
		keep_old(c, &r);
	if (M_DW(cmd, 12) & WZ_DEAC && !DEFECT(c->m, DEAC_IGNORED))
		m_media_deallocate(r.ns->media, r.off, r.len);
	else
		m_media_zero(r.ns->media, r.off, r.len);
	m_sanitize_written(c->m);
	return 0;
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
	if (DEFECT(c->m, DEALLOCATE_DOES_NOTHING))
		return status;
	finish_torn(c->m);
	for (unsigned i = 0; i < n && !status; i++) {
		status = check_range(c, cmd, le64_get(list[i].slba), le32_get(list[i].nlb), &r);
		if (!status && DEFECT(c->m, DEALLOCATE_VISIBLE_LATE))
			keep_old(c, &r);
		if (!status && DEFECT(c->m, DEALLOCATE_UNDONE_BY_RESET))
			keep_old(c, &r);
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
	return !status && DEFECT(c->m, FLUSH_SLOW) ? m_slow_start(c, cmd, 9 * NVSR_S, NULL) : status;
}

/* Reads the blocks inside the device: the only command here that takes a while. */
uint16_t m_verify(struct m_ctrl *c, struct m_cmd *cmd)
{
	struct range r;
	uint16_t status = check_range(c, cmd, SLBA(cmd), NLB(cmd), &r);

	if (!status)
		status = check_read(c, &r);
	return status ? status : m_slow_start(c, cmd, (uint64_t)r.nlb * VERIFY_NS, NULL);
}

/* --- Copy, NVM Command Set 3.2.2 ------------------------------------------------------------------------------ */

#define COPY_FORMAT(cmd) (M_DW(cmd, 12) >> 8 & 0xf)
#define CDF2E 0x4	/* Host Behavior Support byte 4: descriptor format 2h is enabled */

/* The namespace that a source range is in, or NULL and why not. */
static struct m_ns *copy_source(struct m_ctrl *c, struct m_cmd *cmd, const struct nvme_copy_range *e, uint16_t *ret_status)
{
	struct nvsr_model *m = c->m;
	uint32_t nsid = le32_get(e->snsid);
	enum m_nsid kind = m_nsid_kind(c, nsid);

	if (COPY_FORMAT(cmd) == 0)
		return m_active_ns(c, cmd, ret_status);
	if (kind == M_NSID_ACTIVE || (kind == M_NSID_UNATTACHED && DEFECT(m, COPY_READS_UNATTACHED)))
		return m->ns[nsid];
	*ret_status = m_inactive_status(m, cmd, kind);
	return NULL;
}

static uint16_t copy_check_source(struct m_ctrl *c, struct m_cmd *cmd, const struct nvme_copy_range *e, const struct range *to,
				  struct range *ret)
{
	uint16_t status = 0;
	struct m_ns *ns = copy_source(c, cmd, e, &status);
	uint64_t slba = le64_get(e->slba), nlb = le16_get(e->nlb) + 1ull;

	if (!ns)
		return status;
	if (ns != to->ns && ns->id.flbas != to->ns->id.flbas)
		return NVME_SC_NVM_INCOMPATIBLE_NS;
	if (ns != to->ns && m_resv_conflict(c, ns, true, NVME_CMD_READ))
		return NVME_SC_RESV_CONFLICT;
	if (nlb > M_COPY_RANGE)
		return NVME_SC_NVM_SIZE_LIMIT;
	if (slba >= le64_get(ns->id.nsze) || nlb > le64_get(ns->id.nsze) - slba)
		return NVME_SC_LBA_RANGE;
	*ret = *to;
	ret->ns = ns;
	ret->nlb = (unsigned)nlb;
	ret->off = slba * (to->data + to->meta);
	ret->len = nlb * (to->data + to->meta);
	return check_read(c, ret);
}

/* All ranges are checked before anything is written. */
uint16_t m_copy(struct m_ctrl *c, struct m_cmd *cmd)
{
	unsigned n = (M_DW(cmd, 12) & 0xff) + 1;
	struct nvme_copy_range list[M_COPY_RANGES];
	struct range from[M_COPY_RANGES], to;
	_cleanup_free_ uint8_t *buf = NULL;
	uint64_t total = 0, at = 0;
	uint16_t status;

	if (COPY_FORMAT(cmd) != 0 && !(COPY_FORMAT(cmd) == 2 && c->feat->host_behavior[4] & CDF2E))
		return m_bad(cmd, 49, 0, NVME_SC_INVALID_FIELD);
	if (n > M_COPY_RANGES)
		return m_bad(cmd, 48, 0, NVME_SC_NVM_SIZE_LIMIT);
	status = m_data_from_host(c, cmd, list, n * sizeof(list[0]));
	for (unsigned i = 0; i < n && !status; i++)
		total += le16_get(list[i].nlb) + 1u;
	if (!status && total > M_COPY_TOTAL)
		status = NVME_SC_NVM_SIZE_LIMIT;
	if (!status)
		status = check_range(c, cmd, SLBA(cmd), total, &to);
	if (!status)
		status = check_write(c, &to);
	for (unsigned i = 0; i < n && !status; i++)
		status = copy_check_source(c, cmd, &list[i], &to, &from[i]);
	if (status)
		return status;
	buf = malloc(to.len);
	if (!buf)
		return NVME_SC_INTERNAL;
	finish_torn(c->m);
	for (unsigned i = 0; i < n; at += from[i++].len)
		m_media_read(from[i].ns->media, from[i].off, buf + at, from[i].len);
	m_media_write(to.ns->media, to.off, buf, to.len);
	m_sanitize_written(c->m);
	return 0;
}
