/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by snapshot.c, shape.c, diff.c and restore.c: the JSON behind struct nvsr_snapshot. */
#ifndef NVSR_SRIOV_STATE_H
#define NVSR_SRIOV_STATE_H

#include <jansson.h>

#include "sriov/sriov.h"

struct nvsr_snapshot {
	json_t *state;
	bool from_file;		/* of an earlier process: what that one did since is not known */
};

/* shape.c: true when @o is a state of @version as it was written; else *complaint says where it is not. */
bool nvsr_state_check(const json_t *o, int version, const char *path, struct nvsr_complaint *complaint);

/* The member @key of @o as a number, 0 when it is missing. */
static inline json_int_t nvsr_num(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

/* The element of @list whose @key is @value, or NULL. */
static inline json_t *nvsr_element(const json_t *list, const char *key, json_int_t value)
{
	json_t *e;
	size_t i;

	json_array_foreach(list, i, e)
		if (nvsr_num(e, key) == value)
			return e;
	return NULL;
}

/* True when the array of numbers @list contains @value. */
static inline bool nvsr_contains(const json_t *list, json_int_t value)
{
	json_t *e;
	size_t i;

	json_array_foreach(list, i, e)
		if (json_integer_value(e) == value)
			return true;
	return false;
}

#endif
