// SPDX-License-Identifier: GPL-2.0-or-later
/* namespace.nsid: status of commands with invalid and inactive NSIDs, Base 2.0 3.2.1. */
#include "common.h"

/* --- admin commands --------------------------------------------------------------------------------------------- */

static void identify_with_invalid_nsid(struct nvsr_ctx *t)
{
	static const uint8_t cns[] = { NVME_CNS_NS, NVME_CNS_NS_DESC };
	uint32_t nsids[] = { 0, nsm_invalid(t), 0xfffffffeu };
	uint8_t data[NVME_IDENTIFY_SIZE];
	unsigned i, j;

	if (!nsids[1])
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(cns); i++)
		for (j = 0; j < NVSR_ARRAY_SIZE(nsids); j++) {
			char what[48];

			snprintf(what, sizeof(what), "CNS %02xh of NSID %xh", cns[i], nsids[j]);
			CHECK_STATUS(t, what, NVME_SC_INVALID_NS, nvsr_identify(t->pf, cns[i], nsids[j], 0, data));
		}
}

static void management_with_invalid_nsid(struct nvsr_ctx *t)
{
	static const uint8_t cns[] = { NVME_CNS_ALLOCATED_NS_ID, NVME_CNS_NS_CTRLS };
	uint32_t nsids[] = { 0, nsm_invalid(t) };
	uint8_t data[NVME_IDENTIFY_SIZE];
	uint16_t pcid = nvsr_t_pcid(t);
	unsigned i, j;
	char what[64];

	if (!nsids[1])
		return;
	for (j = 0; j < NVSR_ARRAY_SIZE(nsids); j++) {
		for (i = 0; i < NVSR_ARRAY_SIZE(cns); i++) {
			snprintf(what, sizeof(what), "CNS %02xh of NSID %xh", cns[i], nsids[j]);
			CHECK_STATUS(t, what, NVME_SC_INVALID_NS, nvsr_identify(t->pf, cns[i], nsids[j], 0, data));
		}
		snprintf(what, sizeof(what), "attach of NSID %xh", nsids[j]);
		CHECK_STATUS(t, what, NVME_SC_INVALID_NS, nvsr_ns_attach(t->pf, nsids[j], pcid));
		snprintf(what, sizeof(what), "detach of NSID %xh", nsids[j]);
		CHECK_STATUS(t, what, NVME_SC_INVALID_NS, nvsr_ns_detach(t->pf, nsids[j], pcid));
	}
}

static void admin_with_inactive_nsid(struct nvsr_ctx *t)
{
	uint32_t nsid = nvsr_t_ns(t, 1, true), unallocated = nsid ? nsm_unallocated(t) : 0;
	uint8_t data[NVME_IDENTIFY_SIZE];

	if (!unallocated)
		return;
	CHECK_STATUS(t, "CNS 03h of an unattached namespace", NVME_SC_INVALID_FIELD,
		     nvsr_identify(t->pf, NVME_CNS_NS_DESC, nsid, 0, data));
	CHECK_STATUS(t, "attach of an unallocated NSID", NVME_SC_INVALID_FIELD,
		     nvsr_ns_attach(t->pf, unallocated, nvsr_t_pcid(t)));
	CHECK_STATUS(t, "detach of an unallocated NSID", NVME_SC_INVALID_FIELD,
		     nvsr_ns_detach(t->pf, unallocated, nvsr_t_pcid(t)));
}

/* --- I/O commands: own queues only, the kernel never sends a NSID it does not know ------------------------------ */

#define BLOCK 4096u	/* at least one block of any format that the model or a drive has without metadata */

static const struct {
	uint8_t opcode;
	uint16_t oncs;	/* optional commands: their ONCS bit */
	uint32_t cdw10, cdw11, len;
	const char *name;
} io_commands[] = {
	{ NVME_CMD_READ, 0, 0, 0, BLOCK, "Read" },
	{ NVME_CMD_WRITE, 0, 0, 0, BLOCK, "Write" },
	{ NVME_CMD_FLUSH, 0, 0, 0, 0, "Flush" },
	{ NVME_CMD_COMPARE, NVME_ONCS_COMPARE, 0, 0, BLOCK, "Compare" },
	{ NVME_CMD_WRITE_ZEROES, NVME_ONCS_WRITE_ZEROES, 0, 0, 0, "Write Zeroes" },
	{ NVME_CMD_DSM, NVME_ONCS_DSM, 0, NVME_DSM_DEALLOCATE, sizeof(struct nvme_dsm_range), "Dataset Management" },
};

/* Every I/O command that @d supports, with @nsid: status @want, and a buffer to be read into stays untouched. */
static void check_io(struct nvsr_ctx *t, struct nvsr_dev *d, const char *nsid_is, uint32_t nsid, int want)
{
	_cleanup_free_ uint8_t *buf = malloc(BLOCK);
	struct nvme_id_ctrl id;
	unsigned i;

	if (!buf)
		BROKEN(t, "no memory");
	PREPARE(t, "Identify Controller", nvsr_id_ctrl(d, &id));
	for (i = 0; i < NVSR_ARRAY_SIZE(io_commands); i++) {
		struct nvsr_cmd c = {
			.opcode = io_commands[i].opcode, .nsid = nsid, .cdw10 = io_commands[i].cdw10,
			.cdw11 = io_commands[i].cdw11, .data = io_commands[i].len ? buf : NULL,
			.data_len = io_commands[i].len,
		};
		char what[96];

		if (io_commands[i].oncs && !(le16_get(id.oncs) & io_commands[i].oncs))
			continue;
		nsm_pattern(buf, BLOCK, i);
		if (c.opcode == NVME_CMD_DSM)
			memset(buf, 0, sizeof(struct nvme_dsm_range)), buf[4] = 1;
		snprintf(what, sizeof(what), "%s with %s on %s", io_commands[i].name, nsid_is, nvsr_dev_name(d));
		CHECK_STATUS(t, what, want, nvsr_io(d, &c));
		if (c.opcode == NVME_CMD_READ)
			CHECK(t, nsm_holds_pattern(buf, BLOCK, i), "no data is transferred", "%s changed the buffer", what);
	}
}

static void io_with_invalid_nsid(struct nvsr_ctx *t)
{
	uint32_t invalid = nsm_invalid(t);

	if (!invalid)
		return;
	check_io(t, t->pf, "NSID 0", 0, NVME_SC_INVALID_NS);
	check_io(t, t->pf, "NSID NN + 1", invalid, NVME_SC_INVALID_NS);
}

static void io_with_inactive_nsid(struct nvsr_ctx *t)
{
	uint32_t nsid = nsm_create(t, 1, true), unallocated = nsid ? nsm_unallocated(t) : 0;

	if (!unallocated)
		return;
	check_io(t, t->pf, "an unallocated NSID", unallocated, NVME_SC_INVALID_FIELD);
	check_io(t, t->pf, "an unattached NSID", nsid, NVME_SC_INVALID_FIELD);
}

static void vf_io_with_inactive_nsid(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint32_t invalid = vf ? nsm_invalid(t) : 0, nsid = invalid ? nsm_create(t, 1, true) : 0;

	if (!nsid)
		return;
	MUST_OK(t, "attach to the PF", nvsr_ns_attach(t->pf, nsid, nvsr_t_pcid(t)));
	check_io(t, vf, "a NSID attached only to the PF", nsid, NVME_SC_INVALID_FIELD);
	check_io(t, vf, "NSID NN + 1", invalid, NVME_SC_INVALID_NS);
}

/* Read only: the device may take the NSID for any namespace. */
static void read_with_broadcast_nsid(struct nvsr_ctx *t)
{
	_cleanup_free_ uint8_t *buf = calloc(1, BLOCK);

	if (buf)
		CHECK_STATUS(t, "Read with NSID FFFFFFFFh", NVME_SC_INVALID_FIELD,
			     nvsr_rw(t->pf, false, NVME_NSID_ALL, 0, 1, buf, BLOCK));
}

#define NEED_IO (NVSR_NEED(IO) | NVSR_NEED(QUEUES))
static const struct nvsr_test tests[] = {
	{ .id = "identify-with-invalid-nsid", .title = "Identify rejects NSID 0 and NSIDs above NN with 0/0Bh",
	  .requirements = REQS("NSM-05"), .caught_by = DEFECTS("invalid-nsid-as-inactive", "nsid-0-accepted"),
	  .run = identify_with_invalid_nsid },
	{ .id = "management-with-invalid-nsid",
	  .title = "Namespace Attachment and its Identify lists reject NSID 0 and NSIDs above NN with 0/0Bh",
	  .requirements = REQS("NSM-05"), .needs = NSM_NEED, .caught_by = DEFECTS("invalid-nsid-as-inactive"),
	  .run = management_with_invalid_nsid },
	{ .id = "admin-with-inactive-nsid", .title = "admin commands reject inactive NSIDs with 0/02h",
	  .requirements = REQS("NSM-06"), .needs = NSM_NEED,

	  .caught_by = DEFECTS("inactive-nsid-as-invalid", "ns-desc-ignores-attachment"), .run = admin_with_inactive_nsid },
	{ .id = "io-with-invalid-nsid", .title = "I/O commands reject NSID 0 and NSIDs above NN with 0/0Bh",
	  .requirements = REQS("NSM-05"), .needs = NEED_IO | NVSR_NEED(DESTROY), .caught_by = DEFECTS("invalid-nsid-as-inactive"),
	  .run = io_with_invalid_nsid },
	{ .id = "io-with-inactive-nsid", .title = "I/O commands reject inactive NSIDs with 0/02h",
	  .requirements = REQS("NSM-06"), .needs = NEED_IO | NSM_NEED,
	  .caught_by = DEFECTS("inactive-nsid-as-invalid", "inactive-read-succeeds", "io-to-detached-succeeds"),
	  .run = io_with_inactive_nsid },
	{ .id = "vf-io-with-inactive-nsid", .title = "I/O commands on a VF reject what is attached only to the PF",
	  .requirements = REQS("NSM-05", "NSM-06"), .needs = NVSR_NEED(IO) | NVSR_NEED(VF_QUEUES) | NSM_NEED_VF,
	  .caught_by = DEFECTS("inactive-read-succeeds", "vf-io-ignores-attachment"), .run = vf_io_with_inactive_nsid },
	{ .id = "read-with-broadcast-nsid",
	  .title = "Read with NSID FFFFFFFFh is refused", .requirements = REQS("NSM-07"),
	  .needs = NEED_IO, .caught_by = DEFECTS("io-broadcast-accepted"), .run = read_with_broadcast_nsid },
};

const struct nvsr_group nvsr_namespace_nsid = NVSR_GROUP("namespace.nsid", tests);
