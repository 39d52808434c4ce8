// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ocp.erase: Format NVM, Sanitize, Deallocate and Write Zeroes, and how long commands may take.  OCP Datacenter NVMe
 * SSD 2.7 NVMe-AD, NVMe-IO, TRIM, CTO.  TRIM-6, latency of reads beside a deallocation, takes a real device and is left
 * to measurements.
 */
#include "suites/erase/erase.h"

#define NEED (NVSR_NEED(OCP) | DAT_NEED)
#define TAG 720
#define TB 1000000000000ull
#define ADMIN_LIMIT (10 * NVSR_S)
#define IO_LIMIT (8 * NVSR_S)
#define WZ_DEAC (1u << 25)
#define QID 2	/* queue 1 is the access method's */
#define WAIT_MS 5000

static bool prepare(struct nvsr_ctx *t, struct dat_ns *ns)
{
	return dat_ns(t, true, ns) && dat_attach(t, ns, t->pf);
}

/* Every block of a sweep reads 0, and none fails. */
static bool check_zero(struct nvsr_ctx *t, const struct dat_ns *ns, const char *when)
{
	uint64_t end = NVSR_MIN(ns->blocks, (uint64_t)DAT_SWEEP_BLOCKS);
	unsigned step = dat_chunk(ns), failed = 0, dirty = 0;
	_cleanup_free_ uint8_t *buf = malloc((size_t)step * ns->bs);

	for (uint64_t at = 0; buf && at + step <= end; at += step) {
		if (dat_read(t->pf, ns, at, step, buf))
			failed++;
		else
			dirty += !dat_all(buf, (size_t)step * ns->bs, 0);
	}
	return CHECK(t, buf && !failed && !dirty, "every block reads 0, without errors",
		     "%u reads failed and %u were not 0 %s", failed, dirty, when);
}

static int sanitize(struct nvsr_ctx *t, enum nvme_sanact action, struct nvme_sanitize_log *ret)
{
	int rc = era_sanitize(t->pf, era_sanact_cdw10(action));

	return rc ? rc : era_sanitize_wait(t, t->pf, ret) ? 0 : -EIO;
}

/* --- Format NVM and Sanitize ------------------------------------------------------------------------------------ */

static void format_has_every_kind(struct nvsr_ctx *t)
{
	static const char *const names[] = { "Format with SES 0", "Format with SES 1", "Format with SES 2" };
	uint8_t fna = t->inv->id.fna;
	struct dat_ns ns;

	CHECK(t, le16_get(t->inv->id.oacs) & NVME_OACS_FORMAT, "OACS reports Format NVM (NVMe-AD-5)", "OACS = %04Xh",
	      le16_get(t->inv->id.oacs));
	CHECK(t, !(fna & (NVME_FNA_FORMAT_ALL | NVME_FNA_ERASE_ALL)), "FNA bits 1:0 = 00b (NVMe-AD-23)", "FNA = %02Xh",
	      fna);
	CHECK(t, fna & NVME_FNA_CRYPTO, "FNA reports Cryptographic Erase (NVMe-AD-5)", "FNA = %02Xh", fna);
	if (fna & (NVME_FNA_FORMAT_ALL | NVME_FNA_ERASE_ALL) || !prepare(t, &ns))
		return;
	for (unsigned ses = NVME_SES_NONE; ses <= NVME_SES_CRYPTO; ses++) {
		if (!dat_sweep_write(t, t->pf, &ns, TAG + ses))
			return;
		if (CHECK_OK(t, names[ses], era_format(t, &ns, ses)))
			dat_check_gone(t, t->pf, &ns, TAG + ses, names[ses]);
	}
}

static void sanitize_has_every_kind(struct nvsr_ctx *t)
{
	static const struct { enum nvme_sanact action; uint32_t cap; const char *name; } kinds[] = {
		{ NVME_SANACT_CRYPTO, NVME_SANICAP_CRYPTO, "Crypto Erase" },
		{ NVME_SANACT_BLOCK, NVME_SANICAP_BLOCK, "Block Erase" },
		{ NVME_SANACT_OVERWRITE, NVME_SANICAP_OVERWRITE, "Overwrite" },
	};
	uint32_t cap = le32_get(t->inv->id.sanicap);
	struct nvme_sanitize_log log;
	struct dat_ns ns;

	if (!prepare(t, &ns))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(kinds); i++) {
		if (!CHECK(t, cap & kinds[i].cap, "SANICAP reports Crypto Erase, Block Erase and Overwrite (NVMe-AD-7)",
			   "%08Xh: no %s", cap, kinds[i].name))
			continue;
		if (!dat_sweep_write(t, t->pf, &ns, TAG + 8 + i))
			return;
		MUST_OK(t, kinds[i].name, sanitize(t, kinds[i].action, &log));
		check_zero(t, &ns, kinds[i].name);
	}
}

/* --- NVM commands ----------------------------------------------------------------------------------------------- */

static void zeroes_deallocate(struct nvsr_ctx *t)
{
	struct nvsr_cmd c = { .opcode = NVME_CMD_WRITE_ZEROES };
	struct nvme_id_ns before, after;
	struct dat_ns ns;
	unsigned step;

	if (!prepare(t, &ns) || !dat_sweep_write(t, t->pf, &ns, TAG + 16))
		return;
	step = dat_chunk(&ns);
	MUST_OK(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, ns.nsid, 0, &before));
	for (uint64_t at = 0; at + step <= NVSR_MIN(ns.blocks, (uint64_t)DAT_SWEEP_BLOCKS); at += step) {
		c = (struct nvsr_cmd){ .opcode = NVME_CMD_WRITE_ZEROES, .nsid = ns.nsid, .cdw10 = (uint32_t)at,
				       .cdw11 = (uint32_t)(at >> 32), .cdw12 = WZ_DEAC | (step - 1) };
		MUST_OK(t, "Write Zeroes with DEAC = 1 (NVMe-IO-6)", nvsr_io(t->pf, &c));
	}
	MUST_OK(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, ns.nsid, 0, &after));
	CHECK(t, le64_get(after.nuse) < le64_get(before.nuse), "Write Zeroes with DEAC = 1 deallocates (NVMe-IO-6)",
	      "NUSE is %llu, was %llu", (unsigned long long)le64_get(after.nuse),
	      (unsigned long long)le64_get(before.nuse));
	check_zero(t, &ns, "after Write Zeroes with DEAC = 1");
}

static struct nvsr_cmd one_block(const struct dat_ns *ns, uint8_t opcode, uint8_t fuse, void *data)
{
	return (struct nvsr_cmd){ .opcode = opcode, .flags = fuse, .nsid = ns->nsid, .data = data, .data_len = ns->bs };
}

static void compare_tells(struct nvsr_ctx *t)
{
	static uint8_t same[DAT_MAX_BS], other[DAT_MAX_BS];
	struct nvsr_cmd c;
	struct dat_ns ns;

	CHECK(t, le16_get(t->inv->id.oncs) & NVME_ONCS_COMPARE, "ONCS reports Compare (NVMe-IO-8)", "ONCS = %04Xh",
	      le16_get(t->inv->id.oncs));
	if (!prepare(t, &ns))
		return;
	dat_fill(same, &ns, 0, 1, TAG + 20);
	dat_fill(other, &ns, 0, 1, TAG + 21);
	MUST_OK(t, "Write", dat_write(t->pf, &ns, 0, 1, TAG + 20));
	c = one_block(&ns, NVME_CMD_COMPARE, 0, same);
	CHECK_OK(t, "Compare with what was written", nvsr_io(t->pf, &c));
	c = one_block(&ns, NVME_CMD_COMPARE, 0, other);
	CHECK_STATUS(t, "Compare with something else", NVME_SC_COMPARE_FAILED, nvsr_io(t->pf, &c));
}

static void fused_is_supported(struct nvsr_ctx *t)
{
	const struct nvsr_queue_opts opts = { .qid = QID, .sq_entries = 16, .cq_entries = 16 };
	static uint8_t old[DAT_MAX_BS], new[DAT_MAX_BS], seen[DAT_MAX_BS];
	struct nvsr_queue *q;
	struct nvsr_cmd c[2];
	struct nvsr_req *req[2];
	struct dat_ns ns;
	int rc;

	CHECK(t, le16_get(t->inv->id.fuses) & NVME_FUSES_COMPARE_WRITE, "FUSES reports Compare and Write (NVMe-IO-9)",
	      "FUSES = %04Xh", le16_get(t->inv->id.fuses));
	if (!prepare(t, &ns))
		return;
	dat_fill(old, &ns, 0, 1, TAG + 24);
	dat_fill(new, &ns, 0, 1, TAG + 25);
	MUST_OK(t, "Write", dat_write(t->pf, &ns, 0, 1, TAG + 24));
	PREPARE(t, "a queue pair", nvsr_queue_create(t->pf, &opts, &q));
	c[0] = one_block(&ns, NVME_CMD_COMPARE, NVME_FUSE_FIRST, old);
	c[1] = one_block(&ns, NVME_CMD_WRITE, NVME_FUSE_SECOND, new);
	rc = nvsr_queue_submit_many(q, c, 2, req);
	if (!rc) {
		CHECK_OK(t, "Compare of a fused operation", nvsr_req_wait(req[0], WAIT_MS, NULL));
		CHECK_OK(t, "Write of a fused operation", nvsr_req_wait(req[1], WAIT_MS, NULL));
	}
	nvsr_queue_destroy(q);
	PREPARE(t, "a fused operation", rc);
	MUST_OK(t, "Read", dat_read(t->pf, &ns, 0, 1, seen));
	CHECK(t, !memcmp(seen, new, ns.bs), "the block is what the fused Write wrote", "it is not");
}

static bool check_deallocate(struct nvsr_ctx *t, const struct dat_ns *ns)
{
	struct nvme_id_ns id;

	if (!CHECK_OK(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, ns->nsid, 0, &id)) ||
	    !dat_sweep_write(t, t->pf, ns, TAG + 28))
		return false;
	CHECK_EQ(t, "DLFEAT bits 2:0, what deallocated blocks read (TRIM-8)", 1, NVME_DLFEAT_READS(id.dlfeat));
	return CHECK_OK(t, "Deallocate (TRIM-1)",
			dat_deallocate(t->pf, ns, 0, (unsigned)NVSR_MIN(ns->blocks, (uint64_t)DAT_SWEEP_BLOCKS))) &&
	       check_zero(t, ns, "after Deallocate");
}

static void deallocated_reads_zero(struct nvsr_ctx *t)
{
	struct dat_ns ns;

	if (prepare(t, &ns))
		check_deallocate(t, &ns);
}

static void deallocated_stays_zero(struct nvsr_ctx *t)
{
	struct dat_ns ns;

	if (!prepare(t, &ns) || !check_deallocate(t, &ns))
		return;
	PREPARE(t, "power cycle without shutdown", nvsr_reset(t->pf, NVSR_RESET_POWER));
	check_zero(t, &ns, "after a power cycle");
}

/* --- time ------------------------------------------------------------------------------------------------------- */

/* One after the other: what a command took on the device's clock. */
struct watch { struct nvsr_ctx *t; uint64_t began; };

static void begin(struct watch *w)
{
	w->began = nvsr_dev_now(w->t->pf);
}

static void end(struct watch *w, const char *what, int rc, uint64_t limit, const char *rule)
{
	uint64_t took = nvsr_dev_now(w->t->pf) - w->began;

	CHECK(w->t, !rc && took <= limit, rule, "%s: %s after %llu ms", what, nvsr_rc_text(rc),
	      (unsigned long long)(took / NVSR_MS));
	begin(w);
}

#define ADMIN_RULE "an admin command completes within 10 s (CTO-1)"
#define IO_RULE "an I/O command alone completes within 8 s (CTO-2)"

static void commands_are_fast(struct nvsr_ctx *t)
{
	struct watch w = { .t = t };
	struct nvme_smart_log smart;
	struct nvsr_cmd flush = { .opcode = NVME_CMD_FLUSH };
	uint8_t page[NVME_IDENTIFY_SIZE];
	static uint8_t block[DAT_MAX_BS];
	uint16_t id = nvsr_t_pcid(t);
	struct dat_ns ns;

	if (!dat_ns(t, true, &ns))
		return;
	flush.nsid = ns.nsid;
	begin(&w);
	end(&w, "Identify", nvsr_identify(t->pf, NVME_CNS_CTRL, 0, 0, page), ADMIN_LIMIT, ADMIN_RULE);
	end(&w, "Get Log Page", nvsr_get_log(t->pf, NVME_LOG_SMART, NVME_NSID_ALL, true, &smart, sizeof(smart)),
	    ADMIN_LIMIT, ADMIN_RULE);
	end(&w, "Attach", nvsr_ns_attach(t->pf, ns.nsid, id), ADMIN_LIMIT, ADMIN_RULE);
	end(&w, "Write", dat_write(t->pf, &ns, 0, 1, TAG + 32), IO_LIMIT, IO_RULE);
	end(&w, "Flush", nvsr_io(t->pf, &flush), IO_LIMIT, IO_RULE);
	end(&w, "Read", dat_read(t->pf, &ns, 0, 1, block), IO_LIMIT, IO_RULE);
	end(&w, "Deallocate", dat_deallocate(t->pf, &ns, 0, 1), IO_LIMIT, IO_RULE);
	end(&w, "Detach", nvsr_ns_detach(t->pf, ns.nsid, id), ADMIN_LIMIT, ADMIN_RULE);
	if (!ns.made)
		return;
	end(&w, "Delete", nvsr_ns_delete(t->pf, ns.nsid), ADMIN_LIMIT, ADMIN_RULE);
	nvsr_t_ns_gone(t, ns.nsid);
}

static uint64_t limit_by_size(uint64_t bytes)
{
	return ADMIN_LIMIT * NVSR_MAX(NVSR_DIV_ROUND_UP(bytes, TB), 1ull);
}

static void erase_is_fast(struct nvsr_ctx *t)
{
	uint64_t all = limit_by_size(le128_get(t->inv->id.tnvmcap, NULL));
	struct watch w = { .t = t };
	struct nvme_sanitize_log log;
	struct dat_ns ns;

	if (!prepare(t, &ns))
		return;
	begin(&w);
	end(&w, "Format with SES 2", era_format(t, &ns, NVME_SES_CRYPTO), ADMIN_LIMIT, ADMIN_RULE);
	end(&w, "Format with SES 1", era_format(t, &ns, NVME_SES_USER_DATA), limit_by_size(ns.blocks * ns.bs),
	    "User Data Erase takes at most 10 s per TB (CTO-8)");
	end(&w, "Crypto Erase", sanitize(t, NVME_SANACT_CRYPTO, &log), ADMIN_LIMIT,
	    "sanitize by Crypto Erase takes at most 10 s (CTO-7)");
	end(&w, "Block Erase", sanitize(t, NVME_SANACT_BLOCK, &log), all,
	    "sanitize by Block Erase takes at most 10 s per TB (CTO-8)");
}

static const struct nvsr_test tests[] = {
	{ .id = "format-kinds", .title = "Format NVM erases one namespace in every way there is",
	  .requirements = REQS("OCP-11"), .needs = NEED, .limit_s = 3 * ERA_LIMIT_S,
	  .caught_by = DEFECTS("oacs-hides-format", "fna-hides-crypto", "fna-all-namespaces",
			       "user-data-erase-keeps-data"),
	  .run = format_has_every_kind },
	{ .id = "sanitize-kinds", .title = "Sanitize erases in every way there is, and all blocks read 0 then",
	  .requirements = REQS("OCP-12"), .needs = NEED, .limit_s = 3 * ERA_LIMIT_S,
	  .caught_by = DEFECTS("sanicap-zero", "block-erase-keeps-data", "overwrite-keeps-data",
			       "crypto-sanitize-keeps-data"),
	  .run = sanitize_has_every_kind },
	{ .id = "zeroes-deallocate", .title = "Write Zeroes with DEAC = 1 deallocates, and the blocks read 0",
	  .requirements = REQS("OCP-18"), .needs = NEED,
	  .caught_by = DEFECTS("deac-ignored"), .run = zeroes_deallocate },
	{ .id = "compare", .title = "Compare is supported",
	  .requirements = REQS("OCP-18"), .needs = NEED,
	  .caught_by = DEFECTS("oncs-hides-commands"), .run = compare_tells },
	{ .id = "fused", .title = "fused Compare and Write is supported",
	  .requirements = REQS("OCP-18"), .needs = NEED | NVSR_NEED(QUEUES),
	  .caught_by = DEFECTS("fuses-zero"), .run = fused_is_supported },
	{ .id = "deallocated-reads-zero", .title = "deallocated blocks read 0, as DLFEAT says",
	  .requirements = REQS("OCP-19"), .needs = NEED,
	  .caught_by = DEFECTS("dlfeat-wrong-value", "deallocate-does-nothing"), .run = deallocated_reads_zero },
	{ .id = "deallocated-stays-zero", .title = "deallocated blocks read 0 after power was lost",
	  .requirements = REQS("OCP-19"), .needs = NEED | NVSR_NEED(POWER_CYCLE),
	  .caught_by = DEFECTS("deallocate-undone-by-reset"), .run = deallocated_stays_zero },
	{ .id = "commands-are-fast", .title = "admin commands complete within 10 s, I/O commands within 8 s",
	  .requirements = REQS("OCP-20"), .needs = NEED, .limit_s = 120,
	  .caught_by = DEFECTS("attach-slow", "flush-slow"), .run = commands_are_fast },
	{ .id = "erase-is-fast", .title = "crypto erase takes at most 10 s, other erasing at most 10 s per TB",
	  .requirements = REQS("OCP-20"), .needs = NEED, .limit_s = 3 * ERA_LIMIT_S,
	  .caught_by = DEFECTS("user-data-erase-slow", "sanitize-slow"), .run = erase_is_fast },
};

const struct nvsr_group nvsr_ocp_erase = NVSR_GROUP("ocp.erase", tests);
