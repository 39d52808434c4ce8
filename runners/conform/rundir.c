// SPDX-License-Identifier: GPL-2.0-or-later
/* The run directory: what somebody without our machine needs to redo every report. */
#include <dirent.h>
#include <jansson.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "runners/conform/conform.h"

/* 1 empty or absent, 0 not, negative errno. */
static int is_empty(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *entry;
	int empty = 1;

	if (!d)
		return errno == ENOENT ? 1 : -errno;
	while (empty && (entry = readdir(d)))
		empty = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
	closedir(d);
	return empty;
}

/* A name that no other run has taken, even one of the same second. */
static char *default_name(const char *profile)
{
	time_t now = time(NULL);
	char when[32];
	struct tm tm;

	strftime(when, sizeof(when), "%Y%m%d-%H%M%S", gmtime_r(&now, &tm));
	for (unsigned n = 1; n < 1000; n++) {
		char *dir = n == 1 ? nvsr_asprintf("run/%s-%s", when, profile) : nvsr_asprintf("run/%s-%s-%u", when, profile, n);

		if (!dir || is_empty(dir) == 1)
			return dir;
		free(dir);
	}
	return NULL;
}

char *nvsr_rundir_make(const char *out, const char *profile)
{
	char *dir = out ? strdup(out) : default_name(profile);
	int rc = dir ? is_empty(dir) : -ENOMEM;

	if (rc == 1)
		rc = nvsr_mkdirs(dir);
	else if (!rc)
		rc = -ENOTEMPTY;
	if (!rc)
		return dir;
	if (rc == -ENOTEMPTY)
		nvsr_say("%s: is not empty; a run never writes over another (resume goes on with one)", dir);
	else
		nvsr_say("%s: %s", dir ? dir : "run directory", strerror(-rc));
	free(dir);
	return NULL;
}

static int put_file(const char *dir, const char *name, const void *data, size_t len)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", dir, name);
	int rc = path ? nvsr_write_file(path, data, len) : -ENOMEM;

	if (rc)
		nvsr_say("%s/%s: %s", dir, name, strerror(-rc));
	return rc;
}

static int put_json(const char *dir, const char *name, json_t *o)
{
	_cleanup_free_ char *text = json_dumps(o, JSON_INDENT(1)), *line = text ? nvsr_asprintf("%s\n", text) : NULL;

	json_decref(o);
	if (!line) {
		nvsr_say("%s/%s: no memory", dir, name);
		return -ENOMEM;
	}
	return put_file(dir, name, line, strlen(line));
}

static int copy_file(const char *dir, const char *name, const char *from)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (!from || nvsr_read_file(from, 1u << 20, &text, &len))
		return 0;	/* no expectations, or a file that only existed in memory */
	return put_file(dir, name, text, len);
}

/* --- env.json --------------------------------------------------------------------------------------------------------- */

static json_t *text_json(const char *s)
{
	_cleanup_free_ char *clean = s ? nvsr_clean_text(s, strlen(s)) : NULL;

	return clean ? json_string(clean) : json_null();
}

/* The value of "KEY=value" or "key : value" at the start of a line, without quotes; malloc'd or NULL. */
static char *find_value(const char *path, const char *key, char separator)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (nvsr_read_file(path, 1u << 20, &text, &len))
		return NULL;
	for (char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		char *value = strchr(line, separator);

		if (strncmp(line, key, strlen(key)) || !value)
			continue;
		value++;
		value += strspn(value, " \t\"");
		return strndup(value, strcspn(value, "\"\n"));
	}
	return NULL;
}

static char *first_line(const char *path)
{
	char *text = NULL;
	size_t len;

	if (nvsr_read_file(path, 1u << 16, &text, &len))
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static json_t *env_json(void)
{
	_cleanup_free_ char *os = find_value("/etc/os-release", "PRETTY_NAME", '=');
	_cleanup_free_ char *cpu = find_value("/proc/cpuinfo", "model name", ':');
	_cleanup_free_ char *cmdline = first_line("/proc/cmdline");
	_cleanup_free_ char *governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
	json_t *o = json_object();
	struct utsname u = { 0 };
	struct sysinfo info = { 0 };
	char utc[32];

	uname(&u);
	sysinfo(&info);
	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "tool", text_json(nvsr_version));
	json_object_set_new(o, "time", text_json(nvsr_utc(utc, sizeof(utc))));
	json_object_set_new(o, "host", text_json(u.nodename));
	json_object_set_new(o, "distribution", text_json(os));
	json_object_set_new(o, "kernel", text_json(u.release));
	json_object_set_new(o, "kernel_version", text_json(u.version));
	json_object_set_new(o, "kernel_cmdline", text_json(cmdline));
	json_object_set_new(o, "machine", text_json(u.machine));
	json_object_set_new(o, "cpu", text_json(cpu));
	json_object_set_new(o, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	json_object_set_new(o, "governor", text_json(governor));
	json_object_set_new(o, "memory_bytes", json_integer((json_int_t)info.totalram * info.mem_unit));
	return o;
}

int nvsr_rundir_same_host(const char *dir)
{
	static const char *const keys[] = { "host", "machine", "kernel", "cpu", "cpus" };
	_cleanup_free_ char *path = nvsr_asprintf("%s/env.json", dir);
	json_error_t error;
	json_t *then = path ? json_load_file(path, 0, &error) : NULL, *now = env_json();
	int rc = 0;

	if (!then)
		nvsr_say("%s/env.json: %s", dir, path ? error.text : "no memory");
	for (unsigned i = 0; then && !rc && i < NVSR_ARRAY_SIZE(keys); i++) {
		const json_t *a = json_object_get(then, keys[i]), *b = json_object_get(now, keys[i]);

		if (json_equal(a, b))
			continue;
		nvsr_say("%s: was made on another machine: %s is not what env.json says; what is measured here would not compare", dir, keys[i]);
		rc = EXIT_USAGE;
	}
	json_decref(now);
	rc = then ? rc : EXIT_USAGE;
	json_decref(then);
	return rc;
}

/* --- device.json ------------------------------------------------------------------------------------------------------ */

static json_t *claims_json(const struct nvsr_target *t)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++)
		if (nvsr_needs[i].kind == NVSR_NEED_CLAIM)
			json_object_set_new(o, nvsr_needs[i].key, json_boolean(t->inv.has >> i & 1));
	return o;
}

static json_t *method_json(const struct nvsr_target *t)
{
	uint64_t met = 0;
	json_t *o = json_object();

	/* The access method's part of the needs, said in the same words. */
	met = nvsr_needs_of_method(t->can, t->vf_can);
	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++)
		if (nvsr_needs[i].kind == NVSR_NEED_ENV)
			json_object_set_new(o, nvsr_needs[i].key, json_boolean(met >> i & 1));
	return o;
}

static json_t *sriov_json(const struct nvsr_sriov *s)
{
	if (!s->pos)
		return json_null();
	return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i,s:I}", "offset", (int)s->pos, "total_vfs", (int)s->total_vfs, "num_vfs",
			 (int)s->num_vfs, "first_vf_offset", (int)s->vf_offset, "vf_stride", (int)s->vf_stride,
			 "vf_device_id", (int)s->vf_device_id, "supported_page_sizes", (json_int_t)s->sup_pgsize);
}

static json_t *resources_json(const struct nvsr_inventory *inv)
{
	const struct nvme_primary_caps *p = &inv->primary;

	if (!inv->has_primary)
		return json_null();
	return json_pack("{s:i,s:I,s:i,s:i,s:i,s:I,s:i,s:i,s:i}", "crt", (int)p->crt,
			 "vq_flexible", (json_int_t)le32_get(p->vqfrt), "vq_private", (int)le16_get(p->vqprt),
			 "vq_secondary_max", (int)le16_get(p->vqfrsm), "vq_granularity", (int)le16_get(p->vqgran),
			 "vi_flexible", (json_int_t)le32_get(p->vifrt), "vi_private", (int)le16_get(p->viprt),
			 "vi_secondary_max", (int)le16_get(p->vifrsm), "vi_granularity", (int)le16_get(p->vigran));
}

static int put_device(const char *dir, const struct nvsr_target *t)
{
	const struct nvme_id_ctrl *id = &t->inv.id;
	json_t *o = json_object();

	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "device", text_json(t->session.device));
	json_object_set_new(o, "method", text_json(t->method));
	json_object_set_new(o, "identity",
			    json_pack("{s:o,s:o,s:o,s:i,s:i}", "model", text_json(t->model), "serial", text_json(t->serial),
				      "firmware", text_json(t->firmware), "vendor", (int)le16_get(id->vid),
				      "subsystem_vendor", (int)le16_get(id->ssvid)));
	json_object_set_new(o, "controller",
			    json_pack("{s:i,s:I,s:I,s:i,s:i,s:I,s:i}", "cntlid", (int)le16_get(id->cntlid),
				      "version", (json_int_t)le32_get(id->ver), "nn", (json_int_t)le32_get(id->nn),
				      "oacs", (int)le16_get(id->oacs), "oncs", (int)le16_get(id->oncs),
				      "tnvmcap", (json_int_t)le128_get(id->tnvmcap, NULL), "mdts", (int)id->mdts));
	json_object_set_new(o, "sriov", sriov_json(&t->inv.sriov));
	json_object_set_new(o, "resources", resources_json(&t->inv));
	json_object_set_new(o, "secondary_controllers", json_integer(t->inv.sec_count));
	json_object_set_new(o, "capabilities", claims_json(t));
	json_object_set_new(o, "access", method_json(t));
	return put_json(dir, "device.json", o);
}

int nvsr_rundir_save_state(const char *dir, const struct nvsr_target *t)
{
	_cleanup_free_ char *state = nvsr_asprintf("%s/state.json", dir);
	int rc = state ? nvsr_snapshot_save(t->state, state) : -ENOMEM;

	if (rc)
		nvsr_say("%s/state.json: %s", dir, strerror(-rc));
	return rc;
}

int nvsr_rundir_fill(const char *dir, const struct nvsr_target *t, const struct nvsr_expects *expects, const char *cmdline)
{
	_cleanup_free_ char *line = nvsr_asprintf("%s\n", cmdline);
	int rc = line ? put_file(dir, "cmdline", line, strlen(line)) : -ENOMEM;

	if (!rc)
		rc = put_json(dir, "env.json", env_json());
	if (!rc)
		rc = put_device(dir, t);
	if (!rc)
		rc = copy_file(dir, "profile.yaml", t->profile->path);
	return rc ? rc : copy_file(dir, "expect.yaml", expects->path);
}

int nvsr_rundir_state(const char *dir, struct nvsr_snapshot **ret)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/state.json", dir);
	struct nvsr_complaint complaint = { "" };
	int rc = path ? nvsr_snapshot_load(path, ret, &complaint) : -ENOMEM;

	if (!rc)
		return 0;
	if (rc == -ENOENT)
		nvsr_say("%s: is not there: no run directory, or its run ended before it changed anything", path);
	else
		nvsr_say("%s", complaint.text[0] ? complaint.text : strerror(-rc));
	return rc == -ENOMEM ? EXIT_INCOMPLETE : EXIT_USAGE;
}

int nvsr_rundir_read(const char *dir, struct nvsr_run *ret)
{
	struct stat st;
	bool folder = !stat(dir, &st) && S_ISDIR(st.st_mode);
	_cleanup_free_ char *path = nvsr_asprintf("%s%s", dir, folder ? "/journal.jsonl" : "");
	char complaint[512] = "";
	int rc = path ? nvsr_run_read(path, ret, complaint) : -ENOMEM;

	if (!rc)
		return 0;
	nvsr_say("%s", complaint[0] ? complaint : strerror(-rc));
	return EXIT_USAGE;
}
