/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON helpers shared by the journal's writer and reader.  Inside lib/result only. */
#ifndef NVSR_RESULT_JSON_H
#define NVSR_RESULT_JSON_H

#include <jansson.h>

#include "result/result.h"

/* Set @key of @o to @text made valid; NULL texts and empty lists are left out. */
void nvsr_json_set_text(json_t *o, const char *key, const char *text);
void nvsr_json_set_lines(json_t *o, const char *key, char *const *lines);
/* Read a string or list member.  Absent is fine; another type is -EINVAL. */
int nvsr_json_get_text(const json_t *o, const char *key, char **ret);
int nvsr_json_get_lines(const json_t *o, const char *key, char ***ret);

/* A result as an object and back.  On failure *bad_key (may be NULL) names the member. */
json_t *nvsr_result_pack(const struct nvsr_result *r);
int nvsr_result_unpack(const json_t *o, struct nvsr_result *ret, const char **bad_key);

#endif
