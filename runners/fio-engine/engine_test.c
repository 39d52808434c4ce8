// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The engine in fio: data is verified through every way that a command can take, errors of the device are errors of fio, and data
 * that is wrong does not pass.  Needs fio and the engine; run from the top of the project.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "runners/perf/device.h"

static unsigned failures;
static char folder[] = "/tmp/nvsr-engine-test-XXXXXX";
#define EXPECT(cond, ...) do { if (!(cond)) { failures++; fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #cond); \
	fprintf(stderr, __VA_ARGS__); fputc('\n', stderr); } } while (0)

enum { VFS = 2 };

static char *in_folder(const char *name)
{
	return nvsr_asprintf("%s/%s", folder, name);
}

/* --- the device --------------------------------------------------------------------------------------------------------------- */

static int serve(int ready_fd, const char *defect)
{
	const char *const defects[] = { defect, NULL };
	_cleanup_free_ char *socket = in_folder("device");
	struct nvsr_load_device d;
	struct nvsr_profile *profile = NULL;
	struct nvsr_complaint complaint;
	int rc = nvsr_profile_load("reference", &profile, &complaint);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (!rc)
		rc = nvsr_load_open(&(struct nvsr_load_options){ .device = "model:", .profile = profile, .vfs = VFS, .queues = 4,
								 .namespace_bytes = 64u << 20, .defects = defects }, &d, &complaint);
	if (rc) {
		fprintf(stderr, "%s\n", complaint.text);
		return rc;
	}
	rc = nvsr_serve(&(struct nvsr_serve_options){ .pf = d.pf, .vf = d.vf, .vfs = d.vfs, .socket = socket, .spin = 64, .ready_fd = ready_fd });
	nvsr_load_close(&d);
	nvsr_profile_free(profile);
	return rc;
}

static pid_t begin(const char *defect)
{
	int fd[2];
	char byte;
	pid_t pid;

	if (pipe(fd))
		exit(1);
	pid = fork();
	if (!pid)
		_exit(serve(fd[1], defect) ? 1 : 0);
	close(fd[1]);
	EXPECT(read(fd[0], &byte, 1) == 1, "no device");
	close(fd[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

/* --- fio: its exit code; what it said is in @ret ----------------------------------------------------------------------------- */

static int fio(const char *options, char **ret)
{
	_cleanup_free_ char *log = in_folder("fio.log");
	_cleanup_free_ char *line = nvsr_asprintf("exec timeout 60 fio --thread=1 --ioengine=external:$PWD/build/nvsr-fio.so "
						  "--device=unix:%s/device %s > %s 2>&1", folder, options, log);
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
}

int main(void)
{
	if (access("build/nvsr-fio.so", R_OK)) {
		puts("1..0 # SKIP the fio engine is not built");
		return 0;
	}
	if (!mkdtemp(folder))
		return 1;
	data_is_verified();
	errors_arrive();
	wrong_data_does_not_pass();
	defects_are_noticed();
	a_dead_device_is_an_error();
	{
		_cleanup_free_ char *log = in_folder("fio.log"), *socket = in_folder("device");

		unlink(log);
		unlink(socket);
		rmdir(folder);
	}
	return failures != 0;
}
