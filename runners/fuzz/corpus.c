// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main() of a fuzz target without libFuzzer: every file of its corpus, or those that are named, runs through it once.  What
 * was found and mended stays so, with any compiler.
 */
#include <dirent.h>

#include "base/text.h"

#ifndef NVSR_CORPUS
#define NVSR_CORPUS "corpus"	/* make names the folder that belongs to each target */
#endif
#define INPUT_MAX (1u << 20)
#define LIMIT_S 5		/* for one input: what takes longer hangs */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	int rc = nvsr_read_file(path, INPUT_MAX, &data, &len);

	if (rc) {
		fprintf(stderr, "%s: %s\n", path, strerror(-rc));
		return 1;
	}
	/* The last words of a crash. */
	printf("%s\n", path);
	fflush(stdout);
	alarm(LIMIT_S);
	LLVMFuzzerTestOneInput((const uint8_t *)data, len);
	return 0;
}

static int run_folder(const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	unsigned n = 0;
	int bad = 0;

	while (d && (e = readdir(d))) {
		_cleanup_free_ char *path = e->d_name[0] == '.' ? NULL : nvsr_asprintf("%s/%s", folder, e->d_name);

		if (!path)
			continue;
		bad |= run_file(path);
		n++;
	}
	if (d)
		closedir(d);
	if (!n)
		fprintf(stderr, "%s: no corpus\n", folder);
	return bad || !n;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc < 2)
		return run_folder(NVSR_CORPUS);
	for (int i = 1; i < argc; i++)
		bad |= run_file(argv[i]);
	return bad;
}
