/* siegel-acme: ACME behind the edge, on acme.sock. */
#include "enroll/acme/acme.h"
#include "lib/daemon.h"
#include "lib/limits.h"
#include "lib/sock.h"

static int
run(const struct config *c, struct error *e)
{
	struct acme *acme = NULL;
	struct http_server *server = NULL;
	uid_t edge;
	int fd = -1;
	if (sock_user(config_str(c, OPT_peers_edge), &edge, e) < 0 || acme_open(c, &acme, e) < 0)
		return -1;
	struct http_options options = {
	    .max_connections = (int)config_int(c, OPT_acme_connections),
	    .max_body_bytes = LIMIT_BODY_BYTES,
	    .refuse = acme_refuse,
	    .handle = acme_handle,
	    .edge = &edge,
	    .ctx = acme,
	};
	/* The edge runs as another user of the socket folder's group. */
	int result = sock_listen(c, "acme", 0660, &fd, e);
	if (result == 0)
		result = http_serve(fd, &options, &server, e);
	if (result == 0) {
		daemon_ready();
		daemon_wait();
		http_stop(server);
	}
	acme_close(acme);
	return result;
}

int
main(int argc, char **argv)
{
	static const struct daemon acme = {
	    .name = "acme",
	    .summary = "ACME (RFC 8555): certificates for servers over HTTP",
	    .run = run,
	};
	return daemon_main(&acme, argc, argv);
}
