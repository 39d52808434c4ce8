// SPDX-License-Identifier: GPL-2.0-or-later
/* The data buffer of a command: PRP1, PRP2 and PRP lists, Base 4.1.1; SGLs are sgl.c. */
#include "model/bus.h"
#include "model/lies.h"

#define PAGE_OFFSET(a) ((a) & (M_PAGE - 1))

uint16_t m_walk_move(struct m_walk *w, uint64_t addr, size_t len)
{
	bool ok;

	if (!w->buf || !len)
		return NVME_SC_SUCCESS;
	ok = w->to_host ? m_dma_write(w->c, addr, w->buf, len) : m_dma_read(w->c, addr, w->buf, len);
	w->buf += len;
	return ok ? NVME_SC_SUCCESS : NVME_SC_DATA_XFER_ERROR;
}

/* Up to a page of data; a defective drive writes on behind it, as its bursts are long. */
static uint16_t move_page(struct m_walk *w, uint64_t addr, size_t len)
{
	uint16_t status = m_walk_move(w, addr, len);
	const uint32_t junk = 0;

	if (!status && w->buf && w->to_host && PAGE_OFFSET(addr + len) && DEFECT(w->c->m, PRP_READ_OVERRUNS))
		m_dma_write(w->c, addr + len, &junk, sizeof(junk));
	return status;
}

/* An entry behind the first has no offset. */
static bool offset_ok(const struct m_walk *w, uint64_t entry)
{
	return !PAGE_OFFSET(entry) || DEFECT(w->c->m, PRP_LIST_OFFSET_IGNORED);
}

/* @len bytes through the list at @list; the last entry of a page points to the next page when more entries follow. */
static uint16_t walk_list(struct m_walk *w, uint64_t list, size_t len)
{
	const struct nvsr_model *m = w->c->m;

	if (list & 7)
		return NVME_SC_PRP_OFFSET_INVALID;
	if (DEFECT(m, PRP_LIST_FROM_PAGE_START))
		list &= ~(uint64_t)(M_PAGE - 1);
	while (len) {
		le64_t entry[M_PAGE / 8];
		size_t room = (M_PAGE - PAGE_OFFSET(list)) / 8, want = NVSR_DIV_ROUND_UP(len, M_PAGE);
		size_t n = NVSR_MIN(room, want), data = want > room ? n - 1 : n;

		if (!m_dma_read(w->list, list, entry, n * 8))
			return NVME_SC_DATA_XFER_ERROR;
		for (size_t i = 0; i < data; i++) {
			uint64_t addr = le64_get(entry[i]);
			size_t part = NVSR_MIN(len, (size_t)M_PAGE);
			uint16_t status;

			if (!offset_ok(w, addr))
				return NVME_SC_PRP_OFFSET_INVALID;
			status = move_page(w, addr, part);
			if (status)
				return status;
			len -= part;
		}
		if (!len)
			break;
		list = DEFECT(m, PRP_LIST_RUNS_ON) ? list + n * 8 : le64_get(entry[n - 1]);
		if (PAGE_OFFSET(list))
			return NVME_SC_PRP_OFFSET_INVALID;
	}
	return NVME_SC_SUCCESS;
}

static uint16_t walk_prp(struct m_walk *w, const struct m_cmd *cmd, size_t len)
{
	uint64_t prp1 = le64_get(cmd->e.prp1), prp2 = le64_get(cmd->e.prp2);
	size_t first = NVSR_MIN(len, (size_t)(M_PAGE - PAGE_OFFSET(prp1)));
	uint16_t status;

	if (prp1 & 3 && !DEFECT(w->c->m, PRP1_BYTE_OFFSET))
		return NVME_SC_PRP_OFFSET_INVALID;
	if (DEFECT(w->c->m, PRP1_OFFSET_IGNORED))
		prp1 &= ~(uint64_t)(M_PAGE - 1);
	status = move_page(w, prp1, first);
	len -= first;
	if (status || !len)
		return status;
	if (len > M_PAGE)
		return walk_list(w, prp2, len);
	if (!offset_ok(w, prp2))
		return NVME_SC_PRP_OFFSET_INVALID;
	return move_page(w, prp2, len);
}

static uint16_t walk(struct m_walk *w, const struct m_cmd *cmd, size_t len)
{
	unsigned psdt = NVME_FLAGS_PSDT(cmd->e.flags);

	return psdt == NVME_PSDT_SGL || psdt == NVME_PSDT_SGL_MPTR ? m_walk_sgl(w, cmd, len) : walk_prp(w, cmd, len);
}

/* VF 1 in place of another VF, where a defective drive mixes up routing ids. */
static struct m_ctrl *as_vf1(struct m_ctrl *c, bool defect)
{
	return defect && c->fn > 1 ? &c->m->ctrl[1] : c;
}

static bool one_piece(const struct m_cmd *cmd, size_t len)
{
	return NVME_FLAGS_PSDT(cmd->e.flags) == NVME_PSDT_PRP && len <= M_PAGE - PAGE_OFFSET(le64_get(cmd->e.prp1));
}

static uint16_t transfer(struct m_ctrl *c, const struct m_cmd *cmd, uint8_t *buf, size_t len, bool to_host)
{
	struct m_walk w = { .c = as_vf1(c, DEFECT(c->m, VF_DATA_DMA_AS_VF1)),
			    .list = as_vf1(c, DEFECT(c->m, VF_LIST_DMA_AS_VF1)), .to_host = to_host };
	uint16_t status;

	if (!len)
		return NVME_SC_SUCCESS;
	/* One piece moves as a whole or not at all; of several, all are looked at before the first moves. */
	status = one_piece(cmd, len) ? NVME_SC_SUCCESS : walk(&w, cmd, len);
	if (status)
		return status;
	w.buf = buf;
	return walk(&w, cmd, len);
}

uint16_t m_data_to_host(struct m_ctrl *c, const struct m_cmd *cmd, const void *buf, size_t len)
{
	_cleanup_free_ uint8_t *lie = NULL;

	if (m_lie_data(c, cmd, buf, len, &lie))
		buf = lie;
	return transfer(c, cmd, (uint8_t *)(uintptr_t)buf, len, true);
}

uint16_t m_data_from_host(struct m_ctrl *c, const struct m_cmd *cmd, void *buf, size_t len)
{
	return transfer(c, cmd, buf, len, false);
}
