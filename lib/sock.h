/* Unix sockets: listening by path or by activation, peers by their user. */
#ifndef SIEGEL_LIB_SOCK_H
#define SIEGEL_LIB_SOCK_H
#include <sys/types.h>
#include "lib/config.h"

/* A listening stream socket named "<[sockets] dir>/<name>.sock", or the one that systemd passes under the name
 * "<name>" (FileDescriptorName=). mode are the permissions of a socket made by path; an old file there is replaced.
 * Non-blocking, close-on-exec. */
int sock_listen(const struct config *c, const char *name, mode_t mode, int *ret_fd, struct error *e) MUST_CHECK;
/* Connects to "<[sockets] dir>/<name>.sock"; blocking, close-on-exec. E_UNAVAILABLE when nobody listens. */
int sock_connect(const struct config *c, const char *name, int *ret_fd, struct error *e) MUST_CHECK;
/* The user at the other end (SO_PEERCRED). */
int sock_peer(int fd, uid_t *ret_uid, struct error *e) MUST_CHECK;
/* The uid of a system user by name. */
int sock_user(const char *name, uid_t *ret_uid, struct error *e) MUST_CHECK;

#endif
