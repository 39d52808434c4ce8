// SPDX-License-Identifier: GPL-2.0-or-later
/* Limits of a disk: those that libvirt sets, those of a back end of its own; whether they are kept. */
#include <math.h>

#include "runners/vm/capability.h"

#define SCRIPT_S 60
#define WITHIN 0.10		/* of the limit that was set; of the speed before, the one afterwards */
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

static int by_number(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(const struct nvsr_cap_speed *s, unsigned n, double (*of)(const struct nvsr_cap_speed *s))
{
	double v[NVSR_CAP_ROUNDS] = { 0 };

	for (unsigned i = 0; i < n; i++)
		v[i] = of(&s[i]);
	qsort(v, n, sizeof(*v), by_number);
	return v[n / 2];
}

static double before(const struct nvsr_cap_speed *s)
{
	return s->before;
}

static double limit(const struct nvsr_cap_speed *s)
{
	return s->limit;
}

static double with(const struct nvsr_cap_speed *s)
{
	return s->with;
}

static double after(const struct nvsr_cap_speed *s)
{
	return s->after;
}

/* A round is judged by itself: its limit is of the speed that it began with. */
static double off(const struct nvsr_cap_speed *s)
{
	return s->with / s->limit - 1;
}

static double drift(const struct nvsr_cap_speed *s)
{
	return fabs(s->after / s->before - 1);
}

void nvsr_cap_judge_limit(struct nvsr_cap_result *r, const char *whose, const struct nvsr_cap_speed *s, unsigned n)
{
	static const struct { const char *name; double (*of)(const struct nvsr_cap_speed *s); } numbers[] = {
		{ "unlimited_iops", before }, { "limit_iops", limit }, { "measured_iops", with }, { "unlimited_again_iops", after },
	};
	double v[NVSR_ARRAY_SIZE(numbers)], by = median(s, n, off);
	char rounds[64] = "";

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(numbers); i++) {
		v[i] = median(s, n, numbers[i].of);
		nvsr_cap_number(r, numbers[i].name, v[i]);
	}
	nvsr_cap_number(r, "rounds", n);
	if (n > 1)
		snprintf(rounds, sizeof(rounds), "; medians of what was found in %u rounds", n);
	/* A host whose speed changes by that much meanwhile says nothing of a limit, whether it seems to be kept or not. */
	if (median(s, n, drift) > WITHIN)
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "%s: %.0f IOPS without a limit before and %.0f after; within a round they differ by %.0f %%, more "
			     "than %.0f %%: the speed is not steady enough (limit %.0f, measured %.0f)%s", whose, v[0], v[3],
			     100 * median(s, n, drift), 100 * WITHIN, v[1], v[2], rounds);
	else
		nvsr_cap_say(r, fabs(by) <= WITHIN ? NVSR_CAP_YES : NVSR_CAP_NO, "%s: %.0f IOPS without a limit, %.0f afterwards; limit %.0f, "
			     "measured %.0f (%+.1f %%)%s", whose, v[0], v[3], v[1], v[2], 100 * by, rounds);
}

/* --- measuring ------------------------------------------------------------------------------------------------------------------- */

typedef int set_limit(struct nvsr_cap *c, uint64_t iops, struct nvsr_complaint *complaint);

/* Limit @iops (0: none), and how fast it is then. */
static int limited(struct nvsr_cap *c, set_limit *set, uint64_t iops, double *ret_iops, struct nvsr_complaint *complaint)
{
	int rc = set(c, iops, complaint);

	return rc ? rc : measure(c, ret_iops, complaint);
}

/* Half of the speed, so that what the host does besides is not what keeps it. */
static int measure_round(struct nvsr_cap *c, set_limit *set, struct nvsr_cap_speed *s, struct nvsr_complaint *complaint)
{
	int rc;

	s->limit = floor(s->before / 2);
	if (s->limit < LEAST) {
		snprintf(complaint->text, sizeof(complaint->text), "the disk is too slow to be limited: %.0f IOPS", s->before);
		return -ERANGE;
	}
	rc = limited(c, set, (uint64_t)s->limit, &s->with, complaint);
	return rc ? rc : limited(c, set, 0, &s->after, complaint);
}

/* A limit that is kept while the speed is steady needs to be seen once; anything else may be the host's doing. */
static int measure_all(struct nvsr_cap *c, set_limit *set, struct nvsr_cap_speed *s, unsigned *ret_n, struct nvsr_complaint *complaint)
{
	int rc = limited(c, set, 0, &s[0].before, complaint);

	for (unsigned i = 0; !rc && i < NVSR_CAP_ROUNDS; i++) {
		if (i)
			s[i].before = s[i - 1].after;
		rc = measure_round(c, set, &s[i], complaint);
		*ret_n = i + 1;
		if (!rc && !i && drift(&s[0]) <= WITHIN && fabs(off(&s[0])) <= WITHIN)
			break;
	}
	return rc;
}

void nvsr_cap_qos(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	struct nvsr_cap_speed s[NVSR_CAP_ROUNDS] = { { 0 } };
	struct nvsr_complaint complaint = { "" };
	const char *whose = "libvirt's iotune";
	set_limit *set = limit_by_libvirt;
	unsigned n = 0;
	/* Which is far from what it does: whether it can be set at all. */
	int rc = set(c, 1000000, &complaint);

	if (rc && !c->way->back_end) {
		nvsr_cap_say(r, NVSR_CAP_NO, "nothing can limit it: %s%s", c->way->disk ? "" : "what the guest has is no disk of the hypervisor's: ",
			     complaint.text);
		return;
	}
	if (rc) {
		set = limit_by_back_end;
		whose = "throttle of qemu-storage-daemon";
		complaint.text[0] = '\0';
	}
	rc = measure_all(c, set, s, &n, &complaint);
	if (!rc)
		nvsr_cap_judge_limit(r, whose, s, n);
	else if (rc == -ERANGE)
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "%s", complaint.text);
	else
		nvsr_cap_broke(r, "limiting a disk", rc, &complaint);
	if (rc)		/* with the limit that it may have */
		nvsr_cap_stop(c, 0);
}
