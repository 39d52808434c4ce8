// SPDX-License-Identifier: GPL-2.0-or-later
/* A database's script, run by the shell with programs that only say what they were told: the right steps, in the right order. */
#include <sys/stat.h>

#include "runners/perf/perf.h"

const char nvsr_version[] = "test";

static int failed;
#define EXPECT(x) ((x) ? (void)0 : (void)(fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x), failed++))

static char folder[] = "/tmp/nvsr-database-test-XXXXXX";

static void put_program(const char *name)
{
	static const char text[] = "#!/bin/sh\necho \"${0##*/} $*\" >> \"$SAID\"\n[ \"${0##*/}\" != \"$FAILS\" ]\n";
	_cleanup_free_ char *path = nvsr_asprintf("%s/%s", folder, name);

	EXPECT(path && !nvsr_write_file(path, text, strlen(text)) && !chmod(path, 0700));
}

/* What was run by @part of the script of @pattern, and its exit code; @fails: a program that does. */
static char *run(enum nvsr_pattern pattern, unsigned threads, const char *part, const char *fails, int *ret_code)
{
	const struct nvsr_cell cell = { .path = nvsr_data_path_find("passthrough"), .pattern = pattern, .block = 4096, .depth = 1,
					.jobs = threads, .vms = 1 };
	const struct nvsr_job job = { .cell = &cell, .run_ms = 1500, .seed = 7, .namespace_bytes = 32u << 20 };
	_cleanup_free_ char *script = nvsr_database_script(&job), *path = nvsr_asprintf("%s/script", folder);
	_cleanup_free_ char *said = nvsr_asprintf("%s/said", folder);
	_cleanup_free_ char *command = nvsr_asprintf("SAID=%s FAILS=%s NVSR_DISK=/dev/none PATH=%s:$PATH sh %s %s", said, fails, folder, path, part);
	char *text = NULL;
	int status;

	EXPECT(script && path && said && command && !nvsr_write_file(path, script, strlen(script)) && !nvsr_write_file(said, "", 0));
	if (!script || !path || !said || !command)
		exit(1);
	status = system(command);
	*ret_code = WEXITSTATUS(status);
	if (nvsr_read_file(said, 1 << 20, &text, NULL))
		exit(1);
	return text;
}

/* @words one after the other in @text. */
static bool has(const char *text, const char *const words[])
{
	for (; *words; text = strstr(text, *words++))
		if (!strstr(text, *words))
			return false;
	return true;
}

int main(void)
{
	static const char *const programs[] = { "mkdir", "mkfs.ext4", "mount", "umount", "sync", "db_bench" };
	static const char *const empty[] = { "mkdir -p /tmp/db", "mkfs.ext4 ", "/dev/none 32768k", "mount -t ext4 -o noatime /dev/none /tmp/db", NULL };
	static const char *const filled[] = { "mount ", "db_bench --benchmarks=fillrandom", "--num=10082", "db_bench --benchmarks=compact",
					      "--use_existing_db=1", "sync", NULL };
	static const char *const reads[] = { "db_bench --benchmarks=readwhilemerging", "--threads=4 --duration=2",
					     "--ops_between_duration_checks=10", "--benchmark_write_rate_limit=131072", "--seed=7", "--use_direct_reads=1", NULL };
	json_t *json;
	int code;
	char *said;

	if (!mkdtemp(folder))
		return 1;
	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(programs); i++)
		put_program(programs[i]);

	said = run(NVSR_PATTERN_BULKLOAD, 1, "prepare", "", &code);
	EXPECT(!code && has(said, empty) && !strstr(said, "db_bench"));
	free(said);
	said = run(NVSR_PATTERN_BULKLOAD, 1, "run", "", &code);
	EXPECT(!code && !strncmp(said, "db_bench --benchmarks=fillrandom", 32) && !strstr(said, "mkfs"));
	free(said);
	said = run(NVSR_PATTERN_READWHILEMERGING, 4, "prepare", "", &code);
	EXPECT(!code && has(said, empty) && has(said, filled));
	free(said);
	said = run(NVSR_PATTERN_READWHILEMERGING, 4, "run", "", &code);
	EXPECT(!code && has(said, reads) && !strstr(said, "fillrandom"));
	free(said);
	/* A step that fails is the last one, and is told. */
	said = run(NVSR_PATTERN_READWHILEMERGING, 4, "prepare", "mkfs.ext4", &code);
	EXPECT(code && !strstr(said, "mount -t") && !strstr(said, "db_bench"));
	free(said);
	said = run(NVSR_PATTERN_BULKLOAD, 1, "run", "db_bench", &code);
	EXPECT(code);
	free(said);

	/* One that was killed says nothing itself. */
	said = nvsr_database_judge("", 137 << 8, "Killed\n");
	EXPECT(said && strstr(said, "exit code 137, killed as the guest's kernel does for lack of memory: Killed"));
	free(said);
	said = nvsr_database_judge("readwhilemerging : 1.0 micros/op (0 of 999 found)\n", 0, "");
	EXPECT(said && strstr(said, "found nothing"));
	free(said);
	EXPECT(!nvsr_database_judge("readwhilemerging : 1.0 micros/op (630 of 999 found)\n", 0, ""));
	said = nvsr_database_judge("", 1 << 8, "open error: IO error\n");
	EXPECT(said && strstr(said, "exit code 1: open error: IO error") && !nvsr_database_judge("x", 0, ""));
	free(said);
	/* What a guest says is shown on a terminal and stands in JSON. */
	said = nvsr_database_judge("", 1 << 8, "a\033]0;title\a\xff\xc3");
	json = json_string(said);
	EXPECT(said && !strchr(said, '\033') && !strchr(said, '\a') && !strstr(said, "\xff") && json);
	json_decref(json);
	free(said);
	/* What it takes of a guest's memory grows with its index, not with what is cached of it. */
	EXPECT(nvsr_database_memory_mib(32u << 20) < 16 && nvsr_database_memory_mib(4ull << 30) < 512);
	EXPECT(nvsr_database_memory_mib(1ull << 40) > 2048 && nvsr_database_memory_mib(1ull << 40) < 4096);
	nvsr_measure_grace_ns *= 3;
	EXPECT(nvsr_database_limit_ns(16u << 20) > 300 * NVSR_S);
	nvsr_measure_grace_ns /= 3;
	EXPECT(nvsr_database_limit_ns(1ull << 40) > 3600 * NVSR_S && nvsr_database_limit_ns(16u << 20) < 300 * NVSR_S);

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(programs) + 2; i++) {
		const char *name = i < NVSR_ARRAY_SIZE(programs) ? programs[i] : i == NVSR_ARRAY_SIZE(programs) ? "script" : "said";
		_cleanup_free_ char *path = nvsr_asprintf("%s/%s", folder, name);

		if (path)
			unlink(path);
	}
	rmdir(folder);
	return failed != 0;
}
