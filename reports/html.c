// SPDX-License-Identifier: GPL-2.0-or-later
/* One self-contained page: what matters first, everything findable. */
#include "reports/html.h"
#include "reports/xml.h"

static void put_fact(FILE *f, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(f, "<div%s><span>%s</span>", strlen(value) > 40 ? " class=wide" : "", name);
	nvsr_xml_put(f, value);
	fputs("</div>\n", f);
}

static const char *headline(const struct nvsr_run *run)
{
	switch (nvsr_run_exit_code(run, false)) {
	case 0: return "No contradiction found";
	case 1: return "The device contradicts the standard";
	case 77: return "Nothing could run";
	default: return run->interrupted ? "Interrupted" : run->abort_reason ? "Aborted" : "Incomplete";
	}
}

static void put_summary(FILE *f, const struct nvsr_run *run)
{
	static const enum nvsr_verdict order[] = {
		NVSR_FAIL, NVSR_BROKEN, NVSR_TIMEOUT, NVSR_CRASH, NVSR_ABORT, NVSR_KNOWN, NVSR_SURPRISE, NVSR_PASS, NVSR_SKIP,
		NVSR_NONE,
	};

	fputs("<div class=bar>", f);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(order); i++)
		if (run->totals[order[i]])
			fprintf(f, "<i class=%s style=\"flex:%u\"></i>", nvsr_verdict_name(order[i]), run->totals[order[i]]);
	fputs("</div><div class=legend>", f);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(order); i++) {
		const char *name = nvsr_verdict_name(order[i]);

		if (run->totals[order[i]])
			fprintf(f, "<span><span class=\"dot %s\"></span><b>%u</b> %s</span>", name, run->totals[order[i]],
				order[i] == NVSR_NONE ? "not reached" : name);
	}
	fputs("</div><p class=soft>", f);
	nvsr_text_totals(f, run);
	fputs("</p>\n", f);
	if (run->abort_reason) {
		fputs("<p class=abort>Aborted: ", f);
		nvsr_xml_put(f, run->abort_reason);
		fputs("</p>\n", f);
	}
}

static void put_head(FILE *f, const struct nvsr_run *run)
{
	fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport "
	      "content=\"width=device-width,initial-scale=1\"><title>", f);
	nvsr_xml_put(f, headline(run));
	fprintf(f, " - nvsr-conform</title><style>%s</style></head><body><main>\n<h1>", nvsr_html_style);
	nvsr_xml_put(f, headline(run));
	fputs("</h1>\n<p class=soft>nvsr-conform ", f);
	nvsr_xml_put(f, run->tool);
	fputs("</p>\n<div class=facts>\n", f);
	put_fact(f, "Device", run->device);
	put_fact(f, "Model", run->model);
	put_fact(f, "Serial", run->serial);
	put_fact(f, "Firmware", run->firmware);
	put_fact(f, "Profile", run->profile);
	put_fact(f, "Access method", run->method);
	put_fact(f, "Started", run->started);
	put_fact(f, "Finished", run->finished);
	put_fact(f, "Command", run->cmdline);
	fputs("</div>\n", f);
	put_summary(f, run);
}

static void put_pair(FILE *f, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(f, "<dt>%s<dd>", name);
	nvsr_xml_put(f, value);
	fputc('\n', f);
}

static void put_block(FILE *f, const char *name, char *const *line)
{
	if (!line || !*line)
		return;
	fprintf(f, "<p class=soft>%s</p><pre>", name);
	for (; *line; line++) {
		nvsr_xml_put(f, *line);
		fputc('\n', f);
	}
	fputs("</pre>", f);
}

static void put_card(FILE *f, const struct nvsr_result *r)
{
	const char *kind = r->verdict == NVSR_PASS ? "deviates" : nvsr_verdict_name(r->verdict);

	fprintf(f, "<div class=\"card %s\"><h3><span class=%s>%s</span> <span class=id>", kind, kind, kind);
	nvsr_xml_put(f, r->id);
	fputs("</span></h3>\n<p>", f);
	nvsr_xml_put(f, r->title);
	fputs("</p><dl>", f);
	put_pair(f, "clause", r->cite);
	put_pair(f, "expected", r->expected);
	put_pair(f, "observed", r->observed);
	put_pair(f, "reason", r->reason);
	put_pair(f, "at", r->at);
	put_pair(f, "link", r->link);
	for (char *const *line = r->failures; line && *line; line++)
		put_pair(f, "also", *line);
	for (char *const *line = r->notes; line && *line; line++)
		put_pair(f, "note", *line);
	fputs("</dl>", f);
	put_block(f, "last commands", r->last);
	put_block(f, "output of the test", r->output);
	fputs("</div>\n", f);
}

enum section { FAILURES, NO_VERDICT, EXPECTED, DEVIATIONS, SECTIONS };

static enum section section_of(const struct nvsr_result *r)
{
	switch (r->verdict) {
	case NVSR_FAIL:
		return FAILURES;
	case NVSR_BROKEN:
	case NVSR_TIMEOUT:
	case NVSR_CRASH:
	case NVSR_ABORT:
		return NO_VERDICT;
	case NVSR_KNOWN:
	case NVSR_SURPRISE:
		return EXPECTED;
	default:
		return r->deviates ? DEVIATIONS : SECTIONS;
	}
}

static void put_sections(FILE *f, const struct nvsr_run *run)
{
	static const char *const titles[] = {
		[FAILURES] = "Failures", [NO_VERDICT] = "No verdict", [EXPECTED] = "Known differences",
		[DEVIATIONS] = "Deviations from what is recommended or left open",
	};

	for (enum section s = FAILURES; s < SECTIONS; s++) {
		bool open = false;

		for (size_t i = 0; i < run->count; i++) {
			if (section_of(&run->tests[i]) != s)
				continue;
			if (!open)
				fprintf(f, "<h2>%s</h2>\n", titles[s]);
			open = true;
			put_card(f, &run->tests[i]);
		}
	}
}

static void put_row(FILE *f, const struct nvsr_result *r)
{
	const char *kind = r->deviates && r->verdict == NVSR_PASS ? "deviates" : nvsr_verdict_name(r->verdict);

	fputs("<tr id=\"", f);
	nvsr_xml_put(f, r->id);
	fputs("\"><td><span class=id>", f);
	nvsr_xml_put(f, r->id);
	fputs("</span><br>", f);
	nvsr_xml_put(f, r->title);
	fprintf(f, "<td class=\"r %s\">%s<td class=soft>", kind, kind);
	nvsr_xml_put(f, r->cite);
	if (r->reason) {
		fputs("<br>", f);
		nvsr_xml_put(f, r->reason);
	}
	for (char *const *line = r->notes; line && *line; line++) {
		fputs("<br>", f);
		nvsr_xml_put(f, *line);
	}
	fprintf(f, "<td class=n>%.1f ms</tr>\n", r->ms);
}

static bool same_group(const struct nvsr_result *a, const struct nvsr_result *b)
{
	return !strcmp(a->group ? a->group : "", b->group ? b->group : "");
}

static void put_groups(FILE *f, const struct nvsr_run *run)
{
	size_t end;

	fputs("<h2>Tests</h2>\n", f);
	for (size_t i = 0; i < run->count; i = end) {
		unsigned pass = 0, skip = 0;
		bool notable = false;	/* a group without surprises stays folded: hundreds of passes hide what matters */

		for (end = i; end < run->count && same_group(&run->tests[i], &run->tests[end]); end++) {
			notable |= section_of(&run->tests[end]) != SECTIONS;
			pass += run->tests[end].verdict == NVSR_PASS;
			skip += run->tests[end].verdict == NVSR_SKIP;
		}
		fputs(notable ? "<details open><summary>" : "<details><summary>", f);
		nvsr_xml_put(f, run->tests[i].group);
		fprintf(f, "<span>%zu tests, %u pass, %u skip, %zu other</span></summary><div class=wide><table>"
			"<tr><th>Test<th>Result<th>Clause, reason, notes<th class=n>Time</tr>\n", end - i, pass, skip, end - i - pass - skip);
		for (size_t k = i; k < end; k++)
			put_row(f, &run->tests[k]);
		fputs("</table></div></details>\n", f);
	}
}

void nvsr_html_write(FILE *f, const struct nvsr_run *run)
{
	put_head(f, run);
	put_sections(f, run);
	put_groups(f, run);
	nvsr_html_coverage(f, run);
	fputs("</main></body></html>\n", f);
}
