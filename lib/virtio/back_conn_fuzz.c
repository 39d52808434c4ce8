// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A front end that says anything through its socket, with descriptors of all kinds, and does what it likes with the memory that
 * it shares.  The connection may end; memory and queue pairs are given back in any case.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/fuzz.h"
#include "virtio/back_conn.h"
#include "virtio/back_memory.h"
#include "virtio/fake.h"

#define SHARED 65536u
#define USER 0x700000000000ull
#define STEPS_MAX 64

static uint8_t media[256 * 512];

/* Where addresses point: mostly into the region that is mapped. */
static uint64_t address(struct nvsr_input *in)
{
	uint64_t v = nvsr_input_num(in, 2);

	return v & 0x8000 ? v << 40 : USER + v;
}

static void fill(struct nvsr_input *in, struct nvsr_vhost_msg *m)
{
	static const uint8_t sizes[VHOST_USER_REQUEST_MAX] = {
		[VHOST_USER_SET_FEATURES] = 8, [VHOST_USER_SET_MEM_TABLE] = 40, [VHOST_USER_SET_VRING_NUM] = 8,
		[VHOST_USER_SET_VRING_ADDR] = 40, [VHOST_USER_SET_VRING_BASE] = 8, [VHOST_USER_GET_VRING_BASE] = 8,
		[VHOST_USER_SET_VRING_KICK] = 8, [VHOST_USER_SET_VRING_CALL] = 8, [VHOST_USER_SET_VRING_ERR] = 8,
		[VHOST_USER_SET_PROTOCOL_FEATURES] = 8, [VHOST_USER_SET_VRING_ENABLE] = 8, [VHOST_USER_GET_CONFIG] = 12,
	};
	unsigned request = (unsigned)nvsr_input_num(in, 1), how = (unsigned)nvsr_input_num(in, 1);

	m->h = (struct vhost_user_header){ request % (VHOST_USER_REQUEST_MAX + 1), VHOST_USER_VERSION | (how & 1 ? VHOST_USER_NEED_REPLY : 0), 0 };
	m->h.size = m->h.request < VHOST_USER_REQUEST_MAX ? sizes[m->h.request] : 0;
	switch (m->h.request) {
	case VHOST_USER_SET_FEATURES: m->p.u64 = VIRTIO_F_VERSION_1 | (uint64_t)(how & 2 ? VIRTIO_F_EVENT_IDX : 0); break;
	case VHOST_USER_SET_MEM_TABLE:
		m->p.memory.regions = 1;
		m->p.memory.region[0] = (struct vhost_user_region){ 0, how & 2 ? SHARED : nvsr_input_num(in, 3), USER, how & 4 ? nvsr_input_num(in, 3) : 0 };
		break;
	case VHOST_USER_SET_VRING_NUM: m->p.state.num = 1u << (how >> 4); break;
	case VHOST_USER_SET_VRING_ADDR:
		m->p.addr = (struct vhost_user_addr){ .desc = address(in), .used = address(in), .avail = address(in) };
		break;
	default: m->p.u64 = nvsr_input_num(in, how & 2 ? 8 : 1);
	}
	if ((how & 0xc0) == 0xc0)
		nvsr_input_patch(in, &m->p, sizeof(m->p));
	m->fds = how & 8 ? 1 : 0;
}

/* One message out, its answers thrown away. */
static void say(struct nvsr_input *in, int sock, int memory, int bell)
{
	struct nvsr_vhost_msg m = { 0 };
	uint8_t answer[512];

	fill(in, &m);
	m.fd[0] = m.h.request == VHOST_USER_SET_MEM_TABLE ? memory : bell;
	nvsr_vhost_send(sock, &m);
	while (recv(sock, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
}

static int step(struct nvsr_input *in, struct nvsr_back_conn *c, int sock, int memory, int bell, uint8_t *shared)
{
	switch (nvsr_input_num(in, 1) % 4) {
	case 0: nvsr_input_patch(in, shared, SHARED); return 0;
	case 1: return nvsr_back_conn_runs(c) ? nvsr_back_conn_serve(c) : 0;
	default:
		say(in, sock, memory, bell);
		return nvsr_back_conn_hear(c);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct nvsr_back_stats stats;
	struct nvsr_input in = { data, size };
	struct nvsr_back_disk disk = fake_disk(media, sizeof(media), 512, 4096, 8);
	struct nvsr_back b = { .ops = &fake_ops, .disk = &disk, .qid_first = 1, .poll = nvsr_input_num(&in, 1) & 1, .stats = &stats };
	struct nvsr_back_conn *c;
	int sock[2], memory = memfd_create("shared", MFD_CLOEXEC | MFD_ALLOW_SEALING), bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	uint8_t *shared;

	b.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (nvsr_back_memory_catch() || ftruncate(memory, SHARED) || bell < 0 || b.epoll < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sock))
		abort();
	shared = mmap(NULL, SHARED, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	c = nvsr_back_conn_new(&b, sock[1], 0);
	if (shared == MAP_FAILED || !c)
		abort();
	for (unsigned i = 0; i < STEPS_MAX && in.left && step(&in, c, sock[0], memory, bell, shared) >= 0; i++)
		;
	nvsr_back_conn_free(c);
	if (fake.mapped || fake.pairs)
		abort();
	munmap(shared, SHARED);
	close(sock[0]);
	close(memory);
	close(bell);
	close(b.epoll);
	return 0;
}
