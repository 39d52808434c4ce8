// SPDX-License-Identifier: GPL-2.0-or-later
/* The front end: against QEMU's storage daemon, which knows nothing of us; and against back ends that talk nonsense. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/text.h"
#include "virtio/testing.h"
#include "virtio/vhost_user.h"

#define DISK_BYTES (32u << 20)

extern char **environ;

/* --- QEMU's storage daemon --------------------------------------------------------------------------------------------------- */

/* Its socket is there a moment before it listens. */
static int open_patiently(struct guest *g, const char *path, struct nvsr_complaint *c)
{
	int rc = guest_open(g, path, 128, c);

	for (unsigned i = 0; i < 1000 && (rc == -ENOENT || rc == -ECONNREFUSED); i++) {
		guest_close(g);
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
		rc = guest_open(g, path, 128, c);
	}
	return rc;
}

/* What was written lies in the file as it was sent. */
static void compare_file(struct guest *g, const char *disk)
{
	static uint8_t file[1u << 20];
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	guest_fill(g->mem, sizeof(file), 99);
	EXPECT(guest_do(g, NVSR_FRONT_WRITE, 2048, g->mem, sizeof(file)) == VIRTIO_BLK_S_OK);
	EXPECT(guest_do(g, NVSR_FRONT_FLUSH, 0, NULL, 0) == VIRTIO_BLK_S_OK);
	EXPECT(fd >= 0 && pread(fd, file, sizeof(file), 1 << 20) == (ssize_t)sizeof(file) && !memcmp(file, g->mem, sizeof(file)));
	if (fd >= 0)
		close(fd);
}

static void with_daemon(const char *dir)
{
	_cleanup_free_ char *disk = nvsr_asprintf("%s/disk", dir), *sock = nvsr_asprintf("%s/sock", dir);
	_cleanup_free_ char *blockdev = nvsr_asprintf("file,node-name=n0,filename=%s", disk);
	_cleanup_free_ char *export = nvsr_asprintf("vhost-user-blk,id=e0,node-name=n0,writable=on,addr.type=unix,addr.path=%s", sock);
	char *const argv[] = { (char *)"qemu-storage-daemon", (char *)"--blockdev", blockdev, (char *)"--export", export, NULL };
	struct nvsr_complaint c = { "" };
	struct guest g;
	pid_t pid;
	int fd = open(disk, O_RDWR | O_CREAT | O_CLOEXEC, 0600), rc;

	EXPECT(fd >= 0 && !ftruncate(fd, DISK_BYTES));
	close(fd);
	rc = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (rc) {
		fprintf(stderr, "skipped: no qemu-storage-daemon (%s)\n", strerror(rc));
		unlink(disk);
		return;
	}
	rc = open_patiently(&g, sock, &c);
	if (rc)
		fprintf(stderr, "%s\n", c.text);
	EXPECT(!rc);
	if (!rc) {
		EXPECT(nvsr_front_capacity(g.f) == DISK_BYTES && nvsr_front_block(g.f) == 512);
		guest_walk(&g);
		compare_file(&g, disk);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		/* Nobody answers any more: said, not waited for. */
		EXPECT(guest_do(&g, NVSR_FRONT_READ, 0, g.mem, 512) == -ECONNRESET);
	} else {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	guest_close(&g);
	unlink(sock);
	unlink(disk);
}

/* --- back ends that are none ----------------------------------------------------------------------------------------------------- */

struct liar {
	int listen;
	uint64_t features, protocol;
	uint32_t blk_size;
	unsigned talk;		/* answers that it gives before it leaves */
	uint32_t version;
};

static void *lie(void *arg)
{
	const struct liar *l = arg;
	int s = accept(l->listen, NULL, NULL);

	for (unsigned i = 0; s >= 0 && i < l->talk; i++) {
		struct nvsr_vhost_msg m = { 0 };
		bool asks;

		if (nvsr_vhost_recv(s, &m) != 1)
			break;
		nvsr_vhost_close_fds(&m);
		asks = m.h.request == VHOST_USER_GET_FEATURES || m.h.request == VHOST_USER_GET_PROTOCOL_FEATURES ||
		       m.h.request == VHOST_USER_GET_CONFIG || m.h.flags & VHOST_USER_NEED_REPLY;
		if (!asks)
			continue;
		m.h.flags = VHOST_USER_REPLY | l->version;
		if (m.h.request == VHOST_USER_GET_CONFIG) {
			struct virtio_blk_config config = { .capacity = le64(1000), .blk_size = le32(l->blk_size) };

			memcpy(m.p.config.data, &config, sizeof(config));
		} else {
			m.h.size = 8;
			m.p.u64 = m.h.request == VHOST_USER_GET_FEATURES ? l->features :
				  m.h.request == VHOST_USER_GET_PROTOCOL_FEATURES ? l->protocol : 1;
		}
		if (nvsr_vhost_send(s, &m))
			break;
	}
	if (s >= 0)
		close(s);
	return NULL;
}

static void with_liars(const char *dir)
{
	const uint64_t good = VIRTIO_F_VERSION_1 | VHOST_USER_F_PROTOCOL_FEATURES | VIRTIO_BLK_F_BLK_SIZE;
	const uint64_t config = VHOST_USER_PROTOCOL_F_CONFIG, ack = VHOST_USER_PROTOCOL_F_REPLY_ACK;
	const struct { struct liar l; int rc; } cases[] = {
		{ { .talk = 0, .version = 1 }, -ECONNRESET },
		{ { .talk = 9, .version = 1, .features = VIRTIO_F_VERSION_1 }, -ENOTSUP },
		{ { .talk = 9, .version = 2, .features = good }, -EPROTO },
		{ { .talk = 9, .version = 1, .features = good }, -ENOTSUP },
		{ { .talk = 9, .version = 1, .features = good, .protocol = config, .blk_size = 0 }, -EPROTO },
		{ { .talk = 9, .version = 1, .features = good, .protocol = config, .blk_size = 513 }, -EPROTO },
		{ { .talk = 9, .version = 1, .features = good, .protocol = config, .blk_size = 1u << 30 }, -EPROTO },
		{ { .talk = 4, .version = 1, .features = good, .protocol = config | ack, .blk_size = 512 }, -EPROTO },	/* refuses */
	};
	_cleanup_free_ char *sock = nvsr_asprintf("%s/liar", dir);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct nvsr_complaint c;
	struct guest g;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	EXPECT(guest_open(&g, sock, 4, &c) == -ENOENT && strstr(c.text, sock));
	guest_close(&g);
	strcpy(at.sun_path, sock);
	EXPECT(s >= 0 && !bind(s, (struct sockaddr *)&at, sizeof(at)));
	EXPECT(guest_open(&g, sock, 4, &c) == -ECONNREFUSED);
	guest_close(&g);
	EXPECT(guest_open(&g, sock, 3, &c) == -EINVAL);
	guest_close(&g);
	EXPECT(!listen(s, 4));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct liar l = cases[i].l;
		pthread_t thread;
		int rc;

		l.listen = s;
		c.text[0] = '\0';
		EXPECT(!pthread_create(&thread, NULL, lie, &l));
		rc = guest_open(&g, sock, 4, &c);
		/* Who leaves while we write to it may be noticed on either side. */
		if (rc != cases[i].rc && !(cases[i].rc == -ECONNRESET && rc == -EPIPE)) {
			failures++;
			fprintf(stderr, "liar %u: %d %s\n", i, rc, c.text);
		}
		EXPECT(c.text[0]);
		pthread_join(thread, NULL);
		guest_close(&g);
	}
	close(s);
	unlink(sock);
}

/* --- a device that is none ------------------------------------------------------------------------------------------------------- */

struct rogue { int listen; const struct virtq_used_elem *used; uint16_t idx; };

/* Where an address of the front end lies here, in the first region of its memory. */
static void *translate(const struct vhost_user_memory *m, uint8_t *at, uint64_t user)
{
	return at + (user - m->region[0].user_addr);
}

/* Agrees to everything; when the queue starts, it fills the used ring as told. */
static void *mislead(void *arg)
{
	struct rogue *r = arg;
	struct vhost_user_memory memory = { 0 };
	struct virtq_used *used = NULL;
	uint8_t *at = MAP_FAILED;
	int s = accept(r->listen, NULL, NULL);
	struct nvsr_vhost_msg m = { 0 };

	for (; nvsr_vhost_recv(s, &m) == 1; m = (struct nvsr_vhost_msg){ 0 }) {
		uint32_t request = m.h.request;
		struct virtio_blk_config config = { .capacity = le64(1000), .blk_size = le32(512) };

		if (request == VHOST_USER_SET_MEM_TABLE) {
			memory = m.p.memory;
			at = mmap(NULL, memory.region[0].size, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd[0], 0);
		}
		if (request == VHOST_USER_SET_VRING_ADDR)
			used = translate(&memory, at, m.p.addr.used);
		nvsr_vhost_close_fds(&m);
		if (request == VHOST_USER_SET_VRING_ENABLE && used) {
			memcpy(used->ring, r->used, 2 * sizeof(*r->used));
			__atomic_store_n(&used->idx, r->idx, __ATOMIC_RELEASE);
		}
		if (request == VHOST_USER_GET_CONFIG)
			memcpy(m.p.config.data, &config, sizeof(config));
		else
			m.p.u64 = request == VHOST_USER_GET_FEATURES ? VIRTIO_F_VERSION_1 | VHOST_USER_F_PROTOCOL_FEATURES :
				  request == VHOST_USER_GET_PROTOCOL_FEATURES ? VHOST_USER_PROTOCOL_F_CONFIG | VHOST_USER_PROTOCOL_F_REPLY_ACK : 0;
		if (request != VHOST_USER_GET_CONFIG)
			m.h.size = 8;
		if (request == VHOST_USER_GET_CONFIG || m.h.flags & VHOST_USER_NEED_REPLY ||
		    request == VHOST_USER_GET_FEATURES || request == VHOST_USER_GET_PROTOCOL_FEATURES || request == VHOST_USER_GET_VRING_BASE) {
			m.h.flags = VHOST_USER_REPLY | VHOST_USER_VERSION;
			nvsr_vhost_send(s, &m);
		}
	}
	if (at != MAP_FAILED)
		munmap(at, memory.region[0].size);
	close(s);
	return NULL;
}

static void with_rogues(const char *dir)
{
	static const struct { const char *what; struct virtq_used_elem used[2]; uint16_t idx; int done; } cases[] = {
		{ "one that is in flight", { { 0, 1 } }, 1, 1 }, { "none that is", { { 4, 1 } }, 1, -EPROTO },
		{ "the same twice", { { 0, 1 }, { 0, 1 } }, 2, 1 }, { "no head", { { 1, 1 } }, 1, -EPROTO },
		{ "none at all", { { UINT32_MAX, 1 } }, 1, -EPROTO }, { "more than there are", { { 0, 1 } }, 9, -EPROTO },
	};
	_cleanup_free_ char *sock = nvsr_asprintf("%s/rogue", dir);
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(at.sun_path, sock);
	EXPECT(s >= 0 && !bind(s, (struct sockaddr *)&at, sizeof(at)) && !listen(s, 1));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct rogue r = { .listen = s, .used = cases[i].used, .idx = htole16(cases[i].idx) };
		struct nvsr_complaint c = { "" };
		pthread_t thread;
		struct guest g;
		uint8_t status = 0;
		unsigned n = 0;
		int rc;

		EXPECT(!pthread_create(&thread, NULL, mislead, &r));
		rc = guest_open(&g, sock, 2, &c);
		if (rc) {
			failures++;
			fprintf(stderr, "rogue: %d %s\n", rc, c.text);
		} else {
			EXPECT(!nvsr_front_submit(g.f, NVSR_FRONT_READ, 0, g.mem, 512, &status));
			rc = nvsr_front_reap(g.f, 8, guest_note, &n);
			/* A status that nobody wrote is not success. */
			if (rc != cases[i].done || (rc > 0 && !status)) {
				failures++;
				fprintf(stderr, "a completion of %s: %d\n", cases[i].what, rc);
			}
			EXPECT(nvsr_front_reap(g.f, 8, guest_note, &n) == (i ? -EPROTO : 0));
		}
		guest_close(&g);
		pthread_join(thread, NULL);
	}
	close(s);
	unlink(sock);
}

int main(void)
{
	char dir[] = "/tmp/nvsr-front-XXXXXX";

	if (!mkdtemp(dir))
		return 1;
	with_liars(dir);
	with_rogues(dir);
	with_daemon(dir);
	EXPECT(!rmdir(dir));
	return failures != 0;
}
