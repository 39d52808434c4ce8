// SPDX-License-Identifier: GPL-2.0-or-later
/* Helpers of the vf groups: pools, accounts, and secondary controllers in a known state. */
#include <stdarg.h>

#include "vf.h"

#define CAP_TO_UNIT_MS 500u

const char *vf_text(const char *fmt, ...)
{
	static char buf[8][160];
	static unsigned next;
	char *s = buf[next++ % NVSR_ARRAY_SIZE(buf)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(buf[0]), fmt, ap);
	va_end(ap);
	return s;
}

/* A fielded quirk: the primary lists itself.  It is no secondary, so nothing is done to it or counted of it. */
static bool is_self(const struct nvme_secondary_ctrl *e)
{
	return le16_get(e->scid) == le16_get(e->pcid);
}

unsigned vf_count(const struct nvme_secondary_ctrl *e, unsigned rt)
{
	return le16_get(rt == NVME_VIRT_RT_VQ ? e->nvq : e->nvi);
}

static void fill_pool(const struct nvsr_inventory *inv, unsigned rt, struct vf_pool *ret)
{
	const struct nvme_primary_caps *c = &inv->primary;
	bool vq = rt == NVME_VIRT_RT_VQ;
	unsigned i;

	*ret = (struct vf_pool){
		.rt = rt, .name = vq ? "VQ" : "VI", .minimum = vq ? 2 : 1,
		.total = le32_get(vq ? c->vqfrt : c->vifrt), .assigned = le32_get(vq ? c->vqrfa : c->virfa),
		.primary = le16_get(vq ? c->vqrfap : c->virfap), .priv = le16_get(vq ? c->vqprt : c->viprt),
		.max = le16_get(vq ? c->vqfrsm : c->vifrsm),
	};
	for (i = 0; i < inv->sec_count; i++)
		if (!is_self(&inv->sec[i]))
			ret->sum += vf_count(&inv->sec[i], rt);
}

static unsigned pools_of(const struct nvsr_inventory *inv, struct vf_pool ret[2])
{
	unsigned n = 0;

	if (inv->primary.crt & NVME_CRT_VQ)
		fill_pool(inv, NVME_VIRT_RT_VQ, &ret[n++]);
	if (inv->primary.crt & NVME_CRT_VI)
		fill_pool(inv, NVME_VIRT_RT_VI, &ret[n++]);
	return n;
}

/* The inventory with both virtualization structures, or NULL after recording. */
static const struct nvsr_inventory *reread(struct nvsr_ctx *t)
{
	const struct nvsr_inventory *inv = nvsr_t_reread(t);

	if (inv && (!inv->has_primary || !inv->sec)) {
		nvsr_test_broken(t, __FILE__, __LINE__, "the PF does not answer Identify CNS %s",
				 inv->has_primary ? "15h" : "14h");
		return NULL;
	}
	return inv;
}

unsigned vf_pools(struct nvsr_ctx *t, struct vf_pool ret[2])
{
	const struct nvsr_inventory *inv = reread(t);
	unsigned n;

	if (!inv)
		return 0;
	n = pools_of(inv, ret);
	if (!n)
		nvsr_test_skip(t, "the primary reports no flexible resource type (CRT 0)");
	return n;
}

int vf_offline(struct nvsr_ctx *t, uint16_t scid)
{
	return nvsr_virt_mgmt(t->pf, scid, 0, NVME_VIRT_OFFLINE, 0, NULL);
}

int vf_online(struct nvsr_ctx *t, uint16_t scid)
{
	return nvsr_virt_mgmt(t->pf, scid, 0, NVME_VIRT_ONLINE, 0, NULL);
}

int vf_assign(struct nvsr_ctx *t, uint16_t scid, unsigned rt, unsigned nr, unsigned *ret_nrm)
{
	return nvsr_virt_mgmt(t->pf, scid, rt, NVME_VIRT_ASSIGN, nr, ret_nrm);
}

int vf_assign_min(struct nvsr_ctx *t, uint16_t scid, unsigned nvq, unsigned nvi)
{
	int rc = 0;

	if (t->inv->primary.crt & NVME_CRT_VQ)
		rc = vf_assign(t, scid, NVME_VIRT_RT_VQ, NVSR_MAX(nvq, 2u), NULL);
	if (!rc && t->inv->primary.crt & NVME_CRT_VI)
		rc = vf_assign(t, scid, NVME_VIRT_RT_VI, NVSR_MAX(nvi, 1u), NULL);
	return rc;
}

/* Take everything away from the secondaries.  Those that have nothing are left alone. */
static bool release_all(struct nvsr_ctx *t, const struct nvsr_inventory *inv)
{
	unsigned i;

	for (i = 0; i < inv->sec_count; i++) {
		const struct nvme_secondary_ctrl *e = &inv->sec[i];
		struct vf_pool pool[2];
		unsigned n = pools_of(inv, pool), k, held = e->scs & NVME_SCS_ONLINE;
		int rc;

		for (k = 0; k < n; k++)
			held += vf_count(e, pool[k].rt);
		if (is_self(e) || !held)
			continue;
		rc = vf_offline(t, le16_get(e->scid));
		if (rc) {
			nvsr_test_broken(t, __FILE__, __LINE__, "taking controller %u Offline: %s", le16_get(e->scid),
					 nvsr_rc_text(rc));
			return false;
		}
	}
	return true;
}

/* The primary may hold the whole pool, as delivered by some makers: Base 5.28 ACT 1h, in force after an FLR. */
static bool make_room(struct nvsr_ctx *t)
{
	struct vf_pool pool[2];
	const struct nvsr_inventory *inv = reread(t);
	unsigned n = inv ? pools_of(inv, pool) : 0, i;
	bool changed = false;
	int rc = 0;

	for (i = 0; i < n && !rc; i++) {
		if (!pool[i].primary || vf_free(&pool[i]) >= 2 * pool[i].minimum)
			continue;
		rc = nvsr_virt_mgmt(t->pf, nvsr_t_pcid(t), pool[i].rt, NVME_VIRT_PRIMARY_FLEXIBLE, 0, NULL);
		changed = true;
	}
	if (!inv || !changed)
		return inv;
	if (!rc && !(nvsr_dev_can(t->pf) & NVSR_CAN_FLR)) {
		nvsr_test_skip(t, "the primary holds the flexible resources, and giving them back takes an FLR of the PF");
		return false;
	}
	/* An FLR of the PF takes its VFs away. */
	if (!rc && !nvsr_t_enable_vfs(t, 0))
		return false;
	if (!rc)
		rc = nvsr_reset(t->pf, NVSR_RESET_FLR);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "giving back the primary's flexible resources: %s",
				 nvsr_rc_text(rc));
	return !rc;
}

bool vf_enable_again(struct nvsr_ctx *t, unsigned n)
{
	return nvsr_t_enable_vfs(t, 0) && nvsr_t_enable_vfs(t, n);
}

/* Further VFs do no harm where some are wanted, and the operating system takes a second to disable them. */
static bool at_least(struct nvsr_ctx *t, unsigned vfs)
{
	unsigned now;

	return !vfs || (!nvsr_get_numvfs(t->pf, &now) && now >= vfs) || nvsr_t_enable_vfs(t, vfs);
}

bool vf_start(struct nvsr_ctx *t, unsigned vfs)
{
	const struct nvsr_inventory *inv;

	/* Without Virtualization Management a VF is usable as it is. */
	if (!(t->inv->has & NVSR_NEED(VIRT_MGMT)))
		return at_least(t, vfs);
	inv = reread(t);
	return inv && release_all(t, inv) && make_room(t) && at_least(t, vfs);
}

bool vf_secondaries(struct nvsr_ctx *t, unsigned min, uint16_t *ret, unsigned max, unsigned *ret_n)
{
	unsigned i, n = 0;

	for (i = 0; i < t->inv->sec_count && n < max; i++)
		if (!is_self(&t->inv->sec[i]))
			ret[n++] = le16_get(t->inv->sec[i].scid);
	if (n < min) {
		nvsr_test_skip(t, "the primary has %u secondary controllers, the test takes %u", n, min);
		return false;
	}
	if (ret_n)
		*ret_n = n;
	return true;
}

int vf_raise(struct nvsr_ctx *t, unsigned vfn, unsigned nvq, unsigned nvi)
{
	struct nvsr_dev *vf = nvsr_t_vf_bare(t, vfn);
	int scid = vf ? nvsr_t_scid(t, vfn) : -1, rc;

	if (scid < 0)
		return -1;
	rc = vf_offline(t, (uint16_t)scid);
	if (!rc)
		rc = vf_assign_min(t, (uint16_t)scid, nvq, nvi);
	if (!rc && nvsr_dev_can(vf) & NVSR_CAN_FLR)
		rc = nvsr_reset(vf, NVSR_RESET_FLR);
	if (!rc)
		rc = vf_online(t, (uint16_t)scid);
	if (!rc)
		return scid;
	nvsr_test_broken(t, __FILE__, __LINE__, "bringing VF %u (controller %d) Online: %s", vfn, scid, nvsr_rc_text(rc));
	return -1;
}

bool vf_list_take(struct nvsr_ctx *t, struct vf_list *ret)
{
	int rc;

	vf_list_free(ret);
	rc = nvsr_secondary_list(t->pf, &ret->sec, &ret->n);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "Identify CNS 15h: %s", nvsr_rc_text(rc));
	return !rc;
}

bool vf_entry(struct nvsr_ctx *t, uint16_t scid, struct nvme_secondary_ctrl *ret)
{
	_cleanup_list_ struct vf_list now = { 0 };
	unsigned i;

	if (!vf_list_take(t, &now))
		return false;
	for (i = 0; i < now.n; i++) {
		if (le16_get(now.sec[i].scid) != scid)
			continue;
		*ret = now.sec[i];
		return true;
	}
	return CHECK(t, false, "every secondary in CNS 15h, whatever its state", "controller %u is missing", scid);
}

bool vf_check_entry(struct nvsr_ctx *t, const char *when, uint16_t scid, int online, int nvq, int nvi)
{
	struct nvme_secondary_ctrl e;
	bool ok = true;

	if (!vf_entry(t, scid, &e))
		return false;
	if (online >= 0)
		ok = CHECK_EQ(t, vf_text("%s: SCS of controller %u (1 Online)", when, scid), (unsigned)online,
			      e.scs & NVME_SCS_ONLINE);
	if (nvq >= 0 && t->inv->primary.crt & NVME_CRT_VQ)
		ok &= CHECK_EQ(t, vf_text("%s: NVQ of controller %u", when, scid), (unsigned)nvq, le16_get(e.nvq));
	if (nvi >= 0 && t->inv->primary.crt & NVME_CRT_VI)
		ok &= CHECK_EQ(t, vf_text("%s: NVI of controller %u", when, scid), (unsigned)nvi, le16_get(e.nvi));
	return ok;
}

bool vf_check_accounts(struct nvsr_ctx *t, const char *when)
{
	const struct nvsr_inventory *inv = reread(t);
	struct vf_pool pool[2];
	unsigned n = inv ? pools_of(inv, pool) : 0, i;
	bool ok = inv;

	for (i = 0; i < n; i++) {
		const struct vf_pool *p = &pool[i];

		ok &= CHECK(t, p->assigned == p->sum, "RFA of CNS 14h is the sum over CNS 15h",
			    "%s: %sRFA %u, sum %u", when, p->name, p->assigned, p->sum);
		ok &= CHECK(t, p->sum + p->primary <= p->total, "not more is assigned than RFT of CNS 14h",
			    "%s: %s %u at secondaries and %u at the primary of %u", when, p->name, p->sum, p->primary,
			    p->total);
	}
	return ok;
}

bool vf_check_unchanged(struct nvsr_ctx *t, const char *what, const struct vf_list *before)
{
	_cleanup_list_ struct vf_list now = { 0 };
	unsigned i;

	if (!vf_list_take(t, &now))
		return false;
	if (!CHECK(t, now.n == before->n, "CNS 15h as before", "%s: %u secondaries, before %u", what, now.n, before->n))
		return false;
	for (i = 0; i < now.n; i++) {
		const struct nvme_secondary_ctrl *a = &before->sec[i], *b = &now.sec[i];

		if (memcmp(a, b, sizeof(*a)))
			return CHECK(t, false, "CNS 15h as before",
				     "%s: controller %u had SCS %u NVQ %u NVI %u, has SCS %u NVQ %u NVI %u", what,
				     le16_get(a->scid), a->scs, le16_get(a->nvq), le16_get(a->nvi), b->scs, le16_get(b->nvq),
				     le16_get(b->nvi));
	}
	return CHECK(t, true, "CNS 15h as before", "%s", what);
}

uint32_t vf_csts(struct nvsr_dev *d)
{
	uint64_t v;

	return nvsr_reg_read(d, NVME_REG_CSTS, 4, &v) ? 0xffffffffu : (uint32_t)v;
}

static bool rdy_is(struct nvsr_dev *d, void *want)
{
	uint32_t csts = vf_csts(d);

	return csts != 0xffffffffu && (csts & NVME_CSTS_RDY) == (*(bool *)want ? NVME_CSTS_RDY : 0);
}

bool vf_wait_rdy(struct nvsr_dev *d, bool rdy, unsigned ms)
{
	return nvsr_dev_wait(d, ms, rdy_is, &rdy);
}

unsigned vf_timeout_ms(struct nvsr_dev *d)
{
	uint64_t cap;

	if (nvsr_reg_read(d, NVME_REG_CAP, 8, &cap) || cap == UINT64_MAX || !NVME_CAP_TO(cap))
		return CAP_TO_UNIT_MS;
	return NVME_CAP_TO(cap) * CAP_TO_UNIT_MS;
}
