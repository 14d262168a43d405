#include "enroll/common.h"
#include "lib/daemon.h"
#include "lib/http/http.h"
#include "lib/sock.h"

int
enroll_serve(const struct config *c, const char *name, const struct http_options *options, struct error *e)
{
	struct http_server *server = NULL;
	uid_t edge;
	int fd = -1;
	struct http_options o = *options;
	o.edge = &edge;
	/* The edge runs as another user of the socket folder's group. */
	if (sock_user(config_str(c, OPT_peers_edge), &edge, e) < 0 || sock_listen(c, name, 0660, &fd, e) < 0 ||
	    http_serve(fd, &o, &server, e) < 0)
		return -1;
	daemon_ready();
	daemon_wait();
	http_stop(server);
	return 0;
}
