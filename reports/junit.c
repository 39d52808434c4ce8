// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JUnit XML as CI servers read it: a suite per group; <failure> where the device is wrong, <error> where there is no
 * verdict, <skipped> with the reason.  A known difference is skipped too: it is neither news nor a pass.
 */
#include "base/base.h"
#include "reports/reports.h"
#include "reports/xml.h"

void nvsr_xml_put(FILE *f, const char *s)
{
	for (; s && *s; s++) {
		switch (*s) {
		case '&': fputs("&amp;", f); break;
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '"': fputs("&quot;", f); break;
		case '\'': fputs("&#39;", f); break;
		default:
			fputc((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t' ? '?' : *s, f);
		}
	}
}

static void put_attribute(FILE *f, const char *name, const char *value)
{
	fprintf(f, " %s=\"", name);
	nvsr_xml_put(f, value);
	fputc('"', f);
}

enum kind { NONE, FAILURE, ERROR, SKIPPED };
static const enum kind kinds[NVSR_VERDICT_COUNT] = {
	[NVSR_NONE] = ERROR, [NVSR_PASS] = NONE, [NVSR_FAIL] = FAILURE, [NVSR_SKIP] = SKIPPED, [NVSR_BROKEN] = ERROR,
	[NVSR_TIMEOUT] = ERROR, [NVSR_CRASH] = ERROR, [NVSR_KNOWN] = SKIPPED, [NVSR_SURPRISE] = NONE, [NVSR_ABORT] = ERROR,
};

static void put_message(FILE *f, const struct nvsr_result *r)
{
	fputs(" message=\"", f);
	if (r->verdict == NVSR_KNOWN)
		fputs("known: ", f);
	if (r->verdict == NVSR_NONE) {
		fputs("not reached", f);
	} else if (r->expected && r->verdict == NVSR_FAIL) {
		fputs("expected ", f);
		nvsr_xml_put(f, r->expected);
		fputs("; observed ", f);
		nvsr_xml_put(f, r->observed);
	} else {
		nvsr_xml_put(f, r->reason);
	}
	fputc('"', f);
}

static void put_line(FILE *f, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(f, "%s: ", key);
	nvsr_xml_put(f, value);
	fputc('\n', f);
}

static void put_lines(FILE *f, const char *key, char *const *line)
{
	for (; line && *line; line++)
		put_line(f, key, *line);
}

static void put_outcome(FILE *f, const struct nvsr_result *r)
{
	static const char *const elements[] = { [FAILURE] = "failure", [ERROR] = "error", [SKIPPED] = "skipped" };
	const char *element = elements[kinds[r->verdict]];

	if (!element)
		return;
	fprintf(f, "      <%s", element);
	if (kinds[r->verdict] != SKIPPED)
		put_attribute(f, "type", nvsr_verdict_name(r->verdict));
	put_message(f, r);
	if (kinds[r->verdict] == SKIPPED) {
		fputs("/>\n", f);
		return;
	}
	fputc('>', f);
	put_line(f, "cite", r->cite);
	put_line(f, "expected", r->expected);
	put_line(f, "observed", r->observed);
	put_line(f, "at", r->at);
	put_lines(f, "also", r->failures);
	put_lines(f, "last", r->last);
	fprintf(f, "</%s>\n", element);
}

static void put_case(FILE *f, const struct nvsr_result *r)
{
	const char *name = r->group && !strncmp(r->id, r->group, strlen(r->group)) ? r->id + strlen(r->group) + 1 : r->id;

	fputs("    <testcase", f);
	put_attribute(f, "classname", r->group);
	put_attribute(f, "name", name);
	fprintf(f, " time=\"%.6f\">\n", r->ms / 1000);
	put_outcome(f, r);
	if (r->notes || r->output || r->deviates || r->verdict == NVSR_SURPRISE || r->verdict == NVSR_KNOWN) {
		fputs("      <system-out>", f);
		put_line(f, "result", nvsr_verdict_name(r->verdict));
		if (r->deviates) {
			put_line(f, "deviates, expected", r->expected);
			put_line(f, "observed", r->observed);
		}
		put_line(f, "link", r->link);
		put_lines(f, "note", r->notes);
		put_lines(f, "output", r->output);
		fputs("</system-out>\n", f);
	}
	fputs("    </testcase>\n", f);
}

static void put_counts(FILE *f, const struct nvsr_run *run, size_t first, size_t end)
{
	unsigned n[SKIPPED + 1] = { 0 };
	double ms = 0;

	for (size_t i = first; i < end; i++) {
		n[kinds[run->tests[i].verdict]]++;
		ms += run->tests[i].ms;
	}
	fprintf(f, " tests=\"%zu\" failures=\"%u\" errors=\"%u\" skipped=\"%u\" time=\"%.6f\"", end - first, n[FAILURE], n[ERROR],
		n[SKIPPED], ms / 1000);
}

static void put_properties(FILE *f, const struct nvsr_run *run)
{
	const struct { const char *name, *value; } p[] = {
		{ "tool", run->tool }, { "device", run->device }, { "method", run->method }, { "profile", run->profile },
		{ "model", run->model }, { "serial", run->serial }, { "firmware", run->firmware }, { "cmdline", run->cmdline },
	};

	fputs("    <properties>\n", f);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(p); i++) {
		if (!p[i].value)
			continue;
		fputs("      <property", f);
		put_attribute(f, "name", p[i].name);
		put_attribute(f, "value", p[i].value);
		fputs("/>\n", f);
	}
	fputs("    </properties>\n", f);
}

static bool same_group(const struct nvsr_result *a, const struct nvsr_result *b)
{
	return !strcmp(a->group ? a->group : "", b->group ? b->group : "");
}

void nvsr_junit_write(FILE *f, const struct nvsr_run *run)
{
	size_t end;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"nvsr-conform\"", f);
	put_counts(f, run, 0, run->count);
	fputs(">\n", f);
	for (size_t i = 0; i < run->count; i = end) {
		for (end = i + 1; end < run->count && same_group(&run->tests[i], &run->tests[end]);)
			end++;
		fputs("  <testsuite", f);
		put_attribute(f, "name", run->tests[i].group);
		put_counts(f, run, i, end);
		if (run->started)	/* ISO 8601 without the zone, as the schema has it */
			fprintf(f, " timestamp=\"%.19s\"", run->started);
		fputs(">\n", f);
		put_properties(f, run);
		for (size_t k = i; k < end; k++)
			put_case(f, &run->tests[k]);
		fputs("  </testsuite>\n", f);
	}
	fputs("</testsuites>\n", f);
}
