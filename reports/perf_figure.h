/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures of a performance run: which there are, their data and scripts, drawing them.  Inside reports only. */
#ifndef NVSR_REPORTS_PERF_FIGURE_H
#define NVSR_REPORTS_PERF_FIGURE_H

#include "base/text.h"
#include "reports/perf_view.h"

#define NVSR_PERF_PANELS_MOST 4
#define NVSR_PERF_FIGURES_MOST 400

/* What stands in one figure: a metric over one axis, a line per path, a panel per value of what else varies. */
enum nvsr_perf_values {
	NVSR_VALUES_PLAIN,
	NVSR_VALUES_RATIO,		/* to the bare-metal path that waits in the same way */
	NVSR_VALUES_ADDED,		/* to those of the path with the same drive in this host */
};
struct nvsr_perf_panel { const struct nvsr_perf_cell *like; enum nvsr_perf_metric metric; char title[64]; };
struct nvsr_perf_figure {
	char name[200];			/* of its files in figures/ */
	char title[160], y_title[64];
	const char *kind;		/* "bandwidth" */
	const char *group, *group_text;	/* what its paths have in common: "virtio", and for people; NULL: all paths of the run */
	enum nvsr_perf_axis axis;
	enum nvsr_perf_values values;
	double unit;			/* what values are divided by */
	bool always_log;
	struct nvsr_perf_panel panel[NVSR_PERF_PANELS_MOST];
	unsigned panels;
	const char *path[NVSR_PERF_PATHS_MOST];	/* with a line, in the order of tables */
	unsigned paths;
	char *svg;			/* as drawn; NULL when it was not */
};
struct nvsr_perf_figures { struct nvsr_perf_figure *figure; unsigned n; };

/* Figures for the axes that the run varies, workload by workload.  0 or -ENOMEM. */
int nvsr_perf_figures_plan(const struct nvsr_perf_run *run, struct nvsr_perf_figures *ret);
void nvsr_perf_figures_free(struct nvsr_perf_figures *f);
/* How high title and legend are, in percent of the width. */
double nvsr_perf_figure_key(const struct nvsr_perf_figure *fig);
/* Points of @path in one panel, by x: how many. */
struct nvsr_perf_point { uint64_t x; struct nvsr_spread y; };
unsigned nvsr_perf_figure_points(const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig, const struct nvsr_perf_panel *panel,
				 const char *path, struct nvsr_perf_point ret[NVSR_PERF_VALUES_MOST]);
/* One figure's data and the script that draws it: gnuplot -c NAME.gp svg|png */
void nvsr_perf_figure_write(const struct nvsr_perf_run *run, const struct nvsr_perf_figure *fig, struct nvsr_text *data,
			    struct nvsr_text *script);

/*
 * Data, scripts and pictures of all figures in @dir, which is there.  Pictures that cannot be drawn are said in @complaint (at
 * least 512 bytes, empty at first) and are no error.
 */
int nvsr_perf_figures_make(const char *dir, const struct nvsr_perf_run *run, struct nvsr_perf_figures *f, char *complaint);
/* Run gnuplot on @script of folder @dir, without a shell.  0, or negative errno and its first words in @complaint. */
int nvsr_gnuplot(const char *dir, const char *script, const char *format, char *complaint);
/*
 * A picture of gnuplot's svg terminal as part of a page: scales with it, colours by the page's variables, @number makes ids unique.
 * Its title and legend, of @paths lines, are of class "key": a narrow page has its own.
 */
void nvsr_perf_svg_put(FILE *f, const char *svg, unsigned number, const char *title, unsigned paths);

/* Colours in pictures, which a page replaces by its own. */
#define NVSR_PERF_INK "#1d1f23"
#define NVSR_PERF_SOFT "#666b75"
#define NVSR_PERF_GRID "#e0e0dc"

#endif
