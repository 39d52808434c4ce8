// SPDX-License-Identifier: GPL-2.0-or-later
/* From a profile to the numbers the model works with: every unknown gets the model's default here and nowhere else. */
#include "model/bus.h"

#define VFS_MAX		8192u
#define QUEUES_MAX	1024u	/* doorbells take 8 bytes each */
#define VECTORS_MAX	2048u	/* MXC.TS has 11 bits */
#define BAR_MAX		(16u << 20)
#define NN_MAX		65536u	/* namespaces are kept, and looked at, by NSID */

static unsigned num(int64_t v, unsigned otherwise)
{
	return v == NVSR_UNKNOWN ? otherwise : (unsigned)v;
}

/* What a device offers about which its profile is silent. */
static bool has(const struct nvsr_profile *p, enum nvsr_need_id id, bool otherwise)
{
	return p->claims[id] == NVSR_CLAIM_SILENT ? otherwise : p->claims[id] == NVSR_CLAIM_YES;
}

/* Profiles hold globs: '*' disappears, '?' becomes a letter, so that the value matches its own glob. */
static void text(char *ret, size_t size, const char *glob, const char *otherwise)
{
	size_t n = 0;

	for (const char *s = glob ? glob : otherwise; *s && n + 1 < size; s++)
		if (*s != '*')
			ret[n++] = *s == '?' ? 'X' : *s;
	ret[n] = 0;
}

static void identity(struct m_conf *f, const struct nvsr_profile *p)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	text(f->mn, sizeof(f->mn), p->identity.model, "NVSR REFERENCE MODEL");
	text(f->sn, sizeof(f->sn), p->identity.serial, "NVSR00000001");
	text(f->fr, sizeof(f->fr), p->identity.firmware, "1.0");
	f->vid = (uint16_t)num(p->identity.vendor, 0x1234);
	f->did = (uint16_t)num(p->identity.device, 0x5352);
	f->vf_did = (uint16_t)num(p->identity.vf_device, f->did);
	f->ssvid = (uint16_t)num(p->identity.subsystem_vendor, f->vid);
	f->ssid = (uint16_t)num(p->identity.subsystem_device, 1);
	for (const char *s = f->mn; *s; s++)
		hash = (hash ^ (uint8_t)*s) * 0x100000001b3ull;
	for (const char *s = f->sn; *s; s++)
		hash = (hash ^ (uint8_t)*s) * 0x100000001b3ull;
	snprintf(f->subnqn, sizeof(f->subnqn), "nqn.2014-08.org.nvmexpress:uuid:%08x-%04x-4%03x-8%03x-%012llx",
		 (unsigned)(hash >> 32), (unsigned)(hash >> 16 & 0xffff), (unsigned)(hash >> 4 & 0xfff),
		 (unsigned)(hash & 0xfff), (unsigned long long)(hash >> 8 & 0xffffffffffff));
}

static void features(struct m_conf *f, const struct nvsr_profile *p)
{
	f->sriov = has(p, NVSR_NEED_ID_SRIOV, true) && p->sriov.total_vfs != 0;
	f->virt_mgmt = f->sriov && has(p, NVSR_NEED_ID_VIRT_MGMT, true);
	f->online_only = p->quirks.online_only == 1;
	f->primary_in_list = p->quirks.primary_in_secondary_list == 1;
	f->vq = f->virt_mgmt && !f->online_only && has(p, NVSR_NEED_ID_VQ, true) && p->resources.vq_flexible != 0;
	f->vi = f->virt_mgmt && !f->online_only && has(p, NVSR_NEED_ID_VI, true) && p->resources.vi_flexible != 0;
	/* Virtualization Enhancements imply the Namespace Management capability, Base 8.26. */
	f->ns_mgmt = f->virt_mgmt || has(p, NVSR_NEED_ID_NS_MGMT, true);
	f->ns_changed = has(p, NVSR_NEED_ID_NS_CHANGED, true);
	f->compare = has(p, NVSR_NEED_ID_COMPARE, true);
	f->dsm = has(p, NVSR_NEED_ID_DSM, true);
	f->write_zeroes = has(p, NVSR_NEED_ID_WRITE_ZEROES, true);
	f->nswp = has(p, NVSR_NEED_ID_NSWP, true);
	f->thin = has(p, NVSR_NEED_ID_THIN, false);
	f->granularity = has(p, NVSR_NEED_ID_NS_GRANULES, true) && p->namespaces.granularity_bytes != 0;
	f->nssr = has(p, NVSR_NEED_ID_NSSR, true);
	f->resv = has(p, NVSR_NEED_ID_RESERVATIONS, true);
	f->ptpl = f->resv && has(p, NVSR_NEED_ID_PTPL, true);
	f->format = has(p, NVSR_NEED_ID_FORMAT, true);
	f->crypto = f->format && has(p, NVSR_NEED_ID_CRYPTO, true);
	f->sanitize = has(p, NVSR_NEED_ID_SANITIZE, true);
	f->fused = f->compare && has(p, NVSR_NEED_ID_FUSED, true);
	f->copy = has(p, NVSR_NEED_ID_COPY, true);
	f->verify = has(p, NVSR_NEED_ID_VERIFY, true);
	f->dulbe = has(p, NVSR_NEED_ID_DULBE, true);
	f->ocp = has(p, NVSR_NEED_ID_OCP, false);
	f->dbbuf = has(p, NVSR_NEED_ID_DBBUF, false);
	f->sgl = has(p, NVSR_NEED_ID_SGL, true);
	f->migration = f->sriov && has(p, NVSR_NEED_ID_MIGRATION, false);
}

static void controllers(struct m_conf *f, const struct nvsr_profile *p)
{
	bool limit = has(p, NVSR_NEED_ID_ATTACH_LIMIT, false);
	unsigned pages = num(p->controller.mdts_pages, 128);

	f->vs = num(p->controller.version, 0x20000);
	f->pf_cntlid = (uint16_t)num(p->controller.pf_cntlid, 0);
	f->vf_cntlid = (uint16_t)num(p->controller.vf_first_cntlid, f->pf_cntlid + 1u);
	f->portid = 0;
	f->nn = num(p->controller.nn, 128);
	f->mnan = num(p->controller.mnan, f->nn);
	f->maxdna = num(p->controller.max_attachments_domain, limit ? 64 : 0);
	f->maxcna = num(p->controller.max_attachments_ctrl, limit ? 16 : 0);
	while (pages > 1u << f->mdts)
		f->mdts++;
	f->mqes = NVSR_MIN(num(p->controller.mqes, 1024), 65536u) - 1;
	while (4u << f->dstrd < num(p->controller.doorbell_stride, 4))
		f->dstrd++;
	f->aerl = NVSR_MIN(num(p->controller.aerl, 4), (unsigned)M_MAX_AERS) - 1;
	f->elpe = NVSR_MIN(num(p->controller.elpe, 64), 256u) - 1;
}

static void resources(struct m_conf *f, const struct nvsr_profile *p)
{
	const unsigned each = 9;	/* one admin and eight I/O queue pairs for every VF */

	f->vq_private = num(p->resources.vq_private, 33);
	f->vi_private = num(p->resources.vi_private, num(p->sriov.pf_msix_vectors, 33));
	f->vq_flexible = f->vq ? num(p->resources.vq_flexible, f->total_vfs * each) : 0;
	f->vi_flexible = f->vi ? num(p->resources.vi_flexible, f->total_vfs * each) : 0;
	f->vq_secondary_max = f->vq ? num(p->resources.vq_secondary_max, NVSR_MIN(f->vq_flexible, 2 * each)) : 0;
	f->vi_secondary_max = f->vi ? num(p->resources.vi_secondary_max, NVSR_MIN(f->vi_flexible, 2 * each)) : 0;
	f->vq_gran = f->vq ? num(p->resources.vq_granularity, 1) : 0;
	f->vi_gran = f->vi ? num(p->resources.vi_granularity, 1) : 0;
	f->sec_vq = f->vq ? 0 : num(p->resources.secondary_private_vq, each);
	f->sec_vi = f->vi ? 0 : num(p->resources.secondary_private_vi, each);
}

static void namespaces(struct m_conf *f, const struct nvsr_profile *p)
{
	static const struct nvsr_lbaf defaults[] = { { 512, 0, 0 }, { 4096, 0, 0 } };
	const struct nvsr_lbaf *formats = p->namespaces.formats_count ? p->namespaces.formats : defaults;
	unsigned n = p->namespaces.formats_count ? p->namespaces.formats_count : NVSR_ARRAY_SIZE(defaults);

	f->formats_count = NVSR_MIN(n, (unsigned)NVSR_ARRAY_SIZE(f->formats));
	for (unsigned i = 0; i < f->formats_count; i++) {
		struct nvme_lbaf *to = &f->formats[i];

		while (1ll << to->lbads < formats[i].data_bytes)
			to->lbads++;
		to->ms = le16((uint16_t)num(formats[i].meta_bytes, 0));
		to->rp = (uint8_t)num(formats[i].rp, 0);
	}
	f->capacity = p->namespaces.capacity_bytes == NVSR_UNKNOWN ? 64ull << 30 : (uint64_t)p->namespaces.capacity_bytes;
	f->ns_count = num(p->namespaces.count, 1);
	f->ns_blocks = p->namespaces.blocks == NVSR_UNKNOWN ? (1ull << 30) >> f->formats[0].lbads
							    : (uint64_t)p->namespaces.blocks;
	f->ns_shared = p->namespaces.shared != 0;
	f->dlfeat = (uint8_t)num(p->namespaces.dlfeat, 1);
	f->granularity_bytes = !f->granularity ? 0 : p->namespaces.granularity_bytes == NVSR_UNKNOWN
							     ? 1u << 20 : (uint64_t)p->namespaces.granularity_bytes;
}

static void times(struct m_conf *f, const struct nvsr_profile *p)
{
	unsigned to = NVSR_DIV_ROUND_UP(num(p->limits.cap_to_ms, 30000), 500u);

	f->ready_ms = num(p->limits.ready_ms, 5);
	f->cap_to = NVSR_MAX(1u, NVSR_MIN(to, 255u));
	f->flr_ms = num(p->limits.flr_ms, 20);
	f->vf_enable_ms = num(p->limits.vf_enable_ms, 20);
}

/* --- BAR0 of a function: properties, doorbells, MSI-X table and pending bits -------------------------------------- */

struct layout { unsigned bytes, table, pba; };

static unsigned pow2(unsigned n)
{
	unsigned p = M_PAGE;

	while (p < n)
		p *= 2;
	return p;
}

static bool apart(unsigned a, unsigned a_len, unsigned b, unsigned b_len)
{
	return a + a_len <= b || b + b_len <= a;
}

/* True when @l has room for @queues pairs of doorbells and @vectors, and nothing overlaps. */
static bool layout_fits(const struct layout *l, unsigned queues, unsigned vectors, unsigned dstrd)
{
	unsigned regs = NVME_REG_DBS + (queues * 8 << dstrd), table = vectors * PCI_MSIX_ENTRY_SIZE;
	unsigned pba = NVSR_DIV_ROUND_UP(vectors, 64) * 8;

	if (l->bytes > BAR_MAX || l->bytes != pow2(l->bytes) || l->table % 8 || l->pba % 8)
		return false;
	if (l->table > l->bytes || table > l->bytes - l->table || l->pba > l->bytes || pba > l->bytes - l->pba)
		return false;
	return apart(0, regs, l->table, table) && apart(0, regs, l->pba, pba) && apart(l->table, table, l->pba, pba);
}

static struct layout layout_make(unsigned queues, unsigned vectors, unsigned dstrd, unsigned least)
{
	unsigned pba = NVSR_ROUND_UP(NVME_REG_DBS + (queues * 8 << dstrd), M_PAGE), table = pba + M_PAGE;

	return (struct layout){ .pba = pba, .table = table,
				.bytes = pow2(NVSR_MAX(least, table + vectors * PCI_MSIX_ENTRY_SIZE)) };
}

static void bars(struct m_conf *f, const struct nvsr_profile *p)
{
	unsigned pf_queues = f->vq_private + f->vq_flexible, pf_vectors = NVSR_MIN(f->vi_private + f->vi_flexible, VECTORS_MAX);
	unsigned vf_queues = f->vq_secondary_max + f->sec_vq, vf_vectors = f->vi_secondary_max + f->sec_vi;
	struct layout pf = { num(p->sriov.pf_bar0_bytes, 32768), num(p->sriov.msix_table_offset, 0x4000),
			     num(p->sriov.msix_pba_offset, 0x3000) };
	struct layout vf = { num(p->sriov.vf_bar0_bytes, 32768), pf.table, pf.pba };

	if (!layout_fits(&pf, pf_queues, pf_vectors, f->dstrd))
		pf = layout_make(pf_queues, pf_vectors, f->dstrd, pf.bytes);
	if (!layout_fits(&vf, vf_queues, vf_vectors, f->dstrd))
		vf = layout_make(vf_queues, vf_vectors, f->dstrd, vf.bytes);
	f->pf_bar0_bytes = pf.bytes;
	f->pf_msix_table = pf.table;
	f->pf_msix_pba = pf.pba;
	f->vf_bar0_bytes = vf.bytes;
	f->vf_msix_table = vf.table;
	f->vf_msix_pba = vf.pba;
}

static void sriov(struct m_conf *f, const struct nvsr_profile *p)
{
	f->total_vfs = f->sriov ? num(p->sriov.total_vfs, 16) : 0;
	f->vf_offset = num(p->sriov.first_vf_offset, 1);
	f->vf_stride = num(p->sriov.vf_stride, 1);
	f->ari = p->sriov.ari != 0;
	f->sup_pgsize = num(p->sriov.supported_page_sizes, PCI_SRIOV_PGSIZE_MIN);
	f->sriov_pos = num(p->sriov.cap_offset, 0x1e8);
}

/* Numbers that no device can have, whatever the profile says, or that the model has no room for. */
static bool plausible(const struct m_conf *f)
{
	uint64_t last_rid = M_PF_RID + 0x100 + f->vf_offset + (uint64_t)f->total_vfs * f->vf_stride;

	if (f->total_vfs > VFS_MAX || last_rid > 0xffff || (f->total_vfs && (!f->vf_offset || !f->vf_stride)))
		return false;
	if (f->sriov && (f->sriov_pos % 4 || f->sriov_pos < PCI_EXT_CAP_START ||
			 f->sriov_pos + PCI_SRIOV_SIZEOF > PCI_CFG_SIZE || !(f->sup_pgsize & 1)))
		return false;
	if (f->total_vfs && (unsigned)(f->pf_cntlid - f->vf_cntlid) < f->total_vfs && f->pf_cntlid >= f->vf_cntlid)
		return false;
	if (f->vf_cntlid + f->total_vfs > 0xfff0)
		return false;
	if (f->vq_private < 2 || f->vq_private > QUEUES_MAX || !f->vi_private || f->vi_private > VECTORS_MAX)
		return false;
	if (f->vq_secondary_max + f->sec_vq > QUEUES_MAX || f->vi_secondary_max + f->sec_vi > VECTORS_MAX)
		return false;
	return f->nn && f->nn <= NN_MAX && f->pf_bar0_bytes <= BAR_MAX && f->vf_bar0_bytes <= BAR_MAX;
}

int m_conf_resolve(const struct nvsr_profile *p, struct m_conf *ret)
{
	struct m_conf f = { 0 };

	identity(&f, p);
	features(&f, p);
	sriov(&f, p);
	controllers(&f, p);
	resources(&f, p);
	namespaces(&f, p);
	times(&f, p);
	bars(&f, p);
	if (!plausible(&f))
		return -EINVAL;
	*ret = f;
	return 0;
}
