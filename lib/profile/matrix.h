/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A matrix: which loads are put on which data paths, as a YAML file (runners/perf/README.md documents every field).  It is
 * read into cells, each of which is measured on its own: path, pattern, block size, depth, jobs, VMs.
 */
#ifndef NVSR_PROFILE_MATRIX_H
#define NVSR_PROFILE_MATRIX_H

#include "profile/profile.h"

/* A back end process between the load and the device, by what it waits for. */
enum nvsr_back_end { NVSR_BACK_END_NONE, NVSR_BACK_END_KICK, NVSR_BACK_END_POLL };

/* A way from the load to the device. */
struct nvsr_data_path {
	const char *name;		/* as matrix files write it */
	bool vf;			/* one VF for each VM, else the PF and no VM */
	const char *engine;		/* path= of the fio engine; NULL where a host is needed */
	enum nvsr_back_end back_end;
	const char *needs;		/* of a host, where the model alone does not do */
};
extern const struct nvsr_data_path nvsr_data_paths[];
extern const size_t nvsr_data_path_count;
#define NVSR_DATA_PATHS_MAX 32	/* for what is known of each */
const struct nvsr_data_path *nvsr_data_path_find(const char *name);

/* fio's word for a load; a mix has a share of reads.  The last two are RocksDB's, in VMs. */
enum nvsr_pattern {
	NVSR_PATTERN_READ, NVSR_PATTERN_WRITE, NVSR_PATTERN_RW, NVSR_PATTERN_RANDREAD, NVSR_PATTERN_RANDWRITE, NVSR_PATTERN_RANDRW,
	NVSR_PATTERN_BULKLOAD, NVSR_PATTERN_READWHILEMERGING,
};
const char *nvsr_pattern_name(enum nvsr_pattern p);
/* False when no pattern is called so. */
bool nvsr_pattern_find(const char *name, enum nvsr_pattern *ret);
bool nvsr_pattern_is_mix(enum nvsr_pattern p);
/* One block after the other: each job has a part of the namespace to itself. */
bool nvsr_pattern_is_sequential(enum nvsr_pattern p);
bool nvsr_pattern_is_database(enum nvsr_pattern p);

#define NVSR_BLOCK_MIN	(4u << 10)
#define NVSR_BLOCK_MAX	(16u << 20)
#define NVSR_DEPTH_MAX	1024u
#define NVSR_JOBS_MAX	256u
#define NVSR_VMS_MAX	256u

/* Where the file asks for it. */
enum nvsr_cell_field { NVSR_CELL_PATH, NVSR_CELL_BLOCK, NVSR_CELL_DEPTH, NVSR_CELL_JOBS, NVSR_CELL_VMS, NVSR_CELL_FIELDS };
struct nvsr_place { unsigned line, col; };

struct nvsr_cell {
	const struct nvsr_data_path *path;
	enum nvsr_pattern pattern;
	unsigned read_percent;		/* 0 to 100, also of what is no mix */
	uint32_t block;			/* bytes */
	unsigned depth, jobs, vms;	/* commands of each job, jobs of each VM */
	struct nvsr_place at[NVSR_CELL_FIELDS];
};
#define NVSR_CELL_NAME 96
/* "passthrough.randrw70.4k.qd32.j1.v1" in @buf; returns it. */
char *nvsr_cell_name(const struct nvsr_cell *c, char buf[NVSR_CELL_NAME]);
/* Alike but for the path. */
bool nvsr_cell_same_load(const struct nvsr_cell *a, const struct nvsr_cell *b);
/* "4k", "1m", "1536k", "512". */
char *nvsr_size_text(uint64_t bytes, char *buf, size_t len);
/* "4096", "4K", "16M", "1G": powers of 1024, also with iB.  False where it is none of these. */
bool nvsr_size_parse(const char *s, uint64_t *ret);

struct nvsr_matrix {
	char *name;		/* "default": the file's name without .yaml */
	char *path;		/* where it was read from */
	char *title;
	unsigned repeats;
	unsigned warm_up_ms, run_ms;
	uint64_t namespace_bytes;
	struct nvsr_cell *cell;	/* in the order of the file, each once */
	size_t count;
};
#define NVSR_REPEATS_MAX 1000u

/**
 * nvsr_matrix_load() - read and check a matrix.
 * @name_or_path: a path (contains '/' or ends in .yaml), or a name looked up in NVSR_MATRICES, ./runners/perf, and the
 *	installed folder
 *
 * Return: 0, or -ENOENT, -EINVAL, … with *complaint filled; *ret untouched on failure.
 */
int nvsr_matrix_load(const char *name_or_path, struct nvsr_matrix **ret, struct nvsr_complaint *complaint);
struct nvsr_matrix *nvsr_matrix_free(struct nvsr_matrix *m);
const char *nvsr_matrix_dir(void);

/* What a device, as it is set up for load, can take. */
struct nvsr_matrix_limits {
	unsigned vfs;
	unsigned queues;	/* I/O queue pairs of a function */
	unsigned entries;	/* slots of a queue; one stays empty */
	bool host;		/* paths that need one are run too */
};
/* Every cell against what the device can take: 0, or -EINVAL and *complaint about the first that is impossible. */
int nvsr_matrix_check(const struct nvsr_matrix *m, const struct nvsr_matrix_limits *l, struct nvsr_complaint *complaint);
/* Keep only cells of paths in @paths (@n of them): 0, or -ENOENT and the index of one that the matrix does not have. */
int nvsr_matrix_keep_paths(struct nvsr_matrix *m, const char *const *paths, size_t n, size_t *ret_bad);

#endif
