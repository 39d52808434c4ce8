// SPDX-License-Identifier: GPL-2.0-or-later
/* What differs between two snapshots, in words. */
#include "base/text.h"
#include "sriov/state.h"

/* Compare the numbers @keys (NULL-terminated) of two objects; both must have the key. */
static void numbers(struct nvsr_text *t, const char *what, const json_t *a, const json_t *b, const char *const *keys)
{
	for (; *keys; keys++) {
		const json_t *x = json_object_get(a, *keys), *y = json_object_get(b, *keys);

		if (x && y && !json_equal(x, y)) {
			_cleanup_free_ char *was = json_dumps(x, JSON_ENCODE_ANY), *is = json_dumps(y, JSON_ENCODE_ANY);

			nvsr_text_add(t, "%s: %s is %s, was %s\n", what, *keys, is ? is : "?", was ? was : "?");
		}
	}
}

static void attachments(struct nvsr_text *t, json_int_t nsid, const json_t *was, const json_t *is)
{
	json_t *c;
	size_t i;

	if (!was || !is)
		return;
	json_array_foreach(was, i, c)
		if (!nvsr_contains(is, json_integer_value(c), i))
			nvsr_text_add(t, "namespace %lld not attached to controller %lld, was attached\n", (long long)nsid,
				      (long long)json_integer_value(c));
	json_array_foreach(is, i, c)
		if (!nvsr_contains(was, json_integer_value(c), i))
			nvsr_text_add(t, "namespace %lld attached to controller %lld, was not attached\n", (long long)nsid,
				      (long long)json_integer_value(c));
}

static void namespaces(struct nvsr_text *t, const json_t *was, const json_t *is)
{
	static const char *const keys[] = { "nsze", "ncap", "flbas", "nmic", "dps", "wp", NULL };
	json_t *ns;
	size_t i;

	json_array_foreach(was, i, ns) {
		json_int_t nsid = nvsr_num(ns, "nsid");
		const json_t *now = nvsr_element(is, "nsid", nsid, i);
		char what[40];

		snprintf(what, sizeof(what), "namespace %lld", (long long)nsid);
		if (!now) {
			nvsr_text_add(t, "%s is gone\n", what);
			continue;
		}
		numbers(t, what, ns, now, keys);
		attachments(t, nsid, json_object_get(ns, "controllers"), json_object_get(now, "controllers"));
	}
	json_array_foreach(is, i, ns)
		if (!nvsr_element(was, "nsid", nvsr_num(ns, "nsid"), i))
			nvsr_text_add(t, "namespace %lld is new\n", (long long)nvsr_num(ns, "nsid"));
}

/* Elements of a list found by @key in both, compared by @keys. */
static void elements(struct nvsr_text *t, const char *what, const json_t *was, const json_t *is, const char *key,
		     const char *const *keys)
{
	json_t *e;
	size_t i;

	json_array_foreach(was, i, e) {
		const json_t *now = nvsr_element(is, key, nvsr_num(e, key), i);
		char name[60];

		snprintf(name, sizeof(name), "%s %lld", what, (long long)nvsr_num(e, key));
		if (now)
			numbers(t, name, e, now, keys);
		else
			nvsr_text_add(t, "%s is gone\n", name);
	}
}

static const char *const primary_keys[] = { "vqrfap", "virfap", NULL };

bool nvsr_snapshot_disturbs(const struct nvsr_snapshot *now, const struct nvsr_snapshot *s)
{
	struct nvsr_text t = { 0 };
	bool any;

	numbers(&t, "", json_object_get(now->state, "primary"), json_object_get(s->state, "primary"), primary_keys);
	namespaces(&t, json_object_get(now->state, "namespaces"), json_object_get(s->state, "namespaces"));
	any = t.len || t.failed;
	nvsr_text_free(&t);
	return any;
}

char *nvsr_snapshot_diff(const struct nvsr_snapshot *before, const struct nvsr_snapshot *now)
{
	static const char *const device[] = { "numvfs", NULL };
	static const char *const host[] = { "autoprobe", "drivers", "overrides", "reset_method", NULL };
	static const char *const secondary[] = { "online", "nvq", "nvi", NULL };
	static const char *const feature[] = { "value", "data", NULL };
	const json_t *a = before->state, *b = now->state;
	struct nvsr_text t = { 0 };

	numbers(&t, "device", a, b, device);
	numbers(&t, "host", json_object_get(a, "host"), json_object_get(b, "host"), host);
	numbers(&t, "primary controller", json_object_get(a, "primary"), json_object_get(b, "primary"),
		primary_keys);
	elements(&t, "secondary controller", json_object_get(a, "secondary"), json_object_get(b, "secondary"), "scid", secondary);
	namespaces(&t, json_object_get(a, "namespaces"), json_object_get(b, "namespaces"));
	elements(&t, "feature", json_object_get(a, "features"), json_object_get(b, "features"), "fid", feature);
	if (t.failed) {
		nvsr_text_free(&t);
		return NULL;
	}
	return t.s ? t.s : strdup("");
}
