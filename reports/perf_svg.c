// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A picture of gnuplot's svg terminal as part of a page.  It keeps its drawing and loses its fixed size, its white ground and its
 * ids, which several pictures share; its colours become the page's variables, so that it is right on a dark page too.
 */
#include "reports/perf_figure.h"
#include "reports/xml.h"

struct colour { unsigned char r, g, b; };

static bool same(struct colour a, struct colour b)
{
	return a.r == b.r && a.g == b.g && a.b == b.b;
}

static struct colour parse_hex(const char *s)
{
	unsigned long v = strtoul(s + 1, NULL, 16);

	return (struct colour){ (unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v };
}

/* The page's name for a colour of the picture: of the first of a kind, who all have one; NULL leaves it as it is. */
static const char *variable(struct colour c, char buf[48])
{
	static const struct { const char *colour, *name; } fixed[] = {
		{ NVSR_PERF_INK, "ink" }, { "#000000", "ink" }, { NVSR_PERF_SOFT, "soft" }, { NVSR_PERF_GRID, "line" },
		{ "#ffffff", "bg" }, { "#777777", "soft" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(fixed); i++)
		if (same(c, parse_hex(fixed[i].colour)))
			return fixed[i].name;
	for (unsigned i = 0; i < nvsr_perf_path_count; i++)
		if (same(c, parse_hex(nvsr_perf_path_table[i].light))) {
			snprintf(buf, 48, "path-%s", nvsr_perf_path_table[i].name);
			return buf;
		}
	return NULL;
}

/* A colour at @s - rgb(…), #rrggbb, "black" - written as variable; returns what it was long, 0 when it is none. */
static size_t put_colour(FILE *f, const char *s)
{
	struct colour c = { 0 };
	size_t len = 0;
	char buf[48];
	const char *name;

	if (!strncmp(s, "rgb(", 4)) {
		char *end = (char *)s + 4;
		unsigned long v[3] = { 0 };

		for (unsigned i = 0; i < 3; i++) {
			v[i] = strtoul(end, &end, 10);
			end += *end == ',';
		}
		if (*end != ')')
			return 0;
		c = (struct colour){ (unsigned char)v[0], (unsigned char)v[1], (unsigned char)v[2] };
		len = (size_t)(end - s) + 1;
	} else if (*s == '#' && strspn(s + 1, "0123456789abcdefABCDEF") == 6) {
		c = parse_hex(s);
		len = 7;
	} else if (!strncmp(s, "black", 5)) {
		len = 5;
	}
	name = len ? variable(c, buf) : NULL;
	if (!name)
		return 0;
	fprintf(f, "var(--%s)", name);
	return len;
}

/* An element that the page does without, from its '<': returns what comes after it. */
static const char *skip_element(const char *s)
{
	static const struct { const char *start, *end; } unwanted[] = {
		{ "<desc>", "</desc>" }, { "<title>Gnuplot</title>", "" }, { "<title>gnuplot_plot_", "</title>" },
		{ "<rect x=\"0\" y=\"0\"", "/>" }, { "<filter", "</filter>" },
	};
	const char *tag_end = strncmp(s, "<g ", 3) ? NULL : strchr(s, '>');

	/* A group of nothing. */
	if (tag_end && !strncmp(tag_end + 1 + strspn(tag_end + 1, " \t\n"), "</g>", 4))
		return strstr(tag_end, "</g>") + 4;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(unwanted); i++) {
		const char *end;

		if (strncmp(s, unwanted[i].start, strlen(unwanted[i].start)))
			continue;
		end = strstr(s + (*unwanted[i].end ? 0 : strlen(unwanted[i].start)), unwanted[i].end);
		return end ? end + strlen(unwanted[i].end) : s + strlen(s);
	}
	return s;
}

/* What is so anyway, or as the page has it: thousands of times in a page of many pictures. */
static const char *skip_attributes(const char *s)
{
	static const char *const unwanted[] = {
		" font-family=\"sans-serif\" ", " font-family=\"sans-serif\"", " stroke-linecap=\"butt\" stroke-linejoin=\"miter\"",
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(unwanted); i++)
		if (!strncmp(s, unwanted[i], strlen(unwanted[i])))
			return s + strlen(unwanted[i]);
	return s;
}

/* Within a tag: an id or a reference to one gets the picture's number. */
static const char *put_tag_part(FILE *f, const char *s, unsigned number)
{
	static const char *const ids[] = { " id=\"", " id='", "href='#", "href=\"#", "url(#" };
	size_t len;

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(ids); i++)
		if (!strncmp(s, ids[i], strlen(ids[i]))) {
			fprintf(f, "%sf%u-", ids[i], number);
			return s + strlen(ids[i]);
		}
	len = s[-1] == '"' || s[-1] == '\'' ? put_colour(f, s) : 0;
	if (!len)
		fputc(s[len++], f);
	return s + len;
}

/* The start of what is title or legend, which are drawn first: with its class. */
static const char *put_key(FILE *f, const char *s, unsigned *lines)
{
	static const char line[] = "<g id=\"gnuplot_plot_", title[] = "<text><tspan font-family=\"sans-serif\"  font-weight=\"bold\"";

	if (*lines && !strncmp(s, line, sizeof(line) - 1)) {
		(*lines)--;
		fputs("<g class=key", f);
		return s + 2;
	}
	if (!strncmp(s, title, sizeof(title) - 1)) {
		fputs("<text class=key", f);
		return s + 5;
	}
	return s;
}

void nvsr_perf_svg_put(FILE *f, const char *svg, unsigned number, const char *title, unsigned paths)
{
	const char *s = strstr(svg, "<svg"), *box = s ? strstr(s, "viewBox=\"") : NULL;
	bool tag = false;

	s = s ? strchr(s, '>') : NULL;
	if (!s || !box || box > s)
		return;
	fprintf(f, "<svg viewBox=\"%.*s\" role=img aria-label=\"", (int)strspn(box + 9, "0123456789. "), box + 9);
	nvsr_xml_put(f, title);
	fputs("\" xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\">", f);
	for (s++; *s;) {
		if (*s == '<') {
			const char *after = skip_element(s);

			if (after != s) {
				s = after;
				continue;
			}
			s = put_key(f, s, &paths);
			tag = true;
		}
		if (*s == '>')
			tag = false;
		if (tag && *s != '<') {
			const char *after = skip_attributes(s);

			s = after != s ? after : put_tag_part(f, s, number);
		} else {
			/* The picture is indented for readers of its file. */
			if (*s != '\t')
				fputc(*s, f);
			s++;
		}
	}
}
