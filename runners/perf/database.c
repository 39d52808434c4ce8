// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RocksDB in a guest.  "bulkload" is that of RocksDB's own tools/benchmark.sh: fillrandom without log and compactions; then it is
 * compacted, and "readwhilemerging" reads it with one more thread that merges.  Sizes follow the namespace: a database of an eighth
 * of it, which is there twice while it is compacted, and a cache of an eighth of the database, up to what a guest has; I/O is direct.
 */
#include "runners/perf/perf.h"

#define KEY_BYTES 16u
#define VALUE_BYTES 400u
#define PARTS 8u		/* of the namespace one is the database */
#define CACHE_MOST (256ull << 20)
#define BUFFER_LEAST (1ull << 20)
#define BUFFER_MOST (64ull << 20)
#define BUFFERS 4u		/* being filled, being written, and what a compaction has */
#define INDEX_PART 64u		/* of the database, at most, is its index, which is all in memory: a key for each block of 4 KiB */
#define SLOWEST (4u << 20)	/* B/s that the slowest disk takes of it */
#define KILLED (128 + 9)	/* a shell's exit code */

struct sizes { uint64_t database, cache, buffer; };

static struct sizes sizes_of(uint64_t namespace_bytes)
{
	uint64_t database = namespace_bytes / PARTS;

	return (struct sizes){
		.database = database, .cache = NVSR_MIN(database / PARTS, CACHE_MOST),
		.buffer = NVSR_MIN(NVSR_MAX(database / 4, BUFFER_LEAST), BUFFER_MOST),
	};
}

/* As patient as with fio, and as long as its data takes. */
uint64_t nvsr_database_limit_ns(uint64_t namespace_bytes)
{
	return nvsr_measure_grace_ns * 6 + nvsr_measure_grace_ns / 20 * (sizes_of(namespace_bytes).database / SLOWEST);
}

unsigned nvsr_database_seconds(unsigned run_ms)
{
	return NVSR_MAX((run_ms + 999) / 1000, 1u);
}

unsigned nvsr_database_memory_mib(uint64_t namespace_bytes)
{
	struct sizes s = sizes_of(namespace_bytes);

	return (unsigned)((s.cache + BUFFERS * s.buffer + s.database / INDEX_PART) >> 20) + 1;
}

static void put_options(struct nvsr_text *t, const struct nvsr_job *j)
{
	struct sizes s = sizes_of(j->namespace_bytes);

	nvsr_text_add(t, "options=\"--db=$folder/rocksdb --num=%llu --key_size=%u --value_size=%u --block_size=%u --cache_size=%llu \\\n"
		      "\t--write_buffer_size=%llu --target_file_size_base=%llu --compression_type=none --histogram=1 --seed=%llu \\\n"
		      "\t--use_direct_reads=1 --use_direct_io_for_flush_and_compaction=1\"\n",
		      (unsigned long long)(s.database / (KEY_BYTES + VALUE_BYTES)), KEY_BYTES, VALUE_BYTES, j->cell->block,
		      (unsigned long long)s.cache, (unsigned long long)s.buffer, (unsigned long long)s.buffer,
		      (unsigned long long)NVSR_MAX(j->seed, 1ull));
}

char *nvsr_database_script(const struct nvsr_job *j)
{
	struct nvsr_text t = { 0 };
	uint64_t bytes = sizes_of(j->namespace_bytes).database, s = nvsr_database_seconds(j->run_ms);
	bool loads = j->cell->pattern == NVSR_PATTERN_BULKLOAD;

	nvsr_text_add(&t, "# written by nvsr-conform %s; in a guest with NVSR_DISK: sh THIS prepare, then sh THIS run\n"
		      "folder=/tmp/db\n", nvsr_version);
	put_options(&t, j);
	nvsr_text_add(&t, "load() {\n\tdb_bench --benchmarks=fillrandom --use_existing_db=0 --threads=1 --disable_auto_compactions=1 --disable_wal=1 \\\n"
		      "\t\t--sync=0 --memtablerep=vector --allow_concurrent_memtable_write=false $options\n}\n"
		      "prepare() {\n"
		      "\tmkdir -p $folder || return\n"
		      "\t! grep -q \" $folder \" /proc/mounts || umount $folder || return\n"
		      "\tmkfs.ext4 -q -F -b 4096 -m 0 -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 $NVSR_DISK %lluk || return\n"
		      "\tmount -t ext4 -o noatime $NVSR_DISK $folder || return\n",
		      (unsigned long long)(j->namespace_bytes >> 10));
	if (!loads)
		nvsr_text_add(&t, "\tload && db_bench --benchmarks=compact --use_existing_db=1 $options && sync\n");
	nvsr_text_add(&t, "}\nrun() {\n");
	if (loads)
		nvsr_text_add(&t, "\tload\n");
	else	/* what is merged meanwhile adds a sixteenth at most */
		nvsr_text_add(&t, "\tdb_bench --benchmarks=readwhilemerging --use_existing_db=1 --threads=%u --duration=%llu \\\n"
			      "\t\t--ops_between_duration_checks=10 --merge_operator=put --benchmark_write_rate_limit=%llu $options\n", j->cell->jobs, (unsigned long long)s,
			      (unsigned long long)NVSR_MAX(bytes / 16 / s, 1024ull));
	nvsr_text_add(&t, "}\n\"$1\"\n");
	if (t.failed)
		nvsr_text_free(&t);
	return t.s;
}

char *nvsr_database_judge(const char *text, int status, const char *err)
{
	const char *words = err && *err ? err : text && *text ? text : "it says nothing";
	int code = WEXITSTATUS(status);
	_cleanup_free_ char *clean = NULL;
	size_t len = strlen(words);

	if (!status)
		return text && strstr(text, " (0 of ") ? strdup("db_bench found nothing in its database") : NULL;
	while (len && words[len - 1] == '\n')
		len--;
	/* The end of what it said. */
	clean = nvsr_clean_text(words + (len > 200 ? len - 200 : 0), NVSR_MIN(len, (size_t)200));
	return nvsr_asprintf("RocksDB's script ended with exit code %d%s: %s", code, code == KILLED ? ", killed as the guest's kernel does for lack of memory" : "",
			     clean ? clean : "");
}
