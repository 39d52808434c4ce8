// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RocksDB in a guest.  "bulkload" is that of RocksDB's own tools/benchmark.sh: fillrandom without log and compactions; then it is
 * compacted, and "readwhilemerging" reads it with one more thread that merges.  Sizes follow the namespace: a database of an eighth
 * of it, which is there twice while it is compacted, and a cache of an eighth of the database; I/O is direct.
 */
#include "runners/perf/perf.h"

#define KEY_BYTES 16u
#define VALUE_BYTES 400u
#define PARTS 8u		/* of the namespace one is the database */
#define SLOWEST (4u << 20)	/* B/s that the slowest disk takes of it */

uint64_t nvsr_database_limit_ns(uint64_t namespace_bytes)
{
	return 120 * NVSR_S + namespace_bytes / PARTS / (SLOWEST >> 10) * (NVSR_S >> 10);
}

static void put_options(struct nvsr_text *t, const struct nvsr_job *j, uint64_t bytes)
{
	uint64_t buffer = NVSR_MIN(NVSR_MAX(bytes / 4, 1ull << 20), 64ull << 20);

	nvsr_text_add(t, "options=\"--db=$folder/rocksdb --num=%llu --key_size=%u --value_size=%u --block_size=%u --cache_size=%llu \\\n"
		      "\t--write_buffer_size=%llu --target_file_size_base=%llu --compression_type=none --histogram=1 --seed=%llu \\\n"
		      "\t--use_direct_reads=1 --use_direct_io_for_flush_and_compaction=1\"\n",
		      (unsigned long long)(bytes / (KEY_BYTES + VALUE_BYTES)), KEY_BYTES, VALUE_BYTES, j->cell->block,
		      (unsigned long long)(bytes / PARTS), (unsigned long long)buffer, (unsigned long long)buffer,
		      (unsigned long long)NVSR_MAX(j->seed, 1ull));
}

char *nvsr_database_script(const struct nvsr_job *j)
{
	struct nvsr_text t = { 0 };
	uint64_t bytes = j->namespace_bytes / PARTS, s = NVSR_MAX((j->run_ms + 999) / 1000, 1u);
	bool loads = j->cell->pattern == NVSR_PATTERN_BULKLOAD;

	nvsr_text_add(&t, "# written by nvsr-conform %s; in a guest with NVSR_DISK: sh THIS prepare, then sh THIS run\n"
		      "folder=/tmp/db\n", nvsr_version);
	put_options(&t, j, bytes);
	nvsr_text_add(&t, "load() {\n\tdb_bench --benchmarks=fillrandom --use_existing_db=0 --threads=1 --disable_auto_compactions=1 --disable_wal=1 \\\n"
		      "\t\t--sync=0 --memtablerep=vector --allow_concurrent_memtable_write=false $options\n}\n"
		      "prepare() {\n"
		      "\tmodprobe ext4 && mkdir -p $folder || return\n"
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
		nvsr_text_add(&t, "\tdb_bench --benchmarks=readwhilemerging --use_existing_db=1 --threads=%u --duration=%llu --merge_operator=put \\\n"
			      "\t\t--benchmark_write_rate_limit=%llu $options\n", j->cell->jobs, (unsigned long long)s,
			      (unsigned long long)NVSR_MAX(bytes / 16 / s, 1024ull));
	nvsr_text_add(&t, "}\n\"$1\"\n");
	if (t.failed)
		nvsr_text_free(&t);
	return t.s;
}

char *nvsr_database_judge(const char *text, int status, const char *err)
{
	const char *words = err && *err ? err : text && *text ? text : "it says nothing";
	_cleanup_free_ char *clean = NULL;
	size_t len = strlen(words);

	if (!status)
		return NULL;
	while (len && words[len - 1] == '\n')
		len--;
	/* The end of what it said. */
	clean = nvsr_clean_text(words + (len > 200 ? len - 200 : 0), NVSR_MIN(len, (size_t)200));
	return nvsr_asprintf("db_bench ended with exit code %d: %s", WEXITSTATUS(status), clean ? clean : "");
}
