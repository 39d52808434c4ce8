// SPDX-License-Identifier: GPL-2.0-or-later
/* The data buffer of a command: PRP1, PRP2 and PRP lists, Base 4.1.1. */
#include "model/bus.h"
#include "model/lies.h"

#define PAGE_OFFSET(a) ((a) & (M_PAGE - 1))

/* One walk.  Without @buf it only checks, so that nothing moves for a command that is refused. */
struct walk {
	struct m_ctrl *c;
	uint8_t *buf;
	bool to_host;
};

static uint16_t move(struct walk *w, uint64_t addr, size_t len)
{
	bool ok;

	if (!w->buf)
		return NVME_SC_SUCCESS;
	ok = w->to_host ? m_dma_write(w->c, addr, w->buf, len) : m_dma_read(w->c, addr, w->buf, len);
	w->buf += len;
	return ok ? NVME_SC_SUCCESS : NVME_SC_DATA_XFER_ERROR;
}

/* @len bytes through the list at @list; the last entry of a page points to the next page when more entries follow. */
static uint16_t walk_list(struct walk *w, uint64_t list, size_t len)
{
	bool check = !DEFECT(w->c->m, PRP_LIST_OFFSET_IGNORED);

	if (list & 7)
		return NVME_SC_PRP_OFFSET_INVALID;
	while (len) {
		le64_t entry[M_PAGE / 8];
		size_t room = (M_PAGE - PAGE_OFFSET(list)) / 8, want = NVSR_DIV_ROUND_UP(len, M_PAGE);
		size_t n = NVSR_MIN(room, want), data = want > room ? n - 1 : n;

		if (!m_dma_read(w->c, list, entry, n * 8))
			return NVME_SC_DATA_XFER_ERROR;
		for (size_t i = 0; i < data; i++) {
			uint64_t addr = le64_get(entry[i]);
			size_t part = NVSR_MIN(len, (size_t)M_PAGE);
			uint16_t status;

			if (PAGE_OFFSET(addr) && check)
				return NVME_SC_PRP_OFFSET_INVALID;
			status = move(w, addr, part);
			if (status)
				return status;
			len -= part;
		}
		if (!len)
			break;
		list = le64_get(entry[n - 1]);
		if (PAGE_OFFSET(list))
			return NVME_SC_PRP_OFFSET_INVALID;
	}
	return NVME_SC_SUCCESS;
}

static uint16_t walk(struct walk *w, const struct m_cmd *cmd, size_t len)
{
	uint64_t prp1 = le64_get(cmd->e.prp1), prp2 = le64_get(cmd->e.prp2);
	size_t first = NVSR_MIN(len, (size_t)(M_PAGE - PAGE_OFFSET(prp1)));
	uint16_t status;

	if (prp1 & 3)
		return NVME_SC_PRP_OFFSET_INVALID;
	status = move(w, prp1, first);
	len -= first;
	if (status || !len)
		return status;
	if (len > M_PAGE)
		return walk_list(w, prp2, len);
	if (PAGE_OFFSET(prp2))
		return NVME_SC_PRP_OFFSET_INVALID;
	return move(w, prp2, len);
}

static uint16_t transfer(struct m_ctrl *c, const struct m_cmd *cmd, uint8_t *buf, size_t len, bool to_host)
{
	struct walk w = { .c = DEFECT(c->m, VF_DATA_DMA_AS_VF1) && c->fn > 1 ? &c->m->ctrl[1] : c, .to_host = to_host };
	uint16_t status;

	if (!len)
		return NVME_SC_SUCCESS;
	/* SGLS = 0: any PSDT other than PRP is an invalid field. */
	if (NVME_FLAGS_PSDT(cmd->e.flags))
		return NVME_SC_INVALID_FIELD;
	status = walk(&w, cmd, len);
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
