// SPDX-License-Identifier: GPL-2.0-or-later
/* Loading YAML through libcyaml, and turning its log into one complaint. */
#include <ctype.h>
#include <stdarg.h>

#include "base/text.h"
#include "profile/yaml.h"

#define YAML_MAX (1024 * 1024)

static void quiet(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
}

const cyaml_config_t nvsr_yaml_config = { .log_fn = quiet, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR };

static void collect(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct nvsr_text *t = ctx;
	char line[512];

	if (level < CYAML_LOG_ERROR)
		return;
	vsnprintf(line, sizeof(line), fmt, args);
	nvsr_text_add(t, "%s", line);
}

/* The first line of libcyaml's log says what is wrong, the first "(line: L, column: C)" where, and 'f' which field. */
static void translate(const struct nvsr_yaml *y, char *log, cyaml_err_t err, struct nvsr_complaint *complaint)
{
	unsigned line = 1, col = 1;
	char what[200] = "", field[64] = "", key[64] = "";
	const char *at;

	if (log) {
		const char *m = strstr(log, "Load: ");

		sscanf(m ? m + 6 : log, "%199[^\n]", what);
		at = strstr(log, "(line: ");
		if (at)
			sscanf(at, "(line: %u, column: %u)", &line, &col);
		at = strstr(log, "field '");
		if (at)
			sscanf(at, "field '%63[^']'", field);
	}
	/* An unexpected key is reported at its mapping: find the key itself. */
	if (sscanf(what, "Unexpected key: %63s", key) == 1) {
		if (!nvsr_yaml_where(y, field[0] ? field : NULL, key, 0, &line, &col))
			nvsr_yaml_where(y, NULL, key, 0, &line, &col);
		snprintf(complaint->text, sizeof(complaint->text),
			 "%s:%u:%u: %s%s%s: no such field, see %s", y->path, line, col, field, field[0] ? "." : "", key,
			 y->guide ? y->guide : "device-profiles/README.md");
		return;
	}
	/* libyaml's own scanner reports "libyaml: message at line: L column: C" in one line. */
	at = strstr(what, "line: ");
	if (at)
		sscanf(at, "line: %u", &line);
	snprintf(complaint->text, sizeof(complaint->text), "%s:%u:%u: %s%s%s", y->path, line, col, field, field[0] ? ": " : "",
		 what[0] ? what : cyaml_strerror(err));
}

int nvsr_yaml_load(struct nvsr_yaml *y, const char *path, const cyaml_schema_value_t *schema, void **ret, unsigned *ret_count,
		   struct nvsr_complaint *complaint)
{
	struct nvsr_text log = { 0 };
	cyaml_config_t config = { .log_fn = collect, .log_ctx = &log, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR };
	cyaml_data_t *data = NULL;
	cyaml_err_t err;
	int rc;

	*y = (struct nvsr_yaml){ .path = strdup(path), .guide = y->guide };
	if (!y->path)
		return -ENOMEM;
	rc = nvsr_read_file(path, YAML_MAX, &y->text, &y->len);
	if (rc) {
		snprintf(complaint->text, sizeof(complaint->text), "%s: %s", path,
			 rc == -EFBIG ? "larger than 1 MiB, nothing that people write" : strerror(-rc));
		return rc;
	}
	err = cyaml_load_data((const uint8_t *)y->text, y->len, &config, schema, &data, ret_count);
	if (err != CYAML_OK) {
		translate(y, log.s, err, complaint);
		nvsr_text_free(&log);
		return err == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
	}
	nvsr_text_free(&log);
	*ret = data;
	return 0;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

int nvsr_yaml_load_named(struct nvsr_yaml *y, const char *what, const char *dir, const char *name_or_path,
			 const cyaml_schema_value_t *schema, void **ret, char **ret_path, char **ret_name,
			 struct nvsr_complaint *complaint)
{
	bool is_path = strchr(name_or_path, '/') || ends_with(name_or_path, ".yaml");
	char *path = is_path ? strdup(name_or_path) : nvsr_asprintf("%s/%s.yaml", dir, name_or_path);
	const char *base = path ? strrchr(path, '/') : NULL;
	int rc = -ENOMEM;

	base = base ? base + 1 : path;
	*ret_path = path;
	*ret_name = base ? strndup(base, strlen(base) - (ends_with(base, ".yaml") ? 5 : 0)) : NULL;
	if (*ret_path && *ret_name)
		rc = nvsr_yaml_load(y, path, schema, ret, NULL, complaint);
	else
		snprintf(complaint->text, sizeof(complaint->text), "%s: out of memory", name_or_path);
	if (rc == -ENOENT && !is_path)
		snprintf(complaint->text, sizeof(complaint->text), "no %s '%s': %s does not exist", what, name_or_path, path);
	if (!rc && !*ret) {
		rc = -EINVAL;
		snprintf(complaint->text, sizeof(complaint->text), "%s:1:1: the file is empty, expected a %s", path, what);
	}
	return rc;
}

void nvsr_yaml_free(struct nvsr_yaml *y)
{
	free(y->path);
	free(y->text);
	*y = (struct nvsr_yaml){ 0 };
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* The @nth place from @from where @key stands as a key ("key:" not inside a word or a comment); NULL = none. */
static const char *find_key(const char *text, const char *from, const char *key, unsigned nth, bool top_level)
{
	size_t n = strlen(key);

	for (const char *s = from; (s = strstr(s, key)); s += n) {
		const char *bol = s, *e = s + n;

		while (bol > text && bol[-1] != '\n')
			bol--;
		if (memchr(bol, '#', (size_t)(s - bol)) || (s > text && is_word(s[-1])) || (top_level && s != bol))
			continue;
		while (*e == ' ')
			e++;
		if (*e == ':' && !nth--)
			return s;
	}
	return NULL;
}

static void count_to(const char *text, const char *s, unsigned *ret_line, unsigned *ret_col)
{
	*ret_line = *ret_col = 1;
	for (const char *c = text; c < s; c++) {
		*ret_col = *c == '\n' ? 1 : *ret_col + 1;
		*ret_line += *c == '\n';
	}
}

bool nvsr_yaml_where(const struct nvsr_yaml *y, const char *section, const char *key, unsigned nth, unsigned *ret_line,
		     unsigned *ret_col)
{
	const char *from = y->text, *s;

	*ret_line = *ret_col = 1;
	if (!from)
		return false;
	if (section && !(from = find_key(y->text, y->text, section, 0, true)))
		return false;
	/* The same word may be a key further in: at the start of a line it stands on the top level. */
	s = section ? NULL : find_key(y->text, from, key, nth, true);
	if (!s)
		s = find_key(y->text, section ? from + strlen(section) : from, key, nth, false);
	if (!s)
		s = section ? from : NULL;
	if (!s)
		return false;
	count_to(y->text, s, ret_line, ret_col);
	return true;
}

/* The place of @line and @col in the text. */
static const char *at_place(const struct nvsr_yaml *y, unsigned line, unsigned col)
{
	const char *s = y->text;

	for (; s && line > 1; line--) {
		s = strchr(s, '\n');
		s = s ? s + 1 : NULL;
	}
	return s ? s + NVSR_MIN((size_t)col - 1, strlen(s)) : NULL;
}

bool nvsr_yaml_where_value(const struct nvsr_yaml *y, const char *section, const char *key, unsigned nth, const char *value,
			   unsigned *ret_line, unsigned *ret_col)
{
	size_t n = strlen(value);
	const char *s = nvsr_yaml_where(y, section, key, nth, ret_line, ret_col) ? at_place(y, *ret_line, *ret_col) : NULL;

	if (!s || !n || strncmp(s, key, strlen(key)))
		return false;
	for (s = s + strlen(key); (s = strstr(s, value)); s += n) {
		const char *bol = s;

		while (bol > y->text && bol[-1] != '\n')
			bol--;
		if (memchr(bol, '#', (size_t)(s - bol)) || is_word(s[-1]) || is_word(s[n]))
			continue;
		count_to(y->text, s, ret_line, ret_col);
		return true;
	}
	return false;
}

int nvsr_yaml_complain(const struct nvsr_yaml *y, const char *section, const char *key, unsigned nth,
		       struct nvsr_complaint *complaint, const char *fmt, ...)
{
	unsigned line, col;
	va_list args;
	int n;

	nvsr_yaml_where(y, section, key, nth, &line, &col);
	n = snprintf(complaint->text, sizeof(complaint->text), "%s:%u:%u: %s%s%s: ", y->path, line, col, section ? section : "",
		     section ? "." : "", key);
	if (n > 0 && (size_t)n < sizeof(complaint->text)) {
		va_start(args, fmt);
		vsnprintf(complaint->text + n, sizeof(complaint->text) - (size_t)n, fmt, args);
		va_end(args);
	}
	return -EINVAL;
}
