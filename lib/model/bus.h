/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the bus side share with each other; the command side has no use for it. */
#ifndef NVSR_MODEL_BUS_H
#define NVSR_MODEL_BUS_H

#include "model/internal.h"

/* The slot: bus 1, device 0, function 0. */
#define M_PF_RID 0x0100

/* Capabilities are at the same place in the PF and in VFs. */
enum { M_POS_PM = 0x40, M_POS_EXP = 0x70, M_POS_MSIX = 0xb0 };

/* Room for what m_post() could not write: all AERs and the commands of every queue that were in execution. */
#define M_LATE_MAX (M_MAX_AERS + 4)
struct m_late { uint16_t sqid, cid, status; uint32_t dw0, dw1; };

/* conf.c: every unknown of the profile replaced; 0 or -EINVAL when no device can be like that */
int m_conf_resolve(const struct nvsr_profile *p, struct m_conf *ret);

/* pci.c */
uint16_t m_rid(const struct m_ctrl *c);
struct m_ctrl *m_ctrl_by_rid(struct nvsr_model *m, uint16_t rid);	/* NULL when no function can have it */
int m_pci_build(struct m_ctrl *c);		/* configuration space with default values; 0 or -ENOMEM */
void m_pci_reset(struct m_ctrl *c, enum m_clr kind);
bool m_awake(const struct m_ctrl *c);		/* exists, answers, is in D0 */
bool m_mastering(const struct m_ctrl *c);	/* may issue requests: awake and Bus Master Enable */
uint32_t m_cfg_get(const struct m_ctrl *c, unsigned off, unsigned len);
void m_cfg_put(struct m_ctrl *c, unsigned off, unsigned len, uint32_t val, uint32_t mask);	/* value and writable bits */
void m_cfg_set(struct m_ctrl *c, unsigned off, unsigned len, uint32_t val);

/* sriov.c; offsets are relative to the capability */
void m_sriov_build(struct m_ctrl *pf);
void m_sriov_effect(struct nvsr_model *m, unsigned rel, uint32_t old, uint32_t now);
uint32_t m_sriov_get(const struct nvsr_model *m, unsigned rel, unsigned len);
void m_sriov_put(struct nvsr_model *m, unsigned rel, unsigned len, uint32_t val);
void m_sriov_set_ari(struct nvsr_model *m, bool on);
unsigned m_sriov_active(const struct nvsr_model *m);	/* VFs that exist now */
uint32_t m_sriov_aperture(const struct nvsr_model *m);	/* bytes of one VF's BAR0 */
uint16_t m_sriov_offset(const struct nvsr_model *m);
void m_vfs_update(struct nvsr_model *m, enum m_clr kind);	/* VF Enable or NumVFs changed */

/* regs.c */
void m_regs_init(struct m_ctrl *c);
void m_regs_reset(struct m_ctrl *c, enum m_clr kind);
uint64_t m_regs_read(struct m_ctrl *c, uint64_t off, unsigned len);
void m_regs_write(struct m_ctrl *c, uint64_t off, unsigned len, uint64_t val);
void m_regs_due(struct m_ctrl *c);		/* do what became due */
bool m_offline(const struct m_ctrl *c);		/* secondary controller in the Offline state */
bool m_running(const struct m_ctrl *c);		/* executes commands */

/* queue.c */
int m_queues_start(struct m_ctrl *c);		/* the admin queue, from AQA, ASQ and ACQ; 0 or -ENOMEM */
void m_doorbell(struct m_ctrl *c, unsigned index, uint32_t val);
/* Base 5.2 (error status): 0 = write to an invalid doorbell register, 1 = invalid doorbell write value. */
enum { M_BAD_DOORBELL = 0, M_BAD_VALUE = 1 };
void m_bad_doorbell(struct m_ctrl *c, unsigned info);
bool m_head_valid(const struct m_cq *cq, uint32_t head);	/* only entries between head and tail can be consumed */
void m_queue_some(struct m_ctrl *c, unsigned qid, unsigned most);	/* fetch and execute up to @most of one queue */
void m_queue_resume(struct m_ctrl *c);		/* defects only: the queue of m_queue_keep(), when a controller is ready */
void m_dbbuf_sq(struct m_ctrl *c, struct m_sq *sq);	/* dbbuf.c: tail and head as shadow doorbells have them */
void m_dbbuf_cq(struct m_ctrl *c, struct m_cq *cq);
void m_queue_flush(struct m_ctrl *c);		/* late completions, then m_queue_process() */

/* poll.c */
void m_poll_cq(struct m_ctrl *c, struct m_cq *cq);	/* head as the doorbell has it, when the queue looks full */
/* A fetched command that must not be executed beside other functions goes back into its queue: false. */
bool m_poll_may_execute(struct m_ctrl *c, struct m_sq *sq, const struct m_cmd *cmd);

/* prp.c and sgl.c: one walk over a data buffer.  Without @buf it only checks, so that nothing moves for a command that is
 * refused. */
struct m_walk {
	struct m_ctrl *c;		/* whose routing id the data carries */
	struct m_ctrl *list;		/* and lists */
	uint8_t *buf;
	bool to_host;
};
uint16_t m_walk_move(struct m_walk *w, uint64_t addr, size_t len);
uint16_t m_walk_sgl(struct m_walk *w, const struct m_cmd *cmd, size_t len);

/* msix.c */
bool m_msix_read(struct m_ctrl *c, uint64_t off, unsigned len, uint64_t *ret);	/* false: not table or PBA */
bool m_msix_write(struct m_ctrl *c, uint64_t off, unsigned len, uint64_t val);
void m_msix_reset(struct m_ctrl *c);
void m_msix_forget(struct m_ctrl *c);		/* defects only: nothing is pending any more */
void m_msix_flush(struct m_ctrl *c);		/* send what is pending and no longer masked */
unsigned m_msix_table_at(const struct m_ctrl *c);
unsigned m_msix_pba_at(const struct m_ctrl *c);

#endif
