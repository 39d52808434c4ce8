// SPDX-License-Identifier: GPL-2.0-or-later
/* Which cell is measured when: paths of one load stand together, in every repeat in another order. */
#include "runners/perf/perf.h"

/* Measured with fio 3.33 on two processors: from its start to the first command and from the last to its end. */
#define TURN_NS (320 * NVSR_MS)
#define VERIFY_NS (600 * NVSR_MS)
#define START_NS (1500 * NVSR_MS)

/* splitmix64: small, and the same everywhere. */
static uint64_t next(uint64_t *seed)
{
	uint64_t x = *seed += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static void shuffle(uint32_t *load, size_t n, uint64_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		size_t other = next(seed) % i;
		uint32_t t = load[i - 1];

		load[i - 1] = load[other];
		load[other] = t;
	}
}

/*
 * Cells by load: @cells holds the cells of load 0, then those of load 1, …; load l is at @first[l] to @first[l + 1].
 * The number of loads.
 */
static size_t group_by_load(const struct nvsr_matrix *m, uint32_t *cells, uint32_t *first)
{
	_cleanup_free_ bool *taken = calloc(m->count + 1, sizeof(*taken));
	size_t loads = 0, n = 0;

	for (size_t i = 0; taken && i < m->count; i++) {
		if (taken[i])
			continue;
		first[loads++] = (uint32_t)n;
		for (size_t j = i; j < m->count; j++)
			if (!taken[j] && nvsr_cell_same_load(&m->cell[i], &m->cell[j])) {
				taken[j] = true;
				cells[n++] = (uint32_t)j;
			}
	}
	first[loads] = (uint32_t)n;
	return taken ? loads : 0;
}

struct nvsr_turn *nvsr_order(const struct nvsr_matrix *m, uint64_t seed)
{
	_cleanup_free_ uint32_t *cells = calloc(m->count + 1, sizeof(*cells)), *first = calloc(m->count + 2, sizeof(*first));
	_cleanup_free_ uint32_t *load = calloc(m->count + 1, sizeof(*load));
	struct nvsr_turn *turn = calloc(m->count * m->repeats + 1, sizeof(*turn));
	size_t loads = 0, n = 0;

	if (!cells || !first || !load || !turn || (m->count && !(loads = group_by_load(m, cells, first)))) {
		free(turn);
		return NULL;
	}
	for (size_t i = 0; m->count && i < loads; i++)
		load[i] = (uint32_t)i;
	for (uint32_t r = 0; m->count && r < m->repeats; r++) {
		shuffle(load, loads, &seed);
		for (size_t i = 0; i < loads; i++) {
			uint32_t from = first[load[i]], paths = first[load[i] + 1] - from;

			for (uint32_t p = 0; p < paths; p++)
				turn[n++] = (struct nvsr_turn){ cells[from + (p + i + r) % paths], r + 1 };
		}
	}
	return turn;
}

uint64_t nvsr_order_estimate(const struct nvsr_matrix *m, size_t turns, size_t paths)
{
	return turns ? START_NS + paths * VERIFY_NS + turns * (TURN_NS + (m->warm_up_ms + m->run_ms) * NVSR_MS) : 0;
}
