// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device layer over the model: queues that wrap, PRP lists that chain, requests that nobody waits for, controllers that
 * are reset or never become ready, VFs that come and go.
 */
#include "base/time.h"
#include "device/device.h"
#include "spec/nvme.h"
#include "spec/pcie.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

static struct nvsr_profile *profile;

static struct nvsr_dev *open_model(void)
{
	struct nvsr_complaint complaint;
	struct nvsr_dev *pf = NULL;
	int rc = nvsr_dev_open("model:", profile, NULL, &pf, &complaint);

	if (rc) {
		fprintf(stderr, "model: %s\n", complaint.text);
		exit(1);
	}
	return pf;
}

static int identify(struct nvsr_dev *d, struct nvme_id_ctrl *id)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_CNS_CTRL, .data = id, .data_len = sizeof(*id) };

	return nvsr_admin(d, &c);
}

static struct nvsr_req *submit(struct nvsr_queue *q, const struct nvsr_cmd *c)
{
	struct nvsr_req *r = NULL;
	int rc = nvsr_queue_submit(q, c, &r);

	if (rc) {
		fprintf(stderr, "submit: %s\n", strerror(-rc));
		exit(1);
	}
	return r;
}

static void bad_names(void)
{
	static const char *const names[] = { "", "model", "nvme0", "0000:01:00", "1:2:3.4" };
	struct nvsr_complaint complaint;
	struct nvsr_dev *d = NULL;

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(names); i++)
		EXPECT(nvsr_dev_open(names[i], profile, NULL, &d, &complaint) == -ENOENT && complaint.text[0] && !d);
	EXPECT(nvsr_dev_open("model:", profile, (const char *const[]){ "no-such", NULL }, &d, &complaint) == -ENOENT &&
	       strstr(complaint.text, "no-such"));
	EXPECT(!nvsr_dev_close(NULL));
}

static void queues_wrap(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	struct nvme_id_ctrl id = { 0 };
	uint64_t before, after;

	EXPECT(!nvsr_irq_count(pf, 0, &before));
	for (unsigned i = 0; i < 200; i++)
		EXPECT(!identify(pf, &id));
	EXPECT(!memcmp(id.sn, profile->identity.serial, strlen(profile->identity.serial)));
	EXPECT(!nvsr_irq_count(pf, 0, &after) && after - before == 200);
	EXPECT(!nvsr_dev_dirty(pf));
}

/* Sizes around one page, two pages, a full page of a PRP list (513 pages of data), and lists of several pages. */
static void data_of_any_size(void)
{
	enum { PAGE = 8, MOST = 1600 * PAGE };	/* blocks */
	static const unsigned blocks[] = { 1, PAGE, PAGE + 1, 2 * PAGE, 2 * PAGE + 1, 513 * PAGE, 513 * PAGE + 1, MOST };
	static uint8_t out[MOST * 512], in[MOST * 512];
	int64_t mdts = profile->controller.mdts_pages;
	_cleanup_dev_ struct nvsr_dev *pf = NULL;

	profile->controller.mdts_pages = 0;
	pf = open_model();
	profile->controller.mdts_pages = mdts;

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(blocks); i++) {
		struct nvsr_cmd w = { .opcode = NVME_CMD_WRITE, .nsid = 1, .cdw10 = 7, .cdw12 = blocks[i] - 1, .data = out,
				      .data_len = blocks[i] * 512 };
		struct nvsr_cmd r = w;

		for (size_t k = 0; k < w.data_len; k++)
			out[k] = (uint8_t)(k / 4096 * 31 + k / 512 + k * 7 + i);
		memset(in, 0, sizeof(in));
		r.opcode = NVME_CMD_READ;
		r.data = in;
		EXPECT(!nvsr_io(pf, &w) && !nvsr_io(pf, &r) && !memcmp(in, out, w.data_len));
	}
}

static void requests_outlive_submitters(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	struct nvsr_cmd aer = { .opcode = NVME_ADMIN_AER }, got;
	struct nvme_id_ctrl id;
	struct nvsr_queue *q = nvsr_queue_admin(pf);
	struct nvsr_req *a = submit(q, &aer), *b = submit(q, &aer), *c = submit(q, &aer);
	uint64_t wall = nvsr_now_ns();

	EXPECT(!nvsr_req_done(a, NULL) && !identify(pf, &id));
	EXPECT(nvsr_req_wait(a, 10000, &got) == -ETIMEDOUT);	/* ten seconds of the device, not of ours */
	EXPECT(nvsr_now_ns() - wall < 2 * NVSR_S);
	nvsr_req_forget(b);
	EXPECT(!nvsr_ctrl_disable(pf));
	EXPECT(nvsr_req_done(c, NULL) && nvsr_req_wait(c, 10, NULL) == -ECANCELED);
	EXPECT(!nvsr_queue_admin(pf) && identify(pf, &id) == -ENOTCONN);
	EXPECT(!nvsr_ctrl_enable(pf) && !identify(pf, &id) && nvsr_dev_dirty(pf));
}

static void raw_reset_cancels(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	struct nvsr_cmd aer = { .opcode = NVME_ADMIN_AER };
	struct nvsr_req *r = submit(nvsr_queue_admin(pf), &aer);
	struct nvme_id_ctrl id;
	uint64_t cc;

	EXPECT(!nvsr_reg_read(pf, NVME_REG_CC, 4, &cc) && !nvsr_reg_write(pf, NVME_REG_CC, 4, cc & ~(uint64_t)NVME_CC_EN));
	EXPECT(!nvsr_queue_admin(pf));	/* at once, not only after somebody waited */
	EXPECT(nvsr_req_wait(r, 1000, NULL) == -ECANCELED && !nvsr_queue_admin(pf));
	EXPECT(!nvsr_ctrl_enable(pf) && !identify(pf, &id));
}

static void own_io_queues(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	struct nvsr_queue_opts o = { .qid = 1, .sq_entries = 4, .cq_entries = 4, .vector = 1, .irq = true };
	struct nvsr_cmd flush = { .opcode = NVME_CMD_FLUSH, .nsid = 1 };
	struct nvsr_queue *q = NULL, *again = NULL;
	struct nvsr_req *r = NULL;
	uint64_t irqs;

	EXPECT(!nvsr_queue_create(pf, &o, &q));
	EXPECT(nvsr_queue_create(pf, &o, &again) == NVME_SC_QID_INVALID && !again);
	for (unsigned i = 0; q && i < 9; i++)
		EXPECT(!nvsr_req_wait(submit(q, &flush), 1000, NULL));
	EXPECT(!nvsr_irq_count(pf, 1, &irqs) && irqs == 9);
	EXPECT(!nvsr_io(pf, &flush));		/* our own queue takes the next free identifier */
	EXPECT(!nvsr_queue_destroy(q));
	EXPECT(!nvsr_queue_create(pf, &o, &q) && !nvsr_reset(pf, NVSR_RESET_CTRL));
	EXPECT(nvsr_queue_submit(q, &flush, &r) == -ECANCELED && !nvsr_queue_destroy(q));
}

static void resets_bring_back(void)
{
	static const enum nvsr_reset how[] = { NVSR_RESET_CTRL, NVSR_RESET_FLR, NVSR_RESET_HOT, NVSR_RESET_POWER, NVSR_RESET_NSSR };
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	struct nvme_id_ctrl id;
	unsigned vfs = 9;

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(how); i++) {
		uint64_t irqs = 0;

		EXPECT(!nvsr_set_numvfs(pf, 2) && !nvsr_reset(pf, how[i]) && !identify(pf, &id));
		EXPECT(!nvsr_irq_count(pf, 0, &irqs) && irqs == 1);
		EXPECT(!nvsr_get_numvfs(pf, &vfs) && vfs == (how[i] == NVSR_RESET_CTRL ? 2 : 0));
	}
}

static void vfs_come_and_go(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model(), *vf = NULL;
	struct nvsr_dev *none = NULL;
	struct nvme_id_ctrl id;
	const char *last[4];
	uint64_t csts;
	uint32_t v;

	EXPECT(nvsr_dev_open_vf(pf, 1, &none) == -ENODEV && !none);
	EXPECT(nvsr_set_numvfs(pf, (unsigned)profile->sriov.total_vfs + 1) == -ERANGE);
	EXPECT(!nvsr_set_numvfs(pf, 3) && nvsr_dev_open_vf(pf, 4, &none) == -ENODEV && !nvsr_dev_open_vf(pf, 3, &vf));
	EXPECT(nvsr_dev_vfn(vf) == 3 && nvsr_dev_rid(vf) != nvsr_dev_rid(pf));
	EXPECT(!nvsr_reg_read(vf, NVME_REG_CSTS, 4, &csts) && csts & NVME_CSTS_CFS);
	EXPECT(nvsr_ctrl_enable(vf) == -EIO && identify(vf, &id) == -ENOTCONN);	/* Offline */
	EXPECT(!nvsr_reset(vf, NVSR_RESET_FLR));
	EXPECT(!nvsr_set_numvfs(pf, 0) && !nvsr_cfg_read(vf, PCI_REVISION_ID, 4, &v) && v == UINT32_MAX);
	EXPECT(nvsr_ctrl_enable(vf) == -ENODEV);
	EXPECT(!nvsr_set_numvfs(pf, 8) && !nvsr_cfg_read(vf, PCI_COMMAND, 2, &v) && v & PCI_COMMAND_MASTER);
	EXPECT(nvsr_dev_last(pf, last, 4) == 4 && !strncmp(last[3], "pf 8 VFs", 8));
	pf = nvsr_dev_close(pf);	/* the VF keeps what it needs */
	EXPECT(!nvsr_reg_read(vf, NVME_REG_CSTS, 4, &csts));
}

static int identify_into(struct nvsr_dev *d, uint64_t iova)
{
	struct nvsr_cmd c = { .opcode = NVME_ADMIN_IDENTIFY, .cdw10 = NVME_CNS_CTRL };
	struct nvsr_req *r;
	int rc = nvsr_queue_submit_prp(nvsr_queue_admin(d), &c, iova, &r);

	return rc ? rc : nvsr_req_wait(r, 1000, NULL);
}

static void own_domain_holds(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model(), *vf = NULL;
	struct nvsr_dma_fault last = { 0 };
	struct nvme_id_ctrl id;
	uint64_t n = 9, before = 0, after = 0, foreign = 0;
	void *mine;

	EXPECT(!nvsr_set_numvfs(pf, 1) && !nvsr_dev_open_vf(pf, 1, &vf) && nvsr_dma_alloc(vf, 4096, &foreign));
	mine = nvsr_dma_alloc(pf, 4096, &before);
	EXPECT(mine && !identify_into(pf, foreign));	/* one address space to begin with */
	EXPECT(!nvsr_dma_own_domain(pf) && !identify(pf, &id) && !identify_into(pf, before));
	EXPECT(nvsr_dma_alloc(pf, 4096, &after) && !identify_into(pf, after));
	EXPECT(!nvsr_dma_faults(vf, &n, NULL) && n == 0);
	EXPECT(identify_into(pf, foreign) > 0 && !nvsr_dma_faults(pf, &n, &last) && n == 1);
	EXPECT(last.rid == nvsr_dev_rid(pf) && last.iova == foreign && last.write);
	nvsr_dma_free(pf, mine);
	EXPECT(identify_into(pf, before) > 0);
}

static void walks_end(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	unsigned pos = 1;

	EXPECT(!nvsr_cfg_find_cap(pf, PCI_CAP_EXP, &pos) && pos >= 0x40);
	EXPECT(!nvsr_cfg_find_cap(pf, 0xee, &pos) && !pos);
	EXPECT(!nvsr_cfg_find_ext_cap(pf, PCI_EXT_CAP_SRIOV, &pos) && pos == profile->sriov.cap_offset);
	EXPECT(!nvsr_cfg_find_ext_cap(pf, 0xeeee, &pos) && !pos);
	EXPECT(nvsr_cfg_read(pf, 1, 2, &(uint32_t){ 0 }) == -EINVAL && nvsr_cfg_read(pf, 4096, 4, &(uint32_t){ 0 }) == -EINVAL);
}

int main(void)
{
	struct nvsr_complaint complaint;

	if (nvsr_profile_load("reference", &profile, &complaint)) {
		fprintf(stderr, "%s\n", complaint.text);
		return 1;
	}
	bad_names();
	queues_wrap();
	data_of_any_size();
	requests_outlive_submitters();
	raw_reset_cancels();
	own_io_queues();
	resets_bring_back();
	vfs_come_and_go();
	own_domain_holds();
	walks_end();
	nvsr_profile_free(profile);
	return failures != 0;
}
