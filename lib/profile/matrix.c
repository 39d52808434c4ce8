// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading and checking matrices.  As with profiles, libcyaml reads every scalar as text, and values are converted here, so that
 * each complaint names file, line, column and field, and says what was expected.
 */
#include <ctype.h>
#include <stdarg.h>

#include "config.h"
#include "base/text.h"
#include "profile/matrix.h"
#include "profile/yaml.h"

#define MATRIX_VERSION 1
#define LIST_MAX 64	/* values of one list */
#define GRIDS_MAX 32
#define CELLS_MAX 20000

/* --- paths and patterns --------------------------------------------------------------------------------------------------- */

const struct nvsr_data_path nvsr_data_paths[] = {
	{ "bare-metal", false, "interrupt", NVSR_BACK_END_NONE, NULL },
	{ "bare-metal-polled", false, "polled", NVSR_BACK_END_NONE, NULL },
	{ "passthrough", true, "interrupt", NVSR_BACK_END_NONE, NULL },
	{ "passthrough-polled", true, "polled", NVSR_BACK_END_NONE, NULL },
	{ "virtio-ns", true, "virtio", NVSR_BACK_END_KICK, NULL },
	{ "vhost-user-blk", true, "vhost", NVSR_BACK_END_POLL, NULL },
	{ "virtio-ns-writethrough", true, NULL, NVSR_BACK_END_NONE, "needs a host with QEMU, whose page cache is used" },
	{ "virtio-ns-uring", true, NULL, NVSR_BACK_END_NONE, "needs a host with QEMU and io_uring" },
	{ "vhost-user-blk-nvme", true, NULL, NVSR_BACK_END_NONE, "needs a host with qemu-storage-daemon and VFIO" },
	{ "vhost-user-socket", true, NULL, NVSR_BACK_END_NONE, "needs a host, and a back end there (--vhost-socket)" },
	{ "virtio-qcow2", true, NULL, NVSR_BACK_END_NONE, "needs a host with QEMU: a qcow2 image in the namespace" },
	{ "virtio-qcow2-writethrough", true, NULL, NVSR_BACK_END_NONE, "needs a host with QEMU, whose page cache is used" },
	{ "virtio-qcow2-uring", true, NULL, NVSR_BACK_END_NONE, "needs a host with QEMU and io_uring" },
	{ "vhost-scsi", true, NULL, NVSR_BACK_END_NONE, "needs a host with the kernel's target (LIO) and vhost-scsi" },
	{ "emulated-nvme", true, NULL, NVSR_BACK_END_NONE, "needs a host with QEMU and its nvme device" },
	{ "nvmeof-tcp", true, NULL, NVSR_BACK_END_NONE, "needs a host with the kernel's nvmet-tcp and nvme-tcp" },
	{ "nvmeof-tcp-partner", true, NULL, NVSR_BACK_END_NONE, "needs a host with the kernel's nvmet-tcp, nvme-tcp and network namespaces" },
	{ "iscsi", true, NULL, NVSR_BACK_END_NONE, "needs a host with the kernel's target (LIO) and an iSCSI initiator" },
	{ "iscsi-partner", true, NULL, NVSR_BACK_END_NONE, "needs a host with the kernel's target (LIO), an iSCSI initiator and network namespaces" },
};
const size_t nvsr_data_path_count = NVSR_ARRAY_SIZE(nvsr_data_paths);
_Static_assert(NVSR_ARRAY_SIZE(nvsr_data_paths) <= NVSR_DATA_PATHS_MAX, "more paths than have room");

const struct nvsr_data_path *nvsr_data_path_find(const char *name)
{
	for (size_t i = 0; i < nvsr_data_path_count; i++)
		if (!strcmp(nvsr_data_paths[i].name, name))
			return &nvsr_data_paths[i];
	return NULL;
}

/* read_percent < 0: a mix, half and half where the file does not say. */
static const struct { const char *name; int read_percent; } patterns[] = {
	[NVSR_PATTERN_READ] = { "read", 100 }, [NVSR_PATTERN_WRITE] = { "write", 0 }, [NVSR_PATTERN_RW] = { "rw", -50 },
	[NVSR_PATTERN_RANDREAD] = { "randread", 100 }, [NVSR_PATTERN_RANDWRITE] = { "randwrite", 0 },
	[NVSR_PATTERN_RANDRW] = { "randrw", -50 }, [NVSR_PATTERN_BULKLOAD] = { "bulkload", 0 },
	[NVSR_PATTERN_READWHILEMERGING] = { "readwhilemerging", 100 },
};

const char *nvsr_pattern_name(enum nvsr_pattern p)
{
	return patterns[p].name;
}

bool nvsr_pattern_find(const char *name, enum nvsr_pattern *ret)
{
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(patterns); i++)
		if (!strcmp(patterns[i].name, name)) {
			*ret = (enum nvsr_pattern)i;
			return true;
		}
	return false;
}

bool nvsr_pattern_is_mix(enum nvsr_pattern p)
{
	return patterns[p].read_percent < 0;
}

bool nvsr_pattern_is_sequential(enum nvsr_pattern p)
{
	return p <= NVSR_PATTERN_RW;
}

bool nvsr_pattern_is_database(enum nvsr_pattern p)
{
	return p >= NVSR_PATTERN_BULKLOAD;
}

/* --- sizes and names -------------------------------------------------------------------------------------------------------- */

char *nvsr_size_text(uint64_t bytes, char *buf, size_t len)
{
	static const char unit[] = "\0kmgt";
	unsigned u = 0;

	for (; bytes && bytes % 1024 == 0 && u < 4; u++)
		bytes /= 1024;
	snprintf(buf, len, "%llu%.1s", (unsigned long long)bytes, &unit[u]);
	return buf;
}

bool nvsr_size_parse(const char *s, uint64_t *ret)
{
	static const char units[] = "kmgt";
	char *end;
	const char *u;
	unsigned long long v;
	unsigned shift;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno || !isdigit((unsigned char)*s))
		return false;
	u = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
	if (*end && (!u || (end[1] && strcasecmp(end + 1, "ib") && strcasecmp(end + 1, "b"))))
		return false;
	shift = u ? (unsigned)(u - units + 1) * 10 : 0;
	if (v > UINT64_MAX >> shift)
		return false;
	*ret = (uint64_t)v << shift;
	return true;
}

char *nvsr_cell_name(const struct nvsr_cell *c, char buf[NVSR_CELL_NAME])
{
	char block[24], share[8] = "";

	if (nvsr_pattern_is_mix(c->pattern))
		snprintf(share, sizeof(share), "%u", c->read_percent);
	snprintf(buf, NVSR_CELL_NAME, "%s.%s%s.%s.qd%u.j%u.v%u", c->path->name, nvsr_pattern_name(c->pattern), share,
		 nvsr_size_text(c->block, block, sizeof(block)), c->depth, c->jobs, c->vms);
	return buf;
}

bool nvsr_cell_same_load(const struct nvsr_cell *a, const struct nvsr_cell *b)
{
	return a->pattern == b->pattern && a->read_percent == b->read_percent && a->block == b->block && a->depth == b->depth &&
	       a->jobs == b->jobs && a->vms == b->vms;
}

/* --- the file as text --------------------------------------------------------------------------------------------------- */

struct raw_pattern { char *pattern, *read_percent; };
struct raw_lists {
	char **paths, **blocks, **depths, **jobs, **vms;
	struct raw_pattern *patterns;
	unsigned paths_count, blocks_count, depths_count, jobs_count, vms_count, patterns_count;
};
struct raw_grid { char *title; struct raw_lists lists; };
struct raw {
	char *version, *title, *repeats, *warm_up_ms, *run_ms, *namespace_bytes;
	struct raw_lists lists;
	struct raw_grid *grids;
	unsigned grids_count;
};

#define OPTIONAL (CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL)
#define TEXT_FIELD(key, type, member) CYAML_FIELD_STRING_PTR(key, OPTIONAL, type, member, 0, CYAML_UNLIMITED),
#define LIST_FIELD(key, type, member, value) CYAML_FIELD_SEQUENCE(key, OPTIONAL, type, member, &value, 1, LIST_MAX),
#define LIST_FIELDS(type) \
	LIST_FIELD("paths", type, lists.paths, text_value) LIST_FIELD("patterns", type, lists.patterns, pattern_value) \
	LIST_FIELD("block-sizes", type, lists.blocks, text_value) LIST_FIELD("depths", type, lists.depths, text_value) \
	LIST_FIELD("jobs", type, lists.jobs, text_value) LIST_FIELD("vms", type, lists.vms, text_value)

static const cyaml_schema_value_t text_value = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED) };
static const cyaml_schema_field_t pattern_fields[] = {
	TEXT_FIELD("pattern", struct raw_pattern, pattern)
	TEXT_FIELD("read-percent", struct raw_pattern, read_percent)
	CYAML_FIELD_END
};
static const cyaml_schema_value_t pattern_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_pattern, pattern_fields)
};
static const cyaml_schema_field_t grid_fields[] = {
	TEXT_FIELD("title", struct raw_grid, title)
	LIST_FIELDS(struct raw_grid)
	CYAML_FIELD_END
};
static const cyaml_schema_value_t grid_value = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_grid, grid_fields) };
static const cyaml_schema_field_t top_fields[] = {
	TEXT_FIELD("version", struct raw, version)
	TEXT_FIELD("title", struct raw, title)
	TEXT_FIELD("repeats", struct raw, repeats)
	TEXT_FIELD("warm-up-ms", struct raw, warm_up_ms)
	TEXT_FIELD("run-ms", struct raw, run_ms)
	TEXT_FIELD("namespace-bytes", struct raw, namespace_bytes)
	LIST_FIELDS(struct raw)
	CYAML_FIELD_SEQUENCE("grids", OPTIONAL, struct raw, grids, &grid_value, 1, GRIDS_MAX),
	CYAML_FIELD_END
};
static const cyaml_schema_value_t top_value = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, top_fields) };

/* --- from text to values ---------------------------------------------------------------------------------------------------- */

static int complain(const char *path, struct nvsr_place at, const char *field, struct nvsr_complaint *complaint, const char *fmt,
		    ...) NVSR_PRINTF(5, 6);
static int complain(const char *path, struct nvsr_place at, const char *field, struct nvsr_complaint *complaint, const char *fmt,
		    ...)
{
	char text[480];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(complaint->text, sizeof(complaint->text), "%s:%u:%u: %s: %s", path, at.line, at.col, field, text);
	return -EINVAL;
}

struct value { uint64_t v; struct nvsr_place at; };
struct values { unsigned n; struct value item[LIST_MAX]; };
struct loads { unsigned n; struct { enum nvsr_pattern pattern; unsigned read_percent; } item[LIST_MAX]; };
struct grid { struct values paths, blocks, depths, jobs, vms; struct loads loads; };

enum number_kind { COUNT, SIZE };

/* A number as the file may write it; the complaint says what would do. */
static int convert(const char *s, enum number_kind kind, uint64_t least, uint64_t most, uint64_t *ret, char *ret_wrong, size_t len)
{
	char a[24], b[24];
	uint64_t v;

	if (!nvsr_size_parse(s, &v) || (kind == COUNT && s[strspn(s, "0123456789")])) {
		snprintf(ret_wrong, len, "expected a whole number%s, found '%s'", kind == SIZE ? ", or one with K, M, G or T" : "", s);
		return -EINVAL;
	}
	if (v < least || v > most) {
		if (kind == SIZE)
			snprintf(ret_wrong, len, "expected %s to %s, found %s", nvsr_size_text(least, a, sizeof(a)),
				 nvsr_size_text(most, b, sizeof(b)), s);
		else
			snprintf(ret_wrong, len, "expected %llu to %llu, found %s", (unsigned long long)least,
				 (unsigned long long)most, s);
		return -EINVAL;
	}
	*ret = v;
	return 0;
}

/* Lists of a grid; @path is looked up, the others are numbers. */
static const struct list {
	const char *key;
	size_t raw, raw_count;		/* in struct raw_lists */
	size_t values;			/* in struct grid */
	enum number_kind kind;
	uint64_t least, most, multiple;
	uint64_t otherwise;		/* where no list is given; 0: one must be */
} lists[] = {
#define LIST(key, member, ...) \
	{ key, offsetof(struct raw_lists, member), offsetof(struct raw_lists, member##_count), offsetof(struct grid, member), __VA_ARGS__ }
	LIST("block-sizes", blocks, SIZE, NVSR_BLOCK_MIN, NVSR_BLOCK_MAX, 4096, 0),
	LIST("depths", depths, COUNT, 1, NVSR_DEPTH_MAX, 1, 0),
	LIST("jobs", jobs, COUNT, 1, NVSR_JOBS_MAX, 1, 1),
	LIST("vms", vms, COUNT, 1, NVSR_VMS_MAX, 1, 1),
};

/* A list as it stands in grid @nr, or, where that has none, on the top level. */
struct source {
	const struct nvsr_yaml *y;
	const struct raw *raw;
	unsigned nr;	/* of the grid */
};

static unsigned list_count(const struct raw_lists *l, size_t count)
{
	return *(const unsigned *)((const char *)l + count);
}

/* Which lists are meant; *ret_section and *ret_nth say where their key is written. */
static const struct raw_lists *choose(const struct source *s, size_t count, const char **ret_section, unsigned *ret_nth)
{
	*ret_nth = 0;
	*ret_section = NULL;
	if (!s->raw->grids_count || !list_count(&s->raw->grids[s->nr].lists, count))
		return &s->raw->lists;
	*ret_section = "grids";
	for (unsigned i = 0; i < s->nr; i++)
		*ret_nth += list_count(&s->raw->grids[i].lists, count) != 0;
	return &s->raw->grids[s->nr].lists;
}

static struct nvsr_place place_of(const struct source *s, const char *section, const char *key, unsigned nth, const char *value)
{
	struct nvsr_place p;

	nvsr_yaml_where_value(s->y, section, key, nth, value, &p.line, &p.col);
	return p;
}

static int missing(const struct source *s, const char *key, const char *expected, struct nvsr_complaint *complaint)
{
	struct nvsr_place at = { 1, 1 };
	char where[32] = "";

	if (s->raw->grids_count) {
		nvsr_yaml_where(s->y, NULL, "grids", 0, &at.line, &at.col);
		snprintf(where, sizeof(where), " in grid %u", s->nr + 1);
	}
	return complain(s->y->path, at, key, complaint, "expected %s%s, found nothing", expected, where);
}

static bool only_databases(const struct loads *l)
{
	for (unsigned i = 0; i < l->n; i++)
		if (!nvsr_pattern_is_database(l->item[i].pattern))
			return false;
	return true;
}

static int read_numbers(const struct source *s, const struct list *l, struct grid *g, struct nvsr_complaint *complaint)
{
	struct values *to = (struct values *)((char *)g + l->values);
	const char *section;
	unsigned nth;
	const struct raw_lists *raw = choose(s, l->raw_count, &section, &nth);
	char *const *text = *(char **const *)((const char *)raw + l->raw);
	char wrong[160], step[24];

	to->n = list_count(raw, l->raw_count);
	if (!to->n && !l->otherwise && !only_databases(&g->loads))
		return missing(s, l->key, "a list", complaint);
	if (!to->n) {
		to->n = 1;
		to->item[0] = (struct value){ .v = l->otherwise ? l->otherwise : l->least, .at = { 1, 1 } };
		return 0;
	}
	for (unsigned i = 0; i < to->n; i++) {
		const char *t = text[i] ? text[i] : "";
		struct value *v = &to->item[i];

		v->at = place_of(s, section, l->key, nth, t);
		if (convert(t, l->kind, l->least, l->most, &v->v, wrong, sizeof(wrong)))
			return complain(s->y->path, v->at, l->key, complaint, "%s", wrong);
		if (v->v % l->multiple)
			return complain(s->y->path, v->at, l->key, complaint, "expected a multiple of %s, found %s",
					nvsr_size_text(l->multiple, step, sizeof(step)), t);
	}
	return 0;
}

static void name_paths(char *buf, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < nvsr_data_path_count && n < len; i++)
		n += (size_t)snprintf(buf + n, len - n, "%s%s", i ? ", " : "", nvsr_data_paths[i].name);
}

static int read_paths(const struct source *s, struct grid *g, struct nvsr_complaint *complaint)
{
	const char *section;
	unsigned nth;
	const struct raw_lists *raw = choose(s, offsetof(struct raw_lists, paths_count), &section, &nth);
	char known[448];

	name_paths(known, sizeof(known));
	if (!raw->paths_count)
		return missing(s, "paths", "a list", complaint);
	for (unsigned i = 0; i < raw->paths_count; i++) {
		const char *t = raw->paths[i] ? raw->paths[i] : "";
		const struct nvsr_data_path *p = nvsr_data_path_find(t);
		struct value *v = &g->paths.item[i];

		v->at = place_of(s, section, "paths", nth, t);
		if (!p)
			return complain(s->y->path, v->at, "paths", complaint, "no path is called '%.40s', expected one of %s", t, known);
		v->v = (uint64_t)(p - nvsr_data_paths);
	}
	g->paths.n = raw->paths_count;
	return 0;
}

static int read_loads(const struct source *s, struct grid *g, struct nvsr_complaint *complaint)
{
	const char *section;
	unsigned nth;
	const struct raw_lists *raw = choose(s, offsetof(struct raw_lists, patterns_count), &section, &nth);
	char wrong[160];

	if (!raw->patterns_count)
		return missing(s, "patterns", "a list of { pattern: … }", complaint);
	for (unsigned i = 0; i < raw->patterns_count; i++) {
		const struct raw_pattern *r = &raw->patterns[i];
		const char *t = r->pattern ? r->pattern : "";
		struct nvsr_place at = place_of(s, section, "patterns", nth, t);
		enum nvsr_pattern p;
		uint64_t share;

		if (!nvsr_pattern_find(t, &p))
			return complain(s->y->path, at, "patterns", complaint,
					"entry %u: pattern: expected read, write, rw, randread, randwrite, randrw, bulkload or "
					"readwhilemerging, found '%s'", i + 1,
					r->pattern ? r->pattern : "nothing");
		share = (uint64_t)abs(patterns[p].read_percent);
		if (r->read_percent) {
			at = place_of(s, section, "patterns", nth, r->read_percent);
			if (!nvsr_pattern_is_mix(p))
				return complain(s->y->path, at, "patterns", complaint, "entry %u: read-percent: %s is no mix, "
						"expected rw or randrw", i + 1, t);
			if (convert(r->read_percent, COUNT, 1, 99, &share, wrong, sizeof(wrong)))
				return complain(s->y->path, at, "patterns", complaint, "entry %u: read-percent: %s", i + 1, wrong);
		}
		g->loads.item[i].pattern = p;
		g->loads.item[i].read_percent = (unsigned)share;
	}
	g->loads.n = raw->patterns_count;
	return 0;
}

/* --- from lists to cells ------------------------------------------------------------------------------------------------------ */

static int add_cell(struct nvsr_matrix *m, const struct nvsr_cell *c)
{
	struct nvsr_cell *more;

	/* Room grows by powers of two. */
	if (!(m->count & (m->count - 1))) {
		more = realloc(m->cell, (m->count ? m->count * 2 : 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		m->cell = more;
	}
	m->cell[m->count++] = *c;
	return 0;
}

static int add_loads(struct nvsr_matrix *m, const struct grid *g, struct nvsr_cell *c)
{
	int rc = 0;

	for (unsigned p = 0; p < g->paths.n; p++) {
		c->path = &nvsr_data_paths[g->paths.item[p].v];
		c->at[NVSR_CELL_PATH] = g->paths.item[p].at;
		/* The PF is the host's own: there is no second one for another VM.  Databases are in VMs. */
		if (!c->path->vf && (c->vms > 1 || nvsr_pattern_is_database(c->pattern)))
			continue;
		rc = add_cell(m, c);
		if (rc)
			return rc;
	}
	return rc;
}

/* A database makes its I/Os itself: block size is its own, jobs are its threads, of which one loads it. */
static void as_database(struct nvsr_cell *c)
{
	if (!nvsr_pattern_is_database(c->pattern))
		return;
	c->block = NVSR_BLOCK_MIN;
	c->depth = 1;
	if (c->pattern == NVSR_PATTERN_BULKLOAD)
		c->jobs = 1;
}

/* The other five, outermost first; paths are innermost so that what is compared stands together. */
static int add_grid(struct nvsr_matrix *m, const struct grid *g)
{
	const struct { const struct values *from; enum nvsr_cell_field field; } axis[] = {
		{ &g->blocks, NVSR_CELL_BLOCK }, { &g->jobs, NVSR_CELL_JOBS }, { &g->vms, NVSR_CELL_VMS },
		{ &g->depths, NVSR_CELL_DEPTH },
	};
	size_t total = (size_t)g->loads.n * g->blocks.n * g->depths.n * g->jobs.n * g->vms.n;
	int rc = total > CELLS_MAX ? -E2BIG : 0;

	for (size_t i = 0; !rc && i < total; i++) {
		struct nvsr_cell c = { 0 };
		size_t left = i;
		unsigned at[NVSR_ARRAY_SIZE(axis)];

		for (size_t a = NVSR_ARRAY_SIZE(axis); a--; left /= axis[a].from->n) {
			at[a] = (unsigned)(left % axis[a].from->n);
			c.at[axis[a].field] = axis[a].from->item[at[a]].at;
		}
		c.pattern = g->loads.item[left].pattern;
		c.read_percent = g->loads.item[left].read_percent;
		c.block = (uint32_t)g->blocks.item[at[0]].v;
		c.jobs = (unsigned)g->jobs.item[at[1]].v;
		c.vms = (unsigned)g->vms.item[at[2]].v;
		c.depth = (unsigned)g->depths.item[at[3]].v;
		as_database(&c);
		rc = m->count > CELLS_MAX ? -E2BIG : add_loads(m, g, &c);
	}
	return rc;
}

struct order { char name[NVSR_CELL_NAME]; size_t nr; };

static int by_name(const void *a, const void *b)
{
	const struct order *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d ? d : x->nr < y->nr ? -1 : x->nr > y->nr;
}

/* What several grids ask for is measured once, where it came first. */
static int drop_doubles(struct nvsr_matrix *m)
{
	_cleanup_free_ struct order *o = calloc(m->count + 1, sizeof(*o));
	_cleanup_free_ bool *again = calloc(m->count + 1, sizeof(*again));
	size_t n = 0;

	if (!o || !again)
		return -ENOMEM;
	for (size_t i = 0; i < m->count; i++) {
		nvsr_cell_name(&m->cell[i], o[i].name);
		o[i].nr = i;
	}
	qsort(o, m->count, sizeof(*o), by_name);
	for (size_t i = 1; i < m->count; i++)
		again[o[i].nr] = !strcmp(o[i].name, o[i - 1].name);
	for (size_t i = 0; i < m->count; i++)
		if (!again[i])
			m->cell[n++] = m->cell[i];
	m->count = n;
	return 0;
}

static int read_grid(const struct source *s, struct nvsr_matrix *m, struct nvsr_complaint *complaint)
{
	_cleanup_free_ struct grid *g = calloc(1, sizeof(*g));
	size_t before = m->count;
	int rc = g ? 0 : -ENOMEM;

	if (!rc)
		rc = read_paths(s, g, complaint);
	if (!rc)
		rc = read_loads(s, g, complaint);
	for (size_t i = 0; !rc && i < NVSR_ARRAY_SIZE(lists); i++)
		rc = read_numbers(s, &lists[i], g, complaint);
	if (!rc)
		rc = add_grid(m, g);
	if (rc == -E2BIG)
		return complain(s->y->path, g->paths.item[0].at, "paths", complaint, "expected at most %u cells, found more", CELLS_MAX);
	if (!rc && m->count == before)
		return complain(s->y->path, g->vms.item[0].at, "vms", complaint,
				"leaves no cell: %s has no VMs%s, expected %sa path of VFs", nvsr_data_paths[g->paths.item[0].v].name,
				only_databases(&g->loads) ? " for databases" : " but 1", only_databases(&g->loads) ? "" : "1 or ");
	return rc;
}

/* Scalars of the top level. */
static const struct scalar {
	const char *key;
	size_t raw;
	enum number_kind kind;
	uint64_t least, most, otherwise;	/* otherwise 0: must be given */
} scalars[] = {
	{ "repeats", offsetof(struct raw, repeats), COUNT, 3, NVSR_REPEATS_MAX, 0 },
	{ "warm-up-ms", offsetof(struct raw, warm_up_ms), COUNT, 0, 600000, 0 },
	{ "run-ms", offsetof(struct raw, run_ms), COUNT, 100, 3600000, 0 },
	{ "namespace-bytes", offsetof(struct raw, namespace_bytes), SIZE, 16u << 20, 1ull << 40, 256u << 20 },
};

static int read_scalars(const struct nvsr_yaml *y, const struct raw *raw, struct nvsr_matrix *m, struct nvsr_complaint *complaint)
{
	uint64_t v[NVSR_ARRAY_SIZE(scalars)];
	char wrong[160];

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(scalars); i++) {
		const char *s = *(char *const *)((const char *)raw + scalars[i].raw);
		struct nvsr_place at;

		nvsr_yaml_where_value(y, NULL, scalars[i].key, 0, s ? s : "", &at.line, &at.col);
		v[i] = scalars[i].otherwise;
		if (!s && !v[i])
			return complain(y->path, at, scalars[i].key, complaint, "expected a number, found nothing");
		if (s && convert(s, scalars[i].kind, scalars[i].least, scalars[i].most, &v[i], wrong, sizeof(wrong)))
			return complain(y->path, at, scalars[i].key, complaint, "%s", wrong);
		if (scalars[i].kind == SIZE && v[i] % (1u << 20))
			return complain(y->path, at, scalars[i].key, complaint, "expected whole MiB, found %s", s ? s : "");
	}
	m->repeats = (unsigned)v[0];
	m->warm_up_ms = (unsigned)v[1];
	m->run_ms = (unsigned)v[2];
	m->namespace_bytes = v[3];
	return 0;
}

static int from_raw(const struct nvsr_yaml *y, const struct raw *raw, struct nvsr_matrix *m, struct nvsr_complaint *complaint)
{
	struct source s = { .y = y, .raw = raw };
	int rc;

	if (!raw->version || strcmp(raw->version, "1"))
		return nvsr_yaml_complain(y, NULL, "version", 0, complaint, "expected %d, found '%s'", MATRIX_VERSION,
					  raw->version ? raw->version : "nothing");
	if (!raw->title || !raw->title[0])
		return nvsr_yaml_complain(y, NULL, "title", 0, complaint, "expected a line that says what is measured, found nothing");
	m->title = strdup(raw->title);
	rc = m->title ? read_scalars(y, raw, m, complaint) : -ENOMEM;
	for (s.nr = 0; !rc && s.nr < NVSR_MAX(raw->grids_count, 1u); s.nr++)
		rc = read_grid(&s, m, complaint);
	return rc ? rc : drop_doubles(m);
}

/* --- finding and reading ---------------------------------------------------------------------------------------------------- */

const char *nvsr_matrix_dir(void)
{
	const char *env = getenv("NVSR_MATRICES");

	if (env && env[0])
		return env;
	return access("runners/perf", R_OK | X_OK) ? NVSR_DATADIR "/matrices" : "runners/perf";
}

int nvsr_matrix_load(const char *name_or_path, struct nvsr_matrix **ret, struct nvsr_complaint *complaint)
{
	struct nvsr_matrix *m = calloc(1, sizeof(*m));
	struct nvsr_yaml y = { .guide = "runners/perf/README.md" };
	struct raw *raw = NULL;
	int rc = -ENOMEM;

	if (m)
		rc = nvsr_yaml_load_named(&y, "matrix", nvsr_matrix_dir(), name_or_path, &top_value, (void **)&raw, &m->path, &m->name,
					  complaint);
	if (!rc)
		rc = from_raw(&y, raw, m, complaint);
	if (rc == -ENOMEM)
		snprintf(complaint->text, sizeof(complaint->text), "%s: out of memory", name_or_path);
	cyaml_free(&nvsr_yaml_config, &top_value, raw, 0);
	nvsr_yaml_free(&y);
	if (rc)
		nvsr_matrix_free(m);
	else
		*ret = m;
	return rc;
}

struct nvsr_matrix *nvsr_matrix_free(struct nvsr_matrix *m)
{
	if (!m)
		return NULL;
	free(m->name);
	free(m->path);
	free(m->title);
	free(m->cell);
	free(m);
	return NULL;
}

/* --- what a device can take --------------------------------------------------------------------------------------------------- */

int nvsr_matrix_check(const struct nvsr_matrix *m, const struct nvsr_matrix_limits *l, struct nvsr_complaint *complaint)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct nvsr_cell *c = &m->cell[i];
		unsigned parts = nvsr_pattern_is_sequential(c->pattern) ? c->jobs : 1;
		char name[NVSR_CELL_NAME], a[24], b[24];

		nvsr_cell_name(c, name);
		if (!c->path->engine && !l->host)
			continue;	/* is not run here */
		if (c->block > m->namespace_bytes / parts)
			return complain(m->path, c->at[NVSR_CELL_BLOCK], "block-sizes", complaint,
					"%s is impossible: %u blocks of %s, one for each job, in a namespace of %s", name, parts,
					nvsr_size_text(c->block, a, sizeof(a)), nvsr_size_text(m->namespace_bytes, b, sizeof(b)));
		if (c->depth >= l->entries)
			return complain(m->path, c->at[NVSR_CELL_DEPTH], "depths", complaint,
					"%s is impossible: a queue of %u entries holds %u commands", name, l->entries, l->entries - 1);
		if (c->path->vf && c->vms > l->vfs)
			return complain(m->path, c->at[NVSR_CELL_VMS], "vms", complaint, "%s is impossible: the device has %u VFs", name,
					l->vfs);
		if (c->jobs > l->queues)
			return complain(m->path, c->at[NVSR_CELL_JOBS], "jobs", complaint,
					"%s is impossible: a function has at most %u I/O queues", name, l->queues);
	}
	return 0;
}

int nvsr_matrix_keep_paths(struct nvsr_matrix *m, const char *const *paths, size_t n, size_t *ret_bad)
{
	size_t kept = 0;

	for (size_t p = 0; p < n; p++) {
		bool there = false;

		for (size_t i = 0; i < m->count && !there; i++)
			there = !strcmp(m->cell[i].path->name, paths[p]);
		if (!there) {
			*ret_bad = p;
			return -ENOENT;
		}
	}
	for (size_t i = 0; i < m->count; i++) {
		bool keep = !n;

		for (size_t p = 0; p < n && !keep; p++)
			keep = !strcmp(m->cell[i].path->name, paths[p]);
		if (keep)
			m->cell[kept++] = m->cell[i];
	}
	m->count = kept;
	return 0;
}
