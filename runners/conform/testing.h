/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: a model that keeps its state in a file, read command by command, and what differs between two readings. */
#ifndef NVSR_RUNNERS_CONFORM_TESTING_H
#define NVSR_RUNNERS_CONFORM_TESTING_H

#include "nvsr.h"

static inline void add_bytes(struct nvsr_text *t, const char *what, unsigned n, const uint8_t *data, size_t len)
{
	nvsr_text_add(t, "%s %u:", what, n);
	for (size_t i = 0; i < len; i++)
		nvsr_text_add(t, "%02x", data[i]);
	nvsr_text_add(t, "\n");
}

static inline void add_identify(struct nvsr_text *t, struct nvsr_dev *pf, uint8_t cns, uint32_t nsid, bool names)
{
	uint8_t page[NVME_IDENTIFY_SIZE];
	int rc = nvsr_identify(pf, cns, nsid, 0, page);

	if (!names && (cns == NVME_CNS_NS || cns == NVME_CNS_ALLOCATED_NS_ID))
		memset(page + offsetof(struct nvme_id_ns, nguid), 0, 16 + 8);	/* NGUID, EUI64 */

	nvsr_text_add(t, "Identify %02Xh %d ", cns, rc);
	add_bytes(t, "of namespace", nsid, page, rc ? 0 : sizeof(page));
}

/* What changes by itself or by being used: @len bytes at @from of a log. */
static const struct { uint8_t lid; unsigned from, len; const char *why; } moving[] = {
	{ NVME_LOG_ERROR, 0, 512, "errors: tests ask for what does not exist" },
	{ NVME_LOG_SMART, 32, 16, "data units read" }, { NVME_LOG_SMART, 64, 16, "read commands" },
	{ NVME_LOG_SMART, 112, 16, "power cycles: a model has one whenever it is opened" },
	{ NVME_LOG_SMART, 128, 16, "power on hours" }, { NVME_LOG_SMART, 176, 16, "number of errors" },
};

static inline void add_logs(struct nvsr_text *t, struct nvsr_dev *pf)
{
	uint8_t data[512];

	for (unsigned lid = 0; lid < 0xc0; lid++) {
		if (nvsr_get_log(pf, (uint8_t)lid, NVME_NSID_ALL, true, data, sizeof(data)))
			continue;
		for (size_t i = 0; i < NVSR_ARRAY_SIZE(moving); i++)
			if (moving[i].lid == lid)
				memset(data + moving[i].from, 0, moving[i].len);
		add_bytes(t, "log", lid, data, sizeof(data));
	}
}

/* A checksum of every block of a namespace that is attached to the PF. */
static inline void add_blocks(struct nvsr_text *t, struct nvsr_dev *pf, uint32_t nsid)
{
	uint64_t sum = 0xcbf29ce484222325ull, blocks;
	uint8_t data[65536];
	struct nvme_id_ns id;

	if (nvsr_identify(pf, NVME_CNS_NS, nsid, 0, &id) || !(blocks = le64_get(id.nsze)))
		return;
	for (uint64_t at = 0; at < blocks; at += 128) {
		unsigned n = (unsigned)NVSR_MIN(blocks - at, (uint64_t)128);
		int rc = nvsr_rw(pf, false, nsid, at, n, data, n * 512);

		for (unsigned i = 0; i < n * 512 && !rc; i++)
			sum = (sum ^ data[i]) * 0x100000001b3ull;
	}
	nvsr_text_add(t, "blocks of namespace %u: %llx\n", nsid, (unsigned long long)sum);
}

/*
 * Everything the PF tells; @names: also what namespaces are called, which a drive chooses; @use: also logs and
 * blocks, which a run with permission to destroy changes.  malloc'd.
 */
static inline char *read_device(const char *state, bool names, bool use)
{
	static const uint8_t of_ctrl[] = { NVME_CNS_CTRL, NVME_CNS_ACTIVE_NS, NVME_CNS_ALLOCATED_NS, NVME_CNS_SECONDARY_LIST };
	static const uint8_t of_ns[] = { NVME_CNS_NS, NVME_CNS_NS_DESC, NVME_CNS_ALLOCATED_NS_ID, NVME_CNS_NS_CTRLS };
	struct nvsr_dev_options o;
	struct nvsr_complaint complaint;
	struct nvsr_dev *pf = NULL;
	struct nvsr_text t;
	unsigned numvfs = 0;

	memset(&o, 0, sizeof(o));
	memset(&t, 0, sizeof(t));
	o.state = state;
	if (nvsr_dev_open_with("model:", &o, &pf, &complaint)) {
		nvsr_text_add(&t, "cannot be opened: %s\n", complaint.text);
		return t.s;
	}
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(of_ctrl); i++)
		add_identify(&t, pf, of_ctrl[i], 0, names);
	add_identify(&t, pf, NVME_CNS_PRIMARY_CAPS, 0, names);
	for (uint32_t nsid = 1; nsid <= 16; nsid++)
		for (size_t i = 0; i < NVSR_ARRAY_SIZE(of_ns); i++)
			if (names || of_ns[i] != NVME_CNS_NS_DESC)
				add_identify(&t, pf, of_ns[i], nsid, names);
	for (unsigned fid = 1; fid < 0xc0; fid++)
		for (uint32_t nsid = 0; nsid <= 4; nsid++) {
			uint8_t data[4096] = { 0 };
			uint32_t dw0 = 0;
			int rc = fid == NVME_FEAT_TIMESTAMP ? 1 : nvsr_get_feature(pf, (uint8_t)fid, nsid, 0, data, sizeof(data), &dw0);

			if (!rc) {
				nvsr_text_add(&t, "feature %02Xh of namespace %u = %u ", fid, nsid, dw0);
				add_bytes(&t, "data", 0, data, 512);
			}
		}
	if (use)
		add_logs(&t, pf);
	for (uint32_t nsid = 1; use && nsid <= 16; nsid++)
		add_blocks(&t, pf, nsid);
	nvsr_get_numvfs(pf, &numvfs);
	nvsr_text_add(&t, "%u VFs\n", numvfs);
	nvsr_dev_close(pf);
	return t.s;
}

/* The first difference of two readings in words, or NULL. */
static inline char *difference_of(const char *before, const char *now)
{
	const char *a = before, *b = now, *line = now;
	long at;

	for (; b && *a && *a == *b; a++, b++)
		line = *b == '\n' ? b + 1 : line;
	if (b && !*a && !*b)
		return NULL;
	if (!b)
		return strdup("no memory");
	/* data is in hexadecimal after a colon */
	at = memchr(line, ':', (size_t)(b - line)) ? (b - strchr(line, ':') - 1) / 2 : 0;
	return nvsr_asprintf("%.*s, byte %ld: was %.16s, is %.16s", (int)strcspn(line, ":\n"), line, at, a, b);
}

#endif
