/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device that lies makes of its answers.  A model without lies gives them as they are. */
#ifndef NVSR_MODEL_LIES_H
#define NVSR_MODEL_LIES_H

#include "model/internal.h"

/* A configuration or property read of @len bytes at @off that should give @val. */
uint32_t m_lie_cfg(const struct m_ctrl *c, unsigned off, unsigned len, uint32_t val);
uint64_t m_lie_reg(const struct m_ctrl *c, uint64_t off, unsigned len, uint64_t val);
/* Data of a command for the host: true when *ret_buf is a changed copy, to be freed, that goes out instead of @buf. */
bool m_lie_data(const struct m_ctrl *c, const struct m_cmd *cmd, const void *buf, size_t len, uint8_t **ret_buf);
/* A completion entry, changed in place; how often it is posted. */
unsigned m_lie_cqe(const struct m_ctrl *c, struct nvme_cqe *e);
/* 0, -ENOENT or -ENOMEM. */
int m_lie_tell(struct nvsr_model *m, const char *name);
void m_lies_free(struct nvsr_model *m);

#endif
