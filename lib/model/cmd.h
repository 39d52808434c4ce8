/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command side of the model from inside: what cmd.c, qmgmt.c, identify.c, virt.c, ns.c, feature.c, log.c, aer.c, nvm.c
 * and media.c share.  Handlers return a status as SCT << 8 | SC; cmd.c adds More and DNR.
 */
#ifndef NVSR_MODEL_CMD_H
#define NVSR_MODEL_CMD_H

#include "model/internal.h"

#define M_DW(cmd, n) le32_get((cmd)->e.cdw##n)

/* Abort a command and say where: byte and bit of the submission queue entry, for the error log. */
static inline uint16_t m_bad(struct m_cmd *cmd, unsigned byte, unsigned bit, uint16_t status)
{
	cmd->err_parm = (uint16_t)(byte | bit << 8);
	return status;
}

/* --- cmd.c -------------------------------------------------------------------------------------------------- */
/* What an NSID is to a controller, Base 3.2.1. */
enum m_nsid { M_NSID_INVALID, M_NSID_BROADCAST, M_NSID_UNALLOCATED, M_NSID_UNATTACHED, M_NSID_ACTIVE };
enum m_nsid m_nsid_kind(const struct m_ctrl *c, uint32_t nsid);
/* The active namespace of a command, or NULL and the status that Base 3.2.1 asks for. */
struct m_ns *m_active_ns(struct m_ctrl *c, struct m_cmd *cmd, uint16_t *ret_status);
/* The status for an NSID that is not active where the command asks for one. */
uint16_t m_inactive_status(const struct nvsr_model *m, struct m_cmd *cmd, enum m_nsid kind);
/* Commands Supported and Effects of an opcode, 0 when this controller aborts it. */
uint32_t m_effects(const struct m_ctrl *c, bool io, uint8_t opcode);
/* What a failed command leaves behind (error log); the status with More and Do Not Retry. */
uint16_t m_outcome(struct m_ctrl *c, struct m_cmd *cmd, uint16_t status);
/* False when @bytes is more than one command may move (MDTS). */
bool m_mdts_ok(const struct m_ctrl *c, uint64_t bytes);
/* The controller with the lowest CNTLID that is not below @from, or NULL. */
struct m_ctrl *m_ctrl_next(struct nvsr_model *m, uint32_t from);

/* --- handlers ----------------------------------------------------------------------------------------------- */
uint16_t m_create_sq(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_create_cq(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_delete_sq(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_delete_cq(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_abort(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_identify(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_virt_mgmt(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_ns_mgmt(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_ns_attachment(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_get_features(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_set_features(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_get_log(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_aer(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_flush(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_read(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_write(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_compare(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_write_zeroes(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_dsm(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_verify(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_copy(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_resv_register(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_resv_report(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_resv_acquire(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_resv_release(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_format(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_sanitize(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_migration_send(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_migration_receive(struct m_ctrl *c, struct m_cmd *cmd);
uint16_t m_dbbuf_config(struct m_ctrl *c, struct m_cmd *cmd);
void m_dbbuf_clr(struct m_ctrl *c, enum m_clr kind);
uint16_t m_cdq(struct m_ctrl *c, struct m_cmd *cmd);
void m_cdq_clr(struct m_ctrl *c);

/* --- slow.c: commands that are fetched and take time -------------------------------------------------------- */
typedef uint16_t (*m_finish_fn)(struct m_ctrl *c, struct m_cmd *cmd);
/* Complete @cmd after @ns with what @finish returns (NULL: success). */
uint16_t m_slow_start(struct m_ctrl *c, struct m_cmd *cmd, uint64_t ns, m_finish_fn finish);
/* Complete with @status: I/O commands of a namespace; one command, false when there is none; a submission queue's. */
void m_slow_abort_ns(struct m_ctrl *c, uint32_t nsid, uint16_t status);
bool m_slow_abort(struct m_ctrl *c, uint16_t sqid, uint16_t cid);
void m_slow_finish(struct m_ctrl *c);				/* everything, at once */
void m_slow_abort_queue(struct m_ctrl *c, uint16_t sqid);
/* Command @cid of queue @sqid (any queue for -1) was fetched and is not complete; an AER is not of these. */
bool m_slow_has(const struct m_ctrl *c, int sqid, uint16_t cid);

/* --- resv.c ------------------------------------------------------------------------------------------------- */
/* The command conflicts with a reservation of another host. */
bool m_resv_conflict(const struct m_ctrl *c, const struct m_ns *ns, bool io, uint8_t opcode);
bool m_resv_ptpl(const struct m_ns *ns);
uint16_t m_resv_set_ptpl(struct m_ns *ns, bool ptpl);
/* Log page 80h: the oldest notification, and forgetting it. */
uint32_t m_resv_log(const struct m_ctrl *c, uint8_t *buf);
void m_resv_log_read(struct m_ctrl *c);
void m_resv_clr(struct m_ctrl *c, enum m_clr kind);		/* before the Host Identifier is reset */
void m_resv_power(struct nvsr_model *m);
void m_resv_free(struct m_ns *ns);
void m_resv_detached(struct m_ctrl *c, struct m_ns *ns);	/* defects only, as is the next */
void m_resv_offline(struct m_ctrl *c);

/* --- migrate.c ---------------------------------------------------------------------------------------------- */
void m_migrate_clr(struct m_ctrl *c);				/* a CLR of the PF resumes everything */
bool m_migrate_any_suspended(const struct nvsr_model *m);

/* --- erase.c ------------------------------------------------------------------------------------------------ */
bool m_formatting(const struct nvsr_model *m, const struct m_ns *ns);
uint8_t m_format_progress(const struct nvsr_model *m, const struct m_ns *ns);	/* FPI */
/* Why a sanitize operation keeps a command from being executed, 0 = it does not. */
uint16_t m_sanitize_status(const struct m_ctrl *c, bool io, uint8_t opcode);
void m_sanitize_written(struct nvsr_model *m);			/* user data: not erased any more */
uint32_t m_sanitize_log(const struct m_ctrl *c, uint8_t *buf);
void m_sanitize_clr(struct nvsr_model *m, enum m_clr kind);	/* defects only */

/* --- virt.c ------------------------------------------------------------------------------------------------- */
void m_virt_primary_caps(struct nvsr_model *m, struct nvme_primary_caps *ret);
void m_virt_secondary_list(struct nvsr_model *m, uint16_t cntid, struct nvme_secondary_list *ret);

/* --- nvm.c -------------------------------------------------------------------------------------------------- */
#define M_COPY_RANGE 1024	/* MSSRL, MCL: blocks; MSRC + 1: ranges */
#define M_COPY_TOTAL 4096
#define M_COPY_RANGES 16
#define M_BOUNDARY_BLOCKS 64	/* NABSN + 1, NABSPF + 1 */
#define M_ATOMIC_BLOCKS 8	/* AWUN + 1, ACWU + 1 */
void m_nvm_free(struct nvsr_model *m);
void m_nvm_clr(struct m_ctrl *c);		/* defects only */

/* --- ns.c --------------------------------------------------------------------------------------------------- */
/* The namespace as @c shows it, and the capabilities common to all namespaces (NSID FFFFFFFFh). */
void m_ns_identify(const struct m_ctrl *c, const struct m_ns *ns, struct nvme_id_ns *ret);
void m_ns_common(const struct nvsr_model *m, struct nvme_id_ns *ret);
/* Deallocated media for @blocks of a format; NULL without memory. */
struct m_media *m_ns_media(struct nvsr_model *m, uint64_t blocks, const struct nvme_lbaf *f);
void m_ns_detach_all(struct m_ctrl *c);				/* defects only: attachments are persistent */
/* Identify data of the namespace changed: tell every controller it is attached to. */
void m_ns_changed(struct nvsr_model *m, const struct m_ns *ns);

/* --- media.c: the logical blocks of a namespace, data and metadata of a block side by side ------------------ */
/* @block: bytes of a block; @deallocated: the value that deallocated bytes read. */
struct m_media *m_media_new(uint64_t bytes, unsigned block, uint8_t deallocated);
struct m_media *m_media_free(struct m_media *md);
uint64_t m_media_size(const struct m_media *md);
/* Memory of the blocks when it can be used as it is, else NULL: then m_media_read() and m_media_write() copy. */
uint8_t *m_media_direct(struct m_media *md, uint64_t off);
void m_media_read(struct m_media *md, uint64_t off, void *buf, uint64_t len);
void m_media_write(struct m_media *md, uint64_t off, const void *buf, uint64_t len);
void m_media_zero(struct m_media *md, uint64_t off, uint64_t len);
void m_media_deallocate(struct m_media *md, uint64_t off, uint64_t len);
/* The blocks were written through m_media_direct(); whether all of them were written since they were deallocated. */
void m_media_mark(struct m_media *md, uint64_t off, uint64_t len);
bool m_media_allocated(const struct m_media *md, uint64_t off, uint64_t len);
uint64_t m_media_count(const struct m_media *md);	/* of those blocks */

/* --- feature.c ---------------------------------------------------------------------------------------------- */
#define M_VECTORS 2048	/* MSI-X has no more */
struct m_features {
	uint32_t value[0x100];		/* DW11 of features that are nothing but that */
	uint16_t temp_over, temp_under;	/* 04h */
	uint16_t io_sqs, io_cqs;	/* 07h: granted, counts; 0 = not asked, all there are */
	uint8_t no_coalescing[M_VECTORS / 8];	/* 09h */
	uint64_t timestamp, timestamp_at;	/* 0Eh: ms, and the time it was set */
	bool timestamp_set;
	uint8_t host_behavior[512], host_id[16];	/* 16h, 81h */
	bool host_id_wide;				/* set with 16 bytes */
};
void m_features_reset(struct m_ctrl *c);
/* Feature Identifiers Supported and Effects, 0 when this controller does not support @fid. */
uint32_t m_feature_effects(const struct m_ctrl *c, uint8_t fid);
#define M_TEMPERATURE 310	/* K, composite */
#define M_WCTEMP 343
#define M_CCTEMP 353

/* --- log.c and aer.c ---------------------------------------------------------------------------------------- */
#define M_CHANGED_MAX 1024
#define M_EVENTS 16
#define M_RESV_NOTICES 16
struct m_logs {
	struct nvme_error_log_entry *error;	/* ring of ELPE + 1, NULL until the first */
	uint64_t errors;			/* error count, also of entries that were overwritten */
	uint64_t read_units, written_units;	/* 512 byte units */
	uint64_t reads, writes;			/* commands */
	uint32_t changed[M_CHANGED_MAX];	/* Changed Namespace List, ascending */
	unsigned changed_count;
	bool changed_overflow;
	struct { uint64_t lpc; uint32_t nsid; uint8_t type; } resv[M_RESV_NOTICES];	/* log page 80h, oldest first */
	unsigned resv_count;
	uint64_t resv_lpc;			/* notifications since the last CLR, also those that found no room */
	struct { uint8_t type, info, lid; } event[M_EVENTS];	/* waiting for an AER, or for their type to be unmasked */
	unsigned event_count;
	uint8_t masked;				/* event types reported and not yet cleared */
	uint8_t masked_lid[8];			/* the log page that clears each */
};
void m_log_error(struct m_ctrl *c, const struct m_cmd *cmd, uint16_t status);
/* An entry of the Changed Namespace List, and with @notify the event. */
void m_log_changed(struct m_ctrl *c, uint32_t nsid, bool notify);
/* A new tenant sees nothing of the last: error log, counters, changed namespaces. */
void m_log_forget(struct m_ctrl *c);
/* Reading @lid with Retain Asynchronous Event = 0. */
void m_aer_clear(struct m_ctrl *c, unsigned lid);
void m_aer_reset(struct m_ctrl *c);
/* Complete the outstanding AER @cid with @status; false when there is none. */
bool m_aer_abort(struct m_ctrl *c, uint16_t cid);
bool m_aer_has(const struct m_ctrl *c, uint16_t cid);
/* Temperature against feature 04h: the event of its critical warning, when the host wants it. */
void m_temperature_event(struct m_ctrl *c);

#endif
