// SPDX-License-Identifier: GPL-2.0-or-later
/* The model set up for load, by the commands that a host would send. */
#include "runners/perf/device.h"

#define CHUNK (512u << 10)	/* what is written by one command, unless MDTS is less */
#define PAGE 4096u
#define WRITE_MS 30000

/* --- a profile with room --------------------------------------------------------------------------------------------------- */

static void at_least(int64_t *field, uint64_t n)
{
	if ((uint64_t)NVSR_MAX(*field, 0) < n)
		*field = (int64_t)n;
}

/*
 * What the drive claims stays - queue entries, MDTS, number of VFs, sizes of blocks; its capacity, its limits of namespaces and
 * its resources become large enough.  The strings are those of @p.
 */
static struct nvsr_profile enlarge(const struct nvsr_profile *p, const struct nvsr_load_options *o)
{
	struct nvsr_profile big = *p;
	uint64_t each = o->queues + 2u;	/* and the admin queue, and one to fill the namespace with */
	uint64_t all = each * NVSR_MAX(o->vfs, 1u);

	at_least(&big.namespaces.capacity_bytes, (o->vfs + 2) * o->namespace_bytes);
	big.namespaces.count = 0;
	/* A cache line for each doorbell: queues of different threads do not slow each other down. */
	at_least(&big.controller.doorbell_stride, 64);
	at_least(&big.controller.nn, o->vfs + 2);
	big.controller.mnan = NVSR_MAX(big.controller.mnan, 0) ? NVSR_MAX(big.controller.mnan, (int64_t)o->vfs + 2) : big.controller.mnan;
	at_least(&big.controller.max_attachments_domain, o->vfs + 2);
	at_least(&big.controller.max_attachments_ctrl, 2);
	at_least(&big.resources.vq_private, each);
	at_least(&big.resources.vi_private, each);
	at_least(&big.resources.vq_flexible, all);
	at_least(&big.resources.vi_flexible, all);
	at_least(&big.resources.vq_secondary_max, each);
	at_least(&big.resources.vi_secondary_max, each);
	at_least(&big.resources.secondary_private_vq, each);
	at_least(&big.resources.secondary_private_vi, each);
	return big;
}

/* --- namespaces ----------------------------------------------------------------------------------------------------------- */

/* A queue of the PF and memory for one write after the other, with its PRP list behind the data. */
struct writer {
	struct nvsr_dev *pf;
	struct nvsr_queue *queue;
	uint8_t *mem;
	uint64_t iova;
	uint32_t bytes;
};

static int writer_open(struct nvsr_dev *pf, const struct nvsr_inventory *inv, struct writer *w)
{
	const struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 16, .cq_entries = 16, .vector = 1, .irq = false };
	uint64_t x = 88172645463325252ull;
	unsigned mdts = inv->id.mdts;

	*w = (struct writer){ .pf = pf, .bytes = mdts && mdts < 7 ? PAGE << mdts : CHUNK };
	w->mem = nvsr_dma_alloc(pf, w->bytes + PAGE, &w->iova);
	if (!w->mem)
		return -ENOMEM;
	for (uint32_t i = 0; i < w->bytes; i += 8) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		nvsr_le_write(w->mem + i, 8, x);
	}
	for (uint32_t i = 1; i < w->bytes / PAGE; i++)
		nvsr_le_write(w->mem + w->bytes + (i - 1) * 8, 8, w->iova + (uint64_t)i * PAGE);
	return nvsr_queue_create(pf, &o, &w->queue);
}

static void writer_close(struct writer *w)
{
	nvsr_queue_destroy(w->queue);
	if (w->mem)
		nvsr_dma_free(w->pf, w->mem);
}

static int fill(struct writer *w, uint32_t nsid, uint64_t bytes, unsigned block)
{
	int rc = 0;

	for (uint64_t at = 0; !rc && at < bytes; at += w->bytes) {
		uint32_t len = (uint32_t)NVSR_MIN((uint64_t)w->bytes, bytes - at), pages = NVSR_DIV_ROUND_UP(len, PAGE);
		uint64_t slba = at / block;
		struct nvsr_cmd c = {
			.opcode = NVME_CMD_WRITE, .nsid = nsid, .cdw10 = (uint32_t)slba, .cdw11 = (uint32_t)(slba >> 32),
			.cdw12 = len / block - 1,
		};
		struct nvsr_req *r;

		if (nvsr_stop)
			return -EINTR;
		rc = nvsr_queue_submit_prps(w->queue, &c, w->iova,
					    pages == 1 ? 0 : pages == 2 ? w->iova + PAGE : w->iova + w->bytes, &r);
		if (!rc)
			rc = nvsr_req_wait(r, WRITE_MS, &c);
	}
	return rc;
}

/* The first LBA format without metadata; its number is FLBAS. */
static int block_size(struct nvsr_dev *pf, uint8_t *ret_flbas, unsigned *ret_bytes)
{
	struct nvme_id_ns common;
	int rc = nvsr_identify(pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &common);

	if (rc)
		return rc;
	for (uint8_t i = 0; i <= common.nlbaf && i < 16; i++)
		if (!le16_get(common.lbaf[i].ms) && common.lbaf[i].lbads >= 9 && common.lbaf[i].lbads <= 12) {
			*ret_flbas = i;
			*ret_bytes = 1u << common.lbaf[i].lbads;
			return 0;
		}
	return -ENOTSUP;
}

/* Made and written through the PF, then given to whom it is for. */
static int make_namespace(struct writer *w, uint64_t bytes, uint16_t pf_cntlid, uint16_t cntlid, uint32_t expected)
{
	unsigned block = 512;
	uint8_t flbas = 0;
	uint32_t nsid = 0;
	int rc = block_size(w->pf, &flbas, &block);

	if (!rc)
		rc = nvsr_ns_create(w->pf, bytes / block, flbas, false, &nsid);
	if (!rc && nsid != expected)
		rc = -EPROTO;
	if (!rc)
		rc = nvsr_ns_attach(w->pf, nsid, pf_cntlid);
	if (!rc)
		rc = fill(w, nsid, bytes, block);
	if (rc || cntlid == pf_cntlid)
		return rc;
	rc = nvsr_ns_detach(w->pf, nsid, pf_cntlid);
	return rc ? rc : nvsr_ns_attach(w->pf, nsid, cntlid);
}

/* --- the whole ----------------------------------------------------------------------------------------------------------------- */

static int failed(struct nvsr_complaint *complaint, const struct nvsr_load_options *o, const char *what, unsigned vfn, int rc)
{
	char vf[24] = "";

	if (vfn)
		snprintf(vf, sizeof(vf), " of VF %u", vfn);
	if (!complaint->text[0])
		snprintf(complaint->text, sizeof(complaint->text), "%s: %s%s: %s", o->device, what, vf, nvsr_rc_text(rc));
	return rc;
}

static int make_namespaces(const struct nvsr_load_options *o, struct nvsr_load_device *d, const struct nvsr_inventory *inv,
			   struct nvsr_complaint *complaint)
{
	uint16_t pf = le16_get(inv->id.cntlid);
	struct writer w;
	int rc = writer_open(d->pf, inv, &w);

	if (rc)
		failed(complaint, o, "a queue to fill namespaces with", 0, rc);
	for (unsigned vfn = 0; !rc && vfn <= o->vfs; vfn++) {
		const struct nvme_secondary_ctrl *sec = vfn ? nvsr_inventory_vf(inv, vfn) : NULL;

		rc = vfn && !sec ? -ENXIO : make_namespace(&w, o->namespace_bytes, pf, sec ? le16_get(sec->scid) : pf, nvsr_load_nsid(vfn));
		if (rc)
			failed(complaint, o, "namespace", vfn, rc);
	}
	writer_close(&w);
	return rc;
}

static int bring_up(const struct nvsr_load_options *o, struct nvsr_load_device *d, const struct nvsr_inventory *inv,
		    struct nvsr_complaint *complaint)
{
	unsigned vectors = o->vectors ? o->vectors : o->queues + 1;

	for (unsigned vfn = 1; vfn <= o->vfs; vfn++) {
		int rc = nvsr_vf_bring_up(d->pf, inv, vfn, o->queues + 1, vectors, &d->vf[vfn - 1]);

		if (!rc)
			d->vfs = vfn;
		if (!rc)
			rc = nvsr_ctrl_disable(d->vf[vfn - 1]);
		if (rc)
			return failed(complaint, o, "bringing up the controller", vfn, rc);
	}
	return 0;
}

int nvsr_load_open(const struct nvsr_load_options *o, struct nvsr_load_device *ret, struct nvsr_complaint *complaint)
{
	struct nvsr_profile big = enlarge(o->profile, o);
	struct nvsr_load_device d = { 0 };
	struct nvsr_inventory inv = { 0 };
	int rc;

	complaint->text[0] = '\0';
	d.vf = calloc(o->vfs + 1, sizeof(*d.vf));
	rc = d.vf ? nvsr_dev_open(o->device, &big, o->defects, &d.pf, complaint) : -ENOMEM;
	if (rc)
		failed(complaint, o, "opening the model", 0, rc);
	if (!rc && o->vfs && (rc = nvsr_set_numvfs(d.pf, o->vfs)))
		failed(complaint, o, "enabling VFs", 0, rc);
	if (!rc && (rc = nvsr_inventory_read(d.pf, &inv)))
		failed(complaint, o, "inventory", 0, rc);
	if (!rc)
		rc = make_namespaces(o, &d, &inv, complaint);
	if (!rc)
		rc = bring_up(o, &d, &inv, complaint);
	nvsr_inventory_free(&inv);
	if (rc)
		nvsr_load_close(&d);
	else
		*ret = d;
	return rc;
}

void nvsr_load_close(struct nvsr_load_device *d)
{
	for (unsigned i = 0; i < d->vfs; i++)
		nvsr_dev_close(d->vf[i]);
	free(d->vf);
	nvsr_dev_close(d->pf);
	*d = (struct nvsr_load_device){ 0 };
}
