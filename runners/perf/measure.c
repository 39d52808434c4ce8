// SPDX-License-Identifier: GPL-2.0-or-later
/* Every path verified, then every cell measured, turn by turn; each result is on the disk before the next turn. */
#include <sys/ioctl.h>

#include "runners/perf/perf.h"

#define VERIFY_BYTES (16u << 20)
#define POLL_NS NVSR_MS
#define PLAIN_EVERY_NS (10 * NVSR_S)
#define TRIES 3			/* of a turn that came too late to be measured */

uint64_t nvsr_measure_grace_ns = 20 * NVSR_S;

/* --- progress -------------------------------------------------------------------------------------------------------------- */

struct progress {
	bool terminal;
	uint64_t started, last;
	size_t done, todo;
};

static void show(struct progress *p, const char *what)
{
	uint64_t now = nvsr_now_ns(), each = p->done ? (now - p->started) / p->done : 0;
	unsigned left = (unsigned)(each * (p->todo - p->done) / NVSR_S);
	struct winsize size = { 0 };
	char line[256], time[48] = "";

	if (!p->terminal && now - p->last < PLAIN_EVERY_NS)
		return;
	p->last = now;
	if (p->done)
		snprintf(time, sizeof(time), ", about %u:%02u left", left / 60, left % 60);
	snprintf(line, sizeof(line), "%zu done, %zu to do%s: %s", p->done, p->todo - p->done, time, what);
	if (!p->terminal) {
		fprintf(stderr, "%s\n", line);
		return;
	}
	if (!ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col > 1 && size.ws_col < sizeof(line))
		line[size.ws_col - 1] = '\0';
	fprintf(stderr, "\r\033[K%s", line);
}

static void clear(const struct progress *p)
{
	if (p->terminal)
		fputs("\r\033[K", stderr);
}

/* --- files of a turn ----------------------------------------------------------------------------------------------------------- */

static int put(const char *path, const void *data, size_t len)
{
	int rc = data ? nvsr_write_file(path, data, len) : -ENOMEM;

	if (rc)
		nvsr_say("%s: %s", path, strerror(-rc));
	return rc;
}

static int put_in(const struct nvsr_measuring *m, const char *folder, const char *stem, const char *suffix, const void *data, size_t len)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/raw/%s/%s%s", m->dir, folder, stem, suffix);

	return path ? put(path, data, len) : -ENOMEM;
}

static int log_it(const struct nvsr_measuring *m, json_t *o)
{
	int rc = nvsr_log_put(m->log, o);

	if (rc)
		nvsr_say("%s/perf.jsonl: %s", m->dir, strerror(-rc));
	return rc;
}

/* --- one fio ------------------------------------------------------------------------------------------------------------------- */

struct turn {
	struct nvsr_measuring *m;
	struct nvsr_job job;
	const char *folder, *stem;	/* raw/FOLDER/STEM.* */
	unsigned vms;
	uint64_t warm_up, window;	/* ns; window 0: nothing is sampled */
	char *reason;			/* why it failed */
	char *dead;			/* what the load needs and what is gone */
	char *note;			/* what readers should know, though it did not fail */
	bool ended, corrupt;
	bool lacks;			/* the host has not what it takes */
	bool late;			/* what failed is that whoever measures came too late */
	struct nvsr_sample sample[2];
};

/* Sleep until @until, in pieces.  False when there is nothing to wait for: fio or what it needs ended, or a signal came. */
static bool sleep_until(struct turn *t, uint64_t until, uint64_t step)
{
	struct nvsr_stage *s = t->m->stage;

	for (uint64_t now; !nvsr_stop && (now = nvsr_now_ns()) < until;) {
		nvsr_sleep_ns(NVSR_MIN(until - now, step), &nvsr_stop);
		if ((t->ended = s->ops->ended(s)))
			return false;
		if (!t->dead)
			t->dead = s->ops->dead(s);
		if (t->dead)
			return false;
	}
	return !nvsr_stop;
}

/* Keeps the window off the ends of the measured time, which we see a little later than they are. */
static uint64_t margin(const struct turn *t)
{
	return NVSR_MAX(t->window / 20, 5 * NVSR_MS);
}

/*
 * The first commands are seen: sample at both ends of a window inside the measured time.  On a host that is busy we may have seen them
 * late: half of the window does as well.
 */
static bool sample_window(struct turn *t)
{
	struct nvsr_stage *s = t->m->stage;
	uint64_t begin = nvsr_now_ns() + t->warm_up + margin(t), length = t->window - 2 * margin(t);
	bool sampled = false;

	if (!sleep_until(t, begin, 200 * NVSR_MS))
		return false;
	s->ops->sample(s, &t->sample[0]);
	for (unsigned quarter = 2; quarter <= 4 && sleep_until(t, begin + length / 4 * quarter, 200 * NVSR_MS); quarter++) {
		s->ops->sample(s, &t->sample[1]);
		sampled = true;
	}
	return sampled;
}

/*
 * When the load begins is not seen, only its end: sample all the time, and take two samples that lie before the end as far as
 * the window does.  fio needs @TAIL to end and to write its output.
 */
#define TRAIL 512
#define TAIL_NS (300 * NVSR_MS)
static bool sample_backwards(struct turn *t, uint64_t deadline)
{
	struct nvsr_stage *s = t->m->stage;
	struct nvsr_sample *ring = calloc(TRAIL, sizeof(*ring));
	uint64_t step = NVSR_MAX((t->window + TAIL_NS) / (TRAIL / 2), 20 * NVSR_MS), end;
	const struct nvsr_sample *last = NULL, *first = NULL;
	size_t n = 0;

	while (ring && !t->ended && nvsr_now_ns() < deadline) {
		s->ops->sample(s, &ring[n++ % TRAIL]);
		if (!sleep_until(t, nvsr_now_ns() + step, step) && !t->ended)
			break;
	}
	end = nvsr_now_ns();
	for (size_t i = n > TRAIL ? n - TRAIL : 0; t->ended && i < n; i++) {
		const struct nvsr_sample *x = &ring[i % TRAIL];

		if (!first && x->at + TAIL_NS + t->window >= end + margin(t))
			first = x;
		if (x->at + TAIL_NS + margin(t) <= end)
			last = x;
	}
	if (first && last && last->at > first->at) {
		t->sample[0] = *first;
		t->sample[1] = *last;
	} else {
		first = NULL;
	}
	free(ring);
	return first != NULL;
}

static bool sample_load(struct turn *t, uint64_t deadline)
{
	struct nvsr_stage *s = t->m->stage;
	int begun;

	while (!(begun = s->ops->begun(s)))
		if (nvsr_now_ns() > deadline || !sleep_until(t, nvsr_now_ns() + POLL_NS, POLL_NS))
			return false;
	return begun > 0 ? sample_window(t) : sample_backwards(t, deadline);
}

/* How long a database takes to load is its own: the whole of it. */
static bool sample_whole(struct turn *t, uint64_t deadline)
{
	struct nvsr_stage *s = t->m->stage;

	s->ops->sample(s, &t->sample[0]);
	while (!t->ended && nvsr_now_ns() < deadline)
		if (!sleep_until(t, nvsr_now_ns() + 5 * NVSR_MS, 5 * NVSR_MS) && !t->ended)
			return false;
	s->ops->sample(s, &t->sample[1]);
	return t->ended;
}

static bool is_database(const struct turn *t)
{
	return nvsr_pattern_is_database(t->job.cell->pattern) && !t->job.verify_bytes;
}

/* What reports cannot read is no result.  NULL, or malloc'd why. */
static char *judge_numbers(const struct turn *t, const char *text, size_t len)
{
	struct nvsr_perf_repeat r = { 0 };
	char complaint[512] = "";
	int rc = is_database(t) ? nvsr_perf_db_parse(text, len, "db_bench", nvsr_pattern_name(t->job.cell->pattern), t->vms, &r, complaint)
				: nvsr_perf_fio_parse(text, len, "fio", t->vms, &r, complaint);

	free(r.reason);
	return rc ? strdup(complaint[0] ? complaint : strerror(-rc)) : NULL;
}

/* Why the turn failed goes into t->reason: the end of what fio needs explains more than what fio makes of it. */
static void judge(struct turn *t, const struct nvsr_said *said, bool sampled)
{
	bool corrupt = said->corrupt;

	if (!t->dead)
		t->dead = t->m->stage->ops->dead(t->m->stage);
	if (t->dead) {
		free(t->reason);
		t->reason = t->dead;
		t->dead = NULL;
	}
	if (!t->reason)
		t->reason = is_database(t) ? nvsr_database_judge(said->json, said->status, said->err)
					   : nvsr_fio_judge(said->json, said->status, said->err, &t->corrupt);
	if (!t->reason && t->window)
		t->reason = judge_numbers(t, said->json, said->json_len);
	if (!t->reason && t->window && !sampled) {
		t->reason = strdup("fio ended before the sampling window did");
		t->late = true;
	}
	t->corrupt |= corrupt;
}

/* fio from its start to its end.  0, -EINTR, or an error of the run directory; why the turn failed is in t->reason. */
static int run_fio(struct turn *t, const char *file, const char *text)
{
	struct nvsr_stage *s = t->m->stage;
	struct nvsr_complaint complaint = { "" };
	_cleanup_free_ char *host = NULL;
	struct nvsr_said said = { 0 };
	uint64_t started, deadline;
	double overlap = 1;
	bool sampled = false;
	int rc = s->ops->start(s, &t->job, file, text, &complaint);

	started = nvsr_now_ns();	/* after what had to be made ready, or waited for */
	deadline = started + t->warm_up + t->window + nvsr_measure_grace_ns;
	if (rc) {
		t->reason = strdup(complaint.text[0] ? complaint.text : strerror(-rc));
		return nvsr_stop ? -EINTR : 0;
	}
	if (is_database(t))
		deadline = started + t->window + nvsr_database_limit_ns(t->job.namespace_bytes);
	if (t->window)
		sampled = is_database(t) ? sample_whole(t, deadline) : sample_load(t, deadline);
	while (!t->ended && !nvsr_stop && !t->dead && nvsr_now_ns() < deadline)
		sleep_until(t, nvsr_now_ns() + 2 * POLL_NS, 2 * POLL_NS);
	if (!t->ended && !nvsr_stop && !t->dead)
		t->reason = nvsr_asprintf("%s did not end within %llu s", is_database(t) ? "db_bench" : "fio", (unsigned long long)((deadline - started) / NVSR_S));
	if (t->ended && t->vms > 1 && t->window && s->ops->overlap)
		t->sample[1].overlap = overlap = s->ops->overlap(s, &t->job);
	s->ops->finish(s, &said);
	if (!nvsr_stop)
		judge(t, &said, sampled);
	/* Of VMs that all did what they should. */
	if (!t->reason && overlap < NVSR_PERF_LEAST_OVERLAP) {
		t->reason = nvsr_asprintf("not measured together: all VMs had load in %.0f %% of the time that any had, less than %.0f %%",
					  overlap * 100, NVSR_PERF_LEAST_OVERLAP * 100);
		t->late = true;
	}
	rc = nvsr_stop ? -EINTR : put_in(t->m, t->folder, t->stem, is_database(t) ? ".db.txt" : ".json", said.json, said.json_len);
	if (!rc && t->reason)
		rc = put_in(t->m, t->folder, t->stem, ".err", said.err, said.err_len);
	if (!rc && sampled && !t->reason) {
		host = nvsr_sample_text(&t->sample[0], &t->sample[1], t->m->placement->cpus, s->ops->roles(s));
		rc = put_in(t->m, t->folder, t->stem, ".host.json", host, host ? strlen(host) : 0);
	}
	free(said.json);
	free(said.err);
	t->note = said.note;
	return rc;
}

static int run_turn(struct turn *t)
{
	struct nvsr_measuring *m = t->m;
	struct nvsr_stage *s = m->stage;
	_cleanup_free_ char *text = NULL, *folder = nvsr_asprintf("%s/raw/%s", m->dir, t->folder);
	_cleanup_free_ char *file = folder ? nvsr_asprintf("%s/%s.%s", folder, t->stem, is_database(t) ? "sh" : "fio") : NULL;
	struct nvsr_complaint complaint = { "" };
	int rc = folder && file ? nvsr_mkdirs(folder) : -ENOMEM;

	if (rc) {
		nvsr_say("%s: %s", folder ? folder : m->dir, strerror(-rc));
		return rc;
	}
	rc = s->ops->ready(s, &t->job, &complaint);
	if (rc) {
		t->corrupt = rc == -EBADMSG;
		t->lacks = rc == -ENOTSUP;
		t->reason = strdup(complaint.text[0] ? complaint.text : strerror(-rc));
		if (!nvsr_stop)
			s->ops->drop(s, folder);
		return nvsr_stop ? -EINTR : 0;
	}
	t->job.warm_up_ms = m->matrix->warm_up_ms;
	t->job.run_ms = m->matrix->run_ms;
	t->job.namespace_bytes = m->matrix->namespace_bytes;
	text = s->ops->job(s, &t->job);
	rc = put(file, text, text ? strlen(text) : 0);
	if (!rc)
		rc = run_fio(t, file, text);
	if (!rc && t->reason)
		s->ops->drop(s, folder);
	free(t->dead);
	return rc;
}

/* --- verification -------------------------------------------------------------------------------------------------------------- */

/* What is known of each path of nvsr_data_paths. */
struct paths { bool used[NVSR_DATA_PATHS_MAX], lacks[NVSR_DATA_PATHS_MAX]; char *bad[NVSR_DATA_PATHS_MAX]; };

static int log_verify(const struct nvsr_measuring *m, const struct nvsr_data_path *p, const char *result, const char *reason, bool corrupt,
		      uint64_t bytes)
{
	json_t *o = json_pack("{s:s,s:s,s:s,s:s,s:I}", "event", "verify", "path", p->name, "result", result, "reason", reason ? reason : "",
			      "bytes", (json_int_t)bytes);

	if (corrupt)
		json_object_set_new(o, "corrupt", json_true());
	return log_it(m, o);
}

static int verify_path(struct nvsr_measuring *m, const struct nvsr_data_path *p, struct progress *progress, char **ret_bad,
		       bool *ret_lacks)
{
	const struct nvsr_cell cell = { .path = p, .block = NVSR_BLOCK_MIN, .depth = 32, .jobs = 1, .vms = 1 };
	uint64_t bytes = NVSR_MIN((uint64_t)VERIFY_BYTES, m->matrix->namespace_bytes);
	struct turn t = { .m = m, .job = { .cell = &cell, .seed = m->seed, .verify_bytes = bytes }, .folder = "verify", .stem = p->name,
			  .vms = 1 };
	const char *lacks = nvsr_lacks(m->stage, p);
	int rc;

	if (lacks) {
		*ret_bad = strdup(lacks);
		return log_verify(m, p, "skip", lacks, false, 0);
	}
	show(progress, p->name);
	rc = run_turn(&t);
	if (rc)
		return rc;
	if (t.reason) {
		clear(progress);
		nvsr_say("%s: %s: %s", p->name, t.corrupt ? "returns wrong data" : t.lacks ? "skipped" : "cannot be verified", t.reason);
		m->corrupt |= t.corrupt;
		*ret_lacks = t.lacks;
		*ret_bad = nvsr_asprintf("%s%s", t.lacks ? "" : "verification: ", t.reason);
	}
	rc = log_verify(m, p, t.lacks ? "skip" : t.reason ? "fail" : "ok", t.reason ? t.reason : t.note, t.corrupt, t.reason ? 0 : t.job.verify_bytes);
	if (!t.reason && t.note) {
		clear(progress);
		nvsr_say("note: %s: %s", p->name, t.note);
	}
	free(t.reason);
	free(t.note);
	return rc;
}

/* --- cells ------------------------------------------------------------------------------------------------------------------------- */

static int log_cell(struct nvsr_measuring *m, const char *cell, const struct nvsr_turn *turn, const char *result, const char *reason,
		    uint64_t ns)
{
	m->ok += !strcmp(result, "ok");
	m->bad += !strcmp(result, "fail");
	m->skipped += !strcmp(result, "skip");
	return log_it(m, json_pack("{s:s,s:s,s:i,s:s,s:s,s:I}", "event", "cell", "cell", cell, "repeat", (int)turn->repeat, "result",
				   result, "reason", reason ? reason : "", "ms", (json_int_t)(ns / NVSR_MS)));
}

/*
 * A host that has much else to do may be late with its samples, or with the last of the guests: that says nothing of the path, and is
 * done again.  Not where other devices have the same load at the same time, who would not have it again.
 */
static int run_cell(struct turn *t, struct progress *progress)
{
	const struct turn fresh = *t;
	int rc;

	for (unsigned n = 1; !(rc = run_turn(t)) && t->late && n < TRIES && nvsr_together_devices() == 1; n++) {
		clear(progress);
		nvsr_say("%s, repeat %s: %s; once more", t->folder, t->stem, t->reason);
		free(t->reason);
		free(t->note);
		*t = fresh;
	}
	return rc;
}

static int measure_cell(struct nvsr_measuring *m, const struct nvsr_turn *turn, const struct paths *paths, struct progress *progress)
{
	const struct nvsr_cell *c = &m->matrix->cell[turn->cell];
	size_t p = (size_t)(c->path - nvsr_data_paths);
	const char *lacks = nvsr_cell_lacks(m->stage, c), *bad = lacks ? lacks : paths->bad[p];
	uint64_t begin = nvsr_now_ns();
	char name[NVSR_CELL_NAME], stem[16];
	struct turn t = { .m = m, .job = { .cell = c, .seed = m->seed + turn->repeat }, .folder = name, .stem = stem, .vms = c->vms };
	int rc;

	nvsr_cell_name(c, name);
	snprintf(stem, sizeof(stem), "%u", turn->repeat);
	if (bad)
		return log_cell(m, name, turn, lacks || paths->lacks[p] ? "skip" : "fail", bad, 0);
	show(progress, name);
	t.warm_up = m->matrix->warm_up_ms * NVSR_MS;
	t.window = m->matrix->run_ms * NVSR_MS;
	rc = run_cell(&t, progress);
	if (!rc && t.reason) {
		clear(progress);
		nvsr_say("%s, repeat %u: %s", name, turn->repeat, t.reason);
	}
	if (!rc)
		rc = log_cell(m, name, turn, t.reason ? "fail" : "ok", t.reason, nvsr_now_ns() - begin);
	free(t.reason);
	free(t.note);
	return rc;
}

static bool is_done(const struct nvsr_measuring *m, const struct nvsr_turn *t)
{
	char name[NVSR_CELL_NAME];

	return m->before && nvsr_log_has(m->before, nvsr_cell_name(&m->matrix->cell[t->cell], name), t->repeat);
}

int nvsr_measure(struct nvsr_measuring *m)
{
	size_t turns = m->matrix->count * m->matrix->repeats;
	_cleanup_free_ struct nvsr_turn *turn = nvsr_order(m->matrix, m->seed);
	struct progress progress = { .terminal = isatty(STDERR_FILENO), .started = nvsr_now_ns() };
	struct paths paths = { .used = { false } };
	int rc = turn ? 0 : -ENOMEM;

	progress.last = progress.started;
	for (size_t i = 0; !rc && i < turns; i++)
		if (!is_done(m, &turn[i])) {
			const struct nvsr_cell *c = &m->matrix->cell[turn[i].cell];

			/* Skipped as a whole it says so; what only its databases lack is said with their cells. */
			paths.used[c->path - nvsr_data_paths] |= nvsr_lacks(m->stage, c->path) || !nvsr_cell_lacks(m->stage, c);
			progress.todo += !nvsr_cell_lacks(m->stage, c);
		}
	for (size_t i = 0; !rc && i < nvsr_data_path_count; i++)
		if (paths.used[i])
			rc = verify_path(m, &nvsr_data_paths[i], &progress, &paths.bad[i], &paths.lacks[i]);
	progress.started = nvsr_now_ns();
	for (size_t i = 0; !rc && i < turns; i++) {
		if (is_done(m, &turn[i]))
			continue;
		nvsr_together_before((uint32_t)i + 2);
		rc = nvsr_stop ? -EINTR : measure_cell(m, &turn[i], &paths, &progress);
		progress.done += !rc && !nvsr_cell_lacks(m->stage, &m->matrix->cell[turn[i].cell]);
	}
	clear(&progress);
	for (size_t i = 0; i < nvsr_data_path_count; i++)
		free(paths.bad[i]);
	return rc;
}
