/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the groups of the erase suite share: Format NVM, Sanitize and its log, and namespaces to be erased or spared. */
#ifndef NVSR_SUITE_ERASE_H
#define NVSR_SUITE_ERASE_H

#include "suites/data.h"

#define ERA_LIMIT_S 1800	/* a Format of a whole drive takes minutes, a Sanitize longer */
#define ERA_NEED_FORMAT (DAT_NEED_VFS | NVSR_NEED(FORMAT))
#define ERA_NEED_SANITIZE (DAT_NEED_VFS | NVSR_NEED(SANITIZE))

/* --- Format NVM; waits until it completed ------------------------------------------------------------------------- */
/* With CDW10 as given. */
int era_format_raw(struct nvsr_dev *d, uint32_t nsid, uint32_t cdw10);
/* Keeps the LBA format of @ns. */
int era_format(struct nvsr_ctx *t, const struct dat_ns *ns, enum nvme_ses ses);
/* FLBAS index of an allocated namespace; 0 when it does not tell. */
unsigned era_lbaf(struct nvsr_ctx *t, uint32_t nsid);
/* True when FNA says that a Format with @ses affects every namespace of the subsystem. */
bool era_affects_all(struct nvsr_ctx *t, enum nvme_ses ses);

/* --- Sanitize ----------------------------------------------------------------------------------------------------- */
int era_sanitize(struct nvsr_dev *d, uint32_t cdw10);
int era_sanitize_log(struct nvsr_dev *d, struct nvme_sanitize_log *ret);
/* An action that SANICAP offers, the fastest first; 0 = none. */
enum nvme_sanact era_sanact(struct nvsr_ctx *t);
/* CDW10 for @action: one pass where it overwrites. */
uint32_t era_sanact_cdw10(enum nvme_sanact action);
bool era_sanitizing(struct nvsr_dev *d);
/* Wait on @d's clock until it has ended; the log then.  False after recording. */
bool era_sanitize_wait(struct nvsr_ctx *t, struct nvsr_dev *d, struct nvme_sanitize_log *ret);

/* --- who is there to be erased ------------------------------------------------------------------------------------ */
/* One namespace on PF, VF 1 and VF 2; one that VF 1 and one that VF 2 has for itself; one that nobody has. */
struct era_field { struct dat_shared shared; struct dat_ns of_vf[2], of_none; };
bool era_field(struct nvsr_ctx *t, struct era_field *ret);
/* Write @tag everywhere (attaching of_none to the PF for it). */
bool era_field_write(struct nvsr_ctx *t, const struct era_field *f, unsigned tag);

#endif
