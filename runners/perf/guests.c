// SPDX-License-Identifier: GPL-2.0-or-later
/* Loads in guests: what each path gives a guest, the proof that it is the right namespace, fio in all guests at once. */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>

#include "runners/perf/export.h"
#include "runners/perf/guests.h"

#define BOOT_S 60
#define SCRIPT_S 60
#define MEMORY_MIB 512u
#define QEMU_MIB 128u			/* its own, beside the guest's */
#define STARTED_IOS 16
#define BARRIER_MS 1000			/* fio's time to start */
#define QBOOT "/usr/share/qemu/qboot.rom"	/* saves a second of the BIOS's time */
/* Without interrupt remapping, which would need QEMU's own interrupt controllers: nobody is to be protected in this guest. */
#define IOMMU_CMDLINE " intel_iommu=on iommu.strict=0"
#define GUEST_ENGINE "/lib/nvsr-fio.so"
#define CMDLINE "console=ttyS0 panic=-1 quiet nvme_core.multipath=N"
#define MARK "\n=== stderr\n"

bool nvsr_guests_way(const struct nvsr_data_path *p)
{
	return nvsr_way_of(p) != NULL;
}

/* --- what all of them take ------------------------------------------------------------------------------------------------------ */

/* Where `make guest` puts it: beside this program. */
static void find_guest(const struct nvsr_stage_options *o, char *ret, size_t len)
{
	char exe[PATH_MAX] = "", *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (o->guest || n <= 0 || !(slash = strrchr(exe, '/'))) {
		const char *given = o->guest ? o->guest : "build/guest";
		_cleanup_free_ char *real = realpath(given, NULL);

		snprintf(ret, len, "%s", real ? real : given);
		return;
	}
	*slash = '\0';
	snprintf(ret, len, "%.*s/build/guest", (int)len - 16, exe);
	if (access(ret, F_OK))
		snprintf(ret, len, "%.*s/../lib/nvsr-conform/guest", (int)len - 32, exe);
}

static char *prepare(struct nvsr_host *h, struct nvsr_guests *g)
{
	struct nvsr_complaint complaint = { "" };
	char folder[PATH_MAX - 16];
	int rc;

	if (!h->o.target->inv.sriov.pos || !h->o.target->inv.sriov.total_vfs)
		return strdup("needs VFs, and the device has none");
	find_guest(&h->o, folder, sizeof(folder));
	snprintf(g->kernel, sizeof(g->kernel), "%s/vmlinuz", folder);
	snprintf(g->initrd, sizeof(g->initrd), "%s/fio.initrd", folder);
	snprintf(g->db_initrd, sizeof(g->db_initrd), "%s/db.initrd", folder);
	if (access(g->kernel, R_OK) || access(g->initrd, R_OK))
		return nvsr_asprintf("needs what guests boot from, and %s is not there: make guest", access(g->kernel, R_OK) ? g->kernel : g->initrd);
	if (nvsr_hypervisor_open(h->o.connect, &g->hypervisor, &complaint))
		return nvsr_asprintf("needs %s", complaint.text);
	nvsr_perf_tidy();
	rc = nvsr_tmp_make(NVSR_TMP_VM, g->folder);
	/* QEMU may be another user's. */
	if (!rc && chmod(g->folder, 0711))
		rc = -errno;
	if (rc)
		return nvsr_asprintf("needs a folder for sockets in TMPDIR or /tmp: %s", strerror(-rc));
	if (!strcmp(nvsr_hypervisor_type(g->hypervisor), "qemu"))
		nvsr_say("NOTE: no KVM here: guests run by SOFTWARE EMULATION (TCG); their numbers say nothing about virtual machines");
	return NULL;
}

static struct nvsr_guests *guests(struct nvsr_host *h)
{
	struct nvsr_guests *g = h->guests;

	if (g)
		return g;
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	for (unsigned i = 0; i < NVSR_VMS_MAX; i++)
		g->guest[i].back_end = (struct nvsr_fio_run){ .pid = -1, .out = -1, .err = -1 };
	g->run = nvsr_now_ns();
	h->guests = g;
	g->broken = prepare(h, g);
	return g;
}

char *nvsr_guests_lack(struct nvsr_host *h, const struct nvsr_data_path *p)
{
	const struct nvsr_way *way = nvsr_way_of(p);
	struct nvsr_guests *g = way ? guests(h) : NULL;
	const char *lacks = NULL;

	if (!way)
		return strdup("is not done on a host by this version");
	if (!g)
		return strdup("no memory");
	if (g->broken)
		return strdup(g->broken);
	for (unsigned i = 0; !lacks && i < NVSR_ARRAY_SIZE(way->lacks) && way->lacks[i]; i++)
		lacks = way->lacks[i](h);
	return lacks ? strdup(lacks) : NULL;
}

const char *nvsr_guests_lack_database(struct nvsr_host *h)
{
	struct nvsr_guests *g = guests(h);

	if (!g)
		return "no memory";
	if (g->broken || !access(g->db_initrd, R_OK))
		return g->broken;
	snprintf(g->db_lacks, sizeof(g->db_lacks), "needs what guests with RocksDB boot from, and %s is not there: make guest-db", g->db_initrd);
	return g->db_lacks;
}

bool nvsr_guests_tcg(struct nvsr_host *h)
{
	return h->guests && h->guests->hypervisor && !strcmp(nvsr_hypervisor_type(h->guests->hypervisor), "qemu");
}

/* --- starting and ending ---------------------------------------------------------------------------------------------------------- */

void nvsr_guest_stop(struct nvsr_guests *all, unsigned i, const char *evidence)
{
	struct nvsr_guest *g = &all->guest[i];
	_cleanup_free_ char *console = nvsr_asprintf("%s/console%u", all->folder, i + 1), *socket = nvsr_asprintf("%s/disk%u", all->folder, i + 1);
	_cleanup_free_ char *kept = evidence ? nvsr_asprintf("%s/vm%u.console", evidence, i + 1) : NULL, *text = NULL;
	size_t len;

	nvsr_vm_stop(g->vm);
	g->vm = NULL;
	nvsr_fio_close(&g->back_end);
	if (kept && console && !nvsr_read_file(console, 16u << 20, &text, &len))
		nvsr_write_file(kept, text, len);
	if (console)
		unlink(console);
	if (socket)
		unlink(socket);
	if (g->exported)
		nvsr_export_undo(getpid(), i + 1);
	free(g->fabric);
	free(g->disk);
	free(g->answer.text);
	*g = (struct nvsr_guest){ .back_end = g->back_end };
}

void nvsr_guests_drop(struct nvsr_host *h, const char *evidence)
{
	struct nvsr_guests *g = h->guests;

	for (unsigned i = 0; g && i < g->vms; i++)
		nvsr_guest_stop(g, i, evidence);
	if (g) {
		g->vms = g->half = 0;
		g->synchronized = false;
		g->path = NULL;
		free(g->dead);
		g->dead = NULL;
	}
}

void nvsr_guests_close(struct nvsr_host *h)
{
	struct nvsr_guests *g = h->guests;

	if (!g)
		return;
	nvsr_guests_drop(h, NULL);
	nvsr_hypervisor_close(g->hypervisor);
	if (g->folder[0])
		nvsr_tmp_remove(g->folder);
	free(g->broken);
	free(g->note);
	free(g);
	h->guests = NULL;
}

static double scale(const struct nvsr_host *h)
{
	return h->o.target->session.timeout_scale > 0 ? h->o.target->session.timeout_scale : 1;
}

void nvsr_gift_free(struct nvsr_gift *g)
{
	nvsr_text_free(&g->xml);
	nvsr_lines_free(g->args);
}

static unsigned memory_mib(const struct nvsr_host *h)
{
	return MEMORY_MIB + (h->guests->database ? nvsr_database_memory_mib(h->bytes) : 0);
}

static int boot(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_complaint *complaint)
{
	const struct nvsr_placement *p = h->o.placement;
	struct nvsr_guests *all = h->guests;
	_cleanup_free_ char *name = nvsr_asprintf("nvsr-%d-%u", (int)getpid(), ++all->booted);
	_cleanup_free_ char *socket = nvsr_asprintf("%s/job%u", all->folder, i + 1), *console = nvsr_asprintf("%s/console%u", all->folder, i + 1);
	struct nvsr_gift gift __attribute__((cleanup(nvsr_gift_free))) = { .args = NULL };
	_cleanup_free_ int *cpu = calloc(all->jobs, sizeof(*cpu));
	struct nvsr_vm_options o = {
		.name = name, .memory_mib = memory_mib(h), .vcpus = all->jobs, .iothreads = way->disk && !way->back_end, .cpu = cpu,
		.cpus = all->jobs, .io_cpu = p->back_end.cpu, .io_cpus = p->back_end.n, .firmware = way->polled || access(QBOOT, R_OK) ? NULL : QBOOT,
		.kernel = all->kernel, .initrd = all->database ? all->db_initrd : all->initrd,
		.cmdline = way->polled ? CMDLINE IOMMU_CMDLINE : CMDLINE, .iommu = way->polled, .shared_memory = way->back_end, .socket = socket,
		.console = console, .boot_s = (unsigned)(BOOT_S * scale(h)),
	};
	int rc = name && socket && console && cpu ? way->give(h, way, i, &gift, complaint) : -ENOMEM;

	if (!rc && gift.xml.failed)
		rc = -ENOMEM;
	if (rc)
		return rc;
	for (unsigned v = 0; v < all->jobs; v++)
		cpu[v] = p->guest.cpu[(i * all->jobs + v) % p->guest.n];
	o.devices = gift.xml.s;
	o.qemu_args = (const char *const *)gift.args;
	return nvsr_vm_start(all->hypervisor, &o, &all->guest[i].vm, complaint);
}

static int boot_all(struct nvsr_host *h, const struct nvsr_way *way, unsigned vms, struct nvsr_complaint *complaint)
{
	/* A host that gives more than it has ends processes, and not always those that took it. */
	int rc = nvsr_memory_suffices(vms * nvsr_together_devices(), memory_mib(h) + QEMU_MIB, nvsr_memory_available_mib(), complaint);

	for (unsigned i = 0; !rc && i < vms; i++) {
		h->guests->vms = i + 1;
		rc = boot(h, way, i, complaint);
	}
	return rc;
}

/* --- scripts ---------------------------------------------------------------------------------------------------------------------------- */

/* Finds the disk and says its name to fio. */
static void put_disk(struct nvsr_text *t, const struct nvsr_host *h, const struct nvsr_way *way, unsigned i)
{
	if (way->disk) {
		nvsr_text_add(t, "n=0\nwhile [ ! -b %s ] && [ $n -lt 200 ]; do n=$((n + 1)); sleep 0.1; done\n"
			      "[ -b %s ] || { echo 'no disk'; exit 3; }\nexport NVSR_DISK=%s\n", way->disk, way->disk, way->disk);
		return;
	}
	nvsr_text_add(t, "n=0 NVSR_DISK=\n"
		      "while [ -z \"$NVSR_DISK\" ] && [ $n -lt 200 ]; do\n"
		      "\tfor d in /sys/block/nvme*n*; do\n"
		      "\t\t[ \"$(cat $d/nsid 2> /dev/null)\" != %u ] || NVSR_DISK=/dev/${d##*/}\n"
		      "\tdone\n"
		      "\t[ -n \"$NVSR_DISK\" ] || { n=$((n + 1)); sleep 0.1; }\n"
		      "done\n"
		      "[ -n \"$NVSR_DISK\" ] || { echo \"no namespace %u\"; exit 3; }\n"
		      "export NVSR_DISK\n", h->layout.fn[i + 1].nsid, h->layout.fn[i + 1].nsid);
}

/* Takes the function that was given to the guest from the guest's driver. */
static void put_function(struct nvsr_text *t)
{
	nvsr_text_add(t, "for c in /sys/bus/pci/devices/*/class; do\n"
		      "\t[ $(cat $c) != 0x010802 ] || d=${c%%/class}\n"
		      "done\n"
		      "[ -n \"$d\" ] || { echo 'no NVMe function'; exit 3; }\n"
		      "export NVSR_FUNCTION=${d##*/}\n"
		      "if [ ! -e /sys/bus/pci/drivers/vfio-pci/$NVSR_FUNCTION ]; then\n"
		      "\tmodprobe vfio_iommu_type1 allow_unsafe_interrupts=1 && modprobe vfio-pci || exit 3\n"
		      "\techo vfio-pci > $d/driver_override\n"
		      "\t[ ! -e $d/driver ] || echo $NVSR_FUNCTION > $d/driver/unbind\n"
		      "\techo $NVSR_FUNCTION > /sys/bus/pci/drivers_probe\n"
		      "fi\n");
}

/* What is ours to say of a disk that somebody else made. */
#define OTHER_DISK "behind the socket is another disk than this device's: it reads back what is written, and no more is known of it"

/* Whether a disk whose contents nobody else can look at has what is written to it: never zeros, and not from memory. */
static void put_read_back(struct nvsr_text *t)
{
	nvsr_text_add(t, "dd if=/dev/urandom of=new bs=%u count=1 2> err && dd if=new of=$NVSR_DISK bs=%u seek=2 conv=notrunc,fsync 2> err && "
		      "echo 3 > /proc/sys/vm/drop_caches && dd if=$NVSR_DISK of=again bs=%u skip=2 count=1 2> err || { cat err; exit 5; }\n"
		      "cmp -s new again || { echo 'it does not read back what it wrote'; exit 6; }\n",
		      NVSR_PATTERN_BYTES, NVSR_PATTERN_BYTES, NVSR_PATTERN_BYTES);
}

/* Part 0 to the host, and a copy of it into part 1. */
static int prove_one(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_complaint *complaint)
{
	struct nvsr_text t __attribute__((cleanup(nvsr_text_free))) = { 0 };
	_cleanup_free_ uint8_t *expected = malloc(NVSR_PATTERN_BYTES);
	struct nvsr_vm_answer a = { 0 };
	int rc;

	put_disk(&t, h, way, i);
	nvsr_text_add(&t, "[ $(($(cat /sys/block/${NVSR_DISK##*/}/size) / 2048)) -ge %llu ] || { echo 'it has less than %llu MiB'; exit 3; }\n",
		      (unsigned long long)(h->bytes >> 20), (unsigned long long)(h->bytes >> 20));
	if (way->foreign)
		put_read_back(&t);
	nvsr_text_add(&t, "dd if=$NVSR_DISK of=begin bs=%u count=1 2> err || { cat err; exit 4; }\n"
		      "dd if=begin of=$NVSR_DISK bs=%u seek=1 conv=notrunc,fsync 2> err || { cat err; exit 5; }\n"
		      "cat begin\n", NVSR_PATTERN_BYTES, NVSR_PATTERN_BYTES);
	if (t.failed || !expected)
		return -ENOMEM;
	rc = nvsr_vm_run(h->guests->guest[i].vm, t.s, (unsigned)(SCRIPT_S * scale(h)), &a, complaint);
	if (rc)
		return rc;
	nvsr_layout_pattern(h->guests->run, h->layout.fn[i + 1].nsid, 0, expected);
	if (a.code) {
		_cleanup_free_ char *clean = nvsr_clean_text(a.text, NVSR_MIN(a.len, (size_t)200));

		snprintf(complaint->text, sizeof(complaint->text), "guest %u does not reach its disk: %s", i + 1, clean ? clean : "");
		rc = a.code == 6 ? -EBADMSG : -EIO;
	} else if (way->foreign && a.len == NVSR_PATTERN_BYTES && memcmp(a.text, expected, a.len) != 0) {
		if (!h->guests->note)
			h->guests->note = strdup(OTHER_DISK);
	} else if (a.len != NVSR_PATTERN_BYTES || memcmp(a.text, expected, a.len) != 0) {
		snprintf(complaint->text, sizeof(complaint->text), "guest %u does not read what was written to namespace %u through the PF: it has "
			 "another one, or the path returns wrong data", i + 1, h->layout.fn[i + 1].nsid);
		rc = -EBADMSG;
	}
	free(a.text);
	return rc;
}

/* An image has them somewhere near its begin, in clusters of this size. */
#define IMAGE_PARTS 16u

/*
 * Both parts through the PF: written before, or read and compared after.  An image is written through the VF; what was in it and what
 * the guest wrote are found by the PF.
 */
static int both_parts(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, bool write, struct nvsr_complaint *complaint)
{
	unsigned parts = way->image ? IMAGE_PARTS : 2, found = 0;
	_cleanup_free_ uint8_t *data = malloc(parts * NVSR_PATTERN_BYTES), *expected = malloc(NVSR_PATTERN_BYTES);
	uint32_t nsid = h->layout.fn[i + 1].nsid;
	int rc = data && expected ? nvsr_layout_bind(h->layout.fn[i + 1].bdf, "nvme") : -ENOMEM;

	if (rc || (write && way->image))
		return rc;
	nvsr_layout_pattern(h->guests->run, nsid, 0, data);
	nvsr_layout_pattern(h->guests->run, nsid, 1, data + NVSR_PATTERN_BYTES);
	rc = nvsr_layout_through_pf(&h->layout, i + 1, write, data, parts, complaint);
	if (rc || write)
		return rc;
	nvsr_layout_pattern(h->guests->run, nsid, 0, expected);
	for (unsigned part = 0; part < parts; part++)
		found += !memcmp(data + (size_t)part * NVSR_PATTERN_BYTES, expected, NVSR_PATTERN_BYTES);
	if (found == 2)
		return 0;
	snprintf(complaint->text, sizeof(complaint->text), "what guest %u wrote is not what the PF reads from namespace %u", i + 1, nsid);
	return -EBADMSG;
}

/*
 * That each guest has its own namespace: a pattern that was written through the PF is read in the guest, and what the guest writes is
 * read through the PF.  A private namespace has one controller at a time: guests end in between.
 */
static int prove(struct nvsr_host *h, const struct nvsr_way *way, unsigned from, unsigned vms, struct nvsr_complaint *complaint)
{
	int rc = 0;

	for (unsigned i = from; !rc && i < vms; i++)
		rc = both_parts(h, way, i, true, complaint);
	if (!rc)
		rc = boot_all(h, way, vms, complaint);
	for (unsigned i = from; !rc && i < vms; i++)
		rc = prove_one(h, way, i, complaint);
	return rc;
}

static int read_back(struct nvsr_host *h, const struct nvsr_data_path *path, unsigned vms, struct nvsr_complaint *complaint)
{
	struct nvsr_guests *g = h->guests;
	size_t p = (size_t)(path - nvsr_data_paths);
	int rc = 0;

	nvsr_guests_drop(h, NULL);
	for (unsigned i = g->proven[p]; !rc && i < vms && !(nvsr_way_of(path)->foreign && g->note); i++)
		rc = both_parts(h, nvsr_way_of(path), i, false, complaint);
	if (!rc)
		g->proven[p] = NVSR_MAX(g->proven[p], vms);
	return rc;
}

int nvsr_guests_ready(struct nvsr_host *h, const struct nvsr_job *j, struct nvsr_complaint *complaint)
{
	const struct nvsr_cell *c = j->cell;
	bool database = nvsr_pattern_is_database(c->pattern) && !j->verify_bytes;
	struct nvsr_guests *g = h->guests;
	const struct nvsr_way *way = nvsr_way_of(c->path);
	size_t p = (size_t)(c->path - nvsr_data_paths);
	/* Threads of a database share queues: more processors than the host has for it would only wait for each other. */
	unsigned jobs = database ? NVSR_MIN(c->jobs, h->o.placement->guest.n) : c->jobs;
	int rc = 0;

	if (g->path == c->path && g->vms == c->vms && g->jobs == jobs && g->database == database && !g->dead)
		return 0;
	nvsr_guests_drop(h, NULL);
	if (database && h->bytes < NVSR_DATABASE_LEAST) {
		snprintf(complaint->text, sizeof(complaint->text), "a database takes a namespace of %llu MiB, and the smallest here has %llu",
			 NVSR_DATABASE_LEAST >> 20, (unsigned long long)(h->bytes >> 20));
		return -ENOSPC;
	}
	g->jobs = jobs;
	g->database = database;
	if (g->proven[p] < c->vms) {
		rc = prove(h, way, g->proven[p], c->vms, complaint);
		/* A verification leaves the begin alone: no need to boot again for it. */
		if (!rc && j->verify_bytes) {
			g->half = c->vms;
			g->path = c->path;
			return 0;
		}
		if (!rc)
			rc = read_back(h, c->path, c->vms, complaint);
	}
	if (!rc)
		rc = boot_all(h, way, c->vms, complaint);
	if (!rc)
		g->path = c->path;
	return rc;
}

/* --- a load --------------------------------------------------------------------------------------------------------------------------------- */

/* wait.sh, which ends at the moment at which all loads begin, by this guest's clock. */
static void put_barrier(struct nvsr_text *t, const struct nvsr_host *h, unsigned i)
{
	nvsr_text_add(t, "cat > wait.sh << 'END_OF_WAIT'\n"
		      "while read -r up idle < /proc/uptime && [ \"${up%%.*}${up#*.}\" -lt %llu ]; do usleep 2000; done\nEND_OF_WAIT\n",
		      (unsigned long long)((h->guests->barrier - h->guests->guest[i].clock) / (10 * NVSR_MS)));
}

static int send_job(struct nvsr_host *h, const struct nvsr_job *j, const struct nvsr_way *way, unsigned i)
{
	struct nvsr_text t __attribute__((cleanup(nvsr_text_free))) = { 0 };
	struct nvsr_job mine = *j;
	_cleanup_free_ char *text = NULL;

	mine.vm = i + 1;
	mine.seed = j->seed + i;
	if (way->polled) {
		mine.engine = GUEST_ENGINE;
		mine.device = "${NVSR_FUNCTION}";
		mine.nsid = h->layout.fn[i + 1].nsid;
		put_function(&t);
	} else {
		put_disk(&t, h, way, i);
	}
	if (h->guests->waits) {
		mine.prerun = "sh wait.sh";
		put_barrier(&t, h, i);
	}
	text = nvsr_job_text(&mine);
	nvsr_text_add(&t, "cat > job.fio << 'END_OF_JOB'\n%s\nEND_OF_JOB\n"
		      "fio --output-format=json --eta=never job.fio > out 2> err\n"
		      "code=$?\ncat out\nprintf '" "\\n=== stderr\\n" "'\ncat err\nexit $code\n", text ? text : "");
	return t.failed || !text ? -ENOMEM : nvsr_vm_send(h->guests->guest[i].vm, t.s);
}

/* "prepare" or "run" of a database's script; when it ran, by the guest's clock, is the last line of what it printed. */
#define RAN "\nran from "
static int send_database(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, const char *script, const char *part)
{
	struct nvsr_text t __attribute__((cleanup(nvsr_text_free))) = { 0 };
	bool waits = h->guests->waits && !strcmp(part, "run");

	put_disk(&t, h, way, i);
	if (waits)
		put_barrier(&t, h, i);
	nvsr_text_add(&t, "cat > job.sh << 'END_OF_JOB'\n%s\nEND_OF_JOB\n%sread -r begin idle < /proc/uptime\nsh job.sh %s > out 2> err\ncode=$?\n"
		      "read -r end idle < /proc/uptime\ncat out\nprintf '" "\\nran from %%s to %%s\\n" "' \"$begin\" \"$end\"\n"
		      "printf '" "\\n=== stderr\\n" "'\ntr '\\r' '\\n' < err | grep -v '^\\.\\.\\. finished' | tail -c 2000\nexit $code\n", script,
		      waits ? "sh wait.sh\n" : "", part);
	return t.failed ? -ENOMEM : nvsr_vm_send(h->guests->guest[i].vm, t.s);
}

static void forget_answers(struct nvsr_guests *g)
{
	for (unsigned i = 0; i < g->vms; i++) {
		free(g->guest[i].answer.text);
		g->guest[i].answer = (struct nvsr_vm_answer){ 0 };
		g->guest[i].ended = false;
	}
}

/* What guests' clocks say, by asking each: the answer is from between question and receipt. */
static int synchronize(struct nvsr_host *h, struct nvsr_complaint *complaint)
{
	struct nvsr_guests *g = h->guests;
	int rc = 0;

	for (unsigned i = 0; !rc && !g->synchronized && i < g->vms; i++) {
		struct nvsr_vm_answer a = { 0 };
		uint64_t asked = nvsr_now_ns();
		double uptime = 0;

		rc = nvsr_vm_run(g->guest[i].vm, "cat /proc/uptime\n", (unsigned)(SCRIPT_S * scale(h)), &a, complaint);
		if (!rc && (!a.text || sscanf(a.text, "%lf", &uptime) != 1 || !(uptime > 0 && uptime < 1e9))) {
			snprintf(complaint->text, sizeof(complaint->text), "guest %u does not say what its clock is", i + 1);
			rc = -EPROTO;
		}
		g->guest[i].clock = asked / 2 + nvsr_now_ns() / 2 - (uint64_t)(uptime * NVSR_S);
		free(a.text);
	}
	g->synchronized = !rc;
	return rc;
}

static int send_all(struct nvsr_host *h, const struct nvsr_job *j, const char *script, const char *part, struct nvsr_complaint *complaint)
{
	struct nvsr_guests *g = h->guests;
	int rc = 0;

	forget_answers(g);
	for (unsigned i = 0; !rc && i < g->vms; i++) {
		g->guest[i].began_at = nvsr_now_ns();
		rc = part ? send_database(h, nvsr_way_of(h->path), i, script, part) : send_job(h, j, nvsr_way_of(h->path), i);
		if (rc)
			snprintf(complaint->text, sizeof(complaint->text), "guest %u does not take its job: %s", i + 1, strerror(-rc));
	}
	return rc;
}

/* All databases are ready before the first begins to work. */
static int prepare_databases(struct nvsr_host *h, const struct nvsr_job *j, const char *script, struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + nvsr_database_limit_ns(j->namespace_bytes);
	struct nvsr_guests *g = h->guests;
	int rc = send_all(h, j, script, "prepare", complaint);

	while (!rc && !nvsr_guests_ended(h) && !g->dead && !nvsr_stop && nvsr_now_ns() < until)
		nvsr_sleep_ns(10 * NVSR_MS, &nvsr_stop);
	if (rc)
		return rc;
	if (nvsr_stop)
		return -EINTR;
	if (g->dead) {
		snprintf(complaint->text, sizeof(complaint->text), "%s", g->dead);
		return -EIO;
	}
	for (unsigned i = 0; i < g->vms; i++) {
		char *said = g->guest[i].answer.text, *mark = said ? strstr(said, MARK) : NULL;
		_cleanup_free_ char *why = nvsr_database_judge("", g->guest[i].answer.code << 8, mark ? mark + strlen(MARK) : said);

		if (g->guest[i].ended && !why)
			continue;
		snprintf(complaint->text, sizeof(complaint->text), "guest %u %s%s%s", i + 1, g->guest[i].ended ?
			 "cannot make its database" : "was not done with its database in time", why ? ": " : "", why ? why : "");
		return -EIO;
	}
	return 0;
}

int nvsr_guests_start(struct nvsr_host *h, const struct nvsr_job *j, const char *script, struct nvsr_complaint *complaint)
{
	struct nvsr_guests *g = h->guests;
	int rc = g->database ? prepare_databases(h, j, script, complaint) : 0;

	g->waits = g->vms * nvsr_together_devices() > 1 && !j->verify_bytes;
	if (!rc && g->waits)
		rc = synchronize(h, complaint);
	if (!rc)
		rc = nvsr_together_wait();
	if (rc) {
		g->path = NULL;
		return rc;
	}
	g->ios = g->guest[0].disk ? nvsr_disk_ios(g->guest[0].disk) : 0;
	g->barrier = nvsr_now_ns() + (uint64_t)(BARRIER_MS * scale(h)) * NVSR_MS;
	rc = send_all(h, j, script, g->database ? "run" : NULL, complaint);
	/* Of a database all is sampled, from its begin on. */
	if (!rc && g->database && g->waits && nvsr_now_ns() < g->barrier)
		nvsr_sleep_ns(g->barrier - nvsr_now_ns(), &nvsr_stop);
	return rc;
}

/* When the load of a guest was, ns of the host's clock: how long it is, is known but for "bulkload". */
static void put_span(const struct nvsr_guest *g, const struct nvsr_job *j, bool database, uint64_t *begin, uint64_t *end)
{
	const char *ran = database && g->answer.text ? strstr(g->answer.text, RAN) : NULL;
	uint64_t length = database ? nvsr_database_seconds(j->run_ms) * NVSR_S : j->run_ms * NVSR_MS;
	double from, to;

	*begin = g->began_at;
	*end = g->ended_at;
	if (ran && sscanf(ran + strlen(RAN), "%lf to %lf", &from, &to) == 2 && from >= 0 && to >= from && to < 1e9) {
		*begin = g->clock + (uint64_t)(from * NVSR_S);
		*end = g->clock + (uint64_t)(to * NVSR_S);
	}
	if (j->cell->pattern != NVSR_PATTERN_BULKLOAD)
		*begin = *end - length;
}

double nvsr_guests_overlap(struct nvsr_host *h, const struct nvsr_job *j)
{
	struct nvsr_guests *g = h->guests;
	uint64_t begin[NVSR_VMS_MAX], end[NVSR_VMS_MAX];

	for (unsigned i = 0; i < g->vms; i++)
		put_span(&g->guest[i], j, g->database, &begin[i], &end[i]);
	return nvsr_overlap_of(begin, end, g->vms);
}

/* What the host's driver does is seen; what the guest's own driver does is not. */
int nvsr_guests_begun(struct nvsr_host *h)
{
	const char *disk = h->guests->guest[0].disk;

	return disk ? nvsr_disk_ios(disk) >= h->guests->ios + STARTED_IOS : -ENOTSUP;
}

bool nvsr_guests_ended(struct nvsr_host *h)
{
	struct nvsr_guests *g = h->guests;
	unsigned ended = 0;

	for (unsigned i = 0; i < g->vms; i++) {
		struct nvsr_complaint complaint = { "" };
		int rc = g->guest[i].ended || g->dead ? 0 : nvsr_vm_poll(g->guest[i].vm, &g->guest[i].answer, &complaint);

		if (rc < 0)
			g->dead = nvsr_asprintf("VM %u: %s", i + 1, complaint.text);
		if (rc > 0)
			g->guest[i].ended_at = nvsr_now_ns();
		g->guest[i].ended |= rc > 0;
		ended += g->guest[i].ended;
	}
	return ended == g->vms;
}

char *nvsr_guests_dead(struct nvsr_host *h)
{
	struct nvsr_guests *g = h->guests;
	char *dead = g->dead;
	int status;

	g->dead = NULL;
	if (dead)
		g->path = NULL;		/* not for the next load */
	for (unsigned i = 0; !dead && i < g->vms; i++)
		if (g->guest[i].back_end.pid > 0 && nvsr_fio_ended(&g->guest[i].back_end, &status))
			dead = nvsr_asprintf("the back end of guest %u ended", i + 1);
	return dead;
}

/* Jobs of all guests as if one fio had had them. */
static char *join(const struct nvsr_guests *g, size_t *ret_len)
{
	json_t *all = NULL;
	char *text;

	for (unsigned i = 0; i < g->vms; i++) {
		const char *from = g->guest[i].answer.text ? strchr(g->guest[i].answer.text, '{') : NULL;
		json_t *o = from ? json_loads(from, JSON_DISABLE_EOF_CHECK, NULL) : NULL;

		if (!o) {	/* what is no JSON is judged as it is */
			json_decref(all);
			*ret_len = g->guest[i].answer.len;
			return g->guest[i].answer.text ? strdup(g->guest[i].answer.text) : strdup("");
		}
		if (!all) {
			all = o;
			continue;
		}
		json_array_extend(json_object_get(all, "jobs"), json_object_get(o, "jobs"));
		json_decref(o);
	}
	text = json_dumps(all, JSON_INDENT(2));
	json_decref(all);
	*ret_len = text ? strlen(text) : 0;
	return text;
}

/* What databases said, a section for each guest. */
static char *join_texts(const struct nvsr_guests *g, size_t *ret_len)
{
	struct nvsr_text t = { 0 };

	for (unsigned i = 0; i < g->vms; i++)
		nvsr_text_add(&t, "=== vm %u\n%s\n", i + 1, g->guest[i].answer.text ? g->guest[i].answer.text : "");
	if (t.failed)
		nvsr_text_free(&t);
	*ret_len = t.s ? strlen(t.s) : 0;
	return t.s;
}

void nvsr_guests_finish(struct nvsr_host *h, struct nvsr_said *ret)
{
	struct nvsr_guests *g = h->guests;
	bool all = nvsr_guests_ended(h);

	*ret = (struct nvsr_said){ 0 };
	for (unsigned i = 0; i < g->vms; i++) {
		char *text = g->guest[i].answer.text, *mark = text ? strstr(text, MARK) : NULL;

		/* Of several, the words of that which failed. */
		bool failed = g->guest[i].answer.code && !ret->status;

		if (failed)
			ret->status = g->guest[i].answer.code << 8;
		if (mark) {
			if ((failed || !ret->err) && mark[strlen(MARK)]) {
				free(ret->err);
				ret->err = failed && g->vms > 1 ? nvsr_asprintf("VM %u: %s", i + 1, mark + strlen(MARK)) : strdup(mark + strlen(MARK));
			}
			*mark = '\0';
			g->guest[i].answer.len = (size_t)(mark - text);
		}
	}
	ret->json = g->database ? join_texts(g, &ret->json_len) : join(g, &ret->json_len);
	if (!ret->err)
		ret->err = strdup("");
	ret->err_len = ret->err ? strlen(ret->err) : 0;
	if (!all)
		g->path = NULL;		/* fio may still run there: not for the next load */
	if (g->half && all && !nvsr_stop) {
		struct nvsr_complaint complaint = { "" };
		int rc = read_back(h, h->path, g->half, &complaint);

		ret->corrupt = rc == -EBADMSG;
		g->dead = rc ? strdup(complaint.text[0] ? complaint.text : strerror(abs(rc))) : NULL;
	}
	if (nvsr_way_of(h->path)->foreign && g->note)
		ret->note = strdup(g->note);
	g->half = 0;
}

/* Of the host's driver, "nvme3q" for nvme3n1, or those that VFIO hands to the guest. */
static uint64_t interrupts(const struct nvsr_guest *g, const char *bdf)
{
	const char *name = g->disk ? g->disk + strlen("/dev/") : bdf;
	char line[64];

	if (g->disk)
		snprintf(line, sizeof(line), "nvme%.*sq", (int)strspn(name + 4, "0123456789"), name + 4);
	else
		snprintf(line, sizeof(line), "(%s)", bdf);
	return nvsr_interrupts_of(line);
}

void nvsr_guests_sample(struct nvsr_host *h, struct nvsr_sample *ret)
{
	struct nvsr_guests *g = h->guests;
	pid_t vm[NVSR_VMS_MAX], back[NVSR_VMS_MAX];
	const pid_t *const pid[NVSR_ROLES] = { [NVSR_ROLE_GUEST] = vm, [NVSR_ROLE_BACK_END] = back };
	unsigned n[NVSR_ROLES] = { 0 };

	for (unsigned i = 0; i < g->vms; i++) {
		if (nvsr_vm_pid(g->guest[i].vm) > 0)
			vm[n[NVSR_ROLE_GUEST]++] = nvsr_vm_pid(g->guest[i].vm);
		if (g->guest[i].back_end.pid > 0)
			back[n[NVSR_ROLE_BACK_END]++] = g->guest[i].back_end.pid;
		else if (g->guest[i].other_back_end > 0 && !(i && g->guest[i - 1].other_back_end == g->guest[i].other_back_end))
			back[n[NVSR_ROLE_BACK_END]++] = g->guest[i].other_back_end;	/* one may have all disks */
	}
	nvsr_sample_take(pid, n, ret);
	for (unsigned i = 0; i < g->vms; i++)
		ret->device.interrupts += interrupts(&g->guest[i], h->layout.fn[i + 1].bdf);
}

unsigned nvsr_guests_roles(struct nvsr_host *h)
{
	const struct nvsr_way *way = nvsr_way_of(h->path);

	return 1u << NVSR_ROLE_GUEST | (way->back_end && (!way->foreign || h->guests->guest[0].other_back_end) ? 1u << NVSR_ROLE_BACK_END : 0);
}
