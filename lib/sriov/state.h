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

/*
 * Lists of one device at two times are nearly the same: the @k'th of @n places to look at, from @near on to both sides.  Some
 * devices have thousands of secondary controllers.
 */
static inline bool nvsr_near(size_t near, size_t k, size_t n, size_t *ret)
{
	size_t by = (k + 1) / 2;

	*ret = k % 2 ? near - by : near + by;
	return *ret < n;	/* what is below 0 has wrapped */
}

/* The element of @list whose @key is @value, or NULL; @near: where it probably is. */
static inline json_t *nvsr_element(const json_t *list, const char *key, json_int_t value, size_t near)
{
	size_t n = json_array_size(list), i;

	for (size_t k = 0; k <= 2 * NVSR_MAX(n, near); k++)
		if (nvsr_near(near, k, n, &i) && nvsr_num(json_array_get(list, i), key) == value)
			return json_array_get(list, i);
	return NULL;
}

/* True when the array of numbers @list contains @value; @near: where it probably is. */
static inline bool nvsr_contains(const json_t *list, json_int_t value, size_t near)
{
	size_t n = json_array_size(list), i;

	for (size_t k = 0; k <= 2 * NVSR_MAX(n, near); k++)
		if (nvsr_near(near, k, n, &i) && json_integer_value(json_array_get(list, i)) == value)
			return true;
	return false;
}

#endif
