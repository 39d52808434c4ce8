// SPDX-License-Identifier: GPL-2.0-or-later
/* The state file: what a power cycle leaves is there in the next process; no other file is taken. */
#include "base/text.h"
#include "base/time.h"
#include "model/testing.h"

static char path[] = "/tmp/nvsr-state.XXXXXX", other[sizeof(path) + 8];
static struct nvsr_complaint complaint;

/* A model that goes on from the file, after @m (or NULL) left it. */
static struct nvsr_model *reopen(struct nvsr_model *m, uint64_t wait_ns)
{
	nvsr_model_destroy(m);
	m = power_on();
	EQ(nvsr_model_use_state(m, path, &complaint), 0);
	nvsr_model_advance(m, wait_ns);
	start(m_pf(m));
	return m;
}

static uint16_t set_host(struct m_ctrl *c, uint8_t id)
{
	memset(data, 0, 16);
	data[0] = id;
	return admin(c, NVME_ADMIN_SET_FEATURES, 0, NVME_FEAT_HOST_ID, 1);
}

/* Register key 77h, with @cptpl, and acquire Write Exclusive. */
static uint16_t reserve(struct m_ctrl *c, uint32_t nsid, uint32_t cptpl)
{
	struct nvme_resv_keys keys = { .key2 = le64(0x77) };
	uint16_t status;

	memcpy(data, &keys, sizeof(keys));
	status = run(c, true, NVME_CMD_RESV_REGISTER, nsid, cptpl << 30, 0, 0);
	keys = (struct nvme_resv_keys){ .crkey = le64(0x77) };
	memcpy(data, &keys, sizeof(keys));
	return status ? status : run(c, true, NVME_CMD_RESV_ACQUIRE, nsid, NVME_RESV_WE << 8, 0, 0);
}

static unsigned resv_type(struct m_ctrl *c, uint32_t nsid)
{
	memset(data, 0xee, 512);
	EQ(run(c, true, NVME_CMD_RESV_REPORT, nsid, 15, 1, 0), 0);
	return ((struct nvme_resv_report *)data)->rtype;
}

static uint16_t put_blocks(struct m_ctrl *c, uint32_t nsid, uint32_t lba, uint8_t value)
{
	memset(data, value, 1024);
	return run(c, true, NVME_CMD_WRITE, nsid, lba, 0, 1);
}

static bool reads(struct m_ctrl *c, uint32_t nsid, uint32_t lba, uint8_t value)
{
	memset(data, 0xee, 512);
	return !run(c, true, NVME_CMD_READ, nsid, lba, 0, 0) && all(data, value, 512);
}

static void fill(struct nvsr_model *m)
{
	struct m_ctrl *pf = m_pf(m);

	EQ(create(m, 1 << 20, 1 << 20, true) || create(m, 4096, 4096, true), 0);
	EQ(ATTACH(m, 2, 0, 1) || ATTACH(m, 3, 0), 0);
	EQ(put_blocks(pf, 2, 0, 0x11) || put_blocks(pf, 2, (1 << 20) - 2, 0x22) || put_blocks(pf, 3, 7, 0x33), 0);
	EQ(virt(pf, pf->cntlid, NVME_VIRT_RT_VQ, NVME_VIRT_PRIMARY_FLEXIBLE, 3), 0);
	EQ(set_host(pf, 0xaa) || reserve(pf, 2, 3) || reserve(pf, 3, 2), 0);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 1, NVME_FEAT_WRITE_PROTECT, NVME_WPS_WP), 0);
	EQ(admin(pf, NVME_ADMIN_SET_FEATURES, 3, NVME_FEAT_WRITE_PROTECT, NVME_WPS_UNTIL_POWER_CYCLE), 0);
	EQ(admin(pf, 0xff, 0, 0, 0), NVME_SC_INVALID_OPCODE);
	EQ(m->vqrfap, 0);
}

static void survives(void)
{
	struct nvsr_model *m = power_on();
	uint64_t unvmcap, uid, errors;
	struct nvme_id_ns id;

	EQ(nvsr_model_use_state(m, path, &complaint), 0);
	fill(m);
	id = m->ns[2]->id;
	unvmcap = m->unvmcap;
	uid = m->next_uid;
	errors = m_pf(m)->log->errors;
	EQ(errors > 0, 1);
	m = reopen(m, NVSR_S);
	EQ(m->power_cycles, 2);
	EQ(m->unvmcap, unvmcap);
	EQ(m->next_uid, uid);
	EQ(m_pf(m)->log->errors, errors);
	EQ(memcmp(&m->ns[2]->id, &id, sizeof(id)), 0);
	EQ(m->ns[4] != NULL, 0);
	EQ(m->ns[2]->attached[0] && m->ns[2]->attached[1] && !m->ns[2]->attached[2], 1);
	EQ(m->ns[2]->attached_count, 2);
	EQ(m->ns[1]->wp_state, NVME_WPS_WP);
	EQ(m->ns[3]->wp_state, NVME_WPS_NONE);
	EQ(m->vqrfap, 3);
	EQ(reads(m_pf(m), 2, 0, 0x11) && reads(m_pf(m), 2, 1, 0x11) && reads(m_pf(m), 2, 2, 0), 1);
	EQ(reads(m_pf(m), 2, (1 << 20) - 1, 0x22) && reads(m_pf(m), 3, 8, 0x33), 1);
	EQ(m_media_allocated(m->ns[2]->media, 0, 1024), 1);
	EQ(m_media_allocated(m->ns[2]->media, 1024, 512), 0);
	/* another host meets the one reservation that persists */
	EQ(resv_type(m_pf(m), 2), NVME_RESV_WE);
	EQ(resv_type(m_pf(m), 3), NVME_RESV_NONE);
	EQ(put_blocks(m_pf(m), 2, 0, 0x44), NVME_SC_RESV_CONFLICT);
	EQ(put_blocks(m_pf(m), 3, 0, 0x44), 0);
	EQ(set_host(m_pf(m), 0xaa) || put_blocks(m_pf(m), 2, 0, 0x55), 0);
	m = reopen(m, NVSR_S);
	EQ(reads(m_pf(m), 2, 0, 0x55) && reads(m_pf(m), 3, 0, 0x44), 1);
	nvsr_model_destroy(m);
}

/* The file as it is while the model still runs, which is what a process that is killed leaves: what was completed is in it. */
static void survives_kill(void)
{
	struct nvsr_model *m = power_on(), *after;

	EQ(unlink(path), 0);
	EQ(nvsr_model_use_state(m, path, &complaint), 0);
	fill(m);
	after = power_on();
	EQ(nvsr_model_use_state(after, path, &complaint), 0);
	EQ(after->ns[2] && after->ns[2]->attached[0] && after->ns[2]->attached[1] && after->ns[3], 1);
	EQ(after->ns[1]->wp_state, NVME_WPS_WP);
	EQ(after->vqrfap, 3);
	nvsr_model_destroy(after);
	nvsr_model_destroy(m);
}

/* A sanitize operation goes on where it was, and so does time. */
static void sanitize_goes_on(void)
{
	struct nvsr_model *m = power_on();
	uint64_t end;

	EQ(unlink(path), 0);
	EQ(nvsr_model_use_state(m, path, &complaint), 0);
	nvsr_model_advance(m, 5 * NVSR_S);
	EQ(put_blocks(m_pf(m), 1, 0, 0x11), 0);
	EQ(admin(m_pf(m), NVME_ADMIN_SANITIZE, 0, NVME_SANACT_BLOCK, 0), 0);
	nvsr_model_advance(m, NVSR_MS);
	end = m->sanitize.end;
	m = reopen(m, 0);
	EQ(m->sanitize.state, NVME_SSTAT_IN_PROGRESS);
	EQ(end > m->now && m->sanitize.end == end, 1);
	nvsr_model_advance(m, end - m->now);
	EQ(m->sanitize.state, NVME_SSTAT_SUCCESS);
	EQ(reads(m_pf(m), 1, 0, 0), 1);
	nvsr_model_destroy(m);
}

/* Power that goes and comes back leaves the file with what was there when it went. */
static void power_cycle(void)
{
	struct nvsr_model *m = power_on(), *n;

	EQ(unlink(path), 0);
	EQ(nvsr_model_use_state(m, path, &complaint), 0);
	EQ(put_blocks(m_pf(m), 1, 0, 0x66), 0);
	nvsr_model_power_cycle(m);
	n = reopen(NULL, NVSR_S);
	EQ(reads(m_pf(n), 1, 0, 0x66), 1);
	nvsr_model_destroy(m);
	nvsr_model_destroy(n);
}

/* --- files that are refused --------------------------------------------------------------------------------- */

/* @m did not change: it has its first namespace and the power it was switched on with. */
static void refused(struct nvsr_model *m, const char *file, size_t len, const char *why)
{
	struct m_ns *first = m->ns[1];

	EQ(nvsr_write_file(other, file, len), 0);
	complaint.text[0] = '\0';
	EQ(nvsr_model_use_state(m, other, &complaint), -EINVAL);
	EQ(strncmp(complaint.text, other, strlen(other)), 0);
	EQ(strstr(complaint.text, why) != NULL, 1);
	EQ(m->ns[1] == first && m->power_cycles == 1 && !m->ns[2] && !m->state_path, 1);
}

/* The checksum again, for files that are wrong in another way. */
static void seal(char *file, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < len - 8; i++)
		h = (h ^ (uint8_t)file[i]) * 0x100000001b3ull;
	nvsr_le_write(file + len - 8, 8, h);
}

static void damaged(void)
{
	struct nvsr_model *m = power_on();
	_cleanup_free_ char *file = NULL;
	uint32_t random = 1;
	size_t len = 0;
	char keep;

	EQ(unlink(path), 0);
	EQ(nvsr_model_use_state(m, path, &complaint), 0);
	fill(m);
	nvsr_model_destroy(m);
	EQ(nvsr_read_file(path, 1 << 24, &file, &len), 0);
	m = power_on();
	for (size_t n = 0; n < len; n += n < 256 || n + 64 > len ? 1 : 61)
		refused(m, file, n, "expected");
	for (size_t at = 0; at < len; at += at < 256 ? 1 : 61) {
		file[at] ^= 0x10;
		refused(m, file, len, "expected");
		file[at] ^= 0x10;
	}
	nvsr_le_write(file + 16, 4, 2);
	refused(m, file, len, "version 2, expected version 1");
	nvsr_le_write(file + 16, 4, 1);
	refused(m, file, len - 1, "bytes, expected");
	keep = file[28];
	file[28] ^= 1;
	seal(file, len);
	refused(m, file, len, "another device");
	file[28] = keep;
	/* whatever stands in it: taken whole or refused, and never a crash */
	for (unsigned i = 0; i < 2000; i++) {
		size_t at = 98 + (random = random * 1664525 + 1013904223) / 7 % (len - 98 - 8);
		struct nvsr_model *n = i % 50 ? NULL : power_on(), *use = n ? n : m;

		keep = file[at];
		file[at] = (char)(random >> 24);
		seal(file, len);
		EQ(nvsr_write_file(other, file, len), 0);
		if (!nvsr_model_use_state(use, other, &complaint)) {
			nvsr_model_advance(use, NVSR_S);
			if (use == m) {
				nvsr_model_destroy(m);
				m = power_on();
			}
		}
		nvsr_model_destroy(n);
		file[at] = keep;
	}
	nvsr_model_destroy(m);
}

static void of_another_profile(void)
{
	struct nvsr_profile *p = NULL;
	struct nvsr_model *m = NULL;

	EQ(nvsr_profile_load("device-profiles/samsung-pm173x.yaml", &p, &complaint) || nvsr_model_create(p, &m), 0);
	EQ(nvsr_model_use_state(m, path, &complaint), -EINVAL);
	EQ(strstr(complaint.text, "another device") != NULL, 1);
	EQ(nvsr_model_use_state(m, "/", &complaint), -EINVAL);
	EQ(nvsr_model_use_state(m, "/nowhere/state", &complaint), -ENOENT);
	nvsr_model_destroy(m);
	nvsr_profile_free(p);
}

int main(void)
{
	int fd = mkstemp(path);

	if (fd < 0 || close(fd) || unlink(path))
		return 1;
	snprintf(other, sizeof(other), "%s.other", path);
	survives();
	survives_kill();
	sanitize_goes_on();
	power_cycle();
	damaged();
	of_another_profile();
	unlink(path);
	unlink(other);
	return failed != 0;
}
