/* siegel-acme: ACME behind the edge, on acme.sock. */
#include "enroll/acme/acme.h"
#include "lib/daemon.h"
#include "lib/limits.h"
#include "lib/sock.h"

static struct acme *serving; /* before the first request, until the last is answered */

/* Clients go on with the nonce of a refusal as with any other (RFC 8555 6.5). */
static void
refuse(struct http_request *r, const struct error *e, struct http_answer *a)
{
	const char *nonce = NULL;
	struct error ignored;
	acme_refuse(r, e, a);
	if (acme_nonce_make(acme_nonces(serving), r->arena, &nonce, &ignored) == 0)
		http_answer_header(a, "Replay-Nonce", nonce);
	http_answer_header(a, "Cache-Control", "no-store");
}

static int
run(const struct config *c, struct error *e)
{
	struct acme *acme = NULL;
	struct http_server *server = NULL;
	uid_t edge;
	int fd = -1;
	if (sock_user(config_str(c, OPT_peers_edge), &edge, e) < 0 || acme_open(c, &acme, e) < 0)
		return -1;
	serving = acme;
	struct http_options options = {
	    .max_connections = (int)config_int(c, OPT_acme_connections),
	    .max_body_bytes = LIMIT_BODY_BYTES,
	    .refuse = refuse,
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
