// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Live migration between two guests of one host.  libvirt moves a guest to another host only, so QEMU's own monitor is told, through
 * libvirt.  The state goes over a pair of sockets that both are handed: there is no port or file that others could come to.
 */
#include <jansson.h>
#include <sys/socket.h>

#include "runners/vm/vm.h"

#define POLL_MS 10
#define RUNS_S 30u
#define COUNTS 20
#define URI "fd:nvsr-state"
#define MIB 1048576.0

/* --- what QEMU says --------------------------------------------------------------------------------------------------------- */

static void set_complaint(struct nvsr_complaint *complaint, const char *what, const char *said)
{
	_cleanup_free_ char *clean = nvsr_clean_text(said, strnlen(said, 300));

	snprintf(complaint->text, sizeof(complaint->text), "%s%s", what, clean ? clean : "");
}

/* What it returned, a reference of the caller's; NULL: it says no (-EPERM in *ret_rc), or this is no answer of QEMU's (-EPROTO). */
static json_t *answer(const char *reply, int *ret_rc, struct nvsr_complaint *complaint)
{
	json_t *o = json_loads(reply, 0, NULL), *r = json_object_get(o, "return");
	const char *no = json_string_value(json_object_get(json_object_get(o, "error"), "desc"));

	*ret_rc = json_is_object(r) ? 0 : no ? -EPERM : -EPROTO;
	if (*ret_rc)
		set_complaint(complaint, no ? "QEMU: " : "no answer of QEMU's monitor: ", no ? no : reply);
	r = *ret_rc ? NULL : json_incref(r);
	json_decref(o);
	return r;
}

static double number(const json_t *o, const char *key)
{
	double v = json_number_value(json_object_get(o, key));

	return v >= 0 && v < 1e18 ? v : 0;
}

int nvsr_vm_move_parse(const char *reply, struct nvsr_vm_moved *ret, struct nvsr_complaint *complaint)
{
	int rc;
	json_t *o = answer(reply, &rc, complaint), *ram = json_object_get(o, "ram");
	const char *status = json_string_value(json_object_get(o, "status")), *why = json_string_value(json_object_get(o, "error-desc"));

	if (!rc) {
		ret->total_s = number(o, "total-time") / 1000;
		ret->down_s = number(o, "downtime") / 1000;
		ret->mib = number(ram, "transferred") / MIB;
		ret->rounds = (unsigned)NVSR_MIN(number(ram, "dirty-sync-count"), 1e9);
		if (!status)
			rc = 0;		/* has not begun */
		else if (!strcmp(status, "completed"))
			rc = 1;
		else if (!strcmp(status, "failed") || !strncmp(status, "cancel", 6))
			rc = -EPERM;
	}
	if (rc == -EPERM && o)
		set_complaint(complaint, "QEMU gave up: ", why ? why : status);
	json_decref(o);
	return rc;
}

/* --- moving --------------------------------------------------------------------------------------------------------------------- */

static int tell(struct nvsr_vm *vm, const char *command, int fd, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *reply = NULL;
	int rc = nvsr_vm_monitor(vm, command, fd, &reply, complaint);

	if (!rc)
		json_decref(answer(reply, &rc, complaint));
	return rc;
}

/* The end of a pair of sockets to a guest, and what is to be done with it. */
static int hand_over(struct nvsr_vm *vm, int fd, const char *command, struct nvsr_complaint *complaint)
{
	int rc = tell(vm, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"nvsr-state\"}}", fd, complaint);

	return rc ? rc : tell(vm, command, -1, complaint);
}

static int begin(struct nvsr_vm *from, struct nvsr_vm *to, struct nvsr_complaint *complaint)
{
	int fd[2], rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		return -errno;
	rc = hand_over(to, fd[1], "{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"" URI "\"}}", complaint);
	if (!rc)
		rc = hand_over(from, fd[0], "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"" URI "\"}}", complaint);
	close(fd[0]);
	close(fd[1]);
	return rc;
}

/* Until all is sent; *ret_ns: when it was last seen to run at its old place. */
static int wait_sent(struct nvsr_vm *from, uint64_t until, struct nvsr_vm_moved *ret, uint64_t *ret_ns, struct nvsr_complaint *complaint)
{
	for (;;) {
		_cleanup_free_ char *reply = NULL;
		uint64_t now = nvsr_now_ns();
		int rc = nvsr_vm_monitor(from, "{\"execute\":\"query-migrate\"}", -1, &reply, complaint);

		if (!rc)
			rc = nvsr_vm_move_parse(reply, ret, complaint);
		if (rc)
			return rc < 0 ? rc : 0;
		*ret_ns = now;
		if (nvsr_stop)
			return -EINTR;
		if (now >= until) {
			snprintf(complaint->text, sizeof(complaint->text), "the migration does not end: %.0f MiB in %u rounds were sent", ret->mib, ret->rounds);
			return -ETIMEDOUT;
		}
		nvsr_sleep_ns(POLL_MS * NVSR_MS, &nvsr_stop);
	}
}

/* It took what was sent, and runs. */
static int wait_runs(struct nvsr_vm *to, struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + RUNS_S * NVSR_S;
	int rc = 0;

	while (!rc && !nvsr_stop) {
		_cleanup_free_ char *reply = NULL;
		json_t *o;
		bool running;

		rc = nvsr_vm_monitor(to, "{\"execute\":\"query-status\"}", -1, &reply, complaint);
		o = rc ? NULL : answer(reply, &rc, complaint);
		running = json_is_true(json_object_get(o, "running"));
		json_decref(o);
		if (running)
			return 0;
		if (!rc && nvsr_now_ns() >= until) {
			snprintf(complaint->text, sizeof(complaint->text), "the guest does not run on within %u s: %.200s", RUNS_S, reply);
			rc = -ETIMEDOUT;
		}
		nvsr_sleep_ns(POLL_MS * NVSR_MS, &nvsr_stop);
	}
	return rc ? rc : -EINTR;
}

/* QEMU says that it is done before it has counted. */
static int count(struct nvsr_vm *from, struct nvsr_vm_moved *ret, struct nvsr_complaint *complaint)
{
	int rc = 0;

	ret->total_s = 0;
	for (unsigned n = 0; !rc && !(ret->total_s > 0) && n < COUNTS; n++) {
		_cleanup_free_ char *reply = NULL;

		nvsr_sleep_ns(n * POLL_MS * NVSR_MS, &nvsr_stop);
		rc = nvsr_vm_monitor(from, "{\"execute\":\"query-migrate\"}", -1, &reply, complaint);
		if (!rc && nvsr_vm_move_parse(reply, ret, complaint) < 0)
			rc = -EPROTO;
	}
	return rc;
}

int nvsr_vm_move(struct nvsr_vm *from, struct nvsr_vm *to, unsigned limit_s, struct nvsr_vm_moved *ret, struct nvsr_complaint *complaint)
{
	uint64_t seen = nvsr_now_ns(), until = seen + limit_s * NVSR_S, runs;
	int rc;

	*ret = (struct nvsr_vm_moved){ 0 };
	rc = begin(from, to, complaint);
	if (!rc)
		rc = wait_sent(from, until, ret, &seen, complaint);
	if (!rc)
		rc = nvsr_vm_resume(to, complaint);
	if (!rc)
		rc = wait_runs(to, complaint);
	runs = nvsr_now_ns();
	if (!rc)
		rc = nvsr_vm_follow(to, from);
	if (!rc)
		rc = count(from, ret, complaint);
	ret->down_s += (double)(runs - seen) / 1e9;
	if (rc && !complaint->text[0])
		snprintf(complaint->text, sizeof(complaint->text), "%s", strerror(-rc));
	return rc;
}
