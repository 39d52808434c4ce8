// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who uses the namespaces of a device.  Asked before anything may be destroyed: every namespace of the whole subsystem
 * counts, whichever controller it is seen through, every partition on it, and every function that was given away.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "runners/conform/conform.h"

#define SMALL (1u << 20)
/* What opens a new disk for a moment (udev does, to see what is on it) is no user. */
#define PASSING_MS 2000

/* A device node through which somebody may have the subsystem open. */
struct node { char *path; dev_t dev; bool block; };

struct subsystem {
	const char *root;
	const struct nvsr_drive *drive;	/* what it said of itself, or NULL */
	char nqn[257];		/* as the kernel has it; "" as long as no controller of it is known */
	struct node *node;
	size_t nodes;
	struct nvsr_text use;	/* what was found, one line each */
	int error;		/* what could not be found out */
};

/* One line of a sysfs attribute; false when it is not there. */
static bool read_attribute(char *buf, size_t len, const char *folder, const char *name)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", folder, name), *text = NULL;
	size_t n;

	if (!path || nvsr_read_file(path, SMALL, &text, &n))
		return false;
	text[strcspn(text, "\n")] = '\0';
	snprintf(buf, len, "%s", text);
	return true;
}

/* The last part of what the link @folder/@name names; false when there is none. */
static bool read_link(char *buf, size_t len, const char *folder, const char *name)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", folder, name);
	char target[512];
	ssize_t n = path ? readlink(path, target, sizeof(target) - 1) : -1;
	const char *base;

	if (n < 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= len)
		return false;
	memcpy(buf, base, strlen(base) + 1);
	return true;
}

/* @take every entry of @folder whose name begins with @prefix; false when it cannot be read. */
static bool each_entry(struct subsystem *s, const char *folder, const char *prefix,
		       void (*take)(struct subsystem *s, const char *folder, const char *name))
{
	DIR *d = folder ? opendir(folder) : NULL;
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && !strncmp(entry->d_name, prefix, strlen(prefix)))
			take(s, folder, entry->d_name);
	if (d)
		closedir(d);
	return d;
}

static void add_node(struct subsystem *s, const char *folder, const char *name, bool block, const char *path)
{
	_cleanup_free_ char *device = nvsr_asprintf("%s/%s", folder, name);
	struct node *more = realloc(s->node, (s->nodes + 1) * sizeof(*more));
	char number[32] = "";
	unsigned major = 0, minor = 0;

	if (more)
		s->node = more;
	if (!more || !device) {
		s->error = ENOMEM;
		return;
	}
	/* A path below a multipath device has no number: nobody can open it. */
	if (read_attribute(number, sizeof(number), device, "dev") && sscanf(number, "%u:%u", &major, &minor) != 2)
		major = minor = 0;
	s->node[s->nodes++] = (struct node){ .path = strdup(path), .dev = makedev(major, minor), .block = block };
}

/* The node that @path names, directly or by its number; NULL when it is none of the subsystem's. */
static const struct node *find_node(const struct subsystem *s, const char *path)
{
	struct stat st;

	for (size_t i = 0; i < s->nodes; i++)
		if (s->node[i].path && !strcmp(s->node[i].path, path))
			return &s->node[i];
	/* Only what lies in some /dev: a look at a file of a server that is gone would never end. */
	if (!strstr(path, "/dev/") || stat(path, &st) || !(S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)))
		return NULL;
	for (size_t i = 0; i < s->nodes; i++)
		if (s->node[i].dev && s->node[i].dev == st.st_rdev && s->node[i].block == S_ISBLK(st.st_mode))
			return &s->node[i];
	return NULL;
}

/* --- what belongs to the subsystem ------------------------------------------------------------------------------------ */

static void take_nqn(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *controller = nvsr_asprintf("%s/%s", folder, name);

	if (!s->nqn[0] && controller)
		read_attribute(s->nqn, sizeof(s->nqn), controller, "subsysnqn");
}

static void add_vfio_node(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *path = nvsr_asprintf("/dev/vfio/devices/%s", name);

	if (path)
		add_node(s, folder, name, false, path);
}

/* The PF or a VF: a controller of the kernel's, given to user space, or neither. */
static void take_function(struct subsystem *s, const char *folder)
{
	_cleanup_free_ char *controllers = nvsr_asprintf("%s/nvme", folder), *cdevs = nvsr_asprintf("%s/vfio-dev", folder);
	_cleanup_free_ char *real = realpath(folder, NULL), *node = NULL;
	char driver[64], group[32];

	each_entry(s, controllers, "nvme", take_nqn);
	if (!read_link(driver, sizeof(driver), folder, "driver") || !strcmp(driver, "nvme"))
		return;
	if (!strstr(driver, "vfio")) {
		nvsr_text_add(&s->use, "  function %s is driven by %s\n", real ? strrchr(real, '/') + 1 : folder, driver);
		return;
	}
	if (read_link(group, sizeof(group), folder, "iommu_group") && (node = nvsr_asprintf("/dev/vfio/%s", group)))
		add_node(s, folder, "iommu_group", false, node);
	each_entry(s, cdevs, "vfio", add_vfio_node);
}

static void take_vf(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *vf = nvsr_asprintf("%s/%s", folder, name);

	if (vf)
		take_function(s, vf);
}

/* The attribute @name of a controller or subsystem is @value; serial and model numbers come with or without their padding. */
static bool says(const char *folder, const char *name, const char *value)
{
	char text[257];
	size_t len;

	if (!value[0] || !read_attribute(text, sizeof(text), folder, name))
		return false;
	len = strlen(text);
	while (len && text[len - 1] == ' ')
		text[--len] = '\0';
	return !strcmp(text, value);
}

/*
 * Whether a controller or subsystem of the kernel's is of the subsystem.  Another port of the drive is known to the kernel where
 * this one has no driver, or VFIO: then what the drive said itself has to tell.
 */
static bool is_same(const struct subsystem *s, const char *folder)
{
	return says(folder, "subsysnqn", s->nqn) ||
	       (s->drive && (says(folder, "subsysnqn", s->drive->nqn) ||
			     (says(folder, "serial", s->drive->serial) && says(folder, "model", s->drive->model))));
}

/* Whether a device of class @folder, or the disk of a partition, belongs to the subsystem. */
static bool is_ours(const struct subsystem *s, const char *folder, const char *name)
{
	static const char *const ways[] = { "device", "../device", "." };
	_cleanup_free_ char *link = nvsr_asprintf("%s/%s", folder, name), *real = link ? realpath(link, NULL) : NULL;
	char theirs[256];

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(ways); i++) {
		_cleanup_free_ char *device = real ? nvsr_asprintf("%s/%s", real, ways[i]) : NULL;

		if (device && read_attribute(theirs, sizeof(theirs), device, "subsysnqn"))
			return is_same(s, device);
	}
	return false;
}

static void take_block(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *path = nvsr_asprintf("/dev/%s", name);

	if (path && is_ours(s, folder, name))
		add_node(s, folder, name, true, path);
}

static void take_char(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *path = nvsr_asprintf("/dev/%s", name);

	if (path && is_ours(s, folder, name))
		add_node(s, folder, name, false, path);
}

/* Everything of @device's subsystem; false with s->error when that cannot be told. */
static bool find_subsystem(struct subsystem *s, const char *device)
{
	static const struct { const char *class, *prefix; void (*take)(struct subsystem *, const char *, const char *); } classes[] = {
		{ "block", "nvme", take_block }, { "nvme-generic", "ng", take_char }, { "nvme", "nvme", take_char },
	};
	bool node = device[0] == '/';
	_cleanup_free_ char *function = node ? nvsr_asprintf("%s/sys/class/nvme/%s/device", s->root, strrchr(device, '/') + 1) :
					nvsr_asprintf("%s/sys/bus/pci/devices/%s", s->root, device);

	if (!function || access(function, F_OK)) {
		s->error = function ? errno : ENOMEM;
		return false;
	}
	take_function(s, function);
	each_entry(s, function, "virtfn", take_vf);
	if (!s->nqn[0] && !s->drive)
		s->error = node ? ENOENT : 0;	/* functions without a kernel driver have no block devices */
	for (unsigned i = 0; (s->nqn[0] || s->drive) && i < NVSR_ARRAY_SIZE(classes); i++) {
		_cleanup_free_ char *folder = nvsr_asprintf("%s/sys/class/%s", s->root, classes[i].class);

		/* Generic devices came with Linux 5.13. */
		if (!each_entry(s, folder, classes[i].prefix, classes[i].take) && !strcmp(classes[i].class, "block"))
			s->error = errno;
	}
	return !s->error;
}

/* --- who uses it -------------------------------------------------------------------------------------------------------- */

/* The next line of a text, NUL-terminated, or NULL. */
static char *next_line(char **text)
{
	char *line = *text && **text ? *text : NULL, *nl = line ? strchr(line, '\n') : NULL;

	if (nl)
		*nl = '\0';
	*text = nl ? nl + 1 : NULL;
	return line;
}

/* Mounted: by device number, so bind mounts and other names count too. */
static void check_mounts(struct subsystem *s)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/proc/self/mountinfo", s->root), *text = NULL;
	unsigned major, minor;
	char *rest, *line;
	size_t len;

	if (!path || nvsr_read_file(path, 16 * SMALL, &text, &len))
		return;
	for (rest = text; (line = next_line(&rest));) {
		char where[512], *source;
		const struct node *node = NULL;

		if (sscanf(line, "%*s %*s %u:%u %*s %511s", &major, &minor, where) != 3)
			continue;
		for (size_t i = 0; !node && i < s->nodes; i++)
			if (s->node[i].block && s->node[i].dev && s->node[i].dev == makedev(major, minor))
				node = &s->node[i];
		/* btrfs shows an anonymous number; then the source after " - fstype" tells */
		source = strstr(line, " - ");
		source = source ? strchr(source + 3, ' ') : NULL;
		if (!node && source) {
			source[1 + strcspn(source + 1, " ")] = '\0';
			node = find_node(s, source + 1);
		}
		if (node)
			nvsr_text_add(&s->use, "  %s is mounted on %s\n", node->path, where);
	}
}

static void check_swap(struct subsystem *s)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/proc/swaps", s->root), *text = NULL;
	char *rest, *line;
	size_t len;

	if (!path || nvsr_read_file(path, SMALL, &text, &len))
		return;
	for (rest = text; (line = next_line(&rest));) {
		const struct node *node;

		line[strcspn(line, " \t")] = '\0';
		node = find_node(s, line);
		if (node)
			nvsr_text_add(&s->use, "  %s is swap space\n", node->path);
	}
}

static void add_holder(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *disk = strdup(folder);

	*strrchr(disk, '/') = '\0';
	nvsr_text_add(&s->use, "  /dev/%s is held by %s (LVM, RAID, encryption, …)\n", strrchr(disk, '/') + 1, name);
}

/* Devices on top, and what they are claimed for that shows nowhere else. */
static void check_holders(struct subsystem *s)
{
	for (size_t i = 0; i < s->nodes; i++) {
		_cleanup_free_ char *folder = NULL, *node = nvsr_asprintf("%s%s", s->root, s->node[i].path);
		size_t before = s->use.len;
		int fd;

		if (!s->node[i].block || !node)
			continue;
		folder = nvsr_asprintf("%s/sys/class/block/%s/holders", s->root, strrchr(s->node[i].path, '/') + 1);
		each_entry(s, folder, "", add_holder);
		fd = s->use.len == before ? open(node, O_RDONLY | O_EXCL | O_CLOEXEC) : -1;
		if (fd < 0 && s->use.len == before && errno == EBUSY)
			nvsr_text_add(&s->use, "  %s is open exclusively\n", s->node[i].path);
		if (fd >= 0)
			close(fd);
	}
}

/* A file that names what the kernel itself has open: it holds no descriptor and claims nothing. */
static void check_backing(struct subsystem *s, const char *folder, const char *attribute, const char *what)
{
	const struct node *node;
	char path[512];

	if (!read_attribute(path, sizeof(path), folder, attribute))
		return;
	node = find_node(s, path);
	if (node)
		nvsr_text_add(&s->use, "  %s is open in %s\n", node->path, what);
}

static void check_loop(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *device = nvsr_asprintf("%s/%s/loop", folder, name);

	if (device)
		check_backing(s, device, "backing_file", name);
}

static void check_target(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *ns = nvsr_asprintf("%s/%s", folder, name);
	char enable[8] = "";

	if (ns && read_attribute(enable, sizeof(enable), ns, "enable") && enable[0] == '1')
		check_backing(s, ns, "device_path", "the kernel's NVMe target");
}

static void check_targets(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *namespaces = nvsr_asprintf("%s/%s/namespaces", folder, name);

	each_entry(s, namespaces, "", check_target);
}

static void check_process(struct subsystem *s, const char *folder, const char *name)
{
	_cleanup_free_ char *process = nvsr_asprintf("%s/%s", folder, name), *path = nvsr_asprintf("%s/%s/fd", folder, name);
	DIR *d = NULL;
	const struct dirent *entry;
	const struct node *said = NULL;
	char comm[64] = "?";

	if (!isdigit((unsigned char)name[0]) || (!s->root[0] && atol(name) == (long)getpid()))
		return;
	d = path ? opendir(path) : NULL;
	if (!d && errno != ENOENT && errno != ESRCH)
		s->error = errno;
	while (d && (entry = readdir(d))) {
		char target[512];
		ssize_t n = readlinkat(dirfd(d), entry->d_name, target, sizeof(target) - 1);
		const struct node *node;

		if (n <= 0 || target[0] != '/')
			continue;
		target[n] = '\0';
		node = find_node(s, target);
		if (!node || node == said)
			continue;
		said = node;
		read_attribute(comm, sizeof(comm), process, "comm");
		nvsr_text_add(&s->use, "  %s is open in process %s (%s)\n", node->path, name, comm);
	}
	if (d)
		closedir(d);
}

char *nvsr_in_use(const char *root, const char *device, const struct nvsr_drive *drive)
{
	struct subsystem s = { .root = root, .drive = drive };
	_cleanup_free_ char *blocks = nvsr_asprintf("%s/sys/class/block", root), *proc = nvsr_asprintf("%s/proc", root);
	_cleanup_free_ char *targets = nvsr_asprintf("%s/sys/kernel/config/nvmet/subsystems", root);

	if (find_subsystem(&s, device)) {
		check_mounts(&s);
		check_swap(&s);
		check_holders(&s);
		each_entry(&s, blocks, "loop", check_loop);
		each_entry(&s, targets, "", check_targets);
		each_entry(&s, proc, "", check_process);
	}
	if (s.use.failed)
		s.error = ENOMEM;
	for (size_t i = 0; i < s.nodes; i++)
		free(s.node[i].path);
	free(s.node);
	/* One user found is answer enough. */
	if (!s.error || (s.use.s && !s.use.failed))
		return s.use.s ? s.use.s : strdup("");
	nvsr_text_free(&s.use);
	errno = s.error;
	return NULL;
}

/* Of the one device that a process works with. */
static struct nvsr_drive known;

/* An Identify string without its padding. */
static void copy_string(char *to, const char *from, size_t len)
{
	len = strnlen(from, len);
	while (len && from[len - 1] == ' ')
		len--;
	memcpy(to, from, len);
	to[len] = '\0';
}

void nvsr_drive_of(const struct nvme_id_ctrl *id, struct nvsr_drive *ret)
{
	copy_string(ret->nqn, id->subnqn, sizeof(id->subnqn));
	copy_string(ret->model, id->mn, sizeof(id->mn));
	copy_string(ret->serial, id->sn, sizeof(id->sn));
}

void nvsr_in_use_is(const struct nvsr_drive *drive)
{
	known = *drive;
}

char *nvsr_in_use_for_good(const char *device)
{
	uint64_t until = nvsr_now_ns() + PASSING_MS * NVSR_MS;
	char *use;

	while ((use = nvsr_in_use("", device, known.serial[0] || known.nqn[0] ? &known : NULL)) && *use && nvsr_now_ns() < until) {
		free(use);
		nvsr_sleep_ns(100 * NVSR_MS, NULL);
	}
	return use;
}
