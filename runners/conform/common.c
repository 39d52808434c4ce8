// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages and option values that several subcommands take. */
#include <stdarg.h>

#include "runners/conform/conform.h"

void nvsr_say(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("nvsr-conform: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void nvsr_signals_install(void)
{
	nvsr_stop_install();
	signal(SIGPIPE, SIG_IGN);	/* a reader that left does not keep the device from being restored */
	signal(SIGXFSZ, SIG_IGN);	/* a full file is an error of write(), not the end of the process */
}

enum nvsr_format nvsr_format_parse(const char *name, const char *allowed, struct argp_state *state)
{
	static const char *const names[] = {
		[NVSR_FORMAT_TEXT] = "text", [NVSR_FORMAT_TAP] = "tap", [NVSR_FORMAT_JSON] = "json", [NVSR_FORMAT_MD] = "md",
	};

	for (unsigned i = NVSR_FORMAT_TEXT; i < NVSR_ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name) && strstr(allowed, name))
			return (enum nvsr_format)i;
	argp_error(state, "--format %s: expected one of %s", name, allowed);
	return NVSR_FORMAT_AUTO;
}

uint64_t nvsr_number_parse(const char *option, const char *arg, uint64_t least, uint64_t most, struct argp_state *state)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(arg, &end, 0);
	if (errno || *end || end == arg || arg[0] == '-' || v < least || v > most)
		argp_error(state, "--%s %s: expected a number from %llu to %llu", option, arg, (unsigned long long)least,
			   (unsigned long long)most);
	return v;
}

double nvsr_scale_parse(const char *arg, struct argp_state *state)
{
	char *end;
	double v = strtod(arg, &end);

	if (*end || end == arg || !(v > 0 && v <= 1000))
		argp_error(state, "--timeout-scale %s: expected a number above 0 and up to 1000", arg);
	return v;
}

void nvsr_device_parse(char *arg, const char **device, struct argp_state *state)
{
	if (state->arg_num)
		argp_error(state, "one DEVICE at a time");
	*device = arg;
}

void nvsr_line_parse(const char *arg, char ***lines, struct argp_state *state)
{
	if (nvsr_lines_add(lines, arg))
		argp_failure(state, EXIT_INCOMPLETE, ENOMEM, "command line");
}

char *nvsr_quote_args(int argc, char *const *argv)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
	struct nvsr_text out = { 0 };

	for (int i = 0; i < argc; i++) {
		const char *s = argv[i];

		nvsr_text_add(&out, "%s", i ? " " : "");
		if (*s && strspn(s, plain) == strlen(s)) {
			nvsr_text_add(&out, "%s", s);
			continue;
		}
		nvsr_text_add(&out, "'");
		for (; *s; s++) {
			if (*s == '\'')
				nvsr_text_add(&out, "'\\'");
			nvsr_text_addn(&out, s, 1);
		}
		nvsr_text_add(&out, "'");
	}
	return out.s;
}
