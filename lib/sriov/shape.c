// SPDX-License-Identifier: GPL-2.0-or-later
/* Does a state that was read have the shape of what snapshot.c writes?  What is missing in it would else count as gone. */
#include "sriov/state.h"

enum kind { NUMBER, TEXT, FLAG, OBJECT, NUMBERS, OBJECTS, KIND = 0xf, OPTIONAL = 0x10 };
struct shape {
	const char *key;
	unsigned kind;
	const struct shape *inside;	/* of each object; NULL = anything */
};
#define END { NULL, 0, NULL }
#define NUM(key) { key, NUMBER, NULL }

static const struct shape primary[] = { NUM("crt"), NUM("vqrfap"), NUM("virfap"), END };
static const struct shape secondary[] = {
	NUM("scid"), NUM("vfn"), { "online", FLAG, NULL }, NUM("nvq"), NUM("nvi"), END
};
static const struct shape ns[] = {
	NUM("nsid"), NUM("nsze"), NUM("ncap"), NUM("flbas"), NUM("nmic"), NUM("dps"), { "wp", NUMBER | OPTIONAL, NULL },
	{ "controllers", NUMBERS | OPTIONAL, NULL }, END
};
static const struct shape feature[] = { NUM("fid"), NUM("value"), { "data", TEXT, NULL }, END };
static const struct shape state[] = {
	{ "device", TEXT, NULL }, { "model", TEXT, NULL }, { "serial", TEXT, NULL }, { "numvfs", NUMBER | OPTIONAL, NULL },
	{ "host", OBJECT | OPTIONAL, NULL }, { "primary", OBJECT | OPTIONAL, primary },
	{ "secondary", OBJECTS | OPTIONAL, secondary }, { "namespaces", OBJECTS, ns }, { "features", OBJECTS, feature }, END
};

static const char *const expected_text[] = {
	[NUMBER] = "a number from 0 up", [TEXT] = "a text", [FLAG] = "true or false", [OBJECT] = "an object",
	[NUMBERS] = "a list of numbers", [OBJECTS] = "a list of objects",
};

static bool is_kind(const json_t *v, unsigned kind)
{
	switch (kind & KIND) {
	case NUMBER: return json_is_integer(v) && json_integer_value(v) >= 0;
	case TEXT: return json_is_string(v);
	case FLAG: return json_is_boolean(v);
	case OBJECT: return json_is_object(v);
	default: return json_is_array(v);
	}
}

/* Where the first thing is that is not as it should be, and what was expected there. */
struct mismatch { char where[96]; const char *expected; };

static bool fits(const json_t *o, const struct shape *shape, struct mismatch *m);

static bool element_fits(const json_t *e, const struct shape *list, struct mismatch *m)
{
	unsigned kind = (list->kind & KIND) == NUMBERS ? NUMBER : OBJECT;

	m->expected = expected_text[kind];
	return is_kind(e, kind) && (!list->inside || fits(e, list->inside, m));
}

static bool fits(const json_t *o, const struct shape *shape, struct mismatch *m)
{
	size_t used = strlen(m->where), i;
	json_t *e;

	for (; shape->key; shape++) {
		const json_t *v = json_object_get(o, shape->key);

		snprintf(m->where + used, sizeof(m->where) - used, "%s%s", used ? "." : "", shape->key);
		m->expected = expected_text[shape->kind & KIND];
		if (!v && shape->kind & OPTIONAL)
			continue;
		if (!is_kind(v, shape->kind))
			return false;
		if ((shape->kind & KIND) == OBJECT && shape->inside && !fits(v, shape->inside, m))
			return false;
		json_array_foreach(v, i, e) {
			snprintf(m->where + used, sizeof(m->where) - used, "%s%s[%zu]", used ? "." : "", shape->key, i);
			if (!element_fits(e, shape, m))
				return false;
		}
	}
	m->where[used] = '\0';
	return true;
}

bool nvsr_state_check(const json_t *o, int version, const char *path, struct nvsr_complaint *complaint)
{
	const json_t *written = json_object_get(o, "version");
	struct mismatch m = { "", "" };

	if (!json_is_integer(written))
		snprintf(complaint->text, sizeof(complaint->text), "%s: version: expected a number: no state of a device", path);
	else if (json_integer_value(written) != version)
		snprintf(complaint->text, sizeof(complaint->text),
			 "%s: version: expected %d, found %lld: written by another version of nvsr-conform", path, version,
			 (long long)json_integer_value(written));
	else if (!fits(o, state, &m))
		snprintf(complaint->text, sizeof(complaint->text), "%s: %s: expected %s", path, m.where, m.expected);
	else
		return true;
	return false;
}
