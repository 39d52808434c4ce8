// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device keeps what its profile claims: one test for each CLAIM of lib/spec/needs.h.  A claimed feature that the
 * device does not report fails here, once; the tests that need the feature skip.  So does a feature that the profile
 * denies and the device reports.
 */
#include "pf.h"

static void compare_claim(struct nvsr_ctx *t, enum nvsr_need_id id, bool has, const char *text)
{
	enum nvsr_claim claimed = t->profile->claims[id];
	char expected[256];

	if (claimed == NVSR_CLAIM_SILENT)
		SKIP(t, "profile is silent (the device %s %s)", has ? "reports" : "does not report", text);
	snprintf(expected, sizeof(expected), "profile %s says %s: %s", t->profile->name, nvsr_needs[id].key,
		 claimed == NVSR_CLAIM_YES ? "yes" : "no");
	CHECK(t, has == (claimed == NVSR_CLAIM_YES), expected, "the device %s %s", has ? "reports" : "does not report", text);
}

/* The report itself, not that the command works: other tests go on with a device that forgot the bit. */
static void virt_mgmt(struct nvsr_ctx *t)
{
	compare_claim(t, NVSR_NEED_ID_VIRT_MGMT, le16_get(t->inv->id.oacs) & NVME_OACS_VIRT_MGMT,
		      "the Virtualization Management command in OACS bit 7");
}

#define CLAIM_BODY(name, need) \
	static void name(struct nvsr_ctx *t) \
	{ \
		compare_claim(t, NVSR_NEED_ID_##need, t->inv->has >> NVSR_NEED_ID_##need & 1, \
			      nvsr_needs[NVSR_NEED_ID_##need].text); \
	}
CLAIM_BODY(sriov, SRIOV)
CLAIM_BODY(two_vfs, TWO_VFS)
CLAIM_BODY(vq, VQ)
CLAIM_BODY(vi, VI)
CLAIM_BODY(ns_mgmt, NS_MGMT)
CLAIM_BODY(ns_changed, NS_CHANGED)
CLAIM_BODY(compare, COMPARE)
CLAIM_BODY(dsm, DSM)
CLAIM_BODY(write_zeroes, WRITE_ZEROES)
CLAIM_BODY(nswp, NSWP)
CLAIM_BODY(thin, THIN)
CLAIM_BODY(ns_granules, NS_GRANULES)
CLAIM_BODY(attach_limit, ATTACH_LIMIT)
CLAIM_BODY(nssr, NSSR)
CLAIM_BODY(reservations, RESERVATIONS)
CLAIM_BODY(ptpl, PTPL)
CLAIM_BODY(format, FORMAT)
CLAIM_BODY(crypto, CRYPTO)
CLAIM_BODY(sanitize, SANITIZE)
CLAIM_BODY(fused, FUSED)
CLAIM_BODY(copy, COPY)
CLAIM_BODY(verify, VERIFY)
CLAIM_BODY(dulbe, DULBE)
CLAIM_BODY(migration, MIGRATION)
CLAIM_BODY(dbbuf, DBBUF)
CLAIM_BODY(sgl, SGL)

static const struct nvsr_test tests[] = {
	{ .id = "sriov", .title = "SR-IOV is there if and only if the profile claims it",
	  .requirements = REQS("PCIE-01"), .needs = NVSR_NEED(CFG_READ),
	  .caught_by = DEFECTS("sriov-missing"), .run = sriov },
	{ .id = "two-vfs", .title = "two VFs are there if and only if the profile claims them",
	  .requirements = REQS("PCIE-13"), .needs = NVSR_NEED(CFG_READ),
	  .caught_by = DEFECTS("sriov-missing"), .run = two_vfs },
	{ .id = "virt-mgmt", .title = "Virtualization Management is reported if and only if the profile claims it",
	  .requirements = REQS("VIRT-01", "VIRT-02"),
	  .caught_by = DEFECTS("oacs-hides-virt-mgmt"), .run = virt_mgmt },
	{ .id = "vq-resources", .title = "flexible VQ resources are reported if and only if the profile claims them",
	  .requirements = REQS("VIRT-02", "VIRT-07"),
	  .caught_by = DEFECTS("crt-hides-vq"), .run = vq },
	{ .id = "vi-resources", .title = "flexible VI resources are reported if and only if the profile claims them",
	  .requirements = REQS("VIRT-02", "VIRT-07"),
	  .caught_by = DEFECTS("crt-hides-vi"), .run = vi },
	{ .id = "ns-mgmt", .title = "Namespace Management is reported if and only if the profile claims it",
	  .requirements = REQS("NSM-01"),
	  .caught_by = DEFECTS("oacs-hides-ns-mgmt"), .run = ns_mgmt },
	{ .id = "ns-changed-aen", .title = "Namespace Attribute Notices are reported if and only if the profile claims them",
	  .requirements = REQS("NSM-47"),
	  .caught_by = DEFECTS("oaes-hides-ns-changed"), .run = ns_changed },
	{ .id = "compare", .title = "Compare is reported if and only if the profile claims it",
	  .requirements = REQS("OCP-18"),
	  .caught_by = DEFECTS("oncs-hides-commands"), .run = compare },
	{ .id = "dsm", .title = "Dataset Management is reported if and only if the profile claims it",
	  .requirements = REQS("OCP-19"),
	  .caught_by = DEFECTS("oncs-hides-commands"), .run = dsm },
	{ .id = "write-zeroes", .title = "Write Zeroes is reported if and only if the profile claims it",
	  .requirements = REQS("OCP-18"),
	  .caught_by = DEFECTS("oncs-hides-commands"), .run = write_zeroes },
	{ .id = "write-protect", .title = "namespace write protection is reported if and only if the profile claims it",
	  .requirements = REQS("NSM-31"),
	  .caught_by = DEFECTS("nwpc-reads-zero"), .run = nswp },
	{ .id = "thin", .title = "thin provisioning is reported if and only if the profile claims it",
	  .requirements = REQS("NSM-23"),
	  .caught_by = DEFECTS("nsfeat-thin-inverted"), .run = thin },
	{ .id = "ns-granularity", .title = "the Namespace Granularity List is reported if and only if the profile claims it",
	  .requirements = REQS("OCP-16"),
	  .caught_by = DEFECTS("ctratt-granularity-inverted"), .run = ns_granules },
	{ .id = "attach-limit", .title = "a limit of attachments is reported if and only if the profile claims it",
	  .requirements = REQS("NSM-40"),
	  .caught_by = DEFECTS("attach-limit-inverted"), .run = attach_limit },
	{ .id = "nssr", .title = "NVM Subsystem Reset is reported if and only if the profile claims it",
	  .requirements = REQS("ISO-06"), .needs = NVSR_NEED(REG_READ),
	  .caught_by = DEFECTS("cap-nssrs-inverted"), .run = nssr },
	{ .id = "reservations", .title = "reservations are reported if and only if the profile claims them",
	  .requirements = REQS("RSV-01"),
	  .caught_by = DEFECTS("oncs-hides-reservations"), .run = reservations },
	{ .id = "ptpl", .title = "persistence of reservations through power loss is reported if and only if the profile claims it",
	  .requirements = REQS("RSV-02", "RSV-32"),
	  .caught_by = DEFECTS("rescap-hides-ptpl"), .run = ptpl },
	{ .id = "format", .title = "Format NVM is reported if and only if the profile claims it",
	  .requirements = REQS("ERA-06"),
	  .caught_by = DEFECTS("oacs-hides-format"), .run = format },
	{ .id = "crypto-erase", .title = "Cryptographic Erase is reported if and only if the profile claims it",
	  .requirements = REQS("ERA-07"),
	  .caught_by = DEFECTS("fna-hides-crypto"), .run = crypto },
	{ .id = "sanitize", .title = "Sanitize is reported if and only if the profile claims it",
	  .requirements = REQS("ERA-14"),
	  .caught_by = DEFECTS("sanicap-zero"), .run = sanitize },
	{ .id = "fused", .title = "fused Compare and Write is reported if and only if the profile claims it",
	  .requirements = REQS("SHR-06"),
	  .caught_by = DEFECTS("fuses-zero"), .run = fused },
	{ .id = "copy", .title = "Copy is reported if and only if the profile claims it",
	  .requirements = REQS("ISO-21"),
	  .caught_by = DEFECTS("oncs-hides-copy"), .run = copy },
	{ .id = "verify", .title = "Verify is reported if and only if the profile claims it",
	  .requirements = REQS("ISO-20"),
	  .caught_by = DEFECTS("oncs-hides-verify"), .run = verify },
	{ .id = "dulbe", .title = "DULBE is reported if and only if the profile claims it",
	  .requirements = REQS("ERA-03"),
	  .caught_by = DEFECTS("nsfeat-hides-dulbe"), .run = dulbe },
	{ .id = "live-migration", .title = "live migration is reported if and only if the profile claims it",
	  .requirements = REQS("N21-01"),
	  .caught_by = DEFECTS("oacs-hides-migration"), .run = migration },
	{ .id = "dbbuf", .title = "Doorbell Buffer Config is reported if and only if the profile claims it",
	  .requirements = REQS("N21-15"),
	  .caught_by = DEFECTS("oacs-hides-dbbuf"), .run = dbbuf },
	{ .id = "sgl", .title = "SGLs are reported if and only if the profile claims them",
	  .requirements = REQS("PCIE-44"),
	  .caught_by = DEFECTS("sgls-zero"), .run = sgl },
};
const struct nvsr_group nvsr_pf_claims = NVSR_GROUP("pf.claims", tests);
