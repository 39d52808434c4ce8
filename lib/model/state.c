// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The state file: what the subsystem remembers without power.  It is replaced as a whole when power goes, and before a command
 * completes whose effect outlives power: a process that is killed leaves what a power cut leaves.  It is read when power comes;
 * then the model does what it does at every power on (reset.c), so that a state ends here that a power cycle ends anywhere.
 *
 * 16 bytes "nvsr-model-state", version 4, length of the file 8, fingerprint of the configuration 8, model 41, serial 21,
 * the state, checksum (FNV-1a of all before it) 8; little-endian.  What only a defective drive remembers is not in it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "model/bus.h"
#include "model/cmd.h"
#include "model/state.h"

#define MAGIC "nvsr-model-state"
#define VERSION 1u
#define MAGIC_BYTES (sizeof(MAGIC) - 1)
#define LENGTH_AT (MAGIC_BYTES + 4)
#define FINGERPRINT_AT (LENGTH_AT + 8)
#define MODEL_AT (FINGERPRINT_AT + 8)
#define SERIAL_AT (MODEL_AT + sizeof(((struct m_conf *)0)->mn))
#define BODY_AT (SERIAL_AT + sizeof(((struct m_conf *)0)->sn))
#define CHECKSUM_BYTES 8u
#define LARGEST_FILE ((size_t)1 << 40)

/* --- both directions ---------------------------------------------------------------------------------------- */

void m_state_check(struct m_state *s, bool ok)
{
	s->bad |= s->load && !ok;
}

void m_state_bytes(struct m_state *s, void *p, size_t n)
{
	if (!s->load) {
		nvsr_text_addn(&s->out, p, n);
		return;
	}
	m_state_check(s, n <= s->left);
	if (s->bad) {
		memset(p, 0, n);
		return;
	}
	memcpy(p, s->in, n);
	s->in += n;
	s->left -= n;
}

/* The integer at @v in the byte order of this machine. */
static uint64_t load_native(const void *v, unsigned n)
{
	switch (n) {
	case 1: return *(const uint8_t *)v;
	case 2: return *(const uint16_t *)v;
	case 4: return *(const uint32_t *)v;
	default: return *(const uint64_t *)v;
	}
}

static void store_native(void *v, unsigned n, uint64_t val)
{
	switch (n) {
	case 1: *(uint8_t *)v = (uint8_t)val; break;
	case 2: *(uint16_t *)v = (uint16_t)val; break;
	case 4: *(uint32_t *)v = (uint32_t)val; break;
	default: *(uint64_t *)v = val; break;
	}
}

void m_state_num(struct m_state *s, void *v, unsigned n)
{
	uint8_t buf[8];

	nvsr_le_write(buf, n, load_native(v, n));
	m_state_bytes(s, buf, n);
	if (s->load)
		store_native(v, n, nvsr_le_read(buf, n));
}

void m_state_flag(struct m_state *s, bool *v)
{
	uint8_t byte = *v;

	M_STATE(s, byte);
	m_state_check(s, byte <= 1);
	*v = byte == 1;
}

/* --- the state ---------------------------------------------------------------------------------------------- */

/* Identify data has a format that exists, and the media has room for its blocks. */
static bool ns_fits(const struct nvsr_model *m, const struct m_ns *ns)
{
	uint64_t size = le64_get(ns->id.nsze);

	return size && ns->block && size <= m_media_size(ns->media) / ns->block && le64_get(ns->id.ncap) <= size &&
	       le128_get(ns->id.nvmcap, NULL) <= m->conf.capacity;
}

static void ns_content(struct m_state *s, struct nvsr_model *m, struct m_ns *ns)
{
	unsigned index;

	m_state_bytes(s, &ns->id, sizeof(ns->id));
	M_STATE(s, ns->wp_state);
	M_STATE(s, ns->format_end);
	m_state_flag(s, &ns->was_attached);
	m_state_flag(s, &ns->ghost);
	for (unsigned i = 0; i < m->ctrl_count; i++)
		m_state_flag(s, &ns->attached[i]);
	m_state_media(s, &ns->media);
	m_state_resv(s, ns, m->ctrl_count);
	index = NVME_FLBAS_INDEX(ns->id.flbas);
	m_state_check(s, index < m->conf.formats_count && ns->wp_state <= NVME_WPS_UNTIL_POWER_CYCLE);
	if (!s->load || s->bad)
		return;
	ns->block = (1u << m->conf.formats[index].lbads) + le16_get(m->conf.formats[index].ms);
	for (unsigned i = 0; i < m->ctrl_count; i++)
		ns->attached_count += ns->attached[i];
	m_state_check(s, ns_fits(m, ns));
}

static void one_ns(struct m_state *s, struct nvsr_model *m, uint32_t nsid)
{
	bool there = m->ns[nsid];

	m_state_flag(s, &there);
	if (!there)
		return;
	if (s->load) {
		struct m_ns *ns = calloc(1, sizeof(*ns));

		m->ns[nsid] = ns;
		if (ns) {
			ns->nsid = nsid;
			ns->attached = calloc(m->ctrl_count, sizeof(*ns->attached));
		}
		m_state_check(s, ns && ns->attached);
	}
	if (!s->bad)
		ns_content(s, m, m->ns[nsid]);
}

/* Counters and the error log are the controller's for life. */
static void one_log(struct m_state *s, struct nvsr_model *m, struct m_logs *log)
{
	bool ring = log->error;

	M_STATE(s, log->errors);
	M_STATE(s, log->read_units);
	M_STATE(s, log->written_units);
	M_STATE(s, log->reads);
	M_STATE(s, log->writes);
	M_STATE(s, log->changed_count);
	m_state_flag(s, &log->changed_overflow);
	m_state_check(s, log->changed_count <= M_CHANGED_MAX);
	for (unsigned i = 0; !s->bad && i < log->changed_count; i++)
		M_STATE(s, log->changed[i]);
	m_state_flag(s, &ring);
	m_state_check(s, ring == (log->errors > 0));
	if (s->load && ring && !s->bad)
		log->error = calloc(m->conf.elpe + 1, sizeof(*log->error));
	m_state_check(s, !ring || log->error);
	if (ring && !s->bad)
		m_state_bytes(s, log->error, (m->conf.elpe + 1) * sizeof(*log->error));
}

static void subsystem(struct m_state *s, struct nvsr_model *m)
{
	M_STATE(s, m->now);
	M_STATE(s, m->power_cycles);
	M_STATE(s, m->next_uid);
	M_STATE(s, m->unvmcap);
	M_STATE(s, m->vqrfap);
	M_STATE(s, m->virfap);
	M_STATE(s, m->vqrfap_next);
	M_STATE(s, m->virfap_next);
	M_STATE(s, m->sanitize.state);
	M_STATE(s, m->sanitize.by);
	m_state_flag(s, &m->sanitize.erased);
	M_STATE(s, m->sanitize.cdw10);
	M_STATE(s, m->sanitize.end);
	m_state_check(s, m->unvmcap <= m->conf.capacity && m->sanitize.state <= 7 && m->sanitize.by < m->ctrl_count);
	for (uint32_t i = 1; i <= m->conf.nn && !s->bad; i++)
		one_ns(s, m, i);
	for (unsigned i = 0; i < m->ctrl_count && !s->bad; i++)
		one_log(s, m, m->ctrl[i].log);
}

/* --- the file ----------------------------------------------------------------------------------------------- */

#define FNV_START 0xcbf29ce484222325ull

static uint64_t fnv(uint64_t h, const void *p, size_t n)
{
	for (const uint8_t *b = p; n--; b++)
		h = (h ^ *b) * 0x100000001b3ull;
	return h;
}

/* What a state depends on.  Other times or features may come with another profile: they change nothing that is stored. */
static uint64_t fingerprint(const struct m_conf *f)
{
	const uint64_t numbers[] = {
		f->vid, f->did, f->vf_did, f->ssvid, f->ssid, f->total_vfs, f->nn, f->mnan, f->pf_cntlid, f->vf_cntlid, f->elpe,
		f->vq_flexible, f->vq_private, f->vi_flexible, f->vi_private, f->capacity, f->ns_mgmt, f->virt_mgmt,
		f->dlfeat, f->granularity_bytes, f->ns_count, f->ns_blocks, f->ns_shared, f->formats_count,
	};
	uint64_t h = FNV_START;
	uint8_t le[8];

	h = fnv(h, f->mn, strlen(f->mn) + 1);
	h = fnv(h, f->sn, strlen(f->sn) + 1);
	h = fnv(h, f->subnqn, strlen(f->subnqn) + 1);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(numbers); i++) {
		nvsr_le_write(le, 8, numbers[i]);
		h = fnv(h, le, sizeof(le));
	}
	for (unsigned i = 0; i < f->formats_count; i++)
		h = fnv(h, &f->formats[i], sizeof(f->formats[i]));
	return h;
}

static int save(struct nvsr_model *m)
{
	struct m_state s = { 0 };
	uint64_t print = fingerprint(&m->conf), length = 0, sum;
	uint32_t version = VERSION;
	int rc = -ENOMEM;

	nvsr_text_addn(&s.out, MAGIC, MAGIC_BYTES);
	M_STATE(&s, version);
	M_STATE(&s, length);
	M_STATE(&s, print);
	m_state_bytes(&s, m->conf.mn, sizeof(m->conf.mn));
	m_state_bytes(&s, m->conf.sn, sizeof(m->conf.sn));
	subsystem(&s, m);
	if (!s.out.failed) {
		nvsr_le_write(s.out.s + LENGTH_AT, 8, s.out.len + CHECKSUM_BYTES);
		sum = fnv(FNV_START, s.out.s, s.out.len);
		M_STATE(&s, sum);
	}
	if (!s.out.failed)
		rc = nvsr_write_file(m->state_path, s.out.s, s.out.len);
	nvsr_text_free(&s.out);
	return rc;
}

void m_state_save(struct nvsr_model *m)
{
	int rc = m->state_path ? save(m) : 0;

	if (rc)
		fprintf(stderr, "%s: the state of the model is not kept: %s\n", m->state_path, strerror(-rc));
}

static int refuse(struct nvsr_complaint *complaint, const char *path, const char *fmt, ...) NVSR_PRINTF(3, 4);
static int refuse(struct nvsr_complaint *complaint, const char *path, const char *fmt, ...)
{
	int n = snprintf(complaint->text, sizeof(complaint->text), "%s: ", path);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < sizeof(complaint->text))
		vsnprintf(complaint->text + n, sizeof(complaint->text) - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Everything around the state: is this a file of ours, whole, and of this device? */
static int check_frame(const struct m_conf *f, const char *path, const char *p, size_t len, struct nvsr_complaint *complaint)
{
	uint64_t want, is;

	if (len < MAGIC_BYTES || memcmp(p, MAGIC, MAGIC_BYTES))
		return refuse(complaint, path, "not a state file of the model: expected it to begin with \"%s\"", MAGIC);
	if (len < LENGTH_AT || nvsr_le_read(p + MAGIC_BYTES, 4) != VERSION)
		return refuse(complaint, path, "state file of version %" PRIu64 ", expected version %u",
			      len < LENGTH_AT ? 0 : nvsr_le_read(p + MAGIC_BYTES, 4), VERSION);
	want = len < FINGERPRINT_AT ? BODY_AT + CHECKSUM_BYTES : nvsr_le_read(p + LENGTH_AT, 8);
	if (len != want || len < BODY_AT + CHECKSUM_BYTES)
		return refuse(complaint, path, "damaged state file: %zu bytes, expected %" PRIu64, len, want);
	want = nvsr_le_read(p + len - CHECKSUM_BYTES, 8);
	is = fnv(FNV_START, p, len - CHECKSUM_BYTES);
	if (is != want)
		return refuse(complaint, path, "damaged state file: checksum %016" PRIx64 ", expected %016" PRIx64, is, want);
	if (nvsr_le_read(p + FINGERPRINT_AT, 8) != fingerprint(f))
		return refuse(complaint, path, "state of another device, \"%.40s\" serial number \"%.20s\": expected \"%s\" "
			      "serial number \"%s\" with the configuration of this profile", p + MODEL_AT, p + SERIAL_AT, f->mn,
			      f->sn);
	return 0;
}

/* --- a subsystem to read into, so that nothing is ever half loaded ------------------------------------------- */

static void scratch_free(struct nvsr_model *t)
{
	for (uint32_t i = 1; t && t->ns && i <= t->conf.nn; i++) {
		struct m_ns *ns = t->ns[i];

		if (!ns)
			continue;
		m_media_free(ns->media);
		m_resv_free(ns);
		free(ns->attached);
		free(ns);
	}
	for (unsigned i = 0; t && t->ctrl && i < t->ctrl_count; i++) {
		if (t->ctrl[i].log)
			free(t->ctrl[i].log->error);
		free(t->ctrl[i].log);
	}
	if (t) {
		free(t->ns);
		free(t->ctrl);
	}
	free(t);
}

static struct nvsr_model *scratch_new(const struct nvsr_model *m)
{
	struct nvsr_model *t = calloc(1, sizeof(*t));
	bool failed = !t;

	if (failed)
		return NULL;
	t->conf = m->conf;
	t->ctrl_count = m->ctrl_count;
	t->ns = calloc((size_t)m->conf.nn + 1, sizeof(struct m_ns *));
	t->ctrl = calloc(m->ctrl_count, sizeof(*t->ctrl));
	failed = !t->ns || !t->ctrl;
	for (unsigned i = 0; !failed && i < t->ctrl_count; i++) {
		t->ctrl[i].log = calloc(1, sizeof(*t->ctrl[i].log));
		failed = !t->ctrl[i].log;
	}
	if (!failed)
		return t;
	scratch_free(t);
	return NULL;
}

/* @t's state becomes @m's, and what was @m's is left in @t. */
static void take_over(struct nvsr_model *m, struct nvsr_model *t)
{
	struct m_ns **ns = m->ns;

	m->ns = t->ns;
	t->ns = ns;
	for (unsigned i = 0; i < m->ctrl_count; i++) {
		struct m_logs *log = m->ctrl[i].log;

		m->ctrl[i].log = t->ctrl[i].log;
		t->ctrl[i].log = log;
	}
	m->now = t->now;
	m->power_cycles = t->power_cycles;
	m->next_uid = t->next_uid;
	m->unvmcap = t->unvmcap;
	m->vqrfap = t->vqrfap;
	m->virfap = t->virfap;
	m->vqrfap_next = t->vqrfap_next;
	m->virfap_next = t->virfap_next;
	m->sanitize = t->sanitize;
	/* what goes on is looked at as soon as time passes */
	m->erase_next = m->next_event = m->now;
}

static int load(struct nvsr_model *m, const char *path, const char *data, size_t len, struct nvsr_complaint *complaint)
{
	struct m_state s = { .load = true, .in = (const uint8_t *)data + BODY_AT };
	struct nvsr_model *t = NULL;
	int rc = check_frame(&m->conf, path, data, len, complaint);

	if (rc)
		return rc;
	s.left = len - BODY_AT - CHECKSUM_BYTES;
	t = scratch_new(m);
	if (!t)
		return -ENOMEM;
	subsystem(&s, t);
	if (s.bad || s.left)
		rc = refuse(complaint, path, "state file with contents that cannot be: byte %zu, expected the state of \"%s\"",
			    len - CHECKSUM_BYTES - s.left, m->conf.mn);
	else
		take_over(m, t);
	scratch_free(t);
	return rc;
}

/* 1 read, 0 there is none yet. */
static int read_file(const char *path, char **ret, size_t *ret_len, struct nvsr_complaint *complaint)
{
	struct stat st;
	int rc;

	if (stat(path, &st)) {
		rc = -errno;
		if (rc == -ENOENT)
			return 0;
	} else if (!S_ISREG(st.st_mode)) {
		return refuse(complaint, path, "expected a state file of the model, or a name that is free");
	} else {
		rc = nvsr_read_file(path, LARGEST_FILE, ret, ret_len);
	}
	if (rc)
		snprintf(complaint->text, sizeof(complaint->text), "%s: %s", path, strerror(-rc));
	return rc ? rc : 1;
}

int nvsr_model_use_state(struct nvsr_model *m, const char *path, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *data = NULL, *kept = strdup(path);
	size_t len = 0;
	int rc = kept ? read_file(path, &data, &len, complaint) : -ENOMEM;
	bool loaded = rc == 1;

	if (loaded)
		rc = load(m, path, data, len, complaint);
	if (rc)
		return rc;
	if (loaded) {
		m->power_cycles++;
		m_clr(m_pf(m), M_CLR_POWER);
	}
	/* at once: a place that cannot be written shows before anything is to be kept */
	m->state_path = kept;
	kept = NULL;
	rc = save(m);
	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "%s: %s", path, strerror(-rc));
		free(m->state_path);
		m->state_path = NULL;
	}
	return rc;
}
