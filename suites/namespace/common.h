/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the groups of the namespace suite share: namespaces to work on, lists, and checks on lists. */
#ifndef NVSR_SUITE_NAMESPACE_H
#define NVSR_SUITE_NAMESPACE_H

#include "nvsr.h"

/* Versions as VER of Identify Controller and VS read, for clauses that differ between revisions. */
#define NSM_VS_2_0 0x00020000u
#define NSM_VS_2_2 0x00020200u

/* Needs that many tests have in common: a VF as a target of attachment, and a VF that answers commands. */
#define NSM_NEED (NVSR_NEED(NS_MGMT) | NVSR_NEED(DESTROY))	/* creates, attaches, detaches or deletes */
#define NSM_NEED_SECOND (NSM_NEED | NVSR_NEED(SRIOV))
#define NSM_NEED_VF (NSM_NEED | NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN))

/* --- namespaces; NSID 0 after recording, then the body returns -------------------------------------------------- */
/* Namespace Management create with CDW11 CSI @csi and the host's structure.  DW0 of the completion in *ret_nsid. */
int nsm_create_raw(struct nvsr_dev *d, const struct nvme_id_ns *host, uint8_t csi, uint32_t *ret_nsid);
/* The host's part of a create: format 0, @blocks blocks, shared or private. */
void nsm_host_fields(struct nvme_id_ns *host, uint64_t blocks, bool shared);
/*
 * A new namespace of @mib MiB, attached to nothing; skips where the device cannot create one.  nvsr_t_ns() also takes an
 * existing unattached namespace then: right for everything that leaves data alone.
 */
uint32_t nsm_create(struct nvsr_ctx *t, unsigned mib, bool shared);
/* True when namespaces can be created here; else a skip is recorded. */
bool nsm_can_create(struct nvsr_ctx *t);
/* Bytes of a block, and of a namespace of @mib MiB in blocks, with format 0.  0 after recording. */
unsigned nsm_block_bytes(struct nvsr_ctx *t);
uint64_t nsm_blocks(struct nvsr_ctx *t, unsigned mib);
/* A valid NSID that is not allocated; a NSID above NN. */
uint32_t nsm_unallocated(struct nvsr_ctx *t);
uint32_t nsm_invalid(struct nvsr_ctx *t);

/* CNTLID as the controller of an open VF tells it; -1 after recording.  Works without a secondary controller list. */
int nsm_cntlid(struct nvsr_ctx *t, struct nvsr_dev *vf);

/*
 * CNTLID of VF @vfn as a target of attachment.  The VF is enabled: whether a controller without its function exists is
 * nowhere said.  Online or not; where there is no secondary controller list the VF is opened.
 */
int nsm_second(struct nvsr_ctx *t, unsigned vfn);

/* --- attachment ------------------------------------------------------------------------------------------------- */
/* Namespace Attachment (SEL @sel) with count @num and the ids of @id, which has @n entries. */
int nsm_attachment(struct nvsr_dev *d, uint32_t nsid, unsigned sel, unsigned num, const uint16_t *id, unsigned n);
int nsm_cmp_id(const void *a, const void *b);	/* for qsort() of uint16_t */

/* --- checks ----------------------------------------------------------------------------------------------------- */
/* @nsid is (@want) or is not in the list of Identify @cns on @d. */
#define CHECK_LISTED(t, d, cns, nsid, want) nsm_check_listed(t, __FILE__, __LINE__, d, cns, nsid, want)
bool nsm_check_listed(struct nvsr_ctx *t, const char *file, int line, struct nvsr_dev *d, uint8_t cns, uint32_t nsid,
		      bool want);
/* CNS 12h of @nsid names exactly these controllers: CHECK_CTRLS(t, nsid, when, id, …), none: CHECK_NO_CTRLS. */
#define CHECK_CTRLS(t, nsid, when, ...) \
	nsm_check_ctrls(t, __FILE__, __LINE__, nsid, when, (const uint16_t[]){ __VA_ARGS__ }, \
			NVSR_ARRAY_SIZE(((const uint16_t[]){ __VA_ARGS__ })))
#define CHECK_NO_CTRLS(t, nsid, when) nsm_check_ctrls(t, __FILE__, __LINE__, nsid, when, NULL, 0)
bool nsm_check_ctrls(struct nvsr_ctx *t, const char *file, int line, uint32_t nsid, const char *when,
		     const uint16_t *id, unsigned n);
/* The 4096 bytes of an Identify structure are all zero. */
#define CHECK_ZERO(t, what, data) nsm_check_zero(t, __FILE__, __LINE__, what, data)
bool nsm_check_zero(struct nvsr_ctx *t, const char *file, int line, const char *what, const void *data);
bool nsm_is_zero(const void *data, size_t len);

/* --- data ------------------------------------------------------------------------------------------------------- */
/* A pattern that is different for every tag, and whether @buf still holds it. */
void nsm_pattern(void *buf, size_t len, unsigned tag);
bool nsm_holds_pattern(const void *buf, size_t len, unsigned tag);

#endif
