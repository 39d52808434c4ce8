// SPDX-License-Identifier: GPL-2.0-or-later
/* Helpers of vf.prp and vf.sgl: watched memory and what commands make of it. */
#include "pointer.h"

enum { TAG_READ = 21, TAG_WRITE = 22, TAG_OLD = 23 };

bool ptr_begin(struct nvsr_ctx *t, struct ptr *p, unsigned pages, unsigned lists, unsigned mib)
{
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 8, .cq_entries = 8 };
	uint64_t cap = 0;
	int rc;

	p->d = nvsr_t_vf(t, 1);
	if (!p->d || !dat_ns_of(t, mib, false, &p->ns) || !dat_attach(t, &p->ns, p->d))
		return false;
	rc = nvsr_reg_read(p->d, NVME_REG_CAP, 8, &cap);
	p->page = 4096u << NVME_CAP_MPSMIN(cap);
	p->len = (size_t)pages * p->page;
	if (!rc)
		rc = nvsr_queue_create(p->d, &o, &p->q);
	if (!rc) {
		p->mem = nvsr_dma_alloc(p->d, p->len, &p->iova);
		p->list = nvsr_dma_alloc(p->d, (size_t)lists * p->page, &p->list_iova);
		rc = p->mem && p->list ? 0 : -ENOMEM;
	}
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "an I/O queue and memory on VF 1: %s", nvsr_rc_text(rc));
	return !rc;
}

void ptr_end(struct ptr *p)
{
	nvsr_queue_destroy(p->q);
	if (p->mem)
		nvsr_dma_free(p->d, p->mem);
	if (p->list)
		nvsr_dma_free(p->d, p->list);
	*p = (struct ptr){ 0 };
}

const struct ptr_pieces ptr_nowhere = { 0 };

void ptr_add(struct ptr_pieces *set, size_t at, size_t len)
{
	if (set->n < NVSR_ARRAY_SIZE(set->piece))
		set->piece[set->n++] = (struct ptr_piece){ .at = at, .len = len };
}

struct nvsr_cmd ptr_cmd(const struct ptr *p, bool write, unsigned nlb)
{
	return (struct nvsr_cmd){ .opcode = write ? NVME_CMD_WRITE : NVME_CMD_READ, .nsid = p->ns.nsid, .cdw12 = nlb - 1 };
}

int ptr_wait(int rc, struct nvsr_req **r)
{
	return rc ? rc : nvsr_req_wait(*r, PTR_WAIT_MS, NULL);
}

/* By ordinary means: the driver's PRPs, on the same queue, as a VF may have no other. */
static int rw(struct ptr *p, bool write, unsigned nlb, void *buf)
{
	struct nvsr_cmd c = ptr_cmd(p, write, nlb);
	struct nvsr_req *r;
	int rc;

	c.data = buf;
	c.data_len = nlb * p->ns.bs;
	rc = nvsr_queue_submit(p->q, &c, &r);
	return rc ? rc : nvsr_req_wait(r, PTR_WAIT_MS, &c);
}

static int write_blocks(struct ptr *p, unsigned nlb, unsigned tag)
{
	_cleanup_free_ uint8_t *buf = malloc((size_t)nlb * p->ns.bs);

	if (!buf)
		return -ENOMEM;
	dat_fill(buf, &p->ns, 0, nlb, tag);
	return rw(p, true, nlb, buf);
}

/* Watched memory as it should be: @data in the pieces, the guard elsewhere.  NULL without memory. */
static uint8_t *image(const struct ptr *p, const uint8_t *data, const struct ptr_pieces *set)
{
	uint8_t *want = malloc(p->len);

	if (!want)
		return NULL;
	memset(want, PTR_GUARD, p->len);
	for (unsigned i = 0; i < set->n; data += set->piece[i++].len)
		if (!set->piece[i].skip)
			memcpy(want + set->piece[i].at, data, set->piece[i].len);
	return want;
}

static uint8_t *image_of(const struct ptr *p, unsigned nlb, unsigned tag, const struct ptr_pieces *set)
{
	_cleanup_free_ uint8_t *data = malloc((size_t)nlb * p->ns.bs);

	if (!data)
		return NULL;
	dat_fill(data, &p->ns, 0, nlb, tag);
	return image(p, data, set);
}

bool ptr_arm_read(struct nvsr_ctx *t, struct ptr *p, unsigned nlb)
{
	int rc = write_blocks(p, nlb, TAG_READ);

	memset(p->mem, PTR_GUARD, p->len);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "Write on VF 1: %s", nvsr_rc_text(rc));
	return !rc;
}

bool ptr_arm_write(struct nvsr_ctx *t, struct ptr *p, unsigned nlb, const struct ptr_pieces *set)
{
	_cleanup_free_ uint8_t *want = image_of(p, nlb, TAG_WRITE, set);
	int rc = want ? write_blocks(p, nlb, TAG_OLD) : -ENOMEM;

	if (!rc)
		memcpy(p->mem, want, p->len);
	else
		nvsr_test_broken(t, __FILE__, __LINE__, "Write on VF 1: %s", nvsr_rc_text(rc));
	return !rc;
}

static bool check_memory(struct nvsr_ctx *t, const struct ptr *p, const uint8_t *want, const char *expected,
			 const char *what)
{
	size_t at = 0;

	while (at < p->len && p->mem[at] == want[at])
		at++;
	return nvsr_check(t, __FILE__, __LINE__, at == p->len, expected,
			  "%s: byte %zu of watched memory is %02Xh and not %02Xh", what, at, at < p->len ? p->mem[at] : 0,
			  at < p->len ? want[at] : 0);
}

bool ptr_check_read(struct nvsr_ctx *t, struct ptr *p, unsigned nlb, const struct ptr_pieces *set, const char *what)
{
	_cleanup_free_ uint8_t *want = image_of(p, nlb, TAG_READ, set);

	return want && check_memory(t, p, want, "the data where the pointer says, nothing anywhere else", what);
}

bool ptr_check_write(struct nvsr_ctx *t, struct ptr *p, unsigned nlb, const struct ptr_pieces *set, const char *what)
{
	_cleanup_free_ uint8_t *want = image_of(p, nlb, TAG_WRITE, set), *got = calloc(nlb, p->ns.bs);
	int rc = want && got ? rw(p, false, nlb, got) : -ENOMEM;
	bool same = !rc && dat_holds(got, &p->ns, 0, nlb, TAG_WRITE);

	return nvsr_check(t, __FILE__, __LINE__, same, "the blocks hold what the pointer describes", "%s: %s", what,
			  rc ? nvsr_rc_text(rc) : "other data") &&
	       check_memory(t, p, want, "memory that a Write reads stays as it is", what);
}

bool ptr_check_outside(struct nvsr_ctx *t, struct ptr *p, const struct ptr_pieces *set, const char *what)
{
	_cleanup_free_ uint8_t *want = malloc(p->len);

	if (!want)
		return false;
	memset(want, PTR_GUARD, p->len);
	for (unsigned i = 0; i < set->n; i++)
		memcpy(want + set->piece[i].at, p->mem + set->piece[i].at, set->piece[i].len);
	return check_memory(t, p, want, "nothing is written where no pointer leads", what);
}
