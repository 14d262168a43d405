/* siegel-est: EST behind the edge, on est.sock. */
#include "enroll/est/est.h"
#include "lib/daemon.h"
#include "lib/limits.h"
#include "lib/sock.h"

static int
run(const struct config *c, struct error *e)
{
	struct est *est = NULL;
	struct http_server *server = NULL;
	uid_t edge;
	int fd = -1;
	if (sock_user(config_str(c, OPT_peers_edge), &edge, e) < 0 || est_open(c, &est, e) < 0)
		return -1;
	struct http_options options = {
	    .max_connections = (int)config_int(c, OPT_est_connections),
	    .max_body_bytes = LIMIT_BODY_BYTES,
	    .refuse = est_refuse,
	    .handle = est_handle,
	    .edge = &edge,
	    .ctx = est,
	};
	/* The edge runs as another user of the socket folder's group. */
	int result = sock_listen(c, "est", 0660, &fd, e);
	if (result == 0)
		result = http_serve(fd, &options, &server, e);
	if (result == 0) {
		daemon_ready();
		daemon_wait();
		http_stop(server);
	}
	est_close(est);
	return result;
}

int
main(int argc, char **argv)
{
	static const struct daemon est = {
	    .name = "est",
	    .summary = "EST (RFC 7030): certificates for devices over HTTPS",
	    .run = run,
	};
	return daemon_main(&est, argc, argv);
}
