// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine in fio: data is verified through every way that a command can take, errors of the device are errors of fio, and data
 * that is wrong does not pass.  Needs fio and the engine; run from the top of the project.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "runners/perf/testing.h"
#include "virtio/back.h"

static unsigned failures;
static char folder[] = "/tmp/nvsr-engine-test-XXXXXX";
#define EXPECT(cond, ...) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #cond); \
	fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); } } while (0)

enum { VFS = 2 };
static struct nvsr_back_stats *stats;	/* of the back end */

static char *in_folder(const char *name)
{
	return nvsr_asprintf("%s/%s", folder, name);
}

/* --- the device --------------------------------------------------------------------------------------------------------------- */

/* Killed processes leave their sockets behind. */
static void remove_from_folder(const char *name)
{
	_cleanup_free_ char *path = in_folder(name);

	unlink(path);
}

static pid_t begin_with(const char *defect, unsigned vectors)
{
	_cleanup_free_ char *socket = in_folder("device");
	struct served device = { .socket = socket, .vfs = VFS, .queues = 4, .vectors = vectors, .namespace_bytes = 64u << 20,
				 .defect = defect };

	return child_begin(served_run, &device);
}

static pid_t begin(const char *defect)
{
	return begin_with(defect, 0);
}

static void end(pid_t pid)
{
	EXPECT(!child_end(pid, SIGTERM), "the device");
}

/* --- a back end for VF 1 ------------------------------------------------------------------------------------------------------ */

static int back(int ready_fd, void *poll)
{
	_cleanup_free_ char *socket = in_folder("back"), *device = nvsr_asprintf("unix:%s/device", folder);

	return nvsr_back_run(&(struct nvsr_back_options){ .socket = socket, .device = device, .vfn = 1, .nsid = 2, .qid_first = 1,
							  .poll = poll, .cpu = -1, .ready_fd = ready_fd, .stats = stats }, NULL);
}

/* --- fio: its exit code; what it said is in @ret ----------------------------------------------------------------------------- */

static int fio(const char *options, char **ret)
{
	_cleanup_free_ char *log = in_folder("fio.log");
	_cleanup_free_ char *line = nvsr_asprintf("exec timeout -k 5 60 fio --thread=1 --ioengine=external:$PWD/build/nvsr-fio.so "
						  "--device=unix:%s/device --backend=%s/back %s > %s 2>&1", folder, folder, options, log);
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	if (nvsr_read_file(log, 1u << 20, ret, NULL))
		*ret = strdup("");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const char *options, int code, const char *text)
{
	_cleanup_free_ char *said = NULL;
	int rc = fio(options, &said);

	EXPECT(code < 0 ? rc != 0 : rc == code, "exit code %d of %s\n%s", rc, options, said);
	EXPECT(!text || strstr(said, text), "\"%s\" of %s\n%s", text, options, said);
}

#define VERIFY "--verify=crc32c --do_verify=1 --verify_state_save=0 --rw=randwrite "

static void data_is_verified(void)
{
	pid_t pid = begin(NULL);

	expect("--name=v --function=pf --nsid=1 --path=polled " VERIFY "--bs=4k --size=16m --iodepth=16", 0, NULL);
	expect("--name=v --function=vf1 --nsid=2 --path=polled " VERIFY "--bs=4k --size=16m --iodepth=16", 0, NULL);
	expect("--name=v --function=vf1 --nsid=2 --path=interrupt " VERIFY "--bs=4k --size=16m --iodepth=16", 0, NULL);
	expect("--name=v --function=vf2 --nsid=3 --path=polled " VERIFY "--bs=16m --size=64m --iodepth=4", 0, NULL);
	expect("--name=v --function=vf2 --nsid=3 --path=interrupt " VERIFY "--bsrange=512-1m --bs_unaligned=0 --blockalign=512 --size=32m --iodepth=32", 0, NULL);
	/* several jobs, each with a queue of its own, on one function and on two */
	expect("--name=v --function=vf1 --nsid=2 --path=interrupt " VERIFY "--bs=4k --size=8m --numjobs=4 --offset_increment=16m --iodepth=8", 0, NULL);
	expect("--function=vf1 --nsid=2 --path=polled " VERIFY "--bs=4k --size=16m --iodepth=8 --name=a --name=b --function=vf2 --nsid=3", 0, NULL);
	expect("--name=f --function=vf1 --nsid=2 --path=interrupt --rw=randwrite --bs=4k --size=1m --fsync=4", 0, NULL);
	end(pid);
}

/* Fewer vectors than queues.  A job that misses an interrupt sleeps for a second. */
static void jobs_share_a_vector(void)
{
	pid_t pid = begin_with(NULL, 1);

	expect("--name=s --function=vf1 --nsid=2 --path=interrupt --rw=randread --bs=4k --iodepth=1 --numjobs=4 --number_ios=5000 "
	       "--max_latency=900ms", 0, NULL);
	end(pid);
}

static void data_goes_through_virtqueues(bool poll)
{
	pid_t pid = begin(NULL), back_pid = child_begin(back, poll ? &poll : NULL);

	expect("--name=v --path=virtio " VERIFY "--bs=4k --size=16m --iodepth=16", 0, NULL);
	expect("--name=v --path=vhost " VERIFY "--bs=16m --size=64m --iodepth=4", 0, NULL);
	expect("--name=v --path=virtio " VERIFY "--bsrange=512-1m --bs_unaligned=0 --blockalign=512 --size=32m --iodepth=32", 0, NULL);
	expect("--name=v --path=virtio " VERIFY "--bs=4k --size=8m --numjobs=4 --offset_increment=16m --iodepth=8", 0, NULL);
	expect("--name=f --path=virtio --rw=randwrite --bs=4k --size=1m --fsync=4", 0, NULL);
	EXPECT(!child_end(back_pid, SIGTERM), "the back end");
	expect("--name=n --path=virtio --rw=randread --bs=4k", -1, "No such file or directory");
	end(pid);
}

static void errors_arrive(void)
{
	pid_t pid = begin(NULL);

	expect("--name=e --function=vf1 --nsid=3 --path=polled --rw=randread --bs=4k", -1, "namespace 3: is not attached");
	expect("--name=e --function=vf3 --nsid=2 --path=polled --rw=randread --bs=4k", -1, "no such function");
	expect("--name=e --function=vf0 --nsid=2 --path=polled --rw=randread --bs=4k", -1, "expected pf or vfN");
	expect("--name=e --function=vf1 --nsid=2 --path=teleport --rw=randread --bs=4k", -1, "expected null, polled, interrupt");
	expect("--name=e --function=vf1 --nsid=2 --path=polled --rw=randread --bs=4k --numjobs=5 --runtime=1 --time_based", -1, "more jobs than this function has queues");
	expect("--name=e --function=vf1 --nsid=2 --path=polled --rw=randread --bs=1000 --size=1000k", -1, "err=22");
	expect("--name=e --function=vf1 --nsid=2 --path=polled --rw=randtrim --bs=4k --size=1m", -1, "trims are not supported");
	end(pid);
	expect("--name=e --function=vf1 --nsid=2 --path=polled --rw=randread --bs=4k", -1, "nobody serves a device there");
}

/* One byte of the namespace of VF 1 is another. */
static void change_a_byte(void)
{
	static uint8_t block[4096];
	_cleanup_free_ char *where = nvsr_asprintf("unix:%s/device", folder);
	_cleanup_dev_ struct nvsr_dev *pf = NULL;
	_cleanup_dev_ struct nvsr_dev *vf = NULL;
	struct nvsr_complaint complaint;
	int rc = nvsr_dev_open(where, NULL, NULL, &pf, &complaint);

	/* The device hears a moment later that fio has ended. */
	for (unsigned i = 0; !rc && i < 200; i++) {
		rc = nvsr_dev_open_vf(pf, 1, &vf);
		if (rc != -EBUSY)
			break;
		rc = 0;
		nvsr_sleep_ns(10 * NVSR_MS, NULL);
	}
	rc = rc ? rc : nvsr_rw(vf, false, 2, 1000, 8, block, sizeof(block));
	block[2000] ^= 1;
	rc = rc ? rc : nvsr_rw(vf, true, 2, 1000, 8, block, sizeof(block));
	EXPECT(!rc, "%d", rc);
}

static void wrong_data_does_not_pass(void)
{
	static const char job[] = "--name=w --function=vf1 --nsid=2 --path=polled --rw=randwrite --bs=4k --size=8m --iodepth=8 "
				  "--verify=crc32c --verify_state_save=0 --randseed=7 ";
	_cleanup_free_ char *write = nvsr_asprintf("%s--do_verify=0", job), *verify = nvsr_asprintf("%s--verify_only", job);
	pid_t pid = begin(NULL);

	expect(write, 0, NULL);
	expect(verify, 0, NULL);
	change_a_byte();
	expect(verify, -1, "crc32c: verify failed");
	end(pid);
}

/* Defects of the model that a load must run into. */
static void defects_are_noticed(void)
{
	static const struct { const char *defect, *options, *text; } table[] = {
		{ "cid-reuse-refused", "--name=a --function=vf1 --nsid=2 --path=polled --rw=randread --bs=4k --size=1m", "Command ID Conflict" },
		{ "vf-data-dma-as-vf1", "--name=a --function=vf2 --nsid=3 --path=polled --rw=randread --bs=4k --size=1m",
		  "Data Transfer Error" },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(table); i++) {
		pid_t pid = begin(table[i].defect);

		expect(table[i].options, -1, table[i].text);
		end(pid);
	}
}

static void kill_under_load(pid_t pid)
{
	_cleanup_free_ char *where = nvsr_asprintf("unix:%s/device", folder);
	_cleanup_dev_ struct nvsr_dev *pf = NULL;
	struct nvsr_complaint complaint;
	struct nvsr_served_stats s = { 0 };
	uint64_t until = nvsr_now_ns() + 30 * NVSR_S;

	if (!nvsr_dev_open(where, NULL, NULL, &pf, &complaint))
		while (s.commands < 10000 && nvsr_now_ns() < until && !nvsr_served_stats(pf, &s))
			nvsr_sleep_ns(NVSR_MS, NULL);
	kill(pid, SIGKILL);
}

/* The device dies under load: fio ends, and says so. */
static void a_dead_device_is_an_error(void)
{
	pid_t pid = begin(NULL), killer = fork();

	if (!killer) {
		kill_under_load(pid);
		_exit(0);
	}
	expect("--name=d --function=vf1 --nsid=2 --path=interrupt --rw=randread --bs=4k --iodepth=4 --runtime=20 --time_based", -1, "the device is gone");
	waitpid(killer, NULL, 0);
	waitpid(pid, NULL, 0);
	remove_from_folder("device");
}

/* The back end dies under load, or the device behind it, which it finds out. */
static void a_dead_back_end_is_an_error(bool poll, bool device)
{
	pid_t pid = begin(NULL), back_pid = child_begin(back, poll ? &poll : NULL), killer;
	uint64_t before = __atomic_load_n(&stats->requests, __ATOMIC_RELAXED), begun = nvsr_now_ns();

	killer = fork();
	if (!killer) {
		while (__atomic_load_n(&stats->requests, __ATOMIC_RELAXED) < before + 10000 && nvsr_now_ns() - begun < 30 * NVSR_S)
			nvsr_sleep_ns(NVSR_MS, NULL);
		kill(device ? pid : back_pid, SIGKILL);
		_exit(0);
	}
	expect("--name=d --path=virtio --rw=randread --bs=4k --iodepth=4 --runtime=20 --time_based", -1, "the back end is gone");
	EXPECT(nvsr_now_ns() - begun < 15 * NVSR_S, "%u ms", (unsigned)((nvsr_now_ns() - begun) / NVSR_MS));
	waitpid(killer, NULL, 0);
	child_end(back_pid, SIGTERM);
	child_end(pid, SIGTERM);
	remove_from_folder("back");
	remove_from_folder("device");
}

int main(void)
{
	if (access("build/nvsr-fio.so", R_OK)) {
		puts("1..0 # SKIP the fio engine is not built");
		return 0;
	}
	if (!mkdtemp(folder))
		return 1;
	stats = mmap(NULL, sizeof(*stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stats == MAP_FAILED)
		return 1;
	data_is_verified();
	jobs_share_a_vector();
	errors_arrive();
	wrong_data_does_not_pass();
	defects_are_noticed();
	a_dead_device_is_an_error();
	for (unsigned poll = 0; poll < 2; poll++) {
		data_goes_through_virtqueues(poll);
		a_dead_back_end_is_an_error(poll, false);
		a_dead_back_end_is_an_error(poll, true);
	}
	remove_from_folder("fio.log");
	EXPECT(!rmdir(folder), "%s: %s", folder, strerror(errno));
	return failures != 0;
}
