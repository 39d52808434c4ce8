/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What serve.c, which answers requests, and serve_thread.c, which executes commands, both know. */
#ifndef NVSR_DEVICE_SERVE_PRIVATE_H
#define NVSR_DEVICE_SERVE_PRIVATE_H

#include <pthread.h>

#include "device/private.h"
#include "device/wire.h"
#include "model/model.h"

#define BELLS_BYTES 65536u		/* doorbells of a function, and struct nvsr_wire_bell at the end */
#define BELL_WORDS ((BELLS_BYTES - (unsigned)sizeof(struct nvsr_wire_bell)) / 4)
#define VECTORS 256u
#define QUEUES 256u

struct nvsr_server_map {
	struct nvsr_server_map *next;
	uint64_t iova;
	void *ptr;
	size_t len;
};

struct nvsr_server_function {
	struct nvsr_dev *d;
	int sock;			/* -1: nobody is connected */
	struct nvsr_server_thread *thread;
	uint32_t *bells;
	int bells_fd;
	struct nvsr_server_map *maps;
	int irq[VECTORS];		/* eventfds, -1 none */
	bool queue[QUEUES];		/* PF: I/O queues of whoever is connected */
};

struct nvsr_server;
struct nvsr_server_thread {
	struct nvsr_server *s;
	pthread_t id;
	bool started;
	int cpu, kick;
	uint64_t commands, wakeups, sleeps;
};

struct nvsr_server {
	const struct nvsr_serve_options *o;
	struct nvsr_model *model;
	uint64_t epoch;			/* the machine's time when the model's was 0 */
	struct nvsr_server_function *fn;	/* [0] PF */
	unsigned count;
	struct nvsr_server_thread *thread;
	unsigned threads;
	bool quit;
	uint64_t interrupts;
	/* Readers are device threads, which look at @waiting once a round. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned inside, waiting;
	bool taken;
	bool due;			/* something of the model waits for time to pass, as it was when it was last left */
	int tick;			/* an eventfd: that began */
};

/* The model is ours alone, and its clock is right, from take() to give(). */
void nvsr_server_take(struct nvsr_server *s);
void nvsr_server_give(struct nvsr_server *s);
/* False: the eventfd cannot take one more, and has told already. */
bool nvsr_server_poke(int fd);
/* For nvsr_model_on_msi(). */
void nvsr_server_msi(void *arg, uint16_t rid, uint64_t addr, uint32_t vector);
/* All of s->thread begin, or some and a negative errno; stop() ends those that began. */
int nvsr_server_start(struct nvsr_server *s);
void nvsr_server_stop(struct nvsr_server *s);
void nvsr_server_stats(const struct nvsr_server *s, struct nvsr_served_stats *ret);

#endif
