// SPDX-License-Identifier: GPL-2.0-or-later
/* What each path takes on a host, and what it gives a guest. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "runners/perf/export.h"
#include "runners/perf/guests.h"
#include "runners/vm/xml.h"

#define DISK_MS 20000
#define SOCKET_MS 10000
#define PROGRAM_MS 120000

static bool has_file(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	bool found = false;

	while (d && (e = readdir(d)))
		found |= e->d_name[0] != '.';
	if (d)
		closedir(d);
	return found;
}

const char *nvsr_lacks_vfio(const struct nvsr_host *h)
{
	if (!has_file("/sys/kernel/iommu_groups"))
		return "needs an IOMMU: it is off, or there is none";
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK))
		return "needs the kernel's vfio-pci: modprobe vfio-pci";
	return NULL;
}

static bool in_path(const char *program)
{
	_cleanup_free_ char *path = strdup(getenv("PATH") ? getenv("PATH") : "");
	char *save = NULL;

	for (char *dir = path ? strtok_r(path, ":", &save) : NULL; dir; dir = strtok_r(NULL, ":", &save)) {
		_cleanup_free_ char *file = nvsr_asprintf("%s/%s", dir, program);

		if (file && !access(file, X_OK))
			return true;
	}
	return false;
}

static const char *lacks_daemon(const struct nvsr_host *h)
{
	return in_path("qemu-storage-daemon") ? NULL : "needs qemu-storage-daemon: apt-get install qemu-system-common";
}

static const char *lacks_img(const struct nvsr_host *h)
{
	return in_path("qemu-img") ? NULL : "needs qemu-img: apt-get install qemu-utils";
}

/* Whether QEMU was built with it libvirt knows, and says when a guest is started. */
static const char *lacks_uring(const struct nvsr_host *h)
{
	return nvsr_has_io_uring() ? NULL : "needs io_uring, and the kernel has none or forbids it";
}

static int give_function(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	return nvsr_xml_hostdev(&gift->xml, h->layout.fn[i + 1].bdf) ? 0 : -EINVAL;
}

/* The block device of its namespace, by the host's driver. */
static int take_disk(struct nvsr_host *h, unsigned i, struct nvsr_complaint *complaint)
{
	const struct nvsr_layout_fn *f = &h->layout.fn[i + 1];
	struct nvsr_guest *g = &h->guests->guest[i];
	int rc = nvsr_layout_bind(f->bdf, "nvme");

	free(g->disk);
	g->disk = rc ? NULL : nvsr_layout_disk(f->bdf, f->nsid, DISK_MS);
	if (!g->disk) {
		rc = rc ? rc : -ENODEV;
		snprintf(complaint->text, sizeof(complaint->text), "VF %u, %s: no block device of namespace %u: %s", i + 1, f->bdf, f->nsid,
			 strerror(-rc));
	}
	return rc;
}

static int give_disk(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	struct nvsr_xml_disk d = { .kind = NVSR_XML_BLOCK, .cache = way->cache, .io = way->io, .iothread = true };
	int rc = take_disk(h, i, complaint);

	d.source = h->guests->guest[i].disk;
	if (!rc)
		nvsr_xml_disk(&gift->xml, &d);
	return rc;
}

/* --- an image: as large as what loads use, and full, so that nothing is read that was never written ------------------------------ */

static int run_program(char *const *argv, struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + PROGRAM_MS * NVSR_MS;
	struct nvsr_fio_run r;
	int status = -1, rc = nvsr_program_start(argv, &r);

	if (rc)
		return rc;
	while (!rc && !nvsr_fio_ended(&r, &status)) {
		if (nvsr_stop || nvsr_now_ns() >= until)
			rc = nvsr_stop ? -EINTR : -ETIMEDOUT;
		nvsr_sleep_ns(5 * NVSR_MS, &nvsr_stop);
	}
	if (!rc && status) {
		_cleanup_free_ char *said = nvsr_fio_said(r.err, NULL);

		snprintf(complaint->text, sizeof(complaint->text), "%s: %.300s", argv[0], said ? said : "failed");
		rc = -EIO;
	}
	nvsr_fio_close(&r);
	return rc;
}

/* Its first parts are the pattern of the proof, the others like them. */
static int write_contents(const struct nvsr_host *h, const char *path, uint32_t nsid)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_free_ uint8_t *data = malloc(NVSR_PATTERN_BYTES);

	if (fd < 0 || !data)
		return fd < 0 ? -errno : -ENOMEM;
	for (unsigned part = 0; part < h->bytes / NVSR_PATTERN_BYTES; part++) {
		nvsr_layout_pattern(h->guests->run, nsid, part, data);
		if (nvsr_stop)
			return -EINTR;
		if (write(fd, data, NVSR_PATTERN_BYTES) != (ssize_t)NVSR_PATTERN_BYTES)
			return -ENOSPC;
	}
	return 0;
}

static int give_image(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	struct nvsr_xml_disk d = { .kind = NVSR_XML_BLOCK, .format = "qcow2", .cache = way->cache, .io = way->io, .iothread = true };
	_cleanup_free_ char *contents = nvsr_asprintf("%s/contents", h->guests->folder);
	int rc = contents ? take_disk(h, i, complaint) : -ENOMEM;

	if (rc)
		return rc;
	rc = write_contents(h, contents, h->layout.fn[i + 1].nsid);
	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "%s: contents of an image: %s", contents, strerror(-rc));
	} else {
		char *const argv[] = { (char *)"qemu-img", (char *)"convert", (char *)"-f", (char *)"raw", (char *)"-O", (char *)"qcow2",
				       (char *)"-t", (char *)"none", contents, h->guests->guest[i].disk, NULL };

		rc = run_program(argv, complaint);
	}
	unlink(contents);
	d.source = h->guests->guest[i].disk;
	if (!rc)
		nvsr_xml_disk(&gift->xml, &d);
	return rc;
}

/* libvirt 9 does not know QEMU's nvme device as a disk. */
static int give_nvme(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *blockdev = NULL, *ns = nvsr_asprintf("nvme-ns,drive=nvsr,bus=nvsr-nvme,nsid=%u", h->layout.fn[i + 1].nsid);
	int rc = ns ? take_disk(h, i, complaint) : -ENOMEM;

	if (rc)
		return rc;
	blockdev = nvsr_asprintf("driver=host_device,node-name=nvsr,filename=%s,cache.direct=on,aio=native", h->guests->guest[i].disk);
	{
		const char *const args[] = { "-blockdev", blockdev, "-device", "nvme,id=nvsr-nvme,serial=NVSR,bus=pcie.0,addr=0x10", "-device", ns };

		for (unsigned k = 0; !rc && blockdev && k < NVSR_ARRAY_SIZE(args); k++)
			rc = nvsr_lines_add(&gift->args, args[k]);
	}
	return blockdev ? rc : -ENOMEM;
}

/* --- targets of the kernel --------------------------------------------------------------------------------------------------- */

static int give_vhost_scsi(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	struct nvsr_guest *g = &h->guests->guest[i];
	int rc = take_disk(h, i, complaint);
	char wwpn[NVSR_WWPN];

	if (rc)
		return rc;
	g->exported = true;
	rc = nvsr_export_vhost_scsi(g->disk, getpid(), i + 1, wwpn, complaint);
	if (!rc)
		nvsr_xml_vhost_scsi(&gift->xml, wwpn);
	return rc;
}

/* The kernel's target, and the initiator in QEMU. */
static int give_iscsi(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	struct nvsr_guest *g = &h->guests->guest[i];
	int rc = take_disk(h, i, complaint);
	struct nvsr_iscsi target;

	if (rc)
		return rc;
	g->exported = true;
	rc = nvsr_export_iscsi(g->disk, getpid(), i + 1, way->partner, &target, complaint);
	if (!rc)
		nvsr_xml_iscsi(&gift->xml, target.name, target.address, target.service);
	return rc;
}

/* This host, or a partner, is the other end of the network, and the guest has a virtio disk of what comes over it. */
static int give_fabric(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	struct nvsr_xml_disk d = { .kind = NVSR_XML_BLOCK, .cache = way->cache, .io = way->io, .iothread = true };
	struct nvsr_guest *g = &h->guests->guest[i];
	int rc = take_disk(h, i, complaint);

	if (rc)
		return rc;
	g->exported = true;
	rc = nvsr_export_nvmet_tcp(g->disk, getpid(), i + 1, way->partner, h->guests->jobs, &g->fabric, complaint);
	d.source = g->fabric;
	if (!rc)
		nvsr_xml_disk(&gift->xml, &d);
	return rc;
}

static int storage_daemon_wait(struct nvsr_fio_run *r, const char *path, struct nvsr_complaint *complaint)
{
	uint64_t until = nvsr_now_ns() + SOCKET_MS * NVSR_MS;
	_cleanup_free_ char *said = NULL;
	int status;

	while (access(path, F_OK) && nvsr_now_ns() < until && !nvsr_stop && !nvsr_fio_ended(r, &status))
		nvsr_sleep_ns(5 * NVSR_MS, &nvsr_stop);
	if (!access(path, F_OK))
		return chmod(path, 0666) ? -errno : 0;	/* in a folder whose name nobody can guess */
	said = nvsr_fio_said(r->err, NULL);
	if (said)
		said[strcspn(said, "\n")] = '\0';
	snprintf(complaint->text, sizeof(complaint->text), "qemu-storage-daemon does not offer the disk: %.200s", said ? said : "");
	return nvsr_stop ? -EINTR : -EIO;
}

/* A daemon that offers node "disk", which @blockdev makes, to guest @i. */
static int offer(struct nvsr_host *h, unsigned i, char *blockdev, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	struct nvsr_guests *all = h->guests;
	struct nvsr_guest *g = &all->guest[i];
	_cleanup_free_ char *socket = nvsr_asprintf("%s/disk%u", all->folder, i + 1), *export = NULL, *group = NULL;
	struct nvsr_xml_disk d = { .kind = NVSR_XML_VHOST_USER, .source = socket, .queues = all->jobs };
	int rc;

	group = nvsr_asprintf("throttle-group,id=limit,x-iops-total=%llu", (unsigned long long)all->limit_iops);
	export = nvsr_asprintf("vhost-user-blk,id=export,node-name=%s,writable=on,iothread=thread,num-queues=%u,addr.type=unix,addr.path=%s",
			       all->limit_iops ? "limited" : "disk", all->jobs, socket ? socket : "");
	if (!blockdev || !socket || !export || !group)
		return -ENOMEM;
	unlink(socket);
	{
		/* A limit is a filter between disk and export, and options that come last. */
		char *const argv[] = { (char *)"qemu-storage-daemon", (char *)"--object", (char *)"iothread,id=thread",
				       (char *)"--blockdev", blockdev, (char *)(all->limit_iops ? "--object" : "--export"),
				       all->limit_iops ? group : export, (char *)(all->limit_iops ? "--blockdev" : NULL),
				       (char *)"driver=throttle,node-name=limited,throttle-group=limit,file=disk", (char *)"--export", export, NULL };

		rc = nvsr_program_start(argv, &g->back_end);
	}
	if (rc)
		return rc;
	nvsr_pin_process(g->back_end.pid, &h->o.placement->back_end);
	rc = storage_daemon_wait(&g->back_end, socket, complaint);
	if (!rc)
		nvsr_xml_disk(&gift->xml, &d);
	return rc;
}

static int give_vhost_user(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	int rc = take_disk(h, i, complaint);
	_cleanup_free_ char *blockdev = rc ? NULL : nvsr_asprintf("driver=host_device,node-name=disk,filename=%s,cache.direct=on,aio=native",
								  h->guests->guest[i].disk);

	return rc ? rc : offer(h, i, blockdev, gift, complaint);
}

/* The daemon drives the function itself, past any cache of the host's; told so by cache.direct it would change a feature of the drive. */
static int give_vhost_user_nvme(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	const struct nvsr_layout_fn *f = &h->layout.fn[i + 1];
	_cleanup_free_ char *blockdev = nvsr_asprintf("driver=nvme,node-name=disk,device=%s,namespace=%u", f->bdf, f->nsid);
	int rc = nvsr_layout_bind(f->bdf, "vfio-pci");

	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "VF %u, %s: vfio-pci does not take it: %s", i + 1, f->bdf, strerror(-rc));
		return rc;
	}
	return offer(h, i, blockdev, gift, complaint);
}

static const char *lacks_socket(const struct nvsr_host *h)
{
	return nvsr_lines_count(h->o.sockets) ? NULL : "needs --vhost-socket";
}

static int give_socket(struct nvsr_host *h, const struct nvsr_way *way, unsigned i, struct nvsr_gift *gift, struct nvsr_complaint *complaint)
{
	struct nvsr_xml_disk d = { .kind = NVSR_XML_VHOST_USER, .queues = h->guests->jobs };

	if (i >= nvsr_lines_count(h->o.sockets))
		return -EINVAL;		/* that there are enough was seen before */
	d.source = h->o.sockets[i];
	h->guests->guest[i].other_back_end = nvsr_listener_of(d.source);
	nvsr_xml_disk(&gift->xml, &d);
	return 0;
}

/*
 * What QEMU serves itself: past the host's page cache, or through it, with every write on the medium before it is done.  QEMU's native AIO
 * takes no cache; threads are what every QEMU has.
 */
#define DIRECT .disk = "/dev/vda", .cache = "none", .io = "native"
#define URING .disk = "/dev/vda", .cache = "none", .io = "io_uring"
#define CACHED .disk = "/dev/vda", .cache = "writethrough", .io = "threads"
static const struct nvsr_way ways[] = {
	{ "passthrough", { nvsr_lacks_vfio }, .give = give_function },
	{ "passthrough-polled", { nvsr_lacks_vfio }, .give = give_function, .polled = true },
	{ "virtio-ns", .give = give_disk, DIRECT },
	{ "virtio-ns-writethrough", .give = give_disk, CACHED },
	{ "virtio-ns-uring", { lacks_uring }, .give = give_disk, URING },
	{ "virtio-qcow2", { lacks_img }, .give = give_image, DIRECT, .image = true },
	{ "virtio-qcow2-writethrough", { lacks_img }, .give = give_image, CACHED, .image = true },
	{ "virtio-qcow2-uring", { lacks_img, lacks_uring }, .give = give_image, URING, .image = true },
	{ "vhost-user-blk", { lacks_daemon }, .give = give_vhost_user, .disk = "/dev/vda", .back_end = true },
	{ "vhost-user-blk-nvme", { nvsr_lacks_vfio, lacks_daemon }, .give = give_vhost_user_nvme, .disk = "/dev/vda", .back_end = true },
	{ "vhost-user-socket", { lacks_socket }, .give = give_socket, .disk = "/dev/vda", .back_end = true, .foreign = true },
	{ "vhost-scsi", { nvsr_export_lacks_vhost_scsi }, .give = give_vhost_scsi, .disk = "/dev/sda" },
	{ "emulated-nvme", .give = give_nvme },
	{ "nvmeof-tcp", { nvsr_export_lacks_nvmet_tcp }, .give = give_fabric, DIRECT },
	{ "nvmeof-tcp-partner", { nvsr_export_lacks_nvmet_tcp, nvsr_partner_lacks }, .give = give_fabric, DIRECT, .partner = true },
	{ "iscsi", { nvsr_export_lacks_iscsi }, .give = give_iscsi, .disk = "/dev/vda" },
	{ "iscsi-partner", { nvsr_export_lacks_iscsi, nvsr_partner_lacks }, .give = give_iscsi, .disk = "/dev/vda", .partner = true },
};

const struct nvsr_way *nvsr_way_of(const struct nvsr_data_path *p)
{
	for (unsigned i = 0; p && i < NVSR_ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].name, p->name))
			return &ways[i];
	return NULL;
}
