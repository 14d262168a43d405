#include "hsm/filestore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/limits.h"
#include "lib/seal.h"
#include "lib/x509/keytype.h"

static int
key_path(const char *dir, const char *name, char *ret, size_t size, struct error *e)
{
	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name) || !*name)
		return fail(e, E_KEY_STORE, "a key's name is of small letters, digits and \"-\"");
	if ((size_t)snprintf(ret, size, "%s/%s.key", dir, name) >= size)
		return fail(e, E_KEY_STORE, "the key store's path is too long");
	return 0;
}

static bool
sync_folder(const char *dir)
{
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = folder >= 0 && fsync(folder) == 0;
	if (folder >= 0)
		close(folder);
	return done;
}

/* Written under another name first: nobody ever reads half of it. */
int
filestore_write(const char *dir, const char *path, struct bytes data, struct error *e)
{
	char new[600];
	snprintf(new, sizeof(new), "%s/.new-%ld", dir, (long)getpid());
	unlink(new); /* of a process with that number that was ended */
	int fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(e, E_KEY_STORE, "%s: %s", new, strerror(errno));
	bool done = write(fd, data.data, data.len) == (ssize_t)data.len && fsync(fd) == 0;
	done = close(fd) == 0 && done;
	done = done && link(new, path) == 0; /* fails for a name that exists */
	unlink(new);
	if (!done || !sync_folder(dir))
		return fail(e, E_KEY_STORE, "%s can't be written durably", path);
	return 0;
}

int
filestore_save(const char *dir, const char *name, const struct master *master, EVP_PKEY *key, struct error *e)
{
	char path[512], context[128];
	struct secret *der CLEANUP(secret_free) = NULL;
	struct buf sealed BUF_CLEANUP = BUF_INIT(LIMIT_CERT_BYTES);
	if (key_path(dir, name, path, sizeof(path), e) < 0)
		return -1;
	if (keytype_to_pkcs8(key, &der, e) < 0)
		return -1;
	snprintf(context, sizeof(context), "key-store:%s", name);
	return seal(master->keys[0].key, context, der->data, der->len, &sealed, e) < 0
	    ? -1
	    : filestore_write(dir, path, (struct bytes){sealed.data, sealed.len}, e);
}

int
filestore_load(const char *dir, const char *name, const struct master *master, EVP_PKEY **ret, struct error *e)
{
	char path[512], context[128];
	uint8_t data[LIMIT_SECRET_FILE_BYTES * 4];
	if (key_path(dir, name, path, sizeof(path), e) < 0)
		return -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(e, E_KEY_STORE, "%s: %s", path, strerror(errno));
	ssize_t n = read(fd, data, sizeof(data));
	close(fd);
	if (n <= 0 || (size_t)n == sizeof(data))
		return fail(e, E_KEY_STORE, "%s is no key of this store", path);
	snprintf(context, sizeof(context), "key-store:%s", name);
	struct secret *plain CLEANUP(secret_free) = NULL;
	int rc = -1;
	for (size_t i = 0; rc < 0 && i < master->n; i++)
		rc = seal_open(master->keys[i].key, context, (struct bytes){data, (size_t)n}, &plain, e);
	return rc < 0 ? -1 : keytype_from_pkcs8((struct bytes){plain->data, plain->len}, ret, e);
}

int
filestore_delete(const char *dir, const char *name, struct error *e)
{
	char path[512];
	if (key_path(dir, name, path, sizeof(path), e) < 0)
		return -1;
	if (unlink(path) < 0)
		return errno == ENOENT ? fail(e, E_NOT_FOUND, "the encrypted key store doesn't hold that key")
				       : fail(e, E_KEY_STORE, "%s: %s", path, strerror(errno));
	return sync_folder(dir) ? 0 : fail(e, E_KEY_STORE, "%s can't be deleted durably", path);
}
