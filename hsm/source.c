#include "hsm/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREDENTIAL "credential:"
#define FILE_SCHEME "file:"

int
source_check(const char *source, struct error *e)
{
	const char *name = source + strlen(CREDENTIAL);
	if (source[0] == '/' || (strncmp(source, FILE_SCHEME, strlen(FILE_SCHEME)) == 0 && source[strlen(FILE_SCHEME)] == '/'))
		return 0;
	if (strncmp(source, CREDENTIAL, strlen(CREDENTIAL)) == 0 && *name && !strchr(name, '/') && name[0] != '.')
		return 0;
	return fail(e, E_BAD_VALUE, "\"%s\": an absolute path or credential:name is wanted", source);
}

/* systemd guards the folder, and lets the service's user in by an access list: the mode then shows the group's bits. */
static int
read_credential(int fd, const char *name, size_t max, struct secret **ret, struct error *e)
{
	struct secret *s CLEANUP(secret_free) = secret_new(NULL, max + 1);
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 027))
		return fail(e, E_BAD_VALUE, "the credential %s isn't a file that only its service may read", name);
	size_t n = 0;
	for (ssize_t got = 1; got > 0 && n <= max; n += (size_t)got) {
		got = read(fd, s->data + n, max + 1 - n);
		if (got < 0)
			return fail(e, E_UNAVAILABLE, "the credential %s can't be read: %s", name, strerror(errno));
	}
	if (n > max)
		return fail(e, E_TOO_LARGE, "the credential %s holds more than the allowed %zu bytes", name, max);
	if (n > 0 && s->data[n - 1] == '\n')
		n--;
	*ret = secret_new(s->data, n);
	return 0;
}

int
source_read(const char *source, size_t max, struct secret **ret, struct error *e)
{
	char path[512];
	if (source_check(source, e) < 0)
		return -1;
	if (source[0] == '/')
		return secret_read_file(source, max, ret, e);
	if (strncmp(source, FILE_SCHEME, strlen(FILE_SCHEME)) == 0)
		return secret_read_file(source + strlen(FILE_SCHEME), max, ret, e);
	const char *name = source + strlen(CREDENTIAL), *dir = getenv("CREDENTIALS_DIRECTORY");
	if (!dir || (size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return fail(e, E_UNAVAILABLE, "there is no credential %s: this process wasn't started with credentials (LoadCredential=)", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0)
		return fail(e, E_UNAVAILABLE, "the credential %s can't be opened: %s", name, strerror(errno));
	int rc = read_credential(fd, name, max, ret, e);
	close(fd);
	return rc;
}
