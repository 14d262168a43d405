/* siegel-scep: SCEP behind the edge, on scep.sock. */
#include "enroll/scep/scep.h"
#include "lib/daemon.h"
#include "lib/limits.h"
#include "lib/sock.h"

static int
run(const struct config *c, struct error *e)
{
	struct scep *scep = NULL;
	struct http_server *server = NULL;
	uid_t edge;
	int fd = -1;
	if (sock_user(config_str(c, OPT_peers_edge), &edge, e) < 0 || scep_open(c, &scep, e) < 0)
		return -1;
	struct http_options options = {
	    .max_connections = (int)config_int(c, OPT_scep_connections),
	    .max_body_bytes = LIMIT_BODY_BYTES,
	    .refuse = enroll_refuse,
	    .handle = scep_handle,
	    .edge = &edge,
	    .ctx = scep,
	    .drops_line_ends = true,
	};
	/* The edge runs as another user of the socket folder's group. */
	int result = sock_listen(c, "scep", 0660, &fd, e);
	if (result == 0)
		result = http_serve(fd, &options, &server, e);
	if (result == 0) {
		daemon_ready();
		daemon_wait();
		http_stop(server);
	}
	scep_close(scep);
	return result;
}

int
main(int argc, char **argv)
{
	static const struct daemon scep = {
	    .name = "scep",
	    .summary = "SCEP (RFC 8894): certificates for devices over HTTP",
	    .run = run,
	};
	return daemon_main(&scep, argc, argv);
}
