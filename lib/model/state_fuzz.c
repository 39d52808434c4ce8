// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any state file.  A frame with the right length, fingerprint and checksum is put around the input, so that what is in it is
 * looked at; a device that came up with it then lives on for a day.
 */
#include "model/state.c"
#include "model/fuzz.h"

#define DAY_NS (86400ull * 1000000000)

static char *frame(const struct nvsr_model *m, const uint8_t *body, size_t size)
{
	size_t len = BODY_AT + size + CHECKSUM_BYTES;
	char *file = calloc(1, len);

	if (!file)
		abort();
	memcpy(file, MAGIC, MAGIC_BYTES);
	nvsr_le_write(file + MAGIC_BYTES, 4, VERSION);
	nvsr_le_write(file + LENGTH_AT, 8, len);
	nvsr_le_write(file + FINGERPRINT_AT, 8, fingerprint(&m->conf));
	if (size)
		memcpy(file + BODY_AT, body, size);
	nvsr_le_write(file + BODY_AT + size, 8, fnv(FNV_START, file, BODY_AT + size));
	return file;
}

static void live(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);

	m_clr(pf, M_CLR_POWER);
	start(pf);
	nvsr_model_advance(m, DAY_NS);
	admin(pf, NVME_ADMIN_GET_LOG, NVME_NSID_ALL, NVME_LOG_ERROR | 0x3ffu << 16, 0);
	admin(pf, NVME_ADMIN_GET_LOG, NVME_NSID_ALL, NVME_LOG_SMART | 0x7fu << 16, 0);
	for (uint32_t nsid = 1; nsid <= m->conf.nn; nsid++) {
		identify(pf, NVME_CNS_ALLOCATED_NS_ID, nsid);
		run(pf, true, NVME_CMD_WRITE, nsid, 0, 0, 0);
		run(pf, true, NVME_CMD_READ, nsid, 0, 0, 0);
		run(pf, true, NVME_CMD_RESV_REPORT, nsid, 0x3ff, 1, 0);
		run(pf, true, NVME_CMD_RESV_REGISTER, nsid, 0, 0, 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct nvsr_complaint complaint = { "" };
	struct nvsr_model *m = NULL;
	_cleanup_free_ char *file = NULL;

	if (nvsr_model_create(fuzz_profile(0), &m) || nvsr_model_map(m, 0, 0, memory, sizeof(memory)))
		abort();
	file = frame(m, input, size);
	if (!load(m, "input", file, BODY_AT + size + CHECKSUM_BYTES, &complaint))
		live(m);
	nvsr_model_destroy(m);
	return 0;
}
