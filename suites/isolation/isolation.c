// SPDX-License-Identifier: GPL-2.0-or-later
/* Helpers of the isolation groups: VFs, tenants, traps for events. */
#include <stdarg.h>

#include "isolation.h"

const char *iso_text(const char *fmt, ...)
{
	static char buf[16][160];
	static unsigned next;
	char *s = buf[next++ % NVSR_ARRAY_SIZE(buf)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s, sizeof(buf[0]), fmt, ap);
	va_end(ap);
	return s;
}

bool iso_vfs(struct nvsr_ctx *t, unsigned nvq, struct nvsr_dev **ret_a, struct nvsr_dev **ret_b)
{
	if (!nvsr_t_enable_vfs(t, 2))
		return false;
	*ret_a = nvsr_t_vf_with(t, 1, nvq, nvq);
	*ret_b = *ret_a ? nvsr_t_vf_with(t, 2, nvq, nvq) : NULL;
	return *ret_b;
}

/* Any choice of resources makes the fixture bring the VF up anew. */
struct nvsr_dev *iso_next_tenant(struct nvsr_ctx *t, unsigned vfn)
{
	return nvsr_t_vf_with(t, vfn, 2, 2);
}

bool iso_private_ns(struct nvsr_ctx *t, struct nvsr_dev *d, struct dat_ns *ret)
{
	return dat_ns(t, false, ret) && dat_attach(t, ret, d);
}

bool iso_id(struct nvsr_ctx *t, struct nvsr_dev *d, struct nvme_id_ctrl *ret)
{
	int rc = nvsr_id_ctrl(d, ret);

	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "Identify Controller on %s: %s", nvsr_dev_name(d), nvsr_rc_text(rc));
	return !rc;
}

bool iso_listed(struct nvsr_dev *d, uint8_t cns, uint32_t nsid)
{
	_cleanup_free_ uint32_t *list = calloc(1024, sizeof(*list));
	unsigned n = 0, i;

	if (!list || nvsr_ns_list(d, cns, list, 1024, &n))
		return false;
	for (i = 0; i < n; i++)
		if (list[i] == nsid)
			return true;
	return false;
}

/* --- address spaces ----------------------------------------------------------------------------------------------- */

bool iso_guests(struct nvsr_ctx *t, struct iso_guest *a, struct iso_guest *b)
{
	int rc;

	if (!iso_vfs(t, 0, &a->d, &b->d) || !iso_private_ns(t, a->d, &a->ns) || !iso_private_ns(t, b->d, &b->ns))
		return false;
	rc = nvsr_dma_own_domain(a->d);
	if (!rc)
		rc = nvsr_dma_own_domain(b->d);
	if (rc)
		nvsr_test_broken(t, __FILE__, __LINE__, "address spaces for VF 1 and VF 2: %s", nvsr_rc_text(rc));
	return !rc;
}

uint64_t iso_faults(struct nvsr_dev *d, struct nvsr_dma_fault *ret)
{
	uint64_t n = 0;

	nvsr_faults_settled(d, &n, ret);
	return n;
}

/* An IOMMU tells faults that follow each other as one, and the kernel limits its messages. */
#define TRIES 3u

bool iso_check_refused(struct nvsr_ctx *t, struct nvsr_dev *b, const char *what, int (*renew)(struct nvsr_dev *d),
		       int (*access)(void *arg), void *arg)
{
	struct nvsr_dma_fault last = { 0 };
	bool told = false, refused = false;
	uint64_t now;
	int rc = 0;

	for (unsigned i = 0; i < TRIES && !rc && !refused && (told || !i); i++) {
		uint64_t before;

		if (!CHECK_OK(t, iso_text("Controller Reset of VF 2 before %s", what), renew(b)))
			return false;
		before = iso_faults(t->pf, NULL);
		rc = access(arg);
		told = !nvsr_dma_faults(t->pf, &now, NULL);
		refused = told && nvsr_fault_wait(t->pf, before, rc ? NVSR_QUIET_MS : NVSR_ARRIVE_MS, &last);
	}
	nvsr_note(t, "%s: %s, %s", what, nvsr_rc_text(rc), refused ? "access refused" : "no refused access seen");
	if (refused && !CHECK_EQ(t, iso_text("routing id of the refused access, %s", what), nvsr_dev_rid(b), last.rid))
		return false;
	return !told || CHECK(t, refused || rc, "the command fails or its access is refused",
			      "%s: success, and no access refused", what);
}

void iso_check_works(struct nvsr_ctx *t, struct iso_guest *g, unsigned tag)
{
	struct nvme_id_ctrl id;

	MUST_OK(t, iso_text("Identify Controller on %s", nvsr_dev_name(g->d)), nvsr_id_ctrl(g->d, &id));
	MUST_OK(t, iso_text("Write on %s", nvsr_dev_name(g->d)), dat_write(g->d, &g->ns, 0, 8, tag));
	MUST_OK(t, iso_text("Write on %s", nvsr_dev_name(g->d)), dat_write(g->d, &g->ns, 8, 1, tag));
}

/* --- events ------------------------------------------------------------------------------------------------------- */

static void forget(struct iso_trap *w, unsigned i)
{
	nvsr_req_forget(w->req[i]);
	w->req[i] = w->req[--w->count];
}

void iso_trap_end(struct iso_trap *w)
{
	while (w->count)
		forget(w, 0);
	if (w->dev)
		nvsr_reset(w->dev, NVSR_RESET_CTRL);
	w->dev = NULL;
}

int iso_trap_add(struct iso_trap *w)
{
	struct nvsr_cmd aer = { .opcode = NVME_ADMIN_AER };
	struct nvsr_queue *q = nvsr_queue_admin(w->dev);
	int rc = q && w->count < ISO_AERS ? nvsr_queue_submit(q, &aer, &w->req[w->count]) : -ENOTCONN;

	if (!rc)
		w->count++;
	return rc;
}

static bool any_done(struct nvsr_dev *d, void *arg)
{
	struct iso_trap *w = arg;
	unsigned i;

	for (i = 0; i < w->count; i++) {
		if (!nvsr_req_done(w->req[i], &w->result))
			continue;
		forget(w, i);
		return true;
	}
	return false;
}

bool iso_trap_sprung(struct iso_trap *w, unsigned ms)
{
	return nvsr_dev_wait(w->dev, ms, any_done, w);
}

bool iso_trap_begin(struct nvsr_ctx *t, struct iso_trap *w, struct nvsr_dev *d, unsigned n)
{
	uint8_t log[4096];
	unsigned tries;
	int rc = 0;

	w->dev = d;
	for (tries = 0; tries < 16 && !rc; tries++) {
		while (!rc && w->count < n)
			rc = iso_trap_add(w);
		if (rc || !iso_trap_sprung(w, ISO_EVENT_MS))
			break;
		nvsr_get_log(d, w->result.dw0 >> 16 & 0xff, NVME_NSID_ALL, false, log, sizeof(log));
	}
	if (!rc && tries < 16)
		return true;
	nvsr_test_broken(t, __FILE__, __LINE__, "%u Asynchronous Event Requests on %s: %s", n, nvsr_dev_name(d),
			 rc ? nvsr_rc_text(rc) : "events arrive without end");
	return false;
}

/* The first id above all that the controller granted. */
int iso_provoke(struct nvsr_dev *d)
{
	uint32_t granted = 0;
	uint64_t cap;
	int rc = nvsr_reg_read(d, NVME_REG_CAP, 8, &cap);

	if (!rc)
		rc = nvsr_get_feature(d, NVME_FEAT_NUM_QUEUES, 0, 0, NULL, 0, &granted);
	if (rc)
		return rc;
	return nvsr_reg_write(d, NVME_REG_DBS + 2 * (NVSR_MAX(granted & 0xffff, granted >> 16) + 2) *
			      (4u << NVME_CAP_DSTRD(cap)), 4, 1);
}
