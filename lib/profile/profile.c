// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading and checking profiles.  libcyaml reads every scalar as text; numbers, ranges and yes/no are converted here, so
 * that "1e3" or "maybe" is an error with file, line and field instead of a guess.
 */
#include <limits.h>

#include "config.h"
#include "base/text.h"
#include "profile/fields.h"
#include "profile/profile.h"
#include "profile/yaml.h"

#define PROFILE_VERSION 1

/* --- the file as text --------------------------------------------------------------------------------------------------- */
#define MEMBER(section, member, key, kind, least, most) char *member;
#define CLAIM_CLAIM(id) char *id;
#define CLAIM_PROMISE(id) CLAIM_CLAIM(id)
#define CLAIM_ENV(id)
#define CLAIM_GRANT(id)
#define CLAIM_MEMBER(id, kind, key, text) CLAIM_##kind(id)
struct raw_format { char *data, *metadata, *rp; };
struct raw {
	char *version, *title, *notes;
	char **sources, **unknown;
	unsigned sources_count, unknown_count;
	struct raw_identity { FIELDS_IDENTITY(MEMBER) } identity;
	struct raw_claims { NVSR_NEEDS(CLAIM_MEMBER) } claims;
	struct raw_sriov { FIELDS_SRIOV(MEMBER) } sriov;
	struct raw_controller { FIELDS_CONTROLLER(MEMBER) } controller;
	struct raw_resources { FIELDS_RESOURCES(MEMBER) } resources;
	struct raw_namespaces {
		FIELDS_NAMESPACES(MEMBER)
		struct raw_format *formats;
		unsigned formats_count;
	} namespaces;
	struct raw_limits { FIELDS_LIMITS(MEMBER) } limits;
	struct raw_quirks { FIELDS_QUIRKS(MEMBER) } quirks;
};

#define TEXT_FIELD(key, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED),
#define SCHEMA(section, member, key, kind, least, most) TEXT_FIELD(key, struct raw_##section, member)
#undef CLAIM_CLAIM
#define CLAIM_CLAIM(id, key) TEXT_FIELD(key, struct raw_claims, id)
#undef CLAIM_PROMISE
#define CLAIM_PROMISE(id, key) CLAIM_CLAIM(id, key)
#undef CLAIM_ENV
#define CLAIM_ENV(id, key)
#undef CLAIM_GRANT
#define CLAIM_GRANT(id, key)
#define CLAIM_SCHEMA(id, kind, key, text) CLAIM_##kind(id, key)

static const cyaml_schema_value_t text_value = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED) };
static const cyaml_schema_field_t format_fields[] = {
	TEXT_FIELD("data", struct raw_format, data)
	TEXT_FIELD("metadata", struct raw_format, metadata)
	TEXT_FIELD("rp", struct raw_format, rp)
	CYAML_FIELD_END
};
static const cyaml_schema_value_t format_value = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_format, format_fields) };

static const cyaml_schema_field_t identity_fields[] = { FIELDS_IDENTITY(SCHEMA) CYAML_FIELD_END };
static const cyaml_schema_field_t claims_fields[] = { NVSR_NEEDS(CLAIM_SCHEMA) CYAML_FIELD_END };
static const cyaml_schema_field_t sriov_fields[] = { FIELDS_SRIOV(SCHEMA) CYAML_FIELD_END };
static const cyaml_schema_field_t controller_fields[] = { FIELDS_CONTROLLER(SCHEMA) CYAML_FIELD_END };
static const cyaml_schema_field_t resources_fields[] = { FIELDS_RESOURCES(SCHEMA) CYAML_FIELD_END };
static const cyaml_schema_field_t namespaces_fields[] = {
	FIELDS_NAMESPACES(SCHEMA)
	CYAML_FIELD_SEQUENCE("formats", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_namespaces, formats, &format_value, 1,
			     16),
	CYAML_FIELD_END
};
static const cyaml_schema_field_t limits_fields[] = { FIELDS_LIMITS(SCHEMA) CYAML_FIELD_END };
static const cyaml_schema_field_t quirks_fields[] = { FIELDS_QUIRKS(SCHEMA) CYAML_FIELD_END };
#define SECTION_FIELD(section) CYAML_FIELD_MAPPING(#section, CYAML_FLAG_OPTIONAL, struct raw, section, section##_fields),
static const cyaml_schema_field_t top_fields[] = {
	TEXT_FIELD("version", struct raw, version)
	TEXT_FIELD("title", struct raw, title)
	TEXT_FIELD("notes", struct raw, notes)
	CYAML_FIELD_SEQUENCE("sources", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, sources, &text_value, 0, 64),
	CYAML_FIELD_SEQUENCE("unknown", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, unknown, &text_value, 0, 64),
	SECTION_FIELD(identity) SECTION_FIELD(claims) SECTION_FIELD(sriov) SECTION_FIELD(controller) SECTION_FIELD(resources)
	SECTION_FIELD(namespaces) SECTION_FIELD(limits) SECTION_FIELD(quirks)
	CYAML_FIELD_END
};
static const cyaml_schema_value_t top_value = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, top_fields) };

/* --- from text to values ---------------------------------------------------------------------------------------------------- */
enum kind { INT, BOOL, TEXT };
struct field {
	const char *section, *key;
	enum kind kind;
	size_t raw, value;
	int64_t least, most;
};
#define FIELD(section, member, key, kind, least, most) \
	{ #section, key, kind, offsetof(struct raw, section.member), offsetof(struct nvsr_profile, section.member), least, most },
#define SECTION_TABLE(section, LIST) LIST(FIELD)
static const struct field fields[] = { SECTIONS(SECTION_TABLE) };

static bool parse_int(const char *s, int64_t *ret)
{
	char *end;
	int64_t v;

	errno = 0;
	v = strtoll(s, &end, s[0] == '0' && (s[1] == 'x' || s[1] == 'X') ? 16 : 10);
	if (errno || end == s || *end)
		return false;
	*ret = v;
	return true;
}

static bool parse_bool(const char *s, int64_t *ret)
{
	static const struct { const char *word; int64_t value; } words[] = {
		{ "yes", 1 }, { "true", 1 }, { "no", 0 }, { "false", 0 },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(words); i++)
		if (!strcmp(s, words[i].word)) {
			*ret = words[i].value;
			return true;
		}
	return false;
}

static int convert(const struct nvsr_yaml *y, const struct field *f, const char *s, void *value, struct nvsr_complaint *complaint)
{
	int64_t v;

	switch (f->kind) {
	case INT:
		if (!parse_int(s, &v))
			return nvsr_yaml_complain(y, f->section, f->key, 0, complaint,
						  "expected a whole number (decimal or 0x…), found '%s'", s);
		if (v < f->least || v > f->most)
			return nvsr_yaml_complain(y, f->section, f->key, 0, complaint, "expected %lld to %lld, found %s",
						  (long long)f->least, (long long)f->most, s);
		*(int64_t *)value = v;
		return 0;
	case BOOL:
		if (!parse_bool(s, &v))
			return nvsr_yaml_complain(y, f->section, f->key, 0, complaint, "expected yes or no, found '%s'", s);
		*(int64_t *)value = v;
		return 0;
	case TEXT:
		if (strlen(s) < (size_t)f->least || strlen(s) > (size_t)f->most)
			return nvsr_yaml_complain(y, f->section, f->key, 0, complaint, "expected %lld to %lld characters, found %zu",
						  (long long)f->least, (long long)f->most, strlen(s));
		*(char **)value = strdup(s);
		return *(char **)value ? 0 : -ENOMEM;
	}
	return -EINVAL;
}

static int convert_fields(const struct nvsr_yaml *y, const struct raw *raw, struct nvsr_profile *p, struct nvsr_complaint *complaint)
{
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(fields); i++) {
		const struct field *f = &fields[i];
		const char *s = *(char *const *)((const char *)raw + f->raw);
		void *value = (char *)p + f->value;
		int rc;

		if (f->kind != TEXT)
			*(int64_t *)value = NVSR_UNKNOWN;
		rc = s ? convert(y, f, s, value, complaint) : 0;
		if (rc)
			return rc;
	}
	return 0;
}

#undef CLAIM_CLAIM
#define CLAIM_CLAIM(id, key) { key, NVSR_NEED_ID_##id, offsetof(struct raw_claims, id) },
#define CLAIM_ROW(id, kind, key, text) CLAIM_##kind(id, key)
static int convert_claims(const struct nvsr_yaml *y, const struct raw *raw, struct nvsr_profile *p, struct nvsr_complaint *complaint)
{
	static const struct { const char *key; enum nvsr_need_id id; size_t raw; } claims[] = { NVSR_NEEDS(CLAIM_ROW) };

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(claims); i++) {
		const char *s = *(char *const *)((const char *)&raw->claims + claims[i].raw);
		int64_t yes;

		if (!s)
			continue;
		if (!parse_bool(s, &yes))
			return nvsr_yaml_complain(y, "claims", claims[i].key, 0, complaint, "expected yes or no, found '%s'", s);
		p->claims[claims[i].id] = yes ? NVSR_CLAIM_YES : NVSR_CLAIM_NO;
	}
	return 0;
}

static int convert_formats(const struct nvsr_yaml *y, const struct raw *raw, struct nvsr_profile *p, struct nvsr_complaint *complaint)
{
	const struct raw_namespaces *r = &raw->namespaces;

	if (!r->formats_count)
		return 0;
	p->namespaces.formats = calloc(r->formats_count, sizeof(*p->namespaces.formats));
	if (!p->namespaces.formats)
		return -ENOMEM;
	p->namespaces.formats_count = r->formats_count;
	for (unsigned i = 0; i < r->formats_count; i++) {
		struct nvsr_lbaf *f = &p->namespaces.formats[i];

		if (!r->formats[i].data || !parse_int(r->formats[i].data, &f->data_bytes) || f->data_bytes < 512 ||
		    f->data_bytes > 1 << 20 || f->data_bytes & (f->data_bytes - 1))
			return nvsr_yaml_complain(y, "namespaces", "formats", 0, complaint,
						  "entry %u: data: expected a power of two from 512 to 1048576, found '%s'", i + 1,
						  r->formats[i].data ? r->formats[i].data : "nothing");
		if (r->formats[i].metadata && (!parse_int(r->formats[i].metadata, &f->meta_bytes) || f->meta_bytes < 0 ||
					       f->meta_bytes > 65535))
			return nvsr_yaml_complain(y, "namespaces", "formats", 0, complaint,
						  "entry %u: metadata: expected 0 to 65535 bytes, found '%s'", i + 1,
						  r->formats[i].metadata);
		if (r->formats[i].rp && (!parse_int(r->formats[i].rp, &f->rp) || f->rp < 0 || f->rp > 3))
			return nvsr_yaml_complain(y, "namespaces", "formats", 0, complaint,
						  "entry %u: rp: expected 0 (best) to 3, found '%s'", i + 1, r->formats[i].rp);
	}
	return 0;
}

/* `unknown:` names fields nobody published: they exist in the format, and the file does not set them. */
static int check_unknown(const struct nvsr_yaml *y, const struct raw *raw, struct nvsr_complaint *complaint)
{
	for (unsigned u = 0; u < raw->unknown_count; u++) {
		const struct field *f = NULL;
		char name[128];

		for (size_t i = 0; i < NVSR_ARRAY_SIZE(fields) && !f; i++) {
			snprintf(name, sizeof(name), "%s.%s", fields[i].section, fields[i].key);
			if (!strcmp(name, raw->unknown[u]))
				f = &fields[i];
		}
		if (!f)
			return nvsr_yaml_complain(y, NULL, "unknown", 0, complaint,
						  "'%s' is not a field, expected section.field", raw->unknown[u]);
		if (*(char *const *)((const char *)raw + f->raw))
			return nvsr_yaml_complain(y, f->section, f->key, 0, complaint,
						  "is listed under unknown, but the profile gives it a value");
	}
	return 0;
}

/* What one field cannot know of another. */
static int check_together(const struct nvsr_yaml *y, const struct nvsr_profile *p, struct nvsr_complaint *complaint)
{
	const struct { const char *section, *key; int64_t bytes; } powers[] = {
		{ "sriov", "vf-bar0-bytes", p->sriov.vf_bar0_bytes }, { "sriov", "pf-bar0-bytes", p->sriov.pf_bar0_bytes },
		{ "controller", "doorbell-stride", p->controller.doorbell_stride },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(powers); i++)
		if (powers[i].bytes > 0 && powers[i].bytes & (powers[i].bytes - 1))
			return nvsr_yaml_complain(y, powers[i].section, powers[i].key, 0, complaint,
						  "expected a power of two, found %lld", (long long)powers[i].bytes);
	if (p->sriov.cap_offset > 0 && p->sriov.cap_offset & 3)
		return nvsr_yaml_complain(y, "sriov", "cap-offset", 0, complaint, "expected a multiple of 4, found %lld",
					  (long long)p->sriov.cap_offset);
	if (p->claims[NVSR_NEED_ID_SRIOV] == NVSR_CLAIM_NO && p->sriov.total_vfs > 0)
		return nvsr_yaml_complain(y, "sriov", "total-vfs", 0, complaint, "expected 0 where claims.sriov is no, found %lld",
					  (long long)p->sriov.total_vfs);
	if (p->claims[NVSR_NEED_ID_SRIOV] == NVSR_CLAIM_YES && !p->sriov.total_vfs)
		return nvsr_yaml_complain(y, "sriov", "total-vfs", 0, complaint, "expected at least 1 where claims.sriov is yes");
	if (p->controller.nn >= 0 && p->controller.mnan > p->controller.nn)
		return nvsr_yaml_complain(y, "controller", "mnan", 0, complaint, "expected at most nn (%lld), found %lld",
					  (long long)p->controller.nn, (long long)p->controller.mnan);
	return 0;
}

static int from_raw(const struct nvsr_yaml *y, const struct raw *raw, struct nvsr_profile *p, struct nvsr_complaint *complaint)
{
	int64_t version;
	int rc;

	if (!raw->version || !parse_int(raw->version, &version) || version != PROFILE_VERSION)
		return nvsr_yaml_complain(y, NULL, "version", 0, complaint, "expected %d, found '%s'", PROFILE_VERSION,
					  raw->version ? raw->version : "nothing");
	if (!raw->title || !raw->title[0])
		return nvsr_yaml_complain(y, NULL, "title", 0, complaint, "expected a line that names the device, found nothing");
	p->title = strdup(raw->title);
	p->notes = raw->notes ? strdup(raw->notes) : NULL;
	if (!p->title || (raw->notes && !p->notes))
		return -ENOMEM;
	if ((rc = convert_fields(y, raw, p, complaint)) || (rc = convert_claims(y, raw, p, complaint)) ||
	    (rc = convert_formats(y, raw, p, complaint)) || (rc = check_unknown(y, raw, complaint)))
		return rc;
	return check_together(y, p, complaint);
}

/* --- finding and reading ---------------------------------------------------------------------------------------------------- */
const char *nvsr_profile_dir(void)
{
	const char *env = getenv("NVSR_PROFILES");

	if (env && env[0])
		return env;
	return access("device-profiles", R_OK | X_OK) ? NVSR_DATADIR "/device-profiles" : "device-profiles";
}

int nvsr_profile_load(const char *name_or_path, struct nvsr_profile **ret, struct nvsr_complaint *complaint)
{
	struct nvsr_profile *p = calloc(1, sizeof(*p));
	struct nvsr_yaml y = { 0 };
	struct raw *raw = NULL;
	int rc = -ENOMEM;

	if (p)
		rc = nvsr_yaml_load_named(&y, "profile", nvsr_profile_dir(), name_or_path, &top_value, (void **)&raw, &p->path, &p->name,
					  complaint);
	if (!rc)
		rc = from_raw(&y, raw, p, complaint);
	if (rc == -ENOMEM)
		snprintf(complaint->text, sizeof(complaint->text), "%s: out of memory", name_or_path);
	cyaml_free(&nvsr_yaml_config, &top_value, raw, 0);
	nvsr_yaml_free(&y);
	if (rc)
		nvsr_profile_free(p);
	else
		*ret = p;
	return rc;
}

struct nvsr_profile *nvsr_profile_free(struct nvsr_profile *p)
{
	if (!p)
		return NULL;
	free(p->name);
	free(p->path);
	free(p->title);
	free(p->notes);
	free(p->identity.model);
	free(p->identity.serial);
	free(p->identity.firmware);
	free(p->namespaces.formats);
	free(p);
	return NULL;
}
