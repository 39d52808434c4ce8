// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.shared: one namespace behind one NSID, its identity, and what several controllers see of it.  Base 2.0 3.2.1. */
#include "common.h"

/* --- the same namespace on several controllers ------------------------------------------------------------------ */

static bool attach_to(struct nvsr_ctx *t, uint32_t nsid, struct nvsr_dev *d)
{
	int id = nsm_cntlid(t, d);
	char what[64];

	snprintf(what, sizeof(what), "attach to %s", nvsr_dev_name(d));
	return id >= 0 && CHECK_OK(t, what, nvsr_ns_attach(t->pf, nsid, (uint16_t)id));
}

static void check_same(struct nvsr_ctx *t, uint32_t nsid, struct nvsr_dev *a, struct nvsr_dev *b)
{
	uint8_t desc_a[NVME_IDENTIFY_SIZE], desc_b[NVME_IDENTIFY_SIZE];
	struct nvme_id_ns x, y;

	MUST_OK(t, "CNS 00h on the first controller", nvsr_identify(a, NVME_CNS_NS, nsid, 0, &x));
	MUST_OK(t, "CNS 00h on the second controller", nvsr_identify(b, NVME_CNS_NS, nsid, 0, &y));
	MUST_OK(t, "CNS 03h on the first controller", nvsr_identify(a, NVME_CNS_NS_DESC, nsid, 0, desc_a));
	MUST_OK(t, "CNS 03h on the second controller", nvsr_identify(b, NVME_CNS_NS_DESC, nsid, 0, desc_b));
	CHECK_EQ(t, "NSZE on the second controller", le64_get(x.nsze), le64_get(y.nsze));
	CHECK_EQ(t, "NCAP on the second controller", le64_get(x.ncap), le64_get(y.ncap));
	CHECK_EQ(t, "FLBAS on the second controller", x.flbas, y.flbas);
	CHECK_EQ(t, "NMIC on the second controller", x.nmic, y.nmic);
	CHECK(t, x.nlbaf == y.nlbaf && !memcmp(x.lbaf, y.lbaf, sizeof(x.lbaf)), "the same LBA formats", "they differ");
	CHECK(t, !memcmp(x.nguid, y.nguid, sizeof(x.nguid)), "the same NGUID", "they differ");
	CHECK(t, !memcmp(x.eui64, y.eui64, sizeof(x.eui64)), "the same EUI64", "they differ");
	CHECK(t, !memcmp(desc_a, desc_b, sizeof(desc_a)), "the same identification descriptors", "they differ");
}

static void pf_and_vf_see_one_namespace(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nvsr_t_ns(t, 1, true) : 0;

	if (nsid && attach_to(t, nsid, t->pf) && attach_to(t, nsid, vf))
		check_same(t, nsid, t->pf, vf);
}

static void two_vfs_see_one_namespace(struct nvsr_ctx *t)
{
	struct nvsr_dev *one = nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 1) : NULL, *two = one ? nvsr_t_vf(t, 2) : NULL;
	uint32_t nsid = two ? nvsr_t_ns(t, 1, true) : 0;

	if (nsid && attach_to(t, nsid, one) && attach_to(t, nsid, two))
		check_same(t, nsid, one, two);
}

/* --- data ------------------------------------------------------------------------------------------------------- */

static void data_is_shared(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t nsid = vf ? nvsr_t_ns(t, 1, true) : 0;
	unsigned bs = nsm_block_bytes(t);
	_cleanup_free_ uint8_t *buf = malloc(bs);

	if (!buf || !nsid || !attach_to(t, nsid, t->pf) || !attach_to(t, nsid, vf))
		return;
	nsm_pattern(buf, bs, 1);
	MUST_OK(t, "Write on the VF", nvsr_rw(vf, true, nsid, 5, 1, buf, bs));
	memset(buf, 0, bs);
	MUST_OK(t, "Read on the PF", nvsr_rw(t->pf, false, nsid, 5, 1, buf, bs));
	CHECK(t, nsm_holds_pattern(buf, bs, 1), "the PF reads what the VF wrote to the NSID", "other data");
	nsm_pattern(buf, bs, 2);
	MUST_OK(t, "Write on the PF", nvsr_rw(t->pf, true, nsid, 6, 1, buf, bs));
	memset(buf, 0, bs);
	MUST_OK(t, "Read on the VF", nvsr_rw(vf, false, nsid, 6, 1, buf, bs));
	CHECK(t, nsm_holds_pattern(buf, bs, 2), "the VF reads what the PF wrote to the NSID", "other data");
}

static void private_namespaces_are_apart(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t a = vf ? nvsr_t_ns(t, 1, false) : 0, b = a ? nvsr_t_ns(t, 1, false) : 0;
	unsigned bs = nsm_block_bytes(t);
	_cleanup_free_ uint8_t *buf = malloc(bs);

	if (!buf || !b || !attach_to(t, a, t->pf) || !attach_to(t, b, vf))
		return;
	CHECK(t, a != b, "two namespaces have two NSIDs", "both are %u", a);
	CHECK_LISTED(t, t->pf, NVME_CNS_ACTIVE_NS, b, false);
	CHECK_LISTED(t, vf, NVME_CNS_ACTIVE_NS, a, false);
	nsm_pattern(buf, bs, 3);
	MUST_OK(t, "Write on the PF", nvsr_rw(t->pf, true, a, 0, 1, buf, bs));
	nsm_pattern(buf, bs, 4);
	MUST_OK(t, "Write on the VF", nvsr_rw(vf, true, b, 0, 1, buf, bs));
	MUST_OK(t, "Read on the PF", nvsr_rw(t->pf, false, a, 0, 1, buf, bs));
	CHECK(t, nsm_holds_pattern(buf, bs, 3), "the PF's namespace keeps its data", "other data");
}

/* --- identity --------------------------------------------------------------------------------------------------- */

struct ids { uint8_t nguid[16], eui64[8]; bool reuse_excluded; };

static bool read_ids(struct nvsr_ctx *t, uint32_t nsid, struct ids *ret)
{
	struct nvme_id_ns ns;

	if (!CHECK_OK(t, "CNS 11h", nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &ns)))
		return false;
	memcpy(ret->nguid, ns.nguid, sizeof(ret->nguid));
	memcpy(ret->eui64, ns.eui64, sizeof(ret->eui64));
	ret->reuse_excluded = ns.nsfeat & NVME_NSFEAT_UIDREUSE;
	return true;
}

static void check_ids(struct nvsr_ctx *t, uint32_t nsid, const struct ids *first, const char *when)
{
	struct ids now;

	if (!read_ids(t, nsid, &now))
		return;
	CHECK(t, !memcmp(first->nguid, now.nguid, sizeof(now.nguid)), "NGUID never changes", "it changed %s", when);
	CHECK(t, !memcmp(first->eui64, now.eui64, sizeof(now.eui64)), "EUI64 never changes", "it changed %s", when);
}

static void ids_are_fixed(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true);
	struct ids first;

	if (!nsid || !read_ids(t, nsid, &first))
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	check_ids(t, nsid, &first, "at attach");
	PREPARE(t, "Controller Reset", nvsr_reset(t->pf, NVSR_RESET_CTRL));
	check_ids(t, nsid, &first, "at Controller Reset");
	MUST_OK(t, "detach from the PF", nvsr_ns_detach(t->pf, nsid, nvsr_t_pcid(t)));
	check_ids(t, nsid, &first, "at detach");
}

#define CYCLES 100u

static void ids_are_not_reused(struct nvsr_ctx *t)
{
	_cleanup_free_ struct ids *ids = calloc(CYCLES, sizeof(*ids));
	unsigned i, j;

	if (!ids)
		BROKEN(t, "no memory");
	for (i = 0; i < CYCLES; i++) {
		uint32_t nsid = nsm_create(t, 1, false);

		if (!nsid || !read_ids(t, nsid, &ids[i]))
			return;
		MUST_OK(t, "delete", nvsr_ns_delete(t->pf, nsid));
		if (!ids[i].reuse_excluded)
			SKIP(t, "NSFEAT bit 3 is 0: identifiers may be reused");
		for (j = 0; j < i; j++) {
			if (!nsm_is_zero(ids[i].nguid, sizeof(ids[i].nguid)))
				MUST(t, memcmp(ids[i].nguid, ids[j].nguid, sizeof(ids[i].nguid)),
				     "no namespace gets the NGUID of a deleted one", "creation %u repeats creation %u",
				     i + 1, j + 1);
			if (!nsm_is_zero(ids[i].eui64, sizeof(ids[i].eui64)))
				MUST(t, memcmp(ids[i].eui64, ids[j].eui64, sizeof(ids[i].eui64)),
				     "no namespace gets the EUI64 of a deleted one", "creation %u repeats creation %u",
				     i + 1, j + 1);
		}
	}
}

#define DATA NVSR_NEED(IO)
static const struct nvsr_test tests[] = {
	{ .id = "pf-and-vf-see-one-namespace", .title = "PF and VF report the same identity of a shared namespace",
	  .requirements = REQS("NSM-45"), .needs = NSM_NEED_VF,

	  .caught_by = DEFECTS("nguid-differs-per-controller", "shared-size-differs"), .run = pf_and_vf_see_one_namespace },
	{ .id = "two-vfs-see-one-namespace", .title = "two VFs report the same identity of a shared namespace",
	  .requirements = REQS("NSM-45"), .needs = NSM_NEED_VF | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("nguid-differs-per-controller"), .run = two_vfs_see_one_namespace },
	{ .id = "data-is-shared", .title = "the same NSID on PF and VF is the same data", .requirements = REQS("NSM-08"),
	  .needs = NSM_NEED_VF | DATA, .caught_by = DEFECTS("vf-io-hits-other-namespace"), .run = data_is_shared },
	{ .id = "private-namespaces-are-apart", .title = "private namespaces of PF and VF have their own NSIDs and data",
	  .requirements = REQS("NSM-08"), .needs = NSM_NEED_VF | DATA, .caught_by = DEFECTS("vf-io-hits-other-namespace"),
	  .run = private_namespaces_are_apart },
	{ .id = "ids-are-fixed",
	  .title = "NGUID and EUI64 stay over attach, reset and detach", .requirements = REQS("NSM-46"),
	  .needs = NSM_NEED | NVSR_NEED(CTRL_RESET), .caught_by = DEFECTS("nguid-changes-at-attach"),
	  .run = ids_are_fixed },
	{ .id = "ids-are-not-reused", .title = "NGUID and EUI64 are not reused where UIDREUSE says so",
	  .requirements = REQS("NSM-46"), .needs = NSM_NEED, .limit_s = 300,
	  .caught_by = DEFECTS("nguid-reused"),
	  .run = ids_are_not_reused },
};

const struct nvsr_group nvsr_namespace_shared = NVSR_GROUP("namespace.shared", tests);
