// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One figure as gnuplot's data and script.  The script draws everything at fixed places - title, legend, panels, footnote - so
 * that no line is ever behind a legend and all pictures of a report look alike.
 */
#include <math.h>

#include "reports/perf_figure.h"

#define LOG_FROM 40.0	/* most / least from which lines would lie on the axis */

struct range { double min, max, least; bool log; };

/* What stands for cell @c, which may be measured against another one. */
static struct nvsr_spread value_of(const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig, const struct nvsr_perf_cell *c,
				   enum nvsr_perf_metric m)
{
	const struct nvsr_perf_path *path = nvsr_perf_path_of(c->path);
	const char *base = fig->values == NVSR_VALUES_ADDED ? path->local : path->like;

	if (fig->values == NVSR_VALUES_PLAIN)
		return c->stat[m];
	if (!base)
		return nvsr_spread_of(NULL, 0);
	return (fig->values == NVSR_VALUES_ADDED ? nvsr_perf_difference : nvsr_perf_ratio)(c, nvsr_perf_find(run, base, c), m, run->repeats);
}

unsigned nvsr_perf_figure_points(const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig, const struct nvsr_perf_panel *panel,
				 const char *path, struct nvsr_perf_point ret[NVSR_PERF_VALUES_MOST])
{
	unsigned n = 0;

	for (size_t i = 0; i < run->cells && n < NVSR_PERF_VALUES_MOST; i++) {
		const struct nvsr_perf_cell *c = &run->cell[i];
		struct nvsr_perf_point p = { .x = nvsr_perf_axis(c, fig->axis) };
		unsigned at;

		if (!c->ok || strcmp(c->path, path) || !nvsr_perf_same_but(c, panel->like, fig->axis))
			continue;
		p.y = value_of(run, fig, c, panel->metric);
		if (!p.y.n)
			continue;
		for (at = n++; at && ret[at - 1].x > p.x; at--)
			ret[at] = ret[at - 1];
		ret[at] = p;
	}
	return n;
}

static void widen(struct range *r, const struct nvsr_perf_point *p, unsigned n, double unit)
{
	for (unsigned i = 0; i < n; i++) {
		r->max = NVSR_MAX(r->max, p[i].y.max / unit);
		r->least = NVSR_MIN(r->least, p[i].y.min / unit);
		if (p[i].y.min > 0)
			r->min = NVSR_MIN(r->min, p[i].y.min / unit);
	}
}

/* The next of 1, 2, 5, 10 … that is not below @v. */
static double round_125(double v)
{
	static const double steps[] = { 1, 2, 5, 10 };
	double decade = pow(10, floor(log10(v)));

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(steps); i++)
		if (steps[i] * decade >= v * 0.999)
			return steps[i] * decade;
	return v;
}

static void finish_range(struct range *r, const struct nvsr_perf_figure *fig)
{
	r->log = isfinite(r->min) && r->least >= 0 && (fig->always_log || r->max / r->min > LOG_FROM);
	if (r->log) {
		r->min /= 1.2;
		r->max *= 1.2;
		return;
	}
	/* From nothing up; what is less than nothing has room too. */
	r->min = r->least < 0 ? r->least * 1.06 : 0;
	r->max = r->max > 0 ? r->max * 1.06 : 1;
	if (fig->values == NVSR_VALUES_RATIO)
		r->max = NVSR_MAX(r->max, 1.1);
}

/* --- the script ------------------------------------------------------------------------------------------------------------ */

struct layout { double width, height, left, right, top, bottom, gap_x, gap_y; unsigned columns, rows; };

static struct layout lay_out(unsigned panels, unsigned legend_rows)
{
	struct layout l = { .width = 720, .left = 76, .right = 18, .bottom = 90, .gap_x = 60, .gap_y = 64 };

	l.columns = panels > 1 ? 2 : 1;
	l.rows = (panels + 1) / 2;
	l.top = 52 + 20 * legend_rows + (panels > 1 ? 24 : 4);
	l.height = l.top + l.bottom + (l.rows > 1 ? 2 * 205 + l.gap_y : panels > 1 ? 270 : 300);
	return l;
}

static void put_head(struct nvsr_text *t, const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig,
		     const struct layout *l)
{
	nvsr_text_add(t, "# %s\n# Redo: gnuplot -c %s.gp svg   or   gnuplot -c %s.gp png\n", fig->title, fig->name, fig->name);
	if (nvsr_perf_label(run))
		nvsr_text_add(t, "# %s\n", nvsr_perf_label(run));
	nvsr_text_add(t, "set encoding utf8\n"
		      "if (ARGC > 0 && ARG1 eq 'png') {\n"
		      "\tset terminal pngcairo size %.0f,%.0f font 'sans-serif,9' fontscale 2 linewidth 2 pointscale 1.7 enhanced "
		      "background '#ffffff'\n\tset output '%s.png'\n"
		      "} else {\n"
		      "\tset terminal svg size %.0f,%.0f dynamic font 'sans-serif,13' enhanced background '#ffffff'\n"
		      "\tset output '%s.svg'\n}\n", l->width * 2, l->height * 2, fig->name, l->width, l->height, fig->name);
	for (unsigned i = 0; i < nvsr_perf_path_count; i++) {
		const char *dash = nvsr_perf_dash_text(nvsr_perf_path_table[i].dash);

		nvsr_text_add(t, *dash ? "set style line %u lc rgb '%s' dt (%s) lw 2 pt %d ps 0.8\n" : "set style line %u lc rgb '%s' dt 1%s lw 2 pt %d ps 0.8\n",
			      i + 1, nvsr_perf_path_table[i].light, dash, nvsr_perf_path_table[i].point);
	}
	nvsr_text_add(t, "set style line 98 lc rgb '#777777' dt (2,3) lw 2 pt 3 ps 0.8\n"
		      "set style line 99 lc rgb '" NVSR_PERF_GRID "' lw 1\n"
		      "set errorbars 0\n");
}

static unsigned style_of(const char *path)
{
	for (unsigned i = 0; i < nvsr_perf_path_count; i++)
		if (!strcmp(nvsr_perf_path_table[i].name, path))
			return i + 1;
	return 98;
}

/* Screen coordinates are fractions from the bottom. */
static double from_top(const struct layout *l, double y)
{
	return 1 - y / l->height;
}

/* A panel of its own for title, legend and footnote, which takes the whole width. */
static void put_frame(struct nvsr_text *t, const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig,
		      const struct layout *l, unsigned legend_rows)
{
	const char *label = nvsr_perf_label(run);

	nvsr_text_add(t, "set multiplot\n"
		      "set label 1 \"{/:Bold %s}\" at screen %.4f,%.4f left tc rgb '" NVSR_PERF_INK "'\n"
		      "set label 2 \"%s%smedian of %u repeats%s\" at screen %.4f,%.4f left tc rgb '" NVSR_PERF_SOFT "'\n",
		      fig->title, 16 / l->width, from_top(l, 20),
		      label ? label : "", label ? "     " : "", run->repeats,
		      run->repeats > 1 ? ", bars from least to most" : "", 16 / l->width, 14 / l->height);
	nvsr_text_add(t, "unset border\nunset tics\n"
		      "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at screen %.4f\n"
		      "set xrange [0:1]\nset yrange [0:1]\n"
		      "set key center center horizontal Left reverse samplen 3.2 width 1 maxrows %u textcolor rgb '" NVSR_PERF_INK "'\n"
		      "plot ", 8 / l->width, 1 - 8 / l->width, from_top(l, 36), from_top(l, 38 + 20 * legend_rows), legend_rows);
	for (unsigned i = 0; i < fig->paths; i++)
		nvsr_text_add(t, "%sNaN with linespoints ls %u title '%s'", i ? ", \\\n\t" : "", style_of(fig->path[i]), fig->path[i]);
	nvsr_text_add(t, "\nunset label 1\nunset label 2\nunset key\nset border 3 lc rgb '" NVSR_PERF_SOFT "' lw 1\n");
}

static void put_ticks(struct nvsr_text *t, const struct range *r)
{
	bool few = r->max / r->min > 2000;

	if (!r->log) {
		nvsr_text_add(t, "set ytics autofreq nomirror out scale 0.5 tc rgb '" NVSR_PERF_INK "' format '%%g'\n");
		return;
	}
	nvsr_text_add(t, "set logscale y\nset ytics nomirror out scale 0.5 tc rgb '" NVSR_PERF_INK "' (");
	for (double v = round_125(r->min), first = 1; v <= r->max; v = round_125(v * 1.01)) {
		if (few && fabs(log10(v) - round(log10(v))) > 0.01)
			continue;
		nvsr_text_add(t, "%s'%g' %g", first != 0 ? "" : ", ", v, v);
		first = 0;
	}
	nvsr_text_add(t, ")\n");
}

static bool is_log_x(const struct nvsr_perf_figure *fig, const uint64_t *x, unsigned n)
{
	return fig->axis == NVSR_AXIS_DEPTH || fig->axis == NVSR_AXIS_BLOCK || x[n - 1] / x[0] >= 16;
}

/* Bars of several paths at one place would hide each other: each path stands a little beside it.  gnuplot's words for that. */
static void beside(const struct nvsr_perf_figure *fig, const uint64_t *x, unsigned xs, unsigned path, unsigned paths, char ret[40])
{
	double by = (path - (paths - 1) / 2.0) * 0.006;

	if (is_log_x(fig, x, xs))
		snprintf(ret, 40, "($1*%.5g)", pow((double)x[xs - 1] / (double)x[0], by));
	else
		snprintf(ret, 40, "($1+%.5g)", (double)(x[xs - 1] - x[0]) * by);
}

static void put_x(struct nvsr_text *t, const struct nvsr_perf_figure *fig, uint64_t *x, unsigned n)
{
	bool log = is_log_x(fig, x, n);
	double pad = log ? pow((double)x[n - 1] / (double)x[0], 0.04) : (double)(x[n - 1] - x[0]) * 0.04;

	nvsr_text_add(t, log ? "set logscale x 2\n" : "unset logscale x\n");
	nvsr_text_add(t, "set xrange [%.6g:%.6g]\n", log ? (double)x[0] / pad : (double)x[0] - pad,
		      log ? (double)x[n - 1] * pad : (double)x[n - 1] + pad);
	nvsr_perf_thin(x, &n, 10);
	nvsr_text_add(t, "set xtics nomirror out scale 0.5 tc rgb '" NVSR_PERF_INK "' (");
	for (unsigned i = 0; i < n; i++) {
		char text[24];

		if (fig->axis == NVSR_AXIS_BLOCK)
			nvsr_perf_block_text(x[i], text);
		else
			snprintf(text, sizeof(text), "%llu", (unsigned long long)x[i]);
		nvsr_text_add(t, "%s'%s' %llu", i ? ", " : "", text, (unsigned long long)x[i]);
	}
	nvsr_text_add(t, ")\n");
}

static void put_panel_head(struct nvsr_text *t, const struct nvsr_perf_figure *fig, const struct layout *l, unsigned p,
			   bool log_x, const struct range *r)
{
	static const char *const x_titles[NVSR_AXIS_COUNT] = {
		[NVSR_AXIS_DEPTH] = "queue depth of each job", [NVSR_AXIS_JOBS] = "jobs of each VM",
		[NVSR_AXIS_VMS] = "VMs, one virtual function each", [NVSR_AXIS_BLOCK] = "block size",
	};
	bool threads = fig->axis == NVSR_AXIS_JOBS && nvsr_perf_is_database(fig->panel[p].like->pattern);
	unsigned column = p % l->columns, row = p / l->columns;
	double w = (l->width - l->left - l->right - (l->columns - 1) * l->gap_x) / l->columns;
	double h = (l->height - l->top - l->bottom - (l->rows - 1) * l->gap_y) / l->rows;
	double x0 = l->left + column * (w + l->gap_x), y0 = l->top + row * (h + l->gap_y);
	bool bottom = p + l->columns >= fig->panels;

	nvsr_text_add(t, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\n"
		      "set bmargin at screen %.4f\n", x0 / l->width, (x0 + w) / l->width, from_top(l, y0), from_top(l, y0 + h));
	nvsr_text_add(t, "set yrange [%.6g:%.6g]\nset grid ytics ls 99\n", r->min, r->max);
	if (*fig->panel[p].title)
		nvsr_text_add(t, "set label 3 \"%s\" at graph 0,1 offset 0,0.8 left tc rgb '" NVSR_PERF_INK "'\n",
			      fig->panel[p].title);
	if (column == 0)
		nvsr_text_add(t, "set ylabel \"%s%s\" tc rgb '" NVSR_PERF_INK "'\n", fig->y_title, r->log ? " (log)" : "");
	else
		nvsr_text_add(t, "unset ylabel\n");
	if (bottom)
		nvsr_text_add(t, "set xlabel \"%s%s\" offset 0,0.5 tc rgb '" NVSR_PERF_INK "'\n",
			      threads ? "threads of each VM" : x_titles[fig->axis], log_x ? " (log scale)" : "");
	else
		nvsr_text_add(t, "unset xlabel\n");
}

/* Bars lie under lines, and are never dashed. */
static void put_lines(struct nvsr_text *t, const struct nvsr_perf_figure *fig, const char *const *paths, const unsigned *index,
		      const char (*x)[40], unsigned n, bool bars)
{
	unsigned put = 0;

	nvsr_text_add(t, "plot ");
	if (fig->values != NVSR_VALUES_PLAIN)
		nvsr_text_add(t, "%d with lines lc rgb '" NVSR_PERF_SOFT "' lw 1 notitle%s", fig->values == NVSR_VALUES_RATIO, n ? ", \\\n\t" : "");
	for (unsigned pass = !bars; pass < 2; pass++)
		for (unsigned i = 0; i < n; i++)
			nvsr_text_add(t, "%s'%s.dat' index %u using %s:2%s with %s ls %u%s title '%s'", put++ ? ", \\\n\t" : "",
				      fig->name, index[i], x[i], pass ? "" : ":3:4", pass ? "linespoints" : "yerrorbars",
				      style_of(paths[i]), pass ? "" : " dt 1 lw 1 pt -1", paths[i]);
	nvsr_text_add(t, "\nunset label 3\n");
}

/* --- data -------------------------------------------------------------------------------------------------------------------- */

static void put_points(struct nvsr_text *t, const struct nvsr_perf_figure *fig, unsigned panel, const char *path,
		       const struct nvsr_perf_point *p, unsigned n, unsigned index)
{
	nvsr_text_add(t, "%s# index %u: %s%s%s\n", index ? "\n\n" : "", index, path, *fig->panel[panel].title ? ", " : "",
		      fig->panel[panel].title);
	for (unsigned i = 0; i < n; i++)
		nvsr_text_add(t, "%llu %.7g %.7g %.7g\n", (unsigned long long)p[i].x, p[i].y.median / fig->unit,
			      p[i].y.min / fig->unit, p[i].y.max / fig->unit);
}

/* Three paths in a row of the legend, or two where a name is so long that gnuplot has room for no more. */
static unsigned legend_rows_of(const struct nvsr_perf_figure *fig)
{
	unsigned in_row = 3;

	for (unsigned i = 0; i < fig->paths; i++)
		if (strlen(fig->path[i]) > 20)
			in_row = 2;
	return NVSR_DIV_ROUND_UP(fig->paths, in_row);
}

double nvsr_perf_figure_key(const struct nvsr_perf_figure *fig)
{
	unsigned rows = legend_rows_of(fig);
	struct layout l = lay_out(fig->panels, rows);

	return (38 + 20 * rows) / l.width * 100;
}

/* The range of both axes. */
static void survey(const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig, struct range *y, uint64_t *x, unsigned *xs)
{
	*y = (struct range){ .min = INFINITY };
	for (unsigned i = 0; i < fig->paths; i++)
		for (unsigned k = 0; k < fig->panels; k++) {
			struct nvsr_perf_point p[NVSR_PERF_VALUES_MOST];
			unsigned points = nvsr_perf_figure_points(run, fig, &fig->panel[k], fig->path[i], p);

			widen(y, p, points, fig->unit);
			for (unsigned j = 0; j < points; j++)
				nvsr_perf_add_value(x, xs, p[j].x);
		}
}

void nvsr_perf_figure_write(const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig, struct nvsr_text *data,
			    struct nvsr_text *script)
{
	uint64_t x[NVSR_PERF_VALUES_MOST];
	struct range y;
	unsigned xs = 0, n = fig->paths, index = 0, legend_rows = legend_rows_of(fig);
	struct layout l = lay_out(fig->panels, legend_rows);
	char place[NVSR_PERF_PATHS_MOST][40];

	survey(run, fig, &y, x, &xs);
	if (!xs)
		return;
	finish_range(&y, fig);
	nvsr_text_add(data, "# %s\n", fig->title);
	if (nvsr_perf_label(run))
		nvsr_text_add(data, "# %s\n", nvsr_perf_label(run));
	nvsr_text_add(data, "# columns: %s; %s: median, least, most\n",
		      (const char *const[]){ "depth", "jobs", "VMs", "bytes" }[fig->axis], fig->y_title);
	put_head(script, run, fig, &l);
	put_frame(script, run, fig, &l, legend_rows);
	for (unsigned i = 0; i < n; i++)
		beside(fig, x, xs, i, n, place[i]);
	put_x(script, fig, x, xs);
	put_ticks(script, &y);
	for (unsigned k = 0; k < fig->panels; k++) {
		const char *with[NVSR_PERF_PATHS_MOST];
		unsigned at[NVSR_PERF_PATHS_MOST], used = 0;
		char with_place[NVSR_PERF_PATHS_MOST][40];

		for (unsigned i = 0; i < n; i++) {
			struct nvsr_perf_point p[NVSR_PERF_VALUES_MOST];
			unsigned points = nvsr_perf_figure_points(run, fig, &fig->panel[k], fig->path[i], p);

			if (!points)
				continue;
			put_points(data, fig, k, fig->path[i], p, points, index);
			with[used] = fig->path[i];
			memcpy(with_place[used], place[i], sizeof(place[i]));
			at[used++] = index++;
		}
		put_panel_head(script, fig, &l, k, is_log_x(fig, x, xs), &y);
		if (used || fig->values != NVSR_VALUES_PLAIN)
			put_lines(script, fig, with, at, with_place, used, run->repeats > 1);
	}
	nvsr_text_add(script, "unset multiplot\nunset output\n");
}
