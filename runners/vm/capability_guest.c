// SPDX-License-Identifier: GPL-2.0-or-later
/* Guests for the capability table: as those of performance runs, but small, and with places for disks that come later. */
#include "runners/vm/capability.h"
#include "runners/vm/xml.h"

#define MEMORY_MIB 256
#define BOOT_S 60
#define PORTS 5		/* channel, disk, a disk more, and two for what libvirt thinks of */
#define CMDLINE "console=ttyS0 panic=-1 quiet nvme_core.multipath=N"
#define NAMESPACE_BYTES (16ull << 20)

unsigned nvsr_cap_limit(const struct nvsr_cap *c, unsigned seconds)
{
	double scale = c->host.o.target->session.timeout_scale;

	return (unsigned)(seconds * (scale > 0 ? scale : 1));
}

/* --- the drive --------------------------------------------------------------------------------------------------------------- */

int nvsr_cap_open(struct nvsr_cap *c, struct nvsr_complaint *complaint)
{
	const struct nvsr_sriov *s = &c->host.o.target->inv.sriov;
	struct nvsr_layout_options o = { .queues = 1, .namespace_bytes = NAMESPACE_BYTES, .vfs = NVSR_MIN((unsigned)s->total_vfs, c->most),
					 .least = 1 };
	int rc;

	if (!o.vfs) {
		snprintf(complaint->text, sizeof(complaint->text), "the device has no VFs");
		return -ENODEV;
	}
	c->host.opened = true;
	c->host.bytes = NAMESPACE_BYTES;
	rc = nvsr_layout_open(c->host.o.target, &o, &c->host.layout, complaint);
	if (rc)
		return rc;
	c->asked_for = c->host.layout.vfs == c->most;
	c->stopped = c->asked_for ? nvsr_asprintf("no more were asked for (--vms %u)", c->most) :
		     c->host.layout.vfs == s->total_vfs ? nvsr_asprintf("the device has no more VFs (TotalVFs %u)", s->total_vfs) :
		     nvsr_asprintf("VF %u cannot be set up: %.300s", c->host.layout.vfs + 1, complaint->text);
	return 0;
}

void nvsr_cap_close(struct nvsr_cap *c)
{
	nvsr_guests_close(&c->host);
	nvsr_layout_close(&c->host.layout);
	free(c->stopped);
	free(c->lacks);
	free(c->dead);
	c->stopped = c->lacks = c->dead = NULL;
}

/* --- guests ------------------------------------------------------------------------------------------------------------------- */

static int boot(struct nvsr_cap *c, struct nvsr_host *h, unsigned i, bool waits, struct nvsr_complaint *complaint)
{
	struct nvsr_guests *all = c->host.guests;
	_cleanup_free_ char *name = nvsr_asprintf("nvsr-%d-%u", (int)getpid(), ++all->booted);
	_cleanup_free_ char *socket = nvsr_asprintf("%s/job%u", all->folder, i + 1), *console = nvsr_asprintf("%s/console%u", all->folder, i + 1);
	struct nvsr_gift gift __attribute__((cleanup(nvsr_gift_free))) = { .args = NULL };
	struct nvsr_vm_options o = {
		.name = name, .memory_mib = MEMORY_MIB, .vcpus = 1, .iothreads = c->way->disk && !c->way->back_end, .kernel = all->kernel,
		.initrd = all->initrd, .cmdline = CMDLINE, .shared_memory = c->way->back_end, .socket = socket, .console = console,
		.boot_s = nvsr_cap_limit(c, BOOT_S), .waits = waits,
	};
	int rc = name && socket && console ? 0 : -ENOMEM;

	all->jobs = 1;
	all->vms = NVSR_MAX(all->vms, i + 1);
	if (c->way->disk)
		nvsr_xml_ports(&gift.xml, PORTS);
	if (!rc)
		rc = c->way->give(h, c->way, i, &gift, complaint);
	if (!rc && gift.xml.failed)
		rc = -ENOMEM;
	o.devices = gift.xml.s;
	o.qemu_args = (const char *const *)gift.args;
	if (!rc)
		rc = nvsr_vm_start(all->hypervisor, &o, &all->guest[i].vm, complaint);
	return rc;
}

int nvsr_cap_boot(struct nvsr_cap *c, unsigned i, struct nvsr_complaint *complaint)
{
	return boot(c, &c->host, i, false, complaint);
}

/* A host like ours, where the second VF is the first. */
int nvsr_cap_boot_waiting(struct nvsr_cap *c, struct nvsr_complaint *complaint)
{
	const struct nvsr_layout_fn *fn = c->host.layout.fn;
	struct nvsr_layout_fn same[] = { fn[0], fn[1], fn[1] };
	struct nvsr_host h = c->host;

	h.layout.fn = same;
	h.layout.vfs = 2;
	return boot(c, &h, 1, true, complaint);
}

void nvsr_cap_stop(struct nvsr_cap *c, unsigned i)
{
	struct nvsr_guests *all = c->host.guests;

	for (unsigned k = all->vms; k > i; k--)
		nvsr_guest_stop(all, k - 1, NULL);
	all->vms = NVSR_MIN(all->vms, i);
}

int nvsr_cap_first(struct nvsr_cap *c, struct nvsr_complaint *complaint)
{
	int rc;

	if (c->host.guests->vms == 1 && c->host.guests->guest[0].vm)
		return 0;
	nvsr_cap_stop(c, 0);
	rc = nvsr_cap_boot(c, 0, complaint);
	if (rc)
		nvsr_cap_stop(c, 0);
	return rc;
}

void nvsr_cap_put_disk(struct nvsr_text *t, const struct nvsr_cap *c, unsigned i)
{
	uint32_t nsid = c->host.layout.fn[i + 1].nsid;

	if (c->way->disk) {
		nvsr_text_add(t, "DISK=%s\n", c->way->disk);
		return;
	}
	nvsr_text_add(t, "find_disk() {\n\tfor d in /sys/block/nvme*n*; do\n"
		      "\t\t[ \"$(cat $d/nsid 2> /dev/null)\" != \"$1\" ] || { echo /dev/${d##*/}; return 0; }\n\tdone\n\treturn 1\n}\n"
		      "n=0\nuntil DISK=$(find_disk %u) || [ $n = 200 ]; do n=$((n + 1)); sleep 0.1; done\n"
		      "[ -b \"$DISK\" ] || { echo 'namespace %u is not there'; exit 3; }\n", nsid, nsid);
}

int nvsr_cap_script(struct nvsr_cap *c, unsigned i, const char *script, unsigned limit_s, char **ret_text, struct nvsr_complaint *complaint)
{
	struct nvsr_text t __attribute__((cleanup(nvsr_text_free))) = { 0 };
	struct nvsr_vm_answer a = { 0 };
	int rc;

	nvsr_cap_put_disk(&t, c, i);
	nvsr_text_add(&t, "%s", script);
	if (t.failed)
		return -ENOMEM;
	rc = nvsr_vm_run(c->host.guests->guest[i].vm, t.s, nvsr_cap_limit(c, limit_s), &a, complaint);
	if (!rc && a.code) {
		snprintf(complaint->text, sizeof(complaint->text), "in the guest: exit code %d: %.200s", a.code, a.text);
		rc = -EIO;
	}
	if (rc)
		free(a.text);
	else
		*ret_text = a.text;
	return rc;
}

unsigned nvsr_cap_printed(const struct nvsr_cap *c, unsigned i, const char *word)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/console%u", c->host.guests->folder, i + 1), *text = NULL;
	unsigned n = 0;

	if (!path || nvsr_read_file(path, 4u << 20, &text, NULL))
		return 0;
	for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
		n++;
	return n;
}

int nvsr_cap_await(struct nvsr_cap *c, unsigned i, const char *word, unsigned times, unsigned limit_s, struct nvsr_vm_answer *a,
		   struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + nvsr_cap_limit(c, limit_s) * NVSR_S;

	while (!nvsr_stop && nvsr_now_ns() < until) {
		int rc = nvsr_vm_poll(c->host.guests->guest[i].vm, a, complaint);

		if (nvsr_cap_printed(c, i, word) >= times)
			return rc < 0 ? rc : 0;
		if (rc)
			return rc;
		nvsr_sleep_ns(50 * NVSR_MS, &nvsr_stop);
	}
	return nvsr_stop ? -EINTR : -ETIMEDOUT;
}

/* It may have ended in the moment that it was heard of. */
int nvsr_cap_await_end(struct nvsr_cap *c, unsigned i, unsigned limit_s, struct nvsr_vm_answer *a, struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + nvsr_cap_limit(c, limit_s) * NVSR_S;

	while (!a->text && !nvsr_stop && nvsr_now_ns() < until) {
		int rc = nvsr_vm_poll(c->host.guests->guest[i].vm, a, complaint);

		if (rc < 0)
			return rc;
		nvsr_sleep_ns(20 * NVSR_MS, &nvsr_stop);
	}
	return a->text ? 0 : nvsr_stop ? -EINTR : -ETIMEDOUT;
}
