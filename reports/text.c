// SPDX-License-Identifier: GPL-2.0-or-later
/* Text for people: one line per test, the result word after it; at the end the failures again, with evidence. */
#include "base/text.h"
#include "reports/reports.h"

#define RED	"31;1"
#define GREEN	"32"
#define YELLOW	"33"
#define DIM	"2"

static const struct { const char *word, *colour; } look[NVSR_VERDICT_COUNT] = {
	[NVSR_NONE] = { "-", DIM },
	[NVSR_PASS] = { "pass", GREEN },
	[NVSR_FAIL] = { "FAIL", RED },
	[NVSR_SKIP] = { "skip", DIM },
	[NVSR_BROKEN] = { "BROKEN", RED },
	[NVSR_TIMEOUT] = { "TIMEOUT", RED },
	[NVSR_CRASH] = { "CRASH", RED },
	[NVSR_KNOWN] = { "known", YELLOW },
	[NVSR_SURPRISE] = { "surprise", YELLOW },
	[NVSR_ABORT] = { "ABORT", RED },
};

static void put_coloured(FILE *f, const struct nvsr_text_style *s, const char *colour, const char *text, int width)
{
	if (s->colour)
		fprintf(f, "\033[%sm%-*s\033[0m", colour, width, text);
	else
		fprintf(f, "%-*s", width, text);
}

static int id_width(const struct nvsr_run *run)
{
	size_t width = 20;

	for (size_t i = 0; i < run->count; i++)
		width = NVSR_MAX(width, strlen(run->tests[i].id));
	return (int)width;
}

void nvsr_text_head(FILE *f, const struct nvsr_run *run, const struct nvsr_text_style *s)
{
	bool real = run->method && strcmp(run->method, "model");

	fprintf(f, "nvsr-conform %s   profile %s   device %s%s%s   %zu tests\n", run->tool ? run->tool : "",
		run->profile ? run->profile : "", run->device ? run->device : "", real ? " by " : "", real ? run->method : "",
		run->count);
	if (run->model)
		fprintf(f, "%s, serial %s, firmware %s\n", run->model, run->serial ? run->serial : "",
			run->firmware ? run->firmware : "");
	fputc('\n', f);
}

/* What was expected and seen, indented. */
static void put_difference(FILE *f, const struct nvsr_result *r)
{
	if (r->cite && *r->cite && r->expected)
		fprintf(f, "    %s\n", r->cite);
	if (r->expected)
		fprintf(f, "    expected %s\n    observed %s\n", r->expected, r->observed ? r->observed : "");
	for (char *const *line = r->failures; line && *line; line++)
		fprintf(f, "    also %s\n", *line);
	if (r->reason && r->verdict != NVSR_SKIP)
		fprintf(f, "    %s\n", r->reason);
	if (r->link)
		fprintf(f, "    %s\n", r->link);
	if (r->at)
		fprintf(f, "    at %s\n", r->at);
}

void nvsr_text_point(FILE *f, const struct nvsr_run *run, const struct nvsr_result *r, const struct nvsr_text_style *s)
{
	static const char dots[] = "..........................................................................................";
	int gap = id_width(run) + 2 - (int)strlen(r->id);

	fprintf(f, "%s %.*s ", r->id, gap < (int)sizeof(dots) ? gap : (int)sizeof(dots) - 1, dots);
	put_coloured(f, s, look[r->verdict].colour, look[r->verdict].word, 8);
	if (r->verdict == NVSR_SKIP)
		fprintf(f, " %s\n", r->reason ? r->reason : "");
	else if (r->verdict == NVSR_NONE)
		fputs(" not reached\n", f);
	else
		fprintf(f, "%7.2f s%s%s\n", r->ms / 1000, r->deviates ? "  deviates" : "",
			r->deviates && r->level ? *r->level == 'R' ? " from a recommendation" : " (reported only)" : "");
	if (r->verdict != NVSR_PASS && r->verdict != NVSR_SKIP && r->verdict != NVSR_NONE)
		put_difference(f, r);
	else if (r->deviates && r->expected)
		fprintf(f, "    expected %s\n    observed %s\n", r->expected, r->observed ? r->observed : "");
}

/* Tests that an abort kept from running have nothing to show. */
static bool needs_attention(const struct nvsr_result *r)
{
	return r->verdict == NVSR_FAIL || r->verdict == NVSR_BROKEN || r->verdict == NVSR_TIMEOUT || r->verdict == NVSR_CRASH ||
	       (r->verdict == NVSR_ABORT && r->checks);
}

static void put_evidence(FILE *f, const struct nvsr_result *r, const struct nvsr_text_style *s)
{
	fprintf(f, "\n%s ", r->id);
	put_coloured(f, s, look[r->verdict].colour, look[r->verdict].word, 0);
	fputc('\n', f);
	if (r->title)
		fprintf(f, "    %s\n", r->title);
	put_difference(f, r);
	for (char *const *line = r->notes; line && *line; line++)
		fprintf(f, "    note: %s\n", *line);
	if (r->last)
		fputs("    last commands:\n", f);
	for (char *const *line = r->last; line && *line; line++)
		fprintf(f, "      %s\n", *line);
	if (r->output)
		fputs("    output:\n", f);
	for (char *const *line = r->output; line && *line; line++)
		fprintf(f, "      %s\n", *line);
}

static unsigned count_cause(const struct nvsr_run *run, const char *cause)
{
	unsigned n = 0;

	for (size_t i = 0; i < run->count; i++)
		n += run->tests[i].verdict == NVSR_SKIP && run->tests[i].cause && !strcmp(run->tests[i].cause, cause);
	return n;
}

void nvsr_text_totals(FILE *f, const struct nvsr_run *run)
{
	static const struct { const char *cause, *text; } causes[] = {
		{ "claim", "not reported by the device" }, { "env", "beyond this access method" },
		{ "grant", "need --destructive" }, { "test", "not applicable" },
	};
	unsigned deviates = 0;

	fprintf(f, "%zu tests: %u pass, %u fail", run->count, run->totals[NVSR_PASS], run->totals[NVSR_FAIL]);
	for (unsigned v = NVSR_SKIP + 1; v < NVSR_VERDICT_COUNT; v++)
		if (run->totals[v] || v == NVSR_BROKEN)
			fprintf(f, ", %u %s", run->totals[v], nvsr_verdict_name((enum nvsr_verdict)v));
	if (run->not_reached)
		fprintf(f, ", %u not reached", run->not_reached);
	fprintf(f, ", %u skip", run->totals[NVSR_SKIP]);
	for (unsigned i = 0, open = 0; i < NVSR_ARRAY_SIZE(causes); i++) {
		unsigned n = count_cause(run, causes[i].cause);

		if (n)
			fprintf(f, "%s%u %s", open++ ? ", " : " (", n, causes[i].text);
		if (open && i + 1 == NVSR_ARRAY_SIZE(causes))
			fputc(')', f);
	}
	for (size_t i = 0; i < run->count; i++)
		deviates += run->tests[i].deviates;
	if (deviates)
		fprintf(f, "; %u report%s a deviation", deviates, deviates == 1 ? "s" : "");
	fputc('\n', f);
}

/* The command that runs again what did not pass. */
static void put_again(FILE *f, const struct nvsr_run *run)
{
	unsigned n = 0;

	for (size_t i = 0; i < run->count; i++) {
		if (!needs_attention(&run->tests[i]))
			continue;
		if (!n++) {
			fprintf(f, "again: nvsr-conform run %s", run->device ? run->device : "DEVICE");
			for (char *const *o = run->options; o && *o; o++)
				fprintf(f, " %s", *o);
		}
		fprintf(f, " %s", run->tests[i].id);
	}
	if (n)
		fputc('\n', f);
}

void nvsr_text_end(FILE *f, const struct nvsr_run *run, const struct nvsr_text_style *s)
{
	for (size_t i = 0; i < run->count; i++)
		if (needs_attention(&run->tests[i]))
			put_evidence(f, &run->tests[i], s);
	fputc('\n', f);
	if (run->abort_reason)
		fprintf(f, "aborted: %s\n", run->abort_reason);
	if (run->interrupted)
		fputs("interrupted\n", f);
	nvsr_text_totals(f, run);
	put_again(f, run);
	if (s->where)
		fprintf(f, "report: %s/report/index.html\n", s->where);
}

void nvsr_text_write(FILE *f, const struct nvsr_run *run, const struct nvsr_text_style *s)
{
	nvsr_text_head(f, run, s);
	for (size_t i = 0; i < run->count; i++)
		nvsr_text_point(f, run, &run->tests[i], s);
	nvsr_text_end(f, run, s);
}
