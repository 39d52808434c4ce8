// SPDX-License-Identifier: GPL-2.0-or-later
/* A partner host, from a network namespace of the test's own: that of the machine stays as it is.  Takes root. */
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "runners/perf/partner.h"
#include "base/expect.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";

#define PID 4194303	/* the largest */

static void cables_are_named_by_process_and_number(void)
{
	static const char *const bad[] = { "nvsr", "nvsr7", "nvsr7-", "nvsr7-1x", "eth0", "xnvsr7-1" };
	char name[NVSR_CABLE], here[2][NVSR_ADDRESS], there[2][NVSR_ADDRESS];
	unsigned pid = 0, i = 0;

	nvsr_partner_cable(PID, 255, name);
	EXPECT(strlen(name) < IFNAMSIZ && nvsr_partner_parse_cable(name, &pid, &i) && pid == PID && i == 255, "%s: %u %u", name, pid, i);
	for (unsigned k = 0; k < NVSR_ARRAY_SIZE(bad); k++)
		EXPECT(!nvsr_partner_parse_cable(bad[k], &pid, &i), "%s", bad[k]);
	nvsr_partner_addresses(1, 1, here[0], there[0]);
	nvsr_partner_addresses(1, 2, here[1], there[1]);
	EXPECT(!strcmp(here[0], "198.18.0.33") && !strcmp(there[0], "198.18.0.34") && !strcmp(here[1], "198.18.0.37"), "%s %s %s", here[0], there[0],
	       here[1]);
}

static uint64_t where_are_we(void)
{
	struct stat st = { 0 };

	stat("/proc/thread-self/ns/net", &st);
	return st.st_ino;
}

/* A port of the address, or -1. */
static int listen_at(const char *address, struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(*ret);

	*ret = (struct sockaddr_in){ .sin_family = AF_INET };
	inet_pton(AF_INET, address, &ret->sin_addr);
	if (fd >= 0 && !bind(fd, (const struct sockaddr *)ret, sizeof(*ret)) && !listen(fd, 1) && !getsockname(fd, (struct sockaddr *)ret, &len))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void a_partner_is_reached_by_its_cable(void)
{
	struct nvsr_complaint complaint = { "" };
	char name[NVSR_CABLE], here[NVSR_ADDRESS], there[NVSR_ADDRESS];
	uint64_t ours = where_are_we();
	struct sockaddr_in at, not_here;
	int home = -1, second = -1, listener, fd;

	nvsr_partner_cable(PID, 1, name);
	nvsr_partner_addresses(PID, 1, here, there);
	EXPECT(!nvsr_partner_enter(PID, 1, &home, &complaint), "%s", complaint.text);
	EXPECT(where_are_we() != ours, "the namespace is the same");
	listener = listen_at(there, &at);
	EXPECT(listener >= 0, "%s: %s", there, strerror(errno));
	EXPECT(!nvsr_partner_leave(home) && where_are_we() == ours, "not at home again");
	EXPECT(if_nametoindex(name), "%s is not here", name);
	EXPECT(!if_nametoindex("partner"), "the other end is here");
	EXPECT(listen_at(there, &not_here) < 0, "the partner's address is this host's too");

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EXPECT(!connect(fd, (const struct sockaddr *)&at, sizeof(at)), "%s: %s", there, strerror(errno));
	close(fd);

	/* A second one of the same name fails, and this thread is where it was. */
	EXPECT(nvsr_partner_enter(PID, 1, &second, &complaint) == -EEXIST && strstr(complaint.text, name), "%s", complaint.text);
	EXPECT(where_are_we() == ours && second < 0, "not at home");

	nvsr_partner_undo(PID, 1);
	EXPECT(!if_nametoindex(name), "%s stays", name);
	nvsr_partner_undo(PID, 1);
	close(listener);
}

int main(void)
{
	const char *lacks;

	cables_are_named_by_process_and_number();
	if (unshare(CLONE_NEWNET)) {
		printf("%s: partner_test; no network namespace of its own for the rest: %s\n", failed ? "FAIL" : "ok", strerror(errno));
		return failed != 0;
	}
	lacks = nvsr_partner_lacks(NULL);
	if (!lacks)
		a_partner_is_reached_by_its_cable();
	printf("%s: partner_test%s%s\n", failed ? "FAIL" : "ok", lacks ? "; " : "", lacks ? lacks : "");
	return failed != 0;
}
