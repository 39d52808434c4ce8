// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * isolation.features: what is set on one controller stays there (controller scope), is the same for all (namespace scope),
 * and is gone after a reset.  Base 2.0 Figure 316, 4.2, 5.27.
 */
#include "isolation.h"

enum { FEAT_NOPSC = 0x11, FEAT_PROGRESS = 0x80 };

/* VF 1 sets; these must not notice. */
struct watchers { struct nvsr_dev *on[2]; };

static bool start(struct nvsr_ctx *t, unsigned nvq, struct nvsr_dev **ret_a, struct watchers *ret)
{
	if (!iso_vfs(t, nvq, ret_a, &ret->on[0]))
		return false;
	ret->on[1] = t->pf;
	return true;
}

/* --- features of one dword ---------------------------------------------------------------------------------------- */

static const struct dword_feature {
	uint8_t fid;
	uint32_t flip;		/* bits that make another legal value */
	uint32_t select;	/* CDW11 of Get Features, also part of the value to set */
	const char *name;
} dwords[] = {
	{ NVME_FEAT_ARBITRATION, 0x1, 0, "Arbitration (01h)" },
	{ NVME_FEAT_TEMP_THRESH, 0x8, 0, "Temperature Threshold (04h)" },
	{ NVME_FEAT_IRQ_COALESCE, 0x0101, 0, "Interrupt Coalescing (08h)" },
	{ NVME_FEAT_IRQ_CONFIG, 0x10000, 1, "Interrupt Vector Configuration (09h) of vector 1" },
	{ NVME_FEAT_ASYNC_EVENT, 0x2, 0, "Asynchronous Event Configuration (0Bh)" },
	{ FEAT_NOPSC, 0x1, 0, "Non-Operational Power State Config (11h)" },
	{ FEAT_PROGRESS, 0x1, 0, "Software Progress Marker (80h)" },
};

static int get(struct nvsr_dev *d, const struct dword_feature *f, uint32_t *ret)
{
	return nvsr_get_feature(d, f->fid, 0, f->select, NULL, 0, ret);
}

static int set(struct nvsr_dev *d, const struct dword_feature *f, uint32_t value)
{
	return nvsr_set_feature(d, f->fid, 0, value | f->select, NULL, 0, NULL);
}

/* Set another value on @a, look at the watchers, and put it back.  False: @a does not take one. */
static bool try_dword(struct nvsr_ctx *t, struct nvsr_dev *a, const struct watchers *w, const struct dword_feature *f)
{
	uint32_t old, before[2], now;
	bool known[2];
	unsigned i;

	if (get(a, f, &old))
		return false;
	for (i = 0; i < 2; i++)
		known[i] = !get(w->on[i], f, &before[i]);
	if (set(a, f, old ^ f->flip))
		return false;
	for (i = 0; i < 2; i++)
		if (known[i] && CHECK_OK(t, iso_text("Get Features %s on %s", f->name, nvsr_dev_name(w->on[i])),
					 get(w->on[i], f, &now)))
			CHECK_EQ(t, iso_text("%s of %s after VF 1 set its own", f->name, nvsr_dev_name(w->on[i])), before[i],
				 now);
	set(a, f, old);
	return true;
}

static void values_stay(struct nvsr_ctx *t)
{
	struct watchers w;
	struct nvsr_dev *a;
	unsigned i, tried = 0;

	if (!start(t, 0, &a, &w))
		return;
	for (i = 0; i < NVSR_ARRAY_SIZE(dwords); i++) {
		bool done = try_dword(t, a, &w, &dwords[i]);

		tried += done;
		if (!done)
			nvsr_note(t, "VF 1 takes no other value of %s", dwords[i].name);
	}
	if (!tried)
		SKIP(t, "VF 1 has no feature of controller scope that can be changed");
}

static void one_value_stays(struct nvsr_ctx *t, uint8_t fid, uint32_t flip, const char *name)
{
	const struct dword_feature f = { fid, flip, 0, name };
	struct watchers w;
	struct nvsr_dev *a;

	if (start(t, 0, &a, &w) && !try_dword(t, a, &w, &f))
		SKIP(t, "VF 1 takes no other value of %s", name);
}

/* The state of the hardware under two settings is nobody's promise; the register is each controller's. */
static void power_state_stays(struct nvsr_ctx *t)
{
	one_value_stays(t, NVME_FEAT_POWER, 0x1, "Power Management (02h)");
}

static void write_cache_stays(struct nvsr_ctx *t)
{
	one_value_stays(t, NVME_FEAT_VWC, 0x1, "Volatile Write Cache (06h)");
}

/* Before the first I/O queue only, so the VFs are fresh. */
static void queue_numbers_stay(struct nvsr_ctx *t)
{
	const struct dword_feature f = { NVME_FEAT_NUM_QUEUES, 0, 0, "Number of Queues (07h)" };
	uint32_t before[2], now;
	struct watchers w;
	struct nvsr_dev *a;
	unsigned i;
	int rc;

	if (!start(t, 3, &a, &w))
		return;
	for (i = 0; i < 2; i++)
		PREPARE(t, "Get Features 07h", get(w.on[i], &f, &before[i]));
	PREPARE(t, "Get Features 07h", get(a, &f, &now));
	if (!(now & 0xffff))
		SKIP(t, "VF 1 has one I/O queue: it cannot ask for less");
	rc = set(a, &f, 0);
	if (rc == NVME_SC_CMD_SEQ_ERROR)
		SKIP(t, "VF 1 has I/O queues already: its driver made them");
	MUST_OK(t, "Set Features 07h on VF 1: one queue of each kind", rc);
	for (i = 0; i < 2; i++) {
		MUST_OK(t, "Get Features 07h", get(w.on[i], &f, &now));
		CHECK_EQ(t, iso_text("Number of Queues of %s after VF 1 asked for one", nvsr_dev_name(w.on[i])), before[i], now);
	}
}

/* --- features with a buffer --------------------------------------------------------------------------------------- */

#define TIME_SET 0x123456789abull	/* ms: no clock of this century is near */
#define TIME_NEAR 3600000ull

static int get_time(struct nvsr_dev *d, uint64_t *ret)
{
	uint8_t buf[8] = { 0 };
	int rc = nvsr_get_feature(d, NVME_FEAT_TIMESTAMP, 0, 0, buf, sizeof(buf), NULL);

	*ret = nvsr_le_read(buf, 6);
	return rc;
}

static int set_time(struct nvsr_dev *d, uint64_t ms)
{
	uint8_t buf[8] = { 0 };

	nvsr_le_write(buf, 6, ms);
	return nvsr_set_feature(d, NVME_FEAT_TIMESTAMP, 0, 0, buf, sizeof(buf), NULL);
}

static void timestamp_stays(struct nvsr_ctx *t)
{
	struct watchers w;
	struct nvsr_dev *a;
	uint64_t old, ms;
	unsigned i;

	if (!start(t, 0, &a, &w))
		return;
	if (get_time(a, &old) || set_time(a, TIME_SET))
		SKIP(t, "VF 1 has no Timestamp feature");
	for (i = 0; i < 2; i++) {
		if (get_time(w.on[i], &ms))
			continue;
		CHECK(t, ms - TIME_SET > TIME_NEAR, "a Timestamp of its own", "%s: %llu ms, VF 1 set %llu ms",
		      nvsr_dev_name(w.on[i]), (unsigned long long)ms, (unsigned long long)TIME_SET);
	}
	set_time(a, old);
}

struct page { uint8_t b[NVME_IDENTIFY_SIZE]; };

static int get_behavior(struct nvsr_dev *d, struct page *ret)
{
	memset(ret, 0, sizeof(*ret));
	return nvsr_get_feature(d, NVME_FEAT_HOST_BEHAVIOR, 0, 0, ret, 512, NULL);
}

/* Another behaviour on VF 1: byte 0 Advanced Command Retry, byte 2 extended LBA formats where there are any. */
static int change_behavior(struct nvsr_dev *a, const struct page *old)
{
	struct page new = *old;
	int rc;

	new.b[0] ^= 1;
	new.b[2] ^= 1;
	rc = nvsr_set_feature(a, NVME_FEAT_HOST_BEHAVIOR, 0, 0, &new, 512, NULL);
	if (!rc)
		return 0;
	new.b[2] = old->b[2];
	return nvsr_set_feature(a, NVME_FEAT_HOST_BEHAVIOR, 0, 0, &new, 512, NULL);
}

/* What a controller shows of itself and of formats; what it does not answer stays zero. */
struct shown { struct page behavior, formats, ctrl; };

static int read_shown(struct nvsr_dev *d, struct shown *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (nvsr_identify(d, NVME_CNS_NS, NVME_NSID_ALL, 0, &ret->formats))
		memset(&ret->formats, 0, sizeof(ret->formats));
	if (nvsr_id_ctrl(d, (struct nvme_id_ctrl *)&ret->ctrl))
		memset(&ret->ctrl, 0, sizeof(ret->ctrl));
	return get_behavior(d, &ret->behavior);
}

static void behavior_stays(struct nvsr_ctx *t)
{
	_cleanup_free_ struct shown *was = calloc(3, sizeof(*was));
	struct watchers w;
	struct nvsr_dev *a;
	struct page old;
	unsigned i;

	if (!was)
		BROKEN(t, "no memory");
	if (!start(t, 0, &a, &w))
		return;
	if (get_behavior(a, &old))
		SKIP(t, "VF 1 has no Host Behavior Support feature");
	for (i = 0; i < 2; i++)
		if (read_shown(w.on[i], &was[i]))
			nvsr_note(t, "%s has no Host Behavior Support feature", nvsr_dev_name(w.on[i]));
	if (change_behavior(a, &old))
		SKIP(t, "VF 1 takes no other Host Behavior Support");
	for (i = 0; i < 2; i++) {
		const char *name = nvsr_dev_name(w.on[i]);

		read_shown(w.on[i], &was[2]);
		CHECK(t, !memcmp(&was[i].behavior, &was[2].behavior, 512), "its own Host Behavior Support", "%s: it changed", name);
		CHECK(t, !memcmp(&was[i].formats, &was[2].formats, sizeof(struct page)), "the same formats as before",
		      "%s: CNS 00h changed", name);
		CHECK(t, !memcmp(&was[i].ctrl, &was[2].ctrl, sizeof(struct page)), "the same controller data as before",
		      "%s: CNS 01h changed", name);
	}
	nvsr_set_feature(a, NVME_FEAT_HOST_BEHAVIOR, 0, 0, &old, 512, NULL);
}

/* --- host identifier ---------------------------------------------------------------------------------------------- */

static const uint8_t host_id[16] = { 0x4e, 0x56, 0x53, 0x52, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

/* Base 5.27.1.25: 16 bytes where CTRATT bit 0 says so, else 8. */
static unsigned id_size(struct nvsr_ctx *t)
{
	return le32_get(t->inv->id.ctratt) & 1 ? 16 : 8;
}

static int get_id(struct nvsr_dev *d, unsigned size, uint8_t ret[16])
{
	memset(ret, 0, 16);
	return nvsr_get_feature(d, NVME_FEAT_HOST_ID, 0, size == 16, ret, size, NULL);
}

static int set_id(struct nvsr_dev *d, unsigned size, const uint8_t id[16])
{
	uint8_t copy[16];

	memcpy(copy, id, sizeof(copy));
	return nvsr_set_feature(d, NVME_FEAT_HOST_ID, 0, size == 16, copy, size, NULL);
}

/* A device of Base 2.2 does not take an identifier over another one: then there is nothing to see. */
static bool give_id(struct nvsr_ctx *t, struct nvsr_dev *a)
{
	int rc = set_id(a, id_size(t), host_id);

	if (rc)
		nvsr_test_skip(t, "VF 1 takes no Host Identifier: %s", nvsr_rc_text(rc));
	return !rc;
}

static void host_id_stays(struct nvsr_ctx *t)
{
	unsigned size = id_size(t), i;
	uint8_t before[2][16], now[16];
	struct watchers w;
	struct nvsr_dev *a;

	if (!start(t, 0, &a, &w))
		return;
	for (i = 0; i < 2; i++)
		if (get_id(w.on[i], size, before[i]))
			SKIP(t, "%s has no Host Identifier feature", nvsr_dev_name(w.on[i]));
	if (!give_id(t, a))
		return;
	for (i = 0; i < 2; i++) {
		MUST_OK(t, "Get Features 81h", get_id(w.on[i], size, now));
		CHECK(t, !memcmp(before[i], now, size), "its own Host Identifier", "%s: it changed after VF 1 set one",
		      nvsr_dev_name(w.on[i]));
	}
}

static void host_id_ends_with_reset(struct nvsr_ctx *t)
{
	static const struct { enum nvsr_reset how; unsigned can; const char *name; } resets[] = {
		{ NVSR_RESET_CTRL, NVSR_CAN_CTRL_RESET, "Controller Reset" },
		{ NVSR_RESET_FLR, NVSR_CAN_FLR, "Function Level Reset" },
	};
	unsigned size = id_size(t), i;
	struct nvsr_dev *a = nvsr_t_vf(t, 1);
	uint8_t now[16];

	for (i = 0; a && i < NVSR_ARRAY_SIZE(resets); i++) {
		if (!(nvsr_dev_can(a) & resets[i].can))
			continue;
		if (!give_id(t, a))
			return;
		PREPARE(t, resets[i].name, nvsr_reset(a, resets[i].how));
		MUST_OK(t, "Get Features 81h", get_id(a, size, now));
		CHECK(t, dat_all(now, size, 0), "Host Identifier 0 after a reset of the controller", "VF 1 after %s: not 0",
		      resets[i].name);
	}
}

/* --- resets ------------------------------------------------------------------------------------------------------- */

/* Not saveable as a rule, not persistent by 4.2: what these were before, a reset brings back. */
struct values { uint32_t threshold, coalescing, events; struct page behavior; uint64_t time; uint8_t id[16]; };

static void read_values(struct nvsr_ctx *t, struct nvsr_dev *d, struct values *ret)
{
	memset(ret, 0, sizeof(*ret));
	nvsr_get_feature(d, NVME_FEAT_TEMP_THRESH, 0, 0, NULL, 0, &ret->threshold);
	nvsr_get_feature(d, NVME_FEAT_IRQ_COALESCE, 0, 0, NULL, 0, &ret->coalescing);
	nvsr_get_feature(d, NVME_FEAT_ASYNC_EVENT, 0, 0, NULL, 0, &ret->events);
	get_behavior(d, &ret->behavior);
	get_time(d, &ret->time);
	get_id(d, id_size(t), ret->id);
}

static void change_values(struct nvsr_ctx *t, struct nvsr_dev *d, const struct values *old)
{
	nvsr_set_feature(d, NVME_FEAT_TEMP_THRESH, 0, old->threshold ^ 0x8, NULL, 0, NULL);
	nvsr_set_feature(d, NVME_FEAT_IRQ_COALESCE, 0, old->coalescing ^ 0x0101, NULL, 0, NULL);
	nvsr_set_feature(d, NVME_FEAT_ASYNC_EVENT, 0, old->events ^ 0x2, NULL, 0, NULL);
	change_behavior(d, &old->behavior);
	set_time(d, TIME_SET);
	set_id(d, id_size(t), host_id);
}

/* A device that fails keeps what was set: no later test shall find it. */
static void put_back(struct nvsr_dev *d, const struct values *old)
{
	struct page behavior = old->behavior;

	nvsr_set_feature(d, NVME_FEAT_TEMP_THRESH, 0, old->threshold, NULL, 0, NULL);
	nvsr_set_feature(d, NVME_FEAT_IRQ_COALESCE, 0, old->coalescing, NULL, 0, NULL);
	nvsr_set_feature(d, NVME_FEAT_ASYNC_EVENT, 0, old->events, NULL, 0, NULL);
	nvsr_set_feature(d, NVME_FEAT_HOST_BEHAVIOR, 0, 0, &behavior, 512, NULL);
}

static void check_values(struct nvsr_ctx *t, const char *when, const struct values *was, const struct values *now)
{
	CHECK_EQ(t, iso_text("Temperature Threshold %s", when), was->threshold, now->threshold);
	CHECK_EQ(t, iso_text("Interrupt Coalescing %s", when), was->coalescing, now->coalescing);
	CHECK_EQ(t, iso_text("Asynchronous Event Configuration %s", when), was->events, now->events);
	CHECK(t, !memcmp(&was->behavior, &now->behavior, sizeof(was->behavior)), "Host Behavior Support as before",
	      "it is still what was set, %s", when);
	CHECK(t, now->time - TIME_SET > TIME_NEAR, "no Timestamp of the former user", "%llu ms %s, set was %llu ms",
	      (unsigned long long)now->time, when, (unsigned long long)TIME_SET);
	CHECK(t, memcmp(now->id, host_id, 8), "no Host Identifier of the former user", "it is still what was set, %s", when);
}

static void reset_ends_values(struct nvsr_ctx *t, enum nvsr_reset how, const char *when)
{
	_cleanup_free_ struct values *v = calloc(2, sizeof(*v));
	struct nvsr_dev *a = nvsr_t_vf(t, 1);

	if (!v)
		BROKEN(t, "no memory");
	if (!a)
		return;
	PREPARE(t, "reset", nvsr_reset(a, how));
	read_values(t, a, &v[0]);
	change_values(t, a, &v[0]);
	PREPARE(t, "reset", nvsr_reset(a, how));
	read_values(t, a, &v[1]);
	check_values(t, when, &v[0], &v[1]);
	put_back(a, &v[0]);
}

static void controller_reset_ends_values(struct nvsr_ctx *t)
{
	reset_ends_values(t, NVSR_RESET_CTRL, "after Controller Reset");
}

static void flr_ends_values(struct nvsr_ctx *t)
{
	reset_ends_values(t, NVSR_RESET_FLR, "after Function Level Reset");
}

static void check_next_tenant(struct nvsr_ctx *t, struct nvsr_dev *(*change)(struct nvsr_ctx *t), const char *when)
{
	_cleanup_free_ struct values *v = calloc(2, sizeof(*v));
	struct nvsr_dev *a = nvsr_t_vf(t, 1);

	if (!v)
		BROKEN(t, "no memory");
	if (!a)
		return;
	read_values(t, a, &v[0]);
	change_values(t, a, &v[0]);
	a = change(t);
	if (!a)
		return;
	read_values(t, a, &v[1]);
	check_values(t, when, &v[0], &v[1]);
	put_back(a, &v[0]);
}

static struct nvsr_dev *by_offline(struct nvsr_ctx *t)
{
	return iso_next_tenant(t, 1);
}

static struct nvsr_dev *by_vf_enable(struct nvsr_ctx *t)
{
	return nvsr_t_enable_vfs(t, 0) && nvsr_t_enable_vfs(t, 2) ? nvsr_t_vf(t, 1) : NULL;
}

static void offline_ends_values(struct nvsr_ctx *t) { check_next_tenant(t, by_offline, "after Offline, Assign and Online"); }
static void vf_enable_ends_values(struct nvsr_ctx *t) { check_next_tenant(t, by_vf_enable, "after VF Enable 1, 0, 1"); }

/* Optional events are bits 31:8; a driver of the operating system would have enabled some. */
static void optional_events_are_off(struct nvsr_ctx *t)
{
	struct nvsr_dev *a, *b, *on[3];
	uint32_t now;
	unsigned i;

	if (!iso_vfs(t, 0, &a, &b))
		return;
	on[0] = a, on[1] = b, on[2] = t->pf;	/* the PF last: its reset takes the VFs Offline */
	/* a driver of the PF's own would switch events on at once */
	for (i = 0; i < (nvsr_dev_can(t->pf) & NVSR_CAN_REG_WRITE ? 3u : 2u); i++) {
		PREPARE(t, "Controller Reset", nvsr_reset(on[i], NVSR_RESET_CTRL));
		MUST_OK(t, "Get Features 0Bh", nvsr_get_feature(on[i], NVME_FEAT_ASYNC_EVENT, 0, 0, NULL, 0, &now));
		CHECK_EQ(t, iso_text("bits 31:8 of feature 0Bh of %s after a reset", nvsr_dev_name(on[i])), 0, now >> 8);
	}
}

/* --- namespace scope ---------------------------------------------------------------------------------------------- */

static const struct { uint8_t fid; uint32_t value, mask; const char *name; } of_namespace[] = {
	{ NVME_FEAT_ERR_RECOVERY, 37, 0xffff, "Error Recovery (05h), TLER" },
	{ NVME_FEAT_RESV_MASK, 0x2, 0xe, "Reservation Notification Mask (82h)" },
	{ NVME_FEAT_RESV_PERSIST, 0x1, 0x1, "Reservation Persistence (83h)" },
};

static void namespace_value_is_everybodys(struct nvsr_ctx *t)
{
	unsigned i, k, tried = 0;
	struct dat_shared s;
	uint32_t now;

	if (!dat_shared(t, &s))
		return;
	for (k = 0; k < NVSR_ARRAY_SIZE(of_namespace); k++) {
		uint8_t fid = of_namespace[k].fid;

		if (nvsr_set_feature(s.on[1], fid, s.ns.nsid, of_namespace[k].value, NULL, 0, NULL)) {
			nvsr_note(t, "VF 1 does not take %s", of_namespace[k].name);
			continue;
		}
		tried++;
		for (i = 0; i < DAT_CTRLS; i++) {
			MUST_OK(t, iso_text("Get Features %02Xh on %s", fid, nvsr_dev_name(s.on[i])),
				nvsr_get_feature(s.on[i], fid, s.ns.nsid, 0, NULL, 0, &now));
			CHECK_EQ(t, iso_text("%s on %s", of_namespace[k].name, nvsr_dev_name(s.on[i])),
				 of_namespace[k].value, now & of_namespace[k].mask);
		}
	}
	if (!tried)
		SKIP(t, "VF 1 takes no feature of namespace scope");
}

/* A protected namespace cannot be deleted: it is unprotected whatever way the body returns. */
struct protection { struct nvsr_dev *by; uint32_t nsid; };

static void unprotect(struct protection *p)
{
	if (p->by)
		nvsr_set_feature(p->by, NVME_FEAT_WRITE_PROTECT, p->nsid, 0, NULL, 0, NULL);
}

static void protection_is_everybodys(struct nvsr_ctx *t)
{
	NVSR_CLEANUP(unprotect) struct protection p = { 0 };
	struct dat_shared s;
	uint32_t state;
	unsigned i;

	if (!dat_shared(t, &s))
		return;
	p = (struct protection){ s.on[1], s.ns.nsid };
	MUST_OK(t, "write protect through VF 1", nvsr_set_feature(p.by, NVME_FEAT_WRITE_PROTECT, p.nsid, 1, NULL, 0, NULL));
	for (i = 0; i < DAT_CTRLS; i++) {
		const char *name = nvsr_dev_name(s.on[i]);

		MUST_OK(t, iso_text("Get Features 84h on %s", name),
			nvsr_get_feature(s.on[i], NVME_FEAT_WRITE_PROTECT, p.nsid, 0, NULL, 0, &state));
		CHECK_EQ(t, iso_text("write protection state on %s", name), 1, state & 7);
		CHECK_STATUS(t, iso_text("Write on %s", name), NVME_SC_NS_WRITE_PROTECTED, dat_write(s.on[i], &s.ns, 0, 1, 1));
		if (t->inv->has & NVSR_NEED(WRITE_ZEROES))
			CHECK_STATUS(t, iso_text("Write Zeroes on %s", name), NVME_SC_NS_WRITE_PROTECTED,
				     dat_write_zeroes(s.on[i], &s.ns, 0, 1));
		if (t->inv->has & NVSR_NEED(DSM))
			CHECK_STATUS(t, iso_text("deallocate on %s", name), NVME_SC_NS_WRITE_PROTECTED,
				     dat_deallocate(s.on[i], &s.ns, 0, 1));
	}
	MUST_OK(t, "unprotect through VF 2", nvsr_set_feature(s.on[2], NVME_FEAT_WRITE_PROTECT, p.nsid, 0, NULL, 0, NULL));
	for (i = 0; i < DAT_CTRLS; i++)
		CHECK_OK(t, iso_text("Write on %s after VF 2 ended the protection", nvsr_dev_name(s.on[i])),
			 dat_write(s.on[i], &s.ns, 0, 1, 1));
}

static const struct nvsr_test tests[] = {
	{ .id = "values-stay", .title = "features of controller scope set on one VF change on no other controller",
	  .requirements = REQS("ISO-07"), .needs = ISO_NEED,
	  .caught_by = DEFECTS("features-shared", "vector-config-shared", "temp-threshold-shared", "event-config-shared"),
	  .run = values_stay },
	{ .id = "power-state-stays", .title = "the power state set on one VF is that of no other controller",
	  .requirements = REQS("ISO-09"), .needs = ISO_NEED, .caught_by = DEFECTS("power-state-shared"),
	  .run = power_state_stays },
	{ .id = "write-cache-stays", .title = "Volatile Write Cache set on one VF is that of no other controller",
	  .requirements = REQS("ISO-27", "ISO-07"), .needs = ISO_NEED, .caught_by = DEFECTS("write-cache-shared"),
	  .run = write_cache_stays },
	{ .id = "queue-numbers-stay", .title = "Number of Queues asked for by one VF changes no other controller's",
	  .requirements = REQS("ISO-07"), .needs = ISO_NEED, .caught_by = DEFECTS("num-queues-shared"),
	  .run = queue_numbers_stay },
	{ .id = "timestamp-stays", .title = "the Timestamp set on one VF is that of no other controller",
	  .requirements = REQS("ISO-07"), .needs = ISO_NEED, .caught_by = DEFECTS("timestamp-shared"), .run = timestamp_stays },
	{ .id = "behavior-stays", .title = "Host Behavior Support of one VF changes nothing that another controller shows",
	  .requirements = REQS("ISO-29", "ISO-07"), .needs = ISO_NEED, .caught_by = DEFECTS("host-behavior-shared"),
	  .run = behavior_stays },
	{ .id = "host-id-stays", .title = "the Host Identifier of one VF is neither seen nor changed by another controller",
	  .requirements = REQS("ISO-11", "ISO-07"), .needs = ISO_NEED, .caught_by = DEFECTS("host-id-shared"),
	  .run = host_id_stays },
	{ .id = "host-id-ends-with-reset", .title = "the Host Identifier of a VF is 0 after a reset",
	  .requirements = REQS("ISO-11"), .needs = ISO_NEED, .caught_by = DEFECTS("host-id-survives-reset"),
	  .run = host_id_ends_with_reset },
	{ .id = "controller-reset-ends-values", .title = "features of a VF go back to their defaults at Controller Reset",
	  .requirements = REQS("ISO-10"), .needs = ISO_NEED | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("vf-features-survive-ctrl-reset", "vf-features-survive-vfe-toggle", "host-id-survives-reset"),
	  .run = controller_reset_ends_values },
	{ .id = "flr-ends-values", .title = "features of a VF go back to their defaults at Function Level Reset",
	  .requirements = REQS("ISO-10"), .needs = ISO_NEED | NVSR_NEED(FLR),
	  .caught_by = DEFECTS("vf-features-survive-vfe-toggle", "host-id-survives-reset"), .run = flr_ends_values },
	{ .id = "vf-enable-ends-values", .title = "after VF Enable 1, 0, 1 a VF has the default features",
	  .requirements = REQS("ISO-14", "ISO-10"), .needs = ISO_NEED,
	  .caught_by = DEFECTS("vf-features-survive-vfe-toggle", "host-id-survives-reset"), .run = vf_enable_ends_values },
	{ .id = "offline-ends-values", .title = "after Offline, Assign and Online a VF has the default features",
	  .requirements = REQS("ISO-10", "ISO-11"), .needs = ISO_NEED,
	  .caught_by = DEFECTS("vf-features-survive-vfe-toggle", "host-id-survives-reset"), .run = offline_ends_values },
	{ .id = "optional-events-are-off", .title = "no optional event is enabled after a reset",
	  .requirements = REQS("ISO-32"), .needs = ISO_NEED | NVSR_NEED(VF_REG_WRITE) | NVSR_NEED(CTRL_RESET),
	  .caught_by = DEFECTS("events-on-by-default"), .run = optional_events_are_off },
	{ .id = "namespace-value-is-everybodys",
	  .title = "a feature of namespace scope reads on every controller as one of them set it",
	  .requirements = REQS("ISO-08"), .needs = ISO_NEED | NVSR_NEED(NS_MGMT) | NVSR_NEED(IO),
	  .caught_by = DEFECTS("error-recovery-per-controller", "resv-mask-per-controller"), .run = namespace_value_is_everybodys },
	{ .id = "protection-is-everybodys",
	  .title = "write protection set through one VF holds on every controller, until any of them ends it",
	  .requirements = REQS("ISO-26", "ISO-08"), .needs = ISO_NEED | NVSR_NEED(NS_MGMT) | NVSR_NEED(IO) | NVSR_NEED(NSWP),
	  .caught_by = DEFECTS("write-protect-per-controller"), .run = protection_is_everybodys },
};
const struct nvsr_group nvsr_isolation_features = NVSR_GROUP("isolation.features", tests);
