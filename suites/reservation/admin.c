// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * reservation.admin: admin commands that belong to the write group of the table of Base 2.0 8.19.  The PF sends them while
 * VF 1 holds: as a host that is no registrant, and as a registrant.
 */
#include "resv.h"

#define LBA 5
#define TAG 7
#define SANITIZE_MS 60000u

/* Write group: registrants only where the type says so. */
static bool allowed(unsigned type, bool registrant)
{
	return registrant && type >= NVME_RESV_WERO;
}

struct scene {
	struct rsv r;		/* host 0 is VF 1, host 1 the PF */
	uint8_t *buf;
	uint16_t other;		/* CNTLID of VF 2, which the namespace is not attached to */
};

static void scene_end(struct scene *s)
{
	rsv_end(&s->r);
	free(s->buf);
}
#define _cleanup_scene_ NVSR_CLEANUP(scene_end)

static bool scene_start(struct nvsr_ctx *t, struct scene *s)
{
	struct nvsr_dev *other = nvsr_t_vf(t, 2);
	struct nvme_id_ctrl id;
	int rc = other ? nvsr_id_ctrl(other, &id) : -1;

	if (rc || !RSV_START(t, &s->r, 1, 0))
		return false;
	s->other = le16_get(id.cntlid);
	s->buf = calloc(1, s->r.block);
	return s->buf;
}

/* Everything of @type in place, with data on the medium, and the PF in its role. */
static bool scene_set(struct scene *s, unsigned type, bool registrant)
{
	struct rsv *r = &s->r;

	rsv_fill(r, s->buf, TAG);
	return rsv_scene(r, type, registrant ? 2 : 1) && CHECK_OK(r->t, "Write by the holder", rsv_rw(r, 0, true, LBA, s->buf));
}

static void check_kept(struct scene *s, const char *what, unsigned type, bool registrant)
{
	struct rsv *r = &s->r;

	if (CHECK_OK(r->t, rsv_text("%s: Read by the holder", what), rsv_rw(r, 0, false, LBA, s->buf)))
		CHECK(r->t, rsv_holds(r, s->buf, TAG), "a command in conflict changes no data", "%s: other data", what);
	rsv_check(r, what, 0, type, registrant ? 3 : 1, rsv_all_registrants(type) && registrant ? 3 : 1);
}

static const char *what_text(const char *command, unsigned type, bool registrant)
{
	return rsv_text("%s by %s under %s", command, registrant ? "a registrant" : "a host that is no registrant",
			rsv_type_name(type));
}

/* @body for every type and both roles. */
static void for_roles(struct nvsr_ctx *t, void (*body)(struct scene *s, unsigned type, bool registrant))
{
	_cleanup_scene_ struct scene s = { 0 };

	if (!scene_start(t, &s))
		return;
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		if (!rsv_has(&s.r, type))
			continue;
		for (unsigned registrant = 0; registrant < 2; registrant++) {
			if (!scene_set(&s, type, registrant))
				return;
			body(&s, type, registrant);
			if (!rsv_clear(&s.r, 0))
				return;
		}
	}
}

/* --- Format NVM ------------------------------------------------------------------------------------------------ */

static void try_format(struct scene *s, unsigned type, bool registrant)
{
	const char *what = what_text("Format NVM", type, registrant);
	bool may = allowed(type, registrant);
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_FORMAT, .nsid = s->r.nsid, .cdw10 = NVME_FORMAT_CDW10(0, NVME_SES_NONE) };

	if (CHECK_STATUS(s->r.t, what, may ? NVME_SC_SUCCESS : NVME_SC_RESV_CONFLICT, nvsr_admin(s->r.t->pf, &c)) && !may)
		check_kept(s, what, type, registrant);
}

static void format(struct nvsr_ctx *t)
{
	if (t->inv->id.fna & NVME_FNA_FORMAT_ALL)
		SKIP(t, "Format NVM affects all namespaces here (FNA %02xh)", t->inv->id.fna);
	for_roles(t, try_format);
}

/* --- Namespace Attachment -------------------------------------------------------------------------------------- */

static bool is_attached(struct scene *s, uint16_t cntlid)
{
	struct nvme_ctrl_list list = { 0 };

	if (nvsr_identify(s->r.t->pf, NVME_CNS_NS_CTRLS, s->r.nsid, 0, &list))
		return false;
	for (unsigned i = 0; i < le16_get(list.num) && i < NVSR_ARRAY_SIZE(list.id); i++)
		if (le16_get(list.id[i]) == cntlid)
			return true;
	return false;
}

static void try_attach(struct scene *s, unsigned type, bool registrant)
{
	const char *attach = what_text("attach to VF 2", type, registrant);
	const char *detach = what_text("detach of VF 1", type, registrant);
	struct nvsr_ctx *t = s->r.t;

	if (allowed(type, registrant)) {
		CHECK_OK(t, attach, nvsr_ns_attach(t->pf, s->r.nsid, s->other));
		CHECK_OK(t, "detach of VF 2", nvsr_ns_detach(t->pf, s->r.nsid, s->other));
		return;
	}
	CHECK_STATUS(t, attach, NVME_SC_RESV_CONFLICT, nvsr_ns_attach(t->pf, s->r.nsid, s->other));
	CHECK_STATUS(t, detach, NVME_SC_RESV_CONFLICT, nvsr_ns_detach(t->pf, s->r.nsid, s->r.h[0].cntlid));
	CHECK(t, !is_attached(s, s->other), "an attach in conflict attaches nothing", "%s: VF 2 has it", attach);
	MUST(t, is_attached(s, s->r.h[0].cntlid), "a detach in conflict detaches nothing", "%s: VF 1 lost it", detach);
	check_kept(s, attach, type, registrant);
}

static void attachment(struct nvsr_ctx *t)
{
	for_roles(t, try_attach);
}

/* --- Namespace Management -------------------------------------------------------------------------------------- */

static void try_delete(struct scene *s, unsigned type, bool registrant)
{
	const char *what = what_text("delete", type, registrant);
	struct nvsr_ctx *t = s->r.t;
	int rc;

	if (allowed(type, registrant))
		return;
	rc = nvsr_ns_delete(t->pf, s->r.nsid);
	CHECK_STATUS(t, what, NVME_SC_RESV_CONFLICT, rc);
	if (!rc) {
		nvsr_t_ns_gone(t, s->r.nsid);
		s->r.nsid = 0;
		return;
	}
	check_kept(s, what, type, registrant);
}

static void delete(struct nvsr_ctx *t)
{
	for_roles(t, try_delete);
}

static void delete_by_a_registrant(struct nvsr_ctx *t)
{
	_cleanup_scene_ struct scene s = { 0 };

	if (!scene_start(t, &s) || !scene_set(&s, NVME_RESV_WERO, true))
		return;
	MUST_OK(t, what_text("delete", NVME_RESV_WERO, true), nvsr_ns_delete(t->pf, s.r.nsid));
	nvsr_t_ns_gone(t, s.r.nsid);
	s.r.nsid = 0;
}

/* --- Sanitize -------------------------------------------------------------------------------------------------- */

static bool sanitize_done(struct nvsr_dev *d, void *arg)
{
	uint8_t log[512] = { 0 };

	return !nvsr_get_log(d, NVME_LOG_SANITIZE, NVME_NSID_ALL, true, log, sizeof(log)) && (log[2] & 7) != 2;
}

/* Any action that SANICAP offers, the least lasting first. */
static uint32_t sanitize_action(const struct nvsr_ctx *t)
{
	uint32_t cap = le32_get(t->inv->id.sanicap);

	return cap & NVME_SANICAP_CRYPTO ? 4 : cap & NVME_SANICAP_BLOCK ? 2 : 3;
}

static void sanitize(struct nvsr_ctx *t)
{
	_cleanup_scene_ struct scene s = { 0 };

	if (!scene_start(t, &s))
		return;
	for (unsigned type = NVME_RESV_WE; type < RSV_TYPES; type++) {
		struct nvsr_cmd c = { .opcode = NVME_ADMIN_SANITIZE, .cdw10 = sanitize_action(t) };
		int rc;

		if (!rsv_has(&s.r, type))
			continue;
		if (!scene_set(&s, type, false))
			return;
		rc = nvsr_admin(t->pf, &c);
		if (!rc)
			nvsr_dev_wait(t->pf, SANITIZE_MS, sanitize_done, NULL);
		MUST_STATUS(t, what_text("Sanitize", type, false), NVME_SC_RESV_CONFLICT, rc);
		check_kept(&s, what_text("Sanitize", type, false), type, false);
		if (!rsv_clear(&s.r, 0))
			return;
	}
}

#define NEED (RSV_2VF)
static const struct nvsr_test tests[] = {
	{ .id = "format", .title = "Format NVM conflicts for other hosts under each type",
	  .requirements = REQS("RSV-30"), .needs = NEED | NVSR_NEED(FORMAT),
	  .caught_by = DEFECTS("format-ignores-reservation"), .run = format },
	{ .id = "attachment", .title = "Namespace Attachment conflicts for other hosts under each type",
	  .requirements = REQS("RSV-30"), .needs = NEED, .caught_by = DEFECTS("attach-ignores-reservation"),
	  .run = attachment },
	{ .id = "delete", .title = "deleting the namespace conflicts for other hosts under each type",
	  .requirements = REQS("RSV-30"), .needs = NEED, .caught_by = DEFECTS("delete-ignores-reservation"),
	  .run = delete },
	{ .id = "delete-by-a-registrant", .title = "a registrant may delete under a Registrants Only type",
	  .requirements = REQS("RSV-30"), .needs = NEED, .caught_by = DEFECTS("wero-blocks-registrant"),
	  .run = delete_by_a_registrant },
	{ .id = "sanitize", .title = "Sanitize conflicts for a host that is no registrant",
	  .requirements = REQS("RSV-30"), .needs = NEED | NVSR_NEED(SANITIZE),
	  .caught_by = DEFECTS("sanitize-ignores-reservation"), .run = sanitize },
};

const struct nvsr_group nvsr_reservation_admin = NVSR_GROUP("reservation.admin", tests);
