// SPDX-License-Identifier: GPL-2.0-or-later
/* The model set up for load: who has which namespace, that it is written, and that its VFs are free to be taken. */
#include "runners/perf/device.h"
#include "base/expect.h"

#define NS_BYTES (16u << 20)

/* Exactly one namespace, of the right size, whose first and last blocks hold something. */
static void expect_namespace(struct nvsr_dev *d, unsigned vfn)
{
	static const uint8_t zero[4096];
	uint32_t list[4] = { 0 };
	struct nvme_id_ns ns;
	uint8_t data[4096];
	unsigned n = 0, block;
	int rc = nvsr_ns_list(d, NVME_CNS_ACTIVE_NS, list, 4, &n);

	EXPECT(!rc && n == 1 && list[0] == nvsr_load_nsid(vfn), "VF %u: %d, %u namespaces, first %u", vfn, rc, n, list[0]);
	rc = nvsr_identify(d, NVME_CNS_NS, nvsr_load_nsid(vfn), 0, &ns);
	block = 1u << ns.lbaf[ns.flbas & 0xf].lbads;
	EXPECT(!rc && le64_get(ns.nsze) * block == NS_BYTES, "VF %u: %llu blocks of %u", vfn, (unsigned long long)le64_get(ns.nsze), block);
	for (unsigned i = 0; !rc && i < 2; i++) {
		rc = nvsr_rw(d, false, nvsr_load_nsid(vfn), i ? (NS_BYTES - sizeof(data)) / block : 0, (unsigned)sizeof(data) / block,
			     data, sizeof(data));
		EXPECT(!rc && memcmp(data, zero, sizeof(data)), "VF %u: %d, or zeros", vfn, rc);
	}
}

static void try_profile(const char *name, unsigned vfs, unsigned queues)
{
	_cleanup_free_ char *device = nvsr_asprintf("model:%s", name);
	struct nvsr_complaint c = { "" };
	struct nvsr_profile *p = NULL;
	struct nvsr_load_options o = { .device = device, .vfs = vfs, .queues = queues, .namespace_bytes = NS_BYTES };
	struct nvsr_load_device d = { 0 };
	int rc = nvsr_profile_load(name, &p, &c);

	EXPECT(!rc, "%s", c.text);
	o.profile = p;
	rc = rc ? rc : nvsr_load_open(&o, &d, &c);
	EXPECT(!rc, "%s: %d %s", name, rc, c.text);
	if (!rc) {
		EXPECT(d.vfs == vfs, "%u", d.vfs);
		expect_namespace(d.pf, 0);
	}
	for (unsigned vfn = 1; !rc && vfn <= vfs; vfn++) {
		struct nvsr_queue *q[NVSR_LOAD_QUEUES + 1] = { NULL };
		struct nvsr_dev *vf = d.vf[vfn - 1];
		uint64_t cc = 1;

		EXPECT(!nvsr_reg_read(vf, NVME_REG_CC, 4, &cc) && !(cc & 1), "%s: VF %u is enabled", name, vfn);
		EXPECT(!nvsr_ctrl_enable(vf), "%s: VF %u", name, vfn);
		expect_namespace(vf, vfn);
		for (unsigned i = 0; i + 1 < queues; i++) {	/* the access method has one of its own by now */
			struct nvsr_queue_opts qo = { .qid = (uint16_t)(i + 2), .sq_entries = 64, .cq_entries = 64,
						      .vector = (uint16_t)(i + 2), .irq = true };

			EXPECT(!nvsr_queue_create(vf, &qo, &q[i]), "%s: VF %u, queue %u", name, vfn, i + 2);
		}
		for (unsigned i = 0; q[i]; i++)
			nvsr_queue_destroy(q[i]);
	}
	if (!rc)
		nvsr_load_close(&d);
	nvsr_profile_free(p);
}

int main(int argc, char **argv)
{
	uint64_t begin;
	struct nvsr_complaint c = { "" };
	struct nvsr_profile *p = NULL;
	struct nvsr_load_device d = { 0 };

	try_profile("reference", 0, 1);
	try_profile("reference", 3, 8);
	try_profile("reference", 1, NVSR_LOAD_QUEUES);
	try_profile("samsung-pm173x", 32, 8);
	if (argc > 1 && !nvsr_profile_load("reference", &p, &c)) {	/* by hand: how long a GiB takes */
		struct nvsr_load_options o = { .device = "model:", .profile = p, .vfs = 3, .queues = 4, .namespace_bytes = 256u << 20 };

		begin = nvsr_now_ns();
		if (!nvsr_load_open(&o, &d, &c))
			printf("1 GiB in %.3f s\n", (double)(nvsr_now_ns() - begin) / 1e9);
		nvsr_load_close(&d);
		nvsr_profile_free(p);
	}
	printf("%s: device_test\n", failed ? "FAIL" : "ok");
	return failed != 0;
}
