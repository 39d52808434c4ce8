// SPDX-License-Identifier: GPL-2.0-or-later
/* Which tests run, in which order, and what the catalogue says about each. */
#include "base/text.h"
#include "test/harness.h"

char *nvsr_test_full_id(const struct nvsr_group *g, const struct nvsr_test *t)
{
	return nvsr_asprintf("%s.%s", g->id, t->id);
}

static bool is_meta(const char *id)
{
	return !strncmp(id, "meta.", 5);
}

static bool asks_for_meta(const char *const *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_meta(patterns[i]))
			return true;
	return false;
}

static int first_unmatched(const char *const *patterns, size_t n, bool meta, const char **ret)
{
	for (size_t i = 0; i < n; i++) {
		const char *pattern = patterns[i][0] == '!' ? patterns[i] + 1 : patterns[i];
		bool found = false;

		for (const struct nvsr_group *const *g = nvsr_groups; *g && !found; g++)
			for (size_t k = 0; k < (*g)->count && !found; k++) {
				_cleanup_free_ char *id = nvsr_test_full_id(*g, &(*g)->tests[k]);

				if (!id)
					return -ENOMEM;
				found = (meta || !is_meta(id)) && nvsr_glob(pattern, id);
			}
		if (!found) {
			*ret = patterns[i];
			return -ENOENT;
		}
	}
	return 0;
}

static int add(struct nvsr_plan *p, const struct nvsr_group *g, const struct nvsr_test *t)
{
	struct nvsr_planned *item = realloc(p->item, (p->count + 1) * sizeof(*item));

	if (!item)
		return -ENOMEM;
	p->item = item;
	item[p->count++] = (struct nvsr_planned){ .group = g, .test = t };
	return 0;
}

int nvsr_plan_make(const char *const *patterns, size_t n, struct nvsr_plan *ret, const char **ret_unmatched)
{
	struct nvsr_plan p = { 0 };
	bool meta = asks_for_meta(patterns, n);
	int rc;

	*ret_unmatched = NULL;
	rc = first_unmatched(patterns, n, meta, ret_unmatched);
	for (const struct nvsr_group *const *g = nvsr_groups; *g && !rc; g++) {
		for (size_t k = 0; k < (*g)->count && !rc; k++) {
			_cleanup_free_ char *id = nvsr_test_full_id(*g, &(*g)->tests[k]);

			if (!id)
				rc = -ENOMEM;
			else if ((meta || !is_meta(id)) && nvsr_selected(patterns, n, id))
				rc = add(&p, *g, &(*g)->tests[k]);
		}
	}
	if (rc) {
		nvsr_plan_free(&p);
		return rc;
	}
	*ret = p;
	return 0;
}

void nvsr_plan_free(struct nvsr_plan *p)
{
	free(p->item);
	memset(p, 0, sizeof(*p));
}

enum nvsr_level nvsr_test_level(const struct nvsr_test *t)
{
	enum nvsr_level strongest = NVSR_LEVEL_I;

	for (unsigned i = 0; t->requirements && t->requirements[i]; i++) {
		const struct nvsr_requirement *r = nvsr_requirement_find(t->requirements[i]);

		if (r && r->level < strongest)
			strongest = r->level;
	}
	return strongest;
}

static char *cite(const struct nvsr_test *t)
{
	struct nvsr_text out = { 0 };

	for (unsigned i = 0; t->requirements && t->requirements[i]; i++) {
		const struct nvsr_requirement *r = nvsr_requirement_find(t->requirements[i]);

		if (r)
			nvsr_text_add(&out, "%s%s, %s (%s)", out.len ? "; " : "", r->document, r->section, r->id);
		else
			nvsr_text_add(&out, "%s(%s: not in the catalogue)", out.len ? "; " : "", t->requirements[i]);
	}
	return out.s;
}

int nvsr_test_describe(const struct nvsr_group *g, const struct nvsr_test *t, struct nvsr_result *ret)
{
	struct nvsr_result r = { .id = nvsr_test_full_id(g, t), .cite = cite(t) };
	int rc = r.id ? 0 : -ENOMEM;

	if (!rc && !(rc = nvsr_field_set(&r.group, g->id)) && !(rc = nvsr_field_set(&r.title, t->title)))
		rc = nvsr_field_set(&r.level, nvsr_level_name(nvsr_test_level(t)));
	for (unsigned i = 0; !rc && t->requirements && t->requirements[i]; i++)
		rc = nvsr_lines_add(&r.requirements, t->requirements[i]);
	if (rc) {
		nvsr_result_free(&r);
		return rc;
	}
	*ret = r;
	return 0;
}
