// SPDX-License-Identifier: GPL-2.0-or-later
/* Man page and bash completion, made from the same option tables as --help. */
#include <ctype.h>

#include "runners/conform/conform.h"

/* Text of a man page: a leading dot or quote would be a macro, a backslash an escape, a dash a hyphen. */
static void put_roff(FILE *f, const char *s, size_t len)
{
	if (len && (*s == '.' || *s == '\''))
		fputs("\\&", f);
	for (; len--; s++) {
		if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '-')
			fputs("\\-", f);
		else
			fputc(*s, f);
	}
}

static void put_roff_line(FILE *f, const char *s)
{
	put_roff(f, s, strlen(s));
	fputc('\n', f);
}

static void man_option(FILE *f, const struct argp_option *o)
{
	fputs(".TP\n.B \\-\\-", f);
	put_roff(f, o->name, strlen(o->name));
	if (o->arg) {
		fputs("=\\fI", f);
		put_roff(f, o->arg, strlen(o->arg));
		fputs("\\fR", f);
	}
	fputc('\n', f);
	put_roff_line(f, o->doc ? o->doc : "");
}

static void man_command(FILE *f, const struct nvsr_command *c)
{
	const char *split = strchr(c->argp->doc, '\v');
	size_t len = split ? (size_t)(split - c->argp->doc) : strlen(c->argp->doc);

	fprintf(f, ".SS nvsr\\-conform %s ", c->name);
	put_roff_line(f, c->argp->args_doc ? c->argp->args_doc : "");
	put_roff(f, c->argp->doc, len);
	fputc('\n', f);
	for (const struct argp_option *o = c->argp->options; o && (o->name || o->doc); o++)
		if (o->name)
			man_option(f, o);
	if (split) {
		fputs(".PP\n", f);
		put_roff_line(f, split + 1);
	}
}

void nvsr_print_man(FILE *f)
{
	static const struct { int code; const char *text; } codes[] = {
		{ EXIT_CONFORMS, "every selected test reached a verdict, none failed unexpectedly, at least one passed" },
		{ EXIT_DIFFERS, "the device contradicts the standard, or a path returned wrong data" },
		{ EXIT_USAGE, "wrong usage: unknown option, a pattern that matches nothing, a bad profile or matrix, no fio" },
		{ EXIT_INCOMPLETE, "incomplete: broken, timeout, crash, abort, interrupted" },
		{ EXIT_NOTHING, "nothing could run" },
	};

	fputs(".TH NVSR\\-CONFORM 1 \"\" \"", f);
	put_roff(f, nvsr_version, strlen(nvsr_version));
	fputs("\" \"nvsr\\-conform\"\n.SH NAME\nnvsr\\-conform \\- conformance and performance of SR\\-IOV NVMe devices\n.SH SYNOPSIS\n", f);
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++) {
		fprintf(f, ".B nvsr\\-conform %s\n", (*c)->name);
		put_roff_line(f, (*c)->argp->args_doc ? (*c)->argp->args_doc : "");
		fputs(".br\n", f);
	}
	fputs(".SH DESCRIPTION\nCompares what an SR\\-IOV NVMe device does with the NVMe and PCIe specifications.\n"
	      "DEVICE is always named, never guessed: model: or model:PROFILE (the bundled reference model), /dev/nvme0 (the\n"
	      "physical function on the kernel driver), or 0000:01:00.0.\n.SH COMMANDS\n", f);
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++)
		man_command(f, *c);
	fputs(".SH EXIT STATUS\n", f);
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(codes); i++) {
		fprintf(f, ".TP\n.B %d\n", codes[i].code);
		put_roff_line(f, codes[i].text);
	}
	fputs(".SH ENVIRONMENT\n.TP\n.B NVSR_PROFILES\nfolder of device profiles\n.TP\n.B NVSR_MATRICES\nfolder of matrices\n", f);
}

/* The words of "text|tap|json"; an argument in capitals is not a list of words. */
static bool is_choice(const char *arg)
{
	return arg && strchr(arg, '|') && !isupper((unsigned char)*arg);
}

static void completion_command(FILE *f, const struct nvsr_command *c)
{
	fprintf(f, "\t%s) words='--help", c->name);
	for (const struct argp_option *o = c->argp->options; o && (o->name || o->doc); o++)
		if (o->name)
			fprintf(f, " --%s%s", o->name, o->arg ? "=" : "");
	fputs("' ;;\n", f);
}

static void completion_values(FILE *f)
{
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++)
		for (const struct argp_option *o = (*c)->argp->options; o && (o->name || o->doc); o++) {
			if (!o->name || !is_choice(o->arg))
				continue;
			fprintf(f, "\t%s:--%s) words='", (*c)->name, o->name);
			for (const char *s = o->arg; *s; s++)
				fputc(*s == '|' ? ' ' : *s, f);
			fputs("' ;;\n", f);
		}
}

void nvsr_print_completion(FILE *f)
{
	fputs("# bash completion for nvsr-conform, written by nvsr-conform --bash-completion\n"
	      "_nvsr_conform() {\n"
	      "local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd=${COMP_WORDS[1]-} words=''\n"
	      "COMPREPLY=()\n"
	      "# bash splits --option=value at the '='\n"
	      "if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	      "if [ \"$COMP_CWORD\" = 1 ]; then\n\twords='--help --version", f);
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++)
		fprintf(f, " %s", (*c)->name);
	fputs("'\nelif [[ $cur == -* ]]; then\n\tcase $cmd in\n", f);
	for (const struct nvsr_command *const *c = nvsr_commands; *c; c++)
		completion_command(f, *c);
	fputs("\tesac\nelse\n\tcase $cmd:$prev in\n", f);
	completion_values(f);
	fputs("\tperf:--path) words='", f);
	for (size_t i = 0; i < nvsr_data_path_count; i++)
		fprintf(f, "%s%s", i ? " " : "", nvsr_data_paths[i].name);
	fputs("' ;;\n\tperf:--matrix) mapfile -t COMPREPLY < <(compgen -f -W 'default quick paper rocksdb fabrics' -- \"$cur\"); return ;;\n"
	      "\t*:--out | *:--profile | *:--expect | *:--fio | *:--engine | *:--guest | *:--perf | *:--socket) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
	      "\trun:run | perf:perf | capability:capability | probe:probe | restore:restore)\n"
	      "\t\twords=\"model: $(compgen -G '/dev/nvme[0-9]' || true) $(compgen -G '/dev/nvme[0-9][0-9]' || true)\" ;;\n"
	      "\treport:* | resume:* | restore:*) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return ;;\n"
	      "\tlist:* | prove:* | run:*) words=$(\"${COMP_WORDS[0]}\" list 2> /dev/null | cut -d ' ' -f 1) ;;\n"
	      "\tesac\nfi\n"
	      "mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace\n"
	      "}\ncomplete -F _nvsr_conform nvsr-conform\n", f);
}
