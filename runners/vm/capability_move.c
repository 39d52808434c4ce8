// SPDX-License-Identifier: GPL-2.0-or-later
/* Live migration: of a guest that writes and verifies all the while, to a second QEMU; what it wrote is compared by the host. */
#include <fcntl.h>
#include <inttypes.h>

#include "runners/vm/capability.h"

#define SCRIPT_S 60
#define MOVE_S 120
#define DISK_MS 20000
#define BYTES (4u << 20)		/* the counter's blocks, and from 1 MiB on fio's */

/* --- what the guest does --------------------------------------------------------------------------------------------------------- */

/* A counter whose every write is read back, and rounds of fio with several requests at once; both until they are told. */
static char *move_script(const char *mark)
{
	return nvsr_asprintf(
		"counter() {\n\ti=0\n\twhile [ ! -e told ] && [ ! -e bad ]; do\n"
		"\t\tat=$((i %% %u)) i=$((i + 1))\n"
		"\t\tyes \"%s $i\" | head -c %u > w\n"
		"\t\tdd if=w of=$DISK bs=%u seek=$at count=1 conv=notrunc oflag=direct 2> e &&\n"
		"\t\t\tdd if=$DISK of=r bs=%u skip=$at count=1 iflag=direct 2> e && cmp w r > e 2>&1 || { echo \"write $i: $(cat e)\" > bad; break; }\n"
		"\t\techo $i > n\n"
		"\t\t[ $((i %% 8)) != 0 ] || echo nvsr-io-goes-on > /dev/console\n"
		"\tdone\n}\n"
		"rounds() {\n\tk=0\n\twhile [ ! -e told ] && [ ! -e bad ]; do\n"
		"\t\tfio --name=move --filename=$DISK --offset=1m --size=2m --bs=4k --rw=randwrite --ioengine=libaio --iodepth=8 --direct=1 --thread \\\n"
		"\t\t\t--verify=crc32c --verify_fatal=1 --randseed=$((k + 1)) > o 2>&1 || { echo \"fio, round $((k + 1)): $(head -n 3 o)\" > bad; break; }\n"
		"\t\tk=$((k + 1))\n\t\techo $k > k\n\t\techo nvsr-fio-goes-on > /dev/console\n"
		"\tdone\n}\n"
		"counter &\nrounds &\nwait\n[ ! -e bad ] || { cat bad; exit 5; }\necho $(cat n) $(cat k)\n",
		NVSR_CAP_BLOCKS, mark, NVSR_CAP_BLOCK, NVSR_CAP_BLOCK, NVSR_CAP_BLOCK);
}

unsigned nvsr_cap_lost_blocks(const uint8_t *data, const char *mark, unsigned long last)
{
	unsigned lost = 0;

	for (unsigned at = 0; at < NVSR_CAP_BLOCKS && at < last; at++) {
		/* Of the numbers that come to this block the last: number 1 is in block 0. */
		unsigned long i = last - (last - 1 - at) % NVSR_CAP_BLOCKS;
		char line[128];
		size_t len = (size_t)snprintf(line, sizeof(line), "%s %lu\n", mark, i);
		const uint8_t *block = data + (size_t)at * NVSR_CAP_BLOCK;
		bool is = len < sizeof(line);

		for (size_t k = 0; is && k < NVSR_CAP_BLOCK; k++)
			is = block[k] == (uint8_t)line[k % len];
		lost += !is;
	}
	return lost;
}

/* As the host reads it, when no guest runs. */
static int compare(struct nvsr_cap *c, const char *mark, unsigned long last, unsigned *ret, struct nvsr_complaint *complaint)
{
	const struct nvsr_layout_fn *f = &c->host.layout.fn[1];
	_cleanup_free_ char *disk = nvsr_layout_disk(f->bdf, f->nsid, DISK_MS);
	size_t want = (size_t)NVSR_CAP_BLOCKS * NVSR_CAP_BLOCK, have = 0;
	void *data = NULL;
	int rc = 0, fd = disk ? open(disk, O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;

	if (fd < 0)
		rc = disk ? -errno : -ENODEV;
	else if (posix_memalign(&data, NVSR_CAP_BLOCK, want))
		rc = -ENOMEM;
	while (!rc && have < want) {
		ssize_t n = pread(fd, (uint8_t *)data + have, want - have, (off_t)have);

		if (n > 0)
			have += (size_t)n;
		else if (!n || errno != EINTR)
			rc = n ? -errno : -EIO;
	}
	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "the host does not read namespace %u: %s", f->nsid, strerror(-rc));
	else
		*ret = nvsr_cap_lost_blocks(data, mark, last);
	free(data);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* --- the cell ----------------------------------------------------------------------------------------------------------------------- */

/* A function of the device is libvirt's to move, which asks what the guest's devices have against it before it asks where to. */
static void by_libvirt(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	struct nvsr_complaint complaint = { "" };
	int rc = nvsr_vm_migrate(c->host.guests->guest[0].vm, c->host.guests->hypervisor, &complaint);

	if (!rc)
		nvsr_cap_say(r, NVSR_CAP_YES, "moved by libvirt");
	else if (strstr(complaint.text, "same host") || strstr(complaint.text, "auto destroy"))
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "it takes a second host, and a guest that outlives this program: %s", complaint.text);
	else
		nvsr_cap_say(r, NVSR_CAP_NO, "refused: %s", complaint.text);
}

/* How far it came. */
enum step { STEP_BEGIN, STEP_MOVE, STEP_MOVED };

static int move(struct nvsr_cap *c, const char *script, enum step *step, struct nvsr_vm_moved *moved, struct nvsr_vm_answer *a,
		struct nvsr_complaint *complaint)
{
	struct nvsr_guest *g = c->host.guests->guest;
	int rc = nvsr_vm_send(g[0].vm, script);

	rc = rc ? rc : nvsr_cap_await(c, 0, "nvsr-io-goes-on", 1, SCRIPT_S, a, complaint);
	rc = rc ? rc : nvsr_cap_await(c, 0, "nvsr-fio-goes-on", 1, SCRIPT_S, a, complaint);
	rc = rc ? rc : nvsr_cap_boot_waiting(c, complaint);
	if (rc)
		return rc;
	*step = STEP_MOVE;
	rc = nvsr_vm_move(g[0].vm, g[1].vm, nvsr_cap_limit(c, MOVE_S), moved, complaint);
	if (rc)
		return rc;
	*step = STEP_MOVED;
	nvsr_guest_stop(c->host.guests, 0, NULL);
	/* Its console is another one: the first word there may be of what was done before, those that follow are not. */
	rc = nvsr_cap_await(c, 1, "nvsr-io-goes-on", 3, SCRIPT_S, a, complaint);
	rc = rc ? rc : nvsr_cap_await(c, 1, "nvsr-fio-goes-on", 2, SCRIPT_S, a, complaint);
	rc = rc ? rc : nvsr_vm_tell(g[1].vm);
	return rc ? rc : nvsr_cap_await_end(c, 1, SCRIPT_S, a, complaint);
}

static void judge(struct nvsr_cap *c, struct nvsr_cap_result *r, const char *mark, const struct nvsr_vm_moved *moved, const char *said)
{
	struct nvsr_complaint complaint = { "" };
	unsigned long writes = 0, rounds = 0;
	unsigned lost = 0;
	int rc = sscanf(said, "%lu %lu", &writes, &rounds) == 2 && writes ? 0 : -EPROTO;

	if (rc)
		snprintf(complaint.text, sizeof(complaint.text), "the guest says: %.100s", said);
	else
		rc = compare(c, mark, writes, &lost, &complaint);
	if (rc) {
		nvsr_cap_broke(r, "what a guest wrote that was moved", rc, &complaint);
		return;
	}
	nvsr_cap_number(r, "move_s", moved->total_s);
	nvsr_cap_number(r, "down_s", moved->down_s);
	nvsr_cap_number(r, "sent_mib", moved->mib);
	nvsr_cap_number(r, "writes", (double)writes);
	nvsr_cap_number(r, "verified_rounds", (double)rounds);
	nvsr_cap_number(r, "lost_blocks", lost);
	nvsr_cap_say(r, lost ? NVSR_CAP_NO : NVSR_CAP_YES, "moved to a second QEMU on this host while it wrote: %.2f s in all, %.0f MiB in %u rounds, down for %.3f s "
		     "at most; %lu writes counted and read back, %lu rounds of fio verified, before and after; of the last %u blocks the host finds %u lost",
		     moved->total_s, moved->mib, moved->rounds, moved->down_s, writes, rounds, NVSR_CAP_BLOCKS, lost);
}

void nvsr_cap_migration(struct nvsr_cap *c, struct nvsr_cap_result *r)
{
	_cleanup_free_ char *mark = nvsr_asprintf("moved %016" PRIx64, c->host.guests->run + c->host.guests->booted);
	struct nvsr_text t __attribute__((cleanup(nvsr_text_free))) = { 0 };
	_cleanup_free_ char *script = mark ? move_script(mark) : NULL;
	struct nvsr_complaint complaint = { "" };
	struct nvsr_vm_moved moved = { 0 };
	struct nvsr_vm_answer a = { 0 };
	enum step step = STEP_BEGIN;
	int rc;

	if (!c->way->disk) {
		by_libvirt(c, r);
		return;
	}
	if (c->host.layout.fn[1].bytes < BYTES) {
		nvsr_cap_say(r, NVSR_CAP_UNTESTED, "needs a namespace of %u MiB, and has %" PRIu64 " bytes", BYTES >> 20, c->host.layout.fn[1].bytes);
		return;
	}
	nvsr_cap_put_disk(&t, c, 0);
	nvsr_text_add(&t, "%s", script ? script : "");
	rc = script && !t.failed ? move(c, t.s, &step, &moved, &a, &complaint) : -ENOMEM;
	/* Nobody may write while the host compares, and the next check wants a guest of its own. */
	nvsr_cap_stop(c, 0);
	if (a.text && step != STEP_MOVED)
		snprintf(complaint.text, sizeof(complaint.text), "the guest ended its I/O before it was moved: %.200s", a.text);
	if (nvsr_stop)
		nvsr_cap_broke(r, "live migration", -EINTR, &complaint);
	else if (a.text && !a.code && step == STEP_MOVED)
		judge(c, r, mark, &moved, a.text);
	else if (a.text && step == STEP_MOVED)
		nvsr_cap_say(r, NVSR_CAP_NO, "moved in %.2f s, and then the guest says: %.200s", moved.total_s, a.text);
	else if (step == STEP_MOVED)
		nvsr_cap_say(r, NVSR_CAP_NO, "moved in %.2f s, and then the guest's I/O does not go on: %s", moved.total_s,
			     complaint.text[0] ? complaint.text : nvsr_rc_text(rc));
	else if (step == STEP_MOVE && rc == -EPERM)
		nvsr_cap_say(r, NVSR_CAP_NO, "refused: %s", complaint.text);
	else
		nvsr_cap_broke(r, "live migration", rc < 0 ? rc : -EIO, &complaint);
	free(a.text);
}
