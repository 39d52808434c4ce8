// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of statuses and opcodes, as the standard prints them. */
#include "spec/nvme.h"

struct name { int value; const char *text; };

static const struct name statuses[] = {
	{ NVME_SC_SUCCESS, "0/00h Successful Completion" },
	{ NVME_SC_INVALID_OPCODE, "0/01h Invalid Command Opcode" },
	{ NVME_SC_INVALID_FIELD, "0/02h Invalid Field in Command" },
	{ NVME_SC_CID_CONFLICT, "0/03h Command ID Conflict" },
	{ NVME_SC_DATA_XFER_ERROR, "0/04h Data Transfer Error" },
	{ 0x005, "0/05h Commands Aborted due to Power Loss Notification" },
	{ NVME_SC_INTERNAL, "0/06h Internal Error" },
	{ NVME_SC_ABORT_REQ, "0/07h Command Abort Requested" },
	{ NVME_SC_ABORT_SQ_DELETED, "0/08h Command Aborted due to SQ Deletion" },
	{ NVME_SC_FUSED_FAIL, "0/09h Command Aborted due to Failed Fused Command" },
	{ NVME_SC_FUSED_MISSING, "0/0Ah Command Aborted due to Missing Fused Command" },
	{ NVME_SC_INVALID_NS, "0/0Bh Invalid Namespace or Format" },
	{ NVME_SC_CMD_SEQ_ERROR, "0/0Ch Command Sequence Error" },
	{ NVME_SC_SGL_SEG_INVALID, "0/0Dh Invalid SGL Segment Descriptor" },
	{ NVME_SC_SGL_COUNT_INVALID, "0/0Eh Invalid Number of SGL Descriptors" },
	{ NVME_SC_SGL_DATA_LEN_INVALID, "0/0Fh Data SGL Length Invalid" },
	{ NVME_SC_SGL_META_LEN_INVALID, "0/10h Metadata SGL Length Invalid" },
	{ NVME_SC_SGL_TYPE_INVALID, "0/11h SGL Descriptor Type Invalid" },
	{ 0x012, "0/12h Invalid Use of Controller Memory Buffer" },
	{ NVME_SC_PRP_OFFSET_INVALID, "0/13h PRP Offset Invalid" },
	{ NVME_SC_ATOMIC_EXCEEDED, "0/14h Atomic Write Unit Exceeded" },
	{ 0x015, "0/15h Operation Denied" },
	{ 0x016, "0/16h SGL Offset Invalid" },
	{ NVME_SC_HOSTID_FORMAT, "0/18h Host Identifier Inconsistent Format" },
	{ 0x019, "0/19h Keep Alive Timer Expired" },
	{ 0x01a, "0/1Ah Keep Alive Timeout Invalid" },
	{ NVME_SC_PREEMPT_ABORT, "0/1Bh Command Aborted due to Preempt and Abort" },
	{ NVME_SC_SANITIZE_FAILED, "0/1Ch Sanitize Failed" },
	{ NVME_SC_SANITIZE_IN_PROGRESS, "0/1Dh Sanitize In Progress" },
	{ NVME_SC_SGL_GRANULARITY, "0/1Eh SGL Data Block Granularity Invalid" },
	{ 0x01f, "0/1Fh Command Not Supported for Queue in CMB" },
	{ NVME_SC_NS_WRITE_PROTECTED, "0/20h Namespace is Write Protected" },
	{ 0x021, "0/21h Command Interrupted" },
	{ NVME_SC_TRANSIENT, "0/22h Transient Transport Error" },
	{ 0x023, "0/23h Command Prohibited by Command and Feature Lockdown" },
	{ 0x024, "0/24h Admin Command Media Not Ready" },
	{ NVME_SC_LBA_RANGE, "0/80h LBA Out of Range" },
	{ NVME_SC_CAPACITY_EXCEEDED, "0/81h Capacity Exceeded" },
	{ NVME_SC_NS_NOT_READY, "0/82h Namespace Not Ready" },
	{ NVME_SC_RESV_CONFLICT, "0/83h Reservation Conflict" },
	{ NVME_SC_FORMAT_IN_PROGRESS, "0/84h Format In Progress" },
	{ NVME_SC_CQ_INVALID, "1/00h Completion Queue Invalid" },
	{ NVME_SC_QID_INVALID, "1/01h Invalid Queue Identifier" },
	{ NVME_SC_QUEUE_SIZE, "1/02h Invalid Queue Size" },
	{ NVME_SC_ABORT_LIMIT, "1/03h Abort Command Limit Exceeded" },
	{ NVME_SC_AER_LIMIT, "1/05h Asynchronous Event Request Limit Exceeded" },
	{ 0x106, "1/06h Invalid Firmware Slot" },
	{ 0x107, "1/07h Invalid Firmware Image" },
	{ NVME_SC_INVALID_VECTOR, "1/08h Invalid Interrupt Vector" },
	{ NVME_SC_INVALID_LOG_PAGE, "1/09h Invalid Log Page" },
	{ NVME_SC_INVALID_FORMAT, "1/0Ah Invalid Format" },
	{ 0x10b, "1/0Bh Firmware Activation Requires Conventional Reset" },
	{ NVME_SC_INVALID_QUEUE_DELETION, "1/0Ch Invalid Queue Deletion" },
	{ NVME_SC_FEATURE_NOT_SAVEABLE, "1/0Dh Feature Identifier Not Saveable" },
	{ NVME_SC_FEATURE_NOT_CHANGEABLE, "1/0Eh Feature Not Changeable" },
	{ NVME_SC_FEATURE_NOT_PER_NS, "1/0Fh Feature Not Namespace Specific" },
	{ 0x110, "1/10h Firmware Activation Requires NVM Subsystem Reset" },
	{ 0x111, "1/11h Firmware Activation Requires Controller Level Reset" },
	{ 0x113, "1/13h Firmware Activation Prohibited" },
	{ 0x114, "1/14h Overlapping Range" },
	{ NVME_SC_NS_INSUFFICIENT_CAP, "1/15h Namespace Insufficient Capacity" },
	{ NVME_SC_NSID_UNAVAILABLE, "1/16h Namespace Identifier Unavailable" },
	{ NVME_SC_NS_ALREADY_ATTACHED, "1/18h Namespace Already Attached" },
	{ NVME_SC_NS_IS_PRIVATE, "1/19h Namespace Is Private" },
	{ NVME_SC_NS_NOT_ATTACHED, "1/1Ah Namespace Not Attached" },
	{ NVME_SC_THIN_NOT_SUPPORTED, "1/1Bh Thin Provisioning Not Supported" },
	{ NVME_SC_CTRL_LIST_INVALID, "1/1Ch Controller List Invalid" },
	{ 0x11d, "1/1Dh Device Self-test In Progress" },
	{ 0x11e, "1/1Eh Boot Partition Write Prohibited" },
	{ NVME_SC_INVALID_CTRL_ID, "1/1Fh Invalid Controller Identifier" },
	{ NVME_SC_INVALID_SEC_STATE, "1/20h Invalid Secondary Controller State" },
	{ NVME_SC_INVALID_NUM_RESOURCES, "1/21h Invalid Number of Controller Resources" },
	{ NVME_SC_INVALID_RESOURCE_ID, "1/22h Invalid Resource Identifier" },
	{ 0x123, "1/23h Sanitize Prohibited While Persistent Memory Region is Enabled" },
	{ NVME_SC_ANA_GROUP_INVALID, "1/24h ANA Group Identifier Invalid" },
	{ NVME_SC_ANA_ATTACH_FAILED, "1/25h ANA Attach Failed" },
	{ 0x126, "1/26h Insufficient Capacity" },
	{ NVME_SC_ATTACH_LIMIT, "1/27h Namespace Attachment Limit Exceeded" },
	{ 0x128, "1/28h Prohibition of Command Execution Not Supported" },
	{ NVME_SC_IOCS_NOT_SUPPORTED, "1/29h I/O Command Set Not Supported" },
	{ NVME_SC_IOCS_NOT_ENABLED, "1/2Ah I/O Command Set Not Enabled" },
	{ 0x12b, "1/2Bh I/O Command Set Combination Rejected" },
	{ 0x12c, "1/2Ch Invalid I/O Command Set" },
	{ 0x12d, "1/2Dh Identifier Unavailable" },
	{ NVME_SC_NVM_CONFLICTING_ATTRS, "1/80h Conflicting Attributes" },
	{ NVME_SC_NVM_INVALID_PI, "1/81h Invalid Protection Information" },
	{ NVME_SC_NVM_READ_ONLY, "1/82h Attempted Write to Read Only Range" },
	{ NVME_SC_WRITE_FAULT, "2/80h Write Fault" },
	{ NVME_SC_UNRECOVERED_READ, "2/81h Unrecovered Read Error" },
	{ 0x282, "2/82h End-to-end Guard Check Error" },
	{ 0x283, "2/83h End-to-end Application Tag Check Error" },
	{ 0x284, "2/84h End-to-end Reference Tag Check Error" },
	{ NVME_SC_COMPARE_FAILED, "2/85h Compare Failure" },
	{ NVME_SC_ACCESS_DENIED, "2/86h Access Denied" },
	{ NVME_SC_DEALLOCATED, "2/87h Deallocated or Unwritten Logical Block" },
	{ 0x300, "3/00h Internal Path Error" },
	{ 0x301, "3/01h Asymmetric Access Persistent Loss" },
	{ 0x302, "3/02h Asymmetric Access Inaccessible" },
	{ 0x303, "3/03h Asymmetric Access Transition" },
	{ 0x360, "3/60h Controller Pathing Error" },
	{ 0x370, "3/70h Host Pathing Error" },
	{ 0x371, "3/71h Command Aborted By Host" },
};

static const struct name admin_opcodes[] = {
	{ NVME_ADMIN_DELETE_SQ, "Delete I/O Submission Queue" },
	{ NVME_ADMIN_CREATE_SQ, "Create I/O Submission Queue" },
	{ NVME_ADMIN_GET_LOG, "Get Log Page" },
	{ NVME_ADMIN_DELETE_CQ, "Delete I/O Completion Queue" },
	{ NVME_ADMIN_CREATE_CQ, "Create I/O Completion Queue" },
	{ NVME_ADMIN_IDENTIFY, "Identify" },
	{ NVME_ADMIN_ABORT, "Abort" },
	{ NVME_ADMIN_SET_FEATURES, "Set Features" },
	{ NVME_ADMIN_GET_FEATURES, "Get Features" },
	{ NVME_ADMIN_AER, "Asynchronous Event Request" },
	{ NVME_ADMIN_NS_MGMT, "Namespace Management" },
	{ NVME_ADMIN_FW_COMMIT, "Firmware Commit" },
	{ NVME_ADMIN_FW_DOWNLOAD, "Firmware Image Download" },
	{ NVME_ADMIN_SELF_TEST, "Device Self-test" },
	{ NVME_ADMIN_NS_ATTACH, "Namespace Attachment" },
	{ NVME_ADMIN_KEEP_ALIVE, "Keep Alive" },
	{ NVME_ADMIN_DIRECTIVE_SEND, "Directive Send" },
	{ NVME_ADMIN_DIRECTIVE_RECV, "Directive Receive" },
	{ NVME_ADMIN_VIRT_MGMT, "Virtualization Management" },
	{ NVME_ADMIN_CAPACITY_MGMT, "Capacity Management" },
	{ NVME_ADMIN_MIGRATION_SEND, "Migration Send" },
	{ NVME_ADMIN_MIGRATION_RECV, "Migration Receive" },
	{ NVME_ADMIN_CDQ, "Controller Data Queue" },
	{ NVME_ADMIN_DBBUF, "Doorbell Buffer Config" },
	{ NVME_ADMIN_FORMAT, "Format NVM" },
	{ NVME_ADMIN_SECURITY_SEND, "Security Send" },
	{ NVME_ADMIN_SECURITY_RECV, "Security Receive" },
	{ NVME_ADMIN_SANITIZE, "Sanitize" },
};

static const struct name nvm_opcodes[] = {
	{ NVME_CMD_FLUSH, "Flush" },
	{ NVME_CMD_WRITE, "Write" },
	{ NVME_CMD_READ, "Read" },
	{ NVME_CMD_WRITE_UNCOR, "Write Uncorrectable" },
	{ NVME_CMD_COMPARE, "Compare" },
	{ NVME_CMD_WRITE_ZEROES, "Write Zeroes" },
	{ NVME_CMD_DSM, "Dataset Management" },
	{ NVME_CMD_VERIFY, "Verify" },
	{ NVME_CMD_RESV_REGISTER, "Reservation Register" },
	{ NVME_CMD_RESV_REPORT, "Reservation Report" },
	{ NVME_CMD_RESV_ACQUIRE, "Reservation Acquire" },
	{ NVME_CMD_RESV_RELEASE, "Reservation Release" },
	{ NVME_CMD_COPY, "Copy" },
};

static const char *find(const struct name *table, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].value == value)
			return table[i].text;
	return NULL;
}

const char *nvme_status_name(int status)
{
	/* Several unknown values may stand in one message. */
	static char unknown[8][24];
	static unsigned next;
	const char *text = find(statuses, NVSR_ARRAY_SIZE(statuses), status);
	char *buf;

	if (text)
		return text;
	buf = unknown[next++ % NVSR_ARRAY_SIZE(unknown)];
	snprintf(buf, sizeof(unknown[0]), "%X/%02Xh", (unsigned)status >> 8, (unsigned)status & 0xff);
	return buf;
}

const char *nvme_admin_name(uint8_t opcode)
{
	const char *text = find(admin_opcodes, NVSR_ARRAY_SIZE(admin_opcodes), opcode);

	return text ? text : "opcode";
}

const char *nvme_io_name(uint8_t opcode)
{
	const char *text = find(nvm_opcodes, NVSR_ARRAY_SIZE(nvm_opcodes), opcode);

	return text ? text : "opcode";
}
