// SPDX-License-Identifier: GPL-2.0-or-later
/* nvsr-conform report: every output again from a journal; several runs side by side. */
#include <sys/stat.h>

#include "reports/capability.h"
#include "reports/perf.h"
#include "runners/conform/conform.h"

struct options {
	char **runs;
	enum nvsr_format format;
	const char *capability;
	bool strict;
};

enum { OPT_FORMAT = 0x100, OPT_STRICT, OPT_CAPABILITY };

static const struct argp_option options[] = {
	{ "format", OPT_FORMAT, "text|tap|json", 0, "standard output for one run (default: text on a terminal, else tap)", 0 },
	{ "capability", OPT_CAPABILITY, "DIR", 0, "of a performance run: put the table of this capability run of the same device into it, now and for later reports", 0 },
	{ "strict", OPT_STRICT, NULL, 0, "known differences that pass, and deviations from recommendations, are failures", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPT_FORMAT: o->format = nvsr_format_parse(arg, "text|tap|json", state); break;
	case OPT_STRICT: o->strict = true; break;
	case OPT_CAPABILITY: o->capability = arg; break;
	case ARGP_KEY_ARG: nvsr_line_parse(arg, &o->runs, state); break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name a run directory");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options, .parser = parse, .args_doc = "RUN...",
	.doc = "Write results.tap, results.json, results.xml and report/index.html of each run directory again, from its "
	       "journal; of a performance run perf.tsv, which.tsv, figures and report/index.html, from its journal and raw data; of a capability "
	       "run capability.tsv and report/index.html."
	       "\vOne run is also printed; several are compared, all of one kind.  The exit code is that of the run; of several, "
	       "the first of 1, 3, 77, 0 that one has.",
};

static bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static void print_one(const struct nvsr_run *run, const struct options *o, const char *dir)
{
	struct nvsr_text_style style = { .colour = isatty(STDOUT_FILENO), .where = is_folder(dir) ? dir : NULL };
	enum nvsr_format format = o->format;

	if (format == NVSR_FORMAT_AUTO)
		format = style.colour ? NVSR_FORMAT_TEXT : NVSR_FORMAT_TAP;
	if (format == NVSR_FORMAT_TAP)
		nvsr_tap_write(stdout, run);
	else if (format == NVSR_FORMAT_JSON)
		nvsr_json_write(stdout, run);
	else
		nvsr_text_write(stdout, run, &style);
}

static int worse(int a, int b)
{
	static const int order[] = { EXIT_USAGE, EXIT_DIFFERS, EXIT_INCOMPLETE, EXIT_NOTHING };

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return EXIT_CONFORMS;
}

static int report_all(const struct options *o, struct nvsr_run *runs, const struct nvsr_run **table, unsigned n)
{
	int rc = 0, code = EXIT_CONFORMS;
	unsigned read = 0;

	for (; read < n && !rc; read += !rc) {
		rc = nvsr_rundir_read(o->runs[read], &runs[read]);
		table[read] = &runs[read];
	}
	for (unsigned i = 0; i < n && !rc; i++) {
		int error = is_folder(o->runs[i]) ? nvsr_report_files(o->runs[i], &runs[i]) : 0;

		if (error)
			nvsr_say("%s: writing the reports: %s", o->runs[i], strerror(-error));
		code = worse(code, error ? EXIT_INCOMPLETE : nvsr_run_exit_code(&runs[i], o->strict));
	}
	if (!rc && n == 1)
		print_one(&runs[0], o, o->runs[0]);
	else if (!rc)
		nvsr_compare_write(stdout, table, (const char *const *)o->runs, n);
	while (read)
		nvsr_run_free(&runs[--read]);
	return rc ? rc : code;
}

static int report_conformance(const struct options *o, unsigned n)
{
	struct nvsr_run *runs = calloc(n, sizeof(*runs));
	const struct nvsr_run **table = calloc(n, sizeof(*table));
	int rc = runs && table ? report_all(o, runs, table, n) : EXIT_INCOMPLETE;

	free(runs);
	free(table);
	return rc;
}

/* --- performance runs ------------------------------------------------------------------------------------------------- */

static int report_perf_all(const struct options *o, struct nvsr_perf_run *runs, const struct nvsr_perf_run **table, unsigned n)
{
	char complaint[512] = "";
	int code = EXIT_CONFORMS, rc = 0;
	unsigned read = 0;

	for (; read < n; read++) {
		table[read] = &runs[read];
		if ((rc = nvsr_perf_read(o->runs[read], &runs[read], complaint)))
			break;
	}
	if (rc)
		nvsr_say("%s", complaint);
	for (unsigned i = 0; i < n && !rc; i++) {
		int error = nvsr_perf_report_files(o->runs[i], &runs[i], complaint);

		if (*complaint)
			nvsr_say("%s", complaint);
		code = worse(code, error ? EXIT_INCOMPLETE : nvsr_perf_exit_code(&runs[i]));
	}
	if (!rc && n == 1)
		nvsr_perf_text_write(stdout, &runs[0],
				     &(struct nvsr_text_style){ .colour = isatty(STDOUT_FILENO), .where = o->runs[0] });
	else if (!rc)
		nvsr_perf_compare_write(stdout, table, (const char *const *)o->runs, n);
	while (read)
		nvsr_perf_free(&runs[--read]);
	return rc ? EXIT_USAGE : code;
}

static int report_perf(const struct options *o, unsigned n)
{
	struct nvsr_perf_run *runs = calloc(n, sizeof(*runs));
	const struct nvsr_perf_run **table = calloc(n, sizeof(*table));
	int rc = runs && table ? report_perf_all(o, runs, table, n) : EXIT_INCOMPLETE;

	free(runs);
	free(table);
	return rc;
}

/* What the capability run found out, beside the performance run: from then on its reports have it. */
static int take_capability(const char *from, const char *to)
{
	_cleanup_free_ char *source = nvsr_asprintf("%s/capability.jsonl", from), *target = nvsr_asprintf("%s/capability.jsonl", to), *text = NULL;
	struct nvsr_capability t = { 0 };
	struct nvsr_perf_run run = { 0 };
	char complaint[512] = "";
	size_t len = 0;
	int rc = source && target ? nvsr_perf_read(to, &run, complaint) : -ENOMEM;

	if (!rc)
		rc = nvsr_capability_read(from, &t, complaint);
	if (!rc)
		rc = nvsr_read_file(source, NVSR_CAPABILITY_FILE_MOST, &text, &len);
	if (!rc && !nvsr_capability_is_of(&t, run.serial, complaint))
		rc = -EINVAL;
	if (!rc)
		rc = nvsr_write_file(target, text, len);
	if (rc)
		nvsr_say("--capability %s: %s", from, *complaint ? complaint : strerror(-rc));
	nvsr_capability_free(&t);
	nvsr_perf_free(&run);
	return rc ? EXIT_USAGE : 0;
}

static int report_capability(const char *dir)
{
	struct nvsr_capability t;
	char complaint[512] = "";
	int rc = nvsr_capability_read(dir, &t, complaint), code;

	if (rc) {
		nvsr_say("%s", complaint);
		return EXIT_USAGE;
	}
	rc = nvsr_capability_report_files(dir, &t, complaint);
	if (rc)
		nvsr_say("%s", complaint);
	nvsr_capability_text_write(stdout, &t);
	code = rc || !t.ended ? EXIT_INCOMPLETE : t.exit_code;
	nvsr_capability_free(&t);
	return code;
}

/* Is it a capability run, and nothing else? */
static bool is_capability(const char *dir)
{
	_cleanup_free_ char *path = nvsr_asprintf("%s/capability.jsonl", dir);

	return path && !access(path, F_OK) && !nvsr_perf_is_run(dir);
}

/* Are they performance runs?  Exit code 2 after saying which run is of another kind. */
static int are_perf(const struct options *o, unsigned n, bool *ret)
{
	bool first = nvsr_perf_is_run(o->runs[0]);

	*ret = first;
	for (unsigned i = 1; i < n; i++)
		if (nvsr_perf_is_run(o->runs[i]) != first) {
			nvsr_say("%s is a performance run and %s is not: only runs of one kind can be compared",
				 o->runs[first ? 0 : i], o->runs[first ? i : 0]);
			return EXIT_USAGE;
		}
	if (first && o->format != NVSR_FORMAT_AUTO && o->format != NVSR_FORMAT_TEXT) {
		nvsr_say("%s is a performance run, which is printed as text only; for programs there is its perf.tsv", o->runs[0]);
		return EXIT_USAGE;
	}
	return 0;
}

static int report(int argc, char **argv)
{
	struct options o = { 0 };
	bool perf;
	unsigned n;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	n = nvsr_lines_count(o.runs);
	rc = are_perf(&o, n, &perf);
	if (!rc && o.capability && (!perf || n > 1)) {
		nvsr_say("--capability takes one performance run, expected as the only RUN");
		rc = EXIT_USAGE;
	}
	if (!rc && o.capability)
		rc = take_capability(o.capability, o.runs[0]);
	if (!rc && n == 1 && is_capability(o.runs[0]))
		rc = report_capability(o.runs[0]);
	else if (!rc)
		rc = perf ? report_perf(&o, n) : report_conformance(&o, n);
	nvsr_lines_free(o.runs);
	return rc;
}

const struct nvsr_command nvsr_cmd_report = {
	.name = "report", .summary = "every output again from a run directory; several side by side", .argp = &argp,
	.run = report,
};
