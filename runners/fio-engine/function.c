// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions of devices, each opened once for all jobs of this fio. */
#include <pthread.h>

#include "runners/fio-engine/engine.h"

#define QIDS 65536u
#define BUSY_NS (2 * NVSR_S)

struct nvsr_function {
	struct nvsr_function *next;
	char *device, *name;
	unsigned refs;
	struct nvsr_dev *pf, *dev;
	pthread_mutex_t lock;
	uint8_t used[QIDS / 8];
};

static struct nvsr_function *functions;
static pthread_mutex_t functions_lock = PTHREAD_MUTEX_INITIALIZER;

struct nvsr_dev *nvsr_function_dev(const struct nvsr_function *f) { return f->dev; }
void nvsr_function_lock(struct nvsr_function *f) { pthread_mutex_lock(&f->lock); }
void nvsr_function_unlock(struct nvsr_function *f) { pthread_mutex_unlock(&f->lock); }

/* "pf" is 0, "vf3" is 3; -1 anything else. */
static int vfn_of(const char *name)
{
	char *end;
	long n;

	if (!strcmp(name, "pf"))
		return 0;
	if (strncmp(name, "vf", 2) || name[2] < '1' || name[2] > '9')
		return -1;
	n = strtol(name + 2, &end, 10);
	return *end || n > 65535 ? -1 : (int)n;
}

static void function_free(struct nvsr_function *f)
{
	if (f->dev != f->pf)
		nvsr_dev_close(f->dev);
	nvsr_dev_close(f->pf);
	pthread_mutex_destroy(&f->lock);
	free(f->device);
	free(f->name);
	free(f);
}

/* Whoever had the function before may just have ended: the device hears of it a moment later. */
static int open_patiently(struct nvsr_function *f, unsigned vfn)
{
	uint64_t until = nvsr_now_ns() + BUSY_NS, cap;
	int rc;

	do {
		rc = vfn && !f->dev ? nvsr_dev_open_vf(f->pf, vfn, &f->dev) : 0;
		if (!vfn)
			f->dev = f->pf;
		if (!rc)
			rc = nvsr_reg_read(f->dev, NVME_REG_CAP, 8, &cap);
		if (rc == -EBUSY)
			nvsr_sleep_ns(10 * NVSR_MS, NULL);
	} while (rc == -EBUSY && nvsr_now_ns() < until);
	return rc;
}

static int function_open(struct nvsr_job *job, const char *device, const char *name, struct nvsr_function **ret)
{
	struct nvsr_function *f = calloc(1, sizeof(*f));
	struct nvsr_complaint complaint;
	int vfn = vfn_of(name), rc;

	if (!f)
		return nvsr_job_say(job, ENOMEM, "no memory");
	pthread_mutex_init(&f->lock, NULL);
	f->device = strdup(device);
	f->name = strdup(name);
	if (vfn < 0) {
		function_free(f);
		return nvsr_job_say(job, EINVAL, "function=%s: expected pf or vfN, as vf1", name);
	}
	rc = nvsr_dev_open(device, NULL, NULL, &f->pf, &complaint);
	if (rc) {
		function_free(f);
		return nvsr_job_say(job, -rc, "device=%s", complaint.text[0] ? complaint.text : strerror(-rc));
	}
	rc = open_patiently(f, (unsigned)vfn);
	if (rc) {
		function_free(f);
		return nvsr_job_say(job, rc < 0 ? -rc : EIO, "device=%s function=%s: %s", device, name,
				    rc == -EBUSY ? "another process has it" : rc == -ENODEV ? "there is no such function" :
				    rc > 0 ? nvme_status_name(rc) : strerror(-rc));
	}
	f->refs = 1;
	*ret = f;
	return 0;
}

int nvsr_function_get(struct nvsr_job *job, struct nvsr_function **ret)
{
	const char *device = job->o->device, *name = job->o->function ? job->o->function : "pf";
	struct nvsr_function *f;
	int rc = 0;

	if (!device)
		return nvsr_job_say(job, EINVAL, "device= is missing: expected unix:SOCKET");
	pthread_mutex_lock(&functions_lock);
	for (f = functions; f && (strcmp(f->device, device) || strcmp(f->name, name)); f = f->next)
		;
	if (f) {
		f->refs++;
	} else {
		rc = function_open(job, device, name, &f);
		if (!rc) {
			f->next = functions;
			functions = f;
		}
	}
	pthread_mutex_unlock(&functions_lock);
	if (!rc)
		*ret = f;
	return rc;
}

void nvsr_function_put(struct nvsr_function *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&functions_lock);
	if (!--f->refs) {
		for (struct nvsr_function **p = &functions; *p; p = &(*p)->next)
			if (*p == f) {
				*p = f->next;
				break;
			}
		function_free(f);
	}
	pthread_mutex_unlock(&functions_lock);
}

uint16_t nvsr_function_qid_get(struct nvsr_function *f)
{
	for (unsigned qid = 1; qid < QIDS; qid++)
		if (!(f->used[qid / 8] >> qid % 8 & 1)) {
			f->used[qid / 8] |= (uint8_t)(1u << qid % 8);
			return (uint16_t)qid;
		}
	return 0;
}

void nvsr_function_qid_put(struct nvsr_function *f, uint16_t qid)
{
	f->used[qid / 8] &= (uint8_t)~(1u << qid % 8);
}
