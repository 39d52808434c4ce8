// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model in another process: who gets a function and what is left when he goes, every check of conformance runs, sleeping
 * device threads wake, several of them, messages that nobody should send.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/testing.h"
#include "base/text.h"
#include "base/time.h"
#include "device/load.h"
#include "device/serve.h"
#include "device/wire.h"
#include "sriov/sriov.h"
#include "spec/pcie.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

enum { VFS = 2, BLOCK = 512, BLOCKS = 8192, ROOM = 64 * 4096 };

static char socket_path[64], where[80];

/* --- the device's process ------------------------------------------------------------------------------------------------- */

/* The PF has namespace 1, VF n namespace n + 1. */
static int set_up(struct nvsr_dev **ret_pf, struct nvsr_dev **vf)
{
	struct nvsr_profile *p = NULL;
	struct nvsr_complaint complaint;
	struct nvsr_inventory inv = { 0 };
	int rc = nvsr_profile_load("reference", &p, &complaint);

	if (!rc) {
		p->namespaces.count = 0;
		p->controller.doorbell_stride = 64;
		rc = nvsr_dev_open("model:", p, NULL, ret_pf, &complaint);
	}
	if (!rc)
		rc = nvsr_inventory_read(*ret_pf, &inv);
	if (!rc)
		rc = nvsr_set_numvfs(*ret_pf, VFS);
	for (unsigned n = 0; n <= VFS && !rc; n++) {
		uint16_t cntlid = le16_get(inv.id.cntlid);
		uint32_t nsid;

		rc = n ? nvsr_vf_bring_up(*ret_pf, &inv, n, 5, 5, &vf[n - 1]) : 0;
		if (!rc && n)
			rc = nvsr_ctrl_disable(vf[n - 1]);
		if (n)
			cntlid = le16_get(nvsr_inventory_vf(&inv, n)->scid);
		rc = rc ? rc : nvsr_ns_create(*ret_pf, BLOCKS, 0, false, &nsid);
		rc = rc ? rc : nvsr_ns_attach(*ret_pf, nsid, cntlid);
	}
	nvsr_inventory_free(&inv);
	nvsr_profile_free(p);
	return rc;
}

struct how { unsigned threads, spin; };

static int device(int ready_fd, void *arg)
{
	const struct how *how = arg;
	struct nvsr_dev *pf = NULL, *vf[VFS] = { NULL };
	int rc = set_up(&pf, vf);

	if (!rc)
		rc = nvsr_serve(&(struct nvsr_serve_options){ .pf = pf, .vf = vf, .vfs = VFS, .socket = socket_path, .threads = how->threads,
							     .spin = how->spin, .ready_fd = ready_fd });
	for (unsigned i = 0; i < VFS; i++)
		nvsr_dev_close(vf[i]);
	nvsr_dev_close(pf);
	return rc;
}

static pid_t begin(unsigned threads, unsigned spin)
{
	return child_begin(device, &(struct how){ threads, spin });
}

static void end(pid_t pid)
{
	EXPECT(!child_end(pid, SIGTERM));
	EXPECT(access(socket_path, F_OK));
}

/* --- a client --------------------------------------------------------------------------------------------------------------- */

struct client {
	struct nvsr_dev *pf, *d;
	struct nvsr_pair *pair;
	uint8_t *mem;
	int fd;
	uint64_t iova;
	unsigned done, left;
	uint16_t status;
};

static int client_open(struct client *c, unsigned vfn, bool irq)
{
	struct nvsr_complaint complaint;
	int rc;

	*c = (struct client){ .fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING) };
	if (ftruncate(c->fd, ROOM))
		return -errno;
	c->mem = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_SHARED, c->fd, 0);
	rc = nvsr_dev_open(where, NULL, NULL, &c->pf, &complaint);
	if (rc)
		return rc;
	c->d = c->pf;
	rc = vfn ? nvsr_dev_open_vf(c->pf, vfn, &c->d) : 0;
	if (!rc)
		rc = nvsr_dma_map(c->d, c->mem, ROOM, c->fd, 0, &c->iova);
	return rc ? rc : nvsr_pair_create(c->d, &(struct nvsr_pair_options){ .qid = 1, .entries = 16, .irq = irq }, &c->pair);
}

static void client_close(struct client *c)
{
	nvsr_pair_destroy(c->pair);
	if (c->d != c->pf)
		nvsr_dev_close(c->d);
	nvsr_dev_close(c->pf);
	munmap(c->mem, ROOM);
	close(c->fd);
}

static void done(void *ctx, void *arg, uint16_t status)
{
	struct client *c = ctx;

	c->done++;
	c->left--;
	if (status)
		c->status = status;
}

/* Until everything is complete: looking, or told by interrupts. */
static int settle(struct client *c)
{
	struct pollfd p = { .fd = nvsr_pair_fd(c->pair), .events = POLLIN };
	uint64_t end_at = nvsr_now_ns() + 10 * NVSR_S, count;

	nvsr_pair_ring(c->pair);
	while (c->left) {
		int rc = nvsr_pair_reap(c->pair, 64, done, c);

		if (rc < 0)
			return rc;
		if (nvsr_now_ns() > end_at)
			return -ETIMEDOUT;
		if (!rc && p.fd >= 0 && c->left && poll(&p, 1, 10000) == 1 && read(p.fd, &count, sizeof(count)) < 0)
			return -errno;
	}
	return c->status;
}

/* One command; its status. */
static int one(struct client *c, uint8_t opcode, uint32_t nsid, uint64_t slba, unsigned blocks, uint64_t iova)
{
	struct nvsr_io io = { .opcode = opcode, .nsid = nsid, .slba = slba, .blocks = blocks, .iova = iova, .bytes = blocks * BLOCK };

	c->status = 0;
	c->left = 1;
	if (!nvsr_pair_submit(c->pair, &io))
		return -EBUSY;
	return settle(c);
}

/* --- the wire, by hand ---------------------------------------------------------------------------------------------------- */

static int raw(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	memcpy(a.sun_path, socket_path, sizeof(socket_path));
	EXPECT(sock >= 0 && !connect(sock, (struct sockaddr *)(void *)&a, sizeof(a)));
	return sock;
}

static int ask(int sock, struct nvsr_wire *w)
{
	int fd[NVSR_WIRE_FDS], rc = nvsr_wire_send(sock, w, w->op == NVSR_WIRE_ADMIN ? sizeof(*w) : NVSR_WIRE_SHORT, NULL, 0);
	unsigned n = 0;

	if (!rc)
		rc = nvsr_wire_receive(sock, w, fd, &n);
	while (n)
		close(fd[--n]);
	return rc ? rc : w->rc;
}

/* --- tests --------------------------------------------------------------------------------------------------------------------- */

static void data_comes_back(struct client *c, uint32_t nsid, uint8_t seed)
{
	/* 64 pages: a PRP list; 3 blocks: an offset in the page */
	memset(c->mem, seed, ROOM / 2);
	EXPECT(!one(c, NVME_CMD_WRITE, nsid, 8, ROOM / 2 / BLOCK, c->iova));
	EXPECT(!one(c, NVME_CMD_WRITE, nsid, 0, 3, c->iova + BLOCK));
	memset(c->mem, 0, ROOM);
	EXPECT(!one(c, NVME_CMD_READ, nsid, 8, ROOM / 2 / BLOCK, c->iova + ROOM / 2));
	EXPECT(c->mem[ROOM / 2] == seed && c->mem[ROOM - 1] == seed && !c->mem[ROOM / 2 - 1]);
	EXPECT(!one(c, NVME_CMD_READ, nsid, 0, 1, c->iova) && c->mem[0] == seed && !c->mem[BLOCK]);
	EXPECT(!one(c, NVME_CMD_FLUSH, nsid, 0, 0, 0));
}

/* What conformance checks is checked here too: attachment, range, mapping, opcode. */
static void rules_hold(struct client *c, uint32_t nsid, uint32_t foreign)
{
	EXPECT(one(c, NVME_CMD_READ, foreign, 0, 8, c->iova) == NVME_SC_INVALID_FIELD);
	EXPECT(one(c, NVME_CMD_READ, 1000, 0, 8, c->iova) == NVME_SC_INVALID_NS);
	EXPECT(one(c, NVME_CMD_READ, nsid, BLOCKS - 7, 8, c->iova) == NVME_SC_LBA_RANGE);
	EXPECT(one(c, NVME_CMD_READ, nsid, 0, 8, c->iova + 2) == NVME_SC_PRP_OFFSET_INVALID);
	EXPECT(one(c, NVME_CMD_READ, nsid, 0, 8, c->iova + ROOM) == NVME_SC_DATA_XFER_ERROR);
	EXPECT(one(c, NVME_CMD_WRITE, nsid, 0, 8, 0x1000) == NVME_SC_DATA_XFER_ERROR);
	EXPECT(one(c, 0x7f, nsid, 0, 8, c->iova) == NVME_SC_INVALID_OPCODE);
	EXPECT(!one(c, NVME_CMD_READ, nsid, 0, 8, c->iova));
	/* takes a while in the device, which nobody asks meanwhile */
	EXPECT(!one(c, NVME_CMD_VERIFY, nsid, 0, 8, c->iova));
}

static void functions_side_by_side(unsigned threads, unsigned spin, bool irq)
{
	struct client c[VFS + 1], other;
	pid_t pid = begin(threads, spin);

	for (unsigned n = 0; n <= VFS; n++)
		EXPECT(!client_open(&c[n], n, irq));
	for (unsigned n = 0; n <= VFS; n++) {
		data_comes_back(&c[n], n + 1, (uint8_t)('a' + n));
		rules_hold(&c[n], n + 1, n ? 1 : 2);
	}
	/* nobody wrote into another's namespace */
	for (unsigned n = 0; n <= VFS; n++)
		EXPECT(!one(&c[n], NVME_CMD_READ, n + 1, 8, 8, c[n].iova) && c[n].mem[0] == 'a' + n);
	EXPECT(client_open(&other, 1, false) == -EBUSY);
	munmap(other.mem, ROOM);
	close(other.fd);
	nvsr_dev_close(other.pf);
	for (unsigned n = 0; n <= VFS; n++)
		client_close(&c[n]);
	end(pid);
}

/* A function that nobody has: its controller is not enabled. */
static void expect_disabled(unsigned vfn)
{
	struct nvsr_wire hello = { .op = NVSR_WIRE_HELLO, .a = NVSR_WIRE_VERSION, .b = vfn }, w = hello;
	int sock = raw(), rc = ask(sock, &w);

	/* The end of a connection is seen a moment later. */
	for (unsigned i = 0; rc == -EBUSY && i < 1000; i++) {
		close(sock);
		nvsr_sleep_ns(NVSR_MS, NULL);
		sock = raw();
		w = hello;
		rc = ask(sock, &w);
	}
	EXPECT(!rc);
	w = (struct nvsr_wire){ .op = NVSR_WIRE_BAR_READ, .a = NVME_REG_CC, .b = 4 };
	EXPECT(!ask(sock, &w) && !(w.a & NVME_CC_EN));
	close(sock);
}

/* Whoever had the function before left nothing behind: not even when he was killed with commands in flight. */
static void next_one_finds_it_clean(void)
{
	pid_t pid = begin(1, 64), child;
	struct client c;

	for (unsigned vfn = 0; vfn <= 1; vfn++) {
		child = fork();
		if (!child) {
			EXPECT(!client_open(&c, vfn, true));
			for (unsigned i = 0; i < 10; i++)
				nvsr_pair_submit(c.pair, &(struct nvsr_io){ .opcode = NVME_CMD_READ, .nsid = vfn + 1, .blocks = 8,
									    .iova = c.iova, .bytes = 8 * BLOCK });
			nvsr_pair_ring(c.pair);
			raise(SIGKILL);
		}
		EXPECT(waitpid(child, NULL, 0) == child);
		if (vfn)
			expect_disabled(vfn);
		for (unsigned i = 0; client_open(&c, vfn, false) == -EBUSY && i < 1000; i++) {
			client_close(&c);
			nvsr_sleep_ns(NVSR_MS, NULL);
		}
		data_comes_back(&c, vfn + 1, 'z');
		client_close(&c);
	}
	end(pid);
}

/* Whoever connects while the device's thread sleeps is heard at once, and not when its longest sleep is over. */
static void sleepers_hear_who_connects(void)
{
	pid_t pid = begin(1, 64);
	struct client c;
	uint64_t before;

	for (unsigned i = 0; i < 3; i++) {
		nvsr_sleep_ns(100 * NVSR_MS, NULL);
		before = nvsr_now_ns();
		EXPECT(!client_open(&c, 1, false));
		EXPECT(nvsr_now_ns() - before < 500 * NVSR_MS);
		client_close(&c);
	}
	end(pid);
}

/* Many commands from two functions at once, each function on a device thread of its own. */
static void load(unsigned vfn, unsigned rounds)
{
	struct client c;

	EXPECT(!client_open(&c, vfn, vfn == 2));
	for (unsigned r = 0; r < rounds && !failures; r++) {
		unsigned n = 1 + r % 15;

		c.status = 0;
		memset(c.mem, (int)(r + vfn), n * 4096);
		for (unsigned pass = 0; pass < 2; pass++) {
			c.left = n;
			for (unsigned i = 0; i < n; i++)
				EXPECT(nvsr_pair_submit(c.pair, &(struct nvsr_io){
					.opcode = pass ? NVME_CMD_READ : NVME_CMD_WRITE, .nsid = vfn + 1, .slba = i * 8, .blocks = 8,
					.iova = c.iova + (i + pass * 16) * 4096, .bytes = 4096 }));
			EXPECT(!settle(&c));
		}
		EXPECT(!memcmp(c.mem, c.mem + 16 * 4096, n * 4096));
		/* and commands that run alone in between */
		EXPECT(r % 8 || !one(&c, NVME_CMD_FLUSH, vfn + 1, 0, 0, 0));
		memset(c.mem + 16 * 4096, 0, 16 * 4096);
	}
	client_close(&c);
}

static void two_device_threads(void)
{
	pid_t pid = begin(2, 64), child[VFS];
	struct nvsr_served_stats s = { 0 };
	struct nvsr_complaint complaint;
	struct nvsr_dev *pf = NULL;

	for (unsigned n = 0; n < VFS; n++) {
		child[n] = fork();
		if (!child[n]) {
			load(n + 1, 2000);
			_exit(failures != 0);
		}
	}
	for (unsigned n = 0; n < VFS; n++) {
		int status = -1;

		EXPECT(waitpid(child[n], &status, 0) == child[n] && !status);
	}
	EXPECT(!nvsr_dev_open(where, NULL, NULL, &pf, &complaint) && !nvsr_served_stats(pf, &s));
	EXPECT(s.commands > 2 * 2000 && s.interrupts > 1000);
	nvsr_dev_close(pf);
	end(pid);
}

/* --- a client that is none ------------------------------------------------------------------------------------------------------- */

static void nonsense_is_refused(void)
{
	static const struct { struct nvsr_wire w; int rc; } after_hello[] = {
		{ { .op = NVSR_WIRE_HELLO, .a = NVSR_WIRE_VERSION }, -EPROTO },
		{ { .op = NVSR_WIRE_OPS }, -ENOTSUP }, { { .op = 0xffffffff }, -ENOTSUP },
		{ { .op = NVSR_WIRE_BAR_READ, .a = 1, .b = 4 }, -EINVAL }, { { .op = NVSR_WIRE_BAR_READ, .a = 0, .b = 3 }, -EINVAL },
		{ { .op = NVSR_WIRE_BAR_READ, .a = UINT64_MAX - 3, .b = 4 }, -EINVAL },
		{ { .op = NVSR_WIRE_BAR_WRITE, .a = 1ull << 40, .b = 4 }, -ERANGE },
		{ { .op = NVSR_WIRE_CFG_READ, .a = 4096, .b = 4 }, -EINVAL }, { { .op = NVSR_WIRE_CFG_READ, .a = 2, .b = 4 }, -EINVAL },
		{ { .op = NVSR_WIRE_MAP, .a = 0x1000, .b = 4096 }, -EBADF }, { { .op = NVSR_WIRE_UNMAP, .a = 1 }, -ENOENT },
		{ { .op = NVSR_WIRE_IRQ, .a = 1u << 20 }, -EINVAL },
		{ { .op = NVSR_WIRE_ADMIN, .sqe = { .opcode = NVME_ADMIN_IDENTIFY } }, -EINVAL },	/* a VF has its own queue */
	};
	pid_t pid = begin(1, 64);
	struct nvsr_wire w;
	struct client c;
	int sock = raw();

	EXPECT(send(sock, "nonsense", 8, 0) == 8 && recv(sock, &w, sizeof(w), 0) == 0);
	close(sock);
	sock = raw();
	w = (struct nvsr_wire){ .op = NVSR_WIRE_BAR_READ, .b = 4 };
	EXPECT(ask(sock, &w) == -EPROTO);	/* no HELLO */
	close(sock);
	sock = raw();
	w = (struct nvsr_wire){ .op = NVSR_WIRE_HELLO, .a = NVSR_WIRE_VERSION + 1 };
	EXPECT(ask(sock, &w) == -EPROTO);
	close(sock);
	sock = raw();
	w = (struct nvsr_wire){ .op = NVSR_WIRE_HELLO, .a = NVSR_WIRE_VERSION, .b = VFS + 1 };
	EXPECT(ask(sock, &w) == -ENODEV);
	close(sock);
	sock = raw();
	w = (struct nvsr_wire){ .op = NVSR_WIRE_HELLO, .a = NVSR_WIRE_VERSION, .b = 1 };
	EXPECT(!ask(sock, &w));
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(after_hello); i++) {
		w = after_hello[i].w;
		if (ask(sock, &w) != after_hello[i].rc) {
			failures++;
			fprintf(stderr, "message %zu: expected %d\n", i, after_hello[i].rc);
		}
	}
	close(sock);
	sock = raw();
	w = (struct nvsr_wire){ .op = NVSR_WIRE_HELLO, .a = NVSR_WIRE_VERSION, .b = 0 };
	EXPECT(!ask(sock, &w));
	w = (struct nvsr_wire){ .op = NVSR_WIRE_ADMIN, .sqe = { .opcode = NVME_ADMIN_VIRT_MGMT } };
	EXPECT(ask(sock, &w) == -EPERM);
	w = (struct nvsr_wire){ .op = NVSR_WIRE_BAR_WRITE, .a = NVME_REG_CC, .b = 4 };
	EXPECT(ask(sock, &w) == -EPERM);
	close(sock);
	/* and nobody else was hurt */
	EXPECT(!client_open(&c, 2, false));
	data_comes_back(&c, 3, 'n');
	client_close(&c);
	end(pid);
}

/* A file of @bytes given to the device for 8192 bytes of memory, of which @offset bytes lie before. */
static int give(struct nvsr_dev *d, unsigned flags, off_t bytes, uint64_t offset)
{
	int fd = memfd_create("given", MFD_CLOEXEC | flags), rc = -errno;
	uint8_t *mem = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t iova;

	if (!ftruncate(fd, bytes))
		rc = nvsr_dma_map(d, mem, 8192, fd, offset, &iova);
	EXPECT(rc || (ftruncate(fd, 4096) && errno == EPERM));
	if (!rc)
		nvsr_dma_unmap(d, mem);
	munmap(mem, 8192);
	close(fd);
	return rc;
}

/* Memory that one side could cut off would kill the other. */
static void nothing_shrinks(void)
{
	struct nvsr_wire w = { .op = NVSR_WIRE_HELLO, .a = NVSR_WIRE_VERSION, .b = 2 };
	pid_t pid = begin(1, 64);
	struct client c;
	int sock = raw(), fd[NVSR_WIRE_FDS];
	unsigned n = 0;

	EXPECT(!client_open(&c, 1, false));
	EXPECT(ftruncate(c.fd, 0) && errno == EPERM);
	EXPECT(!give(c.d, MFD_ALLOW_SEALING, 8192, 0) && !give(c.d, MFD_ALLOW_SEALING, 12288, 4096));
	EXPECT(give(c.d, 0, 8192, 0) == -EPERM);
	EXPECT(give(c.d, MFD_ALLOW_SEALING, 4096, 0) == -EINVAL && give(c.d, MFD_ALLOW_SEALING, 8192, 4096) == -EINVAL);
	EXPECT(give(c.d, MFD_ALLOW_SEALING, 8192, UINT64_MAX - 4095) == -EINVAL);
	data_comes_back(&c, 2, 's');
	EXPECT(!nvsr_wire_send(sock, &w, NVSR_WIRE_SHORT, NULL, 0) && !nvsr_wire_receive(sock, &w, fd, &n) && !w.rc && n == 2);
	EXPECT(n && ftruncate(fd[0], 0) && errno == EPERM);
	while (n)
		close(fd[--n]);
	close(sock);
	client_close(&c);
	end(pid);
}

/* Doorbells are memory that anybody may scribble on. */
static void bad_doorbells(void)
{
	pid_t pid = begin(1, 64);
	struct client a, b;

	EXPECT(!client_open(&a, 1, false) && !client_open(&b, 2, false));
	EXPECT(!nvsr_reg_write(a.d, NVME_REG_DBS + 2 * 64, 4, 1000));		/* beyond the queue */
	EXPECT(!nvsr_reg_write(a.d, NVME_REG_DBS + 3 * 64, 4, 7));		/* nothing is completed there */
	EXPECT(!nvsr_reg_write(a.d, NVME_REG_DBS + 8 * 64, 4, 1));		/* no such queue */
	data_comes_back(&b, 3, 'b');
	EXPECT(!nvsr_reg_write(a.d, NVME_REG_DBS + 2 * 64, 4, 0));
	data_comes_back(&a, 2, 'a');
	client_close(&a);
	client_close(&b);
	end(pid);
}

static void wrong_places(void)
{
	struct nvsr_complaint complaint;
	struct nvsr_dev *d = NULL;

	EXPECT(nvsr_dev_open("unix:no-such-socket", NULL, NULL, &d, &complaint) == -ENOENT && strstr(complaint.text, "serve"));
	EXPECT(!nvsr_dev_open("model:", NULL, NULL, &d, &complaint));
	EXPECT(nvsr_serve(&(struct nvsr_serve_options){ .pf = d, .socket = "no/such/folder/at/all" }) == -ENOENT);
	nvsr_dev_close(d);
}

int main(void)
{
	snprintf(socket_path, sizeof(socket_path), "/tmp/nvsr-serve-test.%d", (int)getpid());
	snprintf(where, sizeof(where), "unix:%s", socket_path);
	wrong_places();
	functions_side_by_side(1, 64, false);
	functions_side_by_side(1, 0, true);
	next_one_finds_it_clean();
	sleepers_hear_who_connects();
	two_device_threads();
	nonsense_is_refused();
	nothing_shrinks();
	bad_doorbells();
	return failures != 0;
}
