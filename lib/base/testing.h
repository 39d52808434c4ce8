/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests: a process that tells when it is ready, and ends with the test however that ends. */
#ifndef NVSR_BASE_TESTING_H
#define NVSR_BASE_TESTING_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/base.h"

/* @run: exit code 1 unless it returns 0; it writes a byte to @ready_fd.  Without that there is nothing to test. */
static inline pid_t child_begin(int (*run)(int ready_fd, void *arg), void *arg)
{
	int fd[2];
	char byte;
	pid_t pid;

	if (pipe(fd) || (pid = fork()) < 0) {
		perror("a process for the test");
		exit(1);
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		close(fd[0]);
		_exit(run(fd[1], arg) ? 1 : 0);
	}
	close(fd[1]);
	if (read(fd[0], &byte, 1) != 1) {
		fprintf(stderr, "a process of the test ended before it was ready\n");
		exit(1);
	}
	close(fd[0]);
	return pid;
}

/* Its status, as waitpid() gives it. */
static inline int child_end(pid_t pid, int sig)
{
	int status = -1;

	kill(pid, sig);
	waitpid(pid, &status, 0);
	return status;
}

#endif
