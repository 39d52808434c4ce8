// SPDX-License-Identifier: GPL-2.0-or-later
/* Members of JSON objects, with complaints that name them. */
#include "result/perf_json.h"

#include <math.h>

#define NAME_MAX_LEN 120

int nvsr_perf_complain(const struct nvsr_perf_at *at, const char *key, const char *expected)
{
	if (at->line)
		snprintf(at->complaint, NVSR_PERF_COMPLAINT, "%s:%u: field %s%s: expected %s", at->file, at->line, at->parent, key,
			 expected);
	else
		snprintf(at->complaint, NVSR_PERF_COMPLAINT, "%s: field %s%s: expected %s", at->file, at->parent, key, expected);
	return -EINVAL;
}

int nvsr_perf_number(const struct nvsr_perf_at *at, const json_t *o, const char *key, double *ret)
{
	const json_t *v = json_object_get(o, key);
	double n = json_number_value(v);

	if (!json_is_number(v) || !isfinite(n) || n < 0)
		return nvsr_perf_complain(at, key, "a number, 0 or more");
	*ret = n;
	return 0;
}

int nvsr_perf_integer(const struct nvsr_perf_at *at, const json_t *o, const char *key, uint64_t min, uint64_t max, uint64_t *ret)
{
	const json_t *v = json_object_get(o, key);
	json_int_t n = json_integer_value(v);
	char expected[80];

	if (json_is_integer(v) && n >= 0 && (uint64_t)n >= min && (uint64_t)n <= max) {
		*ret = (uint64_t)n;
		return 0;
	}
	snprintf(expected, sizeof(expected), "an integer from %llu to %llu", (unsigned long long)min, (unsigned long long)max);
	return nvsr_perf_complain(at, key, expected);
}

int nvsr_perf_text(const struct nvsr_perf_at *at, const json_t *o, const char *key, bool needed, char **ret)
{
	const json_t *v = json_object_get(o, key);
	char *clean;

	if (!needed && (!v || json_is_null(v)))
		return 0;
	if (!json_is_string(v))
		return nvsr_perf_complain(at, key, "a string");
	clean = nvsr_clean_text(json_string_value(v), json_string_length(v));
	if (!clean)
		return -ENOMEM;
	free(*ret);
	*ret = clean;
	return 0;
}

int nvsr_perf_object(const struct nvsr_perf_at *at, const json_t *o, const char *key, json_t **ret)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_object(v))
		return nvsr_perf_complain(at, key, "an object");
	*ret = v;
	return 0;
}

bool nvsr_perf_is_name(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	return len && len <= NAME_MAX_LEN && *s != '.' && *s != '-' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}
