// SPDX-License-Identifier: GPL-2.0-or-later
/* Snapshots over the model: what is changed shows in words and goes back, through a file too, and a dead device ends it. */
#include "base/text.h"
#include "base/time.h"
#include "sriov/sriov.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

static struct nvsr_profile *profile;

static struct nvsr_dev *open_model(void)
{
	struct nvsr_complaint complaint;
	struct nvsr_dev *pf = NULL;

	if (nvsr_dev_open("model:", profile, NULL, &pf, &complaint)) {
		fprintf(stderr, "model: %s\n", complaint.text);
		exit(1);
	}
	return pf;
}

static void snapshot_freep(struct nvsr_snapshot **s)
{
	nvsr_snapshot_free(*s);
}
#define _cleanup_snapshot_ NVSR_CLEANUP(snapshot_freep)

static struct nvsr_snapshot *take(struct nvsr_dev *pf)
{
	struct nvsr_snapshot *s = NULL;
	int rc = nvsr_snapshot_take(pf, &s);

	if (rc) {
		fprintf(stderr, "snapshot: %d\n", rc);
		exit(1);
	}
	return s;
}

/* The difference to now, or "". */
static char *difference(struct nvsr_dev *pf, const struct nvsr_snapshot *before)
{
	_cleanup_snapshot_ struct nvsr_snapshot *now = take(pf);

	return nvsr_snapshot_diff(before, now);
}

static bool goes_back(struct nvsr_dev *pf, const struct nvsr_snapshot *before)
{
	int rc = nvsr_snapshot_restore(pf, before);
	_cleanup_free_ char *left = difference(pf, before);

	if (rc || !left || *left)
		fprintf(stderr, "restore: %d, left: %s\n", rc, left ? left : "no memory");
	return !rc && left && !*left;
}

static void bring_up(struct nvsr_dev *pf, unsigned vfn)
{
	struct nvsr_inventory inv = { 0 };
	struct nvsr_dev *vf = NULL;

	EXPECT(!nvsr_inventory_read(pf, &inv) && !nvsr_vf_bring_up(pf, &inv, vfn, 0, 0, &vf));
	nvsr_dev_close(vf);
	nvsr_inventory_free(&inv);
}

static void changes_show_and_go_back(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf);
	_cleanup_free_ char *same = difference(pf, before), *diff = NULL;
	uint32_t nsid = 0;

	EXPECT(same && !*same);
	EXPECT(!nvsr_set_numvfs(pf, 2));
	bring_up(pf, 2);
	EXPECT(!nvsr_ns_create(pf, 2048, 0, true, &nsid) && !nvsr_ns_attach(pf, nsid, (uint16_t)profile->controller.pf_cntlid));
	EXPECT(!nvsr_set_feature(pf, NVME_FEAT_ARBITRATION, 0, 3, NULL, 0, NULL));
	diff = difference(pf, before);
	EXPECT(diff && strstr(diff, "numvfs is 2, was 0") && strstr(diff, "namespace 2 is new"));
	EXPECT(diff && strstr(diff, "secondary controller 2: online is true") && strstr(diff, "feature 1: value is 3"));
	EXPECT(goes_back(pf, before));
}

/* What a restore must ask for first, and what it need not. */
static void disturbing_restores(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf), *vfs = NULL, *created = NULL;
	uint32_t nsid = 0;

	EXPECT(!nvsr_set_numvfs(pf, 2) && !nvsr_set_feature(pf, NVME_FEAT_ARBITRATION, 0, 3, NULL, 0, NULL));
	vfs = take(pf);
	EXPECT(!nvsr_snapshot_disturbs(vfs, before));
	EXPECT(!nvsr_ns_create(pf, 2048, 0, true, &nsid));
	created = take(pf);
	EXPECT(nvsr_snapshot_disturbs(created, before) && nvsr_snapshot_disturbs(before, created));
}

static void deleted_namespace_comes_back(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf);
	_cleanup_free_ char *diff = NULL;

	EXPECT(!nvsr_ns_delete(pf, 1));
	diff = difference(pf, before);
	EXPECT(diff && strstr(diff, "namespace 1 is gone"));
	EXPECT(goes_back(pf, before));	/* with its attachments */
}

/* A test that was killed between protecting its namespace and deleting it. */
static void protected_namespace_goes(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf);
	uint32_t nsid = 0;

	EXPECT(!nvsr_ns_create(pf, 2048, 0, true, &nsid) && !nvsr_ns_attach(pf, nsid, (uint16_t)profile->controller.pf_cntlid));
	EXPECT(!nvsr_set_feature(pf, NVME_FEAT_WRITE_PROTECT, nsid, NVME_WPS_WP, NULL, 0, NULL));
	EXPECT(goes_back(pf, before));
}

static int keys(struct nvsr_dev *d, uint8_t opcode, uint32_t nsid, uint32_t cdw10, uint64_t crkey, uint64_t key2)
{
	struct nvme_resv_keys k = { le64(crkey), le64(key2) };
	struct nvsr_cmd c = { .opcode = opcode, .nsid = nsid, .cdw10 = cdw10, .data = &k, .data_len = sizeof(k) };

	return nvsr_io(d, &c);
}

/* A test that was killed while a VF held its namespace for itself. */
static void reserved_namespace_goes(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf);
	struct nvsr_inventory inv = { 0 };
	struct nvsr_dev *vf = NULL;
	uint8_t host[8] = "tenant";
	uint32_t nsid = 0;

	EXPECT(!nvsr_set_numvfs(pf, 1) && !nvsr_inventory_read(pf, &inv) && !nvsr_vf_bring_up(pf, &inv, 1, 0, 0, &vf));
	EXPECT(!nvsr_ns_create(pf, 2048, 0, true, &nsid) && !nvsr_ns_attach(pf, nsid, (uint16_t)profile->controller.pf_cntlid));
	EXPECT(inv.sec_count && !nvsr_ns_attach(pf, nsid, le16_get(nvsr_inventory_vf(&inv, 1)->scid)));
	EXPECT(!nvsr_set_feature(vf, NVME_FEAT_HOST_ID, 0, 0, host, sizeof(host), NULL));
	EXPECT(!keys(vf, NVME_CMD_RESV_REGISTER, nsid, NVME_RREGA_REGISTER, 0, 7));
	EXPECT(!keys(vf, NVME_CMD_RESV_ACQUIRE, nsid, NVME_RESV_EA << 8, 7, 0));
	EXPECT(nvsr_ns_delete(pf, nsid) == NVME_SC_RESV_CONFLICT);
	nvsr_dev_close(vf);
	nvsr_inventory_free(&inv);
	EXPECT(goes_back(pf, before));
}

/* The other way round: the state to return to has VFs with resources. */
static void vfs_come_back(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = NULL;

	EXPECT(!nvsr_set_numvfs(pf, 3));
	bring_up(pf, 1);
	bring_up(pf, 3);
	before = take(pf);
	EXPECT(!nvsr_set_numvfs(pf, 0));
	EXPECT(goes_back(pf, before));
	EXPECT(!nvsr_reset(pf, NVSR_RESET_CTRL));	/* secondaries Offline, VFs still there */
	EXPECT(goes_back(pf, before));
}

static void primary_allocation_goes_back(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf);
	uint16_t pcid = (uint16_t)profile->controller.pf_cntlid;

	EXPECT(!nvsr_virt_mgmt(pf, pcid, NVME_VIRT_RT_VI, NVME_VIRT_PRIMARY_FLEXIBLE, 3, NULL));
	EXPECT(!nvsr_reset(pf, NVSR_RESET_FLR));
	EXPECT(goes_back(pf, before));
}

/* A test may leave the controller disabled, or the function without its BARs. */
static void broken_controller_is_brought_up(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf);

	EXPECT(!nvsr_set_numvfs(pf, 1) && !nvsr_ctrl_disable(pf));
	EXPECT(goes_back(pf, before));
	EXPECT(!nvsr_cfg_write(pf, PCI_BAR0, 4, 0) && !nvsr_cfg_write(pf, PCI_BAR0 + 4, 4, 0));
	EXPECT(goes_back(pf, before));
}

static void dead_device_ends_it(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf), *now = NULL;
	uint64_t wall = nvsr_now_ns();

	EXPECT(!nvsr_cfg_write(pf, PCI_COMMAND, 2, PCI_COMMAND_MEMORY));	/* no bus mastering: nothing completes */
	EXPECT(nvsr_snapshot_take(pf, &now) < 0 && !now);
	EXPECT(nvsr_snapshot_restore(pf, before) < 0);
	EXPECT(nvsr_now_ns() - wall < 5 * NVSR_S);
	EXPECT(!nvsr_cfg_write(pf, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER));
}

#define STATE_BEGIN "{\"version\": 2, \"device\": \"d\", \"model\": \"m\", \"serial\": \"s\""

/* A file cut off anywhere, or with a byte of it changed, is refused or says the same: nothing of it is half believed. */
static void damaged_files(const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct nvsr_complaint complaint;
	size_t len = 0;

	EXPECT(!nvsr_read_file(path, 1u << 20, &text, &len) && len > 100);
	for (size_t cut = 0; cut < len - 1; cut += cut < 300 || cut > len - 300 ? 1 : 37) {
		_cleanup_snapshot_ struct nvsr_snapshot *none = NULL;

		EXPECT(!nvsr_write_file(path, text, cut) && nvsr_snapshot_load(path, &none, &complaint) == -EINVAL && !none &&
		       strstr(complaint.text, path));
	}
	EXPECT(!nvsr_write_file(path, text, len));
}

static void files(void)
{
	static const struct { const char *text, *said; } bad[] = {
		{ "", ":1:" }, { "{\"version\": 1", ":1:" }, { "{\"version\": 99}", "version: expected 2, found 99" },
		{ "[]", "version: expected a number" }, { "{\"version\": 2, \"version\": 2}", ":1:" },
		{ STATE_BEGIN "}", "namespaces: expected a list of objects" },
		{ STATE_BEGIN ", \"namespaces\": 1}", "namespaces: expected a list of objects" },
		{ STATE_BEGIN ", \"namespaces\": [1]}", "namespaces[0]: expected an object" },
		{ STATE_BEGIN ", \"namespaces\": [{\"nsid\": -1}]}", "namespaces[0].nsid: expected a number from 0 up" },
		{ STATE_BEGIN ", \"namespaces\": []}", "features: expected a list of objects" },
		{ STATE_BEGIN ", \"primary\": {\"crt\": 3}, \"namespaces\": [], \"features\": []}", "primary.vqrfap: expected a number" },
	};
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf), *loaded = NULL;
	char path[] = "/tmp/nvsr-snapshot-XXXXXX";
	struct nvsr_complaint complaint;
	int fd = mkstemp(path);

	EXPECT(fd >= 0 && !close(fd) && !nvsr_snapshot_save(before, path) && !nvsr_snapshot_load(path, &loaded, &complaint));
	EXPECT(!nvsr_set_numvfs(pf, 1) && loaded && goes_back(pf, loaded));
	EXPECT(loaded && nvsr_snapshot_same_device(before, loaded) && !strcmp(nvsr_snapshot_serial(loaded), "NVSR0001"));
	damaged_files(path);
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(bad); i++) {
		struct nvsr_snapshot *none = NULL;

		EXPECT(!nvsr_write_file(path, bad[i].text, strlen(bad[i].text)));
		EXPECT(nvsr_snapshot_load(path, &none, &complaint) == -EINVAL && strstr(complaint.text, bad[i].said) && !none);
	}
	unlink(path);
	EXPECT(nvsr_snapshot_load(path, &loaded, &complaint) == -ENOENT && strstr(complaint.text, path));
}

/* Base 5.28 ACT 1h: an allocation that waits for its reset is not seen by the comparison, and must not survive either. */
static void pending_allocation_goes_back(void)
{
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *before = take(pf);
	_cleanup_free_ char *diff = NULL;
	unsigned nrm = 0;

	EXPECT(!nvsr_virt_mgmt(pf, (uint16_t)profile->controller.pf_cntlid, NVME_VIRT_RT_VQ, NVME_VIRT_PRIMARY_FLEXIBLE, 3, &nrm));
	EXPECT(nrm && goes_back(pf, before));
	EXPECT(!nvsr_reset(pf, NVSR_RESET_FLR));
	diff = difference(pf, before);
	EXPECT(diff && !*diff);
}

/* Data of a feature that is not hexadecimal goes to no device. */
static void bad_feature_data_is_refused(void)
{
	static const char text[] = STATE_BEGIN ", \"namespaces\": [], \"features\": [{\"fid\": 22, \"value\": 0, \"data\": \"00zz\"}]}";
	_cleanup_dev_ struct nvsr_dev *pf = open_model();
	_cleanup_snapshot_ struct nvsr_snapshot *bad = NULL;
	char path[] = "/tmp/nvsr-snapshot-XXXXXX";
	struct nvsr_complaint complaint;
	int fd = mkstemp(path);

	EXPECT(fd >= 0 && !close(fd) && !nvsr_write_file(path, text, strlen(text)));
	EXPECT(!nvsr_snapshot_load(path, &bad, &complaint) && nvsr_snapshot_restore(pf, bad) == -EINVAL);
	unlink(path);
}

/* A device may list as many secondary controllers as there are ids: comparing them is no matter of minutes. */
static struct nvsr_snapshot *with_secondaries(const char *path, unsigned from, unsigned n)
{
	struct nvsr_text t __attribute__((cleanup(nvsr_text_free))) = { 0 };
	struct nvsr_complaint complaint;
	struct nvsr_snapshot *s = NULL;

	nvsr_text_add(&t, STATE_BEGIN ", \"namespaces\": [], \"features\": [], \"secondary\": [");
	for (unsigned i = 0; i < n; i++)
		nvsr_text_add(&t, "%s{\"scid\": %u, \"vfn\": 1, \"online\": false, \"nvq\": 2, \"nvi\": 2}", i ? "," : "", from + i);
	nvsr_text_add(&t, "]}");
	EXPECT(!t.failed && !nvsr_write_file(path, t.s, t.len) && !nvsr_snapshot_load(path, &s, &complaint));
	return s;
}

static void long_lists_are_compared(void)
{
	char path[] = "/tmp/nvsr-snapshot-XXXXXX";
	int fd = mkstemp(path);
	_cleanup_snapshot_ struct nvsr_snapshot *was = with_secondaries(path, 1, 60000), *is = with_secondaries(path, 2, 60000);
	uint64_t wall = nvsr_now_ns();
	_cleanup_free_ char *diff = was && is ? nvsr_snapshot_diff(was, is) : NULL;

	EXPECT(fd >= 0 && !close(fd) && diff && !strcmp(diff, "secondary controller 1 is gone\n"));
	EXPECT(nvsr_now_ns() - wall < 5 * NVSR_S);
	unlink(path);
}

int main(void)
{
	struct nvsr_complaint complaint;

	if (nvsr_profile_load("reference", &profile, &complaint)) {
		fprintf(stderr, "%s\n", complaint.text);
		return 1;
	}
	changes_show_and_go_back();
	disturbing_restores();
	pending_allocation_goes_back();
	deleted_namespace_comes_back();
	protected_namespace_goes();
	reserved_namespace_goes();
	vfs_come_back();
	primary_allocation_goes_back();
	broken_controller_is_brought_up();
	dead_device_ends_it();
	files();
	bad_feature_data_is_refused();
	long_lists_are_compared();
	nvsr_profile_free(profile);
	return failures != 0;
}
