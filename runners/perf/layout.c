// SPDX-License-Identifier: GPL-2.0-or-later
/* A drive set up for load, by the commands and files that an administrator would use. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>

#include "runners/perf/layout.h"

#define DISK_MS 20000		/* a controller scans its namespaces */
#define PCI "/sys/bus/pci/devices/"

static int failed(struct nvsr_complaint *complaint, const char *what, unsigned vfn, int rc)
{
	char of[24] = "";

	if (vfn)
		snprintf(of, sizeof(of), " of VF %u", vfn);
	if (!complaint->text[0])
		snprintf(complaint->text, sizeof(complaint->text), "%s%s: %s", what, of, nvsr_rc_text(rc));
	return rc;
}

/* --- what the operating system has of a function --------------------------------------------------------------------------- */

static int put_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* The name of a link's target, without folders. */
static int link_name(const char *path, char *ret, size_t len)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	slash = strrchr(target, '/');
	slash = slash ? slash + 1 : target;
	return snprintf(ret, len, "%s", slash) < (int)len ? 0 : -ENAMETOOLONG;
}

/* "nvme3" of a function, or "". */
static void controller_of(const char *bdf, char *ret, size_t len)
{
	_cleanup_free_ char *path = nvsr_asprintf(PCI "%s/nvme", bdf);
	DIR *d = path ? opendir(path) : NULL;
	const struct dirent *e;

	ret[0] = '\0';
	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, "nvme", 4) && snprintf(ret, len, "%s", e->d_name) >= (int)len)
			ret[0] = '\0';
	if (d)
		closedir(d);
}

/* "nvme0n1", or with multipath "nvme0c1n1": a path, whose disk is nvme0n1. */
static bool disk_name(const char *entry, char *ret, size_t len)
{
	unsigned a, b, c;
	char end;

	if (sscanf(entry, "nvme%uc%un%u%c", &a, &b, &c, &end) == 3)
		snprintf(ret, len, "nvme%un%u", a, c);
	else if (sscanf(entry, "nvme%un%u%c", &a, &c, &end) == 2)
		snprintf(ret, len, "nvme%un%u", a, c);
	else
		return false;
	return true;
}

static bool has_nsid(const char *ctrl, const char *entry, uint32_t nsid)
{
	_cleanup_free_ char *path = nvsr_asprintf("/sys/class/nvme/%s/%s/nsid", ctrl, entry), *text = NULL;

	return path && !nvsr_read_file(path, 64, &text, NULL) && strtoul(text, NULL, 10) == nsid;
}

static char *find_disk_of(const char *ctrl, uint32_t nsid)
{
	_cleanup_free_ char *path = nvsr_asprintf("/sys/class/nvme/%s", ctrl);
	DIR *d = path ? opendir(path) : NULL;
	const struct dirent *e;
	char name[64], *found = NULL;

	while (d && !found && (e = readdir(d)))
		if (disk_name(e->d_name, name, sizeof(name)) && has_nsid(ctrl, e->d_name, nsid))
			found = nvsr_asprintf("/dev/%s", name);
	if (d)
		closedir(d);
	if (found && access(found, F_OK)) {
		free(found);
		found = NULL;
	}
	return found;
}

static char *find_disk(const char *bdf, uint32_t nsid)
{
	char ctrl[32];

	controller_of(bdf, ctrl, sizeof(ctrl));
	return ctrl[0] ? find_disk_of(ctrl, nsid) : NULL;
}

static void rescan(const char *bdf)
{
	_cleanup_free_ char *path = NULL;
	char ctrl[32];

	controller_of(bdf, ctrl, sizeof(ctrl));
	path = ctrl[0] ? nvsr_asprintf("/sys/class/nvme/%s/rescan_controller", ctrl) : NULL;
	if (path)
		put_file(path, "1");
}

char *nvsr_layout_disk(const char *bdf, uint32_t nsid, unsigned wait_ms)
{
	uint64_t until = nvsr_now_ns() + wait_ms * NVSR_MS;
	char *disk;

	rescan(bdf);
	for (unsigned round = 1; !(disk = find_disk(bdf, nsid)) && nvsr_now_ns() < until && !nvsr_stop; round++) {
		nvsr_sleep_ns(20 * NVSR_MS, &nvsr_stop);
		if (round % 50 == 0)
			rescan(bdf);
	}
	return disk;
}

char *nvsr_layout_disk_of(const char *controller, uint32_t nsid, unsigned wait_ms)
{
	uint64_t until = nvsr_now_ns() + wait_ms * NVSR_MS;
	char *disk;

	while (!(disk = find_disk_of(controller, nsid)) && nvsr_now_ns() < until && !nvsr_stop)
		nvsr_sleep_ns(20 * NVSR_MS, &nvsr_stop);
	return disk;
}

/*
 * Linux refuses a private namespace that it still knows at another controller ("duplicate IDs"), and a scan that came too early is
 * not repeated.
 */
void nvsr_layout_wait_gone(const char *bdf, uint32_t nsid)
{
	uint64_t until = nvsr_now_ns() + DISK_MS * NVSR_MS;
	char *disk;

	rescan(bdf);
	while ((disk = find_disk(bdf, nsid)) && nvsr_now_ns() < until && !nvsr_stop) {
		free(disk);
		nvsr_sleep_ns(20 * NVSR_MS, &nvsr_stop);
	}
	free(disk);
}

int nvsr_layout_bind(const char *bdf, const char *to)
{
	_cleanup_free_ char *driver = nvsr_asprintf(PCI "%s/driver", bdf), *override = nvsr_asprintf(PCI "%s/driver_override", bdf);
	_cleanup_free_ char *unbind = nvsr_asprintf(PCI "%s/driver/unbind", bdf);
	char now[64];
	int rc;

	if (!driver || !override || !unbind)
		return -ENOMEM;
	if (!link_name(driver, now, sizeof(now))) {
		if (!strcmp(now, to))
			return 0;
		rc = put_file(unbind, bdf);
		if (rc)
			return rc;
	}
	rc = put_file(override, to);
	if (!rc)
		rc = put_file("/sys/bus/pci/drivers_probe", bdf);
	put_file(override, "\n");
	return rc ? rc : link_name(driver, now, sizeof(now));
}

/* --- namespaces ------------------------------------------------------------------------------------------------------------- */

static int describe(struct nvsr_dev *pf, struct nvsr_layout_fn *f)
{
	struct nvme_id_ns ns;
	int rc = nvsr_identify(pf, NVME_CNS_ALLOCATED_NS_ID, f->nsid, 0, &ns);

	if (rc)
		rc = nvsr_identify(pf, NVME_CNS_NS, f->nsid, 0, &ns);
	if (rc)
		return rc;
	f->block = 1u << ns.lbaf[ns.flbas & 0xf].lbads;
	f->bytes = le64_get(ns.nsze) * f->block;
	return f->bytes ? 0 : -ENODEV;
}

/* The first LBA format without metadata and with blocks of 512 to 4096 bytes. */
static int make(struct nvsr_dev *pf, uint64_t bytes, uint32_t *ret_nsid)
{
	struct nvme_id_ns common;
	int rc = nvsr_identify(pf, NVME_CNS_NS, NVME_NSID_ALL, 0, &common);

	for (uint8_t i = 0; !rc && i <= common.nlbaf && i < 16; i++)
		if (!le16_get(common.lbaf[i].ms) && common.lbaf[i].lbads >= 9 && common.lbaf[i].lbads <= 12)
			return nvsr_ns_create(pf, bytes >> common.lbaf[i].lbads, i, false, ret_nsid);
	return rc ? rc : -ENOTSUP;
}

/* One that no controller has. */
static int take_free(struct nvsr_dev *pf, uint32_t *ret_nsid)
{
	uint32_t nsid[1024];
	uint8_t list[4096];
	unsigned n = 0;
	int rc = nvsr_ns_list(pf, NVME_CNS_ALLOCATED_NS, nsid, NVSR_ARRAY_SIZE(nsid), &n);

	for (unsigned i = 0; !rc && i < n; i++)
		if (!nvsr_identify(pf, NVME_CNS_NS_CTRLS, nsid[i], 0, list) && !list[0] && !list[1]) {
			*ret_nsid = nsid[i];
			return 0;
		}
	return rc ? rc : -ENOSPC;
}

static int make_or_take(struct nvsr_layout *l, const struct nvsr_layout_options *o, uint32_t *ret_nsid, struct nvsr_complaint *complaint)
{
	int made = make(l->pf, o->namespace_bytes, ret_nsid), rc = made ? take_free(l->pf, ret_nsid) : 0;

	if (rc == -ENOSPC) {
		snprintf(complaint->text, sizeof(complaint->text), "a namespace cannot be made (%s), and none is there that is attached to no controller",
			 nvsr_rc_text(made));
		return made;
	}
	return rc;
}

void nvsr_layout_pattern(uint64_t run, uint32_t nsid, unsigned part, uint8_t *ret)
{
	uint64_t x = ((run + 1) * 0x9e3779b97f4a7c15ull ^ (uint64_t)nsid << 32 ^ part) | 1;

	for (size_t i = 0; i < NVSR_PATTERN_BYTES; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		ret[i] = (uint8_t)(x >> 24);
	}
}

/* Through the PF, which must have it. */
static int transfer(struct nvsr_layout *l, const struct nvsr_layout_fn *f, bool write, uint8_t *data, unsigned parts)
{
	int rc = 0;

	for (unsigned at = 0; !rc && at < parts * NVSR_PATTERN_BYTES; at += 4096)
		rc = nvsr_rw(l->pf, write, f->nsid, at / f->block, 4096 / f->block, data + at, 4096);
	return rc;
}

static int with_pf(struct nvsr_layout *l, const struct nvsr_layout_fn *f, bool write, uint8_t *data, unsigned parts)
{
	int rc = nvsr_ns_attach(l->pf, f->nsid, l->fn[0].cntlid), back;
	_cleanup_free_ char *disk = NULL;

	if (rc)
		return rc;
	disk = nvsr_layout_disk(l->fn[0].bdf, f->nsid, DISK_MS);
	rc = disk ? transfer(l, f, write, data, parts) : -ENODEV;
	back = nvsr_ns_detach(l->pf, f->nsid, l->fn[0].cntlid);
	nvsr_layout_wait_gone(l->fn[0].bdf, f->nsid);
	return rc ? rc : back;
}

int nvsr_layout_through_pf(struct nvsr_layout *l, unsigned vfn, bool write, uint8_t *data, unsigned parts, struct nvsr_complaint *complaint)
{
	const struct nvsr_layout_fn *f = &l->fn[vfn];
	int rc = nvsr_ns_detach(l->pf, f->nsid, f->cntlid), back;

	if (rc)
		return failed(complaint, "taking the namespace away", vfn, rc);
	nvsr_layout_wait_gone(f->bdf, f->nsid);
	rc = with_pf(l, f, write, data, parts);
	back = nvsr_ns_attach(l->pf, f->nsid, f->cntlid);
	return rc || back ? failed(complaint, "the namespace, through the PF,", vfn, rc ? rc : back) : 0;
}

/* --- functions ------------------------------------------------------------------------------------------------------------------ */

static int set_up_pf(struct nvsr_layout *l, const struct nvsr_layout_options *o, struct nvsr_complaint *complaint)
{
	struct nvsr_layout_fn *pf = &l->fn[0];
	_cleanup_free_ char *link = nvsr_asprintf("/sys/class/nvme/%s/device", l->target->session.device + strlen("/dev/"));
	uint32_t nsid[1024];
	unsigned n = 0;
	int rc = link ? link_name(link, pf->bdf, sizeof(pf->bdf)) : -ENOMEM;

	if (rc)
		return failed(complaint, "its PCI function", 0, rc);
	pf->cntlid = le16_get(l->inv.id.cntlid);
	rc = nvsr_ns_list(l->pf, NVME_CNS_ACTIVE_NS, nsid, NVSR_ARRAY_SIZE(nsid), &n);
	if (!rc && n)
		pf->nsid = nsid[0];
	else if (!rc)
		rc = make_or_take(l, o, &pf->nsid, complaint);
	if (!rc && !n)
		rc = nvsr_ns_attach(l->pf, pf->nsid, pf->cntlid);
	if (!rc)
		rc = describe(l->pf, pf);
	return rc ? failed(complaint, "a namespace of the PF", 0, rc) : 0;
}

static unsigned share(unsigned want, unsigned most, unsigned all, unsigned vfs)
{
	want = NVSR_MIN(want, most ? most : want);
	return NVSR_MAX(NVSR_MIN(want, all / vfs), 2u);
}

static int set_up_vf(struct nvsr_layout *l, const struct nvsr_layout_options *o, unsigned vfn, unsigned vfs, struct nvsr_complaint *complaint)
{
	const struct nvme_primary_caps *p = &l->inv.primary;
	const struct nvme_secondary_ctrl *sec = nvsr_inventory_vf(&l->inv, vfn);
	_cleanup_free_ char *link = nvsr_asprintf(PCI "%s/virtfn%u", l->fn[0].bdf, vfn - 1);
	struct nvsr_layout_fn *f = &l->fn[vfn];
	struct nvsr_dev *vf = NULL;
	struct nvme_id_ctrl id;
	int rc = link ? link_name(link, f->bdf, sizeof(f->bdf)) : -ENOMEM;

	f->vfn = vfn;
	if (rc)
		return failed(complaint, "its PCI function", vfn, rc);
	rc = nvsr_vf_bring_up(l->pf, &l->inv, vfn, share(o->queues + 1, le16_get(p->vqfrsm), le32_get(p->vqfrt), vfs),
			      share(o->queues + 1, le16_get(p->vifrsm), le32_get(p->vifrt), vfs), &vf);
	if (!rc && !sec)
		rc = nvsr_id_ctrl(vf, &id);
	nvsr_dev_close(vf);
	if (rc)
		return failed(complaint, "bringing up the controller", vfn, rc);
	f->cntlid = sec ? le16_get(sec->scid) : le16_get(id.cntlid);
	rc = make_or_take(l, o, &f->nsid, complaint);
	if (!rc)
		rc = describe(l->pf, f);
	if (!rc)
		rc = nvsr_ns_attach(l->pf, f->nsid, f->cntlid);
	return rc ? failed(complaint, "the namespace", vfn, rc) : 0;
}

/* All of them, or as many as the host can give places. */
static int enable(struct nvsr_layout *l, const struct nvsr_layout_options *o, unsigned *ret_vfs, struct nvsr_complaint *complaint)
{
	unsigned n = o->vfs;
	int rc;

	while ((rc = nvsr_set_numvfs(l->pf, n)) && o->least && n > o->least && !nvsr_stop) {
		failed(complaint, "enabling all VFs", 0, rc);
		n--;
	}
	*ret_vfs = n;
	return rc ? failed(complaint, "enabling VFs", 0, rc) : 0;
}

int nvsr_layout_open(const struct nvsr_target *t, const struct nvsr_layout_options *o, struct nvsr_layout *ret,
		     struct nvsr_complaint *complaint)
{
	struct nvsr_layout l = { .target = t };
	unsigned vfs = 0;
	int rc;

	complaint->text[0] = '\0';
	l.fn = calloc(o->vfs + 1, sizeof(*l.fn));
	rc = l.fn ? nvsr_session_open(&t->session, &l.pf, complaint) : -ENOMEM;
	if (!rc && o->vfs)
		rc = enable(&l, o, &vfs, complaint);
	if (!rc && (rc = nvsr_inventory_read(l.pf, &l.inv)))
		failed(complaint, "inventory", 0, rc);
	if (!rc)
		rc = set_up_pf(&l, o, complaint);
	while (!rc && l.vfs < vfs && !(rc = set_up_vf(&l, o, l.vfs + 1, vfs, complaint)))
		l.vfs++;
	if (o->least && l.vfs >= o->least && !nvsr_stop)	/* what stopped it is in *complaint */
		rc = 0;
	if (rc)
		nvsr_layout_close(&l);
	else
		*ret = l;
	return rc;
}

void nvsr_layout_close(struct nvsr_layout *l)
{
	nvsr_dev_close(l->pf);
	nvsr_inventory_free(&l->inv);
	free(l->fn);
	*l = (struct nvsr_layout){ 0 };
}
