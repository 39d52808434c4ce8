/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the reference model.  Two halves meet here: the bus side (configuration space, BARs, registers, queues, DMA,
 * interrupts, resets) and the command side (admin and I/O commands, namespaces, logs, features, virtualization).
 */
#ifndef NVSR_MODEL_INTERNAL_H
#define NVSR_MODEL_INTERNAL_H

#include "base/base.h"
#include "base/le.h"
#include "model/model.h"
#include "spec/nvme.h"
#include "spec/pcie.h"

/* --- seeded defects: DEFECT(m, FLR_CLEARS_SIBLING) is false on a healthy model ------------------------------------------ */
enum m_defect {
#define D(id, name, reqs, text) D_##id,
#include "model/defects.def"
#undef D
	D_COUNT
};
#define DEFECT(m, id) ((m)->defect[D_##id])

#define M_PAGE 4096u
#define M_MAX_AERS 16

/* --- host memory --------------------------------------------------------------------------------------------------------- */
struct m_map { uint64_t iova; size_t len; uint8_t *ptr; };
#define M_HINTS 16u
struct m_domain {
	struct m_map *map;
	unsigned count, cap;
	unsigned hint[M_HINTS];		/* dma.c: where the last address of each kind was found */
};

/* --- queues -------------------------------------------------------------------------------------------------------------- */
struct m_cq {
	uint32_t doorbell;		/* poll.c: as last looked at; likewise below */
	bool valid, irq, phase;		/* phase: tag of the next entry the controller writes */
	uint16_t id, vector;
	uint32_t size, head, tail;	/* entries */
	uint64_t base;			/* PRP1: contiguous pages */
	unsigned sqs;			/* submission queues that use it */
};
struct m_sq {
	uint32_t doorbell;
	bool valid;
	uint16_t id, cqid;
	uint32_t size, head, tail;
	uint64_t base;
	uint32_t last_cid;		/* defects only: identifier of the command before, + 1 */
};
/* A command being executed; lives on the stack of the fetch loop unless it is parked (AER). */
struct m_cmd {
	struct nvme_sqe e;
	struct m_sq *sq;
	uint32_t dw0, dw1;		/* of the completion */
	struct m_ns *ns;		/* cmd.c: the active namespace, of commands that need one */
	bool parked;			/* set by a handler: no completion now (AER) */
	uint16_t err_parm;		/* parameter error location for the error log, 0xffff none */
	uint64_t cs_info;		/* command specific information for the error log */
};

/* --- controller and its function ----------------------------------------------------------------------------------------- */
/* What kind of Controller Level Reset happens; ordered from the mildest.  Base 3.7.2, PCIe Transport 1.2 3.3.1. */
enum m_clr { M_CLR_CC, M_CLR_FLR, M_CLR_CONVENTIONAL, M_CLR_NSSR, M_CLR_POWER };

struct m_features;	/* feature.c */
struct m_logs;		/* log.c */

struct m_ctrl {
	struct nvsr_model *m;
	unsigned fn;			/* 0 PF, n = VF n */
	uint16_t cntlid;

	/* function: pci.c, msix.c */
	uint8_t *cfg;			/* 4096 bytes as read, NULL for a VF never enabled */
	uint8_t *cfg_wmask;		/* bits the host may change */
	bool present;			/* answers configuration requests: the PF, and VFs within NumVFs while VFE = 1 */
	unsigned domain;
	uint64_t ready_at;		/* configuration requests succeed from this time on */
	uint8_t *msix;			/* table, then PBA; table_len entries */
	unsigned msix_len;		/* TS + 1 in force */

	/* properties: regs.c */
	uint64_t cap, asq, acq;
	uint32_t vs, intms, cc, csts, aqa;
	uint64_t rdy_at;		/* CSTS.RDY follows CC.EN at this time */
	uint64_t shst_at;		/* shutdown is complete at this time */
	bool enabling, shutting;
	bool fatal;			/* CSTS.CFS for a reason of its own (bad enable, lost queue memory) until a CLR */

	/* queues: queue.c; index = queue id, allocated for max_qid + 1 */
	struct m_sq *sq;
	struct m_cq *cq;
	unsigned max_qid;		/* highest queue id in force (NVQ - 1, or the PF's) */
	uint64_t former_acq;		/* defects only: the admin completion queue before the last reset */
	bool busy, again;		/* fetching; a doorbell came from inside (an interrupt handler) */
	struct m_late *late;		/* completions that found no room or no bus mastering */
	unsigned late_count;
	bool suspended;			/* migrate.c */
	struct { bool on; uint64_t shadow, event; } dbbuf;	/* dbbuf.c */
	struct {			/* poll.c: doorbells are memory that the host writes */
		uint32_t *page;		/* as BAR0 from 1000h on; NULL: they come as register writes */
		bool beside;		/* inside a round, other functions are at work too: not everything may be executed */
		bool round;		/* inside nvsr_model_poll() */
		bool wants_alone;	/* a command waits for that */
		const uint8_t *next;	/* the data of the command behind this one, or NULL */
		uint64_t irqs;		/* vectors of completions posted in this round */
		uint64_t executed;
	} poll;
	struct m_slow *slow;		/* fetched commands that are not complete: slow.c */
	unsigned slow_count;

	/* secondary controller state (PF: unused except nvq/nvi in force): virt.c */
	bool online, was_present /* as m_virt_vf_presence() saw it last */, had_flr /* defects only */;
	unsigned lost_queues;		/* defects only: resets that each took a third of a queue id */
	struct { struct m_sq sq; struct m_cq cq; } old_queue;	/* defects only: I/O queue 1 as a reset found it */
	uint16_t nvq, nvi;

	/* command side */
	struct m_features *feat;
	struct m_logs *log;
	struct { uint16_t cid; bool used; } aer[M_MAX_AERS];
	unsigned aer_count;
};

/* --- namespaces: ns.c, media.c ---------------------------------------------------------------------------------------------- */
struct m_media;
struct m_ns {
	uint32_t nsid;
	struct nvme_id_ns id;		/* what Identify shows */
	bool *attached;			/* by controller index (0 PF, n VF n) */
	unsigned attached_count;
	struct m_media *media;
	uint8_t wp_state;		/* feature 84h */
	uint32_t err_recovery;		/* feature 05h */
	unsigned block;			/* bytes of a block on the media */
	unsigned mask_by, ptpl_by;	/* defects only: controller that set the feature */
	struct m_resv *resv;		/* resv.c; NULL until somebody registers */
	uint8_t resv_mask;		/* feature 82h */
	uint64_t format_end;		/* a format ends at this time, 0 = none runs */
	bool erased_full;		/* defects only: NUSE is that of a full namespace */
	/* defects only */
	bool was_attached;		/* to any controller, ever */
	bool ghost;			/* deleted for the primary, there for VFs */
};

/* --- the subsystem ------------------------------------------------------------------------------------------------------------ */
/* The profile with every unknown replaced by the model's default; resolved once in model.c. */
struct m_conf {
	char mn[41], sn[21], fr[9], subnqn[224];
	uint16_t vid, did, vf_did, ssvid, ssid;
	unsigned total_vfs, vf_offset, vf_stride, sriov_pos, vf_bar0_bytes, pf_bar0_bytes, pf_msix_table, pf_msix_pba;
	unsigned vf_msix_table, vf_msix_pba;
	bool sriov, ari, virt_mgmt, vq, vi, ns_mgmt, ns_changed, compare, dsm, write_zeroes, nswp, thin, granularity, nssr;
	bool resv, ptpl, format, crypto, sanitize, fused, copy, verify, dulbe, migration, dbbuf, sgl, ocp;
	uint32_t sup_pgsize, vs;
	uint16_t pf_cntlid, vf_cntlid, portid;
	/* As Identify Controller and CAP show them: mdts a power of two of pages (0 no limit), mqes, aerl, elpe 0's based. */
	unsigned nn, mnan, maxdna, maxcna, mdts, mqes, dstrd, aerl, elpe;
	unsigned vq_flexible, vq_private, vq_secondary_max, vq_gran, vi_flexible, vi_private, vi_secondary_max, vi_gran;
	unsigned sec_vq, sec_vi;	/* private resources of secondaries where CRT says so */
	uint64_t capacity;
	unsigned ns_count; uint64_t ns_blocks; bool ns_shared; uint8_t dlfeat; uint64_t granularity_bytes;
	struct nvme_lbaf formats[16]; unsigned formats_count;
	unsigned ready_ms, cap_to /* units of 500 ms */, flr_ms, vf_enable_ms;
	bool primary_in_list, online_only;
};

#define M_CDQS 4u	/* MCUDMQ, MNSUDMQ */

struct nvsr_model {
	struct m_conf conf;
	bool defect[D_COUNT], defective;	/* defective: any of them */
	uint64_t now;			/* virtual ns since power on */
	struct m_ctrl *ctrl;		/* 1 + total_vfs: [0] PF, [n] VF n */
	unsigned ctrl_count;
	struct m_ns **ns;		/* by NSID, 1..nn; NULL = not allocated */
	uint64_t unvmcap;		/* bytes not allocated */
	uint64_t next_uid;		/* never reused: NGUID/EUI64 of new namespaces */
	struct {			/* what only a defective drive remembers */
		struct m_media *stale;		/* media of the last deleted namespace */
		bool *attached;			/* attachments of the last deleted namespace */
		uint32_t attached_nsid;
		uint64_t blocked_until;		/* I/O is refused until then */
		unsigned vq_stuck;		/* VQ resources released but not free yet */
		unsigned primary_reset;		/* kind + 1 of the primary's reset that is going on, else 0 */
		uint64_t pf_stalled_until;	/* the PF fetches nothing until then */
		struct {			/* data of a write that another controller gets too late, or in pieces */
			uint32_t nsid;
			unsigned fn;
			uint64_t off, len;
			uint8_t *buf;
		} late, torn;
		uint8_t written[64];		/* the first bytes of the last Write */
	} wrong;

	struct {			/* erase.c; state and erased as log page 81h shows them */
		unsigned state, by /* controller index */;
		bool erased;
		uint32_t cdw10;
		uint64_t end;
	} sanitize;
	struct {			/* migrate.c: a controller state that is being received */
		bool open;
		unsigned fn;
		struct nvme_ctrl_state *state;
		size_t len;
	} migrate;
	bool cdq[M_CDQS];		/* cdq.c: Controller Data Queues that exist; identifiers begin with 1 */
	uint64_t erase_next;		/* earliest end of a format or of the sanitize operation, UINT64_MAX when none runs */

	/* Primary Flexible Allocation, Base 5.28 ACT 1h: in force, and after the next CLR other than Controller Reset */
	uint16_t vqrfap, virfap, vqrfap_next, virfap_next;

	uint8_t *vf_wmask;		/* one write mask for the configuration space of every VF */
	uint64_t next_event;		/* earliest rdy_at or shst_at of all controllers, UINT64_MAX when nothing is due */
	unsigned due_first, due_last;	/* controllers that something is due of are among these; first > last: none */
	struct m_domain *domain; unsigned domain_count;
	uint64_t faults; struct nvsr_model_fault last_fault;
	nvsr_model_msi_fn msi; void *msi_arg;
	uint64_t power_cycles;
	struct m_lying *lying;		/* lies.c; NULL: every answer is as it is */
	char *state_path;		/* state.c; NULL: nothing outlives the process */
};

static inline bool m_is_pf(const struct m_ctrl *c) { return c->fn == 0; }
static inline struct m_ctrl *m_pf(struct nvsr_model *m) { return &m->ctrl[0]; }
struct m_ctrl *m_ctrl_by_cntlid(struct nvsr_model *m, uint16_t cntlid);	/* NULL when no controller has it */

/* === bus side, used by the command side ========================================================================================== */
/* dma.c: host memory of the function's domain.  False = fault (recorded, nothing moved). */
bool m_dma_read(struct m_ctrl *c, uint64_t iova, void *buf, size_t len);
bool m_dma_write(struct m_ctrl *c, uint64_t iova, const void *buf, size_t len);
/* Where @len bytes at @iova are if nothing refuses an access to them, else NULL: a hint, which records no fault. */
uint8_t *m_dma_at(struct m_ctrl *c, uint64_t iova, size_t len);
/* prp.c: the data buffer of a command, checked and walked.  0 or a status. */
uint16_t m_data_to_host(struct m_ctrl *c, const struct m_cmd *cmd, const void *buf, size_t len);
uint16_t m_data_from_host(struct m_ctrl *c, const struct m_cmd *cmd, void *buf, size_t len);
/* sgl.c: SGLS of Identify; where @len bytes of metadata in a buffer of their own are.  0 or a status. */
uint32_t m_sgls(const struct nvsr_model *m);
uint16_t m_metadata_at(struct m_ctrl *c, const struct m_cmd *cmd, uint64_t len, uint64_t *ret);
/* queue.c */
void m_queue_process(struct m_ctrl *c);			/* fetch and execute all there is */
void m_post(struct m_ctrl *c, uint16_t sqid, uint16_t cid, uint16_t status, uint32_t dw0, uint32_t dw1);
void m_queues_free_all(struct m_ctrl *c);		/* at any CLR */
void m_queue_keep(struct m_ctrl *c);			/* defects only: I/O queue 1, if commands wait in it */
int m_queues_size(struct m_ctrl *c, unsigned max_qid);	/* arrays for queue ids 0..max_qid */
void m_poll_copy(struct m_ctrl *c, uint8_t *to, const uint8_t *from, size_t len, bool to_host);	/* poll.next is not NULL */
void m_poll_new(struct m_ctrl *c, unsigned index);	/* poll.c: doorbell @index of a queue that is created */
/* msix.c */
void m_irq(struct m_ctrl *c, unsigned vector);
void m_msix_resize(struct m_ctrl *c, unsigned entries);	/* TS follows VI; new entries have reset values */
/* reset.c, defects only: the first blocks of every namespace that is attached to @c are lost */
void m_writes_drop(struct m_ctrl *c);
/* reset.c: Controller Level Reset of one controller and what follows from it (secondaries of a primary). */
void m_clr(struct m_ctrl *c, enum m_clr kind);
/* regs.c: CSTS.CFS, RDY as the state asks for (offline secondary: CFS = 1, never ready). */
void m_regs_update(struct m_ctrl *c);

/* === command side, used by the bus side ============================================================================================ */
/* cmd.c: execute one admin or I/O command; returns the status (0 success) as bits 15:1 of the completion's status field
 * (SC 7:0, SCT 10:8, M_SF_MORE, M_SF_DNR), fills cmd->dw0 or cmd->parked, and records failures in the error log. */
#define M_SF_MORE 0x2000u
#define M_SF_DNR 0x4000u
uint16_t m_execute(struct m_ctrl *c, struct m_cmd *cmd);
/* The same for the two commands of a fused operation. */
void m_execute_fused(struct m_ctrl *c, struct m_cmd *first, struct m_cmd *second, uint16_t *ret_first, uint16_t *ret_second);
void m_slow_drop(struct m_ctrl *c);			/* nothing that was fetched completes */
/* model.c: something of this controller is to be looked at, then. */
void m_due(struct m_ctrl *c, uint64_t when);
/* slow.c, erase.c: what became due, and when the next of it will. */
void m_slow_due(struct m_ctrl *c);
uint64_t m_slow_next(const struct m_ctrl *c);
void m_erase_due(struct nvsr_model *m);
/* aer.c: an asynchronous event of this controller, e.g. (c, NVME_AEN_ERROR, 0, NVME_LOG_ERROR) for an invalid doorbell. */
void m_aer_event(struct m_ctrl *c, unsigned type, unsigned info, unsigned lid);
/* Controller state that a CLR resets (features, logs, AERs), and what power on sets up. */
int m_cmd_init(struct m_ctrl *c);
void m_cmd_clr(struct m_ctrl *c, enum m_clr kind);
void m_cmd_free(struct m_ctrl *c);
/* ns.c: the namespaces a new subsystem starts with. */
int m_ns_init(struct nvsr_model *m);
void m_ns_free(struct nvsr_model *m);
/* virt.c: secondaries go Offline, resources are released; the primary's flexible allocation takes effect. */
void m_virt_offline(struct m_ctrl *sec);
void m_virt_primary_clr(struct nvsr_model *m, enum m_clr kind);	/* Base 8.26.3: every CLR of the primary */
void m_virt_primary_shutdown(struct nvsr_model *m);
void m_virt_vf_presence(struct nvsr_model *m);			/* after VF Enable or NumVFs changed */
/* Highest queue id and MSI-X table size that a controller has now. */
unsigned m_virt_max_qid(const struct m_ctrl *c);
unsigned m_virt_vectors(const struct m_ctrl *c);

#endif
