// SPDX-License-Identifier: GPL-2.0-or-later
/* /dev/kmsg: "prio,seq,us,flags;message", then lines of further fields that start with a blank. */
#include <fcntl.h>

#include "base/kmsg.h"

#define RECORD_MAX 8192		/* Linux gives no longer one */

struct nvsr_kmsg { int fd; char record[RECORD_MAX]; };

int nvsr_kmsg_open(struct nvsr_kmsg **ret)
{
	struct nvsr_kmsg *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (k->fd < 0 || lseek(k->fd, 0, SEEK_END) < 0) {
		int rc = -errno;

		nvsr_kmsg_close(k);
		return rc;
	}
	*ret = k;
	return 0;
}

void nvsr_kmsg_close(struct nvsr_kmsg *k)
{
	if (k && k->fd >= 0)
		close(k->fd);
	free(k);
}

const char *nvsr_kmsg_next(struct nvsr_kmsg *k, uint64_t *ret_us)
{
	unsigned long long us = 0;
	char *message;
	ssize_t n;

	/*
	 * EPIPE: records were overwritten before they were read; the next read goes on with the oldest that is left.  EINVAL: one
	 * that is longer than any should be; the next read has the one behind it.
	 */
	while ((n = read(k->fd, k->record, sizeof(k->record) - 1)) < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL))
		;
	if (n <= 0)
		return NULL;
	k->record[n] = '\0';
	message = strchr(k->record, ';');
	if (message && ret_us && sscanf(k->record, "%*u,%*u,%llu", &us) == 1)
		*ret_us = us;
	message = message ? message + 1 : k->record;
	message[strcspn(message, "\n")] = '\0';
	return message;
}
