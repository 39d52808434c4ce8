// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages with descriptors over a socket. */
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "device/wire.h"

int nvsr_wire_socket(const char *path, struct sockaddr_un *ret)
{
	int sock;

	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, path, strlen(path) + 1);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return sock < 0 ? -errno : sock;
}

union control { struct cmsghdr align; char space[CMSG_SPACE(NVSR_WIRE_FDS * sizeof(int))]; };

int nvsr_wire_send(int sock, const struct nvsr_wire *w, size_t len, const int *fd, unsigned n)
{
	union control control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)w, .iov_len = len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t sent;

	if (n) {
		struct cmsghdr *c = &control.align;

		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
		*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n * sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(c), fd, n * sizeof(int));
	}
	do
		sent = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

static unsigned take_fds(struct msghdr *msg, int *fd)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		unsigned here = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (unsigned i = 0; i < here && n < NVSR_WIRE_FDS; i++)
			memcpy(&fd[n++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
	return n;
}

int nvsr_wire_receive(int sock, struct nvsr_wire *w, int *fd, unsigned *ret_n)
{
	union control control = { 0 };
	struct iovec iov = { .iov_base = w, .iov_len = sizeof(*w) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t got;

	do
		got = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (!got)
		return -EPIPE;
	*ret_n = take_fds(&msg, fd);
	if ((size_t)got >= NVSR_WIRE_SHORT && !(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		memset((uint8_t *)w + got, 0, sizeof(*w) - (size_t)got);
		return 0;
	}
	for (unsigned i = 0; i < *ret_n; i++)
		close(fd[i]);
	*ret_n = 0;
	return -EPROTO;
}
