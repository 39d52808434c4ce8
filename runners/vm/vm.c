// SPDX-License-Identifier: GPL-2.0-or-later
/* Guests through libvirt's C API; the only file that includes it. */
#include <dirent.h>
#include <fcntl.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include "runners/vm/channel.h"
#include "runners/vm/vm.h"
#include "runners/vm/xml.h"

#define URI "qemu:///system"
#define SEND_MS 10000
#define GONE_MS 5000
#define AT_ONCE 64		/* things that are heard of a guest */

/* @hangs: it is left alone. */
struct nvsr_hypervisor { virConnectPtr conn; const char *type; bool hangs; };

uint64_t nvsr_vm_patience_ns = 180 * NVSR_S;

/* --- calls of libvirt's ------------------------------------------------------------------------------------------------------ */

/*
 * None has a deadline, and a daemon that hangs answers none.  So each is made by a thread, which can be left alone together with what it
 * works on; its error is that thread's.
 */
struct call {
	int (*make)(struct call *c);
	virConnectPtr conn, to;
	virDomainPtr domain;
	char *text, *disk;	/* URI, XML, or a command of QEMU's monitor */
	int fd;			/* that goes with it; 0: none */
	uint64_t iops;
	unsigned flags;
	/* the answer */
	int rc, state, code;	/* code: virErrorNumber */
	const char *type;
	char *reply;		/* malloc'd */
	char words[384];	/* where rc is not 0 */
	sem_t done;
	struct call *next;	/* that was left alone */
};
static struct call *left_alone;

static void *make_call(void *arg)
{
	struct call *c = arg;

	c->rc = c->make(c) < 0 ? -EIO : 0;
	if (c->rc) {
		const virError *e = virGetLastError();

		c->code = e ? e->code : 0;
		snprintf(c->words, sizeof(c->words), "%s", e && e->message ? e->message : "no reason given");
		for (char *p = c->words; (p = strchr(p, '\n'));)	/* QEMU's may have several lines */
			*p = ' ';
	}
	sem_post(&c->done);
	return NULL;
}

/* The thread gets no signals, which are for who looks at nvsr_stop. */
static int start_call(struct call *c)
{
	sigset_t all, before;
	pthread_t id;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&id, NULL, make_call, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!rc)
		pthread_detach(id);
	return rc;
}

static void free_call(struct call *c)
{
	free(c->text);
	free(c->disk);
	if (c->fd > 0)
		close(c->fd);
	free(c);
}

/* Make the call @q, whose answer is in it then.  0, or negative errno with q->words; -ETIMEDOUT no answer, now and later. */
static int ask(struct nvsr_hypervisor *h, struct call *q)
{
	uint64_t until = nvsr_now_ns() + nvsr_vm_patience_ns;
	struct timespec at = { .tv_sec = (time_t)(until / NVSR_S), .tv_nsec = (long)(until % NVSR_S) };
	struct call *c = h->hangs ? NULL : calloc(1, sizeof(*c));
	int rc = h->hangs ? -ETIMEDOUT : c ? 0 : -ENOMEM;

	if (c) {
		*c = *q;
		c->text = q->text ? strdup(q->text) : NULL;
		c->disk = q->disk ? strdup(q->disk) : NULL;
		c->fd = q->fd > 0 ? fcntl(q->fd, F_DUPFD_CLOEXEC, 3) : 0;
		rc = (q->text && !c->text) || (q->disk && !c->disk) ? -ENOMEM : c->fd < 0 || sem_init(&c->done, 0, 0) ? -errno : start_call(c);
		if (rc)
			free_call(c);
	}
	if (!rc) {
		while ((rc = sem_clockwait(&c->done, CLOCK_MONOTONIC, &at)) && errno == EINTR)
			;
		h->hangs = rc;
		rc = rc ? -ETIMEDOUT : 0;
		if (rc) {
			c->next = left_alone;
			left_alone = c;
		}
	}
	if (rc == -ETIMEDOUT)
		snprintf(q->words, sizeof(q->words), "it does not answer: no call came back within %llu s",
			 (unsigned long long)(nvsr_vm_patience_ns / NVSR_S));
	else if (rc)
		snprintf(q->words, sizeof(q->words), "%s", strerror(-rc));
	if (rc)
		return rc;
	sem_destroy(&c->done);
	rc = c->rc;
	q->conn = c->conn;
	q->domain = c->domain;
	q->state = c->state;
	q->code = c->code;
	q->type = c->type;
	q->reply = c->reply;
	memcpy(q->words, c->words, sizeof(q->words));
	free_call(c);
	return rc;
}

/* --- the connection -------------------------------------------------------------------------------------------------------- */

/* What libvirt finds wrong is said once, by us. */
static void be_quiet(void *arg, virErrorPtr error)
{
}

/* What can be done about it, where we know. */
static const char *hint(const struct call *c)
{
	if (strstr(c->words, "No such file or directory") || strstr(c->words, "Connection refused"))
		return "\nIs libvirt's daemon there and running?  apt-get install libvirt-daemon-system, or --connect URI";
	if (strstr(c->words, "Permission denied") || c->code == VIR_ERR_AUTH_FAILED || c->code == VIR_ERR_AUTH_UNAVAILABLE)
		return "\nOnly root and the group libvirt may";
	if (c->code == VIR_ERR_NO_CONNECT || c->code == VIR_ERR_INVALID_ARG || c->code == VIR_ERR_NO_SUPPORT)
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

static int call_open(struct call *c)
{
	c->conn = virConnectOpen(c->text);
	c->type = c->conn ? type_of(c->conn) : NULL;
	return c->conn ? 0 : -1;
}

static int call_close(struct call *c)
{
	return virConnectClose(c->conn);
}

int nvsr_hypervisor_open(const char *uri, struct nvsr_hypervisor **ret, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *text = strdup(uri ? uri : URI);
	struct nvsr_hypervisor *h = calloc(1, sizeof(*h));
	struct call c = { .make = call_open, .text = text };
	int rc;

	if (!h || !text) {
		free(h);
		return -ENOMEM;
	}
	virSetErrorFunc(NULL, be_quiet);
	rc = ask(h, &c);
	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "libvirt, %s: %s%s", text, c.words, hint(&c));
		free(h);
		return rc == -EIO ? -ENOTCONN : rc;
	}
	h->conn = c.conn;
	h->type = c.type;
	if (!h->type) {
		snprintf(complaint->text, sizeof(complaint->text), "libvirt, %s: guests are QEMU's: a URI like %s is needed", text, URI);
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
	ask(h, &(struct call){ .make = call_close, .conn = h->conn });
	free(h);
}

const char *nvsr_hypervisor_type(const struct nvsr_hypervisor *h)
{
	return h->type;
}

/* --- a guest ---------------------------------------------------------------------------------------------------------------- */

struct nvsr_vm {
	struct nvsr_hypervisor *h;
	virDomainPtr domain;
	bool begun;		/* there may be a process of it */
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

static int call_state(struct call *c)
{
	int reason = 0;

	return virDomainGetState(c->domain, &c->state, &reason, 0);
}

/* enum virDomainState; -1: there is none any more, -2: nobody says. */
static int state_of(struct nvsr_vm *vm)
{
	struct call c = { .make = call_state, .domain = vm->domain };
	int rc = ask(vm->h, &c);

	return rc == -EIO ? -1 : rc ? -2 : c.state;
}

static int gone(struct nvsr_vm *vm, const char *what, struct nvsr_complaint *complaint)
{
	int state = state_of(vm);

	snprintf(complaint->text, sizeof(complaint->text), "guest %s %s%s", vm->name, what,
		 state == VIR_DOMAIN_RUNNING ? "" : state == VIR_DOMAIN_CRASHED ? ": it crashed" :
		 state == -2 ? ": libvirt does not answer either" : ": it does not run any more");
	add_console(vm, complaint);
	return -EPIPE;
}

static bool runs(struct nvsr_vm *vm)
{
	int state = state_of(vm);

	return state == VIR_DOMAIN_RUNNING || state == VIR_DOMAIN_BLOCKED;
}

static int open_channel(struct nvsr_vm *vm, struct nvsr_complaint *complaint)
{
	int rc = nvsr_channel_open(vm->socket, &vm->channel);

	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "guest %s: its channel %s: %s", vm->name, vm->socket, strerror(-rc));
	return rc;
}

/* 0 when it said that it is ready. */
static int wait_ready(struct nvsr_vm *vm, unsigned limit_s, struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + limit_s * NVSR_S;
	char *text = NULL;
	size_t len;
	int code, rc;

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

static int call_create(struct call *c)
{
	c->domain = virDomainCreateXML(c->conn, c->text, c->flags);
	return c->domain ? 0 : -1;
}

int nvsr_vm_start(struct nvsr_hypervisor *h, const struct nvsr_vm_options *o, struct nvsr_vm **ret, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *xml = NULL;
	struct call c = { .make = call_create, .conn = h->conn };
	struct nvsr_vm *vm;
	int rc = check_files(o, complaint);

	if (rc)
		return rc;
	vm = calloc(1, sizeof(*vm));
	xml = nvsr_vm_xml(o, h->type);
	if (vm) {
		vm->h = h;
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
	if (strcmp(h->type, "test") != 0)
		c.flags = VIR_DOMAIN_START_AUTODESTROY | (o->waits ? VIR_DOMAIN_START_PAUSED : 0);
	c.text = xml;
	rc = ask(h, &c);
	vm->domain = c.domain;
	vm->begun = !rc || rc == -ETIMEDOUT;
	if (rc && c.code == VIR_ERR_CONFIG_UNSUPPORTED)
		rc = -ENOTSUP;
	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "guest %s cannot be started: %s", o->name, c.words);
	else
		rc = open_channel(vm, complaint);
	/* One that waits has nothing to say yet; that we are there it must not learn when it wakes up. */
	if (!rc && !o->waits)
		rc = wait_ready(vm, o->boot_s, complaint);
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

int nvsr_vm_tell(struct nvsr_vm *vm)
{
	return nvsr_channel_tell(&vm->channel, SEND_MS);
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
	gone(vm, "hangs: it does not say anything any more", complaint);
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

static int call_destroy(struct call *c)
{
	int rc = virDomainDestroy(c->domain);

	virDomainFree(c->domain);
	return rc;
}

/* Where libvirt does not end it: what it has is needed. */
static void end_process(const char *name)
{
	uint64_t until = nvsr_now_ns() + GONE_MS * NVSR_MS;
	pid_t pid;

	while ((pid = find_pid(name)) > 0 && nvsr_now_ns() < until) {
		kill(pid, SIGKILL);
		nvsr_sleep_ns(50 * NVSR_MS, NULL);
	}
}

void nvsr_vm_stop(struct nvsr_vm *vm)
{
	if (!vm)
		return;
	nvsr_channel_close(&vm->channel);
	if (vm->begun) {
		if (!vm->domain || ask(vm->h, &(struct call){ .make = call_destroy, .domain = vm->domain }))
			end_process(vm->name);
		unlink(vm->socket);
	}
	free(vm->name);
	free(vm->socket);
	free(vm->console);
	free(vm);
}

/* --- what is done to a guest that runs ------------------------------------------------------------------------------------------- */

static int order(struct nvsr_vm *vm, struct call *c, const char *what, struct nvsr_complaint *complaint)
{
	int rc;

	c->domain = vm->domain;
	rc = ask(vm->h, c);
	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "%s of guest %s: %s", what, vm->name, c->words);
	return rc;
}

static int call_plug(struct call *c)
{
	return virDomainAttachDeviceFlags(c->domain, c->text, VIR_DOMAIN_AFFECT_LIVE);
}

static int call_unplug(struct call *c)
{
	return virDomainDetachDeviceFlags(c->domain, c->text, VIR_DOMAIN_AFFECT_LIVE);
}

int nvsr_vm_plug(struct nvsr_vm *vm, const char *xml, bool in, struct nvsr_complaint *complaint)
{
	struct call c = { .make = in ? call_plug : call_unplug, .text = (char *)xml };

	return order(vm, &c, in ? "plugging in a device" : "taking out a device", complaint);
}

static int call_limit(struct call *c)
{
	virTypedParameterPtr p = NULL;
	int n = 0, room = 0, rc = virTypedParamsAddULLong(&p, &n, &room, VIR_DOMAIN_BLOCK_IOTUNE_TOTAL_IOPS_SEC, c->iops);

	if (!rc)
		rc = virDomainSetBlockIoTune(c->domain, c->disk, p, n, VIR_DOMAIN_AFFECT_LIVE);
	virTypedParamsFree(p, n);
	return rc;
}

int nvsr_vm_limit_iops(struct nvsr_vm *vm, const char *disk, uint64_t iops, struct nvsr_complaint *complaint)
{
	struct call c = { .make = call_limit, .disk = (char *)disk, .iops = iops };

	return order(vm, &c, "limiting a disk", complaint);
}

static int call_migrate(struct call *c)
{
	virDomainPtr there = virDomainMigrate3(c->domain, c->to, NULL, 0, VIR_MIGRATE_LIVE);

	if (there)
		virDomainFree(there);
	return there ? 0 : -1;
}

int nvsr_vm_migrate(struct nvsr_vm *vm, struct nvsr_hypervisor *to, struct nvsr_complaint *complaint)
{
	struct call c = { .make = call_migrate, .to = to->conn };

	return order(vm, &c, "live migration", complaint);
}

/* The reply is QEMU's, also where it says no. */
static int call_monitor(struct call *c)
{
	unsigned int fds = c->fd > 0;

	return virDomainQemuMonitorCommandWithFiles(c->domain, c->text, fds, fds ? &c->fd : NULL, NULL, NULL, &c->reply, 0);
}

int nvsr_vm_monitor(struct nvsr_vm *vm, const char *command, int fd, char **ret_reply, struct nvsr_complaint *complaint)
{
	struct call c = { .make = call_monitor, .text = (char *)command, .fd = fd };
	int rc = order(vm, &c, "a command to QEMU's monitor", complaint);

	if (!rc && !c.reply) {
		snprintf(complaint->text, sizeof(complaint->text), "QEMU's monitor of guest %s says nothing", vm->name);
		rc = -EPROTO;
	}
	*ret_reply = rc ? NULL : c.reply;
	return rc;
}

static int call_resume(struct call *c)
{
	return virDomainResume(c->domain);
}

int nvsr_vm_resume(struct nvsr_vm *vm, struct nvsr_complaint *complaint)
{
	return order(vm, &(struct call){ .make = call_resume }, "letting run", complaint);
}

int nvsr_vm_follow(struct nvsr_vm *to, struct nvsr_vm *from)
{
	to->heard = nvsr_now_ns();
	return nvsr_channel_move(&to->channel, &from->channel);
}
