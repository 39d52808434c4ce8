// SPDX-License-Identifier: GPL-2.0-or-later
/* reservation.hostid: the Host Identifier that makes controllers one host, Base 2.0 5.27 feature 81h. */
#include "resv.h"

#define VS_2_1 0x00020100u
#define VS_2_2 0x00020200u
#define ID_A 0x1122334455667788ull
#define ID_B 0x99aabbccddeeff01ull

static bool has_wide(const struct nvsr_ctx *t)
{
	return le32_get(t->inv->id.ctratt) & RSV_CTRATT_HOSTID128;
}

static bool expect_id(struct nvsr_ctx *t, const char *when, struct nvsr_dev *d, bool wide, uint64_t id)
{
	uint64_t now = 0;

	return CHECK_OK(t, rsv_text("%s: Get Features 81h on %s", when, nvsr_dev_name(d)),
			rsv_get_host_id(d, wide, &now)) &&
	       CHECK(t, now == id, rsv_text("Host Identifier %llxh", (unsigned long long)id), "%s: %llxh on %s", when,
		     (unsigned long long)now, nvsr_dev_name(d));
}

/* 64 bits unless the device knows only 128; each identifier is set once, for devices that refuse a second one. */
static int set_id(struct nvsr_ctx *t, struct nvsr_dev *d, uint64_t id, bool *ret_wide)
{
	int rc = rsv_set_host_id(d, false, id);

	*ret_wide = rc == NVME_SC_INVALID_FIELD && has_wide(t);
	return *ret_wide ? rsv_set_host_id(d, true, id) : rc;
}

static void set_and_get(struct nvsr_ctx *t)
{
	struct nvsr_dev *one = nvsr_t_vf(t, 1), *two = one ? nvsr_t_vf(t, 2) : NULL;
	bool wide;

	if (!two)
		return;
	MUST_OK(t, "Set Features 81h on VF 1", set_id(t, one, ID_A, &wide));
	expect_id(t, "after it was set on VF 1", one, wide, ID_A);
	expect_id(t, "after it was set on VF 1", two, wide, 0);
	MUST_OK(t, "Set Features 81h on VF 2", rsv_set_host_id(two, wide, ID_B));
	expect_id(t, "after it was set on VF 2", two, wide, ID_B);
	expect_id(t, "after it was set on VF 2", one, wide, ID_A);
}

static void extended_id(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	uint8_t id[16] = { 0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xf0 }, now[16] = { 0 };
	int rc;

	if (!vf)
		return;
	rc = nvsr_set_feature(vf, NVME_FEAT_HOST_ID, 0, 1, id, sizeof(id), NULL);
	if (!has_wide(t)) {
		CHECK_STATUS(t, "EXHID = 1 with CTRATT bit 0 = 0", NVME_SC_INVALID_FIELD, rc);
		expect_id(t, "after a rejected Set Features", vf, false, 0);
		return;
	}
	MUST_OK(t, "EXHID = 1 with CTRATT bit 0 = 1", rc);
	MUST_OK(t, "Get Features 81h with EXHID = 1", nvsr_get_feature(vf, NVME_FEAT_HOST_ID, 0, 1, now, sizeof(now), NULL));
	CHECK(t, !memcmp(id, now, sizeof(id)), "all 16 bytes as they were set", "they differ");
}

static void sizes_do_not_mix(struct nvsr_ctx *t)
{
	struct nvsr_dev *one = nvsr_t_vf(t, 1), *two = one ? nvsr_t_vf(t, 2) : NULL;
	bool wide;

	if (!two)
		return;
	MUST_OK(t, "Set Features 81h on VF 1", set_id(t, one, ID_A, &wide));
	if (!has_wide(t) || wide)
		SKIP(t, "the controllers support one size of Host Identifier (CTRATT %xh)", le32_get(t->inv->id.ctratt));
	CHECK_STATUS(t, "128 bits on VF 2 while VF 1 has 64", NVME_SC_HOSTID_FORMAT, rsv_set_host_id(two, true, ID_B));
	expect_id(t, "after a rejected Set Features", one, false, ID_A);
	CHECK_OK(t, "64 bits on VF 2 while VF 1 has 64", rsv_set_host_id(two, false, ID_B));
}

/* Up to 2.0 a new identifier makes the controller another host; from 2.2 on it is refused; 2.1 may do either. */
static void changing_an_id(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };
	struct rsv_host *h = r.h;
	int rc;

	if (!RSV_START(t, &r, 1, 0) || !rsv_join(&r, 0))
		return;
	rc = rsv_set_host_id(h->dev, r.wide, ID_B);
	if (t->inv->vs >= VS_2_2)
		CHECK_STATUS(t, "another Host Identifier over one that is not 0h", NVME_SC_CMD_SEQ_ERROR, rc);
	else if (t->inv->vs < VS_2_1)
		CHECK_OK(t, "another Host Identifier over one that is not 0h", rc);
	expect_id(t, "after Set Features", h->dev, r.wide, rc ? h->id : ID_B);
	if (rc)
		rsv_check(&r, "after the refused Host Identifier", 1, NVME_RESV_NONE, 1, 0);
	else
		CHECK_STATUS(t, "Acquire as another host, with the key of the former one", NVME_SC_RESV_CONFLICT,
			     rsv_acquire(h->dev, r.nsid, RSV_RTYPE(NVME_RESV_WE), h->key, 0));
}

/* --- Host Identifier 0h ---------------------------------------------------------------------------------------- */

static bool start_nameless(struct nvsr_ctx *t, struct rsv *r)
{
	r->nameless = true;
	if (!RSV_START(t, r, 1, 2))
		return false;
	if (!(le32_get(t->inv->id.ctratt) & RSV_CTRATT_RHII))
		return true;
	CHECK(t, rsv_register(r->h[0].dev, r->nsid, NVME_RREGA_REGISTER, 0, r->h[0].key) > 0,
	      "Register with Host Identifier 0h aborts where CTRATT bit 18 asks for one", "it succeeds");
	return false;
}

static void zero_is_a_host_of_its_own(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!start_nameless(t, &r) || !rsv_join(&r, 0))
		return;
	rsv_check(&r, "VF 1 with Host Identifier 0h registered", 1, NVME_RESV_NONE, 1, 0);
	CHECK_STATUS(t, "VF 2 with Host Identifier 0h uses the key of VF 1", NVME_SC_RESV_CONFLICT,
		     rsv_acquire(r.h[1].dev, r.nsid, RSV_RTYPE(NVME_RESV_WE), r.h[0].key, 0));
}

static void zero_does_not_persist(struct nvsr_ctx *t)
{
	_cleanup_rsv_ struct rsv r = { 0 };

	if (!start_nameless(t, &r) || !rsv_join(&r, 0))
		return;
	PREPARE(t, "Controller Reset of VF 1", nvsr_reset(r.h[0].dev, NVSR_RESET_CTRL));
	rsv_check(&r, "after Controller Reset of VF 1 with Host Identifier 0h", 1, NVME_RESV_NONE, 0, 0);
}

static void reset_forgets_the_id(struct nvsr_ctx *t)
{
	struct nvsr_dev *vf = nvsr_t_vf(t, 1);
	bool wide;

	if (!vf)
		return;
	MUST_OK(t, "Set Features 81h", set_id(t, vf, ID_A, &wide));
	PREPARE(t, "Controller Reset of the VF", nvsr_reset(vf, NVSR_RESET_CTRL));
	expect_id(t, "after Controller Reset", vf, wide, 0);
}

#define VF_ID (NVSR_NEED(RESERVATIONS) | NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN))
static const struct nvsr_test tests[] = {
	{ .id = "set-and-get", .title = "every VF has a Host Identifier of its own, which reads as it was set",
	  .requirements = REQS("RSV-04"), .needs = VF_ID | NVSR_NEED(TWO_VFS), .caught_by = DEFECTS("host-id-shared"),
	  .run = set_and_get },
	{ .id = "extended-id", .title = "a 128-bit Host Identifier is accepted where CTRATT says so, and only there",
	  .requirements = REQS("RSV-04"), .needs = VF_ID, .caught_by = DEFECTS("host-id-truncated"),
	  .run = extended_id },
	{ .id = "sizes-do-not-mix", .title = "Host Identifiers of one subsystem have one size",
	  .requirements = REQS("RSV-05"), .needs = VF_ID | NVSR_NEED(TWO_VFS),
	  .caught_by = DEFECTS("host-id-sizes-mixed"), .run = sizes_do_not_mix },
	{ .id = "changing-an-id",
	  .title = "another Host Identifier makes another host, or is refused, as the revision says",
	  .requirements = REQS("RSV-06"), .needs = RSV_VF, .caught_by = DEFECTS("host-id-sticks"),
	  .run = changing_an_id },
	{ .id = "zero-is-a-host-of-its-own", .title = "controllers with Host Identifier 0h are different hosts",
	  .requirements = REQS("RSV-07"), .needs = RSV_2VF, .caught_by = DEFECTS("acquire-without-registration"),
	  .run = zero_is_a_host_of_its_own },
	{ .id = "zero-does-not-persist",
	  .title = "a registration made with Host Identifier 0h ends with a Controller Reset",
	  .requirements = REQS("RSV-07"), .needs = RSV_2VF | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("anonymous-registration-survives"), .run = zero_does_not_persist },
	{ .id = "reset-forgets-the-id", .title = "the Host Identifier is 0h after a Controller Reset",
	  .requirements = REQS("RSV-31"), .needs = VF_ID | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("host-id-survives-reset", "vf-features-survive-ctrl-reset"),
	  .run = reset_forgets_the_id },
};

const struct nvsr_group nvsr_reservation_hostid = NVSR_GROUP("reservation.hostid", tests);
