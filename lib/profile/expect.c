// SPDX-License-Identifier: GPL-2.0-or-later
/* Known differences of a device: NAME.expect.yaml beside its profile. */
#include <ctype.h>

#include "base/text.h"
#include "profile/profile.h"
#include "profile/yaml.h"

struct raw_line { char *id, *requirement, *why, *link, *firmware, *access, *until; };

#define LINE_FIELD(key, flags) \
	CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_POINTER | (flags), struct raw_line, key, 1, CYAML_UNLIMITED)
static const cyaml_schema_field_t line_fields[] = {
	LINE_FIELD(id, 0), LINE_FIELD(requirement, 0), LINE_FIELD(why, 0), LINE_FIELD(link, 0), LINE_FIELD(until, 0),
	LINE_FIELD(firmware, CYAML_FLAG_OPTIONAL), LINE_FIELD(access, CYAML_FLAG_OPTIONAL), CYAML_FIELD_END
};
static const cyaml_schema_value_t line_value = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_line, line_fields) };
static const cyaml_schema_value_t list_value = { CYAML_VALUE_SEQUENCE(CYAML_FLAG_POINTER, struct raw_line, &line_value, 0, 4096) };

/* YYYY-MM-DD, or YYYY-MM for the end of that month: as a day that compares with strcmp. */
static bool last_day(const char *until, char ret[16])
{
	static const char form[] = "dddd-dd-dd";
	size_t n = strlen(until);

	if (n != 7 && n != 10)
		return false;
	for (size_t i = 0; i < n; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)until[i]) : until[i] != form[i])
			return false;
	snprintf(ret, 16, "%.10s%s", until, n == 7 ? "-31" : "");
	return atoi(until + 5) >= 1 && atoi(until + 5) <= 12 && atoi(ret + 8) >= 1 && atoi(ret + 8) <= 31;
}

static int take_line(const struct nvsr_yaml *y, const struct raw_line *raw, unsigned nth, const char *today,
		     const char *const *ids, size_t id_count, struct nvsr_expect *e, struct nvsr_complaint *complaint)
{
	char end[16];
	bool known = false;
	unsigned col;

	nvsr_yaml_where(y, NULL, "id", nth, &e->line, &col);
	if (!last_day(raw->until, end))
		return nvsr_yaml_complain(y, NULL, "until", nth, complaint, "expected YYYY-MM-DD or YYYY-MM, found '%s'", raw->until);
	if (strcmp(end, today) < 0)
		return nvsr_yaml_complain(y, NULL, "until", nth, complaint,
					  "expired on %s: test again, then renew or remove the line for '%s'", raw->until, raw->id);
	for (size_t i = 0; i < id_count && !known; i++)
		known = nvsr_glob(raw->id, ids[i]);
	if (!known)
		return nvsr_yaml_complain(y, NULL, "id", nth, complaint, "no test matches '%s'", raw->id);
	e->id = strdup(raw->id);
	e->requirement = strdup(raw->requirement);
	e->why = strdup(raw->why);
	e->link = strdup(raw->link);
	e->until = strdup(raw->until);
	e->firmware = raw->firmware ? strdup(raw->firmware) : NULL;
	e->access = raw->access ? strdup(raw->access) : NULL;
	return e->id && e->requirement && e->why && e->link && e->until && (e->firmware || !raw->firmware) &&
	       (e->access || !raw->access) ? 0 : -ENOMEM;
}

/* device-profiles/x.yaml -> device-profiles/x.expect.yaml */
static char *beside(const struct nvsr_profile *p)
{
	size_t n = strlen(p->path);

	if (n > 5 && !strcmp(p->path + n - 5, ".yaml"))
		n -= 5;
	return nvsr_asprintf("%.*s.expect.yaml", (int)n, p->path);
}

int nvsr_expects_load(const struct nvsr_profile *p, const char *path, const char *today, const char *const *ids,
		      size_t id_count, struct nvsr_expects *ret, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *file = path ? strdup(path) : beside(p);
	struct nvsr_expects e = { 0 };
	struct raw_line *raw = NULL;
	unsigned count = 0;
	struct nvsr_yaml y = { 0 };
	int rc;

	if (!file)
		return -ENOMEM;
	if (!path && access(file, F_OK)) {
		*ret = e;
		return 0;
	}
	rc = nvsr_yaml_load(&y, file, &list_value, (void **)&raw, &count, complaint);
	if (!rc && count) {
		e.path = strdup(file);
		e.item = calloc(count, sizeof(*e.item));
		rc = e.path && e.item ? 0 : -ENOMEM;
	}
	for (unsigned i = 0; !rc && i < count; i++) {
		e.count++;
		rc = take_line(&y, &raw[i], i, today, ids, id_count, &e.item[i], complaint);
	}
	cyaml_free(&nvsr_yaml_config, &list_value, raw, count);
	nvsr_yaml_free(&y);
	if (rc)
		nvsr_expects_free(&e);
	else
		*ret = e;
	return rc;
}

void nvsr_expects_free(struct nvsr_expects *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		free(e->item[i].id);
		free(e->item[i].requirement);
		free(e->item[i].why);
		free(e->item[i].link);
		free(e->item[i].until);
		free(e->item[i].firmware);
		free(e->item[i].access);
	}
	free(e->item);
	free(e->path);
	*e = (struct nvsr_expects){ 0 };
}

bool nvsr_expect_applies(const struct nvsr_expect *x, const char *fr, const char *access)
{
	return (!x->firmware || !fr || nvsr_glob(x->firmware, fr)) && (!x->access || !access || nvsr_glob(x->access, access));
}

struct nvsr_expect *nvsr_expects_find(struct nvsr_expects *e, const char *id, const char *fr, const char *access)
{
	for (unsigned i = 0; i < e->count; i++)
		if (nvsr_glob(e->item[i].id, id) && nvsr_expect_applies(&e->item[i], fr, access))
			return &e->item[i];
	return NULL;
}
