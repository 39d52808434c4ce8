// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices that lie.  A seeded defect breaks one clause and a test catches it; a lie is an answer that no clause allows and no
 * reader may trust: counts beyond the page, lists without end, pointers in circles, sizes of nothing.  The model stays as it
 * is, only what the host sees of it is changed.  Whoever reads has to end with a verdict: `nvsr-conform prove` shows that.
 */
#include "model/bus.h"
#include "model/lies.h"

/* Where a lie is told. */
enum at {
	NOWHERE,
	CFG,		/* configuration space */
	SRIOV, MSIX,	/* the same, from the start of that capability */
	REG,		/* controller properties */
	IDENTIFY, LOG, FEATURE,	/* data of these commands; which: CNS, LID, FID */
	ADMIN, IO,	/* data of any other command; which: the opcode */
	CQE,		/* completion queue entries */
};
enum who { ALL, PF, VFS };

/* An answer that is being changed. */
struct answer { const struct m_cmd *cmd; uint8_t *buf; size_t len; uint64_t nth; };
typedef void (*lie_fn)(const struct answer *a);

/* @len bytes at @off are @value, little-endian; more than eight are all its low byte.  With @fn: what that does. */
struct part {
	enum at at;
	unsigned which, off, len;
	uint64_t value;
	lie_fn fn;
};
#define SAYS(at, which, off, len, value) { at, which, off, len, value, NULL }
#define MAKES(at, which, fn) { at, which, 0, 0, 0, fn }
struct lie {
	struct nvsr_lie says;
	enum who who;
	unsigned every;		/* of how many such answers one is a lie */
	struct part part[10];
};

#define ONES UINT64_MAX
#define CTRL(field) offsetof(struct nvme_id_ctrl, field)
#define NS(field) offsetof(struct nvme_id_ns, field)
#define CAP_BYTE(n) (NVME_REG_CAP + (n))

/* --- lies that depend on the question ------------------------------------------------------------------------- */

static void put32(const struct answer *a, size_t i, uint32_t v)
{
	if (4 * i + 4 <= a->len)
		nvsr_le_write(a->buf + 4 * i, 4, v);
}

static void ns_list_endless(const struct answer *a)
{
	for (uint32_t i = 0; i < NVME_IDENTIFY_SIZE / 4; i++)
		put32(a, i, le32_get(a->cmd->e.nsid) + i + 1);
}

static void ns_list_descending(const struct answer *a)
{
	for (uint32_t i = 0; i < NVME_IDENTIFY_SIZE / 4; i++)
		put32(a, i, NVME_IDENTIFY_SIZE / 4 - i);
}

static void secondary_endless(const struct answer *a)
{
	struct nvme_secondary_list *list = (void *)a->buf;
	unsigned from = le32_get(a->cmd->e.cdw10) >> 16;

	if (a->len < sizeof(*list))
		return;
	list->numid = NVSR_ARRAY_SIZE(list->sc);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(list->sc); i++)
		list->sc[i] = (struct nvme_secondary_ctrl){
			.scid = le16((uint16_t)(from + i)), .vfn = le16((uint16_t)(from + i)),
		};
}

static void controllers_loop(const struct answer *a)
{
	struct nvme_ctrl_list *list = (void *)a->buf;

	if (a->len < sizeof(*list))
		return;
	list->num = le16(NVSR_ARRAY_SIZE(list->id));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(list->id); i++)
		list->id[i] = le16((uint16_t)i);
}

/* A few bytes of every answer are anything, the same in every run. */
static void noise(const struct answer *a)
{
	uint64_t x = a->nth * 0x9e3779b97f4a7c15ull + a->len;

	for (unsigned i = 0; i < 8 && a->len; i++) {
		x ^= x >> 29;
		x *= 0xbf58476d1ce4e5b9ull;
		/* where fields are: half of the changes in the first 128 bytes */
		a->buf[(x >> 20) % (i & 1 ? NVSR_MIN(a->len, (size_t)128) : a->len)] = (uint8_t)(x >> 8);
	}
}

/* --- the table ------------------------------------------------------------------------------------------------ */

static const struct lie lies[] = {
#define L(name, text, who, every, ...) { { name, text }, who, every, { __VA_ARGS__ } },
#include "model/lies.def"
#undef L
};
const size_t nvsr_lie_count = NVSR_ARRAY_SIZE(lies);
#define PARTS NVSR_ARRAY_SIZE(((struct lie *)0)->part)

/* Which lies are told, and how many answers each part of them has seen. */
struct m_lying {
	size_t told[NVSR_ARRAY_SIZE(lies)], count;
	uint64_t seen[NVSR_ARRAY_SIZE(lies)][PARTS];
};

const struct nvsr_lie *nvsr_lie_at(size_t i)
{
	return &lies[i].says;
}

const struct nvsr_lie *nvsr_lie_find(const char *name)
{
	for (size_t i = 0; i < nvsr_lie_count; i++)
		if (!strcmp(lies[i].says.name, name))
			return &lies[i].says;
	return NULL;
}

int m_lie_tell(struct nvsr_model *m, const char *name)
{
	const struct nvsr_lie *l = nvsr_lie_find(name);

	if (!l)
		return -ENOENT;
	if (!m->lying)
		m->lying = calloc(1, sizeof(*m->lying));
	if (!m->lying)
		return -ENOMEM;
	for (size_t i = 0; i < m->lying->count; i++)
		if (&lies[m->lying->told[i]].says == l)
			return 0;
	m->lying->told[m->lying->count++] = (size_t)((const struct lie *)(const void *)l - lies);
	return 0;
}

void m_lies_free(struct nvsr_model *m)
{
	free(m->lying);
}

/* --- telling them --------------------------------------------------------------------------------------------- */

/* A read: the controller, where, and of what. */
struct question { const struct m_ctrl *c; enum at at; unsigned which; uint64_t off; size_t len; };

static unsigned start_of(const struct question *q)
{
	return q->at == MSIX ? M_POS_MSIX : q->at == SRIOV ? q->c->m->conf.sriov_pos : 0;
}

static bool concerns(const struct part *p, const struct question *q)
{
	uint64_t from = (uint64_t)start_of(q) + p->off;

	if (p->at != q->at || p->which != q->which)
		return false;
	return !p->len || (q->off < from + p->len && from < q->off + q->len);
}

static bool is_told_by(const struct lie *l, const struct m_ctrl *c)
{
	return l->who == ALL || (l->who == PF) == m_is_pf(c);
}

/* The next part of a lie that is told to @q, from *i on; NULL when there is none. */
static const struct part *next_part(const struct question *q, size_t *i, uint64_t *ret_nth)
{
	struct m_lying *l = q->c->m->lying;

	for (; *i < l->count * PARTS; ++*i) {
		size_t k = l->told[*i / PARTS], n = *i % PARTS;
		const struct part *p = &lies[k].part[n];

		if (!is_told_by(&lies[k], q->c) || !concerns(p, q))
			continue;
		*ret_nth = ++l->seen[k][n];
		if (*ret_nth % lies[k].every)
			continue;
		++*i;
		return p;
	}
	return NULL;
}

/* What @p makes of the @q->len bytes at @buf. */
static void overlay(const struct part *p, const struct question *q, uint8_t *buf)
{
	uint64_t from = (uint64_t)start_of(q) + p->off;

	for (size_t i = 0; i < q->len; i++) {
		uint64_t at = q->off + i - from;

		if (q->off + i >= from && at < p->len)
			buf[i] = (uint8_t)(p->len > 8 ? p->value : p->value >> 8 * at);
	}
}

static uint64_t lie_value(const struct question *q, uint64_t val)
{
	const struct part *p;
	uint64_t nth;
	uint8_t b[8];

	nvsr_le_write(b, (unsigned)q->len, val);
	for (size_t i = 0; (p = next_part(q, &i, &nth));)
		overlay(p, q, b);
	return nvsr_le_read(b, (unsigned)q->len);
}

uint32_t m_lie_cfg(const struct m_ctrl *c, unsigned off, unsigned len, uint32_t val)
{
	if (!c->m->lying)
		return val;
	val = (uint32_t)lie_value(&(struct question){ c, CFG, 0, off, len }, val);
	val = (uint32_t)lie_value(&(struct question){ c, MSIX, 0, off, len }, val);
	return m_is_pf(c) ? (uint32_t)lie_value(&(struct question){ c, SRIOV, 0, off, len }, val) : val;
}

uint64_t m_lie_reg(const struct m_ctrl *c, uint64_t off, unsigned len, uint64_t val)
{
	return c->m->lying ? lie_value(&(struct question){ c, REG, 0, off, len }, val) : val;
}

static void lie_data(const struct question *q, const struct m_cmd *cmd, uint8_t *buf)
{
	const struct part *p;
	uint64_t nth;

	for (size_t i = 0; (p = next_part(q, &i, &nth));) {
		if (p->fn)
			p->fn(&(struct answer){ cmd, buf, q->len, nth });
		else
			overlay(p, q, buf);
	}
}

bool m_lie_data(const struct m_ctrl *c, const struct m_cmd *cmd, const void *buf, size_t len, uint8_t **ret_buf)
{
	static const struct { uint8_t opcode; enum at at; } commands[] = {
		{ NVME_ADMIN_IDENTIFY, IDENTIFY }, { NVME_ADMIN_GET_LOG, LOG }, { NVME_ADMIN_GET_FEATURES, FEATURE },
	};
	uint8_t *copy = c->m->lying && len ? malloc(len) : NULL;

	if (!copy)
		return false;
	memcpy(copy, buf, len);
	lie_data(&(struct question){ c, cmd->sq->id ? IO : ADMIN, cmd->e.opcode, 0, len }, cmd, copy);
	for (size_t i = 0; !cmd->sq->id && i < NVSR_ARRAY_SIZE(commands); i++)
		if (commands[i].opcode == cmd->e.opcode)
			lie_data(&(struct question){ c, commands[i].at, le32_get(cmd->e.cdw10) & 0xff, 0, len }, cmd, copy);
	*ret_buf = copy;
	return true;
}

unsigned m_lie_cqe(const struct m_ctrl *c, struct nvme_cqe *e)
{
	const struct question q = { c, CQE, 0, 0, sizeof(*e) };
	unsigned times = 1;
	const struct part *p;
	uint64_t nth;

	if (!c->m->lying)
		return 1;
	for (size_t i = 0; (p = next_part(&q, &i, &nth));) {
		overlay(p, &q, (uint8_t *)e);
		times += !p->len;
	}
	return times;
}
