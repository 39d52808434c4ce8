// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sharing.coherency: what one controller writes, zeroes, deallocates or formats is what every other one sees from the
 * completion on.  NVM Command Set 1.0 2.1.4; with the volatile write cache on and off, Base 2.0 5.27.1.4.
 */
#include "suites/data.h"

#define ROUNDS 8u
#define SPAN DAT_MAX_NLB	/* blocks of a round */

/* --- volatile write cache ----------------------------------------------------------------------------------------- */

/* Switch the cache of both controllers; false when there is none to switch. */
static bool set_cache(struct nvsr_ctx *t, struct nvsr_dev *a, struct nvsr_dev *b, bool on)
{
	struct nvsr_dev *const d[] = { a, b };

	if (!(t->inv->id.vwc & NVME_VWC_PRESENT))
		return false;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(d); i++) {
		int rc = nvsr_set_feature(d[i], NVME_FEAT_VWC, 0, on, NULL, 0, NULL);

		if (rc)
			nvsr_note(t, "%s: volatile write cache %s: %s", nvsr_dev_name(d[i]), on ? "on" : "off",
				  nvsr_rc_text(rc));
	}
	return true;
}

/* --- writes ------------------------------------------------------------------------------------------------------- */

/* The reader reads first, so that it may have a copy of its own to be wrong about. */
static void follow(struct nvsr_ctx *t, const struct dat_ns *ns, struct nvsr_dev *writer, struct nvsr_dev *reader,
		   unsigned tag)
{
	_cleanup_free_ uint8_t *buf = malloc((size_t)SPAN * ns->bs);
	unsigned stale = 0, other = 0;

	if (!buf)
		BROKEN(t, "no memory");
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t slba = i % 2 * SPAN;	/* each block is written again two rounds later */
		unsigned nlb = dat_chunk(ns);

		MUST_OK(t, "Read before", dat_read(reader, ns, slba, nlb, buf));
		MUST_OK(t, "Write", dat_write(writer, ns, slba, nlb, tag + i));
		MUST_OK(t, "Read after", dat_read(reader, ns, slba, nlb, buf));
		stale += i > 1 && dat_holds(buf, ns, slba, nlb, tag + i - 2);
		other += !dat_holds(buf, ns, slba, nlb, tag + i);
	}
	CHECK(t, !other, "a Read returns what another controller's completed Write wrote",
	      "%s after Writes on %s: %u of %u Reads with other data, %u of them with the data before",
	      nvsr_dev_name(reader), nvsr_dev_name(writer), other, ROUNDS, stale);
}

static void with_and_without_cache(struct nvsr_ctx *t, const struct dat_ns *ns, struct nvsr_dev *writer,
				   struct nvsr_dev *reader)
{
	if (!dat_attach(t, ns, writer) || !dat_attach(t, ns, reader))
		return;
	if (!set_cache(t, writer, reader, false))
		nvsr_note(t, "no volatile write cache");
	follow(t, ns, writer, reader, 10);
	if (set_cache(t, writer, reader, true))
		follow(t, ns, writer, reader, 30);
}

static void vf_reads_what_the_pf_wrote(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct dat_ns ns;

	if (vf && dat_ns(t, true, &ns))
		with_and_without_cache(t, &ns, t->pf, vf);
}

static void pf_reads_what_a_vf_wrote(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	struct dat_ns ns;

	if (vf && dat_ns(t, true, &ns))
		with_and_without_cache(t, &ns, vf, t->pf);
}

static void vf_reads_what_a_vf_wrote(struct nvsr_ctx *t)
{
	struct nvsr_dev *a, *b;
	struct dat_ns ns;

	if (dat_two_vfs(t, &a, &b) && dat_ns(t, true, &ns))
		with_and_without_cache(t, &ns, a, b);
}

/* A Compare is a read as well: of the same data, by another way through the device. */
static void compare_sees_writes(struct nvsr_ctx *t)
{
	_cleanup_free_ uint8_t *buf = NULL;
	struct dat_shared s;
	unsigned nlb, i;

	if (!dat_shared(t, &s))
		return;
	nlb = dat_chunk(&s.ns);
	buf = malloc((size_t)nlb * s.ns.bs);
	if (!buf)
		BROKEN(t, "no memory");
	for (i = 0; i < DAT_CTRLS; i++) {
		struct nvsr_dev *writer = s.on[i], *other = s.on[(i + 1) % DAT_CTRLS];
		struct nvsr_cmd c = { .opcode = NVME_CMD_COMPARE, .nsid = s.ns.nsid, .cdw12 = nlb - 1, .data = buf,
				      .data_len = nlb * s.ns.bs };

		MUST_OK(t, "Read before", dat_read(other, &s.ns, 0, nlb, buf));
		MUST_OK(t, "Write", dat_write(writer, &s.ns, 0, nlb, 50 + i));
		dat_fill(buf, &s.ns, 0, nlb, 50 + i);
		CHECK_OK(t, "Compare with what another controller wrote", nvsr_io(other, &c));
		dat_fill(buf, &s.ns, 0, nlb, 49 + i);
		CHECK_STATUS(t, "Compare with what was there before", NVME_SC_COMPARE_FAILED, nvsr_io(other, &c));
	}
}

/* Without a volatile write cache a completed Write is on the media: a reset of its controller cannot take it away. */
static void writes_outlive_their_controller(struct nvsr_ctx *t)
{
	struct dat_shared s;

	if (!dat_shared(t, &s))
		return;
	set_cache(t, t->pf, s.on[1], false);
	if (!dat_sweep_write(t, s.on[1], &s.ns, 70))
		return;
	PREPARE(t, "Controller Reset of VF 1", nvsr_reset(s.on[1], NVSR_RESET_CTRL));
	dat_check_kept(t, s.on[2], &s.ns, 70, "after Controller Reset of the writer");
	dat_check_kept(t, s.on[1], &s.ns, 70, "after its own Controller Reset");
}

/* --- Write Zeroes and Deallocate ---------------------------------------------------------------------------------- */

static void write_zeroes_is_seen(struct nvsr_ctx *t)
{
	_cleanup_free_ uint8_t *buf = NULL;
	struct dat_shared s;
	unsigned nlb;

	if (!dat_shared(t, &s))
		return;
	nlb = dat_chunk(&s.ns);
	buf = malloc((size_t)nlb * s.ns.bs);
	if (!buf)
		BROKEN(t, "no memory");
	for (unsigned i = 0; i < DAT_CTRLS; i++) {
		MUST_OK(t, "Write", dat_write(s.on[(i + 1) % DAT_CTRLS], &s.ns, 0, nlb, 80 + i));
		for (unsigned j = 0; j < DAT_CTRLS; j++)
			MUST_OK(t, "Read before", dat_read(s.on[j], &s.ns, 0, nlb, buf));
		MUST_OK(t, "Write Zeroes", dat_write_zeroes(s.on[i], &s.ns, 0, nlb));
		for (unsigned j = 0; j < DAT_CTRLS; j++) {
			MUST_OK(t, "Read after", dat_read(s.on[j], &s.ns, 0, nlb, buf));
			CHECK(t, dat_all(buf, (size_t)nlb * s.ns.bs, 0), "every controller reads zeroes",
			      "%s reads %s after Write Zeroes on %s", nvsr_dev_name(s.on[j]),
			      dat_traces(buf, (size_t)nlb * s.ns.bs, 80 + i) ? "the old data" : "something else",
			      nvsr_dev_name(s.on[i]));
		}
	}
}

/* Deallocate is a request: what it leaves is the device's choice, but one choice for all controllers. */
static void deallocate_is_seen(struct nvsr_ctx *t)
{
	_cleanup_free_ uint8_t *own = NULL, *seen = NULL;
	struct dat_shared s;
	unsigned nlb, len;

	if (!dat_shared(t, &s))
		return;
	nlb = dat_chunk(&s.ns);
	len = nlb * s.ns.bs;
	own = malloc(len);
	seen = malloc(len);
	if (!own || !seen)
		BROKEN(t, "no memory");
	for (unsigned i = 0; i < DAT_CTRLS; i++) {
		MUST_OK(t, "Write", dat_write(s.on[(i + 1) % DAT_CTRLS], &s.ns, 0, nlb, 90 + i));
		for (unsigned j = 0; j < DAT_CTRLS; j++)
			MUST_OK(t, "Read before", dat_read(s.on[j], &s.ns, 0, nlb, own));
		MUST_OK(t, "Deallocate", dat_deallocate(s.on[i], &s.ns, 0, nlb));
		MUST_OK(t, "Read by the same controller", dat_read(s.on[i], &s.ns, 0, nlb, own));
		for (unsigned j = 0; j < DAT_CTRLS; j++) {
			MUST_OK(t, "Read after", dat_read(s.on[j], &s.ns, 0, nlb, seen));
			CHECK(t, !memcmp(own, seen, len), "every controller reads the same from deallocated blocks",
			      "%s reads something else than %s, which deallocated them", nvsr_dev_name(s.on[j]),
			      nvsr_dev_name(s.on[i]));
		}
	}
}

/* --- size and use of the namespace -------------------------------------------------------------------------------- */

/* All controllers tell the same NSZE, NCAP, NUSE, FLBAS; the answer of the first one in *ret. */
static bool check_sizes(struct nvsr_ctx *t, const struct dat_shared *s, const char *when, struct nvme_id_ns *ret)
{
	bool same = true;

	for (unsigned i = 0; i < DAT_CTRLS; i++) {
		struct nvme_id_ns id;

		if (!CHECK_OK(t, "Identify Namespace", nvsr_identify(s->on[i], NVME_CNS_NS, s->ns.nsid, 0, &id)))
			return false;
		if (!i)
			*ret = id;
		same &= CHECK(t, le64_get(id.nsze) == le64_get(ret->nsze) && le64_get(id.ncap) == le64_get(ret->ncap) &&
			      le64_get(id.nuse) == le64_get(ret->nuse) && id.flbas == ret->flbas,
			      "NSZE, NCAP, NUSE and FLBAS are those of the namespace, on every controller",
			      "%s: %llu, %llu, %llu, %02xh on %s; %llu, %llu, %llu, %02xh on the PF", when,
			      (unsigned long long)le64_get(id.nsze), (unsigned long long)le64_get(id.ncap),
			      (unsigned long long)le64_get(id.nuse), id.flbas, nvsr_dev_name(s->on[i]),
			      (unsigned long long)le64_get(ret->nsze), (unsigned long long)le64_get(ret->ncap),
			      (unsigned long long)le64_get(ret->nuse), ret->flbas);
	}
	return same;
}

static void use_is_seen(struct nvsr_ctx *t)
{
	uint64_t nuse[3];
	struct nvme_id_ns id;
	struct dat_shared s;

	if (!dat_shared(t, &s) || !check_sizes(t, &s, "new", &id))
		return;
	nuse[0] = le64_get(id.nuse);
	if (!dat_sweep_write(t, s.on[1], &s.ns, 100) || !check_sizes(t, &s, "written through VF 1", &id))
		return;
	nuse[1] = le64_get(id.nuse);
	MUST_OK(t, "Deallocate", dat_deallocate(s.on[2], &s.ns, 0, (unsigned)NVSR_MIN(s.ns.blocks, DAT_SWEEP_BLOCKS)));
	if (!check_sizes(t, &s, "deallocated through VF 2", &id))
		return;
	nuse[2] = le64_get(id.nuse);
	nvsr_note(t, "NUSE of %llu blocks: new %llu, written %llu, deallocated %llu", (unsigned long long)s.ns.blocks,
		  (unsigned long long)nuse[0], (unsigned long long)nuse[1], (unsigned long long)nuse[2]);
}

/* Another LBA format without metadata, or -1. */
static int other_format(const struct nvme_id_ns *id)
{
	unsigned now = NVME_FLBAS_INDEX(id->flbas);

	for (unsigned i = 0; i <= id->nlbaf && i < 16; i++)
		if (id->lbaf[i].lbads >= 9 && id->lbaf[i].lbads <= 16 && !le16_get(id->lbaf[i].ms) &&
		    id->lbaf[i].lbads != id->lbaf[now].lbads)
			return (int)i;
	return -1;
}

static int format(struct nvsr_dev *d, uint32_t nsid, unsigned lbaf)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_FORMAT, .nsid = nsid, .cdw10 = NVME_FORMAT_CDW10(lbaf, NVME_SES_NONE),
			      .timeout_ms = 600000 };

	return nvsr_admin(d, &c);
}

/* The VFs are told nothing and are not reset: the next Identify and the next command go by the new format. */
static void format_is_seen(struct nvsr_ctx *t)
{
	struct nvme_id_ns before, after;
	struct dat_shared s;
	int lbaf;

	if (!dat_shared(t, &s) || !check_sizes(t, &s, "new", &before))
		return;
	lbaf = other_format(&before);
	if (lbaf < 0)
		SKIP(t, "one LBA data size only");
	MUST_OK(t, "Format NVM through the PF", format(t->pf, s.ns.nsid, (unsigned)lbaf));
	if (!check_sizes(t, &s, "formatted through the PF", &after))
		return;
	MUST_EQ(t, "FLBAS index", (uint64_t)lbaf, NVME_FLBAS_INDEX(after.flbas));
	if (!dat_ns_read(t, s.on[2], &s.ns) || !dat_sweep_write(t, s.on[1], &s.ns, 110))
		return;
	dat_check_kept(t, s.on[2], &s.ns, 110, "with the new format");
	dat_check_kept(t, t->pf, &s.ns, 110, "with the new format");
	CHECK_OK(t, "Format NVM back", format(t->pf, s.ns.nsid, NVME_FLBAS_INDEX(before.flbas)));
	check_sizes(t, &s, "formatted back", &after);
}

static const struct nvsr_test tests[] = {
	{ .id = "vf-reads-what-the-pf-wrote", .title = "a VF reads what the PF wrote, with and without write cache",
	  .requirements = REQS("SHR-01"), .needs = DAT_NEED_VF, .caught_by = DEFECTS("write-visible-late"),
	  .run = vf_reads_what_the_pf_wrote },
	{ .id = "pf-reads-what-a-vf-wrote", .title = "the PF reads what a VF wrote, with and without write cache",
	  .requirements = REQS("SHR-01"), .needs = DAT_NEED_VF, .caught_by = DEFECTS("write-visible-late"),
	  .run = pf_reads_what_a_vf_wrote },
	{ .id = "vf-reads-what-a-vf-wrote", .title = "a VF reads what another VF wrote, with and without write cache",
	  .requirements = REQS("SHR-01"), .needs = DAT_NEED_VFS,
	  .caught_by = DEFECTS("write-visible-late"), .run = vf_reads_what_a_vf_wrote },
	{ .id = "compare-sees-writes", .title = "Compare on one controller is with what another one wrote",
	  .requirements = REQS("SHR-01"), .needs = DAT_NEED_VFS | NVSR_NEED(COMPARE),
	  .caught_by = DEFECTS("compare-visible-late"), .run = compare_sees_writes },
	{ .id = "writes-outlive-their-controller", .title = "a Controller Reset loses no Write that completed before",
	  .requirements = REQS("SHR-01"), .needs = DAT_NEED_VFS | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("vf-reset-loses-writes"), .run = writes_outlive_their_controller },
	{ .id = "write-zeroes-is-seen", .title = "Write Zeroes on one controller is seen by all",
	  .requirements = REQS("SHR-11"), .needs = DAT_NEED_VFS | NVSR_NEED(WRITE_ZEROES),
	  .caught_by = DEFECTS("zeroes-visible-late"), .run = write_zeroes_is_seen },
	{ .id = "deallocate-is-seen", .title = "deallocated blocks read alike on every controller",
	  .requirements = REQS("SHR-11"), .needs = DAT_NEED_VFS | NVSR_NEED(DSM),
	  .caught_by = DEFECTS("deallocate-visible-late"), .run = deallocate_is_seen },
	{ .id = "use-is-seen", .title = "NSZE, NCAP and NUSE are one per namespace while VFs write and deallocate",
	  .requirements = REQS("SHR-15"), .needs = DAT_NEED_VFS | NVSR_NEED(DSM),
	  .caught_by = DEFECTS("nuse-differs", "shared-size-differs"),
	  .run = use_is_seen },
	{ .id = "format-is-seen", .title = "VFs see a new LBA format and size at once, without a reset",
	  .requirements = REQS("SHR-15"), .needs = DAT_NEED_VFS | NVSR_NEED(FORMAT),
	  .caught_by = DEFECTS("vf-keeps-old-format"), .run = format_is_seen },
};

const struct nvsr_group nvsr_sharing_coherency = NVSR_GROUP("sharing.coherency", tests);
