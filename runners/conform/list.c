// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform list: the catalogue of tests, of needs, and of requirements with their coverage.  No device, no root. */
#include <jansson.h>

#include "runners/conform/conform.h"

struct options {
	char **patterns;
	enum nvsr_format format;
	bool needs, coverage;
};

enum { OPT_FORMAT = 0x100, OPT_NEEDS, OPT_COVERAGE };

static const struct argp_option options[] = {
	{ "format", OPT_FORMAT, "text|json|md", 0, "text (default), json for machines, md for documents", 0 },
	{ "needs", OPT_NEEDS, NULL, 0, "what tests may need, and how many of them need it", 0 },
	{ "coverage", OPT_COVERAGE, NULL, 0, "every requirement with the tests that judge it, or why none does", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPT_FORMAT: o->format = nvsr_format_parse(arg, "text|json|md", state); break;
	case OPT_NEEDS: o->needs = true; break;
	case OPT_COVERAGE: o->coverage = true; break;
	case ARGP_KEY_ARG: nvsr_line_parse(arg, &o->patterns, state); break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "[PATTERN...]",
	.doc = "List tests, clauses and needs.\vPATTERN is a shell glob on test ids; '!' in front deselects; the last match wins.",
};

static void put_json(json_t *o)
{
	json_dumpf(o, stdout, JSON_INDENT(1));
	fputc('\n', stdout);
	json_decref(o);
}

static json_t *strings(const char *const *s)
{
	json_t *a = json_array();

	for (; s && *s; s++)
		json_array_append_new(a, json_string(*s));
	return a;
}

/* A cell of a Markdown table. */
static void put_cell(const char *s)
{
	for (; s && *s; s++) {
		if (*s == '|')
			fputc('\\', stdout);
		fputc(*s == '\n' ? ' ' : *s, stdout);
	}
}

/* --- tests ------------------------------------------------------------------------------------------------------------ */

static json_t *needs_json(uint64_t needs)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++)
		if (needs >> i & 1)
			json_array_append_new(a, json_string(nvsr_needs[i].key));
	return a;
}

static void tests_json(const struct nvsr_plan *plan)
{
	json_t *o = json_object(), *tests = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct nvsr_test *t = plan->item[i].test;
		_cleanup_free_ char *id = nvsr_test_full_id(plan->item[i].group, t);

		json_array_append_new(tests, json_pack("{s:s,s:s,s:o,s:s,s:o,s:o}", "id", id, "title", t->title, "requirements",
						       strings(t->requirements), "level",
						       nvsr_level_name(nvsr_test_level(t)), "needs", needs_json(t->needs),
						       "defects", strings(t->caught_by)));
	}
	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "tests", tests);
	put_json(o);
}

static void put_needs(uint64_t needs)
{
	unsigned n = 0;

	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++)
		if (needs >> i & 1)
			printf("%s%s", n++ ? ", " : "", nvsr_needs[i].key);
}

static void put_all(const char *const *s, const char *separator)
{
	for (unsigned i = 0; s && s[i]; i++)
		printf("%s%s", i ? separator : "", s[i]);
}

static void tests_md(const struct nvsr_plan *plan)
{
	const struct nvsr_group *group = NULL;

	printf("# Catalogue of tests\n\nWritten by `nvsr-conform list --format md`. %zu tests.\n", plan->count);
	for (size_t i = 0; i < plan->count; i++) {
		const struct nvsr_test *t = plan->item[i].test;

		if (plan->item[i].group != group) {
			group = plan->item[i].group;
			printf("\n## %s\n\n| test | shows | requirements | level | needs | caught by |\n|---|---|---|---|---|---|\n",
			       group->id);
		}
		printf("| `%s` | ", t->id);
		put_cell(t->title);
		printf(" | ");
		put_all(t->requirements, " ");
		printf(" | %s | ", nvsr_level_name(nvsr_test_level(t)));
		put_needs(t->needs);
		printf(" | ");
		put_all(t->caught_by, " ");
		printf(" |\n");
	}
}

static void tests_text(const struct nvsr_plan *plan)
{
	int width = 0;

	for (size_t i = 0; i < plan->count; i++) {
		int len = (int)(strlen(plan->item[i].group->id) + 1 + strlen(plan->item[i].test->id));

		width = NVSR_MAX(width, len);
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct nvsr_test *t = plan->item[i].test;
		_cleanup_free_ char *id = nvsr_test_full_id(plan->item[i].group, t);

		printf("%-*s  %-2s  ", width, id ? id : "", nvsr_level_name(nvsr_test_level(t)));
		put_all(t->requirements, " ");
		printf("  %s\n", t->title);
	}
	fprintf(stderr, "%zu tests\n", plan->count);
}

/* --- needs ---------------------------------------------------------------------------------------------------------------- */

static const char *const kinds[] = {
	[NVSR_NEED_CLAIM] = "claim", [NVSR_NEED_PROMISE] = "promise", [NVSR_NEED_ENV] = "env", [NVSR_NEED_GRANT] = "grant",
};

static unsigned count_need(const struct nvsr_plan *plan, unsigned need)
{
	unsigned n = 0;

	for (size_t i = 0; i < plan->count; i++)
		n += plan->item[i].test->needs >> need & 1;
	return n;
}

static void list_needs(const struct nvsr_plan *plan, enum nvsr_format format)
{
	json_t *o = json_object(), *needs = json_array();

	if (format == NVSR_FORMAT_MD)
		printf("| need | kind | tests | what it is |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++) {
		const struct nvsr_need *n = &nvsr_needs[i];
		unsigned tests = count_need(plan, i);

		if (format == NVSR_FORMAT_JSON)
			json_array_append_new(needs, json_pack("{s:s,s:s,s:s,s:i}", "need", n->key, "kind", kinds[n->kind], "text",
							       n->text, "tests", (int)tests));
		else if (format == NVSR_FORMAT_MD)
			printf("| `%s` | %s | %u | %s |\n", n->key, kinds[n->kind], tests, n->text);
		else
			printf("%-16s %-6s %4u  %s\n", n->key, kinds[n->kind], tests, n->text);
	}
	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "needs", needs);
	if (format == NVSR_FORMAT_JSON)
		put_json(o);
	else
		json_decref(o);
}

/* --- coverage --------------------------------------------------------------------------------------------------------------- */

static bool cites(const struct nvsr_test *t, const char *id)
{
	for (unsigned i = 0; t->requirements && t->requirements[i]; i++)
		if (!strcmp(t->requirements[i], id))
			return true;
	return false;
}

/* Ids of the tests that cite a requirement; NULL-terminated, NULL when none does. */
static char **judges(const struct nvsr_plan *plan, const char *id)
{
	char **ids = NULL;

	for (size_t i = 0; i < plan->count; i++) {
		_cleanup_free_ char *full = NULL;

		if (!cites(plan->item[i].test, id))
			continue;
		full = nvsr_test_full_id(plan->item[i].group, plan->item[i].test);
		if (full)
			nvsr_lines_add(&ids, full);
	}
	return ids;
}

static const char *why_none(const struct nvsr_requirement *r, char *const *tests, bool all)
{
	if (tests)
		return NULL;
	return r->reason ? r->reason : all ? "no test yet" : "none of the selected tests";
}

static void coverage_json(const struct nvsr_plan *plan, bool all)
{
	json_t *o = json_object(), *rows = json_array();

	for (size_t i = 0; i < nvsr_requirement_count; i++) {
		const struct nvsr_requirement *r = &nvsr_requirements[i];
		char **tests = judges(plan, r->id);
		_cleanup_free_ char *cite = nvsr_asprintf("%s, %s", r->document, r->section);

		json_array_append_new(rows, json_pack("{s:s,s:s,s:s,s:s,s:s,s:o,s:s?}", "id", r->id, "level",
						      nvsr_level_name(r->level), "condition", r->condition, "cite", cite, "text",
						      r->text, "tests", strings((const char *const *)tests), "reason",
						      why_none(r, tests, all)));
		nvsr_lines_free(tests);
	}
	json_object_set_new(o, "version", json_integer(1));
	json_object_set_new(o, "requirements", rows);
	put_json(o);
}

static void coverage_table(const struct nvsr_plan *plan, bool all, bool md)
{
	unsigned covered = 0;

	if (md)
		printf("| requirement | level | clause | tests |\n|---|---|---|---|\n");
	for (size_t i = 0; i < nvsr_requirement_count; i++) {
		const struct nvsr_requirement *r = &nvsr_requirements[i];
		char **tests = judges(plan, r->id);

		covered += tests ? 1 : 0;
		if (md) {
			printf("| %s | %s | ", r->id, nvsr_level_name(r->level));
			put_cell(r->document);
			printf(", ");
			put_cell(r->section);
			printf(" | ");
		} else {
			printf("%-9s %-2s  ", r->id, nvsr_level_name(r->level));
		}
		if (tests)
			put_all((const char *const *)tests, md ? "<br>" : " ");
		else if (md)
			put_cell(why_none(r, tests, all));
		else
			printf("- %s", why_none(r, tests, all));
		printf(md ? " |\n" : "\n");
		nvsr_lines_free(tests);
	}
	fprintf(stderr, "%u of %zu requirements have a test\n", covered, nvsr_requirement_count);
}

static int list(int argc, char **argv)
{
	struct options o = { 0 };
	struct nvsr_plan plan = { 0 };
	const char *unmatched;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	rc = nvsr_plan_make((const char *const *)o.patterns, nvsr_lines_count(o.patterns), &plan, &unmatched);
	if (rc) {
		nvsr_say("pattern %s matches no test", unmatched ? unmatched : "");
		rc = EXIT_USAGE;
	} else if (o.coverage && o.format == NVSR_FORMAT_JSON) {
		coverage_json(&plan, !o.patterns);
	} else if (o.coverage) {
		coverage_table(&plan, !o.patterns, o.format == NVSR_FORMAT_MD);
	} else if (o.needs) {
		list_needs(&plan, o.format);
	} else if (o.format == NVSR_FORMAT_JSON) {
		tests_json(&plan);
	} else if (o.format == NVSR_FORMAT_MD) {
		tests_md(&plan);
	} else {
		tests_text(&plan);
	}
	nvsr_plan_free(&plan);
	nvsr_lines_free(o.patterns);
	return rc;
}

const struct nvsr_command nvsr_cmd_list = {
	.name = "list", .summary = "tests, clauses, needs; no device, no root", .argp = &argp, .run = list,
};
