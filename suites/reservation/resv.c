// SPDX-License-Identifier: GPL-2.0-or-later
/* Helpers of the reservation groups: commands, hosts, and what Report says. */
#include <stdarg.h>

#include "resv.h"

#define HOST_ID(vfn) (0x4e56535248300000ull + (vfn) + 1)
#define HOST_KEY(vfn) (0x5100000000000051ull + ((uint64_t)(vfn) + 1) * 0x101000)
#define REPORT_BYTES 4096

const char *rsv_text(const char *fmt, ...)
{
	static char buf[8][200];
	static unsigned next;
	char *s = buf[next++ % NVSR_ARRAY_SIZE(buf)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(buf[0]), fmt, ap);
	va_end(ap);
	return s;
}

const char *rsv_type_name(unsigned type)
{
	static const char *const names[] = {
		"no reservation", "Write Exclusive", "Exclusive Access", "Write Exclusive - Registrants Only",
		"Exclusive Access - Registrants Only", "Write Exclusive - All Registrants",
		"Exclusive Access - All Registrants",
	};

	return type < NVSR_ARRAY_SIZE(names) ? names[type] : "reserved type";
}

#define broken(t, ...) nvsr_test_broken(t, __FILE__, __LINE__, __VA_ARGS__)

/* --- commands -------------------------------------------------------------------------------------------------- */

static int command(struct nvsr_dev *d, uint8_t opcode, uint32_t nsid, uint32_t cdw10, const uint64_t *key, unsigned keys)
{
	le64_t data[2] = { le64(key[0]), le64(keys > 1 ? key[1] : 0) };
	struct nvsr_cmd c = {
		.opcode = opcode, .nsid = nsid, .cdw10 = cdw10, .data = data, .data_len = keys * (uint32_t)sizeof(data[0]),
	};

	return nvsr_io(d, &c);
}

int rsv_register(struct nvsr_dev *d, uint32_t nsid, uint32_t cdw10, uint64_t crkey, uint64_t nrkey)
{
	return command(d, NVME_CMD_RESV_REGISTER, nsid, cdw10, (const uint64_t[]){ crkey, nrkey }, 2);
}

int rsv_acquire(struct nvsr_dev *d, uint32_t nsid, uint32_t cdw10, uint64_t crkey, uint64_t prkey)
{
	return command(d, NVME_CMD_RESV_ACQUIRE, nsid, cdw10, (const uint64_t[]){ crkey, prkey }, 2);
}

int rsv_release(struct nvsr_dev *d, uint32_t nsid, uint32_t cdw10, uint64_t crkey)
{
	return command(d, NVME_CMD_RESV_RELEASE, nsid, cdw10, &crkey, 1);
}

int rsv_report(struct nvsr_dev *d, uint32_t nsid, bool eds, void *ret, uint32_t len)
{
	struct nvsr_cmd c = {
		.opcode = NVME_CMD_RESV_REPORT, .nsid = nsid, .cdw10 = len / 4 - 1, .cdw11 = eds, .data = ret, .data_len = len,
	};

	if (!len || len % 4)
		return -EINVAL;
	return nvsr_io(d, &c);
}

int rsv_set_host_id(struct nvsr_dev *d, bool wide, uint64_t id)
{
	le64_t data[2] = { le64(id), le64(0) };

	return nvsr_set_feature(d, NVME_FEAT_HOST_ID, 0, wide, data, wide ? 16 : 8, NULL);
}

int rsv_get_host_id(struct nvsr_dev *d, bool wide, uint64_t *ret)
{
	le64_t data[2] = { le64(0), le64(0) };
	int rc = nvsr_get_feature(d, NVME_FEAT_HOST_ID, 0, wide, data, wide ? 16 : 8, NULL);

	if (!rc)
		*ret = le64_get(data[0]);
	return rc;
}

/* --- preparation ----------------------------------------------------------------------------------------------- */

/*
 * From Base 2.2 on an identifier that is set stays until the next reset (0/0Ch): then the one that is there serves.  A
 * device may support only one of the two sizes.
 */
static bool give_id(struct rsv *r, struct rsv_host *h)
{
	int rc = rsv_set_host_id(h->dev, r->wide, h->id);

	if (rc == NVME_SC_INVALID_FIELD && h == r->h && le32_get(r->t->inv->id.ctratt) & RSV_CTRATT_HOSTID128) {
		r->wide = true;
		rc = rsv_set_host_id(h->dev, r->wide, h->id);
	}
	if (rc == NVME_SC_CMD_SEQ_ERROR)
		rc = rsv_get_host_id(h->dev, r->wide, &h->id);
	if (rc)
		broken(r->t, "Host Identifier of %s: %s", h->name, nvsr_rc_text(rc));
	return !rc;
}

static bool add_host(struct rsv *r, unsigned vfn)
{
	static const char *const names[] = { "the PF", "VF 1", "VF 2", "VF 3" };
	struct rsv_host *h = &r->h[r->n];
	struct nvme_id_ctrl id;
	int rc;

	*h = (struct rsv_host){
		.dev = vfn ? nvsr_t_vf(r->t, vfn) : r->t->pf, .vfn = vfn, .name = names[vfn], .id = HOST_ID(vfn),
		.key = HOST_KEY(vfn),
	};
	if (!h->dev)
		return false;
	rc = nvsr_id_ctrl(h->dev, &id);
	if (rc) {
		broken(r->t, "Identify Controller on %s: %s", h->name, nvsr_rc_text(rc));
		return false;
	}
	h->cntlid = le16_get(id.cntlid);
	r->n++;
	return r->nameless || give_id(r, h);
}

/* A namespace that all hosts have.  Skips where the device gives a new one no reservations. */
static bool add_namespace(struct rsv *r)
{
	struct nvme_id_ns ns;
	unsigned i;
	int rc = 0;

	r->nsid = nvsr_t_ns(r->t, 1, true);
	if (!r->nsid)
		return false;
	for (i = 0; i < r->n && !rc; i++)
		rc = nvsr_ns_attach(r->t->pf, r->nsid, r->h[i].cntlid);
	if (!rc)
		rc = nvsr_identify(r->h[0].dev, NVME_CNS_NS, r->nsid, 0, &ns);
	if (rc) {
		broken(r->t, "a namespace for %u hosts: %s", r->n, nvsr_rc_text(rc));
		return false;
	}
	r->rescap = ns.rescap;
	r->block = nvme_lbaf_bytes(&ns.lbaf[NVME_FLBAS_INDEX(ns.flbas)]);
	if (!r->block) {
		broken(r->t, "namespace %u has blocks of 2^%u bytes", r->nsid, ns.lbaf[NVME_FLBAS_INDEX(ns.flbas)].lbads);
		return false;
	}
	if (r->rescap & 0x7e)
		return true;
	nvsr_test_skip(r->t, "a new namespace supports no reservation type (RESCAP %02xh)", r->rescap);
	return false;
}

bool rsv_start(struct nvsr_ctx *t, struct rsv *r, const unsigned *vfn, unsigned n)
{
	unsigned i;

	*r = (struct rsv){ .t = t, .wide = r->wide, .nameless = r->nameless };
	for (i = 0; i < n; i++)
		if (!add_host(r, vfn[i]))
			return false;
	return add_namespace(r);
}

static bool is_empty(const struct rsv *r, struct nvsr_dev *d)
{
	uint8_t raw[64];

	/* GEN 3:0, RTYPE 4, REGCTL 6:5 are alike in both formats */
	return !rsv_report(d, r->nsid, r->wide, raw, sizeof(raw)) && !raw[4] && !raw[5] && !raw[6];
}

/* Whatever a test left and whatever the device forgot: become a registrant, then Clear, which any registrant may do. */
static bool clear_by_force(const struct rsv *r, const struct rsv_host *h)
{
	static const uint64_t key = 0x636c656172;
	uint32_t persist = r->rescap & RSV_RESCAP_PTPL ? NVME_CPTPL_CLEAR : 0;

	if (!rsv_release(h->dev, r->nsid, NVME_RRELA_CLEAR, h->key) && is_empty(r, h->dev))
		return true;
	if (rsv_register(h->dev, r->nsid, NVME_RREGA_REPLACE | NVME_RESV_IEKEY | persist, 0, key))
		rsv_register(h->dev, r->nsid, NVME_RREGA_REGISTER | persist, 0, key);
	return !rsv_release(h->dev, r->nsid, NVME_RRELA_CLEAR, key) && is_empty(r, h->dev);
}

/* A device that does not let go of a reservation would keep its namespace, and every later test from starting. */
static void clear_all(const struct rsv *r)
{
	unsigned i;

	for (i = 0; i < r->n; i++)
		if (r->h[i].dev && clear_by_force(r, &r->h[i]))
			return;
	if (nvsr_dev_can(r->t->pf) & NVSR_CAN_POWER_CYCLE)
		nvsr_reset(r->t->pf, NVSR_RESET_POWER);
}

void rsv_end(struct rsv *r)
{
	unsigned i;

	if (!r->t)
		return;
	if (r->nsid)
		clear_all(r);
	/* In some revisions the only way back to no Host Identifier. */
	for (i = 0; i < r->n; i++)
		if (!r->h[i].vfn && nvsr_dev_can(r->t->pf) & NVSR_CAN_CTRL_RESET)
			nvsr_reset(r->t->pf, NVSR_RESET_CTRL);
}

bool rsv_has(const struct rsv *r, unsigned type)
{
	return type > NVME_RESV_NONE && type < RSV_TYPES && r->rescap & 1u << type;
}

bool rsv_join(struct rsv *r, unsigned i)
{
	const struct rsv_host *h = &r->h[i];

	return CHECK_OK(r->t, rsv_text("%s registers", h->name), rsv_register(h->dev, r->nsid, NVME_RREGA_REGISTER, 0, h->key));
}

bool rsv_leave(struct rsv *r, unsigned i)
{
	const struct rsv_host *h = &r->h[i];

	return CHECK_OK(r->t, rsv_text("%s unregisters", h->name),
			rsv_register(h->dev, r->nsid, NVME_RREGA_UNREGISTER, h->key, 0));
}

bool rsv_hold(struct rsv *r, unsigned i, unsigned type)
{
	const struct rsv_host *h = &r->h[i];

	return CHECK_OK(r->t, rsv_text("%s acquires %s", h->name, rsv_type_name(type)),
			rsv_acquire(h->dev, r->nsid, NVME_RACQA_ACQUIRE | RSV_RTYPE(type), h->key, 0));
}

bool rsv_scene(struct rsv *r, unsigned type, unsigned members)
{
	unsigned i;

	for (i = 0; i < members; i++)
		if (!rsv_join(r, i))
			return false;
	return rsv_hold(r, 0, type);
}

bool rsv_clear(struct rsv *r, unsigned i)
{
	const struct rsv_host *h = &r->h[i];

	return CHECK_OK(r->t, rsv_text("%s clears", h->name), rsv_release(h->dev, r->nsid, NVME_RRELA_CLEAR, h->key)) &&
	       rsv_check(r, "after Clear", i, NVME_RESV_NONE, 0, 0);
}

/* --- what Report says ------------------------------------------------------------------------------------------ */

static uint64_t id_part(const uint8_t *bytes)
{
	le64_t v;

	memcpy(&v, bytes, sizeof(v));
	return le64_get(v);
}

static struct rsv_entry parse_entry(const struct nvme_resv_ctrl *e)
{
	return (struct rsv_entry){
		.cntlid = le16_get(e->cntlid), .rcsts = e->rcsts, .id = id_part(e->hostid), .key = le64_get(e->rkey),
	};
}

static struct rsv_entry parse_extended(const struct nvme_resv_ctrl_ext *e)
{
	return (struct rsv_entry){
		.cntlid = le16_get(e->cntlid), .rcsts = e->rcsts, .id = id_part(e->hostid), .id_high = id_part(e->hostid + 8),
		.key = le64_get(e->rkey),
	};
}

static void parse(const uint8_t *raw, bool eds, struct rsv_status *ret)
{
	const struct nvme_resv_report *head = (const void *)raw;
	const struct nvme_resv_ctrl *entry = (const void *)(raw + sizeof(*head));
	const struct nvme_resv_ctrl_ext *extended = (const void *)(raw + NVME_RESV_EXT_AT);
	unsigned i;

	*ret = (struct rsv_status){
		.gen = le32_get(head->gen), .rtype = head->rtype, .n = head->regctl[0] | head->regctl[1] << 8,
		.ptpls = head->ptpls,
	};
	for (i = 0; i < ret->n && i < RSV_ENTRIES; i++)
		ret->e[i] = eds ? parse_extended(&extended[i]) : parse_entry(&entry[i]);
}

bool rsv_read(struct rsv *r, struct nvsr_dev *d, struct rsv_status *ret)
{
	_cleanup_free_ uint8_t *raw = calloc(1, REPORT_BYTES);

	if (!raw) {
		broken(r->t, "no memory");
		return false;
	}
	if (!CHECK_OK(r->t, rsv_text("Reservation Report on %s", nvsr_dev_name(d)),
		      rsv_report(d, r->nsid, r->wide, raw, REPORT_BYTES)))
		return false;
	parse(raw, r->wide, ret);
	return true;
}

const struct rsv_entry *rsv_entry(const struct rsv_status *s, uint16_t cntlid)
{
	unsigned i;

	for (i = 0; i < s->n && i < RSV_ENTRIES; i++)
		if (s->e[i].cntlid == cntlid)
			return &s->e[i];
	return NULL;
}

static bool check_host(struct rsv *r, const char *when, const struct rsv_status *s, unsigned i, bool member, bool holder)
{
	const struct rsv_host *h = &r->h[i];
	const struct rsv_entry *e = rsv_entry(s, h->cntlid);
	bool ok;

	ok = CHECK(r->t, !e == !member, member ? "Report lists the controllers of registrants" :
		   "Report lists no controllers of other hosts", "%s: %s controller %u (%s)", when, e ? "lists" : "lacks",
		   h->cntlid, h->name);
	if (!e || !member)
		return ok;
	ok &= CHECK(r->t, e->key == h->key, "RKEY is the key that the host registered", "%s: %llxh for %s, registered %llxh",
		    when, (unsigned long long)e->key, h->name, (unsigned long long)h->key);
	ok &= CHECK(r->t, (e->rcsts & NVME_RCSTS_HOLDER) == holder, "RCSTS bit 0 is 1 for the holder and for nobody else",
		    "%s: %u for %s, which %s", when, e->rcsts & NVME_RCSTS_HOLDER, h->name, holder ? "holds" : "does not hold");
	return ok;
}

bool rsv_check(struct rsv *r, const char *when, unsigned via, unsigned type, unsigned members, unsigned holders)
{
	struct rsv_status s;
	unsigned i;
	bool ok;

	if (!rsv_read(r, r->h[via].dev, &s))
		return false;
	ok = CHECK(r->t, s.rtype == type, rsv_text("RTYPE %u, %s", type, rsv_type_name(type)), "%s: RTYPE %u, %s", when,
		   s.rtype, rsv_type_name(s.rtype));
	for (i = 0; i < r->n; i++)
		ok &= check_host(r, when, &s, i, members >> i & 1, holders >> i & 1);
	ok &= CHECK_EQ(r->t, rsv_text("%s: REGCTL", when), (unsigned)__builtin_popcount(members), s.n);
	return ok;
}

uint32_t rsv_gen(struct rsv *r, unsigned via)
{
	struct rsv_status s;

	return rsv_read(r, r->h[via].dev, &s) ? s.gen : UINT32_MAX;
}

/* --- data ------------------------------------------------------------------------------------------------------ */

void rsv_fill(struct rsv *r, void *buf, unsigned tag)
{
	uint8_t *b = buf;
	unsigned i;

	for (i = 0; i < r->block; i++)
		b[i] = (uint8_t)(tag * 41 + i * 13 + (i >> 8) + 1);
}

bool rsv_holds(struct rsv *r, const void *buf, unsigned tag)
{
	_cleanup_free_ uint8_t *want = malloc(r->block);

	if (!want)
		return false;
	rsv_fill(r, want, tag);
	return !memcmp(want, buf, r->block);
}

int rsv_rw(struct rsv *r, unsigned i, bool write, uint64_t lba, void *buf)
{
	return nvsr_rw(r->h[i].dev, write, r->nsid, lba, 1, buf, r->block);
}
