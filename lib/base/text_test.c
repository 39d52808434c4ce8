// SPDX-License-Identifier: GPL-2.0-or-later
/* Text, selection and files; and that the names in lib/spec agree with their values. */
#include "base/text.h"
#include "spec/needs.h"
#include "spec/nvme.h"
#include "spec/requirement.h"

static unsigned failures;
#define EXPECT(cond) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); } } while (0)

static void grows(void)
{
	_cleanup_text_ struct nvsr_text t = { 0 };

	for (unsigned i = 0; i < 1000; i++)
		nvsr_text_add(&t, "%u,", i % 10);
	EXPECT(!t.failed && t.len == 2000 && strlen(t.s) == 2000);
	EXPECT(!strncmp(t.s, "0,1,2,", 6));
	nvsr_text_addn(&t, "xyz", 2);
	EXPECT(!strcmp(t.s + 2000, "xy"));
}

static void selects(void)
{
	const char *const both[] = { "vf.*", "!vf.online.*" }, *const but[] = { "!pf.*" }, *const back[] = { "!vf.*", "vf.a.b" };

	EXPECT(nvsr_selected(NULL, 0, "any.thing"));
	EXPECT(nvsr_selected(both, 2, "vf.assign.replaces") && !nvsr_selected(both, 2, "vf.online.x"));
	EXPECT(!nvsr_selected(both, 2, "pf.bars.x"));
	EXPECT(nvsr_selected(but, 1, "vf.a.b") && !nvsr_selected(but, 1, "pf.a.b"));
	EXPECT(nvsr_selected(back, 2, "vf.a.b") && !nvsr_selected(back, 2, "vf.a.c"));
	EXPECT(nvsr_glob("reset.keeps[vf=2]", "reset.keeps[vf=2]"));
}

static void files(void)
{
	char dir[] = "/tmp/nvsr-text-XXXXXX";
	_cleanup_free_ char *deep = NULL, *file = NULL, *read = NULL, *under = NULL;
	size_t len = 0;

	EXPECT(mkdtemp(dir));
	deep = nvsr_asprintf("%s/a/b", dir);
	file = nvsr_asprintf("%s/f", deep);
	under = nvsr_asprintf("%s/x", file);
	EXPECT(!nvsr_mkdirs(deep) && !nvsr_mkdirs(deep));
	EXPECT(!nvsr_write_file(file, "one", 3) && !nvsr_write_file(file, "two\0!", 5));
	EXPECT(!nvsr_read_file(file, 5, &read, &len) && len == 5 && !memcmp(read, "two\0!", 6));
	EXPECT(nvsr_read_file(file, 4, &read, &len) == -EFBIG);
	EXPECT(nvsr_read_file(under, 4, &read, &len) == -ENOTDIR);
	EXPECT(nvsr_mkdirs(file) == -ENOTDIR);
	EXPECT(nvsr_write_file("/dev/null/x", "", 0) == -ENOTDIR);
	unlink(file);
	rmdir(deep);
	*strrchr(deep, '/') = '\0';
	rmdir(deep);
	EXPECT(!rmdir(dir));	/* nothing else was left behind */
}

/* "1/20h …" must be the value that it names. */
static void names(void)
{
	unsigned sct, sc, known = 0;

	for (int s = 0; s < 0x800; s++) {
		const char *name = nvme_status_name(s);

		EXPECT(sscanf(name, "%x/%xh", &sct, &sc) == 2 && (int)NVME_STATUS(sct, sc) == s);
		known += strchr(name, ' ') != NULL;
	}
	EXPECT(known > 80);
	EXPECT(!strcmp(nvme_status_name(NVME_SC_INVALID_SEC_STATE), "1/20h Invalid Secondary Controller State"));
	EXPECT(!strcmp(nvme_admin_name(NVME_ADMIN_VIRT_MGMT), "Virtualization Management"));
	EXPECT(!strcmp(nvme_io_name(0xff), "opcode"));
}

static void tables(void)
{
	for (unsigned i = 0; i < NVSR_NEED_COUNT; i++)
		EXPECT(nvsr_needs[i].key && nvsr_needs[i].text);
	EXPECT(nvsr_requirement_count == 310);
	for (size_t i = 0; i < nvsr_requirement_count; i++)
		EXPECT(nvsr_requirement_find(nvsr_requirements[i].id) == &nvsr_requirements[i]);	/* no id twice */
	EXPECT(!nvsr_requirement_find("VIRT-0"));
	EXPECT(nvsr_level_judges(NVSR_LEVEL_MC) && !nvsr_level_judges(NVSR_LEVEL_R));
}

int main(void)
{
	grows();
	selects();
	files();
	names();
	tables();
	return failures != 0;
}
