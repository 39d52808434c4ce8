// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What this processor can copy: random blocks of 4 KiB out of SIZE MiB into 32 buffers, as many a second as one core does.  The
 * ceiling of any device that keeps its data in memory.  Usage: ceiling SIZE_MIB MILLISECONDS
 */
#include <sys/mman.h>

#include "base/base.h"
#include "base/time.h"

enum { BLOCK = 4096, BUFFERS = 32, BETWEEN_LOOKS = 1024 };

static uint64_t next_random(uint64_t *state)
{
	/* xorshift64 */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

int main(int argc, char **argv)
{
	uint64_t blocks = argc == 3 ? strtoull(argv[1], NULL, 10) << 20 >> 12 : 0, ms = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	uint64_t state = 88172645463325252ull, n = 0, begin;
	static uint8_t to[BUFFERS * BLOCK] __attribute__((aligned(BLOCK)));
	uint8_t *from;

	if (!blocks || !ms) {
		fputs("usage: ceiling SIZE_MIB MILLISECONDS\n", stderr);
		return 2;
	}
	/* Memory like that of the model's media: private, pages of the usual size, each of its own. */
	from = mmap(NULL, blocks * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (from == MAP_FAILED) {
		perror("ceiling");
		return 1;
	}
	memset(from, 'c', blocks * BLOCK);
	begin = nvsr_now_ns();
	while (nvsr_now_ns() - begin < ms * NVSR_MS)
		for (unsigned i = 0; i < BETWEEN_LOOKS; i++, n++) {
			memcpy(to + n % BUFFERS * BLOCK, from + next_random(&state) % blocks * BLOCK, BLOCK);
			__asm__ volatile("" : : "r"(to) : "memory");
		}
	printf("%.0f\n", (double)n * NVSR_S / (double)(nvsr_now_ns() - begin));
	return 0;
}
