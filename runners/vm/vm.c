// SPDX-License-Identifier: GPL-2.0-or-later
/* Guests through libvirt's C API; the only file that includes it. */
#include <dirent.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "runners/vm/channel.h"
#include "runners/vm/vm.h"
#include "runners/vm/xml.h"

#define URI "qemu:///system"
#define SEND_MS 10000
#define AT_ONCE 64		/* things that are heard of a guest */

struct nvsr_hypervisor { virConnectPtr conn; const char *type; };

/* --- the connection -------------------------------------------------------------------------------------------------------- */

/* What libvirt finds wrong is said once, by us. */
static void be_quiet(void *arg, virErrorPtr error)
{
}

static const char *last_words(void)
{
	const char *s = virGetLastErrorMessage();

	return s ? s : "no reason given";
}

/* What can be done about it, where we know. */
static const char *hint(void)
{
	const virError *e = virGetLastError();
	const char *s = e && e->message ? e->message : "";

	if (strstr(s, "No such file or directory") || strstr(s, "Connection refused"))
		return "\nIs libvirt's daemon there and running?  apt-get install libvirt-daemon-system, or --connect URI";
	if (strstr(s, "Permission denied") || (e && e->code == VIR_ERR_AUTH_FAILED) || (e && e->code == VIR_ERR_AUTH_UNAVAILABLE))
		return "\nOnly root and the group libvirt may";
	if (e && (e->code == VIR_ERR_NO_CONNECT || e->code == VIR_ERR_INVALID_ARG || e->code == VIR_ERR_NO_SUPPORT))
		return "\nA URI is like qemu:///system";
	return "";
}

/* KVM where libvirt says that it is usable. */
static const char *type_of(virConnectPtr conn)
{
	const char *kind = virConnectGetType(conn);
	char *kvm;

	if (kind && !strcasecmp(kind, "test"))
		return "test";
	if (!kind || strcasecmp(kind, "QEMU") != 0)
		return NULL;
	kvm = virConnectGetDomainCapabilities(conn, NULL, "x86_64", "q35", "kvm", 0);
	if (!kvm)
		return "qemu";
	free(kvm);
	return "kvm";
}

int nvsr_hypervisor_open(const char *uri, struct nvsr_hypervisor **ret, struct nvsr_complaint *complaint)
{
	struct nvsr_hypervisor *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	virSetErrorFunc(NULL, be_quiet);
	h->conn = virConnectOpen(uri ? uri : URI);
	if (!h->conn) {
		snprintf(complaint->text, sizeof(complaint->text), "libvirt, %s: %s%s", uri ? uri : URI, last_words(), hint());
		free(h);
		return -ENOTCONN;
	}
	h->type = type_of(h->conn);
	if (!h->type) {
		snprintf(complaint->text, sizeof(complaint->text), "libvirt, %s: guests are QEMU's: a URI like %s is needed", uri ? uri : URI, URI);
		nvsr_hypervisor_close(h);
		return -ENOTSUP;
	}
	*ret = h;
	return 0;
}

void nvsr_hypervisor_close(struct nvsr_hypervisor *h)
{
	if (!h)
		return;
	if (h->conn)
		virConnectClose(h->conn);
	free(h);
}

const char *nvsr_hypervisor_type(const struct nvsr_hypervisor *h)
{
	return h->type;
}

/* --- a guest ---------------------------------------------------------------------------------------------------------------- */

struct nvsr_vm {
	virDomainPtr domain;
	struct nvsr_channel channel;
	char *name, *socket, *console;
	uint64_t heard;
	pid_t pid;
};

/* The process whose command line has the guest's name as QEMU's is told it. */
static pid_t find_pid(const char *name)
{
	_cleanup_free_ char *word = nvsr_asprintf("guest=%s,", name);
	const struct dirent *e;
	pid_t found = 0;
	DIR *d = word ? opendir("/proc") : NULL;

	while (d && !found && (e = readdir(d))) {
		char path[300];
		_cleanup_free_ char *line = NULL;
		size_t len;

		if (e->d_name[0] < '1' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
		if (!nvsr_read_file(path, 1u << 20, &line, &len) && memmem(line, len, word, strlen(word)))
			found = (pid_t)strtol(e->d_name, NULL, 10);
	}
	if (d)
		closedir(d);
	return found;
}

/* The last lines of the console, for a complaint. */
static void add_console(const struct nvsr_vm *vm, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *text = NULL, *clean = NULL;
	size_t len, at = strlen(complaint->text), room = sizeof(complaint->text) - at;

	if (room < 80 || nvsr_read_file(vm->console, 4u << 20, &text, &len) || !len)
		return;
	room = NVSR_MIN(room - 32, (size_t)200);
	clean = nvsr_clean_text(text + (len > room ? len - room : 0), NVSR_MIN(len, room));
	if (clean)
		snprintf(complaint->text + at, sizeof(complaint->text) - at, "; its console ends with: %s", clean);
}

static int gone(struct nvsr_vm *vm, const char *what, struct nvsr_complaint *complaint)
{
	int state = -1, reason = 0;

	virDomainGetState(vm->domain, &state, &reason, 0);
	snprintf(complaint->text, sizeof(complaint->text), "guest %s %s%s", vm->name, what,
		 state == VIR_DOMAIN_RUNNING ? "" : state == VIR_DOMAIN_CRASHED ? ": it crashed" : ": it does not run any more");
	add_console(vm, complaint);
	return -EPIPE;
}

static bool runs(struct nvsr_vm *vm)
{
	int state = -1, reason = 0;

	return !virDomainGetState(vm->domain, &state, &reason, 0) && (state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED);
}

/* 0 when it said that it is ready. */
static int wait_ready(struct nvsr_vm *vm, unsigned limit_s, struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + limit_s * NVSR_S;
	char *text = NULL;
	size_t len;
	int code, rc = nvsr_channel_open(vm->socket, &vm->channel);

	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "guest %s: its channel %s: %s", vm->name, vm->socket, strerror(-rc));
		return rc;
	}
	for (unsigned round = 0; nvsr_now_ns() < until && !nvsr_stop; round++) {
		rc = nvsr_channel_next(&vm->channel, &code, &text, &len);
		if (rc == NVSR_CHANNEL_READY)
			return 0;
		if (rc == NVSR_CHANNEL_DONE)
			free(text);
		if (rc < 0 || (round % 50 == 49 && !runs(vm)))
			return gone(vm, "ended before it was ready", complaint);
		nvsr_sleep_ns(20 * NVSR_MS, &nvsr_stop);
	}
	if (nvsr_stop)
		return -EINTR;
	snprintf(complaint->text, sizeof(complaint->text), "guest %s was not ready within %u s", vm->name, limit_s);
	add_console(vm, complaint);
	return -ETIMEDOUT;
}

/* libvirt's words for a file that is not there do not say whose it is. */
static int check_files(const struct nvsr_vm_options *o, struct nvsr_complaint *complaint)
{
	const char *const files[] = { o->kernel, o->initrd, o->firmware };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(files); i++)
		if (files[i] && access(files[i], R_OK)) {
			int rc = -errno;

			snprintf(complaint->text, sizeof(complaint->text), "what the guest boots: %s: %s (make guest builds it)", files[i], strerror(-rc));
			return rc;
		}
	return 0;
}

int nvsr_vm_start(struct nvsr_hypervisor *h, const struct nvsr_vm_options *o, struct nvsr_vm **ret, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *xml = NULL;
	struct nvsr_vm *vm;
	int rc = check_files(o, complaint);

	if (rc)
		return rc;
	vm = calloc(1, sizeof(*vm));
	xml = nvsr_vm_xml(o, h->type);
	if (vm) {
		vm->channel.fd = -1;
		vm->name = strdup(o->name);
		vm->socket = strdup(o->socket);
		vm->console = strdup(o->console);
	}
	if (!vm || !xml || !vm->name || !vm->socket || !vm->console) {
		nvsr_vm_stop(vm);
		return -ENOMEM;
	}
	/* It ends with our connection, however we end; of the test driver everything does. */
	vm->domain = virDomainCreateXML(h->conn, xml, strcmp(h->type, "test") ? VIR_DOMAIN_START_AUTODESTROY : 0);
	if (vm->domain) {
		rc = wait_ready(vm, o->boot_s, complaint);
	} else {
		rc = -EIO;
		snprintf(complaint->text, sizeof(complaint->text), "guest %s cannot be started: %s", o->name, last_words());
	}
	if (rc) {
		nvsr_vm_stop(vm);
		return rc;
	}
	vm->pid = find_pid(o->name);
	*ret = vm;
	return 0;
}

pid_t nvsr_vm_pid(const struct nvsr_vm *vm)
{
	return vm->pid;
}

int nvsr_vm_send(struct nvsr_vm *vm, const char *script)
{
	vm->heard = nvsr_now_ns();
	return nvsr_channel_send(&vm->channel, script, SEND_MS);
}

int nvsr_vm_poll(struct nvsr_vm *vm, struct nvsr_vm_answer *ret, struct nvsr_complaint *complaint)
{
	int rc = 1;

	for (unsigned n = 0; n < AT_ONCE && rc > 0; n++) {
		rc = nvsr_channel_next(&vm->channel, &ret->code, &ret->text, &ret->len);
		if (rc > 0)
			vm->heard = nvsr_now_ns();
		if (rc == NVSR_CHANNEL_DONE)
			return 1;
	}
	if (rc > 0)		/* a guest that talks without end does not keep us from looking at the clock */
		return 0;
	if (rc == -EPROTO)
		return gone(vm, "says what no guest of ours says", complaint);
	if (rc)
		return gone(vm, "hung up", complaint);
	if (nvsr_now_ns() - vm->heard < NVSR_VM_QUIET_S * NVSR_S)
		return 0;
	gone(vm, "hangs: it has not said anything for 20 s", complaint);
	return -ETIMEDOUT;
}

int nvsr_vm_run(struct nvsr_vm *vm, const char *script, unsigned limit_s, struct nvsr_vm_answer *ret, struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + limit_s * NVSR_S;
	int rc = nvsr_vm_send(vm, script);

	if (rc)
		return gone(vm, "does not take a script", complaint);
	while (!(rc = nvsr_vm_poll(vm, ret, complaint))) {
		if (nvsr_stop)
			return -EINTR;
		if (nvsr_now_ns() >= until) {
			gone(vm, "did not end its script in time", complaint);
			return -ETIMEDOUT;
		}
		nvsr_sleep_ns(10 * NVSR_MS, &nvsr_stop);
	}
	return rc < 0 ? rc : 0;
}

void nvsr_vm_stop(struct nvsr_vm *vm)
{
	if (!vm)
		return;
	nvsr_channel_close(&vm->channel);
	if (vm->domain) {
		virDomainDestroy(vm->domain);
		virDomainFree(vm->domain);
		unlink(vm->socket);
	}
	free(vm->name);
	free(vm->socket);
	free(vm->console);
	free(vm);
}

/* --- what is done to a guest that runs ------------------------------------------------------------------------------------------- */

static int refused(const struct nvsr_vm *vm, const char *what, struct nvsr_complaint *complaint)
{
	snprintf(complaint->text, sizeof(complaint->text), "%s of guest %s: %s", what, vm->name, last_words());
	return -EIO;
}

int nvsr_vm_plug(struct nvsr_vm *vm, const char *xml, bool in, struct nvsr_complaint *complaint)
{
	int rc = in ? virDomainAttachDeviceFlags(vm->domain, xml, VIR_DOMAIN_AFFECT_LIVE) :
		      virDomainDetachDeviceFlags(vm->domain, xml, VIR_DOMAIN_AFFECT_LIVE);

	return rc < 0 ? refused(vm, in ? "plugging in a device" : "taking out a device", complaint) : 0;
}

int nvsr_vm_limit_iops(struct nvsr_vm *vm, const char *disk, uint64_t iops, struct nvsr_complaint *complaint)
{
	virTypedParameterPtr p = NULL;
	int n = 0, room = 0, rc = virTypedParamsAddULLong(&p, &n, &room, VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC, iops);

	if (!rc)
		rc = virDomainSetBlockIoTune(vm->domain, disk, p, n, VIR_DOMAIN_AFFECT_LIVE);
	rc = rc < 0 ? refused(vm, "limiting a disk", complaint) : 0;
	virTypedParamsFree(p, n);
	return rc;
}

int nvsr_vm_migrate(struct nvsr_vm *vm, struct nvsr_hypervisor *to, struct nvsr_complaint *complaint)
{
	virDomainPtr there = virDomainMigrate3(vm->domain, to->conn, NULL, 0, VIR_MIGRATE_LIVE);

	if (!there)
		return refused(vm, "live migration", complaint);
	virDomainFree(there);
	return 0;
}
