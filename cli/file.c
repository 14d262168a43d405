#include <config.h>

#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"

static bool
is_stream(const char *path)
{
	return strcmp(path, "-") == 0;
}

int
file_read_octets(const char *path, struct buf *ret, struct error *e)
{
	FILE *f = is_stream(path) ? stdin : fopen(path, "re");
	char block[8192];
	bool bad;
	size_t n;

	if (!f)
		return fail(e, E_UNAVAILABLE, "can't open %s: %s", path, strerror(errno));
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(ret, block, n);
	explicit_bzero(block, sizeof(block));
	bad = ferror(f) != 0;
	if (f != stdin)
		fclose(f);
	if (bad)
		return fail(e, E_UNAVAILABLE, "can't read %s", path);
	if (ret->overflow)
		return fail(e, E_TOO_LARGE, "%s has more than %zu bytes", path, ret->max);
	return 0;
}

int
file_read(struct arena *a, const char *path, size_t max, const char **ret, struct error *e)
{
	BUF_CLEANUP struct buf b = BUF_INIT(max);

	if (file_read_octets(path, &b, e) < 0)
		return -1;
	if (b.len > 0 && memchr(b.data, 0, b.len))
		return fail(e, E_BAD_VALUE, "%s holds a NUL, so it isn't text", path);
	*ret = arena_strndup(a, b.len ? (char *)b.data : "", b.len);
	return 0;
}

static int
write_full(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int
file_write(struct arena *a, const char *path, const void *data, size_t len, mode_t mode, struct error *e)
{
	char *temporary = arena_printf(a, "%s.XXXXXX", path);
	bool done;
	int fd;

	if (is_stream(path)) {
		if (fwrite(data, 1, len, stdout) != len || fflush(stdout) != 0)
			return fail(e, E_UNAVAILABLE, "can't write to standard output: %s", strerror(errno));
		return 0;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return fail(e, E_UNAVAILABLE, "can't write %s: %s", path, strerror(errno));
	done = fchmod(fd, mode) == 0 && write_full(fd, data, len) == 0 && fsync(fd) == 0;
	done = close(fd) == 0 && done;
	if (done && rename(temporary, path) == 0)
		return 0;
	fail(e, E_UNAVAILABLE, "can't write %s: %s", path, strerror(errno));
	unlink(temporary);
	return -1;
}

int
file_possible(struct arena *a, const char *path, struct error *e)
{
	char *folder = arena_strdup(a, path), *slash = strrchr(folder, '/');
	struct stat st;

	if (is_stream(path))
		return 0;
	if (slash)
		slash[slash == folder] = '\0';
	if (access(slash ? folder : ".", W_OK | X_OK) < 0)
		return fail(e, E_UNAVAILABLE, "can't write %s: %s", path, strerror(errno));
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return fail(e, E_BAD_VALUE, "can't write %s: it is a folder", path);
	return 0;
}

int
file_absent(const char *path, struct error *e)
{
	struct stat st;

	if (!is_stream(path) && lstat(path, &st) == 0)
		return fail(e, E_CONFLICT, "%s is there already: no key or secret overwrites it", path);
	return 0;
}
