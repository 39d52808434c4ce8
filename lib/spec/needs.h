/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test may need, in one table: the enum, the text of a SKIP, the column of `list`, and the key of a claim in a
 * profile all come from here, so they cannot drift.
 *
 * CLAIM  a feature of the device: absent and not claimed is a SKIP; claimed but absent fails pf.claims.<key>
 * PROMISE  what no answer of a device tells: met exactly when the profile claims it, so never "claimed but absent"
 * ENV    a property of the host or of the access method
 * GRANT  the user's permission
 */
#ifndef NVSR_SPEC_NEEDS_H
#define NVSR_SPEC_NEEDS_H

#include <stdint.h>

/*	  id            kind   key               text                                                     */
#define NVSR_NEEDS(X) \
	X(SRIOV,        CLAIM, "sriov",          "an SR-IOV capability on the PF (TotalVFs > 0)") \
	X(TWO_VFS,      CLAIM, "two-vfs",        "at least two VFs (TotalVFs >= 2)") \
	X(VIRT_MGMT,    CLAIM, "virt-mgmt",      "the Virtualization Management command (OACS bit 7, or CNS 14h answers)") \
	X(VQ,           CLAIM, "vq-resources",   "flexible VQ resources (CRT bit 0)") \
	X(VI,           CLAIM, "vi-resources",   "flexible VI resources (CRT bit 1)") \
	X(NS_MGMT,      CLAIM, "ns-mgmt",        "Namespace Management and Attachment (OACS bit 3)") \
	X(NS_CHANGED,   CLAIM, "ns-changed-aen", "the Namespace Attribute Notices event (OAES bit 8)") \
	X(COMPARE,      CLAIM, "compare",        "the Compare command (ONCS bit 0)") \
	X(DSM,          CLAIM, "dsm",            "the Dataset Management command (ONCS bit 2)") \
	X(WRITE_ZEROES, CLAIM, "write-zeroes",   "the Write Zeroes command (ONCS bit 3)") \
	X(NSWP,         CLAIM, "write-protect",  "Namespace Write Protection (NWPC not 0)") \
	X(THIN,         CLAIM, "thin",           "thin provisioning (NSFEAT bit 0 of the common namespace capabilities)") \
	X(NS_GRANULES,  CLAIM, "ns-granularity", "the Namespace Granularity List (CTRATT bit 7)") \
	X(ATTACH_LIMIT, CLAIM, "attach-limit",   "a limit of attachments (MAXDNA or MAXCNA not 0)") \
	X(NSSR,         CLAIM, "nssr",           "NVM Subsystem Reset (CAP.NSSRS)") \
	X(RESERVATIONS, CLAIM, "reservations",   "reservations (ONCS bit 5 and RESCAP not 0)") \
	X(PTPL,         CLAIM, "ptpl",           "reservations that persist through power loss (RESCAP bit 0)") \
	X(FORMAT,       CLAIM, "format",         "the Format NVM command (OACS bit 1)") \
	X(CRYPTO,       CLAIM, "crypto-erase",   "Format NVM with Cryptographic Erase (FNA bit 2)") \
	X(SANITIZE,     CLAIM, "sanitize",       "the Sanitize command (SANICAP bits 2:0 not 0)") \
	X(FUSED,        CLAIM, "fused",          "the fused Compare and Write operation (FUSES bit 0)") \
	X(COPY,         CLAIM, "copy",           "the Copy command (ONCS bit 8)") \
	X(VERIFY,       CLAIM, "verify",         "the Verify command (ONCS bit 7)") \
	X(DULBE,        CLAIM, "dulbe",          "the Deallocated or Unwritten Logical Block error (NSFEAT bit 2)") \
	X(MIGRATION,    CLAIM, "live-migration", "host managed live migration (OACS bit 11)") \
	X(DBBUF,        CLAIM, "dbbuf",          "the Doorbell Buffer Config command (OACS bit 8)") \
	X(SGL,          CLAIM, "sgl",            "SGLs for I/O commands (SGLS bits 1:0 not 0)") \
	X(OCP,          PROMISE, "ocp",          "a profile that claims OCP Datacenter NVMe SSD 2.7") \
	X(CFG_READ,     ENV,   "cfg-read",       "an access method that reads configuration space") \
	X(CFG_WRITE,    ENV,   "cfg-write",      "an access method that writes configuration space of PF and VFs (vfio or model)") \
	X(REG_READ,     ENV,   "reg-read",       "an access method that reads controller registers") \
	X(REG_WRITE,    ENV,   "reg-write",      "an access method that writes registers of PF and VFs (vfio or model)") \
	X(QUEUES,       ENV,   "queues",         "an access method that owns the queues of PF and VFs (vfio or model)") \
	X(AER,          ENV,   "aer",            "an access method that receives the events of PF and VFs (vfio or model)") \
	X(VF_CFG_WRITE, ENV,   "vf-cfg-write",   "an access method that writes configuration space of VFs (--vf-access vfio, or model)") \
	X(VF_REG_WRITE, ENV,   "vf-reg-write",   "an access method that writes registers of VFs (--vf-access vfio, or model)") \
	X(VF_QUEUES,    ENV,   "vf-queues",      "an access method that owns the queues of VFs (--vf-access vfio, or model)") \
	X(VF_AER,       ENV,   "vf-aer",         "an access method that receives the events of VFs (--vf-access vfio, or model)") \
	X(VF_ADMIN,     ENV,   "vf-admin",       "admin commands on a VF") \
	X(IO,           ENV,   "io",             "I/O commands") \
	X(CTRL_RESET,   ENV,   "ctrl-reset",     "Controller Reset by the access method") \
	X(FLR,          ENV,   "flr",            "Function Level Reset by the access method") \
	X(HOT_RESET,    ENV,   "hot-reset",      "a conventional reset by the access method (PF by vfio, or model)") \
	X(POWER_CYCLE,  ENV,   "power-cycle",    "a power cycle by the access method (model, or a lab that switches power)") \
	X(DMA_DOMAINS,  ENV,   "dma-domains",    "an address space of its own for each VF (--vf-access vfio, or model)") \
	X(DESTROY,      GRANT, "destroy",        "permission to destroy data (--destructive --erase-serial SN)")

enum nvsr_need_id {
#define X(id, kind, key, text) NVSR_NEED_ID_##id,
	NVSR_NEEDS(X)
#undef X
	NVSR_NEED_COUNT
};

/* One bit per need, for struct nvsr_test.needs: NVSR_NEED(SRIOV) | NVSR_NEED(DESTROY). */
#define NVSR_NEED(id) (1ull << NVSR_NEED_ID_##id)

enum nvsr_need_kind { NVSR_NEED_CLAIM, NVSR_NEED_PROMISE, NVSR_NEED_ENV, NVSR_NEED_GRANT };

struct nvsr_need {
	const char *key, *text;
	enum nvsr_need_kind kind;
};
/* Indexed by enum nvsr_need_id. */
extern const struct nvsr_need nvsr_needs[NVSR_NEED_COUNT];

#endif
