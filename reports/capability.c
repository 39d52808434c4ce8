// SPDX-License-Identifier: GPL-2.0-or-later
/* The capability table as text and HTML. */
#include "base/text.h"
#include "reports/capability.h"
#include "reports/html.h"
#include "reports/xml.h"

/* Is it the first cell of its row (or way)? */
static bool is_first(const struct nvsr_capability *t, unsigned i, bool way)
{
	for (unsigned k = 0; k < i; k++)
		if (!strcmp(way ? t->cell[k].way : t->cell[k].row, way ? t->cell[i].way : t->cell[i].row))
			return false;
	return true;
}

static const char *label(const struct nvsr_capability *t)
{
	return t->emulated ? "emulated device: what works, not how fast" : NULL;
}

/* --- text ----------------------------------------------------------------------------------------------------------------------------- */

void nvsr_capability_text_write(FILE *f, const struct nvsr_capability *t)
{
	char evidence[160];

	fprintf(f, "%-22s", "");
	for (unsigned i = 0; i < t->cells; i++)
		if (is_first(t, i, true))
			fprintf(f, " %-15s", t->cell[i].way);
	fputc('\n', f);
	for (unsigned i = 0; i < t->cells; i++) {
		if (!is_first(t, i, false))
			continue;
		fprintf(f, "%-22s", nvsr_capability_row_text(t->cell[i].row));
		for (unsigned k = 0; k < t->cells; k++) {
			const struct nvsr_capability_cell *c = is_first(t, k, true) ? nvsr_capability_find(t, t->cell[i].row, t->cell[k].way) : NULL;

			if (is_first(t, k, true))
				fprintf(f, " %-15s", c ? nvsr_capability_answer_name(c->answer) : "");
		}
		fputc('\n', f);
	}
	fputc('\n', f);
	for (unsigned i = 0; i < t->cells; i++)
		if (t->cell[i].text)
			fprintf(f, "%s, %s: %s: %s\n", t->cell[i].way, nvsr_capability_row_text(t->cell[i].row), nvsr_capability_answer_name(t->cell[i].answer),
				t->cell[i].text);
	nvsr_capability_evidence(t, evidence);
	fprintf(f, "\n%s%s%s%s%s\n", evidence, label(t) ? "; " : "", label(t) ? label(t) : "", t->interrupted ? "; interrupted" : "",
		t->ended ? "" : "; the run did not end");
}

/* --- HTML ------------------------------------------------------------------------------------------------------------------------------- */

static void put_cell(FILE *f, const struct nvsr_capability_cell *c, const char *way)
{
	static const char *const class[] = {
		[NVSR_CAPABILITY_MISSING] = "none", [NVSR_CAPABILITY_UNTESTED] = "skip", [NVSR_CAPABILITY_NO] = "fail", [NVSR_CAPABILITY_YES] = "pass",
	};

	if (!c) {
		fprintf(f, "<td data-k=\"%s\">", way);
		return;
	}
	fprintf(f, "<td data-k=\"%s\" id=\"cap-%s-%s\"><b class=%s>%s</b>%s", way, c->row, c->way, class[c->answer],
		nvsr_capability_answer_name(c->answer), c->leak ? " <b class=fail>data leaked</b>" : "");
	if (c->text) {
		fputs("<br><span class=soft>", f);
		nvsr_xml_put(f, c->text);
		fputs("</span>", f);
	}
}

void nvsr_capability_html_write(FILE *f, const struct nvsr_capability *t)
{
	char evidence[160];

	nvsr_capability_evidence(t, evidence);
	fprintf(f, "<h2 id=capability>What the ways can do</h2>\n<p>Table 1 of the ICPE 2022 study, every cell by doing it: %s. "
		"<a href=\"../capability.jsonl\">capability.jsonl</a></p>\n%s%s%s<div class=wide><table class=ways><thead><tr><th scope=col>", evidence,
		label(t) ? "<p><b>" : "", label(t) ? label(t) : "", label(t) ? ".</b></p>\n" : "");
	for (unsigned i = 0; i < t->cells; i++)
		if (is_first(t, i, true))
			fprintf(f, "<th scope=col>%s", t->cell[i].way);
	fputs("</tr></thead><tbody>\n", f);
	for (unsigned i = 0; i < t->cells; i++) {
		if (!is_first(t, i, false))
			continue;
		fprintf(f, "<tr id=\"cap-%s\"><th scope=row>%s", t->cell[i].row, nvsr_capability_row_text(t->cell[i].row));
		for (unsigned k = 0; k < t->cells; k++)
			if (is_first(t, k, true))
				put_cell(f, nvsr_capability_find(t, t->cell[i].row, t->cell[k].way), t->cell[k].way);
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

static void put_fact(FILE *f, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	fprintf(f, "<div><span>%s</span>", name);
	nvsr_xml_put(f, value);
	fputs("</div>\n", f);
}

static void put_page(FILE *f, const struct nvsr_capability *t)
{
	fprintf(f, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">"
		"<title>Capabilities - nvsr-conform</title><style>%s</style></head><body><main>\n<h1>", nvsr_html_style);
	nvsr_xml_put(f, t->model && *t->model ? t->model : "Device");
	fputs(" for virtual machines</h1>\n<div class=facts>\n", f);
	put_fact(f, "Device", t->device);
	put_fact(f, "Serial", t->serial);
	put_fact(f, "Firmware", t->firmware);
	put_fact(f, "Started", t->time);
	put_fact(f, "nvsr-conform", t->tool);
	put_fact(f, "Command", t->cmdline);
	fputs("</div>\n", f);
	if (t->interrupted || !t->ended)
		fputs("<p class=fail>This run did not end: some cells were not reached.</p>\n", f);
	nvsr_capability_html_write(f, t);
	fputs("</main></body></html>\n", f);
}

static int write_one(const char *dir, const char *name, void (*write)(FILE *f, const struct nvsr_capability *t), const struct nvsr_capability *t,
		     char *complaint)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", dir, name), *data = NULL;
	size_t len = 0;
	FILE *f = path ? open_memstream(&data, &len) : NULL;
	bool failed;
	int rc = -ENOMEM;

	if (f) {
		write(f, t);
		failed = ferror(f);
		rc = fclose(f) || failed ? -ENOMEM : nvsr_write_file(path, data, len);
	}
	if (rc)
		snprintf(complaint, 512, "%s/%s: %s", dir, name, strerror(-rc));
	return rc;
}

int nvsr_capability_report_files(const char *dir, const struct nvsr_capability *t, char *complaint)
{
	_cleanup_free_ char *folder = nvsr_asprintf("%s/report", dir);
	int rc;

	complaint[0] = '\0';
	rc = write_one(dir, "capability.tsv", nvsr_capability_tsv_write, t, complaint);
	if (!rc)
		rc = folder ? nvsr_mkdirs(folder) : -ENOMEM;
	if (rc) {
		if (!*complaint)
			snprintf(complaint, 512, "%s/report: %s", dir, strerror(-rc));
		return rc;
	}
	return write_one(dir, "report/index.html", put_page, t, complaint);
}
