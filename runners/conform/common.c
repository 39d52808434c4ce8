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
