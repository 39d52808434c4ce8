// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits of a disk: those that libvirt sets, those of a back end of its own; whether they are kept. */
#include <math.h>

#include "runners/vm/capability.h"
#include "runners/vm/xml.h"

#define SCRIPT_S 60
#define DISK_MS 20000
#define WITHIN 0.10		/* of the limit that was set */
#define LEAST 10		/* a limit below says nothing */

/* Random reads for some seconds, by four threads. */
static int measure(struct nvsr_cap *c, double *ret_iops, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *text = NULL;
	const char *at;
	int rc = nvsr_cap_script(c, 0, "fio --name=limit --filename=$DISK --rw=randread --bs=4k --direct=1 --ioengine=psync --thread --numjobs=4 "
				 "--group_reporting --time_based --ramp_time=1 --runtime=4 --minimal > out 2> err || { cat err; exit 4; }\n"
				 "tail -n 1 out | cut -d ';' -f 8\n", SCRIPT_S, &text, complaint);

	if (rc)
		return rc;
	at = text;
	*ret_iops = strtod(at, NULL);
	if (*ret_iops > 0)
		return 0;
	snprintf(complaint->text, sizeof(complaint->text), "fio in the guest says: %.100s", text);
	return -EPROTO;
}

/* --- a back end that keeps a limit ------------------------------------------------------------------------------------------- */

/* As the way vhost-user-blk, with a filter in between. */
static int give_limited(struct nvsr_host *h, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	const struct nvsr_cap *c = (const struct nvsr_cap *)h;
	const struct nvsr_layout_fn *f = &h->layout.fn[i + 1];
	struct nvsr_guest *g = &h->guests->guest[i];
	_cleanup_free_ char *socket = nvsr_asprintf("%s/disk%u", h->guests->folder, i + 1), *blockdev = NULL, *export = NULL, *group = NULL;
	struct nvsr_xml_disk d = { .kind = NVSR_XML_VHOST_USER, .source = socket, .queues = 1 };
	int rc = socket ? nvsr_layout_bind(f->bdf, "nvme") : -ENOMEM;

	if (rc)
		return rc;
	free(g->disk);
	g->disk = nvsr_layout_disk(f->bdf, f->nsid, DISK_MS);
	if (!g->disk)
		return -ENODEV;
	blockdev = nvsr_asprintf("driver=host_device,node-name=raw,filename=%s,cache.direct=on,aio=native", g->disk);
	export = nvsr_asprintf("vhost-user-blk,id=export,node-name=disk,writable=on,iothread=thread,num-queues=1,addr.type=unix,addr.path=%s", socket);
	group = nvsr_asprintf("throttle-group,id=limit,x-iops-total=%llu", (unsigned long long)c->limit_iops);
	if (!blockdev || !export || !group)
		return -ENOMEM;
	unlink(socket);
	{
		char *const argv[] = { (char *)"qemu-storage-daemon", (char *)"--object", (char *)"iothread,id=thread", (char *)"--object", group,
				       (char *)"--blockdev", blockdev, (char *)"--blockdev",
				       (char *)"driver=throttle,node-name=disk,throttle-group=limit,file=raw", (char *)"--export", export, NULL };

		rc = nvsr_program_start(argv, &g->back_end);
	}
	rc = rc ? rc : nvsr_storage_daemon_wait(&g->back_end, socket, complaint);
	if (!rc)
		nvsr_xml_disk(&gift->xml, &d);
	return rc;
}

/* --- the cell -------------------------------------------------------------------------------------------------------------------- */

static int limit_by_libvirt(struct nvsr_cap *c, uint64_t iops, struct nvsr_complaint *complaint)
{
	return nvsr_vm_limit_iops(c->host.guests->guest[0].vm, "vda", iops, complaint);
}

/* Another guest: this daemon takes its limit at its start. */
static int limit_by_back_end(struct nvsr_cap *c, uint64_t iops, struct nvsr_complaint *complaint)
{
	const struct nvsr_way *way = c->way;
	struct nvsr_way limited = *way;
	int rc;

	limited.give = give_limited;
	c->limit_iops = iops;
	nvsr_cap_stop(c, 0);
	c->way = &limited;
	rc = nvsr_cap_first(c, complaint);
	c->way = way;
	return rc;
}

static void judge(struct nvsr_cap_result *r, const char *whose, double before, double limit, double after)
{
	double off = after / limit - 1;

	nvsr_cap_number(r, "unlimited_iops", before);
	nvsr_cap_number(r, "limit_iops", limit);
	nvsr_cap_number(r, "measured_iops", after);
	nvsr_cap_say(r, fabs(off) <= WITHIN ? NVSR_CAP_YES : NVSR_CAP_NO, "%s: %.0f IOPS without a limit; limit %.0f, measured %.0f (%+.1f %%)", whose,
		     before, limit, after, 100 * off);
}

void nvsr_cap_qos(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	int (*set)(struct nvsr_cap *c, uint64_t iops, struct nvsr_complaint *complaint) = limit_by_libvirt;
	struct nvsr_complaint complaint = { "" };
	const char *whose = "libvirt's iotune";
	double before = 0, after = 0;
	uint64_t limit;
	/* Which is far from what it does: whether it can be set at all. */
	int rc = set(c, 1000000, &complaint);

	if (rc && !c->way->back_end) {
		nvsr_cap_say(r, NVSR_CAP_NO, "no limit can be set: %s%s", c->way->disk ? "" : "what the guest has is no disk of the hypervisor's: ",
			     complaint.text);
		return;
	}
	if (rc) {
		set = limit_by_back_end;
		whose = "throttle of qemu-storage-daemon";
		rc = 0;
	} else {
		rc = set(c, 0, &complaint);
	}
	rc = rc ? rc : measure(c, &before, &complaint);
	limit = (uint64_t)(before / 2);
	if (!rc && limit < LEAST) {
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "the disk is too slow to be limited: %.0f IOPS", before);
		return;
	}
	complaint.text[0] = '\0';
	rc = rc ? rc : set(c, limit, &complaint);
	rc = rc ? rc : measure(c, &after, &complaint);
	if (rc)
		nvsr_cap_broke(r, "limiting a disk", rc, &complaint);
	else
		judge(r, whose, before, (double)limit, after);
	if (c->way->back_end)		/* its limit goes with it */
		nvsr_cap_stop(c, 0);
}
