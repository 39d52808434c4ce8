// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A host's end of a guest's job channel, for the tests of the lab: with nothing of what the program uses for that.
 * Usage: channel SOCKET SECONDS [off] < SCRIPT; waits for the guest, runs the script in it, prints what that printed, and with
 * `off` has the guest power off.  Exit code: that of the script; 200 no guest, 201 no answer in time, 202 an answer that is none.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { NO_GUEST = 200, TOO_LATE, NONSENSE };

static int complain(int code, const char *words)
{
	fprintf(stderr, "channel: %s\n", words);
	return code;
}

int main(int argc, char **argv)
{
	static char script[1 << 20];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval limit = { 0 };
	char line[128], *output;
	size_t len, n;
	int fd, code;
	FILE *in;

	if (argc < 3 || strlen(argv[1]) >= sizeof(a.sun_path))
		return complain(2, "usage: channel SOCKET SECONDS [off] < SCRIPT");
	strcpy(a.sun_path, argv[1]);
	len = fread(script, 1, sizeof(script), stdin);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return complain(NO_GUEST, "nobody at the socket");
	/* Beats end no wait: the whole of it counts, by alarm(). */
	limit.tv_sec = atoi(argv[2]);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	alarm((unsigned)limit.tv_sec + 1);
	in = fdopen(fd, "r+");
	if (!in || !fgets(line, sizeof(line), in))
		return complain(TOO_LATE, "the guest is not ready");
	if (strcmp(line, "READY 1\n"))
		return complain(NONSENSE, line);
	if (dprintf(fd, "RUN %zu\n", len) < 0 || write(fd, script, len) != (ssize_t)len)
		return complain(NO_GUEST, "the guest is gone");
	do {
		if (!fgets(line, sizeof(line), in))
			return complain(TOO_LATE, "the script does not end");
	} while (!strcmp(line, "BEAT\n"));
	if (sscanf(line, "DONE %d %zu", &code, &n) != 2 || !(output = malloc(n + 1)))
		return complain(NONSENSE, line);
	if (fread(output, 1, n, in) != n)
		return complain(TOO_LATE, "the output does not end");
	fwrite(output, 1, n, stdout);
	free(output);
	if (argc > 3 && !strcmp(argv[3], "off"))
		dprintf(fd, "OFF\n");
	fclose(in);
	return code;
}
