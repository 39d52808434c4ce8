// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The back end in a process of its own, over memory in place of an NVMe function: several front ends at once, some that die,
 * talk nonsense or cut off their memory, and the end.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/testing.h"
#include "base/text.h"
#include "virtio/back_serve.h"
#include "virtio/fake.h"
#include "virtio/ring.h"
#include "virtio/testing.h"
#include "virtio/vhost_user.h"

#define DISK_BYTES (32u << 20)
#define NOT_TIDY 9
#define GONE 8
#define GONE_AT 2048u

struct back { pid_t pid; char *sock; struct nvsr_back_stats *stats; uint8_t *media; };

struct way { struct nvsr_back_options o; struct nvsr_back_disk disk; };

static int serve(int ready_fd, void *arg)
{
	struct way *w = arg;
	int rc;

	w->o.ready_fd = ready_fd;
	rc = nvsr_back_serve(&w->o, &fake_ops, &w->disk, NULL);
	/* What was taken for front ends was given back. */
	_exit(rc == -ENODEV ? GONE : rc ? 1 : fake.mapped || fake.pairs ? NOT_TIDY : 0);
}

static void begin(struct back *b, const char *dir, bool poll, uint32_t block)
{
	struct way w;

	b->sock = nvsr_asprintf("%s/sock", dir);
	b->media = mmap(NULL, DISK_BYTES + 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b->media == MAP_FAILED)
		exit(1);
	b->stats = (void *)(b->media + DISK_BYTES);
	w = (struct way){ .disk = fake_disk(b->media, DISK_BYTES, block, 64u << 10, 16),
			  .o = { .socket = b->sock, .qid_first = 1, .poll = poll, .cpu = -1, .stats = b->stats } };
	fake.gone = (uint8_t *)b->stats + GONE_AT;
	b->pid = child_begin(serve, &w);
}

static void end(struct back *b)
{
	int status = child_end(b->pid, SIGTERM);

	if (status) {
		failures++;
		fprintf(stderr, "the back end ended with %#x\n", (unsigned)status);
	}
	EXPECT(access(b->sock, F_OK));
	munmap(b->media, DISK_BYTES + 4096);
	free(b->sock);
}

static bool enter(struct guest *g, const struct back *b, unsigned entries)
{
	struct nvsr_complaint c = { "" };
	int rc = guest_open(g, b->sock, entries, &c);

	if (rc) {
		failures++;
		fprintf(stderr, "front end: %d %s\n", rc, c.text);
	}
	return !rc;
}

static void one_guest(const char *dir, bool poll, uint32_t block)
{
	uint8_t *in;
	struct back b;
	struct guest g;

	begin(&b, dir, poll, block);
	if (enter(&g, &b, 64)) {
		in = g.mem + GUEST_BYTES / 2;
		EXPECT(nvsr_front_capacity(g.f) == DISK_BYTES && nvsr_front_block(g.f) == block);
		EXPECT(nvsr_front_max(g.f) == NVSR_FRONT_BYTES_MAX);
		b.media[FAKE_BAD_LBA * (size_t)block] = 1;
		EXPECT(guest_do(&g, NVSR_FRONT_READ, FAKE_BAD_LBA * (uint64_t)block / 512, g.mem, block) == VIRTIO_BLK_S_IOERR);
		EXPECT(guest_do(&g, NVSR_FRONT_GET_ID, 0, in, VIRTIO_BLK_ID_BYTES) == VIRTIO_BLK_S_OK && !strcmp((char *)in, "a serial number"));
		EXPECT(guest_do(&g, NVSR_FRONT_READ, 200 * (uint64_t)block / 512, in, block) == VIRTIO_BLK_S_OK);
		guest_refusals(&g);
		/* A back end that has nothing to do sleeps, and must be kicked. */
		for (unsigned i = 0; i < 100 && !poll && !b.stats->kicks; i++) {
			nvsr_sleep_ns(10 * NVSR_MS, NULL);
			EXPECT(guest_do(&g, NVSR_FRONT_READ, 0, in, block) == VIRTIO_BLK_S_OK);
		}
		if (b.stats->requests < 6 || (poll ? b.stats->kicks || !b.stats->polls_empty : !b.stats->kicks)) {
			failures++;
			fprintf(stderr, "poll %d: %lu requests, %lu kicks, %lu calls, %lu empty rounds\n", poll, b.stats->requests, b.stats->kicks,
				b.stats->calls, b.stats->polls_empty);
		}
	}
	guest_close(&g);
	end(&b);
}

/* Data of all sizes, past the wrap of indices; the block that fails lies outside. */
static void walk(const char *dir, bool poll)
{
	struct back b;
	struct guest g;

	begin(&b, dir, poll, 4096);
	fake.media = NULL;
	if (enter(&g, &b, 32)) {
		uint8_t *half = g.mem + GUEST_BYTES / 2;

		for (uint32_t len = 4096; len <= 2u << 20; len *= 2) {
			guest_fill(g.mem, len, len);
			EXPECT(guest_do(&g, NVSR_FRONT_WRITE, 1024, g.mem, len) == VIRTIO_BLK_S_OK);
			EXPECT(!memcmp(b.media + 1024 * 512, g.mem, len));
			EXPECT(guest_do(&g, NVSR_FRONT_READ, 1024, half, len) == VIRTIO_BLK_S_OK && !memcmp(g.mem, half, len));
		}
		EXPECT(guest_do(&g, NVSR_FRONT_FLUSH, 0, NULL, 0) == VIRTIO_BLK_S_OK);
		for (unsigned i = 0, done = 0; done < 70000; i++) {
			uint8_t status = 0;

			while (nvsr_front_busy(g.f) < 1 + i % 32)
				EXPECT(!nvsr_front_submit(g.f, NVSR_FRONT_READ, 1024, half, 4096, &status));
			nvsr_front_kick(g.f);
			EXPECT(!nvsr_front_wait(g.f, 1 + i % 7, WAIT_MS) && nvsr_front_reap(g.f, UINT32_MAX, guest_note, &done) > 0);
			if (failures)
				break;
		}
	}
	guest_close(&g);
	end(&b);
}

/* One notification for many completions, when that is what was asked for. */
static void calls_are_few(const char *dir)
{
	uint64_t calls, sleeps, kicks;
	unsigned done = 0;
	uint8_t status;
	struct back b;
	struct guest g;

	begin(&b, dir, false, 512);
	if (enter(&g, &b, 128)) {
		calls = b.stats->calls;
		for (unsigned i = 0; i < 128; i++)
			EXPECT(!nvsr_front_submit(g.f, NVSR_FRONT_READ, 1000 + i, g.mem, 512, &status));
		EXPECT(nvsr_front_submit(g.f, NVSR_FRONT_READ, 0, g.mem, 512, &status) == -EAGAIN);
		EXPECT(nvsr_front_arm(g.f, 128));
		nvsr_front_kick(g.f);
		EXPECT(!nvsr_front_wait(g.f, 128, WAIT_MS) && nvsr_front_reap(g.f, 128, guest_note, &done) == 128);
		nvsr_front_counts(g.f, &sleeps, &kicks);
		/* The last completion may be seen before its call is counted; a kick is spared while the back end is still looking. */
		for (unsigned i = 0; i < 1000 && __atomic_load_n(&b.stats->calls, __ATOMIC_RELAXED) == calls; i++)
			nvsr_sleep_ns(NVSR_MS, NULL);
		EXPECT(b.stats->calls == calls + 1 && kicks <= 1);
	}
	guest_close(&g);
	end(&b);
}

static bool still_works(struct guest *g)
{
	guest_fill(g->mem, 4096, 5);
	memset(g->mem + 4096, 0, 4096);
	return guest_do(g, NVSR_FRONT_WRITE, 2048, g->mem, 4096) == 0 && guest_do(g, NVSR_FRONT_READ, 2048, g->mem + 4096, 4096) == 0 &&
	       !memcmp(g->mem, g->mem + 4096, 4096);
}

/* --- front ends to be afraid of ------------------------------------------------------------------------------------------------- */

static int reach(const struct back *b)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, b->sock);
	EXPECT(s >= 0 && !connect(s, (struct sockaddr *)&at, sizeof(at)));
	return s;
}

/* The back end has ended the connection @s. */
static bool thrown_out(int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN };
	char buf[4096];
	ssize_t n;

	do {
		if (poll(&p, 1, WAIT_MS) != 1)
			return false;
		n = read(s, buf, sizeof(buf));
	} while (n > 0);
	return true;
}

static void nonsense(const struct back *b)
{
	static const struct nvsr_vhost_msg messages[] = {
		{ .h = { 0, 1, 0 } }, { .h = { 99, 1, 0 } }, { .h = { VHOST_USER_SET_FEATURES, 0, 8 } },
		{ .h = { VHOST_USER_SET_FEATURES, 1, 8 }, .p.u64 = UINT64_MAX }, { .h = { VHOST_USER_SET_FEATURES, 1, 4 } },
		{ .h = { VHOST_USER_SET_MEM_TABLE, 1, 8 } }, { .h = { VHOST_USER_SET_MEM_TABLE, 1, 8 }, .p.memory.regions = 1 },
		{ .h = { VHOST_USER_SET_MEM_TABLE, 1, 40 }, .p.memory = { .regions = 1, .region = { { 0, 4096, 0, 0 } } } },
		{ .h = { VHOST_USER_SET_MEM_TABLE, 1, 40 }, .p.memory.regions = 9 },
		{ .h = { VHOST_USER_SET_VRING_NUM, 1, 8 }, .p.state = { 0, 3 } }, { .h = { VHOST_USER_SET_VRING_NUM, 1, 8 }, .p.state = { 1, 4 } },
		{ .h = { VHOST_USER_SET_VRING_NUM, 1, 8 }, .p.state = { 0, 65536 } },
		{ .h = { VHOST_USER_SET_VRING_BASE, 1, 8 }, .p.state = { 0, 65536 } },
		{ .h = { VHOST_USER_SET_VRING_KICK, 1, 8 } }, { .h = { VHOST_USER_SET_VRING_CALL, 1, 8 }, .p.u64 = 1 },
		{ .h = { VHOST_USER_SET_VRING_ENABLE, 1, 8 }, .p.state = { 0, 2 } },
		{ .h = { VHOST_USER_GET_CONFIG, 1, 12 }, .p.config = { .offset = 200, .size = 200 } },
		{ .h = { VHOST_USER_GET_CONFIG, 1, 12 }, .p.config = { .offset = UINT32_MAX, .size = 1 } },
		{ .h = { VHOST_USER_SET_VRING_ENABLE, 1, 4 } }, { .h = { VHOST_USER_SET_VRING_ADDR, 1, 32 } },
		{ .h = { VHOST_USER_GET_CONFIG, 1, 0 } }, { .h = { VHOST_USER_SET_CONFIG, 1, 12 } },
	};
	uint8_t noise[256];
	int s;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(messages); i++) {
		s = reach(b);
		EXPECT(!nvsr_vhost_send(s, &messages[i]));
		if (!thrown_out(s)) {
			failures++;
			fprintf(stderr, "nonsense %u was borne\n", i);
		}
		close(s);
	}
	s = reach(b);
	memset(noise, 0xff, sizeof(noise));
	EXPECT(write(s, noise, sizeof(noise)) == (ssize_t)sizeof(noise) && thrown_out(s));
	close(s);
	/* A message that never ends blocks nobody. */
	s = reach(b);
	EXPECT(write(s, &messages[3], 5) == 5);
	close(s);
}

struct region_case { const char *what; off_t bytes; struct vhost_user_region r; };
static void regions_that_lie(const struct back *b)
{
	static const struct region_case cases[] = {
		{ "larger than the file", 4096, { 0, 8192, 0, 0 } }, { "of nothing", 4096, { 0, 0, 0, 0 } },
		{ "past the end", 4096, { 0, 4096, 0, 4096 } }, { "around the end", 4096, { 0, 4096, 0, UINT64_MAX - 4095 } },
		{ "guest addresses that wrap", 4096, { UINT64_MAX - 100, 4096, 0, 0 } },
		{ "user addresses that wrap", 4096, { 0, 4096, UINT64_MAX - 100, 0 } },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_vhost_msg m = { .h = { VHOST_USER_SET_MEM_TABLE, 1, 40 }, .p.memory.regions = 1, .fds = 1,
					    .fd = { memfd_create("lie", MFD_CLOEXEC) } };
		int s = reach(b);

		EXPECT(!ftruncate(m.fd[0], cases[i].bytes));
		m.p.memory.region[0] = cases[i].r;
		EXPECT(!nvsr_vhost_send(s, &m));
		if (!thrown_out(s)) {
			failures++;
			fprintf(stderr, "a region %s was borne\n", cases[i].what);
		}
		close(m.fd[0]);
		close(s);
	}
}

static void tell(int s, struct nvsr_vhost_msg m)
{
	m.h.flags = VHOST_USER_VERSION;
	EXPECT(!nvsr_vhost_send(s, &m));
}

/* A front end with its ring in @fd, @len bytes, that offers @avail chains, each descriptor 0, which is all zeros.  The connection. */
static int rough_front(const struct back *b, int fd, uint8_t *mem, size_t len, uint16_t avail, int err)
{
	int s = reach(b), bell = eventfd(0, EFD_CLOEXEC);
	struct nvsr_virtq q;

	nvsr_virtq_place(&q, 16, mem);
	q.avail->idx = htole16(avail);
	tell(s, (struct nvsr_vhost_msg){ .h = { VHOST_USER_SET_FEATURES, 0, 8 }, .p.u64 = VIRTIO_F_VERSION_1 });
	tell(s, (struct nvsr_vhost_msg){ .h = { VHOST_USER_SET_MEM_TABLE, 0, 40 }, .fds = 1, .fd = { fd },
		 .p.memory = { .regions = 1, .region = { { 0, len, (uintptr_t)mem, 0 } } } });
	tell(s, (struct nvsr_vhost_msg){ .h = { VHOST_USER_SET_VRING_NUM, 0, 8 }, .p.state = { 0, 16 } });
	tell(s, (struct nvsr_vhost_msg){ .h = { VHOST_USER_SET_VRING_ADDR, 0, 40 },
		 .p.addr = { .desc = (uintptr_t)q.desc, .avail = (uintptr_t)q.avail, .used = (uintptr_t)q.used } });
	tell(s, (struct nvsr_vhost_msg){ .h = { VHOST_USER_SET_VRING_ERR, 0, 8 }, .fds = 1, .fd = { err } });
	tell(s, (struct nvsr_vhost_msg){ .h = { VHOST_USER_SET_VRING_KICK, 0, 8 }, .fds = 1, .fd = { bell } });
	close(bell);
	return s;
}

static void rings_that_lie(const struct back *b)
{
	const size_t len = 1u << 16;
	const uint16_t avail[] = { 1 /* a chain without status */, 17 /* more than there are */, 65535 };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(avail); i++) {
		int fd = memfd_create("ring", MFD_CLOEXEC), err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), s;
		uint64_t errors = 0;
		uint8_t *mem;

		EXPECT(!ftruncate(fd, (off_t)len));
		mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		s = rough_front(b, fd, mem, len, avail[i], err);
		/* The first round is at the start: what it finds is said before the connection ends. */
		if (!thrown_out(s) || read(err, &errors, sizeof(errors)) != sizeof(errors)) {
			failures++;
			fprintf(stderr, "a ring that offers %u entries was borne\n", avail[i]);
		}
		close(s);
		close(err);
		close(fd);
		munmap(mem, len);
	}
}

/* A file that no seal holds is cut off while the queue runs over it. */
static void memory_cut_off(const struct back *b, const char *dir)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/memory", dir);
	const size_t len = 1u << 16;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), err = eventfd(0, EFD_CLOEXEC), s;
	struct nvsr_vhost_msg base = { .h = { VHOST_USER_GET_VRING_BASE, 0, 8 } }, m = { 0 };
	uint8_t *mem;

	EXPECT(fd >= 0 && !ftruncate(fd, (off_t)len));
	mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	s = rough_front(b, fd, mem, len, 0, err);
	/* An answer: what was sent before is done. */
	tell(s, (struct nvsr_vhost_msg){ .h = { VHOST_USER_GET_QUEUE_NUM, 0, 0 } });
	EXPECT(nvsr_vhost_recv(s, &m) == 1 && m.p.u64 == 1 && !ftruncate(fd, 0));
	m = (struct nvsr_vhost_msg){ 0 };
	/* Stopped and started again: the ring is looked at, whatever the mode. */
	tell(s, base);
	EXPECT(nvsr_vhost_recv(s, &m) == 1 && m.h.request == VHOST_USER_GET_VRING_BASE);
	tell(s, (struct nvsr_vhost_msg){ .h = { VHOST_USER_SET_VRING_KICK, 0, 8 }, .fds = 1, .fd = { err } });
	m = (struct nvsr_vhost_msg){ 0 };
	tell(s, base);
	EXPECT(nvsr_vhost_recv(s, &m) == 1);
	close(s);
	close(err);
	close(fd);
	munmap(mem, len);
	unlink(path);
}

/* Killed with requests in flight. */
static void dies(const struct back *b)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct nvsr_complaint c;
		struct guest g;
		uint8_t s;

		if (guest_open(&g, b->sock, 256, &c))
			_exit(1);
		for (unsigned i = 0; i < 256; i++)
			nvsr_front_submit(g.f, NVSR_FRONT_WRITE, 4096, g.mem, 1u << 20, &s);
		nvsr_front_kick(g.f);
		raise(SIGKILL);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

static void bad_company(const char *dir, bool poll)
{
	struct guest g, h;
	struct back b;

	begin(&b, dir, poll, 512);
	EXPECT(enter(&g, &b, 16) && still_works(&g));
	nonsense(&b);
	EXPECT(still_works(&g));
	regions_that_lie(&b);
	rings_that_lie(&b);
	EXPECT(still_works(&g));
	memory_cut_off(&b, dir);
	EXPECT(still_works(&g));
	for (unsigned i = 0; i < 3; i++)
		dies(&b);
	EXPECT(still_works(&g));
	/* There is still room for others. */
	EXPECT(enter(&h, &b, 2) && still_works(&h) && still_works(&g));
	EXPECT(guest_many(&h, NVSR_FRONT_READ, 70, 2) && still_works(&g));
	guest_close(&h);
	EXPECT(still_works(&g));
	guest_close(&g);
	end(&b);
}

/* The end of the back end while a guest is connected: noticed, not waited for. */
static void back_end_leaves(const char *dir)
{
	struct back b;
	struct guest g;

	begin(&b, dir, false, 512);
	if (enter(&g, &b, 16)) {
		end(&b);
		EXPECT(guest_do(&g, NVSR_FRONT_READ, 0, g.mem, 512) == -ECONNRESET);
	}
	guest_close(&g);
}

/* The device goes away under a request: the guest learns it, and the back end ends. */
static void device_leaves(const char *dir, bool poll)
{
	struct back b;
	struct guest g;
	int status = 0;

	begin(&b, dir, poll, 512);
	if (enter(&g, &b, 16)) {
		EXPECT(still_works(&g));
		((volatile uint8_t *)b.stats)[GONE_AT] = 1;
		EXPECT(guest_do(&g, NVSR_FRONT_READ, 0, g.mem, 512) == -ECONNRESET);
	}
	guest_close(&g);
	EXPECT(waitpid(b.pid, &status, 0) == b.pid && WIFEXITED(status) && WEXITSTATUS(status) == GONE);
	munmap(b.media, DISK_BYTES + 4096);
	free(b.sock);
}

/* It goes away, and so does the guest, who has a request in flight: both are let go of at once. */
static void device_and_guest_leave(const char *dir, bool poll)
{
	struct back b;
	struct guest g;
	uint8_t status;
	int rc = 0;

	begin(&b, dir, poll, 512);
	if (enter(&g, &b, 16)) {
		EXPECT(still_works(&g));
		((volatile uint8_t *)b.stats)[GONE_AT] = 1;
		EXPECT(!nvsr_front_submit(g.f, NVSR_FRONT_READ, 0, g.mem, 512, &status));
		nvsr_front_kick(g.f);
	}
	guest_close(&g);
	for (unsigned i = 0; i < 200 && waitpid(b.pid, &rc, WNOHANG) != b.pid; i++)
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	if (!WIFEXITED(rc) || WEXITSTATUS(rc) != GONE) {
		failures++;
		fprintf(stderr, "a back end without a device and without guests: %#x\n", (unsigned)rc);
		child_end(b.pid, SIGKILL);
		unlink(b.sock);
	}
	munmap(b.media, DISK_BYTES + 4096);
	free(b.sock);
}

/* What is there already is nobody's to take away. */
static void socket_in_use(const char *dir)
{
	struct nvsr_complaint c = { "" };
	struct nvsr_back_disk disk = fake_disk(NULL, DISK_BYTES, 512, 4096, 16);
	struct nvsr_back_options o = { .qid_first = 1, .cpu = -1, .ready_fd = -1 };
	struct back b;

	begin(&b, dir, false, 512);
	o.socket = b.sock;
	EXPECT(nvsr_back_serve(&o, &fake_ops, &disk, &c) == -EADDRINUSE && strstr(c.text, b.sock) && !access(b.sock, F_OK));
	end(&b);
	o.cpu = 1023;
	o.socket = dir;
	EXPECT(nvsr_back_serve(&o, &fake_ops, &disk, &c) < 0);
}

int main(void)
{
	char dir[] = "/tmp/nvsr-back-XXXXXX";

	if (!mkdtemp(dir))
		return 1;
	for (unsigned poll = 0; poll < 2; poll++) {
		one_guest(dir, poll, 512);
		one_guest(dir, poll, 4096);
		walk(dir, poll);
		bad_company(dir, poll);
		device_leaves(dir, poll);
		device_and_guest_leave(dir, poll);
	}
	calls_are_few(dir);
	back_end_leaves(dir);
	socket_in_use(dir);
	EXPECT(!rmdir(dir));
	return failures != 0;
}
