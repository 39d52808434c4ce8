// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists that take several Identify commands: bounded whatever the device answers. */
#include "sriov/sriov.h"

#define LIST_IDS (NVME_IDENTIFY_SIZE / 4)

int nvsr_ns_list(struct nvsr_dev *d, uint8_t cns, uint32_t *ret, unsigned max, unsigned *ret_n)
{
	le32_t page[LIST_IDS];
	uint32_t last = 0;
	unsigned n = 0;

	for (;;) {
		int rc = nvsr_identify(d, cns, last, 0, page);

		if (rc)
			return rc;
		for (unsigned i = 0; i < LIST_IDS; i++) {
			uint32_t nsid = le32_get(page[i]);

			if (!nsid || n == max) {
				*ret_n = n;
				return 0;
			}
			/* Ascending ids are what ends the iteration: a list that goes back would never end. */
			if (nsid <= last)
				return -EPROTO;
			ret[n++] = last = nsid;
		}
		if (last >= NVME_NSID_ALL - 2) {
			*ret_n = n;
			return 0;
		}
	}
}

/* Entries of one CNS 15h page after @list; -EPROTO when they do not lead upwards. */
static int take_page(const struct nvme_secondary_list *page, struct nvme_secondary_ctrl **list, unsigned *n, uint32_t *next)
{
	struct nvme_secondary_ctrl *more;

	if (page->numid > NVSR_ARRAY_SIZE(page->sc))
		return -EPROTO;
	more = realloc(*list, (*n + page->numid) * sizeof(**list) + 1);
	if (!more)
		return -ENOMEM;
	*list = more;
	for (unsigned i = 0; i < page->numid; i++) {
		more[(*n)++] = page->sc[i];
		*next = NVSR_MAX(*next, (uint32_t)le16_get(page->sc[i].scid) + 1);
	}
	return 0;
}

int nvsr_secondary_list(struct nvsr_dev *pf, struct nvme_secondary_ctrl **ret, unsigned *ret_n)
{
	_cleanup_free_ struct nvme_secondary_ctrl *list = NULL;
	struct nvme_secondary_list page;
	uint32_t next = 0;
	unsigned n = 0;

	do {
		uint32_t from = next;
		int rc = nvsr_identify(pf, NVME_CNS_SECONDARY_LIST, 0, (uint16_t)next, &page);

		if (!rc)
			rc = take_page(&page, &list, &n, &next);
		if (rc)
			return rc;
		if (page.numid && next <= from)
			return -EPROTO;
	} while (page.numid == NVSR_ARRAY_SIZE(page.sc) && next <= UINT16_MAX);
	*ret = list;
	*ret_n = n;
	list = NULL;
	return 0;
}
