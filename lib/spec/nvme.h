/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVMe registers, opcodes, values and structures.  Data only; names are the mnemonics of the standard in lower case.
 * Section numbers are those of NVMe Base 2.0 unless a line says otherwise.  libnvme has types of the same names: the
 * one file that includes libnvme does not include this one.
 */
#ifndef NVSR_SPEC_NVME_H
#define NVSR_SPEC_NVME_H

#include "base/base.h"
#include "base/le.h"

/* Controller properties, Base 3.1.3. */
enum {
	NVME_REG_CAP = 0x00, NVME_REG_VS = 0x08, NVME_REG_INTMS = 0x0c, NVME_REG_INTMC = 0x10, NVME_REG_CC = 0x14,
	NVME_REG_CSTS = 0x1c, NVME_REG_NSSR = 0x20, NVME_REG_AQA = 0x24, NVME_REG_ASQ = 0x28, NVME_REG_ACQ = 0x30,
	NVME_REG_CMBLOC = 0x38, NVME_REG_CMBSZ = 0x3c, NVME_REG_DBS = 0x1000,
};
#define NVME_CAP_MQES(cap)	((uint32_t)((cap) & 0xffff))		/* 0's based */
#define NVME_CAP_CQR(cap)	((uint32_t)((cap) >> 16 & 1))
#define NVME_CAP_TO(cap)	((uint32_t)((cap) >> 24 & 0xff))	/* units of 500 ms */
#define NVME_CAP_DSTRD(cap)	((uint32_t)((cap) >> 32 & 0xf))		/* doorbell stride 4 << DSTRD */
#define NVME_CAP_NSSRS(cap)	((uint32_t)((cap) >> 36 & 1))
#define NVME_CAP_CSS(cap)	((uint32_t)((cap) >> 37 & 0xff))
#define NVME_CAP_MPSMIN(cap)	((uint32_t)((cap) >> 48 & 0xf))
#define NVME_CAP_MPSMAX(cap)	((uint32_t)((cap) >> 52 & 0xf))
#define NVME_CC_EN		0x1u
#define NVME_CC_CSS(cc)		((cc) >> 4 & 7)
#define NVME_CC_MPS(cc)		((cc) >> 7 & 0xf)
#define NVME_CC_AMS(cc)		((cc) >> 11 & 7)
#define NVME_CC_SHN(cc)		((cc) >> 14 & 3)
#define NVME_CC_SHN_NORMAL	(1u << 14)
#define NVME_CC_SHN_ABRUPT	(2u << 14)
#define NVME_CC_IOSQES_64	(6u << 16)
#define NVME_CC_IOCQES_16	(4u << 20)
#define NVME_CC_IOSQES(cc)	((cc) >> 16 & 0xf)
#define NVME_CC_IOCQES(cc)	((cc) >> 20 & 0xf)
#define NVME_CSTS_RDY		0x1u
#define NVME_CSTS_CFS		0x2u
#define NVME_CSTS_SHST(csts)	((csts) >> 2 & 3)	/* 0 normal, 1 occurring, 2 complete */
#define NVME_CSTS_NSSRO		0x10u
#define NVME_NSSR_KEY		0x4e564d65u

/* Submission and completion entries, Base 3.3.3. */
struct nvme_sqe {
	uint8_t opcode, flags;	/* flags: FUSE 1:0, PSDT 7:6 */
	le16_t cid;
	le32_t nsid, cdw2, cdw3;
	le64_t mptr, prp1, prp2;	/* prp1/prp2 together are SGL1 when PSDT != 0 */
	le32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
NVSR_SIZE(struct nvme_sqe, 64);
struct nvme_cqe {
	le32_t dw0, dw1;
	le16_t sqhd, sqid, cid, status;	/* status: phase 0, SC 8:1, SCT 11:9, CRD 13:12, M 14, DNR 15 */
};
NVSR_SIZE(struct nvme_cqe, 16);
#define NVME_FLAGS_FUSE(f)	((f) & 3)
#define NVME_FUSE_FIRST		1
#define NVME_FUSE_SECOND	2
#define NVME_FLAGS_PSDT(f)	((f) >> 6 & 3)
enum { NVME_PSDT_PRP = 0, NVME_PSDT_SGL = 1, NVME_PSDT_SGL_MPTR = 2, NVME_PSDT_RESERVED = 3 };
#define NVME_PSDT(v)		((uint8_t)((v) << 6))	/* in flags */

/* SGL descriptor, Base 4.1.2: of a Bit Bucket only the length counts; id: type 7:4, sub type 3:0. */
struct nvme_sgl { le64_t addr; le32_t len; uint8_t rsvd12[3], id; };
NVSR_SIZE(struct nvme_sgl, 16);
NVSR_AT(struct nvme_sgl, id, 15);
enum nvme_sgl_type {
	NVME_SGL_DATA_BLOCK = 0, NVME_SGL_BIT_BUCKET = 1, NVME_SGL_SEGMENT = 2, NVME_SGL_LAST_SEGMENT = 3, NVME_SGL_KEYED = 4,
	NVME_SGL_TRANSPORT = 5,
};
#define NVME_SGL_TYPE(id)	((id) >> 4)
#define NVME_SGL_SUBTYPE(id)	((id) & 0xf)
#define NVME_SGL_ID(type, sub)	((uint8_t)((type) << 4 | (sub)))
#define NVME_SGL_OFFSET		1	/* sub type: the address is an offset; reserved over PCIe */

/* Opcodes; bits 1:0 give the data direction: 1 host to controller, 2 controller to host. */
enum nvme_admin_opcode {
	NVME_ADMIN_DELETE_SQ = 0x00, NVME_ADMIN_CREATE_SQ = 0x01, NVME_ADMIN_GET_LOG = 0x02, NVME_ADMIN_DELETE_CQ = 0x04,
	NVME_ADMIN_CREATE_CQ = 0x05, NVME_ADMIN_IDENTIFY = 0x06, NVME_ADMIN_ABORT = 0x08, NVME_ADMIN_SET_FEATURES = 0x09,
	NVME_ADMIN_GET_FEATURES = 0x0a, NVME_ADMIN_AER = 0x0c, NVME_ADMIN_NS_MGMT = 0x0d, NVME_ADMIN_FW_COMMIT = 0x10,
	NVME_ADMIN_FW_DOWNLOAD = 0x11, NVME_ADMIN_SELF_TEST = 0x14, NVME_ADMIN_NS_ATTACH = 0x15, NVME_ADMIN_KEEP_ALIVE = 0x18,
	NVME_ADMIN_DIRECTIVE_SEND = 0x19, NVME_ADMIN_DIRECTIVE_RECV = 0x1a, NVME_ADMIN_VIRT_MGMT = 0x1c,
	NVME_ADMIN_CAPACITY_MGMT = 0x20, NVME_ADMIN_MIGRATION_SEND = 0x41, NVME_ADMIN_MIGRATION_RECV = 0x42, NVME_ADMIN_CDQ = 0x45,
	NVME_ADMIN_DBBUF = 0x7c, NVME_ADMIN_FORMAT = 0x80, NVME_ADMIN_SECURITY_SEND = 0x81, NVME_ADMIN_SECURITY_RECV = 0x82,
	NVME_ADMIN_SANITIZE = 0x84,
};
enum nvme_nvm_opcode {
	NVME_CMD_FLUSH = 0x00, NVME_CMD_WRITE = 0x01, NVME_CMD_READ = 0x02, NVME_CMD_WRITE_UNCOR = 0x04, NVME_CMD_COMPARE = 0x05,
	NVME_CMD_WRITE_ZEROES = 0x08, NVME_CMD_DSM = 0x09, NVME_CMD_VERIFY = 0x0c, NVME_CMD_RESV_REGISTER = 0x0d,
	NVME_CMD_RESV_REPORT = 0x0e, NVME_CMD_RESV_ACQUIRE = 0x11, NVME_CMD_RESV_RELEASE = 0x15, NVME_CMD_COPY = 0x19,
};
#define NVME_OPCODE_DIR(op)	((op) & 3)
#define NVME_DIR_TO_CTRL	1
#define NVME_DIR_FROM_CTRL	2

/* Status values as SCT << 8 | SC, without More, CRD and DNR.  Base 3.3.3.2. */
enum nvme_status {
	NVME_SC_SUCCESS = 0x000, NVME_SC_INVALID_OPCODE = 0x001, NVME_SC_INVALID_FIELD = 0x002, NVME_SC_CID_CONFLICT = 0x003,
	NVME_SC_DATA_XFER_ERROR = 0x004, NVME_SC_INTERNAL = 0x006, NVME_SC_ABORT_REQ = 0x007, NVME_SC_ABORT_SQ_DELETED = 0x008,
	NVME_SC_FUSED_FAIL = 0x009, NVME_SC_FUSED_MISSING = 0x00a, NVME_SC_INVALID_NS = 0x00b, NVME_SC_CMD_SEQ_ERROR = 0x00c,
	NVME_SC_SGL_SEG_INVALID = 0x00d, NVME_SC_SGL_COUNT_INVALID = 0x00e, NVME_SC_SGL_DATA_LEN_INVALID = 0x00f,
	NVME_SC_SGL_META_LEN_INVALID = 0x010, NVME_SC_SGL_TYPE_INVALID = 0x011, NVME_SC_PRP_OFFSET_INVALID = 0x013, NVME_SC_ATOMIC_EXCEEDED = 0x014,
	NVME_SC_HOSTID_FORMAT = 0x018, NVME_SC_PREEMPT_ABORT = 0x01b, NVME_SC_SANITIZE_FAILED = 0x01c,
	NVME_SC_SANITIZE_IN_PROGRESS = 0x01d, NVME_SC_SGL_GRANULARITY = 0x01e, NVME_SC_NS_WRITE_PROTECTED = 0x020, NVME_SC_TRANSIENT = 0x022,
	NVME_SC_LBA_RANGE = 0x080, NVME_SC_CAPACITY_EXCEEDED = 0x081, NVME_SC_NS_NOT_READY = 0x082,
	NVME_SC_RESV_CONFLICT = 0x083, NVME_SC_FORMAT_IN_PROGRESS = 0x084,
	/* command specific */
	NVME_SC_CQ_INVALID = 0x100, NVME_SC_QID_INVALID = 0x101, NVME_SC_QUEUE_SIZE = 0x102, NVME_SC_ABORT_LIMIT = 0x103,
	NVME_SC_AER_LIMIT = 0x105, NVME_SC_INVALID_VECTOR = 0x108, NVME_SC_INVALID_LOG_PAGE = 0x109,
	NVME_SC_INVALID_FORMAT = 0x10a, NVME_SC_INVALID_QUEUE_DELETION = 0x10c, NVME_SC_FEATURE_NOT_SAVEABLE = 0x10d,
	NVME_SC_FEATURE_NOT_CHANGEABLE = 0x10e, NVME_SC_FEATURE_NOT_PER_NS = 0x10f, NVME_SC_NS_INSUFFICIENT_CAP = 0x115,
	NVME_SC_NSID_UNAVAILABLE = 0x116, NVME_SC_NS_ALREADY_ATTACHED = 0x118, NVME_SC_NS_IS_PRIVATE = 0x119,
	NVME_SC_NS_NOT_ATTACHED = 0x11a, NVME_SC_THIN_NOT_SUPPORTED = 0x11b, NVME_SC_CTRL_LIST_INVALID = 0x11c,
	NVME_SC_INVALID_CTRL_ID = 0x11f, NVME_SC_INVALID_SEC_STATE = 0x120, NVME_SC_INVALID_NUM_RESOURCES = 0x121,
	NVME_SC_INVALID_RESOURCE_ID = 0x122, NVME_SC_ANA_GROUP_INVALID = 0x124, NVME_SC_ANA_ATTACH_FAILED = 0x125,
	NVME_SC_INVALID_CDQ = 0x137, NVME_SC_NO_CDQ = 0x138, NVME_SC_CTRL_SUSPENDED = 0x139, NVME_SC_CTRL_NOT_SUSPENDED = 0x13a,
	NVME_SC_ATTACH_LIMIT = 0x127, NVME_SC_IOCS_NOT_SUPPORTED = 0x129, NVME_SC_IOCS_NOT_ENABLED = 0x12a,
	NVME_SC_NVM_CONFLICTING_ATTRS = 0x180, NVME_SC_NVM_INVALID_PI = 0x181, NVME_SC_NVM_READ_ONLY = 0x182,
	NVME_SC_NVM_SIZE_LIMIT = 0x183, NVME_SC_NVM_INCOMPATIBLE_NS = 0x185,
	/* media */
	NVME_SC_WRITE_FAULT = 0x280, NVME_SC_UNRECOVERED_READ = 0x281, NVME_SC_COMPARE_FAILED = 0x285,
	NVME_SC_ACCESS_DENIED = 0x286, NVME_SC_DEALLOCATED = 0x287,
};
#define NVME_STATUS(sct, sc)	((sct) << 8 | (sc))
/* "1/20h Invalid Secondary Controller State"; never NULL (static storage). */
const char *nvme_status_name(int status);
/* "Identify", "Virtualization Management", …, or "opcode"; never NULL. */
const char *nvme_admin_name(uint8_t opcode);
const char *nvme_io_name(uint8_t opcode);

#define NVME_NSID_ALL	0xffffffffu

/* Identify, Base 5.17. */
enum nvme_cns {
	NVME_CNS_NS = 0x00, NVME_CNS_CTRL = 0x01, NVME_CNS_ACTIVE_NS = 0x02, NVME_CNS_NS_DESC = 0x03, NVME_CNS_NVM_SETS = 0x04,
	NVME_CNS_CSI_NS = 0x05,
	NVME_CNS_CSI_CTRL = 0x06, NVME_CNS_CSI_ACTIVE_NS = 0x07, NVME_CNS_INDEP_NS = 0x08, NVME_CNS_ALLOCATED_NS = 0x10,
	NVME_CNS_ALLOCATED_NS_ID = 0x11, NVME_CNS_NS_CTRLS = 0x12, NVME_CNS_SUBSYS_CTRLS = 0x13, NVME_CNS_PRIMARY_CAPS = 0x14,
	NVME_CNS_SECONDARY_LIST = 0x15, NVME_CNS_NS_GRANULARITY = 0x16, NVME_CNS_UUID_LIST = 0x17, NVME_CNS_DOMAINS = 0x18, NVME_CNS_ENDURANCE_GROUPS = 0x19,
	NVME_CNS_CSI_ALLOCATED_NS_ID = 0x1a, NVME_CNS_CSI_ALLOCATED_NS = 0x1b, NVME_CNS_IOCS = 0x1c,
	NVME_CNS_CTRL_STATE_FORMATS = 0x20,
};
#define NVME_IDENTIFY_SIZE 4096

struct nvme_id_psd { uint8_t b[32]; };
struct nvme_id_ctrl {
	le16_t vid, ssvid;
	char sn[20], mn[40], fr[8];
	uint8_t rab, ieee[3], cmic, mdts;	/* cmic: 0 ports, 1 controllers, 2 SR-IOV VF, 3 ANA */
	le16_t cntlid;
	le32_t ver, rtd3r, rtd3e, oaes, ctratt;
	le16_t rrls;
	uint8_t rsvd102[9], cntrltype, fguid[16];
	le16_t crdt1, crdt2, crdt3;
	uint8_t rsvd134[122];
	le16_t oacs;				/* 256 */
	uint8_t acl, aerl, frmw, lpa, elpe, npss, avscc, apsta;
	le16_t wctemp, cctemp, mtfa;
	le32_t hmpre, hmmin;
	le128_t tnvmcap, unvmcap;		/* 280, 296 */
	le32_t rpmbs;
	le16_t edstt;
	uint8_t dsto, fwug;
	le16_t kas, hctma, mntmt, mxtmt;
	le32_t sanicap, hmminds;
	le16_t hmmaxd, nsetidmax, endgidmax;
	uint8_t anatt, anacap;
	le32_t anagrpmax, nanagrpid, pels;
	le16_t domain;				/* 356 */
	uint8_t rsvd358[10];
	le128_t megcap;				/* 368 */
	uint8_t rsvd384[128];
	uint8_t sqes, cqes;			/* 512 */
	le16_t maxcmd;
	le32_t nn;				/* 516 */
	le16_t oncs, fuses;
	uint8_t fna, vwc;
	le16_t awun, awupf;
	uint8_t icsvscc, nwpc;
	le16_t acwu, cdfs;
	le32_t sgls, mnan;			/* 536, 540 */
	le128_t maxdna;				/* 544 */
	le32_t maxcna;				/* 560 */
	uint8_t rsvd564[12], trattr, rsvd577;	/* trattr 576 */
	le16_t mcudmq, mnsudmq;			/* 578 */
	uint8_t rsvd582[186];
	char subnqn[256];			/* 768 */
	uint8_t rsvd1024[1024];
	struct nvme_id_psd psd[32];		/* 2048 */
	uint8_t vs[1024];
};
NVSR_SIZE(struct nvme_id_ctrl, 4096);
NVSR_AT(struct nvme_id_ctrl, cmic, 76);
NVSR_AT(struct nvme_id_ctrl, cntlid, 78);
NVSR_AT(struct nvme_id_ctrl, oaes, 92);
NVSR_AT(struct nvme_id_ctrl, cntrltype, 111);
NVSR_AT(struct nvme_id_ctrl, oacs, 256);
NVSR_AT(struct nvme_id_ctrl, tnvmcap, 280);
NVSR_AT(struct nvme_id_ctrl, unvmcap, 296);
NVSR_AT(struct nvme_id_ctrl, sanicap, 328);
NVSR_AT(struct nvme_id_ctrl, domain, 356);
NVSR_AT(struct nvme_id_ctrl, nn, 516);
NVSR_AT(struct nvme_id_ctrl, fuses, 522);
NVSR_AT(struct nvme_id_ctrl, awun, 526);
NVSR_AT(struct nvme_id_ctrl, sgls, 536);
NVSR_AT(struct nvme_id_ctrl, mnan, 540);
NVSR_AT(struct nvme_id_ctrl, maxcna, 560);
NVSR_AT(struct nvme_id_ctrl, trattr, 576);
NVSR_AT(struct nvme_id_ctrl, mcudmq, 578);
NVSR_AT(struct nvme_id_ctrl, subnqn, 768);
NVSR_AT(struct nvme_id_ctrl, psd, 2048);
#define NVME_CMIC_PORTS		0x01
#define NVME_CMIC_CTRLS		0x02
#define NVME_CMIC_VF		0x04
#define NVME_CMIC_ANA		0x08
#define NVME_OAES_NS_CHANGED	0x0100u
#define NVME_CTRATT_NS_GRAN	0x0080u
#define NVME_OACS_FORMAT	0x0002
#define NVME_OACS_NS_MGMT	0x0008
#define NVME_OACS_VIRT_MGMT	0x0080
#define NVME_OACS_DBBUF		0x0100
#define NVME_OACS_MIGRATION	0x0800
#define NVME_TRATTR_TUDCS	0x02	/* tracks changes of user data */
#define NVME_ONCS_COMPARE	0x0001
#define NVME_ONCS_DSM		0x0004
#define NVME_ONCS_WRITE_ZEROES	0x0008
#define NVME_ONCS_RESERVATIONS	0x0020
#define NVME_ONCS_VERIFY	0x0080
#define NVME_ONCS_COPY		0x0100
#define NVME_FUSES_COMPARE_WRITE 0x0001
#define NVME_SGLS_SUPPORT(s)	((s) & 3)	/* 0 none, 1 any alignment, 2 dwords */
#define NVME_SGLS_DWORD		2u
#define NVME_SGLS_KEYED		(1u << 2)
#define NVME_SGLS_BIT_BUCKET	(1u << 16)
#define NVME_SGLS_MPTR_BYTES	(1u << 17)	/* a contiguous metadata buffer may begin at any byte */
#define NVME_SGLS_LONGER	(1u << 18)	/* an SGL may be longer than the data */
#define NVME_SGLS_MPTR_SGL	(1u << 19)
#define NVME_SGLS_TRANSPORT	(1u << 21)
#define NVME_FNA_FORMAT_ALL	0x01	/* a Format affects all namespaces of the subsystem */
#define NVME_FNA_ERASE_ALL	0x02	/* the same for SES 001b and 010b */
#define NVME_FNA_CRYPTO		0x04
#define NVME_FNA_NO_BROADCAST	0x08
#define NVME_VWC_PRESENT	0x01
#define NVME_NWPC_WP		0x01
#define NVME_NWPC_UNTIL_POWER	0x02
#define NVME_NWPC_PERMANENT	0x04
#define NVME_SANICAP_CRYPTO	0x1u
#define NVME_SANICAP_BLOCK	0x2u
#define NVME_SANICAP_OVERWRITE	0x4u
#define NVME_SANICAP_NDI	(1u << 29)	/* No-Deallocate Inhibited */

struct nvme_lbaf { le16_t ms; uint8_t lbads, rp; };	/* data size 1 << lbads; 0 = format not available */
/*
 * Bytes of data of a block; 0 for a format that is not available or cannot be: less than 512 bytes (NVM Command Set 1.0
 * Figure 98), or more than 1 MiB, which no device has and no profile takes.
 */
static inline uint32_t nvme_lbaf_bytes(const struct nvme_lbaf *f)
{
	return f->lbads < 9 || f->lbads > 20 ? 0 : 1u << f->lbads;
}
struct nvme_id_ns {
	le64_t nsze, ncap, nuse;
	uint8_t nsfeat, nlbaf, flbas, mc, dpc, dps, nmic, rescap, fpi, dlfeat;	/* 24 … 33 */
	le16_t nawun, nawupf, nacwu, nabsn, nabo, nabspf, noiob;
	le128_t nvmcap;				/* 48 */
	le16_t npwg, npwa, npdg, npda, nows, mssrl;
	le32_t mcl;
	uint8_t msrc, rsvd81[11];
	le32_t anagrpid;			/* 92 */
	uint8_t rsvd96[3], nsattr;
	le16_t nvmsetid, endgid;		/* 100, 102 */
	uint8_t nguid[16], eui64[8];		/* 104, 120 */
	struct nvme_lbaf lbaf[64];		/* 128 */
	uint8_t vs[3712];
};
NVSR_SIZE(struct nvme_id_ns, 4096);
NVSR_AT(struct nvme_id_ns, flbas, 26);
NVSR_AT(struct nvme_id_ns, nmic, 30);
NVSR_AT(struct nvme_id_ns, dlfeat, 33);
NVSR_AT(struct nvme_id_ns, nvmcap, 48);
NVSR_AT(struct nvme_id_ns, anagrpid, 92);
NVSR_AT(struct nvme_id_ns, nsattr, 99);
NVSR_AT(struct nvme_id_ns, nvmsetid, 100);
NVSR_AT(struct nvme_id_ns, nguid, 104);
NVSR_AT(struct nvme_id_ns, lbaf, 128);
#define NVME_NSFEAT_THIN	0x01
#define NVME_NSFEAT_ATOMIC	0x02	/* NAWUN, NAWUPF and NACWU are defined */
#define NVME_NSFEAT_DULBE	0x04	/* Deallocated or Unwritten Logical Block error */
#define NVME_NSFEAT_UIDREUSE	0x08
#define NVME_NMIC_SHARED	0x01
#define NVME_FLBAS_INDEX(f)	((f) & 0xf)
#define NVME_NSATTR_WP		0x01
/* RESCAP: bit n is reservation type n */
#define NVME_RESCAP_PTPL	0x01
#define NVME_RESCAP_TYPES	0x7e
#define NVME_RESCAP_IEKEY	0x80
#define NVME_DLFEAT_READS(f)	((f) & 7)	/* 0 not reported, 1 all 00h, 2 all FFh */
#define NVME_FPI_SUPPORTED	0x80		/* bits 6:0: percentage that remains to be formatted */
/* Namespace identification descriptor (CNS 03h): type, length, two reserved bytes, then the id. */
enum nvme_nidt { NVME_NIDT_EUI64 = 1, NVME_NIDT_NGUID = 2, NVME_NIDT_UUID = 3, NVME_NIDT_CSI = 4 };
struct nvme_ns_desc { uint8_t nidt, nidl, rsvd[2]; };
/* Host supplied part of Namespace Management create is struct nvme_id_ns; LBSTM at 384 overlays lbaf (NVM CS 1.0 4.1.6). */

/* Controller list (CNS 12h, 13h, Namespace Attachment). */
struct nvme_ctrl_list { le16_t num, id[2047]; };
NVSR_SIZE(struct nvme_ctrl_list, 4096);

/* CNS 14h, Base 5.17.2.15. */
struct nvme_primary_caps {
	le16_t cntlid, portid;
	uint8_t crt, rsvd5[27];
	le32_t vqfrt, vqrfa;
	le16_t vqrfap, vqprt, vqfrsm, vqgran;
	uint8_t rsvd48[16];
	le32_t vifrt, virfa;
	le16_t virfap, viprt, vifrsm, vigran;
	uint8_t rsvd80[4016];
};
NVSR_SIZE(struct nvme_primary_caps, 4096);
NVSR_AT(struct nvme_primary_caps, vqfrt, 32);
NVSR_AT(struct nvme_primary_caps, vqrfap, 40);
NVSR_AT(struct nvme_primary_caps, vqgran, 46);
NVSR_AT(struct nvme_primary_caps, vifrt, 64);
NVSR_AT(struct nvme_primary_caps, vigran, 78);
#define NVME_CRT_VQ 0x1
#define NVME_CRT_VI 0x2

/* CNS 15h, Base 5.17.2.16. */
struct nvme_secondary_ctrl {
	le16_t scid, pcid;
	uint8_t scs, rsvd5[3];
	le16_t vfn, nvq, nvi;
	uint8_t rsvd14[18];
};
NVSR_SIZE(struct nvme_secondary_ctrl, 32);
NVSR_AT(struct nvme_secondary_ctrl, vfn, 8);
struct nvme_secondary_list {
	uint8_t numid, rsvd1[31];
	struct nvme_secondary_ctrl sc[127];
};
NVSR_SIZE(struct nvme_secondary_list, 4096);
#define NVME_SCS_ONLINE 0x1

/* Virtualization Management, Base 5.28: CDW10 CNTLID 31:16, RT 10:8, ACT 3:0; CDW11 NR 15:0; completion DW0 NRM 15:0. */
enum nvme_virt_act { NVME_VIRT_PRIMARY_FLEXIBLE = 1, NVME_VIRT_OFFLINE = 7, NVME_VIRT_ASSIGN = 8, NVME_VIRT_ONLINE = 9 };
enum nvme_virt_rt { NVME_VIRT_RT_VQ = 0, NVME_VIRT_RT_VI = 1 };

/* Namespace Management and Attachment, CDW10 SEL 3:0. */
enum { NVME_NS_MGMT_CREATE = 0, NVME_NS_MGMT_DELETE = 1, NVME_NS_ATTACH = 0, NVME_NS_DETACH = 1 };

enum nvme_fid {
	NVME_FEAT_ARBITRATION = 0x01, NVME_FEAT_POWER = 0x02, NVME_FEAT_LBA_RANGE = 0x03, NVME_FEAT_TEMP_THRESH = 0x04,
	NVME_FEAT_ERR_RECOVERY = 0x05, NVME_FEAT_VWC = 0x06, NVME_FEAT_NUM_QUEUES = 0x07, NVME_FEAT_IRQ_COALESCE = 0x08,
	NVME_FEAT_IRQ_CONFIG = 0x09, NVME_FEAT_ATOMIC = 0x0a, NVME_FEAT_ASYNC_EVENT = 0x0b, NVME_FEAT_APST = 0x0c,
	NVME_FEAT_TIMESTAMP = 0x0e, NVME_FEAT_HOST_BEHAVIOR = 0x16, NVME_FEAT_HOST_ID = 0x81, NVME_FEAT_RESV_MASK = 0x82,
	NVME_FEAT_RESV_PERSIST = 0x83, NVME_FEAT_WRITE_PROTECT = 0x84,
};
enum nvme_lid {
	NVME_LOG_SUPPORTED = 0x00, NVME_LOG_ERROR = 0x01, NVME_LOG_SMART = 0x02, NVME_LOG_FW_SLOT = 0x03,
	NVME_LOG_CHANGED_NS = 0x04, NVME_LOG_EFFECTS = 0x05, NVME_LOG_RESERVATION = 0x80, NVME_LOG_SANITIZE = 0x81,
};
#define NVME_EFFECTS_CSUPP 0x1u	/* log 05h: command supported */
#define NVME_AEC_NS_CHANGED 0x100u
/* Asynchronous event, completion DW0: type 2:0, info 15:8, log page 23:16. */
#define NVME_AEN(type, info, lid) ((uint32_t)(type) | (uint32_t)(info) << 8 | (uint32_t)(lid) << 16)
enum { NVME_AEN_ERROR = 0, NVME_AEN_SMART = 1, NVME_AEN_NOTICE = 2, NVME_AEN_IO = 6 };
/* Information of NVME_AEN_IO events. */
enum { NVME_AEN_IO_RESERVATION = 0, NVME_AEN_IO_SANITIZED = 1 };

struct nvme_error_log_entry {
	le64_t error_count;
	le16_t sqid, cid, status, parm_loc;
	le64_t lba;
	le32_t nsid;
	uint8_t vs_info, trtype, rsvd30[2];
	le64_t cs_info;		/* command specific information */
	le16_t trtype_info;
	uint8_t rsvd42[22];
};
NVSR_SIZE(struct nvme_error_log_entry, 64);
NVSR_AT(struct nvme_error_log_entry, cs_info, 32);

struct nvme_smart_log {
	uint8_t critical_warning;
	le16_t temperature;
	uint8_t avail_spare, spare_thresh, percent_used, endurance_cw, rsvd7[25];
	le128_t data_units_read, data_units_written, host_reads, host_writes, ctrl_busy_time, power_cycles, power_on_hours,
		unsafe_shutdowns, media_errors, num_err_log_entries;
	uint8_t rsvd192[320];
};
NVSR_SIZE(struct nvme_smart_log, 512);
NVSR_AT(struct nvme_smart_log, data_units_read, 32);
NVSR_AT(struct nvme_smart_log, num_err_log_entries, 176);

struct nvme_effects_log { le32_t acs[256], iocs[256]; uint8_t rsvd[2048]; };
NVSR_SIZE(struct nvme_effects_log, 4096);

/* Format NVM, Base 5.14: CDW10 LBAFL 3:0, MSET 4, PI 7:5, PIL 8, SES 11:9, LBAFU 13:12. */
#define NVME_FORMAT_CDW10(lbaf, ses) (((uint32_t)(lbaf) & 0xf) | (uint32_t)(ses) << 9 | ((uint32_t)(lbaf) & 0x30) << 8)
enum nvme_ses { NVME_SES_NONE = 0, NVME_SES_USER_DATA = 1, NVME_SES_CRYPTO = 2 };

/* Sanitize, Base 5.24: CDW10 SANACT 2:0, AUSE 3, OWPASS 7:4, OIPBP 8, NDAS 9; CDW11 overwrite pattern. */
enum nvme_sanact {
	NVME_SANACT_EXIT_FAILURE = 1, NVME_SANACT_BLOCK = 2, NVME_SANACT_OVERWRITE = 3, NVME_SANACT_CRYPTO = 4,
	NVME_SANACT_EXIT_MEDIA_VERIFICATION = 5,
};
#define NVME_SANITIZE_AUSE	(1u << 3)
#define NVME_SANITIZE_OWPASS(n)	(((uint32_t)(n) & 0xf) << 4)
#define NVME_SANITIZE_NDAS	(1u << 9)
/* Log 81h, Base 5.16.1.21. */
struct nvme_sanitize_log {
	le16_t sprog, sstat;		/* sprog: numerator of 65536; sstat: status 2:0, passes 7:3, GDE 8 */
	le32_t scdw10, eto, etbe, etce, etond, etbend, etcend;
	uint8_t rsvd32[480];
};
NVSR_SIZE(struct nvme_sanitize_log, 512);
NVSR_AT(struct nvme_sanitize_log, eto, 8);
#define NVME_SSTAT_STATUS(s)	((s) & 7)
#define NVME_SSTAT_GDE		0x0100
enum nvme_sstat {
	NVME_SSTAT_NEVER = 0, NVME_SSTAT_SUCCESS = 1, NVME_SSTAT_IN_PROGRESS = 2, NVME_SSTAT_FAILED = 3,
	NVME_SSTAT_SUCCESS_DEALLOCATED = 4,
};

/* Error Recovery feature (05h): DULBE.  Namespace Write Protection Config feature (84h): WPS. */
#define NVME_ERR_RECOVERY_DULBE	(1u << 16)
enum nvme_wps { NVME_WPS_NONE = 0, NVME_WPS_WP = 1, NVME_WPS_UNTIL_POWER_CYCLE = 2, NVME_WPS_PERMANENT = 3 };

struct nvme_dsm_range { le32_t cattr, nlb; le64_t slba; };
#define NVME_DSM_DEALLOCATE 0x4u

/* Copy, NVM Command Set 3.2.2: CDW10, 11 SDLBA; CDW12 NR 7:0 (0's based), descriptor format 11:8. */
struct nvme_copy_range {	/* formats 0h and 2h; SNSID only in 2h */
	le32_t snsid, sopt;
	le64_t slba;
	le16_t nlb;		/* 0's based */
	uint8_t rsvd18[6];
	le32_t eilbrt;
	le16_t elbat, elbatm;
};
NVSR_SIZE(struct nvme_copy_range, 32);
NVSR_AT(struct nvme_copy_range, nlb, 16);

/* --- reservations, Base 8.19 -------------------------------------------------------------------------------- */
enum nvme_resv_type {
	NVME_RESV_NONE = 0, NVME_RESV_WE = 1, NVME_RESV_EA = 2, NVME_RESV_WERO = 3, NVME_RESV_EARO = 4, NVME_RESV_WEAR = 5,
	NVME_RESV_EAAR = 6,
};
/* CDW10 of Register: RREGA 2:0, IEKEY 3, CPTPL 31:30; Acquire: RACQA 2:0, IEKEY 3, RTYPE 15:8; Release: RRELA the same. */
enum { NVME_RREGA_REGISTER = 0, NVME_RREGA_UNREGISTER = 1, NVME_RREGA_REPLACE = 2 };
enum { NVME_RACQA_ACQUIRE = 0, NVME_RACQA_PREEMPT = 1, NVME_RACQA_PREEMPT_ABORT = 2 };
enum { NVME_RRELA_RELEASE = 0, NVME_RRELA_CLEAR = 1 };
#define NVME_RESV_IEKEY		0x8u
#define NVME_CPTPL_CLEAR	(2u << 30)
#define NVME_CPTPL_SET		(3u << 30)
/* Data: CRKEY, then NRKEY (Register) or PRKEY (Acquire); Release has CRKEY alone. */
struct nvme_resv_keys { le64_t crkey, key2; };
NVSR_SIZE(struct nvme_resv_keys, 16);
/* Report: header, from byte 24 (EDS = 0) or 64 (EDS = 1) the registered controllers. */
struct nvme_resv_report { le32_t gen; uint8_t rtype, regctl[2] /* little endian */, rsvd7[2], ptpls, rsvd10[14]; };
NVSR_SIZE(struct nvme_resv_report, 24);
struct nvme_resv_ctrl { le16_t cntlid; uint8_t rcsts, rsvd3[5], hostid[8]; le64_t rkey; };
NVSR_SIZE(struct nvme_resv_ctrl, 24);
struct nvme_resv_ctrl_ext { le16_t cntlid; uint8_t rcsts, rsvd3[5]; le64_t rkey; uint8_t hostid[16], rsvd32[32]; };
NVSR_SIZE(struct nvme_resv_ctrl_ext, 64);
#define NVME_RESV_EXT_AT	64
#define NVME_RCSTS_HOLDER	0x1
/* Log page 80h. */
struct nvme_resv_log { le64_t lpc; uint8_t rnlpt, nalp, rsvd10[2]; le32_t nsid; uint8_t rsvd16[48]; };
NVSR_SIZE(struct nvme_resv_log, 64);
NVSR_AT(struct nvme_resv_log, nsid, 12);
enum { NVME_RNLPT_EMPTY = 0, NVME_RNLPT_REG_PREEMPTED = 1, NVME_RNLPT_RELEASED = 2, NVME_RNLPT_RESV_PREEMPTED = 3 };
/* Feature 82h masks the notification of the same number: 1 << NVME_RNLPT_*. */

/* --- live migration, Base 2.2 5.1.16 and 5.1.17 --------------------------------------------------------------- */
/*
 * Migration Send: CDW10 SEL 7:0, MOS 31:16 (SEQIND 1:0 of Set Controller State); CDW11 CNTLID 15:0, STYPE 23:16 (Suspend);
 * CDW12, 13 offset; CDW15 dwords.  Migration Receive: SEL 0 Get Controller State, CDW15 dwords, 0's based.
 */
enum { NVME_MIGRATION_SUSPEND = 0, NVME_MIGRATION_RESUME = 1, NVME_MIGRATION_SET_STATE = 2 };
enum { NVME_STYPE_NOTIFICATION = 0, NVME_STYPE_SUSPEND = 1 };
enum { NVME_SEQIND_MIDDLE = 0, NVME_SEQIND_FIRST = 1, NVME_SEQIND_LAST = 2, NVME_SEQIND_ALONE = 3 };
/* Controller Data Queue: CDW10 SEL 7:0, queue type 23:16 (create); CDW11 CNTLID 31:16 and PC (create), CDQID (delete). */
enum { NVME_CDQ_CREATE = 0, NVME_CDQ_DELETE = 1 };
#define NVME_CDQ_PC 0x1u
#define NVME_MIGRATION_CSUP 0x1u	/* completion DW0 of Get Controller State: suspended all the time */
struct nvme_ctrl_state_sq { le64_t prp1; le16_t qsize, qid, cqid, attr, head, tail; uint8_t rsvd20[4]; };
struct nvme_ctrl_state_cq { le64_t prp1; le16_t qsize, qid, head, tail; le32_t attr; uint8_t rsvd20[4]; };
NVSR_SIZE(struct nvme_ctrl_state_sq, 24);
NVSR_SIZE(struct nvme_ctrl_state_cq, 24);
/* Header, then the NVMe controller state: submission queues first, then completion queues, each by ascending id. */
struct nvme_ctrl_state {
	le16_t ver;
	uint8_t csattr, rsvd3[13], nvmecss[16], vss[16];	/* sizes in dwords */
	le16_t nver, niosq, niocq;
	uint8_t rsvd54[2];
	union { struct nvme_ctrl_state_sq sq; struct nvme_ctrl_state_cq cq; } queue[1];
};
NVSR_AT(struct nvme_ctrl_state, nvmecss, 16);
NVSR_AT(struct nvme_ctrl_state, niosq, 50);
NVSR_AT(struct nvme_ctrl_state, queue, 56);

#endif
