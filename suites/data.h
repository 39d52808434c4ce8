/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks with known contents, on namespaces that several controllers have attached: what sharing and erase have in common.
 *
 * Every 8 bytes of a written block name who wrote them (a tag), the block and the place in it.  So a read tells whether it
 * is whole, and a trace of old data is recognised wherever it turns up.
 */
#ifndef NVSR_SUITES_DATA_H
#define NVSR_SUITES_DATA_H

#include "nvsr.h"

/* What every test needs that writes and reads: namespaces may be existing ones, where the device cannot create. */
#define DAT_NEED (NVSR_NEED(NS_MGMT) | NVSR_NEED(IO) | NVSR_NEED(DESTROY))
#define DAT_NEED_VF (DAT_NEED | NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN))
#define DAT_NEED_VFS (DAT_NEED_VF | NVSR_NEED(TWO_VFS))

#define DAT_MAX_BS 65536u	/* bytes of a block */
struct dat_ns { uint32_t nsid; unsigned bs, chunk; uint64_t blocks; bool made /* just now, not found */; };

/* --- preparation; false after recording, then the body returns ---------------------------------------------------- */
/* A namespace of @mib MiB, or - where the device cannot create - an existing one that nothing has attached. */
bool dat_ns_of(struct nvsr_ctx *t, unsigned mib, bool shared, struct dat_ns *ret);
static inline bool dat_ns(struct nvsr_ctx *t, bool shared, struct dat_ns *ret) { return dat_ns_of(t, 1, shared, ret); }
/* What it looks like after a Format.  @d has it attached. */
bool dat_ns_read(struct nvsr_ctx *t, struct nvsr_dev *d, struct dat_ns *ns);
bool dat_attach(struct nvsr_ctx *t, const struct dat_ns *ns, struct nvsr_dev *d);
bool dat_detach(struct nvsr_ctx *t, const struct dat_ns *ns, struct nvsr_dev *d);
/* Two VFs, up. */
bool dat_two_vfs(struct nvsr_ctx *t, struct nvsr_dev **ret_a, struct nvsr_dev **ret_b);
/* PF, VF 1 and VF 2 with one shared namespace on each of them. */
struct dat_shared { struct nvsr_dev *on[3]; struct dat_ns ns; };
#define DAT_CTRLS 3
bool dat_shared(struct nvsr_ctx *t, struct dat_shared *ret);
/* CNTLID of an open function; -1 after recording. */
int dat_cntlid(struct nvsr_ctx *t, struct nvsr_dev *d);

/* --- blocks in memory --------------------------------------------------------------------------------------------- */
void dat_fill(void *buf, const struct dat_ns *ns, uint64_t slba, unsigned nlb, unsigned tag);
/* Exactly what dat_fill() writes. */
bool dat_holds(const void *buf, const struct dat_ns *ns, uint64_t slba, unsigned nlb, unsigned tag);
/* Anything at all that was written with @tag, at whatever place. */
bool dat_traces(const void *buf, size_t len, unsigned tag);
bool dat_all(const void *buf, size_t len, uint8_t byte);

/* --- blocks on the device: 0, a status, or a negative errno ------------------------------------------------------- */
#define DAT_MAX_NLB 64u
/* Blocks of a command, at most DAT_MAX_NLB and as MDTS allows. */
unsigned dat_chunk(const struct dat_ns *ns);
int dat_write(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, unsigned nlb, unsigned tag);
int dat_read(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, unsigned nlb, void *buf);
/* Write Zeroes and Dataset Management with Deallocate. */
int dat_write_zeroes(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, unsigned nlb);
int dat_deallocate(struct nvsr_dev *d, const struct dat_ns *ns, uint64_t slba, unsigned nlb);

/* --- whole namespaces --------------------------------------------------------------------------------------------- */
#define DAT_SWEEP_BLOCKS 2048u	/* of a larger namespace the first and the last of them, or the first and last MiB */
/* Every block of the sweep gets @tag.  False after recording. */
bool dat_sweep_write(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag);
/* What a sweep of reads found. */
struct dat_sweep {
	unsigned whole;		/* blocks exactly as written */
	unsigned traced;	/* blocks with anything of the tag */
	unsigned failed, blocks;
	int rc;			/* of the first that failed */
};
struct dat_sweep dat_sweep_read(struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag);
/* Checks: all blocks read and are as written; all read and show nothing of @tag. */
bool dat_check_kept(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag, const char *when);
bool dat_check_gone(struct nvsr_ctx *t, struct nvsr_dev *d, const struct dat_ns *ns, unsigned tag, const char *when);

#endif
