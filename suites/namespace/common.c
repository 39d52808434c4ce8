// SPDX-License-Identifier: GPL-2.0-or-later
/* What the groups of the namespace suite share. */
#include "common.h"

#define NSM_LIST_MAX 8192

int nsm_create_raw(struct nvsr_dev *d, const struct nvme_id_ns *host, uint8_t csi, uint32_t *ret_nsid)
{
	struct nvme_id_ns copy = *host;
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_NS_MGMT, .cdw10 = NVME_NS_MGMT_CREATE, .cdw11 = (uint32_t)csi << 24,
		.data = &copy, .data_len = sizeof(copy),
	};
	int rc = nvsr_admin(d, &c);

	if (!rc)
		*ret_nsid = c.dw0;
	return rc;
}

void nsm_host_fields(struct nvme_id_ns *host, uint64_t blocks, bool shared)
{
	memset(host, 0, sizeof(*host));
	host->nsze = le64(blocks);
	host->ncap = le64(blocks);
	host->nmic = shared ? NVME_NMIC_SHARED : 0;
}

unsigned nsm_block_bytes(struct nvsr_ctx *t)
{
	struct nvme_id_ns ns;
	int rc = nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &ns);
	uint32_t bytes = rc ? 0 : nvme_lbaf_bytes(&ns.lbaf[0]);

	return bytes ? bytes : 512;	/* a device without common capabilities: guess */
}

uint64_t nsm_blocks(struct nvsr_ctx *t, unsigned mib)
{
	return ((uint64_t)mib << 20) / nsm_block_bytes(t);
}

/* Why a device cannot create a namespace now, for a skip; NULL when @rc is an outcome to judge. */
static const char *no_create(int rc)
{
	switch (rc) {
	case NVME_SC_INVALID_OPCODE:
		return "Namespace Management is not implemented (namespace.identify judges the claim)";
	case NVME_SC_NS_INSUFFICIENT_CAP:
		return "no unallocated capacity for a namespace";
	case NVME_SC_NSID_UNAVAILABLE:
		return "the device has as many namespaces as it supports";
	default:
		return NULL;
	}
}

/* Create.  Where the device cannot, @why_not tells; any other failure is recorded.  0 when there is no namespace. */
static uint32_t create(struct nvsr_ctx *t, unsigned mib, bool shared, const char **why_not)
{
	struct nvme_id_ns host;
	uint32_t nsid = 0;
	int rc;

	nsm_host_fields(&host, nsm_blocks(t, mib), shared);
	rc = nsm_create_raw(t->pf, &host, 0, &nsid);
	*why_not = no_create(rc);
	if (*why_not)
		return 0;
	if (nvsr_check(t, __FILE__, __LINE__, !rc, "Namespace Management create succeeds", "%s", nvsr_rc_text(rc)) &&
	    nvsr_check(t, __FILE__, __LINE__, nsid && nsid <= le32_get(t->inv->id.nn),
		       "create returns a NSID of 1 to NN", "DW0 = %xh", nsid))
		return nsid;
	return 0;
}

uint32_t nsm_create(struct nvsr_ctx *t, unsigned mib, bool shared)
{
	const char *why_not;
	uint32_t nsid = create(t, mib, shared, &why_not);

	if (why_not)
		nvsr_test_skip(t, "%s", why_not);
	return nsid;
}

bool nsm_can_create(struct nvsr_ctx *t)
{
	uint32_t nsid = nsm_create(t, 1, false);

	if (nsid && nvsr_ns_delete(t->pf, nsid)) {
		nvsr_test_broken(t, __FILE__, __LINE__, "a new namespace cannot be deleted");
		return false;
	}
	return nsid != 0;
}

uint32_t nsm_unallocated(struct nvsr_ctx *t)
{
	bool ns_mgmt = le16_get(t->inv->id.oacs) & NVME_OACS_NS_MGMT;
	_cleanup_free_ uint32_t *list = calloc(NSM_LIST_MAX, sizeof(*list));
	unsigned n = 0, i;
	uint32_t nsid = 1;
	int rc;

	if (!list) {
		nvsr_test_broken(t, __FILE__, __LINE__, "no memory");
		return 0;
	}
	rc = nvsr_ns_list(t->pf, ns_mgmt ? NVME_CNS_ALLOCATED_NS : NVME_CNS_ACTIVE_NS, list, NSM_LIST_MAX, &n);
	if (rc) {
		nvsr_test_broken(t, __FILE__, __LINE__, "namespace list: %s", nvsr_rc_text(rc));
		return 0;
	}
	for (i = 0; i < n && list[i] == nsid; i++)
		nsid++;
	if (nsid > le32_get(t->inv->id.nn)) {
		nvsr_test_skip(t, "every NSID up to NN = %u is allocated", le32_get(t->inv->id.nn));
		return 0;
	}
	return nsid;
}

uint32_t nsm_invalid(struct nvsr_ctx *t)
{
	uint32_t nn = le32_get(t->inv->id.nn);

	if (nn >= 0xfffffffdu) {
		nvsr_test_skip(t, "NN = %xh leaves no invalid NSID", nn);
		return 0;
	}
	return nn + 1;
}

int nsm_cntlid(struct nvsr_ctx *t, struct nvsr_dev *vf)
{
	struct nvme_id_ctrl id;
	int rc = nvsr_id_ctrl(vf, &id);

	if (!rc)
		return le16_get(id.cntlid);
	nvsr_test_broken(t, __FILE__, __LINE__, "Identify Controller on %s: %s", nvsr_dev_name(vf), nvsr_rc_text(rc));
	return -1;
}

int nsm_second(struct nvsr_ctx *t, unsigned vfn)
{
	unsigned now = 0, enough = NVSR_MAX(vfn, NVSR_MIN(t->inv->sriov.total_vfs, 2u));
	struct nvsr_dev *vf;

	/* enough for a sibling: enabling more of them later would take these away */
	if (nvsr_get_numvfs(t->pf, &now) || now < vfn)
		if (!nvsr_t_enable_vfs(t, enough))
			return -1;
	if (nvsr_inventory_vf(t->inv, vfn) || !(nvsr_dev_can(t->pf) & NVSR_CAN_VF))
		return nvsr_t_scid(t, vfn);
	vf = nvsr_t_vf(t, vfn);
	return vf ? nsm_cntlid(t, vf) : -1;
}

int nsm_attachment(struct nvsr_dev *d, uint32_t nsid, unsigned sel, unsigned num, const uint16_t *id, unsigned n)
{
	struct nvme_ctrl_list list = { .num = le16((uint16_t)num) };
	struct nvsr_cmd c = {
		.opcode = NVME_ADMIN_NS_ATTACH, .nsid = nsid, .cdw10 = sel, .data = &list, .data_len = sizeof(list),
	};
	unsigned i;

	for (i = 0; i < n; i++)
		list.id[i] = le16(id[i]);
	return nvsr_admin(d, &c);
}

int nsm_cmp_id(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

bool nsm_check_listed(struct nvsr_ctx *t, const char *file, int line, struct nvsr_dev *d, uint8_t cns, uint32_t nsid,
		      bool want)
{
	_cleanup_free_ uint32_t *list = calloc(NSM_LIST_MAX, sizeof(*list));
	char expected[96];
	unsigned n = 0, i;
	int rc = list ? nvsr_ns_list(d, cns, list, NSM_LIST_MAX, &n) : -ENOMEM;

	snprintf(expected, sizeof(expected), "NSID %u %s in the list of CNS %02xh on %s", nsid, want ? "is" : "is not", cns,
		 nvsr_dev_name(d));
	if (rc)
		return nvsr_check(t, file, line, false, expected, "%s", nvsr_rc_text(rc));
	for (i = 0; i < n && list[i] != nsid; i++)
		;
	return nvsr_check(t, file, line, (i < n) == want, expected, "%u entries, %s it", n, i < n ? "with" : "without");
}

bool nsm_check_ctrls(struct nvsr_ctx *t, const char *file, int line, uint32_t nsid, const char *when,
		     const uint16_t *id, unsigned n)
{
	_cleanup_text_ struct nvsr_text expected = { 0 }, seen = { 0 };
	_cleanup_free_ uint16_t *sorted = calloc(n + 1, sizeof(*sorted));
	struct nvme_ctrl_list list;
	unsigned i, num;
	bool same;
	int rc;

	if (!sorted) {
		nvsr_test_broken(t, file, line, "no memory");
		return false;
	}
	for (i = 0; i < n; i++)
		sorted[i] = id[i];
	qsort(sorted, n, sizeof(*sorted), nsm_cmp_id);
	nvsr_text_add(&expected, "%s: CNS 12h of NSID %u lists", when, nsid);
	for (i = 0; i < n; i++)
		nvsr_text_add(&expected, " %04xh", sorted[i]);
	if (!n)
		nvsr_text_add(&expected, " no controller");
	rc = nvsr_identify(t->pf, NVME_CNS_NS_CTRLS, nsid, 0, &list);
	if (rc)
		return nvsr_check(t, file, line, false, expected.s, "%s", nvsr_rc_text(rc));
	num = le16_get(list.num);
	same = num == n;
	nvsr_text_add(&seen, "%u:", num);
	for (i = 0; i < num && i < 16; i++) {
		nvsr_text_add(&seen, " %04xh", le16_get(list.id[i]));
		same = same && sorted[i] == le16_get(list.id[i]);
	}
	return nvsr_check(t, file, line, same, expected.s, "%s", seen.s);
}

bool nsm_is_zero(const void *data, size_t len)
{
	const uint8_t *b = data;

	while (len && !b[len - 1])
		len--;
	return !len;
}

bool nsm_check_zero(struct nvsr_ctx *t, const char *file, int line, const char *what, const void *data)
{
	const uint8_t *b = data;
	unsigned i = 0;

	while (i < NVME_IDENTIFY_SIZE - 1 && !b[i])
		i++;
	return nvsr_check(t, file, line, !b[i], what, b[i] ? "byte %u = %02xh" : "byte %u = %02xh, all zero", i, b[i]);
}

void nsm_pattern(void *buf, size_t len, unsigned tag)
{
	uint8_t *b = buf;
	size_t i;

	for (i = 0; i < len; i++)
		b[i] = (uint8_t)(tag * 37 + i * 11 + (i >> 8) + 1);
}

bool nsm_holds_pattern(const void *buf, size_t len, unsigned tag)
{
	const uint8_t *b = buf;
	size_t i;

	for (i = 0; i < len; i++)
		if (b[i] != (uint8_t)(tag * 37 + i * 11 + (i >> 8) + 1))
			return false;
	return true;
}
