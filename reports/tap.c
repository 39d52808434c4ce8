// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TAP 13: plan first, one point per selected test, the same points for the same selection whatever the hardware.  Evidence
 * is a YAML block in the subset that Perl's TAP::Parser reads: block sequences and single-quoted scalars.
 */
#include "reports/reports.h"

/* The text of a directive or a comment: '#' would start another directive, a line break another line. */
static void put_escaped(FILE *f, const char *s)
{
	for (; s && *s; s++) {
		if (*s == '#' || *s == '\\')
			fputc('\\', f);
		fputc(*s == '\n' || *s == '\r' ? ' ' : *s, f);
	}
}

static void put_quoted(FILE *f, const char *s)
{
	fputc('\'', f);
	for (; s && *s; s++) {
		if (*s == '\'')
			fputc('\'', f);
		fputc((unsigned char)*s < 0x20 ? ' ' : *s, f);
	}
	fputs("'\n", f);
}

/* TAP::Parser takes "- 'word: more'" for a mapping inside the list, whatever the quotes. */
static size_t colon_of_mapping(const char *s)
{
	size_t n = strcspn(s, " ");

	if (n && s[n - 1] == ':')
		return n - 1;
	n += strspn(s + n, " ");
	return s[n] == ':' && (s[n + 1] == ' ' || !s[n + 1]) ? n : SIZE_MAX;
}

static void put_item(FILE *f, const char *s)
{
	size_t colon = colon_of_mapping(s);

	if (colon == SIZE_MAX) {
		put_quoted(f, s);
		return;
	}
	fputc('"', f);
	for (size_t i = 0; s[i]; i++) {
		if (i == colon)
			fputs("\\x3a", f);
		else if (s[i] == '"' || s[i] == '\\')
			fprintf(f, "\\%c", s[i]);
		else
			fputc((unsigned char)s[i] < 0x20 ? ' ' : s[i], f);
	}
	fputs("\"\n", f);
}

static void put_field(FILE *f, const char *key, const char *value)
{
	if (!value)
		return;
	fprintf(f, "  %s: ", key);
	put_quoted(f, value);
}

static void put_list(FILE *f, const char *key, char *const *lines)
{
	if (!lines || !lines[0])
		return;
	fprintf(f, "  %s:\n", key);
	for (; *lines; lines++) {
		fputs("    - ", f);
		put_item(f, *lines);
	}
}

static const char *severity(const struct nvsr_result *r)
{
	return r->deviates && r->verdict == NVSR_PASS ? "deviates" : nvsr_verdict_name(r->verdict);
}

static bool has_evidence(const struct nvsr_result *r)
{
	return (r->verdict != NVSR_PASS && r->verdict != NVSR_SKIP) || r->deviates || r->notes;
}

static void put_yaml(FILE *f, const struct nvsr_result *r)
{
	fputs("  ---\n", f);
	put_field(f, "severity", severity(r));
	put_field(f, "cite", r->cite);
	put_field(f, "reason", r->verdict == NVSR_NONE ? "not reached" : r->reason);
	put_field(f, "expected", r->expected);
	put_field(f, "observed", r->observed);
	put_field(f, "at", r->at);
	put_field(f, "link", r->link);
	put_list(f, "failures", r->failures);
	put_list(f, "notes", r->notes);
	put_list(f, "last", r->last);
	fputs("  ...\n", f);
}

void nvsr_tap_head(FILE *f, const struct nvsr_run *run)
{
	fprintf(f, "TAP version 13\n1..%zu\n", run->count);
	fprintf(f, "# nvsr-conform %s, device %s, profile %s\n", run->tool ? run->tool : "", run->device ? run->device : "",
		run->profile ? run->profile : "");
	if (run->model)
		fprintf(f, "# %s, serial %s, firmware %s\n", run->model, run->serial ? run->serial : "",
			run->firmware ? run->firmware : "");
}

void nvsr_tap_point(FILE *f, size_t number, const struct nvsr_result *r)
{
	static const bool ok[NVSR_VERDICT_COUNT] = { [NVSR_PASS] = true, [NVSR_SKIP] = true, [NVSR_SURPRISE] = true };

	for (char *const *line = r->output; line && *line; line++)
		fprintf(f, "# %s\n", *line);
	fprintf(f, "%s %zu - %s", ok[r->verdict] ? "ok" : "not ok", number, r->id);
	if (r->verdict == NVSR_SKIP || r->verdict == NVSR_KNOWN || r->verdict == NVSR_SURPRISE) {
		fprintf(f, " # %s ", r->verdict == NVSR_SKIP ? "SKIP" : "TODO");
		if (r->link) {
			put_escaped(f, r->link);
			fputc(' ', f);
		}
		put_escaped(f, r->reason);
	}
	fputc('\n', f);
	if (has_evidence(r))
		put_yaml(f, r);
}

void nvsr_tap_end(FILE *f, const struct nvsr_run *run)
{
	if (run->abort_reason) {
		fputs("Bail out! ", f);
		put_escaped(f, run->abort_reason);
		fputc('\n', f);
	}
	fputs("# ", f);
	nvsr_text_totals(f, run);
	if (run->interrupted)
		fputs("# interrupted\n", f);
}

void nvsr_tap_write(FILE *f, const struct nvsr_run *run)
{
	nvsr_tap_head(f, run);
	for (size_t i = 0; i < run->count; i++)
		nvsr_tap_point(f, i + 1, &run->tests[i]);
	nvsr_tap_end(f, run);
}
