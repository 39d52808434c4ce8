/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What survives power, written to and read from a file: one walk over the state serves both directions. */
#ifndef NVSR_MODEL_STATE_H
#define NVSR_MODEL_STATE_H

#include "base/text.h"
#include "model/internal.h"

struct m_state {
	bool load;
	bool bad;		/* load: what was read cannot be; reads give zeros from there on */
	const uint8_t *in;	/* load: what is left to read */
	size_t left;
	struct nvsr_text out;	/* save */
};

/* @n bytes as they are; a number of 1, 2, 4 or 8 bytes, little-endian in the file; a bool; a rule for what was read. */
void m_state_bytes(struct m_state *s, void *p, size_t n);
void m_state_num(struct m_state *s, void *v, unsigned n);
#define M_STATE(s, v) m_state_num(s, &(v), sizeof(v))
void m_state_flag(struct m_state *s, bool *v);
void m_state_check(struct m_state *s, bool ok);

/* media.c: the blocks that were written.  A load makes *@md; the caller frees it, also after a bad one. */
void m_state_media(struct m_state *s, struct m_media **md);
/* resv.c: registrants and reservation; @ctrl_count: controllers there are. */
void m_state_resv(struct m_state *s, struct m_ns *ns, unsigned ctrl_count);

/* state.c: power goes, or may go without notice.  Nothing without a state file; a failure is told on stderr, there is nobody else. */
void m_state_save(struct nvsr_model *m);

#endif
