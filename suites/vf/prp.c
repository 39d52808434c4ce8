// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vf.prp: data of a VF's I/O commands through PRPs, Base 4.1.1: exactly the bytes that the entries lead to, whatever their
 * offsets and wherever their lists are.
 */
#include "pointer.h"
#include "vf.h"

#define PAGES 10u	/* of data, at most */
#define WATCHED (2 * PAGES + 1)
#define LISTS 3u

/* Page @k of @n of the data: in reverse order, with a page of guard on either side of each. */
static size_t place(const struct ptr *p, unsigned k, unsigned n)
{
	return (size_t)(1 + 2 * (n - 1 - k)) * p->page;
}

struct prps { uint64_t prp1, prp2; struct ptr_pieces set; };

/*
 * @bytes from @off in the first page on; a list, where it takes one, begins at @list_off of the last page for lists and goes
 * on in the first.
 */
static struct prps build(struct ptr *p, unsigned off, size_t bytes, unsigned list_off)
{
	unsigned n = (unsigned)NVSR_DIV_ROUND_UP(off + bytes, (size_t)p->page), slot = list_off / 8, per_page = p->page / 8;
	uint8_t *list = p->list + (size_t)(LISTS - 1) * p->page;
	struct prps r = { .prp1 = p->iova + place(p, 0, n) + off };
	size_t left = bytes, part = NVSR_MIN(bytes, (size_t)p->page - off);

	ptr_add(&r.set, place(p, 0, n) + off, part);
	if (n > 1)
		r.prp2 = n == 2 ? p->iova + place(p, 1, n) : p->list_iova + (uint64_t)(LISTS - 1) * p->page + list_off;
	for (unsigned k = 1; k < n; k++, slot++) {
		left -= part;
		part = NVSR_MIN(left, (size_t)p->page);
		ptr_add(&r.set, place(p, k, n), part);
		if (slot == per_page - 1 && k + 1 < n) {
			nvsr_le_write(list + slot * 8, 8, p->list_iova);
			list = p->list;
			slot = 0;
		}
		nvsr_le_write(list + slot * 8, 8, p->iova + place(p, k, n));
	}
	return r;
}

static int run(struct ptr *p, bool write, unsigned nlb, const struct prps *r)
{
	struct nvsr_cmd c = ptr_cmd(p, write, nlb);
	struct nvsr_req *req = NULL;

	return ptr_wait(nvsr_queue_submit_prps(p->q, &c, r->prp1, r->prp2, &req), &req);
}

/* Read and Write of @bytes; false after a check that did not hold. */
static bool check_both(struct nvsr_ctx *t, struct ptr *p, unsigned off, size_t bytes, unsigned list_off)
{
	unsigned nlb = (unsigned)(bytes / p->ns.bs);
	struct prps r = build(p, off, bytes, list_off);
	const char *what = vf_text("%zu bytes from %03Xh of a page on, a list at %03Xh", bytes, off, list_off);

	if (!ptr_arm_read(t, p, nlb) || !CHECK_OK(t, vf_text("Read of %s", what), run(p, false, nlb, &r)) ||
	    !ptr_check_read(t, p, nlb, &r.set, what) || !ptr_arm_write(t, p, nlb, &r.set))
		return false;
	return CHECK_OK(t, vf_text("Write of %s", what), run(p, true, nlb, &r)) && ptr_check_write(t, p, nlb, &r.set, what);
}

/* Whole blocks of about @bytes that one command may move. */
static size_t whole(const struct ptr *p, size_t bytes)
{
	return NVSR_MIN(NVSR_MAX(bytes / p->ns.bs, 1), (size_t)p->ns.chunk) * p->ns.bs;
}

static void any_dword_offset(struct nvsr_ctx *t)
{
	_cleanup_ptr_ struct ptr p = { 0 };

	if (!ptr_begin(t, &p, WATCHED, LISTS, 1))
		return;
	const unsigned offs[] = { 0, 4, 512, p.page - 512, p.page - 4 };
	const size_t sizes[] = { 1, p.page, p.page + p.ns.bs, 2 * p.page, 3 * p.page, (PAGES - 1) * p.page };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(offs); i++)
		for (unsigned k = 0; k < NVSR_ARRAY_SIZE(sizes); k++)
			if (!check_both(t, &p, offs[i], whole(&p, sizes[k]), 0))
				return;
}

static void lists_begin_anywhere(struct nvsr_ctx *t)
{
	_cleanup_ptr_ struct ptr p = { 0 };
	size_t bytes;

	if (!ptr_begin(t, &p, WATCHED, LISTS, 1))
		return;
	bytes = whole(&p, 6 * p.page);
	if (bytes <= 2 * p.page)
		SKIP(t, "a command moves %zu bytes at most, which takes no list", bytes);
	const unsigned offs[] = { 8, p.page / 2, p.page - 24, p.page - 16, p.page - 8 };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(offs); i++)
		if (!check_both(t, &p, 0, bytes, offs[i]) || !check_both(t, &p, 512, bytes, offs[i]))
			return;
}

/* Bits 1:0 of PRP1: an error, or as if they were 0 (Base 4.1.1). */
static void odd_bytes(struct nvsr_ctx *t)
{
	_cleanup_ptr_ struct ptr p = { 0 };

	if (!ptr_begin(t, &p, WATCHED, LISTS, 1))
		return;
	for (unsigned odd = 1; odd < 4; odd++) {
		struct prps r = build(&p, 64, p.ns.bs, 0);
		const char *what = vf_text("Read with bits 1:0 of PRP1 = %u", odd);
		int rc;

		r.prp1 |= odd;
		if (!ptr_arm_read(t, &p, 1))
			return;
		rc = run(&p, false, 1, &r);
		CHECK_STATUS_IN(t, what, rc, 0, NVME_SC_PRP_OFFSET_INVALID);
		ptr_check_read(t, &p, 1, rc ? &ptr_nowhere : &r.set, what);
	}
}

/* The whole pages that an entry names: where in them data goes that has no business there is not said. */
static struct ptr_pieces pages_of(const struct ptr *p, const struct ptr_pieces *set)
{
	struct ptr_pieces r = { 0 };

	for (unsigned i = 0; i < set->n; i++)
		ptr_add(&r, set->piece[i].at / p->page * p->page, p->page);
	return r;
}

/*
 * Entries behind the first should be refused when they have an offset, list pointers when they are no quadword; no clause
 * says "shall".  What must not happen is that data leaves the pages that are named.
 */
static void later_offsets(struct nvsr_ctx *t)
{
	static const char *const what[] = {
		"PRP2 with an offset", "a PRP list entry with an offset", "a pointer to the next PRP list with an offset",
		"a PRP list at 4 bytes from a quadword",
	};
	_cleanup_ptr_ struct ptr p = { 0 };

	if (!ptr_begin(t, &p, WATCHED, LISTS, 1))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(what); i++) {
		size_t bytes = whole(&p, (i ? 4 : 2) * p.page);
		struct prps r = build(&p, 0, bytes, i == 2 ? p.page - 16 : 0);
		struct ptr_pieces named = pages_of(&p, &r.set);
		uint8_t *list = p.list + (size_t)(LISTS - 1) * p.page;
		int rc;

		if (bytes <= (i ? 2 : 1) * p.page)
			continue;	/* MDTS leaves no room for such an entry */
		if (!ptr_arm_read(t, &p, (unsigned)(bytes / p.ns.bs)))
			return;
		if (i == 0 || i == 3)
			r.prp2 += i ? 4 : 512;
		else if (i == 1)
			nvsr_le_write(list + 8, 8, nvsr_le_read(list + 8, 8) + 512);
		else
			nvsr_le_write(list + p.page - 8, 8, p.list_iova + 64);
		rc = run(&p, false, (unsigned)(bytes / p.ns.bs), &r);
		MUST(t, rc >= 0, "a completion", "Read with %s: %s", what[i], nvsr_rc_text(rc));
		nvsr_note(t, "Read with %s: %s", what[i], nvsr_rc_text(rc));
		if (!ptr_check_outside(t, &p, &named, vf_text("Read with %s", what[i])))
			return;
	}
	check_both(t, &p, 0, p.ns.bs, 0);
}

/* All of the data through one page: how much may move is what counts, not where. */
static struct prps one_page(struct ptr *p, size_t bytes)
{
	unsigned n = (unsigned)NVSR_DIV_ROUND_UP(bytes, (size_t)p->page), per_page = p->page / 8;
	struct prps r = { .prp1 = p->iova, .prp2 = n > 2 ? p->list_iova : p->iova };

	for (unsigned k = 1, slot = 0; k < n; k++, slot++) {
		if (slot % per_page == per_page - 1 && k + 1 < n) {
			nvsr_le_write(p->list + slot * 8, 8, p->list_iova + (slot + 1) * 8);
			slot++;
		}
		nvsr_le_write(p->list + slot * 8, 8, p->iova);
	}
	return r;
}

#define MDTS_MAX 13u	/* a power of two of pages; more would take a namespace that many devices have no room for */

static void mdts_is_a_limit(struct nvsr_ctx *t)
{
	unsigned mdts = t->inv->id.mdts;
	_cleanup_ptr_ struct ptr p = { 0 };
	struct prps r;
	size_t bytes;

	if (!mdts || mdts > MDTS_MAX)
		SKIP(t, "MDTS is %u", mdts);
	/* pages of CAP.MPSMIN, which are 4 KiB but for rare devices: more lists than needed do no harm */
	if (!ptr_begin(t, &p, 1, 2 + (1u << mdts) / 256, 2 + (1u << mdts) / 256))
		return;
	bytes = (size_t)p.page << mdts;
	if (bytes / p.ns.bs + 1 > 65536 || bytes / p.ns.bs + 1 > p.ns.blocks)
		SKIP(t, "MDTS is %zu bytes, more than the blocks of one command or of the namespace", bytes);
	r = one_page(&p, bytes);
	memset(p.mem, PTR_GUARD, p.len);
	CHECK_OK(t, vf_text("Read of %zu bytes, as MDTS allows", bytes), run(&p, false, (unsigned)(bytes / p.ns.bs), &r));
	r = one_page(&p, bytes + p.ns.bs);
	memset(p.mem, PTR_GUARD, p.len);
	CHECK_STATUS(t, "Read of one block more than MDTS allows", NVME_SC_INVALID_FIELD,
		     run(&p, false, (unsigned)(bytes / p.ns.bs) + 1, &r));
	ptr_check_outside(t, &p, &ptr_nowhere, "Read of one block more than MDTS allows");
}

/*
 * "SGLs shall not be used for Admin commands in NVMe over PCIe implementations" (Base 3.3.3.1) is said to the host: what a
 * controller makes of one is noted, and that it writes nowhere else.
 */
static void note_admin_sgl(struct nvsr_ctx *t, struct ptr *p)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_CNS_CTRL };
	const struct nvme_sgl d = { .addr = le64(p->iova + p->page), .len = le32(NVME_IDENTIFY_SIZE) };
	struct ptr_pieces set = { 0 };
	struct nvsr_req *r = NULL;
	int rc;

	ptr_add(&set, p->page, NVME_IDENTIFY_SIZE);
	memset(p->mem, PTR_GUARD, p->len);
	rc = nvsr_queue_submit_sgl(nvsr_queue_admin(p->d), &c, &d, &r);
	nvsr_note(t, "Identify with an SGL: %s", nvsr_rc_text(ptr_wait(rc, &r)));
	ptr_check_outside(t, p, &set, "Identify with an SGL");
}

static void psdt_is_checked(struct nvsr_ctx *t)
{
	_cleanup_ptr_ struct ptr p = { 0 };
	bool sgl = NVME_SGLS_SUPPORT(le32_get(t->inv->id.sgls));

	if (!ptr_begin(t, &p, WATCHED, LISTS, 1))
		return;
	for (unsigned psdt = sgl ? NVME_PSDT_RESERVED : NVME_PSDT_SGL; psdt <= NVME_PSDT_RESERVED; psdt++) {
		struct nvsr_cmd c = ptr_cmd(&p, false, 1);
		struct nvsr_req *r = NULL;

		if (!ptr_arm_read(t, &p, 1))
			return;
		c.flags = NVME_PSDT(psdt);
		CHECK_STATUS(t, vf_text("Read with PSDT = %u, SGLS = %08Xh", psdt, le32_get(t->inv->id.sgls)),
			     NVME_SC_INVALID_FIELD, ptr_wait(nvsr_queue_submit_prps(p.q, &c, p.iova, p.ns.bs, &r), &r));
		ptr_check_outside(t, &p, &ptr_nowhere, "Read with a PSDT that is refused");
	}
	note_admin_sgl(t, &p);
}

static const struct nvsr_test tests[] = {
	{ .id = "any-dword-offset", .title = "data begins at any dword of the first page and goes nowhere else",
	  .requirements = REQS("PCIE-44"), .needs = PTR_NEED, .limit_s = 60,
	  .caught_by = DEFECTS("prp1-offset-ignored", "prp-read-overruns"), .run = any_dword_offset },
	{ .id = "lists-begin-anywhere", .title = "a PRP list begins at any quadword and goes on where its last entry points",
	  .requirements = REQS("PCIE-44"), .needs = PTR_NEED, .limit_s = 60,
	  .caught_by = DEFECTS("prp-list-from-page-start", "prp-list-runs-on"), .run = lists_begin_anywhere },
	{ .id = "odd-bytes", .title = "bits 1:0 of PRP1 are refused or taken for 0",
	  .requirements = REQS("PCIE-44"), .needs = PTR_NEED, .caught_by = DEFECTS("prp1-byte-offset"), .run = odd_bytes },
	{ .id = "later-offsets-stay-inside", .title = "offsets where there should be none lead out of no page",
	  .requirements = REQS("PCIE-44"), .needs = PTR_NEED, .caught_by = DEFECTS("prp-list-offset-ignored"),
	  .run = later_offsets },
	{ .id = "mdts-is-a-limit", .title = "a VF moves as much as MDTS says and refuses more",
	  .requirements = REQS("PCIE-44"), .needs = PTR_NEED, .caught_by = DEFECTS("mdts-ignored"), .run = mdts_is_a_limit },
	{ .id = "psdt-is-checked", .title = "a PSDT that is reserved or not supported is refused",
	  .requirements = REQS("PCIE-44"), .needs = PTR_NEED, .caught_by = DEFECTS("psdt-reserved-accepted"),
	  .run = psdt_is_checked },
};
const struct nvsr_group nvsr_vf_prp = NVSR_GROUP("vf.prp", tests);
