/* siegel-acme: ACME behind the edge, on acme.sock. */
#include "enroll/acme/acme.h"
#include "lib/daemon.h"
#include "lib/limits.h"

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
	if (acme_open(c, &acme, e) < 0)
		return -1;
	serving = acme;
	struct http_options options = {
	    .max_connections = (int)config_int(c, OPT_acme_connections),
	    .max_body_bytes = LIMIT_BODY_BYTES,
	    .refuse = refuse,
	    .handle = acme_handle,
	    .ctx = acme,
	};
	int result = enroll_serve(c, "acme", &options, e);
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
