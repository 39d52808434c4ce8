// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * erase.format: what Format NVM erases, what it spares, and what it refuses.  Base 2.0 5.14, FNA; write protection 8.12.
 */
#include "suites/erase/erase.h"
#include "suites/namespace/common.h"

#define TAG 500
#define WAIT_MS (ERA_LIMIT_S * 1000u)

/* --- erased for everybody ----------------------------------------------------------------------------------------- */

static void check_gone_everywhere(struct nvsr_ctx *t, const struct dat_shared *s, unsigned tag, const char *when)
{
	for (unsigned i = 0; i < DAT_CTRLS; i++)
		dat_check_gone(t, s->on[i], &s->ns, tag, when);
}

/* Written through VF 1, read by all (so that all may hold copies), formatted through the PF. */
static void erases(struct nvsr_ctx *t, enum nvme_ses ses, unsigned tag, const char *what)
{
	struct dat_shared s;

	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, tag) ||
	    !dat_check_kept(t, s.on[2], &s.ns, tag, "before"))
		return;
	MUST_OK(t, what, era_format(t, &s.ns, ses));
	check_gone_everywhere(t, &s, tag, what);
}

static void format_erases_for_all(struct nvsr_ctx *t)
{
	erases(t, NVME_SES_NONE, TAG, "Format NVM without secure erase");
}

static void user_data_erase_erases_for_all(struct nvsr_ctx *t)
{
	erases(t, NVME_SES_USER_DATA, TAG + 1, "Format NVM with User Data Erase");
}

static void crypto_erase_follows_fna(struct nvsr_ctx *t)
{
	struct dat_shared s;

	if (t->inv->id.fna & NVME_FNA_CRYPTO) {
		erases(t, NVME_SES_CRYPTO, TAG + 4, "Format NVM with Cryptographic Erase");
		return;
	}
	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, TAG + 4))
		return;
	CHECK_STATUS(t, "Cryptographic Erase with FNA bit 2 = 0", NVME_SC_INVALID_FIELD,
		     era_format(t, &s.ns, NVME_SES_CRYPTO));
	dat_check_kept(t, s.on[2], &s.ns, TAG + 4, "after the refused Format NVM");
}

/* --- scope -------------------------------------------------------------------------------------------------------- */

/* What @t's Format of the shared namespace leaves of the others: everything or, where FNA says so, nothing. */
static void check_others(struct nvsr_ctx *t, const struct era_field *f, bool gone, unsigned tag, const char *when)
{
	bool (*const check)(struct nvsr_ctx *, struct nvsr_dev *, const struct dat_ns *, unsigned, const char *) =
		gone ? dat_check_gone : dat_check_kept;

	for (unsigned i = 0; i < 2; i++)
		check(t, f->shared.on[i + 1], &f->of_vf[i], tag, when);
	if (!dat_attach(t, &f->of_none, t->pf))
		return;
	check(t, t->pf, &f->of_none, tag, when);
	dat_detach(t, &f->of_none, t->pf);
}

static void scope_follows_fna(struct nvsr_ctx *t)
{
	static const struct { enum nvme_ses ses; const char *what; } kind[] = {
		{ NVME_SES_NONE, "Format NVM without secure erase" },
		{ NVME_SES_USER_DATA, "Format NVM with User Data Erase" },
		{ NVME_SES_CRYPTO, "Format NVM with Cryptographic Erase" },
	};
	struct era_field f;

	if (!era_field(t, &f))
		return;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(kind); i++) {
		if (kind[i].ses == NVME_SES_CRYPTO && !(t->inv->id.fna & NVME_FNA_CRYPTO))
			continue;
		if (!era_field_write(t, &f, TAG + 10 + i))
			return;
		MUST_OK(t, kind[i].what, era_format(t, &f.shared.ns, kind[i].ses));
		check_gone_everywhere(t, &f.shared, TAG + 10 + i, kind[i].what);
		check_others(t, &f, era_affects_all(t, kind[i].ses), TAG + 10 + i, kind[i].what);
	}
	nvsr_note(t, "FNA = %02xh", t->inv->id.fna);
}

/* --- fields of the command ---------------------------------------------------------------------------------------- */

static void reserved_ses_is_refused(struct nvsr_ctx *t)
{
	struct dat_shared s;

	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, TAG + 20))
		return;
	for (unsigned ses = 3; ses < 8; ses++) {
		int rc = era_format(t, &s.ns, ses);

		CHECK(t, rc == NVME_SC_INVALID_FIELD, "Format NVM with a reserved SES aborts 0/02h", "SES = %u: %s", ses,
		      nvsr_rc_text(rc));
	}
	dat_check_kept(t, s.on[2], &s.ns, TAG + 20, "after refused Format NVM commands");
}

static void lbaf_selects_the_format(struct nvsr_ctx *t)
{
	struct nvme_id_ns id, now;
	struct dat_shared s;
	unsigned before;

	if (!dat_shared(t, &s))
		return;
	MUST_OK(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, s.ns.nsid, 0, &id));
	before = NVME_FLBAS_INDEX(id.flbas);
	for (unsigned i = 0; i <= id.nlbaf && i < 16; i++) {
		if (id.lbaf[i].lbads < 9 || le16_get(id.lbaf[i].ms))
			continue;
		MUST_OK(t, "Format NVM", era_format_raw(t->pf, s.ns.nsid, NVME_FORMAT_CDW10(i, NVME_SES_NONE)));
		MUST_OK(t, "Identify Namespace", nvsr_identify(s.on[1], NVME_CNS_NS, s.ns.nsid, 0, &now));
		CHECK_EQ(t, "FLBAS index after Format NVM", i, NVME_FLBAS_INDEX(now.flbas));
		if (dat_ns_read(t, s.on[1], &s.ns) && dat_sweep_write(t, s.on[1], &s.ns, TAG + 21))
			dat_check_kept(t, s.on[2], &s.ns, TAG + 21, "written in the new format");
	}
	MUST_OK(t, "Format NVM back", era_format_raw(t->pf, s.ns.nsid, NVME_FORMAT_CDW10(before, NVME_SES_NONE)));
	MUST_OK(t, "Identify Namespace", nvsr_identify(s.on[1], NVME_CNS_NS, s.ns.nsid, 0, &now));
	CHECK_EQ(t, "NSZE in the first format again", le64_get(id.nsze), le64_get(now.nsze));
}

static void bad_format_is_refused(struct nvsr_ctx *t)
{
	struct nvme_id_ns id;
	struct dat_shared s;
	unsigned above, now;

	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, TAG + 22))
		return;
	MUST_OK(t, "Identify Namespace", nvsr_identify(t->pf, NVME_CNS_NS, s.ns.nsid, 0, &id));
	above = id.nlbaf + 1u;
	now = NVME_FLBAS_INDEX(id.flbas);
	if (above > 15)
		SKIP(t, "every format index of LBAFL is in use");
	/* LBAF entries after NLBAF + NULBAF are reserved; formats unique to a namespace follow the first NLBAF + 1 */
	if (!id.lbaf[above].lbads) {
		CHECK_STATUS(t, "Format NVM with index NLBAF + 1", NVME_SC_INVALID_FORMAT,
			     era_format_raw(t->pf, s.ns.nsid, NVME_FORMAT_CDW10(above, NVME_SES_NONE)));
		CHECK_STATUS(t, "the same with User Data Erase", NVME_SC_INVALID_FORMAT,
			     era_format_raw(t->pf, s.ns.nsid, NVME_FORMAT_CDW10(above, NVME_SES_USER_DATA)));
	}
	if (!le16_get(id.lbaf[now].ms))
		CHECK_STATUS(t, "Format NVM with protection information (PI = 001b) and without metadata",
			     NVME_SC_INVALID_FORMAT,
			     era_format_raw(t->pf, s.ns.nsid, NVME_FORMAT_CDW10(now, NVME_SES_NONE) | 1u << 5));
	dat_check_kept(t, s.on[2], &s.ns, TAG + 22, "after refused Format NVM commands");
}

/* --- NSID --------------------------------------------------------------------------------------------------------- */

static void nsid_names_an_allocated_namespace(struct nvsr_ctx *t)
{
	uint32_t unallocated, invalid;
	struct era_field f;

	if (era_affects_all(t, NVME_SES_NONE))
		SKIP(t, "Format NVM affects all namespaces (FNA bit 0 = 1)");
	if (!era_field(t, &f) || !era_field_write(t, &f, TAG + 30))
		return;
	unallocated = nsm_unallocated(t);
	invalid = unallocated ? nsm_invalid(t) : 0;
	if (!invalid)
		return;
	CHECK_OK(t, "Format NVM of a namespace that nothing has attached", era_format(t, &f.of_none, NVME_SES_NONE));
	CHECK_OK(t, "Format NVM of a namespace that only VF 1 has attached", era_format(t, &f.of_vf[0], NVME_SES_NONE));
	CHECK_STATUS(t, "Format NVM of an unallocated NSID", NVME_SC_INVALID_FIELD,
		     era_format_raw(t->pf, unallocated, 0));
	CHECK_STATUS(t, "Format NVM of NSID NN + 1", NVME_SC_INVALID_NS, era_format_raw(t->pf, invalid, 0));
	CHECK_STATUS(t, "Format NVM of NSID 0", NVME_SC_INVALID_NS, era_format_raw(t->pf, 0, 0));
	dat_check_gone(t, f.shared.on[1], &f.of_vf[0], TAG + 30, "formatted through a PF that does not have it");
	if (dat_attach(t, &f.of_none, t->pf))
		dat_check_gone(t, t->pf, &f.of_none, TAG + 30, "formatted while nothing had it");
	dat_check_kept(t, f.shared.on[2], &f.of_vf[1], TAG + 30, "not named by any Format NVM");
}

/* Detach everything that the PF has; false after recording. */
static bool leave_nothing_on_pf(struct nvsr_ctx *t)
{
	uint32_t nsid[1024];
	unsigned n = 0;
	int rc = nvsr_ns_list(t->pf, NVME_CNS_ACTIVE_NS, nsid, NVSR_ARRAY_SIZE(nsid), &n);

	for (unsigned i = 0; !rc && i < n; i++)
		rc = nvsr_ns_detach(t->pf, nsid[i], nvsr_t_pcid(t));
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "detach from the PF: %s", nvsr_rc_text(rc));
	return !rc;
}

/* All namespaces attached to the controller (FNA bit 0 = 0) or all there are; and no error when that is none. */
static void broadcast_follows_fna(struct nvsr_ctx *t)
{
	struct era_field f;
	uint32_t cdw10;

	if (!era_field(t, &f) || !era_field_write(t, &f, TAG + 31))
		return;
	cdw10 = NVME_FORMAT_CDW10(era_lbaf(t, f.shared.ns.nsid), NVME_SES_NONE);
	if (t->inv->id.fna & NVME_FNA_NO_BROADCAST) {
		CHECK_STATUS(t, "Format NVM of NSID FFFFFFFFh with FNA bit 3 = 1", NVME_SC_INVALID_FIELD,
			     era_format_raw(t->pf, NVME_NSID_ALL, cdw10));
		dat_check_kept(t, f.shared.on[2], &f.shared.ns, TAG + 31, "after the refused Format NVM");
		return;
	}
	MUST_OK(t, "Format NVM of NSID FFFFFFFFh", era_format_raw(t->pf, NVME_NSID_ALL, cdw10));
	check_gone_everywhere(t, &f.shared, TAG + 31, "after Format NVM of NSID FFFFFFFFh");
	for (unsigned i = 0; i < 2; i++) {
		if (era_affects_all(t, NVME_SES_NONE))
			dat_check_gone(t, f.shared.on[i + 1], &f.of_vf[i], TAG + 31, "all namespaces formatted");
		else
			dat_check_kept(t, f.shared.on[i + 1], &f.of_vf[i], TAG + 31,
				       "all namespaces of the PF formatted");
	}
	if (era_affects_all(t, NVME_SES_NONE) || !leave_nothing_on_pf(t))
		return;
	CHECK_OK(t, "Format NVM of NSID FFFFFFFFh with nothing attached", era_format_raw(t->pf, NVME_NSID_ALL, cdw10));
	dat_check_kept(t, f.shared.on[2], &f.of_vf[1], TAG + 31, "after Format NVM through a PF that has no namespace");
}

/* --- beside I/O --------------------------------------------------------------------------------------------------- */

#define DEPTH 8u

struct load { struct nvsr_req *req[2 * DEPTH]; uint8_t *data; unsigned n; };

static void load_free(struct load *l) { free(l->data); }

static bool load_new(struct nvsr_ctx *t, struct load *l, const struct dat_ns *ns)
{
	l->data = malloc((size_t)2 * DEPTH * ns->bs);
	if (!l->data)
		nvsr_test_broken(t, __FILE__, __LINE__, "no memory");
	return l->data;
}

/* Reads and Writes in turns, all over the start of the namespace. */
static void load_submit(struct load *l, struct nvsr_queue *q, const struct dat_ns *ns, unsigned count)
{
	for (unsigned i = 0; i < count && l->n < 2 * DEPTH; i++, l->n++) {
		struct nvsr_cmd c = { .opcode = i % 2 ? NVME_CMD_WRITE : NVME_CMD_READ, .nsid = ns->nsid, .cdw10 = i,
				      .data = l->data + (size_t)l->n * ns->bs, .data_len = ns->bs };

		dat_fill(c.data, ns, i, 1, TAG + 41);
		if (nvsr_queue_submit(q, &c, &l->req[l->n]))
			return;
	}
}

static void load_reap(struct nvsr_ctx *t, struct load *l)
{
	unsigned refused = 0, other = 0, worst = 0;

	for (unsigned i = 0; i < l->n; i++) {
		int rc = nvsr_req_wait(l->req[i], WAIT_MS, NULL);

		refused += rc == NVME_SC_FORMAT_IN_PROGRESS;
		if (rc && rc != NVME_SC_FORMAT_IN_PROGRESS) {
			other++;
			worst = (unsigned)rc;
		}
	}
	CHECK_EQ(t, "commands submitted", 2 * DEPTH, l->n);
	CHECK(t, !other, "I/O beside a Format NVM succeeds or aborts 0/84h", "%u of %u commands: %s", other, l->n,
	      nvsr_rc_text((int)worst));
	nvsr_note(t, "%u of %u I/O commands aborted with Format In Progress", refused, l->n);
}

static void io_beside_format_completes(struct nvsr_ctx *t)
{
	const struct nvsr_queue_opts opts = { .qid = 2, .sq_entries = 64, .cq_entries = 64 };
	NVSR_CLEANUP(load_free) struct load l = { 0 };
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_FORMAT };
	struct nvsr_queue *q = NULL;
	struct nvsr_req *format;
	struct nvsr_dev *vf;
	struct dat_ns ns;
	int rc;

	vf = nvsr_t_vf_with(t, 1, 3, 0);
	if (!vf || !dat_ns(t, true, &ns) || !dat_attach(t, &ns, t->pf) || !dat_attach(t, &ns, vf) ||
	    !dat_sweep_write(t, vf, &ns, TAG + 40) || !load_new(t, &l, &ns))
		return;
	PREPARE(t, "queue pair on VF 1", nvsr_queue_create(vf, &opts, &q));
	c.nsid = ns.nsid;
	c.cdw10 = NVME_FORMAT_CDW10(era_lbaf(t, ns.nsid), NVME_SES_NONE);
	load_submit(&l, q, &ns, DEPTH);
	PREPARE(t, "submission of Format NVM", nvsr_queue_submit(nvsr_queue_admin(t->pf), &c, &format));
	load_submit(&l, q, &ns, DEPTH);
	load_reap(t, &l);
	rc = nvsr_req_wait(format, WAIT_MS, NULL);
	CHECK_STATUS_IN(t, "Format NVM beside I/O", rc, 0, NVME_SC_CMD_SEQ_ERROR);
	if (!rc)
		dat_check_gone(t, vf, &ns, TAG + 40, "formatted beside I/O");
	nvsr_queue_destroy(q);
}

/* A namespace that is not formatted is read and written while another one is. */
static void other_namespaces_work_beside_format(struct nvsr_ctx *t)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_FORMAT };
	struct nvsr_req *format;
	struct dat_ns busy, other;
	struct nvsr_dev *vf;
	bool beside;

	if (era_affects_all(t, NVME_SES_NONE))
		SKIP(t, "Format NVM affects all namespaces (FNA bit 0 = 1)");
	vf = nvsr_t_vf(t, 1);
	if (!vf || !dat_ns(t, true, &busy) || !dat_ns(t, true, &other) || !dat_attach(t, &busy, t->pf) ||
	    !dat_attach(t, &other, vf) || !dat_sweep_write(t, vf, &other, TAG + 42))
		return;
	c.nsid = busy.nsid;
	c.cdw10 = NVME_FORMAT_CDW10(era_lbaf(t, busy.nsid), NVME_SES_NONE);
	PREPARE(t, "submission of Format NVM", nvsr_queue_submit(nvsr_queue_admin(t->pf), &c, &format));
	dat_check_kept(t, vf, &other, TAG + 42, "while another namespace is formatted");
	dat_sweep_write(t, vf, &other, TAG + 43);
	beside = !nvsr_req_done(format, NULL);
	CHECK_OK(t, "Format NVM", nvsr_req_wait(format, WAIT_MS, NULL));
	dat_check_kept(t, vf, &other, TAG + 43, "after another namespace was formatted");
	nvsr_note(t, "the Format NVM %s after the I/O", beside ? "was still in progress" : "had already completed");
}

/* --- what others are told ----------------------------------------------------------------------------------------- */

#define EVENT_MS 200
#define MAX_EVENTS 8u	/* then they come without end */

/* A VF that listens for changes of its namespaces. */
struct ear { struct nvsr_dev *dev; struct nvsr_req *req; unsigned events, of_ns; uint32_t dw0; };

static void ear_end(struct ear *e)
{
	if (e->req)
		nvsr_req_forget(e->req);
	if (e->dev)
		nvsr_reset(e->dev, NVSR_RESET_CTRL);	/* takes the request and the feature back */
}

static bool heard(struct nvsr_dev *d, void *arg)
{
	struct ear *e = arg;
	struct nvsr_cmd c;

	if (!nvsr_req_done(e->req, &c))
		return false;
	e->dw0 = c.dw0;
	return true;
}

static int listen_again(struct ear *e)
{
	struct nvsr_cmd aer = { .opcode = NVME_ADMIN_AER };

	return nvsr_queue_submit(nvsr_queue_admin(e->dev), &aer, &e->req);
}

/* Count the events there are, and in how many the Changed Namespace List names @nsid. */
static int collect(struct ear *e, uint32_t nsid)
{
	le32_t list[1024];
	int rc = 0;

	while (!rc && e->events < MAX_EVENTS && nvsr_dev_wait(e->dev, EVENT_MS, heard, e)) {
		nvsr_req_forget(e->req);
		e->req = NULL;
		rc = nvsr_get_log(e->dev, NVME_LOG_CHANGED_NS, NVME_NSID_ALL, false, list, sizeof(list));
		for (unsigned i = 0; !rc && i < NVSR_ARRAY_SIZE(list) && le32_get(list[i]); i++)
			e->of_ns += le32_get(list[i]) == nsid;
		e->events += e->dw0 == NVME_AEN(NVME_AEN_NOTICE, 0, NVME_LOG_CHANGED_NS);
		rc = rc ? rc : listen_again(e);
	}
	return rc;
}

static int listen_begin(struct ear *e, struct nvsr_dev *d)
{
	le32_t list[1024];
	int rc;

	e->dev = d;
	rc = nvsr_set_feature(d, NVME_FEAT_ASYNC_EVENT, 0, NVME_AEC_NS_CHANGED, NULL, 0, NULL);
	rc = rc ? rc : nvsr_get_log(d, NVME_LOG_CHANGED_NS, NVME_NSID_ALL, false, list, sizeof(list));
	rc = rc ? rc : listen_again(e);
	rc = rc ? rc : collect(e, 0);	/* of the attachments before */
	e->events = e->of_ns = 0;
	return rc;
}

/* FPI on @d until @format completes: readings, and those that tell of a Format. */
static void follow_progress(struct nvsr_dev *d, uint32_t nsid, struct nvsr_req *format, unsigned *ret_readings,
			    unsigned *ret_told)
{
	uint64_t end = nvsr_dev_now(d) + ERA_LIMIT_S * NVSR_S;
	struct nvme_id_ns id;

	*ret_readings = *ret_told = 0;
	while (!nvsr_req_done(format, NULL) && nvsr_dev_now(d) < end && !nvsr_identify(d, NVME_CNS_NS, nsid, 0, &id)) {
		++*ret_readings;
		*ret_told += (id.fpi & ~NVME_FPI_SUPPORTED) != 0;
		nvsr_dev_sleep_ms(d, 1);
	}
}

static void format_is_announced(struct nvsr_ctx *t)
{
	NVSR_CLEANUP(ear_end) struct ear ear = { 0 };
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_FORMAT };
	unsigned readings, told;
	struct nvsr_req *format;
	struct nvme_id_ns id;
	struct nvsr_dev *vf;
	struct dat_ns ns;

	vf = nvsr_t_vf(t, 1);
	if (!vf || !dat_ns(t, true, &ns) || !dat_attach(t, &ns, vf))
		return;
	MUST_OK(t, "Identify Namespace", nvsr_identify(vf, NVME_CNS_NS, ns.nsid, 0, &id));
	if (!(id.fpi & NVME_FPI_SUPPORTED))
		SKIP(t, "the namespace does not tell the progress of a Format NVM (FPI bit 7)");
	PREPARE(t, "listening on VF 1", listen_begin(&ear, vf));
	c.nsid = ns.nsid;
	c.cdw10 = NVME_FORMAT_CDW10(era_lbaf(t, ns.nsid), NVME_SES_NONE);
	PREPARE(t, "submission of Format NVM", nvsr_queue_submit(nvsr_queue_admin(t->pf), &c, &format));
	follow_progress(vf, ns.nsid, format, &readings, &told);
	MUST_OK(t, "Format NVM", nvsr_req_wait(format, WAIT_MS, NULL));
	MUST_OK(t, "Identify Namespace", nvsr_identify(vf, NVME_CNS_NS, ns.nsid, 0, &id));
	CHECK_EQ(t, "percentage that remains after Format NVM", 0, id.fpi & ~NVME_FPI_SUPPORTED);
	if (readings > 2)
		CHECK(t, told, "FPI tells that something remains while Format NVM is in progress",
		      "0 %% in all of %u readings",
		      readings);
	PREPARE(t, "events of VF 1", collect(&ear, ns.nsid));
	CHECK(t, ear.events <= 2, "events for the start and the end of a Format NVM, no more", "%u events", ear.events);
	if (told)
		CHECK(t, ear.of_ns, "an event for the namespace that is formatted", "%u events, none names it",
		      ear.events);
	nvsr_note(t, "%u events; FPI told of the Format in %u of %u readings", ear.events, told, readings);
}

/* --- write protection --------------------------------------------------------------------------------------------- */

static void protected_namespace_is_not_formatted(struct nvsr_ctx *t)
{
	struct dat_shared s;

	if (!dat_shared(t, &s) || !dat_sweep_write(t, s.on[1], &s.ns, TAG + 50))
		return;
	MUST_OK(t, "write protection", nvsr_set_feature(t->pf, NVME_FEAT_WRITE_PROTECT, s.ns.nsid, NVME_WPS_WP, NULL, 0,
							NULL));
	CHECK_STATUS(t, "Format NVM of a write-protected namespace", NVME_SC_NS_WRITE_PROTECTED,
		     era_format(t, &s.ns, NVME_SES_NONE));
	CHECK_STATUS(t, "the same with User Data Erase", NVME_SC_NS_WRITE_PROTECTED,
		     era_format(t, &s.ns, NVME_SES_USER_DATA));
	dat_check_kept(t, s.on[2], &s.ns, TAG + 50, "write protected");
	if (!(t->inv->id.fna & NVME_FNA_NO_BROADCAST))
		CHECK_STATUS(t, "Format NVM of NSID FFFFFFFFh with a write-protected namespace",
			     NVME_SC_NS_WRITE_PROTECTED,
			     era_format_raw(t->pf, NVME_NSID_ALL,
					    NVME_FORMAT_CDW10(era_lbaf(t, s.ns.nsid), NVME_SES_NONE)));
	CHECK_OK(t, "no write protection",
		 nvsr_set_feature(t->pf, NVME_FEAT_WRITE_PROTECT, s.ns.nsid, NVME_WPS_NONE, NULL, 0, NULL));
}

static const struct nvsr_test tests[] = {
	{ .id = "format-erases-for-all", .title = "after Format NVM no controller reads data from before",
	  .requirements = REQS("ERA-05"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-keeps-data", "erase-forgets-last-block"), .run = format_erases_for_all },
	{ .id = "user-data-erase-erases-for-all", .title = "after User Data Erase no controller reads data from before",
	  .requirements = REQS("ERA-13", "ERA-05"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("user-data-erase-keeps-data", "erase-forgets-last-block"),
	  .run = user_data_erase_erases_for_all },
	{ .id = "crypto-erase-follows-fna", .title = "Cryptographic Erase erases, or aborts 0/02h where FNA bit 2 is 0",
	  .requirements = REQS("ERA-07", "ERA-13"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("crypto-keeps-plaintext", "fna-hides-crypto"), .run = crypto_erase_follows_fna },
	{ .id = "scope-follows-fna", .title = "Format NVM erases the namespaces that FNA says, and spares every byte of others",
	  .requirements = REQS("ERA-13", "ERA-07"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-hits-neighbour", "format-all-namespaces", "fna-all-namespaces"),
	  .run = scope_follows_fna },
	{ .id = "reserved-ses-is-refused", .title = "Format NVM with a reserved SES aborts 0/02h and erases nothing",
	  .requirements = REQS("ERA-06"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-reserved-ses-accepted"), .run = reserved_ses_is_refused },
	{ .id = "lbaf-selects-the-format", .title = "Format NVM with each LBA format makes a namespace of that format",
	  .requirements = REQS("ERA-06"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-ignores-lbaf", "format-changes-size"), .run = lbaf_selects_the_format },
	{ .id = "bad-format-is-refused", .title = "Format NVM with an LBA format that is not there aborts 1/0Ah",
	  .requirements = REQS("ERA-10"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-bad-index-wrong-status"), .run = bad_format_is_refused },
	{ .id = "nsid-names-an-allocated-namespace", .title = "Format NVM takes any allocated NSID and no other",
	  .requirements = REQS("ERA-08"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-of-unallocated-ok", "format-needs-attachment"),
	  .run = nsid_names_an_allocated_namespace },
	{ .id = "broadcast-follows-fna", .title = "Format NVM of NSID FFFFFFFFh formats what the PF has, or aborts 0/02h",
	  .requirements = REQS("ERA-09"), .needs = ERA_NEED_FORMAT, .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-broadcast-refused", "format-broadcast-beyond-attached"),
	  .run = broadcast_follows_fna },
	{ .id = "io-beside-format-completes", .title = "I/O beside Format NVM succeeds or aborts 0/84h, and nothing old stays",
	  .requirements = REQS("ERA-11"), .needs = DAT_NEED_VF | NVSR_NEED(FORMAT) | NVSR_NEED(QUEUES),
	  .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-wrong-status"), .run = io_beside_format_completes },
	{ .id = "other-namespaces-work-beside-format",
	  .title = "a VF reads and writes while another namespace is formatted",
	  .requirements = REQS("ERA-11"), .needs = DAT_NEED_VF | NVSR_NEED(FORMAT) | NVSR_NEED(QUEUES),
	  .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-blocks-others"), .run = other_namespaces_work_beside_format },
	{ .id = "format-is-announced", .title = "a VF is told when its namespace is formatted, and how far it is",
	  .requirements = REQS("NSM-49"), .limit_s = ERA_LIMIT_S, .needs = DAT_NEED_VF | NVSR_NEED(FORMAT) |
	  NVSR_NEED(QUEUES) |
	  NVSR_NEED(AER) | NVSR_NEED(NS_CHANGED), .caught_by = DEFECTS("format-progress-zero", "format-event-missing"),
	  .run = format_is_announced },
	{ .id = "protected-namespace-is-not-formatted", .title = "Format NVM of a write-protected namespace aborts 0/20h",
	  .requirements = REQS("ERA-12"), .needs = ERA_NEED_FORMAT | NVSR_NEED(NSWP), .limit_s = ERA_LIMIT_S,
	  .caught_by = DEFECTS("format-ignores-write-protect"), .run = protected_namespace_is_not_formatted },
};

const struct nvsr_group nvsr_erase_format = NVSR_GROUP("erase.format", tests);
