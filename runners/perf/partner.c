// SPDX-License-Identifier: GPL-2.0-or-later
/* A partner host: a network namespace at the other end of a cable. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "runners/perf/partner.h"

#define THERE "partner"		/* what its end is called; it has no other */
#define NETWORK 0xc6120000u	/* 198.18.0.0/15, which is there for measuring networks; each cable has four addresses of it */
#define CABLES (1u << 15)
#define MASK 0xfffffffcu

static uint32_t address(pid_t pid, unsigned i, unsigned end)
{
	return NETWORK + ((unsigned)pid * 7 + i) % CABLES * 4 + end;
}

void nvsr_partner_addresses(pid_t pid, unsigned i, char ret_here[NVSR_ADDRESS], char ret_there[NVSR_ADDRESS])
{
	struct in_addr here = { htonl(address(pid, i, 1)) }, there = { htonl(address(pid, i, 2)) };

	inet_ntop(AF_INET, &here, ret_here, NVSR_ADDRESS);
	inet_ntop(AF_INET, &there, ret_there, NVSR_ADDRESS);
}

/* The longest has 15 characters, which is what they may have. */
void nvsr_partner_cable(pid_t pid, unsigned i, char ret[NVSR_CABLE])
{
	snprintf(ret, NVSR_CABLE, "nvsr%u-%u", (unsigned)pid & 0x3fffff, i & 0xff);
}

bool nvsr_partner_parse_cable(const char *name, unsigned *pid, unsigned *i)
{
	int end = 0;

	return sscanf(name, "nvsr%u-%u%n", pid, i, &end) == 2 && !name[end];
}

/* --- the kernel's messages about networks ------------------------------------------------------------------------------------- */

struct message { struct nlmsghdr h; struct ifinfomsg link; char attributes[512]; };

static struct rtattr *add(struct message *m, unsigned short type, const void *data, size_t len)
{
	struct rtattr *a = (struct rtattr *)((char *)m + NLMSG_ALIGN(m->h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(a), data, len);
	m->h.nlmsg_len = NLMSG_ALIGN(m->h.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

/* What was added since belongs to @a. */
static void close_nest(const struct message *m, struct rtattr *a)
{
	a->rta_len = (unsigned short)((const char *)m + m->h.nlmsg_len - (char *)a);
}

static int send_message(struct message *m)
{
	struct { struct nlmsghdr h; struct nlmsgerr e; char rest[1024]; } answer = { 0 };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n;

	m->h.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (fd < 0 || send(fd, m, m->h.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, &answer, sizeof(answer), 0);
	if (n < 0)
		return -errno;
	return n >= (ssize_t)NLMSG_LENGTH(sizeof(answer.e)) && answer.h.nlmsg_type == NLMSG_ERROR ? answer.e.error : -EPROTO;
}

/* From the namespace where this thread is to @home. */
static int lay_cable(const char *name, int home)
{
	struct message m = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.link)), .nlmsg_type = RTM_NEWLINK, .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL } };
	const struct ifinfomsg other = { .ifi_family = AF_UNSPEC };
	struct rtattr *info, *data, *peer;

	add(&m, IFLA_IFNAME, THERE, sizeof(THERE));
	info = add(&m, IFLA_LINKINFO, NULL, 0);
	add(&m, IFLA_INFO_KIND, "veth", strlen("veth"));
	data = add(&m, IFLA_INFO_DATA, NULL, 0);
	peer = add(&m, VETH_INFO_PEER, &other, sizeof(other));
	add(&m, IFLA_IFNAME, name, strlen(name) + 1);
	add(&m, IFLA_NET_NS_FD, &home, sizeof(home));
	close_nest(&m, peer);
	close_nest(&m, data);
	close_nest(&m, info);
	return send_message(&m);
}

void nvsr_partner_undo(pid_t pid, unsigned i)
{
	struct message m = { .h = { .nlmsg_len = NLMSG_LENGTH(sizeof(m.link)), .nlmsg_type = RTM_DELLINK } };
	char name[NVSR_CABLE];

	nvsr_partner_cable(pid, i, name);
	m.link.ifi_index = (int)if_nametoindex(name);
	if (m.link.ifi_index)
		send_message(&m);
}

/* --- addresses -------------------------------------------------------------------------------------------------------------- */

/* @fd: a socket of the namespace that has it. */
static int set_up(int fd, const char *name, uint32_t own)
{
	struct ifreq r = { .ifr_flags = 0 };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(own) } }, mask = { .sin_family = AF_INET, .sin_addr = { htonl(MASK) } };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	memcpy(&r.ifr_addr, &a, sizeof(a));
	if (ioctl(fd, SIOCSIFADDR, &r))
		return -errno;
	memcpy(&r.ifr_netmask, &mask, sizeof(mask));
	if (ioctl(fd, SIOCSIFNETMASK, &r))
		return -errno;
	if (ioctl(fd, SIOCGIFFLAGS, &r))
		return -errno;
	r.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &r) ? -errno : 0;
}

int nvsr_partner_enter(pid_t pid, unsigned i, int *ret_home, struct nvsr_complaint *complaint)
{
	_cleanup_close_ int here = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), there = -1;
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), rc = 0;
	char name[NVSR_CABLE];

	nvsr_partner_cable(pid, i, name);
	if (here < 0 || home < 0 || unshare(CLONE_NEWNET)) {
		rc = -errno;
		if (home >= 0)
			close(home);
	} else {
		there = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		rc = there < 0 ? -errno : lay_cable(name, home);
		if (!rc)
			rc = set_up(there, THERE, address(pid, i, 2));
		if (!rc)
			rc = set_up(here, name, address(pid, i, 1));
		if (rc)
			nvsr_partner_leave(home);
		else
			*ret_home = home;
	}
	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "a network namespace for the partner, and %s to it: %s", name, strerror(-rc));
	return rc;
}

/* In a namespace that goes with it, so that this host's stays as it is. */
static int try_it(void)
{
	int home = unshare(CLONE_NEWNET) ? -1 : open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return home < 0 ? 1 : lay_cable("here", home) ? 2 : 0;
}

const char *nvsr_partner_lacks(const struct nvsr_host *h)
{
	static const char *const texts[] = { NULL, "needs network namespaces, and the kernel has none or forbids them", "needs the kernel's veth: modprobe veth" };
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		_exit(try_it());
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) < NVSR_ARRAY_SIZE(texts) ? texts[WEXITSTATUS(status)] : "needs another process";
}

int nvsr_partner_leave(int home)
{
	int rc = home >= 0 && setns(home, CLONE_NEWNET) ? -errno : 0;

	if (home >= 0)
		close(home);
	return rc;
}
