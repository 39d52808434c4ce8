// SPDX-License-Identifier: GPL-2.0-or-later
/* A performance run's directory: the journal, then for every repeat that it says is ok the raw files, then the environment. */
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "result/perf_json.h"

#define JOURNAL_MAX (64u << 20)
#define RAW_MAX (16u << 20)
#define FACTS_MAX (1u << 20)

static bool has_journal(const char *dir, const char *below)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%sperf.jsonl", dir, below);
	struct stat st;

	return path && !stat(path, &st) && S_ISREG(st.st_mode);
}

bool nvsr_perf_is_run(const char *dir)
{
	return has_journal(dir, "") || nvsr_perf_is_together(dir);
}

bool nvsr_perf_is_together(const char *dir)
{
	return !has_journal(dir, "") && has_journal(dir, "1/");
}

/* As nvsr_read_file(), with a complaint. */
static int read_file(const char *path, size_t max, char **ret, size_t *ret_len, char *complaint)
{
	int rc = nvsr_read_file(path, max, ret, ret_len);

	if (rc)
		snprintf(complaint, NVSR_PERF_COMPLAINT, "%s: %s", path, strerror(-rc));
	return rc;
}

static int read_raw(const char *dir, const struct nvsr_perf_cell *c, unsigned number, struct nvsr_perf_repeat *r, char *complaint)
{
	_cleanup_free_ char *load = nvsr_asprintf("%s/raw/%s/%u.%s", dir, c->name, number, nvsr_perf_load_suffix(c->pattern));
	_cleanup_free_ char *text = NULL, *host_text = NULL;
	_cleanup_free_ char *host = nvsr_asprintf("%s/raw/%s/%u.host.json", dir, c->name, number);
	size_t len = 0;
	int rc;

	if (!load || !host)
		return -ENOMEM;
	/* Complaints name files as the reader of the report sees them: from the run directory on. */
	rc = read_file(load, RAW_MAX, &text, &len, complaint);
	if (!rc && nvsr_perf_is_database(c->pattern))
		rc = nvsr_perf_db_parse(text, len, load + strlen(dir) + 1, c->pattern, c->vms, r, complaint);
	else if (!rc)
		rc = nvsr_perf_fio_parse(text, len, load + strlen(dir) + 1, c->vms, r, complaint);
	if (!rc)
		rc = read_file(host, FACTS_MAX, &host_text, &len, complaint);
	return rc ? rc : nvsr_perf_host_parse(host_text, len, host + strlen(dir) + 1, r, complaint);
}

static void read_repeats(const char *dir, struct nvsr_perf_run *run)
{
	for (size_t i = 0; i < run->cells; i++) {
		for (unsigned n = 0; n < run->repeats; n++) {
			struct nvsr_perf_repeat *r = &run->cell[i].repeat[n];
			char complaint[NVSR_PERF_COMPLAINT] = "no memory";

			if (r->state != NVSR_PERF_OK || !read_raw(dir, &run->cell[i], n + 1, r, complaint))
				continue;
			r->state = NVSR_PERF_FAIL;
			free(r->reason);
			r->reason = nvsr_clean_text(complaint, strlen(complaint));
		}
	}
}

/* env.json is not ours to judge: what is not there or not readable stays unknown. */
static void read_environment(const char *dir, struct nvsr_perf_run *run)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/env.json", dir), *matrix = nvsr_asprintf("%s/matrix.yaml", dir), *text = NULL;
	const struct { const char *key; char **field; } texts[] = {
		{ "host", &run->host }, { "distribution", &run->distribution }, { "kernel", &run->kernel }, { "cpu", &run->cpu },
		{ "governor", &run->governor },
	};
	char complaint[NVSR_PERF_COMPLAINT];
	struct nvsr_perf_at at = { .file = "env.json", .parent = "", .complaint = complaint };
	size_t len = 0;
	json_t *o;
	uint64_t cpus = 0;

	if (path && !nvsr_read_file(path, FACTS_MAX, &text, &len)) {
		o = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(texts); i++)
			nvsr_perf_text(&at, o, texts[i].key, false, texts[i].field);
		nvsr_perf_integer(&at, o, "memory_bytes", 1, INT64_MAX, &run->memory_bytes);
		if (!run->cpus && !nvsr_perf_integer(&at, o, "cpus", 1, 1u << 16, &cpus))
			run->cpus = (unsigned)cpus;
		json_decref(o);
	}
	if (matrix && nvsr_read_file(matrix, FACTS_MAX, &run->matrix_text, &len))
		run->matrix_text = NULL;
}

/* What was put beside the run: nvsr-conform report RUN --capability DIR.  Of another device it says nothing. */
static void read_capability(const char *dir, struct nvsr_perf_run *run)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/capability.jsonl", dir);
	struct nvsr_capability t;
	char complaint[NVSR_PERF_COMPLAINT] = "no memory";
	const char *why = complaint;

	if (!path || access(path, F_OK))
		return;
	if (nvsr_capability_read(dir, &t, complaint)) {
		why += strncmp(why, dir, strlen(dir)) ? 0 : strlen(dir) + 1;
	} else if (nvsr_capability_is_of(&t, run->serial, complaint)) {
		run->capability = malloc(sizeof(t));
		if (run->capability) {
			*run->capability = t;
			return;
		}
		nvsr_capability_free(&t);
	} else {
		nvsr_capability_free(&t);
	}
	run->no_capability = nvsr_clean_text(why, strlen(why));
}

static int read_one(const char *dir, struct nvsr_perf_run *ret, char *complaint)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/perf.jsonl", dir), *text = NULL;
	struct nvsr_perf_run run = { 0 };
	size_t len = 0;
	int rc;

	snprintf(complaint, NVSR_PERF_COMPLAINT, "%s: no memory", dir);
	if (!path)
		return -ENOMEM;
	rc = read_file(path, JOURNAL_MAX, &text, &len, complaint);
	if (!rc)
		rc = nvsr_perf_journal_parse(text, len, path, &run, complaint);
	if (rc)
		return rc;
	read_repeats(dir, &run);
	read_environment(dir, &run);
	read_capability(dir, &run);
	nvsr_perf_count(&run);
	complaint[0] = '\0';
	*ret = run;
	return 0;
}

/* Of each device that has a folder, which it has before anything is measured. */
static int read_together(const char *dir, struct nvsr_perf_run *ret, char *complaint)
{
	struct nvsr_perf_run *run[NVSR_PERF_DEVICES_MOST] = { NULL };
	unsigned n = 0;
	int rc = 0;

	while (!rc && n < NVSR_PERF_DEVICES_MOST) {
		_cleanup_free_ char *below = nvsr_asprintf("%s/%u", dir, n + 1);

		if (!below || access(below, F_OK))
			break;
		run[n] = calloc(1, sizeof(**run));
		rc = run[n] ? read_one(below, run[n], complaint) : -ENOMEM;
		n++;
	}
	if (!rc)
		rc = nvsr_perf_combine(run, n, complaint);
	if (!rc) {
		*ret = *run[0];
		*run[0] = (struct nvsr_perf_run){ 0 };
	}
	while (n--) {
		if (run[n])
			nvsr_perf_free(run[n]);
		free(run[n]);
	}
	return rc;
}

int nvsr_perf_read(const char *dir, struct nvsr_perf_run *ret, char *complaint)
{
	return nvsr_perf_is_together(dir) ? read_together(dir, ret, complaint) : read_one(dir, ret, complaint);
}

void nvsr_perf_free(struct nvsr_perf_run *run)
{
	char **const texts[] = {
		&run->tool, &run->device, &run->model, &run->serial, &run->firmware, &run->profile, &run->time, &run->finished,
		&run->cmdline, &run->matrix, &run->title, &run->host, &run->distribution, &run->kernel, &run->cpu, &run->governor,
		&run->matrix_text, &run->no_capability,
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(texts); i++)
		free(*texts[i]);
	for (unsigned i = 0; i < run->places; i++) {
		free(run->place[i].who);
		free(run->place[i].cpu);
	}
	free(run->place);
	for (unsigned i = 0; i < run->verifies; i++) {
		free(run->verify[i].path);
		free(run->verify[i].reason);
	}
	free(run->verify);
	for (size_t i = 0; i < run->cells; i++) {
		for (unsigned n = 0; run->cell[i].repeat && n < run->repeats; n++)
			free(run->cell[i].repeat[n].reason);
		free(run->cell[i].repeat);
		free(run->cell[i].name);
		free(run->cell[i].path);
		free(run->cell[i].pattern);
	}
	free(run->cell);
	if (run->capability)
		nvsr_capability_free(run->capability);
	free(run->capability);
	*run = (struct nvsr_perf_run){ 0 };
}
