// SPDX-License-Identifier: GPL-2.0-or-later
/* Guests without a hypervisor: their XML, the channel against what a guest may say, and libvirt's own test driver. */
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "runners/vm/channel.h"
#include "runners/vm/vm.h"
#include "runners/vm/xml.h"
#include "base/expect.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";

static char folder[] = "/tmp/nvsr-vm-test-XXXXXX";

/* --- XML ------------------------------------------------------------------------------------------------------------------- */

static const int cpus[] = { 2, 3 }, io_cpus[] = { 7 };

/* What is written is what stands in testdata; NVSR_GOLDEN=write makes it so. */
static void compare(const char *name, const char *text)
{
	_cleanup_free_ char *path = nvsr_asprintf("runners/vm/testdata/%s.xml", name), *golden = NULL;
	size_t len;

	EXPECT(text, "%s: no text", name);
	if (text && getenv("NVSR_GOLDEN"))
		nvsr_write_file(path, text, strlen(text));
	EXPECT(text && !nvsr_read_file(path, 1u << 16, &golden, &len) && !strcmp(golden, text), "%s differs from what was written:\n%s", path,
	       text ? text : "");
}

static void definitions_are_as_reviewed(void)
{
	struct nvsr_text devices = { 0 };
	struct nvsr_vm_options o = {
		.name = "a<b&'c'", .memory_mib = 512, .vcpus = 2, .iothreads = 1, .cpu = cpus, .cpus = 2, .io_cpu = io_cpus, .io_cpus = 1,
		.firmware = "/f/qboot.rom", .kernel = "/f/vmlinuz", .initrd = "/f/fio.initrd", .cmdline = "console=ttyS0 a=\"b c\"",
		.socket = "/s/job1", .console = "/s/console1", .boot_s = 1,
	};
	const struct nvsr_xml_disk disk = { .source = "/dev/nvme1n2", .cache = "none", .io = "native", .iothread = true };
	const struct nvsr_xml_disk image = { .source = "/i/d.qcow2", .kind = NVSR_XML_FILE, .format = "qcow2", .cache = "writethrough", .io = "io_uring" };
	const struct nvsr_xml_disk vhost = { .source = "/s/disk1", .kind = NVSR_XML_VHOST_USER, .cache = "none", .queues = 4 };
	static const char *const args[] = { "-device", "nvme,serial=<1>", NULL };
	char *text;

	nvsr_xml_disk(&devices, &disk);
	o.devices = devices.s;
	text = nvsr_vm_xml(&o, "kvm");
	compare("virtio", text);
	free(text);
	nvsr_text_free(&devices);

	EXPECT(nvsr_xml_hostdev(&devices, "0000:01:00.3"), "a good address is refused");
	nvsr_xml_disk(&devices, &image);
	o = (struct nvsr_vm_options){ .name = "plain", .memory_mib = 256, .vcpus = 1, .kernel = "k", .initrd = "i", .cmdline = "c", .socket = "s",
				      .console = "o", .devices = devices.s };
	text = nvsr_vm_xml(&o, "qemu");
	compare("passthrough", text);
	free(text);
	nvsr_text_free(&devices);

	nvsr_xml_disk(&devices, &vhost);
	o.devices = devices.s;
	o.qemu_args = args;
	o.shared_memory = true;
	text = nvsr_vm_xml(&o, "kvm");
	compare("vhost-user", text);
	free(text);
	o.qemu_args = NULL;
	o.waits = true;
	text = nvsr_vm_xml(&o, "kvm");
	compare("waits", text);
	free(text);
	nvsr_text_free(&devices);

	nvsr_xml_iscsi(&devices, "iqn.2026-11.org.nvsr:perf-7-1", "198.18.0.2", "20050");
	o = (struct nvsr_vm_options){ .name = "fabric", .memory_mib = 256, .vcpus = 1, .iothreads = 1, .kernel = "/f/vmlinuz", .initrd = "/f/fio.initrd",
				      .cmdline = "c", .socket = "/s/job1", .console = "/s/console1", .devices = devices.s };
	text = nvsr_vm_xml(&o, "kvm");
	compare("iscsi", text);
	free(text);
	nvsr_text_free(&devices);

	EXPECT(nvsr_xml_hostdev(&devices, "0000:01:00.3"), "a good address is refused");
	nvsr_xml_vhost_scsi(&devices, "naa.5001405000007001");
	o = (struct nvsr_vm_options){ .name = "polled", .memory_mib = 256, .vcpus = 1, .kernel = "/f/vmlinuz", .initrd = "/f/fio.initrd",
				      .cmdline = "c", .socket = "/s/job1", .console = "/s/console1", .devices = devices.s, .iommu = true };
	text = nvsr_vm_xml(&o, "kvm");
	compare("iommu", text);
	free(text);
	nvsr_text_free(&devices);
}

static void ports_stand_behind_their_root(void)
{
	struct nvsr_text t = { 0 };

	nvsr_xml_ports(&t, 2);
	EXPECT(t.s && !strcmp(t.s, "<controller type='pci' model='pcie-root'/>\n<controller type='pci' model='pcie-root-port'/>\n"
			      "<controller type='pci' model='pcie-root-port'/>\n"), "%s", t.s ? t.s : "-");
	nvsr_text_free(&t);
}

static void what_xml_cannot_hold_is_refused(void)
{
	struct nvsr_vm_options o = { .name = "a\001b", .vcpus = 1, .kernel = "k", .initrd = "i", .cmdline = "c", .socket = "s", .console = "o" };
	struct nvsr_text t = { 0 };

	EXPECT(!nvsr_vm_xml(&o, "kvm"), "a control character in a name");
	EXPECT(!nvsr_xml_hostdev(&t, "nvme0") && !nvsr_xml_hostdev(&t, "0000:01:00.3x") && !nvsr_xml_hostdev(&t, ""), "no PCI address");
	nvsr_text_free(&t);
}

/* --- the channel --------------------------------------------------------------------------------------------------------------- */

/* What next() makes of @said: "ready beat done(3,5) error(-71)". */
static char *hear(const char *said, size_t len, size_t piece)
{
	struct nvsr_channel c = { .fd = -1 };
	struct nvsr_text t = { 0 };
	int fd[2], rc = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd))
		return NULL;
	c.fd = fd[0];
	for (size_t at = 0; rc >= 0 && at <= len; at += piece) {
		if (at < len && write(fd[1], said + at, NVSR_MIN(piece, len - at)) < 0)
			break;
		if (at + piece > len)
			shutdown(fd[1], SHUT_WR);
		do {
			char *text = NULL;
			size_t n = 0;
			int code = 0;

			rc = nvsr_channel_next(&c, &code, &text, &n);
			if (rc == NVSR_CHANNEL_READY || rc == NVSR_CHANNEL_BEAT)
				nvsr_text_add(&t, rc == NVSR_CHANNEL_READY ? "ready " : "beat ");
			else if (rc == NVSR_CHANNEL_DONE)
				nvsr_text_add(&t, "done(%d,%s) ", code, text);
			else if (rc < 0)
				nvsr_text_add(&t, "%s", rc == -EPIPE ? "end" : rc == -EPROTO ? "nonsense" : "error");
			free(text);
		} while (rc > 0);
	}
	nvsr_channel_close(&c);
	close(fd[1]);
	return t.s;
}

static void guests_may_say_anything(void)
{
	static const struct { const char *said, *heard; } cases[] = {
		{ "", "end" },
		{ "READY 1\nBEAT\nBEAT\nDONE 3 5\nhelloREADY 1\n", "ready beat beat done(3,hello) ready end" },
		{ "DONE 0 0\nDONE 255 1\n\n", "done(0,) done(255,\n) end" },
		{ "READY 2\n", "nonsense" }, { "DONE 256 0\n", "nonsense" }, { "DONE 0 16777217\n", "nonsense" }, { "DONE 0\n", "nonsense" },
		{ "DONE -1 0\n", "nonsense" }, { "DONE 0 0 0\n", "nonsense" }, { "BAD a script has at most\n", "nonsense" },
		{ "DONE 0 9\nhell", "end" }, { "REA", "end" },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		  "nonsense" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++)
		for (size_t piece = 1; piece <= 64; piece += 63) {
			_cleanup_free_ char *heard = hear(cases[i].said, strlen(cases[i].said), piece);

			EXPECT(heard && !strcmp(heard, cases[i].heard), "%s in pieces of %zu: %s", cases[i].said, piece, heard ? heard : "-");
		}
}

/* What the guest began to say over one channel it ends over the other. */
static void a_channel_goes_on_as_another(void)
{
	static const char said[] = "READY 1\nBEAT\nDONE 0 4\nokay";

	for (size_t n = 0; n < sizeof(said); n++) {
		struct nvsr_channel from = { .fd = -1 }, to = { .fd = -1 };
		int a[2], b[2], code = -1, rc, heard = 0;
		char *text = NULL;
		size_t len = 0;

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b))
			return;
		from.fd = a[0];
		to.fd = b[0];
		EXPECT(write(a[1], said, n) == (ssize_t)n && write(b[1], said + n, sizeof(said) - 1 - n) == (ssize_t)(sizeof(said) - 1 - n), "%zu", n);
		/* With what was heard before, and with what still lies there; with the other end closed, and open. */
		for (size_t k = 0; k < n % 3 && (rc = nvsr_channel_next(&from, &code, &text, &len)) > 0; k++)
			heard++;
		if (n % 2)
			close(a[1]);
		EXPECT(text || !nvsr_channel_move(&to, &from), "%zu", n);
		while (!text && (rc = nvsr_channel_next(&to, &code, &text, &len)) > 0)
			heard++;
		EXPECT(heard == 3 && text && !code && !strcmp(text, "okay") && from.fd == -1, "cut after %zu: %d, %s", n, heard, text ? text : "-");
		free(text);
		nvsr_channel_close(&from);
		nvsr_channel_close(&to);
		close(b[1]);
		if (!(n % 2))
			close(a[1]);
	}
}

/* --- libvirt's test driver ------------------------------------------------------------------------------------------------------ */

/* A process that behaves as a guest's end of the channel at @path; @answers "*": beats without end. */
static pid_t play_guest(const char *path, const char *says, const char *answers)
{
	static const char beats[] = "BEAT\nBEAT\nBEAT\nBEAT\nBEAT\nBEAT\nBEAT\nBEAT\nBEAT\nBEAT\n";
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
	char in[4096];
	pid_t pid;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) || listen(fd, 1))
		return -1;
	pid = fork();
	if (!pid) {
		c = accept(fd, NULL, NULL);
		if (write(c, says, strlen(says)) < 0)
			_exit(1);
		while (read(c, in, sizeof(in)) > 0)
			while (*answers && write(c, *answers == '*' ? beats : answers, strlen(*answers == '*' ? beats : answers)) > 0)
				if (*answers != '*')
					break;
		_exit(0);
	}
	close(fd);
	return pid;
}

static void end_guest(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

struct stage { struct nvsr_hypervisor *h; struct nvsr_vm_options o; char socket[64], console[64], kernel[64]; };

static bool set(struct stage *s)
{
	struct nvsr_complaint complaint = { "" };

	*s = (struct stage){ .h = NULL };
	snprintf(s->socket, sizeof(s->socket), "%s/job", folder);
	snprintf(s->console, sizeof(s->console), "%s/console", folder);
	snprintf(s->kernel, sizeof(s->kernel), "%s/kernel", folder);
	nvsr_write_file(s->kernel, "k", 1);
	nvsr_write_file(s->console, "Kernel panic - not syncing\n", 27);
	s->o = (struct nvsr_vm_options){ .name = "one", .memory_mib = 64, .vcpus = 1, .kernel = s->kernel, .initrd = s->kernel, .cmdline = "quiet",
					 .socket = s->socket, .console = s->console, .boot_s = 1 };
	if (!nvsr_hypervisor_open("test:///default", &s->h, &complaint))
		return true;
	EXPECT(false, "%s", complaint.text);
	return false;
}

static void scripts_run_and_the_guest_goes(void)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_vm_answer a = { 0 };
	struct nvsr_vm *vm = NULL;
	struct stage s;
	pid_t guest;

	if (!set(&s))
		return;
	EXPECT(!strcmp(nvsr_hypervisor_type(s.h), "test"), "another type");
	guest = play_guest(s.socket, "READY 1\n", "BEAT\nDONE 7 2\nok");
	EXPECT(!nvsr_vm_start(s.h, &s.o, &vm, &complaint), "%s", complaint.text);
	if (vm) {
		EXPECT(!nvsr_vm_run(vm, "exit 7\n", 5, &a, &complaint) && a.code == 7 && a.len == 2 && !strcmp(a.text, "ok"), "%s", complaint.text);
		free(a.text);
		end_guest(guest);
		EXPECT(nvsr_vm_run(vm, "exit 7\n", 5, &a, &complaint) < 0 && strstr(complaint.text, "guest one"), "a guest that is gone: %s",
		       complaint.text);
		EXPECT(strstr(complaint.text, "Kernel panic"), "without its console: %s", complaint.text);
	}
	nvsr_vm_stop(vm);
	EXPECT(access(s.socket, F_OK), "the socket stays");
	/* The name is free again: the domain is gone. */
	guest = play_guest(s.socket, "READY 1\n", "");
	vm = NULL;
	EXPECT(!nvsr_vm_start(s.h, &s.o, &vm, &complaint), "%s", complaint.text);
	if (vm)
		EXPECT(nvsr_vm_run(vm, "sleep 9\n", 1, &a, &complaint) == -ETIMEDOUT && strstr(complaint.text, "in time"), "%s", complaint.text);
	nvsr_vm_stop(vm);
	end_guest(guest);
	guest = play_guest(s.socket, "READY 1\n", "*");
	vm = NULL;
	EXPECT(!nvsr_vm_start(s.h, &s.o, &vm, &complaint), "%s", complaint.text);
	alarm(20);	/* that it ends at all */
	if (vm)
		EXPECT(nvsr_vm_run(vm, "sleep 9\n", 1, &a, &complaint) == -ETIMEDOUT && strstr(complaint.text, "in time"), "%s", complaint.text);
	alarm(0);
	nvsr_vm_stop(vm);
	end_guest(guest);
	nvsr_hypervisor_close(s.h);
}

static void what_goes_wrong_is_said_and_undone(void)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_vm *vm = NULL;
	struct stage s;
	pid_t guest;

	if (!set(&s))
		return;
	EXPECT(nvsr_vm_start(s.h, &s.o, &vm, &complaint) == -ENOENT && strstr(complaint.text, "channel"), "no channel: %s", complaint.text);
	guest = play_guest(s.socket, "", "");
	EXPECT(nvsr_vm_start(s.h, &s.o, &vm, &complaint) == -ETIMEDOUT && strstr(complaint.text, "not ready within 1 s") &&
	       strstr(complaint.text, "Kernel panic"), "never boots: %s", complaint.text);
	end_guest(guest);
	guest = play_guest(s.socket, "login: \n", "");
	EXPECT(nvsr_vm_start(s.h, &s.o, &vm, &complaint) == -EPIPE, "another guest: %s", complaint.text);
	end_guest(guest);
	s.o.initrd = "/none/fio.initrd";
	EXPECT(nvsr_vm_start(s.h, &s.o, &vm, &complaint) == -ENOENT && strstr(complaint.text, "/none/fio.initrd: No such file"), "%s",
	       complaint.text);
	s.o.initrd = s.kernel;
	s.o.name = "test";	/* the driver has one of this name */
	EXPECT(nvsr_vm_start(s.h, &s.o, &vm, &complaint) == -EIO && strstr(complaint.text, "cannot be started"), "%s", complaint.text);
	nvsr_hypervisor_close(s.h);
}

/* The driver does none of it: its words come back. */
static void what_libvirt_refuses_is_said(void)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_vm *vm = NULL;
	struct stage s;
	pid_t guest;

	if (!set(&s))
		return;
	guest = play_guest(s.socket, "READY 1\n", "");
	EXPECT(!nvsr_vm_start(s.h, &s.o, &vm, &complaint), "%s", complaint.text);
	if (vm) {
		EXPECT(nvsr_vm_plug(vm, "<disk/>", true, &complaint) == -EIO && strstr(complaint.text, "plugging in a device of guest one: "), "%s",
		       complaint.text);
		EXPECT(nvsr_vm_plug(vm, "<disk/>", false, &complaint) == -EIO && strstr(complaint.text, "taking out"), "%s", complaint.text);
		EXPECT(nvsr_vm_limit_iops(vm, "vda", 10, &complaint) == -EIO && strstr(complaint.text, "limiting a disk of guest one: "), "%s",
		       complaint.text);
		EXPECT(nvsr_vm_migrate(vm, s.h, &complaint) == -EIO && strstr(complaint.text, "live migration of guest one: "), "%s", complaint.text);
	}
	nvsr_vm_stop(vm);
	end_guest(guest);
	nvsr_hypervisor_close(s.h);
}

/* It has no monitor of QEMU's, and guests that wait run at once. */
static void a_guest_waits_and_follows(void)
{
	_cleanup_free_ char *socket = nvsr_asprintf("%s/job2", folder);
	struct nvsr_complaint complaint = { "" };
	struct nvsr_vm *from = NULL, *to = NULL;
	struct nvsr_vm_moved moved;
	struct nvsr_vm_answer a = { 0 };
	pid_t guest[2];
	struct stage s;

	if (!socket || !set(&s))
		return;
	guest[0] = play_guest(s.socket, "READY 1\nBEAT\nDONE 0 4\nok", "");
	guest[1] = play_guest(socket, "ay", "");
	EXPECT(!nvsr_vm_start(s.h, &s.o, &from, &complaint), "%s", complaint.text);
	s.o.name = "two";
	s.o.socket = socket;
	s.o.waits = true;
	EXPECT(!nvsr_vm_start(s.h, &s.o, &to, &complaint), "%s", complaint.text);
	if (from && to) {
		EXPECT(nvsr_vm_move(from, to, 1, &moved, &complaint) == -EIO && strstr(complaint.text, "monitor of guest two: "), "%s", complaint.text);
		EXPECT(!nvsr_vm_send(from, "x\n"), "it takes no script");
		nvsr_sleep_ns(200 * NVSR_MS, NULL);
		EXPECT(nvsr_vm_resume(to, &complaint) == -EIO && strstr(complaint.text, "letting run of guest two: "), "%s", complaint.text);
		EXPECT(!nvsr_vm_follow(to, from), "it does not follow");
		while (nvsr_vm_poll(to, &a, &complaint) == 0)
			nvsr_sleep_ns(10 * NVSR_MS, NULL);
		EXPECT(a.text && !strcmp(a.text, "okay"), "%s", a.text ? a.text : complaint.text);
		EXPECT(!nvsr_vm_tell(to), "cannot be told");
		free(a.text);
	}
	nvsr_vm_stop(from);
	nvsr_vm_stop(to);
	EXPECT(access(socket, F_OK), "the socket stays");
	end_guest(guest[0]);
	end_guest(guest[1]);
	nvsr_hypervisor_close(s.h);
}

/* QEMU's monitor may say anything. */
static void what_qemu_says_of_a_migration(void)
{
	static const struct { const char *reply; int rc; const char *says; } cases[] = {
		{ "{\"return\": {}, \"id\": \"libvirt-1\"}", 0, "" },
		{ "{\"return\": {\"status\": \"active\", \"ram\": {\"transferred\": 1048576}}}", 0, "" },
		{ "{\"return\": {\"status\": \"completed\", \"total-time\": 1500, \"downtime\": 30, \"ram\": {\"transferred\": 3145728, "
		  "\"dirty-sync-count\": 4}}}", 1, "" },
		{ "{\"return\": {\"status\": \"completed\", \"total-time\": -7, \"downtime\": \"x\", \"ram\": [1]}}", 1, "" },
		{ "{\"return\": {\"status\": \"failed\", \"error-desc\": \"Unable to write\\u0007\"}}", -EPERM, "QEMU gave up: Unable to write" },
		{ "{\"return\": {\"status\": \"failed\"}}", -EPERM, "QEMU gave up: failed" },
		{ "{\"return\": {\"status\": \"cancelling\"}}", -EPERM, "QEMU gave up: cancelling" },
		{ "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no migration: VFIO\"}}", -EPERM, "QEMU: no migration: VFIO" },
		{ "{\"return\": 7}", -EPROTO, "no answer of QEMU's monitor: " }, { "{}", -EPROTO, "no answer" }, { "", -EPROTO, "no answer" },
		{ "[]", -EPROTO, "no answer" }, { "{\"error\": {}}", -EPROTO, "no answer" }, { "nonsense\x01", -EPROTO, "no answer of QEMU's monitor: nonsense" },
	};
	struct nvsr_vm_moved m = { 0 };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_complaint complaint = { "" };
		int rc = nvsr_vm_move_parse(cases[i].reply, &m, &complaint);

		EXPECT(rc == cases[i].rc && !strncmp(complaint.text, cases[i].says, strlen(cases[i].says)) && !*cases[i].says == !complaint.text[0] &&
		       !strpbrk(complaint.text, "\x01\x07"), "%s: %d %s", cases[i].reply, rc, complaint.text);
		if (i == 2)
			EXPECT(m.total_s == 1.5 && m.down_s == 0.03 && m.mib == 3 && m.rounds == 4, "%g %g %g %u", m.total_s, m.down_s, m.mib, m.rounds);
		if (i == 3)
			EXPECT(m.total_s == 0 && m.down_s == 0 && m.mib == 0 && !m.rounds, "%g %g %g %u", m.total_s, m.down_s, m.mib, m.rounds);
	}
}

static void no_libvirt_is_said(void)
{
	static const struct { const char *uri, *says; } cases[] = {
		{ "qemu+unix:///system?socket=/none/libvirt-sock", "apt-get install" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_complaint complaint = { "" };
		struct nvsr_hypervisor *h = NULL;
		int rc = nvsr_hypervisor_open(cases[i].uri, &h, &complaint);

		EXPECT(rc && strstr(complaint.text, cases[i].says) && strstr(complaint.text, cases[i].uri), "%s: %d %s", cases[i].uri, rc,
		       complaint.text);
	}
}

/* A daemon that takes connections and says nothing. */
static void a_daemon_that_hangs_is_left_alone(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	_cleanup_free_ char *uri = nvsr_asprintf("qemu+unix:///system?socket=%s/job", folder);
	uint64_t before = nvsr_vm_patience_ns, start = nvsr_now_ns();
	struct nvsr_complaint complaint = { "" };
	struct nvsr_hypervisor *h = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/job", folder);
	unlink(a.sun_path);
	EXPECT(fd >= 0 && !bind(fd, (const struct sockaddr *)&a, sizeof(a)) && !listen(fd, 4), "no socket");
	nvsr_vm_patience_ns = NVSR_S;
	alarm(20);	/* that it ends at all */
	rc = nvsr_hypervisor_open(uri, &h, &complaint);
	alarm(0);
	nvsr_vm_patience_ns = before;
	EXPECT(rc == -ETIMEDOUT && strstr(complaint.text, "does not answer") && strstr(complaint.text, uri), "%d %s", rc, complaint.text);
	EXPECT(nvsr_now_ns() - start >= NVSR_S, "no patience");
	close(fd);
}

static void tidy(void)
{
	static const char *const names[] = { "job", "job2", "console", "kernel" };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *path = nvsr_asprintf("%s/%s", folder, names[i]);

		unlink(path);
	}
	rmdir(folder);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	definitions_are_as_reviewed();
	ports_stand_behind_their_root();
	what_xml_cannot_hold_is_refused();
	guests_may_say_anything();
	scripts_run_and_the_guest_goes();
	what_goes_wrong_is_said_and_undone();
	what_libvirt_refuses_is_said();
	a_channel_goes_on_as_another();
	a_guest_waits_and_follows();
	what_qemu_says_of_a_migration();
	no_libvirt_is_said();
	a_daemon_that_hangs_is_left_alone();
	tidy();
	if (!failed)
		puts("ok - guests without a hypervisor");
	return failed != 0;
}
