// SPDX-License-Identifier: GPL-2.0-or-later
/* Requirement coverage: every row of the catalogue, by area, with the tests of this run that judge it. */
#include "reports/html.h"
#include "reports/xml.h"
#include "spec/requirement.h"

/* "VIRT" of "VIRT-37". */
static size_t area_len(const char *id)
{
	return strcspn(id, "-");
}

static bool same_area(const char *a, const char *b)
{
	return area_len(a) == area_len(b) && !strncmp(a, b, area_len(a));
}

static bool cites(const struct nvsr_result *r, const char *id)
{
	for (char *const *q = r->requirements; q && *q; q++)
		if (!strcmp(*q, id))
			return true;
	return false;
}

/* What a requirement's tests say together, the worst first; the order of this list is the order of severity. */
static const enum nvsr_verdict worst_first[] = {
	NVSR_FAIL, NVSR_KNOWN, NVSR_ABORT, NVSR_CRASH, NVSR_TIMEOUT, NVSR_BROKEN, NVSR_SURPRISE, NVSR_PASS, NVSR_SKIP, NVSR_NONE,
};

static const char *status_of(const struct nvsr_run *run, const char *id, bool *ret_judged)
{
	unsigned n[NVSR_VERDICT_COUNT] = { 0 };

	for (size_t i = 0; i < run->count; i++)
		if (cites(&run->tests[i], id))
			n[run->tests[i].verdict]++;
	*ret_judged = n[NVSR_PASS] || n[NVSR_FAIL] || n[NVSR_KNOWN] || n[NVSR_SURPRISE];
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(worst_first); i++)
		if (n[worst_first[i]])
			return nvsr_verdict_name(worst_first[i]);
	return NULL;
}

static void put_tests(FILE *f, const struct nvsr_run *run, const struct nvsr_requirement *q)
{
	bool any = false;

	for (size_t i = 0; i < run->count; i++) {
		if (!cites(&run->tests[i], q->id))
			continue;
		fputs(any ? "<br><a class=id href=\"#" : "<a class=id href=\"#", f);
		nvsr_xml_put(f, run->tests[i].id);
		fputs("\">", f);
		nvsr_xml_put(f, run->tests[i].id);
		fputs("</a>", f);
		any = true;
	}
	if (any)
		return;
	fputs("<span class=soft>", f);
	nvsr_xml_put(f, q->reason ? q->reason : "not part of this run");
	fputs("</span>", f);
}

static void put_area(FILE *f, const struct nvsr_run *run, size_t first, size_t end)
{
	unsigned judged = 0;
	bool is;

	for (size_t i = first; i < end; i++) {
		status_of(run, nvsr_requirements[i].id, &is);
		judged += is;
	}
	fprintf(f, "<details><summary>%.*s<span>%u of %zu judged in this run</span></summary><div class=wide><table><tr><th>Row"
		"<th>Level<th>Clause<th>Result<th>Tests</tr>\n", (int)area_len(nvsr_requirements[first].id),
		nvsr_requirements[first].id, judged, end - first);
	for (size_t i = first; i < end; i++) {
		const struct nvsr_requirement *q = &nvsr_requirements[i];
		const char *status = status_of(run, q->id, &is);

		fprintf(f, "<tr><td class=id>%s<td>%s<td>", q->id, nvsr_level_name(q->level));
		nvsr_xml_put(f, q->text);
		fputs("<br><span class=soft>", f);
		nvsr_xml_put(f, q->document);
		fputs(", ", f);
		nvsr_xml_put(f, q->section);
		fprintf(f, "</span><td class=\"r %s\">%s<td>", status ? status : "none", status ? status : "-");
		put_tests(f, run, q);
		fputs("</tr>\n", f);
	}
	fputs("</table></div></details>\n", f);
}

void nvsr_html_coverage(FILE *f, const struct nvsr_run *run)
{
	size_t end;

	fputs("<h2>Requirements</h2>\n", f);
	for (size_t i = 0; i < nvsr_requirement_count; i = end) {
		for (end = i + 1; end < nvsr_requirement_count && same_area(nvsr_requirements[i].id, nvsr_requirements[end].id);)
			end++;
		put_area(f, run, i, end);
	}
}
