// SPDX-License-Identifier: GPL-2.0-or-later
/* What restore, resume and run do with input that is not what they expect, on a model that keeps its state in a file. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "runners/conform/conform.h"
#include "runners/conform/testing.h"

/* What main.c has for the program. */
const char nvsr_version[] = "test";
const struct nvsr_command *const nvsr_commands[] = { NULL };

static unsigned failed;
static char folder[] = "/tmp/nvsr-restore-XXXXXX";
static char *said;	/* by the last command */

#define EXPECT(cond) do { if (!(cond)) { failed++; \
	fprintf(stderr, "%s:%d: %s does not hold: %s\n", __FILE__, __LINE__, #cond, said ? said : ""); } } while (0)

static char *in_folder(const char *name)
{
	return nvsr_asprintf("%s/%s", folder, name);
}

/* Run a command; @F in @args is the folder.  @limit: bytes that a file may have, 0 = any.  The exit code. */
static int command(const struct nvsr_command *c, const char *args, rlim_t limit)
{
	_cleanup_free_ char *out = in_folder("said");
	struct nvsr_text line = { 0 };
	int status = 0;
	pid_t pid;

	for (; *args; args++) {
		bool here = args[0] == '@' && args[1] == 'F';

		nvsr_text_add(&line, "%s", here ? folder : "");
		nvsr_text_addn(&line, args, here ? 0 : 1);
		args += here;
	}
	pid = fork();
	if (pid == 0) {
		char *argv[32], *save = NULL;
		int argc = 0, fd = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
		struct rlimit most = { limit, limit };

		argv[argc++] = (char *)c->name;
		for (char *word = strtok_r(line.s, " ", &save); word && argc < 31; word = strtok_r(NULL, " ", &save))
			argv[argc++] = word;
		argv[argc] = NULL;
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		if (limit)
			setrlimit(RLIMIT_FSIZE, &most);
		exit(c->run(argc, argv));
	}
	nvsr_text_free(&line);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	free(said);
	said = NULL;
	nvsr_read_file(out, 1u << 20, &said, NULL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

#define MODEL "model: --model-state @F/state "

/* A state of our run, with @from replaced by @to, or cut off after @to bytes. */
static void put_state(const char *from, const char *to, size_t cut)
{
	_cleanup_free_ char *source = in_folder("run/state.json"), *target = in_folder("bad/state.json"), *bad = in_folder("bad");
	_cleanup_free_ char *text = NULL;
	struct nvsr_text out = { 0 };
	char *at;
	size_t len = 0;

	EXPECT(!nvsr_read_file(source, 1u << 20, &text, &len) && !nvsr_mkdirs(bad));
	at = from ? strstr(text, from) : NULL;
	EXPECT(!from || at);
	if (at) {
		nvsr_text_addn(&out, text, (size_t)(at - text));
		nvsr_text_add(&out, "%s%s", to, at + strlen(from));
	} else {
		nvsr_text_addn(&out, text, cut);
	}
	EXPECT(!nvsr_write_file(target, out.s, out.len));
	nvsr_text_free(&out);
}

static void bad_states(void)
{
	static const struct { const char *from, *to, *says; } bad[] = {
		{ NULL, NULL, "bad/state.json:" },
		{ "\"version\": 2", "\"version\": 1", "bad/state.json: version: expected 2, found 1: written by another version" },
		{ "NVSR0001", "NVSR0002", "is not the device of" },
		{ "\"namespaces\"", "\"Namespaces\"", "namespaces: expected a list of objects" },
		{ "\"nsze\": ", "\"nsze\": -", "namespaces[0].nsze: expected a number" },
	};

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(bad); i++) {
		put_state(bad[i].from, bad[i].to, 200);
		EXPECT(command(&nvsr_cmd_restore, MODEL "@F/bad", 0) == EXIT_USAGE && strstr(said, bad[i].says));
	}
	EXPECT(command(&nvsr_cmd_restore, MODEL "@F/nowhere", 0) == EXIT_USAGE && strstr(said, "nowhere/state.json: is not there"));
	EXPECT(command(&nvsr_cmd_restore, "model: @F/run", 0) == EXIT_USAGE && strstr(said, "nothing to restore"));
	EXPECT(command(&nvsr_cmd_restore, "model:qemu-nvme --model-state @F/state @F/run", 0) == EXIT_USAGE &&
	       strstr(said, "state of another device"));
}

static void one_at_a_time(void)
{
	_cleanup_free_ char *path = in_folder("state.lock");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	char owner[64];

	snprintf(owner, sizeof(owner), "another nvsr-conform works with it, process %d", (int)getpid());
	EXPECT(fd >= 0 && !flock(fd, LOCK_EX));
	EXPECT(command(&nvsr_cmd_run, MODEL "--out @F/second pf.claims.*", 0) == EXIT_USAGE && strstr(said, owner));
	EXPECT(command(&nvsr_cmd_restore, MODEL "@F/run", 0) == EXIT_USAGE && strstr(said, owner));
	EXPECT(command(&nvsr_cmd_probe, MODEL, 0) == EXIT_USAGE && strstr(said, owner));
	close(fd);
	EXPECT(command(&nvsr_cmd_probe, MODEL, 0) == EXIT_CONFORMS);
}

/* A namespace that somebody makes on the device in @state; its NSID, 0 = failed. */
static uint32_t make_namespace(const char *state)
{
	const struct nvsr_dev_options o = { .state = state };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_dev *pf = NULL;
	uint32_t nsid = 0;

	EXPECT(!nvsr_dev_open_with("model:", &o, &pf, &complaint) && !nvsr_ns_create(pf, 8192, 0, false, &nsid));
	nvsr_dev_close(pf);
	return nsid;
}

static bool has_namespace(const char *state, uint32_t nsid)
{
	const struct nvsr_dev_options o = { .state = state };
	struct nvsr_complaint complaint = { "" };
	struct nvsr_dev *pf = NULL;
	struct nvme_id_ns id;
	bool has;

	EXPECT(!nvsr_dev_open_with("model:", &o, &pf, &complaint));
	has = !nvsr_identify(pf, NVME_CNS_ALLOCATED_NS_ID, nsid, 0, &id) && le64_get(id.nsze);
	nvsr_dev_close(pf);
	return has;
}

/* What was made after a run is never deleted on its word, unless the run was cut off. */
static void made_since(const char *state)
{
	_cleanup_free_ char *journal = in_folder("run/journal.jsonl"), *text = NULL;
	uint32_t nsid = make_namespace(state);
	size_t len = 0;

	EXPECT(command(&nvsr_cmd_restore, MODEL "@F/run", 0) == EXIT_USAGE && strstr(said, "made or deleted since"));
	EXPECT(has_namespace(state, nsid));
	EXPECT(!nvsr_read_file(journal, 1u << 24, &text, &len) && !unlink(journal));
	EXPECT(command(&nvsr_cmd_restore, MODEL "@F/run", 0) == EXIT_USAGE && has_namespace(state, nsid));
	EXPECT(!chdir(folder) && !rename("run", "r") && !mkdir("run", 0755) && !rename("r", "run/1"));
	EXPECT(command(&nvsr_cmd_restore, MODEL, 0) == EXIT_USAGE && strstr(said, "run/1, left nothing behind"));
	EXPECT(!nvsr_write_file("run/1/journal.jsonl", text, len));
	EXPECT(command(&nvsr_cmd_restore, MODEL, 0) == EXIT_USAGE && strstr(said, "run/1, left nothing behind"));
	EXPECT(has_namespace(state, nsid));
	/* Without its last line the run was killed: what is new may be what it made. */
	EXPECT(len > 2);
	len = len > 2 ? len - 1 : 0;
	while (len && text[len - 1] != '\n')
		len--;
	EXPECT(!nvsr_write_file("run/1/journal.jsonl", text, len));
	EXPECT(command(&nvsr_cmd_restore, MODEL, 0) == EXIT_CONFORMS && !has_namespace(state, nsid));
	/* Of several devices each has a part of the run. */
	EXPECT(!mkdir("run/2", 0755) && !mkdir("run/2/1", 0755) && !rename("run/1", "run/2/2"));
	EXPECT(command(&nvsr_cmd_restore, MODEL, 0) == EXIT_CONFORMS && strstr(said, "was already as recorded in run/2/2/state.json"));
	EXPECT(command(&nvsr_cmd_restore, MODEL "@F/run/2", 0) == EXIT_CONFORMS && strstr(said, "run/2/2/state.json"));
}

/* A PF with the nvme driver again and a note that it was taken, in a made-up sysfs; no run knows of it. */
static void note_alone(void)
{
	static const char dev[] = "/sys/bus/pci/devices/0000:01:00.0/";
	_cleanup_free_ char *sys = in_folder("sys"), *run = in_folder("notes");
	_cleanup_free_ char *note = in_folder("notes/0000:01:00.0.taken.json");
	static const struct { const char *name, *text; } files[] = {
		{ "class", "0x010802\n" }, { "driver_override", "(null)\n" }, { "sriov_numvfs", "0\n" }, { "nvme/nvme0/state", "live\n" },
		{ "sriov_drivers_autoprobe", "1\n" },
	};
	static const char text[] = "{ \"version\": 2, \"driver\": \"nvme\", \"enable_sriov\": \"N\", \"config\": [], \"numvfs\": 2 }";

	for (size_t i = 0; i < NVSR_ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = nvsr_asprintf("%s%s%s", folder, dev, files[i].name), *dir = strdup(path);

		*strrchr(dir, '/') = '\0';
		EXPECT(!nvsr_mkdirs(dir) && !nvsr_write_file(path, files[i].text, strlen(files[i].text)));
	}
	EXPECT(!nvsr_mkdirs(run) && !nvsr_write_file(note, text, strlen(text)));
	EXPECT(!chdir(folder) && !symlink("../../drivers/nvme", "sys/bus/pci/devices/0000:01:00.0/driver"));
	setenv("NVSR_SYSFS", sys, 1);
	setenv("NVSR_RUN", run, 1);
	EXPECT(command(&nvsr_cmd_restore, "1:0.0", 0) == EXIT_CONFORMS && strstr(said, "given back to nvme") && access(note, F_OK));
	EXPECT(command(&nvsr_cmd_restore, "1:0.0", 0) == EXIT_USAGE && strstr(said, "no run directory"));
}

static int works(const char *device, struct nvsr_complaint *c)
{
	snprintf(c->text, sizeof(c->text), "%s refused", device);
	return -EBUSY;
}

static int hangs(const char *device, struct nvsr_complaint *c)
{
	while (pause())
		;
	return 0;
}

static int dies(const char *device, struct nvsr_complaint *c)
{
	_exit(0);
}

/* The driver of the kernel decides when a change ends. */
static void slow_drivers(void)
{
	struct nvsr_complaint c;

	EXPECT(nvsr_change_driver("x", works, 10, &c) == -EBUSY && !strcmp(c.text, "x refused"));
	EXPECT(nvsr_change_driver("x", hangs, 0, &c) == -ETIMEDOUT && strstr(c.text, "does not let go of it"));
	EXPECT(nvsr_change_driver("x", dies, 10, &c) == -EIO && strstr(c.text, "died"));
}

/* Nothing is changed before the state is on the disk. */
static void full_disk(const char *state)
{
	_cleanup_free_ char *before = read_device(state, true, true), *now = NULL, *diff = NULL;

	EXPECT(command(&nvsr_cmd_run, "model: --out @F/full namespace.create.*", 100) == EXIT_INCOMPLETE &&
	       strstr(said, "full/state.json: File too large"));
	EXPECT(command(&nvsr_cmd_run, MODEL "--out /proc/nowhere namespace.create.*", 0) == EXIT_USAGE && strstr(said, "/proc/nowhere: "));
	now = read_device(state, true, true);
	diff = difference_of(before, now);
	EXPECT(!diff);
}

int main(void)
{
	_cleanup_free_ char *clean = NULL, *state = NULL, *profiles = NULL;

	if (!mkdtemp(folder) || !(state = in_folder("state")))
		return 1;
	profiles = realpath(nvsr_profile_dir(), NULL);
	setenv("NVSR_PROFILES", profiles ? profiles : "", 1);	/* also from within the folder */
	EXPECT(command(&nvsr_cmd_run, MODEL "--out @F/run vf.online.*", 0) == EXIT_CONFORMS);
	EXPECT(command(&nvsr_cmd_restore, MODEL "@F/run", 0) == EXIT_CONFORMS && strstr(said, "was already as recorded"));
	bad_states();
	one_at_a_time();
	full_disk(state);
	made_since(state);
	note_alone();
	slow_drivers();
	clean = nvsr_asprintf("rm -r %s", folder);
	free(said);
	return failed || system(clean) ? 1 : 0;
}
