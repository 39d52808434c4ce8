/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A partner host, as far as the network is concerned: a network namespace of its own, at the other end of a cable (veth).  It is named by
 * the process that made it and a number, as what is exported from it.
 */
#ifndef NVSR_RUNNERS_PERF_PARTNER_H
#define NVSR_RUNNERS_PERF_PARTNER_H

#include "nvsr.h"

struct nvsr_host;
/* NULL, or what the kernel lacks for it. */
const char *nvsr_partner_lacks(const struct nvsr_host *h);

#define NVSR_ADDRESS 16
/* IPv4 addresses of this host's end and of the partner's. */
void nvsr_partner_addresses(pid_t pid, unsigned i, char ret_here[NVSR_ADDRESS], char ret_there[NVSR_ADDRESS]);
#define NVSR_CABLE 16
/* This host's end, as network interfaces are called. */
void nvsr_partner_cable(pid_t pid, unsigned i, char ret[NVSR_CABLE]);
bool nvsr_partner_parse_cable(const char *name, unsigned *pid, unsigned *i);

/**
 * nvsr_partner_enter() - make a partner, and be there: sockets that this thread makes, or the kernel on its behalf, are the partner's.
 * @ret_home: for nvsr_partner_leave()
 *
 * The partner is there for as long as it has a socket, or this thread.
 *
 * Return: 0, or negative errno with *complaint: then this thread is where it was and nothing is left.
 */
int nvsr_partner_enter(pid_t pid, unsigned i, int *ret_home, struct nvsr_complaint *complaint);
/* 0 or negative errno; -1 as @home is fine. */
int nvsr_partner_leave(int home);
/* Without the cable.  Where there is none nothing is done. */
void nvsr_partner_undo(pid_t pid, unsigned i);

#endif
