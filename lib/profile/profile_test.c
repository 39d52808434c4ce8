// SPDX-License-Identifier: GPL-2.0-or-later
/* Profiles and expectations: what a good file gives, and what each kind of bad file is told. */
#include <glob.h>

#include "base/text.h"
#include "profile/fields.h"
#include "profile/profile.h"

static unsigned failed;

static const char *put(const char *text)
{
	static char path[64];

	snprintf(path, sizeof(path), "/tmp/nvsr-profile-%d.yaml", (int)getpid());
	if (nvsr_write_file(path, text, strlen(text))) {
		printf("not ok: cannot write %s\n", path);
		exit(1);
	}
	return path;
}

static void expect(bool held, const char *what, const char *seen)
{
	if (!held) {
		printf("not ok: %s: %s\n", what, seen);
		failed++;
	}
}

static void bad_profiles_are_named_by_place_and_field(void)
{
	static const struct { const char *text, *complaint; } cases[] = {
		{ "", "the file is empty" },
		{ "title: x\n", ": version: expected 1, found 'nothing'" },
		{ "version: 2\ntitle: x\n", ":1:1: version: expected 1, found '2'" },
		{ "version: 1\n", "title: expected a line that names the device" },
		{ "version: 1\ntitle: x\nsriov:\n  total-vfs: many\n", ":4:3: sriov.total-vfs: expected a whole number" },
		{ "version: 1\ntitle: x\nsriov: { total-vfs: 1e3 }\n", ":3:10: sriov.total-vfs: expected a whole number" },
		{ "version: 1\ntitle: x\nsriov:\n  total-vfs: 70000\n", "expected 0 to 65535, found 70000" },
		{ "version: 1\ntitle: x\nsriov:\n  total-vf: 7\n", ":4:3: sriov.total-vf: no such field" },
		{ "version: 1\ntitle: x\nclaims:\n  sriov: maybe\n", ":4:3: claims.sriov: expected yes or no, found 'maybe'" },
		{ "version: 1\ntitle: x\nclaims:\n  cfg-read: yes\n", ":4:3: claims.cfg-read: no such field" },
		{ "version: 1\ntitle: x\nsriov: 3\n", ":3:8: sriov: Expecting MAPPING" },
		{ "version: 1\ntitle: x\nsriov:\n  ari: yes\n  ari: no\n", "ari: Mapping field already seen" },
		{ "version: 1\ntitle: x\nsriov:\n  vf-bar0-bytes: 20000\n", "expected a power of two, found 20000" },
		{ "version: 1\ntitle: x\nclaims: { sriov: yes }\nsriov: { total-vfs: 0 }\n", "expected at least 1 where" },
		{ "version: 1\ntitle: x\nunknown: [ sriov.total ]\n", "'sriov.total' is not a field" },
		{ "version: 1\ntitle: x\nsriov: { total-vfs: 4 }\nunknown: [ sriov.total-vfs ]\n", "is listed under unknown" },
		{ "version: 1\ntitle: x\nnamespaces:\n  formats:\n    - { data: 500 }\n", "expected a power of two from 512" },
		{ "version: 1\ntitle: x\nsriov: [\n", ":3:8: sriov: Expecting MAPPING" },
		{ "version: 1\ntitle: x\ncontroller: { nn: 4, mnan: 5 }\n", "expected at most nn (4), found 5" },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_complaint c = { "" };
		struct nvsr_profile *p = NULL;
		const char *path = put(cases[i].text);
		int rc = nvsr_profile_load(path, &p, &c);

		expect(rc == -EINVAL && !p, cases[i].text, "was accepted");
		expect(strstr(c.text, cases[i].complaint) && !strncmp(c.text, path, strlen(path)), cases[i].complaint, c.text);
		unlink(path);
	}
}

static void good_profile_keeps_values_and_marks_the_rest_unknown(void)
{
	struct nvsr_complaint c = { "" };
	struct nvsr_profile *p = NULL;
	const char *path = put("version: 1\ntitle: a drive\nidentity: { vendor: 0x144d, model: 'PM*' }\n"
			       "claims: { sriov: yes, virt-mgmt: no }\nsriov:\n  total-vfs: 32   # total-vfs: 9\n"
			       "namespaces: { formats: [ { data: 512 }, { data: 4096, metadata: 8, rp: 1 } ] }\n"
			       "unknown: [ resources.vq-private ]\n");
	int rc = nvsr_profile_load(path, &p, &c);

	expect(!rc, "a good profile", c.text);
	if (!rc) {
		expect(p->identity.vendor == 0x144d && !strcmp(p->identity.model, "PM*"), "identity", "differs");
		expect(p->claims[NVSR_NEED_ID_SRIOV] == NVSR_CLAIM_YES && p->claims[NVSR_NEED_ID_VIRT_MGMT] == NVSR_CLAIM_NO &&
		       p->claims[NVSR_NEED_ID_VQ] == NVSR_CLAIM_SILENT, "claims", "differ");
		expect(p->sriov.total_vfs == 32 && p->sriov.vf_stride == NVSR_UNKNOWN, "sriov", "differs");
		expect(p->namespaces.formats_count == 2 && p->namespaces.formats[1].meta_bytes == 8, "formats", "differ");
		expect(!strncmp(p->name, "nvsr-profile-", 13) && !strchr(p->name, '.'), "name", p->name);
	}
	nvsr_profile_free(p);
	unlink(path);
	rc = nvsr_profile_load("no-such-profile", &p, &c);
	expect(rc == -ENOENT && strstr(c.text, "no profile 'no-such-profile'"), "a missing profile", c.text);
}

static void expectations_must_be_alive(void)
{
	static const char line[] = "- { id: '%s', requirement: VIRT-37, why: w, link: 'https://x', until: %s }\n";
	static const struct { const char *id, *until, *complaint; } cases[] = {
		{ "vf.online.*", "2027-01", NULL },
		{ "vf.online.*", "2026-11-20", NULL },
		{ "vf.online.*", "2026-11-19", "expired on 2026-11-19" },
		{ "vf.gone.*", "2027-01", "no test matches 'vf.gone.*'" },
		{ "vf.online.*", "soon", "expected YYYY-MM-DD" },
		{ "vf.online.*", "2026-13", "expected YYYY-MM-DD" },
	};
	static const char *const ids[] = { "pf.a.b", "vf.online.needs-two-vqs" };

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = nvsr_asprintf(line, cases[i].id, cases[i].until);
		const char *path = put(text);
		struct nvsr_complaint c = { "" };
		struct nvsr_expects e = { 0 };
		int rc = nvsr_expects_load(NULL, path, "2026-11-20", ids, 2, &e, &c);

		expect(rc == (cases[i].complaint ? -EINVAL : 0), cases[i].until, c.text);
		if (cases[i].complaint) {
			expect(strstr(c.text, cases[i].complaint) && strstr(c.text, ".yaml:1:"), cases[i].complaint, c.text);
		} else if (!rc) {
			expect(nvsr_expects_find(&e, ids[1], "1.0", "kernel") == &e.item[0] && e.item[0].line == 1, "find", "wrong line");
			expect(!nvsr_expects_find(&e, ids[0], "1.0", "kernel"), "find", "matches another test");
		}
		nvsr_expects_free(&e);
		unlink(path);
	}
}

static void expectations_have_a_scope(void)
{
	static const char line[] = "- { id: '*', requirement: VIRT-37, why: w, link: 'https://x', until: 2027-01, firmware: '1.*', "
				   "access: 'vfio' }\n";
	static const struct { const char *fr, *access; bool covers; } cases[] = {
		{ "1.0", "vfio", true }, { "2.0", "vfio", false }, { "1.0", "kernel", false }, { "1.0", "kernel, VFs by vfio", false },
		{ NULL, NULL, true },
	};
	const char *path = put(line);
	struct nvsr_complaint c = { "" };
	struct nvsr_expects e = { 0 };

	expect(!nvsr_expects_load(NULL, path, "2026-11-20", (const char *const[]){ "a.b.c" }, 1, &e, &c), "scope", c.text);
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(cases); i++)
		expect(!!nvsr_expects_find(&e, "a.b.c", cases[i].fr, cases[i].access) == cases[i].covers, "scope", "wrong");
	nvsr_expects_free(&e);
	unlink(path);
}

/* Every profile that we ship must load (expectations are checked against the test ids by the command line). */
static void shipped_profiles_load(void)
{
	_cleanup_free_ char *pattern = nvsr_asprintf("%s/*.yaml", nvsr_profile_dir());
	glob_t g = { 0 };
	unsigned loaded = 0;

	expect(!glob(pattern, 0, NULL, &g), pattern, "no file");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct nvsr_complaint c = { "" };
		struct nvsr_profile *p = NULL;

		if (strstr(g.gl_pathv[i], ".expect.yaml"))
			continue;
		expect(!nvsr_profile_load(g.gl_pathv[i], &p, &c), g.gl_pathv[i], c.text);
		nvsr_profile_free(p);
		loaded++;
	}
	expect(loaded >= 7, pattern, "fewer than seven profiles");
	globfree(&g);
}

/* device-profiles/README.md is the documentation of the format: every field stands in it. */
static void every_field_is_documented(void)
{
#define KEY(section, member, key, kind, least, most) key,
#define SECTION_KEYS(section, LIST) LIST(KEY)
	static const char *const keys[] = { SECTIONS(SECTION_KEYS) };
	_cleanup_free_ char *path = nvsr_asprintf("%s/README.md", nvsr_profile_dir());
	_cleanup_free_ char *text = NULL;

	if (nvsr_read_file(path, 1 << 20, &text, NULL)) {
		expect(false, path, "cannot be read");
		return;
	}
	for (size_t i = 0; i < NVSR_ARRAY_SIZE(keys); i++) {
		_cleanup_free_ char *quoted = nvsr_asprintf("`%s`", keys[i]);

		expect(strstr(text, quoted), keys[i], "not in README.md");
	}
}

int main(void)
{
	every_field_is_documented();
	bad_profiles_are_named_by_place_and_field();
	good_profile_keeps_values_and_marks_the_rest_unknown();
	expectations_must_be_alive();
	expectations_have_a_scope();
	shipped_profiles_load();
	printf("%s: profile_test\n", failed ? "FAIL" : "ok");
	return failed != 0;
}
