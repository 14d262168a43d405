/* main() of a fuzz target in `make check`: runs it over files, or over all files of its corpus folder
 * ($srcdir/tests/fuzz/corpus/<target without fuzz_>) when none is named. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/fuzz/fuzz.h"

static int
replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!f || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0) {
		perror(path);
		return -1;
	}
	/* Exactly its size, so that AddressSanitizer sees the first byte that is read beyond it. */
	data = malloc(size > 0 ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
		perror(path);
		exit(1);
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
	return 0;
}

static int
replay_folder(const char *folder)
{
	struct dirent *entry;
	int done = 0;
	DIR *dir = opendir(folder);

	if (!dir) {
		perror(folder);
		return 1;
	}
	while ((entry = readdir(dir))) {
		char *path;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0 || replay_file(path) < 0)
			exit(1);
		free(path);
		done++;
	}
	closedir(dir);
	printf("%s: %d inputs\n", folder, done);
	return done > 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/'), *srcdir = getenv("srcdir");
	char *folder;
	int status;

	if (argc > 1) {
		for (int i = 1; i < argc; i++)
			if (replay_file(argv[i]) < 0)
				return 1;
		return 0;
	}
	name = name ? name + 1 : argv[0];
	if (strncmp(name, "fuzz_", 5) == 0)
		name += 5;
	if (asprintf(&folder, "%s/tests/fuzz/corpus/%s", srcdir ? srcdir : ".", name) < 0)
		return 1;
	status = replay_folder(folder);
	free(folder);
	return status;
}
