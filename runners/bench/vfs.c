// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many VFs on the model: enabled, resources assigned, Online, their controllers enabled, each asked who it is.
 * Usage: vfs COUNT.  Prints seconds in all, and bytes of memory for each VF once its controller is disabled again.
 */
#include "nvsr.h"

static uint64_t resident(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int bring_up(struct nvsr_dev *pf, const struct nvsr_inventory *inv, unsigned vfs, struct nvsr_dev **vf)
{
	for (unsigned n = 1; n <= vfs; n++) {
		struct nvme_id_ctrl id;
		int rc = nvsr_vf_bring_up(pf, inv, n, 2, 2, &vf[n - 1]);

		if (!rc)
			rc = nvsr_id_ctrl(vf[n - 1], &id);
		if (!rc && le16_get(id.cntlid) != le16_get(nvsr_inventory_vf(inv, n)->scid))
			rc = -EPROTO;
		if (!rc)
			rc = nvsr_ctrl_disable(vf[n - 1]);
		if (rc) {
			fprintf(stderr, "VF %u: %s\n", n, rc < 0 ? strerror(-rc) : nvme_status_name(rc));
			return rc;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned vfs = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	struct nvsr_profile *p = NULL;
	struct nvsr_complaint complaint;
	struct nvsr_inventory inv = { 0 };
	struct nvsr_dev *pf = NULL, **vf;
	uint64_t begin, before, after;
	int rc;

	if (!vfs || vfs > 2000) {
		fputs("usage: vfs COUNT (1 to 2000)\n", stderr);
		return 2;
	}
	rc = nvsr_profile_load("reference", &p, &complaint);
	vf = calloc(vfs, sizeof(*vf));
	if (rc || !vf) {
		fprintf(stderr, "vfs: %s\n", rc ? complaint.text : "no memory");
		return 1;
	}
	p->sriov.total_vfs = vfs;
	p->controller.pf_cntlid = 2001;
	p->resources.vq_flexible = p->resources.vi_flexible = 2 * (int64_t)vfs;
	p->resources.vq_secondary_max = p->resources.vi_secondary_max = 2;
	begin = nvsr_now_ns();
	rc = nvsr_dev_open("model:", p, NULL, &pf, &complaint);
	if (rc) {
		fprintf(stderr, "vfs: %s\n", complaint.text);
		return 1;
	}
	rc = nvsr_inventory_read(pf, &inv);
	before = resident();
	rc = rc ? rc : nvsr_set_numvfs(pf, vfs);
	rc = rc ? rc : bring_up(pf, &inv, vfs, vf);
	if (rc) {
		fprintf(stderr, "vfs: %s\n", rc < 0 ? strerror(-rc) : nvme_status_name(rc));
		return 1;
	}
	begin = nvsr_now_ns() - begin;
	after = resident();
	if (!before || after <= before) {
		fputs("vfs: memory of the VFs cannot be told\n", stderr);
		return 1;
	}
	printf("%.6f %.0f\n", (double)begin / NVSR_S, (double)(after - before) / vfs);
	return 0;
}
