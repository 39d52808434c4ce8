// SPDX-License-Identifier: GPL-2.0-or-later
/* The Secondary Controller List, page by page.  Base 5.17.2.16. */
#include "sriov/sriov.h"

#define PAGE_ENTRIES 127

int nvsr_secondary_list(struct nvsr_dev *pf, struct nvme_secondary_ctrl **ret, unsigned *ret_n)
{
	_cleanup_free_ struct nvme_secondary_list *page = malloc(sizeof(*page));
	_cleanup_free_ struct nvme_secondary_ctrl *all = NULL;
	unsigned n = 0, got;
	uint32_t from = 0;

	if (!page)
		return -ENOMEM;
	do {
		struct nvme_secondary_ctrl *p;
		uint32_t next = from;
		int rc = nvsr_identify(pf, NVME_CNS_SECONDARY_LIST, 0, (uint16_t)from, page);

		if (rc)
			return rc;
		got = NVSR_MIN(page->numid, PAGE_ENTRIES);
		p = realloc(all, (n + got + 1) * sizeof(*all));
		if (!p)
			return -ENOMEM;
		all = p;
		memcpy(all + n, page->sc, got * sizeof(*all));
		n += got;
		for (unsigned i = 0; i < got; i++)
			next = NVSR_MAX(next, le16_get(page->sc[i].scid) + 1u);
		if (got == PAGE_ENTRIES && next == from)
			return -EPROTO;	/* a full page with nothing new: it would never end */
		from = next;
	} while (got == PAGE_ENTRIES && from <= UINT16_MAX);
	*ret = all;
	*ret_n = n;
	all = NULL;
	return 0;
}
