// SPDX-License-Identifier: GPL-2.0-or-later
/* vhost-user messages through a socket, in pieces where the socket gives pieces. */
#include <sys/socket.h>
#include <sys/uio.h>

#include "virtio/vhost_user.h"

#define HEADER sizeof(struct vhost_user_header)
union control {
	struct cmsghdr align;
	char b[CMSG_SPACE(VHOST_USER_REGIONS_MAX * sizeof(int))];
};

int nvsr_vhost_send(int sock, const struct nvsr_vhost_msg *m)
{
	struct iovec iov[] = { { (void *)&m->h, HEADER }, { (void *)&m->p, m->h.size } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	union control control;
	ssize_t n;

	if (m->fds) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.b;
		msg.msg_controllen = CMSG_SPACE(m->fds * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(m->fds * sizeof(int));
		memcpy(CMSG_DATA(c), m->fd, m->fds * sizeof(int));
	}
	do
		n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	/* Messages are a few hundred bytes: a peer that takes part of one does not read. */
	return (size_t)n == HEADER + m->h.size ? 0 : -EPIPE;
}

void nvsr_vhost_close_fds(struct nvsr_vhost_msg *m)
{
	for (unsigned i = 0; i < m->fds; i++)
		if (m->fd[i] >= 0)
			close(m->fd[i]);
	m->fds = 0;
}

/* False: more than a message has; those too many are closed. */
static bool take_fds(struct msghdr *msg, struct nvsr_vhost_msg *m)
{
	bool fit = !(msg->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (m->fds < VHOST_USER_REGIONS_MAX) {
				m->fd[m->fds++] = fd;
			} else {
				close(fd);
				fit = false;
			}
		}
	}
	return fit;
}

/* The next bytes of the header, or of the payload; never of the next message. */
static ssize_t receive(int sock, struct nvsr_vhost_msg *m)
{
	bool header = m->have < HEADER;
	struct iovec iov = { header ? (uint8_t *)&m->h + m->have : (uint8_t *)&m->p + (m->have - HEADER),
			     header ? HEADER - m->have : m->h.size - (m->have - HEADER) };
	union control control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.b, .msg_controllen = sizeof(control.b) };
	ssize_t n;

	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	if (!n)
		return -ECONNRESET;
	return take_fds(&msg, m) ? n : -EPROTO;
}

int nvsr_vhost_recv(int sock, struct nvsr_vhost_msg *m)
{
	for (;;) {
		ssize_t n;

		if (m->have >= HEADER && (m->h.size > sizeof(m->p) || (m->h.flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION))
			return -EPROTO;
		if (m->have >= HEADER && m->have == HEADER + m->h.size)
			return 1;
		n = receive(sock, m);
		if (n <= 0)
			return (int)n;
		m->have += (uint32_t)n;
	}
}
