// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prepared devices: VFs brought up, namespaces created.  What cannot be prepared is recorded as broken or skip, never as a
 * failure of the device; everything is undone after the test, and the snapshot comparison of the group proves it.
 */
#include "base/text.h"
#include "test/private.h"

/* VFs enabled when a test asks for one without saying how many: room for a sibling or two. */
#define DEFAULT_VFS 4

#define broken(t, ...) nvsr_test_broken(t, __FILE__, __LINE__, __VA_ARGS__)

const struct nvsr_inventory *nvsr_t_reread(struct nvsr_ctx *t)
{
	struct nvsr_ctx_private *p = t->priv;
	struct nvsr_inventory fresh = { 0 };
	int rc = nvsr_stop ? -EINTR : nvsr_inventory_read(t->pf, &fresh);

	if (rc) {
		broken(t, "inventory of the device: %s", nvsr_rc_text(rc));
		return NULL;
	}
	if (p->now_valid)
		nvsr_inventory_free(&p->now);
	p->now = fresh;
	p->now_valid = true;
	return &p->now;
}

uint16_t nvsr_t_pcid(struct nvsr_ctx *t)
{
	return le16_get(t->inv->id.cntlid);
}

int nvsr_t_scid(struct nvsr_ctx *t, unsigned vfn)
{
	const struct nvme_secondary_ctrl *sc = nvsr_inventory_vf(t->inv, vfn);

	if (!sc) {
		nvsr_test_skip(t, "no secondary controller has VF number %u", vfn);
		return -1;
	}
	return le16_get(sc->scid);
}

static void close_vf(struct nvsr_ctx *t, unsigned vfn)
{
	if (vfn < t->priv->vf_count)
		t->priv->vf[vfn] = nvsr_dev_close(t->priv->vf[vfn]);
}

static bool any_vf_open(const struct nvsr_ctx *t)
{
	for (unsigned i = 0; i < t->priv->vf_count; i++)
		if (t->priv->vf[i])
			return true;
	return false;
}

/* The slots for open VFs; false after recording broken. */
static bool have_slots(struct nvsr_ctx *t)
{
	struct nvsr_ctx_private *p = t->priv;
	unsigned n = t->inv->sriov.total_vfs + 1u;

	if (p->vf)
		return true;
	p->vf = calloc(n, sizeof(struct nvsr_dev *));
	p->bare = calloc(n, sizeof(*p->bare));
	p->vf_count = n;
	if (!p->vf || !p->bare)
		broken(t, "no memory");
	return p->vf && p->bare;
}

static bool has_vfs(struct nvsr_ctx *t, unsigned n)
{
	if (t->priv->guard == NVSR_GUARD_READ) {
		nvsr_test_skip(t, NVSR_VFS_OF_OTHERS);
		return false;
	}
	if (t->inv->sriov.total_vfs >= n)
		return true;
	nvsr_test_skip(t, "the device has %u VFs, the test needs %u", t->inv->sriov.total_vfs, n);
	return false;
}

bool nvsr_t_enable_vfs(struct nvsr_ctx *t, unsigned n)
{
	unsigned now = 0;
	int rc;

	if (nvsr_stop || !has_vfs(t, n))
		return false;
	for (unsigned i = 0; i < t->priv->vf_count; i++)
		close_vf(t, i);
	rc = nvsr_get_numvfs(t->pf, &now);
	if (!rc && now == n)
		return true;
	/* The number is changed by way of 0, as PCIe 9.3.3.7 and the kernel want it. */
	if (!rc && now)
		rc = nvsr_set_numvfs(t->pf, 0);
	if (!rc && n)
		rc = nvsr_set_numvfs(t->pf, n);
	if (rc)
		broken(t, "enabling %u VFs: %s", n, nvsr_rc_text(rc));
	return !rc;
}

/* At least @vfn VFs enabled, without taking VFs away that the test has open. */
static bool enable_at_least(struct nvsr_ctx *t, unsigned vfn)
{
	unsigned now = 0;
	int rc;

	if (nvsr_stop || !vfn || !has_vfs(t, vfn) || !have_slots(t))
		return false;
	rc = nvsr_get_numvfs(t->pf, &now);
	if (rc) {
		broken(t, "reading the number of VFs: %s", nvsr_rc_text(rc));
		return false;
	}
	if (now >= vfn)
		return true;
	if (any_vf_open(t)) {
		broken(t, "VF %u needed while only %u VFs are enabled and some are open: enable enough of them first", vfn, now);
		return false;
	}
	return nvsr_t_enable_vfs(t, NVSR_MAX(vfn, NVSR_MIN(t->inv->sriov.total_vfs, DEFAULT_VFS)));
}

struct nvsr_dev *nvsr_t_vf_with(struct nvsr_ctx *t, unsigned vfn, unsigned nvq, unsigned nvi)
{
	struct nvsr_ctx_private *p = t->priv;
	int rc;

	if (!enable_at_least(t, vfn))
		return NULL;
	if (p->vf[vfn] && !p->bare[vfn] && !nvq && !nvi)
		return p->vf[vfn];
	close_vf(t, vfn);
	rc = nvsr_vf_bring_up(t->pf, t->inv, vfn, nvq, nvi, &p->vf[vfn]);
	if (rc) {
		p->vf[vfn] = NULL;
		broken(t, "bringing VF %u up: %s", vfn, nvsr_rc_text(rc));
		return NULL;
	}
	p->bare[vfn] = false;
	return p->vf[vfn];
}

struct nvsr_dev *nvsr_t_vf(struct nvsr_ctx *t, unsigned vfn)
{
	return nvsr_t_vf_with(t, vfn, 0, 0);
}

struct nvsr_dev *nvsr_t_vf_bare(struct nvsr_ctx *t, unsigned vfn)
{
	struct nvsr_ctx_private *p = t->priv;
	int rc;

	if (!enable_at_least(t, vfn))
		return NULL;
	if (p->vf[vfn])
		return p->vf[vfn];
	rc = nvsr_dev_open_vf(t->pf, vfn, &p->vf[vfn]);
	if (rc) {
		p->vf[vfn] = NULL;
		if (rc == -EAGAIN || rc == -ENOTSUP)
			nvsr_test_skip(t, "VF %u cannot be opened by this access method: %s", vfn, nvsr_rc_text(rc));
		else
			broken(t, "opening VF %u: %s", vfn, nvsr_rc_text(rc));
		return NULL;
	}
	p->bare[vfn] = true;
	return p->vf[vfn];
}

/* --- namespaces ------------------------------------------------------------------------------------------------------ */

/* Capabilities common to all namespaces, or - where the device has no such page - those of an allocated one. */
static int common_ns(struct nvsr_ctx *t, struct nvme_id_ns *ret)
{
	uint32_t nsid;
	unsigned n = 0;
	int rc = nvsr_identify(t->pf, NVME_CNS_NS, NVME_NSID_ALL, 0, ret);

	if (!rc && nvme_lbaf_bytes(&ret->lbaf[0]))
		return 0;
	if (!nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, &nsid, 1, &n) && n)
		rc = nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, ret);
	return rc ? rc : nvme_lbaf_bytes(&ret->lbaf[0]) ? 0 : -ENODATA;
}

static bool keep_ns(struct nvsr_ctx *t, uint32_t nsid, bool borrowed)
{
	struct nvsr_ctx_private *p = t->priv;
	struct fixture_ns *ns = realloc(p->ns, (p->ns_count + 1) * sizeof(*ns));

	if (!ns) {
		broken(t, "no memory");
		return false;
	}
	p->ns = ns;
	ns[p->ns_count++] = (struct fixture_ns){ .nsid = nsid, .borrowed = borrowed };
	return true;
}

static bool is_kept(const struct nvsr_ctx *t, uint32_t nsid)
{
	for (unsigned i = 0; i < t->priv->ns_count; i++)
		if (t->priv->ns[i].nsid == nsid)
			return true;
	return false;
}

/* An allocated namespace of the wanted kind and size (format 0) that no controller has attached; 0 when there is none. */
static uint32_t find_detached(struct nvsr_ctx *t, uint64_t blocks, bool shared)
{
	_cleanup_free_ struct nvme_ctrl_list *list = malloc(sizeof(*list));
	_cleanup_free_ struct nvme_id_ns *id = malloc(sizeof(*id));
	uint32_t nsid[64];
	unsigned n = 0;

	if (!list || !id || nvsr_ns_list(t->pf, NVME_CNS_ALLOCATED_NS, nsid, NVSR_ARRAY_SIZE(nsid), &n))
		return 0;
	for (unsigned i = 0; i < n; i++) {
		if (is_kept(t, nsid[i]) || nvsr_identify(t->pf, NVME_CNS_ALLOCATED_NS_ID, nsid[i], 0, id) ||
		    nvsr_identify(t->pf, NVME_CNS_NS_CTRLS, nsid[i], 0, list))
			continue;
		if (!le16_get(list->num) && le64_get(id->nsze) >= blocks && !NVME_FLBAS_INDEX(id->flbas) &&
		    !!(id->nmic & NVME_NMIC_SHARED) == shared)
			return nsid[i];
	}
	return 0;
}

uint32_t nvsr_t_ns(struct nvsr_ctx *t, unsigned mib, bool shared)
{
	_cleanup_free_ struct nvme_id_ns *id = malloc(sizeof(*id));
	uint32_t nsid = 0;
	uint64_t blocks;
	int rc = nvsr_stop ? -EINTR : id ? common_ns(t, id) : -ENOMEM;

	if (rc) {
		broken(t, "formats of namespaces: %s", nvsr_rc_text(rc));
		return 0;
	}
	blocks = ((uint64_t)mib << 20) / nvme_lbaf_bytes(&id->lbaf[0]);
	rc = nvsr_ns_create(t->pf, blocks, 0, shared, &nsid);
	if (!rc)
		return keep_ns(t, nsid, false) ? nsid : 0;
	if (rc == NVME_SC_INVALID_OPCODE) {
		/* QEMU reports the capability, attaches and detaches, but has no create: its namespaces are made outside. */
		nsid = find_detached(t, blocks, shared);
		if (nsid)
			return keep_ns(t, nsid, true) ? nsid : 0;
		nvsr_test_skip(t, "the device rejects Namespace Management create (%s), and no detached %s namespace of %u MiB is there",
			       nvsr_rc_text(rc), shared ? "shared" : "private", mib);
	} else if (rc == NVME_SC_NS_INSUFFICIENT_CAP || rc == NVME_SC_NSID_UNAVAILABLE) {
		nvsr_test_skip(t, "no room for a namespace of %u MiB beside those in use: %s", mib, nvsr_rc_text(rc));
	} else {
		broken(t, "creating a namespace of %u MiB: %s", mib, nvsr_rc_text(rc));
	}
	return 0;
}

void nvsr_t_ns_gone(struct nvsr_ctx *t, uint32_t nsid)
{
	struct nvsr_ctx_private *p = t->priv;

	for (unsigned i = 0; i < p->ns_count; i++)
		if (p->ns[i].nsid == nsid)
			p->ns[i] = p->ns[--p->ns_count];
}

void nvsr_fixtures_clean(struct nvsr_ctx *t)
{
	struct nvsr_ctx_private *p = t->priv;

	for (unsigned i = 0; i < p->vf_count; i++)
		close_vf(t, i);
	/* Delete detaches by itself (Base 8.11).  What remains, and borrowed ones, the snapshot restore puts right. */
	for (unsigned i = 0; i < p->ns_count; i++)
		if (!p->ns[i].borrowed)
			nvsr_ns_delete(t->pf, p->ns[i].nsid);
	free(p->vf);
	free(p->bare);
	free(p->ns);
	if (p->now_valid)
		nvsr_inventory_free(&p->now);
	p->vf = NULL;
	p->bare = NULL;
	p->ns = NULL;
	p->vf_count = p->ns_count = 0;
	p->now_valid = false;
}
