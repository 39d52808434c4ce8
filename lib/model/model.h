/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reference model: one NVM subsystem with SR-IOV, at the level of configuration space, registers, queues and
 * interrupts.  This is what a PCIe root port sees; nothing else may be called from outside.  An independent reading of
 * the standard: it shares with the suites the layouts of lib/spec and nothing more.
 *
 * Deterministic: the device works when a register is written or time advances; time is virtual.
 */
#ifndef NVSR_MODEL_MODEL_H
#define NVSR_MODEL_MODEL_H

#include "base/base.h"
#include "profile/profile.h"

struct nvsr_model;

/* Power on a subsystem as @p describes it; unknown values take the model's defaults.  0 or negative errno. */
int nvsr_model_create(const struct nvsr_profile *p, struct nvsr_model **ret);
struct nvsr_model *nvsr_model_destroy(struct nvsr_model *m);

/* Every seeded defect, from defects.def. */
struct nvsr_defect { const char *name, *requirements /* "VIRT-37 VIRT-38" */, *text /* what the drive does wrong */; };
extern const struct nvsr_defect nvsr_defects[];
extern const size_t nvsr_defect_count;
const struct nvsr_defect *nvsr_defect_find(const char *name);
/*
 * Lies, from lies.c: answers that no reader may trust.  A defect is caught by the tests that name it; a lie need not be, but
 * whoever reads it has to end with a verdict.
 */
struct nvsr_lie { const char *name, *text /* what the device says */; };
extern const size_t nvsr_lie_count;
const struct nvsr_lie *nvsr_lie_at(size_t i);
const struct nvsr_lie *nvsr_lie_find(const char *name);
/* Switch a defect or a lie on, before any other use of the model.  0, -ENOENT or -ENOMEM. */
int nvsr_model_set_defect(struct nvsr_model *m, const char *name);

/**
 * nvsr_model_use_state() - let the subsystem outlive the process: what survives a power cycle is kept in a file.
 * @path: the file; when there is one it is read, as at power on, else the model stays new
 * @complaint: filled on failure: the file, what is wrong with it and what was expected
 *
 * Right after creation and the defects.  From now on the file is replaced, durably, when power goes -
 * nvsr_model_power_cycle() and nvsr_model_destroy() - and before a command completes whose effect outlives power; a failure
 * then is told on stderr and the file stays as it was.  One model at a time uses a file.
 *
 * Return: 0; -EINVAL when the file is damaged, of another version or of another device; a negative errno when it cannot
 * be read or written.  The model does not use the file then, and nothing was half read.
 */
int nvsr_model_use_state(struct nvsr_model *m, const char *path, struct nvsr_complaint *complaint);

/* --- what the root port does ------------------------------------------------------------------------------- */

/* Routing id (bus << 8 | devfn) of the PF; the host numbers the rest by First VF Offset and VF Stride. */
uint16_t nvsr_model_pf_rid(const struct nvsr_model *m);
/* Configuration read of 1, 2 or 4 bytes; all ones when no function answers (Unsupported Request). */
uint32_t nvsr_model_cfg_read(struct nvsr_model *m, uint16_t rid, unsigned off, unsigned len);
void nvsr_model_cfg_write(struct nvsr_model *m, uint16_t rid, unsigned off, unsigned len, uint32_t val);
/* Memory read and write of 1, 2, 4 or 8 bytes at a bus address; decoded by the BARs; all ones where nothing answers. */
uint64_t nvsr_model_mem_read(struct nvsr_model *m, uint64_t addr, unsigned len);
void nvsr_model_mem_write(struct nvsr_model *m, uint64_t addr, unsigned len, uint64_t val);
/* Conventional (hot) reset of the slot; main power off and on.  Namespaces and persistent settings stay. */
void nvsr_model_hot_reset(struct nvsr_model *m);
void nvsr_model_power_cycle(struct nvsr_model *m);

/* --- host memory: DMA domains, one per host or VM ------------------------------------------------------------- */

/* Functions start in domain 0.  An access outside the function's domain is a fault: it moves nothing, is recorded. */
void nvsr_model_set_domain(struct nvsr_model *m, uint16_t rid, unsigned domain);
/* Map @len bytes at @ptr as @iova in @domain (page multiples).  0 or negative errno. */
int nvsr_model_map(struct nvsr_model *m, unsigned domain, uint64_t iova, void *ptr, size_t len);
void nvsr_model_unmap(struct nvsr_model *m, unsigned domain, uint64_t iova);

struct nvsr_model_fault { uint16_t rid; unsigned domain; uint64_t iova; bool write; };
/* Number of faults so far; the last one in *ret when there was one (ret may be NULL). */
uint64_t nvsr_model_faults(const struct nvsr_model *m, struct nvsr_model_fault *ret);

/* --- real time: doorbells in memory, device threads ----------------------------------------------------------------------- */

/**
 * nvsr_model_share_doorbells() - take the doorbells of a function from memory instead of register writes.
 * @page: what BAR0 has from 1000h on, @words of 4 bytes, written by the host as it would write the registers; NULL ends it
 *
 * Nothing happens by itself then: nvsr_model_poll() looks.  A queue that is created begins with doorbells of 0.
 *
 * Return: 0, -ENODEV no such function, -EINVAL no room for the doorbells of all its queues.
 */
int nvsr_model_share_doorbells(struct nvsr_model *m, uint16_t rid, uint32_t *page, unsigned words);
/**
 * nvsr_model_poll() - do what the doorbells of one function ask for, @most commands of each queue at a time.
 * @alone: no other thread is in the model
 *
 * Without @alone, threads may poll different functions at the same time as long as nobody calls anything else of the model; they
 * execute Read and Write with every check, and leave all other commands where they are.
 *
 * Return: commands executed; *ret_alone true when something waits for a call with @alone.
 */
unsigned nvsr_model_poll(struct nvsr_model *m, uint16_t rid, unsigned most, bool alone, bool *ret_alone);
/* True when a doorbell of the function has changed since it was last polled. */
bool nvsr_model_rung(struct nvsr_model *m, uint16_t rid);
/* When the next thing is due by itself, UINT64_MAX: never. */
uint64_t nvsr_model_due(const struct nvsr_model *m);

/* --- interrupts and time ---------------------------------------------------------------------------------------- */

/* MSI-X messages arrive here: a memory write of @data to @addr by function @rid. */
typedef void (*nvsr_model_msi_fn)(void *arg, uint16_t rid, uint64_t addr, uint32_t data);
void nvsr_model_on_msi(struct nvsr_model *m, nvsr_model_msi_fn fn, void *arg);
/* Virtual time in ns since power on, and letting it pass (the device does what became due). */
uint64_t nvsr_model_now(const struct nvsr_model *m);
void nvsr_model_advance(struct nvsr_model *m, uint64_t ns);

#endif
