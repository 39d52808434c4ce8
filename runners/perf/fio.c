// SPDX-License-Identifier: GPL-2.0-or-later
/* fio: found, compared with what the engine was built for, started, watched, and its answer judged. */
#include <fcntl.h>
#include <limits.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "config.h"
#include "runners/perf/perf.h"

#define PATIENCE_NS NVSR_S	/* between SIGTERM and SIGKILL */
#define SAID_MAX (64u << 20)

/* --- a child with its output in memory ----------------------------------------------------------------------------------------- */

static void become(char *const *argv, int out, int err, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* Ctrl-C is for us, who then end it; nothing of ours outlives us. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int nvsr_program_start(char *const *argv, struct nvsr_fio_run *ret)
{
	struct nvsr_fio_run r = { .pid = -1 };
	pid_t parent = getpid();

	r.out = memfd_create("out", MFD_CLOEXEC);
	r.err = memfd_create("err", MFD_CLOEXEC);
	fflush(NULL);
	if (r.out >= 0 && r.err >= 0)
		r.pid = fork();
	if (!r.pid)
		become(argv, r.out, r.err, parent);
	if (r.pid < 0) {
		int rc = -errno;

		nvsr_fio_close(&r);
		return rc;
	}
	setpgid(r.pid, r.pid);	/* whoever comes first */
	r.started = nvsr_now_ns();
	*ret = r;
	return 0;
}

int nvsr_fio_start(const struct nvsr_fio *f, const char *job, struct nvsr_fio_run *ret)
{
	char *const argv[] = { f->program, (char *)"--output-format=json", (char *)"--eta=never", (char *)job, NULL };

	return nvsr_program_start(argv, ret);
}

bool nvsr_fio_ended(struct nvsr_fio_run *r, int *ret_status)
{
	pid_t pid;

	while ((pid = waitpid(r->pid, ret_status, WNOHANG)) < 0 && errno == EINTR)
		;
	if (pid == 0)
		return false;
	if (pid < 0)
		*ret_status = 0;
	r->pid = -1;
	return true;
}

void nvsr_fio_kill(struct nvsr_fio_run *r)
{
	uint64_t until = nvsr_now_ns() + PATIENCE_NS;
	int status;

	if (r->pid <= 0)
		return;
	kill(r->pid, SIGTERM);
	while (nvsr_now_ns() < until) {
		if (nvsr_fio_ended(r, &status))
			return;
		nvsr_sleep_ns(2 * NVSR_MS, NULL);
	}
	kill(r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->pid = -1;
}

char *nvsr_fio_said(int fd, size_t *ret_len)
{
	off_t end = lseek(fd, 0, SEEK_END);
	size_t len = end > 0 ? NVSR_MIN((size_t)end, (size_t)SAID_MAX) : 0, done = 0;
	char *text = malloc(len + 1);

	while (text && done < len) {
		ssize_t n = pread(fd, text + done, len - done, (off_t)done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (text)
		text[done] = '\0';
	if (ret_len)
		*ret_len = done;
	return text;
}

void nvsr_fio_close(struct nvsr_fio_run *r)
{
	nvsr_fio_kill(r);
	if (r->out >= 0)
		close(r->out);
	if (r->err >= 0)
		close(r->err);
	r->out = r->err = -1;
}

void nvsr_fio_finish(struct nvsr_fio_run *r, struct nvsr_said *ret)
{
	nvsr_fio_kill(r);
	*ret = (struct nvsr_said){ 0 };
	ret->json = nvsr_fio_said(r->out, &ret->json_len);
	ret->err = nvsr_fio_said(r->err, &ret->err_len);
	nvsr_fio_close(r);
}

/* --- finding it ------------------------------------------------------------------------------------------------------------- */

/* "fio-3.33", or NULL: it does not start, or is no fio. */
static char *ask_version(const char *program)
{
	char *const argv[] = { (char *)program, (char *)"--version", NULL };
	struct nvsr_fio_run r;
	uint64_t until = nvsr_now_ns() + 10 * NVSR_S;
	char *said = NULL;
	int status = -1;

	if (nvsr_program_start(argv, &r))
		return NULL;
	while (!nvsr_fio_ended(&r, &status) && !nvsr_stop && nvsr_now_ns() < until)
		nvsr_sleep_ns(NVSR_MS, NULL);
	if (!status)
		said = nvsr_fio_said(r.out, NULL);
	nvsr_fio_close(&r);
	if (said)
		said[strcspn(said, "\n ")] = '\0';
	if (said && strncmp(said, "fio-", 4)) {
		free(said);
		said = NULL;
	}
	return said;
}

/* The engine that was built with this program, or installed with it. */
char *nvsr_fio_engine_find(const char *engine)
{
	char exe[PATH_MAX] = "", *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	static const char *const beside[] = { "build/nvsr-fio.so", "nvsr-fio.so", "../lib/nvsr-conform/nvsr-fio.so" };

	if (engine)
		return realpath(engine, NULL);
	if (n > 0 && (slash = strrchr(exe, '/'))) {
		*slash = '\0';
		for (unsigned i = 0; i < NVSR_ARRAY_SIZE(beside); i++) {
			_cleanup_free_ char *path = nvsr_asprintf("%s/%s", exe, beside[i]);
			char *real = path ? realpath(path, NULL) : NULL;

			if (real)
				return real;
		}
	}
	return realpath("build/nvsr-fio.so", NULL);
}

/* What the engine was built for stands beside it. */
char *nvsr_fio_engine_version(const char *engine)
{
	size_t len = strlen(engine);
	_cleanup_free_ char *path = nvsr_asprintf("%.*s.version", (int)(len > 3 && !strcmp(engine + len - 3, ".so") ? len - 3 : len), engine);
	char *text = NULL;

	if (!path || nvsr_read_file(path, 256, &text, NULL))
		return NULL;
	text[strcspn(text, "\n ")] = '\0';
	return text;
}

static char *identify(const char *path)
{
	_cleanup_free_ char *data = NULL;
	uint64_t hash = 0xcbf29ce484222325ull;
	size_t len;

	if (nvsr_read_file(path, 256u << 20, &data, &len))
		return NULL;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)data[i]) * 0x100000001b3ull;
	return nvsr_asprintf("%016llx", (unsigned long long)hash);
}

static int find_program(const char *program, struct nvsr_fio *f)
{
	f->program = strdup(program ? program : "fio");
	f->version = f->program ? ask_version(f->program) : NULL;
	if (f->version)
		return 0;
	nvsr_say("%s: is not there, or is no fio; it is the load generator:\n  apt-get install fio", program ? program : "fio");
	return EXIT_USAGE;
}

bool nvsr_has_io_uring(void)
{
	struct io_uring_params p = { 0 };
	long fd = syscall(SYS_io_uring_setup, 1, &p);

	if (fd >= 0)
		close((int)fd);
	return fd >= 0;
}

int nvsr_fio_find_plain(const char *program, struct nvsr_fio *ret)
{
	struct nvsr_fio f = { 0 };
	int rc = find_program(program, &f);

	if (!rc) {
		f.engine_id = strdup(nvsr_has_io_uring() ? "io_uring" : "libaio");
		rc = f.engine_id ? 0 : EXIT_INCOMPLETE;
	}
	if (rc)
		nvsr_fio_free(&f);
	else
		*ret = f;
	return rc;
}

int nvsr_fio_find(const char *program, const char *engine, struct nvsr_fio *ret)
{
	struct nvsr_fio f = { 0 };
	_cleanup_free_ char *built_for = NULL;
	int rc = find_program(program, &f);

	if (rc)
		goto out;
	rc = EXIT_USAGE;
	f.engine = nvsr_fio_engine_find(engine);
	if (!f.engine) {
		if (engine)
			nvsr_say("%s: %s", engine, strerror(errno));
		else
			nvsr_say("the fio engine is not there: build/nvsr-fio.so beside this program; make builds it (make help: FIO_SRC)");
		goto out;
	}
	built_for = nvsr_fio_engine_version(f.engine);
	if (!built_for) {
		nvsr_say("%s: the file that says which fio it was built for, .version in place of .so, is not there", f.engine);
		goto out;
	}
	if (strcmp(built_for, f.version)) {
		nvsr_say("this fio is %s, the engine was built for %s: fio's engine interface is not stable; have the one, or build "
			 "the engine for the other (make)", f.version, built_for);
		goto out;
	}
	f.engine_id = identify(f.engine);
	rc = f.engine_id ? 0 : EXIT_INCOMPLETE;
	if (rc)
		nvsr_say("%s: cannot be read", f.engine);
out:
	if (rc)
		nvsr_fio_free(&f);
	else
		*ret = f;
	return rc;
}

void nvsr_fio_free(struct nvsr_fio *f)
{
	free(f->program);
	free(f->version);
	free(f->engine);
	free(f->engine_id);
	*f = (struct nvsr_fio){ 0 };
}

/* --- its answer ------------------------------------------------------------------------------------------------------------------ */

/* The first line on its standard error that says something. */
static char *first_words(const char *err)
{
	const char *from = err ? err + strspn(err, " \n") : "";

	if (!*from)
		return NULL;
	return nvsr_clean_text(from, NVSR_MIN(strcspn(from, "\n"), (size_t)200));
}

static char *judge_jobs(json_t *o, uint64_t *ret_ios, bool *ret_corrupt)
{
	static const char *const kinds[] = { "read", "write", "trim" };
	json_t *job;
	size_t i;

	json_array_foreach(json_object_get(o, "jobs"), i, job) {
		const char *name = json_string_value(json_object_get(job, "jobname"));
		json_int_t error = json_integer_value(json_object_get(job, "error"));
		json_int_t total = json_integer_value(json_object_get(job, "total_err"));

		*ret_corrupt |= error == EILSEQ;
		if (error || total)
			return nvsr_asprintf("fio: job %.40s: %s", name ? name : "?", error == EILSEQ ? "data differs from what was written" :
					     error ? strerror((int)error) : "I/O errors");
		for (unsigned k = 0; k < NVSR_ARRAY_SIZE(kinds); k++)
			*ret_ios += (uint64_t)json_integer_value(json_object_get(json_object_get(job, kinds[k]), "total_ios"));
	}
	return NULL;
}

char *nvsr_fio_judge(const char *json, int status, const char *err, bool *ret_corrupt)
{
	const char *from = json ? strchr(json, '{') : NULL;
	json_error_t error;
	json_t *o = from ? json_loads(from, JSON_DISABLE_EOF_CHECK, &error) : NULL;
	_cleanup_free_ char *words = first_words(err);
	uint64_t ios = 0;
	char *reason = NULL;

	*ret_corrupt = false;
	if (WIFSIGNALED(status)) {
		reason = nvsr_asprintf("fio was ended by signal %d%s%s", WTERMSIG(status), words ? ": " : "", words ? words : "");
	} else {
		if (o)
			reason = judge_jobs(o, &ios, ret_corrupt);
		if (!reason && WEXITSTATUS(status))
			reason = nvsr_asprintf("fio ended with exit code %d%s%s", WEXITSTATUS(status), words ? ": " : "", words ? words : "");
		if (!reason && !json_is_array(json_object_get(o, "jobs")))
			reason = nvsr_asprintf("fio's output is no JSON of jobs%s%s", words ? ": " : "", words ? words : "");
		if (!reason && !ios)
			reason = nvsr_asprintf("fio did no I/O%s%s", words ? ": " : "", words ? words : "");
	}
	json_decref(o);
	return reason;
}
