/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcyaml with errors that name file, line, column, field and what was expected.  Inside lib/profile only. */
#ifndef NVSR_PROFILE_YAML_H
#define NVSR_PROFILE_YAML_H

#include <cyaml/cyaml.h>

#include "profile/profile.h"

/* A YAML file as text, kept to say where a field stands. */
struct nvsr_yaml {
	char *path, *text;
	size_t len;
	const char *guide;	/* where its fields are documented, set before loading; NULL: device-profiles/README.md */
};

/**
 * nvsr_yaml_load() - read @path by @schema.
 * @y: gets the text, for nvsr_yaml_complain(); free with nvsr_yaml_free() after success or failure
 * @ret: the loaded data (cyaml_free() with nvsr_yaml_config), NULL for an empty file
 * @ret_count: length when the top level is a sequence, else NULL
 *
 * Return: 0, -ENOENT, -EINVAL or another errno; *complaint is filled on failure.
 */
int nvsr_yaml_load(struct nvsr_yaml *y, const char *path, const cyaml_schema_value_t *schema, void **ret, unsigned *ret_count,
		   struct nvsr_complaint *complaint);
/*
 * The same for a @what ("profile") that is a path - with a '/' in it, or ending in .yaml - or the name of a file in @dir.
 * *ret_path and *ret_name (without folder and .yaml) are the caller's to free, also on failure.
 */
int nvsr_yaml_load_named(struct nvsr_yaml *y, const char *what, const char *dir, const char *name_or_path,
			 const cyaml_schema_value_t *schema, void **ret, char **ret_path, char **ret_name,
			 struct nvsr_complaint *complaint);
void nvsr_yaml_free(struct nvsr_yaml *y);
extern const cyaml_config_t nvsr_yaml_config;

/**
 * nvsr_yaml_where() - line and column of a key.
 * @section: the top-level key it belongs to, or NULL for a top-level key
 * @nth: which occurrence, from 0
 *
 * Return: false (line 1, column 1) when it is not there.
 */
bool nvsr_yaml_where(const struct nvsr_yaml *y, const char *section, const char *key, unsigned nth, unsigned *ret_line,
		     unsigned *ret_col);
/* The same for @value behind that key: in it, or in the list it begins.  False (the key's place) when it is not there. */
bool nvsr_yaml_where_value(const struct nvsr_yaml *y, const char *section, const char *key, unsigned nth, const char *value,
			   unsigned *ret_line, unsigned *ret_col);
/* Fill *complaint as "path:line:col: section.key: message" for that key; returns -EINVAL. */
int nvsr_yaml_complain(const struct nvsr_yaml *y, const char *section, const char *key, unsigned nth,
		       struct nvsr_complaint *complaint, const char *fmt, ...) NVSR_PRINTF(6, 7);

#endif
