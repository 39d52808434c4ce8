// SPDX-License-Identifier: GPL-2.0-or-later
/* One figure of fio's JSON, for scripts.  Usage: figure iops|p50 FILE.  Reads only; exit 1 without I/O. */
#include <jansson.h>

#include "nvsr.h"

static json_t *load(const char *path)
{
	_cleanup_free_ char *text = NULL;
	const char *begin;
	size_t len;

	if (nvsr_read_file(path, 1u << 24, &text, &len))
		return NULL;
	/* fio puts messages before it. */
	begin = strchr(text, '{');
	return begin ? json_loads(begin, 0, NULL) : NULL;
}

int main(int argc, char **argv)
{
	json_t *o = argc == 3 ? load(argv[2]) : NULL, *job = json_array_get(json_object_get(o, "jobs"), 0);
	json_t *read = json_object_get(job, "read");
	json_t *v = argc == 3 && !strcmp(argv[1], "iops")
			    ? json_object_get(read, "iops")
			    : json_object_get(json_object_get(json_object_get(read, "lat_ns"), "percentile"), "50.000000");
	bool ok = json_is_number(v) && json_number_value(v) > 0 && !json_integer_value(json_object_get(job, "error"));

	if (ok)
		printf("%.3f\n", json_number_value(v));
	json_decref(o);
	return !ok;
}
