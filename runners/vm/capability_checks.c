// SPDX-License-Identifier: GPL-2.0-or-later
/* The cells of the capability table, each by doing it. */
#include <math.h>

#include "runners/vm/capability.h"
#include "runners/vm/xml.h"

#define SCRIPT_S 60
#define IO_MS 3000		/* that I/O goes on with a second disk there */

void nvsr_cap_say(struct nvsr_cap_result *r, enum nvsr_cap_answer a, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	r->answer = a;
	if (text)
		nvsr_text_add(&r->text, "%s", text);
}

void nvsr_cap_broke(struct nvsr_cap_result *r, const char *what, int rc, const struct nvsr_complaint *complaint)
{
	r->broken = true;
	nvsr_cap_say(r, NVSR_CAP_UNTESTED, "%s: %s", what, complaint->text[0] ? complaint->text : nvsr_rc_text(rc));
}

void nvsr_cap_number(struct nvsr_cap_result *r, const char *name, double value)
{
	if (!r->numbers)
		r->numbers = json_object();
	json_object_set_new(r->numbers, name, json_real(value));
}

/* --- VMs per disk ---------------------------------------------------------------------------------------------------------------- */

static void vms_per_disk(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	struct nvsr_complaint complaint = { "" };
	unsigned n = 0;
	int rc = 0;

	while (!rc && n < c->host.layout.vfs && !nvsr_stop) {
		_cleanup_free_ char *text = NULL;

		if (!c->host.guests->guest[n].vm)
			rc = nvsr_cap_boot(c, n, &complaint);
		if (!rc)
			rc = nvsr_cap_script(c, n, "dd if=$DISK of=/dev/null bs=65536 count=4 2> err || { cat err; exit 4; }\n", SCRIPT_S, &text, &complaint);
		n += !rc;
	}
	if (nvsr_stop || !n) {
		nvsr_cap_broke(r, "the first guest", nvsr_stop ? -EINTR : rc, &complaint);
		return;
	}
	nvsr_cap_number(r, "vms", n);
	/* One of one that was asked for says nothing. */
	nvsr_cap_say(r, n > 1 ? NVSR_CAP_YES : !rc && c->asked_for ? NVSR_CAP_UNTESTED : NVSR_CAP_NO, "%u at once, each reads its disk; then: %s", n,
		     rc ? complaint.text[0] ? complaint.text : nvsr_rc_text(rc) : c->stopped ? c->stopped : "");
	nvsr_cap_stop(c, 1);
}

/* --- elastic scaling --------------------------------------------------------------------------------------------------------------- */

/* A second disk: by the controller that the guest has, or by the hypervisor. */
int nvsr_cap_give_namespace(struct nvsr_layout *l, bool in)
{
	const struct nvsr_layout_fn *first = &l->fn[1], *last = &l->fn[l->vfs];
	int rc = nvsr_ns_detach(l->pf, last->nsid, in ? last->cntlid : first->cntlid);

	/* Going back it may be with nobody. */
	return rc && in ? rc : nvsr_ns_attach(l->pf, last->nsid, in ? first->cntlid : last->cntlid);
}

static int give_namespace(struct nvsr_cap *c, bool in, struct nvsr_complaint *complaint)
{
	struct nvsr_layout *l = &c->host.layout;
	int rc = nvsr_cap_give_namespace(l, in);

	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "namespace %u to the controller: %s", l->fn[l->vfs].nsid, nvsr_rc_text(rc));
	return rc;
}

static int plug_disk(struct nvsr_cap *c, bool in, struct nvsr_complaint *complaint)
{
	struct nvsr_gift gift = { .args = NULL };
	unsigned i = c->host.layout.vfs - 1;
	char *target;
	int rc;

	/* Its back end and files go with the guests of higher numbers. */
	c->host.guests->vms = c->host.layout.vfs;
	/* Taking it out needs no back end anew: what names it is enough. */
	rc = in || !c->way->back_end ? c->way->give(&c->host, c->way, i, &gift, complaint) : 0;
	if (!rc && !gift.xml.s) {
		_cleanup_free_ char *socket = nvsr_asprintf("%s/disk%u", c->host.guests->folder, i + 1);

		if (socket)
			nvsr_xml_disk(&gift.xml, &(struct nvsr_xml_disk){ .kind = NVSR_XML_VHOST_USER, .source = socket, .queues = 1 });
	}
	target = gift.xml.s && !gift.xml.failed ? strstr(gift.xml.s, "dev='vda'") : NULL;
	if (!rc && !target)
		rc = -ENOMEM;
	if (!rc) {
		memcpy(target, "dev='vdb'", strlen("dev='vdb'"));
		rc = nvsr_vm_plug(c->host.guests->guest[0].vm, gift.xml.s, in, complaint);
	}
	nvsr_gift_free(&gift);
	return rc;
}

/* Writes all the time; tells at its console, which the host reads, what disks come and go. */
static char *elastic_script(const struct nvsr_cap *c)
{
	struct nvsr_text t = { 0 };

	nvsr_cap_put_disk(&t, c, 0);
	if (c->way->disk)
		nvsr_text_add(&t, "second() { [ -b /dev/vdb ]; }\nread_second() { dd if=/dev/vdb of=/dev/null bs=65536 count=4 2> /dev/null; }\n");
	else
		nvsr_text_add(&t, "second() { find_disk %u > /dev/null; }\nread_second() { dd if=$(find_disk %u) of=/dev/null bs=65536 count=4 2> /dev/null; }\n",
			      c->host.layout.fn[c->host.layout.vfs].nsid, c->host.layout.fn[c->host.layout.vfs].nsid);
	nvsr_text_add(&t, "head -c 65536 /dev/zero > piece\n: > ios\n: > bad\n"
		      "(while [ ! -e stop ]; do if dd if=piece of=$DISK bs=65536 count=1 conv=notrunc,fsync 2> /dev/null; then echo >> ios; "
		      "else echo >> bad; fi; done) &\n"
		      "wait_for() { n=0; until \"$@\"; do n=$((n + 1)); [ $n -lt %u ] || { echo \"never: $*\"; touch stop; wait; exit 5; }; sleep 0.1; done; }\n"
		      "gone() { ! second; }\nsome() { [ -s ios ]; }\n"
		      "wait_for some\necho nvsr-io-runs > /dev/console\nwait_for second\nwait_for read_second\necho nvsr-disk-came > /dev/console\n"
		      "wait_for gone\nat=$(wc -l < ios)\nmore() { [ $(wc -l < ios) -gt $((at + 2)) ]; }\nwait_for more\necho nvsr-disk-went > /dev/console\n"
		      "touch stop\nwait\necho $(wc -l < ios) $(wc -l < bad)\n", 10 * nvsr_cap_limit(c, SCRIPT_S));
	return t.failed ? NULL : t.s;
}

static int (*second_disk(const struct nvsr_cap *c))(struct nvsr_cap *c, bool in, struct nvsr_complaint *complaint)
{
	return c->way->disk ? plug_disk : give_namespace;
}

/* How long it took to come and go, as the host saw it. */
static int come_and_go(struct nvsr_cap *c, double ret_s[2], struct nvsr_vm_answer *a, struct nvsr_complaint *complaint)
{
	uint64_t start;
	int rc = nvsr_cap_await(c, 0, "nvsr-io-runs", 1, SCRIPT_S, a, complaint);

	for (unsigned out = 0; !rc && out < 2; out++) {
		start = nvsr_now_ns();
		rc = second_disk(c)(c, !out, complaint);
		/* libvirt knows a way to ask: what asks politely does not wait. */
		rc = rc ? rc : nvsr_cap_await(c, 0, out ? "nvsr-disk-went" : "nvsr-disk-came", 1, SCRIPT_S, a, complaint);
		ret_s[out] = (double)(nvsr_now_ns() - start) / 1e9;
		if (!rc && !out)
			nvsr_sleep_ns(IO_MS * NVSR_MS, &nvsr_stop);
		if (rc && !out)
			second_disk(c)(c, false, &(struct nvsr_complaint){ "" });
	}
	return rc;
}

static void elastic(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	_cleanup_free_ char *script = elastic_script(c);
	struct nvsr_vm *vm = c->host.guests->guest[0].vm;
	struct nvsr_complaint complaint = { "" };
	struct nvsr_vm_answer a = { 0 };
	unsigned long ios = 0, bad = 0;
	double s[2] = { 0, 0 };
	bool ended = false;
	int rc;

	if (c->host.layout.vfs < 2) {
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "needs a second namespace: %s", c->stopped ? c->stopped : "");
		return;
	}
	rc = script ? nvsr_vm_send(vm, script) : -ENOMEM;
	if (!rc)
		rc = come_and_go(c, s, &a, &complaint);
	if (!rc)
		rc = nvsr_cap_await_end(c, 0, SCRIPT_S, &a, &complaint);
	ended = a.text != NULL;
	if (rc >= 0 && ended && !a.code && sscanf(a.text, "%lu %lu", &ios, &bad) == 2) {
		nvsr_cap_number(r, "came_s", s[0]);
		nvsr_cap_number(r, "went_s", s[1]);
		nvsr_cap_number(r, "ios_meanwhile", (double)ios);
		nvsr_cap_number(r, "ios_failed", (double)bad);
		nvsr_cap_say(r, bad ? NVSR_CAP_NO : NVSR_CAP_YES, "%s, while the guest wrote to its first: came in %.2f s, was read, went in %.2f s; "
			     "%lu writes, %lu failed", c->way->disk ? "a second disk plugged in and out" : "a second namespace attached and detached",
			     s[0], s[1], ios, bad);
	} else if (ended) {
		nvsr_cap_say(r, NVSR_CAP_NO, "the guest says: %.100s", a.text);
	} else {
		nvsr_cap_broke(r, "a second disk", rc < 0 ? rc : -ETIMEDOUT, &complaint);
	}
	free(a.text);
	/* What came and did not go would be in the way. */
	nvsr_cap_stop(c, r->answer == NVSR_CAP_YES ? 1 : 0);
}

/* --- CPUs, from a performance run ------------------------------------------------------------------------------------------------------ */

int nvsr_cap_perf_read(const char *dir, const char *serial, struct nvsr_perf_run *ret, struct nvsr_complaint *complaint)
{
	int rc = nvsr_perf_read(dir, ret, complaint->text);

	if (rc && !complaint->text[0])
		snprintf(complaint->text, sizeof(complaint->text), "%s: %s", dir, strerror(-rc));
	if (rc || (ret->serial && !strcmp(ret->serial, serial)))
		return rc;
	snprintf(complaint->text, sizeof(complaint->text), "%s is a performance run of another device: serial number %.64s, expected %.64s", dir,
		 ret->serial ? ret->serial : "none", serial);
	nvsr_perf_free(ret);
	return -EINVAL;
}

static void host_cpu(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	struct nvsr_perf_run run;
	struct nvsr_complaint complaint = { "" };
	double most = NAN, least = NAN;
	const char *cell = "";

	if (!c->perf) {
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "no performance run was given (--perf)");
		return;
	}
	if (nvsr_cap_perf_read(c->perf, c->host.o.target->serial, &run, &complaint)) {
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "%s", complaint.text);
		return;
	}
	for (size_t i = 0; i < run.cells; i++) {
		double v = run.cell[i].stat[NVSR_PERF_PATH_CORES].median;

		if (strcmp(run.cell[i].path, c->name) || !run.cell[i].stat[NVSR_PERF_PATH_CORES].n)
			continue;
		if (!(v <= most)) {
			most = v;
			cell = run.cell[i].name;
		}
		least = fmin(v, least);
	}
	if (isnan(most)) {
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "the performance run has nothing of it");
	} else {
		nvsr_cap_number(r, "path_cores_least", least);
		nvsr_cap_number(r, "path_cores_most", most);
		nvsr_cap_say(r, NVSR_CAP_YES, "guest and back end together keep %.2f to %.2f CPUs busy, most in %s%s%s", least, most, cell,
			     nvsr_perf_label(&run) ? "; " : "", nvsr_perf_label(&run) ? nvsr_perf_label(&run) : "");
	}
	nvsr_perf_free(&run);
}

#define WAY(name) \
	{ "vms-per-disk", name, vms_per_disk, false }, { "elastic", name, elastic, false }, { "migration", name, nvsr_cap_migration, false }, \
	{ "qos", name, nvsr_cap_qos, false }, { "security", name, nvsr_cap_security, false }, { "cpu", name, host_cpu, true }
const struct nvsr_cap_check nvsr_cap_checks[] = { WAY("passthrough"), WAY("virtio-ns"), WAY("vhost-user-blk") };
const unsigned nvsr_cap_check_count = NVSR_ARRAY_SIZE(nvsr_cap_checks);
