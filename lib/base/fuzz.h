/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For fuzz targets (x_fuzz.c): the input as a stream that never ends - after its last byte come zeros - and as a file for
 * readers that take a path.
 */
#ifndef NVSR_BASE_FUZZ_H
#define NVSR_BASE_FUZZ_H

#include <sys/mman.h>

#include "base/base.h"
#include "base/le.h"

/* What libFuzzer, or the main() that runs a corpus, calls with every input; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct nvsr_input { const uint8_t *p; size_t left; };

static inline void nvsr_input_bytes(struct nvsr_input *in, void *ret, size_t n)
{
	size_t have = NVSR_MIN(n, in->left);

	if (have)
		memcpy(ret, in->p, have);
	memset((uint8_t *)ret + have, 0, n - have);
	in->p += have;
	in->left -= have;
}

/* A number of @n (1 to 8) bytes. */
static inline uint64_t nvsr_input_num(struct nvsr_input *in, unsigned n)
{
	uint8_t b[8];

	nvsr_input_bytes(in, b, n);
	return nvsr_le_read(b, n);
}

/*
 * Change some bytes of @buf: a count, then for each change its place, its length and the bytes.  So that a page of 4 KiB
 * costs an input of a few bytes.
 */
static inline void nvsr_input_patch(struct nvsr_input *in, void *buf, size_t len)
{
	for (unsigned n = (unsigned)nvsr_input_num(in, 1) % 16; n && len; n--) {
		size_t at = (size_t)nvsr_input_num(in, 2) % len, most = 1 + (size_t)nvsr_input_num(in, 1) % 16;

		nvsr_input_bytes(in, (uint8_t *)buf + at, NVSR_MIN(most, len - at));
	}
}

/* The input as a file without a name: its path, and the descriptor to close. */
static inline void nvsr_input_file(const uint8_t *data, size_t size, char ret_path[32], int *ret_fd)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(ret_path, 32, "/proc/self/fd/%d", fd);
	*ret_fd = fd;
}

#endif
