/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures of a performance run: which there are, their data and scripts, drawing them.  Inside reports only. */
#ifndef NVSR_REPORTS_PERF_FIGURE_H
#define NVSR_REPORTS_PERF_FIGURE_H

#include "base/text.h"
#include "reports/perf_view.h"

#define NVSR_PERF_PANELS_MOST 4
#define NVSR_PERF_FIGURES_MOST 400

/* What stands in one figure: a metric over one axis, a line per path, a panel per value of what else varies. */
struct nvsr_perf_panel { const struct nvsr_perf_cell *like; enum nvsr_perf_metric metric; char title[64]; };
struct nvsr_perf_figure {
	char name[200];			/* of its files in figures/ */
	char title[160], y_title[64];
	enum nvsr_perf_axis axis;
	double unit;			/* what values are divided by */
	bool ratio;			/* to the bare-metal path that waits in the same way */
	bool always_log;
	struct nvsr_perf_panel panel[NVSR_PERF_PANELS_MOST];
	unsigned panels;
	char *svg;			/* as drawn; NULL when it was not */
};
struct nvsr_perf_figures { struct nvsr_perf_figure *figure; unsigned n; };

/* Figures for the axes that the run varies, workload by workload.  0 or -ENOMEM. */
int nvsr_perf_figures_plan(const struct nvsr_perf_run *run, struct nvsr_perf_figures *ret);
void nvsr_perf_figures_free(struct nvsr_perf_figures *f);
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
/* A picture of gnuplot's svg terminal as part of a page: scales with it, colours by the page's variables, @number makes ids unique. */
void nvsr_perf_svg_put(FILE *f, const char *svg, unsigned number, const char *title);

/* Colours in pictures, which a page replaces by its own. */
#define NVSR_PERF_INK "#1d1f23"
#define NVSR_PERF_SOFT "#666b75"
#define NVSR_PERF_GRID "#e0e0dc"

#endif
