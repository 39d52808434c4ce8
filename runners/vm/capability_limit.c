// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits of a disk: those that libvirt sets, those of a back end of its own; whether they are kept. */
#include <math.h>

#include "runners/vm/capability.h"

#define SCRIPT_S 60
#define WITHIN 0.10		/* of the limit that was set; of the speed before, without one afterwards */
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

/* --- the cell -------------------------------------------------------------------------------------------------------------------- */

static int limit_by_libvirt(struct nvsr_cap *c, uint64_t iops, struct nvsr_complaint *complaint)
{
	return nvsr_vm_limit_iops(c->host.guests->guest[0].vm, "vda", iops, complaint);
}

/* Another guest: this daemon takes its limit at its start. */
static int limit_by_back_end(struct nvsr_cap *c, uint64_t iops, struct nvsr_complaint *complaint)
{
	int rc;

	nvsr_cap_stop(c, 0);
	c->host.guests->limit_iops = iops;
	rc = nvsr_cap_first(c, complaint);
	c->host.guests->limit_iops = 0;
	return rc;
}

void nvsr_cap_judge_limit(struct nvsr_cap_result *r, const char *whose, double before, double limit, double limited, double after)
{
	double off = limited / limit - 1;

	nvsr_cap_number(r, "unlimited_iops", before);
	nvsr_cap_number(r, "limit_iops", limit);
	nvsr_cap_number(r, "measured_iops", limited);
	nvsr_cap_number(r, "unlimited_again_iops", after);
	/* A host whose speed changes by that much meanwhile says nothing of a limit, whether it seems to be kept or not. */
	if (fabs(after / before - 1) > WITHIN)
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "%s: %.0f IOPS without a limit before and %.0f after, which differ by more than %.0f %%: the "
			     "speed is not steady enough (limit %.0f, measured %.0f)", whose, before, after, 100 * WITHIN, limit, limited);
	else
		nvsr_cap_say(r, fabs(off) <= WITHIN ? NVSR_CAP_YES : NVSR_CAP_NO, "%s: %.0f IOPS without a limit, %.0f afterwards; limit %.0f, "
			     "measured %.0f (%+.1f %%)", whose, before, after, limit, limited, 100 * off);
}

/* Limit @iops (0: none), and how fast it is then. */
static int limited(struct nvsr_cap *c, int (*set)(struct nvsr_cap *c, uint64_t iops, struct nvsr_complaint *complaint), uint64_t iops,
		   double *ret_iops, struct nvsr_complaint *complaint)
{
	int rc = set(c, iops, complaint);

	return rc ? rc : measure(c, ret_iops, complaint);
}

void nvsr_cap_qos(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	int (*set)(struct nvsr_cap *c, uint64_t iops, struct nvsr_complaint *complaint) = limit_by_libvirt;
	struct nvsr_complaint complaint = { "" };
	const char *whose = "libvirt's iotune";
	double before = 0, with = 0, after = 0;
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
		complaint.text[0] = '\0';
	}
	rc = limited(c, set, 0, &before, &complaint);
	limit = (uint64_t)(before / 2);
	if (!rc && limit < LEAST) {
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "the disk is too slow to be limited: %.0f IOPS", before);
		return;
	}
	rc = rc ? rc : limited(c, set, limit, &with, &complaint);
	rc = rc ? rc : limited(c, set, 0, &after, &complaint);
	if (rc)
		nvsr_cap_broke(r, "limiting a disk", rc, &complaint);
	else
		nvsr_cap_judge_limit(r, whose, before, (double)limit, with, after);
	if (rc)		/* with the limit that it may have */
		nvsr_cap_stop(c, 0);
}
