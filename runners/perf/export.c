// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks offered by targets of the Linux kernel.  Everything is named by the process that made it and a number, so that it can be undone
 * without remembering what was done, after a crash too.
 */
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "runners/perf/export.h"
#include "runners/perf/layout.h"

#define CONFIG "/sys/kernel/config/"
#define VHOST CONFIG "target/vhost/"
#define ISCSI CONFIG "target/iscsi/"
#define CORE CONFIG "target/core/"
#define NVMET CONFIG "nvmet/"
#define WWPN "naa.5001405%06x%03x"		/* process, number: what the OUI of Linux-IO leaves */
#define NEXUS "naa.6001405%06x%03x"
#define NQN "nqn.2026-11.org.nvsr:perf-%u-%u"
#define IQN "iqn.2026-11.org.nvsr:perf-%u-%u"
#define DISK_MS 20000

const char *nvsr_export_lacks_vhost_scsi(const struct nvsr_host *h)
{
	if (access("/dev/vhost-scsi", F_OK))
		return "needs the kernel's vhost-scsi: modprobe vhost_scsi";
	if (access(CORE, F_OK))
		return "needs the kernel's target: modprobe target_core_mod, and configfs at /sys/kernel/config";
	return NULL;
}

const char *nvsr_export_lacks_nvmet_tcp(const struct nvsr_host *h)
{
	if (access(NVMET "ports", F_OK))
		return "needs the kernel's NVMe target: modprobe nvmet-tcp, and configfs at /sys/kernel/config";
	if (access("/sys/module/nvmet_tcp", F_OK))
		return "needs the kernel's NVMe target over TCP: modprobe nvmet-tcp";
	if (access("/dev/nvme-fabrics", F_OK) || access("/sys/module/nvme_tcp", F_OK))
		return "needs the kernel's NVMe host over TCP: modprobe nvme-tcp";
	return NULL;
}

/* The initiator is the guest's QEMU: there is none in the host, whose sessions could stay. */
const char *nvsr_export_lacks_iscsi(const struct nvsr_host *h)
{
	static const char *const drivers[] = { "/usr/lib/*/qemu/block-iscsi.so", "/usr/lib64/qemu*/block-iscsi.so", "/usr/lib/qemu/block-iscsi.so" };
	bool found = false;

	if (access("/sys/module/iscsi_target_mod", F_OK) || access(CORE, F_OK))
		return "needs the kernel's target over iSCSI: modprobe iscsi_target_mod, and configfs at /sys/kernel/config";
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(drivers); i++) {
		glob_t g = { 0 };

		found |= !glob(drivers[i], 0, NULL, &g);
		globfree(&g);
	}
	return found ? NULL : "needs QEMU's iSCSI initiator: apt-get install qemu-block-extra";
}

/* --- files of configfs --------------------------------------------------------------------------------------------------------- */

/* A step after one that failed does nothing; what failed first is said. */
struct steps { int rc; struct nvsr_complaint *complaint; };

static void fail(struct steps *s, const char *path, int rc)
{
	s->rc = rc;
	if (s->complaint)
		snprintf(s->complaint->text, sizeof(s->complaint->text), "%s: %s", path, strerror(-rc));
}

static void make(struct steps *s, const char *path)
{
	if (!s->rc && mkdir(path, 0755) && errno != EEXIST)
		fail(s, path, -errno);
}

static void put(struct steps *s, const char *folder, const char *name, const char *text)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", folder, name);
	_cleanup_close_ int fd = s->rc || !path ? -1 : open(path, O_WRONLY | O_CLOEXEC);

	if (!s->rc && (fd < 0 || write(fd, text, strlen(text)) < 0))
		fail(s, path ? path : name, path ? -errno : -ENOMEM);
}

static void join(struct steps *s, const char *target, const char *path)
{
	if (!s->rc && symlink(target, path))
		fail(s, path, -errno);
}

/* Where everything of a process and number is. */
struct names {
	char wwpn[NVSR_WWPN], nexus[NVSR_WWPN], hba[64], store[96], vhost[64], tpg[80], lun[96], lun_link[112];
	char iqn[NVSR_IQN], iscsi[96], iscsi_tpg[112], portal[2][144], iscsi_lun[128], iscsi_link[144];
	char address[2][NVSR_ADDRESS];	/* of the target: this host's, the partner's */
	char nqn[64], subsystem[128], ns[160], port[64], port_link[160], service[8];
};

static void name_all(struct names *n, pid_t pid, unsigned i)
{
	char here[NVSR_ADDRESS];

	snprintf(n->wwpn, sizeof(n->wwpn), WWPN, (unsigned)pid & 0xffffff, i & 0xfff);
	snprintf(n->nexus, sizeof(n->nexus), NEXUS, (unsigned)pid & 0xffffff, i & 0xfff);
	snprintf(n->hba, sizeof(n->hba), CORE "iblock_%u", ((unsigned)pid & 0xffffff) * 256 + (i & 0xff));
	snprintf(n->store, sizeof(n->store), "%s/nvsr", n->hba);
	snprintf(n->vhost, sizeof(n->vhost), VHOST "%s", n->wwpn);
	snprintf(n->tpg, sizeof(n->tpg), "%s/tpgt_1", n->vhost);
	snprintf(n->lun, sizeof(n->lun), "%s/lun/lun_0", n->tpg);
	snprintf(n->lun_link, sizeof(n->lun_link), "%s/nvsr", n->lun);
	snprintf(n->nqn, sizeof(n->nqn), NQN, (unsigned)pid, i);
	snprintf(n->subsystem, sizeof(n->subsystem), NVMET "subsystems/%s", n->nqn);
	snprintf(n->ns, sizeof(n->ns), "%s/namespaces/1", n->subsystem);
	/* Ports are numbers of 16 bits; TCP's are above those that are given to everybody. */
	snprintf(n->service, sizeof(n->service), "%u", 20000 + ((unsigned)pid * 7 + i) % 12000);
	snprintf(n->iqn, sizeof(n->iqn), IQN, (unsigned)pid, i);
	snprintf(n->iscsi, sizeof(n->iscsi), ISCSI "%s", n->iqn);
	snprintf(n->iscsi_tpg, sizeof(n->iscsi_tpg), "%s/tpgt_1", n->iscsi);
	snprintf(n->address[0], NVSR_ADDRESS, "127.0.0.1");
	nvsr_partner_addresses(pid, i, here, n->address[1]);
	for (unsigned k = 0; k < 2; k++)
		snprintf(n->portal[k], sizeof(n->portal[k]), "%s/np/%s:%s", n->iscsi_tpg, n->address[k], n->service);
	snprintf(n->iscsi_lun, sizeof(n->iscsi_lun), "%s/lun/lun_0", n->iscsi_tpg);
	snprintf(n->iscsi_link, sizeof(n->iscsi_link), "%s/nvsr", n->iscsi_lun);
	snprintf(n->port, sizeof(n->port), NVMET "ports/%s", n->service);
	snprintf(n->port_link, sizeof(n->port_link), "%s/subsystems/%s", n->port, n->nqn);
}

/* A step whose socket is to be the partner's, or this host's. */
static void at(struct steps *s, pid_t pid, unsigned i, bool partner, void (*step)(struct steps *s, const struct names *n), const struct names *n)
{
	int home = -1, rc;

	if (partner && !s->rc)
		s->rc = nvsr_partner_enter(pid, i, &home, s->complaint);
	step(s, n);
	rc = nvsr_partner_leave(home);
	if (rc && !s->rc)
		fail(s, "/proc/thread-self/ns/net", rc);
}

/* The disk, as targets know it. */
static void store(struct steps *s, const struct names *n, const char *disk)
{
	_cleanup_free_ char *path = nvsr_asprintf("udev_path=%s", disk);

	if (!path && !s->rc)
		s->rc = -ENOMEM;
	make(s, n->hba);
	make(s, n->store);
	put(s, n->store, "control", path ? path : "");
	put(s, n->store, "udev_path", disk);
	put(s, n->store, "enable", "1");
}

/* --- vhost-scsi ------------------------------------------------------------------------------------------------------------------ */

int nvsr_export_vhost_scsi(const char *disk, pid_t pid, unsigned i, char ret_wwpn[NVSR_WWPN], struct nvsr_complaint *complaint)
{
	struct steps s = { .complaint = complaint };
	struct names n = { .wwpn = "" };

	name_all(&n, pid, i);
	store(&s, &n, disk);
	make(&s, CONFIG "target/vhost");
	make(&s, n.vhost);
	make(&s, n.tpg);
	put(&s, n.tpg, "nexus", n.nexus);
	make(&s, n.lun);
	join(&s, n.store, n.lun_link);
	memcpy(ret_wwpn, n.wwpn, NVSR_WWPN);
	return s.rc;
}

/* --- iSCSI ------------------------------------------------------------------------------------------------------------------------ */

static void listen_here(struct steps *s, const struct names *n) { make(s, n->portal[0]); }
static void listen_there(struct steps *s, const struct names *n) { make(s, n->portal[1]); }

int nvsr_export_iscsi(const char *disk, pid_t pid, unsigned i, bool partner, struct nvsr_iscsi *ret, struct nvsr_complaint *complaint)
{
	/* Whoever reaches the loopback of this host, or its cable to the partner, may write: for as long as a guest runs. */
	static const char *const on[] = { "generate_node_acls", "cache_dynamic_acls" }, *const off[] = { "authentication", "demo_mode_write_protect" };
	_cleanup_free_ char *attributes = NULL;
	struct steps s = { .complaint = complaint };
	struct names n = { .wwpn = "" };

	name_all(&n, pid, i);
	store(&s, &n, disk);
	make(&s, CONFIG "target/iscsi");
	make(&s, n.iscsi);
	make(&s, n.iscsi_tpg);
	attributes = nvsr_asprintf("%s/attrib", n.iscsi_tpg);
	for (unsigned k = 0; attributes && k < NVSR_ARRAY_SIZE(on); k++) {
		put(&s, attributes, on[k], "1");
		put(&s, attributes, off[k], "0");
	}
	make(&s, n.iscsi_lun);
	join(&s, n.store, n.iscsi_link);
	at(&s, pid, i, partner, partner ? listen_there : listen_here, &n);
	put(&s, n.iscsi_tpg, "enable", "1");
	memcpy(ret->name, n.iqn, sizeof(n.iqn));
	memcpy(ret->address, n.address[partner], sizeof(ret->address));
	memcpy(ret->service, n.service, sizeof(n.service));
	return attributes || s.rc ? s.rc : -ENOMEM;
}

/* --- NVMe over TCP --------------------------------------------------------------------------------------------------------------- */

/* "nvme7" of a subsystem that this host is connected to; false without one. */
static bool find_controller(const char *nqn, char *ret, size_t len)
{
	DIR *d = opendir("/sys/class/nvme");
	const struct dirent *e;
	bool found = false;

	while (d && !found && (e = readdir(d))) {
		_cleanup_free_ char *path = nvsr_asprintf("/sys/class/nvme/%s/subsysnqn", e->d_name), *text = NULL;

		if (e->d_name[0] == '.' || !path || nvsr_read_file(path, 512, &text, NULL))
			continue;
		text[strcspn(text, "\n")] = '\0';
		found = !strcmp(text, nqn) && snprintf(ret, len, "%s", e->d_name) < (int)len;
	}
	if (d)
		closedir(d);
	return found;
}

static void listen_nvme(struct steps *s, const struct names *n) { join(s, n->subsystem, n->port_link); }

static int connect_host(const struct names *n, const char *address, unsigned queues, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *options = nvsr_asprintf("nqn=%s,transport=tcp,traddr=%s,trsvcid=%s,nr_io_queues=%u", n->nqn, address,
						     n->service, queues);
	_cleanup_close_ int fd = open("/dev/nvme-fabrics", O_RDWR | O_CLOEXEC);

	if (!options || fd < 0 || write(fd, options, strlen(options)) < 0) {
		int rc = options ? -errno : -ENOMEM;

		snprintf(complaint->text, sizeof(complaint->text), "connecting to %s over TCP: %s", n->nqn, strerror(-rc));
		return rc;
	}
	return 0;
}

int nvsr_export_nvmet_tcp(const char *disk, pid_t pid, unsigned i, bool partner, unsigned queues, char **ret_disk,
			  struct nvsr_complaint *complaint)
{
	struct steps s = { .complaint = complaint };
	char controller[32];
	struct names n = { .wwpn = "" };

	name_all(&n, pid, i);
	make(&s, n.subsystem);
	put(&s, n.subsystem, "attr_allow_any_host", "1");
	make(&s, n.ns);
	put(&s, n.ns, "device_path", disk);
	put(&s, n.ns, "enable", "1");
	make(&s, n.port);
	put(&s, n.port, "addr_trtype", "tcp");
	put(&s, n.port, "addr_adrfam", "ipv4");
	put(&s, n.port, "addr_traddr", n.address[partner]);
	put(&s, n.port, "addr_trsvcid", n.service);
	at(&s, pid, i, partner, listen_nvme, &n);
	if (!s.rc)
		s.rc = connect_host(&n, n.address[partner], queues, complaint);
	if (s.rc)
		return s.rc;
	*ret_disk = find_controller(n.nqn, controller, sizeof(controller)) ? nvsr_layout_disk_of(controller, 1, DISK_MS) : NULL;
	if (!*ret_disk)
		snprintf(complaint->text, sizeof(complaint->text), "%s: connected, but there is no disk of it", n.nqn);
	return *ret_disk ? 0 : -ENODEV;
}

/* --- undoing -------------------------------------------------------------------------------------------------------------------- */

static void put_where_there(const char *folder, const char *name, const char *text)
{
	struct steps s = { .rc = 0 };

	if (!access(folder, F_OK))
		put(&s, folder, name, text);
}

void nvsr_export_undo(pid_t pid, unsigned i)
{
	struct names n = { .wwpn = "" };
	char controller[32];

	name_all(&n, pid, i);
	if (find_controller(n.nqn, controller, sizeof(controller))) {
		_cleanup_free_ char *folder = nvsr_asprintf("/sys/class/nvme/%s", controller);

		if (folder)
			put_where_there(folder, "delete_controller", "1");
	}
	unlink(n.port_link);
	rmdir(n.port);
	put_where_there(n.ns, "enable", "0");
	rmdir(n.ns);
	rmdir(n.subsystem);

	put_where_there(n.iscsi_tpg, "enable", "0");
	rmdir(n.portal[0]);
	rmdir(n.portal[1]);
	unlink(n.iscsi_link);
	rmdir(n.iscsi_lun);
	rmdir(n.iscsi_tpg);
	rmdir(n.iscsi);

	unlink(n.lun_link);
	rmdir(n.lun);
	put_where_there(n.tpg, "nexus", "NULL");
	rmdir(n.tpg);
	rmdir(n.vhost);
	rmdir(n.store);
	rmdir(n.hba);
	nvsr_partner_undo(pid, i);
}

/* The ways in which names have process and number. */
static bool parse_wwpn(const char *name, unsigned *pid, unsigned *i) { return sscanf(name, "naa.5001405%6x%3x", pid, i) == 2; }
static bool parse_nqn(const char *name, unsigned *pid, unsigned *i) { return sscanf(name, "nqn.2026-11.org.nvsr:perf-%u-%u", pid, i) == 2; }
static bool parse_iqn(const char *name, unsigned *pid, unsigned *i) { return sscanf(name, "iqn.2026-11.org.nvsr:perf-%u-%u", pid, i) == 2; }

/* A disk of ours at the target's core, whose first name is a number: that it is ours says the second. */
static bool parse_hba(const char *name, unsigned *pid, unsigned *i)
{
	_cleanup_free_ char *store = nvsr_asprintf(CORE "%s/nvsr", name);
	unsigned n;

	if (sscanf(name, "iblock_%u", &n) != 1 || !store || access(store, F_OK))
		return false;
	*pid = n / 256;
	*i = n % 256;
	return true;
}

static void tidy(const char *folder, bool (*parse)(const char *name, unsigned *pid, unsigned *i))
{
	DIR *d = opendir(folder);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		unsigned pid, i;

		if (parse(e->d_name, &pid, &i) && pid && kill((pid_t)pid, 0) && errno == ESRCH)
			nvsr_export_undo((pid_t)pid, i);
	}
	if (d)
		closedir(d);
}

void nvsr_export_tidy(void)
{
	tidy(VHOST, parse_wwpn);
	tidy(ISCSI, parse_iqn);
	tidy(NVMET "subsystems", parse_nqn);
	tidy(CORE, parse_hba);
	tidy("/sys/class/net", nvsr_partner_parse_cable);
}
