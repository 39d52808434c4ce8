// SPDX-License-Identifier: GPL-2.0-or-later
/* The whole way: a guest's virtqueue, the back end process, a VF of the model in a third process; and how the back end ends. */
#include "base/text.h"
#include "runners/perf/testing.h"
#include "virtio/back.h"
#include "virtio/testing.h"

#define NS_BYTES (16u << 20)

static char device_socket[64], device_name[80], back_socket[64];

/* --- processes ---------------------------------------------------------------------------------------------------------------- */

static struct nvsr_back_options options(bool poll, int ready_fd)
{
	return (struct nvsr_back_options){ .socket = back_socket, .device = device_name, .vfn = 1, .nsid = nvsr_load_nsid(1),
					   .qid_first = 1, .poll = poll, .cpu = -1, .ready_fd = ready_fd };
}

static int back(bool poll, int ready_fd)
{
	const struct nvsr_back_options o = options(poll, ready_fd);
	struct nvsr_complaint c = { "" };
	int rc = nvsr_back_run(&o, &c);

	if (rc)
		fprintf(stderr, "back end: %d %s\n", rc, c.text);
	return rc;
}

/* A back end below a process that does nothing but be its parent. */
static int parent(int ready_fd, void *arg)
{
	pid_t pid = fork();

	if (!pid)
		_exit(back(false, ready_fd) ? 1 : 0);
	close(ready_fd);
	for (;;)
		pause();
}

static int kick_mode(int ready_fd, void *arg) { return back(false, ready_fd); }
static int poll_mode(int ready_fd, void *arg) { return back(true, ready_fd); }

static pid_t begin_device(void)
{
	struct served device = { .socket = device_socket, .vfs = 1, .queues = 4, .namespace_bytes = NS_BYTES };

	return child_begin(served_run, &device);
}

/* --- tests ----------------------------------------------------------------------------------------------------------------------- */

static bool enter(struct guest *g)
{
	struct nvsr_complaint c = { "" };
	int rc = guest_open(g, back_socket, 64, &c);

	if (rc) {
		failures++;
		fprintf(stderr, "front end: %d %s\n", rc, c.text);
	}
	return !rc;
}

/* One guest finds what another one wrote, at the same time. */
static void two_guests(int (*mode)(int ready_fd, void *arg))
{
	pid_t pid = child_begin(mode, NULL);
	struct guest g, h;

	EXPECT(enter(&g));
	if (g.f) {
		EXPECT(nvsr_front_capacity(g.f) == NS_BYTES);
		guest_walk(&g);
	}
	EXPECT(enter(&h));
	if (g.f && h.f) {
		guest_fill(g.mem, 1u << 20, 3);
		EXPECT(guest_do(&g, NVSR_FRONT_WRITE, 4096, g.mem, 1u << 20) == VIRTIO_BLK_S_OK);
		EXPECT(guest_do(&h, NVSR_FRONT_READ, 4096, h.mem, 1u << 20) == VIRTIO_BLK_S_OK);
		EXPECT(!memcmp(g.mem, h.mem, 1u << 20));
	}
	guest_close(&h);
	guest_close(&g);
	EXPECT(!child_end(pid, SIGTERM) && access(back_socket, F_OK));
}

/* The VF is free again after each end: the next back end gets it. */
static void parent_dies(void)
{
	pid_t pid = child_begin(parent, NULL);

	EXPECT(WIFSIGNALED(child_end(pid, SIGKILL)));
	for (unsigned i = 0; i < 500 && !access(back_socket, F_OK); i++)
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	EXPECT(access(back_socket, F_OK));
}

/* The device's process dies: guests learn it, and the back end ends by itself. */
static void device_dies(pid_t device_pid)
{
	pid_t pid = child_begin(kick_mode, NULL);
	struct guest g;
	int status = 0;

	EXPECT(enter(&g));
	EXPECT(WIFSIGNALED(child_end(device_pid, SIGKILL)));
	if (g.f)
		EXPECT(guest_do(&g, NVSR_FRONT_READ, 0, g.mem, 512) == -ECONNRESET);
	guest_close(&g);
	EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 1 && access(back_socket, F_OK));
	unlink(device_socket);
}

static void wrong_options(void)
{
	struct nvsr_back_options o = options(false, -1);
	struct nvsr_complaint c = { "" };

	o.device = "unix:/nowhere/at/all";
	EXPECT(nvsr_back_run(&o, &c) < 0 && strstr(c.text, "/nowhere/at/all"));
	o = options(false, -1);
	o.vfn = 9;
	c.text[0] = '\0';
	EXPECT(nvsr_back_run(&o, &c) && strstr(c.text, "VF 9"));
	o = options(false, -1);
	o.nsid = 77;
	c.text[0] = '\0';
	EXPECT(nvsr_back_run(&o, &c) && strstr(c.text, "77") && nvsr_back_run(&o, NULL));
	EXPECT(access(back_socket, F_OK));
}

int main(void)
{
	char dir[] = "/tmp/nvsr-run-XXXXXX";
	pid_t pid;

	if (!mkdtemp(dir))
		return 1;
	snprintf(device_socket, sizeof(device_socket), "%s/device", dir);
	snprintf(device_name, sizeof(device_name), "unix:%s", device_socket);
	snprintf(back_socket, sizeof(back_socket), "%s/back", dir);
	pid = begin_device();
	two_guests(kick_mode);
	two_guests(poll_mode);
	parent_dies();
	wrong_options();
	two_guests(kick_mode);
	EXPECT(!child_end(pid, SIGTERM));
	device_dies(begin_device());
	EXPECT(!rmdir(dir));
	return failures != 0;
}
