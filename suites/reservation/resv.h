/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the reservation groups share: the four commands, several hosts on one shared namespace, and what Report says.
 *
 * A host is the set of controllers with the same Host Identifier (Base 2.0, 8.19).  Here every function gets a host
 * identifier of its own, unless a test says otherwise, so PF, VF 1 and VF 2 are three hosts.
 */
#ifndef NVSR_SUITES_RESERVATION_H
#define NVSR_SUITES_RESERVATION_H

#include "nvsr.h"

/* Namespaces are created, or taken where the device cannot create one; keys and reservations are set on them. */
#define RSV_NEEDS (NVSR_NEED(RESERVATIONS) | NVSR_NEED(NS_MGMT) | NVSR_NEED(IO) | NVSR_NEED(DESTROY))
#define RSV_VF    (RSV_NEEDS | NVSR_NEED(SRIOV) | NVSR_NEED(VF_ADMIN))
#define RSV_2VF   (RSV_VF | NVSR_NEED(TWO_VFS))

/* Reservation types are 1 to RSV_TYPES - 1, enum nvme_resv_type. */
#define RSV_TYPES (NVME_RESV_EAAR + 1)
#define RSV_RTYPE(x) ((uint32_t)(x) << 8)	/* CDW10 of Acquire and Release */
#define RSV_EVENT NVME_AEN(NVME_AEN_IO, NVME_AEN_IO_RESERVATION, NVME_LOG_RESERVATION)
#define RSV_CTRATT_HOSTID128 0x1u
#define RSV_CTRATT_RHII (1u << 18)	/* Base 2.1: reservations want a non-zero Host Identifier */
#define RSV_RESCAP_PTPL 0x01
#define RSV_RESCAP_IEKEY13 0x80

/* One host: its function, the identifier set there, and its registration key in every test. */
struct rsv_host {
	struct nvsr_dev *dev;
	const char *name;	/* "PF", "VF 1", … */
	unsigned vfn;		/* 0: the PF */
	uint16_t cntlid;
	uint64_t id, key;
};

#define RSV_HOSTS_MAX 3
struct rsv {
	struct nvsr_ctx *t;
	struct rsv_host h[RSV_HOSTS_MAX];
	unsigned n;
	uint32_t nsid;		/* shared, attached to every host; 0 when a test deleted it */
	unsigned block;		/* bytes of a block */
	uint8_t rescap;
	bool wide;		/* 128-bit Host Identifiers; set before the start, or where the device has no others */
	bool nameless;		/* set before the start: no Host Identifiers */
};

/* Text for the `what` of a check; valid for the next few calls. */
const char *rsv_text(const char *fmt, ...) NVSR_PRINTF(1, 2);
/* "Write Exclusive", …; static. */
const char *rsv_type_name(unsigned type);

/* --- commands: 0, negative errno, or NVMe status ------------------------------------------------------------------ */
int rsv_register(struct nvsr_dev *d, uint32_t nsid, uint32_t cdw10, uint64_t crkey, uint64_t nrkey);
int rsv_acquire(struct nvsr_dev *d, uint32_t nsid, uint32_t cdw10, uint64_t crkey, uint64_t prkey);
int rsv_release(struct nvsr_dev *d, uint32_t nsid, uint32_t cdw10, uint64_t crkey);
/* The raw structure, @len bytes, extended with @eds. */
int rsv_report(struct nvsr_dev *d, uint32_t nsid, bool eds, void *ret, uint32_t len);
/* Host Identifier of a controller, the low 8 bytes; @wide: 16 bytes. */
int rsv_set_host_id(struct nvsr_dev *d, bool wide, uint64_t id);
int rsv_get_host_id(struct nvsr_dev *d, bool wide, uint64_t *ret);

/* --- preparation ---------------------------------------------------------------------------------------------------- */
/*
 * The functions RSV_START(t, r, 1, 2, 0) as hosts 0, 1, 2: here VF 1, VF 2 and the PF; each with a Host Identifier, all
 * attached to a new shared namespace without registrants.  False after recording.  r->t tells rsv_end() that there is
 * something to undo: declare it _cleanup_rsv_ struct rsv r = { 0 }.
 */
#define RSV_START(t, r, ...) \
	rsv_start(t, r, (const unsigned[]){ __VA_ARGS__ }, NVSR_ARRAY_SIZE(((const unsigned[]){ __VA_ARGS__ })))
bool rsv_start(struct nvsr_ctx *t, struct rsv *r, const unsigned *vfn, unsigned n);
/* No registrant is left, whoever it was, and the PF has no Host Identifier: then the harness may delete the namespace. */
void rsv_end(struct rsv *r);
#define _cleanup_rsv_ NVSR_CLEANUP(rsv_end)

/* True when the namespace supports reservation type @type. */
bool rsv_has(const struct rsv *r, unsigned type);
static inline bool rsv_all_registrants(unsigned type)
{
	return type == NVME_RESV_WEAR || type == NVME_RESV_EAAR;
}

/* Steps of a test, checked: the device must do them.  @i: index of the host. */
bool rsv_join(struct rsv *r, unsigned i);			/* register its key */
bool rsv_leave(struct rsv *r, unsigned i);			/* unregister */
bool rsv_hold(struct rsv *r, unsigned i, unsigned type);	/* acquire */
/* Host 0 holds a reservation of @type, and the first @members hosts are registrants. */
bool rsv_scene(struct rsv *r, unsigned type, unsigned members);
/* Clear through host @i; afterwards nobody is registered. */
bool rsv_clear(struct rsv *r, unsigned i);

/* --- what Report says ------------------------------------------------------------------------------------------------ */
#define RSV_ENTRIES 32
struct rsv_entry { uint16_t cntlid; uint8_t rcsts; uint64_t id, id_high, key; };
struct rsv_status {
	uint32_t gen;
	unsigned rtype, ptpls, n;	/* n: REGCTL, of which the first RSV_ENTRIES are in e[] */
	struct rsv_entry e[RSV_ENTRIES];
};
/* Report through @d in the format of the Host Identifiers in use.  False after recording. */
bool rsv_read(struct rsv *r, struct nvsr_dev *d, struct rsv_status *ret);
/* The entry of a controller, or NULL. */
const struct rsv_entry *rsv_entry(const struct rsv_status *s, uint16_t cntlid);

/*
 * Check the state through host @via: type (NVME_RESV_NONE: no reservation), who is registered (bit i: host i, with its key) and
 * who holds it (bit i; for the All Registrants types every registrant).
 */
bool rsv_check(struct rsv *r, const char *when, unsigned via, unsigned type, unsigned members, unsigned holders);
/* GEN; UINT32_MAX after recording. */
uint32_t rsv_gen(struct rsv *r, unsigned via);

/* --- data ------------------------------------------------------------------------------------------------------------ */
void rsv_fill(struct rsv *r, void *buf, unsigned tag);	/* one block */
bool rsv_holds(struct rsv *r, const void *buf, unsigned tag);
int rsv_rw(struct rsv *r, unsigned i, bool write, uint64_t lba, void *buf);

#endif
