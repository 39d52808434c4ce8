// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks with known contents on namespaces of several controllers. */
#include "suites/data.h"

/* --- preparation -------------------------------------------------------------------------------------------------- */

static bool describe(struct nvsr_ctx *t, const struct nvme_id_ns *id, struct dat_ns *ns)
{
	const struct nvme_lbaf *f = &id->lbaf[NVME_FLBAS_INDEX(id->flbas)];
	uint64_t bytes;

	ns->bs = nvme_lbaf_bytes(f);
	ns->blocks = le64_get(id->nsze);
	/* pages of CAP.MPSMIN, which are at least 4 KiB; without a limit a common one */
	bytes = 4096ull << (t->inv->id.mdts ? NVSR_MIN(t->inv->id.mdts, 20) : 5);
	ns->chunk = ns->bs ? (unsigned)NVSR_MAX(1u, NVSR_MIN(bytes / ns->bs, (uint64_t)DAT_MAX_NLB)) : 1;
	if (ns->bs && ns->bs <= DAT_MAX_BS && ns->blocks >= 2 * DAT_MAX_NLB)
		return true;
	nvsr_test_broken(t, __FILE__, __LINE__, "namespace %u has %llu blocks of 2^%u bytes", ns->nsid,
			 (unsigned long long)ns->blocks, f->lbads);
	return false;
}

#define MAX_NAMESPACES 4096u

static bool is_listed(const uint32_t *list, unsigned n, uint32_t nsid)
{
	while (n && list[n - 1] != nsid)
		n--;
	return n;
}

bool dat_ns_of(struct nvsr_ctx *t, unsigned mib, bool shared, struct dat_ns *ret)
{
	_cleanup_free_ uint32_t *before = calloc(MAX_NAMESPACES, sizeof(*before));
	struct nvme_id_ns id;
	unsigned n = 0;
	int rc = before ? nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, before, MAX_NAMESPACES, &n) : -ENOMEM;

	if (!rc) {
		*ret = (struct dat_ns){ .nsid = nvsr_t_ns(t, mib, shared) };
		if (!ret->nsid)
			return false;
		ret->made = !is_listed(before, n, ret->nsid);
		rc = nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, ret->nsid, 0, &id);
	}
	if (!rc)
		return describe(t, &id, ret);
	nvsr_test_broken(t, __FILE__, __LINE__, "allocated namespaces: %s", nvsr_rc_text(rc));
	return false;
}

bool dat_ns_read(struct nvsr_ctx *t, struct nvsr_dev *d, struct dat_ns *ns)
{
	struct nvme_id_ns id;

	return CHECK_OK(t, "Identify Namespace", nvsr_identify(d, NVME_CNS_NS, ns->nsid, 0, &id)) && describe(t, &id, ns);
}

int dat_cntlid(struct nvsr_ctx *t, struct nvsr_dev *d)
{
	struct nvme_id_ctrl id;
	int rc = nvsr_id_ctrl(d, &id);

	if (!rc)
		return le16_get(id.cntlid);
	nvsr_test_broken(t, __FILE__, __LINE__, "Identify Controller on %s: %s", nvsr_dev_name(d), nvsr_rc_text(rc));
	return -1;
}

static bool attachment(struct nvsr_ctx *t, const struct dat_ns *ns, struct nvsr_dev *d, bool attach)
{
	int id = dat_cntlid(t, d), rc;

	if (id < 0)
		return false;
	rc = attach ? nvsr_ns_attach(t->pf, ns->nsid, (uint16_t)id) : nvsr_ns_detach(t->pf, ns->nsid, (uint16_t)id);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "%s of namespace %u and %s: %s", attach ? "attach" : "detach",
				 ns->nsid,
				 nvsr_dev_name(d), nvsr_rc_text(rc));
	return !rc;
}

bool dat_attach(struct nvsr_ctx *t, const struct dat_ns *ns, struct nvsr_dev *d)
{
	return attachment(t, ns, d, true);
}

bool dat_detach(struct nvsr_ctx *t, const struct dat_ns *ns, struct nvsr_dev *d)
{
	return attachment(t, ns, d, false);
}

bool dat_two_vfs(struct nvsr_ctx *t, struct nvsr_dev **ret_a, struct nvsr_dev **ret_b)
{
	*ret_a = nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 1) : NULL;
	*ret_b = *ret_a ? nvsr_t_vf(t, 2) : NULL;
	return *ret_b;
}

bool dat_shared(struct nvsr_ctx *t, struct dat_shared *ret)
{
	ret->on[0] = t->pf;
	if (!dat_two_vfs(t, &ret->on[1], &ret->on[2]) || !dat_ns(t, true, &ret->ns))
		return false;
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		if (!dat_attach(t, &ret->ns, ret->on[i]))
			return false;
	return true;
}

/* --- blocks in memory --------------------------------------------------------------------------------------------- */

/* High half of every 8 bytes; far from 0 and from all ones. */
static uint32_t mark(unsigned tag)
{
	return 0x4e565352u ^ tag * 0x9e3779b1u;
}

static uint64_t word(unsigned tag, uint64_t lba, unsigned i)
{
	return (uint64_t)mark(tag) << 32 | (uint32_t)(lba << 13 ^ i);
}

void dat_fill(void *buf, const struct dat_ns *ns, uint64_t slba, unsigned nlb, unsigned tag)
{
	for (unsigned b = 0; b < nlb; b++)
		for (unsigned i = 0; i < ns->bs / 8; i++)
			nvsr_le_write((uint8_t *)buf + b * ns->bs + i * 8, 8, word(tag, slba + b, i));
}

bool dat_holds(const void *buf, const struct dat_ns *ns, uint64_t slba, unsigned nlb, unsigned tag)
{
	for (unsigned b = 0; b < nlb; b++)
		for (unsigned i = 0; i < ns->bs / 8; i++)
			if (nvsr_le_read((const uint8_t *)buf + b * ns->bs + i * 8, 8) != word(tag, slba + b, i))
				return false;
	return true;
}

bool dat_traces(const void *buf, size_t len, unsigned tag)
{
	uint32_t m = mark(tag);

	for (size_t i = 0; i + 8 <= len; i += 8)
		if (nvsr_le_read((const uint8_t *)buf + i + 4, 4) == m)
			return true;
	return false;
}

bool dat_all(const void *buf, size_t len, uint8_t byte)
{
	const uint8_t *b = buf;

	while (len && b[len - 1] == byte)
		len--;
	return !len;
}

/* --- blocks on the device ----------------------------------------------------------------------------------------- */

unsigned dat_chunk(const struct dat_ns *ns)
{
	return ns->chunk;
}

int dat_write(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, unsigned nlb, unsigned tag)
{
	_cleanup_free_ uint8_t *buf = malloc((size_t)nlb * ns->bs);

	if (!buf)
		return -ENOMEM;
	dat_fill(buf, ns, slba, nlb, tag);
	return nvsr_rw(d, true, ns->nsid, slba, nlb, buf, nlb * ns->bs);
}

int dat_read(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, unsigned nlb, void *buf)
{
	memset(buf, 0xa5, (size_t)nlb * ns->bs);	/* what the device leaves alone is neither 00h nor FFh */
	return nvsr_rw(d, false, ns->nsid, slba, nlb, buf, nlb * ns->bs);
}

int dat_write_zeroes(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, unsigned nlb)
{
	struct nvsr_cmd c = { .opcode = NVME_CMD_WRITE_ZEROES, .nsid = ns->nsid, .cdw10 = (uint32_t)slba,
			      .cdw11 = (uint32_t)(slba >> 32), .cdw12 = nlb - 1 };

	return nvsr_io(d, &c);
}

int dat_deallocate(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, unsigned nlb)
{
	struct nvme_dsm_range range = { .nlb = le32(nlb), .slba = le64(slba) };
	struct nvsr_cmd c = { .opcode = NVME_CMD_DSM, .nsid = ns->nsid, .cdw11 = NVME_DSM_DEALLOCATE, .data = &range,
			      .data_len = sizeof(range) };

	return nvsr_io(d, &c);
}

/* --- whole namespaces --------------------------------------------------------------------------------------------- */

/* A command of a sweep: all of a small namespace, both ends of a large one.  False at the end. */
static bool sweep(const struct dat_ns *ns, uint64_t *lba, unsigned *nlb)
{
	uint64_t end = NVSR_MIN(DAT_SWEEP_BLOCKS, (1u << 20) / ns->bs);	/* of the first part */

	*lba += *nlb;
	if (*lba == end && ns->blocks > 2 * end)
		*lba = ns->blocks - end;
	if (*lba >= ns->blocks)
		return false;
	*nlb = (unsigned)NVSR_MIN((uint64_t)ns->chunk, (*lba < end ? NVSR_MIN(end, ns->blocks) : ns->blocks) - *lba);
	return true;
}

bool dat_sweep_write(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag)
{
	uint64_t lba = 0;
	unsigned n = 0;
	int rc = 0;

	while (!rc && sweep(ns, &lba, &n))
		rc = dat_write(d, ns, lba, n, tag);
	return nvsr_check(t, __FILE__, __LINE__, !rc, "Writes succeed", "block %llu on %s: %s", (unsigned long long)lba,
			  nvsr_dev_name(d), nvsr_rc_text(rc));
}

struct dat_sweep dat_sweep_read(struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag)
{
	_cleanup_free_ uint8_t *buf = malloc((size_t)DAT_MAX_NLB * ns->bs);
	struct dat_sweep s = { 0 };
	uint64_t lba = 0;
	unsigned n = 0;

	if (!buf)
		return (struct dat_sweep){ .failed = 1, .rc = -ENOMEM };
	while (sweep(ns, &lba, &n)) {
		int rc = dat_read(d, ns, lba, n, buf);

		s.blocks += n;
		s.failed += rc ? n : 0;
		s.rc = s.rc ? s.rc : rc;
		/* also of a Read that failed: no data may come with it */
		for (unsigned i = 0; i < n; i++) {
			s.whole += !rc && dat_holds(buf + i * ns->bs, ns, lba + i, 1, tag);
			s.traced += dat_traces(buf + i * ns->bs, ns->bs, tag);
		}
	}
	return s;
}

bool dat_check_kept(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag, const char *when)
{
	struct dat_sweep s = dat_sweep_read(d, ns, tag);

	return nvsr_check(t, __FILE__, __LINE__, !s.failed && s.whole == s.blocks, "every block reads as it was written",
			  "%s, namespace %u on %s: %u of %u blocks as written, %u not readable: %s", when, ns->nsid,
			  nvsr_dev_name(d), s.whole, s.blocks, s.failed, nvsr_rc_text(s.rc));
}

bool dat_check_gone(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag, const char *when)
{
	struct dat_sweep s = dat_sweep_read(d, ns, tag);

	return nvsr_check(t, __FILE__, __LINE__, !s.failed && !s.traced, "every block reads, and none shows the old data",
			  "%s, namespace %u on %s: %u of %u blocks with old data, %u not readable: %s", when, ns->nsid,
			  nvsr_dev_name(d), s.traced, s.blocks, s.failed, nvsr_rc_text(s.rc));
}
