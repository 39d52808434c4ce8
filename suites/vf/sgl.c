// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vf.sgl: data of a VF's I/O commands through SGLs, Base 4.1.2 (2.2: 4.3.2 with Figure 113).  A controller may look at
 * descriptors in any order and move data before it finds an error, but never to a place that no descriptor names.
 */
#include "pointer.h"
#include "vf.h"

#define NEED (PTR_NEED | NVSR_NEED(SGL))
#define NLB 2u			/* blocks of every command here */
#define WATCHED 8u
#define LISTS 3u
#define SECOND 0x800u		/* of the memory for lists: another segment; the first is at 0 */

struct bench { struct ptr p; size_t bytes, half; uint32_t sgls; };

static bool begin(struct nvsr_ctx *t, struct bench *b)
{
	b->sgls = le32_get(t->inv->id.sgls);
	if (!ptr_begin(t, &b->p, WATCHED, LISTS, 1))
		return false;
	b->bytes = NLB * b->p.ns.bs;
	b->half = b->p.ns.bs;
	return true;
}

static void end(struct bench *b) { ptr_end(&b->p); }
#define _cleanup_bench_ NVSR_CLEANUP(end)

/* --- descriptors ------------------------------------------------------------------------------------------------- */

static struct nvme_sgl desc(unsigned type, uint64_t addr, size_t len)
{
	return (struct nvme_sgl){ .addr = le64(addr), .len = le32((uint32_t)len), .id = NVME_SGL_ID(type, 0) };
}

/* A place in watched memory. */
static struct nvme_sgl block(const struct bench *b, size_t at, size_t len)
{
	return desc(NVME_SGL_DATA_BLOCK, b->p.iova + at, len);
}

/* @n descriptors at @at of the memory for lists. */
static struct nvme_sgl link_to(const struct bench *b, unsigned type, size_t at, unsigned n)
{
	return desc(type, b->p.list_iova + at, n * sizeof(struct nvme_sgl));
}

static void put(struct bench *b, size_t at, unsigned i, struct nvme_sgl d)
{
	memcpy(b->p.list + at + i * sizeof(d), &d, sizeof(d));
}

static int run(struct bench *b, bool write, struct nvme_sgl first)
{
	struct nvsr_cmd c = ptr_cmd(&b->p, write, NLB);
	struct nvsr_req *r = NULL;

	return ptr_wait(nvsr_queue_submit_sgl(b->p.q, &c, &first, &r), &r);
}

/* --- what is right ------------------------------------------------------------------------------------------------ */

static bool check_read(struct nvsr_ctx *t, struct bench *b, struct nvme_sgl first, const struct ptr_pieces *set,
		       const char *what)
{
	return ptr_arm_read(t, &b->p, NLB) && CHECK_OK(t, vf_text("Read with %s", what), run(b, false, first)) &&
	       ptr_check_read(t, &b->p, NLB, set, what);
}

static bool check_write(struct nvsr_ctx *t, struct bench *b, struct nvme_sgl first, const struct ptr_pieces *set,
			const char *what)
{
	return ptr_arm_write(t, &b->p, NLB, set) && CHECK_OK(t, vf_text("Write with %s", what), run(b, true, first)) &&
	       ptr_check_write(t, &b->p, NLB, set, what);
}

static void one_block(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	const unsigned offs[] = { 0, 4, 512, 4092, 1, 4095 };
	unsigned n;

	if (!begin(t, &b))
		return;
	/* the last ones where any byte may be the first */
	n = NVME_SGLS_SUPPORT(b.sgls) == NVME_SGLS_DWORD ? 4 : NVSR_ARRAY_SIZE(offs);
	for (unsigned i = 0; i < n; i++) {
		size_t at = b.p.page + offs[i];
		struct nvme_sgl d = block(&b, at, b.bytes);
		struct ptr_pieces set = { 0 };

		ptr_add(&set, at, b.bytes);
		if (!check_read(t, &b, d, &set, vf_text("a Data Block at %03Xh of a page", offs[i])) ||
		    !check_write(t, &b, d, &set, vf_text("a Data Block at %03Xh of a page", offs[i])))
			return;
	}
}

static void segments(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct ptr_pieces set = { 0 };
	struct nvme_sgl first;
	size_t at[3];

	if (!begin(t, &b))
		return;
	/* backwards in memory; the blocks are 12 bytes, most of the first half, the rest */
	at[0] = 3 * b.p.page - 8;
	at[1] = 2 * b.p.page - 64;
	at[2] = 20;
	ptr_add(&set, at[0], 12);
	ptr_add(&set, at[1], b.half - 12);
	ptr_add(&set, at[2], b.half);
	put(&b, 0, 0, block(&b, at[0], 12));
	put(&b, 0, 1, block(&b, 0, 0));	/* a Data Block of no bytes is valid */
	put(&b, 0, 2, link_to(&b, NVME_SGL_SEGMENT, SECOND, 2));
	put(&b, SECOND, 0, block(&b, at[1], b.half - 12));
	put(&b, SECOND, 1, link_to(&b, NVME_SGL_LAST_SEGMENT, 2 * b.p.page, 1));
	put(&b, 2 * b.p.page, 0, block(&b, at[2], b.half));
	first = link_to(&b, NVME_SGL_SEGMENT, 0, 3);
	check_read(t, &b, first, &set, "three segments");
	check_write(t, &b, first, &set, "three segments");
	first = link_to(&b, NVME_SGL_LAST_SEGMENT, 0x400, 3);
	for (unsigned i = 0; i < set.n; i++)
		put(&b, 0x400, i, block(&b, set.piece[i].at, set.piece[i].len));
	check_read(t, &b, first, &set, "a Last Segment of three blocks");
	check_write(t, &b, first, &set, "a Last Segment of three blocks");
}

static void bit_bucket(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct ptr_pieces set = { 0 };
	struct nvme_sgl first;

	if (!begin(t, &b))
		return;
	if (!(b.sgls & NVME_SGLS_BIT_BUCKET))
		SKIP(t, "SGLS = %08Xh: no Bit Bucket descriptor", b.sgls);
	first = link_to(&b, NVME_SGL_LAST_SEGMENT, 0, 3);
	ptr_add(&set, b.p.page, 100);
	ptr_add(&set, 0, b.half);
	set.piece[1].skip = true;
	ptr_add(&set, 3 * b.p.page, b.half - 100);
	put(&b, 0, 0, block(&b, set.piece[0].at, set.piece[0].len));
	put(&b, 0, 1, desc(NVME_SGL_BIT_BUCKET, 0, b.half));
	put(&b, 0, 2, block(&b, set.piece[2].at, set.piece[2].len));
	check_read(t, &b, first, &set, "a Bit Bucket between two blocks");
	/* nothing of a source: the blocks have it all */
	set = (struct ptr_pieces){ 0 };
	ptr_add(&set, b.p.page, b.half);
	ptr_add(&set, 3 * b.p.page, b.half);
	for (unsigned i = 0; i < set.n; i++)
		put(&b, 0, 2 * i, block(&b, set.piece[i].at, set.piece[i].len));
	check_write(t, &b, first, &set, "a Bit Bucket between two blocks");
}

/* --- what is wrong ------------------------------------------------------------------------------------------------ */

/* Armed and run; data may be in @named.  The status is *ret_rc.  False after recording. */
static bool refused(struct nvsr_ctx *t, struct bench *b, struct nvme_sgl first, const struct ptr_pieces *named,
		    const char *what, int *ret_rc)
{
	if (!ptr_arm_read(t, &b->p, NLB))
		return false;
	*ret_rc = run(b, false, first);
	return CHECK(t, *ret_rc >= 0, "a completion", "Read with %s: %s", what, nvsr_rc_text(*ret_rc)) &&
	       ptr_check_outside(t, &b->p, named, what);
}

static void lengths(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct ptr_pieces set = { 0 };
	const char *what;
	int rc;

	if (!begin(t, &b))
		return;
	ptr_add(&set, b.p.page, b.bytes - 4);
	what = "a Data Block 4 bytes too short";
	if (refused(t, &b, block(&b, b.p.page, b.bytes - 4), &set, what, &rc))
		CHECK_STATUS(t, vf_text("Read with %s", what), NVME_SC_SGL_DATA_LEN_INVALID, rc);
	put(&b, 0, 0, block(&b, b.p.page, b.half));
	what = "a Last Segment that describes one of two blocks";
	if (refused(t, &b, link_to(&b, NVME_SGL_LAST_SEGMENT, 0, 1), &set, what, &rc))
		CHECK_STATUS(t, vf_text("Read with %s", what), NVME_SC_SGL_DATA_LEN_INVALID, rc);
	/* longer is no error where SGLS says so, and should be none elsewhere; more than the data moves in no case */
	set.piece[0].len = b.bytes;
	what = "a Data Block 4 KiB too long";
	if (!refused(t, &b, block(&b, b.p.page, b.bytes + 4096), &set, what, &rc))
		return;
	if (b.sgls & NVME_SGLS_LONGER)
		CHECK_OK(t, vf_text("Read with %s", what), rc);
	else
		CHECK_STATUS_IN(t, vf_text("Read with %s", what), rc, 0, NVME_SC_SGL_DATA_LEN_INVALID);
	if (!rc)
		ptr_check_read(t, &b.p, NLB, &set, what);
}

/* Each of these addresses and lengths together is more than the address space has (Figures 117 to 120). */
static void ends_of_memory(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	static const unsigned types[] = { NVME_SGL_DATA_BLOCK, NVME_SGL_SEGMENT, NVME_SGL_LAST_SEGMENT };
	int rc;

	if (!begin(t, &b))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(types); i++) {
		const char *what = vf_text("a descriptor of type %u at FFFFFFFFFFFFFFF0h", types[i]);

		if (refused(t, &b, desc(types[i], UINT64_MAX - 15, b.bytes), &ptr_nowhere, what, &rc))
			CHECK_STATUS(t, vf_text("Read with %s", what), NVME_SC_SGL_DATA_LEN_INVALID, rc);
	}
}

/* Every segment here has data in front of its mistake, so the controller needs the descriptor that is wrong. */
static void links(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct ptr_pieces set = { 0 };
	const char *what;
	int rc;

	if (!begin(t, &b))
		return;
	ptr_add(&set, b.p.page, b.half);
	put(&b, 0, 0, block(&b, b.p.page, b.half));
	put(&b, 0, 1, link_to(&b, NVME_SGL_LAST_SEGMENT, SECOND, 1));
	put(&b, 0, 2, block(&b, 3 * b.p.page, b.half));
	put(&b, SECOND, 0, block(&b, 5 * b.p.page, b.half));
	what = "a Last Segment descriptor in the middle of a segment";
	ptr_add(&set, 5 * b.p.page, b.half);
	if (refused(t, &b, link_to(&b, NVME_SGL_SEGMENT, 0, 3), &set, what, &rc))
		CHECK_STATUS(t, vf_text("Read with %s", what), NVME_SC_SGL_COUNT_INVALID, rc);
	what = "a last segment that ends with a Last Segment descriptor";
	if (refused(t, &b, link_to(&b, NVME_SGL_LAST_SEGMENT, 0, 2), &set, what, &rc))
		CHECK_STATUS(t, vf_text("Read with %s", what), NVME_SC_SGL_SEG_INVALID, rc);
	what = "a last segment that ends with a Segment descriptor";
	put(&b, 0, 1, link_to(&b, NVME_SGL_SEGMENT, SECOND, 1));
	if (refused(t, &b, link_to(&b, NVME_SGL_LAST_SEGMENT, 0, 2), &set, what, &rc))
		CHECK_STATUS(t, vf_text("Read with %s", what), NVME_SC_SGL_SEG_INVALID, rc);
}

/*
 * A length has to be whole descriptors, and at least one.  No clause says with which status it is refused; without the bytes
 * that are no descriptor the list is too short in any case.
 */
static void segment_lengths(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	static const unsigned types[] = { NVME_SGL_SEGMENT, NVME_SGL_LAST_SEGMENT };
	struct ptr_pieces set = { 0 };
	int rc;

	if (!begin(t, &b))
		return;
	ptr_add(&set, b.p.page, b.half);
	put(&b, 0, 0, block(&b, b.p.page, b.half));
	put(&b, 0, 1, block(&b, 3 * b.p.page, b.half));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(types); i++) {
		for (unsigned len = 0; len <= 24; len += 24) {
			const char *what = vf_text("a segment (type %u) of %u bytes", types[i], len);

			if (refused(t, &b, desc(types[i], b.p.list_iova, len), &set, what, &rc))
				CHECK_STATUS_IN(t, vf_text("Read with %s", what), rc, NVME_SC_SGL_SEG_INVALID,
						NVME_SC_SGL_DATA_LEN_INVALID);
		}
	}
	/* "This may occur" is all that is said of an address that is no quadword. */
	put(&b, SECOND, 0, block(&b, b.p.page, b.bytes));
	memmove(b.p.list + SECOND + 4, b.p.list + SECOND, sizeof(struct nvme_sgl));
	memset(b.p.list + SECOND, 0, 4);
	set.piece[0].len = b.bytes;
	if (refused(t, &b, link_to(&b, NVME_SGL_LAST_SEGMENT, SECOND + 4, 1), &set, "a segment 4 bytes from a quadword",
		    &rc))
		nvsr_note(t, "a segment 4 bytes from a quadword: %s", nvsr_rc_text(rc));
}

static void types(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct ptr_pieces set = { 0 };
	int rc;

	if (!begin(t, &b))
		return;
	ptr_add(&set, b.p.page, b.half);
	put(&b, 0, 1, block(&b, b.p.page, b.half));
	for (unsigned type = NVME_SGL_KEYED; type < 0xf; type++) {
		const char *what = vf_text("a descriptor of type %Xh", type);

		if ((type == NVME_SGL_KEYED && b.sgls & NVME_SGLS_KEYED) ||
		    (type == NVME_SGL_TRANSPORT && b.sgls & NVME_SGLS_TRANSPORT))
			continue;
		put(&b, 0, 0, desc(type, b.p.iova, b.half));
		if (refused(t, &b, link_to(&b, NVME_SGL_LAST_SEGMENT, 0, 2), &set, what, &rc))
			CHECK_STATUS(t, vf_text("Read with %s in a segment", what), NVME_SC_SGL_TYPE_INVALID, rc);
		/* an SGL1 that is no block is also no valid segment descriptor */
		if (refused(t, &b, desc(type, b.p.iova, b.bytes), &ptr_nowhere, what, &rc))
			CHECK_STATUS_IN(t, vf_text("Read with %s as SGL1", what), rc, NVME_SC_SGL_TYPE_INVALID,
					NVME_SC_SGL_SEG_INVALID);
	}
}

/* Over PCIe every sub type but 0 is reserved for these (Figure 116). */
static void sub_types(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	int rc;

	if (!begin(t, &b))
		return;
	put(&b, 0, 0, block(&b, b.p.page, b.bytes));
	for (unsigned sub = NVME_SGL_OFFSET; sub < 10; sub += 4) {
		struct nvme_sgl d[] = { block(&b, b.p.page, b.bytes), link_to(&b, NVME_SGL_SEGMENT, 0, 1),
					link_to(&b, NVME_SGL_LAST_SEGMENT, 0, 1) };

		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(d); i++) {
			const char *what = vf_text("a descriptor of type %u, sub type %u", NVME_SGL_TYPE(d[i].id), sub);

			d[i].id |= (uint8_t)sub;
			if (refused(t, &b, d[i], &ptr_nowhere, what, &rc))
				CHECK_STATUS(t, vf_text("Read with %s", what), NVME_SC_SGL_TYPE_INVALID, rc);
		}
	}
}

/* SGLS asks for dwords: the lower bits are refused, or taken for 0 (Figure 117). */
static void granularity(struct nvsr_ctx *t)
{
	_cleanup_bench_ struct bench b = { 0 };
	struct ptr_pieces set = { 0 };
	int rc;

	if (!begin(t, &b))
		return;
	if (NVME_SGLS_SUPPORT(b.sgls) != NVME_SGLS_DWORD)
		SKIP(t, "SGLS = %08Xh: data blocks of any alignment", b.sgls);
	ptr_add(&set, b.p.page, b.bytes);
	for (unsigned odd = 1; odd < 4; odd++) {
		const char *what = vf_text("a Data Block at %u bytes from a dword", odd);

		if (!refused(t, &b, block(&b, b.p.page + odd, b.bytes), &set, what, &rc))
			return;
		CHECK_STATUS_IN(t, vf_text("Read with %s", what), rc, 0, NVME_SC_SGL_GRANULARITY, NVME_SC_INVALID_FIELD);
		if (!rc)
			ptr_check_read(t, &b.p, NLB, &set, what);
	}
}

static const struct nvsr_test tests[] = {
	{ .id = "one-block", .title = "a Data Block gets and gives exactly the bytes it describes",
	  .requirements = REQS("PCIE-44"), .needs = NEED, .caught_by = DEFECTS("sgl-blocks-start-pages"), .run = one_block },
	{ .id = "segments", .title = "segments are followed to the last one",
	  .requirements = REQS("PCIE-44"), .needs = NEED,
	  .caught_by = DEFECTS("sgl-segment-refused", "sgl-blocks-start-pages"), .run = segments },
	{ .id = "bit-bucket", .title = "a Bit Bucket discards data of a Read and is nothing to a Write",
	  .requirements = REQS("PCIE-44"), .needs = NEED,
	  .caught_by = DEFECTS("sgl-bucket-skips-nothing", "sgl-bucket-eats-writes"), .run = bit_bucket },
	{ .id = "lengths", .title = "an SGL that is too short is refused; of a longer one only what there is data for is used",
	  .requirements = REQS("PCIE-44"), .needs = NEED,
	  .caught_by = DEFECTS("sgl-short-succeeds", "sgl-longer-overruns"), .run = lengths },
	{ .id = "ends-of-memory", .title = "descriptors that go beyond the address space are refused",
	  .requirements = REQS("PCIE-44"), .needs = NEED, .caught_by = DEFECTS("sgl-addresses-wrap"), .run = ends_of_memory },
	{ .id = "links", .title = "Segment descriptors are the last of a segment, and not of the last one",
	  .requirements = REQS("PCIE-44"), .needs = NEED,
	  .caught_by = DEFECTS("sgl-link-anywhere", "sgl-last-segment-links"), .run = links },
	{ .id = "segment-lengths", .title = "bytes that are no whole descriptor describe nothing",
	  .requirements = REQS("PCIE-44"), .needs = NEED, .caught_by = DEFECTS("sgl-segment-unchecked"), .run = segment_lengths },
	{ .id = "types", .title = "descriptors of types that are reserved or not supported are refused",
	  .requirements = REQS("PCIE-44"), .needs = NEED, .caught_by = DEFECTS("sgl-type-unchecked"), .run = types },
	{ .id = "sub-types", .title = "descriptors of reserved sub types are refused",
	  .requirements = REQS("PCIE-44"), .needs = NEED, .caught_by = DEFECTS("sgl-subtype-unchecked"), .run = sub_types },
	{ .id = "granularity", .title = "bits 1:0 of a Data Block are refused or taken for 0 where SGLS asks for dwords",
	  .requirements = REQS("PCIE-44"), .needs = NEED, .caught_by = DEFECTS("sgl-any-alignment"), .run = granularity },
};
const struct nvsr_group nvsr_vf_sgl = NVSR_GROUP("vf.sgl", tests);
