// SPDX-License-Identifier: GPL-2.0-or-later
/* What a capability run that was interrupted has found out. */
#include "runners/vm/capability.h"

static char *journal(const char *dir)
{
	return nvsr_asprintf("%s/capability.jsonl", dir);
}

/* A performance run may have the table too. */
bool nvsr_capability_is_resumable(const char *dir)
{
	_cleanup_free_ char *path = journal(dir);

	return path && !access(path, F_OK) && !nvsr_perf_is_resumable(dir);
}

static void take_line(const char *line, size_t len, struct nvsr_cap_before *b)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	const char *event = json_string_value(json_object_get(o, "event"));

	if (event && !strcmp(event, "start") && !b->start)
		b->start = json_incref(o);
	else if (event && !strcmp(event, "end"))
		b->over = !json_is_true(json_object_get(o, "interrupted"));
	else if (event && !strcmp(event, "resume"))
		b->over = false;
	json_decref(o);
}

int nvsr_cap_before_read(const char *dir, struct nvsr_cap_before *ret, struct nvsr_complaint *complaint)
{
	_cleanup_free_ char *path = journal(dir), *text = NULL;
	const char *end;
	size_t len = 0;
	int rc = path ? nvsr_capability_read(dir, &ret->table, complaint->text) : -ENOMEM;

	if (!rc)
		rc = nvsr_read_file(path, NVSR_CAPABILITY_FILE_MOST, &text, &len);
	for (const char *at = text; !rc && (end = memchr(at, '\n', (size_t)(text + len - at))); at = end + 1)
		take_line(at, (size_t)(end - at), ret);
	if (rc)
		nvsr_cap_before_free(ret);
	return rc;
}

void nvsr_cap_before_free(struct nvsr_cap_before *b)
{
	json_decref(b->start);
	nvsr_capability_free(&b->table);
	*b = (struct nvsr_cap_before){ 0 };
}

bool nvsr_cap_before_lacks(const struct nvsr_capability_cell *c)
{
	return c->answer == NVSR_CAPABILITY_MISSING || c->broken;
}

bool nvsr_capability_is_over(const char *dir)
{
	struct nvsr_cap_before b = { 0 };
	struct nvsr_complaint complaint;
	bool over;

	if (nvsr_cap_before_read(dir, &b, &complaint))
		return false;
	over = b.over;
	nvsr_cap_before_free(&b);
	return over;
}
