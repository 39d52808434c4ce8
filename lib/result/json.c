// SPDX-License-Identifier: GPL-2.0-or-later
/* A result as JSON and back, and the cleaning of text that devices and tests produced. */
#include <inttypes.h>

#include "base/text.h"
#include "result/json.h"

/* Bytes of the UTF-8 sequence at @s, 0 when it is not one (RFC 3629: no overlong forms, no surrogates). */
static unsigned utf8_len(const unsigned char *s, size_t left)
{
	unsigned n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 :
		     s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (!n || n > left)
		return 0;
	for (unsigned i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

char *nvsr_clean_text(const char *text, size_t len)
{
	struct nvsr_text out = { 0 };
	const unsigned char *s = (const unsigned char *)text;

	nvsr_text_addn(&out, "", 0);
	while (len) {
		unsigned n = utf8_len(s, len);
		/* C0, DEL and C1 (U+0080 to U+009F) control characters */
		bool control = n && (*s < 0x20 || *s == 0x7f || (n == 2 && *s == 0xc2 && s[1] < 0xa0));

		if (n == 1 && *s == '\t') {
			nvsr_text_add(&out, " ");
		} else if (n && !control) {
			nvsr_text_addn(&out, (const char *)s, n);
		} else {
			n = 1;
			nvsr_text_add(&out, "\\x%02x", *s);
		}
		s += n;
		len -= n;
	}
	if (out.failed) {
		nvsr_text_free(&out);
		return NULL;
	}
	return out.s ? out.s : strdup("");
}

static json_t *text_value(const char *text)
{
	_cleanup_free_ char *clean = nvsr_clean_text(text, strlen(text));

	return json_string(clean ? clean : "(no memory)");
}

void nvsr_json_set_text(json_t *o, const char *key, const char *text)
{
	if (text)
		json_object_set_new(o, key, text_value(text));
}

void nvsr_json_set_lines(json_t *o, const char *key, char *const *lines)
{
	json_t *a;

	if (!lines || !lines[0])
		return;
	a = json_array();
	for (; *lines; lines++)
		json_array_append_new(a, text_value(*lines));
	json_object_set_new(o, key, a);
}

int nvsr_json_get_text(const json_t *o, const char *key, char **ret)
{
	const json_t *v = json_object_get(o, key);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return -EINVAL;
	return nvsr_field_set(ret, json_string_value(v));
}

int nvsr_json_get_lines(const json_t *o, const char *key, char ***ret)
{
	const json_t *v = json_object_get(o, key), *line;
	size_t i;

	if (!v)
		return 0;
	if (!json_is_array(v))
		return -EINVAL;
	json_array_foreach(v, i, line) {
		if (!json_is_string(line))
			return -EINVAL;
		if (nvsr_lines_add(ret, json_string_value(line)))
			return -ENOMEM;
	}
	return 0;
}

/* The members that are plain text or lists of lines, in the order they are written. */
static const struct { const char *key; size_t offset; } texts[] = {
	{ "id", offsetof(struct nvsr_result, id) },
	{ "group", offsetof(struct nvsr_result, group) },
	{ "title", offsetof(struct nvsr_result, title) },
	{ "level", offsetof(struct nvsr_result, level) },
	{ "cite", offsetof(struct nvsr_result, cite) },
	{ "reason", offsetof(struct nvsr_result, reason) },
	{ "cause", offsetof(struct nvsr_result, cause) },
	{ "expected", offsetof(struct nvsr_result, expected) },
	{ "observed", offsetof(struct nvsr_result, observed) },
	{ "at", offsetof(struct nvsr_result, at) },
	{ "link", offsetof(struct nvsr_result, link) },
}, lists[] = {
	{ "requirements", offsetof(struct nvsr_result, requirements) },
	{ "failures", offsetof(struct nvsr_result, failures) },
	{ "notes", offsetof(struct nvsr_result, notes) },
	{ "last", offsetof(struct nvsr_result, last) },
	{ "output", offsetof(struct nvsr_result, output) },
};

json_t *nvsr_result_pack(const struct nvsr_result *r)
{
	json_t *o = json_object();

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(texts); i++)
		nvsr_json_set_text(o, texts[i].key, *(char *const *)((const char *)r + texts[i].offset));
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(lists); i++)
		nvsr_json_set_lines(o, lists[i].key, *(char **const *)((const char *)r + lists[i].offset));
	if (r->verdict != NVSR_NONE) {
		nvsr_json_set_text(o, "result", nvsr_verdict_name(r->verdict));
		json_object_set_new(o, "deviates", json_boolean(r->deviates));
		json_object_set_new(o, "checks", json_integer(r->checks));
		/* microseconds are enough, and survive the way to text and back */
		json_object_set_new(o, "ms", json_real((double)(int64_t)(r->ms * 1000) / 1000));
	}
	return o;
}

static int unpack_numbers(const json_t *o, struct nvsr_result *r, const char **bad)
{
	const json_t *v;

	if ((v = json_object_get(o, *bad = "result"))) {
		r->verdict = nvsr_verdict_parse(json_string_value(v));
		if (r->verdict == NVSR_NONE)
			return -EINVAL;
	}
	if ((v = json_object_get(o, *bad = "deviates"))) {
		if (!json_is_boolean(v))
			return -EINVAL;
		r->deviates = json_is_true(v);
	}
	if ((v = json_object_get(o, *bad = "checks"))) {
		json_int_t n = json_integer_value(v);

		if (!json_is_integer(v) || n < 0 || n > INT32_MAX)
			return -EINVAL;
		r->checks = (unsigned)n;
	}
	if ((v = json_object_get(o, *bad = "ms"))) {
		if (!json_is_number(v) || json_number_value(v) < 0)
			return -EINVAL;
		r->ms = json_number_value(v);
	}
	return 0;
}

int nvsr_result_unpack(const json_t *o, struct nvsr_result *ret, const char **bad_key)
{
	struct nvsr_result r = { 0 };
	const char *bad = "(object)";
	int rc = json_is_object(o) ? 0 : -EINVAL;

	for (unsigned i = 0; !rc && i < NVSR_ARRAY_SIZE(texts); i++)
		rc = nvsr_json_get_text(o, bad = texts[i].key, (char **)((char *)&r + texts[i].offset));
	for (unsigned i = 0; !rc && i < NVSR_ARRAY_SIZE(lists); i++)
		rc = nvsr_json_get_lines(o, bad = lists[i].key, (char ***)((char *)&r + lists[i].offset));
	if (!rc)
		rc = unpack_numbers(o, &r, &bad);
	if (!rc && !r.id) {
		bad = "id";
		rc = -EINVAL;
	}
	if (rc) {
		if (bad_key)
			*bad_key = bad;
		nvsr_result_free(&r);
		return rc;
	}
	*ret = r;
	return 0;
}

char *nvsr_result_to_json(const struct nvsr_result *r)
{
	json_t *o = nvsr_result_pack(r);
	char *text = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	return text;
}

int nvsr_result_from_json(const char *text, struct nvsr_result *ret)
{
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int rc = o ? nvsr_result_unpack(o, ret, NULL) : -EINVAL;

	json_decref(o);
	return rc;
}
